// SPDX-License-Identifier: GPL-2.0
/*
 * ECN on real sockets: RFC 9000 section 13.4, RFC 9002 section 7.1.
 */
#include <stdio.h>
#include <stdlib.h>
#include "pair.h"

/* Rules see what leaves on lo; a chain counts and changes marks. */
static void rules(const char *body)
{
	char command[1024];

	snprintf(command, sizeof(command), "nft -f - <<-'.'\n"
		 "table inet t {\n"
		 " counter ect0 { }\n counter ce { }\n counter none { }\n"
		 " chain c {\n"
		 "  type filter hook output priority 0\n"
		 "%s }\n}\n.\n", body);
	OK(!system(command));
}

static long count(const char *name)
{
	char command[128];
	long value = -1;
	FILE *f;

	snprintf(command, sizeof(command), "nft list counter inet t %s | "
		 "sed -n 's/.*packets \\([0-9]*\\).*/\\1/p'", name);
	f = popen(command, "r");
	OK(f);
	EQ(fscanf(f, "%ld", &value), 1);
	pclose(f);
	return value;
}

#define COUNT							\
	"  udp length > 0 ip ecn ect0 counter name ect0\n"	\
	"  udp length > 0 ip ecn not-ect counter name none\n"	\
	"  udp length > 0 ip ecn ce counter name ce\n"
#define COUNT6							\
	"  udp length > 0 ip6 ecn ect0 counter name ect0\n"	\
	"  udp length > 0 ip6 ecn not-ect counter name none\n"	\
	"  udp length > 0 ip6 ecn ce counter name ce\n"

/* Ten packets are marked before the first answer, and all of them after it,
 * but for those that follow two PTOs in a row.
 */
TEST_EACH(marked_for_as_long_as_counts_add_up)
{
	struct pair p = { 0 };
	unsigned long ptos;
	long none;

	/* Probes of the packet size are not marked. */
	OK(!system("sysctl -qw net.quic.pmtud=0"));
	rules(family == AF_INET ? COUNT : COUNT6);
	connection(&p);
	OK(count("ect0") >= 2);
	/* An answer each way. */
	pair_talk(&p);
	EQ(quic_sendmsg(p.server, "word", 4, 0, 0), 4);
	UNTIL(settled(p.client) && settled(p.server));
	none = count("none");
	ptos = counter("QuicPtos");
	pair_transfer(&p, 2000000);
	ptos = counter("QuicPtos") - ptos;
	note("%ld marked, %ld not, %ld before, %lu PTOs", count("ect0"),
	     count("none"), none, ptos);
	OK(count("ect0") > 20);
	if (ptos < 2)
		EQ(count("none"), none);
	EQ(counter("QuicEcnFailed"), 0);
	EQ(counter("QuicEcnCeEvents"), 0);
}

TEST(not_marked_when_switched_off)
{
	struct pair p = { 0 };

	OK(!system("sysctl -qw net.quic.ecn=0"));
	rules(COUNT);
	connection(&p);
	pair_transfer(&p, 100000);
	EQ(count("ect0"), 0);
	OK(count("none") > 5);
}

/* RFC9000-13.4.2.2-1 */
/* A router that clears the field: the peer counts none. */
TEST(a_path_that_clears_marks)
{
	struct pair p = { 0 };

	rules("  ip ecn ect0 counter name ect0\n"
	      "  ip ecn not-ect counter name none\n"
	      "  ip ecn ect0 ip ecn set not-ect\n");
	connection(&p);
	pair_transfer(&p, 2000000);
	note("%ld marked, %ld not", count("ect0"), count("none"));
	OK(count("ect0") <= 40);
	OK(count("none") > 5);
	EQ(counter("QuicEcnFailed"), 2);
}

/* RFC9000-9.7-1 */
/* RFC 9000 section 9.7: IPv6 flow labels tell nothing, being none. */
TEST(no_flow_label)
{
	struct pair p = { 0 };

	family = AF_INET6;
	rules("  udp length > 0 ip6 flowlabel != 0 counter name ce\n"
	      "  udp length > 0 ip6 flowlabel 0 counter name none\n");
	connection(&p);
	pair_transfer(&p, 100000);
	OK(count("none") > 5);
	EQ(count("ce"), 0);
}

/* One that drops what is marked: connections come into being all the same. */
TEST_WITH(a_path_that_drops_marked_packets, 60, false)
{
	struct pair p = { 0 };

	rules("  ip ecn ect0 counter name ect0 drop\n");
	connection(&p);
	pair_transfer(&p, 100000);
	note("%ld dropped", count("ect0"));
	OK(count("ect0") > 0);
}

/* A congested one: marks say what losses would. */
TEST(a_path_that_marks_ce)
{
	struct pair p = { 0 };

	connection(&p);
	pair_transfer(&p, 1000000);
	EQ(counter("QuicEcnCeEvents"), 0);
	rules("  ip ecn ect0 ip dscp cs0 numgen random mod 8 == 0 ip ecn set ce\n"
	      "  ip ecn ce counter name ce\n");
	pair_transfer(&p, 2000000);
	note("%ld trains marked, %lu events", count("ce"),
	     counter("QuicEcnCeEvents"));
	OK(count("ce") > 0);
	OK(counter("QuicEcnCeEvents") > 0);
	EQ(counter("QuicEcnFailed"), 0);
}
