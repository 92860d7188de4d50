// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: handing a sealed train to UDP and IP as one GSO skb.
 * Called from: tx/push, tx/close.
 * Context: socket lock held, BH off (udp_tunnel6_xmit_skb() wants that).
 */
#include <net/inet_ecn.h>
#include <net/ip.h>
#include <net/ip6_route.h>
#include <net/udp.h>
#include <net/udp_tunnel.h>
#include "../pipeline.h"
#include "../compat.h"
#include "../conn/jobs.h"
#include "../obs/mib.h"
#include "tx.h"

#define QUIC_HEADROOM	(sizeof(struct udphdr) + sizeof(struct ipv6hdr))

/* An empty skb with room for all headers and @linear bytes. */
struct sk_buff *quic_xmit_alloc(const struct quic_path *p, u32 linear)
{
	struct net_device *dev = p->dst_entry->dev;
	u32 head = LL_RESERVED_SPACE(dev) + p->dst_entry->header_len +
		   QUIC_HEADROOM;
	struct sk_buff *skb = alloc_skb(head + linear, GFP_ATOMIC);

	if (skb)
		skb_reserve(skb, head);
	return skb;
}

/* The helpers fill in UDP checksums of single datagrams only; of a GSO skb
 * each segment gets its own, from where these two point.
 */
static void set_gso(struct sk_buff *skb, u16 segs, u16 size)
{
	skb_shinfo(skb)->gso_size = size;
	skb_shinfo(skb)->gso_segs = segs;
	skb_shinfo(skb)->gso_type = SKB_GSO_UDP_L4;
	skb->ip_summed = CHECKSUM_PARTIAL;
	skb->csum_start = skb_headroom(skb) - sizeof(struct udphdr);
	skb->csum_offset = offsetof(struct udphdr, check);
}

static void push_udp(const struct quic_path *p, struct sk_buff *skb)
{
	struct udphdr *uh = __skb_push(skb, sizeof(*uh));

	skb_reset_transport_header(skb);
	uh->source = p->src.v4.sin_port;
	uh->dest = p->dst.v4.sin_port;
	uh->len = htons(skb->len);
	udp_set_csum(false, skb, p->src.v4.sin_addr.s_addr,
		     p->dst.v4.sin_addr.s_addr, skb->len);
}

/* The tunnel helper of IPv4 would take from the skb what says that it is
 * plaintext: its type.
 */
/* RFC8899-3-3 RFC9000-14-2 RFC9000-14-3 */
static void xmit4(struct quic_conn *c, const struct quic_path *p,
		  struct sk_buff *skb, u8 ecn)
{
	const struct inet_sock *inet = inet_sk(c->sk);
	struct dst_entry *dst = p->dst_entry;
	struct net *net = sock_net(c->sk);
	struct iphdr *iph;

	push_udp(p, skb);
	iph = __skb_push(skb, sizeof(*iph));
	skb_reset_network_header(skb);
	memset(IPCB(skb), 0, sizeof(*IPCB(skb)));
	iph->version = 4;
	iph->ihl = sizeof(*iph) / 4;
	iph->tos = (READ_ONCE(inet->tos) & ~INET_ECN_MASK) | ecn;
	iph->frag_off = ip_mtu_locked(dst) ? 0 : htons(IP_DF);
	iph->ttl = inet->uc_ttl >= 0 ? inet->uc_ttl : ip4_dst_hoplimit(dst);
	iph->protocol = IPPROTO_UDP;
	iph->saddr = p->src.v4.sin_addr.s_addr;
	iph->daddr = p->dst.v4.sin_addr.s_addr;
	__ip_select_ident(net, iph, skb_shinfo(skb)->gso_segs ?: 1);
	skb_dst_set(skb, dst_clone(dst));
	ip_local_out(net, c->sk, skb);
}

/* RFC9000-9.7-1 */
static void xmit6(struct quic_conn *c, const struct quic_path *p,
		  struct sk_buff *skb, u8 ecn)
{
	const struct ipv6_pinfo *np = inet6_sk(c->sk);
	u8 tclass = (np ? np->tclass & ~INET_ECN_MASK : 0) | ecn;

	dst_hold(p->dst_entry);
	quic_udp6_xmit(p->dst_entry, c->sk, skb, &p->src.v6.sin6_addr,
		       &p->dst.v6.sin6_addr, tclass,
		       ip6_dst_hoplimit(p->dst_entry), 0,
		       p->src.v6.sin6_port, p->dst.v6.sin6_port);
}

void quic_xmit_now(struct quic_conn *c, struct quic_path *p,
		   struct sk_buff *skb, u16 segs, u16 size, u8 ecn,
		   u64 departure)
{
	QUIC_CONN_INC(c, QuicTxTrains);
	QUIC_CONN_ADD(c, QuicTxPackets, segs);
	QUIC_CONN_ADD(c, QuicTxBytes, skb->len);

	skb->priority = READ_ONCE(c->sk->sk_priority);
	skb->mark = READ_ONCE(c->sk->sk_mark);
	if (departure)
		skb_set_delivery_time(skb, departure, SKB_CLOCK_MONOTONIC);
	skb_set_owner_w(skb, c->sk);
	if (segs > 1)
		set_gso(skb, segs, size);
	if (p->dst.sa.sa_family == AF_INET)
		xmit4(c, p, skb, ecn);
	else
		xmit6(c, p, skb, ecn);
}

/* Behind those that are still being sealed. */
static bool line_up(struct quic_conn *c, struct quic_path *p,
		    struct sk_buff *skb, u16 segs, u16 size, u8 ecn,
		    u64 departure)
{
	struct quic_job *job = quic_jobs_new(c, true, NULL);

	if (!job)
		return false;
	job->skb = skb;
	job->path = p;
	job->departure = departure;
	job->segs = segs;
	job->size = size;
	job->ecn = ecn;
	return true;
}

/* What is decided to leave counts, though it may have to wait until it is sealed. */
void quic_xmit_count(struct quic_path *p, u32 bytes)
{
	if (!p->validated)
		p->tx_bytes += bytes;
}

/**
 * quic_xmit - send one train
 * @c:		connection
 * @p:		path to send on; its route is valid
 * @skb:	payload; taken over
 * @segs:	packets in it
 * @size:	bytes of each, but for the last
 * @ecn:	codepoint in the IP header of each
 * @departure:	earliest time to leave (EDT), 0: now
 */
void quic_xmit(struct quic_conn *c, struct quic_path *p, struct sk_buff *skb,
	       u16 segs, u16 size, u8 ecn, u64 departure)
{
	quic_xmit_count(p, skb->len);
	if (unlikely(!list_empty(&c->jobs[1])) &&
	    line_up(c, p, skb, segs, size, ecn, departure))
		return;
	quic_xmit_now(c, p, skb, segs, size, ecn, departure);
}
