// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: address validation tokens and the keys of a namespace that seal them.
 * Called from: rx/initial and tx/stateless (softirq), tx/frames.
 * Context: any; keys are made and freed by a worker.  RCU for readers.
 * RFC 9000 sections 8.1.1 to 8.1.4, 21.3.
 *
 *	0	type
 *	1	generation of the key
 *	2	nonce: a counter, so that no two tokens are equal, in a disguise, so
 *		that nobody sees which were made after each other
 *	10	sealed: time, and the original destination of a Retry
 *
 * The address is not in the token but in what its tag covers; so is the
 * version, and the port in a Retry's.  A token of a NEW_TOKEN frame may come more than once: it can
 * do no harm but to the address that it was given to, for ten minutes.
 */
#include <linux/random.h>
#include <linux/rcupdate.h>
#include <linux/siphash.h>
#include <linux/slab.h>
#include <linux/tls.h>
#include <linux/workqueue.h>
#include <net/ipv6.h>
#include "../crypto/aead.h"
#include "../obs/mib.h"
#include "../pipeline.h"
#include "token.h"

#define OPEN_LEN	10	/* bytes that are not sealed */
#define ADDR_LEN	22	/* address, port, version */
#define TEXT_MIN	(8 + 1)
#define TOKEN_MIN	(OPEN_LEN + TEXT_MIN + QUIC_TAG_LEN)
#define TOKEN_LONGEST	(TOKEN_MIN + QUIC_CID_MAX_LEN)

struct token_key {
	struct quic_aead_key aead;
	atomic64_t made;		/* tokens, so far */
	siphash_key_t disguise;
	u8 generation;
};

struct quic_tokens {
	struct token_key __rcu *now;
	struct token_key __rcu *before;
	struct delayed_work rotate;
};

/* What is sealed: a token with the address behind its open part.  The cipher
 * wants linear memory, so not on the stack.
 */
struct sealed {
	u8 open[OPEN_LEN];
	u8 addr[ADDR_LEN];
	u8 text[TEXT_MIN + QUIC_CID_MAX_LEN + QUIC_TAG_LEN];
};

#define AAD_LEN		(OPEN_LEN + ADDR_LEN)

/* ---- keys ---------------------------------------------------------------- */

static struct token_key *key_new(u8 generation)
{
	struct token_key *k = kzalloc(sizeof(*k), GFP_KERNEL);
	u8 raw[16 + QUIC_IV_LEN];
	int err;

	if (!k)
		return NULL;
	get_random_bytes(raw, sizeof(raw));
	err = quic_aead_key_set(&k->aead, &quic_aead_sw,
				quic_suite_get(TLS_CIPHER_AES_GCM_128), raw,
				raw + 16);
	memzero_explicit(raw, sizeof(raw));
	if (err) {
		kfree(k);
		return NULL;
	}
	get_random_bytes(&k->disguise, sizeof(k->disguise));
	k->generation = generation;
	return k;
}

/* No reader is left. */
static void key_free(struct token_key *k)
{
	if (!k)
		return;
	quic_aead_key_free(&k->aead);
	kfree_sensitive(k);
}

static void rotate(struct work_struct *work)
{
	struct quic_tokens *t = container_of(to_delayed_work(work),
					     struct quic_tokens, rotate);
	struct token_key *now = rcu_dereference_protected(t->now, true);
	struct token_key *old = rcu_dereference_protected(t->before, true);
	struct token_key *next = key_new(now->generation + 1);

	/* Without memory the old ones serve a while longer. */
	if (next) {
		rcu_assign_pointer(t->before, now);
		rcu_assign_pointer(t->now, next);
		synchronize_rcu();
		key_free(old);
	}
	queue_delayed_work(quic_wq, &t->rotate, QUIC_TOKEN_KEY_LIFE);
}

int quic_token_init(struct net *net)
{
	struct quic_tokens *t = kzalloc(sizeof(*t), GFP_KERNEL);
	struct token_key *k = key_new(get_random_u8());

	if (!t || !k) {
		kfree(t);
		key_free(k);
		return -ENOMEM;
	}
	RCU_INIT_POINTER(t->now, k);
	INIT_DELAYED_WORK(&t->rotate, rotate);
	queue_delayed_work(quic_wq, &t->rotate, QUIC_TOKEN_KEY_LIFE);
	quic_net(net)->tokens = t;
	return 0;
}

/* Nobody is left who makes or checks. */
void quic_token_exit(struct net *net)
{
	struct quic_tokens *t = quic_net(net)->tokens;

	cancel_delayed_work_sync(&t->rotate);
	key_free(rcu_dereference_protected(t->now, true));
	key_free(rcu_dereference_protected(t->before, true));
	kfree(t);
}

/* ---- tokens -------------------------------------------------------------- */

/* RFC9000-8.1.4-3 RFC9000-8.1.4-5 */
/* A client comes back from another port, not so within a handshake. */
static void put_addr(u8 *p, enum quic_token_type type, u32 version,
		     const union quic_addr *a)
{
	struct in6_addr ip;

	if (a->sa.sa_family == AF_INET)
		ipv6_addr_set_v4mapped(a->v4.sin_addr.s_addr, &ip);
	else
		ip = a->v6.sin6_addr;
	memcpy(p, &ip, sizeof(ip));
	put_unaligned(type == QUIC_TOKEN_RETRY ? quic_addr_port(a) : 0,
		      (__be16 *)(p + sizeof(ip)));
	put_unaligned_be32(version, p + sizeof(ip) + sizeof(__be16));
}

/* A number not used before, from which nobody else can tell when it was made:
 * a Feistel network maps each value to another one.  Random numbers would meet
 * again too soon for the cipher.
 */
static u64 new_nonce(struct token_key *k)
{
	u64 n = atomic64_inc_return(&k->made);
	u32 left = upper_32_bits(n), right = lower_32_bits(n), old;
	u64 round;

	for (round = 0; round < 4; round++) {
		old = right;
		right = left ^ (u32)siphash_1u64(round << 32 | old,
						 &k->disguise);
		left = old;
	}
	return (u64)left << 32 | right;
}

/*
 * RFC9000-8.1.1-1 RFC9000-8.1.3-3 RFC9000-8.1.3-4 RFC9000-19.7-1
 * RFC9001-9.2-2
 */
int quic_token_make(struct net *net, enum quic_token_type type, u32 version,
		    const union quic_addr *peer, const struct quic_cid *odcid,
		    u8 *to)
{
	struct sealed *s = kzalloc(sizeof(*s), GFP_ATOMIC);
	u8 id_len = odcid ? odcid->len : 0;
	u16 len = TEXT_MIN + id_len + QUIC_TAG_LEN;
	struct token_key *k;
	u64 nonce;
	int err;

	BUILD_BUG_ON(TOKEN_LONGEST > QUIC_TOKEN_MAX);
	if (!s)
		return -ENOMEM;
	put_addr(s->addr, type, version, peer);
	put_unaligned_be64(ktime_get_ns(), s->text);
	s->text[8] = id_len;
	if (id_len)
		memcpy(s->text + TEXT_MIN, odcid->id, id_len);

	rcu_read_lock_bh();
	k = rcu_dereference_bh(quic_net(net)->tokens->now);
	nonce = new_nonce(k);
	s->open[0] = type;
	s->open[1] = k->generation;
	put_unaligned_be64(nonce, s->open + 2);
	err = quic_aead_seal_one(&k->aead, (u8 *)s, AAD_LEN, AAD_LEN + len,
				 nonce);
	rcu_read_unlock_bh();
	if (!err) {
		memcpy(to, s->open, OPEN_LEN);
		memcpy(to + OPEN_LEN, s->text, len);
	}
	kfree(s);
	return err ?: OPEN_LEN + len;
}

/* The key that sealed it, or NULL; under RCU. */
static struct token_key *key_of(struct net *net, u8 generation)
{
	struct quic_tokens *t = quic_net(net)->tokens;
	struct token_key *k = rcu_dereference_bh(t->now);

	if (k->generation == generation)
		return k;
	k = rcu_dereference_bh(t->before);
	return k && k->generation == generation ? k : NULL;
}

/* RFC9000-8.1.4-1 RFC9000-8.1.4-2 */
static int open_token(struct net *net, struct sealed *s, u16 len)
{
	struct token_key *k;
	int err = -EBADMSG;

	rcu_read_lock_bh();
	k = key_of(net, s->open[1]);
	if (k)
		err = quic_aead_open_one(&k->aead, (u8 *)s, AAD_LEN,
					 AAD_LEN + len,
					 get_unaligned_be64(s->open + 2));
	rcu_read_unlock_bh();
	return err;
}

/* RFC9000-8.1.4-5 */
static bool expired(enum quic_token_type type, u64 made)
{
	return ktime_get_ns() - made > (type == QUIC_TOKEN_RETRY ?
					QUIC_TOKEN_RETRY_LIFE :
					QUIC_TOKEN_NEW_LIFE);
}

/* RFC9000-8.1.3-7 */
int quic_token_check(struct net *net, const u8 *token, u32 len, u32 version,
		     const union quic_addr *peer, struct quic_cid *odcid)
{
	u8 type = len ? token[0] : QUIC_TOKEN_NONE;
	int bad = type == QUIC_TOKEN_RETRY ? -EBADMSG : QUIC_TOKEN_NONE;
	struct sealed *s;
	int err;

	if (type != QUIC_TOKEN_RETRY && type != QUIC_TOKEN_NEW)
		return QUIC_TOKEN_NONE;
	if (len < TOKEN_MIN || len > TOKEN_LONGEST)
		return bad;
	s = kmalloc(sizeof(*s), GFP_ATOMIC);
	if (!s)
		return QUIC_TOKEN_NONE;
	memcpy(s->open, token, OPEN_LEN);
	put_addr(s->addr, type, version, peer);
	memcpy(s->text, token + OPEN_LEN, len - OPEN_LEN);
	err = open_token(net, s, len - OPEN_LEN);
	/* The length is authentic if the rest is: both say the same. */
	if (err || s->text[8] != len - TOKEN_MIN ||
	    expired(type, get_unaligned_be64(s->text))) {
		kfree(s);
		return err == -EAGAIN ? QUIC_TOKEN_NONE : bad;
	}
	if (type == QUIC_TOKEN_RETRY) {
		odcid->len = s->text[8];
		memcpy(odcid->id, s->text + TEXT_MIN, odcid->len);
	}
	kfree(s);
	return type;
}
