// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: what a client hears before there is a connection: that a part of its
 * ClientHello has come, or that nobody takes it.
 * Called from: rx/initial (its worker).
 * Context: process.
 * RFC 9000 sections 7.2, 10.2.3, 13.2.1.
 *
 * Both are one Initial, smaller than what it answers: no amplification.  Our
 * ID in it leads to the request; the connection takes it over, and goes on with
 * the packet numbers.
 */
#include <linux/tls.h>
#include "../pipeline.h"
#include "../crypto/initial.h"
#include "../obs/mib.h"
#include "../wire/frame.h"
#include "../wire/pn.h"
#include "tx.h"

#define CONTACT_MAX	256

static int server_key(const struct quic_req *req, struct quic_key *key)
{
	u8 client[QUIC_INITIAL_SECRET_LEN], server[QUIC_INITIAL_SECRET_LEN];
	int err;

	memset(key, 0, sizeof(*key));
	err = quic_initial_secrets(req->version, &req->dcid, client, server);
	return err ?: quic_key_install(key, &quic_aead_sw,
				       quic_suite_get(TLS_CIPHER_AES_GCM_128),
				       req->version, server);
}

/* The header of the next Initial, at o->p. */
static void begin(const struct quic_req *req, struct quic_out *o,
		  struct quic_pkt *pkt)
{
	pkt->data = o->p;
	pkt->pn = req->n_told;
	pkt->pn_off = quic_hdr_put_long(o, QUIC_PKT_INITIAL, req->version,
					&req->scid, &req->ours->key.cid, NULL,
					0, pkt->pn,
					quic_pn_len(pkt->pn, QUIC_PN_NONE));
	pkt->hdr_len = o->p - pkt->data;
}

/* The frames end at @end; bytes of the packet, or 0. */
static u32 finish(const struct quic_req *req, struct quic_train *t, u8 *end)
{
	struct quic_pkt *pkt = &t->pkt[0];
	struct quic_key key;
	int err;

	t->n = 1;
	pkt->clear_len = end - pkt->data;
	pkt->len = pkt->clear_len + QUIC_TAG_LEN;
	quic_hdr_set_length(pkt->data, pkt->pn_off, pkt->len - pkt->pn_off);
	if (server_key(req, &key))
		return 0;
	local_bh_disable();
	err = quic_aead_seal(&key.aead, t) ?: quic_hp_protect(&key.hp, t);
	local_bh_enable();
	quic_key_drop(&key);
	return err ? 0 : pkt->len;
}

/* An Initial with @ack, or with the error @code; sent or not. */
static bool tell(struct quic_req *req, const struct quic_ack *ack, u64 code)
{
	struct quic_train *t = kzalloc(sizeof(*t), GFP_KERNEL);
	struct sk_buff *skb = quic_stateless_alloc(CONTACT_MAX);
	struct quic_out o;
	bool sent = false;
	u32 len;

	if (!req->ours)
		req->ours = quic_cid_make(req->net, NULL, req, GFP_KERNEL);
	if (IS_ERR(req->ours))
		req->ours = NULL;
	if (!t || !skb || !req->ours)
		goto out;
	o.p = skb->data;
	o.end = skb->data + CONTACT_MAX - QUIC_TAG_LEN;
	o.overflow = false;
	begin(req, &o, &t->pkt[0]);
	if (ack)
		quic_ack_write(&o, ack, ktime_get_ns(), 3);
	else
		quic_put_connection_close(&o, false, code, 0, NULL, 0);
	len = o.overflow ? 0 : finish(req, t, o.p);
	if (!len)
		goto out;
	skb_put(skb, len);
	req->n_told++;
	req->told_bytes += len;
	local_bh_disable();
	sent = quic_stateless_send(req->udp, &req->src, &req->dst, skb);
	local_bh_enable();
	skb = NULL;
out:
	kfree_skb(skb);
	kfree(t);
	return sent;
}

/* RFC9000-13.2.1-1 */
void quic_tx_acknowledge(struct quic_req *req, const struct quic_ack *ack)
{
	if (tell(req, ack, 0))
		QUIC_INC(req->net, QuicTxAckOnlyPackets);
}

void quic_tx_refuse(struct quic_req *req, u64 code)
{
	if (tell(req, NULL, code))
		QUIC_INC(req->net, QuicFrmOutCloses);
}
