/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TOOLS_SESSION_H
#define TOOLS_SESSION_H

#include <linux/quic.h>
#include <gnutls/gnutls.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a client keeps of a connection for the next one to the same server. */
struct session {
	char host[256];
	char alpn[32];
	bool insecure;		/* nobody has verified the server */
	size_t size;		/* of the TLS session data; 0: there is none */
	size_t token_size;
	struct quic_transport_param params;	/* the server's */
	uint8_t data[8192];
	uint8_t token[120];
};

/* Each returns NULL, or what is wrong.  A file that is not there is none. */
const char *session_load(struct session *s, const char *path);
const char *session_save(const struct session *s, const char *path);

/* Fill in what the connection over fd has; size stays 0 without a ticket. */
void session_take(struct session *s, gnutls_session_t tls, int fd);

#endif
