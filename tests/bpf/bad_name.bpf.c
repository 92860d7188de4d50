// SPDX-License-Identifier: GPL-2.0
/* A name that would not fit a line of /proc. */
#include <quic/cc.h>

SEC(".struct_ops")
struct quic_congestion_ops bad_name = { .name = "two words" };
