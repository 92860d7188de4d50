/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TOOLS_HTTP_H
#define TOOLS_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>

#define HTTP_DATE_SIZE	32	/* "Sun, 06 Nov 1994 08:49:37 GMT" */
#define HTTP_ETAG_SIZE	48

const char *http_reason(int status);

void http_date(char out[HTTP_DATE_SIZE], time_t t);
/* Any of the three forms of a date, or -1. */
time_t http_parse_date(const char *text);

/* What a client can ask about a file that it may have already. */
struct http_validators {
	char etag[HTTP_ETAG_SIZE];
	time_t modified;
	time_t now;
};

void http_validate(struct http_validators *v, const struct stat *st);

/* Fields of a request; NULL where there is none. */
struct http_conditions {
	const char *if_match, *if_none_match;
	const char *if_modified_since, *if_unmodified_since;
	const char *if_range, *range;
};

/* 0: go on; or 304 or 412. */
int http_precondition(const struct http_conditions *c,
		      const struct http_validators *v);

enum http_range { HTTP_RANGE_NONE, HTTP_RANGE_ONE, HTTP_RANGE_BAD };

/* Which part of size bytes is wanted: for HTTP_RANGE_ONE length bytes at
 * first, else these stay as they are.  NONE is all of it, BAD what 416 is for.
 */
enum http_range http_range(const struct http_conditions *c,
			   const struct http_validators *v, off_t size,
			   off_t *first, off_t *length);

#endif
