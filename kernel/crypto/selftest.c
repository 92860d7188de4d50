// SPDX-License-Identifier: GPL-2.0
/*
 * Self-test of packet protection
 *
 * Built with KQUIC_SELFTEST=y; called once from module init, in process
 * context, after quic_crypto_init().  Two parts: the RFCs' vectors against the
 * real code, and random trains against a plain AEAD that knows nothing of
 * trains.  The random numbers are the same each time.
 *
 * RFC 9001 appendix A; RFC 9369 appendix A.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <crypto/aead.h>
#include <linux/hex.h>
#include <linux/prandom.h>
#include <linux/scatterlist.h>
#include <linux/skbuff.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <uapi/linux/tls.h>

#include "../keys.h"
#include "hkdf.h"
#include "initial.h"
#include "retry.h"
#include "selftest_rfc.h"

#define PKT_MAX		1472
#define PLAIN_LEN	(128 * 1024)
#define ROUNDS		12

/* All that the tests need, allocated once. */
struct bench {
	struct rnd_state rnd;
	struct quic_train train;
	struct quic_key key;
	struct crypto_aead *plain_tfm;		/* the independent opinion */
	struct aead_request *plain_req;
	u8 raw[QUIC_KEY_MAX];
	u8 iv[QUIC_IV_LEN];
	struct sk_buff_head queue;
	u8 *plain;				/* what @queue holds, flat */
	u8 *out;				/* QUIC_TRAIN_MAX packets */
	u8 *want;
};

static unsigned int checks __initdata;

static bool __init check(bool ok, const char *what, const char *who, int n)
{
	checks++;
	if (!ok)
		pr_err("self-test crypto: %s, %s %d: FAIL\n", what, who, n);
	return ok;
}

static u32 __init below(struct bench *b, u32 n)
{
	return prandom_u32_state(&b->rnd) % n;
}

/* ---- the RFCs' vectors -------------------------------------------------- */

static u32 __init unhex(u8 *to, const char *hex)
{
	u32 len = strlen(hex) / 2;

	return hex2bin(to, hex, len) ? 0 : len;
}

static bool __init equal_hex(const u8 *have, const char *hex)
{
	u8 want;

	for (; *hex; hex += 2)
		if (hex2bin(&want, hex, 1) || *have++ != want)
			return false;
	return true;
}

static int __init seal(struct bench *b)
{
	int err;

	local_bh_disable();
	err = quic_aead_seal(&b->key.aead, &b->train);
	if (!err)
		err = quic_hp_protect(&b->key.hp, &b->train);
	local_bh_enable();
	return err;
}

static int __init unprotect(struct bench *b)
{
	int err;

	local_bh_disable();
	err = quic_hp_unprotect(&b->key.hp, &b->train);
	local_bh_enable();
	return err;
}

static int __init open(struct bench *b)
{
	int err;

	local_bh_disable();
	err = quic_aead_open(&b->key.aead, &b->train, 0, b->train.n);
	local_bh_enable();
	return err;
}

static bool __init install(struct bench *b, u32 type, u32 version,
			   const char *secret)
{
	u8 bin[QUIC_SECRET_MAX];

	unhex(bin, secret);
	return !quic_key_install(&b->key, &quic_aead_sw, quic_suite_get(type),
				 version, bin);
}

/* A train of one packet, with its header and payload in place. */
static struct quic_pkt *__init one_packet(struct bench *b, const char *hdr,
					  const char *payload, u16 pn_off,
					  u64 pn, u16 len)
{
	struct quic_pkt *pkt = b->train.pkt;

	memset(b->out, 0, PKT_MAX);
	memset(pkt, 0, sizeof(*pkt));
	b->train.n = 1;
	pkt->data = b->out;
	pkt->hdr_len = unhex(b->out, hdr);
	pkt->pn_off = pn_off;
	pkt->pn = pn;
	pkt->len = len;
	unhex(b->out + pkt->hdr_len, payload);
	return pkt;
}

static bool __init test_keys(const struct rfc_version *v,
			     const struct rfc_keys *k, u32 type)
{
	const struct quic_suite *suite = quic_suite_get(type);
	struct quic_raw_keys raw = {};
	u8 secret[QUIC_SECRET_MAX];

	unhex(secret, k->secret);
	return check(!quic_hkdf_keys(suite, v->version, secret, &raw) &&
		     equal_hex(raw.key, k->key) && equal_hex(raw.iv, k->iv) &&
		     equal_hex(raw.hp, k->hp),
		     "A.1/A.5 keys", suite->name, v->version);
}

static bool __init test_secrets(const struct rfc_version *v)
{
	u8 client[QUIC_INITIAL_SECRET_LEN], server[QUIC_INITIAL_SECRET_LEN];
	struct quic_cid dcid = {};

	dcid.len = unhex(dcid.id, rfc_dcid);
	return check(!quic_initial_secrets(v->version, &dcid, client, server) &&
		     equal_hex(client, v->client.secret) &&
		     equal_hex(server, v->server.secret),
		     "A.1 secrets", "version", v->version) &&
	       test_keys(v, &v->client, TLS_CIPHER_AES_GCM_128) &&
	       test_keys(v, &v->server, TLS_CIPHER_AES_GCM_128);
}

static bool __init test_initials(struct bench *b, const struct rfc_version *v)
{
	struct quic_pkt *pkt;
	bool ok;

	one_packet(b, v->client_hdr, rfc_client_payload, 18, 2, 1200);
	ok = install(b, TLS_CIPHER_AES_GCM_128, v->version,
		     v->client.secret) && !seal(b);
	if (!check(ok && equal_hex(b->out, v->client_pkt), "A.2 client Initial",
		   "version", v->version))
		return false;

	pkt = one_packet(b, v->server_pkt, "", 18, 0,
			 strlen(v->server_pkt) / 2);
	ok = install(b, TLS_CIPHER_AES_GCM_128, v->version,
		     v->server.secret) && !unprotect(b);
	ok = ok && pkt->hdr_len == 20 && pkt->pn == 1 &&
	     equal_hex(b->out, v->server_hdr);
	ok = ok && !open(b) && !pkt->status;
	return check(ok && equal_hex(b->out + 20, rfc_server_payload),
		     "A.3 server Initial", "version", v->version);
}

/* The tag of a Retry packet seals nothing but its associated data. */
static bool __init test_retry(struct bench *b, const struct rfc_version *v)
{
	u32 tag_at = 9 + strlen(v->retry_pkt) / 2 - QUIC_TAG_LEN;
	bool ok;

	one_packet(b, "08", rfc_dcid, 0, 0, 0);
	unhex(b->out + 9, v->retry_pkt);
	memset(b->out + tag_at, 0, QUIC_TAG_LEN);
	local_bh_disable();
	ok = !quic_retry_tag(v->version, b->out, tag_at);
	local_bh_enable();
	return check(ok && equal_hex(b->out + 9, v->retry_pkt), "A.4 Retry",
		     "version", v->version);
}

static bool __init test_chacha(struct bench *b, const struct rfc_version *v)
{
	const struct quic_suite *suite;
	u8 secret[32], ku[32];
	struct quic_pkt *pkt;
	bool ok;

	suite = quic_suite_get(TLS_CIPHER_CHACHA20_POLY1305);
	unhex(secret, rfc_chacha_secret);
	if (!test_keys(v, &v->chacha, suite->type) ||
	    !check(!quic_hkdf_next_secret(suite, v->version, secret, ku) &&
		   equal_hex(ku, v->chacha_ku), "A.5 ku", "version",
		   v->version))
		return false;
	pkt = one_packet(b, "4200bff4", "01", 1, 654360564, 21);
	ok = install(b, suite->type, v->version, rfc_chacha_secret) &&
	     !seal(b);
	if (!check(ok && equal_hex(b->out, v->chacha_pkt), "A.5 seal",
		   "version", v->version))
		return false;
	pkt->hdr_len = 0;
	ok = !unprotect(b) && pkt->hdr_len == 4 && pkt->pn == 0xbff4;
	pkt->pn = 654360564;
	ok = ok && !open(b) && !pkt->status;
	return check(ok && equal_hex(b->out, "4200bff401"), "A.5 open",
		     "version", v->version);
}

/* ---- random trains ------------------------------------------------------ */

static struct sk_buff *__init random_skb(struct bench *b, const u8 *data,
					 u32 *len)
{
	u32 frags = below(b, MAX_SKB_FRAGS + 1), n = below(b, 3000);
	struct sk_buff *skb;
	struct page *page;
	u32 off;

	n = min3(below(b, 2) ? n : n % 40, *len, 3000U);
	skb = alloc_skb(3000, GFP_KERNEL);
	if (!skb)
		return NULL;
	skb_put_data(skb, data, n);
	while (frags-- && n < *len) {
		u32 size = min(below(b, 4) ? below(b, 6000) + 1 :
			       below(b, 30) + 1, *len - n);

		page = alloc_pages(GFP_KERNEL | __GFP_COMP, 1);
		if (!page)
			break;
		off = below(b, 2 * PAGE_SIZE - size + 1);
		memcpy(page_address(page) + off, data + n, size);
		skb_add_rx_frag(skb, skb_shinfo(skb)->nr_frags, page, off,
				size, 2 * PAGE_SIZE);
		n += size;
	}
	*len = n;
	return skb;
}

static bool __init fill_queue(struct bench *b)
{
	struct sk_buff *skb;
	u32 pos = 0, n;

	while (pos < PLAIN_LEN) {
		n = PLAIN_LEN - pos;
		skb = random_skb(b, b->plain + pos, &n);
		if (!skb)
			return false;
		__skb_queue_tail(&b->queue, skb);
		pos += n;
	}
	return true;
}

static struct sk_buff *__init queue_at(struct bench *b, u32 pos, u32 *off)
{
	struct sk_buff *skb;

	skb_queue_walk(&b->queue, skb) {
		if (pos < skb->len)
			break;
		pos -= skb->len;
	}
	*off = pos;
	return skb;
}

/* The same packet, in the clear, at @to.  @pos is where its stream bytes are. */
static void __init lay_out(struct bench *b, struct quic_pkt *pkt, u8 *to,
			   u32 pos)
{
	u32 rest = pkt->len - pkt->clear_len - QUIC_TAG_LEN;

	memcpy(to, pkt->data, pkt->clear_len);
	memcpy(to + pkt->clear_len, b->plain + pos, rest);
}

/* A random train: bytes that are in place in b->out, the rest in the queue;
 * the whole of it, in the clear, in b->want.
 */
static void __init random_train(struct bench *b, u32 n, u32 len)
{
	u32 pn_off = 1 + below(b, 21), pn_len = 1 + below(b, 4), pos = 0, rest;
	struct quic_train *t = &b->train;
	struct quic_pkt *pkt;

	t->n = n;
	for (pkt = t->pkt; pkt < t->pkt + n; pkt++) {
		memset(pkt, 0, sizeof(*pkt));
		pkt->data = b->out + (pkt - t->pkt) * len;
		pkt->len = len;
		if (pkt == t->pkt + n - 1)
			pkt->len -= below(b, len - 60);
		pkt->pn_off = pn_off;
		pkt->hdr_len = pn_off + pn_len;
		pkt->pn = below(b, U32_MAX) + ((u64)below(b, 1 << 30) << 32);
		rest = pkt->len - pkt->hdr_len - QUIC_TAG_LEN;
		pkt->clear_len = pkt->hdr_len + below(b, min(rest, 40U));
		if (!below(b, 8))	/* all of it in place */
			pkt->clear_len = pkt->len - QUIC_TAG_LEN;
		prandom_bytes_state(&b->rnd, pkt->data, pkt->clear_len);
		pkt->data[0] = (pkt->data[0] & ~(below(b, 2) * QUIC_HDR_LONG) &
				~QUIC_HDR_PN_LEN) | (pn_len - 1);
		rest = pkt->len - pkt->clear_len - QUIC_TAG_LEN;
		if (!below(b, 4))	/* not next to the one before */
			pos = below(b, PLAIN_LEN - len);
		if (rest)
			pkt->src = queue_at(b, pos, &pkt->src_off);
		lay_out(b, pkt, b->want + (pkt->data - b->out), pos);
		pos += rest;
		if (pos > PLAIN_LEN - len)
			pos = 0;
	}
}

static int __init plain_seal(struct bench *b, const struct quic_pkt *pkt,
			     u8 *data)
{
	bool ccm = crypto_aead_ivsize(b->plain_tfm) == 16;
	u8 iv[16] = { 2 }, *nonce = iv + ccm;
	struct scatterlist sg;
	DECLARE_CRYPTO_WAIT(wait);
	int i;

	memcpy(nonce, b->iv, QUIC_IV_LEN);
	for (i = 0; i < 8; i++)
		nonce[QUIC_IV_LEN - 1 - i] ^= pkt->pn >> (8 * i);
	sg_init_one(&sg, data, pkt->len);
	aead_request_set_callback(b->plain_req, CRYPTO_TFM_REQ_MAY_SLEEP,
				  crypto_req_done, &wait);
	aead_request_set_ad(b->plain_req, pkt->hdr_len);
	aead_request_set_crypt(b->plain_req, &sg, &sg,
			       pkt->len - pkt->hdr_len - QUIC_TAG_LEN, iv);
	return crypto_wait_req(crypto_aead_encrypt(b->plain_req), &wait);
}

static bool __init test_seal(struct bench *b, const struct quic_suite *suite,
			     int round)
{
	struct quic_train *t = &b->train;
	struct quic_pkt *pkt;
	bool ok = true;
	int err;

	local_bh_disable();
	err = quic_aead_seal(&b->key.aead, t);
	local_bh_enable();
	if (!check(!err, "seal", suite->name, err))
		return false;
	for (pkt = t->pkt; pkt < t->pkt + t->n; pkt++) {
		u8 *want = b->want + (pkt->data - b->out);

		ok &= !plain_seal(b, pkt, want) &&
		      !memcmp(pkt->data, want, pkt->len);
	}
	return check(ok, "sealed train", suite->name, round);
}

/* Header protection and back: unchanged, and the packet numbers known. */
static bool __init test_hp(struct bench *b, const struct quic_suite *suite,
			   int round)
{
	struct quic_train *t = &b->train;
	struct quic_pkt *pkt;
	u64 pn[QUIC_TRAIN_MAX];
	u16 hdr_len = t->pkt->hdr_len;
	bool ok, changed = false;

	local_bh_disable();
	ok = !quic_hp_protect(&b->key.hp, t);
	local_bh_enable();
	for (pkt = t->pkt; pkt < t->pkt + t->n; pkt++) {
		pn[pkt - t->pkt] = pkt->pn;
		changed |= memcmp(pkt->data, b->want + (pkt->data - b->out),
				  hdr_len);
		ok &= !memcmp(pkt->data + hdr_len,
			      b->want + (pkt->data - b->out) + hdr_len,
			      pkt->len - hdr_len);
		pkt->hdr_len = 0;
	}
	ok &= changed && !unprotect(b);
	for (pkt = t->pkt; pkt < t->pkt + t->n; pkt++) {
		u64 sent = 0;
		int i;

		for (i = pkt->pn_off; i < hdr_len; i++)
			sent = sent << 8 | pkt->data[i];
		ok &= pkt->hdr_len == hdr_len && pkt->pn == sent &&
		      !memcmp(pkt->data, b->want + (pkt->data - b->out),
			      pkt->len);
		pkt->pn = pn[pkt - t->pkt];
	}
	return check(ok, "header protection", suite->name, round);
}

/* Flip one bit of one packet; all others must open. */
static bool __init test_open(struct bench *b, const struct quic_suite *suite,
			     u32 len, int round)
{
	struct quic_train *t = &b->train;
	u32 bad = below(b, t->n);
	struct quic_pkt *pkt = &t->pkt[bad];
	bool ok = true;
	u8 *before;

	pkt->data[below(b, pkt->len)] ^= 1 << below(b, 8);
	before = kmemdup(pkt->data, pkt->len, GFP_KERNEL);
	ok = before && !open(b);
	if (!check(ok, "open", suite->name, round)) {
		kfree(before);
		return false;
	}
	ok = !memcmp(before, pkt->data, pkt->len);
	kfree(before);
	if (!check(ok, "tampered bytes kept", suite->name, round))
		return false;
	for (pkt = t->pkt; pkt < t->pkt + t->n; pkt++)
		ok &= pkt->status == (pkt == &t->pkt[bad] ? -EBADMSG : 0);
	if (!check(ok, "tampered", suite->name, round))
		return false;

	memset(b->out + bad * len, 0, t->pkt[bad].len);
	for (pkt = t->pkt; pkt < t->pkt + t->n; pkt++) {
		u8 *want = b->want + (pkt->data - b->out);

		if (pkt != &t->pkt[bad])
			ok &= !memcmp(pkt->data, want,
				      pkt->len - QUIC_TAG_LEN);
	}
	return check(ok, "opened text", suite->name, round);
}

static bool __init random_keys(struct bench *b, const struct quic_suite *suite)
{
	u8 hp[QUIC_KEY_MAX];

	quic_key_drop(&b->key);
	prandom_bytes_state(&b->rnd, b->raw, sizeof(b->raw));
	prandom_bytes_state(&b->rnd, b->iv, sizeof(b->iv));
	prandom_bytes_state(&b->rnd, hp, sizeof(hp));
	quic_hp_init(&b->key.hp, suite, hp);
	b->key.ready = !quic_aead_key_set(&b->key.aead, &quic_aead_sw, suite,
					  b->raw, b->iv);
	return b->key.ready &&
	       !crypto_aead_setkey(b->plain_tfm, b->raw, suite->key_len) &&
	       !crypto_aead_setauthsize(b->plain_tfm, QUIC_TAG_LEN);
}

static bool __init test_trains(struct bench *b, const struct quic_suite *suite)
{
	bool ok = true;
	u32 len, n;
	int round;

	for (round = 0; ok && round < ROUNDS; round++) {
		n = round ? 1 + below(b, QUIC_TRAIN_MAX) : QUIC_TRAIN_MAX;
		len = round % 4 == 3 ? 100 + below(b, 200) :
		      1200 + below(b, PKT_MAX - 1200);
		random_train(b, n, len);
		ok = check(random_keys(b, suite), "keys", suite->name, round) &&
		     test_seal(b, suite, round) && test_hp(b, suite, round);
		if (!ok)
			break;
		/* @want becomes the clear text again, for test_open() */
		memcpy(b->want, b->out, n * len);
		ok = check(!open(b), "open", suite->name, round);
		swap(b->want, b->out);
		for (n = 0; n < b->train.n; n++) {
			ok &= !b->train.pkt[n].status;
			b->train.pkt[n].data = b->out + n * len;
		}
		ok = check(ok, "opened train", suite->name, round) &&
		     test_open(b, suite, len, round);
	}
	quic_key_drop(&b->key);
	return ok;
}

/* RFC9001-5.3-1 RFC9001-5.4.1-1 */
static bool __init test_suite(struct bench *b, u32 type)
{
	const struct quic_suite *suite = quic_suite_get(type);
	bool ok = false;

	b->plain_tfm = crypto_alloc_aead(suite->aead, 0, 0);
	if (!check(!IS_ERR(b->plain_tfm), "allocate", suite->name, 0))
		return false;
	b->plain_req = aead_request_alloc(b->plain_tfm, GFP_KERNEL);
	if (b->plain_req)
		ok = test_trains(b, suite);
	aead_request_free(b->plain_req);
	crypto_free_aead(b->plain_tfm);
	return ok;
}

/* RFC9001-6.6-7 RFC9001-6.6-8 */
/* RFC 9001 section 6.6 and appendix B: 2^23 and 2^52 packets with AES-GCM,
 * 2^36 that fail with ChaCha20-Poly1305, 2^21.5 of each with AES-CCM.
 */
static bool __init test_limits(void)
{
	static const struct {
		u32 type;
		u64 seal, forge;
	} want[] = {
		{ TLS_CIPHER_AES_GCM_128, 1ULL << 23, 1ULL << 52 },
		{ TLS_CIPHER_AES_GCM_256, 1ULL << 23, 1ULL << 52 },
		{ TLS_CIPHER_AES_CCM_128, 2965820, 2965820 },
		{ TLS_CIPHER_CHACHA20_POLY1305, 1ULL << 62, 1ULL << 36 },
	};
	const struct quic_suite *suite;
	bool ok = true;
	int i;

	for (i = 0; i < ARRAY_SIZE(want); i++) {
		suite = quic_suite_get(want[i].type);
		ok &= check(suite && suite->seal_limit &&
			    suite->seal_limit <= want[i].seal &&
			    suite->forge_limit &&
			    suite->forge_limit <= want[i].forge,
			    "limits", "suite", i);
	}
	return ok;
}

static bool __init test_all(struct bench *b)
{
	bool ok = test_limits();
	int i;

	for (i = 0; i < ARRAY_SIZE(rfc_versions); i++)
		ok &= test_secrets(&rfc_versions[i]) &&
		      test_initials(b, &rfc_versions[i]) &&
		      test_retry(b, &rfc_versions[i]) &&
		      test_chacha(b, &rfc_versions[i]);
	ok &= test_suite(b, TLS_CIPHER_AES_GCM_128);
	ok &= test_suite(b, TLS_CIPHER_AES_GCM_256);
	ok &= test_suite(b, TLS_CIPHER_AES_CCM_128);
	ok &= test_suite(b, TLS_CIPHER_CHACHA20_POLY1305);
	return ok;
}

int __init quic_crypto_selftest(void)
{
	struct bench *b = kzalloc(sizeof(*b), GFP_KERNEL);
	bool ok = false;

	if (!b)
		return -ENOMEM;
	prandom_seed_state(&b->rnd, 9001);
	skb_queue_head_init(&b->queue);
	b->plain = vmalloc(PLAIN_LEN);
	b->out = kmalloc(QUIC_TRAIN_MAX * PKT_MAX, GFP_KERNEL);
	b->want = kmalloc(QUIC_TRAIN_MAX * PKT_MAX, GFP_KERNEL);
	if (b->plain && b->out && b->want) {
		prandom_bytes_state(&b->rnd, b->plain, PLAIN_LEN);
		ok = fill_queue(b) && test_all(b);
	}
	__skb_queue_purge(&b->queue);
	kfree(b->want);
	kfree(b->out);
	vfree(b->plain);
	kfree(b);
	if (!ok)
		return -ENOTRECOVERABLE;
	pr_info("self-test crypto: pass (%u checks)\n", checks);
	return 0;
}
