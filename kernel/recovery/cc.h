/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Congestion control: one registry for native algorithms and, later, BPF
 * ones (DESIGN section 4).  The core owns the numbers: what an algorithm
 * writes is clamped by quic_cc_clamp() after every call.
 */
#ifndef KQUIC_RECOVERY_CC_H
#define KQUIC_RECOVERY_CC_H

#include <linux/bits.h>
#include <linux/types.h>
#include <linux/list.h>
#include <linux/module.h>

#define QUIC_CC_NAME_MAX	16
#define QUIC_CC_PRIV_WORDS	16
/* No window is wider, whatever the socket may buffer: keeps products of
 * windows and segment sizes inside 64 bits.
 */
#define QUIC_CC_CWND_LIMIT	BIT_ULL(31)

/**
 * struct quic_cc - congestion state of one path
 * @cwnd:	congestion window, bytes; algorithms write it
 * @ssthresh:	slow start threshold, bytes; algorithms write it
 * @pacing_rate: bytes per second; algorithms may write it, 0 = derived from
 *		cwnd and smoothed RTT (RFC 9002 section 7.7)
 * @cwnd_max:	bound on @cwnd, bytes (what the socket may buffer); at most
 *		QUIC_CC_CWND_LIMIT
 * @mss:	max datagram size, bytes of UDP payload
 * @recovery_start: time the current recovery period began, 0: never
 *		(RFC 9002 section 7.3.2); maintained by the core: a loss or
 *		CE mark of a packet sent before it is not reported again
 * @acked:	bytes that NewReno's growth, which is the default, has counted
 *		toward its next datagram
 * @ops:	algorithm
 * @priv:	the algorithm's own
 */
struct quic_cc {
	u64 cwnd;
	u64 ssthresh;
	u64 pacing_rate;
	u64 cwnd_max;
	u32 mss;
	u64 recovery_start;
	u64 acked;
	const struct quic_congestion_ops *ops;
	u64 priv[QUIC_CC_PRIV_WORDS];
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

/**
 * struct quic_congestion_ops - a congestion control algorithm
 * @name:	mandatory; how users choose it
 * @init:	set up cwnd, ssthresh, priv.  Default: RFC 9002 section 7.2
 *		(initial window, ssthresh infinite)
 * @release:	undo @init
 * @on_sent:	@bytes of ack-eliciting data left
 * @on_acked:	mandatory for native ones; default: NewReno's
 * @on_lost:	mandatory for native ones; default: NewReno's
 * @on_idle_restart: about to send after more than one PTO of idleness;
 *		default: cwnd = min(cwnd, initial window)
 *
 * Called with the socket lock held, in softirq or process context; none may
 * sleep.
 */
struct quic_congestion_ops {
	char name[QUIC_CC_NAME_MAX];
	void (*init)(struct quic_cc *cc, u64 now);
	void (*release)(struct quic_cc *cc);
	void (*on_sent)(struct quic_cc *cc, u64 now, u64 bytes, u64 in_flight);
	void (*on_acked)(struct quic_cc *cc, const struct quic_cc_ack *ack);
	void (*on_lost)(struct quic_cc *cc, const struct quic_cc_loss *loss);
	void (*on_idle_restart)(struct quic_cc *cc, u64 now);

	/* private to the registry */
	struct list_head list;
	struct module *owner;
};

extern struct quic_congestion_ops quic_cc_reno;
extern struct quic_congestion_ops quic_cc_cubic;	/* the default */

/* -EEXIST: the name is taken; -EINVAL: no name. */
int quic_cc_register(struct quic_congestion_ops *ops);
void quic_cc_unregister(struct quic_congestion_ops *ops);
/* Find by name and take a reference on its module; NULL: unknown.
 * "" or NULL name: the default.
 */
const struct quic_congestion_ops *quic_cc_get(const char *name);
void quic_cc_put(const struct quic_congestion_ops *ops);
int quic_cc_init(void);		/* registers the native ones */
void quic_cc_exit(void);

/* RFC 9002 section 7.2: 10 packets, at most max(14720, 2 * mss) bytes. */
u64 quic_cc_initial_window(u32 mss);
/* 2 packets. */
u64 quic_cc_minimum_window(u32 mss);

/* Takes over the caller's reference from quic_cc_get() ... */
void quic_cc_start(struct quic_cc *cc, const struct quic_congestion_ops *ops,
		   u32 mss, u64 cwnd_max, u64 now);
/* ... and this drops it; harmless if nothing was started. */
void quic_cc_stop(struct quic_cc *cc);
void quic_cc_sent(struct quic_cc *cc, u64 now, u64 bytes, u64 in_flight);
void quic_cc_acked(struct quic_cc *cc, const struct quic_cc_ack *ack);
void quic_cc_lost(struct quic_cc *cc, const struct quic_cc_loss *loss);
void quic_cc_idle_restart(struct quic_cc *cc, u64 now);
void quic_cc_set_mss(struct quic_cc *cc, u32 mss);
static inline bool quic_cc_in_slow_start(const struct quic_cc *cc)
{
	return cc->cwnd < cc->ssthresh;
}

/* Bytes per second to send at: what the algorithm set, else 2 * cwnd / srtt
 * in slow start and 1.25 * cwnd / srtt after (never 0).
 */
u64 quic_cc_pacing_rate(const struct quic_cc *cc, u64 srtt);

#endif
