// SPDX-License-Identifier: GPL-2.0
/*
 * HTTP/3, the server's side.
 *
 * nghttp3 reads requests and frames the HEADERS of responses.  The content is
 * one DATA frame, whose header (type and length) is written here; its payload
 * goes from the file to the socket by sendfile() and never enters this
 * process.  nghttp3 is told that the content has ended but the stream has not,
 * as if trailers would follow.  RFC 9114.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "http3.h"
#include "serve.h"

#define FRAME_DATA	0x00

struct h3_server {
	struct served served;
	struct h3 h3;
	uint64_t max_streams;	/* how far PRIORITY_UPDATE may look ahead */
};

static struct h3_server *server_of(struct h3 *h)
{
	return h->conn->app;
}

/* RFC 9000 section 16. */
static size_t put_varint(uint8_t *out, uint64_t v)
{
	size_t n = v < 1 << 6 ? 1 : v < 1 << 14 ? 2 : v < 1 << 30 ? 4 : 8;

	for (size_t i = 0; i < n; i++)
		out[i] = v >> 8 * (n - 1 - i);
	out[0] |= (n == 1 ? 0 : n == 2 ? 1 : n == 4 ? 2 : 3) << 6;
	return n;
}

/* ---- the response -------------------------------------------------------- */

static nghttp3_nv nv(const char *name, const char *value)
{
	return (nghttp3_nv){
		.name = (uint8_t *)name, .namelen = strlen(name),
		.value = (uint8_t *)value, .valuelen = strlen(value),
	};
}

/* nghttp3 asks for content: there is none for it, and no end either. */
static nghttp3_ssize no_content(nghttp3_conn *nc, int64_t id, nghttp3_vec *vec,
				size_t cnt, uint32_t *flags, void *user,
				void *stream_user)
{
	struct request *r = stream_user;

	(void)nc;
	(void)id;
	(void)vec;
	(void)cnt;
	(void)user;
	r->head_made = true;
	*flags = NGHTTP3_DATA_FLAG_EOF | NGHTTP3_DATA_FLAG_NO_END_STREAM;
	return 0;
}

/* What a response can have, with room for its values. */
struct fields {
	nghttp3_nv nv[12];
	size_t n;
	char status[4], length[24], range[80];
	char date[HTTP_DATE_SIZE], modified[HTTP_DATE_SIZE];
};

static void put(struct fields *f, const char *name, const char *value)
{
	f->nv[f->n++] = nv(name, value);
}

static void describe_file(struct fields *f, const struct request *r)
{
	put(f, "accept-ranges", "bytes");
	put(f, "etag", r->v.etag);
	http_date(f->modified, r->v.modified);
	if (f->modified[0])
		put(f, "last-modified", f->modified);
	if (r->status == 206)
		snprintf(f->range, sizeof(f->range), "bytes %jd-%jd/%jd",
			 (intmax_t)r->first,
			 (intmax_t)(r->first + r->length - 1),
			 (intmax_t)r->size);
	else if (r->status == 416)
		snprintf(f->range, sizeof(f->range), "bytes */%jd",
			 (intmax_t)r->size);
	if (f->range[0])
		put(f, "content-range", f->range);
}

static void describe(struct fields *f, const struct request *r)
{
	snprintf(f->status, sizeof(f->status), "%03d", r->status);
	put(f, ":status", f->status);
	put(f, "server", "quicserve");
	http_date(f->date, time(NULL));
	put(f, "date", f->date);
	if (r->status != 304) {
		snprintf(f->length, sizeof(f->length), "%jd",
			 (intmax_t)r->length);
		put(f, "content-length", f->length);
		if (r->type)
			put(f, "content-type", r->type);
	}
	if (r->is_file)
		describe_file(f, r);
	if (r->location)
		put(f, "location", r->location);
	if (r->status == 405)
		put(f, "allow", "GET, HEAD");
}

static void read_priority(struct h3_server *s, struct request *r)
{
	nghttp3_pri pri;

	if (nghttp3_conn_get_stream_priority(s->h3.nc, &pri, r->id) ||
	    (r->urgency == pri.urgency && r->incremental == pri.inc))
		return;
	r->urgency = pri.urgency;
	r->incremental = pri.inc;
	conn_prioritize(s->h3.conn, r->id, r->urgency, r->incremental);
}

static int respond(struct h3_server *s, struct request *r)
{
	static const nghttp3_data_reader content = { no_content };
	struct fields f = {};

	describe(&f, r);
	read_priority(s, r);
	if (r->off < r->end) {
		r->frame[0] = FRAME_DATA;
		r->frame_len = 1 + put_varint(r->frame + 1, r->end - r->off);
	}
	return nghttp3_conn_submit_response(s->h3.nc, r->id, f.nv, f.n,
					    r->frame_len ? &content : NULL);
}

static int refuse(struct h3_server *s, struct request *r, int status)
{
	request_refuse(r, status);
	return respond(s, r) ? NGHTTP3_ERR_CALLBACK_FAILURE : 0;
}

static size_t response_tail(struct h3 *h, int64_t id, const uint8_t **data)
{
	struct request *r = served_find(&server_of(h)->served, id);

	if (!r || !r->head_made || r->ready)
		return 0;
	*data = r->frame;
	return r->frame_len;
}

static void response_sent(struct h3 *h, int64_t id, size_t left, size_t tail,
			  bool fin)
{
	struct served *s = &server_of(h)->served;
	struct request *r = served_find(s, id);

	if (!r)
		return;
	if (r->head_made && !left) {
		r->ready = true;
		r->frame_off += tail;
	}
	if (fin)
		request_tx_done(s, r);
}

static void response_broken(struct h3 *h, int64_t id)
{
	struct served *s = &server_of(h)->served;
	struct request *r = served_find(s, id);

	if (r)
		request_cut(s, r, NGHTTP3_H3_REQUEST_CANCELLED);
}

/* ---- the request --------------------------------------------------------- */

/* The bytes that began the stream have made the request. */
static int begin_headers(nghttp3_conn *nc, int64_t id, void *user,
			 void *stream_user)
{
	struct request *r = served_find(&server_of(user)->served, id);

	(void)stream_user;
	return r ? nghttp3_conn_set_stream_user_data(nc, id, r) :
		   NGHTTP3_ERR_CALLBACK_FAILURE;
}

static enum method method_of(nghttp3_vec name)
{
	if (name.len == 3 && !memcmp(name.base, "GET", 3))
		return METHOD_GET;
	if (name.len == 4 && !memcmp(name.base, "HEAD", 4))
		return METHOD_HEAD;
	return METHOD_OTHER;
}

/* The field that is kept, or FIELDS. */
static enum request_field field_of(int32_t token, nghttp3_vec name)
{
	static const char match[] = "if-match", since[] = "if-unmodified-since";

	switch (token) {
	case NGHTTP3_QPACK_TOKEN_IF_NONE_MATCH:
		return FIELD_IF_NONE_MATCH;
	case NGHTTP3_QPACK_TOKEN_IF_MODIFIED_SINCE:
		return FIELD_IF_MODIFIED_SINCE;
	case NGHTTP3_QPACK_TOKEN_IF_RANGE:
		return FIELD_IF_RANGE;
	case NGHTTP3_QPACK_TOKEN_RANGE:
		return FIELD_RANGE;
	case NGHTTP3_QPACK_TOKEN_REFERER:
		return FIELD_REFERER;
	case NGHTTP3_QPACK_TOKEN_USER_AGENT:
		return FIELD_USER_AGENT;
	}
	if (name.len == sizeof(match) - 1 && !memcmp(name.base, match, name.len))
		return FIELD_IF_MATCH;
	if (name.len == sizeof(since) - 1 && !memcmp(name.base, since, name.len))
		return FIELD_IF_UNMODIFIED_SINCE;
	return FIELDS;
}

static bool keep_header(struct request *r, int32_t token, nghttp3_vec name,
			nghttp3_vec v)
{
	enum request_field field;

	if (token == NGHTTP3_QPACK_TOKEN__METHOD)
		r->method = method_of(v);
	else if (token == NGHTTP3_QPACK_TOKEN__PATH)
		return request_target(r, v.base, v.len);
	field = field_of(token, name);
	return field == FIELDS || request_field(r, field, v.base, v.len);
}

static int recv_header(nghttp3_conn *nc, int64_t id, int32_t token,
		       nghttp3_rcbuf *name, nghttp3_rcbuf *value,
		       uint8_t flags, void *user, void *stream_user)
{
	struct request *r = stream_user;
	nghttp3_vec n = nghttp3_rcbuf_get_buf(name);
	nghttp3_vec v = nghttp3_rcbuf_get_buf(value);

	(void)nc;
	(void)id;
	(void)flags;
	(void)user;
	/* The rest of what is too much is read and forgotten. */
	r->field_bytes += n.len + v.len + 32;
	if (r->field_bytes <= H3_FIELDS_MAX && !keep_header(r, token, n, v))
		r->field_bytes = H3_FIELDS_MAX + 1;
	return 0;
}

static int end_headers(nghttp3_conn *nc, int64_t id, int fin, void *user,
		       void *stream_user)
{
	struct h3_server *s = server_of(user);
	struct request *r = stream_user;

	(void)nc;
	(void)id;
	(void)fin;
	if (r->field_bytes > H3_FIELDS_MAX)
		return refuse(s, r, 431);
	request_answer(&s->served, r);
	return respond(s, r) ? NGHTTP3_ERR_CALLBACK_FAILURE : 0;
}

/* nghttp3 found the request malformed, or too late, and wants the stream reset.  It is in
 * the middle of it, so the request goes when the peer's direction ends.
 */
static int cut_stream(nghttp3_conn *nc, int64_t id, uint64_t code, void *user,
		      void *stream_user)
{
	struct h3 *h = user;
	struct request *r = served_find(&server_of(h)->served, id);

	(void)nc;
	(void)stream_user;
	conn_reset_stream(h->conn, id, code);
	if (r) {
		r->status = code == NGHTTP3_H3_REQUEST_REJECTED ? 503 : 400;
		r->tx_done = true;
	}
	return 0;
}

static int stop_stream(nghttp3_conn *nc, int64_t id, uint64_t code, void *user,
		       void *stream_user)
{
	struct h3 *h = user;

	(void)nc;
	(void)stream_user;
	conn_stop_sending(h->conn, id, code);
	return 0;
}

static const struct h3_role server_role = {
	.callbacks = {
		.begin_headers = begin_headers,
		.recv_header = recv_header,
		.end_headers = end_headers,
		.reset_stream = cut_stream,
		.stop_sending = stop_stream,
	},
	.server = true,
	.tail = response_tail,
	.sent = response_sent,
	.broken = response_broken,
};

/* ---- the connection's side ----------------------------------------------- */

static bool forget_stream(struct served *served, struct request *r)
{
	struct h3_server *s = (struct h3_server *)served;

	nghttp3_conn_set_max_client_streams_bidi(s->h3.nc, ++s->max_streams);
	return h3_close_stream(&s->h3, r->id, NGHTTP3_H3_NO_ERROR);
}

static bool open_server(struct conn *c)
{
	struct h3_server *s = calloc(1, sizeof(*s));

	if (!s) {
		conn_fail(c, CONN_END_ERROR, NGHTTP3_H3_INTERNAL_ERROR,
			  "out of memory");
		return false;
	}
	c->app = s;
	served_init(&s->served, c);
	s->served.over = forget_stream;
	s->served.excessive = NGHTTP3_H3_EXCESSIVE_LOAD;
	if (!h3_open(&s->h3, c, &server_role))
		return false;
	s->max_streams = SERVE_REQUESTS_MAX;
	nghttp3_conn_set_max_client_streams_bidi(s->h3.nc, s->max_streams);
	return true;
}

/* PRIORITY_UPDATE frames come on the control stream (RFC 9218 section 7). */
static bool reorder(struct h3_server *s)
{
	struct request *r;

	TAILQ_FOREACH(r, &s->served.requests, link)
		read_priority(s, r);
	return true;
}

/* Without the whole request there is nothing to answer (section 4.1). */
static bool cut_incomplete(struct h3_server *s, struct request *r)
{
	/* nghttp3 must know the stream to know that it is over, or a priority
	 * that comes later would begin it, for good.
	 */
	if (!r->heard)
		nghttp3_conn_read_stream(s->h3.nc, r->id, NULL, 0, 0);
	r->rx_done = true;
	return request_cut(&s->served, r, NGHTTP3_H3_REQUEST_INCOMPLETE);
}

static bool data(struct conn *c, int64_t id, const uint8_t *bytes, size_t n,
		 bool fin)
{
	struct h3_server *s = c->app;
	struct request *r;

	if (h3_is_uni(id))
		return h3_data(&s->h3, id, bytes, n, fin) && reorder(s);
	if (!served_get(&s->served, id, &r))
		return false;
	/* nghttp3 must not see a stream again that it has closed. */
	if (!r)
		return true;
	if (fin && !n && !r->heard)
		return cut_incomplete(s, r);
	r->heard = true;
	request_late(&s->served, r, n);
	if (!h3_data(&s->h3, id, bytes, n, fin))
		return false;
	return !fin || request_rx_done(&s->served, r);
}

static bool reset(struct conn *c, int64_t id, uint32_t error)
{
	struct h3_server *s = c->app;
	struct request *r;

	if (h3_is_uni(id))
		return h3_reset_uni(&s->h3, id, error);
	if (!served_get(&s->served, id, &r))
		return false;
	if (!r)
		return true;
	nghttp3_conn_shutdown_stream_read(s->h3.nc, id);
	if (r->status)
		return request_rx_done(&s->served, r);
	return cut_incomplete(s, r);
}

static bool stopped(struct conn *c, int64_t id, uint32_t error)
{
	struct h3_server *s = c->app;
	struct request *r = served_find(&s->served, id);

	if (h3_is_uni(id))
		return h3_stopped_uni(&s->h3, id);
	if (!r)
		return true;
	nghttp3_conn_shutdown_stream_write(s->h3.nc, id);
	return request_cut(&s->served, r, error);
}

static bool credit(struct conn *c, int64_t id)
{
	struct h3_server *s = c->app;
	struct request *r;

	served_credit(&s->served, id);
	if (!h3_credit(&s->h3, id) || id != -1)
		return s->h3.conn->state != CONN_CLOSED;
	TAILQ_FOREACH(r, &s->served.requests, link)
		if (!h3_credit(&s->h3, r->id))
			return false;
	return true;
}

static bool push(struct conn *c)
{
	struct h3_server *s = c->app;

	return h3_write(&s->h3) &&
	       served_push(&s->served, NGHTTP3_H3_INTERNAL_ERROR);
}

/* GOAWAY: first with the highest ID there is, then with the next one; nghttp3
 * rejects what comes after it (RFC 9114 section 5.2).
 */
static bool drain(struct conn *c, bool last)
{
	struct h3_server *s = c->app;
	int err = last ? nghttp3_conn_shutdown(s->h3.nc) :
			 nghttp3_conn_submit_shutdown_notice(s->h3.nc);

	return !err || h3_fail(&s->h3, err);
}

static bool is_idle(const struct conn *c)
{
	const struct h3_server *s = c->app;

	return !s->served.count;
}

static void close_server(struct conn *c)
{
	struct h3_server *s = c->app;

	served_free(&s->served);
	if (s->h3.nc)
		h3_free(&s->h3);
	free(s);
}

const struct conn_ops h3_serve_ops = {
	.alpn = "h3",
	.no_error = NGHTTP3_H3_NO_ERROR,
	.own_streams = H3_OWN_STREAMS,
	.open = open_server,
	.data = data,
	.reset = reset,
	.stopped = stopped,
	.credit = credit,
	.write = push,
	.drain = drain,
	.idle = is_idle,
	.close = close_server,
};
