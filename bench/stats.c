// SPDX-License-Identifier: GPL-2.0
/*
 * Clock, histograms and sums of what workers did.
 */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "perf.h"

uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * UINT64_C(1000000000) + t.tv_nsec;
}

uint64_t idle_ns(void)
{
	FILE *file = fopen("/proc/timer_list", "r");
	uint64_t sum = 0, n;
	char line[256];

	if (!file)
		return 0;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, " .idle_sleeptime : %" SCNu64, &n) == 1)
			sum += n;
	fclose(file);
	return sum;
}

/* Linear up to 2 * HISTOGRAM_STEPS, then so many steps per power of two. */
static unsigned int bucket_of(uint64_t value)
{
	unsigned int power;

	if (value < 2 * HISTOGRAM_STEPS)
		return value;
	power = 63 - __builtin_clzll(value / HISTOGRAM_STEPS);
	return (power + 1) * HISTOGRAM_STEPS + (value >> power) -
	       HISTOGRAM_STEPS;
}

/* The greatest value that falls into a bucket. */
uint64_t histogram_limit(unsigned int bucket)
{
	unsigned int power = bucket / HISTOGRAM_STEPS;

	if (power < 2)
		return bucket;
	power--;
	return ((bucket % HISTOGRAM_STEPS + HISTOGRAM_STEPS + UINT64_C(1))
		<< power) - 1;
}

void histogram_add(struct histogram *h, uint64_t value)
{
	if (!h->count || value < h->min)
		h->min = value;
	if (value > h->max)
		h->max = value;
	h->count++;
	h->sum += value;
	h->bucket[bucket_of(value)]++;
}

/* The value that this part (0 to 1) of all values does not exceed. */
uint64_t histogram_at(const struct histogram *h, double part)
{
	uint64_t seen = 0;
	unsigned int i;

	for (i = 0; i < HISTOGRAM_BUCKETS; i++) {
		seen += h->bucket[i];
		if (seen && seen >= part * h->count)
			break;
	}
	return histogram_limit(i) < h->max ? histogram_limit(i) : h->max;
}

static void merge(struct histogram *to, const struct histogram *from)
{
	if (!from->count)
		return;
	if (!to->count || from->min < to->min)
		to->min = from->min;
	if (from->max > to->max)
		to->max = from->max;
	to->count += from->count;
	to->sum += from->sum;
	for (unsigned int i = 0; i < HISTOGRAM_BUCKETS; i++)
		to->bucket[i] += from->bucket[i];
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a && (!b || a < b) ? a : b;
}

void stats_merge(struct stats *to, const struct stats *from)
{
	to->bytes += from->bytes;
	to->resumed += from->resumed;
	to->start_ns = earlier(to->start_ns, from->start_ns);
	to->ready_ns = earlier(to->ready_ns, from->ready_ns);
	to->idle_ns = earlier(to->idle_ns, from->idle_ns);
	if (from->end_ns > to->end_ns)
		to->end_ns = from->end_ns;
	merge(&to->handshake, &from->handshake);
	merge(&to->exchange, &from->exchange);
}
