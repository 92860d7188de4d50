// SPDX-License-Identifier: GPL-2.0
/*
 * Packet number truncation and recovery, RFC 9000 sections 17.1, A.2, A.3.
 *
 * needs: wire/pn.c
 */
#include "unit.h"
#include "wire/pn.h"

TEST(lengths_of_section_a_2)
{
	EXPECT_EQ(quic_pn_len(0xac5c02, 0xabe8b3), 2);
	EXPECT_EQ(quic_pn_len(0xace8fe, 0xabe8b3), 3);
}

TEST(number_of_section_a_3)
{
	EXPECT_EQ(quic_pn_decode(0x9b32, 2, 0xa82f30ea), 0xa82f9b32);
}

/* RFC9000-17.1-1 */
TEST(nothing_acknowledged_sends_the_number_whole)
{
	EXPECT_EQ(quic_pn_len(0, QUIC_PN_NONE), 1);
	EXPECT_EQ(quic_pn_len(126, QUIC_PN_NONE), 1);
	EXPECT_EQ(quic_pn_len(256, QUIC_PN_NONE), 2);
	EXPECT_EQ(quic_pn_len(65536, QUIC_PN_NONE), 3);
	EXPECT_EQ(quic_pn_len(1 << 24, QUIC_PN_NONE), 4);
}

/* RFC9000-17.1-2 */
/* Section 17.1: more than twice the distance must be representable, and no
 * shorter encoding may do.
 */
TEST(length_is_the_shortest_that_spans_twice_the_distance)
{
	u64 acked, distance;
	u8 len;
	int i;

	for (i = 0; i < 200000; i++) {
		distance = 1 + unit_rand_bits(30);
		acked = unit_rand_bits(61);
		len = quic_pn_len(acked + distance, acked);
		unit_case("%llu past %llu", distance, acked);
		EXPECT(len >= 1 && len <= 4);
		EXPECT(1ULL << (8 * len) > 2 * distance);
		EXPECT(len == 1 || 1ULL << (8 * (len - 1)) <= 2 * distance);
	}
	EXPECT_EQ(quic_pn_len(127, 0), 1);
	EXPECT_EQ(quic_pn_len(128, 0), 2);
	EXPECT_EQ(quic_pn_len(32767, 0), 2);
	EXPECT_EQ(quic_pn_len(32768, 0), 3);
	EXPECT_EQ(quic_pn_len(8388607, 0), 3);
	EXPECT_EQ(quic_pn_len(8388608, 0), 4);
	EXPECT_EQ(quic_pn_len(QUIC_PN_MAX, QUIC_PN_MAX - 1), 1);
}

/* Whatever the receiver has seen between the sender's last news and the
 * packet itself, and a little beyond, the number comes out right.
 */
TEST(what_is_sent_is_what_is_decoded)
{
	u64 acked, pn, largest, span;
	int i;
	u8 len;

	for (i = 0; i < 200000; i++) {
		acked = unit_rand_bits(1) ? unit_rand_bits(60) : QUIC_PN_NONE;
		pn = acked + 1 + unit_rand_bits(29);
		len = quic_pn_len(pn, acked);
		span = 1ULL << (8 * len);
		/* from the last acknowledged to half a window past pn */
		largest = acked + unit_rand_below(pn - acked + span / 2 - 1);
		unit_case("pn %llu acked %llu largest %llu", pn, acked,
			  largest);
		EXPECT_EQ(quic_pn_decode(pn & (span - 1), len, largest), pn);
	}
}

/* By definition: of all numbers that end in these bits, the nearest to the
 * one expected next; the higher of two equally near.
 */
static u64 model_decode(u64 pn, u8 len, u64 largest)
{
	__int128 expected = largest == QUIC_PN_NONE ? 0 : largest + 1;
	__int128 span = (__int128)1 << (8 * len);
	__int128 base = expected / span * span + pn - span, best = -1, d, v;
	int i;

	for (i = 0; i < 3; i++) {
		v = base + i * span;
		if (v < 0 || v > QUIC_PN_MAX)
			continue;
		d = v > expected ? v - expected : expected - v;
		if (best < 0 || d <= (best > expected ? best - expected :
						       expected - best))
			best = v;
	}
	return best;
}

TEST(decoding_agrees_with_the_definition)
{
	u64 largest, pn;
	int i;
	u8 len;

	for (i = 0; i < 300000; i++) {
		len = 1 + unit_rand_below(4);
		pn = unit_rand() & ((1ULL << (8 * len)) - 1);
		switch (unit_rand_below(4)) {
		case 0:
			largest = QUIC_PN_NONE;
			break;
		case 1:		/* the far end of the space */
			largest = QUIC_PN_MAX - unit_rand_bits(34);
			break;
		default:
			largest = unit_rand_bits(62);
		}
		unit_case("%llx of %u bytes after %llx", pn, len, largest);
		EXPECT_EQ(quic_pn_decode(pn, len, largest),
			  model_decode(pn, len, largest));
	}
}

TEST(ends_of_the_number_space)
{
	EXPECT_EQ(quic_pn_decode(0, 1, QUIC_PN_NONE), 0);
	EXPECT_EQ(quic_pn_decode(0xff, 1, QUIC_PN_NONE), 0xff);
	EXPECT_EQ(quic_pn_decode(0xff, 1, 0), 0xff);
	EXPECT_EQ(quic_pn_decode(0, 1, 0xff), 0x100);
	EXPECT_EQ(quic_pn_decode(0xff, 1, QUIC_PN_MAX - 1), QUIC_PN_MAX);
	/* no number above 2^62 - 1, even if that were nearer */
	EXPECT_EQ(quic_pn_decode(0, 1, QUIC_PN_MAX - 1), QUIC_PN_MAX - 0xff);
}
