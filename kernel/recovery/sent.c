// SPDX-License-Identifier: GPL-2.0
/*
 * Records of sent packets: two rings that grow together.
 *
 * Owns:	the rings of each packet number space.  Memory is taken before a
 *		train is built, so that recording a packet cannot fail.
 * Called from:	tx/build by way of recovery/recovery.c; recovery/loss.c.
 * Context:	softirq or process; pure.
 * Locks:	socket lock.
 * RFC:		9002 section A.1.
 */
#include <linux/bug.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "sent.h"
#include "../wire/pn.h"

#define SENT_MIN_PACKETS	64
#define SENT_MIN_FRAMES		64
#define SENT_MAX_FRAMES		(2 * QUIC_SENT_MAX_PACKETS)

void quic_sent_init(struct quic_sent *s, u64 first_pn)
{
	*s = (struct quic_sent){
		.first = first_pn,
		.next = first_pn,
		.skipped = QUIC_PN_NONE,
	};
}

static void free_rings(struct quic_sent *s)
{
	kvfree(s->pkt);
	kvfree(s->frm);
	s->pkt = NULL;
	s->frm = NULL;
	s->pkt_mask = 0;
	s->frm_mask = 0;
}

void quic_sent_free(struct quic_sent *s)
{
	free_rings(s);
	quic_sent_init(s, s->next);
}

static int grow_packets(struct quic_sent *s, u32 need, gfp_t gfp)
{
	u32 size = max_t(u32, SENT_MIN_PACKETS, roundup_pow_of_two(need));
	struct quic_sent_pkt *ring;
	u64 pn;

	ring = kvmalloc_array(size, sizeof(*ring), gfp);
	if (!ring)
		return -ENOMEM;
	for (pn = s->first; pn < s->next; pn++)
		ring[pn & (size - 1)] = s->pkt[pn & s->pkt_mask];
	kvfree(s->pkt);
	s->pkt = ring;
	s->pkt_mask = size - 1;
	return 0;
}

static int grow_frames(struct quic_sent *s, u32 need, gfp_t gfp)
{
	u32 size = max_t(u32, SENT_MIN_FRAMES, roundup_pow_of_two(need));
	struct quic_sent_frame *ring;
	u32 i;

	ring = kvmalloc_array(size, sizeof(*ring), gfp);
	if (!ring)
		return -ENOMEM;
	for (i = s->frm_tail; i != s->frm_head; i++)
		ring[i & (size - 1)] = s->frm[i & s->frm_mask];
	kvfree(s->frm);
	s->frm = ring;
	s->frm_mask = size - 1;
	return 0;
}

static bool has_room(const struct quic_sent *s, u32 pkts, u32 frames)
{
	return s->pkt && s->frm &&
	       s->next - s->first + pkts <= (u64)s->pkt_mask + 1 &&
	       (u64)(s->frm_head - s->frm_tail) + frames <=
	       (u64)s->frm_mask + 1;
}

static void pop(struct quic_sent *s)
{
	const struct quic_sent_pkt *p = &s->pkt[s->first & s->pkt_mask];

	s->frm_tail = p->frame + p->n_frames;
	s->first++;
}

/*
 * A receiver's packets hold nothing but ACK frames, which the peer need not
 * acknowledge: forget the oldest of them rather than grow.  Their late
 * acknowledgment is ignored.
 */
static void forget_unanswered(struct quic_sent *s)
{
	while (s->first < s->next) {
		const struct quic_sent_pkt *p = &s->pkt[s->first & s->pkt_mask];

		if (p->state == QUIC_SENT_OUT &&
		    p->flags & (QUIC_SENT_IN_FLIGHT | QUIC_SENT_ACK_ELICITING))
			return;
		pop(s);
	}
}

int quic_sent_reserve(struct quic_sent *s, u32 pkts, u32 frames, gfp_t gfp)
{
	u64 need;
	int err;

	if (likely(has_room(s, pkts, frames)))
		return 0;
	forget_unanswered(s);

	need = s->next - s->first + pkts;
	if (need > QUIC_SENT_MAX_PACKETS)
		return -ENOBUFS;
	if (!s->pkt || need > (u64)s->pkt_mask + 1) {
		err = grow_packets(s, need, gfp);
		if (err)
			return err;
	}

	need = (u64)(s->frm_head - s->frm_tail) + frames;
	if (need > SENT_MAX_FRAMES)
		return -ENOBUFS;
	if (!s->frm || need > (u64)s->frm_mask + 1)
		return grow_frames(s, need, gfp);
	return 0;
}

bool quic_sent_add_frame(struct quic_sent *s, const struct quic_sent_frame *f)
{
	struct quic_sent_pkt *p = &s->pkt[(s->next - 1) & s->pkt_mask];

	if (p->n_frames >= QUIC_SENT_MAX_FRAMES ||
	    WARN_ON_ONCE(s->frm_head - s->frm_tail > s->frm_mask))
		return false;
	s->frm[s->frm_head++ & s->frm_mask] = *f;
	p->n_frames++;
	return true;
}

void quic_sent_skip(struct quic_sent *s)
{
	s->skipped = s->next;
	quic_sent_add(s, 0, 0, 0)->state = QUIC_SENT_NONE;
}

void quic_sent_retire(struct quic_sent *s)
{
	while (s->first < s->next &&
	       s->pkt[s->first & s->pkt_mask].state != QUIC_SENT_OUT)
		pop(s);
}

void quic_sent_shrink(struct quic_sent *s)
{
	if (!s->pkt)
		return;
	forget_unanswered(s);
	if (s->first == s->next)
		free_rings(s);
}
