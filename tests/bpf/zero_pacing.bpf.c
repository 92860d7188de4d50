// SPDX-License-Identifier: GPL-2.0
/* Asks for no pacing rate: that stands for the derived one. */
#include "broken.bpf.h"

ALWAYS(zero_pacing, cc->pacing_rate = 0);
