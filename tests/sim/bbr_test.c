// SPDX-License-Identifier: GPL-2.0
/*
 * BBR over links that have, or come to have, one property each: what it finds
 * out of them, and the order of its states.
 */
#include "bbr_run.h"

TEST(startup_finds_the_rate_and_drain_the_delay)
{
	static const double rates[] = { 0.2, 2, 20, 100 };
	static const u64 delays[] = { 1, 10, 50 };
	struct sim_link_config c;
	u64 rtt;
	int i, j;

	for (i = 0; i < ARRAY_SIZE(rates); i++)
		for (j = 0; j < ARRAY_SIZE(delays); j++) {
			rtt = 2 * delays[j] * MS;
			c = sim_clean(rates[i] * MB, delays[j] * MS,
				      20000 + 4 * rates[i] * MB * rtt / SECOND);
			begin(&c, 10000 * MB);
			pass(60 * rtt + 300 * MS);
			unit_case("%f MB/s, %llu ms", rates[i], 2 * delays[j]);
			EXPECT(model()->full_reached);
			expect_about(max_bw(model()), c.rate, 0.05);
			/* a packet takes its time as well */
			EXPECT(model()->min_rtt >= rtt);
			EXPECT(model()->min_rtt < 1.2 * rtt + 3000 * SECOND /
						  c.rate);
			EXPECT_EQ(w.down.dropped, 0);
			sim_world_free(&w);
		}
}

/* Section 5.3.3: two to three seconds, or 63 round trips. */
TEST(bandwidth_is_probed_in_cycles)
{
	struct sim_link_config c = sim_clean(10 * MB, 50 * MS, 2 * MB);

	begin(&c, 10000 * MB);
	pass(40 * SECOND);
	EXPECT(run.entered[UP] >= 7);
	EXPECT(run.up_gap_min > 2 * SECOND);
	/* probing the delay begins the wait anew */
	EXPECT(run.up_gap_max < 7 * SECOND);
	EXPECT_EQ(run.entered[STARTUP], 0);
	/* most of the time it does not burden the queue */
	EXPECT(run.in_state[CRUISE] > 20 * SECOND);
	EXPECT(run.srtt_max < 250 * MS);
	sim_world_free(&w);

	/* 20 packets are no more than NewReno would grow by in 20 rounds */
	c = sim_clean(1200000, 10 * MS, 2 * MB);
	begin(&c, 10000 * MB);
	pass(10 * SECOND);
	EXPECT(run.up_gap_max < 2 * SECOND);
	sim_world_free(&w);
}

/* Section 5.3.4: every five seconds, unless the delay was seen meanwhile. */
TEST(the_delay_is_probed_every_five_seconds)
{
	struct sim_link_config c = sim_clean(10 * MB, 20 * MS, 2 * MB);
	double rate;

	begin(&c, 10000 * MB);
	pass(SECOND);
	rate = goodput(40 * SECOND);
	EXPECT(run.entered[PROBE_RTT] >= 3 && run.entered[PROBE_RTT] <= 8);
	/* 2 % are spent on it, 1 % on the margin, 3 % on headers */
	EXPECT(rate > 0.92 * c.rate);
	EXPECT_EQ(run.in_state[PROBE_RTT] / run.entered[PROBE_RTT] / SECOND, 0);
	sim_world_free(&w);
}

TEST(a_longer_path_is_noticed)
{
	struct sim_link_config c = sim_clean(5 * MB, 10 * MS, 2 * MB);

	begin(&c, 10000 * MB);
	pass(3 * SECOND);
	expect_about(model()->min_rtt, 20 * MS, 0.05);
	w.down.c.delay = 60 * MS;
	pass(25 * SECOND);
	expect_about(model()->min_rtt, 70 * MS, 0.05);
	EXPECT(goodput(5 * SECOND) > 0.85 * c.rate);
	sim_world_free(&w);
}

TEST(more_bandwidth_is_found)
{
	struct sim_link_config c = sim_clean(2 * MB, 20 * MS, 2 * MB);

	begin(&c, 10000 * MB);
	pass(5 * SECOND);
	expect_about(max_bw(model()), c.rate, 0.05);
	w.down.c.rate = 10 * MB;
	pass(12 * SECOND);
	EXPECT(goodput(5 * SECOND) > 0.85 * w.down.c.rate);
	sim_world_free(&w);
}

TEST(less_bandwidth_is_noticed_and_the_queue_drained)
{
	struct sim_link_config c = sim_clean(10 * MB, 20 * MS, 2 * MB);

	begin(&c, 10000 * MB);
	pass(5 * SECOND);
	w.down.c.rate = 2 * MB;
	pass(15 * SECOND);
	expect_about(max_bw(model()), w.down.c.rate, 0.05);
	run.srtt_max = 0;
	EXPECT(goodput(10 * SECOND) > 0.9 * w.down.c.rate);
	EXPECT(run.srtt_max < 100 * MS);
	sim_world_free(&w);
}

/* A tenth of a round trip: losses tell what it holds. */
TEST(a_shallow_queue_is_filled_without_much_loss)
{
	struct sim_link_config c = sim_clean(10 * MB, 20 * MS, 40000);
	u64 lost;

	begin(&c, 10000 * MB);
	pass(3 * SECOND);
	lost = w.server[0].r.lost_bytes;
	EXPECT(model()->inflight_long != U64_MAX);
	EXPECT(goodput(30 * SECOND) > 0.88 * c.rate);
	lost = w.server[0].r.lost_bytes - lost;
	EXPECT(lost < 0.005 * 30 * c.rate);
	sim_world_free(&w);
}

/* NewReno would have a tenth: 1.22 / sqrt(0.01) packets per round trip. */
TEST(one_percent_of_loss_that_is_not_congestion)
{
	struct sim_link_config c = sim_clean(5 * MB, 20 * MS, 400000);

	c.loss = 0.01;
	begin(&c, 10000 * MB);
	pass(3 * SECOND);
	EXPECT(goodput(20 * SECOND) > 0.6 * c.rate);
	sim_world_free(&w);
}

/* Rounds with little to send say nothing of the path. */
TEST(a_slow_application_does_not_lower_the_model)
{
	struct sim_link_config c = sim_clean(10 * MB, 20 * MS, 1 * MB);
	int i;

	begin(&c, 0);
	supply(30 * MB, false);
	pass(5 * SECOND);
	expect_about(max_bw(model()), c.rate, 0.05);
	for (i = 0; i < 1500; i++) {
		supply(5000, false);
		pass(10 * MS);
	}
	expect_about(max_bw(model()), c.rate, 0.05);
	EXPECT_EQ(run.entered[STARTUP], 0);
	/* and what it knows it uses: no slow start now, nor after idleness */
	supply(20 * MB, false);
	pass(3 * SECOND);
	EXPECT_EQ(sim_endpoint_received(&w.client[0]), 57500000);
	pass(10 * SECOND);
	supply(20 * MB, true);
	pass(3 * SECOND);
	EXPECT_EQ(sim_endpoint_received(&w.client[0]), 77500000);
	sim_world_free(&w);
}

/* Five seconds of darkness, then as before. */
TEST(it_comes_back_from_persistent_congestion)
{
	struct sim_link_config c = sim_clean(5 * MB, 20 * MS, 400000);

	c.dark_from = 4 * SECOND;
	c.dark_to = 9 * SECOND;
	begin(&c, 10000 * MB);
	pass(20 * SECOND);
	EXPECT(goodput(5 * SECOND) > 0.85 * c.rate);
	sim_world_free(&w);
}

static void lose_some(struct quic_cc *cc)
{
	watched.on_lost(cc, &(struct quic_cc_loss){ .now = w.sim.now });
	note_loss(bbr(cc));
}

/* Section 5.5.11 */
TEST(a_probe_begins_anew_if_nothing_was_lost)
{
	struct sim_link_config c = sim_clean(10 * MB, 20 * MS, 1 * MB);
	struct quic_cc *cc = &w.server[0].r.cc;
	u64 cwnd;

	begin(&c, 10000 * MB);
	while (model()->state != UP)
		pass(MS);
	cwnd = cc->cwnd;
	lose_some(cc);
	inflight_too_high(cc, cwnd / 3, false, w.sim.now);
	adapt_lower_bounds(cc);
	cc->cwnd = cwnd / 3;
	EXPECT_EQ(model()->state, DOWN);
	EXPECT(model()->inflight_long < cwnd);
	undo_losses(cc);
	EXPECT_EQ(model()->state, REFILL);
	EXPECT_EQ(model()->inflight_long, U64_MAX);
	EXPECT_EQ(model()->inflight_short, U64_MAX);
	EXPECT_EQ(model()->bw_short, U64_MAX);
	EXPECT_EQ(cc->cwnd, cwnd);
	/* and once only */
	model()->state = CRUISE;
	undo_losses(cc);
	EXPECT_EQ(model()->state, CRUISE);
	sim_world_free(&w);
}

/* It begins to probe, and half as much again as the path holds, the result, is said
 * to have been too much.
 */
static u64 begin_with_too_much(const struct sim_link_config *c)
{
	struct quic_cc *cc = &w.server[0].r.cc;
	u64 volume;

	begin(c, 10000 * MB);
	wait_for(UP);
	volume = 3 * bdp(cc, max_bw(model())) / 2;
	inflight_too_high(cc, volume, false, w.sim.now);
	return volume;
}

/* 5.3.3, "Precautionary Bandwidth Probing": it leaves when so much is under way
 * again; that did no harm, so at once it comes back, and stays.
 */
TEST(what_was_too_much_is_approached_with_caution)
{
	struct sim_link_config c = sim_clean(10 * MB, 20 * MS, 1 * MB);
	u64 was = 0, volume;

	volume = begin_with_too_much(&c);
	EXPECT_EQ(model()->state, DOWN);
	wait_for(UP);
	while (model()->state == UP) {
		EXPECT(w.server[0].r.in_flight < volume);
		was = w.server[0].r.in_flight;
		pass(MS);
	}
	EXPECT(was > 0.95 * volume);
	EXPECT(model()->inflight_long <= volume + 4 * SIM_MSS);
	was = w.sim.now;
	wait_for(UP);
	/* DOWN and REFILL, a round trip each, which the queue makes longer */
	EXPECT(w.sim.now - was < 150 * MS);
	wait_for(DOWN);
	EXPECT(model()->inflight_long > volume);
	EXPECT_EQ(w.down.dropped, 0);
	was = w.sim.now;
	wait_for(UP);
	EXPECT(w.sim.now - was > SECOND);
	sim_world_free(&w);
}

/* What was sent with caution was lost all the same: no hurry. */
TEST(caution_that_was_in_vain_does_not_probe_at_once)
{
	struct sim_link_config c = sim_clean(10 * MB, 20 * MS, 1 * MB);
	u64 was = 0, volume;

	volume = begin_with_too_much(&c);
	wait_for(UP);
	wait_for(DOWN);
	EXPECT(model()->cautious && model()->probing && !model()->too_high);
	inflight_too_high(&w.server[0].r.cc, volume, false, w.sim.now);
	was = w.sim.now;
	wait_for(REFILL);
	EXPECT(w.sim.now - was > SECOND);
	sim_world_free(&w);
}

/* 5.3.3, RaiseInflightLongtermSlope: a packet in the first round trip, two in the
 * second, ... but no more than was acknowledged.
 */
TEST(the_bound_grows_faster_from_round_to_round)
{
	struct quic_cc cc = { .cwnd = 100000, .mss = 1000 };
	struct quic_cc_ack ack = { 0 };
	u64 grown, before = 100000;
	int round, i;

	start_refill(bbr(&cc));
	start_up(&cc, 0);
	bbr(&cc)->inflight_long = before;
	for (round = 0; round < 10; round++) {
		ack.acked = before / 40;
		for (i = 0; i < 40; i++) {
			bbr(&cc)->round_start = i == 39;
			cc.cwnd = bbr(&cc)->inflight_long;
			ack.prior_in_flight = cc.cwnd;
			grow_inflight_long(&cc, &ack);
		}
		grown = bbr(&cc)->inflight_long - before;
		unit_case("round %d: %llu", round, grown);
		expect_about(grown, min(1000U << round, before), 0.1);
		before += grown;
	}
}

/* 5.6.4.4: nothing else narrowed it, but the model has the last word. */
TEST(the_window_is_what_it_was_when_losses_are_repaired)
{
	struct sim_link_config c = sim_clean(10 * MB, 20 * MS, 1 * MB);
	struct quic_cc *cc = &w.server[0].r.cc;
	struct quic_cc_ack ack = { .acked = 1200 };
	u64 cwnd;

	begin(&c, 10000 * MB);
	wait_for(CRUISE);
	cwnd = cc->cwnd;
	ack.now = w.sim.now;
	ack.delivered = model()->delivered;
	ack.lost = model()->lost;
	cc->recovery_start = w.sim.now;
	watched.on_lost(cc, &(struct quic_cc_loss){ .now = w.sim.now });
	cc->cwnd = cwnd / 4;
	ack.largest_sent_time = w.sim.now;
	watched.on_acked(cc, &ack);
	EXPECT_EQ(cc->cwnd, cwnd / 4 + 1200);
	/* another one meanwhile */
	watched.on_lost(cc, &(struct quic_cc_loss){ .now = w.sim.now });
	ack.largest_sent_time++;
	watched.on_acked(cc, &ack);
	EXPECT_EQ(cc->cwnd, cwnd);
	/* but after persistent congestion it grows anew */
	watched.on_lost(cc, &(struct quic_cc_loss){ .now = w.sim.now });
	watched.on_lost(cc, &(struct quic_cc_loss){ .now = w.sim.now,
						    .persistent = true });
	watched.on_acked(cc, &ack);
	watched.on_acked(cc, &ack);
	EXPECT(cc->cwnd <= 6 * cc->mss);
	sim_world_free(&w);
}

TEST(startup_goes_on_if_nothing_was_lost)
{
	struct sim_link_config c = sim_clean(10 * MB, 50 * MS, 1 * MB);
	struct quic_cc *cc = &w.server[0].r.cc;
	struct quic_cc_ack ack = { .lost = 30000, .lost_ranges = 8 };

	begin(&c, 10000 * MB);
	pass(450 * MS);
	EXPECT_EQ(model()->state, STARTUP);
	lose_some(cc);
	model()->loss_round_start = true;
	ack.newest.in_flight = cc->cwnd;
	ack.in_flight = cc->cwnd * 2;
	check_startup_done(cc, &ack);
	EXPECT_EQ(model()->state, DRAIN);
	EXPECT(model()->inflight_long != U64_MAX);
	undo_losses(cc);
	EXPECT_EQ(model()->state, STARTUP);
	EXPECT(!model()->full_reached);
	EXPECT_EQ(model()->inflight_long, U64_MAX);
	pass(2 * SECOND);
	expect_about(max_bw(model()), c.rate, 0.05);
	sim_world_free(&w);
}

/* From end to end: of what is overtaken nothing is lost. */
TEST(packets_that_are_overtaken_do_not_narrow_the_model)
{
	struct sim_link_config c = sim_clean(10 * MB, 20 * MS, 1 * MB);

	c.reorder = 0.02;
	c.reorder_by = 8;
	begin(&c, 10000 * MB);
	pass(3 * SECOND);
	EXPECT(w.server[0].r.spurious > 0);
	EXPECT(goodput(20 * SECOND) > 0.85 * c.rate);
	sim_world_free(&w);
}
