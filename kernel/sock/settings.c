// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: the socket options that say how connections are to be: transport
 * parameters, configuration, ALPN.
 * Called from: the table in sock/sockopt.
 * Context: process, socket lock held.
 * socket-api.md sections 1.4, 1.6.
 */
#include <linux/tls.h>
#include <net/tcp_states.h>
#include "sockopt.h"

/* Zero leaves a field as it is; anything else must be in range. */
#define SET(to, from, field, lo, hi) do {				\
	if ((from).field) {						\
		if ((from).field < (lo) || (from).field > (hi))		\
			return -EINVAL;					\
		(to).field = (from).field;				\
	}								\
} while (0)

/* RFC9000-18.2-6 */
int quic_settings_set_params(struct sock *sk, void *val, u32 len)
{
	struct quic_transport_param p, n = quic_sk(sk)->tparam;

	quic_opt_take(&p, sizeof(p), val, len);
	if (quic_opt_established(sk))
		return -EINVAL;
	if (p.remote)	/* of an earlier connection, for 0-RTT */
		return quic_sk_conn(sk) ?
		       quic_early_remember(quic_sk_conn(sk), &p) : -EINVAL;
	/* disable_1rtt_encryption needs both ends, and we never agree to it. */
	n.disable_active_migration |= !!p.disable_active_migration;
	n.grease_quic_bit |= !!p.grease_quic_bit;
	n.stateless_reset |= !!p.stateless_reset;
	n.disable_compatible_version |= !!p.disable_compatible_version;
	SET(n, p, active_connection_id_limit, 2, QUIC_CID_SLOTS);
	SET(n, p, ack_delay_exponent, 0, 20);
	SET(n, p, max_datagram_frame_size, 1200, U16_MAX);
	SET(n, p, max_udp_payload_size, 1200, 65527);
	SET(n, p, max_idle_timeout, USEC_PER_SEC, U32_MAX);
	SET(n, p, max_ack_delay, 0, 16384000 - 1);
	SET(n, p, max_streams_bidi, 0, 4096);
	SET(n, p, max_streams_uni, 0, 4096);
	SET(n, p, max_data, 1200, S32_MAX / 4);
	SET(n, p, max_stream_data_bidi_local, 1200, S32_MAX / 8);
	SET(n, p, max_stream_data_bidi_remote, 1200, S32_MAX / 8);
	SET(n, p, max_stream_data_uni, 1200, S32_MAX / 8);
	quic_sk(sk)->tparam = n;
	if (sk->sk_state == TCP_LISTEN)
		quic_listen_update(quic_sk(sk)->udp);
	if (quic_sk_conn(sk))
		quic_conn_apply_config(quic_sk_conn(sk));
	return 0;
}

static u32 clamp_u32(u64 v)
{
	return min_t(u64, v, U32_MAX);
}

int quic_settings_get_params(struct sock *sk, void *val, u32 len)
{
	struct quic_transport_param p;
	const struct quic_tparams_lasting *tp;

	quic_opt_take(&p, sizeof(p), val, len);
	if (!p.remote)
		return quic_opt_give(val, len, &quic_sk(sk)->tparam, sizeof(p));
	if (!quic_sk_conn(sk))
		return -EINVAL;
	tp = &quic_sk_conn(sk)->peer;
	p = (struct quic_transport_param) {
		.remote = 1,
		.disable_active_migration = tp->disable_active_migration,
		.grease_quic_bit = tp->grease_quic_bit,
		.stateless_reset = !!(tp->has & QUIC_TP_HAS_RESET_TOKEN),
		.active_connection_id_limit =
			min_t(u64, tp->active_connection_id_limit, U8_MAX),
		.ack_delay_exponent = tp->ack_delay_exponent,
		.max_datagram_frame_size =
			min_t(u64, tp->max_datagram_frame_size, U16_MAX),
		.max_udp_payload_size =
			min_t(u64, tp->max_udp_payload_size, U16_MAX),
		.max_idle_timeout = clamp_u32(tp->max_idle_timeout * 1000),
		.max_ack_delay = clamp_u32(tp->max_ack_delay * 1000),
		.max_streams_bidi = min_t(u64, tp->max_streams_bidi, U16_MAX),
		.max_streams_uni = min_t(u64, tp->max_streams_uni, U16_MAX),
		.max_data = tp->max_data,
		.max_stream_data_bidi_local = tp->max_stream_data_bidi_local,
		.max_stream_data_bidi_remote = tp->max_stream_data_bidi_remote,
		.max_stream_data_uni = tp->max_stream_data_uni,
	};
	return quic_opt_give(val, len, &p, sizeof(p));
}

int quic_settings_set_config(struct sock *sk, void *val, u32 len)
{
	struct quic_config p, n = quic_sk(sk)->config;

	quic_opt_take(&p, sizeof(p), val, len);
	if (quic_opt_established(sk))
		return -EINVAL;
	SET(n, p, version, 0, U32_MAX);
	SET(n, p, plpmtud_probe_interval, 5 * USEC_PER_SEC, U32_MAX / 30);
	SET(n, p, initial_smoothed_rtt, USEC_PER_MSEC, 6 * USEC_PER_SEC);
	SET(n, p, payload_cipher_type, TLS_CIPHER_AES_GCM_128,
	    TLS_CIPHER_CHACHA20_POLY1305);
	SET(n, p, keepalive_probe_interval, 1500000, U32_MAX);
	if (p.congestion_control_algo >= QUIC_CONG_ALG_MAX)
		return -EINVAL;
	/* Zero is Reno, and "unchanged": QUIC_SOCKOPT_CONGESTION tells them
	 * apart.
	 */
	if (p.congestion_control_algo && !quic_sk_conn(sk))
		strscpy(quic_sk(sk)->cc_name, quic_cc_cubic.name,
			QUIC_CC_NAME_MAX);
	if (p.validate_peer_address)
		n.validate_peer_address = p.validate_peer_address;
	if (p.stream_data_nodelay)
		n.stream_data_nodelay = p.stream_data_nodelay;
	if (p.receive_session_ticket)
		n.receive_session_ticket = p.receive_session_ticket;
	if (p.certificate_request)
		n.certificate_request = p.certificate_request;
	quic_sk(sk)->config = n;
	if (sk->sk_state == TCP_LISTEN)
		quic_listen_update(quic_sk(sk)->udp);
	return 0;
}

int quic_settings_get_config(struct sock *sk, void *val, u32 len)
{
	struct quic_config cfg = quic_sk(sk)->config;
	char name[QUIC_CC_NAME_MAX];

	/* Numbers are only for two: all others count as the built-in. */
	quic_congestion_name(sk, name);
	cfg.congestion_control_algo = strcmp(name, quic_cc_reno.name) ?
				      QUIC_CONG_ALG_CUBIC : QUIC_CONG_ALG_RENO;

	/* What it came to. */
	if (quic_opt_established(sk))
		cfg.version = quic_sk_conn(sk)->version;
	return quic_opt_give(val, len, &cfg, sizeof(cfg));
}

/* "a,b, c": spaces go, empty names are errors. */
int quic_settings_set_alpn(struct sock *sk, void *val, u32 len)
{
	struct quic_sock *qs = quic_sk(sk);
	const char *in = val;
	char names[QUIC_ALPN_MAX], *copy;
	u32 i, n = 0;

	if (sk->sk_state == TCP_LISTEN || !len || len > QUIC_ALPN_MAX)
		return -EINVAL;
	if (!in[len - 1])	/* a terminating NUL is no part of it */
		len--;
	for (i = 0; i < len; i++) {
		if (in[i] == ' ')
			continue;
		if (!in[i] || (in[i] == ',' && (!n || names[n - 1] == ',')))
			return -EINVAL;
		names[n++] = in[i];
	}
	if (!n || names[n - 1] == ',')
		return -EINVAL;
	copy = kmemdup(names, n, GFP_KERNEL_ACCOUNT);
	if (!copy)
		return -ENOMEM;
	kfree(qs->alpn);
	qs->alpn = copy;
	qs->alpn_len = n;
	return 0;
}

int quic_settings_get_alpn(struct sock *sk, void *val, u32 len)
{
	const struct quic_sock *qs = quic_sk(sk);

	if (len < qs->alpn_len)
		return -EINVAL;
	return quic_opt_give(val, len, qs->alpn, qs->alpn_len);
}
