// SPDX-License-Identifier: GPL-2.0
/* Nothing but a name: all is the default. */
#include <quic/cc.h>

QUIC_CC_DEFINE(minimal);
