// SPDX-License-Identifier: GPL-2.0
/*
 * Paths: connections that move, are moved, and should not be moved (RFC 9000
 * section 9). The namespace's loopback has all the addresses there are of
 * 127.0.0.0/8; what a NAT or an attacker does is done by a relay.
 */
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include "paths.h"

#define MOVED	(1U << QUIC_EVENT_CONNECTION_MIGRATION)

/* Another address of the loopback device. */
static void add_address(const char *name, const char *text)
{
	struct ifreq ifr = { 0 };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	union addr a;

	address(&a, text, 0);
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	ifr.ifr_addr = a.sa;
	OK(!ioctl(fd, SIOCSIFADDR, &ifr));
	close(fd);
}

/* ---- a relay ------------------------------------------------------------------- */

/* Between the client and the server; its socket towards the server can be
 * exchanged, as a NAT does that has forgotten us.
 */
static struct relay {
	int inner, outer;	/* towards client and server */
	int port;		/* where the client connects to */
	struct sockaddr_in client, server;
	int spoofed;		/* an attacker's socket, or -1 */
	atomic_bool deaf;	/* nothing of the client's passes */
	atomic_bool spoof;	/* send the next of the client's from there */
	atomic_bool split;	/* a client of another port comes from there */
	atomic_int probes;	/* datagrams to the attacker's address */
	in_port_t first_port;
} relay;

static int relay_socket(const char *host)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	union addr a;

	OK(fd >= 0);
	OK(!bind(fd, &a.sa, address(&a, host, 0)));
	return fd;
}

static void from_client(void)
{
	static uint8_t buf[65536];
	socklen_t len = sizeof(relay.client);
	struct sockaddr_in src;
	ssize_t n = recvfrom(relay.inner, buf, sizeof(buf), MSG_DONTWAIT,
			     (void *)&src, &len);
	int fd = relay.outer;

	if (n <= 0)
		return;
	if (!relay.first_port)
		relay.first_port = src.sin_port;
	if (relay.split && src.sin_port != relay.first_port)
		fd = relay.spoofed;
	else
		relay.client = src;
	if (relay.spoof) {
		fd = relay.spoofed;
		relay.spoof = false;
	} else if (relay.deaf) {
		return;
	}
	sendto(fd, buf, n, 0, (void *)&relay.server, sizeof(relay.server));
}

static void from_server(int fd)
{
	static uint8_t buf[65536];
	ssize_t n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);

	if (n <= 0)
		return;
	if (fd == relay.spoofed)
		relay.probes++;
	else
		sendto(relay.inner, buf, n, 0, (void *)&relay.client,
		       sizeof(relay.client));
}

static void *relay_run(void *arg)
{
	for (;;) {
		struct pollfd fds[] = {
			{ .fd = relay.inner, .events = POLLIN },
			{ .fd = relay.outer, .events = POLLIN },
			{ .fd = relay.spoofed, .events = POLLIN },
		};

		if (poll(fds, 3, 5) <= 0)
			continue;
		if (fds[0].revents)
			from_client();
		if (fds[1].revents)
			from_server(fds[1].fd);
		if (fds[2].revents)
			from_server(fds[2].fd);
	}
	return NULL;
}

/* pair.c's connect() goes to the relay. */
static void relay_start(struct pair *p)
{
	pthread_t thread;

	relay.spoofed = relay_socket("127.0.0.66");
	relay.inner = relay_socket("127.0.0.1");
	relay.outer = relay_socket("127.0.0.1");
	relay.port = port_of(relay.inner);
	OK(!pthread_create(&thread, NULL, relay_run, NULL));
	p->port = relay.port;
}

static void relay_to_server(int port)
{
	union addr a;

	address(&a, "127.0.0.1", port);
	relay.server = a.v4;
}

/* The client comes from somewhere else from now on. */
static void rebind(const char *host)
{
	int old = relay.outer;

	relay.outer = relay_socket(host);
	/* Left open: what still comes there is lost, not refused. */
	(void)old;
}

static void relayed(struct pair *p)
{
	p->listening = relay_to_server;
	relay_start(p);
	connection(p);
}

/* ---- moves of the client ---------------------------------------------------------- */

static void move_to(struct pair *p, const char *host)
{
	union quic_event ev;
	char want[64];
	int port = free_port();

	snprintf(want, sizeof(want), "%s:%d", host, port);
	OK(!migrate(p->client, host, port));
	wait_event(p->client, QUIC_EVENT_CONNECTION_MIGRATION, &ev);
	EQ(ev.local_migration, 1);
	OK(!strcmp(name_of(p->client, false), want));
	wait_event(p->server, QUIC_EVENT_CONNECTION_MIGRATION, &ev);
	EQ(ev.local_migration, 0);
	OK(!strcmp(name_of(p->server, true), want));
	talk(p->client, p->server);
	talk(p->server, p->client);
}

/* RFC9000-9.5-1 RFC9000-9.5-2 */
/* RFC 9000 sections 9.2, 9.5 */
TEST(client_moves)
{
	struct pair p = { .events = MOVED };
	uint32_t before, server_before;

	connection(&p);
	talk(p.client, p.server);
	before = ids_of(p.client, true).active;
	server_before = ids_of(p.server, true).active;
	move_to(&p, "127.0.0.1");
	/* Neither end is known by the ID that it had. */
	OK(ids_of(p.client, true).active > before);
	OK(ids_of(p.server, true).active > server_before);
	move_to(&p, "127.0.0.2");
	move_to(&p, "127.0.0.3");
	EQ(counter("QuicPathsFailed"), 0);
	EQ(counter("QuicMigrationsUndone"), 0);
	disconnect(&p);
}

/* Its socket is on the wildcard, which takes in the new address, too. */
TEST(client_keeps_its_port)
{
	struct pair p = { .events = MOVED };
	union quic_event ev;
	int port;

	connection(&p);
	port = port_of(p.client);
	OK(!migrate(p.client, "127.0.0.2", port));
	wait_event(p.client, QUIC_EVENT_CONNECTION_MIGRATION, &ev);
	EQ(port_of(p.client), port);
	wait_event(p.server, QUIC_EVENT_CONNECTION_MIGRATION, &ev);
	OK(peer_is(p.server, "127.0.0.2"));
	talk(p.server, p.client);
	disconnect(&p);
}

TEST(client_moves_with_ipv6)
{
	struct pair p = { .events = MOVED };
	char want[64];
	union quic_event ev;
	int port;

	family = AF_INET6;
	connection(&p);
	port = free_port();
	OK(!migrate(p.client, "::1", port));
	wait_event(p.client, QUIC_EVENT_CONNECTION_MIGRATION, &ev);
	snprintf(want, sizeof(want), "::1:%d", port);
	OK(!strcmp(name_of(p.client, false), want));
	wait_event(p.server, QUIC_EVENT_CONNECTION_MIGRATION, &ev);
	OK(!strcmp(name_of(p.server, true), want));
	talk(p.client, p.server);
	disconnect(&p);
}

/* Moves while both send: nothing is lost but time. */
static char bulk[3 << 20];

static void *send_bulk(void *arg)
{
	int fd = *(int *)arg;
	int64_t id = stream_open(fd, -1, 0);
	size_t done = 0;

	while (done < sizeof(bulk)) {
		ssize_t n = quic_sendmsg(fd, bulk + done, sizeof(bulk) - done,
					 id, 0);

		OK(n > 0);
		done += n;
	}
	return NULL;
}

static void receive_bulk(int fd)
{
	static struct unit u;
	size_t done = 0;

	while (done < sizeof(bulk)) {
		OK(receive(fd, &u, sizeof(u.data), 0) >= 0);
		if (u.msg_flags & MSG_QUIC_NOTIFICATION)
			continue;
		OK(!memcmp(u.data, bulk + done, u.len));
		done += u.len;
	}
}

static void fill_bulk(void)
{
	for (size_t i = 0; i < sizeof(bulk); i++)
		bulk[i] = i * 7 + (i >> 12);
}

TEST(client_moves_in_a_transfer)
{
	struct pair p = { .events = MOVED };
	pthread_t up, down;

	fill_bulk();
	connection(&p);
	OK(!pthread_create(&down, NULL, send_bulk, &p.server));
	OK(!migrate(p.client, "127.0.0.2", free_port()));
	receive_bulk(p.client);
	OK(!pthread_join(down, NULL));
	UNTIL(peer_is(p.server, "127.0.0.2"));
	/* The first one's validation may have taken all of the transfer. */
	UNTIL(!strncmp(name_of(p.client, false), "127.0.0.2:", 10));
	OK(!pthread_create(&up, NULL, send_bulk, &p.client));
	OK(!migrate(p.client, "127.0.0.3", free_port()));
	receive_bulk(p.server);
	OK(!pthread_join(up, NULL));
	UNTIL(peer_is(p.server, "127.0.0.3"));
	disconnect(&p);
}

/* RFC9000-9-1 */
TEST(migration_errors)
{
	struct pair p = { .events = MOVED };
	int fd = quic_socket(), port, taken;
	union quic_event ev;
	union addr a;

	ERR(migrate(fd, "127.0.0.2", 4433), EPIPE);
	ERR(migrate(listener(NULL), "127.0.0.2", 4433), EPIPE);
	connection(&p);
	port = free_port();
	ERR(migrate(p.client, "127.0.0.2", 0), EINVAL);
	ERR(migrate(p.client, "::1", port), EINVAL);
	ERR(migrate(p.client, "127.0.0.1", port_of(p.client)), EINVAL);
	address(&a, "127.0.0.2", port);
	ERR(opt_set(p.client, QUIC_SOCKOPT_CONNECTION_MIGRATION, &a, 8), EINVAL);
	ERR(opt_set(p.client, QUIC_SOCKOPT_CONNECTION_MIGRATION, NULL, 0), EINVAL);
	ERR(migrate(p.client, "192.0.2.1", port), EADDRNOTAVAIL);
	taken = udp_socket(0);
	ERR(migrate(p.client, "127.0.0.1", port_of(taken)), EADDRINUSE);
	/* A client would not follow it (RFC 9000 section 9). */
	ERR(migrate(p.server, "127.0.0.2", port), EOPNOTSUPP);
	/* None of these did anything, and the next one does. */
	EQ(counter("QuicTxProbes"), 0);
	OK(!migrate(p.client, "127.0.0.2", port));
	if (migrate(p.client, "127.0.0.3", port))
		EQ(errno, EAGAIN);	/* unless it was that fast */
	wait_event(p.client, QUIC_EVENT_CONNECTION_MIGRATION, &ev);
	disconnect(&p);
	ERR(migrate(p.client, "127.0.0.2", port), EBADF);
}

/* RFC9000-9-2 RFC9000-18.2-2 */
/* RFC 9000 section 18.2, disable_active_migration */
TEST(server_forbids_migration)
{
	struct pair p = { .server_params.disable_active_migration = 1 };

	connection(&p);
	ERR(migrate(p.client, "127.0.0.2", free_port()), EOPNOTSUPP);
	talk(p.client, p.server);
	disconnect(&p);
}

/* RFC 9000 section 9.4: the window of the server begins anew. */
static unsigned long window_of_server(int port)
{
	FILE *f = fopen("/proc/self/net/quic/conns", "r");
	char line[512], local[64], want[16];
	unsigned long window = 0, w;

	snprintf(want, sizeof(want), ":%d", port);
	OK(f);
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%*s %*s %63s %*s %*s %lu", local, &w) == 2 &&
		    strstr(local, want))
			window = w;
	}
	fclose(f);
	return window;
}

/* RFC9000-9.4-1 RFC9000-9.4-2 */
TEST(the_window_is_of_the_path)
{
	struct pair p = { .events = MOVED };
	unsigned long grown, now;
	union quic_event ev;
	pthread_t down;

	fill_bulk();
	connection(&p);
	OK(!pthread_create(&down, NULL, send_bulk, &p.server));
	receive_bulk(p.client);
	OK(!pthread_join(down, NULL));
	grown = window_of_server(port_of(p.listener));
	/* Another port alone is the same path as far as anyone can tell. */
	OK(!migrate(p.client, "127.0.0.1", free_port()));
	wait_event(p.server, QUIC_EVENT_CONNECTION_MIGRATION, &ev);
	now = window_of_server(port_of(p.listener));
	note("window %lu, after a new port %lu", grown, now);
	OK(now >= grown / 2);
	UNTIL(!migrate(p.client, "127.0.0.2", free_port()));
	wait_event(p.server, QUIC_EVENT_CONNECTION_MIGRATION, &ev);
	now = window_of_server(port_of(p.listener));
	note("after a new address %lu", now);
	OK(now < grown / 2 && now <= 20000);
	talk(p.server, p.client);
	disconnect(&p);
}

/* ---- moves that happen to the client ---------------------------------------------- */

/* RFC 9000 sections 9.3, 9.3.3 */
static void rebinding(const char *host, const char *then)
{
	struct pair p = { .events = MOVED };
	union quic_event ev;

	relayed(&p);
	talk(p.client, p.server);
	rebind(host);
	say(p.client);
	UNTIL(counter("QuicMigrations"));
	wait_event(p.server, QUIC_EVENT_CONNECTION_MIGRATION, &ev);
	EQ(ev.local_migration, 0);
	hear(p.server);
	EQ(ntohs(((struct sockaddr_in *)&relay.client)->sin_port),
	   port_of(p.client));
	OK(peer_is(p.server, host));
	talk(p.client, p.server);
	rebind(then);
	talk(p.client, p.server);
	OK(peer_is(p.server, then));
	talk(p.server, p.client);
	EQ(counter("QuicMigrationsUndone"), 0);
	disconnect(&p);
}

TEST(nat_gives_another_port)
{
	rebinding("127.0.0.1", "127.0.0.1");
}

/* RFC9000-9-3 RFC9000-9.3-1 RFC9000-9.3-2 RFC9000-9-4 */
TEST(nat_gives_another_address)
{
	rebinding("127.0.0.8", "127.0.0.9");
}

TEST(nat_rebinds_in_a_transfer)
{
	struct pair p = { .events = MOVED };
	pthread_t down;

	fill_bulk();
	relayed(&p);
	OK(!pthread_create(&down, NULL, send_bulk, &p.server));
	for (int i = 0; i < 5; i++) {
		unsigned long got = counter("QuicRxDataPackets");

		UNTIL(counter("QuicRxDataPackets") > got ||
		      poll_now(p.client) & POLLIN);
		rebind(i & 1 ? "127.0.0.1" : "127.0.0.8");
		/* Who only receives may have nothing to send, and the server
		 * has lost it then.
		 */
		say(p.client);
	}
	receive_bulk(p.client);
	OK(!pthread_join(down, NULL));
	disconnect(&p);
}

/* RFC9000-9.3.2-1 RFC9000-9.3-3 */
/* An attacker who sends on one packet from another address, and cannot answer:
 * RFC 9000 sections 9.3.1 and 9.3.2. The client is not heard meanwhile, so
 * only the failed validation brings the server back.
 */
TEST_WITH(a_spoofed_address_is_left_again, 60, false)
{
	struct pair p = { .events = MOVED };

	relayed(&p);
	talk(p.client, p.server);
	relay.spoof = true;
	relay.deaf = true;
	say(p.client);
	UNTIL(peer_is(p.server, "127.0.0.66"));
	UNTIL(counter("QuicMigrationsUndone"));
	OK(peer_is(p.server, "127.0.0.1"));
	note("%d datagrams to the victim", relay.probes);
	OK(relay.probes <= 3);
	EQ(counter("QuicMigrations"), 0);
	relay.deaf = false;
	hear(p.server);
	talk(p.client, p.server);
	talk(p.server, p.client);
	disconnect(&p);
}

/* RFC9000-9.3.3-1 */
/* RFC 9000 section 9.3.3: the true client answers on the old path, and is
 * followed at once.
 */
TEST(a_spoofed_address_does_not_last)
{
	struct pair p = { .events = MOVED };

	relayed(&p);
	talk(p.client, p.server);
	for (int i = 0; i < 3; i++) {
		relay.spoof = true;
		say(p.client);
		hear(p.server);
		EQ(relay.spoof, false);
		talk(p.client, p.server);
		UNTIL(peer_is(p.server, "127.0.0.1"));
	}
	EQ(counter("QuicMigrations"), 0);
	OK(relay.probes <= 3 * 3);
	disconnect(&p);
}

/* RFC 9000 section 9.1: probing moves nobody. The client's new address reaches
 * the server, but no answer comes back.
 */
TEST_WITH(a_path_that_fails_is_not_taken, 60, false)
{
	struct pair p = { .events = MOVED };
	const char *was;

	relayed(&p);
	talk(p.client, p.server);
	was = strdup(name_of(p.client, false));
	relay.split = true;
	OK(!migrate(p.client, "127.0.0.1", free_port()));
	UNTIL(relay.probes);
	talk(p.client, p.server);
	/* Both ends give it up. */
	UNTIL(counter("QuicPathsFailed") >= 2);
	OK(!strcmp(name_of(p.client, false), was));
	OK(peer_is(p.server, "127.0.0.1"));
	EQ(counter("QuicMigrations"), 0);
	/* Answers to challenges, ever less often, and as many of its own. */
	OK(relay.probes <= 16);
	talk(p.client, p.server);
	/* Nothing is in progress any more. */
	relay.split = false;
	OK(!migrate(p.client, "127.0.0.1", free_port()));
	disconnect(&p);
}

/* ---- preferred addresses ----------------------------------------------------------- */

/* RFC 9000 sections 9.6, 18.2 */
static const char *preferred[2];
static int preferred_port;

static void name_preferred(int fd)
{
	for (int i = 0; i < 2; i++)
		if (preferred[i])
			OK(!migrate(fd, preferred[i], preferred_port));
}

static void prefer(struct pair *p, const char *one, const char *two)
{
	preferred[0] = one;
	preferred[1] = two;
	preferred_port = free_port();
	p->accepted = name_preferred;
}

static void preferred_works(int fam, const char *one, const char *two,
			    const char *want)
{
	struct pair p = { .events = MOVED };
	union quic_event ev;

	family = fam;
	prefer(&p, one, two);
	connection(&p);
	wait_event(p.client, QUIC_EVENT_CONNECTION_MIGRATION, &ev);
	EQ(ev.local_migration, 0);
	OK(peer_is(p.client, want));
	EQ(ntohs(({ union addr a; socklen_t l = sizeof(a);
		    getpeername(p.client, &a.sa, &l); a.v4.sin_port; })),
	   preferred_port);
	OK(ids_of(p.client, true).active >= 1);
	wait_event(p.server, QUIC_EVENT_CONNECTION_MIGRATION, &ev);
	EQ(ev.local_migration, 1);
	OK(!strncmp(name_of(p.server, false), want, strlen(want)));
	talk(p.client, p.server);
	talk(p.server, p.client);
	EQ(counter("QuicPreferredRefused"), 0);
	disconnect(&p);
}

/*
 * RFC9000-9.6.1-1 RFC9000-9.6.2-1 RFC9000-9.6.2-2 RFC9000-9.6.2-3
 * RFC9000-9.6.3-1 RFC9000-9.6.3-2 RFC9000-21.5.3-1
 */
TEST(preferred_address)
{
	preferred_works(AF_INET, "127.0.0.7", NULL, "127.0.0.7");
}

TEST(preferred_address_ipv6)
{
	preferred_works(AF_INET6, "::1", NULL, "::1");
}

TEST(preferred_address_of_the_same_family)
{
	preferred_works(AF_INET, "127.0.0.7", "127.0.0.5", "127.0.0.5");
}

/* RFC 9000 section 21.5.3: a server far away does not send us to ourselves. */
TEST(preferred_address_of_a_wrong_scope)
{
	struct pair p = { .events = MOVED, .host = "10.9.0.1" };

	add_address("lo:1", "10.9.0.1");
	prefer(&p, "127.0.0.7", NULL);
	connection(&p);
	talk(p.client, p.server);
	EQ(counter("QuicPreferredRefused"), 1);
	EQ(counter("QuicTxProbes"), 0);
	OK(peer_is(p.client, "10.9.0.1"));
	disconnect(&p);
}

static void wrong_ones(int fd)
{
	ERR(migrate(fd, "127.0.0.7", 0), EINVAL);
	ERR(migrate(fd, "0.0.0.0", 4433), EINVAL);
	ERR(migrate(fd, "192.0.2.1", 4433), EADDRNOTAVAIL);
	ERR(migrate(fd, "::1", 4433), EINVAL);	/* of a socket of IPv4 */
	ERR(migrate(fd, "127.0.0.1", port_of(fd)), EINVAL);
}

TEST(preferred_address_errors)
{
	struct pair p = { .accepted = wrong_ones };
	int udp = udp_socket(0), fd = client(port_of(udp));

	ERR(migrate(fd, "127.0.0.7", 4433), EINVAL);	/* a client has none */
	connection(&p);
	/* The client was told of none. */
	talk(p.client, p.server);
	EQ(counter("QuicTxProbes"), 0);
	OK(peer_is(p.client, "127.0.0.1"));
	disconnect(&p);
}
