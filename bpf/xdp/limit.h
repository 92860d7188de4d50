/* SPDX-License-Identifier: GPL-2.0 */
/* How many Initials xdp_quic_guard takes, from one prefix and in all. */
#ifndef QUIC_XDP_LIMIT_H
#define QUIC_XDP_LIMIT_H

#include <quic/xdp.h>

#define SECOND	1000000000ULL

QUIC_XDP_MAP(quic_guard_pfx, LRU_HASH, QUIC_GUARD_PREFIXES, struct quic_guard_prefix,
	     __u64);

/* Initials of this CPU, in this second and in the one before. */
struct load {
	__u64 since;
	__u32 now;
	__u32 before;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct load);
} quic_guard_load SEC(".maps");

static __always_inline void prefix_of(const struct quic_guard *set,
				      const struct quic_xdp_pkt *p,
				      struct quic_guard_prefix *key)
{
	__u32 bits;

	if (p->is_v6) {
		bits = set->prefix6 - 1 < 64 ? set->prefix6 : 56;
		key->family = 6;
		key->high = (__u64)bpf_ntohl(p->src[0]) << 32 |
			    bpf_ntohl(p->src[1]);
	} else {
		bits = set->prefix4 - 1 < 32 ? set->prefix4 : 24;
		key->family = 4;
		key->high = (__u64)bpf_ntohl(p->src[3]) << 32;
	}
	key->high &= ~0ULL << ((64 - bits) & 63);
}

/* A bucket as the time when it is empty.  Two CPUs at once may take one token; that
 * is one Initial more.
 */
static __always_inline int within_rate(const struct quic_guard *set,
				       const struct quic_xdp_pkt *p, __u64 now)
{
	struct quic_guard_prefix key;
	__u64 each, room, *due, next;

	if (!set->rate)
		return 1;
	each = SECOND / set->rate;
	room = each * (set->burst ?: set->rate);
	prefix_of(set, p, &key);
	due = bpf_map_lookup_elem(&quic_guard_pfx, &key);
	next = (due && *due > now ? *due : now) + each;
	if (next - now > room)
		return 0;
	if (due)
		*due = next;
	else
		bpf_map_update_elem(&quic_guard_pfx, &key, &next, BPF_ANY);
	return 1;
}

static __always_inline int is_busy(const struct quic_guard *set, __u64 now)
{
	__u32 zero = 0;
	struct load *l = bpf_map_lookup_elem(&quic_guard_load, &zero);

	if (set->flags & QUIC_GUARD_RETRY)
		return 1;
	if (!l || !set->threshold)
		return 0;
	if (now - l->since >= SECOND) {
		l->before = now - l->since < 2 * SECOND ? l->now : 0;
		l->since = now;
		l->now = 0;
	}
	l->now++;
	return l->now > set->threshold || l->before > set->threshold;
}

#endif
