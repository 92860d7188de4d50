// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Early data of clients that come back: which a server accepts, and that it does
 * so once.
 */
#include <string.h>

#include "pair.h"
#include "tap.h"

#define SECOND	1000L
#define HOUR	(3600 * SECOND)
#define PROTOCOLS "h3,hq-interop"

/* What a client remembers of a server. */
struct saved {
	uint8_t	data[4096];
	size_t	size;
};

/* What the client sent first. */
struct hello {
	uint8_t	data[8192];
	size_t	len;
};

/* The server's end of a visit whose session is about to begin. */
static void allow(struct pair *pair)
{
	int ret;

	ret = quic_session_enable_tickets(pair->session[1],
					  QUIC_TICKETS_EARLY_DATA);
	check(!ret, "%s", quic_strerror(ret));
}

static void visit_begin(struct pair *pair, struct fake *fakes)
{
	fake_begin(fakes);
	fakes[1].ticket_key = true;
	strcpy(fakes[1].alpn, PROTOCOLS);
	pair_begin(pair, fakes, GNUTLS_ENABLE_EARLY_DATA |
		   GNUTLS_NO_END_OF_EARLY_DATA);
}

static bool early(gnutls_session_t session)
{
	return gnutls_session_get_flags(session) & GNUTLS_SFLAGS_EARLY_DATA;
}

/* Handshake at clocks that are so much ahead, and resume what is saved, if
 * something is; save it anew.  True if the server took early data.
 */
static bool visit_for(const char *protocols, long client, long server,
		      struct saved *saved)
{
	struct fake fakes[2];
	struct pair pair;
	int result[2], ret;
	bool taken;

	visit_begin(&pair, fakes);
	strcpy(fakes[1].alpn, protocols);
	fakes[0].ahead = client;
	fakes[1].ahead = server;
	fake_clock(&fakes[1]);
	allow(&pair);
	fake_clock(&fakes[0]);
	if (saved->size)
		quic_session_set_data(pair.session[0], saved->data,
				      saved->size);
	pair_run(&pair, fakes, result);
	check(!result[0] && !result[1], "%d %d", result[0], result[1]);
	taken = early(pair.session[1]);
	check(taken == early(pair.session[0]), "only one end knows");

	fake_clock(&fakes[0]);
	recvmsg(fakes[0].fd, &(struct msghdr){ 0 }, 0);
	saved->size = sizeof(saved->data);
	ret = quic_session_get_data(pair.session[0], saved->data,
				    &saved->size);
	check(!ret && saved->size, "%s", quic_strerror(ret));
	fake_clock(NULL);
	pair_end(&pair);
	fake_end(fakes, true);
	return taken;
}

static bool visit(long client, long server, struct saved *saved)
{
	return visit_for(PROTOCOLS, client, server, saved);
}

/* First of all, for the process counts as new in its first ten seconds: what
 * was early before, it has not seen.
 */
static void new_process(void)
{
	struct saved now = { 0 }, before = { 0 };

	check(!visit(0, 0, &now), "at the first visit");
	check(!visit(-HOUR, -HOUR, &before), "at the first visit");
	check(visit(0, 0, &now), "a ticket of this process");
	check(!visit(0, 0, &before), "a ticket of another process");
	before.size = 0;
	visit(-HOUR, -HOUR, &before);
	check(visit(11 * SECOND, 11 * SECOND, &before), "seconds later");
}

static void counted_in_seconds(void)
{
	struct saved saved = { 0 };
	long behind;

	for (behind = 0; behind < SECOND; behind += 333) {
		saved.size = 0;
		visit(-behind, 0, &saved);
		check(visit(0, 0, &saved), "%ld ms too old", behind);
	}
	saved.size = 0;
	visit(-2 * SECOND, 0, &saved);
	check(!visit(0, 0, &saved), "two seconds too old");
}

/* Others came back in between. */
static void hours_later(void)
{
	struct saved first = { 0 }, second = { 0 };
	long t = HOUR;

	visit(t, t, &first);
	visit(t, t, &second);
	t += HOUR;
	check(visit(t, t, &first), "an hour later");
	t += SECOND;
	check(visit(t, t, &second), "a second after somebody else");
	t += HOUR;
	check(visit(t, t, &second), "with the ticket of that visit");
}

/* A server is told what another one was told. */
static bool replay(const struct hello *hello, long ahead)
{
	struct quic_handshake_step *step = NULL;
	struct fake fakes[2];
	struct pair pair;
	bool taken;

	visit_begin(&pair, fakes);
	fakes[1].ahead = ahead;
	fake_clock(&fakes[1]);
	allow(&pair);
	fake_inject(&fakes[1], QUIC_CRYPTO_INITIAL, hello->data, hello->len);
	check(!quic_handshake_init(pair.session[1], &step) && step, "init");
	step->s_recvmsg.retval = recvmsg(fakes[1].fd, step->s_recvmsg.msg,
					 step->s_recvmsg.flags);
	check(!quic_handshake_step(pair.session[1], &step), "step");
	check(step && step->op == QUIC_HANDSHAKE_STEP_OP_SENDMSG,
	      "it does not answer");
	taken = early(pair.session[1]);
	fake_clock(NULL);
	pair_end(&pair);
	fake_end(fakes, false);
	return taken;
}

static void say_hello(struct saved *saved, struct hello *hello)
{
	struct quic_handshake_step *step = NULL;
	struct fake fakes[2];
	struct pair pair;

	visit_begin(&pair, fakes);
	quic_session_set_data(pair.session[0], saved->data, saved->size);
	check(!quic_handshake_init(pair.session[0], &step) && step, "init");
	hello->len = step->s_sendmsg.msg->msg_iov->iov_len;
	check(hello->len < sizeof(hello->data), "%zu bytes", hello->len);
	memcpy(hello->data, step->s_sendmsg.msg->msg_iov->iov_base, hello->len);
	pair_end(&pair);
	fake_end(fakes, false);
}

/* RFC9001-9.2-1 */
static void said_again(void)
{
	struct hello hello, late;
	struct saved saved = { 0 };

	visit(0, 0, &saved);
	say_hello(&saved, &hello);
	say_hello(&saved, &late);
	check(replay(&hello, 0), "the first time");
	check(!replay(&hello, 0), "the second time");
	check(!replay(&hello, 9 * SECOND), "while it is remembered");
	check(!replay(&hello, 30 * SECOND), "when that is over");
	check(!replay(&late, 30 * SECOND), "half a minute on its way");
	check(replay(&late, 5 * SECOND), "five seconds on its way");
}

/* The program has another one come first now. */
static void other_protocols(void)
{
	struct saved saved = { 0 }, other;

	visit(0, 0, &saved);
	other = saved;
	check(!visit_for("hq-interop,h3", 0, 0, &other), "another protocol");
	check(visit(0, 0, &saved), "the same");
}

void test_early(void)
{
	tap_run("early data that another process may have seen", new_process);
	tap_run("early data if the client counts seconds", counted_in_seconds);
	tap_run("early data hours later, among others", hours_later);
	tap_run("early data said again", said_again);
	tap_run("early data of another protocol", other_protocols);
}
