/* SPDX-License-Identifier: GPL-2.0 */
/* HKDF (RFC 5869) with TLS 1.3 labels (RFC 8446 section 7.1). */
#ifndef KQUIC_CRYPTO_HKDF_H
#define KQUIC_CRYPTO_HKDF_H

#include "suite.h"

/* Process context; allocates.  0 or -errno. */
int quic_hkdf_extract(const char *hash, const u8 *salt, u32 salt_len,
		      const u8 *ikm, u32 ikm_len, u8 *prk, u32 prk_len);
/* @label without its "tls13 " prefix; context is empty. */
int quic_hkdf_expand_label(const char *hash, const u8 *secret, u32 secret_len,
			   const char *label, u8 *out, u32 len);

/* A suite's key material: @what is "key", "iv", "hp" or "ku"; @version chooses
 * the label it is part of (RFC 9001 section 5.1, RFC 9369 section 3.3.2).
 */
int quic_hkdf_derive(const struct quic_suite *suite, u32 version,
		     const u8 *secret, const char *what, u8 *out, u32 len);

#endif
