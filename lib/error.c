// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What the last failure of a thread was.
 *
 * The public functions return one int for two families of numbers, -errno and
 * the GnuTLS codes, and -12 is ENOMEM in one and a fatal alert in the other.
 * So the text is made where the family is still known, and kept per thread
 * until quic_strerror() asks.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "internal.h"

static _Thread_local struct {
	int	code;
	char	text[QUIC_TEXT_MAX];
} last;

static void record(int code, const char *reason, const char *fmt, va_list args)
{
	int len = vsnprintf(last.text, sizeof(last.text), fmt, args);

	last.code = code;
	if (reason && len >= 0 && (size_t)len < sizeof(last.text))
		snprintf(last.text + len, sizeof(last.text) - len, ": %s",
			 reason);
	quic_log(LOG_ERR, "%s", last.text);
}

int quic_error_sys(int err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	record(err, strerror(-err), fmt, args);
	va_end(args);
	return err;
}

int quic_error_tls(int ret, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	record(ret, gnutls_strerror(ret), fmt, args);
	va_end(args);
	return ret;
}

int quic_error_text(int code, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	record(code, NULL, fmt, args);
	va_end(args);
	return code;
}

QUIC_EXPORT const char *quic_strerror(int ret)
{
	if (ret >= 0)
		return "success";
	if (ret == last.code)
		return last.text;
	/* EHWPOISON is the last errno there is. */
	if (ret >= -EHWPOISON)
		return strerror(-ret);
	return gnutls_strerror(ret);
}
