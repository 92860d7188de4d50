// SPDX-License-Identifier: GPL-2.0
/*
 * HTTP/3 between nghttp3 and a connection: what client and server share.
 *
 * Owns the nghttp3 object and the way its frames take into the socket.
 * nghttp3 never sees the bytes of a file that is served: the server frames
 * them itself (h3_serve.c).  RFC 9114, RFC 9204.
 */
#include "http3.h"

#include <errno.h>
#include <string.h>

#define VEC_MAX	(CONN_VEC_MAX - 1)	/* one is for the tail */

bool h3_fail(struct h3 *h, int err)
{
	conn_fail(h->conn, CONN_END_ERROR,
		  nghttp3_err_infer_quic_app_error_code(err),
		  "HTTP/3: %s", nghttp3_strerror(err));
	return false;
}

/* The control stream and the two of QPACK (RFC 9114 section 6.2.1, RFC 9204
 * section 4.2).  A peer must let us open three.
 */
static bool bind_streams(struct h3 *h)
{
	int64_t *id = h->own;
	int err;

	for (int i = 0; i < H3_OWN_STREAMS; i++) {
		id[i] = conn_open_stream(h->conn, true);
		if (id[i] < 0) {
			conn_fail(h->conn, CONN_END_ERROR,
				  NGHTTP3_H3_GENERAL_PROTOCOL_ERROR,
				  "cannot open the HTTP/3 control streams: %s",
				  strerror(-id[i]));
			return false;
		}
	}
	err = nghttp3_conn_bind_control_stream(h->nc, id[0]);
	if (!err)
		err = nghttp3_conn_bind_qpack_streams(h->nc, id[1], id[2]);
	return err ? h3_fail(h, err) : true;
}

bool h3_open(struct h3 *h, struct conn *c, const struct h3_role *role)
{
	nghttp3_settings settings;
	int err;

	h->conn = c;
	h->role = role;
	nghttp3_settings_default(&settings);
	/* No dynamic table: a request then needs no other stream to be
	 * understood, and a peer cannot make us keep more than its requests.
	 */
	settings.qpack_max_dtable_capacity = 0;
	settings.qpack_encoder_max_dtable_capacity = 0;
	settings.qpack_blocked_streams = 0;
	settings.max_field_section_size = H3_FIELDS_MAX;
	err = role->server ?
	      nghttp3_conn_server_new(&h->nc, &role->callbacks, &settings,
				      NULL, h) :
	      nghttp3_conn_client_new(&h->nc, &role->callbacks, &settings,
				      NULL, h);
	if (err) {
		h->nc = NULL;
		return h3_fail(h, err);
	}
	return bind_streams(h);
}

void h3_free(struct h3 *h)
{
	nghttp3_conn_del(h->nc);
	h->nc = NULL;
}

bool h3_close_stream(struct h3 *h, int64_t id, uint32_t error)
{
	int err = nghttp3_conn_close_stream(h->nc, id, error);

	return !err || err == NGHTTP3_ERR_STREAM_NOT_FOUND || h3_fail(h, err);
}

static bool check_control(struct h3 *h, int64_t id, const uint8_t *data,
			  size_t n)
{
	uint32_t error = h3_control_check(&h->control, id, data, n);

	if (error)
		conn_fail(h->conn, CONN_END_ERROR, error,
			  "HTTP/3: the control stream breaks a rule (0x%x)",
			  error);
	return !error;
}

bool h3_data(struct h3 *h, int64_t id, const uint8_t *data, size_t n, bool fin)
{
	nghttp3_ssize ret;

	if (h3_is_uni(id) && !check_control(h, id, data, n))
		return false;
	ret = nghttp3_conn_read_stream(h->nc, id, data, n, fin);
	if (ret < 0)
		return h3_fail(h, ret);
	/* Streams of unknown type end; the critical ones must not, and have
	 * failed above.
	 */
	return !fin || !h3_is_uni(id) ||
	       h3_close_stream(h, id, NGHTTP3_H3_NO_ERROR);
}

bool h3_reset_uni(struct h3 *h, int64_t id, uint32_t error)
{
	return h3_close_stream(h, id, error);
}

/* The kernel has reset the stream in answer, and ours are all critical (RFC
 * 9114 section 6.2.1, RFC 9204 section 4.2).
 */
bool h3_stopped_uni(struct h3 *h, int64_t id)
{
	for (int i = 0; i < H3_OWN_STREAMS; i++)
		if (h->own[i] == id)
			return h3_fail(h, NGHTTP3_ERR_H3_CLOSED_CRITICAL_STREAM);
	return true;
}

bool h3_credit(struct h3 *h, int64_t id)
{
	int err = 0;

	if (id != -1)
		err = nghttp3_conn_unblock_stream(h->nc, id);
	for (int i = 0; id == -1 && i < H3_OWN_STREAMS && !err; i++)
		err = nghttp3_conn_unblock_stream(h->nc, h->own[i]);
	return !err || h3_fail(h, err);
}

/* Tell nghttp3 that the kernel has n bytes of the stream.  The kernel keeps
 * its own copy until they are acknowledged, so nghttp3 need not.
 */
static int taken(struct h3 *h, int64_t id, size_t n)
{
	int err = nghttp3_conn_add_write_offset(h->nc, id, n);

	return err ? err : nghttp3_conn_add_ack_offset(h->nc, id, n);
}

/* Returns 0, -EAGAIN when the socket is full, or an error of nghttp3. */
static int write_frames(struct h3 *h, int64_t id, const nghttp3_vec *vec,
			int cnt, bool fin)
{
	struct iovec iov[CONN_VEC_MAX];
	const uint8_t *tail;
	size_t len = 0, tail_len = 0;
	ssize_t n;
	int err;

	for (int i = 0; i < cnt; i++) {
		iov[i] = (struct iovec){ vec[i].base, vec[i].len };
		len += vec[i].len;
	}
	if (h->role->tail && cnt < VEC_MAX)
		tail_len = h->role->tail(h, id, &tail);
	if (tail_len)
		iov[cnt++] = (struct iovec){ (void *)tail, tail_len };

	n = conn_send(h->conn, id, iov, cnt, fin ? CONN_FIN :
					     tail_len ? CONN_MORE : 0);
	if (n == -EAGAIN)
		return -EAGAIN;
	if (n == -ENOSPC) {
		nghttp3_conn_block_stream(h->nc, id);
		return 0;
	}
	if (n < 0) {
		nghttp3_conn_shutdown_stream_write(h->nc, id);
		h->role->broken(h, id);
		return 0;
	}
	/* A FIN counts once all bytes before it are taken. */
	fin = fin && (size_t)n == len + tail_len;
	tail_len = (size_t)n > len ? n - len : 0;
	err = taken(h, id, n - tail_len);
	if (!err)
		h->role->sent(h, id, (size_t)n < len ? len - n : 0, tail_len,
			      fin);
	return err;
}

bool h3_write(struct h3 *h)
{
	nghttp3_vec vec[VEC_MAX];
	nghttp3_ssize cnt;
	int64_t id;
	int fin, err;

	while (!h->conn->full) {
		cnt = nghttp3_conn_writev_stream(h->nc, &id, &fin, vec,
						 VEC_MAX);
		if (cnt < 0)
			return h3_fail(h, cnt);
		if (id == -1)
			return true;
		err = write_frames(h, id, vec, cnt, fin);
		if (err == -EAGAIN)
			return true;
		if (err)
			return h3_fail(h, err);
	}
	return true;
}
