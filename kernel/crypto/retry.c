// SPDX-License-Identifier: GPL-2.0
/*
 * Retry integrity tags
 *
 * Owns the two keys that everyone knows, one per version.  They prove nothing
 * but that a Retry answers an Initial which its sender has seen.  Set-up and
 * tear-down in process context; quic_retry_tag() is called from tx/stateless
 * and rx/stateless with BH off.
 *
 * RFC 9001 section 5.8; RFC 9369 section 3.3.3.
 */
#include <linux/errno.h>
#include <uapi/linux/quic.h>
#include <uapi/linux/tls.h>

#include "aead.h"
#include "retry.h"

struct retry_key {
	u32 version;
	u8 raw[16];
	u8 iv[QUIC_IV_LEN];
};

static const struct retry_key known[] = {
	{
		.version = QUIC_VERSION_V1,
		.raw = { 0xbe, 0x0c, 0x69, 0x0b, 0x9f, 0x66, 0x57, 0x5a,
			 0x1d, 0x76, 0x6b, 0x54, 0xe3, 0x68, 0xc8, 0x4e },
		.iv = { 0x46, 0x15, 0x99, 0xd3, 0x5d, 0x63,
			0x2b, 0xf2, 0x23, 0x98, 0x25, 0xbb },
	}, {
		.version = QUIC_VERSION_V2,
		.raw = { 0x8f, 0xb4, 0xb0, 0x1b, 0x56, 0xac, 0x48, 0xe2,
			 0x60, 0xfb, 0xcb, 0xce, 0xad, 0x7c, 0xcc, 0x92 },
		.iv = { 0xd8, 0x69, 0x69, 0xbc, 0x2d, 0x7c,
			0x6d, 0x99, 0x90, 0xef, 0xb0, 0x4a },
	},
};

static struct quic_aead_key keys[ARRAY_SIZE(known)];

int quic_retry_tag(u32 version, u8 *p, u16 len)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(known); i++)
		if (known[i].version == version)
			return quic_aead_seal_one(&keys[i], p, len,
						  len + QUIC_TAG_LEN, 0);
	return -EPROTONOSUPPORT;
}

void quic_retry_teardown(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(keys); i++)
		quic_aead_key_free(&keys[i]);
}

int quic_retry_setup(void)
{
	const struct quic_suite *suite = quic_suite_get(TLS_CIPHER_AES_GCM_128);
	int i, err = 0;

	for (i = 0; i < ARRAY_SIZE(known) && !err; i++)
		err = quic_aead_key_set(&keys[i], &quic_aead_sw, suite,
					known[i].raw, known[i].iv);
	if (err)
		quic_retry_teardown();
	return err;
}
