// SPDX-License-Identifier: GPL-2.0
/*
 * Frames, reading side, RFC 9000 sections 12.4 and 19, against the model.
 *
 * needs: wire/frame.c wire/varint.c
 */
#include "frame_model.h"

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

/* Frames that RFC 9000 does not have. */
static void expect_extension(const struct quic_frame *f, const struct value *x,
			     const u8 *buf, size_t len)
{
	const u64 *v = x->v;

	switch (x->type) {
	case 0x1f:
		EXPECT_EQ(f->kind, QUIC_FRAME_IMMEDIATE_ACK);
		break;
	case 0xaf:
		EXPECT_EQ(f->kind, QUIC_FRAME_ACK_FREQUENCY);
		EXPECT_EQ(f->ack_frequency.seq, v[0]);
		EXPECT_EQ(f->ack_frequency.threshold, v[1]);
		EXPECT_EQ(f->ack_frequency.delay, v[2]);
		EXPECT_EQ(f->ack_frequency.reordering, v[3]);
		break;
	case 0x30 ... 0x31:
		EXPECT_EQ(f->kind, QUIC_FRAME_DATAGRAM);
		expect_bytes(f->datagram.data, f->datagram.len, x, buf, len);
		/* RFC 9221 section 3: the limit counts type and length. */
		EXPECT_EQ(f->datagram.size, f->datagram.data + x->len - buf);
		break;
	default:
		EXPECT(!"a known type");
	}
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
		expect_extension(f, x, buf, len);
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

/* RFC9000-19.3-1 */
TEST(legal_frames_of_every_type_and_every_beginning_of_them)
{
	static struct value x;
	u8 buf[4000];
	size_t len, n;
	int type, i;

	for (type = 0; type <= MAX_TYPE; type++) {
		if (!model_fields(type))
			continue;
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
		random_value(&x, random_type());
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
			buf[0] %= 0x34;
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
		{ "unknown type 0x20", "20", BAD_ENCODING },
		{ "unknown type 0xae", "40ae 00 00 00 00", BAD_ENCODING },
		{ "unknown type 0xb0", "40b0 00 00 00 00", BAD_ENCODING },
		{ "ACK_FREQUENCY cut off", "40af 00 00 00", BAD_ENCODING },
		{ "ACK_FREQUENCY in four bytes",
		  "800000af 00 00 00 00", VIOLATION },
		{ "IMMEDIATE_ACK in two bytes", "401f", VIOLATION },
		/* RFC9000-12.4-4 */
		{ "unknown type 0x3f", "3f", BAD_ENCODING },
		{ "unknown type of two bytes", "4040", BAD_ENCODING },
		{ "unknown type 0x2f", "2f", BAD_ENCODING },
		{ "unknown type 0x32", "32", BAD_ENCODING },
		{ "DATAGRAM beyond the packet", "31 02 00", BAD_ENCODING },
		{ "DATAGRAM in two bytes", "4030", VIOLATION },
		{ "PADDING in two bytes", "4000", VIOLATION },
		{ "PING in two bytes", "4001", VIOLATION },
		{ "PING in four bytes", "80000001", VIOLATION },
		{ "PING in eight bytes", "c000000000000001", VIOLATION },
		{ "STREAM in two bytes", "4008 00", VIOLATION },
		{ "unknown type, too long", "403f", VIOLATION },
		{ "type cut off", "40", BAD_ENCODING },
		/* RFC9000-19.3.1-1 */
		{ "ACK below zero", "02 04 00 00 05", BAD_ENCODING },
		{ "ACK range below zero", "02 0a 00 01 02 06 01", BAD_ENCODING },
		{ "ACK gap below zero", "02 0a 00 01 02 07 00", BAD_ENCODING },
		{ "ACK without its ranges", "02 0a 00 02 02 00 00", BAD_ENCODING },
		{ "ACK with 2^62 - 1 ranges",
		  "02 3f 00 ffffffffffffffff 00 00 00", BAD_ENCODING },
		{ "ACK_ECN without counts", "03 0a 00 00 02 01 01", BAD_ENCODING },
		{ "CRYPTO beyond the packet", "06 00 05 01020304", BAD_ENCODING },
		/* RFC9000-19.6-1 */
		{ "CRYPTO beyond 2^62 - 1",
		  "06 ffffffffffffffff 01 00", BAD_ENCODING },
		/* RFC9000-19.7-2 */
		{ "NEW_TOKEN, empty", "07 00", BAD_ENCODING },
		{ "NEW_TOKEN beyond the packet", "07 02 00", BAD_ENCODING },
		{ "STREAM beyond the packet", "0a 00 05 01020304", BAD_ENCODING },
		/* RFC9000-19.8-2 */
		{ "STREAM beyond 2^62 - 1",
		  "0e 00 ffffffffffffffff 01 00", BAD_ENCODING },
		{ "STREAM to the end beyond 2^62 - 1",
		  "0c 00 ffffffffffffffff 00", BAD_ENCODING },
		/* RFC9000-4.6-1 RFC9000-19.11-1 */
		{ "MAX_STREAMS above 2^60", "12 d000000000000001", BAD_ENCODING },
		{ "MAX_STREAMS uni above 2^60",
		  "13 d000000000000001", BAD_ENCODING },
		/* RFC9000-19.14-1 */
		{ "STREAMS_BLOCKED above 2^60",
		  "16 d000000000000001", BAD_ENCODING },
		{ "STREAMS_BLOCKED uni above 2^60",
		  "17 ffffffffffffffff", BAD_ENCODING },
		/* RFC9000-19.15-1 */
		{ "NEW_CONNECTION_ID, empty",
		  "18 01 00 00 000102030405060708090a0b0c0d0e0f", BAD_ENCODING },
		{ "NEW_CONNECTION_ID of 21 bytes",
		  "18 01 00 15 000102030405060708090a0b0c0d0e0f"
		  "000102030405060708090a0b0c0d0e0f0001020304", BAD_ENCODING },
		/* RFC9000-19.15-6 */
		{ "NEW_CONNECTION_ID that retires more than itself",
		  "18 01 02 01 aa 000102030405060708090a0b0c0d0e0f",
		  BAD_ENCODING },
		{ "CONNECTION_CLOSE with half a reason",
		  "1c 00 00 02 61", BAD_ENCODING },
		{ "PATH_CHALLENGE of 7 bytes", "1a 01020304050607", BAD_ENCODING },
	};
	static const struct {
		const char *what, *hex;
	} edges[] = {
		{ "ACK down to zero", "02 04 00 00 04" },
		{ "ACK range down to zero", "02 0a 00 01 02 06 00" },
		{ "CRYPTO up to 2^62 - 1", "06 fffffffffffffffe 01 00" },
		{ "empty DATAGRAM", "30" },
		{ "empty DATAGRAM with a length", "31 00" },
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

/* RFC8899-4.1-1 */
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

/*
 * RFC9000-12.4-3 RFC9000-12.5-1 RFC9000-12.5-2 RFC9000-17.2.4-1
 * RFC9000-19.21-3
 */
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
		/* RFC 9221 sections 5 and 5.2 */
		{ 0x30, "__01", "", "datagram" },
		{ 0x31, "__01", "", "datagram" },
		/* draft-ietf-quic-ack-frequency sections 3 to 5 */
		{ 0x1f, "___1", "", "immediate_ack" },
		{ 0xaf, "___1", "", "ack_frequency" },
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
