// SPDX-License-Identifier: GPL-2.0
/*
 * TLS 1.3 in the kernel over TCP: GnuTLS does the handshake, then the keys of
 * both directions go to the socket, and no byte passes through GnuTLS again.
 */
#include <err.h>
#include <errno.h>
#include <linux/tls.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "perf.h"

#ifndef SOL_TLS
#define SOL_TLS	282
#endif
#ifndef TCP_ULP
#define TCP_ULP	31
#endif

#define TICKET_TIMEOUT_MS	5000

/* ---- keys ------------------------------------------------------------------ */

union crypto_info {
	struct tls_crypto_info info;
	struct tls12_crypto_info_aes_gcm_128 aes128;
	struct tls12_crypto_info_aes_gcm_256 aes256;
	struct tls12_crypto_info_chacha20_poly1305 chacha;
};

/* Where in the structs for the ciphers key, nonce and record number lie. */
#define LAYOUT(member, nonce, nonce_size)					\
	{ sizeof(((union crypto_info *)0)->member),				\
	  offsetof(union crypto_info, member.key),				\
	  sizeof(((union crypto_info *)0)->member.key),				\
	  offsetof(union crypto_info, member.nonce), nonce_size,		\
	  offsetof(union crypto_info, member.rec_seq) }

static const struct layout {
	size_t size, key, key_size, salt, salt_size, seq;
} layouts[] = {
	[TLS_CIPHER_AES_GCM_128] =
		LAYOUT(aes128, salt, TLS_CIPHER_AES_GCM_128_SALT_SIZE),
	[TLS_CIPHER_AES_GCM_256] =
		LAYOUT(aes256, salt, TLS_CIPHER_AES_GCM_256_SALT_SIZE),
	[TLS_CIPHER_CHACHA20_POLY1305] =
		LAYOUT(chacha, iv, TLS_CIPHER_CHACHA20_POLY1305_IV_SIZE),
};

/* What follows the salt of the AES ones. */
static void *explicit_iv(union crypto_info *u)
{
	return u->info.cipher_type == TLS_CIPHER_AES_GCM_128 ?
	       u->aes128.iv : u->aes256.iv;
}

static void set_keys(struct conn *c, bool rx)
{
	unsigned int type = c->worker->o->cipher->kernel;
	const struct layout *at = &layouts[type];
	union crypto_info u = {
		.info = { .version = TLS_1_3_VERSION, .cipher_type = type },
	};
	gnutls_datum_t iv, key;
	unsigned char seq[8];
	char *to = (char *)&u;

	tls_check(gnutls_record_get_state(c->session, rx, NULL, &iv, &key, seq),
		  "TLS record state");
	if (key.size != at->key_size || iv.size < at->salt_size)
		errx(1, "another cipher: %s", gnutls_session_get_desc(c->session));
	memcpy(to + at->key, key.data, key.size);
	memcpy(to + at->salt, iv.data, at->salt_size);
	if (iv.size > at->salt_size)
		memcpy(explicit_iv(&u), iv.data + at->salt_size,
		       iv.size - at->salt_size);
	memcpy(to + at->seq, seq, sizeof(seq));
	if (setsockopt(c->fd, SOL_TLS, rx ? TLS_RX : TLS_TX, &u, at->size))
		err(1, rx ? "TLS_RX" : "TLS_TX");
}

/* We never pad, so the kernel may decrypt straight into the reader's buffer. */
static void expect_no_pad(int fd)
{
	int on = 1;

	if (setsockopt(fd, SOL_TLS, TLS_RX_EXPECT_NO_PAD, &on, sizeof(on)))
		err(1, "TLS_RX_EXPECT_NO_PAD");
}

/* ---- handshake ------------------------------------------------------------- */

static int failed(const char *what, int ret)
{
	warnx("%s: %s", what, gnutls_strerror(ret));
	return -1;
}

/*
 * Before the handshake: as soon as it is over the client may send its request
 * and go, and a socket that has seen an end takes no ULP any more.
 */
static int attach(struct conn *c)
{
	int ret = tcp_connected(c);

	if (ret <= 0)
		return ret;
	if (setsockopt(c->fd, IPPROTO_TCP, TCP_ULP, "tls", sizeof("tls")))
		err(1, "TCP_ULP tls (modprobe tls?)");
	c->attached = true;
	return 1;
}

static void begin(struct conn *c)
{
	const struct tls *tls = c->worker->tls;

	c->session = tls_session(tls, c->fd);
	if (tls->o->server && tls->o->tickets)
		tls_check(gnutls_session_ticket_enable_server(c->session,
				&tls->ticket_key), "tickets");
	if (tls->session)
		tls_check(gnutls_session_set_data(c->session, tls->session,
						  tls->session_size),
			  "session");
}

static int ktls_handshake(struct conn *c)
{
	const struct options *o = c->worker->o;
	int ret;

	if (!c->attached) {
		ret = attach(c);
		if (ret <= 0)
			return ret;
	}
	if (!c->session)
		begin(c);
	do {
		ret = gnutls_handshake(c->session);
		if (ret == GNUTLS_E_AGAIN)
			return 0;
	} while (ret < 0 && !gnutls_error_is_fatal(ret));
	if (ret < 0)
		return failed("handshake", ret);
	if (o->server && o->tickets) {
		ret = gnutls_session_ticket_send(c->session, 1, 0);
		if (ret < 0)
			return failed("ticket", ret);
	}
	set_keys(c, false);
	set_keys(c, true);
	if (o->no_pad)
		expect_no_pad(c->fd);
	return 1;
}

/* A connection without TLS in the kernel, because GnuTLS is to see the ticket. */
static void ktls_prime(struct tls *tls)
{
	int fd = net_connect(tls->o, true);
	gnutls_session_t session = tls_session(tls, fd);
	gnutls_datum_t data;
	char byte;
	int ret;

	do {
		ret = gnutls_handshake(session);
	} while (ret < 0 && !gnutls_error_is_fatal(ret));
	tls_check(ret, "handshake");
	gnutls_record_set_timeout(session, TICKET_TIMEOUT_MS);
	do {
		ret = gnutls_record_recv(session, &byte, 1);
	} while (ret == GNUTLS_E_AGAIN &&
		 !(gnutls_session_get_flags(session) &
		   GNUTLS_SFLAGS_SESSION_TICKET));
	if (ret != GNUTLS_E_AGAIN)
		errx(1, "the server has given no ticket");
	tls_check(gnutls_session_get_data2(session, &data), "session");
	tls->session = data.data;
	tls->session_size = data.size;
	gnutls_deinit(session);
	close(fd);
}

/* ---- data ------------------------------------------------------------------ */

/* A record that is no data (a ticket) does not go into a plain buffer. */
static ssize_t skip_record(int fd, void *data, size_t len)
{
	char control[CMSG_SPACE(sizeof(unsigned char))];
	struct iovec iov = { .iov_base = data, .iov_len = len };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};

	return recvmsg(fd, &msg, 0);
}

static ssize_t ktls_recv(struct conn *c, void *data, size_t len, int64_t *stream,
			 bool *fin)
{
	ssize_t n;

	do {
		n = recv(c->fd, data, len, 0);
	} while (n < 0 && errno == EIO && skip_record(c->fd, data, len) >= 0);
	*stream = 0;
	*fin = !n;
	return n;
}

const struct transport transport_ktls = {
	.name = "ktls",
	.has_tls = true,
	.type = SOCK_STREAM,
	.protocol = IPPROTO_TCP,
	.prepare = tcp_prepare,
	.prime = ktls_prime,
	.handshake = ktls_handshake,
	.send = tcp_send,
	.sendfile = tcp_sendfile,
	.recv = ktls_recv,
};
