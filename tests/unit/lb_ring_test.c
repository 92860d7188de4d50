// SPDX-License-Identifier: GPL-2.0
/*
 * The ring of xdp_quic_lb (quic/lb_ring.h): alike many places for all, few of them moved
 * when a backend comes or goes, the same for all balancers.
 */
#include "unit.h"
#include <quic/lb_ring.h>

#define BACKENDS	37

static struct quic_lb_addr addr[BACKENDS];
static u32 one[QUIC_LB_RING], other[QUIC_LB_RING];

static void addresses(void)
{
	int i;

	for (i = 0; i < BACKENDS; i++)
		unit_rand_bytes(addr[i].octets, sizeof(addr[i].octets));
}

/* All but @without, forwards or backwards. */
static void fill(u32 *ring, u32 without, int backwards)
{
	u32 list[BACKENDS], n = 0, i, b;

	for (i = 0; i < BACKENDS; i++) {
		b = backwards ? BACKENDS - 1 - i : i;
		if (b != without)
			list[n++] = b;
	}
	quic_lb_ring_fill(ring, addr, list, n);
}

TEST(all_get_alike_many_places)
{
	u32 got[BACKENDS] = {}, i;

	addresses();
	fill(one, BACKENDS, 0);
	for (i = 0; i < QUIC_LB_RING; i++) {
		EXPECT(one[i] < BACKENDS);
		got[one[i] % BACKENDS]++;
	}
	for (i = 0; i < BACKENDS; i++)
		EXPECT(got[i] == QUIC_LB_RING / BACKENDS ||
		       got[i] == QUIC_LB_RING / BACKENDS + 1);
}

TEST(the_order_of_backends_is_nothing)
{
	addresses();
	fill(one, BACKENDS, 0);
	fill(other, BACKENDS, 1);
	EXPECT(!memcmp(one, other, sizeof(one)));
}

TEST(one_that_goes_moves_few)
{
	u32 moved = 0, i;

	addresses();
	fill(one, BACKENDS, 0);
	fill(other, 5, 0);
	for (i = 0; i < QUIC_LB_RING; i++) {
		EXPECT(other[i] != 5);
		moved += one[i] != 5 && one[i] != other[i];
	}
	/* The paper has 2 % at this size; all could move. */
	EXPECT(moved < QUIC_LB_RING / 20);
}

TEST(nobody)
{
	u32 i;

	memset(one, 0xff, sizeof(one));
	quic_lb_ring_fill(one, addr, NULL, 0);
	for (i = 0; i < QUIC_LB_RING; i++)
		EXPECT_EQ(one[i], 0);
}
