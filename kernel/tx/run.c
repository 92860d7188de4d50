// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: runs: full packets that hold nothing but new bytes of one stream.
 * Called from: tx/build, wherever a train may go on like that.
 * Context: socket lock held, BH off.
 * RFC 9000 sections 17.3.1, 19.8.
 *
 * Such packets differ in two integers only, packet number and offset; the
 * choice of the stream, the header, flow control and recovery's sums are a
 * matter of the run, not of its packets.  Most packets of a bulk transfer are
 * of this kind.  All others are tx/build's.
 */
#include "../pipeline.h"
#include "../wire/frame.h"
#include "../wire/pn.h"
#include "../wire/varint.h"
#include "tx.h"

/* What all packets of a run begin with.  Copied in words, so a little more of
 * each part is written than it has; what follows overwrites that.
 */
struct template {
	u8 head[32];		/* first byte, connection ID */
	u8 frame[16];		/* type, stream ID */
	u8 pn_off;
	u8 pn_len;
	u8 hdr_len;
	u8 frame_len;
};

/* At most so much of a packet is no data. */
#define QUIC_RUN_OVERHEAD	(1 + QUIC_CID_MAX_LEN + 4 + 1 + 2 * 8 + QUIC_TAG_LEN)

/* Does anything go before stream data? */
static bool is_alone(const struct quic_tx *tx)
{
	const struct quic_conn *c = tx->c;
	const struct quic_sbuf *crypto = &c->crypto[QUIC_SPACE_APP]->send;

	return tx->level == QUIC_CRYPTO_APP && !c->ctl &&
	       list_empty(&c->streams.ctl) && crypto->end == crypto->base &&
	       !quic_dgram_waits(c) &&
	       (tx->train.n || !quic_ack_owed(c->ack[QUIC_SPACE_APP]));
}

static void prepare(struct template *t, const struct quic_conn *c,
		    const struct quic_stream *s, u16 max)
{
	const struct quic_space *space = c->rec.space[QUIC_SPACE_APP];
	const struct quic_cid *dest = quic_cid_dest(c);
	struct quic_out o = { .p = t->head, .end = t->head + sizeof(t->head) };

	BUILD_BUG_ON(sizeof(t->head) < 1 + QUIC_CID_MAX_LEN + 4);
	/* The last number needs the most bytes. */
	t->pn_len = quic_pn_len(space->sent.next + max - 1,
				space->largest_acked);
	t->pn_off = quic_hdr_put_short(&o, dest, c->tx_phase,
				       quic_tx_spin(dest), 0, t->pn_len);
	t->hdr_len = t->pn_off + t->pn_len;
	t->frame[0] = QUIC_STREAM_FIRST | QUIC_STREAM_OFF;
	t->frame_len = quic_varint_write(t->frame + 1, s->id,
					 quic_varint_len(s->id)) - t->frame;
}

/* Header and frame; returns where the data begins. */
static u8 *put(const struct template *t, u8 *p, u64 pn, u64 off, u8 off_len)
{
	memcpy(p, t->head, sizeof(t->head));
	put_unaligned_be32((u32)pn << (32 - 8 * t->pn_len), p + t->pn_off);
	p += t->hdr_len;
	memcpy(p, t->frame, sizeof(t->frame));
	return quic_varint_write(p + t->frame_len, off, off_len);
}

static void record(struct quic_tx *tx, struct quic_stream *s, u64 off, u32 len,
		   u16 size)
{
	struct quic_sent *sent = &tx->c->rec.space[QUIC_SPACE_APP]->sent;
	struct quic_sent_frame *f;

	f = quic_sent_add_one(sent, tx->now, size, tx->run_flags);
	f->id = s->id;
	f->off = off;
	f->len = len;
	f->kind = QUIC_FRAME_STREAM;
	f->fin = false;
}

/* What the run means to everybody else. */
static void account(struct quic_tx *tx, struct quic_stream *s, u64 off, u32 len,
		    u16 n, u16 size)
{
	struct quic_conn *c = tx->c;

	quic_recovery_on_run(&c->rec, QUIC_SPACE_APP, tx->now, n, size,
			     tx->run_flags);
	quic_sbuf_sent(&s->sb, off, len, false);
	c->data_sent += len;
	c->acks_alone = 0;
	quic_sched_sent(c, s, len);
	tx->train.n += n;
	tx->records += n;
	tx->eliciting += n;
	tx->data_pkts += n;
}

/**
 * quic_build_run - as many full packets as one stream can fill
 * @tx:		the train; gets the packets, each with its sent record
 * @p:		where they are laid out, one behind the other
 * @size:	of each, in bytes
 * @max:	not more than that; records for them are reserved
 *
 * The last bytes of a stream, or of what it may send, are left to packets that
 * can hold other frames too.  Return: packets built.
 */
u16 quic_build_run(struct quic_tx *tx, u8 *p, u16 size, u16 max)
{
	struct quic_conn *c = tx->c;
	struct quic_pkt *pkt = &tx->train.pkt[tx->train.n];
	u64 pn = c->rec.space[QUIC_SPACE_APP]->sent.next;
	u64 start, off;
	struct quic_stream *s;
	struct template t;
	struct sk_buff *skb;
	u32 left, room, skb_off, len;
	u16 n;
	bool fin;

	if (!is_alone(tx))
		return 0;
	s = quic_sched_stream(c, &start, &left, &fin);
	if (!s || start < s->sb.high)
		return 0;
	left = min(left, quic_sched_turn(s));
	if (left + QUIC_RUN_OVERHEAD <= size)
		return 0;
	prepare(&t, c, s, max);
	room = size - t.hdr_len - t.frame_len - QUIC_TAG_LEN;
	if (left <= room)
		return 0;
	skb = quic_sbuf_find(&s->sb, start, &skb_off);
	if (!skb)
		return 0;
	tx->run_flags = QUIC_SENT_ACK_ELICITING | QUIC_SENT_IN_FLIGHT |
			(tx->ect ? QUIC_SENT_ECT : 0);
	for (n = 0, off = start; n < max; n++, pkt++, p += size) {
		u8 off_len = quic_varint_len(off);

		len = room - off_len;
		if (left <= len)
			break;
		while (skb_off >= skb->len) {
			skb_off -= skb->len;
			skb = skb->next;
		}
		pkt->data = p;
		pkt->pn = pn++;
		pkt->len = size;
		pkt->hdr_len = t.hdr_len;
		pkt->pn_off = t.pn_off;
		pkt->clear_len = put(&t, p, pkt->pn, off, off_len) - p;
		pkt->src = skb;
		pkt->src_off = skb_off;
		pkt->status = 0;
		record(tx, s, off, len, size);
		left -= len;
		off += len;
		skb_off += len;
	}
	account(tx, s, start, off - start, n, size);
	return n;
}
