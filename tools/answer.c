// SPDX-License-Identifier: GPL-2.0
/*
 * From a request to its response, whatever the protocol: the file or a range of
 * it, a listing, or a status with a line of text.  RFC 9110.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "listing.h"
#include "serve.h"

#define TEXT_TYPE	"text/plain; charset=utf-8"
#define HTML_TYPE	"text/html; charset=utf-8"

#define LISTINGS_MAX	(4 << 20)	/* bytes, of one connection */

/* The content is a text, which now belongs to the request. */
static void send_text(struct request *r, int status, char *text, size_t n,
		      const char *type)
{
	r->status = status;
	r->type = type;
	r->length = n;
	free(r->text);
	r->text = text;
	r->first = 0;
	r->off = 0;
	r->end = n;
	if (r->method == METHOD_HEAD) {
		free(text);
		r->text = NULL;
		r->end = 0;
	}
}

void request_refuse(struct request *r, int status)
{
	char *text;
	int n;

	n = asprintf(&text, "%d %s\n", status, http_reason(status));
	send_text(r, status, n < 0 ? NULL : text, n < 0 ? 0 : n, TEXT_TYPE);
}

/* To the same with a '/' behind it.  The path is written anew: what the peer
 * sent could make a browser leave this server.
 */
static void redirect(struct request *r, const char *name)
{
	char path[3 * SERVE_TARGET_MAX];

	request_refuse(r, 301);
	if (url_escape(path, sizeof(path), name) < 0 ||
	    asprintf(&r->location, "/%s/", path) < 0) {
		r->location = NULL;
		request_refuse(r, 404);
	}
}

/* A client that does not read them cannot have any number of pages made. */
static bool have_room(const struct served *s)
{
	const struct request *r;
	off_t held = 0;

	TAILQ_FOREACH(r, &s->requests, link)
		if (r->text)
			held += r->end;
	return held < LISTINGS_MAX;
}

static void list(const struct served *s, struct request *r,
		 const struct answer *answer)
{
	char path[PATH_MAX + 1], *text = NULL;
	size_t n;

	snprintf(path, sizeof(path), "/%s", answer->name);
	if (have_room(s))
		text = listing_make(answer->fd, path, &n);
	close(answer->fd);
	if (text)
		send_text(r, 200, text, n, HTML_TYPE);
	else
		request_refuse(r, 503);
}

static struct http_conditions conditions(const struct request *r)
{
	return (struct http_conditions){
		.if_match = r->fields[FIELD_IF_MATCH],
		.if_none_match = r->fields[FIELD_IF_NONE_MATCH],
		.if_modified_since = r->fields[FIELD_IF_MODIFIED_SINCE],
		.if_unmodified_since = r->fields[FIELD_IF_UNMODIFIED_SINCE],
		.if_range = r->fields[FIELD_IF_RANGE],
		.range = r->fields[FIELD_RANGE],
	};
}

static void send_file(struct request *r, int fd, const char *type)
{
	struct http_conditions c = conditions(r);
	off_t length = r->size;

	r->is_file = true;
	r->status = http_precondition(&c, &r->v);
	if (!r->status) {
		r->status = 200;
		/* Section 14.2: the field is for GET. */
		if (r->method == METHOD_GET)
			switch (http_range(&c, &r->v, r->size, &r->first,
					   &length)) {
			case HTTP_RANGE_ONE:
				r->status = 206;
				break;
			case HTTP_RANGE_BAD:
				r->status = 416;
				break;
			case HTTP_RANGE_NONE:
				break;
			}
	}
	if (r->status >= 400) {
		close(fd);
		request_refuse(r, r->status);
		return;
	}
	r->type = type;
	r->length = length;
	r->off = r->first;
	r->end = r->first;
	if (r->method == METHOD_HEAD || r->status == 304 || !length) {
		close(fd);
		return;
	}
	r->end += length;
	r->fd = fd;
}

static void answer(struct served *s, struct request *r)
{
	struct answer answer;

	if (r->method != METHOD_GET && r->method != METHOD_HEAD) {
		request_refuse(r, 405);
		return;
	}
	site_find(&s->serve->site, r->target ? r->target : "", r->target_len,
		  &answer);
	if (answer.status == 301) {
		redirect(r, answer.name);
	} else if (answer.status != 200) {
		request_refuse(r, answer.status);
	} else if (answer.listing) {
		list(s, r, &answer);
	} else {
		http_validate(&r->v, &answer.st);
		r->size = answer.st.st_size;
		send_file(r, answer.fd,
			  mime_type(&s->serve->mime, answer.name));
	}
}

void request_answer(struct served *s, struct request *r)
{
	answer(s, r);
	/* They have done their work; the log wants the others. */
	for (int i = 0; i <= FIELD_RANGE; i++) {
		free(r->fields[i]);
		r->fields[i] = NULL;
	}
}
