/* SPDX-License-Identifier: GPL-2.0 */
/* What a program may write of the struct that its callbacks get. */
#ifndef KQUIC_BPF_ARGS_H
#define KQUIC_BPF_ARGS_H

#include <linux/bpf.h>
#include <linux/bpf_verifier.h>

struct quic_bpf_span {
	int start, end;		/* octets: from, and up to but without */
};

#define QUIC_BPF_MEMBER(type, name)					\
	{ offsetof(type, name), offsetofend(type, name) }

/**
 * struct quic_bpf_arg - the first argument of every callback of a type
 * @name:	of the struct, for the verifier's log
 * @fields:	those of it that can be written, in words
 * @writable:	the same as spans
 * @n:		how many
 * @type:	the struct as the verifier names it: its number in the module's BTF
 *		can be had in no other way by a module; it is the same each time
 */
struct quic_bpf_arg {
	const char *name, *fields;
	const struct quic_bpf_span *writable;
	int n;
	const struct btf_type *type;
};

bool quic_bpf_arg_valid(struct quic_bpf_arg *arg, int off, int size,
			enum bpf_access_type type, const struct bpf_prog *prog,
			struct bpf_insn_access_aux *info);
int quic_bpf_arg_write(const struct quic_bpf_arg *arg,
		       struct bpf_verifier_log *log,
		       const struct bpf_reg_state *reg, int off, int size);

#endif
