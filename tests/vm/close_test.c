// SPDX-License-Identifier: GPL-2.0
/*
 * The end: close(), shutdown(), idle timeout; what remains readable, errors
 * and poll bits afterwards.
 */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include "pair.h"

#define NEW	MSG_QUIC_STREAM_NEW
#define FIN	MSG_QUIC_STREAM_FIN
#define ALL	(POLLHUP | POLLERR | POLLIN | POLLRDHUP | POLLOUT)

static void set_close(int fd, uint32_t code, const char *phrase)
{
	struct quic_connection_close cl = { .errcode = code };

	strcpy((char *)cl.phrase, phrase);
	OK(!opt_set(fd, QUIC_SOCKOPT_CONNECTION_CLOSE, &cl, sizeof(cl)));
}

static void peer_closed(int fd, uint32_t code, const char *phrase)
{
	struct quic_connection_close cl = { 0 };
	socklen_t len = sizeof(cl);

	OK(!opt_get(fd, QUIC_SOCKOPT_CONNECTION_CLOSE, &cl, &len));
	EQ(len, 72);
	EQ(cl.errcode, code);
	OK(!strcmp((char *)cl.phrase, phrase));
}

TEST_EACH(client_closes)
{
	struct pair p = { 0 };

	connection(&p);
	set_close(p.client, 7, "client is tired");
	close(p.client);
	wait_closed(p.server);
	peer_closed(p.server, 7, "client is tired");
	EQ(counter("QuicFrmInCloses"), 1);
	/* Once, and again for packets that were under way. */
	OK(counter("QuicFrmOutCloses") >= 1);
	OK(counter("QuicFrmOutCloses") <= 1 + counter("QuicDropState"));
}

TEST_EACH(server_closes)
{
	struct pair p = { 0 };

	connection(&p);
	set_close(p.server, 123456789, "no phrase is longer than this one, which has 63 bytes, no more");
	close(p.server);
	wait_closed(p.client);
	peer_closed(p.client, 123456789, "no phrase is longer than this one, which has 63 bytes, no more");
}

TEST_EACH(closed_connection)
{
	struct pair p = { 0 };
	int64_t c = 0;

	connection(&p);
	EQ(stream_open(p.client, -1, 0), 0);
	close(p.server);
	wait_poll(p.client, POLLHUP);
	EQ(poll_now(p.client) & ALL, ALL);
	ERR(read(p.client, &c, 1), ENOTCONN);
	ERR(read(p.client, &c, 1), ENOTCONN);
	ERR(send(p.client, "x", 1, MSG_NOSIGNAL), EPIPE);
	ERR(quic_sendmsg(p.client, "x", 1, 4, NEW | MSG_NOSIGNAL), EPIPE);
	ERR(stream_open(p.client, -1, 0), EPIPE);
	ERR(stream_reset(p.client, 0, 0), EINVAL);
	ERR(stream_stop(p.client, 0, 0), EINVAL);
	ERR(shutdown(p.client, SHUT_WR), ENOTCONN);
	EQ(close(p.client), 0);
}

static volatile sig_atomic_t pipes;

static void on_pipe(int sig)
{
	pipes++;
}

TEST(sigpipe)
{
	struct pair p = { 0 };

	connection(&p);
	EQ(stream_open(p.client, -1, 0), 0);
	close(p.server);
	wait_closed(p.client);
	signal(SIGPIPE, on_pipe);
	ERR(write(p.client, "x", 1), EPIPE);
	EQ(pipes, 1);
	ERR(send(p.client, "x", 1, MSG_NOSIGNAL), EPIPE);
	EQ(pipes, 1);
}

/* What arrived before the close is still read. */
TEST_EACH(data_before_the_close)
{
	struct pair p = { .events = 1 << QUIC_EVENT_STREAM_UPDATE };
	char buf[16];
	bool fin;

	connection(&p);
	EQ(quic_sendmsg(p.client, "last words", 10, 0, NEW | FIN), 10);
	wait_update(p.client, 0, QUIC_STREAM_SEND_STATE_RECVD, NULL);
	close(p.client);
	wait_poll(p.server, POLLHUP);
	EQ(read_stream(p.server, 0, buf, sizeof(buf), &fin), 10);
	OK(fin && !memcmp(buf, "last words", 10));
	wait_closed(p.server);
}

/* Less than a window that was halved, more than pacing lets go at once. */
static void last_words(void (*end)(int fd))
{
	static char buf[5000], got[5000];
	struct pair p = { 0 };
	bool fin;

	connection(&p);
	UNTIL(settled(p.client));
	memset(buf, 'q', sizeof(buf));
	EQ(quic_sendmsg(p.client, buf, sizeof(buf), 0, NEW | FIN), sizeof(buf));
	end(p.client);
	EQ(read_stream(p.server, 0, got, sizeof(got), &fin), sizeof(got));
	OK(fin && !memcmp(buf, got, sizeof(got)));
}

static void by_close(int fd)
{
	OK(!close(fd));
}

static void by_shutdown(int fd)
{
	OK(!shutdown(fd, SHUT_WR));
}

/* close() sends what the window permits before it says goodbye. */
TEST(close_flushes)
{
	last_words(by_close);
}

/* Where the path is long, pacing would let some of it leave later. */
TEST(close_does_not_wait_for_pacing)
{
	OK(!system("tc qdisc add dev lo root netem delay 30ms"));
	last_words(by_close);
}

TEST(shutdown_does_not_wait_for_pacing)
{
	OK(!system("tc qdisc add dev lo root netem delay 30ms"));
	last_words(by_shutdown);
}

TEST_EACH(close_with_unread_data)
{
	static char buf[50000];
	struct pair p = { 0 };

	connection(&p);
	EQ(quic_sendmsg(p.client, buf, sizeof(buf), 0, NEW), sizeof(buf));
	EQ(quic_sendmsg(p.client, buf, 100, 4, NEW), 100);
	wait_poll(p.server, POLLIN);
	close(p.server);
	wait_closed(p.client);
	close(p.client);
}

TEST(close_of_a_listener_with_clients_waiting)
{
	int l = listener(NULL), c = client(port_of(l));
	pthread_t thread;

	(void)thread;
	OK(!set_nonblock(c));
	close(l);
	/* Nobody there any more: the same as a closed port. */
	EQ(client_handshake(c), -ECONNREFUSED);
}

/* ---- shutdown() --------------------------------------------------------------------------- */

TEST_EACH(shutdown_write)
{
	struct pair p = { 0 };
	char c;

	connection(&p);
	set_close(p.client, 31, "half");
	EQ(shutdown(p.client, SHUT_WR), 0);
	wait_closed(p.server);
	peer_closed(p.server, 31, "half");
	ERR(read(p.client, &c, 1), ENOTCONN);
	ERR(send(p.client, "x", 1, MSG_NOSIGNAL), EPIPE);
	EQ(poll_now(p.client) & ALL, ALL);
}

TEST_EACH(shutdown_read)
{
	struct pair p = { 0 };
	char c;

	connection(&p);
	EQ(shutdown(p.client, SHUT_RD), 0);
	ERR(read(p.client, &c, 1), ENOTCONN);
	EQ(poll_now(p.client) & ALL, ALL);
	ERR(shutdown(p.client, 9), EINVAL);
}

static void *read_end(void *arg)
{
	char c;

	ERR(read(*(int *)arg, &c, 1), ENOTCONN);
	return NULL;
}

TEST(shutdown_wakes_the_reader)
{
	struct pair p = { 0 };
	pthread_t thread;

	connection(&p);
	OK(!pthread_create(&thread, NULL, read_end, &p.client));
	EQ(shutdown(p.client, SHUT_RDWR), 0);
	pthread_join(thread, NULL);
}

static void *accept_end(void *arg)
{
	ERR(accept(*(int *)arg, NULL, NULL), EINVAL);
	return NULL;
}

TEST(shutdown_wakes_accept)
{
	int l = listener(NULL);
	pthread_t thread;

	OK(!pthread_create(&thread, NULL, accept_end, &l));
	short_while();
	EQ(shutdown(l, SHUT_RDWR), 0);
	pthread_join(thread, NULL);
}

/* ---- idle --------------------------------------------------------------------------------- */

/* RFC9000-10.1-1 */
/* Three PTOs at least, of which each waits for the peer's max_ack_delay. */
TEST(idle_timeout_is_three_ptos)
{
	struct pair p = {
		.client_params.max_idle_timeout = 1000000,
		.server_params.max_idle_timeout = 1000000,
		.client_params.max_ack_delay = 1000000,
		.server_params.max_ack_delay = 1000000,
	};
	char c;

	connection(&p);
	/* Longer than the timeout that was agreed on. */
	usleep(2000000);
	EQ(quic_sendmsg(p.client, "x", 1, 0, NEW), 1);
	EQ(read_stream(p.server, 0, &c, 1, NULL), 1);
}

TEST_EACH(idle_timeout)
{
	struct pair p = {
		.client_params.max_idle_timeout = 1000000,
		.events = 1 << QUIC_EVENT_CONNECTION_CLOSE,
	};
	union quic_event ev;
	int err = 0;
	socklen_t len = sizeof(err);

	connection(&p);
	wait_event(p.client, QUIC_EVENT_CONNECTION_CLOSE, &ev);
	EQ(ev.close.errcode, 0);
	EQ(ev.close.phrase[0], 0);
	OK(!getsockopt(p.client, SOL_SOCKET, SO_ERROR, &err, &len));
	EQ(err, ETIMEDOUT);
	wait_closed(p.client);
	/* The lower of both values counts for both. */
	wait_event(p.server, QUIC_EVENT_CONNECTION_CLOSE, &ev);
	wait_closed(p.server);
	EQ(counter("QuicFrmOutCloses"), 0);
}

static void set_keepalive(int fd)
{
	struct quic_config cfg = { .keepalive_probe_interval = 1500000 };

	OK(!opt_set(fd, QUIC_SOCKOPT_CONFIG, &cfg, sizeof(cfg)));
}

TEST(keepalive_keeps_it_alive)
{
	struct pair p = { .client_params.max_idle_timeout = 2500000,
			  .set_client = set_keepalive };
	struct pollfd fd = { .events = POLLIN };
	char c;

	connection(&p);
	fd.fd = p.server;
	/* Longer than the idle timeout: nothing happens. */
	EQ(poll(&fd, 1, 4000), 0);
	EQ(quic_sendmsg(p.client, "x", 1, 0, NEW), 1);
	EQ(read_stream(p.server, 0, &c, 1, NULL), 1);
}

/* ---- poll and epoll ------------------------------------------------------------------------- */

TEST_EACH(poll_bits)
{
	struct pair p = { 0 };
	char c;

	connection(&p);
	EQ(poll_now(p.client), POLLOUT);
	EQ(poll_now(p.server), POLLOUT);
	EQ(quic_sendmsg(p.client, "x", 1, 0, NEW), 1);
	wait_poll(p.server, POLLIN);
	EQ(poll_now(p.server), POLLIN | POLLOUT);
	EQ(read(p.server, &c, 1), 1);
	EQ(poll_now(p.server), POLLOUT);
	EQ(poll_now(p.listener), 0);
}

TEST_EACH(epoll_edges)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLET };
	struct pair p = { 0 };
	int ep = epoll_create1(0);
	char c;

	connection(&p);
	EQ(epoll_ctl(ep, EPOLL_CTL_ADD, p.server, &ev), 0);
	EQ(epoll_wait(ep, &ev, 1, 0), 0);
	for (int i = 0; i < 10; i++) {
		EQ(quic_sendmsg(p.client, "xy", 2, 0, NEW), 2);
		EQ(epoll_wait(ep, &ev, 1, -1), 1);
		OK(ev.events & EPOLLIN);
		EQ(epoll_wait(ep, &ev, 1, 0), 0);	/* not twice */
		EQ(read(p.server, &c, 1), 1);
		EQ(epoll_wait(ep, &ev, 1, 0), 0);	/* no new edge */
		EQ(read(p.server, &c, 1), 1);
	}
	close(p.client);
	do {
		EQ(epoll_wait(ep, &ev, 1, -1), 1);
	} while (!(ev.events & EPOLLHUP));
}

TEST(epoll_edge_of_room)
{
	struct pair p = { .server_params = { .max_data = 4000 } };
	struct epoll_event ev = { .events = EPOLLOUT | EPOLLET };
	int ep = epoll_create1(0);
	static char buf[8000];

	connection(&p);
	EQ(epoll_ctl(ep, EPOLL_CTL_ADD, p.client, &ev), 0);
	EQ(epoll_wait(ep, &ev, 1, -1), 1);
	for (int i = 0; i < 10; i++) {
		ssize_t n = quic_sendmsg(p.client, buf, sizeof(buf), 0,
					 NEW | MSG_DONTWAIT);

		OK(n > 0);
		ERR(quic_sendmsg(p.client, buf, 1, 0, MSG_DONTWAIT), ENOSPC);
		EQ(read_stream(p.server, 0, buf, n, NULL), n);
		EQ(epoll_wait(ep, &ev, 1, -1), 1);
		OK(ev.events & EPOLLOUT);
	}
}
