// SPDX-License-Identifier: GPL-2.0
/*
 * Frames, reading side: bytes of a decrypted packet to struct quic_frame.
 *
 * Owns:	the syntax of every frame and all checks that need no
 *		connection; one parse_<name>() for each row of frame_table.h.
 * Called from:	rx/frames (one call per frame), recovery/ (ACK ranges).
 * Context:	any; the bytes parsed are the peer's.
 * Locks:	none.
 * RFC:		9000 sections 12.4, 19; 9221 section 4.
 */
#include <linux/kernel.h>
#include <linux/quic.h>

#include "frame.h"

#define MAX_STREAMS_LIMIT	BIT_ULL(60)	/* section 19.11 */

/* A parse function returns false for what is a FRAME_ENCODING_ERROR. */

/* RFC8899-4.1-1 */
/* A run of padding counts as one frame. */
static bool parse_padding(struct quic_cur *c, struct quic_frame *f)
{
	while (c->p < c->end && *c->p == 0)
		c->p++;
	return true;
}

static bool parse_ping(struct quic_cur *c, struct quic_frame *f)
{
	return true;
}

/* RFC9000-19.3-1 */
static bool parse_ecn_counts(struct quic_cur *c, struct quic_frame *f)
{
	f->ack.has_ecn = f->type & 0x01;
	if (!f->ack.has_ecn)
		return true;
	return quic_get_varint(c, &f->ack.ecn[0]) &&
	       quic_get_varint(c, &f->ack.ecn[1]) &&
	       quic_get_varint(c, &f->ack.ecn[2]);
}

/* RFC9000-19.3.1-1 */
static bool parse_ack(struct quic_cur *c, struct quic_frame *f)
{
	u64 smallest, gap, len, n;

	if (!quic_get_varint(c, &f->ack.largest) ||
	    !quic_get_varint(c, &f->ack.delay) ||
	    !quic_get_varint(c, &f->ack.range_count) ||
	    !quic_get_varint(c, &f->ack.first_range) ||
	    f->ack.first_range > f->ack.largest)
		return false;

	smallest = f->ack.largest - f->ack.first_range;
	f->ack.ranges = c->p;
	for (n = f->ack.range_count; n; n--) {
		if (!quic_get_varint(c, &gap) || !quic_get_varint(c, &len) ||
		    smallest < gap + 2 || smallest - gap - 2 < len)
			return false;
		smallest -= gap + 2 + len;
	}
	f->ack.ranges_end = c->p;
	return parse_ecn_counts(c, f);
}

static bool parse_reset_stream(struct quic_cur *c, struct quic_frame *f)
{
	return quic_get_varint(c, &f->reset.id) &&
	       quic_get_varint(c, &f->reset.code) &&
	       quic_get_varint(c, &f->reset.final_size);
}

static bool parse_stop_sending(struct quic_cur *c, struct quic_frame *f)
{
	return quic_get_varint(c, &f->stop.id) &&
	       quic_get_varint(c, &f->stop.code);
}

/* RFC9000-19.6-1 */
static bool parse_crypto(struct quic_cur *c, struct quic_frame *f)
{
	u64 len;

	if (!quic_get_varint(c, &f->crypto.off) || !quic_get_varint(c, &len) ||
	    !quic_get_bytes(c, &f->crypto.data, len))
		return false;
	f->crypto.len = len;
	return f->crypto.off + len <= QUIC_VARINT_MAX;
}

/* RFC9000-19.7-2 */
static bool parse_new_token(struct quic_cur *c, struct quic_frame *f)
{
	u64 len;

	if (!quic_get_varint(c, &len) || !len ||
	    !quic_get_bytes(c, &f->token.data, len))
		return false;
	f->token.len = len;
	return true;
}

/* RFC9000-19.8-2 */
static bool parse_stream(struct quic_cur *c, struct quic_frame *f)
{
	u64 off = 0, len;

	if (!quic_get_varint(c, &f->stream.id))
		return false;
	if ((f->type & QUIC_STREAM_OFF) && !quic_get_varint(c, &off))
		return false;
	if (!(f->type & QUIC_STREAM_LEN))
		len = quic_cur_left(c);
	else if (!quic_get_varint(c, &len))
		return false;
	if (!quic_get_bytes(c, &f->stream.data, len))
		return false;

	f->stream.off = off;
	f->stream.len = len;
	f->stream.fin = f->type & QUIC_STREAM_FIN;
	return off + len <= QUIC_VARINT_MAX;
}

static bool parse_max_data(struct quic_cur *c, struct quic_frame *f)
{
	return quic_get_varint(c, &f->max_data.max);
}

static bool parse_max_stream_data(struct quic_cur *c, struct quic_frame *f)
{
	return quic_get_varint(c, &f->max_stream_data.id) &&
	       quic_get_varint(c, &f->max_stream_data.max);
}

/* RFC9000-4.6-1 RFC9000-19.11-1 */
static bool parse_max_streams(struct quic_cur *c, struct quic_frame *f)
{
	f->max_streams.uni = f->type & 0x01;
	return quic_get_varint(c, &f->max_streams.max) &&
	       f->max_streams.max <= MAX_STREAMS_LIMIT;
}

static bool parse_data_blocked(struct quic_cur *c, struct quic_frame *f)
{
	return quic_get_varint(c, &f->data_blocked.max);
}

static bool parse_stream_data_blocked(struct quic_cur *c, struct quic_frame *f)
{
	return quic_get_varint(c, &f->stream_data_blocked.id) &&
	       quic_get_varint(c, &f->stream_data_blocked.max);
}

/* RFC9000-19.14-1 */
static bool parse_streams_blocked(struct quic_cur *c, struct quic_frame *f)
{
	f->streams_blocked.uni = f->type & 0x01;
	return quic_get_varint(c, &f->streams_blocked.max) &&
	       f->streams_blocked.max <= MAX_STREAMS_LIMIT;
}

/* RFC9000-19.15-1 RFC9000-19.15-6 */
static bool parse_new_connection_id(struct quic_cur *c, struct quic_frame *f)
{
	struct quic_cid *cid = &f->new_cid.cid;
	const u8 *id;

	if (!quic_get_varint(c, &f->new_cid.seq) ||
	    !quic_get_varint(c, &f->new_cid.prior_to) ||
	    f->new_cid.prior_to > f->new_cid.seq ||
	    !quic_get_u8(c, &cid->len) ||
	    !cid->len || cid->len > QUIC_CID_MAX_LEN ||
	    !quic_get_bytes(c, &id, cid->len))
		return false;
	memcpy(cid->id, id, cid->len);
	return quic_get_bytes(c, &f->new_cid.reset_token,
			      QUIC_RESET_TOKEN_LEN);
}

static bool parse_retire_connection_id(struct quic_cur *c,
				       struct quic_frame *f)
{
	return quic_get_varint(c, &f->retire_cid.seq);
}

static bool parse_path_challenge(struct quic_cur *c, struct quic_frame *f)
{
	return quic_get_bytes(c, &f->path.data, QUIC_PATH_DATA_LEN);
}

static bool parse_path_response(struct quic_cur *c, struct quic_frame *f)
{
	return quic_get_bytes(c, &f->path.data, QUIC_PATH_DATA_LEN);
}

static bool parse_connection_close(struct quic_cur *c, struct quic_frame *f)
{
	u64 len;

	f->close.app = f->type & 0x01;
	f->close.frame_type = 0;
	if (!quic_get_varint(c, &f->close.code))
		return false;
	if (!f->close.app && !quic_get_varint(c, &f->close.frame_type))
		return false;
	if (!quic_get_varint(c, &len) ||
	    !quic_get_bytes(c, &f->close.reason, len))
		return false;
	f->close.reason_len = len;
	return true;
}

static bool parse_handshake_done(struct quic_cur *c, struct quic_frame *f)
{
	return true;
}

static bool parse_immediate_ack(struct quic_cur *c, struct quic_frame *f)
{
	return true;
}

static bool parse_ack_frequency(struct quic_cur *c, struct quic_frame *f)
{
	return quic_get_varint(c, &f->ack_frequency.seq) &&
	       quic_get_varint(c, &f->ack_frequency.threshold) &&
	       quic_get_varint(c, &f->ack_frequency.delay) &&
	       quic_get_varint(c, &f->ack_frequency.reordering);
}

/* RFC 9221 section 4 */
static bool parse_datagram(struct quic_cur *c, struct quic_frame *f)
{
	const u8 *start = c->p;
	u64 len;

	if (!(f->type & QUIC_DATAGRAM_LEN))
		len = quic_cur_left(c);
	else if (!quic_get_varint(c, &len))
		return false;
	if (!quic_get_bytes(c, &f->datagram.data, len))
		return false;
	f->datagram.len = len;
	f->datagram.size = 1 + (c->p - start);
	return true;
}

/* The short names that frame_table.h uses for properties. */
enum {
	NE = QUIC_FRAME_NE,
	NC = QUIC_FRAME_NC,
	P = QUIC_FRAME_P,
	SRV = QUIC_FRAME_SRV,
};

/* Kind + 1 of each type, 0: there is no such frame. */
static const u8 kind_of_type[] = {
#define X(NAME, name, first, last, pkts, props)				\
	[first ... last] = QUIC_FRAME_##NAME + 1,
	QUIC_FRAME_TABLE(X)
#undef X
};

const struct quic_frame_row quic_frame_rows[QUIC_FRAME_KIND_MAX] = {
#define X(NAME, name, first, last, pkts, props)				\
	[QUIC_FRAME_##NAME] = { #name, QUIC_FRAME_##pkts, props },
	QUIC_FRAME_TABLE(X)
#undef X
};

const char *quic_frame_name(u8 kind)
{
	return kind < QUIC_FRAME_KIND_MAX ? quic_frame_rows[kind].name : "unknown";
}

void quic_ack_iter_init(struct quic_ack_iter *it, const struct quic_frame *f)
{
	it->c.p = f->ack.ranges;
	it->c.end = f->ack.ranges_end;
	it->left = f->ack.range_count;
	it->smallest = 0;
	it->first = true;
}

/* parse_ack() has checked all of it: no number goes below zero. */
bool quic_ack_iter_next(struct quic_ack_iter *it, const struct quic_frame *f,
			u64 *lo, u64 *hi)
{
	u64 gap, len;

	if (it->first) {
		it->first = false;
		*hi = f->ack.largest;
		len = f->ack.first_range;
	} else {
		if (!it->left || !quic_get_varint(&it->c, &gap) ||
		    !quic_get_varint(&it->c, &len))
			return false;
		it->left--;
		*hi = it->smallest - gap - 2;
	}
	it->smallest = *hi - len;
	*lo = it->smallest;
	return true;
}

static bool parse_kind(struct quic_cur *c, struct quic_frame *f)
{
	switch (f->kind) {
#define X(NAME, name, first, last, pkts, props)				\
	case QUIC_FRAME_##NAME:						\
		return parse_##name(c, f);
	QUIC_FRAME_TABLE(X)
#undef X
	}
	return false;
}

/* RFC9000-12.4-4 */
int quic_frame_parse(struct quic_cur *c, struct quic_frame *f)
{
	const u8 *start = c->p;
	u64 type;

	/* What most packets begin with. */
	if (likely(c->p < c->end &&
		   (*c->p | QUIC_STREAM_BITS) ==
		   (QUIC_STREAM_FIRST | QUIC_STREAM_BITS))) {
		f->type = *c->p++;
		f->kind = QUIC_FRAME_STREAM;
		return parse_stream(c, f) ? 0 :
			QUIC_TRANSPORT_ERROR_FRAME_ENCODING;
	}
	if (!quic_get_varint(c, &type))
		return QUIC_TRANSPORT_ERROR_FRAME_ENCODING;
	/* Section 12.4: a type must be in its shortest encoding. */
	if (unlikely(c->p - start != quic_varint_len(type)))
		return QUIC_TRANSPORT_ERROR_PROTOCOL_VIOLATION;
	if (unlikely(type >= ARRAY_SIZE(kind_of_type) || !kind_of_type[type]))
		return QUIC_TRANSPORT_ERROR_FRAME_ENCODING;

	f->type = type;
	f->kind = kind_of_type[type] - 1;
	if (unlikely(!parse_kind(c, f)))
		return QUIC_TRANSPORT_ERROR_FRAME_ENCODING;
	return 0;
}
