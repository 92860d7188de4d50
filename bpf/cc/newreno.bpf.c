// SPDX-License-Identifier: GPL-2.0
/*
 * NewReno (RFC 9002 section 7.3), written out.
 *
 * Shows:	private words, slow start and congestion avoidance, a loss, a
 *		persistent loss.  To leave both callbacks out would give the
 *		same: NewReno is the default of on_acked and on_lost.
 * Good for:	a first algorithm of one's own to start from.
 * Bad for:	long paths with much bandwidth: after a loss it takes as many
 *		round trips to recover as half the window has packets.
 */
#include <quic/cc.h>

struct newreno_state {
	__u64 acked;	/* bytes counted toward the next packet */
};

QUIC_CC_OP(newreno_on_acked, struct quic_cc *cc, const struct quic_cc_ack *ack)
{
	struct newreno_state *r = QUIC_CC_PRIV(cc, struct newreno_state);
	__u64 bytes = ack->bytes, grow;
	int i;

	/* RFC 9002 section 7.8: the window was not what held it back. */
	if (ack->app_limited)
		return;
	if (quic_cc_in_slow_start(cc)) {
		grow = quic_min(bytes, cc->ssthresh - cc->cwnd);
		cc->cwnd += grow;
		bytes -= grow;
	}
	/* Section 7.3.3: one packet per window that was acknowledged.  After
	 * idleness the window is narrower than the one that was counted for.
	 */
	r->acked = quic_min(r->acked, cc->cwnd) + bytes;
	for (i = 0; i < 64 && r->acked >= cc->cwnd; i++) {
		r->acked -= cc->cwnd;
		cc->cwnd += cc->mss;
	}
}

QUIC_CC_OP(newreno_on_lost, struct quic_cc *cc, const struct quic_cc_loss *loss)
{
	struct newreno_state *r = QUIC_CC_PRIV(cc, struct newreno_state);

	r->acked = 0;
	/* Section 7.6.2: begin anew, up to where the loss before was. */
	if (loss->persistent) {
		cc->cwnd = quic_cc_minimum_window(cc->mss);
		return;
	}
	/* Section 7.3.2.  A CE mark (loss->ecn) counts as a loss. */
	cc->ssthresh = quic_max(cc->cwnd / 2, quic_cc_minimum_window(cc->mss));
	cc->cwnd = cc->ssthresh;
}

QUIC_CC_DEFINE(newreno, .on_acked = (void *)newreno_on_acked,
	       .on_lost = (void *)newreno_on_lost);
