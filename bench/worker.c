// SPDX-License-Identifier: GPL-2.0
/*
 * A worker: a thread with an event loop, and the connections that are its own.
 */
#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "perf.h"

#define EVENTS	64

/* Touched, so that no page of it is the zero page or a fault to come. */
static char *new_buffer(size_t size)
{
	/* The head of a small write is put into it whole. */
	char *buffer = malloc(size + FRAMED_HEAD);

	if (!buffer)
		err(1, NULL);
	memset(buffer, 'k', size + FRAMED_HEAD);
	return buffer;
}

static int new_file(const char *bytes, size_t size)
{
	int fd = memfd_create("quicperf", MFD_CLOEXEC);

	if (fd < 0 || write(fd, bytes, size) != (ssize_t)size)
		err(1, "a file to send");
	return fd;
}

void worker_init(struct worker *w, const struct options *o,
		 const struct role *role, struct tls *tls, unsigned int index)
{
	memset(w, 0, sizeof(*w));
	w->o = o;
	w->role = role;
	w->tls = tls;
	w->index = index;
	w->listener = -1;
	w->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (w->epoll < 0)
		err(1, "epoll");
	w->in = new_buffer(o->write_size);
	w->out = new_buffer(o->write_size);
	w->file = o->sendfile ? new_file(w->out, o->write_size) : -1;
	TAILQ_INIT(&w->all);
	TAILQ_INIT(&w->busy);
}

void worker_free(struct worker *w)
{
	struct conn *c;

	while ((c = TAILQ_FIRST(&w->all)))
		conn_free(c);
	if (w->file >= 0)
		close(w->file);
	close(w->epoll);
	free(w->in);
	free(w->out);
}

void worker_busy(struct conn *c)
{
	if (c->busy)
		return;
	c->busy = true;
	TAILQ_INSERT_TAIL(&c->worker->busy, c, queue);
}

static void accept_all(struct worker *w)
{
	int fd;

	while ((fd = accept4(w->listener, NULL, NULL,
			     SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		if (w->o->transport->prepare && !w->o->transport->has_streams)
			w->o->transport->prepare(fd, w->o);
		conn_new(w, fd);
	}
	if (errno != EAGAIN && errno != ECONNABORTED)
		err(1, "accept");
}

static void run_busy(struct worker *w)
{
	struct conn *last = TAILQ_LAST(&w->busy, conns), *c;

	if (!last)
		return;
	do {
		c = TAILQ_FIRST(&w->busy);
		TAILQ_REMOVE(&w->busy, c, queue);
		c->busy = false;
		conn_run(c);
	} while (c != last && !TAILQ_EMPTY(&w->busy));
}

static void wait_for_events(struct worker *w, int ms)
{
	struct epoll_event events[EVENTS];
	int n = epoll_wait(w->epoll, events, EVENTS, ms);

	if (n < 0 && errno != EINTR)
		err(1, "epoll");
	for (int i = 0; i < n; i++) {
		if (events[i].data.ptr)
			conn_wake(events[i].data.ptr, events[i].events);
		else
			accept_all(w);
	}
}

void worker_run(struct worker *w)
{
	int ms = w->role->turn(w);

	while (!w->leave) {
		wait_for_events(w, TAILQ_EMPTY(&w->busy) ? ms : 0);
		run_busy(w);
		ms = w->role->turn(w);
	}
}
