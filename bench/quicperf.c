// SPDX-License-Identifier: GPL-2.0
/*
 * quicperf: what bytes, requests and handshakes cost over TCP, kernel TLS and
 * kernel QUIC.
 *
 * Owns the options.  The same program, buffers, certificate and cipher for
 * every transport, so that what differs is the transport.
 */
#include <argp.h>
#include <err.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "perf.h"

#define PORT		"4433"
#define WRITE_SIZE	(64 << 10)
#define WRITE_SIZE_MAX	(16 << 20)
#define WINDOW		(UINT64_C(16) << 20)
#define CIPHER		"aes-128-gcm"
#define THREADS_MAX	256
#define CONNECTIONS_MAX	(1 << 20)
#define FILES		64		/* open, beside connections */

const char *argp_program_version = "quicperf 0.1";

enum {
	OPT_CERT = 256, OPT_KEY, OPT_CA, OPT_CIPHER, OPT_WINDOW, OPT_NO_PAD,
	OPT_SENDFILE, OPT_UNTIL_EOF, OPT_TICKETS, OPT_REPEAT, OPT_RATE,
	OPT_DURATION, OPT_RESUME, OPT_HISTOGRAM, OPT_THREADS,
};

static const struct argp_option argp_options[] = {
	{ "transport", 't', "NAME", 0, "tcp, ktls or quic (default)", 0 },
	{ "port", 'p', "PORT", 0, "Default " PORT, 0 },
	{ "cipher", OPT_CIPHER, "NAME", 0,
	  "aes-128-gcm (default), aes-256-gcm or chacha20-poly1305", 0 },
	{ "threads", OPT_THREADS, "N", 0,
	  "Share connections among N threads (default 1)", 0 },
	{ "write-size", 'w', "SIZE", 0,
	  "Bytes per call, sending and receiving (default 64K)", 0 },
	{ "sendfile", OPT_SENDFILE, NULL, 0, "Send out of a file", 0 },
	{ "window", OPT_WINDOW, "SIZE", 0,
	  "QUIC: flow control window (default 16M)", 0 },
	{ "no-pad", OPT_NO_PAD, NULL, 0,
	  "kTLS: decrypt into the reader's buffer (TLS_RX_EXPECT_NO_PAD)", 0 },
	{ "until-eof", OPT_UNTIL_EOF, NULL, 0,
	  "Server: serve, client: keep connections open, until standard input "
	  "ends", 0 },
	{ NULL, 0, NULL, 0, "Client:", 1 },
	{ "connections", 'c', "N", 0, "At the same time (default 1)", 1 },
	{ "streams", 's', "N", 0,
	  "Exchanges at the same time on each connection (default 1)", 1 },
	{ "exchanges", 'n', "N", 0,
	  "Exchanges on each of these, one after the other (default 1)", 1 },
	{ "up", 'u', "SIZE", 0,
	  "Bytes of a request (default: its head alone)", 1 },
	{ "down", 'd', "SIZE", 0, "Bytes of an answer (default 0)", 1 },
	{ "repeat", OPT_REPEAT, "N", 0,
	  "Connections one after the other (default 1)", 1 },
	{ "rate", OPT_RATE, "N", 0, "Begin at most N connections a second", 1 },
	{ "duration", OPT_DURATION, "SECONDS", 0,
	  "Stop then; without --exchanges or --repeat there is no other end", 1 },
	{ "resume", OPT_RESUME, NULL, 0,
	  "Resume the session of a first connection, which does not count", 1 },
	{ "histogram", OPT_HISTOGRAM, NULL, 0,
	  "Report how often each latency occurred", 1 },
	{ "ca", OPT_CA, "FILE", 0, "Trust these certificates (PEM)", 1 },
	{ NULL, 0, NULL, 0, "Server:", 2 },
	{ "cert", OPT_CERT, "FILE", 0, "Certificate (PEM)", 2 },
	{ "key", OPT_KEY, "FILE", 0, "Its private key (PEM)", 2 },
	{ "tickets", OPT_TICKETS, NULL, 0, "Give session tickets", 2 },
	{}
};

static uint64_t parse_size(struct argp_state *state, const char *text)
{
	static const char units[] = "KMG";
	unsigned long long n;
	const char *unit;
	char *end;

	n = strtoull(text, &end, 10);
	unit = *end ? strchr(units, *end) : NULL;
	if (unit) {
		n <<= 10 * (unit - units + 1);
		end++;
	}
	if (end == text || *end || *text == '-')
		argp_error(state, "'%s' is not a size", text);
	return n;
}

static uint64_t parse_count(struct argp_state *state, const char *text,
			    uint64_t min, uint64_t max)
{
	char *end;
	unsigned long long n = strtoull(text, &end, 10);

	if (end == text || *end || *text == '-' || n < min || n > max)
		argp_error(state, "'%s' is not a number from %llu to %llu", text,
			   (unsigned long long)min, (unsigned long long)max);
	return n;
}

static double parse_real(struct argp_state *state, const char *text)
{
	char *end;
	double x = strtod(text, &end);

	if (end == text || *end || !(x > 0))
		argp_error(state, "'%s' is not a positive number", text);
	return x;
}

static const struct transport *parse_transport(struct argp_state *state,
					       const char *name)
{
	static const struct transport *const all[] = {
		&transport_tcp, &transport_ktls, &transport_quic,
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		if (!strcmp(name, all[i]->name))
			return all[i];
	argp_error(state, "'%s' is no transport: tcp, ktls or quic", name);
	return NULL;
}

static const struct cipher *parse_cipher(struct argp_state *state,
					 const char *name)
{
	const struct cipher *cipher = tls_find_cipher(name);

	if (!cipher)
		argp_error(state, "'%s' is no cipher of quicperf", name);
	return cipher;
}

static void argument(struct options *o, struct argp_state *state, char *arg)
{
	if (state->arg_num == 0) {
		o->server = !strcmp(arg, "server");
		if (!o->server && strcmp(arg, "client"))
			argp_error(state, "'%s' is neither server nor client",
				   arg);
	} else if (state->arg_num == 1) {
		o->host = arg;
	} else {
		argp_usage(state);
	}
}

/* What was not given: without a limit if there is a duration. */
static void fill_in(struct options *o)
{
	uint64_t limit = o->duration ? UINT32_MAX : 1;

	if (!o->repeat && o->exchanges == UINT64_MAX)
		o->exchanges = limit;
	else if (o->exchanges == UINT64_MAX)
		o->exchanges = 1;
	else if (!o->repeat && o->duration && !o->exchanges)
		o->repeat = limit;
	o->repeat = o->repeat ?: 1;
}

static void check_options(struct options *o, struct argp_state *state)
{
	if (state->arg_num < 1 || (!o->server && !o->host))
		argp_usage(state);
	if (!o->write_size || o->write_size > WRITE_SIZE_MAX)
		argp_error(state, "--write-size must be 1 to 16M");
	if (!o->transport->has_streams && o->streams > 1)
		argp_error(state, "%s has one stream", o->transport->name);
	if (o->resume && !o->transport->has_tls)
		argp_error(state, "%s has no sessions", o->transport->name);
	if (!o->server && o->threads > o->connections)
		argp_error(state, "more threads than connections");
	fill_in(o);
	if (!o->transport->has_tls)
		return;
	if (o->server && (!o->cert || !o->key))
		argp_error(state, "%s needs --cert and --key",
			   o->transport->name);
	if (!o->server && !o->ca)
		argp_error(state, "%s needs --ca", o->transport->name);
}

static bool parse_client_option(struct options *o, int key, char *arg,
				struct argp_state *state)
{
	switch (key) {
	case 'c':
		o->connections = parse_count(state, arg, 1, CONNECTIONS_MAX);
		return true;
	case 's':
		o->streams = parse_count(state, arg, 1, STREAMS_MAX);
		return true;
	case 'n':
		o->exchanges = parse_count(state, arg, 0, UINT32_MAX);
		return true;
	case 'u':
		o->up = parse_size(state, arg);
		return true;
	case 'd':
		o->down = parse_size(state, arg);
		return true;
	case OPT_REPEAT:
		o->repeat = parse_count(state, arg, 1, UINT32_MAX);
		return true;
	case OPT_RATE:
		o->rate = parse_real(state, arg);
		return true;
	case OPT_DURATION:
		o->duration = parse_real(state, arg);
		return true;
	case OPT_RESUME:
		o->resume = true;
		return true;
	case OPT_HISTOGRAM:
		o->histogram = true;
		return true;
	case OPT_CA:
		o->ca = arg;
		return true;
	default:
		return false;
	}
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;

	switch (key) {
	case 't':
		o->transport = parse_transport(state, arg);
		return 0;
	case 'p':
		o->port = arg;
		return 0;
	case 'w':
		o->write_size = parse_size(state, arg);
		return 0;
	case OPT_CIPHER:
		o->cipher = parse_cipher(state, arg);
		return 0;
	case OPT_THREADS:
		o->threads = parse_count(state, arg, 1, THREADS_MAX);
		return 0;
	case OPT_SENDFILE:
		o->sendfile = true;
		return 0;
	case OPT_WINDOW:
		o->window = parse_size(state, arg);
		return 0;
	case OPT_NO_PAD:
		o->no_pad = true;
		return 0;
	case OPT_UNTIL_EOF:
		o->until_eof = true;
		return 0;
	case OPT_CERT:
		o->cert = arg;
		return 0;
	case OPT_KEY:
		o->key = arg;
		return 0;
	case OPT_TICKETS:
		o->tickets = true;
		return 0;
	case ARGP_KEY_ARG:
		argument(o, state, arg);
		return 0;
	case ARGP_KEY_END:
		check_options(o, state);
		return 0;
	default:
		return parse_client_option(o, key, arg, state) ?
		       0 : ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = argp_options,
	.parser = parse_option,
	.args_doc = "server [ADDRESS]\nclient HOST",
	.doc = "Transfers, requests and handshakes over TCP, kernel TLS or "
	       "kernel QUIC; what they take as JSON.",
};

/* A connection is an open file; a server does not know how many will come. */
static void allow_files(const struct options *o)
{
	rlim_t want = o->server ? CONNECTIONS_MAX : o->connections + FILES;
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_max < want) {
		const struct rlimit more = { want, want };

		if (!setrlimit(RLIMIT_NOFILE, &more))
			return;
		if (!o->server)
			err(1, "so many connections");
	}
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit))
		err(1, "open files");
}

int main(int argc, char **argv)
{
	struct options o = {
		.transport = &transport_quic, .cipher = tls_find_cipher(CIPHER),
		.port = PORT, .threads = 1, .write_size = WRITE_SIZE,
		.window = WINDOW, .connections = 1, .streams = 1,
		.exchanges = UINT64_MAX,
	};
	struct tls tls;

	argp_parse(&argp, argc, argv, 0, NULL, &o);
	signal(SIGPIPE, SIG_IGN);
	allow_files(&o);
	if (o.transport->has_tls)
		tls_init(&tls, &o);
	if (o.server)
		server_run(&o, &tls);
	else
		client_run(&o, &tls);
	return 0;
}
