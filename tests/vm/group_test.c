// SPDX-License-Identifier: GPL-2.0
/*
 * Listeners with SO_REUSEPORT: which one of the group gets a client, and what
 * becomes of clients when one of them closes.
 */
#include <poll.h>
#include <pthread.h>
#include "pair.h"
#include "paths.h"

static int member(int port)
{
	int fd = quic_socket(), on = 1;
	union addr a;

	OK(!opt_set(fd, QUIC_SOCKOPT_ALPN, "h3", 2));
	OK(!setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)));
	OK(!bind(fd, &a.sa, loopback(&a, family, port)));
	return fd;
}

static int listening(int port, int cpu)
{
	int fd = member(port);

	if (cpu >= 0)
		serve_cpu(fd, cpu);
	OK(!listen(fd, 64));
	return fd;
}

static void *knock(void *arg)
{
	client_handshake((long)arg);
	return NULL;
}

/* Has sent its ClientHello; the handshake goes on in @thread. */
static int knocking(int port, pthread_t *thread)
{
	int fd = quic_socket();
	union addr a;

	OK(!opt_set(fd, QUIC_SOCKOPT_ALPN, "h3", 2));
	OK(!connect(fd, &a.sa, loopback(&a, family, port)));
	OK(!pthread_create(thread, NULL, knock, (void *)(long)fd));
	return fd;
}

/* Which of the two gets the next client?  It is accepted there. */
static int who(int a, int b, int port)
{
	struct pollfd fds[2] = { { .fd = a, .events = POLLIN },
				 { .fd = b, .events = POLLIN } };
	pthread_t thread;
	int s;

	knocking(port, &thread);
	OK(poll(fds, 2, -1) == 1);
	s = accept(fds[0].revents ? a : b, NULL, NULL);
	OK(s >= 0 && !server_handshake(s));
	OK(!pthread_join(thread, NULL));
	return !fds[0].revents;
}

/* ---- who gets a client ------------------------------------------------------ */

TEST_EACH(group_member_of_the_cpu)
{
	int a = listening(0, 0), port = port_of(a), b = listening(port, 1);

	for (int i = 0; i < 12; i++) {
		pin(i % 2);
		EQ(who(a, b, port), i % 2);
	}
}

/* Two of them serve the CPU: both get some, a third one none. */
TEST(group_members_of_one_cpu)
{
	int a = listening(0, 1), port = port_of(a), b = listening(port, 1);
	int got[2] = { 0 }, other = listening(port, 0);

	pin(1);
	for (int i = 0; i < 40 && !(got[0] && got[1]); i++)
		got[who(a, b, port)]++;
	OK(got[0] && got[1]);
	EQ(poll_now(other), 0);
}

TEST(group_without_a_member_of_the_cpu)
{
	int a = listening(0, 0), port = port_of(a), b = listening(port, -1);
	int got[2] = { 0 };

	pin(1);
	for (int i = 0; i < 40 && !(got[0] && got[1]); i++)
		got[who(a, b, port)]++;
	OK(got[0] && got[1]);
}

/* Otherwise anybody could take a part of another user's clients. */
TEST(group_is_of_one_user)
{
	int a = listening(0, -1), b;

	OK(!seteuid(65534));
	b = member(port_of(a));
	ERR(listen(b, 1), EADDRINUSE);
	OK(!seteuid(0));
	OK(!listen(member(port_of(a)), 1));
}

/* The ports of our UDP sockets are shared among them, but with nobody else. */
TEST_EACH(group_keeps_other_udp_sockets_out)
{
	int a = listening(0, -1), port = port_of(a), on = 1;
	int fd = socket(family, SOCK_DGRAM, 0);
	union addr u;

	OK(!setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)));
	ERR(bind(fd, &u.sa, loopback(&u, family, port)), EADDRINUSE);
	close(a);
	UNTIL(!bind(fd, &u.sa, loopback(&u, family, port)));
}

/* ---- a CPU of its own --------------------------------------------------------- */

/* UDP sockets of this namespace with the port. */
static int udp_sockets(int port)
{
	char line[256], want[16];
	int n = 0;
	FILE *f = fopen(family == AF_INET ? "/proc/self/net/udp" :
					    "/proc/self/net/udp6", "r");

	OK(f);
	snprintf(want, sizeof(want), ":%04X ", port);
	while (fgets(line, sizeof(line), f))
		n += !!strstr(line, want);
	fclose(f);
	return n;
}

/* Each with a receive queue of its own, so that none takes what came to another;
 * a client's are of one connection.
 */
TEST_EACH(listener_has_a_udp_socket_per_cpu)
{
	int a = listening(0, -1), port = port_of(a), c = client(port);

	EQ(udp_sockets(port), sysconf(_SC_NPROCESSORS_ONLN));
	EQ(udp_sockets(port_of(c)), 1);
	/* Others listen at the same ones. */
	listening(port, -1);
	EQ(udp_sockets(port), sysconf(_SC_NPROCESSORS_ONLN));
	OK(!listen(a, 0));
	OK(!listen(a, 1));
	EQ(udp_sockets(port), sysconf(_SC_NPROCESSORS_ONLN));
}

static int preferred_port;

static void prefer(int fd)
{
	OK(!migrate(fd, "127.0.0.7", preferred_port));
}

TEST(preferred_address_has_a_udp_socket_per_cpu)
{
	struct pair p = { .accepted = prefer };

	family = AF_INET;
	preferred_port = free_port();
	connection(&p);
	EQ(udp_sockets(preferred_port), sysconf(_SC_NPROCESSORS_ONLN));
}

/* ---- when one closes ------------------------------------------------------------ */

TEST_EACH(closing_hands_waiting_clients_on)
{
	int a = listening(0, -1), port = port_of(a), b, s, n = 5;
	pthread_t threads[5];

	for (int i = 0; i < n; i++)
		knocking(port, &threads[i]);
	wait_poll(a, POLLIN);
	b = listening(port, -1);
	close(a);
	for (int i = 0; i < n; i++) {
		s = accept(b, NULL, NULL);
		OK(s >= 0 && !server_handshake(s));
	}
	for (int i = 0; i < n; i++)
		OK(!pthread_join(threads[i], NULL));
	OK(counter("QuicContactsHandedOn") > 0);
}

/* A client whose protocol the other one does not have is not for it. */
TEST(closing_hands_no_strangers_on)
{
	int a = listening(0, -1), port = port_of(a), b = quic_socket(), on = 1;
	pthread_t thread;
	union addr u;

	OK(!setsockopt(b, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)));
	OK(!opt_set(b, QUIC_SOCKOPT_ALPN, "hq", 2));
	OK(!bind(b, &u.sa, loopback(&u, family, port)));
	OK(!listen(b, 8));
	knocking(port, &thread);
	wait_poll(a, POLLIN);
	close(a);
	EQ(counter("QuicContactsHandedOn"), 0);
	EQ(poll_now(b), 0);
}

/* A process that follows another: what the old one has stays with it, what is new
 * goes to the new one.
 */
TEST_EACH(closing_leaves_connections_alone)
{
	struct pair old = { .listener = listening(0, -1) };
	int port = port_of(old.listener), new;
	pthread_t thread;

	old.client = knocking(port, &thread);
	old.server = accept(old.listener, NULL, NULL);
	OK(old.server >= 0 && !server_handshake(old.server));
	OK(!pthread_join(thread, NULL));
	new = listening(port, -1);
	close(old.listener);
	pair_talk(&old);
	for (int i = 0; i < 8; i++)
		EQ(who(new, old.server, port), 0);
	pair_transfer(&old, 1 << 20);
	EQ(poll_now(new) & POLLIN, 0);
	EQ(counter("QuicDropNoConn"), 0);
	EQ(counter("QuicResetsSent"), 0);
}
