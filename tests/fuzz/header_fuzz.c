// SPDX-License-Identifier: GPL-2.0
/*
 * A datagram of coalesced packets.  The first byte of the input chooses the
 * length of our connection IDs.
 *
 * needs: wire/header.c wire/varint.c
 */
#include <linux/quic.h>

#include "fuzz.h"
#include "wire/header.h"

#define AFTER_PN	(4 + QUIC_HP_SAMPLE_LEN)

static bool numbered(const struct quic_hdr *h)
{
	return h->type <= QUIC_PKT_HANDSHAKE || h->type == QUIC_PKT_1RTT;
}

static void check_promises(const struct quic_hdr *h, const u8 *buf, size_t len)
{
	MUST(h->type < QUIC_PKT_MAX);
	MUST(h->first == buf[0]);
	MUST(h->len && h->len <= len);
	MUST(inside(h->dcid, h->dcid_len, buf, h->len));
	MUST(!h->scid_len || inside(h->scid, h->scid_len, buf, h->len));
	MUST(!h->token_len || inside(h->token, h->token_len, buf, h->len));
	MUST(!h->token_len || h->type == QUIC_PKT_INITIAL ||
	     h->type == QUIC_PKT_RETRY ||
	     h->type == QUIC_PKT_VERSION_NEGOTIATION);
	if (h->type == QUIC_PKT_VERSION_NEGOTIATION) {
		MUST(!h->version && h->token_len && h->token_len % 4 == 0);
		return;
	}
	MUST(h->first & QUIC_HDR_FIXED);
	MUST(h->dcid_len <= QUIC_CID_MAX_LEN);
	MUST(h->scid_len <= QUIC_CID_MAX_LEN);
	MUST(h->type == QUIC_PKT_1RTT ? !h->version :
	     quic_version_supported(h->version));
	if (numbered(h))
		MUST(h->pn_off && h->pn_off + AFTER_PN <= h->len);
	else
		MUST(!h->pn_off && h->token_len + QUIC_TAG_LEN < h->len);
}

static void copy_cid(struct quic_cid *cid, const u8 *id, u8 len)
{
	cid->len = len;
	if (len)
		memcpy(cid->id, id, len);
}

/* Write the same header and read it: the same comes out. */
static void check_round_trip(const struct quic_hdr *h)
{
	static u8 buf[70000];
	struct quic_out o = { buf, buf + sizeof(buf) };
	struct quic_cid dcid, scid;
	struct quic_hdr again;
	u16 pn_off;
	u8 pn_len = (h->first & QUIC_HDR_PN_LEN) + 1;

	copy_cid(&dcid, h->dcid, h->dcid_len);
	copy_cid(&scid, h->scid, h->scid_len);
	if (h->type == QUIC_PKT_1RTT)
		pn_off = quic_hdr_put_short(&o, &dcid, false, true, 7, pn_len);
	else
		pn_off = quic_hdr_put_long(&o, h->type, h->version, &dcid,
					   &scid, h->token, h->token_len, 7,
					   pn_len);
	MUST(!o.overflow && o.p == buf + pn_off + pn_len);
	if (pn_off + AFTER_PN > 65535)
		return;
	if (h->type != QUIC_PKT_1RTT)
		quic_hdr_set_length(buf, pn_off, AFTER_PN);
	MUST(!quic_hdr_parse(buf, pn_off + AFTER_PN, dcid.len, &again));
	MUST(again.type == h->type && again.version == h->version);
	MUST(again.pn_off == pn_off && again.len == pn_off + AFTER_PN);
	MUST(again.dcid_len == h->dcid_len &&
	     !memcmp(again.dcid, dcid.id, dcid.len));
	MUST(again.scid_len == h->scid_len &&
	     (!scid.len || !memcmp(again.scid, scid.id, scid.len)));
	MUST(again.token_len == h->token_len &&
	     (!h->token_len || !memcmp(again.token, h->token, h->token_len)));
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct quic_hdr h;
	u8 cid_len;
	int err;

	if (!size)
		return 0;
	cid_len = *data++ % (QUIC_CID_MAX_LEN + 1);
	for (size--; size; data += h.len, size -= h.len) {
		err = quic_hdr_parse(data, size, cid_len, &h);
		if (err == -EPROTONOSUPPORT) {
			MUST(h.version && !quic_version_supported(h.version));
			MUST(inside(h.dcid, h.dcid_len, data, size));
			MUST(inside(h.scid, h.scid_len, data, size));
			return 0;
		}
		if (err == -EMSGSIZE) {
			MUST(h.len > 0 && h.len <= size);
			continue;
		}
		MUST(!err || err == -EINVAL);
		if (err)
			return 0;
		check_promises(&h, data, size);
		if (numbered(&h))
			check_round_trip(&h);
	}
	return 0;
}
