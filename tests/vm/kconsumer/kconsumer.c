// SPDX-License-Identifier: GPL-2.0
/*
 * A user of QUIC sockets inside the kernel: what <net/quic.h> promises. Both
 * ends of a connection, with a handshake of its own making: two secrets that
 * are known beforehand, and flights whose bytes say nothing, but for the first.
 * Loading it is the test; it fails to load if something is wrong.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt
#include <linux/completion.h>
#include <linux/file.h>
#include <linux/in.h>
#include <linux/module.h>
#include <linux/net.h>
#include <linux/tls.h>
#include <linux/workqueue.h>
#include <net/net_namespace.h>
#include <net/sock.h>
#include <net/quic.h>

#define CHECK(cond) do {						\
	if (!(cond)) {							\
		pr_err("line %d: %s\n", __LINE__, #cond);		\
		return -EBADMSG;					\
	}								\
} while (0)

/* As short as one can be: no session ID, one cipher suite, no compression (the
 * zero at the end of the string), no extensions.
 */
#define ONES	"\1\1\1\1\1\1\1\1"
static const char client_hello[] = "\1\0\0\x29\3\3" ONES ONES ONES ONES
				   "\0\0\2\x13\1\1";

/* A string as the two arguments data and length. */
#define TEXT(text)	(text), strlen(text)

static struct socket *listener, *client, *server;
static struct completion destructed;
static int result;
static void (*old_destruct)(struct sock *sk);

/* ---- messages ---------------------------------------------------------------- */

union control {
	struct cmsghdr hdr;
	char buf[CMSG_SPACE(sizeof(struct quic_stream_info))];
};

static int send(struct socket *sock, int type, const void *info, size_t size,
		const char *data, size_t len, int flags)
{
	union control control = {};
	struct msghdr msg = {
		.msg_flags = flags,
		.msg_control = &control,
		.msg_controllen = CMSG_SPACE(size),
	};
	struct kvec vec = { .iov_base = (void *)data, .iov_len = len };

	control.hdr.cmsg_level = SOL_QUIC;
	control.hdr.cmsg_type = type;
	control.hdr.cmsg_len = CMSG_LEN(size);
	memcpy(control.buf + sizeof(control.hdr), info, size);
	return kernel_sendmsg(sock, &msg, &vec, 1, len);
}

static int send_tls(struct socket *sock, u8 level, const char *data,
		    size_t len)
{
	struct quic_handshake_info info = { .crypto_level = level };

	return send(sock, QUIC_HANDSHAKE_INFO, &info, sizeof(info), data, len,
		    MSG_NOSIGNAL);
}

static int send_stream(struct socket *sock, s64 id, u32 flags, const char *text)
{
	struct quic_stream_info info = { .stream_id = id,
					 .stream_flags = flags };

	return send(sock, QUIC_STREAM_INFO, &info, sizeof(info), TEXT(text),
		    MSG_NOSIGNAL);
}

/* Receive exactly @data; the control message in @control. */
static int expect(struct socket *sock, const char *data, size_t len,
		  union control *control)
{
	struct msghdr msg = {
		.msg_control = control,
		.msg_controllen = sizeof(*control),
	};
	char buf[64];
	struct kvec vec = { .iov_base = buf, .iov_len = sizeof(buf) };
	int n = kernel_recvmsg(sock, &msg, &vec, 1, sizeof(buf), 0);

	CHECK(n == len);
	CHECK(!memcmp(buf, data, len));
	CHECK(control->hdr.cmsg_level == SOL_QUIC);
	return 0;
}

static int expect_tls(struct socket *sock, u8 level, const char *data,
		      size_t len)
{
	union control control = {};
	int err = expect(sock, data, len, &control);

	if (err)
		return err;
	CHECK(control.hdr.cmsg_type == QUIC_HANDSHAKE_INFO);
	CHECK(control.buf[sizeof(control.hdr)] == level);
	return 0;
}

static int expect_stream(struct socket *sock, s64 id, u32 flags,
			 const char *text)
{
	struct quic_stream_info info;
	union control control = {};
	int err = expect(sock, TEXT(text), &control);

	if (err)
		return err;
	CHECK(control.hdr.cmsg_type == QUIC_STREAM_INFO);
	memcpy(&info, control.buf + sizeof(control.hdr), sizeof(info));
	CHECK(info.stream_id == id && info.stream_flags == flags);
	return 0;
}

/* ---- options ------------------------------------------------------------------- */

static int set(struct socket *sock, int opt, void *val, unsigned int len)
{
	return quic_do_setsockopt(sock->sk, opt, KERNEL_SOCKPTR(val), len);
}

static int get(struct socket *sock, int opt, void *val, int *len)
{
	return quic_do_getsockopt(sock->sk, opt, KERNEL_SOCKPTR(val),
				  KERNEL_SOCKPTR(len));
}

/* Secrets of the client's packets and of the server's, per level. */
static int set_secret(struct socket *sock, bool tx, u8 level)
{
	struct quic_crypto_secret s = {
		.send = tx,
		.level = level,
		.type = TLS_CIPHER_AES_GCM_128,
	};

	memset(s.secret, 0x10 * level + (tx == (sock == client)), 32);
	return set(sock, QUIC_SOCKOPT_CRYPTO_SECRET, &s, sizeof(s));
}

/* The transport parameters of one end go to the other. */
static int hand_over_params(struct socket *from, struct socket *to)
{
	static char buf[256];
	int len = sizeof(buf);

	CHECK(!get(from, QUIC_SOCKOPT_TRANSPORT_PARAM_EXT, buf, &len));
	CHECK(len > 20);
	CHECK(!set(to, QUIC_SOCKOPT_TRANSPORT_PARAM_EXT, buf, len));
	return 0;
}

/* ---- the test -------------------------------------------------------------------- */

static int open(void)
{
	struct sockaddr_in a = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct quic_config cfg = { .initial_smoothed_rtt = 20000 };
	int len = sizeof(cfg);

	CHECK(!sock_create_kern(&init_net, AF_INET, SOCK_DGRAM, IPPROTO_QUIC,
				&listener));
	CHECK(!sock_create_kern(&init_net, AF_INET, SOCK_STREAM, IPPROTO_QUIC,
				&client));
	listener->sk->sk_rcvtimeo = 20 * HZ;
	client->sk->sk_rcvtimeo = 20 * HZ;
	/* Options take kernel memory, and say what is wrong. */
	CHECK(!set(client, QUIC_SOCKOPT_CONFIG, &cfg, sizeof(cfg)));
	memset(&cfg, 0, sizeof(cfg));
	CHECK(!get(client, QUIC_SOCKOPT_CONFIG, &cfg, &len));
	CHECK(len == sizeof(cfg) && cfg.initial_smoothed_rtt == 20000);
	CHECK(set(client, QUIC_SOCKOPT_INFO, &cfg, len) == -ENOPROTOOPT);
	CHECK(get(client, QUIC_SOCKOPT_STREAM_FD, &cfg, &len) == -EOPNOTSUPP);

	CHECK(!kernel_bind(listener, (void *)&a, sizeof(a)));
	CHECK(!kernel_listen(listener, 4));
	CHECK(kernel_getsockname(listener, (void *)&a) == sizeof(a));
	CHECK(!kernel_connect(client, (void *)&a, sizeof(a), 0));
	return 0;
}

static int handshake(void)
{
	CHECK(send_tls(client, QUIC_CRYPTO_INITIAL, client_hello,
		       sizeof(client_hello)) == sizeof(client_hello));
	CHECK(!kernel_accept(listener, &server, 0));
	server->sk->sk_rcvtimeo = 20 * HZ;
	CHECK(!expect_tls(server, QUIC_CRYPTO_INITIAL, client_hello,
			  sizeof(client_hello)));
	CHECK(send_tls(server, QUIC_CRYPTO_INITIAL, TEXT("server hello")) == 12);
	CHECK(!hand_over_params(client, server));
	CHECK(!set_secret(server, true, QUIC_CRYPTO_HANDSHAKE));
	CHECK(!set_secret(server, false, QUIC_CRYPTO_HANDSHAKE));
	CHECK(send_tls(server, QUIC_CRYPTO_HANDSHAKE, TEXT("the rest")) == 8);
	CHECK(!set_secret(server, true, QUIC_CRYPTO_APP));

	CHECK(!expect_tls(client, QUIC_CRYPTO_INITIAL, TEXT("server hello")));
	CHECK(!set_secret(client, true, QUIC_CRYPTO_HANDSHAKE));
	CHECK(!set_secret(client, false, QUIC_CRYPTO_HANDSHAKE));
	CHECK(!expect_tls(client, QUIC_CRYPTO_HANDSHAKE, TEXT("the rest")));
	CHECK(!hand_over_params(server, client));
	CHECK(send_tls(client, QUIC_CRYPTO_HANDSHAKE, TEXT("finished")) == 8);
	CHECK(!set_secret(client, true, QUIC_CRYPTO_APP));
	CHECK(!set_secret(client, false, QUIC_CRYPTO_APP));

	CHECK(!expect_tls(server, QUIC_CRYPTO_HANDSHAKE, TEXT("finished")));
	CHECK(!set_secret(server, false, QUIC_CRYPTO_APP));
	return 0;
}

static int transfer(void)
{
	struct quic_stream_info info = { .stream_id = -1 };
	int len = sizeof(info);
	struct quic_info i;

	CHECK(!get(client, QUIC_SOCKOPT_STREAM_OPEN, &info, &len));
	CHECK(info.stream_id == 0);
	CHECK(send_stream(client, 0, 0, "question") == 8);
	CHECK(!expect_stream(server, 0, 0, "question"));
	CHECK(send_stream(server, 0, MSG_QUIC_STREAM_FIN, "answer") == 6);
	CHECK(!expect_stream(client, 0, MSG_QUIC_STREAM_FIN, "answer"));
	CHECK(send_stream(server, -1, MSG_QUIC_STREAM_NEW |
			  MSG_QUIC_STREAM_UNI, "one way") == 7);
	CHECK(!expect_stream(client, 3, 0, "one way"));
	len = sizeof(i);
	CHECK(!get(client, QUIC_SOCKOPT_INFO, &i, &len));
	CHECK(i.data_sent == 8 && i.data_read == 13);
	return 0;
}

/* As net/handshake does it, which keeps the old one to call it in the end. */
static void on_destruct(struct sock *sk)
{
	old_destruct(sk);
	complete(&destructed);
}

/* net/handshake wants a file, and takes over sk_destruct. */
static int as_handshake_does(void)
{
	struct file *file = sock_alloc_file(client, O_NONBLOCK, NULL);

	CHECK(!IS_ERR(file));
	CHECK(client->sk->sk_socket->file == file);
	init_completion(&destructed);
	old_destruct = client->sk->sk_destruct;
	CHECK(old_destruct);
	client->sk->sk_destruct = on_destruct;
	fput(file);
	client = NULL;		/* its socket goes with the file */
	return 0;
}

/* The other end notices that it is closed. */
static int closed(void)
{
	struct msghdr msg = {};
	char buf[64];
	struct kvec vec = { .iov_base = buf, .iov_len = sizeof(buf) };
	int n;

	do
		n = kernel_recvmsg(server, &msg, &vec, 1, sizeof(buf), 0);
	while (n >= 0);
	CHECK(n == -ENOTCONN);
	return 0;
}

/* In a worker, where fput() does not wait for a return to user space. */
static void run(struct work_struct *work)
{
	result = open() ?: handshake() ?: transfer() ?: as_handshake_does() ?:
		 closed();
}

static DECLARE_WORK(work, run);

static int __init kconsumer_init(void)
{
	queue_work(system_long_wq, &work);
	flush_work(&work);
	if (server)
		sock_release(server);
	if (client)
		sock_release(client);
	if (listener)
		sock_release(listener);
	if (!result &&
	    !wait_for_completion_timeout(&destructed, 60 * HZ)) {
		pr_err("sk_destruct was not called\n");
		result = -ETIMEDOUT;
	}
	rcu_barrier();		/* on_destruct() has returned */
	return result;
}

static void __exit kconsumer_exit(void)
{
}

module_init(kconsumer_init);
module_exit(kconsumer_exit);
MODULE_DESCRIPTION("Test: QUIC sockets used inside the kernel");
MODULE_LICENSE("GPL");
