// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: what a client makes of a server's words that no key protects: Retry,
 * Version Negotiation; and of a version that it did not begin with.
 * Called from: rx/packet.
 * Context: socket lock held, BH off; the consequences need new keys, so they
 * are drawn by a worker (process context, socket lock).
 * RFC 9000 sections 6.2, 8.1.2, 17.2.1, 17.2.5; RFC 9001 section 5.8; RFC 9002 section 6.3.
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
	u32 version;			/* they speak it now */
	bool retry;
	struct quic_cid scid;		/* @retry: where they go */
	struct quic_token *token;	/* @retry: what they carry */
};

/* RFC9000-8.1.3-2 RFC9000-8.1.3-6 */
static void take_retry(struct quic_conn *c, struct restart *r)
{
	struct quic_sock *qs = quic_sk(c->sk);

	kfree(qs->token);
	qs->token = r->token;
	r->token = NULL;
	c->retried = true;
	c->rscid = r->scid;
	quic_cid_set_dest(c, &c->rscid, NULL);
}

/*
 * RFC9000-8.1.2-1 RFC9000-17.2.5.1-3 RFC9000-17.2.5.2-5
 * RFC9000-17.2.5.3-1 RFC9000-17.2.5.3-2
 */
/* A first flight that the server will read; packet numbers go on (section
 * 17.2.5.3).
 */
static int apply(struct quic_conn *c, struct restart *r)
{
	int err;

	if (r->retry)
		take_retry(c, r);
	err = quic_version_switch(c, r->version);
	if (err)
		return err;
	local_bh_disable();
	quic_recovery_resend(&c->rec, QUIC_SPACE_INITIAL);
	quic_recovery_resend(&c->rec, QUIC_SPACE_APP);
	local_bh_enable();
	if (!r->retry)
		quic_version_restart(c, r->version);
	quic_tx_push(c);
	return 0;
}

static void restart_work(struct work_struct *work)
{
	struct restart *r = container_of(work, struct restart, work);
	struct quic_conn *c = quic_sk_conn(r->sk);

	lock_sock(r->sk);
	c->restarting = false;
	/* Meanwhile the server answered an Initial, or it is over. */
	if (c->state == QUIC_CONN_ESTABLISHING && !c->peer_cid_known &&
	    apply(c, r))
		quic_conn_dead(c, ENOMEM);
	release_sock(r->sk);
	sock_put(r->sk);
	kfree(r->token);
	kfree(r);
}

/* The server has gone over to a compatible version and waits for nothing. */
static void follow_work(struct work_struct *work)
{
	struct restart *r = container_of(work, struct restart, work);
	struct quic_conn *c = quic_sk_conn(r->sk);

	lock_sock(r->sk);
	c->restarting = false;
	if (quic_version_may_follow(c, r->version)) {
		if (quic_version_switch(c, r->version))
			quic_conn_dead(c, ENOMEM);
		else
			quic_rx_parked(c);
	}
	release_sock(r->sk);
	sock_put(r->sk);
	kfree(r);
}

/* One at a time. */
static struct restart *restart_new(struct quic_conn *c, u32 version,
				   work_func_t fn)
{
	struct restart *r = kzalloc(sizeof(*r), GFP_ATOMIC);

	if (!r)
		return NULL;
	r->version = version;
	r->sk = c->sk;
	sock_hold(r->sk);
	INIT_WORK(&r->work, fn);
	c->restarting = true;
	return r;
}

/* ---- versions ---------------------------------------------------------------- */

/* A packet of another version than ours waits among the parked ones. */
void quic_rx_follow(struct quic_conn *c, u32 version)
{
	struct restart *r;

	if (c->restarting)
		return;
	r = restart_new(c, version, follow_work);
	if (r)	/* else the server sends it again */
		queue_work(quic_wq, &r->work);
}

/*
 * RFC9000-6.2-1 RFC9000-6.2-2 RFC9000-6.2-3 RFC9368-2.1-3 RFC9368-4-1
 * RFC9368-4-2
 */
/* Version Negotiation (section 6.2): once, before anything else was heard,
 * from one who saw our Initial, and not if it lists what we had sent.
 */
void quic_rx_versions(struct quic_conn *c, const struct quic_hdr *h)
{
	struct net *net = sock_net(c->sk);
	u32 list[QUIC_TPARAMS_MAX_VERSIONS];
	u32 i, n = 0, version;
	struct restart *r;

	if (c->is_server || c->state != QUIC_CONN_ESTABLISHING ||
	    c->peer_cid_known || c->restarting || c->retried ||
	    c->version_negotiated ||
	    !quic_cid_is_ours(c, h->dcid, h->dcid_len) ||
	    h->scid_len != c->odcid.len ||
	    memcmp(h->scid, c->odcid.id, h->scid_len)) {
		QUIC_INC(net, QuicDropVersion);
		return;
	}
	for (i = 0; i < h->token_len; i += sizeof(version)) {
		version = get_unaligned_be32(h->token + i);
		if (version == c->version) {
			QUIC_INC(net, QuicDropVersion);
			return;
		}
		if (quic_version_supported(version) && n < ARRAY_SIZE(list))
			list[n++] = version;
	}
	QUIC_INC(net, QuicVersionsRcvd);
	version = quic_version_pick(c, list, n);
	if (!version) {
		quic_conn_dead(c, EPROTONOSUPPORT);
		return;
	}
	r = restart_new(c, version, restart_work);
	if (r)
		queue_work(quic_wq, &r->work);
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

/*
 * RFC9000-17.2.5.1-2 RFC9000-17.2.5.2-1 RFC9000-17.2.5.2-2
 * RFC9000-17.2.5.2-3 RFC9369-4.1-2 RFC9369-4.1-3
 */
/* Once, before anything else was heard, not back to where we came from, and
 * by one who saw our Initial (section 17.2.5.2).
 */
static bool acceptable(const struct quic_conn *c, const u8 *p,
		       const struct quic_hdr *h)
{
	return !c->is_server && c->state == QUIC_CONN_ESTABLISHING &&
	       !c->peer_cid_known && !c->restarting && !c->retried &&
	       h->version == c->version &&
	       h->token_len <= QUIC_TOKEN_RETRY_MAX &&
	       !(h->scid_len == c->odcid.len &&
		 !memcmp(h->scid, c->odcid.id, h->scid_len)) &&
	       tag_is_good(c, p, h);
}

/* A Retry packet at @p for one of our IDs. */
void quic_rx_retry(struct quic_conn *c, const u8 *p, const struct quic_hdr *h)
{
	struct quic_token *token;
	struct restart *r;

	if (!acceptable(c, p, h)) {
		QUIC_CONN_INC(c, QuicDropToken);
		return;
	}
	token = kmalloc(struct_size(token, data, h->token_len), GFP_ATOMIC);
	r = token ? restart_new(c, c->version, restart_work) : NULL;
	if (!r) {
		kfree(token);
		return;
	}
	token->retry = true;
	token->len = h->token_len;
	memcpy(token->data, h->token, h->token_len);
	r->retry = true;
	r->token = token;
	r->scid.len = h->scid_len;
	memcpy(r->scid.id, h->scid, h->scid_len);
	QUIC_CONN_INC(c, QuicRetriesRcvd);
	queue_work(quic_wq, &r->work);
}
