// SPDX-License-Identifier: GPL-2.0
/* All callbacks, counted by the private words and an array. */
#include <quic/cc.h>

__u64 inits, sents, ackeds, losts, releases, fresh;

QUIC_CC_OP(every_init, struct quic_cc *cc, __u64 now)
{
	__sync_fetch_and_add(&inits, 1);
	if (!cc->priv[0] && now && cc->ssthresh == QUIC_NONE &&
	    cc->cwnd == quic_cc_initial_window(cc->mss))
		__sync_fetch_and_add(&fresh, 1);
	cc->priv[QUIC_CC_PRIV_WORDS - 1] = 1;
}

QUIC_CC_OP(every_on_sent, struct quic_cc *cc, const struct quic_cc_sent *sent)
{
	__sync_fetch_and_add(&sents, sent->bytes && sent->in_flight >= sent->bytes);
}

QUIC_CC_OP(every_on_acked, struct quic_cc *cc, const struct quic_cc_ack *ack)
{
	__sync_fetch_and_add(&ackeds, 1);
	bpf_quic_cc_default_acked(cc, ack);
}

QUIC_CC_OP(every_on_lost, struct quic_cc *cc, const struct quic_cc_loss *loss)
{
	__sync_fetch_and_add(&losts, 1);
	bpf_quic_cc_default_lost(cc, loss);
}

QUIC_CC_OP(every_release, struct quic_cc *cc)
{
	__sync_fetch_and_add(&releases, 1);
}

QUIC_CC_DEFINE(every_op, .init = (void *)every_init,
	       .on_sent = (void *)every_on_sent,
	       .on_acked = (void *)every_on_acked,
	       .on_lost = (void *)every_on_lost,
	       .release = (void *)every_release);
