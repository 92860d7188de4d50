// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: single datagrams outside of trains: probes of a path, of its
 * existence (PATH_CHALLENGE, PATH_RESPONSE) or of the size of packets that it
 * carries (PING and padding).
 * Called from: conn/validate, in a push; whoever measures a path.
 * Context: socket lock held.
 * RFC 9000 sections 8.2, 9.4, 14.4.
 */
#include "../pipeline.h"
#include "../obs/mib.h"
#include "../wire/frame.h"
#include "../wire/pn.h"
#include "tx.h"

/* Header, both frames of path validation, tag. */
#define QUIC_PROBE_MIN	(1 + QUIC_CID_MAX_LEN + 4 + 2 * 9 + 1 + QUIC_TAG_LEN)

/* A probe on the path in use counts against its window, as all that elicits
 * acknowledgments does, but its fate is no sign of congestion.  Of another
 * path nothing counts here: validation has a timer of its own.
 */
static u8 flags_of(const struct quic_conn *c, const struct quic_path *p)
{
	return p != c->path ? QUIC_SENT_ASIDE :
	       QUIC_SENT_ASIDE | QUIC_SENT_ACK_ELICITING | QUIC_SENT_IN_FLIGHT;
}

/* The challenge is first: Chromium, whose own validation of the path ends with
 * the response, leaves a challenge behind it without an answer.
 */
static void put(struct quic_out *o, const struct quic_probe *what,
		struct quic_sent_frame *f, u8 *n)
{
	if (what->challenge) {
		quic_put_path_challenge(o, what->challenge);
		f[(*n)++] = (struct quic_sent_frame){
			.kind = QUIC_FRAME_PATH_CHALLENGE,
		};
	}
	if (what->response) {
		quic_put_path_response(o, what->response);
		f[(*n)++] = (struct quic_sent_frame){
			.kind = QUIC_FRAME_PATH_RESPONSE,
		};
	}
	if (what->ping) {
		quic_put_ping(o);
		f[(*n)++] = (struct quic_sent_frame){
			.kind = QUIC_FRAME_PING, .id = what->ping_id,
		};
	}
	/* PADDING */
	if (o->p < o->end)
		memset(o->p, 0, o->end - o->p);
	o->p = o->end;
}

/* Lay out and record; bytes, or -errno. */
static int build(struct quic_conn *c, struct quic_path *p, u8 *data, u32 size,
		 const struct quic_probe *what, struct quic_train *t)
{
	struct quic_space *space = c->rec.space[QUIC_SPACE_APP];
	struct quic_out o = { .p = data, .end = data + size - QUIC_TAG_LEN };
	struct quic_pkt *pkt = &t->pkt[0];
	struct quic_sent_frame frames[3];
	u8 i, n = 0;

	memset(pkt, 0, sizeof(*pkt));
	pkt->data = data;
	pkt->pn = space->sent.next;
	pkt->pn_off = quic_hdr_put_short(&o, quic_cid_of(c, p), c->tx_phase,
					 quic_tx_spin(quic_cid_of(c, p)),
					 pkt->pn,
					 quic_pn_len(pkt->pn,
						     space->largest_acked));
	pkt->hdr_len = o.p - data;
	put(&o, what, frames, &n);
	if (o.overflow)
		return -EMSGSIZE;
	pkt->clear_len = o.p - data;
	pkt->len = size;
	t->n = 1;

	quic_recovery_on_sent(&c->rec, QUIC_SPACE_APP, ktime_get_ns(), size,
			      flags_of(c, p));
	for (i = 0; i < n; i++)
		quic_sent_add_frame(&space->sent, &frames[i]);
	return size;
}

/* May the key seal one more, and leave room for the farewell? */
static bool key_ready(const struct quic_conn *c)
{
	const struct quic_key *k = &c->keys[QUIC_CRYPTO_APP][1];

	return k->ready && c->peer_cid_known &&
	       k->aead.sealed + QUIC_TRAIN_MAX < k->aead.suite->seal_limit;
}

/* RFC9000-8.2.2-6 RFC9000-9.3-3 */
/**
 * quic_tx_probe - send one datagram on a path
 * @c:		connection with keys for 1-RTT packets
 * @p:		one of its paths, in use or not
 * @what:	frames; padding up to @what->size
 *
 * The window is the caller's to ask.  To an address that is not validated no
 * more leaves than the anti-amplification limit admits: there the datagram
 * may be smaller (RFC 9000 section 8.2.1).
 *
 * Return: size of the datagram; -EAGAIN if the limit forbids any, -EMSGSIZE
 * if the local interface cannot carry @what->size, or another -errno.
 */
int quic_tx_probe(struct quic_conn *c, struct quic_path *p,
		  const struct quic_probe *what)
{
	struct quic_train *t;
	struct sk_buff *skb;
	u32 size;
	int err;

	if (!key_ready(c))
		return -EAGAIN;
	size = min_t(u64, max_t(u32, what->size, QUIC_PROBE_MIN),
		     quic_path_allowance(p));
	if (size < QUIC_PROBE_MIN)
		return -EAGAIN;
	err = quic_path_route(p, c->sk);
	if (err)
		return err;
	if (size > QUIC_MSS_MIN && size > quic_path_room(p))
		return -EMSGSIZE;
	err = quic_recovery_reserve(&c->rec, QUIC_SPACE_APP, 1,
				    QUIC_SENT_MAX_FRAMES, GFP_ATOMIC);
	if (err)
		return err;
	t = kmalloc(sizeof(*t), GFP_ATOMIC);
	if (!t)
		return -ENOMEM;

	local_bh_disable();
	err = -ENOMEM;
	skb = quic_xmit_alloc(p, size);
	if (!skb)
		goto out;
	err = build(c, p, skb_put(skb, size), size, what, t);
	if (err > 0 && quic_seal(c, QUIC_CRYPTO_APP, t))
		err = -EIO;
	if (err < 0) {
		kfree_skb(skb);
		goto out;
	}
	if (what->challenge || what->response)
		QUIC_CONN_INC(c, QuicTxProbes);
	else
		QUIC_CONN_INC(c, QuicTxSizeProbes);
	quic_xmit(c, p, skb, 1, size, 0, 0);
out:
	local_bh_enable();
	kfree(t);
	return err;
}
