// SPDX-License-Identifier: GPL-2.0
/*
 * What quic/types.h is made of: the BTF of this file has the types that it
 * names and what they consist of, and no other of the kernel's.  An author is
 * free to call a struct bbr, an enumerator UP.
 */
#include <quic/vmlinux.h>

/* What callbacks get and programs call. */
struct quic_congestion_ops congestion_ops;
struct quic_cc cc;
struct quic_cc_ack ack;
struct quic_cc_sent sent;
struct quic_cc_loss loss;
struct quic_cc_exit cc_exit;
enum quic_cc_flag flag;
enum quic_cc_exit_kind exit_kind;
enum quic_cc_starved starved;
struct quic_connid_ops connid_ops;
struct quic_connid connid;

/* For bpf_helpers.h, and for what programs define themselves. */
__u8 u8_type;
__u16 u16_type;
__u32 u32_type;
__u64 u64_type;
__s8 s8_type;
__s16 s16_type;
__s32 s32_type;
__s64 s64_type;
u8 u8_short;
u16 u16_short;
u32 u32_short;
u64 u64_short;
s8 s8_short;
s16 s16_short;
s32 s32_short;
s64 s64_short;
__be16 be16_type;
__be32 be32_type;
__be64 be64_type;
__wsum wsum_type;
size_t size_type;
bool bool_type;
struct bpf_spin_lock spin_lock;
struct bpf_timer timer;
