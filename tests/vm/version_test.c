// SPDX-License-Identifier: GPL-2.0
/*
 * Versions: negotiation, upgrade, and what a liar in between can do.
 */
#include <poll.h>
#include <pthread.h>
#include "pair.h"

static void set_validate(int fd)
{
	struct quic_config cfg = { .validate_peer_address = 1 };

	OK(!opt_set(fd, QUIC_SOCKOPT_CONFIG, &cfg, sizeof(cfg)));
}

/* ---- versions ------------------------------------------------------------------ */

static uint32_t version_of(int fd)
{
	struct quic_config cfg = { 0 };
	socklen_t len = sizeof(cfg);

	OK(!opt_get(fd, QUIC_SOCKOPT_CONFIG, &cfg, &len));
	return cfg.version;
}

static void speak(int fd, uint32_t version)
{
	struct quic_config cfg = { .version = version };

	OK(!opt_set(fd, QUIC_SOCKOPT_CONFIG, &cfg, sizeof(cfg)));
}

static void speak_v2(int fd)
{
	speak(fd, QUIC_VERSION_V2);
}

static void speak_123(int fd)
{
	speak(fd, 123);
}

static void validate_and_speak_v2(int fd)
{
	set_validate(fd);
	speak_v2(fd);
}

static void both_speak(struct pair *p, uint32_t version)
{
	pair_talk(p);
	EQ(version_of(p->client), version);
	EQ(version_of(p->server), version);
}

/* RFC9368-2.1-2 RFC9368-2.1-4 RFC9368-6-2 */
/* RFC 9000 section 6: the server lists its versions, the client begins again. */
TEST_EACH(version_negotiation)
{
	struct pair p = { .set_client = speak_123 };

	connection(&p);
	both_speak(&p, QUIC_VERSION_V1);
	EQ(counter("QuicVersionsSent"), 1);
	EQ(counter("QuicVersionsRcvd"), 1);
}

TEST(version_negotiation_and_retry)
{
	struct pair p = { .set_client = speak_123,
			  .set_listener = set_validate };

	connection(&p);
	both_speak(&p, QUIC_VERSION_V1);
	EQ(counter("QuicVersionsRcvd"), 1);
	EQ(counter("QuicRetriesRcvd"), 1);
}

/* RFC9369-3-1 */
TEST_EACH(version_2)
{
	struct pair p = { .set_client = speak_v2 };

	connection(&p);
	both_speak(&p, QUIC_VERSION_V2);
	EQ(counter("QuicVersionsSent"), 0);
}

/* RFC9369-4.1-2 RFC9369-4.1-3 */
TEST(version_2_and_retry)
{
	struct pair p = { .set_client = speak_v2,
			  .set_listener = set_validate };

	connection(&p);
	both_speak(&p, QUIC_VERSION_V2);
	EQ(counter("QuicRetriesRcvd"), 1);
}

/* RFC9368-2.3-1 RFC9368-3-1 RFC9369-4-1 RFC9369-4.1-4 RFC9369-4.1-6 */
/* RFC 9368 section 2.3, RFC 9369 section 4: without a round trip. */
TEST_EACH(version_upgrade)
{
	struct pair p = { .set_listener = speak_v2 };

	connection(&p);
	both_speak(&p, QUIC_VERSION_V2);
	EQ(counter("QuicVersionsSent"), 0);
}

/* The client begins with 1 and has 2 first in its list, which decides. */
TEST_EACH(version_upgrade_that_the_client_wants)
{
	struct pair p = { .connected = speak_v2 };

	connection(&p);
	both_speak(&p, QUIC_VERSION_V2);
	EQ(counter("QuicVersionsSent"), 0);
}

/* RFC9369-4.1-5 */
TEST(version_upgrade_with_certificates)
{
	struct pair p = { .set_listener = speak_v2, .certificates = true };

	connection(&p);
	both_speak(&p, QUIC_VERSION_V2);
}

/* RFC9369-4.1-1 RFC9369-4.1-2 RFC9369-4.1-3 */
TEST(version_upgrade_and_retry)
{
	struct pair p = { .set_listener = validate_and_speak_v2 };

	connection(&p);
	both_speak(&p, QUIC_VERSION_V2);
	EQ(counter("QuicRetriesRcvd"), 1);
}

TEST(version_upgrade_after_negotiation)
{
	struct pair p = { .set_client = speak_123, .set_listener = speak_v2 };

	connection(&p);
	both_speak(&p, QUIC_VERSION_V2);
	EQ(counter("QuicVersionsRcvd"), 1);
}

/* RFC9368-2.3-1 */
TEST(version_upgrade_unwanted)
{
	struct pair p = { .set_listener = speak_v2,
			  .client_params.disable_compatible_version = 1 };
	struct pair q = { .set_listener = speak_v2,
			  .server_params.disable_compatible_version = 1 };

	connection(&p);
	both_speak(&p, QUIC_VERSION_V1);
	connection(&q);
	both_speak(&q, QUIC_VERSION_V1);
}

/* What a server answers to a datagram of @len bytes of @version, or 0. */
static ssize_t answer_to(int server, uint32_t version, size_t len, uint8_t *buf,
			 bool none)
{
	static const uint8_t ids[] = { 20, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11,
		12, 13, 14, 15, 16, 17, 18, 19, 20, 3, 7, 7, 7 };
	struct timeval patience = { .tv_sec = !none * 10, .tv_usec = 100000 };
	int fd = udp_socket(0);
	union addr a;
	ssize_t n;

	memset(buf, 0, 1500);
	buf[0] = 0xc0;
	version = htonl(version);
	memcpy(buf + 1, &version, 4);
	memcpy(buf + 5, ids, sizeof(ids));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	EQ(sendto(fd, buf, len, 0, &a.sa, loopback(&a, family, server)), len);
	n = recv(fd, buf, 1500, 0);
	close(fd);
	return n < 0 ? 0 : n;
}

/*
 * RFC8999-6-3 RFC8999-6-4 RFC9000-5.2.2-1 RFC9000-6.1-1 RFC9000-17.2.1-2
 * RFC9000-17.2.1-3 RFC9000-17.2.1-4 RFC9000-17.2.1-5 RFC9000-17.2.1-6
 * RFC9368-2.1-1 RFC9368-2.1-6
 */
/* RFC 9000 sections 6.1, 17.2.1; RFC 8999 section 6. */
TEST_EACH(version_negotiation_packet)
{
	int l = listener(NULL), port = port_of(l);
	uint8_t buf[1500];
	uint32_t v[3];

	EQ(answer_to(port, 0xff00001d, 1200, buf, false), 7 + 20 + 3 + 3 * 4);
	OK(buf[0] & 0x80);
	EQ(memcmp(buf + 1, "\0\0\0\0\3\7\7\7\24\1\2\3\4", 13), 0);
	memcpy(v, buf + 30, sizeof(v));
	EQ(ntohl(v[0]), QUIC_VERSION_V1);
	EQ(ntohl(v[1]), QUIC_VERSION_V2);
	EQ(ntohl(v[2]) & 0x0f0f0f0f, 0x0a0a0a0a);
	/* Not for less than a first flight, and never for itself. */
	EQ(answer_to(port, 0xff00001d, 1199, buf, true), 0);
	EQ(answer_to(port, 0, 1200, buf, true), 0);
	write_sysctl("stateless_rate", "0");
	EQ(answer_to(port, 0xff00001d, 1200, buf, true), 0);
	EQ(counter("QuicVersionsSent"), 1);
	EQ(counter("QuicDropStateless"), 1);
}

/* A server that is none: it answers the first datagram with a list. */
struct liar {
	int fd;
	uint32_t list[2];
};

static void *lie(void *arg)
{
	struct liar *liar = arg;
	socklen_t len = sizeof(union addr);
	uint8_t buf[1500], out[64] = { 0xc0 };
	union addr a;

	OK(recvfrom(liar->fd, buf, sizeof(buf), 0, &a.sa, &len) >= 1200);
	EQ(buf[5], 8);
	EQ(buf[14], 8);
	memcpy(out + 5, buf + 14, 9);
	memcpy(out + 14, buf + 5, 9);
	for (int i = 0; i < 2; i++)
		liar->list[i] = htonl(liar->list[i]);
	memcpy(out + 23, liar->list, 8);
	EQ(sendto(liar->fd, out, 31, 0, &a.sa, len), 31);
	return NULL;
}

static int told(uint32_t first, uint32_t second, uint32_t version)
{
	struct liar liar = { .fd = udp_socket(0), .list = { first, second } };
	pthread_t thread;
	int c = quic_socket(), ret;
	union addr a;

	speak(c, version);
	OK(!pthread_create(&thread, NULL, lie, &liar));
	OK(!connect(c, &a.sa, loopback(&a, family, port_of(liar.fd))));
	ret = client_handshake(c);
	OK(!pthread_join(thread, NULL));
	close(c);
	close(liar.fd);
	return ret;
}

/* RFC9000-6.2-1 RFC9368-2.1-3 RFC9368-2.2-1 */
/* RFC 9000 section 6.2: no version in common. */
TEST(version_negotiation_without_a_common_one)
{
	EQ(told(0xff00001d, 0x0a0a0a0a, QUIC_VERSION_V1), -EPROTONOSUPPORT);
	EQ(counter("QuicVersionsRcvd"), 1);
}

static void send_hello(int fd)
{
	union {
		char buf[CMSG_SPACE(sizeof(struct quic_handshake_info))];
		struct cmsghdr align;
	} control = { 0 };
	struct iovec iov = { .iov_base = "hello", .iov_len = 5 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control.buf,
		.msg_controllen = sizeof(control.buf),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_QUIC;
	c->cmsg_type = QUIC_HANDSHAKE_INFO;
	c->cmsg_len = CMSG_LEN(sizeof(struct quic_handshake_info));
	*CMSG_DATA(c) = QUIC_CRYPTO_INITIAL;
	EQ(sendmsg(fd, &msg, 0), 5);
}

/* The ClientHello says version 1, and is for no other: the program hears of it
 * once, by whichever call it makes first.
 */
static int told_of_version_2(void)
{
	struct liar liar = { .fd = udp_socket(0),
			     .list = { QUIC_VERSION_V2, 0x0a0a0a0a } };
	int c = quic_socket();
	uint8_t params[512];
	socklen_t len = sizeof(params);
	pthread_t thread;
	union addr a;

	OK(!pthread_create(&thread, NULL, lie, &liar));
	OK(!connect(c, &a.sa, loopback(&a, family, port_of(liar.fd))));
	OK(!opt_get(c, QUIC_SOCKOPT_TRANSPORT_PARAM_EXT, params, &len));
	send_hello(c);
	OK(!pthread_join(thread, NULL));
	wait_poll(c, POLLIN);
	return c;
}

TEST(version_negotiation_restarts_tls)
{
	int c = told_of_version_2();
	static struct unit u;

	ERR(receive(c, &u, sizeof(u.data), 0), ERESTART);
	ERR(receive(c, &u, sizeof(u.data), MSG_DONTWAIT), EAGAIN);
	OK(!(poll_now(c) & POLLIN));
	send_hello(c);
}

/* A relay that answers the client's first datagram with a list of its own. */
struct between {
	int client, server;
	struct liar liar;
};

static void *relay(void *arg)
{
	struct between *b = arg;
	struct timeval tick = { .tv_usec = 10000 };
	socklen_t len = sizeof(union addr);
	uint8_t buf[2000];
	union addr a;
	ssize_t n;

	b->liar.fd = b->client;
	lie(&b->liar);
	setsockopt(b->client, SOL_SOCKET, SO_RCVTIMEO, &tick, sizeof(tick));
	setsockopt(b->server, SOL_SOCKET, SO_RCVTIMEO, &tick, sizeof(tick));
	for (;;) {
		n = recvfrom(b->client, buf, sizeof(buf), 0, &a.sa, &len);
		if (n > 0)
			send(b->server, buf, n, 0);
		n = recv(b->server, buf, sizeof(buf), 0);
		if (n > 0)
			sendto(b->client, buf, n, 0, &a.sa, len);
	}
	return NULL;
}

/* A connection of @c to @l through it; what the handshake says. */
static int between(int c, int l, uint32_t first, uint32_t second)
{
	int s, ret;
	struct between b = {
		.client = udp_socket(0), .server = udp_socket(0),
		.liar.list = { first, second },
	};
	pthread_t thread;
	union addr a;

	OK(!connect(b.server, &a.sa, loopback(&a, family, port_of(l))));
	OK(!pthread_create(&thread, NULL, relay, &b));
	OK(!connect(c, &a.sa, loopback(&a, family, port_of(b.client))));
	if (!fork()) {
		s = accept(l, NULL, NULL);
		server_handshake(s);
		_exit(0);
	}
	ret = client_handshake(c);
	pthread_cancel(thread);
	return ret;
}

/*
 * RFC8999-7-1 RFC9000-21.12-1 RFC9368-3-1 RFC9368-4-15 RFC9368-4-16
 * RFC9369-4-1
 */
/* RFC 9368 section 4: the server has what the client would have chosen. */
TEST(version_downgrade)
{
	struct quic_transport_param tp = { .disable_compatible_version = 1 };
	int c = quic_socket();

	speak_v2(c);
	OK(!opt_set(c, QUIC_SOCKOPT_TRANSPORT_PARAM, &tp, sizeof(tp)));
	EQ(between(c, listener(NULL), QUIC_VERSION_V1, 0x0a0a0a0a),
	   -EPROTONOSUPPORT);
	EQ(counter("QuicVersionsRcvd"), 1);
	/* Said again if the server's next packet comes before it is heard. */
	OK(counter("QuicFrmOutCloses") >= 1);
}

/* RFC9368-6-2 */
/* A server that has version 1 alone: the client's handshake begins again, with a
 * ClientHello that says so.
 */
TEST(version_negotiation_with_another_hello)
{
	struct quic_transport_param tp = { .disable_compatible_version = 1 };
	int c = quic_socket(), l = listener(NULL);

	speak_v2(c);
	OK(!opt_set(l, QUIC_SOCKOPT_TRANSPORT_PARAM, &tp, sizeof(tp)));
	EQ(between(c, l, QUIC_VERSION_V1, 0x0a0a0a0a), 0);
	EQ(version_of(c), QUIC_VERSION_V1);
	EQ(counter("QuicVersionsRcvd"), 1);
}

/* RFC9000-6.2-3 RFC9368-4-1 */
/* RFC 9368 section 4: a list with the version in use is no answer to it. */
TEST(version_negotiation_of_the_version_in_use)
{
	int c = quic_socket();

	EQ(between(c, listener(NULL), QUIC_VERSION_V2, QUIC_VERSION_V1), 0);
	EQ(version_of(c), QUIC_VERSION_V1);
	EQ(counter("QuicVersionsRcvd"), 0);
}
