// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: from a train to the socket that owns its connection ID.
 * Called from: rx/udp (softirq, RCU read side).
 * Locks: RCU for the look-up; then the socket's spinlock, or its backlog.
 * RFC 9000 section 5.2.
 */
#include <linux/ip.h>
#include <linux/udp.h>
#include "../pipeline.h"
#include "../obs/mib.h"
#include "rx.h"

/* The longest prefix that holds both connection IDs of a long header. */
#define QUIC_PEEK_LEN	(1 + 4 + 1 + QUIC_CID_MAX_LEN + 1 + QUIC_CID_MAX_LEN)

void quic_rx_addrs(const struct sk_buff *skb, union quic_addr *src,
		   union quic_addr *dst)
{
	const struct udphdr *uh = udp_hdr(skb);

	memset(src, 0, sizeof(*src));
	memset(dst, 0, sizeof(*dst));
	if (skb->protocol == htons(ETH_P_IP)) {
		src->sa.sa_family = dst->sa.sa_family = AF_INET;
		src->v4.sin_addr.s_addr = ip_hdr(skb)->saddr;
		dst->v4.sin_addr.s_addr = ip_hdr(skb)->daddr;
		src->v4.sin_port = uh->source;
		dst->v4.sin_port = uh->dest;
		return;
	}
	src->sa.sa_family = dst->sa.sa_family = AF_INET6;
	src->v6.sin6_addr = ipv6_hdr(skb)->saddr;
	dst->v6.sin6_addr = ipv6_hdr(skb)->daddr;
	src->v6.sin6_port = uh->source;
	dst->v6.sin6_port = uh->dest;
	if (ipv6_addr_type(&src->v6.sin6_addr) & IPV6_ADDR_LINKLOCAL)
		src->v6.sin6_scope_id = skb->skb_iif;
}

static void process(struct sock *sk, struct sk_buff *skb)
{
	struct quic_conn *c = quic_sk_conn(sk);

	if (c)
		quic_rx_train(c, skb);
	else
		kfree_skb(skb);
}

/* Under the socket's spinlock, on the CPU where the train came. */
static void note_cpu(struct sock *sk)
{
	struct quic_conn *c = quic_sk_conn(sk);

	if (!c || likely(c->cpu == smp_processor_id()))
		return;
	c->rx_elsewhere++;
	QUIC_CONN_INC(c, QuicRxElsewhere);
}

/* Bytes that may wait for the lock's owner.  They are charged to nobody, and it may
 * take its time: not what a program's flow control windows come to.
 */
static unsigned int backlog_limit(const struct sock *sk)
{
	return min_t(unsigned int, READ_ONCE(sk->sk_rcvbuf) +
		     (READ_ONCE(sk->sk_sndbuf) >> 1),
		     READ_ONCE(sk->sk_prot->sysctl_rmem[2]));
}

/* Now, or later if a user holds the lock. */
void quic_rx_hand_over(struct sock *sk, struct sk_buff *skb)
{
	bh_lock_sock(sk);
	note_cpu(sk);
	if (!sock_owned_by_user(sk)) {
		QUIC_INC(sock_net(sk), QuicPktRcvFastpaths);
		process(sk, skb);
	} else if (sk_add_backlog(sk, skb, backlog_limit(sk))) {
		QUIC_INC(sock_net(sk), QuicDropBacklog);
		kfree_skb(skb);
	} else {
		QUIC_INC(sock_net(sk), QuicPktRcvBacklogs);
	}
	bh_unlock_sock(sk);
}

/* The lock's owner gives it back, in process context. */
int quic_rx_backlog(struct sock *sk, struct sk_buff *skb)
{
	local_bh_disable();
	process(sk, skb);
	local_bh_enable();
	return 0;
}

static void drop(struct net *net, struct sk_buff *skb, enum quic_mib why)
{
	this_cpu_inc(quic_net(net)->mib->v[why]);
	kfree_skb(skb);
}

/* To whatever stands behind @node. */
static bool deliver(struct quic_cid_node *node, struct sk_buff *skb)
{
	struct sock *sk = READ_ONCE(node->sk);

	QUIC_RX_CB(skb)->id_len = node->key.cid.len;
	if (sk) {
		if (!refcount_inc_not_zero(&sk->sk_refcnt))
			return false;
		quic_rx_hand_over(sk, skb);
		sock_put(sk);
		return true;
	}
	if (!node->req || !refcount_inc_not_zero(&node->req->ref))
		return false;
	quic_req_rcv(node->req, skb);
	quic_req_put(node->req);
	return true;
}

/*
 * RFC9000-5.2.2-1 RFC9000-5.2.2-2 RFC9000-6.1-1 RFC9368-2.1-5
 * RFC9368-2.1-6
 */
/* A long header with an ID nobody has: perhaps a new client. */
static void unknown_long(struct quic_udp *udp, struct sk_buff *skb,
			 const u8 *p, u32 peek)
{
	struct quic_cid_node *node;
	union quic_addr src, dst;
	struct quic_hdr h;
	u8 dcid_len = p[5];

	quic_rx_addrs(skb, &src, &dst);
	if (dcid_len <= QUIC_CID_MAX_LEN && 6 + dcid_len <= peek) {
		node = quic_cid_lookup(udp->net, p + 6, dcid_len, &src);
		if (node && deliver(node, skb))
			return;
	}
	node = quic_reset_find(udp->net, skb);
	if (node && deliver(node, skb))
		return;
	if (hlist_empty(&udp->listeners))
		return drop(udp->net, skb, QuicDropNoConn);
	/* First contacts are rare: afford a linear view. */
	if (skb_linearize(skb))
		return drop(udp->net, skb, QuicPktRcvDrop);
	switch (quic_hdr_parse_bit(skb->data, skb->len, QUIC_SCID_MIN,
				   READ_ONCE(udp->greased), &h)) {
	case 0:
		break;
	case -EPROTONOSUPPORT:
		/* Whoever answers less than a full first flight helps floods
		 * (section 14.1).
		 */
		if (skb->len >= QUIC_INITIAL_MIN_DGRAM)
			quic_tx_versions(udp, &dst, &src, &h);
		return drop(udp->net, skb, QuicDropVersion);
	default:
		return drop(udp->net, skb, QuicPktInvHdrDrop);
	}
	if (h.type != QUIC_PKT_INITIAL)
		return drop(udp->net, skb, QuicDropNoConn);
	quic_initial_rcv(udp, skb, &h);
}

/* RFC9000-11-1 RFC9000-21.11-2 */
/* A short header with an ID nobody has: the peer has forgotten a connection,
 * or we have.
 */
static void unknown_short(struct quic_udp *udp, struct sk_buff *skb,
			  const u8 *id, u32 have)
{
	struct quic_cid_node *node = quic_reset_find(udp->net, skb);
	u8 id_len = READ_ONCE(quic_net(udp->net)->cid_len);
	u32 len = skb_is_gso(skb) ? skb_shinfo(skb)->gso_size : skb->len;
	union quic_addr src, dst;

	/* It does not open there, which is when a reset shows. */
	if (node && deliver(node, skb))
		return;
	quic_rx_addrs(skb, &src, &dst);
	/* As long as those that are made now. */
	if (id_len <= have)
		quic_tx_reset(udp, &dst, &src, id, id_len, len);
	drop(udp->net, skb, QuicDropNoConn);
}

/* A train, or a datagram that may be part of one.  @have bytes from where the ID
 * begins, which may lie in @skb.
 */
static void demux_short(struct quic_udp *udp, struct sk_buff *skb, const u8 *id,
			u32 have)
{
	bool train = skb_is_gso(skb);
	struct quic_cid_node *node;
	struct sock *sk;

	if (train)
		quic_gather_flush(skb, id);
	else if (quic_gather_join(udp->net, skb, id, have))
		return;
	node = quic_cid_find(udp->net, id, have);
	sk = node ? READ_ONCE(node->sk) : NULL;
	if (unlikely(!sk)) {
		if (!node || !deliver(node, skb))
			unknown_short(udp, skb, id, have);
		return;
	}
	if (unlikely(!refcount_inc_not_zero(&sk->sk_refcnt)))
		return unknown_short(udp, skb, id, have);
	QUIC_RX_CB(skb)->id_len = node->key.cid.len;
	if (!train && quic_gather_start(sk, skb, id))
		return;
	quic_rx_hand_over(sk, skb);
	sock_put(sk);
}

/* RFC9000-10.3-3 */
static void demux_one(struct quic_udp *udp, struct sk_buff *skb)
{
	struct quic_cid_node *node;
	u8 buf[QUIC_PEEK_LEN];
	u32 peek = min_t(u32, skb->len, QUIC_PEEK_LEN);
	struct quic_pieces it;
	const u8 *p;

	quic_pieces_start(&it, skb);
	p = quic_pieces_hold(&it, peek) ? it.p :
	    skb_header_pointer(skb, 0, peek, buf);
	if (unlikely(!p || peek < 1 + QUIC_SCID_MIN))
		return drop(udp->net, skb, QuicDropShort);
	if (likely(!(p[0] & QUIC_HDR_LONG)))
		return demux_short(udp, skb, p + 1, peek - 1);
	if (p[5] <= QUIC_CID_MAX_LEN && peek >= 6 + p[5]) {
		node = quic_cid_lookup(udp->net, p + 6, p[5], NULL);
		if (node && deliver(node, skb))
			return;
	}
	unknown_long(udp, skb, p, peek);
}

/* Do all datagrams of the train carry 1-RTT packets to the same ID? */
static bool one_owner(struct net *net, const struct sk_buff *skb, u32 seg)
{
	u8 first[1 + QUIC_CID_MAX_LEN], buf[1 + QUIC_CID_MAX_LEN];
	u32 have = min_t(u32, seg, sizeof(first)), off;
	struct quic_pieces it;
	const u8 *p;
	u8 len;

	if (have < 1 + QUIC_SCID_MIN || skb_copy_bits(skb, 0, first, have))
		return false;
	len = quic_cid_len(net, first + 1, have - 1);
	quic_pieces_start(&it, skb);
	for (off = 0; off < skb->len; off += seg) {
		p = quic_pieces_hold(&it, 1 + len) ? it.p :
		    skb_header_pointer(skb, off, 1 + len, buf);
		if (!p || p[0] & QUIC_HDR_LONG ||
		    !quic_rx_same_id(p + 1, first + 1, len))
			return false;
		quic_pieces_skip(&it, seg);
	}
	return true;
}

/* One datagram as an skb of its own, IP and UDP headers included. */
static struct sk_buff *cut_out(const struct sk_buff *skb, u32 off, u32 len)
{
	u32 hdr = skb->data - skb_network_header(skb);
	struct sk_buff *one = alloc_skb(hdr + len, GFP_ATOMIC);

	if (!one)
		return NULL;
	skb_reset_network_header(one);
	skb_set_transport_header(one, skb_transport_header(skb) -
				      skb_network_header(skb));
	memcpy(__skb_put(one, hdr), skb_network_header(skb), hdr);
	__skb_pull(one, hdr);
	skb_copy_bits(skb, off, __skb_put(one, len), len);
	one->protocol = skb->protocol;
	one->skb_iif = skb->skb_iif;
	return one;
}

/* RCU read side, softirq.  Takes @skb over. */
void quic_rx_demux(struct quic_udp *udp, struct sk_buff *skb)
{
	u32 seg = skb_is_gso(skb) ? skb_shinfo(skb)->gso_size : skb->len;
	struct sk_buff *one;
	u32 off;

	if (likely(seg >= skb->len))
		return demux_one(udp, skb);
	QUIC_INC(udp->net, QuicRxSuperSkbs);
	if (likely(one_owner(udp->net, skb, seg)))
		return demux_one(udp, skb);
	/* Handshakes, or several connections from one address. */
	for (off = 0; off < skb->len; off += seg) {
		one = cut_out(skb, off, min(seg, skb->len - off));
		if (!one)
			break;
		demux_one(udp, one);
	}
	consume_skb(skb);
}
