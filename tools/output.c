// SPDX-License-Identifier: GPL-2.0
/*
 * Where a fetch writes to.
 *
 * The bytes go to a temporary file beside the destination, which takes its
 * name when it is complete: a name never stands for half a file.
 *
 * With --continue the temporary file is NAME.part, and stays if the fetch
 * fails; an extended attribute keeps the entity tag of what it is a part of.
 * Without one, or where the file system has no attributes, nothing can be
 * continued: who tells that the rest is of the same file?
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "get.h"

#define ATTRIBUTE	"user.quicget.etag"

static mode_t file_mode(void)
{
	mode_t mask = umask(0);

	umask(mask);
	return 0666 & ~mask;
}

/* Is it written to as it is?  A device, a pipe, stdout. */
static bool is_direct(const char *path)
{
	struct stat st;

	return !strcmp(path, "-") || (!stat(path, &st) && !S_ISREG(st.st_mode));
}

/* What there is of the file: its length and entity tag. */
static void inspect(struct fetch *f)
{
	struct stat st;
	ssize_t n = fgetxattr(f->fd, ATTRIBUTE, f->etag, sizeof(f->etag) - 1);

	f->etag[n > 0 ? n : 0] = '\0';
	if (*f->etag && !fstat(f->fd, &st))
		f->have = st.st_size;
	if (!f->have)
		*f->etag = '\0';
}

bool output_resume(struct fetch *f)
{
	struct stat st;

	if (f->fd >= 0 || is_direct(f->path))
		return true;
	if (asprintf(&f->temporary, "%s.part", f->path) < 0) {
		f->temporary = NULL;
		return false;
	}
	f->fd = open(f->temporary, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK |
		     O_CLOEXEC, 0600);
	if (f->fd < 0)
		return false;
	if (fstat(f->fd, &st) || !S_ISREG(st.st_mode) ||
	    flock(f->fd, LOCK_EX | LOCK_NB)) {
		close(f->fd);
		f->fd = -1;
		errno = EBUSY;	/* another one is at it */
		return false;
	}
	f->partial = true;
	inspect(f);
	return true;
}

/* The whole file comes: is it one that can be continued later? */
static bool begin_again(struct fetch *f)
{
	bool strong = *f->new_etag == '"';

	f->have = 0;
	if (ftruncate(f->fd, 0) || lseek(f->fd, 0, SEEK_SET))
		return false;
	f->partial = strong && !fsetxattr(f->fd, ATTRIBUTE, f->new_etag,
					  strlen(f->new_etag), 0);
	if (!f->partial)
		fremovexattr(f->fd, ATTRIBUTE);
	return true;
}

/* The digest is of all of it. */
static bool digest_part(struct fetch *f)
{
	uint8_t buffer[16384];
	uint64_t off = 0;

	while (f->hash && off < f->have) {
		ssize_t n = pread(f->fd, buffer, sizeof(buffer), off);

		if (n <= 0)
			return false;
		gnutls_hash(f->hash, buffer, n);
		off += n;
	}
	return true;
}

bool output_open(struct fetch *f, bool whole)
{
	const char *slash = strrchr(f->path, '/');

	if (f->fd >= 0 && whole)
		return begin_again(f);
	if (f->fd >= 0)
		return digest_part(f) &&
		       lseek(f->fd, f->have, SEEK_SET) == (off_t)f->have;
	if (!strcmp(f->path, "-"))
		f->fd = dup(STDOUT_FILENO);
	else if (is_direct(f->path))
		f->fd = open(f->path, O_WRONLY | O_CLOEXEC);
	/* Not the file's name and more: that may be as long as names can be. */
	else if (asprintf(&f->temporary, "%.*s.quicget-XXXXXX",
			  slash ? (int)(slash + 1 - f->path) : 0, f->path) < 0)
		f->temporary = NULL;
	else
		f->fd = mkostemp(f->temporary, O_CLOEXEC);
	return f->fd >= 0;
}

bool output_write(struct fetch *f, const uint8_t *data, size_t n)
{
	while (n) {
		ssize_t ret = write(f->fd, data, n);

		if (ret < 0 && errno == EINTR)
			continue;
		if (ret < 0)
			return false;
		data += ret;
		n -= ret;
	}
	return true;
}

void output_drop(struct fetch *f)
{
	bool keep = f->partial && f->have + f->bytes;

	if (f->fd >= 0 && f->temporary && !keep)
		unlink(f->temporary);
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
}

bool output_finish(struct fetch *f)
{
	int fd = f->fd;

	f->fd = -1;
	if (f->partial)
		fremovexattr(fd, ATTRIBUTE);
	if (f->temporary && (fchmod(fd, file_mode()) ||
			     rename(f->temporary, f->path))) {
		int err = errno;

		unlink(f->temporary);
		close(fd);
		errno = err;
		return false;
	}
	return !close(fd);
}
