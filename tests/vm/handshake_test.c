// SPDX-License-Identifier: GPL-2.0
/*
 * The handshake: control messages, corking, secrets, transport parameters,
 * certificates and pre-shared keys.
 */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/syscall.h>
#include "pair.h"

/* sendmsg() with one control message; @len bytes of it. */
static ssize_t send_cmsg(int fd, const void *data, size_t n, int level, int ctype,
			 const void *payload, size_t len, int flags)
{
	union {
		char buf[128];
		struct cmsghdr align;
	} control = { .buf = "" };
	struct iovec iov = { .iov_base = (void *)data, .iov_len = n };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1,
			      .msg_control = control.buf,
			      .msg_controllen = CMSG_SPACE(len) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = level;
	c->cmsg_type = ctype;
	c->cmsg_len = CMSG_LEN(len);
	memcpy(CMSG_DATA(c), payload, len);
	return sendmsg(fd, &msg, flags | MSG_NOSIGNAL);
}

static ssize_t send_crypto(int fd, const void *data, size_t n, uint8_t level,
			   int flags)
{
	return send_cmsg(fd, data, n, SOL_QUIC, QUIC_HANDSHAKE_INFO, &level, 1,
			 flags);
}

TEST_EACH(crypto_levels)
{
	int udp = udp_socket(0), fd = client(port_of(udp));

	ERR(send_crypto(fd, "x", 1, QUIC_CRYPTO_HANDSHAKE, 0), EINVAL);
	ERR(send_crypto(fd, "x", 1, QUIC_CRYPTO_APP, 0), EINVAL);
	ERR(send_crypto(fd, "x", 1, QUIC_CRYPTO_EARLY, 0), EINVAL);
	ERR(send_crypto(fd, "x", 1, QUIC_CRYPTO_MAX, 0), EINVAL);
	ERR(send_crypto(fd, "x", 1, 255, 0), EINVAL);
	ERR(send_crypto(fd, "", 0, QUIC_CRYPTO_INITIAL, 0), EMSGSIZE);
	EQ(counter("QuicTxPackets"), 0);
	EQ(send_crypto(fd, "x", 1, QUIC_CRYPTO_INITIAL, 0), 1);
	EQ(counter("QuicTxPackets"), 1);
}

TEST_EACH(crypto_cork)
{
	int udp = udp_socket(0), fd = client(port_of(udp));
	char buf[2000];

	EQ(send_crypto(fd, "abc", 3, QUIC_CRYPTO_INITIAL, MSG_MORE), 3);
	EQ(send_crypto(fd, "def", 3, QUIC_CRYPTO_INITIAL, MSG_MORE), 3);
	EQ(counter("QuicTxPackets"), 0);
	ERR(recv(udp, buf, sizeof(buf), MSG_DONTWAIT), EAGAIN);
	EQ(send_crypto(fd, "ghi", 3, QUIC_CRYPTO_INITIAL, 0), 3);
	EQ(counter("QuicTxPackets"), 1);
	/* One datagram, padded (RFC 9000 section 14.1). */
	OK(recv(udp, buf, sizeof(buf), 0) >= 1200);
}

TEST(cmsg_rules)
{
	int udp = udp_socket(0), fd = client(port_of(udp));
	struct quic_stream_info info = { .stream_id = 0, .stream_flags = 1 };
	uint8_t level = QUIC_CRYPTO_INITIAL;

	/* A type that does not exist. */
	ERR(send_cmsg(fd, "x", 1, SOL_QUIC, 7, &level, 1, 0), EINVAL);
	/* Of another level: not for us; no stream is active. */
	ERR(send_cmsg(fd, "x", 1, IPPROTO_TCP, 1, &level, 1, MSG_DONTWAIT),
	    EINVAL);
	/* Unknown flags of a stream. */
	ERR(send_cmsg(fd, "x", 1, SOL_QUIC, QUIC_STREAM_INFO, &info,
		      sizeof(info), MSG_DONTWAIT), EINVAL);
	EQ(counter("QuicTxPackets"), 0);
	/* The level that early programs use. */
	ERR(send_cmsg(fd, "x", 1, IPPROTO_QUIC, 7, &level, 1, 0), EINVAL);
	EQ(send_cmsg(fd, "x", 1, IPPROTO_QUIC, QUIC_HANDSHAKE_INFO, &level, 1,
		     0), 1);
	EQ(counter("QuicTxPackets"), 1);
}

TEST(sendmsg_flags)
{
	struct pair p = { 0 };
	struct {
		int flag;
	} bad[] = { { MSG_OOB }, { MSG_EOR }, { MSG_ZEROCOPY }, { MSG_DONTROUTE },
		    { MSG_FASTOPEN }, { MSG_TRYHARD } }, good[] = {
		    { MSG_DONTWAIT }, { MSG_NOSIGNAL }, { MSG_WAITALL },
		    { MSG_MORE }, { MSG_NOSIGNAL | MSG_DONTWAIT } };

	connection(&p);
	EQ(stream_open(p.client, -1, 0), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ERR(send(p.client, "x", 1, bad[i].flag), EINVAL);
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		EQ(send(p.client, "x", 1, good[i].flag), 1);
}

TEST(datagrams_are_not_there)
{
	struct pair p = { 0 };

	connection(&p);
	/* The peer takes none: socket-api.md section 4. */
	ERR(send(p.client, "x", 1, MSG_QUIC_DATAGRAM), EINVAL);
}

/* ---- secrets and parameters --------------------------------------------------------- */

static int set_secret(int fd, int level, int cipher, size_t len)
{
	struct quic_crypto_secret s = { .send = 1, .level = level,
					.type = cipher };

	return opt_set(fd, QUIC_SOCKOPT_CRYPTO_SECRET, &s, len);
}

TEST_EACH(secret_rules)
{
	int udp = udp_socket(0), fd = quic_socket(), l = listener(NULL);
	size_t len = sizeof(struct quic_crypto_secret);
	struct pair p = { 0 };

	ERR(set_secret(fd, QUIC_CRYPTO_HANDSHAKE, 51, len), EINVAL);
	ERR(set_secret(l, QUIC_CRYPTO_HANDSHAKE, 51, len), EINVAL);
	close(fd);
	fd = client(port_of(udp));
	ERR(set_secret(fd, QUIC_CRYPTO_INITIAL, 51, len), EINVAL);
	ERR(set_secret(fd, QUIC_CRYPTO_MAX, 51, len), EINVAL);
	ERR(set_secret(fd, QUIC_CRYPTO_HANDSHAKE, 50, len), EINVAL);
	ERR(set_secret(fd, QUIC_CRYPTO_HANDSHAKE, 55, len), EINVAL);
	ERR(set_secret(fd, QUIC_CRYPTO_HANDSHAKE, 51, 8), EINVAL);
	EQ(set_secret(fd, QUIC_CRYPTO_HANDSHAKE, 51, len), 0);
	connection(&p);
	ERR(set_secret(p.client, QUIC_CRYPTO_APP, 51, len), EINVAL);
	ERR(set_secret(p.server, QUIC_CRYPTO_APP, 51, len), EINVAL);
}

TEST(secret_never_comes_back)
{
	struct quic_crypto_secret s = { 0 };
	struct pair p = { 0 };
	socklen_t len = sizeof(s);

	connection(&p);
	ERR(opt_get(p.client, QUIC_SOCKOPT_CRYPTO_SECRET, &s, &len), ENOPROTOOPT);
}

TEST_EACH(parameters_on_the_wire)
{
	int udp = udp_socket(0), fd = client(port_of(udp)), un = quic_socket();
	uint8_t buf[512], big[600] = { 0 };
	socklen_t len = sizeof(buf);
	struct pair p = { 0 };

	ERR(opt_get(un, QUIC_SOCKOPT_TRANSPORT_PARAM_EXT, buf, &len), EINVAL);
	len = 256;
	OK(!opt_get(fd, QUIC_SOCKOPT_TRANSPORT_PARAM_EXT, buf, &len));
	OK(len > 20 && len < 256);
	len = 4;
	ERR(opt_get(fd, QUIC_SOCKOPT_TRANSPORT_PARAM_EXT, buf, &len), EINVAL);
	ERR(opt_set(fd, QUIC_SOCKOPT_TRANSPORT_PARAM_EXT, big, 513), EINVAL);
	ERR(opt_set(un, QUIC_SOCKOPT_TRANSPORT_PARAM_EXT, big, 10), EINVAL);
	connection(&p);
	len = sizeof(buf);
	ERR(opt_get(p.client, QUIC_SOCKOPT_TRANSPORT_PARAM_EXT, buf, &len),
	    EINVAL);
	ERR(opt_set(p.client, QUIC_SOCKOPT_TRANSPORT_PARAM_EXT, buf, 10), EINVAL);
}

/* RFC9000-7.4-1 */
/* Parameters that make no sense end the connection, code 0x8. */
TEST_EACH(parameters_that_are_bad)
{
	int udp = udp_socket(0), fd = client(port_of(udp));
	/* max_udp_payload_size of 100: below what RFC 9000 allows */
	static const uint8_t bad[] = { 0x03, 0x02, 0x40, 0x64 };
	struct quic_connection_close cl;
	union quic_event ev;

	event_on(fd, QUIC_EVENT_CONNECTION_CLOSE);
	ERR(opt_set(fd, QUIC_SOCKOPT_TRANSPORT_PARAM_EXT, bad, sizeof(bad)),
	    EINVAL);
	wait_event(fd, QUIC_EVENT_CONNECTION_CLOSE, &ev);
	cl = ev.close;
	EQ(cl.errcode, QUIC_TRANSPORT_ERROR_TRANSPORT_PARAM);
	ERR(recv(fd, &cl, 1, 0), ENOTCONN);
}

/* What the library says of the peer, changed on its way to the kernel: peers
 * may announce more, and less, than we let our own programs set.
 */
static bool widen;

int setsockopt(int fd, int level, int name, const void *val, socklen_t len)
{
	static const uint8_t wide[] = {
		/* max_idle_timeout: 2^64 ns and a little more */
		0x01, 8, 0xc0, 0, 0x10, 0xc6, 0xf7, 0xa0, 0xb5, 0xee,
		0x03, 4, 0x80, 0x10, 0, 0,	/* max_udp_payload_size 2^20 */
		0x0e, 2, 0x43, 0xe8,		/* active_connection_id_limit */
		0x20, 2, 0x40, 0x64,		/* max_datagram_frame_size 100 */
	};
	const uint8_t *in = val;
	uint8_t buf[512];
	socklen_t i, n, to = 0;

	if (!widen || level != SOL_QUIC ||
	    name != QUIC_SOCKOPT_TRANSPORT_PARAM_EXT)
		return syscall(SYS_setsockopt, fd, level, name, val, len);
	for (i = 0; i < len; i += n) {
		socklen_t id = 1 << (in[i] >> 6);

		OK(in[i + id] < 64);
		n = id + 1 + in[i + id];
		if (in[i] == 0x01 || in[i] == 0x03 || in[i] == 0x0e ||
		    in[i] == 0x20)
			continue;
		memcpy(buf + to, in + i, n);
		to += n;
	}
	OK(i == len && to + sizeof(wide) <= sizeof(buf));
	memcpy(buf + to, wide, sizeof(wide));
	return syscall(SYS_setsockopt, fd, level, name, buf,
		       to + sizeof(wide));
}

TEST(parameters_beyond_our_own)
{
	struct quic_transport_param tp = { .remote = 1 };
	struct pair p = { 0 };
	socklen_t len = sizeof(tp);
	char buf[200] = "";

	widen = true;
	connection(&p);
	widen = false;
	OK(!opt_get(p.client, QUIC_SOCKOPT_TRANSPORT_PARAM, &tp, &len));
	EQ(tp.max_udp_payload_size, 65535);
	EQ(tp.active_connection_id_limit, 255);
	EQ(tp.max_idle_timeout, UINT32_MAX);
	EQ(tp.max_datagram_frame_size, 100);
	ERR(send(p.client, buf, 200, MSG_QUIC_DATAGRAM), EMSGSIZE);
	/* Longer than three PTOs, the least that an idle timeout may be. */
	usleep(500000);
	pair_talk(&p);
	disconnect(&p);
}

/* ---- whole handshakes ------------------------------------------------------------------ */

static void both_ways(struct pair *p)
{
	char buf[16];
	bool fin;

	EQ(quic_sendmsg(p->client, "question", 8, -1, MSG_QUIC_STREAM_NEW |
			MSG_QUIC_STREAM_FIN), 8);
	EQ(read_stream(p->server, 0, buf, sizeof(buf), &fin), 8);
	OK(fin && !memcmp(buf, "question", 8));
	EQ(quic_sendmsg(p->server, "answer", 6, 0, MSG_QUIC_STREAM_FIN), 6);
	EQ(read_stream(p->client, 0, buf, sizeof(buf), &fin), 6);
	OK(fin && !memcmp(buf, "answer", 6));
}

TEST_EACH(handshake_with_pre_shared_key)
{
	struct pair p = { 0 };

	connection(&p);
	both_ways(&p);
	disconnect(&p);
}

TEST_EACH(handshake_with_certificate)
{
	struct pair p = { .certificates = true };

	connection(&p);
	both_ways(&p);
	EQ(counter("QuicConnCurrentEstabs"), 2);
	EQ(counter("QuicConnActiveEstabs"), 1);
	EQ(counter("QuicConnPassiveEstabs"), 1);
	disconnect(&p);
	UNTIL(counter("QuicConnCurrentEstabs") == 0);
}

static int cipher;

static void set_cipher(int fd)
{
	struct quic_config cfg = { .payload_cipher_type = cipher };

	OK(!opt_set(fd, QUIC_SOCKOPT_CONFIG, &cfg, sizeof(cfg)));
}

TEST(handshake_with_each_cipher)
{
	static const int ciphers[] = { 51, 52, 54 };

	for (int i = 0; i < 3; i++) {
		struct pair p = { .set_client = set_cipher,
				  .certificates = true };

		cipher = ciphers[i];
		connection(&p);
		both_ways(&p);
		disconnect(&p);
	}
}

struct refusal {
	int fd, ret;
};

static void *refused_client(void *arg)
{
	struct refusal *r = arg;

	r->ret = quic_client_handshake(r->fd, NULL, "localhost", NULL);
	close(r->fd);
	return NULL;
}

/* The system does not know our authority: the client refuses, and says so. */
TEST(handshake_with_unknown_authority)
{
	int l = listener(NULL), s;
	struct quic_connection_close cl;
	socklen_t len = sizeof(cl);
	struct refusal r = { .fd = client(port_of(l)) };
	pthread_t thread;

	unsetenv("SSL_CERT_FILE");
	OK(!pthread_create(&thread, NULL, refused_client, &r));
	s = accept(l, NULL, NULL);
	OK(s >= 0);
	OK(quic_server_handshake(s, key_file, cert_file, NULL) < 0);
	pthread_join(thread, NULL);
	EQ(r.ret, GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR);
	OK(!opt_get(s, QUIC_SOCKOPT_CONNECTION_CLOSE, &cl, &len));
	EQ(cl.errcode & ~0xffU, QUIC_TRANSPORT_ERROR_CRYPTO);
}

/* recvmsg() gives one run of TLS bytes with its level. */
static int levels_seen;
static ssize_t (*send_step)(int fd, const struct msghdr *msg, int flags);

static void *stepping_client(void *arg)
{
	gnutls_psk_client_credentials_t cred;
	static const gnutls_datum_t key = {
		(unsigned char *)"30313233343536373839616263646566", 32
	};
	struct quic_handshake_step *step = NULL;
	gnutls_session_t session;
	struct pair *p = arg;

	gnutls_psk_allocate_client_credentials(&cred);
	gnutls_psk_set_client_credentials(cred, "test", &key, GNUTLS_PSK_KEY_HEX);
	gnutls_init(&session, GNUTLS_CLIENT);
	gnutls_priority_set_direct(session, QUIC_PRIORITY, NULL);
	gnutls_credentials_set(session, GNUTLS_CRD_PSK, cred);
	gnutls_transport_set_int(session, p->client);
	EQ(quic_session_set_alpn(session, "hq", 2), 0);
	EQ(quic_handshake_init(session, &step), 0);
	while (step) {
		if (step->op == QUIC_HANDSHAKE_STEP_OP_SENDMSG) {
			step->s_sendmsg.retval =
				send_step(p->client, step->s_sendmsg.msg,
					  step->s_sendmsg.flags);
			OK(step->s_sendmsg.retval > 0);
		} else {
			struct msghdr *m = step->s_recvmsg.msg;
			struct cmsghdr *c;

			step->s_recvmsg.retval =
				recvmsg(p->client, m,
					step->s_recvmsg.flags & ~MSG_DONTWAIT);
			OK(step->s_recvmsg.retval > 0);
			c = CMSG_FIRSTHDR(m);
			OK(c);
			EQ(c->cmsg_level, SOL_QUIC);
			EQ(c->cmsg_type, QUIC_HANDSHAKE_INFO);
			EQ(c->cmsg_len, CMSG_LEN(1));
			OK(!CMSG_NXTHDR(m, c));
			levels_seen |= 1 << *CMSG_DATA(c);
		}
		EQ(quic_handshake_step(session, &step), 0);
	}
	quic_handshake_deinit(session);
	gnutls_deinit(session);
	return NULL;
}

TEST_EACH(handshake_by_steps)
{
	struct pair p = { .listener = listener(NULL) };
	pthread_t thread;

	p.client = client(port_of(p.listener));
	send_step = sendmsg;
	OK(!pthread_create(&thread, NULL, stepping_client, &p));
	p.server = accept(p.listener, NULL, NULL);
	OK(p.server >= 0);
	EQ(quic_server_handshake(p.server, psk_file, NULL, "hq"), 0);
	pthread_join(thread, NULL);
	EQ(levels_seen, 1 << QUIC_CRYPTO_INITIAL | 1 << QUIC_CRYPTO_HANDSHAKE);
	both_ways(&p);
}

/* The ClientHello in two, the second part when the first was acknowledged. */
static ssize_t send_halves(int fd, const struct msghdr *msg, int flags)
{
	struct iovec half = { .iov_base = msg->msg_iov->iov_base };
	struct msghdr part = *msg;

	send_step = sendmsg;
	part.msg_iov = &half;
	half.iov_len = msg->msg_iov->iov_len / 2;
	EQ(sendmsg(fd, &part, flags & ~MSG_MORE), half.iov_len);
	UNTIL(settled(fd));
	half.iov_base += half.iov_len;
	half.iov_len = msg->msg_iov->iov_len - half.iov_len;
	EQ(sendmsg(fd, &part, flags), half.iov_len);
	return msg->msg_iov->iov_len;
}

/* RFC9000-13.2.1-1 */
/* The first part is acknowledged while nobody can know which listener the
 * client wants; the connection keeps the ID that it was told then, and goes on
 * with the packet numbers.
 */
TEST_EACH(half_a_client_hello)
{
	int other = listener("smb");
	struct pair p = { .listener = quic_socket() };
	pthread_t thread;
	union addr a;

	OK(!opt_set(p.listener, QUIC_SOCKOPT_ALPN, "hq", 2));
	OK(!bind(p.listener, &a.sa, loopback(&a, family, port_of(other))));
	OK(!listen(p.listener, 1));
	p.client = client(port_of(other));
	send_step = send_halves;
	OK(!pthread_create(&thread, NULL, stepping_client, &p));
	p.server = accept(p.listener, NULL, NULL);
	OK(p.server >= 0);
	EQ(quic_server_handshake(p.server, psk_file, NULL, "hq"), 0);
	pthread_join(thread, NULL);
	both_ways(&p);
	EQ(counter("QuicDropCid"), 0);
	EQ(counter("QuicDropDuplicate"), 0);
}

/* A server's ACK waits for what TLS answers, but not for ever. */
TEST(slow_server)
{
	struct pair p = { .listener = listener(NULL) };
	uint8_t hello[] = { 1, 0, 0, 41, 3, 3, [38] = 0, 0, 2, 0x13, 1, 1, 0 };

	p.client = client(port_of(p.listener));
	EQ(send_crypto(p.client, hello, sizeof(hello), QUIC_CRYPTO_INITIAL, 0),
	   sizeof(hello));
	p.server = accept(p.listener, NULL, NULL);
	OK(p.server >= 0);
	UNTIL(settled(p.client));
}

/* RFC 9002 section 6.2.4: each of the two probes of a PTO repeats what was not
 * acknowledged; a PING would not bring the hello across.
 */
TEST(probes_repeat_the_hello)
{
	int peer = udp_socket(0), fd = client(port_of(peer));
	uint8_t hello[300] = { 1 }, buf[1500];

	EQ(send_crypto(fd, hello, sizeof(hello), QUIC_CRYPTO_INITIAL, 0),
	   sizeof(hello));
	/* The first, and the probes of two PTOs. */
	for (int i = 0; i < 5; i++)
		EQ(recv(peer, buf, sizeof(buf), 0), 1200);
	OK(counter("QuicPtos") >= 2);
	OK(counter("QuicFrmRetrans") >= 4);
	OK(counter("QuicTxRetransBytes") >= 4 * sizeof(hello));
}
