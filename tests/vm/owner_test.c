// SPDX-License-Identifier: GPL-2.0
/*
 * The CPU that owns a connection: who says it, and where it shows.
 */
#include "pair.h"

static int incoming_cpu(int fd)
{
	int cpu;
	socklen_t len = sizeof(cpu);

	OK(!getsockopt(fd, SOL_SOCKET, SO_INCOMING_CPU, &cpu, &len));
	return cpu;
}

static void serve_0(int fd)
{
	serve_cpu(fd, 0);
}

static void serve_none(int fd)
{
	serve_cpu(fd, 1 << 20);
}

/* The row of a table of /proc/net/quic whose column @at is @number; a static
 * buffer.
 */
static char *row(const char *table, int at, unsigned long long number)
{
	static char line[512];
	char path[64], copy[512];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/net/quic/%s", table);
	f = fopen(path, "r");
	OK(f);
	while (fgets(line, sizeof(line), f)) {
		char *field = strcpy(copy, line), *rest = NULL;

		field = strtok_r(copy, " ", &rest);
		for (int i = 0; field && i < at; i++)
			field = strtok_r(NULL, " ", &rest);
		if (field && *field >= '0' && *field <= '9' &&
		    strtoull(field, NULL, 10) == number) {
			fclose(f);
			return line;
		}
	}
	FAIL("no row of %llu in %s", number, table);
}

TEST(owner_before_there_is_a_connection)
{
	EQ(info_of(quic_socket()).cpu, (uint32_t)-1);
	EQ(info_of(listener(NULL)).cpu, (uint32_t)-1);
}

/* All is on one CPU, so nothing can be elsewhere but what a worker sends. */
TEST_EACH(owner_is_where_a_connection_begins)
{
	struct pair p = { 0 };

	pin(1);
	connection(&p);
	EQ(info_of(p.client).cpu, 1);
	EQ(info_of(p.server).cpu, 1);
	EQ(incoming_cpu(p.client), 1);
	EQ(incoming_cpu(p.server), 1);
}

TEST_EACH(owner_is_the_cpu_of_the_listener)
{
	struct pair p = { .set_listener = serve_0, .set_client = serve_0 };
	struct quic_info s;
	unsigned long long trains, elsewhere;
	int cpu;

	pin(1);
	connection(&p);
	pair_talk(&p);
	EQ(info_of(p.client).cpu, 0);
	s = info_of(p.server);
	EQ(s.cpu, 0);
	EQ(incoming_cpu(p.server), 0);
	/* The client's packets come from CPU 1. */
	OK(s.rx_elsewhere > 0);
	OK(counter("QuicRxElsewhere") >= s.rx_elsewhere);
	EQ(sscanf(row("owners", 0, s.number), "%*u %d %llu", &cpu, &elsewhere),
	   2);
	EQ(cpu, 0);
	OK(elsewhere >= s.rx_elsewhere);
	EQ(sscanf(row("cpus", 0, 1), "%*u %llu %llu", &trains, &elsewhere), 2);
	OK(elsewhere > 0 && elsewhere <= trains);
}

TEST(owner_is_no_cpu_that_there_is_not)
{
	struct pair p = { .set_listener = serve_none };

	pin(1);
	connection(&p);
	EQ(info_of(p.server).cpu, 1);
}
