/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TOOLS_CONN_H
#define TOOLS_CONN_H

#include <linux/quic.h>
#include <netinet/quic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "tls.h"

#define CONN_VEC_MAX	18	/* iovecs in one conn_send() */

struct conn;

/*
 * What an application protocol does with a connection.  Every function but
 * open and close may be called any number of times; one that returns false
 * has called conn_fail() and is not called again, except for close.
 */
struct conn_ops {
	const char *alpn;
	uint32_t no_error;	/* the code of a normal end */
	unsigned int own_streams;	/* one-way ones that a server opens at once */
	/* The connection can send: the handshake is over, or nearly. */
	bool (*open)(struct conn *c);
	/* Bytes of a stream, in order; n may be 0 with fin. */
	bool (*data)(struct conn *c, int64_t id, const uint8_t *data, size_t n,
		     bool fin);
	/* The peer will send no more on the stream (RESET_STREAM). */
	bool (*reset)(struct conn *c, int64_t id, uint32_t error);
	/* The peer wants no more of the stream (STOP_SENDING). */
	bool (*stopped)(struct conn *c, int64_t id, uint32_t error);
	/* The stream, or all of them if id is -1, may have send credit. */
	bool (*credit)(struct conn *c, int64_t id);
	/* Send what there is to send, a bounded amount, until conn_send()
	 * says -EAGAIN.  Sets c->more if it stopped for fairness.
	 */
	bool (*write)(struct conn *c);
	/* Take no more requests; first a warning, then the last word.  May be
	 * NULL.
	 */
	bool (*drain)(struct conn *c, bool last);
	/* Is no request under way?  For servers. */
	bool (*idle)(const struct conn *c);
	/* The connection is going away: free c->app. */
	void (*close)(struct conn *c);
};

enum conn_state { CONN_HANDSHAKE, CONN_OPEN, CONN_CLOSED };

enum conn_end {
	CONN_END_NONE,
	CONN_END_REFUSED,	/* nobody answers there */
	CONN_END_TIMEOUT,
	CONN_END_TLS,
	CONN_END_PEER,		/* the peer closed */
	CONN_END_ERROR,		/* the peer broke a rule, or we failed */
	CONN_END_MODULE,	/* the kernel speaks no QUIC */
};

struct conn {
	int fd;
	enum conn_state state;
	enum conn_end end;	/* why it is CLOSED */
	char why[192];		/* the same in words */
	uint32_t peer_code;	/* what the peer closed with */

	const struct conn_ops *const *protocols;	/* ends with NULL */
	const struct conn_ops *ops;	/* the one that ALPN selected */
	void *app;			/* its state */
	void *owner;			/* the program's state */
	void (*on_open)(struct conn *c);	/* or NULL */

	uint32_t want_version;		/* a client's, of QUIC; 0: the usual */
	uint32_t better_version;	/* it would rather go on with this; or 0 */
	const char *token_file;		/* a client's, or NULL */

	const char *peer;		/* who it is, for logs; or NULL */
	gnutls_session_t session;	/* until the handshake is over, or ... */
	bool keep_session;		/* ... until the end */
	bool resumed;
	bool early;		/* @ops began before the handshake was over */
	uint64_t received;	/* bytes of all streams */
	uint64_t update_keys;	/* after so many of them; 0: not */
	struct tls_cred *cred;		/* that it uses */
	struct tls *tls;		/* ... and for another beginning */
	const char *host;		/* likewise */
	struct quic_handshake_step *step;
	int io_error;			/* errno of the last failed step */

	bool full;	/* the socket takes no more before POLLOUT */
	bool blocked;	/* a stream was refused for lack of credit */
	bool more;	/* there is more to send although it is not full */
	bool no_active;	/* streams cannot be selected for sendfile() */
	bool no_sendfile;

	uint64_t began;		/* microseconds of the monotonic clock */
	uint64_t opened;
	uint64_t heard;		/* when anything last came or went */
	char alpn[32];
	char cipher[64];
	const char *version;	/* of QUIC */
	char cc[16];		/* congestion control */
};

uint64_t clock_us(void);

/* An address in words, as 127.0.0.1:443 or [::1]:443. */
void conn_name(char *name, size_t size, const struct sockaddr *addr,
	       socklen_t len);

/* A client's connection to addr, or a server's of an accepted socket.  They
 * begin the handshake; on failure c is CLOSED with its reason.
 */
void conn_connect(struct conn *c, struct tls *tls,
		  const struct sockaddr *addr, socklen_t len,
		  const char *host);
void conn_accepted(struct conn *c, struct tls *tls, int fd);

/* contact.c: before and after a client connects, and before it closes: the
 * versions and the token.  False: errno says why.
 */
bool contact_begin(struct conn *c);
bool contact_connected(struct conn *c);
bool contact_end(struct conn *c);

/* The poll events to wait for, and what to do when they come. */
short conn_events(const struct conn *c);
void conn_ready(struct conn *c, short events);

/* What became of early data: "none", "accepted" ... */
const char *conn_early_data(const struct conn *c);

/* Try again what may be blocked; to be called now and then. */
void conn_retry(struct conn *c);

/* A server's connection is to end: take no more requests, see conn_ops.  When
 * nothing is under way any more, conn_finish() may follow.
 */
void conn_drain(struct conn *c, bool last);
bool conn_is_idle(const struct conn *c);

/* End the connection: for a reason of ours, or the normal way.  The code is
 * the application's; a failed handshake has the one that libquic chose.
 */
__attribute__((format(printf, 4, 5)))
void conn_fail(struct conn *c, enum conn_end end, uint32_t code,
	       const char *format, ...);
void conn_finish(struct conn *c);

/* Close the socket and free everything but c itself. */
void conn_release(struct conn *c);

enum {
	CONN_FIN = 1,	/* the stream ends if all bytes are taken */
	CONN_MORE = 2,	/* another send follows at once: wait for its bytes */
};

/*
 * Send on a stream.  Returns the bytes taken, or -EAGAIN when the socket is
 * full (c->full is set), -ENOSPC when the stream waits for the peer's credit,
 * or another negative errno when the stream is no more.
 */
ssize_t conn_send(struct conn *c, int64_t id, const struct iovec *iov, int n,
		  int flags);
/* The same for n bytes of a file at *off, which moves. */
ssize_t conn_send_file(struct conn *c, int64_t id, int fd, off_t *off,
		       size_t n);

/* Open the next stream; -EAGAIN when the peer's limit is reached. */
int64_t conn_open_stream(struct conn *c, bool uni);
void conn_reset_stream(struct conn *c, int64_t id, uint32_t code);
void conn_stop_sending(struct conn *c, int64_t id, uint32_t code);
/* What the socket has taken leaves in this order, as well (RFC 9218). */
void conn_prioritize(struct conn *c, int64_t id, uint8_t urgency,
		     bool incremental);

#endif
