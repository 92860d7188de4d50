/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A frame turned into its answer: same way back, another payload.
 * RFC 9000 sections 6.1, 8.1.2, 17.2.1.
 */
#ifndef QUIC_XDP_ANSWER_H
#define QUIC_XDP_ANSWER_H

#include <quic/xdp.h>

/* Version Negotiation with two IDs of 255 octets and three versions. */
#define ANSWER_MAX	(7 + 255 + 255 + 12)

/* What is left of a CPU's last answer is overwritten. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u8[768]);	/* as far as sum_of() may look */
} quic_guard_buf SEC(".maps");

static __always_inline __u8 *answer_buf(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&quic_guard_buf, &zero);
}

static __always_inline __u16 fold(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

/* The payload's sum; 0s follow it.  In pieces: no kernel takes more than 512. */
static __always_inline __u64 sum_of(__u8 *buf, __u32 n)
{
	__u32 first = n > 256 ? 256 : n, rest = n - first;

	first = (first + 3) & 0x1fc;
	rest = (rest + 3) & 0x1fc;
	return (__u32)bpf_csum_diff(NULL, 0, (__be32 *)buf, first, 0) +
	       (__u64)(__u32)bpf_csum_diff(NULL, 0, (__be32 *)(buf + 256), rest,
					   0);
}

static __always_inline void back_ipv4(struct iphdr *ip, __u32 len, __u64 *sum)
{
	__be32 addr = ip->saddr;

	*sum += bpf_csum_diff(NULL, 0, &ip->saddr, 8, 0);
	ip->saddr = ip->daddr;
	ip->daddr = addr;
	ip->tos = 0;
	ip->tot_len = bpf_htons(sizeof(*ip) + len);
	ip->id = 0;
	ip->frag_off = bpf_htons(0x4000);	/* don't fragment */
	ip->ttl = 64;
	ip->check = 0;
	ip->check = fold(bpf_csum_diff(NULL, 0, (__be32 *)ip, sizeof(*ip), 0));
}

static __always_inline void back_ipv6(struct ipv6hdr *ip, __u32 len, __u64 *sum)
{
	struct in6_addr addr = ip->saddr;

	*sum += bpf_csum_diff(NULL, 0, (__be32 *)&ip->saddr, 32, 0);
	ip->saddr = ip->daddr;
	ip->daddr = addr;
	ip->priority = 0;
	ip->flow_lbl[0] &= 0x0f;		/* no traffic class */
	ip->payload_len = bpf_htons(len);
	ip->hop_limit = 64;
}

static __always_inline void back_udp(struct udphdr *udp, __u32 len, __u64 sum)
{
	__be16 port = udp->source;

	udp->source = udp->dest;
	udp->dest = port;
	udp->len = bpf_htons(len);
	sum += bpf_htons(IPPROTO_UDP) + udp->source + udp->dest +
	       2 * udp->len;
	udp->check = fold(sum) ?: 0xffff;
}

/* Headers of a frame whose payload, @n bytes, has @sum.  0, or -1. */
static __always_inline int back(struct xdp_md *ctx, const struct quic_xdp_pkt *p,
				__u32 n, __u64 sum)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	void *ip = quic_xdp_at(data, p->ip), *udp;
	__u32 len = sizeof(struct udphdr) + n;
	struct ethhdr *eth = data;
	__u8 mac[6];

	if ((void *)(eth + 1) > end ||
	    ip + sizeof(struct iphdr) + sizeof(struct udphdr) > end)
		return -1;
	__builtin_memcpy(mac, eth->h_source, 6);
	__builtin_memcpy(eth->h_source, eth->h_dest, 6);
	__builtin_memcpy(eth->h_dest, mac, 6);
	if (p->is_v6) {
		if (ip + sizeof(struct ipv6hdr) + sizeof(struct udphdr) > end)
			return -1;
		back_ipv6(ip, len, &sum);
		udp = ip + sizeof(struct ipv6hdr);
	} else {
		back_ipv4(ip, len, &sum);
		udp = ip + sizeof(struct iphdr);
	}
	back_udp(udp, len, sum);
	return 0;
}

/**
 * answer - send @n bytes of @buf back
 * @ctx:	of the program
 * @p:		the frame
 * @buf:	of answer_buf()
 * @n:		1 to ANSWER_MAX, less than the frame has
 *
 * Return: 0, or -1: the frame is not what it was, for XDP_DROP.
 */
static __always_inline int answer(struct xdp_md *ctx, struct quic_xdp_pkt *p,
				  __u8 *buf, __u32 n)
{
	__u32 now = bpf_xdp_get_buff_len(ctx);
	__u32 off = p->udp + sizeof(struct udphdr);
	__u8 *mac = (void *)(long)ctx->data;
	__u64 sum;

	/* What goes to a group on the link nobody answers, or all of it would. */
	if (!p->plain || off + n > now ||
	    (void *)(mac + 1) > (void *)(long)ctx->data_end || *mac & 1)
		return -1;
	/* One bound after the other, or the verifier sees neither. */
	barrier_var(n);
	if (n > ANSWER_MAX)
		return -1;
	barrier_var(n);
	if (!n)
		return -1;
	*(__u32 *)(buf + n) = 0;
	sum = sum_of(buf, n);
	if (bpf_xdp_store_bytes(ctx, off, buf, n))
		return -1;
	/* What is not cut off is padding of the link, its sender's own bytes. */
	if (bpf_ksym_exists(bpf_quic_xdp_resize))
		bpf_quic_xdp_resize(ctx, 0, now - off - n);
	return back(ctx, p, n, sum);
}

static __always_inline int answer_retry(struct xdp_md *ctx,
					struct quic_xdp_pkt *p,
					const struct quic_xdp_peer *peer)
{
	__u8 *buf = answer_buf();
	int n;

	if (!buf || !p->plain)
		return -1;
	n = bpf_quic_xdp_retry(ctx, p->udp + sizeof(struct udphdr), peer, buf,
			       QUIC_XDP_RETRY_MAX);
	return n <= 0 ? -1 : answer(ctx, p, buf, n);
}

/* Both IDs change places, whatever their length (RFC 8999 section 6). */
static __always_inline int answer_versions(struct xdp_md *ctx,
					   struct quic_xdp_pkt *p)
{
	__u32 off = p->udp + sizeof(struct udphdr), *versions, n;
	__u8 *buf = answer_buf(), dcid_len = p->id_len, scid_len;

	if (!buf || bpf_xdp_load_bytes(ctx, off + 6 + dcid_len, &scid_len, 1))
		return -1;
	buf[0] = 0xc0 | bpf_get_prandom_u32();
	*(__u32 *)(buf + 1) = 0;
	buf[5] = scid_len;
	if (scid_len && bpf_xdp_load_bytes(ctx, off + 7 + dcid_len, buf + 6,
					   scid_len))
		return -1;
	n = 6 + scid_len;
	buf[n++] = dcid_len;
	if (dcid_len && bpf_xdp_load_bytes(ctx, off + 6, buf + n, dcid_len))
		return -1;
	n += dcid_len;
	versions = (__u32 *)(buf + n);
	versions[0] = bpf_htonl(QUIC_XDP_V1);
	versions[1] = bpf_htonl(QUIC_XDP_V2);
	/* Reserved: nobody may trip over those it does not know. */
	versions[2] = bpf_htonl((bpf_get_prandom_u32() & 0xf0f0f0f0) | 0x0a0a0a0a);
	return answer(ctx, p, buf, n + 12);
}

#endif
