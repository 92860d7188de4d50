// SPDX-License-Identifier: GPL-2.0
/* Writes into an event. */
#include <quic/cc.h>

QUIC_CC_OP(foreign_on_acked, struct quic_cc *cc, struct quic_cc_ack *ack)
{
	ack->bytes = 0;
}

QUIC_CC_DEFINE(foreign_struct, .on_acked = (void *)foreign_on_acked);
