// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: received bytes: in order in the reader's queue, out of order in a
 * tree by offset.  Bytes stay in the skb they came in; only short ones are
 * copied, because a byte must not hold a packet's memory.
 * Called from: stream/recv and rx/frames (insert), sock/recvmsg (read).
 * Context: socket lock held.
 * RFC 9000 sections 2.2, 7.5, 21.7.
 */
#include <net/sock.h>
#include "../pipeline.h"

#define QUIC_CHUNK_ROOM		1024	/* payload of a copying chunk */

void quic_rbuf_init(struct quic_rbuf *rb)
{
	rb->next = 0;
	rb->ooo = RB_ROOT;
	rb->last = NULL;
	rb->n_ooo = 0;
}

void quic_chunk_free(struct sock *sk, struct quic_chunk *c)
{
	if (c->skb) {
		consume_skb(c->skb);
	} else {
		atomic_sub(c->truesize, &sk->sk_rmem_alloc);
		sk_mem_uncharge(sk, c->truesize);
	}
	kfree(c);
}

void quic_rbuf_purge(struct sock *sk, struct quic_rbuf *rb)
{
	struct quic_chunk *c, *n;

	rbtree_postorder_for_each_entry_safe(c, n, &rb->ooo, node)
		quic_chunk_free(sk, c);
	rb->ooo = RB_ROOT;
	rb->last = NULL;
	rb->n_ooo = 0;
}

/* ---- chunks ---------------------------------------------------------------- */

static bool over_limit(const struct sock *sk, u32 size)
{
	return atomic_read(&sk->sk_rmem_alloc) + size >
	       READ_ONCE(sk->sk_rcvbuf);
}

/* The skb is charged when its first chunk is made, and once. */
static bool charge_skb(struct sock *sk, struct sk_buff *skb)
{
	if (skb->sk == sk && skb->destructor == sock_rfree)
		return true;
	if (over_limit(sk, skb->truesize) ||
	    !sk_rmem_schedule(sk, skb, skb->truesize))
		return false;
	skb_set_owner_r(skb, sk);
	return true;
}

struct quic_chunk *quic_chunk_new_ref(struct sock *sk,
				      const struct quic_rx_src *src)
{
	u16 cap = src->segs_left + 1;
	struct quic_chunk *c;

	if (!charge_skb(sk, src->skb))
		return NULL;
	c = kmalloc(struct_size(c, seg, cap), GFP_ATOMIC);
	if (!c)
		return NULL;
	memset(c, 0, sizeof(*c));
	c->cap = cap;
	c->skb = skb_get(src->skb);
	return c;
}

struct quic_chunk *quic_chunk_new_copy(struct sock *sk, u32 room)
{
	struct quic_chunk *c;
	u32 size = kmalloc_size_roundup(struct_size(c, seg, 1) +
					room);

	if (over_limit(sk, size) || !__sk_rmem_schedule(sk, size, false))
		return NULL;
	c = kmalloc(size, GFP_ATOMIC);
	if (!c)
		return NULL;
	memset(c, 0, struct_size(c, seg, 1));
	c->truesize = size;
	c->cap = 1;
	c->n = 1;
	c->seg[0].p = (u8 *)&c->seg[1];
	atomic_add(size, &sk->sk_rmem_alloc);
	sk_mem_charge(sk, size);
	return c;
}

/* Append to @c if it ends at @off and can hold the bytes. */
static bool extend(struct quic_chunk *c, struct quic_stream *stream, u64 off,
		   const u8 *data, u32 len, const struct quic_rx_src *src)
{
	if (c->stream != stream || c->fin || c->off + c->len != off)
		return false;
	if (c->skb) {
		if (c->skb != src->skb || c->n == c->cap)
			return false;
		c->seg[c->n].p = data;
		c->seg[c->n].len = len;
		c->n++;
	} else {
		struct quic_seg *s = &c->seg[0];
		u8 *end = (u8 *)s->p + s->len;

		if (len >= QUIC_CHUNK_COPY ||
		    end + len > (u8 *)&c->seg[1] + QUIC_CHUNK_ROOM)
			return false;
		memcpy(end, data, len);
		s->len += len;
	}
	c->len += len;
	return true;
}

static struct quic_chunk *make(struct sock *sk, struct quic_stream *stream,
			       u64 off, const u8 *data, u32 len,
			       const struct quic_rx_src *src)
{
	struct quic_chunk *c;

	if (len < QUIC_CHUNK_COPY)
		c = quic_chunk_new_copy(sk, QUIC_CHUNK_ROOM);
	else
		c = quic_chunk_new_ref(sk, src);
	if (!c)
		return NULL;
	c->stream = stream;
	c->off = off;
	if (c->skb) {
		c->seg[0].p = data;
		c->n = 1;
	} else {
		memcpy((u8 *)c->seg[0].p, data, len);
	}
	c->seg[0].len = len;
	c->len = len;
	return c;
}

void quic_chunk_trim(struct quic_chunk *c, u32 n)
{
	c->off += n;
	c->len -= n;
	while (n) {
		struct quic_seg *s = &c->seg[c->first];
		u32 k = min(n, s->len);

		s->p += k;
		s->len -= k;
		n -= k;
		if (!s->len && c->first + 1 < c->n)
			c->first++;
	}
}

/* ---- out of order ---------------------------------------------------------- */

static struct quic_chunk *node_chunk(struct rb_node *n)
{
	return n ? rb_entry(n, struct quic_chunk, node) : NULL;
}

static void tree_erase(struct quic_rbuf *rb, struct quic_chunk *c)
{
	if (rb->last == c)
		rb->last = node_chunk(rb_prev(&c->node));
	rb_erase(&c->node, &rb->ooo);
	rb->n_ooo--;
}

/* The chunk with the highest offset not above @off. */
static struct quic_chunk *tree_before(struct quic_rbuf *rb, u64 off)
{
	struct rb_node *n = rb->ooo.rb_node;
	struct quic_chunk *best = NULL;

	if (rb->last && rb->last->off <= off)
		return rb->last;
	while (n) {
		struct quic_chunk *c = node_chunk(n);

		if (c->off <= off) {
			best = c;
			n = n->rb_right;
		} else {
			n = n->rb_left;
		}
	}
	return best;
}

static void tree_add(struct quic_rbuf *rb, struct quic_chunk *c)
{
	struct rb_node **p = &rb->ooo.rb_node, *parent = NULL;

	if (rb->last && rb->last->off < c->off) {
		parent = &rb->last->node;
		p = &parent->rb_right;
	}
	while (*p) {
		parent = *p;
		p = c->off < node_chunk(parent)->off ? &parent->rb_left :
						       &parent->rb_right;
	}
	rb_link_node(&c->node, parent, p);
	rb_insert_color(&c->node, &rb->ooo);
	rb->n_ooo++;
	if (!rb->last || rb->last->off < c->off)
		rb->last = c;
}

/* Store only what no stored chunk has: each piece goes into a gap. */
static int insert_ooo(struct sock *sk, struct quic_rbuf *rb,
		      struct quic_stream *stream, u64 off, const u8 *data,
		      u32 len, bool fin, const struct quic_rx_src *src)
{
	struct quic_chunk *c = tree_before(rb, off), *next;
	u64 end = off + len;

	if (c && c->off + c->len > off) {
		u32 skip = min_t(u64, c->off + c->len - off, len);

		off += skip;
		data += skip;
	}
	if (off == end && c && c->off + c->len == end) {
		c->fin |= fin;
		return 0;
	}
	for (next = c ? node_chunk(rb_next(&c->node)) :
			node_chunk(rb_first(&rb->ooo));
	     off < end || (fin && !len);
	     c = next, next = node_chunk(rb_next(&c->node))) {
		u64 stop = next ? min(end, next->off) : end;
		u32 n = stop > off ? stop - off : 0;

		if (n && c && extend(c, stream, off, data, n, src)) {
			c->fin |= fin && stop == end;
		} else if (n || (fin && !len)) {
			if (rb->n_ooo >= QUIC_RBUF_MAX_CHUNKS)
				return -ENOBUFS;
			c = make(sk, stream, off, data, n, src);
			if (!c)
				return -ENOBUFS;
			c->fin = fin && stop == end;
			tree_add(rb, c);
		}
		if (!next || stop == end)
			break;
		/* Over what @next has already. */
		n = min(end, next->off + next->len) - off;
		off += n;
		data += n;
		if (off == end && next->off + next->len == end)
			next->fin |= fin;
	}
	return 0;
}

/* Move what has become contiguous to the reader, behind what was put there just now:
 * a chunk that brings no more may still say that this is the end.  A stream that ended
 * twice would be read after its end.
 */
static u64 pull(struct sock *sk, struct quic_rbuf *rb, struct list_head *ready)
{
	struct quic_chunk *c, *tail;
	u64 got = 0;

	while ((c = node_chunk(rb_first(&rb->ooo))) && c->off <= rb->next) {
		tree_erase(rb, c);
		if (c->off + c->len <= rb->next) {
			tail = list_last_entry(ready, struct quic_chunk, link);
			tail->fin |= c->fin && c->off + c->len == rb->next;
			quic_chunk_free(sk, c);
			continue;
		}
		quic_chunk_trim(c, rb->next - c->off);
		got += c->len;
		rb->next += c->len;
		list_add_tail(&c->link, ready);
	}
	return got;
}

/* RFC9000-2.2-1 */
int quic_rbuf_insert(struct sock *sk, struct quic_rbuf *rb,
		     struct list_head *ready, struct quic_stream *stream,
		     u64 off, const u8 *data, u32 len, bool fin,
		     const struct quic_rx_src *src)
{
	struct quic_chunk *tail;
	u64 got;
	int err;

	if (off > rb->next) {
		err = insert_ooo(sk, rb, stream, off, data, len, fin, src);
		return err;
	}
	if (off + len < rb->next || (off + len == rb->next && !fin))
		return 0;	/* nothing new */
	data += rb->next - off;
	len -= rb->next - off;
	off = rb->next;

	tail = list_empty(ready) ? NULL :
	       list_last_entry(ready, struct quic_chunk, link);
	if (!tail || !extend(tail, stream, off, data, len, src)) {
		tail = make(sk, stream, off, data, len, src);
		if (!tail)
			return -ENOBUFS;
		list_add_tail(&tail->link, ready);
	}
	tail->fin |= fin;
	rb->next += len;
	got = len;
	if (unlikely(rb->n_ooo))
		got += pull(sk, rb, ready);
	return min_t(u64, got, INT_MAX);
}

/* ---- reader ---------------------------------------------------------------- */

int quic_chunk_read(struct quic_chunk *c, struct iov_iter *to, u32 len,
		    bool peek)
{
	u16 i = c->first;
	u32 done = 0;

	len = min(len, c->len);
	while (done < len) {
		struct quic_seg *s = &c->seg[i];
		u32 n = min(len - done, s->len);
		u32 k = copy_to_iter(s->p, n, to);

		done += k;
		if (k < n)
			break;
		i++;
	}
	if (!peek)
		quic_chunk_trim(c, done);
	return done || !len ? done : -EFAULT;
}
