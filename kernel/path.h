/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A path: two addresses, the route between them, what may be sent there.
 * Locks: L socket lock, I immutable once set.
 */
#ifndef KQUIC_PATH_H
#define KQUIC_PATH_H

#include <linux/in.h>
#include <linux/in6.h>
#include <linux/socket.h>
#include <net/sock.h>
#include "recovery/pmtud.h"
#include "wire/header.h"

/* What every path carries until more is proven (RFC 9000 section 14). */
#define QUIC_MSS_MIN	QUIC_PMTUD_BASE
/* Connection IDs we issue have so many bytes, or, if a program makes them, up to
 * QUIC_CID_MAX_LEN.
 */
#define QUIC_SCID_MIN	8
/* Of so many PATH_CHALLENGE frames, the last ones, an answer is recognised. */
#define QUIC_CHALLENGES	3
/* In quic_path.cid: the peer has yet to give one. */
#define QUIC_NO_CID	0xff

struct quic_udp;
struct quic_path_memory;

union quic_addr {
	struct sockaddr sa;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

struct quic_path {
	union quic_addr src;	/* L; the address may be a wildcard until the
				 * first route look-up has chosen one
				 */
	union quic_addr dst;	/* L; never a v4-mapped address */
	struct dst_entry *dst_entry; /* L; NULL: look the route up */
	u32 dst_cookie;		/* L */
	u16 mss;		/* L; UDP payload bytes per packet */
	u16 mss_cap;		/* L; lower bound of what the peer takes and of
				 * what a black hole taught us
				 */
	bool believe_route;	/* L; its MTU; no discovery (sysctl) */
	u8 cid;			/* L; slot of the peer's ID for this path */
	bool validated;		/* L; RFC 9000 section 8 */
	bool chosen;		/* L; we decided to send there: no limit */
	bool wanted;		/* L; to be used as soon as it may be */
	bool preferred;		/* L; the server's preferred address */
	bool respond;		/* L; @response is to be sent */
	u8 n_challenges;	/* L; sent in this validation */
	struct quic_pmtud pmtud; /* L */
	struct quic_cid_node *quoted; /* L; what ICMP has to quote; or NULL */
	u8 small;		/* L; bit per @challenge: not in 1200 bytes */
	u8 response[8];		/* L; to the newest challenge */
	u8 challenge[QUIC_CHALLENGES][8]; /* L */
	struct quic_cid ours;	/* L; the ID that the peer uses here ... */
	u64 ours_seq;		/* L; ... and its number */
	u64 rx_bytes;		/* L; until validated */
	u64 tx_bytes;		/* L; until validated */
	u64 challenge_at;	/* L; the next one is due; 0: none */
	union {
		struct {
			u64 since;	/* L; ns */
			u64 give_up;	/* L; validation has failed; 0: none */
		};
		struct rcu_head rcu;	/* left: /proc may still read the rest */
	};
	u64 leave;		/* L; the path is not needed any more; 0 */
	struct quic_udp *udp;	/* L; counted; NULL: the socket's own */
	struct quic_path_memory *memory; /* L; when it is not in use */
};

/* Every connection has one, kmalloc()'s next size is 512. */
static_assert(sizeof(struct quic_path) <= 256);

#define QUIC_AMPLIFICATION	3	/* RFC 9000 section 8.1 */

/* conn/path.c */
static inline bool quic_addr_equal(const union quic_addr *a,
				   const union quic_addr *b)
{
	if (a->sa.sa_family != b->sa.sa_family)
		return false;
	if (a->sa.sa_family == AF_INET)
		return a->v4.sin_port == b->v4.sin_port &&
		       a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr;
	return a->v6.sin6_port == b->v6.sin6_port &&
	       ipv6_addr_equal(&a->v6.sin6_addr, &b->v6.sin6_addr);
}

/* The wildcard, and no port. */
static inline void quic_addr_set_any(union quic_addr *a, sa_family_t family)
{
	memset(a, 0, sizeof(*a));
	a->sa.sa_family = family;
}

static inline __be16 quic_addr_port(const union quic_addr *a)
{
	return a->sa.sa_family == AF_INET ? a->v4.sin_port : a->v6.sin6_port;
}

bool quic_addr_is_any(const union quic_addr *a);
/* Do they lead from the same host to the same, whatever the ports? */
bool quic_path_same_hosts(const struct quic_path *a, const struct quic_path *b);
/* From userspace; folds v4-mapped into AF_INET.  0 or -errno. */
int quic_addr_from_user(union quic_addr *a, const struct sockaddr *sa,
			int len, unsigned short family);
/* To userspace, as a socket of @family shows it; returns its length. */
int quic_addr_to_user(const union quic_addr *a, struct sockaddr *sa);
u32 quic_addr_hash(const union quic_addr *a);

/* All zero but for @mss_cap; NULL without memory. */
struct quic_path *quic_path_new(gfp_t gfp);
void quic_path_free(struct quic_path *p);
/* Find the route, fill in the source address, set mss.  BH may be off.
 * 0 or -errno (-ENETUNREACH ...).
 */
int quic_path_route(struct quic_path *p, struct sock *sk);
/* Bytes of the headers around a UDP payload. */
u32 quic_path_overhead(const struct quic_path *p);
/* UDP payload that the interface carries unfragmented; the route is valid. */
u32 quic_path_room(const struct quic_path *p);
void quic_path_update_mss(struct quic_path *p);
void quic_path_set_mss_cap(struct quic_path *p, u16 cap);
void quic_path_release(struct quic_path *p);

/* RFC9000-8-1 RFC9000-8.1-1 RFC9000-8.1-2 RFC9000-14.1-4 */
/* Bytes that may still go to an address that is not validated. */
static inline u64 quic_path_allowance(const struct quic_path *p)
{
	u64 limit = QUIC_AMPLIFICATION * p->rx_bytes;

	if (p->validated || p->chosen)
		return U64_MAX;
	return limit > p->tx_bytes ? limit - p->tx_bytes : 0;
}

#endif
