// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Transport parameters, RFC 9001 section 8.2: the kernel encodes and decodes
 * them, TLS carries them as an extension it does not look into.
 *
 * Callbacks of the extension that session.c registers; called by GnuTLS inside
 * gnutls_handshake().  A failure is remembered in the handshake, because
 * GnuTLS would blur it into a code of its own.
 */
#include <errno.h>
#include <string.h>

#include "internal.h"

static struct quic_handshake *find_handshake(gnutls_session_t tls)
{
	struct quic_session *session = quic_session_find(tls);

	return session ? session->handshake : NULL;
}

/* RFC9001-8.2-1 */
/* After a HelloRetryRequest the ClientHello is written twice, and must say
 * the same: ask the kernel once.
 */
int quic_tparam_send(gnutls_session_t tls, gnutls_buffer_t extdata)
{
	struct quic_handshake *hs = find_handshake(tls);
	socklen_t len;
	int ret;

	if (!hs)
		return GNUTLS_E_INTERNAL_ERROR;

	if (!hs->tparam_len) {
		len = sizeof(hs->tparam);
		if (getsockopt(hs->fd, SOL_QUIC, QUIC_SOCKOPT_TRANSPORT_PARAM_EXT,
			       hs->tparam, &len)) {
			hs->error = quic_error_sys(-errno,
						   "our transport parameters");
			return GNUTLS_E_INTERNAL_ERROR;
		}
		hs->tparam_len = len;
	}
	ret = gnutls_buffer_append_data(extdata, hs->tparam, hs->tparam_len);
	return ret < 0 ? ret : (int)hs->tparam_len;
}

/* The second ClientHello must repeat the first. */
static int compare_again(const struct quic_handshake *hs,
			 const unsigned char *data, size_t len)
{
	if (len == hs->peer_tparam_len && !memcmp(data, hs->peer_tparam, len))
		return 0;
	return GNUTLS_E_RECEIVED_ILLEGAL_PARAMETER;
}

/* If the kernel does not like them it closes the connection with a code of
 * its own (TRANSPORT_PARAMETER_ERROR): no TLS alert shall replace that.
 */
int quic_tparam_recv(gnutls_session_t tls, const unsigned char *data,
		     size_t len)
{
	struct quic_handshake *hs = find_handshake(tls);

	if (!hs)
		return GNUTLS_E_INTERNAL_ERROR;
	if (hs->tparam_received)
		return compare_again(hs, data, len);
	if (len > sizeof(hs->peer_tparam)) {
		hs->error = quic_error_sys(-EINVAL,
					   "peer's transport parameters: %zu bytes",
					   len);
		return GNUTLS_E_RECEIVED_ILLEGAL_PARAMETER;
	}

	if (setsockopt(hs->fd, SOL_QUIC, QUIC_SOCKOPT_TRANSPORT_PARAM_EXT,
		       data, len)) {
		hs->close_set = true;
		hs->error = quic_error_sys(-errno,
					   "peer's transport parameters");
		return GNUTLS_E_RECEIVED_ILLEGAL_PARAMETER;
	}
	hs->tparam_received = true;
	memcpy(hs->peer_tparam, data, len);
	hs->peer_tparam_len = len;
	return 0;
}
