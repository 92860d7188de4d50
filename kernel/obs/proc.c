// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: /proc/net/quic/: snmp, stats and cpus (counters), conns, recovery, owners
 * and eps (sockets); cc and cc_exits are shown by bpf/guard.
 * Context: process; the list of sockets under its spinlock, so what is shown
 * of a connection may be a moment old and is read without its lock.
 */
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <net/tcp_states.h>
#include "mib.h"
#include "obs.h"
#include "../bpf/bpf.h"
#include "../compat.h"
#include "../conn/connid.h"
#include "../crypto/offload.h"
#include "../pipeline.h"

static unsigned long fold(const struct quic_net *qn, int i)
{
	unsigned long sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += per_cpu_ptr(qn->mib, cpu)->v[i];
	return sum;
}

static int snmp_show(struct seq_file *seq, void *v)
{
	const struct quic_net *qn = quic_net(seq_file_single_net(seq));

#define X(name) seq_printf(seq, "%-32s%lu\n", #name, fold(qn, name));
	QUIC_MIB_SNMP(X)
#undef X
	return 0;
}

static int stats_show(struct seq_file *seq, void *v)
{
	const struct quic_net *qn = quic_net(seq_file_single_net(seq));

#define X(name) seq_printf(seq, "%-32s%lu\n", #name, fold(qn, name));
	QUIC_MIB_STATS(X)
#undef X
	return 0;
}

static void show_addr(struct seq_file *seq, const union quic_addr *a)
{
	if (a->sa.sa_family == AF_INET6)
		seq_printf(seq, "[%pI6c]:%u ", &a->v6.sin6_addr,
			   ntohs(a->v6.sin6_port));
	else
		seq_printf(seq, "%pI4:%u ", &a->v4.sin_addr,
			   ntohs(a->v4.sin_port));
}

/* The list is short enough for one pass: sockets of one namespace. */
static void *sock_start(struct seq_file *seq, loff_t *pos)
	__acquires(socks_lock)
{
	struct quic_net *qn = quic_net(seq_file_net(seq));

	spin_lock_bh(&qn->socks_lock);
	return seq_list_start_head(&qn->socks, *pos);
}

static void *sock_next(struct seq_file *seq, void *v, loff_t *pos)
{
	return seq_list_next(v, &quic_net(seq_file_net(seq))->socks, pos);
}

static void sock_stop(struct seq_file *seq, void *v)
	__releases(socks_lock)
{
	spin_unlock_bh(&quic_net(seq_file_net(seq))->socks_lock);
}

/* Whose socket it is, as the reader of /proc sees users. */
static u32 uid_of(struct seq_file *seq, struct sock *sk)
{
	return from_kuid_munged(seq_user_ns(seq), quic_sk_uid(sk));
}

static int eps_show(struct seq_file *seq, void *v)
{
	struct quic_sock *qs = list_entry(v, struct quic_sock, all);
	struct sock *sk = &qs->inet.sk;

	if (v == &quic_net(seq_file_net(seq))->socks) {
		seq_puts(seq, "SOCK STATE LOCAL_ADDRESS UDP_ADDRESS UID INODE\n");
		return 0;
	}
	if (READ_ONCE(qs->conn) || !qs->udp)
		return 0;
	seq_printf(seq, "%pK %d ", sk, inet_sk_state_load(sk));
	show_addr(seq, &qs->bound);
	show_addr(seq, &qs->udp->addr);
	seq_printf(seq, "%u %llu\n", uid_of(seq, sk), (u64)sock_i_ino(sk));
	return 0;
}

static int conns_show(struct seq_file *seq, void *v)
{
	struct quic_sock *qs = list_entry(v, struct quic_sock, all);
	struct sock *sk = &qs->inet.sk;
	const struct quic_conn *c;
	const struct quic_path *p;

	if (v == &quic_net(seq_file_net(seq))->socks) {
		seq_puts(seq, "SOCK STATE LOCAL_ADDRESS REMOTE_ADDRESS UDP_ADDRESS WINDOW MSS IN_FLIGHT TX_QUEUE RX_QUEUE SNDBUF RCVBUF UID INODE\n");
		return 0;
	}
	c = READ_ONCE(qs->conn);
	if (!c || !qs->udp)
		return 0;
	seq_printf(seq, "%pK %d ", sk, inet_sk_state_load(sk));
	rcu_read_lock();	/* a path may be left, and freed */
	p = READ_ONCE(c->path);
	show_addr(seq, &p->src);
	show_addr(seq, &p->dst);
	show_addr(seq, &qs->udp->addr);
	seq_printf(seq, "%llu %u %llu %d %d %d %d %u %llu\n", c->rec.cc.cwnd,
		   p->mss, c->rec.in_flight, READ_ONCE(sk->sk_wmem_queued),
		   atomic_read(&sk->sk_rmem_alloc), READ_ONCE(sk->sk_sndbuf),
		   READ_ONCE(sk->sk_rcvbuf),
		   uid_of(seq, sk), (u64)sock_i_ino(sk));
	rcu_read_unlock();
	return 0;
}

static u64 usec(u64 ns)
{
	return div_u64(ns, NSEC_PER_USEC);
}

/* For whoever watches congestion control; times are microseconds, rates bytes
 * per second.
 */
static int recovery_show(struct seq_file *seq, void *v)
{
	struct quic_sock *qs = list_entry(v, struct quic_sock, all);
	const struct quic_recovery *r;
	const struct quic_cc_algo *algo;
	const struct quic_conn *c;
	const struct quic_path *p;
	u64 srtt;

	if (v == &quic_net(seq_file_net(seq))->socks) {
		seq_puts(seq, "CONNECTION STATE LOCAL_ADDRESS REMOTE_ADDRESS CONGESTION CWND SSTHRESH IN_FLIGHT PACING_RATE SRTT_US MIN_RTT_US LATEST_RTT_US ACKED LOST\n");
		return 0;
	}
	c = READ_ONCE(qs->conn);
	if (!c || !qs->udp)
		return 0;
	r = &c->rec;
	rcu_read_lock();	/* a path may be left, an algorithm removed */
	p = READ_ONCE(c->path);
	algo = READ_ONCE(r->cc.algo);
	if (algo) {
		srtt = READ_ONCE(r->rtt.smoothed);
		seq_printf(seq, "%llu %d ", r->cc.number,
			   inet_sk_state_load(&qs->inet.sk));
		show_addr(seq, &p->src);
		show_addr(seq, &p->dst);
		seq_printf(seq, "%s %llu %llu %llu %llu %llu %llu %llu %llu %llu\n",
			   algo->entry.name, r->cc.cwnd, r->cc.ssthresh,
			   r->in_flight, quic_cc_pacing_rate(&r->cc, srtt),
			   usec(srtt), r->rtt.first_sample ? usec(r->rtt.min) : 0,
			   usec(r->rtt.latest), r->acked_bytes, r->lost_bytes);
	}
	rcu_read_unlock();
	return 0;
}

/* Which CPU has which connection. */
static int owners_show(struct seq_file *seq, void *v)
{
	struct quic_sock *qs = list_entry(v, struct quic_sock, all);
	const struct quic_conn *c;
	const struct quic_path *p;

	if (v == &quic_net(seq_file_net(seq))->socks) {
		seq_puts(seq, "CONNECTION CPU ELSEWHERE STATE LOCAL_ADDRESS REMOTE_ADDRESS INODE\n");
		return 0;
	}
	c = READ_ONCE(qs->conn);
	if (!c || !qs->udp)
		return 0;
	seq_printf(seq, "%llu %u %llu %d ", c->number, c->cpu, c->rx_elsewhere,
		   inet_sk_state_load(&qs->inet.sk));
	rcu_read_lock();	/* a path may be left, and freed */
	p = READ_ONCE(c->path);
	show_addr(seq, &p->src);
	show_addr(seq, &p->dst);
	rcu_read_unlock();
	seq_printf(seq, "%llu\n", (u64)sock_i_ino(&qs->inet.sk));
	return 0;
}

/* Trains of connections, by the CPU that they came to. */
static int cpus_show(struct seq_file *seq, void *v)
{
	const struct quic_net *qn = quic_net(seq_file_single_net(seq));
	const struct quic_mib_pcpu *mib;
	int cpu;

	seq_puts(seq, "CPU TRAINS ELSEWHERE\n");
	for_each_online_cpu(cpu) {
		mib = per_cpu_ptr(qn->mib, cpu);
		seq_printf(seq, "%d %lu %lu\n", cpu,
			   mib->v[QuicPktRcvFastpaths] +
				   mib->v[QuicPktRcvBacklogs],
			   mib->v[QuicRxElsewhere]);
	}
	return 0;
}

#define SOCK_SEQ(name)							\
static const struct seq_operations name##_ops = {			\
	.start	= sock_start,						\
	.next	= sock_next,						\
	.stop	= sock_stop,						\
	.show	= name##_show,						\
}

SOCK_SEQ(eps);
SOCK_SEQ(conns);
SOCK_SEQ(recovery);
SOCK_SEQ(owners);

void quic_proc_exit(struct net *net)
{
	remove_proc_subtree("quic", net->proc_net);
}

int quic_proc_init(struct net *net)
{
	struct proc_dir_entry *dir = proc_net_mkdir(net, "quic", net->proc_net);

	if (!dir)
		return -ENOMEM;
	if (proc_create_net_single("snmp", 0444, dir, snmp_show, NULL) &&
	    proc_create_net_single("stats", 0444, dir, stats_show, NULL) &&
	    proc_create_net_single("cc", 0444, dir, quic_guard_show_algos,
				   NULL) &&
	    proc_create_net_single("connid", 0444, dir, quic_connid_show,
				   NULL) &&
	    proc_create_net_single("offload", 0444, dir, quic_offload_show,
				   NULL) &&
	    proc_create_net_single("cc_exits", 0444, dir, quic_guard_show_exits,
				   NULL) &&
	    proc_create_net("eps", 0444, dir, &eps_ops,
			    sizeof(struct seq_net_private)) &&
	    proc_create_net("conns", 0444, dir, &conns_ops,
			    sizeof(struct seq_net_private)) &&
	    proc_create_net("recovery", 0444, dir, &recovery_ops,
			    sizeof(struct seq_net_private)) &&
	    proc_create_net("owners", 0444, dir, &owners_ops,
			    sizeof(struct seq_net_private)) &&
	    proc_create_net_single("cpus", 0444, dir, cpus_show, NULL))
		return 0;
	quic_proc_exit(net);
	return -ENOMEM;
}
