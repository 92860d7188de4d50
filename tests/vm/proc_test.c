// SPDX-License-Identifier: GPL-2.0
/*
 * /proc/net/quic and /proc/sys/net/quic: what scripts read.
 */
#include <fcntl.h>
#include <sched.h>
#include "pair.h"

static char *slurp(const char *name)
{
	static char buf[65536];
	char path[64];
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/net/quic/%s", name);
	f = fopen(path, "r");
	OK(f);
	n = fread(buf, 1, sizeof(buf) - 1, f);
	buf[n] = 0;
	fclose(f);
	return buf;
}

TEST(snmp_names)
{
	static const char *const names[] = {
		"QuicConnCurrentEstabs", "QuicConnPassiveEstabs",
		"QuicConnActiveEstabs", "QuicPktRcvFastpaths",
		"QuicPktDecFastpaths", "QuicPktEncFastpaths",
		"QuicPktRcvBacklogs", "QuicPktDecBacklogs",
		"QuicPktEncBacklogs", "QuicPktInvHdrDrop", "QuicPktInvNumDrop",
		"QuicPktInvFrmDrop", "QuicPktRcvDrop", "QuicPktDecDrop",
		"QuicPktEncDrop", "QuicFrmRcvBufDrop", "QuicFrmRetrans",
		"QuicFrmOutCloses", "QuicFrmInCloses",
	};
	char *line = strtok(slurp("snmp"), "\n"), name[64], rest;
	unsigned long value;

	for (int i = 0; i < 19; i++) {
		OK(line);
		EQ(sscanf(line, "%63s %lu %c", name, &value, &rest), 2);
		if (strcmp(name, names[i]))
			FAIL("line %d is of %s, not %s", i, name, names[i]);
		EQ(value, 0);
		line = strtok(NULL, "\n");
	}
	OK(!line);
}

static const char conns_head[] =
	"SOCK STATE LOCAL_ADDRESS REMOTE_ADDRESS UDP_ADDRESS WINDOW MSS "
	"IN_FLIGHT TX_QUEUE RX_QUEUE SNDBUF RCVBUF UID INODE\n";

TEST_EACH(eps_and_conns)
{
	const char *host = family == AF_INET ? "127.0.0.1" : "[::1]";
	struct pair p = { 0 };
	char want[128], *text;
	int lp, cp;

	OK(!strcmp(slurp("eps"),
		   "SOCK STATE LOCAL_ADDRESS UDP_ADDRESS UID INODE\n"));
	connection(&p);
	lp = port_of(p.listener);
	cp = port_of(p.client);
	text = slurp("eps");
	snprintf(want, sizeof(want), " %s:%d %s:%d 0 ", host, lp, host, lp);
	OK(strstr(text, want));
	snprintf(want, sizeof(want), ":%d", lp);
	OK(strstr(text, want));

	text = slurp("conns");
	OK(!strncmp(text, conns_head, strlen(conns_head)));
	snprintf(want, sizeof(want), " %s:%d %s:%d ", host, cp, host, lp);
	OK(strstr(text, want));
	snprintf(want, sizeof(want), " %s:%d %s:%d ", host, lp, host, cp);
	OK(strstr(text, want));
	disconnect(&p);
	EQ(strcspn(slurp("conns"), "\n") + 1, strlen(slurp("conns")));
	EQ(strcspn(slurp("eps"), "\n") + 1, strlen(slurp("eps")));
}

static const char recovery_head[] =
	"CONNECTION STATE LOCAL_ADDRESS REMOTE_ADDRESS CONGESTION CWND "
	"SSTHRESH IN_FLIGHT PACING_RATE SRTT_US MIN_RTT_US LATEST_RTT_US "
	"ACKED LOST\n";

/* The row of the end that has the port. */
static char *recovery_row(int port)
{
	char want[32], *line = strtok(slurp("recovery"), "\n");

	snprintf(want, sizeof(want), "127.0.0.1:%d ", port);
	while ((line = strtok(NULL, "\n"))) {
		char *local = strchr(strchr(line, ' ') + 1, ' ') + 1;

		if (!strncmp(local, want, strlen(want)))
			return line;
	}
	FAIL("no row of port %d", port);
}

TEST(recovery_of_connections)
{
	unsigned long long v[10];
	struct quic_info info;
	socklen_t len = sizeof(info);
	struct pair p = { 0 };
	static char buf[100000];
	char before[512], name[16], *row;

	OK(!strcmp(slurp("recovery"), recovery_head));
	connection(&p);
	EQ(quic_sendmsg(p.client, buf, sizeof(buf), 0, MSG_QUIC_STREAM_NEW),
	   sizeof(buf));
	EQ(read_stream(p.server, 0, buf, sizeof(buf), NULL), sizeof(buf));
	/* An ACK may still come between two looks. */
	do {
		snprintf(before, sizeof(before), "%s",
			 recovery_row(port_of(p.client)));
		OK(!getsockopt(p.client, SOL_QUIC, QUIC_SOCKOPT_INFO, &info,
			       &len));
		row = recovery_row(port_of(p.client));
	} while (strcmp(row, before));
	EQ(sscanf(row, "%llu 1 %*s %*s %15s %llu %llu %llu %llu %llu %llu %llu %llu %llu",
		  &v[0], name, &v[1], &v[2], &v[3], &v[4], &v[5], &v[6], &v[7],
		  &v[8], &v[9]), 11);
	EQ(v[0], info.number);
	OK(!strcmp(name, info.congestion));
	EQ(v[1], info.cwnd);
	EQ(v[2], info.ssthresh);
	EQ(v[3], info.in_flight);
	EQ(v[4], info.pacing_rate);
	EQ(v[5], info.rtt);
	EQ(v[6], info.rtt_min);
	EQ(v[7], info.rtt_latest);
	EQ(v[8], info.bytes_acked);
	EQ(v[9], info.bytes_lost);
	OK(v[6] > 0 && v[8] > 0);
	disconnect(&p);
	OK(!strcmp(slurp("recovery"), recovery_head));
}

TEST(stats_count)
{
	struct pair p = { 0 };
	static char buf[100000];

	connection(&p);
	for (int i = 0; i < 10; i++) {
		EQ(quic_sendmsg(p.client, buf, sizeof(buf), i * 4,
				MSG_QUIC_STREAM_NEW), sizeof(buf));
		EQ(read_stream(p.server, i * 4, buf, sizeof(buf), NULL),
		   sizeof(buf));
	}
	OK(counter("QuicTxBytes") > 10 * sizeof(buf));
	OK(counter("QuicRxBytes") > 10 * sizeof(buf));
	OK(counter("QuicTxDataTrains") < counter("QuicTxDataPackets"));
	OK(counter("QuicAeadSeal") >= counter("QuicTxPackets"));
	EQ(counter("QuicPktDecDrop"), 0);
	EQ(counter("QuicPktInvHdrDrop"), 0);
	OK(counter("QuicPktDecFastpaths") > 0);
	UNTIL(counter("QuicPktDecFastpaths") + counter("QuicPktDecBacklogs") ==
	      counter("QuicAeadOpen"));
	UNTIL(counter("QuicPktEncFastpaths") == counter("QuicAeadSeal"));
	EQ(counter("QuicPktEncBacklogs"), 0);
}

TEST(sysctls)
{
	static const char *const names[] = { "mem", "rmem", "wmem" };
	char path[64];
	long v[3];
	FILE *f;

	/* They are the first namespace's. */
	OK(!setns(open("/proc/1/ns/net", O_RDONLY), CLONE_NEWNET));
	for (int i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "/proc/sys/net/quic/quic_%s",
			 names[i]);
		f = fopen(path, "r");
		OK(f);
		EQ(fscanf(f, "%ld %ld %ld", &v[0], &v[1], &v[2]), 3);
		OK(v[0] > 0 && v[0] <= v[1] && v[1] <= v[2]);
		fclose(f);
	}
}
