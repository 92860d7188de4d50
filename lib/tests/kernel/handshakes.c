// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * libquic over real QUIC sockets: both ends in this process, on the loopback.
 * Prints TAP.  Compiled and run by tests/kernel/run, where the module is.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/quic.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "certs.h"
#include "tap.h"

#define BULK	(1 << 20)

struct end {
	int		fd;
	int		result;
	char		text[512];
	uint32_t	cipher;		/* CONFIG, 0 for any */
	const char	*alpns;
};

struct meeting {
	int		family;
	int		listener;
	const char	*psk;		/* of both ends, or NULL */
	const char	*cert;
	const char	*hostname;
	const char	*listen_alpns;	/* option of the listener */
	void		(*after)(struct meeting *m, bool is_server);
	struct end	end[2];		/* client, server */
};

/* ---- sockets -------------------------------------------------------------- */

static socklen_t loopback(int family, struct sockaddr_storage *addr)
{
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)addr;
	struct sockaddr_in *v4 = (struct sockaddr_in *)addr;

	memset(addr, 0, sizeof(*addr));
	addr->ss_family = family;
	if (family == AF_INET) {
		v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		return sizeof(*v4);
	}
	v6->sin6_addr = in6addr_loopback;
	return sizeof(*v6);
}

static int listen_on(int family, const char *alpns)
{
	struct sockaddr_storage addr;
	socklen_t len = loopback(family, &addr);
	int fd = socket(family, SOCK_DGRAM, IPPROTO_QUIC);

	if (alpns && setsockopt(fd, SOL_QUIC, QUIC_SOCKOPT_ALPN, alpns,
				strlen(alpns)))
		perror("# ALPN");
	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, len) ||
	    listen(fd, 8)) {
		perror("# listener");
		exit(EXIT_FAILURE);
	}
	return fd;
}

static void choose_cipher(int fd, uint32_t cipher)
{
	struct quic_config config = { .payload_cipher_type = cipher };

	if (cipher && setsockopt(fd, SOL_QUIC, QUIC_SOCKOPT_CONFIG, &config,
				 sizeof(config)))
		perror("# CONFIG");
}

static int connect_to(int family, int listener)
{
	struct sockaddr_storage addr;
	socklen_t len = sizeof(addr);
	int fd = socket(family, SOCK_DGRAM, IPPROTO_QUIC);

	getsockname(listener, (struct sockaddr *)&addr, &len);
	if (connect(fd, (struct sockaddr *)&addr, len))
		perror("# connect");
	return fd;
}

/* ---- meetings ------------------------------------------------------------- */

static void note_result(struct end *end, int ret)
{
	end->result = ret;
	snprintf(end->text, sizeof(end->text), "%s", quic_strerror(ret));
}

static void *serve(void *arg)
{
	struct meeting *m = arg;
	struct end *end = &m->end[1];
	struct pollfd pfd = { .fd = m->listener, .events = POLLIN };

	if (poll(&pfd, 1, 10000) != 1) {
		end->result = -ETIME;
		return NULL;
	}
	end->fd = accept(m->listener, NULL, NULL);
	if (end->fd < 0) {
		end->result = -errno;
		return NULL;
	}
	note_result(end, quic_server_handshake(end->fd, m->psk ? m->psk :
					       certs.key, m->psk ? NULL :
					       m->cert, end->alpns));
	if (!end->result && m->after)
		m->after(m, true);
	close(end->fd);
	return NULL;
}

static void meet(struct meeting *m)
{
	struct end *end = &m->end[0];
	pthread_t thread;

	if (!m->family)
		m->family = AF_INET;
	if (!m->cert)
		m->cert = certs.good;
	m->listener = listen_on(m->family, m->listen_alpns);
	choose_cipher(m->listener, m->end[1].cipher);
	pthread_create(&thread, NULL, serve, m);

	end->fd = connect_to(m->family, m->listener);
	choose_cipher(end->fd, end->cipher);
	note_result(end, quic_client_handshake(end->fd, m->psk, m->hostname,
					       end->alpns));
	if (!end->result && m->after)
		m->after(m, false);
	if (end->result || !m->after)
		close(end->fd);
	pthread_join(thread, NULL);
	if (!end->result && m->after)
		close(end->fd);
	close(m->listener);
}

static void check_both(const struct meeting *m)
{
	check(!m->end[0].result, "client: %s", m->end[0].text);
	check(!m->end[1].result, "server: %d %s", m->end[1].result,
	      m->end[1].text);
}

/* ---- data ------------------------------------------------------------------- */

static bool send_bulk(int fd, int64_t stream, uint32_t flags)
{
	static const uint8_t block[4096] = { 1, 2, 3, 4, 5 };
	size_t done = 0;
	ssize_t len;

	while (done < BULK) {
		if (done + sizeof(block) == BULK)
			flags |= MSG_QUIC_STREAM_FIN;
		len = quic_sendmsg(fd, block, sizeof(block), stream, flags);
		if (len != (ssize_t)sizeof(block))
			return false;
		flags &= ~MSG_QUIC_STREAM_NEW;
		done += len;
	}
	return true;
}

static size_t recv_bulk(int fd, int64_t *stream)
{
	uint32_t flags = 0;
	size_t done = 0;
	char buf[65536];
	ssize_t len;

	while (!(flags & MSG_QUIC_STREAM_FIN)) {
		flags = 0;
		len = quic_recvmsg(fd, buf, sizeof(buf), stream, &flags);
		if (len < 0)
			break;
		done += len;
	}
	return done;
}

/* A MiB there and a MiB back, on one stream. */
static void exchange(struct meeting *m, bool is_server)
{
	int fd = m->end[is_server].fd;
	int64_t stream = 0;
	size_t len;

	if (!is_server)
		check(send_bulk(fd, 0, MSG_QUIC_STREAM_NEW), "client sends: %s",
		      strerror(errno));
	len = recv_bulk(fd, &stream);
	check(len == BULK && !stream, "%s received %zu on %lld: %s",
	      is_server ? "server" : "client", len, (long long)stream,
	      strerror(errno));
	if (is_server) {
		check(send_bulk(fd, 0, 0), "server sends: %s",
		      strerror(errno));
		recv_bulk(fd, &stream);	/* till the client closes */
	}
}

/* The client leaves first, the server sees it. */
static void exchange_and_leave(struct meeting *m, bool is_server)
{
	exchange(m, is_server);
	if (!is_server)
		shutdown(m->end[0].fd, SHUT_RDWR);
}

static void v4(void)
{
	struct meeting m = {
		.hostname = "localhost", .after = exchange_and_leave,
		.listen_alpns = "h3",
		.end = { { .alpns = "h3" }, { .alpns = "h3" } },
	};

	meet(&m);
	check_both(&m);
}

static void v6(void)
{
	struct meeting m = {
		.family = AF_INET6, .hostname = "localhost",
		.listen_alpns = "smb,h3", .after = exchange_and_leave,
		.end = { { .alpns = "h3" }, { .alpns = NULL } },
	};

	meet(&m);
	check_both(&m);
}

static void ciphers(void)
{
	uint32_t cipher;

	for (cipher = 51; cipher <= 54; cipher++) {
		struct meeting m = {
			.hostname = "localhost", .after = exchange_and_leave,
			.end = { { .alpns = "h3", .cipher = cipher },
				 { .alpns = "h3" } },
		};

		meet(&m);
		check(!m.end[0].result && !m.end[1].result, "%u: %s, %s",
		      cipher, m.end[0].text, m.end[1].text);
	}
}

static void psk(void)
{
	struct meeting m = {
		.psk = certs.psk, .after = exchange_and_leave,
		.end = { { .alpns = "smb" }, { .alpns = "smb" } },
	};

	meet(&m);
	check_both(&m);
}

/* ---- failures --------------------------------------------------------------- */

static void refused_cert(const char *cert, const char *hostname,
			 const char *code)
{
	struct meeting m = {
		.cert = cert, .hostname = hostname,
		.end = { { .alpns = "h3" }, { .alpns = "h3" } },
	};

	meet(&m);
	check(m.end[0].result == GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR,
	      "client: %d %s", m.end[0].result, m.end[0].text);
	check(m.end[1].result < 0 && strstr(m.end[1].text, code),
	      "server: %d %s", m.end[1].result, m.end[1].text);
}

static void certificates(void)
{
	refused_cert(certs.good, "example.org", "0x12a");
	refused_cert(certs.expired, "localhost", "0x12d");
	setenv("SSL_CERT_FILE", certs.other_ca, 1);
	refused_cert(certs.good, "localhost", "0x130");
	setenv("SSL_CERT_FILE", certs.ca, 1);
}

static void alpn(void)
{
	struct meeting m = {
		.hostname = "localhost",
		.end = { { .alpns = "h3" }, { .alpns = "smb" } },
	};

	meet(&m);
	check(m.end[1].result == GNUTLS_E_NO_APPLICATION_PROTOCOL,
	      "server: %d %s", m.end[1].result, m.end[1].text);
	check(m.end[0].result < 0 && strstr(m.end[0].text, "0x178"),
	      "client: %d %s", m.end[0].result, m.end[0].text);
}

static void nobody(void)
{
	struct sockaddr_storage addr;
	socklen_t len = sizeof(addr);
	int fd, ret;

	/* A port that was free a moment ago. */
	fd = listen_on(AF_INET, NULL);
	getsockname(fd, (struct sockaddr *)&addr, &len);
	close(fd);

	fd = socket(AF_INET, SOCK_DGRAM, IPPROTO_QUIC);
	check(!connect(fd, (struct sockaddr *)&addr, len), "%s",
	      strerror(errno));
	ret = quic_client_handshake(fd, NULL, "localhost", "h3");
	check(ret == -ECONNREFUSED, "%d %s", ret, quic_strerror(ret));
	close(fd);
}

static void not_quic(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	int ret = quic_client_handshake(fd, NULL, "localhost", "h3");

	check(ret < 0 && ret != -EINVAL, "%d %s", ret, quic_strerror(ret));
	close(fd);
	fd = listen_on(AF_INET, NULL);
	ret = quic_client_handshake(fd, NULL, "localhost", "h3");
	check(ret < 0, "a handshake on a listener: %s", quic_strerror(ret));
	close(fd);
}

int main(void)
{
	certs_make();
	setenv("SSL_CERT_FILE", certs.ca, 1);
	tap_run("IPv4, certificate, a MiB each way", v4);
	tap_run("IPv6, the listener's ALPN, a MiB each way", v6);
	tap_run("each cipher", ciphers);
	tap_run("pre-shared key", psk);
	tap_run("certificates refused, the server learns why", certificates);
	tap_run("no common protocol, the client learns why", alpn);
	tap_run("nobody listens", nobody);
	tap_run("not a connection", not_quic);
	certs_remove();
	return tap_done();
}
