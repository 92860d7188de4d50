// SPDX-License-Identifier: GPL-2.0
/*
 * A NAT that forgets: at given times after the first packet every flow gets
 * another port, and with change_addr another address of the client's network,
 * and what is sent to the old one is lost. IPv4 and UDP only.
 *
 * For tc, direct action, in the first router at the link to the second one:
 * `outward` at its egress, `inward` at its ingress, with one map for both.
 *
 * An epoch is the time between two changes. Its port is the client's, some
 * of whose bits are flipped by a mask drawn when the epoch begins, so the way
 * back needs no table of flows; a packet is let in only if a flow with that port
 * has gone out.
 */
#include "net.bpf.h"

#define PORT_BITS	0x3fff	/* ports stay above 16384 */
#define FIRST_HOST	101	/* .100 is the client, .1 to .9 the routers */
#define HOSTS		150

struct nat {
	__u64 first_after;	/* ns: the first change, and each further one */
	__u64 every;
	__u32 change_addr;
	__u32 epoch;
	__u32 mask;		/* of the epoch, flipped in the port */
	__u32 host;		/* last byte of its address, 0: the client's own */
	__u64 start;		/* when the first packet went out */
	__u64 changes;
	__u64 refused;		/* packets to what is no longer ours */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct nat);
} nat SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, __u16);	/* the client's port */
	__type(value, __u32);	/* its address */
} flows SEC(".maps");

struct flow {
	__u32 addr;
	__u16 port;
};

static void change(struct nat *n)
{
	__u64 since = bpf_ktime_get_ns() - n->start;
	__u32 epoch = since < n->first_after ? 0 : 1 + (since - n->first_after) / n->every;

	if (epoch == n->epoch)
		return;
	n->epoch = epoch;
	n->mask ^= 1 + bpf_get_prandom_u32() % PORT_BITS;
	if (n->change_addr)
		n->host = FIRST_HOST + (n->host + 1 + bpf_get_prandom_u32() % (HOSTS - 1)) % HOSTS;
	n->changes++;
}

static __u32 with_host(__u32 addr, __u32 host)
{
	return host ? (addr & bpf_htonl(~0xffu)) | bpf_htonl(host) : addr;
}

static int rewrite(struct __sk_buff *skb, __u32 udp, __u32 addr_at, __u32 port_at,
		   const struct flow *from, const struct flow *to)
{
	if (from->addr != to->addr) {
		bpf_l4_csum_replace(skb, UDP_CHECK(udp), from->addr, to->addr,
				    BPF_F_PSEUDO_HDR | BPF_F_MARK_MANGLED_0 | 4);
		bpf_l3_csum_replace(skb, IP4_CHECK, from->addr, to->addr, 4);
		bpf_skb_store_bytes(skb, addr_at, &to->addr, 4, 0);
	}
	bpf_l4_csum_replace(skb, UDP_CHECK(udp), from->port, to->port,
			    BPF_F_MARK_MANGLED_0 | 2);
	bpf_skb_store_bytes(skb, port_at, &to->port, 2, 0);
	return TC_ACT_OK;
}

SEC("tc")
int outward(struct __sk_buff *skb)
{
	__u32 key = 0, udp = udp_at(skb);
	struct nat *n = bpf_map_lookup_elem(&nat, &key);
	struct flow from = {}, to = {};
	__u16 port;

	if (!n || !udp || skb->protocol != bpf_htons(ETH_P_IP))
		return TC_ACT_OK;
	bpf_skb_load_bytes(skb, IP4_SRC, &from.addr, 4);
	bpf_skb_load_bytes(skb, udp + offsetof(struct udphdr, source), &from.port, 2);
	port = from.port;
	bpf_map_update_elem(&flows, &port, &from.addr, BPF_ANY);
	if (!n->start)
		n->start = bpf_ktime_get_ns();
	change(n);
	to.port = from.port ^ bpf_htons(n->mask & PORT_BITS);
	to.addr = with_host(from.addr, n->host);
	return rewrite(skb, udp, IP4_SRC, udp + offsetof(struct udphdr, source), &from, &to);
}

SEC("tc")
int inward(struct __sk_buff *skb)
{
	__u32 key = 0, udp = udp_at(skb), *addr;
	struct nat *n = bpf_map_lookup_elem(&nat, &key);
	struct flow from = {}, to = {};
	__u16 port;

	if (!n || !udp || skb->protocol != bpf_htons(ETH_P_IP))
		return TC_ACT_OK;
	bpf_skb_load_bytes(skb, IP4_DST, &from.addr, 4);
	bpf_skb_load_bytes(skb, udp + offsetof(struct udphdr, dest), &from.port, 2);
	port = from.port ^ bpf_htons(n->mask & PORT_BITS);
	addr = bpf_map_lookup_elem(&flows, &port);
	if (!addr || from.addr != with_host(*addr, n->host)) {
		n->refused++;
		return TC_ACT_SHOT;
	}
	to.addr = *addr;
	to.port = port;
	return rewrite(skb, udp, IP4_DST, udp + offsetof(struct udphdr, dest), &from, &to);
}

char _license[] SEC("license") = "GPL";
