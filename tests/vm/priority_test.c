// SPDX-License-Identifier: GPL-2.0
/*
 * Which stream is sent first: QUIC_SOCKOPT_STREAM_PRIORITY, RFC 9218.
 */
#include <poll.h>
#include "pair.h"

#define SIZE	60000

static int prioritize(int fd, int64_t id, int urgency, int incremental)
{
	struct quic_stream_priority prio = { .stream_id = id,
		.urgency = urgency, .incremental = incremental };

	return opt_set(fd, QUIC_SOCKOPT_STREAM_PRIORITY, &prio, sizeof(prio));
}

/* Two streams written one after the other, over a path that is slow enough for
 * them to wait. How often did the reader change from one to the other?
 */
static int changes(int urgency0, int urgency4, int incremental)
{
	struct pair p = { 0 };
	static struct unit u;
	size_t got[2] = { 0 };
	int64_t last = 0;
	int n = 0;

	connection(&p);
	OK(!system("tc qdisc add dev lo root netem delay 30ms"));
	EQ(stream_open(p.client, 0, 0), 0);
	EQ(stream_open(p.client, 4, 0), 4);
	OK(!prioritize(p.client, 0, urgency0, incremental));
	OK(!prioritize(p.client, 4, urgency4, incremental));
	EQ(quic_sendmsg(p.client, u.data, SIZE, 0, 0), SIZE);
	EQ(quic_sendmsg(p.client, u.data, SIZE, 4, 0), SIZE);
	while (got[0] + got[1] < 2 * SIZE) {
		OK(receive(p.server, &u, sizeof(u.data), 0) > 0);
		OK(u.id == 0 || u.id == 4);
		got[u.id / 4] += u.len;
		n += u.id != last;
		last = u.id;
	}
	OK(!system("tc qdisc del dev lo root"));
	disconnect(&p);
	return n;
}

/* RFC 9218 section 4.1: the lower value goes first. What of the other had left
 * before it was written is the exception.
 */
TEST(priority_urgency)
{
	EQ(changes(5, 1, 0), 2);
	EQ(changes(1, 5, 0), 1);
}

/* Section 4.2: one after the other, or by turns. */
TEST(priority_incremental)
{
	EQ(changes(3, 3, 0), 1);
	OK(changes(3, 3, 1) > 4);
}

TEST(priority_option)
{
	struct pair p = { 0 };
	struct quic_stream_priority prio = { .stream_id = 0 };
	struct quic_stream_fd fd = { .stream_id = 0 };
	socklen_t len = sizeof(prio);

	connection(&p);
	EQ(stream_open(p.client, 0, 0), 0);
	OK(!opt_get(p.client, QUIC_SOCKOPT_STREAM_PRIORITY, &prio, &len));
	EQ(len, 16);
	EQ(prio.urgency, QUIC_URGENCY_DEFAULT);
	EQ(prio.incremental, 0);
	OK(!prioritize(p.client, 0, 7, 1));
	OK(!opt_get(p.client, QUIC_SOCKOPT_STREAM_PRIORITY, &prio, &len));
	EQ(prio.urgency, 7);
	EQ(prio.incremental, 1);
	ERR(prioritize(p.client, 0, 8, 0), EINVAL);
	ERR(prioritize(p.client, 4, 1, 0), EINVAL);	/* not open */
	ERR(prioritize(p.client, -1, 1, 0), EINVAL);
	/* Shorter: what is missing is zero. */
	OK(!opt_set(p.client, QUIC_SOCKOPT_STREAM_PRIORITY, &prio, 9));
	OK(!opt_get(p.client, QUIC_SOCKOPT_STREAM_PRIORITY, &prio, &len));
	EQ(prio.urgency, 7);
	EQ(prio.incremental, 0);

	/* On a stream's own file descriptor it is that stream. */
	len = sizeof(fd);
	OK(!opt_get(p.client, QUIC_SOCKOPT_STREAM_FD, &fd, &len));
	OK(!prioritize(fd.fd, 44, 2, 1));
	len = sizeof(prio);
	OK(!opt_get(p.client, QUIC_SOCKOPT_STREAM_PRIORITY, &prio, &len));
	EQ(prio.urgency, 2);
	EQ(prio.incremental, 1);

	/* One that we do not send on has none; one that is over, neither. */
	EQ(quic_sendmsg(p.server, "x", 1, -1,
			MSG_QUIC_STREAM_NEW | MSG_QUIC_STREAM_UNI), 1);
	wait_poll(p.client, POLLIN);
	ERR(prioritize(p.client, 3, 1, 0), EINVAL);
	close(p.server);
	wait_closed(p.client);
	ERR(prioritize(p.client, 0, 1, 0), EPIPE);
}
