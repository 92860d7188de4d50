// SPDX-License-Identifier: GPL-2.0
/*
 * What quicperf says: one JSON object per line, on stdout.
 */
#include <json-c/json.h>
#include <stdio.h>
#include <sys/resource.h>

#include "perf.h"

#define NS_PER_S	1e9

static void add_int(struct json_object *to, const char *name, uint64_t value)
{
	json_object_object_add(to, name, json_object_new_uint64(value));
}

static void add_rate(struct json_object *to, const char *name, double value,
		     uint64_t ns)
{
	json_object_object_add(to, name, json_object_new_uint64(
			       ns ? value * NS_PER_S / ns : 0));
}

static void print(struct json_object *object)
{
	puts(json_object_to_json_string_ext(object, JSON_C_TO_STRING_SPACED));
	fflush(stdout);
	json_object_put(object);
}

static struct json_object *new_report(const struct options *o)
{
	struct json_object *object = json_object_new_object();

	json_object_object_add(object, "transport",
			       json_object_new_string(o->transport->name));
	if (o->transport->has_tls)
		json_object_object_add(object, "cipher",
				       json_object_new_string(o->cipher->name));
	return object;
}

void report_ready(const struct options *o)
{
	struct json_object *object = new_report(o);

	json_object_object_add(object, "ready", json_object_new_boolean(true));
	print(object);
}

/* [[nanoseconds, how many], ...]: the greatest values of buckets in use */
static struct json_object *buckets(const struct histogram *h)
{
	struct json_object *list = json_object_new_array();

	for (unsigned int i = 0; i < HISTOGRAM_BUCKETS; i++) {
		struct json_object *pair;

		if (!h->bucket[i])
			continue;
		pair = json_object_new_array();
		json_object_array_add(pair,
				      json_object_new_uint64(histogram_limit(i)));
		json_object_array_add(pair, json_object_new_uint64(h->bucket[i]));
		json_object_array_add(list, pair);
	}
	return list;
}

static void add_histogram(struct json_object *to, const char *name,
			  const struct histogram *h, bool full)
{
	struct json_object *object = json_object_new_object();

	add_int(object, "count", h->count);
	if (h->count) {
		add_int(object, "mean", h->sum / h->count);
		add_int(object, "min", h->min);
		add_int(object, "p50", histogram_at(h, .5));
		add_int(object, "p90", histogram_at(h, .9));
		add_int(object, "p99", histogram_at(h, .99));
		add_int(object, "p999", histogram_at(h, .999));
		add_int(object, "max", h->max);
	}
	if (full)
		json_object_object_add(object, "buckets", buckets(h));
	json_object_object_add(to, name, object);
}

static uint64_t ns(const struct timeval *t)
{
	return t->tv_sec * UINT64_C(1000000000) + t->tv_usec * UINT64_C(1000);
}

void report_stats(const struct options *o, const struct stats *s)
{
	uint64_t start = s->ready_ns ?: s->start_ns;
	uint64_t elapsed = s->end_ns - start;
	uint64_t idle = idle_ns() - s->idle_ns;
	struct json_object *object = new_report(o);
	struct rusage usage;

	add_int(object, "connections", s->handshake.count);
	add_int(object, "streams", o->streams);
	add_int(object, "up", o->up);
	add_int(object, "down", o->down);
	add_int(object, "write_size", o->write_size);
	add_int(object, "exchanges", s->exchange.count);
	add_int(object, "bytes", s->bytes);
	add_int(object, "resumed", s->resumed);
	/* Until all connections were open, if that was waited for. */
	add_int(object, "connect_ns", start - s->start_ns);
	add_int(object, "elapsed_ns", elapsed);
	if (s->idle_ns)
		add_int(object, "cpu_idle_ns", idle);
	getrusage(RUSAGE_SELF, &usage);
	add_int(object, "user_ns", ns(&usage.ru_utime));
	add_int(object, "system_ns", ns(&usage.ru_stime));
	add_rate(object, "bits_per_second", 8. * s->bytes, elapsed);
	add_rate(object, "exchanges_per_second", s->exchange.count, elapsed);
	add_rate(object, "connections_per_second", s->handshake.count,
		 s->end_ns - s->start_ns);
	add_histogram(object, "handshake_ns", &s->handshake, o->histogram);
	add_histogram(object, "exchange_ns", &s->exchange, o->histogram);
	print(object);
}
