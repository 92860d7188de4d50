/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Two ends that shake hands, in two ways.
 */
#ifndef LIBQUIC_TESTS_PAIR_H
#define LIBQUIC_TESTS_PAIR_H

#include "fake.h"

/* Sessions with credentials of their own, client [0] and server [1]. */
struct pair {
	gnutls_session_t			session[2];
	gnutls_certificate_credentials_t	cred[2];
};

/* @flags: more for gnutls_init(). */
void pair_begin(struct pair *pair, struct fake *fakes, unsigned int flags);
void pair_end(struct pair *pair);

/* Drive both step machines in turn, in this thread, till neither moves.
 * result[i] is 1 if end i has more to do.
 */
void pair_run(struct pair *pair, struct fake *fakes, int result[2]);

/* The one-call functions, the server in a thread of its own.  An end that
 * fails is closed, as a program would.
 */
struct calls {
	const char	*client_psk, *hostname, *client_alpns;
	const char	*key, *cert, *server_alpns;
	int		result[2];
	char		text[2][512];	/* quic_strerror() */
};

void calls_run(struct calls *calls, struct fake *fakes);

#endif
