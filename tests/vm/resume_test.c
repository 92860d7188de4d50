// SPDX-License-Identifier: GPL-2.0
/*
 * Session tickets, resumption and 0-RTT: RFC 9001 sections 4.6 and 4.9.3,
 * RFC 9000 section 7.4.1, in both roles at once.
 */
#include <gnutls/gnutls.h>
#include <pthread.h>
#include "pair.h"

#define NEW	MSG_QUIC_STREAM_NEW
#define FIN	MSG_QUIC_STREAM_FIN
#define EARLY	(GNUTLS_ENABLE_EARLY_DATA | GNUTLS_NO_END_OF_EARLY_DATA)

/* What a client keeps between two connections. */
struct saved {
	uint8_t data[8192];
	size_t size;
	struct quic_transport_param params;
};

/* A connection, its TLS made here. */
struct run {
	struct saved *saved;			/* to resume, or NULL */
	bool client_early, server_early;
	bool careless;		/* server: 0-RTT whatever its limits were */
	bool no_tickets;	/* server */
	void (*write_early)(int fd);		/* before the handshake */
	struct quic_transport_param server_params;
	uint32_t events;			/* of the client */

	int listener, client, server;
	int client_ret, server_ret;
	gnutls_session_t ctls, stls;
};

static gnutls_session_t session(int fd, unsigned int flags)
{
	static gnutls_certificate_credentials_t cred;
	gnutls_session_t tls;

	if (!cred) {
		EQ(gnutls_certificate_allocate_credentials(&cred), 0);
		EQ(gnutls_certificate_set_x509_key_file(cred, cert_file, key_file,
							GNUTLS_X509_FMT_PEM), 0);
	}
	EQ(gnutls_init(&tls, flags | GNUTLS_NO_AUTO_SEND_TICKET), 0);
	EQ(gnutls_priority_set_direct(tls, QUIC_PRIORITY, NULL), 0);
	EQ(gnutls_credentials_set(tls, GNUTLS_CRD_CERTIFICATE, cred), 0);
	gnutls_transport_set_int(tls, fd);
	return tls;
}

/* A ticket key of its own, so that no limit decides. */
static void careless_tickets(gnutls_session_t tls)
{
	static uint8_t key[64] = "anything";
	gnutls_datum_t datum = { .data = key, .size = sizeof(key) };

	/* The protection against replays is the library's. */
	EQ(quic_session_enable_tickets(tls, QUIC_TICKETS_EARLY_DATA), 0);
	EQ(gnutls_session_ticket_enable_server(tls, &datum), 0);
}

static void *server_thread(void *arg)
{
	struct run *r = arg;

	r->server = accept(r->listener, NULL, NULL);
	OK(r->server >= 0);
	r->stls = session(r->server,
			  GNUTLS_SERVER | (r->server_early ? EARLY : 0));
	if (r->careless)
		careless_tickets(r->stls);
	else if (!r->no_tickets)
		EQ(quic_session_enable_tickets(r->stls, r->server_early ?
					       QUIC_TICKETS_EARLY_DATA : 0), 0);
	r->server_ret = quic_handshake(r->stls);
	return NULL;
}

static void run(struct run *r)
{
	static int listening = -1;
	pthread_t thread;
	union addr a;

	if (listening < 0 || r->server_params.max_data) {
		listening = quic_socket();
		OK(!opt_set(listening, QUIC_SOCKOPT_TRANSPORT_PARAM,
			    &r->server_params, sizeof(r->server_params)));
		OK(!bind(listening, &a.sa, loopback(&a, family, 0)));
		OK(!listen(listening, 16));
	}
	r->listener = listening;
	OK(!pthread_create(&thread, NULL, server_thread, r));
	r->client = client(port_of(r->listener));
	for (int i = 1; i < QUIC_EVENT_MAX; i++)
		if (r->events & 1U << i)
			event_on(r->client, i);
	r->ctls = session(r->client,
			  GNUTLS_CLIENT | (r->client_early ? EARLY : 0));
	if (r->saved) {
		EQ(quic_session_set_data(r->ctls, r->saved->data,
					 r->saved->size), 0);
		OK(!opt_set(r->client, QUIC_SOCKOPT_TRANSPORT_PARAM,
			    &r->saved->params, sizeof(r->saved->params)));
	}
	if (r->write_early)
		r->write_early(r->client);
	r->client_ret = quic_handshake(r->ctls);
	if (r->client_ret)
		close(r->client);
	OK(!pthread_join(thread, NULL));
}

static void save(struct run *r, struct saved *s)
{
	socklen_t len = sizeof(s->params);

	do {
		s->size = sizeof(s->data);
		EQ(quic_session_get_data(r->ctls, s->data, &s->size), 0);
		short_while();
	} while (!s->size);
	s->params.remote = 1;
	OK(!opt_get(r->client, QUIC_SOCKOPT_TRANSPORT_PARAM, &s->params, &len));
	s->params.remote = 1;
}

static void end(struct run *r)
{
	gnutls_deinit(r->ctls);
	gnutls_deinit(r->stls);
	close(r->client);
	close(r->server);
}

static uint32_t early_data(int fd)
{
	uint32_t value = 99;
	socklen_t len = sizeof(value);

	OK(!opt_get(fd, QUIC_SOCKOPT_EARLY_DATA, &value, &len));
	EQ(len, sizeof(value));
	return value;
}

/* A first connection, to have something to resume. */
static void first(struct saved *s, struct run settings)
{
	settings.client_early = settings.server_early;
	run(&settings);
	EQ(settings.client_ret, 0);
	EQ(settings.server_ret, 0);
	save(&settings, s);
	EQ(early_data(settings.client), QUIC_EARLY_DATA_NONE);
	end(&settings);
}

/* ---- tickets ------------------------------------------------------------------- */

/* socket-api.md row 12 */
TEST(ticket_option)
{
	char key[4097] = "key", got[4097];
	struct pair p = { 0 };
	socklen_t len;

	p.listener = listener(NULL);
	len = sizeof(got);
	ERR(opt_get(p.listener, QUIC_SOCKOPT_SESSION_TICKET, got, &len), EPIPE);
	ERR(opt_set(p.listener, QUIC_SOCKOPT_SESSION_TICKET, key, 63), EINVAL);
	ERR(opt_set(p.listener, QUIC_SOCKOPT_SESSION_TICKET, key, 4097), EINVAL);
	p.client = client(port_of(p.listener));
	len = sizeof(got);
	OK(!opt_get(p.client, QUIC_SOCKOPT_SESSION_TICKET, got, &len));
	EQ(len, 0);
	OK(!opt_set(p.client, QUIC_SOCKOPT_SESSION_TICKET, key, 100));
	len = 99;
	ERR(opt_get(p.client, QUIC_SOCKOPT_SESSION_TICKET, got, &len), EINVAL);
	len = sizeof(got);
	OK(!opt_get(p.client, QUIC_SOCKOPT_SESSION_TICKET, got, &len));
	EQ(len, 100);
	OK(!memcmp(got, key, 100));
	close(p.client);
	close(p.listener);
}

static void get_key(struct pair *p, char *key, socklen_t wanted)
{
	socklen_t len = 4096;

	connection(p);
	OK(!opt_get(p->server, QUIC_SOCKOPT_SESSION_TICKET, key, &len));
	EQ(len, wanted);
	disconnect(p);
}

static void set_key(int fd)
{
	char key[80] = "the program's";

	OK(!opt_set(fd, QUIC_SOCKOPT_SESSION_TICKET, key, sizeof(key)));
}

/* The kernel's key is the same for a client that comes back. */
TEST(ticket_key)
{
	struct pair p = { 0 };
	char one[4096], two[4096];

	get_key(&p, one, 64);
	get_key(&p, two, 64);
	OK(!memcmp(one, two, 64));
	OK(memcmp(one, one + 32, 32));
	p.set_listener = set_key;
	get_key(&p, two, 80);
	OK(!strcmp(two, "the program's"));
}

TEST_EACH(resumed)
{
	struct run r = { .events = 1U << QUIC_EVENT_NEW_SESSION_TICKET };
	static struct unit u;
	uint8_t ticket[4096];
	socklen_t len = sizeof(ticket);
	struct saved s;

	run(&r);
	EQ(r.client_ret, 0);
	EQ(r.server_ret, 0);
	OK(!gnutls_session_is_resumed(r.ctls));
	/* The event has the bytes that the option has. */
	OK(receive(r.client, &u, sizeof(u.data), 0) > 1);
	OK(u.msg_flags & MSG_QUIC_NOTIFICATION);
	EQ(u.data[0], QUIC_EVENT_NEW_SESSION_TICKET);
	OK(!opt_get(r.client, QUIC_SOCKOPT_SESSION_TICKET, ticket, &len));
	EQ(len, u.len - 1);
	OK(!memcmp(ticket, u.data + 1, len));
	EQ(ticket[0], 4);
	save(&r, &s);
	end(&r);

	r = (struct run){ .saved = &s };
	run(&r);
	EQ(r.client_ret, 0);
	EQ(r.server_ret, 0);
	OK(gnutls_session_is_resumed(r.ctls));
	OK(gnutls_session_is_resumed(r.stls));
	EQ(early_data(r.client), QUIC_EARLY_DATA_NONE);
	end(&r);
}

static void send_ticket(int fd, const void *data, size_t len)
{
	union {
		char buf[CMSG_SPACE(1)];
		struct cmsghdr align;
	} control = { .buf = "" };
	struct iovec iov = { .iov_base = (void *)data, .iov_len = len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1,
			      .msg_control = control.buf,
			      .msg_controllen = sizeof(control.buf) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_QUIC;
	c->cmsg_type = QUIC_HANDSHAKE_INFO;
	c->cmsg_len = CMSG_LEN(1);
	*CMSG_DATA(c) = QUIC_CRYPTO_APP;
	EQ(sendmsg(fd, &msg, 0), len);
}

/* Two messages in three packets: where one ends the next begins. */
TEST(ticket_in_pieces)
{
	/* Header, lifetime and age, nonce, ticket, no extension. */
	static uint8_t ticket[2][4 + 8 + 2 + 2 + 100 + 2], got[4096];
	struct run r = { .events = 1U << QUIC_EVENT_NEW_SESSION_TICKET,
			 .no_tickets = true };
	socklen_t len = sizeof(got);
	union quic_event ev;

	for (int i = 0; i < 2; i++) {
		memset(ticket[i], 'a' + i, sizeof(ticket[i]));
		memcpy(ticket[i], "\4\0\0", 3);
		ticket[i][3] = sizeof(ticket[i]) - 4;
		ticket[i][12] = 1;
		ticket[i][14] = 0;
		ticket[i][15] = 100;
		memset(ticket[i] + sizeof(ticket[i]) - 2, 0, 2);
	}
	run(&r);
	EQ(r.client_ret, 0);
	EQ(r.server_ret, 0);
	send_ticket(r.server, ticket, 50);
	send_ticket(r.server, (uint8_t *)ticket + 50, 71);
	send_ticket(r.server, (uint8_t *)ticket + 121, sizeof(ticket) - 121);
	wait_event(r.client, QUIC_EVENT_NEW_SESSION_TICKET, &ev);
	wait_event(r.client, QUIC_EVENT_NEW_SESSION_TICKET, &ev);
	OK(!opt_get(r.client, QUIC_SOCKOPT_SESSION_TICKET, got, &len));
	EQ(len, sizeof(ticket[1]));
	OK(!memcmp(got, ticket[1], len));
	end(&r);
}

/* ---- 0-RTT ------------------------------------------------------------------------ */

static void write_five(int fd)
{
	EQ(quic_sendmsg(fd, "early", 5, 0, NEW), 5);
}

static void expect_five(struct run *r)
{
	char buf[5];

	EQ(read_stream(r->server, 0, buf, 5, NULL), 5);
	OK(!memcmp(buf, "early", 5));
	EQ(quic_sendmsg(r->server, "reply", 5, 0, 0), 5);
	EQ(read_stream(r->client, 0, buf, 5, NULL), 5);
}

/* RFC9000-7.4.1-8 */
TEST_EACH(early_data_accepted)
{
	struct saved s;
	struct run r = { .server_early = true };

	first(&s, r);
	r = (struct run){ .saved = &s, .client_early = true,
			  .server_early = true, .write_early = write_five };
	run(&r);
	EQ(r.client_ret, 0);
	EQ(r.server_ret, 0);
	expect_five(&r);
	EQ(early_data(r.client), QUIC_EARLY_DATA_ACCEPTED);
	EQ(early_data(r.server), QUIC_EARLY_DATA_ACCEPTED);
	OK(counter("QuicRxEarlyPackets") >= 1);
	end(&r);
}

/* The requests of the interop case: 40 names of 250 bytes. */
static void write_forty(int fd)
{
	static char name[250];

	memset(name, 'n', sizeof(name));
	for (int i = 0; i < 40; i++)
		EQ(quic_sendmsg(fd, name, sizeof(name), 4 * i, NEW | FIN),
		   sizeof(name));
}

TEST(early_requests)
{
	static struct unit u;
	struct saved s;
	struct run r = { .server_early = true };
	size_t bytes = 0;

	first(&s, r);
	r = (struct run){ .saved = &s, .client_early = true,
			  .server_early = true, .write_early = write_forty };
	run(&r);
	EQ(r.client_ret, 0);
	while (bytes < 40 * 250) {
		OK(receive(r.server, &u, sizeof(u.data), 0) >= 0);
		bytes += u.len;
	}
	note("%lu 0-RTT packets", counter("QuicRxEarlyPackets"));
	/* Those of lo are large. */
	OK(counter("QuicRxEarlyPackets") >= 2);
	end(&r);
}

/* RFC9001-4.6.2-1 */
/* A server that has stopped taking early data: all of it comes in 1-RTT. */
TEST_EACH(early_data_rejected)
{
	struct saved s;
	struct run r = { .server_early = true };

	first(&s, r);
	r = (struct run){ .saved = &s, .client_early = true,
			  .write_early = write_five };
	run(&r);
	EQ(r.client_ret, 0);
	EQ(r.server_ret, 0);
	expect_five(&r);
	EQ(early_data(r.client), QUIC_EARLY_DATA_REJECTED);
	EQ(early_data(r.server), QUIC_EARLY_DATA_NONE);
	EQ(counter("QuicRxEarlyPackets"), 0);
	end(&r);
}

static void write_three(int fd)
{
	static char data[3000];

	for (int i = 0; i < 3; i++)
		EQ(quic_sendmsg(fd, data, sizeof(data), 4 * i, NEW | FIN),
		   sizeof(data));
}

#define LOW { .max_data = 2000, .max_stream_data_bidi_remote = 1500, \
	      .max_streams_bidi = 1 }

/* RFC9000-7.4.1-5 RFC9000-7.4.1-6 RFC9000-7.4.1-7 RFC9001-4.6.2-2 */
/* The limits have shrunk: the tickets from before are good for nothing, and
 * what was written waits for the new ones.
 */
TEST(rejected_for_lower_limits)
{
	static char buf[3000];
	struct saved s;
	struct run r = { .server_early = true };
	bool fin;

	first(&s, r);
	r = (struct run){ .saved = &s, .client_early = true,
			  .server_early = true, .write_early = write_three,
			  .server_params = LOW };
	run(&r);
	EQ(r.client_ret, 0);
	EQ(r.server_ret, 0);
	EQ(early_data(r.client), QUIC_EARLY_DATA_REJECTED);
	for (int i = 0; i < 3; i++) {
		EQ(read_stream(r.server, 4 * i, buf, sizeof(buf), &fin),
		   sizeof(buf));
		if (!fin)
			EQ(read_stream(r.server, 4 * i, buf, 1, &fin), 0);
		OK(fin);
		/* It makes room for the next one when it is over. */
		EQ(quic_sendmsg(r.server, "", 0, 4 * i, FIN), 0);
	}
	end(&r);
}

/* RFC 9000 section 7.4.1: a server that accepts must not grant less. */
TEST(accepted_under_lower_limits)
{
	struct saved s;
	struct run r = { .server_early = true, .careless = true };
	struct quic_connection_close info;
	socklen_t len = sizeof(info);

	first(&s, r);
	r = (struct run){ .saved = &s, .client_early = true,
			  .server_early = true, .careless = true,
			  .write_early = write_five, .server_params = LOW };
	run(&r);
	EQ(r.client_ret, -EPROTO);
	wait_closed(r.server);
	OK(!opt_get(r.server, QUIC_SOCKOPT_CONNECTION_CLOSE, &info, &len));
	EQ(info.errcode, QUIC_TRANSPORT_ERROR_PROTOCOL_VIOLATION);
	end(&r);
}

/* RFC9000-7.4.1-8 */
/* socket-api.md row 8 */
TEST(when_to_remember)
{
	struct quic_transport_param params = { .remote = 1, .max_data = 5000 };
	uint32_t accepted = QUIC_EARLY_DATA_ACCEPTED;
	struct pair p = { 0 };
	int fd = quic_socket();

	ERR(opt_set(fd, QUIC_SOCKOPT_TRANSPORT_PARAM, &params, sizeof(params)),
	    EINVAL);
	connection(&p);
	ERR(opt_set(p.client, QUIC_SOCKOPT_TRANSPORT_PARAM, &params,
		    sizeof(params)), EINVAL);
	ERR(opt_set(p.client, QUIC_SOCKOPT_EARLY_DATA, &accepted,
		    sizeof(accepted)), EINVAL);
	close(fd);
	fd = client(port_of(p.listener));
	OK(!opt_set(fd, QUIC_SOCKOPT_TRANSPORT_PARAM, &params, sizeof(params)));
	/* No stream is allowed: nothing to wait for before the handshake. */
	ERR(quic_sendmsg(fd, "x", 1, 0, NEW), EINVAL);
	close(fd);
	disconnect(&p);
}

/* RFC9000-7.4.1-2 RFC9000-7.4.1-3 RFC9000-7.4.1-4 */
/* RFC 9000 section 7.4.1: all that the client knows but what is bound to one
 * connection, for which the defaults of section 18.2 are in force.
 */
TEST(what_is_remembered)
{
	struct quic_transport_param got = { .remote = 1 }, params = {
		.remote = 1, .disable_active_migration = 1,
		.active_connection_id_limit = 5, .ack_delay_exponent = 10,
		.max_datagram_frame_size = 1300, .max_udp_payload_size = 1400,
		.max_idle_timeout = 7000000, .max_ack_delay = 90000,
		.max_streams_bidi = 6, .max_streams_uni = 8, .max_data = 5000,
		.max_stream_data_bidi_local = 1001,
		.max_stream_data_bidi_remote = 1002,
		.max_stream_data_uni = 1003,
	};
	socklen_t len = sizeof(got);
	int listening = listener(NULL), fd = client(port_of(listening));

	OK(!opt_set(fd, QUIC_SOCKOPT_TRANSPORT_PARAM, &params, sizeof(params)));
	OK(!opt_get(fd, QUIC_SOCKOPT_TRANSPORT_PARAM, &got, &len));
	EQ(got.ack_delay_exponent, 3);
	EQ(got.max_ack_delay, 25000);
	EQ(got.stateless_reset, 0);
	params.ack_delay_exponent = 3;
	params.max_ack_delay = 25000;
	OK(!memcmp(&got, &params, sizeof(got)));
	close(fd);
	close(listening);
}

/* RFC9001-5.6-1 */
/* RFC 9001 section 5.6: the session allows 0-RTT, the program has not asked. */
TEST(early_data_only_if_asked)
{
	struct saved s;
	struct run r = { .server_early = true };

	first(&s, r);
	r = (struct run){ .saved = &s, .server_early = true,
			  .write_early = write_five };
	run(&r);
	EQ(r.client_ret, 0);
	EQ(r.server_ret, 0);
	OK(gnutls_session_is_resumed(r.ctls));
	expect_five(&r);
	EQ(early_data(r.client), QUIC_EARLY_DATA_NONE);
	EQ(counter("QuicRxEarlyPackets"), 0);
	end(&r);
}
