/* SPDX-License-Identifier: GPL-2.0 */
/* A BPF program compiled for userspace, with the module's own types. */
#include "../kshim.h"
#include "recovery/cc.h"

/* Programs bring theirs. */
#define quic_cc_initial_window	prog_initial_window
#define quic_cc_minimum_window	prog_minimum_window
#define quic_cc_in_slow_start	prog_in_slow_start
