// SPDX-License-Identifier: GPL-2.0
/*
 * Live connections, refreshed: a screen for people, an object per line for
 * programs that want to draw curves.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "quicctl.h"

#define INTERVAL_MAX_S	86400

const struct argp_option watch_options[] = {
	{ "interval", 'i', "SECONDS", 0, "Time between two looks (default 1)", 0 },
	{ "count", 'c', "N", 0, "So many looks, then end", 0 },
	{}
};

error_t watch_option(int key, char *arg, struct ctl *ctl)
{
	double seconds;
	char *end;

	switch (key) {
	case 'i':
		seconds = strtod(arg, &end);
		if (end == arg || *end || !(seconds >= 0.001) ||
		    seconds > INTERVAL_MAX_S)
			return EINVAL;
		ctl->interval_ms = seconds * 1000;
		return 0;
	case 'c':
		ctl->count = strtoul(arg, &end, 10);
		return end == arg || *end || !ctl->count ? EINVAL : 0;
	}
	return ARGP_ERR_UNKNOWN;
}

/* All, or those that have @name. */
static json_object *rows_of(const struct registry *r, const char *name)
{
	json_object *all = proc_table(r->watched), *some;

	if (!all || !name)
		return all;
	some = json_object_new_array();
	for (size_t i = 0; i < json_object_array_length(all); i++) {
		json_object *row = json_object_array_get_idx(all, i);

		if (!strcmp(get_text(row, r->watched_name), name))
			json_object_array_add(some, json_object_get(row));
	}
	json_object_put(all);
	return some;
}

static void put_look(const struct ctl *ctl, const struct registry *r,
		     json_object *rows)
{
	json_object *line;
	struct timespec now;

	if (!ctl->json) {
		if (isatty(STDOUT_FILENO))
			fputs("\033[H\033[J", stdout);
		out_rows(ctl, rows, r->watch);
		fflush(stdout);
		return;
	}
	clock_gettime(CLOCK_MONOTONIC, &now);
	line = json_object_new_object();
	add_number(line, "time_ns", now.tv_sec * 1000000000ULL + now.tv_nsec);
	json_object_object_add(line, r->watched_key, rows);
	out_line(line);
}

/* Looks are made at multiples of the interval, however long one takes. */
int watch_run(struct ctl *ctl, int argc, char **argv)
{
	const struct registry *r = ctl->of;
	struct timespec next;
	json_object *rows;

	if (!proc_load_module())
		return fail(ctl, "no QUIC in this kernel: %m");
	clock_gettime(CLOCK_MONOTONIC, &next);
	for (unsigned int i = 0; !ctl->count || i < ctl->count; i++) {
		if (i)
			clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next,
					NULL);
		rows = rows_of(r, argc ? argv[0] : NULL);
		if (!rows)
			return fail(ctl, "/proc/net/quic/%s: %m", r->watched);
		put_look(ctl, r, rows);
		next.tv_sec += ctl->interval_ms / 1000;
		next.tv_nsec += ctl->interval_ms % 1000 * 1000000;
		if (next.tv_nsec >= 1000000000) {
			next.tv_nsec -= 1000000000;
			next.tv_sec++;
		}
	}
	return 0;
}
