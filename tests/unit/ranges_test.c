// SPDX-License-Identifier: GPL-2.0
/*
 * Interval sets against a bitmap.
 *
 * needs: recovery/ranges.c
 */
#include "unit.h"
#include "recovery/ranges.h"

#define SPACE	200

/* Sorted, disjoint, never touching, and exactly the bits of the map? */
static void compare(const struct quic_ranges *s, const bool *map, u64 base)
{
	u16 i = 0;
	u64 v;

	for (v = 0; v < SPACE; v++) {
		if (!map[v])
			continue;
		ASSERT(i < s->n);
		EXPECT_EQ(s->r[i].lo, base + v);
		while (v + 1 < SPACE && map[v + 1])
			v++;
		EXPECT_EQ(s->r[i].hi, base + v);
		i++;
	}
	EXPECT_EQ(s->n, i);
	EXPECT_EQ(quic_ranges_empty(s), i == 0);
	for (v = 0; v < SPACE; v++)
		EXPECT_EQ(quic_ranges_contains(s, base + v), map[v]);
}

static u16 count_intervals(const bool *map)
{
	u16 n = 0;
	int v;

	for (v = 0; v < SPACE; v++)
		n += map[v] && (!v || !map[v - 1]);
	return n;
}

/* One random operation on set and map alike. */
static void step(struct quic_ranges *s, bool *map, u64 base)
{
	u64 lo = unit_rand_below(SPACE);
	u64 hi = min_t(u64, lo + unit_rand_bits(5), SPACE - 1);
	u64 op = unit_rand_below(10);
	bool want[SPACE];
	s64 fresh = 0;
	u64 v;

	memcpy(want, map, sizeof(want));
	if (op < 6) {
		for (v = lo; v <= hi; v++) {
			fresh += !want[v];
			want[v] = true;
		}
		if (count_intervals(want) > s->max) {
			unit_case("add %llu..%llu without room", lo, hi);
			EXPECT_EQ(quic_ranges_add(s, base + lo, base + hi,
						  GFP_KERNEL), -ENOSPC);
			return;
		}
		unit_case("add %llu..%llu", lo, hi);
		EXPECT_EQ(quic_ranges_add(s, base + lo, base + hi, GFP_KERNEL),
			  fresh);
	} else if (op < 9) {
		for (v = lo; v <= hi; v++)
			want[v] = false;
		unit_case("remove %llu..%llu", lo, hi);
		if (count_intervals(want) > s->max) {
			EXPECT_EQ(quic_ranges_remove(s, base + lo, base + hi,
						     GFP_KERNEL), -ENOSPC);
			return;
		}
		EXPECT_EQ(quic_ranges_remove(s, base + lo, base + hi,
					     GFP_KERNEL), 0);
	} else {
		lo = unit_rand_below(SPACE / 4);
		for (v = 0; v < lo; v++)
			want[v] = false;
		unit_case("trim below %llu", lo);
		quic_ranges_trim(s, base + lo);
	}
	memcpy(map, want, sizeof(want));
}

TEST(random_operations_agree_with_a_bitmap)
{
	static const u16 bounds[] = { 1, 2, 3, 8, 64, 500 };
	int round, i;

	for (round = 0; round < 300; round++) {
		u64 base = round % 3 == 0 ? 0 :
			   round % 3 == 1 ? U64_MAX - SPACE + 1 :
					    unit_rand_bits(62);
		bool map[SPACE] = { false };
		struct quic_ranges s;

		quic_ranges_init(&s, bounds[round % ARRAY_SIZE(bounds)]);
		for (i = 0; i < 200; i++) {
			step(&s, map, base);
			compare(&s, map, base);
		}
		quic_ranges_free(&s);
		EXPECT(quic_ranges_empty(&s));
	}
}

TEST(without_memory_the_set_stays_as_it_was)
{
	struct quic_ranges s;
	u64 v;

	quic_ranges_init(&s, 100);
	for (v = 0; v < QUIC_RANGES_INLINE; v++)
		EXPECT_EQ(quic_ranges_add(&s, 10 * v, 10 * v, GFP_KERNEL), 1);
	kshim_fail_alloc = 0;
	EXPECT_EQ(quic_ranges_add(&s, 500, 501, GFP_KERNEL), -ENOMEM);
	EXPECT_EQ(s.n, QUIC_RANGES_INLINE);
	EXPECT(!quic_ranges_contains(&s, 500));
	/* what needs no memory goes on */
	kshim_fail_alloc = 0;
	EXPECT_EQ(quic_ranges_add(&s, 1, 9, GFP_KERNEL), 9);
	kshim_fail_alloc = -1;
	EXPECT_EQ(s.n, QUIC_RANGES_INLINE - 1);
	quic_ranges_free(&s);
}

/* A million single values in order, as a stream or a packet number space
 * sees them, stay one interval and never allocate.
 */
TEST(in_order_is_one_interval)
{
	struct quic_ranges s;
	u64 v;

	quic_ranges_init(&s, 64);
	kshim_fail_alloc = 0;
	for (v = 0; v < 1000000; v++)
		quic_ranges_add(&s, v, v, GFP_KERNEL);
	kshim_fail_alloc = -1;
	EXPECT_EQ(s.n, 1);
	EXPECT_EQ(s.r[0].lo, 0);
	EXPECT_EQ(s.r[0].hi, 999999);
	quic_ranges_free(&s);
}

TEST(a_trimmed_set_gives_its_memory_back)
{
	struct quic_ranges s;
	u64 v;

	quic_ranges_init(&s, 64);
	for (v = 0; v < 64; v++)
		EXPECT_EQ(quic_ranges_add(&s, 2 * v, 2 * v, GFP_KERNEL), 1);
	EXPECT_EQ(quic_ranges_add(&s, 1000, 1000, GFP_KERNEL), -ENOSPC);
	EXPECT(s.r != s.inl);
	quic_ranges_trim(&s, 126);
	EXPECT(s.r == s.inl);
	EXPECT_EQ(s.n, 1);
	EXPECT(quic_ranges_contains(&s, 126));
	/* and works as before */
	EXPECT_EQ(quic_ranges_add(&s, 1000, 1000, GFP_KERNEL), 1);
	EXPECT_EQ(quic_ranges_add(&s, 2000, 2000, GFP_KERNEL), 1);
	quic_ranges_free(&s);
}
