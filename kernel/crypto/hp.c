// SPDX-License-Identifier: GPL-2.0
/*
 * Header protection
 *
 * Owns the header protection key of each direction and, per CPU, the ciphers
 * that make the masks.  A key is only its raw bytes, which keeps two expanded
 * keys out of every idle connection: a CPU has a few ciphers, and one of them
 * is keyed anew, at less than the cost of a packet, when a train comes whose key
 * it does not have.  All samples of a train go through AES in one call, but for
 * those of a packet or two: a call costs as much as some three blocks do singly.
 * ChaCha20 takes one block per packet.
 *
 * quic_hp_protect() and quic_hp_unprotect() are called from tx/seal and
 * rx/open with BH off and the socket lock held; BH off is what makes the
 * CPU's scratch ours.  The rest runs in process context.
 *
 * RFC 9001 section 5.4.
 */
#include <asm/simd.h>
#include <crypto/internal/cipher.h>
#include <crypto/internal/simd.h>
#include <crypto/skcipher.h>
#include <linux/percpu.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/unaligned.h>

#include "../compat.h"
#include "../wire/header.h"
#include "hp.h"

/* Both directions of two busy connections. */
#define QUIC_HP_CIPHERS		4
/* As many samples go through AES one by one. */
#define QUIC_HP_SINGLE		2

/* One for each CPU.  The cipher wants memory of the linear map, hence not the
 * per-CPU area itself.
 */
struct hp_scratch {
	u8 sample[QUIC_TRAIN_MAX * QUIC_HP_SAMPLE_LEN];	/* then masks */
	struct crypto_skcipher *tfm[QUIC_HP_CIPHERS];
	u64 keyed[QUIC_HP_CIPHERS];	/* id of the key each has; 0: none */
	struct crypto_cipher *one[QUIC_HP_CIPHERS];	/* for single samples */
	u64 one_keyed[QUIC_HP_CIPHERS];
	struct scatterlist sg;
	struct skcipher_request req;	/* the cipher's context follows */
};

static struct hp_scratch * __percpu *scratch;
static atomic64_t last_id;
static bool internal;		/* the cipher is usable only where SIMD is */

void quic_hp_init(struct quic_hp *hp, const struct quic_suite *suite,
		  const u8 *raw)
{
	hp->suite = suite;
	hp->chacha = !strcmp(suite->hp, "chacha20");
	hp->id = atomic64_inc_return(&last_id);
	memcpy(hp->raw, raw, suite->key_len);
}

void quic_hp_free(struct quic_hp *hp)
{
	memzero_explicit(hp, sizeof(*hp));
}

/* Make the request that of a cipher which has the key. */
static int choose(const struct quic_hp *hp, struct hp_scratch *s)
{
	u32 i = hp->id % QUIC_HP_CIPHERS;
	int err;

	skcipher_request_set_tfm(&s->req, s->tfm[i]);
	if (likely(s->keyed[i] == hp->id))
		return 0;
	err = crypto_skcipher_setkey(s->tfm[i], hp->raw, hp->suite->key_len);
	s->keyed[i] = err ? 0 : hp->id;
	return err;
}

/* The masks of few packets. */
static int aes_single(const struct quic_hp *hp, struct hp_scratch *s,
		      const struct quic_pkt *pkt, u16 n)
{
	u32 slot = hp->id % QUIC_HP_CIPHERS;
	struct crypto_cipher *tfm = s->one[slot];
	int i, err;

	if (unlikely(s->one_keyed[slot] != hp->id)) {
		s->one_keyed[slot] = 0;
		err = crypto_cipher_setkey(tfm, hp->raw, hp->suite->key_len);
		if (err)
			return err;
		s->one_keyed[slot] = hp->id;
	}
	for (i = 0; i < n; i++)
		crypto_cipher_encrypt_one(tfm, s->sample +
					  i * QUIC_HP_SAMPLE_LEN,
					  pkt[i].data + pkt[i].pn_off + 4);
	return 0;
}

/* Gather the samples of @n packets and turn them into masks, in place. */
static int aes_masks(const struct quic_hp *hp, struct hp_scratch *s,
		     const struct quic_pkt *pkt, u16 n)
{
	const struct quic_pkt *end = pkt + n;
	u8 *sample = s->sample;
	int err;

	if (unlikely(internal && !crypto_simd_usable()))
		return -EAGAIN;
	err = choose(hp, s);
	if (unlikely(err))
		return err;
	for (; pkt < end; pkt++, sample += QUIC_HP_SAMPLE_LEN)
		memcpy(sample, pkt->data + pkt->pn_off + 4,
		       QUIC_HP_SAMPLE_LEN);
	skcipher_request_set_crypt(&s->req, &s->sg, &s->sg,
				   n * QUIC_HP_SAMPLE_LEN, NULL);
	return crypto_skcipher_encrypt(&s->req);
}

static void chacha_masks(const struct quic_hp *hp, struct hp_scratch *s,
			 const struct quic_pkt *pkt, u16 n)
{
	const struct quic_pkt *end = pkt + n;
	u8 *mask = s->sample;

	for (; pkt < end; pkt++, mask += QUIC_HP_SAMPLE_LEN)
		quic_chacha20_mask(hp->raw, pkt->data + pkt->pn_off + 4, mask,
				   QUIC_HP_SAMPLE_LEN);
}

static int masks(const struct quic_hp *hp, struct hp_scratch *s,
		 const struct quic_pkt *pkt, u16 n)
{
	if (unlikely(hp->chacha)) {
		chacha_masks(hp, s, pkt, n);
		return 0;
	}
	return n <= QUIC_HP_SINGLE ? aes_single(hp, s, pkt, n) :
				     aes_masks(hp, s, pkt, n);
}

static void mask_first_byte(struct quic_pkt *pkt, const u8 *mask)
{
	u8 bits = pkt->data[0] & QUIC_HDR_LONG ? 0x0f : 0x1f;

	pkt->data[0] ^= mask[0] & bits;
}

/* Mask the packet number of @len bytes, by way of the 32 bits it begins;
 * returns it as it is then.
 */
static u32 mask_number(struct quic_pkt *pkt, const u8 *mask, u32 len)
{
	u32 rest = 32 - 8 * len, bits = U32_MAX << rest;
	u8 *p = pkt->data + pkt->pn_off;
	u32 v;

	v = get_unaligned_be32(p) ^ (get_unaligned_be32(mask + 1) & bits);
	put_unaligned_be32(v, p);
	return v >> rest;
}

int quic_hp_protect(struct quic_hp *hp, struct quic_train *t)
{
	struct hp_scratch *s = *this_cpu_ptr(scratch);
	struct quic_pkt *pkt = t->pkt, *end = pkt + t->n;
	const u8 *mask = s->sample;
	int err;

	err = masks(hp, s, pkt, t->n);
	if (unlikely(err))
		return err;
	for (; pkt < end; pkt++, mask += QUIC_HP_SAMPLE_LEN) {
		mask_first_byte(pkt, mask);
		mask_number(pkt, mask, pkt->hdr_len - pkt->pn_off);
	}
	return 0;
}

int quic_hp_unprotect(struct quic_hp *hp, struct quic_train *t)
{
	struct hp_scratch *s = *this_cpu_ptr(scratch);
	struct quic_pkt *pkt = t->pkt, *end = pkt + t->n;
	const u8 *mask = s->sample;
	u32 len;
	int err;

	err = masks(hp, s, pkt, t->n);
	if (unlikely(err))
		return err;
	for (; pkt < end; pkt++, mask += QUIC_HP_SAMPLE_LEN) {
		mask_first_byte(pkt, mask);
		len = 1 + (pkt->data[0] & QUIC_HDR_PN_LEN);
		pkt->hdr_len = pkt->pn_off + len;
		pkt->pn = mask_number(pkt, mask, len);
	}
	return 0;
}

void quic_hp_restore(struct quic_hp *hp, struct quic_pkt *pkt)
{
	struct hp_scratch *s = *this_cpu_ptr(scratch);

	if (masks(hp, s, pkt, 1))
		return;
	mask_first_byte(pkt, s->sample);
	mask_number(pkt, s->sample, pkt->hdr_len - pkt->pn_off);
}

/* On the internal algorithm see alloc_tfm() in aead_sw.c. */
static struct crypto_skcipher *alloc_tfm(void)
{
	if (internal)
		return crypto_alloc_skcipher("__ecb(aes)", CRYPTO_ALG_INTERNAL,
					     CRYPTO_ALG_INTERNAL |
					     CRYPTO_ALG_ASYNC);
	return crypto_alloc_skcipher("ecb(aes)", 0, CRYPTO_ALG_ASYNC);
}

static void scratch_free(struct hp_scratch *s)
{
	int i;

	for (i = 0; i < QUIC_HP_CIPHERS; i++) {
		if (!IS_ERR_OR_NULL(s->tfm[i]))
			crypto_free_skcipher(s->tfm[i]);
		if (!IS_ERR_OR_NULL(s->one[i]))
			crypto_free_cipher(s->one[i]);
	}
	kfree_sensitive(s);
}

static struct hp_scratch *scratch_new(int cpu)
{
	struct crypto_skcipher *tfm = alloc_tfm();
	struct hp_scratch *s;
	int i;

	if (IS_ERR(tfm))
		return ERR_CAST(tfm);
	s = kzalloc_node(sizeof(*s) + crypto_skcipher_reqsize(tfm), GFP_KERNEL,
			 cpu_to_node(cpu));
	if (!s) {
		crypto_free_skcipher(tfm);
		return ERR_PTR(-ENOMEM);
	}
	sg_init_one(&s->sg, s->sample, sizeof(s->sample));
	skcipher_request_set_callback(&s->req, 0, NULL, NULL);
	for (i = 0; i < QUIC_HP_CIPHERS; i++) {
		s->tfm[i] = i ? alloc_tfm() : tfm;
		s->one[i] = crypto_alloc_cipher("aes", 0, 0);
		if (IS_ERR(s->tfm[i]) || IS_ERR(s->one[i])) {
			scratch_free(s);
			return ERR_PTR(-ENOMEM);
		}
	}
	return s;
}

void quic_hp_teardown(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		if (*per_cpu_ptr(scratch, cpu))
			scratch_free(*per_cpu_ptr(scratch, cpu));
	free_percpu(scratch);
}

int quic_hp_setup(void)
{
	struct hp_scratch *s;
	int cpu;

	internal = crypto_has_skcipher("__ecb(aes)", CRYPTO_ALG_INTERNAL,
				       CRYPTO_ALG_INTERNAL | CRYPTO_ALG_ASYNC);
	scratch = alloc_percpu(struct hp_scratch *);
	if (!scratch)
		return -ENOMEM;
	for_each_possible_cpu(cpu) {
		s = scratch_new(cpu);
		if (IS_ERR(s)) {
			quic_hp_teardown();
			return PTR_ERR(s);
		}
		*per_cpu_ptr(scratch, cpu) = s;
	}
	return 0;
}

/* Single blocks of a cipher: crypto_cipher_encrypt_one(). */
QUIC_IMPORT_NS(CRYPTO_INTERNAL);
