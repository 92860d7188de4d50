// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: listening sockets: who listens where and for which ALPN, the queue of
 * first contacts, accept().
 * Called from: the socket layer (process), rx/initial (its worker).
 * Locks: udp->lock and RCU for the lists of listeners; listener.lock for each
 * queue.
 */
#include <linux/jhash.h>
#include <net/inet_common.h>
#include <net/ip.h>
#include <net/tcp_states.h>
#include "sock.h"
#include "../conn/connid.h"
#include "../wire/client_hello.h"
#include "../obs/mib.h"

/* ---- choosing a listener ---------------------------------------------------- */

static bool takes(const struct quic_sock *qs, const u8 *alpn, u16 alpn_len)
{
	char names[QUIC_ALPN_MAX + 1];

	if (!qs->alpn_len)
		return true;
	if (!alpn)
		return false;
	memcpy(names, qs->alpn, qs->alpn_len);
	names[qs->alpn_len] = 0;
	return quic_alpn_match(alpn, alpn_len, names);
}

/**
 * quic_listen_find - the listener for a client
 * @req:	its first contact
 * @alpn:	the client's protocols, wire form, or NULL
 * @alpn_len:	bytes of it
 * @any:	set if somebody listens at all
 *
 * Return: a listener, referenced; NULL: none takes the protocol.
 */
struct sock *quic_listen_find(const struct quic_req *req, const u8 *alpn,
			      u16 alpn_len, bool *any)
{
	u32 hash = jhash_1word(quic_addr_hash(&req->dst), 0);
	struct quic_udp *udp = req->udp;
	struct sock *found = NULL;
	struct quic_sock *qs;
	u32 n = 0, i = 0;

	spin_lock_bh(&udp->lock);
	hlist_for_each_entry(qs, &udp->listeners, listener.node) {
		*any = true;
		n += takes(qs, alpn, alpn_len);
	}
	if (n) {
		n = quic_connid_choose(req->net, &req->dcid, req->cpu, n,
				       hash);
		hlist_for_each_entry(qs, &udp->listeners, listener.node) {
			if (!takes(qs, alpn, alpn_len) || i++ < n)
				continue;
			found = &qs->inet.sk;
			sock_hold(found);
			break;
		}
	}
	spin_unlock_bh(&udp->lock);
	return found;
}

/* Does one of the listeners of @udp ask for Retry, does one take any QUIC bit?
 * Which of them a client wants shows only in its ClientHello, so it counts for
 * all.
 */
void quic_listen_update(struct quic_udp *udp)
{
	bool validate = false, greased = false;
	struct quic_sock *qs;

	spin_lock_bh(&udp->lock);
	hlist_for_each_entry(qs, &udp->listeners, listener.node) {
		validate |= qs->config.validate_peer_address;
		greased |= qs->tparam.grease_quic_bit;
	}
	WRITE_ONCE(udp->validate, validate);
	WRITE_ONCE(udp->greased, greased);
	spin_unlock_bh(&udp->lock);
}

/* Two lists of names have one in common? */
static bool alpn_overlap(const struct quic_sock *a, const struct quic_sock *b)
{
	u8 wire[QUIC_ALPN_MAX + 1];
	char names[QUIC_ALPN_MAX + 1];
	u8 *len = wire, *p = wire + 1;
	int i;

	if (!a->alpn_len || !b->alpn_len)
		return true;
	/* a in wire form: each comma becomes the next length byte. */
	for (i = 0; i < a->alpn_len; i++) {
		if (a->alpn[i] == ',') {
			*len = p - len - 1;
			len = p;
		} else {
			*p = a->alpn[i];
		}
		p++;
	}
	*len = p - len - 1;
	memcpy(names, b->alpn, b->alpn_len);
	names[b->alpn_len] = 0;
	return quic_alpn_match(wire, p - wire, names);
}

/* Disjoint protocols, or the same ones with SO_REUSEPORT on both. */
static bool may_join(const struct quic_sock *qs, const struct quic_sock *other)
{
	if (!alpn_overlap(qs, other))
		return true;
	return qs->inet.sk.sk_reuseport && other->inet.sk.sk_reuseport &&
	       qs->alpn_len == other->alpn_len &&
	       !memcmp(qs->alpn, other->alpn, qs->alpn_len);
}

/* ---- queue --------------------------------------------------------------------- */

/* Takes a reference to @req.  0, or -ENOBUFS. */
int quic_listen_enqueue(struct sock *sk, struct quic_req *req)
{
	struct quic_listener *l = &quic_sk(sk)->listener;
	int err = 0;

	spin_lock_bh(&l->lock);
	if (inet_sk_state_load(sk) != TCP_LISTEN ||
	    l->n_pending >= READ_ONCE(sk->sk_max_ack_backlog)) {
		err = -ENOBUFS;
	} else {
		refcount_inc(&req->ref);
		req->listener = sk;
		/* The connection will be where its listener is, unless the
		 * client has an ID of ours already that says where.
		 */
		if (!req->ours)
			quic_sk_serves(sk, &req->cpu);
		list_add_tail(&req->link, &l->pending);
		l->n_pending++;
		WRITE_ONCE(sk->sk_ack_backlog, l->n_pending);
	}
	spin_unlock_bh(&l->lock);
	if (!err)
		READ_ONCE(sk->sk_data_ready)(sk);
	return err;
}

static struct quic_req *dequeue(struct quic_listener *l, struct sock *sk)
{
	struct quic_req *req;

	spin_lock_bh(&l->lock);
	req = list_first_entry_or_null(&l->pending, struct quic_req, link);
	if (req) {
		list_del_init(&req->link);
		req->listener = NULL;
		l->n_pending--;
		WRITE_ONCE(sk->sk_ack_backlog, l->n_pending);
	}
	spin_unlock_bh(&l->lock);
	return req;
}

/* The request grew too old: off the queue if it is on one. */
void quic_listen_forget(struct quic_req *req)
{
	struct sock *sk;
	bool was = false;

	rcu_read_lock();
	/* Sockets are freed after a grace period (SOCK_RCU_FREE). */
	sk = READ_ONCE(req->listener);
	if (sk) {
		struct quic_listener *l = &quic_sk(sk)->listener;

		spin_lock_bh(&l->lock);
		was = req->listener == sk;
		if (was) {
			list_del_init(&req->link);
			req->listener = NULL;
			l->n_pending--;
			WRITE_ONCE(sk->sk_ack_backlog, l->n_pending);
		}
		spin_unlock_bh(&l->lock);
	}
	rcu_read_unlock();
	if (was)
		quic_req_put(req);
}

/* ---- listen() ------------------------------------------------------------------ */

void quic_listen_stop(struct sock *sk)
{
	struct quic_sock *qs = quic_sk(sk);
	struct quic_req *req;

	if (qs->udp) {
		spin_lock_bh(&qs->udp->lock);
		hlist_del_init(&qs->listener.node);
		spin_unlock_bh(&qs->udp->lock);
		quic_listen_update(qs->udp);
	}
	spin_lock_bh(&qs->listener.lock);
	quic_sk_set_state(sk, TCP_CLOSE);
	spin_unlock_bh(&qs->listener.lock);
	while ((req = dequeue(&qs->listener, sk))) {
		quic_req_drop(req);
		quic_req_put(req);
	}
	/* Who sleeps in accept() has nothing to wait for any more. */
	sk->sk_state_change(sk);
}

static int start(struct sock *sk)
{
	struct quic_sock *qs = quic_sk(sk), *other;
	int err = 0;

	if (!qs->udp) {
		union quic_addr any = { .sa.sa_family = sk->sk_family };

		err = quic_bind_addr(sk, &any);
		if (err)
			return err;
	}
	spin_lock_bh(&qs->udp->lock);
	hlist_for_each_entry(other, &qs->udp->listeners, listener.node) {
		if (!may_join(qs, other))
			err = -EADDRINUSE;
	}
	if (!err) {
		quic_sk_set_state(sk, TCP_LISTEN);
		hlist_add_head(&qs->listener.node, &qs->udp->listeners);
	}
	spin_unlock_bh(&qs->udp->lock);
	quic_listen_update(qs->udp);
	return err;
}

int quic_listen(struct socket *sock, int backlog)
{
	struct sock *sk = sock->sk;
	int err = 0;

	lock_sock(sk);
	if (sock->state != SS_UNCONNECTED || quic_sk_conn(sk)) {
		err = -EINVAL;
	} else if (backlog <= 0) {
		if (sk->sk_state == TCP_LISTEN)
			quic_listen_stop(sk);
		WRITE_ONCE(sk->sk_max_ack_backlog, 0);
	} else {
		WRITE_ONCE(sk->sk_max_ack_backlog, backlog);
		if (sk->sk_state != TCP_LISTEN)
			err = start(sk);
	}
	release_sock(sk);
	return err;
}

/* ---- accept() ------------------------------------------------------------------ */

static struct quic_req *wait_req(struct sock *sk, int flags, int *err)
{
	struct quic_listener *l = &quic_sk(sk)->listener;
	long timeo = sock_rcvtimeo(sk, flags & O_NONBLOCK);
	DEFINE_WAIT(wait);
	struct quic_req *req;

	for (;;) {
		*err = 0;
		prepare_to_wait_exclusive(sk_sleep(sk), &wait,
					  TASK_INTERRUPTIBLE);
		req = dequeue(l, sk);
		if (req)
			break;
		*err = -EINVAL;
		if (sk->sk_state != TCP_LISTEN)
			break;
		*err = -EAGAIN;
		if (!timeo)
			break;
		*err = sock_intr_errno(timeo);
		if (signal_pending(current))
			break;
		release_sock(sk);
		timeo = schedule_timeout(timeo);
		lock_sock(sk);
	}
	finish_wait(sk_sleep(sk), &wait);
	return req;
}

static struct sock *new_child(struct sock *parent, struct quic_req *req,
			      int *err)
{
	struct sock *sk;
	struct quic_conn *c;

	sk = quic_sock_child(parent);
	*err = -ENOMEM;
	if (!sk)
		return NULL;
	/* Nobody else knows it; the order is listener, then child. */
	lock_sock_nested(sk, SINGLE_DEPTH_NESTING);
	quic_sock_inherit(sk, parent);
	quic_sk(sk)->udp = req->udp;
	quic_udp_hold(req->udp);
	c = quic_conn_new(sk, true, req->version);
	if (!c)
		goto fail;
	quic_sk_set_state(sk, TCP_SYN_RECV);
	quic_sk(sk)->conn = c;
	*err = quic_conn_accept(c, req);
	quic_set_addresses(sk, c->path);
	if (*err)
		goto fail;
	release_sock(sk);
	return sk;
fail:
	release_sock(sk);
	quic_sock_discard(sk);
	return NULL;
}

struct sock *quic_accept(struct sock *sk, struct proto_accept_arg *arg)
{
	struct sock *child = NULL;
	struct quic_req *req;
	int err;

	lock_sock(sk);
	do {
		req = NULL;
		err = -EINVAL;
		if (sk->sk_state != TCP_LISTEN)
			break;
		req = wait_req(sk, arg->flags, &err);
		if (!req)
			break;
		if (quic_req_claim(req)) {
			child = new_child(sk, req, &err);
			if (!child)
				quic_cid_remove(req->node);
		}
		quic_req_put(req);
		/* A client that gave up is not the program's trouble. */
	} while (!child && err != -ENOMEM);
	release_sock(sk);
	arg->err = err;
	return child;
}
