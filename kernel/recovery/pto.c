// SPDX-License-Identifier: GPL-2.0
/*
 * The loss detection timer.
 *
 * Owns:	the next deadline, and what happens then.  What to probe with is
 *		offered to frame owners through struct quic_recovery_ops.
 * Called from:	conn/timer; whoever changed something asks for the deadline.
 * Context:	softirq or process; pure.
 * Locks:	socket lock.
 * RFC:		9002 sections 6.2, A.8, A.9.
 */
#include <linux/minmax.h>
#include <linux/quic.h>

#include "loss.h"
#include "report.h"

/* Space of the earliest time-threshold loss, or QUIC_SPACE_MAX. */
static enum quic_space_id loss_space(const struct quic_recovery *r)
{
	enum quic_space_id id = QUIC_SPACE_MAX;
	int i;

	for (i = 0; i < QUIC_SPACE_MAX; i++) {
		u64 t = r->space[i]->loss_time;

		if (t && (id == QUIC_SPACE_MAX || t < r->space[id]->loss_time))
			id = i;
	}
	return id;
}

/* RFC9002-6.2.1-3 */
/* RFC 9002 section 6.2.1: not in the application space until confirmed. */
static bool is_pto_armed(const struct quic_recovery *r, int id)
{
	return r->space[id]->eliciting_out &&
	       (id != QUIC_SPACE_APP || r->confirmed);
}

/* RFC9000-8.1-4 RFC9002-6.2.2.1-2 */
/* RFC 9002 section 6.2.2.1: the server may be waiting for us.  Or 1-RTT data
 * that the peer has no keys for fills the window, and keeps lost handshake
 * data from going again.
 */
static bool may_deadlock(const struct quic_recovery *r)
{
	return !quic_recovery_validated(r) || (!r->confirmed && r->in_flight);
}

/*
 * RFC9000-8.1-5 RFC9002-6.2.1-2 RFC9002-6.2.1-4 RFC9002-6.2.2.1-1
 * RFC9002-6.2.2.1-3
 */
/* RFC 9002 section A.8: time and space of the next PTO; 0 for none. */
static u64 next_pto(const struct quic_recovery *r, enum quic_space_id *id)
{
	u32 shift = min_t(u32, r->pto_count, QUIC_MAX_PTO_COUNT);
	u64 best = 0, t;
	int i;

	*id = QUIC_SPACE_MAX;
	if (r->amplification_blocked)
		return 0;
	for (i = 0; i < QUIC_SPACE_MAX; i++) {
		if (!is_pto_armed(r, i))
			continue;
		t = r->space[i]->last_eliciting +
		    (quic_rtt_pto(&r->rtt, i == QUIC_SPACE_APP) << shift);
		if (!best || t < best) {
			best = t;
			*id = i;
		}
	}
	if (!best && r->last_event && may_deadlock(r)) {
		best = r->last_event + (quic_rtt_pto(&r->rtt, false) << shift);
		*id = r->has_handshake_keys ||
		      r->space[QUIC_SPACE_INITIAL]->discarded ?
		      QUIC_SPACE_HANDSHAKE : QUIC_SPACE_INITIAL;
	}
	return best;
}

/* RFC9002-6.2.1-5 */
u64 quic_recovery_deadline(const struct quic_recovery *r)
{
	enum quic_space_id id = loss_space(r);

	/* RFC 9002 section 6.2.1: loss detection goes before PTO. */
	if (id != QUIC_SPACE_MAX)
		return r->space[id]->loss_time;
	return next_pto(r, &id);
}

/* Has it more than what a probe has anyway? */
static bool worth_repeating(const struct quic_sent *s,
			    const struct quic_sent_pkt *p)
{
	u8 i, kind;

	for (i = 0; i < p->n_frames; i++) {
		kind = quic_sent_frame(s, p, i)->kind;
		if (kind != QUIC_FRAME_PING && kind != QUIC_FRAME_ACK)
			return true;
	}
	return false;
}

/* RFC 9002 section 6.2.4: give the probes something to carry. */
static void offer_oldest(struct quic_recovery *r, enum quic_space_id id)
{
	const struct quic_sent *s = &r->space[id]->sent;
	struct quic_report rep = { .r = r, .id = id, .tell = r->ops->lost };
	u32 left = QUIC_PTO_PROBES;
	u64 pn;

	for (pn = s->first; pn < s->next && left; pn++) {
		const struct quic_sent_pkt *p = quic_sent_get(s, pn);

		if (p->state != QUIC_SENT_OUT ||
		    !(p->flags & QUIC_SENT_ACK_ELICITING) ||
		    !worth_repeating(s, p))
			continue;
		quic_report_frames(&rep, s, p);
		left--;
	}
	quic_report_flush(&rep);
}

void quic_recovery_repeat(struct quic_recovery *r)
{
	if (!r->space[QUIC_SPACE_INITIAL]->eliciting_out ||
	    r->repeats == QUIC_REPEATS)
		return;
	r->repeats++;
	offer_oldest(r, QUIC_SPACE_INITIAL);
	if (!r->space[QUIC_SPACE_HANDSHAKE]->discarded)
		offer_oldest(r, QUIC_SPACE_HANDSHAKE);
}

/* RFC9002-6.2-1 */
void quic_recovery_on_timer(struct quic_recovery *r, u64 now,
			    enum quic_space_id *probe)
{
	enum quic_space_id id = loss_space(r);
	u64 pto;
	int i;

	*probe = QUIC_SPACE_MAX;
	if (id != QUIC_SPACE_MAX) {
		if (r->space[id]->loss_time <= now)
			quic_recovery_detect(r, id, now);
		return;
	}
	pto = next_pto(r, &id);
	if (!pto || pto > now)
		return;

	/* RFC 9002 section A.9 */
	*probe = id;
	r->last_event = now;
	r->pto_total++;
	if (r->pto_count < QUIC_MAX_PTO_COUNT)
		r->pto_count++;
	for (i = 0; i < QUIC_SPACE_MAX; i++) {
		if (is_pto_armed(r, i))
			offer_oldest(r, i);
	}
}
