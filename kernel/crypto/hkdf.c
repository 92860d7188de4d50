// SPDX-License-Identifier: GPL-2.0
/*
 * HKDF with TLS 1.3 labels
 *
 * Owns nothing: each call allocates an HMAC, uses it and frees it.  Called
 * when keys are installed or updated, in process context; no locks.
 *
 * RFC 5869; RFC 8446 section 7.1; RFC 9001 section 5.1; RFC 9369 section
 * 3.3.2 (labels).
 */
#include <crypto/hash.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include <linux/unaligned.h>
#include <uapi/linux/quic.h>

#include "hkdf.h"

#define LABEL_MAX	16		/* "tls13 quicv2 key" */
/* length, label, empty context, the counter of HKDF-Expand's first block */
#define INFO_MAX	(2 + 1 + LABEL_MAX + 1 + 1)

/* An HMAC that has its key; the caller frees it. */
static struct crypto_shash *hmac_new(const char *hash, const u8 *key, u32 len)
{
	struct crypto_shash *tfm = crypto_alloc_shash(hash, 0, 0);
	int err;

	if (IS_ERR(tfm))
		return tfm;
	err = crypto_shash_setkey(tfm, key, len);
	if (!err && WARN_ON_ONCE(crypto_shash_digestsize(tfm) >
				 QUIC_SECRET_MAX))
		err = -EINVAL;
	if (!err)
		return tfm;
	crypto_free_shash(tfm);
	return ERR_PTR(err);
}

/* @out receives the first @len bytes of the HMAC. */
static int hmac(struct crypto_shash *tfm, const u8 *data, u32 data_len,
		u8 *out, u32 len)
{
	u8 digest[QUIC_SECRET_MAX];
	int err;

	if (WARN_ON_ONCE(len > crypto_shash_digestsize(tfm)))
		return -EINVAL;
	err = crypto_shash_tfm_digest(tfm, data, data_len, digest);
	if (!err)
		memcpy(out, digest, len);
	memzero_explicit(digest, sizeof(digest));
	return err;
}

/* QUIC never asks for more than one block of HMAC output, so HKDF-Expand is
 * its first round: HMAC(secret, info | 0x01).  The label is @name and @what.
 */
static int expand(struct crypto_shash *secret, const char *name,
		  const char *what, u8 *out, u32 len)
{
	u8 info[INFO_MAX];
	int n;

	n = snprintf(info + 3, LABEL_MAX + 1, "tls13 %s%s", name, what);
	if (WARN_ON_ONCE(n > LABEL_MAX))
		return -EINVAL;
	put_unaligned_be16(len, info);
	info[2] = n;
	info[3 + n] = 0;
	info[4 + n] = 1;
	return hmac(secret, info, 5 + n, out, len);
}

static const char *label(u32 version)
{
	return version == QUIC_VERSION_V2 ? "quicv2 " : "quic ";
}

int quic_hkdf_extract(const char *hash, const u8 *salt, u32 salt_len,
		      const u8 *ikm, u32 ikm_len, u8 *prk, u32 prk_len)
{
	struct crypto_shash *tfm = hmac_new(hash, salt, salt_len);
	int err;

	if (IS_ERR(tfm))
		return PTR_ERR(tfm);
	err = hmac(tfm, ikm, ikm_len, prk, prk_len);
	crypto_free_shash(tfm);
	return err;
}

int quic_hkdf_expand_label(const char *hash, const u8 *secret, u32 secret_len,
			   const char *what, u8 *out, u32 len)
{
	struct crypto_shash *tfm = hmac_new(hash, secret, secret_len);
	int err;

	if (IS_ERR(tfm))
		return PTR_ERR(tfm);
	err = expand(tfm, "", what, out, len);
	crypto_free_shash(tfm);
	return err;
}

int quic_hkdf_next_secret(const struct quic_suite *suite, u32 version,
			  const u8 *secret, u8 *next)
{
	struct crypto_shash *tfm = hmac_new(suite->hash, secret,
					    suite->secret_len);
	int err;

	if (IS_ERR(tfm))
		return PTR_ERR(tfm);
	err = expand(tfm, label(version), "ku", next, suite->secret_len);
	crypto_free_shash(tfm);
	return err;
}

int quic_hkdf_keys(const struct quic_suite *suite, u32 version,
		   const u8 *secret, struct quic_raw_keys *raw)
{
	struct crypto_shash *tfm = hmac_new(suite->hash, secret,
					    suite->secret_len);
	const char *quic = label(version);
	int err;

	if (IS_ERR(tfm))
		return PTR_ERR(tfm);
	err = expand(tfm, quic, "key", raw->key, suite->key_len);
	if (!err)
		err = expand(tfm, quic, "iv", raw->iv, sizeof(raw->iv));
	if (!err)
		err = expand(tfm, quic, "hp", raw->hp, suite->key_len);
	crypto_free_shash(tfm);
	if (err)
		memzero_explicit(raw, sizeof(*raw));
	return err;
}
