// SPDX-License-Identifier: GPL-2.0
/*
 * Path MTU discovery on real sockets: RFC 9000 section 14.3, RFC 8899.
 */
#include <stdlib.h>
#include "pair.h"

#define NEW	MSG_QUIC_STREAM_NEW

static unsigned int mss(int fd)
{
	struct quic_info info = { 0 };
	socklen_t len = sizeof(info);

	OK(!opt_get(fd, QUIC_SOCKOPT_INFO, &info, &len));
	return info.mss;
}

/* An Ethernet whose packets are seen one by one. */
static void ethernet(void)
{
	OK(!system("ip link set lo mtu 1500 gso_max_segs 1"));
	OK(!system("ethtool -K lo gro off tx-udp-segmentation off"));
}

/* A hop that drops, without a word, what is larger than this. */
static void hop(int payload)
{
	char command[256];

	snprintf(command, sizeof(command),
		 "nft 'table inet hop { chain c { type filter hook input priority 0; udp length > %d counter drop; }; }'",
		 payload + 8);
	OK(!system(command));
}

/* Send until the packets of the client have this size. */
static void transfer_until(struct pair *p, unsigned int size)
{
	static char buf[20000], got[65536];

	OK(!set_nonblock(p->client));
	OK(!set_nonblock(p->server));
	while (mss(p->client) != size) {
		if (quic_sendmsg(p->client, buf, sizeof(buf), 0, NEW) < 0)
			OK(errno == EAGAIN || errno == ENOSPC);
		while (read(p->server, got, sizeof(got)) > 0)
			;
		short_while();
	}
}

/* RFC8899-3-2 RFC8899-3-4 */
/* Nothing but the handshake is needed where the interface is right. */
TEST_EACH(full_packets_soon)
{
	struct pair p = { 0 };
	unsigned int full = family == AF_INET ? 1472 : 1440;

	ethernet();
	connection(&p);
	UNTIL(mss(p.client) == full);
	UNTIL(mss(p.server) == full);
	EQ(counter("QuicBlackHoles"), 0);
	EQ(counter("QuicTxSizeProbes"), 2);
}

TEST(off)
{
	struct pair p = { 0 };

	ethernet();
	OK(!system("sysctl -qw net.quic.pmtud=0"));
	connection(&p);
	EQ(mss(p.client), 1472);
	EQ(counter("QuicTxSizeProbes"), 0);
}

/* What the peer takes is a bound too (RFC 9000 section 18.2). */
TEST(the_peer_takes_less)
{
	struct pair p = { .server_params.max_udp_payload_size = 1300 };

	ethernet();
	connection(&p);
	UNTIL(mss(p.client) == 1296);
	UNTIL(mss(p.server) == 1472);
}

/* RFC8899-3-1 RFC8899-3-5 RFC8899-4.5-1 */
TEST_WITH(a_hop_that_carries_less, 60, false)
{
	struct pair p = { 0 };

	ethernet();
	hop(1300);
	connection(&p);
	EQ(mss(p.client), 1200);
	transfer_until(&p, 1296);
	/* RFC 9000 section 14.4: no lost probe was taken for congestion. */
	EQ(counter("QuicLossPackets"), 0);
	EQ(counter("QuicBlackHoles"), 0);
}

/* RFC8899-3-11 RFC8899-4.3-1 */
/* RFC 8899 section 4.3 */
TEST_WITH(a_hop_that_becomes_narrower, 90, false)
{
	struct pair p = { 0 };

	ethernet();
	connection(&p);
	transfer_until(&p, 1472);
	hop(1400);
	transfer_until(&p, 1392);
	OK(counter("QuicBlackHoles") > 0);
	OK(!system("nft flush ruleset"));
}
