// SPDX-License-Identifier: GPL-2.0
/*
 * Sessions in a file: text, a line each for the server's name, the protocol,
 * whether the server was verified, the TLS session data, the transport parameters
 * and the address token, the last three in hexadecimal.
 *
 * The file lets its reader impersonate nobody, but read what is sent early:
 * it is made for its owner alone.
 */
#include "session.h"

#include <errno.h>
#include <netinet/quic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LINE_MAX_LEN	(2 * 8192 + 64)

/* Bytes, or 0 if it is no hexadecimal of at most size bytes. */
static size_t unhex(uint8_t *to, size_t size, const char *text)
{
	size_t n = 0;
	unsigned int byte;

	for (; text[0] && text[1]; text += 2) {
		if (n == size || sscanf(text, "%2x", &byte) != 1)
			return 0;
		to[n++] = byte;
	}
	return *text ? 0 : n;
}

static void take_line(struct session *s, const char *key, const char *value)
{
	uint8_t params[sizeof(s->params)];

	if (!strcmp(key, "host"))
		snprintf(s->host, sizeof(s->host), "%s", value);
	else if (!strcmp(key, "alpn"))
		snprintf(s->alpn, sizeof(s->alpn), "%s", value);
	else if (!strcmp(key, "verified"))
		s->insecure = strcmp(value, "no") == 0;
	else if (!strcmp(key, "tls"))
		s->size = unhex(s->data, sizeof(s->data), value);
	else if (!strcmp(key, "token"))
		s->token_size = unhex(s->token, sizeof(s->token), value);
	else if (!strcmp(key, "parameters") &&
		 unhex(params, sizeof(params), value) == sizeof(params))
		memcpy(&s->params, params, sizeof(params));
}

const char *session_load(struct session *s, const char *path)
{
	static char line[LINE_MAX_LEN];
	FILE *f = fopen(path, "re");
	char *value;

	memset(s, 0, sizeof(*s));
	if (!f)
		return errno == ENOENT ? NULL : strerror(errno);
	while (fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\r\n")] = '\0';
		value = strchr(line, ' ');
		if (!value)
			continue;
		*value++ = '\0';
		take_line(s, line, value);
	}
	fclose(f);
	return NULL;
}

static void put_hex(FILE *f, const char *key, const void *data, size_t n)
{
	const uint8_t *p = data;

	fprintf(f, "%s ", key);
	for (size_t i = 0; i < n; i++)
		fprintf(f, "%02x", p[i]);
	fputc('\n', f);
}

const char *session_save(const struct session *s, const char *path)
{
	char *temporary = NULL;
	bool ok = false;
	int fd = -1;
	FILE *f;

	if (asprintf(&temporary, "%s.XXXXXX", path) < 0)
		return "out of memory";
	fd = mkostemp(temporary, 0);
	f = fd < 0 ? NULL : fdopen(fd, "w");
	if (f) {
		fprintf(f, "host %s\nalpn %s\nverified %s\n", s->host, s->alpn,
			s->insecure ? "no" : "yes");
		put_hex(f, "tls", s->data, s->size);
		put_hex(f, "parameters", &s->params, sizeof(s->params));
		if (s->token_size)
			put_hex(f, "token", s->token, s->token_size);
		ok = !ferror(f) && !fclose(f) && !rename(temporary, path);
	}
	if (!ok && fd >= 0)
		unlink(temporary);
	free(temporary);
	return ok ? NULL : strerror(errno);
}

void session_take(struct session *s, gnutls_session_t tls, int fd)
{
	socklen_t len;

	s->size = sizeof(s->data);
	if (quic_session_get_data(tls, s->data, &s->size))
		s->size = 0;
	s->params = (struct quic_transport_param){ .remote = 1 };
	len = sizeof(s->params);
	if (getsockopt(fd, SOL_QUIC, QUIC_SOCKOPT_TRANSPORT_PARAM, &s->params,
		       &len))
		s->size = 0;
	s->params.remote = 1;
	len = sizeof(s->token);
	s->token_size = 0;
	if (!getsockopt(fd, SOL_QUIC, QUIC_SOCKOPT_TOKEN, s->token, &len))
		s->token_size = len;
}
