// SPDX-License-Identifier: GPL-2.0
/*
 * recvmsg(): merging, partial reads, MSG_PEEK, missing control buffers, order.
 */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/time.h>
#include <linux/sockios.h>
#include "pair.h"

#define NEW	MSG_QUIC_STREAM_NEW
#define FIN	MSG_QUIC_STREAM_FIN

static void *volatile nowhere = (void *)1;

static int inq(int fd)
{
	int n = -1;

	OK(!ioctl(fd, SIOCINQ, &n));
	return n;
}

TEST_EACH(consecutive_data_is_merged)
{
	static struct unit u;
	struct pair p = { 0 };

	connection(&p);
	for (int i = 0; i < 5; i++)
		EQ(quic_sendmsg(p.client, &"abcde"[i], 1, 0, NEW), 1);
	UNTIL(inq(p.server) == 5);
	EQ(receive(p.server, &u, 100, 0), 5);
	EQ(u.id, 0);
	OK(!memcmp(u.data, "abcde", 5));
	EQ(inq(p.server), 0);
}

TEST(streams_are_not_mixed)
{
	static struct unit u;
	struct pair p = { 0 };

	connection(&p);
	EQ(quic_sendmsg(p.client, "a", 1, 0, NEW), 1);
	UNTIL(inq(p.server) == 1);
	EQ(quic_sendmsg(p.client, "b", 1, 4, NEW), 1);
	UNTIL(inq(p.server) == 2);
	EQ(quic_sendmsg(p.client, "c", 1, 0, 0), 1);
	UNTIL(inq(p.server) == 3);
	EQ(receive(p.server, &u, 100, 0), 1);
	EQ(u.id, 0);
	EQ(receive(p.server, &u, 100, 0), 1);
	EQ(u.id, 4);
	EQ(receive(p.server, &u, 100, 0), 1);
	EQ(u.id, 0);
	EQ(u.data[0], 'c');
}

TEST(partial_reads)
{
	static struct unit u;
	struct pair p = { 0 };

	connection(&p);
	EQ(quic_sendmsg(p.client, "0123456789", 10, 0, NEW | FIN), 10);
	for (int i = 0; i < 10; i++) {
		EQ(receive(p.server, &u, 1, 0), 1);
		EQ(u.data[0], '0' + i);
		EQ(u.flags & FIN, i == 9 ? FIN : 0);
		EQ(inq(p.server), 9 - i);
	}
}

TEST_EACH(peek)
{
	static struct unit u;
	struct pair p = { 0 };

	connection(&p);
	EQ(quic_sendmsg(p.client, "hello", 5, 0, NEW | FIN), 5);
	for (int i = 0; i < 3; i++) {
		EQ(receive(p.server, &u, 100, MSG_PEEK), 5);
		EQ(u.id, 0);
		OK(!memcmp(u.data, "hello", 5));
	}
	EQ(receive(p.server, &u, 2, MSG_PEEK), 2);
	EQ(receive(p.server, &u, 2, 0), 2);
	/* There is no other data than that of streams. */
	ERR(recv(p.server, u.data, 100, MSG_ERRQUEUE), EOPNOTSUPP);
	ERR(recv(p.server, u.data, 100, MSG_OOB), EOPNOTSUPP);
	EQ(receive(p.server, &u, 100, MSG_PEEK), 3);
	OK(!memcmp(u.data, "llo", 3));
	EQ(receive(p.server, &u, 100, 0), 3);
	EQ(u.flags & FIN, FIN);
	ERR(receive(p.server, &u, 100, MSG_PEEK | MSG_DONTWAIT), EAGAIN);
}

/* Without a control buffer the flags come in msg_flags. */
TEST_EACH(no_control_buffer)
{
	struct pair p = { 0 };
	struct iovec iov;
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	char buf[10];

	connection(&p);
	EQ(quic_sendmsg(p.client, "hello", 5, 0, NEW | FIN), 5);
	iov = (struct iovec){ buf, 3 };
	EQ(recvmsg(p.server, &msg, 0), 3);
	OK(msg.msg_flags & MSG_CTRUNC);
	OK(!(msg.msg_flags & FIN));
	iov = (struct iovec){ buf, sizeof(buf) };
	EQ(recvmsg(p.server, &msg, 0), 2);
	OK(msg.msg_flags & MSG_CTRUNC);
	OK(msg.msg_flags & FIN);
}

TEST(short_control_buffer)
{
	char control[CMSG_LEN(4)], buf[10];
	struct iovec iov = { buf, sizeof(buf) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = sizeof(control) };
	struct pair p = { 0 };

	connection(&p);
	EQ(quic_sendmsg(p.client, "hello", 5, 0, NEW | FIN), 5);
	EQ(recvmsg(p.server, &msg, 0), 5);
	OK(msg.msg_flags & MSG_CTRUNC);
}

TEST(reading_into_bad_memory)
{
	struct pair p = { 0 };
	char buf[10];

	connection(&p);
	EQ(quic_sendmsg(p.client, "hello", 5, 0, NEW), 5);
	wait_poll(p.server, POLLIN);
	ERR(read(p.server, nowhere, 5), EFAULT);
	/* Nothing was lost. */
	EQ(read_stream(p.server, 0, buf, 5, NULL), 5);
	OK(!memcmp(buf, "hello", 5));
	ERR(quic_sendmsg(p.client, nowhere, 5, 0, 0), EFAULT);
	EQ(quic_sendmsg(p.client, "again", 5, 0, 0), 5);
	EQ(read_stream(p.server, 0, buf, 5, NULL), 5);
	OK(!memcmp(buf, "again", 5));
}

TEST_EACH(reader_gives_up_in_time)
{
	struct timeval tv = { .tv_usec = 50000 };
	struct pair p = { 0 };
	char c;

	connection(&p);
	ERR(recv(p.client, &c, 1, MSG_DONTWAIT), EAGAIN);
	OK(!setsockopt(p.client, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
	ERR(read(p.client, &c, 1), EAGAIN);
}

static void nothing(int sig)
{
}

TEST(reader_is_interrupted)
{
	struct sigaction act = { .sa_handler = nothing };
	struct itimerval tick = { .it_value.tv_usec = 50000,
				  .it_interval.tv_usec = 50000 };
	struct pair p = { 0 };
	char c;

	connection(&p);
	sigaction(SIGALRM, &act, NULL);
	setitimer(ITIMER_REAL, &tick, NULL);
	ERR(read(p.client, &c, 1), EINTR);
}

static void *read_one(void *arg)
{
	char c = 0;

	EQ(read(*(int *)arg, &c, 1), 1);
	return NULL;
}

TEST(blocked_reader_is_woken)
{
	struct pair p = { 0 };
	pthread_t thread;

	connection(&p);
	OK(!pthread_create(&thread, NULL, read_one, &p.server));
	EQ(quic_sendmsg(p.client, "x", 1, 0, NEW), 1);
	pthread_join(thread, NULL);
}

TEST(queue_lengths)
{
	struct pair p = { 0 };
	int n = -1;

	connection(&p);
	EQ(inq(p.server), 0);
	EQ(quic_sendmsg(p.client, "12345", 5, 0, NEW), 5);
	UNTIL(inq(p.server) == 5);
	/* All acknowledged: the queues of the sender run empty. */
	do {
		short_while();
		OK(!ioctl(p.client, SIOCOUTQ, &n));
	} while (n);
	OK(!ioctl(p.client, SIOCOUTQNSD, &n));
	EQ(n, 0);
}

TEST(queue_of_what_the_peer_does_not_take)
{
	struct pair p = { .server_params = { .max_data = 1200 } };
	char buf[2000] = "";
	int n = -1;

	connection(&p);
	EQ(quic_sendmsg(p.client, buf, sizeof(buf), 0, NEW | MSG_DONTWAIT), 1200);
	UNTIL(inq(p.server) == 1200);
	OK(!ioctl(p.client, SIOCOUTQNSD, &n));
	EQ(n, 0);
}
