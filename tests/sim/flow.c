// SPDX-License-Identifier: GPL-2.0
/* Bytes of one flow; see flow.h. */
#include "flow.h"

void flow_init(struct sim_flow *f, u64 id)
{
	memset(f, 0, sizeof(*f));
	f->id = id;
	quic_ranges_init(&f->acked, FLOW_RANGES);
	quic_ranges_init(&f->lost, FLOW_RANGES);
	quic_ranges_init(&f->got, FLOW_RANGES);
}

void flow_free(struct sim_flow *f)
{
	quic_ranges_free(&f->acked);
	quic_ranges_free(&f->lost);
	quic_ranges_free(&f->got);
}

const u8 *flow_bytes(u64 id, u64 off)
{
	static u8 table[PATTERN + 2000];
	u32 i, x = 12345;

	if (!table[0]) {
		for (i = 0; i < PATTERN; i++) {
			x = x * 1103515245 + 12345;
			table[i] = x >> 16 | 1;
		}
		memcpy(table + PATTERN, table, 2000);
	}
	return table + (off + 577 * id) % PATTERN;
}

bool flow_pick(const struct sim_flow *f, u64 *off, u64 *len)
{
	if (!quic_ranges_empty(&f->lost)) {
		*off = f->lost.r[0].lo;
		*len = f->lost.r[0].hi + 1 - *off;
		return true;
	}
	*off = f->next;
	*len = f->size - f->next;
	return *len;
}

void flow_sent(struct sim_flow *f, u64 off, u64 len)
{
	if (off == f->next)
		f->next += len;
	else
		quic_ranges_remove(&f->lost, off, off + len - 1, GFP_KERNEL);
}

void flow_acked(struct sim_flow *f, u64 off, u64 len)
{
	quic_ranges_add(&f->acked, off, off + len - 1, GFP_KERNEL);
	quic_ranges_remove(&f->lost, off, off + len - 1, GFP_KERNEL);
}

void flow_lost(struct sim_flow *f, u64 off, u64 len)
{
	u16 i;

	quic_ranges_add(&f->lost, off, off + len - 1, GFP_KERNEL);
	for (i = 0; i < f->acked.n; i++) {
		if (f->acked.r[i].lo >= off + len)
			break;
		if (f->acked.r[i].hi >= off)
			quic_ranges_remove(&f->lost, f->acked.r[i].lo,
					   f->acked.r[i].hi, GFP_KERNEL);
	}
}

bool flow_receive(struct sim_flow *f, u64 off, const u8 *data, u64 len,
		  bool fin)
{
	s64 fresh;

	if (!len || off + len > f->expect ||
	    memcmp(data, flow_bytes(f->id, off), len))
		return false;
	if (fin && off + len != f->expect)
		return false;
	fresh = quic_ranges_add(&f->got, off, off + len - 1, GFP_KERNEL);
	if (fresh < 0)
		return false;
	f->fin_got |= fin;
	f->received += fresh;
	f->repeated += len - fresh;
	return true;
}

bool flow_is_settled(const struct sim_flow *f)
{
	if (f->received != f->expect)
		return false;
	return !f->size || (f->acked.n == 1 && !f->acked.r[0].lo &&
			    f->acked.r[0].hi == f->size - 1);
}
