// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: session tickets: a server's key for them, and what a client gets to
 * resume a session with.
 * Called from: rx/frames (TLS messages after the handshake), setsockopt and
 * getsockopt.
 * Context: socket lock held; quic_ticket_on_data() also in softirq.
 * RFC 8446 section 4.6.1; RFC 9001 sections 4.6.1, 6; socket-api.md row 12.
 *
 * TLS sends nothing else after a handshake of QUIC, so nobody needs to read:
 * the newest ticket is kept for whoever asks.
 */
#include <linux/once.h>
#include <linux/slab.h>
#include <linux/unaligned.h>
#include <net/tcp_states.h>
#include "../pipeline.h"
#include "../crypto/hkdf.h"
#include "../obs/mib.h"

#define TLS_NEW_SESSION_TICKET	4
#define TLS_HEADER		4	/* type, length */

#define TICKET_KEY_LEN		64	/* what TLS libraries take */
#define TICKET_SECRET_LEN	32

/* A client's: the message that is coming in, and the last that did. */
struct quic_ticket_rx {
	struct quic_ticket *done;
	struct quic_ticket *now;	/* NULL: its bytes are skipped */
	u32 have;			/* bytes of it, its header counted */
	u32 len;
	u8 header[TLS_HEADER];
};

/* ---- tickets coming in ------------------------------------------------------- */

static void begin(struct quic_ticket_rx *rx)
{
	rx->len = TLS_HEADER + get_unaligned_be24(rx->header + 1);
	/* Nobody could get a longer one. */
	if (rx->header[0] != TLS_NEW_SESSION_TICKET ||
	    rx->len > QUIC_TICKET_MAX)
		return;
	rx->now = kmalloc(struct_size(rx->now, data, rx->len), GFP_ATOMIC);
	if (!rx->now)
		return;
	rx->now->len = rx->len;
	memcpy(rx->now->data, rx->header, TLS_HEADER);
}

static int keep(struct quic_conn *c, struct quic_ticket_rx *rx)
{
	int err;

	rx->have = 0;
	rx->len = 0;
	if (!rx->now) {
		if (rx->header[0] == TLS_NEW_SESSION_TICKET)
			QUIC_CONN_INC(c, QuicDropTicket);
		return 0;
	}
	err = quic_tls_ticket(rx->now->data, rx->now->len);
	if (err)
		return err;
	kfree_sensitive(rx->done);
	rx->done = rx->now;
	rx->now = NULL;
	quic_event(c, QUIC_EVENT_NEW_SESSION_TICKET, rx->done->data,
		   rx->done->len);
	return 0;
}

static u32 take(struct quic_ticket_rx *rx, const u8 *p, u32 len)
{
	u32 n;

	if (rx->have < TLS_HEADER) {
		n = min(len, TLS_HEADER - rx->have);
		memcpy(rx->header + rx->have, p, n);
		rx->have += n;
		if (rx->have == TLS_HEADER)
			begin(rx);
		return n;
	}
	n = min(len, rx->len - rx->have);
	if (rx->now)
		memcpy(rx->now->data + rx->have, p, n);
	rx->have += n;
	return n;
}

/**
 * quic_ticket_expect - TLS bytes have come in 1-RTT packets
 * @c:		connection
 *
 * Before they are taken out of their stream: what is taken does not come again.
 * A server gets none that it would not close for.
 *
 * Return: 0 or -ENOBUFS.
 */
int quic_ticket_expect(struct quic_conn *c)
{
	if (c->is_server || c->tickets)
		return 0;
	c->tickets = kzalloc(sizeof(*c->tickets), GFP_ATOMIC);
	return c->tickets ? 0 : -ENOBUFS;
}

/**
 * quic_ticket_on_data - the next TLS bytes of a client's 1-RTT CRYPTO stream
 * @c:		connection; quic_ticket_expect() was asked
 * @p:		the bytes
 * @len:	how many
 *
 * They are messages that may come (quic_tls_scan()).  Return: 0 or a transport
 * error.
 */
int quic_ticket_on_data(struct quic_conn *c, const u8 *p, u32 len)
{
	struct quic_ticket_rx *rx = c->tickets;
	int err = 0;
	u32 n;

	while (len && !err) {
		n = take(rx, p, len);
		if (rx->have >= TLS_HEADER && rx->have == rx->len)
			err = keep(c, rx);
		p += n;
		len -= n;
	}
	return err;
}

void quic_ticket_free(struct quic_conn *c)
{
	if (!c->tickets)
		return;
	kfree_sensitive(c->tickets->done);
	kfree_sensitive(c->tickets->now);
	kfree(c->tickets);
	c->tickets = NULL;
}

/* ---- a server's key ------------------------------------------------------------ */

/* RFC9369-5-2 */
/* The same for a client that comes back, until this machine reboots: from its
 * address without the port, and the version, because a ticket is good for no
 * other (RFC 9369 section 5).
 */
static int derive_key(const struct quic_conn *c, u8 *key)
{
	static u8 secret[TICKET_SECRET_LEN] __read_mostly;
	const union quic_addr *peer = &c->path->dst;
	const char *hash = "hmac(sha256)";
	u8 prk[TICKET_SECRET_LEN], from[4 + 16] = {};
	int err;

	get_random_once(secret, sizeof(secret));
	put_unaligned_be32(c->version, from);
	if (peer->sa.sa_family == AF_INET)
		memcpy(from + 4, &peer->v4.sin_addr, 4);
	else
		memcpy(from + 4, &peer->v6.sin6_addr, 16);
	err = quic_hkdf_extract(hash, secret, sizeof(secret), from,
				sizeof(from), prk, sizeof(prk));
	if (!err)
		err = quic_hkdf_expand_label(hash, prk, sizeof(prk),
					     "ticket 1", key,
					     TICKET_SECRET_LEN);
	if (!err)
		err = quic_hkdf_expand_label(hash, prk, sizeof(prk),
					     "ticket 2",
					     key + TICKET_SECRET_LEN,
					     TICKET_SECRET_LEN);
	memzero_explicit(prk, sizeof(prk));
	return err ?: TICKET_KEY_LEN;
}

/* ---- the option ------------------------------------------------------------------ */

static int give(void *val, u32 len, const struct quic_ticket *t)
{
	if (!t)
		return 0;
	if (len < t->len)
		return -EINVAL;
	memcpy(val, t->data, t->len);
	return t->len;
}

/* A client's session data before the handshake, a server's key. */
int quic_ticket_set(struct sock *sk, void *val, u32 len)
{
	struct quic_sock *qs = quic_sk(sk);
	struct quic_ticket *t;

	if (len < QUIC_TICKET_MIN || len > QUIC_TICKET_MAX)
		return -EINVAL;
	t = kmalloc(struct_size(t, data, len), GFP_KERNEL_ACCOUNT);
	if (!t)
		return -ENOMEM;
	t->len = len;
	memcpy(t->data, val, len);
	kfree_sensitive(qs->ticket);
	qs->ticket = t;
	return 0;
}

/* Bytes, or -errno; process context. */
int quic_ticket_get(struct sock *sk, void *val, u32 len)
{
	const struct quic_sock *qs = quic_sk(sk);
	struct quic_conn *c = qs->conn;

	if (!c || !quic_conn_alive(c))
		return -EPIPE;
	if (!c->is_server && c->state == QUIC_CONN_ESTABLISHED)
		return give(val, len, c->tickets ? c->tickets->done : NULL);
	if (!c->is_server || qs->ticket)
		return give(val, len, qs->ticket);
	if (len < TICKET_KEY_LEN)
		return -EINVAL;
	return derive_key(c, val);
}
