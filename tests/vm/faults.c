// SPDX-License-Identifier: GPL-2.0
/*
 * Runs a test again and again while allocations made by quic.ko fail, until it
 * ran without a failure. What the test says then does not count: a call may
 * well fail for want of memory. What counts is what the debug kernel says:
 * nothing; and that memory came back.
 *
 *  - in the thread: the first allocation of the test's main thread fails, then
 *    the second, and so on, and copies from and to user space likewise
 *  - anywhere: one allocation fails in whatever context, also softirq and
 *    workers, after so many bytes, then after more
 *
 * With EVERY=n in the environment only each nth of these has its turn, and FROM=m says
 * which is the first.
 *
 * Where memory that is short must only take time, the test has to pass: those
 * of the table recovers, with the function whose allocation fails once.
 *
 * Needs the kernel's fault injection (KERNEL=debug); see its
 * Documentation/fault-injection.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/quic.h>
#include "harness.h"

#define DEBUGFS		"/sys/kernel/debug/"
#define FAULT_LIMIT	20	/* seconds for a test whose peer waits in vain */
#define FAULTS_MAX	400	/* of one test and kind */
#define SPACE_STEP	1500	/* bytes: one packet's memory or several objects */

static const struct {
	const char *test, *function;
} recovers[] = {
	{ "ticket_in_pieces", "quic_ticket_expect" },
	{ "stop_opens_the_stream", "quic_stream_for_frame" },
};

static unsigned int nth;
static bool injected;

static void put_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY), len = strlen(text);

	if (fd < 0 || write(fd, text, len) != len)
		FAIL("%s: %s", path, strerror(errno));
	close(fd);
}

static void put(const char *path, const char *fmt, unsigned long value)
{
	char text[32];

	snprintf(text, sizeof(text), fmt, value);
	put_text(path, text);
}

static unsigned long get(const char *path, const char *fmt)
{
	unsigned long value;
	FILE *f = fopen(path, "r");

	if (!f || fscanf(f, fmt, &value) != 1)
		FAIL("%s: %s", path, strerror(errno));
	fclose(f);
	return value;
}

/* Only what has a function between these addresses among its callers fails. */
static void callers(unsigned long start, unsigned long end)
{
	static const char *const kinds[] = {
		"failslab", "fail_page_alloc", "fail_usercopy",
	};
	char path[96];

	for (int i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), DEBUGFS "%s/require-start", kinds[i]);
		put(path, "0x%lx", start);
		snprintf(path, sizeof(path), DEBUGFS "%s/require-end", kinds[i]);
		put(path, "0x%lx", end);
	}
}

static void look_for(const char *name, unsigned long *start, unsigned long *end)
{
	unsigned long addr, next = ~0UL;
	FILE *f = fopen("/proc/kallsyms", "r");
	char line[256], sym[128];

	OK(f);
	*start = 0;
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%lx %*c %127s", &addr, sym) == 2 &&
		    !strcmp(sym, name))
			*start = addr;
	OK(*start);
	rewind(f);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%lx", &addr) == 1 && addr > *start &&
		    addr < next)
			next = addr;
	*end = next;
	fclose(f);
}

/* Some function of the module. */
static void set_up(void)
{
	static const char *const kinds[] = {
		"failslab", "fail_page_alloc", "fail_usercopy",
	};
	int loads_the_module = socket(AF_INET, SOCK_DGRAM, IPPROTO_QUIC);
	unsigned long text = get("/sys/module/quic/sections/.text", "%lx");
	unsigned long size = get("/sys/module/quic/coresize", "%lu");
	unsigned long start, end;
	char path[96];

	close(loads_the_module);
	for (int i = 0; i < 3; i++) {
#define PUT(file, fmt, value) do {					\
	snprintf(path, sizeof(path), DEBUGFS "%s/" file, kinds[i]);	\
	put(path, fmt, value);						\
} while (0)
		PUT("probability", "%lu", 0);
		PUT("verbose", "%lu", 0);
		PUT("stacktrace-depth", "%lu", 32);
#undef PUT
	}
	callers(text, text + size);
	put_text(DEBUGFS "failslab/ignore-gfp-wait", "N");
	put_text(DEBUGFS "fail_page_alloc/ignore-gfp-wait", "N");
	put(DEBUGFS "fail_page_alloc/min-order", "%lu", 0);
	/* The kernel itself warns when a BPF program, the filter of a listener's
	 * sockets, finds no pages.
	 */
	look_for("bpf_prog_alloc_no_stats", &start, &end);
	put(DEBUGFS "fail_page_alloc/reject-start", "0x%lx", start);
	put(DEBUGFS "fail_page_alloc/reject-end", "0x%lx", end);
}

/* ---- in the thread --------------------------------------------------------------- */

static void arm_thread(void)
{
	put("/proc/thread-self/fail-nth", "%lu", nth);
}

static void look_at_thread(pid_t pid)
{
	char path[48];

	snprintf(path, sizeof(path), "/proc/%d/fail-nth", pid);
	injected = !get(path, "%lu");
}

/* ---- anywhere --------------------------------------------------------------------- */

static void arm_anywhere(void)
{
	put(DEBUGFS "failslab/space", "%lu", (nth - 1) * SPACE_STEP);
	put(DEBUGFS "failslab/times", "%lu", 1);
	put(DEBUGFS "failslab/probability", "%lu", 100);
}

static void look_anywhere(pid_t pid)
{
	injected = !get(DEBUGFS "failslab/times", "%lu");
	put(DEBUGFS "failslab/probability", "%lu", 0);
}

/* ---- both -------------------------------------------------------------------------- */

static void again(const struct test *t, const char *kind,
		  void (*before)(void), void (*after)(pid_t pid))
{
	unsigned int faults = 0, passed = 0, hung = 0;
	int status;

	for (nth = setting("FROM", 1); nth <= FAULTS_MAX; nth += setting("EVERY", 1)) {
		status = test_in_child(t, FAULT_LIMIT, before, after);
		if (!injected)
			break;
		faults++;
		passed += !status;
		hung += WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM;
	}
	note("%u faults: the test passed nevertheless %u times, and waited in vain %u times",
	     faults, passed, hung);
	/* Without one there was no test, and in the end it must pass. */
	result(faults && (injected || !status), t->name, kind);
}

/* ---- one function ------------------------------------------------------------------ */

static void once_in(const struct test *t, const char *function)
{
	unsigned long start, end;
	char kind[128];
	int status;

	look_for(function, &start, &end);
	callers(start, end);
	nth = 1;
	status = test_in_child(t, t->limit * slow, arm_anywhere, look_anywhere);
	snprintf(kind, sizeof(kind), " when %s() has no memory", function);
	result(injected && !status, t->name, kind);
	set_up();
}

void run_faults(const struct test *t)
{
	set_up();
	for (size_t i = 0; i < sizeof(recovers) / sizeof(recovers[0]); i++)
		if (!strcmp(recovers[i].test, t->name))
			once_in(t, recovers[i].function);
	again(t, " while its thread's allocations fail", arm_thread, look_at_thread);
	again(t, " while allocations fail anywhere", arm_anywhere, look_anywhere);
}
