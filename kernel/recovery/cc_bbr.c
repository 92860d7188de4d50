// SPDX-License-Identifier: GPL-2.0
/*
 * BBR, version 3: a model of the path, made of the rate and the volume that it
 * delivered, says how fast to send and how much to keep in flight.
 *
 * Owns:	the private words of its struct quic_cc.
 * Called from:	recovery/cc.c.
 * Context:	softirq or process; pure.
 * Locks:	socket lock.
 * RFC:		draft-ietf-ccwg-bbr-05; sections below are its.
 *
 * Rates are bytes per second, volumes bytes, times nanoseconds, gains percent.
 * Where it does other than the draft, and why, is in docs/bbr.md.  What is random
 * comes from the connection's number, so that equal events make equal windows.
 */
#include <linux/limits.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/time64.h>

#include "cc_bbr.h"

/* ---- states ------------------------------------------------------------------- */

static void start_round(struct bbr *b)
{
	b->next_round = b->delivered;
}

static void reset_full_bw(struct bbr *b, u64 rate)
{
	b->full_bw = rate;
	b->full_rounds = 0;
	b->full_now = false;
}

static void reset_short_term(struct bbr *b)
{
	b->bw_short = U64_MAX;
	b->inflight_short = U64_MAX;
}

/* 5.3.3, PickProbeWait: losses that this causes hurt others: not all at once. */
static void start_down(struct quic_cc *cc, u64 now)
{
	struct bbr *b = bbr(cc);
	u32 random = mix(cc->number, b->delivered);

	b->loss_in_round = false;
	b->bw_latest = 0;
	b->inflight_latest = 0;
	b->probe_rounds = random & 1;
	b->probe_wait = random % USEC_PER_SEC;
	b->cycle_stamp = now;
	b->stopping = true;
	start_round(b);
	b->state = DOWN;
}

static void start_refill(struct bbr *b)
{
	reset_short_term(b);
	b->up_rounds = 0;
	b->up_acked = 0;
	b->cautious = false;
	b->stopping = false;
	start_round(b);
	b->state = REFILL;
}

/* The bound grows by one packet in the first round, two in the second, ... */
static void raise_slope(struct quic_cc *cc)
{
	struct bbr *b = bbr(cc);

	b->up_window = cc->cwnd;
	b->up_rounds = min(b->up_rounds + 1, UP_ROUNDS_MAX);
}

static void start_up(struct quic_cc *cc, u64 rate)
{
	struct bbr *b = bbr(cc);

	b->probing = true;
	start_round(b);
	reset_full_bw(b, rate);
	b->state = UP;
	raise_slope(cc);
}

/* 5.6.4.4: the last one that neither losses nor PROBE_RTT had narrowed. */
static void save_cwnd(struct quic_cc *cc)
{
	struct bbr *b = bbr(cc);

	if (b->recovering || b->state == PROBE_RTT)
		b->prior_cwnd = max_t(u64, b->prior_cwnd, cc->cwnd);
	else
		b->prior_cwnd = cc->cwnd;
}

static void restore_cwnd(struct quic_cc *cc)
{
	cc->cwnd = max_t(u64, cc->cwnd, bbr(cc)->prior_cwnd);
}

static void leave_probe_rtt(struct quic_cc *cc, u64 now)
{
	struct bbr *b = bbr(cc);

	b->probe_stamp = now;
	restore_cwnd(cc);
	reset_short_term(b);
	if (b->full_reached) {
		start_down(cc, now);
		b->state = CRUISE;
	} else {
		b->state = STARTUP;
	}
}

/* ---- losses: 5.5.10 ------------------------------------------------------------- */

static void note_loss(struct bbr *b)
{
	if (!b->loss_in_round)
		b->loss_round = b->delivered;
	b->loss_in_round = true;
}

static bool is_too_much(u64 lost, u64 in_flight)
{
	return lost > percent(in_flight, LOSS_THRESH);
}

/* Once for each time that bandwidth is probed. */
static void inflight_too_high(struct quic_cc *cc, u64 in_flight, bool limited,
			      u64 now)
{
	struct bbr *b = bbr(cc);

	b->probing = false;
	b->too_high = true;
	if (!limited)
		b->inflight_long = max(in_flight, percent(target(cc), BETA));
	if (b->state == UP) {
		b->undo_state = UP;
		start_down(cc, now);
	}
}

/* How much of what was lost at once, the last @size of @lost bytes, was too much
 * for @in_flight?  Then that is what the path holds.
 */
static u64 inflight_at_loss(u64 in_flight, u64 lost, u64 size)
{
	u64 before = in_flight - min(size, in_flight);
	u64 may = percent(before, LOSS_THRESH);
	u64 had = lost - min(size, lost);

	if (had >= may)
		return before;
	return before + div_u64((may - had) * 100, 100 - LOSS_THRESH);
}

static void on_losses(struct quic_cc *cc, const struct quic_cc_ack *ack)
{
	const struct quic_cc_flight *f = &ack->newest_lost;
	struct bbr *b = bbr(cc);
	u64 lost = ack->lost - f->lost;

	note_loss(b);
	if (!b->probing || !f->in_flight || !is_too_much(lost, f->in_flight))
		return;
	inflight_too_high(cc, inflight_at_loss(f->in_flight, lost,
					       ack->lost - b->lost),
			  f->app_limited, ack->now);
}

/* Once in a round trip with losses, while not probing. */
static void adapt_lower_bounds(struct quic_cc *cc)
{
	struct bbr *b = bbr(cc);

	if (is_accelerating(b) || !b->loss_in_round)
		return;
	if (b->bw_short == U64_MAX)
		b->bw_short = max_bw(b);
	if (b->inflight_short == U64_MAX)
		b->inflight_short = cc->cwnd;
	b->bw_short = max(b->bw_latest, percent(b->bw_short, BETA));
	b->inflight_short = max(b->inflight_latest,
				percent(b->inflight_short, BETA));
}

/* 5.5.11.1 */
static void save_for_undo(struct quic_cc *cc)
{
	struct bbr *b = bbr(cc);

	save_cwnd(cc);
	b->undo_state = NO_STATE;
	b->undo_bw_short = b->bw_short;
	b->undo_inflight_long = b->inflight_long;
	b->undo_inflight_short = b->inflight_short;
}

/* 5.5.11.2: none of these packets was lost. */
static void undo_losses(struct quic_cc *cc)
{
	struct bbr *b = bbr(cc);

	restore_cwnd(cc);
	b->loss_in_round = false;
	reset_full_bw(b, 0);
	b->bw_short = max(b->bw_short, b->undo_bw_short);
	b->inflight_long = max(b->inflight_long, b->undo_inflight_long);
	b->inflight_short = max(b->inflight_short, b->undo_inflight_short);
	if (b->undo_state == STARTUP && b->state != STARTUP) {
		b->full_reached = false;
		if (b->state != PROBE_RTT)
			b->state = STARTUP;
	} else if (b->undo_state == UP && b->state != UP &&
		   b->state != PROBE_RTT) {
		start_refill(b);
	}
	b->undo_state = NO_STATE;
}

/* ---- the model ------------------------------------------------------------------- */

static u64 rate_of(const struct quic_cc_ack *ack)
{
	return min(ack->rate, BW_MAX);
}

static bool is_limited(const struct bbr *b, const struct quic_cc_ack *ack)
{
	return ack->newest.app_limited ||
	       ack->newest.delivered < b->limited_until;
}

/* 5.5.1, 5.5.5, 5.5.10.3 */
static void update_signals(struct quic_cc *cc, const struct quic_cc_ack *ack)
{
	u64 rate = rate_of(ack), got = ack->delivered - ack->newest.delivered;
	struct bbr *b = bbr(cc);

	b->bw_latest = max(b->bw_latest, rate);
	b->inflight_latest = max(b->inflight_latest, got);
	b->loss_round_start = ack->newest.delivered >= b->loss_round;
	if (b->loss_round_start)
		b->loss_round = ack->delivered;

	b->round_start = ack->newest.delivered >= b->next_round;
	if (b->round_start) {
		start_round(b);
		b->rounds++;
		b->probe_rounds++;
	}
	if (rate && (rate >= max_bw(b) || !is_limited(b, ack)))
		b->max_bw[1] = max(b->max_bw[1], rate);
	if (b->loss_round_start)
		adapt_lower_bounds(cc);
}

/* 5.5.9 */
static void update_extra_acked(struct quic_cc *cc,
			       const struct quic_cc_ack *ack)
{
	struct bbr *b = bbr(cc);
	u64 bw = min(max_bw(b), b->bw_short), expected, extra;

	expected = mul_u64_u64_div_u64(bw, min(ack->now - b->extra_start,
					       RTT_MAX), NSEC_PER_SEC);
	if (b->extra_acked <= expected) {
		b->extra_acked = 0;
		b->extra_start = ack->now;
		expected = 0;
	}
	b->extra_acked += ack->acked;
	extra = min(b->extra_acked - expected, cc->cwnd);
	/* Of ten round trips; in STARTUP of one. */
	if (b->round_start && b->state != DRAIN &&
	    b->rounds - b->since >= (b->full_reached ? EXTRA_ROUNDS : 1)) {
		b->since = b->rounds;
		b->extra[0] = b->full_reached ? b->extra[1] : 0;
		b->extra[1] = 0;
	}
	b->extra[1] = max_t(u64, b->extra[1], extra);
}

/* 5.3.1.2 */
static void check_full_bw(struct bbr *b, const struct quic_cc_ack *ack)
{
	u64 rate = rate_of(ack);

	if (b->full_now || !b->round_start || !rate || is_limited(b, ack))
		return;
	if (rate >= percent(b->full_bw, FULL_BW_GROWTH)) {
		reset_full_bw(b, rate);
		return;
	}
	if (++b->full_rounds < FULL_BW_ROUNDS)
		return;
	b->full_now = true;
	b->full_reached = true;
}

/* 5.3.1.3 */
static void check_startup_loss(struct quic_cc *cc,
			       const struct quic_cc_ack *ack)
{
	struct bbr *b = bbr(cc);

	if (b->full_reached || !b->loss_round_start)
		return;
	if (b->loss_in_round &&
	    ack->lost_ranges - b->lost_ranges >= STARTUP_LOSSES &&
	    is_too_much(ack->lost - ack->newest.lost, ack->newest.in_flight)) {
		b->undo_state = STARTUP;
		b->full_reached = true;
		b->inflight_long = max(bdp(cc, max_bw(b)), b->inflight_latest);
	}
	b->lost_ranges = ack->lost_ranges;
}

/* 5.3.1, 5.3.2 */
static void check_startup_done(struct quic_cc *cc,
			       const struct quic_cc_ack *ack)
{
	struct bbr *b = bbr(cc);

	check_startup_loss(cc, ack);
	if (b->state == STARTUP && b->full_reached) {
		b->state = DRAIN;
		b->since = b->rounds;
	}
	if (b->state == DRAIN &&
	    (ack->in_flight <= with_quanta(cc, bdp_now(cc)) ||
	     b->rounds - b->since > DRAIN_ROUNDS))
		start_down(cc, ack->now);
}

/* ---- PROBE_BW: 5.3.3 ---------------------------------------------------------------- */

/* Was the window what held the sender back?  It waits for room for a train, at
 * most a quarter of the window (tx/sched.c).
 */
static bool is_cwnd_limited(const struct quic_cc *cc,
			    const struct quic_cc_ack *ack)
{
	return !ack->app_limited &&
	       ack->prior_in_flight + cc->cwnd / 4 >= cc->cwnd;
}

/* Evenly over the round trip, and by no more than is acknowledged. */
static void grow_inflight_long(struct quic_cc *cc,
			       const struct quic_cc_ack *ack)
{
	struct bbr *b = bbr(cc);
	u64 growth = min_t(u64, (u64)cc->mss << (b->up_rounds - 1),
			   b->up_window);
	u64 delta;

	if (!is_cwnd_limited(cc, ack) || cc->cwnd < b->inflight_long)
		return;
	b->up_acked += ack->acked * growth;
	delta = div_u64(b->up_acked, b->up_window);
	b->up_acked -= delta * b->up_window;
	b->inflight_long += delta;
	if (b->round_start)
		raise_slope(cc);
}

/* One round trip after probing: that was the best of its cycle.  If PROBE_RTT
 * came between, or want of data, a later one does: or a link that has become
 * slower would not be believed.  True: what was reached with caution did no
 * harm, so it is probed again at once.
 */
static bool end_cycle(struct quic_cc *cc, const struct quic_cc_ack *ack)
{
	struct bbr *b = bbr(cc);

	if (!b->round_start || !b->stopping)
		return false;
	b->probing = false;
	if (!in_probe_bw(b))
		return false;
	if (!is_limited(b, ack) && b->max_bw[1]) {
		b->max_bw[0] = b->max_bw[1];
		b->max_bw[1] = 0;
		b->stopping = false;
	}
	if (!b->cautious || b->too_high)
		return false;
	start_refill(b);
	return true;
}

static void adapt_long_term(struct quic_cc *cc, const struct quic_cc_ack *ack)
{
	struct bbr *b = bbr(cc);

	if (b->inflight_long == U64_MAX ||
	    is_too_much(ack->lost - ack->newest.lost, ack->newest.in_flight))
		return;
	b->inflight_long = max(b->inflight_long, ack->newest.in_flight);
	if (b->state == UP)
		grow_inflight_long(cc, ack);
}

static bool is_time_to_probe(struct quic_cc *cc, u64 now)
{
	const struct bbr *b = bbr(cc);
	u64 wait = PROBE_WAIT + b->probe_wait * (u64)NSEC_PER_USEC;

	return now > b->cycle_stamp + wait ||
	       b->probe_rounds >= min_t(u64, div_u64(target(cc), cc->mss),
					RENO_ROUNDS);
}

static bool is_time_to_cruise(struct quic_cc *cc, u64 in_flight)
{
	return in_flight <= with_headroom(cc) &&
	       in_flight <= with_quanta(cc, bdp(cc, max_bw(bbr(cc))));
}

static bool is_time_to_go_down(struct quic_cc *cc,
			       const struct quic_cc_ack *ack)
{
	struct bbr *b = bbr(cc);

	/* "Precautionary Bandwidth Probing": so much was too much the last
	 * time, do not stay.
	 */
	if (b->too_high &&
	    ack->prior_in_flight + train(cc) >= b->inflight_long) {
		b->cautious = true;
		return true;
	}
	if (is_cwnd_limited(cc, ack) && cc->cwnd >= b->inflight_long)
		reset_full_bw(b, rate_of(ack));
	else if (b->full_now)
		return true;
	return false;
}

static void update_cycle(struct quic_cc *cc, const struct quic_cc_ack *ack)
{
	struct bbr *b = bbr(cc);

	if (!b->full_reached)
		return;
	if (end_cycle(cc, ack))
		return;
	adapt_long_term(cc, ack);
	switch (b->state) {
	case DOWN:
	case CRUISE:
		if (is_time_to_probe(cc, ack->now))
			start_refill(b);
		else if (b->state == DOWN &&
			 is_time_to_cruise(cc, ack->in_flight))
			b->state = CRUISE;
		break;
	case REFILL:
		if (b->round_start)
			start_up(cc, rate_of(ack));
		break;
	case UP:
		if (is_time_to_go_down(cc, ack)) {
			b->too_high = false;
			start_down(cc, ack->now);
		}
		break;
	}
}

/* ---- PROBE_RTT: 5.3.4.3 --------------------------------------------------------------- */

static void update_min_rtt(struct bbr *b, const struct quic_cc_ack *ack)
{
	u64 rtt = min(ack->latest_rtt, RTT_MAX);

	b->probe_expired = ack->now > b->probe_stamp + PROBE_RTT_EVERY;
	if (rtt && (rtt < b->probe_min || b->probe_expired)) {
		b->probe_min = rtt;
		b->probe_stamp = ack->now;
	}
	if (b->probe_min < b->min_rtt ||
	    ack->now > b->min_rtt_stamp + MIN_RTT_WINDOW) {
		b->min_rtt = b->probe_min;
		b->min_rtt_stamp = b->probe_stamp;
	}
}

static u64 probe_rtt_cwnd(struct quic_cc *cc)
{
	return max(percent(bdp_now(cc), 50), floor_of(cc));
}

static void probe_rtt(struct quic_cc *cc, const struct quic_cc_ack *ack)
{
	struct bbr *b = bbr(cc);

	/* What comes of so little in flight is no measure of the path. */
	b->limited_until = ack->delivered + ack->in_flight;
	if (!b->probe_done) {
		if (ack->in_flight > probe_rtt_cwnd(cc))
			return;
		b->probe_done = ack->now + PROBE_RTT_TIME;
		b->probe_round_done = false;
		start_round(b);
		return;
	}
	if (b->round_start)
		b->probe_round_done = true;
	if (b->probe_round_done && ack->now > b->probe_done)
		leave_probe_rtt(cc, ack->now);
}

static void check_probe_rtt(struct quic_cc *cc, const struct quic_cc_ack *ack)
{
	struct bbr *b = bbr(cc);

	if (b->state != PROBE_RTT && b->probe_expired && !b->idle_restart) {
		save_cwnd(cc);
		b->state = PROBE_RTT;
		b->probe_done = 0;
		b->stopping = true;
		start_round(b);
	}
	if (b->state == PROBE_RTT)
		probe_rtt(cc, ack);
	b->idle_restart = false;
}

/* ---- what follows for the sender: 5.6 ----------------------------------------------- */

static void set_pacing(struct quic_cc *cc, u32 gain, u64 srtt)
{
	const struct bbr *b = bbr(cc);
	u64 bw = min(max_bw(b), b->bw_short), rate;

	if (!bw && !srtt)
		return;
	/* Not known yet: what the window would be. */
	if (!bw)
		bw = mul_u64_u64_div_u64(quic_cc_initial_window(cc->mss),
					 NSEC_PER_SEC,
					 max_t(u64, srtt, NSEC_PER_USEC));
	rate = div_u64(percent(bw, gain) * (100 - PACING_MARGIN), 100);
	if (b->full_reached || rate > cc->pacing_rate)
		cc->pacing_rate = max(rate, 1ULL);
}

static void set_cwnd(struct quic_cc *cc, const struct quic_cc_ack *ack)
{
	struct bbr *b = bbr(cc);
	u64 most = percent(bdp_now(cc), cwnd_gain(b)) +
		   max(b->extra[0], b->extra[1]);
	u64 grow = b->collapsed ? 0 : ack->acked;
	u64 cap = U64_MAX;

	b->collapsed = false;
	most = with_quanta(cc, most);
	if (b->full_reached)
		cc->cwnd = min(cc->cwnd + grow, most);
	else if (cc->cwnd < most ||
		 ack->delivered < quic_cc_initial_window(cc->mss))
		cc->cwnd += grow;
	if (b->state == PROBE_RTT)
		cc->cwnd = min(cc->cwnd, probe_rtt_cwnd(cc));

	/* 5.6.4.7 */
	if (b->state == CRUISE || b->state == PROBE_RTT)
		cap = with_headroom(cc);
	else if (in_probe_bw(b))
		cap = b->inflight_long;
	cap = min(cap, b->inflight_short);
	cc->cwnd = max(min(cc->cwnd, cap), floor_of(cc));
}

/* ---- events ---------------------------------------------------------------------------- */

static void bbr_init(struct quic_cc *cc, u64 now)
{
	*bbr(cc) = (struct bbr){
		.bw_short = U64_MAX,
		.inflight_short = U64_MAX,
		.inflight_long = U64_MAX,
		.min_rtt = U64_MAX,
		.probe_min = U64_MAX,
		.min_rtt_stamp = now,
		.probe_stamp = now,
		.extra_start = now,
		.undo_state = NO_STATE,
	};
	cc->pacing_rate = 0;
}

static void bbr_on_acked(struct quic_cc *cc, const struct quic_cc_ack *ack)
{
	struct bbr *b = bbr(cc);

	/* It may not be the connection's first algorithm. */
	if (!b->delivered)
		b->lost = ack->newest.lost;
	b->delivered = ack->delivered;
	if (ack->lost > b->lost)
		on_losses(cc, ack);
	b->lost = ack->lost;
	if (ack->spurious)
		undo_losses(cc);
	if (b->recovering && ack->largest_sent_time > cc->recovery_start) {
		b->recovering = false;
		restore_cwnd(cc);
	}
	/* Without a memory of the packet there is no sample, of nothing. */
	if (ack->newest.in_flight) {
		update_signals(cc, ack);
		update_extra_acked(cc, ack);
		check_full_bw(b, ack);
		check_startup_done(cc, ack);
		update_cycle(cc, ack);
		update_min_rtt(b, ack);
		check_probe_rtt(cc, ack);
		if (b->loss_round_start) {
			b->loss_in_round = false;
			b->bw_latest = rate_of(ack);
			b->inflight_latest = ack->delivered -
					     ack->newest.delivered;
		}
	}
	set_pacing(cc, pacing_gain(b), ack->srtt);
	set_cwnd(cc, ack);
}

/* Losses are counted when the next ACK comes; here what else happened. */
static void bbr_on_lost(struct quic_cc *cc, const struct quic_cc_loss *loss)
{
	struct bbr *b = bbr(cc);

	/* What is acknowledged with it was sent before. */
	if (loss->persistent) {
		cc->cwnd = quic_cc_minimum_window(cc->mss);
		b->collapsed = true;
		b->recovering = false;
		return;
	}
	save_for_undo(cc);
	b->recovering = true;
	if (!loss->ecn)
		return;
	note_loss(b);
	if (b->probing)
		inflight_too_high(cc, loss->in_flight, false, loss->now);
}

/* 5.4.1 */
static void bbr_on_idle_restart(struct quic_cc *cc, u64 now)
{
	struct bbr *b = bbr(cc);

	b->idle_restart = true;
	b->extra_start = now;
	if (in_probe_bw(b))
		set_pacing(cc, 100, 0);
	else if (b->state == PROBE_RTT && b->probe_done && now > b->probe_done)
		leave_probe_rtt(cc, now);
}

const struct quic_congestion_ops quic_cc_bbr = {
	.name = "bbr",
	.flags = QUIC_CC_FLAG_RATE,
	.init = bbr_init,
	.on_acked = bbr_on_acked,
	.on_lost = bbr_on_lost,
	.on_idle_restart = bbr_on_idle_restart,
};
