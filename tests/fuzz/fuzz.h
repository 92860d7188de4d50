/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the fuzz targets share.  A target is one file, NAME_fuzz.c, with
 * LLVMFuzzerTestOneInput(); it must show properties, not only survive.  Its
 * opening comment has a "needs:" line, as unit tests have.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include "kshim.h"

#define MUST(c) do {							\
	if (!(c)) {							\
		fprintf(stderr, "%s:%d: violated: %s\n", __FILE__,	\
			__LINE__, #c);					\
		abort();						\
	}								\
} while (0)

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static inline bool inside(const u8 *p, size_t len, const u8 *buf,
			  size_t buf_len)
{
	return p >= buf && len <= buf_len && p - buf <= buf_len - len;
}

#endif
