// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: which program makes the connection IDs of a namespace or a socket, and
 * each call of it.
 * Called from: conn/cid, tx/stateless (IDs), sock/listen (choice), sysctl,
 * sockopt.
 * Context: softirq or process.
 * Locks: RCU around each call (registry.c).
 * RFC 9000 section 5.1.
 */
#include <linux/random.h>
#include <linux/seq_file.h>
#include "../pipeline.h"
#include "../obs/mib.h"
#include "connid.h"

struct connid {
	struct quic_entry entry;
	atomic_t in_a_row[QUIC_CONNID_FAULT_MAX]; /* of a kind */
	atomic64_t calls, faults[QUIC_CONNID_FAULT_MAX];
};

static const struct quic_connid_ops random = { .name = "random" };

QUIC_REGISTRY(quic_connid_registry, &random, struct connid);

/* ---- the choice of a namespace, or a socket's own ------------------------------- */

int quic_connid_use(struct net *net, const char *name)
{
	return quic_registry_choose(&quic_connid_registry,
				    &quic_net(net)->connid, name);
}

/* @sk may be NULL. */
static struct quic_entry __rcu **slot_of(struct net *net, struct sock *sk)
{
	return sk && rcu_access_pointer(quic_sk(sk)->connid) ?
	       &quic_sk(sk)->connid : &quic_net(net)->connid;
}

/* Under RCU: good until the read section ends. */
static struct connid *chosen(struct quic_entry __rcu **slot)
{
	return container_of(quic_registry_chosen(&quic_connid_registry, slot),
			    struct connid, entry);
}

static struct connid *connid_of(struct net *net)
{
	return chosen(&quic_net(net)->connid);
}

static const struct quic_connid_ops *ops_of(const struct connid *e)
{
	return e->entry.ops;
}

void quic_connid_name(struct net *net, char *name)
{
	rcu_read_lock();
	strscpy(name, connid_of(net)->entry.name, QUIC_NAME_MAX);
	rcu_read_unlock();
}

void quic_connid_net_init(struct net *net)
{
	struct quic_net *qn = quic_net(net);

	qn->cid_len = QUIC_CONNID_LEN;
	qn->cid_lens = BIT(QUIC_CONNID_LEN);
}

void quic_connid_net_exit(struct net *net)
{
	quic_entry_put(rcu_dereference_protected(quic_net(net)->connid, true));
}

/* As QUIC_SOCKOPT_CONGESTION: by name, before the connection begins. */
int quic_connid_set(struct sock *sk, void *val, u32 len)
{
	char name[QUIC_NAME_MAX] = "";

	if (!len || quic_sk_conn(sk))
		return -EINVAL;
	memcpy(name, val, min_t(u32, len, sizeof(name) - 1));
	return quic_registry_choose(&quic_connid_registry,
				    &quic_sk(sk)->connid, name);
}

int quic_connid_get(struct sock *sk, void *val, u32 len)
{
	u32 n = min_t(u32, len, QUIC_NAME_MAX);

	rcu_read_lock();
	memcpy(val, chosen(slot_of(sock_net(sk), sk))->entry.name, n);
	rcu_read_unlock();
	return n;
}

/* @child has @parent's choice; the namespace's if that is not there any more. */
void quic_connid_inherit(struct sock *child, const struct sock *parent)
{
	struct quic_entry *e;

	rcu_read_lock();
	e = rcu_dereference(quic_sk(parent)->connid);
	if (e)
		e = quic_registry_get(&quic_connid_registry, e->name);
	RCU_INIT_POINTER(quic_sk(child)->connid, e);
	rcu_read_unlock();
}

void quic_connid_drop(struct sock *sk)
{
	quic_entry_put(rcu_dereference_protected(quic_sk(sk)->connid, true));
}

/* ---- calls ------------------------------------------------------------------------ */

static const char * const fault_names[QUIC_CONNID_FAULT_MAX] = {
	[QUIC_CONNID_BAD_LEN]		= "an ID of a wrong length",
	[QUIC_CONNID_BAD_CPU]		= "an ID that leads to another CPU",
	[QUIC_CONNID_COLLISION]		= "IDs that are taken",
	[QUIC_CONNID_BAD_LISTENER]	= "a listener that there is not",
	[QUIC_CONNID_LATE]		= "to take a millisecond or more",
};

static void count(struct net *net, struct connid *e, enum quic_connid_fault what)
{
	atomic64_inc(&e->faults[what]);
	QUIC_INC(net, QuicConnidFaults);
}

static void fell_back(struct net *net, const struct connid *e,
		      enum quic_connid_fault why)
{
	QUIC_INC(net, QuicConnidFallbacks);
	net_info_ratelimited("quic: connection IDs of %s are not used any more: it chose %s\n",
			     e->entry.name, fault_names[why]);
}

/* A call is over. */
static void called(struct net *net, struct connid *e, u64 began)
{
	enum quic_took took = quic_entry_took(&e->entry,
					      ktime_get_ns() - began);

	if (likely(took == QUIC_TOOK_LITTLE))
		return;
	count(net, e, QUIC_CONNID_LATE);
	if (took == QUIC_TOOK_TOO_LONG)
		fell_back(net, e, QUIC_CONNID_LATE);
}

/* One of the callbacks that answer. */
static int ask(struct net *net, struct connid *e,
	       int (*op)(struct quic_connid *id), struct quic_connid *id)
{
	u64 began = ktime_get_ns();
	int err = op(id);

	called(net, e, began);
	return err;
}

/* Who has chosen it, by @slot, is rid of it after so many in a row. */
static void fault(struct net *net, struct quic_entry __rcu **slot,
		  struct connid *e, enum quic_connid_fault what)
{
	count(net, e, what);
	if (atomic_inc_return(&e->in_a_row[what]) < QUIC_CONNID_FAULTS)
		return;
	atomic_set(&e->in_a_row[what], 0);
	quic_registry_choose(&quic_connid_registry, slot, random.name);
	fell_back(net, e, what);
}

static void well_done(struct connid *e, enum quic_connid_fault not)
{
	if (atomic_read(&e->in_a_row[not]))
		atomic_set(&e->in_a_row[not], 0);
}

static void random_id(struct quic_connid *id)
{
	get_random_bytes(id->bytes, sizeof(id->bytes));
	id->len = QUIC_CONNID_LEN;
}

static void from_cid(struct quic_connid *id, const struct quic_cid *cid)
{
	id->len = cid->len;
	memcpy(id->bytes, cid->id, cid->len);
}

/* Does decode() find in @id what generate() was asked for? */
static bool leads_home(struct net *net, struct connid *e,
		       const struct quic_connid *id, u32 cpu)
{
	struct quic_connid copy = *id;

	if (!ops_of(e)->decode)
		return true;
	copy.cpu = QUIC_CONNID_NO_CPU;
	return !ask(net, e, ops_of(e)->decode, &copy) &&
	       (copy.cpu == cpu || copy.cpu == QUIC_CONNID_NO_CPU);
}

/* Is what @id has now good? */
static bool generate(struct net *net, struct quic_entry __rcu **slot,
		     struct quic_connid *id)
{
	struct connid *e = chosen(slot);
	u32 cpu = id->cpu;

	if (!ops_of(e)->generate)
		return true;
	atomic64_inc(&e->calls);
	if (ask(net, e, ops_of(e)->generate, id))
		return false;
	if (id->len < QUIC_CONNID_LEN || id->len > QUIC_CONNID_MAX_LEN) {
		fault(net, slot, e, QUIC_CONNID_BAD_LEN);
		return false;
	}
	well_done(e, QUIC_CONNID_BAD_LEN);
	if (!leads_home(net, e, id, cpu)) {
		fault(net, slot, e, QUIC_CONNID_BAD_CPU);
		return false;
	}
	well_done(e, QUIC_CONNID_BAD_CPU);
	return true;
}

/* Before the ID leads anywhere. */
static void note_len(struct quic_net *qn, u8 len)
{
	if (likely(READ_ONCE(qn->cid_len) == len))
		return;
	set_bit(len, &qn->cid_lens);
	WRITE_ONCE(qn->cid_len, len);
}

void quic_connid_make(struct net *net, struct sock *sk, struct quic_cid *cid,
		      u32 cpu)
{
	struct quic_connid id = { .cpu = cpu };

	random_id(&id);
	rcu_read_lock();
	if (!generate(net, slot_of(net, sk), &id))
		random_id(&id);
	rcu_read_unlock();
	note_len(quic_net(net), id.len);
	cid->len = id.len;
	memcpy(cid->id, id.bytes, id.len);
}

void quic_connid_used(struct net *net, struct sock *sk, bool collided)
{
	struct quic_entry __rcu **slot = slot_of(net, sk);
	struct connid *e;

	rcu_read_lock();
	e = chosen(slot);
	if (e->entry.bpf && collided)
		fault(net, slot, e, QUIC_CONNID_COLLISION);
	else
		well_done(e, QUIC_CONNID_COLLISION);
	rcu_read_unlock();
}

u32 quic_connid_choose(struct net *net, const struct quic_cid *cid, u32 n,
		       u32 hash, u32 *cpu)
{
	struct quic_connid id = {
		.cpu = *cpu, .listener = QUIC_CONNID_BY_CPU, .listeners = n,
		.hash = hash,
	};
	u32 chosen = QUIC_CONNID_BY_CPU;
	struct connid *e;

	rcu_read_lock();
	e = connid_of(net);
	if (ops_of(e)->choose) {
		from_cid(&id, cid);
		atomic64_inc(&e->calls);
		if (ask(net, e, ops_of(e)->choose, &id))
			;	/* it has no opinion */
		else if (id.listener != QUIC_CONNID_BY_CPU && id.listener >= n)
			fault(net, &quic_net(net)->connid, e,
			      QUIC_CONNID_BAD_LISTENER);
		else
			well_done(e, QUIC_CONNID_BAD_LISTENER);
		if (id.listener == QUIC_CONNID_BY_CPU)
			*cpu = id.cpu;
		else if (id.listener < n)
			chosen = id.listener;
	}
	rcu_read_unlock();
	return chosen;
}

void quic_connid_tell(struct sock *sk, enum quic_connid_event event,
		      const struct quic_cid *cid, u64 number)
{
	struct quic_connid id = { .number = number };
	void (*tell)(struct quic_connid *id);
	struct connid *e;
	u64 began;

	rcu_read_lock();
	e = chosen(slot_of(sock_net(sk), sk));
	tell = event == QUIC_CONNID_ISSUED ? ops_of(e)->issued :
					     ops_of(e)->retired;
	if (tell) {
		from_cid(&id, cid);
		began = ktime_get_ns();
		tell(&id);
		called(sock_net(sk), e, began);
	}
	rcu_read_unlock();
}

int quic_connid_show(struct seq_file *seq, void *v)
{
	const struct connid *e, *used;
	int i;

	seq_puts(seq, "NAME USED CALLS BAD_LEN BAD_CPU COLLISIONS BAD_LISTENER LATE RETIRED\n");
	rcu_read_lock();
	used = connid_of(seq_file_single_net(seq));
	list_for_each_entry_rcu(e, &quic_connid_registry.list, entry.list) {
		seq_printf(seq, "%s %d %lld", e->entry.name, e == used,
			   atomic64_read(&e->calls));
		for (i = 0; i < QUIC_CONNID_FAULT_MAX; i++)
			seq_printf(seq, " %lld", atomic64_read(&e->faults[i]));
		seq_printf(seq, " %d\n", READ_ONCE(e->entry.retired));
	}
	rcu_read_unlock();
	return 0;
}

void quic_connid_exit(void)
{
	quic_registry_remove(&quic_connid_registry, &random);
}

int quic_connid_init(void)
{
	return quic_registry_add(&quic_connid_registry, &random, false);
}
