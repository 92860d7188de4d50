// SPDX-License-Identifier: GPL-2.0
/*
 * First contact: Retry, tokens, versions.
 */
#include <fcntl.h>
#include <pthread.h>
#include "pair.h"

#define INVALID_TOKEN	0xb

static void set_validate(int fd)
{
	struct quic_config cfg = { .validate_peer_address = 1 };

	OK(!opt_set(fd, QUIC_SOCKOPT_CONFIG, &cfg, sizeof(cfg)));
}

static void write_sysctl(const char *name, const char *value)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/proc/sys/net/quic/%s", name);
	fd = open(path, O_WRONLY);
	OK(fd >= 0);
	EQ(write(fd, value, strlen(value)), (ssize_t)strlen(value));
	close(fd);
}

static void exchange(struct pair *p)
{
	char buf[6];

	EQ(quic_sendmsg(p->client, "hello", 6, 0, MSG_QUIC_STREAM_NEW), 6);
	EQ(read_stream(p->server, 0, buf, 6, NULL), 6);
	OK(!strcmp(buf, "hello"));
}

/* ---- Retry: RFC 9000 section 8.1.2 ------------------------------------------ */

/* RFC9000-8.1.3-2 RFC9000-8.1.3-6 RFC9000-17.2.5.1-1 RFC9000-17.2.5.1-4 */
/* Both check the connection IDs of the Retry in the transport parameters
 * (section 7.3), so a connection tells that they agree.
 */
TEST_EACH(retry)
{
	struct pair p = { .set_listener = set_validate };

	connection(&p);
	exchange(&p);
	EQ(counter("QuicRetriesSent"), 1);
	EQ(counter("QuicRetriesRcvd"), 1);
	EQ(counter("QuicDropToken"), 0);
}

TEST(retry_with_certificates)
{
	struct pair p = { .set_listener = set_validate, .certificates = true };

	connection(&p);
	exchange(&p);
	EQ(counter("QuicRetriesRcvd"), 1);
}

/* Without a listener's wish, but with too many half-open handshakes. */
TEST(retry_above_the_threshold)
{
	struct pair p = { 0 };

	write_sysctl("retry_threshold", "0");
	connection(&p);
	exchange(&p);
	EQ(counter("QuicRetriesSent"), 1);
}

TEST(no_retry_below_the_threshold)
{
	struct pair p = { 0 };

	/* What is established is not half open. */
	write_sysctl("retry_threshold", "1");
	for (int i = 0; i < 3; i++) {
		connection(&p);
		exchange(&p);
	}
	EQ(counter("QuicRetriesSent"), 0);
}

/* The setting can change while the socket listens. */
TEST(retry_set_late)
{
	int l = listener(NULL);
	union addr a;
	uint8_t buf[1200] = { 0xc0, 0, 0, 0, 1, 8 };
	int fd = udp_socket(0);

	set_validate(l);
	buf[14] = 8;
	buf[24] = 0x44;
	buf[25] = 0x80;
	EQ(sendto(fd, buf, sizeof(buf), 0, &a.sa,
		  loopback(&a, family, port_of(l))), sizeof(buf));
	OK(recv(fd, buf, sizeof(buf), 0) > 0);
	EQ(buf[0] & 0xf0, 0xf0);
}

/* ---- tokens: sections 8.1.3, 8.1.4 ----------------------------------------- */

static socklen_t get_token(int fd, uint8_t *token, socklen_t room)
{
	OK(!opt_get(fd, QUIC_SOCKOPT_TOKEN, token, &room));
	return room;
}

static uint8_t saved[120];
static socklen_t saved_len;

static void use_saved(int fd)
{
	OK(!opt_set(fd, QUIC_SOCKOPT_TOKEN, saved, saved_len));
}

/* A connection that yields a token. */
static void earn_token(void)
{
	struct pair p = { .events = 1 << QUIC_EVENT_NEW_TOKEN };
	static struct unit u;

	connection(&p);
	do {
		OK(receive(p.client, &u, sizeof(u.data), 0) >= 0);
	} while (!(u.msg_flags & MSG_QUIC_NOTIFICATION));
	EQ(u.data[0], QUIC_EVENT_NEW_TOKEN);
	saved_len = get_token(p.client, saved, sizeof(saved));
	OK(saved_len > 16);
	EQ(u.len, saved_len + 1);
	OK(!memcmp(u.data + 1, saved, saved_len));
	disconnect(&p);
}

/* RFC9000-8.1.3-1 RFC9000-8.1.3-7 RFC9001-9.2-2 */
TEST_EACH(token_saves_the_retry)
{
	struct pair p = { .set_listener = set_validate,
			  .set_client = use_saved };

	earn_token();
	connection(&p);
	exchange(&p);
	EQ(counter("QuicRetriesSent"), 0);
}

/* RFC9000-8.1.1-1 RFC9000-8.1.3-7 RFC9000-8.1.4-1 RFC9000-8.1.4-2 */
/* A damaged one proves nothing, and is no reason to refuse (section 8.1.3). */
TEST(damaged_token)
{
	struct pair p = { .set_listener = set_validate,
			  .set_client = use_saved };

	earn_token();
	for (socklen_t i = 0; i < saved_len; i += 7) {
		saved[i] ^= 0x10;
		connection(&p);
		disconnect(&p);
		saved[i] ^= 0x10;
		EQ(counter("QuicRetriesSent"), i / 7 + 1);
	}
}

static void use_saved_elsewhere(int fd)
{
	struct sockaddr_in a = { .sin_family = AF_INET };

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);
	OK(!bind(fd, (struct sockaddr *)&a, sizeof(a)));
	use_saved(fd);
}

/* RFC9000-8.1.4-3 */
/* It is for the address that it was given to. */
TEST(token_of_another_address)
{
	struct pair p = { .set_listener = set_validate,
			  .set_client = use_saved_elsewhere };

	earn_token();
	connection(&p);
	exchange(&p);
	EQ(counter("QuicRetriesSent"), 1);
}

/* RFC9000-8.1.3-4 RFC9000-19.7-1 */
TEST(token_on_demand)
{
	struct pair p = { .events = 1 << QUIC_EVENT_NEW_TOKEN };
	uint8_t first[120], second[120];
	socklen_t len;
	union quic_event ev;

	connection(&p);
	wait_event(p.client, QUIC_EVENT_NEW_TOKEN, &ev);
	len = get_token(p.client, first, sizeof(first));
	/* One at a time: the first until it is acknowledged. */
	while (opt_set(p.server, QUIC_SOCKOPT_TOKEN, NULL, 0)) {
		EQ(errno, EAGAIN);
		short_while();
	}
	wait_event(p.client, QUIC_EVENT_NEW_TOKEN, &ev);
	EQ(get_token(p.client, second, sizeof(second)), len);
	OK(memcmp(first, second, len));
	ERR(opt_get(p.server, QUIC_SOCKOPT_TOKEN, first, &len), EINVAL);
	len = 3;
	ERR(opt_get(p.client, QUIC_SOCKOPT_TOKEN, first, &len), EINVAL);
}

TEST_EACH(token_option)
{
	int c = quic_socket(), l = listener(NULL);
	uint8_t token[121] = { 1, 2, 3 };
	socklen_t len = sizeof(token);

	EQ(get_token(c, token, sizeof(token)), 0);
	ERR(opt_set(c, QUIC_SOCKOPT_TOKEN, token, 0), EINVAL);
	ERR(opt_set(c, QUIC_SOCKOPT_TOKEN, token, 121), EINVAL);
	OK(!opt_set(c, QUIC_SOCKOPT_TOKEN, token, 120));
	OK(!opt_set(c, QUIC_SOCKOPT_TOKEN, token, 1));
	EQ(get_token(c, token, sizeof(token)), 1);
	ERR(opt_set(l, QUIC_SOCKOPT_TOKEN, token, 3), EINVAL);
	ERR(opt_get(l, QUIC_SOCKOPT_TOKEN, token, &len), EINVAL);
}

/* ---- a Retry's token, damaged: section 8.1.2 ------------------------------- */

/* Ask for a Retry as a client at @port would; the server keeps nothing, so it
 * does not see that the Initial is not one.
 */
static size_t retry_token(int server, int port, uint8_t *token)
{
	uint8_t buf[1200] = { 0xc0, 0, 0, 0, 1, 8, 1, 2, 3, 4, 5, 6, 7, 8,
			      8, 8, 7, 6, 5, 4, 3, 2, 1, 0, 0x44, 0x80 };
	int fd = udp_socket(port);
	union addr a;
	ssize_t n;
	size_t head;

	EQ(sendto(fd, buf, sizeof(buf), 0, &a.sa,
		  loopback(&a, family, server)), sizeof(buf));
	n = recv(fd, buf, sizeof(buf), 0);
	OK(n > 0);
	close(fd);
	EQ(buf[0] & 0xf0, 0xf0);
	EQ(buf[5], 8);
	OK(!memcmp(buf + 6, "\x08\x07\x06\x05\x04\x03\x02\x01", 8));
	EQ(buf[14], 8);
	head = 23;
	OK((size_t)n > head + 16);
	memcpy(token, buf + head, n - head - 16);
	return n - head - 16;
}

/* The error that a client at @port gets who sends this token. */
static uint32_t fate(int server, int port, const uint8_t *token, size_t len)
{
	struct quic_connection_close cl = { 0 };
	socklen_t size = sizeof(cl);
	int c = quic_socket();
	union addr a;

	OK(!opt_set(c, QUIC_SOCKOPT_TOKEN, token, len));
	OK(!bind(c, &a.sa, loopback(&a, family, port)));
	OK(!connect(c, &a.sa, loopback(&a, family, server)));
	OK(client_handshake(c));
	OK(!opt_get(c, QUIC_SOCKOPT_CONNECTION_CLOSE, &cl, &size));
	close(c);
	return cl.errcode;
}

/* RFC9000-8.1.1-1 RFC9000-8.1.4-1 RFC9000-8.1.4-2 */
TEST_WITH(damaged_retry_token, 120, false)
{
	uint8_t token[120];
	int l = quic_socket(), server;
	union addr a;
	size_t len;
	int port = 40000;

	set_validate(l);
	OK(!bind(l, &a.sa, loopback(&a, family, 0)));
	OK(!listen(l, 128));
	server = port_of(l);
	len = retry_token(server, port, token);
	OK(len > 40);
	/* The first byte says what it is: see below. */
	for (size_t i = 1; i < len; i++) {
		token[i] ^= 1 << i % 8;
		EQ(fate(server, port, token, len), INVALID_TOKEN);
		token[i] ^= 1 << i % 8;
	}
	for (size_t n = 1; n < len; n++)
		EQ(fate(server, port, token, n), INVALID_TOKEN);
	/* From another port it is nothing worth. */
	EQ(fate(server, port + 1, token, len), INVALID_TOKEN);
	/* Each was told, none forgotten. */
	EQ(counter("QuicFrmOutCloses"), 2 * len - 1);
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
	exchange(p);
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
	/* The ClientHello says version 1, and is for no other. */
	EQ(told(QUIC_VERSION_V2, 0x0a0a0a0a, QUIC_VERSION_V1),
	   -EPROTONOSUPPORT);
	EQ(counter("QuicVersionsRcvd"), 2);
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

/* A connection of @c through it; what the handshake says. */
static int between(int c, uint32_t first, uint32_t second)
{
	int l = listener(NULL), s, ret;
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
	EQ(between(c, QUIC_VERSION_V1, 0x0a0a0a0a), -EPROTONOSUPPORT);
	EQ(counter("QuicVersionsRcvd"), 1);
	EQ(counter("QuicFrmOutCloses"), 1);
}

/* RFC9000-6.2-3 RFC9368-4-1 */
/* RFC 9368 section 4: a list with the version in use is no answer to it. */
TEST(version_negotiation_of_the_version_in_use)
{
	int c = quic_socket();

	EQ(between(c, QUIC_VERSION_V2, QUIC_VERSION_V1), 0);
	EQ(version_of(c), QUIC_VERSION_V1);
	EQ(counter("QuicVersionsRcvd"), 0);
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
	exchange(&p);
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
	exchange(&p);
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
