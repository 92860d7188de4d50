/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Keys and certificates, made anew for each run in a directory of their own.
 */
#ifndef LIBQUIC_TESTS_CERTS_H
#define LIBQUIC_TESTS_CERTS_H

/* Files, valid between certs_make() and certs_remove(). */
struct certs {
	char	dir[64];
	char	ca[96];		/* the authority clients trust */
	char	other_ca[96];	/* one that signed nothing here */
	char	key[96];
	char	good[96];	/* localhost, 127.0.0.1 */
	char	expired[96];
	char	psk[96];
	char	other_psk[96];	/* same identity, another key */
	char	bad_psk[96];	/* not a key file at all */
	char	keylog[96];	/* does not exist yet */
};

extern struct certs certs;

void certs_make(void);
void certs_remove(void);

#endif
