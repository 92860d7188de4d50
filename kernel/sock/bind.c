// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: a socket's addresses: bind(), and what getsockname(), getpeername() and
 * /proc show.
 * Called from: socket calls, sock/connect and sock/listen (sockets that were
 * not bound), conn/ (paths that change).
 * Context: process; quic_set_addresses() under the socket lock, also in softirq.
 */
#include <net/ip.h>
#include "sock.h"

/* What getsockname(), getpeername() and /proc show. */
void quic_set_addresses(struct sock *sk, const struct quic_path *p)
{
	struct inet_sock *inet = inet_sk(sk);

	inet->inet_sport = quic_addr_port(&p->src);
	inet->inet_num = ntohs(inet->inet_sport);
	inet->inet_dport = quic_addr_port(&p->dst);
	if (p->dst.sa.sa_family == AF_INET) {
		inet->inet_saddr = inet->inet_rcv_saddr =
			p->src.v4.sin_addr.s_addr;
		inet->inet_daddr = p->dst.v4.sin_addr.s_addr;
	}
#if IS_ENABLED(CONFIG_IPV6)
	if (sk->sk_family != AF_INET6)
		return;
	if (p->dst.sa.sa_family == AF_INET) {
		ipv6_addr_set_v4mapped(inet->inet_saddr, &inet6_sk(sk)->saddr);
		ipv6_addr_set_v4mapped(inet->inet_saddr, &sk->sk_v6_rcv_saddr);
		ipv6_addr_set_v4mapped(inet->inet_daddr, &sk->sk_v6_daddr);
	} else {
		inet6_sk(sk)->saddr = sk->sk_v6_rcv_saddr = p->src.v6.sin6_addr;
		sk->sk_v6_daddr = p->dst.v6.sin6_addr;
	}
#endif
}

int quic_getname(struct sock *sk, struct sockaddr *uaddr, int peer)
{
	struct quic_sock *qs = quic_sk(sk);
	union quic_addr any;
	int len;

	quic_addr_set_any(&any, sk->sk_family);
	lock_sock(sk);
	if (peer)
		len = qs->conn ? quic_addr_to_user(&qs->conn->path->dst, uaddr) :
				 -ENOTCONN;
	else if (qs->conn)
		len = quic_addr_to_user(&qs->conn->path->src, uaddr);
	else
		len = quic_addr_to_user(qs->udp ? &qs->bound : &any, uaddr);
	release_sock(sk);
	return len;
}

/* Socket lock held, not bound yet. */
int quic_bind_addr(struct sock *sk, const union quic_addr *addr)
{
	struct quic_sock *qs = quic_sk(sk);
	struct quic_udp *udp;
	bool v6only = false;

#if IS_ENABLED(CONFIG_IPV6)
	v6only = sk->sk_family == AF_INET6 && ipv6_only_sock(sk);
#endif
	udp = quic_udp_get(sock_net(sk), addr, sk->sk_bound_dev_if, v6only);
	if (IS_ERR(udp))
		return PTR_ERR(udp);
	qs->udp = udp;
	qs->bound = udp->addr;
	inet_sk(sk)->inet_sport = quic_addr_port(&udp->addr);
	inet_sk(sk)->inet_num = ntohs(inet_sk(sk)->inet_sport);
	return 0;
}

/* The same questions that UDP asks: may the program have this port, is the
 * address one of ours.  The second is left to the UDP socket's own bind.
 */
int quic_bind_allowed(const struct sock *sk, const union quic_addr *addr)
{
	struct net *net = sock_net(sk);
	u16 port = ntohs(quic_addr_port(addr));

	if (port && inet_port_requires_bind_service(net, port) &&
	    !ns_capable(net->user_ns, CAP_NET_BIND_SERVICE))
		return -EACCES;
	return 0;
}

/* bind(); -EINVAL: it is bound, or connected. */
int quic_bind(struct socket *sock, quic_sockaddr_t *sa, int len)
{
	struct sock *sk = sock->sk;
	union quic_addr addr;
	int err;

	err = quic_addr_from_user(&addr, (struct sockaddr *)sa, len,
				  sk->sk_family);
	if (!err)
		err = quic_bind_allowed(sk, &addr);
	if (err)
		return err;

	lock_sock(sk);
	if (quic_sk(sk)->udp || sk->sk_state != TCP_CLOSE)
		err = -EINVAL;
	else
		err = quic_bind_addr(sk, &addr);
	if (!err)
		sk->sk_userlocks |= SOCK_BINDPORT_LOCK;
	release_sock(sk);
	return err;
}
