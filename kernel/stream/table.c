// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: which streams exist, opening and freeing them.
 * Called from: sock/ (ours), stream/recv and rx/frames (the peer's).
 * Context: socket lock held; allocates with GFP_ATOMIC.
 * RFC 9000 sections 2.1, 3, 4.6.
 */
#include "../pipeline.h"

static struct kmem_cache *stream_cache;

bool quic_stream_local(const struct quic_conn *c, u64 id)
{
	return !!(id & QUIC_STREAM_TYPE_SERVER_MASK) == c->is_server;
}

static struct quic_stream_limit *limit_of(struct quic_conn *c, u64 id)
{
	return &c->streams.limit[!!(id & QUIC_STREAM_TYPE_UNI_MASK)];
}

bool quic_stream_was_opened(const struct quic_conn *c, u64 id)
{
	const struct quic_stream_limit *l =
		&c->streams.limit[!!(id & QUIC_STREAM_TYPE_UNI_MASK)];

	return (id >> 2) < (quic_stream_local(c, id) ? l->local_next :
						       l->remote_next);
}

/* A tree, because its nodes lie in the streams: an exchange of a few packets
 * would pay as much for a table's memory as for one of its packets.
 */
static int by_id(const void *key, const struct rb_node *node)
{
	u64 id = *(const u64 *)key;
	const struct quic_stream *s = rb_entry(node, struct quic_stream, node);

	return id < s->id ? -1 : id > s->id;
}

static bool is_less(struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, struct quic_stream, node)->id <
	       rb_entry(b, struct quic_stream, node)->id;
}

struct quic_stream *quic_stream_find(struct quic_conn *c, u64 id)
{
	struct quic_stream *s = c->streams.found;
	struct rb_node *node;

	/* Bulk data moves on one at a time. */
	if (likely(s && s->id == id))
		return s;
	node = rb_find(&id, &c->streams.tree, by_id);
	s = rb_entry_safe(node, struct quic_stream, node);
	c->streams.found = s;
	return s;
}

/* What the peer's transport parameters let us send on a stream. */
static u64 first_credit(const struct quic_conn *c, u64 id)
{
	const struct quic_tparams_lasting *peer = &c->peer;
	bool local = quic_stream_local(c, id);

	if (id & QUIC_STREAM_TYPE_UNI_MASK)
		return local ? peer->max_stream_data_uni : 0;
	return local ? peer->max_stream_data_bidi_remote :
		       peer->max_stream_data_bidi_local;
}

/* Initial limits as the two ends' transport parameters say (section 18.2). */
static void set_limits(struct quic_conn *c, struct quic_stream *s)
{
	const struct quic_transport_param *us = &quic_sk(c->sk)->tparam;
	bool local = quic_stream_local(c, s->id);

	s->max_send = first_credit(c, s->id);
	if (s->id & QUIC_STREAM_TYPE_UNI_MASK) {
		s->window = local ? 0 : us->max_stream_data_uni;
	} else {
		s->window = local ? us->max_stream_data_bidi_local :
				    us->max_stream_data_bidi_remote;
	}
	s->max_recv = s->window;
}

static struct quic_stream *new_stream(struct quic_conn *c, u64 id, gfp_t gfp)
{
	struct quic_stream *s = kmem_cache_zalloc(stream_cache, gfp);
	bool local = quic_stream_local(c, id);
	bool uni = id & QUIC_STREAM_TYPE_UNI_MASK;

	if (!s)
		return NULL;
	s->id = id;
	s->has_send = local || !uni;
	s->has_recv = !local || !uni;
	s->send_state = QUIC_STREAM_SEND_STATE_READY;
	s->recv_state = QUIC_STREAM_RECV_STATE_RECV;
	s->final = U64_MAX;
	s->blocked_at = U64_MAX;
	s->urgency = QUIC_URGENCY_DEFAULT;
	INIT_LIST_HEAD(&s->send_link);
	INIT_LIST_HEAD(&s->ctl_link);
	INIT_LIST_HEAD(&s->rq);
	s->own_queue = !local && quic_sk(c->sk)->accept_streams;
	quic_sbuf_init(&s->sb);
	quic_rbuf_init(&s->rb);
	set_limits(c, s);
	rb_add(&s->node, &c->streams.tree, is_less);
	c->streams.n++;
	return s;
}

/* RFC9000-2.1-1 RFC9000-3.2-1 */
/* All streams of the type up to @id come into being (section 3.2). */
static struct quic_stream *open_up_to(struct quic_conn *c, u64 id, u64 *next,
				      gfp_t gfp)
{
	struct quic_stream *s = NULL;

	while (*next <= id >> 2) {
		s = new_stream(c, *next << 2 | (id & QUIC_STREAM_TYPE_MASK),
			       gfp);
		if (!s)
			return NULL;
		(*next)++;
	}
	return s;
}

/* RFC9000-4.6-2 RFC9000-19.11-3 */
struct quic_stream *quic_stream_open(struct quic_conn *c, s64 id, bool uni)
{
	struct quic_stream_limit *l;
	struct quic_stream *s;

	if (id < 0) {
		l = &c->streams.limit[uni];
		id = l->local_next << 2 |
		     (uni ? QUIC_STREAM_TYPE_UNI_MASK : 0) |
		     (c->is_server ? QUIC_STREAM_TYPE_SERVER_MASK : 0);
	} else {
		if (!quic_stream_local(c, id))
			return ERR_PTR(-EINVAL);
		l = limit_of(c, id);
	}
	/* All below it come into being, too. */
	if (id >> 2 >= l->local_next + QUIC_STREAMS_AT_ONCE)
		return ERR_PTR(-EINVAL);
	if (id >> 2 >= l->local_max) {
		if (!l->blocked) {
			l->blocked = true;
			c->ctl |= QUIC_CTL_STREAMS;
		}
		return ERR_PTR(-EAGAIN);
	}
	/* The peer's limit may be none, and it may be the program's friend. */
	if (c->streams.n + (id >> 2) - l->local_next >= QUIC_STREAMS_MAX)
		return ERR_PTR(-ENOBUFS);
	s = open_up_to(c, id, &l->local_next, GFP_KERNEL);
	return s ?: ERR_PTR(-ENOMEM);
}

/*
 * RFC9000-4.6-3 RFC9000-19.4-1 RFC9000-19.5-1 RFC9000-19.5-2
 * RFC9000-19.8-1 RFC9000-19.10-1 RFC9000-19.10-2 RFC9000-19.11-4
 * RFC9000-19.13-1
 */
/**
 * quic_stream_for_frame - the stream a received frame speaks of
 * @c:		connection
 * @id:		stream ID from the frame
 * @send_side:	the frame concerns our sending half (STOP_SENDING,
 *		MAX_STREAM_DATA); else the receiving half
 * @err:	set to a transport error or -ENOBUFS; 0 otherwise
 *
 * Opens the peer's streams.  Return: the stream, or NULL with *@err = 0 if it
 * has existed and is gone.
 */
struct quic_stream *quic_stream_for_frame(struct quic_conn *c, u64 id,
					  bool send_side, int *err)
{
	struct quic_stream_limit *l = limit_of(c, id);
	bool local = quic_stream_local(c, id);
	struct quic_stream *s;

	*err = 0;
	if (id & QUIC_STREAM_TYPE_UNI_MASK && local != send_side) {
		*err = QUIC_TRANSPORT_ERROR_STREAM_STATE;
		return NULL;
	}
	s = quic_stream_find(c, id);
	if (s)
		return s;
	if (quic_stream_was_opened(c, id))
		return NULL;
	if (local) {
		*err = QUIC_TRANSPORT_ERROR_STREAM_STATE;
		return NULL;
	}
	if (id >> 2 >= l->remote_max) {
		*err = QUIC_TRANSPORT_ERROR_STREAM_LIMIT;
		return NULL;
	}
	s = open_up_to(c, id, &l->remote_next, GFP_ATOMIC);
	if (!s) {
		*err = -ENOBUFS;
		return NULL;
	}
	c->rq_news = true;	/* perhaps it is to be accepted */
	if (!(id & QUIC_STREAM_TYPE_UNI_MASK) && !c->streams.active_chosen &&
	    !s->own_queue)
		c->streams.active = s;
	return s;
}

void quic_stream_want_ctl(struct quic_conn *c, struct quic_stream *s, u8 ctl)
{
	s->ctl |= ctl;
	if (list_empty(&s->ctl_link) && !s->held)
		list_add_tail(&s->ctl_link, &c->streams.ctl);
}

/* ---- streams to accept ---------------------------------------------------- */

static struct quic_stream *fresh(struct quic_conn *c, bool uni)
{
	struct quic_stream_limit *l = &c->streams.limit[uni];
	struct quic_stream *s;

	for (; l->remote_fresh < l->remote_next; l->remote_fresh++) {
		s = quic_stream_find(c, l->remote_fresh << 2 |
				     (uni ? QUIC_STREAM_TYPE_UNI_MASK : 0) |
				     (c->is_server ? 0 :
				      QUIC_STREAM_TYPE_SERVER_MASK));
		if (s && !s->claimed)
			return s;
	}
	return NULL;
}

struct quic_stream *quic_stream_fresh(struct quic_conn *c)
{
	return fresh(c, false) ?: fresh(c, true);
}

/* ---- 0-RTT ------------------------------------------------------------------ */

void quic_stream_raise(struct quic_conn *c, struct quic_stream *s)
{
	s->max_send = max(s->max_send, first_credit(c, s->id));
	if (s->held && s->id >> 2 >= limit_of(c, s->id)->local_max)
		return;
	s->held = false;
	if (s->ctl)
		quic_stream_want_ctl(c, s, s->ctl);
	if (s->sb.next < s->sb.end || s->sb.fin != s->sb.fin_sent)
		quic_stream_want_send(c, s);
}

/* The limits of this handshake may be lower than those it was opened under. */
void quic_stream_rewind(struct quic_conn *c, struct quic_stream *s)
{
	quic_sbuf_rewind(&s->sb);
	s->blocked_at = U64_MAX;
	if (s->send_state == QUIC_STREAM_SEND_STATE_SENT)
		s->send_state = QUIC_STREAM_SEND_STATE_SEND;
	list_del_init(&s->send_link);
	list_del_init(&s->ctl_link);
	s->max_send = 0;
	s->held = true;
	quic_stream_raise(c, s);
}

static void free_stream(struct quic_conn *c, struct quic_stream *s)
{
	struct quic_chunk *ch, *n;

	quic_stream_sock_detach(s);
	list_for_each_entry_safe(ch, n, &s->rq, link)
		quic_chunk_free(c->sk, ch);
	list_del(&s->send_link);
	list_del(&s->ctl_link);
	quic_sbuf_purge(c->sk, &s->sb);
	quic_rbuf_purge(c->sk, &s->rb);
	rb_erase(&s->node, &c->streams.tree);
	if (c->streams.active == s)
		c->streams.active = NULL;
	if (c->streams.found == s)
		c->streams.found = NULL;
	c->streams.n--;
	kmem_cache_free(stream_cache, s);
}

/* RFC9000-4.4-1 */
/* Both halves are through: nothing will ever be said of it again. */
void quic_stream_maybe_free(struct quic_conn *c, struct quic_stream *s)
{
	u64 id = s->id;

	if (s->has_send && s->send_state != QUIC_STREAM_SEND_STATE_RECVD &&
	    s->send_state != QUIC_STREAM_SEND_STATE_RESET_RECVD)
		return;
	if (s->has_recv && s->recv_state != QUIC_STREAM_RECV_STATE_READ &&
	    s->recv_state != QUIC_STREAM_RECV_STATE_RESET_READ)
		return;
	free_stream(c, s);
	if (quic_stream_local(c, id))
		return;
	quic_flow_stream_closed(c, id);
	fresh(c, id & QUIC_STREAM_TYPE_UNI_MASK);	/* not it, any more */
}

void quic_streams_free(struct quic_conn *c)
{
	struct rb_node *node;

	while ((node = rb_first(&c->streams.tree)))
		free_stream(c, rb_entry(node, struct quic_stream, node));
}

void quic_streams_init(struct quic_conn *c)
{
	int i;

	c->streams.tree = RB_ROOT;
	for (i = 0; i <= QUIC_URGENCY_MAX; i++)
		INIT_LIST_HEAD(&c->streams.send[i]);
	INIT_LIST_HEAD(&c->streams.ctl);
	INIT_LIST_HEAD(&c->streams.ready);
	INIT_LIST_HEAD(&c->streams.waiting);
}

void quic_stream_exit(void)
{
	kmem_cache_destroy(stream_cache);
}

int quic_stream_init(void)
{
	stream_cache = KMEM_CACHE(quic_stream, SLAB_ACCOUNT);
	return stream_cache ? 0 : -ENOMEM;
}
