// SPDX-License-Identifier: GPL-2.0
/*
 * Transport parameters, RFC 9000 sections 7.4 and 18, RFC 9221 section 3,
 * RFC 9287 section 3, RFC 9368 sections 3 and 4.
 *
 * needs: wire/tparam.c wire/header.c wire/varint.c
 */
#include <linux/quic.h>

#include "unit.h"
#include "vectors.h"
#include "wire/tparam.h"

#define BAD_TPARAM	QUIC_TRANSPORT_ERROR_TRANSPORT_PARAM
#define BOTH	true, true
#define CLIENT	false
#define SERVER	true

#define CID20	"000102030405060708090a0b0c0d0e0f10111213"
#define TOKEN	"f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff"
#define V4V6	"c0000201 01bb 20010db8000000000000000000000001 01bc"

static int decode(const char *hex, bool from_server, struct quic_tparams *tp)
{
	u8 buf[2000], *p;
	size_t len = unit_hex(hex, buf, sizeof(buf));
	int err;

	p = unit_dup(buf, len);
	err = quic_tparams_decode(p, len, from_server, tp);
	free(p);
	return err;
}

TEST(nothing_sent_means_the_defaults)
{
	struct quic_tparams tp, zero = { 0 };

	memset(&tp, 0xa5, sizeof(tp));
	EXPECT_EQ(decode("", SERVER, &tp), 0);
	/* the five that are not zero */
	EXPECT_EQ(tp.max_udp_payload_size, 65527);
	EXPECT_EQ(tp.ack_delay_exponent, 3);
	EXPECT_EQ(tp.max_ack_delay, 25);
	EXPECT_EQ(tp.active_connection_id_limit, 2);
	tp.max_udp_payload_size = 0;
	tp.ack_delay_exponent = 0;
	tp.max_ack_delay = 0;
	EXPECT_EQ(tp.min_ack_delay, QUIC_NO_MIN_ACK_DELAY);
	tp.active_connection_id_limit = 0;
	tp.min_ack_delay = 0;
	EXPECT_MEM(&tp, &zero, sizeof(tp));
}

TEST(defaults_are_not_sent)
{
	struct quic_tparams tp;
	u8 buf[100];
	struct quic_out o = { buf, buf + sizeof(buf) };

	quic_tparams_default(&tp);
	quic_tparams_encode(&o, &tp, SERVER);
	quic_tparams_encode(&o, &tp, CLIENT);
	EXPECT(o.p == buf);
	EXPECT(!o.overflow);
}

/* The extension in the ClientHello of RFC 9001 section A.2. */
TEST(parameters_of_the_rfc_9001_client)
{
	static const u8 ext[] = { 0x00, 0x39, 0x00, 0x32 };
	u8 buf[300], *p;
	size_t len = unit_hex(rfc_client_payload, buf, sizeof(buf));
	struct quic_tparams tp;

	p = memmem(buf, len, ext, sizeof(ext));
	ASSERT(p);
	EXPECT_EQ(quic_tparams_decode(p + 4, 0x32, CLIENT, &tp), 0);
	EXPECT_EQ(tp.max_data, QUIC_VARINT_MAX);
	EXPECT_EQ(tp.max_stream_data_bidi_local, 0xffff);
	EXPECT_EQ(tp.max_stream_data_bidi_remote, 0xffff);
	EXPECT_EQ(tp.max_stream_data_uni, 0xffff);
	EXPECT_EQ(tp.max_streams_bidi, 16);
	EXPECT_EQ(tp.max_streams_uni, 16);
	EXPECT_EQ(tp.max_idle_timeout, 30000);
	EXPECT_EQ(tp.has, QUIC_TP_HAS_ISCID);
	EXPECT_EQ(tp.iscid.len, 8);
	EXPECT_MEM(tp.iscid.id, "\x83\x94\xc8\xf0\x3e\x51\x57\x08", 8);
}

struct int_field {
	u64 id;
	size_t field, size;
	u64 least, most;
};

static void check_int(const struct int_field *f, u64 v, u8 width)
{
	bool legal = v >= f->least && v <= f->most;
	struct quic_tparams tp;
	u8 buf[32], *p;
	struct quic_out o = { buf, buf + sizeof(buf) };
	u64 got;

	unit_case("id %llx, %llu in %u", f->id, v, width);
	quic_put_varint(&o, f->id);
	quic_put_varint(&o, width);
	quic_put_varint_width(&o, v, width);
	p = unit_dup(buf, o.p - buf);
	EXPECT_EQ(quic_tparams_decode(p, o.p - buf, CLIENT, &tp),
		  legal ? 0 : BAD_TPARAM);
	free(p);
	p = (u8 *)&tp + f->field;
	got = f->size == 1 ? *p : *(u64 *)p;
	if (legal)
		EXPECT_EQ(got, v);
}

/* RFC9000-4.6-1 RFC9000-18.2-7 */
/* Every integer: its field, and the ends of its legal range. */
TEST(integers_and_their_ranges)
{
#define F(name) offsetof(struct quic_tparams, name), \
		sizeof_field(struct quic_tparams, name)
	static const struct int_field ints[] = {
		{ 0x01, F(max_idle_timeout), 0, QUIC_VARINT_MAX },
		{ 0x03, F(max_udp_payload_size), 1200, QUIC_VARINT_MAX },
		{ 0x04, F(max_data), 0, QUIC_VARINT_MAX },
		{ 0x05, F(max_stream_data_bidi_local), 0, QUIC_VARINT_MAX },
		{ 0x06, F(max_stream_data_bidi_remote), 0, QUIC_VARINT_MAX },
		{ 0x07, F(max_stream_data_uni), 0, QUIC_VARINT_MAX },
		{ 0x08, F(max_streams_bidi), 0, 1ULL << 60 },
		{ 0x09, F(max_streams_uni), 0, 1ULL << 60 },
		{ 0x0a, F(ack_delay_exponent), 0, 20 },
		{ 0x0b, F(max_ack_delay), 0, 16383 },
		{ 0x0e, F(active_connection_id_limit), 2, QUIC_VARINT_MAX },
		{ 0x20, F(max_datagram_frame_size), 0, QUIC_VARINT_MAX },
		/* at most max_ack_delay, which is 25 ms by default */
		{ 0xff04de1b, F(min_ack_delay), 0, 25000 },
	};
#undef F
	static const u64 values[] = {
		0, 1, 2, 3, 20, 21, 1199, 1200, 16383, 16384, 25000,
		25001, 1ULL << 60,
		(1ULL << 60) + 1, QUIC_VARINT_MAX,
	};
	size_t i, k;
	u8 width;

	for (i = 0; i < ARRAY_SIZE(ints); i++) {
		for (k = 0; k < ARRAY_SIZE(values); k++) {
			width = quic_varint_len(values[k]);
			for (; width <= 8; width *= 2)
				check_int(&ints[i], values[k], width);
		}
	}
}

/* RFC9000-7.4-1 */
TEST(malformed_and_forbidden)
{
	static const struct {
		const char *what, *hex;
		bool client, server;	/* legal from a ... */
	} cases[] = {
		{ "id cut off", "40", false, false },
		{ "no length", "04", false, false },
		{ "value cut off", "04 02 40", false, false },
		{ "length of 2^62 - 1",
		  "04 ffffffffffffffff 01", false, false },
		{ "integer of no bytes", "04 00", false, false },
		{ "integer shorter than its value", "04 02 0101", false,
		  false },
		{ "integer longer than its value", "04 01 40", false, false },
		{ "duplicate integer", "04 01 01 04 01 01", false, false },
		{ "duplicate flag", "0c 00 0c 00", false, false },
		{ "duplicate CID", "0f 00 0f 00", false, false },
		{ "duplicate version_information",
		  "11 08 00000001 00000001 11 08 00000001 00000001", false,
		  false },
		{ "duplicate reset token", "02 10" TOKEN "02 10" TOKEN, false,
		  false },
		{ "duplicate in two id encodings", "04 01 01 4004 01 01",
		  false, false },
		/* RFC9000-7.4.2-1 */
		{ "unknown", "1b 03 010203", BOTH },
		{ "unknown and empty", "7aaa 00", BOTH },
		{ "unknown, twice", "1b 00 1b 00", BOTH },
		{ "unknown of eight bytes", "ffffffffffffffff 01 00", BOTH },
		{ "flag with a value", "0c 01 00", false, false },
		/* RFC9287-3-1 */
		{ "grease with a value", "6ab2 01 01", false, false },
		{ "no encryption, with a value", "8000baad 01 01", false,
		  false },
		{ "flags", "0c 00 6ab2 00 8000baad 00", BOTH },
		/* RFC9000-18.2-9 */
		{ "odcid", "00 08 0001020304050607", false, true },
		{ "odcid of 20", "00 14" CID20, false, true },
		{ "odcid of 21", "00 15" CID20 "14", false, false },
		{ "iscid", "0f 08 0001020304050607", BOTH },
		{ "iscid, empty", "0f 00", BOTH },
		{ "iscid of 20", "0f 14" CID20, BOTH },
		{ "iscid of 21", "0f 15" CID20 "14", false, false },
		{ "rscid", "10 01 00", false, true },
		{ "rscid of 21", "10 15" CID20 "14", false, false },
		{ "reset token", "02 10" TOKEN, false, true },
		{ "reset token of 15", "02 0f 000102030405060708090a0b0c0d0e",
		  false, false },
		{ "reset token of 17", "02 11" TOKEN "00", false, false },
		{ "preferred", "0d 2a" V4V6 "01 aa" TOKEN, false, true },
		{ "preferred, id of 20", "0d 3d" V4V6 "14" CID20 TOKEN, false,
		  true },
		{ "preferred, no id", "0d 29" V4V6 "00" TOKEN, false, false },
		{ "preferred, id of 21", "0d 3e" V4V6 "15" CID20 "14" TOKEN,
		  false, false },
		{ "preferred, a byte short",
		  "0d 29" V4V6 "01 aa f0f1f2f3f4f5f6f7f8f9fafbfcfdfe", false,
		  false },
		{ "preferred, a byte long", "0d 2b" V4V6 "01 aa" TOKEN "00",
		  false, false },
		/* RFC9000-18.2-5 */
		{ "preferred of a server without ids",
		  "0d 2a" V4V6 "01 aa" TOKEN "0f 00", false, false },
		{ "preferred of a server with ids",
		  "0f 01 07 0d 2a" V4V6 "01 aa" TOKEN, false, true },
		{ "version", "11 08 00000001 00000001", BOTH },
		{ "version, several", "11 0c 6b3343cf 00000001 6b3343cf",
		  BOTH },
		{ "version, empty", "11 00", false, false },
		/* RFC9368-4-3 RFC9368-4-4 RFC9368-4-5 */
		{ "version, 3 bytes", "11 03 000001", false, false },
		{ "version, 7 bytes", "11 07 00000001 000000", false, false },
		{ "version, none available", "11 04 00000001", false, true },
		/* RFC9368-3-2 RFC9368-4-7 */
		{ "version, chosen not available",
		  "11 08 00000001 6b3343cf", false, true },
		/* RFC9368-4-6 */
		{ "version, chosen zero", "11 08 00000000 00000001", false,
		  false },
		{ "version, one zero", "11 0c 00000001 00000001 00000000",
		  false, false },
	};
	struct quic_tparams tp;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		unit_case("%s from a client", cases[i].what);
		EXPECT_EQ(decode(cases[i].hex, CLIENT, &tp),
			  cases[i].client ? 0 : BAD_TPARAM);
		unit_case("%s from a server", cases[i].what);
		EXPECT_EQ(decode(cases[i].hex, SERVER, &tp),
			  cases[i].server ? 0 : BAD_TPARAM);
	}
}

TEST(values_land_in_their_fields)
{
	struct quic_tparams tp;
	u8 want[20];

	EXPECT_EQ(decode("00 02 a1a2  02 10" TOKEN "0c 00  0f 00"
			 "10 03 b1b2b3  6ab2 00  8000baad 00"
			 "11 0c 6b3343cf 00000001 0a0a0a0a", SERVER, &tp), 0);
	EXPECT_EQ(tp.has, QUIC_TP_HAS_ODCID | QUIC_TP_HAS_ISCID |
			  QUIC_TP_HAS_RSCID | QUIC_TP_HAS_RESET_TOKEN |
			  QUIC_TP_HAS_VERSION_INFO);
	EXPECT(tp.disable_active_migration);
	EXPECT(tp.grease_quic_bit);
	EXPECT(tp.disable_1rtt_encryption);
	EXPECT_EQ(tp.odcid.len, 2);
	EXPECT_MEM(tp.odcid.id, "\xa1\xa2", 2);
	EXPECT_EQ(tp.iscid.len, 0);
	EXPECT_EQ(tp.rscid.len, 3);
	EXPECT_MEM(tp.rscid.id, "\xb1\xb2\xb3", 3);
	unit_hex(TOKEN, want, 16);
	EXPECT_MEM(tp.reset_token, want, 16);
	EXPECT_EQ(tp.chosen_version, QUIC_VERSION_V2);
	EXPECT_EQ(tp.n_versions, 2);
	EXPECT_EQ(tp.versions[0], QUIC_VERSION_V1);
	EXPECT_EQ(tp.versions[1], 0x0a0a0a0a);

	EXPECT_EQ(decode("0d 2c" V4V6 "03 c1c2c3" TOKEN, SERVER, &tp), 0);
	EXPECT_EQ(tp.has, QUIC_TP_HAS_PREFERRED);
	EXPECT_MEM(tp.preferred.v4, "\xc0\x00\x02\x01", 4);
	EXPECT_EQ(tp.preferred.port4, 443);
	EXPECT_EQ(tp.preferred.v6[0], 0x20);
	EXPECT_EQ(tp.preferred.v6[15], 0x01);
	EXPECT_EQ(tp.preferred.port6, 444);
	EXPECT_EQ(tp.preferred.cid.len, 3);
	EXPECT_MEM(tp.preferred.cid.id, "\xc1\xc2\xc3", 3);
	EXPECT_MEM(tp.preferred.token, want, 16);
}

/* More versions than we keep: all are checked, the first are kept. */
TEST(many_versions)
{
	u8 buf[4 + 4 * 40];
	struct quic_tparams tp;
	int n, i, at;

	for (n = 0; n < 40; n++) {
		struct quic_out o = { buf, buf + sizeof(buf) };

		unit_case("%d versions", n);
		quic_put_varint(&o, 0x11);
		quic_put_varint_width(&o, 4 * (1 + n), 2);
		at = o.p - buf;
		for (i = 0; i <= n; i++, o.p += 4)
			put_unaligned_be32(i ? i : n + (n == 0), o.p);
		/* the client's choice is the last it lists */
		EXPECT_EQ(quic_tparams_decode(buf, o.p - buf, CLIENT, &tp),
			  n ? 0 : BAD_TPARAM);
		EXPECT_EQ(quic_tparams_decode(buf, o.p - buf, SERVER, &tp), 0);
		EXPECT_EQ(tp.n_versions, min(n, QUIC_TPARAMS_MAX_VERSIONS - 2));
		for (i = 0; i < tp.n_versions; i++)
			EXPECT_EQ(tp.versions[i], i + 1);
		if (!n)
			continue;
		/* one that we speak has room, wherever it is */
		put_unaligned_be32(QUIC_VERSION_V2, buf + at + 4 * n);
		EXPECT_EQ(quic_tparams_decode(buf, o.p - buf, SERVER, &tp), 0);
		EXPECT_EQ(tp.versions[tp.n_versions - 1], QUIC_VERSION_V2);
		memset(buf + at + 4 * n, 0, 4);
		EXPECT_EQ(quic_tparams_decode(buf, o.p - buf, SERVER, &tp),
			  BAD_TPARAM);
	}
}

static void random_cid(struct quic_cid *cid, u8 least)
{
	cid->len = least + unit_rand_below(QUIC_CID_MAX_LEN + 1 - least);
	unit_rand_bytes(cid->id, cid->len);
}

static void random_server_part(struct quic_tparams *tp)
{
	if (tp->has & QUIC_TP_HAS_ODCID)
		random_cid(&tp->odcid, 0);
	if (tp->has & QUIC_TP_HAS_RSCID)
		random_cid(&tp->rscid, 0);
	if (tp->has & QUIC_TP_HAS_RESET_TOKEN)
		unit_rand_bytes(tp->reset_token, sizeof(tp->reset_token));
	if (tp->has & QUIC_TP_HAS_PREFERRED) {
		unit_rand_bytes(tp->preferred.v4, 4);
		unit_rand_bytes(tp->preferred.v6, 16);
		tp->preferred.port4 = unit_rand();
		tp->preferred.port6 = unit_rand();
		random_cid(&tp->preferred.cid, 1);
		unit_rand_bytes(tp->preferred.token, 16);
	}
}

static void random_tparams(struct quic_tparams *tp, bool server)
{
	int i;

	quic_tparams_default(tp);
	tp->has = unit_rand_below(QUIC_TP_HAS_VERSION_INFO * 2);
	if (!server)
		tp->has &= QUIC_TP_HAS_ISCID | QUIC_TP_HAS_VERSION_INFO;
	tp->disable_active_migration = unit_rand_below(2);
	tp->grease_quic_bit = unit_rand_below(2);
	tp->disable_1rtt_encryption = unit_rand_below(2);
	tp->ack_delay_exponent = unit_rand_below(21);
	tp->max_idle_timeout = unit_rand_bits(62);
	tp->max_udp_payload_size = 1200 + unit_rand_bits(16);
	tp->max_data = unit_rand_bits(62);
	tp->max_stream_data_bidi_local = unit_rand_bits(62);
	tp->max_stream_data_bidi_remote = unit_rand_bits(62);
	tp->max_stream_data_uni = unit_rand_bits(62);
	tp->max_streams_bidi = unit_rand_bits(60);
	tp->max_streams_uni = unit_rand_bits(60);
	tp->max_ack_delay = unit_rand_below(1 << 14);
	tp->active_connection_id_limit = 2 + unit_rand_bits(10);
	tp->max_datagram_frame_size = unit_rand_bits(16);
	if (unit_rand_below(2))
		tp->min_ack_delay = unit_rand_below(1000 * tp->max_ack_delay + 1);
	random_server_part(tp);
	if (tp->has & QUIC_TP_HAS_ISCID)
		random_cid(&tp->iscid, !!(tp->has & QUIC_TP_HAS_PREFERRED));
	if (tp->has & QUIC_TP_HAS_VERSION_INFO) {
		tp->n_versions = 1 + unit_rand_below(QUIC_TPARAMS_MAX_VERSIONS - 2);
		for (i = 0; i < tp->n_versions; i++)
			tp->versions[i] = unit_rand() | 1;
		tp->chosen_version = tp->versions[i / 2];
	}
}

/* RFC9000-7.4-2 */
TEST(random_parameters_round_trip_and_never_half_fit)
{
	struct quic_tparams tp, got;
	u8 buf[600], *p;
	size_t len, room;
	bool server;
	int i, err;

	for (i = 0; i < 5000; i++) {
		struct quic_out o = { buf, buf + sizeof(buf) };

		server = i & 1;
		unit_case("case %d", i);
		random_tparams(&tp, server);
		quic_tparams_encode(&o, &tp, server);
		EXPECT(!o.overflow);
		len = o.p - buf;
		p = unit_dup(buf, len);
		EXPECT_EQ(quic_tparams_decode(p, len, server, &got), 0);
		EXPECT_MEM(&got, &tp, sizeof(tp));
		free(p);

		/* every beginning: an error, or what whole parameters say */
		room = unit_rand_below(len + 1);
		p = unit_dup(buf, room);
		err = quic_tparams_decode(p, room, server, &got);
		EXPECT(!err || err == BAD_TPARAM);
		free(p);

		if (room < len) {
			memset(buf, 0xee, sizeof(buf));
			o = (struct quic_out){ buf, buf + room };
			quic_tparams_encode(&o, &tp, server);
			EXPECT(o.overflow);
			EXPECT_EQ(buf[room], 0xee);
		}
	}
}

/* RFC9000-18.2-1 RFC9000-18.2-8 */
TEST(a_client_never_sends_what_only_a_server_may)
{
	struct quic_tparams tp, got;
	u8 buf[600];
	int i;

	for (i = 0; i < 500; i++) {
		struct quic_out o = { buf, buf + sizeof(buf) };

		random_tparams(&tp, SERVER);
		quic_tparams_encode(&o, &tp, CLIENT);
		EXPECT_EQ(quic_tparams_decode(buf, o.p - buf, CLIENT, &got),
			  0);
		EXPECT_EQ(got.has, tp.has & (QUIC_TP_HAS_ISCID |
					     QUIC_TP_HAS_VERSION_INFO));
		EXPECT_EQ(got.max_data, tp.max_data);
	}
}

TEST(random_bytes)
{
	struct quic_tparams tp;
	u8 buf[100], *p;
	size_t len;
	int i, err;

	for (i = 0; i < 100000; i++) {
		len = unit_rand_below(sizeof(buf));
		unit_rand_bytes(buf, len);
		if (len && unit_rand_below(2))
			buf[0] %= 0x21;
		p = unit_dup(buf, len);
		err = quic_tparams_decode(p, len, unit_rand_below(2), &tp);
		EXPECT(!err || err == BAD_TPARAM);
		EXPECT(tp.n_versions <= QUIC_TPARAMS_MAX_VERSIONS);
		free(p);
	}
}
