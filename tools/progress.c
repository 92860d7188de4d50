// SPDX-License-Identifier: GPL-2.0
/*
 * A line on the terminal that tells how far a job is.
 *
 * The caller decides whether there is a terminal (stderr); this decides how
 * often to draw.
 */
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "array.h"
#include "get.h"

#define REDRAW_US	100000
#define BAR_MAX		40
#define TEXT_WIDTH	58	/* what stands beside the bar, at most */

struct totals {
	uint64_t bytes;
	uint64_t expected;	/* 0: not all lengths are known */
	size_t over;
};

static struct totals add_up(const struct job *job)
{
	struct totals t = {};
	bool known = true;

	for (size_t i = 0; i < job->count; i++) {
		const struct fetch *f = &job->fetches[i];

		t.bytes += f->bytes;
		t.over += f->state == FETCH_DONE || f->state == FETCH_FAILED;
		if (f->state == FETCH_FAILED)
			t.expected += f->bytes;
		else if (f->expected >= 0)
			t.expected += f->expected;
		else
			known = false;
	}
	if (!known)
		t.expected = 0;
	return t;
}

static int terminal_width(void)
{
	struct winsize size;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) || !size.ws_col)
		return 80;
	return size.ws_col;
}

static void print_size(char *out, size_t size, double n)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	size_t i = 0;

	while (n >= 1024 && i + 1 < ARRAY_SIZE(units)) {
		n /= 1024;
		i++;
	}
	snprintf(out, size, i ? "%.1f %s" : "%.0f %s", n, units[i]);
}

static void draw(const struct job *job, const struct totals *t, double seconds)
{
	char bytes[24], rate[24], bar[BAR_MAX + 1] = "";
	double part = t->expected ? (double)t->bytes / t->expected : 0;
	int width = terminal_width() - TEXT_WIDTH;
	int left = 0;

	if (width > BAR_MAX)
		width = BAR_MAX;
	if (part > 1)
		part = 1;
	for (int i = 0; i < width; i++)
		bar[i] = i < part * width ? '#' : '.';
	if (width > 0)
		bar[width] = '\0';
	print_size(bytes, sizeof(bytes), t->bytes);
	print_size(rate, sizeof(rate), seconds > 0 ? t->bytes / seconds : 0);
	if (part > 0 && part < 1)
		left = seconds / part * (1 - part);
	fprintf(stderr, "\r\033[K%s %3.0f %%  %s  %s/s  %zu of %zu files",
		bar, part * 100, bytes, rate, t->over, job->count);
	if (left)
		fprintf(stderr, "  %d:%02d left", left / 60, left % 60);
	fflush(stderr);
}

void progress_show(const struct job *job, bool last)
{
	static uint64_t began, drawn;
	static const struct job *current;
	uint64_t now = clock_us();
	struct totals t;

	if (current != job) {
		current = job;
		began = now;
		drawn = 0;
	}
	if (!last && now - drawn < REDRAW_US)
		return;
	drawn = now;
	t = add_up(job);
	draw(job, &t, (now - began) / 1e6);
	if (last) {
		fputc('\n', stderr);
		current = NULL;
	}
}
