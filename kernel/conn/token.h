/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Address validation tokens, RFC 9000 section 8.1: what a server gives a
 * client to prove later that it receives at its address.  Any context; plain
 * arguments, so that whoever answers first contacts can make and check them.
 */
#ifndef KQUIC_CONN_TOKEN_H
#define KQUIC_CONN_TOKEN_H

#include "../path.h"
#include "../wire/header.h"

struct net;

/* Nobody waits longer for the answer to a Retry. */
#define QUIC_TOKEN_RETRY_LIFE	(10 * NSEC_PER_SEC)
/* For the client's next connection. */
#define QUIC_TOKEN_NEW_LIFE	(600 * (u64)NSEC_PER_SEC)
/* A key seals tokens so long, and opens them twice as long. */
#define QUIC_TOKEN_KEY_LIFE	(600 * HZ)
/* Longest token we make, and take from a program (socket-api.md). */
#define QUIC_TOKEN_MAX		120
/* Longest that we take from a server's Retry. */
#define QUIC_TOKEN_RETRY_MAX	512
/* A Retry of ours, with its integrity tag. */
#define QUIC_RETRY_MAX		(7 + 2 * QUIC_CID_MAX_LEN + QUIC_TOKEN_MAX + \
				 QUIC_TAG_LEN)

/* First byte of a token: it may be read by all (RFC 9000 section 8.1.1), and
 * no single bit makes one of the other.
 */
enum quic_token_type {
	QUIC_TOKEN_NONE,
	QUIC_TOKEN_NEW = 0x4e,
	QUIC_TOKEN_RETRY = 0x52,
};

int quic_token_init(struct net *net);
void quic_token_exit(struct net *net);

/* Make a token of @type for the client at @peer that speaks @version (RFC 9369
 * section 5).  A Retry's remembers @odcid, where the client's first Initial
 * went.  Bytes written to @to, which has QUIC_TOKEN_MAX; or -errno.
 */
int quic_token_make(struct net *net, enum quic_token_type type, u32 version,
		    const union quic_addr *peer, const struct quic_cid *odcid,
		    u8 *to);

/* Does @token prove the address @peer?  Its type if so, and for a Retry's
 * *@odcid; QUIC_TOKEN_NONE if it proves nothing; -EBADMSG if it claims to be
 * from a Retry and is not valid (section 8.1.2).
 */
int quic_token_check(struct net *net, const u8 *token, u32 len, u32 version,
		     const union quic_addr *peer, struct quic_cid *odcid);

#endif
