// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: per CPU, two rings of pages that were used up lately: of packets, and
 * of what programs write.
 * Called from: tx/build (packets), stream/sbuf (programs).
 * Context: BH off, which makes the CPU's rings ours.
 *
 * A page that is full goes into the ring for the oldest one there, which can
 * be filled anew if nobody refers to it any more: its packets have left, or its
 * bytes were acknowledged.  That saves the allocator and, on kernels that clear
 * what they allocate, 0.17 instructions per byte and kind; and such a page may
 * still be in the cache.
 */
#include <linux/mm.h>
#include <linux/percpu.h>
#include <net/sock.h>
#include "pages.h"

/* What skb_page_frag_refill() tries to get. */
#define QUIC_PAGES_SIZE		32768
/* Bytes that are worth a copy: what sk_page_frag_refill() demands. */
#define QUIC_PAGES_LEAST	32

struct ring {
	struct page *page[QUIC_PAGES];	/* one reference each; NULL: none yet */
	u8 oldest;
};

struct pages {
	struct page_frag frag;	/* packets */
	struct ring tx, user;
};

static struct pages __percpu *pages;

/* The page of @f, if there is one, for another; NULL if that is in use. */
static void turn(struct ring *r, struct page_frag *f)
{
	struct page *page = r->page[r->oldest];

	r->page[r->oldest] = f->page;
	r->oldest = (r->oldest + 1) % QUIC_PAGES;
	f->page = NULL;
	if (!page)
		return;
	/* A small one came when memory was short. */
	if (page_ref_count(page) != 1 || page_size(page) < QUIC_PAGES_SIZE) {
		put_page(page);
		return;
	}
	f->page = page;
	f->offset = 0;
	f->size = page_size(page);
}

struct page_frag *quic_pages_tx(void)
{
	return &this_cpu_ptr(pages)->frag;
}

bool quic_pages_tx_refill(u32 size)
{
	struct pages *m = this_cpu_ptr(pages);
	struct page_frag *f = &m->frag;

	if (likely(f->page && f->offset + size <= f->size))
		return true;
	turn(&m->tx, f);
	/* When large pages are short this takes a small one. */
	return skb_page_frag_refill(size, f, GFP_ATOMIC) &&
	       f->offset + size <= f->size;
}

bool quic_pages_user_refill(struct sock *sk, struct page_frag *f)
{
	if (f->page && f->offset + QUIC_PAGES_LEAST > f->size) {
		local_bh_disable();
		turn(&this_cpu_ptr(pages)->user, f);
		local_bh_enable();
	}
	return sk_page_frag_refill(sk, f);
}

int quic_pages_init(void)
{
	pages = alloc_percpu(struct pages);
	return pages ? 0 : -ENOMEM;
}

static void drop(struct ring *r)
{
	int i;

	for (i = 0; i < QUIC_PAGES; i++)
		if (r->page[i])
			put_page(r->page[i]);
}

void quic_pages_exit(void)
{
	struct pages *m;
	int cpu;

	for_each_possible_cpu(cpu) {
		m = per_cpu_ptr(pages, cpu);
		drop(&m->tx);
		drop(&m->user);
		if (m->frag.page)
			put_page(m->frag.page);
	}
	free_percpu(pages);
}
