// SPDX-License-Identifier: GPL-2.0
/*
 * RTT estimation against values worked out by hand, RFC 9002 section 5.
 *
 * needs: recovery/rtt.c
 */
#include "unit.h"
#include "recovery/rtt.h"

#define MS	NSEC_PER_MSEC

TEST(before_any_sample)
{
	struct quic_rtt rtt;

	quic_rtt_init(&rtt, QUIC_INITIAL_RTT);
	EXPECT_EQ(rtt.smoothed, 333 * MS);
	EXPECT_EQ(rtt.var, 333 * MS / 2);
	EXPECT_EQ(rtt.first_sample, 0);
	/* section 6.2.2: about a second */
	EXPECT_EQ(quic_rtt_pto(&rtt, false), 999 * MS);
	rtt.max_ack_delay = 25 * MS;
	EXPECT_EQ(quic_rtt_pto(&rtt, false), 999 * MS);
	EXPECT_EQ(quic_rtt_pto(&rtt, true), 1024 * MS);
}

/* RFC9002-5.2-1 */
TEST(the_first_sample_replaces_the_guess)
{
	struct quic_rtt rtt;

	quic_rtt_init(&rtt, QUIC_INITIAL_RTT);
	quic_rtt_sample(&rtt, 7777, 100 * MS, 90 * MS, false);
	EXPECT_EQ(rtt.first_sample, 7777);
	EXPECT_EQ(rtt.latest, 100 * MS);
	EXPECT_EQ(rtt.min, 100 * MS);
	EXPECT_EQ(rtt.smoothed, 100 * MS);
	EXPECT_EQ(rtt.var, 50 * MS);
	EXPECT_EQ(quic_rtt_pto(&rtt, false), 300 * MS);
}

struct sample {
	u64 latest, delay;
	bool confirmed;
	u64 min, smoothed, var;	/* after it; all in us */
};

/* max_ack_delay is 25 ms. */
static const struct sample samples[] = {
	{ 100000, 0, false, 100000, 100000, 50000 },
	/* var = (3 * 50 + 20) / 4, smoothed = (7 * 100 + 120) / 8 */
	{ 120000, 0, false, 100000, 102500, 42500 },
	/* delay taken whole: adjusted 110; var = (127.5 + 7.5) / 4 */
	{ 150000, 40000, false, 100000, 103437, 33750 },
	/* confirmed: only 25 ms of 40 count; adjusted 125 */
	{ 150000, 40000, true, 100000, 106132, 30703 },
	/* would fall below min_rtt: not subtracted; adjusted 110 */
	{ 110000, 20000, true, 100000, 106616, 23994 },
	/* exactly min_rtt is still subtracted: adjusted 100 */
	{ 120000, 20000, true, 100000, 105789, 19649 },
	/* new minimum, and no delay left to subtract */
	{ 80000, 20000, true, 80000, 102565, 21184 },
};

/* RFC9002-5.2-2 RFC9002-5.3-1 RFC9002-5.3-2 */
TEST(samples_worked_out_by_hand)
{
	struct quic_rtt rtt;
	int i;

	quic_rtt_init(&rtt, QUIC_INITIAL_RTT);
	rtt.max_ack_delay = 25 * MS;
	for (i = 0; i < ARRAY_SIZE(samples); i++) {
		const struct sample *s = &samples[i];

		quic_rtt_sample(&rtt, 1000 + i, s->latest * 1000,
				s->delay * 1000, s->confirmed);
		unit_case("sample %d", i);
		EXPECT_EQ(rtt.first_sample, 1000);
		EXPECT_EQ(rtt.latest, s->latest * 1000);
		EXPECT_EQ(rtt.min / 1000, s->min);
		EXPECT_EQ(rtt.smoothed / 1000, s->smoothed);
		EXPECT_EQ(rtt.var / 1000, s->var);
	}
}

/* RFC9002-6.2.1-1 */
TEST(a_pto_is_never_shorter_than_the_granularity)
{
	struct quic_rtt rtt;
	int i;

	quic_rtt_init(&rtt, QUIC_INITIAL_RTT);
	for (i = 0; i < 200; i++)
		quic_rtt_sample(&rtt, 1 + i, 1000, 0, false);
	EXPECT(rtt.var < 10);
	EXPECT_EQ(quic_rtt_pto(&rtt, false), rtt.smoothed + 1 * MS);
	/* a round trip of no time at all is one nanosecond */
	quic_rtt_sample(&rtt, 500, 0, 0, false);
	EXPECT_EQ(rtt.min, 1);
}

/* Whatever the samples, the average lies between the extremes. */
TEST(random_samples_stay_within_their_extremes)
{
	u64 lo, hi, latest, delay;
	struct quic_rtt rtt;
	int i, j;

	for (i = 0; i < 500; i++) {
		quic_rtt_init(&rtt, QUIC_INITIAL_RTT);
		rtt.max_ack_delay = unit_rand_bits(25);
		lo = U64_MAX;
		hi = 0;
		for (j = 0; j < 100; j++) {
			latest = 1 + unit_rand_bits(34);
			delay = unit_rand_bits(34);
			lo = min(lo, latest);
			hi = max(hi, latest);
			quic_rtt_sample(&rtt, 1 + j, latest, delay, j > 50);
			EXPECT_EQ(rtt.min, lo);
			EXPECT(rtt.smoothed + 8 >= lo && rtt.smoothed <= hi);
			EXPECT(rtt.var <= hi);
		}
	}
}
