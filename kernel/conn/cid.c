// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: the table that leads a connection ID to its socket, the IDs a
 * connection has issued and those it was given.
 * Called from: rx/demux and rx/initial (look-up, RCU), rx/frames and
 * lifecycle (changes, socket lock).
 * Context: any; the table is RCU for readers, rhashtable's own for writers.
 * RFC 9000 sections 5.1, 19.15, 19.16.
 */
#include <linux/random.h>
#include <linux/rhashtable.h>
#include <linux/siphash.h>
#include "../pipeline.h"

static struct rhashtable cid_table;
static siphash_key_t cid_hash_key __read_mostly;

/* Keyed: a client chooses the first ID of a connection, and must not be able
 * to choose its bucket with it (reliability.md section 3, row 17).
 */
static u32 cid_hash(const void *data, u32 len, u32 seed)
{
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
	key->peer = peer ? 1ULL << 32 | quic_addr_hash(peer) : 0;
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

struct quic_cid_node *quic_cid_insert(struct net *net,
				      const struct quic_cid *cid,
				      const union quic_addr *peer,
				      struct sock *sk, struct quic_req *req,
				      gfp_t gfp)
{
	struct quic_cid_node *node = kzalloc(sizeof(*node), gfp);
	int err;

	if (!node)
		return ERR_PTR(-ENOMEM);
	make_key(&node->key, net, cid->id, cid->len, peer);
	node->sk = sk;
	node->req = req;
	err = rhashtable_lookup_insert_fast(&cid_table, &node->hash,
					    cid_params);
	if (err) {
		kfree(node);
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

static struct quic_local_cid *local_find(struct quic_conn *c, u64 seq)
{
	int i;

	for (i = 0; i < QUIC_CID_SLOTS; i++)
		if (c->cids.local[i].node && c->cids.local[i].seq == seq)
			return &c->cids.local[i];
	return NULL;
}

/* RFC9000-5.1-1 RFC9000-5.1.1-1 RFC9000-5.1-2 RFC9000-10.3.2-5 */
/* Make and register the next ID; its sequence number, or -errno. */
int quic_cid_new_local(struct quic_conn *c, gfp_t gfp)
{
	struct quic_local_cid *l = NULL;
	struct quic_cid_node *node;
	struct quic_cid cid;
	int i, tries;

	for (i = 0; i < QUIC_CID_SLOTS && !l; i++)
		if (!c->cids.local[i].node)
			l = &c->cids.local[i];
	if (!l)
		return -ENOSPC;

	/* 64 random bits collide once in a blue moon: try again then. */
	for (tries = 0; tries < 4; tries++) {
		memset(&cid, 0, sizeof(cid));
		cid.len = QUIC_SCID_LEN;
		get_random_bytes(cid.id, cid.len);
		node = quic_cid_insert(sock_net(c->sk), &cid, NULL, c->sk,
				       NULL, gfp);
		if (PTR_ERR(node) != -EEXIST)
			break;
	}
	if (IS_ERR(node))
		return PTR_ERR(node);

	l->node = node;
	l->seq = c->cids.local_next_seq++;
	l->announce = false;
	quic_reset_token(sock_net(c->sk), cid.id, l->reset_token);
	return l->seq;
}

void quic_cid_free_all(struct quic_conn *c)
{
	int i;

	for (i = 0; i < QUIC_CID_SLOTS; i++) {
		quic_cid_remove(c->cids.local[i].node);
		c->cids.local[i].node = NULL;
		quic_reset_forget(&c->cids.remote[i]);
	}
	quic_cid_remove(c->odcid_node);
	c->odcid_node = NULL;
}

/* RFC9000-5.1.1-2 */
bool quic_cid_is_ours(const struct quic_conn *c, const u8 *id, u8 len)
{
	const struct quic_local_cid *l = c->cids.local;
	int i;

	for (i = 0; i < QUIC_CID_SLOTS; i++, l++)
		if (l->node && l->node->key.cid.len == len &&
		    !memcmp(l->node->key.cid.id, id, len))
			return true;
	return c->odcid_node && c->odcid_node->key.cid.len == len &&
	       !memcmp(c->odcid_node->key.cid.id, id, len);
}

/* RFC9000-5.1.1-3 */
/* Issue as many as the peer keeps (section 5.1.1). */
void quic_cid_offer(struct quic_conn *c)
{
	u8 limit = min_t(u64, c->peer.active_connection_id_limit,
			 c->cids.local_limit);
	u8 have = 0;
	int i, seq;

	for (i = 0; i < QUIC_CID_SLOTS; i++)
		have += !!c->cids.local[i].node;
	for (; have < limit; have++) {
		seq = quic_cid_new_local(c, GFP_ATOMIC);
		if (seq < 0)
			return;	/* fewer IDs are legal too */
		local_find(c, seq)->announce = true;
		c->ctl |= QUIC_CTL_NEW_CID;
	}
}

/* RFC9000-19.16-1 */
/* RETIRE_CONNECTION_ID (section 19.16); a transport error, or 0. */
int quic_cid_on_retire(struct quic_conn *c, u64 seq)
{
	struct quic_local_cid *l;

	if (seq >= c->cids.local_next_seq)
		return QUIC_TRANSPORT_ERROR_PROTOCOL_VIOLATION;
	l = local_find(c, seq);
	if (!l)
		return 0;
	quic_cid_remove(l->node);
	l->node = NULL;
	quic_cid_offer(c);
	return 0;
}

/* ---- IDs the peer issues ------------------------------------------------- */

/* The destination ID of what is sent on @p. */
const struct quic_cid *quic_cid_of(const struct quic_conn *c,
				   const struct quic_path *p)
{
	return &c->cids.remote[p->cid].cid;
}

const struct quic_cid *quic_cid_dest(const struct quic_conn *c)
{
	return quic_cid_of(c, c->path);
}

/* The peer's ID number 0: learnt in the handshake. */
void quic_cid_set_dest(struct quic_conn *c, const struct quic_cid *cid,
		       const u8 *token)
{
	struct quic_remote_cid *r = &c->cids.remote[0];

	r->used = true;
	if (cid)
		r->cid = *cid;
	if (token) {
		r->has_token = true;
		memcpy(r->reset_token, token, sizeof(r->reset_token));
		quic_reset_watch(c, r);
	}
}

/* RFC9000-5.1.2-2 */
static int retire_remote(struct quic_conn *c, u64 seq)
{
	int i;

	for (i = 0; i < c->cids.n_retire; i++)
		if (c->cids.retire[i] == seq)
			return 0;
	if (c->cids.n_retire == QUIC_MAX_RETIRES)
		return QUIC_TRANSPORT_ERROR_CONNECTION_ID_LIMIT;
	c->cids.retire[c->cids.n_retire++] = seq;
	c->ctl |= QUIC_CTL_RETIRE_CID;
	return 0;
}

/* RFC9000-5.1.2-1 RFC9000-19.15-7 RFC9000-19.16-2 */
/* Drop every ID below @prior; use another one if the active one goes. */
static int retire_prior(struct quic_conn *c, u64 prior)
{
	struct quic_cids *s = &c->cids;
	int i, err;

	if (prior <= s->remote_retire_prior)
		return 0;
	s->remote_retire_prior = prior;
	for (i = 0; i < QUIC_CID_SLOTS; i++) {
		if (!s->remote[i].used || s->remote[i].seq >= prior)
			continue;
		s->remote[i].used = false;
		quic_reset_forget(&s->remote[i]);
		err = retire_remote(c, s->remote[i].seq);
		if (err)
			return err;
	}
	if (s->remote[c->path->cid].used)
		return 0;
	for (i = 0; i < QUIC_CID_SLOTS; i++) {
		if (!s->remote[i].used)
			continue;
		c->path->cid = i;
		quic_reset_watch(c, &s->remote[i]);
		return 0;
	}
	return QUIC_TRANSPORT_ERROR_PROTOCOL_VIOLATION;
}

/* RFC9000-5.1.1-4 RFC9000-19.15-3 RFC9000-19.15-4 RFC9000-19.15-8 */
/* NEW_CONNECTION_ID (section 19.15); a transport error, or 0. */
int quic_cid_on_new(struct quic_conn *c, const struct quic_frame *f)
{
	struct quic_cids *s = &c->cids;
	struct quic_remote_cid *r, *slot = NULL;
	u8 limit = c->sk ? quic_sk(c->sk)->tparam.active_connection_id_limit : 2;
	u8 have = 0;
	int i;

	/* A peer that asked for zero-length IDs cannot have others. */
	if (!quic_cid_dest(c)->len)
		return QUIC_TRANSPORT_ERROR_PROTOCOL_VIOLATION;
	if (f->new_cid.seq < s->remote_retire_prior)
		return retire_remote(c, f->new_cid.seq);

	for (i = 0; i < QUIC_CID_SLOTS; i++) {
		r = &s->remote[i];
		if (!r->used) {
			slot = slot ?: r;
			continue;
		}
		if (r->seq == f->new_cid.seq)
			return quic_cid_equal(&r->cid, &f->new_cid.cid) ? 0 :
			       QUIC_TRANSPORT_ERROR_PROTOCOL_VIOLATION;
		if (quic_cid_equal(&r->cid, &f->new_cid.cid))
			return QUIC_TRANSPORT_ERROR_PROTOCOL_VIOLATION;
		if (r->seq >= f->new_cid.prior_to)
			have++;
		else
			slot = slot ?: r;	/* about to be retired */
	}
	if (have >= limit || !slot)
		return QUIC_TRANSPORT_ERROR_CONNECTION_ID_LIMIT;

	if (slot->used) {
		/* Its retirement is queued before the slot is taken over. */
		i = retire_remote(c, slot->seq);
		if (i)
			return i;
		quic_reset_forget(slot);
	}
	memset(slot, 0, sizeof(*slot));
	slot->used = true;
	slot->seq = f->new_cid.seq;
	slot->cid = f->new_cid.cid;
	slot->has_token = true;
	memcpy(slot->reset_token, f->new_cid.reset_token, QUIC_RESET_TOKEN_LEN);
	return retire_prior(c, f->new_cid.prior_to);
}

void quic_cid_exit(void)
{
	rcu_barrier();
	rhashtable_destroy(&cid_table);
}

int quic_cid_init(void)
{
	get_random_bytes(&cid_hash_key, sizeof(cid_hash_key));
	return rhashtable_init(&cid_table, &cid_params);
}
