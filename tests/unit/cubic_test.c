// SPDX-License-Identifier: GPL-2.0
/*
 * CUBIC against RFC 9438 in floating point, and HyStart++ by its rounds.
 *
 * needs: recovery/cc.c registry.c recovery/cc_reno.c
 * needs: recovery/cc_cubic.c recovery/cc_bbr.c
 * libs: -lm
 */
#include <math.h>

#include "unit.h"
#include "recovery/cc.h"

#define MS	NSEC_PER_MSEC
#define ROOMY	BIT_ULL(31)

/* RFC 9438 section 4, in segments and seconds, one ACK at a time. */
static struct model {
	double cwnd, ssthresh, w_max, w_est, k, epoch, prior;
	double limited, last;
	bool in_epoch;
} m;

static double w_cubic(double t)
{
	return 0.4 * pow(t - m.k, 3) + m.w_max;
}

static void model_start_epoch(double now)
{
	m.in_epoch = true;
	m.epoch = now;
	m.w_est = m.cwnd;
	m.limited = 0;
	if (m.w_max <= m.cwnd) {
		m.w_max = m.cwnd;
		m.k = 0;
	} else {
		m.k = cbrt((m.w_max - m.cwnd) / 0.4);
	}
}

static void model_acked(double now, double segments, double rtt, bool limited)
{
	double t, target, alpha = 3 * (1 - 0.7) / (1 + 0.7);

	if (limited) {
		/* section 4.2: from the last growth on, t stands still */
		m.limited += m.last ? now - m.last : 0;
		m.last = now;
		return;
	}
	m.last = now;
	if (m.cwnd < m.ssthresh) {
		t = fmin(segments, m.ssthresh - m.cwnd);
		m.cwnd += t;
		segments -= t;
		if (segments <= 0)
			return;
	}
	if (!m.in_epoch)
		model_start_epoch(now);
	t = now - m.epoch - m.limited;
	if (m.w_est >= m.prior)
		alpha = 1;
	m.w_est += alpha * segments / m.cwnd;
	if (w_cubic(t) < m.w_est) {
		m.cwnd = fmax(m.cwnd, m.w_est);
		return;
	}
	target = fmin(fmax(w_cubic(t + rtt), m.cwnd), 1.5 * m.cwnd);
	m.cwnd += (target - m.cwnd) / m.cwnd * segments;
}

static void model_lost(void)
{
	m.in_epoch = false;
	m.limited = 0;
	m.w_max = m.cwnd < m.w_max ? m.cwnd * (1 + 0.7) / 2 : m.cwnd;
	m.prior = m.cwnd;
	m.ssthresh = fmax(m.cwnd * 0.7, 2);
	m.cwnd = m.ssthresh;
}

static struct quic_cc cc;

static void start(u32 mss, u64 now)
{
	quic_cc_start(&cc, quic_entry_new(&quic_cc_registry, &quic_cc_cubic,
					  false), 1, mss, ROOMY, now);
}

static void acked(u64 now, u64 bytes, u64 rtt, bool limited)
{
	struct quic_cc_ack ack = {
		.now = now, .bytes = bytes, .srtt = rtt, .latest_rtt = rtt,
		.min_rtt = rtt, .largest_sent_time = now - rtt,
		.app_limited = limited,
	};

	quic_cc_acked(&cc, &ack);
}

static void lost(u64 now, bool persistent)
{
	struct quic_cc_loss loss = {
		.now = now, .largest_sent_time = now - 1,
		.persistent = persistent,
	};

	quic_cc_lost(&cc, &loss);
}

/* One path: congestion events every @period, at first after slow start. */
static void follow(u32 mss, u64 rtt, double segments, u64 period, bool limits)
{
	u64 now = NSEC_PER_SEC, last = now, end = now + 20 * period;
	double was, tolerance;
	bool close;

	start(mss, now);
	memset(&m, 0, sizeof(m));
	/* skip slow start: both begin with a window of that size, and a loss */
	cc.cwnd = segments * mss;
	m.cwnd = segments;
	m.ssthresh = 1e18;
	lost(now, false);
	model_lost();

	while (now < end) {
		/* about twenty ACKs per round trip */
		u64 packets = 1 + unit_rand_below(1 + cc.cwnd / mss / 10);
		bool limited = limits && 4 * (now - last) / period == 1;

		now += rtt * packets * mss / cc.cwnd + 1;
		was = (double)cc.cwnd / mss;
		if (now > last + period) {
			last = now;
			lost(now, false);
			/* start level, or rounding adds up */
			m.cwnd = was;
			close = fabs(m.cwnd - m.w_max) < 0.005 * m.cwnd;
			model_lost();
			/* on the plateau: either is right, take its word */
			if (close)
				m.w_max = (double)cc.priv[0] / mss;
		} else {
			acked(now, packets * mss, rtt, limited);
			model_acked(now / 1e9, packets, rtt / 1e9, limited);
		}
		/* the one ACK at which alpha changes may not be the same */
		tolerance = 0.003 * m.cwnd + 0.6;
		unit_case("mss %u rtt %llu us, %f segments at %f s, was %f",
			  mss, rtt / 1000, segments, now / 1e9, was);
		if (!EXPECT(fabs((double)cc.cwnd / mss - m.cwnd) < tolerance)) {
			printf("# %f, model has %f\n",
			       (double)cc.cwnd / mss, m.cwnd);
			break;
		}
	}
	quic_cc_stop(&cc);
}

TEST(windows_follow_the_model)
{
	static const u32 sizes[] = { 1200, 1472, 8900 };
	static const u64 rtts[] = { 200000, 5 * MS, 40 * MS, 300 * MS };
	static const double windows[] = { 4, 30, 500, 20000 };
	int i, j, k;

	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		for (j = 0; j < ARRAY_SIZE(rtts); j++)
			for (k = 0; k < ARRAY_SIZE(windows); k++)
				follow(sizes[i], rtts[j], windows[k],
				       rtts[j] * (20 + 100 * (k % 2)) +
				       (j < 2 ? 0 : 5 * NSEC_PER_SEC), false);
}

TEST(time_spent_application_limited_does_not_count)
{
	follow(1200, 40 * MS, 500, 700 * MS, true);
	follow(1472, 5 * MS, 3000, 500 * MS, true);
}

/* Long after the plateau the function is far beyond any window. */
TEST(a_long_time_without_loss_is_no_trouble)
{
	u64 now = NSEC_PER_SEC, before;
	int i;

	start(1200, now);
	lost(now, false);
	for (i = 0; i < 2000; i++) {
		now += 3 * NSEC_PER_SEC;
		before = cc.cwnd;
		acked(now, cc.cwnd, 100 * MS, false);
		EXPECT(cc.cwnd >= before);
		EXPECT(cc.cwnd <= before + before / 2 + 1200);
	}
	EXPECT_EQ(cc.cwnd, ROOMY);
	quic_cc_stop(&cc);
}

/* RFC 9438 section 4.8 */
TEST(after_persistent_congestion_the_epoch_starts_on_its_plateau)
{
	u64 now = NSEC_PER_SEC, i;

	start(1200, now);
	cc.cwnd = 1000 * 1200;
	lost(now, true);
	EXPECT_EQ(cc.cwnd, 2400);
	EXPECT_EQ(cc.ssthresh, 700 * 1200);
	/* slow start to the threshold, then no faster than from there */
	acked(now += 100 * MS, 2000 * 1200, 100 * MS, false);
	m = (struct model){ .cwnd = 700, .w_max = 0, .prior = 1000 };
	model_acked(now / 1e9, 2000 - 698, 0.1, false);
	for (i = 0; i < 20; i++) {
		EXPECT(fabs((double)cc.cwnd / 1200 - m.cwnd) < 0.5);
		now += 100 * MS;
		acked(now, cc.cwnd, 100 * MS, false);
		model_acked(now / 1e9, m.cwnd, 0.1, false);
	}
	EXPECT(m.cwnd < 715);
	quic_cc_stop(&cc);
}

TEST(idleness_restarts_slow_start_from_the_initial_window)
{
	u64 now = NSEC_PER_SEC;
	int i;

	start(1200, now);
	cc.cwnd = 1000 * 1200;
	lost(now, false);
	acked(now += MS, 1200, 100 * MS, false);
	quic_cc_idle_restart(&cc, now += 10 * NSEC_PER_SEC);
	EXPECT_EQ(cc.cwnd, 12000);
	EXPECT_EQ(cc.ssthresh, 700 * 1200);
	/* back at the threshold an epoch begins; the idle time is not in it */
	acked(now, 690 * 1200, 100 * MS, false);
	EXPECT_EQ(cc.cwnd, 700 * 1200);
	for (i = 0; i < 10; i++)
		acked(now += 10 * MS, 70 * 1200, 100 * MS, false);
	EXPECT(cc.cwnd < 725 * 1200);
	/* and a small window stays small */
	cc.cwnd = 5000;
	quic_cc_idle_restart(&cc, now);
	EXPECT_EQ(cc.cwnd, 5000);
	quic_cc_stop(&cc);
}

/* One round of slow start: @acks ACKs of one packet each, at @rtt. */
static u64 round_trip(u64 *now, u64 rtt, u32 acks)
{
	u64 before = cc.cwnd;
	u32 i;

	*now += rtt;
	for (i = 0; i < acks; i++)
		acked(*now + i, 1200, rtt, false);
	*now += acks;
	return cc.cwnd - before;
}

TEST(hystart_slows_down_then_leaves_slow_start)
{
	u64 now = NSEC_PER_SEC;
	int i;

	start(1200, now);
	for (i = 0; i < 4; i++)
		EXPECT_EQ(round_trip(&now, 40 * MS, 20), 20 * 1200);
	/* 4.9 ms more are within RFC 9406's tolerance of 1/8 */
	EXPECT_EQ(round_trip(&now, 44 * MS + 900000, 20), 20 * 1200);
	EXPECT_EQ(round_trip(&now, 40 * MS, 20), 20 * 1200);
	/* 5 are not, from the eighth sample on: a quarter of the growth */
	EXPECT_EQ(round_trip(&now, 45 * MS, 20), 7 * 1200 + 13 * 300);
	for (i = 0; i < 4; i++)
		EXPECT_EQ(round_trip(&now, 46 * MS, 20), 20 * 300);
	EXPECT(cc.cwnd < cc.ssthresh);
	/* five rounds of that end it */
	round_trip(&now, 46 * MS, 1);
	EXPECT_EQ(cc.ssthresh, cc.cwnd);
	EXPECT(!quic_cc_in_slow_start(&cc));
	/* RFC 9438 section 4.10: on the plateau, growing slowly */
	EXPECT(round_trip(&now, 46 * MS, 20) < 2 * 1200);
	quic_cc_stop(&cc);
}

TEST(hystart_goes_on_if_the_delay_goes_away)
{
	u64 now = NSEC_PER_SEC;
	int i;

	start(1200, now);
	for (i = 0; i < 3; i++)
		round_trip(&now, 40 * MS, 20);
	round_trip(&now, 60 * MS, 20);
	EXPECT_EQ(round_trip(&now, 60 * MS, 20), 20 * 300);
	EXPECT_EQ(round_trip(&now, 41 * MS, 20), 7 * 300 + 13 * 1200);
	EXPECT_EQ(round_trip(&now, 41 * MS, 20), 20 * 1200);
	EXPECT_EQ(cc.ssthresh, U64_MAX);
	quic_cc_stop(&cc);
}
