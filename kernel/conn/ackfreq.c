// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: how often ACKs are sent, by agreement: what we ask of the peer, and
 * what it may ask of us.
 * Called from: rx/frames, tx/frames, conn/handshake.
 * Context: socket lock held.
 * RFC: draft-ietf-quic-ack-frequency.
 *
 * We ask for four ACKs per window, or two if it is small: enough for
 * congestion control, and far fewer than one for two packets.  The delay asked
 * for is never above the peer's own max_ack_delay, so that the PTO stays as it
 * is.
 */
#include <linux/log2.h>
#include "../pipeline.h"
#include "../obs/mib.h"

#define QUIC_ACKFREQ_PER_WINDOW	4
/* No more packets than this before an ACK: they are a long train. */
#define QUIC_ACKFREQ_MOST	64
/* A frame for fewer packets than this would not be worth it. */
#define QUIC_ACKFREQ_LEAST	4
/* With a shorter delay, us, the timer would fire for every few exchanges on a short
 * path, to find that the ACK has left with the next one.
 */
#define QUIC_ACKFREQ_DELAY	5000

/* Shall the peer hear that it may ask?  Not if we promise no delay. */
bool quic_ackfreq_offer(const struct quic_conn *c)
{
	return READ_ONCE(c->qn->ack_frequency) &&
	       quic_sk(c->sk)->tparam.max_ack_delay >= QUIC_MIN_ACK_DELAY;
}

/* ---- what we ask for ----------------------------------------------------------- */

/* In steps of two, so that not every change of the window makes a frame.  A
 * small window does with two ACKs: then an answer of a few packets needs none
 * of its own, and is acknowledged by the next request.
 */
static u16 wanted(const struct quic_conn *c)
{
	u64 pkts = div_u64(c->rec.cc.cwnd, c->rec.cc.mss);

	if (pkts >= QUIC_ACKFREQ_PER_WINDOW * QUIC_ACKFREQ_LEAST)
		return rounddown_pow_of_two(min_t(u64, QUIC_ACKFREQ_MOST,
						  pkts / QUIC_ACKFREQ_PER_WINDOW));
	return pkts >= 2 * QUIC_ACKFREQ_LEAST ? QUIC_ACKFREQ_LEAST :
						QUIC_ACK_EVERY;
}

/* Section 3.2 of the draft: microseconds, a quarter of a round trip.  What is
 * shorter would bring no loss to light earlier: the PTO is longer, and a gap is
 * acknowledged at once.
 */
u64 quic_ackfreq_delay(const struct quic_conn *c)
{
	u64 us = div_u64(c->rec.rtt.smoothed,
			 QUIC_ACKFREQ_PER_WINDOW * NSEC_PER_USEC);

	us = max3(us, c->peer.min_ack_delay, (u64)QUIC_ACKFREQ_DELAY);
	return min(us, c->peer.max_ack_delay * USEC_PER_MSEC);
}

/* After an ACK: the window may have changed. */
void quic_ackfreq_update(struct quic_conn *c)
{
	u16 every;

	if (!c->handshake_confirmed ||
	    !READ_ONCE(c->qn->ack_frequency))
		return;
	every = wanted(c);
	if (every == (c->ackfreq_every ?: QUIC_ACK_EVERY))
		return;
	c->ackfreq_every = every;
	c->ctl |= QUIC_CTL_ACK_FREQUENCY;
}

/* ---- what the peer asks for -------------------------------------------------------- */

/* Section 4: 0 or a transport error. */
int quic_ackfreq_on_frame(struct quic_conn *c, const struct quic_frame *f)
{
	u64 us = f->ack_frequency.delay;

	if (!c->ackfreq_told)
		return QUIC_TRANSPORT_ERROR_FRAME_ENCODING;
	if (us < QUIC_MIN_ACK_DELAY || us >= BIT(14) * USEC_PER_MSEC)
		return QUIC_TRANSPORT_ERROR_PROTOCOL_VIOLATION;
	quic_ack_on_frequency(c->ack[QUIC_SPACE_APP], f->ack_frequency.seq,
			      f->ack_frequency.threshold, us * NSEC_PER_USEC,
			      f->ack_frequency.reordering);
	return 0;
}

/* Section 5.  Its packet is noted after its frames: that finds what is owed. */
int quic_ackfreq_on_immediate(struct quic_conn *c)
{
	if (!c->ackfreq_told)
		return QUIC_TRANSPORT_ERROR_FRAME_ENCODING;
	c->ack[QUIC_SPACE_APP]->immediate = true;
	return 0;
}
