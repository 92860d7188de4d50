// SPDX-License-Identifier: GPL-2.0
/*
 * quicserve: serve the files of a directory over QUIC.
 *
 * Owns the options, the listening sockets (one per address, with --per-cpu for
 * each thread) and the signals: the main thread does
 * nothing but wait for these.  Connections are the workers' (worker.c).
 */
#include <argp.h>
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netdb.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "array.h"
#include "place.h"
#include "worker.h"

#define BACKLOG		1024
#define CLIENTS_MAX	4096	/* default of --max-connections */
#define THREADS_MAX	256
#define GRACE_S		10	/* default of --grace */
#define TIMEOUT_S	60	/* default of --timeout */
#define MIME_TYPES	"/etc/mime.types"

struct options {
	const char *dir;
	const char *port;
	const char *addresses[LISTENERS_MAX];
	unsigned int address_count;
	const char *json, *access;
	const char *cc, *connid;
	char alpn[128];
	unsigned int max_clients, threads, grace, timeout;
	bool verbose;
	bool once;
	bool listings;
	bool reuseport, per_cpu;
	const char *mime;
	struct sockaddr_storage preferred[2];
	struct quic_config config;
	struct tls_options tls;
};

static const struct conn_ops *const known[] = { &h3_serve_ops, &hq_serve_ops };

/* ---- options ------------------------------------------------------------- */

const char *argp_program_version = "quicserve 0.1";

enum {
	OPT_CERT = 256, OPT_KEY, OPT_ALPN, OPT_JSON, OPT_CC, OPT_CONNID, OPT_KEYLOG,
	OPT_CIPHERS, OPT_MAX, OPT_MIME, OPT_ACCESS, OPT_GRACE, OPT_TIMEOUT,
	OPT_RETRY, OPT_VERSION, OPT_PREFERRED, OPT_EARLY_DATA,
	OPT_REUSEPORT, OPT_PER_CPU,
};

static const struct argp_option argp_options[] = {
	{ "port", 'p', "PORT", 0, "Listen on this port (default 4433)", 0 },
	{ "address", 'a', "ADDR", 0,
	  "Listen on this address, may be repeated (default: all)", 0 },
	{ "cert", OPT_CERT, "FILE", 0, "Certificate chain (PEM)", 0 },
	{ "key", OPT_KEY, "FILE", 0,
	  "Private key (PEM).  Without --cert and --key a self-signed certificate is made", 0 },
	{ "alpn", OPT_ALPN, "LIST", 0,
	  "Protocols, best first (default h3,hq-interop)", 0 },
	{ "ciphers", OPT_CIPHERS, "LIST", 0,
	  "aes-128-gcm, aes-256-gcm, chacha20-poly1305, aes-128-ccm", 0 },
	{ "cc", OPT_CC, "NAME", 0, "Congestion control by name, as cubic or reno", 0 },
	{ "connid", OPT_CONNID, "NAME", 0,
	  "BPF program that makes the connection IDs, by name", 0 },
	{ "early-data", OPT_EARLY_DATA, NULL, 0,
	  "Take requests of clients that resume before the handshake (0-RTT)", 0 },
	{ "keylog", OPT_KEYLOG, "FILE", 0,
	  "Append TLS secrets (default $SSLKEYLOGFILE)", 0 },
	{ "listings", 'l', NULL, 0,
	  "List directories that have no index.html", 0 },
	{ "mime-types", OPT_MIME, "FILE", 0,
	  "Media types by suffix (default /etc/mime.types)", 0 },
	{ "json-log", OPT_JSON, "FILE", 0,
	  "Write a JSON object per event ('-': stdout)", 0 },
	{ "access-log", OPT_ACCESS, "FILE", 0,
	  "Write a line per request in combined format ('-': stdout)", 0 },
	{ "threads", 't', "N", 0, "Threads (default: one per CPU)", 0 },
	{ "grace", OPT_GRACE, "SECONDS", 0,
	  "Time for requests under way after SIGTERM (default 10)", 0 },
	{ "max-connections", OPT_MAX, "N", 0,
	  "Connections at a time (default 4096)", 0 },
	{ "timeout", OPT_TIMEOUT, "SECONDS", 0,
	  "End a connection on which nothing moves for so long (60)", 0 },
	{ "retry", OPT_RETRY, NULL, 0,
	  "Let every new client prove its address", 0 },
	{ "quic-version", OPT_VERSION, "N", 0,
	  "2: take clients that offer it over to version 2", 0 },
	{ "preferred-address", OPT_PREFERRED, "ADDR:PORT", 0,
	  "Ask clients to go there after the handshake; one of each family", 0 },
	{ "reuseport", OPT_REUSEPORT, NULL, 0,
	  "Let other servers of this user listen at the same address: the next one, for instance, while this one drains", 0 },
	{ "per-cpu", OPT_PER_CPU, NULL, 0,
	  "A thread per CPU, with its own listener and the connections that the CPU owns; includes --reuseport", 0 },
	{ "once", '1', NULL, 0, "Exit when the first connection has ended", 0 },
	{ "verbose", 'v', NULL, 0,
	  "Tell about connections and requests", 0 },
	{}
};

static unsigned int number(struct argp_state *state, const char *text,
			   unsigned int most)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (end == text || *end || n > most)
		argp_error(state, "'%s' is not a number up to %u", text, most);
	return n;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;
	struct sockaddr_storage to;
	const char *why;

	switch (key) {
	case 'p':
		o->port = arg;
		return 0;
	case 'a':
		if (o->address_count == LISTENERS_MAX)
			argp_error(state, "at most %d addresses",
				   LISTENERS_MAX);
		o->addresses[o->address_count++] = arg;
		return 0;
	case OPT_CERT:
		o->tls.cert = arg;
		return 0;
	case OPT_KEY:
		o->tls.key = arg;
		return 0;
	case OPT_ALPN:
		snprintf(o->alpn, sizeof(o->alpn), "%s", arg);
		return 0;
	case OPT_CIPHERS:
		o->tls.ciphers = arg;
		return 0;
	case OPT_CC:
		o->cc = arg;
		return 0;
	case OPT_CONNID:
		o->connid = arg;
		return 0;
	case OPT_EARLY_DATA:
		o->tls.early_data = true;
		return 0;
	case OPT_KEYLOG:
		o->tls.keylog = arg;
		return 0;
	case OPT_JSON:
		o->json = arg;
		return 0;
	case OPT_MAX:
		o->max_clients = number(state, arg, 1000000);
		if (!o->max_clients)
			argp_error(state, "no connections?");
		return 0;
	case OPT_ACCESS:
		o->access = arg;
		return 0;
	case 't':
		o->threads = number(state, arg, THREADS_MAX);
		return 0;
	case OPT_GRACE:
		o->grace = number(state, arg, 86400);
		return 0;
	case 'l':
		o->listings = true;
		return 0;
	case OPT_TIMEOUT:
		o->timeout = number(state, arg, 86400);
		if (!o->timeout)
			argp_error(state, "--timeout must be at least 1");
		return 0;
	case OPT_MIME:
		o->mime = arg;
		return 0;
	case OPT_RETRY:
		o->config.validate_peer_address = 1;
		return 0;
	case OPT_VERSION:
		if (strcmp(arg, "1") && strcmp(arg, "2"))
			argp_error(state, "'%s' is neither 1 nor 2", arg);
		o->config.version = *arg == '2' ? QUIC_VERSION_V2 :
						  QUIC_VERSION_V1;
		return 0;
	case OPT_PREFERRED:
		why = place_parse(&to, arg);
		if (why)
			argp_error(state, "'%s': %s", arg, why);
		o->preferred[to.ss_family == AF_INET6] = to;
		return 0;
	case OPT_PER_CPU:
		o->per_cpu = true;
		o->reuseport = true;
		return 0;
	case OPT_REUSEPORT:
		o->reuseport = true;
		return 0;
	case '1':
		o->once = true;
		return 0;
	case 'v':
		o->verbose = true;
		return 0;
	case ARGP_KEY_ARG:
		if (o->dir)
			argp_error(state, "one directory, please");
		o->dir = arg;
		return 0;
	case ARGP_KEY_END:
		if (!o->dir)
			argp_error(state, "which directory?");
		if (!o->tls.cert != !o->tls.key)
			argp_error(state, "--cert and --key go together");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = argp_options,
	.parser = parse_option,
	.args_doc = "DIR",
	.doc = "Serve the files of DIR over HTTP/3 and hq-interop, on QUIC in the kernel.",
};

static void choose_protocols(struct server *s, char *list)
{
	unsigned int n = 0;

	for (char *name = strtok(list, ", "); name; name = strtok(NULL, ", ")) {
		const struct conn_ops *ops = NULL;

		for (size_t i = 0; i < ARRAY_SIZE(known); i++)
			if (!strcmp(known[i]->alpn, name))
				ops = known[i];
		if (!ops)
			errx(1, "protocol '%s' is unknown; there are h3 and hq-interop",
			     name);
		if (n == TLS_ALPN_MAX)
			errx(1, "too many protocols");
		s->protocols[n] = ops;
		s->alpns[n++] = ops->alpn;
	}
	if (!n)
		errx(1, "the list of protocols is empty");
}

/* ---- listening ----------------------------------------------------------- */

static void configure(int fd, const struct server *s, const struct options *o)
{
	/* Clients shall notice soon when the server was started anew. */
	static const struct quic_transport_param params = {
		.stateless_reset = 1,
	};
	char list[128] = "";
	size_t n = 0;

	for (int i = 0; s->alpns[i] && n < sizeof(list); i++)
		n += snprintf(list + n, sizeof(list) - n, "%s%s",
			      i ? "," : "", s->alpns[i]);
	if (setsockopt(fd, SOL_QUIC, QUIC_SOCKOPT_ALPN, list, strlen(list)))
		err(1, "cannot set the protocols");
	if (setsockopt(fd, SOL_QUIC, QUIC_SOCKOPT_CONFIG, &o->config,
		       sizeof(o->config)) ||
	    setsockopt(fd, SOL_QUIC, QUIC_SOCKOPT_TRANSPORT_PARAM, &params,
		       sizeof(params)))
		err(1, "socket options");
	if (o->cc && setsockopt(fd, SOL_QUIC, QUIC_SOCKOPT_CONGESTION, o->cc,
				strlen(o->cc)))
		err(1, "congestion control '%s'", o->cc);
	if (o->connid && setsockopt(fd, SOL_QUIC, QUIC_SOCKOPT_CONNID,
				    o->connid, strlen(o->connid)))
		err(1, "connection IDs '%s'", o->connid);
}

/* What is to be known before bind(). */
static void share(int fd, const struct options *o, int cpu)
{
	int on = 1;

	if (o->reuseport &&
	    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)))
		err(1, "SO_REUSEPORT");
	if (cpu >= 0 &&
	    setsockopt(fd, SOL_SOCKET, SO_INCOMING_CPU, &cpu, sizeof(cpu)))
		err(1, "SO_INCOMING_CPU");
}

/* False if the address family does not exist here. */
static bool listen_on(const struct server *s, const struct options *o,
		      struct listeners *ls, const char *address)
{
	struct addrinfo hints = {
		.ai_flags = AI_NUMERICHOST | AI_PASSIVE,
		.ai_socktype = SOCK_DGRAM,
	};
	struct listener *l = &ls->of[ls->count];
	char plain[INET6_ADDRSTRLEN + 16];
	size_t n = strlen(address);
	struct addrinfo *ai;
	int error;

	/* [::1] is what people copy from an URL. */
	if (n > 2 && address[0] == '[' && address[n - 1] == ']')
		snprintf(plain, sizeof(plain), "%.*s", (int)n - 2, address + 1);
	else
		snprintf(plain, sizeof(plain), "%s", address);
	error = getaddrinfo(plain, o->port, &hints, &ai);
	if (error)
		errx(1, "%s port %s: %s", address, o->port,
		     gai_strerror(error));

	l->fd = socket(ai->ai_family,
		       SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
		       IPPROTO_QUIC);
	if (l->fd < 0 && errno == EAFNOSUPPORT) {
		freeaddrinfo(ai);
		return false;
	}
	if (l->fd < 0 && (errno == EPROTONOSUPPORT || errno == ESOCKTNOSUPPORT))
		errx(2, "the kernel has no QUIC; load it with: modprobe quic");
	if (l->fd < 0)
		err(1, "socket");
	conn_name(l->name, sizeof(l->name), ai->ai_addr, ai->ai_addrlen);
	share(l->fd, o, ls->cpu);
	if (bind(l->fd, ai->ai_addr, ai->ai_addrlen))
		err(1, "%s", l->name);
	freeaddrinfo(ai);
	configure(l->fd, s, o);
	if (listen(l->fd, BACKLOG))
		err(1, "%s", l->name);
	l->listening = true;
	ls->count++;
	return true;
}

static void listen_all(const struct server *s, const struct options *o,
		       struct listeners *ls, int cpu)
{
	ls->cpu = cpu;
	for (unsigned int i = 0; i < o->address_count; i++)
		if (!listen_on(s, o, ls, o->addresses[i]))
			errx(1, "%s: no such address family here",
			     o->addresses[i]);
	/* [::] takes IPv4 as well. */
	if (!o->address_count && !listen_on(s, o, ls, "::") &&
	    !listen_on(s, o, ls, "0.0.0.0"))
		errx(1, "no address family to listen on");
}

/* The n-th CPU that we may run on, and again from the first. */
static int nth_cpu(unsigned int n)
{
	cpu_set_t set;
	int cpu = -1;

	if (sched_getaffinity(0, sizeof(set), &set))
		err(1, "which CPUs");
	n %= CPU_COUNT(&set);
	do {
		cpu++;
		n -= !!CPU_ISSET(cpu, &set);
	} while (n != -1U);
	return cpu;
}

/* For all threads together, or for each; returns how many sets. */
static unsigned int listen_sets(const struct server *s, const struct options *o,
				struct listeners *sets)
{
	if (!o->per_cpu) {
		listen_all(s, o, sets, -1);
		return 1;
	}
	for (unsigned int i = 0; i < o->threads; i++)
		listen_all(s, o, &sets[i], nth_cpu(i));
	return o->threads;
}

/* Whoever comes now is refused, unless others listen there. */
static void close_listeners(struct listeners *sets, unsigned int n)
{
	for (struct listeners *ls = sets; ls < sets + n; ls++) {
		for (unsigned int i = 0; i < ls->count; i++) {
			int fd = ls->of[i].fd;

			ls->of[i].fd = -1;
			if (fd >= 0)
				close(fd);
		}
	}
}

/* ---- signals --------------------------------------------------------------- */

static void nothing(int sig)
{
	(void)sig;
}

/* Blocked everywhere: the main thread takes them one by one, in await(). */
static void prepare_signals(sigset_t *set)
{
	struct sigaction wake = { .sa_handler = nothing };

	signal(SIGPIPE, SIG_IGN);	/* sendfile() has no MSG_NOSIGNAL */
	sigaction(SIGUSR1, &wake, NULL);	/* ends a worker's sleep */
	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGHUP);
	sigaddset(set, SIGUSR2);	/* of a worker: look at the state */
	pthread_sigmask(SIG_BLOCK, set, NULL);
}

/* The next signal, or -1 when the time is over. */
static int await(const sigset_t *set, uint64_t deadline)
{
	uint64_t now = clock_us();
	struct timespec left = {};
	int sig;

	if (!deadline) {
		sig = sigwaitinfo(set, NULL);
		return sig < 0 ? 0 : sig;
	}
	if (now < deadline) {
		left.tv_sec = (deadline - now) / 1000000;
		left.tv_nsec = (deadline - now) % 1000000 * 1000;
	}
	sig = sigtimedwait(set, NULL, &left);
	return sig > 0 ? sig : clock_us() >= deadline ? -1 : 0;
}

/* SIGHUP: what may have been replaced is opened again; what is wrong with it
 * is said, and the old one kept.
 */
static void reload(struct server *s, const struct options *o)
{
	const char *why;

	why = log_open(&s->serve.log);
	if (why)
		warn("%s", why);
	if (!o->tls.cert)
		return;
	why = tls_server_reload(&s->tls, &o->tls);
	if (why)
		warnx("%s, %s: %s; the old certificate is kept", o->tls.cert,
		      o->tls.key, why);
	else
		warnx("%s: read again", o->tls.cert);
}

static void set_phase(struct server *s, enum phase phase,
		      struct worker *const *workers, unsigned int n)
{
	s->phase = phase;
	for (unsigned int i = 0; i < n; i++)
		worker_wake(workers[i]);
}

/* Until all workers are gone. */
static void supervise(struct server *s, const struct options *o,
		      const sigset_t *set, struct worker *const *workers,
		      unsigned int n, struct listeners *sets,
		      unsigned int n_sets)
{
	uint64_t deadline = 0;

	while (s->running) {
		switch (await(set, deadline)) {
		case SIGHUP:
			reload(s, o);
			break;
		case SIGINT:
		case SIGTERM:
			if (s->phase != PHASE_SERVE) {
				set_phase(s, PHASE_STOP, workers, n);
				break;
			}
			deadline = clock_us() + o->grace * 1000000ULL;
			set_phase(s, PHASE_DRAIN, workers, n);
			close_listeners(sets, n_sets);
			break;
		case -1:
			set_phase(s, PHASE_STOP, workers, n);
			deadline = 0;
			break;
		case SIGUSR2:
			/* A worker ended, or --once has been done. */
			if (s->phase == PHASE_STOP)
				set_phase(s, PHASE_STOP, workers, n);
			break;
		}
	}
}

static unsigned int start_workers(struct server *s, struct worker **workers,
				  unsigned int wanted, struct listeners *sets,
				  unsigned int n_sets)
{
	unsigned int n;

	for (n = 0; n < wanted; n++) {
		workers[n] = worker_start(s, &sets[n % n_sets]);
		if (!workers[n])
			break;
	}
	if (!n)
		err(1, "cannot start a thread");
	if (n < wanted)
		warn("only %u of %u threads", n, wanted);
	return n;
}

/* ---- the program ----------------------------------------------------------- */

static void raise_limits(void)
{
	struct rlimit files;

	if (!getrlimit(RLIMIT_NOFILE, &files)) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
}

static unsigned int choose_threads(unsigned int wanted)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	if (wanted)
		return wanted;
	return n < 1 ? 1 : n > THREADS_MAX ? THREADS_MAX : n;
}

static void open_logs(struct serve_log *log, const struct options *o)
{
	const char *bad;

	pthread_mutex_init(&log->lock, NULL);
	log->verbose = o->verbose;
	log->json_path = o->json;
	log->access_path = o->access;
	bad = log_open(log);
	if (bad)
		err(1, "%s", bad);
}

static void prepare(struct server *s, struct options *o)
{
	const char *why;
	int ret;

	choose_protocols(s, o->alpn);
	ret = site_open(&s->serve.site, o->dir);
	if (ret)
		errx(1, "%s: %s", o->dir, strerror(-ret));
	s->serve.site.listings = o->listings;
	/* The usual table may be missing: the built-in one is there. */
	ret = mime_load(&s->serve.mime, o->mime ? o->mime : MIME_TYPES);
	if (ret && o->mime)
		errx(1, "%s: %s", o->mime, strerror(-ret));
	open_logs(&s->serve.log, o);
	why = tls_server_init(&s->tls, &o->tls, s->alpns);
	if (why)
		errx(1, "%s", why);
	o->threads = choose_threads(o->threads);
	s->max_clients = (o->max_clients + o->threads - 1) / o->threads;
	s->timeout_us = o->timeout * 1000000ULL;
	s->once = o->once;
	memcpy(s->preferred, o->preferred, sizeof(s->preferred));
	s->main = pthread_self();
}

static void announce(const struct listeners *ls, const struct options *o)
{
	if (!o->tls.cert)
		fprintf(stderr,
			"quicserve: no --cert and --key: self-signed certificate\n");
	for (unsigned int i = 0; i < ls->count; i++)
		fprintf(stderr, "quicserve: serving %s on %s\n", o->dir,
			ls->of[i].name);
}

int main(int argc, char **argv)
{
	struct options o = {
		.port = "4433", .alpn = "h3,hq-interop",
		.max_clients = CLIENTS_MAX, .grace = GRACE_S,
		.timeout = TIMEOUT_S,
	};
	static struct listeners sets[THREADS_MAX];
	struct worker *workers[THREADS_MAX];
	struct server s = { .phase = PHASE_SERVE };
	unsigned int n, n_sets;
	sigset_t set;

	argp_err_exit_status = 1;
	argp_parse(&argp, argc, argv, 0, NULL, &o);
	prepare(&s, &o);
	raise_limits();
	prepare_signals(&set);
	n_sets = listen_sets(&s, &o, sets);
	n = start_workers(&s, workers, o.threads, sets, n_sets);
	announce(sets, &o);

	supervise(&s, &o, &set, workers, n, sets, n_sets);

	for (unsigned int i = 0; i < n; i++)
		worker_join(workers[i]);
	close_listeners(sets, n_sets);
	site_close(&s.serve.site);
	mime_free(&s.serve.mime);
	tls_free(&s.tls);
	log_close(&s.serve.log);
	return 0;
}
