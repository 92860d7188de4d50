// SPDX-License-Identifier: GPL-2.0
/*
 * ECN and its validation, RFC 9000 sections 13.4.2 and A.4, RFC 9002 section
 * 7.1.
 *
 * needs: recovery/loss.c recovery/recovery.c recovery/pto.c recovery/sent.c recovery/ecn.c
 * needs: recovery/ranges.c recovery/rtt.c recovery/cc.c recovery/cc_reno.c
 * needs: recovery/cc_cubic.c wire/frame.c wire/varint.c wire/header.c
 * needs: recovery/cc_bbr.c recovery/rate.c registry.c
 */
#include "world.h"

#define APP	QUIC_SPACE_APP

/* As tx/push does it: marked if they shall be. */
static void send_packets(u32 n)
{
	while (n--)
		send_packet(APP, MSS, ELICITING |
			    (quic_ecn_marks(&w.r.ecn, w.r.pto_count) ?
			     QUIC_SENT_ECT : 0));
}

/* An ACK of [@lo, @hi]; without counts if @ect0 is -1. */
static void ack(enum quic_space_id id, u64 lo, u64 hi, s64 ect0, u64 ect1,
		u64 ce)
{
	struct quic_frame f = { .kind = QUIC_FRAME_ACK };

	f.ack.largest = hi;
	f.ack.first_range = hi - lo;
	f.ack.has_ecn = ect0 >= 0;
	f.ack.ecn[0] = ect0;
	f.ack.ecn[1] = ect1;
	f.ack.ecn[2] = ce;
	w.now += 10 * MS;
	EXPECT_EQ(quic_recovery_on_ack(&w.r, id, &f, 0, w.now), 0);
}

#define EXPECT_STATE(s)	EXPECT_EQ(w.r.ecn.state, QUIC_ECN_##s)

TEST(ten_packets_are_marked_until_an_answer_comes)
{
	world_init(false);
	send_packets(9);
	EXPECT_STATE(TESTING);
	send_packets(1);
	EXPECT_STATE(UNKNOWN);
	send_packets(10);
	EXPECT_EQ(w.r.space[APP]->ecn.marked, 10);
	/* An ACK of unmarked ones tells nothing ... */
	ack(APP, 10, 10, -1, 0, 0);
	EXPECT_STATE(UNKNOWN);
	/* ... this one does. */
	ack(APP, 0, 16, 10, 0, 0);
	EXPECT_STATE(CAPABLE);
	send_packets(50);
	EXPECT_EQ(w.r.space[APP]->ecn.marked, 60);
	ack(APP, 17, 69, 60, 0, 0);
	EXPECT_STATE(CAPABLE);
	world_free();
}

/* RFC9000-13.4.2.2-1 */
/* Section 13.4.2.1, each cause of failure. */
TEST(counts_that_do_not_add_up)
{
	static const struct {
		const char *what;
		s64 ect0;
		u64 ect1, ce;
	} cases[] = {
		{ "no counts: somebody clears the field, or the peer is mute", -1 },
		{ "fewer than were acknowledged", 4 },
		{ "more than were sent", 9 },
		{ "ECT(1), which we never send", 5, 1 },
		{ "all ECT(1)", 0, 5 },
		{ "more CE than were sent", 5, 0, 9 },
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		unit_case("%s", cases[i].what);
		world_init(false);
		send_packets(8);
		ack(APP, 0, 4, cases[i].ect0, cases[i].ect1, cases[i].ce);
		EXPECT_STATE(FAILED);
		EXPECT(!quic_ecn_marks(&w.r.ecn, 0));
		/* CE of such a path is no sign of anything. */
		EXPECT_EQ(w.losses, 0);
		ack(APP, 5, 7, 5, 0, 3);
		EXPECT_EQ(w.losses, 0);
		EXPECT_STATE(FAILED);
		world_free();
	}
}

/* RFC9000-13.4.2.2-2 */
TEST(validation_goes_on_when_the_path_is_capable)
{
	world_init(false);
	send_packets(10);
	ack(APP, 0, 9, 10, 0, 0);
	EXPECT_STATE(CAPABLE);
	send_packets(10);
	ack(APP, 10, 19, 12, 0, 0);	/* the route has changed */
	EXPECT_STATE(FAILED);
	world_free();
}

/* More may have arrived than this ACK says, since others were lost. */
TEST(larger_counts_than_newly_acknowledged)
{
	world_init(false);
	send_packets(10);
	ack(APP, 9, 9, 10, 0, 0);
	EXPECT_STATE(CAPABLE);
	world_free();
}

/* RFC9000-13.4.2.1-1 */
/* Section 13.4.2.1: no failure by an ACK that does not raise the largest. */
TEST(reordered_acks_are_not_judged)
{
	world_init(false);
	send_packets(10);
	ack(APP, 5, 5, 6, 0, 0);
	EXPECT_STATE(CAPABLE);
	ack(APP, 3, 4, 2, 0, 0);
	EXPECT_STATE(CAPABLE);
	ack(APP, 3, 4, -1, 0, 0);
	EXPECT_STATE(CAPABLE);
	ack(APP, 6, 9, 10, 0, 0);
	EXPECT_STATE(CAPABLE);
	world_free();
}

/* Section 13.4.2: a path that eats what is marked. */
TEST(all_marked_packets_are_lost)
{
	world_init(false);
	send_packets(10);
	send_packets(5);		/* unmarked */
	ack(APP, 10, 14, -1, 0, 0);
	EXPECT_STATE(FAILED);
	world_free();

	/* One that arrived is proof enough of the contrary. */
	world_init(false);
	send_packets(15);
	ack(APP, 9, 9, 1, 0, 0);
	EXPECT_STATE(CAPABLE);
	ack(APP, 10, 14, 1, 0, 0);
	EXPECT_STATE(CAPABLE);
	world_free();
}

TEST(no_marks_while_nothing_gets_through)
{
	enum quic_space_id probe;
	int i;

	world_init(false);
	send_packets(3);
	for (i = 0; i < 2; i++) {
		EXPECT(quic_ecn_marks(&w.r.ecn, w.r.pto_count));
		w.now = quic_recovery_deadline(&w.r);
		quic_recovery_on_timer(&w.r, w.now, &probe);
		EXPECT_EQ(probe, APP);
	}
	EXPECT(!quic_ecn_marks(&w.r.ecn, w.r.pto_count));
	world_free();
}

/* RFC 9002 section 7.1 and B.7: one reaction per round trip. */
TEST(ce_marks_reduce_the_window_once_per_round_trip)
{
	world_init(false);
	send_packets(10);
	ack(APP, 0, 3, 4, 0, 0);
	EXPECT_EQ(w.losses, 0);
	ack(APP, 4, 5, 5, 0, 1);
	EXPECT_EQ(w.losses, 1);
	EXPECT(w.loss.ecn);
	EXPECT_EQ(w.loss.bytes, 0);
	EXPECT_EQ(w.r.ce_events, 1);
	/* of the same flight */
	ack(APP, 6, 9, 5, 0, 5);
	EXPECT_EQ(w.losses, 1);
	/* of the next */
	send_packets(4);
	ack(APP, 10, 11, 7, 0, 5);
	EXPECT_EQ(w.losses, 1);
	ack(APP, 12, 13, 8, 0, 6);
	EXPECT_EQ(w.losses, 2);
	EXPECT_STATE(CAPABLE);
	/* What is acknowledged with it does not grow the window. */
	EXPECT_EQ(w.ack.bytes, 0);
	world_free();
}

TEST(a_mark_and_a_loss_in_one_flight_are_one_event)
{
	world_init(false);
	send_packets(10);
	ack(APP, 5, 6, 1, 0, 1);	/* 0..3 are lost */
	EXPECT_EQ(w.losses, 1);
	EXPECT(!w.loss.ecn);
	world_free();
}

/* Each number space has counts of its own (section 13.4.1). */
TEST(spaces_are_counted_apart)
{
	world_init(false);
	send_packet(QUIC_SPACE_INITIAL, MSS, ELICITING | QUIC_SENT_ECT);
	send_packet(QUIC_SPACE_HANDSHAKE, MSS, ELICITING | QUIC_SENT_ECT);
	ack(QUIC_SPACE_INITIAL, 0, 0, 1, 0, 0);
	EXPECT_STATE(CAPABLE);
	ack(QUIC_SPACE_HANDSHAKE, 0, 0, 1, 0, 0);
	EXPECT_STATE(CAPABLE);
	send_packets(1);
	ack(APP, 0, 0, 1, 0, 0);
	EXPECT_STATE(CAPABLE);
	world_free();
}

/* Section 13.4.2: a new path is tested anew; what its predecessor lost or
 * cleared is not its fault.
 */
TEST(another_path)
{
	struct quic_rtt rtt;

	world_init(false);
	quic_rtt_init(&rtt, QUIC_INITIAL_RTT);
	send_packets(8);
	quic_recovery_new_path(&w.r, &rtt);
	EXPECT_STATE(TESTING);
	send_packets(6);
	ack(APP, 0, 7, 3, 0, 1);
	EXPECT_STATE(TESTING);
	EXPECT_EQ(w.losses, 0);
	ack(APP, 8, 13, 9, 0, 1);
	EXPECT_STATE(CAPABLE);
	world_free();
}
