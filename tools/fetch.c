// SPDX-License-Identifier: GPL-2.0
/*
 * A fetch: one response on its way into one file, whatever the protocol.
 *
 * The bytes go to a temporary file beside the destination, which takes its
 * name when it is complete: a name never stands for half a file.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "get.h"

struct fetch *job_find(const struct job *job, int64_t id)
{
	struct fetch *f;

	TAILQ_FOREACH(f, &job->active, link)
		if (f->id == id)
			return f;
	return NULL;
}

struct fetch *job_start(struct job *job, struct conn *c)
{
	struct fetch *f;
	int64_t id;

	if (job->next == job->count || job->running >= job->parallel ||
	    job->closing)
		return NULL;
	id = conn_open_stream(c, false);
	if (id == -EAGAIN) {
		c->blocked = true;	/* STREAM_MAX_STREAM tells */
		return NULL;
	}
	if (id < 0) {
		conn_fail(c, CONN_END_ERROR, 0, "cannot open a stream: %s",
			  strerror(-id));
		return NULL;
	}
	f = &job->fetches[job->next++];
	f->id = id;
	f->state = FETCH_ACTIVE;
	f->began = clock_us();
	TAILQ_INSERT_TAIL(&job->active, f, link);
	job->running++;
	return f;
}

/* ---- the file ------------------------------------------------------------ */

static mode_t file_mode(void)
{
	mode_t mask = umask(0);

	umask(mask);
	return 0666 & ~mask;
}

static int open_file(struct fetch *f)
{
	struct stat st;

	if (!strcmp(f->path, "-"))
		return dup(STDOUT_FILENO);
	/* A device or a pipe is written to as it is. */
	if (!stat(f->path, &st) && !S_ISREG(st.st_mode))
		return open(f->path, O_WRONLY | O_CLOEXEC);
	if (asprintf(&f->temporary, "%s.XXXXXX", f->path) < 0) {
		f->temporary = NULL;
		return -1;
	}
	return mkostemp(f->temporary, O_CLOEXEC);
}

static void drop_file(struct fetch *f)
{
	if (f->fd >= 0)
		close(f->fd);
	if (f->fd >= 0 && f->temporary)
		unlink(f->temporary);
	f->fd = -1;
}

/* False: errno says why. */
static bool finish_file(struct fetch *f)
{
	int fd = f->fd;

	f->fd = -1;
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

static bool write_all(int fd, const uint8_t *data, size_t n)
{
	while (n) {
		ssize_t ret = write(fd, data, n);

		if (ret < 0 && errno == EINTR)
			continue;
		if (ret < 0)
			return false;
		data += ret;
		n -= ret;
	}
	return true;
}

/* ---- its life ------------------------------------------------------------ */

static void over(struct job *job, struct fetch *f, enum fetch_state state)
{
	if (f->state == FETCH_ACTIVE) {
		TAILQ_REMOVE(&job->active, f, link);
		job->running--;
	}
	job->left--;
	f->state = state;
	f->ended = clock_us();
	if (f->hash) {
		unsigned char sum[32];

		gnutls_hash_deinit(f->hash, sum);
		f->hash = NULL;
		for (size_t i = 0; state == FETCH_DONE && i < sizeof(sum); i++)
			sprintf(f->sha256 + 2 * i, "%02x", sum[i]);
	}
	free(f->temporary);
	f->temporary = NULL;
	free(f->request);
	f->request = NULL;
}

void fetch_fail(struct job *job, struct fetch *f, enum get_exit code,
		const char *format, ...)
{
	va_list args;

	if (f->state == FETCH_DONE || f->state == FETCH_FAILED)
		return;
	va_start(args, format);
	vsnprintf(f->why, sizeof(f->why), format, args);
	va_end(args);
	f->exit = code;
	drop_file(f);
	over(job, f, FETCH_FAILED);
}

void job_fail(struct job *job, enum get_exit code, const char *why)
{
	for (size_t i = 0; i < job->count; i++)
		fetch_fail(job, &job->fetches[i], code, "%s", why);
}

void fetch_response(struct job *job, struct fetch *f, int status,
		    int64_t length)
{
	f->status = status;
	f->expected = length;
	if (status >= 300 && status < 400) {
		fetch_fail(job, f, GET_STATUS,
			   "HTTP %d: redirects are not followed", status);
		return;
	}
	if (status < 200 || status >= 400) {
		fetch_fail(job, f, GET_STATUS, "HTTP %d%s", status,
			   status == 404 ? ": no such file on the server" : "");
		return;
	}
	f->fd = open_file(f);
	if (f->fd < 0) {
		fetch_fail(job, f, GET_WRITE, "%s: %s", f->path,
			   strerror(errno));
		return;
	}
	if (f->digest && gnutls_hash_init(&f->hash, GNUTLS_DIG_SHA256))
		f->hash = NULL;
}

void fetch_data(struct job *job, struct fetch *f, const uint8_t *data, size_t n)
{
	f->bytes += n;
	if (!write_all(f->fd, data, n))
		fetch_fail(job, f, GET_WRITE, "%s: %s", f->path,
			   strerror(errno));
	else if (f->hash)
		gnutls_hash(f->hash, data, n);
}

void fetch_end(struct job *job, struct fetch *f)
{
	if (!f->status) {
		fetch_fail(job, f, GET_BROKEN, "the response is incomplete");
		return;
	}
	if (f->expected >= 0 && f->bytes != (uint64_t)f->expected) {
		fetch_fail(job, f, GET_BROKEN,
			   "%ju bytes were announced, %ju came",
			   (uintmax_t)f->expected, (uintmax_t)f->bytes);
		return;
	}
	if (!finish_file(f)) {
		fetch_fail(job, f, GET_WRITE, "%s: %s", f->path,
			   strerror(errno));
		return;
	}
	over(job, f, FETCH_DONE);
}
