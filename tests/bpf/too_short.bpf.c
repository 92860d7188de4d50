// SPDX-License-Identifier: GPL-2.0
/* IDs that are shorter than the receiver would look. */
#include <quic/connid.h>

QUIC_CONNID_OP(too_short_generate, struct quic_connid *id)
{
	id->len = QUIC_CONNID_LEN - 1;
	return 0;
}

QUIC_CONNID_DEFINE_LINK(too_short, .generate = (void *)too_short_generate);
