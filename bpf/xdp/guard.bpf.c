// SPDX-License-Identifier: GPL-2.0
/*
 * xdp_quic_guard: what a flood can cost, before it costs an skb.
 *
 * Shows:	a Retry made in a driver's softirq (functions of quic.ko; its token is
 *		taken as if a socket had made it), Version Negotiation likewise, a
 *		token bucket per prefix in a map that forgets.
 * Good for:	servers of kernel QUIC that strangers can reach.
 * Bad for:	servers of other QUICs on the same ports: they would not take the
 *		tokens (leave threshold 0); hosts whose clients use such ports.
 *
 *	not for one of the ports, a fragment	passed
 *	from a port that reflects, no QUIC	dropped
 *	Initial, or unknown version, from an
 *		address that is no host's	dropped
 *	Initial, or unknown version
 *		in less than 1200 bytes		dropped
 *		of a prefix beyond its rate	dropped
 *	unknown version				answered: Version Negotiation
 *	Initial, while there are many		answered: Retry, unless its token is
 *						good or its connection known
 *	all else				passed
 *
 * Answers are smaller than what they answer.  Without settings only the first three
 * lines and Version Negotiation apply; QUIC_GUARD_WATCH counts and passes.
 *
 *	xdp-loader load -p /sys/fs/bpf/quic eth0 guard.bpf.o
 *
 * Settings and counters: <quic/xdp_maps.h>.
 */
#include <quic/xdp.h>
#include "answer.h"
#include "limit.h"

#define EBADMSG	74

QUIC_XDP_MAP(quic_guard, ARRAY, 1, __u32, struct quic_guard);
QUIC_XDP_MAP(quic_guard_n, PERCPU_ARRAY, QUIC_GUARD_N_MAX, __u32, __u64);

static __always_inline int pass(enum quic_guard_count why)
{
	quic_xdp_count(&quic_guard_n, why);
	return XDP_PASS;
}

static __always_inline int drop(const struct quic_guard *set,
				enum quic_guard_count why)
{
	quic_xdp_count(&quic_guard_n, why);
	return set->flags & QUIC_GUARD_WATCH ? XDP_PASS : XDP_DROP;
}

/* Services that answer strangers with more than they were sent. */
static __always_inline int reflects(__be16 port)
{
	switch (bpf_ntohs(port)) {
	case 0: case 17: case 19: case 53: case 69: case 111: case 123:
	case 137: case 138: case 161: case 389: case 500: case 1900:
	case 3702: case 5353: case 5355: case 11211:
		return 1;
	}
	return 0;
}

/* Group addresses, 0.0.0.0/8, ::, and IPv4 in IPv6: the kernel drops what comes from
 * them, so no answer may go there.
 */
static __always_inline int is_no_host(const struct quic_xdp_pkt *p)
{
	const __u8 *octets = (const __u8 *)p->src;

	if (!p->is_v6)
		return !octets[12] || octets[12] >= 224;
	return octets[0] == 0xff ||
	       (!p->src[0] && !p->src[1] &&
		((!p->src[2] && !p->src[3]) || p->src[2] == bpf_htonl(0xffff)));
}

/* ---- Initials --------------------------------------------------------------------------- */

static __always_inline int initial(struct xdp_md *ctx,
				   const struct quic_guard *set,
				   struct quic_xdp_pkt *p, __u64 now)
{
	__u32 off = p->udp + sizeof(struct udphdr), len = quic_xdp_id_len(p);
	int busy = is_busy(set, now), token = 0;
	struct quic_xdp_peer peer;

	quic_xdp_peer(p, &peer);
	/* Neither counts for the rate. */
	if ((busy || set->rate) && bpf_ksym_exists(bpf_quic_xdp_token)) {
		token = bpf_quic_xdp_token(ctx, off, &peer);
		if (token > 0)
			return pass(QUIC_GUARD_N_TOKEN);
		if (len && bpf_ksym_exists(bpf_quic_xdp_owner) &&
		    bpf_quic_xdp_owner(ctx, p->id, len, &peer) >= 0)
			return pass(QUIC_GUARD_N_KNOWN);
	}
	if (!within_rate(set, p, now))
		return drop(set, QUIC_GUARD_N_RATE);
	if (!busy || !bpf_ksym_exists(bpf_quic_xdp_retry))
		return pass(QUIC_GUARD_N_INITIAL);
	/* Its sender takes no second Retry. */
	if (token < 0)
		return drop(set, token == -EBADMSG ? QUIC_GUARD_N_BAD_TOKEN :
						     QUIC_GUARD_N_NOT_QUIC);
	if (set->flags & QUIC_GUARD_WATCH)
		return pass(QUIC_GUARD_N_RETRY);
	if (answer_retry(ctx, p, &peer))
		return drop(set, QUIC_GUARD_N_FAILED);
	quic_xdp_count(&quic_guard_n, QUIC_GUARD_N_RETRY);
	return XDP_TX;
}

static __always_inline int unknown(struct xdp_md *ctx,
				   const struct quic_guard *set,
				   struct quic_xdp_pkt *p, __u64 now)
{
	if (set->flags & QUIC_GUARD_NO_VERSIONS)
		return drop(set, QUIC_GUARD_N_VERSION);
	if (!within_rate(set, p, now))
		return drop(set, QUIC_GUARD_N_RATE);
	if (set->flags & QUIC_GUARD_WATCH)
		return pass(QUIC_GUARD_N_VERSIONS);
	if (answer_versions(ctx, p))
		return drop(set, QUIC_GUARD_N_FAILED);
	quic_xdp_count(&quic_guard_n, QUIC_GUARD_N_VERSIONS);
	return XDP_TX;
}

static __always_inline int guard(struct xdp_md *ctx,
				 const struct quic_guard *set,
				 struct quic_xdp_pkt *p)
{
	if (reflects(p->sport))
		return drop(set, QUIC_GUARD_N_SOURCE);
	switch (p->kind) {
	case QUIC_XDP_SHORT:
	case QUIC_XDP_0RTT:
	case QUIC_XDP_HANDSHAKE:
		return pass(QUIC_GUARD_N_PASSED);
	case QUIC_XDP_INITIAL:
	case QUIC_XDP_UNKNOWN:
		break;
	default:	/* servers send Retry and Version Negotiation */
		return drop(set, QUIC_GUARD_N_NOT_QUIC);
	}
	if (p->len < QUIC_XDP_FIRST_MIN)
		return drop(set, QUIC_GUARD_N_SMALL);
	if (p->udp + sizeof(struct udphdr) + p->len > bpf_xdp_get_buff_len(ctx))
		return drop(set, QUIC_GUARD_N_NOT_QUIC);
	if (is_no_host(p))
		return drop(set, QUIC_GUARD_N_SOURCE);
	if (p->kind == QUIC_XDP_UNKNOWN)
		return unknown(ctx, set, p, bpf_ktime_get_ns());
	return initial(ctx, set, p, bpf_ktime_get_ns());
}

SEC("xdp.frags")
int xdp_quic_guard(struct xdp_md *ctx)
{
	struct quic_guard *set;
	struct quic_xdp_pkt p;
	__u32 zero = 0;

	switch (quic_xdp_find(ctx, &p)) {
	case QUIC_XDP_FOUND:
		break;
	case QUIC_XDP_FRAGMENT:
		return pass(QUIC_GUARD_N_FRAGMENT);
	default:
		return pass(QUIC_GUARD_N_OTHER);
	}
	set = bpf_map_lookup_elem(&quic_guard, &zero);
	return set ? guard(ctx, set, &p) : XDP_PASS;
}

/* Before those that route. */
struct {
	__uint(priority, 20);
	__uint(XDP_PASS, 1);
} XDP_RUN_CONFIG(xdp_quic_guard);

char LICENSE[] SEC("license") = "GPL";
