// SPDX-License-Identifier: GPL-2.0
/*
 * As fast as needed: the application says until when it wants how much.
 *
 * Shows:	what needs a kernel patch and a system call elsewhere: a map that
 *		application and controller share, keyed by the number of the
 *		connection (struct quic_info); pacing_rate; the defaults of the
 *		module as functions.
 * Good for:	video segments, backups, updates: done when due, and until then
 *		out of the way of everybody else.  Without an entry in the map a
 *		connection is NewReno.
 * Bad for:	deadlines that the path cannot keep: they are tried as NewReno
 *		would, no harder.
 *
 * The application writes, by the pinned map /sys/fs/bpf/quic_deadlines:
 *	key	__u64 number of the connection
 *	value	__u64 CLOCK_MONOTONIC ns of the deadline, __u64 bytes left then
 * and deletes the entry when it is done.  Here that is not known: release() comes for
 * each path that the connection leaves, too.  Of those that nobody deleted the oldest
 * give way.
 */
#include <quic/cc.h>

struct deadline_entry {
	__u64 when;	/* ns */
	__u64 bytes;	/* to be sent from now on; counted down here */
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64);
	__type(value, struct deadline_entry);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} quic_deadlines SEC(".maps");

/* Ahead of schedule by a tenth, for what is lost on the way. */
#define AHEAD_NUM	11
#define AHEAD_DEN	10

QUIC_CC_OP(deadline_on_acked, struct quic_cc *cc, const struct quic_cc_ack *ack)
{
	__u64 number = cc->number, left;
	struct deadline_entry *d = bpf_map_lookup_elem(&quic_deadlines, &number);

	/* What the path carries, NewReno finds out: an upper bound. */
	bpf_quic_cc_default_acked(cc, ack);
	cc->pacing_rate = 0;
	if (!d)
		return;
	d->bytes -= quic_min(d->bytes, ack->bytes);
	if (!d->bytes || ack->now >= d->when)
		return;
	left = d->when - ack->now;
	cc->pacing_rate = bpf_quic_muldiv(d->bytes, AHEAD_NUM * QUIC_SEC,
					  AHEAD_DEN * left);
	/* Never faster than the window would be. */
	if (ack->srtt)
		cc->pacing_rate = quic_min(cc->pacing_rate,
					   bpf_quic_muldiv(cc->cwnd * 5 / 4,
							   QUIC_SEC, ack->srtt));
}

/* For applications, which need no privilege for it. */
QUIC_CC_DEFINE_LINK(deadline, .flags = QUIC_CC_FLAG_ANYONE,
		    .on_acked = (void *)deadline_on_acked);
