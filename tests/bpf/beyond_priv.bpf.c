// SPDX-License-Identifier: GPL-2.0
/* Writes past the private words. */
#include <quic/cc.h>

QUIC_CC_OP(beyond_on_acked, struct quic_cc *cc, const struct quic_cc_ack *ack)
{
	*(volatile __u64 *)((char *)cc->priv + 8 * QUIC_CC_PRIV_WORDS) = 1;
}

QUIC_CC_DEFINE(beyond_priv, .on_acked = (void *)beyond_on_acked);
