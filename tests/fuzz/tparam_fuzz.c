// SPDX-License-Identifier: GPL-2.0
/*
 * Transport parameters.  The first byte of the input says who sent them.
 *
 * needs: wire/tparam.c wire/header.c wire/varint.c
 */
#include <linux/quic.h>

#include "fuzz.h"
#include "wire/tparam.h"

static void check_ranges(const struct quic_tparams *tp, bool server)
{
	MUST(tp->max_udp_payload_size >= 1200);
	MUST(tp->ack_delay_exponent <= 20);
	MUST(tp->max_ack_delay < 1 << 14);
	MUST(tp->active_connection_id_limit >= 2);
	MUST(tp->max_streams_bidi <= 1ULL << 60);
	MUST(tp->max_streams_uni <= 1ULL << 60);
	MUST(tp->odcid.len <= QUIC_CID_MAX_LEN);
	MUST(tp->iscid.len <= QUIC_CID_MAX_LEN);
	MUST(tp->rscid.len <= QUIC_CID_MAX_LEN);
	MUST(tp->preferred.cid.len <= QUIC_CID_MAX_LEN);
	MUST(tp->n_versions <= QUIC_TPARAMS_MAX_VERSIONS);
	MUST(!(tp->has & QUIC_TP_HAS_VERSION_INFO) == !tp->chosen_version);
	MUST(server || !(tp->has & ~(QUIC_TP_HAS_ISCID |
				     QUIC_TP_HAS_VERSION_INFO)));
}

static void check_round_trip(const struct quic_tparams *tp, bool server)
{
	static u8 buf[4096];
	struct quic_out o = { buf, buf + sizeof(buf) };
	struct quic_tparams again;
	size_t len;
	u8 *p;

	quic_tparams_encode(&o, tp, server);
	MUST(!o.overflow);
	len = o.p - buf;
	MUST(!quic_tparams_decode(buf, len, server, &again));
	MUST(!memcmp(&again, tp, sizeof(again)));

	if (!len)
		return;
	p = malloc(len - 1);	/* a byte too few, and none beyond it */
	o = (struct quic_out){ p, p + len - 1 };
	quic_tparams_encode(&o, tp, server);
	MUST(o.overflow);
	free(p);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct quic_tparams tp;
	bool server;
	int err;

	if (!size)
		return 0;
	server = data[0] & 1;
	err = quic_tparams_decode(data + 1, size - 1, server, &tp);
	MUST(!err || err == QUIC_TRANSPORT_ERROR_TRANSPORT_PARAM);
	if (err)
		return 0;
	check_ranges(&tp, server);
	/* of a list longer than ours, the choice itself may be forgotten */
	if (tp.n_versions < QUIC_TPARAMS_MAX_VERSIONS - 2)
		check_round_trip(&tp, server);
	return 0;
}
