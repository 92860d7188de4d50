/* SPDX-License-Identifier: GPL-2.0 */
/*
 * RFC 9002: what was acknowledged, what is lost, when to probe.
 *
 * Pure: time is an argument, nothing is sent from here.  A frame's owner
 * hears of its fate through struct quic_recovery_ops; neighbouring STREAM and
 * CRYPTO frames of consecutive packets are merged before the call.
 */
#ifndef KQUIC_RECOVERY_LOSS_H
#define KQUIC_RECOVERY_LOSS_H

#include "ranges.h"
#include "ecn.h"
#include "sent.h"
#include "rtt.h"
#include "cc.h"
#include "rate.h"
#include "../wire/frame.h"

enum quic_space_id {
	QUIC_SPACE_INITIAL,
	QUIC_SPACE_HANDSHAKE,
	QUIC_SPACE_APP,		/* 0-RTT and 1-RTT */
	QUIC_SPACE_MAX,
};

#define QUIC_PACKET_THRESHOLD	3	/* RFC 9002 section 6.1.1 */
#define QUIC_PERSISTENT_FACTOR	3	/* section 7.6.1 */
/* Ranges of lost packets remembered to tell spurious losses */
#define QUIC_LOST_MAX_RANGES	16
#define QUIC_MAX_PTO_COUNT	16	/* back-off stops doubling there */
#define QUIC_PTO_PROBES		2	/* packets per PTO, section 6.2.4 */
#define QUIC_REPEATS		8	/* of our handshake before its PTO */
/* Packets that a smaller window counts as when a number is left out */
#define QUIC_SKIP_WINDOW	128

struct quic_recovery;

/* Called while an ACK frame or the timer is processed; neither may send.  A
 * frame may be reported lost more than once (on PTO), and acked after lost.
 */
struct quic_recovery_ops {
	void (*acked)(struct quic_recovery *r, enum quic_space_id space,
		      const struct quic_sent_frame *f);
	void (*lost)(struct quic_recovery *r, enum quic_space_id space,
		     const struct quic_sent_frame *f);
};

/* Sending half of one packet number space. */
struct quic_space {
	struct quic_sent sent;
	u64 largest_acked;	/* QUIC_PN_NONE: none */
	u64 acked_time;		/* when the largest that was acked was sent */
	u64 loss_time;		/* when the next packet counts as lost; 0 */
	u64 last_eliciting;	/* time the last ack-eliciting one was sent */
	/* Losses with no acknowledged packet among them (section 7.6.2): time
	 * the first ack-eliciting one was sent, 0: none; number after the last
	 */
	u64 lost_since;
	u64 lost_next;
	struct quic_ranges lost;	/* numbers declared lost lately ... */
	u64 lost_until;			/* ... forgotten after this time */
	struct quic_ecn_counts ecn;
	u32 eliciting_out;	/* ack-eliciting packets outstanding */
	bool discarded;
};

/* The losses of the recovery period, in case that all of them were none. */
struct quic_undo {
	u64 first;		/* number of the first; QUIC_PN_NONE: there was
				 * other reason to slow down
				 */
	u32 left;		/* not acknowledged since */
	u8 space;		/* enum quic_space_id */
	bool due;		/* none is left: to be told with the next ACK */
};

/**
 * struct quic_recovery - loss recovery and congestion state of a connection
 * @in_flight:	bytes that count against cwnd
 * @pto_count:	back-off exponent
 * @is_server:	no deadlock breaking probes of a client
 * @peer_validated: the peer has completed address validation of us (RFC 9002
 *		section 6.2.2.1); a server always counts as validated
 * @has_handshake_keys: an anti-deadlock PTO is for Handshake, else Initial
 * @confirmed:	handshake confirmed: PTO of the APP space is armed only then
 *		and max_ack_delay is honoured
 * @amplification_blocked: server at its anti-amplification limit: no PTO
 * @app_limited: the last sending opportunity ended for want of data, not
 *		for want of window
 */
struct quic_recovery {
	/* The owner's memory; not to be written when discarded. */
	struct quic_space *space[QUIC_SPACE_MAX];
	struct quic_rtt rtt;
	struct quic_cc cc;
	struct quic_ecn ecn;	/* of the path in use */
	struct quic_rate rate;
	struct quic_undo undo;
	const struct quic_recovery_ops *ops;
	u64 in_flight;
	u64 last_sent;		/* time of the last in-flight packet */
	u64 last_event;		/* time a packet was sent, or an ACK or the
				 * timer moved something: base of a client's
				 * anti-deadlock PTO
				 */
	u64 acked_time;		/* latest of the spaces that were discarded */
	u64 skip_at;		/* APP: number from which one is left out */
	u32 pto_count;
	u8 repeats;		/* see quic_recovery_repeat() */
	bool is_server;
	bool peer_validated;
	bool has_handshake_keys;
	bool confirmed;
	bool amplification_blocked;
	bool app_limited;

	/* totals, for reports */
	u64 lost_packets;
	u64 lost_bytes;
	u64 acked_packets;
	u64 acked_bytes;
	u64 ce_events;		/* round trips with a CE mark */
	u64 pto_total;
	u64 spurious;		/* acknowledged within about two round trips of
				 * being declared lost
				 */
};

void quic_recovery_init(struct quic_recovery *r,
			const struct quic_recovery_ops *ops, bool is_server,
			u64 initial_rtt, struct quic_space *const space[]);
void quic_recovery_free(struct quic_recovery *r);

/* About to send: tells congestion control if the connection was idle, so ask
 * before quic_recovery_window().
 */
void quic_recovery_wake(struct quic_recovery *r, u64 now);

/* Everything of a space goes again, under new numbers: after a Retry or a
 * change of version (section 6.3).
 */
void quic_recovery_resend(struct quic_recovery *r, enum quic_space_id id);

/* Room for a train, to be asked before building it (see sent.h). */
int quic_recovery_reserve(struct quic_recovery *r, enum quic_space_id id,
			  u32 pkts, u32 frames, gfp_t gfp);
/* Free what is needed for nothing that is outstanding (idle connections are
 * small).
 */
void quic_recovery_shrink(struct quic_recovery *r);

/* A sending opportunity ends for want of data. */
void quic_recovery_limited(struct quic_recovery *r);

/**
 * quic_recovery_on_run - @n packets of @size bytes leave
 *
 * Their records are the caller's to make (quic_sent_add_one()).  Updates
 * in_flight and tells the congestion controller, once, if they are
 * QUIC_SENT_IN_FLIGHT.
 */
void quic_recovery_on_run(struct quic_recovery *r, enum quic_space_id id,
			  u64 now, u16 n, u16 size, u8 flags);

/**
 * quic_recovery_on_sent - record packet r->space[id]->sent.next as sent
 *
 * Frames are added with quic_sent_add_frame() right after.  Updates
 * in_flight and tells the congestion controller if QUIC_SENT_IN_FLIGHT.
 */
struct quic_sent_pkt *quic_recovery_on_sent(struct quic_recovery *r,
					    enum quic_space_id id, u64 now,
					    u16 size, u8 flags);

/* The next APP number is at or beyond r->skip_at: leave one out, now and
 * then, that whoever acknowledges what it did not receive will acknowledge
 * (RFC 9000 section 21.4).  Room must have been reserved.
 */
void quic_recovery_skip(struct quic_recovery *r, u32 random);

/**
 * quic_recovery_on_ack - process an ACK frame (section A.7)
 * @r:		the connection's recovery state
 * @id:		space the frame arrived in
 * @f:		the frame
 * @ack_delay:	its delay field, scaled to ns (0 in Initial; ignored there)
 * @now:	time
 *
 * Settles packets, samples RTT, detects losses, drives congestion control.
 * The caller re-arms the timer (quic_recovery_deadline()) afterwards.
 *
 * Return: 0, or QUIC_TRANSPORT_ERROR_PROTOCOL_VIOLATION when the frame
 * acknowledges a packet that was never sent (or a skipped number).
 * Work is bounded by the number of outstanding packets, whatever the ranges.
 */
int quic_recovery_on_ack(struct quic_recovery *r, enum quic_space_id id,
			 const struct quic_frame *f, u64 ack_delay, u64 now);

/* Declare lost what the thresholds of section 6.1 say; between loss.c and
 * pto.c.  Return: was that a congestion event?
 */
bool quic_recovery_detect(struct quic_recovery *r, enum quic_space_id id,
			  u64 now);

/* Has the peer surely validated our address (section A.8)? */
static inline bool quic_recovery_validated(const struct quic_recovery *r)
{
	return r->is_server || r->peer_validated || r->confirmed;
}

/* Absolute time of the next loss or PTO event, 0: none (section A.8). */
u64 quic_recovery_deadline(const struct quic_recovery *r);

/**
 * quic_recovery_on_timer - the deadline passed (section A.9)
 * @probe:	set to the space that needs one or two ack-eliciting probes,
 *		QUIC_SPACE_MAX if only losses were declared
 *
 * On a PTO the frames of the oldest outstanding ack-eliciting packets, one per
 * probe, are reported lost-for-retransmission through ops->lost() without
 * being removed from flight, so that probes carry data; so are those of the
 * other spaces whose PTO is armed, to be coalesced (section 6.2.4).
 *
 * Does nothing before the deadline.
 */
void quic_recovery_on_timer(struct quic_recovery *r, u64 now,
			    enum quic_space_id *probe);

/**
 * quic_recovery_repeat - the peer says again what our handshake answered
 *
 * So it has not got that answer (section 6.2.3): as on a PTO, frames of the
 * oldest outstanding packets of Initial and Handshake are offered again, but
 * without back-off, and QUIC_REPEATS times only.
 */
void quic_recovery_repeat(struct quic_recovery *r);

/* Keys of the space are gone: forget its packets (section 6.4); frames are
 * not reported.  Resets pto_count.
 */
void quic_recovery_discard(struct quic_recovery *r, enum quic_space_id id);

/**
 * quic_recovery_new_path - the connection goes on over another path
 * @rtt:	what is known of it, but for max_ack_delay: the peer's stays
 *
 * What is under way on the old one is still to be acknowledged or lost, but
 * counts no more against the window, and tells nothing of congestion or RTT
 * (RFC 9000 section 9.4).  Congestion control is the caller's to exchange.
 */
void quic_recovery_new_path(struct quic_recovery *r,
			    const struct quic_rtt *rtt);

/* May @bytes more leave, as far as the window goes? */
static inline u64 quic_recovery_window(const struct quic_recovery *r)
{
	return r->cc.cwnd > r->in_flight ? r->cc.cwnd - r->in_flight : 0;
}

#endif
