// SPDX-License-Identifier: GPL-2.0
/*
 * struct quic_congestion_ops as a BPF struct_ops type: what programs may read,
 * write and call, and their way into the registry (registry.c).
 *
 * Owns: the type's description.
 * Called from: the verifier and the struct_ops map, on behalf of who loads a
 * program.
 * Context: process.
 */
#include <linux/bpf.h>
#include <linux/btf.h>
#include <linux/module.h>
#include "../recovery/cc.h"
#include "bpf.h"
#include "ops.h"

/* ---- what a program may access --------------------------------------------- */

#define FIELD(name) QUIC_BPF_FIELD(struct quic_cc, name)
#define N_WRITABLE 4

static const struct quic_bpf_field field[] = {
	FIELD(cwnd), FIELD(ssthresh), FIELD(pacing_rate), FIELD(priv),
	/* and read-only */
	FIELD(cwnd_max), FIELD(mss), FIELD(wants), FIELD(recovery_start),
	FIELD(number), FIELD(acked), FIELD(algo), FIELD(rate_floor),
	FIELD(asked_cwnd), FIELD(round_start), FIELD(began), FIELD(starving),
	FIELD(give_up_code), FIELD(give_up),
};

static struct quic_bpf_ops ops = {
	.what = "a BPF congestion control",
	.registry = &quic_cc_registry,
	.flags = QUIC_CC_FLAGS,
	.arg = "struct quic_cc",
	.writable = "cwnd, ssthresh, pacing_rate and priv",
	.field = field,
	.n = ARRAY_SIZE(field),
	.n_writable = N_WRITABLE,
};

QUIC_BPF_OPS_ASSERT(struct quic_congestion_ops);

static bool is_valid_access(int off, int size, enum bpf_access_type type,
			    const struct bpf_prog *prog,
			    struct bpf_insn_access_aux *info)
{
	return quic_bpf_ops_valid(&ops, off, size, type, prog, info);
}

static int struct_access(struct bpf_verifier_log *log,
			 const struct bpf_reg_state *reg, int off, int size)
{
	return quic_bpf_ops_write(&ops, log, reg, off, size);
}

static const struct bpf_verifier_ops verifier_ops = {
	.get_func_proto = bpf_base_func_proto,
	.is_valid_access = is_valid_access,
	.btf_struct_access = struct_access,
};

/* ---- into the registry --------------------------------------------------------- */

static int init(struct btf *btf)
{
	return 0;
}

static int init_member(const struct btf_type *t,
		       const struct btf_member *member, void *kdata,
		       const void *udata)
{
	return quic_bpf_ops_member(&ops, t, member, kdata, udata);
}

static int reg(void *kdata, struct bpf_link *link)
{
	return quic_bpf_ops_reg(&ops, kdata);
}

static void unreg(void *kdata, struct bpf_link *link)
{
	quic_registry_remove(&quic_cc_registry, kdata);
}

static int update(void *kdata, void *old_kdata, struct bpf_link *link)
{
	return quic_bpf_ops_update(&ops, kdata, old_kdata);
}

/* ---- one function of each kind, never called: types for the trampolines --------- */

static void quic_congestion_ops__init(struct quic_cc *cc, u64 now)
{
}

static void quic_congestion_ops__release(struct quic_cc *cc)
{
}

static void quic_congestion_ops__on_sent(struct quic_cc *cc,
					 const struct quic_cc_sent *sent)
{
}

static void quic_congestion_ops__on_acked(struct quic_cc *cc,
					  const struct quic_cc_ack *ack)
{
}

static void quic_congestion_ops__on_lost(struct quic_cc *cc,
					 const struct quic_cc_loss *loss)
{
}

static void quic_congestion_ops__on_idle_restart(struct quic_cc *cc, u64 now)
{
}

static void quic_congestion_ops__exit(struct quic_cc *cc,
				      const struct quic_cc_exit *exit)
{
}

static struct quic_congestion_ops stubs = {
	.init = quic_congestion_ops__init,
	.release = quic_congestion_ops__release,
	.on_sent = quic_congestion_ops__on_sent,
	.on_acked = quic_congestion_ops__on_acked,
	.on_lost = quic_congestion_ops__on_lost,
	.on_idle_restart = quic_congestion_ops__on_idle_restart,
	.exit = quic_congestion_ops__exit,
};

static struct bpf_struct_ops cc_struct_ops = {
	.verifier_ops = &verifier_ops,
	.init = init,
	.init_member = init_member,
	.check_member = quic_bpf_ops_check,
	.reg = reg,
	.unreg = unreg,
	.update = update,
	.cfi_stubs = &stubs,
	.name = "quic_congestion_ops",
	.owner = THIS_MODULE,
};

int quic_bpf_cc_init(void)
{
	return register_bpf_struct_ops(&cc_struct_ops, quic_congestion_ops);
}
