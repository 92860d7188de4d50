// SPDX-License-Identifier: GPL-2.0
/*
 * Packet protection keys
 *
 * Owns the derivation of key and IV from a traffic secret; sealing and opening
 * are the provider's.  Called when keys are
 * installed or dropped, in process context, under the socket lock; for single
 * messages with BH off.
 *
 * RFC 9001 sections 5.1 and 5.3.
 */
#include <linux/errno.h>
#include <linux/percpu.h>
#include <linux/string.h>

#include "aead.h"
#include "hkdf.h"

int quic_aead_key_set(struct quic_aead_key *key,
		      const struct quic_aead_provider *provider,
		      const struct quic_suite *suite, const u8 *raw,
		      const u8 *iv)
{
	int err;

	memset(key, 0, sizeof(*key));
	key->suite = suite;
	key->provider = provider;
	memcpy(key->iv, iv, QUIC_IV_LEN);
	err = key->provider->setkey(key, raw);
	if (err)
		memzero_explicit(key, sizeof(*key));
	return err;
}

int quic_aead_key_init(struct quic_aead_key *key,
		       const struct quic_aead_provider *provider,
		       const struct quic_suite *suite, u32 version,
		       const u8 *secret)
{
	struct quic_raw_keys raw;
	int err;

	err = quic_hkdf_keys(suite, version, secret, &raw);
	if (!err)
		err = quic_aead_key_set(key, provider, suite, raw.key, raw.iv);
	memzero_explicit(&raw, sizeof(raw));
	return err;
}

/* A train is too large for the stack. */
static DEFINE_PER_CPU(struct quic_train, single);

static struct quic_train *train_of_one(u8 *msg, u16 aad_len, u16 len,
				       u64 nonce)
{
	struct quic_train *t = this_cpu_ptr(&single);

	t->n = 1;
	t->pkt[0] = (struct quic_pkt) {
		.data = msg,
		.pn = nonce,
		.len = len,
		.hdr_len = aad_len,
		.clear_len = len - QUIC_TAG_LEN,
	};
	return t;
}

int quic_aead_seal_one(struct quic_aead_key *key, u8 *msg, u16 aad_len,
		       u16 len, u64 nonce)
{
	return quic_aead_seal(key, train_of_one(msg, aad_len, len, nonce));
}

int quic_aead_open_one(struct quic_aead_key *key, u8 *msg, u16 aad_len,
		       u16 len, u64 nonce)
{
	struct quic_train *t = train_of_one(msg, aad_len, len, nonce);

	return quic_aead_open(key, t, 0, 1) ?: t->pkt[0].status;
}

void quic_aead_key_free(struct quic_aead_key *key)
{
	if (key->provider)
		key->provider->release(key);
	memzero_explicit(key, sizeof(*key));
}
