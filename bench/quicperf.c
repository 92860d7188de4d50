// SPDX-License-Identifier: GPL-2.0
/*
 * quicperf: what a byte costs over TCP, kernel TLS and kernel QUIC.
 *
 * Owns the options.  The same program, buffers, certificate and cipher for
 * every transport, so that what differs is the transport.
 */
#include <argp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "perf.h"

#define PORT		"4433"
#define BYTES		(UINT64_C(64) << 20)
#define WRITE_SIZE	(64 << 10)
#define WRITE_SIZE_MAX	(16 << 20)
#define WINDOW		(UINT64_C(16) << 20)

const char *argp_program_version = "quicperf 0.1";

enum {
	OPT_CERT = 256, OPT_KEY, OPT_CA, OPT_ONCE, OPT_WINDOW, OPT_REPEAT, OPT_NO_PAD,
};

static const struct argp_option argp_options[] = {
	{ "transport", 't', "NAME", 0, "tcp, ktls or quic (default)", 0 },
	{ "port", 'p', "PORT", 0, "Default " PORT, 0 },
	{ "write-size", 'w', "SIZE", 0,
	  "Bytes per call, sending and receiving (default 64K)", 0 },
	{ "window", OPT_WINDOW, "SIZE", 0,
	  "QUIC: flow control window (default 16M)", 0 },
	{ "no-pad", OPT_NO_PAD, NULL, 0,
	  "kTLS: decrypt into the reader's buffer (TLS_RX_EXPECT_NO_PAD)", 0 },
	{ NULL, 0, NULL, 0, "Client:", 1 },
	{ "bytes", 'n', "SIZE", 0, "How many (default 64M)", 1 },
	{ "direction", 'd', "DIR", 0,
	  "up: client to server; down (default): server to client", 1 },
	{ "repeat", OPT_REPEAT, "N", 0, "N connections, one after another", 1 },
	{ "ca", OPT_CA, "FILE", 0, "Trust these certificates (PEM)", 1 },
	{ NULL, 0, NULL, 0, "Server:", 2 },
	{ "cert", OPT_CERT, "FILE", 0, "Certificate (PEM)", 2 },
	{ "key", OPT_KEY, "FILE", 0, "Its private key (PEM)", 2 },
	{ "once", OPT_ONCE, NULL, 0, "Leave after one connection", 2 },
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

static const struct transport *find_transport(struct argp_state *state,
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

static enum direction parse_direction(struct argp_state *state, const char *name)
{
	if (strcmp(name, "up") && strcmp(name, "down"))
		argp_error(state, "'%s' is neither up nor down", name);
	return strcmp(name, "up") ? DOWN : UP;
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

static void check_options(const struct options *o, struct argp_state *state)
{
	if (state->arg_num < 1 || (!o->server && !o->host))
		argp_usage(state);
	if (!o->write_size || o->write_size > WRITE_SIZE_MAX)
		argp_error(state, "--write-size must be 1 to 16M");
	if (o->transport == &transport_tcp)
		return;
	if (o->server && (!o->cert || !o->key))
		argp_error(state, "%s needs --cert and --key",
			   o->transport->name);
	if (!o->server && !o->ca)
		argp_error(state, "%s needs --ca", o->transport->name);
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;

	switch (key) {
	case 't':
		o->transport = find_transport(state, arg);
		return 0;
	case 'p':
		o->port = arg;
		return 0;
	case 'w':
		o->write_size = parse_size(state, arg);
		return 0;
	case 'n':
		o->bytes = parse_size(state, arg);
		return 0;
	case 'd':
		o->direction = parse_direction(state, arg);
		return 0;
	case OPT_WINDOW:
		o->window = parse_size(state, arg);
		return 0;
	case OPT_REPEAT:
		o->repeat = parse_size(state, arg);
		return 0;
	case OPT_CA:
		o->ca = arg;
		return 0;
	case OPT_CERT:
		o->cert = arg;
		return 0;
	case OPT_KEY:
		o->key = arg;
		return 0;
	case OPT_NO_PAD:
		o->no_pad = true;
		return 0;
	case OPT_ONCE:
		o->once = true;
		return 0;
	case ARGP_KEY_ARG:
		argument(o, state, arg);
		return 0;
	case ARGP_KEY_END:
		check_options(o, state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = argp_options,
	.parser = parse_option,
	.args_doc = "server [ADDRESS]\nclient HOST",
	.doc = "Bulk transfer over TCP, kernel TLS or kernel QUIC; the time it "
	       "takes as JSON.",
};

int main(int argc, char **argv)
{
	struct options o = {
		.transport = &transport_quic, .port = PORT, .direction = DOWN,
		.bytes = BYTES, .write_size = WRITE_SIZE, .window = WINDOW,
		.repeat = 1,
	};

	argp_parse(&argp, argc, argv, 0, NULL, &o);
	signal(SIGPIPE, SIG_IGN);
	if (o.server) {
		transfer_serve(&o);
		return 0;
	}
	for (unsigned int i = 0; i < o.repeat; i++) {
		const struct result r = transfer_run(&o);

		report_result(&o, &r);
	}
	return 0;
}
