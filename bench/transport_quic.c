// SPDX-License-Identifier: GPL-2.0
/*
 * QUIC in the kernel, with flow control windows so large that they are not
 * what is measured.
 */
#include <err.h>
#include <errno.h>
#include <netinet/quic.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include "perf.h"

#define IDLE_TIMEOUT_US		600000000	/* idle connections are kept */
#define TICKET_TIMEOUT_MS	5000
#define SESSION_MAX		16384

static void set(int fd, int option, const void *value, size_t len,
		const char *what)
{
	if (setsockopt(fd, SOL_QUIC, option, value, len))
		err(1, "%s", what);
}

static void prepare(int fd, const struct options *o)
{
	const struct quic_transport_param param = {
		.max_idle_timeout = IDLE_TIMEOUT_US,
		.max_streams_bidi = STREAMS_MAX,
		.max_data = o->window,
		.max_stream_data_bidi_local = o->window,
		.max_stream_data_bidi_remote = o->window,
		.max_stream_data_uni = o->window,
	};
	const struct quic_config config = {
		.payload_cipher_type = o->cipher->kernel,
	};

	set(fd, QUIC_SOCKOPT_TRANSPORT_PARAM, &param, sizeof(param),
	    "QUIC_SOCKOPT_TRANSPORT_PARAM");
	set(fd, QUIC_SOCKOPT_CONFIG, &config, sizeof(config),
	    "QUIC_SOCKOPT_CONFIG");
	set(fd, QUIC_SOCKOPT_ALPN, ALPN, strlen(ALPN), "QUIC_SOCKOPT_ALPN");
}

/* ---- handshake ------------------------------------------------------------- */

static int failed(int ret)
{
	warnx("handshake: %s", quic_strerror(ret));
	return -1;
}

static int begin(struct conn *c)
{
	const struct tls *tls = c->worker->tls;
	int ret = 0;

	c->session = tls_session(tls, c->fd);
	if (tls->o->server && tls->o->tickets)
		ret = quic_session_enable_tickets(c->session, 0);
	if (!ret && tls->session)
		ret = quic_session_set_data(c->session, tls->session,
					    tls->session_size);
	return ret ?: quic_handshake_init(c->session, &c->step);
}

/* False: not now. */
static bool do_step(struct conn *c)
{
	struct quic_handshake_step *step = c->step;
	bool send = step->op == QUIC_HANDSHAKE_STEP_OP_SENDMSG;
	ssize_t n = send ? sendmsg(c->fd, step->s_sendmsg.msg,
				   step->s_sendmsg.flags) :
			   recvmsg(c->fd, step->s_recvmsg.msg,
				   step->s_recvmsg.flags);

	if (n < 0 && errno == EAGAIN)
		return false;
	if (n < 0)
		n = -errno;
	if (send)
		step->s_sendmsg.retval = n;
	else
		step->s_recvmsg.retval = n;
	return true;
}

static int quic_conn_handshake(struct conn *c)
{
	int ret;

	if (!c->session) {
		ret = begin(c);
		if (ret)
			return failed(ret);
	}
	while (c->step) {
		if (!do_step(c))
			return 0;
		ret = quic_handshake_step(c->session, &c->step);
		if (ret)
			return failed(ret);
	}
	return 1;
}

static void quic_prime(struct tls *tls)
{
	int fd = net_connect(tls->o, true);
	gnutls_session_t session = tls_session(tls, fd);
	int ret = quic_handshake(session);

	if (ret)
		errx(1, "handshake: %s", quic_strerror(ret));
	tls->session = malloc(SESSION_MAX);
	if (!tls->session)
		err(1, NULL);
	for (int ms = 0; ms < TICKET_TIMEOUT_MS; ms++) {
		tls->session_size = SESSION_MAX;
		ret = quic_session_get_data(session, tls->session,
					    &tls->session_size);
		if (ret)
			errx(1, "session: %s", quic_strerror(ret));
		if (tls->session_size)
			break;
		poll(NULL, 0, 1);
	}
	if (!tls->session_size)
		errx(1, "the server has given no ticket");
	gnutls_deinit(session);
	close(fd);
}

/* ---- data ------------------------------------------------------------------ */

static ssize_t quic_send(struct conn *c, int64_t stream, const void *data,
			 size_t len, bool fin)
{
	return quic_sendmsg(c->fd, data, len, stream,
			    MSG_NOSIGNAL | MSG_DONTWAIT | MSG_QUIC_STREAM_NEW |
			    (fin ? MSG_QUIC_STREAM_FIN : 0));
}

/* It names no stream, so it goes to the active one. */
static ssize_t quic_sendfile(struct conn *c, int64_t stream, int file,
			     off_t offset, size_t len)
{
	const struct quic_stream_info info = { .stream_id = stream };

	if (c->active != stream &&
	    setsockopt(c->fd, SOL_QUIC, QUIC_SOCKOPT_STREAM_ACTIVE, &info,
		       sizeof(info)))
		return -1;
	c->active = stream;
	return sendfile(c->fd, file, &offset, len);
}

static ssize_t quic_recv(struct conn *c, void *data, size_t len, int64_t *stream,
			 bool *fin)
{
	uint32_t flags = MSG_DONTWAIT;
	ssize_t n = quic_recvmsg(c->fd, data, len, stream, &flags);

	*fin = flags & MSG_QUIC_STREAM_FIN;
	return n;
}

const struct transport transport_quic = {
	.name = "quic",
	.has_tls = true,
	.has_streams = true,
	.type = SOCK_DGRAM,
	.protocol = IPPROTO_QUIC,
	.prepare = prepare,
	.prime = quic_prime,
	.handshake = quic_conn_handshake,
	.send = quic_send,
	.sendfile = quic_sendfile,
	.recv = quic_recv,
};
