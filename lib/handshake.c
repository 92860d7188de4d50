// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The handshake: GnuTLS on one side, the socket on the other.
 *
 *	GnuTLS --(callbacks)--> flight --(play)--> setsockopt, sendmsg step
 *	recvmsg step --(take_input)--> gnutls_handshake_write --> GnuTLS
 *
 * RUNNING	the flight is played; when it is empty the caller receives
 * FINISHING	gnutls_handshake() has returned 0; the flight is played out
 * TICKET	a server's session ticket, which may fail, is played
 * DONE, FAILED	nothing more to do
 *
 * Socket options are used at once, for they do not block; sendmsg and recvmsg
 * are left to the caller, one step at a time.  quic_handshake() is one such
 * caller.  No lock: a session belongs to one thread at a time.
 *
 * RFC 9001 sections 4 (TLS messages and keys), 4.8 (alerts), 8 (extensions).
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "internal.h"

#define TICK_MS		1000	/* quic_handshake() looks up so often, */
#define LIMIT_MS	40000	/* and gives up after that */

/* ---- steps --------------------------------------------------------------- */

static void prepare_msg(struct quic_handshake *hs, void *data, size_t len)
{
	hs->iov.iov_base = data;
	hs->iov.iov_len = len;
	memset(hs->control, 0, sizeof(hs->control));
	hs->msg = (struct msghdr) {
		.msg_iov = &hs->iov,
		.msg_iovlen = 1,
		.msg_control = hs->control,
		.msg_controllen = sizeof(hs->control),
	};
}

static void prepare_send(struct quic_handshake *hs)
{
	struct quic_flight_item *item = hs->flight.head;
	struct quic_handshake_info info = { .crypto_level = item->level };
	struct cmsghdr *cmsg;

	prepare_msg(hs, item->data, item->len);
	hs->msg.msg_controllen = CMSG_SPACE(sizeof(info));
	cmsg = CMSG_FIRSTHDR(&hs->msg);
	cmsg->cmsg_level = SOL_QUIC;
	cmsg->cmsg_type = QUIC_HANDSHAKE_INFO;
	cmsg->cmsg_len = CMSG_LEN(sizeof(info));
	memcpy(CMSG_DATA(cmsg), &info, sizeof(info));

	hs->step.op = QUIC_HANDSHAKE_STEP_OP_SENDMSG;
	hs->step.s_sendmsg = (struct quic_handshake_step_sendmsg) {
		.msg = &hs->msg,
		.flags = MSG_NOSIGNAL,
		.retval = -EUCLEAN,
	};
	if (quic_flight_has_more(&hs->flight))
		hs->step.s_sendmsg.flags |= MSG_MORE;
}

static void prepare_recv(struct quic_handshake *hs)
{
	prepare_msg(hs, hs->input, sizeof(hs->input));
	hs->step.op = QUIC_HANDSHAKE_STEP_OP_RECVMSG;
	hs->step.s_recvmsg = (struct quic_handshake_step_recvmsg) {
		.msg = &hs->msg,
		.flags = MSG_DONTWAIT,
		.retval = -EUCLEAN,
	};
}

/* What the server made of the early data, before the kernel sends any other. */
static void tell_early_data(struct quic_handshake *hs)
{
	uint32_t result = gnutls_session_get_flags(hs->tls) &
			  GNUTLS_SFLAGS_EARLY_DATA ?
			  QUIC_EARLY_DATA_ACCEPTED : QUIC_EARLY_DATA_REJECTED;

	hs->early_offered = false;
	quic_log(LOG_DEBUG, "early data %s",
		 result == QUIC_EARLY_DATA_ACCEPTED ? "accepted" : "rejected");
	if (setsockopt(hs->fd, SOL_QUIC, QUIC_SOCKOPT_EARLY_DATA, &result,
		       sizeof(result)))
		quic_log(LOG_INFO, "result of early data: %s",
			 strerror(errno));
}

/* Early data is a bonus: a kernel without it is no reason to fail. */
static int install_secret(struct quic_handshake *hs)
{
	struct quic_flight_item *item = hs->flight.head;
	uint8_t level = item->level;
	int ret;

	if (level == QUIC_CRYPTO_APP && hs->early_offered)
		tell_early_data(hs);
	ret = setsockopt(hs->fd, SOL_QUIC, QUIC_SOCKOPT_CRYPTO_SECRET,
			 item->data, item->len);
	quic_flight_pop(&hs->flight);
	if (!ret) {
		hs->early_offered |= level == QUIC_CRYPTO_EARLY &&
				     !hs->is_server;
		return 0;
	}
	if (errno == EPIPE)	/* as after early data under lower limits */
		return quic_fail_io(hs, -EPIPE, "securing");
	if (level == QUIC_CRYPTO_EARLY) {
		quic_log(LOG_INFO, "no early data: %s", strerror(errno));
		return 0;
	}
	hs->state = QUIC_HS_FAILED;
	return quic_error_sys(-errno, "setting a secret of level %u", level);
}

/* Hand the flight to the kernel.  1 if a message is left to the caller. */
static int play(struct quic_handshake *hs)
{
	int ret;

	while (hs->flight.head) {
		if (!hs->flight.head->is_secret) {
			prepare_send(hs);
			return 1;
		}
		ret = install_secret(hs);
		if (ret)
			return ret;
	}
	return 0;
}

/* Let GnuTLS work on what it has. */
static int run_tls(struct quic_handshake *hs)
{
	int ret = gnutls_handshake(hs->tls);

	if (!ret) {
		hs->state = QUIC_HS_FINISHING;
		return 0;
	}
	/* Not fatal: GnuTLS, or a hook of the program, wants to be called
	 * again later.
	 */
	return gnutls_error_is_fatal(ret) ? quic_fail_tls(hs, ret) : 0;
}

/* Best effort, unless GnuTLS has sent one by itself (a session made without
 * GNUTLS_NO_AUTO_SEND_TICKET).  It says nothing if the client cannot use one.
 */
static void queue_ticket(struct quic_handshake *hs)
{
	int ret;

	if (!hs->is_server || hs->ticket_queued)
		return;
	ret = quic_replay_send_ticket(hs->tls);
	if (ret < 0)
		quic_log(LOG_DEBUG, "no session ticket: %s",
			 gnutls_strerror(ret));
}

static int next_step(struct quic_handshake *hs,
		     struct quic_handshake_step **pstep)
{
	int ret;

	for (;;) {
		ret = play(hs);
		if (ret < 0)
			return ret;
		if (ret > 0)
			break;

		if (hs->state == QUIC_HS_RUNNING) {
			prepare_recv(hs);
			break;
		}
		if (hs->state == QUIC_HS_TICKET) {
			hs->state = QUIC_HS_DONE;
			quic_log(LOG_DEBUG, "handshake complete");
			return 0;
		}
		hs->state = QUIC_HS_TICKET;
		queue_ticket(hs);
	}
	*pstep = &hs->step;
	return 0;
}

/* Bytes of the application level are tickets: the handshake is complete
 * without them, whether or not the kernel takes them.
 */
static int finish_send(struct quic_handshake *hs)
{
	struct quic_flight_item *item = hs->flight.head;
	ssize_t retval = hs->step.s_sendmsg.retval;
	uint8_t level = item->level;
	size_t len = item->len;

	if (retval == -EAGAIN || retval == -EINTR)
		return 0;
	quic_flight_pop(&hs->flight);
	if (retval == (ssize_t)len)
		return 0;
	if (level == QUIC_CRYPTO_APP) {
		quic_log(LOG_INFO, "session ticket not sent: %s",
			 retval < 0 ? strerror(-retval) : "short write");
		return 0;
	}
	if (retval < 0)
		return quic_fail_io(hs, retval, "sending");
	hs->state = QUIC_HS_FAILED;
	return quic_error_sys(-EMSGSIZE, "sent %zd of %zu handshake bytes",
			      retval, len);
}

static int tls_level(uint8_t level)
{
	switch (level) {
	case QUIC_CRYPTO_INITIAL:
		return GNUTLS_ENCRYPTION_LEVEL_INITIAL;
	case QUIC_CRYPTO_HANDSHAKE:
		return GNUTLS_ENCRYPTION_LEVEL_HANDSHAKE;
	case QUIC_CRYPTO_APP:
		return GNUTLS_ENCRYPTION_LEVEL_APPLICATION;
	default:
		return -EBADMSG;
	}
}

static int find_level(struct msghdr *msg)
{
	struct quic_handshake_info info;
	struct cmsghdr *cmsg;

	for (cmsg = CMSG_FIRSTHDR(msg); cmsg; cmsg = CMSG_NXTHDR(msg, cmsg)) {
		if (cmsg->cmsg_level != SOL_QUIC ||
		    cmsg->cmsg_type != QUIC_HANDSHAKE_INFO ||
		    cmsg->cmsg_len < CMSG_LEN(sizeof(info)))
			continue;
		memcpy(&info, CMSG_DATA(cmsg), sizeof(info));
		return tls_level(info.crypto_level);
	}
	return -EBADMSG;
}

/* Events that the program enabled share the queue with handshake bytes; one
 * of them says that there will be no handshake.
 */
static int take_event(struct quic_handshake *hs, size_t len)
{
	struct quic_connection_close close = { .errcode = 0 };

	if (hs->input[0] != QUIC_EVENT_CONNECTION_CLOSE) {
		quic_log(LOG_WARNING, "event %u dropped during the handshake",
			 hs->input[0]);
		return 0;
	}
	if (len > 1)
		memcpy(&close, hs->input + 1,
		       len - 1 < sizeof(close) ? len - 1 : sizeof(close));
	close.phrase[sizeof(close.phrase) - 1] = '\0';
	return quic_fail_closed(hs, 0, &close);
}

static int take_input(struct quic_handshake *hs, size_t len)
{
	int level, ret;

	if (hs->msg.msg_flags & MSG_QUIC_NOTIFICATION)
		return take_event(hs, len);
	if (hs->msg.msg_flags & MSG_TRUNC) {
		hs->state = QUIC_HS_FAILED;
		return quic_error_sys(-EMSGSIZE, "receiving handshake data");
	}
	level = find_level(&hs->msg);
	if (level < 0) {
		hs->state = QUIC_HS_FAILED;
		return quic_error_sys(level, "receiving handshake data");
	}
	ret = gnutls_handshake_write(hs->tls, level, hs->input, len);
	if (ret < 0 && gnutls_error_is_fatal(ret))
		return quic_fail_tls(hs, ret);
	return run_tls(hs);
}

static int finish_recv(struct quic_handshake *hs)
{
	ssize_t retval = hs->step.s_recvmsg.retval;

	/* Nothing yet, but a hook that wanted to be called later may be done. */
	if (retval == -EAGAIN || retval == -EINTR)
		return run_tls(hs);
	if (retval == 0)
		retval = -ECONNRESET;
	if (retval > (ssize_t)sizeof(hs->input))
		retval = -EMSGSIZE;
	if (retval < 0)
		return quic_fail_io(hs, retval, "receiving");
	return take_input(hs, retval);
}

/* ---- the step machine's interface ---------------------------------------- */

/* By its token option: a server's socket has none to get. */
int quic_handshake_role(int fd)
{
	uint8_t token[QUIC_TOKEN_MAX];
	socklen_t len = sizeof(token);

	if (!getsockopt(fd, SOL_QUIC, QUIC_SOCKOPT_TOKEN, token, &len))
		return 0;
	if (errno == EINVAL)
		return 1;
	return quic_error_sys(-errno, "QUIC socket %d", fd);
}

void quic_handshake_free(struct quic_handshake *hs)
{
	if (!hs)
		return;
	quic_flight_clear(&hs->flight);
	explicit_bzero(hs, sizeof(*hs));
	free(hs);
}

static int start(gnutls_session_t tls, struct quic_session *session)
{
	int fd = gnutls_transport_get_int(tls);
	struct quic_handshake *hs;
	int role;

	role = quic_handshake_role(fd);
	if (role < 0)
		return role;
	hs = calloc(1, sizeof(*hs));
	if (!hs)
		return quic_error_sys(-ENOMEM, "beginning a handshake");
	hs->tls = tls;
	hs->fd = fd;
	hs->is_server = role;
	hs->alpn_required = session->alpn_required;
	session->handshake = hs;

	quic_hooks_install(tls);
	return run_tls(hs);
}

QUIC_EXPORT int quic_handshake_init(gnutls_session_t session,
				    struct quic_handshake_step **pstep)
{
	struct quic_session *state;
	int ret;

	if (!session || !pstep || *pstep)
		return quic_error_sys(-EINVAL, "quic_handshake_init");
	ret = quic_session_attach(session, &state);
	if (ret)
		return ret;
	if (state->handshake)
		return quic_error_sys(-EINVAL, "handshake already under way");

	ret = start(session, state);
	if (!ret)
		ret = next_step(state->handshake, pstep);
	return ret;
}

QUIC_EXPORT int quic_handshake_step(gnutls_session_t session,
				    struct quic_handshake_step **pstep)
{
	struct quic_session *state;
	struct quic_handshake *hs;
	int ret;

	state = session ? quic_session_find(session) : NULL;
	hs = state ? state->handshake : NULL;
	if (!hs || !pstep || *pstep != &hs->step ||
	    hs->state == QUIC_HS_DONE || hs->state == QUIC_HS_FAILED)
		return quic_error_sys(-EINVAL, "quic_handshake_step");

	*pstep = NULL;
	if (hs->step.op == QUIC_HANDSHAKE_STEP_OP_SENDMSG)
		ret = finish_send(hs);
	else
		ret = finish_recv(hs);
	return ret ? ret : next_step(hs, pstep);
}

QUIC_EXPORT void quic_handshake_deinit(gnutls_session_t session)
{
	struct quic_session *state;

	state = session ? quic_session_find(session) : NULL;
	if (!state)
		return;
	quic_handshake_free(state->handshake);
	state->handshake = NULL;
}

/* ---- the step machine driven with real system calls ----------------------- */

static int wait_for(int fd, short events)
{
	struct pollfd pfd = { .fd = fd, .events = events };

	return poll(&pfd, 1, TICK_MS);
}

/* Try; if that would block wait for a tick at most and try again. */
static void do_send(int fd, struct quic_handshake_step_sendmsg *s)
{
	s->retval = sendmsg(fd, s->msg, s->flags | MSG_DONTWAIT);
	if (s->retval < 0 && errno == EAGAIN) {
		wait_for(fd, POLLOUT);
		s->retval = sendmsg(fd, s->msg, s->flags | MSG_DONTWAIT);
	}
	if (s->retval < 0)
		s->retval = -errno;
}

static void do_recv(int fd, struct quic_handshake_step_recvmsg *r)
{
	r->retval = recvmsg(fd, r->msg, r->flags);
	if (r->retval < 0 && errno == EAGAIN) {
		wait_for(fd, POLLIN);
		r->retval = recvmsg(fd, r->msg, r->flags);
	}
	if (r->retval < 0)
		r->retval = -errno;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* The kernel gives up on a peer that is silent, but not on one that keeps
 * talking without getting anywhere; GnuTLS does not look at its own handshake
 * timeout as long as others carry its messages.
 */
static int drive(gnutls_session_t session, struct quic_handshake_step *step,
		 int limit_ms)
{
	int fd = gnutls_transport_get_int(session);
	int64_t end = now_ms() + limit_ms;
	int ret = 0;

	while (!ret && step) {
		if (now_ms() > end)
			return quic_error_sys(-ETIMEDOUT, "TLS handshake");
		if (step->op == QUIC_HANDSHAKE_STEP_OP_SENDMSG)
			do_send(fd, &step->s_sendmsg);
		else
			do_recv(fd, &step->s_recvmsg);
		ret = quic_handshake_step(session, &step);
	}
	return ret;
}

int quic_handshake_drive(gnutls_session_t session, int limit_ms)
{
	struct quic_handshake_step *step = NULL;
	struct quic_session *state;
	int ret;

	state = session ? quic_session_find(session) : NULL;
	if (!session || (state && state->handshake))
		return quic_error_sys(-EINVAL, "quic_handshake");

	ret = quic_handshake_init(session, &step);
	if (!ret)
		ret = drive(session, step, limit_ms);
	quic_handshake_deinit(session);
	return ret;
}

QUIC_EXPORT int quic_handshake(gnutls_session_t session)
{
	return quic_handshake_drive(session, LIMIT_MS);
}
