/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TOOLS_SERVE_H
#define TOOLS_SERVE_H

#include <pthread.h>
#include <stdio.h>
#include <sys/queue.h>

#include "conn.h"
#include "http.h"
#include "mime.h"
#include "site.h"
#include "url.h"

/* Streams a peer may have under way.  The kernel's limit is lower; this one
 * bounds what a peer gets by resetting streams as fast as it opens them.
 */
#define SERVE_REQUESTS_MAX	256
#define SERVE_TARGET_MAX	URL_PATH_MAX
/* The longest field that means something to us; longer ones are refused. */
#define SERVE_FIELD_MAX		1024
/* Streams that are open because a later one is, but have brought nothing. */
#define SERVE_SKIPPED_MAX	4096

/* The logs; several threads write to them. */
struct serve_log {
	const char *json_path;		/* as the user named them, or NULL */
	const char *access_path;
	FILE *json;			/* an object per event and line */
	FILE *access;			/* a line per request, combined format */
	bool verbose;
	pthread_mutex_t lock;		/* of both files */
};

/* What all connections of the server share. */
struct serve {
	struct site site;
	struct mime mime;
	struct serve_log log;
};

enum method { METHOD_NONE, METHOD_GET, METHOD_HEAD, METHOD_OTHER };

/* The fields of a request that are kept. */
enum request_field {
	FIELD_IF_MATCH, FIELD_IF_NONE_MATCH, FIELD_IF_MODIFIED_SINCE,
	FIELD_IF_UNMODIFIED_SINCE, FIELD_IF_RANGE, FIELD_RANGE,
	FIELD_REFERER, FIELD_USER_AGENT,	/* for the log */
	FIELDS
};

/* One request and its response: one stream. */
struct request {
	TAILQ_ENTRY(request) link;	/* of struct served */
	int64_t id;
	uint64_t began;

	enum method method;
	char *target;		/* what was asked for */
	size_t target_len;
	size_t field_bytes;	/* of its header section, so far */
	char *fields[FIELDS];

	int status;		/* 0: not answered yet */
	const char *type;	/* media type, or NULL */
	char *location;		/* or NULL */
	bool is_file;		/* v and size are about a file */
	struct http_validators v;
	off_t size;		/* of all, where a range is sent */
	off_t length;		/* of the content, even if HEAD sends none */

	int fd;			/* the file to send, or -1 */
	char *text;		/* or what to send instead */
	off_t first, off, end;	/* what of it; off is how far it got */
	uint8_t frame[9];	/* goes before the content */
	uint8_t frame_len, frame_off;

	uint8_t urgency;	/* RFC 9218: 0 is first, 7 last */
	bool incremental;	/* shares with others of its urgency */
	bool ready;		/* the content's turn has come */
	bool blocked;		/* waits for stream credit */
	bool rx_done, tx_done;	/* directions that are over */
	size_t late;		/* bytes that came after the response */
	bool heard;		/* HTTP/3: the stream has brought bytes */
	bool head_made;		/* HTTP/3: HEADERS are framed */
};

TAILQ_HEAD(request_list, request);

/* The requests of one connection; first member of what a protocol keeps. */
struct served {
	struct conn *conn;
	struct serve *serve;
	struct request_list requests;	/* in the order of their turns */
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
/* Keep a field; a second one of the name is appended, as a list.  False: it is
 * too long.
 */
bool request_field(struct request *r, enum request_field field,
		   const void *value, size_t n);

/* answer.c: find what the request is for; sets status, and for a GET what to
 * send.  The other refuses it.
 */
void request_answer(struct served *s, struct request *r);
void request_refuse(struct request *r, int status);

/* The peer's direction of the request is over; ours is; ours is to be cut off
 * with an error code.  Each frees the request if it was the second one.
 */
bool request_rx_done(struct served *s, struct request *r);
bool request_tx_done(struct served *s, struct request *r);
bool request_cut(struct served *s, struct request *r, uint32_t code);

/* More bytes of the request came: enough of them when it is answered? */
void request_late(struct served *s, struct request *r, size_t n);

/* Let streams try again that waited for credit; id -1 is all. */
void served_credit(struct served *s, int64_t id);

/* Send content while the socket takes it: in turns of a quantum, the most
 * urgent request first.  code is what to reset a stream with whose file cannot
 * be read.
 */
bool served_push(struct served *s, uint32_t code);

/* log.c: open the files that the paths name, or open them again, so that they
 * can be moved away.  NULL, or the path that cannot be opened.
 */
const char *log_open(struct serve_log *log);
void log_close(struct serve_log *log);
void log_connection(struct serve_log *log, const struct conn *c,
		    const char *what);
void log_request(struct serve_log *log, const struct conn *c,
		 const struct request *r);

#endif
