// SPDX-License-Identifier: GPL-2.0
/* Asks for a byte per second. */
#include "broken.bpf.h"

ALWAYS(slow_pacing, cc->pacing_rate = 1);
