// SPDX-License-Identifier: GPL-2.0
/* Legal and bounded, and milliseconds for each ACK. */
#include <quic/cc.h>

__u64 turns;

static int turn(__u64 i, void *arg)
{
	turns++;
	return 0;
}

QUIC_CC_OP(slow_on_acked, struct quic_cc *cc, const struct quic_cc_ack *ack)
{
	bpf_loop(4 << 20, turn, NULL, 0);
	bpf_quic_cc_default_acked(cc, ack);
}

QUIC_CC_DEFINE(slow, .on_acked = (void *)slow_on_acked);
