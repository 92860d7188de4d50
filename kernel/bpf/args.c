// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: what struct_ops programs may write: some members of their first
 * argument, the same way for each type of ours.
 * Called from: bpf/ops_cc, bpf/ops_cid, for the verifier.
 * Context: process.
 * Locks: none; @type is the same whoever writes it.
 */
#include <linux/btf.h>
#include "args.h"

bool quic_bpf_arg_valid(struct quic_bpf_arg *arg, int off, int size,
			enum bpf_access_type type, const struct bpf_prog *prog,
			struct bpf_insn_access_aux *info)
{
	if (!bpf_tracing_btf_ctx_access(off, size, type, prog, info))
		return false;
	if (!off && base_type(info->reg_type) == PTR_TO_BTF_ID)
		WRITE_ONCE(arg->type, btf_type_by_id(info->btf, info->btf_id));
	return true;
}

int quic_bpf_arg_write(const struct quic_bpf_arg *arg,
		       struct bpf_verifier_log *log,
		       const struct bpf_reg_state *reg, int off, int size)
{
	int i;

	if (btf_type_by_id(reg->btf, reg->btf_id) != READ_ONCE(arg->type)) {
		bpf_log(log, "quic: only %s can be written to, all else is read-only\n",
			arg->name);
		return -EACCES;
	}
	for (i = 0; i < arg->n; i++)
		if (off >= arg->writable[i].start &&
		    off + size <= arg->writable[i].end)
			return 0;
	bpf_log(log, "quic: write to %s at offset %d, size %d: only %s can be written\n",
		arg->name, off, size, arg->fields);
	return -EACCES;
}
