// SPDX-License-Identifier: GPL-2.0
/*
 * Frames, writing side.
 *
 * Owns:	the encoding of every frame we send except ACK (recovery/ack
 *		writes that from its ranges) and PADDING (zero bytes).
 * Called from:	tx/build.
 * Context:	any.
 * Locks:	none.
 * RFC:		9000 section 19.
 *
 * A writer measures its frame first: the frame is written whole, or nothing
 * is and o->overflow is set.
 */
#include <linux/minmax.h>

#include "frame.h"

/* RFC9000-12.4-5 */
/* Room for a frame of @len bytes; its type goes in.
 * Return: where the rest goes, or NULL.
 */
static u8 *begin(struct quic_out *o, u8 type, size_t len)
{
	if (!quic_out_room(o, len))
		return NULL;
	*o->p = type;
	return o->p + 1;
}

static u8 *add_varint(u8 *p, u64 v)
{
	return quic_varint_write(p, v, quic_varint_len(v));
}

static u8 *add_bytes(u8 *p, const void *data, size_t len)
{
	memcpy(p, data, len);
	return p + len;
}

/* Frames of a type and one, two or three integers. */
static void put_frame1(struct quic_out *o, u8 type, u64 a)
{
	u8 *p = begin(o, type, 1 + quic_varint_len(a));

	if (p)
		o->p = add_varint(p, a);
}

static void put_frame2(struct quic_out *o, u8 type, u64 a, u64 b)
{
	u8 *p = begin(o, type, 1 + quic_varint_len(a) + quic_varint_len(b));

	if (p)
		o->p = add_varint(add_varint(p, a), b);
}

static void put_frame3(struct quic_out *o, u8 type, u64 a, u64 b, u64 c)
{
	u8 *p = begin(o, type, 1 + quic_varint_len(a) + quic_varint_len(b) +
			       quic_varint_len(c));

	if (p)
		o->p = add_varint(add_varint(add_varint(p, a), b), c);
}

void quic_put_ping(struct quic_out *o)
{
	quic_put_u8(o, 0x01);
}

void quic_put_crypto(struct quic_out *o, u64 off, u32 len)
{
	put_frame2(o, 0x06, off, len);
}

void quic_put_new_token(struct quic_out *o, const u8 *token, u16 len)
{
	u8 *p = begin(o, 0x07, 1 + quic_varint_len(len) + len);

	if (p)
		o->p = add_bytes(add_varint(p, len), token, len);
}

void quic_put_reset_stream(struct quic_out *o, u64 id, u64 code, u64 final)
{
	put_frame3(o, 0x04, id, code, final);
}

void quic_put_stop_sending(struct quic_out *o, u64 id, u64 code)
{
	put_frame2(o, 0x05, id, code);
}

void quic_put_max_data(struct quic_out *o, u64 max)
{
	put_frame1(o, 0x10, max);
}

void quic_put_max_stream_data(struct quic_out *o, u64 id, u64 max)
{
	put_frame2(o, 0x11, id, max);
}

void quic_put_max_streams(struct quic_out *o, bool uni, u64 max)
{
	put_frame1(o, 0x12 | uni, max);
}

void quic_put_data_blocked(struct quic_out *o, u64 max)
{
	put_frame1(o, 0x14, max);
}

void quic_put_stream_data_blocked(struct quic_out *o, u64 id, u64 max)
{
	put_frame2(o, 0x15, id, max);
}

void quic_put_streams_blocked(struct quic_out *o, bool uni, u64 max)
{
	put_frame1(o, 0x16 | uni, max);
}

void quic_put_new_connection_id(struct quic_out *o, u64 seq, u64 prior_to,
				const struct quic_cid *cid, const u8 *token)
{
	u8 *p = begin(o, 0x18, 1 + quic_varint_len(seq) +
			       quic_varint_len(prior_to) + 1 + cid->len +
			       QUIC_RESET_TOKEN_LEN);

	if (!p)
		return;
	p = add_varint(p, seq);
	p = add_varint(p, prior_to);
	*p++ = cid->len;
	p = add_bytes(p, cid->id, cid->len);
	o->p = add_bytes(p, token, QUIC_RESET_TOKEN_LEN);
}

void quic_put_retire_connection_id(struct quic_out *o, u64 seq)
{
	put_frame1(o, 0x19, seq);
}

static void put_path(struct quic_out *o, u8 type, const u8 *data)
{
	u8 *p = begin(o, type, 1 + QUIC_PATH_DATA_LEN);

	if (p)
		o->p = add_bytes(p, data, QUIC_PATH_DATA_LEN);
}

void quic_put_path_challenge(struct quic_out *o,
			     const u8 data[QUIC_PATH_DATA_LEN])
{
	put_path(o, 0x1a, data);
}

void quic_put_path_response(struct quic_out *o,
			    const u8 data[QUIC_PATH_DATA_LEN])
{
	put_path(o, 0x1b, data);
}

void quic_put_handshake_done(struct quic_out *o)
{
	quic_put_u8(o, 0x1e);
}

void quic_put_immediate_ack(struct quic_out *o)
{
	quic_put_u8(o, 0x1f);
}

void quic_put_ack_frequency(struct quic_out *o, u64 seq, u64 threshold,
			    u64 delay, u64 reordering)
{
	u8 *p = begin(o, 0, 2 + quic_varint_len(seq) +
			    quic_varint_len(threshold) +
			    quic_varint_len(delay) +
			    quic_varint_len(reordering));

	if (!p)
		return;
	/* The one type of two bytes. */
	p = add_varint(p - 1, 0xaf);
	p = add_varint(p, seq);
	p = add_varint(p, threshold);
	p = add_varint(p, delay);
	o->p = add_varint(p, reordering);
}

void quic_put_datagram(struct quic_out *o, u32 len, bool to_end)
{
	if (to_end)
		quic_put_u8(o, 0x30);
	else
		put_frame1(o, 0x30 | QUIC_DATAGRAM_LEN, len);
}

void quic_put_connection_close(struct quic_out *o, bool app, u64 code,
			       u64 frame_type, const u8 *reason, u32 len)
{
	size_t fixed, room;
	u8 *p;

	fixed = 1 + quic_varint_len(code) +
		(app ? 0 : quic_varint_len(frame_type));
	p = begin(o, 0x1c | app, fixed + 1);
	if (!p)
		return;

	p = add_varint(p, code);
	if (!app)
		p = add_varint(p, frame_type);
	/* What is left holds a length and as much of the phrase as fits. */
	room = o->end - p;
	len = min_t(size_t, len, room);
	len = min_t(size_t, len, room - quic_varint_len(len));
	p = add_varint(p, len);
	if (len)
		p = add_bytes(p, reason, len);
	o->p = p;
}

u8 quic_stream_hdr_len(u64 id, u64 off, u32 len, bool to_end)
{
	return 1 + quic_varint_len(id) + (off ? quic_varint_len(off) : 0) +
	       (to_end ? 0 : quic_varint_len(len));
}

void quic_put_stream(struct quic_out *o, u64 id, u64 off, u32 len, bool fin,
		     bool to_end)
{
	u8 type = QUIC_STREAM_FIRST | (off ? QUIC_STREAM_OFF : 0) |
		  (to_end ? 0 : QUIC_STREAM_LEN) |
		  (fin ? QUIC_STREAM_FIN : 0);
	u8 *p = begin(o, type, quic_stream_hdr_len(id, off, len, to_end));

	if (!p)
		return;
	p = add_varint(p, id);
	if (off)
		p = add_varint(p, off);
	if (!to_end)
		p = add_varint(p, len);
	o->p = p;
}
