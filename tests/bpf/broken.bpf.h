/* SPDX-License-Identifier: GPL-2.0 */
/* Controllers that do wrong, one member each: what the guard is for. */
#include <quic/cc.h>

/* All callbacks do the same to the connection. */
#define ALWAYS(name, what...)						\
QUIC_CC_OP(name##_init, struct quic_cc *cc, __u64 now)			\
{									\
	what;								\
}									\
QUIC_CC_OP(name##_on_acked, struct quic_cc *cc,				\
	   const struct quic_cc_ack *ack)				\
{									\
	what;								\
}									\
QUIC_CC_OP(name##_on_lost, struct quic_cc *cc,				\
	   const struct quic_cc_loss *loss)				\
{									\
	what;								\
}									\
QUIC_CC_DEFINE(name, .init = (void *)name##_init,			\
	       .on_acked = (void *)name##_on_acked,			\
	       .on_lost = (void *)name##_on_lost)
