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
 * Of the draft there are left out: the undoing of losses that were spurious
 * (5.5.11), and what its TCP needs without SACK.  A CE mark counts as a loss,
 * as RFC 9002 wants.  What is random comes from the connection's number, so
 * that equal events make equal windows.
 */
#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/limits.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/time64.h>

#include "cc.h"

#define LOSS_THRESH	2			/* percent of a flight */
#define BETA		70
#define HEADROOM	15
#define PACING_MARGIN	1
#define STARTUP_GAIN	277
#define FULL_BW_ROUNDS	3
#define FULL_BW_GROWTH	125
#define STARTUP_LOSSES	6			/* ranges per round trip */
#define DRAIN_ROUNDS	3
#define MIN_PACKETS	4
#define PROBE_WAIT	(2 * NSEC_PER_SEC)	/* and up to a second more */
#define RENO_ROUNDS	63
#define PROBE_RTT_EVERY	(5 * NSEC_PER_SEC)
#define PROBE_RTT_TIME	(200 * NSEC_PER_MSEC)
#define MIN_RTT_WINDOW	(10 * NSEC_PER_SEC)
#define EXTRA_ROUNDS	5			/* of each of two windows */
#define QUANTUM_MAX	65536
#define UP_ROUNDS_MAX	30
/* No path is beyond these: products stay inside 64 bits. */
#define BW_MAX		BIT_ULL(40)
#define RTT_MAX		BIT_ULL(36)

enum { STARTUP, DRAIN, DOWN, CRUISE, REFILL, UP, PROBE_RTT };

struct bbr {
	u64 max_bw[2];		/* in the last cycle of probing, and in this */
	u64 bw_short;		/* U64_MAX: none; so the other bounds */
	u64 bw_latest;		/* most in this round trip */
	u64 full_bw;		/* what growth is measured against */
	u64 inflight_long;
	u64 inflight_short;
	u64 inflight_latest;
	u64 extra[2];		/* most acknowledged in excess, likewise two */
	u64 extra_start;
	u64 extra_acked;
	u64 min_rtt;		/* U64_MAX: none yet */
	u64 min_rtt_stamp;
	u64 probe_min;		/* since the last PROBE_RTT */
	u64 probe_stamp;
	u64 probe_done;		/* when PROBE_RTT ends; 0: not known yet */
	u64 cycle_stamp;
	u64 prior_cwnd;
	u64 delivered;		/* as of the last event */
	u64 lost;
	u64 next_round;		/* a packet sent at that many delivered or more
				 * ends the round trip
				 */
	u64 loss_round;
	u64 limited_until;	/* samples of before count as limited */
	u64 up_every;		/* UP: bytes for each of growth; U64_MAX: none */
	u64 up_acked;
	u32 probe_wait;		/* us */
	u32 rounds;
	u32 probe_rounds;	/* since bandwidth was probed */
	u32 since;		/* round in which DRAIN, or extra[1], began */
	u32 lost_ranges;
	u8 state;
	u8 full_rounds;		/* without growth */
	u8 up_rounds;
	bool full_now;
	bool full_reached;
	bool idle_restart;
	bool probe_round_done;
	bool probe_expired;
	bool probing;		/* losses are of packets that probed ... */
	bool stopping;		/* ... until the end of this round trip, which
				 * ends a cycle
				 */
	bool round_start;
	bool loss_round_start;
	bool loss_in_round;
	bool collapsed;		/* the window was, by what comes next */
};

static_assert(sizeof(struct bbr) <= QUIC_CC_PRIV_WORDS * sizeof(u64));

static struct bbr *bbr(struct quic_cc *cc)
{
	return (struct bbr *)cc->priv;
}

static u64 percent(u64 value, u32 gain)
{
	return div_u64(value * gain, 100);
}

static u32 mix(u64 a, u64 b)
{
	u64 x = (a + 1) * 0x9e3779b97f4a7c15ULL ^ b;

	x = (x ^ x >> 32) * 0xd6e8feb86659fd93ULL;
	return x >> 32;
}

static bool in_probe_bw(const struct bbr *b)
{
	return b->state >= DOWN && b->state <= UP;
}

static bool is_accelerating(const struct bbr *b)
{
	return b->state == STARTUP || b->state == REFILL || b->state == UP;
}

/* 5.6.1 */
static u32 pacing_gain(const struct bbr *b)
{
	switch (b->state) {
	case STARTUP:
		return STARTUP_GAIN;
	case DRAIN:
		return 50;
	case DOWN:
		return 90;
	case UP:
		return 125;
	}
	return 100;
}

static u32 cwnd_gain(const struct bbr *b)
{
	return b->state == UP ? 225 : b->state == PROBE_RTT ? 50 : 200;
}

/* ---- volumes: 5.6.4.2 -------------------------------------------------------- */

static u64 max_bw(const struct bbr *b)
{
	return max(b->max_bw[0], b->max_bw[1]);
}

static u64 bdp(struct quic_cc *cc, u64 bw)
{
	const struct bbr *b = bbr(cc);

	if (b->min_rtt == U64_MAX)
		return quic_cc_initial_window(cc->mss);
	return mul_u64_u64_div_u64(bw, b->min_rtt, NSEC_PER_SEC);
}

static u64 bdp_now(struct quic_cc *cc)
{
	const struct bbr *b = bbr(cc);

	return bdp(cc, min(max_bw(b), b->bw_short));
}

static u64 floor_of(const struct quic_cc *cc)
{
	return MIN_PACKETS * (u64)cc->mss;
}

/* Two trains: one waits for its departure while the peer gathers another. */
static u64 with_quanta(struct quic_cc *cc, u64 volume)
{
	u64 quantum = clamp_t(u64, div_u64(cc->pacing_rate, 1000),
			      2 * cc->mss, QUANTUM_MAX);

	volume = max3(volume, 2 * quantum, floor_of(cc));
	if (bbr(cc)->state == UP)
		volume += 2 * cc->mss;
	return volume;
}

/* What we want there, unless the window is narrower. */
static u64 target(struct quic_cc *cc)
{
	return min(bdp_now(cc), cc->cwnd);
}

static u64 with_headroom(struct quic_cc *cc)
{
	const struct bbr *b = bbr(cc);
	u64 room;

	if (b->inflight_long == U64_MAX)
		return U64_MAX;
	room = max_t(u64, cc->mss, percent(b->inflight_long, HEADROOM));
	return max(b->inflight_long - min(room, b->inflight_long),
		   floor_of(cc));
}

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

/* 5.3.3.5: losses that this causes hurt others: not all at once. */
static void start_down(struct quic_cc *cc, u64 now)
{
	struct bbr *b = bbr(cc);
	u32 random = mix(cc->number, b->delivered);

	b->loss_in_round = false;
	b->bw_latest = 0;
	b->inflight_latest = 0;
	b->up_every = U64_MAX;
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
	b->stopping = false;
	start_round(b);
	b->state = REFILL;
}

/* The bound grows by one packet in the first round, two in the second, ... */
static void raise_slope(struct quic_cc *cc)
{
	struct bbr *b = bbr(cc);
	u64 growth = (u64)cc->mss << b->up_rounds;

	b->up_rounds = min(b->up_rounds + 1, UP_ROUNDS_MAX);
	b->up_every = max(div64_u64(cc->cwnd, growth), 1ULL);
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

static void leave_probe_rtt(struct quic_cc *cc, u64 now)
{
	struct bbr *b = bbr(cc);

	b->probe_stamp = now;
	cc->cwnd = max(cc->cwnd, b->prior_cwnd);
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
	if (!limited)
		b->inflight_long = max(in_flight, percent(target(cc), BETA));
	if (b->state == UP)
		start_down(cc, now);
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
	b->extra[1] = max(b->extra[1], extra);
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

/* ---- PROBE_BW: 5.3.3.6 -------------------------------------------------------------- */

/* Was the window what held the sender back?  It waits for room for a train, at
 * most a quarter of the window (tx/sched.c).
 */
static bool is_cwnd_limited(const struct quic_cc *cc,
			    const struct quic_cc_ack *ack)
{
	return !ack->app_limited &&
	       ack->prior_in_flight + cc->cwnd / 4 >= cc->cwnd;
}

static void grow_inflight_long(struct quic_cc *cc,
			       const struct quic_cc_ack *ack)
{
	struct bbr *b = bbr(cc);
	u64 delta;

	if (!is_cwnd_limited(cc, ack) || cc->cwnd < b->inflight_long)
		return;
	b->up_acked += ack->acked;
	if (b->up_acked >= b->up_every) {
		delta = div64_u64(b->up_acked, b->up_every);
		b->up_acked -= delta * b->up_every;
		b->inflight_long += delta;
	}
	if (b->round_start)
		raise_slope(cc);
}

static void adapt_long_term(struct quic_cc *cc, const struct quic_cc_ack *ack)
{
	struct bbr *b = bbr(cc);

	/* One round trip after probing: that was the best of its cycle.  If
	 * PROBE_RTT came between, or want of data, a later one does: or a link
	 * that has become slower would not be believed.
	 */
	if (b->round_start && b->stopping) {
		b->probing = false;
		if (in_probe_bw(b) && !is_limited(b, ack) && b->max_bw[1]) {
			b->max_bw[0] = b->max_bw[1];
			b->max_bw[1] = 0;
			b->stopping = false;
		}
	}
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
		if (is_time_to_go_down(cc, ack))
			start_down(cc, ack->now);
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
		b->state = PROBE_RTT;
		b->prior_cwnd = cc->cwnd;
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
		return;
	}
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
