// SPDX-License-Identifier: GPL-2.0
/*
 * Path MTU discovery on real sockets: RFC 9000 section 14.3, RFC 8899.
 */
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/ip_icmp.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include "pair.h"

#define NEW	MSG_QUIC_STREAM_NEW

static unsigned int mss(int fd)
{
	struct quic_info info = { 0 };
	socklen_t len = sizeof(info);

	OK(!opt_get(fd, QUIC_SOCKOPT_INFO, &info, &len));
	return info.mss;
}

/* An Ethernet whose packets are seen one by one. */
static void ethernet(void)
{
	OK(!system("ip link set lo mtu 1500 gso_max_segs 1"));
	OK(!system("ethtool -K lo gro off tx-udp-segmentation off"));
}

/* A hop that drops, without a word, what is larger than this. */
static void hop(int payload)
{
	char command[256];

	snprintf(command, sizeof(command),
		 "nft 'table inet hop { chain c { type filter hook input priority 0; udp length > %d counter drop; }; }'",
		 payload + 8);
	OK(!system(command));
}

/* Send until the packets of the client have this size. */
static void transfer_until(struct pair *p, unsigned int size)
{
	static char buf[20000], got[65536];

	OK(!set_nonblock(p->client));
	OK(!set_nonblock(p->server));
	while (mss(p->client) != size) {
		if (quic_sendmsg(p->client, buf, sizeof(buf), 0, NEW) < 0)
			OK(errno == EAGAIN || errno == ENOSPC);
		while (read(p->server, got, sizeof(got)) > 0)
			;
		short_while();
	}
}

/* RFC8899-3-2 RFC8899-3-4 */
/* Nothing but the handshake is needed where the interface is right. */
TEST_EACH(full_packets_soon)
{
	struct pair p = { 0 };
	unsigned int full = family == AF_INET ? 1472 : 1440;

	ethernet();
	connection(&p);
	UNTIL(mss(p.client) == full);
	UNTIL(mss(p.server) == full);
	EQ(counter("QuicBlackHoles"), 0);
	EQ(counter("QuicTxSizeProbes"), 2);
}

TEST(off)
{
	struct pair p = { 0 };

	ethernet();
	OK(!system("sysctl -qw net.quic.pmtud=0"));
	connection(&p);
	EQ(mss(p.client), 1472);
	EQ(counter("QuicTxSizeProbes"), 0);
}

/* What the peer takes is a bound too (RFC 9000 section 18.2). */
TEST(the_peer_takes_less)
{
	struct pair p = { .server_params.max_udp_payload_size = 1300 };

	ethernet();
	connection(&p);
	UNTIL(mss(p.client) == 1296);
	UNTIL(mss(p.server) == 1472);
}

/* RFC8899-3-1 RFC8899-3-5 RFC8899-4.5-1 */
TEST_WITH(a_hop_that_carries_less, 60, false)
{
	struct pair p = { 0 };

	ethernet();
	hop(1300);
	connection(&p);
	EQ(mss(p.client), 1200);
	transfer_until(&p, 1296);
	/* RFC 9000 section 14.4: no lost probe was taken for congestion. */
	EQ(counter("QuicLossPackets"), 0);
	EQ(counter("QuicBlackHoles"), 0);
}

/* RFC8899-3-11 RFC8899-4.3-1 */
/* RFC 8899 section 4.3 */
TEST_WITH(a_hop_that_becomes_narrower, 90, false)
{
	struct pair p = { 0 };

	ethernet();
	connection(&p);
	transfer_until(&p, 1472);
	hop(1400);
	transfer_until(&p, 1392);
	OK(counter("QuicBlackHoles") > 0);
	OK(!system("nft flush ruleset"));
}

/* ---- ICMP "packet too big" --------------------------------------------------------- */

/* A tap on lo; each packet is seen once, as it comes in. */
static int tap(void)
{
	struct sockaddr_ll a = {
		.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = if_nametoindex("lo"),
	};
	int fd = socket(AF_PACKET, SOCK_DGRAM, htons(ETH_P_ALL));

	OK(fd >= 0);
	OK(!bind(fd, (struct sockaddr *)&a, sizeof(a)));
	return fd;
}

#define QUOTE	120	/* bytes of a packet that a message quotes */

static size_t headers(void)
{
	return (family == AF_INET ? 20 : 40) + sizeof(struct udphdr);
}

/* The beginning of the next packet with a short header from @fd, which has
 * @size bytes of payload at least.
 */
static void quote(int tap, int fd, unsigned int size, uint8_t *packet)
{
	size_t ip = headers() - sizeof(struct udphdr);
	struct udphdr *udp = (void *)(packet + ip);
	int proto;

	do {
		OK(recv(tap, packet, QUOTE, MSG_TRUNC) > 0);
		proto = family == AF_INET ? packet[9] : packet[6];
	} while (packet[0] >> 4 != (family == AF_INET ? 4 : 6) ||
		 proto != IPPROTO_UDP || ntohs(udp->source) != port_of(fd) ||
		 ntohs(udp->len) < size + sizeof(*udp) ||
		 packet[headers()] & 0x80);
}

/* The same of one that carries data from now. */
static void quote_data(int tap, int fd, uint8_t *packet)
{
	/* Streams of before may still be ending. */
	UNTIL(quic_sendmsg(fd, packet, QUOTE, 0, NEW) == QUOTE);
	quote(tap, fd, 0, packet);
}

static uint16_t checksum(const uint8_t *p, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum += i % 2 ? p[i] : p[i] << 8;
	sum = (sum >> 16) + (sum & 0xffff);
	return ~(sum + (sum >> 16));
}

/* What a router says that carries packets of @mtu, quoting @len bytes. */
static void too_big(int mtu, const uint8_t *packet, size_t len)
{
	int v4 = family == AF_INET;
	int fd = socket(family, SOCK_RAW, v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6);
	struct {
		union {
			struct icmphdr v4;
			struct icmp6_hdr v6;
		} head;
		uint8_t quote[QUOTE];
	} msg = { 0 };
	union addr a;

	OK(fd >= 0);
	memcpy(msg.quote, packet, len);
	if (v4) {
		msg.head.v4.type = ICMP_DEST_UNREACH;
		msg.head.v4.code = ICMP_FRAG_NEEDED;
		msg.head.v4.un.frag.mtu = htons(mtu);
		msg.head.v4.checksum = htons(checksum((void *)&msg, 8 + len));
	} else {
		msg.head.v6.icmp6_type = ICMP6_PACKET_TOO_BIG;
		msg.head.v6.icmp6_mtu = htonl(mtu);
	}
	EQ(sendto(fd, &msg, 8 + len, 0, &a.sa, loopback(&a, family, 0)),
	   8 + len);
	close(fd);
}

/* The @n-th that is not believed. */
static void ignored(int mtu, const uint8_t *packet, size_t len, unsigned long n)
{
	too_big(mtu, packet, len);
	UNTIL(counter("QuicTooBigIgnored") == n);
}

/*
 * RFC8899-3-7 RFC8899-4.6.1-1 RFC8899-4.6.1-2 RFC8899-4.6.2-1 RFC8899-6.1.6-1
 * RFC8899-8-2 RFC9000-14.2.1-2
 */
/* A router that says what is too big saves the search. */
TEST_WITH(too_big_answers_a_probe, 60, true)
{
	uint8_t packet[QUOTE];
	struct pair p = { 0 };
	int fd = tap();

	ethernet();
	hop(1300);
	connection(&p);
	quote(fd, p.client, 1400, packet);
	/* Again if the socket was busy. */
	UNTIL(({ too_big(1300 + headers(), packet, QUOTE);
		 counter("QuicTooBigHeeded"); }));
	transfer_until(&p, 1296);
	EQ(counter("QuicBlackHoles"), 0);
}

/* RFC8899-6.1.6-2 */
/* A path that becomes narrower: the base at once, then what the router said,
 * once a probe has shown that it is true.
 */
TEST_WITH(too_big_about_data, 60, true)
{
	unsigned int full = family == AF_INET ? 1472 : 1440;
	uint8_t packet[QUOTE];
	struct pair p = { 0 };
	int fd;

	ethernet();
	connection(&p);
	transfer_until(&p, full);
	fd = tap();
	hop(1400);
	quote_data(fd, p.client, packet);
	UNTIL(({ too_big(1400 + headers(), packet, QUOTE);
		 counter("QuicTooBigHeeded"); }));
	transfer_until(&p, 1392);
	EQ(counter("QuicBlackHoles"), 0);
}

/*
 * RFC8899-3-8 RFC8899-4.6.1-3 RFC8899-8-2 RFC9000-14.2.1-1 RFC9000-14.2.1-2
 * RFC9000-14.2.1-3
 */
TEST_WITH(too_big_that_is_not_believed, 60, true)
{
	unsigned int full = family == AF_INET ? 1472 : 1440;
	unsigned long n = 0;
	uint8_t packet[QUOTE];
	struct pair p = { 0 };
	int fd;

	ethernet();
	connection(&p);
	transfer_until(&p, full);
	fd = tap();
	quote_data(fd, p.client, packet);
	/* Each bit of the connection ID, and a long header. */
	for (size_t i = 8; i < 72; i++) {
		size_t at = i == 8 ? 0 : i / 8;

		packet[headers() + at] ^= 0x80 >> i % 8;
		ignored(1400, packet, QUOTE, ++n);
		packet[headers() + at] ^= 0x80 >> i % 8;
	}
	/* Less than the ID; less than QUIC needs; as much as we send; more. */
	ignored(1400, packet, headers() + 8, ++n);
	ignored(1199 + headers(), packet, QUOTE, ++n);
	ignored(full + headers(), packet, QUOTE, ++n);
	ignored(9000, packet, QUOTE, ++n);
	EQ(counter("QuicTooBigHeeded"), 0);
	EQ(mss(p.client), full);
}
