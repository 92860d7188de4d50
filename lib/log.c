// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Messages of the library to whoever wants them.  Nobody does at the start: a
 * library does not write to a terminal that is not its own.
 */
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>

#include "internal.h"

static _Atomic(quic_set_log_func_t) log_func;
static _Atomic int log_level = LOG_WARNING;

void quic_log(int level, const char *fmt, ...)
{
	quic_set_log_func_t func = log_func;
	char line[QUIC_TEXT_MAX];
	va_list args;

	if (!func || level > log_level)
		return;
	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	func(level, line);
}

QUIC_EXPORT quic_set_log_func_t quic_set_log_func(quic_set_log_func_t func)
{
	return atomic_exchange(&log_func, func);
}

QUIC_EXPORT int quic_set_log_level(int level)
{
	return atomic_exchange(&log_level, level);
}
