// SPDX-License-Identifier: GPL-2.0
/*
 * What quicperf says: one JSON object per line, on stdout.
 */
#include <stdio.h>

#include "perf.h"

void report_ready(const struct options *o)
{
	printf("{\"transport\": \"%s\", \"ready\": true}\n", o->transport->name);
	fflush(stdout);
}

void report_result(const struct options *o, const struct result *r)
{
	printf("{\"transport\": \"%s\", \"direction\": \"%s\", "
	       "\"bytes\": %llu, \"write_size\": %zu, "
	       "\"handshake_ns\": %llu, \"elapsed_ns\": %llu, "
	       "\"bits_per_second\": %.0f}\n",
	       o->transport->name, o->direction == UP ? "up" : "down",
	       (unsigned long long)o->bytes, o->write_size,
	       (unsigned long long)r->handshake_ns,
	       (unsigned long long)r->elapsed_ns,
	       o->bytes * 8e9 / r->elapsed_ns);
	fflush(stdout);
}
