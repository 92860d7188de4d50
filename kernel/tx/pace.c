// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: when the next train may leave, and how long it may be.
 * Called from: tx/sched, tx/push, tx/close.
 * Context: socket lock held, BH off.
 * RFC 9002 section 7.7.
 *
 * A bucket in units of time: @pace_next is when everything sent so far would
 * have left at the pacing rate.  It may lag behind the clock by the credit,
 * so that a timer is needed only by who sends faster than the rate for
 * longer than that.  Where the fq qdisc is in charge, it holds the train
 * until its departure time instead, and no timer of ours runs.
 */
#include <net/sock.h>
#include "../pipeline.h"
#include "tx.h"

#define QUIC_PACE_CREDIT	NSEC_PER_MSEC
/* A train never takes longer than this at the pacing rate ... */
#define QUIC_PACE_TRAIN		NSEC_PER_MSEC
/* ... unless the path is shorter: then a whole one is no burst to speak of,
 * as TCP reckons with tcp_tso_rtt_log.
 */
#define QUIC_PACE_SHORT_RTT	(2 * NSEC_PER_MSEC)
#define QUIC_PACE_MIN_PKTS	2
/* fq holds a train back for at most this long. */
#define QUIC_PACE_HORIZON	(2 * NSEC_PER_MSEC)

static u64 rate_of(const struct quic_conn *c)
{
	return quic_cc_pacing_rate(&c->rec.cc, c->rec.rtt.smoothed);
}

static bool fq_paces(const struct quic_conn *c)
{
	/* Pairs with fq, which sets it when it sees our first packet. */
	return smp_load_acquire(&c->sk->sk_pacing_status) == SK_PACING_FQ;
}

/* Without an RTT sample there is no rate: the initial window goes out. */
static bool unpaced(const struct quic_conn *c)
{
	return !c->rec.rtt.first_sample;
}

bool quic_pace_blocked(struct quic_conn *c, u64 now)
{
	u64 ahead = fq_paces(c) ? QUIC_PACE_HORIZON : 0;

	if (c->pace_next <= now + ahead || unpaced(c))
		return false;
	quic_timer_set(c, QUIC_TIMER_PACE, c->pace_next - ahead);
	return true;
}

u32 quic_pace_train_bytes(const struct quic_conn *c)
{
	u64 bytes;

	if (unpaced(c) || c->rec.rtt.min < QUIC_PACE_SHORT_RTT)
		return U32_MAX;
	bytes = div_u64(rate_of(c), NSEC_PER_SEC / QUIC_PACE_TRAIN);
	return clamp_t(u64, bytes, QUIC_PACE_MIN_PKTS * c->path->mss, U32_MAX);
}

u64 quic_pace_sent(struct quic_conn *c, u64 now, u32 bytes)
{
	u64 rate, start;

	if (unpaced(c))
		return 0;
	rate = rate_of(c);
	start = max(c->pace_next, now - QUIC_PACE_CREDIT);
	c->pace_next = start + div64_u64((u64)bytes * NSEC_PER_SEC, rate);
	WRITE_ONCE(c->sk->sk_pacing_rate,
		   (unsigned long)min_t(u64, rate, ULONG_MAX));
	return fq_paces(c) && start > now ? start : 0;
}

/* fq may still hold what was sent, no longer than the horizon. */
u64 quic_pace_last(const struct quic_conn *c, u64 now)
{
	u64 last = min(c->pace_next, now + QUIC_PACE_HORIZON);

	return fq_paces(c) && last > now ? last : 0;
}
