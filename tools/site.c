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
#include <linux/openat2.h>
#include <string.h>
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

static void take_file(struct answer *answer, int fd)
{
	answer->status = 200;
	answer->fd = fd;
}

static void refuse(struct answer *answer, int fd, int status)
{
	if (fd >= 0)
		close(fd);
	answer->status = status;
}

/* True: fd is open, and answer->st is about it. */
static bool open_name(const struct site *site, const char *name, int *fd,
		      struct answer *answer)
{
	*fd = open_beneath(site->dir, name);
	if (*fd < 0) {
		answer->status = status_of(*fd);
		return false;
	}
	if (!fstat(*fd, &answer->st))
		return true;
	refuse(answer, *fd, 503);
	return false;
}

/* A directory is its index.html, or a listing. */
static void find_index(const struct site *site, int dir, struct answer *answer)
{
	char *name = answer->name;
	size_t n = strlen(name);
	struct stat st = answer->st;
	int fd;

	if (n && name[n - 1] != '/') {
		refuse(answer, dir, 301);
		return;
	}
	if (n + sizeof("index.html") > sizeof(answer->name)) {
		refuse(answer, dir, 404);
		return;
	}
	strcpy(name + n, "index.html");
	if (open_name(site, name, &fd, answer)) {
		close(dir);
		if (S_ISREG(answer->st.st_mode))
			take_file(answer, fd);
		else
			refuse(answer, fd, 404);
		return;
	}
	name[n] = '\0';
	if (answer->status != 404 || !site->listings) {
		close(dir);
		return;
	}
	answer->st = st;
	answer->listing = true;
	take_file(answer, dir);
}

static void find_file(const struct site *site, struct answer *answer)
{
	int fd;

	if (!open_name(site, *answer->name ? answer->name : ".", &fd, answer))
		return;
	if (S_ISREG(answer->st.st_mode))
		take_file(answer, fd);
	else if (S_ISDIR(answer->st.st_mode))
		find_index(site, fd, answer);
	else
		refuse(answer, fd, 404);
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
	const char *query = memchr(target, '?', n);
	char *name = answer->name;
	size_t slashes;

	answer->status = 400;
	answer->fd = -1;
	answer->listing = false;
	name[0] = '\0';
	if (query)
		n = query - target;
	if (!n || target[0] != '/')
		return;
	if (url_unescape(name, sizeof(answer->name), target, n) < 0) {
		name[0] = '\0';
		return;
	}
	slashes = strspn(name, "/");
	memmove(name, name + slashes, strlen(name + slashes) + 1);
	find_file(site, answer);
}
