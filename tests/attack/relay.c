// SPDX-License-Identifier: GPL-2.0
/*
 * Stands between one client and a server: relay [-r FILE] [-m] PORT ADDRESS PORT
 *
 *   -r  record what the client sends before the first answer into FILE: each
 *       datagram after its length in two bytes
 *   -m  be hostile: before a datagram goes on, throw damaged copies of it at
 *       its receiver, from the right address: bits flipped, cut short, with
 *       garbage behind; and duplicates. The first datagrams of each direction,
 *       the handshake, get hundreds each.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX	65536
#define HANDSHAKE	6	/* datagrams of a direction that get all */

static FILE *record;
static bool hostile;
static unsigned long passed, damaged;
static uint64_t seed = 0x2545f4914f6cdd1d;

struct side {
	int fd;
	struct sockaddr_in peer;
	bool known;
	int seen;
};

static volatile sig_atomic_t over;

static void on_term(int sig)
{
	over = sig;
}

static uint32_t rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed >> 32;
}

static void put(struct side *s, const uint8_t *buf, size_t len)
{
	sendto(s->fd, buf, len, 0, (void *)&s->peer, sizeof(s->peer));
}

static void damage(struct side *s, const uint8_t *buf, size_t len)
{
	uint8_t copy[MAX + 64];
	size_t n = len;

	memcpy(copy, buf, len);
	switch (rnd() % 4) {
	case 0:		/* one bit, of the header or anywhere */
		copy[rnd() % (rnd() % 2 && len > 40 ? 40 : len)] ^=
			1 << rnd() % 8;
		break;
	case 1:
		n = rnd() % len;
		break;
	case 2:		/* a coalesced packet that is none */
		n = len + 1 + rnd() % 60;
		for (size_t i = len; i < n; i++)
			copy[i] = rnd();
		break;
	default:	/* many bits */
		for (int i = 0; i < 8; i++)
			copy[rnd() % len] = rnd();
	}
	put(s, copy, n);
	damaged++;
}

static void torment(struct side *to, int nth, const uint8_t *buf, size_t len)
{
	int copies = nth < HANDSHAKE ? 300 : rnd() % 8 == 0;

	for (int i = 0; i < copies; i++)
		damage(to, buf, len);
	/* Every length there is. */
	for (size_t n = 0; nth < 2 && n < len; n++)
		put(to, buf, n);
	if (nth < HANDSHAKE || rnd() % 16 == 0)
		put(to, buf, len);	/* and once more below */
}

static void pass(struct side *from, struct side *to, bool from_client)
{
	uint8_t buf[MAX];
	struct sockaddr_in src;
	socklen_t slen = sizeof(src);
	ssize_t n = recvfrom(from->fd, buf, sizeof(buf), MSG_DONTWAIT,
			     (void *)&src, &slen);

	if (n <= 0)
		return;
	if (from_client) {
		from->peer = src;
		from->known = true;
		if (record && !to->seen) {
			fputc(n >> 8, record);
			fputc(n & 255, record);
			fwrite(buf, 1, n, record);
			fflush(record);
		}
	}
	if (!to->known)
		return;
	if (hostile)
		torment(to, from->seen, buf, n);
	put(to, buf, n);
	from->seen++;
	passed++;
}

static int udp(int port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_DGRAM, 0), size = 4 << 20;

	if (fd < 0 || bind(fd, (void *)&a, sizeof(a)) < 0)
		err(1, "socket");
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	return fd;
}

int main(int argc, char **argv)
{
	struct side client = { 0 }, server = { 0 };
	struct pollfd fds[2];
	int c;

	while ((c = getopt(argc, argv, "r:m")) != -1) {
		if (c == 'r')
			record = fopen(optarg, "w");
		else
			hostile = true;
	}
	if (argc - optind != 3)
		errx(2, "usage: relay [-r FILE] [-m] PORT ADDRESS PORT");
	client.fd = udp(atoi(argv[optind]));
	server.fd = udp(0);
	server.peer.sin_family = AF_INET;
	server.peer.sin_addr.s_addr = inet_addr(argv[optind + 1]);
	server.peer.sin_port = htons(atoi(argv[optind + 2]));
	server.known = true;
	fds[0] = (struct pollfd){ .fd = client.fd, .events = POLLIN };
	fds[1] = (struct pollfd){ .fd = server.fd, .events = POLLIN };
	signal(SIGTERM, on_term);
	while (!over) {
		if (poll(fds, 2, 100) < 0 && errno != EINTR)
			err(1, "poll");
		if (fds[0].revents)
			pass(&client, &server, true);
		if (fds[1].revents)
			pass(&server, &client, false);
	}
	printf("# %lu datagrams passed, %lu damaged copies\n", passed, damaged);
	return !passed || (hostile && !damaged);
}
