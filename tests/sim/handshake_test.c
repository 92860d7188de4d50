// SPDX-License-Identifier: GPL-2.0
/*
 * Handshakes over bad networks: anti-amplification, probes, the client's
 * anti-deadlock timer, and spaces that go away.
 */
#include "world.h"

static struct sim_world w;

static bool handshake(u64 seed, const struct sim_link_config *up,
		      const struct sim_link_config *down, u64 limit)
{
	bool ok;

	sim_world_init(&w, seed, up, down, &quic_cc_cubic);
	sim_endpoint_write(&w.client[0], 0, 100, true);
	sim_endpoint_write(&w.server[0], 0, 1000, true);
	sim_world_open(&w, 0);
	ok = sim_world_run(&w, limit);
	if (ok)
		sim_world_check(&w);
	else
		EXPECT(!w.client[0].fault && !w.server[0].fault);
	return ok;
}

TEST(three_round_trips_and_no_timer)
{
	struct sim_link_config c = sim_clean(10000000, 50 * MS, 1000000);

	EXPECT(handshake(1, &c, &c, SECOND));
	/* hellos and flight, finished and done, then the answer is here */
	EXPECT(w.server[0].confirmed_at - w.start < 210 * MS);
	EXPECT(w.client[0].finished - w.start < 310 * MS);
	EXPECT_EQ(w.client[0].ptos + w.server[0].ptos, 0);
	EXPECT_EQ(w.client[0].r.lost_packets + w.server[0].r.lost_packets, 0);
	sim_world_free(&w);
}

/* One packet of the whole exchange is lost, each in turn. */
static u64 victim;

static bool lose_one(u64 count, u32 len)
{
	return count == victim;
}

TEST(any_single_packet_may_be_lost)
{
	struct sim_link_config clean = sim_clean(10000000, 20 * MS, 1000000);
	struct sim_link_config bad = clean;
	u64 worst = 0, time;

	bad.lose = lose_one;
	for (victim = 0; victim < 12; victim++) {
		unit_case("up %llu", victim);
		EXPECT(handshake(1, &bad, &clean, 5 * SECOND));
		worst = max(worst, w.client[0].finished - w.start);
		sim_world_free(&w);
		unit_case("down %llu", victim);
		EXPECT(handshake(1, &clean, &bad, 5 * SECOND));
		time = w.client[0].finished - w.start;
		worst = max(worst, time);
		sim_world_free(&w);
	}
	/* one PTO of a path not yet measured, and the handshake */
	EXPECT(worst < 1300 * MS);
}

/* RFC9000-8.1-4 */
TEST(anti_amplification_does_not_deadlock)
{
	struct sim_link_config clean = sim_clean(10000000, 20 * MS, 1000000);
	struct sim_link_config bad = clean;

	/* all that the server may send at first is lost */
	bad.dark_from = SECOND;
	bad.dark_to = SECOND + 500 * MS;
	EXPECT(handshake(1, &clean, &bad, 5 * SECOND));
	/* its own timer was off; the client's PTO after 999 ms woke it */
	EXPECT_EQ(w.client[0].ptos, 1);
	EXPECT(w.client[0].finished - w.start < 1300 * MS);
	sim_world_free(&w);
}

TEST(thirty_percent_of_loss_each_way)
{
	struct sim_link_config c = sim_clean(10000000, 20 * MS, 1000000);
	u64 seed, sum = 0, worst = 0, time;

	c.loss = 0.3;
	for (seed = 1; seed <= 300; seed++) {
		unit_case("seed %llu", seed);
		if (EXPECT(handshake(seed, &c, &c, 120 * SECOND))) {
			time = w.client[0].finished - w.start;
			sum += time;
			worst = max(worst, time);
		}
		sim_world_free(&w);
	}
	printf("# mean %llu ms, worst %llu ms\n", sum / 300 / MS, worst / MS);
	EXPECT(sum / 300 < 3 * SECOND);
	EXPECT(worst < 60 * SECOND);
}

TEST(a_late_start_backs_off)
{
	struct sim_link_config clean = sim_clean(10000000, 20 * MS, 1000000);
	struct sim_link_config bad = clean;

	bad.dark_from = SECOND;
	bad.dark_to = 21 * SECOND;
	EXPECT(handshake(1, &bad, &clean, 60 * SECOND));
	/* 1, 2, 4, 8, 16 s */
	EXPECT_EQ(w.client[0].ptos, 5);
	EXPECT(w.client[0].finished - w.start < 32 * SECOND);
	EXPECT_EQ(w.server[0].ptos, 0);
	sim_world_free(&w);
}

TEST(a_peer_that_never_answers_is_probed_ever_more_rarely)
{
	struct sim_link_config bad = sim_clean(10000000, 20 * MS, 1000000);

	bad.dark_to = U64_MAX;
	EXPECT(!handshake(1, &bad, &bad, 3600 * SECOND));
	/* 2^n seconds, and two packets each time */
	EXPECT(w.client[0].ptos >= 10 && w.client[0].ptos <= 12);
	EXPECT_EQ(w.up.count, 1 + 2 * w.client[0].ptos);
	sim_world_free(&w);
}
