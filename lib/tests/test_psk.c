// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Pre-shared keys.
 */
#include <errno.h>
#include <string.h>

#include "certs.h"
#include "pair.h"
#include "tap.h"

static void good(void)
{
	struct calls calls = {
		.client_psk = certs.psk, .client_alpns = "smb",
		.key = certs.psk, .server_alpns = "smb",
	};
	struct fake fakes[2];

	fake_begin(fakes);
	calls_run(&calls, fakes);
	check(!calls.result[0] && !calls.result[1], "%s, %s", calls.text[0],
	      calls.text[1]);
	/* No certificate messages. */
	check(!strcmp(fakes[1].pattern, "I+H+H"), "%s", fakes[1].pattern);
	fake_end(fakes, true);
}

static void wrong_key(void)
{
	struct calls calls = {
		.client_psk = certs.other_psk, .client_alpns = "smb",
		.key = certs.psk, .server_alpns = "smb",
	};
	struct fake fakes[2];

	fake_begin(fakes);
	calls_run(&calls, fakes);
	check(calls.result[0] < 0 && calls.result[1] < 0, "%d %d",
	      calls.result[0], calls.result[1]);
	check(fakes[1].close.errcode > 0x100, "0x%x", fakes[1].close.errcode);
	check(!fakes[0].has_secret[1][QUIC_CRYPTO_APP] &&
	      !fakes[1].has_secret[1][QUIC_CRYPTO_APP], "1-RTT keys");
	fake_end(fakes, false);
}

static void files(void)
{
	struct fake fakes[2];
	int ret;

	fake_begin(fakes);
	ret = quic_client_handshake(fakes[0].fd, "/no/psk", NULL, "smb");
	check(ret == -ENOENT && strstr(quic_strerror(ret), "/no/psk"), "%d %s",
	      ret, quic_strerror(ret));
	ret = quic_client_handshake(fakes[0].fd, certs.bad_psk, NULL, "smb");
	check(ret == -EINVAL && strstr(quic_strerror(ret), "identity:hexkey"),
	      "%d %s", ret, quic_strerror(ret));
	ret = quic_server_handshake(fakes[1].fd, "/no/psk", NULL, "smb");
	check(ret == -ENOENT, "%d %s", ret, quic_strerror(ret));
	ret = quic_server_handshake(fakes[1].fd, NULL, NULL, "smb");
	check(ret == -EINVAL, "%d %s", ret, quic_strerror(ret));
	fake_end(fakes, false);
}

void test_psk(void)
{
	tap_run("pre-shared key", good);
	tap_run("wrong pre-shared key refused", wrong_key);
	tap_run("key files that are missing or wrong", files);
}
