// SPDX-License-Identifier: GPL-2.0
/*
 * Media types: from the suffix of a file name to a Content-Type.
 *
 * The system's table, where there is one, and a built-in one for what the web
 * is made of.  Read once at the start, constant afterwards.
 */
#include "mime.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "array.h"

#define DEFAULT_TYPE	"application/octet-stream"
#define FILE_MAX	(4 * 1024 * 1024)

static const struct mime_row builtin[] = {
	{ "avif", "image/avif" },
	{ "bin", "application/octet-stream" },
	{ "css", "text/css" },
	{ "csv", "text/csv" },
	{ "gif", "image/gif" },
	{ "gz", "application/gzip" },
	{ "htm", "text/html" },
	{ "html", "text/html" },
	{ "ico", "image/vnd.microsoft.icon" },
	{ "iso", "application/x-iso9660-image" },
	{ "jpeg", "image/jpeg" },
	{ "jpg", "image/jpeg" },
	{ "js", "text/javascript" },
	{ "json", "application/json" },
	{ "m3u8", "application/vnd.apple.mpegurl" },
	{ "m4s", "video/iso.segment" },
	{ "md", "text/markdown" },
	{ "mjs", "text/javascript" },
	{ "mp3", "audio/mpeg" },
	{ "mp4", "video/mp4" },
	{ "mpd", "application/dash+xml" },
	{ "ogg", "audio/ogg" },
	{ "pdf", "application/pdf" },
	{ "png", "image/png" },
	{ "svg", "image/svg+xml" },
	{ "tar", "application/x-tar" },
	{ "ts", "video/mp2t" },
	{ "txt", "text/plain" },
	{ "wasm", "application/wasm" },
	{ "wav", "audio/x-wav" },
	{ "webm", "video/webm" },
	{ "webmanifest", "application/manifest+json" },
	{ "webp", "image/webp" },
	{ "woff", "font/woff" },
	{ "woff2", "font/woff2" },
	{ "xhtml", "application/xhtml+xml" },
	{ "xml", "application/xml" },
	{ "xz", "application/x-xz" },
	{ "zip", "application/zip" },
	{ "zst", "application/zstd" },
};

static int compare(const void *a, const void *b)
{
	const struct mime_row *x = a, *y = b;

	return strcasecmp(x->suffix, y->suffix);
}

static const char *find(const struct mime_row *rows, size_t n,
			const char *suffix)
{
	const struct mime_row key = { .suffix = suffix };
	const struct mime_row *row;

	row = n ? bsearch(&key, rows, n, sizeof(*rows), compare) : NULL;
	return row ? row->type : NULL;
}

const char *mime_type(const struct mime *m, const char *name)
{
	const char *slash = strrchr(name, '/');
	const char *dot, *type;

	name = slash ? slash + 1 : name;
	dot = strrchr(name, '.');
	if (!dot || dot == name)
		return DEFAULT_TYPE;
	type = find(m->rows, m->count, dot + 1);
	if (!type)
		type = find(builtin, ARRAY_SIZE(builtin), dot + 1);
	return type ? type : DEFAULT_TYPE;
}

static int read_file(const char *path, char **text)
{
	FILE *file = fopen(path, "re");
	size_t n;

	if (!file)
		return -errno;
	*text = malloc(FILE_MAX);
	if (!*text) {
		fclose(file);
		return -ENOMEM;
	}
	n = fread(*text, 1, FILE_MAX - 1, file);
	(*text)[n] = '\0';
	fclose(file);
	return n < FILE_MAX - 1 ? 0 : -EFBIG;
}

static int add(struct mime *m, size_t *room, const char *suffix,
	       const char *type)
{
	if (m->count == *room) {
		size_t more = *room ? 2 * *room : 1024;
		struct mime_row *rows = reallocarray(m->rows, more,
						     sizeof(*rows));

		if (!rows)
			return -ENOMEM;
		m->rows = rows;
		*room = more;
	}
	m->rows[m->count++] = (struct mime_row){ suffix, type };
	return 0;
}

/* "type suffix suffix...", and comments. */
static int parse(struct mime *m)
{
	char *lines, *words, *line, *type, *suffix;
	size_t room = 0;
	int ret = 0;

	for (line = strtok_r(m->text, "\n", &lines); line && !ret;
	     line = strtok_r(NULL, "\n", &lines)) {
		line[strcspn(line, "#")] = '\0';
		type = strtok_r(line, " \t\r", &words);
		while (type && !ret && (suffix = strtok_r(NULL, " \t\r", &words)))
			ret = add(m, &room, suffix, type);
	}
	if (m->count)
		qsort(m->rows, m->count, sizeof(*m->rows), compare);
	return ret;
}

void mime_free(struct mime *m)
{
	free(m->text);
	free(m->rows);
	*m = (struct mime){};
}

int mime_load(struct mime *m, const char *path)
{
	int ret;

	*m = (struct mime){};
	ret = read_file(path, &m->text);
	if (!ret)
		ret = parse(m);
	if (ret)
		mime_free(m);
	return ret;
}
