// SPDX-License-Identifier: GPL-2.0
/*
 * struct quic_connid_ops as a BPF struct_ops type: what programs may read, write
 * and call, and their way into the registry (registry.c).
 *
 * Owns: the type's description.
 * Called from: the verifier and the struct_ops map, on behalf of who loads a
 * program.
 * Context: process.
 */
#include <linux/bpf.h>
#include <linux/btf.h>
#include <linux/module.h>
#include "../conn/connid.h"
#include "bpf.h"
#include "ops.h"

#define FIELD(name) QUIC_BPF_FIELD(struct quic_connid, name)
#define N_WRITABLE 5

/* Each call has a copy of its own: what it has no use for does no harm. */
static const struct quic_bpf_field field[] = {
	FIELD(bytes), FIELD(len), FIELD(cpu), FIELD(listener), FIELD(server),
	/* and read-only */
	FIELD(listeners), FIELD(hash), FIELD(number),
};

static struct quic_bpf_ops ops = {
	.what = "a connection ID program",
	.registry = &quic_connid_registry,
	.arg = "struct quic_connid",
	.writable = "bytes, len, cpu, listener and server",
	.field = field,
	.n = ARRAY_SIZE(field),
	.n_writable = N_WRITABLE,
};

QUIC_BPF_OPS_ASSERT(struct quic_connid_ops);

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
	quic_registry_remove(&quic_connid_registry, kdata);
}

static int update(void *kdata, void *old_kdata, struct bpf_link *link)
{
	return quic_bpf_ops_update(&ops, kdata, old_kdata);
}

/* ---- one function of each kind, never called: types for the trampolines --------- */

static int quic_connid_ops__generate(struct quic_connid *id)
{
	return 0;
}

static int quic_connid_ops__decode(struct quic_connid *id)
{
	return 0;
}

static int quic_connid_ops__choose(struct quic_connid *id)
{
	return 0;
}

static void quic_connid_ops__issued(struct quic_connid *id)
{
}

static void quic_connid_ops__retired(struct quic_connid *id)
{
}

static struct quic_connid_ops stubs = {
	.generate = quic_connid_ops__generate,
	.decode = quic_connid_ops__decode,
	.choose = quic_connid_ops__choose,
	.issued = quic_connid_ops__issued,
	.retired = quic_connid_ops__retired,
};

static struct bpf_struct_ops connid_struct_ops = {
	.verifier_ops = &verifier_ops,
	.init = init,
	.init_member = init_member,
	.check_member = quic_bpf_ops_check,
	.reg = reg,
	.unreg = unreg,
	.update = update,
	.cfi_stubs = &stubs,
	.name = "quic_connid_ops",
	.owner = THIS_MODULE,
};

int quic_bpf_connid_init(void)
{
	return register_bpf_struct_ops(&connid_struct_ops, quic_connid_ops);
}
