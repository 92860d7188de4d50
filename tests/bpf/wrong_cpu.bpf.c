// SPDX-License-Identifier: GPL-2.0
/* Reads its own IDs otherwise than it was asked to make them. */
#include <quic/connid.h>

QUIC_CONNID_OP(wrong_cpu_generate, struct quic_connid *id)
{
	id->bytes[0] = id->cpu + 1;
	return 0;
}

QUIC_CONNID_OP(wrong_cpu_decode, struct quic_connid *id)
{
	id->cpu = id->bytes[0];
	return 0;
}

QUIC_CONNID_DEFINE_LINK(wrong_cpu, .generate = (void *)wrong_cpu_generate,
			.decode = (void *)wrong_cpu_decode);
