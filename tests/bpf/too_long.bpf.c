// SPDX-License-Identifier: GPL-2.0
/* IDs that are longer than there may be any. */
#include <quic/connid.h>

QUIC_CONNID_OP(too_long_generate, struct quic_connid *id)
{
	id->len = QUIC_CONNID_MAX_LEN + 1;
	return 0;
}

QUIC_CONNID_DEFINE_LINK(too_long, .generate = (void *)too_long_generate);
