// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: the connection IDs that the peer has issued, and which of them each
 * path uses.
 * Called from: rx/frames, rx/packet, conn/migrate, conn/handshake, sockopt.
 * Context: socket lock held; softirq or process.
 * RFC 9000 sections 5.1.2, 9.5, 19.15, 19.16.
 *
 * An ID is used on one path only and never again; what a path has done with is
 * retired.  Retirements that the peer has not acknowledged are bounded by
 * QUIC_MAX_RETIRES, whatever causes them.
 */
#include "../pipeline.h"

/* A frame may come again when its ID was retired long ago.  @remote_seen knows
 * the numbers before @remote_next, one bit each.
 */
static bool seen(const struct quic_cids *s, u64 seq)
{
	return seq < s->remote_next && s->remote_next - seq <= 64 &&
	       s->remote_seen & BIT_ULL(s->remote_next - 1 - seq);
}

static void note(struct quic_cids *s, u64 seq)
{
	u64 ahead;

	if (seq >= s->remote_next) {
		ahead = seq + 1 - s->remote_next;
		s->remote_seen = ahead < 64 ? s->remote_seen << ahead : 0;
		s->remote_next = seq + 1;
	}
	if (s->remote_next - seq <= 64)
		s->remote_seen |= BIT_ULL(s->remote_next - 1 - seq);
}

/* The peer's ID number 0: learnt in the handshake. */
void quic_cid_set_dest(struct quic_conn *c, const struct quic_cid *cid,
		       const u8 *token)
{
	struct quic_remote_cid *r = &c->cids->remote[0];

	r->used = true;
	r->spent = true;
	note(c->cids, 0);
	if (cid)
		r->cid = *cid;
	if (token) {
		r->has_token = true;
		memcpy(r->reset_token, token, sizeof(r->reset_token));
		quic_reset_watch(c, r);
	}
}

/* RFC9000-5.1.2-2 */
static int retire_remote(struct quic_conn *c, u64 seq)
{
	int i;

	for (i = 0; i < c->cids->n_retire; i++)
		if (c->cids->retire[i] == seq)
			return 0;
	if (c->cids->n_retire == QUIC_MAX_RETIRES)
		return QUIC_TRANSPORT_ERROR_CONNECTION_ID_LIMIT;
	c->cids->retire[c->cids->n_retire++] = seq;
	c->ctl |= QUIC_CTL_RETIRE_CID;
	return 0;
}

static bool in_use(const struct quic_conn *c, u8 slot)
{
	int i;

	for (i = 0; i < QUIC_PATHS; i++)
		if (c->paths[i] && c->paths[i]->cid == slot)
			return true;
	return false;
}

/* The oldest from @least on that was never used, or QUIC_NO_CID. */
static u8 spare(const struct quic_conn *c, u64 least)
{
	const struct quic_remote_cid *r = c->cids->remote;
	u8 i, best = QUIC_NO_CID;

	for (i = 0; i < QUIC_CID_SLOTS; i++)
		if (r[i].used && !r[i].spent && r[i].seq >= least &&
		    (best == QUIC_NO_CID || r[i].seq < r[best].seq))
			best = i;
	return best;
}

/* An ID of no bytes serves every path. */
static bool empty(const struct quic_conn *c)
{
	return !c->cids->remote[0].cid.len;
}

bool quic_cid_spare(const struct quic_conn *c)
{
	return empty(c) || spare(c, 0) != QUIC_NO_CID;
}

static void assign(struct quic_conn *c, struct quic_path *p, u8 slot)
{
	c->cids->remote[slot].spent = true;
	quic_reset_watch(c, &c->cids->remote[slot]);
	p->cid = slot;
}

/* Has @p a destination ID, perhaps from now on?  No two paths share one, but
 * for a rebound one (conn/migrate).
 */
bool quic_cid_for_path(struct quic_conn *c, struct quic_path *p)
{
	u8 slot;

	if (p->cid != QUIC_NO_CID)
		return true;
	slot = empty(c) ? 0 : spare(c, 0);
	if (slot == QUIC_NO_CID)
		return false;
	assign(c, p, slot);
	return true;
}

/* Retire what is in @slot. */
static int retire_slot(struct quic_conn *c, u8 slot)
{
	struct quic_remote_cid *r = &c->cids->remote[slot];

	r->used = false;
	quic_reset_forget(r);
	return retire_remote(c, r->seq);
}

/* @p is left, and off the list: so is its ID, unless another path has it. */
void quic_cid_leave(struct quic_conn *c, struct quic_path *p)
{
	u8 slot = p->cid;

	p->cid = QUIC_NO_CID;
	if (slot == QUIC_NO_CID || empty(c) || in_use(c, slot))
		return;
	if (retire_slot(c, slot))
		return quic_conn_abort(c,
				QUIC_TRANSPORT_ERROR_CONNECTION_ID_LIMIT,
				0, NULL);
	quic_cid_tell(c, true);
	quic_tx_kick(c);
}

/* RFC9000-5.1.2-1 RFC9000-19.15-7 RFC9000-19.16-2 */
/* Drop every ID below @prior; paths that used them have none for a moment, so
 * the program is told, if there was @any, when the one in use has.
 * Return: a transport error, or 0.
 */
static int retire_below(struct quic_conn *c, u64 prior, bool *any)
{
	struct quic_cids *s = c->cids;
	u8 slot;
	int i, err;

	for (slot = 0; slot < QUIC_CID_SLOTS; slot++) {
		if (!s->remote[slot].used || s->remote[slot].seq >= prior)
			continue;
		err = retire_slot(c, slot);
		if (err)
			return err;
		for (i = 0; i < QUIC_PATHS; i++)
			if (c->paths[i] && c->paths[i]->cid == slot)
				c->paths[i]->cid = QUIC_NO_CID;
		*any = true;
	}
	return 0;
}

/* ---- NEW_CONNECTION_ID --------------------------------------------------------- */

/* It was called back, or forgotten, before it came: it is retired at once. */
static bool too_late(const struct quic_cids *s, u64 seq)
{
	return seq < s->remote_retire_prior || seq + 64 < s->remote_next;
}

/* Is it legal, and is there room?  A transport error, or 0. */
static int check_new(const struct quic_conn *c, const struct quic_frame *f)
{
	u8 limit = quic_sk(c->sk)->tparam.active_connection_id_limit, have = 0;
	const struct quic_remote_cid *r = c->cids->remote;
	bool known;
	int i;

	for (i = 0; i < QUIC_CID_SLOTS; i++, r++) {
		if (!r->used)
			continue;
		known = r->seq == f->new_cid.seq;
		if (quic_cid_equal(&r->cid, &f->new_cid.cid) != known)
			return QUIC_TRANSPORT_ERROR_PROTOCOL_VIOLATION;
		if (known)
			return 0;
		have += r->seq >= f->new_cid.prior_to;
	}
	/* What was seen before, or is retired, is not added. */
	return have < limit || seen(c->cids, f->new_cid.seq) ||
	       too_late(c->cids, f->new_cid.seq) ? 0 :
	       QUIC_TRANSPORT_ERROR_CONNECTION_ID_LIMIT;
}

static void add(struct quic_conn *c, u64 seq, const struct quic_cid *cid,
		const u8 *token)
{
	struct quic_remote_cid *r = c->cids->remote;
	int i;

	for (i = 0; i < QUIC_CID_SLOTS && r->used; i++)
		r++;
	if (WARN_ON_ONCE(i == QUIC_CID_SLOTS))
		return;
	memset(r, 0, sizeof(*r));
	r->used = true;
	r->seq = seq;
	r->cid = *cid;
	r->has_token = true;
	memcpy(r->reset_token, token, QUIC_RESET_TOKEN_LEN);
	note(c->cids, seq);
}

/* The ID that came with the server's preferred address (section 9.6.1). */
void quic_cid_add_preferred(struct quic_conn *c, const struct quic_cid *cid,
			    const u8 *token)
{
	add(c, 1, cid, token);
}

/* RFC9000-5.1.1-4 RFC9000-19.15-3 RFC9000-19.15-4 RFC9000-19.15-8 */
/* NEW_CONNECTION_ID (section 19.15); a transport error, or 0. */
int quic_cid_on_new(struct quic_conn *c, const struct quic_frame *f)
{
	struct quic_cids *s = c->cids;
	u64 prior = f->new_cid.prior_to;
	u8 before = c->path->cid;
	bool retired = false;
	int err;

	/* A peer that asked for zero-length IDs cannot have others. */
	if (empty(c))
		return QUIC_TRANSPORT_ERROR_PROTOCOL_VIOLATION;
	err = check_new(c, f);
	if (err)
		return err;
	/* Retire first, then add (section 5.1.2). */
	if (prior > s->remote_retire_prior) {
		s->remote_retire_prior = prior;
		err = retire_below(c, prior, &retired);
	}
	if (!err && !seen(s, f->new_cid.seq)) {
		if (too_late(s, f->new_cid.seq)) {
			note(s, f->new_cid.seq);
			err = retire_remote(c, f->new_cid.seq);
		} else {
			add(c, f->new_cid.seq, &f->new_cid.cid,
			    f->new_cid.reset_token);
		}
	}
	/* The path in use comes first; candidates may wait. */
	if (!err && !quic_cid_for_path(c, c->path))
		err = QUIC_TRANSPORT_ERROR_PROTOCOL_VIOLATION;
	if (err) {
		/* The farewell goes where all went so far. */
		c->path->cid = before;
		return err;
	}
	if (retired)
		quic_cid_tell(c, true);
	quic_migrate_on_cids(c);
	return 0;
}

/* ---- who uses which -------------------------------------------------------- */

/* @id is the one of ours that the peer uses on @p. */
void quic_cid_set_ours(struct quic_conn *c, struct quic_path *p, const u8 *id,
		       u8 len)
{
	const struct quic_local_cid *l = c->cids->local;
	int i;

	for (i = 0; i < QUIC_CID_SLOTS; i++, l++) {
		if (!l->node || !quic_cid_is(&l->node->key.cid, id, len))
			continue;
		p->ours = l->node->key.cid;
		p->ours_seq = l->seq;
	}
}

/* The newest packet so far came with another ID of ours than the one before.
 * A server answers a change by one, so that neither direction can be
 * recognised; a client does not, or there would be no end to it.
 */
void quic_cid_on_ours(struct quic_conn *c, struct quic_path *p, const u8 *id,
		      u8 len)
{
	u64 seq = p->ours_seq;
	u8 slot, old;

	quic_cid_set_ours(c, p, id, len);
	if (!c->is_server || !c->handshake_confirmed || p != c->path ||
	    p->ours_seq <= seq || empty(c) ||
	    c->cids->n_retire >= QUIC_CID_SLOTS)
		return;
	slot = spare(c, 0);
	if (slot == QUIC_NO_CID)
		return;
	old = p->cid;
	assign(c, p, slot);
	if (in_use(c, old))
		return;
	retire_slot(c, old);	/* there is room, see above */
	quic_cid_tell(c, true);
}

/* ---- the option CONNECTION_ID ------------------------------------------------ */

static int choose_peers(struct quic_conn *c, u64 prior, u64 active)
{
	struct quic_cids *s = c->cids;
	u8 i, slot = QUIC_NO_CID, below = 0;
	u64 first = U64_MAX, last = 0;
	bool any = false;

	for (i = 0; i < QUIC_PATHS; i++)
		if (c->paths[i] && c->paths[i]->wanted)
			return -EAGAIN;
	for (i = 0; i < QUIC_CID_SLOTS; i++) {
		const struct quic_remote_cid *r = &s->remote[i];

		if (!r->used)
			continue;
		first = min(first, r->seq);
		last = max(last, r->seq);
		below += r->seq < prior;
		if (active && r->seq == active && !r->spent)
			slot = i;
	}
	if (active && (slot == QUIC_NO_CID ||
		       active <= s->remote[c->path->cid].seq ||
		       active < prior))
		return -EINVAL;
	if (prior && (prior <= first || prior > last))
		return -EINVAL;
	if (!active && s->remote[c->path->cid].seq < prior) {
		slot = spare(c, prior);
		if (slot == QUIC_NO_CID)
			return -EAGAIN;
	}
	if (s->n_retire + below > QUIC_CID_SLOTS)
		return -EAGAIN;
	if (slot != QUIC_NO_CID)
		assign(c, c->path, slot);
	retire_below(c, prior, &any);	/* there is room, see above */
	if (any)
		quic_cid_tell(c, true);
	return 0;
}

static int choose_ours(struct quic_conn *c, u64 prior, u64 active)
{
	struct quic_connection_id_info now;
	int err = 0;

	quic_cid_info(c, false, &now);
	if (active && (!quic_cid_local(c, active) || active <= now.active))
		return -EINVAL;
	if (prior && (prior <= now.prior_to || prior >= c->cids->local_next_seq))
		return -EINVAL;
	if (prior)
		err = quic_cid_retire_ours(c, prior);
	/* Only long headers name our ID, and they are a thing of the past. */
	if (!err && active)
		c->cids->local_active = active;
	return err;
}

/**
 * quic_cid_choose - what the option asks for
 * @c:		established connection
 * @info:	whose IDs; those below @prior_to are retired, @active is used; 0
 *		leaves either as it is
 *
 * Process context.  Return: 0; -EINVAL for a number that does not exist or
 * lies behind; -EAGAIN if a change is under way, or too many are.
 */
int quic_cid_choose(struct quic_conn *c,
		    const struct quic_connection_id_info *info)
{
	int err = info->dest ? choose_peers(c, info->prior_to, info->active) :
			       choose_ours(c, info->prior_to, info->active);

	quic_tx_kick(c);
	return err;
}
