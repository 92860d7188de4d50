// SPDX-License-Identifier: GPL-2.0
/*
 * TCP without TLS: the floor.  Also what kTLS has in common with it, because
 * a socket with TLS in the kernel is written and read like any other.
 */
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/sendfile.h>
#include <sys/socket.h>

#include "perf.h"

/* 1, 0 or -1, as a handshake. */
int tcp_connected(struct conn *c)
{
	struct sockaddr_storage peer;
	socklen_t len = sizeof(peer);
	int error = 0;

	if (!getpeername(c->fd, (struct sockaddr *)&peer, &len))
		return 1;
	len = sizeof(error);
	getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len);
	if (!error)
		return 0;
	errno = error;
	warn("connect");
	return -1;
}

/* Requests are written whole: nothing is to wait for an ACK. */
void tcp_prepare(int fd, const struct options *o)
{
	int on = 1;

	(void)o;
	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)))
		err(1, "TCP_NODELAY");
}

ssize_t tcp_send(struct conn *c, int64_t stream, const void *data, size_t len,
		 bool fin)
{
	(void)stream;
	(void)fin;
	return send(c->fd, data, len, MSG_NOSIGNAL);
}

ssize_t tcp_sendfile(struct conn *c, int64_t stream, int file, off_t offset,
		     size_t len)
{
	(void)stream;
	return sendfile(c->fd, file, &offset, len);
}

static ssize_t tcp_recv(struct conn *c, void *data, size_t len, int64_t *stream,
			bool *fin)
{
	ssize_t n = recv(c->fd, data, len, 0);

	*stream = 0;
	*fin = !n;
	return n;
}

const struct transport transport_tcp = {
	.name = "tcp",
	.type = SOCK_STREAM,
	.protocol = IPPROTO_TCP,
	.prepare = tcp_prepare,
	.handshake = tcp_connected,
	.send = tcp_send,
	.sendfile = tcp_sendfile,
	.recv = tcp_recv,
};
