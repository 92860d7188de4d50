// SPDX-License-Identifier: GPL-2.0
/*
 * Sockets by host and port, the same for every transport.
 */
#include <err.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "perf.h"

#define BACKLOG	4096

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

static int open_socket(const struct addrinfo *ai, const struct options *o,
		       int flags)
{
	int fd = socket(ai->ai_family, o->transport->type | SOCK_CLOEXEC | flags,
			o->transport->protocol);

	if (fd < 0)
		err(1, "socket (%s)", o->transport->name);
	if (o->transport->prepare)
		o->transport->prepare(fd, o);
	return fd;
}

int net_listen(const struct options *o)
{
	struct addrinfo *ai = resolve(o, AI_PASSIVE);
	int fd = open_socket(ai, o, SOCK_NONBLOCK);
	int on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, ai->ai_addr, ai->ai_addrlen))
		err(1, "bind");
	if (listen(fd, BACKLOG))
		err(1, "listen");
	freeaddrinfo(ai);
	return fd;
}

int net_connect(const struct options *o, bool block)
{
	struct addrinfo *ai = resolve(o, 0);
	int fd = open_socket(ai, o, block ? 0 : SOCK_NONBLOCK);

	if (connect(fd, ai->ai_addr, ai->ai_addrlen) && errno != EINPROGRESS)
		err(1, "connect");
	freeaddrinfo(ai);
	return fd;
}
