// SPDX-License-Identifier: GPL-2.0
/*
 * quicget: fetch files over QUIC.
 *
 * Owns the options, the choice of addresses, and the loop that drives one
 * connection after another: the URLs of one server share a connection, each
 * on a stream of its own.  What a connection does is in conn.c and, by
 * protocol, in h3_get.c and hq_get.c; what becomes of a file is in fetch.c.
 */
#include <argp.h>
#include <err.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "get.h"
#include "place.h"
#include "session.h"

#define FETCHES_MAX	1000000
#define PARALLEL	100
#define TICK_MS		250
#define TIMEOUT_S	30
#define TICKET_MS	1000
/* An address that does not answer leaves time for the next one. */
#define HANDSHAKE_S	10

struct options {
	struct tls_options tls;
	const char **outputs;		/* -o, in the order of the URLs */
	size_t output_count;
	const char *dir;
	const char *connect;		/* NULL: where the URL says */
	const char *alpn;
	int family;
	const char *token;		/* file of an address token, or NULL */
	uint32_t version;		/* of QUIC; 0: the usual */
	uint32_t better_version;	/* to go on with, or 0 */
	bool json, sha256, quiet;
	unsigned int parallel, repeat, timeout;
	struct move move;
	unsigned int key_update;	/* after so many bytes, 0: not */
	const char *session;		/* file, or NULL */
	struct ask ask;
	const char **texts;		/* the URLs */
	size_t url_count;
};

struct program {
	struct options o;
	struct url *urls;
	char **paths;			/* where they go */
	struct fetch *fetches;		/* of all URLs, by server */
	size_t fetch_count;
	struct tls tls;
	struct session session;
	const char *alpns[2];
	const struct conn_ops *protocols[2];
	struct report *report;
	bool progress;
};

static volatile sig_atomic_t stop;

/* ---- options ------------------------------------------------------------- */

const char *argp_program_version = "quicget 0.1";

enum {
	OPT_ALPN = 256, OPT_CA, OPT_CONNECT, OPT_JSON, OPT_KEYLOG, OPT_CIPHERS,
	OPT_REPEAT, OPT_TIMEOUT, OPT_SHA256, OPT_VERSION, OPT_TOKEN,
	OPT_MIGRATE, OPT_SESSION, OPT_EARLY_DATA, OPT_KEY_UPDATE,
	OPT_RANGE, OPT_HEADER, OPT_IF_NONE_MATCH,
};

static const struct argp_option argp_options[] = {
	{ "output", 'o', "FILE", 0,
	  "Write to FILE ('-': stdout); the Nth -o is for the Nth URL", 0 },
	{ "output-dir", 'O', "DIR", 0,
	  "Write other files into DIR (default: the current directory)", 0 },
	{ "range", OPT_RANGE, "FIRST-LAST", 0,
	  "Fetch these bytes; FIRST- is all from there, -LENGTH the last ones",
	  0 },
	{ "continue", 'C', NULL, 0,
	  "Keep what came of a file that fails, and go on with it", 0 },
	{ "head", 'I', NULL, 0, "Fetch no files, show what is said of them", 0 },
	{ "include", 'i', NULL, 0, "Show the responses' header fields", 0 },
	{ "header", OPT_HEADER, "NAME: VALUE", 0,
	  "Send this field with each request; can be repeated", 0 },
	{ "if-none-match", OPT_IF_NONE_MATCH, "ETAG", 0,
	  "Fetch a file only if it is another than this", 0 },
	{ "alpn", OPT_ALPN, "NAME", 0, "h3 (default) or hq", 0 },
	{ "ca", OPT_CA, "FILE", 0,
	  "Trust these certificates (PEM), not the system's", 0 },
	{ "insecure", 'k', NULL, 0, "Do not verify the server", 0 },
	{ "connect", OPT_CONNECT, "ADDR:PORT", 0,
	  "Connect there, whatever the URL says", 0 },
	{ NULL, '4', NULL, 0, "IPv4 only", 0 },
	{ NULL, '6', NULL, 0, "IPv6 only", 0 },
	{ "parallel", 'j', "N", 0, "Streams at a time (default 100)", 0 },
	{ "repeat", OPT_REPEAT, "N", 0, "Fetch everything N times", 0 },
	{ "timeout", OPT_TIMEOUT, "SECONDS", 0,
	  "Give up after so much silence (default 30)", 0 },
	{ "migrate", OPT_MIGRATE, "BYTES[,ADDR:PORT]", 0,
	  "Move to this local address, or to a new port, after so many bytes", 0 },
	{ "json", OPT_JSON, NULL, 0, "Print a report as JSON", 0 },
	{ "sha256", OPT_SHA256, NULL, 0, "Compute the files' SHA-256", 0 },
	{ "session", OPT_SESSION, "FILE", 0,
	  "Resume the session in FILE, and save the new one there", 0 },
	{ "early-data", OPT_EARLY_DATA, NULL, 0,
	  "Send requests before the handshake (0-RTT); needs --session", 0 },
	{ "key-update", OPT_KEY_UPDATE, "BYTES", 0,
	  "Change keys after so many bytes received", 0 },
	{ "keylog", OPT_KEYLOG, "FILE", 0,
	  "Append TLS secrets (default $SSLKEYLOGFILE)", 0 },
	{ "ciphers", OPT_CIPHERS, "LIST", 0,
	  "aes-128-gcm, aes-256-gcm, chacha20-poly1305, aes-128-ccm", 0 },
	{ "quic-version", OPT_VERSION, "N[,M]", 0,
	  "Begin with this version of QUIC: 1, 2 or any number; rather go on with M",
	  0 },
	{ "token", OPT_TOKEN, "FILE", 0,
	  "Show the server the token in FILE, keep there the one it gives", 0 },
	{ "quiet", 'q', NULL, 0, "No progress bar, no summary", 0 },
	{}
};

static unsigned int positive(struct argp_state *state, const char *text)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (!n || *end || n > FETCHES_MAX)
		argp_error(state, "'%s' is not a number from 1 to %d", text,
			   FETCHES_MAX);
	return n;
}

static void must(struct argp_state *state, const char *text, const char *why)
{
	if (why)
		argp_error(state, "'%s': %s", text, why);
}

/* One version of a list of them, up to @stop. */
static uint32_t version_number(struct argp_state *state, const char **text,
			       char stop)
{
	char *end;
	unsigned long n = strtoul(*text, &end, 0);

	if (!n || *end != stop || n > UINT32_MAX)
		argp_error(state, "'%s' is not a version", *text);
	*text = end + 1;
	return n == 2 ? QUIC_VERSION_V2 : n;
}

static void versions(struct argp_state *state, struct options *o,
		     const char *text)
{
	bool two = strchr(text, ',');

	o->version = version_number(state, &text, two ? ',' : '\0');
	o->better_version = two ? version_number(state, &text, '\0') : 0;
}

static void append(const char ***list, size_t *n, const char *text)
{
	*list = reallocarray(*list, *n + 1, sizeof(**list));
	if (!*list)
		err(GET_USAGE, NULL);
	(*list)[(*n)++] = text;
}

static void check_options(struct options *o, struct argp_state *state)
{
	if (!o->url_count)
		argp_error(state, "which URL?");
	if (o->tls.early_data && !o->session)
		argp_error(state, "--early-data needs --session");
	if (strcmp(o->alpn, "h3") && !ask_is_plain(&o->ask))
		argp_error(state, "that needs HTTP/3");
	if (o->ask.resume && (o->ask.range[0] || o->ask.head || o->repeat > 1))
		argp_error(state, "--continue is not for --range, --head or --repeat");
	if (o->json && o->ask.include)
		argp_error(state, "--json needs stdout for itself");
	if (o->output_count > o->url_count)
		argp_error(state, "more -o than URLs");
	for (size_t i = 0; i < o->output_count; i++) {
		if (strcmp(o->outputs[i], "-"))
			continue;
		if (o->json)
			argp_error(state, "--json needs stdout for itself");
		o->parallel = 1;	/* files must not mingle */
	}
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;

	switch (key) {
	case 'o':
		append(&o->outputs, &o->output_count, arg);
		return 0;
	case 'O':
		o->dir = arg;
		return 0;
	case OPT_ALPN:
		o->alpn = !strcmp(arg, "hq") ? "hq-interop" : arg;
		if (strcmp(o->alpn, "h3") && strcmp(o->alpn, "hq-interop"))
			argp_error(state, "'%s' is neither h3 nor hq", arg);
		return 0;
	case OPT_CA:
		o->tls.ca = arg;
		return 0;
	case 'k':
		o->tls.insecure = true;
		return 0;
	case OPT_CONNECT:
		o->connect = arg;
		return 0;
	case '4':
		o->family = AF_INET;
		return 0;
	case '6':
		o->family = AF_INET6;
		return 0;
	case 'j':
		o->parallel = positive(state, arg);
		return 0;
	case OPT_REPEAT:
		o->repeat = positive(state, arg);
		return 0;
	case OPT_TIMEOUT:
		o->timeout = positive(state, arg);
		return 0;
	case OPT_MIGRATE:
		must(state, arg, move_parse(&o->move, arg));
		return 0;
	case OPT_JSON:
		o->json = true;
		return 0;
	case OPT_RANGE:
		must(state, arg, ask_range(&o->ask, arg));
		return 0;
	case 'C':
		o->ask.resume = true;
		return 0;
	case 'I':
		o->ask.head = true;
		o->ask.include = true;
		return 0;
	case 'i':
		o->ask.include = true;
		return 0;
	case OPT_HEADER:
		must(state, arg, ask_field(&o->ask, arg));
		return 0;
	case OPT_IF_NONE_MATCH:
		must(state, arg, ask_if_none_match(&o->ask, arg));
		return 0;
	case OPT_SHA256:
		o->sha256 = true;
		return 0;
	case OPT_SESSION:
		o->session = arg;
		return 0;
	case OPT_EARLY_DATA:
		o->tls.early_data = true;
		return 0;
	case OPT_KEY_UPDATE:
		o->key_update = strtoul(arg, NULL, 10);
		if (!o->key_update)
			argp_error(state, "'%s' is not a number of bytes", arg);
		return 0;
	case OPT_KEYLOG:
		o->tls.keylog = arg;
		return 0;
	case OPT_CIPHERS:
		o->tls.ciphers = arg;
		return 0;
	case OPT_VERSION:
		versions(state, o, arg);
		return 0;
	case OPT_TOKEN:
		o->token = arg;
		return 0;
	case 'q':
		o->quiet = true;
		return 0;
	case ARGP_KEY_ARG:
		append(&o->texts, &o->url_count, arg);
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
	.args_doc = "URL...",
	.doc = "Fetch files over HTTP/3 or hq-interop, on QUIC in the kernel.",
};

/* ---- what to fetch ------------------------------------------------------- */

static void add_fetches(struct program *p, size_t i)
{
	for (unsigned int n = 0; n < p->o.repeat; n++)
		p->fetches[p->fetch_count++] = (struct fetch){
			.url = &p->urls[i], .path = p->paths[i],
			.digest = p->o.sha256, .ask = &p->o.ask,
			.part = { -1, -1, -1 },
			.id = -1, .fd = -1, .expected = -1,
		};
}

static void parse_urls(struct program *p)
{
	const struct options *o = &p->o;

	for (size_t i = 0; i < o->url_count; i++) {
		struct url *url = &p->urls[i];
		const char *why = url_parse(url, o->texts[i]);
		int n;

		if (why)
			errx(GET_USAGE, "%s: %s", o->texts[i], why);
		if (i < o->output_count)
			n = asprintf(&p->paths[i], "%s", o->outputs[i]);
		else
			n = asprintf(&p->paths[i], "%s/%s",
				     o->dir ? o->dir : ".", url->name);
		if (n < 0)
			err(GET_USAGE, NULL);
	}
}

/* The URLs of one server stand together, in the order they were given. */
static void plan(struct program *p)
{
	const struct options *o = &p->o;
	bool *planned = calloc(o->url_count, sizeof(*planned));

	if (o->url_count > FETCHES_MAX / o->repeat)
		errx(GET_USAGE, "more than %d files to fetch", FETCHES_MAX);
	p->urls = calloc(o->url_count, sizeof(*p->urls));
	p->fetches = calloc(o->url_count * o->repeat, sizeof(*p->fetches));
	p->paths = calloc(o->url_count, sizeof(*p->paths));
	if (!planned || !p->urls || !p->fetches || !p->paths)
		err(GET_USAGE, NULL);
	parse_urls(p);
	for (size_t i = 0; i < o->url_count; i++) {
		for (size_t j = i; j < o->url_count; j++) {
			if (planned[j] || !url_same_authority(&p->urls[i],
							      &p->urls[j]))
				continue;
			planned[j] = true;
			add_fetches(p, j);
		}
	}
	free(planned);
}

static struct addrinfo *resolve(struct program *p, const struct url *url,
				char *why, size_t size)
{
	struct addrinfo hints = {
		.ai_family = p->o.family,
		.ai_socktype = SOCK_DGRAM,
		.ai_flags = AI_ADDRCONFIG,
	};
	const char *host = url->host, *port = url->port;
	struct addrinfo *list;
	struct url there;
	int error;

	if (p->o.connect) {
		const char *wrong = url_parse(&there, p->o.connect);

		if (wrong)
			errx(GET_USAGE, "%s: %s", p->o.connect, wrong);
		host = there.host;
		port = there.port;
	}
	error = getaddrinfo(host, port, &hints, &list);
	if (error == EAI_NONAME || error == EAI_ADDRFAMILY) {
		/* Loopback is no configured address. */
		hints.ai_flags = 0;
		error = getaddrinfo(host, port, &hints, &list);
	}
	if (!error)
		return list;
	snprintf(why, size, "cannot resolve the host: %s", gai_strerror(error));
	return NULL;
}

/* ---- one connection ------------------------------------------------------ */

static void watch_time(struct program *p, struct conn *c)
{
	uint64_t now = clock_us();
	unsigned int limit = p->o.timeout;

	if (!limit)	/* the user did not say */
		limit = c->state == CONN_HANDSHAKE ? HANDSHAKE_S : TIMEOUT_S;
	if (c->state == CONN_HANDSHAKE) {
		if (now - c->began > limit * 1000000ULL)
			conn_fail(c, CONN_END_TIMEOUT, 0,
				  "no answer in %u seconds", limit);
	} else if (c->state == CONN_OPEN &&
		   now - c->heard > limit * 1000000ULL) {
		conn_fail(c, CONN_END_TIMEOUT, 0,
			  "nothing came for %u seconds", limit);
	}
}

/* Move if it is time to; the kernel validates the path before it uses it. */
static void move(struct conn *c, const struct job *job, struct move *m)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < job->count; i++)
		bytes += job->fetches[i].bytes;
	if (c->state != CONN_OPEN || bytes < m->after)
		return;
	if (!move_begin(c->fd, m))
		m->wanted = false;
	else if (errno != EAGAIN)	/* not confirmed yet: soon */
		conn_fail(c, CONN_END_ERROR, 0, "cannot move: %s",
			  strerror(errno));
}

/* Until the connection is gone or its job done. */
static void drive(struct program *p, struct conn *c, struct job *job)
{
	struct move m = p->o.move;
	uint64_t tick = clock_us();

	if (c->state == CONN_OPEN)
		conn_ready(c, POLLOUT);	/* the first requests */
	while (c->state != CONN_CLOSED && job->left && !stop &&
	       !(job->closing && !job->running)) {
		struct pollfd pfd = { .fd = c->fd, .events = conn_events(c) };
		int n = poll(&pfd, 1, TICK_MS);

		if (n > 0)
			conn_ready(c, pfd.revents);
		if (m.wanted)
			move(c, job, &m);
		if (clock_us() - tick > TICK_MS * 1000) {
			tick = clock_us();
			watch_time(p, c);
			conn_retry(c);
		}
		if (p->progress && c->state == CONN_OPEN)
			progress_show(job, false);
	}
	if (p->progress && c->opened)
		progress_show(job, true);
}

static enum get_exit exit_of(const struct conn *c)
{
	switch (c->end) {
	case CONN_END_REFUSED:
		return GET_REFUSED;
	case CONN_END_TIMEOUT:
		return GET_TIMEOUT;
	case CONN_END_TLS:
		return GET_TLS;
	case CONN_END_MODULE:
		return GET_MODULE;
	default:
		return GET_BROKEN;
	}
}

static void summarize(const struct conn *c, const struct job *job,
		      const char *address)
{
	uint64_t bytes = 0;
	double seconds = (clock_us() - c->opened) / 1e6;

	for (size_t i = 0; i < job->count; i++)
		bytes += job->fetches[i].bytes;
	fprintf(stderr,
		"quicget: %s, %s, %s: handshake %.1f ms, %ju bytes in %.3f s\n",
		address, c->alpn, c->cipher, (c->opened - c->began) / 1e3,
		(uintmax_t)bytes, seconds);
}

/* ---- sessions ------------------------------------------------------------ */

/* Is the session in the file one with this server?  Who resumes is not asked for a
 * certificate: it must have been verified then, unless nobody cares now.
 */
static void choose_session(struct program *p, const char *host)
{
	const char *why;

	if (!p->o.session)
		return;
	why = session_load(&p->session, p->o.session);
	if (why)
		errx(GET_USAGE, "%s: %s", p->o.session, why);
	p->tls.resume = p->session.size && !strcmp(p->session.host, host) &&
			!strcmp(p->session.alpn, p->o.alpn) &&
			(!p->session.insecure || p->o.tls.insecure) ?
			&p->session : NULL;
}

/* The ticket comes soon after the handshake, if at all. */
static void keep_session(struct program *p, struct conn *c, const char *host)
{
	static struct session s;
	uint64_t end = clock_us() + TICKET_MS * 1000;
	const char *why;

	if (c->state != CONN_OPEN || !c->session)
		return;
	do {
		session_take(&s, c->session, c->fd);
		if (!s.size)
			usleep(5000);
	} while (!s.size && clock_us() < end);
	if (!s.size) {
		warnx("the server gave no ticket");
		return;
	}
	snprintf(s.host, sizeof(s.host), "%s", host);
	snprintf(s.alpn, sizeof(s.alpn), "%s", c->alpn);
	s.insecure = p->o.tls.insecure;
	why = session_save(&s, p->o.session);
	if (why)
		warnx("%s: %s", p->o.session, why);
}

enum next { NEXT_NONE, NEXT_ADDRESS, NEXT_SAME };

/* What is worth a try after this connection?  If nothing, the job is over. */
static enum next what_next(struct job *job, const struct conn *c, bool last)
{
	if (stop) {
		job_fail(job, GET_BROKEN, "interrupted");
		return NEXT_NONE;
	}
	if (!last && !c->opened && (c->end == CONN_END_REFUSED ||
				    c->end == CONN_END_TIMEOUT)) {
		job_restart(job);
		return NEXT_ADDRESS;
	}
	if (!job->closing)
		job_fail(job, exit_of(c), c->why);
	else if (job_again(job, exit_of(c), c->why))
		return NEXT_SAME;
	else
		job_fail(job, GET_BROKEN, "the server is shutting down");
	return NEXT_NONE;
}

static enum next try_address(struct program *p, struct job *job,
			     const struct addrinfo *ai, bool last)
{
	const struct url *url = job->fetches[0].url;
	struct conn c = {
		.fd = -1, .protocols = p->protocols, .owner = job,
		.want_version = p->o.version,
		.better_version = p->o.better_version,
		.token_file = p->o.token,
		.keep_session = p->o.session,
		.update_keys = p->o.key_update,
	};
	char host[128] = "?", port[8] = "?", address[160];
	enum next next;

	getnameinfo(ai->ai_addr, ai->ai_addrlen, host, sizeof(host), port,
		    sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV);
	snprintf(address, sizeof(address),
		 strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, port);
	if (p->report)
		report_begin(p->report);
	choose_session(p, url->host);
	conn_connect(&c, &p->tls, ai->ai_addr, ai->ai_addrlen, url->host);
	drive(p, &c, job);

	next = what_next(job, &c, last);
	if (p->report)
		report_connection(p->report, &c, url->authority, address);
	if (c.opened && !p->o.quiet && !p->o.json)
		summarize(&c, job, address);
	keep_session(p, &c, url->host);
	conn_finish(&c);
	if (!contact_end(&c))
		warn("%s", c.token_file);
	conn_release(&c);
	return next;
}

static void run_job(struct program *p, struct job *job)
{
	char why[160];
	struct addrinfo *list, *ai;
	enum next next = NEXT_ADDRESS;

	TAILQ_INIT(&job->active);
	list = resolve(p, job->fetches[0].url, why, sizeof(why));
	if (!list) {
		job_fail(job, GET_RESOLVE, why);
		return;
	}
	for (ai = list; ai && next; ai = next == NEXT_SAME ? ai : ai->ai_next)
		next = try_address(p, job, ai, !ai->ai_next);
	freeaddrinfo(list);
}

/* ---- the program --------------------------------------------------------- */

static void on_signal(int sig)
{
	stop = sig;
}

static void run_all(struct program *p)
{
	size_t n;

	for (size_t i = 0; i < p->fetch_count; i += n) {
		struct job job = {
			.fetches = p->fetches + i,
			.parallel = p->o.parallel,
		};

		for (n = 1; i + n < p->fetch_count; n++)
			if (!url_same_authority(p->fetches[i].url,
						p->fetches[i + n].url))
				break;
		job.count = n;
		job.left = n;
		run_job(p, &job);
	}
}

/* Say what failed, once per reason and file; the first failure is the exit
 * status.
 */
static enum get_exit conclude(struct program *p)
{
	enum get_exit code = GET_OK;
	const char *said = "";

	for (size_t i = 0; i < p->fetch_count; i++) {
		const struct fetch *f = &p->fetches[i];

		if (p->report)
			report_fetch(p->report, f);
		if (f->state != FETCH_FAILED)
			continue;
		if (!code)
			code = f->exit;
		if (f->exit == GET_STATUS || f->exit == GET_WRITE)
			warnx("https://%s%s: %s", f->url->authority,
			      f->url->path, f->why);
		else if (strcmp(said, f->why))
			warnx("%s: %s", f->url->authority, f->why);
		said = f->why;
	}
	return code;
}

static void free_all(struct program *p)
{
	for (size_t i = 0; i < p->o.url_count; i++)
		free(p->paths[i]);
	free(p->paths);
	free(p->urls);
	free(p->fetches);
	ask_free(&p->o.ask);
	free(p->o.texts);
	free(p->o.outputs);
}

int main(int argc, char **argv)
{
	struct program p = { .o = {
		.alpn = "h3", .parallel = PARALLEL, .repeat = 1,
		.family = AF_UNSPEC,
	} };
	struct sigaction stopper = { .sa_handler = on_signal };
	enum get_exit code;
	const char *why;

	argp_err_exit_status = GET_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, &p.o);
	plan(&p);
	p.alpns[0] = p.o.alpn;
	p.protocols[0] = strcmp(p.o.alpn, "h3") ? &hq_get_ops : &h3_get_ops;
	why = tls_client_init(&p.tls, &p.o.tls, p.alpns);
	if (why)
		errx(GET_USAGE, "%s", why);
	sigaction(SIGINT, &stopper, NULL);
	sigaction(SIGTERM, &stopper, NULL);
	signal(SIGPIPE, SIG_IGN);
	p.progress = !p.o.quiet && !p.o.json && isatty(STDERR_FILENO);
	if (p.o.json)
		p.report = report_new();

	run_all(&p);

	code = conclude(&p);
	if (p.report)
		report_print(p.report, stdout, code == GET_OK);
	tls_free(&p.tls);
	free_all(&p);
	if (stop) {
		signal(stop, SIG_DFL);
		raise(stop);
	}
	return code;
}
