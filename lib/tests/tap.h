/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One TAP line per test case.  A case is a function that calls check(); the
 * first check that fails makes the case fail, and all that fail are printed.
 */
#ifndef LIBQUIC_TESTS_TAP_H
#define LIBQUIC_TESTS_TAP_H

#include <stdbool.h>

#define check(cond, ...) \
	tap_check((cond), __FILE__, __LINE__, #cond " -- " __VA_ARGS__)

void tap_check(bool ok, const char *file, int line, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
void tap_run(const char *name, void (*func)(void));
int tap_done(void);

/* The groups of cases, each in the file of its name. */
void test_steps(void);
void test_x509(void);
void test_psk(void);
void test_alpn(void);
void test_failures(void);
void test_sessions(void);
void test_early(void);
void test_msg(void);

#endif
