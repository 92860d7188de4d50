// SPDX-License-Identifier: GPL-2.0
/*
 * quicsim - a pair of network devices, qs0 and qs1, with a wire between them,
 * that seal and open QUIC packets inline.
 *
 * It does in software what docs/offload.md wants a NIC to do, and shares no
 * code with quic.ko: what one seals the other must be able to open.  AES-GCM
 * only, so that connections with other ciphers are sealed by the CPU.
 *
 * What may fail, in /sys/module/quicsim/parameters.  Of packets that a device opens every
 * other one does, so that some get through:
 *
 *   room		keys that a device has room for; 0: no limit
 *   fail_add, fail_rotate	the device takes no key, no second key
 *   bad_tags		so many packets fail to open, though nothing is wrong
 *   wrong_marks	so many packets are said to be opened with a wrong token: another
 *			connection's, if the device knows one
 *   wrong_numbers	so many are said to be opened with a number that looks the same
 *   wrong_phases	so many packets have the other key phase once they are opened
 *   twice		so many packets are received twice
 *   reset, lose	write the number of a device: it loses its keys, or its place
 *			among the packet numbers that it opens
 *   offer		... it offers no offload any more, or again
 *   segs		packets that it seals of one skb, from when it offers
 *   unplug		write anything: both devices go
 *   plain		the wire carries plaintext where the other end has the
 *			key: a NIC whose work costs nothing, for measurements
 */
#include <crypto/aead.h>
#include <crypto/aes.h>
#include <crypto/skcipher.h>
#include <linux/etherdevice.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/module.h>
#include <linux/netdevice.h>
#include <linux/rculist.h>
#include <linux/rtnetlink.h>
#include <linux/scatterlist.h>
#include <linux/udp.h>
#include <linux/unaligned.h>
#include <net/gro_cells.h>
#include <net/quic.h>

#define TAG		QUIC_OFFLOAD_TAG
#define KEY_PHASE	0x04
#define LONG_HEADER	0x80

static unsigned int room, bad_tags, wrong_marks, wrong_numbers, wrong_phases, twice, segs = 64;
static bool fail_add, fail_rotate, plain;
module_param(room, uint, 0644);
MODULE_PARM_DESC(room, "keys that a device has room for; 0: no limit");
module_param(bad_tags, uint, 0644);
MODULE_PARM_DESC(bad_tags, "so many packets fail to open");
module_param(wrong_marks, uint, 0644);
MODULE_PARM_DESC(wrong_marks, "so many packets are said to be opened with a wrong token");
module_param(wrong_numbers, uint, 0644);
MODULE_PARM_DESC(wrong_numbers, "so many packets are said to be opened with another number");
module_param(wrong_phases, uint, 0644);
MODULE_PARM_DESC(wrong_phases, "so many opened packets are given the other key phase");
module_param(twice, uint, 0644);
MODULE_PARM_DESC(twice, "so many packets are received twice");
module_param(segs, uint, 0644);
MODULE_PARM_DESC(segs, "packets that a device seals of one skb");
module_param(fail_add, bool, 0644);
MODULE_PARM_DESC(fail_add, "no key is taken");
module_param(fail_rotate, bool, 0644);
MODULE_PARM_DESC(fail_rotate, "no second key is taken");
module_param(plain, bool, 0644);
MODULE_PARM_DESC(plain, "plaintext on the wire where the other end has the key");

/* A key as the device has it. */
struct sim_key {
	struct hlist_node node;		/* RX; RCU */
	struct rcu_head rcu;
	struct quic_offload_key *key;
	struct crypto_aead *aead[2];	/* by phase; NULL: none */
	u8 iv[2][12];
	struct crypto_sync_skcipher *hp;
	u64 pn;				/* RX: highest opened */
};

struct sim {
	struct net_device *peer;
	struct gro_cells gro;
	struct hlist_head keys;		/* RX; RCU, written in key_add, key_del */
	unsigned int n_keys;
	atomic_t turn;		/* of a fault, or of none */
	atomic64_t tx_packets, tx_bytes, tx_dropped;
	atomic64_t rx_packets, rx_bytes, rx_failed;
};

static struct net_device *devices[2];

/* ---- keys -------------------------------------------------------------------- */

static int load(struct sim_key *k, int i)
{
	const struct quic_offload_phase *p = &k->key->phase[i];
	struct crypto_aead *aead;
	int err;

	aead = crypto_alloc_aead("gcm(aes)", 0, CRYPTO_ALG_ASYNC);
	if (IS_ERR(aead))
		return PTR_ERR(aead);
	err = crypto_aead_setkey(aead, p->key, k->key->key_len) ?:
	      crypto_aead_setauthsize(aead, TAG);
	if (err) {
		crypto_free_aead(aead);
		return err;
	}
	memcpy(k->iv[i], p->iv, sizeof(k->iv[i]));
	smp_store_release(&k->aead[i], aead);
	return 0;
}

static void free_key(struct rcu_head *rcu)
{
	struct sim_key *k = container_of(rcu, struct sim_key, rcu);
	int i;

	for (i = 0; i < 2; i++)
		if (k->aead[i])
			crypto_free_aead(k->aead[i]);
	crypto_free_sync_skcipher(k->hp);
	kfree_sensitive(k);
}

static int sim_key_add(struct net_device *dev, struct quic_offload_key *key)
{
	struct sim *sim = netdev_priv(dev);
	struct sim_key *k;
	int err;

	if (fail_add)
		return -EIO;
	if (room && sim->n_keys >= room)
		return -ENOSPC;
	/* As it was promised: else it would stand for the ID of each packet. */
	if (WARN_ON_ONCE(key->dir == QUIC_OFFLOAD_RX &&
			 (key->cid_len < 8 || key->cid_len > sizeof(key->cid))))
		return -EINVAL;
	k = kzalloc(sizeof(*k), GFP_KERNEL);
	if (!k)
		return -ENOMEM;
	k->key = key;
	k->hp = crypto_alloc_sync_skcipher("ecb(aes)", 0, 0);
	if (IS_ERR(k->hp)) {
		err = PTR_ERR(k->hp);
		kfree(k);
		return err;
	}
	err = crypto_sync_skcipher_setkey(k->hp, key->hp, key->key_len) ?:
	      load(k, key->newest);
	if (err) {
		free_key(&k->rcu);
		return err;
	}
	k->pn = key->pn;
	key->priv = k;
	sim->n_keys++;
	if (key->dir == QUIC_OFFLOAD_RX)
		hlist_add_head_rcu(&k->node, &sim->keys);
	return 0;
}

static int sim_key_rotate(struct net_device *dev, struct quic_offload_key *key)
{
	struct sim_key *k = key->priv;
	struct crypto_aead *old;
	int i = key->newest;

	if (fail_rotate)
		return -EIO;
	old = k->aead[i];
	if (old) {
		/* Between two keys of a phase there is none. */
		WRITE_ONCE(k->aead[i], NULL);
		synchronize_net();
		crypto_free_aead(old);
	}
	return load(k, i);
}

static void sim_key_del(struct net_device *dev, struct quic_offload_key *key)
{
	struct sim *sim = netdev_priv(dev);
	struct sim_key *k = key->priv;

	key->priv = NULL;
	sim->n_keys--;
	if (key->dir == QUIC_OFFLOAD_RX) {
		hlist_del_rcu(&k->node);
		synchronize_net();
	}
	call_rcu(&k->rcu, free_key);
}

static void sim_get_stats(struct net_device *dev, struct quic_offload_stats *s)
{
	struct sim *sim = netdev_priv(dev);

	s->tx_packets = atomic64_read(&sim->tx_packets);
	s->tx_bytes = atomic64_read(&sim->tx_bytes);
	s->tx_dropped = atomic64_read(&sim->tx_dropped);
	s->rx_packets = atomic64_read(&sim->rx_packets);
	s->rx_bytes = atomic64_read(&sim->rx_bytes);
	s->rx_failed = atomic64_read(&sim->rx_failed);
}

static const struct quic_offload_ops sim_offload_ops = {
	.key_add = sim_key_add,
	.key_rotate = sim_key_rotate,
	.key_del = sim_key_del,
	.get_stats = sim_get_stats,
};

static int offer(struct net_device *dev)
{
	const struct quic_offload_caps caps = {
		.tx_ciphers = QUIC_OFFLOAD_CIPHER(TLS_CIPHER_AES_GCM_128) |
			      QUIC_OFFLOAD_CIPHER(TLS_CIPHER_AES_GCM_256),
		.rx_ciphers = QUIC_OFFLOAD_CIPHER(TLS_CIPHER_AES_GCM_128) |
			      QUIC_OFFLOAD_CIPHER(TLS_CIPHER_AES_GCM_256),
		.tx_segs = segs,
	};

	return quic_offload_register(dev, &sim_offload_ops, &caps);
}

/* ---- packet protection, RFC 9001 sections 5.3 and 5.4 ------------------------- */

static int crypt(struct sim_key *k, int phase, u8 *p, u32 hdr_len, u32 len,
		 u64 pn, bool seal)
{
	struct crypto_aead *aead = smp_load_acquire(&k->aead[phase]);
	struct aead_request *req;
	struct scatterlist sg;
	u8 nonce[12];
	int err;

	if (!aead)
		return -ENOKEY;
	req = aead_request_alloc(aead, GFP_ATOMIC);
	if (!req)
		return -ENOMEM;
	memcpy(nonce, k->iv[phase], sizeof(nonce));
	put_unaligned_be64(get_unaligned_be64(nonce + 4) ^ pn, nonce + 4);
	sg_init_one(&sg, p, len);
	aead_request_set_callback(req, 0, NULL, NULL);
	aead_request_set_ad(req, hdr_len);
	aead_request_set_crypt(req, &sg, &sg, len - hdr_len - (seal ? TAG : 0),
			       nonce);
	err = seal ? crypto_aead_encrypt(req) : crypto_aead_decrypt(req);
	aead_request_free(req);
	return err;
}

/* The mask is applied and removed in the same way, but for what tells the
 * length of the number.
 */
static void mask(struct sim_key *k, u8 *p, u32 pn_off, bool seal)
{
	SYNC_SKCIPHER_REQUEST_ON_STACK(req, k->hp);
	struct scatterlist sg;
	u8 m[64] __aligned(64), len, i;

	memcpy(m, p + pn_off + 4, AES_BLOCK_SIZE);
	sg_init_one(&sg, m, AES_BLOCK_SIZE);
	skcipher_request_set_sync_tfm(req, k->hp);
	skcipher_request_set_callback(req, 0, NULL, NULL);
	skcipher_request_set_crypt(req, &sg, &sg, AES_BLOCK_SIZE, NULL);
	crypto_skcipher_encrypt(req);
	len = 1 + (p[0] & 3);
	p[0] ^= m[0] & 0x1f;
	if (!seal)
		len = 1 + (p[0] & 3);
	for (i = 0; i < len; i++)
		p[pn_off + i] ^= m[1 + i];
}

/* RFC 9000 section A.3 */
static u64 decode(u64 largest, u64 pn, u32 len)
{
	u64 expected = largest + 1, win = 1ULL << (8 * len), half = win / 2;

	pn |= expected & ~(win - 1);
	if (pn + half <= expected)
		return pn + win;
	if (pn > expected + half && pn >= win)
		return pn - win;
	return pn;
}

/* ---- sending -------------------------------------------------------------------- */

static int seal(struct sk_buff *skb, const struct quic_offload_tx *tx)
{
	struct sim_key *k = tx->key->priv;
	u32 off = tx->off, len, i;
	int err;

	if (skb_linearize(skb))
		return -ENOMEM;
	for (i = 0; i < tx->segs; i++, off += len) {
		len = min_t(u32, tx->size, skb->len - off);
		err = crypt(k, tx->phase, skb->data + off, tx->hdr_len, len,
			    tx->pn + i, true);
		if (err)
			return err;
		mask(k, skb->data + off, tx->pn_off, true);
	}
	return 0;
}

static struct sim_key *find(struct sim *sim, __be16 dport, const u8 *p)
{
	struct sim_key *k;

	hlist_for_each_entry_rcu(k, &sim->keys, node,
				 rcu_read_lock_bh_held())
		if (k->key->dport == dport &&
		    !memcmp(p + 1, k->key->cid, k->key->cid_len))
			return k;
	return NULL;
}

/* Can the other end get the plaintext, as if it had opened it?  It has the key. */
static const struct quic_offload_key *key_there(struct sim *to, const struct sk_buff *skb,
						const struct quic_offload_tx *tx)
{
	struct sim_key *k;
	__be16 dport;
	u8 start[21];

	if (skb_copy_bits(skb, tx->off - 6, &dport, 2) ||
	    skb_copy_bits(skb, tx->off, start, sizeof(start)))
		return NULL;
	k = find(to, dport, start);
	if (!k || !k->aead[tx->phase] ||
	    memcmp(k->key->phase[tx->phase].key,
		   tx->key->phase[tx->phase].key, tx->key->key_len))
		return NULL;
	return k->key;
}

static bool hand_over(struct sim *sim, struct sk_buff *skb, const struct quic_offload_key *key,
		      const struct quic_offload_tx *tx)
{
	u32 off = tx->off - ETH_HLEN, len, i;

	for (i = 0; i < tx->segs; i++, off += len) {
		len = min_t(u32, tx->size, skb->len - off);
		if (quic_offload_opened(skb, key, tx->pn + i, off, len))
			return false;
	}
	atomic64_add(tx->segs, &sim->rx_packets);
	atomic64_add(off - (tx->off - ETH_HLEN), &sim->rx_bytes);
	return true;
}

/* ---- receiving -------------------------------------------------------------------- */

/* Does one of so many faults happen now?  Two CPUs may ask at once. */
static bool due(unsigned int *left)
{
	unsigned int n = READ_ONCE(*left);

	do {
		if (!n)
			return false;
	} while (!try_cmpxchg(left, &n, n - 1));
	return true;
}

/* ... at every other packet: with nothing but faults all that is sent again would
 * meet them too, later and later, until the connection is given up.
 */
static bool due_in_turn(struct sim *sim, unsigned int *left)
{
	return READ_ONCE(*left) && atomic_inc_return(&sim->turn) & 1 && due(left);
}

/* The stack must not believe it. */
static void mark_wrongly(struct sim *sim, struct sk_buff *skb, const struct sim_key *k,
			 u32 off, u32 len)
{
	u8 token[TAG], *to = skb->data + off + len - TAG;
	const struct sim_key *other;

	memset(token, 0, sizeof(token));
	hlist_for_each_entry_rcu(other, &sim->keys, node, rcu_read_lock_bh_held())
		if (memcmp(other->key->token, to, TAG / 2))
			memcpy(token, other->key->token, TAG);
	memcpy(to, token, TAG);
}

/* One packet, in place; left as it is if it does not open.  Then 0, else 1, or -errno if
 * nobody may see it opened.
 */
static int open_one(struct sim *sim, struct sk_buff *skb, u32 off, u32 len,
		     __be16 dport)
{
	u8 *p = skb->data + off, *text;
	struct sim_key *k;
	u32 pn_off, hdr_len, n;
	int phase, err = 0;
	u64 pn;

	if (len < 1 + 20 + 4 + TAG || p[0] & LONG_HEADER)
		return 0;
	k = find(sim, dport, p);
	if (!k)
		return 0;
	text = kmemdup(p, len, GFP_ATOMIC);
	if (!text)
		return 0;
	pn_off = 1 + k->key->cid_len;
	mask(k, text, pn_off, false);
	n = 1 + (text[0] & 3);
	hdr_len = pn_off + n;
	phase = !!(text[0] & KEY_PHASE);
	pn = decode(k->pn, get_unaligned_be32(text + pn_off) >> (32 - 8 * n), n);
	if (!k->aead[phase])
		goto out;
	if (crypt(k, phase, text, hdr_len, len, pn, false) ||
	    due_in_turn(sim, &bad_tags)) {
		atomic64_inc(&sim->rx_failed);
		goto out;
	}
	if (due_in_turn(sim, &wrong_phases))
		text[0] ^= KEY_PHASE;
	memcpy(p, text, len);
	k->pn = max(k->pn, pn);
	if (due_in_turn(sim, &wrong_numbers))
		pn += 256;
	err = quic_offload_opened(skb, k->key, pn, off, len) ?: 1;
	if (err < 0)
		goto out;
	if (due_in_turn(sim, &wrong_marks)) {
		mark_wrongly(sim, skb, k, off, len);
		goto out;
	}
	atomic64_inc(&sim->rx_packets);
	atomic64_add(len, &sim->rx_bytes);
out:
	kfree_sensitive(text);
	return err;
}

static int open_all(struct sim *sim, struct sk_buff *skb)
{
	bool v4 = skb->protocol == htons(ETH_P_IP);
	u32 off = v4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
	u32 size = skb_shinfo(skb)->gso_size, len;
	bool any = false;
	__be16 dport;
	int opened;

	if (hlist_empty(&sim->keys) || (!v4 && skb->protocol != htons(ETH_P_IPV6)) ||
	    skb_linearize(skb) || skb->len < off + sizeof(struct udphdr))
		return 0;
	if ((v4 ? ((struct iphdr *)skb->data)->protocol :
		  ((struct ipv6hdr *)skb->data)->nexthdr) != IPPROTO_UDP)
		return 0;
	dport = ((struct udphdr *)(skb->data + off))->dest;
	for (off += sizeof(struct udphdr); off < skb->len; off += len) {
		len = skb->len - off;
		if (size)
			len = min(len, size);
		opened = open_one(sim, skb, off, len, dport);
		if (opened < 0)
			return opened;
		any |= opened;
	}
	if (any && !size)
		skb->ip_summed = CHECKSUM_UNNECESSARY;
	return 0;
}

static void deliver(struct sim *sim, struct sk_buff *skb)
{
	dev_sw_netstats_rx_add(skb->dev, skb->len);
	if (skb_is_gso(skb))
		netif_rx(skb);
	else
		gro_cells_receive(&sim->gro, skb);
}

/* What the other end has sent; with @key it has done our work, too. */
static void receive(struct net_device *dev, struct sk_buff *skb,
		    const struct quic_offload_key *key, const struct quic_offload_tx *tx)
{
	struct sim *sim = netdev_priv(dev);
	struct sk_buff *copy;

	skb->decrypted = 0;
	skb_orphan(skb);
	if (__dev_forward_skb(dev, skb) != NET_RX_SUCCESS)
		return;
	if (key ? !hand_over(sim, skb, key, tx) : open_all(sim, skb) < 0) {
		kfree_skb(skb);
		return;
	}
	if (skb->decrypted && due(&twice)) {
		copy = skb_copy(skb, GFP_ATOMIC);
		if (copy)
			deliver(sim, copy);
	}
	deliver(sim, skb);
}

static netdev_tx_t sim_xmit(struct sk_buff *skb, struct net_device *dev)
{
	struct sim *sim = netdev_priv(dev);
	const struct quic_offload_key *key = NULL;
	struct quic_offload_tx tx;
	int todo, err = 0;

	/* Not in memory that a tap can still see. */
	if (skb_is_decrypted(skb) && skb_cloned(skb)) {
		struct sk_buff *copy = skb_copy(skb, GFP_ATOMIC);

		if (copy && skb->sk)
			skb_set_owner_w(copy, skb->sk);
		consume_skb(skb);
		if (!copy)
			return NETDEV_TX_OK;
		skb = copy;
	}
	todo = quic_offload_tx(dev, skb, &tx);
	if (todo > 0) {
		if (plain)
			key = key_there(netdev_priv(sim->peer), skb, &tx);
		if (tx.segs > segs)
			err = -E2BIG;
		else if (!key)
			err = seal(skb, &tx);
	}
	if (todo < 0 || err) {
		atomic64_inc(&sim->tx_dropped);
		kfree_skb(skb);
		return NETDEV_TX_OK;
	}
	if (todo > 0) {
		atomic64_add(tx.segs, &sim->tx_packets);
		atomic64_add(skb->len - tx.off, &sim->tx_bytes);
	}
	/* The wire. */
	dev_sw_netstats_tx_add(dev, 1, skb->len);
	receive(sim->peer, skb, key, &tx);
	return NETDEV_TX_OK;
}

/* ---- the devices ---------------------------------------------------------------------- */

static int sim_init(struct net_device *dev)
{
	struct sim *sim = netdev_priv(dev);

	INIT_HLIST_HEAD(&sim->keys);
	return gro_cells_init(&sim->gro, dev);
}

static void sim_uninit(struct net_device *dev)
{
	struct sim *sim = netdev_priv(dev);

	gro_cells_destroy(&sim->gro);
}

static int sim_open(struct net_device *dev)
{
	struct sim *sim = netdev_priv(dev);

	if (sim->peer && sim->peer->flags & IFF_UP) {
		netif_carrier_on(dev);
		netif_carrier_on(sim->peer);
	}
	return 0;
}

static int sim_stop(struct net_device *dev)
{
	struct sim *sim = netdev_priv(dev);

	netif_carrier_off(dev);
	if (sim->peer)
		netif_carrier_off(sim->peer);
	return 0;
}

static const struct net_device_ops sim_ops = {
	.ndo_init = sim_init,
	.ndo_uninit = sim_uninit,
	.ndo_open = sim_open,
	.ndo_stop = sim_stop,
	.ndo_start_xmit = sim_xmit,
	.ndo_set_mac_address = eth_mac_addr,
	.ndo_validate_addr = eth_validate_addr,
};

static void setup(struct net_device *dev)
{
	ether_setup(dev);
	eth_hw_addr_random(dev);
	dev->netdev_ops = &sim_ops;
	dev->priv_flags |= IFF_NO_QUEUE | IFF_LIVE_ADDR_CHANGE;
	dev->lltx = true;
	dev->pcpu_stat_type = NETDEV_PCPU_STAT_TSTATS;
	dev->max_mtu = ETH_MAX_MTU;
	dev->hw_features = NETIF_F_SG | NETIF_F_FRAGLIST | NETIF_F_HW_CSUM |
			   NETIF_F_HIGHDMA | NETIF_F_GSO_SOFTWARE;
	dev->features = dev->hw_features;
	dev->needs_free_netdev = false;
}

/* Both ends of a pair go together; RTNL. */
static void unplug_locked(void)
{
	LIST_HEAD(list);
	int i;

	for (i = 0; i < 2; i++)
		if (devices[i] && devices[i]->reg_state == NETREG_REGISTERED)
			unregister_netdevice_queue(devices[i], &list);
	unregister_netdevice_many(&list);
}

static int number_of(const char *val)
{
	unsigned int n;

	return kstrtouint(val, 0, &n) || n > 1 || !devices[n] ? -EINVAL : n;
}

static int set_reset(const char *val, const struct kernel_param *kp)
{
	int n = number_of(val);

	if (n >= 0)
		quic_offload_reset(devices[n]);
	return min(n, 0);
}

static int set_lose(const char *val, const struct kernel_param *kp)
{
	int n = number_of(val);
	struct sim_key *k;
	struct sim *sim;

	if (n < 0)
		return n;
	sim = netdev_priv(devices[n]);
	rcu_read_lock();
	hlist_for_each_entry_rcu(k, &sim->keys, node)
		k->pn = 1ULL << 40;
	rcu_read_unlock();
	return 0;
}

static int set_unplug(const char *val, const struct kernel_param *kp)
{
	rtnl_lock();
	unplug_locked();
	rtnl_unlock();
	return 0;
}

/* One registration less, or one more. */
static int set_offer(const char *val, const struct kernel_param *kp)
{
	int n = number_of(val);

	if (n < 0)
		return n;
	if (offer(devices[n]))
		quic_offload_unregister(devices[n]);
	return 0;
}

static const struct kernel_param_ops reset_ops = { .set = set_reset };
static const struct kernel_param_ops unplug_ops = { .set = set_unplug };
static const struct kernel_param_ops offer_ops = { .set = set_offer };
module_param_cb(reset, &reset_ops, NULL, 0200);
MODULE_PARM_DESC(reset, "number of a device that loses its keys");
static const struct kernel_param_ops lose_ops = { .set = set_lose };
module_param_cb(lose, &lose_ops, NULL, 0200);
MODULE_PARM_DESC(lose, "number of a device that loses its place");
module_param_cb(unplug, &unplug_ops, NULL, 0200);
MODULE_PARM_DESC(unplug, "both devices go");
module_param_cb(offer, &offer_ops, NULL, 0200);
MODULE_PARM_DESC(offer, "number of a device that offers no offload any more, or again");

static void quicsim_exit(void)
{
	int i;

	rtnl_lock();
	unplug_locked();
	rtnl_unlock();
	for (i = 0; i < 2; i++)
		if (devices[i])
			free_netdev(devices[i]);
	/* Keys. */
	rcu_barrier();
}

static int __init quicsim_init(void)
{
	int i, err = 0;

	for (i = 0; i < 2 && !err; i++) {
		devices[i] = alloc_netdev(sizeof(struct sim), "qs%d",
					  NET_NAME_ENUM, setup);
		if (!devices[i])
			err = -ENOMEM;
	}
	for (i = 0; i < 2 && !err; i++) {
		((struct sim *)netdev_priv(devices[i]))->peer = devices[1 - i];
		err = register_netdev(devices[i]);
		netif_carrier_off(devices[i]);
	}
	for (i = 0; i < 2 && !err; i++)
		err = offer(devices[i]);
	if (err)
		quicsim_exit();
	return err;
}

static void __exit quicsim_cleanup(void)
{
	quicsim_exit();
}

module_init(quicsim_init);
module_exit(quicsim_cleanup);
MODULE_DESCRIPTION("Test: a pair of devices that seal and open QUIC packets");
MODULE_LICENSE("GPL");
