// SPDX-License-Identifier: GPL-2.0
/*
 * TLS messages after the handshake, RFC 9001 sections 4.4 and 6: tickets pass,
 * however they are cut, and nothing else does.
 *
 * needs: wire/tls_scan.c
 */
#include <linux/quic.h>
#include "unit.h"
#include "wire/tls_scan.h"

#define UNEXPECTED	(QUIC_TRANSPORT_ERROR_CRYPTO + 10)

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
