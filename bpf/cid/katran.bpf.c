// SPDX-License-Identifier: GPL-2.0
/*
 * The layout that katran routes: its version 2, a server of 24 bits in plain text.
 *
 *	octet 0		top 2 bits: 10; the others random
 *	octets 1..3	the server
 *	octets 4..7	random
 *
 * Shows:	how little a layout of one's own takes.
 * Good for:	servers behind katran, whose mapping has the same numbers.
 * Bad for:	paths where nobody may see which server a client is on.
 */
#include <quic/connid.h>

const volatile __u32 server = 1;	/* to be set before loading */

QUIC_CONNID_OP(katran_generate, struct quic_connid *id)
{
	id->bytes[0] = 0x80 | (id->bytes[0] & 0x3f);
	id->bytes[1] = server >> 16;
	id->bytes[2] = server >> 8;
	id->bytes[3] = server;
	return server >> 24;
}

QUIC_CONNID_OP(katran_decode, struct quic_connid *id)
{
	if (id->bytes[0] >> 6 != 2)
		return -1;
	id->server = (__u32)id->bytes[1] << 16 | (__u32)id->bytes[2] << 8 |
		     id->bytes[3];
	id->cpu = QUIC_CONNID_NO_CPU;
	return 0;
}

QUIC_CONNID_DEFINE_LINK(katran, .generate = (void *)katran_generate,
			.decode = (void *)katran_decode);
