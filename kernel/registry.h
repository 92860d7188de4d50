/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Sets of functions with a name, native ones and BPF programs (struct_ops), of
 * which users choose by name: congestion control, connection IDs.
 */
#ifndef KQUIC_REGISTRY_H
#define KQUIC_REGISTRY_H

#include <linux/atomic.h>
#include <linux/compiler.h>
#include <linux/list.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>
#include <linux/time64.h>
#include <linux/types.h>

#define QUIC_NAME_MAX	16
/* A call of a program that takes so long is slow: nothing else of the network runs
 * on its CPU meanwhile ...
 */
#define QUIC_SLOW_NS		NSEC_PER_MSEC
/* ... and makes up for so many that were not.  Interrupts, and hosts that stop
 * virtual machines, make one late now and then, but not one of sixteen.
 */
#define QUIC_SLOW_WEIGHT	16
/* So many slow calls more than are made up for: the program is retired. */
#define QUIC_SLOW_CALLS		16

/**
 * struct quic_entry - what a registry knows of a set of functions
 * @list:	the registry's list; off it when @gone
 * @ops:	valid in an RCU read section that has seen @gone false
 * @name:	stays valid when @ops is not any more
 * @bpf:	a program: @ops can go at any moment
 * @gone:	removed or retired; users move on at their next call
 * @retired:	found unfit: still on the list and its name taken, but nobody's
 * @late:	slow calls, each QUIC_SLOW_WEIGHT, less the others
 * @next:	where to, after an update; NULL: to the built-in
 * @ref:	the registry's, users', namespaces'
 *
 * First member of what a registry has of each.
 */
struct quic_entry {
	struct list_head list;
	const void *ops;
	char name[QUIC_NAME_MAX];
	bool bpf;
	bool gone;
	bool retired;
	atomic_t late;
	struct quic_entry *next;
	refcount_t ref;
	struct rcu_head rcu;
};

/**
 * struct quic_registry - of one kind of functions
 * @list:	of entries
 * @lock:	for writers of @list
 * @builtin:	the one that always is there; all ops begin with their name
 * @size:	of an entry with what follows it
 */
struct quic_registry {
	struct list_head list;
	spinlock_t lock;	/* for writers of @list */
	const void *builtin;
	size_t size;
};

#define QUIC_REGISTRY(registry, ops, type)				\
struct quic_registry registry = {					\
	.list = LIST_HEAD_INIT(registry.list),				\
	.lock = __SPIN_LOCK_UNLOCKED(registry.lock),			\
	.builtin = ops,							\
	.size = sizeof(type),						\
}

/* Removed?  If so, @next is what it will be. */
static inline bool quic_entry_gone(const struct quic_entry *e)
{
	/* Pairs with quic_registry_update(). */
	return unlikely(smp_load_acquire(&e->gone));
}

static inline void quic_entry_hold(struct quic_entry *e)
{
	refcount_inc(&e->ref);
}

void quic_entry_put(struct quic_entry *e);
/* A call of the program took @ns.  One that is slow once too often is retired:
 * nobody calls it any more.
 */
enum quic_took {
	QUIC_TOOK_LITTLE,
	QUIC_TOOK_LONG,
	QUIC_TOOK_TOO_LONG,		/* retired by this */
};

enum quic_took quic_entry_took(struct quic_entry *e, u64 ns);
/* Not on the list: only who calls this knows it.  NULL without memory. */
struct quic_entry *quic_entry_new(const struct quic_registry *r,
				  const void *ops, bool bpf);

/* -EEXIST: the name is taken; -EINVAL: no name, or not a good one.  @bpf ops
 * may be freed after quic_registry_remove(), the others are static.
 */
int quic_registry_add(struct quic_registry *r, const void *ops, bool bpf);
void quic_registry_remove(struct quic_registry *r, const void *ops);
/* In place, under the same name: else -EINVAL. */
int quic_registry_update(struct quic_registry *r, const void *ops,
			 const void *old);

/* Find by name and take a reference; NULL: unknown, or retired.  "" or NULL
 * name: the built-in.
 */
struct quic_entry *quic_registry_get(const struct quic_registry *r,
				     const char *name);
/* Give @e's reference for one of whoever has taken its place by now. */
struct quic_entry *quic_registry_latest(const struct quic_registry *r,
					struct quic_entry *e);

/* A namespace's choice, @slot; NULL there: the built-in. */

/* Under RCU: good until the read section ends. */
struct quic_entry *quic_registry_chosen(const struct quic_registry *r,
					struct quic_entry __rcu **slot);
/* With a reference. */
struct quic_entry *quic_registry_get_chosen(const struct quic_registry *r,
					    struct quic_entry __rcu **slot);
/* 0, or -ENOENT: no such name. */
int quic_registry_choose(const struct quic_registry *r,
			 struct quic_entry __rcu **slot, const char *name);

#endif
