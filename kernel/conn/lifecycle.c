// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: birth and death of a connection.
 * Called from: connect(), accept(), close(), errors found by rx and tx.
 * Context: allocation and freeing in process context; the rest under the
 * socket lock in any.
 * RFC 9000 sections 7.2, 10.
 */
#include <linux/random.h>
#include "../pipeline.h"
#include "jobs.h"
#include "../obs/mib.h"

/* A server's TLS has that long to answer, ns; no client's first PTO is that
 * short (RFC 9002 section 6.2.2: a second).
 */
#define QUIC_HELLO_WAIT		(100 * NSEC_PER_MSEC)

static struct kmem_cache *conn_cache, *cids_cache;

/* ---- packet number spaces ------------------------------------------------- */

static void new_space(struct quic_conn *c, enum quic_space_id id,
		      struct quic_crypto *cr)
{
	c->crypto[id] = cr;
	c->keys[quic_space_level(id)] = cr->keys;
	c->ack[id] = &cr->ack;
	quic_ack_init(&cr->ack);
	quic_sbuf_init(&cr->send);
	quic_rbuf_init(&cr->recv);
}

/* That of 1-RTT is the connection's own. */
static bool new_spaces(struct quic_conn *c)
{
	struct quic_crypto *cr;
	int id;

	for (id = 0; id < QUIC_CRYPTO_MAX; id++)
		c->keys[id] = (struct quic_key *)quic_no_keys;
	new_space(c, QUIC_SPACE_APP, &c->app);
	for (id = 0; id < QUIC_SPACE_APP; id++) {
		cr = kzalloc(sizeof(*cr), GFP_KERNEL_ACCOUNT);
		if (!cr)
			return false;
		new_space(c, id, cr);
	}
	return true;
}

static void purge_space(struct quic_conn *c, enum quic_space_id id)
{
	quic_sbuf_purge(c->sk, &c->crypto[id]->send);
	quic_rbuf_purge(c->sk, &c->crypto[id]->recv);
}

/* It will not be used again. */
void quic_conn_free_space(struct quic_conn *c, enum quic_space_id id)
{
	struct quic_crypto *cr = c->crypto[id];

	if (!cr)
		return;
	quic_key_drop(&cr->keys[0]);
	quic_key_drop(&cr->keys[1]);
	quic_recovery_discard(&c->rec, id);
	quic_ack_free(&cr->ack);
	purge_space(c, id);
	c->crypto[id] = NULL;
	c->ack[id] = NULL;
	c->keys[quic_space_level(id)] = (struct quic_key *)quic_no_keys;
	if (cr != &c->app)
		kfree_sensitive(cr);
}

static void free_early_keys(struct quic_conn *c)
{
	struct quic_key *keys = c->keys[QUIC_CRYPTO_EARLY];

	if (keys == quic_no_keys)
		return;
	quic_key_drop(&keys[0]);
	quic_key_drop(&keys[1]);
	kfree(keys);
}

/* Connections are numbered, so that an application and the BPF programs that
 * serve it can speak of the same one.
 */
static atomic64_t last_number;

struct quic_conn *quic_conn_new(struct sock *sk, bool is_server, u32 version)
{
	const struct quic_config *cfg = &quic_sk(sk)->config;
	struct quic_conn *c = kmem_cache_zalloc(conn_cache, GFP_KERNEL);
	struct quic_tparams defaults;

	if (!c)
		return NULL;
	c->sk = sk;
	c->qn = quic_net(sock_net(sk));
	c->is_server = is_server;
	c->version = version;
	c->key_due = U64_MAX;
	c->first_version = version;
	c->start = ktime_get_ns();
	c->number = atomic64_inc_return(&last_number);
	quic_tparams_default(&defaults);
	c->peer = defaults.lasting;
	INIT_LIST_HEAD(&c->jobs[0]);
	INIT_LIST_HEAD(&c->jobs[1]);
	INIT_LIST_HEAD(&c->rq_crypto);
	INIT_LIST_HEAD(&c->rq_event);
	INIT_LIST_HEAD(&c->rq_data);
	skb_queue_head_init(&c->parked);
	skb_queue_head_init(&c->dgrams.q);
	quic_streams_init(c);
	quic_timer_init(c);
	c->cids = kmem_cache_zalloc(cids_cache, GFP_KERNEL);
	c->path = quic_path_new(GFP_KERNEL);
	if (!new_spaces(c) || !c->path || !c->cids)
		goto err;
	quic_recovery_init(&c->rec, &quic_sent_ops, is_server,
			   cfg->initial_smoothed_rtt * (u64)NSEC_PER_USEC,
			   (struct quic_space *[]) {
				   &c->crypto[QUIC_SPACE_INITIAL]->space,
				   &c->crypto[QUIC_SPACE_HANDSHAKE]->space,
				   &c->app.space });
	c->cids->local_limit = QUIC_CID_SLOTS - 1;
	c->cids->local_told = 1;	/* the one in the header */
	c->cids->remote[0].used = true;
	c->paths[0] = c->path;
	return c;
err:
	quic_path_free(c->path);
	if (c->cids)
		kmem_cache_free(cids_cache, c->cids);
	kfree(c->crypto[QUIC_SPACE_INITIAL]);
	kfree(c->crypto[QUIC_SPACE_HANDSHAKE]);
	kmem_cache_free(conn_cache, c);
	return NULL;
}

/* Everything that only a live connection needs.  Socket lock held. */
void quic_conn_drop_data(struct quic_conn *c)
{
	struct quic_chunk *chunk, *nc;
	struct quic_event_node *ev, *ne;
	int id;

	list_for_each_entry_safe(chunk, nc, &c->rq_data, link)
		quic_chunk_free(c->sk, chunk);
	list_for_each_entry_safe(chunk, nc, &c->rq_crypto, link)
		quic_chunk_free(c->sk, chunk);
	list_for_each_entry_safe(ev, ne, &c->rq_event, link)
		kfree(ev);
	INIT_LIST_HEAD(&c->rq_data);
	INIT_LIST_HEAD(&c->rq_crypto);
	INIT_LIST_HEAD(&c->rq_event);
	c->rq_bytes = 0;
	c->n_events = 0;
	quic_streams_free(c);
	quic_dgram_purge(c);
	for (id = 0; id < QUIC_SPACE_MAX; id++)
		if (c->crypto[id])
			purge_space(c, id);
	__skb_queue_purge(&c->parked);
}

/* The last reference is gone; process context or RCU-free softirq. */
void quic_conn_free(struct quic_conn *c)
{
	int id;

	quic_conn_drop_data(c);
	quic_jobs_free(c);
	quic_offload_free(c);
	quic_cid_free_all(c);
	quic_migrate_free(c);
	quic_preferred_free(c);
	for (id = 0; id < QUIC_SPACE_MAX; id++)
		quic_conn_free_space(c, id);
	free_early_keys(c);
	quic_recovery_free(&c->rec);
	quic_key_update_free(c);
	quic_version_forget_first(c);
	quic_ticket_free(c);
	quic_early_free(c);
	kfree_skb(c->close_skb);
	kmem_cache_free(cids_cache, c->cids);
	kmem_cache_free(conn_cache, c);
}

/* ---- birth ---------------------------------------------------------------- */

/* What both roles need once the addresses are known, and our first ID. */
static int set_up(struct quic_conn *c)
{
	int err;

	c->scid = c->cids->local[0].node->key.cid;
	WRITE_ONCE(c->sk->sk_incoming_cpu, c->cpu);

	err = quic_conn_set_initial_keys(c);
	if (err)
		return err;
	quic_conn_apply_config(c);
	quic_congestion_start(c);
	quic_timer_on_rx(c, c->start);
	quic_timer_commit(c);
	return 0;
}

/* RFC9000-7.2-1 */
/* Client: addresses are in c->path.  Sends nothing. */
int quic_conn_connect(struct quic_conn *c)
{
	int err;

	if (!quic_sk_serves(c->sk, &c->cpu))
		c->cpu = raw_smp_processor_id();
	c->path->validated = true;	/* a server proves itself by answering */
	err = quic_path_route(c->path, c->sk);
	if (err)
		return err;
	/* Unpredictable, at least 8 bytes (RFC 9000 section 7.2). */
	c->odcid.len = QUIC_SCID_MIN;
	get_random_bytes(c->odcid.id, c->odcid.len);
	quic_cid_set_dest(c, &c->odcid, NULL);
	err = PTR_ERR_OR_ZERO(quic_cid_new_local(c, GFP_KERNEL));
	return err ?: set_up(c);
}

/* The client was told something already: go on from there. */
static void go_on(struct quic_conn *c, struct quic_req *req)
{
	quic_cid_take_over(c, req->ours);
	req->ours = NULL;
	c->path->tx_bytes = req->told_bytes;
	quic_sent_init(&c->rec.space[QUIC_SPACE_INITIAL]->sent, req->n_told);
}

/* RFC9000-7.2-5 */
/* Server: the first datagrams wait in @req. */
int quic_conn_accept(struct quic_conn *c, struct quic_req *req)
{
	struct sk_buff *skb;
	int err;

	c->cpu = req->cpu;
	c->odcid = req->odcid;
	c->retried = req->retried;
	if (c->retried)
		c->rscid = req->dcid;
	c->path->validated = req->validated;
	c->half_open = true;
	atomic_inc(&c->qn->half_open);
	c->path->src = req->src;
	c->path->dst = req->dst;
	quic_cid_set_dest(c, &req->scid, NULL);
	c->peer_cid_known = true;
	err = quic_path_route(c->path, c->sk);
	if (err)
		return err;
	if (!req->ours)
		err = PTR_ERR_OR_ZERO(quic_cid_new_local(c, GFP_KERNEL));
	else
		go_on(c, req);
	if (!err)
		err = set_up(c);
	if (err)
		return err;

	c->hello_until = c->start + QUIC_HELLO_WAIT;
	/* From here on the client's first ID leads to this connection.  What
	 * arrived before is processed here, in order.
	 */
	c->odcid_node = req->node;
	spin_lock_bh(&req->skbs.lock);
	req->accepted = true;
	WRITE_ONCE(req->node->sk, c->sk);
	WRITE_ONCE(req->node->cpu, c->cpu);
	spin_unlock_bh(&req->skbs.lock);

	while ((skb = skb_dequeue(&req->skbs))) {
		local_bh_disable();
		quic_rx_train(c, skb);
		local_bh_enable();
	}
	return 0;
}

/* ---- death ---------------------------------------------------------------- */

static void enter_closing(struct quic_conn *c, enum quic_conn_state state)
{
	u64 now = ktime_get_ns();
	u64 pto = quic_rtt_pto(&c->rec.rtt, true);

	quic_conn_set_state(c, state);
	memset(c->deadline, 0, sizeof(c->deadline));
	/* Three PTOs (section 10.2). */
	quic_timer_set(c, QUIC_TIMER_CLOSE, now + 3 * pto);
	quic_timer_commit(c);
	quic_sock_readable(c->sk);
	quic_sock_writable(c->sk);
	quic_stream_socks_wake_all(c);
}

/* Nothing will be sent or received any more. */
static void gone(struct quic_conn *c)
{
	quic_conn_set_state(c, QUIC_CONN_CLOSED);
	memset(c->deadline, 0, sizeof(c->deadline));
	quic_cid_free_all(c);
	quic_sock_readable(c->sk);
	quic_sock_writable(c->sk);
	quic_stream_socks_wake_all(c);
}

/* What programs see of a stateless reset (socket-api.md section 4). */
#define QUIC_STATELESS_RESET_CODE	0x100

static void report_close(struct quic_conn *c)
{
	struct quic_connection_close info = {
		.errcode = (u32)c->close.code,
		.frame = (u8)c->close.frame,
	};

	memcpy(info.phrase, c->close.phrase,
	       min_t(u8, c->close.phrase_len, sizeof(info.phrase) - 1));
	quic_event(c, QUIC_EVENT_CONNECTION_CLOSE, &info, sizeof(info));
}

/* RFC9000-10.3-1 RFC9000-11.1-1 */
/* A transport error that we found (section 11.1). */
void quic_conn_abort(struct quic_conn *c, u64 code, u64 frame,
		     const char *phrase)
{
	if (!quic_conn_alive(c))
		return;
	c->close.code = code;
	c->close.frame = frame;
	c->close.app = false;
	if (phrase) {
		c->close.phrase_len = min_t(size_t, strlen(phrase),
					    sizeof(c->close.phrase));
		memcpy(c->close.phrase, phrase, c->close.phrase_len);
	}
	report_close(c);
	WRITE_ONCE(c->sk->sk_err, EPROTO);
	if (quic_tx_close(c))
		enter_closing(c, QUIC_CONN_CLOSING);
	else
		gone(c);
}

/* RFC9000-10.2.3-2 RFC9000-10.2.3-3 */
/* The program closes, with the code it stored (section 10.2). */
void quic_conn_close_app(struct quic_conn *c)
{
	const struct quic_connection_close *set = &quic_sk(c->sk)->close;

	if (!quic_conn_alive(c))
		return;
	c->close.code = set->errcode;
	c->close.app = c->state == QUIC_CONN_ESTABLISHED;
	c->close.phrase_len = strnlen((const char *)set->phrase,
				      sizeof(set->phrase));
	memcpy(c->close.phrase, set->phrase, c->close.phrase_len);
	/* Before the handshake is over an application must not show
	 * (section 10.2.3), but a TLS alert may (RFC 9001 section 4.8).
	 */
	if (!c->close.app && (c->close.code & ~0xffULL) !=
	    QUIC_TRANSPORT_ERROR_CRYPTO) {
		c->close.code = QUIC_TRANSPORT_ERROR_APPLICATION;
		c->close.phrase_len = 0;
	}
	if (quic_tx_close(c))
		enter_closing(c, QUIC_CONN_CLOSING);
	else
		gone(c);
}

void quic_conn_peer_closed(struct quic_conn *c, const struct quic_frame *f)
{
	struct quic_close *cl = &c->close;
	bool refused = c->state == QUIC_CONN_ESTABLISHING;

	if (c->state >= QUIC_CONN_DRAINING)
		return;
	QUIC_CONN_INC(c, QuicFrmInCloses);
	if (c->state == QUIC_CONN_CLOSING) {
		quic_conn_set_state(c, QUIC_CONN_DRAINING);
		return;
	}
	cl->by_peer = true;
	cl->code = f->close.code;
	cl->frame = f->close.frame_type;
	cl->app = f->close.app;
	cl->phrase_len = min_t(u32, f->close.reason_len,
			       sizeof(cl->phrase) - 1);
	memcpy(cl->phrase, f->close.reason, cl->phrase_len);
	report_close(c);
	if (refused)
		WRITE_ONCE(c->sk->sk_err, ECONNREFUSED);
	else if (!cl->app && cl->code != QUIC_TRANSPORT_ERROR_NONE)
		WRITE_ONCE(c->sk->sk_err, ECONNRESET);
	enter_closing(c, QUIC_CONN_DRAINING);
}

/* The peer knows nothing of the connection any more. */
void quic_conn_peer_reset(struct quic_conn *c)
{
	if (c->state >= QUIC_CONN_DRAINING)
		return;
	memset(&c->close, 0, sizeof(c->close));
	c->close.code = QUIC_STATELESS_RESET_CODE;
	c->close.by_peer = true;
	if (quic_conn_alive(c))
		report_close(c);
	WRITE_ONCE(c->sk->sk_err, ECONNRESET);
	enter_closing(c, QUIC_CONN_DRAINING);
}

/* No packet will help: tell only the program. */
void quic_conn_dead(struct quic_conn *c, int err)
{
	if (!quic_conn_alive(c))
		return;
	memset(&c->close, 0, sizeof(c->close));
	report_close(c);
	WRITE_ONCE(c->sk->sk_err, err);
	gone(c);
}

void quic_conn_exit(void)
{
	kmem_cache_destroy(cids_cache);
	kmem_cache_destroy(conn_cache);
}

int quic_conn_init(void)
{
	conn_cache = KMEM_CACHE(quic_conn, SLAB_ACCOUNT);
	cids_cache = KMEM_CACHE(quic_cids, SLAB_ACCOUNT);
	if (conn_cache && cids_cache)
		return 0;
	quic_conn_exit();
	return -ENOMEM;
}
