// SPDX-License-Identifier: GPL-2.0
/*
 * What a client asks for besides the URL: a range, a condition, fields of the
 * user's own.  RFC 9110.
 *
 * Pure: text in, checked text out.  What the user writes must not become what
 * a request has of its own, nor what HTTP/3 forbids.
 */
#include "ask.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "array.h"

/* Digits, not too many.  False: there is none. */
static bool number(const char **p, const char *end, int64_t *n)
{
	const char *start = *p;

	for (*n = 0; *p < end && isdigit((unsigned char)**p); ++*p) {
		if (*p - start == 18)
			return false;
		*n = *n * 10 + **p - '0';
	}
	return *p > start;
}

const char *ask_range(struct ask *a, const char *text)
{
	static const char wrong[] = "not FIRST-LAST, FIRST- or -LENGTH";
	const char *p = text, *end = text + strlen(text);
	int64_t first = -1, last = -1;

	if (*p != '-' && !number(&p, end, &first))
		return wrong;
	if (*p++ != '-')
		return wrong;
	if (*p && !number(&p, end, &last))
		return wrong;
	if (p != end || (first < 0 && last < 0))
		return wrong;
	if (first >= 0 && last >= 0 && last < first)
		return "the range ends before it begins";
	snprintf(a->range, sizeof(a->range), "bytes=%s", text);
	a->first = first;
	a->last = last;
	return NULL;
}

/* RFC 9110 section 5.5: no control characters but tabs. */
static bool is_value(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' ? *text != '\t' : *text == 0x7f)
			return false;
	return true;
}

const char *ask_if_none_match(struct ask *a, const char *text)
{
	size_t n = strlen(text);

	if (n > ASK_FIELD_MAX || !is_value(text) ||
	    (strcmp(text, "*") && (n < 2 || text[n - 1] != '"' ||
				   (*text != '"' && strncmp(text, "W/\"", 3)))))
		return "not an entity tag, which has quotation marks, or *";
	a->if_none_match = text;
	return NULL;
}

/* ---- fields ---------------------------------------------------------------- */

/* RFC 9110 section 5.6.2. */
static bool is_token(const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)text[i]) &&
		    !strchr("!#$%&'*+-.^_`|~", text[i]))
			return false;
	return n;
}

static const char *refuse_name(const char *name, const char *value)
{
	static const char *const connection[] = {
		"connection", "keep-alive", "proxy-connection",
		"transfer-encoding", "upgrade",
	};
	static const struct {
		const char *name, *why;
	} own[] = {
		{ "host", "the URL says that" },
		{ "content-length", "there is no content" },
		{ "range", "use --range" },
		{ "if-range", "use --continue" },
		{ "if-none-match", "use --if-none-match" },
	};

	/* RFC 9114 section 4.2. */
	for (size_t i = 0; i < ARRAY_SIZE(connection); i++)
		if (!strcmp(name, connection[i]))
			return "HTTP/3 has no such field";
	if (!strcmp(name, "te") && strcmp(value, "trailers"))
		return "HTTP/3 has no such field";
	for (size_t i = 0; i < ARRAY_SIZE(own); i++)
		if (!strcmp(name, own[i].name))
			return own[i].why;
	return NULL;
}

const char *ask_field(struct ask *a, const char *text)
{
	const char *colon = strchr(text, ':'), *value, *why;
	struct ask_field *f = &a->fields[a->field_count];
	size_t n;

	if (!colon || !is_token(text, colon - text))
		return "not 'Name: value'";
	value = colon + 1 + strspn(colon + 1, " \t");
	if (!is_value(value))
		return "control characters in the value";
	if (strlen(text) > ASK_FIELD_MAX)
		return "too long";
	if (a->field_count == ASK_FIELDS_MAX)
		return "too many fields";
	f->name = strndup(text, colon - text);
	f->value = strdup(value);
	if (!f->name || !f->value) {
		why = "out of memory";
		goto refuse;
	}
	for (char *p = f->name; *p; p++)
		*p = tolower((unsigned char)*p);
	for (n = strlen(f->value); n && strchr(" \t", f->value[n - 1]); n--)
		f->value[n - 1] = '\0';
	why = refuse_name(f->name, f->value);
	if (why)
		goto refuse;
	a->field_count++;
	return NULL;
refuse:
	free(f->name);
	free(f->value);
	return why;
}

bool ask_is_plain(const struct ask *a)
{
	return !a->head && !a->include && !a->resume && !a->range[0] &&
	       !a->if_none_match && !a->field_count;
}

bool ask_names(const struct ask *a, const char *name)
{
	for (size_t i = 0; i < a->field_count; i++)
		if (!strcmp(a->fields[i].name, name))
			return true;
	return false;
}

void ask_free(struct ask *a)
{
	for (size_t i = 0; i < a->field_count; i++) {
		free(a->fields[i].name);
		free(a->fields[i].value);
	}
	a->field_count = 0;
}

/* ---- the answer -------------------------------------------------------------- */

bool ask_content_range(struct content_range *r, const char *text, size_t n)
{
	const char *p = text + 6, *end = text + n;

	*r = (struct content_range){ -1, -1, -1 };
	if (n < 9 || strncasecmp(text, "bytes ", 6))
		return false;
	if (*p == '*') {
		p++;
	} else if (!number(&p, end, &r->first) || p == end || *p++ != '-' ||
		   !number(&p, end, &r->last) || r->last < r->first) {
		return false;
	}
	if (p == end || *p++ != '/')
		return false;
	if (p + 1 == end && *p == '*')
		return r->first >= 0;
	return number(&p, end, &r->size) && p == end && r->last < r->size;
}

bool ask_is_range(const struct ask *a, const struct content_range *r)
{
	bool to_end = r->size < 0 || r->last == r->size - 1;

	if (r->first < 0)
		return false;
	if (a->first < 0)
		return to_end && r->last - r->first < a->last;
	return r->first == a->first &&
	       (a->last < 0 ? to_end : r->last == a->last ||
		(r->last < a->last && to_end));
}
