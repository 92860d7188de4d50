// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: registration with the socket layer for IPv4 and IPv6, birth and death
 * of sockets.
 * Context: process, but for the destructor and quic_release_cb().
 */
#include <linux/module.h>
#include <linux/sockios.h>
#include <linux/swap.h>
#include <asm/ioctls.h>
#include <net/inet_common.h>
#include <net/inet_hashtables.h>
#include <net/protocol.h>
#include <net/tcp_states.h>
#include <net/transp_v6.h>
#include "sock.h"
#include "../conn/connid.h"
#include "../conn/jobs.h"
#include "../obs/mib.h"

static atomic_long_t memory_allocated ____cacheline_aligned_in_smp;
static DEFINE_PER_CPU(int, fw_alloc);
static struct percpu_counter sockets_allocated;
static unsigned long memory_pressure;

long quic_sysctl_mem[3];
int quic_sysctl_rmem[3] = { 4096, 1 << 20, 16 << 20 };
int quic_sysctl_wmem[3] = { 4096, 256 << 10, 16 << 20 };

static void enter_pressure(struct sock *sk)
{
	WRITE_ONCE(memory_pressure, 1);
}

/* ---- birth and death ---------------------------------------------------------- */

static void defaults(struct quic_sock *qs)
{
	struct quic_transport_param *p = &qs->tparam;

	p->active_connection_id_limit = 7;
	p->ack_delay_exponent = 3;
	p->max_udp_payload_size = 65527;
	p->max_idle_timeout = 30 * USEC_PER_SEC;
	p->max_ack_delay = 25 * USEC_PER_MSEC;
	p->max_streams_bidi = 100;
	p->max_streams_uni = 100;
	p->max_data = 65535 * 32;
	p->max_stream_data_bidi_local = 65535 * 16;
	p->max_stream_data_bidi_remote = 65535 * 16;
	p->max_stream_data_uni = 65535 * 16;

	qs->config.version = QUIC_VERSION_V1;
	qs->config.initial_smoothed_rtt = 333 * USEC_PER_MSEC;
}

static void list_sock(struct sock *sk, bool add)
{
	struct quic_net *qn = quic_net(sock_net(sk));
	struct quic_sock *qs = quic_sk(sk);

	spin_lock_bh(&qn->socks_lock);
	if (add)
		list_add(&qs->all, &qn->socks);
	else
		list_del_init(&qs->all);
	spin_unlock_bh(&qn->socks_lock);
}

/* The last reference is gone: timers and table entries are, too. */
static void destruct(struct sock *sk)
{
	struct quic_sock *qs = quic_sk(sk);

	if (qs->conn)
		quic_conn_free(qs->conn);
	quic_connid_drop(sk);
	kfree(qs->alpn);
	kfree(qs->token);
	kfree_sensitive(qs->ticket);
	if (qs->udp)
		quic_udp_put(qs->udp);
#if IS_ENABLED(CONFIG_IPV6)
	if (sk->sk_family == AF_INET6)
		return inet6_sock_destruct(sk);
#endif
	inet_sock_destruct(sk);
}

/* A class of their own: with one of ours locked the UDP socket under it is made
 * and closed, and both may be the kernel's.
 */
static struct lock_class_key lock_keys[2];

static int init_sock(struct sock *sk)
{
	struct quic_sock *qs = quic_sk(sk);

	sock_lock_init_class_and_name(sk, "slock-QUIC", &lock_keys[0],
				      "sk_lock-QUIC", &lock_keys[1]);
	sk->sk_destruct = destruct;
	sk->sk_write_space = quic_write_space;
	sock_set_flag(sk, SOCK_USE_WRITE_QUEUE);
	sock_set_flag(sk, SOCK_RCU_FREE);
	WRITE_ONCE(sk->sk_sndbuf, READ_ONCE(quic_sysctl_wmem[1]));
	WRITE_ONCE(sk->sk_rcvbuf, READ_ONCE(quic_sysctl_rmem[1]));
	sk->sk_pacing_status = SK_PACING_NEEDED;
	sk->sk_pacing_rate = ~0UL;
	/* Packets may be larger than ICMP says: see conn/pmtud. */
	if (READ_ONCE(quic_net(sock_net(sk))->pmtud)) {
		inet_sk(sk)->pmtudisc = IP_PMTUDISC_PROBE;
#if IS_ENABLED(CONFIG_IPV6)
		if (sk->sk_family == AF_INET6)
			inet6_sk(sk)->pmtudisc = IPV6_PMTUDISC_PROBE;
#endif
	}

	INIT_LIST_HEAD(&qs->all);
	INIT_HLIST_NODE(&qs->client);
	INIT_HLIST_NODE(&qs->listener.node);
	INIT_LIST_HEAD(&qs->listener.pending);
	spin_lock_init(&qs->listener.lock);
	defaults(qs);
	qs->offload = QUIC_OFFLOAD_ALL;
	sk_sockets_allocated_inc(sk);
	sock_prot_inuse_add(sock_net(sk), sk->sk_prot, 1);
	list_sock(sk, true);
	return 0;
}

/* From sk_common_release().  The UDP socket stays for as long as a closing
 * connection answers.
 */
static void destroy_sock(struct sock *sk)
{
	struct quic_sock *qs = quic_sk(sk);
	struct quic_udp *udp = qs->udp;

	list_sock(sk, false);
	if (udp) {
		spin_lock_bh(&udp->lock);
		hlist_del_init(&qs->client);
		spin_unlock_bh(&udp->lock);
	}
	sk_sockets_allocated_dec(sk);
	sock_prot_inuse_add(sock_net(sk), sk->sk_prot, -1);
}

/* close(): say goodbye, and stay in memory until closing is over. */
static void close_sock(struct sock *sk, long timeout)
{
	struct quic_conn *c;

	lock_sock(sk);
	sk->sk_shutdown = SHUTDOWN_MASK;
	if (sk->sk_state == TCP_LISTEN)
		quic_listen_stop(sk);
	c = quic_sk_conn(sk);
	if (c) {
		/* What the window permits goes out first. */
		if (quic_conn_alive(c))
			quic_tx_flush(c);
		quic_conn_close_app(c);
		quic_conn_drop_data(c);
		/* A socket of the kernel does not keep its namespace, which may
		 * end before closing is over.
		 */
		if (!sk->sk_net_refcnt)
			quic_conn_set_state(c, QUIC_CONN_CLOSED);
		if (c->state == QUIC_CONN_CLOSED) {
			quic_cid_free_all(c);
			quic_timer_stop(c);
		}
	}
	/* Under the lock, because wakers look at its struct socket. */
	sock_orphan(sk);
	release_sock(sk);
	sk_common_release(sk);
}

/* The lock is given back: do what timers had to leave. */
static void release_cb(struct sock *sk)
{
	struct quic_conn *c = quic_sk_conn(sk);

	if (!c)
		return;
	if (unlikely(test_and_clear_bit(QUIC_DEFER_JOBS, &c->defer)))
		quic_jobs_deferred(c);
	if (!test_and_clear_bit(QUIC_DEFER_TIMER, &c->defer))
		return;
	quic_timer_run(c);
	__sock_put(sk);
}

/* ---- accepted sockets ----------------------------------------------------------- */

struct sock *quic_sock_child(struct sock *parent)
{
	struct sock *sk = sk_alloc(sock_net(parent), parent->sk_family,
				   GFP_KERNEL, parent->sk_prot,
				   !parent->sk_net_refcnt);

	if (!sk)
		return NULL;
	sock_init_data(NULL, sk);
	sk->sk_type = parent->sk_type;
	sk->sk_protocol = IPPROTO_QUIC;
	sk->sk_backlog_rcv = sk->sk_prot->backlog_rcv;
#if IS_ENABLED(CONFIG_IPV6)
	if (sk->sk_family == AF_INET6)
		inet_sk(sk)->pinet6 = &((struct quic6_sock *)sk)->inet6;
#endif
	init_sock(sk);
	return sk;
}

/* Before anyone saw it. */
void quic_sock_discard(struct sock *sk)
{
	struct quic_conn *c = quic_sk_conn(sk);

	/* The listener's lock is held. */
	lock_sock_nested(sk, SINGLE_DEPTH_NESTING);
	sk->sk_shutdown = SHUTDOWN_MASK;
	if (c) {
		quic_conn_dead(c, ECONNABORTED);
		quic_timer_stop(c);
	}
	release_sock(sk);
	sock_set_flag(sk, SOCK_DEAD);
	sk_common_release(sk);
}

/* 0 or -ENOMEM. */
int quic_sock_inherit(struct sock *child, const struct sock *parent)
{
	const struct quic_sock *from = quic_sk(parent);
	struct quic_sock *to = quic_sk(child);

	child->sk_bound_dev_if = parent->sk_bound_dev_if;
	child->sk_priority = parent->sk_priority;
	child->sk_mark = parent->sk_mark;
	child->sk_sndbuf = parent->sk_sndbuf;
	child->sk_rcvbuf = parent->sk_rcvbuf;
	child->sk_userlocks = parent->sk_userlocks;
	child->sk_rcvtimeo = parent->sk_rcvtimeo;
	child->sk_sndtimeo = parent->sk_sndtimeo;
	child->sk_reuse = parent->sk_reuse;
	child->sk_reuseport = parent->sk_reuseport;
	child->sk_use_task_frag = parent->sk_use_task_frag;
	inet_sk(child)->tos = inet_sk(parent)->tos;
	inet_sk(child)->uc_ttl = inet_sk(parent)->uc_ttl;
#if IS_ENABLED(CONFIG_IPV6)
	if (child->sk_family == AF_INET6)
		inet6_sk(child)->tclass = inet6_sk(parent)->tclass;
#endif
	/* Until it has an inode of its own: routes may depend on it. */
	child->sk_uid = parent->sk_uid;
	security_sk_clone(parent, child);
	to->bound = from->bound;
	to->tparam = from->tparam;
	to->config = from->config;
	to->events = from->events;
	to->offload = from->offload;
	to->accept_streams = from->accept_streams;
	memcpy(to->cc_name, from->cc_name, sizeof(to->cc_name));
	quic_connid_inherit(child, parent);
	if (from->alpn_len) {
		to->alpn = kmemdup(from->alpn, from->alpn_len,
				   GFP_KERNEL_ACCOUNT);
		if (!to->alpn)
			return -ENOMEM;
		to->alpn_len = from->alpn_len;
	}
	/* Without memory it makes do with the kernel's key. */
	if (from->ticket)
		to->ticket = kmemdup(from->ticket,
				     struct_size(to->ticket, data,
						 from->ticket->len),
				     GFP_KERNEL_ACCOUNT);
	return 0;
}

/* ---- the rest of the socket calls ------------------------------------------------- */

static int name_sock(struct socket *sock, struct sockaddr *uaddr, int peer)
{
	return quic_getname(sock->sk, uaddr, peer);
}

static int shutdown(struct socket *sock, int how)
{
	struct sock *sk = sock->sk;
	struct quic_conn *c;
	int err = 0;

	if (how < SHUT_RD || how > SHUT_RDWR)
		return -EINVAL;
	lock_sock(sk);
	sk->sk_shutdown |= how + 1;
	c = quic_sk_conn(sk);
	if (sk->sk_state == TCP_LISTEN) {
		quic_listen_stop(sk);
	} else if (!c || !quic_conn_alive(c)) {
		err = -ENOTCONN;
	} else if (how == SHUT_RD) {
		quic_conn_dead(c, 0);
	} else {
		quic_tx_flush(c);
		quic_conn_close_app(c);
	}
	release_sock(sk);
	return err;
}

static int ioctl_sock(struct sock *sk, int cmd, int *karg)
{
	const struct quic_conn *c;
	int err = 0;

	lock_sock(sk);
	c = quic_sk_conn(sk);
	if (sk->sk_state == TCP_LISTEN) {
		err = -EINVAL;
		goto out;
	}
	switch (cmd) {
	case SIOCINQ:
		*karg = c ? min_t(u64, c->rq_bytes, INT_MAX) : 0;
		break;
	case SIOCOUTQ:
		*karg = sk->sk_wmem_queued;
		break;
	case SIOCOUTQNSD:
		*karg = c ? min_t(u64, c->data_queued - c->data_sent,
				  INT_MAX) : 0;
		break;
	default:
		err = -ENOIOCTLCMD;
	}
out:
	release_sock(sk);
	return err;
}

static int ioctl_op(struct socket *sock, unsigned int cmd, unsigned long arg)
{
	int karg = 0, err;

	switch (cmd) {
	case SIOCINQ:
	case SIOCOUTQ:
	case SIOCOUTQNSD:
		err = ioctl_sock(sock->sk, cmd, &karg);
		return err ?: put_user(karg, (int __user *)arg);
	}
	return inet_ioctl(sock, cmd, arg);
}

/* inet_accept() takes what it gets for a clone that is not accounted yet, since 7.0;
 * what sk_alloc() has made would be charged twice.
 */
static int accept_op(struct socket *sock, struct socket *newsock,
		     struct proto_accept_arg *arg)
{
	struct sock *sk = quic_accept(sock->sk, arg);

	if (!sk)
		return arg->err;
	lock_sock(sk);
	sock_graft(sk, newsock);
	newsock->state = SS_CONNECTED;
	release_sock(sk);
	return 0;
}

static int sendmsg_op(struct socket *sock, struct msghdr *msg, size_t len)
{
	return quic_sendmsg(sock->sk, msg, len);
}

/* sendfile() has found the end of the file, having said that more would come. */
static void splice_eof(struct socket *sock)
{
	struct sock *sk = sock->sk;
	struct quic_conn *c;

	lock_sock(sk);
	c = quic_sk_conn(sk);
	if (c && quic_conn_alive(c))
		quic_tx_push(c);
	release_sock(sk);
}

/* Our ports are those of the UDP sockets underneath. */
static int no_get_port(struct sock *sk, unsigned short snum)
{
	return -EOPNOTSUPP;
}

static int no_hash(struct sock *sk)
{
	return 0;
}

static void no_unhash(struct sock *sk)
{
}

static int disconnect(struct sock *sk, int flags)
{
	return -EOPNOTSUPP;
}

#define QUIC_PROTO_COMMON						\
	.owner			= THIS_MODULE,				\
	.close			= close_sock,				\
	.disconnect		= disconnect,				\
	.init			= init_sock,				\
	.destroy		= destroy_sock,				\
	.setsockopt		= quic_setsockopt,			\
	.getsockopt		= quic_getsockopt,			\
	.sendmsg		= quic_sendmsg,				\
	.recvmsg		= quic_recvmsg_op,			\
	.backlog_rcv		= quic_rx_backlog,			\
	.release_cb		= release_cb,				\
	.hash			= no_hash,				\
	.unhash			= no_unhash,				\
	.get_port		= no_get_port,				\
	.no_autobind		= true,					\
	.memory_allocated	= &memory_allocated,			\
	.per_cpu_fw_alloc	= &fw_alloc,				\
	.memory_pressure	= &memory_pressure,			\
	.enter_memory_pressure	= enter_pressure,			\
	.sockets_allocated	= &sockets_allocated,			\
	.sysctl_mem		= quic_sysctl_mem,			\
	.sysctl_rmem		= quic_sysctl_rmem,			\
	.sysctl_wmem		= quic_sysctl_wmem

struct proto quic_prot = {
	.name			= "QUIC",
	QUIC_PROTO_COMMON,
	.obj_size		= sizeof(struct quic_sock),
};

#define QUIC_OPS_COMMON							\
	.owner			= THIS_MODULE,				\
	.bind			= quic_bind,				\
	.connect		= quic_connect,				\
	.socketpair		= sock_no_socketpair,			\
	.accept			= accept_op,				\
	.getname		= name_sock,				\
	.poll			= quic_poll,				\
	.ioctl			= ioctl_op,				\
	.gettstamp		= sock_gettstamp,			\
	.listen			= quic_listen,				\
	.shutdown		= shutdown,				\
	.setsockopt		= sock_common_setsockopt,		\
	.getsockopt		= sock_common_getsockopt,		\
	.sendmsg		= sendmsg_op,				\
	.splice_eof		= splice_eof,				\
	.recvmsg		= sock_common_recvmsg,			\
	.mmap			= sock_no_mmap

static const struct proto_ops quic_ops = {
	.family			= PF_INET,
	.release		= inet_release,
	QUIC_OPS_COMMON,
};

#define PROTOSW(name, t, p, o)						\
static struct inet_protosw name = {					\
	.type		= t,						\
	.protocol	= IPPROTO_QUIC,					\
	.prot		= p,						\
	.ops		= o,						\
}

PROTOSW(stream4, SOCK_STREAM, &quic_prot, &quic_ops);
PROTOSW(dgram4, SOCK_DGRAM, &quic_prot, &quic_ops);

#if IS_ENABLED(CONFIG_IPV6)
struct proto quicv6_prot = {
	.name			= "QUICv6",
	QUIC_PROTO_COMMON,
	.obj_size		= sizeof(struct quic6_sock),
	.ipv6_pinfo_offset	= offsetof(struct quic6_sock, inet6),
};

static const struct proto_ops quicv6_ops = {
	.family			= PF_INET6,
	.release		= inet6_release,
	QUIC_OPS_COMMON,
};

PROTOSW(stream6, SOCK_STREAM, &quicv6_prot, &quicv6_ops);
PROTOSW(dgram6, SOCK_DGRAM, &quicv6_prot, &quicv6_ops);
#endif

/* Pages: an eighth of what is free, as other protocols reckon. */
static void size_memory(void)
{
	unsigned long limit = max(nr_free_buffer_pages() / 8, 128UL);

	quic_sysctl_mem[0] = limit / 4 * 3;
	quic_sysctl_mem[1] = limit;
	quic_sysctl_mem[2] = quic_sysctl_mem[0] * 2;
}

void quic_family_exit(void)
{
#if IS_ENABLED(CONFIG_IPV6)
	inet6_unregister_protosw(&dgram6);
	inet6_unregister_protosw(&stream6);
	proto_unregister(&quicv6_prot);
#endif
	inet_unregister_protosw(&dgram4);
	inet_unregister_protosw(&stream4);
	proto_unregister(&quic_prot);
	proto_unregister(&quic_stream_prot);
	percpu_counter_destroy(&sockets_allocated);
}

int quic_family_init(void)
{
	int err;

	size_memory();
	err = percpu_counter_init(&sockets_allocated, 0, GFP_KERNEL);
	if (err)
		return err;
	err = proto_register(&quic_stream_prot, 1);
	if (err)
		goto err_counter;
	err = proto_register(&quic_prot, 1);
	if (err)
		goto err_stream;
	inet_register_protosw(&stream4);
	inet_register_protosw(&dgram4);
#if IS_ENABLED(CONFIG_IPV6)
	err = proto_register(&quicv6_prot, 1);
	if (err)
		goto err_v4;
	err = inet6_register_protosw(&stream6);
	if (err)
		goto err_v6;
	err = inet6_register_protosw(&dgram6);
	if (err)
		goto err_stream6;
#endif
	return 0;

#if IS_ENABLED(CONFIG_IPV6)
err_stream6:
	inet6_unregister_protosw(&stream6);
err_v6:
	proto_unregister(&quicv6_prot);
err_v4:
	inet_unregister_protosw(&dgram4);
	inet_unregister_protosw(&stream4);
	proto_unregister(&quic_prot);
#endif
err_stream:
	proto_unregister(&quic_stream_prot);
err_counter:
	percpu_counter_destroy(&sockets_allocated);
	return err;
}

MODULE_ALIAS_NET_PF_PROTO(PF_INET, 261);
MODULE_ALIAS_NET_PF_PROTO(PF_INET6, 261);
MODULE_ALIAS_NET_PF_PROTO_TYPE(PF_INET, 261, 1);
MODULE_ALIAS_NET_PF_PROTO_TYPE(PF_INET, 261, 2);
MODULE_ALIAS_NET_PF_PROTO_TYPE(PF_INET6, 261, 1);
MODULE_ALIAS_NET_PF_PROTO_TYPE(PF_INET6, 261, 2);
