/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A model of the frames of RFC 9000 section 19, RFC 9221 and the ACK
 * frequency draft that knows each as a string of
 * field letters and reads and writes a byte at a time.
 */
#ifndef UNIT_FRAME_MODEL_H
#define UNIT_FRAME_MODEL_H

#include <linux/quic.h>

#include "unit.h"
#include "wire/frame.h"

#define MAX_RANGES	40
#define BAD_ENCODING	QUIC_TRANSPORT_ERROR_FRAME_ENCODING
#define VIOLATION	QUIC_TRANSPORT_ERROR_PROTOCOL_VIOLATION

/* A frame as plain values, in the order of its fields. */
struct value {
	u8 type;
	u64 v[4];		/* integers */
	u32 len;		/* of bytes: data, token, reason, CID ... */
	u8 bytes[2000];
	u8 token[16];
	u32 ranges;		/* ACK: beyond the first */
	u64 gap[MAX_RANGES], range[MAX_RANGES];
	u64 ecn[3];
};

/*
 * i	integer
 * s	integer, a number of streams
 * L	length and as many bytes
 * N	the same, not empty
 * R	the rest of the packet
 * C	connection ID, length of one byte
 * T	16 bytes
 * P	8 bytes
 * A	everything of an ACK
 */
static inline const char *model_fields(u64 type)
{
	static const char *const fields[] = {
		[0x00] = "", [0x01] = "", [0x02] = "A", [0x03] = "A",
		[0x04] = "iii", [0x05] = "ii", [0x06] = "iL", [0x07] = "N",
		[0x08] = "iR", [0x09] = "iR", [0x0a] = "iL", [0x0b] = "iL",
		[0x0c] = "iiR", [0x0d] = "iiR", [0x0e] = "iiL",
		[0x0f] = "iiL", [0x10] = "i", [0x11] = "ii", [0x12] = "s",
		[0x13] = "s", [0x14] = "i", [0x15] = "ii", [0x16] = "s",
		[0x17] = "s", [0x18] = "iiCT", [0x19] = "i", [0x1a] = "P",
		[0x1b] = "P", [0x1c] = "iiL", [0x1d] = "iL", [0x1e] = "",
		[0x1f] = "", [0x30] = "R", [0x31] = "L",
		[0xaf] = "iiii",
	};

	return type < ARRAY_SIZE(fields) ? fields[type] : NULL;
}

#define MAX_TYPE	0xaf

static inline u8 random_type(void)
{
	u8 type;

	do {
		type = unit_rand_below(MAX_TYPE + 1);
	} while (!model_fields(type));
	return type;
}

struct bytes {
	const u8 *p;
	size_t left;
};

static inline bool model_int(struct bytes *b, u64 *v)
{
	int len, i;

	if (!b->left)
		return false;
	len = 1 << (b->p[0] >> 6);
	if (b->left < len)
		return false;
	*v = b->p[0] & 0x3f;
	for (i = 1; i < len; i++)
		*v = *v << 8 | b->p[i];
	b->p += len;
	b->left -= len;
	return true;
}

static inline bool model_bytes(struct bytes *b, u8 *to, u64 len)
{
	if (len > b->left)
		return false;
	memcpy(to, b->p, len);
	b->p += len;
	b->left -= len;
	return true;
}

static inline bool model_ack(struct bytes *b, struct value *x)
{
	__int128 smallest;
	u64 n, gap, range;
	int i;

	if (!model_int(b, &x->v[0]) || !model_int(b, &x->v[1]) ||
	    !model_int(b, &n) || !model_int(b, &x->v[2]))
		return false;
	smallest = (__int128)x->v[0] - x->v[2];
	if (smallest < 0)
		return false;
	x->v[3] = n;
	x->ranges = 0;
	while (n--) {
		if (!model_int(b, &gap) || !model_int(b, &range))
			return false;
		smallest -= (__int128)gap + 2 + range;
		if (smallest < 0)
			return false;
		if (x->ranges < MAX_RANGES) {
			x->gap[x->ranges] = gap;
			x->range[x->ranges++] = range;
		}
	}
	for (i = 0; i < 3; i++)
		if (x->type == 0x03 && !model_int(b, &x->ecn[i]))
			return false;
	return true;
}

static inline bool model_field(char field, struct bytes *b, struct value *x, int *n)
{
	u64 len;

	switch (field) {
	case 'i':
		return model_int(b, &x->v[(*n)++]);
	case 's':
		return model_int(b, &x->v[0]) && x->v[0] <= 1ULL << 60;
	case 'N':
	case 'L':
		if (!model_int(b, &len) || (field == 'N' && !len))
			return false;
		x->len = len;
		return model_bytes(b, x->bytes, len);
	case 'R':
		x->len = b->left;
		return model_bytes(b, x->bytes, b->left);
	case 'C':
		if (!b->left || !b->p[0] || b->p[0] > 20)
			return false;
		x->len = *b->p++;
		b->left--;
		return model_bytes(b, x->bytes, x->len);
	case 'T':
		return model_bytes(b, x->token, 16);
	case 'P':
		x->len = 8;
		return model_bytes(b, x->bytes, 8);
	}
	return model_ack(b, x);
}

/* Return: 0 or the error, as quic_frame_parse() does. */
static inline int model_parse(struct bytes *b, struct value *x)
{
	const struct bytes start = *b;
	const char *f;
	int n = 0;
	u64 type;

	memset(x, 0, offsetof(struct value, bytes));
	if (!model_int(b, &type))
		return BAD_ENCODING;
	if (b->p - start.p != (type < 64 ? 1 : type < 16384 ? 2 :
			       type < 1 << 30 ? 4 : 8))
		return VIOLATION;
	f = model_fields(type);
	if (!f)
		return BAD_ENCODING;
	x->type = type;
	for (; *f; f++)
		if (!model_field(*f, b, x, &n))
			return BAD_ENCODING;
	if (type == 0x06 && x->v[0] + x->len >= 1ULL << 62)
		return BAD_ENCODING;
	if (type >= 0x08 && type <= 0x0f && x->v[1] + x->len >= 1ULL << 62)
		return BAD_ENCODING;
	if (type == 0x18 && x->v[1] > x->v[0])
		return BAD_ENCODING;
	while (type == 0x00 && b->left && !b->p[0]) {
		b->p++;
		b->left--;
	}
	return 0;
}

static bool any_width __maybe_unused; /* integers longer than need be */

static inline u8 *emit_int(u8 *p, u64 v)
{
	int log = v < 64 ? 0 : v < 16384 ? 1 : v < 1 << 30 ? 2 : 3, i;

	if (any_width)
		log += unit_rand_below(4 - log);
	for (i = (1 << log) - 1; i >= 0; i--)
		*p++ = v >> (8 * i);
	p[-(1 << log)] |= log << 6;
	return p;
}

static inline u8 *emit_bytes(u8 *p, const u8 *from, u32 len)
{
	memcpy(p, from, len);
	return p + len;
}

static inline u8 *emit_ack(u8 *p, const struct value *x)
{
	u32 i;

	p = emit_int(emit_int(p, x->v[0]), x->v[1]);
	p = emit_int(emit_int(p, x->ranges), x->v[2]);
	for (i = 0; i < x->ranges; i++)
		p = emit_int(emit_int(p, x->gap[i]), x->range[i]);
	for (i = 0; x->type == 0x03 && i < 3; i++)
		p = emit_int(p, x->ecn[i]);
	return p;
}

static inline size_t emit(u8 *buf, const struct value *x)
{
	const char *f;
	u8 *p = buf;
	int n = 0;

	if (x->type >= 64)
		*p++ = 0x40;
	*p++ = x->type;
	for (f = model_fields(x->type); *f; f++) {
		if (*f == 'L' || *f == 'N')
			p = emit_int(p, x->len);
		else if (*f == 'C')
			*p++ = x->len;

		if (*f == 'i' || *f == 's')
			p = emit_int(p, x->v[n++]);
		else if (*f == 'A')
			p = emit_ack(p, x);
		else if (*f == 'T')
			p = emit_bytes(p, x->token, 16);
		else
			p = emit_bytes(p, x->bytes, x->len);
	}
	return p - buf;
}

static inline void random_ack(struct value *x)
{
	u64 smallest, most;

	x->v[0] = unit_rand_bits(62);
	x->v[1] = unit_rand_bits(62);
	x->v[2] = unit_rand_bits(62) % (x->v[0] + 1);
	smallest = x->v[0] - x->v[2];
	for (most = unit_rand_below(MAX_RANGES); x->ranges < most;
	     x->ranges++) {
		u64 *gap = &x->gap[x->ranges], *range = &x->range[x->ranges];

		if (smallest < 2)
			break;
		*gap = unit_rand_bits(62) % (smallest - 1);
		smallest -= *gap + 2;
		*range = unit_rand_bits(62) % (smallest + 1);
		smallest -= *range;
	}
	for (most = 0; most < 3; most++)
		x->ecn[most] = unit_rand_bits(62);
}

/* A legal frame of @type. */
static inline void random_value(struct value *x, u8 type)
{
	const char *f;
	int n = 0;

	memset(x, 0, sizeof(*x));
	x->type = type;
	unit_rand_bytes(x->token, sizeof(x->token));
	for (f = model_fields(type); *f; f++) {
		switch (*f) {
		case 'i':
			x->v[n++] = unit_rand_bits(62);
			break;
		case 's':
			x->v[n++] = unit_rand_bits(60);
			break;
		case 'L':
		case 'R':
			x->len = unit_rand_bits(10);
			break;
		case 'N':
			x->len = 1 + unit_rand_bits(10);
			break;
		case 'C':
			x->len = 1 + unit_rand_below(20);
			break;
		case 'P':
			x->len = 8;
			break;
		case 'A':
			random_ack(x);
		}
	}
	unit_rand_bytes(x->bytes, x->len);
	if (type == 0x18)
		x->v[1] %= x->v[0] + 1;
	if (type == 0x06)
		x->v[0] = min(x->v[0], QUIC_VARINT_MAX - x->len);
	if (type >= 0x08 && type <= 0x0f && (type & 0x04))
		x->v[1] = min(x->v[1], QUIC_VARINT_MAX - x->len);
}

#endif
