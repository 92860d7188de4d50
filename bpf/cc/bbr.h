/* SPDX-License-Identifier: GPL-2.0 */
/*
 * BBR's model of a path: what is known of it, in the private words of a
 * connection, and the volumes that follow.  Rates are bytes per second, volumes
 * bytes, times nanoseconds, gains percent; numbers are sections of
 * draft-ietf-ccwg-bbr-05.
 */
#ifndef QUIC_BBR_BPF_H
#define QUIC_BBR_BPF_H

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
#define SHORT_RTT	(2 * QUIC_MSEC)
/* No path is beyond these: products stay inside 64 bits. */
#define BW_MAX		BIT_ULL(40)
#define RTT_MAX		BIT_ULL(36)

enum { STARTUP, DRAIN, DOWN, CRUISE, REFILL, UP, PROBE_RTT, NO_STATE };

struct bbr {
	__u64 max_bw[2];		/* in the last cycle of probing, and in this */
	__u64 bw_short;		/* QUIC_NONE: none; so the other bounds */
	__u64 bw_latest;		/* most in this round trip */
	__u64 full_bw;		/* what growth is measured against */
	__u64 inflight_long;
	__u64 inflight_short;
	__u64 inflight_latest;
	__u64 undo_bw_short;	/* what they were before the last losses */
	__u64 undo_inflight_long;
	__u64 undo_inflight_short;
	__u64 extra_start;
	__u64 extra_acked;
	__u64 min_rtt;		/* QUIC_NONE: none yet */
	__u64 min_rtt_stamp;
	__u64 probe_min;		/* since the last PROBE_RTT */
	__u64 probe_stamp;
	__u64 probe_done;		/* when PROBE_RTT ends; 0: not known yet */
	__u64 cycle_stamp;
	__u64 delivered;		/* as of the last event */
	__u64 lost;
	__u64 next_round;		/* one sent at that many or more ends it */
	__u64 loss_round;
	__u64 up_acked;		/* UP: times growth, what was not enough for a byte */
	__u64 limited_until;	/* samples of before count as limited */
	__u32 up_window;		/* UP: when this round trip began */
	__u32 probe_wait;		/* us */
	__u32 rounds;
	__u32 probe_rounds;	/* since bandwidth was probed */
	__u32 since;		/* round in which DRAIN, or extra[1], began */
	__u32 lost_ranges;
	__u32 extra[2];		/* most acknowledged in excess, in two windows */
	__u32 prior_cwnd;	/* before the last losses, or PROBE_RTT */
	__u8 state;
	__u8 undo_state;		/* that the last losses ended, or NO_STATE */
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
	bool too_high;		/* the last probe ended by losses ... */
	bool cautious;		/* ... so this time it ended before there were any */
	bool recovering;	/* until a packet sent after the loss arrives */
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

/* 5.6.3 */
static __u64 quantum(const struct quic_cc *cc)
{
	return quic_clamp(cc->pacing_rate / 1000, 2 * cc->mss, QUANTUM_MAX);
}

/* The sender waits until one fits into the window; on short paths it takes no
 * heed of time.
 */
static __u64 train(struct quic_cc *cc)
{
	__u64 most = bbr(cc)->min_rtt < SHORT_RTT ? QUANTUM_MAX : quantum(cc);

	return quic_min(most, cc->cwnd / 4);
}

/* Two trains: one waits for its departure while the peer gathers another. */
static __u64 with_quanta(struct quic_cc *cc, __u64 volume)
{
	volume = quic_max(quic_max(volume, 2 * quantum(cc)), floor_of(cc));
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

#endif
