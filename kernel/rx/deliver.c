// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: the end of a train: one ACK decision, one wakeup, one timer update,
 * one kick, however many packets came.
 * Called from: rx/packet.
 * Context: socket lock held, BH off.
 */
#include "../pipeline.h"

/* When does the next delayed ACK fall due? */
static u64 ack_deadline(const struct quic_conn *c)
{
	u64 first = 0;
	int i;

	for (i = 0; i < QUIC_SPACE_MAX; i++) {
		u64 d = c->crypto[i] ? c->ack[i]->deadline : 0;

		if (d && i == QUIC_SPACE_INITIAL)
			d = max(d, c->hello_until);
		if (d && (!first || d < first))
			first = d;
	}
	return first;
}

static bool anything_to_read(const struct quic_conn *c)
{
	if (!list_empty(&c->rq_crypto))
		return true;
	return (!list_empty(&c->rq_data) || !list_empty(&c->rq_event) ||
		quic_sk_has_fresh(c->sk)) && quic_conn_readable(c);
}

/* @heard: the peer is there; what does not open, or comes twice, does not say so. */
void quic_rx_deliver(struct quic_conn *c, u64 now, bool heard)
{
	if (!quic_conn_alive(c))
		return;
	if (likely(heard))
		quic_timer_on_rx(c, now);
	quic_timer_set(c, QUIC_TIMER_ACK, ack_deadline(c));
	/* Who has not read yet what came before is not woken again for ACKs,
	 * or for what came twice.
	 */
	if (c->rq_news && anything_to_read(c)) {
		c->rq_news = false;
		quic_sock_readable(c->sk);
	}
	if (!list_empty(&c->streams.ready))
		quic_stream_socks_wake(c);
	quic_tx_push(c);
}
