// SPDX-License-Identifier: GPL-2.0
/*
 * The rings of sent packets against plain arrays.
 *
 * needs: recovery/sent.c
 */
#include "unit.h"
#include "recovery/sent.h"
#include "wire/pn.h"

#define MAX_PN	20000

struct model {
	u64 time;
	u16 size;
	u8 n_frames;
	u8 flags;
	u8 state;
	struct quic_sent_frame f[QUIC_SENT_MAX_FRAMES];
};

static struct model packets[MAX_PN];

static void compare(const struct quic_sent *s)
{
	u64 pn, next = s->next;
	u8 i;

	EXPECT(s->first <= next);
	EXPECT(!quic_sent_get(s, next));
	if (s->first)
		EXPECT(!quic_sent_get(s, s->first - 1));
	for (pn = s->first; pn < next; pn++) {
		const struct quic_sent_pkt *p = quic_sent_get(s, pn);
		const struct model *m = &packets[pn];

		unit_case("packet %llu", pn);
		ASSERT(p);
		EXPECT_EQ(p->state, m->state);
		if (m->state == QUIC_SENT_NONE)
			continue;
		EXPECT_EQ(p->time, m->time);
		EXPECT_EQ(p->size, m->size);
		EXPECT_EQ(p->flags, m->flags);
		EXPECT_EQ(p->n_frames, m->n_frames);
		for (i = 0; i < p->n_frames; i++)
			EXPECT_MEM(quic_sent_frame(s, p, i), &m->f[i],
				   sizeof(m->f[i]));
	}
}

static void send_one(struct quic_sent *s, u8 frames)
{
	struct model *m = &packets[s->next];
	u8 i;

	memset(m, 0, sizeof(*m));
	m->time = unit_rand();
	m->size = unit_rand();
	m->flags = unit_rand_bits(4);
	m->state = QUIC_SENT_OUT;
	quic_sent_add(s, m->time, m->size, m->flags);
	for (i = 0; i < frames; i++) {
		memset(&m->f[i], 0, sizeof(m->f[i]));
		m->f[i].id = unit_rand();
		m->f[i].off = unit_rand();
		m->f[i].len = unit_rand();
		m->f[i].kind = unit_rand();
		EXPECT(quic_sent_add_frame(s, &m->f[i]));
	}
	m->n_frames = frames;
}

/* How far reserve() may forget, and retire() must. */
static u64 lowest(const struct quic_sent *s, bool unanswered)
{
	u64 pn;

	for (pn = s->first; pn < s->next; pn++) {
		const struct model *m = &packets[pn];

		if (m->state != QUIC_SENT_OUT)
			continue;
		if (!unanswered || m->flags & (QUIC_SENT_ACK_ELICITING |
					       QUIC_SENT_IN_FLIGHT))
			break;
	}
	return pn;
}

TEST(random_trains_agree_with_arrays)
{
	struct quic_sent s;
	u64 pn, least, most;
	u32 i, train;
	int round;

	for (round = 0; round < 60; round++) {
		quic_sent_init(&s, 0);
		while (s.next < MAX_PN / 10) {
			train = 1 + unit_rand_below(64);
			least = s.first;
			most = lowest(&s, true);
			ASSERT(!quic_sent_reserve(&s, train, train * 4,
						  GFP_KERNEL));
			EXPECT(s.first >= least && s.first <= most);
			for (i = 0; i < train; i++) {
				if (unit_rand_below(30)) {
					send_one(&s, unit_rand_below(5));
					continue;
				}
				packets[s.next].state = QUIC_SENT_NONE;
				EXPECT_EQ(s.skipped == s.next, false);
				quic_sent_skip(&s);
				EXPECT_EQ(s.skipped, s.next - 1);
			}
			compare(&s);
			/* settle some, the older the likelier */
			for (pn = s.first; pn < s.next; pn++) {
				if (packets[pn].state != QUIC_SENT_OUT ||
				    unit_rand_below(200) < pn - s.first)
					continue;
				packets[pn].state = unit_rand_bits(1) ?
					QUIC_SENT_ACKED : QUIC_SENT_LOST;
				quic_sent_get(&s, pn)->state =
					packets[pn].state;
			}
			pn = lowest(&s, false);
			quic_sent_retire(&s);
			EXPECT_EQ(s.first, pn);
			compare(&s);
			if (unit_rand_below(8) == 0) {
				pn = lowest(&s, true);
				quic_sent_shrink(&s);
				EXPECT_EQ(s.first, pn);
				EXPECT_EQ(!s.pkt, s.first == s.next);
			}
		}
		quic_sent_free(&s);
	}
}

TEST(settled_frames_give_their_room_back)
{
	struct quic_sent s;
	int i;

	quic_sent_init(&s, 0);
	for (i = 0; i < 10000; i++) {
		EXPECT_EQ(quic_sent_reserve(&s, 1, 3, GFP_KERNEL), 0);
		send_one(&s, 3);
		quic_sent_get(&s, s.next - 1)->state = QUIC_SENT_ACKED;
		quic_sent_retire(&s);
	}
	EXPECT_EQ(s.frm_head, s.frm_tail);
	EXPECT_EQ(s.frm_head, 30000);
	EXPECT(s.frm_mask < 256 && s.pkt_mask < 256);
	quic_sent_free(&s);
}

/* The frame ring's positions are free-running 32-bit numbers. */
TEST(frame_positions_wrap)
{
	struct quic_sent s;
	int i;

	quic_sent_init(&s, 0);
	s.frm_head = U32_MAX - 100;
	s.frm_tail = s.frm_head;
	for (i = 0; i < 40; i++) {
		EXPECT_EQ(quic_sent_reserve(&s, 1, 16, GFP_KERNEL), 0);
		send_one(&s, 16);
		compare(&s);
	}
	EXPECT(s.frm_head < 1000);
	quic_sent_free(&s);
}

TEST(no_more_frames_than_a_packet_may_have)
{
	struct quic_sent_frame f = { .kind = 1 };
	struct quic_sent s;

	quic_sent_init(&s, 5);
	EXPECT_EQ(quic_sent_reserve(&s, 1, 20, GFP_KERNEL), 0);
	send_one(&s, QUIC_SENT_MAX_FRAMES);
	EXPECT(!quic_sent_add_frame(&s, &f));
	compare(&s);
	EXPECT_EQ(s.first, 5);
	quic_sent_free(&s);
}

TEST(the_bound)
{
	struct quic_sent s;
	u32 i;

	quic_sent_init(&s, 0);
	EXPECT_EQ(quic_sent_reserve(&s, QUIC_SENT_MAX_PACKETS + 1, 0,
				    GFP_KERNEL), -ENOBUFS);
	EXPECT_EQ(quic_sent_reserve(&s, QUIC_SENT_MAX_PACKETS, 0, GFP_KERNEL),
		  0);
	for (i = 0; i < QUIC_SENT_MAX_PACKETS; i++)
		quic_sent_add(&s, i, 1, QUIC_SENT_IN_FLIGHT);
	EXPECT_EQ(quic_sent_reserve(&s, 1, 0, GFP_KERNEL), -ENOBUFS);
	/* acknowledging the first makes room for one */
	quic_sent_get(&s, 0)->state = QUIC_SENT_ACKED;
	quic_sent_retire(&s);
	EXPECT_EQ(quic_sent_reserve(&s, 1, 0, GFP_KERNEL), 0);
	EXPECT_EQ(quic_sent_reserve(&s, 2, 0, GFP_KERNEL), -ENOBUFS);
	quic_sent_free(&s);
}

/* A pure receiver's packets are never acknowledged; its rings stay small and
 * it can answer for ever.
 */
TEST(packets_that_need_no_answer_do_not_pile_up)
{
	struct quic_sent s;
	int i;

	quic_sent_init(&s, 0);
	for (i = 0; i < 200000; i++) {
		if (quic_sent_reserve(&s, 1, 1, GFP_ATOMIC))
			break;
		quic_sent_add(&s, i, 40, 0);
		quic_sent_add_frame(&s, &(struct quic_sent_frame){ .id = i });
	}
	EXPECT_EQ(i, 200000);
	EXPECT(s.pkt_mask < 256);
	quic_sent_shrink(&s);
	EXPECT(!s.pkt);
	EXPECT_EQ(s.next, 200000);
	/* and starts again */
	EXPECT_EQ(quic_sent_reserve(&s, 1, 1, GFP_ATOMIC), 0);
	quic_sent_add(&s, 1, 2, QUIC_SENT_IN_FLIGHT);
	quic_sent_shrink(&s);
	EXPECT(quic_sent_get(&s, 200000));
	quic_sent_free(&s);
}

TEST(without_memory_nothing_changes)
{
	struct quic_sent s;
	int i;

	quic_sent_init(&s, 0);
	for (i = 0; i < 2; i++) {
		kshim_fail_alloc = i;
		EXPECT_EQ(quic_sent_reserve(&s, 1, 1, GFP_ATOMIC), -ENOMEM);
	}
	kshim_fail_alloc = -1;
	EXPECT_EQ(quic_sent_reserve(&s, 64, 64, GFP_ATOMIC), 0);
	for (i = 0; i < 64; i++) {
		send_one(&s, 1);
		packets[i].flags |= QUIC_SENT_IN_FLIGHT;
		quic_sent_get(&s, i)->flags |= QUIC_SENT_IN_FLIGHT;
	}
	kshim_fail_alloc = 0;
	EXPECT_EQ(quic_sent_reserve(&s, 1, 0, GFP_ATOMIC), -ENOMEM);
	compare(&s);
	kshim_fail_alloc = 0;
	EXPECT_EQ(quic_sent_reserve(&s, 0, 1, GFP_ATOMIC), -ENOMEM);
	compare(&s);
	kshim_fail_alloc = -1;
	quic_sent_free(&s);
	EXPECT_EQ(s.next, 64);
}
