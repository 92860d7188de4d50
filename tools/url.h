/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TOOLS_URL_H
#define TOOLS_URL_H

#include <stdbool.h>
#include <stddef.h>

#define URL_HOST_MAX	253	/* RFC 1035: what a name can have */
#define URL_PATH_MAX	4096
#define URL_NAME_MAX	255	/* NAME_MAX of Linux file systems */

struct url {
	char host[URL_HOST_MAX + 1];	/* no brackets around IPv6 */
	char port[6];
	char authority[URL_HOST_MAX + 10]; /* as a request names it */
	char path[URL_PATH_MAX + 1];	/* begins with '/', has the query */
	char name[URL_NAME_MAX + 1];	/* what to call the file */
};

/* Returns NULL, or what is wrong with the text. */
const char *url_parse(struct url *url, const char *text);

bool url_same_authority(const struct url *a, const struct url *b);

/* Undo %XX in n bytes of text; the result is NUL-terminated.  Returns its
 * length, or -1 for a broken escape, an encoded NUL or too little room.
 */
int url_unescape(char *out, size_t size, const char *text, size_t n);

/* Write text so that it can stand in the path of a URL; '/' stays.  Returns its
 * length, or -1 for too little room.
 */
int url_escape(char *out, size_t size, const char *text);

#endif
