/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of sock/ share and nobody else needs. */
#ifndef KQUIC_SOCK_H
#define KQUIC_SOCK_H

#include <linux/poll.h>
#include "../pipeline.h"
#include "../compat.h"

extern struct proto quic_prot;
extern struct proto quicv6_prot;
extern struct proto quic_stream_prot;
extern long quic_sysctl_mem[3];
extern int quic_sysctl_rmem[3];
extern int quic_sysctl_wmem[3];

/* Was the socket opened, or made, non-blocking?  For calls without flags. */
static inline bool quic_sk_nonblock(const struct sock *sk)
{
	return sk->sk_socket && sk->sk_socket->file &&
	       sk->sk_socket->file->f_flags & O_NONBLOCK;
}

/* cmsg.c: what a sendmsg() call asks for */
struct quic_send_args {
	bool handshake;		/* HANDSHAKE_INFO was attached */
	bool has_stream;	/* STREAM_INFO was attached */
	u8 level;
	s64 stream_id;
	u32 stream_flags;
};

#define QUIC_STREAM_FLAGS (MSG_QUIC_STREAM_NEW | MSG_QUIC_STREAM_FIN |	\
			   MSG_QUIC_STREAM_UNI | MSG_QUIC_STREAM_DONTWAIT | \
			   MSG_QUIC_STREAM_SNDBLOCK)

#define QUIC_SEND_FLAGS (QUIC_STREAM_FLAGS | MSG_QUIC_DATAGRAM |	\
			 MSG_DONTWAIT | MSG_MORE | MSG_NOSIGNAL |	\
			 MSG_WAITALL | MSG_BATCH | MSG_SPLICE_PAGES |	\
			 MSG_NO_SHARED_FRAGS | MSG_INTERNAL_SENDMSG_FLAGS)

int quic_cmsg_parse(struct msghdr *msg, struct quic_send_args *args);
void quic_cmsg_put_stream(struct msghdr *msg, u64 id, bool fin);
void quic_cmsg_put_level(struct msghdr *msg, u8 level);

/* family.c */
int quic_family_init(void);
void quic_family_exit(void);
struct sock *quic_sock_child(struct sock *parent);
void quic_sock_discard(struct sock *sk);
int quic_sock_inherit(struct sock *child, const struct sock *parent);

/* bind.c */
int quic_bind(struct socket *sock, quic_sockaddr_t *sa, int len);
int quic_bind_addr(struct sock *sk, const union quic_addr *addr);
int quic_bind_allowed(const struct sock *sk, const union quic_addr *addr);
int quic_getname(struct sock *sk, struct sockaddr *uaddr, int peer);

/* listen.c */
int quic_listen(struct socket *sock, int backlog);
struct sock *quic_accept(struct sock *sk, struct proto_accept_arg *arg);
void quic_listen_stop(struct sock *sk);

/* connect.c */
int quic_connect(struct socket *sock, quic_sockaddr_t *addr, int len,
		 int flags);

/* sendmsg.c, recvmsg.c */
int quic_sendmsg(struct sock *sk, struct msghdr *msg, size_t len);
#ifdef QUIC_KERNEL_7
int quic_recvmsg_op(struct sock *sk, struct msghdr *msg, size_t len, int flags);
#else
int quic_recvmsg_op(struct sock *sk, struct msghdr *msg, size_t len, int flags,
		    int *addr_len);
#endif
/* Sleep until @waiter is woken (@sk, or a stream of it); 0 or -errno. */
int quic_wait(struct sock *sk, struct sock *waiter, long *timeo);
struct quic_stream *quic_send_open(struct sock *sk, s64 id, u32 flags,
				   bool nonblock);
/* What of the send buffer @s may fill now, bytes. */
size_t quic_send_room(const struct sock *sk, const struct quic_stream *s);
/* Send on @s; who has to wait is @waiter. */
int quic_send_on(struct sock *sk, struct sock *waiter, struct quic_stream *s,
		 struct msghdr *msg, size_t len,
		 const struct quic_send_args *args);
/* Take consecutive chunks of one stream from the front of @q. */
int quic_recv_chunks(struct sock *sk, struct list_head *q, struct msghdr *msg,
		     size_t len, bool peek, bool *fin);

/* sockopt.c */
int quic_setsockopt(struct sock *sk, int level, int optname, sockptr_t val,
		    unsigned int len);
int quic_getsockopt(struct sock *sk, int level, int optname,
		    char __user *val, int __user *len);

/* stream.c */
int quic_stream_fd(struct sock *sk, sockptr_t optval, sockptr_t optlen);
int quic_stream_fd_mode(struct sock *sk, void *val, u32 len);
void quic_stream_sock_blocked(struct sock *waiter);

/* congestion.c */
int quic_congestion_set(struct sock *sk, void *val, u32 len);
int quic_congestion_get(struct sock *sk, void *val, u32 len);
void quic_congestion_name(struct sock *sk, char *name);
void quic_congestion_default_name(struct net *net, char *name);
int quic_congestion_set_default(struct net *net, const char *name);
void quic_congestion_net_init(struct net *net);
void quic_congestion_net_exit(struct net *net);

/* info.c */
void quic_info_get(struct sock *sk, struct quic_info *info);

/* poll.c */
__poll_t quic_poll(struct file *file, struct socket *sock, poll_table *wait);
void quic_write_space(struct sock *sk);

#endif
