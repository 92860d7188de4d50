// SPDX-License-Identifier: GPL-2.0
/* IDs of the greatest length; all begin alike, as those of one server do. */
#include <quic/connid.h>

QUIC_CONNID_OP(longest_generate, struct quic_connid *id)
{
	int i;

	for (i = 0; i < QUIC_CONNID_LEN + 2; i++)
		id->bytes[i] = 0x5e;
	id->len = QUIC_CONNID_MAX_LEN;
	return 0;
}

QUIC_CONNID_DEFINE_LINK(longest, .generate = (void *)longest_generate);
