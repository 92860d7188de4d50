// SPDX-License-Identifier: GPL-2.0
/*
 * Small writes: they share packets, or do not wait for each other.
 */
#include <unistd.h>
#include "pair.h"

#define NEW	MSG_QUIC_STREAM_NEW
#define FIN	MSG_QUIC_STREAM_FIN

#define SMALL	40	/* of 100 bytes each: three packets */

static void set_nodelay(int fd)
{
	struct quic_config cfg = { .stream_data_nodelay = 1 };

	OK(!opt_set(fd, QUIC_SOCKOPT_CONFIG, &cfg, sizeof(cfg)));
}

/* Packets that a stream's small writes take. */
static unsigned long write_small(struct pair *p)
{
	static char sent[SMALL * 100], got[sizeof(sent)];
	unsigned long before;
	int i;

	connection(p);
	OK(stream_open(p->client, -1, 0) == 0);
	UNTIL(settled(p->client));
	before = counter("QuicTxDataPackets");
	for (i = 0; i < SMALL; i++) {
		memset(sent + i * 100, 'a' + i, 100);
		EQ(quic_sendmsg(p->client, sent + i * 100, 100, 0, 0), 100);
	}
	EQ(read_stream(p->server, 0, got, sizeof(got), NULL), sizeof(got));
	OK(!memcmp(got, sent, sizeof(got)));
	UNTIL(settled(p->client));
	note("%lu packets for %d writes", counter("QuicTxDataPackets") - before, SMALL);
	return counter("QuicTxDataPackets") - before;
}

TEST(small_writes_share_packets)
{
	struct pair p = { 0 };

	/* The first leaves at once, the others as often as it is acknowledged. */
	OK(write_small(&p) < SMALL / 2);
}

TEST(small_writes_without_delay)
{
	struct pair p = { .set_client = set_nodelay };

	OK(write_small(&p) > SMALL / 2);
}

/* Each stream by itself: what one has under way does not hold up another. */
TEST(small_writes_of_many_streams)
{
	unsigned long before;
	struct pair p = { 0 };
	int i;

	connection(&p);
	UNTIL(settled(p.client));
	before = counter("QuicTxDataPackets");
	for (i = 0; i < 8; i++)
		EQ(quic_sendmsg(p.client, "x", 1, 4 * i, NEW), 1);
	OK(counter("QuicTxDataPackets") - before >= 8);
}

/* The end of a stream waits for nothing, nor does close(). */
TEST_EACH(small_writes_before_the_end)
{
	struct pair p = { 0 };
	unsigned long before;
	char buf[8];
	bool fin;
	int i;

	connection(&p);
	for (i = 0; i < 2; i++) {
		UNTIL(settled(p.client));
		before = counter("QuicTxDataPackets");
		EQ(quic_sendmsg(p.client, "one", 3, 4 * i, NEW), 3);
		EQ(quic_sendmsg(p.client, "two", 3, 4 * i, 0), 3);
		if (i)
			close(p.client);
		else
			EQ(quic_sendmsg(p.client, "3", 1, 4 * i, FIN), 1);
		OK(counter("QuicTxDataPackets") - before >= 2);
		EQ(read_stream(p.server, 4 * i, buf, i ? 6 : 7, &fin), i ? 6 : 7);
		OK(!memcmp(buf, "onetwo3", i ? 6 : 7));
	}
}
