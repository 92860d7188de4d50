// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: the socket options that are about one stream.
 * Called from: the table in sock/sockopt.
 * Context: process, socket lock held.
 * socket-api.md section 1.6.
 */
#include "sockopt.h"

int quic_opt_stream_get_open(struct sock *sk, void *val, u32 len)
{
	struct quic_conn *c = quic_sk_conn(sk);
	struct quic_stream_info info;
	struct quic_stream *s;

	/* A 32-bit program's struct has no padding at its end. */
	if (len < offsetofend(struct quic_stream_info, stream_flags))
		return -EINVAL;
	quic_opt_take(&info, sizeof(info), val, len);
	if (!quic_opt_alive(sk))
		return -EPIPE;
	if (info.stream_flags & ~QUIC_STREAM_FLAGS)
		return -EINVAL;
	if (info.stream_id > S64_MAX >> 1)
		return -EINVAL;
	if (info.stream_id >= 0) {
		if (!quic_stream_local(c, info.stream_id))
			return -EINVAL;
		s = quic_stream_find(c, info.stream_id);
		if (s && s->send_state != QUIC_STREAM_SEND_STATE_READY)
			return -EINVAL;
		if (s) {
			c->streams.active = s;
			c->streams.active_chosen = false;
			return quic_opt_give(val, len, &info, sizeof(info));
		}
		if (quic_stream_was_opened(c, info.stream_id))
			return -ENOSTR;
	}
	s = quic_send_open(sk, info.stream_id < 0 ? -1 : info.stream_id,
			   info.stream_flags, quic_sk_nonblock(sk));
	if (IS_ERR(s))
		return PTR_ERR(s);
	c->streams.active = s;
	c->streams.active_chosen = false;
	info.stream_id = s->id;
	return quic_opt_give(val, len, &info, sizeof(info));
}

/* For RESET (@send) and STOP_SENDING; a stream, or ERR_PTR. */
static struct quic_stream *err_stream(struct sock *sk,
				      const struct quic_errinfo *info,
				      bool send)
{
	struct quic_conn *c = quic_sk_conn(sk);
	struct quic_stream *s;

	if (!quic_opt_established(sk) || info->stream_id < 0 ||
	    info->stream_id > S64_MAX >> 1)
		return ERR_PTR(-EINVAL);
	/* The other half of a one-way stream never was, also when it is over. */
	if (info->stream_id & QUIC_STREAM_TYPE_UNI_MASK &&
	    quic_stream_local(c, info->stream_id) != send)
		return ERR_PTR(-EINVAL);
	s = quic_stream_find(c, info->stream_id);
	if (s)
		return s;
	return ERR_PTR(quic_stream_was_opened(c, info->stream_id) ? -ENOSTR :
								   -EINVAL);
}

int quic_opt_stream_set_reset(struct sock *sk, void *val, u32 len)
{
	struct quic_errinfo info;
	struct quic_stream *s;

	quic_opt_take(&info, sizeof(info), val, len);
	s = err_stream(sk, &info, true);
	if (IS_ERR(s))
		return PTR_ERR(s);
	return quic_stream_reset(quic_sk_conn(sk), s, info.errcode);
}

int quic_opt_stream_set_stop(struct sock *sk, void *val, u32 len)
{
	struct quic_errinfo info;
	struct quic_stream *s;

	quic_opt_take(&info, sizeof(info), val, len);
	s = err_stream(sk, &info, false);
	if (IS_ERR(s))
		return PTR_ERR(s);
	return quic_stream_stop(quic_sk_conn(sk), s, info.errcode);
}

/* Which stream plain write() and sendfile() go to. */
int quic_opt_stream_set_active(struct sock *sk, void *val, u32 len)
{
	struct quic_stream_info info;
	struct quic_stream *s;

	quic_opt_take(&info, sizeof(info), val, len);
	if (!quic_opt_alive(sk) || info.stream_id < -1 ||
	    info.stream_id > S64_MAX >> 1)
		return -EINVAL;
	if (info.stream_id == -1) {
		quic_sk_conn(sk)->streams.active_chosen = false;
		return 0;
	}
	s = quic_stream_find(quic_sk_conn(sk), info.stream_id);
	if (!s)
		return quic_stream_was_opened(quic_sk_conn(sk),
					      info.stream_id) ? -ENOSTR :
								-EINVAL;
	if (!s->has_send)
		return -EINVAL;
	quic_sk_conn(sk)->streams.active = s;
	quic_sk_conn(sk)->streams.active_chosen = true;
	return 0;
}

int quic_opt_stream_get_active(struct sock *sk, void *val, u32 len)
{
	struct quic_stream_info info;

	if (!quic_opt_alive(sk))
		return -EPIPE;
	memset(&info, 0, sizeof(info));	/* the padding, too */
	info.stream_id = -1;
	if (quic_sk_conn(sk)->streams.active)
		info.stream_id = quic_sk_conn(sk)->streams.active->id;
	return quic_opt_give(val, len, &info, sizeof(info));
}

/* A stream that we send on, or ERR_PTR. */
static struct quic_stream *send_stream(struct sock *sk, s64 id)
{
	struct quic_stream *s;

	if (!quic_opt_alive(sk))
		return ERR_PTR(-EPIPE);
	if (id < 0 || id > S64_MAX >> 1)
		return ERR_PTR(-EINVAL);
	s = quic_stream_find(quic_sk_conn(sk), id);
	if (s)
		return s->has_send ? s : ERR_PTR(-EINVAL);
	return ERR_PTR(quic_stream_was_opened(quic_sk_conn(sk), id) ? -ENOSTR :
								     -EINVAL);
}

int quic_opt_stream_set_priority(struct sock *sk, void *val, u32 len)
{
	struct quic_stream_priority prio;
	struct quic_stream *s;

	quic_opt_take(&prio, sizeof(prio), val, len);
	if (prio.urgency > QUIC_URGENCY_MAX)
		return -EINVAL;
	s = send_stream(sk, prio.stream_id);
	if (IS_ERR(s))
		return PTR_ERR(s);
	quic_stream_set_priority(quic_sk_conn(sk), s, prio.urgency,
				 prio.incremental);
	return 0;
}

int quic_opt_stream_get_priority(struct sock *sk, void *val, u32 len)
{
	struct quic_stream_priority prio;
	struct quic_stream *s;

	quic_opt_take(&prio, sizeof(prio), val, len);
	s = send_stream(sk, prio.stream_id);
	if (IS_ERR(s))
		return PTR_ERR(s);
	prio.urgency = s->urgency;
	prio.incremental = s->incremental;
	return quic_opt_give(val, len, &prio, sizeof(prio));
}
