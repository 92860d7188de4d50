/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * QUIC-LB connection IDs (draft-ietf-quic-load-balancers-21): made and read, in
 * plain text, in a single pass and in four passes of AES-128.
 *
 *	octet 0		top 3 bits: configuration; the others: length - 1, or random
 *	server ID	1 octet or more
 *	nonce		4 octets or more; both together at most 19
 *
 * For any BPF program, and for userspace: no helper, no map, no kernel type.
 * Include <quic/vmlinux.h> or <linux/types.h> before.
 */
#ifndef QUIC_LB_H
#define QUIC_LB_H

#ifndef __always_inline
#define __always_inline inline
#endif

#define QUIC_LB_MAX		19	/* server ID and nonce */
#define QUIC_LB_BLOCK		16
#define QUIC_LB_UNROUTABLE	7	/* this "configuration" means none */

struct quic_lb {
	__u8 key[QUIC_LB_BLOCK];
	__u8 encrypt;		/* 0: plain text, @key is not used */
	__u8 rotation;		/* configuration, 0..6 */
	__u8 sid_len;		/* 1..15 */
	__u8 nonce_len;		/* 4..18 */
	__u8 self_len;		/* octet 0 has the length */
};

/* ---- AES-128 (FIPS 197) --------------------------------------------------------- */

#define QUIC_LB_ONE(s)	s,
#define QUIC_LB_X2(s)	(((s) << 1 ^ ((s) >> 7) * 0x1b) & 0xff)
#define QUIC_LB_X4(s)	QUIC_LB_X2(QUIC_LB_X2(s))
#define QUIC_LB_X8(s)	QUIC_LB_X2(QUIC_LB_X4(s))
#define QUIC_LB_WORD(a, b, c, d) \
	((__u32)(a) | (__u32)(b) << 8 | (__u32)(c) << 16 | (__u32)(d) << 24),

#define QUIC_LB_SBOX(X)							\
	X(0x63) X(0x7c) X(0x77) X(0x7b) X(0xf2) X(0x6b) X(0x6f) X(0xc5)	\
	X(0x30) X(0x01) X(0x67) X(0x2b) X(0xfe) X(0xd7) X(0xab) X(0x76)	\
	X(0xca) X(0x82) X(0xc9) X(0x7d) X(0xfa) X(0x59) X(0x47) X(0xf0)	\
	X(0xad) X(0xd4) X(0xa2) X(0xaf) X(0x9c) X(0xa4) X(0x72) X(0xc0)	\
	X(0xb7) X(0xfd) X(0x93) X(0x26) X(0x36) X(0x3f) X(0xf7) X(0xcc)	\
	X(0x34) X(0xa5) X(0xe5) X(0xf1) X(0x71) X(0xd8) X(0x31) X(0x15)	\
	X(0x04) X(0xc7) X(0x23) X(0xc3) X(0x18) X(0x96) X(0x05) X(0x9a)	\
	X(0x07) X(0x12) X(0x80) X(0xe2) X(0xeb) X(0x27) X(0xb2) X(0x75)	\
	X(0x09) X(0x83) X(0x2c) X(0x1a) X(0x1b) X(0x6e) X(0x5a) X(0xa0)	\
	X(0x52) X(0x3b) X(0xd6) X(0xb3) X(0x29) X(0xe3) X(0x2f) X(0x84)	\
	X(0x53) X(0xd1) X(0x00) X(0xed) X(0x20) X(0xfc) X(0xb1) X(0x5b)	\
	X(0x6a) X(0xcb) X(0xbe) X(0x39) X(0x4a) X(0x4c) X(0x58) X(0xcf)	\
	X(0xd0) X(0xef) X(0xaa) X(0xfb) X(0x43) X(0x4d) X(0x33) X(0x85)	\
	X(0x45) X(0xf9) X(0x02) X(0x7f) X(0x50) X(0x3c) X(0x9f) X(0xa8)	\
	X(0x51) X(0xa3) X(0x40) X(0x8f) X(0x92) X(0x9d) X(0x38) X(0xf5)	\
	X(0xbc) X(0xb6) X(0xda) X(0x21) X(0x10) X(0xff) X(0xf3) X(0xd2)	\
	X(0xcd) X(0x0c) X(0x13) X(0xec) X(0x5f) X(0x97) X(0x44) X(0x17)	\
	X(0xc4) X(0xa7) X(0x7e) X(0x3d) X(0x64) X(0x5d) X(0x19) X(0x73)	\
	X(0x60) X(0x81) X(0x4f) X(0xdc) X(0x22) X(0x2a) X(0x90) X(0x88)	\
	X(0x46) X(0xee) X(0xb8) X(0x14) X(0xde) X(0x5e) X(0x0b) X(0xdb)	\
	X(0xe0) X(0x32) X(0x3a) X(0x0a) X(0x49) X(0x06) X(0x24) X(0x5c)	\
	X(0xc2) X(0xd3) X(0xac) X(0x62) X(0x91) X(0x95) X(0xe4) X(0x79)	\
	X(0xe7) X(0xc8) X(0x37) X(0x6d) X(0x8d) X(0xd5) X(0x4e) X(0xa9)	\
	X(0x6c) X(0x56) X(0xf4) X(0xea) X(0x65) X(0x7a) X(0xae) X(0x08)	\
	X(0xba) X(0x78) X(0x25) X(0x2e) X(0x1c) X(0xa6) X(0xb4) X(0xc6)	\
	X(0xe8) X(0xdd) X(0x74) X(0x1f) X(0x4b) X(0xbd) X(0x8b) X(0x8a)	\
	X(0x70) X(0x3e) X(0xb5) X(0x66) X(0x48) X(0x03) X(0xf6) X(0x0e)	\
	X(0x61) X(0x35) X(0x57) X(0xb9) X(0x86) X(0xc1) X(0x1d) X(0x9e)	\
	X(0xe1) X(0xf8) X(0x98) X(0x11) X(0x69) X(0xd9) X(0x8e) X(0x94)	\
	X(0x9b) X(0x1e) X(0x87) X(0xe9) X(0xce) X(0x55) X(0x28) X(0xdf)	\
	X(0x8c) X(0xa1) X(0x89) X(0x0d) X(0xbf) X(0xe6) X(0x42) X(0x68)	\
	X(0x41) X(0x99) X(0x2d) X(0x0f) X(0xb0) X(0x54) X(0xbb) X(0x16)

#define QUIC_LB_UNSBOX(X)						\
	X(0x52) X(0x09) X(0x6a) X(0xd5) X(0x30) X(0x36) X(0xa5) X(0x38)	\
	X(0xbf) X(0x40) X(0xa3) X(0x9e) X(0x81) X(0xf3) X(0xd7) X(0xfb)	\
	X(0x7c) X(0xe3) X(0x39) X(0x82) X(0x9b) X(0x2f) X(0xff) X(0x87)	\
	X(0x34) X(0x8e) X(0x43) X(0x44) X(0xc4) X(0xde) X(0xe9) X(0xcb)	\
	X(0x54) X(0x7b) X(0x94) X(0x32) X(0xa6) X(0xc2) X(0x23) X(0x3d)	\
	X(0xee) X(0x4c) X(0x95) X(0x0b) X(0x42) X(0xfa) X(0xc3) X(0x4e)	\
	X(0x08) X(0x2e) X(0xa1) X(0x66) X(0x28) X(0xd9) X(0x24) X(0xb2)	\
	X(0x76) X(0x5b) X(0xa2) X(0x49) X(0x6d) X(0x8b) X(0xd1) X(0x25)	\
	X(0x72) X(0xf8) X(0xf6) X(0x64) X(0x86) X(0x68) X(0x98) X(0x16)	\
	X(0xd4) X(0xa4) X(0x5c) X(0xcc) X(0x5d) X(0x65) X(0xb6) X(0x92)	\
	X(0x6c) X(0x70) X(0x48) X(0x50) X(0xfd) X(0xed) X(0xb9) X(0xda)	\
	X(0x5e) X(0x15) X(0x46) X(0x57) X(0xa7) X(0x8d) X(0x9d) X(0x84)	\
	X(0x90) X(0xd8) X(0xab) X(0x00) X(0x8c) X(0xbc) X(0xd3) X(0x0a)	\
	X(0xf7) X(0xe4) X(0x58) X(0x05) X(0xb8) X(0xb3) X(0x45) X(0x06)	\
	X(0xd0) X(0x2c) X(0x1e) X(0x8f) X(0xca) X(0x3f) X(0x0f) X(0x02)	\
	X(0xc1) X(0xaf) X(0xbd) X(0x03) X(0x01) X(0x13) X(0x8a) X(0x6b)	\
	X(0x3a) X(0x91) X(0x11) X(0x41) X(0x4f) X(0x67) X(0xdc) X(0xea)	\
	X(0x97) X(0xf2) X(0xcf) X(0xce) X(0xf0) X(0xb4) X(0xe6) X(0x73)	\
	X(0x96) X(0xac) X(0x74) X(0x22) X(0xe7) X(0xad) X(0x35) X(0x85)	\
	X(0xe2) X(0xf9) X(0x37) X(0xe8) X(0x1c) X(0x75) X(0xdf) X(0x6e)	\
	X(0x47) X(0xf1) X(0x1a) X(0x71) X(0x1d) X(0x29) X(0xc5) X(0x89)	\
	X(0x6f) X(0xb7) X(0x62) X(0x0e) X(0xaa) X(0x18) X(0xbe) X(0x1b)	\
	X(0xfc) X(0x56) X(0x3e) X(0x4b) X(0xc6) X(0xd2) X(0x79) X(0x20)	\
	X(0x9a) X(0xdb) X(0xc0) X(0xfe) X(0x78) X(0xcd) X(0x5a) X(0xf4)	\
	X(0x1f) X(0xdd) X(0xa8) X(0x33) X(0x88) X(0x07) X(0xc7) X(0x31)	\
	X(0xb1) X(0x12) X(0x10) X(0x59) X(0x27) X(0x80) X(0xec) X(0x5f)	\
	X(0x60) X(0x51) X(0x7f) X(0xa9) X(0x19) X(0xb5) X(0x4a) X(0x0d)	\
	X(0x2d) X(0xe5) X(0x7a) X(0x9f) X(0x93) X(0xc9) X(0x9c) X(0xef)	\
	X(0xa0) X(0xe0) X(0x3b) X(0x4d) X(0xae) X(0x2a) X(0xf5) X(0xb0)	\
	X(0xc8) X(0xeb) X(0xbb) X(0x3c) X(0x83) X(0x53) X(0x99) X(0x61)	\
	X(0x17) X(0x2b) X(0x04) X(0x7e) X(0xba) X(0x77) X(0xd6) X(0x26)	\
	X(0xe1) X(0x69) X(0x14) X(0x63) X(0x55) X(0x21) X(0x0c) X(0x7d)

static const __u8 quic_lb_sbox[256] = { QUIC_LB_SBOX(QUIC_LB_ONE) };
static const __u8 quic_lb_unsbox[256] = { QUIC_LB_UNSBOX(QUIC_LB_ONE) };

/* SubBytes and MixColumns of one octet, by its row in the column. */
#define QUIC_LB_ENC0(s)	QUIC_LB_WORD(QUIC_LB_X2(s), s, s, QUIC_LB_X2(s) ^ (s))
#define QUIC_LB_ENC1(s)	QUIC_LB_WORD(QUIC_LB_X2(s) ^ (s), QUIC_LB_X2(s), s, s)
#define QUIC_LB_ENC2(s)	QUIC_LB_WORD(s, QUIC_LB_X2(s) ^ (s), QUIC_LB_X2(s), s)
#define QUIC_LB_ENC3(s)	QUIC_LB_WORD(s, s, QUIC_LB_X2(s) ^ (s), QUIC_LB_X2(s))

static const __u32 quic_lb_enc[4][256] = {
	{ QUIC_LB_SBOX(QUIC_LB_ENC0) }, { QUIC_LB_SBOX(QUIC_LB_ENC1) },
	{ QUIC_LB_SBOX(QUIC_LB_ENC2) }, { QUIC_LB_SBOX(QUIC_LB_ENC3) },
};

/* The same backwards. */
#define QUIC_LB_X9(s)	(QUIC_LB_X8(s) ^ (s))
#define QUIC_LB_X11(s)	(QUIC_LB_X8(s) ^ QUIC_LB_X2(s) ^ (s))
#define QUIC_LB_X13(s)	(QUIC_LB_X8(s) ^ QUIC_LB_X4(s) ^ (s))
#define QUIC_LB_X14(s)	(QUIC_LB_X8(s) ^ QUIC_LB_X4(s) ^ QUIC_LB_X2(s))
#define QUIC_LB_DEC0(s) QUIC_LB_WORD(QUIC_LB_X14(s), QUIC_LB_X9(s),	\
				     QUIC_LB_X13(s), QUIC_LB_X11(s))
#define QUIC_LB_DEC1(s) QUIC_LB_WORD(QUIC_LB_X11(s), QUIC_LB_X14(s),	\
				     QUIC_LB_X9(s), QUIC_LB_X13(s))
#define QUIC_LB_DEC2(s) QUIC_LB_WORD(QUIC_LB_X13(s), QUIC_LB_X11(s),	\
				     QUIC_LB_X14(s), QUIC_LB_X9(s))
#define QUIC_LB_DEC3(s) QUIC_LB_WORD(QUIC_LB_X9(s), QUIC_LB_X13(s),	\
				     QUIC_LB_X11(s), QUIC_LB_X14(s))

static const __u32 quic_lb_dec[4][256] = {
	{ QUIC_LB_UNSBOX(QUIC_LB_DEC0) }, { QUIC_LB_UNSBOX(QUIC_LB_DEC1) },
	{ QUIC_LB_UNSBOX(QUIC_LB_DEC2) }, { QUIC_LB_UNSBOX(QUIC_LB_DEC3) },
};

/* Round keys, in the order of their use: octet 0 of a column is its lowest. */
struct quic_lb_aes {
	__u32 enc[44];
	__u32 dec[44];
};

static __always_inline __u32 quic_lb_get(const __u8 *p)
{
	return (__u32)p[0] | (__u32)p[1] << 8 | (__u32)p[2] << 16 |
	       (__u32)p[3] << 24;
}

static __always_inline void quic_lb_put(__u8 *p, __u32 w)
{
	p[0] = w;
	p[1] = w >> 8;
	p[2] = w >> 16;
	p[3] = w >> 24;
}

/* The octets of one column, row by row, through a table of octets. */
static __always_inline __u32 quic_lb_sub(const __u8 *table, __u32 a, __u32 b,
					 __u32 c, __u32 d)
{
	return (__u32)table[a & 0xff] | (__u32)table[b >> 8 & 0xff] << 8 |
	       (__u32)table[c >> 16 & 0xff] << 16 |
	       (__u32)table[d >> 24] << 24;
}

/* ... and through four tables of columns. */
static __always_inline __u32 quic_lb_mix(const __u32 table[4][256], __u32 a,
					 __u32 b, __u32 c, __u32 d)
{
	return table[0][a & 0xff] ^ table[1][b >> 8 & 0xff] ^
	       table[2][c >> 16 & 0xff] ^ table[3][d >> 24];
}

static inline void quic_lb_aes_key(struct quic_lb_aes *aes, const struct quic_lb *lb)
{
	__u32 w, rcon = 1, at;
	int i;

	for (i = 0; i < 4; i++)
		aes->enc[i] = quic_lb_get(lb->key + 4 * i);
	for (i = 4; i < 44; i++) {
		w = aes->enc[i - 1];
		if (i % 4 == 0) {
			w = w >> 8 | w << 24;
			w = quic_lb_sub(quic_lb_sbox, w, w, w, w) ^ rcon;
			rcon = QUIC_LB_X2(rcon);
		}
		aes->enc[i] = aes->enc[i - 4] ^ w;
	}
	for (i = 0; i < 44; i++) {
		at = 40 - (i & ~3) + (i & 3);
		/* Or it is added in parts, and the verifier of Linux 7.3 wants no part
		 * of a pointer to lie before its map.
		 */
		asm volatile("" : "+r"(at));
		w = aes->enc[at];
		if (i >= 4 && i < 40) {
			/* MixColumns backwards */
			w = quic_lb_sub(quic_lb_sbox, w, w, w, w);
			w = quic_lb_mix(quic_lb_dec, w, w, w, w);
		}
		aes->dec[i] = w;
	}
}

/* A block as four columns. */
static inline void quic_lb_aes_encrypt(const struct quic_lb_aes *aes, __u32 *s)
{
	__u32 a = s[0] ^ aes->enc[0], b = s[1] ^ aes->enc[1];
	__u32 c = s[2] ^ aes->enc[2], d = s[3] ^ aes->enc[3];
	__u32 e, f, g;
	int i;

	for (i = 4; i < 40; i += 4) {
		e = quic_lb_mix(quic_lb_enc, a, b, c, d) ^ aes->enc[i];
		f = quic_lb_mix(quic_lb_enc, b, c, d, a) ^ aes->enc[i + 1];
		g = quic_lb_mix(quic_lb_enc, c, d, a, b) ^ aes->enc[i + 2];
		d = quic_lb_mix(quic_lb_enc, d, a, b, c) ^ aes->enc[i + 3];
		a = e;
		b = f;
		c = g;
	}
	s[0] = quic_lb_sub(quic_lb_sbox, a, b, c, d) ^ aes->enc[40];
	s[1] = quic_lb_sub(quic_lb_sbox, b, c, d, a) ^ aes->enc[41];
	s[2] = quic_lb_sub(quic_lb_sbox, c, d, a, b) ^ aes->enc[42];
	s[3] = quic_lb_sub(quic_lb_sbox, d, a, b, c) ^ aes->enc[43];
}

static inline void quic_lb_aes_decrypt(const struct quic_lb_aes *aes, __u32 *s)
{
	__u32 a = s[0] ^ aes->dec[0], b = s[1] ^ aes->dec[1];
	__u32 c = s[2] ^ aes->dec[2], d = s[3] ^ aes->dec[3];
	__u32 e, f, g;
	int i;

	for (i = 4; i < 40; i += 4) {
		e = quic_lb_mix(quic_lb_dec, a, d, c, b) ^ aes->dec[i];
		f = quic_lb_mix(quic_lb_dec, b, a, d, c) ^ aes->dec[i + 1];
		g = quic_lb_mix(quic_lb_dec, c, b, a, d) ^ aes->dec[i + 2];
		d = quic_lb_mix(quic_lb_dec, d, c, b, a) ^ aes->dec[i + 3];
		a = e;
		b = f;
		c = g;
	}
	s[0] = quic_lb_sub(quic_lb_unsbox, a, d, c, b) ^ aes->dec[40];
	s[1] = quic_lb_sub(quic_lb_unsbox, b, a, d, c) ^ aes->dec[41];
	s[2] = quic_lb_sub(quic_lb_unsbox, c, b, a, d) ^ aes->dec[42];
	s[3] = quic_lb_sub(quic_lb_unsbox, d, c, b, a) ^ aes->dec[43];
}

static __always_inline void quic_lb_load(__u32 *s, const __u8 *block)
{
	int i;

	for (i = 0; i < 4; i++)
		s[i] = quic_lb_get(block + 4 * i);
}

static __always_inline void quic_lb_store(__u8 *block, const __u32 *s)
{
	int i;

	for (i = 0; i < 4; i++)
		quic_lb_put(block + 4 * i, s[i]);
}

/* ---- four passes ------------------------------------------------------------------ */

/* Up to ten octets, the first one lowest; 0 beyond them.  Numbers instead of arrays,
 * because the verifier walks each index and branch.
 */
struct quic_lb_half {
	__u64 lo;
	__u32 hi;
};

/* Ones in the first @n octets, of which there may be less than one, and many. */
static __always_inline __u64 quic_lb_octets(int n)
{
	return n <= 0 ? 0 : n < 8 ? (1ULL << 8 * n) - 1 : ~0ULL;
}

/* Eight octets, of which those beyond the first @n stay as they were. */
static __always_inline void quic_lb_merge(__u8 *to, int n, __u64 was, __u64 now)
{
	now |= was & ~quic_lb_octets(n);
	quic_lb_put(to, now);
	quic_lb_put(to + 4, now >> 32);
}

/* @to ^= AES(expand(n, pass, @from)) where @mask has ones */
static __always_inline void quic_lb_pass(const struct quic_lb_aes *aes,
					 struct quic_lb_half *to,
					 const struct quic_lb_half *from,
					 const struct quic_lb_half *mask,
					 __u32 n, __u32 pass)
{
	__u32 s[4] = { from->lo, from->lo >> 32, from->hi, n << 16 | pass << 24 };

	quic_lb_aes_encrypt(aes, s);
	to->lo ^= (s[0] | (__u64)s[1] << 32) & mask->lo;
	to->hi ^= s[2] & mask->hi;
}

/* Octets @text[0..n-1] of QUIC_LB_MAX; passes 1 to 4, or 4 to 1.  Of an odd number
 * the middle octet is shared: four bits are the left half's, four the right one's.
 */
static inline void quic_lb_feistel(const struct quic_lb_aes *aes, __u8 *text,
				   __u32 n, int decrypt)
{
	__u64 t0 = quic_lb_get(text) | (__u64)quic_lb_get(text + 4) << 32;
	__u64 t1 = quic_lb_get(text + 8) | (__u64)quic_lb_get(text + 12) << 32;
	__u64 t2 = text[16] | (__u32)text[17] << 8 | (__u32)text[18] << 16;
	/* The right half begins so many bits into the first or second word. */
	__u32 far = n / 16, skip = n / 2 % 8 * 8, back = 63 - skip, i, pass;
	__u64 x0 = far ? t1 : t0, x1 = far ? t2 : t1, x2 = far ? 0 : t2;
	struct quic_lb_half left, right, of_left, of_right;

	of_right.lo = quic_lb_octets((n + 1) / 2);
	of_right.hi = quic_lb_octets((n + 1) / 2 - 8);
	of_left.lo = quic_lb_octets(n / 2);
	of_left.hi = quic_lb_octets(n / 2 - 8);
	if (n & 1) {
		of_left.lo |= far ? 0 : 0xf0ULL << skip;
		of_left.hi |= far ? 0xf0U << skip : 0;
		of_right.lo &= ~0xf0ULL;
	}
	left.lo = t0 & of_left.lo;
	left.hi = t1 & of_left.hi;
	right.lo = (x0 >> skip | x1 << 1 << back) & of_right.lo;
	right.hi = (x1 >> skip | x2 << 1 << back) & of_right.hi;

	for (i = 1; i <= 4; i++) {
		pass = decrypt ? 5 - i : i;
		if (pass & 1)
			quic_lb_pass(aes, &right, &left, &of_right, n, pass);
		else
			quic_lb_pass(aes, &left, &right, &of_left, n, pass);
	}

	x0 = right.lo << skip;
	x1 = right.lo >> 1 >> back | (__u64)right.hi << skip;
	x2 = (__u64)right.hi >> 1 >> back;
	quic_lb_merge(text, n, t0, (far ? 0 : x0) | left.lo);
	quic_lb_merge(text + 8, n - 8, t1, (far ? x0 : x1) | left.hi);
	t2 = (far ? x1 : x2) | (t2 & ~quic_lb_octets(n - 16));
	text[16] = t2;
	text[17] = t2 >> 8;
	text[18] = t2 >> 16;
}

/* ---- the ID ------------------------------------------------------------------------ */

static __always_inline __u8 quic_lb_len(const struct quic_lb *lb)
{
	return lb->sid_len + lb->nonce_len;
}

static __always_inline int quic_lb_valid(const struct quic_lb *lb)
{
	return lb->rotation < QUIC_LB_UNROUTABLE && lb->sid_len >= 1 &&
	       lb->nonce_len >= 4 && lb->sid_len <= 15 &&
	       quic_lb_len(lb) <= QUIC_LB_MAX;
}

/**
 * quic_lb_put_nonce - a nonce that no other ID of the key has
 * @lb:		the configuration, valid
 * @id:		as for quic_lb_make_keyed(); of more than eight octets of nonce the
 *		first ones stay as they are
 * @base:	where the server began
 * @n:		how many it has made since then
 *
 * Return: 0, or -1: all were used.
 */
static __always_inline int quic_lb_put_nonce(const struct quic_lb *lb, __u8 *id,
					     __u64 base, __u64 n)
{
	__u32 end = quic_lb_len(lb), i;

	if (lb->nonce_len < sizeof(n) && n >> 8 * lb->nonce_len)
		return -1;
	for (i = 0; i < sizeof(n); i++)
		if (i < lb->nonce_len)
			id[(end - i) & 31] = (base + n) >> 8 * i;
	return 0;
}

/**
 * quic_lb_make_keyed - encode: octet 0, and encryption in place
 * @lb:		the configuration, valid
 * @aes:	of quic_lb_aes_key(), if it encrypts
 * @id:		20 octets; octet 0 random, then server ID and nonce
 *
 * Return: length of the ID.
 */
static inline int quic_lb_make_keyed(const struct quic_lb *lb,
				     const struct quic_lb_aes *aes, __u8 *id)
{
	__u8 n = quic_lb_len(lb);
	__u32 block[4];

	id[0] = lb->rotation << 5 | (lb->self_len ? n : id[0] & 0x1f);
	if (!lb->encrypt)
		return 1 + n;
	if (n != QUIC_LB_BLOCK) {
		quic_lb_feistel(aes, id + 1, n, 0);
		return 1 + n;
	}
	quic_lb_load(block, id + 1);
	quic_lb_aes_encrypt(aes, block);
	quic_lb_store(id + 1, block);
	return 1 + n;
}

/**
 * quic_lb_read_keyed - decode in place: server ID and nonce are in @id[1...] then
 * @lb:		the configuration, valid
 * @aes:	of quic_lb_aes_key(), if it encrypts
 * @id:		20 octets
 * @len:	length of the ID, of a short header at least
 *
 * Return: 0, or -1: not of this configuration.
 */
static inline int quic_lb_read_keyed(const struct quic_lb *lb,
				     const struct quic_lb_aes *aes, __u8 *id,
				     __u32 len)
{
	__u8 n = quic_lb_len(lb);
	__u32 block[4];

	if (id[0] >> 5 != lb->rotation || len < 1U + n)
		return -1;
	if (!lb->encrypt)
		return 0;
	if (n != QUIC_LB_BLOCK) {
		quic_lb_feistel(aes, id + 1, n, 1);
		return 0;
	}
	quic_lb_load(block, id + 1);
	quic_lb_aes_decrypt(aes, block);
	quic_lb_store(id + 1, block);
	return 0;
}

/* The same for who makes or reads one now and then. */
static inline int quic_lb_make(const struct quic_lb *lb, __u8 *id)
{
	struct quic_lb_aes aes;

	if (lb->encrypt)
		quic_lb_aes_key(&aes, lb);
	return quic_lb_make_keyed(lb, &aes, id);
}

static inline int quic_lb_read(const struct quic_lb *lb, __u8 *id, __u32 len)
{
	struct quic_lb_aes aes;

	if (lb->encrypt)
		quic_lb_aes_key(&aes, lb);
	return quic_lb_read_keyed(lb, &aes, id, len);
}

#endif
