// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: a stream as a socket of its own: read(), write(), sendfile(), poll()
 * and close() of one stream.  Its bytes wait in its own queue, so whoever is
 * slow with one stream does not hold up the others.
 * Called from: sock/sockopt (QUIC_SOCKOPT_STREAM_FD), the socket layer;
 * stream/, rx/deliver, conn/lifecycle (wake).
 * Context: process; wakers in any.  One lock: the connection's socket lock.
 * The struct sock here is for waiting, time limits and names; it has no
 * memory accounting (the connection's socket has it all) and its own lock
 * protects nothing of ours.
 * RFC 9000 sections 2.4, 3.
 *
 * It keeps the connection's socket in memory.  The connection ends when its
 * own file descriptor is closed; streams then have ended, too.
 */
#include <linux/file.h>
#include <linux/security.h>
#include <linux/sockios.h>
#include <asm/ioctls.h>
#include <net/quic.h>
#include <net/tcp_states.h>
#include "sock.h"

struct quic_stream_sock {
	/* First.  BPF programs of a cgroup believe the family. */
	union {
		struct sock sk;
		struct inet_sock inet;
	};
#if IS_ENABLED(CONFIG_IPV6)
	struct ipv6_pinfo inet6;
#endif
	struct sock *conn_sk;		/* I; counted */
	struct quic_stream *stream;	/* L; NULL: over, see @last_read */
	struct list_head ready;		/* L; c->streams.ready */
	struct list_head waiting;	/* L; c->streams.waiting */
	u64 id;				/* I */
	int last_read;			/* L; what read() gives: 0 or -errno */
};

static struct quic_stream_sock *stream_sk(const struct sock *sk)
{
	return (struct quic_stream_sock *)sk;
}

struct proto quic_stream_prot = {
	.name		= "QUIC-STREAM",
	.owner		= THIS_MODULE,
	.obj_size	= sizeof(struct quic_stream_sock),
};

/* ---- state ------------------------------------------------------------------ */

/* Can it be read?  1: there is data; 0: end; -EAGAIN: not yet; -errno. */
static int read_state(const struct quic_stream_sock *ss)
{
	const struct quic_conn *c = quic_sk_conn(ss->conn_sk);
	const struct quic_stream *s = ss->stream;

	if (!s)
		return ss->last_read;
	if (!list_empty(&s->rq))
		return quic_conn_readable(c) ? 1 : -EAGAIN;
	if (!s->has_recv || s->stop_sent)
		return 0;
	if (s->recv_state == QUIC_STREAM_RECV_STATE_RESET_READ)
		return -ECONNRESET;
	if (s->recv_state == QUIC_STREAM_RECV_STATE_READ)
		return 0;
	return quic_conn_alive(c) ? -EAGAIN : -ENOTCONN;
}

/* Will a write be taken, now or later? */
static bool can_write(const struct quic_stream_sock *ss)
{
	const struct quic_stream *s = ss->stream;

	return s && s->has_send && !s->sb.fin &&
	       s->send_state < QUIC_STREAM_SEND_STATE_RECVD &&
	       quic_conn_alive(quic_sk_conn(ss->conn_sk));
}

/* ---- wake ------------------------------------------------------------------- */

static void readable(struct quic_stream_sock *ss)
{
	list_del_init(&ss->ready);
	READ_ONCE(ss->sk.sk_data_ready)(&ss->sk);
}

static void writable(struct quic_stream_sock *ss)
{
	list_del_init(&ss->waiting);
	READ_ONCE(ss->sk.sk_write_space)(&ss->sk);
}

/* At the end of the train. */
void quic_stream_sock_ready(struct quic_conn *c, struct quic_stream *s)
{
	if (s->ss && list_empty(&s->ss->ready))
		list_add_tail(&s->ss->ready, &c->streams.ready);
}

void quic_stream_socks_wake(struct quic_conn *c)
{
	struct quic_stream_sock *ss, *n;

	list_for_each_entry_safe(ss, n, &c->streams.ready, ready)
		readable(ss);
}

void quic_stream_sock_readable(struct quic_stream *s)
{
	if (s->ss)
		readable(s->ss);
}

void quic_stream_sock_writable(struct quic_stream *s)
{
	if (s->ss)
		writable(s->ss);
}

/* There is room in the send buffer, or credit for all streams. */
void quic_stream_socks_writable(struct quic_conn *c)
{
	struct quic_stream_sock *ss, *n;

	list_for_each_entry_safe(ss, n, &c->streams.waiting, waiting)
		writable(ss);
}

void quic_stream_socks_wake_all(struct quic_conn *c)
{
	struct quic_stream *s;

	quic_streams_for_each(s, &c->streams) {
		quic_stream_sock_readable(s);
		quic_stream_sock_writable(s);
	}
}

/* For room.  What the peer's credit for this one stream holds back is woken
 * by that credit, and need not be asked at each acknowledgment.
 */
void quic_stream_sock_blocked(struct sock *waiter)
{
	struct quic_stream_sock *ss = stream_sk(waiter);
	const struct quic_stream *s = ss->stream;

	if (list_empty(&ss->waiting) && s->sb.end < s->max_send)
		list_add(&ss->waiting,
			 &quic_sk_conn(ss->conn_sk)->streams.waiting);
}

/* @s is about to be freed: both halves are over, or the connection is. */
void quic_stream_sock_detach(struct quic_stream *s)
{
	struct quic_stream_sock *ss = s->ss;

	if (!ss)
		return;
	if (!s->has_recv || s->stop_sent ||
	    s->recv_state == QUIC_STREAM_RECV_STATE_READ)
		ss->last_read = 0;
	else if (s->recv_state == QUIC_STREAM_RECV_STATE_RESET_READ)
		ss->last_read = -ECONNRESET;
	else
		ss->last_read = -ENOTCONN;
	ss->stream = NULL;
	s->ss = NULL;
	readable(ss);
	writable(ss);
}

/* ---- the socket calls --------------------------------------------------------- */

static struct quic_conn *enter(const struct quic_stream_sock *ss)
{
	lock_sock(ss->conn_sk);
	return quic_sk_conn(ss->conn_sk);
}

static void leave(const struct quic_stream_sock *ss)
{
	struct quic_conn *c = quic_sk_conn(ss->conn_sk);

	if (c->tx_pending && quic_conn_alive(c))
		quic_tx_push(c);
	release_sock(ss->conn_sk);
}

static int send(struct socket *sock, struct msghdr *msg, size_t len)
{
	struct quic_stream_sock *ss = stream_sk(sock->sk);
	struct quic_send_args args;
	int err;

	if (msg->msg_flags & (~QUIC_SEND_FLAGS | MSG_QUIC_DATAGRAM))
		return -EINVAL;
	err = quic_cmsg_parse(msg, &args);
	if (err)
		return err;
	if (args.handshake || (args.stream_id != -1 && args.stream_id != ss->id))
		return -EINVAL;
	args.has_stream = false;	/* so EAGAIN, whatever the reason */

	enter(ss);
	if (!can_write(ss))
		err = -EPIPE;
	else if (len || args.stream_flags & MSG_QUIC_STREAM_FIN)
		err = quic_send_on(ss->conn_sk, &ss->sk, ss->stream, msg, len,
				   &args);
	leave(ss);
	if (err == -EPIPE)
		err = sk_stream_error(&ss->sk, msg->msg_flags, -EPIPE);
	return err;
}

/* As sock/family has it. */
static void splice_eof(struct socket *sock)
{
	struct quic_stream_sock *ss = stream_sk(sock->sk);
	struct quic_conn *c = enter(ss);

	if (quic_conn_alive(c))
		quic_tx_push(c);
	leave(ss);
}

static int recv(struct socket *sock, struct msghdr *msg, size_t len, int flags)
{
	struct quic_stream_sock *ss = stream_sk(sock->sk);
	long timeo = sock_rcvtimeo(&ss->sk, flags & MSG_DONTWAIT);
	bool peek = flags & MSG_PEEK, fin = false;
	struct quic_conn *c;
	size_t done = 0;
	int n;

	if (flags & (MSG_OOB | MSG_ERRQUEUE))
		return -EOPNOTSUPP;
	c = enter(ss);
	do {
		while ((n = read_state(ss)) == -EAGAIN) {
			n = quic_wait(ss->conn_sk, &ss->sk, &timeo);
			if (n)
				break;
		}
		if (n <= 0)
			break;
		n = quic_recv_chunks(ss->conn_sk, &ss->stream->rq, msg,
				     len - done, peek, &fin);
		if (n < 0)
			break;
		done += n;
		if (!peek && (n || fin))
			quic_stream_consumed(c, ss->stream, n, fin);
	} while (flags & MSG_WAITALL && !peek && !fin && done < len);
	leave(ss);
	return done ?: n;
}

static __poll_t poll(struct file *file, struct socket *sock, poll_table *wait)
{
	struct quic_stream_sock *ss = stream_sk(sock->sk);
	__poll_t mask = 0;
	int r;

	sock_poll_wait(file, sock, wait);
	enter(ss);
	r = read_state(ss);
	if (r != -EAGAIN)
		mask |= EPOLLIN | EPOLLRDNORM;
	/* All has come, also if it was not read yet: as with TCP. */
	if ((r <= 0 && r != -EAGAIN) ||
	    (r == 1 &&
	     ss->stream->recv_state == QUIC_STREAM_RECV_STATE_RECVD))
		mask |= EPOLLRDHUP;
	if (!can_write(ss))
		mask |= EPOLLOUT | EPOLLWRNORM;
	else if (quic_send_room(ss->conn_sk, ss->stream))
		mask |= EPOLLOUT | EPOLLWRNORM;
	else
		quic_stream_sock_blocked(&ss->sk);
	if (mask & EPOLLRDHUP && !can_write(ss))
		mask |= EPOLLHUP;
	if (r < 0 && r != -EAGAIN)
		mask |= EPOLLERR;
	leave(ss);
	return mask;
}

static void end_write(struct quic_conn *c, struct quic_stream_sock *ss)
{
	if (!can_write(ss))
		return;
	quic_stream_send(c, ss->stream, NULL, 0, true);
	quic_stream_sock_writable(ss->stream);
	quic_tx_kick(c);
}

static void end_read(struct quic_conn *c, struct quic_stream *s)
{
	if (s && s->has_recv && quic_conn_alive(c) &&
	    s->recv_state <= QUIC_STREAM_RECV_STATE_RECVD)
		quic_stream_abandon(c, s);
}

static int shutdown(struct socket *sock, int how)
{
	struct quic_stream_sock *ss = stream_sk(sock->sk);
	struct quic_conn *c;

	if (how < SHUT_RD || how > SHUT_RDWR)
		return -EINVAL;
	c = enter(ss);
	if (how != SHUT_RD)
		end_write(c, ss);
	if (how != SHUT_WR)
		end_read(c, ss->stream);
	leave(ss);
	return 0;
}

/* close(): the end of what was written; of the rest nobody wants to know. */
static void hang_up(struct quic_conn *c, struct quic_stream_sock *ss)
{
	struct quic_stream *s = ss->stream;

	if (!s)
		return;
	end_write(c, ss);
	list_del_init(&ss->ready);
	list_del_init(&ss->waiting);
	ss->stream = NULL;
	s->ss = NULL;
	end_read(c, s);
}

static int release(struct socket *sock)
{
	struct quic_stream_sock *ss = stream_sk(sock->sk);
	struct sock *sk = sock->sk;

	if (!sk)
		return 0;
	if (ss->conn_sk) {
		hang_up(enter(ss), ss);
		leave(ss);
		sock_put(ss->conn_sk);
	}
	sock_orphan(sk);
	sock->sk = NULL;
	sock_put(sk);
	return 0;
}

static int name(struct socket *sock, struct sockaddr *addr, int peer)
{
	return quic_getname(stream_sk(sock->sk)->conn_sk, addr, peer);
}

static int ioctl(struct socket *sock, unsigned int cmd, unsigned long arg)
{
	struct quic_stream_sock *ss = stream_sk(sock->sk);
	const struct quic_stream *s;
	int err = 0;
	u64 n = 0;

	enter(ss);
	s = ss->stream;
	switch (cmd) {
	case SIOCINQ:
		n = s && !s->stop_sent ? s->rb.next - s->read : 0;
		break;
	case SIOCOUTQ:
		n = s ? s->sb.end - s->sb.base : 0;
		break;
	case SIOCOUTQNSD:
		n = s ? s->sb.end - s->sb.next : 0;
		break;
	default:
		err = -ENOIOCTLCMD;
	}
	leave(ss);
	return err ?: put_user((int)min_t(u64, n, INT_MAX), (int __user *)arg);
}

/* ---- options ------------------------------------------------------------------- */

/* Those that name a stream: it is this one. */
static int setsockopt(struct socket *sock, int level, int optname,
		      sockptr_t optval, unsigned int len)
{
	struct quic_stream_sock *ss = stream_sk(sock->sk);
	union {
		struct quic_errinfo err;
		struct quic_stream_priority prio;
	} val = {};

	BUILD_BUG_ON(offsetof(typeof(val.err), stream_id) ||
		     offsetof(typeof(val.prio), stream_id));
	if (level != SOL_QUIC || (optname != QUIC_SOCKOPT_STREAM_RESET &&
				  optname != QUIC_SOCKOPT_STREAM_STOP_SENDING &&
				  optname != QUIC_SOCKOPT_STREAM_PRIORITY))
		return -ENOPROTOOPT;
	if (copy_from_sockptr(&val, optval, min_t(size_t, len, sizeof(val))))
		return -EFAULT;
	val.err.stream_id = ss->id;
	return quic_do_setsockopt(ss->conn_sk, optname, KERNEL_SOCKPTR(&val),
				  sizeof(val));
}

static int getsockopt(struct socket *sock, int level, int optname,
		      char __user *optval, int __user *optlen)
{
	struct quic_stream_fd info = {
		.stream_id = stream_sk(sock->sk)->id,
		.fd = -1,
	};
	int len;

	if (level != SOL_QUIC || optname != QUIC_SOCKOPT_STREAM_FD)
		return -ENOPROTOOPT;
	if (get_user(len, optlen))
		return -EFAULT;
	if (len < 0)
		return -EINVAL;
	len = min_t(int, len, sizeof(info));
	if (put_user(len, optlen) || copy_to_user(optval, &info, len))
		return -EFAULT;
	return 0;
}

static const struct proto_ops stream_ops = {
	.family		= PF_INET,
	.owner		= THIS_MODULE,
	.release	= release,
	.bind		= sock_no_bind,
	.connect	= sock_no_connect,
	.socketpair	= sock_no_socketpair,
	.accept		= sock_no_accept,
	.getname	= name,
	.poll		= poll,
	.ioctl		= ioctl,
	.gettstamp	= sock_gettstamp,
	.listen		= sock_no_listen,
	.shutdown	= shutdown,
	.setsockopt	= setsockopt,
	.getsockopt	= getsockopt,
	.sendmsg	= send,
	.splice_eof	= splice_eof,
	.recvmsg	= recv,
	.mmap		= sock_no_mmap,
};

/* ---- QUIC_SOCKOPT_STREAM_FD ------------------------------------------------------ */

/* The peer's next stream, waiting for it if we may. */
static struct quic_stream *accept(struct sock *sk, bool nonblock)
{
	struct quic_conn *c = quic_sk_conn(sk);
	long timeo = sock_rcvtimeo(sk, nonblock);
	struct quic_stream *s;
	int err = 0;

	while (!quic_conn_readable(c) || !(s = quic_stream_fresh(c))) {
		if (!quic_conn_alive(c))
			err = -ENOTCONN;
		else
			err = quic_wait(sk, sk, &timeo);
		if (err)
			return ERR_PTR(err);
	}
	return s;
}

static struct quic_stream *choose(struct sock *sk,
				  const struct quic_stream_fd *info)
{
	struct quic_conn *c = quic_sk_conn(sk);
	u64 id = info->stream_id;
	struct quic_stream *s;
	bool nonblock;

	nonblock = info->stream_flags & MSG_QUIC_STREAM_DONTWAIT ||
		   quic_sk_nonblock(sk);
	if (info->stream_flags & QUIC_STREAM_ACCEPT)
		return accept(sk, nonblock);
	if (info->stream_id < 0)
		return quic_send_open(sk, -1, info->stream_flags, nonblock);
	s = quic_stream_find(c, id);
	if (s)
		return s->ss ? ERR_PTR(-EBUSY) : s;
	if (quic_stream_was_opened(c, id))
		return ERR_PTR(-ENOSTR);
	if (!quic_stream_local(c, id))
		return ERR_PTR(-EINVAL);
	return quic_send_open(sk, id, info->stream_flags, nonblock);
}

/* A socket for @s, not yet in the file table; takes a reference on @sk. */
static struct file *make_file(struct sock *sk, struct quic_stream *s, int flags)
{
	struct quic_stream_sock *ss;
	struct socket *sock;
	struct file *file;

	sock = sock_alloc();
	if (!sock)
		return ERR_PTR(-ENFILE);
	sock->type = SOCK_STREAM;
	sock->state = SS_CONNECTED;
	ss = stream_sk(sk_alloc(sock_net(sk), sk->sk_family, GFP_KERNEL,
				&quic_stream_prot, 0));
	if (!ss) {
		sock_release(sock);
		return ERR_PTR(-ENOMEM);
	}
	sock_init_data(sock, &ss->sk);
#if IS_ENABLED(CONFIG_IPV6)
	if (ss->sk.sk_family == AF_INET6)
		ss->inet.pinet6 = &ss->inet6;
#endif
	security_sk_clone(sk, &ss->sk);
	security_sock_graft(&ss->sk, sock);
	ss->sk.sk_protocol = IPPROTO_QUIC;
	ss->sk.sk_write_space = quic_write_space;
	ss->sk.sk_state = TCP_ESTABLISHED;
	ss->id = s->id;
	INIT_LIST_HEAD(&ss->ready);
	INIT_LIST_HEAD(&ss->waiting);
	sock->ops = &stream_ops;
	__module_get(THIS_MODULE);
	file = sock_alloc_file(sock, flags, NULL);
	if (IS_ERR(file))
		return file;

	sock_hold(sk);
	ss->conn_sk = sk;
	ss->stream = s;
	s->ss = ss;
	quic_stream_split(quic_sk_conn(sk), s);
	return file;
}

static struct file *open_file(struct sock *sk, struct quic_stream_fd *info)
{
	struct quic_conn *c;
	struct quic_stream *s;
	struct file *file;

	lock_sock(sk);
	c = quic_sk_conn(sk);
	if (!c || !quic_conn_alive(c))
		s = ERR_PTR(-EPIPE);
	else
		s = choose(sk, info);
	if (IS_ERR(s)) {
		file = ERR_CAST(s);
	} else {
		info->stream_id = s->id;
		file = make_file(sk, s, info->file_flags);
		quic_stream_fresh(c);	/* it is not, any more */
	}
	if (c && c->tx_pending && quic_conn_alive(c))
		quic_tx_push(c);
	release_sock(sk);
	return file;
}

/* Peer's streams are to be accepted, or not: those that come from now on. */
int quic_stream_fd_mode(struct sock *sk, void *val, u32 len)
{
	struct quic_stream_fd info = {};

	memcpy(&info, val, min_t(size_t, len, sizeof(info)));
	if (info.stream_flags & ~QUIC_STREAM_ACCEPT)
		return -EINVAL;
	quic_sk(sk)->accept_streams = info.stream_flags & QUIC_STREAM_ACCEPT;
	return 0;
}

int quic_stream_fd(struct sock *sk, sockptr_t optval, sockptr_t optlen)
{
	struct quic_stream_fd info = {};
	struct file *file;
	int len;

	/* A file descriptor is of no use inside the kernel. */
	if (sockptr_is_kernel(optval))
		return -EOPNOTSUPP;
	if (copy_from_sockptr(&len, optlen, sizeof(len)))
		return -EFAULT;
	if (len < (int)offsetofend(struct quic_stream_fd, fd))
		return -EINVAL;
	len = min_t(int, len, sizeof(info));
	if (copy_from_sockptr(&info, optval, len))
		return -EFAULT;
	if (info.stream_flags & ~(MSG_QUIC_STREAM_UNI |
				  MSG_QUIC_STREAM_DONTWAIT |
				  QUIC_STREAM_ACCEPT) ||
	    info.file_flags & ~(O_CLOEXEC | O_NONBLOCK) ||
	    info.stream_id < -1 || info.stream_id > S64_MAX >> 1 ||
	    (info.stream_flags & QUIC_STREAM_ACCEPT && info.stream_id != -1))
		return -EINVAL;

	info.fd = get_unused_fd_flags(info.file_flags & O_CLOEXEC);
	if (info.fd < 0)
		return info.fd;
	file = open_file(sk, &info);
	if (IS_ERR(file)) {
		put_unused_fd(info.fd);
		return PTR_ERR(file);
	}
	if (copy_to_sockptr(optlen, &len, sizeof(len)) ||
	    copy_to_sockptr(optval, &info, len)) {
		put_unused_fd(info.fd);
		fput(file);
		return -EFAULT;
	}
	fd_install(info.fd, file);
	return 0;
}
