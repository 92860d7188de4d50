// SPDX-License-Identifier: GPL-2.0
/*
 * Web addresses: https://host[:port][/path][?query]
 *
 * Owns the syntax of RFC 3986 as far as a fetch needs it, and the rule that
 * turns an address into a file name that cannot leave its directory.  Pure:
 * text in, struct out.
 */
#include "url.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define URL_DEFAULT_PORT "443"

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int url_unescape(char *out, size_t size, const char *text, size_t n)
{
	size_t len = 0;

	for (size_t i = 0; i < n; i++) {
		int c = (unsigned char)text[i];

		if (len + 1 >= size)
			return -1;
		if (c == '%') {
			int hi, lo;

			if (n - i < 3)
				return -1;
			hi = hex_digit(text[i + 1]);
			lo = hex_digit(text[i + 2]);
			if (hi < 0 || lo < 0)
				return -1;
			c = hi << 4 | lo;
			i += 2;
		}
		if (!c)
			return -1;
		out[len++] = c;
	}
	if (len >= size)
		return -1;
	out[len] = '\0';
	return len;
}

int url_escape(char *out, size_t size, const char *text)
{
	size_t len = 0;

	for (; *text; text++) {
		unsigned char c = *text;
		bool plain = isalnum(c) || strchr("-._~/", c);

		if (len + (plain ? 1 : 3) >= size)
			return -1;
		len += sprintf(out + len, plain ? "%c" : "%%%02X", c);
	}
	if (len >= size)
		return -1;
	out[len] = '\0';
	return len;
}

/* The last segment of the path, decoded; "index.html" where that is not a
 * name.  Bytes a terminal or a shell could stumble over become '_'.
 */
static void name_file(struct url *url)
{
	size_t end = strcspn(url->path, "?");
	size_t start = end;
	int n;

	while (start && url->path[start - 1] != '/')
		start--;
	n = url_unescape(url->name, sizeof(url->name), url->path + start,
			 end - start);
	if (n <= 0 || !strcmp(url->name, ".") || !strcmp(url->name, "..")) {
		snprintf(url->name, sizeof(url->name), "index.html");
		return;
	}
	for (char *p = url->name; *p; p++)
		if (*p == '/' || iscntrl((unsigned char)*p))
			*p = '_';
}

static const char *parse_port(struct url *url, const char *text, size_t n)
{
	unsigned long port = 0;

	if (!n || n >= sizeof(url->port))
		return "the port is not a number from 1 to 65535";
	for (size_t i = 0; i < n; i++) {
		if (!isdigit((unsigned char)text[i]))
			return "the port is not a number from 1 to 65535";
		port = port * 10 + text[i] - '0';
	}
	if (!port || port > 65535)
		return "the port is not a number from 1 to 65535";
	snprintf(url->port, sizeof(url->port), "%lu", port);
	return NULL;
}

static const char *parse_host(struct url *url, const char *text, size_t n)
{
	struct in6_addr in6;
	bool bracket = n && text[0] == '[';

	if (bracket) {
		if (n < 2 || text[n - 1] != ']')
			return "']' is missing after the IPv6 address";
		text++;
		n -= 2;
	}
	if (!n)
		return "the host is missing";
	if (n > URL_HOST_MAX)
		return "the host name is too long";
	for (size_t i = 0; i < n; i++) {
		unsigned char c = text[i];

		if (!isalnum(c) && !strchr(bracket ? ".:" : ".-_", c))
			return "the host name has a forbidden character";
	}
	memcpy(url->host, text, n);
	url->host[n] = '\0';
	if (bracket && inet_pton(AF_INET6, url->host, &in6) != 1)
		return "what stands in brackets is not an IPv6 address";
	return NULL;
}

static const char *parse_authority(struct url *url, const char *text, size_t n)
{
	const char *colon = memrchr(text, ':', n);
	const char *bracket = memrchr(text, ']', n);
	const char *why;
	size_t host = n;

	snprintf(url->port, sizeof(url->port), URL_DEFAULT_PORT);
	if (memchr(text, '@', n))
		return "user names in addresses are not supported";
	if (colon && colon > bracket) {
		host = colon - text;
		why = parse_port(url, colon + 1, n - host - 1);
		if (why)
			return why;
	}
	why = parse_host(url, text, host);
	if (why)
		return why;

	snprintf(url->authority, sizeof(url->authority),
		 bracket ? "[%s]%s%s" : "%s%s%s", url->host,
		 strcmp(url->port, URL_DEFAULT_PORT) ? ":" : "",
		 strcmp(url->port, URL_DEFAULT_PORT) ? url->port : "");
	return NULL;
}

static const char *parse_path(struct url *url, const char *text, size_t n)
{
	bool slash = n && text[0] == '/';

	if (n + !slash > URL_PATH_MAX)
		return "the path is too long";
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)text[i] <= ' ' || (unsigned char)text[i] > '~')
			return "the path has a character that must be written as %XX";
	snprintf(url->path, sizeof(url->path), "%s%.*s", slash ? "" : "/",
		 (int)n, text);
	return NULL;
}

bool url_same_authority(const struct url *a, const struct url *b)
{
	return !strcasecmp(a->authority, b->authority);
}

const char *url_parse(struct url *url, const char *text)
{
	const char *sep = strstr(text, "://");
	const char *why;
	size_t n;

	memset(url, 0, sizeof(*url));
	if (sep) {
		if (strncasecmp(text, "https", sep - text) || sep - text != 5)
			return "only https:// addresses can be fetched";
		text = sep + 3;
	}
	n = strcspn(text, "/?#");
	why = parse_authority(url, text, n);
	if (why)
		return why;
	text += n;
	why = parse_path(url, text, strcspn(text, "#"));
	if (why)
		return why;
	name_file(url);
	return NULL;
}
