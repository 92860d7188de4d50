// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: /proc/sys/net/quic: memory, of all namespaces together and shown in
 * the first only, and what each namespace sets for itself.
 * Context: process.
 */
#include <linux/slab.h>
#include <linux/sysctl.h>
#include <net/net_namespace.h>
#include "mib.h"
#include "obs.h"
#include "../conn/connid.h"
#include "../sock/sock.h"

/* Half-open handshakes from which on clients must prove their address first;
 * 0: always.
 */
#define QUIC_RETRY_THRESHOLD	256
/* Version Negotiation packets and stateless resets a second. */
#define QUIC_STATELESS_RATE	1000
/* Mbit/s; nothing that there is needs more. */
#define QUIC_SPREAD_MBIT_MAX	1000000

/* 1-RTT packets by the crypto API's preferred implementation, though it may
 * complete later; of connections to come.
 */
bool quic_sysctl_async_crypto;

static struct ctl_table_header *header;

static struct ctl_table table[] = {
	{
		.procname	= "quic_mem",
		.data		= &quic_sysctl_mem,
		.maxlen		= sizeof(quic_sysctl_mem),
		.mode		= 0644,
		.proc_handler	= proc_doulongvec_minmax,
	},
	{
		.procname	= "quic_rmem",
		.data		= &quic_sysctl_rmem,
		.maxlen		= sizeof(quic_sysctl_rmem),
		.mode		= 0644,
		.proc_handler	= proc_dointvec,
	},
	{
		.procname	= "quic_wmem",
		.data		= &quic_sysctl_wmem,
		.maxlen		= sizeof(quic_sysctl_wmem),
		.mode		= 0644,
		.proc_handler	= proc_dointvec,
	},
	{
		.procname	= "async_crypto",
		.data		= &quic_sysctl_async_crypto,
		.maxlen		= sizeof(quic_sysctl_async_crypto),
		.mode		= 0644,
		.proc_handler	= proc_dobool,
	},
};

/* ---- per namespace -------------------------------------------------------- */

/* @data is an offset into struct quic_net, made a pointer for each. */
#define PER_NET(name, field, handler, ...) {					\
	.procname = name,						\
	.data = (void *)offsetof(struct quic_net, field),		\
	.maxlen = sizeof_field(struct quic_net, field),			\
	.mode = 0644,							\
	.proc_handler = handler,					\
	__VA_ARGS__							\
}

/* The same for a number from 0 to what @most points to. */
#define PER_NET_UPTO(name, field, handler, most)			\
	PER_NET(name, field, handler,					\
		.extra1 = SYSCTL_ZERO, .extra2 = (void *)(most))

static const unsigned int offload_all = QUIC_OFFLOAD_ALL;
static const unsigned int spread_max = QUIC_SPREAD_MBIT_MAX;

/* It makes all CPUs of the machine work. */
static int do_spread(const struct ctl_table *table, int write, void *buffer,
		     size_t *lenp, loff_t *ppos)
{
	if (write && !capable(CAP_NET_ADMIN))
		return -EPERM;
	return proc_douintvec_minmax(table, write, buffer, lenp, ppos);
}

static int do_congestion(const struct ctl_table *table, int write,
			 void *buffer, size_t *lenp, loff_t *ppos)
{
	struct quic_net *qn = table->data - offsetof(struct quic_net, cc);
	char name[QUIC_CC_NAME_MAX];
	struct ctl_table copy = { .data = name, .maxlen = sizeof(name) };
	int err;

	quic_congestion_default_name(qn->net, name);
	err = proc_dostring(&copy, write, buffer, lenp, ppos);
	if (!err && write)
		err = quic_congestion_set_default(qn->net, name);
	return err;
}

static int do_connid(const struct ctl_table *table, int write,
		     void *buffer, size_t *lenp, loff_t *ppos)
{
	struct quic_net *qn = table->data - offsetof(struct quic_net, connid);
	char name[QUIC_NAME_MAX];
	struct ctl_table copy = { .data = name, .maxlen = sizeof(name) };
	int err;

	quic_connid_name(qn->net, name);
	err = proc_dostring(&copy, write, buffer, lenp, ppos);
	if (!err && write)
		err = quic_connid_use(qn->net, name);
	return err;
}

/* Names, separated by spaces. */
static int do_available(const struct ctl_table *table, int write,
			void *buffer, size_t *lenp, loff_t *ppos)
{
	struct ctl_table copy = { .maxlen = PAGE_SIZE };
	const struct quic_entry *e;
	size_t n = 0;
	int err;

	copy.data = kzalloc(copy.maxlen, GFP_KERNEL);
	if (!copy.data)
		return -ENOMEM;
	rcu_read_lock();
	list_for_each_entry_rcu(e, &quic_cc_registry.list, list) {
		if (!quic_entry_gone(e))
			n += scnprintf(copy.data + n, copy.maxlen - n, "%s%s",
				       n ? " " : "", e->name);
	}
	rcu_read_unlock();
	err = proc_dostring(&copy, write, buffer, lenp, ppos);
	kfree(copy.data);
	return err;
}

static const struct ctl_table per_net[] = {
	PER_NET("retry_threshold", retry_threshold, proc_douintvec),
	PER_NET("key_update_packets", key_update_packets, proc_douintvec),
	PER_NET("forged_packets", forged_packets, proc_douintvec),
	PER_NET("stateless_rate", stateless_rate, proc_douintvec),
	PER_NET("ecn", ecn, proc_dobool),
	PER_NET("ack_frequency", ack_frequency, proc_dobool),
	PER_NET("pmtud", pmtud, proc_dobool),
	PER_NET_UPTO("offload", offload, proc_douintvec_minmax, &offload_all),
	PER_NET_UPTO("spread_mbit", spread_mbit, do_spread, &spread_max),
	PER_NET("congestion_control", cc, do_congestion),
	PER_NET("connid", connid, do_connid),
	{
		.procname = "available_congestion_control",
		.mode = 0444,
		.proc_handler = do_available,
	},
};

int quic_sysctl_net_init(struct net *net)
{
	struct quic_net *qn = quic_net(net);
	int i;

	qn->retry_threshold = QUIC_RETRY_THRESHOLD;
	qn->stateless_rate = QUIC_STATELESS_RATE;
	qn->ecn = true;
	qn->ack_frequency = true;
	qn->pmtud = true;
	qn->offload = QUIC_OFFLOAD_ALL;
	qn->sysctl_table = kmemdup(per_net, sizeof(per_net), GFP_KERNEL);
	if (!qn->sysctl_table)
		return -ENOMEM;
	for (i = 0; i < ARRAY_SIZE(per_net); i++)
		qn->sysctl_table[i].data = (void *)qn +
					   (unsigned long)per_net[i].data;
	qn->sysctl = register_net_sysctl_sz(net, "net/quic", qn->sysctl_table,
					    ARRAY_SIZE(per_net));
	if (!qn->sysctl) {
		kfree(qn->sysctl_table);
		return -ENOMEM;
	}
	return 0;
}

void quic_sysctl_net_exit(struct net *net)
{
	unregister_net_sysctl_table(quic_net(net)->sysctl);
	kfree(quic_net(net)->sysctl_table);
}

/* ---- of the machine --------------------------------------------------------- */

int quic_sysctl_init(void)
{
	header = register_net_sysctl_sz(&init_net, "net/quic", table,
					ARRAY_SIZE(table));
	return header ? 0 : -ENOMEM;
}

void quic_sysctl_exit(void)
{
	unregister_net_sysctl_table(header);
}
