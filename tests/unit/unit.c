// SPDX-License-Identifier: GPL-2.0
/*
 * The unit test harness: main() of every *_test.c.  Prints a plan and one TAP
 * line per test, unnumbered; tap.sh joins the programs to one document.
 *
 * A program given words runs the tests whose names contain one of them.
 */
#include <ctype.h>
#include <sanitizer/asan_interface.h>
#include <stdarg.h>

#include "unit.h"

#define MAX_REPORTS	20	/* failures spelled out per test */

static struct unit_test *first, **last = &first;
static unsigned int failures;
static char case_text[256];
static u64 rand_state;

void unit_add(struct unit_test *t)
{
	*last = t;
	last = &t->next;
}

void unit_case(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(case_text, sizeof(case_text), fmt, args);
	va_end(args);
}

static bool report(const char *file, int line)
{
	if (++failures > MAX_REPORTS)
		return false;
	printf("# %s:%d: %s%s", file, line, case_text, *case_text ? ": " : "");
	return true;
}

bool unit_check(bool ok, const char *file, int line, const char *what)
{
	if (!ok && report(file, line))
		printf("not so: %s\n", what);
	return ok;
}

bool unit_check_eq(u64 a, u64 b, const char *file, int line,
		   const char *a_text, const char *b_text)
{
	if (a != b && report(file, line))
		printf("%s is %lld (0x%llx), %s is %lld (0x%llx)\n", a_text,
		       (s64)a, a, b_text, (s64)b, b);
	return a == b;
}

bool unit_check_mem(const void *a, const void *b, size_t len,
		    const char *file, int line, const char *what)
{
	const u8 *x = a, *y = b;
	size_t i = 0;

	while (i < len && x[i] == y[i])
		i++;
	if (i == len)
		return true;
	if (report(file, line))
		printf("%s differs at byte %zu of %zu: %02x, wanted %02x\n",
		       what, i, len, x[i], y[i]);
	return false;
}

/* splitmix64 */
u64 unit_rand(void)
{
	u64 z = rand_state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

u64 unit_rand_below(u64 n)
{
	return unit_rand() % n;
}

u64 unit_rand_bits(unsigned int bits)
{
	unsigned int n = unit_rand_below(bits + 1);

	return n ? unit_rand() >> (64 - n) : 0;
}

void unit_rand_bytes(void *p, size_t len)
{
	u8 *b = p;

	while (len--)
		*b++ = unit_rand();
}

size_t unit_hex(const char *hex, void *p, size_t max)
{
	static const char digits[] = "0123456789abcdef";
	const char *high, *low;
	u8 *b = p;
	size_t n = 0;

	for (;;) {
		while (isspace((unsigned char)*hex))
			hex++;
		if (!*hex)
			return n;
		high = strchr(digits, hex[0]);
		low = hex[1] ? strchr(digits, hex[1]) : NULL;
		if (n == max || !high || !low) {
			fprintf(stderr, "bad hex in test: %.16s\n", hex);
			abort();
		}
		b[n++] = (high - digits) << 4 | (low - digits);
		hex += 2;
	}
}

void *unit_dup(const void *p, size_t len)
{
	void *q = malloc(len ? len : 1);

	if (!q)
		abort();
	if (len)
		return memcpy(q, p, len);
	ASAN_POISON_MEMORY_REGION(q, 1);	/* even one byte is too many */
	return q;
}

static bool wanted(const char *name, int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++)
		if (strstr(name, argv[i]))
			return true;
	return argc < 2;
}

int main(int argc, char **argv)
{
	const char *seed = getenv("UNIT_SEED");
	bool failed = false;
	struct unit_test *t;
	int n = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (t = first; t; t = t->next)
		n += wanted(t->name, argc, argv);
	printf("1..%d\n", n);
	for (t = first; t; t = t->next) {
		if (!wanted(t->name, argc, argv))
			continue;
		failures = 0;
		*case_text = 0;
		kshim_fail_alloc = -1;
		rand_state = seed ? strtoull(seed, NULL, 0) : 1;
		t->run();
		if (failures > MAX_REPORTS)
			printf("# and %u more\n", failures - MAX_REPORTS);
		printf("%sok - %s\n", failures ? "not " : "", t->name);
		failed |= failures;
	}
	return failed;
}
