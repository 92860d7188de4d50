/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Packet protection, the provider contract (DESIGN section 3.3).
 *
 * A provider seals and opens whole trains: at once, or some later, in any
 * order.  aead_sw.c is the CPU; aead_spread.c is all CPUs; aead_async.c is
 * whatever the kernel's crypto API prefers, lookaside hardware for one.  Who
 * waits for trains and puts them in order is conn/jobs.
 */
#ifndef KQUIC_CRYPTO_AEAD_H
#define KQUIC_CRYPTO_AEAD_H

#include <linux/workqueue.h>
#include "suite.h"
#include "train.h"
#include "../wire/header.h"

struct crypto_aead;
struct quic_aead_later;

/**
 * struct quic_aead_key - one direction's packet protection key
 *
 * Immutable after quic_aead_key_init() but for the counters, which the
 * socket lock protects.
 */
struct quic_aead_key {
	const struct quic_suite *suite;
	const struct quic_aead_provider *provider;
	struct crypto_aead *tfm;	/* NULL: a CPU's, which is keyed with ... */
	u8 raw[QUIC_KEY_MAX];	/* ... this ... */
	u64 id;			/* ... unless it has the key of this number */
	struct quic_aead_later *later;	/* the provider's; NULL: all is done
					 * at once
					 */
	bool ccm;		/* @tfm takes CCM's form of nonce */
	u8 iv[QUIC_IV_LEN];
	u64 sealed;		/* packets sealed with it */
};

/**
 * struct quic_aead_job - a train with a provider that completes it later
 * @done:	called once when the whole train is done, in any order of jobs,
 *		in softirq or with BH off, without locks; the job is its
 *		owner's again
 * @seal:	or else open
 * @train:	not to be touched meanwhile, nor what its packets point to; the
 *		plaintext to be sealed is in place already
 * @err:	out: 0, or the train is lost as a whole
 * @left, @requests, @work, @cpu, @later: the provider's
 */
struct quic_aead_job {
	void (*done)(struct quic_aead_job *job);
	bool seal;
	int err;
	struct quic_train *train;
	union {
		struct {
			atomic_t left;
			void *requests;
		};
		struct {
			struct work_struct work;
			int cpu;
		};
	};
	struct quic_aead_later *later;
};

/**
 * struct quic_aead_provider - who seals and opens
 * @name:	for /proc and the registry
 * @setkey:	prepare @key for @raw of suite->key_len bytes; process context
 * @release:	undo; jobs that are under way still complete
 * @seal:	seal pkt[0..n-1]: gather clear and source bytes, encrypt into
 *		pkt->data, append the tag.  Called with BH off and the socket
 *		lock held, SIMD usable.
 * @open:	open pkt[from..to-1] in place; sets each pkt->status, and leaves
 *		the bytes of those that failed as they were.  Same context.
 * @wants:	is a train that came or is ready at @now (ns) worth the way
 *		through @submit?  Asked once for each, same context; @mbit is
 *		the namespace's spread_mbit.  NULL: always
 * @submit:	take a train over, same context; only for keys that have
 *		@later.  Opening sets each pkt->status.
 *
 * @seal and @open are done on return, with 0 or an error: the train is then
 * lost as a whole.  -EAGAIN is such an error: the CPU could not use SIMD.
 * Every provider has them, for what cannot wait: handshakes, a change of keys,
 * closing.  @submit returns 0 when the train is done, -EINPROGRESS when
 * job->done() will be called, or another error: nothing was begun, and the CPU
 * does it.  -EBUSY: there is no room for more.
 */
struct quic_aead_provider {
	const char *name;
	int (*setkey)(struct quic_aead_key *key, const u8 *raw);
	void (*release)(struct quic_aead_key *key);
	int (*seal)(struct quic_aead_key *key, struct quic_train *t);
	int (*open)(struct quic_aead_key *key, struct quic_train *t, u16 from,
		    u16 to);
	bool (*wants)(struct quic_aead_key *key, const struct quic_train *t,
		      u64 now, u32 mbit);
	int (*submit)(struct quic_aead_key *key, struct quic_aead_job *job);
};

/* aead_sw.c: the CPU, at once. */
extern const struct quic_aead_provider quic_aead_sw;
/* Its functions, for providers that leave to it what has to be done at once. */
int quic_aead_sw_seal(struct quic_aead_key *key, struct quic_train *t);
int quic_aead_sw_open(struct quic_aead_key *key, struct quic_train *t, u16 from,
		      u16 to);
int quic_aead_sw_setup(void);
void quic_aead_sw_teardown(void);

/* Bring the bytes of all packets into place, for good: @src may go. */
void quic_aead_gather(struct quic_train *t);

/* aead_async.c: what the kernel prefers, though it may complete later. */
extern const struct quic_aead_provider quic_aead_async;
int quic_aead_async_setup(void);
void quic_aead_async_teardown(void);

/* aead_spread.c: all CPUs, of directions that are fast. */
extern const struct quic_aead_provider quic_aead_spread;
int quic_aead_spread_setup(void);
void quic_aead_spread_teardown(void);

/* Key and IV from a traffic secret alone, as a key update needs it (header
 * protection keeps its key, RFC 9001 section 6.1); process context.  @version
 * chooses the labels (RFC 9369 section 3.3.2).
 */
int quic_aead_key_init(struct quic_aead_key *key,
		       const struct quic_aead_provider *provider,
		       const struct quic_suite *suite, u32 version,
		       const u8 *secret);
/* The same from a key and IV at hand, as Retry's are (RFC 9001 section 5.8). */
int quic_aead_key_set(struct quic_aead_key *key,
		      const struct quic_aead_provider *provider,
		      const struct quic_suite *suite, const u8 *raw,
		      const u8 *iv);
void quic_aead_key_free(struct quic_aead_key *key);

/* One message that belongs to no train: @aad_len bytes, text, room for the tag,
 * @len in all, in linear memory.  @nonce takes the packet number's place; a
 * key may be used on several CPUs.  BH off.  Opening gives -EBADMSG for what
 * was not sealed with @key.
 */
int quic_aead_seal_one(struct quic_aead_key *key, u8 *msg, u16 aad_len,
		       u16 len, u64 nonce);
int quic_aead_open_one(struct quic_aead_key *key, u8 *msg, u16 aad_len,
		       u16 len, u64 nonce);

static inline int quic_aead_seal(struct quic_aead_key *key,
				 struct quic_train *t)
{
	key->sealed += t->n;
	return key->provider->seal(key, t);
}

static inline int quic_aead_open(struct quic_aead_key *key,
				 struct quic_train *t, u16 from, u16 to)
{
	return key->provider->open(key, t, from, to);
}

static inline int quic_aead_submit(struct quic_aead_key *key,
				   struct quic_aead_job *job)
{
	u16 n = job->seal ? job->train->n : 0;
	int err = key->provider->submit(key, job);

	if (!err || err == -EINPROGRESS)
		key->sealed += n;
	return err;
}

#endif
