// SPDX-License-Identifier: GPL-2.0
/*
 * seeds DIR - write the corpus that fuzzing starts from: DIR/TARGET/N, valid
 * inputs of every kind, made with our own writers and from the unit tests'
 * packets.  Random values, the same in every run.
 *
 * needs: wire/varint.c wire/header.c wire/frame_put.c wire/tparam.c
 */
#include <linux/quic.h>
#include <sys/stat.h>

#include "fuzz.h"
#include "hellos.h"
#include "vectors.h"
#include "wire/frame.h"
#include "wire/tparam.h"

static const char *dir;
static u8 buf[4096];
static struct quic_out out;

static u64 rnd(unsigned int bits)
{
	static u64 state = 1;

	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return bits ? (state ^ state >> 29) >> (64 - bits) : 0;
}

static void start(void)
{
	out = (struct quic_out){ buf, buf + sizeof(buf) };
}

static void save(const char *target)
{
	static int n;
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, target);
	mkdir(path, 0777);
	snprintf(path, sizeof(path), "%s/%s/%03d", dir, target, n++);
	f = fopen(path, "w");
	if (!f || fwrite(buf, 1, out.p - buf, f) != out.p - buf || fclose(f)) {
		perror(path);
		exit(1);
	}
}

static void put_hex(const char *hex)
{
	unsigned int byte;

	for (; *hex && sscanf(hex, "%2x", &byte) == 1; hex += 2)
		quic_put_u8(&out, byte);
}

static void put_zeros(size_t n)
{
	while (n--)
		quic_put_u8(&out, 0);
}

static void random_cid(struct quic_cid *cid, u8 len)
{
	for (cid->len = 0; cid->len < len; cid->len++)
		cid->id[cid->len] = rnd(8);
}

static void varints(void)
{
	int i;

	start();
	for (i = 0; i <= 62; i++)
		quic_put_varint(&out, rnd(i));
	save("varint");
}

static void headers(void)
{
	const char *const packets[] = {
		rfc_versions[0].client_pkt, rfc_versions[0].server_pkt,
		rfc_versions[0].retry_pkt, rfc_versions[1].client_pkt,
		rfc_versions[1].server_pkt, rfc_versions[1].retry_pkt,
	};
	static const u32 versions[] = { QUIC_VERSION_V1, QUIC_VERSION_V2 };
	struct quic_cid dcid, scid;
	int i, type;

	for (i = 0; i < ARRAY_SIZE(packets); i++) {
		start();
		quic_put_u8(&out, 8);
		put_hex(packets[i]);
		save("header");
	}
	/* all types coalesced, a short header last */
	for (i = 0; i < ARRAY_SIZE(versions); i++) {
		start();
		quic_put_u8(&out, 8);
		random_cid(&dcid, 8);
		random_cid(&scid, 5);
		for (type = QUIC_PKT_INITIAL; type <= QUIC_PKT_HANDSHAKE;
		     type++) {
			u8 *pkt = out.p;
			u16 pn_off;

			pn_off = quic_hdr_put_long(&out, type, versions[i],
						   &dcid, &scid,
						   (const u8 *)"token", 5, 1,
						   2);
			put_zeros(40);
			quic_hdr_set_length(pkt, pn_off, 42);
		}
		quic_hdr_put_short(&out, &dcid, true, false, 1, 2);
		put_zeros(40);
		save("header");
	}
	start();	/* Version Negotiation, and a version nobody speaks */
	put_hex("088000000000010204aabbccdd0000000100000002");
	save("header");
	start();
	put_hex("08c01a2a3a4a0101020203040506");
	save("header");
}

static void frames(void)
{
	static const u8 bytes[16] = "sixteen bytes..";
	struct quic_cid cid;
	int i;

	for (i = 0; i < 8; i++) {
		start();
		random_cid(&cid, 1 + rnd(4));
		quic_put_ping(&out);
		put_hex("021400020301020300");		/* ACK */
		put_hex("034a5a0001010000020304");		/* ACK_ECN */
		quic_put_reset_stream(&out, rnd(8 * i), rnd(6), rnd(7 * i));
		quic_put_stop_sending(&out, rnd(8 * i), rnd(14));
		quic_put_crypto(&out, rnd(7 * i), 16);
		quic_put_bytes(&out, bytes, 16);
		put_hex("0703aabbcc");				/* NEW_TOKEN */
		quic_put_stream(&out, rnd(8 * i), i & 1 ? rnd(7 * i) : 0, 16,
				i & 2, false);
		quic_put_bytes(&out, bytes, 16);
		quic_put_max_data(&out, rnd(8 * i));
		quic_put_max_stream_data(&out, rnd(8 * i), rnd(7 * i));
		quic_put_max_streams(&out, i & 1, rnd(7 * i));
		quic_put_data_blocked(&out, rnd(8 * i));
		quic_put_stream_data_blocked(&out, rnd(7 * i), rnd(8 * i));
		quic_put_streams_blocked(&out, i & 1, rnd(7 * i));
		quic_put_new_connection_id(&out, 3 + i, i, &cid, bytes);
		quic_put_retire_connection_id(&out, rnd(6));
		quic_put_path_challenge(&out, bytes);
		quic_put_path_response(&out, bytes);
		quic_put_handshake_done(&out);
		quic_put_immediate_ack(&out);
		quic_put_ack_frequency(&out, i, rnd(6), rnd(14), rnd(4));
		quic_put_datagram(&out, 16, false);
		quic_put_bytes(&out, bytes, 16);
		quic_put_connection_close(&out, i & 1, rnd(9), 6, bytes,
					  i * 2);
		put_zeros(i * 3);
		quic_put_stream(&out, 4, 0, 16, false, true);
		quic_put_bytes(&out, bytes, 16);
		save("frame");
	}
	start();
	put_hex(rfc_client_payload);
	save("frame");
}

static void tparams(void)
{
	struct quic_tparams tp;
	int i;

	for (i = 0; i < 8; i++) {
		quic_tparams_default(&tp);
		tp.has = i & 1 ? 0x3f : QUIC_TP_HAS_ISCID |
					QUIC_TP_HAS_VERSION_INFO;
		tp.disable_active_migration = i & 2;
		tp.grease_quic_bit = i & 4;
		tp.disable_1rtt_encryption = i & 2;
		tp.ack_delay_exponent = i;
		tp.max_idle_timeout = rnd(8 * i);
		tp.max_udp_payload_size = 1200 + rnd(10);
		tp.max_data = rnd(8 * i);
		tp.max_stream_data_bidi_local = rnd(7 * i);
		tp.max_stream_data_bidi_remote = rnd(6 * i);
		tp.max_stream_data_uni = rnd(5 * i);
		tp.max_streams_bidi = rnd(7 * i);
		tp.max_streams_uni = rnd(7 * i);
		tp.max_ack_delay = rnd(2 * i);
		tp.active_connection_id_limit = 2 + i;
		tp.max_datagram_frame_size = rnd(2 * i);
		tp.min_ack_delay = i & 1 ? 1000 * tp.max_ack_delay :
					   QUIC_NO_MIN_ACK_DELAY;
		random_cid(&tp.odcid, 8);
		random_cid(&tp.iscid, 1 + i);
		random_cid(&tp.rscid, 20);
		random_cid(&tp.preferred.cid, 1 + i);
		tp.n_versions = 1 + i;
		memset(tp.versions, 1, sizeof(tp.versions));
		tp.chosen_version = tp.versions[0];
		start();
		quic_put_u8(&out, i & 1);
		quic_tparams_encode(&out, &tp, i & 1);
		save("tparam");
	}
}

static void client_hellos(void)
{
	static const char *const hellos[] = {
		rfc_client_payload + 8, hello_ngtcp2, hello_gnutls,
		hello_openssl, hello_no_alpn, hello_tls12,
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(hellos); i++) {
		start();
		quic_put_bytes(&out, "smb,h3", 7);
		put_hex(hellos[i]);
		save("client_hello");
	}
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: seeds DIR\n");
		return 2;
	}
	dir = argv[1];
	mkdir(dir, 0777);
	varints();
	headers();
	frames();
	tparams();
	client_hellos();
	return 0;
}
