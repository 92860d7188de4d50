// SPDX-License-Identifier: GPL-2.0
/*
 * xdp_quic_steer: each packet to the CPU that owns its connection.
 *
 * Shows:	how little of a packet it takes: one ID, at a place that all versions
 *		of QUIC share; the three ways to learn its owner.
 * Good for:	servers with connections on several CPUs whose clients move: RSS goes
 *		by the address, and brings a client that moved to another CPU.
 * Bad for:	one CPU; packets in UDP tunnels; bulk on few connections where
 *		the kernel before 7.0 loses GRO on the way to another CPU.
 *
 *	scheme	who makes such IDs			what the look-up costs
 *	table	kernel QUIC, any (net.quic.connid)	a hash table
 *	cpu	bpf/cid/cpu.bpf.c			nothing
 *	lb	bpf/cid/quic_lb.bpf.c, others		nothing, or AES
 *
 * A client's first packets have an ID that it made up.  They stay where RSS brings
 * them (or are spread, QUIC_STEER_SPREAD), which is where the connection will be.
 *
 *	xdp-loader load -p /sys/fs/bpf/quic eth0 steer.bpf.o
 *
 * Settings and counters: <quic/xdp_maps.h>.
 */
#include <quic/xdp.h>

#define NO_CPU	(~0U)

QUIC_XDP_MAP(quic_steer, ARRAY, 1, __u32, struct quic_steer);
QUIC_XDP_MAP(quic_lb_conf, ARRAY, QUIC_LB_CONFS, __u32, struct quic_lb_conf);
QUIC_XDP_MAP(quic_cpus, CPUMAP, QUIC_STEER_CPUS, __u32, struct bpf_cpumap_val);
QUIC_XDP_MAP(quic_steer_n, PERCPU_ARRAY, QUIC_STEER_N_MAX, __u32, __u64);

static __always_inline int pass(enum quic_steer_count why)
{
	quic_xdp_count(&quic_steer_n, why);
	return XDP_PASS;
}

/* To @cpu, if it is another one that takes packets. */
static __always_inline int send_to(__u32 cpu, enum quic_steer_count why)
{
	if (cpu == bpf_get_smp_processor_id())
		return pass(why == QUIC_STEER_N_MOVED ? QUIC_STEER_N_HOME : why);
	if (bpf_redirect_map(&quic_cpus, cpu, XDP_PASS) != XDP_REDIRECT)
		return pass(QUIC_STEER_N_NO_CPU);
	quic_xdp_count(&quic_steer_n, why);
	return XDP_REDIRECT;
}

/* Nobody knows the owner: by the client's address. */
static __always_inline int by_address(const struct quic_steer *set,
				      const struct quic_xdp_pkt *p,
				      enum quic_steer_count why)
{
	__u32 n = set->n_cpus, at;

	if (!(set->flags & QUIC_STEER_SPREAD) || !n || n > QUIC_STEER_CPUS)
		return pass(why);
	at = ((__u64)quic_xdp_hash(p, set->seed) * n) >> 32;
	barrier_var(at);	/* clang knows that it is below n */
	return send_to(set->cpus[at & (QUIC_STEER_CPUS - 1)], why);
}

/* ---- who is the owner? --------------------------------------------------------------- */

static __always_inline __u32 owner_table(struct xdp_md *ctx,
					 struct quic_xdp_pkt *p)
{
	__u32 len = quic_xdp_id_len(p);
	struct quic_xdp_peer peer;
	int cpu;

	if (!bpf_ksym_exists(bpf_quic_xdp_owner) || !len)
		return NO_CPU;
	quic_xdp_peer(p, &peer);
	cpu = bpf_quic_xdp_owner(ctx, p->id, len,
				 p->kind == QUIC_XDP_SHORT ? NULL : &peer);
	return cpu < 0 ? NO_CPU : cpu;
}

static __always_inline __u32 owner_lb(struct quic_xdp_pkt *p)
{
	__u32 rotation = p->id[0] >> 5, len, at;
	struct quic_lb_conf *conf;

	conf = bpf_map_lookup_elem(&quic_lb_conf, &rotation);
	if (!conf || !conf->used || !conf->cpu_at || !quic_lb_valid(&conf->lb))
		return NO_CPU;
	len = p->kind == QUIC_XDP_SHORT ? QUIC_XDP_ID_MAX : p->id_len;
	at = conf->cpu_at;
	if (at > conf->lb.sid_len ||
	    quic_lb_read_keyed(&conf->lb, &conf->aes, p->id, len))
		return NO_CPU;
	barrier_var(at);
	return p->id[at & 15];
}

static __always_inline __u32 owner(struct xdp_md *ctx,
				   const struct quic_steer *set,
				   struct quic_xdp_pkt *p)
{
	if (set->scheme == QUIC_STEER_TABLE)
		return owner_table(ctx, p);
	if (quic_xdp_is_first(p))
		return NO_CPU;
	if (set->scheme == QUIC_STEER_LB)
		return owner_lb(p);
	/* QUIC_STEER_CPU */
	return p->kind == QUIC_XDP_SHORT || p->id_len ? p->id[0] : NO_CPU;
}

SEC("xdp.frags")
int xdp_quic_steer(struct xdp_md *ctx)
{
	struct quic_xdp_pkt p;
	struct quic_steer *set;
	__u32 zero = 0, cpu;

	switch (quic_xdp_find(ctx, &p)) {
	case QUIC_XDP_FOUND:
		break;
	case QUIC_XDP_FRAGMENT:
		return pass(QUIC_STEER_N_FRAGMENT);
	default:
		return pass(QUIC_STEER_N_OTHER);
	}
	if (p.kind == QUIC_XDP_BAD)
		return pass(QUIC_STEER_N_SHORT);
	set = bpf_map_lookup_elem(&quic_steer, &zero);
	if (!set)
		return XDP_PASS;
	cpu = owner(ctx, set, &p);
	if (cpu != NO_CPU)
		return send_to(cpu, QUIC_STEER_N_MOVED);
	return by_address(set, &p, quic_xdp_is_first(&p) ?
				   QUIC_STEER_N_FIRST : QUIC_STEER_N_UNKNOWN);
}

/* After those that drop. */
struct {
	__uint(priority, 40);
	__uint(XDP_PASS, 1);
} XDP_RUN_CONFIG(xdp_quic_steer);

char LICENSE[] SEC("license") = "GPL";
