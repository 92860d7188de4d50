/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Frames of settled packets on their way to their owners.  Neighbouring
 * STREAM and CRYPTO frames become one before the call: a bulk transfer's ACK
 * costs one call per stream, not one per packet.
 */
#ifndef KQUIC_RECOVERY_REPORT_H
#define KQUIC_RECOVERY_REPORT_H

#include "loss.h"

struct quic_report {
	struct quic_recovery *r;
	void (*tell)(struct quic_recovery *r, enum quic_space_id id,
		     const struct quic_sent_frame *f);
	enum quic_space_id id;
	bool pending;
	struct quic_sent_frame f;	/* if @pending: not told yet */
};

static inline void quic_report_flush(struct quic_report *rep)
{
	if (rep->pending)
		rep->tell(rep->r, rep->id, &rep->f);
	rep->pending = false;
}

/* Does @b begin where @a ends? */
static inline bool quic_report_continues(const struct quic_sent_frame *a,
					 const struct quic_sent_frame *b)
{
	return a->id == b->id && a->kind == b->kind &&
	       a->off + a->len == b->off &&
	       (a->kind == QUIC_FRAME_STREAM || a->kind == QUIC_FRAME_CRYPTO) &&
	       !a->fin && a->len + b->len >= a->len;
}

/* Report the frames of @p; the caller flushes after the last packet. */
static inline void quic_report_frames(struct quic_report *rep,
				      const struct quic_sent *s,
				      const struct quic_sent_pkt *p)
{
	u8 i;

	for (i = 0; i < p->n_frames; i++) {
		const struct quic_sent_frame *f = quic_sent_frame(s, p, i);

		if (rep->pending && quic_report_continues(&rep->f, f)) {
			rep->f.len += f->len;
			rep->f.fin = f->fin;
			continue;
		}
		quic_report_flush(rep);
		rep->f = *f;
		rep->pending = true;
	}
}

#endif
