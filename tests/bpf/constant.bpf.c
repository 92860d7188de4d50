// SPDX-License-Identifier: GPL-2.0
/* Always the same ID. */
#include <quic/connid.h>

QUIC_CONNID_OP(constant_generate, struct quic_connid *id)
{
	int i;

	for (i = 0; i < QUIC_CONNID_LEN; i++)
		id->bytes[i] = 1;
	return 0;
}

QUIC_CONNID_DEFINE_LINK(constant, .generate = (void *)constant_generate);
