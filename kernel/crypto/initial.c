// SPDX-License-Identifier: GPL-2.0
/*
 * Initial secrets
 *
 * Owns the salts.  Called when a connection is created, and again when Retry
 * or version negotiation changes what the secrets depend on; process context,
 * no locks.
 *
 * RFC 9001 section 5.2; RFC 9369 section 3.3.1.
 */
#include <linux/errno.h>
#include <linux/string.h>
#include <uapi/linux/quic.h>

#include "hkdf.h"
#include "initial.h"

#define INITIAL_HASH	"hmac(sha256)"

static const u8 salt_v1[] = {
	0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17,
	0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a,
};

static const u8 salt_v2[] = {
	0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93,
	0x81, 0xbe, 0x6e, 0x26, 0x9d, 0xcb, 0xf9, 0xbd, 0x2e, 0xd9,
};

/* RFC9001-5.2-1 */
int quic_initial_secrets(u32 version, const struct quic_cid *dcid,
			 u8 client[QUIC_INITIAL_SECRET_LEN],
			 u8 server[QUIC_INITIAL_SECRET_LEN])
{
	const u8 *salt = version == QUIC_VERSION_V2 ? salt_v2 : salt_v1;
	u8 prk[QUIC_INITIAL_SECRET_LEN];
	int err;

	err = quic_hkdf_extract(INITIAL_HASH, salt, sizeof(salt_v1), dcid->id,
				dcid->len, prk, sizeof(prk));
	if (!err)
		err = quic_hkdf_expand_label(INITIAL_HASH, prk, sizeof(prk),
					     "client in", client,
					     QUIC_INITIAL_SECRET_LEN);
	if (!err)
		err = quic_hkdf_expand_label(INITIAL_HASH, prk, sizeof(prk),
					     "server in", server,
					     QUIC_INITIAL_SECRET_LEN);
	memzero_explicit(prk, sizeof(prk));
	return err;
}
