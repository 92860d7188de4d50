// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A server's session tickets: the key that seals them, and whether they allow
 * early data (0-RTT).
 *
 * The key is the kernel's, so tickets outlive the process.  Who allows early
 * data seals with a key of its own, which depends on the limits the socket
 * grants: a ticket from before they were changed is none, and so nobody sends
 * early data beyond them (RFC 9000 section 7.4.1).
 *
 * Early data can be sent again by whoever has seen it.  Each is accepted once,
 * in a window of time (RFC 8446 section 8.2): a process remembers so many, and
 * beyond that takes no early data, which costs the client a round trip.
 */
#include <errno.h>
#include <gnutls/crypto.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "internal.h"

#define TICKET_KEY_SIZE	64	/* what GnuTLS takes */
#define SEEN_MAX	4096	/* early data remembered */
#define SEEN_SIZE	32	/* bytes of its fingerprint that count */

/* ---- what was seen -------------------------------------------------------- */

static struct {
	pthread_mutex_t		lock;
	gnutls_anti_replay_t	window;
	unsigned int		count;
	struct {
		time_t	expires;
		uint8_t	key[SEEN_SIZE];
	} entry[SEEN_MAX];
} seen = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void forget_expired(time_t now)
{
	unsigned int i = 0;

	while (i < seen.count) {
		if (seen.entry[i].expires < now)
			seen.entry[i] = seen.entry[--seen.count];
		else
			i++;
	}
}

/* For GnuTLS: 0 if @key is new and now remembered. */
static int remember(void *ptr, time_t expires, const gnutls_datum_t *key,
		    const gnutls_datum_t *data)
{
	size_t len = key->size < SEEN_SIZE ? key->size : SEEN_SIZE;
	int ret = GNUTLS_E_DB_ENTRY_EXISTS;
	unsigned int i;

	(void)ptr;
	(void)data;
	pthread_mutex_lock(&seen.lock);
	forget_expired(time(NULL));
	for (i = 0; i < seen.count; i++)
		if (!memcmp(seen.entry[i].key, key->data, len))
			break;
	if (i == seen.count && i < SEEN_MAX) {
		memset(&seen.entry[i], 0, sizeof(seen.entry[i]));
		memcpy(seen.entry[i].key, key->data, len);
		seen.entry[i].expires = expires;
		seen.count++;
		ret = 0;
	}
	pthread_mutex_unlock(&seen.lock);
	return ret;
}

/* RFC9001-9.2-1 */
static int refuse_replays(gnutls_session_t tls)
{
	int ret = 0;

	pthread_mutex_lock(&seen.lock);
	if (!seen.window) {
		ret = gnutls_anti_replay_init(&seen.window);
		if (!ret)
			gnutls_anti_replay_set_add_function(seen.window,
							    remember);
	}
	pthread_mutex_unlock(&seen.lock);
	if (ret < 0)
		return quic_error_tls(ret, "protection against replays");
	gnutls_anti_replay_enable(tls, seen.window);
	return 0;
}

/* ---- the key ---------------------------------------------------------------- */

/* 1 if there is one.  Without it there are no tickets, and no harm. */
static int get_key(int fd, uint8_t key[TICKET_KEY_SIZE])
{
	uint8_t buf[QUIC_TICKET_MAX];
	socklen_t len = sizeof(buf);

	if (getsockopt(fd, SOL_QUIC, QUIC_SOCKOPT_SESSION_TICKET, buf, &len) ||
	    len != TICKET_KEY_SIZE) {
		quic_log(LOG_DEBUG, "no key for session tickets");
		return 0;
	}
	memcpy(key, buf, TICKET_KEY_SIZE);
	explicit_bzero(buf, sizeof(buf));
	return 1;
}

/* RFC9000-7.4.1-5 RFC9000-7.4.1-6 RFC9000-7.4.1-7 */
static int bind_to_limits(int fd, uint8_t key[TICKET_KEY_SIZE])
{
	struct quic_transport_param limits = { .remote = 0 };
	socklen_t len = sizeof(limits);
	uint8_t bound[TICKET_KEY_SIZE];
	int ret;

	if (getsockopt(fd, SOL_QUIC, QUIC_SOCKOPT_TRANSPORT_PARAM, &limits,
		       &len))
		return quic_error_sys(-errno, "our transport parameters");
	ret = gnutls_hmac_fast(GNUTLS_MAC_SHA512, key, TICKET_KEY_SIZE, &limits,
			       sizeof(limits), bound);
	if (ret < 0)
		return quic_error_tls(ret, "key for session tickets");
	memcpy(key, bound, sizeof(bound));
	explicit_bzero(bound, sizeof(bound));
	return 0;
}

/* RFC9001-4.6.1-1 */
static int allow_early_data(gnutls_session_t tls, int fd,
			    uint8_t key[TICKET_KEY_SIZE])
{
	int ret;

	ret = bind_to_limits(fd, key);
	if (ret)
		return ret;
	/* The only size that QUIC knows (RFC 9001 section 4.6.1). */
	ret = gnutls_record_set_max_early_data_size(tls, 0xffffffff);
	if (ret < 0)
		return quic_error_tls(ret, "early data");
	return refuse_replays(tls);
}

QUIC_EXPORT int quic_session_enable_tickets(gnutls_session_t session,
					    unsigned int flags)
{
	uint8_t key[TICKET_KEY_SIZE];
	gnutls_datum_t datum = { .data = key, .size = sizeof(key) };
	int fd, ret = 0;

	if (!session || flags & ~QUIC_TICKETS_EARLY_DATA)
		return quic_error_sys(-EINVAL, "quic_session_enable_tickets");
	fd = gnutls_transport_get_int(session);
	if (!get_key(fd, key))
		return 0;
	if (flags & QUIC_TICKETS_EARLY_DATA)
		ret = allow_early_data(session, fd, key);
	if (!ret) {
		/* GnuTLS keeps a copy. */
		ret = gnutls_session_ticket_enable_server(session, &datum);
		if (ret < 0)
			quic_error_tls(ret, "session tickets");
	}
	explicit_bzero(key, sizeof(key));
	return ret;
}
