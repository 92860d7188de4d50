// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: first contacts with a server, from the first Initial until accept().
 * Called from: rx/demux (softirq), its own worker (process context), and
 * sock/listen.
 * Locks: @reqs_lock for the list of all; skbs.lock of each for what arrives.
 * RFC 9000 sections 5.2.2, 8.1, 14.1, 21.3, 21.5.
 *
 * The softirq only bounds and queues, and asks for proof of the address with
 * a Retry, which needs no memory.  A worker derives the Initial keys,
 * checks the AEAD (so that noise wakes nobody), collects the ClientHello and
 * chooses the listener by its ALPN.  What comes before the ClientHello is whole
 * it acknowledges: some clients repeat what was lost only when an ACK shows it.
 */
#include <linux/jiffies.h>
#include <linux/tls.h>
#include "../pipeline.h"
#include "../conn/token.h"
#include "../crypto/initial.h"
#include "../obs/mib.h"
#include "../recovery/ack.h"
#include "../wire/client_hello.h"
#include "../wire/pn.h"
#include "rx.h"

#define QUIC_MAX_REQS		4096	/* first contacts, all namespaces */
#define QUIC_MAX_NET_REQS	2048	/* ... of one: nobody is kept out by few */
#define QUIC_REQ_MAX_SKBS	16	/* datagrams each may send */
#define QUIC_REQ_MAX_BYTES	32768	/* in all of them */
#define QUIC_REQ_LIFETIME	(10 * HZ)
#define QUIC_REQ_PATIENCE	(30 * HZ) /* while the ClientHello has gaps */
#define QUIC_HELLO_MAX		16384	/* bytes of a ClientHello */
#define QUIC_HELLO_RANGES	64

static LIST_HEAD(reqs);
static DEFINE_SPINLOCK(reqs_lock);
static unsigned int n_reqs;
static void gc(struct work_struct *work);
static DECLARE_DELAYED_WORK(gc_work, gc);

/* What the worker has learnt of a request. */
struct quic_hello {
	struct quic_ranges got;
	struct quic_ack ack;
	u32 n_seen;			/* datagrams looked at */
	u8 buf[QUIC_HELLO_MAX];
};

/* ---- life of a request ----------------------------------------------------- */

static bool hello_new(struct quic_req *req)
{
	req->hello = kvzalloc(sizeof(*req->hello), GFP_KERNEL);
	if (!req->hello)
		return false;
	quic_ranges_init(&req->hello->got, QUIC_HELLO_RANGES);
	quic_ack_init(&req->hello->ack);
	return true;
}

static void hello_free(struct quic_req *req)
{
	if (!req->hello)
		return;
	quic_ranges_free(&req->hello->got);
	quic_ack_free(&req->hello->ack);
	kvfree(req->hello);
	req->hello = NULL;
}

static void req_free(struct work_struct *work)
{
	struct quic_req *req = container_of(work, struct quic_req, work);

	skb_queue_purge(&req->skbs);
	quic_udp_put(req->udp);
	hello_free(req);
	quic_cid_remove(req->ours);
	kfree_rcu(req, rcu);
}

void quic_req_put(struct quic_req *req)
{
	if (!refcount_dec_and_test(&req->ref))
		return;
	/* The UDP socket is closed in process context only. */
	INIT_WORK(&req->work, req_free);
	queue_work(quic_wq, &req->work);
}

/* Off the list of all; true for the one caller that took it off. */
static bool req_unlink(struct quic_req *req)
{
	bool was;

	spin_lock_bh(&reqs_lock);
	was = !list_empty(&req->all);
	if (was) {
		list_del_init(&req->all);
		n_reqs--;
		quic_net(req->net)->n_reqs--;
		atomic_dec(&quic_net(req->net)->half_open);
	}
	spin_unlock_bh(&reqs_lock);
	return was;
}

/* accept() takes it over, and @req->node with it.  False: it grew too old a
 * moment ago.
 */
bool quic_req_claim(struct quic_req *req)
{
	if (!req_unlink(req))
		return false;
	quic_req_put(req);
	return true;
}

/* Nobody will accept it. */
void quic_req_drop(struct quic_req *req)
{
	if (!req_unlink(req))
		return;
	quic_cid_remove(req->node);
	quic_req_put(req);
}

/* Of a client that has lost a part of its ClientHello the probes may be ten
 * seconds apart: it has time as long as there is room. What a program does not
 * accept is of no use to the client for so long.
 */
static struct quic_req *oldest_over(void)
{
	struct quic_req *req, *found = NULL;
	unsigned long age;
	bool few;

	spin_lock_bh(&reqs_lock);
	list_for_each_entry(req, &reqs, all) {
		age = jiffies - req->born;
		few = quic_net(req->net)->n_reqs <= QUIC_MAX_NET_REQS / 2;
		if (age <= QUIC_REQ_LIFETIME)
			break;		/* and so are all that follow */
		if (few && age <= QUIC_REQ_PATIENCE && !READ_ONCE(req->routed))
			continue;
		if (refcount_inc_not_zero(&req->ref)) {
			found = req;
			break;
		}
	}
	spin_unlock_bh(&reqs_lock);
	return found;
}

static void gc(struct work_struct *work)
{
	struct quic_req *old;

	while ((old = oldest_over())) {
		quic_listen_forget(old);
		quic_req_drop(old);
		quic_req_put(old);
	}
	if (READ_ONCE(n_reqs))
		queue_delayed_work(quic_wq, &gc_work, HZ);
}

/* ---- worker ---------------------------------------------------------------- */

static void collect(struct quic_hello *hello, const struct quic_frame *f)
{
	u64 end = f->crypto.off + f->crypto.len;

	if (!f->crypto.len || end > QUIC_HELLO_MAX)
		return;
	if (quic_ranges_add(&hello->got, f->crypto.off, end - 1,
			    GFP_KERNEL) >= 0)
		memcpy(hello->buf + f->crypto.off, f->crypto.data,
		       f->crypto.len);
}

/* RFC9000-14.1-3 */
/* Open a copy of one Initial; the original is for the connection.  @len is that of
 * the whole datagram.
 */
static int open_initial(struct quic_req *req, struct quic_key *key,
			struct quic_train *t, u8 *buf, u32 len, u8 ecn)
{
	struct quic_ack *ack = &req->hello->ack;
	struct quic_pkt *p = &t->pkt[0];
	bool eliciting = false;
	struct quic_frame f;
	struct quic_cur cur;
	struct quic_hdr h;
	int err;

	if (len < QUIC_INITIAL_MIN_DGRAM ||
	    quic_hdr_parse_bit(buf, len, QUIC_SCID_MIN,
			       READ_ONCE(req->udp->greased), &h) ||
	    h.type != QUIC_PKT_INITIAL || h.version != req->version)
		return -EINVAL;
	memset(p, 0, sizeof(*p));
	t->n = 1;
	p->data = buf;
	p->len = h.len;
	p->pn_off = h.pn_off;

	local_bh_disable();
	err = quic_hp_unprotect(&key->hp, t);
	if (!err) {
		p->pn = quic_pn_decode(p->pn, p->hdr_len - p->pn_off,
				       ack->largest);
		err = quic_aead_open(&key->aead, t, 0, t->n) ?: p->status;
	}
	local_bh_enable();
	if (err)
		return err;

	cur.p = p->data + p->hdr_len;
	cur.end = p->data + p->len - QUIC_TAG_LEN;
	while (cur.p < cur.end) {
		if (quic_frame_parse(&cur, &f))
			return -EINVAL;
		if (f.kind == QUIC_FRAME_CRYPTO)
			collect(req->hello, &f);
		eliciting |= !(quic_frame_props(f.kind) & QUIC_FRAME_NE);
	}
	if (!quic_ack_is_duplicate(ack, p->pn))
		quic_ack_on_packet(ack, p->pn, ktime_get_ns(), eliciting, ecn,
				   0);
	return 0;
}

/* Look at the datagrams that are new since the last run. */
static int look(struct quic_req *req, struct quic_key *key)
{
	struct quic_train *t = kmalloc(sizeof(*t), GFP_KERNEL);
	struct sk_buff *skb;
	u32 i, good = 0;
	u8 *buf;

	if (!t)
		return -ENOMEM;
	for (;;) {
		i = 0;
		buf = NULL;
		spin_lock_bh(&req->skbs.lock);
		skb_queue_walk(&req->skbs, skb) {
			if (i++ < req->hello->n_seen)
				continue;
			buf = kmemdup(skb->data, skb->len, GFP_ATOMIC);
			break;
		}
		spin_unlock_bh(&req->skbs.lock);
		if (!buf)
			break;
		req->hello->n_seen++;
		if (!open_initial(req, key, t, buf, skb->len, quic_rx_ecn(skb)))
			good++;
		else
			QUIC_INC(req->net, QuicPktDecDrop);
		kfree(buf);
	}
	kfree(t);
	return good;
}

static int client_key(struct quic_req *req, struct quic_key *key)
{
	u8 client[QUIC_INITIAL_SECRET_LEN], server[QUIC_INITIAL_SECRET_LEN];
	int err;

	memset(key, 0, sizeof(*key));
	err = quic_initial_secrets(req->version, &req->dcid, client, server);
	if (err)
		return err;
	return quic_key_install(key, &quic_aead_sw,
				quic_suite_get(TLS_CIPHER_AES_GCM_128),
				req->version, client);
}

/* Complete?  Then to its listener. */
static int route(struct quic_req *req)
{
	const struct quic_ranges *got = &req->hello->got;
	const u8 *alpn = NULL;
	u16 alpn_len = 0;
	int err;

	if (quic_ranges_empty(got) || got->r[0].lo)
		return -EAGAIN;
	err = quic_client_hello_alpn(req->hello->buf, got->r[0].hi + 1, &alpn,
				     &alpn_len);
	if (err) {
		/* unexpected_message, or decode_error */
		if (err == -EINVAL)
			quic_tx_refuse(req, QUIC_TRANSPORT_ERROR_CRYPTO +
				       (req->hello->buf[0] == 1 ? 50 : 10));
		return err;
	}

	err = quic_listen_route(req, alpn, alpn_len);
	switch (err) {
	case -ENOPROTOOPT:
		QUIC_INC(req->net, QuicDropAlpn);
		/* no_application_protocol */
		quic_tx_refuse(req, QUIC_TRANSPORT_ERROR_CRYPTO + 120);
		break;
	case -ECONNREFUSED:
		QUIC_INC(req->net, QuicDropNoListener);
		quic_tx_refuse(req, QUIC_TRANSPORT_ERROR_CONNECTION_REFUSED);
		break;
	case -ENOBUFS:
		QUIC_INC(req->net, QuicDropListenQueue);
	}
	return err;
}

/* RFC 9000 section 13.2.1: Initials at once. */
static void acknowledge(struct quic_req *req)
{
	struct quic_ack *ack = &req->hello->ack;

	if (!quic_ack_owed(ack))
		return;
	quic_tx_acknowledge(req, ack);
	quic_ack_on_sent(ack);
}

static void work_fn(struct work_struct *work)
{
	struct quic_req *req = container_of(work, struct quic_req, work);
	struct quic_key key;
	int err = -ENOMEM;

	if (READ_ONCE(req->routed))
		goto out;
	if (!req->hello && !hello_new(req))
		goto drop;
	err = client_key(req, &key);
	if (err)
		goto drop;
	err = look(req, &key);
	quic_key_drop(&key);
	/* Not one good Initial so far: it was noise. */
	if (err > 0)
		req->authentic = true;
	if (!req->authentic)
		goto drop;
	if (req->bad_token) {
		/* The client will take no second Retry (section 8.1.2). */
		quic_tx_refuse(req, QUIC_TRANSPORT_ERROR_INVALID_TOKEN);
		goto drop;
	}
	err = route(req);
	if (err == -EAGAIN) {
		acknowledge(req);
		goto out;
	}
	WRITE_ONCE(req->routed, true);
	if (err)
		goto drop;
	hello_free(req);
	goto out;
drop:
	quic_req_drop(req);
out:
	quic_req_put(req);
}

/* ---- softirq --------------------------------------------------------------- */

static void wake_worker(struct quic_req *req)
{
	refcount_inc(&req->ref);
	if (!queue_work(quic_wq, &req->work))
		quic_req_put(req);
}

/* More from a client that waits; RCU read side. */
void quic_req_rcv(struct quic_req *req, struct sk_buff *skb)
{
	struct sock *sk = NULL;
	bool queued = false;

	spin_lock_bh(&req->skbs.lock);
	if (req->accepted) {
		sk = READ_ONCE(req->node->sk);
		if (sk && !refcount_inc_not_zero(&sk->sk_refcnt))
			sk = NULL;
	} else if (skb_queue_len(&req->skbs) < QUIC_REQ_MAX_SKBS &&
		   req->bytes + skb->len <= QUIC_REQ_MAX_BYTES &&
		   !skb_linearize(skb)) {
		__skb_queue_tail(&req->skbs, skb);
		req->bytes += skb->len;
		queued = true;
	}
	spin_unlock_bh(&req->skbs.lock);

	if (sk) {
		quic_rx_hand_over(sk, skb);
		sock_put(sk);
	} else if (!queued) {
		QUIC_INC(req->net, QuicDropInitialQueue);
		kfree_skb(skb);
	} else if (!READ_ONCE(req->routed)) {
		wake_worker(req);
	}
}

/* What was learnt of a first contact before it is worth memory. */
struct contact {
	union quic_addr src;		/* the client */
	union quic_addr dst;
	struct quic_cid odcid;
	int token;			/* as quic_token_check() says */
};

static struct quic_req *req_new(struct quic_udp *udp, struct sk_buff *skb,
				const struct quic_hdr *h,
				const struct contact *k)
{
	struct quic_req *req = kzalloc(sizeof(*req), GFP_ATOMIC);

	if (!req)
		return NULL;
	refcount_set(&req->ref, 2);	/* the table's, and the caller's */
	INIT_LIST_HEAD(&req->all);
	INIT_LIST_HEAD(&req->link);
	INIT_WORK(&req->work, work_fn);
	skb_queue_head_init(&req->skbs);
	req->dst = k->src;
	req->src = k->dst;
	req->net = udp->net;
	req->cpu = raw_smp_processor_id();
	req->version = h->version;
	req->dcid.len = h->dcid_len;
	memcpy(req->dcid.id, h->dcid, h->dcid_len);
	req->retried = k->token == QUIC_TOKEN_RETRY;
	req->odcid = req->retried ? k->odcid : req->dcid;
	req->validated = k->token > QUIC_TOKEN_NONE;
	req->bad_token = k->token < 0;
	req->scid.len = h->scid_len;
	memcpy(req->scid.id, h->scid, h->scid_len);
	req->born = jiffies;
	quic_udp_hold(udp);
	req->udp = udp;
	QUIC_RX_CB(skb)->id_len = h->dcid_len;
	__skb_queue_tail(&req->skbs, skb);
	req->bytes = skb->len;
	/* Off the list it would seem to be over. */
	spin_lock_bh(&reqs_lock);
	list_add_tail(&req->all, &reqs);
	n_reqs++;
	quic_net(req->net)->n_reqs++;
	atomic_inc(&quic_net(req->net)->half_open);
	spin_unlock_bh(&reqs_lock);
	/* Last: from here on others find it. */
	req->node = quic_cid_insert(udp->net, &req->dcid, &req->dst, NULL,
				    req, GFP_ATOMIC);
	if (IS_ERR(req->node)) {
		req_unlink(req);
		__skb_unlink(skb, &req->skbs);
		quic_udp_put(udp);
		kfree(req);
		return NULL;
	}
	return req;
}

/* Many handshakes are half open. */
static bool is_busy(struct quic_udp *udp)
{
	struct quic_net *qn = quic_net(udp->net);

	return atomic_read(&qn->half_open) >= READ_ONCE(qn->retry_threshold);
}

/* RFC9000-8.1.4-4 */
/* Is the client worth memory?  False: it has its answer, or gets none.  Where a
 * listener asks for it, and where much is half open, only one that has proved
 * its address is: of a flood from made-up ones nothing stays here (sections
 * 8.1, 21.3).
 */
static bool admitted(struct quic_udp *udp, const struct sk_buff *skb,
		     const struct quic_hdr *h, struct contact *k)
{
	quic_rx_addrs(skb, &k->src, &k->dst);
	k->token = quic_token_check(udp->net, h->token, h->token_len,
				    h->version, &k->src, &k->odcid);
	if (k->token > QUIC_TOKEN_NONE)
		return true;
	if (k->token < 0) {
		/* Worth an error, but not when there is so much to do. */
		if (!is_busy(udp))
			return true;
		QUIC_INC(udp->net, QuicDropToken);
		return false;
	}
	if (!READ_ONCE(udp->validate) && !is_busy(udp))
		return true;
	quic_tx_retry(udp, &k->dst, &k->src, h);
	return false;
}

/* RFC9000-14.1-3 */
/* A linear datagram that begins with an Initial of an unknown client. */
void quic_initial_rcv(struct quic_udp *udp, struct sk_buff *skb,
		      const struct quic_hdr *h)
{
	struct quic_req *req = NULL;
	enum quic_mib why = QuicDropInitialQueue;
	struct contact k;

	if (skb->len < QUIC_INITIAL_MIN_DGRAM ||
	    h->dcid_len < QUIC_SCID_MIN) {
		why = QuicDropInitialSize;
		goto drop;
	}
	if (!admitted(udp, skb, h, &k)) {
		consume_skb(skb);
		return;
	}
	if (READ_ONCE(n_reqs) >= QUIC_MAX_REQS ||
	    READ_ONCE(quic_net(udp->net)->n_reqs) >= QUIC_MAX_NET_REQS ||
	    skb->len > QUIC_REQ_MAX_BYTES)
		goto drop;
	req = req_new(udp, skb, h, &k);
	if (!req)
		goto drop;

	wake_worker(req);
	queue_delayed_work(quic_wq, &gc_work, HZ);
	quic_req_put(req);
	return;
drop:
	this_cpu_inc(quic_net(udp->net)->mib->v[why]);
	kfree_skb(skb);
}

/* All requests of a namespace, when it goes. */
void quic_initial_flush(const struct net *net)
{
	struct quic_req *req, *found;

	do {
		found = NULL;
		spin_lock_bh(&reqs_lock);
		list_for_each_entry(req, &reqs, all) {
			if ((!net || req->net == net) &&
			    refcount_inc_not_zero(&req->ref)) {
				found = req;
				break;
			}
		}
		spin_unlock_bh(&reqs_lock);
		if (found) {
			quic_listen_forget(found);
			quic_req_drop(found);
			quic_req_put(found);
		}
	} while (found);
	flush_workqueue(quic_wq);
}

void quic_initial_exit(void)
{
	cancel_delayed_work_sync(&gc_work);
	quic_initial_flush(NULL);
	cancel_delayed_work_sync(&gc_work);
}
