// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: readiness: poll(), and waking those who wait for it.
 * Called from: the socket layer; rx/deliver, stream/, conn/ (wake).
 * Context: poll without the lock; wakers under the socket lock.
 */
#include <linux/sched/signal.h>
#include <net/tcp_states.h>
#include "sock.h"

/* Room in the send buffer for a worthwhile write. */
bool quic_sock_has_room(const struct sock *sk)
{
	return READ_ONCE(sk->sk_wmem_queued) < READ_ONCE(sk->sk_sndbuf);
}

/* Could a stream write make progress?  The answer may be stale: the writer
 * asks again under the lock.
 */
static bool writable(const struct sock *sk, const struct quic_conn *c)
{
	if (!quic_sock_has_room(sk))
		return false;
	return c->state == QUIC_CONN_ESTABLISHING ||
	       READ_ONCE(c->data_queued) < READ_ONCE(c->max_data_send);
}

void quic_sock_readable(struct sock *sk)
{
	if (!sock_flag(sk, SOCK_DEAD))
		READ_ONCE(sk->sk_data_ready)(sk);
}

void quic_sock_writable(struct sock *sk)
{
	struct quic_conn *c = quic_sk_conn(sk);
	bool waits;

	if (sock_flag(sk, SOCK_DEAD) || !sk->sk_socket)
		return;
	/* After what has changed; pairs with the one in quic_poll(). */
	smp_mb();
	waits = test_bit(SOCK_NOSPACE, &sk->sk_socket->flags);
	if (!waits && list_empty(&c->streams.waiting))
		return;
	/* Wake for a good part of the buffer, not for each ACK. */
	if (quic_conn_alive(c) &&
	    READ_ONCE(sk->sk_wmem_queued) > READ_ONCE(sk->sk_sndbuf) / 3 * 2)
		return;
	quic_stream_socks_writable(c);
	if (!waits)
		return;
	clear_bit(SOCK_NOSPACE, &sk->sk_socket->flags);
	READ_ONCE(sk->sk_write_space)(sk);
}

void quic_sock_state_changed(struct sock *sk)
{
	if (!sock_flag(sk, SOCK_DEAD))
		sk->sk_state_change(sk);
}

/* Replaces sock_def_write_space(): that one measures sk_wmem_alloc, which
 * counts packets on their way, not the send buffer.
 */
void quic_write_space(struct sock *sk)
{
	struct socket_wq *wq;

	rcu_read_lock();
	wq = rcu_dereference(sk->sk_wq);
	if (skwq_has_sleeper(wq))
		wake_up_interruptible_poll(&wq->wait, EPOLLOUT | EPOLLWRNORM |
					   EPOLLWRBAND);
	sk_wake_async_rcu(sk, SOCK_WAKE_SPACE, POLL_OUT);
	rcu_read_unlock();
}

/* Who must wait adds itself before it gives the lock back, so no wakeup is
 * missed.
 */
int quic_wait(struct sock *sk, struct sock *waiter, long *timeo)
{
	DEFINE_WAIT_FUNC(wait, woken_wake_function);
	struct quic_conn *c = quic_sk_conn(sk);
	int err = 0;

	if (!*timeo)
		return -EAGAIN;
	/* What is waited for may be the answer to it. */
	if (c && c->tx_pending && quic_conn_alive(c))
		quic_tx_push(c);
	add_wait_queue(sk_sleep(waiter), &wait);
	sk_set_bit(SOCKWQ_ASYNC_WAITDATA, waiter);
	release_sock(sk);
	if (signal_pending(current))
		err = sock_intr_errno(*timeo);
	else
		*timeo = wait_woken(&wait, TASK_INTERRUPTIBLE, *timeo);
	lock_sock(sk);
	sk_clear_bit(SOCKWQ_ASYNC_WAITDATA, waiter);
	remove_wait_queue(sk_sleep(waiter), &wait);
	return err;
}

__poll_t quic_poll(struct file *file, struct socket *sock, poll_table *wait)
{
	struct sock *sk = sock->sk;
	struct quic_sock *qs = quic_sk(sk);
	const struct quic_conn *c;
	__poll_t mask = 0;

	sock_poll_wait(file, sock, wait);
	if (inet_sk_state_load(sk) == TCP_LISTEN)
		return list_empty_careful(&qs->listener.pending) ? 0 :
		       EPOLLIN | EPOLLRDNORM;

	c = READ_ONCE(qs->conn);
	if (!c)
		return sk->sk_err ? EPOLLERR | EPOLLHUP : EPOLLHUP;
	if (!quic_conn_alive(c)) {
		mask = EPOLLHUP | EPOLLIN | EPOLLRDNORM | EPOLLRDHUP |
		       EPOLLOUT | EPOLLWRNORM | EPOLLERR;
		return mask;
	}
	if (!list_empty_careful(&c->rq_crypto) || READ_ONCE(c->hello_again) ||
	    ((!list_empty_careful(&c->rq_data) ||
	      !list_empty_careful(&c->rq_event) || quic_sk_has_fresh(sk)) &&
	     quic_conn_readable(c)))
		mask |= EPOLLIN | EPOLLRDNORM;
	if (writable(sk, c)) {
		mask |= EPOLLOUT | EPOLLWRNORM;
	} else {
		set_bit(SOCK_NOSPACE, &sk->sk_socket->flags);
		/* Room may have come before the bit was seen. */
		smp_mb__after_atomic();
		if (writable(sk, c))
			mask |= EPOLLOUT | EPOLLWRNORM;
	}
	return mask;
}
