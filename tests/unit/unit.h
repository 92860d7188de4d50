/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The unit test harness.
 *
 *	TEST(what_it_shows)
 *	{
 *		EXPECT_EQ(add(1, 2), 3);
 *	}
 *
 * A file NAME_test.c is one program; its opening comment names the kernel
 * files and libraries it is linked with, and `make check` finds it:
 *
 *	needs: wire/varint.c recovery/ack.c
 *	libs: -lnettle
 *
 * EXPECT*() notes a failure and goes on, ASSERT() also leaves the function.
 * Both sides of a comparison are converted to u64.
 */
#ifndef UNIT_H
#define UNIT_H

#include "kshim.h"

#define TEST(name)							\
	static void name(void);						\
	__attribute__((__constructor__)) static void name##_add(void)	\
	{								\
		static struct unit_test t = { #name, name, NULL };	\
		unit_add(&t);						\
	}								\
	static void name(void)

#define EXPECT(cond)							\
	unit_check(!!(cond), __FILE__, __LINE__, #cond)
#define ASSERT(cond) do {						\
	if (!EXPECT(cond))						\
		return;							\
} while (0)
#define EXPECT_EQ(a, b)							\
	unit_check_eq((u64)(a), (u64)(b), __FILE__, __LINE__, #a, #b)
#define EXPECT_MEM(a, b, len)						\
	unit_check_mem(a, b, len, __FILE__, __LINE__, #a)
#define EXPECT_STR(a, b)						\
	unit_check(!strcmp(a, b), __FILE__, __LINE__, #a " is " #b)

struct unit_test {
	const char *name;
	void (*run)(void);
	struct unit_test *next;
};

void unit_add(struct unit_test *t);
bool unit_check(bool ok, const char *file, int line, const char *what);
bool unit_check_eq(u64 a, u64 b, const char *file, int line,
		   const char *a_text, const char *b_text);
bool unit_check_mem(const void *a, const void *b, size_t len,
		    const char *file, int line, const char *what);

/* Words put before a failure's report until changed: the case of a table. */
__attribute__((__format__(__printf__, 1, 2)))
void unit_case(const char *fmt, ...);

/* Random numbers, the same in every run unless UNIT_SEED is set. */
u64 unit_rand(void);
/* 0 .. n - 1 */
u64 unit_rand_below(u64 n);
/* As many bits as chance will have, up to @bits: small values are common. */
u64 unit_rand_bits(unsigned int bits);
void unit_rand_bytes(void *p, size_t len);

/* Hex digits, blanks ignored, to bytes at @p.  Return: how many. */
size_t unit_hex(const char *hex, void *p, size_t max);

/* An exact copy on the heap, so that a read beyond it is seen.  free() it. */
void *unit_dup(const void *p, size_t len);

#endif
