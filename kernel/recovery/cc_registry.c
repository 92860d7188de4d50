// SPDX-License-Identifier: GPL-2.0
/*
 * The registry of congestion control algorithms, native ones and BPF programs.
 *
 * Owns:	the list; what is known of each (struct quic_cc_algo).
 * Called from:	module load, bpf/ops_cc.c (changes); conn/, sock/, sysctl
 *		(look-ups).
 * Context:	changes: process, may sleep; look-ups: any; pure.
 * Locks:	cc_list_lock (writers of the list), RCU (readers).
 * RFC:		none.
 *
 * A program can be removed at any moment, and its struct is freed soon after.
 * So nobody keeps a pointer to it but the registry: connections refer to the
 * struct quic_cc_algo, which outlives it, and look at @gone before each call,
 * in the RCU read section of the call.  Removal is to set @gone and to wait
 * for a grace period, however many connections there are; each notices at its
 * next event and moves on.
 */
#include <linux/err.h>
#include <linux/minmax.h>
#include <linux/rculist.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>

#include "cc.h"

static LIST_HEAD(cc_list);
static DEFINE_SPINLOCK(cc_list_lock);	/* writers of cc_list */

void (*quic_cc_on_exit)(struct quic_cc *cc, const struct quic_cc_exit *exit);

/* Caller holds the RCU read lock or cc_list_lock. */
static struct quic_cc_algo *find(const char *name)
{
	struct quic_cc_algo *algo;

	list_for_each_entry_rcu(algo, &cc_list, list,
				lockdep_is_held(&cc_list_lock)) {
		if (!strncmp(algo->name, name, QUIC_CC_NAME_MAX))
			return algo;
	}
	return NULL;
}

/* Under cc_list_lock. */
static struct quic_cc_algo *find_ops(const struct quic_congestion_ops *ops)
{
	struct quic_cc_algo *algo;

	list_for_each_entry(algo, &cc_list, list) {
		if (algo->ops == ops)
			return algo;
	}
	return NULL;
}

bool quic_cc_good_name(const char *name)
{
	size_t i, len = strnlen(name, QUIC_CC_NAME_MAX);

	for (i = 0; i < len; i++) {
		if (!(name[i] >= 'a' && name[i] <= 'z') &&
		    !(name[i] >= 'A' && name[i] <= 'Z') &&
		    !(name[i] >= '0' && name[i] <= '9') &&
		    !strchr("_-.", name[i]))
			return false;
	}
	return len && len < QUIC_CC_NAME_MAX;
}

struct quic_cc_algo *quic_cc_algo_new(const struct quic_congestion_ops *ops,
				      bool bpf)
{
	struct quic_cc_algo *algo = kzalloc(sizeof(*algo), GFP_KERNEL);

	if (!algo)
		return NULL;
	INIT_LIST_HEAD(&algo->list);
	algo->ops = ops;
	algo->bpf = bpf;
	memcpy(algo->name, ops->name, sizeof(algo->name));
	refcount_set(&algo->ref, 1);
	return algo;
}

int quic_cc_register(const struct quic_congestion_ops *ops, bool bpf)
{
	struct quic_cc_algo *algo;
	int err = 0;

	if (!quic_cc_good_name(ops->name))
		return -EINVAL;
	algo = quic_cc_algo_new(ops, bpf);
	if (!algo)
		return -ENOMEM;
	spin_lock(&cc_list_lock);
	if (find(ops->name))
		err = -EEXIST;
	else
		list_add_tail_rcu(&algo->list, &cc_list);
	spin_unlock(&cc_list_lock);
	if (err)
		quic_cc_put(algo);
	return err;
}

void quic_cc_unregister(const struct quic_congestion_ops *ops)
{
	struct quic_cc_algo *algo;

	spin_lock(&cc_list_lock);
	algo = find_ops(ops);
	if (algo) {
		list_del_rcu(&algo->list);
		WRITE_ONCE(algo->gone, true);
	}
	spin_unlock(&cc_list_lock);
	if (!algo)
		return;
	/* Nobody is inside one of its functions any more, nor will be. */
	synchronize_rcu();
	quic_cc_put(algo);
}

int quic_cc_update(const struct quic_congestion_ops *ops,
		   const struct quic_congestion_ops *old)
{
	struct quic_cc_algo *algo, *was;

	if (strncmp(ops->name, old->name, QUIC_CC_NAME_MAX))
		return -EINVAL;
	algo = quic_cc_algo_new(ops, true);
	if (!algo)
		return -ENOMEM;
	spin_lock(&cc_list_lock);
	was = find_ops(old);
	if (was) {
		refcount_inc(&algo->ref);
		was->next = algo;
		list_replace_rcu(&was->list, &algo->list);
		/* Pairs with quic_cc_gone(): who sees it sees @next. */
		smp_store_release(&was->gone, true);
	}
	spin_unlock(&cc_list_lock);
	if (!was) {
		quic_cc_put(algo);
		return -ENOENT;
	}
	synchronize_rcu();
	quic_cc_put(was);
	return 0;
}

struct quic_cc_algo *quic_cc_hold_if_used(struct quic_cc_algo *algo)
{
	return refcount_inc_not_zero(&algo->ref) ? algo : NULL;
}

struct quic_cc_algo *quic_cc_get(const char *name)
{
	struct quic_cc_algo *algo;

	if (!name || !name[0])
		name = quic_cc_cubic.name;
	rcu_read_lock();
	algo = find(name);
	if (algo)
		algo = quic_cc_hold_if_used(algo);
	rcu_read_unlock();
	return algo;
}

struct quic_cc_algo *quic_cc_hold(struct quic_cc_algo *algo)
{
	refcount_inc(&algo->ref);
	return algo;
}

void quic_cc_put(struct quic_cc_algo *algo)
{
	struct quic_cc_algo *next;

	/* The last user of one that was updated lets go of its successor. */
	while (algo && refcount_dec_and_test(&algo->ref)) {
		next = algo->next;
		kfree_rcu(algo, rcu);
		algo = next;
	}
}

struct quic_cc_algo *quic_cc_latest(struct quic_cc_algo *algo)
{
	struct quic_cc_algo *next;

	while (quic_cc_gone(algo)) {
		next = algo->next ? quic_cc_hold(algo->next) :
				    quic_cc_get(NULL);
		quic_cc_put(algo);
		algo = next;
	}
	return algo;
}

const struct list_head *quic_cc_algos(void)
{
	return &cc_list;
}

void quic_cc_registry_exit(void)
{
	quic_cc_unregister(&quic_cc_reno);
	quic_cc_unregister(&quic_cc_cubic);
}

int quic_cc_registry_init(void (*on_exit)(struct quic_cc *cc,
					  const struct quic_cc_exit *exit))
{
	int err;

	quic_cc_on_exit = on_exit;
	err = quic_cc_register(&quic_cc_cubic, false);
	if (!err)
		err = quic_cc_register(&quic_cc_reno, false);
	if (err)
		quic_cc_registry_exit();
	return err;
}
