/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TOOLS_SERVE_H
#define TOOLS_SERVE_H

#include <stdio.h>
#include <sys/queue.h>

#include "conn.h"
#include "site.h"
#include "url.h"

/* Streams a peer may have under way.  The kernel's limit is lower; this one
 * bounds what a peer gets by resetting streams as fast as it opens them.
 */
#define SERVE_REQUESTS_MAX	256
#define SERVE_TARGET_MAX	URL_PATH_MAX
/* Streams that are open because a later one is, but have brought nothing. */
#define SERVE_SKIPPED_MAX	4096

struct serve_log {
	FILE *json;	/* one object per line, or NULL */
	bool verbose;
};

/* What all connections of the server share. */
struct serve {
	struct site site;
	struct serve_log log;
};

enum method { METHOD_NONE, METHOD_GET, METHOD_HEAD, METHOD_OTHER };

/* One request and its response: one stream. */
struct request {
	TAILQ_ENTRY(request) link;	/* of struct served */
	int64_t id;
	uint64_t began;

	enum method method;
	char *target;		/* what was asked for */
	size_t target_len;
	size_t field_bytes;	/* of its header section, so far */

	int status;		/* 0: not answered yet */
	int fd;			/* the file to send, or -1 */
	off_t off, size;
	uint8_t frame[9];	/* goes before the file */
	uint8_t frame_len, frame_off;

	bool ready;		/* the file's turn has come */
	bool blocked;		/* waits for stream credit */
	bool rx_done, tx_done;	/* directions that are over */
	bool head_made;		/* HTTP/3: HEADERS are framed */
};

TAILQ_HEAD(request_list, request);

/* The requests of one connection; first member of what a protocol keeps. */
struct served {
	struct conn *conn;
	struct serve *serve;
	struct request_list requests;	/* in the order they get their turn */
	unsigned int count;
	int64_t next;		/* lowest ID not seen, nor skipped */
	int64_t *skipped;	/* IDs below it that brought nothing yet */
	size_t skipped_count;
	uint32_t excessive;	/* error code for too many requests */
	/* Told when a request is over in both directions, before it is
	 * freed.  False: the connection failed.
	 */
	bool (*over)(struct served *s, struct request *r);
};

extern const struct conn_ops h3_serve_ops;
extern const struct conn_ops hq_serve_ops;

void served_init(struct served *s, struct conn *c);
void served_free(struct served *s);

struct request *served_find(struct served *s, int64_t id);
/* The request of a stream that brings bytes, a new one if it is new.  *r is
 * NULL where the stream was over already.  False: the connection failed.
 */
bool served_get(struct served *s, int64_t id, struct request **r);

/* Append to the request target.  False: longer than SERVE_TARGET_MAX. */
bool request_target(struct request *r, const void *data, size_t n);
/* Find the file; sets status, and for a GET fd and size. */
void request_answer(struct served *s, struct request *r);

/* The peer's direction of the request is over; ours is; ours is to be cut off
 * with an error code.  Each frees the request if it was the second one.
 */
bool request_rx_done(struct served *s, struct request *r);
bool request_tx_done(struct served *s, struct request *r);
bool request_cut(struct served *s, struct request *r, uint32_t code);

/* Let streams try again that waited for credit; id -1 is all. */
void served_credit(struct served *s, int64_t id);

/* Send files, in turns of a quantum, while the socket takes them.  code is
 * what to reset a stream with whose file cannot be read.
 */
bool served_push(struct served *s, uint32_t code);

/* log.c */
void log_connection(const struct serve_log *log, const struct conn *c,
		    const char *peer, const char *what);
void log_request(const struct serve_log *log, const struct request *r);

#endif
