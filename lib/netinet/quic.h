/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libquic: the TLS handshake of kernel QUIC sockets, done with GnuTLS.
 *
 * The kernel protects packets, repairs loss and carries streams; TLS 1.3 runs
 * in the program.  A program needs one call between connect() or accept() and
 * its first byte of data:
 *
 *	fd = socket(AF_INET6, SOCK_DGRAM, IPPROTO_QUIC);
 *	connect(fd, ...);
 *	ret = quic_client_handshake(fd, NULL, "www.example.org", "h3");
 *	if (ret)
 *		errx(1, "%s", quic_strerror(ret));
 *
 * and then uses quic_sendmsg() and quic_recvmsg(), or plain read() and write()
 * on a single stream.  A program with a GnuTLS session of its own calls
 * quic_handshake(); one with an event loop calls quic_handshake_init() and
 * quic_handshake_step().  See quic(7) for the socket and libquic(3) for this.
 *
 * Functions that return int give 0 for success and a negative number for
 * failure: -errno or a GnuTLS error code.  The two ranges overlap, so do not
 * guess: pass the number to quic_strerror() in the thread that received it.
 *
 * Calls for different sessions may run in different threads; calls for one
 * session must not overlap.
 */
#ifndef _NETINET_QUIC_H
#define _NETINET_QUIC_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/socket.h>
#include <gnutls/abstract.h>
#include <linux/quic.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * QUIC_PRIORITY - GnuTLS priority string for a QUIC session
 *
 * TLS 1.3 alone (RFC 9001 section 4.2), the four AEADs that QUIC defines, the
 * NIST and X25519 groups, certificates and pre-shared keys, and no
 * middlebox compatibility mode, which QUIC forbids (section 8.4).
 */
#define QUIC_PRIORITY \
	"NORMAL:-VERS-ALL:+VERS-TLS1.3" \
	":-CIPHER-ALL:+AES-128-GCM:+AES-256-GCM" \
	":+CHACHA20-POLY1305:+AES-128-CCM" \
	":-GROUP-ALL:+GROUP-SECP256R1:+GROUP-X25519" \
	":+GROUP-SECP384R1:+GROUP-SECP521R1" \
	":+PSK:+ECDHE-PSK:%DISABLE_TLS13_COMPAT_MODE"

/* ---- one call -------------------------------------------------------- */

/**
 * quic_client_handshake - complete the handshake of a connected socket
 * @sockfd: QUIC socket on which connect() has succeeded
 * @psk_file: file of pre-shared keys, one "identity:hexkey" per line, of which
 *	the first is used; NULL to authenticate the server by certificate
 * @hostname: the server's DNS name or IP address, as the user typed it.  It is
 *	sent as SNI (a DNS name only) and the certificate must match it.  NULL
 *	verifies the certificate's chain and dates, but takes any name: fit
 *	for a private CA only, and logged as a warning
 * @alpns: protocols offered, best first, separated by commas; spaces do not
 *	count.  NULL offers those of QUIC_SOCKOPT_ALPN, or none
 *
 * The certificate is always verified.  Trusted are the authorities in the file
 * $SSL_CERT_FILE and the directory $SSL_CERT_DIR if either is set, otherwise
 * those of the system.  A program that wants another policy makes its own
 * session and calls quic_handshake().
 *
 * A cipher set in struct quic_config.payload_cipher_type is the only one
 * offered.  Keys are logged to the file $SSLKEYLOGFILE if that is set.
 *
 * Blocks, also on a non-blocking socket, until the handshake has succeeded or
 * failed; it fails with -ETIMEDOUT after 40 seconds at most.  After a failure
 * the socket can only be closed, which tells the peer the TLS alert.
 *
 * Return: 0, or a negative number: -EINVAL for a server's socket or a bad ALPN
 * list, -ENAMETOOLONG or -E2BIG for an ALPN list that GnuTLS cannot carry,
 * -ENOENT or -EACCES for a file that cannot be read, -ECONNREFUSED,
 * -ETIMEDOUT, -ECONNRESET and others of the network,
 * GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR, or another GnuTLS error.
 */
int quic_client_handshake(int sockfd, const char *psk_file,
			  const char *hostname, const char *alpns);

/**
 * quic_server_handshake - complete the handshake of an accepted socket
 * @sockfd: QUIC socket that accept() has returned
 * @key_file: PEM file of the private key; with @cert_file NULL a file of
 *	pre-shared keys, one "identity:hexkey" per line, all of them accepted
 * @cert_file: PEM file of the certificate and its chain, or NULL
 * @alpns: protocols accepted, separated by commas; spaces do not count.  NULL
 *	accepts those of QUIC_SOCKOPT_ALPN, or any
 *
 * A client that shares no protocol with @alpns is refused with the TLS alert
 * no_application_protocol.  The protocol agreed upon becomes the socket's
 * QUIC_SOCKOPT_ALPN.  Session tickets are issued if the kernel provides a key
 * for them.  Blocking, time limit and environment as quic_client_handshake().
 *
 * Return: as quic_client_handshake(); -EINVAL also for a client's socket.
 */
int quic_server_handshake(int sockfd, const char *key_file,
			  const char *cert_file, const char *alpns);

/* ---- a session of your own ------------------------------------------- */

/**
 * quic_handshake - complete the handshake of a GnuTLS session
 * @session: session with credentials and priority set (see QUIC_PRIORITY),
 *	whose transport is the socket: gnutls_transport_set_int()
 *
 * Whether the socket is a client's or a server's is asked of the kernel; it
 * must agree with @session.  What to verify is the session's business: without
 * gnutls_session_set_verify_cert() or a verify function of your own, NOTHING
 * is verified.  Blocks as quic_client_handshake(), with the same time limit;
 * gnutls_handshake_set_timeout() has no effect on a QUIC session.
 *
 * The session may be freed afterwards: the kernel has the keys.
 *
 * Return: 0, -errno or a GnuTLS error; -EINVAL if a handshake of @session is
 * under way already, -ENOTSOCK, -EBADF, -EOPNOTSUPP or -ENOPROTOOPT if its
 * transport is no QUIC socket.
 */
int quic_handshake(gnutls_session_t session);

/* ---- without blocking ------------------------------------------------ */

enum quic_handshake_step_op {
	QUIC_HANDSHAKE_STEP_OP_SENDMSG = 1,
	QUIC_HANDSHAKE_STEP_OP_RECVMSG,
};

/**
 * struct quic_handshake_step_sendmsg - a sendmsg() for the caller to do
 * @msg: what to send; the library owns it
 * @flags: flags for sendmsg(): MSG_NOSIGNAL, and MSG_MORE if more will follow.
 *	MSG_DONTWAIT may be added
 * @retval: to be set to the bytes sent, or -errno
 */
struct quic_handshake_step_sendmsg {
	const struct msghdr *msg;
	int flags;
	ssize_t retval;
};

/**
 * struct quic_handshake_step_recvmsg - a recvmsg() for the caller to do
 * @msg: where to receive; the library owns it, recvmsg() updates it
 * @flags: flags for recvmsg(): MSG_DONTWAIT
 * @retval: to be set to the bytes received, or -errno
 */
struct quic_handshake_step_recvmsg {
	struct msghdr *msg;
	int flags;
	ssize_t retval;
};

/**
 * struct quic_handshake_step - what the caller is to do next
 * @op: which call; says which member of the union is valid
 */
struct quic_handshake_step {
	enum quic_handshake_step_op op;
	__extension__ union {
		struct quic_handshake_step_sendmsg s_sendmsg;
		struct quic_handshake_step_recvmsg s_recvmsg;
	};
};

/**
 * quic_handshake_init - begin a handshake that the caller drives
 * @session: as for quic_handshake()
 * @pstep: *@pstep must be NULL; it becomes the first step
 *
 * Socket options are got and set here and in quic_handshake_step(), at once:
 * they do not block.  Whatever is returned, quic_handshake_deinit() may follow.
 *
 * Return: 0 with a step; -EINVAL on misuse; otherwise as quic_handshake().
 */
int quic_handshake_init(gnutls_session_t session,
			struct quic_handshake_step **pstep);

/**
 * quic_handshake_step - take the result of one step, give the next
 * @session: as given to quic_handshake_init()
 * @pstep: *@pstep is the step just done, its retval set.  It becomes the next
 *	one, or NULL when the handshake is complete or has failed
 *
 * A step that would block may be repeated by the caller as often as it likes,
 * or be handed in with retval -EAGAIN: then the same step comes back.  There is
 * no time limit but the kernel's idle timeout; set one of your own.
 *
 * Return: 0; or, with *@pstep NULL, the failure, as quic_handshake(); -EINVAL
 * on misuse; -EUCLEAN if retval was not set; -EMSGSIZE after a short send or a
 * truncated receive; -ECONNRESET after an end of file; -EBADMSG if what was
 * received carries no QUIC_HANDSHAKE_INFO.
 */
int quic_handshake_step(gnutls_session_t session,
			struct quic_handshake_step **pstep);

/**
 * quic_handshake_deinit - end a handshake and free what it used
 * @session: as given to quic_handshake_init(); must not be freed yet
 *
 * The last step becomes invalid.  May be called at any time, also twice.
 */
void quic_handshake_deinit(gnutls_session_t session);

/* ---- sessions -------------------------------------------------------- */

/**
 * quic_session_get_data - save what is needed to resume a session
 * @session: a client's session whose handshake is complete
 * @data: where to
 * @size: size of @data in bytes; becomes the size of the session data, which
 *	is 0 as long as the server has sent no ticket
 *
 * Transport parameters are not included: a program that will send early data
 * keeps struct quic_transport_param with remote = 1, and QUIC_SOCKOPT_TOKEN.
 *
 * Return: 0; -EINVAL if @data is too small (*@size tells the need); -errno of
 * QUIC_SOCKOPT_SESSION_TICKET; or a GnuTLS error.
 */
int quic_session_get_data(gnutls_session_t session, void *data, size_t *size);

/**
 * quic_session_set_data - resume a saved session
 * @session: a client's session whose handshake has not begun
 * @data: what quic_session_get_data() saved
 * @size: its size in bytes
 *
 * Return: 0, -EINVAL, or a GnuTLS error.
 */
int quic_session_set_data(gnutls_session_t session, const void *data,
			  size_t size);

/**
 * quic_session_get_alpn - the application protocol that was agreed upon
 * @session: a session whose handshake is complete
 * @alpn: where to; a NUL is added if there is room
 * @size: size of @alpn in bytes; becomes the length of the name, 0 if none
 *	was agreed upon
 *
 * Return: 0, or -EINVAL if @alpn is too small (*@size tells the need).
 */
int quic_session_get_alpn(gnutls_session_t session, void *alpn, size_t *size);

/**
 * quic_session_set_alpn - the application protocols to offer or accept
 * @session: a session whose handshake has not begun
 * @alpns: names of 1 to 255 bytes, best first, separated by commas; spaces do
 *	not count, nor does anything from a NUL on
 * @size: length of @alpns in bytes
 *
 * The handshake fails with the alert no_application_protocol unless one of
 * them is agreed upon (RFC 9001 section 8.1).  GnuTLS 3.7 and 3.8 carry 8
 * names of 31 bytes at most; a list that does not fit is refused, not cut.
 *
 * Return: 0; -EINVAL for an empty name or list; -ENAMETOOLONG or -E2BIG for
 * what GnuTLS cannot carry; -ENOMEM; or a GnuTLS error.
 */
int quic_session_set_alpn(gnutls_session_t session, const void *alpns,
			  size_t size);

/* ---- data ------------------------------------------------------------ */

/**
 * quic_sendmsg - send on a stream
 * @sockfd: QUIC socket
 * @msg: the bytes
 * @len: how many
 * @sid: stream ID; -1 for the active stream, or with MSG_QUIC_STREAM_NEW for
 *	the next one
 * @flags: MSG_QUIC_STREAM_* and flags of sendmsg()
 *
 * Return: bytes taken, or -1 with errno as sendmsg(), see quic(7); ENOSPC
 * instead of EAGAIN if flow control is what blocks.
 */
ssize_t quic_sendmsg(int sockfd, const void *msg, size_t len, int64_t sid,
		     uint32_t flags);

/**
 * quic_recvmsg - receive stream data, a datagram or an event
 * @sockfd: QUIC socket
 * @msg: where to
 * @len: how many bytes at most
 * @sid: becomes the stream ID, if it is stream data; may be NULL
 * @flags: in: flags of recvmsg(); out: msg_flags of recvmsg() together with
 *	the stream's MSG_QUIC_STREAM_*.  Must be initialised; may be NULL
 *
 * Return: bytes received, or -1 with errno as recvmsg(), see quic(7).
 */
ssize_t quic_recvmsg(int sockfd, void *msg, size_t len, int64_t *sid,
		     uint32_t *flags);

/* ---- resumption and early data ---------------------------------------- */

#define QUIC_TICKETS_EARLY_DATA	0x1	/* clients may send 0-RTT data */

/**
 * quic_session_enable_tickets - let clients of a server resume sessions
 * @session: a server's session, its transport set, before the handshake
 * @flags: 0, or %QUIC_TICKETS_EARLY_DATA: a client that resumes may send data
 *	at once (0-RTT).  The session must have been made with
 *	GNUTLS_ENABLE_EARLY_DATA | GNUTLS_NO_END_OF_EARLY_DATA
 *
 * The key of the tickets comes from the kernel (QUIC_SOCKOPT_SESSION_TICKET):
 * they are good until the machine reboots, or for as long as the program sets
 * the same key.  With early data they are good only while the limits that the
 * socket grants stay the same.  The ticket is sent when the handshake is over;
 * make the session with GNUTLS_NO_AUTO_SEND_TICKET.
 *
 * Early data can be replayed by whoever saw it.  This process accepts each only
 * once; several processes behind one address each accept it, and no program
 * should act on early data in a way that must not happen twice.  With early
 * data the library becomes GnuTLS's clock in this process, and tells it the
 * machine's time.
 *
 * Return: 0, also if the kernel has no key, or a negative number.
 */
int quic_session_enable_tickets(gnutls_session_t session, unsigned int flags);

/* ---- messages -------------------------------------------------------- */

/**
 * quic_strerror - what went wrong, in words
 * @ret: the negative number that a function of this library returned
 *
 * If @ret is the last failure of this library in this thread, the text is the
 * full story ("peer closed the connection, code 0x178, ..."), and -errno is
 * told from GnuTLS for certain.  Otherwise the text says what the number
 * means: errno if there is such an errno, else GnuTLS.
 *
 * Return: text without a newline, valid until this thread's next call.
 */
const char *quic_strerror(int ret);

/**
 * typedef quic_set_log_func_t - receives the library's messages
 * @level: LOG_ERR (3) to LOG_DEBUG (7) of <syslog.h>
 * @msg: one line, without a newline
 */
typedef void (*quic_set_log_func_t)(int level, const char *msg);

/**
 * quic_set_log_func - choose who receives messages
 * @func: called in the thread that causes the message; NULL for none, as at
 *	the start
 *
 * Return: the function before.
 */
quic_set_log_func_t quic_set_log_func(quic_set_log_func_t func);

/**
 * quic_set_log_level - choose which messages are worth it
 * @level: highest level to report; LOG_WARNING (4) at the start
 *
 * Return: the level before.
 */
int quic_set_log_level(int level);

#ifdef __cplusplus
}
#endif

#endif /* _NETINET_QUIC_H */
