// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: the paths a connection knows, and which of them it uses.
 * Called from: rx/packet (packets from elsewhere), conn/validate (what became
 * of a validation), sockopt (a move of our own), conn/preferred.
 * Context: socket lock held; softirq or process.
 * RFC 9000 sections 9.1 to 9.5.
 *
 * At most QUIC_PATHS: the one in use, the last one that was validated and is
 * fallen back to (@path_old), and candidates.  A server follows its client at
 * once, within the anti-amplification limit, and back if the new address is
 * not proven in time.  A client, and a server whose own address is another,
 * proves the path first.
 */
#include "../pipeline.h"
#include "../obs/mib.h"

/* What a path that is left knew, in case we return. */
struct quic_path_memory {
	struct quic_cc cc;
	struct quic_rtt rtt;
	u64 pace_next;
};

static void forget(struct quic_path *p)
{
	if (!p->memory)
		return;
	quic_cc_stop(&p->memory->cc);
	kfree(p->memory);
	p->memory = NULL;
}

/* For good: the ID that was used there is not used again. */
void quic_migrate_leave(struct quic_conn *c, struct quic_path *p)
{
	int i;

	for (i = 0; i < QUIC_PATHS; i++)
		if (c->paths[i] == p)
			c->paths[i] = NULL;
	if (c->path_old == p)
		c->path_old = NULL;
	forget(p);
	if (p->udp)
		quic_udp_put(p->udp);
	quic_cid_leave(c, p);
	quic_path_free(p);
}

/* With the connection. */
void quic_migrate_free(struct quic_conn *c)
{
	int i;

	for (i = 0; i < QUIC_PATHS; i++) {
		if (!c->paths[i])
			continue;
		forget(c->paths[i]);
		if (c->paths[i]->udp)
			quic_udp_put(c->paths[i]->udp);
		quic_path_free(c->paths[i]);
		c->paths[i] = NULL;
	}
}

/* ---- candidates ------------------------------------------------------------- */

struct quic_path *quic_migrate_find(const struct quic_conn *c,
				    const union quic_addr *src,
				    const union quic_addr *dst)
{
	struct quic_path *p;
	int i;

	for (i = 0; i < QUIC_PATHS; i++) {
		p = c->paths[i];
		if (p && quic_addr_equal(&p->dst, dst) &&
		    quic_addr_equal(&p->src, src))
			return p;
	}
	return NULL;
}

/* Is @p still one of ours? */
bool quic_migrate_knows(const struct quic_conn *c, const struct quic_path *p)
{
	int i;

	for (i = 0; p && i < QUIC_PATHS; i++)
		if (c->paths[i] == p)
			return true;
	return false;
}

/* A free place; the oldest candidate gives way. */
static struct quic_path **place(struct quic_conn *c)
{
	struct quic_path **slot = NULL;
	int i;

	for (i = 0; i < QUIC_PATHS; i++) {
		struct quic_path *p = c->paths[i];

		if (!p)
			return &c->paths[i];
		if (p != c->path && p != c->path_old &&
		    (!slot || p->since < (*slot)->since))
			slot = &c->paths[i];
	}
	QUIC_CONN_INC(c, QuicPathsEvicted);
	quic_migrate_leave(c, *slot);
	return quic_conn_alive(c) ? slot : NULL;
}

/* Ours from @src to @dst, not in use yet; NULL without memory. */
struct quic_path *quic_migrate_add(struct quic_conn *c,
				   const union quic_addr *src,
				   const union quic_addr *dst)
{
	struct quic_path **slot = place(c);
	struct quic_path *p = slot ? quic_path_new(GFP_ATOMIC) : NULL;

	if (!p)
		return NULL;
	p->src = *src;
	p->dst = *dst;
	p->cid = QUIC_NO_CID;
	p->since = ktime_get_ns();
	p->mss_cap = min_t(u64, c->peer.max_udp_payload_size, U16_MAX);
	*slot = p;
	return p;
}

/* RFC9000-9-5 */
/* May packets that no path is known for come from the peer all the same?  A
 * client's peer does not move (section 9), and before confirmation nobody.
 */
bool quic_migrate_may(const struct quic_conn *c, const union quic_addr *src)
{
	return c->is_server && c->handshake_confirmed &&
	       (quic_addr_equal(src, &c->path->src) ||
		quic_preferred_is(c, src));
}

/*
 * RFC9000-9-3 RFC9000-9.3-1 RFC9000-9.3-2 RFC9000-9-4 RFC9000-9.5-2
 * RFC9000-9.6.2-3 RFC9000-9.6.3-2
 */
/* An authentic packet with our ID of @len bytes at @id came over a path that is new. */
struct quic_path *quic_migrate_candidate(struct quic_conn *c,
					 const union quic_addr *src,
					 const union quic_addr *dst,
					 const u8 *id, u8 len)
{
	struct quic_path *p = quic_migrate_add(c, src, dst);
	bool rebound;

	if (!p)
		return NULL;
	quic_cid_set_ours(c, p, id, len);
	p->preferred = quic_preferred_is(c, src);
	/* The same ID from elsewhere is rebinding, as far as one can see: then
	 * the one in use may go on as well (section 9.5).
	 */
	rebound = quic_addr_equal(src, &c->path->src) &&
		  p->ours_seq == c->path->ours_seq;
	if (rebound && (!quic_cid_spare(c) ||
			c->cids->n_retire >= QUIC_CID_SLOTS))
		p->cid = c->path->cid;
	quic_validate_start(c, p);
	return p;
}

/* ---- the move --------------------------------------------------------------- */

/* RFC9000-9.4-1 RFC9000-9.4-2 */
/* Section 9.4: congestion control and RTT begin anew, or as they were when
 * @p was left.
 */
static void exchange_memory(struct quic_conn *c, struct quic_path *from,
			    struct quic_path *p)
{
	u64 guess = quic_sk(c->sk)->config.initial_smoothed_rtt *
		    (u64)NSEC_PER_USEC;
	struct quic_recovery *r = &c->rec;
	struct quic_entry *algo = &r->cc.algo->entry;
	struct quic_path_memory *m = kmalloc(sizeof(*m), GFP_ATOMIC);
	struct quic_rtt rtt;

	quic_entry_hold(algo);
	quic_rtt_init(&rtt, guess);
	if (m) {
		m->cc = r->cc;
		m->rtt = r->rtt;
		m->pace_next = c->pace_next;
		/* It may have some, of the time before it came back. */
		forget(from);
		from->memory = m;
	} else {
		quic_cc_stop(&r->cc);
	}
	if (p->memory) {
		quic_entry_put(algo);
		r->cc = p->memory->cc;
		rtt = p->memory->rtt;
		c->pace_next = p->memory->pace_next;
		kfree(p->memory);
		p->memory = NULL;
	} else {
		quic_cc_start(&r->cc, algo, r->cc.number, p->mss,
			      quic_congestion_window_max(), ktime_get_ns());
		c->pace_next = 0;
	}
	quic_recovery_new_path(r, &rtt);
}

static void report(struct quic_conn *c, const struct quic_path *from)
{
	u8 local = !quic_addr_equal(&from->src, &c->path->src);

	QUIC_CONN_INC(c, QuicMigrations);
	/* Section 9.3: for the next time, from there. */
	if (c->is_server && !local && !c->new_token_out)
		c->ctl |= QUIC_CTL_NEW_TOKEN;
	quic_event(c, QUIC_EVENT_CONNECTION_MIGRATION, &local, sizeof(local));
}

/* Use @p from now on.  False if it cannot be. */
static bool use(struct quic_conn *c, struct quic_path *p)
{
	struct quic_path *from = c->path;

	/* The peer may have called its ID back meanwhile. */
	if (!quic_cid_for_path(c, p) || quic_path_route(p, c->sk))
		return false;
	if (!quic_path_same_hosts(from, p))
		exchange_memory(c, from, p);
	quic_pmtud_left(&from->pmtud);
	quic_cc_set_mss(&c->rec.cc, p->mss);
	p->wanted = false;
	p->leave = 0;
	/* Pairs with readers of /proc; the path is complete. */
	smp_store_release(&c->path, p);
	if (c->path_old == p)
		c->path_old = NULL;
	c->rec.amplification_blocked = false;
	quic_set_addresses(c->sk, p);
	quic_tx_kick(c);
	return true;
}

/* What is under way on @p still arrives: forget it a little later. */
static void leave_soon(struct quic_conn *c, struct quic_path *p)
{
	u64 now = ktime_get_ns();

	if (!p || p->leave)
		return;
	p->leave = now + 3 * quic_rtt_pto(&c->rec.rtt, true);
	quic_validate_rearm(c, now);
}

/* RFC9000-9.3.3-1 */
static void move(struct quic_conn *c, struct quic_path *p)
{
	struct quic_path *from = c->path, *old = c->path_old;

	if (!use(c, p))
		return;
	if (from->validated) {
		/* The one to fall back to; what was that before is over. */
		if (old && old != p)
			leave_soon(c, old);
		c->path_old = from;
	} else {
		/* Its validation is abandoned (section 9.3). */
		quic_migrate_leave(c, from);
		from = NULL;
	}
	if (!quic_conn_alive(c))
		return;
	if (p->validated) {
		if (from) {
			leave_soon(c, from);
			report(c, from);
		}
	} else {
		quic_validate_start(c, p);
	}
	/* Section 9.3.3: whoever is really there gets a chance to say so.  A
	 * mover tells its peer, instead.
	 */
	if (!c->is_server)
		c->ctl |= QUIC_CTL_PING;
	else if (from)
		quic_validate_start(c, from);
}

/*
 * RFC9000-9.6.1-1 RFC9000-9.6.2-1 RFC9000-9.6.2-2 RFC9000-9.6.3-1
 * RFC9000-21.5.3-1
 */
static void try_move(struct quic_conn *c, struct quic_path *p)
{
	if (p == c->path || !p->wanted || !quic_cid_for_path(c, p))
		return;
	/* Our own address is another: it is proven first (section 9.6.2). */
	if (!p->validated &&
	    (!c->is_server || !quic_addr_equal(&p->src, &c->path->src)))
		return;
	/* There is no way back from a preferred address. */
	if (c->is_server && c->path->preferred && !p->preferred)
		return;
	move(c, p);
}

/* The newest packet so far came over @p, and is no mere probe. */
void quic_migrate_on_newest(struct quic_conn *c, struct quic_path *p)
{
	if (!c->is_server)
		return;
	p->wanted = true;
	try_move(c, p);
}

/* ---- what became of a validation ----------------------------------------------- */

void quic_migrate_validated(struct quic_conn *c, struct quic_path *p)
{
	struct quic_path *old = c->path_old;

	if (p != c->path)
		return try_move(c, p);
	c->rec.amplification_blocked = false;
	/* The way back is not needed any more. */
	if (old && !old->leave) {
		leave_soon(c, old);
		report(c, old);
	}
	quic_tx_kick(c);
}

/* RFC9000-9.3.2-1 RFC9000-9.3.2-2 */
/* Section 8.2.4 */
void quic_migrate_failed(struct quic_conn *c, struct quic_path *p)
{
	struct quic_path *old = c->path_old;

	if (p == old) {
		/* Needed for as long as nothing better is proven. */
		if (c->path->validated)
			quic_migrate_leave(c, p);
		return;
	}
	if (p != c->path)
		return quic_migrate_leave(c, p);
	if (!old) {
		/* Section 9.3.2; too small for QUIC, but all there is. */
		if (!p->validated)
			quic_conn_dead(c, ENETUNREACH);
		return;
	}
	if (!use(c, old))
		return quic_validate_start(c, p);
	QUIC_CONN_INC(c, QuicMigrationsUndone);
	quic_migrate_leave(c, p);
}

/* New IDs of the peer came: who has waited for one? */
void quic_migrate_on_cids(struct quic_conn *c)
{
	int i;

	for (i = 0; i < QUIC_PATHS; i++) {
		if (!c->paths[i] || c->paths[i]->cid != QUIC_NO_CID)
			continue;
		c->probing = true;
		try_move(c, c->paths[i]);
	}
}

/* ---- a move of our own ----------------------------------------------------------- */

/* A UDP socket that takes in what goes to @addr: perhaps the one we have, on
 * the wildcard and the same port.  Counted, or ERR_PTR.
 */
struct quic_udp *quic_migrate_udp(const struct quic_conn *c,
				  const union quic_addr *addr)
{
	struct quic_udp *own = quic_sk(c->sk)->udp;

	if (own && quic_udp_covers(own, addr)) {
		quic_udp_hold(own);
		return own;
	}
	return quic_udp_get(sock_net(c->sk), addr, c->sk->sk_bound_dev_if,
			    true);
}

/* RFC9000-9-1 RFC9000-9-2 RFC9000-9.5-1 RFC9000-18.2-2 */
/**
 * quic_migrate_local - go to another local address
 * @c:		an established client
 * @addr:	same family, port not 0
 *
 * The path is validated first; the program hears of the move by the event
 * CONNECTION_MIGRATION.  Process context.  Return: 0 or -errno.
 */
int quic_migrate_local(struct quic_conn *c, const union quic_addr *addr)
{
	struct sock *sk = c->sk;
	struct quic_path *p;
	struct quic_udp *udp;
	int i, err;

	if (addr->sa.sa_family != c->path->src.sa.sa_family ||
	    quic_addr_equal(addr, &c->path->src))
		return -EINVAL;
	/* A server that moves is not followed (section 9), nor may a client
	 * whose server forbids it; and with an ID of no bytes it would move in
	 * plain sight (section 9.5).
	 */
	if (c->is_server || !quic_cid_dest(c)->len ||
	    (c->peer.disable_active_migration && !c->path->preferred))
		return -EOPNOTSUPP;
	if (!c->handshake_confirmed || !quic_cid_spare(c))
		return -EAGAIN;
	for (i = 0; i < QUIC_PATHS; i++)
		if (c->paths[i] && c->paths[i]->wanted)
			return -EAGAIN;

	udp = quic_migrate_udp(c, addr);
	if (IS_ERR(udp))
		return PTR_ERR(udp);
	p = quic_migrate_add(c, addr, &c->path->dst);
	if (!p) {
		quic_udp_put(udp);
		return -ENOMEM;
	}
	p->udp = udp;
	p->chosen = true;
	p->wanted = true;
	p->preferred = c->path->preferred;
	err = quic_cid_for_path(c, p) ? quic_path_route(p, sk) : -EAGAIN;
	if (err) {
		quic_migrate_leave(c, p);
		return err;
	}
	quic_validate_start(c, p);
	return 0;
}
