/* SPDX-License-Identifier: GPL-2.0 */
/* Where things are in a packet; for the programs of tc in this directory. */
#ifndef KQUIC_INTEROP_NET_BPF_H
#define KQUIC_INTEROP_NET_BPF_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <linux/udp.h>
#include <stdbool.h>
#include <stddef.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define IP4_SRC		(ETH_HLEN + offsetof(struct iphdr, saddr))
#define IP4_DST		(ETH_HLEN + offsetof(struct iphdr, daddr))
#define IP4_CHECK	(ETH_HLEN + offsetof(struct iphdr, check))
#define UDP_CHECK(udp)	((udp) + offsetof(struct udphdr, check))

/*
 * Offset of the UDP header, or 0 if there is none. Nobody here sends options
 * or extension headers.
 */
static __always_inline __u32 udp_at(struct __sk_buff *skb)
{
	__u32 len, off;
	__u8 protocol = 0;

	if (skb->protocol == bpf_htons(ETH_P_IP)) {
		off = offsetof(struct iphdr, protocol);
		len = sizeof(struct iphdr);
	} else if (skb->protocol == bpf_htons(ETH_P_IPV6)) {
		off = offsetof(struct ipv6hdr, nexthdr);
		len = sizeof(struct ipv6hdr);
	} else {
		return 0;
	}
	bpf_skb_load_bytes(skb, ETH_HLEN + off, &protocol, 1);
	return protocol == IPPROTO_UDP ? ETH_HLEN + len : 0;
}

#endif
