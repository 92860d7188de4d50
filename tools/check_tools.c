// SPDX-License-Identifier: GPL-2.0
/*
 * Unit tests of the tools: addresses, the served directory, what HTTP fields
 * mean, cipher lists.
 *
 * Everything here decides about bytes that others chose.  Needs no kernel
 * module and no network.  Prints TAP.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <nghttp3/nghttp3.h>

#include "array.h"
#include "ask.h"
#include "h3_control.h"
#include "http.h"
#include "listing.h"
#include "mime.h"
#include "site.h"
#include "tls.h"
#include "url.h"

static unsigned int failed;	/* checks of the running test */

#define CHECK(condition, ...) do {				\
	if (!(condition)) {					\
		failed++;					\
		printf("# line %d: ", __LINE__);		\
		printf(__VA_ARGS__);				\
		printf("\n");					\
	}							\
} while (0)

/* ---- url ----------------------------------------------------------------- */

static void check_good_urls(void)
{
	static const struct {
		const char *text, *host, *port, *authority, *path, *name;
	} t[] = {
		{ "https://a.b/c", "a.b", "443", "a.b", "/c", "c" },
		{ "HTTPS://a/", "a", "443", "a", "/", "index.html" },
		{ "a", "a", "443", "a", "/", "index.html" },
		{ "https://a:4433/x/y", "a", "4433", "a:4433", "/x/y", "y" },
		{ "https://a:443/x", "a", "443", "a", "/x", "x" },
		{ "https://[::1]:5/x", "::1", "5", "[::1]:5", "/x", "x" },
		{ "https://[::1]/x", "::1", "443", "[::1]", "/x", "x" },
		{ "https://a?q=1", "a", "443", "a", "/?q=1", "index.html" },
		{ "https://a/b?q=/z#f", "a", "443", "a", "/b?q=/z", "b" },
		{ "https://a/b#f", "a", "443", "a", "/b", "b" },
		{ "https://a/b/..", "a", "443", "a", "/b/..", "index.html" },
		{ "https://a/%2e%2E", "a", "443", "a", "/%2e%2E",
		  "index.html" },
		{ "https://a/x%2f..%2Fy", "a", "443", "a", "/x%2f..%2Fy",
		  "x_.._y" },
		{ "https://a/%1b[2J", "a", "443", "a", "/%1b[2J", "_[2J" },
		{ "https://a/%00", "a", "443", "a", "/%00", "index.html" },
		{ "https://a/%", "a", "443", "a", "/%", "index.html" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct url url;
		const char *why = url_parse(&url, t[i].text);

		CHECK(!why, "%s: %s", t[i].text, why);
		CHECK(!strcmp(url.host, t[i].host), "%s: host '%s'", t[i].text,
		      url.host);
		CHECK(!strcmp(url.port, t[i].port), "%s: port '%s'", t[i].text,
		      url.port);
		CHECK(!strcmp(url.authority, t[i].authority),
		      "%s: authority '%s'", t[i].text, url.authority);
		CHECK(!strcmp(url.path, t[i].path), "%s: path '%s'", t[i].text,
		      url.path);
		CHECK(!strcmp(url.name, t[i].name), "%s: name '%s'", t[i].text,
		      url.name);
	}
}

static void check_bad_urls(void)
{
	static const char *const t[] = {
		"", "https://", "https:///x", "http://a/", "ftp://a/",
		"https://u@a/", "https://a:0/", "https://a:65536/",
		"https://a:/", "https://a:x/", "https://a:123456/",
		"https://[::1/", "https://[x]/", "https://[]/", "https://[::1]x/",
		"https://a b/", "https://a/b c", "https://a/\x01",
		"https://a/\xc3\xa4", "https://a\\b/", "https://::1/",
	};
	static char long_host[400] = "https://", long_path[6000] = "https://a/";
	struct url url;

	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		CHECK(url_parse(&url, t[i]), "'%s' was accepted", t[i]);
	memset(long_host + 8, 'a', sizeof(long_host) - 9);
	CHECK(url_parse(&url, long_host), "a long host was accepted");
	memset(long_path + 10, 'a', sizeof(long_path) - 11);
	CHECK(url_parse(&url, long_path), "a long path was accepted");
}

static void check_unescape(void)
{
	char out[8];

	CHECK(url_unescape(out, sizeof(out), "a%41b", 5) == 3 &&
	      !strcmp(out, "aAb"), "an escape");
	CHECK(url_unescape(out, sizeof(out), "%4", 2) == -1, "cut short");
	CHECK(url_unescape(out, sizeof(out), "%4g", 3) == -1, "no hex digit");
	CHECK(url_unescape(out, sizeof(out), "%00", 3) == -1, "a NUL");
	CHECK(url_unescape(out, sizeof(out), "a\0b", 3) == -1, "a raw NUL");
	CHECK(url_unescape(out, sizeof(out), "1234567", 7) == 7, "full");
	CHECK(url_unescape(out, sizeof(out), "12345678", 8) == -1, "too long");
	CHECK(url_unescape(out, sizeof(out), "", 0) == 0 && !*out, "nothing");
}

/* ---- site ---------------------------------------------------------------- */

static void put_file(int dir, const char *name, const char *text)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		perror(name);
	close(fd);
}

/* outside.txt and site/{a.txt,sub/index.html,empty/,fifo,links} */
static int make_tree(char *base)
{
	int dir, site;

	if (!mkdtemp(base))
		return -1;
	dir = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	put_file(dir, "outside.txt", "secret");
	mkdirat(dir, "site", 0755);
	site = openat(dir, "site", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	put_file(site, "a.txt", "hello");
	put_file(site, "with space", "space");
	mkdirat(site, "sub", 0755);
	put_file(site, "sub/index.html", "<p>");
	mkdirat(site, "empty", 0755);
	mkfifoat(site, "fifo", 0644);
	if (symlinkat("../outside.txt", site, "out") ||
	    symlinkat("/etc/passwd", site, "abs") ||
	    symlinkat("a.txt", site, "in") ||
	    symlinkat("..", site, "up") ||
	    symlinkat("loop", site, "loop") ||
	    symlinkat("/proc/self/root", site, "magic"))
		perror("symlink");
	close(dir);
	return site;
}

static void remove_tree(const char *base)
{
	char command[256];

	snprintf(command, sizeof(command), "rm -r '%s'", base);
	if (system(command))
		perror(base);
}

static void check_site(void)
{
	static const struct {
		const char *target;
		int status;
		off_t size;
	} t[] = {
		{ "/a.txt", 200, 5 }, { "/a.txt?q", 200, 5 },
		{ "//a.txt", 200, 5 }, { "/%61.txt", 200, 5 },
		{ "/with%20space", 200, 5 }, { "/sub", 301, 0 },
		{ "/sub/", 200, 3 }, { "/sub/../a.txt", 200, 5 },
		{ "/in", 200, 5 }, { "/./a.txt", 200, 5 },
		{ "/", 404, 0 }, { "/empty/", 404, 0 }, { "/none", 404, 0 },
		{ "/a.txt/", 404, 0 }, { "/a.txt/b", 404, 0 },
		{ "/empty", 301, 0 }, { "//sub/../sub", 301, 0 },
		{ "/fifo", 404, 0 }, { "/loop", 404, 0 },
		{ "/../outside.txt", 404, 0 }, { "/..", 404, 0 },
		{ "/%2e%2e/outside.txt", 404, 0 },
		{ "/..%2foutside.txt", 404, 0 },
		{ "/sub/../../outside.txt", 404, 0 },
		{ "/out", 404, 0 }, { "/abs", 404, 0 }, { "/up", 404, 0 },
		{ "/up/outside.txt", 404, 0 }, { "/magic/etc/passwd", 404, 0 },
		{ "/up/site/a.txt", 404, 0 },
		{ "", 400, 0 }, { "a.txt", 400, 0 }, { "*", 400, 0 },
		{ "?/a.txt", 400, 0 }, { "/%", 400, 0 }, { "/%0", 400, 0 },
		{ "/%00", 400, 0 }, { "/a.txt%00.html", 400, 0 },
		{ "https://h/a.txt", 400, 0 },
	};
	char base[] = "/tmp/check_tools.XXXXXX", path[64], big[5000];
	struct answer answer;
	struct site site = {};
	int fd = make_tree(base);

	snprintf(path, sizeof(path), "%s/site", base);
	CHECK(!site_open(&site, path), "cannot open %s", path);
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		site_find(&site, t[i].target, strlen(t[i].target), &answer);
		CHECK(answer.status == t[i].status &&
		      (answer.status != 200 || answer.st.st_size == t[i].size),
		      "'%s': status %d, size %jd", t[i].target, answer.status,
		      (intmax_t)answer.st.st_size);
		CHECK((answer.status == 200) == (answer.fd >= 0),
		      "'%s': descriptor %d", t[i].target, answer.fd);
		if (answer.fd >= 0)
			close(answer.fd);
	}
	memset(big, '/', sizeof(big));
	site_find(&site, big, sizeof(big), &answer);
	CHECK(answer.status == 400, "a long target: %d", answer.status);
	site_find(&site, "/a\0b", 4, &answer);
	CHECK(answer.status == 400, "a NUL: %d", answer.status);
	snprintf(path, sizeof(path), "%s/outside.txt", base);
	site_close(&site);
	CHECK(site_open(&site, path) == -ENOTDIR, "a file was taken for a site");
	close(fd);
	remove_tree(base);
}

static void check_listing(void)
{
	char base[] = "/tmp/check_tools.XXXXXX", path[64];
	struct site site = { .listings = true };
	struct answer answer;
	char *text = NULL;
	size_t len = 0;
	int fd = make_tree(base);

	put_file(fd, "<b>&\"", "x");
	put_file(fd, "a:b", "x");
	put_file(fd, ".hidden", "x");
	snprintf(path, sizeof(path), "%s/site", base);
	CHECK(!site_open(&site, path), "cannot open %s", path);
	site_find(&site, "/", 1, &answer);
	CHECK(answer.status == 200 && answer.listing, "/: %d", answer.status);
	text = listing_make(answer.fd, "/<i>/", &len);
	close(answer.fd);
	CHECK(text && strlen(text) == len, "no text");
	CHECK(text && strstr(text, "<h1>/&lt;i&gt;/</h1>"), "the path");
	CHECK(text && strstr(text, "<a href=\"./%3Cb%3E%26%22\">"
			     "&lt;b&gt;&amp;&quot;</a>"), "a name");
	CHECK(text && strstr(text, "<a href=\"./sub/\">sub/</a>"),
	      "a directory");
	CHECK(text && strstr(text, "<a href=\"./a%3Ab\">"), "a colon");
	CHECK(text && strstr(text, "<td>5\n"), "a size");
	CHECK(text && !strstr(text, "hidden"), "a hidden file is shown");
	/* A link is not followed: its target may be outside. */
	CHECK(text && !strstr(text, "<td>6\n"), "the size of what is outside");
	free(text);

	site_find(&site, "/sub/", 5, &answer);
	CHECK(answer.status == 200 && !answer.listing, "index.html is there");
	close(answer.fd);
	site_find(&site, "/up/", 4, &answer);
	CHECK(answer.status == 404, "a directory outside: %d", answer.status);
	site_close(&site);
	close(fd);
	remove_tree(base);
}

/* ---- http ---------------------------------------------------------------- */

/* RFC 9110 section 5.6.7 */
static void check_dates(void)
{
	static const char *const good[] = {
		"Sun, 06 Nov 1994 08:49:37 GMT",
		"Sunday, 06-Nov-94 08:49:37 GMT",
		"Sun Nov  6 08:49:37 1994",
	}, *const bad[] = {
		"", "Sun", "784111777", "Sun, 06 Nov 1994 08:49:37",
		"Sun, 06 Nov 1994 08:49:37 GMT, x", "Sun, 36 Nov 1994 08:49:37 GMT",
	};
	char out[HTTP_DATE_SIZE];

	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		CHECK(http_parse_date(good[i]) == 784111777, "%s", good[i]);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK(http_parse_date(bad[i]) == -1, "%s", bad[i]);
	http_date(out, 784111777);
	CHECK(!strcmp(out, good[0]), "%s", out);
	http_date(out, INT64_MAX);
	CHECK(!*out, "the end of time: %s", out);
}

static const struct http_validators have = {
	.etag = "\"a,b\"", .modified = 784111777, .now = 784111999,
};

#define LATER	"Sun, 06 Nov 1994 08:49:38 GMT"
#define SAME	"Sun, 06 Nov 1994 08:49:37 GMT"
#define EARLIER	"Sun, 06 Nov 1994 08:49:36 GMT"

/* RFC 9110 section 13 */
static void check_conditions(void)
{
	static const struct {
		struct http_conditions c;
		int status;
	} t[] = {
		{ {}, 0 },
		{ { .if_none_match = "\"a,b\"" }, 304 },
		{ { .if_none_match = "W/\"a,b\"" }, 304 },
		{ { .if_none_match = "\"x\", \"a,b\"" }, 304 },
		{ { .if_none_match = "*" }, 304 },
		{ { .if_none_match = "\"x\"" }, 0 },
		{ { .if_none_match = "a,b" }, 0 },
		{ { .if_none_match = "\"a,b" }, 0 },
		{ { .if_modified_since = SAME }, 304 },
		{ { .if_modified_since = LATER }, 304 },
		{ { .if_modified_since = EARLIER }, 0 },
		{ { .if_modified_since = "yesterday" }, 0 },
		{ { .if_none_match = "\"x\"", .if_modified_since = SAME }, 0 },
		{ { .if_match = "\"a,b\"" }, 0 },
		{ { .if_match = "*" }, 0 },
		{ { .if_match = "W/\"a,b\"" }, 412 },
		{ { .if_match = "\"x\"" }, 412 },
		{ { .if_unmodified_since = SAME }, 0 },
		{ { .if_unmodified_since = EARLIER }, 412 },
		{ { .if_unmodified_since = "never" }, 0 },
		{ { .if_match = "\"a,b\"", .if_unmodified_since = EARLIER }, 0 },
		{ { .if_match = "\"a,b\"", .if_none_match = "*" }, 304 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		CHECK(http_precondition(&t[i].c, &have) == t[i].status,
		      "case %zu: %d", i, http_precondition(&t[i].c, &have));
}

/* RFC 9110 sections 14.1.2 and 13.1.5 */
static void check_ranges(void)
{
	static const struct {
		const char *range, *if_range;
		off_t size;
		enum http_range want;
		off_t first, length;
	} t[] = {
		{ "bytes=0-0", NULL, 10, HTTP_RANGE_ONE, 0, 1 },
		{ "bytes=0-", NULL, 10, HTTP_RANGE_ONE, 0, 10 },
		{ "Bytes=3-5", NULL, 10, HTTP_RANGE_ONE, 3, 3 },
		{ "bytes=9-100", NULL, 10, HTTP_RANGE_ONE, 9, 1 },
		{ "bytes=-4", NULL, 10, HTTP_RANGE_ONE, 6, 4 },
		{ "bytes=-40", NULL, 10, HTTP_RANGE_ONE, 0, 10 },
		{ "bytes=1-99999999999999999999", NULL, 10, HTTP_RANGE_ONE, 1, 9 },
		{ "bytes=10-", NULL, 10, HTTP_RANGE_BAD, 0, 0 },
		{ "bytes=99999999999999999999-", NULL, 10, HTTP_RANGE_BAD, 0, 0 },
		{ "bytes=-0", NULL, 10, HTTP_RANGE_BAD, 0, 0 },
		{ "bytes=-1", NULL, 0, HTTP_RANGE_BAD, 0, 0 },
		{ "bytes=0-", NULL, 0, HTTP_RANGE_BAD, 0, 0 },
		{ "bytes=5-3", NULL, 10, HTTP_RANGE_NONE, 0, 0 },
		{ "bytes=0-1,3-4", NULL, 10, HTTP_RANGE_NONE, 0, 0 },
		{ "bytes=-1,0-", NULL, 10, HTTP_RANGE_NONE, 0, 0 },
		{ "bytes=", NULL, 10, HTTP_RANGE_NONE, 0, 0 },
		{ "bytes=-", NULL, 10, HTTP_RANGE_NONE, 0, 0 },
		{ "bytes=--1", NULL, 10, HTTP_RANGE_NONE, 0, 0 },
		{ "bytes=1", NULL, 10, HTTP_RANGE_NONE, 0, 0 },
		{ "bytes=0-x", NULL, 10, HTTP_RANGE_NONE, 0, 0 },
		{ "lines=0-1", NULL, 10, HTTP_RANGE_NONE, 0, 0 },
		{ "bytes=0-1", "\"a,b\"", 10, HTTP_RANGE_ONE, 0, 2 },
		{ "bytes=0-1", "W/\"a,b\"", 10, HTTP_RANGE_NONE, 0, 0 },
		{ "bytes=0-1", "\"x\"", 10, HTTP_RANGE_NONE, 0, 0 },
		{ "bytes=0-1", SAME, 10, HTTP_RANGE_ONE, 0, 2 },
		{ "bytes=0-1", LATER, 10, HTTP_RANGE_NONE, 0, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct http_conditions c = { .range = t[i].range,
					     .if_range = t[i].if_range };
		off_t first = -1, length = -1;
		enum http_range got = http_range(&c, &have, t[i].size, &first,
						 &length);

		CHECK(got == t[i].want, "%s: %d", t[i].range, got);
		CHECK(got == HTTP_RANGE_ONE ? first == t[i].first &&
					      length == t[i].length :
					      first == -1 && length == -1,
		      "%s: %jd bytes at %jd", t[i].range, (intmax_t)length,
		      (intmax_t)first);
	}
}

/* RFC 9114 section 7: whole, and byte by byte */
static void check_control(void)
{
	static const struct {
		const char *what;
		uint8_t bytes[24];
		uint8_t n;
		uint32_t error;
	} t[] = {
		{ "settings", { 0, 4, 4, 1, 0, 6, 9 }, 7, 0 },
		{ "none of them", { 0, 4, 0, 7, 1, 0 }, 6, 0 },
		{ "a setting twice", { 0, 4, 4, 6, 1, 6, 1 }, 7,
		  NGHTTP3_H3_SETTINGS_ERROR },
		{ "a value like a name", { 0, 4, 4, 6, 7, 7, 6 }, 7, 0 },
		{ "another stream", { 0x21, 4, 4, 6, 1, 6, 1 }, 7, 0 },
		{ "two bytes for the type", { 0x40, 0, 4, 4, 6, 1, 6, 1 }, 8,
		  NGHTTP3_H3_SETTINGS_ERROR },
		{ "no settings first", { 0, 3, 1, 0 }, 4, 0 },
		{ "settings twice", { 0, 4, 0, 4, 4, 6, 1, 6, 1 }, 9, 0 },
		{ "CANCEL_PUSH", { 0, 4, 0, 3, 1, 0 }, 6, NGHTTP3_H3_ID_ERROR },
		{ "MAX_PUSH_ID", { 0, 4, 0, 13, 1, 9, 13, 1, 9 }, 9, 0 },
		{ "MAX_PUSH_ID, less", { 0, 4, 0, 13, 1, 9, 13, 1, 8 }, 9,
		  NGHTTP3_H3_ID_ERROR },
		{ "GOAWAY", { 0, 4, 0, 7, 2, 0x40, 4 }, 7, 0 },
		{ "GOAWAY, too long", { 0, 4, 0, 7, 2, 4, 0 }, 7,
		  NGHTTP3_H3_FRAME_ERROR },
		{ "GOAWAY, too short", { 0, 4, 0, 7, 1, 0x40, 3, 1, 0 }, 9, 0 },
		{ "unknown", { 0, 4, 0, 0x21, 3, 3, 1, 0, 7, 2, 4, 0 }, 12,
		  NGHTTP3_H3_FRAME_ERROR },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct h3_control whole = {}, bytes = {};
		uint32_t error = h3_control_check(&whole, 2, t[i].bytes,
						  t[i].n);

		CHECK(error == t[i].error, "%s: 0x%x", t[i].what, error);
		/* A type of two bytes that is cut is not followed. */
		if (t[i].bytes[0] == 0x40)
			continue;
		error = 0;
		for (size_t k = 0; k < t[i].n && !error; k++)
			error = h3_control_check(&bytes, 2, t[i].bytes + k, 1);
		CHECK(error == t[i].error, "%s, in bytes: 0x%x", t[i].what,
		      error);
	}
}

static void check_many_settings(void)
{
	struct h3_control c = {};
	uint8_t p[3 + 2 * 60] = { 0, 4, 2 * 30 };
	uint32_t error;

	for (int i = 0; i < 60; i++)
		p[3 + 2 * i] = i;
	CHECK(!h3_control_check(&c, 6, p, 3 + 2 * 30), "thirty");
	c = (struct h3_control){};
	p[2] = 2 * 31;
	CHECK(!h3_control_check(&c, 6, p, 3 + 2 * 31), "one more");
	/* A length of two bytes. */
	c = (struct h3_control){};
	memmove(p + 4, p + 3, 2 * 40);
	p[2] = 0x40;
	p[3] = 2 * 40;
	error = h3_control_check(&c, 6, p, 4 + 2 * 40);
	CHECK(error == NGHTTP3_H3_EXCESSIVE_LOAD, "forty: 0x%x", error);
}

static void check_mime(void)
{
	char base[] = "/tmp/check_tools.XXXXXX", path[64];
	struct mime m = {};
	int fd;

	CHECK(!strcmp(mime_type(&m, "a/b.HTML"), "text/html"), "built-in");
	CHECK(!strcmp(mime_type(&m, "x.tar.gz"), "application/gzip"), "two");
	CHECK(!strcmp(mime_type(&m, ".html"), "application/octet-stream"),
	      "no suffix, but a hidden file");
	CHECK(!strcmp(mime_type(&m, "a.html/b"), "application/octet-stream"),
	      "the suffix of a directory");
	CHECK(mime_load(&m, "/nonexistent") == -ENOENT, "no table");
	if (!mkdtemp(base))
		return;
	fd = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	put_file(fd, "types", "# none\ntext/x-a\ta aa # bb\n\nx/none\n"
			      "text/x-html html\n");
	close(fd);
	snprintf(path, sizeof(path), "%s/types", base);
	CHECK(!mime_load(&m, path), "a table");
	CHECK(!strcmp(mime_type(&m, "x.aa"), "text/x-a"), "its second suffix");
	CHECK(!strcmp(mime_type(&m, "x.html"), "text/x-html"), "it goes first");
	CHECK(!strcmp(mime_type(&m, "x.css"), "text/css"), "what it lacks");
	CHECK(!strcmp(mime_type(&m, "x.bb"), "application/octet-stream"),
	      "a comment");
	mime_free(&m);
	remove_tree(base);
}

/* ---- ask ----------------------------------------------------------------- */

static void check_ask_range(void)
{
	static const char *const good[] = { "0-0", "5-", "-1", "5-9",
					    "999999999999999999-" };
	static const char *const bad[] = { "", "-", "5", "9-5", "--5", "5-9-",
		"0-1,5-6", " 5-9", "5-9 ", "+5-9", "bytes=0-1", "5-x", "0x5-",
		"1000000000000000000-" };
	struct ask a = {};

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		const char *why = ask_range(&a, good[i]);

		CHECK(!why && !strcmp(a.range + 6, good[i]), "%s: %s", good[i],
		      why);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK(ask_range(&a, bad[i]), "'%s' passes", bad[i]);
}

/* RFC 9114 section 4.2, and nothing that ends a line. */
static void check_ask_fields(void)
{
	static const char *const bad[] = { "", "x", ": y", "a b: c", ":path: /",
		"x: a\nb: c", "x: a\rb", "x: \x7f", "x\n: a", "a\xe4: b",
		"Connection: close", "TE: gzip", "Transfer-Encoding: chunked",
		"upgrade: h2c", "keep-alive: 5", "Host: a", "Range: bytes=0-1",
		"If-Range: \"a\"", "Content-Length: 5" };
	static char longer[ASK_FIELD_MAX + 2] = "x:";
	struct ask a = {};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK(ask_field(&a, bad[i]), "'%s' passes", bad[i]);
	CHECK(!a.field_count, "a refused one counts");
	CHECK(!ask_field(&a, "X-Thing:  a\tb \t"), "a good one");
	CHECK(!strcmp(a.fields[0].name, "x-thing") &&
	      !strcmp(a.fields[0].value, "a\tb"), "'%s': '%s'",
	      a.fields[0].name, a.fields[0].value);
	CHECK(!ask_field(&a, "te: trailers") && !ask_field(&a, "empty:") &&
	      ask_names(&a, "empty") && !ask_names(&a, "X-Thing"), "more");
	memset(longer + 2, 'a', ASK_FIELD_MAX - 1);
	CHECK(ask_field(&a, longer), "one too long");
	while (a.field_count < ASK_FIELDS_MAX)
		CHECK(!ask_field(&a, "x: y"), "%zu", a.field_count);
	CHECK(ask_field(&a, "x: y"), "too many");
	ask_free(&a);
	CHECK(!ask_if_none_match(&a, "\"a\"") &&
	      !ask_if_none_match(&a, "W/\"a\", \"b\"") &&
	      !ask_if_none_match(&a, "*"), "tags");
	CHECK(ask_if_none_match(&a, "a") && ask_if_none_match(&a, "\"") &&
	      ask_if_none_match(&a, "\"a\n\"") && ask_if_none_match(&a, ""),
	      "what are none");
}

/* RFC 9110 section 14.4. */
static void check_content_range(void)
{
	static const struct {
		const char *text;
		bool ok;
		struct content_range r;
	} t[] = {
		{ "bytes 0-9/10", true, { 0, 9, 10 } },
		{ "bytes 5-5/*", true, { 5, 5, -1 } },
		{ "Bytes */10", true, { -1, -1, 10 } },
		{ "bytes */*", false, {} }, { "bytes 5-4/10", false, {} },
		{ "bytes 0-10/10", false, {} }, { "bytes 0-9", false, {} },
		{ "bytes 0-9/", false, {} }, { "bytes 0-9/1x", false, {} },
		{ "bytes -9/10", false, {} }, { "lines 0-9/10", false, {} },
		{ "bytes 0-1234567890123456789/*", false, {} },
		{ "bytes 0-", false, {} }, { "bytes ", false, {} },
		{ "", false, {} },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct content_range r;
		/* A copy without an end, for who reads beyond it. */
		size_t n = strlen(t[i].text);
		char *text = memcpy(malloc(n + 1), t[i].text, n);
		bool ok = ask_content_range(&r, text, n);

		CHECK(ok == t[i].ok, "'%s': %d", t[i].text, ok);
		CHECK(!ok || !memcmp(&r, &t[i].r, sizeof(r)), "'%s'", t[i].text);
		free(text);
	}
}

static void check_is_range(void)
{
	static const struct {
		const char *asked;
		struct content_range r;
		bool is;
	} t[] = {
		{ "0-99", { 0, 99, 1000 }, true },
		{ "0-99", { 500, 599, 1000 }, false },
		{ "0-99", { 0, 98, 1000 }, false },
		{ "0-99", { 0, 100, 1000 }, false },
		{ "0-99", { 0, 9, 10 }, true },
		{ "0-99", { 0, 99, -1 }, true },
		{ "0-99", { -1, -1, 1000 }, false },
		{ "5-", { 5, 999, 1000 }, true },
		{ "5-", { 5, 998, 1000 }, false },
		{ "5-", { 6, 999, 1000 }, false },
		{ "-9", { 991, 999, 1000 }, true },
		{ "-9", { 0, 4, 5 }, true },
		{ "-9", { 990, 999, 1000 }, false },
		{ "-9", { 0, 8, 1000 }, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct ask a = {};

		CHECK(!ask_range(&a, t[i].asked), "%s", t[i].asked);
		CHECK(ask_is_range(&a, &t[i].r) == t[i].is, "%s, %zu",
		      t[i].asked, i);
	}
}

/* ---- tls ----------------------------------------------------------------- */

static void check_ciphers(void)
{
	char out[128];

	CHECK(tls_priority(out, sizeof(out), "N", "aes-128-gcm") &&
	      !strcmp(out, "N:-KX-ALL:-CIPHER-ALL:+AES-128-GCM"), "one: %s", out);
	CHECK(tls_priority(out, sizeof(out), "N",
			   "ChaCha20-Poly1305,TLS_AES_256_GCM_SHA384") &&
	      !strcmp(out, "N:-KX-ALL:-CIPHER-ALL:+CHACHA20-POLY1305:+AES-256-GCM"),
	      "two: %s", out);
	CHECK(!tls_priority(out, sizeof(out), "N", ""), "an empty list");
	CHECK(!tls_priority(out, sizeof(out), "N", "aes"), "half a name");
	CHECK(!tls_priority(out, sizeof(out), "N", "aes-128-gcm,,x"), "junk");
	CHECK(!tls_priority(out, 20, "N", "aes-128-gcm"), "too little room");
	CHECK(!tls_priority(out, sizeof(out), "N", "aes-128-gcm:%COMPAT"),
	      "an injected keyword");
}

static void check_certificate(void)
{
	static const char *const alpns[] = { "h3", NULL };
	const struct tls_options o = {}, client = { .insecure = true },
		none = { .ca = "/nonexistent" },
		bad = { .insecure = true, .ciphers = "rot13" };
	struct tls tls = {};

	CHECK(!tls_server_init(&tls, &o, alpns), "self-signed");
	tls_free(&tls);
	CHECK(!tls_client_init(&tls, &client, alpns), "a client");
	tls_free(&tls);
	CHECK(tls_client_init(&tls, &none, alpns), "a CA file that is none");
	tls_free(&tls);
	CHECK(tls_client_init(&tls, &bad, alpns), "a cipher that is none");
	tls_free(&tls);
}

int main(void)
{
	static const struct {
		void (*run)(void);
		const char *name;
	} tests[] = {
		{ check_good_urls, "url: addresses, and the names of files" },
		{ check_bad_urls, "url: what is no address is refused" },
		{ check_unescape, "url: escapes, and the room for them" },
		{ check_site, "site: nothing outside of the directory opens" },
		{ check_listing, "site: listings, whatever the names" },
		{ check_dates, "http: dates" },
		{ check_conditions, "http: conditional requests" },
		{ check_ranges, "http: ranges" },
		{ check_control, "h3: what nghttp3 lets pass on control streams" },
		{ check_many_settings, "h3: settings have a bound" },
		{ check_mime, "mime: types by suffix" },
		{ check_ask_range, "ask: ranges" },
		{ check_ask_fields, "ask: fields that a request may have" },
		{ check_content_range, "ask: which part has come" },
		{ check_is_range, "ask: is it the part that was asked for" },
		{ check_ciphers, "tls: lists of ciphers" },
		{ check_certificate, "tls: credentials, with and without files" },
	};
	bool bad = false;

	unsetenv("SSLKEYLOGFILE");
	printf("TAP version 13\n1..%zu\n", ARRAY_SIZE(tests));
	for (size_t i = 0; i < ARRAY_SIZE(tests); i++) {
		failed = 0;
		tests[i].run();
		printf("%sok %zu - %s\n", failed ? "not " : "", i + 1,
		       tests[i].name);
		bad |= failed != 0;
	}
	return bad;
}
