// SPDX-License-Identifier: GPL-2.0
/*
 * Runs the tests that were linked in, all or those named as arguments, one
 * after the other; or, with --faults first, each of them again and again while
 * allocations fail (faults.c).
 *
 * A namespace of its own makes counters start at zero and every port free, and
 * its end, with whatever connections a test left, is a test of its own.  SYSCTL in
 * the environment, NAME=VALUE, is one of net.quic that each of them gets.
 */
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "harness.h"
#include "pair.h"

int family = AF_INET, type = SOCK_DGRAM;
int slow = 1;

static struct test *first, **last = &first;
static int number, failed;
static pid_t main_thread;

void test_add(struct test *t)
{
	*last = t;
	last = &t->next;
}

void test_fail(const char *file, int line, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	printf("# %s:%d: %s\n", file, line, text);
	fflush(stdout);
	/* A helper process of the test takes the test along. */
	if (getpid() != main_thread)
		kill(main_thread, SIGUSR2);
	_exit(1);
}

void note(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	printf("# ");
	vprintf(fmt, ap);
	printf("\n");
	fflush(stdout);
	va_end(ap);
}

void short_while(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 2000000 }, NULL);
}

int setting(const char *name, int otherwise)
{
	const char *s = getenv(name);

	return s ? atoi(s) : otherwise;
}

static void loopback_up(void)
{
	struct ifreq ifr = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &ifr) < 0)
		FAIL("no loopback");
	close(fd);
}

static void preset(void)
{
	char *value, *name = getenv("SYSCTL");

	if (!name)
		return;
	name = strdup(name);
	OK(name);
	value = strchr(name, '=');
	OK(value);
	*value = 0;
	write_sysctl(name, value + 1);
	free(name);
}

static void __attribute__((noreturn))
in_child(const struct test *t, int limit, void (*before)(void))
{
	setpgid(0, 0);
	main_thread = getpid();
	alarm(limit);
	if (unshare(CLONE_NEWNET) < 0)
		FAIL("no network namespace");
	loopback_up();
	preset();
	if (before)
		before();
	t->run();
	fflush(stdout);
	_exit(0);
}

int test_in_child(const struct test *t, int limit, void (*before)(void),
		  void (*after)(pid_t pid))
{
	siginfo_t info;
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid)
		in_child(t, limit, before);
	while (waitid(P_PID, pid, &info, WEXITED | WNOWAIT) < 0 && errno == EINTR)
		;
	if (after)
		after(pid);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	kill(-pid, SIGKILL);	/* what it left behind */
	return status;
}

void result(bool ok, const char *name, const char *variant)
{
	failed += !ok;
	printf("%sok %d - %s%s\n", ok ? "" : "not ", ++number, name, variant);
}

static void run(const struct test *t, const char *variant)
{
	struct timespec a, b;
	char why[64] = "";
	int status;

	clock_gettime(CLOCK_MONOTONIC, &a);
	status = test_in_child(t, t->limit * slow, NULL, NULL);
	clock_gettime(CLOCK_MONOTONIC, &b);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
		snprintf(why, sizeof(why), "time limit of %d s",
			 t->limit * slow);
	else if (WIFSIGNALED(status) && WTERMSIG(status) != SIGUSR2)
		snprintf(why, sizeof(why), "died of %s",
			 strsignal(WTERMSIG(status)));
	if (why[0])
		printf("# %s\n", why);
	result(!status, t->name, variant);
	printf("# %.2f s\n", (b.tv_sec - a.tv_sec) +
	       (b.tv_nsec - a.tv_nsec) / 1e9);
	fflush(stdout);
}

static void run_each(const struct test *t)
{
	/* Where that takes long one of them is run, but not always the same. */
	static int turn;
	static const struct {
		int family, type;
		const char *name;
	} variants[] = {
		{ AF_INET, SOCK_STREAM, " IPv4 stream" },
		{ AF_INET, SOCK_DGRAM, " IPv4 dgram" },
		{ AF_INET6, SOCK_STREAM, " IPv6 stream" },
		{ AF_INET6, SOCK_DGRAM, " IPv6 dgram" },
	};

	for (int i = 0; i < 4; i++) {
		if (slow > 1 && i != turn)
			continue;
		family = variants[i].family;
		type = variants[i].type;
		run(t, variants[i].name);
	}
	turn = (turn + 1) % 4;
	family = AF_INET;
	type = SOCK_DGRAM;
}

/* By its own name, or with all of its file ("stream" for stream_test.c). */
static bool matches(const struct test *t, const char *name)
{
	size_t len = strlen(name);

	return !strcmp(name, t->name) ||
	       (!strncmp(name, t->file, len) &&
		!strcmp(t->file + len, "_test.c"));
}

static bool chosen(const struct test *t, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (matches(t, argv[i]))
			return true;
	}
	return argc < 2;
}

static bool exists(const char *name)
{
	for (const struct test *t = first; t; t = t->next) {
		if (matches(t, name))
			return true;
	}
	return false;
}

int main(int argc, char **argv)
{
	bool faults = argc > 1 && !strcmp(argv[1], "--faults");

	if (faults) {
		argc--;
		argv++;
	}
	slow = setting("SLOW", 1);
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("TAP version 13\n");
	for (int i = 1; i < argc; i++) {
		if (!exists(argv[i])) {
			printf("Bail out! no such test: %s\n", argv[i]);
			return 2;
		}
	}
	for (const struct test *t = first; t; t = t->next) {
		if (!chosen(t, argc, argv))
			continue;
		if (faults)
			run_faults(t);
		else if (t->each)
			run_each(t);
		else
			run(t, "");
	}
	printf("1..%d\n", number);
	return failed != 0;
}
