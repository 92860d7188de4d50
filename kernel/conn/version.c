// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: which version a connection speaks: what is offered, what is chosen,
 * and that nobody in between has changed it.
 * Called from: conn/handshake (process context), rx/stateless.
 * Locks: socket lock.
 * RFC 9000 section 6; RFC 9368; RFC 9369 section 4.
 *
 * A client begins with the version of its settings, 1 by default, and offers
 * the other one as compatible; first in its list is what the settings say when
 * the handshake begins.  A server goes over to version 2 if its own
 * settings or the order of the client's list say so: it makes Initial keys of
 * that version and sends everything with it from then on; the client follows
 * when it sees the first such packet.
 */
#include <linux/slab.h>
#include "../pipeline.h"

/* Ours, in order of preference: everybody has the first. */
static const u32 ours[] = { QUIC_VERSION_V1, QUIC_VERSION_V2 };

static bool listed(u32 version, const u32 *list, u32 n)
{
	while (n--)
		if (list[n] == version)
			return true;
	return false;
}

/* RFC9368-2.1-2 RFC9368-2.1-4 */
/* The version a client tries if the server has these; 0: none. */
u32 quic_version_pick(const struct quic_conn *c, const u32 *list, u32 n)
{
	u32 want = quic_sk(c->sk)->config.version;
	int i;

	if (quic_version_supported(want) && listed(want, list, n))
		return want;
	for (i = 0; i < ARRAY_SIZE(ours); i++)
		if (listed(ours[i], list, n))
			return ours[i];
	return 0;
}

static bool disabled(const struct quic_conn *c)
{
	return quic_sk(c->sk)->tparam.disable_compatible_version;
}

/* RFC9368-6-2 */
/* A client goes over to @version, which a Version Negotiation packet lists.  A
 * ClientHello that names another is thrown away, and the program told to begin
 * its handshake again; packets with it must be settled.
 */
void quic_version_restart(struct quic_conn *c, u32 version)
{
	struct quic_crypto *cr = c->crypto[QUIC_SPACE_INITIAL];

	c->version_negotiated = true;
	c->first_version = version;
	/* 0-RTT was for the other version. */
	quic_key_drop(&c->keys[QUIC_CRYPTO_EARLY][1]);
	if (!c->version_told || c->version_told == version)
		return;
	c->version_told = 0;
	c->early_data = QUIC_EARLY_DATA_NONE;
	c->crypto_cork = false;
	quic_sbuf_purge(c->sk, &cr->send);
	quic_sbuf_init(&cr->send);
	c->hello_again = true;
	quic_sock_readable(c->sk);
}

/* The first call of the program that sends or reads TLS bytes learns it. */
bool quic_version_hello_again(struct quic_conn *c)
{
	bool again = c->hello_again;

	c->hello_again = false;
	return again;
}

/* A packet of @version for a client that has sent another: is it what we
 * offered, and the first of its kind (RFC 9369 section 4.1)?
 */
bool quic_version_may_follow(const struct quic_conn *c, u32 version)
{
	return !c->is_server && c->state == QUIC_CONN_ESTABLISHING &&
	       c->version == c->first_version && c->version_told &&
	       c->version_told == c->version &&
	       quic_version_supported(version) &&
	       c->crypto[QUIC_SPACE_INITIAL] &&
	       !c->crypto[QUIC_SPACE_INITIAL]->recv.next;
}

/* RFC9369-3-1 RFC9369-4.1-4 RFC9369-4.1-6 */
/* Initial keys of @version; process context.  What a client sends in its
 * first version is still read (RFC 9369 section 4.1).
 */
int quic_version_switch(struct quic_conn *c, u32 version)
{
	struct quic_key *rx = &c->keys[QUIC_CRYPTO_INITIAL][0];
	u32 before = c->version;
	int err;

	if (c->is_server) {
		c->first_rx = kmalloc(sizeof(*c->first_rx), GFP_KERNEL_ACCOUNT);
		if (!c->first_rx)
			return -ENOMEM;
		*c->first_rx = *rx;
		memzero_explicit(rx, sizeof(*rx));
	}
	c->version = version;
	err = quic_conn_set_initial_keys(c);
	if (err)
		c->version = before;	/* the connection will not go on */
	return err;
}

/* RFC9369-4.1-5 */
void quic_version_forget_first(struct quic_conn *c)
{
	if (!c->first_rx)
		return;
	quic_key_drop(c->first_rx);
	kfree(c->first_rx);
	c->first_rx = NULL;
}

/* ---- Version Information: RFC 9368 section 3 ------------------------------ */

static void list_once(struct quic_tparams *tp, u32 version)
{
	if (!listed(version, tp->versions, tp->n_versions))
		tp->versions[tp->n_versions++] = version;
}

/* RFC9368-3-1 RFC9368-8-2 RFC9369-4-1 */
void quic_version_tell(struct quic_conn *c, struct quic_tparams *tp)
{
	u32 want = quic_sk(c->sk)->config.version;
	int i;

	if (disabled(c))
		return;
	/* For a version that only a Version Negotiation packet will answer the
	 * ClientHello speaks of the one that comes after it.
	 */
	tp->chosen_version = quic_version_supported(c->version) ? c->version :
							ours[0];
	tp->has |= QUIC_TP_HAS_VERSION_INFO;
	if (!c->is_server) {
		c->version_told = tp->chosen_version;
		if (quic_version_supported(want))
			list_once(tp, want);
		list_once(tp, tp->chosen_version);
	}
	for (i = 0; i < ARRAY_SIZE(ours); i++)
		list_once(tp, ours[i]);
}

/* RFC9368-2.2-1 RFC9368-2.3-1 */
/* What the server speaks from here on. */
static u32 choose(const struct quic_conn *c, const struct quic_tparams *tp)
{
	u32 want = quic_sk(c->sk)->config.version;
	int i;

	/* 1 is also what is set when nothing is. */
	if (want == QUIC_VERSION_V2 && listed(want, tp->versions,
					      tp->n_versions))
		return want;
	for (i = 0; i < tp->n_versions; i++)
		if (quic_version_supported(tp->versions[i]))
			return tp->versions[i];
	return c->version;
}

/* RFC9368-4-9 RFC9368-4-10 RFC9368-4-11 */
static int server_learns(struct quic_conn *c, const struct quic_tparams *tp)
{
	u32 version;

	if (!(tp->has & QUIC_TP_HAS_VERSION_INFO))
		return 0;
	if (tp->chosen_version != c->first_version)
		return QUIC_TRANSPORT_ERROR_VERSION_NEGOTIATION;
	if (disabled(c))
		return 0;
	version = choose(c, tp);
	if (version != c->version && quic_version_switch(c, version))
		return QUIC_TRANSPORT_ERROR_INTERNAL;
	return 0;
}

/* RFC9368-4-15 RFC9368-4-16 */
/* Would we have come to the same version, had we known all that the server
 * has?  Else somebody made up the Version Negotiation packet.
 */
static bool same_choice(const struct quic_conn *c, const struct quic_tparams *tp)
{
	u32 list[QUIC_TPARAMS_MAX_VERSIONS + 1];
	u32 n = tp->n_versions;

	if (!n)
		return false;
	memcpy(list, tp->versions, n * sizeof(list[0]));
	list[n++] = c->version;
	return quic_version_pick(c, list, n) == c->first_version;
}

/*
 * RFC8999-7-1 RFC9000-21.12-1 RFC9368-4-12 RFC9368-4-13 RFC9368-4-14
 * RFC9368-4-15 RFC9368-4-16 RFC9368-4-17 RFC9368-4-18 RFC9368-4-19
 * RFC9368-8-1
 */
static int client_learns(const struct quic_conn *c,
			 const struct quic_tparams *tp)
{
	bool good;

	if (!(tp->has & QUIC_TP_HAS_VERSION_INFO)) {
		/* A server of version 1 that never heard of others (RFC 9368
		 * section 8).
		 */
		good = c->version == c->first_version &&
		       (!c->version_negotiated ||
			c->version == QUIC_VERSION_V1);
	} else {
		good = tp->chosen_version == c->version &&
		       (!c->version_negotiated || same_choice(c, tp));
	}
	return good ? 0 : QUIC_TRANSPORT_ERROR_VERSION_NEGOTIATION;
}

/* The peer's parameters came, in the TLS handshake; a transport error, or 0. */
int quic_version_learn(struct quic_conn *c, const struct quic_tparams *tp)
{
	return c->is_server ? server_learns(c, tp) : client_learns(c, tp);
}
