// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: socket options at level SOL_QUIC, one row of a table each, and those
 * that are about a connection.
 * Context: process; the table's functions run under the socket lock.
 * socket-api.md section 1.6.
 *
 * Structs are length-tolerant both ways: what the program does not give is
 * zero, what it gives too much is ignored.
 */
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/quic.h>
#include "sockopt.h"
#include "../conn/connid.h"
#include "../conn/token.h"

#define QUIC_OPT_MAX	4096	/* longest value taken or given */

/* ---- events ---------------------------------------------------------------------- */

static int set_event(struct sock *sk, void *val, u32 len)
{
	struct quic_event_option ev;

	quic_opt_take(&ev, sizeof(ev), val, len);
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

	quic_opt_take(&ev, sizeof(ev), val, len);
	if (!ev.type || ev.type >= QUIC_EVENT_MAX)
		return -EINVAL;
	ev.on = !!(quic_sk(sk)->events & BIT(ev.type));
	return quic_opt_give(val, len, &ev, sizeof(ev));
}

/* ---- connection ------------------------------------------------------------------ */

static int get_connection_id(struct sock *sk, void *val, u32 len)
{
	struct quic_connection_id_info info;

	quic_opt_take(&info, sizeof(info), val, len);
	if (!quic_opt_established(sk))
		return -EINVAL;
	quic_cid_info(quic_sk_conn(sk), info.dest, &info);
	return quic_opt_give(val, len, &info, sizeof(info));
}

static int set_connection_id(struct sock *sk, void *val, u32 len)
{
	struct quic_connection_id_info info;

	quic_opt_take(&info, sizeof(info), val, len);
	if (!quic_opt_established(sk))
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

	if (!quic_opt_alive(sk))
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

	quic_opt_take(cl, sizeof(*cl), val, len);
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
	return quic_opt_give(val, len, &cl, sizeof(cl));
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

	if (!quic_opt_established(sk))
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
	if (!len || len > QUIC_TOKEN_MAX || quic_opt_established(sk) ||
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
	return quic_opt_give(val, len, token->data, token->len);
}

static int get_info(struct sock *sk, void *val, u32 len)
{
	struct quic_info info;

	quic_info_get(sk, &info);
	return quic_opt_give(val, len, &info, sizeof(info));
}

/* ---- TLS -------------------------------------------------------------------------- */

static int set_crypto_secret(struct sock *sk, void *val, u32 len)
{
	struct quic_crypto_secret s;
	int err = -EINVAL;

	if (len < sizeof(s))
		return -EINVAL;
	quic_opt_take(&s, sizeof(s), val, len);
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

	quic_opt_take(&result, sizeof(result), val, len);
	return quic_sk_conn(sk) ? quic_early_result(quic_sk_conn(sk), result) :
				  -EINVAL;
}

static int get_early_data(struct sock *sk, void *val, u32 len)
{
	u32 result;

	if (!quic_sk_conn(sk))
		return -EINVAL;
	result = quic_sk_conn(sk)->early_data;
	return quic_opt_give(val, len, &result, sizeof(result));
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

static int set_offload(struct sock *sk, void *val, u32 len)
{
	u32 allowed;

	if (len < sizeof(allowed))
		return -EINVAL;
	quic_opt_take(&allowed, sizeof(allowed), val, len);
	if (allowed & ~QUIC_OFFLOAD_ALL)
		return -EINVAL;
	quic_sk(sk)->offload = allowed;
	/* Or else with the next train. */
	if (quic_opt_alive(sk) && quic_sk_conn(sk)->offload)
		quic_offload_kick(quic_sk_conn(sk));
	return 0;
}

static int get_offload(struct sock *sk, void *val, u32 len)
{
	struct quic_offload info = {
		.allowed = quic_sk(sk)->offload,
		.active = quic_offload_active(quic_sk_conn(sk)),
	};

	return quic_opt_give(val, len, &info, sizeof(info));
}

/* ---- table ------------------------------------------------------------------------ */

struct opt {
	int (*set)(struct sock *sk, void *val, u32 len);
	int (*get)(struct sock *sk, void *val, u32 len);
};

static const struct opt opts[] = {
	[QUIC_SOCKOPT_EVENT]		= { set_event, get_event },
	[QUIC_SOCKOPT_STREAM_OPEN]	= { NULL, quic_opt_stream_get_open },
	[QUIC_SOCKOPT_STREAM_RESET]	= { quic_opt_stream_set_reset, NULL },
	[QUIC_SOCKOPT_STREAM_STOP_SENDING] = { quic_opt_stream_set_stop, NULL },
	[QUIC_SOCKOPT_CONNECTION_ID]	= { set_connection_id,
					    get_connection_id },
	[QUIC_SOCKOPT_CONNECTION_CLOSE]	= { set_connection_close,
					    get_connection_close },
	[QUIC_SOCKOPT_CONNECTION_MIGRATION] = { set_migration, NULL },
	[QUIC_SOCKOPT_KEY_UPDATE]	= { set_key_update, NULL },
	[QUIC_SOCKOPT_TRANSPORT_PARAM]	= { quic_settings_set_params,
					    quic_settings_get_params },
	[QUIC_SOCKOPT_CONFIG]		= { quic_settings_set_config,
					    quic_settings_get_config },
	[QUIC_SOCKOPT_TOKEN]		= { set_token, get_token },
	[QUIC_SOCKOPT_ALPN]		= { quic_settings_set_alpn,
					    quic_settings_get_alpn },
	[QUIC_SOCKOPT_CRYPTO_SECRET]	= { set_crypto_secret, NULL },
	[QUIC_SOCKOPT_TRANSPORT_PARAM_EXT] = { set_tparam_ext, get_tparam_ext },
	[QUIC_SOCKOPT_SESSION_TICKET]	= { quic_ticket_set, quic_ticket_get },
	[QUIC_SOCKOPT_EARLY_DATA]	= { set_early_data, get_early_data },
	[QUIC_SOCKOPT_STREAM_ACTIVE]	= { quic_opt_stream_set_active,
					    quic_opt_stream_get_active },
	[QUIC_SOCKOPT_CONGESTION]	= { quic_congestion_set,
					    quic_congestion_get },
	[QUIC_SOCKOPT_CONNID]		= { quic_connid_set, quic_connid_get },
	[QUIC_SOCKOPT_INFO]		= { NULL, get_info },
	[QUIC_SOCKOPT_STREAM_PRIORITY]	= { quic_opt_stream_set_priority,
					    quic_opt_stream_get_priority },
	[QUIC_SOCKOPT_STREAM_FD]	= { quic_stream_fd_mode, NULL },
	[QUIC_SOCKOPT_OFFLOAD]		= { set_offload, get_offload },
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
