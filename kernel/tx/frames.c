// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: filling a packet with frames, each with its sent record.
 * Called from: tx/build.
 * Context: socket lock held, BH off.
 * RFC 9000 sections 12.4, 13.3, 19.
 */
#include "../pipeline.h"
#include "../conn/token.h"
#include "../obs/mib.h"
#include "../wire/frame.h"
#include "../wire/pn.h"
#include "tx.h"

static bool can_add(const struct quic_pkt_build *b)
{
	return b->n_frames < QUIC_SENT_MAX_FRAMES && !b->done;
}

static void record(struct quic_pkt_build *b, u8 kind, u64 id, u64 off, u32 len,
		   bool fin)
{
	b->frames[b->n_frames++] = (struct quic_sent_frame) {
		.kind = kind, .id = id, .off = off, .len = len, .fin = fin,
	};
	if (kind == QUIC_FRAME_ACK)
		return;
	b->eliciting = true;
	b->in_flight = true;
}

/* Write with @put; on overflow the packet is as before. */
#define TRY_PUT(b, kind, id, put) ({					\
	u8 *__p = (b)->o.p;						\
	bool __ok = can_add(b);						\
	if (__ok) {							\
		put;							\
		__ok = !(b)->o.overflow;				\
		if (__ok)						\
			record(b, kind, id, 0, 0, false);		\
		else							\
			(b)->o.p = __p;					\
		(b)->o.overflow = false;				\
	}								\
	__ok;								\
})

/* RFC9001-5.6-3 */
/* RFC9000-13.2.6-1 RFC9000-13.2.6-2 RFC9000-13.2.6-3 RFC9000-17.2.3-3 */
/* @again: a probe acknowledges what came even if that was done. If that ACK was
 * lost, and the peer's own probes carry no data, nothing else tells it what to
 * send again.
 */
void quic_frames_ack(struct quic_conn *c, struct quic_pkt_build *b,
		     enum quic_space_id id, u64 now, bool again)
{
	struct quic_ack *ack = c->ack[id];
	u64 largest;
	u8 *p = b->o.p;

	if (!(again || quic_ack_owed(ack)) || !can_add(b))
		return;
	largest = quic_ack_write(&b->o, ack, now, id == QUIC_SPACE_APP ?
				 quic_sk(c->sk)->tparam.ack_delay_exponent : 3);
	if (largest == QUIC_PN_NONE || b->o.overflow) {
		b->o.p = p;
		b->o.overflow = false;
		return;
	}
	record(b, QUIC_FRAME_ACK, largest, 0, 0, false);
	quic_ack_on_sent(ack);
	if (id == QUIC_SPACE_APP) {
		quic_ack_adapt(ack, c->rec.rtt.min);
		c->key_ack_owed = false;
	}
}

void quic_frames_immediate_ack(struct quic_pkt_build *b)
{
	TRY_PUT(b, QUIC_FRAME_IMMEDIATE_ACK, 0, quic_put_immediate_ack(&b->o));
}

void quic_frames_ping(struct quic_pkt_build *b)
{
	TRY_PUT(b, QUIC_FRAME_PING, 0, quic_put_ping(&b->o));
}

/* Copy @len bytes at @off of @sb to @p. */
static void copy_out(struct quic_sbuf *sb, u64 off, u8 *p, u32 len)
{
	u32 skb_off, n;
	struct sk_buff *skb = quic_sbuf_find(sb, off, &skb_off);

	while (len && skb) {
		n = min(len, skb->len - skb_off);
		skb_copy_bits(skb, skb_off, p, n);
		p += n;
		len -= n;
		skb_off = 0;
		skb = skb_peek_next(skb, &sb->q);
	}
}

void quic_frames_crypto(struct quic_conn *c, struct quic_pkt_build *b,
			enum quic_space_id id)
{
	struct quic_sbuf *sb = &c->crypto[id]->send;
	u64 off;
	u32 len, hdr;
	bool fin;

	while (can_add(b) && quic_sbuf_pick(sb, U64_MAX, &off, &len, &fin)) {
		hdr = 1 + quic_varint_len(off) + quic_varint_len(len);
		if (quic_out_left(&b->o) <= hdr)
			return;
		len = min_t(u32, len, quic_out_left(&b->o) - hdr);
		if (off < sb->high)
			b->retrans += len;
		quic_put_crypto(&b->o, off, len);
		copy_out(sb, off, b->o.p, len);
		b->o.p += len;
		quic_sbuf_sent(sb, off, len, false);
		record(b, QUIC_FRAME_CRYPTO, id, off, len, false);
	}
}

/* ---- control frames ---------------------------------------------------------- */

/* RFC9000-19.15-5 */
/* One that is called back already has to be told of, to be retired. */
static bool put_cids(struct quic_conn *c, struct quic_pkt_build *b)
{
	u64 prior = c->cids->local_retire_prior;
	struct quic_local_cid *l = c->cids->local;
	u8 token[QUIC_RESET_TOKEN_LEN];
	const struct quic_cid *id;
	int i;

	for (i = 0; i < QUIC_CID_SLOTS; i++, l++) {
		if (!l->node || !l->announce)
			continue;
		id = &l->node->key.cid;
		quic_reset_token(sock_net(c->sk), id->id, id->len, token);
		if (!TRY_PUT(b, QUIC_FRAME_NEW_CONNECTION_ID, l->seq,
			     quic_put_new_connection_id(&b->o, l->seq,
							min(prior, l->seq),
							id, token)))
			return false;
		l->announce = false;
		c->cids->local_told = max(c->cids->local_told, l->seq + 1);
	}
	return true;
}

static bool put_retires(struct quic_conn *c, struct quic_pkt_build *b)
{
	struct quic_cids *s = c->cids;

	/* A number stays in the list until its frame is acknowledged. */
	while (s->n_retire_sent < s->n_retire) {
		u64 seq = s->retire[s->n_retire_sent];

		if (!TRY_PUT(b, QUIC_FRAME_RETIRE_CONNECTION_ID, seq,
			     quic_put_retire_connection_id(&b->o, seq)))
			return false;
		s->n_retire_sent++;
	}
	return true;
}

static bool put_stream_counts(struct quic_conn *c, struct quic_pkt_build *b)
{
	int uni;

	for (uni = 0; uni < 2; uni++) {
		struct quic_stream_limit *l = &c->streams.limit[uni];

		if (l->announce) {
			u64 max = l->remote_closed + l->remote_window;

			if (!TRY_PUT(b, QUIC_FRAME_MAX_STREAMS, uni,
				     quic_put_max_streams(&b->o, uni, max)))
				return false;
			l->remote_max = max;
			l->announce = false;
		}
		if (l->blocked &&
		    !TRY_PUT(b, QUIC_FRAME_STREAMS_BLOCKED, uni,
			     quic_put_streams_blocked(&b->o, uni,
						      l->local_max)))
			return false;
	}
	return true;
}

static bool put_max_data(struct quic_conn *c, struct quic_pkt_build *b)
{
	u64 max = c->data_read + c->data_window;

	if (!TRY_PUT(b, QUIC_FRAME_MAX_DATA, max, quic_put_max_data(&b->o, max)))
		return false;
	c->max_data_recv = max;
	return true;
}

/* Made when it is sent, so that it is fresh. */
static bool put_new_token(struct quic_conn *c, struct quic_pkt_build *b)
{
	u8 token[QUIC_TOKEN_MAX];
	int len = quic_token_make(sock_net(c->sk), QUIC_TOKEN_NEW, c->version,
				  &c->path->dst, NULL, token);

	if (len < 0)
		return true;	/* a courtesy: not this time */
	if (!TRY_PUT(b, QUIC_FRAME_NEW_TOKEN, 0,
		     quic_put_new_token(&b->o, token, len)))
		return false;
	c->new_token_out = true;
	return true;
}

/* What is wanted now; a lost frame's values may be old. */
static bool put_ack_frequency(struct quic_conn *c, struct quic_pkt_build *b)
{
	u64 delay = quic_ackfreq_delay(c);

	if (!TRY_PUT(b, QUIC_FRAME_ACK_FREQUENCY, c->ackfreq_seq,
		     quic_put_ack_frequency(&b->o, c->ackfreq_seq,
					    c->ackfreq_every - 1, delay,
					    QUIC_PACKET_THRESHOLD)))
		return false;
	c->ackfreq_seq++;
	return true;
}

/* RFC9000-19.7-3 */
static bool put_one_ctl(struct quic_conn *c, struct quic_pkt_build *b, u32 bit)
{
	switch (bit) {
	case QUIC_CTL_PING:
		return TRY_PUT(b, QUIC_FRAME_PING, 0, quic_put_ping(&b->o));
	case QUIC_CTL_HANDSHAKE_DONE:
		return TRY_PUT(b, QUIC_FRAME_HANDSHAKE_DONE, 0,
			       quic_put_handshake_done(&b->o));
	case QUIC_CTL_MAX_DATA:
		return put_max_data(c, b);
	case QUIC_CTL_DATA_BLOCKED:
		return TRY_PUT(b, QUIC_FRAME_DATA_BLOCKED, 0,
			       quic_put_data_blocked(&b->o, c->max_data_send));
	case QUIC_CTL_NEW_CID:
		return put_cids(c, b);
	case QUIC_CTL_RETIRE_CID:
		return put_retires(c, b);
	case QUIC_CTL_ACK_FREQUENCY:
		return put_ack_frequency(c, b);
	case QUIC_CTL_STREAMS:
		return put_stream_counts(c, b);
	case QUIC_CTL_NEW_TOKEN:
		return put_new_token(c, b);
	}
	return true;
}

static bool put_stream_ctl(struct quic_conn *c, struct quic_pkt_build *b,
			   struct quic_stream *s, u8 bit)
{
	u64 max;

	switch (bit) {
	case QUIC_STREAM_CTL_RESET:
		return TRY_PUT(b, QUIC_FRAME_RESET_STREAM, s->id,
			       quic_put_reset_stream(&b->o, s->id, s->send_err,
						     s->sb.high));
	case QUIC_STREAM_CTL_STOP:
		return TRY_PUT(b, QUIC_FRAME_STOP_SENDING, s->id,
			       quic_put_stop_sending(&b->o, s->id,
						     s->stop_err));
	case QUIC_STREAM_CTL_MAX_DATA:
		max = s->read + s->window;
		if (!TRY_PUT(b, QUIC_FRAME_MAX_STREAM_DATA, s->id,
			     quic_put_max_stream_data(&b->o, s->id, max)))
			return false;
		s->max_recv = max;
		return true;
	case QUIC_STREAM_CTL_BLOCKED:
		return TRY_PUT(b, QUIC_FRAME_STREAM_DATA_BLOCKED, s->id,
			       quic_put_stream_data_blocked(&b->o, s->id,
							    s->max_send));
	}
	return true;
}

void quic_frames_control(struct quic_conn *c, struct quic_pkt_build *b)
{
	struct quic_stream *s, *n;
	u32 bit;

	while (c->ctl) {
		bit = 1U << __ffs(c->ctl);
		if (!put_one_ctl(c, b, bit))
			return;
		c->ctl &= ~bit;
	}
	list_for_each_entry_safe(s, n, &c->streams.ctl, ctl_link) {
		while (s->ctl) {
			bit = 1U << __ffs(s->ctl);
			if (!put_stream_ctl(c, b, s, bit))
				return;
			s->ctl &= ~bit;
		}
		list_del_init(&s->ctl_link);
	}
}

/* ---- datagrams (RFC 9221) ------------------------------------------------------ */

/* Before streams, whose bytes fill what is left.  One that does not fit waits
 * for the next packet, or is dropped if no packet will be large enough.
 */
void quic_frames_datagrams(struct quic_conn *c, struct quic_pkt_build *b)
{
	struct sk_buff *skb;
	u32 room, hdr;

	while (can_add(b) && (skb = skb_peek(&c->dgrams.q))) {
		if (unlikely(skb->len > quic_dgram_max(c))) {
			quic_dgram_done(c, false);
			continue;
		}
		room = quic_out_left(&b->o);
		hdr = 1 + quic_varint_len(skb->len);
		/* Without a length it must be the last thing in its packet. */
		if (hdr + skb->len > room) {
			hdr = 1;
			if (hdr + skb->len > room)
				return;
			b->done = true;
		}
		quic_put_datagram(&b->o, skb->len, b->done);
		quic_put_bytes(&b->o, skb->data, skb->len);
		record(b, QUIC_FRAME_DATAGRAM, 0, 0, skb->len, false);
		b->dgram = true;
		quic_dgram_done(c, true);
	}
}

/* ---- stream data ---------------------------------------------------------------- */

static void account(struct quic_conn *c, struct quic_pkt_build *b,
		    struct quic_stream *s, u64 off, u32 len, bool fin)
{
	u64 high = s->sb.high;

	quic_sbuf_sent(&s->sb, off, len, fin);
	c->data_sent += s->sb.high - high;
	b->retrans += len - (u32)(s->sb.high - high);
	if (s->sb.fin_sent && s->sb.next == s->sb.end &&
	    s->send_state == QUIC_STREAM_SEND_STATE_SEND)
		s->send_state = QUIC_STREAM_SEND_STATE_SENT;
	record(b, QUIC_FRAME_STREAM, s->id, off, len, fin);
	b->stream = true;
	quic_sched_sent(c, s, len);
}

/* RFC9001-4.9-2 RFC9221-5-1 RFC9221-6-1 */
/* The last data of a packet stays where it is until it is sealed; what comes
 * before it is copied, because a packet has one source.
 */
void quic_frames_streams(struct quic_conn *c, struct quic_pkt_build *b)
{
	struct quic_stream *s;
	bool fin, to_end;
	u32 len, room, hdr;
	u64 off;

	while (can_add(b) &&
	       (s = quic_sched_stream(c, &off, &len, &fin))) {
		room = quic_out_left(&b->o);
		hdr = quic_stream_hdr_len(s->id, off, 0, true);
		if (room <= hdr)
			return;
		/* Data that fills the packet needs no length field. */
		to_end = len >= room - hdr;
		if (!to_end)
			hdr = quic_stream_hdr_len(s->id, off, len, false);
		if (room <= hdr)
			return;
		if (len > room - hdr) {
			len = room - hdr;
			fin = false;
		}
		b->done = len && (to_end || !quic_sched_others(c, s));
		quic_put_stream(&b->o, s->id, off, len, fin, to_end);
		if (b->done) {
			b->src = quic_sbuf_find(&s->sb, off, &b->src_off);
			b->src_len = len;
		} else if (len) {
			copy_out(&s->sb, off, b->o.p, len);
			b->o.p += len;
		}
		account(c, b, s, off, len, fin);
	}
}
