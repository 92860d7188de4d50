// SPDX-License-Identifier: GPL-2.0
/*
 * Frames, RFC 9000 sections 12.4 and 19, against a model that knows each
 * frame as a string of field letters and reads a byte at a time.
 *
 * needs: wire/frame.c wire/frame_put.c wire/varint.c
 */
#include <linux/quic.h>

#include "unit.h"
#include "wire/frame.h"

#define MAX_RANGES	40
#define ENCODING	QUIC_TRANSPORT_ERROR_FRAME_ENCODING
#define VIOLATION	QUIC_TRANSPORT_ERROR_PROTOCOL_VIOLATION

/* ---- the model ---------------------------------------------------------- */

/* A frame as plain values, in the order of its fields. */
struct value {
	u8 type;
	u64 v[4];		/* integers */
	u32 len;		/* of bytes: data, token, reason, CID ... */
	u8 bytes[2000];
	u8 token[16];
	u32 ranges;		/* ACK: beyond the first */
	u64 gap[MAX_RANGES], range[MAX_RANGES];
	u64 ecn[3];
};

/*
 * i	integer
 * s	integer, a number of streams
 * L	length and as many bytes
 * N	the same, not empty
 * R	the rest of the packet
 * C	connection ID, length of one byte
 * T	16 bytes
 * P	8 bytes
 * A	everything of an ACK
 */
static const char *model_fields(u64 type)
{
	static const char *const fields[] = {
		[0x00] = "", [0x01] = "", [0x02] = "A", [0x03] = "A",
		[0x04] = "iii", [0x05] = "ii", [0x06] = "iL", [0x07] = "N",
		[0x08] = "iR", [0x09] = "iR", [0x0a] = "iL", [0x0b] = "iL",
		[0x0c] = "iiR", [0x0d] = "iiR", [0x0e] = "iiL",
		[0x0f] = "iiL", [0x10] = "i", [0x11] = "ii", [0x12] = "s",
		[0x13] = "s", [0x14] = "i", [0x15] = "ii", [0x16] = "s",
		[0x17] = "s", [0x18] = "iiCT", [0x19] = "i", [0x1a] = "P",
		[0x1b] = "P", [0x1c] = "iiL", [0x1d] = "iL", [0x1e] = "",
	};

	return type < ARRAY_SIZE(fields) ? fields[type] : NULL;
}

struct bytes {
	const u8 *p;
	size_t left;
};

static bool model_int(struct bytes *b, u64 *v)
{
	int len, i;

	if (!b->left)
		return false;
	len = 1 << (b->p[0] >> 6);
	if (b->left < len)
		return false;
	*v = b->p[0] & 0x3f;
	for (i = 1; i < len; i++)
		*v = *v << 8 | b->p[i];
	b->p += len;
	b->left -= len;
	return true;
}

static bool model_bytes(struct bytes *b, u8 *to, u64 len)
{
	if (len > b->left)
		return false;
	memcpy(to, b->p, len);
	b->p += len;
	b->left -= len;
	return true;
}

static bool model_ack(struct bytes *b, struct value *x)
{
	__int128 smallest;
	u64 n, gap, range;
	int i;

	if (!model_int(b, &x->v[0]) || !model_int(b, &x->v[1]) ||
	    !model_int(b, &n) || !model_int(b, &x->v[2]))
		return false;
	smallest = (__int128)x->v[0] - x->v[2];
	if (smallest < 0)
		return false;
	x->v[3] = n;
	x->ranges = 0;
	while (n--) {
		if (!model_int(b, &gap) || !model_int(b, &range))
			return false;
		smallest -= (__int128)gap + 2 + range;
		if (smallest < 0)
			return false;
		if (x->ranges < MAX_RANGES) {
			x->gap[x->ranges] = gap;
			x->range[x->ranges++] = range;
		}
	}
	for (i = 0; i < 3; i++)
		if (x->type == 0x03 && !model_int(b, &x->ecn[i]))
			return false;
	return true;
}

static bool model_field(char field, struct bytes *b, struct value *x, int *n)
{
	u64 len;

	switch (field) {
	case 'i':
		return model_int(b, &x->v[(*n)++]);
	case 's':
		return model_int(b, &x->v[0]) && x->v[0] <= 1ULL << 60;
	case 'N':
	case 'L':
		if (!model_int(b, &len) || (field == 'N' && !len))
			return false;
		x->len = len;
		return model_bytes(b, x->bytes, len);
	case 'R':
		x->len = b->left;
		return model_bytes(b, x->bytes, b->left);
	case 'C':
		if (!b->left || !b->p[0] || b->p[0] > 20)
			return false;
		x->len = *b->p++;
		b->left--;
		return model_bytes(b, x->bytes, x->len);
	case 'T':
		return model_bytes(b, x->token, 16);
	case 'P':
		x->len = 8;
		return model_bytes(b, x->bytes, 8);
	}
	return model_ack(b, x);
}

/* Return: 0 or the error, as quic_frame_parse() does. */
static int model_parse(struct bytes *b, struct value *x)
{
	const struct bytes start = *b;
	const char *f;
	int n = 0;
	u64 type;

	memset(x, 0, offsetof(struct value, bytes));
	if (!model_int(b, &type))
		return ENCODING;
	if (b->p - start.p != (type < 64 ? 1 : type < 16384 ? 2 :
			       type < 1 << 30 ? 4 : 8))
		return VIOLATION;
	f = model_fields(type);
	if (!f)
		return ENCODING;
	x->type = type;
	for (; *f; f++)
		if (!model_field(*f, b, x, &n))
			return ENCODING;
	if (type == 0x06 && x->v[0] + x->len >= 1ULL << 62)
		return ENCODING;
	if (type >= 0x08 && type <= 0x0f && x->v[1] + x->len >= 1ULL << 62)
		return ENCODING;
	if (type == 0x18 && x->v[1] > x->v[0])
		return ENCODING;
	while (type == 0x00 && b->left && !b->p[0]) {
		b->p++;
		b->left--;
	}
	return 0;
}

/* ---- the model writes --------------------------------------------------- */

static bool any_width;	/* integers longer than they need to be */

static u8 *emit_int(u8 *p, u64 v)
{
	int log = v < 64 ? 0 : v < 16384 ? 1 : v < 1 << 30 ? 2 : 3, i;

	if (any_width)
		log += unit_rand_below(4 - log);
	for (i = (1 << log) - 1; i >= 0; i--)
		*p++ = v >> (8 * i);
	p[-(1 << log)] |= log << 6;
	return p;
}

static u8 *emit_bytes(u8 *p, const u8 *from, u32 len)
{
	memcpy(p, from, len);
	return p + len;
}

static u8 *emit_ack(u8 *p, const struct value *x)
{
	u32 i;

	p = emit_int(emit_int(p, x->v[0]), x->v[1]);
	p = emit_int(emit_int(p, x->ranges), x->v[2]);
	for (i = 0; i < x->ranges; i++)
		p = emit_int(emit_int(p, x->gap[i]), x->range[i]);
	for (i = 0; x->type == 0x03 && i < 3; i++)
		p = emit_int(p, x->ecn[i]);
	return p;
}

static size_t emit(u8 *buf, const struct value *x)
{
	const char *f;
	u8 *p = buf;
	int n = 0;

	*p++ = x->type;
	for (f = model_fields(x->type); *f; f++) {
		if (*f == 'i' || *f == 's')
			p = emit_int(p, x->v[n++]);
		else if (*f == 'A')
			p = emit_ack(p, x);
		else if (*f == 'T')
			p = emit_bytes(p, x->token, 16);
		else {
			if (*f == 'L' || *f == 'N')
				p = emit_int(p, x->len);
			else if (*f == 'C')
				*p++ = x->len;
			p = emit_bytes(p, x->bytes, x->len);
		}
	}
	return p - buf;
}

static void random_ack(struct value *x)
{
	u64 smallest, most;

	x->v[0] = unit_rand_bits(62);
	x->v[1] = unit_rand_bits(62);
	x->v[2] = unit_rand_bits(62) % (x->v[0] + 1);
	smallest = x->v[0] - x->v[2];
	for (most = unit_rand_below(MAX_RANGES); x->ranges < most;
	     x->ranges++) {
		u64 *gap = &x->gap[x->ranges], *range = &x->range[x->ranges];

		if (smallest < 2)
			break;
		*gap = unit_rand_bits(62) % (smallest - 1);
		smallest -= *gap + 2;
		*range = unit_rand_bits(62) % (smallest + 1);
		smallest -= *range;
	}
	for (most = 0; most < 3; most++)
		x->ecn[most] = unit_rand_bits(62);
}

/* A legal frame of @type. */
static void random_value(struct value *x, u8 type)
{
	const char *f;
	int n = 0;

	memset(x, 0, sizeof(*x));
	x->type = type;
	unit_rand_bytes(x->token, sizeof(x->token));
	for (f = model_fields(type); *f; f++) {
		switch (*f) {
		case 'i':
			x->v[n++] = unit_rand_bits(62);
			break;
		case 's':
			x->v[n++] = unit_rand_bits(60);
			break;
		case 'L':
		case 'R':
			x->len = unit_rand_bits(10);
			break;
		case 'N':
			x->len = 1 + unit_rand_bits(10);
			break;
		case 'C':
			x->len = 1 + unit_rand_below(20);
			break;
		case 'P':
			x->len = 8;
			break;
		case 'A':
			random_ack(x);
		}
	}
	unit_rand_bytes(x->bytes, x->len);
	if (type == 0x18)
		x->v[1] %= x->v[0] + 1;
	if (type == 0x06)
		x->v[0] = min(x->v[0], QUIC_VARINT_MAX - x->len);
	if (type >= 0x08 && type <= 0x0f && (type & 0x04))
		x->v[1] = min(x->v[1], QUIC_VARINT_MAX - x->len);
}

/* ---- struct quic_frame against the model -------------------------------- */

static void expect_bytes(const u8 *data, u32 len, const struct value *x,
			 const u8 *buf, size_t buf_len)
{
	EXPECT_EQ(len, x->len);
	EXPECT(data >= buf && data + len <= buf + buf_len);
	EXPECT_MEM(data, x->bytes, x->len);
}

static void expect_ack(const struct quic_frame *f, const struct value *x)
{
	struct quic_ack_iter it;
	u64 lo, hi, smallest;
	u32 i;

	EXPECT_EQ(f->ack.largest, x->v[0]);
	EXPECT_EQ(f->ack.delay, x->v[1]);
	EXPECT_EQ(f->ack.first_range, x->v[2]);
	EXPECT_EQ(f->ack.has_ecn, x->type == 0x03);
	for (i = 0; f->ack.has_ecn && i < 3; i++)
		EXPECT_EQ(f->ack.ecn[i], x->ecn[i]);

	quic_ack_iter_init(&it, f);
	EXPECT(quic_ack_iter_next(&it, f, &lo, &hi));
	EXPECT_EQ(hi, x->v[0]);
	EXPECT_EQ(lo, x->v[0] - x->v[2]);
	smallest = lo;
	for (i = 0; i < x->ranges; i++) {
		EXPECT(quic_ack_iter_next(&it, f, &lo, &hi));
		EXPECT_EQ(hi, smallest - x->gap[i] - 2);
		EXPECT_EQ(lo, hi - x->range[i]);
		smallest = lo;
	}
	if (x->v[3] <= MAX_RANGES)
		EXPECT(!quic_ack_iter_next(&it, f, &lo, &hi));
}

static void expect_frame(const struct quic_frame *f, const struct value *x,
			 const u8 *buf, size_t len)
{
	const u64 *v = x->v;

	EXPECT_EQ(f->type, x->type);
	switch (x->type) {
	case 0x00:
		EXPECT_EQ(f->kind, QUIC_FRAME_PADDING);
		break;
	case 0x01:
		EXPECT_EQ(f->kind, QUIC_FRAME_PING);
		break;
	case 0x02 ... 0x03:
		EXPECT_EQ(f->kind, QUIC_FRAME_ACK);
		expect_ack(f, x);
		break;
	case 0x04:
		EXPECT_EQ(f->kind, QUIC_FRAME_RESET_STREAM);
		EXPECT_EQ(f->reset.id, v[0]);
		EXPECT_EQ(f->reset.code, v[1]);
		EXPECT_EQ(f->reset.final_size, v[2]);
		break;
	case 0x05:
		EXPECT_EQ(f->kind, QUIC_FRAME_STOP_SENDING);
		EXPECT_EQ(f->stop.id, v[0]);
		EXPECT_EQ(f->stop.code, v[1]);
		break;
	case 0x06:
		EXPECT_EQ(f->kind, QUIC_FRAME_CRYPTO);
		EXPECT_EQ(f->crypto.off, v[0]);
		expect_bytes(f->crypto.data, f->crypto.len, x, buf, len);
		break;
	case 0x07:
		EXPECT_EQ(f->kind, QUIC_FRAME_NEW_TOKEN);
		expect_bytes(f->token.data, f->token.len, x, buf, len);
		break;
	case 0x08 ... 0x0f:
		EXPECT_EQ(f->kind, QUIC_FRAME_STREAM);
		EXPECT_EQ(f->stream.id, v[0]);
		EXPECT_EQ(f->stream.off, x->type & 4 ? v[1] : 0);
		EXPECT_EQ(f->stream.fin, x->type & 1);
		expect_bytes(f->stream.data, f->stream.len, x, buf, len);
		break;
	case 0x10:
		EXPECT_EQ(f->kind, QUIC_FRAME_MAX_DATA);
		EXPECT_EQ(f->max_data.max, v[0]);
		break;
	case 0x11:
		EXPECT_EQ(f->kind, QUIC_FRAME_MAX_STREAM_DATA);
		EXPECT_EQ(f->max_stream_data.id, v[0]);
		EXPECT_EQ(f->max_stream_data.max, v[1]);
		break;
	case 0x12 ... 0x13:
		EXPECT_EQ(f->kind, QUIC_FRAME_MAX_STREAMS);
		EXPECT_EQ(f->max_streams.max, v[0]);
		EXPECT_EQ(f->max_streams.uni, x->type == 0x13);
		break;
	case 0x14:
		EXPECT_EQ(f->kind, QUIC_FRAME_DATA_BLOCKED);
		EXPECT_EQ(f->data_blocked.max, v[0]);
		break;
	case 0x15:
		EXPECT_EQ(f->kind, QUIC_FRAME_STREAM_DATA_BLOCKED);
		EXPECT_EQ(f->stream_data_blocked.id, v[0]);
		EXPECT_EQ(f->stream_data_blocked.max, v[1]);
		break;
	case 0x16 ... 0x17:
		EXPECT_EQ(f->kind, QUIC_FRAME_STREAMS_BLOCKED);
		EXPECT_EQ(f->streams_blocked.max, v[0]);
		EXPECT_EQ(f->streams_blocked.uni, x->type == 0x17);
		break;
	case 0x18:
		EXPECT_EQ(f->kind, QUIC_FRAME_NEW_CONNECTION_ID);
		EXPECT_EQ(f->new_cid.seq, v[0]);
		EXPECT_EQ(f->new_cid.prior_to, v[1]);
		EXPECT_EQ(f->new_cid.cid.len, x->len);
		EXPECT_MEM(f->new_cid.cid.id, x->bytes, x->len);
		EXPECT_MEM(f->new_cid.reset_token, x->token, 16);
		break;
	case 0x19:
		EXPECT_EQ(f->kind, QUIC_FRAME_RETIRE_CONNECTION_ID);
		EXPECT_EQ(f->retire_cid.seq, v[0]);
		break;
	case 0x1a:
	case 0x1b:
		EXPECT_EQ(f->kind, x->type == 0x1a ?
			  QUIC_FRAME_PATH_CHALLENGE : QUIC_FRAME_PATH_RESPONSE);
		expect_bytes(f->path.data, 8, x, buf, len);
		break;
	case 0x1c:
	case 0x1d:
		EXPECT_EQ(f->kind, QUIC_FRAME_CONNECTION_CLOSE);
		EXPECT_EQ(f->close.app, x->type == 0x1d);
		EXPECT_EQ(f->close.code, v[0]);
		EXPECT_EQ(f->close.frame_type, x->type == 0x1c ? v[1] : 0);
		expect_bytes(f->close.reason, f->close.reason_len, x, buf, len);
		break;
	case 0x1e:
		EXPECT_EQ(f->kind, QUIC_FRAME_HANDSHAKE_DONE);
		break;
	default:
		EXPECT(!"a known type");
	}
}

/* Read @buf with both; they must agree.  Return: the error of both. */
static int both(const u8 *buf, size_t len)
{
	static struct value x;
	struct quic_frame f;
	struct quic_cur c;
	struct bytes b;
	int want, got;
	u8 *p;

	p = unit_dup(buf, len);
	memset(&f, 0xa5, sizeof(f));
	c = (struct quic_cur){ p, p + len };
	b = (struct bytes){ p, len };
	want = model_parse(&b, &x);
	got = quic_frame_parse(&c, &f);
	EXPECT_EQ(got, want);
	if (!got && !want) {
		EXPECT(c.p == b.p);
		expect_frame(&f, &x, p, len);
	}
	EXPECT(c.p <= c.end);
	free(p);
	return got;
}

/* ---- tests -------------------------------------------------------------- */

TEST(legal_frames_of_every_type_and_every_beginning_of_them)
{
	static struct value x;
	u8 buf[4000];
	size_t len, n;
	int type, i;

	for (type = 0; type <= 0x1e; type++) {
		for (i = 0; i < 60; i++) {
			unit_case("type %x, case %d", type, i);
			any_width = i & 1;
			random_value(&x, type);
			len = emit(buf, &x);
			EXPECT_EQ(both(buf, len), 0);
			/* Something follows; a STREAM may swallow it. */
			unit_rand_bytes(buf + len, 8);
			EXPECT_EQ(both(buf, len + 8), 0);
			for (n = 1; n < len; n++)
				both(buf, n);
		}
	}
	any_width = false;
}

TEST(damaged_frames_are_judged_as_the_model_judges)
{
	static struct value x;
	u8 buf[4000];
	size_t len;
	int i, k;

	for (i = 0; i < 100000; i++) {
		random_value(&x, unit_rand_below(0x1f));
		any_width = unit_rand_below(2);
		len = emit(buf, &x);
		for (k = unit_rand_below(4); k >= 0; k--)
			buf[unit_rand_below(min(len, 40))] = unit_rand();
		unit_case("case %d, type %02x", i, buf[0]);
		both(buf, unit_rand_below(4) ? len : unit_rand_below(len) + 1);
	}
	any_width = false;
}

TEST(random_bytes_are_judged_as_the_model_judges)
{
	u8 buf[300];
	size_t len;
	int i;

	for (i = 0; i < 200000; i++) {
		len = 1 + unit_rand_below(sizeof(buf) - 1);
		unit_rand_bytes(buf, len);
		if (unit_rand_below(4))
			buf[0] %= 0x20;
		unit_case("case %d, type %02x", i, buf[0]);
		both(buf, len);
	}
}

TEST(illegal_values_close_with_the_right_error)
{
	static const struct {
		const char *what, *hex;
		int err;
	} cases[] = {
		{ "unknown type 0x1f", "1f", ENCODING },
		{ "unknown type 0x3f", "3f", ENCODING },
		{ "unknown type of two bytes", "4040", ENCODING },
		{ "DATAGRAM, not negotiated", "31 00", ENCODING },
		{ "PADDING in two bytes", "4000", VIOLATION },
		{ "PING in two bytes", "4001", VIOLATION },
		{ "PING in four bytes", "80000001", VIOLATION },
		{ "PING in eight bytes", "c000000000000001", VIOLATION },
		{ "STREAM in two bytes", "4008 00", VIOLATION },
		{ "unknown type, too long", "403f", VIOLATION },
		{ "type cut off", "40", ENCODING },
		{ "ACK below zero", "02 04 00 00 05", ENCODING },
		{ "ACK range below zero", "02 0a 00 01 02 06 01", ENCODING },
		{ "ACK gap below zero", "02 0a 00 01 02 07 00", ENCODING },
		{ "ACK without its ranges", "02 0a 00 02 02 00 00", ENCODING },
		{ "ACK with 2^62 - 1 ranges",
		  "02 3f 00 ffffffffffffffff 00 00 00", ENCODING },
		{ "ACK_ECN without counts", "03 0a 00 00 02 01 01", ENCODING },
		{ "CRYPTO beyond the packet", "06 00 05 01020304", ENCODING },
		{ "CRYPTO beyond 2^62 - 1",
		  "06 ffffffffffffffff 01 00", ENCODING },
		{ "NEW_TOKEN, empty", "07 00", ENCODING },
		{ "NEW_TOKEN beyond the packet", "07 02 00", ENCODING },
		{ "STREAM beyond the packet", "0a 00 05 01020304", ENCODING },
		{ "STREAM beyond 2^62 - 1",
		  "0e 00 ffffffffffffffff 01 00", ENCODING },
		{ "STREAM to the end beyond 2^62 - 1",
		  "0c 00 ffffffffffffffff 00", ENCODING },
		{ "MAX_STREAMS above 2^60", "12 d000000000000001", ENCODING },
		{ "MAX_STREAMS uni above 2^60",
		  "13 d000000000000001", ENCODING },
		{ "STREAMS_BLOCKED above 2^60",
		  "16 d000000000000001", ENCODING },
		{ "STREAMS_BLOCKED uni above 2^60",
		  "17 ffffffffffffffff", ENCODING },
		{ "NEW_CONNECTION_ID, empty",
		  "18 01 00 00 000102030405060708090a0b0c0d0e0f", ENCODING },
		{ "NEW_CONNECTION_ID of 21 bytes",
		  "18 01 00 15 000102030405060708090a0b0c0d0e0f"
		  "000102030405060708090a0b0c0d0e0f0001020304", ENCODING },
		{ "NEW_CONNECTION_ID that retires more than itself",
		  "18 01 02 01 aa 000102030405060708090a0b0c0d0e0f",
		  ENCODING },
		{ "CONNECTION_CLOSE with half a reason",
		  "1c 00 00 02 61", ENCODING },
		{ "PATH_CHALLENGE of 7 bytes", "1a 01020304050607", ENCODING },
	};
	static const struct {
		const char *what, *hex;
	} edges[] = {
		{ "ACK down to zero", "02 04 00 00 04" },
		{ "ACK range down to zero", "02 0a 00 01 02 06 00" },
		{ "CRYPTO up to 2^62 - 1", "06 fffffffffffffffe 01 00" },
		{ "STREAM up to 2^62 - 1", "0e 00 fffffffffffffffe 01 00" },
		{ "empty STREAM at 2^62 - 1", "0f 00 ffffffffffffffff 00" },
		{ "MAX_STREAMS of 2^60", "12 d000000000000000" },
		{ "STREAMS_BLOCKED of 2^60", "17 d000000000000000" },
		{ "NEW_CONNECTION_ID that retires all before",
		  "18 01 01 01 aa 000102030405060708090a0b0c0d0e0f" },
	};
	struct quic_frame f;
	struct quic_cur c;
	u8 buf[64], *p;
	size_t i, len;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		unit_case("%s", cases[i].what);
		len = unit_hex(cases[i].hex, buf, sizeof(buf));
		p = unit_dup(buf, len);
		c = (struct quic_cur){ p, p + len };
		EXPECT_EQ(quic_frame_parse(&c, &f), cases[i].err);
		EXPECT_EQ(both(buf, len), cases[i].err);
		free(p);
	}
	for (i = 0; i < ARRAY_SIZE(edges); i++) {
		unit_case("%s", edges[i].what);
		len = unit_hex(edges[i].hex, buf, sizeof(buf));
		EXPECT_EQ(both(buf, len), 0);
	}
}

TEST(a_run_of_padding_is_one_frame)
{
	u8 buf[1200] = { 0 };
	struct quic_frame f;
	struct quic_cur c = { buf, buf + sizeof(buf) };

	buf[1000] = 0x01;
	EXPECT_EQ(quic_frame_parse(&c, &f), 0);
	EXPECT_EQ(f.kind, QUIC_FRAME_PADDING);
	EXPECT(c.p == buf + 1000);
	EXPECT_EQ(quic_frame_parse(&c, &f), 0);
	EXPECT_EQ(f.kind, QUIC_FRAME_PING);
	EXPECT_EQ(quic_frame_parse(&c, &f), 0);
	EXPECT_EQ(quic_cur_left(&c), 0);
}

/* Write @x with the writer of its type. */
static bool put(struct quic_out *o, const struct value *x)
{
	const u64 *v = x->v;
	struct quic_cid cid;
	bool odd = x->type & 1;

	switch (x->type) {
	case 0x01:
		quic_put_ping(o);
		return true;
	case 0x04:
		quic_put_reset_stream(o, v[0], v[1], v[2]);
		return true;
	case 0x05:
		quic_put_stop_sending(o, v[0], v[1]);
		return true;
	case 0x06:
		quic_put_crypto(o, v[0], x->len);
		return true;
	case 0x08 ... 0x0f:
		quic_put_stream(o, v[0], x->type & 4 ? v[1] : 0, x->len, odd,
				!(x->type & 2));
		return true;
	case 0x10:
		quic_put_max_data(o, v[0]);
		return true;
	case 0x11:
		quic_put_max_stream_data(o, v[0], v[1]);
		return true;
	case 0x12 ... 0x13:
		quic_put_max_streams(o, odd, v[0]);
		return true;
	case 0x14:
		quic_put_data_blocked(o, v[0]);
		return true;
	case 0x15:
		quic_put_stream_data_blocked(o, v[0], v[1]);
		return true;
	case 0x16 ... 0x17:
		quic_put_streams_blocked(o, odd, v[0]);
		return true;
	case 0x18:
		cid.len = x->len;
		memcpy(cid.id, x->bytes, x->len);
		quic_put_new_connection_id(o, v[0], v[1], &cid, x->token);
		return true;
	case 0x19:
		quic_put_retire_connection_id(o, v[0]);
		return true;
	case 0x1a:
		quic_put_path_challenge(o, x->bytes);
		return true;
	case 0x1b:
		quic_put_path_response(o, x->bytes);
		return true;
	case 0x1c ... 0x1d:
		quic_put_connection_close(o, odd, v[0], odd ? 99 : v[1],
					  x->bytes, x->len);
		return true;
	case 0x1e:
		quic_put_handshake_done(o);
		return true;
	}
	return false;	/* PADDING, ACK, NEW_TOKEN: written elsewhere */
}

/* Our writer sends an offset of zero as a type of its own. */
static void random_value_to_write(struct value *x, u8 type)
{
	random_value(x, type);
	if (type >= 0x0c && type <= 0x0f && !x->v[1])
		x->v[1] = 1;
}

static bool data_follows(u8 type)
{
	return type == 0x06 || (type >= 0x08 && type <= 0x0f);
}

TEST(writers_write_what_the_model_writes)
{
	static struct value x;
	u8 want[4000], buf[4000];
	size_t len;
	int i;

	for (i = 0; i < 100000; i++) {
		struct quic_out o = { buf, buf + sizeof(buf) };

		random_value_to_write(&x, unit_rand_below(0x1f));
		unit_case("case %d, type %x", i, x.type);
		if (!put(&o, &x))
			continue;
		len = emit(want, &x);
		if (data_follows(x.type))
			len -= x.len;
		EXPECT(!o.overflow);
		EXPECT_EQ(o.p - buf, len);
		EXPECT_MEM(buf, want, len);
		if (x.type >= 0x08 && x.type <= 0x0f)
			EXPECT_EQ(len, quic_stream_hdr_len(x.v[0],
					x.type & 4 ? x.v[1] : 0, x.len,
					!(x.type & 2)));
	}
}

TEST(writers_write_whole_frames_or_nothing)
{
	static struct value x;
	u8 want[4000], buf[4000];
	size_t len, room;
	int type, i;

	for (type = 0; type <= 0x1e; type++) {
		if (type == 0x1c || type == 0x1d)	/* they may shrink */
			continue;
		for (i = 0; i < 20; i++) {
			random_value_to_write(&x, type);
			len = emit(want, &x);
			if (data_follows(type))
				len -= x.len;
			for (room = 0; room <= len; room++) {
				struct quic_out o = { buf, buf + room };

				unit_case("type %x in %zu", type, room);
				memset(buf, 0xee, len + 1);
				if (!put(&o, &x))
					break;
				EXPECT_EQ(o.overflow, room < len);
				EXPECT(o.p == buf + (room < len ? 0 : len));
				EXPECT_EQ(buf[room], 0xee);
				EXPECT(room == len || buf[0] == 0xee);
			}
		}
	}
}

TEST(a_reason_is_cut_to_what_fits)
{
	static const u32 lens[] = { 0, 1, 62, 63, 64, 65, 200 };
	u8 buf[300], reason[200];
	struct quic_frame f;
	size_t room, fixed;
	int i, app;

	unit_rand_bytes(reason, sizeof(reason));
	for (app = 0; app < 2; app++)
	for (i = 0; i < ARRAY_SIZE(lens); i++)
	for (room = 0; room < sizeof(buf); room++) {
		struct quic_out o = { buf, buf + room };
		struct quic_cur c = { buf, NULL };

		unit_case("app %d, %u bytes in %zu", app, lens[i], room);
		memset(buf, 0xee, sizeof(buf));
		quic_put_connection_close(&o, app, 0x1234, 0x06, reason,
					  lens[i]);
		fixed = app ? 1 + 2 : 1 + 2 + 1;
		EXPECT_EQ(o.overflow, room < fixed + 1);
		if (o.overflow) {
			EXPECT(o.p == buf);
			EXPECT_EQ(buf[0], 0xee);
			continue;
		}
		c.end = o.p;
		EXPECT_EQ(quic_frame_parse(&c, &f), 0);
		EXPECT(c.p == o.p);
		EXPECT_EQ(f.close.app, app);
		EXPECT_EQ(f.close.code, 0x1234);
		EXPECT_MEM(f.close.reason, reason, f.close.reason_len);
		EXPECT(f.close.reason_len <= lens[i]);
		/* all of it, or what is left of the room (a length that needs
		 * no second byte may leave one unused)
		 */
		EXPECT(f.close.reason_len == lens[i] || room - (o.p - buf) < 2);
		EXPECT(room == sizeof(buf) || buf[room] == 0xee);
	}
}

/* Section 12.4, table 3. */
TEST(properties_are_those_of_table_3)
{
	static const struct {
		u8 type;
		const char *packets, *spec, *name;
	} rows[] = {
		{ 0x00, "IH01", "NP", "padding" },
		{ 0x01, "IH01", "", "ping" },
		{ 0x02, "IH_1", "NC", "ack" },
		{ 0x03, "IH_1", "NC", "ack" },
		{ 0x04, "__01", "", "reset_stream" },
		{ 0x05, "__01", "", "stop_sending" },
		{ 0x06, "IH_1", "", "crypto" },
		{ 0x07, "___1", "", "new_token" },
		{ 0x08, "__01", "", "stream" },
		{ 0x0f, "__01", "", "stream" },
		{ 0x10, "__01", "", "max_data" },
		{ 0x11, "__01", "", "max_stream_data" },
		{ 0x12, "__01", "", "max_streams" },
		{ 0x13, "__01", "", "max_streams" },
		{ 0x14, "__01", "", "data_blocked" },
		{ 0x15, "__01", "", "stream_data_blocked" },
		{ 0x16, "__01", "", "streams_blocked" },
		{ 0x17, "__01", "", "streams_blocked" },
		{ 0x18, "__01", "P", "new_connection_id" },
		{ 0x19, "__01", "", "retire_connection_id" },
		{ 0x1a, "__01", "P", "path_challenge" },
		{ 0x1b, "___1", "P", "path_response" },
		{ 0x1c, "IH01", "N", "connection_close" },
		{ 0x1d, "__01", "N", "connection_close" },
		{ 0x1e, "___1", "", "handshake_done" },
	};
	static struct value x;
	struct quic_frame f;
	u8 buf[4000], props;
	size_t i;
	int k;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct quic_cur c = { buf, NULL };

		unit_case("type %x", rows[i].type);
		random_value(&x, rows[i].type);
		c.end = buf + emit(buf, &x);
		EXPECT_EQ(quic_frame_parse(&c, &f), 0);
		for (k = 0; k < 4; k++)
			EXPECT_EQ(quic_frame_allowed(&f, 1 << k),
				  rows[i].packets[k] != '_');
		props = quic_frame_props(f.kind);
		EXPECT_EQ(!!(props & QUIC_FRAME_NE),
			  !!strchr(rows[i].spec, 'N'));
		EXPECT_EQ(!!(props & QUIC_FRAME_P),
			  !!strchr(rows[i].spec, 'P'));
		/* RFC 9002 section 2 adds: a CONNECTION_CLOSE is not in
		 * flight either, being neither ack-eliciting nor PADDING
		 */
		EXPECT_EQ(!!(props & QUIC_FRAME_NC),
			  !!strchr(rows[i].spec, 'C') ||
			  f.kind == QUIC_FRAME_CONNECTION_CLOSE);
		EXPECT_EQ(!!(props & QUIC_FRAME_SRV),
			  rows[i].type == 0x07 || rows[i].type == 0x1e);
		EXPECT_STR(quic_frame_name(f.kind), rows[i].name);
	}
	EXPECT_EQ(quic_frame_packets(QUIC_FRAME_KIND_MAX), 0);
	EXPECT_EQ(quic_frame_props(255), 0);
	EXPECT_STR(quic_frame_name(255), "unknown");
}
