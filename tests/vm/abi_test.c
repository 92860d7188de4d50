// SPDX-License-Identifier: GPL-2.0
/*
 * Rows of the socket interface that no other file has a test for; which test
 * stands for which row is in abi.tsv.
 */
#include <linux/sockios.h>
#include <poll.h>
#include <sys/ioctl.h>
#include "pair.h"

TEST(abi_stop_sending_twice)
{
	struct pair p = { 0 };

	connection(&p);
	EQ(quic_sendmsg(p.client, "x", 1, 0, MSG_QUIC_STREAM_NEW), 1);
	wait_poll(p.server, POLLIN);
	/* No answer comes between. */
	OK(!system("tc qdisc add dev lo root netem loss 100%"));
	OK(!stream_stop(p.server, 0, 1));
	ERR(stream_stop(p.server, 0, 1), EAGAIN);
}

TEST(abi_options_of_a_finished_stream)
{
	struct pair p = { .events = 1 << QUIC_EVENT_STREAM_UPDATE };
	struct quic_stream_priority prio = { .stream_id = 2 };

	connection(&p);
	EQ(quic_sendmsg(p.client, "x", 1, 2, MSG_QUIC_STREAM_NEW |
			MSG_QUIC_STREAM_UNI | MSG_QUIC_STREAM_FIN), 1);
	wait_update(p.client, 2, QUIC_STREAM_SEND_STATE_RECVD, NULL);
	ERR(stream_reset(p.client, 2, 1), ENOSTR);
	ERR(stream_open(p.client, 2, 0), ENOSTR);
	ERR(opt_set(p.client, QUIC_SOCKOPT_STREAM_PRIORITY, &prio,
		    sizeof(prio)), ENOSTR);
	ERR(quic_sendmsg(p.client, "y", 1, 2, MSG_QUIC_STREAM_NEW), ENOSTR);
}

TEST(abi_write_after_the_end)
{
	struct pair p = { 0 };

	connection(&p);
	OK(!system("tc qdisc add dev lo root netem loss 100%"));
	EQ(quic_sendmsg(p.client, "x", 1, 0, MSG_QUIC_STREAM_NEW |
			MSG_QUIC_STREAM_FIN), 1);
	ERR(quic_sendmsg(p.client, "y", 1, 0, 0), EINVAL);
	EQ(quic_sendmsg(p.client, "x", 1, 4, MSG_QUIC_STREAM_NEW), 1);
	OK(!stream_reset(p.client, 4, 1));
	ERR(quic_sendmsg(p.client, "y", 1, 4, 0), EINVAL);
}

TEST(abi_nothing_to_receive)
{
	struct pair p = { 0 };
	char c;

	connection(&p);
	ERR(recv(p.client, &c, 1, MSG_DONTWAIT), EAGAIN);
	ERR(recv(p.listener, &c, 1, MSG_DONTWAIT), ENOTCONN);
	ERR(send(p.listener, &c, 1, MSG_NOSIGNAL), EPIPE);
}

TEST(abi_ioctls_on_a_listener)
{
	int fd = listener("a"), value;

	ERR(ioctl(fd, SIOCINQ, &value), EINVAL);
	ERR(ioctl(fd, SIOCOUTQ, &value), EINVAL);
	ERR(ioctl(fd, SIOCOUTQNSD, &value), EINVAL);
}
