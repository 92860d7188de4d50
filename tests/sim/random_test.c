// SPDX-License-Identifier: GPL-2.0
/*
 * Random networks, both directions different, several streams both ways.
 * Whatever happens, all bytes arrive, once, in a time that the network's
 * figures explain.
 */
#include <math.h>

#include "world.h"

#define SEEDS	400

static const struct quic_congestion_ops *const algorithms[] = {
	&quic_cc_reno, &quic_cc_cubic, &quic_cc_bbr,
};

static struct sim_world w;

/* Small values as likely as large ones. */
static double between(double lo, double hi)
{
	return lo * pow(hi / lo, unit_rand_below(1 << 20) / (double)(1 << 20));
}

static bool one_in(u32 n)
{
	return !unit_rand_below(n);
}

static void random_link(struct sim_link_config *c)
{
	u64 rtt_bytes;

	c->rate = between(20000, 50e6);
	c->delay = between(20000, 200e6);
	rtt_bytes = c->rate * 2 * c->delay / SECOND;
	c->queue = 5000 + rtt_bytes * between(0.2, 5);
	c->batch = one_in(3) ? between(10000, 1e6) : 0;
	c->loss = one_in(2) ? between(0.0005, 0.1) : 0;
	c->burst = one_in(4) ? between(0.0005, 0.01) : 0;
	c->burst_time = between(1e5, 2e8);
	c->duplicate = one_in(4) ? between(0.001, 0.3) : 0;
	c->reorder = one_in(3) ? between(0.001, 0.3) : 0;
	c->reorder_by = 1 + unit_rand_below(12);
	c->reorder_hold = between(20000, 20e6);
	c->calm_until = 0;
	c->dark_from = 0;
	c->dark_to = 0;
	c->lose = NULL;
	if (one_in(5)) {
		c->dark_from = SECOND + between(1e6, 3e9);
		c->dark_to = c->dark_from + between(1e6, 4e9);
	}
}

/* Chance that a packet is lost on @c when it is full. */
static double loss_of(const struct sim_link_config *c)
{
	return c->loss + c->burst * (1 + c->burst_time * c->rate /
				     (SIM_MSS * 1e9));
}

/* How long may it take?  The square-root law of NewReno tells how fast it
 * should be; a quarter of that, and some twenty time-outs, must do.
 */
static double patience(const struct sim_link_config *up,
		       const struct sim_link_config *down, u64 bytes)
{
	double rtt = (up->delay + down->delay) / 1e9 + 0.002 +
		     2 * SIM_MSS / (double)min(up->rate, down->rate);
	/* reordering may look like loss */
	double p = loss_of(down) + loss_of(up) +
		   0.5 * (down->reorder + up->reorder);
	double rate = min(down->rate, up->rate), dark;

	/* its queue delays as well */
	rtt += down->queue / (double)down->rate + up->queue / (double)up->rate;
	if (p > 0)
		rate = fmin(rate, SIM_MSS / rtt * sqrt(1.5 / p));
	dark = (up->dark_to - up->dark_from + down->dark_to -
		down->dark_from) / 1e9;
	return 4 * bytes / rate + 3 * dark + 20 * (rtt + 0.5) +
	       (p > 0.02 ? 20 : 0);
}

/* RFC9000-2.2-1 RFC9000-2.2-2 */
TEST(every_byte_arrives_over_any_network)
{
	const char *env = getenv("SIM_SEEDS");
	u32 seeds = env ? atoi(env) : SEEDS, seed, i;
	struct sim_link_config up, down;
	double limit, time, worst = 0;
	u64 bytes, part, packets = 0;

	for (seed = 1; seed <= seeds; seed++) {
		random_link(&up);
		random_link(&down);
		unit_case("seed %u", seed);
		sim_world_init(&w, seed, &up, &down,
			       algorithms[seed % ARRAY_SIZE(algorithms)]);
		bytes = 0;
		for (i = 0; i < SIM_STREAMS; i++) {
			part = 1 + between(1, 400000);
			sim_endpoint_write(&w.server[0], i, part, true);
			bytes += part;
			part = 1 + between(1, i == 3 ? 200000 : 2000);
			sim_endpoint_write(&w.client[0], i, part, true);
			bytes += part;
		}
		limit = patience(&up, &down, bytes);
		sim_world_open(&w, 0);
		if (!EXPECT(sim_world_run(&w, 10 * limit * SECOND))) {
			sim_world_check(&w);
			sim_world_free(&w);
			break;
		}
		sim_world_check(&w);
		time = (max(w.client[0].finished, w.server[0].finished) -
			w.start) / 1e9;
		worst = fmax(worst, time / limit);
		if (!EXPECT(time <= limit))
			printf("# %llu bytes took %.2f s, limit %.2f\n", bytes,
			       time, limit);
		packets += w.up.count + w.down.count;
		sim_world_free(&w);
	}
	printf("# %u networks, %llu packets, slowest at %.0f %% of its limit\n",
	       seed - 1, packets, 100 * worst);
}
