// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Session tickets: issued, refused by the kernel, saved, resumed.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "certs.h"
#include "pair.h"
#include "tap.h"

static void calls(bool key, int refuse, const char *pattern)
{
	struct calls c = {
		.hostname = "localhost", .client_alpns = "h3",
		.key = certs.key, .cert = certs.good, .server_alpns = "h3",
	};
	struct fake fakes[2];

	setenv("SSL_CERT_FILE", certs.ca, 1);
	fake_begin(fakes);
	fakes[1].ticket_key = key;
	fakes[1].fail_ticket = refuse;
	calls_run(&c, fakes);
	unsetenv("SSL_CERT_FILE");
	check(!c.result[0] && !c.result[1], "%s, %s", c.text[0], c.text[1]);
	check(!strcmp(fakes[1].pattern, pattern), "%s", fakes[1].pattern);
	fake_end(fakes, true);
}

static void issue(void)
{
	calls(true, 0, "I+H+H+H+HA");
	calls(false, 0, "I+H+H+H+H");
}

static void refuse(void)
{
	calls(true, EINVAL, "I+H+H+H+H");
	calls(true, ENOPROTOOPT, "I+H+H+H+H");
}

/* Handshake with the same ticket key each time.  True if it was resumed. */
static bool visit(const gnutls_datum_t *ticket_key, void *data, size_t *size,
		  bool resume)
{
	struct fake fakes[2];
	struct pair pair;
	int result[2], ret;
	size_t room = 10;
	bool resumed;

	fake_begin(fakes);
	pair_begin(&pair, fakes, 0);
	gnutls_session_ticket_enable_server(pair.session[1], ticket_key);
	if (resume) {
		ret = quic_session_set_data(pair.session[0], data, *size);
		check(!ret, "%s", quic_strerror(ret));
	}
	pair_run(&pair, fakes, result);
	check(!result[0] && !result[1], "%d %d", result[0], result[1]);
	quic_handshake_deinit(pair.session[0]);

	room = *size = 4096;
	ret = quic_session_get_data(pair.session[0], data, &room);
	check(!ret && !room, "data before a ticket: %d, %zu", ret, room);
	/* The kernel takes the ticket when somebody looks. */
	recvmsg(fakes[0].fd, &(struct msghdr){ 0 }, 0);
	check(fakes[0].ticket_len, "no ticket");
	room = 10;
	check(quic_session_get_data(pair.session[0], data, &room) == -EINVAL &&
	      room > 10, "room for 10, need %zu", room);
	ret = quic_session_get_data(pair.session[0], data, size);
	check(!ret && *size, "%s", quic_strerror(ret));

	resumed = gnutls_session_is_resumed(pair.session[0]) &&
		  gnutls_session_is_resumed(pair.session[1]);
	pair_end(&pair);
	fake_end(fakes, true);
	return resumed;
}

/* RFC9001-9.2-3 */
static void resume(void)
{
	gnutls_datum_t key;
	uint8_t data[4096];
	size_t size;

	gnutls_session_ticket_key_generate(&key);
	check(!visit(&key, data, &size, false), "resumed at the first visit");
	check(visit(&key, data, &size, true), "not resumed at the second");
	check(visit(&key, data, &size, true), "not resumed at the third");
	gnutls_free(key.data);
}

/* A session that GnuTLS sends tickets of by itself. */
static void automatic(void)
{
	gnutls_datum_t key;
	struct fake fakes[2];
	struct pair pair;
	int result[2];

	gnutls_session_ticket_key_generate(&key);
	fake_begin(fakes);
	pair_begin(&pair, fakes, 0);
	gnutls_deinit(pair.session[1]);
	gnutls_init(&pair.session[1], GNUTLS_SERVER);
	gnutls_priority_set_direct(pair.session[1], QUIC_PRIORITY, NULL);
	gnutls_credentials_set(pair.session[1], GNUTLS_CRD_CERTIFICATE,
			       pair.cred[1]);
	gnutls_transport_set_int(pair.session[1], fakes[1].fd);
	gnutls_session_ticket_enable_server(pair.session[1], &key);
	pair_run(&pair, fakes, result);
	check(!result[0] && !result[1], "%d %d", result[0], result[1]);
	/* The handshake's own bytes do not wait for the tickets. */
	check(!strncmp(fakes[1].pattern, "I+H+H+H+HA", 10), "%s",
	      fakes[1].pattern);
	pair_end(&pair);
	fake_end(fakes, true);
	gnutls_free(key.data);
}

static size_t hello_len;
static uint8_t hello[4096];

static ssize_t nothing_yet(gnutls_transport_ptr_t ptr, void *data, size_t len)
{
	(void)ptr;
	(void)data;
	(void)len;
	errno = EAGAIN;
	return -1;
}

static ssize_t keep_hello(gnutls_transport_ptr_t ptr, const void *data, size_t len)
{
	(void)ptr;
	if (hello_len + len <= sizeof(hello))
		memcpy(hello + hello_len, data, len);
	hello_len += len;
	return len;
}

/* Is this extension in the ClientHello, record and all? */
static bool has_extension(unsigned int wanted)
{
	size_t at = 5 + 4 + 2 + 32, end = hello_len;

	at += 1 + hello[at];
	at += 2 + (hello[at] << 8 | hello[at + 1]);
	at += 1 + hello[at];
	for (at += 2; at + 4 <= end;
	     at += 4 + (hello[at + 2] << 8 | hello[at + 3]))
		if ((unsigned int)(hello[at] << 8 | hello[at + 1]) == wanted)
			return true;
	return false;
}

/* RFC9001-8.2-3 */
/* A session of another transport is none of the library's business: there are
 * no transport parameters in its ClientHello.
 */
static void other_transport(void)
{
	const gnutls_datum_t name = { (unsigned char *)"h2", 2 };
	gnutls_certificate_credentials_t cred;
	gnutls_session_t session;

	gnutls_certificate_allocate_credentials(&cred);
	gnutls_init(&session, GNUTLS_CLIENT | GNUTLS_NONBLOCK);
	gnutls_priority_set_direct(session, QUIC_PRIORITY, NULL);
	gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, cred);
	gnutls_alpn_set_protocols(session, &name, 1, 0);
	gnutls_transport_set_push_function(session, keep_hello);
	gnutls_transport_set_pull_function(session, nothing_yet);
	hello_len = 0;
	gnutls_handshake(session);
	check(hello_len > 100 && hello_len < sizeof(hello), "%zu bytes",
	      hello_len);
	check(has_extension(16), "no ALPN");
	check(!has_extension(57), "transport parameters");
	gnutls_deinit(session);
	gnutls_certificate_free_credentials(cred);
}

static void misuse(void)
{
	gnutls_session_t session;
	uint8_t data[16];
	size_t size = sizeof(data);

	gnutls_init(&session, GNUTLS_CLIENT);
	check(quic_session_get_data(NULL, data, &size) == -EINVAL, "session");
	check(quic_session_get_data(session, data, NULL) == -EINVAL, "size");
	check(quic_session_get_data(session, NULL, &size) == -EINVAL, "data");
	check(quic_session_get_data(session, data, &size) == -EBADF, "socket");
	check(quic_session_set_data(session, NULL, 5) == -EINVAL, "no data");
	check(quic_session_set_data(session, data, 0) == -EINVAL, "no size");
	gnutls_deinit(session);
}

void test_sessions(void)
{
	tap_run("a ticket is issued if the kernel has a key", issue);
	tap_run("a kernel that takes no ticket is no failure", refuse);
	tap_run("a session is saved and resumed", resume);
	tap_run("GnuTLS sends tickets by itself", automatic);
	tap_run("sessions of other transports are left alone", other_transport);
	tap_run("sessions misused", misuse);
}
