/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What was sent and not yet settled: one compact record per packet, in a ring
 * indexed by packet number, and the frames those packets carry in a second
 * ring.  Both grow by doubling under quic_sent_reserve(), never per packet.
 */
#ifndef KQUIC_RECOVERY_SENT_H
#define KQUIC_RECOVERY_SENT_H

#include <linux/types.h>
#include <linux/gfp.h>

/* Most packets in flight and unsettled per packet number space. */
#define QUIC_SENT_MAX_PACKETS	65536
/* Most frames recorded per packet; the builder stops there. */
#define QUIC_SENT_MAX_FRAMES	16

/* A frame to be told about: the owner's own words, recovery only compares. */
struct quic_sent_frame {
	u64 id;		/* stream, sequence number, limit announced ... */
	u64 off;	/* STREAM and CRYPTO: offset */
	u32 len;	/* STREAM and CRYPTO: bytes */
	u8 kind;	/* enum quic_frame_kind */
	u8 fin;		/* STREAM: carries FIN; others: the owner's */
};

enum quic_sent_state {
	QUIC_SENT_NONE,		/* a skipped number */
	QUIC_SENT_OUT,		/* outstanding */
	QUIC_SENT_ACKED,
	QUIC_SENT_LOST,
};

#define QUIC_SENT_ACK_ELICITING	0x01
#define QUIC_SENT_IN_FLIGHT	0x02
#define QUIC_SENT_ASIDE		0x04	/* of another path, or a probe of its size:
					 * tells nothing of congestion or RTT
					 */
#define QUIC_SENT_PROBE		0x08	/* sent because of a PTO */
#define QUIC_SENT_ECT		0x10	/* with the codepoint ECT(0) */

struct quic_sent_pkt {
	u64 time;		/* ns */
	u32 frame;		/* position of its first frame in the frame ring */
	u16 size;		/* UDP payload bytes */
	u8 n_frames;
	u8 state : 2;		/* enum quic_sent_state */
	u8 flags : 6;
};

struct quic_sent {
	struct quic_sent_pkt *pkt;
	struct quic_sent_frame *frm;
	u64 first;		/* lowest number not settled; <= next */
	u64 next;		/* next number to be recorded */
	u64 skipped;		/* last number left unused; QUIC_PN_NONE */
	u32 pkt_mask;		/* ring sizes - 1; 0: nothing allocated */
	u32 frm_mask;
	u32 frm_head;		/* free-running; head - tail are in use */
	u32 frm_tail;
};

void quic_sent_init(struct quic_sent *s, u64 first_pn);
void quic_sent_free(struct quic_sent *s);

/* Make room for @pkts more packets with @frames frames in all.  Before a ring
 * grows, leading packets that hold only ACK frames are forgotten.
 * Return: 0, -ENOMEM, or -ENOBUFS at the bound.
 */
int quic_sent_reserve(struct quic_sent *s, u32 pkts, u32 frames, gfp_t gfp);

/* RFC9000-12.3-1 RFC9000-12.3-2 RFC9000-17.2.3-1 */
/* Record packet number s->next; room must have been reserved. */
static inline struct quic_sent_pkt *quic_sent_add(struct quic_sent *s,
						  u64 time, u16 size, u8 flags)
{
	struct quic_sent_pkt *p = &s->pkt[s->next++ & s->pkt_mask];

	p->time = time;
	p->frame = s->frm_head;
	p->size = size;
	p->n_frames = 0;
	p->state = QUIC_SENT_OUT;
	p->flags = flags;
	return p;
}

/* The same with the one frame that the packet carries, to be filled in. */
static inline struct quic_sent_frame *quic_sent_add_one(struct quic_sent *s,
							u64 time, u16 size,
							u8 flags)
{
	quic_sent_add(s, time, size, flags)->n_frames = 1;
	return &s->frm[s->frm_head++ & s->frm_mask];
}

/* Append a frame to the packet last added; false beyond QUIC_SENT_MAX_FRAMES. */
bool quic_sent_add_frame(struct quic_sent *s,
			 const struct quic_sent_frame *f);
/* Leave a number unused (optimistic-ACK defence, RFC 9000 section 21.4). */
void quic_sent_skip(struct quic_sent *s);

static inline struct quic_sent_pkt *quic_sent_get(const struct quic_sent *s,
						  u64 pn)
{
	if (pn < s->first || pn >= s->next)
		return NULL;
	return &s->pkt[pn & s->pkt_mask];
}

static inline struct quic_sent_frame *
quic_sent_frame(const struct quic_sent *s, const struct quic_sent_pkt *p, u8 i)
{
	return &s->frm[(p->frame + i) & s->frm_mask];
}

/* Advance s->first over everything settled and give the frames back. */
void quic_sent_retire(struct quic_sent *s);
/* Free the rings if nothing that asks for an answer is outstanding (idle
 * connections are small).
 */
void quic_sent_shrink(struct quic_sent *s);

#endif
