/* SPDX-License-Identifier: GPL-2.0 */
/* Retry integrity, RFC 9001 section 5.8 and RFC 9369 section 3.3.3. */
#ifndef KQUIC_CRYPTO_RETRY_H
#define KQUIC_CRYPTO_RETRY_H

#include "../wire/header.h"

int quic_retry_setup(void);
void quic_retry_teardown(void);

/* The original destination's length and bytes, and a Retry packet up to its
 * tag: what the tag is computed over.
 */
#define QUIC_RETRY_PREFIX_MAX	(1 + QUIC_CID_MAX_LEN)

/* Write the tag of the pseudo-packet @p of @len bytes behind it.  @p lies in
 * linear memory (kmalloc, skb head).  BH off; 0, or -EAGAIN where the CPU
 * cannot use SIMD just now.
 */
int quic_retry_tag(u32 version, u8 *p, u16 len);

#endif
