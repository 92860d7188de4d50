/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A packet as the payload of another one: IP in IP, or GUE variant 1
 * (draft-ietf-intarea-gue section 4), in which IP follows UDP.
 */
#ifndef QUIC_XDP_ENCAP_H
#define QUIC_XDP_ENCAP_H

#include <quic/xdp.h>

#define ENCAP_L2_MAX	22	/* Ethernet and two VLAN tags */

static __always_inline int encap_addr_is_set(const struct quic_lb_addr *a)
{
	const __u64 *w = (const __u64 *)a->octets;

	return w[0] || w[1];
}

static __always_inline int encap_addr_is_v4(const struct quic_lb_addr *a)
{
	const __u32 *w = (const __u32 *)a->octets;

	return !w[0] && !w[1] && w[2] == bpf_htonl(0xffff);
}

/* What tells flows apart on the way: routers and NICs hash it. */
static __always_inline __be32 encap_source4(const struct quic_lb_set *set,
					    __u32 hash)
{
	return set->source4 ?: bpf_htonl(0xac100000 | (hash & 0xffff));
}

static __always_inline void outer_ipv4(struct iphdr *ip,
				       const struct quic_lb_set *set,
				       const struct quic_lb_addr *to,
				       __u8 protocol, __u32 len, __u32 hash)
{
	__u64 sum;

	ip->version = 4;
	ip->ihl = 5;
	ip->tos = 0;
	ip->tot_len = bpf_htons(len);
	ip->id = 0;
	ip->frag_off = bpf_htons(0x4000);	/* don't fragment */
	ip->ttl = 64;
	ip->protocol = protocol;
	ip->check = 0;
	ip->saddr = encap_source4(set, hash);
	ip->daddr = ((const __u32 *)to->octets)[3];
	sum = bpf_csum_diff(NULL, 0, (__be32 *)ip, sizeof(*ip), 0);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	ip->check = ~sum;
}

/* The source is of the discard prefix (RFC 6666), as katran's. */
static __always_inline void outer_ipv6(struct ipv6hdr *ip,
				       const struct quic_lb_addr *to,
				       __u8 protocol, __u32 len, __u32 hash)
{
	__u32 *from = ip->saddr.in6_u.u6_addr32;

	*(__be32 *)ip = bpf_htonl(0x60000000);
	ip->payload_len = bpf_htons(len - sizeof(*ip));
	ip->nexthdr = protocol;
	ip->hop_limit = 64;
	from[0] = bpf_htonl(0x01000000);
	from[1] = 0;
	from[2] = 0;
	from[3] = hash;
	__builtin_memcpy(&ip->daddr, to, sizeof(*to));
}

/* Ports tell flows apart; no checksum, as tunnels may have (RFC 6935). */
static __always_inline void outer_udp(struct udphdr *udp,
				      const struct quic_lb_set *set, __u32 len,
				      __u32 hash)
{
	udp->source = bpf_htons(0xc000 | (hash & 0x3fff));
	udp->dest = bpf_htons(set->gue_port ?: QUIC_LB_GUE_PORT);
	udp->len = bpf_htons(len);
	udp->check = 0;
}

/* The link's header moves to the front of @room new bytes, and leads back or to
 * the next hop.  What IP header follows, where it begins, or NULL; @need bytes are
 * there.
 */
static __always_inline void *outer_link(struct xdp_md *ctx,
					const struct quic_lb_set *set, __u32 l2,
					__u32 room, int to_v4, __u32 need)
{
	__u8 *from, *to, *end, mac[6];
	__be16 *type;
	int i;

	if (bpf_quic_xdp_resize(ctx, room, 0))
		return NULL;
	to = (void *)(long)ctx->data;
	end = (void *)(long)ctx->data_end;
	from = to + room;
	if (from + ENCAP_L2_MAX > end)
		return NULL;
	/* All tags that there may be: IP is written over what is too much. */
	for (i = 0; i < ENCAP_L2_MAX; i += 2)
		*(__u16 *)(to + i) = *(__u16 *)(from + i);
	__builtin_memcpy(mac, to, 6);
	if (set->mac[0] | set->mac[1] | set->mac[2] | set->mac[3] |
	    set->mac[4] | set->mac[5])
		__builtin_memcpy(to, set->mac, 6);
	else
		__builtin_memcpy(to, to + 6, 6);
	__builtin_memcpy(to + 6, mac, 6);
	type = quic_xdp_at(to, l2 - 2);
	if ((void *)(type + 1) + need > (void *)end)
		return NULL;
	*type = to_v4 ? bpf_htons(QUIC_XDP_ETH_IPV4) :
			bpf_htons(QUIC_XDP_ETH_IPV6);
	return type + 1;
}

/* Length of the IP packet: a short frame is padded.  0: it is cut off. */
static __always_inline __u32 inner_len(struct xdp_md *ctx,
				       const struct quic_xdp_pkt *p)
{
	void *ip = quic_xdp_at((void *)(long)ctx->data, p->ip);
	const struct ipv6hdr *ip6 = ip;
	const struct iphdr *ip4 = ip;

	if (ip + sizeof(*ip6) > (void *)(long)ctx->data_end)
		return 0;
	return p->is_v6 ? bpf_ntohs(ip6->payload_len) + sizeof(*ip6) :
			  bpf_ntohs(ip4->tot_len);
}

/**
 * encap - put headers for @to around a packet
 * @ctx:	of the program
 * @set:	settings
 * @p:		the frame
 * @to:		the backend
 * @hash:	of the client
 *
 * Return: 0, or why it cannot be sent (enum quic_lb_count).
 */
static __always_inline int encap(struct xdp_md *ctx,
				 const struct quic_lb_set *set,
				 const struct quic_xdp_pkt *p,
				 const struct quic_lb_addr *to, __u32 hash)
{
	int gue = set->encap == QUIC_LB_GUE, to_v4 = encap_addr_is_v4(to);
	__u8 next = gue ? IPPROTO_UDP : p->is_v6 ? IPPROTO_IPV6 : IPPROTO_IPIP;
	__u32 ip_len = to_v4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
	__u32 room = ip_len + (gue ? sizeof(struct udphdr) : 0);
	__u32 len = inner_len(ctx, p);
	void *at;

	if (!len)
		return QUIC_LB_N_FAILED;
	len += room;
	if (len > (set->mtu ?: 1500 + room))
		return QUIC_LB_N_TOO_BIG;
	/* The inner headers are there as well: enough for either family. */
	at = outer_link(ctx, set, p->ip, room, to_v4,
			sizeof(struct ipv6hdr) + sizeof(struct udphdr));
	if (!at)
		return QUIC_LB_N_FAILED;
	if (to_v4) {
		outer_ipv4(at, set, to, next, len, hash);
		at += sizeof(struct iphdr);
	} else {
		outer_ipv6(at, to, next, len, hash);
		at += sizeof(struct ipv6hdr);
	}
	if (gue)
		outer_udp(at, set, len - ip_len, hash);
	return 0;
}

#endif
