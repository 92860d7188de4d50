// SPDX-License-Identifier: GPL-2.0
/*
 * BBR: the example test cases of its draft's appendix, where bbr_test.c has none
 * of the kind.
 */
#include "bbr_run.h"

/* The server's application sends @bytes every ten milliseconds, for @time. */
static void drip(u64 bytes, u64 time)
{
	u64 end = w.sim.now + time;

	while (w.sim.now < end) {
		supply(bytes, false);
		pass(10 * MS);
	}
}

static bool lose_every_eighth(u64 count, u32 len)
{
	return len > 1000 && count % 8 == 0;
}

/* "Exiting STARTUP on Loss When Application-Limited", "Never Exiting ... STARTUP"
 * and "Entering and Exiting PROBE_RTT During STARTUP"
 */
TEST(an_application_that_sends_little_leaves_startup_by_losses_alone)
{
	struct sim_link_config c = sim_clean(10 * MB, 20 * MS, 1 * MB);

	begin(&c, 0);
	drip(20000, 20 * SECOND);
	EXPECT_EQ(run.entered[DRAIN] + run.entered[DOWN], 0);
	EXPECT(run.entered[PROBE_RTT] >= 2);
	EXPECT_EQ(run.entered[STARTUP], run.entered[PROBE_RTT]);
	EXPECT(!model()->full_reached);
	w.down.c.lose = lose_every_eighth;
	drip(20000, SECOND);
	EXPECT(model()->full_reached);
	EXPECT(run.entered[DOWN] + run.entered[CRUISE] > 0);
	EXPECT(model()->inflight_long != U64_MAX);
	sim_world_free(&w);
}

/* "Exiting DRAIN Based on Time": it has taken the link for faster than it is. */
TEST(drain_ends_after_three_round_trips)
{
	struct sim_link_config c = sim_clean(10 * MB, 20 * MS, 4 * MB);
	struct quic_cc *cc = &w.server[0].r.cc;
	u32 rounds;

	begin(&c, 10000 * MB);
	wait_for(DRAIN);
	rounds = model()->rounds;
	w.down.c.rate = MB;
	while (model()->state == DRAIN)
		pass(MS);
	EXPECT_EQ(model()->state, DOWN);
	EXPECT_EQ(model()->rounds - rounds, 4);
	EXPECT(w.server[0].r.in_flight > with_quanta(cc, bdp_now(cc)));
	sim_world_free(&w);
}

/* "Exiting PROBE_UP on Loss When Application-Limited" and "Never Exiting
 * PROBE_UP": there is no plateau that an application makes.
 */
TEST(an_application_that_sends_little_leaves_up_by_losses_alone)
{
	struct sim_link_config c = sim_clean(10 * MB, 20 * MS, 1 * MB);
	u64 bound;

	begin(&c, 0);
	supply(30 * MB, false);
	pass(4 * SECOND);
	do
		drip(10000, 10 * MS);
	while (model()->state != UP);
	drip(10000, SECOND);
	EXPECT_EQ(model()->state, UP);
	bound = model()->inflight_long;
	w.down.c.lose = lose_every_eighth;
	drip(10000, 200 * MS);
	/* through DOWN: there is no queue */
	EXPECT_EQ(model()->state, CRUISE);
	EXPECT(model()->too_high);
	/* how much is too much is not known of so little */
	EXPECT_EQ(model()->inflight_long, bound);
	sim_world_free(&w);
}

/* "Exiting PROBE_DOWN After Max Time": the queue does not become shorter. */
TEST(down_ends_in_time_whatever_is_under_way)
{
	struct sim_link_config c = sim_clean(10 * MB, 20 * MS, 4 * MB);
	u64 was;

	begin(&c, 10000 * MB);
	wait_for(UP);
	wait_for(DOWN);
	was = w.sim.now;
	/* not for PROBE_RTT */
	model()->probe_stamp = was;
	w.down.c.rate = 4 * MB;
	while (model()->state == DOWN)
		pass(MS);
	EXPECT_EQ(model()->state, REFILL);
	EXPECT(w.sim.now - was > 2 * SECOND && w.sim.now - was < 3100 * MS);
	sim_world_free(&w);
}

/* "Skipping PROBE_RTT Due to Application-Limited Sending" */
TEST(idleness_is_as_good_as_probing_the_delay)
{
	struct sim_link_config c = sim_clean(10 * MB, 20 * MS, 1 * MB);

	begin(&c, 0);
	supply(20 * MB, false);
	pass(10 * SECOND);
	EXPECT_EQ(run.entered[PROBE_RTT], 0);
	supply(20 * MB, true);
	pass(2500 * MS);
	EXPECT_EQ(run.entered[PROBE_RTT], 0);
	EXPECT_EQ(sim_endpoint_received(&w.client[0]), 40 * MB);
	sim_world_free(&w);
}

/* "Achieving Expected STARTUP (Cruise) Bandwidth on a Link With Aggregation":
 * the ACKs of 30 ms arrive together.
 */
TEST(acks_that_come_in_bursts_do_not_stall_it)
{
	struct sim_link_config c = sim_clean(10 * MB, 10 * MS, 1 * MB);
	struct quic_cc *cc = &w.server[0].r.cc;

	begin(&c, 10000 * MB);
	w.up.c.batch = 30 * MS;
	pass(2 * SECOND);
	EXPECT(model()->full_reached);
	expect_about(max_bw(model()), c.rate, 0.1);
	wait_for(CRUISE);
	EXPECT(max(model()->extra[0], model()->extra[1]) > 10 * SIM_MSS);
	EXPECT(cc->cwnd > 2 * bdp_now(cc));
	EXPECT(goodput(20 * SECOND) > 0.88 * c.rate);
	sim_world_free(&w);
}

/* "Correctly Managing Sub-Packet BDPs" */
TEST(a_path_that_holds_less_than_a_packet_is_filled)
{
	struct sim_link_config c = sim_clean(20000, 5 * MS, 100000);

	begin(&c, 10 * MB);
	pass(20 * SECOND);
	EXPECT(model()->full_reached);
	expect_about(max_bw(model()), c.rate, 0.05);
	EXPECT(w.server[0].cwnd_min >= MIN_PACKETS * SIM_MSS);
	EXPECT(goodput(20 * SECOND) > 0.88 * c.rate);
	sim_world_free(&w);
}

/* "Increasing Bandwidth 10x", "Decreasing Bandwidth 10x" */
TEST(ten_times_the_bandwidth_and_a_tenth)
{
	struct sim_link_config c = sim_clean(MB, 20 * MS, 100000);
	u64 was;

	begin(&c, 10000 * MB);
	pass(8 * SECOND);
	expect_about(max_bw(model()), c.rate, 0.05);
	w.down.c.rate = 10 * MB;
	was = w.sim.now;
	while (max_bw(model()) < 9500000)
		pass(10 * MS);
	/* two or three seconds until it probes, and then logarithmic time */
	EXPECT(w.sim.now - was < 8 * SECOND);
	EXPECT(goodput(8 * SECOND) > 0.85 * w.down.c.rate);

	w.down.c.rate = MB;
	was = w.sim.now;
	while (min(max_bw(model()), model()->bw_short) > 2 * MB)
		pass(10 * MS);
	/* a round trip takes 140 ms now, and each is good for 30 % */
	EXPECT(w.sim.now - was < 2 * SECOND);
	while (max_bw(model()) > 1100000)
		pass(10 * MS);
	EXPECT(w.sim.now - was < 8 * SECOND);
	EXPECT(goodput(8 * SECOND) > 0.85 * w.down.c.rate);
	sim_world_free(&w);
}

#define BUCKET_RATE	(2 * MB)
#define BUCKET_SIZE	100000.0

static struct bucket {
	double tokens;
	u64 filled;
} bucket;

static bool police(u64 count, u32 len)
{
	bucket.tokens += (w.sim.now - bucket.filled) / 1e9 * BUCKET_RATE;
	bucket.tokens = min(bucket.tokens, BUCKET_SIZE);
	bucket.filled = w.sim.now;
	if (bucket.tokens < len)
		return true;
	bucket.tokens -= len;
	return false;
}

/* "Handling Token Bucket Policers" */
TEST(a_policer_is_obeyed)
{
	struct sim_link_config c = sim_clean(20 * MB, 20 * MS, 1 * MB);
	u64 lost, sent;

	c.lose = police;
	bucket = (struct bucket){ .tokens = BUCKET_SIZE };
	begin(&c, 10000 * MB);
	pass(10 * SECOND);
	lost = w.server[0].r.lost_bytes;
	sent = w.server[0].r.acked_bytes;
	EXPECT(goodput(30 * SECOND) > 0.8 * BUCKET_RATE);
	sent = w.server[0].r.acked_bytes - sent;
	lost = w.server[0].r.lost_bytes - lost;
	EXPECT(lost < 0.05 * sent);
	sim_world_free(&w);
}
