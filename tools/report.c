// SPDX-License-Identifier: GPL-2.0
/*
 * The report of quicget --json: what became of each file and connection.
 *
 * The counters are those of the network namespace in /proc/net/quic, as far
 * as they moved while the connection lived: exact where it was the only one.
 */
#include <inttypes.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "get.h"

#define COUNTERS_MAX	256

struct counters {
	unsigned int n;
	struct {
		char name[48];
		uint64_t value;
	} c[COUNTERS_MAX];
};

struct report {
	json_object *files;
	json_object *connections;
	struct counters before;
};

static bool read_file(struct counters *all, const char *path)
{
	FILE *file = fopen(path, "re");
	char line[256];

	if (!file)
		return false;
	while (all->n < COUNTERS_MAX && fgets(line, sizeof(line), file))
		if (sscanf(line, "%47s %" SCNu64, all->c[all->n].name,
			   &all->c[all->n].value) == 2)
			all->n++;
	fclose(file);
	return true;
}

static void read_counters(struct counters *all)
{
	all->n = 0;
	if (!read_file(all, "/proc/net/quic/stats"))
		read_file(all, "/proc/net/quic/snmp");
}

static uint64_t find(const struct counters *all, const char *name)
{
	for (unsigned int i = 0; i < all->n; i++)
		if (!strcmp(all->c[i].name, name))
			return all->c[i].value;
	return 0;
}

static void add(json_object *object, const char *key, const char *text)
{
	json_object_object_add(object, key, json_object_new_string(text));
}

/* json-c would print all 17 digits of a double. */
static void add_number(json_object *object, const char *key, double value)
{
	char text[32];

	snprintf(text, sizeof(text), "%.6f", value);
	json_object_object_add(object, key,
			       json_object_new_double_s(value, text));
}

static json_object *difference(const struct counters *before)
{
	json_object *object = json_object_new_object();
	static struct counters now;

	read_counters(&now);
	for (unsigned int i = 0; i < now.n; i++) {
		/* A gauge may have fallen. */
		int64_t d = now.c[i].value - find(before, now.c[i].name);

		if (d)
			json_object_object_add(object, now.c[i].name,
					       json_object_new_int64(d));
	}
	return object;
}

struct report *report_new(void)
{
	struct report *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->files = json_object_new_array();
	r->connections = json_object_new_array();
	return r;
}

void report_begin(struct report *r)
{
	read_counters(&r->before);
}

void report_connection(struct report *r, const struct conn *c,
		       const char *authority, const char *address)
{
	json_object *object = json_object_new_object();

	add(object, "authority", authority);
	add(object, "address", address);
	if (c->opened) {
		add_number(object, "handshake_ms",
			   (c->opened - c->began) / 1e3);
		add(object, "version", c->version);
		add(object, "alpn", c->alpn);
		add(object, "cipher", c->cipher);
		add(object, "congestion_control", c->cc);
		json_object_object_add(object, "resumed",
				       json_object_new_boolean(c->resumed));
		add(object, "early_data", conn_early_data(c));
	}
	if (*c->why)
		add(object, "error", c->why);
	json_object_object_add(object, "counters", difference(&r->before));
	json_object_array_add(r->connections, object);
}

void report_fetch(struct report *r, const struct fetch *f)
{
	json_object *object = json_object_new_object();
	char url[sizeof(f->url->authority) + sizeof(f->url->path) + 16];

	snprintf(url, sizeof(url), "https://%s%s", f->url->authority,
		 f->url->path);
	add(object, "url", url);
	add(object, "file", f->path);
	json_object_object_add(object, "ok",
			       json_object_new_boolean(f->state == FETCH_DONE));
	json_object_object_add(object, "bytes",
			       json_object_new_int64(f->bytes));
	add_number(object, "seconds",
		   f->began ? (f->ended - f->began) / 1e6 : 0);
	if (f->status)
		json_object_object_add(object, "status",
				       json_object_new_int(f->status));
	if (*f->sha256)
		add(object, "sha256", f->sha256);
	if (*f->why)
		add(object, "error", f->why);
	json_object_array_add(r->files, object);
}

void report_print(struct report *r, FILE *out, bool ok)
{
	json_object *object = json_object_new_object();

	json_object_object_add(object, "ok", json_object_new_boolean(ok));
	json_object_object_add(object, "files", r->files);
	json_object_object_add(object, "connections", r->connections);
	fprintf(out, "%s\n", json_object_to_json_string_ext(object,
			JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
			JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(object);
	free(r);
}
