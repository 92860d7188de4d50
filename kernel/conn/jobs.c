// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: trains whose sealing or opening is completed later, and their order.
 * Called from: rx/packet and tx/push (new ones), crypto providers (completed
 * ones, in any order), sock/family (what was completed while the lock was
 * owned).
 * Context: socket lock held, BH off; on_done() takes the lock.
 *
 *	new --> BUSY --> DONE --.
 *	   `--> WAITS ----------+--> first in line --> frames, or the wire
 *
 * What the provider does not take, or must not, because it depends on what
 * those before bring (a change of keys), waits in line and is done by the CPU
 * when it is its turn.  Where keys have no later part no train comes here.
 */
#include <linux/slab.h>
#include <linux/unaligned.h>
#include "../pipeline.h"
#include "../obs/mib.h"
#include "jobs.h"

static void on_done(struct quic_aead_job *aead)
{
	struct quic_job *job = container_of(aead, struct quic_job, aead);
	struct quic_conn *c = job->c;
	struct sock *sk = c->sk;

	/* Last: whoever holds the lock may free it from here on. */
	smp_store_release(&job->state, QUIC_JOB_DONE);
	bh_lock_sock(sk);
	if (!sock_owned_by_user(sk)) {
		quic_jobs_run(c, false);
		quic_jobs_run(c, true);
	} else if (!test_and_set_bit(QUIC_DEFER_JOBS, &c->defer)) {
		sock_hold(sk);
	}
	bh_unlock_sock(sk);
	sock_put(sk);
}

/* The lock's owner gives it back. */
void quic_jobs_deferred(struct quic_conn *c)
{
	quic_jobs_run(c, false);
	quic_jobs_run(c, true);
	__sock_put(c->sk);
}

/* Last in line, with a copy of @t; or without a train, only to wait for those
 * before.  NULL: no memory, or too many.
 */
struct quic_job *quic_jobs_new(struct quic_conn *c, bool tx,
			       const struct quic_train *t)
{
	struct quic_job *job;

	if (c->n_jobs[tx] >= QUIC_JOBS_MAX)
		return NULL;
	job = kmalloc(sizeof(*job), GFP_ATOMIC | __GFP_NOWARN);
	if (!job)
		return NULL;
	job->aead.done = on_done;
	job->aead.seal = tx;
	job->aead.err = 0;
	job->aead.train = &job->train;
	job->c = c;
	job->state = QUIC_JOB_WAITS;
	job->train.n = 0;
	if (t) {
		job->train.n = t->n;
		memcpy(job->train.pkt, t->pkt, t->n * sizeof(*t->pkt));
	}
	list_add_tail(&job->link, &c->jobs[tx]);
	c->n_jobs[tx]++;
	return job;
}

/* To the provider.  What it declines waits. */
void quic_jobs_start(struct quic_job *job, bool tx)
{
	struct quic_aead_key *key = &job->c->keys[QUIC_CRYPTO_APP][tx].aead;
	struct sock *sk = job->c->sk;
	int err;

	sock_hold(sk);
	job->state = QUIC_JOB_BUSY;
	err = key->provider->submit(key, &job->aead);
	if (err == -EINPROGRESS) {
		QUIC_INC(sock_net(sk), QuicCryptoLater);
		return;
	}
	__sock_put(sk);
	job->state = err ? QUIC_JOB_WAITS : QUIC_JOB_DONE;
}

static void job_free(struct quic_job *job, bool tx)
{
	if (tx) {
		kfree_skb(job->skb);
	} else {
		consume_skb(job->skb);
		consume_skb(job->src);
	}
	kfree(job);
}

/* Those that are first in line and done. */
void quic_jobs_run(struct quic_conn *c, bool tx)
{
	bool full = c->n_jobs[tx] >= QUIC_JOBS_MAX;
	struct quic_job *job;

	while ((job = list_first_entry_or_null(&c->jobs[tx], struct quic_job,
					       link))) {
		/* Pairs with on_done(). */
		if (smp_load_acquire(&job->state) == QUIC_JOB_BUSY)
			break;
		list_del(&job->link);
		c->n_jobs[tx]--;
		if (tx)
			quic_tx_job(c, job);
		else
			quic_rx_job(c, job);
		job_free(job, tx);
	}
	if (tx && full && quic_conn_alive(c))
		quic_tx_push(c);
}

/* Nothing that depends on trains before it? */
static bool independent(const struct quic_conn *c, const struct quic_train *t)
{
	const struct quic_job *last;

	if (c->key_window || quic_rx_other_phase(c, t))
		return false;
	last = list_empty(&c->jobs[0]) ? NULL :
	       list_last_entry(&c->jobs[0], struct quic_job, link);
	return !last || READ_ONCE(last->state) != QUIC_JOB_WAITS;
}

/**
 * quic_jobs_open - a 1-RTT train came, its header protection is removed
 * @c:		connection for which quic_jobs_receive() is true
 * @t:		the train
 * @headers:	skb with its IP and UDP headers, or NULL
 * @now:	arrival, ns
 * @ecn:	codepoint
 *
 * Its frames are gone through when it is open and those before it are.
 */
void quic_jobs_open(struct quic_conn *c, const struct quic_train *t,
		    const struct sk_buff *headers, u64 now, u8 ecn)
{
	bool later = c->keys[QUIC_CRYPTO_APP][0].aead.later &&
		     independent(c, t);
	struct quic_job *job = quic_jobs_new(c, false, t);
	u16 i;

	if (!job) {
		QUIC_CONN_ADD(c, QuicDropJobs, t->n);
		return;
	}
	job->skb = headers ? skb_get((struct sk_buff *)headers) : NULL;
	job->src = skb_get(t->pkt[0].src);
	job->now = now;
	job->ecn = ecn;
	for (i = 0; i < t->n; i++)
		job->before[i] = get_unaligned((u64 *)(t->pkt[i].data +
						       t->pkt[i].hdr_len));
	if (later)
		quic_jobs_start(job, false);
	quic_jobs_run(c, false);
}

/* The last reference to the socket is gone, so none is busy. */
void quic_jobs_free(struct quic_conn *c)
{
	struct quic_job *job, *n;
	int tx;

	for (tx = 0; tx < 2; tx++)
		list_for_each_entry_safe(job, n, &c->jobs[tx], link)
			job_free(job, tx);
}
