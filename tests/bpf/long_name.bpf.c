// SPDX-License-Identifier: GPL-2.0
/* A name that fills its array, and does not end. */
#include <quic/cc.h>

SEC(".struct_ops")
struct quic_congestion_ops long_name = { .name = "sixteen_letters_" };
