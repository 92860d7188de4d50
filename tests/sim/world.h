/* SPDX-License-Identifier: GPL-2.0 */
/* A client and a server, or two of each, and the two links between them. */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include "endpoint.h"

#define SIM_FLOWS	2

struct sim_world {
	struct sim sim;
	struct sim_link up, down;	/* from and to the clients */
	struct sim_endpoint client[SIM_FLOWS], server[SIM_FLOWS];
	u64 start;
};

/* A link as good as none: everything in time, nothing lost. */
static inline struct sim_link_config sim_clean(u64 rate, u64 delay, u64 queue)
{
	return (struct sim_link_config){
		.rate = rate, .delay = delay, .queue = queue,
	};
}

void sim_world_init(struct sim_world *w, u64 seed,
		    const struct sim_link_config *up,
		    const struct sim_link_config *down,
		    const struct quic_congestion_ops *cc);
void sim_world_free(struct sim_world *w);

/* The client of pair @i says the first word. */
void sim_world_open(struct sim_world *w, u32 i);

/* Until pair 0 is done, or for @limit.  false: it was not done by then. */
bool sim_world_run(struct sim_world *w, u64 limit);
/* For @time, come what may. */
void sim_world_pass(struct sim_world *w, u64 time);

/* What must hold after every run, however bad the network. */
void sim_world_check(struct sim_world *w);

#endif
