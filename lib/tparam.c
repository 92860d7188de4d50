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

/* An integer of RFC 9000 section 16; false if it does not end. */
static bool get_varint(const unsigned char **p, const unsigned char *end,
		       uint64_t *value)
{
	unsigned int more;

	if (*p == end)
		return false;
	more = (1 << (**p >> 6)) - 1;
	if ((size_t)(end - *p) <= more)
		return false;
	*value = *(*p)++ & 0x3f;
	while (more--)
		*value = *value << 8 | *(*p)++;
	return true;
}

/* RFC 9000 section 18.2, RFC 9368, 9221, 9287, ACK frequency. */
static bool is_defined(uint64_t id)
{
	return id <= 0x11 || id == 0x20 || id == 0x2ab2 || id == 0xff04de1b;
}

/* RFC9000-7.4.2-1 */
/* There is no bound to what a peer may add that nobody knows, but the kernel has
 * one: of so many bytes it gets what is defined.  If that is nothing, or too much as
 * well, or no list, it gets one that it refuses.
 */
static size_t leave_out_unknown(const unsigned char *data, size_t len,
				uint8_t out[QUIC_TPARAM_MAX])
{
	const unsigned char *p = data, *end = data + len, *param;
	uint64_t id, size;
	size_t kept = 0;

	while (p < end) {
		param = p;
		if (!get_varint(&p, end, &id) || !get_varint(&p, end, &size) ||
		    size > (size_t)(end - p))
			goto bad;
		p += size;
		if (!is_defined(id))
			continue;
		if (kept + (p - param) > QUIC_TPARAM_MAX)
			goto bad;
		memcpy(out + kept, param, p - param);
		kept += p - param;
	}
	if (kept)
		return kept;
bad:
	out[0] = 0x40;	/* half of an ID */
	return 1;
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
	uint8_t defined[QUIC_TPARAM_MAX];

	if (!hs)
		return GNUTLS_E_INTERNAL_ERROR;
	if (!len || len > sizeof(defined)) {
		len = leave_out_unknown(data, len, defined);
		data = defined;
	}
	if (hs->tparam_received)
		return compare_again(hs, data, len);

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
