// SPDX-License-Identifier: GPL-2.0
/*
 * First contact: Retry, tokens.
 */
#include "pair.h"

#define INVALID_TOKEN	0xb

static void set_validate(int fd)
{
	struct quic_config cfg = { .validate_peer_address = 1 };

	OK(!opt_set(fd, QUIC_SOCKOPT_CONFIG, &cfg, sizeof(cfg)));
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
	pair_talk(&p);
	EQ(counter("QuicRetriesSent"), 1);
	EQ(counter("QuicRetriesRcvd"), 1);
	EQ(counter("QuicDropToken"), 0);
}

TEST(retry_with_certificates)
{
	struct pair p = { .set_listener = set_validate, .certificates = true };

	connection(&p);
	pair_talk(&p);
	EQ(counter("QuicRetriesRcvd"), 1);
}

/* Without a listener's wish, but with too many half-open handshakes. */
TEST(retry_above_the_threshold)
{
	struct pair p = { 0 };

	write_sysctl("retry_threshold", "0");
	connection(&p);
	pair_talk(&p);
	EQ(counter("QuicRetriesSent"), 1);
}

TEST(no_retry_below_the_threshold)
{
	struct pair p = { 0 };

	/* What is established is not half open. */
	write_sysctl("retry_threshold", "1");
	for (int i = 0; i < 3; i++) {
		connection(&p);
		pair_talk(&p);
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

/* What waits for a listener is bounded in bytes, too. */
TEST(large_first_contact)
{
	static uint8_t buf[40000] = { 0xc0, 0, 0, 0, 1, 8 };
	int l = listener(NULL), fd = udp_socket(0);
	union addr a;

	buf[14] = 8;
	buf[24] = 0x44;
	buf[25] = 0x80;
	EQ(sendto(fd, buf, sizeof(buf), 0, &a.sa,
		  loopback(&a, family, port_of(l))), sizeof(buf));
	UNTIL(counter("QuicDropInitialQueue") == 1);
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
	/* A frame that was sent again brings a token of its own. */
	do {
		do {
			OK(receive(p.client, &u, sizeof(u.data), 0) >= 0);
		} while (!(u.msg_flags & MSG_QUIC_NOTIFICATION));
		EQ(u.data[0], QUIC_EVENT_NEW_TOKEN);
		saved_len = get_token(p.client, saved, sizeof(saved));
		OK(saved_len > 16);
		EQ(u.len, saved_len + 1);
	} while (memcmp(u.data + 1, saved, saved_len));
	disconnect(&p);
}

/* RFC9000-8.1.3-1 RFC9000-8.1.3-7 RFC9001-9.2-2 */
TEST_EACH(token_saves_the_retry)
{
	struct pair p = { .set_listener = set_validate,
			  .set_client = use_saved };

	earn_token();
	connection(&p);
	pair_talk(&p);
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

/* RFC9000-8.1.4-3 RFC9000-8.1.4-5 */
/* It is for the address that it was given to. */
TEST(token_of_another_address)
{
	struct pair p = { .set_listener = set_validate,
			  .set_client = use_saved_elsewhere };

	earn_token();
	connection(&p);
	pair_talk(&p);
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
	/* Section 8.1.3: that one follows the other nobody sees; only type and
	 * generation of the key are the same.
	 */
	OK(!memcmp(first, second, 2));
	OK(memcmp(first + 2, second + 2, 4));
	OK(memcmp(first + 6, second + 6, 3));
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

/* RFC9000-8.1.1-1 RFC9000-8.1.4-1 RFC9000-8.1.4-2 RFC9000-8.1.4-5 */
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
	/* Each was told, none forgotten; it is counted after it was sent. */
	UNTIL(counter("QuicFrmOutCloses") == 2 * len - 1);
}

/* ... but not while the server has too much to do: a flood of them would
 * make it keep something of each.
 */
TEST(bad_retry_token_when_busy)
{
	uint8_t buf[1200] = { 0xc0, 0, 0, 0, 1, 8 };
	int l = listener(NULL), fd = udp_socket(0);
	union addr a;

	set_validate(l);
	write_sysctl("retry_threshold", "0");
	buf[14] = 8;
	buf[23] = 60;		/* bytes of a token that says "Retry" */
	buf[24] = 0x52;
	buf[84] = 0x44;
	EQ(sendto(fd, buf, sizeof(buf), 0, &a.sa,
		  loopback(&a, family, port_of(l))), sizeof(buf));
	UNTIL(counter("QuicDropToken") == 1);
	EQ(counter("QuicRetriesSent"), 0);
	EQ(counter("QuicFrmOutCloses"), 0);
}
