// SPDX-License-Identifier: GPL-2.0
/* A flag that nobody has defined. */
#include <quic/cc.h>

SEC(".struct_ops")
struct quic_congestion_ops bad_flags = { .name = "bad_flags", .flags = 4 };
