/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TOOLS_HTTP3_H
#define TOOLS_HTTP3_H

#include <nghttp3/nghttp3.h>

#include "conn.h"
#include "h3_control.h"

#define H3_OWN_STREAMS	3		/* control, and two of QPACK */

/* Field sections larger than this are refused. */
#define H3_FIELDS_MAX	(64 * 1024)

struct h3;

/* What differs between the two roles. */
struct h3_role {
	nghttp3_callbacks callbacks;	/* their user data is struct h3 */
	bool server;
	/* Bytes to append to the last of the HEADERS of a stream, if any:
	 * returns how many.  More will follow them at once.
	 */
	size_t (*tail)(struct h3 *h, int64_t id, const uint8_t **data);
	/* The socket took frames of the stream: left bytes of them are still
	 * to go, tail bytes of the above went out, and maybe the FIN.
	 */
	void (*sent)(struct h3 *h, int64_t id, size_t left, size_t tail,
		     bool fin);
	/* The stream cannot be written to any more. */
	void (*broken)(struct h3 *h, int64_t id);
};

/* One HTTP/3 connection: c->app, or the first member of it. */
struct h3 {
	nghttp3_conn *nc;
	struct conn *conn;
	const struct h3_role *role;
	int64_t own[H3_OWN_STREAMS];
	struct h3_control control;	/* the peer's */
};

/* Begin: the three unidirectional streams and our SETTINGS. */
bool h3_open(struct h3 *h, struct conn *c, const struct h3_role *role);
void h3_free(struct h3 *h);

/* Fail the connection with what nghttp3 returned. */
bool h3_fail(struct h3 *h, int err);

bool h3_data(struct h3 *h, int64_t id, const uint8_t *data, size_t n, bool fin);

/* The peer reset a stream that is not a request. */
bool h3_reset_uni(struct h3 *h, int64_t id, uint32_t error);

/* The peer wants no more of a stream that is not a request. */
bool h3_stopped_uni(struct h3 *h, int64_t id);

/* A stream is over in both directions. */
bool h3_close_stream(struct h3 *h, int64_t id, uint32_t error);

/* A stream, or those in own[] if id is -1, may have send credit. */
bool h3_credit(struct h3 *h, int64_t id);

/* Send what nghttp3 has to send; stops when the socket is full. */
bool h3_write(struct h3 *h);

static inline bool h3_is_uni(int64_t id)
{
	return id & QUIC_STREAM_TYPE_UNI_MASK;
}

#endif
