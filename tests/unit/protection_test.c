// SPDX-License-Identifier: GPL-2.0
/*
 * Whole packets of RFC 9001 appendix A and RFC 9369 appendix A: our headers,
 * frames and packet numbers, protected by a library, must give their bytes;
 * and their bytes, unprotected, must read as what they say.
 *
 * needs: wire/header.c wire/varint.c wire/pn.c wire/frame.c wire/frame_put.c
 * libs: -lnettle
 */
#include <nettle/aes.h>
#include <nettle/chacha-poly1305.h>
#include <nettle/chacha.h>
#include <nettle/gcm.h>
#include <nettle/hkdf.h>
#include <nettle/hmac.h>
#include <linux/quic.h>

#include "unit.h"
#include "vectors.h"
#include "wire/frame.h"
#include "wire/pn.h"

#define PAYLOAD_LEN	1162	/* of the client's Initial, padded */

#define for_each_version(v)						\
	for (v = version_vectors;					\
	     v < version_vectors + ARRAY_SIZE(version_vectors); v++)

static const struct quic_cid client_dcid = {
	8, { 0x83, 0x94, 0xc8, 0xf0, 0x3e, 0x51, 0x57, 0x08 }
};
static const struct quic_cid server_scid = {
	8, { 0xf0, 0x67, 0xa5, 0x50, 0x2a, 0x42, 0x62, 0xb5 }
};
static const struct quic_cid no_cid;

/* ---- cryptography, from the library ------------------------------------ */

/* RFC9001-5.2-1 */
struct keys {
	bool chacha;
	u8 secret[32], key[32], iv[12], hp[32];
};

/* RFC 8446 section 7.1, with an empty context */
static void expand_label(const u8 *secret, const char *label, u8 *out, u8 len)
{
	struct hmac_sha256_ctx mac;
	u8 info[64] = { 0, len, 6 + strlen(label) };

	memcpy(info + 3, "tls13 ", 6);
	strcpy((char *)info + 9, label);
	hmac_sha256_set_key(&mac, 32, secret);
	hkdf_expand(&mac, (nettle_hash_update_func *)hmac_sha256_update,
		    (nettle_hash_digest_func *)hmac_sha256_digest, 32,
		    10 + strlen(label), info, len, out);
}

static void initial_secret(const struct version_vectors *v, u8 *out)
{
	struct hmac_sha256_ctx mac;
	u8 salt[20];

	unit_hex(v->salt, salt, sizeof(salt));
	hmac_sha256_set_key(&mac, sizeof(salt), salt);
	hkdf_extract(&mac, (nettle_hash_update_func *)hmac_sha256_update,
		     (nettle_hash_digest_func *)hmac_sha256_digest, 32,
		     client_dcid.len, client_dcid.id, out);
}

static void derive_keys(const struct version_vectors *v, bool chacha, struct keys *k)
{
	u8 len = chacha ? 32 : 16;

	k->chacha = chacha;
	expand_label(k->secret, v->key_label, k->key, len);
	expand_label(k->secret, v->iv_label, k->iv, 12);
	expand_label(k->secret, v->hp_label, k->hp, len);
}

static void initial_keys(const struct version_vectors *v, bool server, struct keys *k)
{
	u8 secret[32];

	initial_secret(v, secret);
	expand_label(secret, server ? "server in" : "client in", k->secret,
		     32);
	derive_keys(v, false, k);
}

static void make_nonce(const struct keys *k, u64 pn, u8 *nonce)
{
	int i;

	memcpy(nonce, k->iv, 12);
	for (i = 0; i < 8; i++)
		nonce[11 - i] ^= pn >> (8 * i);
}

static void gcm_setup(struct gcm_aes128_ctx *ctx, const u8 *key,
		      const u8 *nonce, const u8 *ad, size_t ad_len)
{
	gcm_aes128_set_key(ctx, key);
	gcm_aes128_set_iv(ctx, 12, nonce);
	gcm_aes128_update(ctx, ad_len, ad);
}

static void chacha_setup(struct chacha_poly1305_ctx *ctx, const u8 *key,
			 const u8 *nonce, const u8 *ad, size_t ad_len)
{
	chacha_poly1305_set_key(ctx, key);
	chacha_poly1305_set_nonce(ctx, nonce);
	chacha_poly1305_update(ctx, ad_len, ad);
}

/* In place; the tag follows at @p + @len. */
static void seal(const struct keys *k, u64 pn, const u8 *hdr, size_t hdr_len,
		 u8 *p, size_t len)
{
	struct chacha_poly1305_ctx chacha;
	struct gcm_aes128_ctx gcm;
	u8 nonce[12];

	make_nonce(k, pn, nonce);
	if (k->chacha) {
		chacha_setup(&chacha, k->key, nonce, hdr, hdr_len);
		chacha_poly1305_encrypt(&chacha, len, p, p);
		chacha_poly1305_digest(&chacha, QUIC_TAG_LEN, p + len);
	} else {
		gcm_setup(&gcm, k->key, nonce, hdr, hdr_len);
		gcm_aes128_encrypt(&gcm, len, p, p);
		gcm_aes128_digest(&gcm, QUIC_TAG_LEN, p + len);
	}
}

/* Return: is the tag right? */
static bool open_packet(const struct keys *k, u64 pn, const u8 *hdr,
			size_t hdr_len, u8 *p, size_t len)
{
	struct chacha_poly1305_ctx chacha;
	struct gcm_aes128_ctx gcm;
	u8 nonce[12], tag[QUIC_TAG_LEN];

	make_nonce(k, pn, nonce);
	if (k->chacha) {
		chacha_setup(&chacha, k->key, nonce, hdr, hdr_len);
		chacha_poly1305_decrypt(&chacha, len, p, p);
		chacha_poly1305_digest(&chacha, QUIC_TAG_LEN, tag);
	} else {
		gcm_setup(&gcm, k->key, nonce, hdr, hdr_len);
		gcm_aes128_decrypt(&gcm, len, p, p);
		gcm_aes128_digest(&gcm, QUIC_TAG_LEN, tag);
	}
	return !memcmp(tag, p + len, QUIC_TAG_LEN);
}

/* RFC 9001 sections 5.4.3 and 5.4.4 */
static void hp_mask(const struct keys *k, const u8 *sample, u8 *mask)
{
	struct chacha_ctx chacha;
	struct aes128_ctx aes;
	u8 block[16] = { 0 };

	if (k->chacha) {
		chacha_set_key(&chacha, k->hp);
		chacha_set_nonce96(&chacha, sample + 4);
		chacha_set_counter32(&chacha, sample);
		chacha_crypt32(&chacha, 5, block, block);
	} else {
		aes128_set_encrypt_key(&aes, k->hp);
		aes128_encrypt(&aes, 16, block, sample);
	}
	memcpy(mask, block, 5);
}

/* Section 5.4.1.  Return: length of the packet number. */
static u8 apply_hp(const struct keys *k, u8 *pkt, u16 pn_off, bool remove)
{
	u8 mask[5], pn_len = (pkt[0] & QUIC_HDR_PN_LEN) + 1, i;

	hp_mask(k, pkt + pn_off + 4, mask);
	pkt[0] ^= mask[0] & (pkt[0] & QUIC_HDR_LONG ? 0x0f : 0x1f);
	if (remove)
		pn_len = (pkt[0] & QUIC_HDR_PN_LEN) + 1;
	for (i = 0; i < pn_len; i++)
		pkt[pn_off + i] ^= mask[1 + i];
	return pn_len;
}

/* ---- both directions --------------------------------------------------- */

/* Protect what is in @pkt up to @o; compare with @hex. */
static void expect_packet(const struct keys *k, const char *hex, u8 *pkt,
			  struct quic_out *o, u16 pn_off, u8 pn_len, u64 pn)
{
	u8 want[1500];
	size_t len = unit_hex(hex, want, sizeof(want));
	u16 hdr_len = pn_off + pn_len;

	ASSERT(!o->overflow);
	ASSERT(o->p + QUIC_TAG_LEN - pkt == len);
	if (pkt[0] & QUIC_HDR_LONG)
		quic_hdr_set_length(pkt, pn_off, len - pn_off);
	seal(k, pn, pkt, hdr_len, pkt + hdr_len, o->p - pkt - hdr_len);
	apply_hp(k, pkt, pn_off, false);
	EXPECT_MEM(pkt, want, len);
}

/* Parse, unprotect, decrypt.  Return: payload, *@len bytes of it; or NULL.
 * The packet is a copy in @pkt, to be freed.
 */
static u8 *read_packet(const struct keys *k, const char *hex, u8 dcid_len,
		       u64 largest, u8 **pkt, struct quic_hdr *h, u64 *pn,
		       size_t *len)
{
	u8 buf[1500], pn_len, i;
	size_t n = unit_hex(hex, buf, sizeof(buf));
	u32 truncated = 0;
	u16 hdr_len;

	*pkt = unit_dup(buf, n);
	EXPECT_EQ(quic_hdr_parse(*pkt, n, dcid_len, h), 0);
	EXPECT_EQ(h->len, n);
	pn_len = apply_hp(k, *pkt, h->pn_off, true);
	for (i = 0; i < pn_len; i++)
		truncated = truncated << 8 | (*pkt)[h->pn_off + i];
	*pn = quic_pn_decode(truncated, pn_len, largest);
	hdr_len = h->pn_off + pn_len;
	*len = h->len - hdr_len - QUIC_TAG_LEN;
	if (!EXPECT(open_packet(k, *pn, *pkt, hdr_len, *pkt + hdr_len, *len)))
		return NULL;
	return *pkt + hdr_len;
}

static void check_keys(const struct keys *k, const char *secret,
		       const char *key, const char *iv, const char *hp)
{
	u8 want[32];
	size_t n;

	unit_hex(secret, want, 32);
	EXPECT_MEM(k->secret, want, 32);
	n = unit_hex(key, want, 32);
	EXPECT_MEM(k->key, want, n);
	unit_hex(iv, want, 32);
	EXPECT_MEM(k->iv, want, 12);
	n = unit_hex(hp, want, 32);
	EXPECT_MEM(k->hp, want, n);
}

TEST(keys)
{
	const struct version_vectors *v;
	u8 got[32], want[32];
	struct keys k;

	for_each_version(v) {
		unit_case("version %x", v->rfc->version);
		initial_secret(v, got);
		unit_hex(v->initial_secret, want, 32);
		EXPECT_MEM(got, want, 32);
		initial_keys(v, false, &k);
		check_keys(&k, v->rfc->client.secret, v->rfc->client.key, v->rfc->client.iv,
			   v->rfc->client.hp);
		initial_keys(v, true, &k);
		check_keys(&k, v->rfc->server.secret, v->rfc->server.key, v->rfc->server.iv,
			   v->rfc->server.hp);
		unit_hex(v->rfc->chacha.secret, k.secret, 32);
		derive_keys(v, true, &k);
		check_keys(&k, v->rfc->chacha.secret, v->rfc->chacha.key, v->rfc->chacha.iv,
			   v->rfc->chacha.hp);
	}
}

TEST(client_initial_is_built_to_the_byte)
{
	u8 frames[300], pkt[1200];
	size_t n = unit_hex(rfc_client_payload, frames, sizeof(frames));
	const struct version_vectors *v;
	struct keys k;
	u16 pn_off;

	for_each_version(v) {
		struct quic_out o = { pkt, pkt + sizeof(pkt) };

		unit_case("version %x", v->rfc->version);
		initial_keys(v, false, &k);
		pn_off = quic_hdr_put_long(&o, QUIC_PKT_INITIAL, v->rfc->version,
					   &client_dcid, &no_cid, NULL, 0, 2,
					   4);
		EXPECT_EQ(pn_off, 18);
		/* our own CRYPTO header, then the ClientHello */
		quic_put_crypto(&o, 0, n - 4);
		quic_put_bytes(&o, frames + 4, n - 4);
		memset(o.p, 0, PAYLOAD_LEN - n);
		o.p += PAYLOAD_LEN - n;
		expect_packet(&k, v->rfc->client_pkt, pkt, &o, pn_off, 4, 2);
	}
}

TEST(server_initial_is_built_to_the_byte)
{
	u8 frames[300], pkt[1200];
	size_t n = unit_hex(rfc_server_payload, frames, sizeof(frames));
	const struct version_vectors *v;
	struct keys k;
	u16 pn_off;

	for_each_version(v) {
		struct quic_out o = { pkt, pkt + sizeof(pkt) };

		unit_case("version %x", v->rfc->version);
		initial_keys(v, true, &k);
		pn_off = quic_hdr_put_long(&o, QUIC_PKT_INITIAL, v->rfc->version,
					   &no_cid, &server_scid, NULL, 0, 1,
					   2);
		quic_put_bytes(&o, frames, 5);		/* the ACK frame */
		quic_put_crypto(&o, 0, n - 9);
		quic_put_bytes(&o, frames + 9, n - 9);
		expect_packet(&k, v->rfc->server_pkt, pkt, &o, pn_off, 2, 1);
	}
}

TEST(client_initial_reads_as_it_says)
{
	u8 want[300], *pkt, *payload;
	const struct version_vectors *v;
	struct quic_frame f;
	struct quic_hdr h;
	struct quic_cur c;
	struct keys k;
	size_t len, n;
	u64 pn;

	n = unit_hex(rfc_client_payload, want, sizeof(want));
	for_each_version(v) {
		unit_case("version %x", v->rfc->version);
		initial_keys(v, false, &k);
		payload = read_packet(&k, v->rfc->client_pkt, 0, QUIC_PN_NONE,
				      &pkt, &h, &pn, &len);
		ASSERT(payload);
		EXPECT_EQ(h.type, QUIC_PKT_INITIAL);
		EXPECT_EQ(h.version, v->rfc->version);
		EXPECT_EQ(h.dcid_len, 8);
		EXPECT_MEM(h.dcid, client_dcid.id, 8);
		EXPECT_EQ(h.scid_len, 0);
		EXPECT_EQ(h.token_len, 0);
		EXPECT_EQ(pn, 2);
		EXPECT_EQ(len, PAYLOAD_LEN);

		c = (struct quic_cur){ payload, payload + len };
		EXPECT_EQ(quic_frame_parse(&c, &f), 0);
		EXPECT_EQ(f.kind, QUIC_FRAME_CRYPTO);
		EXPECT_EQ(f.crypto.off, 0);
		EXPECT_EQ(f.crypto.len, n - 4);
		EXPECT_MEM(f.crypto.data, want + 4, n - 4);
		EXPECT_EQ(quic_frame_parse(&c, &f), 0);
		EXPECT_EQ(f.kind, QUIC_FRAME_PADDING);
		EXPECT_EQ(quic_cur_left(&c), 0);
		free(pkt);
	}
}

TEST(server_initial_reads_as_it_says)
{
	const struct version_vectors *v;
	u8 *pkt, *payload;
	struct quic_frame f;
	struct quic_hdr h;
	struct quic_cur c;
	struct keys k;
	size_t len;
	u64 pn;

	for_each_version(v) {
		unit_case("version %x", v->rfc->version);
		initial_keys(v, true, &k);
		payload = read_packet(&k, v->rfc->server_pkt, 0, 0, &pkt, &h,
				      &pn, &len);
		ASSERT(payload);
		EXPECT_EQ(h.type, QUIC_PKT_INITIAL);
		EXPECT_EQ(h.scid_len, 8);
		EXPECT_MEM(h.scid, server_scid.id, 8);
		EXPECT_EQ(pn, 1);

		c = (struct quic_cur){ payload, payload + len };
		EXPECT_EQ(quic_frame_parse(&c, &f), 0);
		EXPECT_EQ(f.kind, QUIC_FRAME_ACK);
		EXPECT_EQ(f.ack.largest, 0);
		EXPECT_EQ(quic_frame_parse(&c, &f), 0);
		EXPECT_EQ(f.kind, QUIC_FRAME_CRYPTO);
		EXPECT_EQ(f.crypto.len, 90);
		EXPECT_EQ(quic_cur_left(&c), 0);
		free(pkt);
	}
}

/* RFC 9001 section 5.8: the tag covers the original destination ID too. */
TEST(retry)
{
	u8 pseudo[64], key[16], nonce[12], tag[16], ours[64], *pkt;
	const struct quic_cid no_cid = { 0 };
	const struct version_vectors *v;
	struct gcm_aes128_ctx gcm;
	struct quic_hdr h;
	size_t n;

	for_each_version(v) {
		struct quic_out o = { ours, ours + sizeof(ours) };

		unit_case("version %x", v->rfc->version);
		pseudo[0] = client_dcid.len;
		memcpy(pseudo + 1, client_dcid.id, 8);
		n = unit_hex(v->rfc->retry_pkt, pseudo + 9, sizeof(pseudo) - 9);
		pkt = unit_dup(pseudo + 9, n);

		EXPECT_EQ(quic_hdr_parse(pkt, n, 8, &h), 0);
		EXPECT_EQ(h.type, QUIC_PKT_RETRY);
		EXPECT_EQ(h.version, v->rfc->version);
		EXPECT_EQ(h.len, n);
		EXPECT_EQ(h.pn_off, 0);
		EXPECT_EQ(h.dcid_len, 0);
		EXPECT_EQ(h.scid_len, 8);
		EXPECT_MEM(h.scid, server_scid.id, 8);
		EXPECT_EQ(h.token_len, 5);
		EXPECT_MEM(h.token, "token", 5);

		/* and so we write it, but for four bits of no meaning */
		quic_hdr_put_retry(&o, v->rfc->version, pkt[0], &no_cid,
				   &server_scid, (const u8 *)"token", 5);
		EXPECT(!o.overflow);
		EXPECT_EQ(o.p - ours, n - QUIC_TAG_LEN);
		EXPECT_MEM(ours, pkt, n - QUIC_TAG_LEN);

		unit_hex(v->retry_key, key, sizeof(key));
		unit_hex(v->retry_nonce, nonce, sizeof(nonce));
		gcm_setup(&gcm, key, nonce, pseudo,
			  9 + n - QUIC_TAG_LEN);
		gcm_aes128_digest(&gcm, QUIC_TAG_LEN, tag);
		EXPECT_MEM(h.token + h.token_len, tag, QUIC_TAG_LEN);
		free(pkt);
	}
}

TEST(chacha20_short_header)
{
	const u64 number = 654360564;
	u8 buf[21], *pkt, *payload;
	const struct version_vectors *v;
	struct quic_hdr h;
	struct keys k;
	u16 pn_off;
	size_t len;
	u64 pn;

	for_each_version(v) {
		struct quic_out o = { buf, buf + sizeof(buf) };

		unit_case("version %x", v->rfc->version);
		unit_hex(v->rfc->chacha.secret, k.secret, 32);
		derive_keys(v, true, &k);
		pn_off = quic_hdr_put_short(&o, &no_cid, false, false, number,
					    3);
		EXPECT_EQ(pn_off, 1);
		EXPECT_MEM(buf, "\x42\x00\xbf\xf4", 4);
		quic_put_ping(&o);
		expect_packet(&k, v->rfc->chacha_pkt, buf, &o, pn_off, 3,
			      number);

		payload = read_packet(&k, v->rfc->chacha_pkt, 0, number - 9,
				      &pkt, &h, &pn, &len);
		ASSERT(payload);
		EXPECT_EQ(h.type, QUIC_PKT_1RTT);
		EXPECT_EQ(pn, number);
		EXPECT_EQ(len, 1);
		EXPECT_EQ(payload[0], 0x01);
		free(pkt);
	}
}
