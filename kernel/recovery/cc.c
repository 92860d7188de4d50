// SPDX-License-Identifier: GPL-2.0
/*
 * Congestion control: the core around an algorithm.
 *
 * Owns:	struct quic_cc: the bounds on what an algorithm writes, the
 *		recovery period, and the guard: who starves a connection, or
 *		was removed, is replaced.
 * Called from:	recovery/loss.c, recovery/recovery.c, tx/pace, conn/.
 * Context:	softirq or process; pure.
 * Locks:	socket lock; RCU around each call, because an algorithm can be a
 *		program that somebody removes (registry.c).
 * RFC:		9002 section 7.
 */
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/string.h>
#include <linux/time64.h>

#include "cc.h"
#include "rtt.h"

/* RFC 9002 section 7.2 */
u64 quic_cc_initial_window(u32 mss)
{
	return min(10ULL * mss, max(14720ULL, 2ULL * mss));
}

u64 quic_cc_minimum_window(u32 mss)
{
	return 2ULL * mss;
}

static void count(struct quic_cc *cc, enum quic_cc_count what)
{
	atomic64_inc(&cc->algo->count[what]);
}

/* After every callback: no algorithm can starve or flood a connection. */
static void quic_cc_clamp(struct quic_cc *cc)
{
	u64 floor = quic_cc_minimum_window(cc->mss);

	cc->asked_cwnd = cc->cwnd;
	if (unlikely(cc->cwnd < floor)) {
		cc->cwnd = floor;
		count(cc, QUIC_CC_UNDER);
	} else if (unlikely(cc->cwnd > max(cc->cwnd_max, floor))) {
		cc->cwnd = max(cc->cwnd_max, floor);
		count(cc, QUIC_CC_OVER);
	}
	cc->ssthresh = max(cc->ssthresh, floor);
}

/* ---- who controls ----------------------------------------------------------- */

QUIC_REGISTRY(quic_cc_registry, &quic_cc_cubic, struct quic_cc_algo);

static void (*tell_exit)(struct quic_cc *cc, const struct quic_cc_exit *exit);
static u64 (*clock)(void);

/* A callback begins. */
static void start_clock(struct quic_cc *cc)
{
	if (cc->algo->entry.bpf)
		cc->began = clock();
}

/* It has returned.  Whoever uses a program that is retired by this, @cc among
 * them, goes on without it at its next event.
 */
static void stop_clock(struct quic_cc *cc)
{
	u64 began = cc->began;

	if (!began)
		return;
	cc->began = 0;
	if (unlikely(quic_entry_took(&cc->algo->entry, clock() - began)))
		count(cc, QUIC_CC_LATE);
}

/* Takes the caller's reference.  Under RCU, and @entry is not gone. */
static void adopt(struct quic_cc *cc, struct quic_entry *entry, u64 now)
{
	struct quic_cc_algo *algo = container_of(entry, struct quic_cc_algo,
						 entry);
	const struct quic_congestion_ops *ops = entry->ops;

	cc->algo = algo;
	cc->wants = (ops->on_sent ? QUIC_CC_WANTS_SENT : 0) |
		    (ops->flags & QUIC_CC_FLAG_RATE ? QUIC_CC_WANTS_RATE : 0);
	cc->starving = 0;
	cc->give_up = false;
	cc->acked = 0;
	memset(cc->priv, 0, sizeof(cc->priv));
	atomic_inc(&algo->users);
	start_clock(cc);
	if (ops->init)
		ops->init(cc, now);
	stop_clock(cc);
	quic_cc_clamp(cc);
}

static void leave(struct quic_cc *cc)
{
	struct quic_cc_algo *algo = cc->algo;

	/* First: /proc shows its name. */
	WRITE_ONCE(cc->algo, NULL);
	atomic_dec(&algo->users);
	quic_entry_put(&algo->entry);
}

static struct quic_cc_exit exit_info(const struct quic_cc *cc, u64 now,
				     enum quic_cc_exit_kind kind, u32 code)
{
	struct quic_cc_exit exit = {
		.now = now,
		.kind = kind,
		.code = code,
		.number = cc->number,
		.cwnd = cc->asked_cwnd,
		.pacing_rate = cc->pacing_rate,
	};

	memcpy(exit.name, cc->algo->entry.name, sizeof(exit.name));
	return exit;
}

/* Its program was removed, retired or replaced.  Under RCU. */
static void move_on(struct quic_cc *cc, u64 now)
{
	struct quic_entry *entry = &cc->algo->entry;
	bool updated = READ_ONCE(entry->next);
	enum quic_cc_exit_kind kind = QUIC_CC_EXIT_UNREGISTERED;
	struct quic_cc_exit exit;

	if (updated) {
		kind = QUIC_CC_EXIT_UPDATED;
	} else if (READ_ONCE(entry->retired)) {
		kind = QUIC_CC_EXIT_SLOW;
		count(cc, QUIC_CC_FALLBACKS);
	}
	exit = exit_info(cc, now, kind, 0);
	quic_entry_hold(entry);
	entry = quic_registry_latest(&quic_cc_registry, entry);
	leave(cc);
	/* The built-in does not know what the program has found out of the
	 * path: no slow start from here.
	 */
	if (!updated) {
		cc->pacing_rate = 0;
		cc->ssthresh = min(cc->ssthresh, cc->cwnd);
	}
	adopt(cc, entry, now);
	tell_exit(cc, &exit);
}

/* Take @cc away from a program that is still there.  Under RCU.  What it
 * wrote is worth nothing: begin anew.
 */
static void fall_back(struct quic_cc *cc, u64 now, enum quic_cc_exit_kind kind,
		      u32 code)
{
	const struct quic_congestion_ops *ops = cc->algo->entry.ops;
	struct quic_cc_exit exit = exit_info(cc, now, kind, code);

	count(cc, QUIC_CC_FALLBACKS);
	if (ops->exit)
		ops->exit(cc, &exit);
	if (ops->release)
		ops->release(cc);
	leave(cc);
	cc->cwnd = quic_cc_initial_window(cc->mss);
	cc->ssthresh = U64_MAX;
	cc->pacing_rate = 0;
	adopt(cc, quic_registry_get(&quic_cc_registry, NULL), now);
	tell_exit(cc, &exit);
}

/* Before a callback, under RCU: good until the read section ends. */
static const struct quic_congestion_ops *ops_of(struct quic_cc *cc, u64 now)
{
	if (quic_entry_gone(&cc->algo->entry))
		move_on(cc, now);
	start_clock(cc);
	return cc->algo->entry.ops;
}

/* After a callback, under RCU. */
static void called(struct quic_cc *cc, u64 now)
{
	stop_clock(cc);
	quic_cc_clamp(cc);
	if (unlikely(cc->give_up))
		fall_back(cc, now, QUIC_CC_EXIT_GAVE_UP, cc->give_up_code);
}

void quic_cc_settle(struct quic_cc *cc, u64 now)
{
	rcu_read_lock();
	if (cc->algo && quic_entry_gone(&cc->algo->entry))
		move_on(cc, now);
	rcu_read_unlock();
}

void quic_cc_start(struct quic_cc *cc, struct quic_entry *entry, u64 number,
		   u32 mss, u64 cwnd_max, u64 now)
{
	*cc = (struct quic_cc){
		.cwnd = quic_cc_initial_window(mss),
		.ssthresh = U64_MAX,
		.cwnd_max = min(cwnd_max, QUIC_CC_CWND_LIMIT),
		.mss = mss,
		.number = number,
	};
	rcu_read_lock();
	adopt(cc, quic_registry_latest(&quic_cc_registry, entry), now);
	called(cc, now);
	rcu_read_unlock();
}

void quic_cc_stop(struct quic_cc *cc)
{
	const struct quic_congestion_ops *ops;

	if (!cc->algo)
		return;
	rcu_read_lock();
	if (!quic_entry_gone(&cc->algo->entry)) {
		ops = cc->algo->entry.ops;
		start_clock(cc);
		if (ops->release)
			ops->release(cc);
		stop_clock(cc);
	}
	rcu_read_unlock();
	leave(cc);
}

/* ---- the guard ---------------------------------------------------------------- */

/* Does a program keep @cc at the least it may, for whole round trips, and
 * nothing is lost?  What is sent there is 2 packets per round trip at least, so
 * it is found out in bounded time.
 */
static void watch(struct quic_cc *cc, const struct quic_cc_ack *ack)
{
	u64 floor = quic_cc_minimum_window(cc->mss);
	bool slow = false;

	/* Also for a rate that only another callback sets. */
	if (ack->srtt)
		cc->rate_floor = mul_u64_u64_div_u64(floor, NSEC_PER_SEC,
						     ack->srtt);
	if (cc->pacing_rate) {
		slow = cc->pacing_rate < cc->rate_floor;
		if (slow)
			count(cc, QUIC_CC_SLOW);
	}
	if (cc->cwnd > floor && !slow) {
		cc->starving = 0;
		return;
	}
	if (ack->app_limited || ack->largest_sent_time < cc->round_start)
		return;
	cc->round_start = ack->now;
	if (++cc->starving > QUIC_CC_STARVE_ROUNDS)
		fall_back(cc, ack->now, QUIC_CC_EXIT_STARVED,
			  slow ? QUIC_CC_STARVED_PACING :
				 QUIC_CC_STARVED_WINDOW);
}

/* ---- events --------------------------------------------------------------------- */

void quic_cc_sent(struct quic_cc *cc, const struct quic_cc_sent *sent)
{
	const struct quic_congestion_ops *ops;

	rcu_read_lock();
	ops = ops_of(cc, sent->now);
	if (ops->on_sent)
		ops->on_sent(cc, sent);
	called(cc, sent->now);
	rcu_read_unlock();
}

void quic_cc_default_acked(struct quic_cc *cc, const struct quic_cc_ack *ack)
{
	struct quic_cc_ack event = *ack;

	/* A program may call, too: no number makes this take long. */
	quic_cc_clamp(cc);
	event.bytes = min(event.bytes, QUIC_CC_CWND_LIMIT);
	quic_cc_reno.on_acked(cc, &event);
}

void quic_cc_default_lost(struct quic_cc *cc, const struct quic_cc_loss *loss)
{
	quic_cc_clamp(cc);
	quic_cc_reno.on_lost(cc, loss);
}

void quic_cc_acked(struct quic_cc *cc, const struct quic_cc_ack *ack)
{
	const struct quic_congestion_ops *ops;

	rcu_read_lock();
	ops = ops_of(cc, ack->now);
	if (ops->on_acked)
		ops->on_acked(cc, ack);
	else
		quic_cc_default_acked(cc, ack);
	called(cc, ack->now);
	if (cc->algo->entry.bpf)
		watch(cc, ack);
	rcu_read_unlock();
}

static void tell_lost(struct quic_cc *cc, const struct quic_cc_loss *loss)
{
	const struct quic_congestion_ops *ops;

	rcu_read_lock();
	ops = ops_of(cc, loss->now);
	if (ops->on_lost)
		ops->on_lost(cc, loss);
	else
		quic_cc_default_lost(cc, loss);
	cc->starving = 0;
	called(cc, loss->now);
	rcu_read_unlock();
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
	const struct quic_congestion_ops *ops;

	rcu_read_lock();
	ops = ops_of(cc, now);
	if (ops->on_idle_restart)
		ops->on_idle_restart(cc, now);
	else
		cc->cwnd = min(cc->cwnd, quic_cc_initial_window(cc->mss));
	called(cc, now);
	rcu_read_unlock();
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
	u64 rate = READ_ONCE(cc->pacing_rate), cwnd, bytes;

	if (rate)
		return max(rate, cc->rate_floor);
	/* /proc reads it while a program may just have written anything. */
	cwnd = min_t(u64, READ_ONCE(cc->cwnd), QUIC_CC_CWND_LIMIT);
	bytes = quic_cc_in_slow_start(cc) ? 2 * cwnd : cwnd * 5 / 4;
	srtt = max_t(u64, srtt, NSEC_PER_USEC);
	return max(mul_u64_u64_div_u64(bytes, NSEC_PER_SEC, srtt), 1ULL);
}

/* ---- the native ones ------------------------------------------------------------ */

static const struct quic_congestion_ops * const native[] = {
	&quic_cc_cubic, &quic_cc_reno, &quic_cc_bbr,
};

void quic_cc_remove_native(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(native); i++)
		quic_registry_remove(&quic_cc_registry, native[i]);
}

int quic_cc_add_native(void (*on_exit)(struct quic_cc *cc,
				       const struct quic_cc_exit *exit),
		       u64 (*time)(void))
{
	int i, err = 0;

	tell_exit = on_exit;
	clock = time;
	for (i = 0; i < ARRAY_SIZE(native) && !err; i++)
		err = quic_registry_add(&quic_cc_registry, native[i], false);
	if (err)
		quic_cc_remove_native();
	return err;
}
