// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: what may be sent now, and from which stream.
 * Called from: tx/push, tx/frames.
 * Context: socket lock held, BH off.
 * RFC 9002 sections 6.2.4, 7; RFC 9000 sections 2.3, 4, 13.2.
 */
#include "../pipeline.h"
#include "../obs/mib.h"
#include "../wire/pn.h"
#include "tx.h"

/* Payload of an IPv4 datagram; UDP GSO takes no more. */
#define QUIC_TRAIN_BYTES	65507

/* Bytes that a stream sends before it is the turn of the next. */
#define QUIC_SCHED_TURN		16384

static bool crypto_pending(struct quic_conn *c, enum quic_space_id id)
{
	const struct quic_sbuf *sb;

	if (id == QUIC_SPACE_APP && !c->handshake_confirmed && !c->is_server)
		return false;
	if (!c->crypto[id])
		return false;
	sb = &c->crypto[id]->send;
	return sb->next < sb->end || !quic_ranges_empty(&sb->lost);
}

/* While TLS works on the ClientHello the ACK waits for its answer: by itself it
 * would cost a datagram, and bear a version that is about to change.
 */
static bool ack_due(const struct quic_conn *c, enum quic_space_id id, u64 now)
{
	return quic_ack_due(c->ack[id], now) &&
	       (id != QUIC_SPACE_INITIAL || now >= c->hello_until);
}

/* RFC9002-7-2 */
/* The window is that of all spaces; only probes and ACKs go without. */
bool quic_sched_handshake_fits(const struct quic_conn *c)
{
	return quic_recovery_window(&c->rec) >= QUIC_MSS_MIN;
}

/* Does Initial or Handshake want a packet? */
bool quic_sched_space_wants(struct quic_conn *c, enum quic_space_id id,
			    u64 now)
{
	if (!c->crypto[id] || !c->keys[quic_space_level(id)][1].ready)
		return false;
	return c->probes[id] || ack_due(c, id, now) ||
	       (crypto_pending(c, id) && !c->crypto_cork &&
		quic_sched_handshake_fits(c));
}

/* The peer's stream limit holds it back. */
static void stream_blocked(struct quic_conn *c, struct quic_stream *s)
{
	if (s->sndblock && s->blocked_at != s->max_send &&
	    s->sb.end > s->max_send) {
		s->blocked_at = s->max_send;
		quic_stream_want_ctl(c, s, QUIC_STREAM_CTL_BLOCKED);
	}
}

static void conn_blocked(struct quic_conn *c, const struct quic_stream *s)
{
	if (s->sndblock && c->data_blocked_at != c->max_data_send) {
		c->data_blocked_at = c->max_data_send;
		c->ctl |= QUIC_CTL_DATA_BLOCKED;
	}
}

/* The first in line that has something that may go. */
static struct quic_stream *first(struct quic_conn *c, struct list_head *line,
				 u64 *off, u32 *len, bool *fin)
{
	struct quic_stream *s, *n;

	list_for_each_entry_safe(s, n, line, send_link) {
		if (quic_sbuf_pick(&s->sb, quic_flow_room(c, s), off, len, fin))
			return s;
		if (s->sb.next < s->sb.end && s->sb.next < s->max_send) {
			/* The connection's limit: it stays in line. */
			conn_blocked(c, s);
			continue;
		}
		stream_blocked(c, s);
		list_del_init(&s->send_link);
	}
	return NULL;
}

/* RFC 9218 section 10: the most urgent first. */
struct quic_stream *quic_sched_stream(struct quic_conn *c, u64 *off, u32 *len,
				      bool *fin)
{
	unsigned long mask = c->streams.send_mask;
	struct quic_stream *s;
	int u;

	for_each_set_bit(u, &mask, QUIC_URGENCY_MAX + 1) {
		s = first(c, &c->streams.send[u], off, len, fin);
		if (s)
			return s;
		if (list_empty(&c->streams.send[u]))
			c->streams.send_mask &= ~BIT(u);
	}
	return NULL;
}

/* @len bytes of @s go into a packet.  Who is incremental goes to the end of
 * the line after its turn; the others stay until they are done.
 */
void quic_sched_sent(struct quic_conn *c, struct quic_stream *s, u32 len)
{
	if (!s->incremental)
		return;
	s->turn += len;
	if (s->turn < QUIC_SCHED_TURN)
		return;
	s->turn = 0;
	list_move_tail(&s->send_link, &c->streams.send[s->urgency]);
}

/* Bytes that it may send before the next one's turn. */
u32 quic_sched_turn(const struct quic_stream *s)
{
	return s->incremental ? QUIC_SCHED_TURN - s->turn : U32_MAX;
}

/* Does any stream but @s wait? */
bool quic_sched_others(const struct quic_conn *c, const struct quic_stream *s)
{
	const struct list_head *line = &c->streams.send[s->urgency];

	return c->streams.send_mask != BIT(s->urgency) ||
	       !list_is_singular(line) || line->next != &s->send_link;
}

bool quic_sched_has_more(struct quic_conn *c)
{
	u64 off;
	u32 len;
	bool fin;

	return c->ctl || !list_empty(&c->streams.ctl) || quic_dgram_waits(c) ||
	       quic_sched_stream(c, &off, &len, &fin);
}

/* Is anything to be sent in 1-RTT packets but ACKs and probes? */
bool quic_sched_has_data(struct quic_conn *c)
{
	return quic_sched_has_more(c) || crypto_pending(c, QUIC_SPACE_APP);
}

/* Nothing waits, neither @data nor an ACK: to know that costs a tenth of what
 * building no packet does.  Also tells that it is for want of data (RFC 9002
 * section 7.8).
 */
bool quic_sched_idle(struct quic_conn *c, bool data, u64 now)
{
	if (data || !c->handshake_confirmed || c->probing ||
	    c->probes[QUIC_SPACE_APP] ||
	    quic_ack_due(c->ack[QUIC_SPACE_APP], now))
		return false;
	quic_recovery_limited(&c->rec);
	return true;
}

/* More than the window admits is waiting.  Then a short train is not worth
 * its cost while acknowledgments are under way: wait until a good part of
 * the window is free (as TCP does with tcp_tso_win_divisor).  Who is closing
 * does not wait.
 */
static bool defer(const struct quic_conn *c, u64 window, u32 train)
{
	u64 want = min_t(u64, train, c->rec.cc.cwnd / 4);

	return c->rec.in_flight && window < want &&
	       !(c->sk->sk_shutdown & SEND_SHUTDOWN);
}

/* RFC9000-17.2.3-2 RFC9001-5.6-6 */
/* 0-RTT follows the first Initial, and ends where 1-RTT begins. */
static bool may_send_early(const struct quic_conn *c)
{
	return c->keys[QUIC_CRYPTO_EARLY][1].ready &&
	       !c->keys[QUIC_CRYPTO_APP][1].ready &&
	       c->rec.space[QUIC_SPACE_INITIAL]->sent.next;
}

/* RFC9000-19.21-2 RFC9002-7-2 RFC9002-7.5-1 RFC9221-5.4-1 */
/* What a train in the one-RTT space may have; false: nothing to do now.  @data:
 * quic_sched_has_data() says so.
 */
bool quic_sched_app(struct quic_conn *c, bool data, u64 now,
		    struct quic_allowance *a)
{
	bool ack = quic_ack_due(c->ack[QUIC_SPACE_APP], now);
	u32 train, mss = c->path->mss;
	u64 window;

	if (unlikely(!c->keys[QUIC_CRYPTO_APP][1].ready || !c->peer_cid_known) &&
	    !may_send_early(c))
		return false;
	a->probe = c->probes[QUIC_SPACE_APP];
	a->data = true;
	if (a->probe) {
		a->pkts = c->probes[QUIC_SPACE_APP];
		return true;
	}
	a->pkts = 1;
	if (!data) {
		quic_recovery_limited(&c->rec);
		a->data = false;
		return ack;
	}
	/* From here on it is not for want of data (RFC 9002 section 7.8). */
	c->rec.app_limited = false;
	window = quic_recovery_window(&c->rec);
	/* What the server's first ACK gives back is for the client's Finished, not
	 * for more 0-RTT.
	 */
	if (unlikely(!c->keys[QUIC_CRYPTO_APP][1].ready) &&
	    c->rec.space[QUIC_SPACE_INITIAL]->largest_acked != QUIC_PN_NONE)
		window -= min_t(u64, window, QUIC_MSS_MIN);
	train = min_t(u32, QUIC_TRAIN_BYTES, quic_pace_train_bytes(c));
	if (window < mss || defer(c, window, train) ||
	    quic_pace_blocked(c, now)) {
		a->data = false;
		return ack;
	}
	a->pkts = clamp_t(u64, min_t(u64, window, train) / mss, 1,
			  QUIC_TRAIN_MAX);
	return true;
}
