// SPDX-License-Identifier: GPL-2.0
/*
 * Congestion control: the registry, the bounds, pacing, and NewReno against
 * RFC 9002 section B.5 packet by packet.
 *
 * needs: recovery/cc.c recovery/cc_reno.c recovery/cc_cubic.c
 */
#include "unit.h"
#include "recovery/cc.h"

#define MSS	1200
#define MS	NSEC_PER_MSEC
#define ROOMY	BIT_ULL(30)

static struct quic_cc cc;

static void start(const struct quic_congestion_ops *ops, u64 cwnd_max)
{
	quic_cc_start(&cc, ops, MSS, cwnd_max, 1000);
}

static void acked(u64 bytes, bool app_limited)
{
	struct quic_cc_ack ack = {
		.now = 2000, .bytes = bytes, .app_limited = app_limited,
		.largest_sent_time = 1500, .srtt = 100 * MS,
	};

	quic_cc_acked(&cc, &ack);
}

static void lost(u64 sent, u64 now, bool persistent)
{
	struct quic_cc_loss loss = {
		.now = now, .largest_sent_time = sent, .bytes = MSS,
		.persistent = persistent,
	};

	quic_cc_lost(&cc, &loss);
}

TEST(the_registry)
{
	struct module owner = { 0 };
	struct quic_congestion_ops mine = { .name = "mine", .owner = &owner };
	struct quic_congestion_ops twin = { .name = "mine" };
	struct quic_congestion_ops anon = { .name = "" };
	struct quic_congestion_ops endless;

	EXPECT_EQ(quic_cc_init(), 0);
	EXPECT(quic_cc_get(NULL) == &quic_cc_cubic);
	EXPECT(quic_cc_get("") == &quic_cc_cubic);
	EXPECT(quic_cc_get("cubic") == &quic_cc_cubic);
	EXPECT(quic_cc_get("reno") == &quic_cc_reno);
	EXPECT(!quic_cc_get("mine"));
	EXPECT(!quic_cc_get("cub"));
	EXPECT(!quic_cc_get("cubics"));

	EXPECT_EQ(quic_cc_register(&anon), -EINVAL);
	memset(&endless, 'x', sizeof(endless));
	EXPECT_EQ(quic_cc_register(&endless), -EINVAL);
	EXPECT_EQ(quic_cc_register(&mine), 0);
	EXPECT_EQ(quic_cc_register(&twin), -EEXIST);
	EXPECT(quic_cc_get("mine") == &mine);
	EXPECT_EQ(owner.refs, 1);
	/* a connection takes the reference over and drops it */
	start(&mine, ROOMY);
	EXPECT_EQ(owner.refs, 1);
	quic_cc_stop(&cc);
	EXPECT_EQ(owner.refs, 0);
	quic_cc_stop(&cc);
	EXPECT_EQ(owner.refs, 0);
	quic_cc_put(NULL);
	quic_cc_unregister(&mine);
	EXPECT(!quic_cc_get("mine"));
	EXPECT_EQ(quic_cc_register(&twin), 0);
	quic_cc_unregister(&twin);
	quic_cc_exit();
	EXPECT(!quic_cc_get("cubic"));
	EXPECT_EQ(quic_cc_init(), 0);
	quic_cc_exit();
}

/* RFC 9002 section 7.2 */
TEST(initial_and_minimum_windows)
{
	EXPECT_EQ(quic_cc_initial_window(1200), 12000);
	EXPECT_EQ(quic_cc_initial_window(1472), 14720);
	EXPECT_EQ(quic_cc_initial_window(1500), 14720);
	EXPECT_EQ(quic_cc_initial_window(9000), 18000);
	EXPECT_EQ(quic_cc_minimum_window(1200), 2400);
}

static u64 wish, wish_rate;

static void wishes(struct quic_cc *c)
{
	c->cwnd = wish;
	c->ssthresh = wish;
	c->pacing_rate = wish_rate;
}

static void wish_init(struct quic_cc *c, u64 now)
{
	wishes(c);
}

static void wish_sent(struct quic_cc *c, u64 now, u64 bytes, u64 in_flight)
{
	wishes(c);
}

static void wish_acked(struct quic_cc *c, const struct quic_cc_ack *ack)
{
	wishes(c);
}

static void wish_lost(struct quic_cc *c, const struct quic_cc_loss *loss)
{
	wishes(c);
}

static const struct quic_congestion_ops wishful = {
	.name = "wishful",
	.init = wish_init,
	.on_sent = wish_sent,
	.on_acked = wish_acked,
	.on_lost = wish_lost,
	.on_idle_restart = wish_init,
};

static void check_bounds(void)
{
	EXPECT_EQ(cc.cwnd, clamp(wish, 2400ULL, 100000ULL));
	EXPECT_EQ(cc.ssthresh, max(wish, 2400ULL));
	EXPECT(quic_cc_pacing_rate(&cc, 50 * MS) > 0);
}

TEST(whatever_an_algorithm_writes_is_bounded)
{
	static const u64 wishlist[] = { 0, 1, 2399, 2400, 50000, 100000,
					100001, U64_MAX };
	int i;

	for (i = 0; i < ARRAY_SIZE(wishlist); i++) {
		wish = wishlist[i];
		wish_rate = i & 1;
		unit_case("wish %llu", wish);
		start(&wishful, 100000);
		check_bounds();
		quic_cc_sent(&cc, 1, 1200, 1200);
		check_bounds();
		acked(1200, false);
		check_bounds();
		lost(3000, 4000, true);
		check_bounds();
		quic_cc_idle_restart(&cc, 5000);
		check_bounds();
		quic_cc_set_mss(&cc, MSS);
		check_bounds();
		quic_cc_stop(&cc);
	}
	/* a socket that can buffer nothing still gets two packets out */
	start(&quic_cc_reno, 0);
	EXPECT_EQ(cc.cwnd, 2400);
	acked(2400, false);
	EXPECT_EQ(cc.cwnd, 2400);
	start(&quic_cc_reno, U64_MAX);
	EXPECT_EQ(cc.cwnd_max, QUIC_CC_CWND_LIMIT);
}

TEST(what_is_left_out_is_newreno)
{
	static const struct quic_congestion_ops bare = { .name = "bare" };

	start(&bare, ROOMY);
	EXPECT_EQ(cc.cwnd, 12000);
	EXPECT_EQ(cc.ssthresh, U64_MAX);
	quic_cc_sent(&cc, 1, 1200, 1200);
	acked(12000, false);
	EXPECT_EQ(cc.cwnd, 24000);
	lost(1000, 2000, false);
	EXPECT_EQ(cc.cwnd, 12000);
	acked(240000, false);
	EXPECT(cc.cwnd > 14400);
	quic_cc_idle_restart(&cc, 1);
	EXPECT_EQ(cc.cwnd, 12000);
	quic_cc_stop(&cc);
}

/* RFC9002-7.3.1-1 */
/* RFC 9002 sections 7.3.2 and 7.6.2 */
TEST(losses_of_one_round_trip_are_one_event)
{
	start(&quic_cc_reno, ROOMY);
	acked(88000, false);
	EXPECT_EQ(cc.cwnd, 100000);
	lost(5000, 6000, false);
	EXPECT_EQ(cc.cwnd, 50000);
	EXPECT_EQ(cc.recovery_start, 6000);
	lost(6000, 7000, false);
	EXPECT_EQ(cc.cwnd, 50000);
	EXPECT_EQ(cc.recovery_start, 6000);
	lost(6001, 7000, false);
	EXPECT_EQ(cc.cwnd, 25000);
	/* persistent, in the same recovery period: no second halving */
	lost(7000, 8000, true);
	EXPECT_EQ(cc.cwnd, 2400);
	EXPECT_EQ(cc.ssthresh, 25000);
	EXPECT_EQ(cc.recovery_start, 0);
	EXPECT(quic_cc_in_slow_start(&cc));
	/* persistent, and an event of its own */
	acked(17600, false);
	EXPECT_EQ(cc.cwnd, 20000);
	lost(9000, 9500, true);
	EXPECT_EQ(cc.cwnd, 2400);
	EXPECT_EQ(cc.ssthresh, 10000);
	/* never below the minimum */
	lost(9600, 9700, false);
	EXPECT_EQ(cc.cwnd, 2400);
	EXPECT_EQ(cc.ssthresh, 2400);
	quic_cc_stop(&cc);
}

/* RFC9002-7.3.2-1 RFC9002-7.3.2-2 RFC9002-7.6.2-2 */
/* Section B.5 with fractions, one packet at a time. */
TEST(reno_agrees_with_the_pseudocode)
{
	double cwnd = 12000, ssthresh = 1e18;
	u64 recovery = 0, now = 1000;
	int i, j, n;

	start(&quic_cc_reno, ROOMY);
	for (i = 0; i < 30000; i++) {
		unit_case("step %d", i);
		now += 1000;
		if (unit_rand_below(1500) == 0) {
			recovery = now;
			ssthresh = max(cwnd / 2, 2400.);
			cwnd = ssthresh;
			lost(now - 1, now, false);
			EXPECT_EQ(cc.recovery_start, recovery);
		} else {
			/* a train; per packet there, at once here */
			n = 1 + unit_rand_below(44);
			for (j = 0; j < n; j++)
				cwnd += cwnd < ssthresh ? MSS :
					(double)MSS * MSS / cwnd;
			acked(n * MSS, false);
		}
		/* whole datagrams, and whole windows of up to 44 of them */
		EXPECT(cc.cwnd > cwnd * 0.93 - 3 * MSS);
		EXPECT(cc.cwnd < cwnd * 1.07 + 3 * MSS);
	}
	quic_cc_stop(&cc);
}

/* RFC9002-7.3.3-1 */
/* Section 7.3.3's limit, exactly. */
TEST(congestion_avoidance_adds_one_datagram_per_window)
{
	u64 before, got, part;
	int i;

	start(&quic_cc_reno, ROOMY);
	acked(108000, false);
	lost(1500, 1600, false);
	EXPECT_EQ(cc.cwnd, 60000);
	for (i = 0; i < 500; i++) {
		before = cc.cwnd;
		for (got = 0; got < before; got += part) {
			EXPECT_EQ(cc.cwnd, before);
			part = min_t(u64, 1 + unit_rand_below(20000),
				     before - got);
			acked(part, false);
		}
		EXPECT_EQ(cc.cwnd, before + MSS);
	}
	/* slow start up to the threshold, the rest counts as avoidance */
	start(&quic_cc_reno, ROOMY);
	cc.ssthresh = 20000;
	acked(8000 + 19999, false);
	EXPECT_EQ(cc.cwnd, 20000);
	acked(1, false);
	EXPECT_EQ(cc.cwnd, 21200);
	/* section 7.8 */
	acked(1000000, true);
	EXPECT_EQ(cc.cwnd, 21200);
	quic_cc_stop(&cc);
}

TEST(a_window_that_is_still_initial_follows_the_datagram_size)
{
	start(&quic_cc_cubic, ROOMY);
	quic_cc_set_mss(&cc, 1472);
	EXPECT_EQ(cc.cwnd, 14720);
	quic_cc_set_mss(&cc, 1200);
	EXPECT_EQ(cc.cwnd, 12000);
	acked(1200, false);
	quic_cc_set_mss(&cc, 1472);
	EXPECT_EQ(cc.cwnd, 13200);
	cc.cwnd = 2944;
	quic_cc_set_mss(&cc, 9000);
	EXPECT_EQ(cc.cwnd, 18000);
	quic_cc_stop(&cc);
}

/* RFC9002-7.7-1 */
/* RFC 9002 section 7.7 */
TEST(pacing)
{
	start(&quic_cc_reno, ROOMY);
	cc.cwnd = 1000000;
	EXPECT_EQ(quic_cc_pacing_rate(&cc, 100 * MS), 20000000);
	cc.ssthresh = 1000000;
	EXPECT_EQ(quic_cc_pacing_rate(&cc, 100 * MS), 12500000);
	cc.pacing_rate = 777;
	EXPECT_EQ(quic_cc_pacing_rate(&cc, 100 * MS), 777);
	cc.pacing_rate = 0;
	/* no round trip is too short or too long, no window too wide */
	cc.cwnd = QUIC_CC_CWND_LIMIT;
	EXPECT(quic_cc_pacing_rate(&cc, 0) > 1000000000);
	EXPECT_EQ(quic_cc_pacing_rate(&cc, U64_MAX), 1);
	quic_cc_stop(&cc);
}
