// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: what happens to a train in plaintext when it is about to leave: only
 * the device that has its key may see it, for any other the CPU seals it here.
 * Called from: validate_xmit_skb(), for each device on the way.
 * Context: BH off, no socket lock, RCU read section; any CPU.
 * RFC 9001 sections 5.3, 5.4.
 *
 * This is what keeps plaintext off the wire.  A train that is handed down
 * unsealed has skb->decrypted set and belongs to a socket with
 * quic_offload_validate().  The kernel calls that wherever an skb is given to a
 * driver, after the qdisc, be it the route's device or one that a bridge, bond
 * or tc chose.  An skb that has lost its socket on the way, as clones do, and
 * has the bit is dropped by the kernel.  One that has lost the bit, as fragments
 * of IP do, still has the type PACKET_KERNEL and is dropped here.
 */
#include <linux/if_vlan.h>
#include <linux/netdevice.h>
#include <linux/percpu.h>
#include <linux/udp.h>
#include <net/ip6_checksum.h>
#include <net/udp.h>
#include "../compat.h"
#include "../obs/mib.h"
#include "offload.h"

static struct quic_train __percpu *scratch;

/* The packet at @off, if it is in one piece. */
static u8 *contiguous(const struct sk_buff *skb, u32 off, u32 len)
{
	const struct skb_shared_info *si = skb_shinfo(skb);
	u32 size;
	int i;

	if (off + len <= skb_headlen(skb))
		return skb->data + off;
	if (off < skb_headlen(skb))
		return NULL;
	off -= skb_headlen(skb);
	for (i = 0; i < si->nr_frags; i++, off -= size) {
		size = skb_frag_size(&si->frags[i]);
		if (off < size)
			return off + len <= size ?
			       skb_frag_address(&si->frags[i]) + off : NULL;
	}
	return NULL;
}

/* All packets of the skb, by their marks. */
static bool collect(const struct sk_buff *skb, const struct quic_offload_tx *tx,
		    u32 generation, struct quic_train *t)
{
	struct quic_offload_mark m;
	struct quic_pkt *p = t->pkt;
	u32 off = tx->off, len;

	if (tx->segs > QUIC_TRAIN_MAX)
		return false;
	for (t->n = 0; t->n < tx->segs; t->n++, p++, off += len) {
		len = min_t(u32, tx->size, skb->len - off);
		p->data = contiguous(skb, off, len);
		if (!p->data || len <= sizeof(m))
			return false;
		memcpy(&m, p->data + len - sizeof(m), sizeof(m));
		if (m.generation != generation || m.pn_off >= m.hdr_len ||
		    m.hdr_len + sizeof(m) > len ||
		    !quic_offload_mark_fits(&m, p->data))
			return false;
		p->pn = m.pn;
		p->len = len;
		p->hdr_len = m.hdr_len;
		p->pn_off = m.pn_off;
		p->clear_len = len - QUIC_TAG_LEN;
		p->src = NULL;
		p->status = 0;
	}
	return true;
}

/* Of UDP; zero if @sum includes a right one. */
static __sum16 checksum(const struct sk_buff *skb, u32 len, __wsum sum)
{
	return skb_protocol(skb, true) == htons(ETH_P_IP) ?
	       udp_v4_check(len, ip_hdr(skb)->saddr, ip_hdr(skb)->daddr, sum) :
	       udp_v6_check(len, &ipv6_hdr(skb)->saddr, &ipv6_hdr(skb)->daddr,
			    sum);
}

/* A checksum that was computed over plaintext: once more, or by the device.
 * What was damaged since must not become authentic.
 */
static int restore_checksum(struct sk_buff *skb, u32 off)
{
	u32 uh_off = off - sizeof(struct udphdr);
	u32 len = skb->len - uh_off;
	struct udphdr *uh;

	if (skb->ip_summed == CHECKSUM_PARTIAL)
		return 0;
	if (skb_ensure_writable(skb, off))
		return -ENOMEM;
	uh = (struct udphdr *)(skb->data + uh_off);
	if (checksum(skb, len, skb_checksum(skb, uh_off, len, 0)))
		return -EBADMSG;
	uh->check = ~checksum(skb, len, 0);
	skb->ip_summed = CHECKSUM_PARTIAL;
	skb->csum_start = skb_headroom(skb) + uh_off;
	skb->csum_offset = offsetof(struct udphdr, check);
	return 0;
}

static int seal(struct quic_offload_keys *k, struct sk_buff *skb,
		const struct quic_offload_tx *tx, u32 generation)
{
	struct quic_train *t = this_cpu_ptr(scratch);
	struct quic_offload_sw *sw;
	int err;

	sw = rcu_dereference_check(k->sw[generation & 1],
				   rcu_read_lock_bh_held());
	if (!sw || sw->generation != generation)
		return -ENOKEY;
	/* First, for it may move what comes after the headers. */
	err = restore_checksum(skb, tx->off);
	if (err)
		return err;
	/* It is in pieces only if somebody has copied it. */
	if (!collect(skb, tx, generation, t) &&
	    (skb_linearize(skb) || !collect(skb, tx, generation, t)))
		return -EBADMSG;
	err = quic_aead_seal(&sw->aead, t);
	if (!err)
		err = quic_hp_protect(&k->hp, t);
	if (err)
		return err;
	quic_offload_set_plain(skb, false);
	return 0;
}

/* May the device see plaintext?  Its own, if it completes checksums as well. */
static bool device_seals(const struct quic_offload_keys *k,
			 const struct net_device *dev,
			 const struct sk_buff *skb, u32 generation)
{
	const struct quic_offload_bind *b;

	b = rcu_dereference_check(k->bind[1], rcu_read_lock_bh_held());
	return quic_offload_bind_has(b, dev, generation) &&
	       skb->ip_summed == CHECKSUM_PARTIAL &&
	       dev->features & NETIF_F_CSUM_MASK;
}

/**
 * quic_offload_validate - sk_validate_xmit_skb of connections that use a device
 * @sk:		the connection's socket, not locked
 * @dev:	the device that @skb is about to be given to
 * @skb:	whatever the socket sends
 *
 * Return: the skb, sealed or for @dev to seal; or NULL, it is gone.
 */
struct sk_buff *quic_offload_validate(struct sock *sk, struct net_device *dev,
				      struct sk_buff *skb)
{
	struct quic_offload_keys *k;
	struct quic_offload_tx tx;
	u32 generation;
	int err = -EBADMSG;

	if (likely(!skb_is_decrypted(skb) && skb->pkt_type != PACKET_KERNEL))
		return skb;
	k = quic_offload_keys_of(sk);
	/* Without the bit it is a fragment of plaintext. */
	if (skb_is_decrypted(skb) &&
	    quic_offload_parse(skb, &tx, &generation)) {
		if (device_seals(k, dev, skb, generation))
			return skb;
		err = seal(k, skb, &tx, generation);
	}
	if (unlikely(err)) {
		QUIC_INC(sock_net(sk), QuicOffloadTxDrop);
		kfree_skb(skb);
		return NULL;
	}
	QUIC_ADD(sock_net(sk), QuicOffloadTxFallback, tx.segs);
	QUIC_ADD(sock_net(sk), QuicAeadSeal, tx.segs);
	QUIC_INC(sock_net(sk), QuicHpCalls);
	return skb;
}

int quic_offload_fallback_init(void)
{
	scratch = alloc_percpu(struct quic_train);
	return scratch ? 0 : -ENOMEM;
}

void quic_offload_fallback_exit(void)
{
	free_percpu(scratch);
}
