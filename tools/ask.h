/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TOOLS_ASK_H
#define TOOLS_ASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ASK_FIELDS_MAX	64
#define ASK_FIELD_MAX	8192	/* of a name and its value */

struct ask_field {
	char *name;		/* in lower case */
	char *value;
};

/* What every request says besides its URL. */
struct ask {
	bool head;		/* HEAD: only the fields are wanted */
	bool include;		/* show the fields of responses */
	bool resume;		/* go on with what is there of the file */
	char range[64];		/* or empty */
	int64_t first, last;	/* of the range; -1: not said */
	const char *if_none_match;	/* or NULL */
	struct ask_field fields[ASK_FIELDS_MAX];
	size_t field_count;
};

/* Each takes what the user wrote.  NULL, or what is wrong with it. */
const char *ask_range(struct ask *a, const char *text);
const char *ask_if_none_match(struct ask *a, const char *text);
const char *ask_field(struct ask *a, const char *text);
bool ask_is_plain(const struct ask *a);
bool ask_names(const struct ask *a, const char *name);
void ask_free(struct ask *a);

/* A Content-Range of n bytes (RFC 9110 section 14.4); -1 where it does not say. */
struct content_range {
	int64_t first, last, size;
};

bool ask_content_range(struct content_range *r, const char *text, size_t n);

/* Is it the range that was asked for?  It may end sooner, with the file. */
bool ask_is_range(const struct ask *a, const struct content_range *r);

#endif
