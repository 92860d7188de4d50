// SPDX-License-Identifier: GPL-2.0
/*
 * The sending half of a connection: bytes and files into streams.
 *
 * Owns the answer to "why did the socket take nothing?".  A full socket is
 * waited for with POLLOUT, a stream without credit with STREAM_MAX_DATA.  The
 * errno alone does not tell them apart on every path, so a refusal is checked
 * against poll(): when the socket is writable and yet refuses a send that
 * names the stream, the stream is what is blocked.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conn.h"

/* How much is read and copied where sendfile() is not to be had. */
#define COPY_SIZE	(64 * 1024)

static bool writable(const struct conn *c)
{
	struct pollfd p = { .fd = c->fd, .events = POLLOUT };

	return poll(&p, 1, 0) == 1 && p.revents & POLLOUT;
}

static ssize_t try_send(struct conn *c, int64_t id, const struct iovec *iov,
			int n, int flags)
{
	struct quic_stream_info info = {
		.stream_id = id,
		.stream_flags = flags & CONN_FIN ? MSG_QUIC_STREAM_FIN : 0,
	};
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(info))];
	} control = {};
	struct msghdr msg = {
		.msg_iov = (struct iovec *)iov, .msg_iovlen = n,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);
	int more = flags & CONN_MORE ? MSG_MORE : 0;
	ssize_t ret;

	cmsg->cmsg_level = SOL_QUIC;
	cmsg->cmsg_type = QUIC_STREAM_INFO;
	cmsg->cmsg_len = CMSG_LEN(sizeof(info));
	memcpy(CMSG_DATA(cmsg), &info, sizeof(info));
	do {
		ret = sendmsg(c->fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL | more);
	} while (ret < 0 && errno == EINTR);
	if (ret >= 0)
		c->heard = clock_us();
	return ret >= 0 ? ret : -errno;
}

static bool refused(ssize_t n)
{
	return n == -EAGAIN || n == -ENOSPC;
}

ssize_t conn_send(struct conn *c, int64_t id, const struct iovec *iov, int n,
		  int flags)
{
	ssize_t ret;

	if (c->full)
		return -EAGAIN;
	ret = try_send(c, id, iov, n, flags);
	if (!refused(ret))
		return ret;
	/* The socket has room now: what is refused again is the stream. */
	if (writable(c))
		ret = try_send(c, id, iov, n, flags);
	else
		ret = -EAGAIN;
	c->full = ret == -EAGAIN;
	c->blocked |= ret == -ENOSPC;
	return ret;
}

static ssize_t copy_file(struct conn *c, int64_t id, int fd, off_t *off,
			 size_t n)
{
	static _Thread_local char buffer[COPY_SIZE];
	struct iovec iov = { .iov_base = buffer };
	ssize_t len;

	len = pread(fd, buffer, n < sizeof(buffer) ? n : sizeof(buffer), *off);
	if (len <= 0)
		return len ? -EIO : -ENODATA;
	iov.iov_len = len;
	len = conn_send(c, id, &iov, 1, 0);
	if (len > 0)
		*off += len;
	return len;
}

/* Make the stream the one that sendfile() writes to. */
static bool select_stream(struct conn *c, int64_t id)
{
	struct quic_stream_info info = { .stream_id = id };

	if (c->no_active)
		return false;
	if (!setsockopt(c->fd, SOL_QUIC, QUIC_SOCKOPT_STREAM_ACTIVE, &info,
			sizeof(info)))
		return true;
	if (errno == ENOPROTOOPT)
		c->no_active = true;
	return false;
}

ssize_t conn_send_file(struct conn *c, int64_t id, int fd, off_t *off,
		       size_t n)
{
	bool no_sendfile;
	ssize_t ret;

	if (c->full)
		return -EAGAIN;
	if (c->no_sendfile || !select_stream(c, id))
		return copy_file(c, id, fd, off, n);

	do {
		ret = sendfile(c->fd, fd, off, n);
	} while (ret < 0 && errno == EINTR);
	if (ret > 0) {
		c->heard = clock_us();
		return ret;
	}
	if (!ret)
		return -ENODATA;	/* the file became shorter */
	if (errno == EAGAIN && !writable(c)) {
		c->full = true;
		return -EAGAIN;
	}
	no_sendfile = errno == EINVAL || errno == EOPNOTSUPP;
	/* A send that names the stream tells what is wrong. */
	ret = copy_file(c, id, fd, off, n);
	c->no_sendfile = no_sendfile && ret > 0;
	return ret;
}

int64_t conn_open_stream(struct conn *c, bool uni)
{
	struct quic_stream_info info = {
		.stream_id = -1,
		.stream_flags = MSG_QUIC_STREAM_DONTWAIT |
				(uni ? MSG_QUIC_STREAM_UNI : 0),
	};
	socklen_t len = sizeof(info);

	if (getsockopt(c->fd, SOL_QUIC, QUIC_SOCKOPT_STREAM_OPEN, &info, &len))
		/* Early data has its limit, too, but there is no waiting. */
		return c->state == CONN_HANDSHAKE ? -EAGAIN : -errno;
	return info.stream_id;
}

void conn_reset_stream(struct conn *c, int64_t id, uint32_t code)
{
	struct quic_errinfo info = { .stream_id = id, .errcode = code };

	/* Fails where the stream is over already: nothing is left to do. */
	setsockopt(c->fd, SOL_QUIC, QUIC_SOCKOPT_STREAM_RESET, &info,
		   sizeof(info));
}

void conn_stop_sending(struct conn *c, int64_t id, uint32_t code)
{
	struct quic_errinfo info = { .stream_id = id, .errcode = code };

	setsockopt(c->fd, SOL_QUIC, QUIC_SOCKOPT_STREAM_STOP_SENDING, &info,
		   sizeof(info));
}

void conn_prioritize(struct conn *c, int64_t id, uint8_t urgency,
		     bool incremental)
{
	struct quic_stream_priority prio = {
		.stream_id = id, .urgency = urgency, .incremental = incremental,
	};

	/* Fails where all has been sent and acknowledged, and nothing waits. */
	setsockopt(c->fd, SOL_QUIC, QUIC_SOCKOPT_STREAM_PRIORITY, &prio,
		   sizeof(prio));
}
