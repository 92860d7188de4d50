/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Packet protection keys of a connection: per encryption level one key per
 * direction.  Written under the socket lock in process context; used under
 * it in any.
 */
#ifndef KQUIC_KEYS_H
#define KQUIC_KEYS_H

#include "crypto/aead.h"
#include "crypto/hp.h"

/* One direction of one level. */
struct quic_key {
	bool ready;
	struct quic_aead_key aead;
	struct quic_hp hp;
};

/* Derive and allocate; @secret has suite->secret_len bytes.  Process context,
 * may sleep.  On error @k is as before.
 */
int quic_key_install(struct quic_key *k, const struct quic_suite *suite,
		     u32 version, const u8 *secret);
void quic_key_drop(struct quic_key *k);

#endif
