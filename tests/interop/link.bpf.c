// SPDX-License-Identifier: GPL-2.0
/*
 * What a direction of the link does to packets: lose or corrupt some, lose
 * those with given numbers, lose all for a while.
 *
 * For tc, direct action, at the egress towards an end, so after the bottleneck
 * and its queue. Each program loaded has its own map, so each direction its
 * own rules and counters. A packet is what crosses the link: the link must
 * segment (gso_max_segs 1).
 */
#include "net.bpf.h"

#define LONG_HEADER	0x80	/* in a packet's first byte */
#define CORRUPT_SPAN	50	/* how far into a datagram a byte may be changed */

struct link {
	struct bpf_spin_lock lock;
	__u32 percent;		/* of UDP packets that are hit */
	__u32 burst;		/* but no more than these in a row */
	__u32 corrupt;		/* a hit changes a byte instead of losing the packet */
	__u64 numbers;		/* bit n: the nth UDP packet is lost; they count from 1 */
	__u64 dark_from;	/* ns after the first UDP packet; */
	__u64 dark_to;		/* all is lost until then */

	__u32 run;		/* hit in a row */
	__u32 pad;
	__u64 first;		/* when the first UDP packet came */
	__u64 seen;		/* UDP packets */
	__u64 dropped;
	__u64 corrupted;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct link);
} link SEC(".maps");

enum fate { PASS, LOSE, CORRUPT };

/* Version Negotiation is not corrupted: nothing protects it. */
static bool is_negotiation(struct __sk_buff *skb, __u32 payload)
{
	__u32 version = 1;
	__u8 first = 0;

	/* A short header has its connection ID there, which may be zeros. */
	bpf_skb_load_bytes(skb, payload, &first, sizeof(first));
	bpf_skb_load_bytes(skb, payload + 1, &version, sizeof(version));
	return first & LONG_HEADER && version == 0;
}

/*
 * Another value in one byte, and the checksum made right again, so that it is
 * QUIC that has to notice.
 */
static bool corrupt(struct __sk_buff *skb, __u32 udp, __u32 payload)
{
	__u32 len = skb->len - payload, span, at;
	__u8 change = 1 + bpf_get_prandom_u32() % 255;
	__u16 from, to;

	if (len < 2)
		return false;
	span = len & ~1u;	/* whole words of the checksum */
	if (span > CORRUPT_SPAN)
		span = CORRUPT_SPAN;
	at = bpf_get_prandom_u32() % span;
	if (bpf_skb_load_bytes(skb, payload + (at & ~1u), &from, sizeof(from)))
		return false;
	to = from ^ bpf_htons(at & 1 ? change : change << 8);
	return !bpf_skb_store_bytes(skb, payload + (at & ~1u), &to, sizeof(to), 0) &&
	       !bpf_l4_csum_replace(skb, UDP_CHECK(udp), from, to,
				    BPF_F_MARK_MANGLED_0 | sizeof(to));
}

static enum fate decide(struct link *l, bool is_udp, bool exempt)
{
	__u64 now = bpf_ktime_get_ns();
	__u32 chance = bpf_get_prandom_u32() % 100;
	enum fate fate = PASS;

	bpf_spin_lock(&l->lock);
	if (is_udp) {
		if (!l->first)
			l->first = now;
		l->seen++;
		if (!exempt && l->run < l->burst && chance < l->percent)
			fate = l->corrupt ? CORRUPT : LOSE;
		l->run = fate == PASS ? 0 : l->run + 1;
		if (l->seen < 64 && l->numbers >> l->seen & 1)
			fate = LOSE;
	}
	if (l->first && now - l->first >= l->dark_from && now - l->first < l->dark_to)
		fate = LOSE;
	if (fate == LOSE)
		l->dropped++;
	bpf_spin_unlock(&l->lock);
	return fate;
}

SEC("tc")
int spoil(struct __sk_buff *skb)
{
	__u32 key = 0, udp = udp_at(skb), payload = udp + sizeof(struct udphdr);
	struct link *l = bpf_map_lookup_elem(&link, &key);
	enum fate fate;

	if (!l)
		return TC_ACT_OK;
	fate = decide(l, udp, l->corrupt && udp && is_negotiation(skb, payload));
	if (fate == CORRUPT && corrupt(skb, udp, payload))
		__sync_fetch_and_add(&l->corrupted, 1);
	return fate == LOSE ? TC_ACT_SHOT : TC_ACT_OK;
}

char _license[] SEC("license") = "GPL";
