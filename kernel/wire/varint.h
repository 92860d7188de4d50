/* SPDX-License-Identifier: GPL-2.0 */
/* Variable-length integers, RFC 9000 section 16. */
#ifndef KQUIC_WIRE_VARINT_H
#define KQUIC_WIRE_VARINT_H

#include <linux/unaligned.h>

#include "buf.h"

#define QUIC_VARINT_MAX	((1ULL << 62) - 1)

/* Encoded length in bytes: 1, 2, 4 or 8.  @v must not exceed QUIC_VARINT_MAX. */
static inline u8 quic_varint_len(u64 v)
{
	if (v < 0x40)
		return 1;
	if (v < 0x4000)
		return 2;
	if (v < 0x40000000)
		return 4;
	return 8;
}

/* Store @v in @width bytes at @p, where room for them has been checked.
 * Return: the byte after.
 */
static inline u8 *quic_varint_write(u8 *p, u64 v, u8 width)
{
	switch (width) {
	case 1:
		*p = v;
		break;
	case 2:
		put_unaligned_be16(v | 0x4000, p);
		break;
	case 4:
		put_unaligned_be32(v | 0x80000000, p);
		break;
	default:
		put_unaligned_be64(v | 0xc000000000000000ULL, p);
	}
	return p + width;
}

bool quic_get_varint_slow(struct quic_cur *c, u64 *v);

/* The two top bits of the first byte are log2 of the length in bytes. */
static inline bool quic_get_varint(struct quic_cur *c, u64 *v)
{
	const u8 *p = c->p;
	u8 len;

	if (unlikely(quic_cur_left(c) < sizeof(u64)))
		return quic_get_varint_slow(c, v);
	len = 1 << (p[0] >> 6);
	/* Shift the length bits out on the left, and what follows the integer
	 * out on the right.
	 */
	*v = (get_unaligned_be64(p) << 2) >> (66 - 8 * len);
	c->p = p + len;
	return true;
}

void quic_put_varint(struct quic_out *o, u64 v);
/* In exactly @width bytes (1, 2, 4, 8), for lengths that are filled in later. */
void quic_put_varint_width(struct quic_out *o, u64 v, u8 width);

#endif
