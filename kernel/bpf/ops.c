// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: what the struct_ops types of the module have in common: programs may
 * write some members of their first argument; they have a name and flags, and
 * go into a registry.
 * Called from: bpf/ops_cc, bpf/ops_cid, for the verifier and the struct_ops map.
 * Context: process.
 * Locks: none; @type is the same whoever writes it.
 */
#include <linux/btf.h>
#include "ops.h"

/* ---- what a program may access --------------------------------------------- */

bool quic_bpf_ops_valid(struct quic_bpf_ops *ops, int off, int size,
			enum bpf_access_type type, const struct bpf_prog *prog,
			struct bpf_insn_access_aux *info)
{
	if (!bpf_tracing_btf_ctx_access(off, size, type, prog, info))
		return false;
	if (!off && base_type(info->reg_type) == PTR_TO_BTF_ID)
		WRITE_ONCE(ops->type, btf_type_by_id(info->btf, info->btf_id));
	return true;
}

int quic_bpf_ops_write(const struct quic_bpf_ops *ops,
		       struct bpf_verifier_log *log,
		       const struct bpf_reg_state *reg, int off, int size)
{
	const char *name = "padding";
	int i;

	/* One that was kept in a map, from another call, leads nowhere. */
	if (type_flag(reg->type) & PTR_UNTRUSTED) {
		bpf_log(log, "quic: %s can be written to while a call has it, not later\n",
			ops->arg);
		return -EACCES;
	}
	if (btf_type_by_id(reg->btf, reg->btf_id) != READ_ONCE(ops->type)) {
		bpf_log(log, "quic: only %s can be written to, all else is read-only\n",
			ops->arg);
		return -EACCES;
	}
	for (i = 0; i < ops->n; i++) {
		if (off < ops->field[i].start || off >= ops->field[i].end)
			continue;
		name = ops->field[i].name;
		if (i < ops->n_writable && off + size <= ops->field[i].end)
			return 0;
	}
	bpf_log(log, "quic: write to %s of %s, %d octets at offset %d: only %s can be written\n",
		name, ops->arg, size, off, ops->writable);
	return -EACCES;
}

/* ---- into the registry --------------------------------------------------------- */

static int say(const struct quic_bpf_ops *ops, const char *name, int err)
{
	if (err == -EINVAL)
		pr_info("quic: %s needs a .name of 1 to 15 of A-Z a-z 0-9 _ - . and keeps it when it is updated\n",
			ops->what);
	else if (err == -EEXIST)
		pr_info("quic: %s of the name %s is there already\n",
			ops->what, name);
	return err;
}

int quic_bpf_ops_member(const struct quic_bpf_ops *ops,
			const struct btf_type *t,
			const struct btf_member *member, void *kdata,
			const void *udata)
{
	u64 flags;

	switch (__btf_member_bit_offset(t, member) / 8) {
	case 0:
		if (strnlen(udata, QUIC_NAME_MAX) == QUIC_NAME_MAX)
			return say(ops, NULL, -EINVAL);
		memcpy(kdata, udata, QUIC_NAME_MAX);
		return 1;
	case QUIC_NAME_MAX:
		flags = *(const u64 *)(udata + QUIC_NAME_MAX);
		if (flags & ~ops->flags) {
			pr_info("quic: %s with flags that this kernel does not know: %#llx\n",
				ops->what, flags);
			return -EINVAL;
		}
		*(u64 *)(kdata + QUIC_NAME_MAX) = flags;
		return 1;
	}
	return 0;
}

/* Programs are called under the socket's lock and RCU, often in softirq. */
int quic_bpf_ops_check(const struct btf_type *t,
		       const struct btf_member *member,
		       const struct bpf_prog *prog)
{
	return prog->sleepable ? -EINVAL : 0;
}

int quic_bpf_ops_reg(const struct quic_bpf_ops *ops, void *kdata)
{
	return say(ops, kdata, quic_registry_add(ops->registry, kdata, true));
}

int quic_bpf_ops_update(const struct quic_bpf_ops *ops, void *kdata,
			void *old_kdata)
{
	return say(ops, kdata,
		   quic_registry_update(ops->registry, kdata, old_kdata));
}
