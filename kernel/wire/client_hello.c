// SPDX-License-Identifier: GPL-2.0
/*
 * TLS ClientHello: find the ALPN list, so that the kernel can choose a
 * listener before any TLS library has seen the connection.
 *
 * Owns:	the framing of a ClientHello and of its ALPN extension.
 * Called from:	sock/listen.
 * Context:	any; the bytes parsed are hostile.
 * Locks:	none.
 * RFC:		8446 sections 4, 4.1.2, 4.2; 7301 section 3.1.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/unaligned.h>

#include "client_hello.h"

#define HANDSHAKE_HEADER_LEN	4	/* type, 24-bit length */
#define CLIENT_HELLO		1	/* section 4 */
#define MAX_MESSAGE		65536
#define VERSION_AND_RANDOM	34
#define MAX_SESSION_ID		32
#define EXT_ALPN		16

/* Everything up to the extensions. */
static bool skip_fixed_part(struct quic_cur *c)
{
	struct quic_cur v;
	const u8 *p;

	if (!quic_get_bytes(c, &p, VERSION_AND_RANDOM) ||
	    !quic_get_vector(c, 1, &v) || quic_cur_left(&v) > MAX_SESSION_ID)
		return false;
	if (!quic_get_vector(c, 2, &v) ||		/* cipher suites */
	    !quic_cur_left(&v) || quic_cur_left(&v) % 2)
		return false;
	return quic_get_vector(c, 1, &v) && quic_cur_left(&v); /* compression */
}

/* One list that fills the extension, of names that are not empty. */
static bool parse_alpn(struct quic_cur *ext, const u8 **alpn, u16 *alpn_len)
{
	struct quic_cur list, name;

	if (*alpn || !quic_get_vector(ext, 2, &list) || quic_cur_left(ext) ||
	    !quic_cur_left(&list))
		return false;
	*alpn = list.p;
	*alpn_len = quic_cur_left(&list);
	while (quic_cur_left(&list)) {
		if (!quic_get_vector(&list, 1, &name) || !quic_cur_left(&name))
			return false;
	}
	return true;
}

static bool parse_extensions(struct quic_cur *c, const u8 **alpn,
			     u16 *alpn_len)
{
	struct quic_cur list, ext;
	const u8 *type;

	if (!quic_cur_left(c))	/* section 4.1.2: older clients have none */
		return true;
	if (!quic_get_vector(c, 2, &list) || quic_cur_left(c))
		return false;
	while (quic_cur_left(&list)) {
		if (!quic_get_bytes(&list, &type, 2) ||
		    !quic_get_vector(&list, 2, &ext))
			return false;
		if (get_unaligned_be16(type) == EXT_ALPN &&
		    !parse_alpn(&ext, alpn, alpn_len))
			return false;
	}
	return true;
}

int quic_client_hello_alpn(const u8 *buf, u32 len, const u8 **alpn,
			   u16 *alpn_len)
{
	struct quic_cur c;
	u32 body;

	*alpn = NULL;
	*alpn_len = 0;
	if (!len)
		return -EAGAIN;
	if (buf[0] != CLIENT_HELLO)
		return -EINVAL;
	if (len < HANDSHAKE_HEADER_LEN)
		return -EAGAIN;
	body = get_unaligned_be24(buf + 1);
	if (body > MAX_MESSAGE - HANDSHAKE_HEADER_LEN)
		return -EINVAL;
	if (len - HANDSHAKE_HEADER_LEN < body)
		return -EAGAIN;

	c.p = buf + HANDSHAKE_HEADER_LEN;
	c.end = c.p + body;
	if (!skip_fixed_part(&c) || !parse_extensions(&c, alpn, alpn_len)) {
		*alpn = NULL;
		*alpn_len = 0;
		return -EINVAL;
	}
	return 0;
}

static bool list_contains(const u8 *alpn, u16 alpn_len, const char *name,
			  size_t len)
{
	const u8 *end = alpn + alpn_len;

	while (alpn < end) {
		if (alpn[0] == len && !memcmp(alpn + 1, name, len))
			return true;
		alpn += 1 + alpn[0];
	}
	return false;
}

bool quic_alpn_match(const u8 *alpn, u16 alpn_len, const char *names)
{
	size_t len;

	if (!alpn)
		return false;
	for (;;) {
		len = strcspn(names, ",");
		if (list_contains(alpn, alpn_len, names, len))
			return true;
		if (!names[len])
			return false;
		names += len + 1;
	}
}
