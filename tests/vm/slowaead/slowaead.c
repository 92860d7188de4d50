// SPDX-License-Identifier: GPL-2.0
/*
 * Test: an AES-GCM of the highest priority that does everything later, from a
 * workqueue, the newest request first.  Beyond QUEUE requests it takes more
 * into its backlog (-EBUSY), as crypto hardware does.
 *
 * What it has done can be read in /sys/module/slowaead/parameters.
 */
#include <crypto/internal/aead.h>
#include <linux/module.h>
#include <linux/workqueue.h>

#define QUEUE	32

static unsigned int done, overtaken, busy;
module_param(done, uint, 0444);
MODULE_PARM_DESC(done, "requests completed");
module_param(overtaken, uint, 0444);
MODULE_PARM_DESC(overtaken, "requests completed after younger ones");
module_param(busy, uint, 0444);
MODULE_PARM_DESC(busy, "requests answered with -EBUSY");

struct context {
	struct crypto_aead *child;
};

struct request {
	struct list_head link;
	unsigned int number;
	bool encrypt;
	bool backlog;
};

static DEFINE_SPINLOCK(lock);
static LIST_HEAD(todo);
static unsigned int waiting, number;

static int compute(struct aead_request *req, bool encrypt)
{
	struct crypto_aead *tfm = crypto_aead_reqtfm(req);
	struct context *ctx = crypto_aead_ctx(tfm);
	struct aead_request *sub;
	int err;

	sub = aead_request_alloc(ctx->child, GFP_KERNEL);
	if (!sub)
		return -ENOMEM;
	aead_request_set_callback(sub, 0, NULL, NULL);
	aead_request_set_crypt(sub, req->src, req->dst, req->cryptlen, req->iv);
	aead_request_set_ad(sub, req->assoclen);
	err = encrypt ? crypto_aead_encrypt(sub) : crypto_aead_decrypt(sub);
	aead_request_free(sub);
	return err;
}

static void finish(struct aead_request *req)
{
	struct request *r = aead_request_ctx(req);
	bool backlog = r->backlog;
	int err;

	if (backlog) {
		local_bh_disable();
		aead_request_complete(req, -EINPROGRESS);
		local_bh_enable();
	}
	err = compute(req, r->encrypt);
	local_bh_disable();
	aead_request_complete(req, err);
	local_bh_enable();
}

static void work_fn(struct work_struct *work)
{
	struct request *r, *n;
	unsigned int youngest = 0;
	LIST_HEAD(list);

	spin_lock_bh(&lock);
	list_splice_init(&todo, &list);
	waiting = 0;
	spin_unlock_bh(&lock);
	list_for_each_entry_safe(r, n, &list, link) {
		if (r->number < youngest)
			overtaken++;
		youngest = max(youngest, r->number);
		done++;
		finish(container_of((void *)r, struct aead_request, __ctx));
	}
}

static DECLARE_DELAYED_WORK(work, work_fn);

static int later(struct aead_request *req, bool encrypt)
{
	struct request *r = aead_request_ctx(req);
	int err = -EINPROGRESS;

	r->encrypt = encrypt;
	spin_lock_bh(&lock);
	r->backlog = waiting >= QUEUE;
	if (r->backlog && !(req->base.flags & CRYPTO_TFM_REQ_MAY_BACKLOG)) {
		err = -ENOSPC;
		goto out;
	}
	r->number = ++number;
	if (r->backlog) {
		busy++;
		err = -EBUSY;
	}
	waiting++;
	list_add(&r->link, &todo);
	schedule_delayed_work(&work, 1);
out:
	spin_unlock_bh(&lock);
	return err;
}

static int encrypt(struct aead_request *req)
{
	return later(req, true);
}

static int decrypt(struct aead_request *req)
{
	return later(req, false);
}

static int setkey(struct crypto_aead *tfm, const u8 *key, unsigned int len)
{
	struct context *ctx = crypto_aead_ctx(tfm);

	return crypto_aead_setkey(ctx->child, key, len);
}

static int setauthsize(struct crypto_aead *tfm, unsigned int size)
{
	struct context *ctx = crypto_aead_ctx(tfm);

	return crypto_aead_setauthsize(ctx->child, size);
}

static int init_tfm(struct crypto_aead *tfm)
{
	struct context *ctx = crypto_aead_ctx(tfm);

	ctx->child = crypto_alloc_aead("gcm(aes)", 0, CRYPTO_ALG_ASYNC);
	if (IS_ERR(ctx->child))
		return PTR_ERR(ctx->child);
	crypto_aead_set_reqsize(tfm, sizeof(struct request));
	return 0;
}

static void exit_tfm(struct crypto_aead *tfm)
{
	struct context *ctx = crypto_aead_ctx(tfm);

	crypto_free_aead(ctx->child);
}

static struct aead_alg slow = {
	.base = {
		.cra_name = "gcm(aes)",
		.cra_driver_name = "gcm-aes-slow",
		.cra_priority = 30000,
		.cra_flags = CRYPTO_ALG_ASYNC,
		.cra_blocksize = 1,
		.cra_ctxsize = sizeof(struct context),
		.cra_module = THIS_MODULE,
	},
	.init = init_tfm,
	.exit = exit_tfm,
	.setkey = setkey,
	.setauthsize = setauthsize,
	.encrypt = encrypt,
	.decrypt = decrypt,
	.ivsize = 12,
	.maxauthsize = 16,
	.chunksize = 16,
};

static int __init slow_init(void)
{
	return crypto_register_aead(&slow);
}

static void __exit slow_exit(void)
{
	crypto_unregister_aead(&slow);
	cancel_delayed_work_sync(&work);
}

module_init(slow_init);
module_exit(slow_exit);
MODULE_DESCRIPTION("Test: an AEAD that completes later, the newest request first");
MODULE_LICENSE("GPL");
