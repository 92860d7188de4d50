/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of bpf/ give to the rest. */
#ifndef KQUIC_BPF_H
#define KQUIC_BPF_H

#include <linux/types.h>

struct quic_cc;
struct quic_cc_ack;
struct quic_cc_exit;
struct quic_cc_loss;
struct seq_file;
struct xdp_md;

/**
 * struct quic_xdp_peer - who sent a packet, for functions of kfuncs_xdp.c
 * @addr:	IPv6, or IPv4 as ::ffff:a.b.c.d
 * @port:	of UDP
 * @pad:	0
 */
struct quic_xdp_peer {
	u8 addr[16];
	__be16 port;
	u16 pad;
};

/* kfuncs.c: registers the struct_ops types and what programs may call; without
 * BTF there are none.
 */
void quic_bpf_init(void);
u64 bpf_quic_muldiv(u64 a, u64 b, u64 c);
void bpf_quic_cc_default_acked(struct quic_cc *cc,
			       const struct quic_cc_ack *ack);
void bpf_quic_cc_default_lost(struct quic_cc *cc,
			      const struct quic_cc_loss *loss);
void bpf_quic_cc_give_up(struct quic_cc *cc, u32 code);

/* ops_cc.c; 0 or -errno */
int quic_bpf_cc_init(void);
/* ops_cid.c; likewise */
int quic_bpf_connid_init(void);

/* kfuncs_xdp.c: what XDP programs may call; 0 or -errno */
int quic_bpf_xdp_init(void);
int bpf_quic_xdp_owner(struct xdp_md *ctx, const u8 *id, u32 id__sz,
		       const struct quic_xdp_peer *peer);
int bpf_quic_xdp_token(struct xdp_md *ctx, u32 off,
		       const struct quic_xdp_peer *peer);
int bpf_quic_xdp_retry(struct xdp_md *ctx, u32 off,
		       const struct quic_xdp_peer *peer, u8 *to, u32 to__sz);
int bpf_quic_xdp_resize(struct xdp_md *ctx, u32 room, u32 cut);

/* guard.c: a connection changed hands; for the core's hook */
void quic_guard_on_exit(struct quic_cc *cc, const struct quic_cc_exit *exit);
int quic_guard_show_algos(struct seq_file *seq, void *v);
int quic_guard_show_exits(struct seq_file *seq, void *v);

#endif
