// SPDX-License-Identifier: GPL-2.0
/*
 * Acknowledgment and loss, RFC 9002 sections 5.1, 6.1 and 7.6, case by case.
 *
 * needs: recovery/loss.c recovery/recovery.c recovery/pto.c recovery/sent.c recovery/ecn.c
 * needs: recovery/ranges.c recovery/rtt.c recovery/cc.c recovery/cc_reno.c
 * needs: recovery/cc_cubic.c wire/frame.c wire/varint.c wire/header.c
 * needs: recovery/cc_bbr.c recovery/rate.c registry.c
 */
#include "world.h"

#define APP	QUIC_SPACE_APP

TEST(a_bulk_ack_is_one_call)
{
	u64 i;

	world_init(true);
	for (i = 0; i < 44; i++)
		send_stream(4, i * 1000, 1000, i == 43);
	w.now += 50 * MS;
	EXPECT_EQ(receive_ack1(APP, 0, 43), 0);
	EXPECT_EQ(w.n_told, 1);
	EXPECT(!w.told[0].lost);
	EXPECT_EQ(w.told[0].f.id, 4);
	EXPECT_EQ(w.told[0].f.off, 0);
	EXPECT_EQ(w.told[0].f.len, 44000);
	EXPECT_EQ(w.told[0].f.fin, 1);
	EXPECT_EQ(w.r.in_flight, 0);
	EXPECT_EQ(w.acks, 1);
	EXPECT_EQ(w.ack.packets, 44);
	EXPECT_EQ(w.ack.bytes, 44 * MSS);
	EXPECT_EQ(w.ack.prior_in_flight, 44 * MSS);
	EXPECT_EQ(w.ack.latest_rtt, 50 * MS);
	EXPECT_EQ(w.r.space[APP]->sent.first, 44);
	world_free();
}

/* As one packet after the other would be. */
TEST(a_run_is_sent_and_acknowledged)
{
	struct quic_sent *s = &w.r.space[APP]->sent;
	struct quic_sent_frame *f;
	u64 i;

	world_init(true);
	send_stream(4, 0, 1000, false);
	quic_recovery_on_run(&w.r, APP, w.now, 20, MSS,
			     ELICITING | QUIC_SENT_ECT);
	for (i = 1; i <= 20; i++) {
		f = quic_sent_add_one(s, w.now, MSS, ELICITING | QUIC_SENT_ECT);
		f->kind = QUIC_FRAME_STREAM;
		f->id = 4;
		f->off = i * 1000;
		f->len = 1000;
		f->fin = i == 20;
	}
	EXPECT_EQ(w.r.in_flight, 21 * MSS);
	EXPECT_EQ(w.r.space[APP]->eliciting_out, 21);
	EXPECT_EQ(w.r.space[APP]->ecn.marked, 20);
	EXPECT_EQ(w.r.last_sent, w.now);
	EXPECT_EQ(s->next, 21);
	w.now += 50 * MS;
	EXPECT_EQ(receive_ack1(APP, 0, 20), 0);
	EXPECT_EQ(w.n_told, 1);
	EXPECT_EQ(w.told[0].f.len, 21000);
	EXPECT_EQ(w.told[0].f.fin, 1);
	EXPECT_EQ(w.r.in_flight, 0);
	EXPECT_EQ(w.r.space[APP]->eliciting_out, 0);
	EXPECT_EQ(s->frm_head, s->frm_tail);
	world_free();
}

TEST(what_does_not_continue_is_told_apart)
{
	world_init(true);
	send_stream(0, 0, 100, false);
	send_stream(4, 100, 100, false);	/* another stream */
	send_stream(4, 300, 100, false);	/* a hole */
	send_stream(4, 400, 100, true);
	send_stream(4, 500, 100, false);	/* beyond a FIN */
	send_stream(4, 600, U32_MAX - 50, false); /* length would wrap */
	send_packet(APP, MSS, ELICITING);
	quic_sent_add_frame(&w.r.space[APP]->sent, &(struct quic_sent_frame){
			    .kind = QUIC_FRAME_MAX_DATA, .id = 1 });
	quic_sent_add_frame(&w.r.space[APP]->sent, &(struct quic_sent_frame){
			    .kind = QUIC_FRAME_MAX_DATA, .id = 1 });
	EXPECT_EQ(receive_ack1(APP, 0, 6), 0);
	EXPECT_EQ(w.n_told, 7);
	EXPECT_EQ(w.told[2].f.len, 200);
	EXPECT_EQ(w.told[3].f.len, 100);
	EXPECT_EQ(w.told[4].f.len, U32_MAX - 50);
	world_free();
}

TEST(packets_never_sent_cannot_be_acknowledged)
{
	static const struct quic_range two[] = { { 0, 0 }, { 2, 4 } };

	world_init(true);
	EXPECT_EQ(receive_ack1(APP, 0, 0),
		  QUIC_TRANSPORT_ERROR_PROTOCOL_VIOLATION);
	send_packet(APP, MSS, ELICITING);
	send_packet(APP, MSS, ELICITING);
	EXPECT_EQ(receive_ack1(APP, 1, 2),
		  QUIC_TRANSPORT_ERROR_PROTOCOL_VIOLATION);
	EXPECT_EQ(receive_ack1(APP, 0, 1), 0);
	/* RFC 9000 section 21.4: a number left out on purpose */
	quic_sent_skip(&w.r.space[APP]->sent);
	send_packet(APP, MSS, ELICITING);
	send_packet(APP, MSS, ELICITING);
	EXPECT_EQ(receive_ack(APP, two, 2, 0),
		  QUIC_TRANSPORT_ERROR_PROTOCOL_VIOLATION);
	EXPECT_EQ(receive_ack1(APP, 3, 4), 0);
	EXPECT_EQ(w.r.space[APP]->sent.first, 5);
	/* also when its record is long gone */
	send_packet(APP, MSS, ELICITING);
	EXPECT_EQ(receive_ack1(APP, 0, 5),
		  QUIC_TRANSPORT_ERROR_PROTOCOL_VIOLATION);
	world_free();
	/* and not only the latest */
	world_init(true);
	send_packet(APP, MSS, ELICITING);
	quic_sent_skip(&w.r.space[APP]->sent);
	send_packet(APP, MSS, ELICITING);
	quic_sent_skip(&w.r.space[APP]->sent);
	EXPECT_EQ(receive_ack1(APP, 0, 2),
		  QUIC_TRANSPORT_ERROR_PROTOCOL_VIOLATION);
	world_free();
}

TEST(a_skipped_number_is_no_evidence_of_loss)
{
	world_init(true);
	send_packet(APP, MSS, ELICITING);	/* 0 */
	send_packet(APP, MSS, ELICITING);
	quic_sent_skip(&w.r.space[APP]->sent);	/* 2 */
	send_packet(APP, MSS, ELICITING);
	send_packet(APP, MSS, ELICITING);	/* 4 */
	EXPECT_EQ(receive_ack1(APP, 3, 3), 0);
	EXPECT_EQ(w.r.lost_packets, 0);
	EXPECT_EQ(receive_ack1(APP, 3, 4), 0);
	/* three packets after 0, but only two after 1 */
	EXPECT_EQ(w.r.lost_packets, 1);
	EXPECT_EQ(w.r.space[APP]->sent.first, 1);
	world_free();
}

/* RFC9002-5.1-1 */
TEST(rtt_is_sampled_from_the_largest_newly_acknowledged)
{
	world_init(true);
	send_packet(APP, MSS, ELICITING);
	w.now += 10 * MS;
	send_packet(APP, MSS, ELICITING);
	send_packet(APP, 40, 0);
	w.now += 30 * MS;
	/* section 5.1: not from a packet that elicits no ACK, alone */
	EXPECT_EQ(receive_ack1(APP, 2, 2), 0);
	EXPECT_EQ(w.r.rtt.first_sample, 0);
	EXPECT_EQ(w.acks, 0);
	/* nor if the largest was known */
	EXPECT_EQ(receive_ack1(APP, 1, 2), 0);
	EXPECT_EQ(w.r.rtt.first_sample, 0);
	EXPECT_EQ(w.acks, 1);
	EXPECT_EQ(w.ack.latest_rtt, 0);
	send_packet(APP, MSS, ELICITING);
	w.now += 20 * MS;
	EXPECT_EQ(receive_ack1(APP, 0, 3), 0);
	EXPECT_EQ(w.r.rtt.latest, 20 * MS);
	EXPECT_EQ(w.ack.latest_rtt, 20 * MS);
	world_free();
}

/* What waited to be opened came before what left meanwhile. */
TEST(acknowledged_before_it_was_sent)
{
	world_init(true);
	send_packet(APP, MSS, ELICITING);
	w.now += 20 * MS;
	EXPECT_EQ(receive_ack1(APP, 0, 0), 0);
	send_packet(APP, MSS, ELICITING);
	w.now -= 5 * MS;
	EXPECT_EQ(receive_ack1(APP, 1, 1), 0);
	EXPECT(w.r.rtt.latest < MS);
	EXPECT(w.r.rtt.var < 20 * MS);
	world_free();
}

/* Section 5.3 */
TEST(delays_of_initial_acknowledgments_are_ignored)
{
	struct quic_range all = { 0, 1 };
	int id;

	for (id = QUIC_SPACE_INITIAL; id <= QUIC_SPACE_HANDSHAKE; id++) {
		world_init(true);
		w.r.confirmed = false;
		send_packet(id, MSS, ELICITING);
		w.now += 10 * MS;
		receive_ack1(id, 0, 0);
		send_packet(id, MSS, ELICITING);
		w.now += 50 * MS;
		EXPECT_EQ(receive_ack(id, &all, 1, 40 * MS), 0);
		EXPECT_EQ(w.r.rtt.latest, 50 * MS);
		/* (7 * 10 + 50) / 8, or all of it explained */
		EXPECT_EQ(w.r.rtt.smoothed,
			  id == QUIC_SPACE_INITIAL ? 15 * MS : 10 * MS);
		world_free();
	}
}

/* RFC9000-13.3-4 */
TEST(one_congestion_event_per_round_trip)
{
	u64 i;

	world_init(true);
	for (i = 0; i < 20; i++)
		send_packet(APP, MSS, ELICITING);
	w.now += 50 * MS;
	EXPECT_EQ(receive_ack1(APP, 5, 5), 0);	/* 0..2 are lost */
	EXPECT_EQ(w.losses, 1);
	EXPECT_EQ(w.loss.bytes, 3 * MSS);
	/* sent before the recovery period: no growth, no second event */
	EXPECT_EQ(w.ack.bytes, 0);
	send_packet(APP, MSS, ELICITING);	/* 20 */
	w.now += 10 * MS;
	send_packet(APP, MSS, ELICITING);
	EXPECT_EQ(receive_ack1(APP, 10, 19), 0);
	EXPECT_EQ(w.losses, 1);
	EXPECT_EQ(w.ack.bytes, 0);
	EXPECT_EQ(w.ack.packets, 10);
	/* sent at the very start of it counts as before; then the new one */
	EXPECT_EQ(receive_ack1(APP, 10, 21), 0);
	EXPECT_EQ(w.ack.bytes, MSS);
	for (i = 0; i < 10; i++)
		send_packet(APP, MSS, ELICITING);
	w.now += 50 * MS;
	EXPECT_EQ(receive_ack1(APP, 31, 31), 0);
	EXPECT_EQ(w.losses, 2);
	world_free();
}

/* RFC 9000 section 9.4 */
TEST(the_old_path_tells_nothing_of_the_new_one)
{
	struct quic_rtt fresh;

	world_init(true);
	w.r.rtt.max_ack_delay = 25 * MS;
	for (int i = 0; i < 4; i++)
		send_stream(0, i * 100, 100, false);
	w.now += 50 * MS;
	quic_rtt_init(&fresh, QUIC_INITIAL_RTT);
	quic_recovery_new_path(&w.r, &fresh);
	EXPECT_EQ(w.r.in_flight, 0);
	EXPECT_EQ(w.r.rtt.max_ack_delay, 25 * MS);
	/* neither RTT nor window, but the stream hears of its bytes */
	EXPECT_EQ(receive_ack1(APP, 3, 3), 0);
	EXPECT_EQ(w.r.rtt.first_sample, 0);
	EXPECT_EQ(w.acks, 0);
	EXPECT_EQ(w.losses, 0);
	EXPECT_EQ(w.r.lost_packets, 0);
	EXPECT_EQ(w.n_told, 2);
	EXPECT(!w.told[0].lost);
	EXPECT(w.told[1].lost);
	EXPECT_EQ(w.r.in_flight, 0);
	/* the rest is lost in time */
	w.now = w.r.space[APP]->loss_time;
	EXPECT(w.now);
	quic_recovery_detect(&w.r, APP, w.now);
	EXPECT_EQ(w.n_told, 3);
	EXPECT_EQ(w.told[2].f.len, 200);
	EXPECT_EQ(w.losses, 0);
	/* what is sent now counts */
	send_packet(APP, MSS, ELICITING);
	w.now += 30 * MS;
	EXPECT_EQ(receive_ack1(APP, 4, 4), 0);
	EXPECT_EQ(w.acks, 1);
	EXPECT_EQ(w.r.rtt.latest, 30 * MS);
	world_free();
}

/* RFC 9000 section 14.4 */
TEST(loss_of_a_probe_of_size_is_no_congestion)
{
	world_init(true);
	send_packet(APP, 1500, ELICITING | QUIC_SENT_ASIDE);
	for (int i = 0; i < 4; i++)
		send_packet(APP, MSS, ELICITING);
	EXPECT_EQ(w.r.in_flight, 1500 + 4 * MSS);
	EXPECT_EQ(receive_ack1(APP, 1, 4), 0);
	EXPECT_EQ(w.losses, 0);
	EXPECT_EQ(w.r.lost_packets, 0);
	EXPECT_EQ(w.r.in_flight, 0);
	EXPECT_EQ(w.ack.bytes, 4 * MSS);
	world_free();
}

TEST(late_acknowledgments_of_lost_packets_are_counted)
{
	static const struct quic_range most[] = { { 0, 0 }, { 2, 9 } };
	u64 i;

	world_init(true);
	for (i = 0; i < 10; i++)
		send_packet(APP, MSS, ELICITING);
	w.now += 50 * MS;
	EXPECT_EQ(receive_ack1(APP, 5, 5), 0);
	EXPECT_EQ(w.r.lost_packets, 3);
	EXPECT_EQ(receive_ack(APP, most, 2, 0), 0);
	EXPECT_EQ(w.r.spurious, 2);
	EXPECT_EQ(receive_ack(APP, most, 2, 0), 0);
	EXPECT_EQ(w.r.spurious, 2);
	/* too late to mean anything */
	w.now += 500 * MS;
	EXPECT_EQ(receive_ack1(APP, 0, 9), 0);
	EXPECT_EQ(w.r.spurious, 2);
	world_free();
}

static void send_many(u32 n)
{
	while (n--)
		send_packet(APP, MSS, ELICITING);
}

TEST(losses_that_were_none_are_told)
{
	static const struct quic_range one[] = { { 0, 0 }, { 3, 5 } };

	world_init(true);
	send_many(10);
	w.now += 50 * MS;
	EXPECT_EQ(receive_ack1(APP, 5, 5), 0);
	EXPECT_EQ(w.losses, 1);
	EXPECT_EQ(w.loss.bytes, 3 * MSS);
	EXPECT_EQ(receive_ack(APP, one, 2, 0), 0);
	EXPECT_EQ(w.acks, 2);
	EXPECT(!w.ack.spurious);
	/* nothing that was under way: told with the next that was, once */
	EXPECT_EQ(receive_ack1(APP, 0, 5), 0);
	EXPECT_EQ(w.acks, 2);
	EXPECT_EQ(receive_ack1(APP, 0, 6), 0);
	EXPECT(w.ack.spurious);
	EXPECT_EQ(receive_ack1(APP, 0, 7), 0);
	EXPECT_EQ(w.acks, 4);
	EXPECT(!w.ack.spurious);
	world_free();
}

TEST(losses_of_another_period_are_not_those_of_this_one)
{
	static const struct quic_range most[] = { { 3, 19 }, { 25, 25 } };
	static const struct quic_range late[] = { { 0, 19 }, { 25, 26 } };

	world_init(true);
	send_many(20);
	w.now += 50 * MS;
	EXPECT_EQ(receive_ack1(APP, 5, 5), 0);		/* 0..2 are lost */
	w.now += MS;
	send_many(10);
	w.now += 50 * MS;
	EXPECT_EQ(receive_ack(APP, most, 2, 0), 0);	/* 20..22 as well */
	EXPECT_EQ(w.losses, 2);
	EXPECT_EQ(receive_ack(APP, late, 2, 0), 0);
	EXPECT_EQ(w.r.spurious, 3);
	EXPECT(!w.ack.spurious);
	EXPECT_EQ(receive_ack1(APP, 20, 27), 0);
	EXPECT(w.ack.spurious);
	world_free();
}

/* Section 7.6.3's example: losses from t = 1 to t = 8, a duration of 6 of its
 * units.  What is sent at t = 5 may get through, in @space.
 */
static void lose_from_1_to_8(enum quic_space_id space, u64 unit)
{
	static const u64 times[] = { 1, 2, 3, 4, 5, 6, 8, 12 };
	u64 start = w.now, i, pn = 0;

	for (i = 0; i < ARRAY_SIZE(times); i++) {
		w.now = start + times[i] * unit;
		pn = send_packet(APP, MSS, ELICITING);
		if (times[i] != 5 || space == QUIC_SPACE_MAX)
			continue;
		if (space != APP)
			pn = send_packet(space, MSS, ELICITING);
		w.now += 40 * MS;
		EXPECT_EQ(receive_ack1(space, pn, pn), 0);
	}
	w.now += 40 * MS;
	EXPECT_EQ(receive_ack1(APP, pn, pn), 0);
}

/* Then smoothed_rtt + max(4 * rttvar, granularity) + max_ack_delay is 400 ms
 * and stays so, if all further samples are 40 ms.
 */
static void one_sample(void)
{
	u64 pn = send_packet(APP, MSS, ELICITING);

	w.now += 40 * MS;
	EXPECT_EQ(receive_ack1(APP, pn, pn), 0);
	w.r.rtt.var = 0;
	w.r.rtt.min = 10 * MS;
	w.r.rtt.max_ack_delay = 359 * MS;
	EXPECT_EQ(quic_rtt_pto(&w.r.rtt, true), 400 * MS);
}

/* RFC9002-7.6.2-1 */
TEST(persistent_congestion_of_the_example)
{
	world_init(true);
	one_sample();
	lose_from_1_to_8(QUIC_SPACE_MAX, 200 * MS);
	EXPECT_EQ(w.r.lost_packets, 7);
	EXPECT_EQ(w.losses, 1);
	EXPECT_EQ(w.persistents, 1);
	EXPECT(w.loss.persistent);
	EXPECT_EQ(w.r.cc.recovery_start, 0);
	EXPECT_EQ(w.r.rtt.min, 40 * MS);	/* section 5.2 */
	world_free();
}

TEST(persistent_congestion_begins_beyond_the_duration)
{
	world_init(true);
	one_sample();
	lose_from_1_to_8(QUIC_SPACE_MAX, 171 * MS);	/* 1197 ms */
	EXPECT_EQ(w.persistents, 0);
	EXPECT_EQ(w.r.rtt.min, 10 * MS);
	lose_from_1_to_8(QUIC_SPACE_MAX, 172 * MS);	/* 1204 ms */
	EXPECT_EQ(w.persistents, 1);
	EXPECT_EQ(w.losses, 2);
	world_free();
}

TEST(no_persistent_congestion_if_one_got_through)
{
	world_init(true);
	one_sample();
	lose_from_1_to_8(APP, 200 * MS);
	EXPECT_EQ(w.persistents, 0);
	EXPECT_EQ(w.r.lost_packets, 6);
	world_free();
}

TEST(no_persistent_congestion_if_another_space_got_through)
{
	world_init(true);
	one_sample();
	lose_from_1_to_8(QUIC_SPACE_HANDSHAKE, 200 * MS);
	EXPECT_EQ(w.persistents, 0);
	EXPECT_EQ(w.r.lost_packets, 7);
	world_free();
}

/* One packet in four is lost, for long; the others get through. */
TEST(no_persistent_congestion_across_what_was_acknowledged_before)
{
	u64 i, j, pn = 0;

	world_init(true);
	one_sample();
	for (i = 0; i < 8; i++) {
		for (j = 0; j < 4; j++)
			pn = send_packet(APP, MSS, ELICITING);
		w.now += 40 * MS;
		EXPECT_EQ(receive_ack1(APP, pn, pn), 0);
		EXPECT_EQ(w.r.lost_packets, i + 1);
		EXPECT_EQ(receive_ack1(APP, pn - 2, pn), 0);
		w.now += 1000 * MS;
	}
	EXPECT_EQ(w.persistents, 0);
	world_free();
}

TEST(no_persistent_congestion_before_the_first_sample)
{
	world_init(true);
	lose_from_1_to_8(QUIC_SPACE_MAX, 2000 * MS);
	EXPECT_EQ(w.r.lost_packets, 7);
	EXPECT_EQ(w.persistents, 0);
	world_free();
}

TEST(a_long_hostile_frame_walks_the_window_once)
{
	static struct quic_range ranges[700];
	u64 i, span = 20000 / 700;

	world_init(true);
	for (i = 0; i < 20000; i++)
		send_stream(0, i * 10, 10, false);
	for (i = 0; i < 700; i++) {
		ranges[i].lo = i * span;
		ranges[i].hi = i * span + span / 2;
	}
	EXPECT_EQ(receive_ack(APP, ranges, 700, 0), 0);
	/* all but the last two or three below the largest are settled */
	EXPECT(w.r.space[APP]->sent.first >= ranges[699].hi - 3);
	EXPECT_EQ(w.r.acked_packets, 700 * (span / 2 + 1));
	EXPECT_EQ(w.r.lost_packets + w.r.acked_packets, ranges[699].hi + 1);
	EXPECT(w.r.space[APP]->lost.n <= QUIC_LOST_MAX_RANGES);
	/* and again, to no effect */
	i = w.n_told;
	EXPECT_EQ(receive_ack(APP, ranges, 700, 0), 0);
	EXPECT_EQ(w.n_told, i);
	world_free();
}

/* RFC 9000 section 21.4: numbers left out on purpose, half to two windows after
 * each other.
 */
static void leave_out(u32 cwnd, u64 window)
{
	struct quic_sent *s = &w.r.space[APP]->sent;
	u64 last = 0, n = 0, pn, sent[8000];
	u32 i;

	world_init(true);
	w.r.cc.cwnd = cwnd;
	for (i = 0; i < 8000; i++) {
		if (s->next >= w.r.skip_at)
			quic_recovery_skip(&w.r, unit_rand());
		if (s->skipped != QUIC_PN_NONE && s->skipped != last) {
			EXPECT(s->skipped - last >= window / 2);
			EXPECT(s->skipped - last <= 2 * window + 8);
			last = s->skipped;
			n++;
		}
		pn = send_packet(APP, MSS, ELICITING);
		EXPECT(pn != s->skipped);
		sent[i] = pn;
		/* An honest peer: each packet, eight later. */
		if (i >= 8)
			EXPECT_EQ(receive_ack1(APP, sent[i - 8], sent[i - 8]), 0);
	}
	EXPECT(n >= 8000 / (2 * window + 8));
	EXPECT_EQ(w.r.lost_packets, 0);
	EXPECT_EQ(w.losses, 0);
}

TEST(numbers_are_left_out_now_and_then)
{
	struct quic_sent *s = &w.r.space[APP]->sent;

	leave_out(4 * QUIC_SKIP_WINDOW * MSS, 4 * QUIC_SKIP_WINDOW);
	world_free();
	/* However small the window is. */
	leave_out(2 * MSS, QUIC_SKIP_WINDOW);
	/* A liar: all that can have been sent. */
	quic_sent_skip(s);
	send_packet(APP, MSS, ELICITING);
	EXPECT_EQ(receive_ack1(APP, s->next - 6, s->next - 1),
		  QUIC_TRANSPORT_ERROR_PROTOCOL_VIOLATION);
	world_free();
}

TEST(one_number_left_out_at_a_time)
{
	struct quic_sent *s = &w.r.space[APP]->sent;
	u64 skipped;
	int i;

	world_init(true);
	w.r.cc.cwnd = 4 * MSS;
	quic_recovery_skip(&w.r, 0);
	EXPECT_EQ(s->skipped, QUIC_PN_NONE);	/* the first is planned */
	for (i = 0; i < QUIC_SKIP_WINDOW; i++)
		send_packet(APP, MSS, ELICITING);
	quic_recovery_skip(&w.r, 0);
	skipped = s->skipped;
	EXPECT_EQ(skipped, QUIC_SKIP_WINDOW);
	for (i = 0; i < 2 * QUIC_SKIP_WINDOW; i++) {
		send_packet(APP, MSS, ELICITING);
		quic_recovery_skip(&w.r, 0);
	}
	EXPECT_EQ(s->skipped, skipped);
	EXPECT_EQ(receive_ack1(APP, skipped + 1, skipped + 30), 0);
	quic_recovery_skip(&w.r, 0);
	EXPECT(s->skipped > skipped);
	/* Not before the handshake is confirmed. */
	w.r.confirmed = false;
	w.r.skip_at = 0;
	skipped = s->skipped;
	EXPECT_EQ(receive_ack1(APP, QUIC_SKIP_WINDOW + 31,
			       QUIC_SKIP_WINDOW + 31), 0);
	quic_recovery_skip(&w.r, 0);
	EXPECT_EQ(s->skipped, skipped);
	world_free();
}
