// SPDX-License-Identifier: GPL-2.0
/*
 * What tests of paths and of connection IDs share.
 */
#include "paths.h"

socklen_t address(union addr *a, const char *text, int port)
{
	memset(a, 0, sizeof(*a));
	if (strchr(text, ':')) {
		a->v6.sin6_family = AF_INET6;
		OK(inet_pton(AF_INET6, text, &a->v6.sin6_addr) == 1);
		a->v6.sin6_port = htons(port);
		return sizeof(a->v6);
	}
	a->v4.sin_family = AF_INET;
	OK(inet_pton(AF_INET, text, &a->v4.sin_addr) == 1);
	a->v4.sin_port = htons(port);
	return sizeof(a->v4);
}

int migrate(int fd, const char *text, int port)
{
	union addr a;
	socklen_t len = address(&a, text, port);

	return opt_set(fd, QUIC_SOCKOPT_CONNECTION_MIGRATION, &a, len);
}

/* "127.0.0.1:4433", of the peer or our own. */
const char *name_of(int fd, bool peer)
{
	static char text[2][INET6_ADDRSTRLEN + 8];
	char host[INET6_ADDRSTRLEN];
	socklen_t len = sizeof(union addr);
	union addr a;

	OK(!(peer ? getpeername : getsockname)(fd, &a.sa, &len));
	if (a.sa.sa_family == AF_INET)
		inet_ntop(AF_INET, &a.v4.sin_addr, host, sizeof(host));
	else
		inet_ntop(AF_INET6, &a.v6.sin6_addr, host, sizeof(host));
	snprintf(text[peer], sizeof(text[peer]), "%s:%d", host,
		 ntohs(a.v4.sin_port));
	return text[peer];
}

bool peer_is(int fd, const char *host)
{
	const char *name = name_of(fd, true);

	return !strncmp(name, host, strlen(host)) && name[strlen(host)] == ':';
}

/* A few bytes there and back, on a stream of their own. */
void talk(int from, int to)
{
	int64_t id = stream_open(from, -1, 0);
	char buf[8];

	OK(id >= 0);
	EQ(quic_sendmsg(from, "hello", 5, id, MSG_QUIC_STREAM_FIN), 5);
	EQ(read_stream(to, id, buf, sizeof(buf), NULL), 5);
	EQ(quic_sendmsg(to, "world", 5, id, MSG_QUIC_STREAM_FIN), 5);
	EQ(read_stream(from, id, buf, sizeof(buf), NULL), 5);
}

/* One way, a stream for a byte. */
void say(int fd)
{
	int64_t id = stream_open(fd, -1, MSG_QUIC_STREAM_UNI);

	OK(id >= 0);
	EQ(quic_sendmsg(fd, "x", 1, id, MSG_QUIC_STREAM_FIN), 1);
}

void hear(int fd)
{
	static struct unit u;

	do {
		OK(receive(fd, &u, sizeof(u.data), 0) >= 0);
	} while (u.msg_flags & MSG_QUIC_NOTIFICATION);
	EQ(u.len, 1);
	EQ(u.data[0], 'x');
}

struct quic_connection_id_info ids_of(int fd, bool dest)
{
	struct quic_connection_id_info info = { .dest = dest };
	socklen_t len = sizeof(info);

	OK(!opt_get(fd, QUIC_SOCKOPT_CONNECTION_ID, &info, &len));
	return info;
}

int choose_ids(int fd, bool dest, uint32_t prior_to, uint32_t active)
{
	struct quic_connection_id_info info = {
		.dest = dest, .prior_to = prior_to, .active = active,
	};

	return opt_set(fd, QUIC_SOCKOPT_CONNECTION_ID, &info, sizeof(info));
}

/* Free for a moment at least. */
int free_port(void)
{
	int fd = udp_socket(0), port = port_of(fd);

	close(fd);
	return port;
}
