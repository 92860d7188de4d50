/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * The ring of xdp_quic_lb: which backend gets the clients of which hash, so that all
 * get alike many, one that comes or goes moves few, and two balancers that know the
 * same backends agree (the Maglev paper's way, section 3.4).
 *
 * For userspace, which fills quic_lb_ring (quic/xdp_maps.h).
 */
#ifndef QUIC_LB_RING_H
#define QUIC_LB_RING_H

#include <string.h>
#include <quic/xdp_maps.h>

#define QUIC_LB_RING_FREE	(~0U)

/* FNV-1a, begun at @seed */
static inline __u64 quic_lb_ring_hash(const struct quic_lb_addr *a, __u64 seed)
{
	__u64 h = 0xcbf29ce484222325ULL ^ seed;
	unsigned int i;

	for (i = 0; i < sizeof(a->octets); i++)
		h = (h ^ a->octets[i]) * 0x100000001b3ULL;
	return h ^ h >> 32;
}

/**
 * quic_lb_ring_fill - share the places of the ring
 * @ring:	QUIC_LB_RING of them; all 0 if there are no backends
 * @addr:	addresses by index, as in quic_lb_backend
 * @backend:	the indices that take part, at most QUIC_LB_BACKENDS; they are
 *		sorted by address, so that the order does not matter
 * @n:		how many
 */
static inline void quic_lb_ring_fill(__u32 *ring,
				     const struct quic_lb_addr *addr,
				     __u32 *backend, __u32 n)
{
	__u32 at[QUIC_LB_BACKENDS], step[QUIC_LB_BACKENDS], i, j, left, b;

	for (i = 1; i < n; i++) {
		b = backend[i];
		for (j = i; j && memcmp(&addr[backend[j - 1]], &addr[b],
					sizeof(*addr)) > 0; j--)
			backend[j] = backend[j - 1];
		backend[j] = b;
	}
	for (i = 0; i < n; i++) {
		b = backend[i];
		at[i] = quic_lb_ring_hash(&addr[b], 0) % QUIC_LB_RING;
		step[i] = 1 + quic_lb_ring_hash(&addr[b], 1) %
			  (QUIC_LB_RING - 1);
	}
	for (i = 0; i < QUIC_LB_RING; i++)
		ring[i] = n ? QUIC_LB_RING_FREE : 0;
	/* In turn, each its next place that nobody has. */
	for (left = n ? QUIC_LB_RING : 0, i = 0; left; left--, i = (i + 1) % n) {
		while (ring[at[i]] != QUIC_LB_RING_FREE)
			at[i] = (at[i] + step[i]) % QUIC_LB_RING;
		ring[at[i]] = backend[i];
	}
}

#endif
