// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: the one timer of a connection, and the deadlines it serves:
 *  - LOSS:	declare losses, or probe after a PTO (RFC 9002 section 6.2)
 *  - ACK:	send the delayed ACK (RFC 9000 section 13.2.1)
 *  - PACE:	the next train may leave (RFC 9002 section 7.7)
 *  - IDLE:	nothing heard for too long (RFC 9000 section 10.1)
 *  - KEEPALIVE: make sure that something is heard (section 10.1.2)
 *  - CLOSE:	closing or draining is over (section 10.2)
 *  - KEYS:	the key before the last update goes (RFC 9001 section 6.5)
 *  - PATH:	a path is challenged again, given up or left (section 8.2.4)
 *  - CREDIT:	the peer hears again that its limits hold us back (section 4.1)
 *
 * The timer is lazy: it is moved only when a deadline comes earlier than what
 * it is armed for.  A deadline that moved away is noticed when it fires.  So
 * a train re-arms nothing in the common case.
 *
 * Context: setters under the socket lock.  The timer fires in softirq; if the
 * lock is owned by a user the work is left to quic_release_cb().
 */
#include "../compat.h"
#include "../pipeline.h"
#include "../obs/mib.h"

/* While it runs nothing arms it: no deadline is earlier. */
#define QUIC_TIMER_RUNS		1

static u64 now_ns(void)
{
	return ktime_get_ns();
}

/* U64_MAX: none. */
static u64 earliest(const struct quic_conn *c)
{
	u64 first = U64_MAX;
	int i;

	for (i = 0; i < QUIC_TIMER_MAX; i++)
		if (c->deadline[i])
			first = min(first, c->deadline[i]);
	return first;
}

/* True: it was armed, and will not run.  False: it expired, and waits for the lock.  In
 * between there is a run that has armed it anew, has given up the lock and has not
 * returned: until it has, which takes no lock of ours, it cannot be moved.
 */
static bool disarm(struct quic_conn *c)
{
	int ret;

	while ((ret = hrtimer_try_to_cancel(&c->timer)) < 0 &&
	       hrtimer_is_queued(&c->timer))
		cpu_relax();
	return ret > 0;
}

/* Once per train or system call, after all setters.  Mostly nothing that they
 * set is earlier than what the timer is armed for.
 */
void quic_timer_commit(struct quic_conn *c)
{
	u64 first;

	if (likely(c->timer_armed && c->timer_armed <= c->timer_floor))
		return;
	first = earliest(c);
	c->timer_floor = first;
	if (first == U64_MAX || (c->timer_armed && c->timer_armed <= first))
		return;
	/* An armed timer holds a reference to the socket.  One that has expired
	 * and waits for the lock to run has, too: it gives it back, and commits
	 * again.  Were it started now, it would run once more without.
	 */
	if (!c->timer_armed)
		sock_hold(c->sk);
	else if (!disarm(c))
		return;
	c->timer_armed = first;
	hrtimer_start(&c->timer, ns_to_ktime(first),
		      HRTIMER_MODE_ABS_PINNED_SOFT);
}

void quic_timer_stop(struct quic_conn *c)
{
	memset(c->deadline, 0, sizeof(c->deadline));
	if (disarm(c)) {
		c->timer_armed = 0;
		__sock_put(c->sk);
	}
}

/* ---- the idle timer ------------------------------------------------------ */

/* RFC9000-10.1-1 */
/* The lower of both ends' limits, at least three PTOs; 0: never. */
static u64 idle_timeout(const struct quic_conn *c)
{
	u64 ours = quic_sk(c->sk)->tparam.max_idle_timeout * (u64)NSEC_PER_USEC;
	u64 peers = c->tparams_received ?
		    c->peer.max_idle_timeout * NSEC_PER_MSEC : 0;
	u64 t = ours && peers ? min(ours, peers) : ours ?: peers;

	return t ? max(t, 3 * quic_rtt_pto(&c->rec.rtt, true)) : 0;
}

static void rearm_idle(struct quic_conn *c, u64 now)
{
	u64 idle = idle_timeout(c);
	u64 keepalive = quic_sk(c->sk)->config.keepalive_probe_interval *
			(u64)NSEC_PER_USEC;

	quic_timer_set(c, QUIC_TIMER_IDLE, idle ? now + idle : 0);
	if (keepalive && c->state == QUIC_CONN_ESTABLISHED)
		quic_timer_set(c, QUIC_TIMER_KEEPALIVE, now + keepalive);
	if (unlikely(c->deadline[QUIC_TIMER_CREDIT]))
		c->deadline[QUIC_TIMER_CREDIT] = now + idle / 2;
}

/* Half way to the end of an idle connection: a frame that is lost can go again. */
void quic_timer_on_refused(struct quic_conn *c)
{
	u64 now = now_ns(), idle = c->deadline[QUIC_TIMER_IDLE];

	if (c->deadline[QUIC_TIMER_CREDIT] || idle <= now)
		return;
	quic_timer_set(c, QUIC_TIMER_CREDIT, now + (idle - now) / 2);
	quic_timer_commit(c);
}

void quic_timer_on_rx(struct quic_conn *c, u64 now)
{
	if (!quic_conn_alive(c))
		return;
	c->first_tx_after_rx = 0;
	rearm_idle(c, now);
}

/* Only the first ack-eliciting packet after a reception counts. */
void quic_timer_on_tx(struct quic_conn *c, u64 now)
{
	if (c->first_tx_after_rx || !quic_conn_alive(c))
		return;
	c->first_tx_after_rx = now;
	rearm_idle(c, now);
}

/* ---- expiry --------------------------------------------------------------- */

static bool passed(struct quic_conn *c, enum quic_timer t, u64 now)
{
	if (!c->deadline[t] || c->deadline[t] > now)
		return false;
	c->deadline[t] = 0;
	return true;
}

static void on_loss_timer(struct quic_conn *c, u64 now)
{
	enum quic_space_id probe;

	quic_recovery_on_timer(&c->rec, now, &probe);
	if (probe != QUIC_SPACE_MAX) {
		QUIC_CONN_INC(c, QuicPtos);
		c->probes[probe] = 2;
		if (probe == QUIC_SPACE_APP)
			quic_pmtud_check(c);
	}
	quic_timer_set(c, QUIC_TIMER_LOSS, quic_recovery_deadline(&c->rec));
}

/* Does the peer have to hear of it?  Not while we hear from it. */
static bool on_credit_timer(struct quic_conn *c, u64 now)
{
	bool quiet = !c->rec.in_flight;

	if (quiet && !quic_flow_complain(c))
		return false;
	quic_timer_set(c, QUIC_TIMER_CREDIT, now + idle_timeout(c) / 2);
	return quiet;
}

static void run(struct quic_conn *c)
{
	u64 now = now_ns();
	bool kick = false;

	if (passed(c, QUIC_TIMER_CLOSE, now)) {
		quic_conn_set_state(c, QUIC_CONN_CLOSED);
		quic_cid_free_all(c);
		return;
	}
	if (!quic_conn_alive(c))
		return;
	if (passed(c, QUIC_TIMER_IDLE, now)) {
		quic_conn_dead(c, ETIMEDOUT);
		return;
	}
	if (passed(c, QUIC_TIMER_LOSS, now)) {
		on_loss_timer(c, now);
		kick = true;
	}
	if (passed(c, QUIC_TIMER_PATH, now)) {
		quic_validate_on_timer(c, now);
		if (!quic_conn_alive(c))
			return;
		kick = true;
	}
	if (passed(c, QUIC_TIMER_KEEPALIVE, now)) {
		c->ctl |= QUIC_CTL_PING;
		kick = true;
	}
	if (passed(c, QUIC_TIMER_CREDIT, now) && on_credit_timer(c, now))
		kick = true;
	if (passed(c, QUIC_TIMER_KEYS, now)) {
		quic_key_update_settle(c, now);
		kick = true;
	}
	if (passed(c, QUIC_TIMER_ACK, now))
		kick = true;
	if (passed(c, QUIC_TIMER_PACE, now))
		kick = true;
	if (kick)
		quic_tx_push(c);
	/* A busy connection's timer hardly ever fires: it is idle now, or
	 * nearly, and an idle one is small.
	 */
	if (!c->rec.in_flight && !c->streams.send_mask)
		quic_recovery_shrink(&c->rec);
}

/* It has expired.  Socket lock held, BH off. */
void quic_timer_run(struct quic_conn *c)
{
	c->timer_armed = QUIC_TIMER_RUNS;
	run(c);
	c->timer_armed = 0;
	quic_timer_commit(c);
}

static enum hrtimer_restart expire(struct hrtimer *t)
{
	struct quic_conn *c = container_of(t, struct quic_conn, timer);
	struct sock *sk = c->sk;

	bh_lock_sock(sk);
	if (sock_owned_by_user(sk)) {
		/* quic_release_cb() finishes; it takes a reference over. */
		if (!test_and_set_bit(QUIC_DEFER_TIMER, &c->defer))
			sock_hold(sk);
	} else {
		quic_timer_run(c);
	}
	bh_unlock_sock(sk);
	sock_put(sk);
	return HRTIMER_NORESTART;
}

void quic_timer_init(struct quic_conn *c)
{
	c->timer_floor = U64_MAX;
	hrtimer_setup(&c->timer, expire, CLOCK_MONOTONIC,
		      HRTIMER_MODE_ABS_PINNED_SOFT);
}
