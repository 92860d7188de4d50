/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A pair of QUIC sockets in memory, as the kernel would behave during a
 * handshake.  The linker redirects the library's getsockopt(), setsockopt(),
 * sendmsg(), recvmsg() and poll() here (--wrap); a descriptor that is not of
 * a fake goes on to the real call.
 *
 * Like the kernel, a fake refuses bytes of a level whose secret it lacks,
 * holds received bytes back until it could decrypt them, corks on MSG_MORE,
 * and hands back one run of bytes per recvmsg().  Unlike the kernel it notes
 * everything for the test to look at.
 */
#ifndef LIBQUIC_TESTS_FAKE_H
#define LIBQUIC_TESTS_FAKE_H

#include <netinet/quic.h>
#include <stdbool.h>

struct fake_run;

struct fake {
	/* settings of a test; all zero is a kernel at its best */
	int		fail_role;	/* errno of getting TOKEN */
	int		fail_tparam_get;
	int		fail_tparam_set;
	int		fail_secret;	/* errno, for each level but EARLY */
	int		fail_ticket;	/* errno of sending at level APP */
	int		fail_send;	/* errno of any sendmsg() */
	int		so_error;
	bool		no_tparam;	/* an empty extension */
	bool		ticket_key;	/* the option SESSION_TICKET has one */
	bool		mangle;		/* flip a bit in each run received */
	unsigned int	seed;
	size_t		chunk;		/* most bytes per recvmsg(), 0: all */
	unsigned int	block_sends;	/* so many sendmsg() say EAGAIN first */
	uint32_t	cipher;		/* CONFIG.payload_cipher_type */
	char		alpn[129];	/* option ALPN */
	long		ahead;		/* ms, its clock of the machine's */

	/* what happened */
	struct quic_crypto_secret secret[2][QUIC_CRYPTO_MAX]; /* [send] */
	bool		has_secret[2][QUIC_CRYPTO_MAX];
	bool		rx_before_tx;	/* a level's secrets in wrong order */
	bool		late_bytes;	/* handshake bytes after the APP key */
	char		pattern[64];	/* I, H, A per sendmsg(); + is MORE */
	unsigned int	tparam_gets;
	uint8_t		peer_tparam[256];
	size_t		peer_tparam_len;
	struct quic_connection_close close;	/* option, as set */
	uint8_t		ticket[4096];	/* bytes of level APP received */
	size_t		ticket_len;
	bool		nosignal_missing;

	/* the last quic_sendmsg() and the next quic_recvmsg() */
	struct quic_stream_info stream;
	int		send_flags, recv_flags;
	bool		give_stream;

	/* inner life */
	int		fd;
	bool		is_server, closed;
	struct quic_connection_close peer_close;
	struct fake	*peer;
	struct fake_run	*corked, *in;
};

/* Make a pair; [0] is the client's.  fake_end() also checks the two against
 * each other, if @complete, as every successful handshake must leave them.
 */
void fake_begin(struct fake *pair);
void fake_end(struct fake *pair, bool complete);

/* The time is that of this end from now on, in this thread; NULL: the machine's. */
void fake_clock(const struct fake *fake);

/* What close() would do: the peer learns the code. */
void fake_close(struct fake *fake);

/* Put bytes into the queue of a fake as though its peer had sent them. */
void fake_inject(struct fake *fake, uint8_t level, const void *data,
		 size_t len);

#endif
