/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TOOLS_SITE_H
#define TOOLS_SITE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

/* The directory that is served. */
struct site {
	int dir;	/* O_PATH descriptor */
	bool listings;	/* of directories without an index.html */
};

/* What a request for a path comes to. */
struct answer {
	int status;		/* as in HTTP */
	int fd;			/* when status is 200, else -1 */
	struct stat st;		/* of fd */
	bool listing;		/* fd is a directory, to be listed */
	char name[PATH_MAX];	/* the path, decoded, without "/" in front */
};

int site_open(struct site *site, const char *path);
void site_close(struct site *site);

/* Find what n bytes of a request target name.  Never fails: what cannot be
 * served is a status, and 301 is a directory that was asked for without a '/'
 * at the end, so that links on its page would lead astray.  The caller closes
 * answer->fd.
 */
void site_find(const struct site *site, const char *target, size_t n,
	       struct answer *answer);

#endif
