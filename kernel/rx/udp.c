// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: the kernel UDP sockets under QUIC sockets, one per local address and
 * device, shared by a listener, its children and its rivals; where there is a
 * listener, one for each CPU.
 * Called from: bind and connect (process context); the UDP layer (softirq).
 * Locks: udp_lock of the namespace for the list; @lock of each for its users.
 *
 * Trains come whole.  A UDP socket with an encap_rcv hook gets a GSO skb that
 * crossed veth or lo cut into single datagrams; a plain one with UDP_GRO set
 * gets it as it is, like those that GRO built.  So this is a plain UDP
 * socket, and its data_ready callback empties the queue in the softirq that
 * filled it.
 */
#include <linux/filter.h>
#include <linux/udp.h>
#include <net/ipv6.h>
#include <net/sock_reuseport.h>
#include <net/udp.h>
#include <net/udp_tunnel.h>
#include "../compat.h"
#include "../pipeline.h"
#include "../obs/mib.h"
#include "rx.h"

/* Room for what arrives while a CPU drains. */
#define QUIC_UDP_RCVBUF		(4 << 20)

/* Asking costs less than being told that there is nothing. */
static bool waiting(struct sock *sk)
{
	return !skb_queue_empty_lockless(&udp_sk(sk)->reader_queue) ||
	       !skb_queue_empty_lockless(&sk->sk_receive_queue);
}

/* UDP leaves the checksum to who copies the bytes, if no device looked at it.
 * The addresses are under no other protection: a wrong one is a new path.
 */
static bool is_whole(struct quic_udp *udp, struct sk_buff *skb)
{
	if (likely(!skb_checksum_complete(skb)))
		return true;
	QUIC_INC(udp->net, QuicDropChecksum);
	kfree_skb(skb);
	return false;
}

static void data_ready(struct sock *sk)
{
	struct quic_udp *udp;
	struct sk_buff *skb;
	int off = 0, err;

	rcu_read_lock();
	udp = rcu_dereference_sk_user_data(sk);
	while (udp && waiting(sk)) {
		skb = __skb_recv_udp(sk, MSG_DONTWAIT, &off, &err);
		if (!skb)	/* an ICMP error came between, or another CPU */
			continue;
		/* The queue kept scratch data there. */
		skb->dev = NULL;
		skb_dst_drop(skb);
		if (likely(is_whole(udp, skb)))
			quic_rx_demux(udp, skb);
	}
	rcu_read_unlock();
}

/* ---- life ------------------------------------------------------------------ */

static void close_sock(struct socket *sock)
{
	kernel_sock_shutdown(sock, SHUT_RDWR);
	sock_release(sock);
}

/* Nobody uses it any more; udp_lock held, so that who wants the port waits until
 * it is free.  Not for long: a program that ends leaves thousands of them.
 */
static void shut(struct quic_udp *udp)
{
	u32 i;

	list_del(&udp->list);
	rcu_assign_sk_user_data(udp->sock->sk, NULL);
	for (i = 0; i < udp->n_more; i++)
		rcu_assign_sk_user_data(udp->more[i]->sk, NULL);
	synchronize_rcu_expedited();
	close_sock(udp->sock);
	for (i = 0; i < udp->n_more; i++)
		close_sock(udp->more[i]);
	kfree(udp->more);
	udp->sock = NULL;
}

static void release(struct work_struct *work)
{
	struct quic_udp *udp = container_of(work, struct quic_udp, work);
	struct quic_net *qn = quic_net(udp->net);

	mutex_lock(&qn->udp_lock);
	if (udp->sock)
		shut(udp);
	mutex_unlock(&qn->udp_lock);
	kfree(udp);
}

/* Any context: sockets are closed by a worker. */
void quic_udp_put(struct quic_udp *udp)
{
	if (refcount_dec_and_test(&udp->ref))
		queue_work(quic_wq, &udp->work);
}

void quic_udp_hold(struct quic_udp *udp)
{
	refcount_inc(&udp->ref);
}

/* All that a packet meets, before there can be one. */
static void take_over(struct quic_udp *udp, struct sock *sk)
{
	/* Trains, not datagrams. */
	udp_set_bit(GRO_ENABLED, sk);
	udp_set_bit(ACCEPT_L4, sk);
	inet_set_bit(RECVERR, sk);
	if (sk->sk_family == AF_INET6)
		inet6_set_bit(RECVERR6, sk);
	sk->sk_allocation = GFP_ATOMIC;
	WRITE_ONCE(sk->sk_rcvbuf, QUIC_UDP_RCVBUF);
#ifdef CONFIG_NET_RX_BUSY_POLL
	WRITE_ONCE(sk->sk_ll_usec, 0);	/* never poll from a softirq */
#endif
	rcu_assign_sk_user_data(sk, udp);
	sk->sk_error_report = quic_icmp_report;
	sk->sk_data_ready = data_ready;
}

/* Let others of ours have the same address; nobody else, whoever he is. */
static void share(struct socket *sock)
{
	sock->sk->sk_reuseport = 1;
	sock->sk->sk_uid = INVALID_UID;
	SOCK_INODE(sock)->i_uid = INVALID_UID;
}

/* Into *@to before it is bound, since then packets come. */
static int open_sock(struct quic_udp *udp, bool v6only, bool shared,
		     struct socket **to)
{
	int err = sock_create_kern(udp->net, udp->addr.sa.sa_family, SOCK_DGRAM,
				   IPPROTO_UDP, to);
	struct sock *sk;

	if (err)
		return err;
	sk = (*to)->sk;
	if (v6only && sk->sk_family == AF_INET6)
		ip6_sock_set_v6only(sk);
	if (shared)
		share(*to);
	take_over(udp, sk);
	if (udp->ifindex)
		err = sock_bindtoindex(sk, udp->ifindex, true);
	if (!err)
		err = kernel_bind(*to, (quic_sockaddr_t *)&udp->addr,
				  sizeof(udp->addr));
	if (!err)
		return 0;
	sock_release(*to);
	*to = NULL;
	return err;
}

static int open_first(struct quic_udp *udp, bool v6only)
{
	int err = open_sock(udp, v6only, false, &udp->sock);

	if (err)
		return err;
	udp_encap_enable();
	if (udp->addr.sa.sa_family == AF_INET)
		udp->addr.v4.sin_port = inet_sk(udp->sock->sk)->inet_sport;
	else
		udp->addr.v6.sin6_port = inet_sk(udp->sock->sk)->inet_sport;
	return 0;
}

/* The socket of a group that has the number of the CPU gets the packet. */
static void pick_by_cpu(struct sock *sk)
{
	struct sock_filter insns[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, SKF_AD_OFF + SKF_AD_CPU),
		BPF_STMT(BPF_RET | BPF_A, 0),
	};
	struct sock_fprog_kern code = {
		.len = ARRAY_SIZE(insns), .filter = insns,
	};
	struct bpf_prog *prog;

	if (!bpf_prog_create(&prog, &code) && reuseport_attach_prog(sk, prog))
		bpf_prog_destroy(prog);
}

/**
 * quic_udp_spread - a UDP socket for each CPU
 * @udp:	of a listener, or of the address that it prefers
 *
 * With one receive queue for all, a CPU would take over what another one was
 * about to process, and all would wait for its lock.  Without memory there are
 * fewer, which take the rest.  Process context.
 */
void quic_udp_spread(struct quic_udp *udp)
{
	u32 n = cpumask_last(cpu_online_mask);

	mutex_lock(&quic_net(udp->net)->udp_lock);
	if (!n || udp->more)
		goto out;
	udp->more = kcalloc(n, sizeof(*udp->more), GFP_KERNEL_ACCOUNT);
	if (!udp->more)
		goto out;
	share(udp->sock);
	while (udp->n_more < n &&
	       !open_sock(udp, ipv6_only_sock(udp->sock->sk), true,
			  &udp->more[udp->n_more]))
		udp->n_more++;
	if (udp->n_more)
		pick_by_cpu(udp->sock->sk);
out:
	mutex_unlock(&quic_net(udp->net)->udp_lock);
}

static bool same_local(const struct quic_udp *udp, const union quic_addr *addr,
		       int ifindex)
{
	return udp->ifindex == ifindex && quic_addr_equal(&udp->addr, addr);
}

/* Does it take in what is sent to @addr, without being bound there? */
bool quic_udp_covers(const struct quic_udp *udp, const union quic_addr *addr)
{
	if (!quic_addr_is_any(&udp->addr) ||
	    quic_addr_port(&udp->addr) != quic_addr_port(addr))
		return false;
	return udp->addr.sa.sa_family == addr->sa.sa_family ||
	       (udp->addr.sa.sa_family == AF_INET6 &&
		!ipv6_only_sock(udp->sock->sk));
}

/**
 * quic_udp_get - the UDP socket of a local address
 * @net:	namespace
 * @addr:	address; port 0 picks a free one
 * @ifindex:	device it is bound to, or 0
 * @v6only:	IPv6 wildcard does not take IPv4
 *
 * Process context.  Return: the socket, referenced, or ERR_PTR.
 */
struct quic_udp *quic_udp_get(struct net *net, const union quic_addr *addr,
			      int ifindex, bool v6only)
{
	struct quic_net *qn = quic_net(net);
	struct quic_udp *udp;
	int err;

	mutex_lock(&qn->udp_lock);
	if (quic_addr_port(addr)) {
		list_for_each_entry(udp, &qn->udp, list) {
			if (!same_local(udp, addr, ifindex))
				continue;
			if (refcount_inc_not_zero(&udp->ref))
				goto out;
			/* Its last user left a moment ago, and a worker is to
			 * close it.  It must not be waited for: other work may
			 * want the socket lock that our caller holds.
			 */
			shut(udp);
			break;
		}
	}

	udp = kzalloc(sizeof(*udp), GFP_KERNEL_ACCOUNT);
	if (!udp) {
		udp = ERR_PTR(-ENOMEM);
		goto out;
	}
	udp->net = net;
	udp->addr = *addr;
	udp->ifindex = ifindex;
	refcount_set(&udp->ref, 1);
	spin_lock_init(&udp->lock);
	INIT_HLIST_HEAD(&udp->listeners);
	INIT_HLIST_HEAD(&udp->clients);
	INIT_WORK(&udp->work, release);
	err = open_first(udp, v6only);
	if (err) {
		kfree(udp);
		udp = ERR_PTR(err);
		goto out;
	}
	list_add(&udp->list, &qn->udp);
out:
	mutex_unlock(&qn->udp_lock);
	return udp;
}
