// SPDX-License-Identifier: GPL-2.0
/*
 * Transport parameters: the TLS extension's bytes to struct and back.
 *
 * Owns:	identifiers, legal ranges, defaults and who may send what: one
 *		table, RFC 9000 section 18.2 as code.
 * Called from:	conn/handshake, sock/sockopt.
 * Context:	any; the bytes parsed are the peer's.
 * Locks:	none.
 * RFC:		9000 sections 7.4, 18; 9221 section 3; 9287 section 3;
 *		9368 sections 3, 4.
 */
#include <linux/kernel.h>
#include <linux/quic.h>

#include "header.h"
#include "tparam.h"

#define STREAMS_LIMIT	BIT_ULL(60)	/* RFC 9000 section 4.6 */

/* The shape of a value.  One of its kind: RESET_TOKEN and what follows. */
enum tparam_shape {
	INT,		/* a varint, kept in a u64 */
	INT8,		/* a varint, kept in a u8 */
	FLAG,		/* empty; being there says yes; a bool */
	CID,		/* a connection ID */
	RESET_TOKEN,
	PREFERRED,
	VERSION_INFO,
};

struct tparam {
	u32 id;
	u8 shape;		/* enum tparam_shape */
	u16 field;		/* offset in struct quic_tparams */
	u8 has;			/* QUIC_TP_HAS_* */
	bool server_only;
	u64 least, most;	/* legal values of an integer */
	u64 def;		/* what its absence means */
};

#define FIELD(name)	offsetof(struct quic_tparams, name)
#define ANY		.most = QUIC_VARINT_MAX

static const struct tparam table[] = {
	{ 0x00, CID, FIELD(odcid), QUIC_TP_HAS_ODCID, true },
	{ 0x01, INT, FIELD(max_idle_timeout), ANY },
	{ 0x02, RESET_TOKEN, FIELD(reset_token), QUIC_TP_HAS_RESET_TOKEN,
	  true },
	{ 0x03, INT, FIELD(max_udp_payload_size), .least = 1200, ANY,
	  .def = 65527 },
	{ 0x04, INT, FIELD(max_data), ANY },
	{ 0x05, INT, FIELD(max_stream_data_bidi_local), ANY },
	{ 0x06, INT, FIELD(max_stream_data_bidi_remote), ANY },
	{ 0x07, INT, FIELD(max_stream_data_uni), ANY },
	{ 0x08, INT, FIELD(max_streams_bidi), .most = STREAMS_LIMIT },
	{ 0x09, INT, FIELD(max_streams_uni), .most = STREAMS_LIMIT },
	{ 0x0a, INT8, FIELD(ack_delay_exponent), .most = 20, .def = 3 },
	{ 0x0b, INT, FIELD(max_ack_delay), .most = (1 << 14) - 1, .def = 25 },
	{ 0x0c, FLAG, FIELD(disable_active_migration) },
	{ 0x0d, PREFERRED, FIELD(preferred), QUIC_TP_HAS_PREFERRED, true },
	{ 0x0e, INT, FIELD(active_connection_id_limit), .least = 2, ANY,
	  .def = 2 },
	{ 0x0f, CID, FIELD(iscid), QUIC_TP_HAS_ISCID },
	{ 0x10, CID, FIELD(rscid), QUIC_TP_HAS_RSCID, true },
	{ 0x11, VERSION_INFO, FIELD(versions), QUIC_TP_HAS_VERSION_INFO },
	{ 0x20, INT, FIELD(max_datagram_frame_size), ANY },
	{ 0x2ab2, FLAG, FIELD(grease_quic_bit) },
	{ 0xff04de1b, INT, FIELD(min_ack_delay), .most = 1000 << 14,
	  .def = QUIC_NO_MIN_ACK_DELAY },
	{ 0xbaad, FLAG, FIELD(disable_1rtt_encryption) },
};

static void set_int(struct quic_tparams *tp, const struct tparam *row, u64 v)
{
	void *field = (void *)tp + row->field;

	if (row->shape == INT8)
		*(u8 *)field = v;
	else
		*(u64 *)field = v;
}

static u64 int_value(const struct quic_tparams *tp, const struct tparam *row)
{
	const void *field = (const void *)tp + row->field;

	return row->shape == INT8 ? *(const u8 *)field : *(const u64 *)field;
}

void quic_tparams_default(struct quic_tparams *tp)
{
	u32 i;

	memset(tp, 0, sizeof(*tp));
	for (i = 0; i < ARRAY_SIZE(table); i++)
		if (table[i].shape <= INT8)
			set_int(tp, &table[i], table[i].def);
}

/* Readers of one value.  @v holds exactly the value's bytes. */

/* RFC9000-4.6-1 RFC9000-18.2-7 */
static bool get_int(struct quic_cur *v, const struct tparam *row,
		    struct quic_tparams *tp)
{
	u64 n;

	if (!quic_get_varint(v, &n) || n < row->least || n > row->most)
		return false;
	set_int(tp, row, n);
	return true;
}

static bool get_copy(struct quic_cur *v, void *to, size_t len)
{
	const u8 *p;

	if (!quic_get_bytes(v, &p, len))
		return false;
	memcpy(to, p, len);
	return true;
}

static bool get_cid(struct quic_cur *v, struct quic_cid *cid)
{
	size_t len = quic_cur_left(v);

	if (len > QUIC_CID_MAX_LEN)
		return false;
	cid->len = len;
	return get_copy(v, cid->id, len);
}

static bool get_port(struct quic_cur *v, u16 *port)
{
	const u8 *p;

	if (!quic_get_bytes(v, &p, sizeof(__be16)))
		return false;
	*port = get_unaligned_be16(p);
	return true;
}

static bool get_preferred(struct quic_cur *v, struct quic_tparams *tp)
{
	struct quic_cid *cid = &tp->preferred.cid;

	return get_copy(v, tp->preferred.v4, sizeof(tp->preferred.v4)) &&
	       get_port(v, &tp->preferred.port4) &&
	       get_copy(v, tp->preferred.v6, sizeof(tp->preferred.v6)) &&
	       get_port(v, &tp->preferred.port6) &&
	       quic_get_u8(v, &cid->len) &&
	       cid->len && cid->len <= QUIC_CID_MAX_LEN &&
	       get_copy(v, cid->id, cid->len) &&
	       get_copy(v, tp->preferred.token, QUIC_RESET_TOKEN_LEN);
}

/*
 * RFC9368-3-2 RFC9368-4-3 RFC9368-4-4 RFC9368-4-5 RFC9368-4-6
 * RFC9368-4-7
 */
/* More versions than we have room for are checked and forgotten, but for those that
 * we speak.
 */
static bool get_version_info(struct quic_cur *v, bool from_server,
			     struct quic_tparams *tp)
{
	bool listed = from_server;	/* only a client must list its choice */
	const u8 *p;
	u32 version;

	if (!quic_get_bytes(v, &p, sizeof(__be32)))
		return false;
	tp->chosen_version = get_unaligned_be32(p);
	if (!tp->chosen_version)
		return false;

	while (quic_cur_left(v)) {
		if (!quic_get_bytes(v, &p, sizeof(__be32)))
			return false;
		version = get_unaligned_be32(p);
		if (!version)
			return false;
		if (version == tp->chosen_version)
			listed = true;
		if (tp->n_versions < (quic_version_supported(version) ?
				      QUIC_TPARAMS_MAX_VERSIONS :
				      QUIC_TPARAMS_MAX_VERSIONS - 2))
			tp->versions[tp->n_versions++] = version;
	}
	return listed;
}

static bool get_value(struct quic_cur *v, const struct tparam *row,
		      bool from_server, struct quic_tparams *tp)
{
	void *field = (void *)tp + row->field;

	switch (row->shape) {
	case INT:
	case INT8:
		return get_int(v, row, tp);
	case FLAG:
		*(bool *)field = true;
		return true;
	case CID:
		return get_cid(v, field);
	case RESET_TOKEN:
		return get_copy(v, field, QUIC_RESET_TOKEN_LEN);
	case PREFERRED:
		return get_preferred(v, tp);
	case VERSION_INFO:
		return get_version_info(v, from_server, tp);
	}
	return false;
}

/* RFC9000-7.4.2-1 RFC9000-18.2-9 RFC9287-3-1 */
/* @seen has a bit per row of the table, to find duplicates. */
static bool get_param(u64 id, struct quic_cur *v, bool from_server, u32 *seen,
		      struct quic_tparams *tp)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(table); i++)
		if (table[i].id == id)
			break;
	if (i == ARRAY_SIZE(table))
		return true;	/* unknown: ignored, section 7.4.2 */
	if ((*seen & BIT(i)) || (table[i].server_only && !from_server))
		return false;
	*seen |= BIT(i);
	tp->has |= table[i].has;
	return get_value(v, &table[i], from_server, tp) && !quic_cur_left(v);
}

/* RFC9000-18.2-5 */
/* Section 18.2: a zero-length connection ID forbids a preferred address. */
static bool consistent(const struct quic_tparams *tp)
{
	/* draft-ietf-quic-ack-frequency section 3: milliseconds there,
	 * microseconds here
	 */
	if (tp->min_ack_delay != QUIC_NO_MIN_ACK_DELAY &&
	    tp->min_ack_delay > 1000 * tp->max_ack_delay)
		return false;
	return !(tp->has & QUIC_TP_HAS_PREFERRED) ||
	       !(tp->has & QUIC_TP_HAS_ISCID) || tp->iscid.len;
}

/* RFC9000-7.4-1 */
int quic_tparams_decode(const u8 *buf, u32 len, bool from_server,
			struct quic_tparams *tp)
{
	struct quic_cur c = { .p = buf, .end = buf + len };
	struct quic_cur v;
	u64 id, value_len;
	u32 seen = 0;

	quic_tparams_default(tp);
	while (quic_cur_left(&c)) {
		if (!quic_get_varint(&c, &id) ||
		    !quic_get_varint(&c, &value_len) ||
		    !quic_get_bytes(&c, &v.p, value_len))
			return QUIC_TRANSPORT_ERROR_TRANSPORT_PARAM;
		v.end = c.p;
		if (!get_param(id, &v, from_server, &seen, tp))
			return QUIC_TRANSPORT_ERROR_TRANSPORT_PARAM;
	}
	return consistent(tp) ? 0 : QUIC_TRANSPORT_ERROR_TRANSPORT_PARAM;
}

static void put_head(struct quic_out *o, u64 id, size_t len)
{
	quic_put_varint(o, id);
	quic_put_varint(o, len);
}

static void put_int(struct quic_out *o, u64 id, u64 v)
{
	put_head(o, id, quic_varint_len(v));
	quic_put_varint(o, v);
}

static void put_copy(struct quic_out *o, u64 id, const u8 *p, size_t len)
{
	put_head(o, id, len);
	quic_put_bytes(o, p, len);
}

static void put_be(struct quic_out *o, u32 v, u8 bytes)
{
	while (bytes--)
		quic_put_u8(o, v >> (8 * bytes));
}

static void put_preferred(struct quic_out *o, u64 id,
			  const struct quic_tparams *tp)
{
	const struct quic_cid *cid = &tp->preferred.cid;

	put_head(o, id, sizeof(tp->preferred.v4) + 2 +
			sizeof(tp->preferred.v6) + 2 +
			1 + cid->len + QUIC_RESET_TOKEN_LEN);
	quic_put_bytes(o, tp->preferred.v4, sizeof(tp->preferred.v4));
	put_be(o, tp->preferred.port4, 2);
	quic_put_bytes(o, tp->preferred.v6, sizeof(tp->preferred.v6));
	put_be(o, tp->preferred.port6, 2);
	quic_put_u8(o, cid->len);
	quic_put_bytes(o, cid->id, cid->len);
	quic_put_bytes(o, tp->preferred.token, QUIC_RESET_TOKEN_LEN);
}

static void put_version_info(struct quic_out *o, u64 id,
			     const struct quic_tparams *tp)
{
	u8 i;

	put_head(o, id, 4 * (1 + tp->n_versions));
	put_be(o, tp->chosen_version, 4);
	for (i = 0; i < tp->n_versions; i++)
		put_be(o, tp->versions[i], 4);
}

static void put_param(struct quic_out *o, const struct tparam *row,
		      const struct quic_tparams *tp)
{
	const void *field = (const void *)tp + row->field;
	const struct quic_cid *cid = field;

	switch (row->shape) {
	case INT:
	case INT8:
		if (int_value(tp, row) != row->def)
			put_int(o, row->id, int_value(tp, row));
		break;
	case FLAG:
		if (*(const bool *)field)
			put_head(o, row->id, 0);
		break;
	case CID:
		put_copy(o, row->id, cid->id, cid->len);
		break;
	case RESET_TOKEN:
		put_copy(o, row->id, field, QUIC_RESET_TOKEN_LEN);
		break;
	case PREFERRED:
		put_preferred(o, row->id, tp);
		break;
	case VERSION_INFO:
		put_version_info(o, row->id, tp);
		break;
	}
}

/* RFC9000-7.4-2 RFC9000-18.2-1 RFC9000-18.2-8 */
void quic_tparams_encode(struct quic_out *o, const struct quic_tparams *tp,
			 bool server)
{
	const struct tparam *row;

	for (row = table; row < table + ARRAY_SIZE(table); row++) {
		if ((tp->has & row->has) != row->has)
			continue;
		if (server || !row->server_only)
			put_param(o, row, tp);
	}
}
