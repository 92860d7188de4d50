// SPDX-License-Identifier: GPL-2.0
/*
 * The server: gives back as many bytes as it is asked for, without looking at
 * the rest of the request.
 */
#include <endian.h>
#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "perf.h"

static uint64_t word(const uint8_t *head)
{
	uint64_t value;

	memcpy(&value, head, sizeof(value));
	return be64toh(value);
}

static void ended(struct conn *c, const char *why)
{
	if (why)
		warnx("connection: %s", why);
	c->state = CONN_ENDED;
	worker_busy(c);
}

static void answer(struct conn *c, struct exchange *e)
{
	bool streams = c->worker->o->transport->has_streams;
	uint64_t want = word(e->head);

	e->head_len = 0;
	e->fin = streams;
	e->to_send = !streams && want < FRAMED_ANSWER_MIN ? FRAMED_ANSWER_MIN :
							    want;
	conn_exchange_send(c, e);
}

static size_t take_head(struct exchange *e, const char *data, size_t len,
			size_t head)
{
	size_t n = head - e->head_len < len ? head - e->head_len : len;

	memcpy(e->head + e->head_len, data, n);
	e->head_len += n;
	return n;
}

static void received_stream(struct conn *c, struct exchange *e,
			    const char *data, size_t len, bool fin)
{
	take_head(e, data, len, STREAM_HEAD);
	if (!fin)
		return;
	if (e->head_len < STREAM_HEAD)
		ended(c, "a request shorter than its head");
	else
		answer(c, e);
}

/* Clients wait for the answer before they go on. */
static void received_framed(struct conn *c, struct exchange *e,
			    const char *data, size_t len)
{
	size_t n;

	if (e->to_send) {
		ended(c, "a request before the answer");
		return;
	}
	n = take_head(e, data, len, FRAMED_HEAD);
	if (n && e->head_len == FRAMED_HEAD) {
		e->to_recv = word(e->head + STREAM_HEAD);
		if (e->to_recv < FRAMED_HEAD) {
			ended(c, "a request shorter than its head");
			return;
		}
		e->to_recv -= FRAMED_HEAD;
	}
	len -= n;
	if (len > e->to_recv) {
		ended(c, "a request longer than its head says");
		return;
	}
	e->to_recv -= len;
	if (e->head_len == FRAMED_HEAD && !e->to_recv)
		answer(c, e);
}

static void received(struct conn *c, int64_t stream, const char *data,
		     size_t len, bool fin)
{
	struct exchange *e = conn_exchange(c, stream);

	if (!e)
		e = conn_exchange_new(c, stream);
	if (c->worker->o->transport->has_streams)
		received_stream(c, e, data, len, fin);
	else
		received_framed(c, e, data, len);
}

static void opened(struct conn *c)
{
	(void)c;
}

/* Its client closes: it is the one who knows that all has arrived. */
static void sent(struct conn *c, struct exchange *e)
{
	conn_exchange_free(c, e);
}

static int turn(struct worker *w)
{
	(void)w;
	return -1;
}

static const struct role server = {
	.opened = opened, .received = received, .sent = sent, .ended = ended,
	.turn = turn,
};

static void *serve(void *arg)
{
	worker_run(arg);
	return NULL;
}

/* Workers take connections from one listener as they come. */
static void start(struct worker *w, const struct options *o, struct tls *tls,
		  unsigned int index, int listener)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLEXCLUSIVE };

	worker_init(w, o, &server, tls, index);
	w->listener = listener;
	if (epoll_ctl(w->epoll, EPOLL_CTL_ADD, listener, &event))
		err(1, "epoll");
	if (pthread_create(&w->thread, NULL, serve, w))
		errx(1, "no thread");
}

/* Until it is killed, or standard input ends. */
void server_run(const struct options *o, struct tls *tls)
{
	struct worker *workers = calloc(o->threads, sizeof(*workers));
	int listener = net_listen(o);
	char buffer[256];

	if (!workers)
		err(1, NULL);
	for (unsigned int i = 0; i < o->threads; i++)
		start(&workers[i], o, tls, i, listener);
	report_ready(o);
	if (!o->until_eof)
		pthread_join(workers[0].thread, NULL);	/* never */
	while (read(STDIN_FILENO, buffer, sizeof(buffer)) > 0)
		;
	exit(0);
}
