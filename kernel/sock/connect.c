// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: connect().
 * Context: process; takes the socket lock.
 * socket-api.md section 2.1: sends nothing and never blocks.
 */
#include <net/tcp_states.h>
#include "sock.h"

static int do_connect(struct sock *sk, const union quic_addr *dst)
{
	struct quic_sock *qs = quic_sk(sk);
	struct quic_conn *c;
	int err;

	if (qs->conn || sk->sk_state != TCP_CLOSE)
		return -EINVAL;
	if (!quic_addr_port(dst))
		return -EINVAL;
	if (!qs->udp) {
		union quic_addr any;

		quic_addr_set_any(&any, dst->sa.sa_family);
		err = quic_bind_addr(sk, &any);
		if (err)
			return err;
	}
	/* A socket bound to one family reaches the other only from the v6
	 * wildcard.
	 */
	if (qs->bound.sa.sa_family != dst->sa.sa_family &&
	    (qs->bound.sa.sa_family == AF_INET || !quic_addr_is_any(&qs->bound)))
		return -EAFNOSUPPORT;

	c = quic_conn_new(sk, false, qs->config.version);
	if (!c)
		return -ENOMEM;
	if (qs->bound.sa.sa_family == dst->sa.sa_family) {
		c->path->src = qs->bound;
	} else {
		c->path->src.v4.sin_family = AF_INET;
		c->path->src.v4.sin_port = quic_addr_port(&qs->bound);
	}
	c->path->dst = *dst;
	err = quic_conn_connect(c);
	if (err) {
		quic_conn_free(c);
		return err;
	}
	/* Pairs with readers of /proc, which see it until the socket is freed. */
	smp_store_release(&qs->conn, c);
	quic_sk_set_state(sk, TCP_SYN_RECV);
	quic_set_addresses(sk, c->path);
	spin_lock_bh(&qs->udp->lock);
	hlist_add_head(&qs->client, &qs->udp->clients);
	spin_unlock_bh(&qs->udp->lock);
	return 0;
}

int quic_connect(struct socket *sock, quic_sockaddr_t *addr, int len,
		 int flags)
{
	struct sock *sk = sock->sk;
	union quic_addr dst;
	int err;

	if (len < (int)sizeof(sa_family_t))
		return -EINVAL;
	if (((struct sockaddr *)addr)->sa_family == AF_UNSPEC)
		return -EOPNOTSUPP;
	err = quic_addr_from_user(&dst, (struct sockaddr *)addr, len,
				  sk->sk_family);
	if (err)
		return err;
	if (quic_addr_is_any(&dst)) {
		/* As elsewhere: "any" as a destination means this host. */
		if (dst.sa.sa_family == AF_INET)
			dst.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		else
			dst.v6.sin6_addr = in6addr_loopback;
	}

	lock_sock(sk);
	if (sock->state != SS_UNCONNECTED) {
		err = -EISCONN;
	} else {
		err = do_connect(sk, &dst);
		if (!err)
			sock->state = SS_CONNECTED;
	}
	release_sock(sk);
	return err;
}
