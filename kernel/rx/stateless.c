// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: what a client makes of a server's words that no key protects: Retry.
 * Called from: rx/packet.
 * Context: socket lock held, BH off; the consequences need new keys, so they
 * are drawn by a worker (process context, socket lock).
 * RFC 9000 sections 8.1.2, 17.2.5; RFC 9001 section 5.8; RFC 9002 section 6.3.
 */
#include <crypto/utils.h>
#include <linux/slab.h>
#include "../pipeline.h"
#include "../conn/token.h"
#include "../crypto/retry.h"
#include "../obs/mib.h"
#include "rx.h"

/* The client's Initials change; the worker takes it over. */
struct restart {
	struct work_struct work;
	struct sock *sk;		/* counted */
	struct quic_cid scid;		/* where they go now */
	struct quic_token *token;	/* what they carry */
};

static void apply(struct quic_conn *c, struct restart *r)
{
	struct quic_sock *qs = quic_sk(c->sk);

	/* Meanwhile the server answered an Initial, or it is over. */
	if (c->state != QUIC_CONN_ESTABLISHING || c->peer_cid_known)
		return;
	kfree(qs->token);
	qs->token = r->token;
	r->token = NULL;
	c->rscid = r->scid;
	quic_cid_set_dest(c, &c->rscid, NULL);
	if (quic_conn_set_initial_keys(c)) {
		quic_conn_dead(c, ENOMEM);
		return;
	}
	/* Packet numbers go on (section 17.2.5.3). */
	local_bh_disable();
	quic_recovery_resend(&c->rec, QUIC_SPACE_INITIAL);
	quic_recovery_resend(&c->rec, QUIC_SPACE_APP);
	local_bh_enable();
	quic_tx_push(c);
}

static void restart_work(struct work_struct *work)
{
	struct restart *r = container_of(work, struct restart, work);

	lock_sock(r->sk);
	apply(quic_sk_conn(r->sk), r);
	release_sock(r->sk);
	sock_put(r->sk);
	kfree(r->token);
	kfree(r);
}

/* ---- Retry ------------------------------------------------------------------- */

static bool tag_is_good(const struct quic_conn *c, const u8 *p,
			const struct quic_hdr *h)
{
	u16 prefix = 1 + c->odcid.len, len = h->len - QUIC_TAG_LEN;
	u8 *pseudo = kmalloc(prefix + h->len, GFP_ATOMIC);
	bool good;

	if (!pseudo)
		return false;
	pseudo[0] = c->odcid.len;
	memcpy(pseudo + 1, c->odcid.id, c->odcid.len);
	memcpy(pseudo + prefix, p, len);
	good = !quic_retry_tag(h->version, pseudo, prefix + len) &&
	       !crypto_memneq(pseudo + prefix + len, p + len, QUIC_TAG_LEN);
	kfree(pseudo);
	return good;
}

/* Once, before anything else was heard, not back to where we came from, and
 * by one who saw our Initial (section 17.2.5.2).
 */
static bool acceptable(const struct quic_conn *c, const u8 *p,
		       const struct quic_hdr *h)
{
	return !c->is_server && c->state == QUIC_CONN_ESTABLISHING &&
	       !c->peer_cid_known && !c->retried &&
	       h->version == c->version &&
	       h->token_len <= QUIC_TOKEN_RETRY_MAX &&
	       !(h->scid_len == c->odcid.len &&
		 !memcmp(h->scid, c->odcid.id, h->scid_len)) &&
	       tag_is_good(c, p, h);
}

/* A Retry packet at @p for one of our IDs. */
void quic_rx_retry(struct quic_conn *c, const u8 *p, const struct quic_hdr *h)
{
	struct restart *r;

	if (!acceptable(c, p, h)) {
		QUIC_INC(sock_net(c->sk), QuicDropToken);
		return;
	}
	r = kzalloc(sizeof(*r), GFP_ATOMIC);
	if (!r)
		return;
	r->token = kmalloc(struct_size(r->token, data, h->token_len),
			   GFP_ATOMIC);
	if (!r->token) {
		kfree(r);
		return;
	}
	r->token->retry = true;
	r->token->len = h->token_len;
	memcpy(r->token->data, h->token, h->token_len);
	r->scid.len = h->scid_len;
	memcpy(r->scid.id, h->scid, h->scid_len);
	r->sk = c->sk;
	sock_hold(r->sk);
	c->retried = true;
	QUIC_INC(sock_net(c->sk), QuicRetriesRcvd);
	INIT_WORK(&r->work, restart_work);
	queue_work(quic_wq, &r->work);
}
