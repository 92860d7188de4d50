/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Streams and the buffers at their two ends.  Everything here is under the
 * socket lock.
 */
#ifndef KQUIC_STREAM_H
#define KQUIC_STREAM_H

#include <linux/list.h>
#include <linux/rbtree.h>
#include <linux/skbuff.h>
#include <linux/quic.h>
#include "recovery/ranges.h"

/* Bounds (reliability.md section 3, rows 6 and 7). */
#define QUIC_SBUF_MAX_RANGES	1024	/* disjoint acked or lost ranges */
#define QUIC_RBUF_MAX_CHUNKS	4096	/* out-of-order pieces per stream */
#define QUIC_STREAMS_AT_ONCE	4096	/* that a program opens by one ID */
#define QUIC_STREAMS_MAX	65536	/* of a connection that opens more */
#define QUIC_CRYPTO_WINDOW	65536	/* CRYPTO bytes beyond what was read */
#define QUIC_CHUNK_COPY		256	/* data this short is copied, so that it
					 * does not hold a whole packet
					 */
#define QUIC_SBUF_SKB_BYTES	65536	/* user bytes per send-queue skb */

/* ---- send buffer: stream/sbuf.c --------------------------------------- */

/*
 * Bytes stay here until they are acknowledged; packets are sealed straight
 * from these skbs, also when sent again.
 *
 *	base          next          end
 *	  |  in flight  |  not sent  |
 */
struct quic_sbuf {
	struct sk_buff_head q;
	struct sk_buff *cur;	/* the skb that holds @next, or NULL */
	u64 base;
	u64 next;
	u64 end;
	u64 high;		/* highest ever sent: what flow control counts */
	u64 drained;		/* where @next was when it last reached @end */
	struct quic_ranges acked;	/* above base */
	struct quic_ranges lost;	/* below next, to be sent again */
	bool fin;		/* the writer is done */
	bool fin_sent;
	bool fin_lost;
	bool fin_acked;
};

struct quic_sbuf_cb {
	u64 off;		/* stream offset of the skb's first byte */
};

#define QUIC_SBUF_CB(skb) ((struct quic_sbuf_cb *)(skb)->cb)

void quic_sbuf_init(struct quic_sbuf *sb);
/* Give back memory; the socket's accounting follows. */
void quic_sbuf_purge(struct sock *sk, struct quic_sbuf *sb);

/* Append up to @len bytes of @msg.  Process context, may sleep for memory but
 * not for buffer space.  Returns bytes taken or -errno if none were.
 */
int quic_sbuf_append(struct sock *sk, struct quic_sbuf *sb,
		     struct msghdr *msg, size_t len);

/* The next run to send, lost bytes first, below @limit (flow control).
 * Return: false if there is nothing, not even a FIN.
 */
bool quic_sbuf_pick(struct quic_sbuf *sb, u64 limit, u64 *off, u32 *len,
		    bool *fin);
/* That run, cut to @len, goes into a packet. */
void quic_sbuf_sent(struct quic_sbuf *sb, u64 off, u32 len, bool fin);
/* Where its bytes are: skb and offset in it. */
struct sk_buff *quic_sbuf_find(struct quic_sbuf *sb, u64 off, u32 *skb_off);
bool quic_sbuf_acked(struct sock *sk, struct quic_sbuf *sb, u64 off, u32 len,
		     bool fin);
void quic_sbuf_lost(struct quic_sbuf *sb, u64 off, u32 len, bool fin);
/* Nothing of it was sent. */
void quic_sbuf_repeat(struct quic_sbuf *sb, u32 len);
void quic_sbuf_rewind(struct quic_sbuf *sb);

/* Is what went when there was no more still under way?  Never above @next, so
 * that an acknowledgment or a loss follows.
 */
static inline bool quic_sbuf_awaits(const struct quic_sbuf *sb)
{
	return sb->base < sb->drained;
}

static inline bool quic_sbuf_done(const struct quic_sbuf *sb)
{
	return sb->fin_acked && sb->base == sb->end;
}

/* ---- receive buffer: stream/rbuf.c ------------------------------------- */

/**
 * struct quic_chunk - received bytes, contiguous in the stream
 * @link:	queue of the reader, in order of readiness
 * @node:	out-of-order tree of its buffer
 * @stream:	NULL for CRYPTO
 * @off:	stream offset of the first byte not read
 * @len:	bytes not read
 * @skb:	holds the bytes (a reference); NULL: they follow the struct
 * @fin:	the stream ends here
 * @first:	first seg with unread bytes
 * @seg:	the pieces, one per packet
 */
struct quic_chunk {
	union {
		struct list_head link;
		struct rb_node node;
	};
	struct quic_stream *stream;
	struct sk_buff *skb;
	u64 off;
	u32 len;
	u32 truesize;		/* charged for @skb == NULL */
	bool fin;
	u8 level;		/* CRYPTO: enum quic_crypto_level */
	u16 first;
	u16 n;
	u16 cap;
	struct quic_seg {
		const u8 *p;
		u32 len;
	} seg[];
};

struct quic_rbuf {
	u64 next;		/* everything below was passed to the reader */
	struct rb_root ooo;
	struct quic_chunk *last;	/* highest in @ooo */
	u32 n_ooo;
};

/* Where a frame's bytes come from. */
struct quic_rx_src {
	struct sk_buff *skb;	/* holds the packet */
	u16 segs_left;		/* packets still to come in its train */
	u64 now;		/* when it came */
	struct quic_path *path;	/* it came on */
};

void quic_rbuf_init(struct quic_rbuf *rb);
void quic_rbuf_purge(struct sock *sk, struct quic_rbuf *rb);

/**
 * quic_rbuf_insert - take in a run of bytes
 * @sk:		charged
 * @rb:		the buffer
 * @ready:	the reader's queue; what became contiguous is appended
 * @stream:	tags the chunks
 * @off:	offset of the first byte
 * @data:	bytes inside @src->skb
 * @len:	how many
 * @fin:	the stream ends after them
 * @src:	the packet's train
 *
 * Return: number of bytes that became readable (0 is fine too), -ENOBUFS if
 * memory or a bound forbids: the packet must then not be acknowledged.
 */
int quic_rbuf_insert(struct sock *sk, struct quic_rbuf *rb,
		     struct list_head *ready, struct quic_stream *stream,
		     u64 off, const u8 *data, u32 len, bool fin,
		     const struct quic_rx_src *src);

/* Copy up to @len bytes out and advance unless @peek.  Bytes or -EFAULT. */
int quic_chunk_read(struct quic_chunk *c, struct iov_iter *to, u32 len,
		    bool peek);
/* Forget the first @n bytes. */
void quic_chunk_trim(struct quic_chunk *c, u32 n);
/* A chunk that refers to @src, or NULL. */
struct quic_chunk *quic_chunk_new_ref(struct sock *sk,
				      const struct quic_rx_src *src);
/* One with room for @room bytes of its own behind seg[0]. */
struct quic_chunk *quic_chunk_new_copy(struct sock *sk, u32 room);
void quic_chunk_free(struct sock *sk, struct quic_chunk *c);

/* ---- datagrams (RFC 9221): stream/datagram.c ---------------------------- */

/* What waits for the reader, overhead included; more is dropped. */
#define QUIC_DGRAM_RX_MAX	1048576

struct quic_dgrams {
	struct sk_buff_head q;	/* to be sent, charged to the send buffer */
	u32 rx_queued;		/* counts to QUIC_DGRAM_RX_MAX */
};

/* ---- streams: stream/table.c ------------------------------------------- */

/* Pending control frames of a stream. */
#define QUIC_STREAM_CTL_RESET		BIT(0)
#define QUIC_STREAM_CTL_STOP		BIT(1)
#define QUIC_STREAM_CTL_MAX_DATA	BIT(2)
#define QUIC_STREAM_CTL_BLOCKED		BIT(3)

struct quic_stream_sock;	/* sock/stream.c */

struct quic_stream {
	struct rb_node node;	/* conn->streams.tree */
	u64 id;
	u8 send_state;		/* enum quic_stream_send_state */
	u8 recv_state;		/* enum quic_stream_recv_state */
	u8 ctl;			/* QUIC_STREAM_CTL_* to be sent */
	bool has_send;
	bool has_recv;
	bool stop_sent;		/* STOP_SENDING was asked for */
	bool sndblock;		/* tell the peer when blocked */
	bool own_queue;		/* what is received waits in @rq */
	bool claimed;		/* has, or had, a file descriptor */
	u8 urgency;		/* 0..7, lower first */
	bool incremental;	/* takes turns with others of its urgency */
	bool held;		/* beyond the peer's limit: 0-RTT was rejected */
	bool refused;		/* the program met @max_send */
	u32 turn;		/* bytes sent in this turn */
	struct list_head send_link;	/* conn->streams.send[]: has bytes */
	struct list_head ctl_link;	/* conn->streams.ctl: has @ctl */

	struct quic_sbuf sb;
	u64 max_send;		/* the peer's limit */
	u64 blocked_at;		/* limit last reported as blocking */
	u64 data_wanted;	/* least limit of the connection that lets it go on */
	u64 send_err;		/* RESET_STREAM code */
	u64 stop_err;		/* STOP_SENDING code */

	struct quic_rbuf rb;
	struct list_head rq;	/* quic_chunk; for its own file descriptor */
	struct quic_stream_sock *ss;	/* that; or NULL */
	u64 max_recv;		/* our limit as announced */
	u64 window;
	u64 read;		/* consumed by the reader */
	u64 highest;		/* highest offset received */
	u64 final;		/* final size, U64_MAX: unknown */
};

/* Limits of one kind of stream, bidirectional or unidirectional. */
struct quic_stream_limit {
	u64 local_next;		/* streams we opened */
	u64 local_max;		/* the peer's limit */
	u64 remote_next;	/* streams the peer opened */
	u64 remote_fresh;	/* those below were accepted, or are gone */
	u64 remote_max;		/* our limit as announced */
	u64 remote_closed;	/* finished, credit to be given back */
	u64 remote_window;
	bool blocked;		/* STREAMS_BLOCKED to be sent */
	bool announce;		/* MAX_STREAMS to be sent */
};

struct quic_streams {
	struct rb_root tree;	/* by ID */
	struct list_head send[QUIC_URGENCY_MAX + 1];	/* by urgency */
	u8 send_mask;		/* those that may not be empty */
	struct list_head ctl;
	struct list_head ready;		/* quic_stream_sock: to be woken, they
					 * got data
					 */
	struct list_head waiting;	/* quic_stream_sock: for room to send */
	struct quic_stream *found;	/* by the last look-up; or NULL */
	struct quic_stream *active;	/* of plain write() */
	bool active_chosen;	/* by name: the peer's new ones do not take over */
	struct quic_stream_limit limit[2];	/* [0] bidi, [1] uni */
	u32 n;
};

/* In order of their IDs.  The loop must not free the stream it is at. */
#define quic_streams_for_each(s, streams)				\
	for (s = rb_entry_safe(rb_first(&(streams)->tree),		\
			       struct quic_stream, node); s;		\
	     s = rb_entry_safe(rb_next(&s->node), struct quic_stream, node))

#endif
