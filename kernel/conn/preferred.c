// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: the addresses that a server prefers: naming them, accepting packets
 * there, and as a client going there.
 * Called from: sockopt, conn/handshake, conn/migrate.
 * Context: socket lock held; registering in process context.
 * RFC 9000 sections 9.6, 18.2, 21.5.3.
 */
#include <net/ipv6.h>
#include "../pipeline.h"
#include "../obs/mib.h"

/* A server's, or those that a client was told; one of each family at most. */
struct quic_preferred {
	union quic_addr addr[2];	/* AF_UNSPEC: none */
	struct quic_udp *udp[2];	/* counted */
	int seq;			/* of the ID that goes with them */
};

/* ---- server ----------------------------------------------------------------- */

bool quic_preferred_is(const struct quic_conn *c, const union quic_addr *addr)
{
	const struct quic_preferred *pref = c->preferred;

	return pref && c->is_server &&
	       (quic_addr_equal(addr, &pref->addr[0]) ||
		quic_addr_equal(addr, &pref->addr[1]));
}

void quic_preferred_free(struct quic_conn *c)
{
	struct quic_preferred *pref = c->preferred;
	int i;

	for (i = 0; pref && i < 2; i++)
		if (pref->udp[i])
			quic_udp_put(pref->udp[i]);
	kfree(pref);
	c->preferred = NULL;
}

/**
 * quic_preferred_set - name an address that the client should go to
 * @c:		a server's connection whose handshake has not begun
 * @addr:	neither wildcard nor port 0
 *
 * Return: 0 or -errno, also of bind.
 */
int quic_preferred_set(struct quic_conn *c, const union quic_addr *addr)
{
	int i = addr->sa.sa_family == AF_INET6;
	struct quic_preferred *pref = c->preferred;
	struct quic_local_cid *l;
	struct quic_udp *udp;

	if (quic_addr_is_any(addr) || quic_addr_equal(addr, &c->path->src))
		return -EINVAL;
	if (!pref) {
		/* The ID that goes with it is the second (section 5.1.1). */
		if (c->cids->local_next_seq != 1)
			return -EAGAIN;
		pref = kzalloc(sizeof(*pref), GFP_KERNEL_ACCOUNT);
		if (!pref)
			return -ENOMEM;
		l = quic_cid_new_local(c, GFP_KERNEL);
		if (IS_ERR(l)) {
			kfree(pref);
			return PTR_ERR(l);
		}
		pref->seq = l->seq;
		c->cids->local_told = l->seq + 1;
		c->preferred = pref;
	}
	udp = quic_migrate_udp(c, addr);
	if (IS_ERR(udp))
		return PTR_ERR(udp);
	/* Clients of all CPUs come there, as to the listener. */
	quic_udp_spread(udp);
	if (pref->udp[i])
		quic_udp_put(pref->udp[i]);
	pref->udp[i] = udp;
	pref->addr[i] = *addr;
	return 0;
}

/* Into the transport parameters. */
void quic_preferred_tparam(struct quic_conn *c, struct quic_tparams *tp)
{
	const struct quic_preferred *pref = c->preferred;
	const struct quic_local_cid *l;

	if (!pref || (!pref->udp[0] && !pref->udp[1]))
		return;
	l = quic_cid_local(c, pref->seq);
	if (!l)
		return;
	tp->has |= QUIC_TP_HAS_PREFERRED;
	memcpy(tp->preferred.v4, &pref->addr[0].v4.sin_addr, 4);
	tp->preferred.port4 = ntohs(pref->addr[0].v4.sin_port);
	memcpy(tp->preferred.v6, &pref->addr[1].v6.sin6_addr, 16);
	tp->preferred.port6 = ntohs(pref->addr[1].v6.sin6_port);
	tp->preferred.cid = l->node->key.cid;
	quic_reset_token(sock_net(c->sk), tp->preferred.cid.id,
			 tp->preferred.cid.len, tp->preferred.token);
}

/* ---- client ----------------------------------------------------------------- */

/* The server's transport parameters name one, or one of each family.  Without
 * memory we stay where we are.
 */
void quic_preferred_learn(struct quic_conn *c, const struct quic_tparams *tp)
{
	struct quic_preferred *pref = kzalloc(sizeof(*pref), GFP_KERNEL_ACCOUNT);

	if (!pref)
		return;
	pref->addr[0].v4.sin_family = AF_INET;
	memcpy(&pref->addr[0].v4.sin_addr, tp->preferred.v4, 4);
	pref->addr[0].v4.sin_port = htons(tp->preferred.port4);
	pref->addr[1].v6.sin6_family = AF_INET6;
	memcpy(&pref->addr[1].v6.sin6_addr, tp->preferred.v6, 16);
	pref->addr[1].v6.sin6_port = htons(tp->preferred.port6);
	c->preferred = pref;
}

enum scope { SCOPE_HOST, SCOPE_LINK, SCOPE_WIDE, SCOPE_BAD };

static enum scope scope_of(const union quic_addr *a)
{
	int type;

	if (a->sa.sa_family == AF_INET) {
		__be32 ip = a->v4.sin_addr.s_addr;

		if (ipv4_is_zeronet(ip) || ipv4_is_multicast(ip) ||
		    ipv4_is_lbcast(ip))
			return SCOPE_BAD;
		if (ipv4_is_loopback(ip))
			return SCOPE_HOST;
		return ipv4_is_linklocal_169(ip) ? SCOPE_LINK : SCOPE_WIDE;
	}
	type = ipv6_addr_type(&a->v6.sin6_addr);
	if (type == IPV6_ADDR_ANY ||
	    type & (IPV6_ADDR_MULTICAST | IPV6_ADDR_MAPPED |
		    IPV6_ADDR_COMPATv4))
		return SCOPE_BAD;
	if (type & IPV6_ADDR_LOOPBACK)
		return SCOPE_HOST;
	return type & IPV6_ADDR_LINKLOCAL ? SCOPE_LINK : SCOPE_WIDE;
}

/* RFC9000-9.6.2-4 */
/* The one of family @family, if there is one that we may go to: a server far
 * away must not send us to what only we can reach (section 21.5.3).
 */
static bool offered(const struct quic_conn *c, int family,
		    union quic_addr *addr)
{
	enum scope scope;

	*addr = c->preferred->addr[family == AF_INET6];
	if (!quic_addr_port(addr))
		return false;
	scope = scope_of(addr);
	if (scope == SCOPE_WIDE || scope == scope_of(&c->path->dst)) {
		if (scope == SCOPE_LINK && family == AF_INET6)
			addr->v6.sin6_scope_id = c->path->dst.v6.sin6_scope_id;
		return scope != SCOPE_BAD;
	}
	QUIC_CONN_INC(c, QuicPreferredRefused);
	return false;
}

/* From where to there; false if our UDP socket does not reach the family. */
static bool from_where(const struct quic_conn *c, const union quic_addr *to,
		       union quic_addr *src)
{
	const struct quic_sock *qs = quic_sk(c->sk);
	__be16 port = quic_addr_port(&qs->bound);

	if (qs->bound.sa.sa_family == to->sa.sa_family) {
		*src = qs->bound;
		return true;
	}
	/* A socket of IPv4 alone would show a name that it cannot. */
	if (c->sk->sk_family != AF_INET6 || qs->bound.sa.sa_family != AF_INET6 ||
	    !quic_addr_is_any(&qs->bound) || ipv6_only_sock(c->sk))
		return false;
	memset(src, 0, sizeof(*src));
	src->v4.sin_family = AF_INET;
	src->v4.sin_port = port;
	return true;
}

/* The handshake is confirmed: go where the server wants us (section 9.6.1). */
void quic_preferred_go(struct quic_conn *c)
{
	int family = c->path->dst.sa.sa_family;
	union quic_addr to, src;
	struct quic_path *p;

	if (c->is_server || !c->preferred)
		return;
	if (!offered(c, family, &to)) {
		family = family == AF_INET ? AF_INET6 : AF_INET;
		if (!offered(c, family, &to))
			return;
	}
	if (!from_where(c, &to, &src) ||
	    quic_addr_equal(&to, &c->path->dst))
		return;
	p = quic_migrate_add(c, &src, &to);
	if (!p)
		return;
	p->chosen = true;
	p->wanted = true;
	p->preferred = true;
	if (!quic_cid_for_path(c, p) || quic_path_route(p, c->sk))
		return quic_migrate_leave(c, p);
	quic_validate_start(c, p);
}
