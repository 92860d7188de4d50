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

/* What every path carries until more is proven (RFC 9000 section 14). */
#define QUIC_MSS_MIN	1200

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
	u8 cid;			/* L; slot of the peer's ID for this path */
	bool validated;		/* L; RFC 9000 section 8 */
	u64 rx_bytes;		/* L; until validated */
	u64 tx_bytes;		/* L; until validated */
	struct rcu_head rcu;	/* /proc reads without the lock */
};

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

static inline __be16 quic_addr_port(const union quic_addr *a)
{
	return a->sa.sa_family == AF_INET ? a->v4.sin_port : a->v6.sin6_port;
}

bool quic_addr_is_any(const union quic_addr *a);
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
/* UDP payload that the interface carries unfragmented; the route is valid. */
u32 quic_path_room(const struct quic_path *p);
void quic_path_set_mss_cap(struct quic_path *p, u16 cap);
void quic_path_release(struct quic_path *p);

/* RFC9000-8-1 RFC9000-8.1-1 RFC9000-8.1-2 RFC9000-14.1-4 */
/* Bytes that may still go to an address that is not validated. */
static inline u64 quic_path_allowance(const struct quic_path *p)
{
	u64 limit = QUIC_AMPLIFICATION * p->rx_bytes;

	if (p->validated)
		return U64_MAX;
	return limit > p->tx_bytes ? limit - p->tx_bytes : 0;
}

#endif
