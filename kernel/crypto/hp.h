/* SPDX-License-Identifier: GPL-2.0 */
/* Header protection, RFC 9001 section 5.4, a train at a time. */
#ifndef KQUIC_CRYPTO_HP_H
#define KQUIC_CRYPTO_HP_H

#include "suite.h"
#include "train.h"

/* One direction's header protection key; private to hp.c. */
struct quic_hp {
	const struct quic_suite *suite;
	bool chacha;
	u64 id;			/* of all since the module was loaded */
	u8 raw[QUIC_KEY_MAX];
};

int quic_hp_setup(void);
void quic_hp_teardown(void);

/* @raw has suite->key_len bytes. */
void quic_hp_init(struct quic_hp *hp, const struct quic_suite *suite,
		  const u8 *raw);
void quic_hp_free(struct quic_hp *hp);

/* Mask of the train's packets: first byte and packet number, after sealing.
 * One cipher call for AES.  BH off, socket lock held.  0 or -errno.
 */
int quic_hp_protect(struct quic_hp *hp, struct quic_train *t);

/* Undo it before opening: pn_off is set, hdr_len and the truncated number
 * become known.  Sets pkt->hdr_len, and pkt->pn to the truncated number.
 * Every packet has pn_off + 4 + 16 bytes at least (quic_hdr_parse()).
 */
int quic_hp_unprotect(struct quic_hp *hp, struct quic_train *t);

/* A packet turned out not to be one: its bytes become what they were. */
void quic_hp_restore(struct quic_hp *hp, struct quic_pkt *pkt);

#endif
