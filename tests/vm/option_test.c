// SPDX-License-Identifier: GPL-2.0
/*
 * Socket options: ranges, lengths, states, and those that are not there yet.
 */
#include <netinet/in.h>
#include "pair.h"

static int set_tp(int fd, struct quic_transport_param tp)
{
	return opt_set(fd, QUIC_SOCKOPT_TRANSPORT_PARAM, &tp, sizeof(tp));
}

static struct quic_transport_param get_tp(int fd)
{
	struct quic_transport_param tp = { 0 };
	socklen_t len = sizeof(tp);

	OK(!opt_get(fd, QUIC_SOCKOPT_TRANSPORT_PARAM, &tp, &len));
	EQ(len, 56);
	return tp;
}

static int set_cfg(int fd, struct quic_config cfg)
{
	return opt_set(fd, QUIC_SOCKOPT_CONFIG, &cfg, sizeof(cfg));
}

static struct quic_config get_cfg(int fd)
{
	struct quic_config cfg = { 0 };
	socklen_t len = sizeof(cfg);

	OK(!opt_get(fd, QUIC_SOCKOPT_CONFIG, &cfg, &len));
	EQ(len, 28);
	return cfg;
}

/* ---- the ABI ------------------------------------------------------------------------- */

_Static_assert(sizeof(struct quic_transport_param) == 56, "");
_Static_assert(sizeof(struct quic_config) == 28, "");
_Static_assert(sizeof(struct quic_crypto_secret) == 56, "");
_Static_assert(sizeof(struct quic_errinfo) == 16, "");
_Static_assert(sizeof(struct quic_connection_id_info) == 12, "");
_Static_assert(sizeof(struct quic_event_option) == 2, "");
_Static_assert(sizeof(struct quic_stream_update) == 24, "");
_Static_assert(sizeof(struct quic_stream_max_data) == 16, "");
_Static_assert(sizeof(struct quic_connection_close) == 72, "");
_Static_assert(sizeof(union quic_event) == 72, "");
_Static_assert(sizeof(struct quic_stream_info) == 16, "");
_Static_assert(sizeof(struct quic_handshake_info) == 1, "");
_Static_assert(IPPROTO_QUIC == 261 && SOL_QUIC == 288, "");
#ifndef IPPROTO_QUIC
#error IPPROTO_QUIC is to be a macro, too
#endif

/* ---- transport parameters -------------------------------------------------------------- */

TEST_EACH(transport_param_defaults)
{
	struct quic_transport_param tp = get_tp(quic_socket());

	EQ(tp.remote, 0);
	EQ(tp.active_connection_id_limit, 7);
	EQ(tp.ack_delay_exponent, 3);
	EQ(tp.max_datagram_frame_size, 0);
	EQ(tp.max_udp_payload_size, 65527);
	EQ(tp.max_idle_timeout, 30000000);
	EQ(tp.max_ack_delay, 25000);
	EQ(tp.max_streams_bidi, 100);
	EQ(tp.max_streams_uni, 100);
	EQ(tp.max_data, 65535 * 32);
	EQ(tp.max_stream_data_bidi_local, 65535 * 16);
	EQ(tp.max_stream_data_bidi_remote, 65535 * 16);
	EQ(tp.max_stream_data_uni, 65535 * 16);
}

/* The last value in range is taken and given back; the next is refused, and
 * changes nothing.
 */
#define RANGE(fd, field, low, below, high, above) do {			\
	EQ(set_tp(fd, (struct quic_transport_param){ .field = low }), 0); \
	EQ(get_tp(fd).field, low);					\
	EQ(set_tp(fd, (struct quic_transport_param){ .field = high }), 0); \
	EQ(get_tp(fd).field, high);					\
	if (below)							\
		ERR(set_tp(fd, (struct quic_transport_param){		\
			.field = below }), EINVAL);			\
	if (above)							\
		ERR(set_tp(fd, (struct quic_transport_param){		\
			.field = above }), EINVAL);			\
	EQ(get_tp(fd).field, high);					\
} while (0)

/* RFC9000-18.2-6 */
TEST(transport_param_ranges)
{
	int fd = quic_socket();

	RANGE(fd, active_connection_id_limit, 2, 1, 8, 9);
	RANGE(fd, ack_delay_exponent, 1, 0, 20, 21);
	RANGE(fd, max_udp_payload_size, 1200, 1199, 65527, 65528);
	RANGE(fd, max_idle_timeout, 1000000, 999999, 4294967295U, 0);
	RANGE(fd, max_ack_delay, 1, 0, 16383999, 16384000);
	RANGE(fd, max_streams_bidi, 1, 0, 4096, 4097);
	RANGE(fd, max_streams_uni, 1, 0, 4096, 4097);
	RANGE(fd, max_data, 1200, 1199, INT32_MAX / 4, INT32_MAX / 4 + 1);
	RANGE(fd, max_stream_data_bidi_local, 1200, 1199, INT32_MAX / 8,
	      INT32_MAX / 8 + 1);
	RANGE(fd, max_stream_data_bidi_remote, 1200, 1199, INT32_MAX / 8,
	      INT32_MAX / 8 + 1);
	RANGE(fd, max_stream_data_uni, 1200, 1199, INT32_MAX / 8,
	      INT32_MAX / 8 + 1);
}

TEST(transport_param_flags)
{
	int fd = quic_socket();

	EQ(set_tp(fd, (struct quic_transport_param){
		.disable_active_migration = 1, .grease_quic_bit = 7,
		.stateless_reset = 1, .disable_compatible_version = 1 }), 0);
	EQ(set_tp(fd, (struct quic_transport_param){ 0 }), 0);
	OK(get_tp(fd).disable_active_migration);
	OK(get_tp(fd).grease_quic_bit);
	OK(get_tp(fd).stateless_reset);
	OK(get_tp(fd).disable_compatible_version);
}

/* One field out of range: none of the others is set either. */
TEST(transport_param_all_or_nothing)
{
	int fd = quic_socket();

	ERR(set_tp(fd, (struct quic_transport_param){
		.max_streams_bidi = 5, .max_data = 5 }), EINVAL);
	EQ(get_tp(fd).max_streams_bidi, 100);
}

TEST(transport_param_lengths)
{
	struct {
		struct quic_transport_param tp;
		uint64_t more;
	} big = { .tp.max_data = 5000, .more = ~0ULL };
	struct quic_transport_param tp = { .max_streams_uni = 3, .max_data = 9999 };
	int fd = quic_socket();
	socklen_t len;

	_Static_assert(sizeof(big) == 64, "");
	OK(!opt_set(fd, QUIC_SOCKOPT_TRANSPORT_PARAM, &big, sizeof(big)));
	EQ(get_tp(fd).max_data, 5000);
	/* Shorter: what is missing is zero, that is unchanged. */
	OK(!opt_set(fd, QUIC_SOCKOPT_TRANSPORT_PARAM, &tp, 24));
	EQ(get_tp(fd).max_streams_uni, 3);
	EQ(get_tp(fd).max_data, 5000);
	OK(!opt_set(fd, QUIC_SOCKOPT_TRANSPORT_PARAM, NULL, 0));
	len = sizeof(big);
	big.more = 0x55;
	OK(!opt_get(fd, QUIC_SOCKOPT_TRANSPORT_PARAM, &big, &len));
	EQ(len, 56);
	EQ(big.more, 0x55);
	len = 8;
	memset(&tp, 0xaa, sizeof(tp));
	tp.remote = 0;
	OK(!opt_get(fd, QUIC_SOCKOPT_TRANSPORT_PARAM, &tp, &len));
	EQ(len, 8);
	EQ(tp.ack_delay_exponent, 3);
	EQ(tp.max_streams_uni, 0xaaaa);
}

TEST(transport_param_states)
{
	struct quic_transport_param tp = { .max_data = 5000 };
	struct pair p = { .client_params.max_data = 77000 };
	socklen_t len = sizeof(tp);
	int udp = udp_socket(0), fd = client(port_of(udp));

	EQ(set_tp(fd, tp), 0);		/* while establishing */
	EQ(get_tp(fd).max_data, 5000);
	connection(&p);
	ERR(set_tp(p.client, tp), EINVAL);
	ERR(set_tp(p.server, tp), EINVAL);
	tp.remote = 1;
	OK(!opt_get(p.server, QUIC_SOCKOPT_TRANSPORT_PARAM, &tp, &len));
	EQ(tp.remote, 1);
	EQ(tp.max_data, 77000);
	EQ(tp.max_idle_timeout, 30000000);
	EQ(tp.max_streams_bidi, 100);
	/* Nothing to tell of a peer that there is not. */
	ERR(opt_get(quic_socket(), QUIC_SOCKOPT_TRANSPORT_PARAM, &tp, &len),
	    EINVAL);
}

/* ---- configuration ----------------------------------------------------------------------- */

#define CFG_RANGE(fd, field, low, below, high, above) do {		\
	EQ(set_cfg(fd, (struct quic_config){ .field = low }), 0);	\
	EQ(get_cfg(fd).field, low);					\
	EQ(set_cfg(fd, (struct quic_config){ .field = high }), 0);	\
	EQ(get_cfg(fd).field, high);					\
	ERR(set_cfg(fd, (struct quic_config){ .field = below }), EINVAL); \
	if (above)							\
		ERR(set_cfg(fd, (struct quic_config){ .field = above }), EINVAL); \
	EQ(get_cfg(fd).field, high);					\
} while (0)

TEST(config_ranges)
{
	int fd = quic_socket();

	EQ(get_cfg(fd).version, QUIC_VERSION_V1);
	EQ(get_cfg(fd).initial_smoothed_rtt, 333000);
	EQ(get_cfg(fd).plpmtud_probe_interval, 0);
	EQ(get_cfg(fd).keepalive_probe_interval, 0);
	EQ(get_cfg(fd).payload_cipher_type, 0);
	CFG_RANGE(fd, plpmtud_probe_interval, 5000000, 4999999,
		  UINT32_MAX / 30, UINT32_MAX / 30 + 1);
	CFG_RANGE(fd, initial_smoothed_rtt, 1000, 999, 6000000, 6000001);
	CFG_RANGE(fd, payload_cipher_type, 51, 50, 54, 55);
	CFG_RANGE(fd, keepalive_probe_interval, 1500000, 1499999, UINT32_MAX, 0);
	ERR(set_cfg(fd, (struct quic_config){
		.congestion_control_algo = QUIC_CONG_ALG_MAX }), EINVAL);
	EQ(set_cfg(fd, (struct quic_config){
		.congestion_control_algo = QUIC_CONG_ALG_CUBIC,
		.stream_data_nodelay = 1, .receive_session_ticket = 9,
		.certificate_request = 3 }), 0);
	EQ(get_cfg(fd).congestion_control_algo, QUIC_CONG_ALG_CUBIC);
	EQ(get_cfg(fd).stream_data_nodelay, 1);
	EQ(get_cfg(fd).receive_session_ticket, 9);
	EQ(get_cfg(fd).certificate_request, 3);
}

TEST(config_lengths)
{
	struct quic_config cfg = { .initial_smoothed_rtt = 5000,
				   .keepalive_probe_interval = 2000000 };
	int fd = quic_socket();
	socklen_t len = 24;

	/* Older programs know 24 bytes. */
	OK(!opt_set(fd, QUIC_SOCKOPT_CONFIG, &cfg, 24));
	EQ(get_cfg(fd).initial_smoothed_rtt, 5000);
	EQ(get_cfg(fd).keepalive_probe_interval, 0);
	cfg.keepalive_probe_interval = 1;
	OK(!opt_get(fd, QUIC_SOCKOPT_CONFIG, &cfg, &len));
	EQ(len, 24);
	EQ(cfg.keepalive_probe_interval, 1);
}

TEST(config_states)
{
	struct pair p = { 0 };

	connection(&p);
	ERR(set_cfg(p.client, (struct quic_config){ 0 }), EINVAL);
	ERR(set_cfg(p.server, (struct quic_config){ 0 }), EINVAL);
	EQ(get_cfg(p.client).version, QUIC_VERSION_V1);
}

/* ---- ALPN ---------------------------------------------------------------------------------- */

TEST(alpn_values)
{
	int fd = quic_socket();
	char buf[200];
	socklen_t len = sizeof(buf);

	OK(!opt_get(fd, QUIC_SOCKOPT_ALPN, buf, &len));
	EQ(len, 0);
	OK(!opt_set(fd, QUIC_SOCKOPT_ALPN, "smbd, h3,  ksmbd", 16));
	len = sizeof(buf);
	OK(!opt_get(fd, QUIC_SOCKOPT_ALPN, buf, &len));
	EQ(len, 13);
	OK(!memcmp(buf, "smbd,h3,ksmbd", 13));
	len = 5;
	ERR(opt_get(fd, QUIC_SOCKOPT_ALPN, buf, &len), EINVAL);
	ERR(opt_set(fd, QUIC_SOCKOPT_ALPN, "", 0), EINVAL);
	memset(buf, 'a', sizeof(buf));
	OK(!opt_set(fd, QUIC_SOCKOPT_ALPN, buf, 128));
	ERR(opt_set(fd, QUIC_SOCKOPT_ALPN, buf, 129), EINVAL);
}

/* ---- events, close --------------------------------------------------------------------------- */

TEST(event_option)
{
	struct quic_event_option ev = { .on = 1 };
	int fd = quic_socket();
	socklen_t len;

	ERR(opt_set(fd, QUIC_SOCKOPT_EVENT, &ev, sizeof(ev)), EINVAL);
	ev.type = QUIC_EVENT_MAX;
	ERR(opt_set(fd, QUIC_SOCKOPT_EVENT, &ev, sizeof(ev)), EINVAL);
	len = sizeof(ev);
	ERR(opt_get(fd, QUIC_SOCKOPT_EVENT, &ev, &len), EINVAL);
	for (ev.type = 1; ev.type < QUIC_EVENT_MAX; ev.type++) {
		len = sizeof(ev);
		ev.on = 7;
		OK(!opt_get(fd, QUIC_SOCKOPT_EVENT, &ev, &len));
		EQ(ev.on, 0);
		ev.on = 1;
		OK(!opt_set(fd, QUIC_SOCKOPT_EVENT, &ev, sizeof(ev)));
		ev.on = 0;
		len = sizeof(ev);
		OK(!opt_get(fd, QUIC_SOCKOPT_EVENT, &ev, &len));
		EQ(ev.on, 1);
		EQ(len, 2);
		ev.on = 0;
		OK(!opt_set(fd, QUIC_SOCKOPT_EVENT, &ev, sizeof(ev)));
		OK(!opt_get(fd, QUIC_SOCKOPT_EVENT, &ev, &len));
		EQ(ev.on, 0);
	}
}

TEST(close_option)
{
	struct quic_connection_close cl = { .errcode = 99, .frame = 5 };
	int fd = quic_socket();
	socklen_t len = sizeof(cl);

	memset(cl.phrase, 'x', sizeof(cl.phrase));
	OK(!opt_set(fd, QUIC_SOCKOPT_CONNECTION_CLOSE, &cl, sizeof(cl)));
	memset(&cl, 0, sizeof(cl));
	OK(!opt_get(fd, QUIC_SOCKOPT_CONNECTION_CLOSE, &cl, &len));
	EQ(len, 72);
	EQ(cl.errcode, 99);
	EQ(cl.frame, 0);
	EQ(strlen((char *)cl.phrase), 63);
}

/* ---- the rest ------------------------------------------------------------------------------------ */

TEST_EACH(token_tells_the_role)
{
	struct pair p = { 0 };
	char buf[120];
	socklen_t len = sizeof(buf);
	int fd = quic_socket();

	OK(!opt_get(fd, QUIC_SOCKOPT_TOKEN, buf, &len));
	EQ(len, 0);
	len = 0;
	OK(!opt_get(fd, QUIC_SOCKOPT_TOKEN, NULL, &len));
	connection(&p);
	len = sizeof(buf);
	OK(!opt_get(p.client, QUIC_SOCKOPT_TOKEN, buf, &len));
	len = sizeof(buf);
	ERR(opt_get(p.server, QUIC_SOCKOPT_TOKEN, buf, &len), EINVAL);
	ERR(opt_get(p.listener, QUIC_SOCKOPT_TOKEN, buf, &len), EINVAL);
}

TEST(congestion_by_name)
{
	int fd = quic_socket();
	struct pair p = { 0 };
	char name[16] = "";
	socklen_t len = sizeof(name);

	OK(!opt_get(fd, QUIC_SOCKOPT_CONGESTION, name, &len));
	OK(!strcmp(name, "cubic"));
	OK(!opt_set(fd, QUIC_SOCKOPT_CONGESTION, "reno", 4));
	len = sizeof(name);
	OK(!opt_get(fd, QUIC_SOCKOPT_CONGESTION, name, &len));
	OK(!strcmp(name, "reno"));
	EQ(get_cfg(fd).congestion_control_algo, QUIC_CONG_ALG_RENO);
	OK(!opt_set(fd, QUIC_SOCKOPT_CONGESTION, "cubic", 6));
	EQ(get_cfg(fd).congestion_control_algo, QUIC_CONG_ALG_CUBIC);
	ERR(opt_set(fd, QUIC_SOCKOPT_CONGESTION, "vegas", 5), ENOENT);
	ERR(opt_set(fd, QUIC_SOCKOPT_CONGESTION, "a name that is far too long",
		    27), ENOENT);
	connection(&p);
	ERR(opt_set(p.client, QUIC_SOCKOPT_CONGESTION, "reno", 4), EINVAL);
}

TEST(connid_by_name)
{
	int fd = quic_socket();
	struct pair p = { 0 };
	char name[16] = "";
	socklen_t len = sizeof(name);

	OK(!opt_get(fd, QUIC_SOCKOPT_CONNID, name, &len));
	EQ(len, 16);
	OK(!strcmp(name, "random"));
	OK(!opt_set(fd, QUIC_SOCKOPT_CONNID, "random", 6));
	len = 3;
	OK(!opt_get(fd, QUIC_SOCKOPT_CONNID, name, &len));
	EQ(len, 3);
	ERR(opt_set(fd, QUIC_SOCKOPT_CONNID, "", 0), EINVAL);
	ERR(opt_set(fd, QUIC_SOCKOPT_CONNID, "rand", 4), ENOENT);
	ERR(opt_set(fd, QUIC_SOCKOPT_CONNID, "a name that is far too long",
		    27), ENOENT);
	connection(&p);
	ERR(opt_set(p.client, QUIC_SOCKOPT_CONNID, "random", 6), EINVAL);
	len = sizeof(name);
	OK(!opt_get(p.client, QUIC_SOCKOPT_CONNID, name, &len));
	OK(!strcmp(name, "random"));
}

TEST_EACH(connection_id_numbers)
{
	struct quic_connection_id_info info = { .dest = 0 };
	socklen_t len = sizeof(info);
	struct pair p = { 0 };

	ERR(opt_get(quic_socket(), QUIC_SOCKOPT_CONNECTION_ID, &info, &len),
	    EINVAL);
	connection(&p);
	OK(!opt_get(p.client, QUIC_SOCKOPT_CONNECTION_ID, &info, &len));
	EQ(len, 12);
	EQ(info.prior_to, 0);
	info = (struct quic_connection_id_info){ .dest = 1 };
	OK(!opt_get(p.client, QUIC_SOCKOPT_CONNECTION_ID, &info, &len));
	EQ(info.active, 0);
}

TEST(options_not_there)
{
	static const int set[] = { 0x7fff, -1, 15, 63, 100,
		QUIC_SOCKOPT_STREAM_OPEN, QUIC_SOCKOPT_INFO };
	static const int get[] = { 0x7fff, -1, 15, 63, 100,
		QUIC_SOCKOPT_STREAM_RESET, QUIC_SOCKOPT_STREAM_STOP_SENDING,
		QUIC_SOCKOPT_CONNECTION_MIGRATION, QUIC_SOCKOPT_KEY_UPDATE,
		QUIC_SOCKOPT_CRYPTO_SECRET };
	struct pair p = { 0 };
	char buf[128] = "";

	connection(&p);
	for (size_t i = 0; i < sizeof(set) / sizeof(set[0]); i++)
		ERR(opt_set(p.client, set[i], buf, sizeof(buf)), ENOPROTOOPT);
	for (size_t i = 0; i < sizeof(get) / sizeof(get[0]); i++) {
		socklen_t len = sizeof(buf);

		ERR(opt_get(p.client, get[i], buf, &len), ENOPROTOOPT);
	}
}

TEST(offload_is_allowed)
{
	struct quic_offload o = { .allowed = QUIC_OFFLOAD_ALLOW_TX, .active = 3 };
	struct pair p = { 0 };
	socklen_t len = sizeof(o);
	uint32_t bits = 4;

	p.listener = quic_socket();
	OK(!opt_set(p.listener, QUIC_SOCKOPT_OFFLOAD, &o, sizeof(o)));
	OK(!opt_get(p.listener, QUIC_SOCKOPT_OFFLOAD, &o, &len));
	EQ(len, sizeof(o));
	EQ(o.allowed, QUIC_OFFLOAD_ALLOW_TX);
	EQ(o.active, 0);
	ERR(opt_set(p.listener, QUIC_SOCKOPT_OFFLOAD, &bits, sizeof(bits)),
	    EINVAL);
	ERR(opt_set(p.listener, QUIC_SOCKOPT_OFFLOAD, &bits, 3), EINVAL);
	close(p.listener);
	connection(&p);
	OK(!opt_get(p.server, QUIC_SOCKOPT_OFFLOAD, &o, &len));
	EQ(o.allowed, QUIC_OFFLOAD_ALL);
	bits = 0;
	OK(!opt_set(p.server, QUIC_SOCKOPT_OFFLOAD, &bits, sizeof(bits)));
	len = sizeof(bits);
	OK(!opt_get(p.server, QUIC_SOCKOPT_OFFLOAD, &bits, &len));
	EQ(len, sizeof(bits));
	EQ(bits, 0);
	pair_talk(&p);
	disconnect(&p);
}

/* Packets without encryption are a wish of both ends, which this one never
 * grants.
 */
TEST(encryption_stays)
{
	struct pair p = {
		.client_params.disable_1rtt_encryption = 1,
		.server_params.disable_1rtt_encryption = 1,
	};
	struct quic_transport_param tp = { .remote = 1 };
	socklen_t len = sizeof(tp);

	connection(&p);
	OK(!opt_get(p.client, QUIC_SOCKOPT_TRANSPORT_PARAM, &tp, &len));
	EQ(tp.disable_1rtt_encryption, 0);
	EQ(get_tp(p.client).disable_1rtt_encryption, 0);
	pair_talk(&p);
	OK(counter("QuicAeadSeal") >= counter("QuicTxPackets"));
}

TEST(option_lengths_and_levels)
{
	int fd = quic_socket(), val = 5;
	static char big[5000] = "a";
	socklen_t len = -1;

	ERR(opt_set(fd, QUIC_SOCKOPT_CONFIG, big, 4097), EINVAL);
	ERR(opt_get(fd, QUIC_SOCKOPT_CONFIG, big, &len), EINVAL);
	ERR(opt_set(fd, QUIC_SOCKOPT_CONFIG, (void *)1, 28), EFAULT);
	len = 28;
	ERR(opt_get(fd, QUIC_SOCKOPT_CONFIG, (void *)1, &len), EFAULT);
	ERR(opt_get(fd, QUIC_SOCKOPT_CONFIG, big, (void *)1), EFAULT);
	OK(!setsockopt(fd, IPPROTO_IP, IP_TTL, &val, sizeof(val)));
	val = 0;
	len = sizeof(val);
	OK(!getsockopt(fd, IPPROTO_IP, IP_TTL, &val, &len));
	EQ(val, 5);
	ERR(setsockopt(fd, IPPROTO_TCP, 1, &val, sizeof(val)), ENOPROTOOPT);
}
