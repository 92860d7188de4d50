/* SPDX-License-Identifier: GPL-2.0 */
/* Initial secrets, RFC 9001 section 5.2 and RFC 9369 section 3.3.1. */
#ifndef KQUIC_CRYPTO_INITIAL_H
#define KQUIC_CRYPTO_INITIAL_H

#include "suite.h"
#include "../wire/header.h"

#define QUIC_INITIAL_SECRET_LEN	32

/* Both endpoints' Initial secrets for the client's first Destination
 * Connection ID.  Process context.  0 or -errno.
 */
int quic_initial_secrets(u32 version, const struct quic_cid *dcid,
			 u8 client[QUIC_INITIAL_SECRET_LEN],
			 u8 server[QUIC_INITIAL_SECRET_LEN]);

#endif
