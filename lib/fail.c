// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A handshake that fails: the peer is to learn the TLS alert (RFC 9001 section
 * 4.8: a CONNECTION_CLOSE with 0x100 + alert), the program a number and a
 * sentence.
 *
 * The library does not close the socket.  It tells the kernel the code, and
 * the program's close() sends it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "internal.h"

/* The code that the kernel is to put into CONNECTION_CLOSE, unless it knows
 * a better one already.
 */
void quic_fail_set_close(struct quic_handshake *hs, uint32_t errcode,
			 const char *phrase)
{
	struct quic_connection_close close = { .errcode = errcode };

	if (hs->close_set)
		return;
	hs->close_set = true;
	if (phrase)
		snprintf((char *)close.phrase, sizeof(close.phrase), "%s",
			 phrase);
	if (setsockopt(hs->fd, SOL_QUIC, QUIC_SOCKOPT_CONNECTION_CLOSE, &close,
		       sizeof(close)))
		quic_log(LOG_WARNING, "close code 0x%x not set: %s", errcode,
			 strerror(errno));
}

/* GnuTLS has two sentences for a refused certificate; take the one that says
 * what is wrong with it.
 */
static int describe_tls(gnutls_session_t tls, int ret)
{
	unsigned int status = gnutls_session_get_verify_cert_status(tls);
	gnutls_datum_t text;
	int len;

	if (ret != GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR ||
	    gnutls_certificate_verification_status_print(status,
							 GNUTLS_CRT_X509,
							 &text, 0) < 0)
		return quic_error_tls(ret, "TLS handshake");
	len = strlen((char *)text.data);
	while (len && text.data[len - 1] == ' ')
		len--;
	quic_error_text(ret, "%.*s", len, text.data);
	gnutls_free(text.data);
	return ret;
}

/* TLS has failed.  GnuTLS makes that an alert, which comes back to hooks.c and
 * so to quic_fail_set_close().
 */
int quic_fail_tls(struct quic_handshake *hs, int ret)
{
	int error = hs->error;

	hs->state = QUIC_HS_FAILED;
	if (!error)
		error = describe_tls(hs->tls, ret);
	if (!hs->close_set)
		gnutls_alert_send_appropriate(hs->tls, ret);
	quic_fail_set_close(hs, QUIC_TRANSPORT_ERROR_CRYPTO +
			    GNUTLS_A_INTERNAL_ERROR, NULL);
	return error;
}

/* The peer's reason, if it was the peer that closed.  Otherwise the kernel
 * would give back the code that the program has stored.
 */
static bool get_peer_close(const struct quic_handshake *hs, int err,
			   struct quic_connection_close *close)
{
	socklen_t len = sizeof(*close);

	memset(close, 0, sizeof(*close));
	if (err != -ECONNRESET && err != -ECONNREFUSED && err != -ENOTCONN &&
	    err != -EPIPE)
		return false;
	if (hs->close_set ||
	    getsockopt(hs->fd, SOL_QUIC, QUIC_SOCKOPT_CONNECTION_CLOSE, close,
		       &len))
		return false;
	close->phrase[sizeof(close->phrase) - 1] = '\0';
	return close->errcode || close->phrase[0];
}

/* The peer has closed the connection.  @err is what the socket says; 0 counts
 * as what the kernel calls a close during the handshake.
 */
int quic_fail_closed(struct quic_handshake *hs, int err,
		     const struct quic_connection_close *close)
{
	const char *phrase = (const char *)close->phrase;
	const char *alert = NULL;

	hs->state = QUIC_HS_FAILED;
	if (!err)
		err = -ECONNREFUSED;
	if (close->errcode >= QUIC_TRANSPORT_ERROR_CRYPTO &&
	    close->errcode <= QUIC_TRANSPORT_ERROR_CRYPTO + 0xff)
		alert = gnutls_alert_get_name(close->errcode & 0xff);
	/* Libraries like to send the alert's name as the phrase. */
	if (alert && !strcmp(alert, phrase))
		phrase = "";
	return quic_error_text(err,
			       "peer closed the connection, code 0x%x%s%s%s%s%s",
			       close->errcode, alert ? ", TLS alert: " : "",
			       alert ? alert : "", *phrase ? " (" : "",
			       phrase, *phrase ? ")" : "");
}

/* The socket has failed.  It may know better why than the call that met it. */
int quic_fail_io(struct quic_handshake *hs, int err, const char *what)
{
	struct quic_connection_close close;
	int so_error = 0;
	socklen_t len = sizeof(so_error);

	hs->state = QUIC_HS_FAILED;
	if (!getsockopt(hs->fd, SOL_SOCKET, SO_ERROR, &so_error, &len) &&
	    so_error)
		err = -so_error;
	if (!get_peer_close(hs, err, &close))
		return quic_error_sys(err, "%s handshake data", what);

	if (!so_error && (err == -ENOTCONN || err == -EPIPE))
		err = 0;
	return quic_fail_closed(hs, err, &close);
}
