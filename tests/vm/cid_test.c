// SPDX-License-Identifier: GPL-2.0
/*
 * Connection IDs: chosen, retired, replaced and answered (RFC 9000 section 5.1).
 */
#include <sys/epoll.h>
#include "paths.h"

#define IDS	(1U << QUIC_EVENT_CONNECTION_ID)

TEST(connection_ids_of_the_peer)
{
	struct pair p = { .events = IDS };
	struct quic_connection_id_info info;
	union quic_event ev;

	connection(&p);
	talk(p.client, p.server);
	info = ids_of(p.client, true);
	EQ(info.active, 0);
	EQ(info.prior_to, 0);
	/* What does not exist, lies behind, or is retired by the same call. */
	ERR(choose_ids(p.client, true, 0, 100), EINVAL);
	ERR(choose_ids(p.client, true, 100, 0), EINVAL);
	ERR(choose_ids(p.client, true, 3, 2), EINVAL);
	OK(!choose_ids(p.client, true, 0, 0));
	OK(!choose_ids(p.client, true, 0, 2));
	EQ(ids_of(p.client, true).active, 2);
	EQ(ids_of(p.client, true).prior_to, 0);
	ERR(choose_ids(p.client, true, 0, 1), EINVAL);
	talk(p.client, p.server);
	/* RFC 9000 section 5.1.2: retired, and replaced by the peer. */
	OK(!choose_ids(p.client, true, 2, 0));
	EQ(ids_of(p.client, true).active, 2);
	EQ(ids_of(p.client, true).prior_to, 2);
	wait_event(p.client, QUIC_EVENT_CONNECTION_ID, &ev);
	EQ(ev.info.dest, 1);
	EQ(ev.info.prior_to, 2);
	EQ(ev.info.active, 2);
	wait_event(p.server, QUIC_EVENT_CONNECTION_ID, &ev);
	EQ(ev.info.dest, 0);
	UNTIL(ids_of(p.server, false).prior_to == 2);
	talk(p.client, p.server);
	/* The one in use goes: the next takes its place. */
	OK(!choose_ids(p.client, true, 4, 0));
	OK(ids_of(p.client, true).active >= 4);
	talk(p.client, p.server);
	/* Those that came for the first two are there. */
	UNTIL(!choose_ids(p.client, true, 0, 8));
	talk(p.server, p.client);
	disconnect(&p);
}

/* Nor does a retransmission, or whatever else is no news for who has not read yet. */
TEST(connection_ids_wake_nobody)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLET };
	int ep = epoll_create1(0);
	struct pair p = { 0 };

	connection(&p);
	talk(p.client, p.server);
	EQ(epoll_ctl(ep, EPOLL_CTL_ADD, p.server, &ev), 0);
	say(p.client);
	EQ(epoll_wait(ep, &ev, 1, -1), 1);
	OK(!choose_ids(p.client, true, 2, 0));
	UNTIL(ids_of(p.server, false).prior_to == 2);
	EQ(epoll_wait(ep, &ev, 1, 0), 0);
	say(p.client);
	EQ(epoll_wait(ep, &ev, 1, -1), 1);
	hear(p.server);
	hear(p.server);
	disconnect(&p);
}

TEST(connection_ids_of_our_own)
{
	struct pair p = { .events = IDS };
	union quic_event ev;

	connection(&p);
	talk(p.client, p.server);
	EQ(ids_of(p.client, false).prior_to, 0);
	ERR(choose_ids(p.client, false, 100, 0), EINVAL);
	ERR(choose_ids(p.client, false, 0, 100), EINVAL);
	OK(!choose_ids(p.client, false, 0, 1));
	EQ(ids_of(p.client, false).active, 1);
	/* RFC 9000 section 19.15: the peer is asked to retire them. */
	OK(!choose_ids(p.client, false, 3, 0));
	wait_event(p.server, QUIC_EVENT_CONNECTION_ID, &ev);
	EQ(ev.info.dest, 1);
	EQ(ev.info.prior_to, 3);
	OK(ev.info.active >= 3 && ev.info.active <= 8);
	UNTIL(ids_of(p.client, false).prior_to == 3);
	EQ(ids_of(p.client, false).active, 3);
	OK(ids_of(p.server, true).active >= 3);
	talk(p.client, p.server);
	ERR(choose_ids(p.client, false, 3, 0), EINVAL);
	/* Not while the last demand is open; it is not, now. */
	UNTIL(!choose_ids(p.client, false, 5, 0));
	UNTIL(ids_of(p.client, false).prior_to == 5);
	talk(p.server, p.client);
	disconnect(&p);
}

/* A server answers a new ID by a new one, once. */
TEST(a_new_id_is_answered)
{
	struct pair p = { 0 };
	uint32_t active;

	connection(&p);
	talk(p.client, p.server);
	EQ(ids_of(p.server, true).active, 0);
	OK(!choose_ids(p.client, true, 0, 3));
	talk(p.client, p.server);
	active = ids_of(p.server, true).active;
	OK(active > 0);
	EQ(ids_of(p.client, true).active, 3);
	talk(p.client, p.server);
	talk(p.server, p.client);
	EQ(ids_of(p.server, true).active, active);
	EQ(ids_of(p.client, true).active, 3);
	disconnect(&p);
}
