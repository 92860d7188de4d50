// SPDX-License-Identifier: GPL-2.0
/*
 * HTTP/0.9 over QUIC ("hq-interop"), the server's side.
 *
 * A request is "GET /path", ended by a line end or the end of the stream; the
 * response is the file and the end of the stream.  There is no status: what
 * cannot be served resets the stream with the status as its error code.
 */
#include <stdlib.h>
#include <string.h>

#include "serve.h"

/* Spaces, and what ends a line. */
static bool is_end(char ch)
{
	return ch == ' ' || ch == '\r' || ch == '\n';
}

/* "GET /path" without its line end, in place. */
static bool parse_line(struct request *r)
{
	char *line = r->target;
	size_t n = r->target_len;

	while (n && is_end(line[n - 1]))
		n--;
	if (n < 5 || memcmp(line, "GET ", 4))
		return false;
	memmove(line, line + 4, n - 4);
	r->target_len = n - 4;
	line[r->target_len] = '\0';
	r->method = METHOD_GET;
	return true;
}

static bool answer(struct served *s, struct request *r)
{
	if (!parse_line(r))
		r->status = 400;
	else
		request_answer(s, r);
	if (r->status != 200)
		return request_cut(s, r, r->status);
	r->incremental = true;	/* nobody said what comes first */
	r->ready = true;
	return true;
}

static bool add_bytes(struct served *s, struct request *r, const uint8_t *bytes,
		      size_t n, bool fin)
{
	const uint8_t *eol;

	if (r->status)
		return true;	/* answered already: what follows is noise */
	eol = memchr(bytes, '\n', n);
	if (!request_target(r, bytes, eol ? (size_t)(eol - bytes) : n)) {
		r->status = 414;
		return request_cut(s, r, r->status);
	}
	return eol || fin ? answer(s, r) : true;
}

static bool data(struct conn *c, int64_t id, const uint8_t *bytes, size_t n,
		 bool fin)
{
	struct served *s = c->app;
	struct request *r;

	if (id & (QUIC_STREAM_TYPE_UNI_MASK | QUIC_STREAM_TYPE_SERVER_MASK))
		return true;
	if (!served_get(s, id, &r))
		return false;
	if (!r)
		return true;
	if (!add_bytes(s, r, bytes, n, fin))
		return false;
	/* The answer may have ended the request. */
	r = fin ? served_find(s, id) : NULL;
	return r ? request_rx_done(s, r) : true;
}

static bool reset(struct conn *c, int64_t id, uint32_t error)
{
	struct served *s = c->app;
	struct request *r;

	if (id & (QUIC_STREAM_TYPE_UNI_MASK | QUIC_STREAM_TYPE_SERVER_MASK))
		return true;
	if (!served_get(s, id, &r))
		return false;
	if (!r)
		return true;
	if (r->status)
		return request_rx_done(s, r);
	r->rx_done = true;
	return request_cut(s, r, error);
}

static bool stopped(struct conn *c, int64_t id, uint32_t error)
{
	struct served *s = c->app;
	struct request *r = served_find(s, id);

	return r ? request_cut(s, r, error) : true;
}

static bool credit(struct conn *c, int64_t id)
{
	served_credit(c->app, id);
	return true;
}

static bool push(struct conn *c)
{
	return served_push(c->app, 503);
}

static bool nothing_more(struct served *s, struct request *r)
{
	(void)s;
	(void)r;
	return true;
}

static bool open_server(struct conn *c)
{
	struct served *s = calloc(1, sizeof(*s));

	if (!s) {
		conn_fail(c, CONN_END_ERROR, 0, "out of memory");
		return false;
	}
	c->app = s;
	served_init(s, c);
	s->over = nothing_more;
	return true;
}

static bool is_idle(const struct conn *c)
{
	const struct served *s = c->app;

	return !s->count;
}

static void close_server(struct conn *c)
{
	served_free(c->app);
	free(c->app);
}

const struct conn_ops hq_serve_ops = {
	.alpn = "hq-interop",
	.open = open_server,
	.data = data,
	.reset = reset,
	.stopped = stopped,
	.credit = credit,
	.write = push,
	.idle = is_idle,
	.close = close_server,
};
