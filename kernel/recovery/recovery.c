// SPDX-License-Identifier: GPL-2.0
/*
 * Life of struct quic_recovery, and what sending does to it.
 *
 * Owns:	set-up, tear-down, discarded spaces, bytes in flight going up.
 * Called from:	conn/, and tx/build per packet.
 * Context:	softirq or process; pure.
 * Locks:	socket lock.
 * RFC:		9002 sections 6.4, 7.8, A.5; 9000 section 9.4.
 */
#include <linux/compiler.h>
#include <linux/limits.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include "loss.h"
#include "../wire/pn.h"

/* What is left of a space that was discarded, of whatever connection.  That
 * something was sent there is all that anybody still asks.
 */
static const struct quic_space discarded = {
	.sent = { .first = 1, .next = 1, .skipped = QUIC_PN_NONE },
	.largest_acked = QUIC_PN_NONE,
	.discarded = true,
};

void quic_recovery_init(struct quic_recovery *r,
			const struct quic_recovery_ops *ops, bool is_server,
			u64 initial_rtt, struct quic_space *const space[])
{
	int i;

	memset(r, 0, sizeof(*r));
	r->ops = ops;
	r->is_server = is_server;
	quic_rtt_init(&r->rtt, initial_rtt);
	for (i = 0; i < QUIC_SPACE_MAX; i++) {
		r->space[i] = space[i];
		memset(r->space[i], 0, sizeof(*r->space[i]));
		quic_sent_init(&r->space[i]->sent, 0);
		quic_ranges_init(&r->space[i]->lost, QUIC_LOST_MAX_RANGES);
		r->space[i]->largest_acked = QUIC_PN_NONE;
	}
}

void quic_recovery_free(struct quic_recovery *r)
{
	int i;

	for (i = 0; i < QUIC_SPACE_MAX; i++) {
		if (r->space[i]->discarded)
			continue;
		quic_sent_free(&r->space[i]->sent);
		quic_ranges_free(&r->space[i]->lost);
	}
	quic_rate_free(r);
	quic_cc_stop(&r->cc);
}

int quic_recovery_reserve(struct quic_recovery *r, enum quic_space_id id,
			  u32 pkts, u32 frames, gfp_t gfp)
{
	if (unlikely(r->cc.wants & QUIC_CC_WANTS_RATE))
		quic_rate_reserve(r, gfp);
	return quic_sent_reserve(&r->space[id]->sent, pkts, frames, gfp);
}

void quic_recovery_shrink(struct quic_recovery *r)
{
	if (!r->in_flight)
		quic_rate_free(r);
	quic_sent_shrink(&r->space[QUIC_SPACE_APP]->sent);
}

void quic_recovery_limited(struct quic_recovery *r)
{
	r->app_limited = true;
	if (unlikely(r->cc.wants & QUIC_CC_WANTS_RATE) &&
	    r->in_flight + r->cc.mss < r->cc.cwnd)
		quic_rate_on_limited(r);
}

void quic_recovery_wake(struct quic_recovery *r, u64 now)
{
	if (r->in_flight || !r->last_sent ||
	    now - r->last_sent <= quic_rtt_pto(&r->rtt, true))
		return;
	r->last_sent = now;
	quic_cc_idle_restart(&r->cc, now);
}

static noinline void tell_sent(struct quic_recovery *r, u64 now, u64 bytes)
{
	if (r->cc.wants & QUIC_CC_WANTS_RATE)
		quic_rate_on_sent(r, now, bytes);
	if (r->cc.wants & QUIC_CC_WANTS_SENT)
		quic_cc_sent(&r->cc, &(struct quic_cc_sent){
			.now = now, .bytes = bytes,
			.in_flight = r->in_flight });
}

/* RFC9002-7.5-2 */
void quic_recovery_on_run(struct quic_recovery *r, enum quic_space_id id,
			  u64 now, u16 n, u16 size, u8 flags)
{
	struct quic_space *space = r->space[id];

	if (flags & QUIC_SENT_IN_FLIGHT) {
		if (unlikely(!r->in_flight))
			quic_recovery_wake(r, now);
		r->in_flight += n * (u32)size;
		r->last_sent = now;
		r->last_event = now;
		if (unlikely(r->cc.wants))
			tell_sent(r, now, n * (u32)size);
	}
	if (flags & QUIC_SENT_ECT)
		quic_ecn_on_sent(&r->ecn, &space->ecn, n);
	if (flags & QUIC_SENT_ACK_ELICITING) {
		space->last_eliciting = now;
		space->eliciting_out += n;
	}
}

struct quic_sent_pkt *quic_recovery_on_sent(struct quic_recovery *r,
					    enum quic_space_id id, u64 now,
					    u16 size, u8 flags)
{
	quic_recovery_on_run(r, id, now, 1, size, flags);
	return quic_sent_add(&r->space[id]->sent, now, size, flags);
}

/* One is outstanding at a time, within half to two windows of packets, or of
 * QUIC_SKIP_WINDOW: by then an attacker has gained nothing worth mentioning.
 * That it is the core's, and in no algorithm's hands, makes it hold for all of
 * them.  An honest peer answers the gap with an ACK of its own, which in a small
 * window would come with each second or third exchange.
 */
void quic_recovery_skip(struct quic_recovery *r, u32 random)
{
	struct quic_space *space = r->space[QUIC_SPACE_APP];
	struct quic_sent *s = &space->sent;
	u64 window = max_t(u64, div_u64(r->cc.cwnd, r->cc.mss),
			   QUIC_SKIP_WINDOW);

	if (!r->confirmed || s->next < r->skip_at)
		return;
	/* The one before may still be acknowledged. */
	if (s->skipped != QUIC_PN_NONE &&
	    (space->largest_acked == QUIC_PN_NONE ||
	     space->largest_acked < s->skipped))
		return;
	if (r->skip_at)
		quic_sent_skip(s);
	r->skip_at = s->next + window / 2 +
		     random % (u32)min_t(u64, window * 3 / 2, U32_MAX);
}

/* RFC9002-6.2.2-1 RFC9002-6.4-1 RFC9002-6.4-2 */
/* RFC 9002 sections 6.4 and A.11 */
void quic_recovery_discard(struct quic_recovery *r, enum quic_space_id id)
{
	struct quic_space *space = r->space[id];
	struct quic_sent *s = &space->sent;
	const struct quic_sent_pkt *p;
	u64 pn;

	if (space->discarded)
		return;
	for (pn = s->first; pn < s->next; pn++) {
		p = quic_sent_get(s, pn);
		if (p->state == QUIC_SENT_OUT && p->flags & QUIC_SENT_IN_FLIGHT)
			r->in_flight -= p->size;
	}
	quic_sent_free(s);
	quic_ranges_free(&space->lost);
	r->acked_time = max(r->acked_time, space->acked_time);
	r->space[id] = (struct quic_space *)&discarded;
	r->pto_count = 0;
}

void quic_recovery_new_path(struct quic_recovery *r,
			    const struct quic_rtt *rtt)
{
	struct quic_space *space = r->space[QUIC_SPACE_APP];
	struct quic_sent *s = &space->sent;
	struct quic_sent_pkt *p;
	u64 pn, delay;

	for (pn = s->first; pn < s->next; pn++) {
		p = quic_sent_get(s, pn);
		if (p->state != QUIC_SENT_OUT)
			continue;
		if (p->flags & QUIC_SENT_IN_FLIGHT)
			r->in_flight -= p->size;
		p->flags &= ~QUIC_SENT_IN_FLIGHT;
		p->flags |= QUIC_SENT_ASIDE;
	}
	space->lost_since = 0;
	r->undo = (struct quic_undo){ .first = QUIC_PN_NONE };
	r->pto_count = 0;
	quic_ecn_start(&r->ecn, s->next);
	delay = r->rtt.max_ack_delay;
	r->rtt = *rtt;
	r->rtt.max_ack_delay = delay;
	/* RFC 9000 section 13.4.2 */
	quic_ecn_start(&r->ecn, s->next);
}
