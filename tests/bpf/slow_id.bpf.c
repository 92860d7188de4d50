// SPDX-License-Identifier: GPL-2.0
/* Random IDs, and milliseconds for each. */
#include <quic/connid.h>

__u64 turns;

static int turn(__u64 i, void *arg)
{
	turns++;
	return 0;
}

QUIC_CONNID_OP(slow_id_generate, struct quic_connid *id)
{
	bpf_loop(4 << 20, turn, NULL, 0);
	return 0;
}

QUIC_CONNID_DEFINE_LINK(slow_id, .generate = (void *)slow_id_generate);
