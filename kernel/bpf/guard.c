// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: the memory of which program lost which connection, and why.  That it
 * did is decided in recovery/cc.c.
 * Called from: recovery/cc.c, /proc.
 * Context: softirq or process, socket lock held; readers: process.
 * Locks: @lock for the memory; RCU for the list of algorithms.
 */
#include <linux/seq_file.h>
#include <net/net_namespace.h>
#include "../conn.h"
#include "../obs/mib.h"
#include "bpf.h"
#define CREATE_TRACE_POINTS
#include "trace.h"

/* Kept for /proc/net/quic/cc_exits; the oldest is forgotten.  Ends of one
 * kind, one after the other, take one place.
 */
#define QUIC_GUARD_EXITS	32

static struct kept {
	struct quic_cc_exit exit;	/* the last of them */
	u64 net;			/* cookie of its namespace; 0: unused */
	u64 times;
} kept[QUIC_GUARD_EXITS];
static unsigned int newest;
static DEFINE_SPINLOCK(lock);

static const char * const kinds[QUIC_CC_EXIT_MAX] = {
	[QUIC_CC_EXIT_NONE]		= "none",
	[QUIC_CC_EXIT_UNREGISTERED]	= "unregistered",
	[QUIC_CC_EXIT_UPDATED]		= "updated",
	[QUIC_CC_EXIT_STARVED]		= "starved",
	[QUIC_CC_EXIT_GAVE_UP]		= "gave-up",
	[QUIC_CC_EXIT_SLOW]		= "slow",
};

static const char *reason(const struct quic_cc_exit *e)
{
	switch (e->kind) {
	case QUIC_CC_EXIT_UNREGISTERED:
		return "the program was removed";
	case QUIC_CC_EXIT_UPDATED:
		return "the program was replaced by a new version";
	case QUIC_CC_EXIT_STARVED:
		return e->code == QUIC_CC_STARVED_PACING ?
		       "pacing_rate stayed below two packets per round trip" :
		       "cwnd stayed at two packets or less";
	case QUIC_CC_EXIT_GAVE_UP:
		return "the program gave up";
	case QUIC_CC_EXIT_SLOW:
		return "calls of the program took a millisecond or more";
	}
	return "unknown";
}

static bool same(const struct kept *k, u64 net, const struct quic_cc_exit *e)
{
	return k->net == net && k->exit.kind == e->kind &&
	       k->exit.code == e->code &&
	       !memcmp(k->exit.name, e->name, sizeof(e->name));
}

static void keep(u64 net, const struct quic_cc_exit *exit)
{
	struct kept *k;

	spin_lock_bh(&lock);
	k = &kept[newest];
	if (!same(k, net, exit)) {
		newest = (newest + 1) % QUIC_GUARD_EXITS;
		k = &kept[newest];
		k->times = 0;
	}
	k->exit = *exit;
	k->net = net;
	k->times++;
	spin_unlock_bh(&lock);
}

void quic_guard_on_exit(struct quic_cc *cc, const struct quic_cc_exit *exit)
{
	const struct quic_conn *c = container_of(cc, struct quic_conn, rec.cc);
	struct net *net = sock_net(c->sk);

	trace_quic_cc_exit(exit, cc->algo->entry.name);
	keep(net->net_cookie, exit);
	switch (exit->kind) {
	case QUIC_CC_EXIT_UNREGISTERED:
		QUIC_INC(net, QuicCcMoved);
		return;
	case QUIC_CC_EXIT_UPDATED:
		QUIC_INC(net, QuicCcUpdated);
		return;
	}
	QUIC_INC(net, QuicCcFallbacks);
	net_info_ratelimited("quic: congestion control %s lost connection %llu to %s: %s (code %u, cwnd %llu, pacing_rate %llu)\n",
			     exit->name, exit->number, cc->algo->entry.name,
			     reason(exit), exit->code, exit->cwnd,
			     exit->pacing_rate);
}

/* ---- /proc ------------------------------------------------------------------ */

int quic_guard_show_exits(struct seq_file *seq, void *v)
{
	u64 net = seq_file_single_net(seq)->net_cookie;
	const struct quic_cc_exit *e;
	const struct kept *k;
	unsigned int i;

	seq_puts(seq, "NAME KIND CODE TIMES LAST_NS CONNECTION CWND PACING_RATE REASON\n");
	spin_lock_bh(&lock);
	for (i = 1; i <= QUIC_GUARD_EXITS; i++) {
		k = &kept[(newest + i) % QUIC_GUARD_EXITS];
		e = &k->exit;
		if (k->net != net)
			continue;
		seq_printf(seq, "%s %s %u %llu %llu %llu %llu %llu %s\n",
			   e->name, kinds[e->kind], e->code, k->times, e->now,
			   e->number, e->cwnd, e->pacing_rate, reason(e));
	}
	spin_unlock_bh(&lock);
	return 0;
}

int quic_guard_show_algos(struct seq_file *seq, void *v)
{
	const struct quic_cc_algo *algo;
	int i;

	seq_puts(seq, "NAME KIND USERS CWND_RAISED CWND_LOWERED PACING_RAISED LATE FALLBACKS RETIRED\n");
	rcu_read_lock();
	list_for_each_entry_rcu(algo, &quic_cc_registry.list, entry.list) {
		seq_printf(seq, "%s %s %d", algo->entry.name,
			   algo->entry.bpf ? "bpf" : "native",
			   atomic_read(&algo->users));
		for (i = 0; i < QUIC_CC_COUNTS; i++)
			seq_printf(seq, " %lld",
				   atomic64_read(&algo->count[i]));
		seq_printf(seq, " %d\n", READ_ONCE(algo->entry.retired));
	}
	rcu_read_unlock();
	return 0;
}
