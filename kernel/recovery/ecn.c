// SPDX-License-Identifier: GPL-2.0
/*
 * Explicit congestion notification: which packets are marked, and whether
 * what the peer counts is what we sent.
 *
 * Owns:	struct quic_ecn.
 * Called from:	recovery/recovery.c (sent), recovery/loss.c (acked, lost),
 *		tx/push (shall a train be marked).
 * Context:	softirq or process; pure.
 * Locks:	socket lock.
 * RFC:		9000 sections 13.4.2, A.4; 9002 section 7.1.
 *
 *   TESTING --10 packets--> UNKNOWN --validated--> CAPABLE
 *      |                       |                      |
 *      +-----------------------+--- counts wrong -----+--> FAILED
 *
 * A failed path stays so: to try again gains little, and a peer that lies
 * could make us try for ever.
 */
#include <linux/compiler.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include "ecn.h"
#include "../wire/frame.h"

void quic_ecn_start(struct quic_ecn *e, u64 first)
{
	*e = (struct quic_ecn){ .first = first };
}

void quic_ecn_on_sent(struct quic_ecn *e, struct quic_ecn_counts *n, u16 pkts)
{
	n->marked += pkts;
	if (likely(e->state != QUIC_ECN_TESTING))
		return;
	e->tests = min(e->tests + pkts, QUIC_ECN_TESTS);
	if (e->tests == QUIC_ECN_TESTS)
		e->state = QUIC_ECN_UNKNOWN;
}

/* Is it the mark that they die of (section 13.4.2)? */
void quic_ecn_on_lost(struct quic_ecn *e)
{
	if (e->state == QUIC_ECN_CAPABLE || e->state == QUIC_ECN_FAILED)
		return;
	if (++e->lost >= e->tests && e->state == QUIC_ECN_UNKNOWN)
		e->state = QUIC_ECN_FAILED;
}

/* RFC9000-13.4.2.2-1 */
/* Section 13.4.2.1 */
static bool is_valid(const struct quic_ecn_counts *n, const u64 *now,
		     u32 marked)
{
	/* Counts only grow, and nobody can have seen more than there is. */
	if (now[0] < n->seen[0] || now[2] < n->seen[2] ||
	    now[0] > n->marked || now[2] > n->marked)
		return false;
	/* We never send ECT(1). */
	if (now[1])
		return false;
	return now[0] - n->seen[0] + now[2] - n->seen[2] >= marked;
}

/* RFC9000-13.4.2.1-1 RFC9000-13.4.2.2-2 */
bool quic_ecn_on_ack(struct quic_ecn *e, struct quic_ecn_counts *n,
		     const struct quic_frame *f, u32 marked)
{
	bool ce;

	if (e->state == QUIC_ECN_FAILED)
		return false;
	/* Packets of the path before this one: no judgment. */
	if (f->ack.largest < e->first) {
		if (f->ack.has_ecn)
			memcpy(n->seen, f->ack.ecn, sizeof(n->seen));
		return false;
	}
	if (!f->ack.has_ecn) {
		if (marked)
			e->state = QUIC_ECN_FAILED;
		return false;
	}
	if (!is_valid(n, f->ack.ecn, marked)) {
		e->state = QUIC_ECN_FAILED;
		return false;
	}
	ce = f->ack.ecn[2] > n->seen[2];
	memcpy(n->seen, f->ack.ecn, sizeof(n->seen));
	if (marked)
		e->state = QUIC_ECN_CAPABLE;
	return ce;
}
