// SPDX-License-Identifier: GPL-2.0
/*
 * The registries of what programs can replace.
 *
 * Owns:	the list of each; what is known of a member (struct quic_entry).
 * Called from:	module load, bpf/ (changes); recovery/cc, conn/connid, sock/,
 *		sysctl (look-ups).
 * Context:	changes: process, may sleep; look-ups: any; pure.
 * Locks:	the registry's (writers of the list), RCU (readers).
 * RFC:		none.
 *
 * A program can be removed at any moment, and its struct is freed soon after.
 * So nobody keeps a pointer to it but the registry: users refer to the struct
 * quic_entry, which outlives it, and look at @gone before each call, in the RCU
 * read section of the call.  Removal is to set @gone and to wait for a grace
 * period, however many users there are; each notices at its next call and moves
 * on.
 */
#include <linux/err.h>
#include <linux/minmax.h>
#include <linux/rculist.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "registry.h"

/* Names go into sysctls and the tables of /proc. */
static bool is_good(const char *name)
{
	size_t i, len = strnlen(name, QUIC_NAME_MAX);

	for (i = 0; i < len; i++) {
		if (!(name[i] >= 'a' && name[i] <= 'z') &&
		    !(name[i] >= 'A' && name[i] <= 'Z') &&
		    !(name[i] >= '0' && name[i] <= '9') &&
		    !strchr("_-.", name[i]))
			return false;
	}
	return len && len < QUIC_NAME_MAX;
}

/* Caller holds the RCU read lock or the registry's. */
static struct quic_entry *find(const struct quic_registry *r, const char *name)
{
	struct quic_entry *e;

	list_for_each_entry_rcu(e, &r->list, list, lockdep_is_held(&r->lock)) {
		if (!strncmp(e->name, name, QUIC_NAME_MAX))
			return e;
	}
	return NULL;
}

/* Under the registry's lock. */
static struct quic_entry *find_ops(const struct quic_registry *r,
				   const void *ops)
{
	struct quic_entry *e;

	list_for_each_entry(e, &r->list, list) {
		if (e->ops == ops)
			return e;
	}
	return NULL;
}

struct quic_entry *quic_entry_new(const struct quic_registry *r,
				  const void *ops, bool bpf)
{
	struct quic_entry *e = kzalloc(r->size, GFP_KERNEL);

	if (!e)
		return NULL;
	INIT_LIST_HEAD(&e->list);
	e->ops = ops;
	e->bpf = bpf;
	memcpy(e->name, ops, sizeof(e->name));
	refcount_set(&e->ref, 1);
	return e;
}

void quic_entry_put(struct quic_entry *e)
{
	struct quic_entry *next;

	/* The last user of one that was updated lets go of its successor. */
	while (e && refcount_dec_and_test(&e->ref)) {
		next = e->next;
		kfree_rcu(e, rcu);
		e = next;
	}
}

/* True: the first to say so. */
static bool retire(struct quic_entry *e)
{
	if (xchg(&e->retired, true))
		return false;
	/* Who sees it sees why. */
	smp_store_release(&e->gone, true);
	return true;
}

enum quic_took quic_entry_took(struct quic_entry *e, u64 ns)
{
	if (likely(ns < QUIC_SLOW_NS)) {
		if (unlikely(atomic_read(&e->late)))
			atomic_dec_if_positive(&e->late);
		return QUIC_TOOK_LITTLE;
	}
	if (atomic_add_return(QUIC_SLOW_WEIGHT, &e->late) >=
	    QUIC_SLOW_WEIGHT * QUIC_SLOW_CALLS && retire(e))
		return QUIC_TOOK_TOO_LONG;
	return QUIC_TOOK_LONG;
}

/* ---- changes ---------------------------------------------------------------- */

int quic_registry_add(struct quic_registry *r, const void *ops, bool bpf)
{
	struct quic_entry *e;
	int err = 0;

	if (!is_good(ops))
		return -EINVAL;
	e = quic_entry_new(r, ops, bpf);
	if (!e)
		return -ENOMEM;
	spin_lock(&r->lock);
	if (find(r, e->name))
		err = -EEXIST;
	else
		list_add_tail_rcu(&e->list, &r->list);
	spin_unlock(&r->lock);
	if (err)
		quic_entry_put(e);
	return err;
}

void quic_registry_remove(struct quic_registry *r, const void *ops)
{
	struct quic_entry *e;

	spin_lock(&r->lock);
	e = find_ops(r, ops);
	if (e) {
		list_del_rcu(&e->list);
		WRITE_ONCE(e->gone, true);
	}
	spin_unlock(&r->lock);
	if (!e)
		return;
	/* Nobody is inside one of its functions any more, nor will be. */
	synchronize_rcu();
	quic_entry_put(e);
}

int quic_registry_update(struct quic_registry *r, const void *ops,
			 const void *old)
{
	struct quic_entry *e, *was;

	if (strncmp(ops, old, QUIC_NAME_MAX))
		return -EINVAL;
	e = quic_entry_new(r, ops, true);
	if (!e)
		return -ENOMEM;
	spin_lock(&r->lock);
	was = find_ops(r, old);
	if (was) {
		quic_entry_hold(e);
		/* It may be gone already: retired. */
		smp_store_release(&was->next, e);
		list_replace_rcu(&was->list, &e->list);
		/* Pairs with quic_entry_gone(): who sees it sees @next. */
		smp_store_release(&was->gone, true);
	}
	spin_unlock(&r->lock);
	if (!was) {
		quic_entry_put(e);
		return -ENOENT;
	}
	synchronize_rcu();
	quic_entry_put(was);
	return 0;
}

/* ---- look-ups ----------------------------------------------------------------- */

struct quic_entry *quic_registry_get(const struct quic_registry *r,
				     const char *name)
{
	struct quic_entry *e;

	if (!name || !name[0])
		name = r->builtin;
	rcu_read_lock();
	e = find(r, name);
	if (e && (quic_entry_gone(e) || !refcount_inc_not_zero(&e->ref)))
		e = NULL;
	rcu_read_unlock();
	return e;
}

struct quic_entry *quic_registry_latest(const struct quic_registry *r,
					struct quic_entry *e)
{
	struct quic_entry *next;

	while (quic_entry_gone(e)) {
		next = READ_ONCE(e->next);
		if (next)
			quic_entry_hold(next);
		else
			next = quic_registry_get(r, NULL);
		quic_entry_put(e);
		e = next;
	}
	return e;
}

struct quic_entry *quic_registry_chosen(const struct quic_registry *r,
					struct quic_entry __rcu **slot)
{
	struct quic_entry *e = rcu_dereference(*slot);

	while (e && quic_entry_gone(e))
		e = READ_ONCE(e->next);
	return e ?: find(r, r->builtin);
}

struct quic_entry *quic_registry_get_chosen(const struct quic_registry *r,
					    struct quic_entry __rcu **slot)
{
	struct quic_entry *e;

	rcu_read_lock();
	e = rcu_dereference(*slot);
	if (e && !refcount_inc_not_zero(&e->ref))
		e = NULL;
	rcu_read_unlock();
	return e ? quic_registry_latest(r, e) : quic_registry_get(r, NULL);
}

int quic_registry_choose(const struct quic_registry *r,
			 struct quic_entry __rcu **slot, const char *name)
{
	struct quic_entry *e = quic_registry_get(r, name);

	if (!e)
		return -ENOENT;
	/* The memory of the last one is kept for readers without a reference. */
	quic_entry_put(unrcu_pointer(xchg(slot, RCU_INITIALIZER(e))));
	return 0;
}
