// SPDX-License-Identifier: GPL-2.0
/*
 * Integers and packet numbers: what is read can be written and read again;
 * what is truncated is recovered.
 *
 * needs: wire/varint.c wire/pn.c
 */
#include "fuzz.h"
#include "wire/pn.h"
#include "wire/varint.h"

static void check_varint(u64 v, u8 width)
{
	u8 buf[16] = { 0 };
	struct quic_out o = { buf, buf + 8 };
	struct quic_cur c;
	u64 again;

	MUST(v <= QUIC_VARINT_MAX);
	MUST(quic_varint_len(v) <= width);
	quic_put_varint(&o, v);
	MUST(!o.overflow && o.p - buf == quic_varint_len(v));
	c = (struct quic_cur){ buf, o.p };		/* nothing follows */
	MUST(quic_get_varint(&c, &again) && again == v && c.p == o.p);
	c = (struct quic_cur){ buf, buf + sizeof(buf) };
	MUST(quic_get_varint(&c, &again) && again == v && c.p == o.p);

	o = (struct quic_out){ buf, buf + 8 };
	quic_put_varint_width(&o, v, width);
	MUST(!o.overflow && o.p - buf == width);
	c = (struct quic_cur){ buf, o.p };
	MUST(quic_get_varint(&c, &again) && again == v && c.p == o.p);
}

/* A packet @distance after the last acknowledged, when the receiver has got
 * to @progress percent of the way.
 */
static void check_pn(u64 acked, u32 distance, u8 progress)
{
	u64 pn, largest, span;
	u8 len;

	acked = acked > QUIC_PN_MAX ? QUIC_PN_NONE : acked;
	pn = acked + 1 + distance % (1U << 30);
	if (pn > QUIC_PN_MAX)
		return;
	len = quic_pn_len(pn, acked);
	span = 1ULL << (8 * len);
	MUST(len >= 1 && len <= 4);
	MUST(span > 2 * (pn - acked));
	largest = acked + (pn - acked - 1) * (progress % 101) / 100;
	MUST(quic_pn_decode(pn & (span - 1), len, largest) == pn);
}

/* Bytes that no honest sender need have chosen, after any history: the result
 * ends in them, is a packet number, and is the nearest one that is.
 */
static void check_decode(u32 bytes, u8 len, u64 largest)
{
	u64 span = 1ULL << (8 * len), full, expected;

	switch (largest >> 62) {
	case 1:		/* near the end of all numbers */
		largest = QUIC_PN_MAX - (largest & 0xffffffff);
		break;
	case 2:
		largest = QUIC_PN_NONE;
		break;
	default:
		largest &= QUIC_PN_MAX;
	}
	expected = largest + 1;
	bytes &= span - 1;
	full = quic_pn_decode(bytes, len, largest);
	MUST(full <= QUIC_PN_MAX);
	MUST((full & (span - 1)) == bytes);
	MUST(full <= expected + span / 2 || full < span);
	MUST(full + span / 2 > expected || full > QUIC_PN_MAX - span);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct quic_cur c = { data, data + size };
	const u8 *p = data;
	u64 v;

	while (quic_get_varint(&c, &v)) {
		MUST(c.p > p && c.p <= data + size);
		check_varint(v, c.p - p);
		p = c.p;
	}
	MUST(c.p == data + size);
	MUST(size - (p - data) < 8);

	for (p = data; p + 13 <= data + size; p += 13) {
		check_pn(get_unaligned_be64(p), get_unaligned_be32(p + 8),
			 p[12]);
		check_decode(get_unaligned_be32(p + 8), 1 + p[12] % 4,
			     get_unaligned_be64(p));
	}
	return 0;
}
