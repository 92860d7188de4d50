// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: the kernel UDP sockets under QUIC sockets, one per local address and
 * device, shared by a listener, its children and its rivals.
 * Called from: bind and connect (process context); the UDP layer (softirq).
 * Locks: udp_lock of the namespace for the list; @lock of each for its users.
 *
 * Trains come whole.  A UDP socket with an encap_rcv hook gets a GSO skb that
 * crossed veth or lo cut into single datagrams; a plain one with UDP_GRO set
 * gets it as it is, like those that GRO built.  So this is a plain UDP
 * socket, and its data_ready callback empties the queue in the softirq that
 * filled it.
 */
#include <linux/udp.h>
#include <net/ipv6.h>
#include <net/udp.h>
#include <net/udp_tunnel.h>
#include "../pipeline.h"
#include "../obs/mib.h"
#include "rx.h"

/* Room for what arrives on other CPUs while one drains. */
#define QUIC_UDP_RCVBUF		(4 << 20)

/* Asking costs less than being told that there is nothing. */
static bool waiting(struct sock *sk)
{
	return !skb_queue_empty_lockless(&udp_sk(sk)->reader_queue) ||
	       !skb_queue_empty_lockless(&sk->sk_receive_queue);
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
		quic_rx_demux(udp, skb);
	}
	rcu_read_unlock();
}

/* ---- life ------------------------------------------------------------------ */

/* Nobody uses it any more; udp_lock held. */
static void shut(struct quic_udp *udp)
{
	list_del(&udp->list);
	rcu_assign_sk_user_data(udp->sock->sk, NULL);
	synchronize_rcu();
	kernel_sock_shutdown(udp->sock, SHUT_RDWR);
	sock_release(udp->sock);
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

static int open_sock(struct quic_udp *udp, bool v6only)
{
	struct udp_port_cfg cfg = {
		.family = udp->addr.sa.sa_family,
		.bind_ifindex = udp->ifindex,
		.local_udp_port = quic_addr_port(&udp->addr),
		.use_udp_checksums = 1,
		.use_udp6_tx_checksums = 1,
		.use_udp6_rx_checksums = 1,
		.ipv6_v6only = v6only,
	};
	struct sock *sk;
	int err;

	if (cfg.family == AF_INET)
		cfg.local_ip = udp->addr.v4.sin_addr;
	else
		cfg.local_ip6 = udp->addr.v6.sin6_addr;
	err = udp_sock_create(udp->net, &cfg, &udp->sock);
	if (err)
		return err;

	sk = udp->sock->sk;
	if (!quic_addr_port(&udp->addr)) {
		if (cfg.family == AF_INET)
			udp->addr.v4.sin_port = inet_sk(sk)->inet_sport;
		else
			udp->addr.v6.sin6_port = inet_sk(sk)->inet_sport;
	}
	/* Trains, not datagrams. */
	udp_set_bit(GRO_ENABLED, sk);
	udp_set_bit(ACCEPT_L4, sk);
	udp_encap_enable();
	inet_set_bit(RECVERR, sk);
	if (cfg.family == AF_INET6)
		inet6_set_bit(RECVERR6, sk);
	sk->sk_allocation = GFP_ATOMIC;
	WRITE_ONCE(sk->sk_rcvbuf, QUIC_UDP_RCVBUF);
#ifdef CONFIG_NET_RX_BUSY_POLL
	WRITE_ONCE(sk->sk_ll_usec, 0);	/* never poll from a softirq */
#endif

	rcu_assign_sk_user_data(sk, udp);
	sk->sk_error_report = quic_icmp_report;
	/* Last: from here on packets are taken. */
	smp_store_release(&sk->sk_data_ready, data_ready);
	return 0;
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
	err = open_sock(udp, v6only);
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
