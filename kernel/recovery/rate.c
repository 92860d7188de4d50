// SPDX-License-Identifier: GPL-2.0
/*
 * Delivery rate samples.
 *
 * Owns:	struct quic_rate: marks of how much had been acknowledged, lost
 *		and was in flight when a packet left.
 * Called from:	recovery/recovery.c, recovery/loss.c, if the congestion
 *		controller has QUIC_CC_FLAG_RATE.
 * Context:	softirq or process; pure.
 * Locks:	socket lock.
 * RFC:		draft-ietf-ccwg-bbr section 4.1.
 *
 * The draft keeps these words for each packet.  But they change only with an
 * acknowledgment, so one mark serves all that leaves within a sixteenth of a
 * round trip, and the records of packets stay as small as they are: a packet's
 * mark is the last one made before it left.  All words of a mark are of one
 * moment, so a sample is right for the interval that it names, which begins up
 * to that much earlier than the packet would tell.
 */
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/slab.h>
#include <linux/time64.h>

#include "loss.h"
#include "rate.h"

/* An interval is longer, and brings less: keeps quotients inside 64 bits. */
#define MIN_INTERVAL	NSEC_PER_USEC
#define MAX_DELIVERED	BIT_ULL(40)

struct quic_rate_mark {
	u64 time;		/* when it was made, ns */
	u64 delivered_time;	/* as struct quic_rate has them */
	u64 first_sent;
	struct quic_cc_flight flight;
};

void quic_rate_reserve(struct quic_recovery *r, gfp_t gfp)
{
	if (r->rate.mark)
		return;
	r->rate.mark = kvmalloc_array(QUIC_RATE_MARKS, sizeof(*r->rate.mark),
				      gfp | __GFP_NOWARN);
	r->rate.n = 0;
}

void quic_rate_free(struct quic_recovery *r)
{
	kvfree(r->rate.mark);
	r->rate.mark = NULL;
}

static struct quic_rate_mark *mark_at(const struct quic_rate *rate, u32 i)
{
	return &rate->mark[i % QUIC_RATE_MARKS];
}

/* The last one made until @time; NULL: it is forgotten, or there was none. */
static const struct quic_rate_mark *find(const struct quic_rate *rate, u64 time)
{
	u32 kept = min_t(u32, rate->n, QUIC_RATE_MARKS);
	const struct quic_rate_mark *m;
	u32 i;

	if (!rate->mark)
		return NULL;
	for (i = rate->n; i != rate->n - kept; i--) {
		m = mark_at(rate, i - 1);
		if (m->time <= time)
			return m;
	}
	return NULL;
}

/* Does the last one do for what leaves now? */
static bool is_fresh(const struct quic_recovery *r, u64 now, bool restart)
{
	const struct quic_rate_mark *last;

	if (!r->rate.n)
		return false;
	last = mark_at(&r->rate, r->rate.n - 1);
	if (last->time == now)
		return true;
	return !restart &&
	       last->flight.app_limited == !!r->rate.limited_until &&
	       now - last->time < r->rtt.smoothed / QUIC_RATE_PER_RTT;
}

void quic_rate_on_sent(struct quic_recovery *r, u64 now, u64 bytes)
{
	struct quic_rate *rate = &r->rate;
	bool restart = r->in_flight == bytes;

	if (!rate->mark)
		return;
	if (restart) {
		rate->first_sent = now;
		rate->delivered_time = now;
	}
	if (is_fresh(r, now, restart))
		return;
	*mark_at(rate, rate->n++) = (struct quic_rate_mark){
		.time = now,
		.delivered_time = rate->delivered_time,
		.first_sent = rate->first_sent,
		.flight = {
			.delivered = r->acked_bytes,
			.lost = r->lost_bytes,
			.in_flight = r->in_flight,
			.app_limited = rate->limited_until,
		},
	};
}

void quic_rate_on_limited(struct quic_recovery *r)
{
	r->rate.limited_until = max(r->acked_bytes + r->in_flight, 1ULL);
}

static u64 rate_of(const struct quic_recovery *r,
		   const struct quic_rate_mark *m,
		   const struct quic_cc_ack *ack)
{
	u64 interval = max(ack->largest_sent_time - m->first_sent,
			   ack->now - m->delivered_time);
	u64 delivered = min(r->acked_bytes - m->flight.delivered,
			    MAX_DELIVERED);

	/* Faster than any round trip was: not to be trusted. */
	if (interval < r->rtt.min)
		return 0;
	return mul_u64_u64_div_u64(delivered, NSEC_PER_SEC,
				   max_t(u64, interval, MIN_INTERVAL));
}

void quic_rate_on_acked(struct quic_recovery *r, struct quic_cc_ack *ack)
{
	struct quic_rate *rate = &r->rate;
	const struct quic_rate_mark *m = find(rate, ack->largest_sent_time);

	if (r->acked_bytes > rate->limited_until)
		rate->limited_until = 0;
	rate->delivered_time = ack->now;
	rate->first_sent = max(rate->first_sent, ack->largest_sent_time);
	ack->delivered = r->acked_bytes;
	ack->lost = r->lost_bytes;
	ack->lost_ranges = rate->lost_ranges;
	if (m) {
		ack->newest = m->flight;
		ack->rate = rate_of(r, m, ack);
	}
	m = rate->lost_time ? find(rate, rate->lost_time) : NULL;
	if (m)
		ack->newest_lost = m->flight;
	rate->lost_time = 0;
}
