// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The client's handshake in one call.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "internal.h"

static bool is_address(const char *name)
{
	struct in6_addr addr;

	return inet_pton(AF_INET, name, &addr) == 1 ||
	       inet_pton(AF_INET6, name, &addr) == 1;
}

/* Server name indication takes DNS names only (RFC 6066 section 3). */
static int name_server(struct quic_tls *tls, const char *hostname)
{
	int ret;

	if (!hostname || is_address(hostname))
		return 0;
	ret = gnutls_server_name_set(tls->session, GNUTLS_NAME_DNS, hostname,
				     strlen(hostname));
	return ret < 0 ? quic_error_tls(ret, "host name %s", hostname) : 0;
}

/* RFC9001-4.4-1 */
static int verify_server(struct quic_tls *tls, const char *hostname)
{
	int ret;

	ret = quic_tls_use_trust(tls);
	if (ret)
		return ret;
	if (!hostname)
		quic_log(LOG_WARNING, "no host name: any trusted certificate will do");
	gnutls_session_set_verify_cert(tls->session, hostname, 0);
	return 0;
}

static int client_session(struct quic_tls *tls, int sockfd,
			  const char *psk_file, const char *hostname,
			  const char *alpns)
{
	int ret;

	ret = quic_tls_init(tls, sockfd, GNUTLS_CLIENT);
	if (!ret)
		ret = psk_file ? quic_tls_use_psk(tls, psk_file, false) :
				 verify_server(tls, hostname);
	if (!ret)
		ret = name_server(tls, hostname);
	if (!ret)
		ret = quic_alpn_apply(tls->session, sockfd, alpns);
	return ret;
}

QUIC_EXPORT int quic_client_handshake(int sockfd, const char *psk_file,
				      const char *hostname, const char *alpns)
{
	struct quic_tls tls;
	int ret;

	if (hostname && !*hostname)
		return quic_error_sys(-EINVAL, "empty host name");
	ret = quic_handshake_role(sockfd);
	if (ret > 0)
		return quic_error_text(-EINVAL,
				       "client handshake on a server's socket");
	if (ret < 0)
		return ret;

	/* Once more if the server does not have the version that our
	 * ClientHello names (RFC 9368 section 2.1).
	 */
	do {
		ret = client_session(&tls, sockfd, psk_file, hostname, alpns);
		if (!ret)
			ret = quic_handshake(tls.session);
		quic_tls_free(&tls);
	} while (ret == -ERESTART);
	return ret;
}
