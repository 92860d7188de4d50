// SPDX-License-Identifier: GPL-2.0
/* Whoever likes may choose it. */
#include <quic/cc.h>

QUIC_CC_DEFINE(for_all, .flags = QUIC_CC_FLAG_ANYONE);
