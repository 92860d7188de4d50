// SPDX-License-Identifier: GPL-2.0
/*
 * A whole decrypted payload.  Every frame read is written again, where we
 * have a writer for it, and must read the same from what was written.
 *
 * needs: wire/frame.c wire/frame_put.c wire/varint.c
 */
#include <linux/quic.h>

#include "fuzz.h"
#include "wire/frame.h"

static void check_ack(const struct quic_frame *f)
{
	struct quic_ack_iter it;
	u64 lo, hi, n = 0, below = U64_MAX;

	MUST(f->ack.ranges <= f->ack.ranges_end);
	quic_ack_iter_init(&it, f);
	while (quic_ack_iter_next(&it, f, &lo, &hi)) {
		MUST(n || hi == f->ack.largest);
		MUST(lo <= hi);
		MUST(!n || hi + 2 <= below);	/* a gap of at least one */
		below = lo;
		n++;
	}
	MUST(n == f->ack.range_count + 1);
	MUST(it.c.p == f->ack.ranges_end);
}

/* Return: false for kinds that have no writer here. */
static bool put(struct quic_out *o, const struct quic_frame *f)
{
	switch (f->kind) {
	case QUIC_FRAME_PING:
		quic_put_ping(o);
		return true;
	case QUIC_FRAME_RESET_STREAM:
		quic_put_reset_stream(o, f->reset.id, f->reset.code,
				      f->reset.final_size);
		return true;
	case QUIC_FRAME_STOP_SENDING:
		quic_put_stop_sending(o, f->stop.id, f->stop.code);
		return true;
	case QUIC_FRAME_CRYPTO:
		quic_put_crypto(o, f->crypto.off, f->crypto.len);
		quic_put_bytes(o, f->crypto.data, f->crypto.len);
		return true;
	case QUIC_FRAME_STREAM:
		quic_put_stream(o, f->stream.id, f->stream.off, f->stream.len,
				f->stream.fin, !(f->type & QUIC_STREAM_LEN));
		quic_put_bytes(o, f->stream.data, f->stream.len);
		return true;
	case QUIC_FRAME_MAX_DATA:
		quic_put_max_data(o, f->max_data.max);
		return true;
	case QUIC_FRAME_MAX_STREAM_DATA:
		quic_put_max_stream_data(o, f->max_stream_data.id,
					 f->max_stream_data.max);
		return true;
	case QUIC_FRAME_MAX_STREAMS:
		quic_put_max_streams(o, f->max_streams.uni,
				     f->max_streams.max);
		return true;
	case QUIC_FRAME_DATA_BLOCKED:
		quic_put_data_blocked(o, f->data_blocked.max);
		return true;
	case QUIC_FRAME_STREAM_DATA_BLOCKED:
		quic_put_stream_data_blocked(o, f->stream_data_blocked.id,
					     f->stream_data_blocked.max);
		return true;
	case QUIC_FRAME_STREAMS_BLOCKED:
		quic_put_streams_blocked(o, f->streams_blocked.uni,
					 f->streams_blocked.max);
		return true;
	case QUIC_FRAME_NEW_CONNECTION_ID:
		quic_put_new_connection_id(o, f->new_cid.seq,
					   f->new_cid.prior_to,
					   &f->new_cid.cid,
					   f->new_cid.reset_token);
		return true;
	case QUIC_FRAME_RETIRE_CONNECTION_ID:
		quic_put_retire_connection_id(o, f->retire_cid.seq);
		return true;
	case QUIC_FRAME_PATH_CHALLENGE:
		quic_put_path_challenge(o, f->path.data);
		return true;
	case QUIC_FRAME_PATH_RESPONSE:
		quic_put_path_response(o, f->path.data);
		return true;
	case QUIC_FRAME_CONNECTION_CLOSE:
		quic_put_connection_close(o, f->close.app, f->close.code,
					  f->close.frame_type, f->close.reason,
					  f->close.reason_len);
		return true;
	case QUIC_FRAME_HANDSHAKE_DONE:
		quic_put_handshake_done(o);
		return true;
	case QUIC_FRAME_IMMEDIATE_ACK:
		quic_put_immediate_ack(o);
		return true;
	case QUIC_FRAME_ACK_FREQUENCY:
		quic_put_ack_frequency(o, f->ack_frequency.seq,
				       f->ack_frequency.threshold,
				       f->ack_frequency.delay,
				       f->ack_frequency.reordering);
		return true;
	case QUIC_FRAME_DATAGRAM:
		quic_put_datagram(o, f->datagram.len,
				  !(f->type & QUIC_DATAGRAM_LEN));
		quic_put_bytes(o, f->datagram.data, f->datagram.len);
		return true;
	}
	return false;
}

static bool same_bytes(const u8 *a, u32 a_len, const u8 *b, u32 b_len)
{
	return a_len == b_len && (!a_len || !memcmp(a, b, a_len));
}

static bool same(const struct quic_frame *a, const struct quic_frame *b)
{
	if (a->kind != b->kind)
		return false;
	switch (a->kind) {
	case QUIC_FRAME_RESET_STREAM:
		return a->reset.id == b->reset.id &&
		       a->reset.code == b->reset.code &&
		       a->reset.final_size == b->reset.final_size;
	case QUIC_FRAME_STOP_SENDING:
		return a->stop.id == b->stop.id &&
		       a->stop.code == b->stop.code;
	case QUIC_FRAME_CRYPTO:
		return a->crypto.off == b->crypto.off &&
		       same_bytes(a->crypto.data, a->crypto.len,
				  b->crypto.data, b->crypto.len);
	case QUIC_FRAME_STREAM:
		return a->stream.id == b->stream.id &&
		       a->stream.off == b->stream.off &&
		       a->stream.fin == b->stream.fin &&
		       same_bytes(a->stream.data, a->stream.len,
				  b->stream.data, b->stream.len);
	case QUIC_FRAME_MAX_STREAM_DATA:
	case QUIC_FRAME_STREAM_DATA_BLOCKED:
		return a->max_stream_data.id == b->max_stream_data.id &&
		       a->max_stream_data.max == b->max_stream_data.max;
	case QUIC_FRAME_MAX_STREAMS:
	case QUIC_FRAME_STREAMS_BLOCKED:
		return a->max_streams.uni == b->max_streams.uni &&
		       a->max_streams.max == b->max_streams.max;
	case QUIC_FRAME_MAX_DATA:
	case QUIC_FRAME_DATA_BLOCKED:
	case QUIC_FRAME_RETIRE_CONNECTION_ID:
		return a->max_data.max == b->max_data.max;
	case QUIC_FRAME_NEW_CONNECTION_ID:
		return a->new_cid.seq == b->new_cid.seq &&
		       a->new_cid.prior_to == b->new_cid.prior_to &&
		       quic_cid_equal(&a->new_cid.cid, &b->new_cid.cid) &&
		       !memcmp(a->new_cid.reset_token, b->new_cid.reset_token,
			       QUIC_RESET_TOKEN_LEN);
	case QUIC_FRAME_PATH_CHALLENGE:
	case QUIC_FRAME_PATH_RESPONSE:
		return !memcmp(a->path.data, b->path.data, QUIC_PATH_DATA_LEN);
	case QUIC_FRAME_CONNECTION_CLOSE:
		return a->close.app == b->close.app &&
		       a->close.code == b->close.code &&
		       a->close.frame_type == b->close.frame_type &&
		       same_bytes(a->close.reason, a->close.reason_len,
				  b->close.reason, b->close.reason_len);
	case QUIC_FRAME_ACK_FREQUENCY:
		return a->ack_frequency.seq == b->ack_frequency.seq &&
		       a->ack_frequency.threshold == b->ack_frequency.threshold &&
		       a->ack_frequency.delay == b->ack_frequency.delay &&
		       a->ack_frequency.reordering == b->ack_frequency.reordering;
	case QUIC_FRAME_DATAGRAM:
		return same_bytes(a->datagram.data, a->datagram.len,
				  b->datagram.data, b->datagram.len);
	}
	return true;
}

static void check_round_trip(const struct quic_frame *f, size_t len)
{
	u8 *buf = malloc(len);
	struct quic_out o = { buf, buf + len };
	struct quic_frame again;
	struct quic_cur c;

	/* ours is the shortest encoding: it fits where the frame came from */
	if (put(&o, f)) {
		MUST(!o.overflow);
		c = (struct quic_cur){ buf, o.p };
		MUST(!quic_frame_parse(&c, &again));
		MUST(c.p == o.p);
		MUST(same(f, &again));
	}
	free(buf);
}

static void check_pointers(const struct quic_frame *f, const u8 *p, size_t len)
{
	switch (f->kind) {
	case QUIC_FRAME_ACK:
		MUST(inside(f->ack.ranges, f->ack.ranges_end - f->ack.ranges,
			    p, len));
		check_ack(f);
		break;
	case QUIC_FRAME_CRYPTO:
		MUST(inside(f->crypto.data, f->crypto.len, p, len));
		MUST(f->crypto.off + f->crypto.len <= QUIC_VARINT_MAX);
		break;
	case QUIC_FRAME_STREAM:
		MUST(inside(f->stream.data, f->stream.len, p, len));
		MUST(f->stream.off + f->stream.len <= QUIC_VARINT_MAX);
		break;
	case QUIC_FRAME_NEW_TOKEN:
		MUST(f->token.len);
		MUST(inside(f->token.data, f->token.len, p, len));
		break;
	case QUIC_FRAME_NEW_CONNECTION_ID:
		MUST(f->new_cid.cid.len >= 1 && f->new_cid.cid.len <= 20);
		MUST(f->new_cid.prior_to <= f->new_cid.seq);
		MUST(inside(f->new_cid.reset_token, 16, p, len));
		break;
	case QUIC_FRAME_PATH_CHALLENGE:
	case QUIC_FRAME_PATH_RESPONSE:
		MUST(inside(f->path.data, 8, p, len));
		break;
	case QUIC_FRAME_CONNECTION_CLOSE:
		MUST(inside(f->close.reason, f->close.reason_len, p, len));
		break;
	case QUIC_FRAME_DATAGRAM:
		MUST(inside(f->datagram.data, f->datagram.len, p, len));
		MUST(f->datagram.size == len);
		break;
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct quic_cur c = { data, data + size };
	struct quic_frame f;
	const u8 *start;
	int err;

	while (quic_cur_left(&c)) {
		start = c.p;
		memset(&f, 0xa5, sizeof(f));
		err = quic_frame_parse(&c, &f);
		MUST(c.p > start && c.p <= c.end);
		if (err) {
			MUST(err == QUIC_TRANSPORT_ERROR_FRAME_ENCODING ||
			     err == QUIC_TRANSPORT_ERROR_PROTOCOL_VIOLATION);
			break;
		}
		MUST(f.type == start[f.type >= 64]);
		MUST(f.kind < QUIC_FRAME_KIND_MAX);
		MUST(quic_frame_packets(f.kind));
		check_pointers(&f, start, c.p - start);
		check_round_trip(&f, c.p - start);
	}
	return 0;
}
