// SPDX-License-Identifier: GPL-2.0
/*
 * Acknowledgment and loss, RFC 9002 sections 5.1, 6.1 and 7.6, against a
 * model that keeps every packet in an array and walks all of it each time.
 *
 * needs: recovery/loss.c recovery/recovery.c recovery/pto.c recovery/sent.c recovery/ecn.c
 * needs: recovery/ranges.c recovery/rtt.c recovery/cc.c recovery/cc_reno.c
 * needs: recovery/cc_cubic.c wire/frame.c wire/varint.c wire/header.c
 * needs: recovery/cc_bbr.c recovery/rate.c registry.c
 */
#include "world.h"

#define APP	QUIC_SPACE_APP
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

static bool model_detect(void)
{
	u64 delay = max(w.r.rtt.latest, w.r.rtt.smoothed) * 9 / 8;
	u64 limit = 3 * quic_rtt_pto(&w.r.rtt, true);
	u64 pn, b, newest = 0, bytes = 0;
	bool persistent = false, event = false;

	delay = max_t(u64, delay, 1 * MS);
	model.loss_time = 0;
	for (pn = 0; pn < model.n && pn < model.largest_acked; pn++) {
		if (m[pn].state != M_OUT)
			continue;
		if (!model_is_lost(pn, delay)) {
			if (!model.loss_time &&
			    m[pn].flags & QUIC_SENT_IN_FLIGHT)
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
		return false;
	if (newest > model.recovery_start) {
		model.recovery_start = w.now;
		model.losses++;
		event = true;
	}
	if (persistent) {
		model.recovery_start = 0;
		model.persistents++;
		for (pn = 0; pn < model.n && pn < model.largest_acked; pn++)
			if (m[pn].state == M_LOST)
				model.persistent_to = pn;
	}
	return event || persistent;
}

static void model_ack(const bool *acked, u64 largest)
{
	u64 before = model.recovery_start, pn, b, top = QUIC_PN_NONE;
	u64 fresh = 0, bytes = 0;
	bool eliciting = false, event;

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
	event = model_detect();
	if (bytes) {
		model.acks++;
		model.cc_bytes = event ? 0 : fresh;
	}
}

static void model_compare(void)
{
	const struct quic_space *space = w.r.space[APP];
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
		for (pn = w.r.space[APP]->sent.first; pn < model.n - 1; pn++)
			if (m[pn].state == M_SKIPPED)
				break;
		if (pn == model.n - 1) {
			p->state = M_SKIPPED;
			quic_sent_skip(&w.r.space[APP]->sent);
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
	quic_sent_add_frame(&w.r.space[APP]->sent, &(struct quic_sent_frame){
		.kind = QUIC_FRAME_STREAM, .off = 4 * pn, .len = 4 });
	if (p->flags & QUIC_SENT_IN_FLIGHT)
		model.in_flight += p->size;
}

/* Acknowledge a random part of the packets; only the last if @dark. */
static void random_ack(bool dark)
{
	static bool acked[MODEL_MAX];
	static struct quic_range ranges[MODEL_MAX];
	u64 percent = dark ? 100 : unit_rand_below(101), n = 0, pn;
	u64 low = dark ? model.n - 1 :
		  unit_rand_below(3) ? w.r.space[APP]->sent.first :
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

/* RFC9002-6.1.2-1 RFC9002-7.4-1 RFC9002-7.5-2 */
TEST(random_histories_agree_with_the_model)
{
	enum quic_space_id probe;
	u32 round, step, persistents = 0, losses = 0;
	u64 i, dark;

	for (round = 0; round < 300; round++) {
		/* from microseconds to seconds between events */
		u32 pace = 10 + unit_rand_below(20);

		world_init(true);
		memset(&model, 0, sizeof(model));
		model.largest_acked = QUIC_PN_NONE;
		for (step = 0; step < 120; step++) {
			unit_case("round %u step %u", round, step);
			w.now += unit_rand_bits(pace);
			/* nothing gets through for a while, at times */
			dark = unit_rand_below(20) ? 0 :
			       quic_rtt_pto(&w.r.rtt, true);
			for (i = unit_rand_bits(4); i; i--) {
				model_send();
				w.now += unit_rand_bits(pace) / 4 + dark;
			}
			if (model.n && unit_rand_below(3))
				random_ack(dark);
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
	EXPECT(persistents > 100);
	EXPECT(losses > 1000);
}
