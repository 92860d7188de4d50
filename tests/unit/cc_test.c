// SPDX-License-Identifier: GPL-2.0
/*
 * Congestion control: the registry, the bounds, pacing, and NewReno against
 * RFC 9002 section B.5 packet by packet.
 *
 * needs: recovery/cc.c registry.c recovery/cc_reno.c
 * needs: recovery/cc_cubic.c recovery/cc_bbr.c
 */
#include "unit.h"
#include "recovery/cc.h"

#define MSS	1200
#define MS	NSEC_PER_MSEC
#define ROOMY	BIT_ULL(30)

static struct quic_cc cc;

#define get(name)		quic_registry_get(&quic_cc_registry, name)
#define add(ops, bpf)		quic_registry_add(&quic_cc_registry, ops, bpf)
#define take_away(ops)		quic_registry_remove(&quic_cc_registry, ops)
#define update(ops, old)	quic_registry_update(&quic_cc_registry, ops, old)
#define latest(e)		quic_registry_latest(&quic_cc_registry, e)

static void start_as(const struct quic_congestion_ops *ops, u64 cwnd_max,
		     bool bpf)
{
	quic_cc_stop(&cc);
	quic_cc_start(&cc, quic_entry_new(&quic_cc_registry, ops, bpf), 7, MSS,
		      cwnd_max, 1000);
}

static void start(const struct quic_congestion_ops *ops, u64 cwnd_max)
{
	start_as(ops, cwnd_max, false);
}

static void acked(u64 bytes, bool app_limited)
{
	struct quic_cc_ack ack = {
		.now = 2000, .bytes = bytes, .app_limited = app_limited,
		.largest_sent_time = 1500, .srtt = 100 * MS,
	};

	quic_cc_acked(&cc, &ack);
}

static void lost(u64 sent, u64 now, bool persistent)
{
	struct quic_cc_loss loss = {
		.now = now, .largest_sent_time = sent, .bytes = MSS,
		.persistent = persistent,
	};

	quic_cc_lost(&cc, &loss);
}

/* ---- the registry --------------------------------------------------------- */

static struct quic_cc_exit told;
static const struct quic_cc *on_exit_of = &cc;
static u32 n_told;

static void on_exit_told(struct quic_cc *c, const struct quic_cc_exit *exit)
{
	EXPECT(c == on_exit_of);
	told = *exit;
	n_told++;
}

/* A callback takes this long. */
static u64 time_taken;

static u64 clock_of_programs(void)
{
	static u64 now = 1;

	return now += time_taken;
}

static void registry(void)
{
	n_told = 0;
	time_taken = 0;
	EXPECT_EQ(quic_cc_add_native(on_exit_told, clock_of_programs), 0);
}

static bool has(const char *name)
{
	struct quic_entry *algo = get(name);
	bool right = algo && !strcmp(algo->name, name && name[0] ? name :
							 "cubic");

	quic_entry_put(algo);
	return right;
}

TEST(the_registry)
{
	struct quic_congestion_ops mine = { .name = "mine-2.0_X" };
	struct quic_congestion_ops twin = { .name = "mine-2.0_X" };
	struct quic_congestion_ops bad = { .name = "" };

	registry();
	EXPECT(has(NULL) && has("") && has("cubic") && has("reno"));
	EXPECT(!has("mine-2.0_X") && !has("cub") && !has("cubics"));

	EXPECT_EQ(add(&bad, false), -EINVAL);
	strcpy(bad.name, "two words");
	EXPECT_EQ(add(&bad, false), -EINVAL);
	strcpy(bad.name, "line\nfeed");
	EXPECT_EQ(add(&bad, false), -EINVAL);
	memset(&bad, 'x', sizeof(bad));
	EXPECT_EQ(add(&bad, false), -EINVAL);
	EXPECT_EQ(add(&mine, true), 0);
	EXPECT_EQ(add(&twin, true), -EEXIST);
	EXPECT(has("mine-2.0_X"));
	take_away(&twin);	/* which it is not */
	EXPECT(has("mine-2.0_X"));
	take_away(&mine);
	EXPECT(!has("mine-2.0_X"));
	EXPECT_EQ(add(&twin, true), 0);
	take_away(&twin);
	quic_entry_put(NULL);
	quic_cc_remove_native();
	EXPECT(!has("cubic"));
	registry();
	quic_cc_remove_native();
}

static u32 calls, releases, exits;

static void count_acked(struct quic_cc *c, const struct quic_cc_ack *ack)
{
	calls++;
}

static void count_release(struct quic_cc *c)
{
	releases++;
}

static void count_exit(struct quic_cc *c, const struct quic_cc_exit *exit)
{
	exits++;
}

static void mark_init(struct quic_cc *c, u64 now)
{
	EXPECT_EQ(c->priv[0], 0);
	c->priv[0] = 1;
}

static const struct quic_congestion_ops counting = {
	.name = "counting", .init = mark_init, .on_acked = count_acked,
	.release = count_release, .exit = count_exit,
};

static const struct quic_congestion_ops counting_too = {
	.name = "counting", .init = mark_init,
};

static void begin(const char *name)
{
	calls = 0;
	releases = 0;
	exits = 0;
	quic_cc_start(&cc, get(name), 7, MSS, ROOMY, 1000);
}

TEST(who_was_removed_is_never_called_again)
{
	registry();
	EXPECT_EQ(add(&counting, true), 0);
	begin("counting");
	cc.cwnd = 50000;
	acked(1200, false);
	EXPECT_EQ(calls, 1);
	EXPECT_EQ(atomic_read(&cc.algo->users), 1);
	cc.pacing_rate = 5;
	take_away(&counting);
	acked(1200, false);
	EXPECT_EQ(calls, 1);
	EXPECT_EQ(releases, 0);
	EXPECT(!strcmp(cc.algo->entry.name, "cubic"));
	/* goes on where it was, and does not race */
	EXPECT(cc.cwnd >= 50000 && cc.cwnd < 52000);
	EXPECT_EQ(cc.ssthresh, 50000);
	EXPECT_EQ(cc.pacing_rate, 0);
	EXPECT_EQ(n_told, 1);
	EXPECT_EQ(told.kind, QUIC_CC_EXIT_UNREGISTERED);
	EXPECT_EQ(told.number, 7);
	EXPECT_EQ(told.cwnd, 50000);
	EXPECT(!strcmp(told.name, "counting"));
	quic_cc_stop(&cc);

	/* without an event: when somebody looks; or when all is over */
	EXPECT_EQ(add(&counting, true), 0);
	begin("counting");
	take_away(&counting);
	quic_cc_settle(&cc, 2000);
	EXPECT(!strcmp(cc.algo->entry.name, "cubic"));
	quic_cc_stop(&cc);
	EXPECT_EQ(add(&counting, true), 0);
	begin("counting");
	take_away(&counting);
	quic_cc_stop(&cc);
	EXPECT_EQ(releases, 0);
	/* between choice and start */
	EXPECT_EQ(add(&counting, true), 0);
	{
		struct quic_entry *algo = get("counting");

		take_away(&counting);
		quic_cc_start(&cc, algo, 7, MSS, ROOMY, 1000);
	}
	EXPECT(!strcmp(cc.algo->entry.name, "cubic"));
	quic_cc_stop(&cc);
	quic_cc_remove_native();
}

TEST(an_update_takes_the_connections_along)
{
	struct quic_entry *first, *third;
	struct quic_congestion_ops other = { .name = "other" };

	registry();
	EXPECT_EQ(update(&counting_too, &counting), -ENOENT);
	EXPECT_EQ(add(&counting, true), 0);
	EXPECT_EQ(update(&other, &counting), -EINVAL);
	begin("counting");
	first = get("counting");
	cc.cwnd = 50000;
	cc.ssthresh = 40000;
	EXPECT_EQ(update(&counting_too, &counting), 0);
	EXPECT_EQ(update(&counting, &counting_too), 0);
	acked(0, false);
	EXPECT(!strcmp(cc.algo->entry.name, "counting"));
	EXPECT_EQ(n_told, 1);
	EXPECT_EQ(told.kind, QUIC_CC_EXIT_UPDATED);
	EXPECT_EQ(cc.cwnd, 50000);
	EXPECT_EQ(cc.ssthresh, 40000);
	EXPECT_EQ(cc.priv[0], 1);
	/* and whoever holds an old one finds the newest */
	first = latest(first);
	third = get("counting");
	EXPECT(first == third);
	quic_entry_put(first);
	quic_entry_put(third);
	take_away(&counting);
	quic_cc_stop(&cc);
	quic_cc_remove_native();
}

/* RFC 9002 section 7.2 */
TEST(initial_and_minimum_windows)
{
	EXPECT_EQ(quic_cc_initial_window(1200), 12000);
	EXPECT_EQ(quic_cc_initial_window(1472), 14720);
	EXPECT_EQ(quic_cc_initial_window(1500), 14720);
	EXPECT_EQ(quic_cc_initial_window(9000), 18000);
	EXPECT_EQ(quic_cc_minimum_window(1200), 2400);
}

static u64 wish, wish_rate;

static void wishes(struct quic_cc *c)
{
	c->cwnd = wish;
	c->ssthresh = wish;
	c->pacing_rate = wish_rate;
}

static void wish_init(struct quic_cc *c, u64 now)
{
	wishes(c);
}

static void wish_sent(struct quic_cc *c, const struct quic_cc_sent *sent)
{
	wishes(c);
}

static void wish_acked(struct quic_cc *c, const struct quic_cc_ack *ack)
{
	wishes(c);
}

static void wish_lost(struct quic_cc *c, const struct quic_cc_loss *loss)
{
	wishes(c);
}

static const struct quic_congestion_ops wishful = {
	.name = "wishful",
	.init = wish_init,
	.on_sent = wish_sent,
	.on_acked = wish_acked,
	.on_lost = wish_lost,
	.on_idle_restart = wish_init,
};

static void check_bounds(void)
{
	EXPECT_EQ(cc.cwnd, clamp(wish, 2400ULL, 100000ULL));
	EXPECT_EQ(cc.ssthresh, max(wish, 2400ULL));
	EXPECT(quic_cc_pacing_rate(&cc, 50 * MS) > 0);
}

TEST(whatever_an_algorithm_writes_is_bounded)
{
	static const u64 wishlist[] = { 0, 1, 2399, 2400, 50000, 100000,
					100001, U64_MAX };
	int i;

	for (i = 0; i < ARRAY_SIZE(wishlist); i++) {
		wish = wishlist[i];
		wish_rate = i & 1;
		unit_case("wish %llu", wish);
		start(&wishful, 100000);
		check_bounds();
		quic_cc_sent(&cc, &(struct quic_cc_sent){ 1, 1200, 1200 });
		check_bounds();
		acked(1200, false);
		check_bounds();
		lost(3000, 4000, true);
		check_bounds();
		quic_cc_idle_restart(&cc, 5000);
		check_bounds();
		quic_cc_set_mss(&cc, MSS);
		check_bounds();
		quic_cc_stop(&cc);
	}
	/* a socket that can buffer nothing still gets two packets out */
	start(&quic_cc_reno, 0);
	EXPECT_EQ(cc.cwnd, 2400);
	acked(2400, false);
	EXPECT_EQ(cc.cwnd, 2400);
	start(&quic_cc_reno, U64_MAX);
	EXPECT_EQ(cc.cwnd_max, QUIC_CC_CWND_LIMIT);
}

/* ---- the guard -------------------------------------------------------------- */

static void round_trip(u64 *now, bool app_limited)
{
	struct quic_cc_ack ack = {
		.now = *now + 10 * MS, .largest_sent_time = *now,
		.bytes = 2400, .srtt = 10 * MS, .app_limited = app_limited,
	};

	*now += 10 * MS;
	/* several ACKs in a round trip are one round trip */
	quic_cc_acked(&cc, &ack);
	ack.now++;
	quic_cc_acked(&cc, &ack);
	*now += 1;
}

/* How many round trips until the guard steps in; at most @most. */
static u32 starve(u64 cwnd, u64 rate, u32 most)
{
	u64 now = 1000;
	u32 n;

	wish = cwnd;
	wish_rate = rate;
	n_told = 0;
	start_as(&wishful, 1 << 20, true);
	for (n = 0; n < most && !n_told; n++)
		round_trip(&now, false);
	return n;
}

TEST(who_starves_a_connection_loses_it)
{
	u64 now = 1000;
	int i;

	registry();
	EXPECT_EQ(starve(0, 0, 1000), QUIC_CC_STARVE_ROUNDS + 1);
	EXPECT_EQ(told.kind, QUIC_CC_EXIT_STARVED);
	EXPECT_EQ(told.code, QUIC_CC_STARVED_WINDOW);
	EXPECT_EQ(told.cwnd, 0);
	EXPECT(!strcmp(told.name, "wishful"));
	EXPECT(!strcmp(cc.algo->entry.name, "cubic"));
	/* begins anew; the last ACK of that round trip is CUBIC's */
	EXPECT_EQ(cc.cwnd, 12000 + 2400);
	EXPECT_EQ(cc.ssthresh, U64_MAX);
	EXPECT_EQ(cc.pacing_rate, 0);

	/* two packets, for ever */
	EXPECT_EQ(starve(2400, 0, 1000), QUIC_CC_STARVE_ROUNDS + 1);
	/* any window, and a rate of nearly nothing: which is not obeyed */
	EXPECT_EQ(starve(50000, 1, 2), 2);
	EXPECT_EQ(quic_cc_pacing_rate(&cc, 10 * MS), 240000);
	EXPECT_EQ(atomic64_read(&cc.algo->count[QUIC_CC_SLOW]), 4);
	EXPECT_EQ(starve(50000, 1, 1000), QUIC_CC_STARVE_ROUNDS + 1);
	EXPECT_EQ(told.code, QUIC_CC_STARVED_PACING);
	EXPECT_EQ(told.pacing_rate, 1);
	/* little is not nothing, too much is cut down */
	EXPECT_EQ(starve(2401, 240000, 1000), 1000);
	EXPECT_EQ(starve(U64_MAX, U64_MAX, 1000), 1000);
	EXPECT(atomic64_read(&cc.algo->count[QUIC_CC_OVER]) > 1000);

	/* no data, or losses: nobody starves then */
	starve(0, 0, 0);
	for (i = 0; i < 1000; i++)
		round_trip(&now, true);
	EXPECT_EQ(n_told, 0);
	for (i = 0; i < 1000; i++) {
		if (i % QUIC_CC_STARVE_ROUNDS == 0)
			lost(now, now, false);
		round_trip(&now, false);
	}
	EXPECT_EQ(n_told, 0);
	/* native ones are not watched */
	start(&wishful, 1 << 20);
	for (i = 0; i < 1000; i++)
		round_trip(&now, false);
	EXPECT_EQ(n_told, 0);
	quic_cc_stop(&cc);
	quic_cc_remove_native();
}

static bool retired_after(u32 n)
{
	u32 i;

	for (i = 0; i < n; i++)
		acked(1200, false);
	return !strcmp(cc.algo->entry.name, "cubic");
}

TEST(a_slow_program_is_retired)
{
	static struct quic_cc other;
	u32 i;

	registry();
	EXPECT_EQ(add(&counting, true), 0);
	begin("counting");
	quic_cc_start(&other, get("counting"), 8, MSS, ROOMY, 1000);
	/* not quite slow; slow, but seldom */
	time_taken = QUIC_SLOW_NS - 1;
	EXPECT(!retired_after(1000));
	for (i = 0; i < 1000; i++) {
		time_taken = i % (QUIC_SLOW_WEIGHT + 1) ? 0 : QUIC_SLOW_NS;
		EXPECT(!retired_after(1));
	}
	EXPECT_EQ(atomic64_read(&cc.algo->count[QUIC_CC_LATE]), 59);
	/* slow: noticed at the call after */
	retired_after(QUIC_SLOW_WEIGHT);
	time_taken = QUIC_SLOW_NS;
	EXPECT(!retired_after(QUIC_SLOW_CALLS));
	EXPECT_EQ(n_told, 0);
	calls = 0;
	EXPECT(retired_after(1));
	EXPECT_EQ(told.kind, QUIC_CC_EXIT_SLOW);
	EXPECT_EQ(told.number, 7);
	EXPECT(!strcmp(told.name, "counting"));
	/* others do not wait for it once more, nor does anybody choose it */
	on_exit_of = &other;
	quic_cc_settle(&other, 2000);
	on_exit_of = &cc;
	EXPECT_EQ(told.number, 8);
	EXPECT_EQ(told.kind, QUIC_CC_EXIT_SLOW);
	EXPECT_EQ(calls + releases + exits, 0);
	EXPECT(!get("counting"));
	EXPECT_EQ(atomic64_read(&cc.algo->count[QUIC_CC_FALLBACKS]), 0);
	/* its name is taken until it is removed */
	EXPECT_EQ(add(&counting_too, true), -EEXIST);
	take_away(&counting);
	EXPECT_EQ(add(&counting_too, true), 0);
	EXPECT(has("counting"));
	take_away(&counting_too);
	quic_cc_stop(&other);
	quic_cc_stop(&cc);
	quic_cc_remove_native();
}

TEST(a_new_version_takes_the_place_of_a_retired_one)
{
	struct quic_entry *chosen;

	registry();
	EXPECT_EQ(add(&counting, true), 0);
	begin("counting");
	chosen = get("counting");
	time_taken = QUIC_SLOW_NS;
	EXPECT(retired_after(QUIC_SLOW_CALLS + 1));
	time_taken = 0;
	EXPECT_EQ(update(&counting_too, &counting), 0);
	EXPECT(has("counting"));
	/* as a namespace has it, which has chosen the old one */
	chosen = latest(chosen);
	EXPECT(chosen->ops == &counting_too);
	quic_entry_put(chosen);
	take_away(&counting_too);
	quic_cc_stop(&cc);
	quic_cc_remove_native();
}

static void quitting(struct quic_cc *c, const struct quic_cc_ack *ack)
{
	c->give_up = true;
	c->give_up_code = 42;
}

TEST(a_program_may_give_up)
{
	struct quic_congestion_ops ops = counting;

	registry();
	ops.on_acked = quitting;
	begin(NULL);
	exits = 0;
	releases = 0;
	start_as(&ops, ROOMY, true);
	n_told = 0;
	cc.cwnd = 100000;
	acked(1200, false);
	EXPECT_EQ(n_told, 1);
	EXPECT_EQ(told.kind, QUIC_CC_EXIT_GAVE_UP);
	EXPECT_EQ(told.code, 42);
	EXPECT_EQ(exits, 1);
	EXPECT_EQ(releases, 1);
	EXPECT(!strcmp(cc.algo->entry.name, "cubic"));
	EXPECT_EQ(cc.cwnd, 12000);
	quic_cc_stop(&cc);
	quic_cc_remove_native();
}

TEST(what_is_left_out_is_newreno)
{
	static const struct quic_congestion_ops bare = { .name = "bare" };

	start(&bare, ROOMY);
	EXPECT_EQ(cc.cwnd, 12000);
	EXPECT_EQ(cc.ssthresh, U64_MAX);
	quic_cc_sent(&cc, &(struct quic_cc_sent){ 1, 1200, 1200 });
	acked(12000, false);
	EXPECT_EQ(cc.cwnd, 24000);
	lost(1000, 2000, false);
	EXPECT_EQ(cc.cwnd, 12000);
	acked(240000, false);
	EXPECT(cc.cwnd > 14400);
	quic_cc_idle_restart(&cc, 1);
	EXPECT_EQ(cc.cwnd, 12000);
	quic_cc_stop(&cc);
}

/* RFC9002-7.3.1-1 */
/* RFC 9002 sections 7.3.2 and 7.6.2 */
TEST(losses_of_one_round_trip_are_one_event)
{
	start(&quic_cc_reno, ROOMY);
	acked(88000, false);
	EXPECT_EQ(cc.cwnd, 100000);
	lost(5000, 6000, false);
	EXPECT_EQ(cc.cwnd, 50000);
	EXPECT_EQ(cc.recovery_start, 6000);
	lost(6000, 7000, false);
	EXPECT_EQ(cc.cwnd, 50000);
	EXPECT_EQ(cc.recovery_start, 6000);
	lost(6001, 7000, false);
	EXPECT_EQ(cc.cwnd, 25000);
	/* persistent, in the same recovery period: no second halving */
	lost(7000, 8000, true);
	EXPECT_EQ(cc.cwnd, 2400);
	EXPECT_EQ(cc.ssthresh, 25000);
	EXPECT_EQ(cc.recovery_start, 0);
	EXPECT(quic_cc_in_slow_start(&cc));
	/* persistent, and an event of its own */
	acked(17600, false);
	EXPECT_EQ(cc.cwnd, 20000);
	lost(9000, 9500, true);
	EXPECT_EQ(cc.cwnd, 2400);
	EXPECT_EQ(cc.ssthresh, 10000);
	/* never below the minimum */
	lost(9600, 9700, false);
	EXPECT_EQ(cc.cwnd, 2400);
	EXPECT_EQ(cc.ssthresh, 2400);
	quic_cc_stop(&cc);
}

/* RFC9002-7.3.2-1 RFC9002-7.3.2-2 RFC9002-7.6.2-2 */
/* Section B.5 with fractions, one packet at a time. */
TEST(reno_agrees_with_the_pseudocode)
{
	double cwnd = 12000, ssthresh = 1e18;
	u64 recovery = 0, now = 1000;
	int i, j, n;

	start(&quic_cc_reno, ROOMY);
	for (i = 0; i < 30000; i++) {
		unit_case("step %d", i);
		now += 1000;
		if (unit_rand_below(1500) == 0) {
			recovery = now;
			ssthresh = max(cwnd / 2, 2400.);
			cwnd = ssthresh;
			lost(now - 1, now, false);
			EXPECT_EQ(cc.recovery_start, recovery);
		} else {
			/* a train; per packet there, at once here */
			n = 1 + unit_rand_below(44);
			for (j = 0; j < n; j++)
				cwnd += cwnd < ssthresh ? MSS :
					(double)MSS * MSS / cwnd;
			acked(n * MSS, false);
		}
		/* whole datagrams, and whole windows of up to 44 of them */
		EXPECT(cc.cwnd > cwnd * 0.93 - 3 * MSS);
		EXPECT(cc.cwnd < cwnd * 1.07 + 3 * MSS);
	}
	quic_cc_stop(&cc);
}

/* RFC9002-7.3.3-1 */
/* Section 7.3.3's limit, exactly. */
TEST(congestion_avoidance_adds_one_datagram_per_window)
{
	u64 before, got, part;
	int i;

	start(&quic_cc_reno, ROOMY);
	acked(108000, false);
	lost(1500, 1600, false);
	EXPECT_EQ(cc.cwnd, 60000);
	for (i = 0; i < 500; i++) {
		before = cc.cwnd;
		for (got = 0; got < before; got += part) {
			EXPECT_EQ(cc.cwnd, before);
			part = min_t(u64, 1 + unit_rand_below(20000),
				     before - got);
			acked(part, false);
		}
		EXPECT_EQ(cc.cwnd, before + MSS);
	}
	/* slow start up to the threshold, the rest counts as avoidance */
	start(&quic_cc_reno, ROOMY);
	cc.ssthresh = 20000;
	acked(8000 + 19999, false);
	EXPECT_EQ(cc.cwnd, 20000);
	acked(1, false);
	EXPECT_EQ(cc.cwnd, 21200);
	/* section 7.8 */
	acked(1000000, true);
	EXPECT_EQ(cc.cwnd, 21200);
	quic_cc_stop(&cc);
}

TEST(after_idleness_newreno_does_not_leap)
{
	start(&quic_cc_reno, ROOMY);
	cc.cwnd = 1000000;
	cc.ssthresh = 1000000;
	acked(999999, false);
	EXPECT_EQ(cc.cwnd, 1000000);
	quic_cc_idle_restart(&cc, 5000);
	cc.ssthresh = 12000;
	acked(1200, false);
	EXPECT_EQ(cc.cwnd, 13200);
	quic_cc_stop(&cc);
}

TEST(a_window_that_is_still_initial_follows_the_datagram_size)
{
	start(&quic_cc_cubic, ROOMY);
	quic_cc_set_mss(&cc, 1472);
	EXPECT_EQ(cc.cwnd, 14720);
	quic_cc_set_mss(&cc, 1200);
	EXPECT_EQ(cc.cwnd, 12000);
	acked(1200, false);
	quic_cc_set_mss(&cc, 1472);
	EXPECT_EQ(cc.cwnd, 13200);
	cc.cwnd = 2944;
	quic_cc_set_mss(&cc, 9000);
	EXPECT_EQ(cc.cwnd, 18000);
	quic_cc_stop(&cc);
}

/* RFC9002-7.7-1 */
/* RFC 9002 section 7.7 */
TEST(pacing)
{
	start(&quic_cc_reno, ROOMY);
	cc.cwnd = 1000000;
	EXPECT_EQ(quic_cc_pacing_rate(&cc, 100 * MS), 20000000);
	cc.ssthresh = 1000000;
	EXPECT_EQ(quic_cc_pacing_rate(&cc, 100 * MS), 12500000);
	cc.pacing_rate = 777;
	EXPECT_EQ(quic_cc_pacing_rate(&cc, 100 * MS), 777);
	cc.pacing_rate = 0;
	/* no round trip is too short or too long, no window too wide */
	cc.cwnd = QUIC_CC_CWND_LIMIT;
	EXPECT(quic_cc_pacing_rate(&cc, 0) > 1000000000);
	EXPECT_EQ(quic_cc_pacing_rate(&cc, U64_MAX), 1);
	quic_cc_stop(&cc);
}
