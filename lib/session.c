// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * State of ours beside a TLS session, and saving a session for later.
 *
 * The state hangs on the transport parameter extension (0x39, RFC 9001 section
 * 8.2), which we register for every session we touch: GnuTLS keeps it, gives
 * it back to the extension's callbacks, and frees it in gnutls_deinit().  The
 * session's user pointer stays the program's own.
 */
#include <errno.h>
#include <stdlib.h>

#include "internal.h"

#define TPARAM_EXTENSION	0x39

#define TPARAM_FLAGS	(GNUTLS_EXT_FLAG_TLS | GNUTLS_EXT_FLAG_CLIENT_HELLO | \
			 GNUTLS_EXT_FLAG_EE)

struct quic_session *quic_session_find(gnutls_session_t tls)
{
	gnutls_ext_priv_data_t data;

	if (gnutls_ext_get_data(tls, TPARAM_EXTENSION, &data) < 0)
		return NULL;
	return data;
}

static void free_session(gnutls_ext_priv_data_t data)
{
	struct quic_session *session = data;

	if (session) {
		quic_handshake_free(session->handshake);
		gnutls_anti_replay_deinit(session->replays);
	}
	free(session);
}

/* RFC9001-8.2-3 */
/* Find the state of a TLS session, or give it one. */
int quic_session_attach(gnutls_session_t tls, struct quic_session **psession)
{
	struct quic_session *session = quic_session_find(tls);
	int ret;

	if (session) {
		*psession = session;
		return 0;
	}
	ret = gnutls_session_ext_register(tls, "QUIC transport parameters",
					  TPARAM_EXTENSION, GNUTLS_EXT_TLS,
					  quic_tparam_recv, quic_tparam_send,
					  free_session, NULL, NULL,
					  TPARAM_FLAGS);
	if (ret < 0)
		return quic_error_tls(ret, "registering a TLS extension");

	session = calloc(1, sizeof(*session));
	if (!session)
		return quic_error_sys(-ENOMEM, "beginning a session");
	gnutls_ext_set_data(tls, TPARAM_EXTENSION, session);
	*psession = session;
	return 0;
}

/* RFC9001-9.2-3 */
/* Give the tickets that the kernel has collected to GnuTLS. */
static int take_tickets(gnutls_session_t tls, bool *found)
{
	uint8_t ticket[QUIC_TICKET_MAX];
	socklen_t len = sizeof(ticket);
	int ret;

	*found = false;
	if (getsockopt(gnutls_transport_get_int(tls), SOL_QUIC,
		       QUIC_SOCKOPT_SESSION_TICKET, ticket, &len))
		return quic_error_sys(-errno, "getting the session ticket");
	if (!len)
		return 0;

	ret = gnutls_handshake_write(tls, GNUTLS_ENCRYPTION_LEVEL_APPLICATION,
				     ticket, len);
	if (ret < 0)
		return quic_error_tls(ret, "reading the session ticket");
	*found = true;
	return 0;
}

QUIC_EXPORT int quic_session_get_data(gnutls_session_t session, void *data,
				      size_t *size)
{
	size_t room;
	bool found;
	int ret;

	if (!session || !size || (!data && *size))
		return quic_error_sys(-EINVAL, "quic_session_get_data");
	ret = take_tickets(session, &found);
	if (ret)
		return ret;
	if (!found && !(gnutls_session_get_flags(session) &
			GNUTLS_SFLAGS_SESSION_TICKET)) {
		*size = 0;
		return 0;
	}

	room = *size;
	ret = gnutls_session_get_data(session, data, size);
	if (ret == GNUTLS_E_SHORT_MEMORY_BUFFER)
		return quic_error_sys(-EINVAL,
				      "session data of %zu bytes, room for %zu",
				      *size, room);
	if (ret < 0)
		return quic_error_tls(ret, "getting the session data");
	return 0;
}

QUIC_EXPORT int quic_session_set_data(gnutls_session_t session,
				      const void *data, size_t size)
{
	int ret;

	if (!session || !data || !size)
		return quic_error_sys(-EINVAL, "quic_session_set_data");
	ret = gnutls_session_set_data(session, data, size);
	if (ret < 0)
		return quic_error_tls(ret, "setting the session data");
	return 0;
}
