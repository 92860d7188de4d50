// SPDX-License-Identifier: GPL-2.0
/* Clients, servers and the links between them; see world.h. */
#include "world.h"

void sim_world_init(struct sim_world *w, u64 seed,
		    const struct sim_link_config *up,
		    const struct sim_link_config *down,
		    const struct quic_congestion_ops *cc)
{
	u32 i;

	sim_init(&w->sim, seed);
	w->start = w->sim.now;
	sim_link_init(&w->up, &w->sim, up);
	sim_link_init(&w->down, &w->sim, down);
	for (i = 0; i < SIM_FLOWS; i++) {
		sim_endpoint_init(&w->client[i], &w->sim, &w->up,
				  &w->server[i], false, cc);
		sim_endpoint_init(&w->server[i], &w->sim, &w->down,
				  &w->client[i], true, cc);
	}
}

void sim_world_free(struct sim_world *w)
{
	u32 i;

	for (i = 0; i < SIM_FLOWS; i++) {
		sim_endpoint_free(&w->client[i]);
		sim_endpoint_free(&w->server[i]);
	}
	sim_link_free(&w->up);
	sim_link_free(&w->down);
	sim_free(&w->sim);
}

void sim_world_open(struct sim_world *w, u32 i)
{
	sim_endpoint_push(&w->client[i]);
}

bool sim_world_run(struct sim_world *w, u64 limit)
{
	u64 end = w->sim.now + limit;

	while (w->sim.now <= end) {
		if (sim_endpoint_is_done(&w->client[0]) &&
		    sim_endpoint_is_done(&w->server[0]))
			return true;
		if (w->client[0].fault || w->server[0].fault)
			return false;
		if (!sim_step(&w->sim))
			return false;
	}
	return false;
}

void sim_world_pass(struct sim_world *w, u64 time)
{
	u64 end = w->sim.now + time;

	while (w->sim.n && w->sim.heap[0].time <= end)
		sim_step(&w->sim);
	w->sim.now = end;
}

static void check(struct sim_endpoint *ep)
{
	u32 i;

	if (ep->fault) {
		printf("# %s: %s\n", ep->is_server ? "server" : "client",
		       ep->fault);
		EXPECT(!ep->fault);
	}
	EXPECT_EQ(ep->r.in_flight, 0);
	for (i = 0; i < QUIC_SPACE_MAX; i++)
		EXPECT_EQ(ep->r.space[i]->eliciting_out, 0);
	for (i = 0; i < SIM_STREAMS; i++) {
		EXPECT_EQ(ep->stream[i].received, ep->stream[i].expect);
		EXPECT_EQ(ep->stream[i].fin_got, ep->stream[i].expect &&
			  ep->peer->stream[i].fin);
	}
	/* nothing is left to wait for, and idle endpoints are small */
	EXPECT_EQ(quic_recovery_deadline(&ep->r), 0);
	quic_recovery_shrink(&ep->r);
	EXPECT(!ep->r.rate.mark);
	for (i = 0; i < QUIC_SPACE_MAX; i++) {
		quic_sent_shrink(&ep->r.space[i]->sent);
		EXPECT(!ep->r.space[i]->sent.pkt);
	}
}

void sim_world_check(struct sim_world *w)
{
	check(&w->client[0]);
	check(&w->server[0]);
}
