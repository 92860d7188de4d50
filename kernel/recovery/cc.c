// SPDX-License-Identifier: GPL-2.0
/*
 * Congestion control: the registry, and the core around an algorithm.
 *
 * Owns:	the list of algorithms; the bounds on what they write; the
 *		recovery period.
 * Called from:	registration: module load, process context.  struct quic_cc:
 *		recovery/loss.c, recovery/recovery.c, tx/pace.
 * Context:	registration may sleep; the rest is pure, softirq or process.
 * Locks:	cc_list_lock (writers of the list), RCU (look-ups); socket lock
 *		for struct quic_cc.
 * RFC:		9002 section 7.
 */
#include <linux/err.h>
#include <linux/limits.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/rculist.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/time64.h>

#include "cc.h"
#include "rtt.h"

static LIST_HEAD(cc_list);
static DEFINE_SPINLOCK(cc_list_lock);	/* writers of cc_list */

/* Caller holds the RCU read lock or cc_list_lock. */
static struct quic_congestion_ops *find(const char *name)
{
	struct quic_congestion_ops *ops;

	list_for_each_entry_rcu(ops, &cc_list, list,
				lockdep_is_held(&cc_list_lock)) {
		if (!strncmp(ops->name, name, QUIC_CC_NAME_MAX))
			return ops;
	}
	return NULL;
}

int quic_cc_register(struct quic_congestion_ops *ops)
{
	int err = 0;

	if (!ops->name[0] ||
	    strnlen(ops->name, QUIC_CC_NAME_MAX) == QUIC_CC_NAME_MAX)
		return -EINVAL;
	spin_lock(&cc_list_lock);
	if (find(ops->name))
		err = -EEXIST;
	else
		list_add_tail_rcu(&ops->list, &cc_list);
	spin_unlock(&cc_list_lock);
	return err;
}

void quic_cc_unregister(struct quic_congestion_ops *ops)
{
	spin_lock(&cc_list_lock);
	list_del_rcu(&ops->list);
	spin_unlock(&cc_list_lock);
	/* No look-up can still be about to take a reference. */
	synchronize_rcu();
}

const struct quic_congestion_ops *quic_cc_get(const char *name)
{
	struct quic_congestion_ops *ops;

	if (!name || !name[0])
		name = quic_cc_cubic.name;
	rcu_read_lock();
	ops = find(name);
	if (ops && !try_module_get(ops->owner))
		ops = NULL;
	rcu_read_unlock();
	return ops;
}

void quic_cc_put(const struct quic_congestion_ops *ops)
{
	if (ops)
		module_put(ops->owner);
}

/* RFC 9002 section 7.2 */
u64 quic_cc_initial_window(u32 mss)
{
	return min(10ULL * mss, max(14720ULL, 2ULL * mss));
}

u64 quic_cc_minimum_window(u32 mss)
{
	return 2ULL * mss;
}

/* After every callback: no algorithm can starve or flood a connection. */
static void quic_cc_clamp(struct quic_cc *cc)
{
	u64 floor = quic_cc_minimum_window(cc->mss);

	cc->cwnd = clamp(cc->cwnd, floor, max(cc->cwnd_max, floor));
	cc->ssthresh = max(cc->ssthresh, floor);
}

void quic_cc_start(struct quic_cc *cc, const struct quic_congestion_ops *ops,
		   u32 mss, u64 cwnd_max, u64 now)
{
	*cc = (struct quic_cc){
		.cwnd = quic_cc_initial_window(mss),
		.ssthresh = U64_MAX,
		.cwnd_max = min(cwnd_max, QUIC_CC_CWND_LIMIT),
		.mss = mss,
		.ops = ops,
	};
	if (ops->init)
		ops->init(cc, now);
	quic_cc_clamp(cc);
}

void quic_cc_stop(struct quic_cc *cc)
{
	const struct quic_congestion_ops *ops = cc->ops;

	if (!ops)
		return;
	if (ops->release)
		ops->release(cc);
	cc->ops = NULL;
	quic_cc_put(ops);
}

void quic_cc_sent(struct quic_cc *cc, u64 now, u64 bytes, u64 in_flight)
{
	if (!cc->ops->on_sent)
		return;
	cc->ops->on_sent(cc, now, bytes, in_flight);
	quic_cc_clamp(cc);
}

void quic_cc_acked(struct quic_cc *cc, const struct quic_cc_ack *ack)
{
	if (cc->ops->on_acked)
		cc->ops->on_acked(cc, ack);
	else
		quic_cc_reno.on_acked(cc, ack);
	quic_cc_clamp(cc);
}

static void tell_lost(struct quic_cc *cc, const struct quic_cc_loss *loss)
{
	if (cc->ops->on_lost)
		cc->ops->on_lost(cc, loss);
	else
		quic_cc_reno.on_lost(cc, loss);
	quic_cc_clamp(cc);
}

/* RFC9002-7.3.1-1 */
void quic_cc_lost(struct quic_cc *cc, const struct quic_cc_loss *loss)
{
	struct quic_cc_loss event = *loss;

	/* RFC 9002 section 7.3.2: one reaction per round trip. */
	if (loss->largest_sent_time > cc->recovery_start) {
		cc->recovery_start = loss->now;
		event.persistent = false;
		tell_lost(cc, &event);
	}
	/* RFC 9002 section 7.6.2; slow start begins anew (section B.8). */
	if (loss->persistent) {
		event.persistent = true;
		tell_lost(cc, &event);
		cc->recovery_start = 0;
	}
}

void quic_cc_idle_restart(struct quic_cc *cc, u64 now)
{
	if (cc->ops->on_idle_restart)
		cc->ops->on_idle_restart(cc, now);
	else
		cc->cwnd = min(cc->cwnd, quic_cc_initial_window(cc->mss));
	quic_cc_clamp(cc);
}

/* RFC 9002 section 7.2: a window that is still the initial one follows. */
void quic_cc_set_mss(struct quic_cc *cc, u32 mss)
{
	if (cc->cwnd == quic_cc_initial_window(cc->mss))
		cc->cwnd = quic_cc_initial_window(mss);
	cc->mss = mss;
	quic_cc_clamp(cc);
}

/* RFC9002-7.7-1 */
/* RFC 9002 section 7.7, N being 2 in slow start and 5/4 after it. */
u64 quic_cc_pacing_rate(const struct quic_cc *cc, u64 srtt)
{
	u64 bytes;

	if (cc->pacing_rate)
		return cc->pacing_rate;
	bytes = quic_cc_in_slow_start(cc) ? 2 * cc->cwnd : cc->cwnd * 5 / 4;
	srtt = max_t(u64, srtt, NSEC_PER_USEC);
	return max(mul_u64_u64_div_u64(bytes, NSEC_PER_SEC, srtt), 1ULL);
}

int quic_cc_init(void)
{
	int err;

	err = quic_cc_register(&quic_cc_cubic);
	if (err)
		return err;
	err = quic_cc_register(&quic_cc_reno);
	if (err)
		quic_cc_unregister(&quic_cc_cubic);
	return err;
}

void quic_cc_exit(void)
{
	quic_cc_unregister(&quic_cc_reno);
	quic_cc_unregister(&quic_cc_cubic);
}
