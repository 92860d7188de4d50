// SPDX-License-Identifier: GPL-2.0
/*
 * A hostile program: threads that make any call, with any argument, on sockets of
 * every kind that they share: listeners, connections in and after their handshake,
 * streams. The kernel may refuse all of it, in words that a program knows, but
 * wait, complain (tests/lab/run looks) or lose nothing: afterwards a connection
 * works as ever.
 *
 * SEED=n has other calls made, ROUNDS=n more of them. Threads make two runs differ
 * all the same: what fails may want the run repeated.
 */
#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/udp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include "pair.h"

#define THREADS		3
#define CALLS		400		/* of a thread in a round */
#define PATIENCE	20		/* seconds for a round */
#define SLOTS		32
#define HIGHEST_ERRNO	133		/* what strerror() knows */
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/* What the threads share. Slots change under others' hands: that is the idea. */
static int slots[SLOTS], port, file_fd, pipe_fd[2];
static char bytes[1 << 17];
static void *nowhere;			/* a page that is not mapped */

struct caller {
	uint64_t state;
	unsigned long made, worked;
	int doing;
};

/* ---- chance ------------------------------------------------------------------- */

static uint32_t rnd(struct caller *c)
{
	c->state ^= c->state << 13;
	c->state ^= c->state >> 7;
	c->state ^= c->state << 17;
	return c->state >> 32;
}

static uint32_t below(struct caller *c, uint32_t n)
{
	return rnd(c) % n;
}

static bool one_in(struct caller *c, uint32_t n)
{
	return !below(c, n);
}

/* Numbers at which things change, or any. */
static int64_t number(struct caller *c)
{
	static const int64_t edges[] = {
		0, 1, 2, 3, 4, 5, 7, 8, 16, 51, 52, 54, 63, 64, 255, 256, 1199, 1200,
		1252, 4096, 16384, 65527, 65535, 65536, 1000000, 16777216, INT32_MAX,
		UINT32_MAX, 1LL << 62, (1LL << 62) - 1, INT64_MAX, INT64_MIN, -1, -2,
	};

	return one_in(c, 4) ? (int64_t)rnd(c) << below(c, 33) :
			      edges[below(c, ARRAY_SIZE(edges))];
}

/* Most often one that exists, or could. */
static int64_t stream_id(struct caller *c)
{
	return one_in(c, 8) ? number(c) : one_in(c, 4) ? -1 : (int64_t)below(c, 24);
}

static uint32_t stream_flags(struct caller *c)
{
	static const uint32_t flags[] = {
		0, MSG_QUIC_STREAM_NEW, MSG_QUIC_STREAM_FIN, MSG_QUIC_STREAM_UNI,
		MSG_QUIC_STREAM_DONTWAIT, MSG_QUIC_STREAM_SNDBLOCK, MSG_QUIC_DATAGRAM,
	};
	uint32_t f = flags[below(c, ARRAY_SIZE(flags))];

	return one_in(c, 2) ? f | MSG_QUIC_STREAM_NEW :
	       one_in(c, 16) ? rnd(c) : f | flags[below(c, ARRAY_SIZE(flags))];
}

static int any_fd(struct caller *c)
{
	return slots[below(c, SLOTS)];
}

static void keep(struct caller *c, int fd)
{
	int *slot = &slots[below(c, SLOTS)];

	if (fd < 0)
		return;
	set_nonblock(fd);
	close(__atomic_exchange_n(slot, fd, __ATOMIC_RELAXED));
}

static void *pointer(struct caller *c, void *good)
{
	return one_in(c, 32) ? NULL : one_in(c, 32) ? nowhere : good;
}

/* As long as it should be, or not. */
static socklen_t length(struct caller *c, socklen_t right)
{
	return one_in(c, 4) ? (socklen_t)number(c) % sizeof(bytes) :
	       one_in(c, 16) ? (socklen_t)number(c) : right;
}

static socklen_t address(struct caller *c, union addr *a)
{
	socklen_t len = loopback(a, one_in(c, 8) ? AF_INET + AF_INET6 - family : family,
				 one_in(c, 4) ? (int)(rnd(c) & 0xffff) : port);

	if (one_in(c, 8))
		a->sa.sa_family = one_in(c, 2) ? AF_UNSPEC : rnd(c);
	if (a->sa.sa_family == AF_INET)
		a->v4.sin_addr.s_addr ^= htonl(below(c, 3));
	return one_in(c, 8) ? below(c, sizeof(*a) + 1) : len;
}

/* ---- options ------------------------------------------------------------------ */

static const struct {
	int name;
	socklen_t len;
} options[] = {
	{ QUIC_SOCKOPT_EVENT, sizeof(struct quic_event_option) },
	{ QUIC_SOCKOPT_STREAM_OPEN, sizeof(struct quic_stream_info) },
	{ QUIC_SOCKOPT_STREAM_RESET, sizeof(struct quic_errinfo) },
	{ QUIC_SOCKOPT_STREAM_STOP_SENDING, sizeof(struct quic_errinfo) },
	{ QUIC_SOCKOPT_CONNECTION_ID, sizeof(struct quic_connection_id_info) },
	{ QUIC_SOCKOPT_CONNECTION_CLOSE, sizeof(struct quic_connection_close) },
	{ QUIC_SOCKOPT_CONNECTION_MIGRATION, sizeof(struct sockaddr_storage) },
	{ QUIC_SOCKOPT_KEY_UPDATE, 0 },
	{ QUIC_SOCKOPT_TRANSPORT_PARAM, sizeof(struct quic_transport_param) },
	{ QUIC_SOCKOPT_CONFIG, sizeof(struct quic_config) },
	{ QUIC_SOCKOPT_TOKEN, 40 },
	{ QUIC_SOCKOPT_ALPN, 8 },
	{ QUIC_SOCKOPT_SESSION_TICKET, 80 },
	{ QUIC_SOCKOPT_CRYPTO_SECRET, sizeof(struct quic_crypto_secret) },
	{ QUIC_SOCKOPT_TRANSPORT_PARAM_EXT, 60 },
	{ QUIC_SOCKOPT_STREAM_ACTIVE, sizeof(struct quic_stream_info) },
	{ QUIC_SOCKOPT_CONGESTION, 16 },
	{ QUIC_SOCKOPT_INFO, sizeof(struct quic_info) },
	{ QUIC_SOCKOPT_STREAM_PRIORITY, sizeof(struct quic_stream_priority) },
	{ QUIC_SOCKOPT_STREAM_FD, sizeof(struct quic_stream_fd) },
	{ QUIC_SOCKOPT_STREAM_FD + 1, 4 },
	{ QUIC_SOCKOPT_EARLY_DATA, 4 },
	{ QUIC_SOCKOPT_CONNID, 16 },
	{ QUIC_SOCKOPT_OFFLOAD, sizeof(struct quic_offload) },
};

union value {
	char bytes[sizeof(bytes)];
	struct quic_stream_info stream;
	struct quic_errinfo error;
	struct quic_stream_priority priority;
	struct quic_stream_fd fd;
	struct quic_crypto_secret secret;
	struct quic_connection_id_info ids;
	struct quic_event_option event;
	struct quic_transport_param params;
	uint32_t words[40];
	int64_t id;
};

/* Something that the option may well take. */
static void likely(struct caller *c, int name, union value *v)
{
	static const char *const names[] = { "reno", "cubic", "bbr", "random", "bpf", "" };
	union addr a;

	memset(v, 0, 256);
	switch (name) {
	case QUIC_SOCKOPT_EVENT:
		v->event.type = below(c, QUIC_EVENT_MAX + 1);
		v->event.on = below(c, 2);
		return;
	case QUIC_SOCKOPT_STREAM_OPEN:
	case QUIC_SOCKOPT_STREAM_ACTIVE:
		v->stream.stream_id = stream_id(c);
		v->stream.stream_flags = stream_flags(c);
		return;
	case QUIC_SOCKOPT_STREAM_RESET:
	case QUIC_SOCKOPT_STREAM_STOP_SENDING:
		v->error.stream_id = stream_id(c);
		v->error.errcode = number(c);
		return;
	case QUIC_SOCKOPT_CONNECTION_ID:
		v->ids.dest = below(c, 2);
		v->ids.active = below(c, 12);
		v->ids.prior_to = below(c, 12);
		return;
	case QUIC_SOCKOPT_CONNECTION_MIGRATION:
		address(c, &a);
		memcpy(v, &a, sizeof(a));
		return;
	case QUIC_SOCKOPT_STREAM_PRIORITY:
		v->priority.stream_id = stream_id(c);
		v->priority.urgency = below(c, 9);
		v->priority.incremental = below(c, 2);
		return;
	case QUIC_SOCKOPT_STREAM_FD:
		v->fd.stream_id = stream_id(c);
		v->fd.stream_flags = stream_flags(c) | below(c, 2);
		v->fd.file_flags = O_NONBLOCK | (one_in(c, 2) ? O_CLOEXEC : 0);
		return;
	case QUIC_SOCKOPT_CRYPTO_SECRET:
		v->secret.send = below(c, 2);
		v->secret.level = below(c, QUIC_CRYPTO_MAX + 1);
		v->secret.type = 51 + below(c, 4);
		return;
	case QUIC_SOCKOPT_CONGESTION:
	case QUIC_SOCKOPT_CONNID:
		strcpy(v->bytes, names[below(c, ARRAY_SIZE(names))]);
		return;
	case QUIC_SOCKOPT_TRANSPORT_PARAM:
		v->params.remote = one_in(c, 8);
		v->params.max_datagram_frame_size = one_in(c, 2) ? 1400 : 0;
		v->params.max_data = one_in(c, 2) ? 5000 : 0;
		v->params.max_streams_bidi = below(c, 8);
		return;
	case QUIC_SOCKOPT_TOKEN:
	case QUIC_SOCKOPT_ALPN:
	case QUIC_SOCKOPT_SESSION_TICKET:
	case QUIC_SOCKOPT_TRANSPORT_PARAM_EXT:
		for (int i = 0; i < 80; i++)
			v->bytes[i] = rnd(c);
		return;
	default:
		for (int i = 0; i < 4; i++)
			v->words[i] = below(c, 4);
	}
}

static void spoil(struct caller *c, union value *v, socklen_t len)
{
	int64_t n = number(c);

	if (len > 256)
		len = 256;
	memcpy(v->bytes + below(c, len + 1), &n, 1 << below(c, 4));
}

static union value *value(struct caller *c, int name, socklen_t len)
{
	static __thread union value v;

	likely(c, name, &v);
	if (one_in(c, 3))
		spoil(c, &v, len);
	return &v;
}

static long set_option(struct caller *c)
{
	int i = below(c, ARRAY_SIZE(options)), fd = any_fd(c);
	union value *v = value(c, options[i].name, options[i].len);

	/* Or else there is soon nothing left to call. */
	if (options[i].name == QUIC_SOCKOPT_CONNECTION_CLOSE && !one_in(c, 8))
		return 0;
	return opt_set(fd, options[i].name, pointer(c, v), length(c, options[i].len));
}

static long get_option(struct caller *c)
{
	int i = below(c, ARRAY_SIZE(options)), fd = any_fd(c);
	union value *v = value(c, options[i].name, options[i].len);
	socklen_t len = length(c, options[i].len);
	int ret = opt_get(fd, options[i].name, pointer(c, v), pointer(c, &len));

	if (!ret && options[i].name == QUIC_SOCKOPT_STREAM_FD &&
	    len >= offsetof(struct quic_stream_fd, reserved))
		keep(c, v->fd.fd);
	return ret;
}

/* Of other levels: some reach for what only TCP or UDP have. */
static long other_option(struct caller *c)
{
	static const int levels[] = {
		SOL_SOCKET, SOL_IP, SOL_IPV6, IPPROTO_TCP, IPPROTO_UDP, SOL_QUIC, 282,
	};
	struct sock_filter code = { BPF_RET | BPF_K, 0, 0, below(c, 2000) };
	struct sock_fprog prog = { 1, &code };
	int level = levels[below(c, ARRAY_SIZE(levels))], name = below(c, 84);
	int fd = any_fd(c);
	union value *v = value(c, -1, 16);
	socklen_t len = length(c, 4);

	/* A minute of it would be waiting. */
	if (level == SOL_SOCKET && name == SO_LINGER)
		v->words[1] = 0;
	if (one_in(c, 2))
		return getsockopt(fd, level, name, pointer(c, v), pointer(c, &len));
	if (level == SOL_SOCKET && name == SO_ATTACH_FILTER)
		memcpy(v, &prog, sizeof(prog));
	/* Nor are calls to wait for others' bytes. */
	if (level == SOL_SOCKET && (name == SO_BUSY_POLL || name == SO_BUSY_POLL_BUDGET))
		return 0;
	return setsockopt(fd, level, name, pointer(c, v), len);
}

/* ---- data --------------------------------------------------------------------- */

static size_t amount(struct caller *c)
{
	return one_in(c, 4) ? below(c, sizeof(bytes)) : below(c, 3000);
}

static size_t control(struct caller *c, struct cmsghdr *m, size_t room)
{
	struct quic_stream_info info = {
		.stream_id = stream_id(c), .stream_flags = stream_flags(c),
	};
	struct quic_handshake_info level = { .crypto_level = below(c, 5) };
	bool handshake = one_in(c, 4);

	memset(m, 0, room);
	m->cmsg_level = one_in(c, 16) ? (int)below(c, 300) : SOL_QUIC;
	m->cmsg_type = one_in(c, 16) ? below(c, 8) :
		       handshake ? QUIC_HANDSHAKE_INFO : QUIC_STREAM_INFO;
	if (handshake)
		memcpy(CMSG_DATA(m), &level, sizeof(level));
	else
		memcpy(CMSG_DATA(m), &info, sizeof(info));
	m->cmsg_len = CMSG_LEN(handshake ? sizeof(level) : sizeof(info));
	if (one_in(c, 16))
		m->cmsg_len = number(c);
	return one_in(c, 16) ? below(c, room) : CMSG_SPACE(sizeof(info));
}

static int call_flags(struct caller *c)
{
	static const int flags[] = {
		MSG_MORE, MSG_OOB, MSG_PEEK, MSG_TRUNC, MSG_WAITALL, MSG_ERRQUEUE,
		MSG_ZEROCOPY, MSG_EOR, MSG_CONFIRM, MSG_DONTROUTE, MSG_FASTOPEN, 0,
	};

	return MSG_DONTWAIT | MSG_NOSIGNAL |
	       (one_in(c, 2) ? 0 : flags[below(c, ARRAY_SIZE(flags))]) |
	       (one_in(c, 64) ? rnd(c) : 0);
}

static long send_message(struct caller *c)
{
	char room[64] __attribute__((aligned(8)));
	struct iovec iov[2] = {
		{ pointer(c, bytes), amount(c) }, { pointer(c, bytes), below(c, 300) },
	};
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = below(c, 3) };
	union addr a;

	if (!one_in(c, 4)) {
		msg.msg_control = room;
		msg.msg_controllen = control(c, (void *)room, sizeof(room));
	}
	if (one_in(c, 16)) {
		msg.msg_namelen = address(c, &a);
		msg.msg_name = &a;
	}
	return sendmsg(any_fd(c), &msg, call_flags(c) | (one_in(c, 2) ? stream_flags(c) : 0));
}

static long receive_message(struct caller *c)
{
	static __thread char into[sizeof(bytes)];
	char room[64] __attribute__((aligned(8)));
	struct iovec iov = { pointer(c, into), amount(c) };
	union addr a;
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = below(c, 2),
		.msg_control = pointer(c, room), .msg_controllen = below(c, sizeof(room)),
		.msg_name = one_in(c, 4) ? &a : NULL, .msg_namelen = sizeof(a),
	};

	return recvmsg(any_fd(c), &msg, call_flags(c));
}

/* Pages, both ways. */
static long splice_bytes(struct caller *c)
{
	int fd = any_fd(c);
	off_t from = below(c, 5000);

	switch (below(c, 4)) {
	case 0:
		return sendfile(fd, file_fd, &from, amount(c));
	case 1:
		return splice(fd, NULL, pipe_fd[1], NULL, amount(c), SPLICE_F_NONBLOCK);
	case 2:
		return splice(pipe_fd[0], NULL, fd, NULL, amount(c), SPLICE_F_NONBLOCK);
	default:
		return write(pipe_fd[1], bytes, below(c, 4096));
	}
}

/* ---- the life of sockets -------------------------------------------------------- */

static long make(struct caller *c)
{
	int fd = socket(one_in(c, 8) ? AF_INET + AF_INET6 - family : family,
			(one_in(c, 2) ? SOCK_DGRAM : SOCK_STREAM) | SOCK_NONBLOCK, IPPROTO_QUIC);
	union addr a;

	if (fd >= 0 && !one_in(c, 4))
		connect(fd, &a.sa, address(c, &a));
	keep(c, fd);
	return fd;
}

static long connect_or_bind(struct caller *c)
{
	union addr a;
	socklen_t len = address(c, &a);

	switch (below(c, 4)) {
	case 0:
		a.v4.sin_port = 0;
		return bind(any_fd(c), pointer(c, &a.sa), len);
	case 1:
		return bind(any_fd(c), pointer(c, &a.sa), len);
	case 2:
		return listen(any_fd(c), number(c));
	default:
		return connect(any_fd(c), pointer(c, &a.sa), len);
	}
}

static long take(struct caller *c)
{
	union addr a;
	socklen_t len = length(c, sizeof(a));
	int fd = accept4(any_fd(c), pointer(c, &a.sa), &len, SOCK_NONBLOCK);

	keep(c, fd);
	return fd;
}

static long names(struct caller *c)
{
	union addr a;
	socklen_t len = length(c, sizeof(a));

	return one_in(c, 2) ? getsockname(any_fd(c), pointer(c, &a.sa), &len) :
			      getpeername(any_fd(c), pointer(c, &a.sa), &len);
}

static long look(struct caller *c)
{
	struct pollfd p = { .fd = any_fd(c), .events = rnd(c) };
	int n;

	switch (below(c, 4)) {
	case 0:
		return poll(&p, 1, 0);
	case 1:
		return ioctl(p.fd, one_in(c, 2) ? FIONREAD : TIOCOUTQ, pointer(c, &n));
	case 2:
		/* As a TCP program asks; and all that sockets have. */
		return ioctl(p.fd, 0x8900 + below(c, 0x20), pointer(c, bytes));
	default:
		return fcntl(p.fd, F_SETOWN, getpid());
	}
}

static long end(struct caller *c)
{
	int fd = any_fd(c);

	switch (below(c, 8)) {
	case 0:
		return shutdown(fd, below(c, 4));
	case 1:
		return close(fd);
	case 2:
		keep(c, dup(fd));
		return 0;
	case 3:
		/* Not a read of any file. */
		return mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED ? -1 : 0;
	default:
		return 0;
	}
}

/* One end of a handshake in a process of its own, while others use its socket. */
static long shake_hands(struct caller *c)
{
	int fd = any_fd(c);
	bool server = one_in(c, 2);
	pid_t pid = fork();

	if (!pid) {
		alarm(2);
		signal(SIGALRM, SIG_DFL);
		_exit(server ? server_handshake(fd) : client_handshake(fd));
	}
	return pid;
}

/* ---- rounds -------------------------------------------------------------------- */

/* In a hundred. */
static const struct {
	const char *name;
	long (*call)(struct caller *c);
	int share;
} calls[] = {
	{ "setsockopt", set_option, 16 },
	{ "getsockopt", get_option, 12 },
	{ "options of other levels", other_option, 5 },
	{ "sendmsg", send_message, 20 },
	{ "recvmsg", receive_message, 20 },
	{ "splice", splice_bytes, 5 },
	{ "socket", make, 4 },
	{ "bind, listen, connect", connect_or_bind, 4 },
	{ "accept", take, 4 },
	{ "getsockname", names, 2 },
	{ "poll, ioctl", look, 3 },
	{ "shutdown, close", end, 4 },
	{ "handshake", shake_hands, 1 },
};

static int chosen(struct caller *c)
{
	int at = below(c, 100), i = 0;

	while (at >= calls[i].share)
		at -= calls[i++].share;
	return i;
}

static void *caller(void *arg)
{
	struct caller *c = arg;
	long ret;

	for (int i = 0; i < CALLS; i++) {
		errno = 0;
		c->doing = chosen(c);
		ret = calls[c->doing].call(c);
		c->made++;
		c->worked += ret >= 0;
		if (errno < 0 || errno > HIGHEST_ERRNO)
			FAIL("an error number of the kernel's own: %d", errno);
	}
	return NULL;
}

static void returned(pthread_t thread, const struct caller *c)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += PATIENCE * slow;
	if (pthread_timedjoin_np(thread, NULL, &until))
		FAIL("it waits: %s", calls[c->doing].name);
}

static void furnish(struct pair *p)
{
	static int kind;

	*p = (struct pair) {
		.client_params.max_datagram_frame_size = 1400,
		.server_params.max_datagram_frame_size = 1400,
		.events = kind++ & 1 ? ~0U : 0,
	};
	connection(p);
	pair_talk(p);
	port = port_of(p->listener);
}

/* Connections of several sorts, and what threads make of them. */
static void play(struct caller *callers)
{
	pthread_t threads[THREADS];
	struct pair p;
	int i;

	for (i = 0; i + 3 <= SLOTS; i += 6) {
		furnish(&p);
		slots[i] = p.listener;
		slots[i + 1] = p.client;
		slots[i + 2] = p.server;
		for (int k = 0; k < 3; k++) {
			set_nonblock(slots[i + k]);
			if (i + 3 + k < SLOTS)
				slots[i + 3 + k] = dup(slots[i + k]);
		}
	}
	for (i = 0; i < THREADS; i++)
		OK(!pthread_create(&threads[i], NULL, caller, &callers[i]));
	for (i = 0; i < THREADS; i++)
		returned(threads[i], &callers[i]);
	for (i = 0; i < SLOTS; i++)
		close(slots[i]);
}

TEST_WITH(random_calls, 120, true)
{
	struct caller callers[THREADS] = {};
	unsigned long made = 0, worked = 0;
	int rounds = setting("ROUNDS", 5), seed = setting("SEED", 1);
	struct pair p = {};

	signal(SIGPIPE, SIG_IGN);
	signal(SIGIO, SIG_IGN);
	signal(SIGURG, SIG_IGN);
	signal(SIGCHLD, SIG_IGN);	/* nobody waits for them */
	file_fd = open("/proc/self/exe", O_RDONLY);
	OK(file_fd >= 0);
	OK(!pipe2(pipe_fd, O_NONBLOCK));
	nowhere = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	OK(nowhere != MAP_FAILED);
	for (int i = 0; i < THREADS; i++)
		callers[i].state = 0x9e3779b97f4a7c15 * (seed * THREADS + i + 1);
	for (int i = 0; i < rounds; i++)
		play(callers);
	for (int i = 0; i < THREADS; i++) {
		made += callers[i].made;
		worked += callers[i].worked;
	}
	note("%lu calls, %lu worked", made, worked);
	/* Refusals alone would say little. */
	OK(worked > made / 8);
	connection(&p);
	pair_talk(&p);
}
