// SPDX-License-Identifier: GPL-2.0
/*
 * A stream as a file descriptor of its own: QUIC_SOCKOPT_STREAM_FD.
 */
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <linux/sockios.h>
#include "pair.h"

#define SIZE	(2 << 20)

static int stream_fd_with(int fd, struct quic_stream_fd *info)
{
	socklen_t len = sizeof(*info);

	if (opt_get(fd, QUIC_SOCKOPT_STREAM_FD, info, &len))
		return -1;
	EQ(len, sizeof(*info));
	return info->fd;
}

static int stream_fd(int fd, int64_t id)
{
	struct quic_stream_fd info = { .stream_id = id };
	int s = stream_fd_with(fd, &info);

	if (s >= 0 && id >= 0)
		EQ(info.stream_id, id);
	return s;
}

static int accept_stream(int fd, int64_t *id)
{
	struct quic_stream_fd info = { .stream_id = -1,
				       .stream_flags = QUIC_STREAM_ACCEPT };
	int s = stream_fd_with(fd, &info);

	if (s >= 0 && id)
		*id = info.stream_id;
	return s;
}

static void accept_mode(int fd)
{
	struct quic_stream_fd info = { .stream_flags = QUIC_STREAM_ACCEPT };

	OK(!opt_set(fd, QUIC_SOCKOPT_STREAM_FD, &info, sizeof(info)));
}

/* Exactly these bytes, then whatever follows. */
static void expect(int fd, const char *text)
{
	char buf[64] = "";

	EQ(recv(fd, buf, strlen(text), MSG_WAITALL), strlen(text));
	OK(!memcmp(buf, text, strlen(text)));
}

static void expect_end(int fd)
{
	char c;

	EQ(read(fd, &c, 1), 0);
	EQ(read(fd, &c, 1), 0);
}

static struct pair accepting(void)
{
	struct pair p = { .set_listener = accept_mode };

	connection(&p);
	return p;
}

/* ---- both ways, to the end --------------------------------------------------------- */

TEST_EACH(stream_fd_echo)
{
	struct pair p = accepting();
	int64_t id = -1;
	int c, s;

	c = stream_fd(p.client, -1);
	OK(c >= 0);
	EQ(write(c, "hello", 5), 5);
	s = accept_stream(p.server, &id);
	OK(s >= 0);
	EQ(id, 0);
	expect(s, "hello");
	EQ(write(s, "well", 4), 4);
	expect(c, "well");
	/* shutdown(SHUT_WR) is a FIN, and the other way goes on. */
	OK(!shutdown(c, SHUT_WR));
	expect_end(s);
	EQ(write(s, "more", 4), 4);
	expect(c, "more");
	OK(!close(s));
	expect_end(c);
	OK(!close(c));
}

/* What was written before close() arrives, and then the end. */
TEST(stream_fd_close_is_fin)
{
	struct pair p = accepting();
	static char buf[300000], got[300001];
	size_t n = 0;
	ssize_t k;
	int c, s;

	memset(buf, 'x', sizeof(buf));
	c = stream_fd(p.client, -1);
	EQ(send(c, buf, sizeof(buf), 0), sizeof(buf));
	OK(!close(c));
	s = accept_stream(p.server, NULL);
	while ((k = read(s, got + n, sizeof(got) - n)) > 0)
		n += k;
	EQ(k, 0);
	EQ(n, sizeof(buf));
	OK(!memcmp(got, buf, n));
}

/* The end of a stream without bytes. */
TEST(stream_fd_empty)
{
	struct pair p = accepting();

	close(stream_fd(p.client, -1));
	expect_end(accept_stream(p.server, NULL));
}

TEST(stream_fd_one_way)
{
	struct pair p = accepting();
	struct quic_stream_fd info = { .stream_id = -1,
				       .stream_flags = MSG_QUIC_STREAM_UNI };
	int64_t id;
	int c, s;

	signal(SIGPIPE, SIG_IGN);
	c = stream_fd_with(p.client, &info);
	EQ(info.stream_id, 2);
	EQ(write(c, "x", 1), 1);
	EQ(read(c, &info, 1), 0);
	s = accept_stream(p.server, &id);
	EQ(id, 2);
	ERR(write(s, "y", 1), EPIPE);
	expect(s, "x");
	/* FIN among the flags of the last bytes, as on the connection. */
	EQ(send(c, "z", 1, MSG_QUIC_STREAM_FIN), 1);
	ERR(write(c, "z", 1), EPIPE);
	expect(s, "z");
	expect_end(s);
	EQ(poll_now(s), POLLIN | POLLOUT | POLLHUP | POLLRDHUP);
}

/* ---- one slow stream ------------------------------------------------------------------ */

/* A reader that does not read holds up neither the other streams with a file
 * descriptor nor those without.
 */
TEST(stream_fd_slow_reader)
{
	struct pair p = { .server_params.max_stream_data_bidi_remote = 50000,
			  .server_params.max_data = 400000 };
	static char buf[50000], got[50000];
	int slow, fast, s_slow, s_fast;

	connection(&p);
	OK(!set_nonblock(p.client));
	slow = stream_fd(p.client, 0);
	fast = stream_fd(p.client, 4);
	EQ(send(slow, buf, sizeof(buf), 0), sizeof(buf));
	ERR(send(slow, buf, 1, MSG_DONTWAIT), EAGAIN);	/* its own credit */
	EQ(send(fast, "a", 1, 0), 1);
	EQ(quic_sendmsg(p.client, "b", 1, 8, MSG_QUIC_STREAM_NEW), 1);

	UNTIL((s_fast = stream_fd(p.server, 4)) >= 0);
	s_slow = stream_fd(p.server, 0);
	OK(s_slow >= 0);
	/* Many times the credit of a stream. */
	expect(s_fast, "a");
	for (int i = 0; i < 20; i++) {
		EQ(send(fast, buf, 20000, 0), 20000);
		EQ(recv(s_fast, got, 20000, MSG_WAITALL), 20000);
	}
	EQ(read_stream(p.server, 8, got, 1, NULL), 1);
	EQ(got[0], 'b');
	/* Nothing of the slow one was lost, and reading lets it go on. */
	EQ(recv(s_slow, got, sizeof(got), MSG_WAITALL), sizeof(got));
	wait_poll(slow, POLLOUT);
	EQ(send(slow, "c", 1, 0), 1);
	expect(s_slow, "c");
}

/* What had come before the file descriptor was asked for is found there. */
static void *write_much(void *arg)
{
	static char bytes[20000];

	return (void *)(long)quic_sendmsg(*(int *)arg, bytes, sizeof(bytes), 0, 0);
}

/* Who waits for more than the window holds has to say that it was read. */
TEST(stream_fd_waits_for_all)
{
	struct pair p = { .client_params.max_stream_data_bidi_local = 4096 };
	static char got[20000];
	pthread_t thread;
	void *sent;
	char x;
	int c;

	connection(&p);
	c = stream_fd(p.client, -1);
	EQ(write(c, "x", 1), 1);
	EQ(read_stream(p.server, 0, &x, 1, NULL), 1);
	OK(!pthread_create(&thread, NULL, write_much, &p.server));
	usleep(500000);		/* the window is full, and nothing under way */
	EQ(recv(c, got, sizeof(got), MSG_WAITALL), sizeof(got));
	pthread_join(thread, &sent);
	EQ((long)sent, sizeof(got));
}

TEST(stream_fd_late)
{
	struct pair p = { 0 };
	static struct unit u;
	int s;

	connection(&p);
	EQ(quic_sendmsg(p.client, "first", 5, 0, MSG_QUIC_STREAM_NEW), 5);
	EQ(quic_sendmsg(p.client, "other", 5, 4, MSG_QUIC_STREAM_NEW), 5);
	EQ(receive(p.server, &u, 3, 0), 3);
	wait_poll(p.server, POLLIN);
	UNTIL((s = stream_fd(p.server, 4)) >= 0);
	expect(s, "other");
	s = stream_fd(p.server, 0);
	expect(s, "st");
	ERR(receive(p.server, &u, 10, MSG_DONTWAIT), EAGAIN);
	ERR(stream_fd(p.server, 0), EBUSY);
	ERR(stream_fd(p.server, 8), EINVAL);
}

/* ---- accepting --------------------------------------------------------------------------- */

TEST(stream_fd_accept)
{
	struct pair p = { 0 };
	struct pollfd pfd;
	int64_t id;
	int val;

	connection(&p);
	accept_mode(p.server);
	OK(!set_nonblock(p.server));
	ERR(accept_stream(p.server, NULL), EAGAIN);
	EQ(poll_now(p.server), POLLOUT);
	EQ(quic_sendmsg(p.client, "x", 1, 8, MSG_QUIC_STREAM_NEW), 1);
	pfd = (struct pollfd){ .fd = p.server, .events = POLLIN };
	EQ(poll(&pfd, 1, 20000), 1);
	/* Its bytes are not for the common queue. */
	ERR(recv(p.server, &val, 1, 0), EAGAIN);
	OK(!ioctl(p.server, SIOCINQ, &val));
	EQ(val, 0);
	for (int i = 0; i < 3; i++) {	/* all lower ones are open, too */
		int s = accept_stream(p.server, &id);

		OK(s >= 0);
		EQ(id, i * 4);
		EQ(recv(s, &val, 1, MSG_DONTWAIT), i == 2 ? 1 : -1);
	}
	EQ(poll_now(p.server), POLLOUT);
	ERR(accept_stream(p.server, NULL), EAGAIN);
	/* What we open is not to be accepted, and is the active one. */
	EQ(quic_sendmsg(p.server, "y", 1, 1, MSG_QUIC_STREAM_NEW), 1);
	EQ(write(p.server, "z", 1), 1);
	ERR(accept_stream(p.server, NULL), EAGAIN);
}

static void *accept_later(void *arg)
{
	return (void *)(intptr_t)accept_stream(*(int *)arg, NULL);
}

/* A blocked accept wakes for a stream, and for the end of the connection. */
TEST(stream_fd_accept_blocks)
{
	struct pair p = accepting();
	pthread_t thread;
	void *ret;

	OK(!pthread_create(&thread, NULL, accept_later, &p.server));
	short_while();
	EQ(quic_sendmsg(p.client, "x", 1, 0, MSG_QUIC_STREAM_NEW), 1);
	OK(!pthread_join(thread, &ret));
	expect((intptr_t)ret, "x");

	OK(!pthread_create(&thread, NULL, accept_later, &p.server));
	short_while();
	OK(!close(p.client));
	OK(!pthread_join(thread, &ret));
	EQ((intptr_t)ret, -1);
}

/* One that was reset before is passed over if nothing is left of it. */
TEST(stream_fd_accept_skips_dead)
{
	struct pair p = { .set_listener = accept_mode,
			  .events = 1 << QUIC_EVENT_STREAM_UPDATE };
	int64_t id;
	int s;

	connection(&p);
	EQ(quic_sendmsg(p.client, "x", 1, 2, MSG_QUIC_STREAM_NEW), 1);
	OK(!stream_reset(p.client, 2, 7));
	wait_update(p.server, 2, QUIC_STREAM_RECV_STATE_RESET_RECVD, NULL);
	EQ(quic_sendmsg(p.client, "y", 1, 6, MSG_QUIC_STREAM_NEW), 1);
	s = accept_stream(p.server, &id);
	EQ(id, 6);
	expect(s, "y");
	/* Of a bidirectional one our half is left. */
	EQ(quic_sendmsg(p.client, "x", 1, 0, MSG_QUIC_STREAM_NEW), 1);
	OK(!stream_reset(p.client, 0, 7));
	wait_update(p.server, 0, QUIC_STREAM_RECV_STATE_RESET_RECVD, NULL);
	s = accept_stream(p.server, &id);
	EQ(id, 0);
	ERR(read(s, &id, 1), ECONNRESET);
	EQ(write(s, "still", 5), 5);
}

/* ---- giving up -------------------------------------------------------------------------------- */

/* RFC 9000 section 3.5: who closes without having read to the end asks the
 * peer to stop, and the peer's write fails.
 */
TEST(stream_fd_close_unread)
{
	struct pair p = accepting();
	struct quic_stream_update up;
	int c, s;

	signal(SIGPIPE, SIG_IGN);
	event_on(p.client, QUIC_EVENT_STREAM_UPDATE);
	c = stream_fd(p.client, -1);
	EQ(write(c, "unread", 6), 6);
	s = accept_stream(p.server, NULL);
	wait_poll(s, POLLIN);
	OK(!close(s));
	wait_update(p.client, 0, QUIC_STREAM_SEND_STATE_RESET_SENT, &up);
	EQ(up.errcode, 0);
	ERR(write(c, "x", 1), EPIPE);
	expect_end(c);		/* close() was the end of its sending, too */
	OK(poll_now(c) & POLLHUP);
}

/* Everything came, but was not read: there is nothing to stop. */
TEST(stream_fd_close_complete_unread)
{
	struct pair p = accepting();
	union quic_event ev;
	int c, s;

	event_on(p.client, QUIC_EVENT_STREAM_UPDATE);
	event_on(p.server, QUIC_EVENT_STREAM_UPDATE);
	c = stream_fd(p.client, -1);
	EQ(send(c, "unread", 6, MSG_QUIC_STREAM_FIN), 6);
	wait_update(p.server, 0, QUIC_STREAM_RECV_STATE_RECVD, NULL);
	s = accept_stream(p.server, NULL);
	OK(!close(s));
	do
		wait_event(p.client, QUIC_EVENT_STREAM_UPDATE, &ev);
	while (ev.update.state != QUIC_STREAM_RECV_STATE_RECVD &&
	       ev.update.state != QUIC_STREAM_SEND_STATE_RESET_SENT);
	EQ(ev.update.state, QUIC_STREAM_RECV_STATE_RECVD);
	expect_end(c);
}

TEST(stream_fd_reset)
{
	struct pair p = accepting();
	struct quic_errinfo info = { .stream_id = 99, .errcode = 42 };
	struct quic_stream_update up;
	char b;
	int c, s;

	signal(SIGPIPE, SIG_IGN);
	event_on(p.server, QUIC_EVENT_STREAM_UPDATE);
	c = stream_fd(p.client, -1);
	EQ(write(c, "abc", 3), 3);
	s = accept_stream(p.server, NULL);
	wait_poll(s, POLLIN);
	/* The number in the struct does not matter: it is this stream. */
	OK(!setsockopt(c, SOL_QUIC, QUIC_SOCKOPT_STREAM_RESET, &info,
		       sizeof(info)));
	ERR(write(c, "x", 1), EPIPE);
	wait_update(p.server, 0, QUIC_STREAM_RECV_STATE_RESET_RECVD, &up);
	EQ(up.errcode, 42);
	ERR(read(s, &b, 1), ECONNRESET);
	OK(poll_now(s) & POLLERR);
	EQ(write(s, "y", 1), 1);	/* the other way is as it was */
	expect(c, "y");
	ERR(read(s, &b, 1), ECONNRESET);
}

TEST(stream_fd_shut_rd)
{
	struct pair p = accepting();
	struct quic_errinfo info = { .errcode = 1 };
	int c, s, c2;

	signal(SIGPIPE, SIG_IGN);
	c = stream_fd(p.client, -1);
	EQ(write(c, "abc", 3), 3);
	s = accept_stream(p.server, NULL);
	wait_poll(s, POLLIN);
	OK(!shutdown(s, SHUT_RD));
	expect_end(s);
	UNTIL(write(c, "x", 1) < 0);
	EQ(errno, EPIPE);
	EQ(write(s, "y", 1), 1);
	expect(c, "y");
	OK(!shutdown(s, SHUT_RDWR));
	expect_end(c);
	ERR(shutdown(s, 3), EINVAL);

	c2 = stream_fd(p.client, -1);
	EQ(write(c2, "abc", 3), 3);
	s = accept_stream(p.server, NULL);
	OK(!setsockopt(s, SOL_QUIC, QUIC_SOCKOPT_STREAM_STOP_SENDING, &info,
		       sizeof(info)));
	UNTIL(write(c2, "x", 1) < 0);
	EQ(errno, EPIPE);
}

static volatile sig_atomic_t pipes;

static void on_pipe(int sig)
{
	pipes++;
}

TEST(stream_fd_sigpipe)
{
	struct pair p = accepting();
	int c = stream_fd(p.client, -1);

	signal(SIGPIPE, on_pipe);
	OK(!shutdown(c, SHUT_WR));
	ERR(write(c, "x", 1), EPIPE);
	EQ(pipes, 1);
	ERR(send(c, "x", 1, MSG_NOSIGNAL), EPIPE);
	EQ(pipes, 1);
}

/* ---- lifetime -------------------------------------------------------------------------------- */

/* The connection ends with its own file descriptor; those of streams stay, and
 * say so.
 */
TEST(stream_fd_outlives)
{
	struct pair p = accepting();
	union addr a;
	socklen_t len = sizeof(a);
	char b;
	int c, s, val;

	signal(SIGPIPE, SIG_IGN);
	c = stream_fd(p.client, -1);
	EQ(write(c, "abc", 3), 3);
	s = accept_stream(p.server, NULL);
	wait_poll(s, POLLIN);
	OK(!close(p.client));
	ERR(read(c, &b, 1), ENOTCONN);
	ERR(write(c, &b, 1), EPIPE);
	ERR(stream_fd(p.client, -1), EBADF);
	EQ(poll_now(c) & (POLLIN | POLLOUT | POLLHUP | POLLERR | POLLRDHUP),
	   POLLIN | POLLOUT | POLLHUP | POLLERR | POLLRDHUP);
	OK(!ioctl(c, SIOCOUTQ, &val));
	EQ(val, 0);
	OK(!getpeername(c, &a.sa, &len));
	/* The other end reads what it has first. */
	wait_closed(p.server);
	expect(s, "abc");
	ERR(read(s, &b, 1), ENOTCONN);
	ERR(write(s, &b, 1), EPIPE);
	OK(!close(p.server));
	ERR(read(s, &b, 1), ENOTCONN);
	OK(!close(s));
	OK(!close(c));
}

static void *read_until_closed(void *arg)
{
	char b;

	EQ(read(*(int *)arg, &b, 1), -1);
	EQ(errno, ENOTCONN);
	return NULL;
}

/* Someone sleeps on a stream while the connection goes. */
TEST(stream_fd_wakes_at_close)
{
	struct pair p = accepting();
	pthread_t thread[2];
	int c[2];

	for (int i = 0; i < 2; i++) {
		c[i] = stream_fd(p.client, -1);
		OK(!pthread_create(&thread[i], NULL, read_until_closed, &c[i]));
	}
	short_while();
	OK(!close(p.client));
	for (int i = 0; i < 2; i++)
		OK(!pthread_join(thread[i], NULL));
}

/* Closed before anything was sent or read, in any order, many times. */
TEST(stream_fd_many)
{
	struct pair p = accepting();
	int c[50], s[50];

	for (int round = 0; round < 6; round++) {
		for (int i = 0; i < 50; i++) {
			c[i] = stream_fd(p.client, -1);
			OK(c[i] >= 0);
			EQ(write(c[i], &i, sizeof(i)), sizeof(i));
		}
		for (int i = 0; i < 50; i++) {
			s[i] = accept_stream(p.server, NULL);
			OK(s[i] >= 0);
		}
		for (int i = 0; i < 50; i++) {
			int got = -1;

			if (i % 3)
				EQ(recv(s[i], &got, sizeof(got), MSG_WAITALL),
				   sizeof(got));
			if (i % 3)
				EQ(got, i);
			OK(!close(i & 1 ? c[i] : s[i]));
		}
		for (int i = 0; i < 50; i++)
			OK(!close(i & 1 ? s[i] : c[i]));
	}
}

/* ---- waiting ----------------------------------------------------------------------------------- */

TEST(stream_fd_poll_and_epoll)
{
	struct pair p = accepting();
	struct epoll_event ev = { .events = EPOLLIN | EPOLLET, .data.u32 = 7 };
	int c, s, ep = epoll_create1(0);

	c = stream_fd(p.client, -1);
	EQ(poll_now(c), POLLOUT);
	EQ(write(c, "a", 1), 1);
	s = accept_stream(p.server, NULL);
	OK(!epoll_ctl(ep, EPOLL_CTL_ADD, s, &ev));
	EQ(epoll_wait(ep, &ev, 1, 20000), 1);
	EQ(ev.data.u32, 7);
	EQ(ev.events, EPOLLIN);
	expect(s, "a");
	EQ(epoll_wait(ep, &ev, 1, 0), 0);
	EQ(write(c, "b", 1), 1);
	EQ(epoll_wait(ep, &ev, 1, 20000), 1);
	expect(s, "b");
	OK(!shutdown(c, SHUT_WR));
	EQ(epoll_wait(ep, &ev, 1, 20000), 1);
	wait_poll(s, POLLIN | POLLRDHUP);
	expect_end(s);
}

/* The send buffer is the connection's: who waits for it is woken. */
TEST(stream_fd_waits_for_room)
{
	struct pair p = { .set_listener = accept_mode,
			  .server_params.max_stream_data_bidi_remote = 4 << 20,
			  .server_params.max_data = 60000 };
	static char buf[200000];
	size_t n = 0, got = 0;
	ssize_t k;
	int c, s;

	connection(&p);
	c = stream_fd(p.client, -1);
	OK(!set_nonblock(c));
	while ((k = write(c, buf, sizeof(buf))) > 0)
		n += k;
	EQ(errno, EAGAIN);
	EQ(n, 60000);
	EQ(poll_now(c), 0);
	s = accept_stream(p.server, NULL);
	while (got < n) {
		k = read(s, buf, sizeof(buf));
		OK(k > 0);
		got += k;
	}
	wait_poll(c, POLLOUT);
	OK(write(c, buf, 1000) > 0);
}

TEST(stream_fd_flags)
{
	struct pair p = accepting();
	struct timeval tv = { .tv_usec = 20000 };
	char buf[8] = "";
	int c, s, val;

	c = stream_fd(p.client, -1);
	EQ(write(c, "abcdef", 6), 6);
	s = accept_stream(p.server, NULL);
	wait_poll(s, POLLIN);
	EQ(recv(s, buf, 3, MSG_PEEK), 3);
	OK(!memcmp(buf, "abc", 3));
	OK(!ioctl(s, SIOCINQ, &val));
	EQ(val, 6);
	expect(s, "abcd");
	OK(!ioctl(s, SIOCINQ, &val));
	EQ(val, 2);
	expect(s, "ef");
	ERR(recv(s, buf, 1, MSG_DONTWAIT), EAGAIN);
	ERR(recv(s, buf, 1, MSG_OOB), EOPNOTSUPP);
	OK(!setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
	ERR(recv(s, buf, 1, 0), EAGAIN);
	ERR(send(s, buf, 1, MSG_OOB), EINVAL);
	ERR(send(s, buf, 1, MSG_QUIC_DATAGRAM), EINVAL);
	EQ(send(s, buf, 0, 0), 0);
	ERR(ioctl(s, 0x1234, &val), ENOTTY);
	/* All of it is acknowledged in the end. */
	do
		OK(!ioctl(c, SIOCOUTQ, &val));
	while (val);
	OK(!ioctl(c, SIOCOUTQNSD, &val));
	EQ(val, 0);
}

/* ---- the option itself ----------------------------------------------------------------------------- */

TEST(stream_fd_option)
{
	struct pair p = { .server_params.max_streams_bidi = 2 };
	struct quic_stream_fd info = { .stream_id = -1,
				       .file_flags = O_CLOEXEC | O_NONBLOCK };
	socklen_t len = sizeof(int);
	int c, val;

	connection(&p);
	c = stream_fd_with(p.client, &info);
	OK(c >= 0);
	EQ(fcntl(c, F_GETFD), FD_CLOEXEC);
	OK(fcntl(c, F_GETFL) & O_NONBLOCK);
	ERR(read(c, &val, 1), EAGAIN);
	ERR(stream_fd(p.client, 0), EBUSY);
	c = stream_fd(p.client, 4);
	EQ(fcntl(c, F_GETFD), 0);
	OK(!(fcntl(c, F_GETFL) & O_NONBLOCK));
	info = (struct quic_stream_fd){ .stream_id = -1,
		.stream_flags = MSG_QUIC_STREAM_DONTWAIT };
	ERR(stream_fd_with(p.client, &info), EAGAIN);
	/* It is a QUIC socket, and tells which stream it is. */
	OK(!getsockopt(c, SOL_SOCKET, SO_PROTOCOL, &val, &len));
	EQ(val, IPPROTO_QUIC);
	OK(!getsockopt(c, SOL_SOCKET, SO_TYPE, &val, &len));
	EQ(val, SOCK_STREAM);
	len = sizeof(info);
	OK(!opt_get(c, QUIC_SOCKOPT_STREAM_FD, &info, &len));
	EQ(info.stream_id, 4);
	EQ(len, sizeof(info));
	len = 8;
	OK(!opt_get(c, QUIC_SOCKOPT_STREAM_FD, &info, &len));
	EQ(len, 8);
	ERR(opt_get(c, QUIC_SOCKOPT_CONFIG, &info, &len), ENOPROTOOPT);
	ERR(opt_set(c, QUIC_SOCKOPT_CONFIG, &info, len), ENOPROTOOPT);
	ERR(listen(c, 1), EOPNOTSUPP);
	ERR(accept(c, NULL, NULL), EOPNOTSUPP);

	ERR(stream_fd(p.client, -2), EINVAL);
	ERR(stream_fd(p.client, 1), EINVAL);	/* the peer's, not opened */
	ERR(stream_fd(p.listener, -1), EPIPE);
	ERR(stream_fd(quic_socket(), -1), EPIPE);
	info = (struct quic_stream_fd){ .stream_id = -1, .stream_flags = 2 };
	ERR(stream_fd_with(p.client, &info), EINVAL);
	info = (struct quic_stream_fd){ .stream_id = -1, .file_flags = 1 };
	ERR(stream_fd_with(p.client, &info), EINVAL);
	info = (struct quic_stream_fd){ .stream_id = 0,
		.stream_flags = QUIC_STREAM_ACCEPT };
	ERR(stream_fd_with(p.client, &info), EINVAL);
	len = 16;
	ERR(opt_get(p.client, QUIC_SOCKOPT_STREAM_FD, &info, &len), EINVAL);
	info = (struct quic_stream_fd){ .stream_flags = 2 };
	ERR(opt_set(p.client, QUIC_SOCKOPT_STREAM_FD, &info, sizeof(info)),
	    EINVAL);
}

/* The base interface by number works beside it. */
TEST(stream_fd_and_sendmsg)
{
	struct pair p = accepting();
	int c = stream_fd(p.client, -1), s;

	EQ(quic_sendmsg(p.client, "ab", 2, 0, 0), 2);
	EQ(quic_sendmsg(c, "cd", 2, -1, 0), 2);
	EQ(quic_sendmsg(c, "ef", 2, 0, MSG_QUIC_STREAM_FIN), 2);
	ERR(quic_sendmsg(c, "gh", 2, 4, MSG_QUIC_STREAM_NEW), EINVAL);
	s = accept_stream(p.server, NULL);
	expect(s, "abcdef");
	expect_end(s);
	ERR(write(p.client, "x", 1), EINVAL);	/* it is not the active one */
}

/* ---- files ---------------------------------------------------------------------------------------- */

struct copy {
	int from, to;
	size_t done;
};

/* splice() out of a stream, through a pipe, into a file. */
static void *splice_out(void *arg)
{
	struct copy *c = arg;
	int pipes[2];
	ssize_t n, m;

	OK(!pipe(pipes));
	while ((n = splice(c->from, NULL, pipes[1], NULL, 65536, 0)) > 0) {
		c->done += n;
		for (; n; n -= m) {
			m = splice(pipes[0], NULL, c->to, NULL, n, 0);
			OK(m > 0);
		}
	}
	EQ(n, 0);
	return NULL;
}

TEST(stream_fd_sendfile_and_splice)
{
	struct pair p = accepting();
	int file = memfd_create("in", 0), out = memfd_create("out", 0);
	struct copy copy = { .to = out };
	unsigned char *a = malloc(SIZE), *b = malloc(SIZE);
	pthread_t thread;
	off_t off = 0;
	uint32_t x = 1;
	int c;

	for (int i = 0; i < SIZE; i++) {
		x = x * 1664525 + 1013904223;
		a[i] = x >> 24;
	}
	EQ(write(file, a, SIZE), SIZE);
	c = stream_fd(p.client, -1);
	EQ(write(c, "", 1), 1);
	copy.from = accept_stream(p.server, NULL);
	EQ(read(copy.from, b, 1), 1);
	OK(!pthread_create(&thread, NULL, splice_out, &copy));
	while (off < SIZE)
		OK(sendfile(c, file, &off, SIZE - off) > 0);
	OK(!close(c));
	OK(!pthread_join(thread, NULL));
	EQ(copy.done, SIZE);
	EQ(pread(out, b, SIZE, 0), SIZE);
	OK(!memcmp(a, b, SIZE));
}
