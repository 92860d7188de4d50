// SPDX-License-Identifier: GPL-2.0
/*
 * TLS, the same for QUIC and kTLS: one certificate, one cipher, TLS 1.3.
 */
#include <err.h>
#include <linux/tls.h>
#include <netinet/quic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "perf.h"

static const struct cipher ciphers[] = {
	{ "aes-128-gcm", "AES-128-GCM", TLS_CIPHER_AES_GCM_128 },
	{ "aes-256-gcm", "AES-256-GCM", TLS_CIPHER_AES_GCM_256 },
	{ "chacha20-poly1305", "CHACHA20-POLY1305",
	  TLS_CIPHER_CHACHA20_POLY1305 },
};

/* NULL if there is none of that name. */
const struct cipher *tls_find_cipher(const char *name)
{
	for (size_t i = 0; i < sizeof(ciphers) / sizeof(*ciphers); i++)
		if (!strcmp(name, ciphers[i].name))
			return &ciphers[i];
	return NULL;
}

void tls_check(int ret, const char *what)
{
	if (ret < 0)
		errx(1, "%s: %s", what, gnutls_strerror(ret));
}

void tls_init(struct tls *tls, const struct options *o)
{
	*tls = (struct tls){ .o = o };
	if (asprintf(&tls->priority, "%s:-CIPHER-ALL:+%s", QUIC_PRIORITY,
		     o->cipher->priority) < 0)
		err(1, NULL);
	tls_check(gnutls_certificate_allocate_credentials(&tls->cred),
		  "credentials");
	if (!o->server) {
		tls_check(gnutls_certificate_set_x509_trust_file(tls->cred,
				o->ca, GNUTLS_X509_FMT_PEM), o->ca);
		return;
	}
	tls_check(gnutls_certificate_set_x509_key_file(tls->cred, o->cert,
			o->key, GNUTLS_X509_FMT_PEM), o->cert);
	tls_check(gnutls_session_ticket_key_generate(&tls->ticket_key),
		  "ticket key");
}

/* A session on a socket, verifying, not begun. */
gnutls_session_t tls_session(const struct tls *tls, int fd)
{
	const gnutls_datum_t alpn = {
		.data = (unsigned char *)ALPN, .size = strlen(ALPN),
	};
	unsigned int flags = tls->o->server ? GNUTLS_SERVER : GNUTLS_CLIENT;
	gnutls_session_t session;

	flags |= GNUTLS_NO_AUTO_SEND_TICKET | GNUTLS_NO_SIGNAL;
	if (tls->o->server && !tls->o->tickets)
		flags |= GNUTLS_NO_TICKETS;
	tls_check(gnutls_init(&session, flags), "session");
	tls_check(gnutls_priority_set_direct(session, tls->priority, NULL),
		  tls->priority);
	tls_check(gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE,
					 tls->cred), "credentials");
	tls_check(gnutls_alpn_set_protocols(session, &alpn, 1,
					    GNUTLS_ALPN_MANDATORY), ALPN);
	if (!tls->o->server)
		gnutls_session_set_verify_cert(session, tls->o->host, 0);
	gnutls_transport_set_int(session, fd);
	return session;
}
