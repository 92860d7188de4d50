// SPDX-License-Identifier: GPL-2.0
/*
 * What the server tells about connections and requests: a line for people on
 * stderr, an object per line for programs.
 */
#include <inttypes.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdlib.h>

#include "serve.h"

static void put(const struct serve_log *log, json_object *line)
{
	fprintf(log->json, "%s\n",
		json_object_to_json_string_ext(line, JSON_C_TO_STRING_PLAIN |
					JSON_C_TO_STRING_NOSLASHESCAPE));
	fflush(log->json);
	json_object_put(line);
}

static void add(json_object *line, const char *key, const char *value)
{
	json_object_object_add(line, key, json_object_new_string(value));
}

/* json-c would print all 17 digits of a double. */
static void add_number(json_object *line, const char *key, double value)
{
	char text[32];

	snprintf(text, sizeof(text), "%.6f", value);
	json_object_object_add(line, key, json_object_new_double_s(value, text));
}

static json_object *new_line(const char *kind)
{
	json_object *line = json_object_new_object();
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	add_number(line, "time", now.tv_sec + now.tv_nsec / 1e9);
	add(line, "event", kind);
	return line;
}

void log_connection(const struct serve_log *log, const struct conn *c,
		    const char *peer, const char *what)
{
	json_object *line;

	if (log->verbose)
		fprintf(stderr, "quicserve: %s %s%s%s%s%s\n", peer, what,
			*c->alpn ? " " : "", c->alpn,
			*c->why ? ": " : "", c->why);
	if (!log->json)
		return;
	line = new_line(what);
	add(line, "peer", peer);
	if (c->opened) {
		add(line, "alpn", c->alpn);
		add(line, "cipher", c->cipher);
		add(line, "version", c->version);
		add(line, "congestion_control", c->cc);
		add_number(line, "handshake_ms", (c->opened - c->began) / 1e3);
	}
	if (*c->why)
		add(line, "reason", c->why);
	put(log, line);
}

/* The target comes from the peer: a terminal must not act on it. */
static const char *printable(const struct request *r, char *out, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < r->target_len && n + 1 < size; i++)
		out[n++] = r->target[i] > ' ' && r->target[i] <= '~' ?
			   r->target[i] : '?';
	out[n] = '\0';
	return out;
}

void log_request(const struct serve_log *log, const struct request *r)
{
	static const char *const names[] = { "-", "GET", "HEAD", "other" };
	double seconds = (clock_us() - r->began) / 1e6;
	char target[256];
	json_object *line;

	printable(r, target, sizeof(target));
	if (log->verbose)
		fprintf(stderr, "quicserve: %s %s %d, %jd bytes, %.3f s\n",
			names[r->method], target, r->status, (intmax_t)(r->off - r->first),
			seconds);
	if (!log->json)
		return;
	line = new_line("request");
	add(line, "method", names[r->method]);
	add(line, "path", target);
	json_object_object_add(line, "status", json_object_new_int(r->status));
	json_object_object_add(line, "bytes", json_object_new_int64(r->off - r->first));
	add_number(line, "seconds", seconds);
	put(log, line);
}
