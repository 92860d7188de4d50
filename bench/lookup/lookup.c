// SPDX-License-Identifier: GPL-2.0
/*
 * What a look-up in quic.ko's table of connection IDs costs, by how many there
 * are: fills the table with IDs that lead nowhere, and looks each up once.
 *
 * Its functions are not exported: a kprobe tells where they are.  Loading does
 * the work, prints a line per size, and fails, so that nothing stays.
 * Meant for a VM in which a nanosecond is an instruction, with nobody using
 * QUIC meanwhile.
 */
#include <linux/kprobes.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/vmalloc.h>
#include <net/net_namespace.h>
#include "pipeline.h"

#define BATCH	1000	/* look-ups in a row; then others get the processor */

static unsigned int sizes[16];
static int n_sizes;
module_param_array(sizes, uint, &n_sizes, 0);
MODULE_PARM_DESC(sizes, "how many IDs, in ascending order");

/* Where they lead; nobody follows. */
static struct quic_req nowhere;

static typeof(quic_cid_make) *make;
static typeof(quic_cid_lookup) *lookup;
static typeof(quic_cid_remove) *forget;

static int find(const char *name, void *function)
{
	struct kprobe probe = { .symbol_name = name };
	int err = register_kprobe(&probe);

	if (err)
		return err;
	*(void **)function = probe.addr;
	unregister_kprobe(&probe);
	return 0;
}

static int fill(struct quic_cid_node **nodes, unsigned int from, unsigned int to)
{
	for (; from < to; from++) {
		nodes[from] = make(&init_net, NULL, &nowhere, GFP_KERNEL);
		if (IS_ERR(nodes[from])) {
			int err = PTR_ERR(nodes[from]);

			nodes[from] = NULL;
			return err;
		}
		cond_resched();
	}
	return 0;
}

/* Picoseconds per look-up, on average. */
static u64 measure(struct quic_cid_node **nodes, unsigned int n)
{
	unsigned int i, batch, missed = 0;
	u64 sum = 0, start;

	for (batch = 0; batch < n; batch += BATCH) {
		local_bh_disable();
		start = ktime_get_ns();
		rcu_read_lock();
		for (i = batch; i < min(batch + BATCH, n); i++) {
			const struct quic_cid *cid = &nodes[i]->key.cid;

			missed += lookup(&init_net, cid->id, cid->len, NULL) !=
				  nodes[i];
		}
		rcu_read_unlock();
		sum += ktime_get_ns() - start;
		local_bh_enable();
		cond_resched();
	}
	if (missed)
		pr_err("lookup: %u of %u IDs not found\n", missed, n);
	return div_u64(1000 * sum, n);
}

static int __init lookup_init(void)
{
	struct quic_cid_node **nodes;
	unsigned int n = 0, i;
	int err, k;

	err = find("quic_cid_make", &make) ?: find("quic_cid_lookup", &lookup) ?:
	      find("quic_cid_remove", &forget);
	if (err || !n_sizes)
		return err ?: -EINVAL;
	nodes = vcalloc(sizes[n_sizes - 1], sizeof(*nodes));
	if (!nodes)
		return -ENOMEM;
	for (k = 0; k < n_sizes && !err; n = sizes[k++]) {
		err = fill(nodes, n, sizes[k]);
		if (!err)
			pr_info("lookup: %u %llu\n", sizes[k],
				measure(nodes, sizes[k]));
	}
	for (i = 0; i < sizes[n_sizes - 1] && nodes[i]; i++) {
		forget(nodes[i]);
		cond_resched();
	}
	vfree(nodes);
	return err ?: -ECANCELED;
}
module_init(lookup_init);

MODULE_DESCRIPTION("Cost of looking up QUIC connection IDs");
MODULE_LICENSE("GPL");
