// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A server's session tickets: the key that seals them, and whether they allow
 * early data (0-RTT).
 *
 * The key is the kernel's, so tickets outlive the process.  Who allows early
 * data seals with a key of its own, which depends on the limits the socket
 * grants: a ticket from before they were changed is none, and so nobody sends
 * early data beyond them (RFC 9000 section 7.4.1).  The same goes for the
 * socket's protocols: GnuTLS does not compare the one of the ticket with the one
 * that is chosen now, as RFC 8446 section 4.2.10 wants for early data.
 *
 * That each early data is accepted once is the business of replay.c.
 */
#include <errno.h>
#include <gnutls/crypto.h>
#include <string.h>

#include "internal.h"

#define TICKET_KEY_SIZE	64	/* what GnuTLS takes */

/* 1 if there is one.  Without it there are no tickets, and no harm. */
static int get_key(int fd, uint8_t key[TICKET_KEY_SIZE])
{
	uint8_t buf[QUIC_TICKET_MAX];
	socklen_t len = sizeof(buf);

	if (getsockopt(fd, SOL_QUIC, QUIC_SOCKOPT_SESSION_TICKET, buf, &len) ||
	    len != TICKET_KEY_SIZE) {
		quic_log(LOG_DEBUG, "no key for session tickets");
		return 0;
	}
	memcpy(key, buf, TICKET_KEY_SIZE);
	explicit_bzero(buf, sizeof(buf));
	return 1;
}

/* RFC9000-7.4.1-5 RFC9000-7.4.1-6 RFC9000-7.4.1-7 */
static int bind_to_socket(int fd, uint8_t key[TICKET_KEY_SIZE])
{
	struct {
		struct quic_transport_param limits;
		char protocols[QUIC_ALPN_SOCKOPT_MAX];
	} to = { .limits.remote = 0 };
	socklen_t len = sizeof(to.limits), names = sizeof(to.protocols);
	uint8_t bound[TICKET_KEY_SIZE];
	int ret;

	if (getsockopt(fd, SOL_QUIC, QUIC_SOCKOPT_TRANSPORT_PARAM, &to.limits,
		       &len))
		return quic_error_sys(-errno, "our transport parameters");
	if (getsockopt(fd, SOL_QUIC, QUIC_SOCKOPT_ALPN, to.protocols, &names))
		return quic_error_sys(-errno, "our protocols");
	ret = gnutls_hmac_fast(GNUTLS_MAC_SHA512, key, TICKET_KEY_SIZE, &to,
			       sizeof(to), bound);
	if (ret < 0)
		return quic_error_tls(ret, "key for session tickets");
	memcpy(key, bound, sizeof(bound));
	explicit_bzero(bound, sizeof(bound));
	return 0;
}

/* RFC9001-4.6.1-1 */
static int allow_early_data(gnutls_session_t tls, int fd,
			    uint8_t key[TICKET_KEY_SIZE])
{
	int ret;

	/* The only size that QUIC knows (RFC 9001 section 4.6.1). */
	ret = gnutls_record_set_max_early_data_size(tls, 0xffffffff);
	if (ret < 0)
		return quic_error_tls(ret, "early data");
	ret = bind_to_socket(fd, key);
	return ret ? ret : quic_replay_refuse(tls);
}

QUIC_EXPORT int quic_session_enable_tickets(gnutls_session_t session,
					    unsigned int flags)
{
	uint8_t key[TICKET_KEY_SIZE];
	gnutls_datum_t datum = { .data = key, .size = sizeof(key) };
	int fd, ret = 0;

	if (!session || flags & ~QUIC_TICKETS_EARLY_DATA)
		return quic_error_sys(-EINVAL, "quic_session_enable_tickets");
	fd = gnutls_transport_get_int(session);
	if (!get_key(fd, key))
		return 0;
	if (flags & QUIC_TICKETS_EARLY_DATA)
		ret = allow_early_data(session, fd, key);
	if (!ret) {
		/* GnuTLS keeps a copy. */
		ret = gnutls_session_ticket_enable_server(session, &datum);
		if (ret < 0)
			quic_error_tls(ret, "session tickets");
	}
	explicit_bzero(key, sizeof(key));
	return ret;
}
