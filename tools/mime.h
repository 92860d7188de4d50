/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TOOLS_MIME_H
#define TOOLS_MIME_H

#include <stddef.h>

/* Media types by file name suffix. */
struct mime {
	char *text;		/* the file, cut into words */
	struct mime_row {
		const char *suffix;
		const char *type;
	} *rows;		/* sorted by suffix */
	size_t count;
};

/* Read a table as /etc/mime.types is one; without it there is the built-in
 * one.  Returns 0 or -errno.
 */
int mime_load(struct mime *m, const char *path);
void mime_free(struct mime *m);

/* The type of a file of this name; never NULL. */
const char *mime_type(const struct mime *m, const char *name);

#endif
