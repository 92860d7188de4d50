/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TOOLS_LISTING_H
#define TOOLS_LISTING_H

#include <stddef.h>

/* An HTML page about an open directory, whose path ends with '/'.  The caller
 * frees the text.  NULL: out of memory, or the directory cannot be read.
 */
char *listing_make(int dir, const char *path, size_t *len);

#endif
