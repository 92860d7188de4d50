// SPDX-License-Identifier: GPL-2.0
/*
 * A QUIC connection over a kernel socket, without blocking.
 *
 * Owns the socket, its TLS handshake through libquic's step interface, and
 * the way from recvmsg() to the application protocol: stream bytes, events,
 * the end of the connection.  send.c has the other direction.  Both tools
 * poll the socket in a loop of their own and call conn_ready().
 */
#include "conn.h"

#include <errno.h>
#include <linux/sockios.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "array.h"
#include "session.h"

/* One recvmsg() takes what many packets brought. */
#define RECV_SIZE	(256 * 1024)
/* recvmsg() calls before another connection gets its turn. */
#define RECV_BUDGET	64

/* Shared by all connections: its bytes are used up before the next call. */
static _Thread_local uint8_t recv_buffer[RECV_SIZE];

uint64_t clock_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000ULL + ts.tv_nsec / 1000;
}

void conn_name(char *name, size_t size, const struct sockaddr *addr,
	       socklen_t len)
{
	char host[INET6_ADDRSTRLEN], port[6];

	if (getnameinfo(addr, len, host, sizeof(host), port, sizeof(port),
			NI_NUMERICHOST | NI_NUMERICSERV))
		snprintf(name, size, "?");
	else
		snprintf(name, size, strchr(host, ':') ? "[%s]:%s" : "%s:%s",
			 host, port);
}

/* ---- the end ------------------------------------------------------------ */

static void set_close(struct conn *c, uint32_t code)
{
	struct quic_connection_close info = { .errcode = code };

	setsockopt(c->fd, SOL_QUIC, QUIC_SOCKOPT_CONNECTION_CLOSE, &info,
		   sizeof(info));
}

void conn_fail(struct conn *c, enum conn_end end, uint32_t code,
	       const char *format, ...)
{
	va_list args;

	if (c->state == CONN_CLOSED)
		return;
	if (c->state == CONN_OPEN)
		set_close(c, code);
	c->state = CONN_CLOSED;
	c->end = end;
	va_start(args, format);
	vsnprintf(c->why, sizeof(c->why), format, args);
	va_end(args);
}

void conn_finish(struct conn *c)
{
	if (c->state == CONN_OPEN)
		set_close(c, c->ops->no_error);
	c->state = CONN_CLOSED;
}

static const char *transport_error(uint32_t code)
{
	static const char *const names[] = {
		"no error", "internal error", "connection refused",
		"flow control error", "stream limit error",
		"stream state error", "final size error",
		"frame encoding error", "transport parameter error",
		"connection ID limit error", "protocol violation",
		"invalid token", "application error",
		"crypto buffer exceeded", "key update error",
		"AEAD limit reached", "no viable path",
		"version negotiation error",
	};

	return code < ARRAY_SIZE(names) ? names[code] : "";
}

/* No code and no words: the kernel's idle timeout looks like this as well. */
static bool is_mute(const struct quic_connection_close *i)
{
	return !i->errcode && !i->phrase[0];
}

/* Only in the handshake can codes be told apart: afterwards the application
 * uses the same numbers.
 */
static void describe_close(struct conn *c, const struct quic_connection_close *i)
{
	const char *alert;
	char phrase[QUIC_CLOSE_PHRASE_BUFFER_SIZE + 1] = "";

	for (size_t n = 0; n < sizeof(i->phrase) && i->phrase[n]; n++)
		phrase[n] = i->phrase[n] >= ' ' && i->phrase[n] <= '~' ?
			    i->phrase[n] : '?';

	c->peer_code = i->errcode;
	if (c->state == CONN_HANDSHAKE && i->errcode >> 8 == 1) {
		c->end = CONN_END_TLS;
		alert = gnutls_alert_get_name(i->errcode & 0xff);
		snprintf(c->why, sizeof(c->why),
			 "the peer refused the handshake: %s%s%s",
			 alert ? alert : "unknown TLS alert",
			 *phrase ? ": " : "", phrase);
		return;
	}
	c->end = CONN_END_PEER;
	if (c->state == CONN_HANDSHAKE &&
	    i->errcode == QUIC_TRANSPORT_ERROR_CONNECTION_REFUSED)
		c->end = CONN_END_REFUSED;
	if (c->state == CONN_OPEN && i->errcode == c->ops->no_error) {
		snprintf(c->why, sizeof(c->why),
			 "the peer closed the connection%s%s",
			 *phrase ? ": " : "", phrase);
		return;
	}
	snprintf(c->why, sizeof(c->why),
		 "the peer closed the connection (error 0x%x%s%s)%s%s",
		 i->errcode, c->state == CONN_HANDSHAKE ? ", " : "",
		 c->state == CONN_HANDSHAKE ? transport_error(i->errcode) : "",
		 *phrase ? ": " : "", phrase);
}

/* The end that an errno of the socket stands for. */
static void fail_as(struct conn *c, int err)
{
	switch (err) {
	case ECONNREFUSED:
		conn_fail(c, CONN_END_REFUSED, 0, "connection refused");
		break;
	case EHOSTUNREACH:
	case ENETUNREACH:
	case EACCES:
	case EADDRNOTAVAIL:
		conn_fail(c, CONN_END_REFUSED, 0, "%s", strerror(err));
		break;
	case ETIMEDOUT:
		conn_fail(c, CONN_END_TIMEOUT, 0, "the connection timed out");
		break;
	default:
		conn_fail(c, CONN_END_ERROR, 0, "%s", strerror(err));
	}
}

/* These only say that the connection is over. */
static bool is_end(int err)
{
	return err == ENOTCONN || err == EPIPE || err == ECONNRESET;
}

/* The connection is over: find out why.  The peer's word counts most; without
 * one err, or the socket, may tell; else the peer closed without a reason.
 */
static void closed(struct conn *c, int err)
{
	struct quic_connection_close info = {};
	socklen_t len = sizeof(info);

	if (!c->end) {
		getsockopt(c->fd, SOL_QUIC, QUIC_SOCKOPT_CONNECTION_CLOSE,
			   &info, &len);
		len = sizeof(err);
		if (is_end(err))
			getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &len);
		if (is_mute(&info) && err && !is_end(err)) {
			fail_as(c, err);
			return;
		}
		describe_close(c, &info);
	}
	c->state = CONN_CLOSED;
}

static void fail_errno(struct conn *c, int err)
{
	if (is_end(err))
		closed(c, err);
	else
		fail_as(c, err);
}

/* ---- the handshake ------------------------------------------------------ */

/* Without these a sender could not resume and a reset would go unseen.  They
 * come after the handshake because libquic reads nothing else before.
 */
static bool enable_events(struct conn *c)
{
	static const uint8_t types[] = {
		QUIC_EVENT_STREAM_UPDATE, QUIC_EVENT_STREAM_MAX_DATA,
		QUIC_EVENT_STREAM_MAX_STREAM, QUIC_EVENT_CONNECTION_CLOSE,
	};

	for (size_t i = 0; i < sizeof(types); i++) {
		struct quic_event_option option = { types[i], 1 };

		if (setsockopt(c->fd, SOL_QUIC, QUIC_SOCKOPT_EVENT, &option,
			       sizeof(option))) {
			fail_errno(c, errno);
			return false;
		}
	}
	return true;
}

/* What the kernel chose, for the reports. */
static void describe_transport(struct conn *c)
{
	struct quic_config config = {};
	socklen_t len = sizeof(config);

	getsockopt(c->fd, SOL_QUIC, QUIC_SOCKOPT_CONFIG, &config, &len);
	c->version = config.version == QUIC_VERSION_V1 ? "v1" :
		     config.version == QUIC_VERSION_V2 ? "v2" : "unknown";
	len = sizeof(c->cc) - 1;
	if (getsockopt(c->fd, SOL_QUIC, QUIC_SOCKOPT_CONGESTION, c->cc, &len))
		snprintf(c->cc, sizeof(c->cc), "unknown");
}

static void free_session(struct conn *c)
{
	if (c->session) {
		quic_handshake_deinit(c->session);
		gnutls_deinit(c->session);
	}
	c->session = NULL;
	tls_put(c->cred);
	c->cred = NULL;
}

/* The protocol that both speak; none if c->ops stays NULL. */
static void choose_protocol(struct conn *c)
{
	tls_alpn(c->session, c->alpn, sizeof(c->alpn));
	for (int i = 0; c->protocols[i] && !c->ops; i++)
		if (!strcmp(c->protocols[i]->alpn, c->alpn))
			c->ops = c->protocols[i];
}

static void opened(struct conn *c)
{
	c->opened = clock_us();
	c->heard = c->opened;
	choose_protocol(c);
	snprintf(c->cipher, sizeof(c->cipher), "%s", tls_cipher(c->session));
	describe_transport(c);
	c->resumed = gnutls_session_is_resumed(c->session);
	quic_handshake_deinit(c->session);
	if (!c->keep_session)
		free_session(c);

	if (!c->ops || strcmp(c->ops->alpn, c->alpn)) {
		conn_fail(c, CONN_END_TLS, 0, "no common protocol (ALPN)");
		return;
	}
	if (!enable_events(c))
		return;
	c->state = CONN_OPEN;
	if (c->on_open)
		c->on_open(c);
	/* What went early may have met a limit that is no more. */
	if (!(c->early ? c->ops->credit(c, -1) : c->ops->open(c)))
		c->state = CONN_CLOSED;
}

/* May we open the streams that the protocol needs?  A peer that lets us not is told,
 * with the protocol's code, which takes a handshake that is over.
 */
static bool allows_streams(const struct conn *c)
{
	struct quic_transport_param peer = { .remote = 1 };
	socklen_t len = sizeof(peer);

	return !getsockopt(c->fd, SOL_QUIC, QUIC_SOCKOPT_TRANSPORT_PARAM, &peer,
			   &len) &&
	       peer.max_streams_uni >= c->ops->own_streams;
}

/* A server may send as soon as its Finished has gone (RFC 9001 section 5.7), and
 * HTTP/3 wants its settings then (RFC 9114 section 7.2.4.2): a client keeps them
 * with the session ticket, if it has them by the time that comes.  False: it failed.
 */
static bool greet(struct conn *c)
{
	if (!c->tls->server || c->early ||
	    c->step->op != QUIC_HANDSHAKE_STEP_OP_RECVMSG ||
	    gnutls_handshake_get_last_out(c->session) != GNUTLS_HANDSHAKE_FINISHED)
		return true;
	choose_protocol(c);
	if (!c->ops || !allows_streams(c))
		return true;
	c->early = true;
	if (c->ops->open(c) && c->ops->write(c))
		return true;
	c->state = CONN_CLOSED;
	return false;
}

static void fail_handshake(struct conn *c, int err)
{
	char text[160];

	/* It was the socket, whose error libquic has asked for. */
	if (c->io_error) {
		closed(c, is_end(c->io_error) ? -err : c->io_error);
		return;
	}
	tls_explain(c->session, err, text, sizeof(text));
	conn_fail(c, CONN_END_TLS, 0, "%s", text);
}

/* Do the I/O that libquic asks for.  False: the socket is not ready. */
static bool do_step(struct conn *c)
{
	struct quic_handshake_step *step = c->step;
	ssize_t *ret, n;

	if (step->op == QUIC_HANDSHAKE_STEP_OP_SENDMSG) {
		n = sendmsg(c->fd, step->s_sendmsg.msg,
			    step->s_sendmsg.flags | MSG_DONTWAIT);
		ret = &step->s_sendmsg.retval;
	} else {
		n = recvmsg(c->fd, step->s_recvmsg.msg,
			    step->s_recvmsg.flags | MSG_DONTWAIT);
		ret = &step->s_recvmsg.retval;
	}
	if (n < 0) {
		if (errno == EAGAIN || errno == EINTR)
			return false;
		c->io_error = errno;
		n = -errno;
	}
	*ret = n;
	c->heard = clock_us();
	return true;
}

static void begin(struct conn *c);

static void handshake(struct conn *c)
{
	while (c->step) {
		int err;

		if (!greet(c) || !do_step(c))
			return;
		err = quic_handshake_step(c->session, &c->step);
		if (err == -ERESTART) {
			/* The server has another version of QUIC. */
			free_session(c);
			c->step = NULL;
			c->io_error = 0;
			begin(c);
			return;
		}
		if (err) {
			fail_handshake(c, err);
			return;
		}
	}
	opened(c);
}

/* Requests before the handshake, under the parameters of the last one. */
static bool write_early(struct conn *c, const struct tls *tls)
{
	const struct quic_transport_param *params = &tls->resume->params;

	if (setsockopt(c->fd, SOL_QUIC, QUIC_SOCKOPT_TRANSPORT_PARAM, params,
		       sizeof(*params)))
		return true;		/* then without */
	c->early = true;
	c->ops = c->protocols[0];
	return c->ops->open(c) && c->ops->write(c);
}

static void begin(struct conn *c)
{
	struct tls *tls = c->tls;
	int err;

	c->state = CONN_HANDSHAKE;
	c->began = clock_us();
	c->heard = c->began;
	c->cred = tls_get(tls);
	err = tls_session(tls, c->cred, c->fd, c->host, &c->session);
	if (err) {
		conn_fail(c, CONN_END_TLS, 0, "%s", gnutls_strerror(err));
		return;
	}
	if (tls->early_data && tls->resume && !c->early && !write_early(c, tls)) {
		c->state = CONN_CLOSED;
		return;
	}
	err = quic_handshake_init(c->session, &c->step);
	if (err)
		fail_handshake(c, err);
	else
		handshake(c);
}

void conn_connect(struct conn *c, struct tls *tls,
		  const struct sockaddr *addr, socklen_t len, const char *host)
{
	c->fd = socket(addr->sa_family,
		       SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
		       IPPROTO_QUIC);
	if (c->fd < 0) {
		if (errno == EPROTONOSUPPORT || errno == ESOCKTNOSUPPORT)
			conn_fail(c, CONN_END_MODULE, 0,
				  "the kernel has no QUIC; load it with: modprobe quic");
		else
			fail_errno(c, errno);
		return;
	}
	c->tls = tls;
	c->host = host;
	/* A token of --token counts for more. */
	if (tls->resume && tls->resume->token_size)
		setsockopt(c->fd, SOL_QUIC, QUIC_SOCKOPT_TOKEN,
			   tls->resume->token, tls->resume->token_size);
	if (!contact_begin(c) || connect(c->fd, addr, len) ||
	    !contact_connected(c))
		fail_errno(c, errno);
	else
		begin(c);
}

void conn_accepted(struct conn *c, struct tls *tls, int fd)
{
	c->fd = fd;
	c->tls = tls;
	c->host = NULL;
	begin(c);
}

/* ---- receiving ---------------------------------------------------------- */

static bool stream_update(struct conn *c, const struct quic_stream_update *u)
{
	switch (u->state) {
	case QUIC_STREAM_RECV_STATE_RESET_RECVD:
		return c->ops->reset(c, u->id, u->errcode);
	case QUIC_STREAM_SEND_STATE_RESET_SENT:
		return c->ops->stopped(c, u->id, u->errcode);
	default:
		return true;
	}
}

/* The event follows its type byte, unaligned. */
static bool event(struct conn *c, const uint8_t *data, size_t n)
{
	union quic_event ev = {};

	if (!n)
		return true;
	n--;
	memcpy(&ev, data + 1, n < sizeof(ev) ? n : sizeof(ev));
	switch (data[0]) {
	case QUIC_EVENT_STREAM_UPDATE:
		return n < sizeof(ev.update) || stream_update(c, &ev.update);
	case QUIC_EVENT_STREAM_MAX_DATA:
		return n < sizeof(ev.max_data) ||
		       c->ops->credit(c, ev.max_data.id);
	case QUIC_EVENT_STREAM_MAX_STREAM:
		return c->ops->credit(c, -1);
	case QUIC_EVENT_CONNECTION_CLOSE:
		/* Bytes that came before may still be queued: read on. */
		if (!is_mute(&ev.close))
			describe_close(c, &ev.close);
		return true;
	default:
		return true;
	}
}

static const struct quic_stream_info *stream_info(struct msghdr *msg,
						  struct quic_stream_info *info)
{
	struct cmsghdr *cmsg;

	for (cmsg = CMSG_FIRSTHDR(msg); cmsg; cmsg = CMSG_NXTHDR(msg, cmsg)) {
		if (cmsg->cmsg_level != SOL_QUIC ||
		    cmsg->cmsg_type != QUIC_STREAM_INFO ||
		    cmsg->cmsg_len < CMSG_LEN(sizeof(*info)))
			continue;
		memcpy(info, CMSG_DATA(cmsg), sizeof(*info));
		return info;
	}
	return NULL;
}

/* It is refused until the last one was acknowledged: then at the next bytes. */
static bool count(struct conn *c, size_t n)
{
	c->received += n;
	if (c->update_keys && c->received >= c->update_keys &&
	    !setsockopt(c->fd, SOL_QUIC, QUIC_SOCKOPT_KEY_UPDATE, NULL, 0))
		c->update_keys = 0;
	return true;
}

/* One recvmsg().  False: nothing more to read now. */
static bool receive_one(struct conn *c)
{
	char control[CMSG_SPACE(sizeof(struct quic_stream_info)) +
		     CMSG_SPACE(sizeof(struct quic_handshake_info))];
	struct iovec iov = { recv_buffer, sizeof(recv_buffer) };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct quic_stream_info info;
	bool ok = true;
	ssize_t n;

	n = recvmsg(c->fd, &msg, MSG_DONTWAIT);
	if (n < 0) {
		if (errno != EAGAIN && errno != EINTR)
			fail_errno(c, errno);
		return false;
	}
	c->heard = clock_us();
	if (msg.msg_flags & MSG_QUIC_NOTIFICATION)
		ok = event(c, recv_buffer, n);
	else if (stream_info(&msg, &info))
		ok = count(c, n) && c->ops->data(c, info.stream_id, recv_buffer, n,
				  info.stream_flags & MSG_QUIC_STREAM_FIN);
	else if (!n)
		closed(c, ENOTCONN);	/* nothing should say so: never spin */
	if (!ok)
		c->state = CONN_CLOSED;
	return c->state == CONN_OPEN;
}

const char *conn_early_data(const struct conn *c)
{
	static const char *const names[] = {
		"none", "offered", "accepted", "rejected",
	};
	uint32_t value = 0;
	socklen_t len = sizeof(value);

	getsockopt(c->fd, SOL_QUIC, QUIC_SOCKOPT_EARLY_DATA, &value, &len);
	return value < ARRAY_SIZE(names) ? names[value] : "unknown";
}

/* ---- the loop's side ---------------------------------------------------- */

short conn_events(const struct conn *c)
{
	bool out = c->full || c->more;

	if (c->state == CONN_HANDSHAKE)
		out = c->step && c->step->op == QUIC_HANDSHAKE_STEP_OP_SENDMSG;
	return out ? POLLIN | POLLOUT : POLLIN;
}

static void write_more(struct conn *c)
{
	c->more = false;
	if (!c->full && !c->ops->write(c))
		c->state = CONN_CLOSED;
}

void conn_ready(struct conn *c, short events)
{
	if (c->state == CONN_HANDSHAKE)
		handshake(c);
	if (events & POLLOUT)
		c->full = false;
	if (events & ~POLLOUT)
		for (int i = 0; i < RECV_BUDGET && c->state == CONN_OPEN; i++)
			if (!receive_one(c))
				break;
	if (c->state == CONN_OPEN)
		write_more(c);
}

void conn_retry(struct conn *c)
{
	if (c->state != CONN_OPEN || !c->blocked)
		return;
	c->blocked = false;
	if (!c->ops->credit(c, -1))
		c->state = CONN_CLOSED;
	else
		write_more(c);
}

void conn_drain(struct conn *c, bool last)
{
	if (c->state != CONN_OPEN || !c->ops->drain)
		return;
	if (!c->ops->drain(c, last))
		c->state = CONN_CLOSED;
	else
		write_more(c);
}

/* What the peer has not acknowledged would be lost with the connection. */
bool conn_is_idle(const struct conn *c)
{
	int unsent;

	return c->state == CONN_OPEN && !c->more && c->ops->idle(c) &&
	       !(ioctl(c->fd, SIOCOUTQ, &unsent) == 0 && unsent);
}

void conn_release(struct conn *c)
{
	c->state = CONN_CLOSED;
	if (c->ops && c->app)
		c->ops->close(c);
	c->app = NULL;
	free_session(c);
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}
