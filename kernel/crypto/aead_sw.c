// SPDX-License-Identifier: GPL-2.0
/*
 * Packet protection by the CPU
 *
 * Owns, per CPU, the request, nonce and scatterlist that a train is sealed or
 * opened with, and a few AEAD transforms; nothing is allocated per packet.
 * A keyed transform is a kilobyte.  Where SIMD is used its key is made of the raw
 * one within some 1200 instructions, so a CPU keeps those of the busiest
 * connections, and a connection that is idle, or one of thousands whose transform
 * would have left the cache, has none.  Other implementations allocate memory
 * to do that, and have a transform per key.  Called from tx/seal and rx/open with
 * BH off and the socket lock held; BH off is what makes the CPU's scratch ours.
 * setkey and release run in process context.
 *
 * Only synchronous implementations are asked for, so a train is always done
 * on return.
 *
 * A packet is brought together in its place, which copies the send queue's
 * bytes once, and encrypted there in one piece while it is in the cache.
 * Encrypting from the queue's pages into the packet saves the copy, but each
 * seam between two pieces that is no multiple of the cipher's block goes
 * through a bounce buffer of the crypto API, and each seam that is starts a new
 * FPU section: it costs more on 6.12, and 2 % less at best on 7.3.
 *
 * On 6.12 a page boundary is such a seam as well.  Packets whose text begins
 * at a multiple of 16, each a multiple of 16 long, avoid the bounce buffer, at
 * both ends if the receiver sees the same memory: 5 % of sealing and opening.
 *
 * RFC 9001 section 5.3.
 */
#include <crypto/aead.h>
#include <crypto/internal/aead.h>
#include <asm/simd.h>
#include <crypto/internal/simd.h>
#include <linux/percpu.h>
#include <linux/scatterlist.h>
#include <linux/skbuff.h>
#include <linux/slab.h>
#include <linux/unaligned.h>

#include "aead.h"

/* Enough for any synchronous software AEAD; 672 is the most seen, for rfc7539()
 * on 6.12, and the SIMD implementations of GCM ask for nothing.
 */
#define REQ_CTX_MAX	1024

/* ccm() takes what RFC 3610 section 2.3 calls A_0: one byte less than the size
 * of the length field, the nonce, and the counter, which it fills in itself.
 */
#define CCM_IV_LEN	16
#define CCM_IV_FIRST	(15 - QUIC_IV_LEN - 1)

/* Transforms of a CPU: both directions of four busy connections. */
#define SW_TRANSFORMS	8

/* One for each CPU.  Generic AEADs point scatterlists into their request, so
 * it has to be memory of the linear map, not the per-CPU area itself.
 */
struct sw_scratch {
	struct scatterlist sg;
	struct scatterlist undo[2];	/* the packet, and @tag for its tag */
	u8 tag[QUIC_TAG_LEN];
	u8 nonce[CCM_IV_LEN];		/* at [1]; [0] is for CCM alone */
	struct crypto_aead *tfm[SW_TRANSFORMS];	/* with SIMD; NULL: none */
	u64 keyed[SW_TRANSFORMS];	/* id of the key each has; 0: none */
	struct aead_request req;	/* REQ_CTX_MAX bytes follow */
};

static struct sw_scratch * __percpu *scratch;
static const char simd_name[] = "__gcm(aes)";
static bool have_simd;		/* that exists */
static atomic64_t last_id;

/* Where the bytes of a train come from: a piece of an skb.  Packets of a train
 * read on from each other, so the position survives from one to the next.
 */
struct gather {
	struct sk_buff *skb;
	const u8 *data;
	u32 start;		/* offset of the piece in @skb */
	u32 len;
	int frag;		/* -1 is the linear part */
};

static void gather_from(struct gather *g, struct sk_buff *skb)
{
	g->skb = skb;
	g->data = skb->data;
	g->start = 0;
	g->len = skb_headlen(skb);
	g->frag = -1;
}

/* Step to the next piece; returns @off, made relative to its skb. */
static u32 gather_next(struct gather *g, u32 off)
{
	const struct skb_shared_info *si = skb_shinfo(g->skb);
	u32 end = g->start + g->len;

	if (++g->frag == si->nr_frags) {
		gather_from(g, g->skb->next);
		return off - end;
	}
	g->data = skb_frag_address(&si->frags[g->frag]);
	g->start = end;
	g->len = skb_frag_size(&si->frags[g->frag]);
	return off;
}

/* Copy @len bytes to @to from @off in @skb, and from the skbs behind it. */
static void gather(struct gather *g, struct sk_buff *skb, u32 off, u8 *to,
		   u32 len)
{
	u32 n;

	if (g->skb != skb || off < g->start)
		gather_from(g, skb);
	while (len) {
		while (off >= g->start + g->len)
			off = gather_next(g, off);
		n = min(len, g->start + g->len - off);
		memcpy(to, g->data + (off - g->start), n);
		to += n;
		off += n;
		len -= n;
	}
}

/* A transform with the key: its own, or one of the CPU's; or NULL. */
static struct crypto_aead *choose(struct sw_scratch *s,
				  const struct quic_aead_key *key)
{
	u32 i = key->id % SW_TRANSFORMS;

	/* A public algorithm finds its own way when SIMD is not usable. */
	if (key->tfm)
		return key->tfm;
	if (unlikely(!crypto_simd_usable()))
		return NULL;
	if (likely(s->keyed[i] == key->id))
		return s->tfm[i];
	s->keyed[i] = 0;
	if (crypto_aead_setkey(s->tfm[i], key->raw, key->suite->key_len))
		return NULL;
	s->keyed[i] = key->id;
	return s->tfm[i];
}

/* The CPU's scratch, with the request set up for a train of @key. */
static struct sw_scratch *scratch_begin(const struct quic_aead_key *key)
{
	struct sw_scratch *s = *this_cpu_ptr(scratch);
	struct crypto_aead *tfm = choose(s, key);

	if (unlikely(!tfm))
		return NULL;
	memcpy(s->nonce + 1, key->iv, QUIC_IV_LEN);
	aead_request_set_tfm(&s->req, tfm);
	return s;
}

/* Point the request at one packet, of which @len bytes are input text. */
static struct aead_request *request(struct sw_scratch *s,
				    const struct quic_aead_key *key,
				    const struct quic_pkt *pkt, u32 len)
{
	sg_set_buf(&s->sg, pkt->data, pkt->len);
	put_unaligned_be64(get_unaligned_be64(key->iv + 4) ^ pkt->pn,
			   s->nonce + 1 + 4);
	aead_request_set_crypt(&s->req, &s->sg, &s->sg, len,
			       s->nonce + !key->ccm);
	aead_request_set_ad(&s->req, pkt->hdr_len);
	return &s->req;
}

/* What is not in place yet. */
static void bring(struct gather *g, const struct quic_pkt *pkt)
{
	if (pkt->src)
		gather(g, pkt->src, pkt->src_off, pkt->data + pkt->clear_len,
		       pkt->len - QUIC_TAG_LEN - pkt->clear_len);
}

void quic_aead_gather(struct quic_train *t)
{
	struct gather g = {};
	int i;

	for (i = 0; i < t->n; i++) {
		bring(&g, &t->pkt[i]);
		t->pkt[i].src = NULL;
	}
}

int quic_aead_sw_seal(struct quic_aead_key *key, struct quic_train *t)
{
	struct sw_scratch *s = scratch_begin(key);
	struct gather g = {};
	struct quic_pkt *pkt;
	int i, err;

	if (unlikely(!s))
		return -EAGAIN;
	for (i = 0, pkt = t->pkt; i < t->n; i++, pkt++) {
		bring(&g, pkt);
		err = crypto_aead_encrypt(request(s, key, pkt,
						  pkt->len - QUIC_TAG_LEN -
						  pkt->hdr_len));
		if (unlikely(err))
			return err;
	}
	return 0;
}

/* A forged packet is found out after its bytes were decrypted.  They may lie
 * in memory that a packet opened before lies in too: netem duplicates an skb
 * before it is segmented, and then neither of the two looks shared.  So put
 * back what was there; all our ciphers are streams, and sealing is the way.
 */
static void undo(struct sw_scratch *s, const struct quic_aead_key *key,
		 const struct quic_pkt *pkt)
{
	struct aead_request *req = request(s, key, pkt, 0);
	u32 text = pkt->len - QUIC_TAG_LEN;

	sg_set_buf(&s->undo[0], pkt->data, text);
	aead_request_set_crypt(req, s->undo, s->undo, text - pkt->hdr_len,
			       req->iv);
	crypto_aead_encrypt(req);
}

int quic_aead_sw_open(struct quic_aead_key *key, struct quic_train *t, u16 from,
		      u16 to)
{
	struct sw_scratch *s = scratch_begin(key);
	struct quic_pkt *pkt;
	const u8 *text;
	u64 before;

	if (unlikely(!s))
		return -EAGAIN;
	for (pkt = t->pkt + from; pkt < t->pkt + to; pkt++) {
		/* At least the tag follows the header. */
		text = pkt->data + pkt->hdr_len;
		before = get_unaligned((const u64 *)text);
		pkt->status = crypto_aead_decrypt(request(s, key, pkt,
							  pkt->len -
							  pkt->hdr_len));
		if (unlikely(pkt->status) &&
		    before != get_unaligned((const u64 *)text))
			undo(s, key, pkt);
	}
	return 0;
}

/* Behind its public name an x86 SIMD algorithm of 6.12 is asynchronous, and
 * asking for a synchronous one finds the slow generic code.  The synchronous
 * SIMD algorithm itself is internal: for those who know that they may use SIMD.
 */
static struct crypto_aead *alloc_simd(void)
{
	struct crypto_aead *tfm;

	tfm = crypto_alloc_aead(simd_name, CRYPTO_ALG_INTERNAL,
				CRYPTO_ALG_INTERNAL | CRYPTO_ALG_ASYNC);
	if (!IS_ERR(tfm) && crypto_aead_setauthsize(tfm, QUIC_TAG_LEN)) {
		crypto_free_aead(tfm);
		return ERR_PTR(-EINVAL);
	}
	return tfm;
}

static void sw_release(struct quic_aead_key *key)
{
	crypto_free_aead(key->tfm);
	key->tfm = NULL;
}

static int sw_setkey(struct quic_aead_key *key, const u8 *raw)
{
	int err;

	if (key->suite->simd && have_simd) {
		memcpy(key->raw, raw, key->suite->key_len);
		key->id = atomic64_inc_return(&last_id);
		return 0;
	}
	key->tfm = crypto_alloc_aead(key->suite->aead, 0, CRYPTO_ALG_ASYNC);
	if (IS_ERR(key->tfm)) {
		err = PTR_ERR(key->tfm);
		key->tfm = NULL;
		return err;
	}
	key->ccm = crypto_aead_ivsize(key->tfm) == CCM_IV_LEN;
	err = -E2BIG;
	if (crypto_aead_reqsize(key->tfm) <= REQ_CTX_MAX)
		err = crypto_aead_setauthsize(key->tfm, QUIC_TAG_LEN);
	if (!err)
		err = crypto_aead_setkey(key->tfm, raw, key->suite->key_len);
	if (err)
		sw_release(key);
	return err;
}

const struct quic_aead_provider quic_aead_sw = {
	.name = "sw",
	.setkey = sw_setkey,
	.release = sw_release,
	.seal = quic_aead_sw_seal,
	.open = quic_aead_sw_open,
};

static void scratch_free(struct sw_scratch *s)
{
	int i;

	for (i = 0; s && i < SW_TRANSFORMS; i++)
		crypto_free_aead(s->tfm[i]);
	kfree_sensitive(s);
}

static struct sw_scratch *scratch_new(int cpu)
{
	struct crypto_aead *tfm;
	struct sw_scratch *s;
	int i;

	s = kzalloc_node(sizeof(*s) + REQ_CTX_MAX, GFP_KERNEL,
			 cpu_to_node(cpu));
	if (!s)
		return ERR_PTR(-ENOMEM);
	s->nonce[0] = CCM_IV_FIRST;
	sg_init_table(&s->sg, 1);
	sg_init_table(s->undo, 2);
	sg_set_buf(&s->undo[1], s->tag, sizeof(s->tag));
	aead_request_set_callback(&s->req, 0, NULL, NULL);
	for (i = 0; have_simd && i < SW_TRANSFORMS; i++) {
		tfm = alloc_simd();
		if (IS_ERR(tfm)) {
			scratch_free(s);
			return ERR_CAST(tfm);
		}
		s->tfm[i] = tfm;
	}
	return s;
}

void quic_aead_sw_teardown(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		scratch_free(*per_cpu_ptr(scratch, cpu));
	free_percpu(scratch);
}

int quic_aead_sw_setup(void)
{
	struct sw_scratch *s;
	int cpu;

	BUILD_BUG_ON(IS_ENABLED(CONFIG_HIGHMEM));	/* skb_frag_address() */
	have_simd = crypto_has_aead(simd_name, CRYPTO_ALG_INTERNAL,
				    CRYPTO_ALG_INTERNAL | CRYPTO_ALG_ASYNC);
	scratch = alloc_percpu(struct sw_scratch *);
	if (!scratch)
		return -ENOMEM;
	for_each_possible_cpu(cpu) {
		s = scratch_new(cpu);
		if (IS_ERR(s)) {
			quic_aead_sw_teardown();
			return PTR_ERR(s);
		}
		*per_cpu_ptr(scratch, cpu) = s;
	}
	return 0;
}
