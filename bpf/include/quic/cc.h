/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * Write a congestion control for kernel QUIC: include this and nothing else.
 *
 *	#include <quic/cc.h>
 *
 *	QUIC_CC_OP(mine_on_acked, struct quic_cc *cc, const struct quic_cc_ack *ack)
 *	{
 *		if (!ack->app_limited)
 *			cc->cwnd += ack->bytes / 2;
 *	}
 *
 *	QUIC_CC_DEFINE(mine, .on_acked = (void *)mine_on_acked);
 *
 *	clang -g -O2 -target bpf -c mine.bpf.c -o mine.bpf.o
 *	bpftool struct_ops register mine.bpf.o
 *	sysctl net.quic.congestion_control=mine
 *
 * What is called when, and what may be written, stands at struct
 * quic_congestion_ops and struct quic_cc in kernel/recovery/cc.h of kquic, and
 * in docs/bpf-ops.md, installed in /usr/share/doc/quic.
 */
#ifndef QUIC_CC_BPF_H
#define QUIC_CC_BPF_H

#include <quic/types.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>

#ifndef QUIC_LICENSE
#define QUIC_LICENSE "GPL"
#endif
char LICENSE[] SEC("license") = QUIC_LICENSE;

/**
 * QUIC_CC_OP - one callback
 * @name:	of the function
 * @args:	as struct quic_congestion_ops has them; none may be called ctx
 */
#define QUIC_CC_OP(name, args...)					\
SEC("struct_ops")							\
void BPF_PROG(name, ##args)

/**
 * QUIC_CC_DEFINE - the algorithm
 * @ident:	its name, which is how users choose it
 * @ops:	.member = (void *)function, ...; none is necessary
 *
 * It stays registered until `bpftool struct_ops unregister`.  With
 * QUIC_CC_DEFINE_LINK it lives as long as its link: `bpftool struct_ops
 * register OBJ DIR` pins that, removing the pin unregisters; only through a
 * link it can be replaced by a new version while connections use it.
 */
#define QUIC_CC_DEFINE(ident, ops...)					\
SEC(".struct_ops")							\
struct quic_congestion_ops ident = { .name = #ident, ##ops }

#define QUIC_CC_DEFINE_LINK(ident, ops...)				\
SEC(".struct_ops.link")							\
struct quic_congestion_ops ident = { .name = #ident, ##ops }

/**
 * QUIC_CC_PRIV - the private words of a connection as a struct
 * @cc:		struct quic_cc *
 * @type:	struct that fits into QUIC_CC_PRIV_WORDS words
 */
#define QUIC_CC_PRIV_WORDS	32
#define QUIC_CC_PRIV(cc, type) ({					\
	_Static_assert(sizeof(type) <= QUIC_CC_PRIV_WORDS * 8,		\
		       #type " is larger than the private words");	\
	(type *)(void *)(cc)->priv; })

#define QUIC_USEC	1000ULL
#define QUIC_MSEC	1000000ULL
#define QUIC_SEC	1000000000ULL
#define QUIC_NONE	(~0ULL)		/* no ssthresh yet */

/* ---- functions of the module ------------------------------------------------- */

/* a * b / c with 128 bits between; all ones if it does not fit or c is 0. */
extern __u64 bpf_quic_muldiv(__u64 a, __u64 b, __u64 c) __ksym;
/* What happens without on_acked() and on_lost(): NewReno. */
extern void bpf_quic_cc_default_acked(struct quic_cc *cc,
				      const struct quic_cc_ack *ack) __ksym;
extern void bpf_quic_cc_default_lost(struct quic_cc *cc,
				     const struct quic_cc_loss *loss) __ksym;
/* The connection goes to the built-in algorithm when this callback returns;
 * /proc/net/quic/cc_exits shows the code.
 */
extern void bpf_quic_cc_give_up(struct quic_cc *cc, __u32 code) __ksym;

/* ---- small things --------------------------------------------------------------- */

#define quic_min(a, b) ({						\
	typeof(a) _a = (a); typeof(b) _b = (b); _a < _b ? _a : _b; })
#define quic_max(a, b) ({						\
	typeof(a) _a = (a); typeof(b) _b = (b); _a > _b ? _a : _b; })
#define quic_clamp(v, lo, hi)	quic_min(quic_max(v, lo), hi)

/* RFC 9002 section 7.2 */
static __always_inline __u64 quic_cc_initial_window(__u32 mss)
{
	return quic_min(10ULL * mss, quic_max(14720ULL, 2ULL * mss));
}

static __always_inline __u64 quic_cc_minimum_window(__u32 mss)
{
	return 2ULL * mss;
}

static __always_inline bool quic_cc_in_slow_start(const struct quic_cc *cc)
{
	return cc->cwnd < cc->ssthresh;
}

#endif
