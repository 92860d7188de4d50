// SPDX-License-Identifier: GPL-2.0
/*
 * The listing of a directory, as HTML.
 *
 * Names are bytes that whoever fills the directory chose: they are escaped for
 * HTML where they are shown and for URLs where they are links.  Names that
 * begin with a dot are not shown.
 */
#include "listing.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "url.h"

/* A longer directory is cut off, and says so: nobody reads on, and the page is
 * made in memory by a thread that others wait for.
 */
#define ENTRIES_MAX	10000
#define BYTES_MAX	(1 << 20)

struct names {
	char **names;
	size_t count;
	bool cut;	/* there were more */
};

static void put_html(FILE *out, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '&':
			fputs("&amp;", out);
			break;
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		default:
			fputc(*text, out);
		}
	}
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void free_names(struct names *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->names[i]);
	free(list->names);
}

static bool read_names(int dir, struct names *list)
{
	DIR *d = fdopendir(dup(dir));
	struct dirent *entry;

	list->names = calloc(ENTRIES_MAX, sizeof(*list->names));
	while (d && list->names && (entry = readdir(d))) {
		if (entry->d_name[0] == '.')
			continue;
		list->cut = list->count == ENTRIES_MAX;
		if (list->cut)
			break;
		list->names[list->count] = strdup(entry->d_name);
		if (!list->names[list->count])
			break;
		list->count++;
	}
	if (list->count)
		qsort(list->names, list->count, sizeof(*list->names), by_name);
	if (d)
		closedir(d);
	return d && list->names;
}

static void put_entry(FILE *out, int dir, const char *name)
{
	char link[3 * NAME_MAX + 1], date[32] = "";
	struct stat st;
	struct tm tm;

	/* A link may lead out of the site: do not follow it. */
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) ||
	    url_escape(link, sizeof(link), name) < 0)
		return;
	if (gmtime_r(&st.st_mtime, &tm))
		strftime(date, sizeof(date), "%F %R", &tm);
	/* "./": a name with a colon is no scheme. */
	fprintf(out, "<tr><td><a href=\"./%s%s\">", link,
		S_ISDIR(st.st_mode) ? "/" : "");
	put_html(out, name);
	fprintf(out, "%s</a><td>%s<td>", S_ISDIR(st.st_mode) ? "/" : "", date);
	if (S_ISREG(st.st_mode))
		fprintf(out, "%jd", (intmax_t)st.st_size);
	fputc('\n', out);
}

static void put_page(FILE *out, int dir, const char *path,
		     const struct names *list)
{
	size_t i;

	fputs("<!DOCTYPE html>\n<meta charset=\"utf-8\">\n<title>", out);
	put_html(out, path);
	fputs("</title>\n<style>td{padding-right:2em}"
	      "td:last-child{text-align:right}</style>\n<h1>", out);
	put_html(out, path);
	fputs("</h1>\n<table>\n", out);
	if (strcmp(path, "/"))
		fputs("<tr><td><a href=\"../\">../</a><td><td>\n", out);
	for (i = 0; i < list->count && ftell(out) < BYTES_MAX; i++)
		put_entry(out, dir, list->names[i]);
	fputs("</table>\n", out);
	if (list->cut || i < list->count)
		fprintf(out, "<p>There are more than these %zu.\n", i);
}

char *listing_make(int dir, const char *path, size_t *len)
{
	struct names list = {};
	char *text = NULL;
	FILE *out = NULL;

	if (read_names(dir, &list))
		out = open_memstream(&text, len);
	if (out) {
		put_page(out, dir, path, &list);
		if (fclose(out)) {
			free(text);
			text = NULL;
		}
	}
	free_names(&list);
	return text;
}
