// SPDX-License-Identifier: GPL-2.0
/*
 * What was acknowledged, and what is lost by that.
 *
 * Owns:	the fate of sent packets.  Frame owners hear of it through
 *		struct quic_recovery_ops.
 * Called from:	rx/frames with ACK frames; recovery/pto.c when the time
 *		threshold has passed.
 * Context:	softirq or process; pure.
 * Locks:	socket lock.
 * RFC:		9002 sections 5.1, 6.1, 7.6.
 *
 * An ACK frame costs a few instructions per packet it newly acknowledges.
 * What lies QUIC_PACKET_THRESHOLD below the largest acknowledged is settled
 * when quic_recovery_on_ack() returns, and the rings begin at the first packet
 * that is not, so that no frame walks much more than that.
 */
#include <linux/compiler.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/quic.h>

#include "loss.h"
#include "report.h"
#include "../wire/pn.h"

/* What one ACK frame newly acknowledged. */
struct acked {
	u64 bytes;		/* in flight */
	u64 fresh;		/* of these, sent in no recovery period's past */
	u64 largest;		/* QUIC_PN_NONE: nothing */
	u64 largest_time;
	u32 packets;		/* in flight */
	u32 marked;		/* with ECT(0), on this path */
	u8 flags;		/* of all packets, or-ed */
	bool aside;		/* the largest is QUIC_SENT_ASIDE */
};

/* RFC9002-6.1.2-1 */
/* RFC 9002 section 6.1.2 */
static u64 loss_delay(const struct quic_rtt *rtt)
{
	u64 delay = max(rtt->latest, rtt->smoothed);

	return max(delay + delay / 8, (u64)QUIC_GRANULARITY);
}

/* RFC 9002 section 7.6.2: was a packet of another space that was sent between
 * the two times acknowledged?
 */
static bool acked_elsewhere(const struct quic_recovery *r,
			    enum quic_space_id id, u64 from, u64 to)
{
	int i;

	if (r->acked_time > from && r->acked_time < to)
		return true;
	for (i = 0; i < QUIC_SPACE_MAX; i++) {
		u64 t = r->space[i]->acked_time;

		if (i != id && t > from && t < to)
			return true;
	}
	return false;
}

/* RFC9002-7.6.2-1 */
/* RFC 9002 section 7.6: @p was lost.  Does it complete a period of persistent
 * congestion?
 */
static bool is_persistent(struct quic_recovery *r, enum quic_space_id id,
			  const struct quic_sent_pkt *p)
{
	struct quic_space *space = r->space[id];
	u64 limit = QUIC_PERSISTENT_FACTOR * quic_rtt_pto(&r->rtt, true);

	if (!(p->flags & QUIC_SENT_ACK_ELICITING) ||
	    !r->rtt.first_sample || p->time <= r->rtt.first_sample)
		return false;
	if (!space->lost_since)
		space->lost_since = p->time;
	return p->time - space->lost_since > limit &&
	       !acked_elsewhere(r, id, space->lost_since, p->time);
}

/* The packet leaves the flight, one way or the other. */
static void unfly(struct quic_recovery *r, struct quic_space *space,
		  const struct quic_sent_pkt *p)
{
	if (p->flags & QUIC_SENT_IN_FLIGHT)
		r->in_flight -= p->size;
	if (p->flags & QUIC_SENT_ACK_ELICITING)
		space->eliciting_out--;
}

/* The record of a lost packet is gone soon; remember its number for a while
 * in case its acknowledgment was only late.
 */
static void remember_lost(struct quic_space *space, u64 pn, u64 until)
{
	struct quic_ranges *lost = &space->lost;

	space->lost_until = until;
	while (quic_ranges_add(lost, pn, pn, GFP_ATOMIC) < 0) {
		if (quic_ranges_empty(lost))
			return;
		quic_ranges_trim(lost, lost->r[0].hi + 1);
	}
}

/* How many in [@lo, @hi] were declared lost? */
static u64 count_lost(const struct quic_ranges *lost, u64 lo, u64 hi)
{
	u64 count = 0;
	u16 i;

	for (i = 0; i < lost->n && lost->r[i].lo <= hi; i++) {
		if (lost->r[i].hi >= lo)
			count += min(lost->r[i].hi, hi) -
				 max(lost->r[i].lo, lo) + 1;
	}
	return count;
}

/* [@lo, @hi] are acknowledged, and before the ring. */
static void take_lost(struct quic_recovery *r, enum quic_space_id id, u64 lo,
		      u64 hi)
{
	struct quic_ranges *lost = &r->space[id]->lost;
	struct quic_undo *undo = &r->undo;
	u64 count = count_lost(lost, lo, hi), of_period = 0;

	if (!count)
		return;
	if (id == undo->space && undo->first <= hi)
		of_period = count_lost(lost, max(lo, undo->first), hi);
	if (quic_ranges_remove(lost, lo, hi, GFP_ATOMIC))
		quic_ranges_trim(lost, hi + 1);
	r->spurious += count;
	undo->left -= of_period;
	if (of_period && !undo->left)
		undo->due = true;
}

/* @n packets from @first were declared lost; @begins: a recovery period. */
static void note_lost(struct quic_recovery *r, enum quic_space_id id, u64 first,
		      u32 n, bool begins)
{
	struct quic_undo *undo = &r->undo;

	if (begins)
		*undo = (struct quic_undo){ .first = first, .space = id };
	else if (id != undo->space)
		undo->first = QUIC_PN_NONE;
	undo->left += n;
	undo->due = false;
}

/* One lost packet; adds to @loss. */
static void lose(struct quic_recovery *r, enum quic_space_id id, u64 pn,
		 struct quic_sent_pkt *p, struct quic_cc_loss *loss)
{
	p->state = QUIC_SENT_LOST;
	unfly(r, r->space[id], p);
	if (p->flags & QUIC_SENT_ECT && pn >= r->ecn.first)
		quic_ecn_on_lost(&r->ecn);
	/* RFC 9000 sections 9.4 and 14.4 */
	if (!(p->flags & QUIC_SENT_IN_FLIGHT) || p->flags & QUIC_SENT_ASIDE)
		return;
	remember_lost(r->space[id], pn, loss->now + 2 * r->rtt.smoothed);
	loss->bytes += p->size;
	loss->largest_sent_time = p->time;
	loss->persistent |= is_persistent(r, id, p);
	r->lost_packets++;
	r->lost_bytes += p->size;
}

/* The peer will never have read what was sent: no loss, nobody is to slow
 * down for it.
 */
void quic_recovery_resend(struct quic_recovery *r, enum quic_space_id id)
{
	struct quic_space *space = r->space[id];
	struct quic_sent *s = &space->sent;
	struct quic_sent_pkt *p;
	u64 pn;
	u8 i;

	for (pn = s->first; pn < s->next; pn++) {
		p = quic_sent_get(s, pn);
		if (p->state != QUIC_SENT_OUT)
			continue;
		p->state = QUIC_SENT_LOST;
		unfly(r, space, p);
		for (i = 0; i < p->n_frames; i++)
			r->ops->lost(r, id, quic_sent_frame(s, p, i));
	}
	quic_sent_retire(s);
	space->loss_time = 0;
	r->pto_count = 0;
}

/* RFC9000-13.3-4 RFC9002-7.4-1 */
/* RFC 9002 section A.10.  Packets are in order of number and of time: behind
 * the first that is not lost no other is, and it tells the time of the next.
 */
bool quic_recovery_detect(struct quic_recovery *r, enum quic_space_id id,
			  u64 now)
{
	struct quic_space *space = r->space[id];
	struct quic_sent *s = &space->sent;
	struct quic_report rep = { .r = r, .id = id, .tell = r->ops->lost };
	struct quic_cc_loss loss = { .now = now };
	u64 delay = loss_delay(&r->rtt);
	u64 lost_before = r->lost_packets, first = QUIC_PN_NONE;
	struct quic_sent_pkt *p;
	u64 pn, ahead, recovery_start;

	space->loss_time = 0;
	if (space->largest_acked == QUIC_PN_NONE)
		return false;
	/* Was a packet between the last loss and the ring acknowledged? */
	if (space->lost_next == s->skipped)
		space->lost_next++;
	if (space->lost_next != s->first)
		space->lost_since = 0;

	for (pn = s->first; pn <= space->largest_acked; pn++) {
		p = &s->pkt[pn & s->pkt_mask];
		if (p->state == QUIC_SENT_ACKED)
			space->lost_since = 0;
		if (p->state != QUIC_SENT_OUT)
			continue;
		/* RFC 9002 section 6.1.1; a skipped number is no packet. */
		ahead = space->largest_acked - pn;
		if (s->skipped > pn && s->skipped < space->largest_acked)
			ahead--;
		if (ahead < QUIC_PACKET_THRESHOLD && p->time + delay > now) {
			/* An ACK alone is not worth a timer. */
			if (!(p->flags & (QUIC_SENT_IN_FLIGHT |
					  QUIC_SENT_ACK_ELICITING)))
				continue;
			space->loss_time = p->time + delay;
			break;
		}
		r->rate.lost_ranges += pn != space->lost_next;
		first = min(first, pn);
		lose(r, id, pn, p, &loss);
		quic_report_frames(&rep, s, p);
		space->lost_next = pn + 1;
	}
	quic_sent_retire(s);
	quic_report_flush(&rep);

	if (!loss.bytes)
		return false;
	r->rate.lost_time = loss.largest_sent_time;
	recovery_start = r->cc.recovery_start;
	loss.in_flight = r->in_flight;
	note_lost(r, id, first, r->lost_packets - lost_before,
		  loss.largest_sent_time > recovery_start);
	quic_cc_lost(&r->cc, &loss);
	if (loss.persistent) {
		space->lost_since = 0;
		/* RFC 9002 section 5.2 */
		r->rtt.min = r->rtt.latest;
	}
	return loss.persistent || r->cc.recovery_start != recovery_start;
}

/* Settle [@lo, @hi], which is inside the ring. */
static int ack_range(struct quic_recovery *r, struct quic_report *rep,
		     struct acked *a, u64 lo, u64 hi)
{
	struct quic_space *space = r->space[rep->id];
	struct quic_sent *s = &space->sent;
	struct quic_sent_pkt *p = NULL;
	const struct quic_sent_pkt *top;
	u64 last = QUIC_PN_NONE;
	u64 pn;

	for (pn = lo; pn <= hi; pn++) {
		p = &s->pkt[pn & s->pkt_mask];
		if (unlikely(p->state != QUIC_SENT_OUT)) {
			if (p->state == QUIC_SENT_NONE)
				return QUIC_TRANSPORT_ERROR_PROTOCOL_VIOLATION;
			continue;
		}
		p->state = QUIC_SENT_ACKED;
		unfly(r, space, p);
		a->flags |= p->flags;
		if (p->flags & QUIC_SENT_ECT && pn >= r->ecn.first)
			a->marked++;
		if (p->flags & QUIC_SENT_IN_FLIGHT &&
		    likely(!(p->flags & QUIC_SENT_ASIDE))) {
			a->packets++;
			a->bytes += p->size;
			if (p->time > r->cc.recovery_start)
				a->fresh += p->size;
		}
		last = pn;
		quic_report_frames(rep, s, p);
	}
	/* Ranges come from the highest down. */
	if (a->largest == QUIC_PN_NONE && last != QUIC_PN_NONE) {
		top = &s->pkt[last & s->pkt_mask];
		a->largest = last;
		a->largest_time = top->time;
		a->aside = top->flags & QUIC_SENT_ASIDE;
	}
	/* In order, all that was in the ring so far is settled. */
	if (lo == s->first) {
		s->frm_tail = p->frame + p->n_frames;
		s->first = hi + 1;
	}
	return 0;
}

/* Settle what @f acknowledges. */
static int ack_ranges(struct quic_recovery *r, enum quic_space_id id,
		      const struct quic_frame *f, struct acked *a)
{
	struct quic_space *space = r->space[id];
	struct quic_sent *s = &space->sent;
	struct quic_report rep = { .r = r, .id = id, .tell = r->ops->acked };
	u64 first = s->first, floor = first;
	struct quic_ack_iter it;
	int err = 0;
	u64 lo, hi;

	if (unlikely(!quic_ranges_empty(&space->lost)))
		floor = space->lost.r[0].lo;
	quic_ack_iter_init(&it, f);
	while (!err && quic_ack_iter_next(&it, f, &lo, &hi)) {
		/* RFC 9000 section 21.4: remembered beyond the ring. */
		if (s->skipped >= lo && s->skipped <= hi)
			err = QUIC_TRANSPORT_ERROR_PROTOCOL_VIOLATION;
		else if (hi < floor)
			break;
		else if (hi >= first)
			err = ack_range(r, &rep, a, max(lo, first), hi);
		if (unlikely(floor < first && lo < first))
			take_lost(r, id, lo, min(hi, first - 1));
	}
	quic_report_flush(&rep);
	return err;
}

static void tell_acked(struct quic_recovery *r, const struct acked *a,
		       u64 prior_in_flight, u64 latest_rtt, u64 now)
{
	struct quic_cc_ack ack = {
		.now = now,
		.largest_sent_time = a->largest_time,
		.bytes = a->fresh,
		.in_flight = r->in_flight,
		.prior_in_flight = prior_in_flight,
		.srtt = r->rtt.first_sample ? r->rtt.smoothed : 0,
		.min_rtt = r->rtt.min,
		.latest_rtt = latest_rtt,
		.packets = a->packets,
		.acked = a->bytes,
		/* RFC 9002 section 7.8 */
		.app_limited = r->app_limited &&
			       prior_in_flight + r->cc.mss < r->cc.cwnd,
		.spurious = r->undo.due,
	};

	r->undo.due = false;
	r->acked_packets += a->packets;
	r->acked_bytes += a->bytes;
	if (unlikely(r->cc.wants & QUIC_CC_WANTS_RATE))
		quic_rate_on_acked(r, &ack);
	quic_cc_acked(&r->cc, &ack);
}

/* RFC 9002 section 7.1: routers say what a loss would have said.  Like a
 * loss it counts once per round trip.
 */
static bool on_marks(struct quic_recovery *r, const struct acked *a, u64 now)
{
	u64 recovery_start = r->cc.recovery_start;
	struct quic_cc_loss loss = {
		.now = now,
		.in_flight = r->in_flight,
		.largest_sent_time = a->largest_time,
		.ecn = true,
	};

	/* Whatever was lost or not, there was reason. */
	r->undo.first = QUIC_PN_NONE;
	r->undo.due = false;
	quic_cc_lost(&r->cc, &loss);
	if (r->cc.recovery_start == recovery_start)
		return false;
	r->ce_events++;
	return true;
}

/* RFC9002-5.1-1 */
int quic_recovery_on_ack(struct quic_recovery *r, enum quic_space_id id,
			 const struct quic_frame *f, u64 ack_delay, u64 now)
{
	struct quic_space *space = r->space[id];
	struct acked a = { .largest = QUIC_PN_NONE };
	u64 prior_in_flight = r->in_flight;
	u64 latest_rtt = 0;
	bool ce = false;
	int err;

	if (space->discarded)
		return 0;
	/* RFC 9000 section 13.1 */
	if (f->ack.largest >= space->sent.next)
		return QUIC_TRANSPORT_ERROR_PROTOCOL_VIOLATION;
	if (unlikely(space->lost_until) && now > space->lost_until) {
		space->lost_until = 0;
		quic_ranges_free(&space->lost);
	}
	err = ack_ranges(r, id, f, &a);
	if (err || a.largest == QUIC_PN_NONE)
		return err;
	/* It came before that left, and was opened late: who acknowledges what it
	 * has not got yet does not make time run backwards.
	 */
	now = max(now, a.largest_time);

	if (space->largest_acked == QUIC_PN_NONE ||
	    f->ack.largest > space->largest_acked) {
		space->largest_acked = f->ack.largest;
		if (f->ack.has_ecn || a.marked)
			ce = quic_ecn_on_ack(&r->ecn, &space->ecn, f, a.marked);
	}
	space->acked_time = max(space->acked_time, a.largest_time);
	r->last_event = now;

	/* RFC 9002 section 5.1; delays of Initial are ignored (5.3). */
	if (a.largest == f->ack.largest && !a.aside &&
	    a.flags & QUIC_SENT_ACK_ELICITING) {
		latest_rtt = now - a.largest_time;
		if (id == QUIC_SPACE_INITIAL)
			ack_delay = 0;
		quic_rtt_sample(&r->rtt, now, latest_rtt, ack_delay,
				r->confirmed);
	}
	/* All that was acknowledged left before a period that begins now. */
	if (quic_recovery_detect(r, id, now))
		a.fresh = 0;
	if (unlikely(ce) && on_marks(r, &a, now))
		a.fresh = 0;
	if (a.bytes)
		tell_acked(r, &a, prior_in_flight, latest_rtt, now);

	/* RFC 9002 sections 6.2.1 and 6.2.2.1 */
	if (id != QUIC_SPACE_INITIAL)
		r->peer_validated = true;
	if (quic_recovery_validated(r))
		r->pto_count = 0;
	return 0;
}
