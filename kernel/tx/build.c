// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: laying out packets: headers, frames, sent records, and the memory
 * they lie in.
 * Called from: tx/push.
 * Context: socket lock held, BH off.
 * RFC 9000 sections 12.2, 14.1, 17.
 *
 * A train is written into page fragments, packet after packet without a gap,
 * as UDP GSO wants it; stream data is not written but sealed into its place
 * later (tx/seal).
 */
#include <linux/random.h>
#include <linux/skbuff.h>
#include "../pages.h"
#include "../pipeline.h"
#include "../obs/mib.h"
#include "../wire/pn.h"
#include "../wire/varint.h"
#include "tx.h"

/* Frame records to be had per packet of a train, on average. */
#define QUIC_FRAMES_PER_PKT	2
/* A cipher block. */
#define QUIC_PLACE_ALIGN	16
/* Less room than this in a datagram is not worth another packet. */
#define QUIC_ROOM_MIN		128
/* Type, offset and length of a CRYPTO frame in one packet. */
#define QUIC_CRYPTO_HDR_MAX	(1 + 8 + 2)
/* Packets with nothing but an ACK in a row. */
#define QUIC_ACKS_ALONE		32

static void build_init(struct quic_pkt_build *b, u8 *p, u32 len)
{
	b->o.p = p;
	b->o.end = p + len;
	b->o.overflow = false;
	b->n_frames = 0;
	b->eliciting = false;
	b->in_flight = false;
	b->stream = false;
	b->dgram = false;
	b->done = false;
	b->retrans = 0;
	b->src = NULL;
	b->src_off = 0;
	b->src_len = 0;
}

/* Header protection needs 4 bytes of packet number and payload in all
 * (RFC 9001 section 5.4.2).
 */
static void pad_to(struct quic_pkt_build *b, u8 *p)
{
	if (b->o.p >= p || b->src_len)
		return;
	memset(b->o.p, 0, p - b->o.p);
	b->o.p = p;
}

/* The packet is complete: its record, then its place in the train. */
static void commit(struct quic_tx *tx, struct quic_pkt_build *b,
		   enum quic_space_id id, struct quic_pkt *pkt, bool probe)
{
	struct quic_conn *c = tx->c;
	u8 flags = 0;
	int i;

	pkt->clear_len = b->o.p - pkt->data;
	pkt->src = b->src;
	pkt->src_off = b->src_off;
	pkt->len = pkt->clear_len + b->src_len + QUIC_TAG_LEN;
	pkt->status = 0;

	if (b->eliciting)
		flags |= QUIC_SENT_ACK_ELICITING;
	if (b->in_flight)
		flags |= QUIC_SENT_IN_FLIGHT;
	if (probe)
		flags |= QUIC_SENT_PROBE;
	if (tx->ect)
		flags |= QUIC_SENT_ECT;
	quic_recovery_on_sent(&c->rec, id, tx->now, pkt->len, flags);
	for (i = 0; i < b->n_frames; i++)
		quic_sent_add_frame(&c->rec.space[id]->sent, &b->frames[i]);

	tx->train.n++;
	tx->records += b->n_frames;
	tx->eliciting += b->eliciting;
	tx->data_pkts += b->stream;
	tx->retrans += b->retrans;
}

/* ---- 1-RTT trains ------------------------------------------------------------- */

/* Room for one more packet; a new fragment begins where the page ends.
 *
 * The first packet of a fragment starts so that what its header is followed
 * by, at @hdr_len, begins a cipher block's distance into the page: SIMD code
 * then never meets a block that lies in two pages (5 % of sealing and opening
 * on 6.12).
 */
static u8 *place(struct quic_tx *tx, u32 size, u32 hdr_len)
{
	int frags = skb_shinfo(tx->skb)->nr_frags;
	struct page_frag *f = tx->frag;

	if (!quic_pages_tx_refill(size + QUIC_PLACE_ALIGN))
		return NULL;
	if (!skb_can_coalesce(tx->skb, frags, f->page, f->offset)) {
		if (frags == MAX_SKB_FRAGS)
			return NULL;
		f->offset += -(f->offset + hdr_len) & (QUIC_PLACE_ALIGN - 1);
	}
	return page_address(f->page) + f->offset;
}

static void attach(struct quic_tx *tx, u32 len)
{
	struct page_frag *f = tx->frag;
	struct sk_buff *skb = tx->skb;
	int i = skb_shinfo(skb)->nr_frags;

	if (skb_can_coalesce(skb, i, f->page, f->offset)) {
		skb_frag_size_add(&skb_shinfo(skb)->frags[i - 1], len);
	} else {
		get_page(f->page);
		skb_fill_page_desc(skb, i, f->page, f->offset, len);
	}
	f->offset += len;
	skb->len += len;
	skb->data_len += len;
	skb->truesize += len;
}

/* RFC9000-13.2.1-5 */
/* Who only receives never learns that its ACKs arrived, and repeats all
 * ranges in each: ask now and then (RFC 9000 section 13.2.4).
 */
static bool ping_due(const struct quic_conn *c)
{
	return c->acks_alone >= QUIC_ACKS_ALONE;
}

/* RFC9000-12.4-1 RFC9002-6.2.4-1 RFC9002-6.2.4-2 */
/* One packet of at most @size bytes; false if there is nothing to put in.
 * With @more others may follow it: GSO wants them all of one size, so a
 * packet that came out short only because the next frame did not fit is
 * padded.
 */
static bool app_packet(struct quic_tx *tx, u8 *p, u32 size,
		       const struct quic_allowance *a, bool more)
{
	struct quic_conn *c = tx->c;
	struct quic_space *space = c->rec.space[QUIC_SPACE_APP];
	struct quic_crypto *crypto = c->crypto[QUIC_SPACE_APP];
	struct quic_pkt *pkt = &tx->train.pkt[tx->train.n];
	bool early = tx->level == QUIC_CRYPTO_EARLY;
	struct quic_pkt_build b;
	u8 pn_len;

	build_init(&b, p, size - QUIC_TAG_LEN);
	pkt->data = p;
	pkt->pn = space->sent.next;
	pn_len = quic_pn_len(pkt->pn, space->largest_acked);
	if (likely(!early))
		pkt->pn_off = quic_hdr_put_short(&b.o, quic_cid_dest(c),
						 c->tx_phase,
						 quic_tx_spin(quic_cid_dest(c)),
						 pkt->pn, pn_len);
	else
		pkt->pn_off = quic_hdr_put_long(&b.o, QUIC_PKT_0RTT,
						c->first_version,
						quic_cid_dest(c), &c->scid,
						NULL, 0, pkt->pn, pn_len);
	pkt->hdr_len = b.o.p - p;

	if (!tx->train.n && likely(!early))
		quic_frames_ack(c, &b, QUIC_SPACE_APP, tx->now, a->probe);
	if (a->data) {
		if (unlikely(c->ctl || !list_empty(&c->streams.ctl)))
			quic_frames_control(c, &b);
		if (unlikely(crypto->send.end != crypto->send.base))
			quic_frames_crypto(c, &b, QUIC_SPACE_APP);
		if (unlikely(quic_dgram_waits(c)))
			quic_frames_datagrams(c, &b);
		quic_frames_streams(c, &b);
	}
	/* A probe is in a hurry (draft-ietf-quic-ack-frequency section 5). */
	if (a->probe && quic_ackfreq_agreed(c))
		quic_frames_immediate_ack(&b);
	if (!b.eliciting && (a->probe || (b.n_frames && ping_due(c))))
		quic_frames_ping(&b);
	if (!b.n_frames)
		return false;
	c->acks_alone = b.eliciting ? 0 : c->acks_alone + 1;
	if (more && !b.done && quic_sched_has_more(c)) {
		/* Datagrams that fill no packet have trains of their own size. */
		if (b.dgram && !tx->train.n)
			tx->own_size = true;
		else
			pad_to(&b, b.o.end);
	}
	pad_to(&b, p + pkt->pn_off + 4);
	commit(tx, &b, QUIC_SPACE_APP, pkt, a->probe);
	if (unlikely(early))
		quic_hdr_set_length(p, pkt->pn_off, pkt->len - pkt->pn_off);
	return true;
}

/* The place at @p is the first of as many as the page has room for; there are
 * @pkts packets and @records frame records in all.
 */
static u16 run(struct quic_tx *tx, u8 *p, u32 mss, u32 pkts, u32 records)
{
	const struct page_frag *f = tx->frag;
	u32 room = (f->size - f->offset) / mss;

	return quic_build_run(tx, p, mss, min3(room, pkts - tx->train.n,
					       records - tx->records));
}

int quic_build_train(struct quic_tx *tx, const struct quic_allowance *a)
{
	struct quic_conn *c = tx->c;
	u32 records = a->pkts * QUIC_FRAMES_PER_PKT + QUIC_SENT_MAX_FRAMES;
	struct quic_space *space = c->rec.space[QUIC_SPACE_APP];
	u32 mss = c->path->mss, hdr_len, len, pkts;
	bool runs = a->data && !a->probe, more;
	const struct page_frag *f;
	u8 *p = NULL;
	int err;
	u16 n;

	hdr_len = 1 + quic_cid_dest(c)->len +
		  quic_pn_len(space->sent.next, space->largest_acked);

	err = quic_recovery_reserve(&c->rec, QUIC_SPACE_APP, a->pkts + 1,
				    records, GFP_ATOMIC);
	if (err)
		return err;
	if (unlikely(space->sent.next >= c->rec.skip_at))
		quic_recovery_skip(&c->rec, get_random_u32());
	if (quic_path_allowance(c->path) < mss) {
		c->rec.amplification_blocked = true;
		return 0;
	}
	tx->skb = quic_xmit_alloc(c->path, 0);
	if (!tx->skb)
		return -ENOMEM;

	/* Large packets find room in large pages only: else smaller ones. */
	f = tx->frag = quic_pages_tx();
	if (!quic_pages_tx_refill(mss + QUIC_PLACE_ALIGN) &&
	    f->page && f->size < mss + QUIC_PLACE_ALIGN)
		mss = f->size - 2 * QUIC_PLACE_ALIGN;

	pkts = c->path->validated ? a->pkts : 1;
	while (tx->train.n < pkts) {
		/* The record ring was sized for the usual few a packet. */
		if (tx->records + QUIC_SENT_MAX_FRAMES > records)
			break;
		p = place(tx, mss, hdr_len);
		if (!p)
			break;
		n = runs ? run(tx, p, mss, pkts, records) : 0;
		if (n) {
			attach(tx, n * mss);
			continue;
		}
		more = tx->train.n + 1 < a->pkts;
		if (!app_packet(tx, p, mss, a, more))
			break;
		len = tx->train.pkt[tx->train.n - 1].len;
		attach(tx, len);
		if (tx->own_size && tx->train.n == 1)
			mss = len;
		if (len < mss)
			break;
	}
	if (!tx->train.n) {
		kfree_skb(tx->skb);
		tx->skb = NULL;
		if (!p)
			return -ENOMEM;
	}
	return tx->train.n;
}

/* ---- Initial and Handshake ------------------------------------------------------ */

/* Bytes of CRYPTO data that surely fit, so that a probe leaves none over. */
static u32 crypto_room(const struct quic_pkt_build *b)
{
	u32 left = quic_out_left(&b->o);

	return left > QUIC_CRYPTO_HDR_MAX ? left - QUIC_CRYPTO_HDR_MAX : 0;
}

/* RFC9000-8.1.3-1 RFC9000-17.2.2-1 */
/* A probe repeats the oldest CRYPTO data for as long as there is some, each of
 * the two (RFC 9002 section 6.2.4): of a PING the peer learns nothing.  Packets built,
 * or -errno.
 */
static int long_packet(struct quic_tx *tx, u8 *p, u32 room, bool pad,
		       bool last, enum quic_space_id id)
{
	struct quic_conn *c = tx->c;
	struct quic_sent *sent = &c->rec.space[id]->sent;
	struct quic_pkt *pkt = &tx->train.pkt[0];
	const struct quic_token *token = quic_sk(c->sk)->token;
	bool probe = c->probes[id], fits = quic_sched_handshake_fits(c);
	struct quic_pkt_build b;
	u8 pn_len;

	if (quic_recovery_reserve(&c->rec, id, 1, QUIC_SENT_MAX_FRAMES,
				  GFP_ATOMIC))
		return -ENOMEM;
	build_init(&b, p, room - QUIC_TAG_LEN);
	pn_len = quic_pn_len(sent->next, c->rec.space[id]->largest_acked);
	tx->train.n = 0;
	pkt->data = p;
	pkt->pn = sent->next;
	if (id == QUIC_SPACE_APP)
		pkt->pn_off = quic_hdr_put_short(&b.o, quic_cid_dest(c),
						 c->tx_phase,
						 quic_tx_spin(quic_cid_dest(c)),
						 pkt->pn, pn_len);
	else
		pkt->pn_off = quic_hdr_put_long(&b.o,
						id == QUIC_SPACE_INITIAL ?
						QUIC_PKT_INITIAL :
						QUIC_PKT_HANDSHAKE,
						c->version, quic_cid_dest(c),
						&c->scid,
						token ? token->data : NULL,
						token ? token->len : 0,
						pkt->pn, pn_len);
	pkt->hdr_len = b.o.p - p;

	quic_frames_ack(c, &b, id, tx->now, probe);
	if (id == QUIC_SPACE_APP)
		quic_frames_control(c, &b);
	else if (probe)
		quic_sbuf_repeat(&c->crypto[id]->send, crypto_room(&b));
	if (probe || fits)
		quic_frames_crypto(c, &b, id);
	if (probe && !b.eliciting)
		quic_frames_ping(&b);
	if (!b.n_frames)
		return 0;
	/* RFC 9000 section 14.1; padding counts as in flight.  An ACK alone must
	 * not use up what a server may send.
	 */
	pad &= !c->is_server || tx->eliciting || b.eliciting;
	if (pad && (last || quic_out_left(&b.o) < QUIC_ROOM_MIN)) {
		pad_to(&b, b.o.end);
		b.in_flight = true;
	}
	pad_to(&b, p + pkt->pn_off + 4);
	commit(tx, &b, id, pkt, probe);
	if (id != QUIC_SPACE_APP)
		quic_hdr_set_length(p, pkt->pn_off,
				    pkt->len - pkt->pn_off);
	if (probe)
		c->probes[id]--;
	return 1;
}

/* Which spaces take part in the next datagram? */
static u8 wanting(struct quic_conn *c, u64 now)
{
	struct quic_allowance a;
	u8 want = 0;

	if (quic_sched_space_wants(c, QUIC_SPACE_INITIAL, now))
		want |= BIT(QUIC_SPACE_INITIAL);
	if (quic_sched_space_wants(c, QUIC_SPACE_HANDSHAKE, now))
		want |= BIT(QUIC_SPACE_HANDSHAKE);
	/* An ACK that is owed rides along (section 13.2.1). */
	if (want && c->crypto[QUIC_SPACE_INITIAL] &&
	    quic_ack_owed(c->ack[QUIC_SPACE_INITIAL]) &&
	    c->keys[QUIC_CRYPTO_INITIAL][1].ready)
		want |= BIT(QUIC_SPACE_INITIAL);
	if (want == BIT(QUIC_SPACE_HANDSHAKE) &&
	    c->keys[QUIC_CRYPTO_APP][1].ready &&
	    (c->ctl || !list_empty(&c->streams.ctl)) &&
	    quic_sched_app(c, true, now, &a) && a.data)
		want |= BIT(QUIC_SPACE_APP);
	return want;
}

/*
 * RFC9000-8.1-3 RFC9000-14.1-1 RFC9000-14.1-2 RFC9001-9.3-1
 * RFC9002-6.2.2.1-4
 */
/* May the datagram have to have 1200 bytes (section 14.1)?  A client's with an
 * Initial always; a server's if that is ack-eliciting, which shows when it is
 * built.
 */
static bool must_pad(u8 want)
{
	return want & BIT(QUIC_SPACE_INITIAL);
}

/* RFC9000-12.2-2 RFC9001-4.9.1-1 */
int quic_build_datagram(struct quic_tx *tx)
{
	struct quic_conn *c = tx->c;
	u8 want = wanting(c, tx->now);
	u32 room = QUIC_MSS_MIN, used = 0;
	int id, n, err = 0;
	u8 *p;

	if (!want)
		return 0;
	room = min_t(u64, room, quic_path_allowance(c->path));
	if (room < QUIC_MSS_MIN) {
		c->rec.amplification_blocked = true;
		return 0;
	}
	tx->skb = quic_xmit_alloc(c->path, room);
	if (!tx->skb)
		return -ENOMEM;
	p = tx->skb->data;
	for (id = 0; id < QUIC_SPACE_MAX && room - used >= QUIC_ROOM_MIN;
	     id++) {
		if (!(want & BIT(id)))
			continue;
		/* The last packet carries the padding. */
		n = long_packet(tx, p + used, room - used, must_pad(want),
				!(want >> (id + 1)), id);
		if (n <= 0) {
			err = n ?: err;
			continue;
		}
		if (quic_seal(c, quic_space_level(id), &tx->train))
			break;
		used += tx->train.pkt[0].len;
		/* RFC 9001 section 4.9.1 */
		if (id == QUIC_SPACE_HANDSHAKE && !c->is_server)
			tx->drop_initial = true;
	}
	if (!used) {
		kfree_skb(tx->skb);
		tx->skb = NULL;
		return err;
	}
	__skb_put(tx->skb, used);
	return used;
}
