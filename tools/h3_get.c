// SPDX-License-Identifier: GPL-2.0
/*
 * HTTP/3, the client's side: one request per stream, as many streams at a time
 * as the server and the user allow.  RFC 9114.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "get.h"
#include "http3.h"

#define USER_AGENT	"quicget/0.1"

struct h3_client {
	struct h3 h3;
	struct job *job;
};

static struct h3_client *client_of(struct h3 *h)
{
	return h->conn->app;
}

/* A number of digits alone, or -1. */
static int64_t number(nghttp3_vec v)
{
	int64_t n = 0;

	if (!v.len || v.len > 18)
		return -1;
	for (size_t i = 0; i < v.len; i++) {
		if (v.base[i] < '0' || v.base[i] > '9')
			return -1;
		n = n * 10 + v.base[i] - '0';
	}
	return n;
}

/* ---- the response --------------------------------------------------------
 * A fetch that failed is off the list of active ones; what still comes for it
 * finds nobody.  nghttp3's user data of a stream would outlive it.
 */

static void keep_text(char *out, size_t size, nghttp3_vec v)
{
	if (v.len < size) {
		memcpy(out, v.base, v.len);
		out[v.len] = '\0';
	}
}

static bool is_named(nghttp3_vec v, const char *name)
{
	return v.len == strlen(name) && !memcmp(v.base, name, v.len);
}

/* As HTTP/1 writes it, for people and programs that know that. */
__attribute__((format(printf, 2, 3)))
static void keep_line(struct fetch *f, const char *format, ...)
{
	va_list args;
	char *line, *head;
	int n;

	va_start(args, format);
	n = f->ask->include ? vasprintf(&line, format, args) : -1;
	va_end(args);
	if (n < 0)
		return;
	head = f->head_len + n < H3_FIELDS_MAX ?
	       realloc(f->head, f->head_len + n + 1) : NULL;
	if (head) {
		memcpy(head + f->head_len, line, n + 1);
		f->head = head;
		f->head_len += n;
	}
	free(line);
}

static int recv_header(nghttp3_conn *nc, int64_t id, int32_t token,
		       nghttp3_rcbuf *name, nghttp3_rcbuf *value,
		       uint8_t flags, void *user, void *stream_user)
{
	struct fetch *f = job_find(client_of(user)->job, id);
	nghttp3_vec n = nghttp3_rcbuf_get_buf(name);
	nghttp3_vec v = nghttp3_rcbuf_get_buf(value);

	(void)nc;
	(void)flags;
	(void)stream_user;
	if (!f)
		return 0;
	if (token == NGHTTP3_QPACK_TOKEN__STATUS)
		keep_line(f, "HTTP/3 %.*s\n", (int)v.len, v.base);
	else
		keep_line(f, "%.*s: %.*s\n", (int)n.len, n.base, (int)v.len,
			  v.base);
	if (token == NGHTTP3_QPACK_TOKEN__STATUS)
		f->status = number(v);
	else if (token == NGHTTP3_QPACK_TOKEN_CONTENT_LENGTH)
		f->expected = number(v);
	else if (token == NGHTTP3_QPACK_TOKEN_ETAG)
		keep_text(f->new_etag, sizeof(f->new_etag), v);
	else if (is_named(n, "content-range"))
		ask_content_range(&f->part, (char *)v.base, v.len);
	return 0;
}

static int end_headers(nghttp3_conn *nc, int64_t id, int fin, void *user,
		       void *stream_user)
{
	struct h3 *h = user;
	struct h3_client *g = client_of(h);
	struct fetch *f = job_find(g->job, id);

	(void)nc;
	(void)fin;
	(void)stream_user;
	if (!f)
		return 0;
	if (f->status >= 100 && f->status < 200) {
		f->status = 0;	/* interim: the real one follows */
		f->expected = -1;
		*f->new_etag = '\0';
		f->head_len = 0;
		return 0;
	}
	keep_line(f, "\n");
	fetch_show(f);
	fetch_response(g->job, f, f->status, f->expected);
	if (f->state == FETCH_FAILED && !fin)
		conn_stop_sending(h->conn, id, NGHTTP3_H3_REQUEST_CANCELLED);
	return 0;
}

static int recv_data(nghttp3_conn *nc, int64_t id, const uint8_t *data,
		     size_t n, void *user, void *stream_user)
{
	struct h3 *h = user;
	struct h3_client *g = client_of(h);
	struct fetch *f = job_find(g->job, id);

	(void)nc;
	(void)stream_user;
	if (!f)
		return 0;
	fetch_data(g->job, f, data, n);
	if (f->state == FETCH_FAILED)
		conn_stop_sending(h->conn, id, NGHTTP3_H3_REQUEST_CANCELLED);
	return 0;
}

/* With nothing left to do the connection ends at once, and the stream's error
 * with it: let the close say it.
 */
static int give_up(struct h3 *h, int64_t id, uint64_t code)
{
	struct job *job = client_of(h)->job;
	struct fetch *f = job_find(job, id);

	if (f)
		fetch_fail(job, f, GET_BROKEN, "the response is malformed");
	if (f && !job->left)
		conn_fail(h->conn, CONN_END_ERROR, code,
			  "the response is malformed");
	return 0;
}

static int cut_stream(nghttp3_conn *nc, int64_t id, uint64_t code, void *user,
		      void *stream_user)
{
	struct h3 *h = user;

	(void)nc;
	(void)stream_user;
	conn_reset_stream(h->conn, id, code);
	return give_up(h, id, code);
}

static int stop_stream(nghttp3_conn *nc, int64_t id, uint64_t code, void *user,
		       void *stream_user)
{
	struct h3 *h = user;

	(void)nc;
	(void)stream_user;
	conn_stop_sending(h->conn, id, code);
	return give_up(h, id, code);
}

/* GOAWAY (RFC 9114 section 5.2): start no more; those it names nobody looked
 * at, so that they can be had elsewhere.
 */
static int going_away(nghttp3_conn *nc, int64_t id, void *user)
{
	struct job *job = client_of(user)->job;
	struct fetch *f, *next;

	(void)nc;
	job->closing = true;
	for (f = TAILQ_FIRST(&job->active); f; f = next) {
		next = TAILQ_NEXT(f, link);
		if (f->id < id)
			continue;
		if (f->status)
			fetch_fail(job, f, GET_BROKEN,
				   "the server took its response back");
		else
			job_put_back(job, f);
	}
	return 0;
}

/* ---- the request --------------------------------------------------------- */

static nghttp3_nv nv(const char *name, const char *value)
{
	return (nghttp3_nv){
		.name = (uint8_t *)name, .namelen = strlen(name),
		.value = (uint8_t *)value, .valuelen = strlen(value),
	};
}

/* Where --continue begins, and of what. */
static size_t put_part(nghttp3_nv *fields, char *range, size_t size,
		       const struct fetch *f)
{
	if (f->ask->range[0]) {
		fields[0] = nv("range", f->ask->range);
		return 1;
	}
	if (!f->have)
		return 0;
	snprintf(range, size, "bytes=%ju-", (uintmax_t)f->have);
	fields[0] = nv("range", range);
	fields[1] = nv("if-range", f->etag);
	return 2;
}

static bool request(struct h3_client *g, struct fetch *f)
{
	const struct ask *a = f->ask;
	nghttp3_nv fields[8 + ASK_FIELDS_MAX] = {
		nv(":method", a->head ? "HEAD" : "GET"),
		nv(":scheme", "https"),
		nv(":authority", f->url->authority),
		nv(":path", f->url->path),
	};
	char range[40];
	size_t n = 4;
	int err;

	if (a->resume && !output_resume(f)) {
		fetch_fail(g->job, f, GET_WRITE, "%s: %s", f->path,
			   strerror(errno));
		conn_reset_stream(g->h3.conn, f->id,
				  NGHTTP3_H3_REQUEST_CANCELLED);
		return true;
	}
	if (!ask_names(a, "user-agent"))
		fields[n++] = nv("user-agent", USER_AGENT);
	if (a->if_none_match)
		fields[n++] = nv("if-none-match", a->if_none_match);
	n += put_part(fields + n, range, sizeof(range), f);
	for (size_t i = 0; i < a->field_count; i++)
		fields[n++] = nv(a->fields[i].name, a->fields[i].value);
	err = nghttp3_conn_submit_request(g->h3.nc, f->id, fields, n, NULL,
					  NULL);
	return !err || h3_fail(&g->h3, err);
}

static void request_sent(struct h3 *h, int64_t id, size_t left, size_t tail,
			 bool fin)
{
	(void)h;
	(void)id;
	(void)left;
	(void)tail;
	(void)fin;
}

/* The server wants no more of a stream.  A response may come all the same. */
static void request_broken(struct h3 *h, int64_t id)
{
	(void)h;
	(void)id;
}

static const struct h3_role client_role = {
	.callbacks = {
		.recv_header = recv_header,
		.end_headers = end_headers,
		.recv_data = recv_data,
		.reset_stream = cut_stream,
		.stop_sending = stop_stream,
		.shutdown = going_away,
	},
	.sent = request_sent,
	.broken = request_broken,
};

/* ---- the connection's side ----------------------------------------------- */

static bool open_client(struct conn *c)
{
	struct h3_client *g = calloc(1, sizeof(*g));

	if (!g) {
		conn_fail(c, CONN_END_ERROR, NGHTTP3_H3_INTERNAL_ERROR,
			  "out of memory");
		return false;
	}
	c->app = g;
	g->job = c->owner;
	return h3_open(&g->h3, c, &client_role);
}

/* RFC 9114 section 6.1: servers open no two-way streams. */
static bool check_opener(struct conn *c, int64_t id)
{
	if (h3_is_uni(id) || !(id & QUIC_STREAM_TYPE_SERVER_MASK))
		return true;
	conn_fail(c, CONN_END_ERROR, NGHTTP3_H3_STREAM_CREATION_ERROR,
		  "HTTP/3: the server opened a stream of two ways");
	return false;
}

static bool data(struct conn *c, int64_t id, const uint8_t *bytes, size_t n,
		 bool fin)
{
	struct h3_client *g = c->app;
	struct fetch *f;

	if (!check_opener(c, id))
		return false;
	/* What comes late for a stream that is over is nobody's. */
	if (!h3_is_uni(id) &&
	    nghttp3_conn_set_stream_user_data(g->h3.nc, id, NULL))
		return true;
	if (!h3_data(&g->h3, id, bytes, n, fin))
		return false;
	if (!fin || h3_is_uni(id))
		return true;
	f = job_find(g->job, id);
	if (f)
		fetch_end(g->job, f);
	return h3_close_stream(&g->h3, id, NGHTTP3_H3_NO_ERROR);
}

/* RFC 9114 section 4.1.1: it did not look at it.  GOAWAY will say so of all, and
 * comes on another stream: later, perhaps.
 */
static void rejected(struct job *job, struct fetch *f)
{
	job->closing = true;
	job_put_back(job, f);
}

static bool reset(struct conn *c, int64_t id, uint32_t error)
{
	struct h3_client *g = c->app;
	struct fetch *f;

	if (h3_is_uni(id))
		return h3_reset_uni(&g->h3, id, error);
	if (!check_opener(c, id))
		return false;
	f = job_find(g->job, id);
	if (f && error == NGHTTP3_H3_REQUEST_REJECTED && !f->status)
		rejected(g->job, f);
	else if (f)
		fetch_fail(g->job, f, GET_BROKEN,
			   "the server broke off the response (error 0x%x)",
			   error);
	return h3_close_stream(&g->h3, id, error);
}

static bool stopped(struct conn *c, int64_t id, uint32_t error)
{
	struct h3_client *g = c->app;

	(void)error;
	if (h3_is_uni(id))
		return h3_stopped_uni(&g->h3, id);
	nghttp3_conn_shutdown_stream_write(g->h3.nc, id);
	return true;
}

static bool credit(struct conn *c, int64_t id)
{
	struct h3_client *g = c->app;
	struct fetch *f;

	if (!h3_credit(&g->h3, id))
		return false;
	if (id == -1)
		TAILQ_FOREACH(f, &g->job->active, link)
			if (!h3_credit(&g->h3, f->id))
				return false;
	return true;
}

static bool push(struct conn *c)
{
	struct h3_client *g = c->app;
	struct fetch *f;

	while ((f = job_start(g->job, c)))
		if (!request(g, f))
			return false;
	return c->state != CONN_CLOSED && h3_write(&g->h3);
}

static void close_client(struct conn *c)
{
	struct h3_client *g = c->app;

	if (g->h3.nc)
		h3_free(&g->h3);
	free(g);
}

const struct conn_ops h3_get_ops = {
	.alpn = "h3",
	.no_error = NGHTTP3_H3_NO_ERROR,
	.open = open_client,
	.data = data,
	.reset = reset,
	.stopped = stopped,
	.credit = credit,
	.write = push,
	.close = close_client,
};
