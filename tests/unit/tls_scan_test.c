// SPDX-License-Identifier: GPL-2.0
/*
 * TLS messages after the handshake, RFC 9001 sections 4.4, 4.6.1 and 6: tickets
 * pass, however they are cut, and nothing else does.
 *
 * needs: wire/tls_scan.c
 */
#include <linux/quic.h>
#include "unit.h"
#include "wire/tls_scan.h"

#define UNEXPECTED	(QUIC_TRANSPORT_ERROR_CRYPTO + 10)
#define DECODE_ERROR	(QUIC_TRANSPORT_ERROR_CRYPTO + 50)

static const u8 two_tickets[] = {
	4, 0, 0, 3, 24, 24, 24,		/* bodies are not looked into */
	4, 0, 0, 0,
};

TEST(tickets_in_any_pieces)
{
	u32 cut, more;

	for (cut = 0; cut <= sizeof(two_tickets); cut++)
		for (more = cut; more <= sizeof(two_tickets); more++) {
			struct quic_tls_scan s = {};
			const u8 *p = two_tickets;

			EXPECT_EQ(quic_tls_scan(&s, false, p, cut), 0);
			EXPECT_EQ(quic_tls_scan(&s, false, p + cut, more - cut),
				  0);
			EXPECT_EQ(quic_tls_scan(&s, false, p + more,
						sizeof(two_tickets) - more), 0);
			EXPECT_EQ(s.left, 0);
			EXPECT_EQ(s.have, 0);
		}
}

/* RFC9001-4.4-4 RFC9001-6-2 */
/* KeyUpdate, RFC9001-6-2, and CertificateRequest, RFC9001-4.4-4 */
TEST(others_from_a_server)
{
	u32 type;

	for (type = 0; type < 256; type++) {
		struct quic_tls_scan s = {};
		u8 p[sizeof(two_tickets) + 1];

		memcpy(p, two_tickets, sizeof(two_tickets));
		p[sizeof(two_tickets)] = type;
		EXPECT_EQ(quic_tls_scan(&s, false, p, sizeof(p)),
			  type == 4 ? 0 :
			  type == 13 ? QUIC_TRANSPORT_ERROR_PROTOCOL_VIOLATION :
			  UNEXPECTED);
	}
}

TEST(anything_from_a_client)
{
	struct quic_tls_scan s = {};

	EXPECT_EQ(quic_tls_scan(&s, true, two_tickets, 0), 0);
	EXPECT_EQ(quic_tls_scan(&s, true, two_tickets, 1), UNEXPECTED);
}

TEST(long_message)
{
	struct quic_tls_scan s = {};
	static const u8 head[] = { 4, 0xff, 0xff, 0xff };
	static u8 body[0xffffff];

	EXPECT_EQ(quic_tls_scan(&s, false, head, sizeof(head)), 0);
	EXPECT_EQ(quic_tls_scan(&s, false, body, sizeof(body)), 0);
	EXPECT_EQ(s.left, 0);
	EXPECT_EQ(quic_tls_scan(&s, false, body, 1), UNEXPECTED);
}

/* ---- what a ticket says -------------------------------------------------------- */

/* Of one early_data extension behind an unknown one. */
static const u8 ticket[] = {
	4, 0, 0, 37,
	0, 0, 28, 32, 1, 2, 3, 4,	/* lifetime, age */
	2, 0, 1,			/* nonce */
	0, 5, 9, 9, 9, 9, 9,		/* ticket */
	0, 15, 0x1a, 0x1a, 0, 3, 7, 7, 7, 0, 42, 0, 4, 255, 255, 255, 255,
};

/* RFC9001-4.6.1-2 */
TEST(early_data_has_one_size)
{
	u8 p[sizeof(ticket)];
	u32 i;

	memcpy(p, ticket, sizeof(p));
	EXPECT_EQ(quic_tls_ticket(p, sizeof(p)), 0);
	for (i = sizeof(p) - 4; i < sizeof(p); i++) {
		p[i] ^= 1;
		EXPECT_EQ(quic_tls_ticket(p, sizeof(p)),
			  QUIC_TRANSPORT_ERROR_PROTOCOL_VIOLATION);
		p[i] ^= 1;
	}
	/* Another extension may say anything. */
	p[sizeof(p) - 7]++;
	p[sizeof(p) - 1] = 0;
	EXPECT_EQ(quic_tls_ticket(p, sizeof(p)), 0);
}

TEST(damaged_ticket)
{
	u8 p[sizeof(ticket) + 1] = {};
	u32 len;

	memcpy(p, ticket, sizeof(ticket));
	for (len = 0; len < sizeof(ticket); len++) {
		/* Of its own, so that the sanitizer sees what is read behind it. */
		u8 *part = kmemdup(p, len, GFP_KERNEL);

		EXPECT_EQ(quic_tls_ticket(part, len), DECODE_ERROR);
		kfree(part);
	}
	EXPECT_EQ(quic_tls_ticket(p, sizeof(p)), DECODE_ERROR);
	/* early_data of three bytes; then an empty ticket. */
	p[sizeof(ticket) - 5]--;
	p[23]--;
	EXPECT_EQ(quic_tls_ticket(p, sizeof(ticket) - 1), DECODE_ERROR);
	memcpy(p, ticket, sizeof(ticket));
	p[16] = 0;
	EXPECT_EQ(quic_tls_ticket(p, sizeof(ticket)), DECODE_ERROR);
}
