// SPDX-License-Identifier: GPL-2.0
/*
 * TLS 1.3 in the kernel over TCP: GnuTLS does the handshake, then the keys of
 * both directions go to the socket, and no byte passes through GnuTLS again.
 *
 * The server issues no session tickets: a handshake record among the data
 * would end recv() with EIO.
 */
#include <err.h>
#include <gnutls/gnutls.h>
#include <linux/tls.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "perf.h"

#ifndef SOL_TLS
#define SOL_TLS	282
#endif
#ifndef TCP_ULP
#define TCP_ULP	31
#endif

#define PRIORITY	"NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+AES-128-GCM"

static void check(int ret, const char *what)
{
	if (ret < 0)
		errx(1, "%s: %s", what, gnutls_strerror(ret));
}

static void set_keys(int fd, gnutls_session_t session, bool rx)
{
	struct tls12_crypto_info_aes_gcm_128 info = {
		.info.version = TLS_1_3_VERSION,
		.info.cipher_type = TLS_CIPHER_AES_GCM_128,
	};
	gnutls_datum_t iv, key;
	unsigned char seq[8];

	check(gnutls_record_get_state(session, rx, NULL, &iv, &key, seq),
	      "TLS record state");
	if (iv.size != sizeof(info.salt) + sizeof(info.iv) ||
	    key.size != sizeof(info.key))
		errx(1, "not AES-128-GCM: %s", gnutls_session_get_desc(session));
	memcpy(info.salt, iv.data, sizeof(info.salt));
	memcpy(info.iv, iv.data + sizeof(info.salt), sizeof(info.iv));
	memcpy(info.key, key.data, sizeof(info.key));
	memcpy(info.rec_seq, seq, sizeof(info.rec_seq));
	if (setsockopt(fd, SOL_TLS, rx ? TLS_RX : TLS_TX, &info, sizeof(info)))
		err(1, rx ? "TLS_RX" : "TLS_TX");
}

/*
 * Before the handshake: as soon as it is over the client may send its request
 * and its end, and a socket that has seen an end takes no ULP any more.
 */
static void attach(int fd)
{
	if (setsockopt(fd, IPPROTO_TCP, TCP_ULP, "tls", sizeof("tls")))
		err(1, "TCP_ULP tls (modprobe tls?)");
}

/* We never pad, so the kernel may decrypt straight into the reader's buffer. */
static void expect_no_pad(int fd)
{
	int on = 1;

	if (setsockopt(fd, SOL_TLS, TLS_RX_EXPECT_NO_PAD, &on, sizeof(on)))
		err(1, "TLS_RX_EXPECT_NO_PAD");
}

static void handshake(int fd, unsigned int flags, const struct options *o)
{
	gnutls_certificate_credentials_t cred;
	gnutls_session_t session;
	int ret;

	check(gnutls_certificate_allocate_credentials(&cred), "credentials");
	if (o->server)
		check(gnutls_certificate_set_x509_key_file(cred, o->cert,
				o->key, GNUTLS_X509_FMT_PEM), o->cert);
	else
		check(gnutls_certificate_set_x509_trust_file(cred, o->ca,
				GNUTLS_X509_FMT_PEM), o->ca);
	check(gnutls_init(&session, flags | GNUTLS_NO_TICKETS), "session");
	check(gnutls_priority_set_direct(session, PRIORITY, NULL), PRIORITY);
	check(gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, cred),
	      "credentials");
	if (!o->server)
		gnutls_session_set_verify_cert(session, o->host, 0);
	gnutls_transport_set_int(session, fd);
	attach(fd);
	do {
		ret = gnutls_handshake(session);
	} while (ret < 0 && !gnutls_error_is_fatal(ret));
	check(ret, "TLS handshake");

	set_keys(fd, session, false);
	set_keys(fd, session, true);
	if (o->no_pad)
		expect_no_pad(fd);
	gnutls_deinit(session);
	gnutls_certificate_free_credentials(cred);
}

static int ktls_accept(int fd, const struct options *o)
{
	int conn = transport_tcp.accept(fd, o);

	handshake(conn, GNUTLS_SERVER, o);
	return conn;
}

static int ktls_connect(const struct options *o)
{
	int fd = transport_tcp.connect(o);

	handshake(fd, GNUTLS_CLIENT, o);
	return fd;
}

const struct transport transport_ktls = {
	.name = "ktls",
	.listen = tcp_listen,
	.accept = ktls_accept,
	.connect = ktls_connect,
	.send = tcp_send,
	.recv = tcp_recv,
};
