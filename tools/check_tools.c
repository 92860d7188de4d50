// SPDX-License-Identifier: GPL-2.0
/*
 * Unit tests of the tools: addresses, the served directory, cipher lists.
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

#include "array.h"
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
		{ "/with%20space", 200, 5 }, { "/sub", 200, 3 },
		{ "/sub/", 200, 3 }, { "/sub/../a.txt", 200, 5 },
		{ "/in", 200, 5 }, { "/./a.txt", 200, 5 },
		{ "/", 404, 0 }, { "/empty/", 404, 0 }, { "/none", 404, 0 },
		{ "/a.txt/", 404, 0 }, { "/a.txt/b", 404, 0 },
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
	struct site site;
	int fd = make_tree(base);

	snprintf(path, sizeof(path), "%s/site", base);
	CHECK(!site_open(&site, path), "cannot open %s", path);
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		site_find(&site, t[i].target, strlen(t[i].target), &answer);
		CHECK(answer.status == t[i].status && answer.size == t[i].size,
		      "'%s': status %d, size %jd", t[i].target, answer.status,
		      (intmax_t)answer.size);
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

/* ---- tls ----------------------------------------------------------------- */

static void check_ciphers(void)
{
	char out[128];

	CHECK(tls_priority(out, sizeof(out), "N", "aes-128-gcm") &&
	      !strcmp(out, "N:-CIPHER-ALL:+AES-128-GCM"), "one: %s", out);
	CHECK(tls_priority(out, sizeof(out), "N",
			   "ChaCha20-Poly1305,TLS_AES_256_GCM_SHA384") &&
	      !strcmp(out, "N:-CIPHER-ALL:+CHACHA20-POLY1305:+AES-256-GCM"),
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
