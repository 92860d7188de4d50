// SPDX-License-Identifier: GPL-2.0
/* The last listener of the group, whatever it serves. */
#include <quic/connid.h>

QUIC_CONNID_OP(chooses_last_choose, struct quic_connid *id)
{
	id->listener = id->listeners - 1;
	return 0;
}

QUIC_CONNID_DEFINE_LINK(chooses_last, .choose = (void *)chooses_last_choose);
