// SPDX-License-Identifier: GPL-2.0
/*
 * Stateless reset, and the QUIC bit.
 */
#include <netinet/udp.h>
#include "pair.h"

static void set_validate(int fd)
{
	struct quic_config cfg = { .validate_peer_address = 1 };

	OK(!opt_set(fd, QUIC_SOCKOPT_CONFIG, &cfg, sizeof(cfg)));
}

/* ---- the QUIC bit: RFC 9287 -------------------------------------------------- */

/* Each end clears it in half of its packets if the other one allows it, and
 * else never: nothing is lost in either case.
 */
static unsigned long bulk(struct pair *p)
{
	static char out[20000], in[20000];
	unsigned long lost = counter("QuicPktInvHdrDrop");

	connection(p);
	for (int i = 0; i < 20; i++) {
		EQ(quic_sendmsg(p->client, out, sizeof(out), 0,
				MSG_QUIC_STREAM_NEW), sizeof(out));
		EQ(read_stream(p->server, 0, in, sizeof(in), NULL), sizeof(in));
		EQ(quic_sendmsg(p->server, out, 100, 0, 0), 100);
		EQ(read_stream(p->client, 0, in, 100, NULL), 100);
	}
	return counter("QuicPktInvHdrDrop") - lost;
}

/* RFC9287-3.1-1 RFC9287-3.1-4 RFC9287-3-2 */
TEST(quic_bit)
{
	struct pair p = { .client_params.grease_quic_bit = 1,
			  .server_params.grease_quic_bit = 1 };
	struct pair q = { .client_params.grease_quic_bit = 1 };
	struct pair r = { .server_params.grease_quic_bit = 1 };

	EQ(bulk(&p), 0);
	EQ(bulk(&q), 0);
	EQ(bulk(&r), 0);
	OK(counter("QuicRxGreased") >= 20);
	EQ(counter("QuicPktDecDrop"), 0);
}

/* RFC 9000 section 17.2: without the agreement it is no packet. */
TEST(quic_bit_not_agreed)
{
	uint8_t buf[1200] = { 0x80, 0, 0, 0, 1, 8 };
	struct quic_transport_param tp = { .grease_quic_bit = 1 };
	int l = listener(NULL), fd = udp_socket(0);
	union addr a;

	set_validate(l);
	buf[14] = 8;
	buf[24] = 0x44;
	buf[25] = 0x80;
	EQ(sendto(fd, buf, sizeof(buf), 0, &a.sa,
		  loopback(&a, family, port_of(l))), sizeof(buf));
	UNTIL(counter("QuicPktInvHdrDrop") == 1);
	OK(!opt_set(l, QUIC_SOCKOPT_TRANSPORT_PARAM, &tp, sizeof(tp)));
	EQ(sendto(fd, buf, sizeof(buf), 0, &a.sa, sizeof(a)), sizeof(buf));
	OK(recv(fd, buf, sizeof(buf), 0) > 0);
	EQ(buf[0] & 0xf0, 0xf0);	/* a Retry */
}

/* ---- stateless reset: RFC 9000 section 10.3 ---------------------------------- */

/* The server forgets the connection, and says nothing. */
static void forget(struct pair *p)
{
	EQ(shutdown(p->server, SHUT_RD), 0);
	EQ(quic_sendmsg(p->client, "x", 1, 0, MSG_QUIC_STREAM_NEW), 1);
}

/* RFC9000-10.3.1-1 RFC9000-10.3.1-4 */
TEST_EACH(stateless_reset)
{
	struct pair p = { .server_params.stateless_reset = 1,
			  .events = 1 << QUIC_EVENT_CONNECTION_CLOSE };
	union quic_event ev;
	int err = 0;
	socklen_t len = sizeof(err);

	connection(&p);
	pair_talk(&p);
	forget(&p);
	wait_event(p.client, QUIC_EVENT_CONNECTION_CLOSE, &ev);
	EQ(ev.close.errcode, 0x100);
	OK(!getsockopt(p.client, SOL_SOCKET, SO_ERROR, &err, &len));
	EQ(err, ECONNRESET);
	wait_closed(p.client);
	EQ(counter("QuicResetsRcvd"), 1);
	EQ(counter("QuicFrmOutCloses"), 0);
}

/* RFC9000-10.3.1-2 */
/* A client that was given no token cannot know. */
TEST(stateless_reset_without_a_token)
{
	struct pair p = { .client_params.max_idle_timeout = 1000000,
			  .events = 1 << QUIC_EVENT_CONNECTION_CLOSE };
	union quic_event ev;

	connection(&p);
	pair_talk(&p);
	forget(&p);
	wait_event(p.client, QUIC_EVENT_CONNECTION_CLOSE, &ev);
	EQ(ev.close.errcode, 0);
	OK(counter("QuicResetsSent") > 0);
	EQ(counter("QuicResetsRcvd"), 0);
}

/* The answer to a short header of @len bytes for the ID @id, or 0. */
static size_t reset_for(int fd, int server, size_t len, uint8_t id, uint8_t *buf)
{
	union addr a;
	ssize_t n;

	memset(buf, id, 1500);
	buf[0] = 0x41;
	EQ(sendto(fd, buf, len, 0, &a.sa, loopback(&a, family, server)), len);
	n = recv(fd, buf, 1500, 0);
	return n < 0 ? 0 : n;
}

/* Of UDP over IPv4, between two addresses that are both @addr. */
static uint16_t checksum(uint32_t addr, const void *data, size_t len)
{
	uint64_t sum = 2 * (uint64_t)addr + htons(IPPROTO_UDP) + htons(len);
	const uint16_t *p = data;

	for (size_t i = 0; i < len / 2; i++)
		sum += p[i];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

/* RFC 1122 section 4.1.3.4: what was damaged on the way is not answered. */
TEST(checksum_that_is_wrong)
{
	int l = listener(NULL), fd = udp_socket(0), raw;
	struct {
		struct udphdr udp;
		uint8_t data[1200];
	} d = { .data = { 0x41, 7, 7 } };
	union addr a;
	uint8_t buf[100];

	raw = socket(AF_INET, SOCK_RAW, IPPROTO_UDP);
	OK(raw >= 0);
	d.udp.source = htons(port_of(fd));
	d.udp.dest = htons(port_of(l));
	d.udp.len = htons(sizeof(d));
	loopback(&a, AF_INET, 0);
	d.udp.check = checksum(a.v4.sin_addr.s_addr, &d, sizeof(d));
	d.data[100] ^= 1;
	EQ(sendto(raw, &d, sizeof(d), 0, &a.sa, sizeof(a.v4)), sizeof(d));
	UNTIL(counter("QuicDropChecksum") == 1);
	EQ(counter("QuicResetsSent"), 0);
	d.data[100] ^= 1;
	EQ(sendto(raw, &d, sizeof(d), 0, &a.sa, sizeof(a.v4)), sizeof(d));
	OK(recv(fd, buf, sizeof(buf), 0) > 0);
	EQ(counter("QuicResetsSent"), 1);
	EQ(counter("QuicDropChecksum"), 1);
}

/* RFC9000-10.3-2 RFC9000-10.3.2-1 RFC9000-10.3.3-1 RFC9000-10.3-4 */
TEST_EACH(stateless_reset_packet)
{
	int l = listener(NULL), fd = udp_socket(0), port = port_of(l);
	uint8_t first[1500], second[1500], other[1500];
	struct timeval patience = { .tv_usec = 100000 };
	size_t n, m;

	n = reset_for(fd, port, 1200, 7, first);
	OK(n >= 43 && n < 64);
	EQ(first[0] & 0xc0, 0x40);
	/* Its end follows from the ID, the rest from nothing. */
	m = reset_for(fd, port, 1000, 7, second);
	EQ(memcmp(first + n - 16, second + m - 16, 16), 0);
	OK(memcmp(first + 1, second + 1, 20));
	m = reset_for(fd, port, 1000, 8, other);
	OK(memcmp(first + n - 16, other + m - 16, 16));
	/* Always shorter, and never too short to be one. */
	for (size_t len = 43; len > 21; len--) {
		n = reset_for(fd, port, len, 7, second);
		EQ(n, len - 1);
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	EQ(reset_for(fd, port, 21, 7, second), 0);
	write_sysctl("stateless_rate", "0");
	EQ(reset_for(fd, port, 1200, 7, second), 0);
	EQ(counter("QuicDropStateless"), 1);
}

/* Two who have forgotten each other: whoever pretends to be one of them starts
 * an exchange that ends (section 10.3.3).
 */
TEST(stateless_reset_loop)
{
	int l = listener(NULL), k = listener(NULL), raw;
	struct sockaddr_in to = { .sin_family = AF_INET };
	uint8_t buf[1208] = { 0 };
	unsigned long sent;

	raw = socket(AF_INET, SOCK_RAW, IPPROTO_UDP);
	OK(raw >= 0);
	memset(buf + 8, 0x55, 1200);
	*(uint16_t *)buf = htons(port_of(k));
	*(uint16_t *)(buf + 2) = htons(port_of(l));
	*(uint16_t *)(buf + 4) = htons(1208);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	EQ(sendto(raw, buf, 1208, 0, (void *)&to, sizeof(to)), 1208);
	UNTIL(counter("QuicResetsSent") > 20);
	do {
		sent = counter("QuicResetsSent");
		usleep(200000);
	} while (counter("QuicResetsSent") != sent);
	note("%lu resets", sent);
	OK(sent <= 64);
}
