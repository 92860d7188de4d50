/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TOOLS_TLS_H
#define TOOLS_TLS_H

#include <gnutls/gnutls.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

struct session;

#define TLS_ALPN_MAX	8	/* protocols to offer or to accept */

struct tls_options {
	const char *cert;	/* PEM files of a server, or both NULL */
	const char *key;
	const char *ca;		/* PEM file a client trusts; NULL: system */
	const char *keylog;	/* NULL: $SSLKEYLOGFILE, if set */
	const char *ciphers;	/* NULL: all that QUIC has */
	bool insecure;		/* do not verify the peer */
	bool early_data;
};

/* Key and certificate, for as long as a handshake uses them. */
struct tls_cred;

/* What all connections of a program share. */
struct tls {
	pthread_mutex_t lock;	/* of cred, which a reload replaces */
	struct tls_cred *cred;
	char priority[512];
	const char *const *alpns;	/* ends with NULL */
	bool server;
	bool insecure;
	bool early_data;	/* 0-RTT: a server takes it, a client sends it */
	const struct session *resume;	/* a client's, or NULL */
};

/* All return NULL, or what is wrong. */
const char *tls_client_init(struct tls *tls, const struct tls_options *o,
			    const char *const *alpns);
const char *tls_server_init(struct tls *tls, const struct tls_options *o,
			    const char *const *alpns);
/* Read a server's files again, for sessions from now on.  Those that cannot be
 * used change nothing.
 */
const char *tls_server_reload(struct tls *tls, const struct tls_options *o);
void tls_free(struct tls *tls);

/* The credentials of now; to be put back when no session uses them. */
struct tls_cred *tls_get(struct tls *tls);
void tls_put(struct tls_cred *cred);

/* A session over the socket fd; host is whom a client wants to talk to. */
int tls_session(const struct tls *tls, const struct tls_cred *cred, int fd,
		const char *host, gnutls_session_t *session);

/* Say in one line why the handshake returned err. */
void tls_explain(gnutls_session_t session, int err, char *text, size_t size);

const char *tls_cipher(gnutls_session_t session);
void tls_alpn(gnutls_session_t session, char *text, size_t size);

/* The text of a GnuTLS priority string for a list of cipher names, appended
 * to base.  Returns false if a name is unknown or nothing is left.
 */
bool tls_priority(char *out, size_t size, const char *base,
		  const char *ciphers);

/* cert.c: make a key and a certificate for the names of this machine. */
int cert_self_signed(gnutls_certificate_credentials_t cred);

#endif
