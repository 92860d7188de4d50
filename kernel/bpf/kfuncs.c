// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: the functions that struct_ops programs of ours may call, and
 * registration of all that BPF sees of the module.
 * Called from: programs, under the lock of the connection they were called for;
 * main.c.
 * Context: softirq or process.
 *
 * Arguments are a program's: any number is possible, pointers are what the
 * verifier has proven.
 */
#include <linux/btf.h>
#include <linux/btf_ids.h>
#include <linux/module.h>
#include "../compat.h"
#include "../recovery/cc.h"
#include "bpf.h"

__bpf_kfunc_start_defs();

/**
 * bpf_quic_muldiv - a * b / c, with 128 bits between
 * @a:		factor
 * @b:		factor
 * @c:		divisor
 *
 * Return: the quotient, rounded down; all ones if it does not fit, or @c is 0.
 */
__bpf_kfunc u64 bpf_quic_muldiv(u64 a, u64 b, u64 c)
{
	/* The division instruction would fault. */
	if (mul_u64_u64_shr(a, b, 64) >= c)
		return U64_MAX;
	return mul_u64_u64_div_u64(a, b, c);
}

/**
 * bpf_quic_cc_default_acked - do what happens without on_acked(): NewReno
 * @cc:		as given to the program
 * @ack:	as given to the program, or a changed copy
 */
__bpf_kfunc void bpf_quic_cc_default_acked(struct quic_cc *cc,
					   const struct quic_cc_ack *ack)
{
	quic_cc_default_acked(cc, ack);
}

/**
 * bpf_quic_cc_default_lost - do what happens without on_lost(): NewReno
 * @cc:		as given to the program
 * @loss:	as given to the program, or a changed copy
 */
__bpf_kfunc void bpf_quic_cc_default_lost(struct quic_cc *cc,
					  const struct quic_cc_loss *loss)
{
	quic_cc_default_lost(cc, loss);
}

/**
 * bpf_quic_cc_give_up - hand this connection to the built-in algorithm
 * @cc:		as given to the program
 * @code:	why; shown to the operator
 *
 * It happens when the callback returns; exit() and release() are called.
 */
__bpf_kfunc void bpf_quic_cc_give_up(struct quic_cc *cc, u32 code)
{
	cc->give_up = true;
	cc->give_up_code = code;
}

__bpf_kfunc_end_defs();

BTF_KFUNCS_START(kfunc_ids)
BTF_ID_FLAGS(func, bpf_quic_muldiv)
BTF_ID_FLAGS(func, bpf_quic_cc_default_acked, KF_TRUSTED_ARGS)
BTF_ID_FLAGS(func, bpf_quic_cc_default_lost, KF_TRUSTED_ARGS)
BTF_ID_FLAGS(func, bpf_quic_cc_give_up, KF_TRUSTED_ARGS)
BTF_KFUNCS_END(kfunc_ids)

static const struct btf_kfunc_id_set kfunc_set = {
	.owner = THIS_MODULE,
	.set = &kfunc_ids,
};

void quic_bpf_init(void)
{
	int err = register_btf_kfunc_id_set(BPF_PROG_TYPE_STRUCT_OPS,
					    &kfunc_set);

	if (!err)
		err = quic_bpf_cc_init();
	if (!err)
		err = quic_bpf_connid_init();
	if (!err)
		err = quic_bpf_xdp_init();
	if (err)
		pr_warn("quic: no BPF programs can be loaded, is there BTF? (%d)\n",
			err);
}
