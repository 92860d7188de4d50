// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Kernels that refuse, peers that misbehave, networks that do not answer.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "certs.h"
#include "internal.h"
#include "pair.h"
#include "tap.h"

static int text_level;
static char text[512];

static void keep_text(int level, const char *msg)
{
	text_level = level;
	strncpy(text, msg, sizeof(text) - 1);
}

/* One handshake by steps; what came of it. */
static void run(struct fake *fakes, int result[2])
{
	struct pair pair;

	pair_begin(&pair, fakes, 0);
	pair_run(&pair, fakes, result);
	pair_end(&pair);
}

static void role(void)
{
	struct fake fakes[2];
	int result[2];

	fake_begin(fakes);
	fakes[0].fail_role = ENOPROTOOPT;
	run(fakes, result);
	check(result[0] == -ENOPROTOOPT, "%d", result[0]);
	check(quic_client_handshake(fakes[1].fd, NULL, "localhost", "h3") ==
	      -EINVAL, "client handshake on a server's socket");
	fakes[0].fail_role = 0;
	check(quic_server_handshake(fakes[0].fd, certs.key, certs.good, "h3") ==
	      -EINVAL, "server handshake on a client's socket");
	fake_end(fakes, false);
	check(quic_client_handshake(-1, NULL, "localhost", "h3") == -EBADF,
	      "no socket at all");
	check(quic_client_handshake(0, NULL, "", "h3") == -EINVAL,
	      "empty host name");
}

static void secrets(void)
{
	struct fake fakes[2];
	int result[2];

	fake_begin(fakes);
	fakes[1].fail_secret = EPIPE;
	run(fakes, result);
	check(result[1] == -EPIPE, "%d", result[1]);
	fake_end(fakes, false);
}

static void parameters(void)
{
	struct fake fakes[2];
	int result[2];

	fake_begin(fakes);
	fakes[0].fail_tparam_get = ENOMEM;
	run(fakes, result);
	check(result[0] == -ENOMEM, "%d", result[0]);
	fake_end(fakes, false);

	/* The kernel closes with its own code, which must not be replaced. */
	fake_begin(fakes);
	fakes[1].fail_tparam_set = EPROTONOSUPPORT;
	run(fakes, result);
	check(result[1] == -EPROTONOSUPPORT, "%d", result[1]);
	check(!fakes[1].close.errcode, "0x%x", fakes[1].close.errcode);
	fake_end(fakes, false);
}

/* RFC9001-8.2-2 */
static void no_parameters(void)
{
	struct fake fakes[2];
	int result[2];

	fake_begin(fakes);
	fakes[0].no_tparam = true;
	run(fakes, result);
	check(result[1] < 0 && fakes[1].close.errcode == 0x16d, "%d 0x%x",
	      result[1], fakes[1].close.errcode);
	fake_end(fakes, false);

	fake_begin(fakes);
	fakes[1].no_tparam = true;
	run(fakes, result);
	check(result[0] < 0 && fakes[0].close.errcode == 0x16d, "%d 0x%x",
	      result[0], fakes[0].close.errcode);
	check(!fakes[0].has_secret[1][QUIC_CRYPTO_APP], "1-RTT keys");
	fake_end(fakes, false);
}

static void refused(void)
{
	struct fake fakes[2];
	int ret;

	fake_begin(fakes);
	fakes[0].so_error = ECONNREFUSED;
	fakes[0].fail_send = EPIPE;
	ret = quic_client_handshake(fakes[0].fd, NULL, "localhost", "h3");
	check(ret == -ECONNREFUSED && strstr(quic_strerror(ret), "refused"),
	      "%d %s", ret, quic_strerror(ret));
	fake_end(fakes, false);

	fake_begin(fakes);
	fakes[1].close.errcode = QUIC_TRANSPORT_ERROR_CONNECTION_REFUSED;
	strcpy((char *)fakes[1].close.phrase, "come back later");
	fake_close(&fakes[1]);
	ret = quic_client_handshake(fakes[0].fd, NULL, "localhost", "h3");
	check(ret == -ECONNREFUSED &&
	      strstr(quic_strerror(ret), "come back later"), "%d %s", ret,
	      quic_strerror(ret));
	fake_end(fakes, false);
}

/* The peer never answers, the kernel never gives up: the library does. */
static void timeout(void)
{
	struct fake fakes[2];
	struct pair pair;
	int ret;

	fake_begin(fakes);
	pair_begin(&pair, fakes, 0);
	ret = quic_handshake_drive(pair.session[0], 300);
	check(ret == -ETIMEDOUT, "%d %s", ret, quic_strerror(ret));
	ret = quic_handshake_drive(pair.session[1], 300);
	check(ret == -ETIMEDOUT, "%d %s", ret, quic_strerror(ret));
	pair_end(&pair);
	fake_end(fakes, false);
}

static void full_buffer(void)
{
	struct calls calls = {
		.client_psk = certs.psk, .client_alpns = "smb",
		.key = certs.psk, .server_alpns = "smb",
	};
	struct fake fakes[2];

	fake_begin(fakes);
	fakes[0].block_sends = 1;
	fakes[1].block_sends = 5;
	calls_run(&calls, fakes);
	check(!calls.result[0] && !calls.result[1], "%s, %s", calls.text[0],
	      calls.text[1]);
	fake_end(fakes, true);
}

static void garbage(void)
{
	static const uint8_t hello[] = "\x01\x00\x00\x04" "abcd";
	struct quic_handshake_step *step = NULL;
	struct fake fakes[2];
	struct pair pair;
	int ret, result[2];

	fake_begin(fakes);
	pair_begin(&pair, fakes, 0);
	fake_inject(&fakes[1], QUIC_CRYPTO_INITIAL, hello, 8);
	pair_run(&pair, fakes, result);
	check(result[1] < 0 && fakes[1].close.errcode > 0x100 &&
	      fakes[1].close.errcode < 0x200, "%d 0x%x", result[1],
	      fakes[1].close.errcode);
	check(!strncmp(quic_strerror(result[1]), "TLS handshake", 13), "%s",
	      quic_strerror(result[1]));
	pair_end(&pair);
	fake_end(fakes, false);

	/* An event in place of a message. */
	fake_begin(fakes);
	pair_begin(&pair, fakes, 0);
	ret = quic_handshake_init(pair.session[1], &step);
	check(!ret && step->op == QUIC_HANDSHAKE_STEP_OP_RECVMSG, "%d", ret);
	*(uint8_t *)step->s_recvmsg.msg->msg_iov->iov_base =
		QUIC_EVENT_STREAM_MAX_STREAM;
	step->s_recvmsg.msg->msg_flags = MSG_QUIC_NOTIFICATION;
	step->s_recvmsg.retval = 9;
	check(!quic_handshake_step(pair.session[1], &step) && step, "event");
	*(uint8_t *)step->s_recvmsg.msg->msg_iov->iov_base =
		QUIC_EVENT_CONNECTION_CLOSE;
	step->s_recvmsg.msg->msg_flags = MSG_QUIC_NOTIFICATION;
	step->s_recvmsg.retval = 73;
	ret = quic_handshake_step(pair.session[1], &step);
	check(ret == -ECONNREFUSED && !step, "%d", ret);
	pair_end(&pair);
	fake_end(fakes, false);
}

/* RFC9001-4.8-1 */
/* A bit flipped in every run: both ends must end in an error, or wait for
 * more, and name a TLS alert if it was theirs to complain.
 */
static void mutations(void)
{
	struct fake fakes[2];
	unsigned int seed;
	int result[2], i;

	for (seed = 0; seed < 300; seed++) {
		fake_begin(fakes);
		for (i = 0; i < 2; i++) {
			fakes[i].mangle = true;
			fakes[i].seed = seed * 2 + i;
			fakes[i].chunk = seed % 3 * 50;
		}
		run(fakes, result);
		check(result[0] || result[1], "seed %u succeeded", seed);
		for (i = 0; i < 2; i++)
			check(result[i] >= 0 ||
			      (fakes[i].close.errcode > 0x100 &&
			       fakes[i].close.errcode < 0x200),
			      "seed %u: %d, 0x%x", seed, result[i],
			      fakes[i].close.errcode);
		fake_end(fakes, false);
	}
}

static void words(void)
{
	quic_set_log_func_t old;
	struct fake fakes[2];
	int ret;

	old = quic_set_log_func(keep_text);
	check(!old, "a log function at the start");
	check(quic_set_log_level(3) == 4, "level at the start");
	fake_begin(fakes);
	ret = quic_server_handshake(fakes[1].fd, "/no/key", certs.good, NULL);
	fake_end(fakes, false);
	check(text_level == 3 && !strcmp(text, quic_strerror(ret)), "%d %s",
	      text_level, text);
	check(quic_set_log_func(NULL) == keep_text, "old function");
	check(quic_set_log_level(4) == 3, "old level");

	check(!strcmp(quic_strerror(0), "success"), "0");
	check(!strcmp(quic_strerror(-ECONNREFUSED), "Connection refused"),
	      "%s", quic_strerror(-ECONNREFUSED));
	check(strstr(quic_strerror(GNUTLS_E_NO_APPLICATION_PROTOCOL),
		     "application protocol"), "%s",
	      quic_strerror(GNUTLS_E_NO_APPLICATION_PROTOCOL));
	check(quic_strerror(-99999), "an unknown number");
}

void test_failures(void)
{
	tap_run("the socket's role", role);
	tap_run("kernel refuses a secret", secrets);
	tap_run("kernel refuses transport parameters", parameters);
	tap_run("peer without transport parameters: alert 109", no_parameters);
	tap_run("connection refused", refused);
	tap_run("handshake timeout", timeout);
	tap_run("send buffer full", full_buffer);
	tap_run("garbage and events", garbage);
	tap_run("300 damaged handshakes", mutations);
	tap_run("quic_strerror and the log", words);
}
