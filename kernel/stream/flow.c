// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: flow control in both directions, of streams, of the connection and of
 * the number of streams.
 * Called from: stream/recv, sock/recvmsg (credit), rx/frames (limits), tx.
 * Context: socket lock held.
 * RFC 9000 section 4.
 */
#include "../pipeline.h"

/* ---- receiving ------------------------------------------------------------- */

/* RFC9000-4.1-2 RFC9000-19.9-2 RFC9000-19.10-4 */
/* @s received bytes up to @end: both limits hold?  A transport error, or 0. */
int quic_flow_on_recv(struct quic_conn *c, struct quic_stream *s, u64 end)
{
	u64 more;

	if (end <= s->highest)
		return 0;
	more = end - s->highest;
	if (end > s->max_recv || c->data_recv + more > c->max_data_recv)
		return QUIC_TRANSPORT_ERROR_FLOW_CONTROL;
	s->highest = end;
	c->data_recv += more;
	return 0;
}

/* RFC9000-4.2-1 */
/* The reader took bytes of @s: announce more when half the window is used
 * (section 4.2), so that the peer does not stall and frames stay few.
 */
void quic_flow_credit(struct quic_conn *c, struct quic_stream *s, u64 bytes)
{
	bool kick = false;

	s->read += bytes;
	c->data_read += bytes;
	if (c->max_data_recv - c->data_read < c->data_window / 2) {
		c->ctl |= QUIC_CTL_MAX_DATA;
		kick = true;
	}
	if (s->final == U64_MAX && !s->stop_sent &&
	    s->max_recv - s->read < s->window / 2) {
		quic_stream_want_ctl(c, s, QUIC_STREAM_CTL_MAX_DATA);
		kick = true;
	}
	if (kick)
		quic_tx_kick(c);
}

/* RFC9000-4.6-5 */
/* A stream of the peer's is done: it may open another one. */
void quic_flow_stream_closed(struct quic_conn *c, u64 id)
{
	struct quic_stream_limit *l =
		&c->streams.limit[!!(id & QUIC_STREAM_TYPE_UNI_MASK)];

	l->remote_closed++;
	if (l->remote_max - l->remote_closed > l->remote_window / 2)
		return;
	l->announce = true;
	c->ctl |= QUIC_CTL_STREAMS;
	quic_tx_kick(c);
}

/* ---- sending --------------------------------------------------------------- */

/* RFC9000-2.2-3 RFC9000-4.1-1 RFC9000-19.9-1 RFC9000-19.10-3 */
/* The offset up to which @s may send. */
u64 quic_flow_room(const struct quic_conn *c, const struct quic_stream *s)
{
	return min(s->max_send, s->sb.high + c->max_data_send - c->data_sent);
}

/* RFC9000-4.1-3 */
void quic_flow_on_max_data(struct quic_conn *c, u64 max)
{
	if (max <= c->max_data_send)
		return;
	c->max_data_send = max;
	quic_sock_writable(c->sk);
	quic_tx_kick(c);
}

/* RFC9000-4.1-3 */
int quic_flow_on_max_stream_data(struct quic_conn *c, u64 id, u64 max)
{
	struct quic_stream_max_data ev = { .id = id, .max_data = max };
	struct quic_stream *s;
	int err;

	s = quic_stream_for_frame(c, id, true, &err);
	if (!s || max <= s->max_send)
		return err;
	s->max_send = max;
	s->refused = false;
	quic_event(c, QUIC_EVENT_STREAM_MAX_DATA, &ev, sizeof(ev));
	quic_stream_want_send(c, s);
	quic_stream_sock_writable(s);
	quic_sock_writable(c->sk);
	quic_tx_kick(c);
	return 0;
}

/* A program wants to write to @s, and the peer's credit is used up.  Until there
 * is more the connection has nothing to send, and would be idle.
 */
void quic_flow_refused(struct quic_conn *c, struct quic_stream *s)
{
	if (s->sb.end >= s->max_send)
		s->refused = true;
	else
		s->data_wanted = c->max_data_send + 1;
	quic_timer_on_refused(c);
}

/* Tell the peer of one limit that holds a program back (section 4.1).  False: none
 * does any more.
 */
bool quic_flow_complain(struct quic_conn *c)
{
	struct quic_stream *s;

	quic_streams_for_each(s, &c->streams) {
		if (s->sb.fin || s->send_state > QUIC_STREAM_SEND_STATE_SEND)
			continue;
		if (s->data_wanted > c->max_data_send) {
			c->data_blocked_at = c->max_data_send;
			c->ctl |= QUIC_CTL_DATA_BLOCKED;
			return true;
		}
		if (s->refused) {
			s->blocked_at = s->max_send;
			quic_stream_want_ctl(c, s, QUIC_STREAM_CTL_BLOCKED);
			return true;
		}
	}
	return false;
}

/* Streams that 0-RTT opened, and the limit of this handshake did not cover. */
static void release_held(struct quic_conn *c)
{
	struct quic_stream *s;

	quic_streams_for_each(s, &c->streams)
		if (s->held)
			quic_stream_raise(c, s);
	quic_tx_kick(c);
}

/* RFC9000-4.6-4 RFC9000-13.3-3 RFC9000-19.11-2 */
int quic_flow_on_max_streams(struct quic_conn *c, bool uni, u64 max)
{
	struct quic_stream_limit *l = &c->streams.limit[uni];
	u64 id;

	if (max <= l->local_max)
		return 0;
	l->local_max = max;
	l->blocked = false;
	if (c->early_data == QUIC_EARLY_DATA_REJECTED)
		release_held(c);
	id = (max - 1) << 2 | (uni ? QUIC_STREAM_TYPE_UNI_MASK : 0) |
	     (c->is_server ? QUIC_STREAM_TYPE_SERVER_MASK : 0);
	quic_event(c, QUIC_EVENT_STREAM_MAX_STREAM, &id, sizeof(id));
	quic_sock_writable(c->sk);
	return 0;
}
