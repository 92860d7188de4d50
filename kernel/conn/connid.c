// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: the registry of programs that make connection IDs, and each call of
 * them.
 * Called from: conn/cid, tx/stateless (IDs), sock/listen (choice), sysctl and
 * bpf/ops_cid (changes).
 * Context: changes: process, may sleep; else softirq or process.
 * Locks: @lock for writers, RCU for readers and around each call: a removed
 * program's struct is freed after a grace period, so nobody keeps a pointer to it
 * (as in recovery/cc_registry.c).
 * RFC 9000 section 5.1.
 */
#include <linux/random.h>
#include <linux/seq_file.h>
#include "../pipeline.h"
#include "../obs/mib.h"
#include "connid.h"

struct quic_connid_entry {
	struct list_head list;
	const struct quic_connid_ops *ops;	/* while not @gone, under RCU */
	char name[QUIC_CONNID_NAME_MAX];
	bool gone;
	struct quic_connid_entry *next;		/* after an update */
	refcount_t ref;
	atomic_t in_a_row;			/* faults */
	atomic64_t calls, faults[QUIC_CONNID_FAULT_MAX];
	struct rcu_head rcu;
};

static LIST_HEAD(entries);
static DEFINE_SPINLOCK(lock);

static void put(struct quic_connid_entry *e)
{
	struct quic_connid_entry *next;

	while (e && refcount_dec_and_test(&e->ref)) {
		next = e->next;
		kfree_rcu(e, rcu);
		e = next;
	}
}

/* Under @lock or RCU. */
static struct quic_connid_entry *find(const char *name)
{
	struct quic_connid_entry *e;

	list_for_each_entry_rcu(e, &entries, list, lockdep_is_held(&lock))
		if (!strncmp(e->name, name, QUIC_CONNID_NAME_MAX))
			return e;
	return NULL;
}

static struct quic_connid_entry *find_ops(const struct quic_connid_ops *ops)
{
	struct quic_connid_entry *e;

	list_for_each_entry(e, &entries, list)
		if (e->ops == ops)
			return e;
	return NULL;
}

static struct quic_connid_entry *new_entry(const struct quic_connid_ops *ops)
{
	struct quic_connid_entry *e = kzalloc(sizeof(*e), GFP_KERNEL);

	if (!e)
		return NULL;
	e->ops = ops;
	memcpy(e->name, ops->name, sizeof(e->name));
	refcount_set(&e->ref, 1);
	return e;
}

int quic_connid_register(const struct quic_connid_ops *ops)
{
	struct quic_connid_entry *e;
	int err = 0;

	if (!quic_cc_good_name(ops->name))
		return -EINVAL;
	e = new_entry(ops);
	if (!e)
		return -ENOMEM;
	spin_lock(&lock);
	if (find(ops->name) || !strcmp(ops->name, "random"))
		err = -EEXIST;
	else
		list_add_tail_rcu(&e->list, &entries);
	spin_unlock(&lock);
	if (err)
		put(e);
	return err;
}

void quic_connid_unregister(const struct quic_connid_ops *ops)
{
	struct quic_connid_entry *e;

	spin_lock(&lock);
	e = find_ops(ops);
	if (e) {
		list_del_rcu(&e->list);
		WRITE_ONCE(e->gone, true);
	}
	spin_unlock(&lock);
	if (!e)
		return;
	synchronize_rcu();
	put(e);
}

int quic_connid_update(const struct quic_connid_ops *ops,
		       const struct quic_connid_ops *old)
{
	struct quic_connid_entry *e, *was;

	if (strncmp(ops->name, old->name, QUIC_CONNID_NAME_MAX))
		return -EINVAL;
	e = new_entry(ops);
	if (!e)
		return -ENOMEM;
	spin_lock(&lock);
	was = find_ops(old);
	if (was) {
		refcount_inc(&e->ref);
		was->next = e;
		list_replace_rcu(&was->list, &e->list);
		/* Pairs with entry_of(): who sees it sees @next. */
		smp_store_release(&was->gone, true);
	}
	spin_unlock(&lock);
	if (!was) {
		put(e);
		return -ENOENT;
	}
	synchronize_rcu();
	put(was);
	return 0;
}

/* ---- a namespace's choice ------------------------------------------------------ */

/* Under RCU: good until the read section ends; NULL: random. */
static struct quic_connid_entry *entry_of(struct net *net)
{
	struct quic_connid_entry *e = rcu_dereference(quic_net(net)->connid);

	/* Pairs with quic_connid_update(). */
	while (e && smp_load_acquire(&e->gone))
		e = e->next;
	return e;
}

int quic_connid_use(struct net *net, const char *name)
{
	struct quic_connid_entry *e = NULL, *old;

	rcu_read_lock();
	if (strcmp(name, "random")) {
		e = find(name);
		if (!e || !refcount_inc_not_zero(&e->ref)) {
			rcu_read_unlock();
			return -ENOENT;
		}
	}
	rcu_read_unlock();
	old = unrcu_pointer(xchg(&quic_net(net)->connid, RCU_INITIALIZER(e)));
	put(old);
	return 0;
}

void quic_connid_name(struct net *net, char *name)
{
	const struct quic_connid_entry *e;

	rcu_read_lock();
	e = entry_of(net);
	strscpy(name, e ? e->name : "random", QUIC_CONNID_NAME_MAX);
	rcu_read_unlock();
}

void quic_connid_net_exit(struct net *net)
{
	put(rcu_dereference_protected(quic_net(net)->connid, true));
}

/* ---- calls ------------------------------------------------------------------------ */

static const char * const fault_names[QUIC_CONNID_FAULT_MAX] = {
	[QUIC_CONNID_BAD_LEN]		= "an ID of a wrong length",
	[QUIC_CONNID_BAD_CPU]		= "an ID that leads to another CPU",
	[QUIC_CONNID_COLLISION]		= "IDs that are taken",
	[QUIC_CONNID_BAD_LISTENER]	= "a listener that there is not",
};

static void fault(struct net *net, struct quic_connid_entry *e,
		  enum quic_connid_fault what)
{
	atomic64_inc(&e->faults[what]);
	QUIC_INC(net, QuicConnidFaults);
	if (atomic_inc_return(&e->in_a_row) < QUIC_CONNID_FAULTS)
		return;
	atomic_set(&e->in_a_row, 0);
	quic_connid_use(net, "random");
	QUIC_INC(net, QuicConnidFallbacks);
	net_info_ratelimited("quic: connection IDs of %s are not used any more: it chose %s\n",
			     e->name, fault_names[what]);
}

static bool well_done(struct quic_connid_entry *e)
{
	if (atomic_read(&e->in_a_row))
		atomic_set(&e->in_a_row, 0);
	return true;
}

static void random_id(struct quic_connid *id)
{
	get_random_bytes(id->bytes, QUIC_CONNID_LEN);
	id->len = QUIC_CONNID_LEN;
}

static void from_cid(struct quic_connid *id, const struct quic_cid *cid)
{
	id->len = cid->len;
	memcpy(id->bytes, cid->id, cid->len);
}

/* Does decode() find in @id what generate() was asked for? */
static bool leads_home(const struct quic_connid_ops *ops,
		       const struct quic_connid *id, u32 cpu)
{
	struct quic_connid copy = *id;

	if (!ops->decode)
		return true;
	copy.cpu = QUIC_CONNID_NO_CPU;
	return !ops->decode(&copy) &&
	       (copy.cpu == cpu || copy.cpu == QUIC_CONNID_NO_CPU);
}

static bool generate(struct net *net, struct quic_connid_entry *e,
		     struct quic_connid *id)
{
	u32 cpu = id->cpu;

	if (!e->ops->generate)
		return false;
	atomic64_inc(&e->calls);
	if (e->ops->generate(id))
		return false;
	if (id->len != QUIC_CONNID_LEN)
		fault(net, e, QUIC_CONNID_BAD_LEN);
	else if (!leads_home(e->ops, id, cpu))
		fault(net, e, QUIC_CONNID_BAD_CPU);
	else
		return well_done(e);
	return false;
}

void quic_connid_make(struct net *net, struct quic_cid *cid, u32 cpu)
{
	struct quic_connid id = { .cpu = cpu };
	struct quic_connid_entry *e;

	random_id(&id);
	rcu_read_lock();
	e = entry_of(net);
	if (e) {
		if (!generate(net, e, &id))
			random_id(&id);
	}
	rcu_read_unlock();
	cid->len = QUIC_CONNID_LEN;
	memcpy(cid->id, id.bytes, QUIC_CONNID_LEN);
}

void quic_connid_collided(struct net *net)
{
	struct quic_connid_entry *e;

	rcu_read_lock();
	e = entry_of(net);
	if (e)
		fault(net, e, QUIC_CONNID_COLLISION);
	rcu_read_unlock();
}

u32 quic_connid_choose(struct net *net, const struct quic_cid *cid, u32 cpu,
		       u32 n, u32 hash)
{
	struct quic_connid id = {
		.cpu = cpu, .listeners = n, .hash = hash,
	};
	struct quic_connid_entry *e;
	u32 chosen = reciprocal_scale(hash, n);

	rcu_read_lock();
	e = entry_of(net);
	if (e && e->ops->choose) {
		from_cid(&id, cid);
		atomic64_inc(&e->calls);
		if (!e->ops->choose(&id)) {
			if (id.listener < n)
				chosen = id.listener;
			else
				fault(net, e, QUIC_CONNID_BAD_LISTENER);
		}
	}
	rcu_read_unlock();
	return chosen;
}

void quic_connid_issued(struct net *net, const struct quic_cid *cid, u64 number)
{
	struct quic_connid id = { .number = number };
	struct quic_connid_entry *e;

	rcu_read_lock();
	e = entry_of(net);
	if (e && e->ops->issued) {
		from_cid(&id, cid);
		e->ops->issued(&id);
	}
	rcu_read_unlock();
}

void quic_connid_retired(struct net *net, const struct quic_cid *cid,
			 u64 number)
{
	struct quic_connid id = { .number = number };
	struct quic_connid_entry *e;

	rcu_read_lock();
	e = entry_of(net);
	if (e && e->ops->retired) {
		from_cid(&id, cid);
		e->ops->retired(&id);
	}
	rcu_read_unlock();
}

int quic_connid_show(struct seq_file *seq, void *v)
{
	const struct quic_connid_entry *e, *used;
	int i;

	seq_puts(seq, "NAME USED CALLS BAD_LEN BAD_CPU COLLISIONS BAD_LISTENER\n");
	rcu_read_lock();
	used = entry_of(seq_file_single_net(seq));
	seq_printf(seq, "random %d 0 0 0 0 0\n", !used);
	list_for_each_entry_rcu(e, &entries, list) {
		seq_printf(seq, "%s %d %lld", e->name, e == used,
			   atomic64_read(&e->calls));
		for (i = 0; i < QUIC_CONNID_FAULT_MAX; i++)
			seq_printf(seq, " %lld", atomic64_read(&e->faults[i]));
		seq_putc(seq, '\n');
	}
	rcu_read_unlock();
	return 0;
}
