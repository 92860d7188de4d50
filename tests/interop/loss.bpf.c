// SPDX-License-Identifier: GPL-2.0
/*
 * Drops RATE percent of the UDP packets that come in, never more than BURST in
 * a row, so that even a third of a handshake's packets lost leaves it a chance.
 *
 * For tc, direct action, at the ingress of one end of a link. Each program
 * loaded has its own map, so each direction its own state and counters. What
 * is not UDP passes, and a packet is what crosses the link: the link must
 * segment (gso_max_segs 1).
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <stdbool.h>
#include <stddef.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define BURST	3

struct state {
	struct bpf_spin_lock lock;
	__u32 run;		/* dropped in a row */
	__u64 seen;
	__u64 dropped;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct state);
} loss SEC(".maps");

static bool is_udp(struct __sk_buff *skb)
{
	__u8 protocol = 0;
	__u32 off;

	if (skb->protocol == bpf_htons(ETH_P_IP))
		off = offsetof(struct iphdr, protocol);
	else if (skb->protocol == bpf_htons(ETH_P_IPV6))
		off = offsetof(struct ipv6hdr, nexthdr);
	else
		return false;
	bpf_skb_load_bytes(skb, ETH_HLEN + off, &protocol, 1);
	return protocol == IPPROTO_UDP;
}

SEC("tc")
int lose(struct __sk_buff *skb)
{
	__u32 key = 0, chance = bpf_get_prandom_u32() % 100;
	struct state *s = bpf_map_lookup_elem(&loss, &key);
	bool drop;

	if (!s || !is_udp(skb))
		return TC_ACT_OK;
	bpf_spin_lock(&s->lock);
	drop = s->run < BURST && chance < RATE;
	s->run = drop ? s->run + 1 : 0;
	s->seen++;
	s->dropped += drop;
	bpf_spin_unlock(&s->lock);
	return drop ? TC_ACT_SHOT : TC_ACT_OK;
}

char _license[] SEC("license") = "GPL";
