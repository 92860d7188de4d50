/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Explicit congestion notification on the path in use: does it carry our
 * marks (RFC 9000 section 13.4.2 and appendix A.4)?
 */
#ifndef KQUIC_RECOVERY_ECN_H
#define KQUIC_RECOVERY_ECN_H

#include <linux/types.h>

struct quic_frame;

/* Marked packets before the first answer (section 13.4.2). */
#define QUIC_ECN_TESTS		10
/* PTOs in a row after which no more are marked: a path that drops marked
 * packets must not end the connection.
 */
#define QUIC_ECN_MAX_PTOS	2

enum quic_ecn_state {
	QUIC_ECN_TESTING,	/* marking the first packets */
	QUIC_ECN_UNKNOWN,	/* waiting to hear what became of them */
	QUIC_ECN_CAPABLE,	/* marking all packets */
	QUIC_ECN_FAILED,	/* marking none */
};

struct quic_ecn {
	u8 state;		/* enum quic_ecn_state */
	u8 tests;		/* packets marked while testing */
	u8 lost;		/* of them lost, none having been acknowledged */
	u64 first;		/* lowest number sent on this path */
};

/* What the peer counted, and how many there can be: one number space. */
struct quic_ecn_counts {
	u64 marked;		/* packets that we sent with ECT(0) */
	u64 seen[3];		/* ECT(0), ECT(1), CE as last reported */
};

/* Begin on a path of which @first will be the lowest packet number. */
void quic_ecn_start(struct quic_ecn *e, u64 first);

/* Shall packets sent now bear ECT(0)? */
static inline bool quic_ecn_marks(const struct quic_ecn *e, u32 pto_count)
{
	return (e->state == QUIC_ECN_TESTING || e->state == QUIC_ECN_CAPABLE) &&
	       pto_count < QUIC_ECN_MAX_PTOS;
}

/* @pkts packets leave with ECT(0). */
void quic_ecn_on_sent(struct quic_ecn *e, struct quic_ecn_counts *n, u16 pkts);
void quic_ecn_on_lost(struct quic_ecn *e);

/**
 * quic_ecn_on_ack - look at the counts of an ACK frame
 * @e:		the path's state
 * @n:		of the frame's space
 * @f:		the frame; its largest is larger than any before
 * @marked:	how many packets with ECT(0), sent on this path, it newly
 *		acknowledged
 *
 * Return: true if routers have marked more packets CE than was known.
 */
bool quic_ecn_on_ack(struct quic_ecn *e, struct quic_ecn_counts *n,
		     const struct quic_frame *f, u32 marked);

#endif
