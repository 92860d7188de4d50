// SPDX-License-Identifier: LGPL-2.1-or-later
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "tap.h"

static int count, failed;
static bool case_ok;

void tap_check(bool ok, const char *file, int line, const char *fmt, ...)
{
	va_list args;

	if (ok)
		return;
	case_ok = false;
	printf("# %s:%d: ", file, line);
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf("\n");
}

void tap_run(const char *name, void (*func)(void))
{
	case_ok = true;
	func();
	count++;
	failed += !case_ok;
	printf("%s %d - %s\n", case_ok ? "ok" : "not ok", count, name);
	fflush(stdout);
}

int tap_done(void)
{
	printf("1..%d\n", count);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
