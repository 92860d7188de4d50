// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: datagrams (RFC 9221): those that wait to be sent, and what happens
 * to a received one.
 * Called from: sock/sendmsg, sock/recvmsg; rx/frames; tx/sched, tx/frames.
 * Context: socket lock held.
 *
 * To be sent: an skb each, charged to the send buffer; it is gone when it was
 * put into a packet, because a datagram is never sent twice.
 *
 * Received: chunks without a stream in the reader's queue, in order of
 * arrival.  In one that refers to an skb, every seg is a datagram: a train
 * of full-sized ones costs one allocation.  Beyond the bound the newest are
 * dropped, as a UDP socket does it: what the reader was told of does not
 * vanish, and no flood pushes out what came before it.
 */
#include <net/sock.h>
#include "../pipeline.h"
#include "../obs/mib.h"
#include "../wire/varint.h"

/* A stored datagram costs this much besides its bytes. */
#define QUIC_DGRAM_OVERHEAD	(sizeof(struct quic_chunk) + \
				 sizeof(struct quic_seg))

/* ---- sending ----------------------------------------------------------------- */

/* RFC8899-5-1 RFC9000-19.21-1 RFC9221-3-1 RFC9221-3-2 */
/* Longest that fits a packet alone; 0: the peer takes none. */
u32 quic_dgram_max(const struct quic_conn *c)
{
	u64 peer = c->peer.max_datagram_frame_size;
	u32 hdr = 1 + quic_cid_dest(c)->len + sizeof(u32) + 1 + QUIC_TAG_LEN;
	u32 room = c->path->mss - hdr;

	/* The peer's limit counts type and length, if there is one. */
	if (peer <= 2)
		return 0;
	if (peer > room + 1 + sizeof(u32))
		return room;
	return min_t(u32, room, peer - 1 - quic_varint_len(peer));
}

static void free_skb(struct sock *sk, struct sk_buff *skb)
{
	sk_wmem_queued_add(sk, -skb->truesize);
	sk_mem_uncharge(sk, skb->truesize);
	__kfree_skb(skb);
}

/* Queue one.  The caller has checked length and buffer space. */
int quic_dgram_send(struct quic_conn *c, struct msghdr *msg, size_t len)
{
	struct sock *sk = c->sk;
	struct sk_buff *skb = alloc_skb(len, sk->sk_allocation);

	if (!skb)
		return -ENOMEM;
	if (!copy_from_iter_full(skb_put(skb, len), len, &msg->msg_iter)) {
		kfree_skb(skb);
		return -EFAULT;
	}
	if (!sk_wmem_schedule(sk, skb->truesize)) {
		kfree_skb(skb);
		return -ENOMEM;
	}
	sk_wmem_queued_add(sk, skb->truesize);
	sk_mem_charge(sk, skb->truesize);
	__skb_queue_tail(&c->dgrams.q, skb);
	return len;
}

/* The next one is in a packet (@sent), or will fit none. */
void quic_dgram_done(struct quic_conn *c, bool sent)
{
	struct net *net = sock_net(c->sk);

	free_skb(c->sk, __skb_dequeue(&c->dgrams.q));
	if (sent)
		QUIC_INC(net, QuicDgramSent);
	else
		QUIC_INC(net, QuicDgramSndDrop);
	quic_sock_writable(c->sk);
}

void quic_dgram_purge(struct quic_conn *c)
{
	struct sk_buff *skb;

	while ((skb = __skb_dequeue(&c->dgrams.q)))
		free_skb(c->sk, skb);
	c->dgrams.rx_queued = 0;
}

/* ---- receiving --------------------------------------------------------------- */

/* In the chunk of the train it came with? */
static bool extend(struct quic_conn *c, const struct quic_frame *f,
		   const struct quic_rx_src *src)
{
	struct quic_chunk *ch;

	if (list_empty(&c->rq_data))
		return false;
	ch = list_last_entry(&c->rq_data, struct quic_chunk, link);
	if (ch->stream || ch->skb != src->skb || ch->n == ch->cap)
		return false;
	ch->seg[ch->n].p = f->datagram.data;
	ch->seg[ch->n++].len = f->datagram.len;
	ch->len += f->datagram.len;
	return true;
}

static bool store(struct quic_conn *c, const struct quic_frame *f,
		  const struct quic_rx_src *src)
{
	u32 len = f->datagram.len;
	struct quic_chunk *ch;

	/* Streams, which cannot drop, keep the other half. */
	if (c->dgrams.rx_queued + len + QUIC_DGRAM_OVERHEAD >
	    QUIC_DGRAM_RX_MAX ||
	    atomic_read(&c->sk->sk_rmem_alloc) > READ_ONCE(c->sk->sk_rcvbuf) / 2)
		return false;
	if (len < QUIC_CHUNK_COPY) {
		ch = quic_chunk_new_copy(c->sk, len);
		if (!ch)
			return false;
		memcpy((u8 *)ch->seg[0].p, f->datagram.data, len);
	} else if (extend(c, f, src)) {
		goto done;
	} else {
		ch = quic_chunk_new_ref(c->sk, src);
		if (!ch)
			return false;
		ch->seg[0].p = f->datagram.data;
		ch->n = 1;
	}
	ch->seg[0].len = len;
	ch->len = len;
	list_add_tail(&ch->link, &c->rq_data);
done:
	c->rq_news = true;
	c->dgrams.rx_queued += len + QUIC_DGRAM_OVERHEAD;
	return true;
}

/* RFC9221-3-3 RFC9221-3-4 */
/* DATAGRAM frame (sections 3, 5).  0 or a transport error: without memory
 * it is dropped, and its packet acknowledged.
 */
int quic_dgram_on_frame(struct quic_conn *c, const struct quic_frame *f,
			const struct quic_rx_src *src)
{
	struct net *net = sock_net(c->sk);

	/* Zero, our default, is "none". */
	if (f->datagram.size > quic_sk(c->sk)->tparam.max_datagram_frame_size)
		return QUIC_TRANSPORT_ERROR_PROTOCOL_VIOLATION;
	QUIC_INC(net, QuicDgramRcvd);
	if (!store(c, f, src))
		QUIC_INC(net, QuicDgramRcvDrop);
	return 0;
}

/* One datagram, or what is left of it, off the head of the reader's queue.
 * Bytes or -EFAULT; @eor: that was its end.
 */
int quic_dgram_read(struct quic_conn *c, struct msghdr *msg, size_t len,
		    bool peek, bool *eor)
{
	struct quic_chunk *ch = list_first_entry(&c->rq_data,
						 struct quic_chunk, link);
	struct quic_seg *s = &ch->seg[ch->first];
	u32 n = min_t(size_t, len, s->len);

	if (copy_to_iter(s->p, n, &msg->msg_iter) != n)
		return -EFAULT;
	*eor = n == s->len;
	if (peek)
		return n;
	quic_chunk_trim(ch, n);
	c->dgrams.rx_queued -= n;
	if (!*eor)
		return n;
	c->dgrams.rx_queued -= QUIC_DGRAM_OVERHEAD;
	if (!ch->len) {
		list_del(&ch->link);
		quic_chunk_free(c->sk, ch);
	}
	return n;
}
