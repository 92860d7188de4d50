// SPDX-License-Identifier: GPL-2.0
/*
 * One transfer at a time over networks with one property each.  Every run
 * ends with sim_world_check(): all bytes intact and once, nothing in flight.
 */
#include "world.h"

#define MB	1000000ULL

static const struct quic_congestion_ops *const algorithms[] = {
	&quic_cc_reno, &quic_cc_cubic, &quic_cc_bbr,
};

static struct sim_world w;

/* The server sends @bytes. Return: percent of the link's rate. */
static double transfer(u64 bytes, u64 limit)
{
	double time;

	sim_endpoint_write(&w.client[0], 0, 200, true);
	sim_endpoint_write(&w.server[0], 0, bytes, true);
	sim_world_open(&w, 0);
	EXPECT(sim_world_run(&w, limit));
	sim_world_check(&w);
	time = w.client[0].finished - w.start;
	return 100. * bytes * SECOND / w.down.c.rate / time;
}

static void expect_percent(double got, double least)
{
	if (!EXPECT(got >= least))
		printf("# %.1f %% of the link, wanted %.1f\n", got, least);
}

TEST(a_clean_link_is_filled)
{
	struct sim_link_config c;
	int i;

	for (i = 0; i < ARRAY_SIZE(algorithms); i++) {
		/* a queue of one round trip's worth */
		c = sim_clean(10 * MB, 20 * MS, 400000);
		unit_case("%s", algorithms[i]->name);
		sim_world_init(&w, 1, &c, &c, algorithms[i]);
		/* headers take 3 %, and BBR stays 1 % below the link */
		expect_percent(transfer(40 * MB, 20 * SECOND), 89);
		/* what was sent again was lost, and nothing else was */
		EXPECT_EQ(sim_endpoint_repeated(&w.client[0]), 0);
		EXPECT_EQ(w.server[0].r.lost_packets, w.down.dropped);
		EXPECT_EQ(w.server[0].r.spurious, 0);
		EXPECT_EQ(w.server[0].ptos, 0);
		sim_world_free(&w);
	}
}

TEST(an_endless_queue_loses_nothing)
{
	struct sim_link_config c = sim_clean(2 * MB, 10 * MS, 100 * MB);

	sim_world_init(&w, 1, &c, &c, &quic_cc_cubic);
	expect_percent(transfer(10 * MB, 20 * SECOND), 95);
	EXPECT_EQ(w.server[0].r.lost_packets, 0);
	EXPECT_EQ(sim_endpoint_repeated(&w.client[0]), 0);
	EXPECT_EQ(w.server[0].r.pto_total + w.client[0].r.pto_total, 0);
	/* HyStart++: the delay ends slow start, and not far above the BDP */
	EXPECT(w.server[0].r.cc.ssthresh != U64_MAX);
	EXPECT(w.server[0].cwnd_max < 40 * 40000);
	sim_world_free(&w);
}

TEST(fast_and_short_as_in_a_data_centre)
{
	struct sim_link_config c = sim_clean(1000 * MB, 20000, 300000);

	/* interrupts every 50 us: trains of up to 41 packets */
	c.batch = 50000;
	sim_world_init(&w, 1, &c, &c, &quic_cc_cubic);
	expect_percent(transfer(100 * MB, 5 * SECOND), 60);
	EXPECT_EQ(sim_endpoint_repeated(&w.client[0]), 0);
	sim_world_free(&w);
}

TEST(one_percent_of_loss)
{
	struct sim_link_config c;
	int i;
	u64 seed;

	for (seed = 1; seed <= 10; seed++) {
		i = seed % ARRAY_SIZE(algorithms);
		/* so short that a window of ten packets fills it */
		c = sim_clean(1 * MB, 5 * MS, 50000);
		c.loss = 0.01;
		unit_case("%s seed %llu", algorithms[i]->name, seed);
		sim_world_init(&w, seed, &c, &c, algorithms[i]);
		expect_percent(transfer(3 * MB, 60 * SECOND), 60);
		EXPECT(w.server[0].r.lost_packets > 10);
		sim_world_free(&w);
	}
}

TEST(lost_acks_cost_little)
{
	struct sim_link_config down = sim_clean(1 * MB, 20 * MS, 50000);
	struct sim_link_config up = down;

	up.loss = 0.3;
	sim_world_init(&w, 5, &up, &down, &quic_cc_cubic);
	expect_percent(transfer(5 * MB, 60 * SECOND), 80);
	EXPECT(w.up.lost > 200);
	/* all of it had arrived: nothing but probes was sent twice */
	EXPECT(sim_endpoint_repeated(&w.client[0]) <=
	       2 * SIM_MSS * w.server[0].ptos);
	sim_world_free(&w);
}

TEST(reordering_within_two_packets_is_no_loss)
{
	struct sim_link_config c;
	u64 seed;

	for (seed = 1; seed <= 10; seed++) {
		c = sim_clean(2 * MB, 20 * MS, 10 * MB);
		c.calm_until = SECOND + 200 * MS;	/* the handshake */
		c.reorder = 0.2;
		c.reorder_by = 2;
		unit_case("seed %llu", seed);
		sim_world_init(&w, seed, &c, &c, &quic_cc_cubic);
		expect_percent(transfer(3 * MB, 20 * SECOND), 75);
		EXPECT_EQ(w.server[0].r.lost_packets, 0);
		EXPECT_EQ(sim_endpoint_repeated(&w.client[0]), 0);
		sim_world_free(&w);
	}
}

TEST(wider_reordering_is_noticed_as_spurious)
{
	struct sim_link_config c = sim_clean(2 * MB, 20 * MS, 10 * MB);

	c.calm_until = SECOND + 200 * MS;
	c.reorder = 0.01;
	c.reorder_by = 10;
	c.reorder_hold = 20 * MS;
	sim_world_init(&w, 3, &c, &c, &quic_cc_cubic);
	transfer(3 * MB, 20 * SECOND);
	EXPECT(w.server[0].r.lost_packets > 5);
	EXPECT_EQ(w.server[0].r.spurious, w.server[0].r.lost_packets);
	sim_world_free(&w);
}

TEST(duplicates_change_nothing)
{
	struct sim_link_config c = sim_clean(2 * MB, 20 * MS, 10 * MB);

	c.duplicate = 0.3;
	sim_world_init(&w, 3, &c, &c, &quic_cc_cubic);
	expect_percent(transfer(3 * MB, 20 * SECOND), 55);
	EXPECT_EQ(w.server[0].r.lost_packets, 0);
	/* dropped as packets, not as bytes */
	EXPECT_EQ(sim_endpoint_repeated(&w.client[0]), 0);
	sim_world_free(&w);
}

/* The last packets of the flight are lost, at first. */
static u64 tail_from, tail_to;

static bool lose_tail(u64 count, u32 len)
{
	return count >= tail_from && count < tail_to;
}

/* RFC9002-7.5-1 */
TEST(a_lost_tail_takes_one_or_two_ptos)
{
	struct sim_link_config c = sim_clean(10 * MB, 50 * MS, 10 * MB);
	u64 packets, lost;

	/* how many packets does it take? */
	sim_world_init(&w, 1, &c, &c, &quic_cc_cubic);
	transfer(100000, 5 * SECOND);
	packets = w.down.count;
	EXPECT_EQ(w.server[0].ptos, 0);
	sim_world_free(&w);

	c.lose = lose_tail;
	for (lost = 1; lost <= 8; lost++) {
		/* the final ACK of the client's is no part of the tail */
		tail_from = packets - 2 - lost;
		tail_to = packets - 2;
		unit_case("%llu lost of %llu", lost, packets);
		sim_world_init(&w, 1, &c, &c, &quic_cc_cubic);
		transfer(100000, 5 * SECOND);
		EXPECT(w.server[0].ptos <= 1);
		EXPECT_EQ(w.server[0].r.lost_packets, lost);
		sim_world_free(&w);
	}
}

TEST(a_long_blackhole_is_persistent_congestion)
{
	struct sim_link_config c;
	int i;

	for (i = 0; i < ARRAY_SIZE(algorithms); i++) {
		c = sim_clean(1 * MB, 20 * MS, 100000);
		c.dark_from = 2 * SECOND;
		c.dark_to = 7 * SECOND;
		unit_case("%s", algorithms[i]->name);
		sim_world_init(&w, 1, &c, &c, algorithms[i]);
		transfer(5 * MB, 60 * SECOND);
		/* BBR has four packets from its next ACK on, which is this */
		EXPECT(w.server[0].cwnd_min <= 4 * SIM_MSS);
		EXPECT(w.server[0].ptos >= 4 && w.server[0].ptos <= 9);
		/* five seconds of data, five of darkness, and at most as
		 * many again until the last PTO, which doubles each time
		 */
		EXPECT(w.client[0].finished - w.start < 16 * SECOND);
		sim_world_free(&w);
	}
}

TEST(a_short_blackhole_is_not)
{
	struct sim_link_config c = sim_clean(1 * MB, 20 * MS, 100000);

	c.dark_from = 2 * SECOND;
	c.dark_to = 2 * SECOND + 50 * MS;
	sim_world_init(&w, 1, &c, &c, &quic_cc_cubic);
	expect_percent(transfer(5 * MB, 60 * SECOND), 80);
	EXPECT(w.server[0].cwnd_min > 4 * SIM_MSS);
	sim_world_free(&w);
}

/* RFC 9002 section 7.8: two packets every 10 ms never use the window up. */
TEST(a_slow_application_does_not_grow_the_window)
{
	struct sim_link_config c = sim_clean(10 * MB, 25 * MS, 1 * MB);
	int i;

	sim_world_init(&w, 1, &c, &c, &quic_cc_cubic);
	sim_endpoint_write(&w.client[0], 0, 200, true);
	sim_world_open(&w, 0);
	sim_world_run(&w, SECOND);
	w.server[0].cwnd_max = 0;
	for (i = 0; i < 500; i++) {
		sim_endpoint_write(&w.server[0], 0, 500, i == 499);
		sim_endpoint_push(&w.server[0]);
		sim_world_pass(&w, 10 * MS);
	}
	EXPECT(sim_world_run(&w, SECOND));
	sim_world_check(&w);
	/* the handshake may have added its own few packets */
	EXPECT(w.server[0].cwnd_max <= 14 * SIM_MSS);
	sim_world_free(&w);
}

TEST(after_idleness_the_window_starts_over)
{
	struct sim_link_config c = sim_clean(10 * MB, 25 * MS, 1 * MB);

	sim_world_init(&w, 1, &c, &c, &quic_cc_cubic);
	sim_endpoint_write(&w.client[0], 0, 200, true);
	sim_endpoint_write(&w.server[0], 0, 2 * MB, false);
	sim_world_open(&w, 0);
	EXPECT(sim_world_run(&w, 5 * SECOND));
	EXPECT(w.server[0].r.cc.cwnd > 20 * SIM_MSS);
	sim_world_pass(&w, 3 * SECOND);
	sim_endpoint_write(&w.server[0], 0, 2 * MB, true);
	sim_endpoint_push(&w.server[0]);
	EXPECT_EQ(w.server[0].r.cc.cwnd, quic_cc_initial_window(SIM_MSS));
	EXPECT(sim_world_run(&w, 5 * SECOND));
	sim_world_check(&w);
	sim_world_free(&w);
}

static double share_of_one_link(const struct quic_congestion_ops *cc,
				u64 seed)
{
	struct sim_link_config c = sim_clean(2500000, 20 * MS, 100000);
	double got[SIM_FLOWS], sum = 0, squares = 0;
	int i;

	sim_world_init(&w, seed, &c, &c, cc);
	for (i = 0; i < SIM_FLOWS; i++) {
		sim_endpoint_write(&w.client[i], 0, 200, true);
		sim_endpoint_write(&w.server[i], 0, 1000 * MB, true);
		sim_world_open(&w, i);
		sim_world_pass(&w, seed * 100 * MS);
	}
	sim_world_pass(&w, 10 * SECOND);
	for (i = 0; i < SIM_FLOWS; i++)
		got[i] = -1. * sim_endpoint_received(&w.client[i]);
	sim_world_pass(&w, 40 * SECOND);
	for (i = 0; i < SIM_FLOWS; i++) {
		if (!EXPECT(!w.client[i].fault && !w.server[i].fault))
			printf("# %s %s\n", w.client[i].fault ?: "",
			       w.server[i].fault ?: "");
		got[i] += sim_endpoint_received(&w.client[i]);
		sum += got[i];
		squares += got[i] * got[i];
	}
	/* together they fill it */
	expect_percent(sum / 40 / 25000, 90);
	sim_world_free(&w);
	return sum * sum / SIM_FLOWS / squares;
}

/* RFC9002-7-1 */
TEST(two_flows_share_a_link_fairly)
{
	double jain;
	u64 seed;
	int i;

	for (seed = 1; seed <= 6; seed++) {
		i = seed % ARRAY_SIZE(algorithms);
		unit_case("%s seed %llu", algorithms[i]->name, seed);
		jain = share_of_one_link(algorithms[i], seed);
		if (!EXPECT(jain >= 0.9))
			printf("# Jain's index is %.3f\n", jain);
	}
}
