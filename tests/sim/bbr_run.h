/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A server with BBR on a link, watched: how often it was in which state, and for
 * how long; no state follows one that it may not.
 */
#ifndef SIM_BBR_RUN_H
#define SIM_BBR_RUN_H

#include "world.h"

/* Its own one, to look inside. */
#define quic_cc_bbr	watched
#include "recovery/cc_bbr.c"

#define MB	1000000ULL

static struct sim_world w;

static struct run {
	u32 entered[PROBE_RTT + 1];
	u64 in_state[PROBE_RTT + 1];	/* ns */
	u64 up_at, up_gap_max, up_gap_min;
	u64 srtt_max;			/* since the pipe was full */
	int state;
	u64 since;
} run;

static inline struct bbr *model(void)
{
	return bbr(&w.server[0].r.cc);
}

/* Section 5.1.1, and what PROBE_RTT comes back to (5.3.4.4). */
static inline bool is_legal(int from, int to)
{
	static const u8 to_of[PROBE_RTT + 1] = {
		[STARTUP]	= BIT(DRAIN),
		[DRAIN]		= BIT(DOWN) | BIT(CRUISE) | BIT(REFILL),
		[DOWN]		= BIT(CRUISE) | BIT(REFILL),
		[CRUISE]	= BIT(REFILL),
		[REFILL]	= BIT(UP),
		[UP]		= BIT(DOWN) | BIT(CRUISE),
		[PROBE_RTT]	= BIT(CRUISE) | BIT(STARTUP),
	};

	return to == PROBE_RTT || to_of[from] & BIT(to) ||
	       /* full, drained, and gone on within one ACK */
	       (from == STARTUP && to <= CRUISE);
}

static inline void watch(void)
{
	struct bbr *b = model();
	u64 now = w.sim.now;

	if (b->full_reached && b->state >= DOWN)
		run.srtt_max = max(run.srtt_max, w.server[0].r.rtt.smoothed);
	if (b->state == run.state)
		return;
	unit_case("%d -> %d at %f s", run.state, b->state,
		  (now - w.start) / 1e9);
	EXPECT(is_legal(run.state, b->state));
	run.in_state[run.state] += now - run.since;
	run.since = now;
	run.state = b->state;
	run.entered[b->state]++;
	if (b->state != UP)
		return;
	if (run.up_at) {
		run.up_gap_max = max(run.up_gap_max, now - run.up_at);
		run.up_gap_min = min(run.up_gap_min, now - run.up_at);
	}
	run.up_at = now;
}

static inline void pass(u64 time)
{
	u64 end = w.sim.now + time;

	while (w.sim.n && w.sim.heap[0].time <= end) {
		sim_step(&w.sim);
		watch();
	}
	w.sim.now = end;
	EXPECT(!w.server[0].fault && !w.client[0].fault);
}

static inline void begin(const struct sim_link_config *c, u64 bytes)
{
	run = (struct run){ .up_gap_min = U64_MAX };
	sim_world_init(&w, 1, c, c, &watched);
	run.since = w.sim.now;
	sim_endpoint_write(&w.client[0], 0, 200, true);
	if (bytes)
		sim_endpoint_write(&w.server[0], 0, bytes, true);
	sim_world_open(&w, 0);
}

/* The server gets more to send; @fin: that was all. */
static inline void supply(u64 bytes, bool fin)
{
	sim_endpoint_write(&w.server[0], 0, bytes, fin);
	sim_endpoint_push(&w.server[0]);
}

/* Bytes per second that arrive while @time passes. */
static inline double goodput(u64 time)
{
	u64 before = sim_endpoint_received(&w.client[0]);

	pass(time);
	return (sim_endpoint_received(&w.client[0]) - before) * 1e9 / time;
}

static inline void expect_about(double got, double want, double off)
{
	if (!EXPECT(got >= want * (1 - off) && got <= want * (1 + off)))
		printf("# %f, wanted %f\n", got, want);
}

static inline void wait_for(int state)
{
	while (model()->state != state)
		pass(MS);
}

#endif
