// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: what a device's driver is told about an skb to be sealed, and tells
 * about one that it has opened.
 * Called from: drivers (include/net/quic.h), crypto/offload_fallback.
 * Context: softirq, or BH off and an RCU read section.
 */
#include <linux/if_vlan.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/skbuff.h>
#include <linux/udp.h>
#include <linux/unaligned.h>
#include <net/ip.h>
#include <net/sock.h>
#include "../compat.h"
#include "offload.h"

/* Offset of the UDP header from skb->data, if it is where IP says. */
static int udp_offset(const struct sk_buff *skb)
{
	int off = skb_network_offset(skb);
	struct ipv6hdr buf;
	const struct ipv6hdr *ip6;
	const struct iphdr *ip;

	switch (skb_protocol(skb, true)) {
	case htons(ETH_P_IP):
		ip = skb_header_pointer(skb, off, sizeof(*ip), &buf);
		if (!ip || ip->protocol != IPPROTO_UDP || ip_is_fragment(ip))
			return -1;
		off += ip->ihl * 4;
		break;
	case htons(ETH_P_IPV6):
		ip6 = skb_header_pointer(skb, off, sizeof(*ip6), &buf);
		if (!ip6 || ip6->nexthdr != IPPROTO_UDP)
			return -1;
		off += sizeof(*ip6);
		break;
	default:
		return -1;
	}
	return off == skb_transport_offset(skb) ? off : -1;
}

/* Is it the mark of this header (at least 4 bytes follow the offset of the number)?
 * Whoever has changed one of them shall not make us protect less than the text,
 * nor with another packet's nonce.
 */
bool quic_offload_mark_fits(const struct quic_offload_mark *m, const u8 *hdr)
{
	u32 len = 1 + (hdr[0] & QUIC_HDR_PN_LEN);
	u32 pn = get_unaligned_be32(hdr + m->pn_off) >> (32 - 8 * len);

	return m->magic == QUIC_OFFLOAD_MAGIC && !(hdr[0] & QUIC_HDR_LONG) &&
	       m->pn_off && m->hdr_len == m->pn_off + len &&
	       !(hdr[0] & QUIC_HDR_KEY_PHASE) == !(m->generation & 1) &&
	       pn == (m->pn & GENMASK_ULL(8 * len - 1, 0));
}

/* What the first packet's mark says about a train in plaintext, all but the
 * key.  False if it is none any more, because somebody has rewritten it.
 */
bool quic_offload_parse(const struct sk_buff *skb, struct quic_offload_tx *tx,
			u32 *generation)
{
	const struct skb_shared_info *si = skb_shinfo(skb);
	struct quic_offload_mark m;
	u8 hdr[1 + QUIC_CID_MAX_LEN + 4];
	struct udphdr udp;
	u32 len, first;
	int off;

	off = udp_offset(skb);
	if (off < 0 || skb_copy_bits(skb, off, &udp, sizeof(udp)))
		return false;
	tx->off = off + sizeof(udp);
	len = ntohs(udp.len) - sizeof(udp);
	if (ntohs(udp.len) <= sizeof(udp) || tx->off + len > skb->len ||
	    (si->gso_size && !(si->gso_type & SKB_GSO_UDP_L4)))
		return false;
	first = si->gso_size ? min_t(u32, len, si->gso_size) : len;
	if (first <= sizeof(m) ||
	    skb_copy_bits(skb, tx->off + first - sizeof(m), &m, sizeof(m)))
		return false;
	if (m.pn_off + 4 > sizeof(hdr) || m.hdr_len + sizeof(m) > first ||
	    skb_copy_bits(skb, tx->off, hdr, m.pn_off + 4) ||
	    !quic_offload_mark_fits(&m, hdr))
		return false;
	tx->size = first;
	tx->segs = DIV_ROUND_UP(len, first);
	tx->pn = m.pn;
	tx->hdr_len = m.hdr_len;
	tx->pn_off = m.pn_off;
	tx->phase = m.generation & 1;
	*generation = m.generation;
	return true;
}

/* See quic_offload_tx(). */
int quic_offload_tx_train(const struct net_device *dev,
			  const struct sk_buff *skb,
			  struct quic_offload_tx *tx)
{
	struct quic_offload_keys *k;
	struct quic_offload_bind *b;
	u32 generation;

	/* Nobody seals what has no socket: a generic XDP program has turned
	 * around what was opened elsewhere.
	 */
	if (!skb->sk)
		return -ENOKEY;
	/* Of kTLS, for one. */
	if (!quic_sk_validates(skb->sk, quic_offload_validate))
		return 0;
	if (!quic_offload_parse(skb, tx, &generation))
		return -EBADMSG;
	k = quic_offload_keys_of(skb->sk);
	b = rcu_dereference_check(k->bind[1], rcu_read_lock_bh_held());
	if (!quic_offload_bind_has(b, dev, generation))
		return -ENOKEY;
	tx->key = &b->key;
	return 1;
}
EXPORT_SYMBOL_GPL(quic_offload_tx_train);

/* See <net/quic.h>. */
int quic_offload_opened(struct sk_buff *skb, const struct quic_offload_key *key,
			u64 pn, u32 off, u32 len)
{
	const struct quic_offload_bind *b =
		container_of(key, struct quic_offload_bind, key);
	const struct net_device *dev = READ_ONCE(b->odev->dev);
	u8 token[QUIC_OFFLOAD_TAG], *low = token + QUIC_OFFLOAD_TOKEN_HIGH;

	if (len <= QUIC_OFFLOAD_TAG)
		return -EINVAL;
	if (unlikely(!dev || quic_offload_watched(dev, QUIC_OFFLOAD_RX))) {
		quic_offload_reset_later(b->odev);
		return -EACCES;
	}
	if (!skb_is_decrypted(skb)) {
		/* GRO does not look at the mark but at the hash: what is opened
		 * and what is not never become one skb.
		 */
		skb_set_hash(skb, ~skb_get_hash_raw(skb), PKT_HASH_TYPE_L4);
		quic_offload_set_plain(skb, true);
	}
	/* See quic_offload_has_number(). */
	memcpy(token, key->token, sizeof(token));
	put_unaligned_be64(get_unaligned_be64(low) ^ pn, low);
	return skb_store_bits(skb, off + len - QUIC_OFFLOAD_TAG, token,
			      QUIC_OFFLOAD_TAG);
}
EXPORT_SYMBOL_GPL(quic_offload_opened);
