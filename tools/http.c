// SPDX-License-Identifier: GPL-2.0
/*
 * What HTTP fields mean, whatever the version: dates, entity tags, conditional
 * requests (RFC 9110 section 13), ranges (section 14).
 *
 * Pure: text and numbers in, a decision out.
 *
 * One range is served, not several: a response of many parts cannot go from
 * the page cache by sendfile() in one piece, no download tool asks for one,
 * and overlapping parts are a way to make a server send far more than it has.
 * Section 14.2 lets a server ignore the field: the answer is the whole file.
 */
#include "http.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "array.h"

const char *http_reason(int status)
{
	static const struct {
		int status;
		const char *reason;
	} t[] = {
		{ 200, "OK" }, { 206, "Partial Content" },
		{ 301, "Moved Permanently" }, { 304, "Not Modified" },
		{ 400, "Bad Request" }, { 403, "Forbidden" },
		{ 404, "Not Found" }, { 405, "Method Not Allowed" },
		{ 412, "Precondition Failed" }, { 414, "URI Too Long" },
		{ 416, "Range Not Satisfiable" },
		{ 431, "Request Header Fields Too Large" },
		{ 500, "Internal Server Error" },
		{ 503, "Service Unavailable" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		if (t[i].status == status)
			return t[i].reason;
	return "";
}

/* ---- dates (RFC 9110 section 5.6.7) ---------------------------------------- */

static const char *const days[] = {
	"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat",
};
static const char *const months[] = {
	"Jan", "Feb", "Mar", "Apr", "May", "Jun",
	"Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
};

void http_date(char out[HTTP_DATE_SIZE], time_t t)
{
	struct tm tm;

	/* A file system can hold years that a date cannot. */
	if (!gmtime_r(&t, &tm) || tm.tm_year < -1900 || tm.tm_year > 8099) {
		out[0] = '\0';
		return;
	}
	/* Without strftime(): its names of days depend on the locale. */
	snprintf(out, HTTP_DATE_SIZE, "%s, %02u %s %04u %02u:%02u:%02u GMT",
		 days[tm.tm_wday % 7], (unsigned int)tm.tm_mday % 32,
		 months[tm.tm_mon % 12],
		 (unsigned int)(tm.tm_year + 1900) % 10000,
		 (unsigned int)tm.tm_hour % 24, (unsigned int)tm.tm_min % 60,
		 (unsigned int)tm.tm_sec % 61);
}

time_t http_parse_date(const char *text)
{
	static const char *const forms[] = {
		"%a, %d %b %Y %H:%M:%S GMT",	/* IMF-fixdate */
		"%A, %d-%b-%y %H:%M:%S GMT",	/* RFC 850 */
		"%a %b %e %H:%M:%S %Y",		/* asctime() */
	};

	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		struct tm tm = {};
		const char *end = strptime(text, forms[i], &tm);

		if (end && !*end)
			return timegm(&tm);
	}
	return -1;
}

/* ---- entity tags (section 8.8.3) ------------------------------------------- */

void http_validate(struct http_validators *v, const struct stat *st)
{
	v->now = time(NULL);
	/* Section 8.8.2.1: not later than the response. */
	v->modified = st->st_mtime < v->now ? st->st_mtime : v->now;
	/* Whoever changes a file leaves another time, to the nanosecond. */
	snprintf(v->etag, sizeof(v->etag), "\"%jx.%lx-%jx\"",
		 (uintmax_t)st->st_mtim.tv_sec, st->st_mtim.tv_nsec,
		 (uintmax_t)st->st_size);
}

/* Is the tag in a list?  A weak one never is where it has to be strong. */
static bool etag_listed(const char *list, const char *etag, bool strong)
{
	size_t n = strlen(etag);

	while (*list) {
		bool weak = false;
		const char *end;

		list += strspn(list, " \t,");
		if (*list == '*')
			return true;
		if (!strncmp(list, "W/", 2)) {
			weak = true;
			list += 2;
		}
		if (*list != '"')
			return false;	/* none, or what is no tag */
		end = strchr(list + 1, '"');
		if (!end)
			return false;
		end++;
		if ((size_t)(end - list) == n && !memcmp(list, etag, n) &&
		    !(weak && strong))
			return true;
		list = end;
	}
	return false;
}

/* ---- conditions (section 13.2.2) ------------------------------------------- */

int http_precondition(const struct http_conditions *c,
		      const struct http_validators *v)
{
	time_t t;

	if (c->if_match) {
		if (!etag_listed(c->if_match, v->etag, true))
			return 412;
	} else if (c->if_unmodified_since) {
		t = http_parse_date(c->if_unmodified_since);
		if (t != -1 && v->modified > t)
			return 412;
	}
	if (c->if_none_match)
		return etag_listed(c->if_none_match, v->etag, false) ? 304 : 0;
	if (c->if_modified_since) {
		t = http_parse_date(c->if_modified_since);
		if (t != -1 && v->modified <= t)
			return 304;
	}
	return 0;
}

/* Section 13.1.5: does the client have a part of this very file? */
static bool same_file(const char *if_range, const struct http_validators *v)
{
	if (*if_range == '"')
		return !strcmp(if_range, v->etag);
	/* A second in which the file may change again tells nothing. */
	return http_parse_date(if_range) == v->modified &&
	       v->now > v->modified;
}

/* ---- ranges (section 14.1) ------------------------------------------------- */

#define OFF_MAX	INT64_MAX

/* Digits; too many of them are the largest number.  False: there is none. */
static bool number(const char **p, off_t *n)
{
	if (!isdigit((unsigned char)**p))
		return false;
	for (*n = 0; isdigit((unsigned char)**p); ++*p) {
		int digit = **p - '0';

		*n = *n > (OFF_MAX - digit) / 10 ? OFF_MAX : *n * 10 + digit;
	}
	return true;
}

static enum http_range last_bytes(const char *p, off_t size, off_t *first,
				  off_t *length)
{
	off_t n;

	if (!number(&p, &n) || *p)
		return HTTP_RANGE_NONE;
	if (!n || !size)
		return HTTP_RANGE_BAD;
	*length = n < size ? n : size;
	*first = size - *length;
	return HTTP_RANGE_ONE;
}

enum http_range http_range(const struct http_conditions *c,
			   const struct http_validators *v, off_t size,
			   off_t *first, off_t *length)
{
	const char *p = c->range;
	off_t from, last = OFF_MAX;

	if (!p || strncasecmp(p, "bytes=", 6) ||
	    (c->if_range && !same_file(c->if_range, v)))
		return HTTP_RANGE_NONE;
	p += 6;
	if (*p == '-')
		return last_bytes(p + 1, size, first, length);
	if (!number(&p, &from) || *p++ != '-')
		return HTTP_RANGE_NONE;
	if (*p && (!number(&p, &last) || *p || last < from))
		return HTTP_RANGE_NONE;
	if (from >= size)
		return HTTP_RANGE_BAD;
	if (last >= size)
		last = size - 1;
	*first = from;
	*length = last - from + 1;
	return HTTP_RANGE_ONE;
}
