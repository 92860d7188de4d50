// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: recvmsg(), and with it read(): one queue, TLS bytes first, then
 * events, then stream data and datagrams in order of readiness.
 * Context: process; takes the socket lock.
 * socket-api.md section 4.
 */
#include <net/busy_poll.h>
#include "sock.h"

static bool nothing(const struct quic_conn *c)
{
	return list_empty(&c->rq_crypto) && !c->hello_again &&
	       ((list_empty(&c->rq_data) && list_empty(&c->rq_event)) ||
		!quic_conn_readable(c));
}

/* Wait for something to read; 0 or -errno. */
static int wait_data(struct sock *sk, struct quic_conn *c, bool nonblock)
{
	long timeo = sock_rcvtimeo(sk, nonblock);
	int err = 0;

	while (!err && nothing(c))
		err = quic_conn_alive(c) ? quic_wait(sk, sk, &timeo) :
					   -ENOTCONN;
	return err;
}

/* One contiguous run of one level. */
static int recv_handshake(struct sock *sk, struct quic_conn *c,
			  struct msghdr *msg, size_t len, bool peek)
{
	struct quic_chunk *ch, *n;
	int done = 0, got = 0;
	u8 level;

	level = list_first_entry(&c->rq_crypto, struct quic_chunk, link)->level;
	list_for_each_entry_safe(ch, n, &c->rq_crypto, link) {
		if (ch->level != level || done == len)
			break;
		got = quic_chunk_read(ch, &msg->msg_iter, len - done, peek);
		if (got < 0)
			break;
		done += got;
		if (peek || ch->len)
			continue;
		list_del(&ch->link);
		quic_chunk_free(sk, ch);
	}
	quic_cmsg_put_level(msg, level);
	return done ?: got;
}

static int recv_event(struct quic_conn *c, struct msghdr *msg, size_t len,
		      bool peek)
{
	struct quic_event_node *ev = list_first_entry(&c->rq_event,
						struct quic_event_node, link);
	int n = min_t(size_t, len, ev->len - ev->off);

	if (copy_to_iter(ev->data + ev->off, n, &msg->msg_iter) != n)
		return -EFAULT;
	msg->msg_flags |= MSG_QUIC_NOTIFICATION;
	if (ev->off + n == ev->len)
		msg->msg_flags |= MSG_EOR;
	if (peek)
		return n;
	ev->off += n;
	if (ev->off == ev->len) {
		list_del(&ev->link);
		c->n_events--;
		kfree(ev);
	}
	return n;
}

int quic_recv_chunks(struct sock *sk, struct list_head *q, struct msghdr *msg,
		     size_t len, bool peek, bool *fin)
{
	struct quic_chunk *ch = list_first_entry(q, struct quic_chunk, link);
	struct quic_stream *s = ch->stream;
	struct quic_chunk *n;
	int done = 0, got = 0;

	*fin = false;
	list_for_each_entry_safe_from(ch, n, q, link) {
		if (ch->stream != s || *fin || (done == len && ch->len))
			break;
		got = quic_chunk_read(ch, &msg->msg_iter, len - done, peek);
		if (got < 0)
			break;
		done += got;
		if (peek) {
			*fin = ch->fin && got == ch->len;
			continue;
		}
		if (ch->len)
			break;
		*fin = ch->fin;
		list_del(&ch->link);
		quic_chunk_free(sk, ch);
	}
	return done || *fin ? done : got;
}

/* The stream whose turn it is, as much as fits. */
static int recv_stream(struct sock *sk, struct quic_conn *c,
		       struct msghdr *msg, size_t len, bool peek)
{
	struct quic_stream *s = list_first_entry(&c->rq_data, struct quic_chunk,
						 link)->stream;
	u64 id = s->id;
	bool fin;
	int done;

	done = quic_recv_chunks(sk, &c->rq_data, msg, len, peek, &fin);
	if (done < 0)
		return done;
	quic_cmsg_put_stream(msg, id, fin);
	if (!peek && (done || fin))
		quic_stream_consumed(c, s, done, fin);
	return done;
}

static int recv_datagram(struct quic_conn *c, struct msghdr *msg, size_t len,
			 bool peek)
{
	bool eor = false;
	int n = quic_dgram_read(c, msg, len, peek, &eor);

	if (n < 0)
		return n;
	msg->msg_flags |= MSG_QUIC_DATAGRAM | (eor ? MSG_EOR : 0);
	return n;
}

/* Is it a datagram's turn?  Those have no stream. */
static bool datagram_next(const struct quic_conn *c)
{
	return !list_first_entry(&c->rq_data, struct quic_chunk, link)->stream;
}

static int quic_recvmsg(struct sock *sk, struct msghdr *msg, size_t len,
			int flags)
{
	bool peek = flags & MSG_PEEK;
	struct quic_conn *c;
	int err;

	if (flags & (MSG_OOB | MSG_ERRQUEUE))
		return -EOPNOTSUPP;
	lock_sock(sk);
	c = quic_sk_conn(sk);
	if (!c) {
		err = -ENOTCONN;
		goto out;
	}
	err = wait_data(sk, c, flags & MSG_DONTWAIT);
	if (err)
		goto out;
	if (unlikely(quic_version_hello_again(c)))
		err = -ERESTART;
	else if (!list_empty(&c->rq_crypto))
		err = recv_handshake(sk, c, msg, len, peek);
	else if (!list_empty(&c->rq_event))
		err = recv_event(c, msg, len, peek);
	else if (datagram_next(c))
		err = recv_datagram(c, msg, len, peek);
	else
		err = recv_stream(sk, c, msg, len, peek);
	if (c->tx_pending && quic_conn_alive(c))
		quic_tx_push(c);
out:
	release_sock(sk);
	return err;
}

#ifdef QUIC_KERNEL_7
int quic_recvmsg_op(struct sock *sk, struct msghdr *msg, size_t len, int flags)
{
	return quic_recvmsg(sk, msg, len, flags);
}
#else
int quic_recvmsg_op(struct sock *sk, struct msghdr *msg, size_t len, int flags,
		    int *addr_len)
{
	*addr_len = 0;
	return quic_recvmsg(sk, msg, len, flags);
}
#endif
