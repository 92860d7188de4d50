// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: which devices seal and open packets, and the keys they have.
 * Called from: drivers (include/net/quic.h), conn/offload's worker, the
 * notifier of devices; the helpers for packets also in softirq.
 * Context: process, but for quic_offload_tx_train() and quic_offload_opened().
 *
 * All calls into a driver are made under the lock of its device.  A key ends
 * in three steps: connections and the validation of packets see it no more, a
 * grace period passes, the driver is told.
 */
#include <linux/etherdevice.h>
#include <linux/if_vlan.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/jiffies.h>
#include <linux/netdevice.h>
#include <linux/seq_file_net.h>
#include <linux/slab.h>
#include <linux/udp.h>
#include <net/ip.h>
#include <net/sock.h>
#include "../compat.h"
#include "offload.h"

/* A key was deleted where others found no room: once in that time all
 * connections try again.
 */
#define QUIC_OFFLOAD_RETRY	HZ

DEFINE_STATIC_KEY_FALSE(quic_offload_devices);

static LIST_HEAD(devices);
static DEFINE_MUTEX(devices_lock);
static u32 epoch;		/* anything a connection goes by has changed */
static unsigned long retried;	/* jiffies */
static struct workqueue_struct *wq;	/* where keys end */

u32 quic_offload_epoch(void)
{
	return READ_ONCE(epoch);
}

/* Connections look again when they next send. */
void quic_offload_changed(void)
{
	mutex_lock(&devices_lock);
	WRITE_ONCE(epoch, epoch + 1);
	mutex_unlock(&devices_lock);
}

/* ---- devices --------------------------------------------------------------- */

struct quic_offload_dev *quic_offload_dev_get(const struct net_device *dev)
{
	struct quic_offload_dev *odev;

	rcu_read_lock();
	list_for_each_entry_rcu(odev, &devices, list)
		if (READ_ONCE(odev->dev) == dev && netif_running(dev) &&
		    refcount_inc_not_zero(&odev->ref))
			goto out;
	odev = NULL;
out:
	rcu_read_unlock();
	return odev;
}

void quic_offload_dev_put(struct quic_offload_dev *odev)
{
	if (odev && refcount_dec_and_test(&odev->ref))
		kfree_rcu(odev, rcu);
}

/* It has no keys any more, and connections know it before the driver does. */
static void drop_keys(struct quic_offload_dev *odev)
{
	struct quic_offload_bind *b, *n;

	lockdep_assert_held(&odev->lock);
	if (list_empty(&odev->keys))
		return;
	list_for_each_entry(b, &odev->keys, link)
		WRITE_ONCE(b->dead, true);
	synchronize_net();
	list_for_each_entry_safe(b, n, &odev->keys, link) {
		odev->ops->key_del(odev->dev, &b->key);
		list_del_init(&b->link);
	}
	odev->n_keys[0] = 0;
	odev->n_keys[1] = 0;
}

static struct quic_offload_dev *find(const struct net_device *dev)
{
	struct quic_offload_dev *odev;

	list_for_each_entry(odev, &devices, list)
		if (odev->dev == dev)
			return odev;
	return NULL;
}

/**
 * quic_offload_register() - a device seals or opens packets from now on
 * @dev:	the device.  To seal it has to compute UDP checksums, too
 *		(NETIF_F_HW_CSUM, or one of each family).
 * @ops:	the driver's functions; must outlive the registration
 * @caps:	what it can do; copied
 *
 * Connections whose route leads through @dev begin to use it by themselves.
 * Context: process; with or without RTNL.
 * Return: 0, -EINVAL, -EEXIST, -ENOMEM, or -EOPNOTSUPP if the kernel does not
 * validate what sockets send (CONFIG_SOCK_VALIDATE_XMIT).
 */
int quic_offload_register(struct net_device *dev,
			  const struct quic_offload_ops *ops,
			  const struct quic_offload_caps *caps)
{
	struct quic_offload_dev *odev;

	if (!QUIC_VALIDATES_XMIT)
		return -EOPNOTSUPP;
	if (!ops->key_add || !ops->key_rotate || !ops->key_del ||
	    (!caps->tx_ciphers && !caps->rx_ciphers) ||
	    (caps->tx_ciphers && (!caps->tx_segs ||
				  !(dev->features & NETIF_F_CSUM_MASK))))
		return -EINVAL;
	odev = kzalloc(sizeof(*odev), GFP_KERNEL);
	if (!odev)
		return -ENOMEM;
	odev->dev = dev;
	odev->ops = ops;
	odev->caps = *caps;
	mutex_init(&odev->lock);
	INIT_LIST_HEAD(&odev->keys);
	refcount_set(&odev->ref, 1);
	mutex_lock(&devices_lock);
	if (find(dev)) {
		mutex_unlock(&devices_lock);
		kfree(odev);
		return -EEXIST;
	}
	list_add_rcu(&odev->list, &devices);
	mutex_unlock(&devices_lock);
	static_branch_inc(&quic_offload_devices);
	quic_offload_changed();
	return 0;
}
EXPORT_SYMBOL_GPL(quic_offload_register);

/**
 * quic_offload_unregister() - a device does not any more
 * @dev:	the device; nothing happens if it is not registered
 *
 * Every key is deleted before this returns; connections go on by the CPU.  A
 * packet that is in the device's qdisc may still come in plaintext:
 * quic_offload_tx() tells, and it has to be dropped.  A device that is
 * unregistered as such loses its registration by itself.
 * Context: process; with or without RTNL.
 */
void quic_offload_unregister(struct net_device *dev)
{
	struct quic_offload_dev *odev;

	mutex_lock(&devices_lock);
	odev = find(dev);
	if (odev)
		list_del_rcu(&odev->list);
	mutex_unlock(&devices_lock);
	if (!odev)
		return;
	mutex_lock(&odev->lock);
	drop_keys(odev);
	WRITE_ONCE(odev->dev, NULL);
	mutex_unlock(&odev->lock);
	static_branch_dec(&quic_offload_devices);
	quic_offload_changed();
	quic_offload_dev_put(odev);
}
EXPORT_SYMBOL_GPL(quic_offload_unregister);

/**
 * quic_offload_reset() - a device has lost its keys
 * @dev:	the device; registered
 *
 * The driver gets a key_del for each, and connections add theirs again when
 * they next send.  Packets that came in plaintext meanwhile are dropped, which
 * they get over as over any loss.
 * Context: process; with or without RTNL.
 */
void quic_offload_reset(struct net_device *dev)
{
	struct quic_offload_dev *odev;

	mutex_lock(&devices_lock);
	odev = find(dev);
	if (odev)
		refcount_inc(&odev->ref);
	mutex_unlock(&devices_lock);
	if (!odev)
		return;
	mutex_lock(&odev->lock);
	drop_keys(odev);
	odev->full = false;
	mutex_unlock(&odev->lock);
	quic_offload_changed();
	quic_offload_dev_put(odev);
}
EXPORT_SYMBOL_GPL(quic_offload_reset);

static int on_netdev(struct notifier_block *nb, unsigned long event, void *ptr)
{
	struct net_device *dev = netdev_notifier_info_to_dev(ptr);

	/* Or else it moves to another namespace. */
	if (event == NETDEV_UNREGISTER &&
	    dev->reg_state == NETREG_UNREGISTERING)
		quic_offload_unregister(dev);
	else if (event == NETDEV_DOWN)
		quic_offload_reset(dev);
	else if (event == NETDEV_UP && quic_offload_possible())
		quic_offload_changed();
	return NOTIFY_DONE;
}

static struct notifier_block notifier = { .notifier_call = on_netdev };

/* ---- keys ------------------------------------------------------------------ */

/* Give it to the device.  0 or -errno. */
int quic_offload_bind_add(struct quic_offload_bind *b)
{
	struct quic_offload_dev *odev = b->odev;
	int err = -ENODEV;

	mutex_lock(&odev->lock);
	if (odev->dev && netif_running(odev->dev))
		err = odev->ops->key_add(odev->dev, &b->key);
	if (!err) {
		list_add_tail(&b->link, &odev->keys);
		odev->n_keys[b->key.dir]++;
	} else {
		odev->full = true;
		odev->failed++;
	}
	mutex_unlock(&odev->lock);
	return err;
}

/* A key of another phase.  0, or -errno: the whole has to go. */
int quic_offload_bind_rotate(struct quic_offload_bind *b, u32 generation,
			     const struct quic_offload_phase *phase)
{
	struct quic_offload_dev *odev = b->odev;
	u8 i = generation & 1;
	int err = -ENODEV;

	mutex_lock(&odev->lock);
	if (odev->dev && !b->dead) {
		b->key.phase[i] = *phase;
		b->key.newest = i;
		err = odev->ops->key_rotate(odev->dev, &b->key);
	}
	if (!err)
		WRITE_ONCE(b->generation[i], generation);
	mutex_unlock(&odev->lock);
	return err;
}

/* Others may find room now. */
static bool made_room(struct quic_offload_dev *odev)
{
	if (!odev->full || time_before(jiffies, READ_ONCE(retried) +
				       QUIC_OFFLOAD_RETRY))
		return false;
	WRITE_ONCE(retried, jiffies);
	odev->full = false;
	return true;
}

static void end(struct work_struct *work)
{
	struct quic_offload_bind *b =
		container_of(to_rcu_work(work), struct quic_offload_bind, work);
	struct quic_offload_dev *odev = b->odev;
	bool room = false;

	mutex_lock(&odev->lock);
	if (!list_empty(&b->link)) {
		odev->ops->key_del(odev->dev, &b->key);
		list_del(&b->link);
		odev->n_keys[b->key.dir]--;
		room = made_room(odev);
	}
	mutex_unlock(&odev->lock);
	if (room)
		quic_offload_changed();
	quic_offload_dev_put(odev);
	kfree_sensitive(b);
}

/* Nobody can find it any more; any context. */
void quic_offload_bind_del(struct quic_offload_bind *b)
{
	INIT_RCU_WORK(&b->work, end);
	queue_rcu_work(wq, &b->work);
}

/* ---- packets --------------------------------------------------------------- */

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

/* What the first packet's mark says about a train in plaintext, all but the
 * key.  False if it is none any more, because somebody has rewritten it.
 */
bool quic_offload_parse(const struct sk_buff *skb, struct quic_offload_tx *tx,
			u32 *generation)
{
	const struct skb_shared_info *si = skb_shinfo(skb);
	struct quic_offload_mark m;
	struct udphdr udp;
	u32 len, first;
	u8 byte;
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
	    skb_copy_bits(skb, tx->off + first - sizeof(m), &m, sizeof(m)) ||
	    skb_copy_bits(skb, tx->off, &byte, 1))
		return false;
	if (m.magic != QUIC_OFFLOAD_MAGIC || m.pn_off >= m.hdr_len ||
	    m.hdr_len + sizeof(m) > first || byte & QUIC_HDR_LONG ||
	    !(byte & QUIC_HDR_KEY_PHASE) != !(m.generation & 1))
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
	 * around what was opened here.
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

/**
 * quic_offload_opened() - a device has opened a received packet
 * @skb:	it is in here, alone or with others: those that are not told of are
 *		opened by the CPU
 * @key:	the key that opened it
 * @off:	where the packet begins, from skb->data: after the UDP header
 * @len:	its bytes, tag included
 *
 * The packet's header protection is removed, its text decrypted, its tag
 * verified, and its UDP checksum, which ciphertext entered, also
 * (CHECKSUM_UNNECESSARY).  Whatever did not verify is passed on as it came,
 * without this call.  So is what an XDP program will see.
 *
 * Where the tag was, the stack finds who opened the packet.  The skb can be
 * received only: to send it, through a bridge for one, would send plaintext,
 * and the kernel drops it.
 * Context: any, while key_del cannot return: softirq.
 * Return: 0 or -errno; then the skb has to be dropped.
 */
int quic_offload_opened(struct sk_buff *skb, const struct quic_offload_key *key,
			u32 off, u32 len)
{
	if (len <= QUIC_OFFLOAD_TAG)
		return -EINVAL;
	if (!skb_is_decrypted(skb)) {
		/* GRO does not look at the mark but at the hash: what is opened
		 * and what is not never become one skb.
		 */
		skb_set_hash(skb, ~skb_get_hash_raw(skb), PKT_HASH_TYPE_L4);
		quic_skb_set_plain(skb, true);
	}
	return skb_store_bits(skb, off + len - QUIC_OFFLOAD_TAG, key->token,
			      QUIC_OFFLOAD_TAG);
}
EXPORT_SYMBOL_GPL(quic_offload_opened);

/* ---- what an operator sees -------------------------------------------------- */

static void show_ciphers(struct seq_file *seq, u8 ciphers)
{
	const struct quic_suite *suite;
	const char *between = "";
	u32 i;

	for (i = 0; i < BITS_PER_BYTE; i++) {
		suite = quic_suite_get(TLS_CIPHER_AES_GCM_128 + i);
		if (!(ciphers & BIT(i)) || !suite)
			continue;
		seq_printf(seq, "%s%s", between, suite->name);
		between = ",";
	}
	seq_puts(seq, *between ? " " : "- ");
}

static void show(struct seq_file *seq, struct quic_offload_dev *odev)
{
	struct quic_offload_stats s = {};

	mutex_lock(&odev->lock);
	if (odev->dev) {
		if (odev->ops->get_stats)
			odev->ops->get_stats(odev->dev, &s);
		seq_printf(seq, "%s ", odev->dev->name);
		show_ciphers(seq, odev->caps.tx_ciphers);
		show_ciphers(seq, odev->caps.rx_ciphers);
		seq_printf(seq, "%u %u %u %u %llu %llu %llu %llu %llu %llu\n",
			   odev->caps.tx_segs, odev->n_keys[1], odev->n_keys[0], odev->failed,
			   s.tx_packets, s.tx_bytes, s.tx_dropped,
			   s.rx_packets, s.rx_bytes, s.rx_failed);
	}
	mutex_unlock(&odev->lock);
}

/* /proc/net/quic/offload: the devices of the namespace. */
int quic_offload_show(struct seq_file *seq, void *v)
{
	struct quic_offload_dev *odev;

	seq_puts(seq, "DEVICE TX_CIPHERS RX_CIPHERS TX_SEGS TX_KEYS RX_KEYS KEYS_REFUSED TX_PACKETS TX_BYTES TX_DROPPED RX_PACKETS RX_BYTES RX_FAILED\n");
	mutex_lock(&devices_lock);
	list_for_each_entry(odev, &devices, list)
		if (net_eq(dev_net(odev->dev), seq_file_single_net(seq)))
			show(seq, odev);
	mutex_unlock(&devices_lock);
	return 0;
}

/* ---- life ------------------------------------------------------------------- */

int quic_offload_init(void)
{
	int err;

	err = quic_offload_fallback_init();
	if (err)
		return err;
	err = -ENOMEM;
	wq = alloc_workqueue("quic_offload", WQ_UNBOUND, 0);
	if (!wq)
		goto err_fallback;
	err = register_netdevice_notifier(&notifier);
	if (!err)
		return 0;
	destroy_workqueue(wq);
err_fallback:
	quic_offload_fallback_exit();
	return err;
}

/* No driver is registered: it holds the module.  No connection is left, but the
 * keys of the last ones.
 */
void quic_offload_exit(void)
{
	unregister_netdevice_notifier(&notifier);
	rcu_barrier();
	destroy_workqueue(wq);
	quic_offload_fallback_exit();
}
