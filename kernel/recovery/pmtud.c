// SPDX-License-Identifier: GPL-2.0
/*
 * Packetization-layer path MTU discovery: the search.
 *
 * Owns:	struct quic_pmtud.
 * Called from:	conn/pmtud, conn/path.
 * Context:	softirq or process; pure.
 * Locks:	socket lock.
 * RFC:		8899 sections 4.3, 5.2, 5.3; 9000 sections 14.3, 14.4.
 *
 * The first guess is the most that the interface carries: it is right on most
 * paths, and then one probe is all.  Else halves, between what works and the
 * least that does not.
 */
#include <linux/math.h>
#include <linux/minmax.h>

#include "pmtud.h"

static void search(struct quic_pmtud *pm)
{
	pm->state = QUIC_PMTUD_SEARCHING;
	pm->bad = pm->max + QUIC_PMTUD_STEP;
	pm->probe = 0;
	pm->id = 0;
	pm->old_id = 0;
	pm->lost = 0;
}

void quic_pmtud_init(struct quic_pmtud *pm)
{
	*pm = (struct quic_pmtud){
		.size = QUIC_PMTUD_BASE,
		.max = QUIC_PMTUD_BASE,
	};
	search(pm);
}

void quic_pmtud_set_max(struct quic_pmtud *pm, u16 max)
{
	max = max_t(u16, round_down(max, QUIC_PMTUD_STEP), QUIC_PMTUD_BASE);
	if (max == pm->max)
		return;
	pm->max = max;
	pm->size = min(pm->size, max);
	search(pm);
}

/* The next size between what works and what does not, 0: there is none. */
static u16 choose(const struct quic_pmtud *pm)
{
	if (pm->bad - pm->size <= QUIC_PMTUD_STEP)
		return 0;
	if (pm->bad > pm->max)
		return pm->max;
	if (pm->bad > QUIC_PMTUD_ETHERNET && pm->size < QUIC_PMTUD_ETHERNET)
		return QUIC_PMTUD_ETHERNET;
	return round_down(pm->size + (pm->bad - pm->size) / 2, QUIC_PMTUD_STEP);
}

/* RFC8899-5.1.1-2 */
static void finish_if_done(struct quic_pmtud *pm, u64 now, u64 raise)
{
	pm->probe = 0;
	pm->lost = 0;
	if (choose(pm))
		return;
	pm->state = QUIC_PMTUD_COMPLETE;
	pm->raise_at = now + raise;
}

/* RFC8899-3-9 RFC8899-8-1 */
u16 quic_pmtud_next(struct quic_pmtud *pm, u64 now)
{
	if (pm->id || pm->size >= pm->max)
		return 0;
	if (pm->state == QUIC_PMTUD_COMPLETE) {
		if (now < pm->raise_at)
			return 0;
		search(pm);
	}
	if (!pm->probe)
		pm->probe = choose(pm);
	return pm->probe;
}

void quic_pmtud_on_sent(struct quic_pmtud *pm, u64 id)
{
	pm->id = id;
}

/* RFC8899-3-1 RFC8899-3-12 */
bool quic_pmtud_on_acked(struct quic_pmtud *pm, u64 id, u64 now, u64 raise)
{
	u16 probe = pm->probe;

	if (!id || !probe || (id != pm->id && id != pm->old_id))
		return false;
	pm->id = 0;
	pm->old_id = 0;
	pm->size = probe;
	finish_if_done(pm, now, raise);
	return true;
}

/* RFC8899-3-6 RFC8899-3-13 */
void quic_pmtud_on_lost(struct quic_pmtud *pm, u64 id, bool never, u64 now,
			u64 raise)
{
	if (!id || id != pm->id)
		return;
	pm->id = 0;
	pm->old_id = id;
	if (!never && ++pm->lost < QUIC_PMTUD_PROBES)
		return;
	pm->bad = pm->probe;
	pm->old_id = 0;
	finish_if_done(pm, now, raise);
}

void quic_pmtud_left(struct quic_pmtud *pm)
{
	pm->id = 0;
	pm->old_id = 0;
}

bool quic_pmtud_black_hole(struct quic_pmtud *pm)
{
	bool larger = pm->size > QUIC_PMTUD_BASE;

	pm->size = QUIC_PMTUD_BASE;
	search(pm);
	return larger;
}

/* RFC8899-3-8 RFC8899-4.6.2-1 RFC9000-14.2.1-1 RFC9000-14.2.1-3 */
bool quic_pmtud_too_big(struct quic_pmtud *pm, u16 size, u64 now, u64 raise)
{
	size = round_down(size, QUIC_PMTUD_STEP);
	if (size < QUIC_PMTUD_BASE)
		return false;
	/* Of a probe under way, or of packets that were good so far. */
	if (size < pm->size)
		quic_pmtud_black_hole(pm);
	else if (!pm->id || size >= pm->probe)
		return false;
	pm->id = 0;
	pm->old_id = 0;
	pm->bad = size + QUIC_PMTUD_STEP;
	finish_if_done(pm, now, raise);
	if (pm->state == QUIC_PMTUD_SEARCHING)
		pm->probe = size;
	return true;
}
