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

/* Referenced. */
static struct quic_cc_algo *default_of(struct net *net)
{
	struct quic_net *qn = quic_net(net);
	struct quic_cc_algo *algo;

	rcu_read_lock();
	algo = rcu_dereference(qn->cc);
	algo = algo ? quic_cc_hold_if_used(algo) : NULL;
	rcu_read_unlock();
	return algo ? quic_cc_latest(algo) : quic_cc_get(NULL);
}

void quic_congestion_default_name(struct net *net, char *name)
{
	struct quic_cc_algo *algo = default_of(net);

	memcpy(name, algo->name, QUIC_CC_NAME_MAX);
	quic_cc_put(algo);
}

/* 0, or -ENOENT: no such algorithm. */
int quic_congestion_set_default(struct net *net, const char *name)
{
	struct quic_cc_algo *algo = quic_cc_get(name);
	struct quic_cc_algo *old;

	if (!algo)
		return -ENOENT;
	old = unrcu_pointer(xchg(&quic_net(net)->cc, RCU_INITIALIZER(algo)));
	/* Its memory is kept for readers that hold no reference yet. */
	quic_cc_put(old);
	return 0;
}

/* A namespace begins with what the first one has. */
void quic_congestion_net_init(struct net *net)
{
	if (!net_eq(net, &init_net))
		RCU_INIT_POINTER(quic_net(net)->cc, default_of(&init_net));
}

void quic_congestion_net_exit(struct net *net)
{
	quic_cc_put(rcu_dereference_protected(quic_net(net)->cc, true));
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
	struct quic_cc_algo *algo = NULL;

	if (qs->cc_name[0]) {
		algo = quic_cc_get(qs->cc_name);
		if (!algo)
			QUIC_INC(net, QuicCcMissing);
	}
	quic_cc_start(&c->rec.cc, algo ?: default_of(net),
		      c->number, c->path->mss, quic_congestion_window_max(), c->start);
}

/* ---- the option ------------------------------------------------------------------ */

/* By name, like TCP_CONGESTION; before the connection begins. */
int quic_congestion_set(struct sock *sk, void *val, u32 len)
{
	char name[QUIC_CC_NAME_MAX] = "";
	struct quic_cc_algo *algo;

	if (!len || quic_sk_conn(sk))
		return -EINVAL;
	memcpy(name, val, min_t(u32, len, sizeof(name) - 1));
	algo = quic_cc_get(name);
	if (!algo)
		return -ENOENT;
	memcpy(quic_sk(sk)->cc_name, algo->name, QUIC_CC_NAME_MAX);
	quic_cc_put(algo);
	return 0;
}

void quic_congestion_name(struct sock *sk, char *name)
{
	struct quic_sock *qs = quic_sk(sk);

	if (qs->conn && qs->conn->rec.cc.algo) {
		quic_cc_settle(&qs->conn->rec.cc, ktime_get_ns());
		memcpy(name, qs->conn->rec.cc.algo->name, QUIC_CC_NAME_MAX);
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
