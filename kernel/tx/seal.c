// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: from a train of plaintext to one that may leave: AEAD, then header
 * protection, each once per train.
 * Called from: tx/push, tx/build, tx/close.
 * Context: socket lock held, BH off.
 * RFC 9001 sections 5.3, 5.4, 6.6; RFC 9287.
 */
#include <linux/random.h>
#include "../pipeline.h"
#include "../conn/jobs.h"
#include "../obs/mib.h"
#include "tx.h"

/* The peer takes any value of the QUIC bit: show that nobody may rely on it
 * (RFC 9287 section 3.1).
 */
static void grease(struct quic_train *t)
{
	u64 bits = get_random_u64();
	int i;

	BUILD_BUG_ON(QUIC_TRAIN_MAX > 64);
	for (i = 0; i < t->n; i++)
		if (bits & BIT_ULL(i))
			t->pkt[i].data[0] &= ~QUIC_HDR_FIXED;
}

/* What is left to do when the packets are encrypted. */
static int finish(struct quic_conn *c, struct quic_key *key,
		  struct quic_train *t, int err)
{
	if (!err)
		err = quic_hp_protect(&key->hp, t);
	if (unlikely(err)) {
		QUIC_CONN_ADD(c, QuicPktEncDrop, t->n);
		return err;
	}
	QUIC_CONN_ADD(c, QuicAeadSeal, t->n);
	QUIC_CONN_ADD(c, QuicPktEncFastpaths, t->n);
	QUIC_CONN_INC(c, QuicHpCalls);
	return 0;
}

/* RFC9287-3.1-1 RFC9287-3.1-2 RFC9287-3.1-3 RFC9287-3.1-4 */
static int prepare(struct quic_conn *c, struct quic_key *key,
		   struct quic_train *t)
{
	/* tx/push has ended the connection before it came to this. */
	if (WARN_ON_ONCE(key->aead.sealed + t->n > key->aead.suite->seal_limit))
		return -EKEYEXPIRED;
	if (unlikely(c->grease))
		grease(t);
	return 0;
}

int quic_seal(struct quic_conn *c, u8 level, struct quic_train *t)
{
	struct quic_key *key = &c->keys[level][1];
	int err = prepare(c, key, t);

	if (!err)
		err = quic_aead_seal(&key->aead, t);
	return finish(c, key, t, err);
}

/* Leave it to a provider that completes it later; then it is sent, in its
 * turn.  Return: false if that is not possible.
 */
bool quic_seal_later(struct quic_tx *tx, u16 size, u8 ecn, u64 departure)
{
	struct quic_conn *c = tx->c;
	struct quic_key *key = &c->keys[QUIC_CRYPTO_APP][1];
	struct quic_job *job;

	if (tx->level != QUIC_CRYPTO_APP ||
	    !quic_jobs_wanted(c, true, &tx->train, tx->now) ||
	    prepare(c, key, &tx->train))
		return false;
	job = quic_jobs_new(c, true, &tx->train);
	if (!job)
		return false;
	job->skb = tx->skb;
	job->path = c->path;
	job->departure = departure;
	job->segs = tx->train.n;
	job->size = size;
	job->ecn = ecn;
	quic_xmit_count(c->path, tx->skb->len);
	quic_aead_gather(&job->train);
	quic_jobs_start(job, true);
	/* It was not taken: now is as good as its turn, and the key right. */
	if (job->state == QUIC_JOB_WAITS)
		job->aead.err = quic_aead_seal(&key->aead, &job->train);
	quic_jobs_run(c, true);
	return true;
}

/* Leave it to the device that the route leads through: it goes on as it is, and
 * is protected by crypto/offload_fallback.c.  Return: false if it cannot.
 */
bool quic_seal_device(struct quic_tx *tx)
{
	struct quic_conn *c = tx->c;

	return tx->level == QUIC_CRYPTO_APP &&
	       !prepare(c, &c->keys[QUIC_CRYPTO_APP][1], &tx->train) &&
	       quic_offload_take(c, &tx->train, tx->skb);
}

/* Its turn has come. */
void quic_tx_job(struct quic_conn *c, struct quic_job *job)
{
	struct quic_key *key = &c->keys[QUIC_CRYPTO_APP][1];
	struct sk_buff *skb = job->skb;
	int err = job->aead.err;

	/* Without packets it was ready before, and only had to wait. */
	if (job->train.n)
		err = finish(c, key, &job->train, err);
	/* What does not leave counts as lost, and goes again.  CONNECTION_CLOSE
	 * itself may be among them, the peer's ends all (RFC 9000 section 10.2.2).
	 */
	if (err || c->state >= QUIC_CONN_DRAINING ||
	    !quic_migrate_knows(c, job->path) ||
	    quic_path_route(job->path, c->sk))
		return;
	job->skb = NULL;
	quic_xmit_now(c, job->path, skb, job->segs, job->size, job->ecn,
		      job->departure);
}
