// SPDX-License-Identifier: GPL-2.0
/*
 * What quicctl says: tables for people, JSON for programs, and what went wrong.
 */
#include <bpf/libbpf.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "quicctl.h"

#define COLUMNS_MAX	20
#define CELL_MAX	64

/* ---- objects --------------------------------------------------------------- */

void add_text(json_object *to, const char *key, const char *value)
{
	json_object_object_add(to, key, json_object_new_string(value));
}

void add_number(json_object *to, const char *key, unsigned long long value)
{
	json_object_object_add(to, key, json_object_new_uint64(value));
}

void add_bool(json_object *to, const char *key, bool value)
{
	json_object_object_add(to, key, json_object_new_boolean(value));
}

const char *get_text(const json_object *from, const char *key)
{
	json_object *value = json_object_object_get(from, key);

	return value ? json_object_get_string(value) : "";
}

unsigned long long get_number(const json_object *from, const char *key)
{
	return json_object_get_uint64(json_object_object_get(from, key));
}

json_object *find_row(const json_object *rows, const char *name)
{
	for (size_t i = 0; i < json_object_array_length(rows); i++) {
		json_object *row = json_object_array_get_idx(rows, i);

		if (!strcmp(get_text(row, "name"), name))
			return row;
	}
	return NULL;
}

/* ---- tables ------------------------------------------------------------------ */

static void scaled(char *out, size_t size, double value, const char *unit)
{
	static const char *const prefix[] = { "", "k", "M", "G", "T" };
	int i = 0;

	for (; value >= 10000 && i < 4; i++)
		value /= 1000;
	snprintf(out, size, i ? "%.1f %s%s" : "%.0f %s%s", value, prefix[i],
		 unit);
}

/* All ones stand for "no limit" (ssthresh). */
static void format(char *out, size_t size, const json_object *row,
		   const struct column *column)
{
	unsigned long long n = get_number(row, column->key);

	switch (json_object_object_get(row, column->key) ? column->unit : PLAIN) {
	case YES:
		snprintf(out, size, "%s", n ? "yes" : "");
		return;
	case BYTES:
		if (n == -1ULL)
			snprintf(out, size, "none");
		else
			scaled(out, size, n, "B");
		return;
	case RATE:
		scaled(out, size, n * 8.0, "bit/s");
		return;
	case USEC:
		snprintf(out, size, "%.2f ms", n / 1e3);
		return;
	case PLAIN:
		snprintf(out, size, "%s", get_text(row, column->key));
	}
}

/* Text to the left, but the last column as wide as it comes. */
static void print_row(char cells[][CELL_MAX], const size_t *width, int n,
		      const struct column *columns)
{
	for (int i = 0; i < n; i++) {
		int pad = columns[i].unit > YES ? width[i] : -width[i];

		printf("%s%*s", i ? "  " : "", i == n - 1 && pad < 0 ? 0 : pad,
		       cells[i]);
	}
	putchar('\n');
}

static void print_table(const json_object *rows, const struct column *columns)
{
	size_t count = json_object_array_length(rows), width[COLUMNS_MAX] = {};
	char (*cells)[COLUMNS_MAX][CELL_MAX] = calloc(count + 1, sizeof(*cells));
	int n = 0;

	if (!cells)
		return;
	for (; n < COLUMNS_MAX && columns[n].key; n++) {
		snprintf(cells[0][n], CELL_MAX, "%s", columns[n].title);
		for (size_t r = 0; r < count; r++)
			format(cells[r + 1][n], CELL_MAX,
			       json_object_array_get_idx(rows, r), &columns[n]);
		for (size_t r = 0; r <= count; r++)
			if (strlen(cells[r][n]) > width[n])
				width[n] = strlen(cells[r][n]);
	}
	for (size_t r = 0; r <= count; r++)
		print_row(cells[r], width, n, columns);
	free(cells);
}

static void print_json(json_object *object, int flags)
{
	puts(json_object_to_json_string_ext(object,
			flags | JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(object);
	fflush(stdout);
}

int out_rows(const struct ctl *ctl, json_object *rows,
	     const struct column *columns)
{
	if (ctl->json) {
		print_json(rows, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED);
		return 0;
	}
	print_table(rows, columns);
	json_object_put(rows);
	return 0;
}

/* A line per column that has something to say; long text is not cut. */
int out_object(const struct ctl *ctl, json_object *object,
	       const struct column *columns)
{
	char cell[CELL_MAX];

	if (ctl->json) {
		print_json(object, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED);
		return 0;
	}
	for (; columns->key; columns++) {
		if (!json_object_object_get(object, columns->key))
			continue;
		format(cell, sizeof(cell), object, columns);
		printf("%-16s %s\n", columns->title, columns->unit == PLAIN ?
		       get_text(object, columns->key) : cell);
	}
	json_object_put(object);
	return 0;
}

int out_done(const struct ctl *ctl, const char *what, const char *name)
{
	json_object *done;

	if (!ctl->json) {
		printf("%s %s\n", what, name);
		return 0;
	}
	done = json_object_new_object();
	add_text(done, what, name);
	print_json(done, 0);
	return 0;
}

void out_line(json_object *object)
{
	print_json(object, JSON_C_TO_STRING_PLAIN);
}

/* ---- what went wrong ------------------------------------------------------------ */

static char *log_text;
static size_t log_size;
static FILE *log_file;

static int keep(enum libbpf_print_level level, const char *format, va_list args)
{
	return level <= LIBBPF_WARN && log_file ?
	       vfprintf(log_file, format, args) : 0;
}

void out_catch_libbpf(void)
{
	log_file = open_memstream(&log_text, &log_size);
	libbpf_set_print(keep);
}

int fail(const struct ctl *ctl, const char *format, ...)
{
	json_object *object;
	va_list args;
	char *text;
	int n;

	va_start(args, format);
	n = vasprintf(&text, format, args);
	va_end(args);
	if (n < 0)
		return 1;
	if (log_file)
		fflush(log_file);
	if (!ctl->json) {
		if (log_size)
			fputs(log_text, stderr);
		fprintf(stderr, "quicctl: %s\n", text);
	} else {
		object = json_object_new_object();
		add_text(object, "error", text);
		if (log_size)
			add_text(object, "log", log_text);
		print_json(object, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED);
	}
	free(text);
	return 1;
}
