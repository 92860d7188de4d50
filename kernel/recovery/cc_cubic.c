// SPDX-License-Identifier: GPL-2.0
/*
 * CUBIC, with HyStart++ in the first slow start; the default algorithm.
 *
 * Owns:	the private words of its struct quic_cc.
 * Called from:	recovery/cc.c.
 * Context:	softirq or process; pure.
 * Locks:	socket lock.
 * RFC:		9438, 9406.
 *
 * Windows are bytes.  Times that enter the cubic function are microseconds; it
 * is evaluated once per ACK frame with two divisions of 128 bits, and the cube
 * root is taken once per congestion event.  Windows are bounded by
 * QUIC_CC_CWND_LIMIT, so that all other products fit 64 bits.
 */
#include <linux/build_bug.h>
#include <linux/limits.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/time64.h>

#include "cc.h"

/* RFC 9438 section 4.6: beta is 0.7. */
#define BETA_NUM	7
#define BETA_DEN	10
/* RFC 9438 section 4.3: alpha is 3 * (1 - beta) / (1 + beta). */
#define ALPHA_NUM	9
#define ALPHA_DEN	17
/* Far from the plateau the cubic function is not followed further than this;
 * its value there is beyond every window.
 */
#define MAX_SPAN_US	(200 * USEC_PER_SEC)

/* RFC 9406 section 4.3 */
#define HS_MIN_THRESH	(4 * NSEC_PER_MSEC)
#define HS_MAX_THRESH	(16 * NSEC_PER_MSEC)
#define HS_SAMPLES	8
#define HS_CSS_DIVISOR	4
#define HS_CSS_ROUNDS	5

struct cubic {
	u64 w_max;		/* bytes, the plateau; 0: the next epoch sets it */
	u64 cwnd_prior;		/* bytes, when ssthresh was set last; 0: never */
	u64 w_est;		/* bytes, what NewReno would have */
	u64 epoch;		/* ns, start of congestion avoidance; 0: not in */
	u64 k;			/* us */
	u64 limited_since;	/* ns, application-limited from then; 0: not */
	u64 last_ack;		/* ns */
	u64 w_est_rest;		/* remainders of divisions, carried over */
	u64 cwnd_rest;
	/* HyStart++ */
	u64 round_start;	/* a packet sent from then on ends the round */
	u64 last_min;		/* smallest RTT of the last round, ns */
	u64 round_min;		/* and of this one */
	u64 css_min;		/* baseline of conservative slow start; 0: not in it */
	u32 samples;		/* RTT samples in this round */
	u32 css_rounds;
};

static_assert(sizeof(struct cubic) <= QUIC_CC_PRIV_WORDS * sizeof(u64));

static struct cubic *cubic(struct quic_cc *cc)
{
	return (struct cubic *)cc->priv;
}

static u64 cube_root(u64 x)
{
	u64 root = 0, bit, try;

	/* 2642245 is the cube root of U64_MAX. */
	for (bit = 1 << 21; bit; bit >>= 1) {
		try = root | bit;
		if (try <= 2642245 && try * try * try <= x)
			root = try;
	}
	return root;
}

/* RFC 9438 section 4.2: K = cbrt((w_max - cwnd) / C) in us. */
static u64 plateau_delay(u64 bytes, u32 mss)
{
	/* The root is taken in units of 100 us: 2.5 segments^-1 s^3 is
	 * 2.5e12 of them; 4e6 segments are the most that fit.
	 */
	bytes = min(bytes, mss * 4000000ULL);
	return 100 * cube_root(mul_u64_u64_div_u64(bytes, 2500000000000ULL,
						   mss));
}

/* RFC 9438 section 4.2: W_cubic @t us into the epoch, in bytes. */
static u64 w_cubic(const struct cubic *c, u32 mss, u64 t)
{
	u64 span = t > c->k ? t - c->k : c->k - t;
	u64 cube, delta;

	span = min_t(u64, span, MAX_SPAN_US);
	/* 1e-6 s^3; C is 0.4 */
	cube = mul_u64_u64_div_u64(span * span, span, 1000000000000ULL);
	delta = div_u64(cube * mss * 4, 10000000);
	if (t > c->k)
		return c->w_max + delta;
	return c->w_max > delta ? c->w_max - delta : 0;
}

/* RFC 9438 section 4.2: congestion avoidance begins. */
static void start_epoch(struct quic_cc *cc, u64 now)
{
	struct cubic *c = cubic(cc);

	c->epoch = now;
	c->w_est = cc->cwnd;
	c->w_est_rest = 0;
	c->cwnd_rest = 0;
	/* RFC 9438 section 4.10: slow start ended without a loss. */
	if (!c->cwnd_prior)
		c->cwnd_prior = cc->cwnd;
	if (c->w_max > cc->cwnd) {
		c->k = plateau_delay(c->w_max - cc->cwnd, cc->mss);
	} else {
		c->w_max = cc->cwnd;
		c->k = 0;
	}
}

/* RFC 9438 section 4.3, equation 4 */
static void grow_w_est(struct quic_cc *cc, u64 bytes)
{
	struct cubic *c = cubic(cc);
	u64 part = bytes * cc->mss;
	u64 whole = cc->cwnd;

	if (c->w_est < c->cwnd_prior) {
		part *= ALPHA_NUM;
		whole *= ALPHA_DEN;
	}
	c->w_est += div64_u64_rem(part + c->w_est_rest, whole, &c->w_est_rest);
	c->w_est = min(c->w_est, QUIC_CC_CWND_LIMIT);
}

static void congestion_avoidance(struct quic_cc *cc,
				 const struct quic_cc_ack *ack, u64 bytes)
{
	struct cubic *c = cubic(cc);
	u64 t, target;

	if (!c->epoch)
		start_epoch(cc, ack->now);
	t = div_u64(ack->now - c->epoch, NSEC_PER_USEC);

	grow_w_est(cc, bytes);
	/* RFC 9438 section 4.3: the Reno-friendly region */
	if (w_cubic(c, cc->mss, t) < c->w_est) {
		cc->cwnd = max(cc->cwnd, c->w_est);
		return;
	}
	/* RFC 9438 sections 4.2, 4.4 and 4.5: concave and convex regions */
	target = w_cubic(c, cc->mss, t + div_u64(ack->srtt, NSEC_PER_USEC));
	target = clamp(target, cc->cwnd, cc->cwnd + cc->cwnd / 2);
	cc->cwnd += div64_u64_rem((target - cc->cwnd) * bytes + c->cwnd_rest,
				  cc->cwnd, &c->cwnd_rest);
}

/* RFC 9438 section 4.2: time spent application-limited does not count. */
static bool skip_limited_time(struct cubic *c, const struct quic_cc_ack *ack)
{
	u64 last = c->last_ack;

	c->last_ack = ack->now;
	if (ack->app_limited) {
		if (!c->limited_since)
			c->limited_since = last ? last : ack->now;
		return true;
	}
	if (c->limited_since && c->epoch)
		c->epoch = min(c->epoch + last - c->limited_since, ack->now);
	c->limited_since = 0;
	return false;
}

/* RFC 9406 section 4.2: how much of @bytes may slow start add, judging by the
 * delay; leaves slow start when the path is full.
 */
static u64 hystart(struct quic_cc *cc, const struct quic_cc_ack *ack, u64 bytes)
{
	struct cubic *c = cubic(cc);

	if (ack->largest_sent_time >= c->round_start) {
		c->round_start = ack->now;
		c->last_min = c->round_min;
		c->round_min = U64_MAX;
		c->samples = 0;
		if (c->css_min && ++c->css_rounds >= HS_CSS_ROUNDS) {
			cc->ssthresh = cc->cwnd;
			return 0;
		}
	}
	if (ack->latest_rtt) {
		c->round_min = min(c->round_min, ack->latest_rtt);
		c->samples++;
	}
	if (c->samples >= HS_SAMPLES && c->css_min) {
		/* The delay was not ours: go on as before. */
		if (c->round_min < c->css_min)
			c->css_min = 0;
	} else if (c->samples >= HS_SAMPLES && c->last_min != U64_MAX) {
		u64 thresh = clamp(c->last_min / 8, (u64)HS_MIN_THRESH,
				   (u64)HS_MAX_THRESH);

		if (c->round_min >= c->last_min + thresh) {
			c->css_min = c->round_min;
			c->css_rounds = 0;
		}
	}
	return c->css_min ? bytes / HS_CSS_DIVISOR : bytes;
}

static void cubic_init(struct quic_cc *cc, u64 now)
{
	struct cubic *c = cubic(cc);

	*c = (struct cubic){ .last_min = U64_MAX, .round_min = U64_MAX };
	c->round_start = now;
}

static void cubic_on_acked(struct quic_cc *cc, const struct quic_cc_ack *ack)
{
	u64 bytes = ack->bytes;
	u64 grow;

	/* RFC 9438 section 5.8 and RFC 9002 section 7.8 */
	if (skip_limited_time(cubic(cc), ack) || !bytes)
		return;
	if (quic_cc_in_slow_start(cc)) {
		/* RFC 9406 section 4.3: only the first slow start. */
		if (cc->ssthresh == U64_MAX) {
			cc->cwnd += hystart(cc, ack, bytes);
			return;
		}
		grow = min(bytes, cc->ssthresh - cc->cwnd);
		cc->cwnd += grow;
		bytes -= grow;
	}
	if (bytes)
		congestion_avoidance(cc, ack, bytes);
}

static void cubic_on_lost(struct quic_cc *cc, const struct quic_cc_loss *loss)
{
	struct cubic *c = cubic(cc);

	c->epoch = 0;
	c->limited_since = 0;
	/* RFC 9438 section 4.8: the next epoch starts on its plateau. */
	if (loss->persistent) {
		c->w_max = 0;
		cc->cwnd = quic_cc_minimum_window(cc->mss);
		return;
	}
	/* RFC 9438 section 4.7: fast convergence */
	if (cc->cwnd < c->w_max)
		c->w_max = div_u64(cc->cwnd * (BETA_DEN + BETA_NUM),
				   2 * BETA_DEN);
	else
		c->w_max = cc->cwnd;
	/* RFC 9438 section 4.6 */
	c->cwnd_prior = cc->cwnd;
	cc->ssthresh = max(div_u64(cc->cwnd * BETA_NUM, BETA_DEN),
			   quic_cc_minimum_window(cc->mss));
	cc->cwnd = cc->ssthresh;
}

static void cubic_on_idle_restart(struct quic_cc *cc, u64 now)
{
	struct cubic *c = cubic(cc);

	/* RFC 9438 section 5.8: the idle period is not part of an epoch. */
	c->epoch = 0;
	c->limited_since = 0;
	cc->cwnd = min(cc->cwnd, quic_cc_initial_window(cc->mss));
}

/* RFC9002-7-1 */
const struct quic_congestion_ops quic_cc_cubic = {
	.name = "cubic",
	.init = cubic_init,
	.on_acked = cubic_on_acked,
	.on_lost = cubic_on_lost,
	.on_idle_restart = cubic_on_idle_restart,
};
