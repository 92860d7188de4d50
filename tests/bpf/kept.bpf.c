// SPDX-License-Identifier: GPL-2.0
/* Keeps its argument, and writes there when it is another connection's, or nobody's. */
#include <quic/cc.h>

struct keep {
	struct quic_cc __kptr_untrusted *cc;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct keep);
} kept_args SEC(".maps");

QUIC_CC_OP(kept_on_acked, struct quic_cc *cc, const struct quic_cc_ack *ack)
{
	__u32 zero = 0;
	struct keep *keep = bpf_map_lookup_elem(&kept_args, &zero);

	if (keep)
		keep->cc = cc;
}

QUIC_CC_OP(kept_on_lost, struct quic_cc *cc, const struct quic_cc_loss *loss)
{
	__u32 zero = 0;
	struct keep *keep = bpf_map_lookup_elem(&kept_args, &zero);
	struct quic_cc *old;

	if (!keep)
		return;
	old = keep->cc;
	if (old)
		old->cwnd = 1;
}

QUIC_CC_DEFINE(kept, .on_acked = (void *)kept_on_acked, .on_lost = (void *)kept_on_lost);
