// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: path MTU discovery on the path in use: sending probes, and what their
 * fate changes.  The search itself is recovery/pmtud.
 * Called from: tx/push, tx/sent (fate of PING), conn/timer (black hole).
 * Context: socket lock held.
 * RFC 9000 sections 14.3, 14.4; RFC 8899.
 *
 * No timer: a probe leaves when something else may, after the handshake.  An
 * idle connection is not woken for it.
 *
 * ICMP only tells where to look (RFC 8899 section 4.6.2), and only if it quotes
 * the ID that our packets bear (rx/icmp); it never sets a size by itself.  So the
 * sockets have IP_PMTUDISC_PROBE.
 */
#include "../pipeline.h"
#include "../obs/mib.h"

/* PMTU_RAISE_TIMER (RFC 8899 section 5.1.1), if the program sets none. */
#define QUIC_PMTUD_RAISE	(600 * NSEC_PER_SEC)

/* Windows have room for so many probes. */
#define QUIC_PMTUD_WINDOW	4

static u64 raise_after(const struct quic_conn *c)
{
	u64 us = quic_sk(c->sk)->config.plpmtud_probe_interval;

	return us ? us * NSEC_PER_USEC : QUIC_PMTUD_RAISE;
}

static void resize(struct quic_conn *c)
{
	quic_path_update_mss(c->path);
	quic_cc_set_mss(&c->rec.cc, c->path->mss);
}

/* RFC8899-4.1-2 */
/* Never the number of a packet of another path, and never 0. */
static u64 probe_id(const struct quic_conn *c)
{
	return c->rec.space[QUIC_SPACE_APP]->sent.next + 1;
}

/* From here on packets may be too big for somebody: he has to quote the ID that
 * is in them.  One that is shorter than ours can be guessed.
 */
static void expect_too_big(struct quic_conn *c, struct quic_path *p)
{
	const struct quic_cid *dest = quic_cid_of(c, p);
	struct quic_cid id = { .len = QUIC_SCID_MIN };

	if (dest->len < QUIC_SCID_MIN)
		return;
	memcpy(id.id, dest->id, id.len);
	if (p->quoted && quic_cid_equal(&p->quoted->key.cid, &id))
		return;
	quic_cid_remove(p->quoted);
	/* Without memory probes have to do. */
	p->quoted = quic_cid_insert(sock_net(c->sk), &id, &p->dst, c, NULL,
				    GFP_ATOMIC);
	if (IS_ERR(p->quoted))
		p->quoted = NULL;
}

/* RFC8899-3-2 RFC8899-3-4 RFC8899-3-5 RFC8899-4.5-1 */
/* Before a push: is it time for a probe, and is there room?  Not for one that
 * takes a good part of the window from data.
 */
void quic_pmtud_push(struct quic_conn *c)
{
	struct quic_pmtud *pm = &c->path->pmtud;
	struct quic_probe what = { .ping = true };
	u64 now;

	if (!c->handshake_confirmed || c->path->believe_route ||
	    !quic_conn_alive(c))
		return;
	/* Who cannot reach the peer at all learns nothing of sizes. */
	if (!c->path->validated || c->rec.pto_count)
		return;
	now = ktime_get_ns();
	what.size = quic_pmtud_next(pm, now);
	if (!what.size || quic_recovery_window(&c->rec) < what.size ||
	    c->rec.cc.cwnd < QUIC_PMTUD_WINDOW * what.size)
		return;
	expect_too_big(c, c->path);
	what.ping_id = probe_id(c);
	quic_pmtud_on_sent(pm, what.ping_id);
	if (quic_tx_probe(c, c->path, &what) >= 0)
		return;
	quic_pmtud_on_lost(pm, what.ping_id, true, now, raise_after(c));
}

/* RFC8899-3-2 RFC8899-3-4 */
void quic_pmtud_acked(struct quic_conn *c, u64 id)
{
	if (quic_pmtud_on_acked(&c->path->pmtud, id, ktime_get_ns(),
				raise_after(c)))
		resize(c);
}

/* Its loss is no sign of congestion (RFC 9000 section 14.4): recovery knows
 * that it was sent aside.
 */
void quic_pmtud_lost(struct quic_conn *c, u64 id)
{
	quic_pmtud_on_lost(&c->path->pmtud, id, false, ktime_get_ns(),
			   raise_after(c));
}

/* RFC8899-3-11 RFC8899-4.3-1 */
/* Several PTOs in a row: perhaps packets of this size do not arrive. */
void quic_pmtud_check(struct quic_conn *c)
{
	if (c->rec.pto_count < 3)
		return;
	if (c->path->believe_route) {
		if (c->path->mss <= QUIC_MSS_MIN)
			return;
		quic_path_set_mss_cap(c->path, QUIC_MSS_MIN);
	} else if (!quic_pmtud_black_hole(&c->path->pmtud)) {
		return;
	}
	resize(c);
	QUIC_CONN_INC(c, QuicBlackHoles);
}

/* RFC8899-6.1.6-2 */
bool quic_pmtud_on_too_big(struct quic_conn *c,
			   const struct quic_cid_node *quoted, u32 mtu)
{
	struct quic_path *p = c->path;
	u32 overhead = quic_path_overhead(p);
	u16 before = p->pmtud.size;

	if (!quic_conn_alive(c) || p->quoted != quoted || p->believe_route ||
	    mtu < overhead ||
	    !quic_pmtud_too_big(&p->pmtud, min(mtu - overhead, U16_MAX),
				ktime_get_ns(), raise_after(c)))
		return false;
	if (p->pmtud.size != before)
		resize(c);
	quic_tx_kick(c);
	return true;
}
