// SPDX-License-Identifier: GPL-2.0
/* Writes what is not its own: the path's packet size. */
#include "broken.bpf.h"

ALWAYS(foreign_field, cc->mss = 9000);
