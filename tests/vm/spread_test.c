// SPDX-License-Identifier: GPL-2.0
/*
 * Sealing and opening by all CPUs (net.quic.spread_mbit): when, in which order,
 * and what happens to trains that are with a worker meanwhile.
 *
 * Where a test needs trains that stay with the workers, workers get one CPU, and
 * the test has that for as long as it does not wait for anything (SCHED_FIFO).
 */
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <time.h>
#include "pair.h"

#define NEW	MSG_QUIC_STREAM_NEW
#define WORKERS	"/sys/devices/virtual/workqueue/quic_spread/cpumask"
#define MESSAGE	4000
/* More than workers take at a time, fewer than may wait in line. */
#define MANY	40

/* ---- bytes that depend on their position ------------------------------------ */

static struct pair p;
static size_t sent, got;	/* on stream 0 */

static unsigned char byte_at(size_t pos)
{
	return (uint32_t)(pos * 2654435761u) >> 24;
}

/* Bytes that were taken, 0 if none were. */
static size_t put(size_t len)
{
	static unsigned char buf[65536];
	ssize_t n;

	for (size_t i = 0; i < len; i++)
		buf[i] = byte_at(sent + i);
	n = quic_sendmsg(p.client, buf, len, 0, NEW | MSG_DONTWAIT);
	if (n < 0) {
		OK(errno == EAGAIN || errno == ENOSPC);
		return 0;
	}
	sent += n;
	return n;
}

static size_t take(void)
{
	static unsigned char buf[65536];
	ssize_t n = recv(p.server, buf, sizeof(buf), MSG_DONTWAIT);

	if (n < 0) {
		EQ(errno, EAGAIN);
		return 0;
	}
	for (ssize_t i = 0; i < n; i++)
		EQ(buf[i], byte_at(got + i));
	got += n;
	return n;
}

static void take_all(void)
{
	while (got < sent) {
		if (!take())
			wait_poll(p.server, POLLIN);
	}
}

/* As fast as it goes. */
static void transfer(size_t bytes)
{
	size_t end = sent + bytes;

	while (sent < end || got < end) {
		size_t len = end - sent < 65536 ? end - sent : 65536;
		bool moved = len && put(len);

		if (take() || moved)
			continue;
		struct pollfd fds[2] = {
			{ .fd = p.client, .events = len ? POLLOUT : 0 },
			{ .fd = p.server, .events = POLLIN },
		};

		OK(poll(fds, 2, -1) > 0);
	}
}

static void pause_ms(int ms)
{
	nanosleep(&(struct timespec){ .tv_nsec = ms * 1000000 }, NULL);
}

/* A few bytes now and then; the rate of before is forgotten. */
static void trickle(int times)
{
	while (times--) {
		put(10);
		take_all();
		pause_ms(20);
	}
}

static void connect_with(const char *mbit)
{
	write_sysctl("spread_mbit", mbit);
	connection(&p);
}

static unsigned long later(void)
{
	return counter("QuicCryptoLater");
}

/* ---- when ---------------------------------------------------------------------- */

TEST(spread_is_off_by_default)
{
	connection(&p);
	transfer(4 << 20);
	EQ(later(), 0);
	/* For connections to come. */
	write_sysctl("spread_mbit", "1");
	transfer(1 << 20);
	EQ(later(), 0);
}

TEST_WITH(spread_takes_what_is_faster_than_said, 90, false)
{
	unsigned long before;

	connect_with("1000000");
	transfer(4 << 20);
	EQ(later(), 0);
	write_sysctl("spread_mbit", "1");
	while (!later())
		transfer(1 << 20);
	/* Too slow again ... */
	trickle(10);
	before = later();
	trickle(10);
	EQ(later(), before);
	/* ... and fast again ... */
	while (later() == before)
		transfer(1 << 20);
	/* ... and nobody wants it any more. */
	write_sysctl("spread_mbit", "0");
	trickle(10);
	before = later();
	transfer(4 << 20);
	EQ(later(), before);
}

static void refuses(const char *value)
{
	int fd = open("/proc/sys/net/quic/spread_mbit", O_WRONLY);

	OK(fd >= 0);
	ERR(write(fd, value, strlen(value)), EINVAL);
	close(fd);
}

TEST(spread_mbit_has_a_range)
{
	write_sysctl("spread_mbit", "0");
	write_sysctl("spread_mbit", "1000000");
	refuses("1000001");
	refuses("-1");
}

/* ---- in which order --------------------------------------------------------------- */

/* Nothing is dropped because we read too slowly. */
static void roomy(int fd)
{
	int bytes = 16 << 20;

	OK(!setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)));
}

/* Reordered packets would count as lost.  On the loopback they are as soon as
 * different CPUs send them: we have to stay where we are.
 */
TEST_WITH(spread_keeps_the_order, 90, false)
{
	pin(0);
	p.accepted = roomy;
	connect_with("1");
	transfer(32 << 20);
	OK(later() > 100);
	note("%lu trains, %lu others, %lu dropped, %lu lost", later(),
	     counter("QuicCryptoBusy"),
	     counter("QuicDropBacklog") + counter("QuicDropJobs"),
	     counter("QuicLossPackets"));
	EQ(counter("QuicDropJobs"), 0);
	EQ(counter("QuicLossPackets"), 0);
}

/* ---- trains that are with a worker --------------------------------------------------- */

static char old_cpus[64];

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	OK(fd >= 0);
	EQ(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static void workers_everywhere(void)
{
	sched_setscheduler(0, SCHED_OTHER, &(struct sched_param){ 0 });
	write_file(WORKERS, old_cpus);
}

/* From here on no worker runs until we wait for something. */
static void workers_wait(void)
{
	int fd = open(WORKERS, O_RDONLY);
	ssize_t n;

	OK(fd >= 0);
	n = read(fd, old_cpus, sizeof(old_cpus) - 1);
	OK(n > 0);
	close(fd);
	pin(0);
	write_file(WORKERS, "1");
	OK(!sched_setscheduler(0, SCHED_FIFO,
			       &(struct sched_param){ .sched_priority = 1 }));
}

static void wide(int fd)
{
	int bytes = 4 << 20;

	OK(!setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes)));
}

/* Where sending takes longer than an acknowledgement it would not grow. */
static void grow_window(void)
{
	OK(!system("tc qdisc add dev lo root netem delay 10ms limit 10000"));
	while (info_of(p.client).cwnd < 2 * MANY * MESSAGE)
		transfer(1 << 20);
	OK(!system("tc qdisc del dev lo root"));
}

/* A connection whose client's trains are with the workers, and stay there: built
 * but not sent.  If we did not have the CPU for a while it has to become fast
 * again.
 */
static void stuck_trains(void)
{
	unsigned long built, left;

	p.set_client = wide;
	p.accepted = roomy;
	connect_with("1");
	grow_window();
	transfer(8 << 20);
	workers_wait();
	do {
		built = counter("QuicTxDataPackets");
		left = counter("QuicTxPackets");
		OK(put(MESSAGE));
	} while (counter("QuicTxPackets") != left ||
		 counter("QuicTxDataPackets") == built);
}

TEST_WITH(spread_seals_at_once_what_finds_no_room, 90, false)
{
	unsigned long busy, packets;

	stuck_trains();
	busy = counter("QuicCryptoBusy");
	for (int i = 0; i < 2 * MANY - 8 && counter("QuicCryptoBusy") == busy; i++)
		OK(put(MESSAGE));
	OK(counter("QuicCryptoBusy") > busy);
	/* Behind those that are stuck. */
	packets = counter("QuicTxPackets");
	for (int i = 0; i < 6; i++)
		OK(put(MESSAGE));
	OK(counter("QuicTxPackets") < packets + 6);
	workers_everywhere();
	take_all();
	EQ(counter("QuicDropJobs"), 0);
	transfer(4 << 20);
}

TEST_WITH(spread_key_update_between, 90, false)
{
	unsigned long updates = 0;

	for (int i = 0; i < 5; i++) {
		if (i)
			transfer(8 << 20);
		else
			stuck_trains();
		updates = counter("QuicKeyUpdates");
		OK(!opt_set(p.client, QUIC_SOCKOPT_KEY_UPDATE, NULL, 0));
		for (int j = 0; j < 10; j++)
			put(MESSAGE);
		if (!i)
			workers_everywhere();
		take_all();
		while (counter("QuicKeyUpdates") < updates + 2)
			trickle(1);
	}
	EQ(counter("QuicPktDecDrop"), 0);
}

/* Also when keys change all the time. */
TEST_WITH(spread_with_many_key_updates, 90, false)
{
	write_sysctl("key_update_packets", "500");
	connect_with("1");
	transfer(32 << 20);
	OK(later());
	OK(counter("QuicKeyUpdates") > 4);
	EQ(counter("QuicPktDecDrop"), 0);
}

/* What was sent arrives, and then the end. */
TEST_WITH(spread_close_between, 90, false)
{
	stuck_trains();
	for (int i = 0; i < 5; i++)
		OK(put(MESSAGE));
	close(p.client);
	workers_everywhere();
	take_all();
	wait_closed(p.server);
}

/* Sockets, until their memory is freed. */
static int module_users(void)
{
	FILE *f = fopen("/sys/module/quic/refcnt", "r");
	int n;

	OK(f);
	EQ(fscanf(f, "%d", &n), 1);
	fclose(f);
	return n;
}

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000ULL + t.tv_nsec / 1000000;
}

/* Only the workers are left to hold the sockets. */
TEST_WITH(spread_outlives_its_sockets, 90, false)
{
	uint64_t end;

	/* Those of other tests. */
	UNTIL(!module_users());
	stuck_trains();
	for (int i = 0; i < 5; i++)
		OK(put(MESSAGE));
	disconnect(&p);
	/* Closing takes three PTOs; we must not wait for it. */
	for (end = now_ms() + 300; now_ms() < end; )
		;
	OK(module_users());
	workers_everywhere();
	UNTIL(!module_users());
}

/* ---- CPUs that go ------------------------------------------------------------------------- */

TEST_WITH(spread_while_cpus_come_and_go, 90, false)
{
	const char *file = "/sys/devices/system/cpu/cpu1/online";

	if (access(file, W_OK)) {
		note("there is only one CPU");
		return;
	}
	connect_with("1");
	for (int i = 0; i < 6; i++) {
		write_file(file, i % 2 ? "1" : "0");
		transfer(4 << 20);
	}
	OK(later());
}
