// SPDX-License-Identifier: GPL-2.0
/*
 * Cipher suites
 *
 * Owns the table of the four suites QUIC may use and the set-up of packet
 * protection as a whole.  The table is read from any context; set-up and
 * tear-down are two rungs of the module's init ladder.  No locks.
 *
 * RFC 9001 sections 5.3, 5.4 and 6.6.
 */
#include <linux/kernel.h>
#include <linux/module.h>
#include <uapi/linux/tls.h>

#include "aead.h"
#include "hp.h"
#include "retry.h"
#include "suite.h"

/* 2^21.5, for AEAD_AES_128_CCM */
#define CCM_LIMIT	2965820

/* RFC9001-5.3-1 RFC9001-5.4.1-1 RFC9001-6.6-7 RFC9001-6.6-8 */
static const struct quic_suite suites[] = {
	{
		.type = TLS_CIPHER_AES_GCM_128,
		.name = "AES-128-GCM",
		.aead = "gcm(aes)",
		.simd = true,
		.hp = "ecb(aes)",
		.hash = "hmac(sha256)",
		.key_len = 16,
		.secret_len = 32,
		.seal_limit = 1ULL << 23,
		.forge_limit = 1ULL << 52,
	}, {
		.type = TLS_CIPHER_AES_GCM_256,
		.name = "AES-256-GCM",
		.aead = "gcm(aes)",
		.simd = true,
		.hp = "ecb(aes)",
		.hash = "hmac(sha384)",
		.key_len = 32,
		.secret_len = 48,
		.seal_limit = 1ULL << 23,
		.forge_limit = 1ULL << 52,
	}, {
		.type = TLS_CIPHER_CHACHA20_POLY1305,
		.name = "CHACHA20-POLY1305",
		.aead = "rfc7539(chacha20,poly1305)",
		.hp = "chacha20",
		.hash = "hmac(sha256)",
		.key_len = 32,
		.secret_len = 32,
		.seal_limit = 1ULL << 62,	/* there are no more numbers */
		.forge_limit = 1ULL << 36,
	}, {
		.type = TLS_CIPHER_AES_CCM_128,
		.name = "AES-128-CCM",
		.aead = "ccm(aes)",
		.hp = "ecb(aes)",
		.hash = "hmac(sha256)",
		.key_len = 16,
		.secret_len = 32,
		.seal_limit = CCM_LIMIT,
		.forge_limit = CCM_LIMIT,
	},
};

const struct quic_suite *quic_suite_get(u32 type)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(suites); i++)
		if (suites[i].type == type)
			return &suites[i];
	return NULL;
}

/* Nothing else loads a CPU's AES instructions where there is no udev, and the
 * generic code costs ten times as much.
 */
MODULE_SOFTDEP("pre: crypto-aes");

int quic_crypto_init(void)
{
	int err;

	err = quic_aead_sw_setup();
	if (err)
		return err;
	err = quic_hp_setup();
	if (err)
		goto err_aead;
	err = quic_retry_setup();
	if (err)
		goto err_hp;
	err = quic_aead_async_setup();
	if (err)
		goto err_retry;
	err = quic_aead_spread_setup();
	if (err)
		goto err_async;
	return 0;
err_async:
	quic_aead_async_teardown();
err_retry:
	quic_retry_teardown();
err_hp:
	quic_hp_teardown();
err_aead:
	quic_aead_sw_teardown();
	return err;
}

void quic_crypto_exit(void)
{
	quic_aead_spread_teardown();
	quic_aead_async_teardown();
	quic_retry_teardown();
	quic_hp_teardown();
	quic_aead_sw_teardown();
}
