// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: what ICMP says of our datagrams.
 * Called from: the UDP layer (softirq), as sk_error_report() of rx/udp's
 * sockets.
 * Locks: RCU; the socket's spinlock for a connection.
 * RFC 9000 sections 14.2.1, 21.1; RFC 8899 section 4.6.
 *
 * Anybody can send it, so a message is believed only if the datagram that it
 * quotes has an ID in it that nobody off the path can know.
 */
#include <linux/errqueue.h>
#include <linux/udp.h>
#include <net/ipv6.h>
#include "../pipeline.h"
#include "../obs/mib.h"
#include "rx.h"

/* ---- port unreachable ------------------------------------------------------------ */

/* The ID that we made up for the server; worth something until it answers. */
static bool quotes_initial(const struct quic_conn *c, const struct sk_buff *skb)
{
	u8 buf[6 + QUIC_CID_MAX_LEN];
	const u8 *p;
	const struct quic_cid *id = quic_conn_initial_id(c);
	u32 len = 6 + id->len;

	p = skb_header_pointer(skb, 0, len, buf);
	return p && p[0] & QUIC_HDR_LONG && p[5] == id->len &&
	       !memcmp(p + 6, id->id, id->len);
}

static void refuse(struct sock *sk, const struct sk_buff *skb)
{
	struct quic_conn *c;

	bh_lock_sock(sk);
	c = quic_sk_conn(sk);
	/* Busy: the next Initial brings the next ICMP error. */
	if (!sock_owned_by_user(sk) && c && !c->is_server &&
	    c->state == QUIC_CONN_ESTABLISHING && !c->peer_cid_known &&
	    quotes_initial(c, skb))
		quic_conn_dead(c, ECONNREFUSED);
	bh_unlock_sock(sk);
}

static void port_unreachable(struct quic_udp *udp, const struct sk_buff *skb)
{
	struct quic_sock *qs;

	spin_lock_bh(&udp->lock);
	hlist_for_each_entry(qs, &udp->clients, client)
		refuse(&qs->inet.sk, skb);
	spin_unlock_bh(&udp->lock);
}

/* ---- packet too big -------------------------------------------------------------- */

/* Where the quoted datagram went. */
static void quoted_peer(const struct sk_buff *skb, union quic_addr *peer)
{
	const struct sock_exterr_skb *serr = SKB_EXT_ERR(skb);
	const u8 *addr = skb_network_header(skb) + serr->addr_offset;

	memset(peer, 0, sizeof(*peer));
	if (serr->ee.ee_origin == SO_EE_ORIGIN_ICMP) {
		peer->v4.sin_family = AF_INET;
		peer->v4.sin_port = serr->port;
		memcpy(&peer->v4.sin_addr, addr, sizeof(peer->v4.sin_addr));
	} else {
		peer->v6.sin6_family = AF_INET6;
		peer->v6.sin6_port = serr->port;
		memcpy(&peer->v6.sin6_addr, addr, sizeof(peer->v6.sin6_addr));
	}
}

/* RFC8899-3-7 RFC8899-4.6.1-1 RFC8899-4.6.1-2 RFC8899-6.1.6-1 RFC8899-8-2 */
/* RFC9000-14.2.1-2 */
/* The connection whose packet is quoted, by its peer's address and ID. */
static struct quic_cid_node *quoted_conn(const struct quic_udp *udp,
					 const struct sk_buff *skb)
{
	u8 buf[1 + QUIC_SCID_MIN];
	union quic_addr peer;
	const u8 *p;

	p = skb_header_pointer(skb, 0, sizeof(buf), buf);
	/* Packets of other sizes than 1200 bytes have short headers. */
	if (!p || p[0] & QUIC_HDR_LONG)
		return NULL;
	quoted_peer(skb, &peer);
	return quic_cid_lookup(udp->net, p + 1, QUIC_SCID_MIN, &peer);
}

/* RFC8899-4.6.1-3 */
static void too_big(const struct quic_udp *udp, const struct sk_buff *skb,
		    u32 mtu)
{
	struct quic_cid_node *node = quoted_conn(udp, skb);
	struct sock *sk = node ? READ_ONCE(node->sk) : NULL;
	bool heeded = false;

	if (sk && refcount_inc_not_zero(&sk->sk_refcnt)) {
		bh_lock_sock(sk);
		/* Busy: the next such packet brings the next message. */
		if (!sock_owned_by_user(sk))
			heeded = quic_pmtud_on_too_big(quic_sk_conn(sk), node,
						       mtu);
		bh_unlock_sock(sk);
		sock_put(sk);
	}
	if (heeded)
		QUIC_INC(udp->net, QuicTooBigHeeded);
	else
		QUIC_INC(udp->net, QuicTooBigIgnored);
}

/* ---- all ------------------------------------------------------------------------- */

void quic_icmp_report(struct sock *sk)
{
	struct sock_exterr_skb *serr;
	struct quic_udp *udp;
	struct sk_buff *skb;

	rcu_read_lock();
	udp = rcu_dereference_sk_user_data(sk);
	/* Not by sock_dequeue_err_skb(): it would report each that follows, and
	 * so call us from within, as deep as the queue is long.
	 */
	while ((skb = skb_dequeue(&sk->sk_error_queue))) {
		serr = SKB_EXT_ERR(skb);
		if (!udp || (serr->ee.ee_origin != SO_EE_ORIGIN_ICMP &&
			     serr->ee.ee_origin != SO_EE_ORIGIN_ICMP6))
			;
		else if (serr->ee.ee_errno == ECONNREFUSED)
			port_unreachable(udp, skb);
		else if (serr->ee.ee_errno == EMSGSIZE)
			too_big(udp, skb, serr->ee.ee_info);
		kfree_skb(skb);
	}
	/* It was for the connection, not for the shared socket. */
	sock_error(sk);
	rcu_read_unlock();
}
