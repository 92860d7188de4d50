// SPDX-License-Identifier: GPL-2.0
/* Takes the least there is and stays there. */
#include "broken.bpf.h"

ALWAYS(never_grows, cc->cwnd = quic_cc_minimum_window(cc->mss));
