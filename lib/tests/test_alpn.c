// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Application protocols.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "certs.h"
#include "pair.h"
#include "tap.h"

#define NAME31	"abcdefghijklmnopqrstuvwxyz01234"

static void run(struct calls *calls, struct fake *fakes)
{
	calls->hostname = "localhost";
	calls->key = certs.key;
	calls->cert = certs.good;
	setenv("SSL_CERT_FILE", certs.ca, 1);
	calls_run(calls, fakes);
	unsetenv("SSL_CERT_FILE");
}

/* RFC9000-7-2 RFC9001-8.1-1 */
static void agree(void)
{
	struct calls calls = {
		.client_alpns = "h3-29, smb,h3", .server_alpns = " smb , h3 ",
	};
	struct fake fakes[2];

	fake_begin(fakes);
	strcpy(fakes[1].alpn, "smb,h3");
	run(&calls, fakes);
	check(!calls.result[0] && !calls.result[1], "%s, %s", calls.text[0],
	      calls.text[1]);
	check(!strcmp(fakes[1].alpn, "smb"), "socket says \"%s\"",
	      fakes[1].alpn);
	fake_end(fakes, true);
}

static void many(void)
{
	struct calls calls = {
		.client_alpns = "a," NAME31 ",c,d,e,f,g,last",
		.server_alpns = "1,2,3,4,5,6,7,last",
	};
	struct fake fakes[2];

	fake_begin(fakes);
	run(&calls, fakes);
	check(!calls.result[0] && !calls.result[1], "%s, %s", calls.text[0],
	      calls.text[1]);
	check(!strcmp(fakes[1].alpn, "last"), "%s", fakes[1].alpn);
	fake_end(fakes, true);
}

/* RFC9001-8.1-5 */
static void mismatch(void)
{
	struct calls calls = { .client_alpns = "h3", .server_alpns = "smb" };
	struct fake fakes[2];

	fake_begin(fakes);
	run(&calls, fakes);
	check(calls.result[1] == GNUTLS_E_NO_APPLICATION_PROTOCOL, "%d %s",
	      calls.result[1], calls.text[1]);
	check(fakes[1].close.errcode == 0x178, "0x%x",
	      fakes[1].close.errcode);
	check(calls.result[0] == -ECONNREFUSED, "%d", calls.result[0]);
	check(strstr(calls.text[0], "0x178"), "%s", calls.text[0]);
	fake_end(fakes, false);
}

/* RFC9001-8.1-2 RFC9001-8.1-3 */
/* One end speaks ALPN, the other does not. */
static void missing(void)
{
	struct calls calls = { .client_alpns = NULL, .server_alpns = "h3" };
	struct fake fakes[2];

	fake_begin(fakes);
	run(&calls, fakes);
	check(calls.result[1] == GNUTLS_E_NO_APPLICATION_PROTOCOL, "%d %s",
	      calls.result[1], calls.text[1]);
	check(fakes[1].close.errcode == 0x178, "0x%x",
	      fakes[1].close.errcode);
	fake_end(fakes, false);

	calls.client_alpns = "h3";
	calls.server_alpns = NULL;
	fake_begin(fakes);
	run(&calls, fakes);
	check(calls.result[0] == GNUTLS_E_NO_APPLICATION_PROTOCOL, "%d %s",
	      calls.result[0], calls.text[0]);
	check(fakes[0].close.errcode == 0x178, "0x%x",
	      fakes[0].close.errcode);
	fake_end(fakes, false);
}

static void from_socket(void)
{
	struct calls calls = { .client_alpns = NULL, .server_alpns = NULL };
	struct fake fakes[2];

	fake_begin(fakes);
	strcpy(fakes[0].alpn, "smb,h3");
	strcpy(fakes[1].alpn, "h3");
	run(&calls, fakes);
	check(!calls.result[0] && !calls.result[1], "%s, %s", calls.text[0],
	      calls.text[1]);
	check(!strcmp(fakes[1].alpn, "h3"), "%s", fakes[1].alpn);
	fake_end(fakes, true);

	/* Neither has any: that is the programs' own agreement. */
	fake_begin(fakes);
	run(&calls, fakes);
	check(!calls.result[0] && !calls.result[1], "%s, %s", calls.text[0],
	      calls.text[1]);
	fake_end(fakes, true);
}

static int set(gnutls_session_t session, const char *alpns)
{
	return quic_session_set_alpn(session, alpns, strlen(alpns));
}

static void lists(void)
{
	gnutls_session_t session;
	char name[400];

	gnutls_init(&session, GNUTLS_CLIENT);
	check(!set(session, "h3"), "one");
	check(!set(session, NAME31 "," NAME31 "," NAME31), "95 bytes");
	check(!quic_session_set_alpn(session, "h3\0rest", 7), "NUL");
	check(set(session, "") == -EINVAL, "empty");
	check(set(session, "  ") == -EINVAL, "spaces");
	check(set(session, "h3,,smb") == -EINVAL, "empty name");
	check(set(session, "h3,") == -EINVAL, "comma at the end");
	check(set(session, "1,2,3,4,5,6,7,8,9,10,11,12") == -E2BIG, "twelve");
	check(set(session, "ok," NAME31 "56789") == -ENAMETOOLONG, "36 bytes");
	memset(name, 'x', sizeof(name));
	check(quic_session_set_alpn(session, name, 256) == -ENAMETOOLONG,
	      "256 bytes");
	check(quic_session_set_alpn(session, NULL, 0) == -EINVAL, "NULL");
	check(quic_session_set_alpn(NULL, "h3", 2) == -EINVAL, "no session");
	gnutls_deinit(session);
}

static void get(void)
{
	struct fake fakes[2];
	struct pair pair;
	char name[16];
	size_t len = sizeof(name);
	int result[2];

	fake_begin(fakes);
	pair_begin(&pair, fakes, 0);
	check(!quic_session_get_alpn(pair.session[0], name, &len) && !len,
	      "none yet");
	set(pair.session[0], "sample,h3");
	set(pair.session[1], "sample");
	pair_run(&pair, fakes, result);
	check(!result[0] && !result[1], "%d %d", result[0], result[1]);

	len = sizeof(name);
	check(!quic_session_get_alpn(pair.session[0], name, &len) &&
	      len == 6 && !strcmp(name, "sample"), "%zu", len);
	len = 6;
	check(!quic_session_get_alpn(pair.session[1], name, &len) && len == 6,
	      "exactly enough");
	len = 5;
	check(quic_session_get_alpn(pair.session[0], name, &len) == -EINVAL &&
	      len == 6, "too small: %zu", len);
	check(quic_session_get_alpn(pair.session[0], name, NULL) == -EINVAL,
	      "no size");
	pair_end(&pair);
	fake_end(fakes, true);
}

void test_alpn(void)
{
	tap_run("a protocol agreed upon, and set on the socket", agree);
	tap_run("eight protocols, a list longer than 63 bytes", many);
	tap_run("no common protocol: alert 120, close code 0x178", mismatch);
	tap_run("ALPN at one end only: alert 120", missing);
	tap_run("the socket's ALPN option as the default", from_socket);
	tap_run("quic_session_set_alpn", lists);
	tap_run("quic_session_get_alpn", get);
}
