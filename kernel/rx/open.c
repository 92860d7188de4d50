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
		QUIC_CONN_INC(c, QuicDropDuplicate);
		return false;
	}
	return true;
}

/* RFC9001-6.6-4 RFC9001-6.6-5 RFC9001-6.6-6 */
/* Too many forgeries, over all keys, end the connection (section 6.6). */
static void count_failure(struct quic_conn *c, const struct quic_suite *suite)
{
	u64 limit = READ_ONCE(c->qn->forged_packets);

	QUIC_CONN_INC(c, QuicPktDecDrop);
	if (++c->open_failed >= min(limit ?: U64_MAX, suite->forge_limit))
		quic_conn_abort(c, QUIC_TRANSPORT_ERROR_AEAD_LIMIT_REACHED, 0,
				NULL);
}

/**
 * quic_rx_unprotect - remove header protection of a train
 * @c:		connection
 * @level:	encryption level of all its packets; its key is ready
 * @t:		in: data, len, pn_off of each; out: only packets that are to be
 *		looked at, with pn and hdr_len
 *
 * Return: 0 or -errno (then nothing was changed).
 */
int quic_rx_unprotect(struct quic_conn *c, u8 level, struct quic_train *t)
{
	struct quic_ack *ack = c->ack[quic_level_space(level)];
	struct quic_key *key = &c->keys[level][0];
	u16 i, n = 0;
	int err;

	if (unlikely(t->opened)) {
		quic_offload_numbers(t);
	} else {
		err = quic_hp_unprotect(&key->hp, t);
		if (err)
			return err;
		QUIC_CONN_INC(c, QuicHpCalls);
	}

	for (i = 0; i < t->n; i++) {
		if (!wanted(c, ack, &t->pkt[i])) {
			if (unlikely(t->opened))
				continue;
			quic_hp_restore(&key->hp, &t->pkt[i]);
			quic_reset_seen(c, t->pkt[i].data, t->pkt[i].len);
			continue;
		}
		if (unlikely(t->opened) &&
		    !quic_offload_has_number(c, &t->pkt[i])) {
			QUIC_CONN_INC(c, QuicOffloadRxBad);
			continue;
		}
		if (n != i)
			t->pkt[n] = t->pkt[i];
		n++;
	}
	t->n = n;
	return 0;
}

/* Is any packet of another key phase? */
bool quic_rx_other_phase(const struct quic_conn *c, const struct quic_train *t)
{
	u8 phase = c->rx_phase ? QUIC_HDR_KEY_PHASE : 0, odd = 0;
	u16 i;

	for (i = 0; i < t->n; i++)
		odd |= t->pkt[i].data[0] ^ phase;
	return odd & QUIC_HDR_KEY_PHASE;
}

/* Open it in place, now; sets the status of each packet (-ENOKEY: its key is
 * still being made).  0 or -errno (then nothing was opened).
 */
int quic_rx_decrypt(struct quic_conn *c, u8 level, struct quic_train *t)
{
	if (unlikely(t->opened))
		return quic_key_update_accept(c, t);
	if (level == QUIC_CRYPTO_APP &&
	    unlikely(c->key_window || quic_rx_other_phase(c, t)))
		return quic_key_update_open(c, t);
	return quic_aead_open(&c->keys[level][0].aead, t, 0, t->n);
}

/* Was another packet of the train opened where this one lies, too (rx/packet)?
 * Header protection that changes no bit lets the first of two be opened.  What the
 * mask would be taken from is plaintext now.
 */
static bool opened_there(const struct quic_train *t, const struct quic_pkt *p)
{
	u16 i;

	for (i = 0; i < t->n; i++)
		if (!t->pkt[i].status && t->pkt[i].data == p->data)
			return true;
	return false;
}

/* It was opened: what of it is to be counted, and what was not ours. */
void quic_rx_opened(struct quic_conn *c, u8 level, struct quic_train *t)
{
	struct quic_key *key = &c->keys[level][0];
	u16 i;

	if (unlikely(t->opened)) {
		for (i = 0; i < t->n; i++)
			if (t->pkt[i].status)
				QUIC_CONN_INC(c, QuicOffloadRxBad);
			else
				QUIC_CONN_INC(c, QuicOffloadRx);
		return;
	}
	QUIC_CONN_ADD(c, QuicAeadOpen, t->n);
	/* The owner of the lock is at work: they had to wait for it. */
	if (sock_owned_by_user_nocheck(c->sk))
		QUIC_CONN_ADD(c, QuicPktDecBacklogs, t->n);
	else
		QUIC_CONN_ADD(c, QuicPktDecFastpaths, t->n);
	for (i = 0; i < t->n; i++) {
		if (likely(!t->pkt[i].status))
			continue;
		if (opened_there(t, &t->pkt[i]))
			continue;
		quic_hp_restore(&key->hp, &t->pkt[i]);
		if (quic_reset_seen(c, t->pkt[i].data, t->pkt[i].len))
			continue;
		/* A device that failed proves nothing. */
		if (t->pkt[i].status == -EBADMSG)
			count_failure(c, key->aead.suite);
	}
}

/* All of it, now; the arguments are those of quic_rx_unprotect(). */
int quic_rx_open(struct quic_conn *c, u8 level, struct quic_train *t)
{
	int err = quic_rx_unprotect(c, level, t);

	if (!err && t->n)
		err = quic_rx_decrypt(c, level, t);
	if (!err && t->n)
		quic_rx_opened(c, level, t);
	return err;
}
