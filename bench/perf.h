/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of quicperf share, from the bottom up: options, histograms,
 * TLS, the contract that a transport fulfils, connections with their
 * exchanges, and the workers that run them.
 *
 * An exchange is a request and its answer (draft-banks-quic-performance): the
 * client's first 8 bytes say how many bytes it wants back, big-endian; what
 * follows up to its end is for the bin; then the server sends what was asked
 * for.  Over QUIC each has a stream, and an end is a FIN.  A transport of one
 * stream carries them one after the other: 8 more bytes of the head say how
 * long the request is, and the answer has 8 bytes at least.
 */
#ifndef QUICPERF_PERF_H
#define QUICPERF_PERF_H

#include <gnutls/gnutls.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

#define ALPN			"perf"
#define STREAM_HEAD		8	/* bytes wanted back */
#define FRAMED_HEAD		16	/* and bytes of the request */
#define FRAMED_ANSWER_MIN	8
#define STREAMS_MAX		4096	/* what the kernel allows a peer */

struct transport;
struct quic_handshake_step;

/* ---- options --------------------------------------------------------------- */

struct options {
	const struct transport *transport;
	const struct cipher *cipher;
	const char *host, *port;
	const char *cert, *key;		/* server: PEM files */
	const char *ca;			/* client: who may have signed it */
	unsigned int threads;
	size_t write_size;		/* bytes per call, sending and receiving */
	uint64_t window;		/* QUIC: flow control, stream and connection */
	bool server;
	bool sendfile;			/* send out of a file */
	bool no_pad;			/* kTLS: TLS_RX_EXPECT_NO_PAD */
	bool until_eof;			/* of standard input */
	bool tickets;			/* server: give them */

	/* Client: what to do. */
	unsigned int connections;	/* at the same time */
	unsigned int streams;		/* of each, at the same time */
	uint64_t exchanges;		/* of each stream, one after the other */
	uint64_t up, down;		/* bytes of an exchange */
	uint64_t repeat;		/* connections, one after the other */
	double rate;			/* new connections a second; 0: any */
	double duration;		/* seconds; 0: until all is done */
	bool resume;
	bool histogram;			/* report the buckets, too */
};

/* ---- stats.c --------------------------------------------------------------- */

/* Buckets of 1/64 of a power of two: what is read from them is within 1.6 %. */
#define HISTOGRAM_STEPS		64
#define HISTOGRAM_BUCKETS	(58 * HISTOGRAM_STEPS)

struct histogram {
	uint64_t count, sum, min, max;
	uint64_t bucket[HISTOGRAM_BUCKETS];
};

struct stats {
	uint64_t bytes;			/* of exchanges, both directions */
	uint64_t resumed;		/* connections */
	uint64_t start_ns;		/* the first connection was begun */
	uint64_t ready_ns;		/* the first exchange was begun */
	uint64_t end_ns;		/* the last one was over */
	uint64_t idle_ns;		/* idle_ns() when the first exchange was begun */
	struct histogram handshake, exchange;	/* nanoseconds */
};

uint64_t now_ns(void);
/* That all processors were idle, since the machine booted; 0 for who is not root. */
uint64_t idle_ns(void);
void histogram_add(struct histogram *h, uint64_t value);
uint64_t histogram_limit(unsigned int bucket);
uint64_t histogram_at(const struct histogram *h, double part);
void stats_merge(struct stats *to, const struct stats *from);

/* ---- tls.c ----------------------------------------------------------------- */

struct cipher {
	const char *name;
	const char *priority;		/* GnuTLS's name */
	unsigned int kernel;		/* TLS_CIPHER_* */
};

/* What all sessions of the program share. */
struct tls {
	const struct options *o;
	gnutls_certificate_credentials_t cred;
	gnutls_datum_t ticket_key;	/* kTLS server */
	char *priority;
	void *session;			/* client: of an earlier connection */
	size_t session_size;
};

const struct cipher *tls_find_cipher(const char *name);
void tls_init(struct tls *tls, const struct options *o);
gnutls_session_t tls_session(const struct tls *tls, int fd);
void tls_check(int ret, const char *what);

/* ---- transports ------------------------------------------------------------ */

struct conn;

/*
 * Sockets do not block: -1 with errno EAGAIN, and epoll tells when to try
 * again.  ENOSPC from send(): this stream must wait, others need not.
 */
struct transport {
	const char *name;
	bool has_tls, has_streams;
	int type, protocol;		/* of the socket */
	void (*prepare)(int fd, const struct options *o);
	/* Client: a session of a first connection, for tls->session. */
	void (*prime)(struct tls *tls);
	/* 1: done, 0: to be continued, negative: failed, and why is told. */
	int (*handshake)(struct conn *c);
	ssize_t (*send)(struct conn *c, int64_t stream, const void *data,
			size_t len, bool fin);
	ssize_t (*sendfile)(struct conn *c, int64_t stream, int file,
			    off_t offset, size_t len);
	/* *fin: nothing will follow, on the stream or the connection. */
	ssize_t (*recv)(struct conn *c, void *data, size_t len, int64_t *stream,
			bool *fin);
};

/* What a TCP socket does, TLS or not. */
void tcp_prepare(int fd, const struct options *o);
int tcp_connected(struct conn *c);
ssize_t tcp_send(struct conn *c, int64_t stream, const void *data, size_t len,
		 bool fin);
ssize_t tcp_sendfile(struct conn *c, int64_t stream, int file, off_t offset,
		     size_t len);

extern const struct transport transport_tcp, transport_ktls, transport_quic;

/* net.c */
int net_listen(const struct options *o);
int net_connect(const struct options *o, bool block);

/* ---- exchanges and connections --------------------------------------------- */

struct exchange {
	int64_t stream;
	uint8_t head[FRAMED_HEAD];
	unsigned int head_len;		/* bytes of it: to send, or received */
	uint64_t sent, to_send;		/* in all, the head included */
	uint64_t to_recv;		/* still; UINT64_MAX: up to the FIN */
	bool fin;			/* is to be sent after that */
	uint64_t start_ns;
	TAILQ_ENTRY(exchange) sending;
};

TAILQ_HEAD(exchanges, exchange);

struct conn {
	struct worker *worker;
	int fd;
	enum { CONN_HANDSHAKE, CONN_OPEN, CONN_ENDED } state;
	gnutls_session_t session;	/* until the handshake is over */
	struct quic_handshake_step *step;
	bool attached;			/* kTLS: the socket knows of TLS */
	int64_t active;			/* QUIC: stream that sendfile() goes to */
	bool readable, writable;	/* as far as we know */
	uint64_t start_ns;

	/* By stream number / 4, modulo the size, a power of two. */
	struct exchange **table;
	unsigned int table_size;
	struct exchanges sending;	/* taking turns */

	/* Client */
	int64_t next_stream;
	uint64_t begun, done;		/* exchanges */

	bool busy;			/* in the worker's list of such */
	TAILQ_ENTRY(conn) all, queue;
};

TAILQ_HEAD(conns, conn);

/* conn.c */
struct conn *conn_new(struct worker *w, int fd);
void conn_wake(struct conn *c, uint32_t events);
void conn_run(struct conn *c);
void conn_free(struct conn *c);
struct exchange *conn_exchange(struct conn *c, int64_t stream);
struct exchange *conn_exchange_new(struct conn *c, int64_t stream);
void conn_exchange_free(struct conn *c, struct exchange *e);
void conn_exchange_send(struct conn *c, struct exchange *e);

/* ---- workers --------------------------------------------------------------- */

/* What client and server do differently.  Called by the connection's worker. */
struct role {
	void (*opened)(struct conn *c);
	/* Bytes of a stream; fin: its last. */
	void (*received)(struct conn *c, int64_t stream, const char *data,
			 size_t len, bool fin);
	/* Everything of it has been sent. */
	void (*sent)(struct conn *c, struct exchange *e);
	/* The peer is gone, or (with a reason) something went wrong. */
	void (*ended)(struct conn *c, const char *why);
	/* Once per turn; milliseconds until the next, -1: when something
	 * happens.
	 */
	int (*turn)(struct worker *w);
};

struct worker {
	const struct options *o;
	const struct role *role;
	struct tls *tls;
	unsigned int index;
	int epoll, listener, file;	/* listener: -1 with a client */
	char *in, *out;			/* buffers of write_size bytes */
	struct conns all, busy;
	unsigned int conns;		/* how many there are */
	bool leave;
	pthread_t thread;

	/* Client */
	uint64_t started, to_start;	/* connections */
	unsigned int handshakes;	/* under way */
	unsigned int unfinished;	/* connections with work to do */
	bool waiting;			/* for the others' connections */
	struct stats stats;
};

/* worker.c */
void worker_init(struct worker *w, const struct options *o,
		 const struct role *role, struct tls *tls, unsigned int index);
void worker_run(struct worker *w);
void worker_free(struct worker *w);
void worker_busy(struct conn *c);

/* client.c, server.c */
void client_run(const struct options *o, struct tls *tls);
void server_run(const struct options *o, struct tls *tls);

/* report.c */
void report_ready(const struct options *o);
void report_stats(const struct options *o, const struct stats *s);

#endif
