/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A struct quic_recovery with owners and a congestion controller that write
 * down what they are told, for loss_test.c and pto_test.c.
 */
#ifndef WORLD_H
#define WORLD_H

#include "unit.h"
#include "recovery/loss.h"
#include "uapi/linux/quic.h"
#include "wire/pn.h"

#define MS	NSEC_PER_MSEC
#define MSS	1200
#define MAX_TOLD 4096

#define ELICITING	(QUIC_SENT_ACK_ELICITING | QUIC_SENT_IN_FLIGHT)

struct told {
	bool lost;
	u8 space;
	struct quic_sent_frame f;
};

static struct world {
	struct quic_recovery r;
	struct quic_space spaces[QUIC_SPACE_MAX];
	u64 now;
	struct told told[MAX_TOLD];
	u32 n_told;
	/* calls of the congestion controller */
	u32 acks, losses, persistents;
	struct quic_cc_ack ack;
	struct quic_cc_loss loss;
} w;

static void note(bool lost, enum quic_space_id id,
		 const struct quic_sent_frame *f)
{
	if (w.n_told < MAX_TOLD)
		w.told[w.n_told++] = (struct told){ lost, id, *f };
}

static void note_acked(struct quic_recovery *r, enum quic_space_id id,
		       const struct quic_sent_frame *f)
{
	note(false, id, f);
}

static void note_lost(struct quic_recovery *r, enum quic_space_id id,
		      const struct quic_sent_frame *f)
{
	note(true, id, f);
}

static const struct quic_recovery_ops world_ops = {
	.acked = note_acked,
	.lost = note_lost,
};

static void note_cc_acked(struct quic_cc *cc, const struct quic_cc_ack *ack)
{
	w.ack = *ack;
	w.acks++;
}

static void note_cc_lost(struct quic_cc *cc, const struct quic_cc_loss *loss)
{
	w.loss = *loss;
	if (loss->persistent)
		w.persistents++;
	else
		w.losses++;
}

static const struct quic_congestion_ops world_cc = {
	.name = "notes",
	.on_acked = note_cc_acked,
	.on_lost = note_cc_lost,
};

/* A confirmed connection with room for many packets; time starts at 1 s. */
static inline void world_init(bool server)
{
	int i;

	memset(&w, 0, sizeof(w));
	w.now = NSEC_PER_SEC;
	quic_recovery_init(&w.r, &world_ops, server, QUIC_INITIAL_RTT,
			   (struct quic_space *[]) { &w.spaces[QUIC_SPACE_INITIAL],
				   &w.spaces[QUIC_SPACE_HANDSHAKE],
				   &w.spaces[QUIC_SPACE_APP] });
	quic_cc_start(&w.r.cc,
		      quic_entry_new(&quic_cc_registry, &world_cc, false),
		      1, MSS, 1 << 30, w.now);
	w.r.confirmed = true;
	w.r.rtt.max_ack_delay = 25 * MS;
	for (i = 0; i < QUIC_SPACE_MAX; i++)
		quic_recovery_reserve(&w.r, i, 32768, 65536, GFP_KERNEL);
}

static inline void world_free(void)
{
	quic_recovery_free(&w.r);
}

/* Return: its packet number. */
static inline u64 send_packet(enum quic_space_id id, u16 size, u8 flags)
{
	quic_recovery_on_sent(&w.r, id, w.now, size, flags);
	return w.r.space[id]->sent.next - 1;
}

static inline u64 send_stream(u64 id, u64 off, u32 len, bool fin)
{
	u64 pn = send_packet(QUIC_SPACE_APP, MSS, ELICITING);
	struct quic_sent_frame f = {
		.kind = QUIC_FRAME_STREAM, .id = id, .off = off, .len = len,
		.fin = fin,
	};

	EXPECT(quic_sent_add_frame(&w.r.space[QUIC_SPACE_APP]->sent, &f));
	return pn;
}

/* An ACK frame of @n ranges, ascending and apart. */
static inline int receive_ack(enum quic_space_id id,
			      const struct quic_range *ranges, u32 n, u64 delay)
{
	static u8 buf[65536];
	struct quic_out o = { .p = buf, .end = buf + sizeof(buf) };
	struct quic_frame f;
	struct quic_cur c;

	quic_put_u8(&o, 0x02);
	quic_put_varint(&o, ranges[n - 1].hi);
	quic_put_varint(&o, 0);
	quic_put_varint(&o, n - 1);
	quic_put_varint(&o, ranges[n - 1].hi - ranges[n - 1].lo);
	while (--n > 0) {
		quic_put_varint(&o, ranges[n].lo - ranges[n - 1].hi - 2);
		quic_put_varint(&o, ranges[n - 1].hi - ranges[n - 1].lo);
	}
	EXPECT(!o.overflow);
	c = (struct quic_cur){ .p = buf, .end = o.p };
	EXPECT_EQ(quic_frame_parse(&c, &f), 0);
	return quic_recovery_on_ack(&w.r, id, &f, delay, w.now);
}

static inline int receive_ack1(enum quic_space_id id, u64 lo, u64 hi)
{
	struct quic_range r = { lo, hi };

	return receive_ack(id, &r, 1, 0);
}

#endif
