/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the files of libquic share.  In the order of a handshake:
 *
 *	tls_client.c tls_server.c  the one-call functions: build a TLS session,
 *		from credentials.c and alpn.c
 *	handshake.c	the step machine between GnuTLS and the socket
 *	hooks.c		what GnuTLS tells us as it works
 *	fail.c		how a handshake fails
 *	flight.c	what GnuTLS has produced and the kernel has not got yet
 *	tparam.c	transport parameters, a TLS extension
 *	session.c	our state beside a TLS session; saving and resuming it
 *	ticket.c	a server's tickets, with early data or without
 *	replay.c	early data is accepted once
 *	msg.c		stream data, no TLS in it
 *	error.c log.c	telling what happened
 *
 * Functions return 0 or a negative number.  Who first sees an error reports it
 * with quic_error_sys() or quic_error_tls(); everyone else passes it on.
 */
#ifndef LIBQUIC_INTERNAL_H
#define LIBQUIC_INTERNAL_H

#include <stdbool.h>
#include <syslog.h>

#include "netinet/quic.h"

#define QUIC_EXPORT	__attribute__((visibility("default")))
#define QUIC_PRINTF(f, a) __attribute__((format(printf, f, a)))

enum quic_limits {
	QUIC_ALPN_NAME_MAX	= 255,	/* RFC 7301 section 3.1 */
	QUIC_ALPN_SOCKOPT_MAX	= 128,
	QUIC_TOKEN_MAX		= 120,
	QUIC_TPARAM_MAX		= 512,
	QUIC_TICKET_MAX		= 4096,
	QUIC_RECV_MAX		= 16384, /* TLS bytes taken per recvmsg() */
	QUIC_PRIORITY_MAX	= 384,
	QUIC_TEXT_MAX		= 384,	/* an error or log line */
};

/* ---- log.c, error.c: telling what happened ---------------------------- */

void quic_log(int level, const char *fmt, ...) QUIC_PRINTF(2, 3);

/* Record and log a failure; each returns its first argument.  The first two
 * add what the number means.
 */
int quic_error_sys(int err, const char *fmt, ...) QUIC_PRINTF(2, 3);
int quic_error_tls(int ret, const char *fmt, ...) QUIC_PRINTF(2, 3);
int quic_error_text(int code, const char *fmt, ...) QUIC_PRINTF(2, 3);

/* ---- flight.c: handshake bytes and secrets on their way to the kernel - */

struct quic_flight_item {
	struct quic_flight_item	*next;
	bool			is_secret; /* data is a quic_crypto_secret */
	uint8_t			level;	/* enum quic_crypto_level */
	size_t			len;
	uint8_t			data[];
};

struct quic_flight {
	struct quic_flight_item	*head;
	struct quic_flight_item	*tail;
};

int quic_flight_add(struct quic_flight *flight, bool is_secret, uint8_t level,
		    const void *data, size_t len);
bool quic_flight_has_more(const struct quic_flight *flight);
void quic_flight_pop(struct quic_flight *flight);
void quic_flight_clear(struct quic_flight *flight);

/* ---- handshake.c -------------------------------------------------------- */

enum quic_handshake_state {
	QUIC_HS_RUNNING,	/* TLS wants more from the peer */
	QUIC_HS_FINISHING,	/* TLS is done, the flight is not */
	QUIC_HS_TICKET,		/* a ticket, if any, is in the flight */
	QUIC_HS_DONE,
	QUIC_HS_FAILED,
};

struct quic_handshake {
	gnutls_session_t	tls;
	int			fd;
	bool			is_server;
	bool			alpn_required;
	bool			tparam_received;
	bool			ticket_queued;
	bool			close_set; /* the kernel knows a close code */
	bool			early_offered;
	enum quic_handshake_state state;
	int			error;	/* first failure inside a callback */
	struct quic_flight	flight;

	struct quic_handshake_step step; /* what the caller is doing */
	struct msghdr		msg;
	struct iovec		iov;
	_Alignas(struct cmsghdr) uint8_t control[256];

	size_t			tparam_len; /* our own, 0 until asked for */
	size_t			peer_tparam_len;
	uint8_t			tparam[QUIC_TPARAM_MAX];
	uint8_t			peer_tparam[QUIC_TPARAM_MAX];
	uint8_t			input[QUIC_RECV_MAX];
};

int quic_handshake_drive(gnutls_session_t session, int limit_ms);
void quic_handshake_free(struct quic_handshake *hs);

/* 1 for a server's socket, 0 for a client's, or -errno. */
int quic_handshake_role(int fd);

/* ---- hooks.c: what GnuTLS produces ------------------------------------- */

void quic_hooks_install(gnutls_session_t tls);

/* ---- fail.c: each returns the number for the program -------------------- */

int quic_fail_tls(struct quic_handshake *hs, int ret);
int quic_fail_io(struct quic_handshake *hs, int err, const char *what);
int quic_fail_closed(struct quic_handshake *hs, int err,
		     const struct quic_connection_close *close);
void quic_fail_set_close(struct quic_handshake *hs, uint32_t errcode,
			 const char *phrase);

/* ---- tparam.c: gnutls_session_ext_register() callbacks ----------------- */

int quic_tparam_send(gnutls_session_t tls, gnutls_buffer_t extdata);
int quic_tparam_recv(gnutls_session_t tls, const unsigned char *data,
		     size_t len);

/* ---- session.c ---------------------------------------------------------- */

/* Lives as long as the TLS session it belongs to. */
struct quic_session {
	struct quic_handshake	*handshake; /* NULL unless one is under way */
	gnutls_anti_replay_t	replays; /* of a server with early data */
	bool			alpn_required;
};

struct quic_session *quic_session_find(gnutls_session_t tls);
int quic_session_attach(gnutls_session_t tls, struct quic_session **psession);

/* ---- replay.c ------------------------------------------------------------ */

/* Let a server's session take early data that is not a replay, or none. */
int quic_replay_refuse(gnutls_session_t tls);
/* Make a ticket whose age will be that of any client's clock; GnuTLS's result. */
int quic_replay_send_ticket(gnutls_session_t tls);

/* ---- alpn.c -------------------------------------------------------------- */

/* @alpns, or if that is NULL the list of the socket's ALPN option. */
int quic_alpn_apply(gnutls_session_t tls, int fd, const char *alpns);

/* ---- credentials.c ------------------------------------------------------- */

/* A TLS session together with what it needs. */
struct quic_tls {
	gnutls_session_t			session;
	gnutls_certificate_credentials_t	x509;
	gnutls_psk_client_credentials_t		psk_client;
	gnutls_psk_server_credentials_t		psk_server;
};

/* quic_tls_free() undoes whatever part of the others succeeded. */
int quic_tls_init(struct quic_tls *tls, int fd, unsigned int flags);
int quic_tls_use_psk(struct quic_tls *tls, const char *file, bool is_server);
int quic_tls_use_trust(struct quic_tls *tls);
int quic_tls_use_key(struct quic_tls *tls, const char *key_file,
		     const char *cert_file);
void quic_tls_free(struct quic_tls *tls);

#endif /* LIBQUIC_INTERNAL_H */
