// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What GnuTLS tells us while it works: handshake messages to send, secrets,
 * alerts.  Messages and secrets go into the flight, in the order told.
 *
 * Called inside gnutls_handshake(), so nothing here touches the socket but the
 * close code.  A failure is remembered in the handshake, because GnuTLS may
 * blur the number that a hook returns.
 */
#include <errno.h>
#include <string.h>

#include "internal.h"

/* <linux/tls.h> may not be there; the numbers are the kernel's ABI. */
enum tls_cipher {
	TLS_AES_GCM_128		= 51,
	TLS_AES_GCM_256		= 52,
	TLS_AES_CCM_128		= 53,
	TLS_CHACHA20_POLY1305	= 54,
};

static const uint8_t kernel_level[] = {
	[GNUTLS_ENCRYPTION_LEVEL_INITIAL]	= QUIC_CRYPTO_INITIAL,
	[GNUTLS_ENCRYPTION_LEVEL_EARLY]		= QUIC_CRYPTO_EARLY,
	[GNUTLS_ENCRYPTION_LEVEL_HANDSHAKE]	= QUIC_CRYPTO_HANDSHAKE,
	[GNUTLS_ENCRYPTION_LEVEL_APPLICATION]	= QUIC_CRYPTO_APP,
};

static uint32_t kernel_cipher(gnutls_cipher_algorithm_t cipher)
{
	switch (cipher) {
	case GNUTLS_CIPHER_AES_128_GCM:
		return TLS_AES_GCM_128;
	case GNUTLS_CIPHER_AES_256_GCM:
		return TLS_AES_GCM_256;
	case GNUTLS_CIPHER_AES_128_CCM:
		return TLS_AES_CCM_128;
	case GNUTLS_CIPHER_CHACHA20_POLY1305:
		return TLS_CHACHA20_POLY1305;
	default:
		return 0;
	}
}

static struct quic_handshake *find_handshake(gnutls_session_t tls)
{
	struct quic_session *session = quic_session_find(tls);

	return session ? session->handshake : NULL;
}

/* GnuTLS objects to every bad certificate with the same alert.  Be precise,
 * for whoever looks into the server's log.
 */
static gnutls_alert_description_t refine_alert(gnutls_session_t tls)
{
	unsigned int status = gnutls_session_get_verify_cert_status(tls);

	if (status == (unsigned int)-1)
		return GNUTLS_A_BAD_CERTIFICATE;
	if (status & GNUTLS_CERT_REVOKED)
		return GNUTLS_A_CERTIFICATE_REVOKED;
	if (status & GNUTLS_CERT_SIGNER_NOT_FOUND)
		return GNUTLS_A_UNKNOWN_CA;
	if (status & GNUTLS_CERT_EXPIRED)
		return GNUTLS_A_CERTIFICATE_EXPIRED;
	return GNUTLS_A_BAD_CERTIFICATE;
}

/* RFC9001-4.8-1 */
static int on_alert(gnutls_session_t tls,
		    gnutls_record_encryption_level_t level,
		    gnutls_alert_level_t alert_level,
		    gnutls_alert_description_t alert)
{
	struct quic_handshake *hs = find_handshake(tls);

	(void)level;
	if (alert == GNUTLS_A_BAD_CERTIFICATE)
		alert = refine_alert(tls);
	if (hs && alert_level == GNUTLS_AL_FATAL)
		quic_fail_set_close(hs, QUIC_TRANSPORT_ERROR_CRYPTO + alert,
				    gnutls_alert_get_name(alert));
	return 0;
}

/* RFC9001-6-1 RFC9001-8.3-1 */
/* A handshake message to be sent.  Without a handshake of ours under way, as
 * after quic_handshake_deinit(), there is nothing to be said.
 */
static int on_message(gnutls_session_t tls,
		      gnutls_record_encryption_level_t level,
		      gnutls_handshake_description_t type, const void *data,
		      size_t len)
{
	struct quic_handshake *hs = find_handshake(tls);

	if (!hs || type == GNUTLS_HANDSHAKE_CHANGE_CIPHER_SPEC)
		return 0;
	if (quic_flight_add(&hs->flight, false, kernel_level[level], data,
			    len)) {
		hs->error = quic_error_sys(-ENOMEM, "queueing a message");
		return GNUTLS_E_MEMORY_ERROR;
	}
	hs->ticket_queued |= type == GNUTLS_HANDSHAKE_NEW_SESSION_TICKET;
	return 0;
}

/* RFC9001-8.1-2 RFC9001-8.1-3 RFC9001-8.1-6 RFC9001-8.2-2 */
/* QUIC demands transport parameters, and ALPN if we speak it.  GnuTLS does
 * not call us for an extension that is missing, so look when all that the
 * peer can say has been said.
 */
static int check_extensions(struct quic_handshake *hs, uint8_t level)
{
	gnutls_datum_t name;

	if (level != (hs->is_server ? QUIC_CRYPTO_HANDSHAKE : QUIC_CRYPTO_APP))
		return 0;
	if (!hs->tparam_received) {
		hs->error = quic_error_tls(GNUTLS_E_MISSING_EXTENSION,
					   "peer sent no transport parameters");
		return hs->error;
	}
	if (hs->alpn_required &&
	    gnutls_alpn_get_selected_protocol(hs->tls, &name) < 0) {
		hs->error = quic_error_tls(GNUTLS_E_NO_APPLICATION_PROTOCOL,
					   "peer agreed to no protocol");
		return hs->error;
	}
	return 0;
}

static int queue_secret(struct quic_handshake *hs, bool send, uint8_t level,
			uint32_t cipher, const void *data, size_t len)
{
	struct quic_crypto_secret secret = {
		.send = send, .level = level, .type = cipher,
	};
	int ret;

	if (!data)
		return 0;
	memcpy(secret.secret, data, len);
	ret = quic_flight_add(&hs->flight, true, level, &secret,
			      sizeof(secret));
	explicit_bzero(&secret, sizeof(secret));
	return ret;
}

/* RFC9001-5.3-2 */
static int on_secret(gnutls_session_t tls,
		     gnutls_record_encryption_level_t tls_lvl,
		     const void *rx, const void *tx, size_t len)
{
	struct quic_handshake *hs = find_handshake(tls);
	uint8_t level = kernel_level[tls_lvl];
	uint32_t cipher;
	int ret;

	if (!hs)
		return 0;
	cipher = kernel_cipher(level == QUIC_CRYPTO_EARLY ?
			       gnutls_early_cipher_get(tls) :
			       gnutls_cipher_get(tls));
	if (!cipher || len > QUIC_CRYPTO_SECRET_BUFFER_SIZE) {
		hs->error = quic_error_tls(GNUTLS_E_UNKNOWN_CIPHER_SUITE,
					   "a cipher QUIC does not have");
		return hs->error;
	}
	ret = check_extensions(hs, level);
	if (ret < 0)
		return ret;
	if (queue_secret(hs, true, level, cipher, tx, len) ||
	    queue_secret(hs, false, level, cipher, rx, len)) {
		hs->error = quic_error_sys(-ENOMEM, "queueing a secret");
		return GNUTLS_E_MEMORY_ERROR;
	}
	return 0;
}

void quic_hooks_install(gnutls_session_t tls)
{
	gnutls_handshake_set_read_function(tls, on_message);
	gnutls_handshake_set_secret_function(tls, on_secret);
	gnutls_alert_set_read_function(tls, on_alert);
}
