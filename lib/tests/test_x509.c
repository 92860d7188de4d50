// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * quic_client_handshake() and quic_server_handshake() with certificates.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certs.h"
#include "pair.h"
#include "tap.h"

static char warning[256];

static void keep_warning(int level, const char *msg)
{
	if (level == 4)
		snprintf(warning, sizeof(warning), "%s", msg);
}

/* One handshake; @alert is what the client must object with, 0 for success. */
static void run(const char *ca, const char *cert, const char *hostname,
		unsigned int alert)
{
	struct calls calls = {
		.hostname = hostname, .client_alpns = "h3",
		.key = certs.key, .cert = cert, .server_alpns = "h3",
	};
	struct fake fakes[2];

	setenv("SSL_CERT_FILE", ca, 1);
	fake_begin(fakes);
	calls_run(&calls, fakes);
	unsetenv("SSL_CERT_FILE");

	if (!alert) {
		check(!calls.result[0] && !calls.result[1], "%s, %s",
		      calls.text[0], calls.text[1]);
	} else {
		check(calls.result[0] == GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR,
		      "%d %s", calls.result[0], calls.text[0]);
		check(fakes[0].close.errcode == 0x100 + alert, "0x%x",
		      fakes[0].close.errcode);
		check(calls.result[1] == -ECONNREFUSED, "%d %s", calls.result[1],
		      calls.text[1]);
		check(strstr(calls.text[1], "peer closed"), "%s",
		      calls.text[1]);
		check(!fakes[0].has_secret[1][QUIC_CRYPTO_APP],
		      "1-RTT keys for a refused server");
	}
	fake_end(fakes, !alert);
}

static void good(void)
{
	run(certs.ca, certs.good, "localhost", 0);
	run(certs.ca, certs.good, "127.0.0.1", 0);
}

/* RFC9001-4.4-1 */
static void wrong_name(void)
{
	run(certs.ca, certs.good, "example.org", GNUTLS_A_BAD_CERTIFICATE);
	run(certs.ca, certs.good, "127.0.0.2", GNUTLS_A_BAD_CERTIFICATE);
	run(certs.ca, certs.good, "::1", GNUTLS_A_BAD_CERTIFICATE);
}

/* RFC9000-7-1 */
static void untrusted(void)
{
	run(certs.other_ca, certs.good, "localhost", GNUTLS_A_UNKNOWN_CA);
	run(certs.other_ca, certs.good, NULL, GNUTLS_A_UNKNOWN_CA);
}

static void expired(void)
{
	run(certs.ca, certs.expired, "localhost",
	    GNUTLS_A_CERTIFICATE_EXPIRED);
	run(certs.ca, certs.expired, NULL, GNUTLS_A_CERTIFICATE_EXPIRED);
}

static void no_name(void)
{
	warning[0] = '\0';
	quic_set_log_func(keep_warning);
	run(certs.ca, certs.good, NULL, 0);
	quic_set_log_func(NULL);
	check(strstr(warning, "no host name"), "\"%s\"", warning);
}

/* Nothing in the environment: the system's authorities, not ours. */
static void system_trust(void)
{
	struct calls calls = {
		.hostname = "localhost", .client_alpns = "h3",
		.key = certs.key, .cert = certs.good, .server_alpns = "h3",
	};
	struct fake fakes[2];

	fake_begin(fakes);
	calls_run(&calls, fakes);
	check(calls.result[0] == GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR,
	      "%d %s", calls.result[0], calls.text[0]);
	fake_end(fakes, false);
}

static void cert_dir(void)
{
	struct calls calls = {
		.hostname = "localhost", .client_alpns = "h3",
		.key = certs.key, .cert = certs.good, .server_alpns = "h3",
	};
	struct fake fakes[2];
	char dirs[256];

	snprintf(dirs, sizeof(dirs), ":%s", certs.dir);
	setenv("SSL_CERT_DIR", dirs, 1);
	fake_begin(fakes);
	calls_run(&calls, fakes);
	unsetenv("SSL_CERT_DIR");
	check(!calls.result[0] && !calls.result[1], "%s, %s", calls.text[0],
	      calls.text[1]);
	fake_end(fakes, true);
}

static void ciphers(void)
{
	struct calls calls = {
		.hostname = "localhost", .client_alpns = "h3",
		.key = certs.key, .cert = certs.good, .server_alpns = "h3",
	};
	struct fake fakes[2];
	uint32_t cipher;

	setenv("SSL_CERT_FILE", certs.ca, 1);
	for (cipher = 51; cipher <= 54; cipher++) {
		fake_begin(fakes);
		fakes[cipher & 1].cipher = cipher;
		calls_run(&calls, fakes);
		check(!calls.result[0] && !calls.result[1], "%u: %s, %s",
		      cipher, calls.text[0], calls.text[1]);
		check(fakes[0].secret[1][QUIC_CRYPTO_HANDSHAKE].type == cipher,
		      "%u", cipher);
		check(fakes[0].secret[1][QUIC_CRYPTO_APP].type == cipher,
		      "%u", cipher);
		fake_end(fakes, true);
	}
	unsetenv("SSL_CERT_FILE");
}

static void keylog(void)
{
	char line[512];
	bool found = false;
	FILE *file;

	run(certs.ca, certs.good, "localhost", 0);
	file = fopen(certs.keylog, "r");
	check(file, "no key log");
	while (file && fgets(line, sizeof(line), file))
		found |= !strncmp(line, "CLIENT_TRAFFIC_SECRET_0 ", 24);
	check(found, "no line for the traffic secret");
	if (file)
		fclose(file);
}

static void files(void)
{
	struct fake fakes[2];
	int ret;

	fake_begin(fakes);
	ret = quic_server_handshake(fakes[1].fd, "/no/key", certs.good, "h3");
	check(ret == -ENOENT && strstr(quic_strerror(ret), "/no/key"), "%d %s",
	      ret, quic_strerror(ret));
	ret = quic_server_handshake(fakes[1].fd, certs.key, "/no/cert", "h3");
	check(ret == -ENOENT && strstr(quic_strerror(ret), "/no/cert"),
	      "%d %s", ret, quic_strerror(ret));
	ret = quic_server_handshake(fakes[1].fd, certs.good, certs.key, "h3");
	check(ret < 0 && strstr(quic_strerror(ret), certs.key), "%d %s", ret,
	      quic_strerror(ret));
	setenv("SSL_CERT_FILE", "/no/ca", 1);
	ret = quic_client_handshake(fakes[0].fd, NULL, "localhost", "h3");
	check(ret == -ENOENT && strstr(quic_strerror(ret), "/no/ca"), "%d %s",
	      ret, quic_strerror(ret));
	unsetenv("SSL_CERT_FILE");
	fake_end(fakes, false);
}

void test_x509(void)
{
	tap_run("certificate accepted", good);
	tap_run("certificate of another name refused", wrong_name);
	tap_run("certificate of an unknown authority refused", untrusted);
	tap_run("expired certificate refused", expired);
	tap_run("no host name: chain verified, warning logged", no_name);
	tap_run("system trust by default", system_trust);
	tap_run("SSL_CERT_DIR", cert_dir);
	tap_run("payload_cipher_type chooses the cipher", ciphers);
	tap_run("SSLKEYLOGFILE", keylog);
	tap_run("files that are missing or wrong", files);
}
