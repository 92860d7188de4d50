// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: which TLS messages may follow the handshake, by the header of each
 * (RFC 8446 section 4), and what a ticket may say.
 * Called from: rx/frames, conn/ticket.
 * Context: any; the bytes are the peer's.
 * Locks: none.
 * RFC: 9001 sections 4.4, 4.6.1, 6; 8446 section 4.6.
 */
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/quic.h>
#include <linux/unaligned.h>

#include "tls_scan.h"

#define NEW_SESSION_TICKET	4
#define CERTIFICATE_REQUEST	13
#define UNEXPECTED_MESSAGE	(QUIC_TRANSPORT_ERROR_CRYPTO + 10)
#define DECODE_ERROR		(QUIC_TRANSPORT_ERROR_CRYPTO + 50)

#define HEADER			4
#define LIFETIME_AND_AGE	8
#define EXT_EARLY_DATA		42
#define EARLY_DATA_SIZE		0xffffffff

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

/* RFC9001-4.6.1-2 */
static int judge_early_data(const struct quic_cur *ext)
{
	if (quic_cur_left(ext) != 4)
		return DECODE_ERROR;
	return get_unaligned_be32(ext->p) == EARLY_DATA_SIZE ? 0 :
	       QUIC_TRANSPORT_ERROR_PROTOCOL_VIOLATION;
}

int quic_tls_ticket(const u8 *msg, u32 len)
{
	struct quic_cur c = { .p = msg, .end = msg + len };
	struct quic_cur nonce, ticket, list, ext;
	const u8 *p;
	int err = 0;

	if (!quic_get_bytes(&c, &p, HEADER + LIFETIME_AND_AGE) ||
	    !quic_get_vector(&c, 1, &nonce) ||
	    !quic_get_vector(&c, 2, &ticket) || !quic_cur_left(&ticket) ||
	    !quic_get_vector(&c, 2, &list) || quic_cur_left(&c))
		return DECODE_ERROR;
	while (!err && quic_cur_left(&list)) {
		if (!quic_get_bytes(&list, &p, 2) ||
		    !quic_get_vector(&list, 2, &ext))
			return DECODE_ERROR;
		if (get_unaligned_be16(p) == EXT_EARLY_DATA)
			err = judge_early_data(&ext);
	}
	return err;
}
