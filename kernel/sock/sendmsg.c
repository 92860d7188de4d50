// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: sendmsg(), and with it write(), sendfile() and splice() into a
 * stream.
 * Context: process; takes the socket lock.
 * socket-api.md section 4.
 */
#include "sock.h"
#include "../obs/mib.h"

/* User bytes taken before the path is tried: two long trains. */
#define QUIC_SEND_CHUNK		131072

/* ---- TLS bytes --------------------------------------------------------------- */

static int send_handshake(struct sock *sk, struct msghdr *msg, size_t len,
			  u8 level)
{
	struct quic_conn *c = quic_sk_conn(sk);
	struct quic_crypto *cr;
	int n;

	if (level >= QUIC_CRYPTO_EARLY)
		return -EINVAL;
	if (quic_version_hello_again(c))
		return -ERESTART;
	cr = c->crypto[quic_level_space(level)];
	if (!cr || !c->keys[level][1].ready)
		return -EINVAL;
	if (!len)
		return -EMSGSIZE;
	/* TLS messages of a handshake are few and bounded by 64 KiB each. */
	if (cr->send.end - cr->send.base + len > 2 * QUIC_CRYPTO_WINDOW)
		return -ENOBUFS;
	n = quic_path_route(c->path, sk);
	if (n)
		return n;
	n = quic_sbuf_append(sk, &cr->send, msg, len);
	if (n < 0)
		return n;
	/* A flight comes in several calls: corked until the last. */
	c->crypto_cork = msg->msg_flags & MSG_MORE;
	if (!c->crypto_cork)
		quic_tx_push(c);
	return n;
}

/* ---- which stream -------------------------------------------------------------- */

/* Open ours, waiting for the peer's permission if we may. */
struct quic_stream *quic_send_open(struct sock *sk, s64 id, u32 flags,
				   bool nonblock)
{
	struct quic_conn *c = quic_sk_conn(sk);
	bool uni = flags & MSG_QUIC_STREAM_UNI;
	struct quic_stream *s;
	long timeo;
	int err;

	timeo = sock_sndtimeo(sk, nonblock || flags & MSG_QUIC_STREAM_DONTWAIT);
	for (;;) {
		if (!quic_conn_alive(c))
			return ERR_PTR(-EPIPE);
		/* Streams wait for the peer's limits, so for the handshake. */
		if (c->state == QUIC_CONN_ESTABLISHING &&
		    !c->tparams_received && !c->early)
			s = ERR_PTR(-EAGAIN);
		else
			s = quic_stream_open(c, id, uni);
		if (PTR_ERR(s) != -EAGAIN)
			break;
		/* Who writes 0-RTT data has a handshake to do next. */
		if (c->early && !c->tparams_received)
			return ERR_PTR(-EINVAL);
		quic_tx_push(c);	/* STREAMS_BLOCKED */
		set_bit(SOCK_NOSPACE, &sk->sk_socket->flags);
		err = quic_wait(sk, sk, &timeo);
		if (err)
			return ERR_PTR(err);
	}
	return s;
}

/* Opened here: plain write() goes there. */
static struct quic_stream *open_active(struct sock *sk, s64 id, u32 flags,
				       bool nonblock)
{
	struct quic_stream *s = quic_send_open(sk, id, flags, nonblock);

	if (!IS_ERR(s)) {
		quic_sk_conn(sk)->streams.active = s;
		quic_sk_conn(sk)->streams.active_chosen = false;
	}
	return s;
}

static struct quic_stream *by_id(struct sock *sk,
				 const struct quic_send_args *args,
				 bool nonblock)
{
	struct quic_conn *c = quic_sk_conn(sk);
	struct quic_stream *s;
	u64 id = args->stream_id;

	if (args->stream_id > S64_MAX >> 1 ||
	    (id & QUIC_STREAM_TYPE_UNI_MASK && !quic_stream_local(c, id)))
		return ERR_PTR(-EINVAL);
	s = quic_stream_find(c, id);
	if (s)
		return s;
	if (quic_stream_was_opened(c, id))
		return ERR_PTR(-ENOSTR);
	if (!(args->stream_flags & MSG_QUIC_STREAM_NEW))
		return ERR_PTR(-EINVAL);
	return open_active(sk, id, args->stream_flags, nonblock);
}

static struct quic_stream *choose_stream(struct sock *sk,
					 const struct quic_send_args *args,
					 bool nonblock)
{
	struct quic_conn *c = quic_sk_conn(sk);
	struct quic_stream *s;

	if (args->stream_id >= 0) {
		s = by_id(sk, args, nonblock);
	} else if (!(args->stream_flags & MSG_QUIC_STREAM_NEW)) {
		s = c->streams.active ?: ERR_PTR(-EINVAL);
	} else {
		s = c->streams.active;
		if (s && s->send_state == QUIC_STREAM_SEND_STATE_SEND)
			return ERR_PTR(-EINVAL);
		if (!s || s->send_state != QUIC_STREAM_SEND_STATE_READY ||
		    !s->has_send)
			s = open_active(sk, -1, args->stream_flags, nonblock);
	}
	if (IS_ERR(s))
		return s;
	if (!s->has_send || s->sb.fin ||
	    s->send_state >= QUIC_STREAM_SEND_STATE_RECVD)
		return ERR_PTR(-EINVAL);
	return s;
}

/* ---- stream bytes ---------------------------------------------------------------- */

/* Nobody buffers more than the peer lets us send: a program that is told
 * "no credit" knows that waiting for memory is not the point.
 */
static u64 credit(const struct quic_conn *c, const struct quic_stream *s)
{
	u64 stream = s->max_send > s->sb.end ? s->max_send - s->sb.end : 0;
	u64 conn = c->max_data_send > c->data_queued ?
		   c->max_data_send - c->data_queued : 0;

	return min(stream, conn);
}

/* As much as fits now; 0: none. */
size_t quic_send_room(const struct sock *sk, const struct quic_stream *s)
{
	int space = READ_ONCE(sk->sk_sndbuf) - READ_ONCE(sk->sk_wmem_queued);

	if (space <= 0)
		return 0;
	return min3(credit(quic_sk_conn(sk), s), (u64)space,
		    (u64)QUIC_SEND_CHUNK);
}

static int blocked_error(const struct quic_conn *c,
			 const struct quic_stream *s,
			 const struct quic_send_args *args)
{
	if (args->has_stream && c->tparams_received && !credit(c, s))
		return -ENOSPC;
	return -EAGAIN;
}

/* Follow the congestion window, as TCP's send buffer does. */
static void expand_sndbuf(struct sock *sk, const struct quic_conn *c)
{
	u64 want = 2 * c->rec.cc.cwnd + QUIC_SEND_CHUNK;

	if (sk->sk_userlocks & SOCK_SNDBUF_LOCK)
		return;
	want = min_t(u64, want, quic_sysctl_wmem[2]);
	if (want > sk->sk_sndbuf)
		WRITE_ONCE(sk->sk_sndbuf, (int)want);
}

/* Who cannot go on is to be told when it can. */
static void blocked(struct sock *sk, struct sock *waiter)
{
	if (waiter != sk)
		quic_stream_sock_blocked(waiter);
	else
		set_bit(SOCK_NOSPACE, &sk->sk_socket->flags);
}

int quic_send_on(struct sock *sk, struct sock *waiter, struct quic_stream *s,
		 struct msghdr *msg, size_t len,
		 const struct quic_send_args *args)
{
	bool nonblock = msg->msg_flags & MSG_DONTWAIT;
	bool fin = args->stream_flags & MSG_QUIC_STREAM_FIN;
	struct quic_conn *c = quic_sk_conn(sk);
	long timeo = sock_sndtimeo(waiter, nonblock);
	size_t done = 0, n;
	u64 id = s->id;
	int err;

	if (args->stream_flags & MSG_QUIC_STREAM_SNDBLOCK)
		s->sndblock = true;
	do {
		expand_sndbuf(sk, c);
		n = min(quic_send_room(sk, s), len - done);
		if (n || !len) {
			err = quic_stream_send(c, s, msg, n,
					       fin && done + n == len);
			if (err < 0)
				break;
			done += err;
			err = 0;
			/* More may never come if there is no room for it. */
			if (done < len || !(msg->msg_flags & MSG_MORE) ||
			    !quic_send_room(sk, s))
				quic_tx_push(c);
			continue;
		}
		quic_tx_push(c);
		if (quic_send_room(sk, s))
			continue;
		blocked(sk, waiter);
		if (c->tparams_received && !credit(c, s))
			quic_flow_refused(c, s);
		err = nonblock ? blocked_error(c, s, args) :
				 quic_wait(sk, waiter, &timeo);
		if (err)
			break;
		/* The lock was away: is all as it was? */
		if (!quic_conn_alive(c)) {
			err = -EPIPE;
			break;
		}
		s = quic_stream_find(c, id);
		if (!s || s->sb.fin ||
		    s->send_state >= QUIC_STREAM_SEND_STATE_RECVD) {
			err = waiter == sk ? -EINVAL : -EPIPE;
			break;
		}
	} while (done < len);

	if (done == len && fin && quic_conn_alive(c) && c->streams.active &&
	    c->streams.active->id == id) {
		c->streams.active = NULL;
		c->streams.active_chosen = false;
	}
	return done ?: err;
}

static int send_stream(struct sock *sk, struct msghdr *msg, size_t len,
		       const struct quic_send_args *args)
{
	struct quic_stream *s;

	s = choose_stream(sk, args, msg->msg_flags & MSG_DONTWAIT);
	if (IS_ERR(s))
		return PTR_ERR(s);
	if (!len && !(args->stream_flags & MSG_QUIC_STREAM_FIN))
		return -EMSGSIZE;
	return quic_send_on(sk, sk, s, msg, len, args);
}

/* ---- datagrams (RFC 9221) ---------------------------------------------------------- */

static int send_datagram(struct sock *sk, struct msghdr *msg, size_t len)
{
	struct quic_conn *c = quic_sk_conn(sk);
	long timeo = sock_sndtimeo(sk, msg->msg_flags & MSG_DONTWAIT);
	int err;

	if (!quic_dgram_max(c))
		return -EINVAL;
	if (!len)
		return -EMSGSIZE;
	for (;;) {
		err = quic_path_route(c->path, sk);
		if (err)
			return err;
		if (len > quic_dgram_max(c))
			return -EMSGSIZE;
		expand_sndbuf(sk, c);
		if (quic_sock_has_room(sk))
			break;
		quic_tx_push(c);
		if (quic_sock_has_room(sk))
			break;
		blocked(sk, sk);
		err = quic_wait(sk, sk, &timeo);
		if (err)
			return err;
		if (!quic_conn_alive(c))
			return -EPIPE;
	}
	err = quic_dgram_send(c, msg, len);
	/* More follow at once: they share a train. */
	if (err > 0 && msg->msg_flags & (MSG_MORE | MSG_BATCH))
		quic_tx_kick(c);
	else
		quic_tx_push(c);
	return err;
}

int quic_sendmsg(struct sock *sk, struct msghdr *msg, size_t len)
{
	struct quic_send_args args;
	struct quic_conn *c;
	int err;

	if (msg->msg_flags & ~QUIC_SEND_FLAGS)
		return -EINVAL;
	err = quic_cmsg_parse(msg, &args);
	if (err)
		return err;

	lock_sock(sk);
	c = quic_sk_conn(sk);
	if (!c || !quic_conn_alive(c))
		err = -EPIPE;
	else if (args.handshake)
		err = send_handshake(sk, msg, len, args.level);
	else if (msg->msg_flags & MSG_QUIC_DATAGRAM)
		err = send_datagram(sk, msg, len);
	else
		err = send_stream(sk, msg, len, &args);
	if (err == -EPIPE)
		err = sk_stream_error(sk, args.handshake ? MSG_NOSIGNAL :
				      msg->msg_flags, -EPIPE);
	release_sock(sk);
	return err;
}
