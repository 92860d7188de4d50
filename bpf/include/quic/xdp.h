/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * What XDP programs that deal with QUIC have in common: the way through the
 * headers of a frame to the connection ID, which lies where RFC 8999 says, whatever
 * the version; and the functions that kernel QUIC (quic.ko) has for them.
 *
 *	#include <quic/xdp.h>
 *
 *	SEC("xdp.frags")
 *	int mine(struct xdp_md *ctx)
 *	{
 *		struct quic_xdp_pkt p;
 *
 *		if (quic_xdp_find(ctx, &p) != QUIC_XDP_FOUND)
 *			return XDP_PASS;
 *		...
 *	}
 *
 * A frame may have two VLAN tags, IPv4 options, and QUIC_XDP_EXTENSIONS extension
 * headers of IPv6.
 */
#ifndef QUIC_XDP_H
#define QUIC_XDP_H

#include <quic/vmlinux.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <xdp/xdp_helpers.h>
#include <quic/xdp_maps.h>

#define QUIC_XDP_EXTENSIONS	6
/* UDP begins before that, or it is not found. */
#define QUIC_XDP_DEEP		2048

#define QUIC_XDP_ETH_IPV4	0x0800
#define QUIC_XDP_ETH_IPV6	0x86dd
#define QUIC_XDP_ETH_VLAN	0x8100
#define QUIC_XDP_ETH_QINQ	0x88a8

/* ---- functions of quic.ko; kernel/bpf/kfuncs_xdp.c has what they do ------------- */

/* Weak: without the module a program can be loaded, if it looks whether they are
 * there (bpf_ksym_exists()).
 */
extern int bpf_quic_xdp_owner(struct xdp_md *ctx, const __u8 *id, __u32 id__sz,
			      const struct quic_xdp_peer *peer) __ksym __weak;
extern int bpf_quic_xdp_token(struct xdp_md *ctx, __u32 off,
			      const struct quic_xdp_peer *peer) __ksym __weak;
#define QUIC_XDP_RETRY_MAX	192
extern int bpf_quic_xdp_retry(struct xdp_md *ctx, __u32 off,
			      const struct quic_xdp_peer *peer, __u8 *to,
			      __u32 to__sz) __ksym __weak;
extern int bpf_quic_xdp_resize(struct xdp_md *ctx, __u32 room,
			       __u32 cut) __ksym __weak;

/* A map of @name, shared with quicctl and among programs: it is pinned by that name. */
#define QUIC_XDP_MAP(name, kind, n, key_type, value_type)		\
struct {								\
	__uint(type, BPF_MAP_TYPE_##kind);				\
	__uint(max_entries, n);						\
	__type(key, key_type);						\
	__type(value, value_type);					\
	__uint(pinning, LIBBPF_PIN_BY_NAME);				\
} name SEC(".maps")

/* ---- ports ---------------------------------------------------------------------------- */

QUIC_XDP_MAP(quic_ports, ARRAY, QUIC_XDP_PORT_WORDS, __u32, __u64);

/* Is @port, in network order, one of QUIC? */
static __always_inline int quic_xdp_port(__be16 port)
{
	__u32 p = bpf_ntohs(port), at = p / 64, zero = 0;
	__u64 *word = bpf_map_lookup_elem(&quic_ports, &at);

	if (word && *word >> (p & 63) & 1)
		return p != 0;
	if (p != QUIC_XDP_PORT)
		return 0;
	word = bpf_map_lookup_elem(&quic_ports, &zero);
	return word && !(*word & 1);
}

/* ---- from the frame to the ID -------------------------------------------------------- */

#define QUIC_XDP_ID_MAX		20
/* Nothing shorter is a packet: whatever its ID, it is sealed. */
#define QUIC_XDP_SHORT_MIN	21
#define QUIC_XDP_LONG_MIN	26
/* A client's first datagram (RFC 9000 section 14.1). */
#define QUIC_XDP_FIRST_MIN	1200
#define QUIC_XDP_V1		0x00000001
#define QUIC_XDP_V2		0x6b3343cf

enum quic_xdp_found {
	QUIC_XDP_OTHER,		/* not for one of the ports, or not to be understood */
	QUIC_XDP_FRAGMENT,	/* of an IP packet, the first one too */
	QUIC_XDP_FOUND,		/* UDP for one of the ports */
};

enum quic_xdp_kind {
	QUIC_XDP_SHORT,
	QUIC_XDP_INITIAL,
	QUIC_XDP_0RTT,
	QUIC_XDP_HANDSHAKE,
	QUIC_XDP_RETRY,
	QUIC_XDP_VERSIONS,	/* Version Negotiation */
	QUIC_XDP_UNKNOWN,	/* of a version that is not known here */
	QUIC_XDP_BAD,		/* not QUIC, or cut off */
};

/**
 * struct quic_xdp_pkt - a datagram and its first packet
 * @src:	address of the sender; IPv4 as ::ffff:a.b.c.d
 * @dst:	and where it goes
 * @sport:	likewise, network order
 * @dport:	likewise
 * @ip:		offset of the IP header in the frame
 * @udp:	of the UDP header
 * @len:	of the UDP payload, as UDP says; the frame may be cut off
 * @is_v6:	IPv6
 * @plain:	no options and no extension headers
 * @kind:	enum quic_xdp_kind; what follows has no meaning for QUIC_XDP_BAD
 * @first:	octet of QUIC
 * @id_len:	of the destination ID; short header: 0, nobody knows
 * @version:	0: short header
 * @id:		the ID, or its first 20 octets, and what follows it
 */
struct quic_xdp_pkt {
	__u32 src[4];
	__u32 dst[4];
	__be16 sport;
	__be16 dport;
	__u16 ip;
	__u16 udp;
	__u16 len;
	__u8 is_v6;
	__u8 plain;
	__u8 kind;
	__u8 first;
	__u8 id_len;
	__u32 version;
	union {
		__u8 id[24];
		__u64 word[3];
	};
};

/* Where @off is; masked, so that the verifier believes it. */
static __always_inline void *quic_xdp_at(void *data, __u32 off)
{
	barrier_var(off);
	off &= QUIC_XDP_DEEP - 1;
	return data + off;
}

/* The protocol of what follows at *@off, IPPROTO_UDP, or an enum quic_xdp_found with
 * a minus.
 */
static __always_inline int quic_xdp_extensions(void *data, void *end, int next,
					       __u32 *off)
{
	__u8 *h;
	int i;

	for (i = 0; i < QUIC_XDP_EXTENSIONS && next != IPPROTO_UDP; i++) {
		h = quic_xdp_at(data, *off);
		if ((void *)(h + 8) > end)
			return -QUIC_XDP_OTHER;
		switch (next) {
		case 0:			/* hop by hop */
		case 43:		/* routing */
		case 60:		/* destination */
			*off += (h[1] + 1) * 8;
			break;
		case 51:		/* authentication */
			*off += (h[1] + 2) * 4;
			break;
		case 44:		/* fragment: one that is all of it is none */
			if (h[2] || h[3] & ~6)
				return -QUIC_XDP_FRAGMENT;
			*off += 8;
			break;
		default:
			return -QUIC_XDP_OTHER;
		}
		if (*off >= QUIC_XDP_DEEP)
			return -QUIC_XDP_OTHER;
		next = h[0];
	}
	return next == IPPROTO_UDP ? next : -QUIC_XDP_OTHER;
}

static __always_inline __u8 quic_xdp_kind(__u8 first, __u32 version)
{
	/* Version 2 counts from another number (RFC 9369 section 3.2). */
	__u8 type = first >> 4 & 3;

	switch (version) {
	case QUIC_XDP_V2:
		type = (type + 3) & 3;
		__attribute__((fallthrough));
	case QUIC_XDP_V1:
		return QUIC_XDP_INITIAL + type;
	case 0:
		return QUIC_XDP_VERSIONS;
	}
	return QUIC_XDP_UNKNOWN;
}

/* 20 octets: the kernel reads words from anywhere. */
static __always_inline void quic_xdp_take_id(struct quic_xdp_pkt *p,
					     const void *from)
{
	p->word[0] = *(const __u64 *)from;
	p->word[1] = *(const __u64 *)(from + 8);
	p->word[2] = *(const __u32 *)(from + 16);
}

/* What all versions have in common (RFC 8999 section 5). */
static __always_inline void quic_xdp_header(struct quic_xdp_pkt *p, __u8 *quic,
					    void *end)
{
	p->kind = QUIC_XDP_BAD;
	p->id_len = 0;
	p->version = 0;
	if ((void *)(quic + QUIC_XDP_SHORT_MIN) > end ||
	    p->len < QUIC_XDP_SHORT_MIN)
		return;
	p->first = quic[0];
	if (!(p->first & 0x80)) {
		p->kind = QUIC_XDP_SHORT;
		quic_xdp_take_id(p, quic + 1);
		return;
	}
	if ((void *)(quic + QUIC_XDP_LONG_MIN) > end ||
	    p->len < QUIC_XDP_LONG_MIN)
		return;
	p->version = bpf_ntohl(*(__be32 *)(quic + 1));
	p->id_len = quic[5];
	quic_xdp_take_id(p, quic + 6);
	p->kind = quic_xdp_kind(p->first, p->version);
	if (p->kind != QUIC_XDP_UNKNOWN && p->id_len > QUIC_XDP_ID_MAX)
		p->kind = QUIC_XDP_BAD;
}

/**
 * quic_xdp_find - what of QUIC is in a frame?
 * @ctx:	of the program
 * @p:		result, for QUIC_XDP_FOUND
 *
 * A function of its own, which the verifier looks at once, whatever is done with the
 * result.
 *
 * Return: enum quic_xdp_found
 */
__noinline int quic_xdp_find(struct xdp_md *ctx, struct quic_xdp_pkt *p)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u32 off = sizeof(struct ethhdr), i, len;
	struct ethhdr *eth = data;
	struct ipv6hdr *ip6;
	struct udphdr *udp;
	struct iphdr *ip4;
	__be16 type, *tag;
	int next;

	if (!p || (void *)(eth + 1) > end)
		return QUIC_XDP_OTHER;
	type = eth->h_proto;
	for (i = 0; i < 2 && (type == bpf_htons(QUIC_XDP_ETH_VLAN) ||
			      type == bpf_htons(QUIC_XDP_ETH_QINQ)); i++) {
		tag = data + off;
		if ((void *)(tag + 2) > end)
			return QUIC_XDP_OTHER;
		type = tag[1];
		off += 4;
	}
	p->ip = off;
	if (type == bpf_htons(QUIC_XDP_ETH_IPV4)) {
		ip4 = data + off;
		if ((void *)(ip4 + 1) > end || ip4->version != 4 || ip4->ihl < 5)
			return QUIC_XDP_OTHER;
		if (ip4->protocol != IPPROTO_UDP)
			return QUIC_XDP_OTHER;
		if (ip4->frag_off & bpf_htons(0x3fff))
			return QUIC_XDP_FRAGMENT;
		off += ip4->ihl * 4;
		p->is_v6 = 0;
		p->plain = ip4->ihl == 5;
		p->src[0] = p->src[1] = p->dst[0] = p->dst[1] = 0;
		p->src[2] = p->dst[2] = bpf_htonl(0xffff);
		p->src[3] = ip4->saddr;
		p->dst[3] = ip4->daddr;
	} else if (type == bpf_htons(QUIC_XDP_ETH_IPV6)) {
		ip6 = data + off;
		if ((void *)(ip6 + 1) > end || ip6->version != 6)
			return QUIC_XDP_OTHER;
		off += sizeof(*ip6);
		p->is_v6 = 1;
		p->plain = ip6->nexthdr == IPPROTO_UDP;
		__builtin_memcpy(p->src, &ip6->saddr, sizeof(p->src));
		__builtin_memcpy(p->dst, &ip6->daddr, sizeof(p->dst));
		next = quic_xdp_extensions(data, end, ip6->nexthdr, &off);
		if (next <= 0)
			return -next;
	} else {
		return QUIC_XDP_OTHER;
	}
	udp = quic_xdp_at(data, off);
	if ((void *)(udp + 1) > end || !quic_xdp_port(udp->dest))
		return QUIC_XDP_OTHER;
	p->sport = udp->source;
	p->dport = udp->dest;
	p->udp = off;
	len = bpf_ntohs(udp->len);
	p->len = len < sizeof(*udp) ? 0 : len - sizeof(*udp);
	quic_xdp_header(p, (__u8 *)(udp + 1), end);
	return QUIC_XDP_FOUND;
}

/* ---- what programs make of it --------------------------------------------------------- */

/* Length of the destination ID, 1 to QUIC_XDP_ID_MAX, or 0; of a short header what may
 * belong to it.  Bounds one after the other,
 * or the verifier sees neither.
 */
static __always_inline __u32 quic_xdp_id_len(const struct quic_xdp_pkt *p)
{
	__u32 len = p->kind == QUIC_XDP_SHORT ? QUIC_XDP_ID_MAX : p->id_len;

	barrier_var(len);
	if (len > QUIC_XDP_ID_MAX)
		return 0;
	barrier_var(len);
	return len;
}

/* Did the client make up the ID? */
static __always_inline int quic_xdp_is_first(const struct quic_xdp_pkt *p)
{
	return p->kind == QUIC_XDP_INITIAL || p->kind == QUIC_XDP_0RTT ||
	       p->kind == QUIC_XDP_UNKNOWN;
}

/* One more under @reason of the PERCPU_ARRAY @map. */
#define quic_xdp_count(map, reason) do {				\
	__u32 _reason = (reason);					\
	__u64 *_n = bpf_map_lookup_elem(map, &_reason);			\
									\
	if (_n)								\
		(*_n)++;						\
} while (0)

static __always_inline __u64 quic_xdp_mix(__u64 h, __u64 v)
{
	h = (h ^ v) * 0x9e3779b97f4a7c15ULL;
	return h ^ h >> 32;
}

/* Of the client's address and port; @seed keeps others from aiming. */
static __always_inline __u32 quic_xdp_hash(const struct quic_xdp_pkt *p,
					   __u32 seed)
{
	const __u32 *w = p->src;
	__u64 h = quic_xdp_mix(seed, p->sport);

	h = quic_xdp_mix(h, (__u64)w[0] << 32 | w[1]);
	return quic_xdp_mix(h, (__u64)w[2] << 32 | w[3]);
}

/* The sender, for functions of quic.ko.  By place, not by name: without the module
 * there is no such struct to find the names in.
 */
static __always_inline void quic_xdp_peer(const struct quic_xdp_pkt *p,
					  struct quic_xdp_peer *peer)
{
	__u32 *w = (__u32 *)peer;

	__builtin_memcpy(w, p->src, sizeof(p->src));
	w[4] = 0;
	*(__be16 *)&w[4] = p->sport;
}

#endif
