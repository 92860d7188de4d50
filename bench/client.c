// SPDX-License-Identifier: GPL-2.0
/*
 * The client: opens connections, begins exchanges on them, and keeps the time.
 *
 * Unless connections are to be replaced, all of them are open before the first
 * exchange begins, in all workers.
 */
#include <endian.h>
#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "perf.h"

#define HANDSHAKES_MAX	64	/* of a worker, under way at the same time */
#define NS_PER_S	1e9
#define NS_PER_MS	1000000

static pthread_barrier_t all_open;

static bool waits_for_all(const struct options *o)
{
	return o->repeat == 1;
}

static uint64_t request_size(const struct options *o)
{
	uint64_t head = o->transport->has_streams ? STREAM_HEAD : FRAMED_HEAD;

	return o->up < head ? head : o->up;
}

static uint64_t answer_size(const struct options *o)
{
	return !o->transport->has_streams && o->down < FRAMED_ANSWER_MIN ?
	       FRAMED_ANSWER_MIN : o->down;
}

static bool time_is_over(const struct worker *w)
{
	const struct options *o = w->o;
	uint64_t start = w->stats.ready_ns ?: w->stats.start_ns;

	return o->duration && start &&
	       now_ns() >= start + o->duration * NS_PER_S;
}

static void put_word(uint8_t *to, uint64_t value)
{
	value = htobe64(value);
	memcpy(to, &value, sizeof(value));
}

static void begin_exchange(struct conn *c)
{
	const struct options *o = c->worker->o;
	struct exchange *e = conn_exchange_new(c, c->next_stream);

	if (o->transport->has_streams)
		c->next_stream += 4;
	c->begun++;
	put_word(e->head, o->down);
	put_word(e->head + STREAM_HEAD, request_size(o));
	e->head_len = o->transport->has_streams ? STREAM_HEAD : FRAMED_HEAD;
	e->to_send = request_size(o);
	e->fin = o->transport->has_streams;
	e->to_recv = answer_size(o);
	e->start_ns = now_ns();
	conn_exchange_send(c, e);
}

/* It may be kept open, with nothing to do. */
static void finish(struct conn *c)
{
	struct worker *w = c->worker;

	w->unfinished--;
	w->stats.end_ns = now_ns();
	if (waits_for_all(w->o))
		return;
	c->state = CONN_ENDED;
	worker_busy(c);
}

static uint64_t exchanges_of(const struct options *o)
{
	return o->exchanges * o->streams;
}

static void begin_work(struct conn *c)
{
	const struct options *o = c->worker->o;

	for (unsigned int i = 0; i < o->streams && o->exchanges; i++)
		begin_exchange(c);
	if (!o->exchanges)
		finish(c);
}

static void opened(struct conn *c)
{
	struct worker *w = c->worker;

	w->handshakes--;
	histogram_add(&w->stats.handshake, now_ns() - c->start_ns);
	if (!waits_for_all(w->o))
		begin_work(c);
}

static void complete(struct conn *c, struct exchange *e)
{
	struct worker *w = c->worker;
	const struct options *o = w->o;

	histogram_add(&w->stats.exchange, now_ns() - e->start_ns);
	w->stats.bytes += o->up + o->down;
	conn_exchange_free(c, e);
	c->done++;
	if (c->begun < exchanges_of(o) && !time_is_over(w))
		begin_exchange(c);
	else if (c->done == c->begun)
		finish(c);
}

static void received(struct conn *c, int64_t stream, const char *data,
		     size_t len, bool fin)
{
	struct exchange *e = conn_exchange(c, stream);

	(void)data;
	if (!e || len > e->to_recv)
		errx(1, "more bytes than were asked for");
	e->to_recv -= len;
	if (fin && e->to_recv)
		errx(1, "%llu bytes fewer than were asked for",
		     (unsigned long long)e->to_recv);
	if (c->worker->o->transport->has_streams ? fin : !e->to_recv)
		complete(c, e);
}

static void sent(struct conn *c, struct exchange *e)
{
	(void)c;
	(void)e;
}

static void ended(struct conn *c, const char *why)
{
	if (c->done < exchanges_of(c->worker->o) || c->state == CONN_HANDSHAKE)
		errx(1, "connection: %s", why ? why : "ended by the server");
	c->state = CONN_ENDED;
	worker_busy(c);
}

/* ---- connections ------------------------------------------------------------ */

/* Nanoseconds until the next connection may be begun. */
static uint64_t pause_before_next(const struct worker *w)
{
	const struct options *o = w->o;
	uint64_t due, now = now_ns();

	if (!o->rate || !w->stats.start_ns)
		return 0;
	/* Each worker has its share, and they take turns. */
	due = w->stats.start_ns +
	      (w->started * o->threads + w->index) * NS_PER_S / o->rate;
	return due > now ? due - now : 0;
}

static bool may_connect(const struct worker *w)
{
	const struct options *o = w->o;
	unsigned int share = o->connections / o->threads +
			     (w->index < o->connections % o->threads);

	return w->started < w->to_start && w->conns < share &&
	       w->handshakes < HANDSHAKES_MAX;
}

/* Nanoseconds until there is another one to begin; UINT64_MAX: not by time. */
static uint64_t connect_some(struct worker *w)
{
	while (may_connect(w)) {
		uint64_t pause = pause_before_next(w);

		if (pause)
			return pause;
		if (!w->stats.start_ns) {
			w->stats.idle_ns = idle_ns();
			w->stats.start_ns = now_ns();
		}
		w->started++;
		w->unfinished++;
		w->handshakes++;
		conn_new(w, net_connect(w->o, false));
	}
	return UINT64_MAX;
}

static void start_work(struct worker *w)
{
	struct conn *c;

	w->waiting = false;
	pthread_barrier_wait(&all_open);
	w->stats.idle_ns = idle_ns();
	w->stats.ready_ns = now_ns();
	TAILQ_FOREACH(c, &w->all, all)
		begin_work(c);
}

static bool all_done(const struct worker *w)
{
	if (w->waiting)
		return false;
	return time_is_over(w) || (w->started == w->to_start && !w->unfinished);
}

static uint64_t moved(const struct worker *w, const struct exchange *e)
{
	uint64_t up = e->sent < e->head_len ? 0 : e->sent - e->head_len;

	return up + answer_size(w->o) - e->to_recv;
}

/* What was under way when time was over counts in part. */
static void count_rest(struct worker *w)
{
	struct conn *c;

	TAILQ_FOREACH(c, &w->all, all)
		for (unsigned int i = 0; i < c->table_size; i++)
			if (c->table[i])
				w->stats.bytes += moved(w, c->table[i]);
	w->stats.end_ns = now_ns();
}

static int turn(struct worker *w)
{
	uint64_t pause = connect_some(w), end;

	if (w->waiting && w->started == w->to_start && !w->handshakes)
		start_work(w);
	if (all_done(w)) {
		if (time_is_over(w))
			count_rest(w);
		w->leave = true;
		return 0;
	}
	if (w->o->duration && !w->waiting && w->stats.start_ns) {
		end = (w->stats.ready_ns ?: w->stats.start_ns) +
		      w->o->duration * NS_PER_S - now_ns();
		pause = end < pause ? end : pause;
	}
	return pause == UINT64_MAX ? -1 : (int)(pause / NS_PER_MS) + 1;
}

static const struct role client = {
	.opened = opened, .received = received, .sent = sent, .ended = ended,
	.turn = turn,
};

static void *work(void *arg)
{
	worker_run(arg);
	return NULL;
}

static void start(struct worker *w, const struct options *o, struct tls *tls,
		  unsigned int index)
{
	uint64_t all = o->connections * o->repeat;

	worker_init(w, o, &client, tls, index);
	w->to_start = all / o->threads + (index < all % o->threads);
	w->waiting = waits_for_all(o);
	if (pthread_create(&w->thread, NULL, work, w))
		errx(1, "no thread");
}

void client_run(const struct options *o, struct tls *tls)
{
	struct worker *workers = calloc(o->threads, sizeof(*workers));
	struct stats *sum = calloc(1, sizeof(*sum));
	char buffer[256];

	if (!workers || !sum)
		err(1, NULL);
	if (o->resume)
		o->transport->prime(tls);
	pthread_barrier_init(&all_open, NULL, o->threads);
	for (unsigned int i = 0; i < o->threads; i++)
		start(&workers[i], o, tls, i);
	for (unsigned int i = 0; i < o->threads; i++) {
		pthread_join(workers[i].thread, NULL);
		stats_merge(sum, &workers[i].stats);
	}
	report_stats(o, sum);
	while (o->until_eof && read(STDIN_FILENO, buffer, sizeof(buffer)) > 0)
		;
	for (unsigned int i = 0; i < o->threads; i++)
		worker_free(&workers[i]);
	free(workers);
	free(sum);
}
