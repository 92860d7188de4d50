/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Congestion control: what an algorithm is told, what it may write, and the
 * core around it.  Native algorithms and BPF programs (struct_ops) share the
 * types and one registry.
 */
#ifndef KQUIC_RECOVERY_CC_H
#define KQUIC_RECOVERY_CC_H

#include <linux/atomic.h>
#include <linux/bits.h>
#include <linux/compiler.h>
#include <linux/time64.h>
#include <linux/types.h>

#include "../registry.h"

#define QUIC_CC_NAME_MAX	QUIC_NAME_MAX
#define QUIC_CC_PRIV_WORDS	32
/* No window is wider, whatever the socket may buffer: keeps products of
 * windows and segment sizes inside 64 bits.
 */
#define QUIC_CC_CWND_LIMIT	BIT_ULL(31)
/* Round trips that a program may keep a connection at the least the core
 * allows, while data waits and nothing is lost: then it is starving.
 */
#define QUIC_CC_STARVE_ROUNDS	64

struct quic_cc_algo;

/**
 * struct quic_cc - congestion state of one path
 * @cwnd:	congestion window, bytes; algorithms write it.  Clamped after
 *		every call: 2 packets <= @cwnd <= @cwnd_max
 * @ssthresh:	slow start threshold, bytes; algorithms write it.  All ones:
 *		none yet.  Clamped to 2 packets at least
 * @pacing_rate: bytes per second; algorithms may write it.  0: derived from
 *		@cwnd and smoothed RTT (RFC 9002 section 7.7).  In effect never
 *		less than 2 packets per smoothed RTT
 * @priv:	the algorithm's own; zero before init()
 * @cwnd_max:	bound on @cwnd, bytes (what the socket may buffer); at most
 *		QUIC_CC_CWND_LIMIT
 * @mss:	max datagram size, bytes of UDP payload; may change
 * @recovery_start: time the current recovery period began, ns, 0: never
 *		(RFC 9002 section 7.3.2); maintained by the core: a loss or
 *		CE mark of a packet sent before it is not reported again
 * @number:	of the connection, what struct quic_info says: a key for maps that
 *		the application shares with its controller
 * @acked:	bytes that NewReno's growth, which is the default, has counted
 *		toward its next datagram
 * @algo:	the algorithm
 * @wants:	QUIC_CC_WANTS_*
 * @rate_floor:	least @pacing_rate in effect
 * @asked_cwnd:	what the last call left in @cwnd, before it was clamped
 * @round_start: a packet sent from then on ends the round that is watched
 * @began:	when the program was called that runs; 0: none does
 * @starving:	rounds at the floor
 * @give_up:	the program asked to be replaced; @give_up_code is its reason
 *
 * What follows @priv is read-only for BPF programs.
 */
struct quic_cc {
	u64 cwnd;
	u64 ssthresh;
	u64 pacing_rate;
	u64 priv[QUIC_CC_PRIV_WORDS];

	u64 cwnd_max;
	u32 mss;
	u32 wants;
	u64 recovery_start;
	u64 number;
	u64 acked;
	struct quic_cc_algo *algo;

	/* private to the core */
	u64 rate_floor;
	u64 asked_cwnd;
	u64 round_start;
	u64 began;
	u32 starving;
	u32 give_up_code;
	bool give_up;
};

/* Packets that count against the window left: of one run, at one time. */
struct quic_cc_sent {
	u64 now;		/* ns */
	u64 bytes;
	u64 in_flight;		/* bytes, with these */
};

/* How things stood when a packet had left. */
struct quic_cc_flight {
	u64 delivered;		/* bytes acknowledged until then */
	u64 lost;		/* bytes declared lost until then */
	u64 in_flight;		/* bytes, with it; 0: not known any more */
	bool app_limited;	/* what was under way did not fill the window,
				 * for want of data
				 */
};

/* An ACK frame that acknowledged something in flight. */
struct quic_cc_ack {
	u64 now;		/* ns */
	u64 largest_sent_time;	/* of the largest newly acknowledged, ns */
	u64 bytes;		/* newly acknowledged, in flight and sent after
				 * recovery_start
				 */
	u64 in_flight;		/* bytes, after this ACK */
	u64 prior_in_flight;	/* bytes, before it */
	u64 srtt;		/* ns; 0: no sample yet */
	u64 min_rtt;		/* ns */
	u64 latest_rtt;		/* ns; 0 if this ACK gave no sample */
	u32 packets;
	bool app_limited;	/* the window was not the limit: do not grow it
				 * (RFC 9002 section 7.8)
				 */
	u64 acked;		/* bytes newly acknowledged, all in flight */

	/* With QUIC_CC_FLAG_RATE, else 0 */
	u64 delivered;		/* bytes acknowledged so far, with these */
	u64 lost;		/* bytes declared lost so far */
	u64 rate;		/* bytes per second at which the path delivered
				 * until now since the newest packet that is
				 * acknowledged left; 0: no sample
				 */
	struct quic_cc_flight newest;		/* when that had left */
	struct quic_cc_flight newest_lost;	/* when the newest had that was
						 * declared lost since the last
						 * of these events
						 */
	u32 lost_ranges;	/* declared lost so far, of packets in a row */

	/* Without the flag as well */
	bool spurious;		/* the losses of the last on_lost() were none: by
				 * now all these packets were acknowledged
				 */
};

/* A congestion event: at most one per round trip. */
struct quic_cc_loss {
	u64 now;
	u64 bytes;		/* declared lost now */
	u64 in_flight;		/* bytes, after */
	u64 largest_sent_time;	/* of the largest lost */
	bool persistent;	/* RFC 9002 section 7.6; an algorithm is told of
				 * the event first, then of this
				 */
	bool ecn;		/* a CE mark, not a loss */
};

/* Why an algorithm lost a connection. */
enum quic_cc_exit_kind {
	QUIC_CC_EXIT_NONE,
	QUIC_CC_EXIT_UNREGISTERED,	/* removed: the built-in goes on */
	QUIC_CC_EXIT_UPDATED,		/* replaced: the new one goes on */
	QUIC_CC_EXIT_STARVED,		/* the guard; code: quic_cc_starved */
	QUIC_CC_EXIT_GAVE_UP,		/* the program's wish; code: its own */
	QUIC_CC_EXIT_SLOW,		/* the program is retired: its calls took
					 * QUIC_SLOW_NS
					 */
	QUIC_CC_EXIT_MAX,
};

enum quic_cc_starved {
	QUIC_CC_STARVED_WINDOW,		/* cwnd stayed at 2 packets */
	QUIC_CC_STARVED_PACING,		/* ... pacing_rate below 2 per RTT */
};

struct quic_cc_exit {
	u64 now;		/* ns */
	u32 kind;		/* enum quic_cc_exit_kind */
	u32 code;
	u64 number;		/* of the connection */
	u64 cwnd;		/* bytes; what the program asked for last */
	u64 pacing_rate;	/* bytes per second; likewise */
	char name[QUIC_CC_NAME_MAX];	/* of the algorithm that is left */
};

/* Flags of an algorithm. */
enum quic_cc_flag {
	QUIC_CC_FLAG_RATE	= 1,	/* measure the delivery rate */
	QUIC_CC_FLAG_ANYONE	= 2,	/* no privilege is needed to choose it */
	QUIC_CC_FLAGS		= 3,	/* all that there are */
};

/**
 * struct quic_congestion_ops - a congestion control algorithm
 * @name:	how users choose it: 1 to 15 of the characters A-Z a-z 0-9 _ - .
 *		Mandatory, all else is not
 * @flags:	enum quic_cc_flag
 * @init:	set up @cwnd, @ssthresh, @priv.  They hold RFC 9002's initial
 *		window and no threshold, or, if the connection was moved here
 *		by an update, what it had.  @now: ns, the clock of all events.
 *		Default: nothing
 * @release:	the connection, or a path that it had left, ends, or it goes
 *		to another algorithm.  Each path has a controller of its own,
 *		all with the connection's number.  A program
 *		that was removed or retired is not called any more, so not for
 *		this.
 *		Default: nothing
 * @on_sent:	packets left.  Called often: leave it out if you can.
 *		Default: nothing
 * @on_acked:	an ACK frame acknowledged something in flight; one call per
 *		frame, however many packets.  Default: NewReno's growth
 * @on_lost:	a congestion event, at most one per round trip, and another
 *		call if it is persistent.  Default: NewReno's: half the window
 * @on_idle_restart: about to send after more than one PTO of idleness.
 *		Default: cwnd = min(cwnd, initial window)
 * @exit:	the guard, or the program's own wish, takes the connection away
 *		from this algorithm; release() follows.  Default: nothing
 *
 * All are called with the socket lock held, in softirq or process context, one
 * at a time for a connection, at the same time for several; none may sleep.
 * Events may grow at their end.  What a call writes is clamped when it returns
 * (struct quic_cc).  A connection that has data to send, loses nothing, and
 * is kept at the least that the clamps allow for QUIC_CC_STARVE_ROUNDS round
 * trips goes to the built-in algorithm, for good.  A program whose calls take
 * long (QUIC_SLOW_NS) is retired: all its connections go there, and nobody can
 * choose it, until it is loaded anew.
 */
struct quic_congestion_ops {
	char name[QUIC_CC_NAME_MAX];
	u64 flags;
	void (*init)(struct quic_cc *cc, u64 now);
	void (*release)(struct quic_cc *cc);
	void (*on_sent)(struct quic_cc *cc, const struct quic_cc_sent *sent);
	void (*on_acked)(struct quic_cc *cc, const struct quic_cc_ack *ack);
	void (*on_lost)(struct quic_cc *cc, const struct quic_cc_loss *loss);
	void (*on_idle_restart)(struct quic_cc *cc, u64 now);
	void (*exit)(struct quic_cc *cc, const struct quic_cc_exit *exit);
};

extern const struct quic_congestion_ops quic_cc_reno;
extern const struct quic_congestion_ops quic_cc_cubic;	/* the built-in */
extern const struct quic_congestion_ops quic_cc_bbr;

/* ---- the registry: registry.h ---------------------------------------------- */

/* Every time the core did other than an algorithm asked. */
enum quic_cc_count {
	QUIC_CC_UNDER,		/* cwnd raised to 2 packets */
	QUIC_CC_OVER,		/* cwnd lowered to cwnd_max */
	QUIC_CC_SLOW,		/* pacing_rate raised to 2 packets per RTT */
	QUIC_CC_LATE,		/* callbacks that took QUIC_SLOW_NS */
	QUIC_CC_FALLBACKS,	/* connections taken away by the guard */
	QUIC_CC_COUNTS,
};

/**
 * struct quic_cc_algo - an algorithm
 * @entry:	in the registry; its ops are struct quic_congestion_ops
 * @users:	paths that it controls
 * @count:	enum quic_cc_count
 */
struct quic_cc_algo {
	struct quic_entry entry;
	atomic_t users;
	atomic64_t count[QUIC_CC_COUNTS];
};

extern struct quic_registry quic_cc_registry;

/* Registers the native ones.  @on_exit hears of every connection that changes
 * hands, under its lock; @clock, ns, tells how long programs take.
 */
int quic_cc_add_native(void (*on_exit)(struct quic_cc *cc,
				       const struct quic_cc_exit *exit),
		       u64 (*clock)(void));
void quic_cc_remove_native(void);

/* ---- the core: cc.c --------------------------------------------------------- */

/* RFC 9002 section 7.2: 10 packets, at most max(14720, 2 * mss) bytes. */
u64 quic_cc_initial_window(u32 mss);
/* 2 packets. */
u64 quic_cc_minimum_window(u32 mss);

/* Takes over the caller's reference, of an entry of quic_cc_registry ... */
void quic_cc_start(struct quic_cc *cc, struct quic_entry *entry, u64 number,
		   u32 mss, u64 cwnd_max, u64 now);
/* ... and this drops it; harmless if nothing was started. */
void quic_cc_stop(struct quic_cc *cc);
void quic_cc_sent(struct quic_cc *cc, const struct quic_cc_sent *sent);
void quic_cc_acked(struct quic_cc *cc, const struct quic_cc_ack *ack);
void quic_cc_lost(struct quic_cc *cc, const struct quic_cc_loss *loss);
void quic_cc_idle_restart(struct quic_cc *cc, u64 now);
void quic_cc_set_mss(struct quic_cc *cc, u32 mss);
/* If the algorithm is gone: on to the next.  Else it happens at an event. */
void quic_cc_settle(struct quic_cc *cc, u64 now);
/* What a program left out. */
void quic_cc_default_acked(struct quic_cc *cc, const struct quic_cc_ack *ack);
void quic_cc_default_lost(struct quic_cc *cc, const struct quic_cc_loss *loss);

#define QUIC_CC_WANTS_SENT	0x1	/* quic_cc_sent() is to be called */
#define QUIC_CC_WANTS_RATE	0x2	/* recovery/rate.c has work to do */

static inline bool quic_cc_in_slow_start(const struct quic_cc *cc)
{
	return cc->cwnd < cc->ssthresh;
}

/* Bytes per second to send at: what the algorithm set, else 2 * cwnd / srtt
 * in slow start and 1.25 * cwnd / srtt after (never 0).
 */
u64 quic_cc_pacing_rate(const struct quic_cc *cc, u64 srtt);

#endif
