// SPDX-License-Identifier: GPL-2.0
/*
 * bind(), getsockname() and getpeername(), addresses of both families.
 */
#include <pthread.h>
#include <sys/wait.h>
#include "pair.h"

TEST_EACH(bind_twice)
{
	int fd = quic_socket();
	union addr a;

	OK(!bind(fd, &a.sa, loopback(&a, family, 0)));
	ERR(bind(fd, &a.sa, loopback(&a, family, 0)), EINVAL);
}

TEST_EACH(bind_chooses_a_port)
{
	union addr a, b;
	socklen_t len = sizeof(b);
	int fd = quic_socket();

	OK(!bind(fd, &a.sa, loopback(&a, family, 0)));
	OK(!getsockname(fd, &b.sa, &len));
	EQ(len, family == AF_INET ? sizeof(b.v4) : sizeof(b.v6));
	EQ(b.sa.sa_family, family);
	OK(port_of(fd) > 0);
	b.v4.sin_port = 0;
	OK(!memcmp(&a, &b, len));
}

TEST_EACH(names_before_bind)
{
	int fd = quic_socket();
	socklen_t len = sizeof(union addr);
	union addr a, none;

	memset(&a, 1, sizeof(a));
	memset(&none, 0, sizeof(none));
	none.sa.sa_family = family;
	OK(!getsockname(fd, &a.sa, &len));
	EQ(len, family == AF_INET ? sizeof(a.v4) : sizeof(a.v6));
	OK(!memcmp(&a, &none, len));
	ERR(getpeername(fd, &a.sa, &len), ENOTCONN);
}

TEST_EACH(bind_beside_ordinary_udp)
{
	int udp = udp_socket(0), fd = quic_socket(), port = port_of(udp);
	union addr a;

	ERR(bind(fd, &a.sa, loopback(&a, family, port)), EADDRINUSE);
	close(udp);
	OK(!bind(fd, &a.sa, loopback(&a, family, port)));
	/* And the other way round. */
	udp = socket(family, SOCK_DGRAM, 0);
	ERR(bind(udp, &a.sa, loopback(&a, family, port)), EADDRINUSE);
	close(fd);
	UNTIL(!bind(udp, &a.sa, loopback(&a, family, port)));
}

TEST_EACH(bind_shares_a_port)
{
	int one = quic_socket(), two = quic_socket();
	union addr a;

	OK(!bind(one, &a.sa, loopback(&a, family, 0)));
	OK(!bind(two, &a.sa, loopback(&a, family, port_of(one))));
	EQ(port_of(one), port_of(two));
	close(one);
	EQ(listen(two, 1), 0);
}

TEST(bind_to_foreign_address)
{
	int fd = quic_socket();
	union addr a;
	socklen_t len = loopback(&a, AF_INET, 0);

	a.v4.sin_addr.s_addr = inet_addr("192.0.2.1");
	ERR(bind(fd, &a.sa, len), EADDRNOTAVAIL);
	/* Nothing of it remains. */
	OK(!bind(fd, &a.sa, loopback(&a, AF_INET, 0)));
}

TEST(bind_to_foreign_address_v6)
{
	int fd = socket(AF_INET6, SOCK_DGRAM, IPPROTO_QUIC);
	union addr a;
	socklen_t len = loopback(&a, AF_INET6, 0);

	inet_pton(AF_INET6, "2001:db8::1", &a.v6.sin6_addr);
	ERR(bind(fd, &a.sa, len), EADDRNOTAVAIL);
}

TEST_EACH(bind_low_port_without_privilege)
{
	union addr a;
	int fd;

	OK(!setgid(65534) && !setuid(65534));
	fd = quic_socket();
	ERR(bind(fd, &a.sa, loopback(&a, family, 443)), EACCES);
	OK(!bind(fd, &a.sa, loopback(&a, family, 4433)));
}

TEST(bind_arguments)
{
	int four = socket(AF_INET, SOCK_DGRAM, IPPROTO_QUIC);
	int six = socket(AF_INET6, SOCK_DGRAM, IPPROTO_QUIC);
	union addr a;

	loopback(&a, AF_INET, 0);
	ERR(bind(four, &a.sa, sizeof(a.v4) - 1), EINVAL);
	ERR(bind(four, &a.sa, 1), EINVAL);
	loopback(&a, AF_INET6, 0);
	ERR(bind(six, &a.sa, 20), EINVAL);
	ERR(bind(four, &a.sa, sizeof(a.v6)), EAFNOSUPPORT);
}

TEST(bind_listening_or_connected)
{
	int l = listener(NULL), c = client(port_of(l));
	union addr a;

	ERR(bind(l, &a.sa, loopback(&a, family, 0)), EINVAL);
	ERR(bind(c, &a.sa, loopback(&a, family, 0)), EINVAL);
}

/* ---- IPv4 on an IPv6 socket ----------------------------------------------------- */

static socklen_t mapped(union addr *a, int port)
{
	memset(a, 0, sizeof(*a));
	a->v6.sin6_family = AF_INET6;
	inet_pton(AF_INET6, "::ffff:127.0.0.1", &a->v6.sin6_addr);
	a->v6.sin6_port = htons(port);
	return sizeof(a->v6);
}

static void is_v4_loopback(int (*name)(int, struct sockaddr *, socklen_t *),
			   int fd)
{
	union addr a;
	socklen_t len = sizeof(a);

	OK(!name(fd, &a.sa, &len));
	EQ(a.sa.sa_family, AF_INET);
	EQ(len, sizeof(a.v4));
	EQ(ntohl(a.v4.sin_addr.s_addr), INADDR_LOOPBACK);
}

TEST(mapped_address)
{
	int fd = socket(AF_INET6, SOCK_STREAM, IPPROTO_QUIC);
	union addr a;

	OK(!bind(fd, &a.sa, mapped(&a, 0)));
	is_v4_loopback(getsockname, fd);
}

TEST(v4_address_on_v6_socket)
{
	int fd = socket(AF_INET6, SOCK_STREAM, IPPROTO_QUIC);
	union addr a;

	OK(!bind(fd, &a.sa, loopback(&a, AF_INET, 0)));
	is_v4_loopback(getsockname, fd);
}

static void *shake(void *arg)
{
	EQ(client_handshake(*(int *)arg), 0);
	return NULL;
}

/* A client of IPv4, by a mapped address if @map, at a listener of both. */
static void v4_at_v6_listener(bool map)
{
	int l, c, s, port;
	pthread_t thread;
	union addr a;

	memset(&a, 0, sizeof(a));
	a.sa.sa_family = AF_INET6;
	l = socket(AF_INET6, SOCK_DGRAM, IPPROTO_QUIC);
	OK(!bind(l, &a.sa, sizeof(a.v6)));
	OK(!listen(l, 1));
	port = port_of(l);

	c = socket(map ? AF_INET6 : AF_INET, SOCK_DGRAM, IPPROTO_QUIC);
	OK(!connect(c, &a.sa, map ? mapped(&a, port) :
				   loopback(&a, AF_INET, port)));
	OK(!pthread_create(&thread, NULL, shake, &c));
	s = accept(l, NULL, NULL);
	OK(s >= 0);
	EQ(server_handshake(s), 0);
	pthread_join(thread, NULL);
	is_v4_loopback(getsockname, s);
	is_v4_loopback(getpeername, s);
	is_v4_loopback(getsockname, c);
	is_v4_loopback(getpeername, c);
	EQ(quic_sendmsg(c, "hello", 5, 0, MSG_QUIC_STREAM_NEW), 5);
	EQ(read_stream(s, 0, &a, 5, NULL), 5);
}

TEST(v4_client_at_v6_listener)
{
	v4_at_v6_listener(false);
}

TEST(mapped_client_at_v6_listener)
{
	v4_at_v6_listener(true);
}

TEST(v6_only_listener_leaves_v4_alone)
{
	int l = socket(AF_INET6, SOCK_DGRAM, IPPROTO_QUIC), on = 1, udp;
	union addr a = { .sa.sa_family = AF_INET6 };

	OK(!setsockopt(l, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)));
	OK(!bind(l, &a.sa, sizeof(a.v6)));
	OK(!listen(l, 1));
	udp = socket(AF_INET, SOCK_DGRAM, 0);
	OK(!bind(udp, &a.sa, loopback(&a, AF_INET, port_of(l))));
}

TEST_EACH(names_of_both_ends)
{
	union addr cs, cp, ss, sp;
	struct pair p = { 0 };
	socklen_t len;

	connection(&p);
	len = sizeof(cs);
	OK(!getsockname(p.client, &cs.sa, &len));
	len = sizeof(cs);
	OK(!getpeername(p.client, &cp.sa, &len));
	len = sizeof(cs);
	OK(!getsockname(p.server, &ss.sa, &len));
	len = sizeof(cs);
	OK(!getpeername(p.server, &sp.sa, &len));
	EQ(len, family == AF_INET ? sizeof(cs.v4) : sizeof(cs.v6));
	OK(!memcmp(&cs, &sp, len));
	OK(!memcmp(&cp, &ss, len));
}
