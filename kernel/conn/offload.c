// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: trains that the device seals which a connection's route leads through,
 * and packets that it has opened.
 * Called from: tx/seal (each train, while there are such devices), rx/train,
 * rx/open.
 * Context: socket lock held, BH off.
 * RFC 9001 section 6.
 *
 *	a train leaves --> as the worker left it? --no--> the worker is called:
 *	                            |yes                   conn/offload_keys
 *	                            v
 *	             the device has the key in use? --no--> the CPU seals
 *	                            |yes
 *	                            v
 *	             plaintext, marked; crypto/offload_fallback watches it
 */
#include "../pipeline.h"
#include "../compat.h"
#include "../crypto/train.h"
#include "../obs/mib.h"
#include "offload.h"

/* ---- a train goes out ---------------------------------------------------------- */

/* Consecutive numbers, headers of one length: what a device is told once. */
static bool uniform(const struct quic_train *t)
{
	const struct quic_pkt *first = &t->pkt[0], *last = &t->pkt[t->n - 1];

	return last->pn - first->pn == t->n - 1 &&
	       last->hdr_len == first->hdr_len && last->pn_off == first->pn_off;
}

static void mark(const struct quic_train *t, u32 generation)
{
	const struct quic_pkt *p;

	for (p = t->pkt; p < t->pkt + t->n; p++) {
		struct quic_offload_mark m = {
			.pn = p->pn,
			.generation = generation,
			.hdr_len = p->hdr_len,
			.pn_off = p->pn_off,
			.magic = QUIC_OFFLOAD_MAGIC,
		};

		memcpy(p->data + p->len - sizeof(m), &m, sizeof(m));
	}
}

/* Most packets of a train that the device seals.  It got its key after the train
 * was built if there are more.
 */
u16 quic_offload_segs(const struct quic_conn *c)
{
	const struct quic_offload_bind *b;
	u16 segs = QUIC_TRAIN_MAX;

	if (!c->offload)
		return segs;
	rcu_read_lock();
	b = rcu_dereference(c->offload->keys.bind[1]);
	if (b && !READ_ONCE(b->dead))
		segs = min(segs, b->odev->caps.tx_segs);
	rcu_read_unlock();
	return segs;
}

/**
 * quic_offload_take - leave a 1-RTT train's sealing to the device, if it can
 * @c:		connection
 * @t:		the train; in place and marked if so
 * @skb:	what it lies in
 *
 * Return: false: nothing was done, the CPU has to seal it.
 */
bool quic_offload_take(struct quic_conn *c, struct quic_train *t,
		       struct sk_buff *skb)
{
	const struct quic_offload_bind *b = NULL;
	u32 generation = c->key_update->generation[1];
	bool has = false;

	quic_offload_look(c);
	/* Nothing gets through: perhaps something on the way makes copies, which
	 * the kernel drops in plaintext.
	 */
	if (!c->offload || !uniform(t) || c->rec.pto_count ||
	    !(quic_offload_allowed(c) & BIT(QUIC_OFFLOAD_TX)))
		return false;
	rcu_read_lock();
	b = rcu_dereference(c->offload->keys.bind[1]);
	has = quic_offload_bind_has(b, quic_offload_device_of(c), generation) &&
	      t->n <= b->odev->caps.tx_segs;
	rcu_read_unlock();
	if (!has)
		return false;
	quic_aead_gather(t);
	mark(t, generation);
	quic_offload_set_plain(skb, true);
	c->keys[QUIC_CRYPTO_APP][1].aead.sealed += t->n;
	QUIC_CONN_ADD(c, QuicOffloadTx, t->n);
	return true;
}

/* ---- a train comes in ------------------------------------------------------------ */

/* The device may have lost its place among the packet numbers. */
static void miss(struct quic_conn *c)
{
	struct quic_offload_conn *o = c->offload;

	if (++o->missed < o->patience || !rcu_access_pointer(o->keys.bind[0]))
		return;
	o->missed = 0;
	o->patience = min_t(u32, 2 * o->patience, QUIC_OFFLOAD_PATIENCE_MAX);
	o->lost_place = true;
	quic_offload_kick(c);
}

/* Was this packet opened by a device that we gave the key to?  The token is
 * known to those alone, and as hard to guess as a tag.
 */
bool quic_offload_is_open(struct quic_conn *c, const u8 *p, u32 len)
{
	struct quic_offload_conn *o = c->offload;

	if (memcmp(p + len - QUIC_OFFLOAD_TAG, o->token,
		   QUIC_OFFLOAD_TOKEN_HIGH)) {
		miss(c);
		return false;
	}
	if (o->missed) {
		o->missed = 0;
		o->patience = QUIC_OFFLOAD_PATIENCE;
	}
	return true;
}

/* Was it opened with the number that we see in it?  The bits of a number that
 * are in a packet mean another one when it comes late: then an AEAD would fail
 * (RFC 9000 section A.3), so the rest of the token has the whole number in it.
 */
bool quic_offload_has_number(const struct quic_conn *c,
			     const struct quic_pkt *p)
{
	const u8 *low = c->offload->token + QUIC_OFFLOAD_TOKEN_HIGH;

	return get_unaligned_be64(p->data + p->len - sizeof(u64)) ==
	       (get_unaligned_be64(low) ^ p->pn);
}

/* What removing header protection would have brought to light. */
void quic_offload_numbers(struct quic_train *t)
{
	struct quic_pkt *p;
	u8 len;

	for (p = t->pkt; p < t->pkt + t->n; p++) {
		len = 1 + (p->data[0] & QUIC_HDR_PN_LEN);
		p->hdr_len = p->pn_off + len;
		p->pn = get_unaligned_be32(p->data + p->pn_off) >>
			(32 - 8 * len);
	}
}
