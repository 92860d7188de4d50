/* SPDX-License-Identifier: GPL-2.0 */
/* Trains with a crypto provider that completes them later. */
#ifndef KQUIC_CONN_JOBS_H
#define KQUIC_CONN_JOBS_H

#include "../conn.h"
#include "../crypto/aead.h"

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
 * @before:	rx: what the ciphertexts began with
 * @src:	rx: holds the packets
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
			u64 before[QUIC_TRAIN_MAX];
			struct sk_buff *src;
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

/* Does a received 1-RTT train go through here? */
static inline bool quic_jobs_receive(const struct quic_conn *c)
{
	return c->keys[QUIC_CRYPTO_APP][0].aead.later ||
	       !list_empty(&c->jobs[0]);
}

void quic_jobs_open(struct quic_conn *c, const struct quic_train *t,
		    const struct sk_buff *headers, u64 now, u8 ecn);
struct quic_job *quic_jobs_new(struct quic_conn *c, bool tx,
			       const struct quic_train *t);
void quic_jobs_start(struct quic_job *job, bool tx);
void quic_jobs_run(struct quic_conn *c, bool tx);
void quic_jobs_deferred(struct quic_conn *c);
void quic_jobs_free(struct quic_conn *c);

/* rx/packet.c and tx/seal.c: it is done, and those before it are. */
void quic_rx_job(struct quic_conn *c, struct quic_job *job);
void quic_tx_job(struct quic_conn *c, struct quic_job *job);

#endif
