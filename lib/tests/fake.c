// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "fake.h"
#include "tap.h"

struct fake_run {
	struct fake_run	*next;
	uint8_t		level;
	size_t		len, done;
	uint8_t		data[];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct fake *fakes[2];

int __real_getsockopt(int fd, int level, int name, void *val, socklen_t *len);
int __real_setsockopt(int fd, int level, int name, const void *val,
		      socklen_t len);
ssize_t __real_sendmsg(int fd, const struct msghdr *msg, int flags);
ssize_t __real_recvmsg(int fd, struct msghdr *msg, int flags);
int __real_poll(struct pollfd *fds, nfds_t count, int timeout);

static struct fake *find_fake(int fd)
{
	if (fakes[0] && fakes[0]->fd == fd)
		return fakes[0];
	if (fakes[1] && fakes[1]->fd == fd)
		return fakes[1];
	return NULL;
}

static int fail(int err)
{
	errno = err;
	return -1;
}

/* ---- runs of bytes ------------------------------------------------------- */

static void append_run(struct fake_run **list, uint8_t level, const void *data,
		       size_t len)
{
	struct fake_run *run = malloc(sizeof(*run) + len);

	run->next = NULL;
	run->level = level;
	run->len = len;
	run->done = 0;
	memcpy(run->data, data, len);
	while (*list)
		list = &(*list)->next;
	*list = run;
}

static void append_list(struct fake_run **list, struct fake_run *more)
{
	while (*list)
		list = &(*list)->next;
	*list = more;
}

static void free_list(struct fake_run **list)
{
	struct fake_run *run;

	while ((run = *list)) {
		*list = run->next;
		free(run);
	}
}

/* Can the head be decrypted? */
static bool readable(const struct fake *fake)
{
	return fake->in && (fake->in->level == QUIC_CRYPTO_INITIAL ||
			    fake->has_secret[0][fake->in->level]);
}

/* ---- options --------------------------------------------------------------- */

static int give(void *val, socklen_t *len, const void *data, size_t size)
{
	if (*len < size)
		return fail(EINVAL);
	memcpy(val, data, size);
	*len = size;
	return 0;
}

static int get_tparam(struct fake *fake, void *val, socklen_t *len)
{
	char text[64];

	fake->tparam_gets++;
	if (fake->fail_tparam_get)
		return fail(fake->fail_tparam_get);
	if (fake->no_tparam)
		return give(val, len, "", 0);
	snprintf(text, sizeof(text), "parameters of the %s, %u",
		 fake->is_server ? "server" : "client", fake->tparam_gets);
	return give(val, len, text, strlen(text));
}

static int get_ticket(struct fake *fake, void *val, socklen_t *len)
{
	uint8_t key[64];

	if (!fake->is_server)
		return give(val, len, fake->ticket, fake->ticket_len);
	if (!fake->ticket_key)
		return fail(ENOPROTOOPT);
	memset(key, 0x5a, sizeof(key));
	return give(val, len, key, sizeof(key));
}

static int get_option(struct fake *fake, int name, void *val, socklen_t *len)
{
	struct quic_config config = { .payload_cipher_type = fake->cipher };
	struct quic_transport_param limits = { .max_data = 1 << 20 };

	switch (name) {
	case QUIC_SOCKOPT_TOKEN:
		if (fake->fail_role)
			return fail(fake->fail_role);
		return fake->is_server ? fail(EINVAL) : give(val, len, "", 0);
	case QUIC_SOCKOPT_CONFIG:
		return give(val, len, &config, sizeof(config));
	case QUIC_SOCKOPT_ALPN:
		return give(val, len, fake->alpn, strlen(fake->alpn));
	case QUIC_SOCKOPT_SESSION_TICKET:
		return get_ticket(fake, val, len);
	case QUIC_SOCKOPT_TRANSPORT_PARAM:
		return give(val, len, &limits, sizeof(limits));
	case QUIC_SOCKOPT_TRANSPORT_PARAM_EXT:
		return get_tparam(fake, val, len);
	case QUIC_SOCKOPT_CONNECTION_CLOSE:
		return give(val, len, fake->closed ? &fake->peer_close :
			    &fake->close, sizeof(fake->close));
	default:
		return fail(ENOPROTOOPT);
	}
}

int __wrap_getsockopt(int fd, int level, int name, void *val, socklen_t *len)
{
	struct fake *fake = find_fake(fd);
	int ret;

	if (!fake)
		return __real_getsockopt(fd, level, name, val, len);
	if (level == SOL_SOCKET && name == SO_ERROR) {
		ret = give(val, len, &fake->so_error, sizeof(int));
		fake->so_error = 0;
		return ret;
	}
	if (level != SOL_QUIC)
		return fail(ENOPROTOOPT);
	pthread_mutex_lock(&lock);
	ret = get_option(fake, name, val, len);
	pthread_mutex_unlock(&lock);
	return ret;
}

static int set_secret(struct fake *fake, const struct quic_crypto_secret *s)
{
	if (s->level == QUIC_CRYPTO_INITIAL || s->level >= QUIC_CRYPTO_MAX ||
	    s->type < 51 || s->type > 54 || s->send > 1)
		return fail(EINVAL);
	if (fake->fail_secret)
		return fail(fake->fail_secret);
	/* A client that has sent early data goes on with it meanwhile. */
	if (!s->send && s->level != QUIC_CRYPTO_EARLY &&
	    !fake->has_secret[1][s->level] &&
	    !fake->has_secret[1][QUIC_CRYPTO_EARLY])
		fake->rx_before_tx = true;
	fake->secret[s->send][s->level] = *s;
	fake->has_secret[s->send][s->level] = true;
	return 0;
}

static int set_option(struct fake *fake, int name, const void *val,
		      socklen_t len)
{
	switch (name) {
	case QUIC_SOCKOPT_ALPN:
		if (!len || len > 128)
			return fail(EINVAL);
		memcpy(fake->alpn, val, len);
		fake->alpn[len] = '\0';
		return 0;
	case QUIC_SOCKOPT_CRYPTO_SECRET:
		return len == sizeof(struct quic_crypto_secret) ?
		       set_secret(fake, val) : fail(EINVAL);
	case QUIC_SOCKOPT_TRANSPORT_PARAM_EXT:
		if (fake->fail_tparam_set || len > sizeof(fake->peer_tparam))
			return fail(fake->fail_tparam_set);
		if (fake->peer_tparam_len)
			return fail(EINVAL);
		memcpy(fake->peer_tparam, val, len);
		fake->peer_tparam_len = len;
		return 0;
	case QUIC_SOCKOPT_CONNECTION_CLOSE:
		memcpy(&fake->close, val, sizeof(fake->close));
		return 0;
	default:
		return fail(ENOPROTOOPT);
	}
}

int __wrap_setsockopt(int fd, int level, int name, const void *val,
		      socklen_t len)
{
	struct fake *fake = find_fake(fd);
	int ret;

	if (!fake)
		return __real_setsockopt(fd, level, name, val, len);
	if (level != SOL_QUIC)
		return fail(ENOPROTOOPT);
	pthread_mutex_lock(&lock);
	ret = set_option(fake, name, val, len);
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
	return ret;
}

/* ---- messages ----------------------------------------------------------------- */

static ssize_t send_stream(struct fake *fake, const struct msghdr *msg,
			   int flags)
{
	memcpy(&fake->stream, CMSG_DATA(CMSG_FIRSTHDR(msg)),
	       sizeof(fake->stream));
	fake->send_flags = flags;
	return msg->msg_iov->iov_len;
}

static void note(struct fake *fake, uint8_t level, bool more)
{
	static const char letter[] = { 'A', 'I', 'H', 'E' };
	size_t len = strlen(fake->pattern);

	if (len + 3 > sizeof(fake->pattern))
		return;
	fake->pattern[len++] = letter[level];
	if (more)
		fake->pattern[len++] = '+';
	fake->pattern[len] = '\0';
}

static ssize_t send_handshake(struct fake *fake, uint8_t level,
			      const struct iovec *iov, int flags)
{
	if (fake->block_sends) {
		fake->block_sends--;
		return fail(EAGAIN);
	}
	if (fake->fail_send)
		return fail(fake->fail_send);
	if (level >= QUIC_CRYPTO_EARLY ||
	    (level != QUIC_CRYPTO_INITIAL && !fake->has_secret[1][level]))
		return fail(EINVAL);
	if (level == QUIC_CRYPTO_APP && fake->fail_ticket)
		return fail(fake->fail_ticket);
	if (!iov->iov_len)
		return fail(EMSGSIZE);

	if (level != QUIC_CRYPTO_APP && fake->has_secret[1][QUIC_CRYPTO_APP])
		fake->late_bytes = true;
	if (!(flags & MSG_NOSIGNAL))
		fake->nosignal_missing = true;
	note(fake, level, flags & MSG_MORE);
	append_run(&fake->corked, level, iov->iov_base, iov->iov_len);
	if (!(flags & MSG_MORE) && fake->peer) {
		append_list(&fake->peer->in, fake->corked);
		fake->corked = NULL;
	}
	return iov->iov_len;
}

ssize_t __wrap_sendmsg(int fd, const struct msghdr *msg, int flags)
{
	struct fake *fake = find_fake(fd);
	struct cmsghdr *cmsg;
	ssize_t ret;

	if (!fake)
		return __real_sendmsg(fd, msg, flags);
	cmsg = CMSG_FIRSTHDR(msg);
	if (!cmsg || cmsg->cmsg_level != SOL_QUIC)
		return fail(EINVAL);
	if (cmsg->cmsg_type == QUIC_STREAM_INFO)
		return send_stream(fake, msg, flags);

	pthread_mutex_lock(&lock);
	if (fake->closed)
		ret = fail(EPIPE);
	else
		ret = send_handshake(fake, *CMSG_DATA(cmsg), msg->msg_iov,
				     flags);
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
	return ret;
}

static void put_cmsg(struct msghdr *msg, int type, const void *data,
		     size_t len)
{
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(msg);

	cmsg->cmsg_level = SOL_QUIC;
	cmsg->cmsg_type = type;
	cmsg->cmsg_len = CMSG_LEN(len);
	memcpy(CMSG_DATA(cmsg), data, len);
	msg->msg_controllen = CMSG_SPACE(len);
}

/* The client's kernel keeps bytes of level APP to itself. */
static void keep_tickets(struct fake *fake)
{
	struct fake_run *run;

	while (readable(fake) && fake->in->level == QUIC_CRYPTO_APP) {
		run = fake->in;
		memcpy(fake->ticket, run->data, run->len);
		fake->ticket_len = run->len;
		fake->in = run->next;
		free(run);
	}
}

static ssize_t recv_handshake(struct fake *fake, struct msghdr *msg)
{
	struct fake_run *run;
	size_t len;

	keep_tickets(fake);
	if (!readable(fake))
		return fail(fake->closed ? ENOTCONN : EAGAIN);
	run = fake->in;
	len = run->len - run->done;
	if (fake->chunk && len > fake->chunk)
		len = fake->chunk;
	if (len > msg->msg_iov->iov_len)
		len = msg->msg_iov->iov_len;
	memcpy(msg->msg_iov->iov_base, run->data + run->done, len);
	if (fake->mangle)
		((uint8_t *)msg->msg_iov->iov_base)[rand_r(&fake->seed) % len] ^=
			1 << rand_r(&fake->seed) % 8;
	put_cmsg(msg, QUIC_HANDSHAKE_INFO, &run->level, 1);
	msg->msg_flags = 0;
	run->done += len;
	if (run->done == run->len) {
		fake->in = run->next;
		free(run);
	}
	return len;
}

ssize_t __wrap_recvmsg(int fd, struct msghdr *msg, int flags)
{
	struct fake *fake = find_fake(fd);
	ssize_t ret;

	if (!fake)
		return __real_recvmsg(fd, msg, flags);
	if (fake->give_stream) {
		fake->recv_flags = flags;
		put_cmsg(msg, QUIC_STREAM_INFO, &fake->stream,
			 sizeof(fake->stream));
		msg->msg_flags = 0;
		memcpy(msg->msg_iov->iov_base, "data", 4);
		return 4;
	}
	pthread_mutex_lock(&lock);
	ret = recv_handshake(fake, msg);
	pthread_mutex_unlock(&lock);
	return ret;
}

int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout)
{
	struct fake *fake = count == 1 ? find_fake(fds->fd) : NULL;
	struct timespec until;

	if (!fake)
		return __real_poll(fds, count, timeout);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += timeout / 1000;
	fds->revents = 0;

	pthread_mutex_lock(&lock);
	while (!fds->revents) {
		keep_tickets(fake);
		if (fake->closed || fake->so_error)
			fds->revents = POLLERR | POLLHUP;
		if (readable(fake))
			fds->revents |= POLLIN & fds->events;
		fds->revents |= POLLOUT & fds->events;
		if (!fds->revents &&
		    pthread_cond_timedwait(&changed, &lock, &until))
			break;
	}
	pthread_mutex_unlock(&lock);
	return fds->revents != 0;
}

/* ---- the clock --------------------------------------------------------------- */

static _Thread_local long ahead;

/* GnuTLS finds this one before the C library's. */
__attribute__((visibility("default")))
int clock_gettime(clockid_t id, struct timespec *t)
{
	int ret = syscall(SYS_clock_gettime, id, t);
	long ms;

	if (ret || id != CLOCK_REALTIME || !ahead)
		return ret;
	ms = t->tv_sec * 1000 + t->tv_nsec / 1000000 + ahead;
	t->tv_sec = ms / 1000;
	t->tv_nsec = ms % 1000 * 1000000 + t->tv_nsec % 1000000;
	return 0;
}

void fake_clock(const struct fake *fake)
{
	ahead = fake ? fake->ahead : 0;
}

/* ---- for tests ----------------------------------------------------------------- */

void fake_begin(struct fake *pair)
{
	int i;

	memset(pair, 0, 2 * sizeof(*pair));
	for (i = 0; i < 2; i++) {
		pair[i].is_server = i;
		pair[i].peer = &pair[!i];
		/* Not a socket: a call that is not wrapped fails on it. */
		pair[i].fd = open("/dev/null", O_RDWR | O_CLOEXEC);
		fakes[i] = &pair[i];
	}
}

static void check_level(const struct fake *a, const struct fake *b,
			uint8_t level)
{
	const struct quic_crypto_secret *tx = &a->secret[1][level];
	const struct quic_crypto_secret *rx = &b->secret[0][level];

	check(a->has_secret[1][level] && b->has_secret[0][level],
	      "level %u", level);
	check(tx->type == rx->type &&
	      !memcmp(tx->secret, rx->secret, sizeof(tx->secret)),
	      "level %u: secrets differ", level);
}

static void check_end(const struct fake *fake)
{
	const struct fake *peer = fake->peer;
	char text[64];

	check_level(fake, peer, QUIC_CRYPTO_HANDSHAKE);
	check_level(fake, peer, QUIC_CRYPTO_APP);
	check(!fake->rx_before_tx, "a receive secret came first");
	check(!fake->late_bytes, "handshake bytes after the 1-RTT key");
	check(!fake->nosignal_missing, "sendmsg without MSG_NOSIGNAL");
	check(!fake->corked, "the last bytes were sent with MSG_MORE");
	check(!fake->close.errcode, "close code 0x%x", fake->close.errcode);
	check(fake->tparam_gets == 1, "%u times", fake->tparam_gets);

	snprintf(text, sizeof(text), "parameters of the %s, 1",
		 peer->is_server ? "server" : "client");
	check(fake->peer_tparam_len == strlen(text) &&
	      !memcmp(fake->peer_tparam, text, strlen(text)), "\"%.*s\"",
	      (int)fake->peer_tparam_len, fake->peer_tparam);
}

void fake_end(struct fake *pair, bool complete)
{
	int i;

	for (i = 0; i < 2; i++) {
		if (complete)
			check_end(&pair[i]);
		close(pair[i].fd);
		fakes[i] = NULL;
		free_list(&pair[i].in);
		free_list(&pair[i].corked);
	}
}

void fake_close(struct fake *fake)
{
	pthread_mutex_lock(&lock);
	fake->peer->closed = true;
	fake->peer->peer_close = fake->close;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}

void fake_inject(struct fake *fake, uint8_t level, const void *data,
		 size_t len)
{
	pthread_mutex_lock(&lock);
	append_run(&fake->in, level, data, len);
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}
