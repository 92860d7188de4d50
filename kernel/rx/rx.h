/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of rx/ share and nobody else needs. */
#ifndef KQUIC_RX_H
#define KQUIC_RX_H

#include <net/dsfield.h>
#include <net/inet_ecn.h>
#include "../conn.h"

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

struct quic_hdr;

/* rx/stateless.c */
void quic_rx_versions(struct quic_conn *c, const struct quic_hdr *h);
void quic_rx_follow(struct quic_conn *c, u32 version);
void quic_rx_retry(struct quic_conn *c, const u8 *p, const struct quic_hdr *h);

#endif
