// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: the send buffer of a stream and of CRYPTO data: user bytes in page
 * fragments, which of them are in flight, acknowledged, lost.
 * Called from: sock/sendmsg (append), tx/sched and tx/build (pick, find,
 * sent), tx/sent (acked, lost).
 * Context: socket lock held; append in process context.
 * RFC 9000 sections 2.2, 3.1, 13.3.
 */
#include <net/sock.h>
#include "../pages.h"
#include "../pipeline.h"
#include "../compat.h"

void quic_sbuf_init(struct quic_sbuf *sb)
{
	memset(sb, 0, sizeof(*sb));
	__skb_queue_head_init(&sb->q);
	quic_ranges_init(&sb->acked, QUIC_SBUF_MAX_RANGES);
	quic_ranges_init(&sb->lost, QUIC_SBUF_MAX_RANGES);
}

/* ---- accounting, as in TCP ------------------------------------------------ */

static void charge(struct sock *sk, struct sk_buff *skb, int bytes)
{
	skb->truesize += bytes;
	sk_wmem_queued_add(sk, bytes);
	sk_mem_charge(sk, bytes);
}

static void free_skb(struct sock *sk, struct sk_buff *skb)
{
	sk_wmem_queued_add(sk, -skb->truesize);
	sk_mem_uncharge(sk, skb->truesize);
	__kfree_skb(skb);
}

void quic_sbuf_purge(struct sock *sk, struct quic_sbuf *sb)
{
	struct sk_buff *skb;

	while ((skb = __skb_dequeue(&sb->q)))
		free_skb(sk, skb);
	sb->cur = NULL;
	sb->base = sb->end;
	sb->next = sb->end;
	quic_ranges_free(&sb->acked);
	quic_ranges_free(&sb->lost);
	quic_ranges_init(&sb->acked, QUIC_SBUF_MAX_RANGES);
	quic_ranges_init(&sb->lost, QUIC_SBUF_MAX_RANGES);
}

/* ---- writer --------------------------------------------------------------- */

/* With memory for @len bytes, too. */
static struct sk_buff *new_skb(struct sock *sk, struct quic_sbuf *sb, size_t len)
{
	struct sk_buff *skb = alloc_skb(0, sk->sk_allocation);

	if (!skb)
		return NULL;
	if (!sk_wmem_schedule(sk, skb->truesize + len)) {
		kfree_skb(skb);
		return NULL;
	}
	QUIC_SBUF_CB(skb)->off = sb->end;
	/* Else skb_splice_from_iter() sums up what it takes. */
	skb->ip_summed = CHECKSUM_PARTIAL;
	sk_wmem_queued_add(sk, skb->truesize);
	sk_mem_charge(sk, skb->truesize);
	__skb_queue_tail(&sb->q, skb);
	return skb;
}

/* One copy into the task's page fragment; bytes or -errno. */
static int copy_in(struct sock *sk, struct sk_buff *skb, struct msghdr *msg,
		   size_t len)
{
	struct page_frag *pfrag = sk_page_frag(sk);
	int i = skb_shinfo(skb)->nr_frags;
	bool merge;
	int copy;

	if (!quic_pages_user_refill(sk, pfrag))
		return -ENOMEM;
	merge = skb_can_coalesce(skb, i, pfrag->page, pfrag->offset);
	if (!merge && i == MAX_SKB_FRAGS)
		return 0;	/* the skb is full */
	copy = min_t(size_t, len, pfrag->size - pfrag->offset);
	if (!sk_wmem_schedule(sk, copy))
		return -ENOMEM;
	if (copy_page_from_iter(pfrag->page, pfrag->offset, copy,
				&msg->msg_iter) != copy)
		return -EFAULT;

	if (merge) {
		skb_frag_size_add(&skb_shinfo(skb)->frags[i - 1], copy);
	} else {
		skb_fill_page_desc(skb, i, pfrag->page, pfrag->offset, copy);
		page_ref_inc(pfrag->page);
	}
	pfrag->offset += copy;
	skb->len += copy;
	skb->data_len += copy;
	charge(sk, skb, copy);
	return copy;
}

/* Take the caller's pages as they are: sendfile() and splice(). */
static int splice_in(struct sock *sk, struct sk_buff *skb, struct msghdr *msg,
		     size_t len)
{
	ssize_t n;

	if (!sk_wmem_schedule(sk, len))
		return -ENOMEM;
	n = quic_splice_from_iter(skb, &msg->msg_iter, len);
	if (n == -EMSGSIZE)
		return 0;	/* the skb is full */
	if (n < 0)
		return n;
	/* The helper raised len, data_len and truesize. */
	sk_wmem_queued_add(sk, n);
	sk_mem_charge(sk, n);
	return n;
}

int quic_sbuf_append(struct sock *sk, struct quic_sbuf *sb,
		     struct msghdr *msg, size_t len)
{
	struct sk_buff *skb = skb_peek_tail(&sb->q);
	size_t done = 0;
	int n;

	while (done < len) {
		size_t room;

		if (!skb || skb->len >= QUIC_SBUF_SKB_BYTES) {
			skb = new_skb(sk, sb, min_t(size_t, len - done,
						    QUIC_SBUF_SKB_BYTES));
			if (!skb) {
				n = -ENOMEM;
				break;
			}
		}
		room = min(len - done, QUIC_SBUF_SKB_BYTES - skb->len);
		if (msg->msg_flags & MSG_SPLICE_PAGES)
			n = splice_in(sk, skb, msg, room);
		else
			n = copy_in(sk, skb, msg, room);
		if (n < 0)
			break;
		if (!n) {
			skb = NULL;	/* no fragment left: the next one */
			continue;
		}
		done += n;
		sb->end += n;
	}
	/* An skb without bytes would confuse the walkers. */
	skb = skb_peek_tail(&sb->q);
	if (skb && !skb->len) {
		__skb_unlink(skb, &sb->q);
		free_skb(sk, skb);
	}
	return done ? done : n;
}

/* ---- sender --------------------------------------------------------------- */

/* RFC9000-4.5-2 RFC9001-4.1.3-1 */
bool quic_sbuf_pick(struct quic_sbuf *sb, u64 limit, u64 *off, u32 *len,
		    bool *fin)
{
	u64 end;

	if (!quic_ranges_empty(&sb->lost)) {
		*off = sb->lost.r[0].lo;
		end = sb->lost.r[0].hi + 1;
		*len = min_t(u64, end - *off, U32_MAX);
		*fin = sb->fin && sb->fin_lost && end == sb->end;
		return true;
	}
	*off = sb->next;
	end = min(sb->end, limit);
	*len = end > sb->next ? min_t(u64, end - sb->next, U32_MAX) : 0;
	*fin = sb->fin && *off + *len == sb->end &&
	       (!sb->fin_sent || sb->fin_lost);
	return *len || *fin;
}

void quic_sbuf_sent(struct quic_sbuf *sb, u64 off, u32 len, bool fin)
{
	if (len && off < sb->next)
		quic_ranges_remove(&sb->lost, off, off + len - 1, GFP_ATOMIC);
	else
		sb->next = max(sb->next, off + len);
	sb->high = max(sb->high, sb->next);
	if (sb->next == sb->end)
		sb->drained = sb->end;
	if (fin) {
		sb->fin_sent = true;
		sb->fin_lost = false;
	}
}

/* Sequential reads start from where the last one ended; a retransmission
 * walks from the head.
 */
struct sk_buff *quic_sbuf_find(struct quic_sbuf *sb, u64 off, u32 *skb_off)
{
	struct sk_buff *skb = sb->cur;

	if (!skb || off < QUIC_SBUF_CB(skb)->off)
		skb = skb_peek(&sb->q);
	while (skb && off >= QUIC_SBUF_CB(skb)->off + skb->len)
		skb = skb_peek_next(skb, &sb->q);
	if (WARN_ON_ONCE(!skb || off < QUIC_SBUF_CB(skb)->off))
		return NULL;
	sb->cur = skb;
	*skb_off = off - QUIC_SBUF_CB(skb)->off;
	return skb;
}

/* ---- fate ----------------------------------------------------------------- */

/* There is no memory to note what of it arrived and what did not: all from
 * @off on goes once more.  Nothing is lost at or above @next, or sending it
 * would skip what lies between.
 */
static void again_from(struct quic_sbuf *sb, u64 off)
{
	sb->next = min(sb->next, off);
	sb->drained = min(sb->drained, sb->next);
	quic_ranges_remove(&sb->lost, sb->next, U64_MAX, GFP_ATOMIC);
}

/* Free what is wholly below base. */
static void advance(struct sock *sk, struct quic_sbuf *sb, u64 base)
{
	struct sk_buff *skb;

	sb->base = base;
	sb->next = max(sb->next, base);
	/* If memory was short it may hold what was acknowledged. */
	if (unlikely(!quic_ranges_empty(&sb->lost)))
		quic_ranges_trim(&sb->lost, base);
	while ((skb = skb_peek(&sb->q)) &&
	       QUIC_SBUF_CB(skb)->off + skb->len <= base) {
		/* The writer may still append to the last one. */
		if (sb->cur == skb)
			sb->cur = NULL;
		__skb_unlink(skb, &sb->q);
		free_skb(sk, skb);
	}
}

/* Return: false if it could not be noted, so that there is something to send. */
bool quic_sbuf_acked(struct sock *sk, struct quic_sbuf *sb, u64 off, u32 len,
		     bool fin)
{
	u64 end = off + len;

	if (fin) {
		sb->fin_acked = true;
		sb->fin_lost = false;
	}
	if (!len || end <= sb->base)
		return true;
	if (!quic_ranges_empty(&sb->lost))
		quic_ranges_remove(&sb->lost, off, end - 1, GFP_ATOMIC);
	if (off > sb->base) {
		if (quic_ranges_add(&sb->acked, off, end - 1, GFP_ATOMIC) >= 0)
			return true;
		again_from(sb, off);
		return false;
	}
	if (!quic_ranges_empty(&sb->acked)) {
		if (sb->acked.r[0].lo <= end)
			end = max(end, sb->acked.r[0].hi + 1);
		quic_ranges_trim(&sb->acked, end);
	}
	advance(sk, sb, end);
	return true;
}

/* RFC9000-2.2-2 */
void quic_sbuf_lost(struct quic_sbuf *sb, u64 off, u32 len, bool fin)
{
	u64 end = off + len;
	int i;

	if (fin && !sb->fin_acked)
		sb->fin_lost = true;
	off = max(off, sb->base);
	end = min(end, sb->next);
	if (off >= end)
		return;
	if (quic_ranges_add(&sb->lost, off, end - 1, GFP_ATOMIC) < 0) {
		again_from(sb, off);
		return;
	}
	/* What was acknowledged meanwhile needs no second journey. */
	for (i = 0; i < sb->acked.n; i++)
		if (sb->acked.r[i].lo < end && sb->acked.r[i].hi >= off)
			quic_ranges_remove(&sb->lost, sb->acked.r[i].lo,
					   sb->acked.r[i].hi, GFP_ATOMIC);
}

/* For a probe that has nothing to carry: the oldest bytes that are under way,
 * at most @len, go once more.
 */
void quic_sbuf_repeat(struct quic_sbuf *sb, u32 len)
{
	if (quic_ranges_empty(&sb->lost) && sb->next > sb->base)
		quic_sbuf_lost(sb, sb->base,
			       min_t(u64, len, sb->next - sb->base), false);
}

void quic_sbuf_rewind(struct quic_sbuf *sb)
{
	sb->next = sb->base;
	sb->drained = sb->base;
	sb->high = sb->base;
	sb->cur = NULL;
	sb->fin_sent = false;
	sb->fin_lost = false;
	quic_ranges_free(&sb->lost);
	quic_ranges_init(&sb->lost, QUIC_SBUF_MAX_RANGES);
}
