/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Packet protection by network devices: what the registry (offload.c), the
 * helpers for packets (offload_skb.c), the connections (conn/offload) and the
 * CPU in a device's place (offload_fallback.c) share.  Drivers see include/net/quic.h.
 */
#ifndef KQUIC_CRYPTO_OFFLOAD_H
#define KQUIC_CRYPTO_OFFLOAD_H

#include <linux/if_packet.h>
#include <linux/jump_label.h>
#include <linux/mutex.h>
#include <linux/netdevice.h>
#include <linux/refcount.h>
#include <linux/seq_file.h>
#include <linux/workqueue.h>
#include <net/quic.h>
#include "../compat.h"
#include "aead.h"
#include "hp.h"

/* A device is registered.  Without one nothing of this costs anything. */
DECLARE_STATIC_KEY_FALSE(quic_offload_devices);
#define quic_offload_possible()	static_branch_unlikely(&quic_offload_devices)

/**
 * struct quic_offload_mark - says what a packet in plaintext is
 *
 * It stands where the tag will be, so it goes wherever the packet goes: through
 * a qdisc, a clone, a copy, segmentation.
 */
struct quic_offload_mark {
	u64 pn;
	u32 generation;		/* of the key, from 0; odd: key phase 1 */
	u8 hdr_len;
	u8 pn_off;
	u16 magic;
};

#define QUIC_OFFLOAD_MAGIC	0x7c51

/* Bytes of a token before those that the packet's number is in. */
#define QUIC_OFFLOAD_TOKEN_HIGH	8

/* A registered device; refcounted, because keys outlive the registration. */
struct quic_offload_dev {
	struct list_head list;		/* R; of all, written under their lock */
	struct net_device *dev;		/* R; NULL: not registered any more */
	const struct quic_offload_ops *ops;
	struct quic_offload_caps caps;
	struct mutex lock;		/* calls into the driver */
	struct list_head keys;		/* @lock */
	u32 n_keys[2];			/* @lock */
	u32 failed;			/* @lock; keys that it did not take */
	bool full;			/* @lock; the last one it did not */
	struct work_struct reset;	/* it is to lose its keys */
	refcount_t ref;
	struct rcu_head rcu;
};

/* A key in a device. */
struct quic_offload_bind {
	struct quic_offload_key key;
	struct quic_offload_dev *odev;	/* counted */
	struct list_head link;		/* odev->lock; empty: not in the device */
	u32 generation[2];		/* of key.phase[], where valid */
	bool dead;			/* the device has it no more */
	struct rcu_work work;		/* ends it */
};

/* A key of ours for what went out in plaintext by another device. */
struct quic_offload_sw {
	u32 generation;
	struct quic_aead_key aead;
};

/* What a connection has given to devices, and keeps for their place. */
struct quic_offload_keys {
	struct quic_offload_bind __rcu *bind[2];	/* R; by direction */
	struct quic_offload_sw __rcu *sw[2];		/* R; by key phase */
	struct quic_hp hp;	/* I before the first of @bind[1] */
};

/* conn/offload_keys.c: those of a socket that quic_offload_validate() is set for. */
struct quic_offload_keys *quic_offload_keys_of(const struct sock *sk);

/* crypto/offload.c */
int quic_offload_init(void);
void quic_offload_exit(void);
struct quic_offload_dev *quic_offload_dev_get(const struct net_device *dev);
void quic_offload_dev_put(struct quic_offload_dev *odev);
u32 quic_offload_epoch(void);
void quic_offload_changed(void);
int quic_offload_bind_add(struct quic_offload_bind *b);
int quic_offload_bind_rotate(struct quic_offload_bind *b, u32 generation,
			     const struct quic_offload_phase *phase);
void quic_offload_bind_del(struct quic_offload_bind *b);
void quic_offload_reset_later(struct quic_offload_dev *odev);
int quic_offload_show(struct seq_file *seq, void *v);

/* May others look at what passes a device, in a place where a device that seals has
 * not sealed yet, or one that opens has opened?  tc, BPF and netfilter programs at
 * its way out and in, generic XDP, and whoever takes what it receives (bridge, bond,
 * macvlan).  They may copy it and send it elsewhere; tc's mirred sends a copy even if
 * it redirects, and copies have no socket.
 */
static inline bool quic_offload_watched(const struct net_device *dev,
					enum quic_offload_dir dir)
{
	bool tx = dir == QUIC_OFFLOAD_TX;

	if (!tx && (rcu_access_pointer(dev->xdp_prog) ||
		    rcu_access_pointer(dev->rx_handler)))
		return true;
#ifdef CONFIG_NET_XGRESS
	if (tx ? !!rcu_access_pointer(dev->tcx_egress) :
		 !!rcu_access_pointer(dev->tcx_ingress))
		return true;
#endif
#ifdef CONFIG_NETFILTER_EGRESS
	if (tx && rcu_access_pointer(dev->nf_hooks_egress))
		return true;
#endif
#ifdef CONFIG_NETFILTER_INGRESS
	if (!tx && rcu_access_pointer(dev->nf_hooks_ingress))
		return true;
#endif
	return false;
}

/* From now on the skb has plaintext, or has none any more.  The type says so, too: IP
 * copies it to fragments, which the bit is lost for, and what has this one is not
 * forwarded, and quoted by no ICMP.
 */
static inline void quic_offload_set_plain(struct sk_buff *skb, bool plain)
{
	quic_skb_set_decrypted(skb, plain);
	skb->pkt_type = plain ? PACKET_KERNEL : PACKET_HOST;
}

/* Does the device have the key of this generation?  RCU read section. */
static inline bool quic_offload_bind_has(const struct quic_offload_bind *b,
					 const struct net_device *dev,
					 u32 generation)
{
	return b && !READ_ONCE(b->dead) && READ_ONCE(b->odev->dev) == dev &&
	       b->key.phase[generation & 1].valid &&
	       READ_ONCE(b->generation[generation & 1]) == generation;
}

/* crypto/offload_skb.c */
bool quic_offload_mark_fits(const struct quic_offload_mark *m, const u8 *hdr);
bool quic_offload_parse(const struct sk_buff *skb, struct quic_offload_tx *tx,
			u32 *generation);

/* crypto/offload_fallback.c */
int quic_offload_fallback_init(void);
void quic_offload_fallback_exit(void);
struct sk_buff *quic_offload_validate(struct sock *sk, struct net_device *dev,
				      struct sk_buff *skb);

#endif
