// SPDX-License-Identifier: GPL-2.0
/*
 * Throws datagrams at a port: blast ADDRESS PORT WHAT [FILE COUNT]
 *
 *   random   random bytes of every length from 0 to 1500
 *   headers  long headers of every type, version and length of connection IDs,
 *            with plausible and absurd lengths; short headers with made-up IDs
 *   initials first flights from many source ports: FILE holds what relay
 *            recorded, COUNT is how many ports
 *   halves   the same, but only the first datagram of each flight
 *   spoofed  likewise, but each of the COUNT from an address of its own, in
 *            10.64.0.0/10, and nobody is there to take an answer; as root, as
 *            many at a time as a queue of veth takes
 *
 * The generator is seeded by the count of datagrams alone, so that a failure
 * can be had again.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct sockaddr_in to;
static unsigned long sent;
static uint64_t seed = 0x9e3779b97f4a7c15;

static uint32_t rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed >> 32;
}

static int udp(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0), size = 1 << 20;

	if (fd < 0)
		err(1, "socket");
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	return fd;
}

static void put(int fd, const void *buf, size_t len)
{
	/* An ICMP error of an earlier datagram is none of this one. */
	if (sendto(fd, buf, len, 0, (void *)&to, sizeof(to)) < 0 &&
	    errno != ECONNREFUSED && errno != ENOBUFS)
		err(1, "sendto");
	sent++;
}

static void fill(uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		p[i] = rnd();
}

static void random_bytes(void)
{
	uint8_t buf[1500];
	int fd = udp();

	for (int round = 0; round < 4; round++)
		for (size_t len = 0; len <= sizeof(buf); len++) {
			fill(buf, len);
			/* As they come; fixed bit set; long header. */
			if (len && round)
				buf[0] |= round == 1 ? 0x40 : 0xc0;
			/* Of the version we speak. */
			if (len > 5 && round == 3)
				memcpy(buf + 1, "\0\0\0\1", 4);
			put(fd, buf, len);
		}
}

static size_t varint(uint8_t *p, uint64_t v, int form)
{
	size_t n = 1 << form;

	for (size_t i = 0; i < n; i++)
		p[i] = v >> 8 * (n - 1 - i);
	p[0] = (p[0] & 0x3f) | form << 6;
	return n;
}

static void one_header(int fd, uint8_t first, uint32_t version, uint8_t dlen,
		       uint8_t slen)
{
	static const uint64_t lengths[] = { 0, 1, 20, 1100, 16383, 1ULL << 30,
					    (1ULL << 62) - 1 };
	uint8_t buf[1500];
	size_t n = 0, len = rnd() % 4 ? 1200 : 1 + rnd() % 1500;

	fill(buf, sizeof(buf));
	buf[n++] = first;
	for (int i = 24; i >= 0; i -= 8)
		buf[n++] = version >> i;
	buf[n++] = dlen;
	n += dlen;
	buf[n++] = slen;
	n += slen;
	/* token length, then length */
	n += varint(buf + n, rnd() % 2 ? 0 : lengths[rnd() % 7], rnd() % 4);
	n += varint(buf + n, lengths[rnd() % 7], rnd() % 4);
	put(fd, buf, len);
}

static void headers(void)
{
	static const uint32_t versions[] = { 1, 0, 0x6b3343cf, 0xff00001d,
					     0x0a0a0a0a, 0xffffffff };
	static const uint8_t lens[] = { 0, 1, 7, 8, 19, 20, 21, 255 };
	uint8_t buf[100];
	int fd = udp();

	for (int type = 0; type < 16; type++)
		for (int v = 0; v < 6; v++)
			for (int d = 0; d < 8; d++)
				for (int s = 0; s < 8; s++)
					one_header(fd, type << 4 | rnd() % 16,
						   versions[v], lens[d], lens[s]);
	for (int i = 0; i < 3000; i++) {
		fill(buf, sizeof(buf));
		buf[0] = 0x40 | (buf[0] & 0x3f);
		put(fd, buf, 1 + i % sizeof(buf));
	}
}

/* The file: datagrams, each after its length in two bytes. */
static void flights(const char *file, int count, bool whole)
{
	static uint8_t data[65536];
	FILE *f = fopen(file, "r");
	size_t size;

	if (!f)
		err(1, "%s", file);
	size = fread(data, 1, sizeof(data), f);
	fclose(f);
	if (size < 1200)
		errx(1, "%s: no flight in it", file);
	for (int i = 0; i < count; i++) {
		int fd = udp();

		for (size_t at = 0; at < size; ) {
			size_t len = data[at] << 8 | data[at + 1];

			put(fd, data + at + 2, len);
			at += 2 + len;
			if (!whole)
				break;
		}
		close(fd);
	}
}

/* ---- from made-up addresses -------------------------------------------------- */

struct spoofed {
	struct iphdr ip;
	struct udphdr udp;
	uint8_t data[1500];
} __attribute__((packed));

static size_t read_first(const char *file, uint8_t *to, size_t most)
{
	FILE *f = fopen(file, "r");
	uint8_t len[2];
	size_t n = 0;

	if (!f)
		err(1, "%s", file);
	if (fread(len, 1, 2, f) == 2 && (len[0] << 8 | len[1]) <= (int)most)
		n = fread(to, 1, len[0] << 8 | len[1], f);
	fclose(f);
	if (n < 1200)
		errx(1, "%s: no flight in it", file);
	return n;
}

/* Without a UDP checksum, which IPv4 allows; the kernel does that of IP. */
static void spoofed(const char *file, unsigned long count)
{
	static struct spoofed p = {
		.ip = { .version = 4, .ihl = 5, .ttl = 64,
			.protocol = IPPROTO_UDP },
	};
	size_t len = read_first(file, p.data, sizeof(p.data));
	int fd = socket(AF_INET, SOCK_RAW, IPPROTO_RAW), few = 64 * 2304;

	if (fd < 0)
		err(1, "raw socket");
	/* As fast as they are taken: what queues of a device drop tests nothing. */
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &few, sizeof(few));
	len += sizeof(p.udp);
	p.udp.len = htons(len);
	p.udp.dest = to.sin_port;
	len += sizeof(p.ip);
	p.ip.daddr = to.sin_addr.s_addr;
	for (unsigned long i = 0; i < count; i++) {
		p.ip.saddr = htonl(0x0a400000 + i % 0x400000);
		p.udp.source = htons(1024 + rnd() % 60000);
		put(fd, &p, len);
	}
	close(fd);
}

int main(int argc, char **argv)
{
	if (argc < 4)
		errx(2, "usage: blast ADDRESS PORT WHAT [FILE COUNT]");
	to.sin_family = AF_INET;
	to.sin_addr.s_addr = inet_addr(argv[1]);
	to.sin_port = htons(atoi(argv[2]));
	if (!strcmp(argv[3], "random"))
		random_bytes();
	else if (!strcmp(argv[3], "headers"))
		headers();
	else if (argc == 6 && !strcmp(argv[3], "spoofed"))
		spoofed(argv[4], strtoul(argv[5], NULL, 10));
	else if (argc == 6)
		flights(argv[4], atoi(argv[5]), !strcmp(argv[3], "initials"));
	else
		errx(2, "%s: what is that?", argv[3]);
	printf("# %lu datagrams\n", sent);
	return 0;
}
