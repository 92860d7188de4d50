/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Packet headers, RFC 9000 section 17 and RFC 9369 section 3.2, seen from
 * outside: what can be read and written without any key.
 */
#ifndef KQUIC_WIRE_HEADER_H
#define KQUIC_WIRE_HEADER_H

#include "buf.h"

#define QUIC_CID_MAX_LEN	20	/* in versions 1 and 2 */
#define QUIC_INITIAL_MIN_DGRAM	1200	/* RFC 9000 section 14.1 */
#define QUIC_HP_SAMPLE_LEN	16
#define QUIC_TAG_LEN		16
#define QUIC_RESET_TOKEN_LEN	16

#define QUIC_HDR_LONG		0x80
#define QUIC_HDR_FIXED		0x40
#define QUIC_HDR_RESERVED_LONG	0x0c
#define QUIC_HDR_RESERVED_SHORT	0x18
#define QUIC_HDR_KEY_PHASE	0x04
#define QUIC_HDR_SPIN		0x20
#define QUIC_HDR_PN_LEN		0x03

enum quic_pkt_type {
	QUIC_PKT_INITIAL,
	QUIC_PKT_0RTT,
	QUIC_PKT_HANDSHAKE,
	QUIC_PKT_RETRY,
	QUIC_PKT_1RTT,
	QUIC_PKT_VERSION_NEGOTIATION,
	QUIC_PKT_MAX,
};

/* A connection ID, by value.  Zero length is legal. */
struct quic_cid {
	u8 len;
	u8 id[QUIC_CID_MAX_LEN];
};

/* Is it the one of @len bytes at @id? */
static inline bool quic_cid_is(const struct quic_cid *cid, const u8 *id, u8 len)
{
	return cid->len == len && !memcmp(cid->id, id, len);
}

static inline bool quic_cid_equal(const struct quic_cid *a,
				  const struct quic_cid *b)
{
	return quic_cid_is(a, b->id, b->len);
}

/**
 * struct quic_hdr - the readable part of one packet's header
 * @type:	enum quic_pkt_type
 * @first:	first byte, still protected
 * @dcid_len:	<= 20 for known versions; <= 255 for unknown ones
 * @scid_len:	likewise; 0 for short headers
 * @pn_off:	where the packet number begins; 0 if there is none
 * @len:	length of the whole packet; the rest of the datagram is
 *		coalesced packets (RFC 9000 section 12.2)
 * @version:	0 for short headers and for Version Negotiation
 * @dcid:	points into the packet
 * @scid:	points into the packet
 * @token:	points into the packet; Initial: the token, NULL or not if it
 *		is empty; Retry: the token, which the tag follows;
 *		Version Negotiation: the list of 32-bit versions
 * @token_len:	bytes of @token
 */
struct quic_hdr {
	u8 type;
	u8 first;
	u8 dcid_len;
	u8 scid_len;
	u16 pn_off;
	u16 len;
	u32 version;
	const u8 *dcid;
	const u8 *scid;
	const u8 *token;
	u16 token_len;
};

/**
 * quic_hdr_parse - read the header of the first packet in @buf
 * @buf:	one datagram, or what is left of it
 * @len:	its bytes, at most 65535
 * @short_dcid_len: length of the connection IDs we issue
 * @h:		result
 *
 * Guarantees on success: everything pointed to lies in @buf; for packets with
 * a packet number, pn_off + 4 + QUIC_HP_SAMPLE_LEN <= h->len <= @len.
 *
 * Return: 0; -EINVAL for what is not QUIC or is malformed; -EMSGSIZE for a packet
 * that is too short to be protected, after whose h->len bytes the next one may
 * begin (RFC 9000 sections 12.2, 14.4.1); -EPROTONOSUPPORT
 * for a long header of a version we do not speak (@h then has version and
 * connection IDs, RFC 8999 section 5.1).
 */
int quic_hdr_parse(const u8 *buf, u32 len, u8 short_dcid_len,
		   struct quic_hdr *h);
/* The same; @greased takes the QUIC bit ("fixed bit") as it comes (RFC 9287). */
int quic_hdr_parse_bit(const u8 *buf, u32 len, u8 short_dcid_len, bool greased,
		       struct quic_hdr *h);

/**
 * quic_hdr_put_long - write a long header up to and including packet number
 * @o:		where to
 * @type:	Initial, 0-RTT or Handshake
 * @version:	QUIC_VERSION_V1 or _V2
 * @dcid:	destination
 * @scid:	source
 * @token:	Initial only; may be NULL
 * @token_len:	its length
 * @pn:		packet number
 * @pn_len:	1..4
 *
 * The Length field is two bytes wide and holds zero until
 * quic_hdr_set_length().
 *
 * Return: offset of the packet number from where @o stood.
 */
u16 quic_hdr_put_long(struct quic_out *o, u8 type, u32 version,
		      const struct quic_cid *dcid, const struct quic_cid *scid,
		      const u8 *token, u16 token_len, u64 pn, u8 pn_len);

/* A Retry (RFC 9000 section 17.2.5) up to its integrity tag.  @unused fills
 * four bits that mean nothing.
 */
void quic_hdr_put_retry(struct quic_out *o, u32 version, u8 unused,
			const struct quic_cid *dcid,
			const struct quic_cid *scid, const u8 *token,
			u16 token_len);

/* A Version Negotiation packet (section 17.2.1) that answers the one with
 * header @h, with @n versions.
 */
void quic_hdr_put_versions(struct quic_out *o, u8 unused,
			   const struct quic_hdr *h, const u32 *versions,
			   u8 n);

/* Fill in Length: @payload_len counts packet number, payload and tag. */
void quic_hdr_set_length(u8 *pkt, u16 pn_off, u16 payload_len);

/* Short header; returns the offset of the packet number (1 + dcid->len). */
u16 quic_hdr_put_short(struct quic_out *o, const struct quic_cid *dcid,
		       bool key_phase, bool spin, u64 pn, u8 pn_len);

bool quic_version_supported(u32 version);

#endif
