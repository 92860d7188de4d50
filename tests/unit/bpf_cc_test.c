// SPDX-License-Identifier: GPL-2.0
/*
 * BPF programs against what is native: CUBIC, NewReno and BBR of bpf/cc/,
 * compiled for userspace, make the same windows of the same events, number by number.
 *
 * needs: recovery/cc.c registry.c recovery/cc_reno.c
 * needs: recovery/cc_cubic.c recovery/cc_bbr.c
 */
#include "unit.h"
#include "../../bpf/cc/cubic.bpf.c"
#define LICENSE LICENSE_of_newreno
#include "../../bpf/cc/newreno.bpf.c"
#undef LICENSE
#define LICENSE LICENSE_of_bbr
#include "../../bpf/cc/bbr.bpf.c"

__u64 bpf_quic_muldiv(__u64 a, __u64 b, __u64 c)
{
	return mul_u64_u64_div_u64(a, b, c);
}

static struct quic_cc ours, theirs;
static u64 now;
/* for delivery rates */
static u64 delivered, lost, room, told_lost;
static u32 ranges;

static void both_acked(u64 bytes, u64 rtt, u64 sent, bool app_limited)
{
	u64 flight = min(ours.cwnd, delivered);
	struct quic_cc_flight newest = {
		.delivered = delivered - flight,
		.lost = lost - (lost > told_lost ? lost - told_lost : 0),
		.in_flight = unit_rand_below(200) ? ours.cwnd : 0,
		.app_limited = app_limited,
	};
	struct quic_cc_ack ack = {
		.now = now, .largest_sent_time = sent, .bytes = bytes,
		.in_flight = bytes,
		.prior_in_flight = unit_rand_below(2) ? ours.cwnd : 2 * bytes,
		.srtt = rtt, .min_rtt = rtt, .packets = 1 + bytes / 1200,
		.latest_rtt = unit_rand_below(8) ? rtt : 0,
		.app_limited = app_limited,
		.acked = bytes,
		.delivered = delivered += bytes,
		.lost = lost,
		.lost_ranges = ranges,
		.rate = mul_u64_u64_div_u64(min(ours.cwnd, room),
					    NSEC_PER_SEC, rtt),
		.newest = newest,
		.spurious = !unit_rand_below(100),
	};

	if (lost > told_lost) {
		ack.newest_lost = newest;
		ack.newest_lost.lost = told_lost;
		told_lost = lost;
	}
	quic_cc_acked(&ours, &ack);
	quic_cc_acked(&theirs, &ack);
}

static void both_lost(u64 sent, bool persistent)
{
	struct quic_cc_loss loss = {
		.now = now, .bytes = 1200, .largest_sent_time = sent,
		.persistent = persistent,
	};

	lost += unit_rand_below(ours.cwnd / 8 + 1);
	ranges += unit_rand_below(8);
	quic_cc_lost(&ours, &loss);
	quic_cc_lost(&theirs, &loss);
}

static void begin(const struct quic_congestion_ops *native,
		  const struct quic_congestion_ops *program)
{
	u32 mss = unit_rand_below(2) ? 1200 : 1200 + unit_rand_below(8000);

	now = NSEC_PER_SEC;
	delivered = unit_rand_below(2) * unit_rand();
	delivered >>= 16;
	lost = delivered / 100;
	told_lost = lost;
	quic_cc_start(&ours, quic_entry_new(&quic_cc_registry, native, false),
		      1, mss, BIT_ULL(31), now);
	quic_cc_start(&theirs,
		      quic_entry_new(&quic_cc_registry, program, false), 1,
		      mss, BIT_ULL(31), now);
}

/* A path with a window's worth of room, and now and then anything. */
static u32 live(u32 steps)
{
	u64 base = (1 + unit_rand_below(200)) * NSEC_PER_MSEC, rtt, queue;
	u32 i, moved = 0;
	u64 before;

	room = 50000 + unit_rand_below(20000000);
	for (i = 0; i < steps; i++) {
		queue = ours.cwnd > room ? ours.cwnd - room : 0;
		rtt = base + mul_u64_u64_div_u64(queue, base, room);
		now += rtt / (1 + unit_rand_below(20));
		before = ours.cwnd;
		switch (unit_rand_below(400)) {
		case 0:
			both_lost(now, true);
			break;
		case 1:
			now += unit_rand_below(20) * NSEC_PER_SEC;
			quic_cc_idle_restart(&ours, now);
			quic_cc_idle_restart(&theirs, now);
			break;
		default:
			if (ours.cwnd > 2 * room)
				both_lost(now - rtt, false);
			both_acked(unit_rand_below(2 + min(ours.cwnd, 90000)),
				   rtt, now - rtt, !unit_rand_below(30));
		}
		unit_case("step %u", i);
		EXPECT_EQ(theirs.cwnd, ours.cwnd);
		EXPECT_EQ(theirs.ssthresh, ours.ssthresh);
		EXPECT_EQ(theirs.pacing_rate, ours.pacing_rate);
		moved += ours.cwnd != before;
	}
	return moved;
}

static void end(void)
{
	quic_cc_stop(&ours);
	quic_cc_stop(&theirs);
}

TEST(bpf_cubic_makes_the_windows_of_native_cubic)
{
	u32 i, moved = 0;

	for (i = 0; i < 60; i++) {
		begin(&quic_cc_cubic, &bpf_cubic);
		moved += live(3000);
		end();
	}
	EXPECT(moved > 20000);
}

TEST(bpf_newreno_makes_the_windows_of_native_newreno)
{
	u32 i, moved = 0;

	for (i = 0; i < 60; i++) {
		begin(&quic_cc_reno, &newreno);
		moved += live(3000);
		end();
	}
	EXPECT(moved > 20000);
}

/* Down to the last private word, in all states. */
TEST(bpf_bbr_makes_the_model_of_native_bbr)
{
	u32 states = 0, moved = 0, cautious = 0, i, j;

	for (i = 0; i < 60; i++) {
		begin(&quic_cc_bbr, &bpf_bbr);
		for (j = 0; j < 60; j++) {
			moved += live(50);
			EXPECT(!memcmp(ours.priv, theirs.priv,
				       sizeof(ours.priv)));
			states |= BIT(bbr(&ours)->state);
			cautious += bbr(&ours)->cautious;
		}
		end();
	}
	EXPECT(moved > 20000);
	EXPECT(cautious > 20);
	/* a stay in DRAIN ends with the ACK that begins it */
	EXPECT_EQ(states | BIT(DRAIN), BIT(PROBE_RTT + 1) - 1);
}
