// SPDX-License-Identifier: GPL-2.0
/*
 * Acknowledgment and loss, RFC 9002 sections 5.1, 6.1 and 7.6, against a
 * model that looks at every packet ever sent.
 *
 * needs: recovery/loss.c recovery/recovery.c recovery/pto.c recovery/sent.c
 * needs: recovery/ranges.c recovery/rtt.c recovery/cc.c recovery/cc_reno.c
 * needs: recovery/cc_cubic.c wire/frame.c wire/varint.c wire/header.c
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
	EXPECT_EQ(w.r.space[APP].sent.first, 44);
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
	quic_sent_add_frame(&w.r.space[APP].sent, &(struct quic_sent_frame){
			    .kind = QUIC_FRAME_MAX_DATA, .id = 1 });
	quic_sent_add_frame(&w.r.space[APP].sent, &(struct quic_sent_frame){
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
	quic_sent_skip(&w.r.space[APP].sent);
	send_packet(APP, MSS, ELICITING);
	send_packet(APP, MSS, ELICITING);
	EXPECT_EQ(receive_ack(APP, two, 2, 0),
		  QUIC_TRANSPORT_ERROR_PROTOCOL_VIOLATION);
	EXPECT_EQ(receive_ack1(APP, 3, 4), 0);
	EXPECT_EQ(w.r.space[APP].sent.first, 5);
	/* also when its record is long gone */
	send_packet(APP, MSS, ELICITING);
	EXPECT_EQ(receive_ack1(APP, 0, 5),
		  QUIC_TRANSPORT_ERROR_PROTOCOL_VIOLATION);
	world_free();
}

TEST(a_skipped_number_is_no_evidence_of_loss)
{
	world_init(true);
	send_packet(APP, MSS, ELICITING);	/* 0 */
	send_packet(APP, MSS, ELICITING);
	quic_sent_skip(&w.r.space[APP].sent);	/* 2 */
	send_packet(APP, MSS, ELICITING);
	send_packet(APP, MSS, ELICITING);	/* 4 */
	EXPECT_EQ(receive_ack1(APP, 3, 3), 0);
	EXPECT_EQ(w.r.lost_packets, 0);
	EXPECT_EQ(receive_ack1(APP, 3, 4), 0);
	/* three packets after 0, but only two after 1 */
	EXPECT_EQ(w.r.lost_packets, 1);
	EXPECT_EQ(w.r.space[APP].sent.first, 1);
	world_free();
}

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
	EXPECT(w.r.space[APP].sent.first >= ranges[699].hi - 3);
	EXPECT_EQ(w.r.acked_packets, 700 * (span / 2 + 1));
	EXPECT_EQ(w.r.lost_packets + w.r.acked_packets, ranges[699].hi + 1);
	EXPECT(w.r.space[APP].lost.n <= QUIC_LOST_MAX_RANGES);
	/* and again, to no effect */
	i = w.n_told;
	EXPECT_EQ(receive_ack(APP, ranges, 700, 0), 0);
	EXPECT_EQ(w.n_told, i);
	world_free();
}

/*
 * The model: every packet, one array, walked whole each time.
 */
#define MODEL_MAX	3000

static struct model {
	u64 time;
	u16 size;
	u8 flags;
	enum { M_OUT, M_ACKED, M_LOST, M_SKIPPED } state;
} m[MODEL_MAX];

static struct {
	u64 n;			/* packets sent */
	u64 largest_acked;
	u64 first_sample;
	u64 recovery_start;
	u64 persistent_to;	/* packets up to here have been blamed */
	u64 loss_time;
	u64 in_flight;
	u64 lost_packets, acked_packets;
	u32 acks, losses, persistents;
	u64 cc_bytes;
	/* per byte of the stream: times acknowledged and lost */
	u8 acked[MODEL_MAX * 4], lost[MODEL_MAX * 4];
} model;

/* Sections 6.1.1 and 6.1.2, the distance counted in packets really sent. */
static bool model_is_lost(u64 pn, u64 delay)
{
	u64 i, ahead = 0;

	for (i = pn + 1; i <= model.largest_acked; i++)
		ahead += m[i].state != M_SKIPPED;
	return ahead >= 3 || m[pn].time + delay <= w.now;
}

/* Section 7.6.2, for a packet just lost. */
static bool model_is_persistent(u64 pn, u64 limit)
{
	u64 i;

	if (!(m[pn].flags & QUIC_SENT_ACK_ELICITING) || !model.first_sample)
		return false;
	for (i = pn; i > model.persistent_to && m[i].state != M_ACKED; i--) {
		if (m[i].state == M_LOST &&
		    m[i].flags & QUIC_SENT_ACK_ELICITING &&
		    m[i].time > model.first_sample &&
		    m[pn].time > model.first_sample &&
		    m[pn].time - m[i].time > limit)
			return true;
	}
	return false;
}

static void model_detect(void)
{
	u64 delay = max(w.r.rtt.latest, w.r.rtt.smoothed) * 9 / 8;
	u64 limit = 3 * quic_rtt_pto(&w.r.rtt, true);
	u64 pn, b, newest = 0, bytes = 0;
	bool persistent = false;

	delay = max_t(u64, delay, 1 * MS);
	model.loss_time = 0;
	for (pn = 0; pn < model.n && pn < model.largest_acked; pn++) {
		if (m[pn].state != M_OUT)
			continue;
		if (!model_is_lost(pn, delay)) {
			if (!model.loss_time)
				model.loss_time = m[pn].time + delay;
			continue;
		}
		m[pn].state = M_LOST;
		for (b = 0; b < 4; b++)
			model.lost[4 * pn + b]++;
		if (!(m[pn].flags & QUIC_SENT_IN_FLIGHT))
			continue;
		model.in_flight -= m[pn].size;
		model.lost_packets++;
		bytes += m[pn].size;
		newest = m[pn].time;
		persistent |= model_is_persistent(pn, limit);
	}
	if (!bytes)
		return;
	if (newest > model.recovery_start) {
		model.recovery_start = w.now;
		model.losses++;
	}
	if (persistent) {
		model.recovery_start = 0;
		model.persistents++;
		for (pn = 0; pn < model.n && pn < model.largest_acked; pn++)
			if (m[pn].state == M_LOST)
				model.persistent_to = pn;
	}
}

static void model_ack(const bool *acked, u64 largest)
{
	u64 before = model.recovery_start, pn, b, top = QUIC_PN_NONE;
	u64 fresh = 0, bytes = 0;
	bool eliciting = false;

	for (pn = 0; pn <= largest; pn++) {
		if (!acked[pn] || m[pn].state != M_OUT)
			continue;
		m[pn].state = M_ACKED;
		for (b = 0; b < 4; b++)
			model.acked[4 * pn + b]++;
		top = pn;
		eliciting |= m[pn].flags & QUIC_SENT_ACK_ELICITING;
		if (!(m[pn].flags & QUIC_SENT_IN_FLIGHT))
			continue;
		model.in_flight -= m[pn].size;
		model.acked_packets++;
		bytes += m[pn].size;
		if (m[pn].time > before)
			fresh += m[pn].size;
	}
	if (top == QUIC_PN_NONE)
		return;
	if (model.largest_acked == QUIC_PN_NONE ||
	    largest > model.largest_acked)
		model.largest_acked = largest;
	if (!model.first_sample && top == largest && eliciting)
		model.first_sample = w.now;
	model_detect();
	if (bytes) {
		model.acks++;
		model.cc_bytes = model.recovery_start > before ? 0 : fresh;
	}
}

static void model_compare(void)
{
	const struct quic_space *space = &w.r.space[APP];
	u64 pn, out = 0;
	u32 i, b;

	EXPECT_EQ(w.r.in_flight, model.in_flight);
	EXPECT_EQ(w.r.lost_packets, model.lost_packets);
	EXPECT_EQ(w.r.acked_packets, model.acked_packets);
	EXPECT_EQ(space->largest_acked, model.largest_acked);
	EXPECT_EQ(space->loss_time, model.loss_time);
	EXPECT_EQ(w.acks, model.acks);
	EXPECT_EQ(w.losses, model.losses);
	EXPECT_EQ(w.persistents, model.persistents);
	EXPECT_EQ(w.r.rtt.first_sample, model.first_sample);
	EXPECT_EQ(w.r.cc.recovery_start, model.recovery_start);
	if (model.acks)
		EXPECT_EQ(w.ack.bytes, model.cc_bytes);

	for (pn = 0; pn < model.n; pn++)
		out += m[pn].state == M_OUT &&
		       m[pn].flags & QUIC_SENT_ACK_ELICITING;
	EXPECT_EQ(space->eliciting_out, out);

	/* owners heard of every byte as often as the model did */
	for (i = 0; i < w.n_told; i++) {
		const struct told *t = &w.told[i];

		for (b = 0; b < t->f.len; b++) {
			if (t->lost)
				model.lost[t->f.off + b]--;
			else
				model.acked[t->f.off + b]--;
		}
	}
	w.n_told = 0;
	for (i = 0; i < 4 * model.n; i++) {
		EXPECT_EQ(model.acked[i], 0);
		EXPECT_EQ(model.lost[i], 0);
	}
}

static void model_send(void)
{
	static const u8 kinds[] = { ELICITING, ELICITING, ELICITING,
				    QUIC_SENT_IN_FLIGHT, 0 };
	struct model *p = &m[model.n++];
	u64 pn;

	if (unit_rand_below(100) == 0) {
		/* the core remembers one skipped number at a time */
		for (pn = w.r.space[APP].sent.first; pn < model.n - 1; pn++)
			if (m[pn].state == M_SKIPPED)
				break;
		if (pn == model.n - 1) {
			p->state = M_SKIPPED;
			quic_sent_skip(&w.r.space[APP].sent);
			return;
		}
	}
	*p = (struct model){
		.time = w.now,
		.size = 1 + unit_rand_below(1500),
		.flags = kinds[unit_rand_below(ARRAY_SIZE(kinds))],
	};
	pn = send_packet(APP, p->size, p->flags);
	EXPECT_EQ(pn, model.n - 1);
	quic_sent_add_frame(&w.r.space[APP].sent, &(struct quic_sent_frame){
		.kind = QUIC_FRAME_STREAM, .off = 4 * pn, .len = 4 });
	if (p->flags & QUIC_SENT_IN_FLIGHT)
		model.in_flight += p->size;
}

/* Acknowledge a random part of the newest packets, as a receiver may. */
static void random_ack(void)
{
	static bool acked[MODEL_MAX];
	static struct quic_range ranges[MODEL_MAX];
	u64 percent = unit_rand_below(101), n = 0, pn;
	u64 low = unit_rand_below(3) ? w.r.space[APP].sent.first :
				       unit_rand_below(model.n);
	u64 top = low + unit_rand_bits(6);

	memset(acked, 0, sizeof(acked));
	for (pn = low; pn < model.n && pn <= top; pn++) {
		if (unit_rand_below(100) >= percent || m[pn].state == M_SKIPPED)
			continue;
		acked[pn] = true;
		if (!n || ranges[n - 1].hi + 1 < pn)
			ranges[n++].lo = pn;
		ranges[n - 1].hi = pn;
	}
	if (!n)
		return;
	EXPECT_EQ(receive_ack(APP, ranges, n, unit_rand_bits(25)), 0);
	model_ack(acked, ranges[n - 1].hi);
}

TEST(random_histories_agree_with_the_model)
{
	enum quic_space_id probe;
	u32 round, step, persistents = 0, losses = 0;
	u64 i;

	for (round = 0; round < 300; round++) {
		/* from microseconds to seconds between events */
		u32 pace = 10 + unit_rand_below(20);

		world_init(true);
		memset(&model, 0, sizeof(model));
		model.largest_acked = QUIC_PN_NONE;
		for (step = 0; step < 120; step++) {
			unit_case("round %u step %u", round, step);
			w.now += unit_rand_bits(pace);
			for (i = unit_rand_bits(4); i; i--) {
				model_send();
				w.now += unit_rand_bits(pace) / 4;
			}
			if (model.n && unit_rand_below(3))
				random_ack();
			model_compare();
			if (model.loss_time && unit_rand_bits(1)) {
				w.now = max(w.now, model.loss_time);
				EXPECT_EQ(quic_recovery_deadline(&w.r),
					  model.loss_time);
				quic_recovery_on_timer(&w.r, w.now, &probe);
				EXPECT_EQ(probe, QUIC_SPACE_MAX);
				model_detect();
				model_compare();
			}
		}
		persistents += model.persistents;
		losses += model.losses;
		world_free();
	}
	/* all that was to be compared did happen */
	printf("# %u %u\n", persistents, losses);
	EXPECT(persistents > 100);
	EXPECT(losses > 1000);
}
