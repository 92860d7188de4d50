// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: what becomes of each frame that was sent: acked_<name>() and
 * lost_<name>() per row of wire/frame_table.h.
 * Called from: recovery/loss, while an ACK is processed or a timer fires.
 * Context: socket lock held, BH off.
 * RFC 9000 section 13.3: frames are never sent again, what they said is.
 */
#include "../pipeline.h"
#include "../obs/mib.h"

typedef void (*fate_fn)(struct quic_conn *c, enum quic_space_id id,
			const struct quic_sent_frame *f);

#define FATE(name) static void name(struct quic_conn *c,		\
				    enum quic_space_id id,		\
				    const struct quic_sent_frame *f)

/* ---- nothing to do ----------------------------------------------------------- */

FATE(nothing)
{
}

#define acked_padding			nothing
#define lost_padding			nothing
#define lost_ack			nothing
#define acked_stop_sending		nothing
#define acked_max_data			nothing
#define acked_max_stream_data		nothing
#define acked_max_streams		nothing
#define acked_data_blocked		nothing
#define acked_stream_data_blocked	nothing
#define acked_streams_blocked		nothing
#define acked_new_connection_id		nothing
#define acked_path_challenge		nothing
#define lost_path_challenge		nothing
#define acked_path_response		nothing
#define lost_path_response		nothing
#define acked_connection_close		nothing
#define lost_connection_close		nothing
#define acked_handshake_done		nothing
#define acked_datagram			nothing
#define acked_immediate_ack		nothing
#define lost_immediate_ack		nothing
#define acked_ack_frequency		nothing

FATE(acked_ping)
{
	if (f->id)
		quic_pmtud_acked(c, f->id);
}

FATE(lost_ping)
{
	if (f->id)
		quic_pmtud_lost(c, f->id);
}

/* ---- data --------------------------------------------------------------------- */

FATE(acked_stream)
{
	quic_stream_on_acked(c, f);
}

FATE(lost_stream)
{
	quic_stream_on_lost(c, f);
}

FATE(acked_crypto)
{
	if (c->crypto[id])
		quic_sbuf_acked(c->sk, &c->crypto[id]->send, f->off, f->len,
				false);
}

/* RFC9001-4-1 RFC9001-4.9-1 */
FATE(lost_crypto)
{
	if (c->crypto[id])
		quic_sbuf_lost(&c->crypto[id]->send, f->off, f->len, false);
}

FATE(acked_ack)
{
	if (c->crypto[id])
		quic_ack_on_acked(c->ack[id], f->id);
}

/* ---- streams ------------------------------------------------------------------ */

static void again(struct quic_conn *c, u64 id, u8 ctl)
{
	struct quic_stream *s = quic_stream_find(c, id);

	if (s)
		quic_stream_want_ctl(c, s, ctl);
}

FATE(acked_reset_stream)
{
	quic_stream_on_reset_acked(c, f->id);
}

/* RFC9000-13.3-1 */
FATE(lost_reset_stream)
{
	struct quic_stream *s = quic_stream_find(c, f->id);

	if (s && s->send_state == QUIC_STREAM_SEND_STATE_RESET_SENT)
		quic_stream_want_ctl(c, s, QUIC_STREAM_CTL_RESET);
}

FATE(lost_stop_sending)
{
	struct quic_stream *s = quic_stream_find(c, f->id);

	if (s && s->final == U64_MAX)
		quic_stream_want_ctl(c, s, QUIC_STREAM_CTL_STOP);
}

FATE(lost_max_stream_data)
{
	again(c, f->id, QUIC_STREAM_CTL_MAX_DATA);
}

FATE(lost_stream_data_blocked)
{
	struct quic_stream *s = quic_stream_find(c, f->id);

	if (s && s->blocked_at == s->max_send)
		quic_stream_want_ctl(c, s, QUIC_STREAM_CTL_BLOCKED);
}

/* ---- connection --------------------------------------------------------------- */

FATE(lost_max_data)
{
	c->ctl |= QUIC_CTL_MAX_DATA;
}

FATE(lost_max_streams)
{
	c->streams.limit[f->id].announce = true;
	c->ctl |= QUIC_CTL_STREAMS;
}

FATE(lost_data_blocked)
{
	if (c->data_blocked_at == c->max_data_send)
		c->ctl |= QUIC_CTL_DATA_BLOCKED;
}

FATE(lost_streams_blocked)
{
	if (c->streams.limit[f->id].blocked)
		c->ctl |= QUIC_CTL_STREAMS;
}

FATE(lost_new_connection_id)
{
	int i;

	for (i = 0; i < QUIC_CID_SLOTS; i++) {
		struct quic_local_cid *l = &c->cids->local[i];

		if (!l->node || l->seq != f->id)
			continue;
		l->announce = true;
		c->ctl |= QUIC_CTL_NEW_CID;
	}
}

FATE(acked_retire_connection_id)
{
	struct quic_cids *s = c->cids;
	int i;

	for (i = 0; i < s->n_retire_sent; i++) {
		if (s->retire[i] != f->id)
			continue;
		s->n_retire--;
		s->n_retire_sent--;
		memmove(&s->retire[i], &s->retire[i + 1],
			(s->n_retire - i) * sizeof(s->retire[0]));
		return;
	}
}

FATE(lost_retire_connection_id)
{
	c->cids->n_retire_sent = 0;
	c->ctl |= QUIC_CTL_RETIRE_CID;
}

FATE(acked_new_token)
{
	c->new_token_out = false;
}

FATE(lost_new_token)
{
	c->ctl |= QUIC_CTL_NEW_TOKEN;
}

/* RFC9000-13.3-2 */
FATE(lost_handshake_done)
{
	c->ctl |= QUIC_CTL_HANDSHAKE_DONE;
}

FATE(lost_ack_frequency)
{
	/* Unless a later one is under way. */
	if (f->id + 1 == c->ackfreq_seq)
		c->ctl |= QUIC_CTL_ACK_FREQUENCY;
}

/* Noted, never sent again (RFC 9221 section 5.2). */
FATE(lost_datagram)
{
	QUIC_CONN_INC(c, QuicDgramLost);
}

/* ---- tables ------------------------------------------------------------------- */

static const fate_fn acked_fns[QUIC_FRAME_KIND_MAX] = {
#define X(NAME, name, first, last, pkts, props) \
	[QUIC_FRAME_##NAME] = acked_##name,
	QUIC_FRAME_TABLE(X)
#undef X
};

static const fate_fn lost_fns[QUIC_FRAME_KIND_MAX] = {
#define X(NAME, name, first, last, pkts, props) \
	[QUIC_FRAME_##NAME] = lost_##name,
	QUIC_FRAME_TABLE(X)
#undef X
};

static void on_acked(struct quic_recovery *r, enum quic_space_id id,
		     const struct quic_sent_frame *f)
{
	struct quic_conn *c = container_of(r, struct quic_conn, rec);

	if (likely(f->kind == QUIC_FRAME_STREAM))
		acked_stream(c, id, f);
	else
		acked_fns[f->kind](c, id, f);
}

static void on_lost(struct quic_recovery *r, enum quic_space_id id,
		    const struct quic_sent_frame *f)
{
	lost_fns[f->kind](container_of(r, struct quic_conn, rec), id, f);
}

const struct quic_recovery_ops quic_sent_ops = {
	.acked = on_acked,
	.lost = on_lost,
};
