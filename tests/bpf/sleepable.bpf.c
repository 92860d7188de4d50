// SPDX-License-Identifier: GPL-2.0
/* May sleep, where nobody may. */
#include <quic/cc.h>

SEC("struct_ops.s")
void BPF_PROG(sleepable_on_acked, struct quic_cc *cc,
	      const struct quic_cc_ack *ack)
{
}

QUIC_CC_DEFINE(sleepable, .on_acked = (void *)sleepable_on_acked);
