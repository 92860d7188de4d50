// SPDX-License-Identifier: GPL-2.0
/*
 * Interval sets: sorted, disjoint, never touching.
 *
 * Owns:	the arithmetic; a set and its memory belong to the caller.
 * Called from:	recovery/ack.c (packet numbers), recovery/loss.c, stream/
 *		(byte ranges).
 * Context:	any that @gfp allows.
 * Locks:	the caller's; the socket lock everywhere so far.
 */
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "ranges.h"

/* Index of the first interval that ends at or after @v; s->n if none does. */
static u16 first_ending_from(const struct quic_ranges *s, u64 v)
{
	u16 lo = 0, hi = s->n;

	/* The end is where almost everything happens. */
	if (!hi || s->r[hi - 1].hi < v)
		return hi;
	if (hi == 1 || s->r[hi - 2].hi < v)
		return hi - 1;
	while (lo < hi) {
		u16 mid = lo + (hi - lo) / 2;

		if (s->r[mid].hi < v)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* Make room for one more interval. */
static int grow(struct quic_ranges *s, gfp_t gfp)
{
	struct quic_range *r;
	u16 cap;

	if (s->n < s->cap)
		return 0;
	if (s->n >= s->max)
		return -ENOSPC;
	cap = min_t(u32, s->cap * 2U, s->max);
	r = kmalloc_array(cap, sizeof(*r), gfp);
	if (!r)
		return -ENOMEM;
	memcpy(r, s->r, s->n * sizeof(*r));
	if (s->r != s->inl)
		kfree(s->r);
	s->r = r;
	s->cap = cap;
	return 0;
}

static void delete(struct quic_ranges *s, u16 at, u16 count)
{
	memmove(&s->r[at], &s->r[at + count],
		(s->n - at - count) * sizeof(*s->r));
	s->n -= count;
}

static int insert(struct quic_ranges *s, u16 at, u64 lo, u64 hi, gfp_t gfp)
{
	int err = grow(s, gfp);

	if (err)
		return err;
	memmove(&s->r[at + 1], &s->r[at], (s->n - at) * sizeof(*s->r));
	s->r[at].lo = lo;
	s->r[at].hi = hi;
	s->n++;
	return 0;
}

void quic_ranges_init(struct quic_ranges *s, u16 max)
{
	s->r = s->inl;
	s->n = 0;
	s->max = max_t(u16, max, 1);
	s->cap = min_t(u16, s->max, QUIC_RANGES_INLINE);
}

void quic_ranges_free(struct quic_ranges *s)
{
	if (s->r != s->inl)
		kfree(s->r);
	quic_ranges_init(s, s->max);
}

s64 quic_ranges_add(struct quic_ranges *s, u64 lo, u64 hi, gfp_t gfp)
{
	/* [i, j) are the intervals that overlap or touch the new one. */
	u16 i = first_ending_from(s, lo ? lo - 1 : 0);
	u64 fresh = hi - lo + 1;
	u16 j;
	int err;

	for (j = i; j < s->n; j++) {
		const struct quic_range *r = &s->r[j];

		if (r->lo > hi && r->lo - 1 > hi)
			break;
		if (r->lo <= hi && r->hi >= lo)
			fresh -= min(r->hi, hi) - max(r->lo, lo) + 1;
	}
	if (i == j) {
		err = insert(s, i, lo, hi, gfp);
		return err ? err : fresh;
	}
	s->r[i].lo = min(s->r[i].lo, lo);
	s->r[i].hi = max(s->r[j - 1].hi, hi);
	if (j - i > 1)
		delete(s, i + 1, j - i - 1);
	return fresh;
}

int quic_ranges_remove(struct quic_ranges *s, u64 lo, u64 hi, gfp_t gfp)
{
	u16 i = first_ending_from(s, lo);
	u16 j;
	int err;

	if (i == s->n)
		return 0;
	if (s->r[i].lo < lo) {
		if (s->r[i].hi > hi) {
			err = insert(s, i, s->r[i].lo, lo - 1, gfp);
			if (!err)
				s->r[i + 1].lo = hi + 1;
			return err;
		}
		s->r[i].hi = lo - 1;
		i++;
	}
	for (j = i; j < s->n && s->r[j].hi <= hi; j++)
		;
	if (j < s->n && s->r[j].lo <= hi)
		s->r[j].lo = hi + 1;
	if (j > i)
		delete(s, i, j - i);
	return 0;
}

void quic_ranges_trim(struct quic_ranges *s, u64 lo)
{
	u16 i = first_ending_from(s, lo);

	if (i)
		delete(s, 0, i);
	if (s->n && s->r[0].lo < lo)
		s->r[0].lo = lo;
	/* Idle connections are small: go back to the inline array. */
	if (s->n <= 1 && s->r != s->inl) {
		struct quic_range *r = s->r;

		s->inl[0] = r[0];
		s->r = s->inl;
		s->cap = min_t(u16, s->max, QUIC_RANGES_INLINE);
		kfree(r);
	}
}

bool quic_ranges_contains(const struct quic_ranges *s, u64 v)
{
	u16 i = first_ending_from(s, v);

	return i < s->n && s->r[i].lo <= v;
}
