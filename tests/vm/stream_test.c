// SPDX-License-Identifier: GPL-2.0
/*
 * Streams: opening, the active one, all four kinds, their ends.
 */
#include <poll.h>
#include <pthread.h>
#include <sys/uio.h>
#include "pair.h"

#define NEW	MSG_QUIC_STREAM_NEW
#define FIN	MSG_QUIC_STREAM_FIN
#define UNI	MSG_QUIC_STREAM_UNI

/* RFC9000-2.1-1 RFC9000-3.2-1 */
TEST_EACH(stream_open_numbers)
{
	struct pair p = { 0 };

	connection(&p);
	EQ(stream_open(p.client, -1, 0), 0);
	EQ(stream_open(p.client, -1, 0), 4);
	EQ(stream_open(p.client, -1, UNI), 2);
	EQ(stream_open(p.client, -1, UNI), 6);
	EQ(stream_open(p.client, 16, 0), 16);
	EQ(stream_open(p.client, -1, 0), 20);
	EQ(stream_open(p.client, 12, 0), 12);	/* opened along with 16 */
	EQ(stream_open(p.client, 14, UNI), 14);
	EQ(stream_open(p.server, -1, 0), 1);
	EQ(stream_open(p.server, -1, UNI), 3);
}

TEST(stream_open_errors)
{
	struct quic_stream_info info = { .stream_id = -1, .stream_flags = 1 };
	socklen_t len = sizeof(info);
	struct pair p = { 0 };

	connection(&p);
	ERR(stream_open(p.client, 1, 0), EINVAL);	/* the server's */
	ERR(stream_open(p.client, 3, UNI), EINVAL);
	ERR(stream_open(p.server, 0, 0), EINVAL);
	ERR(opt_get(p.client, QUIC_SOCKOPT_STREAM_OPEN, &info, &len), EINVAL);
	info.stream_flags = 0;
	len = 4;
	ERR(opt_get(p.client, QUIC_SOCKOPT_STREAM_OPEN, &info, &len), EINVAL);
	/* What the struct has without padding: all that 32-bit programs give. */
	len = 11;
	ERR(opt_get(p.client, QUIC_SOCKOPT_STREAM_OPEN, &info, &len), EINVAL);
	len = 12;
	OK(!opt_get(p.client, QUIC_SOCKOPT_STREAM_OPEN, &info, &len));
	EQ(len, 12);
	EQ(info.stream_id, 0);
	/* In use. */
	EQ(quic_sendmsg(p.client, "x", 1, 0, NEW), 1);
	ERR(stream_open(p.client, 0, 0), EINVAL);
	ERR(stream_open(p.client, 1LL << 62, 0), EINVAL);
}

/* The first that is heard of it is that its answer is not wanted. */
TEST(stop_opens_the_stream)
{
	struct pair p = { 0 };
	char buf[5];

	connection(&p);
	EQ(stream_open(p.client, -1, 0), 0);
	OK(!stream_stop(p.client, 0, 7));
	UNTIL(settled(p.client));
	EQ(quic_sendmsg(p.client, "hello", 5, 0, FIN), 5);
	EQ(read_stream(p.server, 0, buf, 5, NULL), 5);
	disconnect(&p);
}

/* RFC9000-4.6-2 RFC9000-19.11-3 */
TEST_EACH(stream_open_over_limit)
{
	struct pair p = { .server_params = { .max_streams_bidi = 2,
					     .max_streams_uni = 1 } };

	connection(&p);
	EQ(stream_open(p.client, -1, 0), 0);
	EQ(stream_open(p.client, -1, 0), 4);
	ERR(stream_open(p.client, -1, MSG_QUIC_STREAM_DONTWAIT), EAGAIN);
	ERR(stream_open(p.client, 8, MSG_QUIC_STREAM_DONTWAIT), EAGAIN);
	/* All below it would have to be made, whatever the peer allows. */
	ERR(stream_open(p.client, 4 * 5000, MSG_QUIC_STREAM_DONTWAIT), EINVAL);
	ERR(quic_sendmsg(p.client, "x", 1, 1LL << 40, NEW | MSG_DONTWAIT), EINVAL);
	EQ(stream_open(p.client, -1, UNI), 2);
	ERR(quic_sendmsg(p.client, "x", 1, 6, NEW | UNI | MSG_DONTWAIT), EAGAIN);
	OK(!set_nonblock(p.client));
	ERR(stream_open(p.client, -1, UNI), EAGAIN);
}

static void *open_one_more(void *arg)
{
	return (void *)(long)stream_open(*(int *)arg, -1, 0);
}

/* Whoever waits for credit goes on when the peer's program is through with
 * streams.
 */
TEST(stream_open_waits_for_credit)
{
	struct pair p = { .server_params.max_streams_bidi = 2 };
	pthread_t thread;
	void *id;
	char c;

	connection(&p);
	EQ(quic_sendmsg(p.client, "a", 1, 0, NEW | FIN), 1);
	EQ(quic_sendmsg(p.client, "b", 1, 4, NEW | FIN), 1);
	OK(!pthread_create(&thread, NULL, open_one_more, &p.client));
	EQ(read_stream(p.server, 0, &c, 1, NULL), 1);
	EQ(quic_sendmsg(p.server, "A", 1, 0, FIN), 1);
	EQ(read_stream(p.server, 4, &c, 1, NULL), 1);
	EQ(quic_sendmsg(p.server, "B", 1, 4, FIN), 1);
	pthread_join(thread, &id);
	EQ((long)id, 8);
}

TEST(closed_stream)
{
	struct pair p = { .events = 1 << QUIC_EVENT_STREAM_UPDATE };
	char c;

	connection(&p);
	EQ(quic_sendmsg(p.client, "x", 1, 0, NEW | FIN), 1);
	/* After FIN no more, but it is not closed: the peer may write. */
	ERR(quic_sendmsg(p.client, "y", 1, 0, 0), EINVAL);
	EQ(read_stream(p.server, 0, &c, 1, NULL), 1);
	EQ(quic_sendmsg(p.server, "z", 1, 0, FIN), 1);
	EQ(read_stream(p.client, 0, &c, 1, NULL), 1);
	/* Now it is, as soon as all is acknowledged. */
	wait_update(p.server, 0, QUIC_STREAM_SEND_STATE_RECVD, NULL);
	ERR(quic_sendmsg(p.server, "y", 1, 0, 0), ENOSTR);
	ERR(stream_reset(p.server, 0, 1), ENOSTR);
	ERR(stream_stop(p.server, 0, 1), ENOSTR);
	UNTIL(quic_sendmsg(p.client, "y", 1, 0, 0) < 0 && errno == ENOSTR);
	ERR(quic_sendmsg(p.client, "y", 1, 0, NEW), ENOSTR);
	ERR(stream_open(p.client, 0, 0), ENOSTR);
}

/* ---- which stream a write goes to ------------------------------------------------------ */

TEST_EACH(plain_read_and_write)
{
	struct iovec iov[2] = { { "hel", 3 }, { "lo", 2 } };
	struct pair p = { 0 };
	char buf[16];

	connection(&p);
	OK(!set_nonblock(p.client));
	ERR(write(p.client, "x", 1), EINVAL);	/* no stream yet */
	EQ(stream_open(p.client, -1, 0), 0);
	EQ(writev(p.client, iov, 2), 5);
	EQ(read(p.server, buf, sizeof(buf)), 5);
	OK(!memcmp(buf, "hello", 5));
	/* The peer's last stream is the server's active one. */
	EQ(write(p.server, "world!", 6), 6);
	wait_poll(p.client, POLLIN);
	EQ(read(p.client, buf, 3), 3);
	EQ(read(p.client, buf + 3, sizeof(buf) - 3), 3);
	OK(!memcmp(buf, "world!", 6));
	ERR(read(p.client, buf, 1), EAGAIN);
}

TEST(new_without_id)
{
	struct pair p = { 0 };
	char c;

	connection(&p);
	/* As flags of sendmsg() itself, without a control message. */
	EQ(send(p.client, "a", 1, NEW), 1);
	EQ(read_stream(p.server, 0, &c, 1, NULL), 1);
	/* It carried data: not a second time. */
	ERR(send(p.client, "b", 1, NEW), EINVAL);
	ERR(quic_sendmsg(p.client, "b", 1, -1, NEW), EINVAL);
	EQ(send(p.client, "b", 1, FIN), 1);
	EQ(read_stream(p.server, 0, &c, 1, NULL), 1);
	/* With FIN there is no active stream any more. */
	ERR(send(p.client, "c", 1, 0), EINVAL);
	EQ(quic_sendmsg(p.client, "c", 1, -1, NEW | UNI | FIN), 1);
	EQ(read_stream(p.server, 2, &c, 1, NULL), 1);
	/* An opened one that is unused is taken. */
	EQ(stream_open(p.client, -1, 0), 4);
	EQ(quic_sendmsg(p.client, "d", 1, -1, NEW), 1);
	EQ(read_stream(p.server, 4, &c, 1, NULL), 1);
}

TEST(unopened_stream_without_new)
{
	struct pair p = { 0 };

	connection(&p);
	ERR(quic_sendmsg(p.client, "x", 1, 0, 0), EINVAL);
	ERR(quic_sendmsg(p.client, "x", 1, 1, NEW), EINVAL);
	ERR(quic_sendmsg(p.client, "x", 1, 3, NEW), EINVAL);
	ERR(quic_sendmsg(p.client, "x", 1, 1, 0), EINVAL);
	ERR(quic_sendmsg(p.server, "x", 1, 0, NEW), EINVAL);
}

TEST(new_opens_lower_streams_too)
{
	struct pair p = { 0 };
	char c;

	connection(&p);
	EQ(quic_sendmsg(p.client, "x", 1, 8, NEW), 1);
	EQ(read_stream(p.server, 8, &c, 1, NULL), 1);
	EQ(quic_sendmsg(p.server, "y", 1, 4, 0), 1);
	EQ(read_stream(p.client, 4, &c, 1, NULL), 1);
	EQ(quic_sendmsg(p.client, "z", 1, 0, 0), 1);
	EQ(read_stream(p.server, 0, &c, 1, NULL), 1);
}

TEST(active_stream_by_option)
{
	struct quic_stream_info info = { .stream_id = 4 };
	socklen_t len = sizeof(info);
	struct pair p = { 0 };
	char c;

	connection(&p);
	EQ(stream_open(p.client, 8, 0), 8);
	ERR(opt_set(p.client, QUIC_SOCKOPT_STREAM_ACTIVE,
		    &(struct quic_stream_info){ .stream_id = 12 },
		    sizeof(info)), EINVAL);
	OK(!opt_set(p.client, QUIC_SOCKOPT_STREAM_ACTIVE, &info, sizeof(info)));
	info.stream_id = 0;
	OK(!opt_get(p.client, QUIC_SOCKOPT_STREAM_ACTIVE, &info, &len));
	EQ(info.stream_id, 4);
	EQ(write(p.client, "x", 1), 1);
	EQ(read_stream(p.server, 4, &c, 1, NULL), 1);
}

/* Else bytes would go to whichever stream the peer opened last. */
TEST(active_stream_once_set_stays)
{
	struct quic_stream_info info = { .stream_id = 0 };
	struct pair p = { 0 };
	char c;

	connection(&p);
	EQ(quic_sendmsg(p.client, "a", 1, 0, MSG_QUIC_STREAM_NEW), 1);
	EQ(read_stream(p.server, 0, &c, 1, NULL), 1);
	OK(!opt_set(p.server, QUIC_SOCKOPT_STREAM_ACTIVE, &info, sizeof(info)));
	EQ(quic_sendmsg(p.client, "b", 1, 4, MSG_QUIC_STREAM_NEW), 1);
	EQ(read_stream(p.server, 4, &c, 1, NULL), 1);
	EQ(write(p.server, "x", 1), 1);
	EQ(read_stream(p.client, 0, &c, 1, NULL), 1);

	/* Given up by -1: the peer's last one again. */
	info.stream_id = -1;
	OK(!opt_set(p.server, QUIC_SOCKOPT_STREAM_ACTIVE, &info, sizeof(info)));
	EQ(quic_sendmsg(p.client, "c", 1, 8, MSG_QUIC_STREAM_NEW), 1);
	EQ(read_stream(p.server, 8, &c, 1, NULL), 1);
	EQ(write(p.server, "y", 1), 1);
	EQ(read_stream(p.client, 8, &c, 1, NULL), 1);
}

/* ---- four kinds ------------------------------------------------------------------------------ */

TEST_EACH(four_kinds_of_streams)
{
	struct pair p = { 0 };
	char buf[16];
	bool fin;

	connection(&p);
	EQ(quic_sendmsg(p.client, "zero", 4, 0, NEW | FIN), 4);
	EQ(read_stream(p.server, 0, buf, sizeof(buf), &fin), 4);
	OK(fin);
	EQ(quic_sendmsg(p.server, "back", 4, 0, FIN), 4);
	EQ(read_stream(p.client, 0, buf, sizeof(buf), &fin), 4);
	OK(fin);
	EQ(quic_sendmsg(p.server, "one", 3, 1, NEW | FIN), 3);
	EQ(read_stream(p.client, 1, buf, sizeof(buf), &fin), 3);
	OK(fin);
	EQ(quic_sendmsg(p.client, "back", 4, 1, FIN), 4);
	EQ(read_stream(p.server, 1, buf, sizeof(buf), &fin), 4);
	OK(fin);
	EQ(quic_sendmsg(p.client, "two", 3, 2, NEW | UNI | FIN), 3);
	EQ(read_stream(p.server, 2, buf, sizeof(buf), &fin), 3);
	OK(fin);
	ERR(quic_sendmsg(p.server, "x", 1, 2, 0), EINVAL);
	EQ(quic_sendmsg(p.server, "three", 5, 3, NEW | UNI | FIN), 5);
	EQ(read_stream(p.client, 3, buf, sizeof(buf), &fin), 5);
	OK(fin);
	ERR(quic_sendmsg(p.client, "x", 1, 3, 0), EINVAL);
}

/* Also when that stream is over. */
TEST(write_to_what_only_the_peer_writes)
{
	struct pair p = { 0 };
	char c;

	connection(&p);
	EQ(quic_sendmsg(p.client, "x", 1, 2, NEW | UNI), 1);
	EQ(read_stream(p.server, 2, &c, 1, NULL), 1);
	ERR(quic_sendmsg(p.server, "x", 1, 2, 0), EINVAL);
	ERR(stream_reset(p.server, 2, 1), EINVAL);
	EQ(quic_sendmsg(p.client, "y", 1, 2, FIN), 1);
	EQ(read_stream(p.server, 2, &c, 1, NULL), 1);
	ERR(quic_sendmsg(p.server, "x", 1, 2, 0), EINVAL);
	ERR(stream_reset(p.server, 2, 1), EINVAL);
}

/* RFC9000-4.6-5 */
TEST(many_streams_one_after_the_other)
{
	struct pair p = { 0 };
	char c;

	/* More than the limit of 100 at a time. */
	connection(&p);
	for (int i = 0; i < 500; i++) {
		EQ(quic_sendmsg(p.client, "x", 1, -1, NEW | UNI | FIN), 1);
		EQ(read_stream(p.server, i * 4 + 2, &c, 1, NULL), 1);
	}
}

/* ---- FIN --------------------------------------------------------------------------------------- */

TEST(fin_comes_with_the_last_byte)
{
	static struct unit u;
	struct pair p = { 0 };

	connection(&p);
	EQ(quic_sendmsg(p.client, "hello", 5, 0, NEW | FIN), 5);
	wait_poll(p.server, POLLIN);
	EQ(receive(p.server, &u, 2, 0), 2);
	EQ(u.flags & FIN, 0);
	EQ(receive(p.server, &u, 2, 0), 2);
	EQ(u.flags & FIN, 0);
	EQ(receive(p.server, &u, 1, 0), 1);
	EQ(u.flags & FIN, FIN);
	ERR(receive(p.server, &u, 1, MSG_DONTWAIT), EAGAIN);
}

TEST_EACH(fin_alone)
{
	static struct unit u;
	struct pair p = { 0 };

	connection(&p);
	EQ(quic_sendmsg(p.client, "hello", 5, 0, NEW), 5);
	EQ(receive(p.server, &u, 100, 0), 5);
	EQ(u.flags & FIN, 0);
	EQ(quic_sendmsg(p.client, NULL, 0, 0, FIN), 0);
	EQ(receive(p.server, &u, 100, 0), 0);
	EQ(u.flags & FIN, FIN);
	EQ(u.id, 0);
	/* A stream that is nothing but a FIN. */
	EQ(quic_sendmsg(p.client, NULL, 0, 4, NEW | FIN), 0);
	EQ(receive(p.server, &u, 100, 0), 0);
	EQ(u.flags & FIN, FIN);
	EQ(u.id, 4);
}

TEST(nothing_without_fin)
{
	struct pair p = { 0 };

	connection(&p);
	ERR(quic_sendmsg(p.client, NULL, 0, 0, NEW), EMSGSIZE);
	ERR(quic_sendmsg(p.client, "x", 1, 0, NEW) == 1 ?
	    quic_sendmsg(p.client, NULL, 0, 0, 0) : 0, EMSGSIZE);
}

/* ---- RESET_STREAM and STOP_SENDING -------------------------------------------------------------- */

static const struct pair with_updates = {
	.events = 1 << QUIC_EVENT_STREAM_UPDATE,
};

/* RFC9000-4.4-1 RFC9000-11.2-1 */
TEST_EACH(reset_both_ways)
{
	struct pair p = with_updates;
	struct quic_stream_update up;
	char c;

	connection(&p);
	EQ(quic_sendmsg(p.client, "x", 1, 0, NEW), 1);
	EQ(read_stream(p.server, 0, &c, 1, NULL), 1);
	EQ(stream_reset(p.client, 0, 77), 0);
	wait_update(p.server, 0, QUIC_STREAM_RECV_STATE_RESET_RECVD, &up);
	EQ(up.errcode, 77);
	EQ(up.finalsz, 1);
	wait_update(p.client, 0, QUIC_STREAM_SEND_STATE_RESET_RECVD, &up);
	EQ(up.errcode, 77);
	ERR(quic_sendmsg(p.client, "y", 1, 0, 0), EINVAL);
	ERR(stream_reset(p.client, 0, 77), EINVAL);
	/* The other direction lives on. */
	EQ(quic_sendmsg(p.server, "z", 1, 0, 0), 1);
	EQ(read_stream(p.client, 0, &c, 1, NULL), 1);
	EQ(stream_reset(p.server, 0, 78), 0);
	wait_update(p.client, 0, QUIC_STREAM_RECV_STATE_RESET_RECVD, &up);
	EQ(up.errcode, 78);
	wait_update(p.server, 0, QUIC_STREAM_SEND_STATE_RESET_RECVD, NULL);
	ERR(stream_reset(p.server, 0, 1), ENOSTR);
}

TEST(reset_drops_what_was_not_read)
{
	struct pair p = with_updates;
	static struct unit u;
	char c;

	connection(&p);
	EQ(quic_sendmsg(p.client, "unread", 6, 0, NEW), 6);
	wait_update(p.server, 0, QUIC_STREAM_RECV_STATE_RECV, NULL);
	EQ(stream_reset(p.client, 0, 1), 0);
	wait_update(p.server, 0, QUIC_STREAM_RECV_STATE_RESET_RECVD, NULL);
	ERR(receive(p.server, &u, 10, MSG_DONTWAIT), EAGAIN);
	EQ(quic_sendmsg(p.client, "n", 1, 4, NEW), 1);
	EQ(read_stream(p.server, 4, &c, 1, NULL), 1);
}

/* RFC9000-3.5-1 */
TEST_EACH(stop_sending_both_ways)
{
	struct pair p = with_updates;
	struct quic_stream_update up;
	char c;

	connection(&p);
	EQ(quic_sendmsg(p.client, "x", 1, 0, NEW), 1);
	EQ(read_stream(p.server, 0, &c, 1, NULL), 1);
	EQ(stream_stop(p.server, 0, 55), 0);
	/* Asked for already; or, if the peer was fast, reset already. */
	errno = 0;
	EQ(stream_stop(p.server, 0, 55), -1);
	OK(errno == EAGAIN || errno == EINVAL);
	wait_update(p.client, 0, QUIC_STREAM_SEND_STATE_RESET_SENT, &up);
	EQ(up.errcode, 55);
	ERR(quic_sendmsg(p.client, "y", 1, 0, 0), EINVAL);
	wait_update(p.server, 0, QUIC_STREAM_RECV_STATE_RESET_RECVD, &up);
	EQ(up.errcode, 55);
	EQ(stream_stop(p.client, 0, 56), 0);
	wait_update(p.server, 0, QUIC_STREAM_SEND_STATE_RESET_SENT, &up);
	EQ(up.errcode, 56);
}

TEST(reset_and_stop_errors)
{
	struct pair p = { 0 };

	connection(&p);
	ERR(stream_reset(p.client, 0, 1), EINVAL);	/* not opened */
	ERR(stream_stop(p.client, 0, 1), EINVAL);
	EQ(quic_sendmsg(p.client, "x", 1, 2, NEW | UNI), 1);
	ERR(stream_stop(p.client, 2, 1), EINVAL);	/* send-only */
	wait_poll(p.server, POLLIN);
	ERR(stream_reset(p.server, 2, 1), EINVAL);	/* receive-only */
	ERR(stream_reset(p.client, -5, 1), EINVAL);
}
