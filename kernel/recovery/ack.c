// SPDX-License-Identifier: GPL-2.0
/*
 * The receiving half of a packet number space.
 *
 * Owns:	what was received, when to say so, the ACK frame that says it.
 * Called from:	rx/open and rx/packet per packet, rx/deliver per train,
 *		tx/frames to write.
 * Context:	softirq or process; pure.
 * Locks:	socket lock.
 * RFC:		9000 sections 13.2, 19.3; draft-ietf-quic-ack-frequency.
 */
#include <linux/build_bug.h>
#include <linux/compiler.h>
#include <linux/limits.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/time64.h>

#include "ack.h"
#include "../wire/pn.h"
#include "../wire/varint.h"

#define FRAME_ACK	0x02
#define FRAME_ACK_ECN	0x03
#define ECN_CE		3

/* quic_ack_write() keeps one byte for the number of ranges. */
static_assert(QUIC_ACK_MAX_RANGES <= 64);

void quic_ack_init(struct quic_ack *a)
{
	*a = (struct quic_ack){
		.largest = QUIC_PN_NONE,
		.reported = QUIC_PN_NONE,
		.every = QUIC_ACK_EVERY,
		.often = QUIC_ACK_OFTEN,
		.reordering = QUIC_ACK_REORDERING,
	};
	quic_ranges_init(&a->seen, QUIC_ACK_MAX_RANGES);
}

void quic_ack_free(struct quic_ack *a)
{
	quic_ranges_free(&a->seen);
}

/* RFC9000-12.3-4 RFC9000-12.3-5 */
bool quic_ack_is_duplicate(const struct quic_ack *a, u64 pn)
{
	if (a->largest != QUIC_PN_NONE && likely(pn > a->largest))
		return false;
	return pn < a->floor || quic_ranges_contains(&a->seen, pn);
}

/* RFC9000-13.2.3-1 */
/* Forget the oldest range; whatever lies below is a duplicate from now on
 * (RFC 9000 section 13.2.3).
 */
static void forget_oldest(struct quic_ack *a)
{
	a->floor = a->seen.r[0].hi + 1;
	quic_ranges_trim(&a->seen, a->floor);
}

/* Record anything but the successor of the largest so far. */
static noinline void remember(struct quic_ack *a, u64 pn, u64 now)
{
	/* QUIC_PN_NONE + 1 is 0: a first packet 0 is in order. */
	/* RFC 9000 section 13.2.1: reordered, or after a gap. */
	if (pn != a->largest + 1 && a->reordering == QUIC_ACK_REORDERING)
		a->immediate = true;
	if (a->largest == QUIC_PN_NONE || pn > a->largest) {
		a->largest = pn;
		a->largest_time = now;
	}
	while (quic_ranges_add(&a->seen, pn, pn, GFP_ATOMIC) < 0) {
		/* No room, and @pn itself is the oldest. */
		if (quic_ranges_empty(&a->seen) || pn < a->seen.r[0].lo) {
			a->floor = pn + 1;
			return;
		}
		forget_oldest(a);
	}
}

/* Has reordering reached the peer's threshold (draft section 6.2)?  Either a
 * number that no ACK reported missing is that far behind the largest, or this
 * packet is one that the peer has declared lost.
 */
static noinline bool is_out_of_window(const struct quic_ack *a, u64 pn)
{
	const struct quic_range *r = a->seen.r;
	u64 known = 0, missing = QUIC_PN_NONE;	/* numbers below @known */
	int i;

	if (a->reported != QUIC_PN_NONE && a->reported >= a->reordering) {
		known = a->reported - a->reordering + 1;
		if (pn < known)
			return true;
	}
	for (i = a->seen.n - 1; i >= 0 && r[i].lo > known; i--) {
		u64 below = i ? r[i - 1].hi + 1 : a->floor;

		if (below < r[i].lo)
			missing = max(below, known);
	}
	return missing != QUIC_PN_NONE && a->largest - missing >= a->reordering;
}

/* RFC9000-13.2.1-1 RFC9000-13.2.1-2 RFC9000-13.2.1-4 */
void quic_ack_on_packet(struct quic_ack *a, u64 pn, u64 now, bool eliciting,
			u8 ecn, u64 delay)
{
	if (eliciting) {
		a->unacked++;
		if (a->wait && a->unacked >= QUIC_ACK_EVERY)
			delay = min(delay, a->wait);
		if (!a->deadline || now + delay < a->deadline)
			a->deadline = max(now + delay, 1ULL);
	}
	if (unlikely(ecn)) {
		/* ECT(1) is codepoint 1, ECT(0) is 2. */
		a->ecn[ecn == ECN_CE ? 2 : ecn == 1]++;
		/* With fewer ACKs it is the change that matters (draft
		 * section 6.4).
		 */
		if (ecn == ECN_CE &&
		    (a->every <= QUIC_ACK_EVERY || a->wait || !a->ce))
			a->immediate = true;
	}
	a->ce = ecn == ECN_CE;
	/* In order: a few stores. */
	if (likely(pn == a->largest + 1 && a->seen.n)) {
		a->largest = pn;
		a->largest_time = now;
		a->seen.r[a->seen.n - 1].hi = pn;
	} else {
		remember(a, pn, now);
	}
	if (unlikely(a->reordering > QUIC_ACK_REORDERING) && eliciting &&
	    (a->seen.n > 1 || pn != a->largest) && is_out_of_window(a, pn))
		a->immediate = true;
}

/* Bytes of one gap and range, RFC 9000 section 19.3.1. */
static size_t range_bytes(const struct quic_range *above,
			  const struct quic_range *r)
{
	return quic_varint_len(above->lo - r->hi - 2) +
	       quic_varint_len(r->hi - r->lo);
}

static size_t ecn_len(const struct quic_ack *a)
{
	if (!(a->ecn[0] | a->ecn[1] | a->ecn[2]))
		return 0;
	return quic_varint_len(a->ecn[0]) + quic_varint_len(a->ecn[1]) +
	       quic_varint_len(a->ecn[2]);
}

/* RFC9000-13.2.5-1 RFC9000-13.4.1-1 */
u64 quic_ack_write(struct quic_out *o, const struct quic_ack *a, u64 now,
		   u8 exponent)
{
	const struct quic_range *top, *r;
	size_t len, ecn = ecn_len(a);
	u64 delay;
	u8 *count;

	if (quic_ranges_empty(&a->seen))
		return QUIC_PN_NONE;
	top = &a->seen.r[a->seen.n - 1];
	/* RFC 9000 section 13.2.5 */
	delay = now > a->largest_time ? now - a->largest_time : 0;
	delay = div_u64(delay, NSEC_PER_USEC) >> exponent;

	len = 1 + quic_varint_len(top->hi) + quic_varint_len(delay) + 1 +
	      quic_varint_len(top->hi - top->lo) + ecn;
	if (quic_out_left(o) < len)
		return QUIC_PN_NONE;

	quic_put_u8(o, ecn ? FRAME_ACK_ECN : FRAME_ACK);
	quic_put_varint(o, top->hi);
	quic_put_varint(o, delay);
	count = o->p;
	quic_put_u8(o, 0);
	quic_put_varint(o, top->hi - top->lo);
	for (r = top; r > a->seen.r; r--) {
		if (quic_out_left(o) < range_bytes(r, r - 1) + ecn)
			break;
		quic_put_varint(o, r->lo - r[-1].hi - 2);
		quic_put_varint(o, r[-1].hi - r[-1].lo);
		++*count;
	}
	if (ecn) {
		quic_put_varint(o, a->ecn[0]);
		quic_put_varint(o, a->ecn[1]);
		quic_put_varint(o, a->ecn[2]);
	}
	return top->hi;
}

/* RFC9000-13.2.1-3 */
void quic_ack_on_sent(struct quic_ack *a)
{
	a->reported = a->largest;
	a->often -= min(a->often, a->unacked);
	a->deadline = 0;
	a->unacked = 0;
	a->immediate = false;
}

/* RFC9000-13.2.3-2 */
void quic_ack_on_acked(struct quic_ack *a, u64 largest)
{
	if (a->largest == QUIC_PN_NONE || !a->largest)
		return;
	/* Every ACK reports the largest (RFC 9000 section 13.2.3): keep it. */
	largest = min(largest, a->largest - 1);
	if (largest < a->floor)
		return;
	a->floor = largest + 1;
	quic_ranges_trim(&a->seen, a->floor);
}

/* RFC 9000 section 13.2.2 */
void quic_ack_adapt(struct quic_ack *a, u64 min_rtt)
{
	u64 wait = min_rtt / 16;

	if (a->often || a->next_seq)
		return;
	a->wait = wait >= QUIC_ACK_WAIT_MIN ? wait : 0;
	a->every = a->wait ? QUIC_ACK_SELDOM : QUIC_ACK_EVERY;
}

void quic_ack_on_frequency(struct quic_ack *a, u64 seq, u64 threshold,
			   u64 delay, u64 reordering)
{
	if (seq < a->next_seq)
		return;
	a->next_seq = seq + 1;
	a->every = threshold + 1;
	a->wait = 0;
	a->reordering = reordering;
	a->delay = delay;
}
