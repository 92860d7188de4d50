// SPDX-License-Identifier: GPL-2.0
/* A QUIC endpoint without cryptography; see endpoint.h. */
#include "endpoint.h"
#include "flow.h"
#include "uapi/linux/quic.h"
#include "wire/frame.h"
#include "wire/pn.h"

/* Bytes of the handshake's flights. */
#define CLIENT_HELLO	300
#define SERVER_HELLO	120
#define SERVER_FLIGHT	2000
#define CLIENT_FINISHED	52
/* RFC 9000 section 13.2.4: now and then ask for an ACK of our ACKs. */
#define ACK_ONLY_MAX	32
#define CWND_MAX	(64 << 20)
#define PACE_CREDIT	(1 * MS)

static const struct quic_cid cid = { .len = 8, .id = "simulate" };

static void fault(struct sim_endpoint *ep, const char *what)
{
	if (!ep->fault)
		ep->fault = what;
}

static struct sim_flow *find_flow(struct sim_endpoint *ep,
				  enum quic_space_id id,
				  const struct quic_sent_frame *f)
{
	return f->kind == QUIC_FRAME_CRYPTO ? &ep->crypto[id] :
					      &ep->stream[f->id / 4];
}

static void on_acked(struct quic_recovery *r, enum quic_space_id id,
		     const struct quic_sent_frame *f)
{
	struct sim_endpoint *ep = container_of(r, struct sim_endpoint, r);

	if (f->kind == QUIC_FRAME_STREAM || f->kind == QUIC_FRAME_CRYPTO)
		flow_acked(find_flow(ep, id, f), f->off, f->len);
	else if (f->kind == QUIC_FRAME_ACK)
		quic_ack_on_acked(&ep->ack[id], f->id);
}

static void on_lost(struct quic_recovery *r, enum quic_space_id id,
		    const struct quic_sent_frame *f)
{
	struct sim_endpoint *ep = container_of(r, struct sim_endpoint, r);

	if (f->kind == QUIC_FRAME_STREAM || f->kind == QUIC_FRAME_CRYPTO)
		flow_lost(find_flow(ep, id, f), f->off, f->len);
	else if (f->kind == QUIC_FRAME_HANDSHAKE_DONE)
		ep->done_pending = true;
}

static const struct quic_recovery_ops owners = {
	.acked = on_acked,
	.lost = on_lost,
};

/* ---- sending ---- */

struct packet {
	u8 buf[SIM_MSS];
	struct quic_out o;
	struct quic_sent_frame frames[QUIC_SENT_MAX_FRAMES];
	u32 n_frames;
	bool eliciting;
};

static void note(struct packet *p, u8 kind, u64 id, u64 off, u32 len, bool fin)
{
	p->frames[p->n_frames++] = (struct quic_sent_frame){
		.kind = kind, .id = id, .off = off, .len = len, .fin = fin,
	};
	p->eliciting |= kind != QUIC_FRAME_ACK;
}

static void add_ack(struct sim_endpoint *ep, enum quic_space_id id,
		    struct packet *p)
{
	u64 largest;

	if (!quic_ack_owed(&ep->ack[id]))
		return;
	largest = quic_ack_write(&p->o, &ep->ack[id], ep->sim->now, 3);
	if (largest == QUIC_PN_NONE)
		return;
	note(p, QUIC_FRAME_ACK, largest, 0, 0, false);
	quic_ack_on_sent(&ep->ack[id]);
}

static void add_crypto(struct sim_flow *f, struct packet *p)
{
	u64 off, len;

	while (quic_out_left(&p->o) > 32 && p->n_frames < 8 &&
	       flow_pick(f, &off, &len)) {
		len = min_t(u64, len, quic_out_left(&p->o) - 20);
		quic_put_crypto(&p->o, off, len);
		quic_put_bytes(&p->o, flow_bytes(f->id, off), len);
		flow_sent(f, off, len);
		note(p, QUIC_FRAME_CRYPTO, 0, off, len, false);
	}
}

static void add_streams(struct sim_endpoint *ep, struct packet *p)
{
	u64 off, len;
	u32 i;

	for (i = 0; i < SIM_STREAMS; i++) {
		struct sim_flow *f = &ep->stream[i];

		while (quic_out_left(&p->o) > 40 && p->n_frames < 12 &&
		       flow_pick(f, &off, &len)) {
			u32 room = quic_out_left(&p->o) -
				   quic_stream_hdr_len(f->id, off, SIM_MSS,
						       false);
			bool fin;

			len = min_t(u64, len, room);
			fin = f->fin && off + len == f->size;
			quic_put_stream(&p->o, f->id, off, len, fin, false);
			quic_put_bytes(&p->o, flow_bytes(f->id, off), len);
			flow_sent(f, off, len);
			note(p, QUIC_FRAME_STREAM, f->id, off, len, fin);
		}
	}
}

static void finish(struct sim_endpoint *ep, enum quic_space_id id,
		   struct packet *p, u16 pn_off, u8 pn_len, bool probe)
{
	u8 flags = p->eliciting ? QUIC_SENT_ACK_ELICITING |
				  QUIC_SENT_IN_FLIGHT : 0;
	u32 least = pn_off + 4, len, i;

	if (id == QUIC_SPACE_INITIAL && (p->eliciting || !ep->is_server)) {
		least = SIM_MSS - QUIC_TAG_LEN;
		flags |= QUIC_SENT_IN_FLIGHT;
	}
	while (p->o.p < p->buf + least)
		quic_put_u8(&p->o, 0);
	p->o.end += QUIC_TAG_LEN;
	for (i = 0; i < QUIC_TAG_LEN; i++)
		quic_put_u8(&p->o, 0xee);
	if (p->o.overflow)
		fault(ep, "a packet grew beyond its bounds");
	len = p->o.p - p->buf;
	if (id != QUIC_SPACE_APP)
		quic_hdr_set_length(p->buf, pn_off, len - pn_off);

	if (quic_recovery_reserve(&ep->r, id, 1, p->n_frames, GFP_KERNEL))
		fault(ep, "no room to record a packet");
	quic_recovery_on_sent(&ep->r, id, ep->sim->now, len,
			      probe ? flags | QUIC_SENT_PROBE : flags);
	for (i = 0; i < p->n_frames; i++)
		quic_sent_add_frame(&ep->r.space[id]->sent, &p->frames[i]);
	ep->out_bytes += len;
	ep->ack_only = p->eliciting ? 0 : ep->ack_only + 1;
	if (p->eliciting && ep->r.rtt.first_sample) {
		u64 rate = quic_cc_pacing_rate(&ep->r.cc, ep->r.rtt.smoothed);

		ep->pace_next = max(ep->pace_next,
				    ep->sim->now - PACE_CREDIT) +
				len * SECOND / rate;
	}
	sim_link_send(ep->out, ep->peer, p->buf, len);
}

static void send_packet(struct sim_endpoint *ep, enum quic_space_id id,
			bool data, bool probe)
{
	const struct quic_space *space = ep->r.space[id];
	u64 pn = space->sent.next;
	u8 pn_len = quic_pn_len(pn, space->largest_acked);
	struct packet p = { .n_frames = 0 };
	u16 pn_off;

	p.o = (struct quic_out){ p.buf, p.buf + SIM_MSS - QUIC_TAG_LEN };
	if (id == QUIC_SPACE_APP)
		pn_off = quic_hdr_put_short(&p.o, &cid, false, false, pn,
					    pn_len);
	else
		pn_off = quic_hdr_put_long(&p.o, id == QUIC_SPACE_INITIAL ?
					   QUIC_PKT_INITIAL :
					   QUIC_PKT_HANDSHAKE, QUIC_VERSION_V1,
					   &cid, &cid, NULL, 0, pn, pn_len);
	add_ack(ep, id, &p);
	if (data && id != QUIC_SPACE_APP) {
		add_crypto(&ep->crypto[id], &p);
	} else if (data) {
		if (ep->done_pending) {
			quic_put_handshake_done(&p.o);
			note(&p, QUIC_FRAME_HANDSHAKE_DONE, 0, 0, 0, false);
			ep->done_pending = false;
		}
		add_streams(ep, &p);
	}
	if (!p.eliciting && (probe || ep->ack_only >= ACK_ONLY_MAX)) {
		quic_put_ping(&p.o);
		note(&p, QUIC_FRAME_PING, 0, 0, 0, false);
	}
	finish(ep, id, &p, pn_off, pn_len, probe);
}

static void discard(struct sim_endpoint *ep, enum quic_space_id id)
{
	if (!ep->keys[id])
		return;
	ep->keys[id] = false;
	ep->probes[id] = 0;
	quic_recovery_discard(&ep->r, id);
	quic_ack_free(&ep->ack[id]);
	quic_ack_init(&ep->ack[id]);
}

/* RFC 9000 section 8.1 */
static bool is_amplifying(const struct sim_endpoint *ep)
{
	return ep->is_server && !ep->validated &&
	       ep->out_bytes + SIM_MSS > 3 * ep->in_bytes;
}

static void push_handshake(struct sim_endpoint *ep, enum quic_space_id id)
{
	u64 off, len;
	bool data;

	while (ep->keys[id] && !is_amplifying(ep)) {
		data = flow_pick(&ep->crypto[id], &off, &len) &&
		       quic_recovery_window(&ep->r) >= SIM_MSS;
		if (!data && !ep->probes[id] &&
		    !quic_ack_due(&ep->ack[id], ep->sim->now))
			return;
		send_packet(ep, id, data || ep->probes[id], ep->probes[id]);
		if (ep->probes[id])
			ep->probes[id]--;
		/* RFC 9001 section 4.9.1 */
		if (id == QUIC_SPACE_HANDSHAKE && !ep->is_server)
			discard(ep, QUIC_SPACE_INITIAL);
	}
}

static bool has_data(const struct sim_endpoint *ep)
{
	u64 off, len;
	u32 i;

	if (ep->is_server && !ep->r.confirmed)
		return false;
	for (i = 0; i < SIM_STREAMS; i++)
		if (flow_pick(&ep->stream[i], &off, &len))
			return true;
	return ep->done_pending;
}

static void push_app(struct sim_endpoint *ep)
{
	u64 now = ep->sim->now;
	bool data, probe;

	while (ep->keys[QUIC_SPACE_APP]) {
		probe = ep->probes[QUIC_SPACE_APP];
		data = has_data(ep);
		ep->r.app_limited = false;
		if (!data)
			quic_recovery_limited(&ep->r);
		if (data && !probe) {
			quic_recovery_wake(&ep->r, now);
			data = quic_recovery_window(&ep->r) >= SIM_MSS &&
			       ep->pace_next <= now;
		}
		if (!data && !probe &&
		    !quic_ack_due(&ep->ack[QUIC_SPACE_APP], now))
			return;
		if (is_amplifying(ep))
			return;
		send_packet(ep, QUIC_SPACE_APP, data || probe, probe);
		if (probe)
			ep->probes[QUIC_SPACE_APP]--;
	}
}

static u64 earlier(u64 a, u64 b)
{
	return !a ? b : !b ? a : min(a, b);
}

static void arm(struct sim_endpoint *ep)
{
	u64 t = quic_recovery_deadline(&ep->r);
	int id;

	for (id = 0; id < QUIC_SPACE_MAX; id++)
		if (ep->keys[id] && !is_amplifying(ep))
			t = earlier(t, ep->ack[id].deadline);
	if (ep->pace_next > ep->sim->now && has_data(ep) &&
	    quic_recovery_window(&ep->r) >= SIM_MSS)
		t = earlier(t, ep->pace_next);
	if (!t || (ep->timer_at > ep->sim->now && ep->timer_at <= t))
		return;
	ep->timer_at = max(t, ep->sim->now);
	sim_timer(ep->sim, ep, ep->timer_at);
}

/* What must hold after whatever happened. */
static void check(struct sim_endpoint *ep)
{
	const struct quic_cc *cc = &ep->r.cc;

	ep->cwnd_max = max(ep->cwnd_max, cc->cwnd);
	ep->cwnd_min = min(ep->cwnd_min, cc->cwnd);
	if (cc->cwnd < quic_cc_minimum_window(SIM_MSS) || cc->cwnd > CWND_MAX)
		fault(ep, "cwnd out of bounds");
	if (ep->r.in_flight > CWND_MAX + 100 * SIM_MSS)
		fault(ep, "in_flight out of bounds");
}

void sim_endpoint_push(struct sim_endpoint *ep)
{
	push_handshake(ep, QUIC_SPACE_INITIAL);
	push_handshake(ep, QUIC_SPACE_HANDSHAKE);
	push_app(ep);
	ep->r.amplification_blocked = is_amplifying(ep);
	check(ep);
	arm(ep);
}

/* ---- receiving ---- */

static void confirm(struct sim_endpoint *ep)
{
	if (ep->r.confirmed)
		return;
	ep->r.confirmed = true;
	ep->confirmed_at = ep->sim->now;
	discard(ep, QUIC_SPACE_HANDSHAKE);
}

/* The handshake, as far as what came in brings it. */
static void advance(struct sim_endpoint *ep)
{
	struct sim_flow *c = ep->crypto;
	bool hello, flight;

	hello = c[QUIC_SPACE_INITIAL].received == c[QUIC_SPACE_INITIAL].expect;
	flight = c[QUIC_SPACE_HANDSHAKE].received ==
		 c[QUIC_SPACE_HANDSHAKE].expect;
	if (hello && !ep->r.has_handshake_keys) {
		ep->r.has_handshake_keys = true;
		ep->keys[QUIC_SPACE_HANDSHAKE] = true;
		ep->r.rtt.max_ack_delay = SIM_ACK_DELAY;
		if (ep->is_server) {
			c[QUIC_SPACE_INITIAL].size = SERVER_HELLO;
			c[QUIC_SPACE_HANDSHAKE].size = SERVER_FLIGHT;
		}
	}
	if (flight && !ep->keys[QUIC_SPACE_APP]) {
		ep->keys[QUIC_SPACE_APP] = true;
		if (ep->is_server) {
			ep->done_pending = true;
			confirm(ep);
		} else {
			c[QUIC_SPACE_HANDSHAKE].size = CLIENT_FINISHED;
		}
	}
}

static void act_ack(struct sim_endpoint *ep, enum quic_space_id id,
		    const struct quic_frame *f)
{
	u64 acked = ep->r.acked_bytes, cwnd = ep->r.cc.cwnd;

	if (quic_recovery_on_ack(&ep->r, id, f,
				 (f->ack.delay << 3) * NSEC_PER_USEC,
				 ep->sim->now))
		fault(ep, "an honest ACK was refused");
	/* RFC 9438 section 4.3 lets it catch up with NewReno's at once; BBR
	 * goes back to where it was before it probed the delay.
	 */
	if (ep->r.cc.cwnd > max(ep->cwnd_max, cwnd) + ep->r.acked_bytes -
			    acked + SIM_MSS)
		fault(ep, "cwnd grew by more than was acknowledged");
	ep->cwnd_max = max(ep->cwnd_max, ep->r.cc.cwnd);
}

/* Return: is it ack-eliciting? */
static bool act(struct sim_endpoint *ep, enum quic_space_id id,
		const struct quic_frame *f)
{
	bool ok = true;

	if (!(quic_frame_packets(f->kind) &
	      (id == QUIC_SPACE_INITIAL ? QUIC_FRAME_IN_I :
	       id == QUIC_SPACE_HANDSHAKE ? QUIC_FRAME_IN_H :
					    QUIC_FRAME_IN_1)))
		fault(ep, "a frame in the wrong packet");
	switch (f->kind) {
	case QUIC_FRAME_ACK:
		act_ack(ep, id, f);
		break;
	case QUIC_FRAME_CRYPTO:
		ok = flow_receive(&ep->crypto[id], f->crypto.off,
				  f->crypto.data, f->crypto.len, false);
		break;
	case QUIC_FRAME_STREAM:
		ok = f->stream.id / 4 < SIM_STREAMS &&
		     flow_receive(&ep->stream[f->stream.id / 4], f->stream.off,
				  f->stream.data, f->stream.len, f->stream.fin);
		break;
	case QUIC_FRAME_HANDSHAKE_DONE:
		confirm(ep);
		break;
	}
	if (!ok)
		fault(ep, "wrong bytes were received");
	return !(quic_frame_props(f->kind) & QUIC_FRAME_NE);
}

static void receive_packet(struct sim_endpoint *ep, enum quic_space_id id,
			   const u8 *data, const struct quic_hdr *h)
{
	struct quic_cur c = { data + h->pn_off, data + h->len - QUIC_TAG_LEN };
	u8 len = 1 + (h->first & QUIC_HDR_PN_LEN), i;
	bool eliciting = false;
	struct quic_frame f;
	u32 truncated = 0;
	u64 pn;

	for (i = 0; i < len; i++)
		truncated = truncated << 8 | *c.p++;
	pn = quic_pn_decode(truncated, len, ep->ack[id].largest);
	if (quic_ack_is_duplicate(&ep->ack[id], pn))
		return;
	/* RFC 9001 section 4.9.1 */
	if (ep->is_server && id == QUIC_SPACE_HANDSHAKE) {
		ep->validated = true;
		discard(ep, QUIC_SPACE_INITIAL);
	}
	while (c.p < c.end) {
		if (quic_frame_parse(&c, &f)) {
			fault(ep, "a frame did not parse");
			return;
		}
		eliciting |= act(ep, id, &f);
	}
	if (ep->keys[id])
		quic_ack_on_packet(&ep->ack[id], pn, ep->sim->now, eliciting,
				   0, id == QUIC_SPACE_APP ? SIM_ACK_DELAY : 0);
}

void sim_endpoint_receive(struct sim_endpoint *ep, const u8 *data, u32 len)
{
	enum quic_space_id id;
	struct quic_hdr h;

	ep->in_bytes += len;
	if (quic_hdr_parse(data, len, cid.len, &h)) {
		fault(ep, "a header did not parse");
		return;
	}
	id = h.type == QUIC_PKT_INITIAL ? QUIC_SPACE_INITIAL :
	     h.type == QUIC_PKT_HANDSHAKE ? QUIC_SPACE_HANDSHAKE :
					    QUIC_SPACE_APP;
	if (ep->keys[id]) {
		receive_packet(ep, id, data, &h);
		advance(ep);
	}
	if (!ep->finished &&
	    sim_endpoint_received(ep) == ep->stream[0].expect +
	    ep->stream[1].expect + ep->stream[2].expect + ep->stream[3].expect)
		ep->finished = ep->sim->now;
	/* Answer once for all that arrives at this moment: a train. */
	if (ep->timer_at != ep->sim->now) {
		ep->timer_at = ep->sim->now;
		sim_timer(ep->sim, ep, ep->timer_at);
	}
}

void sim_endpoint_timer(struct sim_endpoint *ep)
{
	enum quic_space_id probe;
	u64 t;

	if (ep->sim->now < ep->timer_at)
		return;		/* superseded */
	t = quic_recovery_deadline(&ep->r);
	if (t && t <= ep->sim->now) {
		quic_recovery_on_timer(&ep->r, ep->sim->now, &probe);
		if (probe != QUIC_SPACE_MAX) {
			ep->probes[probe] = QUIC_PTO_PROBES;
			ep->ptos++;
			if (!ep->keys[probe])
				fault(ep, "a probe without keys");
		}
	}
	sim_endpoint_push(ep);
}

/* ---- outside ---- */

void sim_endpoint_init(struct sim_endpoint *ep, struct sim *sim,
		       struct sim_link *out, struct sim_endpoint *peer,
		       bool is_server, const struct quic_congestion_ops *cc)
{
	int i;

	memset(ep, 0, sizeof(*ep));
	ep->sim = sim;
	ep->out = out;
	ep->peer = peer;
	ep->is_server = is_server;
	ep->cwnd_min = U64_MAX;
	quic_recovery_init(&ep->r, &owners, is_server, QUIC_INITIAL_RTT,
			   (struct quic_space *[]) { &ep->spaces[0],
				   &ep->spaces[1], &ep->spaces[2] });
	quic_cc_start(&ep->r.cc, quic_entry_new(&quic_cc_registry, cc, false),
		      1, SIM_MSS, CWND_MAX, sim->now);
	for (i = 0; i < QUIC_SPACE_MAX; i++) {
		quic_ack_init(&ep->ack[i]);
		flow_init(&ep->crypto[i], 1000 + i);
	}
	for (i = 0; i < SIM_STREAMS; i++)
		flow_init(&ep->stream[i], 4 * i);
	ep->keys[QUIC_SPACE_INITIAL] = true;
	if (is_server) {
		ep->crypto[QUIC_SPACE_INITIAL].expect = CLIENT_HELLO;
		ep->crypto[QUIC_SPACE_HANDSHAKE].expect = CLIENT_FINISHED;
	} else {
		ep->crypto[QUIC_SPACE_INITIAL].size = CLIENT_HELLO;
		ep->crypto[QUIC_SPACE_INITIAL].expect = SERVER_HELLO;
		ep->crypto[QUIC_SPACE_HANDSHAKE].expect = SERVER_FLIGHT;
	}
}

void sim_endpoint_free(struct sim_endpoint *ep)
{
	int i;

	quic_recovery_free(&ep->r);
	for (i = 0; i < QUIC_SPACE_MAX; i++) {
		quic_ack_free(&ep->ack[i]);
		flow_free(&ep->crypto[i]);
	}
	for (i = 0; i < SIM_STREAMS; i++)
		flow_free(&ep->stream[i]);
}

void sim_endpoint_write(struct sim_endpoint *ep, u32 i, u64 bytes, bool fin)
{
	ep->stream[i].size += bytes;
	ep->stream[i].fin = fin;
	ep->peer->stream[i].expect += bytes;
	ep->peer->finished = 0;
}

u64 sim_endpoint_received(const struct sim_endpoint *ep)
{
	u64 sum = 0;
	u32 i;

	for (i = 0; i < SIM_STREAMS; i++)
		sum += ep->stream[i].received;
	return sum;
}

u64 sim_endpoint_repeated(const struct sim_endpoint *ep)
{
	u64 sum = 0;
	u32 i;

	for (i = 0; i < SIM_STREAMS; i++)
		sum += ep->stream[i].repeated;
	return sum;
}

bool sim_endpoint_is_done(const struct sim_endpoint *ep)
{
	u32 i;

	for (i = 0; i < SIM_STREAMS; i++)
		if (!flow_is_settled(&ep->stream[i]))
			return false;
	return ep->r.confirmed && !ep->r.in_flight;
}
