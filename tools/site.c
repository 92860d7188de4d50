// SPDX-License-Identifier: GPL-2.0
/*
 * The served directory: from a request target to an open file.
 *
 * Owns the only place where bytes from the network become a file name.  The
 * kernel does the checking: openat2(RESOLVE_BENEATH) refuses everything that
 * leaves the directory, be it by "..", an absolute path or a symbolic link,
 * and there is no window between the check and the use.
 */
#include "site.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "url.h"

/* RESOLVE_BENEATH answers EAGAIN when a rename races with ".."; a peer that
 * can make this happen forever owns the directory anyway.
 */
#define OPEN_TRIES	8

static int open_beneath(int dir, const char *name)
{
	struct open_how how = {
		/* O_NONBLOCK: a FIFO must not hold up the server. */
		.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};
	int fd = -1;

	for (int i = 0; i < OPEN_TRIES; i++) {
		fd = syscall(SYS_openat2, dir, name, &how, sizeof(how));
		if (fd >= 0 || (errno != EAGAIN && errno != EINTR))
			break;
	}
	return fd >= 0 ? fd : -errno;
}

static int status_of(int err)
{
	switch (-err) {
	case EACCES:
	case EPERM:
		return 403;
	case EMFILE:
	case ENFILE:
	case ENOMEM:
	case EAGAIN:
		return 503;
	default:
		return 404;
	}
}

static void check_file(struct answer *answer, int fd, const struct stat *st)
{
	if (!S_ISREG(st->st_mode)) {
		close(fd);
		answer->status = 404;
		return;
	}
	answer->status = 200;
	answer->fd = fd;
	answer->size = st->st_size;
}

static void find_file(const struct site *site, const char *name, bool index,
		      struct answer *answer)
{
	char inside[PATH_MAX];
	struct stat st;
	int fd;

	fd = open_beneath(site->dir, name);
	if (fd < 0) {
		answer->status = status_of(fd);
		return;
	}
	if (fstat(fd, &st)) {
		close(fd);
		answer->status = 503;
		return;
	}
	if (!S_ISDIR(st.st_mode) || !index) {
		check_file(answer, fd, &st);
		return;
	}
	close(fd);
	if (snprintf(inside, sizeof(inside), "%s/index.html", name) >=
	    (int)sizeof(inside))
		answer->status = 404;
	else
		find_file(site, inside, false, answer);
}

int site_open(struct site *site, const char *path)
{
	site->dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return site->dir < 0 ? -errno : 0;
}

void site_close(struct site *site)
{
	close(site->dir);
}

void site_find(const struct site *site, const char *target, size_t n,
	       struct answer *answer)
{
	char path[PATH_MAX];
	const char *query = memchr(target, '?', n);
	const char *name = path;

	*answer = (struct answer){ .status = 400, .fd = -1 };
	if (query)
		n = query - target;
	if (!n || target[0] != '/')
		return;
	if (url_unescape(path, sizeof(path), target, n) < 0)
		return;
	name += strspn(name, "/");
	find_file(site, *name ? name : ".", true, answer);
}
