// SPDX-License-Identifier: GPL-2.0
/*
 * The CPU in plain text: octet 0 of an ID.
 *
 * Shows:	generate() and decode(), and the choice of a listener.
 * Good for:	one host whose XDP program sends each packet to the CPU that has
 *		the connection, also after the client has moved; listeners of a
 *		SO_REUSEPORT group, one or more per CPU.
 * Bad for:	hosts behind a load balancer: nothing says which host; paths where
 *		nobody may see that two IDs are of one CPU.
 */
#include <quic/connid.h>

QUIC_CONNID_OP(cpu_generate, struct quic_connid *id)
{
	/* The other seven octets are random, and stay so. */
	id->bytes[0] = id->cpu;
	return id->cpu > 255;
}

QUIC_CONNID_OP(cpu_decode, struct quic_connid *id)
{
	id->cpu = id->bytes[0];
	return 0;
}

/* The listener of the CPU where the client's packet came, whose IDs will say that
 * CPU.  Listeners say which one they serve (SO_INCOMING_CPU); their order would
 * not tell, with those of a process that follows another.
 */
QUIC_CONNID_OP(cpu_choose, struct quic_connid *id)
{
	id->listener = QUIC_CONNID_BY_CPU;
	return 0;
}

QUIC_CONNID_DEFINE_LINK(cpu, .generate = (void *)cpu_generate,
			.decode = (void *)cpu_decode,
			.choose = (void *)cpu_choose);
