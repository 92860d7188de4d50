// SPDX-License-Identifier: GPL-2.0
/*
 * Datagrams (RFC 9221): parameter, flags, sizes, bounds.
 */
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include "pair.h"

#define NEW	MSG_QUIC_STREAM_NEW
#define FIN	MSG_QUIC_STREAM_FIN
#define DGRAM	MSG_QUIC_DATAGRAM

static char bytes[70000];

/* A connection on which both ends, or one, take datagrams up to these sizes. */
static void datagrams(struct pair *p, int client_max, int server_max)
{
	p->client_params.max_datagram_frame_size = client_max;
	p->server_params.max_datagram_frame_size = server_max;
	connection(p);
}

static void receive_datagram(int fd, struct unit *u, size_t len, int flags)
{
	OK(receive(fd, u, len, flags) >= 0);
	OK(u->msg_flags & DGRAM);
	EQ(u->id, -1);
}

TEST_EACH(there_and_back)
{
	static struct unit u;
	struct pair p = { 0 };

	datagrams(&p, 65535, 65535);
	EQ(send(p.client, "ping", 4, DGRAM), 4);
	receive_datagram(p.server, &u, 100, 0);
	EQ(u.len, 4);
	OK(u.msg_flags & MSG_EOR);
	OK(!memcmp(u.data, "ping", 4));
	EQ(send(p.server, "answer", 6, DGRAM), 6);
	receive_datagram(p.client, &u, 100, 0);
	EQ(u.len, 6);
}

/* RFC9000-19.21-1 RFC9221-3-1 */
/* RFC 9221 section 3: none may be sent to a peer that did not ask for them. */
TEST(to_a_peer_that_takes_none)
{
	static struct unit u;
	struct pair p = { 0 };

	datagrams(&p, 65535, 0);
	ERR(send(p.client, "ping", 4, DGRAM), EINVAL);
	/* One direction is enough for the other. */
	EQ(send(p.server, "ping", 4, DGRAM), 4);
	receive_datagram(p.client, &u, 100, 0);
	EQ(u.len, 4);
}

TEST(the_peer_s_parameter)
{
	struct quic_transport_param tp = { .remote = 1 };
	socklen_t len = sizeof(tp);
	struct pair p = { 0 };

	datagrams(&p, 1200, 65535);
	OK(!opt_get(p.client, QUIC_SOCKOPT_TRANSPORT_PARAM, &tp, &len));
	EQ(tp.max_datagram_frame_size, 65535);
	tp.remote = 1;
	OK(!opt_get(p.server, QUIC_SOCKOPT_TRANSPORT_PARAM, &tp, &len));
	EQ(tp.max_datagram_frame_size, 1200);
}

/* The longest that can be sent, found by trying. */
static int longest(int fd)
{
	int n = 1400;

	while (send(fd, bytes, n, DGRAM) < 0) {
		EQ(errno, EMSGSIZE);
		n--;
	}
	return n;
}

/* RFC8899-5-1 */
TEST_EACH(sizes)
{
	static struct unit u;
	struct pair p = { 0 };
	int n, got;

	for (n = 0; n < (int)sizeof(bytes); n++)
		bytes[n] = n * 7 + n / 256;
	OK(!system("ip link set lo mtu 1500"));
	datagrams(&p, 65535, 65535);
	ERR(send(p.client, bytes, 0, DGRAM), EMSGSIZE);
	ERR(send(p.client, bytes, 65000, DGRAM), EMSGSIZE);
	/* Of any length on its way, whole and in order. */
	for (n = 1; n < 1100; n += 97) {
		EQ(send(p.client, bytes, n, DGRAM), n);
		receive_datagram(p.server, &u, sizeof(u.data), 0);
		EQ(u.len, n);
		OK(!memcmp(u.data, bytes, n));
	}
	/* With and without a length field, up to the full packet; its size is
	 * known when the path has been probed.
	 */
	UNTIL(send(p.client, bytes, 1350, DGRAM) == 1350);
	receive_datagram(p.server, &u, sizeof(u.data), 0);
	for (n = 1351; n < 1500; n++) {
		got = send(p.client, bytes, n, DGRAM);
		if (got < 0)
			break;
		receive_datagram(p.server, &u, sizeof(u.data), 0);
		EQ(u.len, n);
		OK(!memcmp(u.data, bytes, n));
	}
	EQ(errno, EMSGSIZE);
	EQ(n - 1, family == AF_INET ? 1442 : 1410);
	EQ(counter("QuicDgramSndDrop"), 0);
}

/* RFC9221-3-2 */
/* The limit is the frame's, which is a little longer than its data. */
TEST(the_peer_s_limit)
{
	static struct unit u;
	struct pair p = { 0 };
	int n;

	OK(!system("ip link set lo mtu 1500"));
	datagrams(&p, 65535, 1200);
	ERR(send(p.client, bytes, 1200, DGRAM), EMSGSIZE);
	/* Once packets are large enough that it is the limit. */
	do {
		n = longest(p.client);
		receive_datagram(p.server, &u, sizeof(u.data), 0);
		EQ(u.len, n);
		OK(n <= 1197);
	} while (n < 1197);
}

TEST(partial_reads_of_a_datagram)
{
	static struct unit u;
	struct pair p = { 0 };

	datagrams(&p, 65535, 65535);
	EQ(send(p.client, "0123456789", 10, DGRAM), 10);
	EQ(send(p.client, "next", 4, DGRAM), 4);
	receive_datagram(p.server, &u, 4, MSG_PEEK);
	EQ(u.len, 4);
	OK(!(u.msg_flags & MSG_EOR));
	receive_datagram(p.server, &u, 4, 0);
	OK(!(u.msg_flags & MSG_EOR));
	OK(!memcmp(u.data, "0123", 4));
	receive_datagram(p.server, &u, 100, MSG_PEEK);
	EQ(u.len, 6);
	OK(u.msg_flags & MSG_EOR);
	receive_datagram(p.server, &u, 6, 0);
	OK(u.msg_flags & MSG_EOR);
	OK(!memcmp(u.data, "456789", 6));
	/* Datagrams are not merged. */
	receive_datagram(p.server, &u, 100, 0);
	EQ(u.len, 4);
	ERR(receive(p.server, &u, 100, MSG_DONTWAIT), EAGAIN);
}

/* Streams and datagrams go through one queue, in the order of arrival. */
TEST(order_among_streams)
{
	static struct unit u;
	struct pair p = { 0 };

	datagrams(&p, 65535, 65535);
	EQ(send(p.client, "d1", 2, DGRAM), 2);
	wait_poll(p.server, POLLIN);
	EQ(quic_sendmsg(p.client, "s1", 2, 0, NEW), 2);
	UNTIL(counter("QuicRxDataPackets") >= 1);
	EQ(send(p.client, "d2", 2, DGRAM), 2);
	UNTIL(counter("QuicDgramRcvd") >= 2);
	receive_datagram(p.server, &u, 100, 0);
	OK(!memcmp(u.data, "d1", 2));
	EQ(receive(p.server, &u, 100, 0), 2);
	EQ(u.id, 0);
	receive_datagram(p.server, &u, 100, 0);
	OK(!memcmp(u.data, "d2", 2));
}

/* sendmmsg() makes trains of datagrams; all of one size fill no more than
 * they need.
 */
TEST(many_in_one_call)
{
	enum { N = 32, SIZE = 700 };
	static struct unit u;
	struct mmsghdr msgs[N] = { 0 };
	struct iovec iov[N];
	struct pair p = { 0 };
	unsigned long trains, sent;
	char buf[N][SIZE];

	datagrams(&p, 65535, 65535);
	for (int i = 0; i < N; i++) {
		memset(buf[i], i, SIZE);
		iov[i] = (struct iovec){ buf[i], SIZE };
		msgs[i].msg_hdr.msg_iov = &iov[i];
		msgs[i].msg_hdr.msg_iovlen = 1;
	}
	trains = counter("QuicTxTrains") - counter("QuicTxAckOnlyPackets");
	sent = counter("QuicTxBytes");
	EQ(sendmmsg(p.client, msgs, N, DGRAM), N);
	for (int i = 0; i < N; i++) {
		receive_datagram(p.server, &u, sizeof(u.data), 0);
		EQ(u.len, SIZE);
		EQ(u.data[0], i);
		EQ(u.data[SIZE - 1], i);
	}
	/* What a slow receiver answers one by one is not meant. */
	trains = counter("QuicTxTrains") - counter("QuicTxAckOnlyPackets") - trains;
	sent = counter("QuicTxBytes") - sent;
	note("%lu trains, %lu bytes", trains, sent);
	OK(trains < N);
	OK(sent < N * (SIZE + 100));
}

/* Datagrams share packets and the window with streams. */
TEST(beside_a_bulk_stream)
{
	static struct unit u;
	struct pair p = { 0 };
	int got = 0, sent = 0;
	size_t bulk = 0;
	ssize_t n;

	datagrams(&p, 65535, 65535);
	EQ(stream_open(p.client, 0, NEW), 0);
	while (bulk < 400000) {
		n = send(p.client, bytes, 20000, MSG_DONTWAIT);
		if (send(p.client, bytes, 300, DGRAM | MSG_DONTWAIT) == 300)
			sent++;
		OK(n > 0 || errno == EAGAIN);
		while (receive(p.server, &u, sizeof(u.data), MSG_DONTWAIT) >= 0) {
			if (u.msg_flags & DGRAM) {
				EQ(u.len, 300);
				got++;
			} else {
				EQ(u.id, 0);
				bulk += u.len;
			}
		}
	}
	note("%d of %d datagrams", got, sent);
	OK(got > 0);
	EQ(counter("QuicDgramRcvDrop"), 0);
}

/* Nobody reads: what waits is bounded, the rest dropped, oldest kept. */
TEST(reader_that_does_not_read)
{
	static struct unit u;
	struct pair p = { 0 };
	int i, last = -1, got = 0;

	datagrams(&p, 65535, 65535);
	for (i = 0; !counter("QuicDgramRcvDrop"); i++) {
		memcpy(bytes, &i, sizeof(i));
		EQ(send(p.client, bytes, 1000, DGRAM), 1000);
		OK(i < 5000);
	}
	while (receive(p.server, &u, sizeof(u.data), MSG_DONTWAIT) >= 0) {
		OK(u.msg_flags & DGRAM);
		memcpy(&i, u.data, sizeof(i));
		OK(i > last);
		EQ(i, got);		/* no hole before the first drop */
		last = i;
		got++;
	}
	note("%d kept", got);
	OK(got > 500 && got < 1100);
	/* There is room again, and the connection is unharmed. */
	EQ(send(p.client, "after", 5, DGRAM), 5);
	do {
		receive_datagram(p.server, &u, sizeof(u.data), 0);
	} while (u.len != 5);
	EQ(quic_sendmsg(p.client, "stream", 6, 0, NEW | FIN), 6);
	EQ(read_stream(p.server, 0, bytes, 6, NULL), 6);
}

/* RFC9000-19.21-2 RFC9221-5.4-1 */
/* The window is the limit of what leaves, the send buffer of what waits. */
TEST_WITH(writer_that_is_faster_than_the_path, 90, false)
{
	static struct unit u;
	int size = 20000, i;
	struct pair p = { 0 };

	datagrams(&p, 65535, 65535);
	OK(!setsockopt(p.client, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)));
	OK(!system("tc qdisc add dev lo root netem loss 100%"));
	for (i = 0; i < 300; i++) {
		if (send(p.client, bytes, 1000, DGRAM | MSG_DONTWAIT) > 0)
			continue;
		EQ(errno, EAGAIN);
		/* Unless a PTO has made a little room in between. */
		if (!(poll_now(p.client) & POLLOUT))
			break;
	}
	note("%d sent and queued", i);
	OK(i < 300);
	/* The path is back: what was lost stays lost, what comes after arrives. */
	OK(!system("tc qdisc del dev lo root"));
	wait_poll(p.client, POLLOUT);
	EQ(send(p.client, "after", 5, DGRAM), 5);
	receive_datagram(p.server, &u, sizeof(u.data), 0);
	/* The server has it before the client hears so. */
	UNTIL(counter("QuicDgramLost") > 0);
	EQ(quic_sendmsg(p.client, "stream", 6, 0, NEW | FIN), 6);
	do {
		OK(receive(p.server, &u, sizeof(u.data), 0) >= 0);
	} while (u.msg_flags & DGRAM);
	EQ(u.len, 6);
}

TEST(corked)
{
	static struct unit u;
	struct pair p = { 0 };

	datagrams(&p, 65535, 65535);
	for (int i = 0; i < 5; i++)
		EQ(send(p.client, "abcde" + i, 1, DGRAM | (i < 4 ? MSG_MORE : 0)),
		   1);
	for (int i = 0; i < 5; i++) {
		receive_datagram(p.server, &u, 100, 0);
		EQ(u.len, 1);
		EQ(u.data[0], 'a' + i);
	}
}

TEST(to_a_closed_connection)
{
	struct pair p = { 0 };

	datagrams(&p, 65535, 65535);
	close(p.server);
	wait_closed(p.client);
	ERR(send(p.client, "late", 4, DGRAM | MSG_NOSIGNAL), EPIPE);
}
