// SPDX-License-Identifier: GPL-2.0
/*
 * ClientHello and ALPN matching.  The input is names as the ALPN option holds
 * them, up to a zero byte, then the bytes of a CRYPTO stream.
 *
 * needs: wire/client_hello.c
 */
#include "fuzz.h"
#include "wire/client_hello.h"

/* One of @names, by itself, against the list, a byte at a time. */
static bool model_one(const u8 *list, u16 len, const char *name, size_t n)
{
	u16 i, k;

	for (i = 0; i < len; i += 1 + list[i]) {
		if (list[i] != n)
			continue;
		for (k = 0; k < n && list[i + 1 + k] == (u8)name[k]; k++)
			;
		if (k == n)
			return true;
	}
	return false;
}

static bool model_match(const u8 *list, u16 len, const char *names)
{
	const char *end;

	for (;; names = end + 1) {
		for (end = names; *end && *end != ','; end++)
			;
		if (end > names && model_one(list, len, names, end - names))
			return true;
		if (!*end)
			return false;
	}
}

static void check_list(const u8 *list, u16 len, const u8 *buf, u32 buf_len)
{
	u32 at = 0;

	MUST(len && inside(list, len, buf, buf_len));
	while (at < len) {
		MUST(list[at]);
		at += 1 + list[at];
	}
	MUST(at == len);
}

/* A hello is not complete until its last byte is there. */
static void check_prefix(const u8 *data, u32 len)
{
	u32 message = 4 + get_unaligned_be24(data + 1), n = len * 3 / 4;
	const u8 *alpn;
	u16 alpn_len;
	u8 *p;

	if (n >= message)
		n = message - 1;
	p = malloc(n);
	memcpy(p, data, n);
	MUST(quic_client_hello_alpn(p, n, &alpn, &alpn_len) == -EAGAIN);
	MUST(!alpn && !alpn_len);
	free(p);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	const char *names = (const char *)data;
	const u8 *alpn = data, *zero = size ? memchr(data, 0, size) : NULL;
	u16 alpn_len = 1;
	int err;

	if (!zero)
		return 0;
	size -= zero + 1 - data;
	data = zero + 1;
	err = quic_client_hello_alpn(data, size, &alpn, &alpn_len);
	MUST(!err || err == -EAGAIN || err == -EINVAL);
	MUST(!err || (!alpn && !alpn_len));
	MUST(err != -EAGAIN || size < 65536);
	if (err)
		return 0;
	MUST(data[0] == 1);
	if (alpn)
		check_list(alpn, alpn_len, data, size);
	MUST(quic_alpn_match(alpn, alpn_len, names) ==
	     model_match(alpn, alpn_len, names));
	check_prefix(data, size);
	return 0;
}
