// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: trains of datagrams that arrive one by one, per CPU.
 * Called from: rx/demux (softirq, RCU read side) with 1-RTT packets; a tasklet
 * ends what has been gathered when the softirq that brings packets is done.
 * Locks: none; BH off makes the CPU's trains ours.
 *
 * Where no GRO joins packets (veth whose peer segments, devices without it,
 * flows that GRO gave up on) each comes alone through UDP, but a handful of
 * them in one softirq.  Look-up, lock, header protection, ACK decision, wakeup
 * and timer are dear and shall be paid once: so packets of equal size between
 * the same addresses, to the same connection ID, are chained to the first of
 * them.  What comes of it looks like a super-skb of GRO.
 */
#include <linux/interrupt.h>
#include <linux/ip.h>
#include <linux/percpu.h>
#include <linux/udp.h>
#include "../pipeline.h"
#include "../crypto/train.h"
#include "../obs/mib.h"
#include "rx.h"

/* Connections whose packets may alternate without ending each other's trains. */
#define QUIC_GATHER_SLOTS	8

struct gather {
	struct sk_buff *skb;	/* NULL: free */
	struct sk_buff *last;	/* of the chain behind @skb; or NULL */
	struct sock *sk;	/* counted */
	u8 id[QUIC_CID_MAX_LEN];
};

struct gathers {
	struct tasklet_struct tasklet;
	struct gather slot[QUIC_GATHER_SLOTS];
};

static struct gathers __percpu *gathers;

/* By the port as well: IDs of one server may begin alike. */
static struct gather *slot_of(const struct sk_buff *skb, const u8 *id)
{
	u32 n = id[QUIC_SCID_MIN - 1] + ntohs(udp_hdr(skb)->source);

	return &this_cpu_ptr(gathers)->slot[n % QUIC_GATHER_SLOTS];
}

static void end(struct gather *g)
{
	struct sk_buff *skb = g->skb;
	struct sock *sk = g->sk;

	if (!skb)
		return;
	g->skb = NULL;
	if (g->last)
		QUIC_INC(sock_net(sk), QuicRxGathered);
	quic_rx_hand_over(sk, skb);
	sock_put(sk);
}

static void end_all(struct tasklet_struct *t)
{
	struct gathers *all = container_of(t, struct gathers, tasklet);
	int i;

	for (i = 0; i < QUIC_GATHER_SLOTS; i++)
		end(&all->slot[i]);
}

/* As GRO demands it: the same flow, and nothing in the headers differs that
 * we look at (ECN).
 */
static bool same_flow(const struct sk_buff *a, const struct sk_buff *b)
{
	if (a->protocol != b->protocol ||
	    memcmp(udp_hdr(a), udp_hdr(b), 2 * sizeof(__be16)))
		return false;
	if (a->protocol == htons(ETH_P_IP))
		return ip_hdr(a)->tos == ip_hdr(b)->tos &&
		       !memcmp(&ip_hdr(a)->saddr, &ip_hdr(b)->saddr,
			       2 * sizeof(__be32));
	return !memcmp(ipv6_hdr(a), ipv6_hdr(b), sizeof(__be32)) &&
	       !memcmp(&ipv6_hdr(a)->saddr, &ipv6_hdr(b)->saddr,
		       2 * sizeof(struct in6_addr));
}

static void chain(struct gather *g, struct sk_buff *skb)
{
	struct sk_buff *head = g->skb;

	if (g->last)
		g->last->next = skb;
	else
		skb_shinfo(head)->frag_list = skb;
	g->last = skb;
	skb_shinfo(head)->gso_segs++;
	head->len += skb->len;
	head->data_len += skb->len;
	head->truesize += skb->truesize;
}

/**
 * quic_gather_join - a datagram that may go with those before it
 * @net:	namespace
 * @skb:	a single datagram; taken over on success
 * @id:		the destination ID of the 1-RTT packet in it, whatever its length
 * @have:	bytes there, at least QUIC_SCID_MIN
 *
 * Return: false if it fits no train; then the one it does not fit has ended.
 */
bool quic_gather_join(struct net *net, struct sk_buff *skb, const u8 *id,
		      u32 have)
{
	struct gather *g = slot_of(skb, id);
	u32 size, len;

	if (!g->skb)
		return false;
	size = skb_shinfo(g->skb)->gso_size;
	len = QUIC_RX_CB(g->skb)->id_len;
	/* One made of IP fragments has a chain of its own; chains of chains
	 * would not be walked.
	 */
	if (unlikely(len > have || !quic_rx_same_id(g->id, id, len) ||
		     sock_net(g->sk) != net || skb->len > size ||
		     skb_has_frag_list(skb) || !same_flow(g->skb, skb))) {
		end(g);
		return false;
	}
	chain(g, skb);
	/* A shorter one is the last of its train. */
	if (skb->len < size || skb_shinfo(g->skb)->gso_segs == QUIC_TRAIN_MAX)
		end(g);
	return true;
}

/**
 * quic_gather_start - a datagram that others may follow
 * @sk:		its socket; a reference is taken over on success
 * @skb:	taken over on success
 * @id:		the destination ID of the 1-RTT packet in it, its length known
 *
 * quic_gather_join() has just declined it.  Return: false if it cannot be the
 * head of a train, since others see its memory, or will hardly be: who has more
 * to send fills its packets.
 */
bool quic_gather_start(struct sock *sk, struct sk_buff *skb, const u8 *id)
{
	struct gather *g = slot_of(skb, id);

	if (skb->len < QUIC_MSS_MIN ||
	    unlikely(skb_cloned(skb) || skb_has_frag_list(skb)))
		return false;
	skb_shinfo(skb)->gso_size = skb->len;
	skb_shinfo(skb)->gso_segs = 1;
	g->skb = skb;
	g->last = NULL;
	g->sk = sk;
	memcpy(g->id, id, QUIC_RX_CB(skb)->id_len);
	tasklet_schedule(&this_cpu_ptr(gathers)->tasklet);
	return true;
}

/* @skb, which has that ID, is not to overtake. */
void quic_gather_flush(const struct sk_buff *skb, const u8 *id)
{
	end(slot_of(skb, id));
}

int quic_gather_init(void)
{
	int cpu;

	gathers = alloc_percpu(struct gathers);
	if (!gathers)
		return -ENOMEM;
	for_each_possible_cpu(cpu)
		tasklet_setup(&per_cpu_ptr(gathers, cpu)->tasklet, end_all);
	return 0;
}

/* No socket is left. */
void quic_gather_exit(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		tasklet_kill(&per_cpu_ptr(gathers, cpu)->tasklet);
	free_percpu(gathers);
}
