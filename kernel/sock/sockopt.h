/* SPDX-License-Identifier: GPL-2.0 */
/* Socket options: what the files that implement them share. */
#ifndef KQUIC_SOCKOPT_H
#define KQUIC_SOCKOPT_H

#include "sock.h"

static inline bool quic_opt_alive(const struct sock *sk)
{
	return quic_sk_conn(sk) && quic_conn_alive(quic_sk_conn(sk));
}

static inline bool quic_opt_established(const struct sock *sk)
{
	return quic_sk_conn(sk) &&
	       quic_sk_conn(sk)->state == QUIC_CONN_ESTABLISHED;
}

/* The value as a struct of ours. */
static inline void quic_opt_take(void *to, size_t size, const void *val,
				 u32 len)
{
	memset(to, 0, size);
	memcpy(to, val, min_t(size_t, size, len));
}

/* A struct of ours as the value; returns bytes given. */
static inline int quic_opt_give(void *val, u32 len, const void *from,
				size_t size)
{
	u32 n = min_t(size_t, size, len);

	memcpy(val, from, n);
	return n;
}

/* The functions of the table in sockopt.c.  set: 0 or -errno; get: @val holds
 * what the program passed; bytes or -errno.
 */

/* opt_stream.c */
int quic_opt_stream_get_open(struct sock *sk, void *val, u32 len);
int quic_opt_stream_set_reset(struct sock *sk, void *val, u32 len);
int quic_opt_stream_set_stop(struct sock *sk, void *val, u32 len);
int quic_opt_stream_set_active(struct sock *sk, void *val, u32 len);
int quic_opt_stream_get_active(struct sock *sk, void *val, u32 len);
int quic_opt_stream_set_priority(struct sock *sk, void *val, u32 len);
int quic_opt_stream_get_priority(struct sock *sk, void *val, u32 len);

/* settings.c */
int quic_settings_set_params(struct sock *sk, void *val, u32 len);
int quic_settings_get_params(struct sock *sk, void *val, u32 len);
int quic_settings_set_config(struct sock *sk, void *val, u32 len);
int quic_settings_get_config(struct sock *sk, void *val, u32 len);
int quic_settings_set_alpn(struct sock *sk, void *val, u32 len);
int quic_settings_get_alpn(struct sock *sk, void *val, u32 len);

#endif
