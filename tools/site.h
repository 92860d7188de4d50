/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TOOLS_SITE_H
#define TOOLS_SITE_H

#include <stddef.h>
#include <sys/types.h>

/* The directory that is served. */
struct site {
	int dir;	/* O_PATH descriptor */
};

/* What a request for a path comes to. */
struct answer {
	int status;	/* as in HTTP */
	int fd;		/* the file when status is 200, else -1 */
	off_t size;
};

int site_open(struct site *site, const char *path);
void site_close(struct site *site);

/* Find what n bytes of a request target name.  Never fails: what cannot be
 * served is a status.  The caller closes answer->fd.
 */
void site_find(const struct site *site, const char *target, size_t n,
	       struct answer *answer);

#endif
