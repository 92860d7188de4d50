/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A bounded set of u64 intervals, kept sorted and coalesced: received packet
 * numbers, acknowledged stream bytes, bytes to send again.
 *
 * The array belongs to the set.  It starts in @inl and grows by doubling up
 * to @max entries; what happens beyond is the caller's policy (see
 * quic_ranges_add()).
 */
#ifndef KQUIC_RECOVERY_RANGES_H
#define KQUIC_RECOVERY_RANGES_H

#include <linux/types.h>
#include <linux/gfp.h>

struct quic_range {
	u64 lo;		/* inclusive */
	u64 hi;		/* inclusive */
};

#define QUIC_RANGES_INLINE	2

struct quic_ranges {
	struct quic_range *r;	/* ascending; == inl, or allocated */
	u16 n;
	u16 cap;
	u16 max;		/* bound on n */
	struct quic_range inl[QUIC_RANGES_INLINE];
};

void quic_ranges_init(struct quic_ranges *s, u16 max);
void quic_ranges_free(struct quic_ranges *s);

/**
 * quic_ranges_add - add [lo, hi]
 *
 * Return: number of values that were new (so 0 means a duplicate), or
 * -ENOSPC if it would need more than @max intervals or -ENOMEM; the set is
 * then unchanged.
 */
s64 quic_ranges_add(struct quic_ranges *s, u64 lo, u64 hi, gfp_t gfp);

/* Remove [lo, hi]; may split an interval (-ENOSPC, -ENOMEM as above). */
int quic_ranges_remove(struct quic_ranges *s, u64 lo, u64 hi, gfp_t gfp);

/* Forget everything below @lo; never fails. */
void quic_ranges_trim(struct quic_ranges *s, u64 lo);

bool quic_ranges_contains(const struct quic_ranges *s, u64 v);

static inline bool quic_ranges_empty(const struct quic_ranges *s)
{
	return !s->n;
}

#endif
