/* SPDX-License-Identifier: GPL-2.0 */
/*
 * BBR's model of a path: what is known of it, in the private words of a struct
 * quic_cc, and the volumes that follow.  Rates are bytes per second, volumes
 * bytes, times nanoseconds, gains percent; sections are those of
 * draft-ietf-ccwg-bbr-05.
 */
#ifndef KQUIC_RECOVERY_CC_BBR_H
#define KQUIC_RECOVERY_CC_BBR_H

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
#define SHORT_RTT	(2 * NSEC_PER_MSEC)
/* No path is beyond these: products stay inside 64 bits. */
#define BW_MAX		BIT_ULL(40)
#define RTT_MAX		BIT_ULL(36)

enum { STARTUP, DRAIN, DOWN, CRUISE, REFILL, UP, PROBE_RTT, NO_STATE };

struct bbr {
	u64 max_bw[2];		/* in the last cycle of probing, and in this */
	u64 bw_short;		/* U64_MAX: none; so the other bounds */
	u64 bw_latest;		/* most in this round trip */
	u64 full_bw;		/* what growth is measured against */
	u64 inflight_long;
	u64 inflight_short;
	u64 inflight_latest;
	u64 undo_bw_short;	/* what they were before the last losses */
	u64 undo_inflight_long;
	u64 undo_inflight_short;
	u64 extra_start;
	u64 extra_acked;
	u64 min_rtt;		/* U64_MAX: none yet */
	u64 min_rtt_stamp;
	u64 probe_min;		/* since the last PROBE_RTT */
	u64 probe_stamp;
	u64 probe_done;		/* when PROBE_RTT ends; 0: not known yet */
	u64 cycle_stamp;
	u64 delivered;		/* as of the last event */
	u64 lost;
	u64 next_round;		/* a packet sent at that many delivered or more
				 * ends the round trip
				 */
	u64 loss_round;
	u64 up_acked;		/* UP: times growth, what was not enough for a byte */
	u64 limited_until;	/* samples of before count as limited */
	u32 up_window;		/* UP: when this round trip began */
	u32 probe_wait;		/* us */
	u32 rounds;
	u32 probe_rounds;	/* since bandwidth was probed */
	u32 since;		/* round in which DRAIN, or extra[1], began */
	u32 lost_ranges;
	u32 extra[2];		/* most acknowledged in excess, in two windows */
	u32 prior_cwnd;	/* before the last losses, or PROBE_RTT */
	u8 state;
	u8 undo_state;		/* that the last losses ended, or NO_STATE */
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
	bool too_high;		/* the last probe ended by losses ... */
	bool cautious;		/* ... so this time it ended before there were any */
	bool recovering;	/* until a packet sent after the loss arrives */
	bool collapsed;		/* the window was, by what comes next */
};

static_assert(sizeof(struct bbr) <= QUIC_CC_PRIV_WORDS * sizeof(u64));

static inline struct bbr *bbr(struct quic_cc *cc)
{
	return (struct bbr *)cc->priv;
}

static inline u64 percent(u64 value, u32 gain)
{
	return div_u64(value * gain, 100);
}

static inline u32 mix(u64 a, u64 b)
{
	u64 x = (a + 1) * 0x9e3779b97f4a7c15ULL ^ b;

	x = (x ^ x >> 32) * 0xd6e8feb86659fd93ULL;
	return x >> 32;
}

static inline bool in_probe_bw(const struct bbr *b)
{
	return b->state >= DOWN && b->state <= UP;
}

static inline bool is_accelerating(const struct bbr *b)
{
	return b->state == STARTUP || b->state == REFILL || b->state == UP;
}

/* 5.6.1 */
static inline u32 pacing_gain(const struct bbr *b)
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

static inline u32 cwnd_gain(const struct bbr *b)
{
	return b->state == UP ? 225 : b->state == PROBE_RTT ? 50 : 200;
}

/* ---- volumes: 5.6.4.2 -------------------------------------------------------- */

static inline u64 max_bw(const struct bbr *b)
{
	return max(b->max_bw[0], b->max_bw[1]);
}

static inline u64 bdp(struct quic_cc *cc, u64 bw)
{
	const struct bbr *b = bbr(cc);

	if (b->min_rtt == U64_MAX)
		return quic_cc_initial_window(cc->mss);
	return mul_u64_u64_div_u64(bw, b->min_rtt, NSEC_PER_SEC);
}

static inline u64 bdp_now(struct quic_cc *cc)
{
	const struct bbr *b = bbr(cc);

	return bdp(cc, min(max_bw(b), b->bw_short));
}

static inline u64 floor_of(const struct quic_cc *cc)
{
	return MIN_PACKETS * (u64)cc->mss;
}

/* 5.6.3 */
static inline u64 quantum(const struct quic_cc *cc)
{
	return clamp_t(u64, div_u64(cc->pacing_rate, 1000), 2 * cc->mss,
		       QUANTUM_MAX);
}

/* The sender waits until one fits into the window (tx/sched.c); on short paths
 * it takes no heed of time (tx/pace.c).
 */
static inline u64 train(struct quic_cc *cc)
{
	u64 most = bbr(cc)->min_rtt < SHORT_RTT ? QUANTUM_MAX : quantum(cc);

	return min(most, cc->cwnd / 4);
}

/* Two trains: one waits for its departure while the peer gathers another. */
static inline u64 with_quanta(struct quic_cc *cc, u64 volume)
{
	volume = max3(volume, 2 * quantum(cc), floor_of(cc));
	if (bbr(cc)->state == UP)
		volume += 2 * cc->mss;
	return volume;
}

/* What we want there, unless the window is narrower. */
static inline u64 target(struct quic_cc *cc)
{
	return min(bdp_now(cc), cc->cwnd);
}

static inline u64 with_headroom(struct quic_cc *cc)
{
	const struct bbr *b = bbr(cc);
	u64 room;

	if (b->inflight_long == U64_MAX)
		return U64_MAX;
	room = max_t(u64, cc->mss, percent(b->inflight_long, HEADROOM));
	return max(b->inflight_long - min(room, b->inflight_long),
		   floor_of(cc));
}

#endif
