// SPDX-License-Identifier: GPL-2.0
/* Under another licence. */
#define QUIC_LICENSE "Proprietary"
#include "broken.bpf.h"

ALWAYS(not_gpl, cc->cwnd = 65536);
