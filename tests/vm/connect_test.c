// SPDX-License-Identifier: GPL-2.0
/*
 * connect(): at once, without a packet; refusal.
 */
#include <poll.h>
#include <time.h>
#include "pair.h"

TEST_EACH(connect_sends_nothing)
{
	int udp = udp_socket(0), fd = client(port_of(udp));
	union addr a;
	socklen_t len = sizeof(a);
	char c;

	EQ(counter("QuicTxPackets"), 0);
	ERR(recv(udp, &c, 1, MSG_DONTWAIT), EAGAIN);
	OK(!getpeername(fd, &a.sa, &len));
	EQ(ntohs(a.v4.sin_port), port_of(udp));
	OK(port_of(fd) > 0);
	OK(poll_now(fd) & POLLOUT);
	OK(!(poll_now(fd) & (POLLIN | POLLHUP | POLLERR)));
	OK(!set_nonblock(fd));
	ERR(recv(fd, &c, 1, 0), EAGAIN);
	/* A handshake that never began says nothing when it ends, or little. */
	close(fd);
}

TEST_EACH(connect_twice)
{
	int udp = udp_socket(0), fd = client(port_of(udp));
	union addr a;

	errno = 0;
	EQ(connect(fd, &a.sa, loopback(&a, family, port_of(udp))), -1);
	OK(errno == EISCONN || errno == EINVAL);
}

TEST(connect_arguments)
{
	int four = socket(AF_INET, SOCK_DGRAM, IPPROTO_QUIC);
	int six = socket(AF_INET6, SOCK_DGRAM, IPPROTO_QUIC);
	union addr a;

	loopback(&a, AF_INET, 0);
	ERR(connect(four, &a.sa, sizeof(a.v4)), EINVAL);
	a.v4.sin_port = htons(4433);
	ERR(connect(four, &a.sa, 1), EINVAL);
	ERR(connect(four, &a.sa, sizeof(a.v4) - 1), EINVAL);
	loopback(&a, AF_INET6, 4433);
	ERR(connect(four, &a.sa, sizeof(a.v6)), EAFNOSUPPORT);
	ERR(connect(six, &a.sa, 20), EINVAL);
	/* None of these spoilt the socket. */
	EQ(connect(six, &a.sa, sizeof(a.v6)), 0);
}

TEST(connect_listener)
{
	int l = listener(NULL);
	union addr a;

	ERR(connect(l, &a.sa, loopback(&a, family, 4433)), EINVAL);
}

TEST(connect_without_route)
{
	int fd = quic_socket();
	union addr a;
	socklen_t len = loopback(&a, AF_INET, 4433);

	a.v4.sin_addr.s_addr = inet_addr("192.0.2.1");
	ERR(connect(fd, &a.sa, len), ENETUNREACH);
}

TEST_EACH(connect_after_bind)
{
	int udp = udp_socket(0), fd = quic_socket(), port;
	union addr a;

	OK(!bind(fd, &a.sa, loopback(&a, family, 0)));
	port = port_of(fd);
	OK(!connect(fd, &a.sa, loopback(&a, family, port_of(udp))));
	EQ(port_of(fd), port);
}

/* The port answers with ICMP: known in a round trip, not after a timeout. */
TEST_EACH(connection_refused)
{
	int udp = udp_socket(0), port = port_of(udp), fd;
	time_t start = time(NULL);

	close(udp);
	fd = client(port);
	EQ(client_handshake(fd), -ECONNREFUSED);
	OK(time(NULL) - start <= 5);
	OK(poll_now(fd) & POLLHUP);
	close(fd);
}

TEST(server_that_never_answers)
{
	struct quic_transport_param tp = { .max_idle_timeout = 1000000 };
	struct quic_config cfg = { .initial_smoothed_rtt = 50000 };
	int udp = udp_socket(0), fd = quic_socket(), ret;
	union addr a;

	OK(!opt_set(fd, QUIC_SOCKOPT_TRANSPORT_PARAM, &tp, sizeof(tp)));
	OK(!opt_set(fd, QUIC_SOCKOPT_CONFIG, &cfg, sizeof(cfg)));
	OK(!connect(fd, &a.sa, loopback(&a, family, port_of(udp))));
	ret = client_handshake(fd);
	EQ(ret, -ETIMEDOUT);
}
