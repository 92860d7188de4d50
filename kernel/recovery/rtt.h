/* SPDX-License-Identifier: GPL-2.0 */
/* Round-trip time, RFC 9002 section 5.  All times are nanoseconds. */
#ifndef KQUIC_RECOVERY_RTT_H
#define KQUIC_RECOVERY_RTT_H

#include <linux/minmax.h>
#include <linux/time64.h>
#include <linux/types.h>

#define QUIC_INITIAL_RTT	(333 * NSEC_PER_MSEC)	/* RFC 9002 6.2.2 */
#define QUIC_GRANULARITY	(1 * NSEC_PER_MSEC)	/* RFC 9002 6.1.2 */

struct quic_rtt {
	u64 latest;
	u64 min;
	u64 smoothed;
	u64 var;
	u64 first_sample;	/* when, 0: no sample yet */
	u64 max_ack_delay;	/* the peer's promise; 0 until it is known */
};

/* @initial: assumed RTT until the first sample. */
void quic_rtt_init(struct quic_rtt *rtt, u64 initial);

/* One sample (section 5.3).  @ack_delay as the peer reported it; it is
 * clamped to max_ack_delay when @confirmed.
 */
void quic_rtt_sample(struct quic_rtt *rtt, u64 now, u64 latest, u64 ack_delay,
		     bool confirmed);

/* smoothed + max(4 var, granularity) (+ max_ack_delay if @app): one PTO
 * without back-off (section 6.2.1).
 */
/* RFC9002-6.2.1-1 */
static inline u64 quic_rtt_pto(const struct quic_rtt *rtt, bool app)
{
	u64 pto = rtt->smoothed + max(4 * rtt->var, (u64)QUIC_GRANULARITY);

	return app ? pto + rtt->max_ack_delay : pto;
}

#endif
