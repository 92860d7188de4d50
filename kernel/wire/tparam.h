/* SPDX-License-Identifier: GPL-2.0 */
/* Transport parameters, RFC 9000 section 18, as the TLS extension carries them. */
#ifndef KQUIC_WIRE_TPARAM_H
#define KQUIC_WIRE_TPARAM_H

#include <linux/bits.h>
#include <linux/stddef.h>

#include "varint.h"
#include "header.h"

#define QUIC_TPARAMS_MAX_VERSIONS 16
/* min_ack_delay: frames about acknowledgments are not understood. */
#define QUIC_NO_MIN_ACK_DELAY	QUIC_VARINT_MAX

/* Presence bits for parameters that have no neutral default. */
#define QUIC_TP_HAS_ODCID	 BIT(0)
#define QUIC_TP_HAS_ISCID	 BIT(1)
#define QUIC_TP_HAS_RSCID	 BIT(2)
#define QUIC_TP_HAS_RESET_TOKEN	 BIT(3)
#define QUIC_TP_HAS_PREFERRED	 BIT(4)
#define QUIC_TP_HAS_VERSION_INFO BIT(5)

/**
 * struct quic_tparams - one endpoint's transport parameters
 *
 * Units are those of the wire: milliseconds and bytes.  Fields tagged with
 * the section that defines them; unknown parameters are skipped.
 */
struct quic_tparams {
	struct_group_tagged(quic_tparams_lasting, lasting, /* after the handshake */
		u32 has;			/* QUIC_TP_HAS_* */
		bool disable_active_migration;	/* 18.2 */
		bool grease_quic_bit;		/* RFC 9287 section 3 */
		bool disable_1rtt_encryption;	/* id 0xbaad, private */
		u8 ack_delay_exponent;		/* 18.2, default 3 */
		u64 max_idle_timeout;		/* 10.1, ms, 0: none */
		u64 max_udp_payload_size;	/* 18.2, default 65527 */
		u64 max_data;			/* 4.1 */
		u64 max_stream_data_bidi_local;
		u64 max_stream_data_bidi_remote;
		u64 max_stream_data_uni;
		u64 max_streams_bidi;		/* 4.6 */
		u64 max_streams_uni;
		u64 max_ack_delay;		/* 13.2.1, ms, default 25 */
		u64 active_connection_id_limit;	/* 5.1.1, default 2 */
		u64 max_datagram_frame_size;	/* RFC 9221 section 3 */
		u64 min_ack_delay;		/* ACK frequency draft section 3, us */
	);
	struct quic_cid odcid;		/* 7.3 */
	struct quic_cid iscid;
	struct quic_cid rscid;
	u8 reset_token[QUIC_RESET_TOKEN_LEN]; /* 10.3 */
	struct {			/* 9.6 */
		u8 v4[4], v6[16];
		u16 port4, port6;	/* host order */
		struct quic_cid cid;
		u8 token[QUIC_RESET_TOKEN_LEN];
	} preferred;
	u32 chosen_version;		/* RFC 9368 section 3 */
	u8 n_versions;
	u32 versions[QUIC_TPARAMS_MAX_VERSIONS];
};

/* What an endpoint that sends nothing means (RFC 9000 section 18.2). */
void quic_tparams_default(struct quic_tparams *tp);

/**
 * quic_tparams_decode - read a peer's parameters
 * @buf:	bytes of the extension
 * @len:	how many
 * @from_server: the peer is a server, so server-only parameters are legal
 * @tp:		result, starts from the defaults
 *
 * Return: 0 or QUIC_TRANSPORT_ERROR_TRANSPORT_PARAM for a malformed,
 * duplicate or forbidden parameter or a value outside its legal range.
 * (Whether required connection IDs are present and right is the caller's
 * check, RFC 9000 section 7.3.)
 */
int quic_tparams_decode(const u8 *buf, u32 len, bool from_server,
			struct quic_tparams *tp);

/* Write @tp; only what differs from the default, and for a client nothing
 * that only a server may send.  Sets o->overflow when it does not fit.
 */
void quic_tparams_encode(struct quic_out *o, const struct quic_tparams *tp,
			 bool server);

#endif
