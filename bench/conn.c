// SPDX-License-Identifier: GPL-2.0
/*
 * One connection: its handshake, its exchanges, and what its socket is ready
 * for.  Events come from epoll, edge-triggered: what was ready stays so until
 * a call says EAGAIN.
 */
#include <err.h>
#include <errno.h>
#include <netinet/quic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "perf.h"

#define ROUNDS		16	/* in a row, then others have their turn */
#define TABLE_MIN	4
#define TABLE_MAX	(2 * STREAMS_MAX)

/* ---- exchanges ------------------------------------------------------------- */

static unsigned int slot(const struct conn *c, int64_t stream)
{
	return (stream >> 2) & (c->table_size - 1);
}

/* NULL if there is none on that stream. */
struct exchange *conn_exchange(struct conn *c, int64_t stream)
{
	struct exchange *e = c->table[slot(c, stream)];

	return e && e->stream == stream ? e : NULL;
}

static void new_table(struct conn *c, unsigned int size)
{
	c->table = calloc(size, sizeof(*c->table));
	if (!c->table)
		err(1, NULL);
	c->table_size = size;
}

/* Streams are used in order, so a table of their number is nearly enough. */
static void grow_table(struct conn *c)
{
	struct exchange **old = c->table;
	unsigned int n = c->table_size;

	if (n == TABLE_MAX)
		errx(1, "the peer's streams are too far apart");
	new_table(c, 2 * n);
	while (n--)
		if (old[n])
			c->table[slot(c, old[n]->stream)] = old[n];
	free(old);
}

struct exchange *conn_exchange_new(struct conn *c, int64_t stream)
{
	struct exchange *e = calloc(1, sizeof(*e));

	if (!e)
		err(1, NULL);
	while (c->table[slot(c, stream)])
		grow_table(c);
	e->stream = stream;
	c->table[slot(c, stream)] = e;
	return e;
}

void conn_exchange_free(struct conn *c, struct exchange *e)
{
	if (e->sent < e->to_send || e->fin)
		TAILQ_REMOVE(&c->sending, e, sending);
	c->table[slot(c, e->stream)] = NULL;
	free(e);
}

/* Its to_send and fin are set; it takes turns with the others. */
void conn_exchange_send(struct conn *c, struct exchange *e)
{
	TAILQ_INSERT_TAIL(&c->sending, e, sending);
	worker_busy(c);
}

/* ---- sending --------------------------------------------------------------- */

static ssize_t send_file(struct conn *c, struct exchange *e, size_t n)
{
	const struct worker *w = c->worker;

	/* Its offset is of no account: the file has write_size bytes. */
	return w->o->transport->sendfile(c, e->stream, w->file, 0, n);
}

static ssize_t send_some(struct conn *c, struct exchange *e)
{
	const struct worker *w = c->worker;
	uint64_t left = e->to_send - e->sent;
	size_t n = left < w->o->write_size ? left : w->o->write_size;
	bool head = e->sent < e->head_len;

	if (w->o->sendfile && !head && n)
		return send_file(c, e, n);
	if (w->o->sendfile && head)
		n = left = e->head_len - e->sent;
	if (head)
		memcpy(w->out, e->head + e->sent, e->head_len - e->sent);
	return w->o->transport->send(c, e->stream, w->out, n,
				     e->fin && e->sent + n == e->to_send);
}

/* One write of one exchange; the others are next. */
static void send_one(struct conn *c)
{
	struct exchange *e = TAILQ_FIRST(&c->sending);
	struct exchange *last = TAILQ_LAST(&c->sending, exchanges);
	bool by_file = c->worker->o->sendfile && e->sent < e->to_send &&
		       e->sent >= e->head_len;
	ssize_t n;

	while ((n = send_some(c, e)) < 0 && errno == ENOSPC && e != last) {
		TAILQ_REMOVE(&c->sending, e, sending);
		TAILQ_INSERT_TAIL(&c->sending, e, sending);
		e = TAILQ_FIRST(&c->sending);
	}
	if (n < 0 && (errno == EAGAIN || errno == ENOSPC)) {
		c->writable = false;
		return;
	}
	if (n < 0 && errno == EINVAL && c->worker->o->server) {
		conn_exchange_free(c, e);	/* the client wants no more */
		return;
	}
	if (n < 0) {
		c->worker->role->ended(c, strerror(errno));
		return;
	}
	e->sent += n;
	TAILQ_REMOVE(&c->sending, e, sending);
	if (e->sent < e->to_send || (e->fin && by_file)) {
		TAILQ_INSERT_TAIL(&c->sending, e, sending);
		return;
	}
	e->fin = false;
	c->active = c->active == e->stream ? -1 : c->active;
	c->worker->role->sent(c, e);
}

/* ---- receiving ------------------------------------------------------------- */

static void receive(struct conn *c)
{
	const struct worker *w = c->worker;
	int64_t stream = 0;
	bool fin;
	ssize_t n = w->o->transport->recv(c, w->in, w->o->write_size, &stream,
					  &fin);

	if (n < 0 && errno == EAGAIN)
		c->readable = false;
	else if (n < 0 && (errno == ENOTCONN || errno == ECONNRESET))
		w->role->ended(c, NULL);
	else if (n < 0)
		w->role->ended(c, strerror(errno));
	else if (!n && !w->o->transport->has_streams)
		w->role->ended(c, NULL);
	else
		w->role->received(c, stream, w->in, n, fin);
}

/* ---- the connection -------------------------------------------------------- */

static void end_handshake(struct conn *c)
{
	if (!c->session)
		return;
	if (c->worker->o->transport->has_streams)
		quic_handshake_deinit(c->session);
	gnutls_deinit(c->session);
	c->session = NULL;
}

static void handshake(struct conn *c)
{
	int ret = c->worker->o->transport->handshake(c);

	if (ret < 0) {
		c->worker->role->ended(c, "no handshake");
	} else if (!ret) {
		c->readable = false;
		c->writable = false;
	} else {
		c->readable = true;	/* what came with its last packet */
		c->writable = true;
		c->state = CONN_OPEN;
		if (c->session && gnutls_session_is_resumed(c->session))
			c->worker->stats.resumed++;
		end_handshake(c);
		c->worker->role->opened(c);
	}
}

static bool ready(const struct conn *c)
{
	switch (c->state) {
	case CONN_HANDSHAKE:
		return c->readable || c->writable;
	case CONN_OPEN:
		return c->readable ||
		       (c->writable && !TAILQ_EMPTY(&c->sending));
	default:
		return true;		/* to be freed */
	}
}

/* What can be done now, within limits; stays busy if there is more. */
void conn_run(struct conn *c)
{
	for (unsigned int i = 0; i < ROUNDS && ready(c); i++) {
		if (c->state == CONN_HANDSHAKE) {
			handshake(c);
			continue;
		}
		if (c->state == CONN_OPEN && c->readable)
			receive(c);
		if (c->state == CONN_OPEN && c->writable &&
		    !TAILQ_EMPTY(&c->sending))
			send_one(c);
		if (c->state == CONN_ENDED)
			break;
	}
	if (c->state == CONN_ENDED)
		conn_free(c);
	else if (ready(c))
		worker_busy(c);
}

/* @events: of epoll */
void conn_wake(struct conn *c, uint32_t events)
{
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR | EPOLLRDHUP))
		c->readable = true;
	if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
		c->writable = true;
	if (ready(c))
		worker_busy(c);
}

struct conn *conn_new(struct worker *w, int fd)
{
	struct epoll_event event = {
		.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
	};
	struct conn *c = calloc(1, sizeof(*c));

	if (!c)
		err(1, NULL);
	c->worker = w;
	c->fd = fd;
	c->active = -1;
	c->start_ns = now_ns();
	TAILQ_INIT(&c->sending);
	new_table(c, TABLE_MIN);
	event.data.ptr = c;
	if (epoll_ctl(w->epoll, EPOLL_CTL_ADD, fd, &event))
		err(1, "epoll");
	TAILQ_INSERT_TAIL(&w->all, c, all);
	w->conns++;
	/* A client has the first word; a server may have been sent it. */
	c->readable = true;
	worker_busy(c);
	return c;
}

void conn_free(struct conn *c)
{
	struct worker *w = c->worker;

	for (unsigned int i = 0; i < c->table_size; i++)
		free(c->table[i]);
	free(c->table);
	end_handshake(c);
	close(c->fd);
	if (c->busy)
		TAILQ_REMOVE(&w->busy, c, queue);
	TAILQ_REMOVE(&w->all, c, all);
	w->conns--;
	free(c);
}
