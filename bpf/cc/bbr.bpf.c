// SPDX-License-Identifier: GPL-2.0
/*
 * BBR, version 3 (draft-ietf-ccwg-bbr-05): a model of the path, made of the
 * rate and the volume that it delivered, says how fast to send and how much to
 * keep in flight.
 *
 * Shows:	delivery rate samples (QUIC_CC_FLAG_RATE), pacing_rate as what
 *		controls, a state machine in the private words.
 * Good for:	the ground on which to try a change of BBR.  It computes what the
 *		module's own does, number by number; tests/unit/bpf_cc_test.c
 *		compares both.
 * Bad for:	anything, if unchanged: "bbr" is built in.  Paths where more than
 *		2 % is lost without congestion: that is too much for BBR.
 *
 * Rates are bytes per second, volumes bytes, times nanoseconds, gains percent;
 * numbers are sections of the draft.
 */
#include <quic/cc.h>

#define BIT_ULL(n)	(1ULL << (n))

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
#define PROBE_WAIT	(2 * QUIC_SEC)	/* and up to a second more */
#define RENO_ROUNDS	63
#define PROBE_RTT_EVERY	(5 * QUIC_SEC)
#define PROBE_RTT_TIME	(200 * QUIC_MSEC)
#define MIN_RTT_WINDOW	(10 * QUIC_SEC)
#define EXTRA_ROUNDS	5			/* of each of two windows */
#define QUANTUM_MAX	65536
#define UP_ROUNDS_MAX	30
/* No path is beyond these: products stay inside 64 bits. */
#define BW_MAX		BIT_ULL(40)
#define RTT_MAX		BIT_ULL(36)

enum { STARTUP, DRAIN, DOWN, CRUISE, REFILL, UP, PROBE_RTT };

struct bbr {
	__u64 max_bw[2];		/* in the last cycle of probing, and in this */
	__u64 bw_short;		/* QUIC_NONE: none; so the other bounds */
	__u64 bw_latest;		/* most in this round trip */
	__u64 full_bw;		/* what growth is measured against */
	__u64 inflight_long;
	__u64 inflight_short;
	__u64 inflight_latest;
	__u64 extra[2];		/* most acknowledged in excess, likewise two */
	__u64 extra_start;
	__u64 extra_acked;
	__u64 min_rtt;		/* QUIC_NONE: none yet */
	__u64 min_rtt_stamp;
	__u64 probe_min;		/* since the last PROBE_RTT */
	__u64 probe_stamp;
	__u64 probe_done;		/* when PROBE_RTT ends; 0: not known yet */
	__u64 cycle_stamp;
	__u64 prior_cwnd;
	__u64 delivered;		/* as of the last event */
	__u64 lost;
	__u64 next_round;		/* one sent at that many or more ends it */
	__u64 loss_round;
	__u64 limited_until;	/* samples of before count as limited */
	__u64 up_every;		/* UP: bytes for each of growth; QUIC_NONE: none */
	__u64 up_acked;
	__u32 probe_wait;		/* us */
	__u32 rounds;
	__u32 probe_rounds;	/* since bandwidth was probed */
	__u32 since;		/* round in which DRAIN, or extra[1], began */
	__u32 lost_ranges;
	__u8 state;
	__u8 full_rounds;		/* without growth */
	__u8 up_rounds;
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

static __always_inline struct bbr *bbr(struct quic_cc *cc)
{
	return QUIC_CC_PRIV(cc, struct bbr);
}

static __u64 percent(__u64 value, __u32 gain)
{
	return value * gain / 100;
}

static __u32 mix(__u64 a, __u64 b)
{
	__u64 x = (a + 1) * 0x9e3779b97f4a7c15ULL ^ b;

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
static __u32 pacing_gain(const struct bbr *b)
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

static __u32 cwnd_gain(const struct bbr *b)
{
	return b->state == UP ? 225 : b->state == PROBE_RTT ? 50 : 200;
}

/* ---- volumes: 5.6.4.2 -------------------------------------------------------- */

static __u64 max_bw(const struct bbr *b)
{
	return quic_max(b->max_bw[0], b->max_bw[1]);
}

static __u64 bdp(struct quic_cc *cc, __u64 bw)
{
	const struct bbr *b = bbr(cc);

	if (b->min_rtt == QUIC_NONE)
		return quic_cc_initial_window(cc->mss);
	return bpf_quic_muldiv(bw, b->min_rtt, QUIC_SEC);
}

static __u64 bdp_now(struct quic_cc *cc)
{
	const struct bbr *b = bbr(cc);

	return bdp(cc, quic_min(max_bw(b), b->bw_short));
}

static __u64 floor_of(const struct quic_cc *cc)
{
	return MIN_PACKETS * (__u64)cc->mss;
}

/* Two trains: one waits for its departure while the peer gathers another. */
static __u64 with_quanta(struct quic_cc *cc, __u64 volume)
{
	__u64 quantum = quic_clamp(cc->pacing_rate / 1000,
			      2 * cc->mss, QUANTUM_MAX);

	volume = quic_max(quic_max(volume, 2 * quantum), floor_of(cc));
	if (bbr(cc)->state == UP)
		volume += 2 * cc->mss;
	return volume;
}

/* What we want there, unless the window is narrower. */
static __u64 target(struct quic_cc *cc)
{
	return quic_min(bdp_now(cc), cc->cwnd);
}

static __u64 with_headroom(struct quic_cc *cc)
{
	const struct bbr *b = bbr(cc);
	__u64 room;

	if (b->inflight_long == QUIC_NONE)
		return QUIC_NONE;
	room = quic_max(cc->mss, percent(b->inflight_long, HEADROOM));
	return quic_max(b->inflight_long - quic_min(room, b->inflight_long),
		   floor_of(cc));
}

/* ---- states ------------------------------------------------------------------- */

static void start_round(struct bbr *b)
{
	b->next_round = b->delivered;
}

static void reset_full_bw(struct bbr *b, __u64 rate)
{
	b->full_bw = rate;
	b->full_rounds = 0;
	b->full_now = false;
}

static void reset_short_term(struct bbr *b)
{
	b->bw_short = QUIC_NONE;
	b->inflight_short = QUIC_NONE;
}

/* 5.3.3.5: losses that this causes hurt others: not all at once. */
static void start_down(struct quic_cc *cc, __u64 now)
{
	struct bbr *b = bbr(cc);
	__u32 random = mix(cc->number, b->delivered);

	b->loss_in_round = false;
	b->bw_latest = 0;
	b->inflight_latest = 0;
	b->up_every = QUIC_NONE;
	b->probe_rounds = random & 1;
	b->probe_wait = random % 1000000;
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
	__u64 growth = (__u64)cc->mss << b->up_rounds;

	b->up_rounds = quic_min(b->up_rounds + 1, UP_ROUNDS_MAX);
	b->up_every = quic_max(cc->cwnd / growth, 1ULL);
}

static void start_up(struct quic_cc *cc, __u64 rate)
{
	struct bbr *b = bbr(cc);

	b->probing = true;
	start_round(b);
	reset_full_bw(b, rate);
	b->state = UP;
	raise_slope(cc);
}

static void leave_probe_rtt(struct quic_cc *cc, __u64 now)
{
	struct bbr *b = bbr(cc);

	b->probe_stamp = now;
	cc->cwnd = quic_max(cc->cwnd, b->prior_cwnd);
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

static bool is_too_much(__u64 lost, __u64 in_flight)
{
	return lost > percent(in_flight, LOSS_THRESH);
}

/* Once for each time that bandwidth is probed. */
static void inflight_too_high(struct quic_cc *cc, __u64 in_flight, bool limited,
			      __u64 now)
{
	struct bbr *b = bbr(cc);

	b->probing = false;
	if (!limited)
		b->inflight_long = quic_max(in_flight, percent(target(cc), BETA));
	if (b->state == UP)
		start_down(cc, now);
}

/* How much of what was lost at once, the last @size of @lost bytes, was too much
 * for @in_flight?  Then that is what the path holds.
 */
static __u64 inflight_at_loss(__u64 in_flight, __u64 lost, __u64 size)
{
	__u64 before = in_flight - quic_min(size, in_flight);
	__u64 may = percent(before, LOSS_THRESH);
	__u64 had = lost - quic_min(size, lost);

	if (had >= may)
		return before;
	return before + (may - had) * 100 / (100 - LOSS_THRESH);
}

static void on_losses(struct quic_cc *cc, const struct quic_cc_ack *ack)
{
	const struct quic_cc_flight *f = &ack->newest_lost;
	struct bbr *b = bbr(cc);
	__u64 lost = ack->lost - f->lost;

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
	if (b->bw_short == QUIC_NONE)
		b->bw_short = max_bw(b);
	if (b->inflight_short == QUIC_NONE)
		b->inflight_short = cc->cwnd;
	b->bw_short = quic_max(b->bw_latest, percent(b->bw_short, BETA));
	b->inflight_short = quic_max(b->inflight_latest,
				     percent(b->inflight_short, BETA));
}

/* ---- the model ------------------------------------------------------------------- */

static __u64 rate_of(const struct quic_cc_ack *ack)
{
	return quic_min(ack->rate, BW_MAX);
}

static bool is_limited(const struct bbr *b, const struct quic_cc_ack *ack)
{
	return ack->newest.app_limited ||
	       ack->newest.delivered < b->limited_until;
}

/* 5.5.1, 5.5.5, 5.5.10.3 */
static void update_signals(struct quic_cc *cc, const struct quic_cc_ack *ack)
{
	__u64 rate = rate_of(ack), got = ack->delivered - ack->newest.delivered;
	struct bbr *b = bbr(cc);

	b->bw_latest = quic_max(b->bw_latest, rate);
	b->inflight_latest = quic_max(b->inflight_latest, got);
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
		b->max_bw[1] = quic_max(b->max_bw[1], rate);
	if (b->loss_round_start)
		adapt_lower_bounds(cc);
}

/* 5.5.9 */
static void update_extra_acked(struct quic_cc *cc,
			       const struct quic_cc_ack *ack)
{
	struct bbr *b = bbr(cc);
	__u64 bw = quic_min(max_bw(b), b->bw_short), expected, extra;

	expected = bpf_quic_muldiv(bw, quic_min(ack->now - b->extra_start,
						RTT_MAX), QUIC_SEC);
	if (b->extra_acked <= expected) {
		b->extra_acked = 0;
		b->extra_start = ack->now;
		expected = 0;
	}
	b->extra_acked += ack->acked;
	extra = quic_min(b->extra_acked - expected, cc->cwnd);
	/* Of ten round trips; in STARTUP of one. */
	if (b->round_start && b->state != DRAIN &&
	    b->rounds - b->since >= (b->full_reached ? EXTRA_ROUNDS : 1)) {
		b->since = b->rounds;
		b->extra[0] = b->full_reached ? b->extra[1] : 0;
		b->extra[1] = 0;
	}
	b->extra[1] = quic_max(b->extra[1], extra);
}

/* 5.3.1.2 */
static void check_full_bw(struct bbr *b, const struct quic_cc_ack *ack)
{
	__u64 rate = rate_of(ack);

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
		b->inflight_long = quic_max(bdp(cc, max_bw(b)), b->inflight_latest);
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
	__u64 delta;

	if (!is_cwnd_limited(cc, ack) || cc->cwnd < b->inflight_long)
		return;
	b->up_acked += ack->acked;
	if (b->up_acked >= b->up_every) {
		delta = b->up_acked / b->up_every;
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
	if (b->inflight_long == QUIC_NONE ||
	    is_too_much(ack->lost - ack->newest.lost, ack->newest.in_flight))
		return;
	b->inflight_long = quic_max(b->inflight_long, ack->newest.in_flight);
	if (b->state == UP)
		grow_inflight_long(cc, ack);
}

static bool is_time_to_probe(struct quic_cc *cc, __u64 now)
{
	const struct bbr *b = bbr(cc);
	__u64 wait = PROBE_WAIT + b->probe_wait * QUIC_USEC;

	return now > b->cycle_stamp + wait ||
	       b->probe_rounds >= quic_min(target(cc) / cc->mss,
					RENO_ROUNDS);
}

static bool is_time_to_cruise(struct quic_cc *cc, __u64 in_flight)
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
	__u64 rtt = quic_min(ack->latest_rtt, RTT_MAX);

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

static __u64 probe_rtt_cwnd(struct quic_cc *cc)
{
	return quic_max(percent(bdp_now(cc), 50), floor_of(cc));
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

static void set_pacing(struct quic_cc *cc, __u32 gain, __u64 srtt)
{
	const struct bbr *b = bbr(cc);
	__u64 bw = quic_min(max_bw(b), b->bw_short), rate;

	if (!bw && !srtt)
		return;
	/* Not known yet: what the window would be. */
	if (!bw)
		bw = bpf_quic_muldiv(quic_cc_initial_window(cc->mss),
				     QUIC_SEC, quic_max(srtt, QUIC_USEC));
	rate = percent(bw, gain) * (100 - PACING_MARGIN) / 100;
	if (b->full_reached || rate > cc->pacing_rate)
		cc->pacing_rate = quic_max(rate, 1ULL);
}

static void set_cwnd(struct quic_cc *cc, const struct quic_cc_ack *ack)
{
	struct bbr *b = bbr(cc);
	__u64 most = percent(bdp_now(cc), cwnd_gain(b)) +
		   quic_max(b->extra[0], b->extra[1]);
	__u64 grow = b->collapsed ? 0 : ack->acked;
	__u64 cap = QUIC_NONE;

	b->collapsed = false;
	most = with_quanta(cc, most);
	if (b->full_reached)
		cc->cwnd = quic_min(cc->cwnd + grow, most);
	else if (cc->cwnd < most ||
		 ack->delivered < quic_cc_initial_window(cc->mss))
		cc->cwnd += grow;
	if (b->state == PROBE_RTT)
		cc->cwnd = quic_min(cc->cwnd, probe_rtt_cwnd(cc));

	/* 5.6.4.7 */
	if (b->state == CRUISE || b->state == PROBE_RTT)
		cap = with_headroom(cc);
	else if (in_probe_bw(b))
		cap = b->inflight_long;
	cap = quic_min(cap, b->inflight_short);
	cc->cwnd = quic_max(quic_min(cc->cwnd, cap), floor_of(cc));
}

/* ---- events ---------------------------------------------------------------------------- */

QUIC_CC_OP(bbr_init, struct quic_cc *cc, __u64 now)
{
	struct bbr *b = bbr(cc);

	b->bw_short = QUIC_NONE;
	b->inflight_short = QUIC_NONE;
	b->inflight_long = QUIC_NONE;
	b->min_rtt = QUIC_NONE;
	b->probe_min = QUIC_NONE;
	b->min_rtt_stamp = now;
	b->probe_stamp = now;
	b->extra_start = now;
	cc->pacing_rate = 0;
}

QUIC_CC_OP(bbr_on_acked, struct quic_cc *cc, const struct quic_cc_ack *ack)
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
QUIC_CC_OP(bbr_on_lost, struct quic_cc *cc, const struct quic_cc_loss *loss)
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
QUIC_CC_OP(bbr_on_idle_restart, struct quic_cc *cc, __u64 now)
{
	struct bbr *b = bbr(cc);

	b->idle_restart = true;
	b->extra_start = now;
	if (in_probe_bw(b))
		set_pacing(cc, 100, 0);
	else if (b->state == PROBE_RTT && b->probe_done && now > b->probe_done)
		leave_probe_rtt(cc, now);
}

/* "bbr" is taken. */
QUIC_CC_DEFINE_LINK(bpf_bbr, .flags = QUIC_CC_FLAG_RATE,
		    .init = (void *)bbr_init,
		    .on_acked = (void *)bbr_on_acked,
		    .on_lost = (void *)bbr_on_lost,
		    .on_idle_restart = (void *)bbr_on_idle_restart);
