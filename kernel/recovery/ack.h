/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Receiving half of a packet number space: which numbers were seen, and when
 * an ACK is due (RFC 9000 section 13.2).
 */
#ifndef KQUIC_RECOVERY_ACK_H
#define KQUIC_RECOVERY_ACK_H

#include <linux/time64.h>

#include "ranges.h"
#include "../wire/buf.h"

/* Ranges remembered and reported; the oldest are forgotten first. */
#define QUIC_ACK_MAX_RANGES	64
/* Ack-eliciting packets that elicit an ACK (section 13.2.2). */
#define QUIC_ACK_EVERY		2
/* After so many of them it is this number, or a sixteenth of the path's round trip
 * after the second, if that is long enough for a timer: senders whose windows
 * open by two packets send two, often one of them short, and each ACK costs both
 * ends what a packet does.  An eighth is too much: senders without pacing then
 * overrun a short queue.
 */
#define QUIC_ACK_OFTEN		100
#define QUIC_ACK_SELDOM		10
#define QUIC_ACK_WAIT_MIN	(500 * NSEC_PER_USEC)
/* Out-of-order distance that does, at once (section 13.2.1). */
#define QUIC_ACK_REORDERING	1

struct quic_ack {
	struct quic_ranges seen;
	u64 floor;		/* below it everything counts as seen */
	u64 largest;		/* QUIC_PN_NONE: nothing seen */
	u64 largest_time;	/* its arrival, ns */
	u64 deadline;		/* send an ACK by then; 0: none owed */
	u64 wait;		/* ns, for more than QUIC_ACK_EVERY; 0: no */
	u32 unacked;		/* ack-eliciting since the last ACK sent */
	u32 often;		/* ack-eliciting before ACKs become rarer */
	bool immediate;		/* reordering, a gap, or CE: do not wait */
	bool ce;		/* the last packet bore CE */
	u64 ecn[3];		/* ECT(0), ECT(1), CE packets counted */
	u64 reported;		/* largest of the last ACK; QUIC_PN_NONE */
	/* what the peer wants (draft-ietf-quic-ack-frequency) */
	u64 every;		/* packets that elicit an ACK */
	u64 reordering;		/* 0: order does not matter */
	u64 delay;		/* ns; 0: our max_ack_delay */
	u64 next_seq;		/* lower sequence numbers are obsolete */
};

void quic_ack_init(struct quic_ack *a);
void quic_ack_free(struct quic_ack *a);

/* Seen already, or too old to know (then it must be treated as seen)? */
bool quic_ack_is_duplicate(const struct quic_ack *a, u64 pn);

/**
 * quic_ack_on_packet - a packet was opened and processed
 * @a:		the space
 * @pn:		its number, not a duplicate
 * @now:	arrival, ns
 * @eliciting:	it held an ack-eliciting frame
 * @ecn:	its ECN codepoint (0..3)
 * @delay:	longest time to hold back an ACK, ns (0: none, as in the
 *		Initial and Handshake spaces, section 13.2.1)
 */
void quic_ack_on_packet(struct quic_ack *a, u64 pn, u64 now, bool eliciting,
			u8 ecn, u64 delay);

/* Must an ACK go out now?  Asked once per train. */
static inline bool quic_ack_due(const struct quic_ack *a, u64 now)
{
	return a->deadline &&
	       (a->immediate || a->unacked >= a->every ||
		now >= a->deadline);
}

/* Is anything to be acknowledged if a packet goes out anyway? */
static inline bool quic_ack_owed(const struct quic_ack *a)
{
	return a->deadline != 0;
}

/**
 * quic_ack_write - write an ACK frame (section 19.3)
 * @exponent:	our ack_delay_exponent (3 in Initial and Handshake)
 *
 * Writes as many ranges as fit, from the highest; with ECN counts if any
 * was counted.  Return: largest acknowledged, or QUIC_PN_NONE if nothing was
 * written (nothing seen or no room for one range).
 */
u64 quic_ack_write(struct quic_out *o, const struct quic_ack *a, u64 now,
		   u8 exponent);

/* That ACK is on its way: nothing is owed until the next packet. */
void quic_ack_on_sent(struct quic_ack *a);

/* Are ACKs to become rarer?  After an ACK; @min_rtt in ns.  What the peer has asked
 * for stays.
 */
void quic_ack_adapt(struct quic_ack *a, u64 min_rtt);

/* ACK_FREQUENCY: from now on (draft section 4).  Obsolete ones are ignored.
 * @delay is in ns.
 */
void quic_ack_on_frequency(struct quic_ack *a, u64 seq, u64 threshold,
			   u64 delay, u64 reordering);

/* The peer has our ACK up to @largest: forget lower ranges (13.2.4). */
void quic_ack_on_acked(struct quic_ack *a, u64 largest);

#endif
