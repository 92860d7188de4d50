/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * Make and read the connection IDs of kernel QUIC: include this and nothing else.
 *
 *	#include <quic/connid.h>
 *
 *	QUIC_CONNID_OP(mine_generate, struct quic_connid *id)
 *	{
 *		id->bytes[0] = id->cpu;
 *		return 0;
 *	}
 *
 *	QUIC_CONNID_DEFINE(mine, .generate = (void *)mine_generate);
 *
 *	bpftool struct_ops register mine.bpf.o
 *	sysctl net.quic.connid=mine
 *
 * What is called when, and what may be written, stands at struct quic_connid_ops
 * and struct quic_connid in kernel/conn/connid.h of kquic, and in
 * docs/cid-format.md, installed in /usr/share/doc/quic.
 */
#ifndef QUIC_CONNID_BPF_H
#define QUIC_CONNID_BPF_H

#include <quic/types.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>

#ifndef QUIC_LICENSE
#define QUIC_LICENSE "GPL"
#endif
char LICENSE[] SEC("license") = QUIC_LICENSE;

#define QUIC_CONNID_LEN		8
#define QUIC_CONNID_MAX_LEN	20
#define QUIC_CONNID_NO_CPU	(~0U)
#define QUIC_CONNID_BY_CPU	(~0U)

/**
 * QUIC_CONNID_OP - a callback that answers: 0, or anything else for the default
 * @name:	of the function
 * @args:	struct quic_connid *id
 */
#define QUIC_CONNID_OP(name, args...)					\
SEC("struct_ops")							\
int BPF_PROG(name, ##args)

/* A callback that is only told: issued() and retired(). */
#define QUIC_CONNID_TOLD(name, args...)					\
SEC("struct_ops")							\
void BPF_PROG(name, ##args)

/* As QUIC_CC_DEFINE() and QUIC_CC_DEFINE_LINK() of <quic/cc.h>. */
#define QUIC_CONNID_DEFINE(ident, ops...)				\
SEC(".struct_ops")							\
struct quic_connid_ops ident = { .name = #ident, ##ops }

#define QUIC_CONNID_DEFINE_LINK(ident, ops...)				\
SEC(".struct_ops.link")							\
struct quic_connid_ops ident = { .name = #ident, ##ops }

#endif
