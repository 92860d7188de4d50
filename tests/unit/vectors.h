/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The vectors of RFC 9001 appendix A and RFC 9369 appendix A, which the module's
 * self-test has as well, and what else those documents say of each version.
 */
#ifndef UNIT_VECTORS_H
#define UNIT_VECTORS_H

#include "crypto/selftest_rfc.h"

static const struct version_vectors {
	const struct rfc_version *rfc;
	const char *salt, *key_label, *iv_label, *hp_label;
	const char *retry_key, *retry_nonce;
	const char *initial_secret;
} version_vectors[] = {
	{
		.rfc = &rfc_versions[0],
		.salt = "38762cf7f55934b34d179ae6a4c80cadccbb7f0a",
		.key_label = "quic key",
		.iv_label = "quic iv",
		.hp_label = "quic hp",
		.retry_key = "be0c690b9f66575a1d766b54e368c84e",
		.retry_nonce = "461599d35d632bf2239825bb",
		.initial_secret = "7db5df06e7a69e432496adedb0085192"
				  "3595221596ae2ae9fb8115c1e9ed0a44",
	},
	{
		.rfc = &rfc_versions[1],
		.salt = "0dede3def700a6db819381be6e269dcbf9bd2ed9",
		.key_label = "quicv2 key",
		.iv_label = "quicv2 iv",
		.hp_label = "quicv2 hp",
		.retry_key = "8fb4b01b56ac48e260fbcbcead7ccc92",
		.retry_nonce = "d86969bc2d7c6d9990efb04a",
		.initial_secret = "2062e8b3cd8d52092614b8071d0aa1fb"
				  "7c2e3ac193f78b280e72d8f5751f6aba",
	},
};

#endif
