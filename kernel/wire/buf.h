/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Two cursors: one that reads hostile bytes, one that fills a buffer.
 *
 * Neither ever passes its end.  A read that would sets the cursor to its end
 * and returns false; a write that would sets @overflow and writes nothing, so
 * that a caller may write a whole frame and look once.
 */
#ifndef KQUIC_WIRE_BUF_H
#define KQUIC_WIRE_BUF_H

#include <linux/types.h>
#include <linux/string.h>
#include <linux/unaligned.h>

struct quic_cur {
	const u8 *p;
	const u8 *end;
};

struct quic_out {
	u8 *p;
	u8 *end;
	bool overflow;
};

static inline size_t quic_cur_left(const struct quic_cur *c)
{
	return c->end - c->p;
}

static inline bool quic_get_u8(struct quic_cur *c, u8 *v)
{
	if (c->p >= c->end)
		return false;
	*v = *c->p++;
	return true;
}

/* The bytes stay where they are: *@p points into the buffer. */
static inline bool quic_get_bytes(struct quic_cur *c, const u8 **p, u64 len)
{
	if (len > quic_cur_left(c)) {
		c->p = c->end;
		return false;
	}
	*p = c->p;
	c->p += len;
	return true;
}

/* A vector of TLS with a length field of @width bytes, 1 or 2 (RFC 8446 section
 * 3.4), as a cursor of its own.
 */
static inline bool quic_get_vector(struct quic_cur *c, u8 width,
				   struct quic_cur *v)
{
	const u8 *len;

	if (!quic_get_bytes(c, &len, width) ||
	    !quic_get_bytes(c, &v->p, width == 1 ? *len :
						   get_unaligned_be16(len)))
		return false;
	v->end = c->p;
	return true;
}

static inline size_t quic_out_left(const struct quic_out *o)
{
	return o->end - o->p;
}

static inline bool quic_out_room(struct quic_out *o, size_t len)
{
	if (quic_out_left(o) >= len)
		return true;
	o->overflow = true;
	return false;
}

static inline void quic_put_u8(struct quic_out *o, u8 v)
{
	if (quic_out_room(o, 1))
		*o->p++ = v;
}

static inline void quic_put_bytes(struct quic_out *o, const void *p, size_t len)
{
	if (!quic_out_room(o, len))
		return;
	memcpy(o->p, p, len);
	o->p += len;
}

#endif
