// SPDX-License-Identifier: GPL-2.0
/*
 * Sockets to test: addresses, listeners, connections with both ends here.
 */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include "pair.h"

const char *psk_file = FILES "/psk.txt", *ca_file = FILES "/ca.pem";
const char *cert_file = FILES "/cert.pem", *key_file = FILES "/key.pem";

/* ---- addresses and sockets ---------------------------------------------------- */

socklen_t loopback(union addr *a, int fam, int port)
{
	memset(a, 0, sizeof(*a));
	a->sa.sa_family = fam;
	if (fam == AF_INET) {
		a->v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		a->v4.sin_port = htons(port);
		return sizeof(a->v4);
	}
	a->v6.sin6_addr = in6addr_loopback;
	a->v6.sin6_port = htons(port);
	return sizeof(a->v6);
}

int port_of(int fd)
{
	union addr a;
	socklen_t len = sizeof(a);

	OK(!getsockname(fd, &a.sa, &len));
	return ntohs(a.v4.sin_port);	/* at the same place in both */
}

int quic_socket(void)
{
	int fd = socket(family, type, IPPROTO_QUIC);

	OK(fd >= 0);
	return fd;
}

int udp_socket(int port)
{
	int fd = socket(family, SOCK_DGRAM, 0);
	union addr a;

	OK(fd >= 0);
	OK(!bind(fd, &a.sa, loopback(&a, family, port)));
	return fd;
}

int listener(const char *alpn)
{
	int fd = quic_socket();
	union addr a;

	if (alpn)
		OK(!opt_set(fd, QUIC_SOCKOPT_ALPN, alpn, strlen(alpn)));
	OK(!bind(fd, &a.sa, loopback(&a, family, 0)));
	OK(!listen(fd, 128));
	return fd;
}

int client(int port)
{
	int fd = quic_socket();
	union addr a;

	OK(!connect(fd, &a.sa, loopback(&a, family, port)));
	return fd;
}

int set_nonblock(int fd)
{
	return fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

/* ---- connections --------------------------------------------------------------- */

int server_handshake(int fd)
{
	return quic_server_handshake(fd, psk_file, NULL, NULL);
}

int client_handshake(int fd)
{
	return quic_client_handshake(fd, psk_file, NULL, NULL);
}

static void *client_side(void *arg)
{
	struct pair *p = arg;
	int ret;

	if (p->certificates)
		ret = quic_client_handshake(p->client, NULL, "localhost", NULL);
	else
		ret = client_handshake(p->client);
	if (ret)
		FAIL("client handshake: %s", quic_strerror(ret));
	return NULL;
}

static void set_events(int fd, uint32_t events)
{
	for (int i = 1; i < QUIC_EVENT_MAX; i++)
		if (events & 1U << i)
			event_on(fd, i);
}

static socklen_t local(const struct pair *p, union addr *a, int port)
{
	socklen_t len = loopback(a, family, port);

	if (p->host)
		OK(inet_pton(AF_INET, p->host, &a->v4.sin_addr) == 1);
	return len;
}

void connection(struct pair *p)
{
	socklen_t size = sizeof(struct quic_transport_param);
	pthread_t thread;
	union addr a;
	int ret;

	p->listener = quic_socket();
	OK(!opt_set(p->listener, QUIC_SOCKOPT_TRANSPORT_PARAM,
		    &p->server_params, size));
	set_events(p->listener, p->events);
	if (p->set_listener)
		p->set_listener(p->listener);
	OK(!bind(p->listener, &a.sa, local(p, &a, 0)));
	OK(!listen(p->listener, 16));
	if (p->listening)
		p->listening(port_of(p->listener));

	p->client = quic_socket();
	OK(!opt_set(p->client, QUIC_SOCKOPT_TRANSPORT_PARAM, &p->client_params,
		    size));
	set_events(p->client, p->events);
	if (p->set_client)
		p->set_client(p->client);
	OK(!connect(p->client, &a.sa,
		    local(p, &a, p->port ?: port_of(p->listener))));
	if (p->connected)
		p->connected(p->client);

	if (p->certificates)
		setenv("SSL_CERT_FILE", ca_file, 1);
	OK(!pthread_create(&thread, NULL, client_side, p));
	p->server = accept(p->listener, NULL, NULL);
	OK(p->server >= 0);
	if (p->accepted)
		p->accepted(p->server);
	if (p->certificates)
		ret = quic_server_handshake(p->server, key_file, cert_file, NULL);
	else
		ret = server_handshake(p->server);
	if (ret)
		FAIL("server handshake: %s", quic_strerror(ret));
	OK(!pthread_join(thread, NULL));
}

void disconnect(struct pair *p)
{
	close(p->client);
	close(p->server);
	close(p->listener);
}

void pair_talk(struct pair *p)
{
	char buf[6];

	EQ(quic_sendmsg(p->client, "hello", 6, 0, MSG_QUIC_STREAM_NEW), 6);
	EQ(read_stream(p->server, 0, buf, 6, NULL), 6);
	OK(!strcmp(buf, "hello"));
}

void pair_transfer(struct pair *p, size_t bytes)
{
	static char buf[65536], got[65536];
	size_t sent = 0, done = 0;
	ssize_t n;

	OK(!set_nonblock(p->client));
	OK(!set_nonblock(p->server));
	while (done < bytes) {
		n = bytes - sent < sizeof(buf) ? bytes - sent : sizeof(buf);
		if (n)
			n = quic_sendmsg(p->client, buf, n, 0,
					 MSG_QUIC_STREAM_NEW);
		if (n > 0)
			sent += n;
		n = read(p->server, got, sizeof(got));
		if (n > 0)
			done += n;
		else
			EQ(errno, EAGAIN);
	}
}

bool settled(int fd)
{
	struct quic_info info;
	socklen_t len = sizeof(info);

	OK(!opt_get(fd, QUIC_SOCKOPT_INFO, &info, &len));
	return !info.in_flight;
}

/* ---- CPUs ------------------------------------------------------------------ */

void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	OK(!sched_setaffinity(0, sizeof(set), &set));
}

void serve_cpu(int fd, int cpu)
{
	OK(!setsockopt(fd, SOL_SOCKET, SO_INCOMING_CPU, &cpu, sizeof(cpu)));
}

struct quic_info info_of(int fd)
{
	struct quic_info info;
	socklen_t len = sizeof(info);

	OK(!opt_get(fd, QUIC_SOCKOPT_INFO, &info, &len));
	return info;
}

/* ---- options --------------------------------------------------------------- */

int opt_set(int fd, int opt, const void *val, socklen_t len)
{
	return setsockopt(fd, SOL_QUIC, opt, val, len);
}

int opt_get(int fd, int opt, void *val, socklen_t *len)
{
	return getsockopt(fd, SOL_QUIC, opt, val, len);
}

void event_on(int fd, int event)
{
	struct quic_event_option ev = { .type = event, .on = 1 };

	OK(!opt_set(fd, QUIC_SOCKOPT_EVENT, &ev, sizeof(ev)));
}

int64_t stream_open(int fd, int64_t id, uint32_t flags)
{
	struct quic_stream_info info = { .stream_id = id, .stream_flags = flags };
	socklen_t len = sizeof(info);

	if (opt_get(fd, QUIC_SOCKOPT_STREAM_OPEN, &info, &len))
		return -1;
	EQ(len, sizeof(info));
	return info.stream_id;
}

int stream_reset(int fd, int64_t id, uint32_t code)
{
	struct quic_errinfo info = { .stream_id = id, .errcode = code };

	return opt_set(fd, QUIC_SOCKOPT_STREAM_RESET, &info, sizeof(info));
}

int stream_stop(int fd, int64_t id, uint32_t code)
{
	struct quic_errinfo info = { .stream_id = id, .errcode = code };

	return opt_set(fd, QUIC_SOCKOPT_STREAM_STOP_SENDING, &info, sizeof(info));
}

/* ---- receiving --------------------------------------------------------------- */

ssize_t receive(int fd, struct unit *u, size_t len, int flags)
{
	union {
		char buf[256];
		struct cmsghdr align;
	} control;
	struct iovec iov = { .iov_base = u->data, .iov_len = len };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control.buf, .msg_controllen = sizeof(control),
	};
	struct quic_stream_info info;
	struct cmsghdr *c;

	u->id = -1;
	u->flags = 0;
	u->level = -1;
	u->len = recvmsg(fd, &msg, flags);
	u->msg_flags = msg.msg_flags;
	if (u->len < 0)
		return u->len;
	for (c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
		EQ(c->cmsg_level, SOL_QUIC);
		if (c->cmsg_type == QUIC_STREAM_INFO) {
			EQ(c->cmsg_len, CMSG_LEN(sizeof(info)));
			memcpy(&info, CMSG_DATA(c), sizeof(info));
			u->id = info.stream_id;
			u->flags = info.stream_flags;
		} else {
			EQ(c->cmsg_type, QUIC_HANDSHAKE_INFO);
			EQ(c->cmsg_len, CMSG_LEN(1));
			u->level = *CMSG_DATA(c);
		}
	}
	return u->len;
}

void wait_event(int fd, int type, union quic_event *ev)
{
	static __thread struct unit u;	/* large, and readers may be threads */

	do {
		memset(&u.data, 0, 128);
		OK(receive(fd, &u, sizeof(u.data), 0) >= 0);
	} while (!(u.msg_flags & MSG_QUIC_NOTIFICATION) || u.data[0] != type);
	OK(u.msg_flags & MSG_EOR);
	memcpy(ev, u.data + 1, sizeof(*ev));
}

void wait_update(int fd, int64_t id, int state, struct quic_stream_update *up)
{
	union quic_event ev;

	do {
		wait_event(fd, QUIC_EVENT_STREAM_UPDATE, &ev);
	} while (ev.update.id != id || ev.update.state != state);
	if (up)
		*up = ev.update;
}

short poll_now(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT | POLLRDHUP };

	OK(poll(&p, 1, 0) >= 0);
	return p.revents;
}

void wait_poll(int fd, short bits)
{
	struct pollfd p = { .fd = fd, .events = bits };

	do {
		OK(poll(&p, 1, -1) >= 0);
	} while ((p.revents & bits) != bits);
}

size_t read_stream(int fd, int64_t id, void *buf, size_t len, bool *fin)
{
	static __thread struct unit u;	/* large, and readers may be threads */
	size_t done = 0, want;

	if (fin)
		*fin = false;
	while (done < len) {
		want = len - done;
		if (want > sizeof(u.data))
			want = sizeof(u.data);
		OK(receive(fd, &u, want, 0) >= 0);
		if (u.msg_flags & MSG_QUIC_NOTIFICATION)
			continue;
		EQ(u.level, -1);
		EQ(u.id, id);
		memcpy((char *)buf + done, u.data, u.len);
		done += u.len;
		if (u.flags & MSG_QUIC_STREAM_FIN) {
			if (fin)
				*fin = true;
			break;
		}
	}
	return done;
}

void wait_closed(int fd)
{
	static __thread struct unit u;	/* large, and readers may be threads */

	while (receive(fd, &u, sizeof(u.data), 0) >= 0)
		;
	EQ(errno, ENOTCONN);
}

/* ---- the kernel's figures ------------------------------------------------------- */

static bool look_up(const char *file, const char *name, unsigned long *value)
{
	FILE *f = fopen(file, "r");
	bool found = false;
	char word[64];

	OK(f);
	while (!found && fscanf(f, "%63s %lu", word, value) == 2)
		found = !strcmp(word, name);
	fclose(f);
	return found;
}

unsigned long counter(const char *name)
{
	unsigned long value;

	if (!look_up("/proc/self/net/quic/stats", name, &value) &&
	    !look_up("/proc/self/net/quic/snmp", name, &value))
		FAIL("no counter %s", name);
	return value;
}

void write_sysctl(const char *name, const char *value)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/proc/sys/net/quic/%s", name);
	fd = open(path, O_WRONLY);
	OK(fd >= 0);
	EQ(write(fd, value, strlen(value)), (ssize_t)strlen(value));
	close(fd);
}
