// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Early data can be sent again by whoever has seen it.  A server accepts each
 * once: it takes none that has been on its way for longer than a window of time,
 * and remembers what came within (RFC 8446 sections 8.2, 8.3).  A process
 * remembers so many, and beyond that takes no early data, which costs the client
 * a round trip.
 *
 * The rule is GnuTLS's, what is remembered is kept here.  Two parts of the rule
 * are too narrow, and it has no settings:
 *
 *  - It begins to record anew when the window has passed, and refuses each
 *    ticket from before, although the window bounds what can be a replay.  So
 *    nobody could come back after others have.
 *  - It refuses a client to whom its ticket is older than to the server.  To
 *    clients that count the age from the full second, as those of Go and of
 *    rustls do, it is, by up to a second.
 *
 * Both compare times that GnuTLS notes when a recording begins and when a ticket
 * is made.  So each session has a recording of its own that has begun long ago,
 * and tickets are dated back by a second: GnuTLS asks the clock here.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "internal.h"

#define WINDOW		10	/* seconds */
#define DATED_BACK	1	/* seconds */
#define SEEN_MAX	4096	/* early data remembered */
#define SEEN_SIZE	32	/* bytes of its fingerprint that count */

/* ---- GnuTLS's clock --------------------------------------------------------- */

static _Thread_local const struct timespec *told;	/* instead of the time */
static bool asks_here;

static void tell_time(struct timespec *t)
{
	if (told)
		*t = *told;
	else
		clock_gettime(CLOCK_REALTIME, t);
}

/* The way to set it is not of GnuTLS's API, but of its tests. */
static void let_ask(void)
{
	void (*set)(void (*)(struct timespec *)) =
		(void (*)(void (*)(struct timespec *)))
		dlsym(RTLD_DEFAULT, "_gnutls_global_set_gettime_function");

	if (!set)
		return;
	set(tell_time);
	asks_here = true;
}

static bool have_clock(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	return !pthread_once(&once, let_ask) && asks_here;
}

int quic_replay_send_ticket(gnutls_session_t tls)
{
	struct timespec before;
	int ret;

	clock_gettime(CLOCK_REALTIME, &before);
	before.tv_sec -= DATED_BACK;
	told = &before;
	ret = gnutls_session_ticket_send(tls, 1, 0);
	told = NULL;
	return ret;
}

/* ---- what was seen ---------------------------------------------------------- */

static struct {
	pthread_mutex_t		lock;
	struct timespec		since;	/* 0: never */
	unsigned int		count;
	struct {
		time_t	expires;
		uint8_t	key[SEEN_SIZE];
	} entry[SEEN_MAX];
} seen = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void forget_expired(void)
{
	struct timespec now;
	unsigned int i = 0;

	clock_gettime(CLOCK_REALTIME, &now);
	while (i < seen.count) {
		if (seen.entry[i].expires < now.tv_sec)
			seen.entry[i] = seen.entry[--seen.count];
		else
			i++;
	}
}

/* For GnuTLS: 0 if @key is new and now remembered.  It ends with the binder of
 * the ClientHello; what is ahead of that tells recordings apart.
 */
static int remember(void *ptr, time_t expires, const gnutls_datum_t *key,
		    const gnutls_datum_t *data)
{
	int ret = GNUTLS_E_DB_ENTRY_EXISTS;
	const uint8_t *binder;
	unsigned int i;

	(void)ptr;
	(void)data;
	if (key->size < SEEN_SIZE)
		return ret;
	binder = key->data + key->size - SEEN_SIZE;
	pthread_mutex_lock(&seen.lock);
	forget_expired();
	for (i = 0; i < seen.count; i++)
		if (!memcmp(seen.entry[i].key, binder, SEEN_SIZE))
			break;
	if (i == seen.count && i < SEEN_MAX) {
		memcpy(seen.entry[i].key, binder, SEEN_SIZE);
		seen.entry[i].expires = expires;
		seen.count++;
		ret = 0;
	}
	pthread_mutex_unlock(&seen.lock);
	return ret;
}

/* What was made before this can have been used in a way that was not seen.  When
 * the process is older than the window nothing is from before that counts.
 */
static struct timespec recorded_since(void)
{
	struct timespec now, since;

	clock_gettime(CLOCK_REALTIME, &now);
	pthread_mutex_lock(&seen.lock);
	if (!seen.since.tv_sec)
		seen.since = now;
	since = seen.since;
	pthread_mutex_unlock(&seen.lock);
	since.tv_sec -= DATED_BACK;
	if (now.tv_sec - since.tv_sec > DATED_BACK + WINDOW)
		since.tv_sec = 0;
	return since;
}

/* RFC9001-9.2-1 */
int quic_replay_refuse(gnutls_session_t tls)
{
	struct quic_session *session;
	struct timespec since;
	int ret;

	if (!have_clock()) {
		quic_log(LOG_INFO, "no early data: GnuTLS has a clock of its own");
		return 0;
	}
	ret = quic_session_attach(tls, &session);
	if (ret || session->replays)
		return ret;
	since = recorded_since();
	told = &since;
	ret = gnutls_anti_replay_init(&session->replays);
	told = NULL;
	if (ret < 0)
		return quic_error_tls(ret, "protection against replays");
	gnutls_anti_replay_set_window(session->replays, WINDOW * 1000);
	gnutls_anti_replay_set_add_function(session->replays, remember);
	gnutls_anti_replay_enable(tls, session->replays);
	return 0;
}
