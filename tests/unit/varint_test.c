// SPDX-License-Identifier: GPL-2.0
/*
 * Variable-length integers, RFC 9000 section 16.
 *
 * needs: wire/varint.c
 */
#include "unit.h"
#include "wire/varint.h"

/* Section A.1, literally: a byte at a time. */
static int model_get(const u8 *p, size_t left, u64 *v)
{
	int len, i;

	if (!left)
		return 0;
	len = 1 << (p[0] >> 6);
	if (left < len)
		return 0;
	*v = p[0] & 0x3f;
	for (i = 1; i < len; i++)
		*v = *v << 8 | p[i];
	return len;
}

static void model_put(u8 *p, u64 v, int width)
{
	int i;

	for (i = width - 1; i >= 0; i--, v >>= 8)
		p[i] = v;
	p[0] |= (width == 1 ? 0 : width == 2 ? 1 : width == 4 ? 2 : 3) << 6;
}

static const struct {
	const char *hex;
	u64 v;
} samples[] = {
	{ "c2197c5eff14e88c", 151288809941952652ULL },
	{ "9d7f3e7d", 494878333 },
	{ "7bbd", 15293 },
	{ "25", 37 },
	{ "4025", 37 },
};

TEST(samples_of_section_a_1)
{
	u8 buf[8], *p;
	struct quic_cur c;
	size_t i, n;
	u64 v;

	for (i = 0; i < ARRAY_SIZE(samples); i++) {
		unit_case("%s", samples[i].hex);
		n = unit_hex(samples[i].hex, buf, sizeof(buf));
		p = unit_dup(buf, n);
		c = (struct quic_cur){ p, p + n };
		EXPECT(quic_get_varint(&c, &v));
		EXPECT_EQ(v, samples[i].v);
		EXPECT_EQ(quic_cur_left(&c), 0);
		free(p);
	}
}

/* The first value of a width, the last, and their neighbours. */
static const struct {
	u64 v;
	u8 len;
} edges[] = {
	{ 0, 1 }, { 63, 1 }, { 64, 2 }, { 16383, 2 }, { 16384, 4 },
	{ 1073741823, 4 }, { 1073741824, 8 }, { QUIC_VARINT_MAX, 8 },
};

TEST(lengths_change_where_table_4_says)
{
	u8 buf[8];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(edges); i++) {
		struct quic_out o = { buf, buf + sizeof(buf) };

		unit_case("%llu", edges[i].v);
		EXPECT_EQ(quic_varint_len(edges[i].v), edges[i].len);
		quic_put_varint(&o, edges[i].v);
		EXPECT_EQ(o.p - buf, edges[i].len);
		EXPECT(!o.overflow);
	}
}

TEST(random_values_agree_with_the_model)
{
	u8 want[8], buf[24];
	int i, len, tail;
	u64 v, got;
	u8 *p;

	for (i = 0; i < 200000; i++) {
		struct quic_out o = { buf, buf + sizeof(buf) };
		struct quic_cur c;

		v = unit_rand_bits(62);
		len = quic_varint_len(v);
		unit_case("%llu", v);
		quic_put_varint(&o, v);
		model_put(want, v, len);
		EXPECT_EQ(o.p - buf, len);
		EXPECT_MEM(buf, want, len);

		/* both ways of reading: bytes follow, or none do */
		tail = unit_rand_below(9);
		memset(o.p, 0xa5, tail);
		p = unit_dup(buf, len + tail);
		c = (struct quic_cur){ p, p + len + tail };
		EXPECT(quic_get_varint(&c, &got));
		EXPECT_EQ(got, v);
		EXPECT_EQ(c.p - p, len);
		free(p);
	}
}

TEST(every_width_that_holds_a_value_reads_the_same)
{
	static const u8 widths[] = { 1, 2, 4, 8 };
	u8 buf[8], want[8];
	u64 v, got;
	int i, w;

	for (i = 0; i < 20000; i++) {
		v = unit_rand_bits(62);
		for (w = 0; w < 4; w++) {
			struct quic_out o = { buf, buf + sizeof(buf) };
			struct quic_cur c;

			if (widths[w] < quic_varint_len(v))
				continue;
			unit_case("%llu in %u", v, widths[w]);
			quic_put_varint_width(&o, v, widths[w]);
			EXPECT_EQ(o.p - buf, widths[w]);
			model_put(want, v, widths[w]);
			EXPECT_MEM(buf, want, widths[w]);
			c = (struct quic_cur){ buf, o.p };
			EXPECT(quic_get_varint(&c, &got));
			EXPECT_EQ(got, v);
		}
	}
}

TEST(random_bytes_read_as_the_model_reads_them)
{
	u8 buf[10], *p;
	u64 got, want;
	int i, n, len;

	for (i = 0; i < 100000; i++) {
		struct quic_cur c;

		n = unit_rand_below(sizeof(buf));
		unit_rand_bytes(buf, n);
		p = unit_dup(buf, n);
		c = (struct quic_cur){ p, p + n };
		len = model_get(buf, n, &want);
		unit_case("%d bytes from %02x", n, buf[0]);
		EXPECT_EQ(quic_get_varint(&c, &got), len > 0);
		if (len) {
			EXPECT_EQ(got, want);
			EXPECT_EQ(c.p - p, len);
		} else {
			EXPECT_EQ(quic_cur_left(&c), 0);
		}
		free(p);
	}
}

TEST(no_room_writes_nothing_and_says_so)
{
	u8 buf[8];
	size_t i, room;

	for (i = 0; i < ARRAY_SIZE(edges); i++) {
		for (room = 0; room < edges[i].len; room++) {
			struct quic_out o = { buf, buf + room };

			unit_case("%llu in %zu", edges[i].v, room);
			memset(buf, 0xee, sizeof(buf));
			quic_put_varint(&o, edges[i].v);
			EXPECT(o.overflow);
			EXPECT(o.p == buf);
			EXPECT_EQ(buf[0], 0xee);
		}
	}
}

TEST(cursors_stop_at_their_ends)
{
	u8 buf[4] = { 1, 2, 3, 4 }, v;
	struct quic_cur c = { buf, buf + 4 };
	struct quic_out o = { buf, buf + 4 };
	const u8 *p;

	EXPECT(quic_get_u8(&c, &v));
	EXPECT_EQ(v, 1);
	EXPECT(quic_get_bytes(&c, &p, 2));
	EXPECT(p == buf + 1);
	EXPECT(!quic_get_bytes(&c, &p, 2));
	EXPECT_EQ(quic_cur_left(&c), 0);
	EXPECT(!quic_get_u8(&c, &v));
	c = (struct quic_cur){ buf, buf + 4 };
	EXPECT(!quic_get_bytes(&c, &p, U64_MAX));
	EXPECT(quic_get_bytes(&c, &p, 0));

	quic_put_bytes(&o, "abc", 3);
	EXPECT(!o.overflow);
	quic_put_bytes(&o, "de", 2);
	EXPECT(o.overflow);
	EXPECT_EQ(quic_out_left(&o), 1);
	EXPECT_MEM(buf, "abc\4", 4);
	quic_put_u8(&o, 'd');
	EXPECT_MEM(buf, "abcd", 4);
	quic_put_u8(&o, 'e');
	EXPECT_EQ(quic_out_left(&o), 0);
}
