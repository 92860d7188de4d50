// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: packets become frames: those of a train, and those of the handshake.
 * Called from: rx/train.
 * Context: socket lock held, BH off.
 * RFC 9000 sections 5.2, 12.2, 17; RFC 9001 sections 4.9, 5.7.
 */
#include "../pipeline.h"
#include "../conn/jobs.h"
#include "../crypto/train.h"
#include "../obs/mib.h"
#include "../wire/pn.h"
#include "rx.h"

/* ---- packets to frames ------------------------------------------------------ */

/* RFC9000-5.2-1 */
static void close_for(struct quic_conn *c, int err, u8 frame)
{
	if (err == -ENOBUFS) {
		QUIC_CONN_INC(c, QuicFrmRcvBufDrop);
		return;
	}
	QUIC_CONN_INC(c, QuicPktInvFrmDrop);
	quic_conn_abort(c, err, frame, NULL);
}

/* RFC9000-17.2-7 RFC9000-17.3.1-3 */
/* RFC 9000 sections 17.2 and 17.3.1: reserved bits are authenticated zeros. */
static bool reserved_set(const struct quic_pkt *p)
{
	u8 first = p->data[0];

	return first & (first & QUIC_HDR_LONG ? QUIC_HDR_RESERVED_LONG :
						QUIC_HDR_RESERVED_SHORT);
}

/* The path of a packet that opened, if it is not the one in use: perhaps a
 * new one, perhaps one that an earlier packet of the train has made us leave.
 */
static bool find_path(struct quic_rx *rx, const struct quic_pkt *p)
{
	union quic_addr src, dst;

	if (quic_migrate_knows(rx->c, rx->path))
		return true;
	if (!rx->skb)
		return false;
	quic_rx_addrs(rx->skb, &dst, &src);
	rx->path = quic_migrate_candidate(rx->c, &src, &dst, p->data + 1,
					  rx->id_len);
	if (!rx->path)
		return false;
	rx->path->rx_bytes = rx->skb->len;
	return true;
}

/* Is it the ID of ours that the peer has used there? */
static bool uses(const struct quic_path *p, const u8 *id, u8 len)
{
	return p->ours.len == len && quic_rx_same_id(p->ours.id, id, len);
}

/* The newest packet so far tells where the peer is, and by which ID it wants
 * to be known (section 9.3).
 */
static void on_newest(struct quic_rx *rx, const struct quic_pkt *p)
{
	struct quic_conn *c = rx->c;

	if (!quic_migrate_knows(c, rx->path))
		return;
	if (!uses(rx->path, p->data + 1, rx->id_len))
		quic_cid_on_ours(c, rx->path, p->data + 1, rx->id_len);
	if (rx->path != c->path)
		quic_migrate_on_newest(c, rx->path);
}

/* RFC9000-12.3-4 RFC9000-12.3-5 RFC9000-13.1-1 */
static void one_packet(struct quic_rx *rx, u8 level, struct quic_pkt *p,
		       u16 segs_left)
{
	struct quic_conn *c = rx->c;
	enum quic_space_id space = quic_level_space(level);
	struct quic_rx_src src = {
		.skb = p->src, .segs_left = segs_left, .now = rx->now,
	};
	struct quic_rx_seen seen = {};
	bool newest;
	int err;

	/* The same number twice in one train passed the first check. */
	if (quic_ack_is_duplicate(c->ack[space], p->pn)) {
		QUIC_CONN_INC(rx->c, QuicDropDuplicate);
		return;
	}
	if (unlikely(rx->path != c->path) && !find_path(rx, p)) {
		QUIC_CONN_INC(rx->c, QuicDropPeer);
		return;
	}
	src.path = rx->path;
	newest = c->ack[space]->largest == QUIC_PN_NONE ||
		 p->pn > c->ack[space]->largest;
	if (reserved_set(p))
		err = QUIC_TRANSPORT_ERROR_PROTOCOL_VIOLATION;
	else
		err = quic_rx_frames(c, level, p->data + p->hdr_len,
				     p->len - p->hdr_len - QUIC_TAG_LEN, &src,
				     &seen);
	if (unlikely(err))
		return close_for(c, err, 0);
	rx->data_pkts += seen.data;
	rx->heard = true;
	/* The frames may have ended the connection or the space. */
	if (!quic_conn_alive(c) || !c->crypto[space])
		return;
	quic_ack_on_packet(c->ack[space], p->pn, rx->now, seen.eliciting, rx->ecn,
			   space == QUIC_SPACE_APP ?
			   quic_conn_max_ack_delay(c) : 0);
	if (unlikely(rx->moved) && newest && seen.more &&
	    level == QUIC_CRYPTO_APP)
		on_newest(rx, p);
}

/* Packets that nobody has authenticated may be as large as IP has them. */
static bool may_park(const struct quic_conn *c, u32 len)
{
	const struct sk_buff *skb;
	u32 used = SKB_TRUESIZE(len);

	skb_queue_walk(&c->parked, skb)
		used += skb->truesize;
	return skb_queue_len(&c->parked) < QUIC_MAX_PARKED &&
	       used <= QUIC_PARKED_BYTES;
}

/* RFC9001-5.7-1 RFC9001-5.7-2 RFC9001-5.7-3 */
/* Keys are still to come: keep the packet (RFC 9001 section 5.7). */
void quic_rx_park(struct quic_rx *rx, const u8 *p, u32 len)
{
	struct quic_conn *c = rx->c;
	struct sk_buff *skb;

	if (!may_park(c, len)) {
		QUIC_CONN_INC(rx->c, QuicDropParked);
		return;
	}
	skb = alloc_skb(len, GFP_ATOMIC);
	if (!skb)
		return;
	skb_put_data(skb, p, len);
	QUIC_RX_CB(skb)->ecn = rx->ecn;
	QUIC_RX_CB(skb)->id_len = rx->id_len;
	__skb_queue_tail(&c->parked, skb);
}

/* Those that failed and lie where a later one lies, too, become the train. */
static u16 twins(struct quic_train *t)
{
	u16 i, j, n = 0;

	for (i = 0; i < t->n; i++) {
		if (t->pkt[i].status != -EBADMSG)
			continue;
		for (j = i + 1; j < t->n; j++)
			if (t->pkt[j].data == t->pkt[i].data)
				break;
		if (j < t->n)
			t->pkt[n++] = t->pkt[i];
	}
	return n;
}

/* The same memory twice in one train (see crypto/aead_sw): header protection was
 * removed and, with the second, put on again.  Both have their old bytes back,
 * so one of them is opened once more.  True if there is a train to go through.
 */
static bool again(struct quic_rx *rx, u8 level)
{
	struct quic_train *t = rx->t;

	t->n = t->opened ? 0 : twins(t);
	return t->n && quic_conn_alive(rx->c) &&
	       !quic_rx_unprotect(rx->c, level, t) && t->n &&
	       !quic_rx_decrypt(rx->c, level, t);
}

/* Go through an open train. */
void quic_rx_packets(struct quic_rx *rx, u8 level)
{
	struct quic_train *t = rx->t;
	struct quic_conn *c = rx->c;
	bool failed;
	u16 i;

	do {
		failed = false;
		quic_rx_opened(c, level, t);
		/* One comparison per train: is all as before? */
		rx->moved = rx->path != c->path ||
			    !uses(rx->path, t->pkt[0].data + 1, rx->id_len);
		for (i = 0; i < t->n && quic_conn_alive(c); i++) {
			if (likely(!t->pkt[i].status)) {
				one_packet(rx, level, &t->pkt[i], t->n - 1 - i);
				continue;
			}
			failed = true;
			/* Elsewhere its path would be forgotten. */
			if (t->pkt[i].status == -ENOKEY && rx->path == c->path)
				quic_rx_park(rx, t->pkt[i].data, t->pkt[i].len);
		}
	} while (unlikely(failed) && again(rx, level));
}

int quic_rx_open_train(struct quic_rx *rx, u8 level)
{
	int err = quic_rx_decrypt(rx->c, level, rx->t);

	if (!err)
		quic_rx_packets(rx, level);
	return err;
}

/* Open what the train holds, and go through it. */
void quic_rx_flush(struct quic_rx *rx, u8 level)
{
	struct quic_train *t = rx->t;
	struct quic_conn *c = rx->c;
	int err;

	if (!t->n)
		return;
	QUIC_CONN_ADD(rx->c, QuicRxPackets, t->n);
	if (level == QUIC_CRYPTO_APP && !t->opened &&
	    unlikely(quic_jobs_receive(c, t, rx->now))) {
		err = quic_jobs_open(c, t, rx->skb, rx->now, rx->ecn);
	} else {
		err = quic_rx_unprotect(c, level, t);
		if (!err && t->n)
			err = quic_rx_open_train(rx, level);
	}
	if (unlikely(err))
		QUIC_CONN_ADD(rx->c, QuicPktRcvDrop, t->n);
	t->n = 0;
	t->opened = false;
}

/* ---- handshake packets ------------------------------------------------------ */

/* RFC9000-7.2-3 RFC9000-7.2-6 */
/* Section 7.2: the peer's ID is what its first packet says, for good. */
static bool peer_cid_ok(struct quic_conn *c, const struct quic_hdr *h)
{
	const struct quic_cid *dest = quic_cid_dest(c);

	if (!c->peer_cid_known)
		return true;
	return c->path->cid ||
	       (dest->len == h->scid_len &&
		!memcmp(dest->id, h->scid, h->scid_len));
}

/* RFC9000-7.2-2 RFC9000-7.2-4 */
static void learn_peer_cid(struct quic_conn *c, const struct quic_cid *scid)
{
	if (c->peer_cid_known)
		return;
	c->peer_cid_known = true;
	quic_cid_set_dest(c, scid, NULL);
}

/* RFC9001-4.9.1-2 */
/* A packet of the level proves something (sections 8.1, 4.9.1 of RFC 9001). */
static void on_level(struct quic_conn *c, u8 level)
{
	if (level != QUIC_CRYPTO_HANDSHAKE)
		return;
	if (c->is_server) {
		c->path->validated = true;
		c->rec.amplification_blocked = false;
		quic_conn_discard_space(c, QUIC_SPACE_INITIAL);
	}
}

/* RFC9369-4.1-7 */
/* One version, but for the Initials of a client that does not know yet which,
 * and its 0-RTT (RFC 9369 section 4.1).
 */
static bool version_ok(const struct quic_conn *c, const struct quic_hdr *h)
{
	if (h->type == QUIC_PKT_0RTT)
		return h->version == c->first_version;
	return h->version == c->version ||
	       (c->first_rx && h->version == c->first_version &&
		h->type == QUIC_PKT_INITIAL);
}

/* RFC9000-5.2.1-1 RFC9000-17.2.2-2 RFC9001-5.6-4 RFC9001-5.6-5 */
static bool long_header_ok(struct quic_rx *rx, const struct quic_hdr *h, u32 dgram)
{
	struct quic_conn *c = rx->c;
	enum quic_mib why;

	if (!quic_cid_is_ours(c, h->dcid, h->dcid_len) || !peer_cid_ok(c, h))
		why = QuicDropCid;
	else if (!version_ok(c, h))
		why = QuicDropVersion;
	else if (h->type == QUIC_PKT_INITIAL && c->is_server &&
		 dgram < QUIC_INITIAL_MIN_DGRAM)
		why = QuicDropInitialSize;
	else if (h->type == QUIC_PKT_INITIAL && !c->is_server && h->token_len)
		why = QuicDropToken;
	else if (h->type == QUIC_PKT_0RTT && !c->is_server)
		why = QuicDropNoKey;
	else
		return true;
	this_cpu_inc(rx->c->qn->mib->v[why]);
	return false;
}

static u8 level_of(u8 type)
{
	return type == QUIC_PKT_INITIAL ? QUIC_CRYPTO_INITIAL :
	       type == QUIC_PKT_0RTT ? QUIC_CRYPTO_EARLY :
				       QUIC_CRYPTO_HANDSHAKE;
}

/* RFC9001-4.6.2-1 */
/* One long-header packet at @p, owned by @skb. */
void quic_rx_long_packet(struct quic_rx *rx, struct sk_buff *skb, u8 *p,
			 const struct quic_hdr *h, u32 dgram)
{
	struct quic_conn *c = rx->c;
	struct quic_pkt *pkt = &rx->t->pkt[0];
	struct quic_cid scid = { .len = h->scid_len };
	u8 level = level_of(h->type);
	bool first = h->type == QUIC_PKT_INITIAL && h->version != c->version;
	bool good;
	u64 seen;

	if (unlikely(h->version != c->version) &&
	    quic_version_may_follow(c, h->version) &&
	    quic_cid_is_ours(c, h->dcid, h->dcid_len)) {
		/* The server went over to it: so do we, with new keys. */
		quic_rx_park(rx, p, h->len);
		quic_rx_follow(c, h->version);
		return;
	}
	if (!long_header_ok(rx, h, dgram))
		return;
	if (!c->crypto[quic_level_space(level)] ||
	    (level == QUIC_CRYPTO_EARLY && !c->keys[level][0].ready &&
	     c->keys[QUIC_CRYPTO_APP][0].ready)) {
		QUIC_CONN_INC(rx->c, QuicDropNoKey);
		return;
	}
	if (!c->keys[level][0].ready)
		return quic_rx_park(rx, p, h->len);

	memcpy(scid.id, h->scid, scid.len);
	memset(pkt, 0, sizeof(*pkt));
	pkt->data = p;
	pkt->len = h->len;
	pkt->pn_off = h->pn_off;
	pkt->src = skb;
	rx->t->n = 1;
	seen = c->ack[quic_level_space(level)]->largest;
	/* Only a packet that opens may teach anything: look at it twice. */
	QUIC_CONN_INC(rx->c, QuicRxPackets);
	if (first)
		swap(c->keys[level][0], *c->first_rx);
	if (quic_rx_open(c, level, rx->t))
		rx->t->n = 0;
	if (first && c->first_rx)
		swap(c->keys[level][0], *c->first_rx);
	good = rx->t->n && !pkt->status;
	rx->t->n = 0;
	if (!good)
		return;
	if (seen == QUIC_PN_NONE)
		learn_peer_cid(c, &scid);
	if (level == QUIC_CRYPTO_EARLY)
		QUIC_CONN_INC(rx->c, QuicRxEarlyPackets);
	on_level(c, level);
	one_packet(rx, level, pkt, 0);
}
