// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: path validation: challenges that prove an address, and answers to
 * those of the peer.
 * Called from: rx/frames, conn/migrate, conn/timer, tx/push (to send).
 * Context: socket lock held; softirq or process.
 * RFC 9000 sections 8.2, 21.5.
 *
 * A path has room for one answer, the newest, so that a flood of challenges
 * costs nothing.  The datagrams of a validation are ever further apart; answers
 * to the last QUIC_CHALLENGES count; it fails when its time is over.
 */
#include <linux/random.h>
#include "../pipeline.h"
#include "../obs/mib.h"

/* The larger of this path's PTO and that of one nobody knows (section
 * 8.2.4).
 */
static u64 patient_pto(const struct quic_conn *c)
{
	struct quic_rtt unknown;

	quic_rtt_init(&unknown, QUIC_INITIAL_RTT);
	return max(quic_rtt_pto(&c->rec.rtt, true),
		   quic_rtt_pto(&unknown, false));
}

/* RFC9000-9.4-3 */
/* What is known of the round trip to the host of @p: nothing, unless it is
 * the one we talk to (section 9.4).
 */
static u64 first_wait(const struct quic_conn *c, const struct quic_path *p)
{
	return quic_path_same_hosts(p, c->path) ?
	       quic_rtt_pto(&c->rec.rtt, true) : patient_pto(c);
}

/* Begin, unless it is under way. */
void quic_validate_start(struct quic_conn *c, struct quic_path *p)
{
	u64 now = ktime_get_ns();

	if (p->give_up)
		return;
	p->n_challenges = 0;
	p->small = 0;
	p->challenge_at = now;
	p->give_up = now + 3 * patient_pto(c);
	c->probing = true;
	quic_tx_kick(c);
}

void quic_validate_stop(struct quic_path *p)
{
	p->n_challenges = 0;
	p->challenge_at = 0;
	p->give_up = 0;
}

/* ---- frames ----------------------------------------------------------------- */

/*
 * RFC9000-8.2.1-4 RFC9000-8.2.2-1 RFC9000-8.2.2-2 RFC9000-8.2.2-5
 * RFC9000-8.2.2-7 RFC9000-19.17-1
 */
/* The newest takes the place of one that waits (reliability.md section 3,
 * row 4).
 */
void quic_validate_on_challenge(struct quic_conn *c, struct quic_path *p,
				const u8 *data)
{
	memcpy(p->response, data, sizeof(p->response));
	p->respond = true;
	c->probing = true;
}

/* RFC9000-8.2.1-3 RFC9000-8.2.2-4 RFC9000-8.2.3-1 */
/* An answer counts whatever path it takes (section 8.2.3); one that answers
 * nothing is ignored, which section 19.18 permits.
 */
void quic_validate_on_response(struct quic_conn *c, const u8 *data)
{
	struct quic_path *p;
	int i, k;

	for (i = 0; i < QUIC_PATHS; i++) {
		p = c->paths[i];
		for (k = 0; p && k < min(p->n_challenges, QUIC_CHALLENGES); k++)
			if (!memcmp(p->challenge[k], data,
				    sizeof(p->challenge[k])))
				goto found;
	}
	return;
found:
	k = p->small & BIT(k);
	quic_validate_stop(p);
	QUIC_CONN_INC(c, QuicPathsValidated);
	p->validated = true;
	/* The address is proven, the size of packets is not (section 8.2.1). */
	if (k)
		quic_validate_start(c, p);
	quic_migrate_validated(c, p);
}

/* ---- sending ---------------------------------------------------------------- */

/*
 * RFC9000-8.2.1-1 RFC9000-8.2.1-2 RFC9000-8.2.1-4 RFC9000-8.2.2-1
 * RFC9000-8.2.2-2 RFC9000-8.2.2-3 RFC9000-8.2.2-5 RFC9000-8.2.2-7
 * RFC9000-19.17-1
 */
/* One datagram with what @p has to say.  True if something has to wait. */
static bool send(struct quic_conn *c, struct quic_path *p, u64 now)
{
	bool ask = p->challenge_at && p->challenge_at <= now;
	struct quic_probe what = { .size = QUIC_MSS_MIN };
	u8 slot = p->n_challenges % QUIC_CHALLENGES;
	u8 data[sizeof(p->challenge[0])];
	int size;

	if ((!ask && !p->respond) || !quic_cid_for_path(c, p))
		return false;
	if (p == c->path && !ask &&
	    quic_recovery_window(&c->rec) < QUIC_MSS_MIN)
		return true;	/* answers are no way around the window */
	if (ask) {
		get_random_bytes(data, sizeof(data));
		what.challenge = data;
	}
	if (p->respond) {
		what.response = p->response;
		/* On the path in use a packet that is more than a probe keeps
		 * the peer there (section 9.3.3).
		 */
		what.ping = p == c->path;
	}
	size = quic_tx_probe(c, p, &what);
	if (size == -EAGAIN)
		return true;	/* more must come from there first */
	p->respond = false;
	if (!ask)
		return false;
	memcpy(p->challenge[slot], data, sizeof(data));
	/* One that could not leave counts as lost. */
	if (size < QUIC_MSS_MIN)
		p->small |= BIT(slot);
	else
		p->small &= ~BIT(slot);
	p->challenge_at = now + (first_wait(c, p) << p->n_challenges++);
	if (p->challenge_at >= p->give_up)
		p->challenge_at = 0;
	return false;
}

/* From tx/push, before the trains. */
void quic_validate_send(struct quic_conn *c)
{
	u64 now = ktime_get_ns();
	bool wait = false;
	int i;

	for (i = 0; i < QUIC_PATHS; i++)
		if (c->paths[i])
			wait |= send(c, c->paths[i], now);
	c->probing = wait;
	quic_validate_rearm(c, now);
}

/* ---- timer ------------------------------------------------------------------ */

static void earlier(u64 *first, u64 t)
{
	if (t && (!*first || t < *first))
		*first = t;
}

void quic_validate_rearm(struct quic_conn *c, u64 now)
{
	const struct quic_path *p;
	u64 first = 0;
	int i;

	for (i = 0; i < QUIC_PATHS; i++) {
		p = c->paths[i];
		if (!p)
			continue;
		/* What is due and did not leave waits for the peer. */
		if (p->challenge_at > now)
			earlier(&first, p->challenge_at);
		earlier(&first, p->give_up);
		earlier(&first, p->leave);
	}
	quic_timer_set(c, QUIC_TIMER_PATH, first);
}

/* From conn/timer. */
void quic_validate_on_timer(struct quic_conn *c, u64 now)
{
	struct quic_path *p;
	int i;

	for (i = 0; i < QUIC_PATHS && quic_conn_alive(c); i++) {
		p = c->paths[i];
		if (!p)
			continue;
		if (p->give_up && p->give_up <= now) {
			quic_validate_stop(p);
			QUIC_CONN_INC(c, QuicPathsFailed);
			quic_migrate_failed(c, p);
		} else if (p->leave && p->leave <= now) {
			quic_migrate_leave(c, p);
		} else if (p->challenge_at && p->challenge_at <= now) {
			c->probing = true;
		}
	}
	quic_validate_rearm(c, now);
}
