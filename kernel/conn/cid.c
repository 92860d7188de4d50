// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: the table that leads a connection ID to its socket, and the IDs a
 * connection has issued.
 * Called from: rx/demux and rx/initial (look-up, RCU), rx/frames and
 * lifecycle (changes, socket lock).
 * Context: any; the table is RCU for readers, rhashtable's own for writers.
 * RFC 9000 sections 5.1, 19.15, 19.16.
 */
#include <linux/random.h>
#include <linux/rhashtable.h>
#include <linux/siphash.h>
#include <linux/unaligned.h>
#include "../pipeline.h"
#include "../obs/mib.h"
#include "connid.h"

static struct rhashtable cid_table;
static struct kmem_cache *node_cache;
static siphash_key_t cid_hash_key __read_mostly;

/* Keyed: a client chooses the first ID of a connection, and must not be able
 * to choose its bucket with it (reliability.md section 3, row 17).
 */
static u32 cid_hash(const void *data, u32 len, u32 seed)
{
	const struct quic_cid_key *key = data;

	/* Those we issue, which every train looks up. */
	if (likely(!key->peer && key->cid.len == QUIC_SCID_MIN))
		return siphash_2u64((unsigned long)key->net,
				    get_unaligned((const u64 *)key->cid.id),
				    &cid_hash_key) ^ seed;
	return siphash(data, sizeof(struct quic_cid_key), &cid_hash_key) ^ seed;
}

static const struct rhashtable_params cid_params = {
	.head_offset = offsetof(struct quic_cid_node, hash),
	.key_offset = offsetof(struct quic_cid_node, key),
	.key_len = sizeof(struct quic_cid_key),
	.hashfn = cid_hash,
	.automatic_shrinking = true,
};

static void make_key(struct quic_cid_key *key, struct net *net, const u8 *id,
		     u8 len, const union quic_addr *peer)
{
	memset(key, 0, sizeof(*key));
	key->net = net;
	key->peer = peer ? quic_addr_hash(peer) ?: 1 : 0;
	key->cid.len = len;
	memcpy(key->cid.id, id, len);
}

/* Under RCU.  @peer: look for an ID that this peer made up. */
struct quic_cid_node *quic_cid_lookup(struct net *net, const u8 *id, u8 len,
				      const union quic_addr *peer)
{
	struct quic_cid_key key;

	if (len > QUIC_CID_MAX_LEN)
		return NULL;
	make_key(&key, net, id, len, peer);
	return rhashtable_lookup(&cid_table, &key, cid_params);
}

static unsigned long lens_of(struct net *net)
{
	return READ_ONCE(quic_net(net)->cid_lens);
}

/* Under RCU.  The ID of ours with which @have bytes at @id begin, @have at least
 * QUIC_SCID_MIN: a short header does not tell how long it is.
 */
struct quic_cid_node *quic_cid_find(struct net *net, const u8 *id, u32 have)
{
	unsigned long lens = lens_of(net);
	struct quic_cid_node *node;
	u32 len;

	if (likely(lens == BIT(QUIC_SCID_MIN)))
		return quic_cid_lookup(net, id, QUIC_SCID_MIN, NULL);
	for_each_set_bit(len, &lens, min_t(u32, have, QUIC_CID_MAX_LEN) + 1) {
		node = quic_cid_lookup(net, id, len, NULL);
		if (node)
			return node;
	}
	return NULL;
}

/* Its length; if there is none such the greatest that it may have: what differs
 * in less is two IDs, and one of them may be known.
 */
u8 quic_cid_len(struct net *net, const u8 *id, u32 have)
{
	unsigned long lens = lens_of(net);
	struct quic_cid_node *node;

	if (likely(lens == BIT(QUIC_SCID_MIN)))
		return QUIC_SCID_MIN;
	node = quic_cid_find(net, id, have);
	return node ? node->key.cid.len : min_t(u32, have, __fls(lens));
}

struct quic_cid_node *quic_cid_insert(struct net *net,
				      const struct quic_cid *cid,
				      const union quic_addr *peer,
				      struct quic_conn *c, struct quic_req *req,
				      gfp_t gfp)
{
	struct quic_cid_node *node = kmem_cache_zalloc(node_cache, gfp);
	int err;

	if (!node)
		return ERR_PTR(-ENOMEM);
	make_key(&node->key, net, cid->id, cid->len, peer);
	node->sk = c ? c->sk : NULL;
	node->req = req;
	node->cpu = c ? c->cpu : req->cpu;
	err = rhashtable_lookup_insert_fast(&cid_table, &node->hash,
					    cid_params);
	if (err) {
		kmem_cache_free(node_cache, node);
		return ERR_PTR(err);
	}
	return node;
}

void quic_cid_remove(struct quic_cid_node *node)
{
	if (!node)
		return;
	rhashtable_remove_fast(&cid_table, &node->hash, cid_params);
	kfree_rcu(node, rcu);
}

/* ---- IDs we issue -------------------------------------------------------- */

struct quic_local_cid *quic_cid_local(struct quic_conn *c, u64 seq)
{
	int i;

	for (i = 0; i < QUIC_CID_SLOTS; i++)
		if (c->cids->local[i].node && c->cids->local[i].seq == seq)
			return &c->cids->local[i];
	return NULL;
}

/*
 * RFC9000-5.1-1 RFC9000-5.1.1-1 RFC9000-10.3.2-3 RFC9000-10.3.2-4
 * RFC9000-10.3.2-5
 */
/* A fresh ID that leads to @c, or to @req; or ERR_PTR. */
struct quic_cid_node *quic_cid_make(struct net *net, struct quic_conn *c,
				    struct quic_req *req, gfp_t gfp)
{
	struct sock *sk = c ? c->sk : NULL;
	u32 cpu = c ? c->cpu : req->cpu;
	struct quic_cid_node *node;
	struct quic_cid cid = {};
	int tries;

	/* 64 random bits collide once in a blue moon: try again then. */
	for (tries = 0; tries < 4; tries++) {
		quic_connid_make(net, sk, &cid, cpu);
		node = quic_cid_insert(net, &cid, NULL, c, req, gfp);
		if (PTR_ERR(node) == -EEXIST)
			continue;
		quic_connid_used(net, sk, false);
		return node;
	}
	quic_connid_used(net, sk, true);
	get_random_bytes(cid.id, cid.len);
	return quic_cid_insert(net, &cid, NULL, c, req, gfp);
}

static struct quic_local_cid *free_slot(struct quic_conn *c)
{
	int i;

	for (i = 0; i < QUIC_CID_SLOTS; i++)
		if (!c->cids->local[i].node)
			return &c->cids->local[i];
	return NULL;
}

/* RFC9000-5.1-2 RFC9000-5.1-3 RFC9000-18.2-3 RFC9000-18.2-4 RFC9000-19.15-2 */
/* @node is the next of ours. */
static void number(struct quic_conn *c, struct quic_local_cid *l,
		   struct quic_cid_node *node)
{
	l->node = node;
	l->seq = c->cids->local_next_seq++;
	l->announce = false;
	quic_connid_tell(c->sk, QUIC_CONNID_ISSUED, &node->key.cid, c->number);
}

/* Make and register the one with the next sequence number; or ERR_PTR. */
struct quic_local_cid *quic_cid_new_local(struct quic_conn *c, gfp_t gfp)
{
	struct quic_local_cid *l = free_slot(c);
	struct quic_cid_node *node;

	if (!l)
		return ERR_PTR(-ENOSPC);
	node = quic_cid_make(sock_net(c->sk), c, NULL, gfp);
	if (IS_ERR(node))
		return ERR_CAST(node);
	number(c, l, node);
	return l;
}

/* Our first, which the client knows already: it led to a request. */
void quic_cid_take_over(struct quic_conn *c, struct quic_cid_node *node)
{
	WRITE_ONCE(node->sk, c->sk);
	number(c, free_slot(c), node);
}

static void retire(struct quic_conn *c, struct quic_local_cid *l)
{
	if (!l->node)
		return;
	quic_connid_tell(c->sk, QUIC_CONNID_RETIRED, &l->node->key.cid,
			 c->number);
	quic_cid_remove(l->node);
	l->node = NULL;
}

void quic_cid_free_all(struct quic_conn *c)
{
	int i;

	for (i = 0; i < QUIC_CID_SLOTS; i++) {
		retire(c, &c->cids->local[i]);
		quic_reset_forget(&c->cids->remote[i]);
	}
	quic_cid_remove(c->odcid_node);
	c->odcid_node = NULL;
	/* Who finds one may still take a reference to the socket. */
	for (i = 0; i < QUIC_PATHS; i++) {
		if (!c->paths[i])
			continue;
		quic_cid_remove(c->paths[i]->quoted);
		c->paths[i]->quoted = NULL;
	}
}

/* RFC9000-5.1.1-2 */
bool quic_cid_is_ours(const struct quic_conn *c, const u8 *id, u8 len)
{
	const struct quic_local_cid *l = c->cids->local;
	int i;

	for (i = 0; i < QUIC_CID_SLOTS; i++, l++)
		if (l->node && quic_cid_is(&l->node->key.cid, id, len))
			return true;
	return c->odcid_node && quic_cid_is(&c->odcid_node->key.cid, id, len);
}

/* RFC9000-5.1.1-3 */
/* Issue as many as the peer keeps (section 5.1.1). */
void quic_cid_offer(struct quic_conn *c)
{
	u8 limit = min_t(u64, c->peer.active_connection_id_limit,
			 c->cids->local_limit);
	struct quic_local_cid *l;
	u8 have = 0;
	int i;

	for (i = 0; i < QUIC_CID_SLOTS; i++)
		have += !!c->cids->local[i].node;
	for (; have < limit; have++) {
		l = quic_cid_new_local(c, GFP_ATOMIC);
		if (IS_ERR(l))
			return;	/* fewer IDs are legal too */
		l->announce = true;
		c->ctl |= QUIC_CTL_NEW_CID;
	}
}

/* Which IDs of ours, or of the peer's, are in use and live; what the option
 * CONNECTION_ID and its event say.
 */
void quic_cid_info(const struct quic_conn *c, bool dest,
		   struct quic_connection_id_info *info)
{
	const struct quic_cids *s = c->cids;
	u64 first = U64_MAX;
	int i;

	for (i = 0; i < QUIC_CID_SLOTS; i++) {
		if (dest && s->remote[i].used)
			first = min(first, s->remote[i].seq);
		if (!dest && s->local[i].node)
			first = min(first, s->local[i].seq);
	}
	memset(info, 0, sizeof(*info));
	info->dest = dest;
	info->prior_to = first;
	info->active = dest ? s->remote[c->path->cid].seq :
			      max(first, s->local_active);
}

/* Some were retired. */
void quic_cid_tell(struct quic_conn *c, bool dest)
{
	struct quic_connection_id_info info;

	quic_cid_info(c, dest, &info);
	quic_event(c, QUIC_EVENT_CONNECTION_ID, &info, sizeof(info));
}

/* Ask the peer to retire those below @prior (section 5.1.2); 0 or -errno. */
int quic_cid_retire_ours(struct quic_conn *c, u64 prior)
{
	struct quic_cids *s = c->cids;
	struct quic_local_cid *l;
	int i;

	/* It still has to do what it was asked before. */
	for (i = 0; i < QUIC_CID_SLOTS; i++)
		if (s->local[i].node && s->local[i].seq < s->local_retire_prior)
			return -EAGAIN;
	/* The demand travels with a new ID; the place for one more is kept
	 * for this.
	 */
	l = quic_cid_new_local(c, GFP_KERNEL);
	if (IS_ERR(l))
		return PTR_ERR(l) == -ENOSPC ? -EAGAIN : PTR_ERR(l);
	l->announce = true;
	s->local_retire_prior = prior;
	c->ctl |= QUIC_CTL_NEW_CID;
	return 0;
}

/* RFC9000-19.16-1 */
/* RETIRE_CONNECTION_ID (section 19.16); a transport error, or 0. */
int quic_cid_on_retire(struct quic_conn *c, u64 seq)
{
	struct quic_local_cid *l;

	/* Else a peer could retire what we are about to issue, and so make us
	 * go on, without waiting for a packet of ours.
	 */
	if (seq >= c->cids->local_told)
		return QUIC_TRANSPORT_ERROR_PROTOCOL_VIOLATION;
	l = quic_cid_local(c, seq);
	if (!l)
		return 0;
	retire(c, l);
	quic_cid_offer(c);
	quic_cid_tell(c, false);
	return 0;
}

void quic_cid_exit(void)
{
	rcu_barrier();
	rhashtable_destroy(&cid_table);
	kmem_cache_destroy(node_cache);
}

int quic_cid_init(void)
{
	int err;

	node_cache = KMEM_CACHE(quic_cid_node, 0);
	if (!node_cache)
		return -ENOMEM;
	get_random_bytes(&cid_hash_key, sizeof(cid_hash_key));
	err = rhashtable_init(&cid_table, &cid_params);
	if (err)
		kmem_cache_destroy(node_cache);
	return err;
}
