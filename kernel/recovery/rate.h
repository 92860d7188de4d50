/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Delivery rate: how fast the path took away what was sent, for congestion
 * controllers that ask (QUIC_CC_FLAG_RATE).
 */
#ifndef KQUIC_RECOVERY_RATE_H
#define KQUIC_RECOVERY_RATE_H

#include <linux/gfp.h>
#include <linux/types.h>

#include "cc.h"

struct quic_recovery;
struct quic_rate_mark;

/* Marks kept, and made at most per smoothed RTT: so they reach four of these
 * back.  What was sent before tells nothing when it is acknowledged.
 */
#define QUIC_RATE_MARKS		64
#define QUIC_RATE_PER_RTT	16

/**
 * struct quic_rate - the sampler of a connection
 * @mark:	ring of QUIC_RATE_MARKS; NULL: nobody asks, or no memory
 * @n:		marks made so far
 * @delivered_time: of the last acknowledgment, or of the first packet after
 *		idleness, ns
 * @first_sent:	when the packet left that was acknowledged last, or likewise
 * @limited_until: when this many bytes are acknowledged, nothing is under way
 *		from a time when the application had no data; 0: as now
 * @lost_time:	when the newest packet left that was declared lost since the
 *		controller was told; 0: none was
 * @lost_ranges: declared lost so far, each of packets in a row
 */
struct quic_rate {
	struct quic_rate_mark *mark;
	u64 delivered_time;
	u64 first_sent;
	u64 limited_until;
	u64 lost_time;
	u32 lost_ranges;
	u32 n;
};

/* Before sending; it does without if there is no memory. */
void quic_rate_reserve(struct quic_recovery *r, gfp_t gfp);
void quic_rate_free(struct quic_recovery *r);

/* @bytes left, and are in r->in_flight already. */
void quic_rate_on_sent(struct quic_recovery *r, u64 now, u64 bytes);
/* There was nothing to send, though the window had room. */
void quic_rate_on_limited(struct quic_recovery *r);
/* Bytes were acknowledged, and are in r->acked_bytes already: complete @ack. */
void quic_rate_on_acked(struct quic_recovery *r, struct quic_cc_ack *ack);

#endif
