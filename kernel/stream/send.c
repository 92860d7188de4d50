// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: the sending half of a stream (RFC 9000 section 3.1).
 * Called from: sock/sendmsg and setsockopt (process context), tx/sent (fate
 * of frames), rx/frames (STOP_SENDING).
 * Context: socket lock held.
 *
 *   READY -> SEND -> SENT -> RECVD
 *     |       |       |
 *     +-------+-------+--> RESET_SENT -> RESET_RECVD
 */
#include "../pipeline.h"
#include "../obs/mib.h"

/* In line with the others of its urgency. */
static void line_up(struct quic_conn *c, struct quic_stream *s, bool first)
{
	struct list_head *line = &c->streams.send[s->urgency];

	if (first)
		list_move(&s->send_link, line);
	else
		list_move_tail(&s->send_link, line);
	c->streams.send_mask |= BIT(s->urgency);
}

/* It has bytes or a FIN that could go: the scheduler looks at it. */
void quic_stream_want_send(struct quic_conn *c, struct quic_stream *s)
{
	if (list_empty(&s->send_link) && !s->held &&
	    s->send_state < QUIC_STREAM_SEND_STATE_RECVD)
		line_up(c, s, false);
}

/* Before a close: those too that wait for more bytes. */
void quic_streams_want_send(struct quic_conn *c)
{
	struct quic_stream *s;

	quic_streams_for_each(s, &c->streams)
		if (s->sb.next < s->sb.end)
			quic_stream_want_send(c, s);
}

void quic_stream_set_priority(struct quic_conn *c, struct quic_stream *s,
			      u8 urgency, bool incremental)
{
	s->urgency = urgency;
	s->incremental = incremental;
	s->turn = 0;
	if (!list_empty(&s->send_link))
		line_up(c, s, false);
}

/* What was written fills no packet, and the end of what was written before is
 * under way: it waits for the acknowledgment, and others can join it (RFC 9293
 * section 3.7.4, for each stream).
 */
static bool too_small(const struct quic_conn *c, const struct quic_stream *s)
{
	return s->sb.end - s->sb.next < c->path->mss && !s->sb.fin &&
	       quic_sbuf_awaits(&s->sb) &&
	       !quic_sk(c->sk)->config.stream_data_nodelay;
}

/* Bytes taken, or -errno.  The caller has checked buffer space. */
int quic_stream_send(struct quic_conn *c, struct quic_stream *s,
		     struct msghdr *msg, size_t len, bool fin)
{
	int n = 0;

	if (len) {
		n = quic_sbuf_append(c->sk, &s->sb, msg, len);
		if (n < 0)
			return n;
	}
	c->data_queued += n;
	if (s->send_state == QUIC_STREAM_SEND_STATE_READY)
		s->send_state = QUIC_STREAM_SEND_STATE_SEND;
	if (fin && n == len)
		s->sb.fin = true;
	if (!too_small(c, s))
		quic_stream_want_send(c, s);
	return n;
}

/* RFC9000-3.3-1 RFC9000-3.3-2 */
/* RESET_STREAM: forget what was not delivered (section 3.1). */
static void reset(struct quic_conn *c, struct quic_stream *s, u64 code)
{
	u64 high = s->sb.high;

	s->send_err = code;
	s->send_state = QUIC_STREAM_SEND_STATE_RESET_SENT;
	/* What was not sent does not count against the peer's limit. */
	WRITE_ONCE(c->data_queued, c->data_queued - (s->sb.end - high));
	quic_sbuf_purge(c->sk, &s->sb);
	s->sb.high = high;
	list_del_init(&s->send_link);
	quic_stream_want_ctl(c, s, QUIC_STREAM_CTL_RESET);
	quic_stream_sock_writable(s);
	quic_sock_writable(c->sk);
}

/* RFC9000-11.2-1 */
int quic_stream_reset(struct quic_conn *c, struct quic_stream *s, u64 code)
{
	if (!s->has_send || s->send_state >= QUIC_STREAM_SEND_STATE_RECVD)
		return -EINVAL;
	reset(c, s, code);
	quic_tx_kick(c);
	return 0;
}

/* RFC9000-3.5-1 */
/* The peer wants no more of it (section 3.5): answer with RESET_STREAM. */
int quic_stream_on_stop(struct quic_conn *c, u64 id, u64 code)
{
	struct quic_stream *s;
	int err;

	s = quic_stream_for_frame(c, id, true, &err);
	if (!s || s->send_state >= QUIC_STREAM_SEND_STATE_RECVD)
		return err;
	reset(c, s, code);
	quic_event_stream(c, s, s->send_state, code, 0);
	quic_tx_kick(c);
	return 0;
}

void quic_stream_on_acked(struct quic_conn *c, const struct quic_sent_frame *f)
{
	struct quic_stream *s = quic_stream_find(c, f->id);

	if (!s || s->send_state >= QUIC_STREAM_SEND_STATE_RECVD)
		return;
	if (unlikely(!quic_sbuf_acked(c->sk, &s->sb, f->off, f->len, f->fin)) ||
	    (s->sb.next < s->sb.end && !quic_sbuf_awaits(&s->sb)))
		quic_stream_want_send(c, s);
	quic_sock_writable(c->sk);
	if (!quic_sbuf_done(&s->sb))
		return;
	s->send_state = QUIC_STREAM_SEND_STATE_RECVD;
	list_del_init(&s->send_link);
	quic_event_stream(c, s, s->send_state, 0, s->sb.end);
	quic_stream_maybe_free(c, s);
}

void quic_stream_on_lost(struct quic_conn *c, const struct quic_sent_frame *f)
{
	struct quic_stream *s = quic_stream_find(c, f->id);

	if (!s || s->send_state >= QUIC_STREAM_SEND_STATE_RECVD)
		return;
	quic_sbuf_lost(&s->sb, f->off, f->len, f->fin);
	/* Lost bytes go before new ones of others. */
	line_up(c, s, true);
}

void quic_stream_on_reset_acked(struct quic_conn *c, u64 id)
{
	struct quic_stream *s = quic_stream_find(c, id);

	if (!s || s->send_state != QUIC_STREAM_SEND_STATE_RESET_SENT)
		return;
	s->send_state = QUIC_STREAM_SEND_STATE_RESET_RECVD;
	quic_event_stream(c, s, s->send_state, s->send_err, 0);
	quic_stream_maybe_free(c, s);
}
