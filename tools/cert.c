// SPDX-License-Identifier: GPL-2.0
/*
 * A certificate for a server that was given none.
 *
 * Good for a first try and for tests: nobody can verify it, so a client has
 * to be told to look away.  It lives in memory only and dies with the program.
 */
#include <gnutls/crypto.h>
#include <gnutls/x509.h>
#include <netinet/in.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tls.h"

#define LIFETIME	(30 * 24 * 3600)
#define CLOCK_SKEW	3600

static int set_names(gnutls_x509_crt_t crt)
{
	const struct in6_addr ip6 = IN6ADDR_LOOPBACK_INIT;
	const struct in_addr ip4 = { htonl(INADDR_LOOPBACK) };
	char host[256] = "localhost";
	int ret;

	gethostname(host, sizeof(host) - 1);
	ret = gnutls_x509_crt_set_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0,
					    host, strlen(host));
	if (ret)
		return ret;
	ret = gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_DNSNAME,
			"localhost", strlen("localhost"), GNUTLS_FSAN_SET);
	if (!ret && strcmp(host, "localhost"))
		ret = gnutls_x509_crt_set_subject_alt_name(crt,
				GNUTLS_SAN_DNSNAME, host, strlen(host),
				GNUTLS_FSAN_APPEND);
	if (!ret)
		ret = gnutls_x509_crt_set_subject_alt_name(crt,
				GNUTLS_SAN_IPADDRESS, &ip4, sizeof(ip4),
				GNUTLS_FSAN_APPEND);
	if (!ret)
		ret = gnutls_x509_crt_set_subject_alt_name(crt,
				GNUTLS_SAN_IPADDRESS, &ip6, sizeof(ip6),
				GNUTLS_FSAN_APPEND);
	return ret;
}

static int fill(gnutls_x509_crt_t crt, gnutls_x509_privkey_t key)
{
	unsigned char serial[16];
	time_t now = time(NULL);
	int ret;

	ret = gnutls_rnd(GNUTLS_RND_NONCE, serial, sizeof(serial));
	if (ret)
		return ret;
	serial[0] &= 0x7f;	/* a serial number is positive */
	ret = gnutls_x509_crt_set_version(crt, 3);
	if (!ret)
		ret = gnutls_x509_crt_set_serial(crt, serial, sizeof(serial));
	if (!ret)
		ret = gnutls_x509_crt_set_activation_time(crt,
							  now - CLOCK_SKEW);
	if (!ret)
		ret = gnutls_x509_crt_set_expiration_time(crt, now + LIFETIME);
	if (!ret)
		ret = set_names(crt);
	if (!ret)
		ret = gnutls_x509_crt_set_basic_constraints(crt, 0, -1);
	if (!ret)
		ret = gnutls_x509_crt_set_key_usage(crt,
						GNUTLS_KEY_DIGITAL_SIGNATURE);
	if (!ret)
		ret = gnutls_x509_crt_set_key(crt, key);
	if (ret)
		return ret;
	return gnutls_x509_crt_sign2(crt, crt, key, GNUTLS_DIG_SHA256, 0);
}

int cert_self_signed(gnutls_certificate_credentials_t cred)
{
	gnutls_x509_privkey_t key = NULL;
	gnutls_x509_crt_t crt = NULL;
	int ret;

	ret = gnutls_x509_privkey_init(&key);
	if (ret)
		return ret;
	ret = gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA,
			GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);
	if (!ret)
		ret = gnutls_x509_crt_init(&crt);
	if (!ret)
		ret = fill(crt, key);
	if (!ret)
		ret = gnutls_certificate_set_x509_key(cred, &crt, 1, key);
	if (crt)
		gnutls_x509_crt_deinit(crt);
	gnutls_x509_privkey_deinit(key);
	return ret;
}
