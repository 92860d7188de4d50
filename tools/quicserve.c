// SPDX-License-Identifier: GPL-2.0
/*
 * quicserve: serve the files of a directory over QUIC.
 *
 * Owns the listening sockets and the one loop that all connections share:
 * nothing in it blocks, handshakes least of all.  What a connection does is
 * in conn.c and, by protocol, in h3_serve.c and hq_serve.c.
 */
#include <argp.h>
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "array.h"
#include "place.h"
#include "serve.h"

#define LISTENERS_MAX	8
#define BACKLOG		1024
#define EVENTS		64
#define TICK_MS		250
#define HANDSHAKE_US	(30 * 1000000ULL)
#define CLIENTS_MAX	4096	/* default of --max-connections */
#define MIME_TYPES	"/etc/mime.types"
#define NAME_SIZE	(INET6_ADDRSTRLEN + 8)

struct listener {
	bool listening;		/* first: tells it from a client */
	int fd;
	char name[NAME_SIZE];
};

struct client {
	bool listening;		/* false */
	LIST_ENTRY(client) link;
	struct conn conn;
	uint32_t interest;	/* what epoll waits for */
	char name[NAME_SIZE];
};

struct server {
	struct serve serve;
	struct tls tls;
	int epoll;
	struct listener listeners[LISTENERS_MAX];
	unsigned int listener_count;
	LIST_HEAD(, client) clients;
	unsigned int client_count;
	unsigned int served;	/* connections that have come and gone */
	bool paused;		/* not accepting for now */
	const struct conn_ops *protocols[TLS_ALPN_MAX + 1];
	const char *alpns[TLS_ALPN_MAX + 1];
	struct sockaddr_storage preferred[2];	/* of either family */
	bool no_preferred;	/* it failed, and that was said */
};

struct options {
	const char *dir;
	const char *port;
	const char *addresses[LISTENERS_MAX];
	unsigned int address_count;
	const char *json;
	const char *cc;
	char alpn[128];
	unsigned int max_clients;
	bool verbose;
	bool once;
	bool listings;
	const char *mime;
	struct sockaddr_storage preferred[2];
	struct quic_config config;
	struct tls_options tls;
};

static const struct conn_ops *const known[] = { &h3_serve_ops, &hq_serve_ops };
static volatile sig_atomic_t stop;

/* ---- options ------------------------------------------------------------- */

const char *argp_program_version = "quicserve 0.1";

enum {
	OPT_CERT = 256, OPT_KEY, OPT_ALPN, OPT_JSON, OPT_CC, OPT_KEYLOG,
	OPT_CIPHERS, OPT_MAX, OPT_MIME, OPT_RETRY, OPT_VERSION,
	OPT_PREFERRED,
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
	{ "keylog", OPT_KEYLOG, "FILE", 0,
	  "Append TLS secrets (default $SSLKEYLOGFILE)", 0 },
	{ "listings", 'l', NULL, 0,
	  "List directories that have no index.html", 0 },
	{ "mime-types", OPT_MIME, "FILE", 0,
	  "Media types by suffix (default /etc/mime.types)", 0 },
	{ "json-log", OPT_JSON, "FILE", 0,
	  "Write a JSON object per event ('-': stdout)", 0 },
	{ "max-connections", OPT_MAX, "N", 0,
	  "Connections at a time (default 4096)", 0 },
	{ "retry", OPT_RETRY, NULL, 0,
	  "Let every new client prove its address", 0 },
	{ "quic-version", OPT_VERSION, "N", 0,
	  "2: take clients that offer it over to version 2", 0 },
	{ "preferred-address", OPT_PREFERRED, "ADDR:PORT", 0,
	  "Ask clients to go there after the handshake; one of each family", 0 },
	{ "once", '1', NULL, 0, "Exit when the first connection has ended", 0 },
	{ "verbose", 'v', NULL, 0,
	  "Tell about connections and requests", 0 },
	{}
};

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
	case OPT_KEYLOG:
		o->tls.keylog = arg;
		return 0;
	case OPT_JSON:
		o->json = arg;
		return 0;
	case OPT_MAX:
		o->max_clients = strtoul(arg, NULL, 10);
		if (!o->max_clients)
			argp_error(state, "'%s' is not a number of connections",
				   arg);
		return 0;
	case 'l':
		o->listings = true;
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

static void format_address(char *name, const struct sockaddr *addr,
			   socklen_t len)
{
	char host[INET6_ADDRSTRLEN], port[6];

	if (getnameinfo(addr, len, host, sizeof(host), port, sizeof(port),
			NI_NUMERICHOST | NI_NUMERICSERV))
		snprintf(name, NAME_SIZE, "?");
	else
		snprintf(name, NAME_SIZE,
			 strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, port);
}

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
}

static void watch_listener(struct server *s, struct listener *l, bool on)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = l };

	if (epoll_ctl(s->epoll, on ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, l->fd, &ev))
		err(1, "epoll");
}

/* False if the address family does not exist here. */
static bool listen_on(struct server *s, const struct options *o,
		      const char *address)
{
	struct addrinfo hints = {
		.ai_flags = AI_NUMERICHOST | AI_PASSIVE,
		.ai_socktype = SOCK_DGRAM,
	};
	struct listener *l = &s->listeners[s->listener_count];
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
	format_address(l->name, ai->ai_addr, ai->ai_addrlen);
	if (bind(l->fd, ai->ai_addr, ai->ai_addrlen))
		err(1, "%s", l->name);
	freeaddrinfo(ai);
	configure(l->fd, s, o);
	if (listen(l->fd, BACKLOG))
		err(1, "%s", l->name);
	l->listening = true;
	s->listener_count++;
	watch_listener(s, l, true);
	return true;
}

static void listen_all(struct server *s, const struct options *o)
{
	for (unsigned int i = 0; i < o->address_count; i++)
		if (!listen_on(s, o, o->addresses[i]))
			errx(1, "%s: no such address family here",
			     o->addresses[i]);
	/* [::] takes IPv4 as well. */
	if (!o->address_count && !listen_on(s, o, "::") &&
	    !listen_on(s, o, "0.0.0.0"))
		errx(1, "no address family to listen on");
}

/* ---- clients ------------------------------------------------------------- */

static void pause_accepting(struct server *s, bool pause)
{
	if (s->paused == pause)
		return;
	s->paused = pause;
	for (unsigned int i = 0; i < s->listener_count; i++)
		watch_listener(s, &s->listeners[i], !pause);
}

static void drop_client(struct server *s, struct client *c)
{
	/* A handshake that nobody finished is the network's noise. */
	s->served += c->conn.ops != NULL;
	log_connection(&s->serve.log, &c->conn, c->name,
		       c->conn.ops ? "closed" : "failed");
	conn_release(&c->conn);	/* leaves epoll, too */
	LIST_REMOVE(c, link);
	s->client_count--;
	free(c);
	pause_accepting(s, false);
}

/* Keep epoll's idea of the connection up to date, or drop it. */
static void update_client(struct server *s, struct client *c)
{
	struct epoll_event ev = { .data.ptr = c };

	if (c->conn.state == CONN_CLOSED) {
		drop_client(s, c);
		return;
	}
	/* poll's and epoll's bits are the same. */
	ev.events = conn_events(&c->conn);
	if (ev.events == c->interest)
		return;
	if (epoll_ctl(s->epoll, c->interest ? EPOLL_CTL_MOD : EPOLL_CTL_ADD,
		      c->conn.fd, &ev)) {
		conn_fail(&c->conn, CONN_END_ERROR, 0, "epoll: %s",
			  strerror(errno));
		drop_client(s, c);
		return;
	}
	c->interest = ev.events;
}

static void announce(struct conn *conn)
{
	struct client *c = (void *)((char *)conn -
				    offsetof(struct client, conn));
	struct serve *serve = conn->owner;

	log_connection(&serve->log, conn, c->name, "connected");
}

/* Before the handshake, which names it to the client. */
static void prefer(struct server *s, int fd)
{
	for (int i = 0; i < 2; i++) {
		if (!s->preferred[i].ss_family ||
		    !place_set(fd, &s->preferred[i]) || s->no_preferred)
			continue;
		warn("the preferred address");
		s->no_preferred = true;
	}
}

static void accept_client(struct server *s, int fd,
			  const struct sockaddr *addr, socklen_t len)
{
	struct client *c = calloc(1, sizeof(*c));

	if (!c) {
		close(fd);
		return;
	}
	c->conn.protocols = s->protocols;
	c->conn.owner = &s->serve;
	c->conn.on_open = announce;
	format_address(c->name, addr, len);
	LIST_INSERT_HEAD(&s->clients, c, link);
	s->client_count++;
	prefer(s, fd);
	conn_accepted(&c->conn, &s->tls, fd);
	update_client(s, c);
}

static void accept_clients(struct server *s, const struct listener *l,
			   unsigned int max)
{
	struct sockaddr_storage addr;
	socklen_t len;
	int fd;

	for (int i = 0; i < EVENTS; i++) {
		if (s->client_count >= max) {
			pause_accepting(s, true);
			return;
		}
		len = sizeof(addr);
		fd = accept4(l->fd, (struct sockaddr *)&addr, &len,
			     SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0) {
			/* Out of descriptors: the next tick tries again. */
			if (errno == EMFILE || errno == ENFILE)
				pause_accepting(s, true);
			return;
		}
		accept_client(s, fd, (struct sockaddr *)&addr, len);
	}
}

static void serve_client(struct server *s, struct client *c, uint32_t events)
{
	conn_ready(&c->conn, events);
	update_client(s, c);
}

/* ---- the loop ------------------------------------------------------------ */

static void tick(struct server *s, unsigned int max)
{
	struct client *c, *next;
	uint64_t now = clock_us();

	for (c = LIST_FIRST(&s->clients); c; c = next) {
		next = LIST_NEXT(c, link);
		if (c->conn.state == CONN_HANDSHAKE &&
		    now - c->conn.began > HANDSHAKE_US)
			conn_fail(&c->conn, CONN_END_TIMEOUT, 0,
				  "the handshake took too long");
		conn_retry(&c->conn);
		update_client(s, c);
	}
	if (s->client_count < max)
		pause_accepting(s, false);
}

static void run(struct server *s, const struct options *o)
{
	struct epoll_event ev[EVENTS];
	uint64_t next = 0;

	while (!stop && !(o->once && s->served)) {
		int n = epoll_wait(s->epoll, ev, EVENTS, TICK_MS);

		if (n < 0 && errno != EINTR)
			err(1, "epoll");
		for (int i = 0; i < n; i++) {
			const bool *listening = ev[i].data.ptr;

			if (*listening)
				accept_clients(s, ev[i].data.ptr,
					       o->max_clients);
			else
				serve_client(s, ev[i].data.ptr, ev[i].events);
		}
		if (clock_us() >= next) {
			tick(s, o->max_clients);
			next = clock_us() + TICK_MS * 1000;
		}
	}
}

static void on_signal(int sig)
{
	(void)sig;
	stop = 1;
}

static void prepare_process(void)
{
	struct sigaction stopper = { .sa_handler = on_signal };
	struct rlimit files;

	sigaction(SIGINT, &stopper, NULL);
	sigaction(SIGTERM, &stopper, NULL);
	signal(SIGPIPE, SIG_IGN);	/* sendfile() has no MSG_NOSIGNAL */
	if (!getrlimit(RLIMIT_NOFILE, &files)) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
}

static void open_log(struct serve_log *log, const struct options *o)
{
	log->verbose = o->verbose;
	if (!o->json)
		return;
	log->json = strcmp(o->json, "-") ? fopen(o->json, "ae") : stdout;
	if (!log->json)
		err(1, "%s", o->json);
}

int main(int argc, char **argv)
{
	struct options o = {
		.port = "4433", .alpn = "h3,hq-interop",
		.max_clients = CLIENTS_MAX,
	};
	struct server s = { .epoll = -1 };
	const char *why;
	int ret;

	argp_err_exit_status = 1;
	argp_parse(&argp, argc, argv, 0, NULL, &o);
	choose_protocols(&s, o.alpn);
	memcpy(s.preferred, o.preferred, sizeof(s.preferred));
	ret = site_open(&s.serve.site, o.dir);
	if (ret)
		errx(1, "%s: %s", o.dir, strerror(-ret));
	s.serve.site.listings = o.listings;
	/* The usual table may be missing: the built-in one is there. */
	ret = mime_load(&s.serve.mime, o.mime ? o.mime : MIME_TYPES);
	if (ret && o.mime)
		errx(1, "%s: %s", o.mime, strerror(-ret));
	open_log(&s.serve.log, &o);
	why = tls_server_init(&s.tls, &o.tls, s.alpns);
	if (why)
		errx(1, "%s", why);
	prepare_process();
	s.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (s.epoll < 0)
		err(1, "epoll");
	listen_all(&s, &o);
	if (!o.tls.cert)
		fprintf(stderr,
			"quicserve: no --cert and --key: self-signed certificate\n");
	for (unsigned int i = 0; i < s.listener_count; i++)
		fprintf(stderr, "quicserve: serving %s on %s\n", o.dir,
			s.listeners[i].name);

	run(&s, &o);

	while (!LIST_EMPTY(&s.clients)) {
		struct client *c = LIST_FIRST(&s.clients);

		conn_finish(&c->conn);
		drop_client(&s, c);
	}
	for (unsigned int i = 0; i < s.listener_count; i++)
		close(s.listeners[i].fd);
	close(s.epoll);
	site_close(&s.serve.site);
	mime_free(&s.serve.mime);
	tls_free(&s.tls);
	return 0;
}
