// SPDX-License-Identifier: GPL-2.0
/*
 * socket() and what a socket says before it is bound or connected.
 */
#include <fcntl.h>
#include <signal.h>
#include <linux/sockios.h>
#include <poll.h>
#include <sys/ioctl.h>
#include "pair.h"

static int int_opt(int fd, int opt)
{
	socklen_t len = sizeof(int);
	int val = -1;

	OK(!getsockopt(fd, SOL_SOCKET, opt, &val, &len));
	return val;
}

TEST_EACH(socket_names_itself)
{
	int fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 261);

	OK(fd >= 0);
	EQ(int_opt(fd, SO_PROTOCOL), IPPROTO_QUIC);
	EQ(int_opt(fd, SO_TYPE), type);
	EQ(int_opt(fd, SO_DOMAIN), family);
	EQ(int_opt(fd, SO_ACCEPTCONN), 0);
	EQ(int_opt(fd, SO_ERROR), 0);
	OK(fcntl(fd, F_GETFL) & O_NONBLOCK);
	OK(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	EQ(close(fd), 0);
}

TEST(socket_of_other_types)
{
	ERR(socket(AF_INET, SOCK_SEQPACKET, IPPROTO_QUIC), ESOCKTNOSUPPORT);
	ERR(socket(AF_INET6, SOCK_SEQPACKET, IPPROTO_QUIC), ESOCKTNOSUPPORT);
	ERR(socket(AF_UNIX, SOCK_DGRAM, IPPROTO_QUIC), EPROTONOSUPPORT);
}

TEST_EACH(unconnected_socket)
{
	int fd = quic_socket(), val = -1;
	union addr a;
	socklen_t len = sizeof(a);
	char c;

	ERR(read(fd, &c, 1), ENOTCONN);
	ERR(send(fd, "x", 1, MSG_NOSIGNAL), EPIPE);
	ERR(getpeername(fd, &a.sa, &len), ENOTCONN);
	ERR(accept(fd, NULL, NULL), EINVAL);
	ERR(shutdown(fd, SHUT_WR), ENOTCONN);
	ERR(stream_open(fd, -1, 0), EPIPE);
	ERR(stream_reset(fd, 0, 0), EINVAL);
	ERR(stream_stop(fd, 0, 0), EINVAL);
	OK(poll_now(fd) & POLLHUP);
	EQ(ioctl(fd, SIOCINQ, &val), 0);
	EQ(val, 0);
	EQ(ioctl(fd, SIOCOUTQ, &val), 0);
	EQ(val, 0);
	EQ(ioctl(fd, SIOCOUTQNSD, &val), 0);
	EQ(val, 0);
	ERR(listen(fd, 0) ?: accept(fd, NULL, NULL), EINVAL);
}

TEST(unconnected_socket_gets_sigpipe)
{
	struct sigaction none = { .sa_handler = SIG_IGN };
	int fd = quic_socket();

	/* Ignored, the signal leaves the errno. */
	sigaction(SIGPIPE, &none, NULL);
	ERR(write(fd, "x", 1), EPIPE);
}

TEST_EACH(calls_that_do_not_fit)
{
	struct sockaddr un = { .sa_family = AF_UNSPEC };
	int fd = quic_socket(), l = listener(NULL), val;

	ERR(connect(fd, &un, sizeof(un)), EOPNOTSUPP);
	ERR(ioctl(l, SIOCINQ, &val), EINVAL);
	ERR(ioctl(l, SIOCOUTQ, &val), EINVAL);
	ERR(ioctl(l, SIOCOUTQNSD, &val), EINVAL);
	ERR(send(l, "x", 1, MSG_NOSIGNAL), EPIPE);
	ERR(recv(l, &val, 1, 0), ENOTCONN);
	ERR(stream_open(l, -1, 0), EPIPE);
	EQ(int_opt(l, SO_ACCEPTCONN), 1);
}

TEST(buffers_can_be_set)
{
	int fd = quic_socket(), val = 200000;
	socklen_t len = sizeof(val);

	OK(!setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &val, len));
	OK(int_opt(fd, SO_SNDBUF) >= 200000);
	OK(!setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &val, len));
	OK(int_opt(fd, SO_RCVBUF) >= 200000);
}
