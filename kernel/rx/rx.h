/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of rx/ share and nobody else needs. */
#ifndef KQUIC_RX_H
#define KQUIC_RX_H

#include <net/dsfield.h>
#include <net/inet_ecn.h>
#include "../conn.h"

/* What goes with an skb from the look-up of its ID on. */
struct quic_rx_cb {
	u8 id_len;	/* of the ID that led to its socket */
	u8 ecn;		/* of one that had to wait, without its IP header */
};

#define QUIC_RX_CB(skb) ((struct quic_rx_cb *)(skb)->cb)

/* Are these two the same ID of ours, of @len bytes? */
static inline bool quic_rx_same_id(const u8 *a, const u8 *b, u8 len)
{
	return !memcmp(a, b, QUIC_SCID_MIN) &&
	       (likely(len == QUIC_SCID_MIN) ||
		!memcmp(a + QUIC_SCID_MIN, b + QUIC_SCID_MIN,
			len - QUIC_SCID_MIN));
}

/* Source and destination of a received datagram; its headers still stand
 * before skb->data.
 */
void quic_rx_addrs(const struct sk_buff *skb, union quic_addr *src,
		   union quic_addr *dst);

/* ECN codepoint of all segments: GRO joins none that differ in it, and who marks
 * a super-skb that a GSO sender made marks each packet of it.
 */
static inline u8 quic_rx_ecn(const struct sk_buff *skb)
{
	return (skb->protocol == htons(ETH_P_IP) ?
		ip_hdr(skb)->tos : ipv6_get_dsfield(ipv6_hdr(skb))) &
	       INET_ECN_MASK;
}

/* Walks the contiguous pieces of an skb: head, fragments, and the same of
 * the skbs chained to it.
 */
struct quic_pieces {
	const struct sk_buff *skb;
	const struct sk_buff *next;	/* of the frag_list */
	int frag;		/* -1: head */
	u8 *p;
	u32 len;
};

static inline void quic_pieces_head(struct quic_pieces *it,
				    const struct sk_buff *skb)
{
	it->skb = skb;
	it->frag = -1;
	it->p = skb->data;
	it->len = skb_headlen(skb);
}

static inline void quic_pieces_start(struct quic_pieces *it,
				     const struct sk_buff *skb)
{
	quic_pieces_head(it, skb);
	it->next = skb_shinfo(skb)->frag_list;
}

static inline bool quic_pieces_next(struct quic_pieces *it)
{
	if (++it->frag < skb_shinfo(it->skb)->nr_frags) {
		const skb_frag_t *f = &skb_shinfo(it->skb)->frags[it->frag];

		it->p = skb_frag_address(f);
		it->len = skb_frag_size(f);
		return true;
	}
	if (!it->next)
		return false;
	quic_pieces_head(it, it->next);
	it->next = it->skb->next;
	return true;
}

/* Are the next @len bytes one piece, at @it->p? */
static inline bool quic_pieces_hold(struct quic_pieces *it, u32 len)
{
	while (!it->len && quic_pieces_next(it))
		;
	return it->len >= len;
}

/* Step over @len bytes. */
static inline void quic_pieces_skip(struct quic_pieces *it, u32 len)
{
	while (unlikely(len > it->len)) {
		len -= it->len;
		it->len = 0;
		if (!quic_pieces_next(it))
			return;
	}
	it->p += len;
	it->len -= len;
}

/* State while one skb is walked. */
struct quic_rx {
	struct quic_conn *c;
	struct quic_train *t;
	struct quic_path *path;	/* NULL: none known, until a packet opens */
	const struct sk_buff *skb; /* with its headers; NULL: parked before */
	u64 now;
	u8 ecn;
	u8 id_len;		/* of the ID of ours in short headers */
	bool moved;		/* another path, or another ID of ours */
	bool heard;		/* a packet was new, and its frames taken in */
	u16 data_pkts;
};

struct quic_hdr;

/* rx/packet.c: what is open, or can be opened, becomes frames */
void quic_rx_packets(struct quic_rx *rx, u8 level);
int quic_rx_open_train(struct quic_rx *rx, u8 level);
void quic_rx_flush(struct quic_rx *rx, u8 level);
void quic_rx_park(struct quic_rx *rx, const u8 *p, u32 len);
void quic_rx_long_packet(struct quic_rx *rx, struct sk_buff *skb, u8 *p,
			 const struct quic_hdr *h, u32 dgram);

/* rx/gather.c */
bool quic_gather_join(struct net *net, struct sk_buff *skb, const u8 *id,
		      u32 have);
bool quic_gather_start(struct sock *sk, struct sk_buff *skb, const u8 *id);
void quic_gather_flush(const struct sk_buff *skb, const u8 *id);
int quic_gather_init(void);
void quic_gather_exit(void);
/* rx/icmp.c: sk_error_report() of the UDP sockets */
void quic_icmp_report(struct sock *sk);

/* rx/stateless.c */
void quic_rx_versions(struct quic_conn *c, const struct quic_hdr *h);
void quic_rx_follow(struct quic_conn *c, u32 version);
void quic_rx_retry(struct quic_conn *c, const u8 *p, const struct quic_hdr *h);

#endif
