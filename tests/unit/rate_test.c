// SPDX-License-Identifier: GPL-2.0
/*
 * Delivery rate samples: what draft-ietf-ccwg-bbr section 4.1 makes of simple
 * flights, and that nobody pays for them who does not ask.
 *
 * needs: recovery/loss.c recovery/recovery.c recovery/pto.c recovery/sent.c recovery/ecn.c
 * needs: recovery/ranges.c recovery/rtt.c recovery/cc.c recovery/cc_reno.c
 * needs: recovery/cc_cubic.c wire/frame.c wire/varint.c wire/header.c
 * needs: recovery/cc_bbr.c recovery/rate.c registry.c
 * needs: wire/frame_put.c
 */
#include "world.h"

#define APP	QUIC_SPACE_APP

static const struct quic_congestion_ops asks = {
	.name = "asks",
	.flags = QUIC_CC_FLAG_RATE,
	.on_acked = note_cc_acked,
	.on_lost = note_cc_lost,
};

static void begin(void)
{
	world_init(true);
	quic_cc_stop(&w.r.cc);
	quic_cc_start(&w.r.cc, quic_entry_new(&quic_cc_registry, &asks, false),
		      1, MSS, 1 << 30, w.now);
	quic_recovery_reserve(&w.r, APP, 1, 1, GFP_KERNEL);
}

static void send_many(u32 n)
{
	while (n--)
		send_packet(APP, MSS, ELICITING);
}

static void expect_rate(double bytes, double ms)
{
	double want = bytes * 1000 / ms;

	if (!EXPECT(w.ack.rate > 0.999 * want && w.ack.rate < 1.001 * want))
		printf("# %llu, want %f\n", w.ack.rate, want);
}

TEST(nobody_pays_who_does_not_ask)
{
	world_init(true);
	send_many(10);
	w.now += 50 * MS;
	EXPECT_EQ(receive_ack1(APP, 0, 9), 0);
	EXPECT_EQ(w.ack.acked, 10 * MSS);
	EXPECT_EQ(w.ack.rate, 0);
	EXPECT_EQ(w.ack.delivered, 0);
	EXPECT_EQ(w.ack.newest.in_flight, 0);
	EXPECT(!w.r.rate.mark);
	world_free();
}

TEST(a_flight_is_delivered_in_its_round_trip)
{
	begin();
	send_many(10);
	w.now += 50 * MS;
	EXPECT_EQ(receive_ack1(APP, 0, 9), 0);
	EXPECT_EQ(w.ack.acked, 10 * MSS);
	EXPECT_EQ(w.ack.delivered, 10 * MSS);
	EXPECT_EQ(w.ack.newest.delivered, 0);
	EXPECT_EQ(w.ack.newest.lost, 0);
	EXPECT(!w.ack.newest.app_limited);
	expect_rate(10 * MSS, 50);
	world_free();
}

/* Packets every 5 ms: the sample is the link's rate, not the window's. */
TEST(steady_sending_gives_the_rate_of_sending)
{
	u64 acked = 0;
	u32 i;

	begin();
	for (i = 0; i < 100; i++) {
		send_many(1);
		w.now += 5 * MS;
		if (i >= 9) {
			EXPECT_EQ(receive_ack1(APP, acked, acked), 0);
			acked++;
		}
		if (i > 30)
			expect_rate(MSS, 5);
	}
	EXPECT_EQ(w.ack.newest.in_flight, 10 * MSS);
	world_free();
}

/* ACKs that were held up on the way come together: the path is no faster. */
TEST(compressed_acks_are_capped_by_the_rate_of_sending)
{
	u32 i;

	begin();
	for (i = 0; i < 20; i++) {
		send_many(1);
		w.now += 5 * MS;
	}
	for (i = 0; i < 20; i++) {
		EXPECT_EQ(receive_ack1(APP, i, i), 0);
		w.now += 1000;
	}
	EXPECT(w.ack.rate <= 20 * MSS * 1000 / 95);
	EXPECT(w.ack.rate >= 15 * MSS * 1000 / 100);
	world_free();
}

TEST(want_of_data_is_told_for_a_round_trip)
{
	begin();
	send_many(2);
	quic_recovery_limited(&w.r);
	w.now += 10 * MS;
	send_many(1);			/* 2: after a pause */
	w.now += 40 * MS;
	EXPECT_EQ(receive_ack1(APP, 0, 1), 0);
	EXPECT(!w.ack.newest.app_limited);
	w.now += 10 * MS;
	send_many(1);			/* 3: the bubble is still under way */
	EXPECT_EQ(receive_ack1(APP, 2, 2), 0);
	EXPECT(w.ack.newest.app_limited);
	w.now += 50 * MS;
	EXPECT_EQ(receive_ack1(APP, 3, 3), 0);
	send_many(1);			/* 4: all of it is gone */
	w.now += 50 * MS;
	EXPECT_EQ(receive_ack1(APP, 4, 4), 0);
	EXPECT(!w.ack.newest.app_limited);
	world_free();
}

/* Nor is it a want of data if the window was full. */
TEST(a_full_window_is_not_limited_by_the_application)
{
	begin();
	send_many(w.r.cc.cwnd / MSS);
	quic_recovery_limited(&w.r);
	EXPECT_EQ(w.r.rate.limited_until, 0);
	EXPECT(w.r.app_limited);
	world_free();
}

/* The time of idleness is in no sample. */
TEST(idleness_is_no_interval)
{
	begin();
	send_many(10);
	w.now += 50 * MS;
	EXPECT_EQ(receive_ack1(APP, 0, 9), 0);
	w.now += 10 * NSEC_PER_SEC;
	send_many(10);
	w.now += 50 * MS;
	EXPECT_EQ(receive_ack1(APP, 10, 19), 0);
	expect_rate(10 * MSS, 50);
	/* also if the memory for it was given back meanwhile */
	quic_recovery_shrink(&w.r);
	EXPECT(!w.r.rate.mark);
	w.now += 10 * NSEC_PER_SEC;
	quic_recovery_reserve(&w.r, APP, 32, 64, GFP_KERNEL);
	send_many(10);
	w.now += 25 * MS;
	EXPECT_EQ(receive_ack1(APP, 20, 29), 0);
	expect_rate(10 * MSS, 25);
	w.now += 25 * MS;
	send_many(10);
	w.now += 50 * MS;
	EXPECT_EQ(receive_ack1(APP, 30, 39), 0);
	expect_rate(10 * MSS, 50);
	world_free();
}

TEST(losses_are_told_with_the_flight_that_they_were_of)
{
	begin();
	send_many(10);			/* 0-9 */
	w.now += 50 * MS;
	EXPECT_EQ(receive_ack1(APP, 0, 4), 0);
	send_many(10);			/* 10-19 */
	w.now += 50 * MS;
	EXPECT_EQ(w.ack.lost, 0);
	EXPECT_EQ(w.ack.newest_lost.in_flight, 0);
	/* 5-7, 10 and 12 are lost */
	EXPECT_EQ(receive_ack(APP, (struct quic_range[]){
		{ 8, 9 }, { 11, 11 }, { 13, 19 } }, 3, 0), 0);
	EXPECT_EQ(w.ack.lost, 5 * MSS);
	EXPECT_EQ(w.ack.lost_ranges, 3);
	EXPECT_EQ(w.ack.newest.lost, 0);
	EXPECT_EQ(w.ack.newest_lost.lost, 0);
	EXPECT_EQ(w.ack.newest_lost.delivered, 5 * MSS);
	/* the mark was made when the first of the ten had left */
	EXPECT_EQ(w.ack.newest_lost.in_flight, 6 * MSS);
	/* told once */
	send_many(1);
	w.now += 50 * MS;
	EXPECT_EQ(receive_ack1(APP, 20, 20), 0);
	EXPECT_EQ(w.ack.lost, 5 * MSS);
	EXPECT_EQ(w.ack.newest.lost, 5 * MSS);
	EXPECT_EQ(w.ack.newest_lost.in_flight, 0);
	world_free();
}

/* Marks are few, whatever happens, and packets older than these no sample. */
TEST(what_is_too_old_is_not_sampled)
{
	u32 i;

	begin();
	send_many(1);
	w.now += 16 * MS;
	EXPECT_EQ(receive_ack1(APP, 0, 0), 0);
	for (i = 0; i < 1000; i++) {
		send_many(1);
		w.now += MS / 4;
	}
	EXPECT_EQ(receive_ack1(APP, 1, 100), 0);
	EXPECT_EQ(w.ack.newest.in_flight, 0);
	EXPECT_EQ(w.ack.rate, 0);
	EXPECT_EQ(receive_ack1(APP, 1, 1000), 0);
	EXPECT(w.ack.newest.in_flight);
	EXPECT(w.ack.rate);
	/* sixteen in a round trip, and one packet in four */
	EXPECT(w.r.rate.n >= 250 && w.r.rate.n <= 252);
	world_free();
}

/* An attacker who acknowledges at once gives no number that does harm. */
TEST(no_number_is_too_large)
{
	u32 i;

	begin();
	for (i = 0; i < 1000; i++) {
		send_many(30);
		w.r.acked_bytes += 1ULL << 50;
		w.now++;
		EXPECT_EQ(receive_ack1(APP, 30 * i, 30 * i + 29), 0);
	}
	EXPECT(w.ack.rate <= (1ULL << 40) * 1000000);
	world_free();
}
