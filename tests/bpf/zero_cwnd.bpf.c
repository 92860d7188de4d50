// SPDX-License-Identifier: GPL-2.0
/* Asks for no window at all. */
#include "broken.bpf.h"

ALWAYS(zero_cwnd, cc->cwnd = 0);
