/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of quicperf share: the options of one run, the contract that
 * a transport fulfils, and the result that is reported.
 */
#ifndef QUICPERF_PERF_H
#define QUICPERF_PERF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum direction { UP, DOWN };

struct options {
	const struct transport *transport;
	const char *host, *port;
	const char *cert, *key;		/* server: PEM files */
	const char *ca;			/* client: who may have signed it */
	enum direction direction;
	uint64_t bytes;
	size_t write_size;		/* bytes per call, sending and receiving */
	uint64_t window;		/* QUIC: flow control, stream and connection */
	unsigned int repeat;
	bool server, once;
	bool no_pad;			/* kTLS: TLS_RX_EXPECT_NO_PAD */
};

struct result {
	uint64_t handshake_ns;
	uint64_t elapsed_ns;	/* first byte sent to last byte received */
};

/*
 * One bidirectional byte stream to the peer, the handshake included.  What
 * fails ends the program with a message: a measurement has no second choice.
 */
struct transport {
	const char *name;
	int (*listen)(const struct options *o);
	int (*accept)(int fd, const struct options *o);
	int (*connect)(const struct options *o);
	/* Sends all of it; fin: nothing will follow. */
	void (*send)(int fd, const void *data, size_t len, bool fin);
	/* Bytes received; *fin: nothing will follow.  -1: the peer is gone. */
	ssize_t (*recv)(int fd, void *data, size_t len, bool *fin);
};

/* What a TCP socket does, TLS or not. */
int tcp_listen(const struct options *o);
void tcp_send(int fd, const void *data, size_t len, bool fin);
ssize_t tcp_recv(int fd, void *data, size_t len, bool *fin);

extern const struct transport transport_tcp, transport_ktls, transport_quic;

/* net.c */
typedef void (*net_prepare_t)(int fd, const struct options *o);
int net_listen(const struct options *o, int type, int protocol,
	       net_prepare_t prepare);
int net_connect(const struct options *o, int type, int protocol,
		net_prepare_t prepare);

/* transfer.c */
uint64_t now_ns(void);
void transfer_serve(const struct options *o);
struct result transfer_run(const struct options *o);

/* report.c */
void report_ready(const struct options *o);
void report_result(const struct options *o, const struct result *r);

#endif
