// SPDX-License-Identifier: GPL-2.0
/*
 * sendfile() and splice() of a file into a stream, and splice() out of a pipe.
 */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include "pair.h"

#define SIZE	(3 << 20)

static unsigned char *content;

static int make_file(void)
{
	int fd = memfd_create("file", 0);
	uint32_t x = 1;

	content = malloc(SIZE);
	for (int i = 0; i < SIZE; i++) {
		x = x * 1664525 + 1013904223;
		content[i] = x >> 24;
	}
	EQ(write(fd, content, SIZE), SIZE);
	return fd;
}

struct reader {
	int fd;
	size_t len;
	bool fin;
	unsigned char *buf;
};

static void *read_all(void *arg)
{
	struct reader *r = arg;

	r->buf = malloc(SIZE + 1);
	r->len = read_stream(r->fd, 0, r->buf, SIZE + 1, &r->fin);
	return NULL;
}

static void arrives(pthread_t thread, struct reader *r, struct pair *p)
{
	EQ(quic_sendmsg(p->client, NULL, 0, 0, MSG_QUIC_STREAM_FIN), 0);
	pthread_join(thread, NULL);
	EQ(r->len, SIZE);
	OK(r->fin);
	OK(!memcmp(r->buf, content, SIZE));
}

TEST_EACH(sendfile_whole)
{
	struct pair p = { 0 };
	struct reader r;
	pthread_t thread;
	off_t off = 0;
	int file = make_file();

	connection(&p);
	EQ(stream_open(p.client, -1, 0), 0);
	r.fd = p.server;
	OK(!pthread_create(&thread, NULL, read_all, &r));
	while (off < SIZE)
		OK(sendfile(p.client, file, &off, SIZE - off) > 0);
	arrives(thread, &r, &p);
}

TEST(splice_through_a_pipe)
{
	struct pair p = { 0 };
	struct reader r;
	pthread_t thread;
	int file = make_file(), pipes[2];
	loff_t off = 0;
	ssize_t n, m;

	OK(!pipe(pipes));
	connection(&p);
	EQ(stream_open(p.client, -1, 0), 0);
	r.fd = p.server;
	OK(!pthread_create(&thread, NULL, read_all, &r));
	while (off < SIZE) {
		n = splice(file, &off, pipes[1], NULL, 50000, SPLICE_F_MORE);
		OK(n > 0);
		while (n) {
			m = splice(pipes[0], NULL, p.client, NULL, n, 0);
			OK(m > 0);
			n -= m;
		}
	}
	arrives(thread, &r, &p);
}

/* Odd pieces, interleaved with plain writes: order is kept. */
TEST(sendfile_and_write_mixed)
{
	struct pair p = { 0 };
	struct reader r;
	pthread_t thread;
	off_t off = 0;
	ssize_t n;
	int file = make_file();

	connection(&p);
	EQ(stream_open(p.client, -1, 0), 0);
	r.fd = p.server;
	OK(!pthread_create(&thread, NULL, read_all, &r));
	for (int i = 0; off < SIZE; i++) {
		size_t left = SIZE - off, want = 1 + i * 7919 % 40000;

		if (want > left)
			want = left;
		if (i & 1) {
			OK(sendfile(p.client, file, &off, want) > 0);
		} else {
			n = write(p.client, content + off, want);
			OK(n > 0);
			off += n;
		}
	}
	arrives(thread, &r, &p);
}

/* Who asks for more than there is, as copying programs do, says all the time that more
 * will come, and then nothing.
 */
static void send_file_whole(int to, int from)
{
	static unsigned char small[5000], buf[sizeof(small)];
	int file = memfd_create("small", 0);
	struct pollfd readable = { .fd = from, .events = POLLIN };
	size_t got = 0;
	off_t off = 0;
	ssize_t n;

	memset(small, 's', sizeof(small));
	EQ(write(file, small, sizeof(small)), sizeof(small));
	EQ(sendfile(to, file, &off, 1 << 20), sizeof(small));
	while (got < sizeof(small)) {
		EQ(poll(&readable, 1, 5000), 1);
		n = read(from, buf + got, sizeof(buf) - got);
		OK(n > 0);
		got += n;
	}
	OK(!memcmp(buf, small, sizeof(small)));
	close(file);
}

TEST_EACH(sendfile_beyond_the_end)
{
	struct quic_stream_fd on = { .stream_id = 4 };
	socklen_t len = sizeof(on);
	struct pair p = { 0 };

	connection(&p);
	EQ(stream_open(p.client, -1, 0), 0);
	send_file_whole(p.client, p.server);
	OK(!opt_get(p.client, QUIC_SOCKOPT_STREAM_FD, &on, &len));
	send_file_whole(on.fd, p.server);
}

TEST(sendfile_non_blocking)
{
	struct pair p = { .server_params.max_data = 20000 };
	int file = make_file();
	off_t off = 0;
	ssize_t n;

	connection(&p);
	EQ(stream_open(p.client, -1, 0), 0);
	OK(!set_nonblock(p.client));
	do {
		n = sendfile(p.client, file, &off, SIZE);
	} while (n > 0);
	EQ(errno, EAGAIN);
	EQ(off, 20000);
}
