// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Application protocols (ALPN, RFC 7301): from a list in text to what GnuTLS
 * wants, and back.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

/* A list, taken apart: @names point into @text, which has lost its spaces. */
struct names {
	gnutls_datum_t	*names;
	unsigned int	count;
	char		*text;
};

static void free_names(struct names *list)
{
	free(list->names);
	free(list->text);
}

/* Copy without spaces, up to the first NUL; also count the commas. */
static size_t squeeze(char *dst, const char *src, size_t size,
		      unsigned int *commas)
{
	size_t i, len = 0;

	*commas = 0;
	for (i = 0; i < size && src[i]; i++) {
		if (src[i] == ' ' || src[i] == '\t')
			continue;
		*commas += src[i] == ',';
		dst[len++] = src[i];
	}
	return len;
}

static int split(struct names *list, const char *alpns, size_t size)
{
	size_t len, start = 0, i;
	unsigned int commas;

	list->count = 0;
	list->names = NULL;
	list->text = malloc(size + 1);
	if (!list->text)
		return -ENOMEM;
	len = squeeze(list->text, alpns, size, &commas);
	list->names = calloc((size_t)commas + 1, sizeof(*list->names));
	if (!list->names)
		return -ENOMEM;

	for (i = 0; i <= len; i++) {
		if (i < len && list->text[i] != ',')
			continue;
		if (i == start)
			return -EINVAL;
		if (i - start > QUIC_ALPN_NAME_MAX)
			return -ENAMETOOLONG;
		list->names[list->count].data = (uint8_t *)list->text + start;
		list->names[list->count].size = i - start;
		list->count++;
		start = i + 1;
	}
	return 0;
}

/* RFC9001-8.1-5 */
/* GnuTLS has limits on names and list that its headers do not tell.  Ask it:
 * if one name alone is refused, that is too long, else there are too many.
 */
static int give_to_gnutls(gnutls_session_t tls, const struct names *list)
{
	unsigned int i;
	int ret;

	ret = gnutls_alpn_set_protocols(tls, list->names, list->count,
					GNUTLS_ALPN_MANDATORY);
	if (!ret)
		return 0;
	for (i = 0; i < list->count; i++)
		if (gnutls_alpn_set_protocols(tls, &list->names[i], 1,
					      GNUTLS_ALPN_MANDATORY) < 0)
			return -ENAMETOOLONG;
	return list->count > 1 ? -E2BIG : ret;
}

/* RFC9000-7-2 RFC9001-8.1-1 */
QUIC_EXPORT int quic_session_set_alpn(gnutls_session_t session,
				      const void *alpns, size_t size)
{
	struct quic_session *state;
	struct names list;
	int ret;

	if (!session || !alpns)
		return quic_error_sys(-EINVAL, "quic_session_set_alpn");
	ret = quic_session_attach(session, &state);
	if (ret)
		return ret;

	ret = split(&list, alpns, size);
	if (!ret)
		ret = give_to_gnutls(session, &list);
	free_names(&list);
	if (ret)
		return quic_error_sys(ret, "ALPN list \"%.*s\"",
				      (int)strnlen(alpns, size > 64 ? 64 : size),
				      (const char *)alpns);
	state->alpn_required = true;
	return 0;
}

QUIC_EXPORT int quic_session_get_alpn(gnutls_session_t session, void *alpn,
				      size_t *size)
{
	gnutls_datum_t name = { .size = 0 };
	size_t room;

	if (!session || !size || (!alpn && *size))
		return quic_error_sys(-EINVAL, "quic_session_get_alpn");
	/* An error means that there is none. */
	if (gnutls_alpn_get_selected_protocol(session, &name) < 0)
		name.size = 0;

	room = *size;
	*size = name.size;
	if (name.size > room)
		return quic_error_sys(-EINVAL,
				      "ALPN name of %u bytes, room for %zu",
				      name.size, room);
	if (name.size)
		memcpy(alpn, name.data, name.size);
	if (name.size < room)
		((char *)alpn)[name.size] = '\0';
	return 0;
}

int quic_alpn_apply(gnutls_session_t tls, int fd, const char *alpns)
{
	char buf[QUIC_ALPN_SOCKOPT_MAX + 1];
	socklen_t len = QUIC_ALPN_SOCKOPT_MAX;

	if (alpns)
		return quic_session_set_alpn(tls, alpns, strlen(alpns));

	if (getsockopt(fd, SOL_QUIC, QUIC_SOCKOPT_ALPN, buf, &len) || !len)
		return 0;
	return quic_session_set_alpn(tls, buf, len);
}
