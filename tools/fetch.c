// SPDX-License-Identifier: GPL-2.0
/*
 * A fetch: one response on its way into one file, whatever the protocol.  The
 * file itself is in output.c.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "get.h"

/* Servers that end one after the other as soon as we come have a fault. */
#define TURNED_AWAY_MAX	3

struct fetch *job_find(const struct job *job, int64_t id)
{
	struct fetch *f;

	TAILQ_FOREACH(f, &job->active, link)
		if (f->id == id)
			return f;
	return NULL;
}

struct fetch *job_start(struct job *job, struct conn *c)
{
	struct fetch *f;
	int64_t id;

	while (job->next < job->count &&
	       job->fetches[job->next].state != FETCH_WAITING)
		job->next++;
	if (job->next == job->count || job->running >= job->parallel ||
	    job->closing)
		return NULL;
	id = conn_open_stream(c, false);
	if (id == -EAGAIN) {
		c->blocked = true;	/* STREAM_MAX_STREAM tells */
		return NULL;
	}
	if (id < 0) {
		conn_fail(c, CONN_END_ERROR, 0, "cannot open a stream: %s",
			  strerror(-id));
		return NULL;
	}
	f = &job->fetches[job->next++];
	f->id = id;
	f->state = FETCH_ACTIVE;
	f->began = clock_us();
	TAILQ_INSERT_TAIL(&job->active, f, link);
	job->running++;
	return f;
}

/* ---- its life ------------------------------------------------------------ */

static void over(struct job *job, struct fetch *f, enum fetch_state state)
{
	if (f->state == FETCH_ACTIVE) {
		TAILQ_REMOVE(&job->active, f, link);
		job->running--;
	}
	job->left--;
	f->state = state;
	f->ended = clock_us();
	if (f->hash) {
		unsigned char sum[32];

		gnutls_hash_deinit(f->hash, sum);
		f->hash = NULL;
		for (size_t i = 0; state == FETCH_DONE && i < sizeof(sum); i++)
			sprintf(f->sha256 + 2 * i, "%02x", sum[i]);
	}
	free(f->temporary);
	f->temporary = NULL;
	free(f->request);
	f->request = NULL;
	free(f->head);
	f->head = NULL;
}

void fetch_fail(struct job *job, struct fetch *f, enum get_exit code,
		const char *format, ...)
{
	va_list args;

	if (f->state == FETCH_DONE || f->state == FETCH_FAILED)
		return;
	va_start(args, format);
	vsnprintf(f->why, sizeof(f->why), format, args);
	va_end(args);
	f->exit = code;
	output_drop(f);
	over(job, f, FETCH_FAILED);
}

void job_put_back(struct job *job, struct fetch *f)
{
	size_t i = f - job->fetches;

	TAILQ_REMOVE(&job->active, f, link);
	job->running--;
	f->state = FETCH_WAITING;
	f->id = -1;
	free(f->request);
	f->request = NULL;
	if (i < job->next)
		job->next = i;
}

void job_restart(struct job *job)
{
	struct fetch *f;

	while ((f = TAILQ_FIRST(&job->active)))
		job_put_back(job, f);
}

bool job_again(struct job *job, enum get_exit code, const char *why)
{
	struct fetch *f;

	while ((f = TAILQ_FIRST(&job->active)))
		fetch_fail(job, f, code, "%s", why);
	job->closing = false;
	return job->left && job->turned_away++ < TURNED_AWAY_MAX;
}

void job_fail(struct job *job, enum get_exit code, const char *why)
{
	for (size_t i = 0; i < job->count; i++)
		fetch_fail(job, &job->fetches[i], code, "%s", why);
}

/* The answer to --continue or --range: is it the part that was asked for?
 * False: the fetch has failed, or is over.
 */
static bool take_part(struct job *job, struct fetch *f)
{
	const struct content_range *r = &f->part;

	if (f->status == 416 && f->have && r->size == (int64_t)f->have)
		return true;	/* all of it was there already */
	if (f->status == 416) {
		fetch_fail(job, f, GET_STATUS,
			   "HTTP 416: the file on the server is shorter");
		return false;
	}
	if ((!f->have && !(f->ask->range[0] && ask_is_range(f->ask, r))) ||
	    (f->have && r->first != (int64_t)f->have) ||
	    (f->have && *f->new_etag && strcmp(f->etag, f->new_etag))) {
		fetch_fail(job, f, GET_BROKEN,
			   "the server sent another part than was asked for");
		return false;
	}
	return true;
}

static void refuse_status(struct job *job, struct fetch *f)
{
	if (f->status >= 300 && f->status < 400)
		fetch_fail(job, f, GET_STATUS,
			   "HTTP %d: redirects are not followed", f->status);
	else
		fetch_fail(job, f, GET_STATUS, "HTTP %d%s", f->status,
			   f->status == 404 ? ": no such file on the server" :
			   "");
}

static bool is_wanted(const struct fetch *f)
{
	if (f->status == 304)
		return f->ask->if_none_match;
	return (f->status >= 200 && f->status < 300) || f->status == 416;
}

void fetch_response(struct job *job, struct fetch *f, int status,
		    int64_t length)
{
	bool part = status == 206 || status == 416;

	f->status = status;
	f->expected = length;
	if (!is_wanted(f)) {
		refuse_status(job, f);
		return;
	}
	if (status == 304 || f->ask->head) {
		if (status == 416)
			refuse_status(job, f);
		f->no_content = true;
		return;
	}
	if (part && !take_part(job, f))
		return;
	f->no_content = status == 416;	/* a line of text, of no use */
	if (f->digest && gnutls_hash_init(&f->hash, GNUTLS_DIG_SHA256))
		f->hash = NULL;
	if (!output_open(f, !part))
		fetch_fail(job, f, GET_WRITE, "%s: %s", f->path,
			   strerror(errno));
}

void fetch_data(struct job *job, struct fetch *f, const uint8_t *data, size_t n)
{
	if (f->no_content)
		return;
	f->bytes += n;
	if (!output_write(f, data, n))
		fetch_fail(job, f, GET_WRITE, "%s: %s", f->path,
			   strerror(errno));
	else if (f->hash)
		gnutls_hash(f->hash, data, n);
}

void fetch_end(struct job *job, struct fetch *f)
{
	if (!f->status) {
		fetch_fail(job, f, GET_BROKEN, "the response is incomplete");
		return;
	}
	if (!f->no_content && f->expected >= 0 &&
	    f->bytes != (uint64_t)f->expected) {
		fetch_fail(job, f, GET_BROKEN,
			   "%ju bytes were announced, %ju came",
			   (uintmax_t)f->expected, (uintmax_t)f->bytes);
		return;
	}
	if (f->status == 304 || f->ask->head) {
		output_drop(f);		/* what --continue has opened */
	} else if (!output_finish(f)) {
		fetch_fail(job, f, GET_WRITE, "%s: %s", f->path,
			   strerror(errno));
		return;
	}
	over(job, f, FETCH_DONE);
}

void fetch_show(const struct fetch *f)
{
	if (f->head && fputs(f->head, stdout) >= 0)
		fflush(stdout);
}
