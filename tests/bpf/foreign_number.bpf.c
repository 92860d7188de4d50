// SPDX-License-Identifier: GPL-2.0
/* Says that an ID is of another connection. */
#include <quic/connid.h>

QUIC_CONNID_OP(foreign_number_generate, struct quic_connid *id)
{
	id->number = 1;
	return 0;
}

QUIC_CONNID_DEFINE(foreign_number, .generate = (void *)foreign_number_generate);
