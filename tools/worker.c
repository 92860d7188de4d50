// SPDX-License-Identifier: GPL-2.0
/*
 * A thread of quicserve: connections, and the loop that they share.
 *
 * All threads wait for the same listeners, and whoever is idle takes the next
 * connection (EPOLLEXCLUSIVE): one queue keeps no connection waiting behind a
 * thread that is busy, as a listener per thread would.  With --per-cpu there is
 * one per thread all the same: what a connection brings is then processed, from
 * the device's interrupt on, on the CPU of its thread.  A connection stays with
 * its thread; what it does is in conn.c and, by protocol, in h3_serve.c and
 * hq_serve.c.  Nothing in the loop blocks, handshakes least of all.
 */
#include "worker.h"

#include <err.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "place.h"

#define EVENTS		64
#define ACCEPTS		8	/* at a time: others are idle, too */
#define TICK_MS		250
#define HANDSHAKE_US	(30 * 1000000ULL)
#define LINGER_US	(2 * 1000000ULL)

struct client {
	bool listening;		/* false */
	LIST_ENTRY(client) link;
	struct conn conn;
	unsigned int told;	/* times, that the end comes */
	uint32_t interest;	/* what epoll waits for */
	uint64_t sent;		/* bytes of streams, when that was asked last */
	char name[NAME_SIZE];
};

struct worker {
	struct server *server;
	struct listeners *listeners;
	pthread_t thread;
	int epoll;
	LIST_HEAD(, client) clients;
	unsigned int client_count;
	bool accepting;		/* the listeners are in epoll */
	bool draining;
};

static void accept_more(struct worker *w, bool on)
{
	struct listeners *ls = w->listeners;

	if (w->accepting == on || (on && w->draining))
		return;
	w->accepting = on;
	for (unsigned int i = 0; i < ls->count; i++) {
		struct epoll_event ev = {
			.events = EPOLLIN | EPOLLEXCLUSIVE,
			.data.ptr = &ls->of[i],
		};

		/* One that has been closed is out of epoll already, and the
		 * main thread closes them as soon as the phase is another.
		 */
		if (epoll_ctl(w->epoll, on ? EPOLL_CTL_ADD : EPOLL_CTL_DEL,
			      ls->of[i].fd, &ev) && on &&
		    w->server->phase == PHASE_SERVE)
			err(1, "epoll");
	}
}

/* ---- clients ------------------------------------------------------------- */

static void drop_client(struct worker *w, struct client *c)
{
	struct server *s = w->server;
	/* A handshake that nobody finished is the network's noise. */
	bool was_open = c->conn.opened;

	log_connection(&s->serve.log, &c->conn, was_open ? "closed" : "failed");
	conn_release(&c->conn);	/* leaves epoll, too */
	LIST_REMOVE(c, link);
	w->client_count--;
	free(c);
	accept_more(w, true);
	if (was_open && s->once) {
		s->phase = PHASE_STOP;
		pthread_kill(s->main, SIGUSR2);
	}
}

/* Keep epoll's idea of the connection up to date, or drop it. */
static void update_client(struct worker *w, struct client *c)
{
	struct epoll_event ev = { .data.ptr = c };

	/* Nothing is under way after the last word to the client.  It closes,
	 * or what it has received but not read yet would be lost with us.
	 */
	if (c->told > 1 && conn_is_idle(&c->conn) &&
	    clock_us() - c->conn.heard > LINGER_US)
		conn_finish(&c->conn);
	if (c->conn.state == CONN_CLOSED) {
		drop_client(w, c);
		return;
	}
	/* poll's and epoll's bits are the same. */
	ev.events = conn_events(&c->conn);
	if (ev.events == c->interest)
		return;
	if (epoll_ctl(w->epoll, c->interest ? EPOLL_CTL_MOD : EPOLL_CTL_ADD,
		      c->conn.fd, &ev)) {
		conn_fail(&c->conn, CONN_END_ERROR, 0, "epoll: %s",
			  strerror(errno));
		drop_client(w, c);
		return;
	}
	c->interest = ev.events;
}

static void announce(struct conn *conn)
{
	struct serve *serve = conn->owner;

	log_connection(&serve->log, conn, "connected");
}

/* Before the handshake, which names it to the client. */
static void prefer(struct server *s, int fd)
{
	for (int i = 0; i < 2; i++) {
		if (!s->preferred[i].ss_family ||
		    !place_set(fd, &s->preferred[i]) || s->no_preferred)
			continue;
		warn("the preferred address");
		s->no_preferred = true;
	}
}

static void accept_client(struct worker *w, int fd,
			  const struct sockaddr *addr, socklen_t len)
{
	struct server *s = w->server;
	struct client *c = calloc(1, sizeof(*c));

	if (!c) {
		close(fd);
		return;
	}
	c->conn.protocols = s->protocols;
	c->conn.owner = &s->serve;
	c->conn.on_open = announce;
	conn_name(c->name, sizeof(c->name), addr, len);
	c->conn.peer = c->name;
	LIST_INSERT_HEAD(&w->clients, c, link);
	w->client_count++;
	prefer(s, fd);
	conn_accepted(&c->conn, &s->tls, fd);
	update_client(w, c);
}

static void accept_clients(struct worker *w, const struct listener *l)
{
	struct sockaddr_storage addr;
	socklen_t len;
	int fd;

	for (int i = 0; i < ACCEPTS; i++) {
		if (w->client_count >= w->server->max_clients) {
			accept_more(w, false);
			return;
		}
		len = sizeof(addr);
		fd = accept4(l->fd, (struct sockaddr *)&addr, &len,
			     SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0) {
			/* Out of descriptors: the next tick tries again. */
			if (errno == EMFILE || errno == ENFILE)
				accept_more(w, false);
			return;
		}
		accept_client(w, fd, (struct sockaddr *)&addr, len);
	}
}

/* ---- the end --------------------------------------------------------------- */

/* RFC 9114 section 5.2: first say that the end comes, a while later which
 * requests were the last.  Who is in the handshake is told afterwards: the
 * client could not know that another process would have it.
 */
static void drain_client(struct client *c)
{
	if (c->conn.state == CONN_OPEN && c->told < 2)
		conn_drain(&c->conn, c->told++);
}

static void begin_drain(struct worker *w)
{
	struct client *c, *next;

	accept_more(w, false);
	w->draining = true;
	for (c = LIST_FIRST(&w->clients); c; c = next) {
		next = LIST_NEXT(c, link);
		drain_client(c);
		update_client(w, c);
	}
}

static void finish_clients(struct worker *w)
{
	while (!LIST_EMPTY(&w->clients)) {
		struct client *c = LIST_FIRST(&w->clients);

		conn_finish(&c->conn);
		drop_client(w, c);
	}
}

/* PINGs keep a connection without any use, as do requests whose answers nobody
 * reads.  What the kernel has taken it may send for long, to a slow client.
 */
static void end_if_stuck(const struct worker *w, struct client *c, uint64_t now)
{
	struct quic_info info = { 0 };
	socklen_t len = sizeof(info);

	if (c->conn.state != CONN_OPEN ||
	    now - c->conn.heard < w->server->timeout_us)
		return;
	if (getsockopt(c->conn.fd, SOL_QUIC, QUIC_SOCKOPT_INFO, &info, &len) ||
	    info.data_sent == c->sent) {
		conn_finish(&c->conn);
		return;
	}
	c->sent = info.data_sent;
	c->conn.heard = now;
}

/* ---- the loop -------------------------------------------------------------- */

static void tick(struct worker *w)
{
	struct client *c, *next;
	uint64_t now = clock_us();

	for (c = LIST_FIRST(&w->clients); c; c = next) {
		next = LIST_NEXT(c, link);
		if (c->conn.state == CONN_HANDSHAKE &&
		    now - c->conn.began > HANDSHAKE_US)
			conn_fail(&c->conn, CONN_END_TIMEOUT, 0,
				  "the handshake took too long");
		end_if_stuck(w, c, now);
		if (w->draining)
			drain_client(c);
		conn_retry(&c->conn);
		update_client(w, c);
	}
	if (w->client_count < w->server->max_clients)
		accept_more(w, true);
}

static void serve_events(struct worker *w)
{
	struct epoll_event ev[EVENTS];
	int n = epoll_wait(w->epoll, ev, EVENTS, TICK_MS);

	if (n < 0 && errno != EINTR)
		err(1, "epoll");
	for (int i = 0; i < n; i++) {
		const bool *listening = ev[i].data.ptr;
		struct client *c = ev[i].data.ptr;

		if (*listening) {
			accept_clients(w, ev[i].data.ptr);
			continue;
		}
		conn_ready(&c->conn, ev[i].events);
		update_client(w, c);
	}
}

/* It is faster there, but works anywhere. */
static void stay_on(int cpu)
{
	cpu_set_t set;

	if (cpu < 0)
		return;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		warn("CPU %d", cpu);
}

static void *run(void *arg)
{
	struct worker *w = arg;
	struct server *s = w->server;
	uint64_t next = 0;

	stay_on(w->listeners->cpu);
	accept_more(w, true);
	while (s->phase != PHASE_STOP &&
	       !(w->draining && LIST_EMPTY(&w->clients))) {
		serve_events(w);
		if (s->phase == PHASE_DRAIN && !w->draining)
			begin_drain(w);
		if (clock_us() >= next) {
			tick(w);
			next = clock_us() + TICK_MS * 1000;
		}
	}
	w->draining = true;
	accept_more(w, false);
	finish_clients(w);
	s->running--;
	pthread_kill(s->main, SIGUSR2);
	return NULL;
}

struct worker *worker_start(struct server *s, struct listeners *listeners)
{
	struct worker *w = calloc(1, sizeof(*w));
	int error;

	if (!w)
		return NULL;
	w->server = s;
	w->listeners = listeners;
	w->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (w->epoll < 0) {
		free(w);
		return NULL;
	}
	s->running++;
	error = pthread_create(&w->thread, NULL, run, w);
	if (!error)
		return w;
	s->running--;
	close(w->epoll);
	free(w);
	errno = error;
	return NULL;
}

void worker_wake(struct worker *w)
{
	pthread_kill(w->thread, SIGUSR1);
}

void worker_join(struct worker *w)
{
	pthread_join(w->thread, NULL);
	close(w->epoll);
	free(w);
}
