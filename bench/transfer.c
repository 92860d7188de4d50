// SPDX-License-Identifier: GPL-2.0
/*
 * What goes over a connection, whatever the transport: the exchange of
 * draft-banks-quic-performance.  The client's first 8 bytes say how many bytes
 * it wants back, big-endian; what follows up to its end is for the bin; then
 * the server sends what was asked for.  So a download is a request and an
 * answer, an upload a long request and an empty answer, and the client's clock
 * sees both from first byte sent to last byte received.
 */
#include <endian.h>
#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "perf.h"

uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * UINT64_C(1000000000) + t.tv_nsec;
}

/* Touched, so that no page of it is the zero page or a fault to come. */
static char *new_buffer(const struct options *o)
{
	char *buffer = malloc(o->write_size);

	if (!buffer)
		err(1, NULL);
	memset(buffer, 'k', o->write_size);
	return buffer;
}

static void send_bytes(const struct options *o, int fd, char *buffer,
		       uint64_t bytes)
{
	do {
		size_t n = bytes < o->write_size ? bytes : o->write_size;

		bytes -= n;
		o->transport->send(fd, buffer, n, !bytes);
	} while (bytes);
}

/* Everything up to the peer's end; its first bytes are copied to @head. */
static uint64_t receive_all(const struct options *o, int fd, char *buffer,
			    char *head, size_t head_len)
{
	uint64_t total = 0;
	bool fin;

	do {
		ssize_t n = o->transport->recv(fd, buffer, o->write_size, &fin);

		if (n < 0)
			err(1, "receive, after %llu bytes",
			    (unsigned long long)total);
		for (ssize_t i = 0; i < n && total + i < head_len; i++)
			head[total + i] = buffer[i];
		total += n;
	} while (!fin);
	return total;
}

static void serve_one(const struct options *o, int fd, char *buffer)
{
	uint64_t answer;
	bool fin;

	if (receive_all(o, fd, buffer, (char *)&answer, sizeof(answer)) <
	    sizeof(answer)) {
		warnx("a request shorter than its header");
		return;
	}
	send_bytes(o, fd, buffer, be64toh(answer));
	/* The client closes: it is the one who knows that all has arrived. */
	while (o->transport->recv(fd, buffer, o->write_size, &fin) > 0)
		;
}

void transfer_serve(const struct options *o)
{
	int listener = o->transport->listen(o);
	char *buffer = new_buffer(o);

	report_ready(o);
	do {
		int fd = o->transport->accept(listener, o);

		serve_one(o, fd, buffer);
		close(fd);
	} while (!o->once);
	free(buffer);
	close(listener);
}

struct result transfer_run(const struct options *o)
{
	uint64_t start = now_ns(), connected, got, want = 0, send = o->bytes;
	char *buffer = new_buffer(o);
	struct result r;
	uint64_t header;
	int fd;

	fd = o->transport->connect(o);
	connected = now_ns();
	if (o->direction == DOWN) {
		want = o->bytes;
		send = 0;
	}
	header = htobe64(want);
	o->transport->send(fd, &header, sizeof(header), !send);
	if (send)
		send_bytes(o, fd, buffer, send);
	got = receive_all(o, fd, buffer, NULL, 0);
	r = (struct result){ connected - start, now_ns() - connected };
	if (got != want)
		errx(1, "received %llu bytes of %llu", (unsigned long long)got,
		     (unsigned long long)want);
	close(fd);
	free(buffer);
	return r;
}
