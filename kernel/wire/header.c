// SPDX-License-Identifier: GPL-2.0
/*
 * Packet headers: what can be read and written without any key.
 *
 * Owns:	long and short headers of versions 1 and 2, and the version
 *		independent part of all others.
 * Called from:	rx/demux (parse), tx/build (put).
 * Context:	any; the bytes parsed are hostile.
 * Locks:	none.
 * RFC:		8999 section 5; 9000 section 17; 9369 section 3.2.
 */
#include <linux/bug.h>
#include <linux/errno.h>
#include <linux/quic.h>

#include "header.h"
#include "varint.h"

/* A packet number of unknown length, and what header protection samples. */
#define PN_AND_SAMPLE	(4 + QUIC_HP_SAMPLE_LEN)

bool quic_version_supported(u32 version)
{
	return version == QUIC_VERSION_V1 || version == QUIC_VERSION_V2;
}

/* Version 2 counts its long types from one (RFC 9369 section 3.2). */
static u8 long_type_bits(u8 type, u32 version)
{
	return ((type + (version == QUIC_VERSION_V2)) & 3) << 4;
}

static u8 long_type(u8 first, u32 version)
{
	return ((first >> 4) - (version == QUIC_VERSION_V2)) & 3;
}

static bool get_cid(struct quic_cur *c, const u8 **id, u8 *len)
{
	return quic_get_u8(c, len) && quic_get_bytes(c, id, *len);
}

/* RFC 8999 section 5.1: form, version, connection IDs. */
static bool get_invariants(struct quic_cur *c, struct quic_hdr *h)
{
	const u8 *version;

	if (!quic_get_bytes(c, &version, sizeof(__be32)))
		return false;
	h->version = get_unaligned_be32(version);
	return get_cid(c, &h->dcid, &h->dcid_len) &&
	       get_cid(c, &h->scid, &h->scid_len);
}

/* RFC8999-6-1 RFC8999-6-2 RFC9000-17.2.1-1 */
/* A list of versions and nothing else; it fills the datagram. */
static int parse_version_negotiation(struct quic_cur *c, struct quic_hdr *h)
{
	size_t left = quic_cur_left(c);

	if (!left || left % sizeof(__be32))
		return -EINVAL;
	h->type = QUIC_PKT_VERSION_NEGOTIATION;
	h->token = c->p;
	h->token_len = left;
	return 0;
}

/* RFC9000-17.2.5-1 RFC9000-17.2.5.2-4 */
/* A token and its integrity tag; they fill the datagram. */
static int parse_retry(struct quic_cur *c, struct quic_hdr *h)
{
	size_t left = quic_cur_left(c);

	if (left <= QUIC_TAG_LEN)	/* an empty token is illegal */
		return -EINVAL;
	h->token = c->p;
	h->token_len = left - QUIC_TAG_LEN;
	return 0;
}

/* RFC9001-5.4.2-1 */
/* Initial, 0-RTT and Handshake: the length says where the packet ends. */
static int parse_numbered(struct quic_cur *c, const u8 *buf,
			  struct quic_hdr *h)
{
	u64 len;

	if (h->type == QUIC_PKT_INITIAL) {
		if (!quic_get_varint(c, &len) ||
		    !quic_get_bytes(c, &h->token, len))
			return -EINVAL;
		h->token_len = len;
	}
	if (!quic_get_varint(c, &len) || len > quic_cur_left(c))
		return -EINVAL;
	h->pn_off = c->p - buf;
	h->len = h->pn_off + len;
	return len < PN_AND_SAMPLE ? -EMSGSIZE : 0;
}

static bool bit_ok(const struct quic_hdr *h, bool greased)
{
	return greased || h->first & QUIC_HDR_FIXED;
}

/* RFC9000-17.2-1 RFC9000-17.2-3 RFC9000-17.2-5 */
static int parse_long(struct quic_cur *c, const u8 *buf, bool greased,
		      struct quic_hdr *h)
{
	if (!get_invariants(c, h))
		return -EINVAL;
	h->len = c->end - buf;
	if (!h->version)
		return parse_version_negotiation(c, h);
	if (!quic_version_supported(h->version))
		return -EPROTONOSUPPORT;
	if (!bit_ok(h, greased) ||
	    h->dcid_len > QUIC_CID_MAX_LEN || h->scid_len > QUIC_CID_MAX_LEN)
		return -EINVAL;

	h->type = long_type(h->first, h->version);
	if (h->type == QUIC_PKT_RETRY)
		return parse_retry(c, h);
	return parse_numbered(c, buf, h);
}

/* RFC9000-17.3.1-1 */
static int parse_short(struct quic_cur *c, const u8 *buf, u8 dcid_len,
		       bool greased, struct quic_hdr *h)
{
	if (!bit_ok(h, greased) ||
	    !quic_get_bytes(c, &h->dcid, dcid_len) ||
	    quic_cur_left(c) < PN_AND_SAMPLE)
		return -EINVAL;
	h->type = QUIC_PKT_1RTT;
	h->dcid_len = dcid_len;
	h->pn_off = c->p - buf;
	h->len = c->end - buf;
	return 0;
}

int quic_hdr_parse_bit(const u8 *buf, u32 len, u8 short_dcid_len, bool greased,
		       struct quic_hdr *h)
{
	struct quic_cur c = { .p = buf, .end = buf + len };

	*h = (struct quic_hdr){ .type = QUIC_PKT_MAX };
	if (len > U16_MAX || !quic_get_u8(&c, &h->first))
		return -EINVAL;
	if (h->first & QUIC_HDR_LONG)
		return parse_long(&c, buf, greased, h);
	return parse_short(&c, buf, short_dcid_len, greased, h);
}

int quic_hdr_parse(const u8 *buf, u32 len, u8 short_dcid_len,
		   struct quic_hdr *h)
{
	return quic_hdr_parse_bit(buf, len, short_dcid_len, false, h);
}

static void put_pn(struct quic_out *o, u64 pn, u8 pn_len)
{
	u8 *p = o->p;

	if (!quic_out_room(o, pn_len))
		return;
	switch (pn_len) {
	case 4:
		*p++ = pn >> 24;
		fallthrough;
	case 3:
		*p++ = pn >> 16;
		fallthrough;
	case 2:
		*p++ = pn >> 8;
		fallthrough;
	default:
		*p++ = pn;
	}
	o->p = p;
}

static void put_cid(struct quic_out *o, const struct quic_cid *cid)
{
	quic_put_u8(o, cid->len);
	quic_put_bytes(o, cid->id, cid->len);
}

static void put_version(struct quic_out *o, u32 version)
{
	if (!quic_out_room(o, sizeof(__be32)))
		return;
	put_unaligned_be32(version, o->p);
	o->p += sizeof(__be32);
}

/* RFC9000-17.2-2 RFC9000-17.2-4 RFC9000-17.2-6 */
u16 quic_hdr_put_long(struct quic_out *o, u8 type, u32 version,
		      const struct quic_cid *dcid, const struct quic_cid *scid,
		      const u8 *token, u16 token_len, u64 pn, u8 pn_len)
{
	const u8 *start = o->p;
	u16 pn_off;

	WARN_ON_ONCE(type > QUIC_PKT_HANDSHAKE || pn_len - 1 > 3);

	quic_put_u8(o, QUIC_HDR_LONG | QUIC_HDR_FIXED |
		       long_type_bits(type, version) | (pn_len - 1));
	put_version(o, version);
	put_cid(o, dcid);
	put_cid(o, scid);
	if (type == QUIC_PKT_INITIAL) {
		quic_put_varint(o, token_len);
		if (token_len)
			quic_put_bytes(o, token, token_len);
	}
	quic_put_varint_width(o, 0, 2);
	pn_off = o->p - start;
	put_pn(o, pn, pn_len);
	return pn_off;
}

void quic_hdr_put_retry(struct quic_out *o, u32 version, u8 unused,
			const struct quic_cid *dcid,
			const struct quic_cid *scid, const u8 *token,
			u16 token_len)
{
	quic_put_u8(o, QUIC_HDR_LONG | QUIC_HDR_FIXED |
		       long_type_bits(QUIC_PKT_RETRY, version) |
		       (unused & 0x0f));
	put_version(o, version);
	put_cid(o, dcid);
	put_cid(o, scid);
	quic_put_bytes(o, token, token_len);
}

void quic_hdr_put_versions(struct quic_out *o, u8 unused,
			   const struct quic_hdr *h, const u32 *versions,
			   u8 n)
{
	u8 i;

	quic_put_u8(o, QUIC_HDR_LONG | QUIC_HDR_FIXED | unused);
	put_version(o, 0);
	quic_put_u8(o, h->scid_len);
	quic_put_bytes(o, h->scid, h->scid_len);
	quic_put_u8(o, h->dcid_len);
	quic_put_bytes(o, h->dcid, h->dcid_len);
	for (i = 0; i < n; i++)
		put_version(o, versions[i]);
}

void quic_hdr_set_length(u8 *pkt, u16 pn_off, u16 payload_len)
{
	WARN_ON_ONCE(payload_len > 0x3fff);
	quic_varint_write(pkt + pn_off - 2, payload_len, 2);
}

/*
 * RFC9000-17.3.1-2 RFC9000-17.4-1 RFC9000-17.4-2 RFC9000-17.4-3
 * RFC9000-17.4-4
 */
u16 quic_hdr_put_short(struct quic_out *o, const struct quic_cid *dcid,
		       bool key_phase, bool spin, u64 pn, u8 pn_len)
{
	WARN_ON_ONCE(pn_len - 1 > 3);

	quic_put_u8(o, QUIC_HDR_FIXED | (spin ? QUIC_HDR_SPIN : 0) |
		       (key_phase ? QUIC_HDR_KEY_PHASE : 0) | (pn_len - 1));
	quic_put_bytes(o, dcid->id, dcid->len);
	put_pn(o, pn, pn_len);
	return 1 + dcid->len;
}
