// SPDX-License-Identifier: GPL-2.0
/*
 * How many ACKs a bulk transfer costs: RFC 9000 section 13.2, and
 * draft-ietf-quic-ack-frequency.
 */
#include <stdlib.h>
#include "pair.h"

/* ACK packets per 1000 data packets of such a transfer. */
static unsigned long acks(void)
{
	unsigned long data, ack;
	struct pair p = { 0 };

	connection(&p);
	pair_transfer(&p, 500000);
	data = counter("QuicTxDataPackets");
	ack = counter("QuicTxAckOnlyPackets");
	pair_transfer(&p, 6000000);
	data = counter("QuicTxDataPackets") - data;
	ack = counter("QuicTxAckOnlyPackets") - ack;
	note("%lu ACK packets for %lu data packets in %lu trains", ack, data,
	     counter("QuicTxDataTrains"));
	EQ(counter("QuicPktInvFrmDrop"), 0);
	return ack * 1000 / data;
}

/* One train, one ACK, although each second packet asks for one. */
TEST(acks_for_trains)
{
	OK(!system("ip link set lo mtu 1500"));
	OK(!system("sysctl -qw net.quic.ack_frequency=0"));
	OK(acks() <= 110);
}

/* Packets that come singly, but many in one softirq, are joined. */
TEST(acks_for_packets_in_a_row)
{
	OK(!system("ip link set lo mtu 1500 gso_max_segs 1"));
	OK(!system("ethtool -K lo gro off tx-udp-segmentation off"));
	OK(!system("sysctl -qw net.quic.ack_frequency=0"));
	OK(acks() <= 110);
	OK(counter("QuicRxGathered") > 0);
}

/* Where packets come one by one the agreement makes the difference.  How many
 * it would be without it depends on how many a softirq still finds together.
 */
TEST_WITH(acks_for_single_packets, 60, false)
{
	unsigned long without, with;

	OK(!system("ip link set lo mtu 1500 gso_max_segs 1"));
	OK(!system("ethtool -K lo gro off tx-udp-segmentation off"));
	/* Packets one by one are spread in time, so that each is a train. */
	OK(!system("tc qdisc add dev lo root netem delay 5ms rate 100mbit"));
	OK(!system("sysctl -qw net.quic.ack_frequency=0"));
	without = acks();
	OK(!system("sysctl -qw net.quic.ack_frequency=1"));
	with = acks();
	note("%lu and %lu per 1000", without, with);
	OK(with <= 50);
	/* Ten packets, or a sixteenth of 10 ms: a busy host has both come later. */
	OK(without <= 250);
}
