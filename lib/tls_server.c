// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The server's handshake in one call.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "internal.h"

/* So that others who hold the socket know which protocol it speaks. */
static void publish_alpn(struct quic_tls *tls, int fd)
{
	char name[QUIC_ALPN_NAME_MAX + 1];
	size_t len = sizeof(name);

	if (quic_session_get_alpn(tls->session, name, &len) || !len)
		return;
	if (setsockopt(fd, SOL_QUIC, QUIC_SOCKOPT_ALPN, name, len))
		quic_log(LOG_INFO, "socket's ALPN not set: %s",
			 strerror(errno));
}

/* RFC9001-4.4-2 RFC9001-4.4-3 */
static int server_session(struct quic_tls *tls, int sockfd,
			  const char *key_file, const char *cert_file,
			  const char *alpns)
{
	int ret;

	ret = quic_tls_init(tls, sockfd,
			    GNUTLS_SERVER | GNUTLS_NO_AUTO_SEND_TICKET);
	if (!ret)
		ret = cert_file ? quic_tls_use_key(tls, key_file, cert_file) :
				  quic_tls_use_psk(tls, key_file, true);
	if (!ret)
		ret = quic_session_enable_tickets(tls->session, 0);
	if (!ret)
		ret = quic_alpn_apply(tls->session, sockfd, alpns);
	return ret;
}

QUIC_EXPORT int quic_server_handshake(int sockfd, const char *key_file,
				      const char *cert_file, const char *alpns)
{
	struct quic_tls tls;
	int ret;

	if (!key_file)
		return quic_error_sys(-EINVAL, "no key file");
	ret = quic_handshake_role(sockfd);
	if (!ret)
		return quic_error_text(-EINVAL,
				       "server handshake on a client's socket");
	if (ret < 0)
		return ret;

	ret = server_session(&tls, sockfd, key_file, cert_file, alpns);
	if (!ret)
		ret = quic_handshake(tls.session);
	if (!ret)
		publish_alpn(&tls, sockfd);
	quic_tls_free(&tls);
	return ret;
}
