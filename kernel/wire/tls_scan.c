// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: which TLS messages may follow the handshake; looks at nothing but the
 * header of each (RFC 8446 section 4).
 * Called from: rx/frames.
 * Context: any; the bytes are the peer's.
 * Locks: none.
 * RFC: 9001 sections 4.4, 6; 8446 section 4.6.
 */
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/quic.h>
#include <linux/unaligned.h>

#include "tls_scan.h"

#define NEW_SESSION_TICKET	4
#define CERTIFICATE_REQUEST	13
#define UNEXPECTED_MESSAGE	(QUIC_TRANSPORT_ERROR_CRYPTO + 10)

/* RFC9001-4.4-4 RFC9001-6-2 */
static int judge(bool from_client, u8 type)
{
	if (from_client)
		return UNEXPECTED_MESSAGE;
	if (type == NEW_SESSION_TICKET)
		return 0;
	return type == CERTIFICATE_REQUEST ?
	       QUIC_TRANSPORT_ERROR_PROTOCOL_VIOLATION : UNEXPECTED_MESSAGE;
}

int quic_tls_scan(struct quic_tls_scan *s, bool from_client, const u8 *p,
		  u32 len)
{
	const u8 *end = p + len;
	int err;

	while (p < end) {
		if (s->left) {
			u32 n = min_t(u32, s->left, end - p);

			s->left -= n;
			p += n;
			continue;
		}
		/* The type alone decides: no need to see the length. */
		if (!s->have) {
			err = judge(from_client, *p);
			if (err)
				return err;
		}
		s->head[s->have++] = *p++;
		if (s->have == sizeof(s->head)) {
			s->left = get_unaligned_be24(s->head + 1);
			s->have = 0;
		}
	}
	return 0;
}
