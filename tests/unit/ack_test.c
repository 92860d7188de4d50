// SPDX-License-Identifier: GPL-2.0
/*
 * Receiving half of a packet number space against a naive model.
 *
 * needs: recovery/ack.c recovery/ranges.c wire/varint.c wire/frame.c
 * needs: wire/header.c
 */
#include "unit.h"
#include "recovery/ack.h"
#include "wire/frame.h"
#include "wire/pn.h"

#define MS	NSEC_PER_MSEC
#define DELAY	(25 * MS)
#define SPACE	4096

/* Write, parse, and mark what is acknowledged. Return: largest. */
static u64 read_back(const struct quic_ack *a, u64 now, u8 exponent,
		     size_t room, bool *acked, struct quic_frame *f)
{
	struct quic_ack_iter it;
	struct quic_cur c;
	u64 largest, lo, hi;
	static u8 buf[2048];
	struct quic_out o = { .p = buf, .end = buf + room };

	memset(acked, 0, SPACE);
	largest = quic_ack_write(&o, a, now, exponent);
	EXPECT(!o.overflow);
	if (largest == QUIC_PN_NONE) {
		EXPECT(o.p == buf);
		return largest;
	}
	c = (struct quic_cur){ .p = buf, .end = o.p };
	EXPECT_EQ(quic_frame_parse(&c, f), 0);
	EXPECT(c.p == c.end);
	EXPECT_EQ(f->kind, QUIC_FRAME_ACK);
	EXPECT_EQ(f->ack.largest, largest);
	quic_ack_iter_init(&it, f);
	while (quic_ack_iter_next(&it, f, &lo, &hi)) {
		EXPECT(lo <= hi && hi < SPACE);
		while (lo <= hi)
			acked[lo++] = true;
	}
	return largest;
}

/* RFC9000-13.2.1-1 */
TEST(in_order_every_second_packet)
{
	struct quic_ack a;

	quic_ack_init(&a);
	EXPECT(!quic_ack_owed(&a));
	quic_ack_on_packet(&a, 0, 1000, true, 0, DELAY);
	EXPECT(quic_ack_owed(&a));
	EXPECT(!quic_ack_due(&a, 1000));
	EXPECT_EQ(a.deadline, 1000 + DELAY);
	EXPECT(!quic_ack_due(&a, 999 + DELAY));
	EXPECT(quic_ack_due(&a, 1000 + DELAY));
	/* the deadline is that of the first packet */
	quic_ack_on_packet(&a, 1, 2000, true, 0, DELAY);
	EXPECT_EQ(a.deadline, 1000 + DELAY);
	EXPECT(quic_ack_due(&a, 2000));
	quic_ack_on_sent(&a);
	EXPECT(!quic_ack_owed(&a));
	EXPECT(!quic_ack_due(&a, U64_MAX));
	quic_ack_free(&a);
}

/* @n packets in order, a millisecond apart, each with what is due by then. */
static u32 in_order(struct quic_ack *a, u64 *pn, u64 *now, u32 n, u64 min_rtt)
{
	u32 acks = 0;

	while (n--) {
		if (quic_ack_due(a, *now)) {
			quic_ack_on_sent(a);
			quic_ack_adapt(a, min_rtt);
			acks++;
		}
		quic_ack_on_packet(a, (*pn)++, *now += MS, true, 0, DELAY);
	}
	return acks;
}

/* RFC 9000 section 13.2.2 */
TEST(acks_become_rarer)
{
	u64 pn = 0, now = MS;
	struct quic_ack a;

	quic_ack_init(&a);
	EXPECT_EQ(in_order(&a, &pn, &now, 101, 80 * MS), 50);
	/* seven packets: five milliseconds after the second */
	EXPECT_EQ(in_order(&a, &pn, &now, 600, 80 * MS), 85);
	/* ten packets, where that would be longer */
	EXPECT(in_order(&a, &pn, &now, 1000, 800 * MS) <= 101);
	/* there is no timer for so little */
	in_order(&a, &pn, &now, 10, 3 * MS);
	EXPECT_EQ(in_order(&a, &pn, &now, 100, 3 * MS), 50);
	in_order(&a, &pn, &now, 10, 800 * MS);
	/* one alone is as before */
	if (quic_ack_due(&a, now + DELAY))
		quic_ack_on_sent(&a);
	EXPECT(!quic_ack_owed(&a));
	quic_ack_on_packet(&a, pn++, now, true, 0, DELAY);
	EXPECT_EQ(a.deadline, now + DELAY);
	/* CE marks and gaps do not wait */
	quic_ack_on_packet(&a, pn++, now, true, 3, DELAY);
	EXPECT(quic_ack_due(&a, now));
	quic_ack_on_sent(&a);
	quic_ack_on_packet(&a, pn++, now, true, 3, DELAY);
	EXPECT(quic_ack_due(&a, now));
	quic_ack_on_sent(&a);
	quic_ack_on_packet(&a, ++pn, now, true, 0, DELAY);
	EXPECT(quic_ack_due(&a, now));
	quic_ack_on_sent(&a);
	/* who asks gets what is asked for */
	quic_ack_on_frequency(&a, 0, 3, DELAY, 1);
	EXPECT_EQ(in_order(&a, &pn, &now, 41, 40 * MS), 10);
	quic_ack_free(&a);
}

/* RFC9000-13.2.1-2 */
TEST(initial_and_handshake_do_not_wait)
{
	struct quic_ack a;

	quic_ack_init(&a);
	quic_ack_on_packet(&a, 0, 1000, true, 0, 0);
	EXPECT(quic_ack_due(&a, 1000));
	quic_ack_free(&a);
	/* even at time zero */
	quic_ack_init(&a);
	quic_ack_on_packet(&a, 0, 0, true, 0, 0);
	EXPECT(quic_ack_owed(&a));
	quic_ack_free(&a);
}

/* RFC9000-13.2.1-4 */
TEST(packets_that_elicit_nothing_are_owed_nothing)
{
	struct quic_ack a;
	int i;

	quic_ack_init(&a);
	/* RFC 9000 section 13.2.1: not even after a gap */
	for (i = 0; i < 10; i++)
		quic_ack_on_packet(&a, 3 * i, 1000, false, 0, DELAY);
	EXPECT(!quic_ack_owed(&a));
	EXPECT(!quic_ack_due(&a, U64_MAX));
	/* but that gap speeds up the ACK of what follows */
	quic_ack_on_packet(&a, 28, 1000, true, 0, DELAY);
	EXPECT(quic_ack_due(&a, 1000));
	quic_ack_free(&a);
}

TEST(gaps_reordering_and_ce_do_not_wait)
{
	struct quic_ack a;

	quic_ack_init(&a);
	quic_ack_on_packet(&a, 0, 1000, true, 0, DELAY);
	quic_ack_on_sent(&a);
	quic_ack_on_packet(&a, 2, 1000, true, 0, DELAY);
	EXPECT(quic_ack_due(&a, 1000));
	quic_ack_on_sent(&a);
	quic_ack_on_packet(&a, 3, 1000, true, 0, DELAY);
	EXPECT(!quic_ack_due(&a, 1000));
	quic_ack_on_packet(&a, 1, 1001, true, 0, DELAY);
	EXPECT(quic_ack_due(&a, 1001));
	EXPECT_EQ(a.largest, 3);
	EXPECT_EQ(a.largest_time, 1000);
	quic_ack_on_sent(&a);
	quic_ack_on_packet(&a, 4, 1002, true, 3, DELAY);
	EXPECT(quic_ack_due(&a, 1002));
	quic_ack_on_sent(&a);
	quic_ack_on_packet(&a, 5, 1003, true, 2, DELAY);
	quic_ack_on_packet(&a, 6, 1003, false, 1, DELAY);
	EXPECT(!quic_ack_due(&a, 1003));
	EXPECT_EQ(a.ecn[0], 1);
	EXPECT_EQ(a.ecn[1], 1);
	EXPECT_EQ(a.ecn[2], 1);
	quic_ack_free(&a);
}

/* RFC9000-13.2.5-1 RFC9000-13.4.1-1 */
TEST(the_frame_carries_delay_and_ecn_counts)
{
	static bool acked[SPACE];
	struct quic_frame f;
	struct quic_ack a;

	quic_ack_init(&a);
	EXPECT_EQ(read_back(&a, 5, 3, 100, acked, &f), QUIC_PN_NONE);
	quic_ack_on_packet(&a, 7, 10 * MS, true, 0, DELAY);
	EXPECT_EQ(read_back(&a, 18 * MS, 3, 100, acked, &f), 7);
	EXPECT_EQ(f.ack.delay, 1000);
	EXPECT(!f.ack.has_ecn);
	EXPECT_EQ(f.ack.range_count, 0);
	/* a clock that stood still, or went back */
	EXPECT_EQ(read_back(&a, 10 * MS, 3, 100, acked, &f), 7);
	EXPECT_EQ(f.ack.delay, 0);
	EXPECT_EQ(read_back(&a, 9 * MS, 0, 100, acked, &f), 7);
	EXPECT_EQ(f.ack.delay, 0);

	quic_ack_on_packet(&a, 8, 11 * MS, true, 2, DELAY);
	quic_ack_on_packet(&a, 9, 12 * MS, true, 3, DELAY);
	EXPECT_EQ(read_back(&a, 12 * MS, 3, 100, acked, &f), 9);
	EXPECT(f.ack.has_ecn);
	EXPECT_EQ(f.ack.ecn[0], 1);
	EXPECT_EQ(f.ack.ecn[1], 0);
	EXPECT_EQ(f.ack.ecn[2], 1);
	quic_ack_free(&a);
}

/* However little room, what is written parses, keeps the highest ranges and
 * could not have held one more.
 */
TEST(as_many_ranges_as_fit)
{
	static bool all[SPACE], some[SPACE];
	struct quic_frame f;
	struct quic_ack a;
	u64 pn = 0, v, last, lowest;
	size_t room;
	int i;

	quic_ack_init(&a);
	for (i = 0; i < 60; i++) {
		pn += 2 + unit_rand_bits(5);
		quic_ack_on_packet(&a, pn, 1000, true, i % 4, DELAY);
	}
	EXPECT_EQ(read_back(&a, 1000, 3, 2048, all, &f), pn);
	last = 0;
	for (room = 0; room < 300; room++) {
		unit_case("room %zu", room);
		if (read_back(&a, 1000, 3, room, some, &f) == QUIC_PN_NONE) {
			EXPECT(room < 12 && !last);
			continue;
		}
		EXPECT_EQ(f.ack.largest, pn);
		/* one more byte of room, at most one more range */
		EXPECT(f.ack.range_count >= last);
		EXPECT(f.ack.range_count <= last + 1);
		last = f.ack.range_count;
		for (lowest = 0; !some[lowest]; lowest++)
			;
		for (v = lowest; v <= pn; v++)
			EXPECT_EQ(some[v], all[v]);
	}
	EXPECT_EQ(last, 59);
	quic_ack_free(&a);
}

/* RFC9000-12.3-4 RFC9000-12.3-5 */
/* The model: which numbers were processed, and a floor below which nothing
 * is accepted any more.
 */
TEST(random_arrivals_agree_with_the_model)
{
	static bool seen[SPACE], acked[SPACE];
	int round, i;

	for (round = 0; round < 400; round++) {
		u64 loss = unit_rand_below(60), largest = QUIC_PN_NONE;
		u64 base = 0, now = 1, pn, v;
		struct quic_frame f;
		struct quic_ack a;

		memset(seen, 0, sizeof(seen));
		quic_ack_init(&a);
		for (i = 0; i < 700; i++) {
			/* base advances, arrivals scatter around it */
			base += 1 + (unit_rand_below(100) < loss);
			pn = base + unit_rand_bits(unit_rand_below(8));
			if (pn >= SPACE)
				break;
			now += unit_rand_bits(20);
			unit_case("round %d arrival %d of %llu", round, i, pn);
			if (quic_ack_is_duplicate(&a, pn)) {
				EXPECT(seen[pn] || pn < a.floor);
				continue;
			}
			EXPECT(!seen[pn]);
			seen[pn] = true;
			if (largest == QUIC_PN_NONE || pn > largest)
				largest = pn;
			quic_ack_on_packet(&a, pn, now, unit_rand_bits(1), 0,
					   DELAY);
			EXPECT_EQ(a.largest, largest);
			EXPECT(quic_ack_is_duplicate(&a, pn));
			/* the ACK is acknowledged some time */
			if (unit_rand_below(10) == 0)
				quic_ack_on_acked(&a, largest -
						  unit_rand_below(largest + 1));

			EXPECT_EQ(read_back(&a, now, 3, 2048, acked, &f),
				  largest);
			/* all processed and not below the floor, no others */
			for (v = 0; v <= largest; v++)
				EXPECT_EQ(acked[v], seen[v] && v >= a.floor);
		}
		quic_ack_free(&a);
	}
}

/* RFC9000-13.2.3-1 */
/* A peer that leaves gaps for ever costs no more memory than the bound, and
 * nothing is accepted twice.
 */
TEST(gaps_beyond_the_bound_raise_the_floor)
{
	struct quic_ack a;
	u64 pn;

	quic_ack_init(&a);
	for (pn = 0; pn < 4000; pn += 2) {
		EXPECT(!quic_ack_is_duplicate(&a, pn));
		quic_ack_on_packet(&a, pn, 1000, true, 0, DELAY);
	}
	EXPECT_EQ(a.seen.n, QUIC_ACK_MAX_RANGES);
	EXPECT_EQ(a.floor, 3998 - 2 * QUIC_ACK_MAX_RANGES + 1);
	for (pn = 0; pn < a.floor; pn++)
		EXPECT(quic_ack_is_duplicate(&a, pn));
	for (; pn < 4000; pn++)
		EXPECT_EQ(quic_ack_is_duplicate(&a, pn), pn % 2 == 0);
	/* a late one below all ranges, when there is no room for it */
	a.floor = 0;
	quic_ack_on_packet(&a, 100, 1000, true, 0, DELAY);
	EXPECT_EQ(a.floor, 101);
	EXPECT_EQ(a.seen.n, QUIC_ACK_MAX_RANGES);
	quic_ack_free(&a);
}

TEST(without_memory_old_packets_are_forgotten_not_new_ones)
{
	struct quic_ack a;
	u64 pn;

	quic_ack_init(&a);
	for (pn = 0; pn < 100; pn += 2) {
		kshim_fail_alloc = 0;
		EXPECT(!quic_ack_is_duplicate(&a, pn));
		quic_ack_on_packet(&a, pn, 1000, true, 0, DELAY);
		EXPECT(quic_ack_is_duplicate(&a, pn));
		EXPECT_EQ(a.largest, pn);
		kshim_fail_alloc = -1;
	}
	EXPECT_EQ(a.seen.n, QUIC_RANGES_INLINE);
	quic_ack_free(&a);
}

/* RFC9000-13.2.3-2 */
TEST(an_acknowledged_ack_leaves_only_the_largest)
{
	struct quic_ack a;

	quic_ack_init(&a);
	quic_ack_on_acked(&a, 5);
	quic_ack_on_packet(&a, 0, 1000, true, 0, DELAY);
	quic_ack_on_acked(&a, 0);
	EXPECT(quic_ack_is_duplicate(&a, 0));
	EXPECT_EQ(a.seen.n, 1);
	quic_ack_on_packet(&a, 1, 1000, true, 0, DELAY);
	quic_ack_on_packet(&a, 4, 1000, true, 0, DELAY);
	/* a peer cannot acknowledge more than we reported; if so, no harm */
	quic_ack_on_acked(&a, 1000);
	EXPECT_EQ(a.seen.n, 1);
	EXPECT_EQ(a.seen.r[0].lo, 4);
	EXPECT_EQ(a.seen.r[0].hi, 4);
	EXPECT(quic_ack_is_duplicate(&a, 3));
	EXPECT(!quic_ack_is_duplicate(&a, 5));
	quic_ack_on_packet(&a, 5, 1000, true, 0, DELAY);
	EXPECT_EQ(a.seen.n, 1);
	quic_ack_free(&a);
}

/* ---- draft-ietf-quic-ack-frequency ------------------------------------------------ */

/* Section 4: more than the threshold, or the delay. */
TEST(as_seldom_as_the_peer_wants)
{
	struct quic_ack a;
	u64 pn;

	quic_ack_init(&a);
	quic_ack_on_frequency(&a, 5, 9, 50 * MS, 1);
	EXPECT_EQ(a.delay, 50 * MS);
	for (pn = 0; pn < 9; pn++)
		quic_ack_on_packet(&a, pn, 1000, true, 0, a.delay);
	EXPECT(!quic_ack_due(&a, 1000));
	EXPECT(quic_ack_due(&a, 1000 + 50 * MS));
	quic_ack_on_packet(&a, pn++, 1000, true, 0, a.delay);
	EXPECT(quic_ack_due(&a, 1000));
	quic_ack_on_sent(&a);
	/* Obsolete: reordered on the way, and a duplicate. */
	quic_ack_on_frequency(&a, 4, 0, 1 * MS, 1);
	quic_ack_on_frequency(&a, 5, 0, 1 * MS, 1);
	EXPECT_EQ(a.every, 10);
	quic_ack_on_frequency(&a, 6, 0, 1 * MS, 1);
	quic_ack_on_packet(&a, pn, 1000, true, 0, a.delay);
	EXPECT(quic_ack_due(&a, 1000));
	quic_ack_free(&a);
}

/* The examples of section 6.2.1 of the draft. */
TEST(reordering_threshold)
{
	static const struct {
		u64 threshold;
		u64 pn[10];
		bool due[10];
		int n;
	} cases[] = {
		{ 1, { 0, 1, 3, 4, 2, 5 }, { 0, 0, 1, 0, 1, 0 }, 6 },
		{ 3, { 0, 1, 3, 4, 5, 8, 9, 10 },
		  { 0, 0, 0, 0, 1, 0, 1, 1 }, 8 },
		{ 5, { 0, 1, 3, 5, 6, 7, 8, 9 },
		  { 0, 0, 0, 0, 0, 1, 0, 1 }, 8 },
		/* what was declared lost comes late */
		{ 3, { 0, 1, 3, 4, 5, 2 }, { 0, 0, 0, 0, 1, 1 }, 6 },
		{ 0, { 0, 9, 3, 8, 1, 20 }, { 0 }, 6 },
	};
	struct quic_ack a;
	int i, k;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		quic_ack_init(&a);
		quic_ack_on_frequency(&a, 0, 1000, DELAY,
				      cases[i].threshold);
		for (k = 0; k < cases[i].n; k++) {
			unit_case("threshold %llu, packet %llu",
				  cases[i].threshold, cases[i].pn[k]);
			quic_ack_on_packet(&a, cases[i].pn[k], 1000, true, 0,
					   DELAY);
			EXPECT_EQ(quic_ack_due(&a, 1000), cases[i].due[k]);
			if (quic_ack_due(&a, 1000))
				quic_ack_on_sent(&a);
		}
		quic_ack_free(&a);
	}
}

/* Section 6.4: the first of a run of CE marks. */
TEST(ce_marks_when_acks_are_few)
{
	static const struct { u8 ecn; bool due; } steps[] = {
		{ 2, false }, { 3, true }, { 3, false }, { 3, false },
		{ 2, false }, { 3, true },
	};
	struct quic_ack a;
	u64 pn;

	quic_ack_init(&a);
	quic_ack_on_frequency(&a, 0, 100, DELAY, 1);
	for (pn = 0; pn < ARRAY_SIZE(steps); pn++) {
		quic_ack_on_packet(&a, pn, 1000, true, steps[pn].ecn, DELAY);
		EXPECT_EQ(quic_ack_due(&a, 1000), steps[pn].due);
		if (steps[pn].due)
			quic_ack_on_sent(&a);
	}
	quic_ack_free(&a);
}
