// SPDX-License-Identifier: GPL-2.0
/*
 * A window of constant size.
 *
 * Shows:	the least a program needs: one callback and a name, and a number
 *		that can be set before loading.
 * Good for:	measuring a path, where the sender must not react to anything;
 *		links of known and reserved bandwidth and delay.
 * Bad for:	every shared network: it takes what it takes from the others.
 */
#include <quic/cc.h>

const volatile __u64 window = 64 << 10;	/* bytes */

QUIC_CC_OP(fixed_init, struct quic_cc *cc, __u64 now)
{
	cc->cwnd = window;
}

/* A function of its own for each callback, even if it is the same. */
QUIC_CC_OP(fixed_on_idle_restart, struct quic_cc *cc, __u64 now)
{
	cc->cwnd = window;
}

QUIC_CC_OP(fixed_on_acked, struct quic_cc *cc, const struct quic_cc_ack *ack)
{
	cc->cwnd = window;
}

QUIC_CC_OP(fixed_on_lost, struct quic_cc *cc, const struct quic_cc_loss *loss)
{
	cc->cwnd = window;
}

QUIC_CC_DEFINE(fixed, .init = (void *)fixed_init,
	       .on_acked = (void *)fixed_on_acked,
	       .on_lost = (void *)fixed_on_lost,
	       .on_idle_restart = (void *)fixed_on_idle_restart);
