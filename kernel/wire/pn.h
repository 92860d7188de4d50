/* SPDX-License-Identifier: GPL-2.0 */
/* Packet numbers: how many bytes to send, what a truncated one means. */
#ifndef KQUIC_WIRE_PN_H
#define KQUIC_WIRE_PN_H

#include <linux/types.h>

#define QUIC_PN_NONE	U64_MAX		/* "no packet yet" */
#define QUIC_PN_MAX	((1ULL << 62) - 1)

/* Bytes needed (1..4) so that the peer can recover @pn when @largest_acked
 * (QUIC_PN_NONE: nothing) is all that it surely knows; RFC 9000 section A.2.
 */
u8 quic_pn_len(u64 pn, u64 largest_acked);

/* The full number for the truncated @pn of @len bytes, given the @largest
 * (QUIC_PN_NONE: none) received so far; RFC 9000 section A.3.
 */
u64 quic_pn_decode(u32 pn, u8 len, u64 largest);

#endif
