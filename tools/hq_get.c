// SPDX-License-Identifier: GPL-2.0
/*
 * HTTP/0.9 over QUIC ("hq-interop"), the client's side: a line, the end of the
 * stream, and what comes back is the file.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "get.h"

static bool open_client(struct conn *c)
{
	c->app = c->owner;	/* the job is all the state there is */
	return true;
}

static void send_request(struct job *job, struct conn *c, struct fetch *f)
{
	struct iovec iov = { f->request + f->request_off,
			     f->request_len - f->request_off };
	ssize_t n = conn_send(c, f->id, &iov, 1, CONN_FIN);

	if (n == -ENOSPC)
		f->blocked = true;
	if (n == -ENOSPC || n == -EAGAIN)
		return;
	if (n < 0) {
		fetch_fail(job, f, GET_BROKEN, "cannot send the request: %s",
			   strerror(-n));
		return;
	}
	f->request_off += n;
	if (f->request_off < f->request_len)
		return;
	free(f->request);
	f->request = NULL;
}

static bool data(struct conn *c, int64_t id, const uint8_t *bytes, size_t n,
		 bool fin)
{
	struct job *job = c->app;
	struct fetch *f = job_find(job, id);

	if (!f)
		return true;
	if (!f->status)
		fetch_response(job, f, 200, -1);
	if (f->state == FETCH_ACTIVE && n)
		fetch_data(job, f, bytes, n);
	if (f->state == FETCH_FAILED && !fin)
		conn_stop_sending(c, id, 0);
	if (f->state == FETCH_ACTIVE && fin)
		fetch_end(job, f);
	return true;
}

static bool reset(struct conn *c, int64_t id, uint32_t error)
{
	struct job *job = c->app;
	struct fetch *f = job_find(job, id);

	if (!f)
		return true;
	/* What quicserve does for want of a status. */
	if (error >= 400 && error < 600)
		fetch_response(job, f, error, -1);
	else
		fetch_fail(job, f, GET_BROKEN,
			   "the server broke off the response (error 0x%x)",
			   error);
	return true;
}

static bool stopped(struct conn *c, int64_t id, uint32_t error)
{
	(void)c;
	(void)id;
	(void)error;
	return true;	/* the response may come all the same */
}

static bool credit(struct conn *c, int64_t id)
{
	struct job *job = c->app;
	struct fetch *f;

	TAILQ_FOREACH(f, &job->active, link)
		if (id == -1 || f->id == id)
			f->blocked = false;
	return true;
}

static bool push(struct conn *c)
{
	struct job *job = c->app;
	struct fetch *f, *next;
	int n;

	while ((f = job_start(job, c))) {
		n = asprintf(&f->request, "GET %s\r\n", f->url->path);
		if (n < 0) {
			f->request = NULL;
			fetch_fail(job, f, GET_USAGE, "out of memory");
			continue;
		}
		f->request_len = n;
	}
	for (f = TAILQ_FIRST(&job->active); f && !c->full; f = next) {
		next = TAILQ_NEXT(f, link);
		if (f->request && !f->blocked)
			send_request(job, c, f);
	}
	return c->state != CONN_CLOSED;
}

static void close_client(struct conn *c)
{
	(void)c;
}

const struct conn_ops hq_get_ops = {
	.alpn = "hq-interop",
	.open = open_client,
	.data = data,
	.reset = reset,
	.stopped = stopped,
	.credit = credit,
	.write = push,
	.close = close_client,
};
