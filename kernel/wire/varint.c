// SPDX-License-Identifier: GPL-2.0
/*
 * Variable-length integers.
 *
 * Owns:	the integer code of frames, transport parameters and headers.
 * Called from:	every other file in wire/, and whoever builds packets.
 * Context:	any.
 * Locks:	none.
 * RFC:		9000 section 16, A.1.
 */
#include <linux/bug.h>

#include "varint.h"

/* Near the end of the buffer, where not every integer can be read as one word. */
bool quic_get_varint_slow(struct quic_cur *c, u64 *v)
{
	size_t left = quic_cur_left(c);
	const u8 *p = c->p;
	u8 len, i;
	u64 x;

	if (unlikely(!left))
		return false;
	len = 1 << (p[0] >> 6);
	if (unlikely(left < len)) {
		c->p = c->end;
		return false;
	}
	x = p[0] & 0x3f;
	for (i = 1; i < len; i++)
		x = x << 8 | p[i];
	*v = x;
	c->p = p + len;
	return true;
}

void quic_put_varint_width(struct quic_out *o, u64 v, u8 width)
{
	WARN_ON_ONCE(quic_varint_len(v) > width);
	if (quic_out_room(o, width))
		o->p = quic_varint_write(o->p, v, width);
}

void quic_put_varint(struct quic_out *o, u64 v)
{
	u8 width = quic_varint_len(v);

	WARN_ON_ONCE(v > QUIC_VARINT_MAX);
	if (quic_out_room(o, width))
		o->p = quic_varint_write(o->p, v, width);
}
