// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: what a server says to those who have no connection: Retry, Version
 * Negotiation, stateless reset.
 * Called from: rx/initial and rx/demux (softirq), tx/close (a worker).
 * Context: softirq, or process with BH off.  No locks, no state.
 * RFC 9000 sections 6.1, 8.1.2, 10.3, 17.2.1, 17.2.5; RFC 9001 section 5.8.
 *
 * Everything here answers one datagram with one that is smaller, from the
 * address that it was sent to.
 */
#include <linux/random.h>
#include <net/ip.h>
#include <net/ip6_route.h>
#include <net/udp_tunnel.h>
#include "../compat.h"
#include "../conn/connid.h"
#include "../pipeline.h"
#include "../conn/token.h"
#include "../crypto/retry.h"
#include "../obs/mib.h"
#include "tx.h"

#define HEADROOM	(MAX_HEADER + sizeof(struct ipv6hdr) + \
			 sizeof(struct udphdr))

/* An empty skb with room for all headers and @len bytes. */
struct sk_buff *quic_stateless_alloc(u32 len)
{
	struct sk_buff *skb = alloc_skb(HEADROOM + len, GFP_ATOMIC);

	if (skb)
		skb_reserve(skb, HEADROOM);
	return skb;
}

static void xmit(struct sock *sk, struct quic_path *p, struct sk_buff *skb)
{
	struct dst_entry *dst = p->dst_entry;

	/* The transmit helpers take the route over. */
	p->dst_entry = NULL;
	if (p->dst.sa.sa_family == AF_INET)
		quic_udp4_xmit(dst_rtable(dst), sk, skb,
			       p->src.v4.sin_addr.s_addr,
			       p->dst.v4.sin_addr.s_addr, 0,
			       ip4_dst_hoplimit(dst), 0, p->src.v4.sin_port,
			       p->dst.v4.sin_port);
	else
		quic_udp6_xmit(dst, sk, skb, &p->src.v6.sin6_addr,
			       &p->dst.v6.sin6_addr, 0, ip6_dst_hoplimit(dst),
			       0, p->src.v6.sin6_port, p->dst.v6.sin6_port);
}

/* From @local, where @udp is bound, to @peer; takes @skb over. */
bool quic_stateless_send(struct quic_udp *udp, const union quic_addr *local,
			 const union quic_addr *peer, struct sk_buff *skb)
{
	struct quic_path path = { .src = *local, .dst = *peer,
				  .mss_cap = QUIC_MSS_MIN };

	if (quic_path_route(&path, udp->sock->sk)) {
		QUIC_INC(udp->net, QuicTxDropped);
		kfree_skb(skb);
		return false;
	}
	xmit(udp->sock->sk, &path, skb);
	return true;
}

/* Answers that nobody may need are bounded in number: so many a second, a
 * tenth of them at once (GCRA).
 */
static bool within_rate(struct net *net)
{
	struct quic_net *qn = quic_net(net);
	u32 rate = READ_ONCE(qn->stateless_rate);
	u64 now = ktime_get_ns(), each, due, old;

	if (!rate)
		goto no;
	each = div_u64(NSEC_PER_SEC, rate);
	do {
		old = atomic64_read(&qn->stateless_due);
		due = max(old, now) + each;
		if (due - now > NSEC_PER_SEC / 10 + each)
			goto no;
	} while (atomic64_cmpxchg(&qn->stateless_due, old, due) != old);
	return true;
no:
	QUIC_INC(net, QuicDropStateless);
	return false;
}

/* ---- Retry ------------------------------------------------------------------- */

static void take_id(struct quic_cid *cid, const u8 *id, u8 len)
{
	cid->len = len;
	memcpy(cid->id, id, len);
}

/* RFC9000-17.2.5.1-1 RFC9369-4.1-1 */
/* Original destination, Retry, tag: the pseudo-packet of RFC 9001 section
 * 5.8.  Its prefix is written before the Retry, which begins at @to: linear
 * memory with QUIC_RETRY_PREFIX_MAX bytes before it, and @room bytes, of which
 * QUIC_RETRY_MAX are enough.  BH off.  Length of the Retry, or -errno.
 */
int quic_tx_write_retry(struct net *net, const union quic_addr *peer,
			const struct quic_hdr *h, u8 *to, u32 room)
{
	struct quic_out o = { .p = to, .end = to + room };
	struct quic_cid odcid, dcid, scid;
	u8 token[QUIC_TOKEN_MAX];
	u8 *pseudo;
	int len;

	take_id(&odcid, h->dcid, h->dcid_len);
	take_id(&dcid, h->scid, h->scid_len);
	quic_connid_make(net, NULL, &scid, raw_smp_processor_id());
	len = quic_token_make(net, QUIC_TOKEN_RETRY, h->version, peer, &odcid,
			      token);
	if (len < 0)
		return len;

	quic_hdr_put_retry(&o, h->version, get_random_u8(), &dcid, &scid,
			   token, len);
	if (WARN_ON_ONCE(o.overflow || quic_out_left(&o) < QUIC_TAG_LEN))
		return -ENOSPC;
	pseudo = to - 1 - odcid.len;
	pseudo[0] = odcid.len;
	memcpy(pseudo + 1, odcid.id, odcid.len);
	len = quic_retry_tag(h->version, pseudo, o.p - pseudo);
	return len ?: o.p - to + QUIC_TAG_LEN;
}

/* RFC9000-17.2.5.1-4 */
/* Answer the Initial with header @h, which came from @peer to @local. */
void quic_tx_retry(struct quic_udp *udp, const union quic_addr *local,
		   const union quic_addr *peer, const struct quic_hdr *h)
{
	struct sk_buff *skb;
	int len;

	skb = quic_stateless_alloc(QUIC_RETRY_MAX);
	if (!skb)
		return;
	/* Before the data there is room for headers. */
	len = quic_tx_write_retry(udp->net, peer, h, skb->data, QUIC_RETRY_MAX);
	if (len < 0) {
		kfree_skb(skb);
		return;
	}
	skb_put(skb, len);
	if (quic_stateless_send(udp, local, peer, skb))
		QUIC_INC(udp->net, QuicRetriesSent);
}

/* ---- Version Negotiation ----------------------------------------------------- */

/*
 * RFC8999-6-3 RFC8999-6-4 RFC9000-17.2.1-2 RFC9000-17.2.1-3
 * RFC9000-17.2.1-4 RFC9000-17.2.1-5 RFC9000-17.2.1-6 RFC9368-2.1-1
 */
/* Answer a long header of a version that we do not speak (section 6.1). */
void quic_tx_versions(struct quic_udp *udp, const union quic_addr *local,
		      const union quic_addr *peer, const struct quic_hdr *h)
{
	/* One is reserved: nobody may trip over those it does not know. */
	u32 versions[] = { QUIC_VERSION_V1, QUIC_VERSION_V2,
			   (get_random_u32() & 0xf0f0f0f0) | 0x0a0a0a0a };
	u32 len = 7 + h->dcid_len + h->scid_len + sizeof(versions);
	struct quic_out o;
	struct sk_buff *skb;

	if (!within_rate(udp->net))
		return;
	skb = quic_stateless_alloc(len);
	if (!skb)
		return;
	o = (struct quic_out) { .p = skb->data, .end = skb->data + len };
	quic_hdr_put_versions(&o, get_random_u8(), h, versions,
			      ARRAY_SIZE(versions));
	skb_put(skb, o.p - skb->data);
	if (quic_stateless_send(udp, local, peer, skb))
		QUIC_INC(udp->net, QuicVersionsSent);
}

/* ---- stateless reset ------------------------------------------------------------ */

/* Long enough for any packet with a connection ID of 20 bytes. */
#define RESET_LEN	43

/* RFC9000-10.3-2 RFC9000-10.3.3-1 RFC9000-10.3-4 */
/* Answer a short header for our ID of @id_len bytes at @id, which nobody knows,
 * in a datagram of @trigger bytes.  The answer is shorter, so that two who have
 * forgotten each other come to an end (section 10.3.3), and looks like any packet.
 */
void quic_tx_reset(struct quic_udp *udp, const union quic_addr *local,
		   const union quic_addr *peer, const u8 *id, u8 id_len,
		   u32 trigger)
{
	u32 len = min_t(u32, trigger - 1, RESET_LEN + get_random_u8() % 16);
	struct sk_buff *skb;
	u8 *p;

	if (trigger <= QUIC_RESET_MIN || !within_rate(udp->net))
		return;
	skb = quic_stateless_alloc(len);
	if (!skb)
		return;
	p = skb_put(skb, len);
	get_random_bytes(p, len - QUIC_RESET_TOKEN_LEN);
	p[0] = QUIC_HDR_FIXED | (p[0] & 0x3f);
	quic_reset_token(udp->net, id, id_len, p + len - QUIC_RESET_TOKEN_LEN);
	if (quic_stateless_send(udp, local, peer, skb))
		QUIC_INC(udp->net, QuicResetsSent);
}
