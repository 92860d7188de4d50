// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * libquic without the kernel: all cases, over fake sockets (fake.c).
 */
#include <stdlib.h>

#include "certs.h"
#include "tap.h"

int main(void)
{
	certs_make();
	/* GnuTLS reads it once. */
	setenv("SSLKEYLOGFILE", certs.keylog, 1);
	test_steps();
	test_x509();
	test_psk();
	test_alpn();
	test_failures();
	test_sessions();
	test_early();
	test_msg();
	certs_remove();
	return tap_done();
}
