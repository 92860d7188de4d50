// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: which devices seal and open packets, and the keys they have.
 * Called from: drivers (include/net/quic.h), conn/offload_keys' worker, the
 * notifier of devices.
 * Context: process.
 *
 * All calls into a driver are made under the lock of its device.  A key ends
 * in three steps: connections and the validation of packets see it no more, a
 * grace period passes, the driver is told.
 */
#include <linux/jiffies.h>
#include <linux/netdevice.h>
#include <linux/seq_file_net.h>
#include <linux/slab.h>
#include <net/sock.h>
#include "../compat.h"
#include "offload.h"

/* A key was deleted where others found no room: after that time all connections
 * try again.
 */
#define QUIC_OFFLOAD_RETRY	HZ

DEFINE_STATIC_KEY_FALSE(quic_offload_devices);

static LIST_HEAD(devices);
static DEFINE_MUTEX(devices_lock);
static u32 epoch;		/* anything a connection goes by has changed */
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

static void lose_keys(struct quic_offload_dev *odev)
{
	mutex_lock(&odev->lock);
	drop_keys(odev);
	odev->full = false;
	mutex_unlock(&odev->lock);
	quic_offload_changed();
}

static void reset_fn(struct work_struct *work)
{
	struct quic_offload_dev *odev =
		container_of(work, struct quic_offload_dev, reset);

	lose_keys(odev);
	quic_offload_dev_put(odev);
}

/* As quic_offload_reset(), from a softirq. */
void quic_offload_reset_later(struct quic_offload_dev *odev)
{
	if (!refcount_inc_not_zero(&odev->ref))
		return;
	if (!queue_work(wq, &odev->reset))
		quic_offload_dev_put(odev);
}

/* See <net/quic.h>. */
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
	INIT_WORK(&odev->reset, reset_fn);
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

/* See <net/quic.h>. */
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

/* See <net/quic.h>. */
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
	lose_keys(odev);
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

static void retry_fn(struct work_struct *work)
{
	quic_offload_changed();
}

static DECLARE_DELAYED_WORK(retry, retry_fn);

/* Others may find room now.  If they are told already, it is not too late. */
static void made_room(struct quic_offload_dev *odev)
{
	if (!odev->full)
		return;
	odev->full = false;
	queue_delayed_work(wq, &retry, QUIC_OFFLOAD_RETRY);
}

static void end(struct work_struct *work)
{
	struct quic_offload_bind *b =
		container_of(to_rcu_work(work), struct quic_offload_bind, work);
	struct quic_offload_dev *odev = b->odev;

	mutex_lock(&odev->lock);
	if (!list_empty(&b->link)) {
		odev->ops->key_del(odev->dev, &b->key);
		list_del(&b->link);
		odev->n_keys[b->key.dir]--;
		made_room(odev);
	}
	mutex_unlock(&odev->lock);
	quic_offload_dev_put(odev);
	kfree_sensitive(b);
}

/* Nobody can find it any more; any context. */
void quic_offload_bind_del(struct quic_offload_bind *b)
{
	INIT_RCU_WORK(&b->work, end);
	queue_rcu_work(wq, &b->work);
}

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
	flush_workqueue(wq);
	cancel_delayed_work_sync(&retry);
	destroy_workqueue(wq);
	quic_offload_fallback_exit();
}
