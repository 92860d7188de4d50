// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: the keys that a connection has in a device: when the device that its
 * route leads through gets them, or new ones, and when it loses them.
 * Called from: conn/offload (a train leaves, while there are such devices, or
 * the device lost its place), conn/state; a worker talks to drivers, who may sleep.
 * Context: socket lock held but for the worker.
 * RFC 9001 section 6.
 *
 * Nothing tells the worker what has changed.  A route, a path, a key update, an
 * option, a device: it is seen when the next train leaves, by comparing what
 * the worker went by.
 */
#include <linux/random.h>
#include <linux/slab.h>
#include <net/dst.h>
#include <net/lwtunnel.h>
#include "../pipeline.h"
#include "../compat.h"
#include "../crypto/hkdf.h"
#include "../obs/mib.h"
#include "../wire/pn.h"
#include "offload.h"

struct quic_offload_keys *quic_offload_keys_of(const struct sock *sk)
{
	return &READ_ONCE(quic_sk_conn(sk)->offload)->keys;
}

/* What a connection wants of which device; the worker's, off the socket lock. */
struct wish {
	struct quic_offload_dev *odev;	/* counted; NULL: none */
	const struct quic_suite *suite;
	u32 version;
	bool want[2];
	u32 generation[2];
	u8 secret[2][QUIC_SECRET_MAX];
	u8 hp[2][QUIC_KEY_MAX];
	union quic_addr src, dst;
	struct quic_cid cid;
	bool lost_place;	/* RX: the device has */
};

/* ---- what is wanted --------------------------------------------------------- */

/* Directions that socket and namespace allow, and the device's watchers; bits of
 * enum quic_offload_dir.
 */
u8 quic_offload_allowed(const struct quic_conn *c)
{
	const struct dst_entry *dst = c->path->dst_entry;
	u8 dirs = quic_sk(c->sk)->offload & READ_ONCE(c->qn->offload);
	int dir;

	for (dir = 0; dst && dir < 2; dir++)
		if (quic_offload_watched(dst->dev, dir))
			dirs &= ~BIT(dir);
	return dirs;
}

/* What IPsec or a light-weight tunnel does to a packet comes before the device,
 * and would do it to plaintext.
 */
const struct net_device *quic_offload_device_of(const struct quic_conn *c)
{
	const struct dst_entry *dst = c->path->dst_entry;

	if (!dst || dst->lwtstate)
		return NULL;
#ifdef CONFIG_XFRM
	if (dst->xfrm)
		return NULL;
#endif
	return dst->dev;
}

static bool can(const struct quic_offload_dev *odev, int dir, u32 cipher)
{
	u8 ciphers = dir == QUIC_OFFLOAD_TX ? odev->caps.tx_ciphers :
					      odev->caps.rx_ciphers;

	return ciphers & QUIC_OFFLOAD_CIPHER(cipher);
}

/* Socket lock held: note what the connection is like now. */
static void wish(struct quic_conn *c, struct wish *w)
{
	struct quic_offload_conn *o = c->offload;
	const struct net_device *dev = quic_offload_device_of(c);
	struct quic_key_update *ku = c->key_update;
	int dir;

	memset(w, 0, sizeof(*w));
	o->seen_epoch = quic_offload_epoch();
	o->seen_dev = dev;
	o->seen_path = c->path;
	o->seen_ours = c->path->ours;
	o->seen_allowed = quic_offload_allowed(c);
	for (dir = 0; dir < 2; dir++)
		o->seen_generation[dir] = ku->generation[dir];
	if (c->state != QUIC_CONN_ESTABLISHED || !c->handshake_confirmed || !dev)
		return;
	w->odev = quic_offload_dev_get(dev);
	if (!w->odev)
		return;
	w->suite = c->keys[QUIC_CRYPTO_APP][1].aead.suite;
	w->version = c->version;
	w->src = c->path->src;
	w->dst = c->path->dst;
	w->cid = c->path->ours;
	w->lost_place = o->lost_place;
	o->lost_place = false;
	for (dir = 0; dir < 2; dir++) {
		/* A device that opens is told the ID, so the peer has to have
		 * used one.
		 */
		w->want[dir] = o->seen_allowed & BIT(dir) &&
			       can(w->odev, dir, w->suite->type) &&
			       (dir == QUIC_OFFLOAD_TX || w->cid.len);
		w->generation[dir] = ku->generation[dir];
		memcpy(w->secret[dir], ku->current_secret[dir],
		       QUIC_SECRET_MAX);
		memcpy(w->hp[dir], c->keys[QUIC_CRYPTO_APP][dir].hp.raw,
		       QUIC_KEY_MAX);
	}
}

/* ---- keys in, on and out ----------------------------------------------------- */

static void unbind(struct quic_offload_conn *o, int dir)
{
	struct quic_offload_bind *b;

	b = rcu_replace_pointer(o->keys.bind[dir], NULL, true);
	if (b)
		quic_offload_bind_del(b);
}

/* Our own copy of the key, before the device has it.  Those before the previous
 * one are in no train any more.
 */
static int keep_sw(struct quic_offload_conn *o, const struct wish *w,
		   const struct quic_raw_keys *raw)
{
	u32 generation = w->generation[1];
	struct quic_offload_sw *sw, *old;
	int err;

	old = rcu_dereference_protected(o->keys.sw[generation & 1], true);
	if (old && old->generation == generation)
		return 0;
	sw = kzalloc(sizeof(*sw), GFP_KERNEL);
	if (!sw)
		return -ENOMEM;
	sw->generation = generation;
	err = quic_aead_key_set(&sw->aead, &quic_aead_sw, w->suite, raw->key,
				raw->iv);
	if (err) {
		kfree(sw);
		return err;
	}
	rcu_assign_pointer(o->keys.sw[generation & 1], sw);
	if (old) {
		synchronize_rcu();
		quic_aead_key_free(&old->aead);
		kfree_sensitive(old);
	}
	return 0;
}

static void set_addr(struct in6_addr *to, const union quic_addr *a)
{
	if (a->sa.sa_family == AF_INET)
		ipv6_addr_set_v4mapped(a->v4.sin_addr.s_addr, to);
	else
		*to = a->v6.sin6_addr;
}

/* Highest packet number received, as late as possible. */
static u64 highest(struct sock *sk)
{
	const struct quic_ack *ack;
	u64 pn = QUIC_PN_NONE;

	lock_sock(sk);
	ack = quic_sk_conn(sk)->ack[QUIC_SPACE_APP];
	if (ack)
		pn = ack->largest;
	release_sock(sk);
	return pn == QUIC_PN_NONE ? 0 : pn;
}

static struct quic_offload_bind *
new_bind(struct quic_offload_conn *o, const struct wish *w, int dir,
	 const struct quic_offload_phase *phase)
{
	struct quic_offload_bind *b = kzalloc(sizeof(*b), GFP_KERNEL);
	struct quic_offload_key *k;

	if (!b)
		return NULL;
	k = &b->key;
	k->dir = dir;
	k->cipher = w->suite->type;
	k->key_len = w->suite->key_len;
	memcpy(k->hp, w->hp[dir], sizeof(k->hp));
	k->newest = w->generation[dir] & 1;
	k->phase[k->newest] = *phase;
	b->generation[k->newest] = w->generation[dir];
	if (dir == QUIC_OFFLOAD_RX) {
		k->cid_len = w->cid.len;
		memcpy(k->cid, w->cid.id, w->cid.len);
		k->pn = highest(o->sk);
		k->family = w->src.sa.sa_family;
		k->sport = quic_addr_port(&w->dst);
		k->dport = quic_addr_port(&w->src);
		set_addr(&k->saddr, &w->dst);
		set_addr(&k->daddr, &w->src);
		memcpy(k->token, o->token, sizeof(k->token));
	}
	INIT_LIST_HEAD(&b->link);
	b->odev = w->odev;
	refcount_inc(&b->odev->ref);
	return b;
}

static void drop_bind(struct quic_offload_bind *b)
{
	quic_offload_dev_put(b->odev);
	kfree_sensitive(b);
}

/* A first key for the device, or the next one. */
static int give(struct quic_offload_conn *o, const struct wish *w, int dir,
		const struct quic_offload_phase *phase)
{
	struct quic_offload_bind *b;
	int err;

	b = rcu_dereference_protected(o->keys.bind[dir], true);
	if (b)
		return quic_offload_bind_rotate(b, w->generation[dir], phase);
	b = new_bind(o, w, dir, phase);
	if (!b)
		return -ENOMEM;
	err = quic_offload_bind_add(b);
	if (err) {
		drop_bind(b);
		return err;
	}
	rcu_assign_pointer(o->keys.bind[dir], b);
	return 0;
}

static int provide(struct quic_offload_conn *o, const struct wish *w, int dir)
{
	struct quic_offload_phase phase = { .valid = true };
	struct quic_raw_keys raw;
	int err;

	err = quic_hkdf_keys(w->suite, w->version, w->secret[dir], &raw);
	if (!err && dir == QUIC_OFFLOAD_TX) {
		if (!quic_sk_validates(o->sk, quic_offload_validate)) {
			quic_hp_init(&o->keys.hp, w->suite, w->hp[dir]);
			quic_sk_set_validate(o->sk, quic_offload_validate);
		}
		err = keep_sw(o, w, &raw);
	}
	if (!err) {
		memcpy(phase.key, raw.key, w->suite->key_len);
		memcpy(phase.iv, raw.iv, sizeof(phase.iv));
		err = give(o, w, dir, &phase);
	}
	memzero_explicit(&raw, sizeof(raw));
	memzero_explicit(&phase, sizeof(phase));
	return err;
}

static bool same_flow(const struct quic_offload_key *k, const struct wish *w)
{
	struct in6_addr src, dst;

	set_addr(&src, &w->dst);
	set_addr(&dst, &w->src);
	return quic_cid_is(&w->cid, k->cid, k->cid_len) &&
	       k->sport == quic_addr_port(&w->dst) &&
	       k->dport == quic_addr_port(&w->src) &&
	       ipv6_addr_equal(&k->saddr, &src) &&
	       ipv6_addr_equal(&k->daddr, &dst);
}

/* Is what the device has what is wanted, but perhaps for a newer key? */
static bool fits(const struct quic_offload_bind *b, const struct wish *w,
		 int dir)
{
	return w->want[dir] && b->odev == w->odev && !READ_ONCE(b->dead) &&
	       (dir == QUIC_OFFLOAD_TX ||
		(!w->lost_place && same_flow(&b->key, w)));
}

static void settle(struct quic_offload_conn *o, const struct wish *w, int dir)
{
	struct net *net = sock_net(o->sk);
	struct quic_offload_bind *b;
	u32 g = w->generation[dir];

	b = rcu_dereference_protected(o->keys.bind[dir], true);
	if (b && !fits(b, w, dir)) {
		unbind(o, dir);
		b = NULL;
	}
	if (!w->want[dir] ||
	    (b && b->key.phase[g & 1].valid && b->generation[g & 1] == g))
		return;
	if (!provide(o, w, dir)) {
		QUIC_INC(net, QuicOffloadKeys);
		return;
	}
	QUIC_INC(net, QuicOffloadKeysFailed);
	unbind(o, dir);
}

static void work_fn(struct work_struct *work)
{
	struct quic_offload_conn *o = container_of(work,
						   struct quic_offload_conn,
						   work);
	struct sock *sk = o->sk;
	struct wish w;

	lock_sock(sk);
	wish(quic_sk_conn(sk), &w);
	release_sock(sk);
	settle(o, &w, QUIC_OFFLOAD_RX);
	settle(o, &w, QUIC_OFFLOAD_TX);
	quic_offload_dev_put(w.odev);
	memzero_explicit(&w, sizeof(w));
	sock_put(sk);
}

/* Socket lock held. */
void quic_offload_kick(struct quic_conn *c)
{
	sock_hold(c->sk);
	if (!queue_work(quic_wq, &c->offload->work))
		__sock_put(c->sk);
}

static struct quic_offload_conn *conn_new(struct quic_conn *c)
{
	struct quic_offload_conn *o = kzalloc(sizeof(*o), GFP_ATOMIC);

	if (!o)
		return NULL;
	INIT_WORK(&o->work, work_fn);
	o->sk = c->sk;
	o->patience = QUIC_OFFLOAD_PATIENCE;
	get_random_bytes(o->token, sizeof(o->token));
	WRITE_ONCE(c->offload, o);
	return o;
}

/* Has anything changed since the worker looked? */
static bool stale(const struct quic_conn *c, const struct quic_offload_conn *o)
{
	const struct quic_key_update *ku = c->key_update;

	return o->seen_epoch != quic_offload_epoch() ||
	       o->seen_dev != quic_offload_device_of(c) || o->seen_path != c->path ||
	       !quic_cid_equal(&o->seen_ours, &c->path->ours) ||
	       o->seen_allowed != quic_offload_allowed(c) ||
	       o->seen_generation[0] != ku->generation[0] ||
	       o->seen_generation[1] != ku->generation[1];
}

/* A train leaves; there are devices that offer offload. */
void quic_offload_look(struct quic_conn *c)
{
	struct quic_offload_conn *o = c->offload;

	if (c->state != QUIC_CONN_ESTABLISHED || !c->handshake_confirmed)
		return;
	if (!o) {
		if (!quic_offload_allowed(c))
			return;
		o = conn_new(c);
		if (!o)
			return;
	} else if (likely(!stale(c, o))) {
		return;
	}
	quic_offload_kick(c);
}

/* ---- the option, and the end --------------------------------------------------------- */

/* Directions in use, bits as in the option. */
u32 quic_offload_active(struct quic_conn *c)
{
	struct quic_offload_bind *b;
	u32 active = 0;
	int dir;

	if (!c || !c->offload)
		return 0;
	rcu_read_lock();
	for (dir = 0; dir < 2; dir++) {
		b = rcu_dereference(c->offload->keys.bind[dir]);
		if (b && !READ_ONCE(b->dead))
			active |= BIT(dir);
	}
	rcu_read_unlock();
	return active;
}

/* The last reference to the socket is gone, so no skb and no worker is left. */
void quic_offload_free(struct quic_conn *c)
{
	struct quic_offload_conn *o = c->offload;
	struct quic_offload_sw *sw;
	int i;

	if (!o)
		return;
	for (i = 0; i < 2; i++) {
		unbind(o, i);
		sw = rcu_dereference_protected(o->keys.sw[i], true);
		if (!sw)
			continue;
		quic_aead_key_free(&sw->aead);
		kfree_sensitive(sw);
	}
	quic_hp_free(&o->keys.hp);
	kfree_sensitive(o);
}
