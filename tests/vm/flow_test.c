// SPDX-License-Identifier: GPL-2.0
/*
 * Flow control: a writer without credit, of the stream or of the connection.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/time.h>
#include "pair.h"

#define NEW	MSG_QUIC_STREAM_NEW

/* The server takes 4096 bytes, 2048 of a stream. */
static const struct pair narrow = {
	.server_params = {
		.max_data = 4096,
		.max_stream_data_bidi_local = 2048,
		.max_stream_data_bidi_remote = 2048,
		.max_stream_data_uni = 2048,
	},
};

static char block[65536];

/* RFC9000-2.2-3 RFC9000-4.1-1 RFC9000-19.10-3 */
TEST_EACH(stream_credit_runs_out)
{
	struct pair p = narrow;

	connection(&p);
	EQ(quic_sendmsg(p.client, block, 5000, 0, NEW | MSG_DONTWAIT), 2048);
	ERR(quic_sendmsg(p.client, block, 1, 0, MSG_DONTWAIT), ENOSPC);
	/* Programs that know only EAGAIN see only EAGAIN. */
	ERR(send(p.client, block, 1, MSG_DONTWAIT), EAGAIN);
	OK(!set_nonblock(p.client));
	ERR(write(p.client, block, 1), EAGAIN);
}

/* RFC9000-19.9-1 */
TEST_EACH(connection_credit_runs_out)
{
	struct pair p = narrow;

	connection(&p);
	EQ(quic_sendmsg(p.client, block, 5000, 0, NEW | MSG_DONTWAIT), 2048);
	OK(poll_now(p.client) & POLLOUT);
	EQ(quic_sendmsg(p.client, block, 5000, 4, NEW | MSG_DONTWAIT), 2048);
	ERR(quic_sendmsg(p.client, block, 1, 8, NEW | MSG_DONTWAIT), ENOSPC);
	OK(!(poll_now(p.client) & POLLOUT));
	/* A FIN needs no credit. */
	EQ(quic_sendmsg(p.client, NULL, 0, 0, MSG_QUIC_STREAM_FIN), 0);
}

TEST(poll_tells_of_new_credit)
{
	struct pair p = narrow;

	connection(&p);
	EQ(quic_sendmsg(p.client, block, 5000, 0, NEW | MSG_DONTWAIT), 2048);
	EQ(quic_sendmsg(p.client, block, 5000, 4, NEW | MSG_DONTWAIT), 2048);
	OK(!(poll_now(p.client) & POLLOUT));
	EQ(read_stream(p.server, 0, block, 2048, NULL), 2048);
	EQ(read_stream(p.server, 4, block, 2048, NULL), 2048);
	wait_poll(p.client, POLLOUT);
	OK(quic_sendmsg(p.client, block, 5000, 0, MSG_DONTWAIT) > 0);
}

/* The half of a packet would wait for the rest, which has no room. */
TEST(more_that_fills_the_window)
{
	struct pair p = narrow;

	connection(&p);
	UNTIL(settled(p.client));
	usleep(300000);
	EQ(quic_sendmsg(p.client, block, 2048, 0, NEW | MSG_MORE | MSG_DONTWAIT),
	   2048);
	EQ(read_stream(p.server, 0, block, 2048, NULL), 2048);
}

/* What was written and never sent is no part of the peer's limit. */
TEST(reset_gives_credit_back)
{
	struct pair p = { .server_params.max_data = 100000 };
	int64_t id;

	connection(&p);
	for (int i = 0; i < 20; i++) {
		id = stream_open(p.client, -1, MSG_QUIC_STREAM_UNI);
		OK(id >= 0);
		UNTIL(quic_sendmsg(p.client, block, sizeof(block), id,
				   MSG_DONTWAIT) > 0);
		OK(!stream_reset(p.client, id, 1));
	}
}

/* RFC9000-4.2-1 */
TEST(max_data_events)
{
	struct pair p = narrow;
	union quic_event ev;

	p.events = 1 << QUIC_EVENT_STREAM_MAX_DATA;
	connection(&p);
	EQ(quic_sendmsg(p.client, block, 5000, 0, NEW | MSG_DONTWAIT), 2048);
	EQ(read_stream(p.server, 0, block, 2048, NULL), 2048);
	wait_event(p.client, QUIC_EVENT_STREAM_MAX_DATA, &ev);
	EQ(ev.max_data.id, 0);
	EQ(ev.max_data.max_data, 4096);
}

TEST(max_stream_events)
{
	struct pair p = { .server_params.max_streams_bidi = 2,
			  .events = 1 << QUIC_EVENT_STREAM_MAX_STREAM };
	union quic_event ev;
	char c;

	connection(&p);
	for (int i = 0; i < 2; i++) {
		EQ(quic_sendmsg(p.client, "x", 1, i * 4,
				NEW | MSG_QUIC_STREAM_FIN), 1);
		EQ(read_stream(p.server, i * 4, &c, 1, NULL), 1);
		EQ(quic_sendmsg(p.server, "y", 1, i * 4,
				MSG_QUIC_STREAM_FIN), 1);
	}
	/* The highest usable stream. */
	do {
		wait_event(p.client, QUIC_EVENT_STREAM_MAX_STREAM, &ev);
	} while (ev.max_stream < 8);
	EQ(ev.max_stream & 3, 0);
	EQ(stream_open(p.client, 8, MSG_QUIC_STREAM_DONTWAIT), 8);
}

struct writer {
	int fd;
	size_t len;
	ssize_t done;
};

static void *write_all(void *arg)
{
	struct writer *w = arg;

	w->done = quic_sendmsg(w->fd, block, w->len, 0, NEW);
	return NULL;
}

/* A blocking writer goes on as the reader reads; the bytes are the same. */
static void blocking_write(struct pair p, size_t step)
{
	struct writer w = { .len = sizeof(block) };
	static char got[sizeof(block)];
	size_t done = 0;
	pthread_t thread;

	for (size_t i = 0; i < sizeof(block); i++)
		block[i] = i * 7 + i / 251;
	connection(&p);
	w.fd = p.client;
	OK(!pthread_create(&thread, NULL, write_all, &w));
	while (done < sizeof(block))
		done += read_stream(p.server, 0, got + done,
				    step < sizeof(block) - done ? step :
				    sizeof(block) - done, NULL);
	pthread_join(thread, NULL);
	EQ(w.done, sizeof(block));
	OK(!memcmp(block, got, sizeof(block)));
}

TEST_EACH(blocking_writer_follows_the_reader)
{
	blocking_write(narrow, 700);
}

TEST(blocking_writer_with_tiny_windows)
{
	struct pair p = { .server_params = {
		.max_data = 1200, .max_stream_data_bidi_remote = 1200 } };

	blocking_write(p, 100);
}

TEST(writer_gives_up_in_time)
{
	struct timeval tv = { .tv_usec = 50000 };
	struct pair p = narrow;

	connection(&p);
	OK(!setsockopt(p.client, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)));
	EQ(quic_sendmsg(p.client, block, 5000, 0, NEW), 2048);
	ERR(quic_sendmsg(p.client, block, 1, 0, 0), EAGAIN);
}

static void nothing(int sig)
{
}

TEST(writer_is_interrupted)
{
	struct sigaction act = { .sa_handler = nothing };
	struct itimerval tick = { .it_value.tv_usec = 50000,
				  .it_interval.tv_usec = 50000 };
	struct pair p = narrow;

	connection(&p);
	sigaction(SIGALRM, &act, NULL);
	setitimer(ITIMER_REAL, &tick, NULL);
	EQ(quic_sendmsg(p.client, block, 5000, 0, NEW), 2048);
	ERR(quic_sendmsg(p.client, block, 1, 0, 0), EINTR);
}

/* A writer that waits while the stream is stopped, or the connection closed. */
TEST(waiting_writer_sees_the_end)
{
	struct writer w = { .len = 5000 };
	struct pair p = narrow;
	pthread_t thread;

	signal(SIGPIPE, SIG_IGN);
	connection(&p);
	w.fd = p.client;
	OK(!pthread_create(&thread, NULL, write_all, &w));
	wait_poll(p.server, POLLIN);
	close(p.server);
	pthread_join(thread, NULL);
	EQ(w.done, 2048);
	ERR(quic_sendmsg(p.client, "x", 1, 0, MSG_NOSIGNAL), EPIPE);
}

/* The small send buffer, not the peer, is what a writer waits for. */
TEST(send_buffer_is_respected)
{
	struct pair p = { .server_params = { .max_data = 1 << 20 } };
	int size = 16384;
	ssize_t n;

	connection(&p);
	OK(!setsockopt(p.client, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)));
	n = quic_sendmsg(p.client, block, sizeof(block), 0, NEW | MSG_DONTWAIT);
	OK(n > 0);
}

#define IDLE		(1000 * 1000)		/* us, of both ends */
#define PAUSE		(2500 * 1000)

/* A reader may pause for longer than a connection may be idle, if the writer
 * has more for it.
 */
TEST_EACH(reader_pauses_at_the_stream_limit)
{
	struct writer w = { .len = 5000 };
	struct pair p = narrow;
	pthread_t thread;

	p.server_params.max_idle_timeout = IDLE;
	connection(&p);
	w.fd = p.client;
	OK(!pthread_create(&thread, NULL, write_all, &w));
	usleep(PAUSE);
	EQ(read_stream(p.server, 0, block, w.len, NULL), w.len);
	pthread_join(thread, NULL);
	EQ(w.done, w.len);
}

TEST(reader_pauses_at_the_connection_limit)
{
	struct pair p = narrow;

	p.client_params.max_idle_timeout = IDLE;
	connection(&p);
	EQ(quic_sendmsg(p.client, block, 5000, 0, NEW | MSG_DONTWAIT), 2048);
	EQ(quic_sendmsg(p.client, block, 5000, 4, NEW | MSG_DONTWAIT), 2048);
	ERR(quic_sendmsg(p.client, block, 1, 8, NEW | MSG_DONTWAIT), ENOSPC);
	usleep(PAUSE);
	EQ(read_stream(p.server, 0, block, 2048, NULL), 2048);
	EQ(read_stream(p.server, 4, block, 2048, NULL), 2048);
	wait_poll(p.client, POLLOUT);
	EQ(quic_sendmsg(p.client, block, 1, 8, MSG_DONTWAIT), 1);
}

/* Who has just used the limit up has nothing more to say: that is idle. */
TEST(limit_reached_is_no_reason_to_stay)
{
	struct pair p = narrow;

	p.client_params.max_idle_timeout = IDLE;
	connection(&p);
	EQ(quic_sendmsg(p.client, block, 2048, 0, NEW), 2048);
	EQ(read_stream(p.server, 0, block, 1500, NULL), 1500);
	EQ(quic_sendmsg(p.client, block, 1500, 0, 0), 1500);
	EQ(read_stream(p.server, 0, block, 2048, NULL), 2048);
	usleep(PAUSE);
	ERR(quic_sendmsg(p.client, block, 1, 0, MSG_DONTWAIT), ETIMEDOUT);
}

/* Nor has who gives up what the limit held back. */
TEST(refused_and_reset_is_no_reason_to_stay)
{
	struct pair p = narrow;

	p.client_params.max_idle_timeout = IDLE;
	connection(&p);
	EQ(quic_sendmsg(p.client, block, 2048, 0, NEW), 2048);
	EQ(quic_sendmsg(p.client, block, 2048, 4, NEW), 2048);
	ERR(quic_sendmsg(p.client, block, 1, 8, NEW | MSG_DONTWAIT), ENOSPC);
	OK(!stream_reset(p.client, 8, 1));
	usleep(PAUSE);
	ERR(quic_sendmsg(p.client, block, 1, 8, MSG_DONTWAIT), ETIMEDOUT);
}
