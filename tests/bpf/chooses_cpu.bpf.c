// SPDX-License-Identifier: GPL-2.0
/* The listener of CPU 2, wherever the client's packet came. */
#include <quic/connid.h>

QUIC_CONNID_OP(chooses_cpu_choose, struct quic_connid *id)
{
	id->cpu = 2;
	return 0;
}

QUIC_CONNID_DEFINE_LINK(chooses_cpu, .choose = (void *)chooses_cpu_choose);
