// SPDX-License-Identifier: GPL-2.0
/* A name that is taken. */
#include <quic/cc.h>

SEC(".struct_ops")
struct quic_congestion_ops clash = { .name = "cubic" };
