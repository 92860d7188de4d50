// SPDX-License-Identifier: GPL-2.0
/*
 * Packet protection by all CPUs
 *
 * Owns a workqueue that takes whole trains of fast connections, so that one
 * connection is not bound by what one CPU can seal or open.  They complete in
 * any order, and conn/jobs puts them in order again: nothing is wanted of the
 * workqueue but to find a CPU that has time, which it does by itself, also when
 * CPUs come and go.  It is the example of a provider that takes trains and not
 * packets.  What is slow, what finds the queue full and what cannot wait is
 * done by aead_sw at once.
 *
 * What is done goes back to the CPU that it came from, to be sent or read there:
 * behind us many devices, veth and NICs with a queue for each CPU, keep packets
 * in order only if they come from one, and what is read makes others leave.
 *
 * wants and submit are called with BH off and the socket lock held; workers
 * seal and open with BH off; jobs complete in softirq.  setkey runs in process
 * context.
 *
 * RFC 9001 section 5.3.
 */
#include <linux/cpumask.h>
#include <linux/math64.h>
#include <linux/refcount.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "aead.h"
#include "../compat.h"

/* Trains that wait or are worked at, for each CPU that is online; what waits
 * longer is done sooner by the CPU that has it.
 */
#define QUIC_SPREAD_TRAINS	4
/* So often the rate of a direction is looked at, ns. */
#define QUIC_SPREAD_WINDOW	(10 * NSEC_PER_MSEC)

static struct workqueue_struct *wq, *back_wq;
static atomic_t n_trains;

/* The key as workers need it, when its owner may have dropped it, and how fast
 * it is used.
 */
struct quic_aead_later {
	refcount_t ref;
	struct quic_aead_key key;	/* I; aead_sw's */
	u64 since;			/* L; ns */
	u64 bytes;			/* L; since then */
	bool fast;			/* L; in the time before */
};

static void later_put(struct quic_aead_later *l)
{
	if (!refcount_dec_and_test(&l->ref))
		return;
	quic_aead_key_free(&l->key);
	kfree(l);
}

static void back_fn(struct work_struct *work)
{
	struct quic_aead_job *job = container_of(work, struct quic_aead_job,
						 work);

	job->done(job);
}

/* With BH off a CPU that is online stays so. */
static void work_fn(struct work_struct *work)
{
	struct quic_aead_job *job = container_of(work, struct quic_aead_job,
						 work);
	struct quic_aead_later *l = job->later;
	struct quic_train *t = job->train;

	local_bh_disable();
	job->err = job->seal ? quic_aead_sw_seal(&l->key, t) :
			       quic_aead_sw_open(&l->key, t, 0, t->n);
	atomic_dec(&n_trains);
	if (cpu_online(job->cpu)) {
		INIT_WORK(&job->work, back_fn);
		queue_work_on(job->cpu, back_wq, &job->work);
	} else {
		job->done(job);
	}
	local_bh_enable();
	later_put(l);
}

/* A new key's first window tells nothing. */
static bool spread_wants(struct quic_aead_key *key, const struct quic_train *t,
			 u64 now, u32 mbit)
{
	struct quic_aead_later *l = key->later;
	u64 ns = now - l->since;

	l->bytes += t->n * t->pkt[0].len;
	if (ns < QUIC_SPREAD_WINDOW)
		return l->fast;
	/* A bit per microsecond is a megabit per second. */
	l->fast = mbit &&
		  div64_u64(l->bytes * BITS_PER_BYTE * NSEC_PER_USEC, ns) >= mbit;
	l->since = now;
	l->bytes = 0;
	return l->fast;
}

static int spread_submit(struct quic_aead_key *key, struct quic_aead_job *job)
{
	struct quic_aead_later *l = key->later;

	if (atomic_inc_return(&n_trains) >
	    QUIC_SPREAD_TRAINS * num_online_cpus()) {
		atomic_dec(&n_trains);
		return -EBUSY;
	}
	refcount_inc(&l->ref);
	job->later = l;
	job->cpu = smp_processor_id();
	INIT_WORK(&job->work, work_fn);
	queue_work(wq, &job->work);
	return -EINPROGRESS;
}

static int spread_setkey(struct quic_aead_key *key, const u8 *raw)
{
	struct quic_aead_later *l = kzalloc(sizeof(*l), GFP_KERNEL);
	int err;

	if (!l)
		return -ENOMEM;
	err = quic_aead_sw.setkey(key, raw);
	if (err) {
		kfree(l);
		return err;
	}
	refcount_set(&l->ref, 1);
	l->key = *key;
	l->key.provider = &quic_aead_sw;
	key->later = l;
	return 0;
}

/* A transform, where the key has one, belongs to both and goes with the last. */
static void spread_release(struct quic_aead_key *key)
{
	later_put(key->later);
	key->later = NULL;
}

const struct quic_aead_provider quic_aead_spread = {
	.name = "spread",
	.setkey = spread_setkey,
	.release = spread_release,
	.seal = quic_aead_sw_seal,
	.open = quic_aead_sw_open,
	.wants = spread_wants,
	.submit = spread_submit,
};

/* Packets wait for it: before programs.  What is written out to free memory may
 * go through it.  No more at a time than CPUs; which ones, an administrator may
 * say in /sys/devices/virtual/workqueue/quic_spread.
 */
int quic_aead_spread_setup(void)
{
	wq = alloc_workqueue("quic_spread", WQ_UNBOUND | WQ_HIGHPRI |
			     WQ_MEM_RECLAIM | WQ_SYSFS, num_possible_cpus());
	if (!wq)
		return -ENOMEM;
	back_wq = alloc_workqueue("quic_spread_back", QUIC_WQ_BH, 0);
	if (!back_wq)
		destroy_workqueue(wq);
	return back_wq ? 0 : -ENOMEM;
}

/* No key is left, but the last worker may be on its way out. */
void quic_aead_spread_teardown(void)
{
	destroy_workqueue(wq);
	destroy_workqueue(back_wq);
}
