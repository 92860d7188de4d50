// SPDX-License-Identifier: GPL-2.0
/*
 * Packet headers without keys: RFC 8999 section 5, RFC 9000 section 17,
 * RFC 9369 section 3.2.
 *
 * needs: wire/header.c wire/varint.c
 */
#include <linux/quic.h>

#include "unit.h"
#include "vectors.h"
#include "wire/header.h"
#include "wire/varint.h"

#define AFTER_PN	(4 + QUIC_HP_SAMPLE_LEN)
#define UNKNOWN_VERSION	0x1a2a3a4a

static bool inside(const u8 *p, size_t len, const u8 *buf, size_t buf_len)
{
	return p >= buf && len <= buf_len && p - buf <= buf_len - len;
}

/* What every success promises, see header.h. */
static void check_promises(const struct quic_hdr *h, const u8 *buf, u32 len)
{
	EXPECT(h->len <= len);
	EXPECT(inside(h->dcid, h->dcid_len, buf, h->len));
	if (h->type != QUIC_PKT_1RTT)
		EXPECT(inside(h->scid, h->scid_len, buf, h->len));
	if (h->token_len)
		EXPECT(inside(h->token, h->token_len, buf, h->len));
	if (h->type <= QUIC_PKT_HANDSHAKE || h->type == QUIC_PKT_1RTT) {
		EXPECT(h->pn_off);
		EXPECT(h->pn_off + AFTER_PN <= h->len);
		EXPECT(h->dcid_len <= QUIC_CID_MAX_LEN);
		EXPECT(h->scid_len <= QUIC_CID_MAX_LEN);
	} else {
		EXPECT_EQ(h->pn_off, 0);
		EXPECT_EQ(h->len, len);
	}
}

static int parse(const u8 *buf, size_t len, u8 short_dcid_len,
		 struct quic_hdr *h)
{
	u8 *p = unit_dup(buf, len);
	int err = quic_hdr_parse(p, len, short_dcid_len, h);

	if (!err)
		check_promises(h, p, len);
	free(p);
	return err;
}

static void random_cid(struct quic_cid *cid)
{
	cid->len = unit_rand_below(QUIC_CID_MAX_LEN + 1);
	unit_rand_bytes(cid->id, cid->len);
}

/* The first byte says the type: RFC 9000 section 17.2, RFC 9369 section 3.2 */
static const struct {
	u32 version;
	u8 type, first;
} long_types[] = {
	{ QUIC_VERSION_V1, QUIC_PKT_INITIAL, 0xc0 },
	{ QUIC_VERSION_V1, QUIC_PKT_0RTT, 0xd0 },
	{ QUIC_VERSION_V1, QUIC_PKT_HANDSHAKE, 0xe0 },
	{ QUIC_VERSION_V1, QUIC_PKT_RETRY, 0xf0 },
	{ QUIC_VERSION_V2, QUIC_PKT_INITIAL, 0xd0 },
	{ QUIC_VERSION_V2, QUIC_PKT_0RTT, 0xe0 },
	{ QUIC_VERSION_V2, QUIC_PKT_HANDSHAKE, 0xf0 },
	{ QUIC_VERSION_V2, QUIC_PKT_RETRY, 0xc0 },
};

/* A packet with a long header, every value random. */
struct long_packet {
	struct quic_cid dcid, scid;
	u8 token[40], token_len, pn_len;
	u8 type;
	u32 version;
	u64 pn;
	u16 pn_off;
	u8 bytes[1500];
	u16 len;
};

static void build_long(struct long_packet *p, int which)
{
	struct quic_out o = { p->bytes, p->bytes + sizeof(p->bytes) };
	u16 payload;

	p->version = long_types[which].version;
	p->type = long_types[which].type;
	random_cid(&p->dcid);
	random_cid(&p->scid);
	p->token_len = p->type == QUIC_PKT_INITIAL ?
		       unit_rand_below(sizeof(p->token)) : 0;
	unit_rand_bytes(p->token, p->token_len);
	p->pn_len = 1 + unit_rand_below(4);
	p->pn = unit_rand_bits(62);
	payload = AFTER_PN - p->pn_len + unit_rand_bits(10);

	p->pn_off = quic_hdr_put_long(&o, p->type, p->version, &p->dcid,
				      &p->scid, p->token, p->token_len, p->pn,
				      p->pn_len);
	EXPECT(!o.overflow);
	unit_rand_bytes(o.p, payload);
	o.p += payload;
	p->len = o.p - p->bytes;
	quic_hdr_set_length(p->bytes, p->pn_off, p->len - p->pn_off);
}

/* RFC9000-17.2-2 RFC9000-17.2-4 RFC9000-17.2-6 */
TEST(long_headers_round_trip)
{
	struct long_packet p;
	struct quic_hdr h;
	int i, n;
	u64 pn;
	u8 *copy;

	for (i = 0; i < 20000; i++) {
		n = i % ARRAY_SIZE(long_types);
		if (long_types[n].type == QUIC_PKT_RETRY)
			continue;
		build_long(&p, n);
		unit_case("case %d, type %u", i, p.type);
		EXPECT_EQ(p.bytes[0], long_types[n].first | (p.pn_len - 1));

		copy = unit_dup(p.bytes, p.len);
		EXPECT_EQ(quic_hdr_parse(copy, p.len, 8, &h), 0);
		check_promises(&h, copy, p.len);
		EXPECT_EQ(h.type, p.type);
		EXPECT_EQ(h.first, p.bytes[0]);
		EXPECT_EQ(h.version, p.version);
		EXPECT_EQ(h.dcid_len, p.dcid.len);
		EXPECT_MEM(h.dcid, p.dcid.id, p.dcid.len);
		EXPECT_EQ(h.scid_len, p.scid.len);
		EXPECT_MEM(h.scid, p.scid.id, p.scid.len);
		EXPECT_EQ(h.token_len, p.token_len);
		if (h.token_len)
			EXPECT_MEM(h.token, p.token, p.token_len);
		EXPECT_EQ(h.pn_off, p.pn_off);
		EXPECT_EQ(h.len, p.len);
		for (pn = 0, n = 0; n < p.pn_len; n++)
			pn = pn << 8 | copy[h.pn_off + n];
		EXPECT_EQ(pn, p.pn & ((1ULL << (8 * p.pn_len)) - 1));
		free(copy);
	}
}

/* The length ends the packet, so no beginning of it is a packet; and what
 * follows in the datagram is another packet's.
 */
TEST(long_headers_have_no_valid_prefix_and_leave_the_rest_alone)
{
	struct long_packet p;
	struct quic_hdr h;
	int i, n;

	for (i = 0; i < 40; i++) {
		n = i % ARRAY_SIZE(long_types);
		if (long_types[n].type == QUIC_PKT_RETRY)
			continue;
		build_long(&p, n);
		for (n = 0; n < p.len; n++) {
			unit_case("case %d, %d of %u bytes", i, n, p.len);
			EXPECT_EQ(parse(p.bytes, n, 8, &h), -EINVAL);
		}
		n = unit_rand_below(sizeof(p.bytes) - p.len);
		EXPECT_EQ(parse(p.bytes, p.len + n, 8, &h), 0);
		EXPECT_EQ(h.len, p.len);
	}
}

TEST(prefixes_of_the_rfc_packets)
{
	const char *const packets[] = {
		rfc_versions[0].client_pkt, rfc_versions[0].server_pkt,
		rfc_versions[1].client_pkt, rfc_versions[1].server_pkt,
	};
	struct quic_hdr h;
	u8 buf[1500];
	size_t i, n, len;

	for (i = 0; i < ARRAY_SIZE(packets); i++) {
		len = unit_hex(packets[i], buf, sizeof(buf));
		EXPECT_EQ(parse(buf, len, 8, &h), 0);
		for (n = 0; n < len; n++) {
			unit_case("packet %zu, %zu of %zu bytes", i, n, len);
			EXPECT_EQ(parse(buf, n, 8, &h), -EINVAL);
		}
	}
}

/* RFC9000-17.3.1-2 RFC9000-17.4-1 */
TEST(short_headers_round_trip)
{
	struct quic_cid cid;
	struct quic_hdr h;
	u8 buf[100], pn_len;
	bool phase, spin;
	u16 pn_off, n, len;
	int i;
	u64 pn;

	for (i = 0; i < 5000; i++) {
		struct quic_out o = { buf, buf + sizeof(buf) };

		random_cid(&cid);
		pn = unit_rand_bits(62);
		pn_len = 1 + unit_rand_below(4);
		phase = unit_rand_below(2);
		spin = unit_rand_below(2);
		unit_case("case %d", i);
		pn_off = quic_hdr_put_short(&o, &cid, phase, spin, pn, pn_len);
		EXPECT_EQ(pn_off, 1 + cid.len);
		EXPECT_EQ(o.p - buf, pn_off + pn_len);
		EXPECT_EQ(buf[0], 0x40 | spin << 5 | phase << 2 | (pn_len - 1));
		EXPECT_MEM(buf + 1, cid.id, cid.len);
		for (n = 0; n < pn_len; n++)
			EXPECT_EQ(buf[pn_off + n],
				  (u8)(pn >> (8 * (pn_len - 1 - n))));

		/* a short header takes whatever is left of the datagram */
		len = pn_off + AFTER_PN + unit_rand_below(20);
		for (n = 0; n <= len; n++) {
			if (parse(buf, n, cid.len, &h)) {
				EXPECT(n < pn_off + AFTER_PN);
				continue;
			}
			EXPECT(n >= pn_off + AFTER_PN);
			EXPECT_EQ(h.type, QUIC_PKT_1RTT);
			EXPECT_EQ(h.first, buf[0]);
			EXPECT_EQ(h.version, 0);
			EXPECT_EQ(h.dcid_len, cid.len);
			EXPECT_EQ(h.scid_len, 0);
			EXPECT_EQ(h.token_len, 0);
			EXPECT_EQ(h.pn_off, pn_off);
			EXPECT_EQ(h.len, n);
		}
	}
}

/* Form, version and two connection IDs of any length (RFC 8999). */
static size_t build_invariants(u8 *buf, u8 first, u32 version, u8 dcid_len,
			       u8 scid_len)
{
	u8 *p = buf;

	*p++ = first;
	put_unaligned_be32(version, p);
	p += 4;
	*p++ = dcid_len;
	memset(p, 0xd0, dcid_len);
	p += dcid_len;
	*p++ = scid_len;
	memset(p, 0x50, scid_len);
	return p + scid_len - buf;
}

TEST(unknown_versions_give_version_and_connection_ids)
{
	struct quic_hdr h;
	u8 buf[1400], *p;
	size_t n, len;
	int i;

	for (i = 0; i < 300; i++) {
		u8 dcid_len = unit_rand_bits(8), scid_len = unit_rand_bits(8);
		/* the fixed bit means nothing here */
		u8 first = 0x80 | unit_rand_bits(7);

		unit_case("case %d", i);
		len = build_invariants(buf, first, UNKNOWN_VERSION, dcid_len,
				       scid_len);
		for (n = 0; n < len; n++)
			EXPECT_EQ(parse(buf, n, 8, &h), -EINVAL);
		p = unit_dup(buf, len + 100);
		EXPECT_EQ(quic_hdr_parse(p, len + 100, 8, &h),
			  -EPROTONOSUPPORT);
		EXPECT_EQ(h.version, UNKNOWN_VERSION);
		EXPECT_EQ(h.first, first);
		EXPECT_EQ(h.dcid_len, dcid_len);
		EXPECT(h.dcid == p + 6);
		EXPECT_EQ(h.scid_len, scid_len);
		EXPECT(h.scid == p + 7 + dcid_len);
		EXPECT_EQ(h.len, len + 100);
		EXPECT_EQ(h.pn_off, 0);
		free(p);
	}
	EXPECT(quic_version_supported(QUIC_VERSION_V1));
	EXPECT(quic_version_supported(QUIC_VERSION_V2));
	EXPECT(!quic_version_supported(0));
	EXPECT(!quic_version_supported(UNKNOWN_VERSION));
}

/* RFC 9000 section 17.2.1: what we write is what is read, and goes back to where
 * the packet came from; IDs of unknown versions have up to 255 bytes.
 */
TEST(version_negotiation_answers)
{
	const u32 versions[] = { 1, 0x6b3343cf, 0x0a1a2a3a };
	u8 trigger[700], buf[700];
	struct quic_hdr h, got;
	size_t len;
	int i;

	for (i = 0; i < 200; i++) {
		struct quic_out o = { buf, buf + sizeof(buf) };
		u8 dcid_len = unit_rand_bits(8), scid_len = unit_rand_bits(8);

		unit_case("case %d", i);
		len = build_invariants(trigger, 0xc0, 0xff00001d, dcid_len,
				       scid_len);
		EXPECT_EQ(quic_hdr_parse(trigger, len, 8, &h),
			  -EPROTONOSUPPORT);
		quic_hdr_put_versions(&o, unit_rand_bits(8), &h, versions, 3);
		EXPECT(!o.overflow);
		EXPECT_EQ(o.p - buf, 7 + dcid_len + scid_len + 12);
		EXPECT_EQ(quic_hdr_parse(buf, o.p - buf, 8, &got), 0);
		EXPECT_EQ(got.type, QUIC_PKT_VERSION_NEGOTIATION);
		EXPECT_EQ(got.dcid_len, scid_len);
		EXPECT_EQ(got.scid_len, dcid_len);
		EXPECT_MEM(got.dcid, h.scid, scid_len);
		EXPECT_MEM(got.scid, h.dcid, dcid_len);
		EXPECT_EQ(got.token_len, 12);
		EXPECT_EQ(get_unaligned_be32(got.token + 4), 0x6b3343cf);
	}
}

/* RFC 9287: only who has agreed to it takes a packet without the QUIC bit. */
TEST(quic_bit)
{
	struct quic_hdr h;
	u8 buf[60];
	size_t len;
	int i;

	for (i = 0; i < ARRAY_SIZE(long_types); i++) {
		if (long_types[i].type != QUIC_PKT_RETRY)
			continue;
		len = build_invariants(buf, long_types[i].first & ~0x40,
				       long_types[i].version, 5, 8);
		memset(buf + len, 0x99, sizeof(buf) - len);
		EXPECT_EQ(parse(buf, sizeof(buf), 8, &h), -EINVAL);
		EXPECT_EQ(quic_hdr_parse_bit(buf, sizeof(buf), 8, true, &h), 0);
		EXPECT_EQ(h.type, QUIC_PKT_RETRY);
	}
	memset(buf, 0x22, sizeof(buf));
	EXPECT_EQ(quic_hdr_parse(buf, sizeof(buf), 8, &h), -EINVAL);
	EXPECT_EQ(quic_hdr_parse_bit(buf, sizeof(buf), 8, true, &h), 0);
	EXPECT_EQ(h.type, QUIC_PKT_1RTT);
}

/* RFC8999-6-1 RFC8999-6-2 RFC9000-17.2.1-1 */
TEST(version_negotiation)
{
	u8 buf[700];
	struct quic_hdr h;
	size_t n, len;
	int i, k;

	for (i = 0; i < 200; i++) {
		u8 dcid_len = unit_rand_bits(8), scid_len = unit_rand_bits(8);

		unit_case("case %d", i);
		len = build_invariants(buf, 0x80 | unit_rand_bits(7), 0,
				       dcid_len, scid_len);
		memset(buf + len, 0x77, 20);
		for (n = 0; n < len; n++)
			EXPECT_EQ(parse(buf, n, 8, &h), -EINVAL);
		/* no version at all, and a truncated one (RFC 8999 6) */
		for (k = 0; k < 20; k++) {
			if (k % 4 || !k) {
				EXPECT_EQ(parse(buf, len + k, 8, &h), -EINVAL);
				continue;
			}
			EXPECT_EQ(parse(buf, len + k, 8, &h), 0);
			EXPECT_EQ(h.type, QUIC_PKT_VERSION_NEGOTIATION);
			EXPECT_EQ(h.version, 0);
			EXPECT_EQ(h.dcid_len, dcid_len);
			EXPECT_EQ(h.scid_len, scid_len);
			EXPECT_EQ(h.token_len, k);
		}
	}
}

/* RFC9000-17.2.5-1 RFC9000-17.2.5.2-4 */
TEST(retry_has_a_token_and_a_tag)
{
	struct quic_hdr h;
	u8 buf[700];
	size_t len, n;
	int i;

	for (i = 0; i < ARRAY_SIZE(long_types); i++) {
		if (long_types[i].type != QUIC_PKT_RETRY)
			continue;
		unit_case("version %x", long_types[i].version);
		/* the low bits are unused */
		len = build_invariants(buf, long_types[i].first | 0x0a,
				       long_types[i].version, 5, 20);
		memset(buf + len, 0x99, 60);
		/* an empty token is illegal (RFC 9000 section 17.2.5.2) */
		for (n = 0; n <= len + QUIC_TAG_LEN; n++)
			EXPECT_EQ(parse(buf, n, 8, &h), -EINVAL);
		for (; n < len + 60; n++) {
			EXPECT_EQ(parse(buf, n, 8, &h), 0);
			EXPECT_EQ(h.type, QUIC_PKT_RETRY);
			EXPECT_EQ(h.token_len, n - len - QUIC_TAG_LEN);
			EXPECT_EQ(h.len, n);
		}
	}
}

/* RFC9000-17.2-3 RFC9000-17.2-5 */
/* Section 17.2: versions 1 and 2 allow at most 20 bytes. */
TEST(long_connection_ids_of_known_versions_are_dropped)
{
	u8 buf[1400];
	struct quic_hdr h;
	size_t len;
	int i;

	for (i = 0; i < ARRAY_SIZE(long_types); i++) {
		unit_case("case %d", i);
		memset(buf, 0, sizeof(buf));
		len = build_invariants(buf, long_types[i].first,
				       long_types[i].version, 20, 20);
		buf[len + 1] = AFTER_PN;	/* Initial: empty token */
		if (long_types[i].type != QUIC_PKT_INITIAL)
			buf[len] = AFTER_PN;
		EXPECT_EQ(parse(buf, sizeof(buf), 8, &h), 0);
		len = build_invariants(buf, long_types[i].first,
				       long_types[i].version, 21, 20);
		EXPECT_EQ(parse(buf, sizeof(buf), 8, &h), -EINVAL);
		len = build_invariants(buf, long_types[i].first,
				       long_types[i].version, 20, 21);
		EXPECT_EQ(parse(buf, sizeof(buf), 8, &h), -EINVAL);
	}
}

/* RFC9000-17.2-1 RFC9000-17.3.1-1 */
TEST(the_fixed_bit_must_be_set)
{
	struct long_packet p;
	struct quic_hdr h;
	u8 buf[64] = { 0 };
	int i;

	for (i = 0; i < ARRAY_SIZE(long_types); i++) {
		if (long_types[i].type == QUIC_PKT_RETRY)
			continue;
		build_long(&p, i);
		p.bytes[0] &= ~QUIC_HDR_FIXED;
		EXPECT_EQ(parse(p.bytes, p.len, 8, &h), -EINVAL);
	}
	EXPECT_EQ(parse(buf, sizeof(buf), 8, &h), -EINVAL);
	buf[0] = QUIC_HDR_FIXED;
	EXPECT_EQ(parse(buf, sizeof(buf), 8, &h), 0);
}

/* Token and length fields that lie, in every width of varint. */
TEST(lengths_beyond_the_datagram_are_refused)
{
	static const u8 widths[] = { 1, 2, 4, 8 };
	u8 buf[200];
	struct quic_hdr h;
	size_t len, left;
	int w, k;
	u64 v;

	for (w = 0; w < 4; w++) {
		for (k = 0; k < 62; k++) {
			struct quic_out o;

			v = 1ULL << k;
			if (quic_varint_len(v) > widths[w])
				break;
			unit_case("%llu in %u bytes", v, widths[w]);
			memset(buf, 0, sizeof(buf));

			/* the length field of a Handshake packet */
			len = build_invariants(buf, 0xe0, QUIC_VERSION_V1, 8,
					       8);
			o = (struct quic_out){ buf + len, buf + sizeof(buf) };
			quic_put_varint_width(&o, v, widths[w]);
			left = o.end - o.p;
			EXPECT_EQ(parse(buf, sizeof(buf), 8, &h),
				  v > left ? -EINVAL :
				  v < AFTER_PN ? -EMSGSIZE : 0);
			/* where the next one begins */
			if (v <= left)
				EXPECT_EQ(h.len, o.p - buf + v);

			/* the token length of an Initial, then zeros: they
			 * are a length that is too short for a sample
			 */
			len = build_invariants(buf, 0xc0, QUIC_VERSION_V1, 8,
					       8);
			o.p = buf + len;
			quic_put_varint_width(&o, v, widths[w]);
			EXPECT_EQ(parse(buf, sizeof(buf), 8, &h),
				  v < o.end - o.p ? -EMSGSIZE : -EINVAL);
		}
	}
}

/* RFC9001-5.4.2-1 */
/* Section 5.4.2 of RFC 9001: room for a sample, at the exact byte. */
TEST(packets_without_room_for_a_sample_are_refused)
{
	u8 buf[100] = { 0 };
	struct quic_hdr h;
	size_t len;

	len = build_invariants(buf, 0xe0, QUIC_VERSION_V1, 8, 8);
	buf[len] = AFTER_PN - 1;
	EXPECT_EQ(parse(buf, sizeof(buf), 8, &h), -EMSGSIZE);
	EXPECT_EQ(h.len, len + 1 + AFTER_PN - 1);
	buf[len] = AFTER_PN;
	EXPECT_EQ(parse(buf, sizeof(buf), 8, &h), 0);
	EXPECT_EQ(h.len, len + 1 + AFTER_PN);
}

TEST(more_than_a_datagram_is_refused)
{
	struct quic_hdr h;
	u8 *buf = calloc(1, 65536);

	buf[0] = QUIC_HDR_FIXED;
	EXPECT_EQ(quic_hdr_parse(buf, 65535, 8, &h), 0);
	EXPECT_EQ(h.len, 65535);
	EXPECT_EQ(quic_hdr_parse(buf, 65536, 8, &h), -EINVAL);
	free(buf);
}

TEST(random_bytes_never_break_a_promise)
{
	struct quic_hdr h;
	u8 buf[200];
	size_t len;
	int i;

	for (i = 0; i < 200000; i++) {
		len = unit_rand_below(sizeof(buf));
		unit_rand_bytes(buf, len);
		if (len > 5 && unit_rand_below(4)) {
			put_unaligned_be32(unit_rand_below(2) ?
					   QUIC_VERSION_V1 : QUIC_VERSION_V2,
					   buf + 1);
			buf[5] &= 0x1f;
		}
		unit_case("case %d", i);
		parse(buf, len, unit_rand_below(21), &h);
	}
}

TEST(a_header_that_does_not_fit_overflows)
{
	struct quic_cid cid = { 20, { 1 } };
	u8 buf[64];
	size_t room;

	for (room = 0; room < 1 + 4 + 21 + 21 + 1 + 2 + 4; room++) {
		struct quic_out o = { buf, buf + room };

		unit_case("%zu bytes", room);
		memset(buf, 0xee, sizeof(buf));
		quic_hdr_put_long(&o, QUIC_PKT_INITIAL, QUIC_VERSION_V1, &cid,
				  &cid, NULL, 0, 1, 4);
		EXPECT(o.overflow);
		EXPECT(o.p <= buf + room);
		EXPECT_EQ(buf[room], 0xee);
	}
	for (room = 0; room < 1 + 20 + 2; room++) {
		struct quic_out o = { buf, buf + room };

		memset(buf, 0xee, sizeof(buf));
		quic_hdr_put_short(&o, &cid, false, false, 1, 2);
		EXPECT(o.overflow);
		EXPECT_EQ(buf[room], 0xee);
	}
}
