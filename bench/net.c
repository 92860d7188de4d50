// SPDX-License-Identifier: GPL-2.0
/*
 * Sockets by host and port, the same for every transport.
 */
#include <err.h>
#include <netdb.h>
#include <sys/socket.h>

#include "perf.h"

#define BACKLOG	128

static struct addrinfo *resolve(const struct options *o, int flags)
{
	/* QUIC's number is unknown to the resolver: any datagram will do. */
	const struct addrinfo hints = {
		.ai_flags = flags, .ai_socktype = SOCK_DGRAM,
	};
	struct addrinfo *list;
	int ret = getaddrinfo(o->host, o->port, &hints, &list);

	if (ret)
		errx(1, "%s: %s", o->host ? o->host : o->port, gai_strerror(ret));
	return list;
}

static int open_socket(const struct addrinfo *ai, int type, int protocol)
{
	int fd = socket(ai->ai_family, type | SOCK_CLOEXEC, protocol);

	if (fd < 0)
		err(1, "socket");
	return fd;
}

/* @prepare sets the socket's options before it listens or connects. */
int net_listen(const struct options *o, int type, int protocol,
	       net_prepare_t prepare)
{
	struct addrinfo *ai = resolve(o, AI_PASSIVE);
	int fd = open_socket(ai, type, protocol);
	int on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (prepare)
		prepare(fd, o);
	if (bind(fd, ai->ai_addr, ai->ai_addrlen))
		err(1, "bind");
	if (listen(fd, BACKLOG))
		err(1, "listen");
	freeaddrinfo(ai);
	return fd;
}

int net_connect(const struct options *o, int type, int protocol,
		net_prepare_t prepare)
{
	struct addrinfo *ai = resolve(o, 0);
	int fd = open_socket(ai, type, protocol);

	if (prepare)
		prepare(fd, o);
	if (connect(fd, ai->ai_addr, ai->ai_addrlen))
		err(1, "connect");
	freeaddrinfo(ai);
	return fd;
}
