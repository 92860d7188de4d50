// SPDX-License-Identifier: GPL-2.0
/*
 * CUBIC (RFC 9438) with HyStart++ (RFC 9406).
 *
 * Shows:	an algorithm with arithmetic: 128-bit products through
 *		bpf_quic_muldiv(), a bounded loop, struct ops behind a link,
 *		which can be updated while connections use it.
 * Good for:	the ground on which to try a change of CUBIC.  It computes what
 *		the module's own does, number by number; tests/bpf compares
 *		the windows of both.
 * Bad for:	anything, if unchanged: "cubic" is built in.
 */
#include <quic/cc.h>

#define BETA_NUM	7ULL		/* RFC 9438 section 4.6 */
#define BETA_DEN	10ULL
#define ALPHA_NUM	9ULL		/* section 4.3 */
#define ALPHA_DEN	17ULL
#define MAX_SPAN_US	200000000ULL	/* from the plateau */
#define CWND_LIMIT	(1ULL << 31)

#define HS_MIN_THRESH	(4 * QUIC_MSEC)	/* RFC 9406 section 4.3 */
#define HS_MAX_THRESH	(16 * QUIC_MSEC)
#define HS_SAMPLES	8
#define HS_CSS_DIVISOR	4
#define HS_CSS_ROUNDS	5

struct cubic_state {
	__u64 w_max;		/* bytes, the plateau; 0: the next epoch sets it */
	__u64 cwnd_prior;	/* bytes, when ssthresh was set last; 0: never */
	__u64 w_est;		/* bytes, what NewReno would have */
	__u64 epoch;		/* ns, start of congestion avoidance; 0: not in */
	__u64 k;		/* us */
	__u64 limited_since;	/* ns, application-limited from then; 0: not */
	__u64 last_ack;		/* ns */
	__u64 w_est_rest;	/* remainders of divisions, carried over */
	__u64 cwnd_rest;
	/* HyStart++ */
	__u64 round_start;	/* a packet sent from then on ends the round */
	__u64 last_min;		/* smallest RTT of the last round, ns */
	__u64 round_min;	/* and of this one */
	__u64 css_min;		/* baseline of conservative slow start; 0: not */
	__u64 samples;		/* RTT samples in this round */
	__u64 css_rounds;
};

/* The verifier follows every value that it knows, and this loop has a million
 * of them: so it must not know the first.
 */
volatile __u64 zero;

static __u64 cube_root(__u64 x)
{
	__u64 root = zero, try;
	int bit;

	/* 2642245 is the cube root of the largest number there is. */
	for (bit = 21; bit >= 0; bit--) {
		try = root | 1ULL << bit;
		if (try <= 2642245 && try * try * try <= x)
			root = try;
	}
	return root;
}

/* RFC 9438 section 4.2: K = cbrt((w_max - cwnd) / C) in us. */
static __u64 plateau_delay(__u64 bytes, __u32 mss)
{
	bytes = quic_min(bytes, mss * 4000000ULL);
	return 100 * cube_root(bpf_quic_muldiv(bytes, 2500000000000ULL, mss));
}

/* Section 4.2: W_cubic t us into the epoch, in bytes. */
static __u64 w_cubic(const struct cubic_state *c, __u32 mss, __u64 t)
{
	__u64 k = c->k, w_max = c->w_max;
	__u64 span = t > k ? t - k : k - t;
	__u64 cube, delta;

	span = quic_min(span, MAX_SPAN_US);
	cube = bpf_quic_muldiv(span * span, span, 1000000000000ULL);
	delta = cube * mss * 4 / 10000000;
	if (t > k)
		return w_max + delta;
	return w_max > delta ? w_max - delta : 0;
}

/* Section 4.2: congestion avoidance begins. */
static __always_inline void start_epoch(struct quic_cc *cc, struct cubic_state *c,
					__u64 now)
{
	c->epoch = now;
	c->w_est = cc->cwnd;
	c->w_est_rest = 0;
	c->cwnd_rest = 0;
	/* Section 4.10: slow start ended without a loss. */
	if (!c->cwnd_prior)
		c->cwnd_prior = cc->cwnd;
	if (c->w_max > cc->cwnd) {
		c->k = plateau_delay(c->w_max - cc->cwnd, cc->mss);
	} else {
		c->w_max = cc->cwnd;
		c->k = 0;
	}
}

/* Section 4.3, equation 4 */
static __always_inline void grow_w_est(struct quic_cc *cc, struct cubic_state *c,
				       __u64 bytes)
{
	__u64 part = bytes * cc->mss;
	__u64 whole = cc->cwnd;

	if (c->w_est < c->cwnd_prior) {
		part *= ALPHA_NUM;
		whole *= ALPHA_DEN;
	}
	part += c->w_est_rest;
	c->w_est = quic_min(c->w_est + part / whole, CWND_LIMIT);
	c->w_est_rest = part % whole;
}

static __always_inline void congestion_avoidance(struct quic_cc *cc,
						 struct cubic_state *c,
						 const struct quic_cc_ack *ack,
						 __u64 bytes)
{
	__u64 t, target, cwnd, part;

	if (!c->epoch)
		start_epoch(cc, c, ack->now);
	t = (ack->now - c->epoch) / QUIC_USEC;

	grow_w_est(cc, c, bytes);
	cwnd = cc->cwnd;
	/* Section 4.3: the Reno-friendly region */
	if (w_cubic(c, cc->mss, t) < c->w_est) {
		cc->cwnd = quic_max(cwnd, c->w_est);
		return;
	}
	/* Sections 4.2, 4.4 and 4.5: concave and convex regions */
	target = w_cubic(c, cc->mss, t + ack->srtt / QUIC_USEC);
	target = quic_clamp(target, cwnd, cwnd + cwnd / 2);
	part = (target - cwnd) * bytes + c->cwnd_rest;
	cc->cwnd = cwnd + part / cwnd;
	c->cwnd_rest = part % cwnd;
}

/* Section 4.2: time spent application-limited does not count. */
static __always_inline bool skip_limited_time(struct cubic_state *c,
					      const struct quic_cc_ack *ack)
{
	__u64 last = c->last_ack;

	c->last_ack = ack->now;
	if (ack->app_limited) {
		if (!c->limited_since)
			c->limited_since = last ? last : ack->now;
		return true;
	}
	if (c->limited_since && c->epoch)
		c->epoch = quic_min(c->epoch + last - c->limited_since, ack->now);
	c->limited_since = 0;
	return false;
}

/* RFC 9406 section 4.2: how much of @bytes may slow start add, judging by the
 * delay; leaves slow start when the path is full.
 */
static __always_inline __u64 hystart(struct quic_cc *cc, struct cubic_state *c,
				     const struct quic_cc_ack *ack, __u64 bytes)
{
	__u64 thresh;

	if (ack->largest_sent_time >= c->round_start) {
		c->round_start = ack->now;
		c->last_min = c->round_min;
		c->round_min = QUIC_NONE;
		c->samples = 0;
		if (c->css_min && ++c->css_rounds >= HS_CSS_ROUNDS) {
			cc->ssthresh = cc->cwnd;
			return 0;
		}
	}
	if (ack->latest_rtt) {
		c->round_min = quic_min(c->round_min, ack->latest_rtt);
		c->samples++;
	}
	if (c->samples >= HS_SAMPLES && c->css_min) {
		/* The delay was not ours: go on as before. */
		if (c->round_min < c->css_min)
			c->css_min = 0;
	} else if (c->samples >= HS_SAMPLES && c->last_min != QUIC_NONE) {
		thresh = quic_clamp(c->last_min / 8, HS_MIN_THRESH,
				    HS_MAX_THRESH);
		if (c->round_min >= c->last_min + thresh) {
			c->css_min = c->round_min;
			c->css_rounds = 0;
		}
	}
	return c->css_min ? bytes / HS_CSS_DIVISOR : bytes;
}

QUIC_CC_OP(cubic_init, struct quic_cc *cc, __u64 now)
{
	struct cubic_state *c = QUIC_CC_PRIV(cc, struct cubic_state);

	c->last_min = QUIC_NONE;
	c->round_min = QUIC_NONE;
	c->round_start = now;
}

QUIC_CC_OP(cubic_on_acked, struct quic_cc *cc, const struct quic_cc_ack *ack)
{
	struct cubic_state *c = QUIC_CC_PRIV(cc, struct cubic_state);
	__u64 bytes = ack->bytes, grow;

	/* RFC 9438 section 5.8 and RFC 9002 section 7.8 */
	if (skip_limited_time(c, ack) || !bytes)
		return;
	if (quic_cc_in_slow_start(cc)) {
		/* RFC 9406 section 4.3: only the first slow start. */
		if (cc->ssthresh == QUIC_NONE) {
			cc->cwnd += hystart(cc, c, ack, bytes);
			return;
		}
		grow = quic_min(bytes, cc->ssthresh - cc->cwnd);
		cc->cwnd += grow;
		bytes -= grow;
	}
	if (bytes)
		congestion_avoidance(cc, c, ack, bytes);
}

QUIC_CC_OP(cubic_on_lost, struct quic_cc *cc, const struct quic_cc_loss *loss)
{
	struct cubic_state *c = QUIC_CC_PRIV(cc, struct cubic_state);
	__u64 cwnd = cc->cwnd;

	c->epoch = 0;
	c->limited_since = 0;
	/* RFC 9438 section 4.8: the next epoch starts on its plateau. */
	if (loss->persistent) {
		c->w_max = 0;
		cc->cwnd = quic_cc_minimum_window(cc->mss);
		return;
	}
	/* Section 4.7: fast convergence */
	if (cwnd < c->w_max)
		c->w_max = cwnd * (BETA_DEN + BETA_NUM) / (2 * BETA_DEN);
	else
		c->w_max = cwnd;
	/* Section 4.6 */
	c->cwnd_prior = cwnd;
	cc->ssthresh = quic_max(cwnd * BETA_NUM / BETA_DEN,
				quic_cc_minimum_window(cc->mss));
	cc->cwnd = cc->ssthresh;
}

QUIC_CC_OP(cubic_on_idle_restart, struct quic_cc *cc, __u64 now)
{
	struct cubic_state *c = QUIC_CC_PRIV(cc, struct cubic_state);

	/* Section 5.8: the idle period is not part of an epoch. */
	c->epoch = 0;
	c->limited_since = 0;
	cc->cwnd = quic_min(cc->cwnd, quic_cc_initial_window(cc->mss));
}

/* "cubic" is taken. */
QUIC_CC_DEFINE_LINK(bpf_cubic, .init = (void *)cubic_init,
		    .on_acked = (void *)cubic_on_acked,
		    .on_lost = (void *)cubic_on_lost,
		    .on_idle_restart = (void *)cubic_on_idle_restart);
