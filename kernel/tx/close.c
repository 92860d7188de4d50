// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: CONNECTION_CLOSE: building it and repeating it.
 * Called from: conn/lifecycle, rx/train (repeat).
 * Context: socket lock held.
 * RFC 9000 section 10.2.
 */
#include "../pipeline.h"
#include "../obs/mib.h"
#include "../wire/frame.h"
#include "../wire/pn.h"
#include "tx.h"

/* What the application says is for those who have completed the handshake
 * (section 10.2.3): a lower level learns that it closed, and no more.
 */
static void put_close(struct quic_out *o, const struct quic_conn *c, u8 level)
{
	const struct quic_close *cl = &c->close;

	if (cl->app && level != QUIC_CRYPTO_APP)
		quic_put_connection_close(o, false,
					  QUIC_TRANSPORT_ERROR_APPLICATION, 0,
					  NULL, 0);
	else
		quic_put_connection_close(o, cl->app, cl->code, cl->frame,
					  cl->phrase, cl->phrase_len);
}

/* One packet with a CONNECTION_CLOSE; its length, or 0. */
static u32 close_packet(struct quic_conn *c, u8 *p, u32 room, u8 level,
			struct quic_train *t)
{
	enum quic_space_id id = quic_level_space(level);
	struct quic_space *space = c->rec.space[id];
	struct quic_out o = { .p = p, .end = p + room - QUIC_TAG_LEN };
	struct quic_pkt *pkt = &t->pkt[0];
	u8 pn_len = quic_pn_len(space->sent.next, space->largest_acked);
	const struct quic_token *token = quic_sk(c->sk)->token;

	memset(pkt, 0, sizeof(*pkt));
	pkt->data = p;
	pkt->pn = space->sent.next;
	if (level == QUIC_CRYPTO_APP)
		pkt->pn_off = quic_hdr_put_short(&o, quic_cid_dest(c),
						 c->tx_phase,
						 quic_tx_spin(quic_cid_dest(c)),
						 pkt->pn, pn_len);
	else
		pkt->pn_off = quic_hdr_put_long(&o, level == QUIC_CRYPTO_INITIAL ?
						QUIC_PKT_INITIAL :
						QUIC_PKT_HANDSHAKE,
						c->version, quic_cid_dest(c),
						&c->scid, token ? token->data : NULL,
						token ? token->len : 0,
						pkt->pn, pn_len);
	pkt->hdr_len = o.p - p;
	put_close(&o, c, level);
	/* A client's Initial has a full datagram (section 14.1). */
	if (level == QUIC_CRYPTO_INITIAL && !c->is_server) {
		memset(o.p, 0, o.end - o.p);
		o.p = o.end;
	}
	if (o.overflow)
		return 0;
	pkt->clear_len = o.p - p;
	pkt->len = pkt->clear_len + QUIC_TAG_LEN;
	t->n = 1;
	if (level != QUIC_CRYPTO_APP)
		quic_hdr_set_length(p, pkt->pn_off, pkt->len - pkt->pn_off);
	return quic_seal(c, level, t) ? 0 : pkt->len;
}

/* RFC9000-10.2.3-1 */
/* Highest first is what the peer can surely read once the handshake is done;
 * before that it may have keys of lower levels only (section 10.2.3).  The
 * padded Initial comes last.
 */
static u32 close_datagram(struct quic_conn *c, u8 *p, u32 room)
{
	static const u8 levels[] = {
		QUIC_CRYPTO_HANDSHAKE, QUIC_CRYPTO_APP, QUIC_CRYPTO_INITIAL,
	};
	struct quic_train *t = kmalloc(sizeof(*t), GFP_ATOMIC);
	u32 used = 0;
	int i;

	if (!t)
		return 0;
	for (i = 0; i < ARRAY_SIZE(levels); i++) {
		u8 l = levels[i];

		if (!c->keys[l][1].ready || !c->crypto[quic_level_space(l)])
			continue;
		/* Only the last packet of a datagram has a short header. */
		if (l == QUIC_CRYPTO_APP && !c->handshake_confirmed &&
		    c->keys[QUIC_CRYPTO_INITIAL][1].ready)
			continue;
		if (room - used < 128)
			break;
		used += close_packet(c, p + used, room - used, l, t);
	}
	kfree(t);
	return used;
}

/* RFC9000-10.2.1-2 */
static void send_copy(struct quic_conn *c)
{
	struct sk_buff *skb;
	u32 len = c->close_skb->len;

	if (quic_path_allowance(c->path) < len ||
	    quic_path_route(c->path, c->sk))
		return;
	skb = quic_xmit_alloc(c->path, len);
	if (!skb)
		return;
	skb_put_data(skb, c->close_skb->data, len);
	quic_xmit(c, c->path, skb, 1, len, 0,
		  quic_pace_last(c, ktime_get_ns()));
	QUIC_CONN_INC(c, QuicFrmOutCloses);
}

/* Build it once and keep it: the keys may be gone when it is repeated.
 * Return: false if nothing was said yet, so that nobody needs to know.
 */
bool quic_tx_close(struct quic_conn *c)
{
	if (!c->is_server && !c->rec.space[QUIC_SPACE_INITIAL]->sent.next &&
	    !c->handshake_confirmed)
		return false;
	local_bh_disable();
	c->close_skb = alloc_skb(QUIC_MSS_MIN, GFP_ATOMIC);
	if (c->close_skb) {
		skb_put(c->close_skb, close_datagram(c, c->close_skb->data,
						     QUIC_MSS_MIN));
		if (c->close_skb->len)
			send_copy(c);
	}
	local_bh_enable();
	return true;
}

/* RFC9000-10.2.1-1 */
/* Ever more seldom: after 1, 2, 4, 8 ... packets (section 10.2.1). */
void quic_tx_close_again(struct quic_conn *c)
{
	if (!c->close_skb || !c->close_skb->len || c->close_shift > 30 ||
	    ++c->close_rx < (1U << c->close_shift))
		return;
	c->close_rx = 0;
	c->close_shift++;
	send_copy(c);
}
