/* SPDX-License-Identifier: GPL-2.0 */
/*
 * QUIC sockets for other kernel code.
 *
 * A QUIC socket is made with sock_create_kern() and the protocol
 * IPPROTO_QUIC; kernel_bind(), kernel_listen(), kernel_accept(),
 * kernel_connect(), kernel_sendmsg() and kernel_recvmsg() do what their system
 * calls do, with control messages of level SOL_QUIC built by hand.  What is
 * missing are the socket options; they are here.
 *
 * For a TLS handshake by net/handshake the socket needs a struct file
 * (sock_alloc_file()).  net/handshake takes over sk_destruct for as long as it
 * lasts and gives it back; that is fine with these sockets.
 *
 * An option may be set and got in any process context, without the socket
 * lock.  Values are those of <linux/quic.h>.
 */
#ifndef _NET_QUIC_H
#define _NET_QUIC_H

#include <linux/sockptr.h>
#include <linux/quic.h>

struct sock;

int quic_do_setsockopt(struct sock *sk, int optname, sockptr_t optval,
		       unsigned int optlen);
int quic_do_getsockopt(struct sock *sk, int optname, sockptr_t optval,
		       sockptr_t optlen);

#endif
