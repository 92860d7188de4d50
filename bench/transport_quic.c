// SPDX-License-Identifier: GPL-2.0
/*
 * QUIC in the kernel: stream 0 of a connection, with flow control windows so
 * large that they are not what is measured.
 */
#include <err.h>
#include <errno.h>
#include <linux/tls.h>
#include <netinet/quic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "perf.h"

#define ALPN	"perf"	/* draft-banks-quic-performance */
#define STREAM	0	/* the client's first bidirectional one */

static void set(int fd, int option, const void *value, size_t len,
		const char *what)
{
	if (setsockopt(fd, SOL_QUIC, option, value, len))
		err(1, "%s", what);
}

static void prepare(int fd, const struct options *o)
{
	const struct quic_transport_param param = {
		.max_data = o->window,
		.max_stream_data_bidi_local = o->window,
		.max_stream_data_bidi_remote = o->window,
		.max_stream_data_uni = o->window,
	};
	const struct quic_config config = {
		.payload_cipher_type = TLS_CIPHER_AES_GCM_128,
	};

	set(fd, QUIC_SOCKOPT_TRANSPORT_PARAM, &param, sizeof(param),
	    "QUIC_SOCKOPT_TRANSPORT_PARAM");
	set(fd, QUIC_SOCKOPT_CONFIG, &config, sizeof(config),
	    "QUIC_SOCKOPT_CONFIG");
	set(fd, QUIC_SOCKOPT_ALPN, ALPN, sizeof(ALPN) - 1, "QUIC_SOCKOPT_ALPN");
}

static int quic_listen(const struct options *o)
{
	return net_listen(o, SOCK_DGRAM, IPPROTO_QUIC, prepare);
}

static int quic_accept(int fd, const struct options *o)
{
	int conn = accept(fd, NULL, NULL);
	int ret;

	if (conn < 0)
		err(1, "accept");
	ret = quic_server_handshake(conn, o->key, o->cert, ALPN);
	if (ret)
		errx(1, "handshake: %s", quic_strerror(ret));
	return conn;
}

static int quic_connect(const struct options *o)
{
	int fd = net_connect(o, SOCK_DGRAM, IPPROTO_QUIC, prepare);
	int ret;

	if (o->ca && setenv("SSL_CERT_FILE", o->ca, 1))
		err(1, NULL);
	ret = quic_client_handshake(fd, NULL, o->host, ALPN);
	if (ret)
		errx(1, "handshake: %s", quic_strerror(ret));
	return fd;
}

static void quic_send(int fd, const void *data, size_t len, bool fin)
{
	const char *p = data;

	do {
		ssize_t n = quic_sendmsg(fd, p, len, STREAM,
					 MSG_QUIC_STREAM_NEW |
					 (fin ? MSG_QUIC_STREAM_FIN : 0));

		if (n < 0)
			err(1, "quic_sendmsg");
		p += n;
		len -= n;
	} while (len);
}

static ssize_t quic_recv(int fd, void *data, size_t len, bool *fin)
{
	uint32_t flags = 0;
	ssize_t n = quic_recvmsg(fd, data, len, NULL, &flags);

	*fin = flags & MSG_QUIC_STREAM_FIN;
	return n;
}

const struct transport transport_quic = {
	.name = "quic",
	.listen = quic_listen,
	.accept = quic_accept,
	.connect = quic_connect,
	.send = quic_send,
	.recv = quic_recv,
};
