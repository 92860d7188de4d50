/* SPDX-License-Identifier: GPL-2.0 */
/* Cipher suites: what a TLS cipher number means for packet protection. */
#ifndef KQUIC_CRYPTO_SUITE_H
#define KQUIC_CRYPTO_SUITE_H

#include <linux/types.h>

#define QUIC_IV_LEN		12
#define QUIC_SECRET_MAX		48
#define QUIC_KEY_MAX		32

/**
 * struct quic_suite - one row of RFC 9001 section 5.3
 * @type:	TLS_CIPHER_* as the socket option names it
 * @aead:	AEAD in the kernel crypto API
 * @simd:	kernels before 6.16 hide a fast synchronous one (aead_sw.c)
 * @hp:		cipher of header protection, RFC 9001 section 5.4
 * @hash:	HMAC of the key schedule
 * @key_len:	of AEAD and of header protection alike
 * @secret_len:	of traffic secrets
 * @seal_limit:	packets per key, RFC 9001 section 6.6
 * @forge_limit: packets that failed to open, over all keys
 */
struct quic_suite {
	u32 type;
	const char *name;
	const char *aead;
	const char *hp;
	const char *hash;
	u8 key_len;
	u8 secret_len;
	bool simd;
	u64 seal_limit;
	u64 forge_limit;
};

/* NULL if @type is none of TLS_CIPHER_AES_GCM_128, AES_GCM_256, AES_CCM_128,
 * CHACHA20_POLY1305.
 */
const struct quic_suite *quic_suite_get(u32 type);

/* Rungs of the module's init ladder: what all keys share. */
int quic_crypto_init(void);
void quic_crypto_exit(void);

/* With KQUIC_SELFTEST, after quic_crypto_init(): 0, or the load must fail. */
int quic_crypto_selftest(void);

#endif
