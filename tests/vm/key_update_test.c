// SPDX-License-Identifier: GPL-2.0
/*
 * Key update, RFC 9001 section 6: by either end, in any order, under load;
 * and the limits of section 6.6.
 */
#include <netinet/udp.h>
#include <poll.h>
#include <pthread.h>
#include "pair.h"

#define NEW	MSG_QUIC_STREAM_NEW
#define EVENTS	(1U << QUIC_EVENT_KEY_UPDATE | 1U << QUIC_EVENT_CONNECTION_CLOSE)

static int update(int fd)
{
	return opt_set(fd, QUIC_SOCKOPT_KEY_UPDATE, NULL, 0);
}

static void set_sysctl(const char *name, int value)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/sys/net/quic/%s", name);
	f = fopen(path, "w");
	OK(f);
	OK(fprintf(f, "%d", value) > 0);
	OK(!fclose(f));
}

static void expect_phase(int fd, int phase)
{
	union quic_event ev;

	wait_event(fd, QUIC_EVENT_KEY_UPDATE, &ev);
	EQ(ev.key_update_phase, phase);
}

/* Five bytes each way on stream 0. */
static void exchange(struct pair *p)
{
	char buf[5];

	EQ(quic_sendmsg(p->client, "hello", 5, 0, NEW), 5);
	EQ(read_stream(p->server, 0, buf, 5, NULL), 5);
	OK(!memcmp(buf, "hello", 5));
	EQ(quic_sendmsg(p->server, "world", 5, 0, 0), 5);
	EQ(read_stream(p->client, 0, buf, 5, NULL), 5);
	OK(!memcmp(buf, "world", 5));
}

/* ---- between the two, a relay ----------------------------------------------- */

/* Datagrams from the client to the server may be held back, and sent on in
 * the opposite order; or come after forged copies.
 */
static struct relay {
	int fd[2];		/* [0] to the client, [1] to the server */
	union addr client;
	pthread_mutex_t lock;
	bool hold;
	int forge;		/* copies of the next datagram */
	int n;
	struct {
		int len;
		char data[2048];
	} held[64];
} relay = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void relay_to_server(char *data, int len)
{
	pthread_mutex_lock(&relay.lock);
	/* Before it: a number that has been seen is not looked at. */
	for (; relay.forge; relay.forge--) {
		data[len - 1] ^= relay.forge % 255 + 1;
		send(relay.fd[1], data, len, 0);
		data[len - 1] ^= relay.forge % 255 + 1;
	}
	if (relay.hold && relay.n < 64) {
		relay.held[relay.n].len = len;
		memcpy(relay.held[relay.n++].data, data, len);
	} else {
		send(relay.fd[1], data, len, 0);
	}
	pthread_mutex_unlock(&relay.lock);
}

static void *relay_loop(void *arg)
{
	struct pollfd fds[2] = {
		{ .fd = relay.fd[0], .events = POLLIN },
		{ .fd = relay.fd[1], .events = POLLIN },
	};
	static char data[65536];
	socklen_t size;
	int len;

	for (;;) {
		OK(poll(fds, 2, -1) > 0);
		if (fds[0].revents) {
			size = sizeof(relay.client);
			len = recvfrom(relay.fd[0], data, sizeof(data), 0,
				       &relay.client.sa, &size);
			if (len > 0)
				relay_to_server(data, len);
		}
		if (fds[1].revents) {
			len = recv(relay.fd[1], data, sizeof(data), 0);
			if (len > 0)
				sendto(relay.fd[0], data, len, 0,
				       &relay.client.sa, sizeof(relay.client.v4));
		}
	}
	return NULL;
}

static void hold(void)
{
	pthread_mutex_lock(&relay.lock);
	relay.hold = true;
	pthread_mutex_unlock(&relay.lock);
}

static int held(void)
{
	int n;

	pthread_mutex_lock(&relay.lock);
	n = relay.n;
	pthread_mutex_unlock(&relay.lock);
	return n;
}

static void release_last_first(void)
{
	pthread_mutex_lock(&relay.lock);
	relay.hold = false;
	while (relay.n) {
		relay.n--;
		send(relay.fd[1], relay.held[relay.n].data,
		     relay.held[relay.n].len, 0);
	}
	pthread_mutex_unlock(&relay.lock);
}

/* Which of those held is followed by a shorter one, or -1. */
static int seam(void)
{
	int i, found = -1;

	pthread_mutex_lock(&relay.lock);
	for (i = 0; i + 1 < relay.n && found < 0; i++)
		if (relay.held[i + 1].len < relay.held[i].len)
			found = i;
	pthread_mutex_unlock(&relay.lock);
	return found;
}

/* @size bytes and @rest as one train, as a card merges them. */
static void send_train(const char *first, uint16_t size, const char *second,
		       int rest)
{
	char data[4096], control[CMSG_SPACE(sizeof(uint16_t))] = { 0 };
	struct iovec iov = { .iov_base = data };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	memcpy(data, first, size);
	memcpy(data + size, second, rest);
	iov.iov_len = size + rest;
	c->cmsg_level = SOL_UDP;
	c->cmsg_type = UDP_SEGMENT;
	c->cmsg_len = CMSG_LEN(sizeof(size));
	memcpy(CMSG_DATA(c), &size, sizeof(size));
	EQ(sendmsg(relay.fd[1], &msg, 0), iov.iov_len);
}

/* Number @at and the next as one train; the others one by one. */
static void release_as_train(int at)
{
	int i;

	pthread_mutex_lock(&relay.lock);
	relay.hold = false;
	for (i = 0; i < at; i++)
		send(relay.fd[1], relay.held[i].data, relay.held[i].len, 0);
	send_train(relay.held[at].data, relay.held[at].len,
		   relay.held[at + 1].data, relay.held[at + 1].len);
	for (i = at + 2; i < relay.n; i++)
		send(relay.fd[1], relay.held[i].data, relay.held[i].len, 0);
	relay.n = 0;
	pthread_mutex_unlock(&relay.lock);
}

/* The first one, behind one whose ID only begins like its own; what follows stays. */
static void release_behind_another(void)
{
	char other[2048];
	int len;

	pthread_mutex_lock(&relay.lock);
	len = relay.held[0].len;
	memcpy(other, relay.held[0].data, len);
	other[1 + 8] ^= 1;
	send_train(other, len, relay.held[0].data, len);
	pthread_mutex_unlock(&relay.lock);
}

static void *client_thread(void *arg)
{
	EQ(client_handshake(*(int *)arg), 0);
	return NULL;
}

static void relayed(struct pair *p)
{
	pthread_t thread;
	union addr a;

	p->listener = listener(NULL);
	event_on(p->listener, QUIC_EVENT_KEY_UPDATE);
	relay.fd[0] = udp_socket(0);
	relay.fd[1] = udp_socket(0);
	OK(!connect(relay.fd[1], &a.sa,
		    loopback(&a, family, port_of(p->listener))));
	OK(!pthread_create(&thread, NULL, relay_loop, NULL));
	p->client = client(port_of(relay.fd[0]));
	event_on(p->client, QUIC_EVENT_KEY_UPDATE);
	event_on(p->client, QUIC_EVENT_CONNECTION_CLOSE);
	OK(!pthread_create(&thread, NULL, client_thread, &p->client));
	p->server = accept(p->listener, NULL, NULL);
	OK(p->server >= 0);
	EQ(server_handshake(p->server), 0);
	OK(!pthread_join(thread, NULL));
	exchange(p);
}

/* ---- tests ----------------------------------------------------------------------- */

/* RFC9001-6.1-1 */
TEST(only_when_established)
{
	int l = listener(NULL), fd = quic_socket();

	ERR(update(fd), EPIPE);
	ERR(update(l), EPIPE);
	close(fd);
	fd = client(port_of(l));
	ERR(update(fd), EPIPE);
}

/* RFC9001-6-1 */
/* Section 6.1: one end, then the other, then the first again. */
TEST(each_end_in_turn)
{
	struct pair p = { .events = EVENTS };

	connection(&p);
	exchange(&p);
	for (int i = 1; i <= 4; i++) {
		/* Once its last packets were acknowledged. */
		UNTIL(!update(i & 1 ? p.client : p.server));
		expect_phase(p.client, i & 1);
		expect_phase(p.server, i & 1);
		exchange(&p);
	}
	/* An end whose PTO is longer may have met the next phase too early, and
	 * dropped the first packets of it (section 6.5).
	 */
	EQ(counter("QuicKeyUpdates"), 8);
	disconnect(&p);
}

/* At once it is one update, or two after each other; both ends stay together. */
TEST(both_ends_at_once)
{
	struct pair p = { .events = EVENTS };

	connection(&p);
	exchange(&p);
	EQ(update(p.client), 0);
	/* Unless it has followed already. */
	if (update(p.server))
		EQ(errno, EINVAL);
	expect_phase(p.client, 1);
	expect_phase(p.server, 1);
	exchange(&p);
	disconnect(&p);
}

/* RFC9001-6.1-2 */
/* Section 6.1: not again before the last one was acknowledged. */
TEST(refused_until_acknowledged)
{
	struct pair p = { 0 };

	relayed(&p);
	hold();
	EQ(update(p.client), 0);
	ERR(update(p.client), EINVAL);
	release_last_first();
	expect_phase(p.client, 1);
	/* Accepted now, and carried out when the previous key is gone. */
	EQ(update(p.client), 0);
	expect_phase(p.client, 0);
	exchange(&p);
	disconnect(&p);
}

/* RFC9001-6.1-3 RFC9001-6.3-2 */
/* Section 6.5: the previous key opens what was late. */
TEST(late_packets_of_the_old_phase)
{
	struct pair p = { 0 };
	char buf[4];
	int before;

	relayed(&p);
	hold();
	EQ(quic_sendmsg(p.client, "late", 4, 0, 0), 4);
	UNTIL(held() >= 1);
	before = held();
	EQ(update(p.client), 0);
	UNTIL(held() > before);
	release_last_first();
	EQ(read_stream(p.server, 0, buf, 4, NULL), 4);
	OK(!memcmp(buf, "late", 4));
	UNTIL(counter("QuicKeyUpdates") == 2);
	EQ(counter("QuicPktDecDrop"), 0);
	exchange(&p);
	disconnect(&p);
}

/* Nobody knows the ID of the first packet; that is no loss for the second. */
TEST(another_id_leads_the_train)
{
	struct pair p = { 0 };
	char buf[4];

	relayed(&p);
	UNTIL(settled(p.client) && settled(p.server));
	hold();
	EQ(quic_sendmsg(p.client, "late", 4, 0, 0), 4);
	UNTIL(held() >= 1);
	release_behind_another();
	EQ(read_stream(p.server, 0, buf, 4, NULL), 4);
	OK(!memcmp(buf, "late", 4));
	release_last_first();
	disconnect(&p);
}

/* RFC9001-6.1-3 RFC9001-6.3-2 */
/* A train may carry both phases. */
TEST(both_phases_in_one_train)
{
	static char data[600], got[600];
	struct pair p = { 0 };
	unsigned long trains;

	relayed(&p);
	/* The server has its next keys a while after an update. */
	EQ(update(p.client), 0);
	expect_phase(p.server, 1);
	expect_phase(p.client, 1);
	for (int i = 0; i < 30; i++)
		short_while();
	UNTIL(!update(p.client));
	expect_phase(p.server, 0);
	expect_phase(p.client, 0);
	for (int i = 0; i < 30; i++)
		short_while();
	exchange(&p);
	/* Nothing is under way that the client would have to answer: what is
	 * held are the data, again as often as a PTO passes, then the PING of
	 * the new phase, which is shorter.
	 */
	UNTIL(settled(p.client) && settled(p.server));
	hold();
	trains = counter("QuicRxSuperSkbs");
	EQ(quic_sendmsg(p.client, data, sizeof(data), 0, 0), sizeof(data));
	UNTIL(held() >= 1);
	UNTIL(!update(p.client));
	UNTIL(seam() >= 0);
	release_as_train(seam());
	EQ(read_stream(p.server, 0, got, sizeof(got), NULL), sizeof(got));
	UNTIL(counter("QuicKeyUpdates") == 6);
	OK(counter("QuicRxSuperSkbs") > trains);
	EQ(counter("QuicPktDecDrop"), 0);
	exchange(&p);
	disconnect(&p);
}

static void *send_all(void *arg)
{
	static const char zeros[65536];

	for (int i = 0; i < 128; i++)
		EQ(quic_sendmsg(*(int *)arg, zeros, sizeof(zeros), 0, NEW),
		   sizeof(zeros));
	return NULL;
}

/* RFC9001-5.3-3 RFC9001-6.6-1 RFC9001-6.6-2 RFC9001-6.6-3 */
/* Section 6.6: the limit of a cipher, or a lower one, changes keys by itself;
 * trains carry on, and no packet fails to open.
 */
TEST_WITH(after_so_many_packets, 60, false)
{
	static char buf[128 * 65536];
	struct pair p = { 0 };
	pthread_t thread;
	int phases = 0;

	set_sysctl("key_update_packets", 100);
	connection(&p);
	OK(!pthread_create(&thread, NULL, send_all, &p.client));
	EQ(read_stream(p.server, 0, buf, sizeof(buf), NULL), sizeof(buf));
	OK(!pthread_join(thread, NULL));
	/* As fast as acknowledgments and three PTOs allow. */
	for (int i = 0; i < 40 && phases < 4; i++) {
		exchange(&p);
		OK(!pthread_create(&thread, NULL, send_all, &p.client));
		EQ(read_stream(p.server, 0, buf, sizeof(buf), NULL),
		   sizeof(buf));
		OK(!pthread_join(thread, NULL));
		phases = counter("QuicKeyUpdates");
	}
	note("%d updates", phases);
	OK(phases >= 4);
	EQ(counter("QuicPktDecDrop"), 0);
	disconnect(&p);
}

/* RFC9001-6.6-4 RFC9001-6.6-5 RFC9001-6.6-6 */
/* Section 6.6: forged packets are counted over all keys, and end it. */
TEST(forged_packets_end_it)
{
	struct pair p = { 0 };
	union quic_event ev;

	set_sysctl("forged_packets", 100);
	relayed(&p);
	pthread_mutex_lock(&relay.lock);
	relay.forge = 60;
	pthread_mutex_unlock(&relay.lock);
	exchange(&p);
	UNTIL(counter("QuicPktDecDrop") == 60);
	EQ(update(p.client), 0);
	expect_phase(p.client, 1);
	exchange(&p);
	pthread_mutex_lock(&relay.lock);
	relay.forge = 40;
	pthread_mutex_unlock(&relay.lock);
	EQ(quic_sendmsg(p.client, "x", 1, 0, 0), 1);
	wait_event(p.client, QUIC_EVENT_CONNECTION_CLOSE, &ev);
	EQ(ev.close.errcode, QUIC_TRANSPORT_ERROR_AEAD_LIMIT_REACHED);
	disconnect(&p);
}
