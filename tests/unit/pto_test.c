// SPDX-License-Identifier: GPL-2.0
/*
 * The loss detection timer, RFC 9002 sections 6.2 and A.8, and what discards
 * and idleness do to it.
 *
 * needs: recovery/loss.c recovery/recovery.c recovery/pto.c recovery/sent.c recovery/ecn.c
 * needs: recovery/ranges.c recovery/rtt.c recovery/cc.c recovery/cc_reno.c
 * needs: recovery/cc_cubic.c wire/frame.c wire/varint.c wire/header.c
 * needs: recovery/cc_bbr.c recovery/rate.c registry.c
 */
#include "world.h"

#define INITIAL		QUIC_SPACE_INITIAL
#define HANDSHAKE	QUIC_SPACE_HANDSHAKE
#define APP		QUIC_SPACE_APP
#define NO_SPACE	QUIC_SPACE_MAX

/* Fire the timer at its deadline. Return: the space to probe. */
static enum quic_space_id fire(void)
{
	enum quic_space_id probe;
	u64 deadline = quic_recovery_deadline(&w.r);

	EXPECT(deadline >= w.now);
	/* not a moment before */
	quic_recovery_on_timer(&w.r, deadline - 1, &probe);
	EXPECT_EQ(probe, NO_SPACE);
	EXPECT_EQ(quic_recovery_deadline(&w.r), deadline);
	w.now = deadline;
	quic_recovery_on_timer(&w.r, w.now, &probe);
	return probe;
}

TEST(nothing_in_flight_no_timer)
{
	world_init(true);
	EXPECT_EQ(quic_recovery_deadline(&w.r), 0);
	send_packet(APP, 40, 0);
	EXPECT_EQ(quic_recovery_deadline(&w.r), 0);
	send_packet(APP, 1200, QUIC_SENT_IN_FLIGHT);
	EXPECT_EQ(quic_recovery_deadline(&w.r), 0);
	world_free();
}

/* RFC9002-6.2.1-4 */
TEST(a_pto_backs_off_and_an_ack_resets_it)
{
	u64 start, pn;

	world_init(true);
	pn = send_packet(APP, 1200, ELICITING);
	w.now += 100 * MS;
	receive_ack1(APP, pn, pn);
	/* 100 + 4 * 50 + 25 ms, the last only in this space */
	start = w.now;
	send_packet(APP, 1200, ELICITING);
	EXPECT_EQ(quic_recovery_deadline(&w.r), start + 325 * MS);
	EXPECT_EQ(fire(), APP);
	EXPECT_EQ(w.r.pto_count, 1);
	EXPECT_EQ(quic_recovery_deadline(&w.r), start + 650 * MS);
	/* section 6.2.1: counted from the last ack-eliciting packet */
	send_packet(APP, 1200, ELICITING | QUIC_SENT_PROBE);
	EXPECT_EQ(quic_recovery_deadline(&w.r), w.now + 650 * MS);
	EXPECT_EQ(fire(), APP);
	EXPECT_EQ(quic_recovery_deadline(&w.r), start + 325 * MS + 1300 * MS);
	/* section 7.5: nothing is lost by a PTO, all is in flight */
	EXPECT_EQ(w.r.lost_packets, 0);
	EXPECT_EQ(w.r.in_flight, 2400);
	receive_ack1(APP, 2, 2);
	EXPECT_EQ(w.r.pto_count, 0);
	EXPECT_EQ(w.r.pto_total, 2);
	world_free();
}

TEST(back_off_stops_doubling)
{
	u64 last = 0, i;

	world_init(true);
	send_packet(APP, 1200, ELICITING);
	for (i = 0; i < 40; i++) {
		EXPECT_EQ(fire(), APP);
		send_packet(APP, 1200, ELICITING);
		if (i > QUIC_MAX_PTO_COUNT)
			EXPECT_EQ(quic_recovery_deadline(&w.r) - w.now, last);
		last = quic_recovery_deadline(&w.r) - w.now;
	}
	EXPECT_EQ(last, 1024 * MS << QUIC_MAX_PTO_COUNT);
	world_free();
}

/* RFC9002-6.2.1-3 */
TEST(the_application_space_waits_for_confirmation)
{
	world_init(true);
	w.r.confirmed = false;
	w.r.has_handshake_keys = true;
	send_packet(APP, 1200, ELICITING);
	w.now += 10 * MS;
	send_packet(HANDSHAKE, 1200, ELICITING);
	EXPECT_EQ(quic_recovery_deadline(&w.r), w.now + 999 * MS);
	w.now += 10 * MS;
	send_packet(INITIAL, 1200, ELICITING);
	/* the earlier of Initial and Handshake */
	EXPECT_EQ(fire(), HANDSHAKE);
	w.r.confirmed = true;
	quic_recovery_discard(&w.r, INITIAL);
	quic_recovery_discard(&w.r, HANDSHAKE);
	EXPECT_EQ(w.r.in_flight, 1200);
	EXPECT_EQ(w.r.pto_count, 0);
	/* sent 1009 ms ago, 10 before the Handshake packet that timed out */
	EXPECT_EQ(quic_recovery_deadline(&w.r), w.now + 15 * MS);
	world_free();
}

/* RFC9002-6.2.2.1-1 */
TEST(the_amplification_limit_stops_the_pto_only)
{
	world_init(true);
	send_packet(HANDSHAKE, 1200, ELICITING);
	send_packet(HANDSHAKE, 1200, ELICITING);
	w.r.amplification_blocked = true;
	EXPECT_EQ(quic_recovery_deadline(&w.r), 0);
	w.now += 100 * MS;
	receive_ack1(HANDSHAKE, 1, 1);
	/* packet 0 is lost 9/8 of a round trip after it was sent */
	EXPECT_EQ(quic_recovery_deadline(&w.r), w.now + 12500 * NSEC_PER_USEC);
	EXPECT_EQ(fire(), NO_SPACE);
	EXPECT_EQ(w.r.lost_packets, 1);
	EXPECT_EQ(w.r.pto_count, 0);
	EXPECT_EQ(quic_recovery_deadline(&w.r), 0);
	world_free();
}

/* RFC9000-8.1-5 RFC9002-6.2.2.1-2 RFC9002-6.2.2.1-3 */
/* Section 6.2.2.1 */
TEST(a_client_probes_until_the_server_has_validated_it)
{
	u64 sent;

	world_init(false);
	w.r.confirmed = false;
	EXPECT_EQ(quic_recovery_deadline(&w.r), 0);
	send_packet(INITIAL, 1200, ELICITING);
	w.now += 100 * MS;
	receive_ack1(INITIAL, 0, 0);
	/* nothing in flight, yet 100 + 4 * 50 ms from now */
	EXPECT_EQ(quic_recovery_deadline(&w.r), w.now + 300 * MS);
	EXPECT_EQ(fire(), INITIAL);
	w.r.has_handshake_keys = true;
	/* backed off; an ACK in Initial does not reset that */
	EXPECT_EQ(quic_recovery_deadline(&w.r), w.now + 600 * MS);
	sent = w.now;
	send_packet(INITIAL, 1200, ELICITING);
	w.now += 100 * MS;
	receive_ack1(INITIAL, 1, 1);
	EXPECT_EQ(w.r.pto_count, 1);
	EXPECT_EQ(quic_recovery_deadline(&w.r), sent + 100 * MS + 500 * MS);
	EXPECT_EQ(fire(), HANDSHAKE);
	/* one in Handshake does, and ends it */
	send_packet(HANDSHAKE, 1200, ELICITING);
	w.now += 100 * MS;
	receive_ack1(HANDSHAKE, 0, 0);
	EXPECT(w.r.peer_validated);
	EXPECT_EQ(w.r.pto_count, 0);
	EXPECT_EQ(quic_recovery_deadline(&w.r), 0);
	world_free();
}

TEST(unconfirmed_data_does_not_hide_the_deadlock)
{
	world_init(false);
	w.r.confirmed = false;
	w.r.has_handshake_keys = true;
	send_packet(APP, 1200, ELICITING);	/* 0-RTT */
	EXPECT_EQ(fire(), HANDSHAKE);
	world_free();
}

/* Data that the peer cannot read yet must not stop the handshake for good. */
TEST(unconfirmed_data_in_flight_keeps_a_timer)
{
	world_init(true);
	w.r.confirmed = false;
	send_packet(HANDSHAKE, 1200, ELICITING);
	receive_ack1(HANDSHAKE, 0, 0);
	EXPECT_EQ(quic_recovery_deadline(&w.r), 0);
	quic_recovery_discard(&w.r, INITIAL);
	send_packet(APP, 1200, ELICITING);
	EXPECT_EQ(fire(), HANDSHAKE);
	EXPECT_EQ(w.n_told, 0);
	w.r.amplification_blocked = true;
	EXPECT_EQ(quic_recovery_deadline(&w.r), 0);
	world_free();
}

TEST(a_server_has_no_deadlock_to_break)
{
	world_init(true);
	w.r.confirmed = false;
	send_packet(INITIAL, 1200, ELICITING);
	receive_ack1(INITIAL, 0, 0);
	EXPECT_EQ(quic_recovery_deadline(&w.r), 0);
	world_free();
}

static void send_crypto(enum quic_space_id id, u64 off)
{
	send_packet(id, 1200, ELICITING);
	quic_sent_add_frame(&w.r.space[id]->sent, &(struct quic_sent_frame){
		.kind = QUIC_FRAME_CRYPTO, .off = off, .len = 1000 });
}

/* RFC9002-6.2-1 RFC9002-6.2.1-2 */
TEST(probes_are_offered_the_oldest_data_of_every_armed_space)
{
	u64 i;

	world_init(true);
	w.r.confirmed = false;
	send_packet(INITIAL, 40, 0);		/* an ACK alone */
	send_crypto(INITIAL, 0);
	for (i = 0; i < 4; i++)
		send_crypto(HANDSHAKE, i * 1000);
	send_crypto(APP, 0);
	EXPECT_EQ(fire(), INITIAL);
	EXPECT_EQ(w.n_told, 2);
	EXPECT_EQ(w.told[0].space, INITIAL);
	EXPECT(w.told[0].lost && w.told[1].lost);
	EXPECT_EQ(w.told[0].f.len, 1000);
	/* two packets, merged */
	EXPECT_EQ(w.told[1].space, HANDSHAKE);
	EXPECT_EQ(w.told[1].f.off, 0);
	EXPECT_EQ(w.told[1].f.len, 2000);
	/* they are in flight all the same, and may be acknowledged */
	EXPECT_EQ(w.r.in_flight, 6 * 1200);
	w.n_told = 0;
	EXPECT_EQ(receive_ack1(HANDSHAKE, 0, 3), 0);
	EXPECT_EQ(w.n_told, 1);
	EXPECT(!w.told[0].lost);
	EXPECT_EQ(w.told[0].f.len, 4000);
	world_free();
}

/* RFC 9002 section 6.2.3: without back-off, and not for ever. */
TEST(a_handshake_is_repeated_for_who_asks_again)
{
	u64 deadline;
	int i;

	world_init(true);
	w.r.confirmed = false;
	quic_recovery_repeat(&w.r);		/* nothing was sent yet */
	EXPECT_EQ(w.n_told, 0);
	send_crypto(INITIAL, 0);
	send_crypto(HANDSHAKE, 0);
	deadline = quic_recovery_deadline(&w.r);
	for (i = 0; i < QUIC_REPEATS; i++) {
		w.n_told = 0;
		quic_recovery_repeat(&w.r);
		EXPECT_EQ(w.n_told, 2);
		EXPECT(w.told[0].lost && w.told[0].space == INITIAL);
		EXPECT(w.told[1].lost && w.told[1].space == HANDSHAKE);
	}
	EXPECT_EQ(w.r.in_flight, 2 * 1200);
	EXPECT_EQ(w.r.lost_packets, 0);
	EXPECT_EQ(quic_recovery_deadline(&w.r), deadline);
	w.n_told = 0;
	quic_recovery_repeat(&w.r);
	EXPECT_EQ(w.n_told, 0);
	world_free();
}

static void send_ping(enum quic_space_id id)
{
	send_packet(id, 1200, ELICITING);
	quic_sent_add_frame(&w.r.space[id]->sent, &(struct quic_sent_frame){
		.kind = QUIC_FRAME_PING });
}

/* RFC 9002 section 6.2.4: data, not PINGs that are older. */
TEST(what_is_worth_no_probe_is_passed_over)
{
	world_init(true);
	w.r.confirmed = false;
	send_ping(INITIAL);
	send_ping(INITIAL);
	send_crypto(INITIAL, 0);
	send_ping(INITIAL);
	send_crypto(INITIAL, 1000);
	send_crypto(INITIAL, 2000);
	EXPECT_EQ(fire(), INITIAL);
	EXPECT_EQ(w.n_told, 1);
	EXPECT_EQ(w.told[0].f.off, 0);
	EXPECT_EQ(w.told[0].f.len, 2000);
	world_free();
}

/* RFC9002-6.2.1-5 */
TEST(loss_time_goes_before_pto)
{
	u64 start;

	world_init(true);
	start = w.now;
	send_packet(APP, 1200, ELICITING);
	w.now += 100 * MS;
	send_packet(APP, 1200, ELICITING);
	send_packet(APP, 1200, ELICITING);
	w.now += 8 * MS;
	receive_ack1(APP, 1, 1);
	/* max(latest, smoothed) is 8 ms, so 0 was lost long ago */
	EXPECT_EQ(w.r.lost_packets, 1);
	send_packet(APP, 1200, ELICITING);
	w.now += 8 * MS;
	receive_ack1(APP, 3, 3);
	/* 2 was sent 16 ms ago */
	EXPECT_EQ(w.r.lost_packets, 2);
	EXPECT(start < w.now);
	/* half a millisecond's round trip: the granularity rules */
	w.r.rtt.smoothed = MS / 2;
	w.r.rtt.latest = MS / 2;
	send_packet(APP, 1200, ELICITING);
	send_packet(APP, 1200, ELICITING);
	w.now += MS / 4;
	receive_ack1(APP, 5, 5);
	w.r.rtt.smoothed = MS / 2;
	w.r.rtt.latest = MS / 2;
	EXPECT_EQ(fire(), NO_SPACE);
	EXPECT_EQ(w.r.lost_packets, 3);
	world_free();
}

/* RFC9002-6.2.2-1 RFC9002-6.4-1 RFC9002-6.4-2 */
TEST(discarding_a_space_forgets_its_packets)
{
	world_init(true);
	send_crypto(INITIAL, 0);
	send_crypto(INITIAL, 1000);
	send_packet(INITIAL, 40, 0);
	send_packet(HANDSHAKE, 500, ELICITING);
	receive_ack1(INITIAL, 1, 1);
	w.n_told = 0;
	EXPECT_EQ(w.r.in_flight, 1700);
	quic_recovery_discard(&w.r, INITIAL);
	EXPECT_EQ(w.r.in_flight, 500);
	EXPECT_EQ(w.n_told, 0);
	EXPECT_EQ(w.r.space[INITIAL]->eliciting_out, 0);
	/* a late ACK is nothing any more */
	EXPECT_EQ(receive_ack1(INITIAL, 0, 2), 0);
	EXPECT_EQ(w.r.in_flight, 500);
	quic_recovery_discard(&w.r, INITIAL);
	EXPECT_EQ(w.r.in_flight, 500);
	world_free();
}

static u32 restarts;

static void note_restart(struct quic_cc *cc, u64 now)
{
	restarts++;
}

TEST(idleness_is_told_once_and_only_after_a_pto)
{
	static const struct quic_congestion_ops ops = {
		.name = "restart",
		.on_idle_restart = note_restart,
	};

	world_init(true);
	w.r.cc.algo->entry.ops = &ops;
	restarts = 0;
	quic_recovery_wake(&w.r, w.now);
	EXPECT_EQ(restarts, 0);
	send_packet(APP, 1200, ELICITING);
	w.now += 100 * MS;
	receive_ack1(APP, 0, 0);
	/* last sent 100 ms ago; a PTO is 325 ms */
	w.now += 225 * MS;
	quic_recovery_wake(&w.r, w.now);
	EXPECT_EQ(restarts, 0);
	w.now++;
	quic_recovery_wake(&w.r, w.now);
	EXPECT_EQ(restarts, 1);
	send_packet(APP, 1200, ELICITING);
	EXPECT_EQ(restarts, 1);
	/* in flight for ever is not idle */
	w.now += 10 * NSEC_PER_SEC;
	quic_recovery_wake(&w.r, w.now);
	send_packet(APP, 1200, ELICITING);
	EXPECT_EQ(restarts, 1);
	receive_ack1(APP, 1, 2);
	/* sending asks by itself */
	w.now += 60 * NSEC_PER_SEC;
	send_packet(APP, 1200, ELICITING);
	EXPECT_EQ(restarts, 2);
	world_free();
}

TEST(underuse_of_the_window_is_told)
{
	world_init(true);
	w.r.cc.cwnd = 10 * MSS;
	send_packet(APP, MSS, ELICITING);
	receive_ack1(APP, 0, 0);
	EXPECT(!w.ack.app_limited);
	w.r.app_limited = true;
	send_packet(APP, MSS, ELICITING);
	receive_ack1(APP, 1, 1);
	EXPECT(w.ack.app_limited);
	/* as good as full: what went out last was all there was, but enough */
	w.r.in_flight = 8 * MSS;
	send_packet(APP, MSS, ELICITING);
	receive_ack1(APP, 2, 2);
	EXPECT(!w.ack.app_limited);
	world_free();
}
