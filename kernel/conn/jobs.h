/* SPDX-License-Identifier: GPL-2.0 */
/* Trains with a crypto provider that completes them later. */
#ifndef KQUIC_CONN_JOBS_H
#define KQUIC_CONN_JOBS_H

#include "../conn.h"
#include "../crypto/aead.h"
#include "../obs/mib.h"

enum quic_job_state {
	QUIC_JOB_WAITS,		/* for its turn; nobody works at it */
	QUIC_JOB_BUSY,		/* with the provider */
	QUIC_JOB_DONE,
};

/**
 * struct quic_job - one train
 * @aead:	what the provider sees of it
 * @link:	L; in c->jobs[]
 * @c:		its connection; while it is busy it holds the socket
 * @state:	A; enum quic_job_state, written last
 * @skb:	tx: to be sent; rx: has the headers, NULL: parked before
 * @own:	rx: hold copies of the packets
 * @now:	rx: arrival, ns
 * @path:	tx: to be sent on
 * @departure:	tx, like @segs and @size: see quic_xmit()
 * @ecn:	codepoint in the IP header, both ways
 */
struct quic_job {
	struct quic_aead_job aead;
	struct list_head link;
	struct quic_conn *c;
	u8 state;
	u8 ecn;
	struct sk_buff *skb;
	union {
		struct {
			struct sk_buff_head own;
			u64 now;
		};
		struct {
			struct quic_path *path;
			u64 departure;
			u16 segs;
			u16 size;
		};
	};
	struct quic_train train;
};

/* Is a 1-RTT train for the provider, or for the CPU, at once?  To be asked once. */
static inline bool quic_jobs_wanted(struct quic_conn *c, bool tx,
				    const struct quic_train *t, u64 now)
{
	struct quic_aead_key *key = &c->keys[QUIC_CRYPTO_APP][tx].aead;

	if (likely(!key->later))
		return false;
	return !key->provider->wants ||
	       key->provider->wants(key, t, now, READ_ONCE(c->qn->spread_mbit));
}

/* Does a received one go through here?  Likewise. */
static inline bool quic_jobs_receive(struct quic_conn *c,
				     const struct quic_train *t, u64 now)
{
	return quic_jobs_wanted(c, false, t, now) || !list_empty(&c->jobs[0]);
}

int quic_jobs_open(struct quic_conn *c, struct quic_train *t,
		   const struct sk_buff *headers, u64 now, u8 ecn);
struct quic_job *quic_jobs_new(struct quic_conn *c, bool tx,
			       const struct quic_train *t);
void quic_jobs_start(struct quic_job *job, bool tx);
void quic_jobs_run(struct quic_conn *c, bool tx);
void quic_jobs_deferred(struct quic_conn *c);
void quic_jobs_free(struct quic_conn *c);

/* rx/train.c and tx/seal.c: it is done, and those before it are. */
void quic_rx_job(struct quic_conn *c, struct quic_job *job);
void quic_tx_job(struct quic_conn *c, struct quic_job *job);

#endif
