// SPDX-License-Identifier: GPL-2.0
/*
 * The requests of a served connection, whatever the protocol: their life, and
 * the turns in which their contents are sent (RFC 9218 section 10).
 *
 * A request ends when both directions of its stream are over.  A response
 * that is complete while the peer still sends makes us ask it to stop, so
 * that a stream never lingers; a peer that sends content has a while for it,
 * because some take STOP_SENDING as a failure in spite of RFC 9114 section 4.1.
 */
#include "serve.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LATE_MAX	(256 * 1024)	/* of content nobody reads */
/* What a stream sends before the next one gets its turn, and how many turns
 * a connection has before the next one.
 */
#define QUANTUM		(256 * 1024)
#define TURNS		16
/* Up to here sendfile() and a FIN of its own cost more than a copy. */
#define SMALL		(16 * 1024)

void served_init(struct served *s, struct conn *c)
{
	s->conn = c;
	s->serve = c->owner;
	TAILQ_INIT(&s->requests);
}

static void free_request(struct served *s, struct request *r)
{
	TAILQ_REMOVE(&s->requests, r, link);
	s->count--;
	if (r->fd >= 0)
		close(r->fd);
	for (int i = 0; i < FIELDS; i++)
		free(r->fields[i]);
	free(r->target);
	free(r->location);
	free(r->text);
	free(r);
}

void served_free(struct served *s)
{
	struct request *r;

	while ((r = TAILQ_FIRST(&s->requests))) {
		/* The connection ended before the response. */
		if (r->status)
			log_request(&s->serve->log, s->conn, r);
		free_request(s, r);
	}
	free(s->skipped);
}

struct request *served_find(struct served *s, int64_t id)
{
	struct request *r;

	TAILQ_FOREACH(r, &s->requests, link)
		if (r->id == id)
			return r;
	return NULL;
}

/* A peer that ignores STOP_SENDING keeps answered requests alive: the oldest
 * makes room.
 */
static bool make_room(struct served *s)
{
	struct request *r;

	TAILQ_FOREACH(r, &s->requests, link) {
		if (!r->tx_done)
			continue;
		if (!s->over(s, r))
			return false;
		free_request(s, r);
		return true;
	}
	return false;
}

static struct request *new_request(struct served *s, int64_t id)
{
	struct request *r;

	if (s->count >= SERVE_REQUESTS_MAX && !make_room(s))
		return NULL;
	r = calloc(1, sizeof(*r));
	if (!r)
		return NULL;
	r->id = id;
	r->fd = -1;
	r->began = clock_us();
	r->urgency = QUIC_URGENCY_DEFAULT;
	TAILQ_INSERT_TAIL(&s->requests, r, link);
	s->count++;
	return r;
}

/* A stream opens all lower ones of its kind (RFC 9000 section 2.1). */
static bool skip_to(struct served *s, int64_t id)
{
	size_t n = (id - s->next) / 4 + s->skipped_count;
	int64_t *skipped;

	if (n > SERVE_SKIPPED_MAX)
		return false;
	if (n > s->skipped_count) {
		skipped = reallocarray(s->skipped, n, sizeof(*skipped));
		if (!skipped)
			return false;
		s->skipped = skipped;
	}
	for (; s->next < id; s->next += 4)
		s->skipped[s->skipped_count++] = s->next;
	s->next = id + 4;
	return true;
}

static bool was_skipped(struct served *s, int64_t id)
{
	for (size_t i = 0; i < s->skipped_count; i++) {
		if (s->skipped[i] != id)
			continue;
		s->skipped[i] = s->skipped[--s->skipped_count];
		return true;
	}
	return false;
}

bool served_get(struct served *s, int64_t id, struct request **r)
{
	*r = served_find(s, id);
	if (*r || (id < s->next && !was_skipped(s, id)))
		return true;
	if (id < s->next || skip_to(s, id))
		*r = new_request(s, id);
	if (!*r)
		conn_fail(s->conn, CONN_END_ERROR, s->excessive,
			  "too many requests at a time");
	return *r;
}

bool request_target(struct request *r, const void *data, size_t n)
{
	char *target;

	if (n > SERVE_TARGET_MAX - r->target_len)
		return false;
	target = realloc(r->target, r->target_len + n + 1);
	if (!target)
		return false;
	memcpy(target + r->target_len, data, n);
	r->target = target;
	r->target_len += n;
	target[r->target_len] = '\0';
	return true;
}

bool request_field(struct request *r, enum request_field field,
		   const void *value, size_t n)
{
	char *old = r->fields[field];
	size_t len = old ? strlen(old) : 0;
	char *text;

	/* A NUL would hide the rest. */
	if (n > SERVE_FIELD_MAX - len || memchr(value, '\0', n))
		return false;
	if (asprintf(&text, "%s%s%.*s", old ? old : "", old ? ", " : "",
		     (int)n, (const char *)value) < 0)
		return false;
	free(old);
	r->fields[field] = text;
	return strlen(text) <= SERVE_FIELD_MAX;
}

static bool check_over(struct served *s, struct request *r)
{
	bool ok = true;

	if (!r->rx_done || !r->tx_done)
		return true;
	log_request(&s->serve->log, s->conn, r);
	ok = s->over(s, r);
	free_request(s, r);
	return ok;
}

bool request_rx_done(struct served *s, struct request *r)
{
	r->rx_done = true;
	return check_over(s, r);
}

static bool end_tx(struct served *s, struct request *r, uint32_t code)
{
	r->tx_done = true;
	if (!r->rx_done && (code != s->conn->ops->no_error ||
			    r->method != METHOD_OTHER))
		conn_stop_sending(s->conn, r->id, code);
	return check_over(s, r);
}

void request_late(struct served *s, struct request *r, size_t n)
{
	bool enough = r->late > LATE_MAX;

	if (r->tx_done)
		r->late += n;
	if (!enough && r->late > LATE_MAX)
		conn_stop_sending(s->conn, r->id, s->conn->ops->no_error);
}

bool request_tx_done(struct served *s, struct request *r)
{
	return end_tx(s, r, s->conn->ops->no_error);
}

bool request_cut(struct served *s, struct request *r, uint32_t code)
{
	conn_reset_stream(s->conn, r->id, code);
	return end_tx(s, r, code);
}

void served_credit(struct served *s, int64_t id)
{
	struct request *r;

	TAILQ_FOREACH(r, &s->requests, link)
		if (id == -1 || r->id == id)
			r->blocked = false;
}

/* All that is left, with what goes before it and the FIN, in one. */
static ssize_t send_rest(struct served *s, struct request *r, bool *fin)
{
	size_t frame = r->frame_len - r->frame_off;
	size_t len = r->end - r->off;
	struct iovec iov[2];
	char buffer[SMALL];
	ssize_t n;

	if (!r->text && len &&
	    pread(r->fd, buffer, len, r->off) != (ssize_t)len)
		return -ENODATA;	/* the file became shorter */
	iov[0] = (struct iovec){ r->frame + r->frame_off, frame };
	iov[1] = (struct iovec){ r->text ? r->text + r->off : buffer, len };
	n = conn_send(s->conn, r->id, iov, 2, CONN_FIN);
	if (n < 0)
		return n;
	*fin = (size_t)n == frame + len;
	frame = (size_t)n < frame ? (size_t)n : frame;
	r->frame_off += frame;
	r->off += n - frame;
	return n;
}

/* Send the next piece: what goes before the content, the content, the FIN.
 * Returns what conn_send() does, with *fin set once all is gone.
 */
static ssize_t send_piece(struct served *s, struct request *r, size_t n,
			  bool *fin)
{
	off_t left = r->end - r->off;
	ssize_t ret;

	if (r->text || left <= SMALL)
		return send_rest(s, r, fin);
	if (r->frame_off < r->frame_len) {
		struct iovec iov = { r->frame + r->frame_off,
				     r->frame_len - r->frame_off };

		ret = conn_send(s->conn, r->id, &iov, 1, CONN_MORE);
		if (ret > 0)
			r->frame_off += ret;
		return ret;
	}
	return conn_send_file(s->conn, r->id, r->fd, &r->off,
			      (off_t)n < left ? (off_t)n : left);
}

/* One turn of one request, which may free it. */
static bool take_turn(struct served *s, struct request *r, uint32_t code)
{
	size_t left = QUANTUM;
	bool fin = false;
	ssize_t ret;

	while (left) {
		ret = send_piece(s, r, left, &fin);
		if (fin)
			return request_tx_done(s, r);
		if (ret == -ENOSPC)
			r->blocked = true;
		if (ret == -ENOSPC || ret == -EAGAIN)
			break;
		if (ret < 0)
			return request_cut(s, r, code);
		left -= (size_t)ret < left ? (size_t)ret : left;
	}
	/* What is of no use before it is whole keeps its place. */
	if (r->incremental) {
		TAILQ_REMOVE(&s->requests, r, link);
		TAILQ_INSERT_TAIL(&s->requests, r, link);
	}
	return true;
}

static struct request *next_to_send(struct served *s)
{
	struct request *r, *best = NULL;

	TAILQ_FOREACH(r, &s->requests, link)
		if (r->ready && !r->blocked && !r->tx_done &&
		    (!best || r->urgency < best->urgency))
			best = r;
	return best;
}

bool served_push(struct served *s, uint32_t code)
{
	struct request *r = NULL;

	for (int i = 0; i < TURNS && !s->conn->full; i++) {
		r = next_to_send(s);
		if (!r)
			return true;
		if (!take_turn(s, r, code))
			return false;
	}
	s->conn->more = next_to_send(s) != NULL;
	return true;
}
