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
 * What the provider does not take is done by the CPU at once, and waits in line.
 * What it must not get, because that depends on what those before bring (a
 * change of keys), is done by the CPU when it is its turn.  Where keys have no
 * later part no train comes here.
 *
 * A received train is copied before anything of it is changed.  What it came in
 * may lie in the memory of another skb as well and not look shared (see
 * crypto/aead_sw), and while a provider is at work nothing can be put back.
 */
#include <linux/skbuff.h>
#include <linux/slab.h>
#include "../pipeline.h"
#include "../obs/mib.h"
#include "jobs.h"

/* Bytes of packets in one skb: as much as the allocator gives without effort. */
#define QUIC_JOB_SKB	SKB_MAX_ORDER(0, 2)

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
	job->train.opened = false;
	if (t) {
		job->train.n = t->n;
		memcpy(job->train.pkt, t->pkt, t->n * sizeof(*t->pkt));
	}
	list_add_tail(&job->link, &c->jobs[tx]);
	c->n_jobs[tx]++;
	return job;
}

/* To the provider.  What it declines waits for its turn. */
void quic_jobs_start(struct quic_job *job, bool tx)
{
	struct quic_aead_key *key = &job->c->keys[QUIC_CRYPTO_APP][tx].aead;
	struct sock *sk = job->c->sk;
	int err;

	sock_hold(sk);
	job->state = QUIC_JOB_BUSY;
	err = quic_aead_submit(key, &job->aead);
	if (err == -EINPROGRESS) {
		QUIC_INC(sock_net(sk), QuicCryptoLater);
		return;
	}
	__sock_put(sk);
	if (err == -EBUSY)
		QUIC_INC(sock_net(sk), QuicCryptoBusy);
	job->state = err ? QUIC_JOB_WAITS : QUIC_JOB_DONE;
}

static void job_free(struct quic_job *job, bool tx)
{
	if (tx) {
		kfree_skb(job->skb);
	} else {
		consume_skb(job->skb);
		__skb_queue_purge_reason(&job->own, SKB_CONSUMED);
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

/* An skb for the packets from @i on, or for as many of them as fit. */
static struct sk_buff *room_for(const struct quic_train *t, u16 i)
{
	u32 size = 0;

	for (; i < t->n && size + t->pkt[i].len <= QUIC_JOB_SKB; i++)
		size += t->pkt[i].len;
	return alloc_skb(size ?: t->pkt[i].len, GFP_ATOMIC | __GFP_NOWARN);
}

/* Make the packets of @t copies, in @own. */
static bool copy_out(struct quic_train *t, struct sk_buff_head *own)
{
	struct quic_pkt *p = t->pkt;
	struct sk_buff *skb = NULL;

	for (; p < t->pkt + t->n; p++) {
		if (!skb || skb_tailroom(skb) < p->len) {
			skb = room_for(t, p - t->pkt);
			if (!skb)
				return false;
			__skb_queue_tail(own, skb);
		}
		p->data = skb_put_data(skb, p->data, p->len);
		p->src = skb;
	}
	return true;
}

/* Of @t, whose packets lie in @own, and no longer if there is one. */
static struct quic_job *new_open(struct quic_conn *c,
				 const struct quic_train *t,
				 struct sk_buff_head *own)
{
	struct quic_job *job = quic_jobs_new(c, false, t);

	if (!job) {
		QUIC_CONN_ADD(c, QuicDropJobs, t->n);
		return NULL;
	}
	__skb_queue_head_init(&job->own);
	skb_queue_splice_init(own, &job->own);
	return job;
}

/**
 * quic_jobs_open - a 1-RTT train came
 * @c:		connection for which quic_jobs_receive() was true
 * @t:		the train, as it came
 * @headers:	skb with its IP and UDP headers, or NULL
 * @now:	arrival, ns
 * @ecn:	codepoint
 *
 * Its frames are gone through when it is open and those before it are.
 *
 * Return: 0, or -errno if nothing more can be said of the train.
 */
int quic_jobs_open(struct quic_conn *c, struct quic_train *t,
		   const struct sk_buff *headers, u64 now, u8 ecn)
{
	struct quic_aead_key *key = &c->keys[QUIC_CRYPTO_APP][0].aead;
	struct sk_buff_head own;
	struct quic_job *job;
	bool later;
	int err = -ENOMEM;

	__skb_queue_head_init(&own);
	if (copy_out(t, &own))
		err = quic_rx_unprotect(c, QUIC_CRYPTO_APP, t);
	if (err || !t->n)
		goto out;
	later = key->later && independent(c, t);
	job = new_open(c, t, &own);
	if (!job)
		goto out;
	job->skb = headers ? skb_get((struct sk_buff *)headers) : NULL;
	job->now = now;
	job->ecn = ecn;
	if (later)
		quic_jobs_start(job, false);
	/* It was not taken: opening it now keeps this CPU from taking more than
	 * it can open.
	 */
	if (later && job->state == QUIC_JOB_WAITS &&
	    !quic_aead_open(key, &job->train, 0, job->train.n))
		job->state = QUIC_JOB_DONE;
	quic_jobs_run(c, false);
out:
	__skb_queue_purge(&own);
	return err;
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
