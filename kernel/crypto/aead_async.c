// SPDX-License-Identifier: GPL-2.0
/*
 * Packet protection by whatever the kernel prefers
 *
 * Owns requests to the implementation of highest priority, synchronous or not:
 * lookaside hardware, where there is some.  A request per packet, allocated
 * together for a train; the train completes with the last of them.
 * What cannot wait goes to aead_sw, for which each key has a transform too.
 *
 * submit is called with BH off and the socket lock held; completions come in
 * softirq or with BH off.  setkey and release run in process context.
 *
 * RFC 9001 section 5.3.
 */
#include <crypto/aead.h>
#include <linux/refcount.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/unaligned.h>
#include <linux/workqueue.h>

#include "aead.h"

/* ccm() wants more around the nonce: see aead_sw.c. */
#define CCM_IV_LEN	16
#define CCM_IV_FIRST	(15 - QUIC_IV_LEN - 1)

/* The key as jobs under way need it, when its owner may have dropped it. */
struct quic_aead_later {
	refcount_t ref;
	struct crypto_aead *tfm;
	u32 stride;		/* bytes per request */
	struct work_struct work;
};

static struct workqueue_struct *wq;

/* One packet. */
struct request {
	struct quic_aead_job *job;
	struct quic_pkt *pkt;
	struct scatterlist sg;
	u8 nonce[CCM_IV_LEN];
	struct aead_request req;	/* the transform's context follows */
};

static void free_later(struct work_struct *work)
{
	struct quic_aead_later *l = container_of(work, struct quic_aead_later,
						 work);

	crypto_free_aead(l->tfm);
	kfree(l);
}

/* The last use may be a completion: the implementation is still inside, and
 * one of hardware may sleep when a transform goes.
 */
static void later_put(struct quic_aead_later *l)
{
	if (refcount_dec_and_test(&l->ref))
		queue_work(wq, &l->work);
}

static void finish(struct quic_aead_job *job)
{
	kfree_sensitive(job->requests);
	job->requests = NULL;
	later_put(job->later);
}

/* A packet is done; was it the last? */
static bool settle(struct request *r, int err)
{
	struct quic_aead_job *job = r->job;

	if (!job->seal)
		r->pkt->status = err;
	else if (err)
		WRITE_ONCE(job->err, err);
	/* Who sees zero sees what the others have written. */
	return atomic_dec_and_test(&job->left);
}

static void on_request(void *data, int err)
{
	struct request *r = data;
	struct quic_aead_job *job = r->job;

	/* It left the backlog, and is worked at only now. */
	if (err == -EINPROGRESS)
		return;
	if (!settle(r, err))
		return;
	finish(job);
	job->done(job);
}

static void prepare(struct request *r, const struct quic_aead_key *key,
		    struct quic_aead_job *job, struct quic_pkt *pkt)
{
	u32 tag = job->seal ? QUIC_TAG_LEN : 0;

	r->job = job;
	r->pkt = pkt;
	sg_init_one(&r->sg, pkt->data, pkt->len);
	r->nonce[0] = CCM_IV_FIRST;
	memcpy(r->nonce + 1, key->iv, QUIC_IV_LEN);
	put_unaligned_be64(get_unaligned_be64(key->iv + 4) ^ pkt->pn,
			   r->nonce + 1 + 4);
	aead_request_set_tfm(&r->req, key->later->tfm);
	aead_request_set_callback(&r->req, CRYPTO_TFM_REQ_MAY_BACKLOG,
				  on_request, r);
	aead_request_set_crypt(&r->req, &r->sg, &r->sg,
			       pkt->len - pkt->hdr_len - tag,
			       r->nonce + !key->ccm);
	aead_request_set_ad(&r->req, pkt->hdr_len);
}

static int async_submit(struct quic_aead_key *key, struct quic_aead_job *job)
{
	struct quic_aead_later *l = key->later;
	struct quic_train *t = job->train;
	struct request *r;
	int i, err;

	/* Where memory is short the caller does without us. */
	job->requests = kcalloc(t->n, l->stride, GFP_ATOMIC | __GFP_NOWARN);
	if (!job->requests)
		return -ENOMEM;
	refcount_inc(&l->ref);
	job->later = l;
	job->err = 0;
	/* One more, so that it is not done before all are submitted. */
	atomic_set(&job->left, t->n + 1);
	for (i = 0; i < t->n; i++) {
		r = job->requests + i * l->stride;
		prepare(r, key, job, &t->pkt[i]);
		err = job->seal ? crypto_aead_encrypt(&r->req) :
				  crypto_aead_decrypt(&r->req);
		/* -EBUSY: in the backlog, for which we have asked. */
		if (err != -EINPROGRESS && err != -EBUSY)
			settle(r, err);
	}
	if (!atomic_dec_and_test(&job->left))
		return -EINPROGRESS;
	finish(job);
	return 0;
}

static int alloc_later(struct quic_aead_key *key, const u8 *raw)
{
	struct quic_aead_later *l = kzalloc(sizeof(*l), GFP_KERNEL);
	int err;

	if (!l)
		return -ENOMEM;
	l->tfm = crypto_alloc_aead(key->suite->aead, 0, 0);
	if (IS_ERR(l->tfm)) {
		err = PTR_ERR(l->tfm);
		kfree(l);
		return err;
	}
	err = crypto_aead_setauthsize(l->tfm, QUIC_TAG_LEN);
	if (!err)
		err = crypto_aead_setkey(l->tfm, raw, key->suite->key_len);
	refcount_set(&l->ref, 1);
	INIT_WORK(&l->work, free_later);
	l->stride = ALIGN(sizeof(struct request) +
			  crypto_aead_reqsize(l->tfm),
			  CRYPTO_MINALIGN);
	if (err)
		later_put(l);
	else
		key->later = l;
	return err;
}

static int async_setkey(struct quic_aead_key *key, const u8 *raw)
{
	int err = quic_aead_sw.setkey(key, raw);

	if (err)
		return err;
	err = alloc_later(key, raw);
	if (err)
		quic_aead_sw.release(key);
	return err;
}

static void async_release(struct quic_aead_key *key)
{
	later_put(key->later);
	key->later = NULL;
	quic_aead_sw.release(key);
}

const struct quic_aead_provider quic_aead_async = {
	.name = "async",
	.setkey = async_setkey,
	.release = async_release,
	.seal = quic_aead_sw_seal,
	.open = quic_aead_sw_open,
	.submit = async_submit,
};

int quic_aead_async_setup(void)
{
	wq = alloc_workqueue("quic_aead", WQ_UNBOUND, 0);
	return wq ? 0 : -ENOMEM;
}

/* No key is left. */
void quic_aead_async_teardown(void)
{
	destroy_workqueue(wq);
}
