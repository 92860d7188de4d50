// SPDX-License-Identifier: GPL-2.0
/*
 * Events: form, order, and silence where none was asked for.
 */
#include <poll.h>
#include <stddef.h>
#include "pair.h"

#define NEW	MSG_QUIC_STREAM_NEW
#define FIN	MSG_QUIC_STREAM_FIN

TEST_EACH(events_are_off_at_first)
{
	static struct unit u;
	struct pair p = { 0 };

	connection(&p);
	EQ(quic_sendmsg(p.client, "x", 1, 0, NEW | FIN), 1);
	EQ(receive(p.server, &u, 100, 0), 1);
	OK(!(u.msg_flags & MSG_QUIC_NOTIFICATION));
	ERR(receive(p.server, &u, 100, MSG_DONTWAIT), EAGAIN);
}

TEST_EACH(event_form)
{
	struct pair p = { .events = 1 << QUIC_EVENT_STREAM_UPDATE };
	struct quic_stream_update up;
	static struct unit u;

	connection(&p);
	EQ(quic_sendmsg(p.client, "hello", 5, 0, NEW | FIN), 5);
	/* Events come before data. */
	EQ(receive(p.server, &u, 100, 0), 1 + sizeof(up));
	OK(u.msg_flags & MSG_QUIC_NOTIFICATION);
	OK(u.msg_flags & MSG_EOR);
	EQ(u.id, -1);
	EQ(u.data[0], QUIC_EVENT_STREAM_UPDATE);
	memcpy(&up, u.data + 1, sizeof(up));
	EQ(up.id, 0);
	EQ(up.state, QUIC_STREAM_RECV_STATE_RECV);
	/* In pieces: EOR with the last. */
	EQ(receive(p.server, &u, 1, MSG_PEEK), 1);
	EQ(u.data[0], QUIC_EVENT_STREAM_UPDATE);
	EQ(receive(p.server, &u, 1, 0), 1);
	OK(u.msg_flags & MSG_QUIC_NOTIFICATION);
	OK(!(u.msg_flags & MSG_EOR));
	EQ(u.data[0], QUIC_EVENT_STREAM_UPDATE);
	EQ(receive(p.server, &u, 100, 0), sizeof(up));
	OK(u.msg_flags & MSG_QUIC_NOTIFICATION);
	OK(u.msg_flags & MSG_EOR);
	memcpy(&up, u.data, sizeof(up));
	EQ(up.state, QUIC_STREAM_RECV_STATE_RECVD);
	EQ(up.finalsz, 5);
	EQ(receive(p.server, &u, 100, 0), 5);
	OK(!(u.msg_flags & MSG_QUIC_NOTIFICATION));
	EQ(u.flags, FIN);
}

TEST(sender_learns_that_all_arrived)
{
	struct pair p = { .events = 1 << QUIC_EVENT_STREAM_UPDATE };
	struct quic_stream_update up;

	connection(&p);
	EQ(quic_sendmsg(p.client, "hello", 5, 0, NEW | FIN), 5);
	wait_update(p.client, 0, QUIC_STREAM_SEND_STATE_RECVD, &up);
	EQ(up.errcode, 0);
}

TEST(event_switched_off)
{
	struct quic_event_option ev = { .type = QUIC_EVENT_STREAM_UPDATE };
	struct pair p = { .events = 1 << QUIC_EVENT_STREAM_UPDATE };
	static struct unit u;

	connection(&p);
	OK(!opt_set(p.server, QUIC_SOCKOPT_EVENT, &ev, sizeof(ev)));
	EQ(quic_sendmsg(p.client, "x", 1, 0, NEW), 1);
	EQ(receive(p.server, &u, 100, 0), 1);
	EQ(u.id, 0);
}

/* Nobody reads: events are dropped, memory stays, data is whole. */
TEST(events_unread_do_not_pile_up)
{
	struct pair p = { .events = 1 << QUIC_EVENT_STREAM_UPDATE };
	char c;

	connection(&p);
	for (int i = 0; i < 90; i++)
		EQ(quic_sendmsg(p.client, "x", 1, i * 4, NEW | FIN), 1);
	wait_poll(p.server, POLLIN);
	for (int i = 0; i < 90; i++)
		EQ(read_stream(p.server, i * 4, &c, 1, NULL), 1);
}

TEST(close_event)
{
	struct pair p = { .events = 1 << QUIC_EVENT_CONNECTION_CLOSE };
	struct quic_connection_close cl = { .errcode = 4242 };
	union quic_event ev;
	char c;

	connection(&p);
	strcpy((char *)cl.phrase, "so long");
	OK(!opt_set(p.client, QUIC_SOCKOPT_CONNECTION_CLOSE, &cl, sizeof(cl)));
	close(p.client);
	wait_event(p.server, QUIC_EVENT_CONNECTION_CLOSE, &ev);
	EQ(ev.close.errcode, 4242);
	OK(!strcmp((char *)ev.close.phrase, "so long"));
	ERR(read(p.server, &c, 1), ENOTCONN);
}
