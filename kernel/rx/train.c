// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: an skb becomes datagrams, and their 1-RTT packets become a train.
 * Called from: rx/demux (softirq or backlog), conn/lifecycle (accept),
 * conn/handshake (parked packets), conn/jobs (trains that had to wait).
 * Context: socket lock held, BH off.
 * RFC 9000 sections 12.2, 14.1.
 *
 * 1-RTT packets of a train are opened together where they lie.  A packet that
 * is spread over several pieces of an skb, or lies in memory that others can
 * see, is copied first.
 */
#include <linux/udp.h>
#include "../pipeline.h"
#include "../conn/jobs.h"
#include "../crypto/train.h"
#include "../obs/mib.h"
#include "rx.h"

/* Which skb holds packet i lives in t->pkt[i].src. */
static struct quic_train __percpu *rx_scratch;

/* ---- datagrams --------------------------------------------------------------- */

/* Did we say that the QUIC bit may have any value (RFC 9287 section 3)? */
static bool greased(const struct quic_conn *c)
{
	return quic_sk(c->sk)->tparam.grease_quic_bit;
}

static bool short_ok(struct quic_rx *rx, const u8 *p, u32 len)
{
	if (len < 1 + rx->id_len + 4 + QUIC_HP_SAMPLE_LEN)
		return false;
	if (likely(p[0] & QUIC_HDR_FIXED))
		return true;
	if (!greased(rx->c))
		return false;
	QUIC_CONN_INC(rx->c, QuicRxGreased);
	return true;
}

/* Packets that a device has opened make trains of their own. */
static void opened_apart(struct quic_rx *rx, const u8 *p, u32 len)
{
	bool opened = quic_offload_is_open(rx->c, p, len);

	if (opened != rx->t->opened)
		quic_rx_flush(rx, QUIC_CRYPTO_APP);
	rx->t->opened = opened;
}

/* RFC9000-14-4 RFC9287-3-2 */
static bool add_short(struct quic_rx *rx, struct sk_buff *skb, u8 *p, u32 len)
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
	pkt->pn_off = 1 + rx->id_len;
	pkt->src = skb;
	pkt->status = 0;
	return true;
}

/* RFC9000-12.2-1 RFC9000-12.2-3 RFC9000-12.2-4 */
/* Everything in one datagram; @p is contiguous and ours to write. */
static void datagram(struct quic_rx *rx, struct sk_buff *skb, u8 *p, u32 len)
{
	struct quic_conn *c = rx->c;
	u32 left = len;
	struct quic_hdr h;
	int err;

	if (likely(!(p[0] & QUIC_HDR_LONG) && c->keys[QUIC_CRYPTO_APP][0].ready)) {
		add_short(rx, skb, p, len);
		if (rx->t->n == QUIC_TRAIN_MAX)
			quic_rx_flush(rx, QUIC_CRYPTO_APP);
		return;
	}
	quic_rx_flush(rx, QUIC_CRYPTO_APP);
	/* A reset, whatever its header is (section 10.3).  It is rare enough
	 * here.
	 */
	if (quic_reset_seen(c, p, len))
		return;
	while (left && quic_conn_alive(c)) {
		err = quic_hdr_parse_bit(p, left, rx->id_len, greased(c), &h);
		if (err) {
			QUIC_CONN_INC(rx->c, QuicPktInvHdrDrop);
			if (err != -EMSGSIZE)
				return;
			goto next;
		}
		if (h.type == QUIC_PKT_1RTT) {
			if (!quic_cid_is_ours(c, h.dcid, h.dcid_len))
				QUIC_CONN_INC(rx->c, QuicDropCid);
			else if (!c->keys[QUIC_CRYPTO_APP][0].ready)
				quic_rx_park(rx, p, left);
			else if (add_short(rx, skb, p, left))
				quic_rx_flush(rx, QUIC_CRYPTO_APP);
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
		quic_rx_long_packet(rx, skb, p, &h, len);
next:
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

static void copied_datagram(struct quic_rx *rx, struct sk_buff *skb, u32 off,
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
	quic_rx_flush(rx, QUIC_CRYPTO_APP);
	consume_skb(own);
}

static void walk(struct quic_rx *rx, struct sk_buff *skb, u32 seg)
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
			quic_rx_flush(rx, QUIC_CRYPTO_APP);
			copied_datagram(rx, skb, off, len);
		}
		if (!quic_conn_alive(rx->c))
			return;
		quic_pieces_skip(&it, len);
	}
	quic_rx_flush(rx, QUIC_CRYPTO_APP);
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
static bool other_path(struct quic_rx *rx)
{
	union quic_addr src, dst;

	quic_rx_addrs(rx->skb, &dst, &src);
	rx->path = quic_migrate_find(rx->c, &src, &dst);
	return rx->path || quic_migrate_may(rx->c, &src);
}

/* Bytes from an address that is not proven may be answered by some. */
static void count_bytes(struct quic_rx *rx)
{
	struct quic_path *p = rx->path;

	if (!p || p->validated)
		return;
	p->rx_bytes += rx->skb->len;
	if (p == rx->c->path)
		rx->c->rec.amplification_blocked = false;
}

static void count_data(const struct quic_rx *rx)
{
	if (!rx->data_pkts)
		return;
	QUIC_CONN_INC(rx->c, QuicRxDataTrains);
	QUIC_CONN_ADD(rx->c, QuicRxDataPackets, rx->data_pkts);
}

/* Takes @skb over. */
void quic_rx_train(struct quic_conn *c, struct sk_buff *skb)
{
	struct quic_rx rx = {
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
	rx.id_len = QUIC_RX_CB(skb)->id_len;
	rx.t->n = 0;
	rx.t->opened = false;
	count_bytes(&rx);
	QUIC_CONN_INC(rx.c, QuicRxTrains);
	QUIC_CONN_ADD(rx.c, QuicRxBytes, skb->len);

	walk(&rx, skb, seg);
	rx.t->n = 0;
	count_data(&rx);
	consume_skb(skb);
	quic_rx_deliver(c, rx.now, rx.heard);
}

/* A train that had to wait: all before it were gone through. */
void quic_rx_job(struct quic_conn *c, struct quic_job *job)
{
	struct quic_rx rx = {
		.c = c,
		.t = &job->train,
		.path = c->path,
		.skb = job->skb,
		.now = job->now,
		.ecn = job->ecn,
		.id_len = job->train.pkt[0].pn_off - 1,
	};
	int err = job->aead.err;

	if (!quic_conn_alive(c))
		return;
	if (rx.skb && !is_on(c->path, rx.skb) && !other_path(&rx)) {
		QUIC_CONN_INC(rx.c, QuicDropPeer);
		return;
	}
	if (job->state != QUIC_JOB_DONE)
		err = quic_rx_open_train(&rx, QUIC_CRYPTO_APP);
	else if (!err)
		quic_rx_packets(&rx, QUIC_CRYPTO_APP);
	if (unlikely(err))
		QUIC_CONN_ADD(rx.c, QuicPktRcvDrop, rx.t->n);
	count_data(&rx);
	quic_rx_deliver(c, rx.now, rx.heard);
}

/* New keys: perhaps they open what had to wait. */
void quic_rx_parked(struct quic_conn *c)
{
	struct quic_rx rx = { .c = c, .path = c->path };
	struct sk_buff_head todo;
	struct sk_buff *skb;

	__skb_queue_head_init(&todo);
	skb_queue_splice_init(&c->parked, &todo);
	while ((skb = __skb_dequeue(&todo))) {
		local_bh_disable();
		rx.t = this_cpu_ptr(rx_scratch);
		rx.t->n = 0;
		rx.t->opened = false;
		rx.now = ktime_get_ns();
		rx.ecn = QUIC_RX_CB(skb)->ecn;
		rx.id_len = QUIC_RX_CB(skb)->id_len;
		if (quic_conn_alive(c)) {
			datagram(&rx, skb, skb->data, skb->len);
			quic_rx_flush(&rx, QUIC_CRYPTO_APP);
			quic_rx_deliver(c, rx.now, rx.heard);
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
