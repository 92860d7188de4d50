// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: notifications that a program asked for with the EVENT option.
 * Called from: wherever something happens to a connection.
 * Context: socket lock held; allocates with GFP_ATOMIC.
 */
#include "../pipeline.h"

/* Lost without a word when too many wait unread (socket-api.md section 4). */
void quic_event(struct quic_conn *c, u8 type, const void *data, u16 len)
{
	struct quic_event_node *ev;

	if (!(quic_sk(c->sk)->events & BIT(type)) ||
	    c->n_events >= QUIC_MAX_EVENTS)
		return;
	ev = kmalloc(struct_size(ev, data, len + 1), GFP_ATOMIC);
	if (!ev)
		return;
	ev->len = len + 1;
	ev->off = 0;
	ev->data[0] = type;
	memcpy(ev->data + 1, data, len);
	list_add_tail(&ev->link, &c->rq_event);
	c->rq_news = true;
	c->n_events++;
}

void quic_event_stream(struct quic_conn *c, const struct quic_stream *s,
		       u8 state, u32 errcode, u64 finalsz)
{
	struct quic_stream_update ev = {
		.id = s->id,
		.state = state,
		.errcode = errcode,
		.finalsz = finalsz,
	};

	quic_event(c, QUIC_EVENT_STREAM_UPDATE, &ev, sizeof(ev));
}
