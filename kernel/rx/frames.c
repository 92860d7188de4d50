// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: what each received frame does: one act_<name>() per row of
 * wire/frame_table.h.
 * Called from: rx/packet, for each opened packet.
 * Context: socket lock held, BH off.
 * RFC 9000 sections 12.4, 13, 19.
 *
 * An act returns 0, -ENOBUFS (do not acknowledge the packet, it will come
 * again) or the transport error to close with.
 */
#include "../pipeline.h"
#include "../conn/token.h"
#include "../obs/mib.h"
#include "../wire/frame.h"

/* No max_ack_delay is as long (section 18.2), in microseconds. */
#define ACK_DELAY_MAX	BIT(24)

/* Where a frame was found. */
struct at {
	struct quic_conn *c;
	const struct quic_rx_src *src;
	struct quic_rx_seen *seen;
	u8 level;
};

static int act_padding(struct at *a, const struct quic_frame *f)
{
	return 0;
}

static int act_ping(struct at *a, const struct quic_frame *f)
{
	return 0;
}

static int act_ack(struct at *a, const struct quic_frame *f)
{
	struct quic_conn *c = a->c;
	u64 lost = c->rec.lost_packets, ce = c->rec.ce_events;
	u8 ecn = c->rec.ecn.state;
	u64 delay = 0;
	int err;

	/* Only keys that the peer has not changed yet can seal this: it has
	 * read ours and must have (RFC 9001 section 6.2).
	 */
	if (unlikely(c->tx_phase != c->rx_phase) &&
	    a->level == QUIC_CRYPTO_APP &&
	    f->ack.largest >= c->key_update->tx_first)
		return QUIC_TRANSPORT_ERROR_KEY_UPDATE;
	/* The field counts units of 2^exponent microseconds (section 19.3). */
	if (a->level == QUIC_CRYPTO_APP)
		delay = (min_t(u64, f->ack.delay, ACK_DELAY_MAX)
			 << c->peer.ack_delay_exponent) * NSEC_PER_USEC;
	err = quic_recovery_on_ack(&c->rec, quic_level_space(a->level), f,
				   delay, a->src->now);
	QUIC_CONN_INC(c, QuicAcksRcvd);
	QUIC_CONN_ADD(c, QuicLossPackets, c->rec.lost_packets - lost);
	if (unlikely(c->rec.ce_events != ce))
		QUIC_CONN_INC(c, QuicEcnCeEvents);
	if (unlikely(c->rec.ecn.state != ecn) &&
	    c->rec.ecn.state == QUIC_ECN_FAILED)
		QUIC_CONN_INC(c, QuicEcnFailed);
	if (quic_ackfreq_agreed(c))
		quic_ackfreq_update(c);
	return err;
}

static int act_reset_stream(struct at *a, const struct quic_frame *f)
{
	return quic_stream_on_reset(a->c, f->reset.id, f->reset.code,
				    f->reset.final_size);
}

static int act_stop_sending(struct at *a, const struct quic_frame *f)
{
	return quic_stream_on_stop(a->c, f->stop.id, f->stop.code);
}

/* After the handshake only tickets come (RFC 9001 section 4.6), of which the
 * reader of a stream hears nothing.
 */
static int after_handshake(struct quic_conn *c, struct quic_crypto *cr,
			   const struct list_head *got)
{
	const struct quic_chunk *ch;
	int err = 0;
	u16 i;

	list_for_each_entry(ch, got, link)
		for (i = ch->first; i < ch->n && !err; i++)
			err = quic_tls_scan(&cr->scan, c->is_server,
					    ch->seg[i].p, ch->seg[i].len) ?:
			      quic_ticket_on_data(c, ch->seg[i].p,
						  ch->seg[i].len);
	return err;
}

/* TLS reads the next level: of this one it has all there is. */
static bool level_is_over(const struct quic_conn *c, u8 level)
{
	switch (level) {
	case QUIC_CRYPTO_INITIAL:
		return c->keys[QUIC_CRYPTO_HANDSHAKE][0].ready;
	case QUIC_CRYPTO_HANDSHAKE:
		return c->keys[QUIC_CRYPTO_APP][0].ready;
	default:
		return false;
	}
}

/* RFC9000-7.5-1 RFC9000-7.5-2 RFC9000-7.5-3 RFC9001-4.1.3-2 */
static int act_crypto(struct at *a, const struct quic_frame *f)
{
	struct quic_conn *c = a->c;
	struct quic_crypto *cr = c->crypto[quic_level_space(a->level)];
	u64 end = f->crypto.off + f->crypto.len;
	struct list_head got;
	struct quic_chunk *ch, *n;
	int err;

	/* RFC 9001 section 4.1.3 */
	if (end > cr->recv.next && level_is_over(c, a->level))
		return QUIC_TRANSPORT_ERROR_PROTOCOL_VIOLATION;
	if (end > cr->recv.next + QUIC_CRYPTO_WINDOW)
		return QUIC_TRANSPORT_ERROR_CRYPTO_BUF_EXCEEDED;
	if (a->level == QUIC_CRYPTO_APP && quic_ticket_expect(c))
		return -ENOBUFS;
	/* A client that sends its ClientHello again has no answer. */
	if (a->level == QUIC_CRYPTO_INITIAL && c->is_server &&
	    end <= cr->recv.next)
		quic_recovery_repeat(&c->rec);
	INIT_LIST_HEAD(&got);
	err = quic_rbuf_insert(c->sk, &cr->recv, &got, NULL, f->crypto.off,
			       f->crypto.data, f->crypto.len, false, a->src);
	err = min(err, 0);
	if (a->level == QUIC_CRYPTO_APP && !err)
		err = after_handshake(c, cr, &got);
	list_for_each_entry_safe(ch, n, &got, link) {
		if (a->level == QUIC_CRYPTO_APP) {
			quic_chunk_free(c->sk, ch);
			continue;
		}
		ch->level = a->level;
		list_move_tail(&ch->link, &c->rq_crypto);
		c->rq_news = true;
	}
	return err;
}

/* For the program's next connection: the newest is kept, unless it is longer
 * than the option would take (section 8.1.3).
 */
static int act_new_token(struct at *a, const struct quic_frame *f)
{
	struct quic_sock *qs = quic_sk(a->c->sk);
	struct quic_token *token;

	if (!f->token.len)
		return QUIC_TRANSPORT_ERROR_FRAME_ENCODING;
	if (f->token.len > QUIC_TOKEN_MAX) {
		QUIC_INC(sock_net(a->c->sk), QuicDropToken);
		return 0;
	}
	token = kmalloc(struct_size(token, data, f->token.len), GFP_ATOMIC);
	if (!token)
		return -ENOBUFS;
	token->len = f->token.len;
	token->retry = false;
	memcpy(token->data, f->token.data, token->len);
	kfree(qs->token);
	qs->token = token;
	quic_event(a->c, QUIC_EVENT_NEW_TOKEN, token->data, token->len);
	return 0;
}

static int act_stream(struct at *a, const struct quic_frame *f)
{
	a->seen->data = true;
	return quic_stream_on_data(a->c, f, a->src);
}

static int act_max_data(struct at *a, const struct quic_frame *f)
{
	quic_flow_on_max_data(a->c, f->max_data.max);
	return 0;
}

static int act_max_stream_data(struct at *a, const struct quic_frame *f)
{
	return quic_flow_on_max_stream_data(a->c, f->max_stream_data.id,
					    f->max_stream_data.max);
}

static int act_max_streams(struct at *a, const struct quic_frame *f)
{
	return quic_flow_on_max_streams(a->c, f->max_streams.uni,
					f->max_streams.max);
}

/* The *_BLOCKED frames ask for nothing: credit follows the reader alone. */
static int act_data_blocked(struct at *a, const struct quic_frame *f)
{
	return 0;
}

static int act_stream_data_blocked(struct at *a, const struct quic_frame *f)
{
	int err;

	quic_stream_for_frame(a->c, f->stream_data_blocked.id, false, &err);
	return err;
}

static int act_streams_blocked(struct at *a, const struct quic_frame *f)
{
	return 0;
}

static int act_new_connection_id(struct at *a, const struct quic_frame *f)
{
	return quic_cid_on_new(a->c, f);
}

static int act_retire_connection_id(struct at *a, const struct quic_frame *f)
{
	return quic_cid_on_retire(a->c, f->retire_cid.seq);
}

static int act_path_challenge(struct at *a, const struct quic_frame *f)
{
	quic_validate_on_challenge(a->c, a->src->path, f->path.data);
	return 0;
}

static int act_path_response(struct at *a, const struct quic_frame *f)
{
	quic_validate_on_response(a->c, f->path.data);
	return 0;
}

static int act_connection_close(struct at *a, const struct quic_frame *f)
{
	quic_conn_peer_closed(a->c, f);
	return 0;
}

static int act_handshake_done(struct at *a, const struct quic_frame *f)
{
	if (a->c->state == QUIC_CONN_ESTABLISHED)
		quic_conn_confirmed(a->c);
	return 0;
}

static int act_immediate_ack(struct at *a, const struct quic_frame *f)
{
	return quic_ackfreq_on_immediate(a->c);
}

static int act_ack_frequency(struct at *a, const struct quic_frame *f)
{
	return quic_ackfreq_on_frame(a->c, f);
}

static int act_datagram(struct at *a, const struct quic_frame *f)
{
	return quic_dgram_on_frame(a->c, f, a->src);
}

typedef int (*act_fn)(struct at *a, const struct quic_frame *f);

static const act_fn acts[QUIC_FRAME_KIND_MAX] = {
#define X(NAME, name, first, last, pkts, props) \
	[QUIC_FRAME_##NAME] = act_##name,
	QUIC_FRAME_TABLE(X)
#undef X
};

static u8 packet_bit(u8 level)
{
	switch (level) {
	case QUIC_CRYPTO_INITIAL:
		return QUIC_FRAME_IN_I;
	case QUIC_CRYPTO_HANDSHAKE:
		return QUIC_FRAME_IN_H;
	case QUIC_CRYPTO_EARLY:
		return QUIC_FRAME_IN_0;
	default:
		return QUIC_FRAME_IN_1;
	}
}

/* RFC9001-8.3-2 */
/* RFC9000-12.4-3 RFC9000-17.2.4-1 RFC9000-19.7-4 RFC9000-19.20-2 */
/* Is the frame legal here (section 12.4)? */
static bool allowed(const struct at *a, const struct quic_frame *f, u8 props)
{
	if (!quic_frame_allowed(f, packet_bit(a->level)))
		return false;
	return !(props & QUIC_FRAME_SRV) || !a->c->is_server;
}

/* RFC9000-12.4-2 */
int quic_rx_frames(struct quic_conn *c, u8 level, const u8 *payload, u32 len,
		   const struct quic_rx_src *src, struct quic_rx_seen *seen)
{
	struct quic_cur cur = { .p = payload, .end = payload + len };
	struct at a = { .c = c, .src = src, .seen = seen, .level = level };
	struct quic_frame f;
	u8 props;
	int err;

	if (unlikely(!len))	/* section 12.4 */
		return QUIC_TRANSPORT_ERROR_PROTOCOL_VIOLATION;
	while (cur.p < cur.end) {
		err = quic_frame_parse(&cur, &f);
		if (unlikely(err))
			return err;
		props = quic_frame_props(f.kind);
		if (unlikely(!allowed(&a, &f, props)))
			return QUIC_TRANSPORT_ERROR_PROTOCOL_VIOLATION;
		if (!(props & QUIC_FRAME_NE))
			seen->eliciting = true;
		if (!(props & QUIC_FRAME_P))
			seen->more = true;
		/* An indirect call is dear where retpolines are: the two
		 * frames of bulk transfer go straight.
		 */
		if (likely(f.kind == QUIC_FRAME_STREAM))
			err = act_stream(&a, &f);
		else if (f.kind == QUIC_FRAME_ACK)
			err = act_ack(&a, &f);
		else
			err = acts[f.kind](&a, &f);
		if (unlikely(err))
			return err;
		if (unlikely(!quic_conn_alive(c)))
			return 0;
	}
	return 0;
}
