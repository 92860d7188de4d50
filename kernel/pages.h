/* SPDX-License-Identifier: GPL-2.0 */
/* Pages that are used again: what packets lie in, and what programs write. */
#ifndef KQUIC_PAGES_H
#define KQUIC_PAGES_H

#include <linux/mm_types.h>

struct sock;

/* Pages of 32 KiB that a CPU keeps of either kind: about what is on its way to
 * a device that is paced by its queue limits.
 */
#define QUIC_PAGES	16

/* The CPU's own memory for packets.  BH off. */
struct page_frag *quic_pages_tx(void);
/* Room for @size contiguous bytes there, if memory allows.  BH off. */
bool quic_pages_tx_refill(u32 size);
/* Room for a program's bytes at @f, a sk_page_frag().  Process context. */
bool quic_pages_user_refill(struct sock *sk, struct page_frag *f);

int quic_pages_init(void);
void quic_pages_exit(void);

#endif
