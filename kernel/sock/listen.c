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
#include "../compat.h"
#include "../conn/connid.h"
#include "../wire/client_hello.h"
#include "../obs/mib.h"

/* ---- choosing a listener ---------------------------------------------------- */

/* Who takes a client: whose protocols are among those that it offers. */
struct wanted {
	const u8 *alpn;			/* the client's, wire form; or NULL */
	u16 alpn_len;
	/* The last one that was asked, and its answer: those of a group have the
	 * same protocols.
	 */
	const struct quic_sock *asked;
	bool answer;
};

static bool same_alpn(const struct quic_sock *a, const struct quic_sock *b)
{
	return a->alpn_len == b->alpn_len &&
	       !memcmp(a->alpn, b->alpn, a->alpn_len);
}

static bool ask(const struct quic_sock *qs, const struct wanted *w)
{
	char names[QUIC_ALPN_MAX + 1];

	if (!qs->alpn_len)
		return true;
	if (!w->alpn)
		return false;
	memcpy(names, qs->alpn, qs->alpn_len);
	names[qs->alpn_len] = 0;
	return quic_alpn_match(w->alpn, w->alpn_len, names);
}

static bool takes(const struct quic_sock *qs, struct wanted *w)
{
	if (!w->asked || !same_alpn(w->asked, qs)) {
		w->asked = qs;
		w->answer = ask(qs, w);
	}
	return w->answer;
}

/* Does it serve @cpu?  QUIC_CONNID_NO_CPU: any does. */
static bool serves(const struct quic_sock *qs, u32 cpu)
{
	u32 its;

	return cpu == QUIC_CONNID_NO_CPU ||
	       (quic_sk_serves(&qs->inet.sk, &its) && its == cpu);
}

static u32 count(struct quic_udp *udp, struct wanted *w, u32 cpu)
{
	struct quic_sock *qs;
	u32 n = 0;

	hlist_for_each_entry(qs, &udp->listeners, listener.node)
		n += takes(qs, w) && serves(qs, cpu);
	return n;
}

static struct sock *nth(struct quic_udp *udp, struct wanted *w, u32 cpu, u32 i)
{
	struct quic_sock *qs;

	hlist_for_each_entry(qs, &udp->listeners, listener.node)
		if (takes(qs, w) && serves(qs, cpu) && !i--)
			return &qs->inet.sk;
	return NULL;
}

/* Under udp->lock: a program's choice, else who serves the CPU where the client
 * came, else by the client's address.
 */
static struct sock *choose(const struct quic_req *req, struct wanted *w)
{
	u32 hash = jhash_1word(quic_addr_hash(&req->dst), 0), cpu = req->cpu;
	u32 n = count(req->udp, w, QUIC_CONNID_NO_CPU), home, i;

	if (!n)
		return NULL;
	i = quic_connid_choose(req->net, &req->dcid, n, hash, &cpu);
	if (i != QUIC_CONNID_BY_CPU)
		return nth(req->udp, w, QUIC_CONNID_NO_CPU, i);
	home = count(req->udp, w, cpu);
	if (home)
		return nth(req->udp, w, cpu, reciprocal_scale(hash, home));
	return nth(req->udp, w, QUIC_CONNID_NO_CPU, reciprocal_scale(hash, n));
}

static struct sock *find(const struct quic_req *req, struct wanted *w, bool *any)
{
	struct sock *found;

	spin_lock_bh(&req->udp->lock);
	*any = !hlist_empty(&req->udp->listeners);
	found = choose(req, w);
	if (found)
		sock_hold(found);
	spin_unlock_bh(&req->udp->lock);
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

/* Disjoint protocols, or the same ones with SO_REUSEPORT on both, and of one
 * user: nobody gets another's clients.
 */
static bool may_join(struct quic_sock *qs, struct quic_sock *other)
{
	struct sock *a = &qs->inet.sk, *b = &other->inet.sk;

	if (!alpn_overlap(qs, other))
		return true;
	return a->sk_reuseport && b->sk_reuseport && same_alpn(qs, other) &&
	       uid_eq(quic_sk_uid(a), quic_sk_uid(b));
}

/* ---- queue --------------------------------------------------------------------- */

/* Takes a reference to @req.  0, -ENOBUFS, or -ESHUTDOWN: it listens no more. */
static int enqueue(struct sock *sk, struct quic_req *req)
{
	struct quic_listener *l = &quic_sk(sk)->listener;
	int err = 0;

	spin_lock_bh(&l->lock);
	if (inet_sk_state_load(sk) != TCP_LISTEN) {
		err = -ESHUTDOWN;
	} else if (l->n_pending >= READ_ONCE(sk->sk_max_ack_backlog)) {
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

/* To one of those who take it. */
static int route(struct quic_req *req, const struct wanted *wanted)
{
	struct wanted w;
	struct sock *sk;
	bool any;
	int err;

	do {
		/* Who was asked before may be freed by now. */
		w = *wanted;
		sk = find(req, &w, &any);
		if (!sk)
			return any ? -ENOPROTOOPT : -ECONNREFUSED;
		err = enqueue(sk, req);
		sock_put(sk);
		/* It closed a moment ago, and is not found again. */
	} while (err == -ESHUTDOWN);
	return err;
}

/**
 * quic_listen_route - bring a client to its listener
 * @req:	its first contact
 * @alpn:	the client's protocols, wire form, or NULL
 * @alpn_len:	bytes of it
 *
 * Process context.  Return: 0; -ECONNREFUSED: nobody listens; -ENOPROTOOPT: for
 * none of its protocols; -ENOBUFS: the accept queue is full.
 */
int quic_listen_route(struct quic_req *req, const u8 *alpn, u16 alpn_len)
{
	struct wanted w = { .alpn = alpn, .alpn_len = alpn_len };

	return route(req, &w);
}

/* A client that @qs was to accept goes to another one of the group, as one of
 * the process that follows ours; or is forgotten.
 */
static void hand_on(struct quic_sock *qs, struct quic_req *req)
{
	struct wanted w = { .asked = qs, .answer = true };

	if (!route(req, &w))
		QUIC_INC(req->net, QuicContactsHandedOn);
	else
		quic_req_drop(req);
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
		hand_on(qs, req);
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
		union quic_addr any;

		quic_addr_set_any(&any, sk->sk_family);
		err = quic_bind_addr(sk, &any);
		if (err)
			return err;
	}
	quic_udp_spread(qs->udp);
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
	quic_sk(sk)->udp = req->udp;
	quic_udp_hold(req->udp);
	if (quic_sock_inherit(sk, parent))
		goto fail;
	c = quic_conn_new(sk, true, req->version);
	if (!c)
		goto fail;
	quic_sk_set_state(sk, TCP_SYN_RECV);
	/* Pairs with readers of /proc. */
	smp_store_release(&quic_sk(sk)->conn, c);
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
