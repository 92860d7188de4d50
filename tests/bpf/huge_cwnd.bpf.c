// SPDX-License-Identifier: GPL-2.0
/* Asks for more than any socket buffers. */
#include "broken.bpf.h"

ALWAYS(huge_cwnd, cc->cwnd = 0xffffffff);
