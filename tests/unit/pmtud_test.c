// SPDX-License-Identifier: GPL-2.0
/*
 * The search for a path's packet size: RFC 8899 section 5, RFC 9000 section
 * 14.3.
 *
 * needs: recovery/pmtud.c
 */
#include "unit.h"
#include "recovery/pmtud.h"

#define RAISE	(600 * NSEC_PER_SEC)

static struct quic_pmtud pm;
static u64 now, id;
static u32 probes;

static void start(u16 max)
{
	now = NSEC_PER_SEC;
	probes = 0;
	quic_pmtud_init(&pm);
	quic_pmtud_set_max(&pm, max);
}

/* Search on a path that carries @mtu until there is nothing to ask. */
static void search_on(u16 mtu)
{
	u16 size;

	while ((size = quic_pmtud_next(&pm, now))) {
		EXPECT_EQ(size % QUIC_PMTUD_STEP, 0);
		EXPECT(size > pm.size && size <= pm.max);
		quic_pmtud_on_sent(&pm, ++id);
		/* one at a time */
		EXPECT_EQ(quic_pmtud_next(&pm, now), 0);
		now += NSEC_PER_MSEC;
		if (size <= mtu) {
			EXPECT(quic_pmtud_on_acked(&pm, id, now, RAISE));
			EXPECT_EQ(pm.size, size);
		} else {
			quic_pmtud_on_lost(&pm, id, false, now, RAISE);
		}
		if (++probes > 100)
			break;
	}
	EXPECT_EQ(pm.state, QUIC_PMTUD_COMPLETE);
}

TEST(nothing_to_look_for)
{
	start(1200);
	EXPECT_EQ(pm.size, 1200);
	EXPECT_EQ(quic_pmtud_next(&pm, now), 0);
	/* RFC 9000 section 14: never below, whatever anyone says. */
	quic_pmtud_set_max(&pm, 500);
	EXPECT_EQ(pm.size, 1200);
	EXPECT_EQ(pm.max, 1200);
}

/* RFC8899-5.1.1-2 */
/* The usual path: one probe. */
TEST(the_interface_is_right)
{
	start(1472);
	search_on(1472);
	EXPECT_EQ(probes, 1);
	EXPECT_EQ(pm.size, 1472);
	/* There is no more to find, ever. */
	EXPECT_EQ(quic_pmtud_next(&pm, now + 10 * RAISE), 0);
}

/* RFC8899-3-1 RFC8899-3-9 RFC8899-8-1 */
TEST(every_path_between)
{
	static const u16 maxs[] = { 1440, 1452, 1472, 4000, 8952, 9216 };
	u16 mtu;
	int i;

	for (i = 0; i < ARRAY_SIZE(maxs); i++) {
		for (mtu = 1200; mtu <= 9216; mtu += 4) {
			unit_case("path %u, interface %u", mtu, maxs[i]);
			start(maxs[i]);
			search_on(mtu);
			EXPECT_EQ(pm.size, round_down(min(mtu, maxs[i]),
						      QUIC_PMTUD_STEP));
			/* Three per size that fails, ten sizes at most. */
			EXPECT(probes <= 30);
		}
	}
}

/* RFC8899-3-6 RFC8899-3-13 */
/* RFC 8899 section 5.1.2: one loss may be congestion. */
TEST(one_lost_probe_does_not_condemn_a_size)
{
	start(1472);
	EXPECT_EQ(quic_pmtud_next(&pm, now), 1472);
	quic_pmtud_on_sent(&pm, 1);
	quic_pmtud_on_lost(&pm, 1, false, now, RAISE);
	EXPECT_EQ(quic_pmtud_next(&pm, now), 1472);
	quic_pmtud_on_sent(&pm, 2);
	/* Reported twice: at a PTO and when it was lost. */
	quic_pmtud_on_lost(&pm, 2, false, now, RAISE);
	quic_pmtud_on_lost(&pm, 2, false, now, RAISE);
	quic_pmtud_on_lost(&pm, 1, false, now, RAISE);
	EXPECT_EQ(quic_pmtud_next(&pm, now), 1472);
	quic_pmtud_on_sent(&pm, 3);
	EXPECT(quic_pmtud_on_acked(&pm, 3, now, RAISE));
	EXPECT_EQ(pm.size, 1472);
}

/* RFC8899-3-12 RFC8899-4.1-2 */
TEST(a_late_ack_counts)
{
	start(1472);
	quic_pmtud_next(&pm, now);
	quic_pmtud_on_sent(&pm, 1);
	quic_pmtud_on_lost(&pm, 1, false, now, RAISE);
	EXPECT(quic_pmtud_on_acked(&pm, 1, now, RAISE));
	EXPECT_EQ(pm.size, 1472);
	/* Those of other paths, and of ordinary PINGs, do not. */
	start(1472);
	quic_pmtud_next(&pm, now);
	quic_pmtud_on_sent(&pm, 7);
	EXPECT(!quic_pmtud_on_acked(&pm, 6, now, RAISE));
	EXPECT(!quic_pmtud_on_acked(&pm, 0, now, RAISE));
	EXPECT_EQ(pm.size, 1200);
}

TEST(what_the_interface_refuses_is_not_tried_again)
{
	start(1472);
	EXPECT_EQ(quic_pmtud_next(&pm, now), 1472);
	quic_pmtud_on_sent(&pm, 1);
	quic_pmtud_on_lost(&pm, 1, true, now, RAISE);
	EXPECT(quic_pmtud_next(&pm, now) < 1472);
}

/* PMTU_RAISE_TIMER */
TEST(the_path_may_grow)
{
	start(1472);
	search_on(1300);
	EXPECT_EQ(pm.size, 1296);
	EXPECT_EQ(quic_pmtud_next(&pm, now + RAISE / 2), 0);
	now += RAISE;
	probes = 0;
	search_on(1472);
	EXPECT_EQ(probes, 1);
	EXPECT_EQ(pm.size, 1472);
}

/* RFC 8899 section 4.3 */
TEST(black_hole)
{
	start(1472);
	search_on(1472);
	EXPECT(quic_pmtud_black_hole(&pm));
	EXPECT_EQ(pm.size, 1200);
	search_on(1400);
	EXPECT_EQ(pm.size, 1392);
	/* If it was an outage, one probe brings all back. */
	EXPECT(quic_pmtud_black_hole(&pm));
	probes = 0;
	search_on(1472);
	EXPECT_EQ(probes, 1);
	quic_pmtud_black_hole(&pm);
	EXPECT(!quic_pmtud_black_hole(&pm));
}

TEST(another_route)
{
	start(1472);
	search_on(1472);
	quic_pmtud_set_max(&pm, 1472);
	EXPECT_EQ(pm.state, QUIC_PMTUD_COMPLETE);
	quic_pmtud_set_max(&pm, 1300);
	EXPECT_EQ(pm.size, 1296);
	quic_pmtud_set_max(&pm, 9000);
	search_on(9000);
	EXPECT_EQ(pm.size, 8992);
}

/* While a probe is under way: of that one nothing counts any more. */
TEST(another_route_or_path_meanwhile)
{
	start(1472);
	quic_pmtud_on_sent(&pm, ++id);
	quic_pmtud_set_max(&pm, 1300);
	EXPECT(!quic_pmtud_on_acked(&pm, id, now, RAISE));
	EXPECT_EQ(quic_pmtud_next(&pm, now), 1296);
	quic_pmtud_on_sent(&pm, ++id);
	quic_pmtud_left(&pm);
	search_on(1300);
	EXPECT_EQ(pm.size, 1296);
}

/* ---- ICMP ---------------------------------------------------------------------- */

/* RFC8899-4.6.2-1 */
/* It says where to look, and an acknowledged probe what is true. */
TEST(too_big_names_the_next_probe)
{
	start(1472);
	EXPECT_EQ(quic_pmtud_next(&pm, now), 1472);
	quic_pmtud_on_sent(&pm, 1);
	EXPECT(quic_pmtud_too_big(&pm, 1300, now, RAISE));
	EXPECT_EQ(pm.size, 1200);
	/* What becomes of that probe does not matter any more. */
	quic_pmtud_on_lost(&pm, 1, false, now, RAISE);
	EXPECT(!quic_pmtud_on_acked(&pm, 1, now, RAISE));
	EXPECT_EQ(quic_pmtud_next(&pm, now), 1296);
	quic_pmtud_on_sent(&pm, 2);
	EXPECT(quic_pmtud_on_acked(&pm, 2, now, RAISE));
	EXPECT_EQ(pm.size, 1296);
	EXPECT_EQ(quic_pmtud_next(&pm, now), 0);
	/* Later the whole is looked at again. */
	EXPECT_EQ(quic_pmtud_next(&pm, now + RAISE), 1472);
}

TEST(too_big_that_is_wrong)
{
	start(1472);
	quic_pmtud_next(&pm, now);
	quic_pmtud_on_sent(&pm, ++id);
	EXPECT(quic_pmtud_too_big(&pm, 1400, now, RAISE));
	search_on(1296);
	EXPECT_EQ(pm.size, 1296);
}

/* As small as what works: there is nothing left to ask. */
TEST(too_big_for_anything_more)
{
	start(1472);
	quic_pmtud_next(&pm, now);
	quic_pmtud_on_sent(&pm, ++id);
	EXPECT(quic_pmtud_too_big(&pm, 1215, now, RAISE));
	EXPECT_EQ(pm.state, QUIC_PMTUD_COMPLETE);
	EXPECT_EQ(pm.size, 1200);
	EXPECT_EQ(quic_pmtud_next(&pm, now), 0);
}

/* RFC 8899 section 4.6.2: packets that were good so far. */
TEST(too_big_becomes_a_black_hole)
{
	start(1472);
	search_on(1472);
	EXPECT(quic_pmtud_too_big(&pm, 1400, now, RAISE));
	EXPECT_EQ(pm.size, 1200);
	EXPECT_EQ(quic_pmtud_next(&pm, now), 1392);
	/* All packets of that train say the same. */
	EXPECT(!quic_pmtud_too_big(&pm, 1400, now, RAISE));
	search_on(1392);
	EXPECT_EQ(pm.size, 1392);
}

/* RFC8899-3-8 RFC9000-14.2.1-1 RFC9000-14.2.1-3 */
TEST(too_big_ignored)
{
	start(1472);
	/* Of no probe. */
	EXPECT(!quic_pmtud_too_big(&pm, 1300, now, RAISE));
	quic_pmtud_next(&pm, now);
	quic_pmtud_on_sent(&pm, ++id);
	/* Not too big; or less than QUIC needs. */
	EXPECT(!quic_pmtud_too_big(&pm, 1472, now, RAISE));
	EXPECT(!quic_pmtud_too_big(&pm, 9000, now, RAISE));
	EXPECT(!quic_pmtud_too_big(&pm, 1199, now, RAISE));
	EXPECT(!quic_pmtud_too_big(&pm, 0, now, RAISE));
	EXPECT(quic_pmtud_on_acked(&pm, id, now, RAISE));
	EXPECT_EQ(pm.size, 1472);
	EXPECT(!quic_pmtud_too_big(&pm, 1472, now, RAISE));
	EXPECT(!quic_pmtud_too_big(&pm, 65535, now, RAISE));
	EXPECT_EQ(pm.size, 1472);
}
