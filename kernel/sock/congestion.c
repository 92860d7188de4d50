// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: which congestion control a connection gets: the socket option, the
 * namespace's default, and how it begins.
 * Called from: sockopt, lifecycle, migrate, obs/sysctl.
 * Context: process, socket lock held for what concerns a socket; the default
 * is RCU for readers, xchg() for writers.
 */
#include "sock.h"
#include "../obs/mib.h"

/* ---- the namespace's default ------------------------------------------------- */

void quic_congestion_default_name(struct net *net, char *name)
{
	rcu_read_lock();
	memcpy(name, quic_registry_chosen(&quic_cc_registry,
					  &quic_net(net)->cc)->name,
	       QUIC_CC_NAME_MAX);
	rcu_read_unlock();
}

/* As TCP has it: programs are for who administers the machine, all it has, unless
 * they say that they are for everybody.
 */
static bool may_choose(const struct quic_entry *algo)
{
	const struct quic_congestion_ops *ops = algo->ops;
	bool anyone;

	rcu_read_lock();
	anyone = !algo->bpf || (!quic_entry_gone(algo) &&
				ops->flags & QUIC_CC_FLAG_ANYONE);
	rcu_read_unlock();
	return anyone || capable(CAP_NET_ADMIN);
}

/* 0; -ENOENT: no such algorithm; -EPERM: it is not for a namespace's owner. */
int quic_congestion_set_default(struct net *net, const char *name)
{
	struct quic_entry *algo = quic_registry_get(&quic_cc_registry, name);
	bool may = algo && may_choose(algo);

	if (!algo)
		return -ENOENT;
	quic_entry_put(algo);
	if (!may)
		return -EPERM;
	return quic_registry_choose(&quic_cc_registry, &quic_net(net)->cc,
				    name);
}

static struct quic_entry *default_of(struct net *net)
{
	return quic_registry_get_chosen(&quic_cc_registry, &quic_net(net)->cc);
}

/* A namespace begins with what the first one has. */
void quic_congestion_net_init(struct net *net)
{
	if (!net_eq(net, &init_net))
		RCU_INIT_POINTER(quic_net(net)->cc, default_of(&init_net));
}

void quic_congestion_net_exit(struct net *net)
{
	quic_entry_put(rcu_dereference_protected(quic_net(net)->cc, true));
}

/* ---- a connection -------------------------------------------------------------- */

u64 quic_congestion_window_max(void)
{
	return min_t(u64, QUIC_CWND_MAX, READ_ONCE(quic_sysctl_wmem[2]));
}

/* What the program chose, if it is still there, else the default. */
void quic_congestion_start(struct quic_conn *c)
{
	const struct quic_sock *qs = quic_sk(c->sk);
	struct net *net = sock_net(c->sk);
	struct quic_entry *algo = NULL;

	if (qs->cc_name[0]) {
		algo = quic_registry_get(&quic_cc_registry, qs->cc_name);
		if (!algo)
			QUIC_INC(net, QuicCcMissing);
	}
	quic_cc_start(&c->rec.cc, algo ?: default_of(net),
		      c->number, c->path->mss, quic_congestion_window_max(), c->start);
}

/* ---- the option ------------------------------------------------------------------ */

/* By name, like TCP_CONGESTION; before the connection begins.  What the namespace
 * has anyway, anybody may name.
 */
int quic_congestion_set(struct sock *sk, void *val, u32 len)
{
	char name[QUIC_CC_NAME_MAX] = "", usual[QUIC_CC_NAME_MAX];
	struct quic_entry *algo;
	bool may;

	if (!len || quic_sk_conn(sk))
		return -EINVAL;
	memcpy(name, val, min_t(u32, len, sizeof(name) - 1));
	algo = quic_registry_get(&quic_cc_registry, name);
	if (!algo)
		return -ENOENT;
	quic_congestion_default_name(sock_net(sk), usual);
	may = !strncmp(algo->name, usual, sizeof(usual)) || may_choose(algo);
	if (may)
		memcpy(quic_sk(sk)->cc_name, algo->name, QUIC_CC_NAME_MAX);
	quic_entry_put(algo);
	return may ? 0 : -EPERM;
}

void quic_congestion_name(struct sock *sk, char *name)
{
	struct quic_sock *qs = quic_sk(sk);

	if (qs->conn && qs->conn->rec.cc.algo) {
		quic_cc_settle(&qs->conn->rec.cc, ktime_get_ns());
		memcpy(name, qs->conn->rec.cc.algo->entry.name, QUIC_CC_NAME_MAX);
	} else if (qs->cc_name[0]) {
		memcpy(name, qs->cc_name, QUIC_CC_NAME_MAX);
	} else {
		quic_congestion_default_name(sock_net(sk), name);
	}
}

int quic_congestion_get(struct sock *sk, void *val, u32 len)
{
	char name[QUIC_CC_NAME_MAX];
	u32 n = min_t(u32, len, sizeof(name));

	quic_congestion_name(sk, name);
	memcpy(val, name, n);
	return n;
}
