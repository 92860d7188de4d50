// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: /proc/sys/net/quic.
 * Context: process.
 */
#include <linux/sysctl.h>
#include <net/net_namespace.h>
#include "obs.h"
#include "../sock/sock.h"

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
};

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
