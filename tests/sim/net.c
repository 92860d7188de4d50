// SPDX-License-Identifier: GPL-2.0
/* Virtual time and links; see net.h. */
#include "endpoint.h"
#include "net.h"

static bool is_earlier(const struct sim_event *a, const struct sim_event *b)
{
	return a->time != b->time ? a->time < b->time : a->age < b->age;
}

static void push_event(struct sim *sim, struct sim_event ev)
{
	u32 i = sim->n++;

	if (sim->n > sim->cap) {
		sim->cap = sim->cap ? 2 * sim->cap : 1024;
		sim->heap = realloc(sim->heap,
				    sim->cap * sizeof(*sim->heap));
	}
	ev.time = max(ev.time, sim->now);
	ev.age = sim->age++;
	for (; i && is_earlier(&ev, &sim->heap[(i - 1) / 2]); i = (i - 1) / 2)
		sim->heap[i] = sim->heap[(i - 1) / 2];
	sim->heap[i] = ev;
}

static struct sim_event pop_event(struct sim *sim)
{
	struct sim_event top = sim->heap[0], last = sim->heap[--sim->n];
	u32 i = 0, child;

	while ((child = 2 * i + 1) < sim->n) {
		if (child + 1 < sim->n && is_earlier(&sim->heap[child + 1],
						     &sim->heap[child]))
			child++;
		if (!is_earlier(&sim->heap[child], &last))
			break;
		sim->heap[i] = sim->heap[child];
		i = child;
	}
	sim->heap[i] = last;
	return top;
}

void sim_init(struct sim *sim, u64 seed)
{
	memset(sim, 0, sizeof(*sim));
	sim->now = SECOND;
	sim->rng = seed;
}

void sim_free(struct sim *sim)
{
	while (sim->n)
		free(pop_event(sim).pkt);
	free(sim->heap);
}

double sim_random(struct sim *sim)
{
	u64 z = sim->rng += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return ((z ^ z >> 31) >> 11) * 0x1p-53;
}

void sim_timer(struct sim *sim, struct sim_endpoint *ep, u64 time)
{
	push_event(sim, (struct sim_event){ .time = time, .timer = ep });
}

void sim_link_init(struct sim_link *l, struct sim *sim,
		   const struct sim_link_config *c)
{
	*l = (struct sim_link){ .sim = sim, .c = *c };
}

void sim_link_free(struct sim_link *l)
{
	free(l->held);
}

static bool chance(struct sim_link *l, double p)
{
	return p > 0 && l->sim->now >= l->c.calm_until &&
	       sim_random(l->sim) < p;
}

static bool is_lost(struct sim_link *l, u32 len)
{
	u64 now = l->sim->now;

	if (l->c.lose && l->c.lose(l->count, len))
		return true;
	if (now >= l->c.dark_from && now < l->c.dark_to)
		return true;
	if (chance(l, l->c.burst))
		l->burst_until = now + 2 * l->c.burst_time * sim_random(l->sim);
	return now < l->burst_until || chance(l, l->c.loss);
}

static u64 round_up_to(u64 v, u64 unit)
{
	return (v + unit - 1) / unit * unit;
}

static void enqueue(struct sim_link *l, struct sim_endpoint *to,
		    const u8 *data, u32 len)
{
	u64 now = l->sim->now, waiting;
	struct sim_packet *p;
	u64 at;

	l->busy_until = max(l->busy_until, now);
	waiting = (l->busy_until - now) * l->c.rate / SECOND;
	if (waiting + len > l->c.queue) {
		l->dropped++;
		return;
	}
	l->busy_until += len * SECOND / l->c.rate;
	p = malloc(sizeof(*p) + len);
	p->to = to;
	p->len = len;
	p->overtakers = 0;
	memcpy(p->data, data, len);
	at = l->busy_until + l->c.delay;
	if (l->c.batch)
		at = round_up_to(at, l->c.batch);
	push_event(l->sim, (struct sim_event){
		.time = at, .link = l, .pkt = p });
}

void sim_link_send(struct sim_link *l, struct sim_endpoint *to,
		   const u8 *data, u32 len)
{
	bool lost = is_lost(l, len);

	l->count++;
	l->lost += lost;
	if (lost)
		return;
	enqueue(l, to, data, len);
	if (chance(l, l->c.duplicate))
		enqueue(l, to, data, len);
}

static void deliver(struct sim_packet *p)
{
	sim_endpoint_receive(p->to, p->data, p->len);
	free(p);
}

static void let_go(struct sim_link *l)
{
	struct sim_packet *p = l->held;

	l->held = NULL;
	if (p)
		deliver(p);
}

static void arrive(struct sim_link *l, struct sim_packet *p)
{
	if (!l->held && chance(l, l->c.reorder)) {
		p->overtakers = 1 + sim_random(l->sim) * l->c.reorder_by;
		l->held = p;
		push_event(l->sim, (struct sim_event){
			.time = l->sim->now + (l->c.reorder_hold ?: 1 * MS),
			.link = l });
		return;
	}
	deliver(p);
	/* a moment later, so that the others are answered first */
	if (l->held && !--l->held->overtakers)
		push_event(l->sim, (struct sim_event){
			.time = l->sim->now + 1, .link = l });
}

bool sim_step(struct sim *sim)
{
	struct sim_event ev;

	if (!sim->n)
		return false;
	ev = pop_event(sim);
	sim->now = ev.time;
	if (ev.timer)
		sim_endpoint_timer(ev.timer);
	else if (ev.pkt)
		arrive(ev.link, ev.pkt);
	else
		let_go(ev.link);
	return true;
}
