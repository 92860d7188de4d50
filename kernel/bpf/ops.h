/* SPDX-License-Identifier: GPL-2.0 */
/* What the struct_ops types of the module have in common. */
#ifndef KQUIC_BPF_OPS_H
#define KQUIC_BPF_OPS_H

#include <linux/bpf.h>
#include <linux/bpf_verifier.h>
#include "../registry.h"

struct quic_bpf_field {
	const char *name;
	int start, end;		/* octets: from, and up to but without */
};

#define QUIC_BPF_FIELD(type, name)					\
	{ #name, offsetof(type, name), offsetofend(type, name) }

/* What quic_bpf_ops_member() takes for granted. */
#define QUIC_BPF_OPS_ASSERT(type)					\
	static_assert(!offsetof(type, name) &&				\
		      sizeof_field(type, name) == QUIC_NAME_MAX &&	\
		      offsetof(type, flags) == QUIC_NAME_MAX)

/**
 * struct quic_bpf_ops - a struct_ops type; its struct begins with name and flags
 * @what:	a program of it, in words
 * @registry:	where its programs go
 * @flags:	that there are
 * @arg:	the struct that is the first argument of every callback
 * @writable:	fields of that which can be written, in words
 * @field:	all its fields, the writable ones first
 * @n:		how many
 * @n_writable:	of these
 * @type:	the struct as the verifier names it: its number in the module's BTF
 *		can be had in no other way by a module; it is the same each time
 */
struct quic_bpf_ops {
	const char *what;
	struct quic_registry *registry;
	u64 flags;
	const char *arg, *writable;
	const struct quic_bpf_field *field;
	int n, n_writable;
	const struct btf_type *type;
};

/* For the callbacks of struct bpf_verifier_ops ... */
bool quic_bpf_ops_valid(struct quic_bpf_ops *ops, int off, int size,
			enum bpf_access_type type, const struct bpf_prog *prog,
			struct bpf_insn_access_aux *info);
int quic_bpf_ops_write(const struct quic_bpf_ops *ops,
		       struct bpf_verifier_log *log,
		       const struct bpf_reg_state *reg, int off, int size);
/* ... and of struct bpf_struct_ops. */
int quic_bpf_ops_member(const struct quic_bpf_ops *ops,
			const struct btf_type *t,
			const struct btf_member *member, void *kdata,
			const void *udata);
int quic_bpf_ops_check(const struct btf_type *t,
		       const struct btf_member *member,
		       const struct bpf_prog *prog);
int quic_bpf_ops_reg(const struct quic_bpf_ops *ops, void *kdata);
int quic_bpf_ops_update(const struct quic_bpf_ops *ops, void *kdata,
			void *old_kdata);

#endif
