/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Virtual time and the links packets travel on.
 *
 * One queue of events, ordered by time and, at the same time, by age: a run
 * is a function of its seed.  A link is a bottleneck with a drop-tail queue,
 * then a delay; on the way it may lose, duplicate, overtake or go dark.
 */
#ifndef SIM_NET_H
#define SIM_NET_H

#include "unit.h"

#define MS	1000000ULL
#define SECOND	1000000000ULL

struct sim_endpoint;
struct sim_link;

struct sim_packet {
	struct sim_endpoint *to;
	u32 len;
	u32 overtakers;		/* still to pass a packet that is held back */
	u8 data[];
};

struct sim_event {
	u64 time;
	u64 age;
	struct sim_endpoint *timer;	/* whose timer fires, or */
	struct sim_link *link;		/* where a packet arrives, or, */
	struct sim_packet *pkt;		/* this being NULL, one is let go */
};

struct sim {
	u64 now;
	u64 age;
	u64 rng;
	struct sim_event *heap;
	u32 n, cap;
};

struct sim_link_config {
	u64 rate;		/* bytes per second */
	u64 delay;		/* ns */
	u64 queue;		/* bytes that may wait */
	u64 batch;		/* ns; packets arrive together, so often */
	u64 calm_until;		/* none of what follows happens before */
	double loss;		/* of all packets */
	double burst;		/* probability that a burst of losses begins */
	u64 burst_time;		/* ns, mean */
	double duplicate;
	double reorder;		/* of all packets ... */
	u32 reorder_by;		/* ... are overtaken by up to so many, ... */
	u64 reorder_hold;	/* ... or until then; 0: 1 ms */
	u64 dark_from, dark_to;	/* nothing gets through between */
	/* Tell which packets to lose; the count begins at 0. */
	bool (*lose)(u64 count, u32 len);
};

struct sim_link {
	struct sim *sim;
	struct sim_link_config c;
	u64 busy_until;
	u64 count;		/* packets offered */
	u64 dropped;		/* by the queue */
	u64 lost;		/* by all else */
	u64 burst_until;
	struct sim_packet *held;	/* about to be overtaken */
};

void sim_init(struct sim *sim, u64 seed);
void sim_free(struct sim *sim);
/* Uniform in [0, 1). */
double sim_random(struct sim *sim);

void sim_link_init(struct sim_link *l, struct sim *sim,
		   const struct sim_link_config *c);
void sim_link_free(struct sim_link *l);
void sim_link_send(struct sim_link *l, struct sim_endpoint *to,
		   const u8 *data, u32 len);

void sim_timer(struct sim *sim, struct sim_endpoint *ep, u64 time);

/* Let the next event happen; false if there is none. */
bool sim_step(struct sim *sim);

#endif
