// SPDX-License-Identifier: GPL-2.0
/* The first of two versions: a wide window. */
#include <quic/cc.h>

QUIC_CC_OP(version_on_acked, struct quic_cc *cc, const struct quic_cc_ack *ack)
{
	cc->cwnd = 111111;
}

QUIC_CC_DEFINE_LINK(version, .on_acked = (void *)version_on_acked);
