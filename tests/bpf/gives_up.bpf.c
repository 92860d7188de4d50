// SPDX-License-Identifier: GPL-2.0
/* Hands its connections back, says why, and hears of it. */
#include <quic/cc.h>

__u64 exits, releases;
struct quic_cc_exit last;

QUIC_CC_OP(gives_up_on_acked, struct quic_cc *cc, const struct quic_cc_ack *ack)
{
	if (cc->cwnd > 20000)
		bpf_quic_cc_give_up(cc, 4711);
	else
		bpf_quic_cc_default_acked(cc, ack);
}

QUIC_CC_OP(gives_up_exit, struct quic_cc *cc, const struct quic_cc_exit *exit)
{
	exits++;
	last.kind = exit->kind;
	last.code = exit->code;
}

QUIC_CC_OP(gives_up_release, struct quic_cc *cc)
{
	releases++;
}

QUIC_CC_DEFINE(gives_up, .on_acked = (void *)gives_up_on_acked,
	       .exit = (void *)gives_up_exit,
	       .release = (void *)gives_up_release);
