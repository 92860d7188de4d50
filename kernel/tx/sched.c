// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: what may be sent now, and from which stream.
 * Called from: tx/push, tx/frames.
 * Context: socket lock held, BH off.
 * RFC 9002 sections 6.2.4, 7; RFC 9000 sections 2.3, 4, 13.2.
 */
#include "../pipeline.h"
#include "../obs/mib.h"
#include "tx.h"

/* Payload of an IPv4 datagram; UDP GSO takes no more. */
#define QUIC_TRAIN_BYTES	65507

static bool crypto_pending(struct quic_conn *c, enum quic_space_id id)
{
	u64 off;
	u32 len;
	bool fin;

	if (id == QUIC_SPACE_APP && !c->handshake_confirmed && !c->is_server)
		return false;
	return c->crypto[id] &&
	       quic_sbuf_pick(&c->crypto[id]->send, U64_MAX, &off, &len, &fin);
}

/* Does Initial or Handshake want a packet? */
bool quic_sched_space_wants(struct quic_conn *c, enum quic_space_id id,
			    u64 now)
{
	if (!c->crypto[id] || !c->keys[quic_space_level(id)][1].ready)
		return false;
	return c->probes[id] || quic_ack_due(&c->ack[id], now) ||
	       (crypto_pending(c, id) && !c->crypto_cork);
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

struct quic_stream *quic_sched_stream(struct quic_conn *c, u64 *off, u32 *len,
				      bool *fin)
{
	struct quic_stream *s, *n;

	list_for_each_entry_safe(s, n, &c->streams.send, send_link) {
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

bool quic_sched_has_more(struct quic_conn *c)
{
	u64 off;
	u32 len;
	bool fin;

	return c->ctl || !list_empty(&c->streams.ctl) || quic_dgram_waits(c) ||
	       quic_sched_stream(c, &off, &len, &fin);
}

/* More than the window admits is waiting.  Then a short train is not worth
 * its cost while acknowledgments are under way: wait until a good part of
 * the window is free (as TCP does with tcp_tso_win_divisor).
 */
static bool defer(const struct quic_conn *c, u64 window, u32 train)
{
	u64 want = min_t(u64, train, c->rec.cc.cwnd / 4);

	return c->rec.in_flight && window < want;
}

/* RFC9002-7-2 RFC9002-7.5-1 */
/* Bytes of the train in the one-RTT space; false: nothing to do now. */
bool quic_sched_app(struct quic_conn *c, u64 now, struct quic_allowance *a)
{
	bool ack = quic_ack_due(&c->ack[QUIC_SPACE_APP], now);
	u32 train, mss = c->path->mss;
	u64 window;

	if (!c->keys[QUIC_CRYPTO_APP][1].ready || !c->peer_cid_known)
		return false;
	a->probe = c->probes[QUIC_SPACE_APP];
	a->data = true;
	if (a->probe) {
		a->pkts = c->probes[QUIC_SPACE_APP];
		return true;
	}
	a->pkts = 1;
	if (!quic_sched_has_more(c) && !crypto_pending(c, QUIC_SPACE_APP)) {
		c->rec.app_limited = true;
		a->data = false;
		return ack;
	}
	/* From here on it is not for want of data (RFC 9002 section 7.8). */
	c->rec.app_limited = false;
	window = quic_recovery_window(&c->rec);
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
