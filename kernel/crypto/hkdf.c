// SPDX-License-Identifier: GPL-2.0
/*
 * HKDF with TLS 1.3 labels
 *
 * Owns nothing: each call allocates an HMAC, uses it and frees it.  Called
 * from key derivation in process context, without locks of its own.
 *
 * RFC 5869; RFC 8446 section 7.1; RFC 9001 section 5.1; RFC 9369 section
 * 3.3.2.
 */
#include <crypto/hash.h>
#include <linux/err.h>
#include <linux/string.h>
#include <uapi/linux/quic.h>

#include "hkdf.h"

#define LABEL_PREFIX		"tls13 "
#define LABEL_PREFIX_LEN	(sizeof(LABEL_PREFIX) - 1)
#define LABEL_MAX		16	/* ours; "quicv2 key" is 10 */
/* length, label, empty context, the counter of HKDF-Expand's first block */
#define INFO_MAX		(2 + 1 + LABEL_PREFIX_LEN + LABEL_MAX + 1 + 1)

/* @out receives the first @len bytes of the HMAC. */
static int hmac(const char *hash, const u8 *key, u32 key_len,
		const u8 *data, u32 data_len, u8 *out, u32 len)
{
	u8 digest[QUIC_SECRET_MAX];
	struct crypto_shash *tfm;
	int err = -EINVAL;

	tfm = crypto_alloc_shash(hash, 0, 0);
	if (IS_ERR(tfm))
		return PTR_ERR(tfm);
	if (WARN_ON_ONCE(crypto_shash_digestsize(tfm) > sizeof(digest) ||
			 crypto_shash_digestsize(tfm) < len))
		goto out;
	err = crypto_shash_setkey(tfm, key, key_len);
	if (!err)
		err = crypto_shash_tfm_digest(tfm, data, data_len, digest);
	if (!err)
		memcpy(out, digest, len);
	memzero_explicit(digest, sizeof(digest));
out:
	crypto_free_shash(tfm);
	return err;
}

int quic_hkdf_extract(const char *hash, const u8 *salt, u32 salt_len,
		      const u8 *ikm, u32 ikm_len, u8 *prk, u32 prk_len)
{
	return hmac(hash, salt, salt_len, ikm, ikm_len, prk, prk_len);
}

/* QUIC never asks for more than one block of HMAC output, so HKDF-Expand is
 * its first round: HMAC(secret, info | 0x01).
 */
int quic_hkdf_expand_label(const char *hash, const u8 *secret, u32 secret_len,
			   const char *label, u8 *out, u32 len)
{
	u32 label_len = strlen(label);
	u8 info[INFO_MAX], *p = info;

	if (WARN_ON_ONCE(label_len > LABEL_MAX || len > QUIC_SECRET_MAX))
		return -EINVAL;
	*p++ = 0;
	*p++ = len;
	*p++ = LABEL_PREFIX_LEN + label_len;
	memcpy(p, LABEL_PREFIX, LABEL_PREFIX_LEN);
	p += LABEL_PREFIX_LEN;
	memcpy(p, label, label_len);
	p += label_len;
	*p++ = 0;
	*p++ = 1;
	return hmac(hash, secret, secret_len, info, p - info, out, len);
}

int quic_hkdf_derive(const struct quic_suite *suite, u32 version,
		     const u8 *secret, const char *what, u8 *out, u32 len)
{
	char label[LABEL_MAX + 1];

	snprintf(label, sizeof(label), "%s %s",
		 version == QUIC_VERSION_V2 ? "quicv2" : "quic", what);
	return quic_hkdf_expand_label(suite->hash, secret, suite->secret_len,
				      label, out, len);
}
