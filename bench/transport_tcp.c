// SPDX-License-Identifier: GPL-2.0
/*
 * TCP without TLS: the floor.  Also what kTLS has in common with it, because
 * a socket with TLS in the kernel is written and read like any other.
 */
#include <err.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "perf.h"

int tcp_listen(const struct options *o)
{
	return net_listen(o, SOCK_STREAM, IPPROTO_TCP, NULL);
}

static int tcp_accept(int fd, const struct options *o)
{
	int conn = accept(fd, NULL, NULL);

	(void)o;
	if (conn < 0)
		err(1, "accept");
	return conn;
}

static int tcp_connect(const struct options *o)
{
	return net_connect(o, SOCK_STREAM, IPPROTO_TCP, NULL);
}

void tcp_send(int fd, const void *data, size_t len, bool fin)
{
	const char *p = data;

	while (len) {
		ssize_t n = send(fd, p, len, MSG_NOSIGNAL);

		if (n < 0)
			err(1, "send");
		p += n;
		len -= n;
	}
	if (fin && shutdown(fd, SHUT_WR))
		err(1, "shutdown");
}

ssize_t tcp_recv(int fd, void *data, size_t len, bool *fin)
{
	ssize_t n = recv(fd, data, len, 0);

	*fin = !n;
	return n;
}

const struct transport transport_tcp = {
	.name = "tcp",
	.listen = tcp_listen,
	.accept = tcp_accept,
	.connect = tcp_connect,
	.send = tcp_send,
	.recv = tcp_recv,
};
