// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The step machine with sessions of the program's own.
 */
#include <errno.h>
#include <string.h>

#include "pair.h"
#include "tap.h"

static void complete(const struct fake *settings)
{
	struct fake fakes[2];
	struct pair pair;
	int result[2];
	int i;

	fake_begin(fakes);
	for (i = 0; settings && i < 2; i++) {
		fakes[i].chunk = settings->chunk;
		fakes[i].ticket_key = settings->ticket_key;
	}
	pair_begin(&pair, fakes, 0);
	pair_run(&pair, fakes, result);
	check(!result[0] && !result[1], "%d %d %s", result[0], result[1],
	      quic_strerror(result[0] ? result[0] : result[1]));

	/* ClientHello; Finished.  ServerHello, EncryptedExtensions,
	 * Certificate, CertificateVerify, Finished.
	 */
	check(!strcmp(fakes[0].pattern, "IH"), "%s", fakes[0].pattern);
	check(!strcmp(fakes[1].pattern, "I+H+H+H+H"), "%s", fakes[1].pattern);
	pair_end(&pair);
	fake_end(fakes, true);
}

/* RFC9001-8.2-1 */
static void handshake(void)
{
	complete(NULL);
}

static void fragments(void)
{
	complete(&(struct fake){ .chunk = 1 });
	complete(&(struct fake){ .chunk = 7 });
	complete(&(struct fake){ .chunk = 100 });
}

static void hello_retry(void)
{
	struct fake fakes[2];
	struct pair pair;
	int result[2];

	fake_begin(fakes);
	pair_begin(&pair, fakes, 0);
	gnutls_priority_set_direct(pair.session[1],
				   QUIC_PRIORITY ":-GROUP-ALL:+GROUP-SECP384R1",
				   NULL);
	pair_run(&pair, fakes, result);
	check(!result[0] && !result[1], "%d %d", result[0], result[1]);
	check(!strncmp(fakes[0].pattern, "II", 2), "%s", fakes[0].pattern);
	pair_end(&pair);
	fake_end(fakes, true);
}

/* A program that hands in EAGAIN gets the same step again. */
static void would_block(void)
{
	struct quic_handshake_step *step = NULL, *first;
	struct fake fakes[2];
	struct pair pair;

	fake_begin(fakes);
	pair_begin(&pair, fakes, 0);
	check(!quic_handshake_init(pair.session[0], &step) && step, "init");
	first = step;
	check(step->op == QUIC_HANDSHAKE_STEP_OP_SENDMSG, "op %d", step->op);
	step->s_sendmsg.retval = -EAGAIN;
	check(!quic_handshake_step(pair.session[0], &step) && step == first &&
	      step->op == QUIC_HANDSHAKE_STEP_OP_SENDMSG &&
	      step->s_sendmsg.retval == -EUCLEAN, "send again");

	step->s_sendmsg.retval = step->s_sendmsg.msg->msg_iov->iov_len;
	check(!quic_handshake_step(pair.session[0], &step) && step &&
	      step->op == QUIC_HANDSHAKE_STEP_OP_RECVMSG, "receive");
	step->s_recvmsg.retval = -EAGAIN;
	check(!quic_handshake_step(pair.session[0], &step) && step == first &&
	      step->op == QUIC_HANDSHAKE_STEP_OP_RECVMSG &&
	      step->s_recvmsg.retval == -EUCLEAN, "receive again");
	pair_end(&pair);
	fake_end(fakes, false);
}

/* The library must not need the program's session pointer. */
static void user_pointer(void)
{
	struct fake fakes[2];
	struct pair pair;
	int result[2], i;

	fake_begin(fakes);
	pair_begin(&pair, fakes, 0);
	for (i = 0; i < 2; i++)
		gnutls_session_set_ptr(pair.session[i], &fakes[i]);
	pair_run(&pair, fakes, result);
	check(!result[0] && !result[1], "%d %d", result[0], result[1]);
	for (i = 0; i < 2; i++)
		check(gnutls_session_get_ptr(pair.session[i]) == &fakes[i],
		      "pointer %d changed", i);
	pair_end(&pair);
	fake_end(fakes, true);
}

static void misuse(void)
{
	struct quic_handshake_step *step = NULL, *none = NULL, *other;
	struct fake fakes[2];
	struct pair pair;

	fake_begin(fakes);
	pair_begin(&pair, fakes, 0);
	check(quic_handshake_init(NULL, &step) == -EINVAL, "no session");
	check(quic_handshake_init(pair.session[0], NULL) == -EINVAL, "no step");
	check(quic_handshake_step(pair.session[0], &none) == -EINVAL,
	      "step before init");
	quic_handshake_deinit(pair.session[0]);

	check(!quic_handshake_init(pair.session[0], &step), "init");
	check(quic_handshake_init(pair.session[0], &step) == -EINVAL,
	      "init with a step");
	check(quic_handshake_init(pair.session[0], &none) == -EINVAL && !none,
	      "init twice");
	check(quic_handshake(pair.session[0]) == -EINVAL, "two drivers");
	check(quic_handshake_step(pair.session[0], &none) == -EINVAL,
	      "a step that is none");
	other = (struct quic_handshake_step *)&fakes;
	check(quic_handshake_step(pair.session[0], &other) == -EINVAL,
	      "a step that is not ours");
	check(quic_handshake_step(pair.session[0], NULL) == -EINVAL,
	      "no pointer to a step");
	check(quic_handshake_step(pair.session[0], &step) == -EUCLEAN && !step,
	      "a step not done");
	check(quic_handshake_step(pair.session[0], &step) == -EINVAL,
	      "a step after failure");
	quic_handshake_deinit(pair.session[0]);
	quic_handshake_deinit(pair.session[0]);
	quic_handshake_deinit(NULL);
	check(quic_handshake(NULL) == -EINVAL, "quic_handshake(NULL)");
	pair_end(&pair);
	fake_end(fakes, false);
}

/* Whenever a program gives up, nothing is left; ASan looks. */
static void give_up(void)
{
	struct quic_handshake_step *step = NULL;
	struct fake fakes[2];
	struct pair pair;

	fake_begin(fakes);
	pair_begin(&pair, fakes, 0);
	check(!quic_handshake_init(pair.session[0], &step), "init");
	gnutls_deinit(pair.session[0]);
	gnutls_certificate_free_credentials(pair.cred[0]);
	gnutls_deinit(pair.session[1]);
	gnutls_certificate_free_credentials(pair.cred[1]);
	fake_end(fakes, false);
}

/* What a caller's I/O can report. */
static int step_with(struct fake *fakes, ssize_t sent, ssize_t received,
		     int msg_flags)
{
	struct quic_handshake_step *step = NULL;
	struct pair pair;
	int ret;

	pair_begin(&pair, fakes, 0);
	check(!quic_handshake_init(pair.session[0], &step), "init");
	step->s_sendmsg.retval = sent ? sent :
		(ssize_t)step->s_sendmsg.msg->msg_iov->iov_len;
	ret = quic_handshake_step(pair.session[0], &step);
	if (!ret) {
		step->s_recvmsg.retval = received;
		step->s_recvmsg.msg->msg_flags = msg_flags;
		step->s_recvmsg.msg->msg_controllen = 0;
		ret = quic_handshake_step(pair.session[0], &step);
	}
	check(!step || !ret, "step and error");
	pair_end(&pair);
	return ret;
}

static void bad_io(void)
{
	struct fake fakes[2];

	fake_begin(fakes);
	check(step_with(fakes, 5, 0, 0) == -EMSGSIZE, "short send");
	check(step_with(fakes, -ENETUNREACH, 0, 0) == -ENETUNREACH, "send");
	check(step_with(fakes, 0, 0, 0) == -ECONNRESET, "end of file");
	check(step_with(fakes, 0, -ENOMEM, 0) == -ENOMEM, "receive");
	check(step_with(fakes, 0, 10, 0) == -EBADMSG, "no control message");
	check(step_with(fakes, 0, 10, MSG_TRUNC) == -EMSGSIZE, "truncated");
	check(step_with(fakes, 0, 1 << 20, 0) == -EMSGSIZE, "too much");
	check(step_with(fakes, 0, -EINTR, 0) == 0, "interrupted");
	fakes[0].so_error = ECONNREFUSED;
	check(step_with(fakes, 0, -ENOTCONN, 0) == -ECONNREFUSED, "SO_ERROR");
	fake_end(fakes, false);
}

void test_steps(void)
{
	tap_run("step machines complete a handshake", handshake);
	tap_run("handshake bytes arrive in pieces", fragments);
	tap_run("HelloRetryRequest", hello_retry);
	tap_run("a step that would block comes back", would_block);
	tap_run("the session's user pointer is left alone", user_pointer);
	tap_run("misuse is refused", misuse);
	tap_run("a handshake abandoned leaks nothing", give_up);
	tap_run("errors of the caller's I/O", bad_io);
}
