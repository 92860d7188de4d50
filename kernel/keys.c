// SPDX-License-Identifier: GPL-2.0
/*
 * The keys of a connection
 *
 * Owns the life of one direction of one encryption level: packet protection
 * and header protection together.  Called from connection set-up, the
 * handshake and key discard in process context, under the socket lock.
 * Nothing here can be read back; what is dropped is wiped.
 *
 * RFC 9001 sections 4.9 and 5.1.
 */
#include <linux/string.h>

#include "crypto/hkdf.h"
#include "keys.h"

const struct quic_key quic_no_keys[2];

void quic_key_drop(struct quic_key *k)
{
	if (!k->ready)
		return;
	quic_aead_key_free(&k->aead);
	quic_hp_free(&k->hp);
	k->ready = false;
}

int quic_key_install(struct quic_key *k,
		     const struct quic_aead_provider *provider,
		     const struct quic_suite *suite, u32 version,
		     const u8 *secret)
{
	struct quic_aead_key aead;
	struct quic_raw_keys raw;
	int err;

	err = quic_hkdf_keys(suite, version, secret, &raw);
	if (err)
		return err;
	err = quic_aead_key_set(&aead, provider, suite, raw.key, raw.iv);
	if (!err) {
		quic_key_drop(k);
		k->aead = aead;
		quic_hp_init(&k->hp, suite, raw.hp);
		k->ready = true;
	}
	memzero_explicit(&aead, sizeof(aead));
	memzero_explicit(&raw, sizeof(raw));
	return err;
}
