// SPDX-License-Identifier: GPL-2.0
/*
 * Round-trip time estimation: arithmetic on nanoseconds.
 *
 * Owns:	struct quic_rtt.
 * Called from:	recovery/loss.c, once per ACK frame at most; recovery/pto.c.
 * Context:	any; pure.
 * Locks:	socket lock.
 * RFC:		9002 section 5.
 */
#include <linux/minmax.h>

#include "rtt.h"

void quic_rtt_init(struct quic_rtt *rtt, u64 initial)
{
	/* RFC 9002 section 5.3 and 6.2.2 */
	*rtt = (struct quic_rtt){
		.smoothed = initial,
		.var = initial / 2,
	};
}

/* RFC9002-5.2-1 RFC9002-5.2-2 RFC9002-5.3-1 RFC9002-5.3-2 */
void quic_rtt_sample(struct quic_rtt *rtt, u64 now, u64 latest, u64 ack_delay,
		     bool confirmed)
{
	u64 adjusted, dev;

	latest = max(latest, 1ULL);
	rtt->latest = latest;

	/* RFC 9002 section 5.3: the first sample replaces the guess. */
	if (!rtt->first_sample) {
		rtt->first_sample = max(now, 1ULL);
		rtt->min = latest;
		rtt->smoothed = latest;
		rtt->var = latest / 2;
		return;
	}

	/* RFC 9002 section 5.2 */
	rtt->min = min(rtt->min, latest);

	if (confirmed)
		ack_delay = min(ack_delay, rtt->max_ack_delay);
	adjusted = latest;
	if (latest - rtt->min >= ack_delay)
		adjusted -= ack_delay;

	/* RFC 9002 section A.7: the variation first, by the old average. */
	dev = rtt->smoothed > adjusted ? rtt->smoothed - adjusted :
					 adjusted - rtt->smoothed;
	rtt->var = (3 * rtt->var + dev) / 4;
	rtt->smoothed = (7 * rtt->smoothed + adjusted) / 8;
}
