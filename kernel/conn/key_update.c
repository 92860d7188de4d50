// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: the key update of 1-RTT packets, by either end: when it may be, what
 * it replaces, when the old key goes.
 * Called from: rx/open (the peer's), tx/push and setsockopt (ours), conn/timer,
 * and a worker, because making a key allocates and may sleep.
 * Context: socket lock held; quic_key_update_start() and quic_key_update_ask()
 * in process context.
 * RFC 9001 sections 6, 9.5.
 *
 *	           our update          the peer's, or its answer
 *	idle ----------------> tx new ------------------------> rx new, too
 *	  ^                    rx old                                |
 *	  +-- 3 PTO: previous key gone <-- PTO: next keys made <-----+
 *
 * Each direction has a phase bit, @tx_phase and @rx_phase of the connection.
 * Beside the keys in use there are the next ones and, for three PTOs after the
 * peer's packets have changed, its previous one.  Whatever the other bit may
 * mean, one key is tried, once: a packet number below the current phase's
 * first gets the previous key, all else the next.  So no time tells what the
 * bit was.  The next keys are made a PTO after an update, so a peer makes us
 * derive keys that often at most.  Only a connection that has hardly sent
 * anything has not made its next keys yet, and parks what would need them.
 */
#include "../pipeline.h"
#include "../crypto/hkdf.h"
#include "../crypto/train.h"
#include "../obs/mib.h"
#include "../wire/pn.h"

/* Packets sealed before a connection is worth the memory of its next keys. */
#define QUIC_KEYS_AHEAD		64

/* Is the next key of the direction made? */
static bool ready(const struct quic_key_update *ku, int dir)
{
	return ku->spares && ku->spares->next[dir].suite;
}

/* RFC9001-5.3-3 RFC9001-6.6-1 RFC9001-6.6-3 */
/* Half of what the cipher allows (RFC 9001 section 6.6), or sooner if the
 * administrator says so.
 */
static u64 packets_per_key(const struct quic_conn *c,
			   const struct quic_suite *suite)
{
	u32 limit = READ_ONCE(c->qn->key_update_packets);
	u64 half = suite->seal_limit / 2;

	return limit ? min_t(u64, limit, half) : half;
}

/* ---- making keys ---------------------------------------------------------- */

/* Key number n + 1 of one direction; process context. */
static int make_next(struct quic_conn *c, int dir)
{
	struct quic_key_update *ku = c->key_update;
	const struct quic_aead_key *now = &c->keys[QUIC_CRYPTO_APP][dir].aead;
	const struct quic_suite *suite = now->suite;
	u8 secret[QUIC_SECRET_MAX];
	int err;

	if (ready(ku, dir))
		return 0;
	if (!ku->spares)
		ku->spares = kzalloc(sizeof(*ku->spares), GFP_KERNEL_ACCOUNT);
	if (!ku->spares)
		return -ENOMEM;
	err = quic_hkdf_next_secret(suite, c->version, ku->secret[dir], secret);
	if (!err)
		err = quic_aead_key_init(&ku->spares->next[dir], now->provider,
					 suite, c->version, secret);
	if (!err)
		memcpy(ku->secret[dir], secret, suite->secret_len);
	memzero_explicit(secret, sizeof(secret));
	return err;
}

static bool may_make(const struct quic_conn *c)
{
	return c->state == QUIC_CONN_ESTABLISHED &&
	       !c->key_update->deferred && c->rx_phase == c->tx_phase;
}

/* Both directions or none: an update of the peer's takes both. */
static int make_both(struct quic_conn *c)
{
	return make_next(c, 0) ?: make_next(c, 1);
}

static void work_fn(struct work_struct *work)
{
	struct quic_key_update *ku = container_of(work, struct quic_key_update,
						  work);
	struct sock *sk = ku->sk;
	struct quic_conn *c;

	lock_sock(sk);
	c = quic_sk_conn(sk);
	if (may_make(c) && !make_both(c)) {
		quic_rx_parked(c);
		quic_tx_push(c);
	}
	release_sock(sk);
	sock_put(sk);
}

static void want_next(struct quic_conn *c)
{
	if (!may_make(c))
		return;
	sock_hold(c->sk);
	if (!queue_work(quic_wq, &c->key_update->work))
		__sock_put(c->sk);
}

/* ---- the two changes -------------------------------------------------------- */

/* The next key was the newest. */
static void count_change(struct quic_key_update *ku, int dir)
{
	ku->generation[dir]++;
	memcpy(ku->current_secret[dir], ku->secret[dir], QUIC_SECRET_MAX);
}

/* RFC9001-6.4-1 */
static void change_tx(struct quic_conn *c)
{
	struct quic_key *key = &c->keys[QUIC_CRYPTO_APP][1];
	struct quic_key_update *ku = c->key_update;

	quic_aead_key_free(&key->aead);
	key->aead = ku->spares->next[1];
	memset(&ku->spares->next[1], 0, sizeof(ku->spares->next[1]));
	c->tx_phase = !c->tx_phase;
	count_change(ku, 1);
	ku->tx_first = c->rec.space[QUIC_SPACE_APP]->sent.next;
	ku->asked = false;
	ku->due = packets_per_key(c, key->aead.suite);
	c->key_due = ku->due;
}

/* RFC9001-6.2-1 RFC9001-6.2-2 */
/* Packet @pn is the first of the peer's next phase. */
static void change_rx(struct quic_conn *c, u64 pn)
{
	struct quic_key *key = &c->keys[QUIC_CRYPTO_APP][0];
	struct quic_key_update *ku = c->key_update;
	u64 pto = quic_rtt_pto(&c->rec.rtt, true);
	u64 now = ktime_get_ns();
	u8 phase;

	/* Section 6.2: before an update of its own it had our word for the
	 * last one, had it not?
	 */
	if (c->tx_phase == c->rx_phase && c->key_ack_owed)
		return quic_conn_abort(c, QUIC_TRANSPORT_ERROR_KEY_UPDATE, 0,
				       "key update before the last was acknowledged");
	quic_aead_key_free(&ku->spares->prev);
	ku->spares->prev = key->aead;
	key->aead = ku->spares->next[0];
	memset(&ku->spares->next[0], 0, sizeof(ku->spares->next[0]));
	c->rx_phase = !c->rx_phase;
	count_change(ku, 0);
	c->key_ack_owed = true;
	c->key_window = true;
	ku->rx_first = pn;
	ku->prev_last = c->ack[QUIC_SPACE_APP]->largest;
	/* Section 6.2: ours follow before anything is acknowledged. */
	if (c->tx_phase != c->rx_phase)
		change_tx(c);
	ku->deferred = true;
	ku->prev_until = now + 3 * pto;
	quic_timer_set(c, QUIC_TIMER_KEYS, now + pto);
	QUIC_CONN_INC(c, QuicKeyUpdates);
	phase = c->rx_phase;
	quic_event(c, QUIC_EVENT_KEY_UPDATE, &phase, sizeof(phase));
}

/* ---- receiving ---------------------------------------------------------------- */

static bool other_phase(const struct quic_conn *c, const struct quic_pkt *p)
{
	return !!(p->data[0] & QUIC_HDR_KEY_PHASE) != c->rx_phase;
}

enum which { CURRENT, PREVIOUS, NEXT };

/* RFC9001-6.1-3 RFC9001-6.3-2 */
static enum which key_of(const struct quic_conn *c, const struct quic_pkt *p)
{
	const struct quic_key_update *ku = c->key_update;

	if (!other_phase(c, p))
		return CURRENT;
	return c->key_window && (ku->deferred || p->pn < ku->rx_first) ?
	       PREVIOUS : NEXT;
}

/* RFC9001-5.5-2 RFC9001-6.3-1 */
/* Packets i to j - 1: perhaps the peer has changed its keys. */
static int open_next(struct quic_conn *c, struct quic_train *t, u16 i, u16 j)
{
	struct quic_key_update *ku = c->key_update;
	int err;

	if (!ready(ku, 0) || (c->tx_phase == c->rx_phase && !ready(ku, 1))) {
		for (; i < j; i++)
			t->pkt[i].status = -ENOKEY;
		want_next(c);
		return 0;
	}
	err = quic_aead_open(&ku->spares->next[0], t, i, j);
	for (; !err && i < j; i++) {
		if (t->pkt[i].status)
			continue;
		change_rx(c, t->pkt[i].pn);
		break;
	}
	return err;
}

/* RFC9001-5.5-1 RFC9001-6.4-2 */
/* Section 6.4: later numbers never have older keys. */
static void check_numbers(struct quic_conn *c, const struct quic_train *t)
{
	struct quic_key_update *ku = c->key_update;
	const struct quic_pkt *p;

	for (p = t->pkt; p < t->pkt + t->n; p++) {
		if (p->status)
			continue;
		if (!other_phase(c, p))
			ku->rx_first = min(ku->rx_first, p->pn);
		else if (ku->prev_last == QUIC_PN_NONE || p->pn > ku->prev_last)
			ku->prev_last = p->pn;
	}
	if (ku->prev_last != QUIC_PN_NONE && ku->prev_last > ku->rx_first)
		quic_conn_abort(c, QUIC_TRANSPORT_ERROR_KEY_UPDATE, 0,
				"old key for a later packet");
}

/**
 * quic_key_update_open - open a 1-RTT train that may have both phases in it
 * @c:		connection
 * @t:		the train, its header protection removed
 *
 * Sets the status of each packet; -ENOKEY: the next key is being made.
 * Return: 0 or -errno (then nothing more can be said of the train).
 */
int quic_key_update_open(struct quic_conn *c, struct quic_train *t)
{
	enum which which;
	int err = 0;
	u16 i, j;

	for (i = 0; i < t->n && !err && quic_conn_alive(c); i = j) {
		which = key_of(c, &t->pkt[i]);
		for (j = i + 1; j < t->n; j++)
			if (key_of(c, &t->pkt[j]) != which)
				break;
		if (which == NEXT)
			err = open_next(c, t, i, j);
		else if (which == PREVIOUS)
			err = quic_aead_open(&c->key_update->spares->prev, t,
					     i, j);
		else
			err = quic_aead_open(&c->keys[QUIC_CRYPTO_APP][0].aead,
					     t, i, j);
	}
	if (!err && c->key_window && quic_conn_alive(c))
		check_numbers(c, t);
	return err;
}

/* The same for a train that a device has opened.  It never has the next key: we
 * would have to give it.
 */
int quic_key_update_accept(struct quic_conn *c, struct quic_train *t)
{
	struct quic_pkt *p;

	for (p = t->pkt; p < t->pkt + t->n; p++)
		p->status = key_of(c, p) == NEXT ? -EBADMSG : 0;
	if (c->key_window)
		check_numbers(c, t);
	return 0;
}

/* ---- sending -------------------------------------------------------------------- */

/* RFC9001-6.1-2 */
/* Has the peer followed our last update, and said so (section 6.1)? */
static bool confirmed(const struct quic_conn *c)
{
	u64 acked = c->rec.space[QUIC_SPACE_APP]->largest_acked;
	u64 first = c->key_update->tx_first;

	return c->tx_phase == c->rx_phase &&
	       (!first || (acked != QUIC_PN_NONE && acked >= first));
}

/* RFC9001-6.1-1 RFC9001-6.6-2 */
/**
 * quic_key_update_due - the key for sending has sealed c->key_due packets
 * @c:		connection
 *
 * Return: false if the connection had to be ended: there is no next key, and
 * what is left of this one is for saying so (section 6.6).
 */
bool quic_key_update_due(struct quic_conn *c)
{
	const struct quic_aead_key *key = &c->keys[QUIC_CRYPTO_APP][1].aead;
	struct quic_key_update *ku = c->key_update;

	if (key->sealed + 2 * QUIC_TRAIN_MAX > key->suite->seal_limit) {
		quic_conn_abort(c, QUIC_TRANSPORT_ERROR_AEAD_LIMIT_REACHED, 0,
				NULL);
		return false;
	}
	if (!ready(ku, 1))
		want_next(c);
	if (!ku->asked && key->sealed < ku->due) {
		c->key_due = ku->due;
		return true;
	}
	/* Section 6.5: the peer should have got rid of its old key, too. */
	if (c->handshake_confirmed && !c->key_window &&
	    ready(ku, 0) && ready(ku, 1) && confirmed(c)) {
		change_tx(c);
		/* An answer to something tells that the peer has followed. */
		c->ctl |= QUIC_CTL_PING;
	}
	return true;
}

/* The program asks for one. */
int quic_key_update_ask(struct quic_conn *c)
{
	struct quic_key_update *ku = c->key_update;
	int err;

	if (c->state != QUIC_CONN_ESTABLISHED)
		return -EPIPE;
	if (ku->asked || !confirmed(c))
		return -EINVAL;
	if (may_make(c)) {
		err = make_both(c);
		if (err)
			return err;
	}
	/* While the peer may still need its previous key it has to wait. */
	ku->asked = true;
	c->key_due = 0;
	quic_tx_kick(c);
	return 0;
}

/* ---- life ----------------------------------------------------------------------- */

/* RFC9001-4.9.3-1 */
/* A PTO after an update, and again after three: nothing under the previous
 * key is on its way any more, nor under that of 0-RTT.
 */
void quic_key_update_settle(struct quic_conn *c, u64 now)
{
	struct quic_key_update *ku = c->key_update;

	quic_key_drop(&c->keys[QUIC_CRYPTO_EARLY][0]);
	if (!c->key_window)
		return;
	ku->deferred = false;
	want_next(c);
	if (now < ku->prev_until) {
		quic_timer_set(c, QUIC_TIMER_KEYS, ku->prev_until);
		return;
	}
	quic_aead_key_free(&ku->spares->prev);
	c->key_window = false;
}

/* The first 1-RTT key of a direction was installed; @secret is its secret. */
int quic_key_update_start(struct quic_conn *c, bool send, const u8 *secret)
{
	const struct quic_suite *suite =
		c->keys[QUIC_CRYPTO_APP][send].aead.suite;
	struct quic_key_update *ku = c->key_update;

	if (!ku) {
		ku = &c->ku;
		INIT_WORK(&ku->work, work_fn);
		ku->sk = c->sk;
		c->key_update = ku;
	}
	memcpy(ku->secret[send], secret, suite->secret_len);
	memcpy(ku->current_secret[send], secret, suite->secret_len);
	if (send) {
		ku->due = packets_per_key(c, suite);
		c->key_due = min_t(u64, ku->due, QUIC_KEYS_AHEAD);
	}
	return 0;
}

void quic_key_update_free(struct quic_conn *c)
{
	struct quic_key_update *ku = c->key_update;

	if (!ku)
		return;
	if (ku->spares) {
		quic_aead_key_free(&ku->spares->next[0]);
		quic_aead_key_free(&ku->spares->next[1]);
		quic_aead_key_free(&ku->spares->prev);
		kfree_sensitive(ku->spares);
	}
	memzero_explicit(ku, sizeof(*ku));
	c->key_update = NULL;
}
