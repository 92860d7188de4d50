/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Just enough of a TLS ClientHello (RFC 8446 section 4.1.2) to choose the
 * listener: its ALPN list (RFC 7301 section 3.1).
 */
#ifndef KQUIC_WIRE_CLIENT_HELLO_H
#define KQUIC_WIRE_CLIENT_HELLO_H

#include "buf.h"

/**
 * quic_client_hello_alpn - find the ALPN list
 * @buf:	the CRYPTO stream from offset 0, contiguous
 * @len:	bytes so far
 * @alpn:	set to the protocol name list (each name: a length byte and
 *		the name), pointing into @buf; NULL if the client sent none
 * @alpn_len:	its length; every length byte in it has been checked
 *
 * Return: 0; -EAGAIN if more bytes are needed; -EINVAL if this is not a
 * ClientHello, is malformed or longer than 64 KiB.
 */
int quic_client_hello_alpn(const u8 *buf, u32 len, const u8 **alpn,
			   u16 *alpn_len);

/* Does the wire-form list @alpn contain one of the comma separated @names
 * (as the ALPN socket option holds them)?
 */
bool quic_alpn_match(const u8 *alpn, u16 alpn_len, const char *names);

#endif
