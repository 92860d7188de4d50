// SPDX-License-Identifier: GPL-2.0
/*
 * NewReno, and the default of callbacks that others leave out.
 *
 * Owns:	nothing.
 * Called from:	recovery/cc.c.
 * Context:	softirq or process; pure.
 * Locks:	socket lock.
 * RFC:		9002 section 7.3.
 */
#include <linux/limits.h>
#include <linux/math64.h>
#include <linux/minmax.h>

#include "cc.h"

/* RFC 9002 section 7.3.1.  Returns the bytes that slow start had no use for. */
static u64 slow_start(struct quic_cc *cc, u64 bytes)
{
	u64 grow = min(bytes, cc->ssthresh - cc->cwnd);

	cc->cwnd += grow;
	return bytes - grow;
}

/* RFC9002-7.3.3-1 */
static void reno_on_acked(struct quic_cc *cc, const struct quic_cc_ack *ack)
{
	u64 bytes = ack->bytes;

	/* RFC 9002 section 7.8 */
	if (ack->app_limited)
		return;
	if (quic_cc_in_slow_start(cc))
		bytes = slow_start(cc, bytes);

	/* RFC 9002 section 7.3.3: one datagram per window acknowledged.  What
	 * was counted toward a wider window counts no more than this one.
	 */
	cc->acked = min(cc->acked, cc->cwnd) + bytes;
	while (cc->acked >= cc->cwnd) {
		cc->acked -= cc->cwnd;
		cc->cwnd += cc->mss;
	}
}

/* RFC9002-7.3.2-1 RFC9002-7.3.2-2 RFC9002-7.6.2-2 */
static void reno_on_lost(struct quic_cc *cc, const struct quic_cc_loss *loss)
{
	cc->acked = 0;
	/* RFC 9002 section 7.6.2 */
	if (loss->persistent) {
		cc->cwnd = quic_cc_minimum_window(cc->mss);
		return;
	}
	/* RFC 9002 section 7.3.2 */
	cc->ssthresh = max(cc->cwnd / 2, quic_cc_minimum_window(cc->mss));
	cc->cwnd = cc->ssthresh;
}

const struct quic_congestion_ops quic_cc_reno = {
	.name = "reno",
	.on_acked = reno_on_acked,
	.on_lost = reno_on_lost,
};
