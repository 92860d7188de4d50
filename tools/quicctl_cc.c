// SPDX-License-Identifier: GPL-2.0
/*
 * quicctl cc: congestion control.
 */
#include "quicctl.h"

static const struct column list[] = {
	{ "name", "NAME", PLAIN },
	{ "kind", "KIND", PLAIN },
	{ "default", "DEFAULT", YES },
	{ "users", "USERS", PLAIN },
	{ "fallbacks", "FALLBACKS", PLAIN },
	{}
};

static const struct column show[] = {
	{ "name", "name", PLAIN },
	{ "kind", "kind", PLAIN },
	{ "default", "default", YES },
	{ "users", "users", PLAIN },
	{ "cwnd_raised", "cwnd raised", PLAIN },
	{ "cwnd_lowered", "cwnd lowered", PLAIN },
	{ "pacing_raised", "pacing raised", PLAIN },
	{ "late", "late", PLAIN },
	{ "fallbacks", "fallbacks", PLAIN },
	{ "retired", "retired", PLAIN },
	{ "map_id", "map id", PLAIN },
	{ "link_id", "link id", PLAIN },
	{ "pinned", "pinned", PLAIN },
	{ "programs", "programs", PLAIN },
	{}
};

static const struct column exits[] = {
	{ "times", "TIMES", PLAIN },
	{ "kind", "KIND", PLAIN },
	{ "code", "CODE", PLAIN },
	{ "connection", "LAST", PLAIN },
	{ "cwnd", "CWND", BYTES },
	{ "pacing_rate", "PACING", RATE },
	{ "reason", "REASON", PLAIN },
	{}
};

static const struct column watch[] = {
	{ "connection", "CONNECTION", PLAIN },
	{ "local_address", "LOCAL", PLAIN },
	{ "remote_address", "REMOTE", PLAIN },
	{ "congestion", "CC", PLAIN },
	{ "cwnd", "CWND", BYTES },
	{ "ssthresh", "SSTHRESH", BYTES },
	{ "in_flight", "IN FLIGHT", BYTES },
	{ "pacing_rate", "PACING", RATE },
	{ "srtt_us", "RTT", USEC },
	{ "min_rtt_us", "MIN RTT", USEC },
	{ "acked", "ACKED", BYTES },
	{ "lost", "LOST", BYTES },
	{}
};

static const struct registry registry = {
	.what = "congestion control",
	.type = "quic_congestion_ops",
	.table = "cc",
	.exits = "cc_exits",
	.sysctl = "congestion_control",
	.dir = "cc",
	.watched = "recovery",
	.watched_name = "congestion",
	.watched_key = "connections",
	.list = list,
	.show = show,
	.exit = exits,
	.watch = watch,
};

const struct verb cc_verb = {
	.name = "cc",
	.verbs = ops_verbs,
	.of = &registry,
};
