// SPDX-License-Identifier: GPL-2.0
/*
 * Where a connection goes besides where it began: a client that moves, a server
 * that names a preferred address.
 */
#include <errno.h>
#include <linux/quic.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "place.h"
#include "url.h"

static socklen_t size_of(const struct sockaddr_storage *a)
{
	return a->ss_family == AF_INET ? sizeof(struct sockaddr_in) :
					 sizeof(struct sockaddr_in6);
}

const char *place_parse(struct sockaddr_storage *to, const char *text)
{
	struct addrinfo hints = {
		.ai_socktype = SOCK_DGRAM,
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
	};
	struct addrinfo *ai;
	struct url url;
	const char *why = url_parse(&url, text);

	if (why)
		return why;
	if (getaddrinfo(url.host, url.port, &hints, &ai))
		return "no address and port in numbers";
	memset(to, 0, sizeof(*to));
	memcpy(to, ai->ai_addr, ai->ai_addrlen);
	freeaddrinfo(ai);
	return NULL;
}

const char *move_parse(struct move *m, const char *text)
{
	char *end;

	errno = 0;
	m->after = strtoull(text, &end, 10);
	if (end == text || errno || *text == '-')
		return "it begins with a number of bytes";
	m->wanted = true;
	if (!*end)
		return NULL;
	if (*end != ',')
		return "a comma follows the number of bytes";
	return place_parse(&m->to, end + 1);
}

/* The address that the socket has, and a port that nobody had a moment ago. */
static int new_port(int fd, struct sockaddr_storage *to)
{
	socklen_t len = sizeof(*to);
	int udp, ret;

	if (getsockname(fd, (struct sockaddr *)to, &len))
		return -1;
	((struct sockaddr_in *)to)->sin_port = 0;	/* IPv6 has it there, too */
	udp = socket(to->ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (udp < 0)
		return -1;
	len = size_of(to);
	ret = bind(udp, (struct sockaddr *)to, len);
	if (!ret)
		ret = getsockname(udp, (struct sockaddr *)to, &len);
	close(udp);
	return ret;
}

int place_set(int fd, const struct sockaddr_storage *to)
{
	return setsockopt(fd, SOL_QUIC, QUIC_SOCKOPT_CONNECTION_MIGRATION, to,
			  size_of(to));
}

int move_begin(int fd, const struct move *m)
{
	struct sockaddr_storage to = m->to;

	if (!to.ss_family && new_port(fd, &to))
		return -1;
	return place_set(fd, &to);
}
