// SPDX-License-Identifier: GPL-2.0
/*
 * What the server tells about connections and requests: a line for people on
 * stderr, an object per line for programs, and the access log that web servers
 * have.
 */
#include <inttypes.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "serve.h"

static const char *const methods[] = { "-", "GET", "HEAD", "other" };

/* ---- files ----------------------------------------------------------------- */

static const char *open_one(FILE **file, const char *path)
{
	FILE *fresh;

	if (!path)
		return NULL;
	if (!strcmp(path, "-")) {
		*file = stdout;
		return NULL;
	}
	fresh = fopen(path, "ae");
	if (!fresh)
		return path;
	if (*file)
		fclose(*file);
	*file = fresh;
	return NULL;
}

const char *log_open(struct serve_log *log)
{
	const char *bad;

	pthread_mutex_lock(&log->lock);
	bad = open_one(&log->json, log->json_path);
	if (!bad)
		bad = open_one(&log->access, log->access_path);
	pthread_mutex_unlock(&log->lock);
	return bad;
}

void log_close(struct serve_log *log)
{
	if (log->json && log->json != stdout)
		fclose(log->json);
	if (log->access && log->access != stdout)
		fclose(log->access);
}

static void put_line(struct serve_log *log, FILE **file, const char *line)
{
	pthread_mutex_lock(&log->lock);
	fprintf(*file, "%s\n", line);
	fflush(*file);
	pthread_mutex_unlock(&log->lock);
}

/* What came from the peer: neither a terminal nor whoever reads the log may be
 * deceived by it.
 */
static const char *printable(const char *text, size_t n, char *out, size_t size)
{
	size_t len = 0;

	for (size_t i = 0; i < n && len + 5 < size; i++) {
		unsigned char c = text[i];

		if (c < ' ' || c > '~' || c == '"' || c == '\\')
			len += sprintf(out + len, "\\x%02x", c);
		else
			out[len++] = c;
	}
	out[len] = '\0';
	return out;
}

/* ---- events as JSON ---------------------------------------------------------- */

static void put(struct serve_log *log, json_object *line)
{
	put_line(log, &log->json,
		 json_object_to_json_string_ext(line, JSON_C_TO_STRING_PLAIN |
					JSON_C_TO_STRING_NOSLASHESCAPE));
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

void log_connection(struct serve_log *log, const struct conn *c,
		    const char *what)
{
	json_object *line;

	if (log->verbose)
		fprintf(stderr, "quicserve: %s %s%s%s%s%s\n", c->peer, what,
			*c->alpn ? " " : "", c->alpn,
			*c->why ? ": " : "", c->why);
	if (!log->json)
		return;
	line = new_line(what);
	add(line, "peer", c->peer);
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

static void json_request(struct serve_log *log, const struct conn *c,
			 const struct request *r, const char *target,
			 double seconds)
{
	json_object *line = new_line("request");

	add(line, "peer", c->peer);
	add(line, "method", methods[r->method]);
	add(line, "path", target);
	json_object_object_add(line, "status", json_object_new_int(r->status));
	json_object_object_add(line, "bytes",
			       json_object_new_int64(r->off - r->first));
	add_number(line, "seconds", seconds);
	put(log, line);
}

/* ---- the access log ------------------------------------------------------------ */

/* The address without its port, and IPv4 as such. */
static void client_address(const char *peer, char *out, size_t size)
{
	const char *end = strrchr(peer, ':');

	if (!end)
		end = peer + strlen(peer);
	if (*peer == '[' && end > peer + 1) {
		peer++;
		end--;
	}
	if (!strncmp(peer, "::ffff:", 7) && memchr(peer, '.', end - peer))
		peer += 7;
	snprintf(out, size, "%.*s", (int)(end - peer), peer);
}

static const char *field(const struct request *r, enum request_field f,
			 char *out, size_t size)
{
	const char *text = r->fields[f] ? r->fields[f] : "-";

	return printable(text, strlen(text), out, size);
}

/* NCSA's combined format, which every log analyser knows. */
static void access_request(struct serve_log *log, const struct conn *c,
			   const struct request *r, const char *target)
{
	char line[4096], address[64], when[64], referer[1024], agent[1024];
	time_t now = time(NULL);
	struct tm tm;

	client_address(c->peer, address, sizeof(address));
	localtime_r(&now, &tm);
	strftime(when, sizeof(when), "%d/%b/%Y:%H:%M:%S %z", &tm);
	snprintf(line, sizeof(line), "%s - - [%s] \"%s %s HTTP/%s\" %03d %jd \"%s\" \"%s\"",
		 address, when, methods[r->method], target,
		 strcmp(c->alpn, "h3") ? "0.9" : "3.0", r->status,
		 (intmax_t)(r->off - r->first),
		 field(r, FIELD_REFERER, referer, sizeof(referer)),
		 field(r, FIELD_USER_AGENT, agent, sizeof(agent)));
	put_line(log, &log->access, line);
}

void log_request(struct serve_log *log, const struct conn *c,
		 const struct request *r)
{
	double seconds = (clock_us() - r->began) / 1e6;
	char target[1024];

	printable(r->target ? r->target : "-", r->target ? r->target_len : 1,
		  target, sizeof(target));
	if (log->verbose)
		fprintf(stderr, "quicserve: %s %s %d, %jd bytes, %.3f s\n",
			methods[r->method], target, r->status,
			(intmax_t)(r->off - r->first), seconds);
	if (log->json)
		json_request(log, c, r, target, seconds);
	if (log->access)
		access_request(log, c, r, target);
}
