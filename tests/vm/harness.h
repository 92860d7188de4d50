/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A test is a function in a process and a network namespace of its own, with a
 * time limit; what it checks first and finds wrong ends it. Prints TAP 13.
 */
#ifndef VM_HARNESS_H
#define VM_HARNESS_H

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

struct test {
	const char *name;
	const char *file;
	void (*run)(void);
	int limit;		/* seconds */
	bool each;		/* for both families and socket types */
	struct test *next;
};

/* What the test runs with; AF_INET and SOCK_DGRAM unless it is for each. */
extern int family, type;

/* How many times longer things may take, here and now. */
extern int slow;

/* A number of the environment. */
int setting(const char *name, int otherwise);

void test_add(struct test *t);
void __attribute__((noreturn, format(printf, 3, 4)))
test_fail(const char *file, int line, const char *fmt, ...);
void __attribute__((format(printf, 1, 2))) note(const char *fmt, ...);

#define TEST_WITH(id, seconds, all)					\
	static void id(void);						\
	static struct test test_##id = {				\
		.name = #id, .file = __FILE__, .run = id,		\
		.limit = seconds, .each = all,				\
	};								\
	static void __attribute__((constructor)) add_##id(void)		\
	{								\
		test_add(&test_##id);					\
	}								\
	static void id(void)

#define TEST(id)	TEST_WITH(id, 30, false)
#define TEST_EACH(id)	TEST_WITH(id, 30, true)

#define FAIL(...)	test_fail(__FILE__, __LINE__, __VA_ARGS__)

#define OK(cond) do {							\
	if (!(cond))							\
		FAIL("%s (errno %s)", #cond, strerrorname_np(errno) ?: "-"); \
} while (0)

#define EQ(value, wanted) do {						\
	long long v_ = (value), w_ = (wanted);				\
	if (v_ != w_)							\
		FAIL("%s is %lld, not %s = %lld (errno %s)", #value, v_,	\
		     #wanted, w_, strerrorname_np(errno) ?: "-");	\
} while (0)

/* A call that must fail, and how. */
#define ERR(call, number) do {						\
	errno = 0;							\
	long long v_ = (call);						\
	if (v_ >= 0)							\
		FAIL("%s gives %lld, not %s", #call, v_, #number);	\
	if (errno != (number))						\
		FAIL("%s fails with %s, not %s", #call,			\
		     strerrorname_np(errno) ?: "-", #number);		\
} while (0)

/* Wait until it is true; the test's time limit is the limit. */
#define UNTIL(cond) do {						\
	while (!(cond))							\
		short_while();						\
} while (0)

void short_while(void);

/* ---- between harness.c and faults.c ------------------------------------------ */

/* Run it in a child that first calls @before; when it has ended and can still be
 * looked at, @after.  Returns its wait status.
 */
int test_in_child(const struct test *t, int limit, void (*before)(void),
		  void (*after)(pid_t pid));
void result(bool ok, const char *name, const char *variant);
void run_faults(const struct test *t);

#endif
