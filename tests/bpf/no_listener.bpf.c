// SPDX-License-Identifier: GPL-2.0
/* Chooses a listener that there is not. */
#include <quic/connid.h>

QUIC_CONNID_OP(no_listener_choose, struct quic_connid *id)
{
	id->listener = id->listeners;
	return 0;
}

QUIC_CONNID_DEFINE_LINK(no_listener, .choose = (void *)no_listener_choose);
