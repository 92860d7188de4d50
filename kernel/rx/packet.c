// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: a train of datagrams becomes packets, and packets become frames.
 * Called from: rx/demux (softirq or backlog), conn/lifecycle (accept),
 * conn/handshake (parked packets).
 * Context: socket lock held, BH off.
 * RFC 9000 sections 5.2, 12.2, 14.1, 17; RFC 9001 sections 4.9, 5.7.
 *
 * 1-RTT packets of a train are opened together where they lie.  A packet that
 * is spread over several pieces of an skb, or lies in memory that others can
 * see, is copied first.
 */
#include <linux/udp.h>
#include <net/inet_ecn.h>
#include "../pipeline.h"
#include "../conn/jobs.h"
#include "../crypto/train.h"
#include "../obs/mib.h"
#include "../wire/pn.h"
#include "rx.h"

/* Which skb holds packet i lives in t->pkt[i].src. */
static struct quic_train __percpu *rx_scratch;

/* State while one skb is walked. */
struct rx {
	struct quic_conn *c;
	struct quic_train *t;
	struct quic_path *path;	/* NULL: none known, until a packet opens */
	const struct sk_buff *skb; /* with its headers; NULL: parked before */
	u64 now;
	u8 ecn;
	bool moved;		/* another path, or another ID of ours */
	bool news;		/* see struct quic_rx_seen */
	u16 data_pkts;
};

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
static bool find_path(struct rx *rx, const struct quic_pkt *p)
{
	union quic_addr src, dst;

	if (quic_migrate_knows(rx->c, rx->path))
		return true;
	if (!rx->skb)
		return false;
	quic_rx_addrs(rx->skb, &dst, &src);
	rx->path = quic_migrate_candidate(rx->c, &src, &dst, p->data + 1);
	if (!rx->path)
		return false;
	rx->path->rx_bytes = rx->skb->len;
	return true;
}

/* The newest packet so far tells where the peer is, and by which ID it wants
 * to be known (section 9.3).
 */
static void on_newest(struct rx *rx, const struct quic_pkt *p)
{
	struct quic_conn *c = rx->c;

	if (!quic_migrate_knows(c, rx->path))
		return;
	if (memcmp(rx->path->ours, p->data + 1, QUIC_SCID_LEN))
		quic_cid_on_ours(c, rx->path, p->data + 1);
	if (rx->path != c->path)
		quic_migrate_on_newest(c, rx->path);
}

/* RFC9000-12.3-4 RFC9000-12.3-5 RFC9000-13.1-1 */
static void one_packet(struct rx *rx, u8 level, struct quic_pkt *p,
		       u16 segs_left)
{
	struct quic_conn *c = rx->c;
	enum quic_space_id space = quic_level_space(level);
	struct quic_rx_src src = { .skb = p->src, .segs_left = segs_left };
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
	rx->news |= seen.news;
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

/* RFC9001-5.7-1 RFC9001-5.7-2 RFC9001-5.7-3 */
/* Keys are still to come: keep the packet (RFC 9001 section 5.7). */
static void park(struct rx *rx, const u8 *p, u32 len)
{
	struct quic_conn *c = rx->c;
	struct sk_buff *skb;

	if (skb_queue_len(&c->parked) >= QUIC_MAX_PARKED) {
		QUIC_CONN_INC(rx->c, QuicDropParked);
		return;
	}
	skb = alloc_skb(len, GFP_ATOMIC);
	if (!skb)
		return;
	skb_put_data(skb, p, len);
	skb->cb[0] = rx->ecn;
	__skb_queue_tail(&c->parked, skb);
}

/* Go through an open train. */
static void packets(struct rx *rx, u8 level)
{
	struct quic_train *t = rx->t;
	struct quic_conn *c = rx->c;
	u16 i;

	quic_rx_opened(c, level, t);
	/* One comparison per train: is all as before? */
	rx->moved = rx->path != c->path ||
		    memcmp(rx->path->ours, t->pkt[0].data + 1, QUIC_SCID_LEN);
	for (i = 0; i < t->n && quic_conn_alive(c); i++)
		if (likely(!t->pkt[i].status))
			one_packet(rx, level, &t->pkt[i], t->n - 1 - i);
		else if (t->pkt[i].status == -ENOKEY)
			park(rx, t->pkt[i].data, t->pkt[i].len);
}

static int decrypt(struct rx *rx, u8 level)
{
	int err = quic_rx_decrypt(rx->c, level, rx->t);

	if (!err)
		packets(rx, level);
	return err;
}

/* Open what the train holds, and go through it. */
static void flush(struct rx *rx, u8 level)
{
	struct quic_train *t = rx->t;
	struct quic_conn *c = rx->c;
	int err;

	if (!t->n)
		return;
	QUIC_CONN_ADD(rx->c, QuicRxPackets, t->n);
	err = quic_rx_unprotect(c, level, t);
	if (!err && t->n) {
		if (unlikely(quic_jobs_receive(c)) &&
		    level == QUIC_CRYPTO_APP && !t->opened)
			quic_jobs_open(c, t, rx->skb, rx->now, rx->ecn);
		else
			err = decrypt(rx, level);
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
static bool long_header_ok(struct rx *rx, const struct quic_hdr *h, u32 dgram)
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
static void long_packet(struct rx *rx, struct sk_buff *skb, u8 *p,
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
		park(rx, p, h->len);
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
		return park(rx, p, h->len);

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

/* ---- datagrams --------------------------------------------------------------- */

/* Did we say that the QUIC bit may have any value (RFC 9287 section 3)? */
static bool greased(const struct quic_conn *c)
{
	return quic_sk(c->sk)->tparam.grease_quic_bit;
}

static bool short_ok(struct rx *rx, const u8 *p, u32 len)
{
	if (len < 1 + QUIC_SCID_LEN + 4 + QUIC_HP_SAMPLE_LEN)
		return false;
	if (likely(p[0] & QUIC_HDR_FIXED))
		return true;
	if (!greased(rx->c))
		return false;
	QUIC_CONN_INC(rx->c, QuicRxGreased);
	return true;
}

/* Packets that a device has opened make trains of their own. */
static void opened_apart(struct rx *rx, const u8 *p, u32 len)
{
	bool opened = quic_offload_is_open(rx->c, p, len);

	if (opened != rx->t->opened)
		flush(rx, QUIC_CRYPTO_APP);
	rx->t->opened = opened;
}

/* RFC9000-14-4 RFC9287-3-2 */
static bool add_short(struct rx *rx, struct sk_buff *skb, u8 *p, u32 len)
{
	struct quic_pkt *pkt;

	if (unlikely(!short_ok(rx, p, len))) {
		if (!quic_reset_seen(rx->c, p, len))
			QUIC_CONN_INC(rx->c, QuicPktInvHdrDrop);
		return false;
	}
	if (unlikely(rx->c->offload))
		opened_apart(rx, p, len);
	pkt = &rx->t->pkt[rx->t->n++];
	pkt->data = p;
	pkt->len = len;
	pkt->pn_off = 1 + QUIC_SCID_LEN;
	pkt->src = skb;
	pkt->status = 0;
	return true;
}

/* RFC9000-12.2-1 RFC9000-12.2-3 RFC9000-12.2-4 */
/* Everything in one datagram; @p is contiguous and ours to write. */
static void datagram(struct rx *rx, struct sk_buff *skb, u8 *p, u32 len)
{
	struct quic_conn *c = rx->c;
	u32 left = len;
	struct quic_hdr h;

	if (likely(!(p[0] & QUIC_HDR_LONG) && c->keys[QUIC_CRYPTO_APP][0].ready)) {
		add_short(rx, skb, p, len);
		if (rx->t->n == QUIC_TRAIN_MAX)
			flush(rx, QUIC_CRYPTO_APP);
		return;
	}
	flush(rx, QUIC_CRYPTO_APP);
	/* A reset, whatever its header is (section 10.3).  It is rare enough
	 * here.
	 */
	if (quic_reset_seen(c, p, len))
		return;
	while (left && quic_conn_alive(c)) {
		if (quic_hdr_parse_bit(p, left, QUIC_SCID_LEN, greased(c),
				       &h)) {
			QUIC_CONN_INC(rx->c, QuicPktInvHdrDrop);
			return;
		}
		if (h.type == QUIC_PKT_1RTT) {
			if (!quic_cid_is_ours(c, h.dcid, h.dcid_len))
				QUIC_CONN_INC(rx->c, QuicDropCid);
			else if (!c->keys[QUIC_CRYPTO_APP][0].ready)
				park(rx, p, left);
			else if (add_short(rx, skb, p, left))
				flush(rx, QUIC_CRYPTO_APP);
			return;
		}
		if (h.type == QUIC_PKT_RETRY) {
			if (quic_cid_is_ours(c, h.dcid, h.dcid_len))
				quic_rx_retry(c, p, &h);
			else
				QUIC_CONN_INC(rx->c, QuicDropCid);
			return;
		}
		if (h.type == QUIC_PKT_VERSION_NEGOTIATION) {
			quic_rx_versions(c, &h);
			return;
		}
		long_packet(rx, skb, p, &h, len);
		p += h.len;
		left -= h.len;
	}
}

/* ---- skbs -------------------------------------------------------------------- */

/* May we decrypt where the bytes lie? */
static bool writable(const struct sk_buff *skb)
{
	const struct sk_buff *f;

	if (skb_cloned(skb) || skb_has_shared_frag(skb))
		return false;
	skb_walk_frags(skb, f)
		if (skb_cloned(f) || skb_shared(f) || skb_has_shared_frag(f))
			return false;
	return true;
}

static void copied_datagram(struct rx *rx, struct sk_buff *skb, u32 off,
			    u32 len)
{
	struct sk_buff *own = alloc_skb(len, GFP_ATOMIC);

	if (!own) {
		QUIC_CONN_INC(rx->c, QuicPktRcvDrop);
		return;
	}
	QUIC_CONN_INC(rx->c, QuicRxCopied);
	skb_copy_bits(skb, off, __skb_put(own, len), len);
	datagram(rx, own, own->data, len);
	flush(rx, QUIC_CRYPTO_APP);
	consume_skb(own);
}

static void walk(struct rx *rx, struct sk_buff *skb, u32 seg)
{
	bool in_place = writable(skb);
	struct quic_pieces it;
	u32 off, len;

	quic_pieces_start(&it, skb);
	for (off = 0; off < skb->len; off += len) {
		len = min(seg, skb->len - off);
		if (likely(in_place && quic_pieces_hold(&it, len))) {
			datagram(rx, skb, it.p, len);
		} else {
			/* Packets before it come first. */
			flush(rx, QUIC_CRYPTO_APP);
			copied_datagram(rx, skb, off, len);
		}
		if (!quic_conn_alive(rx->c))
			return;
		quic_pieces_skip(&it, len);
	}
	flush(rx, QUIC_CRYPTO_APP);
}

/* RFC9000-10.2.2-1 RFC9000-10.2.2-2 */
/* Closed already: packets are answered, not read (section 10.2). */
static void after_close(struct quic_conn *c, struct sk_buff *skb)
{
	QUIC_CONN_INC(c, QuicDropState);
	if (c->state == QUIC_CONN_CLOSING)
		quic_tx_close_again(c);
	kfree_skb(skb);
}

/* Both addresses at once: they are neighbours in the headers. */
static bool is_on(const struct quic_path *p, const struct sk_buff *skb)
{
	const struct udphdr *uh = udp_hdr(skb);

	if (uh->source != quic_addr_port(&p->dst) ||
	    uh->dest != quic_addr_port(&p->src))
		return false;
	if (skb->protocol == htons(ETH_P_IP))
		return p->dst.sa.sa_family == AF_INET &&
		       ip_hdr(skb)->saddr == p->dst.v4.sin_addr.s_addr &&
		       ip_hdr(skb)->daddr == p->src.v4.sin_addr.s_addr;
	return p->dst.sa.sa_family == AF_INET6 &&
	       ipv6_addr_equal(&ipv6_hdr(skb)->saddr, &p->dst.v6.sin6_addr) &&
	       ipv6_addr_equal(&ipv6_hdr(skb)->daddr, &p->src.v6.sin6_addr);
}

/* Not the path in use.  False if it is none, and cannot become one. */
static bool other_path(struct rx *rx)
{
	union quic_addr src, dst;

	quic_rx_addrs(rx->skb, &dst, &src);
	rx->path = quic_migrate_find(rx->c, &src, &dst);
	return rx->path || quic_migrate_may(rx->c, &src);
}

/* Bytes from an address that is not proven may be answered by some. */
static void count_bytes(struct rx *rx)
{
	struct quic_path *p = rx->path;

	if (!p || p->validated)
		return;
	p->rx_bytes += rx->skb->len;
	if (p == rx->c->path)
		rx->c->rec.amplification_blocked = false;
}

static void count_data(const struct rx *rx)
{
	if (!rx->data_pkts)
		return;
	QUIC_CONN_INC(rx->c, QuicRxDataTrains);
	QUIC_CONN_ADD(rx->c, QuicRxDataPackets, rx->data_pkts);
}

/* Takes @skb over. */
void quic_rx_train(struct quic_conn *c, struct sk_buff *skb)
{
	struct rx rx = {
		.c = c,
		.t = this_cpu_ptr(rx_scratch),
		.path = c->path,
		.skb = skb,
	};
	u32 seg = skb_is_gso(skb) ? skb_shinfo(skb)->gso_size : skb->len;

	if (unlikely(!quic_conn_alive(c)))
		return after_close(c, skb);
	if (unlikely(!is_on(c->path, skb)) && !other_path(&rx)) {
		QUIC_CONN_INC(rx.c, QuicDropPeer);
		kfree_skb(skb);
		return;
	}
	rx.now = ktime_get_ns();
	rx.ecn = quic_rx_ecn(skb);
	rx.t->n = 0;
	count_bytes(&rx);
	QUIC_CONN_INC(rx.c, QuicRxTrains);
	QUIC_CONN_ADD(rx.c, QuicRxBytes, skb->len);

	walk(&rx, skb, seg);
	rx.t->n = 0;
	count_data(&rx);
	consume_skb(skb);
	quic_rx_deliver(c, rx.now, rx.news);
}

/* What failed to open with a provider that does not put the bytes back. */
static void undo(struct quic_conn *c, const struct quic_job *job)
{
	const struct quic_pkt *p = job->train.pkt;
	u16 i;

	for (i = 0; i < job->train.n; i++, p++)
		if (p->status && job->before[i] !=
		    get_unaligned((u64 *)(p->data + p->hdr_len)))
			quic_aead_undo(&c->keys[QUIC_CRYPTO_APP][0].aead, p);
}

/* A train that had to wait: all before it were gone through. */
void quic_rx_job(struct quic_conn *c, struct quic_job *job)
{
	struct rx rx = {
		.c = c,
		.t = &job->train,
		.path = c->path,
		.skb = job->skb,
		.now = job->now,
		.ecn = job->ecn,
	};
	int err = 0;

	if (!quic_conn_alive(c))
		return;
	if (rx.skb && !is_on(c->path, rx.skb) && !other_path(&rx)) {
		QUIC_CONN_INC(rx.c, QuicDropPeer);
		return;
	}
	if (job->state == QUIC_JOB_DONE) {
		undo(c, job);
		packets(&rx, QUIC_CRYPTO_APP);
	} else {
		err = decrypt(&rx, QUIC_CRYPTO_APP);
	}
	if (unlikely(err))
		QUIC_CONN_ADD(rx.c, QuicPktRcvDrop, rx.t->n);
	count_data(&rx);
	quic_rx_deliver(c, rx.now, rx.news);
}

/* New keys: perhaps they open what had to wait. */
void quic_rx_parked(struct quic_conn *c)
{
	struct rx rx = { .c = c, .path = c->path };
	struct sk_buff_head todo;
	struct sk_buff *skb;

	__skb_queue_head_init(&todo);
	skb_queue_splice_init(&c->parked, &todo);
	while ((skb = __skb_dequeue(&todo))) {
		local_bh_disable();
		rx.t = this_cpu_ptr(rx_scratch);
		rx.t->n = 0;
		rx.now = ktime_get_ns();
		rx.ecn = skb->cb[0];
		if (quic_conn_alive(c)) {
			datagram(&rx, skb, skb->data, skb->len);
			flush(&rx, QUIC_CRYPTO_APP);
			quic_rx_deliver(c, rx.now, true);
		}
		local_bh_enable();
		consume_skb(skb);
	}
}

/* Not DEFINE_PER_CPU(): modules share the few KiB that are set aside for it,
 * and loading would fail where others have used them up.
 */
int quic_rx_init(void)
{
	int err;

	rx_scratch = alloc_percpu(struct quic_train);
	if (!rx_scratch)
		return -ENOMEM;
	err = quic_gather_init();
	if (err)
		free_percpu(rx_scratch);
	return err;
}

void quic_rx_exit(void)
{
	quic_gather_exit();
	free_percpu(rx_scratch);
}
