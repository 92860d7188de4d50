// SPDX-License-Identifier: GPL-2.0
/*
 * Packet numbers: truncation and recovery.
 *
 * Owns:	the two algorithms, nothing else.
 * Called from:	tx/build (length), rx/open (full number).
 * Context:	any.
 * Locks:	none.
 * RFC:		9000 section 17.1, A.2, A.3.
 */
#include "pn.h"

/* RFC9000-17.1-1 RFC9000-17.1-2 */
/* The encoding must span more than twice the distance to the largest number
 * the peer is known to have.  With nothing acknowledged that is @pn + 1,
 * which the wrap-around of QUIC_PN_NONE yields by itself.
 */
u8 quic_pn_len(u64 pn, u64 largest_acked)
{
	u64 distance = pn - largest_acked;

	if (distance < 1U << 7)
		return 1;
	if (distance < 1U << 15)
		return 2;
	if (distance < 1U << 23)
		return 3;
	return 4;
}

/* The candidate nearest to the number expected next; but never one above
 * QUIC_PN_MAX, which section A.3 would return after that number itself: a
 * peer that has the keys could send it.
 */
u64 quic_pn_decode(u32 pn, u8 len, u64 largest)
{
	u64 expected = largest + 1;	/* 0 for QUIC_PN_NONE */
	u64 win = 1ULL << (8 * len);
	u64 half = win / 2;
	u64 full = (expected & ~(win - 1)) | pn;

	if (full + half <= expected && full <= QUIC_PN_MAX - win)
		return full + win;
	if ((full > expected + half || full > QUIC_PN_MAX) && full >= win)
		return full - win;
	return full;
}
