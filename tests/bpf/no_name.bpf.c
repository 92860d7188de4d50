// SPDX-License-Identifier: GPL-2.0
/* Without the one thing that is mandatory. */
#include <quic/cc.h>

SEC(".struct_ops")
struct quic_congestion_ops no_name = {};
