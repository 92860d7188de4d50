// SPDX-License-Identifier: GPL-2.0
/*
 * Figures of a connection: QUIC_SOCKOPT_INFO.
 */
#include "pair.h"

static struct quic_info get_info(int fd)
{
	struct quic_info info;
	socklen_t len = sizeof(info);

	memset(&info, 0xff, sizeof(info));
	OK(!opt_get(fd, QUIC_SOCKOPT_INFO, &info, &len));
	EQ(len, sizeof(info));
	return info;
}

TEST_EACH(info_of_a_transfer)
{
	struct pair p = { 0 };
	static char buf[400000];
	struct quic_info c, s;
	bool fin;

	connection(&p);
	EQ(stream_open(p.client, -1, 0), 0);
	EQ(stream_open(p.client, -1, MSG_QUIC_STREAM_UNI), 2);
	EQ(quic_sendmsg(p.client, buf, sizeof(buf), 0, MSG_QUIC_STREAM_FIN),
	   sizeof(buf));
	EQ(read_stream(p.server, 0, buf, sizeof(buf), &fin), sizeof(buf));

	UNTIL(!get_info(p.client).in_flight);
	c = get_info(p.client);
	EQ(c.state, 1);
	EQ(c.paths, 1);
	EQ(c.flags & ~QUIC_INFO_APP_LIMITED, QUIC_INFO_CONFIRMED);
	EQ(c.version, QUIC_VERSION_V1);
	OK(c.cipher >= 51 && c.cipher <= 54);
	OK(!strcmp(c.congestion, "cubic"));
	OK(c.mss >= 1200 && c.mtu > c.mss);
	OK(c.cwnd >= 2 * c.mss && c.ssthresh >= c.cwnd / 2);
	OK(c.rtt > 0 && c.rtt_min > 0 && c.rtt_min <= c.rtt_latest);
	OK(c.pto >= c.rtt);
	OK(c.pacing_rate > 0);
	EQ(c.data_sent, sizeof(buf));
	EQ(c.data_queued, 0);
	EQ(c.data_received, 0);
	OK(c.bytes_acked > sizeof(buf));
	OK(c.packets_acked >= sizeof(buf) / 65536);
	OK(c.packets_acked + c.packets_lost <= c.bytes_acked + c.bytes_lost);
	EQ(c.streams_opened, 2);
	EQ(c.streams_accepted, 0);
	EQ(c.streams_bidi_left, 99);
	EQ(c.streams_uni_left, 99);
	OK(c.send_limit >= sizeof(buf));
	OK(c.age > 0);

	s = get_info(p.server);
	EQ(s.flags & ~QUIC_INFO_APP_LIMITED,
	   QUIC_INFO_SERVER | QUIC_INFO_CONFIRMED);
	EQ(s.cipher, c.cipher);
	EQ(s.data_received, sizeof(buf));
	EQ(s.data_read, sizeof(buf));
	OK(s.receive_limit >= c.send_limit);
	EQ(s.streams_accepted, 1);
	EQ(s.streams, 1);
}

TEST(info_of_losses)
{
	struct pair p = { 0 };
	static char buf[300000];
	struct quic_info i;

	connection(&p);
	EQ(get_info(p.client).packets_lost, 0);
	EQ(get_info(p.client).bytes_retransmitted, 0);
	OK(!system("tc qdisc add dev lo root netem limit 1 delay 1ms"));
	EQ(quic_sendmsg(p.client, buf, sizeof(buf), 0,
			MSG_QUIC_STREAM_NEW | MSG_QUIC_STREAM_FIN),
	   sizeof(buf));
	EQ(read_stream(p.server, 0, buf, sizeof(buf), NULL), sizeof(buf));
	i = get_info(p.client);
	OK(i.packets_lost > 0 && i.bytes_lost >= i.packets_lost * 20);
	OK(i.bytes_retransmitted > 0);
	EQ(i.data_sent, sizeof(buf));	/* once, however often they went */
	OK(i.ssthresh < ~0ULL);
}

TEST(info_of_states)
{
	struct quic_info i = get_info(quic_socket());
	struct pair p = { 0 };
	int udp = udp_socket(0), fd = client(port_of(udp));

	EQ(i.state, 7);
	EQ(i.cwnd, 0);
	EQ(get_info(listener("a")).state, 10);
	i = get_info(fd);
	EQ(i.state, 3);
	EQ(i.cipher, 0);
	EQ(i.rtt, 333000);
	EQ(i.rtt_min, 0);
	connection(&p);
	close(p.server);
	wait_closed(p.client);
	EQ(get_info(p.client).state, 7);
}

TEST(info_lengths)
{
	struct {
		struct quic_info info;
		uint64_t more;
	} big = { .more = 0x55 };
	struct quic_info i = { .paths = 0x77 };
	socklen_t len = sizeof(big);
	int fd = quic_socket();

	OK(!opt_get(fd, QUIC_SOCKOPT_INFO, &big, &len));
	EQ(len, sizeof(i));
	EQ(big.more, 0x55);
	len = 1;
	OK(!opt_get(fd, QUIC_SOCKOPT_INFO, &i, &len));
	EQ(len, 1);
	EQ(i.state, 7);
	EQ(i.paths, 0x77);
	ERR(opt_set(fd, QUIC_SOCKOPT_INFO, &i, sizeof(i)), ENOPROTOOPT);
}
