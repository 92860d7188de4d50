// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: from protected packets to plaintext: header protection off, packet
 * numbers, duplicates out, AEAD, all for a train at a time.
 * Called from: rx/packet.
 * Context: socket lock held, BH off.
 * RFC 9001 sections 5.4, 5.5, 6.6, 9.5; RFC 9000 sections 12.3, 21.4.
 *
 * What is not a packet of ours keeps its bytes: the same memory may hold one
 * that was opened before and waits for its reader (see crypto/aead_sw).
 */
#include "../pipeline.h"
#include "../crypto/train.h"
#include "../obs/mib.h"
#include "../wire/pn.h"

/* Packets that need not be opened leave the train here. */
static bool wanted(struct quic_conn *c, struct quic_ack *ack,
		   struct quic_pkt *p)
{
	p->pn = quic_pn_decode(p->pn, p->hdr_len - p->pn_off, ack->largest);
	if (quic_ack_is_duplicate(ack, p->pn)) {
		QUIC_INC(sock_net(c->sk), QuicDropDuplicate);
		return false;
	}
	return true;
}

/* RFC9001-6.6-4 RFC9001-6.6-5 RFC9001-6.6-6 */
/* Too many forgeries, over all keys, end the connection (section 6.6). */
static void count_failure(struct quic_conn *c, const struct quic_suite *suite)
{
	u64 limit = READ_ONCE(quic_net(sock_net(c->sk))->forged_packets);

	QUIC_INC(sock_net(c->sk), QuicPktDecDrop);
	if (++c->open_failed >= min(limit ?: U64_MAX, suite->forge_limit))
		quic_conn_abort(c, QUIC_TRANSPORT_ERROR_AEAD_LIMIT_REACHED, 0,
				NULL);
}

/**
 * quic_rx_open - open a train in place
 * @c:		connection
 * @level:	encryption level of all its packets; its key is ready
 * @t:		in: data, len, pn_off of each; out: only packets that are to be
 *		looked at, with pn, hdr_len and status (-ENOKEY: its key is
 *		still being made)
 *
 * Return: 0 or -errno (then nothing was opened).
 */
int quic_rx_open(struct quic_conn *c, u8 level, struct quic_train *t)
{
	struct quic_ack *ack = &c->ack[quic_level_space(level)];
	struct quic_key *key = &c->keys[level][0];
	struct net *net = sock_net(c->sk);
	u8 phase = c->rx_phase ? QUIC_HDR_KEY_PHASE : 0, odd = 0;
	u16 i, n = 0;
	int err;

	err = quic_hp_unprotect(&key->hp, t);
	if (err)
		return err;
	QUIC_INC(net, QuicHpCalls);

	for (i = 0; i < t->n; i++) {
		if (!wanted(c, ack, &t->pkt[i])) {
			quic_hp_restore(&key->hp, &t->pkt[i]);
			quic_reset_seen(c, t->pkt[i].data, t->pkt[i].len);
			continue;
		}
		odd |= t->pkt[i].data[0] ^ phase;
		if (n != i)
			t->pkt[n] = t->pkt[i];
		n++;
	}
	t->n = n;
	if (!n)
		return 0;
	if (level == QUIC_CRYPTO_APP &&
	    unlikely(odd & QUIC_HDR_KEY_PHASE || c->key_window))
		err = quic_key_update_open(c, t);
	else
		err = quic_aead_open(&key->aead, t, 0, n);
	if (err)
		return err;
	QUIC_ADD(net, QuicAeadOpen, n);
	/* The owner of the lock is at work: they had to wait for it. */
	if (sock_owned_by_user_nocheck(c->sk))
		QUIC_ADD(net, QuicPktDecBacklogs, n);
	else
		QUIC_ADD(net, QuicPktDecFastpaths, n);
	for (i = 0; i < n; i++) {
		if (likely(!t->pkt[i].status))
			continue;
		quic_hp_restore(&key->hp, &t->pkt[i]);
		if (quic_reset_seen(c, t->pkt[i].data, t->pkt[i].len))
			continue;
		if (t->pkt[i].status != -ENOKEY)
			count_failure(c, key->aead.suite);
	}
	return 0;
}
