// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: from a train of plaintext to one that may leave: AEAD, then header
 * protection, each once per train.
 * Called from: tx/push, tx/build, tx/close.
 * Context: socket lock held, BH off.
 * RFC 9001 sections 5.3, 5.4, 6.6; RFC 9287.
 */
#include <linux/random.h>
#include "../pipeline.h"
#include "../obs/mib.h"
#include "tx.h"

/* The peer takes any value of the QUIC bit: show that nobody may rely on it
 * (RFC 9287 section 3.1).
 */
static void grease(struct quic_train *t)
{
	u64 bits = get_random_u64();
	int i;

	BUILD_BUG_ON(QUIC_TRAIN_MAX > 64);
	for (i = 0; i < t->n; i++)
		if (bits & BIT_ULL(i))
			t->pkt[i].data[0] &= ~QUIC_HDR_FIXED;
}

/* RFC9287-3.1-1 RFC9287-3.1-2 RFC9287-3.1-3 RFC9287-3.1-4 */
int quic_seal(struct quic_conn *c, u8 level, struct quic_train *t)
{
	struct quic_key *key = &c->keys[level][1];
	struct net *net = sock_net(c->sk);
	int err;

	/* tx/push has ended the connection before it came to this. */
	if (WARN_ON_ONCE(key->aead.sealed + t->n > key->aead.suite->seal_limit))
		return -EKEYEXPIRED;
	if (unlikely(c->grease))
		grease(t);
	err = quic_aead_seal(&key->aead, t);
	if (!err)
		err = quic_hp_protect(&key->hp, t);
	if (unlikely(err)) {
		QUIC_ADD(net, QuicPktEncDrop, t->n);
		return err;
	}
	QUIC_ADD(net, QuicAeadSeal, t->n);
	QUIC_ADD(net, QuicPktEncFastpaths, t->n);
	QUIC_INC(net, QuicHpCalls);
	return 0;
}
