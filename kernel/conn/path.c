// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: addresses and routes of a connection.
 * Called from: tx/xmit (route per train), lifecycle, socket calls.
 * Context: socket lock held; softirq or process.
 * RFC 9000 sections 8.1 (amplification), 14 (datagram size).
 */
#include <linux/jhash.h>
#include <net/ip6_route.h>
#include <net/route.h>
#include "../pipeline.h"
#include "../obs/mib.h"

/* Larger packets gain nothing and meet peers with small buffers (lo has an
 * MTU of 65536); jumbo frames fit.
 */
#define QUIC_MSS_MAX	9216

bool quic_addr_is_any(const union quic_addr *a)
{
	if (a->sa.sa_family == AF_INET)
		return a->v4.sin_addr.s_addr == htonl(INADDR_ANY);
	return ipv6_addr_any(&a->v6.sin6_addr);
}

static bool same_host(const union quic_addr *a, const union quic_addr *b)
{
	if (a->sa.sa_family != b->sa.sa_family)
		return false;
	if (a->sa.sa_family == AF_INET)
		return a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr;
	return ipv6_addr_equal(&a->v6.sin6_addr, &b->v6.sin6_addr);
}

bool quic_path_same_hosts(const struct quic_path *a, const struct quic_path *b)
{
	return same_host(&a->src, &b->src) && same_host(&a->dst, &b->dst);
}

static void unmap_v4(union quic_addr *a)
{
	struct sockaddr_in v4 = {
		.sin_family = AF_INET,
		.sin_port = a->v6.sin6_port,
		.sin_addr.s_addr = a->v6.sin6_addr.s6_addr32[3],
	};

	memset(a, 0, sizeof(*a));
	a->v4 = v4;
}

int quic_addr_from_user(union quic_addr *a, const struct sockaddr *sa,
			int len, unsigned short family)
{
	if (len < (int)offsetofend(struct sockaddr, sa_family))
		return -EINVAL;
	memset(a, 0, sizeof(*a));
	if (sa->sa_family == AF_INET) {
		if (len < (int)sizeof(struct sockaddr_in))
			return -EINVAL;
		memcpy(&a->v4, sa, sizeof(a->v4));
		memset(a->v4.sin_zero, 0, sizeof(a->v4.sin_zero));
		return 0;
	}
	if (sa->sa_family != AF_INET6 || family != AF_INET6)
		return -EAFNOSUPPORT;
	if (len < SIN6_LEN_RFC2133)
		return -EINVAL;
	memcpy(&a->v6, sa, min_t(int, len, sizeof(a->v6)));
	a->v6.sin6_flowinfo = 0;
	if (ipv6_addr_v4mapped(&a->v6.sin6_addr))
		unmap_v4(a);
	return 0;
}

int quic_addr_to_user(const union quic_addr *a, struct sockaddr *sa)
{
	if (a->sa.sa_family == AF_INET) {
		memcpy(sa, &a->v4, sizeof(a->v4));
		return sizeof(a->v4);
	}
	memcpy(sa, &a->v6, sizeof(a->v6));
	return sizeof(a->v6);
}

/* Not a secret hash: callers feed it into a keyed one. */
u32 quic_addr_hash(const union quic_addr *a)
{
	if (a->sa.sa_family == AF_INET)
		return jhash_2words((__force u32)a->v4.sin_addr.s_addr,
				    (__force u32)a->v4.sin_port, 0);
	return jhash2((u32 *)&a->v6.sin6_addr, 4,
		      (__force u32)a->v6.sin6_port);
}

static struct dst_entry *route4(struct quic_path *p, struct sock *sk)
{
	struct flowi4 fl4 = {
		.flowi4_oif = sk->sk_bound_dev_if,
		.flowi4_mark = READ_ONCE(sk->sk_mark),
		.flowi4_proto = IPPROTO_UDP,
		.flowi4_uid = sk->sk_uid,
		.daddr = p->dst.v4.sin_addr.s_addr,
		.saddr = p->src.v4.sin_addr.s_addr,
		.fl4_dport = p->dst.v4.sin_port,
		.fl4_sport = p->src.v4.sin_port,
	};
	struct rtable *rt;

	rt = ip_route_output_flow(sock_net(sk), &fl4, sk);
	if (IS_ERR(rt))
		return ERR_CAST(rt);
	if ((rt->rt_flags & RTCF_BROADCAST) && !sock_flag(sk, SOCK_BROADCAST)) {
		ip_rt_put(rt);
		return ERR_PTR(-EACCES);
	}
	p->src.v4.sin_addr.s_addr = fl4.saddr;
	return &rt->dst;
}

static struct dst_entry *route6(struct quic_path *p, struct sock *sk)
{
	struct flowi6 fl6 = {
		.flowi6_oif = sk->sk_bound_dev_if ?:
			      p->dst.v6.sin6_scope_id,
		.flowi6_mark = READ_ONCE(sk->sk_mark),
		.flowi6_proto = IPPROTO_UDP,
		.flowi6_uid = sk->sk_uid,
		.daddr = p->dst.v6.sin6_addr,
		.saddr = p->src.v6.sin6_addr,
		.fl6_dport = p->dst.v6.sin6_port,
		.fl6_sport = p->src.v6.sin6_port,
	};
	struct dst_entry *dst;

	dst = ip6_dst_lookup_flow(sock_net(sk), sk, &fl6, NULL);
	if (IS_ERR(dst))
		return dst;
	p->src.v6.sin6_addr = fl6.saddr;
	p->dst_cookie = rt6_get_cookie(dst_rt6_info(dst));
	return dst;
}

/* Not what ICMP says, which anyone can send: see conn/pmtud. */
static u32 mtu_of(const struct quic_path *p)
{
	const struct dst_entry *dst = p->dst_entry;

	if (!dst)
		return 0;
	if (p->believe_route)
		return dst_mtu(dst);
	/* IPv6 notes it as a metric, in a route of its own. */
	if (p->dst.sa.sa_family == AF_INET6 &&
	    dst_rt6_info(dst)->rt6i_flags & RTF_CACHE)
		return READ_ONCE(dst->dev->mtu);
	return dst_metric_raw(dst, RTAX_MTU) ?: READ_ONCE(dst->dev->mtu);
}

u32 quic_path_overhead(const struct quic_path *p)
{
	return sizeof(struct udphdr) + (p->dst.sa.sa_family == AF_INET ?
					sizeof(struct iphdr) :
					sizeof(struct ipv6hdr));
}

u32 quic_path_room(const struct quic_path *p)
{
	u32 overhead = quic_path_overhead(p);
	u32 mtu = mtu_of(p);

	return mtu > overhead ? mtu - overhead : 0;
}

void quic_path_update_mss(struct quic_path *p)
{
	u32 mss = quic_path_room(p);

	/* A link below 1280 bytes cannot carry QUIC unfragmented: send what
	 * the protocol demands and let IP do what it can (section 14).
	 */
	mss = clamp_t(u32, min_t(u32, mss, p->mss_cap), QUIC_MSS_MIN,
		      QUIC_MSS_MAX);
	/* Packets follow each other in memory: whole cipher blocks keep them
	 * all aligned as the first one is (see tx/build).
	 */
	mss = round_down(mss, QUIC_PMTUD_STEP);
	quic_pmtud_set_max(&p->pmtud, mss);
	p->mss = p->believe_route ? mss : p->pmtud.size;
}

struct quic_path *quic_path_new(gfp_t gfp)
{
	struct quic_path *p = kzalloc(sizeof(*p), gfp | __GFP_ACCOUNT);

	if (!p)
		return NULL;
	p->mss_cap = U16_MAX;
	quic_pmtud_init(&p->pmtud);
	return p;
}

int quic_path_route(struct quic_path *p, struct sock *sk)
{
	struct dst_entry *dst = p->dst_entry;

	if (likely(dst && (!dst->obsolete || dst->ops->check(dst, p->dst_cookie))))
		return 0;
	quic_path_release(p);

	p->src.sa.sa_family = p->dst.sa.sa_family;
	dst = p->dst.sa.sa_family == AF_INET ? route4(p, sk) : route6(p, sk);
	if (IS_ERR(dst))
		return PTR_ERR(dst);
	p->dst_entry = dst;
	p->believe_route = !READ_ONCE(quic_net(sock_net(sk))->pmtud);
	quic_path_update_mss(p);
	return 0;
}

void quic_path_set_mss_cap(struct quic_path *p, u16 cap)
{
	p->mss_cap = min_t(u16, p->mss_cap, max_t(u16, cap, QUIC_MSS_MIN));
	quic_path_update_mss(p);
}

void quic_path_release(struct quic_path *p)
{
	dst_release(p->dst_entry);
	p->dst_entry = NULL;
}

void quic_path_free(struct quic_path *p)
{
	if (!p)
		return;
	quic_path_release(p);
	quic_cid_remove(p->quoted);
	kfree_rcu(p, rcu);
}
