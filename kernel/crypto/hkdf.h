/* SPDX-License-Identifier: GPL-2.0 */
/* HKDF (RFC 5869) with TLS 1.3 labels (RFC 8446 section 7.1). */
#ifndef KQUIC_CRYPTO_HKDF_H
#define KQUIC_CRYPTO_HKDF_H

#include "suite.h"

/* What a traffic secret yields; the caller wipes it. */
struct quic_raw_keys {
	u8 key[QUIC_KEY_MAX];		/* suite->key_len bytes */
	u8 iv[QUIC_IV_LEN];
	u8 hp[QUIC_KEY_MAX];		/* likewise */
};

/* All of these: process context; they allocate; 0 or -errno. */

/* RFC 5869 section 2.2. */
int quic_hkdf_extract(const char *hash, const u8 *salt, u32 salt_len,
		      const u8 *ikm, u32 ikm_len, u8 *prk, u32 prk_len);

/* @label without its "tls13 " prefix; context is empty; @len is not more than
 * one hash.
 */
int quic_hkdf_expand_label(const char *hash, const u8 *secret, u32 secret_len,
			   const char *label, u8 *out, u32 len);

/* RFC 9001 section 5.1; @version chooses the labels. */
int quic_hkdf_keys(const struct quic_suite *suite, u32 version,
		   const u8 *secret, struct quic_raw_keys *raw);

/* RFC 9001 section 6.1: the traffic secret after a key update. */
int quic_hkdf_next_secret(const struct quic_suite *suite, u32 version,
			  const u8 *secret, u8 *next);

#endif
