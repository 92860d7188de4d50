// SPDX-License-Identifier: GPL-2.0
/* One ID is longer than the other, of one connection too. */
#include <quic/connid.h>

QUIC_CONNID_OP(any_length_generate, struct quic_connid *id)
{
	id->len = QUIC_CONNID_LEN + bpf_get_prandom_u32() %
		  (QUIC_CONNID_MAX_LEN - QUIC_CONNID_LEN + 1);
	return 0;
}

QUIC_CONNID_DEFINE_LINK(any_length, .generate = (void *)any_length_generate);
