/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Everything that depends on the kernel version, and nothing else does.
 * Supported: 6.12 (Debian 13) and 7.3 (its backports).
 */
#ifndef KQUIC_COMPAT_H
#define KQUIC_COMPAT_H

#include <linux/kernel.h>
#include <linux/string.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE >= KERNEL_VERSION(7, 0, 0)
#define QUIC_KERNEL_7	1
#endif

/* ---- socket addresses: sockaddr_unsized in proto and proto_ops ---------- */
#ifdef QUIC_KERNEL_7
typedef struct sockaddr_unsized quic_sockaddr_t;
#else
typedef struct sockaddr quic_sockaddr_t;
#endif

/* ---- UDP transmit: a flags argument was added ---------------------------- */
#ifdef QUIC_KERNEL_7
#define quic_udp4_xmit(rt, sk, skb, src, dst, tos, ttl, df, sport, dport) \
	udp_tunnel_xmit_skb(rt, sk, skb, src, dst, tos, ttl, df, sport, dport, \
			    false, false, 0)
#define quic_udp6_xmit(dst_, sk, skb, src, dst, prio, ttl, label, sport, dport) \
	udp_tunnel6_xmit_skb(dst_, sk, skb, NULL, src, dst, prio, ttl, label, \
			     sport, dport, false, 0)
#else
#define quic_udp4_xmit(rt, sk, skb, src, dst, tos, ttl, df, sport, dport) \
	udp_tunnel_xmit_skb(rt, sk, skb, src, dst, tos, ttl, df, sport, dport, \
			    false, false)
#define quic_udp6_xmit(dst_, sk, skb, src, dst, prio, ttl, label, sport, dport) \
	udp_tunnel6_xmit_skb(dst_, sk, skb, NULL, src, dst, prio, ttl, label, \
			     sport, dport, false)
#endif

/* ---- splice into an skb: the gfp argument was dropped -------------------- */
#ifdef QUIC_KERNEL_7
#define quic_splice_from_iter(skb, iter, max) \
	skb_splice_from_iter(skb, iter, max)
#else
#define quic_splice_from_iter(skb, iter, max) \
	skb_splice_from_iter(skb, iter, max, GFP_KERNEL)
#endif

/* ---- the owner of a socket: a plain field now ---------------------------- */
#ifdef QUIC_KERNEL_7
#define quic_sk_uid(sk)		sk_uid(sk)
#else
#define quic_sk_uid(sk)		sock_i_uid(sk)
#endif

/* ---- BPF: all pointers of kfuncs are trusted ones now --------------------- */
#include <linux/btf.h>
#ifndef KF_TRUSTED_ARGS
#define KF_TRUSTED_ARGS		0
#endif

/* ---- what a socket sends is looked at for each device: if so configured --- */
#include <linux/skbuff.h>
#include <net/sock.h>
#if defined(CONFIG_SOCK_VALIDATE_XMIT) && defined(CONFIG_SKB_DECRYPTED)
#define QUIC_VALIDATES_XMIT	true
#define quic_sk_validates(sk, fn)				\
	/* Pairs with quic_sk_set_validate(): the keys are there. */	\
	(smp_load_acquire(&(sk)->sk_validate_xmit_skb) == (fn))
#define quic_sk_set_validate(sk, fn)				\
	/* Pairs with quic_sk_validates(). */			\
	smp_store_release(&(sk)->sk_validate_xmit_skb, fn)
#define quic_skb_set_decrypted(skb, bit)	((skb)->decrypted = (bit))
#else
#define QUIC_VALIDATES_XMIT	false
#define quic_sk_validates(sk, fn)	((void)(sk), (void)(fn), false)
#define quic_sk_set_validate(sk, fn)	((void)(sk), (void)(fn))
#define quic_skb_set_decrypted(skb, bit)	((void)(skb), (void)(bit))
#endif

/* ---- work in softirq: later kernels want to hear that it is a CPU's own ---- */
#ifdef QUIC_KERNEL_7
#define QUIC_WQ_BH	(WQ_BH | WQ_PERCPU)
#else
#define QUIC_WQ_BH	WQ_BH
#endif

/* ---- timers -------------------------------------------------------------- */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
#define hrtimer_setup(timer, fn, clock, mode) do {	\
	hrtimer_init(timer, clock, mode);		\
	(timer)->function = (fn);			\
} while (0)
#endif

/* ---- namespaces of symbols: their names became strings ------------------- */
#include <linux/module.h>
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
#define QUIC_IMPORT_NS(ns)	MODULE_IMPORT_NS(ns)
#else
#define QUIC_IMPORT_NS(ns)	MODULE_IMPORT_NS(#ns)
#endif

/* ---- ChaCha20: the state became a struct --------------------------------- */
#include <crypto/chacha.h>
#include <linux/unaligned.h>

/* The first @len bytes of key stream for @key and @iv, counter first.  Two
 * blocks are asked for, since one alone is not worth SIMD to the library.
 */
static inline void quic_chacha20_mask(const u8 *key, const u8 *iv, u8 *to,
				      u32 len)
{
	u8 block[2 * CHACHA_BLOCK_SIZE] = {};
	u32 word[CHACHA_KEY_SIZE / 4];
	int i;
#ifdef QUIC_KERNEL_7
	struct chacha_state state;
#else
	u32 state[CHACHA_STATE_WORDS];
#endif

	for (i = 0; i < ARRAY_SIZE(word); i++)
		word[i] = get_unaligned_le32(key + 4 * i);
#ifdef QUIC_KERNEL_7
	chacha_init(&state, word, iv);
	chacha20_crypt(&state, block, block, sizeof(block));
	chacha_zeroize_state(&state);
#else
	chacha_init(state, word, iv);
	chacha20_crypt(state, block, block, sizeof(block));
	memzero_explicit(state, sizeof(state));
#endif
	memcpy(to, block, len);
	memzero_explicit(word, sizeof(word));
}

#endif
