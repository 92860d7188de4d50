/* SPDX-License-Identifier: GPL-2.0 */
/*
 * TLS messages after the handshake: which may come (RFC 9001 sections 4.4, 6,
 * RFC 8446 section 4.6).  The kernel looks because no TLS library listens any
 * more.
 */
#ifndef KQUIC_WIRE_TLS_SCAN_H
#define KQUIC_WIRE_TLS_SCAN_H

#include "buf.h"

/* Where in its messages a CRYPTO stream is; zeroed at the start. */
struct quic_tls_scan {
	u32 left;		/* of the body of the message under way */
	u8 have;		/* bytes of its header */
	u8 head[4];
};

/**
 * quic_tls_scan - judge the next bytes of the 1-RTT CRYPTO stream
 * @s:		where the bytes before have ended
 * @from_client: who sent them
 * @p:		the bytes
 * @len:	how many
 *
 * Only a server has something to say, tickets.
 *
 * Return: 0, or the transport error to close with.
 */
int quic_tls_scan(struct quic_tls_scan *s, bool from_client, const u8 *p,
		  u32 len);

/**
 * quic_tls_ticket - judge a whole NewSessionTicket
 * @msg:	the message, its header included
 * @len:	how long it is
 *
 * QUIC has its own limits for early data: a size in a ticket says nothing but
 * that there may be some (RFC 9001 section 4.6.1).
 *
 * Return: 0, or the transport error to close with.
 */
int quic_tls_ticket(const u8 *msg, u32 len);

#endif
