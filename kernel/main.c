// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: loading and unloading, and the module's state in each network
 * namespace.
 * Context: process.
 */
#include <linux/module.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>
#include "pipeline.h"
#include "bpf/bpf.h"
#include "conn/connid.h"
#include "conn/token.h"
#include "crypto/offload.h"
#include "obs/mib.h"
#include "obs/obs.h"
#include "sock/sock.h"

struct workqueue_struct *quic_wq;

static unsigned int net_id __read_mostly;

struct quic_net *quic_net(const struct net *net)
{
	return net_generic(net, net_id);
}

static int __net_init net_init(struct net *net)
{
	struct quic_net *qn = quic_net(net);
	int err;

	qn->net = net;
	INIT_LIST_HEAD(&qn->udp);
	mutex_init(&qn->udp_lock);
	INIT_LIST_HEAD(&qn->socks);
	spin_lock_init(&qn->socks_lock);
	qn->mib = alloc_percpu(struct quic_mib_pcpu);
	if (!qn->mib)
		return -ENOMEM;
	quic_reset_net_init(net);
	quic_connid_net_init(net);
	quic_congestion_net_init(net);
	err = quic_token_init(net);
	if (err)
		goto err_mib;
	err = quic_sysctl_net_init(net);
	if (err)
		goto err_token;
	err = quic_proc_init(net);
	if (err)
		goto err_sysctl;
	return 0;

err_sysctl:
	quic_sysctl_net_exit(net);
err_token:
	quic_token_exit(net);
err_mib:
	quic_congestion_net_exit(net);
	free_percpu(qn->mib);
	return err;
}

/* No socket is left; what workers still do for the namespace must end. */
static void __net_exit net_exit(struct net *net)
{
	struct quic_net *qn = quic_net(net);
	int i;

	quic_initial_flush(net);
	/* The worker of a request queues its end, and that queues the end of
	 * its UDP socket.
	 */
	for (i = 0; i < 3; i++)
		flush_workqueue(quic_wq);
	WARN_ON_ONCE(!list_empty(&qn->udp));
	quic_proc_exit(net);
	quic_sysctl_net_exit(net);
	quic_token_exit(net);
	quic_congestion_net_exit(net);
	quic_connid_net_exit(net);
	free_percpu(qn->mib);
}

static void __net_exit nets_exit(struct list_head *nets)
{
	struct net *net;

	/* Sockets of the kernel, which keep no namespace, may have been closed
	 * just now: they end after a grace period.
	 */
	rcu_barrier();
	list_for_each_entry(net, nets, exit_list)
		net_exit(net);
}

static struct pernet_operations net_ops = {
	.init = net_init,
	.exit_batch = nets_exit,
	.id = &net_id,
	.size = sizeof(struct quic_net),
};

static int __init quic_init(void)
{
	int err;

	err = quic_crypto_init();
	if (err)
		return err;
#ifdef KQUIC_SELFTEST
	err = quic_crypto_selftest();
	if (err)
		goto err_crypto;
#endif
	err = quic_rx_init();
	if (err)
		goto err_crypto;
	err = quic_tx_init();
	if (err)
		goto err_rx;
	err = -ENOMEM;
	quic_wq = alloc_workqueue("quic", WQ_UNBOUND, 0);
	if (!quic_wq)
		goto err_tx;
	err = quic_offload_init();
	if (err)
		goto err_wq;
	err = quic_cid_init();
	if (err)
		goto err_offload;
	err = quic_conn_init();
	if (err)
		goto err_cid;
	err = quic_stream_init();
	if (err)
		goto err_conn;
	err = quic_cc_add_native(quic_guard_on_exit, ktime_get_ns);
	if (err)
		goto err_stream;
	err = quic_connid_init();
	if (err)
		goto err_cc;
	err = register_pernet_subsys(&net_ops);
	if (err)
		goto err_connid;
	err = quic_sysctl_init();
	if (err)
		goto err_net;
	err = quic_family_init();
	if (err)
		goto err_sysctl;
	quic_bpf_init();
	return 0;

err_sysctl:
	quic_sysctl_exit();
err_net:
	unregister_pernet_subsys(&net_ops);
err_connid:
	quic_connid_exit();
err_cc:
	quic_cc_remove_native();
err_stream:
	quic_stream_exit();
err_conn:
	quic_conn_exit();
err_cid:
	quic_cid_exit();
err_offload:
	quic_offload_exit();
err_wq:
	destroy_workqueue(quic_wq);
err_tx:
	quic_tx_exit();
err_rx:
	quic_rx_exit();
err_crypto:
	quic_crypto_exit();
	return err;
}

static void __exit quic_exit(void)
{
	quic_family_exit();
	quic_sysctl_exit();
	quic_initial_exit();
	unregister_pernet_subsys(&net_ops);
	quic_connid_exit();
	quic_cc_remove_native();
	/* Sockets, streams and IDs are freed after a grace period. */
	rcu_barrier();
	quic_stream_exit();
	quic_conn_exit();
	quic_cid_exit();
	quic_tx_exit();
	quic_rx_exit();
	destroy_workqueue(quic_wq);
	quic_offload_exit();
	quic_crypto_exit();
}

module_init(quic_init);
module_exit(quic_exit);

MODULE_DESCRIPTION("QUIC: RFC 9000 sockets, handshake in userspace");
MODULE_LICENSE("GPL");
