// SPDX-License-Identifier: GPL-2.0
/*
 * BBR over links that have, or come to have, one property each: what it finds
 * out of them, and the order of its states.
 */
#include "world.h"

/* Its own one, to look inside. */
#define quic_cc_bbr	watched
#include "recovery/cc_bbr.c"

#define MB	1000000ULL

static struct sim_world w;

static struct run {
	u32 entered[PROBE_RTT + 1];
	u64 in_state[PROBE_RTT + 1];	/* ns */
	u64 up_at, up_gap_max, up_gap_min;
	u64 srtt_max;			/* since the pipe was full */
	int state;
	u64 since;
} run;

static struct bbr *model(void)
{
	return bbr(&w.server[0].r.cc);
}

/* Section 5.1.1, and what PROBE_RTT comes back to (5.3.4.4). */
static bool is_legal(int from, int to)
{
	static const u8 to_of[PROBE_RTT + 1] = {
		[STARTUP]	= BIT(DRAIN),
		[DRAIN]		= BIT(DOWN) | BIT(CRUISE) | BIT(REFILL),
		[DOWN]		= BIT(CRUISE) | BIT(REFILL),
		[CRUISE]	= BIT(REFILL),
		[REFILL]	= BIT(UP),
		[UP]		= BIT(DOWN) | BIT(CRUISE),
		[PROBE_RTT]	= BIT(CRUISE) | BIT(STARTUP),
	};

	return to == PROBE_RTT || to_of[from] & BIT(to) ||
	       /* full, drained, and gone on within one ACK */
	       (from == STARTUP && to <= CRUISE);
}

static void watch(void)
{
	struct bbr *b = model();
	u64 now = w.sim.now;

	if (b->full_reached && b->state >= DOWN)
		run.srtt_max = max(run.srtt_max, w.server[0].r.rtt.smoothed);
	if (b->state == run.state)
		return;
	unit_case("%d -> %d at %f s", run.state, b->state,
		  (now - w.start) / 1e9);
	EXPECT(is_legal(run.state, b->state));
	run.in_state[run.state] += now - run.since;
	run.since = now;
	run.state = b->state;
	run.entered[b->state]++;
	if (b->state != UP)
		return;
	if (run.up_at) {
		run.up_gap_max = max(run.up_gap_max, now - run.up_at);
		run.up_gap_min = min(run.up_gap_min, now - run.up_at);
	}
	run.up_at = now;
}

static void pass(u64 time)
{
	u64 end = w.sim.now + time;

	while (w.sim.n && w.sim.heap[0].time <= end) {
		sim_step(&w.sim);
		watch();
	}
	w.sim.now = end;
	EXPECT(!w.server[0].fault && !w.client[0].fault);
}

static void begin(const struct sim_link_config *c, u64 bytes)
{
	run = (struct run){ .up_gap_min = U64_MAX };
	sim_world_init(&w, 1, c, c, &watched);
	run.since = w.sim.now;
	sim_endpoint_write(&w.client[0], 0, 200, true);
	if (bytes)
		sim_endpoint_write(&w.server[0], 0, bytes, true);
	sim_world_open(&w, 0);
}

/* Bytes per second that arrive while @time passes. */
static double goodput(u64 time)
{
	u64 before = sim_endpoint_received(&w.client[0]);

	pass(time);
	return (sim_endpoint_received(&w.client[0]) - before) * 1e9 / time;
}

static void expect_about(double got, double want, double off)
{
	if (!EXPECT(got >= want * (1 - off) && got <= want * (1 + off)))
		printf("# %f, wanted %f\n", got, want);
}

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

/* Section 5.3.3.5: two to three seconds, or 63 round trips. */
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
	sim_endpoint_write(&w.server[0], 0, 30 * MB, false);
	sim_endpoint_push(&w.server[0]);
	pass(5 * SECOND);
	expect_about(max_bw(model()), c.rate, 0.05);
	for (i = 0; i < 1500; i++) {
		sim_endpoint_write(&w.server[0], 0, 5000, false);
		sim_endpoint_push(&w.server[0]);
		pass(10 * MS);
	}
	expect_about(max_bw(model()), c.rate, 0.05);
	EXPECT_EQ(run.entered[STARTUP], 0);
	/* and what it knows it uses: no slow start now, nor after idleness */
	sim_endpoint_write(&w.server[0], 0, 20 * MB, false);
	sim_endpoint_push(&w.server[0]);
	pass(3 * SECOND);
	EXPECT_EQ(sim_endpoint_received(&w.client[0]), 57500000);
	pass(10 * SECOND);
	sim_endpoint_write(&w.server[0], 0, 20 * MB, true);
	sim_endpoint_push(&w.server[0]);
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
