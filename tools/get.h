/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TOOLS_GET_H
#define TOOLS_GET_H

#include <gnutls/crypto.h>
#include <stdio.h>
#include <sys/queue.h>

#include "ask.h"
#include "conn.h"
#include "url.h"

/* Exit codes of quicget, in quicget(1). */
enum get_exit {
	GET_OK,
	GET_USAGE,	/* usage, or something local failed */
	GET_MODULE,	/* no QUIC in the kernel */
	GET_RESOLVE,	/* host not found */
	GET_REFUSED,	/* nobody answers there */
	GET_TIMEOUT,
	GET_TLS,	/* handshake or certificate */
	GET_STATUS,	/* the server has no such file */
	GET_WRITE,	/* the file cannot be written */
	GET_BROKEN,	/* the connection or the stream broke off */
};

#define GET_ETAG_SIZE	256	/* a longer tag is none */

enum fetch_state { FETCH_WAITING, FETCH_ACTIVE, FETCH_DONE, FETCH_FAILED };

/* One file to get. */
struct fetch {
	TAILQ_ENTRY(fetch) link;	/* of struct job, while active */
	const struct url *url;
	const char *path;		/* where to; "-": stdout */
	bool digest;			/* compute sha256 */
	const struct ask *ask;

	enum fetch_state state;
	int64_t id;			/* stream */
	int status;			/* as in HTTP; 0: unknown yet */
	int64_t expected;		/* content-length, or -1 */
	uint64_t bytes;
	uint64_t began, ended;
	struct content_range part;
	bool no_content;		/* of use to us, that is */
	char *head;			/* the response's, as text, or NULL */
	size_t head_len;

	int fd;				/* or -1 */
	char *temporary;		/* name until it is complete */
	bool partial;			/* it stays if the fetch fails */
	uint64_t have;			/* what it had before */
	char etag[GET_ETAG_SIZE];	/* of that */
	char new_etag[GET_ETAG_SIZE];	/* of the response */
	char *request;			/* hq: the line to send */
	size_t request_off, request_len;
	bool blocked;			/* hq: waits for credit */
	gnutls_hash_hd_t hash;
	char sha256[65];

	enum get_exit exit;
	char why[192];
};

TAILQ_HEAD(fetch_list, fetch);

/* What one connection is to fetch: its conn->owner. */
struct job {
	struct fetch *fetches;
	size_t count;
	size_t next;			/* the first one not started */
	size_t left;			/* neither DONE nor FAILED */
	unsigned int parallel;
	unsigned int running;
	struct fetch_list active;
	bool closing;			/* the server takes no more */
	unsigned int turned_away;	/* as often */
};

extern const struct conn_ops h3_get_ops;
extern const struct conn_ops hq_get_ops;

/* Start the next fetch on a new stream, if there is one and the limits allow:
 * NULL otherwise.
 */
struct fetch *job_start(struct job *job, struct conn *c);
struct fetch *job_find(const struct job *job, int64_t id);
/* The server did not look at @f and never will: for another connection. */
void job_put_back(struct job *job, struct fetch *f);
/* ... nor at anything else, though some of it may have gone as early data. */
void job_restart(struct job *job);
/* The connection of a closing server is over: fail what it had begun, for this
 * reason.  True if another one may get the rest.
 */
bool job_again(struct job *job, enum get_exit code, const char *why);
/* Fail all that is not over. */
void job_fail(struct job *job, enum get_exit code, const char *why);

/* The life of a fetch: the response begins, brings bytes, ends. */
void fetch_response(struct job *job, struct fetch *f, int status,
		    int64_t length);
void fetch_data(struct job *job, struct fetch *f, const uint8_t *data,
		size_t n);
void fetch_end(struct job *job, struct fetch *f);
__attribute__((format(printf, 4, 5)))
void fetch_fail(struct job *job, struct fetch *f, enum get_exit code,
		const char *format, ...);

/* The head of the response, on stdout. */
void fetch_show(const struct fetch *f);

/* output.c: look for a part of the file before it is asked for; open it when
 * the response has come; be done with it, without success or with it.  False:
 * errno says why.
 */
bool output_resume(struct fetch *f);
bool output_open(struct fetch *f, bool whole);
bool output_write(struct fetch *f, const uint8_t *data, size_t n);
void output_drop(struct fetch *f);
bool output_finish(struct fetch *f);

/* progress.c: a line on the terminal. */
void progress_show(const struct job *job, bool last);

/* report.c: the same as JSON. */
struct report;

struct report *report_new(void);
/* A connection begins and ends; the counters between are its own. */
void report_begin(struct report *r);
void report_connection(struct report *r, const struct conn *c,
		       const char *authority, const char *address);
void report_fetch(struct report *r, const struct fetch *f);
void report_print(struct report *r, FILE *out, bool ok);

#endif
