/* SPDX-License-Identifier: GPL-2.0 */
/* Frames, RFC 9000 section 19: buffer to struct and back. */
#ifndef KQUIC_WIRE_FRAME_H
#define KQUIC_WIRE_FRAME_H

#include "varint.h"
#include "header.h"
#include "frame_table.h"

#define QUIC_PATH_DATA_LEN	8	/* PATH_CHALLENGE, PATH_RESPONSE */

/* A STREAM frame's type, and the bits in it (section 19.8). */
#define QUIC_STREAM_FIRST	0x08
#define QUIC_STREAM_FIN		0x01
#define QUIC_STREAM_LEN		0x02
#define QUIC_STREAM_OFF		0x04
#define QUIC_STREAM_BITS	0x07
/* Bit of a DATAGRAM frame's type (RFC 9221 section 4). */
#define QUIC_DATAGRAM_LEN	0x01

/**
 * struct quic_frame - one frame as read from a packet
 * @type:	first varint of the frame; all types we know fit a byte
 * @kind:	enum quic_frame_kind
 *
 * Pointers lead into the packet.
 */
struct quic_frame {
	u8 type;
	u8 kind;
	union {
		struct {
			u64 largest;
			u64 delay;		/* not scaled yet */
			u64 first_range;
			u64 range_count;	/* pairs after the first */
			const u8 *ranges;	/* validated, see quic_ack_iter */
			const u8 *ranges_end;
			bool has_ecn;
			u64 ecn[3];		/* ECT(0), ECT(1), CE */
		} ack;
		struct {
			u64 id;
			u64 off;
			const u8 *data;
			u32 len;
			bool fin;
		} stream;
		struct {
			u64 off;
			const u8 *data;
			u32 len;
		} crypto;
		struct { u64 id, code, final_size; } reset;
		struct { u64 id, code; } stop;
		struct { const u8 *data; u32 len; } token;
		struct { u64 max; } max_data, data_blocked;
		struct { u64 id, max; } max_stream_data, stream_data_blocked;
		struct { u64 max; bool uni; } max_streams, streams_blocked;
		struct {
			u64 seq;
			u64 prior_to;
			struct quic_cid cid;
			const u8 *reset_token;	/* 16 bytes */
		} new_cid;
		struct { u64 seq; } retire_cid;
		struct { const u8 *data; } path;	/* 8 bytes */
		struct {
			u64 code;
			u64 frame_type;		/* 0x1c only */
			const u8 *reason;
			u32 reason_len;
			bool app;
		} close;
		struct {
			const u8 *data;
			u32 len;
			u32 size;		/* of the whole frame */
		} datagram;
		struct {
			u64 seq;
			u64 threshold;
			u64 delay;		/* us */
			u64 reordering;
		} ack_frequency;
	};
};

/**
 * quic_frame_parse - read one frame
 * @c:		cursor into a decrypted payload, not at its end
 * @f:		result
 *
 * Checks everything that can be checked without the connection: lengths,
 * varint limits (final sizes and offsets stay below 2^62, stream counts below
 * 2^60), ACK ranges that would go below zero, connection-ID lengths 1..20,
 * retire-prior-to, a frame type in its shortest encoding.
 *
 * Return: 0, or the QUIC_TRANSPORT_ERROR_* to close with.
 */
int quic_frame_parse(struct quic_cur *c, struct quic_frame *f);

/* The rows of frame_table.h. */
struct quic_frame_row {
	const char *name;
	u8 packets;
	u8 props;
};

extern const struct quic_frame_row quic_frame_rows[QUIC_FRAME_KIND_MAX];

/* Where a kind is allowed: mask of QUIC_FRAME_IN_*. */
static inline u8 quic_frame_packets(u8 kind)
{
	return kind < QUIC_FRAME_KIND_MAX ? quic_frame_rows[kind].packets : 0;
}

/* Its QUIC_FRAME_* properties. */
static inline u8 quic_frame_props(u8 kind)
{
	return kind < QUIC_FRAME_KIND_MAX ? quic_frame_rows[kind].props : 0;
}

/* Its name in lower case, as in qlog. */
const char *quic_frame_name(u8 kind);

/* May this frame come in packets of kind @in (one QUIC_FRAME_IN_*)?  Unlike
 * quic_frame_packets() it knows that an application's CONNECTION_CLOSE, 0x1d,
 * is for 0-RTT and 1-RTT only (RFC 9000 section 12.5).
 */
static inline bool quic_frame_allowed(const struct quic_frame *f, u8 in)
{
	u8 packets = quic_frame_packets(f->kind);

	if (f->kind == QUIC_FRAME_CONNECTION_CLOSE && f->close.app)
		packets = QUIC_FRAME___01;
	return packets & in;
}

/* Walk the ranges of an ACK frame from the highest down. */
struct quic_ack_iter {
	struct quic_cur c;
	u64 left;		/* ranges still to come */
	u64 smallest;		/* of the range last returned */
	bool first;
};

void quic_ack_iter_init(struct quic_ack_iter *it, const struct quic_frame *f);
/* false at the end; [*@lo, *@hi] inclusive */
bool quic_ack_iter_next(struct quic_ack_iter *it, const struct quic_frame *f,
			u64 *lo, u64 *hi);

/* Writers.  Each writes a whole frame, or nothing and sets o->overflow. */
void quic_put_ping(struct quic_out *o);
void quic_put_crypto(struct quic_out *o, u64 off, u32 len); /* header only */
void quic_put_new_token(struct quic_out *o, const u8 *token, u16 len);
void quic_put_reset_stream(struct quic_out *o, u64 id, u64 code, u64 final);
void quic_put_stop_sending(struct quic_out *o, u64 id, u64 code);
void quic_put_max_data(struct quic_out *o, u64 max);
void quic_put_max_stream_data(struct quic_out *o, u64 id, u64 max);
void quic_put_max_streams(struct quic_out *o, bool uni, u64 max);
void quic_put_data_blocked(struct quic_out *o, u64 max);
void quic_put_stream_data_blocked(struct quic_out *o, u64 id, u64 max);
void quic_put_streams_blocked(struct quic_out *o, bool uni, u64 max);
void quic_put_new_connection_id(struct quic_out *o, u64 seq, u64 prior_to,
				const struct quic_cid *cid, const u8 *token);
void quic_put_retire_connection_id(struct quic_out *o, u64 seq);
void quic_put_path_challenge(struct quic_out *o,
			     const u8 data[QUIC_PATH_DATA_LEN]);
void quic_put_path_response(struct quic_out *o,
			    const u8 data[QUIC_PATH_DATA_LEN]);
void quic_put_handshake_done(struct quic_out *o);
void quic_put_immediate_ack(struct quic_out *o);
void quic_put_ack_frequency(struct quic_out *o, u64 seq, u64 threshold,
			    u64 delay, u64 reordering);
/* DATAGRAM header for @len bytes that follow, or with @to_end fill the packet. */
void quic_put_datagram(struct quic_out *o, u32 len, bool to_end);
/* @reason is truncated to what fits. */
void quic_put_connection_close(struct quic_out *o, bool app, u64 code,
			       u64 frame_type, const u8 *reason, u32 len);

/* STREAM header for @len bytes of data that follow (RFC 9000 section 19.8).
 * With @to_end no length field is written: the data fills the packet.
 */
void quic_put_stream(struct quic_out *o, u64 id, u64 off, u32 len, bool fin,
		     bool to_end);
/* Bytes that header takes. */
u8 quic_stream_hdr_len(u64 id, u64 off, u32 len, bool to_end);

#endif
