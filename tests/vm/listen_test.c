// SPDX-License-Identifier: GPL-2.0
/*
 * listen() and accept(): which listener gets a client, and what the accepted
 * socket has of it.
 */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/time.h>
#include "pair.h"

static int bound(int port, const char *alpn, bool reuse)
{
	int fd = quic_socket(), on = 1;
	union addr a;

	if (alpn)
		OK(!opt_set(fd, QUIC_SOCKOPT_ALPN, alpn, strlen(alpn)));
	if (reuse)
		OK(!setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)));
	OK(!bind(fd, &a.sa, loopback(&a, family, port)));
	return fd;
}

/* A client that has sent its first flight and waits; never completes. */
static void *knock(void *arg)
{
	quic_client_handshake((long)arg, psk_file, NULL, NULL);
	return NULL;
}

static int knocking_client(int port, const char *alpn)
{
	int fd = quic_socket();
	pthread_t thread;
	union addr a;

	if (alpn)
		OK(!opt_set(fd, QUIC_SOCKOPT_ALPN, alpn, strlen(alpn)));
	OK(!connect(fd, &a.sa, loopback(&a, family, port)));
	OK(!pthread_create(&thread, NULL, knock, (void *)(long)fd));
	pthread_detach(thread);
	return fd;
}

TEST_EACH(accept_without_clients)
{
	int fd = quic_socket(), l = listener(NULL);

	ERR(accept(fd, NULL, NULL), EINVAL);
	OK(!(poll_now(l) & POLLIN));
	OK(!set_nonblock(l));
	ERR(accept(l, NULL, NULL), EAGAIN);
	knocking_client(port_of(l), NULL);
	wait_poll(l, POLLIN);
	OK(accept4(l, NULL, NULL, SOCK_NONBLOCK) >= 0);
	ERR(accept(l, NULL, NULL), EAGAIN);
}

TEST(accept_gives_up_in_time)
{
	struct timeval tv = { .tv_usec = 50000 };
	int l = listener(NULL);

	OK(!setsockopt(l, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
	ERR(accept(l, NULL, NULL), EAGAIN);
}

static void nothing(int sig)
{
}

TEST(accept_is_interrupted)
{
	struct sigaction act = { .sa_handler = nothing };
	struct itimerval tick = { .it_value.tv_usec = 50000,
				  .it_interval.tv_usec = 50000 };
	int l = listener(NULL);

	/* Every 50 ms, lest the first comes before accept() sleeps. */
	sigaction(SIGALRM, &act, NULL);
	setitimer(ITIMER_REAL, &tick, NULL);
	ERR(accept(l, NULL, NULL), EINTR);
}

TEST_EACH(accept_fills_the_address)
{
	int l = listener(NULL), c = knocking_client(port_of(l), NULL), s;
	union addr a, b;
	socklen_t len = sizeof(a);

	s = accept(l, &a.sa, &len);
	OK(s >= 0);
	EQ(a.sa.sa_family, family);
	EQ(ntohs(a.v4.sin_port), port_of(c));
	len = sizeof(b);
	OK(!getpeername(s, &b.sa, &len));
	OK(!memcmp(&a, &b, len));
}

TEST(listen_with_backlog_zero)
{
	int l = listener(NULL);

	OK(!listen(l, 0));
	ERR(accept(l, NULL, NULL), EINVAL);
	/* A listener again. */
	OK(!listen(l, 4));
	knocking_client(port_of(l), NULL);
	OK(accept(l, NULL, NULL) >= 0);
}

TEST(listen_on_a_connection)
{
	struct pair p = { 0 };

	connection(&p);
	ERR(listen(p.client, 1), EINVAL);
	ERR(listen(p.server, 1), EINVAL);
	ERR(accept(p.server, NULL, NULL), EINVAL);
}

TEST(listen_without_bind)
{
	int fd = quic_socket();

	OK(!listen(fd, 1));
	OK(port_of(fd) > 0);
	knocking_client(port_of(fd), NULL);
	OK(accept(fd, NULL, NULL) >= 0);
}

/* ---- ALPN ------------------------------------------------------------------------ */

TEST_EACH(alpn_chooses_the_listener)
{
	int a = bound(0, "smb", false), port = port_of(a);
	int b = bound(port, "h3,hq", false), s;
	char name[128] = "";
	socklen_t len = sizeof(name);

	OK(!listen(a, 4));
	OK(!listen(b, 4));
	OK(!set_nonblock(a) && !set_nonblock(b));

	knocking_client(port, "hq");
	wait_poll(b, POLLIN);
	ERR(accept(a, NULL, NULL), EAGAIN);
	s = accept(b, NULL, NULL);
	OK(s >= 0);
	OK(!opt_get(s, QUIC_SOCKOPT_ALPN, name, &len));
	OK(len == 5 && !memcmp(name, "h3,hq", 5));

	knocking_client(port, "none,smb");
	wait_poll(a, POLLIN);
	ERR(accept(b, NULL, NULL), EAGAIN);
	OK(accept(a, NULL, NULL) >= 0);
}

TEST_EACH(alpn_conflict)
{
	int a = bound(0, "h3,smb", false), port = port_of(a);
	int b = bound(port, "hq,smb", false), c = bound(port, "other", false);
	int d = bound(port, NULL, false);

	OK(!listen(a, 1));
	ERR(listen(b, 1), EADDRINUSE);
	ERR(listen(d, 1), EADDRINUSE);
	OK(!listen(c, 1));
	/* The place becomes free. */
	close(a);
	OK(!listen(b, 1));
}

TEST(alpn_conflict_with_one_reuseport)
{
	int a = bound(0, "h3", true), b = bound(port_of(a), "h3", false);

	OK(!listen(a, 1));
	ERR(listen(b, 1), EADDRINUSE);
}

TEST_EACH(reuseport_shares_the_load)
{
	int a = bound(0, "h3", true), port = port_of(a);
	int b = bound(port, "h3", true), c = bound(port, "h3,hq", true);
	int got[2] = { 0 }, s;

	OK(!listen(a, 64));
	OK(!listen(b, 64));
	ERR(listen(c, 64), EADDRINUSE);
	OK(!set_nonblock(a) && !set_nonblock(b));
	/* With each client the chance that one listener got none is halved. */
	for (int i = 0; i < 40 && !(got[0] && got[1]); i++) {
		struct pollfd fds[2] = { { .fd = a, .events = POLLIN },
					 { .fd = b, .events = POLLIN } };

		knocking_client(port, "h3");
		OK(poll(fds, 2, -1) == 1);
		s = accept(fds[0].revents ? a : b, NULL, NULL);
		OK(s >= 0);
		got[!fds[0].revents]++;
	}
	OK(got[0] && got[1]);
}

TEST(alpn_that_nobody_has)
{
	int l = listener("h3"), c = quic_socket();
	union addr a;

	OK(!opt_set(c, QUIC_SOCKOPT_ALPN, "smb", 3));
	OK(!connect(c, &a.sa, loopback(&a, family, port_of(l))));
	EQ(quic_client_handshake(c, psk_file, NULL, NULL), -ECONNREFUSED);
	OK(!set_nonblock(l));
	ERR(accept(l, NULL, NULL), EAGAIN);
	OK(counter("QuicDropAlpn") > 0);
}

TEST(alpn_fixed_while_listening)
{
	int l = listener("h3");

	ERR(opt_set(l, QUIC_SOCKOPT_ALPN, "smb", 3), EINVAL);
}

/* ---- inheritance ----------------------------------------------------------------- */

static void set_all(int fd)
{
	struct quic_transport_param tp = { .max_idle_timeout = 7000000,
					   .max_streams_uni = 9 };
	struct quic_config cfg = { .payload_cipher_type = 54 };
	int mark = 77;

	OK(!opt_set(fd, QUIC_SOCKOPT_TRANSPORT_PARAM, &tp, sizeof(tp)));
	OK(!opt_set(fd, QUIC_SOCKOPT_CONFIG, &cfg, sizeof(cfg)));
	OK(!opt_set(fd, QUIC_SOCKOPT_CONGESTION, "reno", 4));
	OK(!setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)));
	event_on(fd, QUIC_EVENT_CONNECTION_CLOSE);
}

TEST_EACH(accepted_socket_inherits)
{
	struct quic_event_option ev = { .type = QUIC_EVENT_CONNECTION_CLOSE };
	struct pair p = { .set_listener = set_all };
	struct quic_transport_param tp = { 0 };
	struct quic_config cfg;
	char name[16] = "";
	int mark = 0, val;
	socklen_t len;

	connection(&p);
	len = sizeof(tp);
	OK(!opt_get(p.server, QUIC_SOCKOPT_TRANSPORT_PARAM, &tp, &len));
	EQ(tp.max_idle_timeout, 7000000);
	EQ(tp.max_streams_uni, 9);
	len = sizeof(cfg);
	OK(!opt_get(p.server, QUIC_SOCKOPT_CONFIG, &cfg, &len));
	EQ(cfg.payload_cipher_type, 54);
	len = sizeof(name);
	OK(!opt_get(p.server, QUIC_SOCKOPT_CONGESTION, name, &len));
	OK(!strcmp(name, "reno"));
	len = sizeof(ev);
	OK(!opt_get(p.server, QUIC_SOCKOPT_EVENT, &ev, &len));
	EQ(ev.on, 1);
	len = sizeof(mark);
	OK(!getsockopt(p.server, SOL_SOCKET, SO_MARK, &mark, &len));
	EQ(mark, 77);
	len = sizeof(val);
	OK(!getsockopt(p.server, SOL_SOCKET, SO_TYPE, &val, &len));
	EQ(val, type);
	OK(!getsockopt(p.server, SOL_SOCKET, SO_PROTOCOL, &val, &len));
	EQ(val, IPPROTO_QUIC);
	/* The client learnt of them. */
	tp = (struct quic_transport_param){ .remote = 1 };
	len = sizeof(tp);
	OK(!opt_get(p.client, QUIC_SOCKOPT_TRANSPORT_PARAM, &tp, &len));
	EQ(tp.max_idle_timeout, 7000000);
	EQ(tp.max_streams_uni, 9);
}

TEST(accepted_socket_outlives_its_listener)
{
	struct pair p = { 0 };
	char buf[8];

	connection(&p);
	close(p.listener);
	EQ(quic_sendmsg(p.client, "hello", 5, 0, MSG_QUIC_STREAM_NEW), 5);
	EQ(read_stream(p.server, 0, buf, 5, NULL), 5);
	EQ(write(p.server, "world", 5), 5);
	EQ(read_stream(p.client, 0, buf, 5, NULL), 5);
}
