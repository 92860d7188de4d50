// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: the receiving half of a stream (RFC 9000 section 3.2).
 * Called from: rx/frames, sock/recvmsg, setsockopt.
 * Context: socket lock held.
 *
 *   RECV -> SIZE_KNOWN -> RECVD -> READ
 *     |        |
 *     +--------+--> RESET_RECVD -> RESET_READ
 */
#include "../pipeline.h"

/* Section 4.5: the final size, once known, never changes. */
static int check_final(const struct quic_stream *s, u64 end, bool fin)
{
	if (s->final != U64_MAX && (end > s->final || (fin && end != s->final)))
		return QUIC_TRANSPORT_ERROR_FINAL_SIZE;
	if (fin && end < s->highest)
		return QUIC_TRANSPORT_ERROR_FINAL_SIZE;
	return 0;
}

static void on_fin(struct quic_conn *c, struct quic_stream *s, u64 end)
{
	if (s->final != U64_MAX)
		return;
	s->final = end;
	s->recv_state = QUIC_STREAM_RECV_STATE_SIZE_KNOWN;
	if (s->rb.next < end)
		quic_event_stream(c, s, s->recv_state, 0, end);
}

/* Where its reader looks. */
static struct list_head *queue_of(struct quic_conn *c, struct quic_stream *s)
{
	return s->own_queue ? &s->rq : &c->rq_data;
}

/* Its first frame, or one that comes when it is gone. */
static struct quic_stream *first_frame(struct quic_conn *c, u64 id, int *err)
{
	bool fresh = !quic_stream_was_opened(c, id);
	struct quic_stream *s = quic_stream_for_frame(c, id, false, err);

	if (s && fresh)
		quic_event_stream(c, s, QUIC_STREAM_RECV_STATE_RECV, 0, 0);
	return s;
}

/* STREAM frame.  0, -ENOBUFS or a transport error. */
int quic_stream_on_data(struct quic_conn *c, const struct quic_frame *f,
			const struct quic_rx_src *src)
{
	u64 end = f->stream.off + f->stream.len;
	struct quic_stream *s = quic_stream_find(c, f->stream.id);
	bool whole;
	int err, n;

	if (unlikely(!s || !s->has_recv)) {
		s = first_frame(c, f->stream.id, &err);
		if (!s)
			return err;
	}
	if (s->recv_state >= QUIC_STREAM_RECV_STATE_RECVD)
		return check_final(s, end, f->stream.fin);

	err = check_final(s, end, f->stream.fin);
	if (!err)
		err = quic_flow_on_recv(c, s, end);
	if (err)
		return err;
	if (s->stop_sent && f->stream.fin) {
		/* Nobody will read it: only the size mattered. */
		on_fin(c, s, end);
		s->recv_state = QUIC_STREAM_RECV_STATE_READ;
		quic_flow_credit(c, s, s->highest - s->read);
		quic_stream_maybe_free(c, s);
		return 0;
	}
	if (s->stop_sent) {
		quic_flow_credit(c, s, s->highest - s->read);
		return 0;
	}

	n = quic_rbuf_insert(c->sk, &s->rb, queue_of(c, s), s, f->stream.off,
			     f->stream.data, f->stream.len, f->stream.fin, src);
	if (n < 0)
		return n;
	if (f->stream.fin)
		on_fin(c, s, end);
	whole = s->final != U64_MAX && s->rb.next == s->final;
	if (whole) {
		s->recv_state = QUIC_STREAM_RECV_STATE_RECVD;
		quic_event_stream(c, s, s->recv_state, 0, s->final);
	}
	if (!n && !whole)	/* ahead of a gap, or for the second time */
		return 0;
	if (s->own_queue) {
		quic_stream_sock_ready(c, s);
		return 0;
	}
	c->rq_bytes += n;
	c->rq_news = true;
	return 0;
}

/* Take what the reader did not fetch out of its queue. */
static void drop_unread(struct quic_conn *c, struct quic_stream *s)
{
	bool fin = s->recv_state == QUIC_STREAM_RECV_STATE_RECVD;
	u64 left = s->rb.next - s->read;
	struct quic_chunk *ch, *n;

	/* No further than need be: others may have a lot in there, and a peer may
	 * do this to stream after stream.
	 */
	list_for_each_entry_safe_reverse(ch, n, queue_of(c, s), link) {
		if (!left && !fin)
			break;
		if (ch->stream != s)
			continue;
		list_del(&ch->link);
		if (!s->own_queue)
			c->rq_bytes -= ch->len;
		left -= ch->len;
		fin &= !ch->fin;
		quic_chunk_free(c->sk, ch);
	}
	quic_rbuf_purge(c->sk, &s->rb);
}

/* RFC9000-4.5-1 */
/* RESET_STREAM (section 19.4).  0, -ENOBUFS or a transport error. */
int quic_stream_on_reset(struct quic_conn *c, u64 id, u64 code, u64 final)
{
	struct quic_stream *s;
	int err;

	s = quic_stream_for_frame(c, id, false, &err);
	if (!s)
		return err;
	err = check_final(s, final, true);
	if (!err)
		err = quic_flow_on_recv(c, s, final);
	if (err)
		return err;
	if (s->recv_state >= QUIC_STREAM_RECV_STATE_RECVD)
		return 0;
	s->final = final;
	s->recv_state = QUIC_STREAM_RECV_STATE_RESET_RECVD;
	drop_unread(c, s);
	/* The connection's window counts the bytes that never come. */
	quic_flow_credit(c, s, s->highest - s->read);
	quic_event_stream(c, s, s->recv_state, code, final);
	/* The event is what the reader gets of it, or an error. */
	s->recv_state = QUIC_STREAM_RECV_STATE_RESET_READ;
	quic_stream_sock_ready(c, s);
	quic_stream_maybe_free(c, s);
	quic_sock_readable(c->sk);
	return 0;
}

/* The program wants no more of it (section 3.5). */
int quic_stream_stop(struct quic_conn *c, struct quic_stream *s, u64 code)
{
	if (!s->has_recv || s->recv_state >= QUIC_STREAM_RECV_STATE_RECVD)
		return -EINVAL;
	if (s->stop_sent)
		return -EAGAIN;
	s->stop_sent = true;
	s->stop_err = code;
	drop_unread(c, s);
	quic_stream_sock_readable(s);
	quic_flow_credit(c, s, s->highest - s->read);
	if (s->final == U64_MAX) {
		quic_stream_want_ctl(c, s, QUIC_STREAM_CTL_STOP);
	} else {
		s->recv_state = QUIC_STREAM_RECV_STATE_READ;
		quic_stream_maybe_free(c, s);
	}
	quic_tx_kick(c);
	return 0;
}

/* The reader went away: nobody will take what there is, and what comes. */
void quic_stream_abandon(struct quic_conn *c, struct quic_stream *s)
{
	if (s->recv_state != QUIC_STREAM_RECV_STATE_RECVD) {
		quic_stream_stop(c, s, 0);
		return;
	}
	drop_unread(c, s);
	quic_flow_credit(c, s, s->highest - s->read);
	s->recv_state = QUIC_STREAM_RECV_STATE_READ;
	quic_stream_sock_readable(s);
	quic_stream_maybe_free(c, s);
}

/* From now on it has a reader of its own. */
void quic_stream_split(struct quic_conn *c, struct quic_stream *s)
{
	struct quic_chunk *ch, *n;

	s->claimed = true;
	if (s->own_queue)
		return;
	list_for_each_entry_safe(ch, n, &c->rq_data, link) {
		if (ch->stream != s)
			continue;
		list_move_tail(&ch->link, &s->rq);
		c->rq_bytes -= ch->len;
	}
	s->own_queue = true;
}

void quic_stream_consumed(struct quic_conn *c, struct quic_stream *s, u32 len,
			  bool fin)
{
	if (!s->own_queue)
		c->rq_bytes -= len;
	quic_flow_credit(c, s, len);
	if (!fin)
		return;
	s->recv_state = QUIC_STREAM_RECV_STATE_READ;
	quic_stream_maybe_free(c, s);
}
