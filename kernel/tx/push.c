// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: the loop that sends while sending is allowed.
 * Called from: whoever holds the socket lock and has asked for it with
 * quic_tx_kick(): sendmsg, rx/deliver, timers, lock release.
 * Context: socket lock held; softirq or process.
 */
#include <linux/percpu.h>
#include <net/inet_ecn.h>
#include "../crypto/offload.h"
#include "../pages.h"
#include "../pipeline.h"
#include "../obs/mib.h"
#include "tx.h"

/* Trains in a row before others get their turn of the CPU. */
#define QUIC_PUSH_TRAINS	16
/* The largest burst (RFC 9002 section 7.7). */
#define QUIC_FLUSH_PACKETS	10

static struct quic_tx __percpu *tx_scratch;	/* see quic_rx_init() */

void quic_tx_kick(struct quic_conn *c)
{
	c->tx_pending = true;
}

static void count(const struct quic_tx *tx)
{
	struct quic_conn *c = tx->c;

	if (tx->retrans) {
		c->retrans_bytes += tx->retrans;
		QUIC_CONN_ADD(c, QuicTxRetransBytes, tx->retrans);
		QUIC_CONN_INC(c, QuicFrmRetrans);
	}
	if (tx->data_pkts) {
		QUIC_CONN_INC(c, QuicTxDataTrains);
		QUIC_CONN_ADD(c, QuicTxDataPackets, tx->data_pkts);
	} else if (!tx->eliciting) {
		QUIC_CONN_ADD(c, QuicTxAckOnlyPackets, tx->train.n);
	}
}

/* A train of 1-RTT packets; @data: more than ACKs and probes is to be sent.
 * Packets sent, 0: nothing to send, or -errno.
 */
static int push_train(struct quic_tx *tx, bool data)
{
	struct quic_conn *c = tx->c;
	struct quic_allowance a;
	u64 departure = 0;
	u16 size;
	u8 ecn;
	int n;

	quic_recovery_wake(&c->rec, tx->now);
	if (!quic_sched_app(c, data, tx->now, &a))
		return 0;
	if (quic_offload_possible())
		a.pkts = min(a.pkts, quic_offload_segs(c));
	tx->level = quic_conn_tx_level(c);
	n = quic_build_train(tx, &a);
	if (n <= 0)
		return n;
	if (a.probe)
		c->probes[QUIC_SPACE_APP] -= min_t(u8, n,
					c->probes[QUIC_SPACE_APP]);
	count(tx);
	if (tx->eliciting)
		departure = quic_pace_sent(c, tx->now, tx->skb->len);
	size = tx->train.pkt[0].len;
	ecn = tx->ect ? INET_ECN_ECT_0 : 0;
	if (quic_offload_possible() && quic_seal_device(tx)) {
		quic_xmit(c, c->path, tx->skb, n, size, ecn, departure);
		return n;
	}
	if (quic_seal_later(tx, size, ecn, departure))
		return n;
	if (quic_seal(c, tx->level, &tx->train)) {
		/* Recorded as sent: it will count as lost and go again. */
		kfree_skb(tx->skb);
		return -EIO;
	}
	quic_xmit(c, c->path, tx->skb, n, size, ecn, departure);
	return n;
}

/* A datagram of handshake packets. */
static int push_datagram(struct quic_tx *tx)
{
	struct quic_conn *c = tx->c;
	int len = quic_build_datagram(tx);

	if (len <= 0)
		return len;
	count(tx);
	quic_xmit(c, c->path, tx->skb, 1, len, tx->ect ? INET_ECN_ECT_0 : 0, 0);
	if (tx->drop_initial)
		quic_conn_discard_space(c, QUIC_SPACE_INITIAL);
	return len;
}

static int push_one(struct quic_conn *c, bool data, u64 now)
{
	struct quic_tx *tx;
	int n;

	local_bh_disable();
	tx = this_cpu_ptr(tx_scratch);
	tx->c = c;
	tx->skb = NULL;
	tx->now = now;
	tx->data_pkts = 0;
	tx->eliciting = 0;
	tx->records = 0;
	tx->retrans = 0;
	tx->own_size = false;
	tx->ect = READ_ONCE(c->qn->ecn) &&
		  quic_ecn_marks(&c->rec.ecn, c->rec.pto_count);
	tx->drop_initial = false;
	tx->train.n = 0;

	n = quic_path_route(c->path, c->sk);
	if (!n && !c->handshake_confirmed)
		n = push_datagram(tx);
	if (unlikely(c->probing)) {
		quic_validate_send(c);
		data = quic_sched_has_data(c);
	}
	if (!n)
		n = push_train(tx, data);
	if (n < 0)
		QUIC_CONN_INC(c, QuicTxDropped);
	if (n > 0 && tx->eliciting)
		quic_timer_on_tx(c, tx->now);
	local_bh_enable();
	return n;
}

/* A key may seal only so many packets (RFC 9001 section 6.6). */
static bool key_is_due(const struct quic_conn *c)
{
	const struct quic_key *k = &c->keys[QUIC_CRYPTO_APP][1];

	return k->aead.sealed >= c->key_due && k->ready;
}

void quic_tx_push(struct quic_conn *c)
{
	u64 now = ktime_get_ns();
	int i, n = 0;
	bool data;

	/* BH comes on between trains: what they caused on this CPU may come
	 * back to us, and must not start a second loop.
	 */
	if (c->in_push)
		return;
	c->in_push = true;
	c->tx_pending = false;
	quic_timer_set(c, QUIC_TIMER_PACE, 0);
	if (unlikely(quic_pmtud_pending(&c->path->pmtud)))
		quic_pmtud_push(c);
	for (i = 0; i < QUIC_PUSH_TRAINS && quic_conn_alive(c); i++) {
		n = 0;
		if (unlikely(c->n_jobs[1] >= QUIC_JOBS_MAX))
			break;
		if (unlikely(key_is_due(c)) && !quic_key_update_due(c))
			break;
		data = quic_sched_has_data(c);
		if (quic_sched_idle(c, data, now))
			break;
		if (i)
			now = ktime_get_ns();
		n = push_one(c, data, now);
		if (n <= 0)
			break;
	}
	c->in_push = false;
	if (!quic_conn_alive(c))
		return;
	if (n > 0)	/* more to come: after the others */
		quic_timer_set(c, QUIC_TIMER_PACE, ktime_get_ns());
	else if (n < 0)	/* no memory, no route: a while later */
		quic_timer_set(c, QUIC_TIMER_PACE,
			       ktime_get_ns() + 10 * NSEC_PER_MSEC);
	quic_timer_set(c, QUIC_TIMER_LOSS, quic_recovery_deadline(&c->rec));
	quic_timer_commit(c);
}

/* RFC9002-7.7-1 */
/* Of what the program wrote, all that the window permits: the connection is
 * about to be closed, and pacing has no later to put it off to.
 */
void quic_tx_flush(struct quic_conn *c)
{
	const struct quic_sent *sent = &c->rec.space[QUIC_SPACE_APP]->sent;
	u64 first = sent->next, pace_next = c->pace_next, before;

	quic_streams_want_send(c);
	do {
		before = sent->next;
		c->pace_next = 0;
		quic_tx_push(c);
	} while (sent->next != before &&
		 sent->next - first < QUIC_FLUSH_PACKETS &&
		 quic_conn_alive(c));
	/* For quic_pace_last(). */
	c->pace_next = max(c->pace_next, pace_next);
}

int quic_tx_init(void)
{
	int err;

	tx_scratch = alloc_percpu(struct quic_tx);
	if (!tx_scratch)
		return -ENOMEM;
	err = quic_pages_init();
	if (err)
		free_percpu(tx_scratch);
	return err;
}

void quic_tx_exit(void)
{
	quic_pages_exit();
	free_percpu(tx_scratch);
}
