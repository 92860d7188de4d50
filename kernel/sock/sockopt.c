// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: socket options at level SOL_QUIC, one row of a table each.
 * Context: process; the table's functions run under the socket lock.
 * socket-api.md section 1.6.
 *
 * Structs are length-tolerant both ways: what the program does not give is
 * zero, what it gives too much is ignored.
 */
#include <linux/tls.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/quic.h>
#include <net/tcp_states.h>
#include "sock.h"
#include "../conn/token.h"

#define QUIC_OPT_MAX	4096	/* longest value taken or given */

static bool alive(const struct sock *sk)
{
	return quic_sk_conn(sk) && quic_conn_alive(quic_sk_conn(sk));
}

static bool established(const struct sock *sk)
{
	return quic_sk_conn(sk) &&
	       quic_sk_conn(sk)->state == QUIC_CONN_ESTABLISHED;
}

/* The value as a struct of ours. */
static void take(void *to, size_t size, const void *val, u32 len)
{
	memset(to, 0, size);
	memcpy(to, val, min_t(size_t, size, len));
}

/* A struct of ours as the value; returns bytes given. */
static int give(void *val, u32 len, const void *from, size_t size)
{
	u32 n = min_t(size_t, size, len);

	memcpy(val, from, n);
	return n;
}

/* ---- events ---------------------------------------------------------------------- */

static int set_event(struct sock *sk, void *val, u32 len)
{
	struct quic_event_option ev;

	take(&ev, sizeof(ev), val, len);
	if (!ev.type || ev.type >= QUIC_EVENT_MAX)
		return -EINVAL;
	if (ev.on)
		quic_sk(sk)->events |= BIT(ev.type);
	else
		quic_sk(sk)->events &= ~BIT(ev.type);
	return 0;
}

static int get_event(struct sock *sk, void *val, u32 len)
{
	struct quic_event_option ev;

	take(&ev, sizeof(ev), val, len);
	if (!ev.type || ev.type >= QUIC_EVENT_MAX)
		return -EINVAL;
	ev.on = !!(quic_sk(sk)->events & BIT(ev.type));
	return give(val, len, &ev, sizeof(ev));
}

/* ---- streams --------------------------------------------------------------------- */

static int get_stream_open(struct sock *sk, void *val, u32 len)
{
	struct quic_conn *c = quic_sk_conn(sk);
	struct quic_stream_info info;
	struct quic_stream *s;

	if (len < sizeof(info))
		return -EINVAL;
	take(&info, sizeof(info), val, len);
	if (!alive(sk))
		return -EPIPE;
	if (info.stream_flags & ~QUIC_STREAM_FLAGS)
		return -EINVAL;
	if (info.stream_id > S64_MAX >> 1)
		return -EINVAL;
	if (info.stream_id >= 0) {
		if (!quic_stream_local(c, info.stream_id))
			return -EINVAL;
		s = quic_stream_find(c, info.stream_id);
		if (s && s->send_state != QUIC_STREAM_SEND_STATE_READY)
			return -EINVAL;
		if (s) {
			c->streams.active = s;
			c->streams.active_chosen = false;
			return give(val, len, &info, sizeof(info));
		}
		if (quic_stream_was_opened(c, info.stream_id))
			return -ENOSTR;
	}
	s = quic_send_open(sk, info.stream_id < 0 ? -1 : info.stream_id,
			   info.stream_flags, quic_sk_nonblock(sk));
	if (IS_ERR(s))
		return PTR_ERR(s);
	c->streams.active = s;
	c->streams.active_chosen = false;
	info.stream_id = s->id;
	return give(val, len, &info, sizeof(info));
}

/* For RESET (@send) and STOP_SENDING; a stream, or ERR_PTR. */
static struct quic_stream *err_stream(struct sock *sk,
				      const struct quic_errinfo *info,
				      bool send)
{
	struct quic_conn *c = quic_sk_conn(sk);
	struct quic_stream *s;

	if (!established(sk) || info->stream_id < 0 ||
	    info->stream_id > S64_MAX >> 1)
		return ERR_PTR(-EINVAL);
	/* The other half of a one-way stream never was, also when it is over. */
	if (info->stream_id & QUIC_STREAM_TYPE_UNI_MASK &&
	    quic_stream_local(c, info->stream_id) != send)
		return ERR_PTR(-EINVAL);
	s = quic_stream_find(c, info->stream_id);
	if (s)
		return s;
	return ERR_PTR(quic_stream_was_opened(c, info->stream_id) ? -ENOSTR :
								   -EINVAL);
}

static int set_stream_reset(struct sock *sk, void *val, u32 len)
{
	struct quic_errinfo info;
	struct quic_stream *s;

	take(&info, sizeof(info), val, len);
	s = err_stream(sk, &info, true);
	if (IS_ERR(s))
		return PTR_ERR(s);
	return quic_stream_reset(quic_sk_conn(sk), s, info.errcode);
}

static int set_stream_stop(struct sock *sk, void *val, u32 len)
{
	struct quic_errinfo info;
	struct quic_stream *s;

	take(&info, sizeof(info), val, len);
	s = err_stream(sk, &info, false);
	if (IS_ERR(s))
		return PTR_ERR(s);
	return quic_stream_stop(quic_sk_conn(sk), s, info.errcode);
}

/* Which stream plain write() and sendfile() go to. */
static int set_stream_active(struct sock *sk, void *val, u32 len)
{
	struct quic_stream_info info;
	struct quic_stream *s;

	take(&info, sizeof(info), val, len);
	if (!alive(sk) || info.stream_id < -1 || info.stream_id > S64_MAX >> 1)
		return -EINVAL;
	if (info.stream_id == -1) {
		quic_sk_conn(sk)->streams.active_chosen = false;
		return 0;
	}
	s = quic_stream_find(quic_sk_conn(sk), info.stream_id);
	if (!s)
		return quic_stream_was_opened(quic_sk_conn(sk),
					      info.stream_id) ? -ENOSTR :
								-EINVAL;
	if (!s->has_send)
		return -EINVAL;
	quic_sk_conn(sk)->streams.active = s;
	quic_sk_conn(sk)->streams.active_chosen = true;
	return 0;
}

static int get_stream_active(struct sock *sk, void *val, u32 len)
{
	struct quic_stream_info info = { .stream_id = -1 };

	if (!alive(sk))
		return -EPIPE;
	if (quic_sk_conn(sk)->streams.active)
		info.stream_id = quic_sk_conn(sk)->streams.active->id;
	return give(val, len, &info, sizeof(info));
}

/* A stream that we send on, or ERR_PTR. */
static struct quic_stream *send_stream(struct sock *sk, s64 id)
{
	struct quic_stream *s;

	if (!alive(sk))
		return ERR_PTR(-EPIPE);
	if (id < 0 || id > S64_MAX >> 1)
		return ERR_PTR(-EINVAL);
	s = quic_stream_find(quic_sk_conn(sk), id);
	if (s)
		return s->has_send ? s : ERR_PTR(-EINVAL);
	return ERR_PTR(quic_stream_was_opened(quic_sk_conn(sk), id) ? -ENOSTR :
								     -EINVAL);
}

static int set_stream_priority(struct sock *sk, void *val, u32 len)
{
	struct quic_stream_priority prio;
	struct quic_stream *s;

	take(&prio, sizeof(prio), val, len);
	if (prio.urgency > QUIC_URGENCY_MAX)
		return -EINVAL;
	s = send_stream(sk, prio.stream_id);
	if (IS_ERR(s))
		return PTR_ERR(s);
	quic_stream_set_priority(quic_sk_conn(sk), s, prio.urgency,
				 prio.incremental);
	return 0;
}

static int get_stream_priority(struct sock *sk, void *val, u32 len)
{
	struct quic_stream_priority prio;
	struct quic_stream *s;

	take(&prio, sizeof(prio), val, len);
	s = send_stream(sk, prio.stream_id);
	if (IS_ERR(s))
		return PTR_ERR(s);
	prio.urgency = s->urgency;
	prio.incremental = s->incremental;
	return give(val, len, &prio, sizeof(prio));
}

/* ---- connection ------------------------------------------------------------------ */

static int get_connection_id(struct sock *sk, void *val, u32 len)
{
	struct quic_connection_id_info info;

	take(&info, sizeof(info), val, len);
	if (!established(sk))
		return -EINVAL;
	quic_cid_info(quic_sk_conn(sk), info.dest, &info);
	return give(val, len, &info, sizeof(info));
}

static int set_connection_id(struct sock *sk, void *val, u32 len)
{
	struct quic_connection_id_info info;

	take(&info, sizeof(info), val, len);
	if (!established(sk))
		return -EINVAL;
	return quic_cid_choose(quic_sk_conn(sk), &info);
}

/* A client moves; a server names, before the handshake, where it would rather
 * be.
 */
static int set_migration(struct sock *sk, void *val, u32 len)
{
	struct quic_conn *c = quic_sk_conn(sk);
	union quic_addr addr;
	int err;

	if (!alive(sk))
		return -EPIPE;
	err = quic_addr_from_user(&addr, val, len, sk->sk_family);
	if (err == -EAFNOSUPPORT || !len)
		return -EINVAL;
	if (!err)
		err = quic_addr_port(&addr) ? quic_bind_allowed(sk, &addr) :
					      -EINVAL;
	if (err)
		return err;
	if (c->state == QUIC_CONN_ESTABLISHED)
		return quic_migrate_local(c, &addr);
	return c->is_server ? quic_preferred_set(c, &addr) : -EINVAL;
}

static int set_connection_close(struct sock *sk, void *val, u32 len)
{
	struct quic_connection_close *cl = &quic_sk(sk)->close;

	take(cl, sizeof(*cl), val, len);
	cl->frame = 0;
	cl->phrase[sizeof(cl->phrase) - 1] = 0;
	return 0;
}

static int get_connection_close(struct sock *sk, void *val, u32 len)
{
	const struct quic_conn *c = quic_sk_conn(sk);
	struct quic_connection_close cl = quic_sk(sk)->close;

	if (c && c->close.by_peer) {
		memset(&cl, 0, sizeof(cl));
		cl.errcode = (u32)c->close.code;
		cl.frame = (u8)c->close.frame;
		memcpy(cl.phrase, c->close.phrase, c->close.phrase_len);
	}
	return give(val, len, &cl, sizeof(cl));
}

/* ---- settings -------------------------------------------------------------------- */

/* Zero leaves a field as it is; anything else must be in range. */
#define SET(to, from, field, lo, hi) do {				\
	if ((from).field) {						\
		if ((from).field < (lo) || (from).field > (hi))		\
			return -EINVAL;					\
		(to).field = (from).field;				\
	}								\
} while (0)

/* RFC9000-18.2-6 */
static int set_transport_param(struct sock *sk, void *val, u32 len)
{
	struct quic_transport_param p, n = quic_sk(sk)->tparam;

	take(&p, sizeof(p), val, len);
	if (established(sk))
		return -EINVAL;
	if (p.remote)	/* of an earlier connection, for 0-RTT */
		return quic_sk_conn(sk) ?
		       quic_early_remember(quic_sk_conn(sk), &p) : -EINVAL;
	/* Refused rather than promised: not there yet. */
	if (p.disable_1rtt_encryption)
		return -EOPNOTSUPP;
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

static int get_transport_param(struct sock *sk, void *val, u32 len)
{
	struct quic_transport_param p;
	const struct quic_tparams *tp;

	take(&p, sizeof(p), val, len);
	if (!p.remote)
		return give(val, len, &quic_sk(sk)->tparam, sizeof(p));
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
	return give(val, len, &p, sizeof(p));
}

static int set_config(struct sock *sk, void *val, u32 len)
{
	struct quic_config p, n = quic_sk(sk)->config;

	take(&p, sizeof(p), val, len);
	if (established(sk))
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
	if (p.congestion_control_algo)
		n.congestion_control_algo = p.congestion_control_algo;
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

static int get_config(struct sock *sk, void *val, u32 len)
{
	struct quic_config cfg = quic_sk(sk)->config;

	/* What it came to. */
	if (established(sk))
		cfg.version = quic_sk_conn(sk)->version;
	return give(val, len, &cfg, sizeof(cfg));
}

/* By name, like TCP_CONGESTION; before the connection begins. */
static int set_congestion(struct sock *sk, void *val, u32 len)
{
	const struct quic_congestion_ops *ops;
	char name[QUIC_CC_NAME_MAX] = "";

	if (!len || quic_sk_conn(sk))
		return -EINVAL;
	memcpy(name, val, min_t(u32, len, sizeof(name) - 1));
	ops = quic_cc_get(name);
	if (!ops)
		return -ENOENT;
	strscpy(quic_sk(sk)->cc_name, ops->name, QUIC_CC_NAME_MAX);
	quic_cc_put(ops);
	quic_sk(sk)->config.congestion_control_algo =
		strcmp(name, "reno") ? QUIC_CONG_ALG_CUBIC : QUIC_CONG_ALG_RENO;
	return 0;
}

static int get_congestion(struct sock *sk, void *val, u32 len)
{
	const struct quic_sock *qs = quic_sk(sk);
	char name[QUIC_CC_NAME_MAX] = "";

	if (qs->conn)
		strscpy(name, qs->conn->rec.cc.ops->name, sizeof(name));
	else if (qs->cc_name[0])
		strscpy(name, qs->cc_name, sizeof(name));
	else
		strscpy(name, qs->config.congestion_control_algo ==
			      QUIC_CONG_ALG_RENO ? "reno" : "cubic",
			sizeof(name));
	return give(val, len, name, sizeof(name));
}

/* "a,b, c": spaces go, empty names are errors. */
static int set_alpn(struct sock *sk, void *val, u32 len)
{
	struct quic_sock *qs = quic_sk(sk);
	const char *in = val;
	char names[QUIC_ALPN_MAX];
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
	memcpy(qs->alpn, names, n);
	qs->alpn_len = n;
	return 0;
}

static int get_alpn(struct sock *sk, void *val, u32 len)
{
	const struct quic_sock *qs = quic_sk(sk);

	if (len < qs->alpn_len)
		return -EINVAL;
	return give(val, len, qs->alpn, qs->alpn_len);
}

static bool is_server(const struct sock *sk)
{
	const struct quic_conn *c = quic_sk_conn(sk);

	return (c && c->is_server) || READ_ONCE(sk->sk_max_ack_backlog);
}

/* A server sends its client a new one, whatever the value is. */
static int issue_token(struct sock *sk)
{
	struct quic_conn *c = quic_sk_conn(sk);

	if (!established(sk))
		return -EINVAL;
	if (c->new_token_out || c->ctl & QUIC_CTL_NEW_TOKEN)
		return -EAGAIN;
	c->ctl |= QUIC_CTL_NEW_TOKEN;
	quic_tx_kick(c);
	return 0;
}

/* A client's Initials carry it; so it comes before the first of them. */
static int set_token(struct sock *sk, void *val, u32 len)
{
	struct quic_token *token;

	if (is_server(sk))
		return issue_token(sk);
	if (!len || len > QUIC_TOKEN_MAX || established(sk) ||
	    (quic_sk_conn(sk) && quic_sk_conn(sk)->retried))
		return -EINVAL;
	token = kmalloc(struct_size(token, data, len), GFP_KERNEL_ACCOUNT);
	if (!token)
		return -ENOMEM;
	token->len = len;
	token->retry = false;
	memcpy(token->data, val, len);
	kfree(quic_sk(sk)->token);
	quic_sk(sk)->token = token;
	return 0;
}

/* Programs learn their role from whether this succeeds: a client may have a
 * token, a server has none.
 */
static int get_token(struct sock *sk, void *val, u32 len)
{
	const struct quic_token *token = quic_sk(sk)->token;

	if (is_server(sk))
		return -EINVAL;
	if (!token || token->retry)
		return 0;
	if (len < token->len)
		return -EINVAL;
	return give(val, len, token->data, token->len);
}

static int get_info(struct sock *sk, void *val, u32 len)
{
	struct quic_info info;

	quic_info_get(sk, &info);
	return give(val, len, &info, sizeof(info));
}

/* ---- TLS -------------------------------------------------------------------------- */

static int set_crypto_secret(struct sock *sk, void *val, u32 len)
{
	struct quic_crypto_secret s;
	int err = -EINVAL;

	if (len < sizeof(s))
		return -EINVAL;
	take(&s, sizeof(s), val, len);
	if (quic_sk_conn(sk))
		err = quic_conn_set_secret(quic_sk_conn(sk), &s);
	memzero_explicit(&s, sizeof(s));
	return err;
}

static int set_key_update(struct sock *sk, void *val, u32 len)
{
	return quic_sk_conn(sk) ? quic_key_update_ask(quic_sk_conn(sk)) :
				  -EPIPE;
}

static int set_early_data(struct sock *sk, void *val, u32 len)
{
	u32 result;

	take(&result, sizeof(result), val, len);
	return quic_sk_conn(sk) ? quic_early_result(quic_sk_conn(sk), result) :
				  -EINVAL;
}

static int get_early_data(struct sock *sk, void *val, u32 len)
{
	u32 result;

	if (!quic_sk_conn(sk))
		return -EINVAL;
	result = quic_sk_conn(sk)->early_data;
	return give(val, len, &result, sizeof(result));
}

static int set_tparam_ext(struct sock *sk, void *val, u32 len)
{
	if (!quic_sk_conn(sk) || !len || len > 512)
		return -EINVAL;
	return quic_conn_set_peer_tparams(quic_sk_conn(sk), val, len);
}

static int get_tparam_ext(struct sock *sk, void *val, u32 len)
{
	if (!quic_sk_conn(sk))
		return -EINVAL;
	return quic_conn_get_local_tparams(quic_sk_conn(sk), val, len);
}

/* ---- table ------------------------------------------------------------------------ */

/* set: 0 or -errno.  get: @val holds what the program passed; bytes or -errno. */
struct opt {
	int (*set)(struct sock *sk, void *val, u32 len);
	int (*get)(struct sock *sk, void *val, u32 len);
};

static const struct opt opts[] = {
	[QUIC_SOCKOPT_EVENT]		= { set_event, get_event },
	[QUIC_SOCKOPT_STREAM_OPEN]	= { NULL, get_stream_open },
	[QUIC_SOCKOPT_STREAM_RESET]	= { set_stream_reset, NULL },
	[QUIC_SOCKOPT_STREAM_STOP_SENDING] = { set_stream_stop, NULL },
	[QUIC_SOCKOPT_CONNECTION_ID]	= { set_connection_id,
					    get_connection_id },
	[QUIC_SOCKOPT_CONNECTION_CLOSE]	= { set_connection_close,
					    get_connection_close },
	[QUIC_SOCKOPT_CONNECTION_MIGRATION] = { set_migration, NULL },
	[QUIC_SOCKOPT_KEY_UPDATE]	= { set_key_update, NULL },
	[QUIC_SOCKOPT_TRANSPORT_PARAM]	= { set_transport_param,
					    get_transport_param },
	[QUIC_SOCKOPT_CONFIG]		= { set_config, get_config },
	[QUIC_SOCKOPT_TOKEN]		= { set_token, get_token },
	[QUIC_SOCKOPT_ALPN]		= { set_alpn, get_alpn },
	[QUIC_SOCKOPT_CRYPTO_SECRET]	= { set_crypto_secret, NULL },
	[QUIC_SOCKOPT_TRANSPORT_PARAM_EXT] = { set_tparam_ext, get_tparam_ext },
	[QUIC_SOCKOPT_SESSION_TICKET]	= { quic_ticket_set, quic_ticket_get },
	[QUIC_SOCKOPT_EARLY_DATA]	= { set_early_data, get_early_data },
	[QUIC_SOCKOPT_STREAM_ACTIVE]	= { set_stream_active,
					    get_stream_active },
	[QUIC_SOCKOPT_CONGESTION]	= { set_congestion, get_congestion },
	[QUIC_SOCKOPT_INFO]		= { NULL, get_info },
	[QUIC_SOCKOPT_STREAM_PRIORITY]	= { set_stream_priority,
					    get_stream_priority },
	[QUIC_SOCKOPT_STREAM_FD]	= { quic_stream_fd_mode, NULL },
};

static const struct opt *find(int optname)
{
	if (optname < 0 || optname >= (int)ARRAY_SIZE(opts) ||
	    (!opts[optname].set && !opts[optname].get))
		return NULL;
	return &opts[optname];
}

/**
 * quic_do_setsockopt - setsockopt() at level SOL_QUIC
 * @sk:		a QUIC socket, not locked
 * @optname:	QUIC_SOCKOPT_*
 * @optval:	the value; user or kernel memory
 * @optlen:	its length
 *
 * Context: process; takes the socket lock.
 * Return: 0 or -errno.
 */
int quic_do_setsockopt(struct sock *sk, int optname, sockptr_t optval,
		       unsigned int optlen)
{
	const struct opt *o = find(optname);
	void *val;
	int err;

	if (!o || !o->set)
		return -ENOPROTOOPT;
	if (optlen > QUIC_OPT_MAX)
		return -EINVAL;
	val = optlen ? memdup_sockptr(optval, optlen) : NULL;
	if (IS_ERR(val))
		return PTR_ERR(val);
	lock_sock(sk);
	err = o->set(sk, val, optlen);
	if (quic_sk_conn(sk) && quic_sk_conn(sk)->tx_pending)
		quic_tx_push(quic_sk_conn(sk));
	release_sock(sk);
	kfree_sensitive(val);
	return err;
}
EXPORT_SYMBOL_GPL(quic_do_setsockopt);

static int get(struct sock *sk, const struct opt *o, sockptr_t optval,
	       sockptr_t optlen)
{
	void *val;
	int len, n;

	if (copy_from_sockptr(&len, optlen, sizeof(len)))
		return -EFAULT;
	if (len < 0)
		return -EINVAL;
	len = min(len, QUIC_OPT_MAX);
	val = kzalloc(QUIC_OPT_MAX, GFP_KERNEL);
	if (!val)
		return -ENOMEM;
	n = -EFAULT;
	if (len && copy_from_sockptr(val, optval, len))
		goto out;
	lock_sock(sk);
	n = o->get(sk, val, len);
	if (quic_sk_conn(sk) && quic_sk_conn(sk)->tx_pending)
		quic_tx_push(quic_sk_conn(sk));
	release_sock(sk);
	if (n < 0)
		goto out;
	if (copy_to_sockptr(optlen, &n, sizeof(n)) ||
	    copy_to_sockptr(optval, val, n))
		n = -EFAULT;
out:
	kfree_sensitive(val);
	return min(n, 0);
}

/**
 * quic_do_getsockopt - getsockopt() at level SOL_QUIC
 * @sk:		a QUIC socket, not locked
 * @optname:	QUIC_SOCKOPT_*
 * @optval:	the value, read by options that ask for something particular,
 *		and written; user or kernel memory
 * @optlen:	an int: room at @optval; the length written
 *
 * Context: process; takes the socket lock.
 * Return: 0 or -errno.
 */
int quic_do_getsockopt(struct sock *sk, int optname, sockptr_t optval,
		       sockptr_t optlen)
{
	const struct opt *o = find(optname);

	if (optname == QUIC_SOCKOPT_STREAM_FD)
		return quic_stream_fd(sk, optval, optlen);
	if (!o || !o->get)
		return -ENOPROTOOPT;
	return get(sk, o, optval, optlen);
}
EXPORT_SYMBOL_GPL(quic_do_getsockopt);

int quic_setsockopt(struct sock *sk, int level, int optname, sockptr_t val,
		    unsigned int len)
{
	if (level == SOL_QUIC)
		return quic_do_setsockopt(sk, optname, val, len);
#if IS_ENABLED(CONFIG_IPV6)
	if (sk->sk_family == AF_INET6)
		return ipv6_setsockopt(sk, level, optname, val, len);
#endif
	return ip_setsockopt(sk, level, optname, val, len);
}

int quic_getsockopt(struct sock *sk, int level, int optname,
		    char __user *val, int __user *len)
{
	if (level == SOL_QUIC)
		return quic_do_getsockopt(sk, optname, USER_SOCKPTR(val),
					  USER_SOCKPTR(len));
#if IS_ENABLED(CONFIG_IPV6)
	if (sk->sk_family == AF_INET6)
		return ipv6_getsockopt(sk, level, optname, val, len);
#endif
	return ip_getsockopt(sk, level, optname, val, len);
}
