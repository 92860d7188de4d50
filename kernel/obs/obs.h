/* SPDX-License-Identifier: GPL-2.0 */
/* What main.c starts and stops of obs/. */
#ifndef KQUIC_OBS_H
#define KQUIC_OBS_H

struct net;

int quic_proc_init(struct net *net);
void quic_proc_exit(struct net *net);
int quic_sysctl_net_init(struct net *net);
void quic_sysctl_net_exit(struct net *net);
int quic_sysctl_init(void);
void quic_sysctl_exit(void);
int quic_sysctl_net_init(struct net *net);
void quic_sysctl_net_exit(struct net *net);

#endif
