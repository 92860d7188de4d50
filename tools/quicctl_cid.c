// SPDX-License-Identifier: GPL-2.0
/*
 * quicctl cid: what makes connection IDs.
 */
#include "quicctl.h"

static const struct column list[] = {
	{ "name", "NAME", PLAIN },
	{ "kind", "KIND", PLAIN },
	{ "default", "DEFAULT", YES },
	{ "calls", "CALLS", PLAIN },
	{ "bad_len", "BAD LENGTH", PLAIN },
	{ "bad_cpu", "BAD CPU", PLAIN },
	{ "collisions", "COLLISIONS", PLAIN },
	{ "bad_listener", "BAD LISTENER", PLAIN },
	{ "late", "LATE", PLAIN },
	{}
};

static const struct column show[] = {
	{ "name", "name", PLAIN },
	{ "kind", "kind", PLAIN },
	{ "default", "default", YES },
	{ "calls", "calls", PLAIN },
	{ "bad_len", "bad length", PLAIN },
	{ "bad_cpu", "bad cpu", PLAIN },
	{ "collisions", "collisions", PLAIN },
	{ "bad_listener", "bad listener", PLAIN },
	{ "late", "late", PLAIN },
	{ "retired", "retired", PLAIN },
	{ "map_id", "map id", PLAIN },
	{ "link_id", "link id", PLAIN },
	{ "pinned", "pinned", PLAIN },
	{ "programs", "programs", PLAIN },
	{}
};

static const struct column watch[] = {
	{ "name", "NAME", PLAIN },
	{ "used", "USED", YES },
	{ "calls", "CALLS", PLAIN },
	{ "bad_len", "BAD LENGTH", PLAIN },
	{ "bad_cpu", "BAD CPU", PLAIN },
	{ "collisions", "COLLISIONS", PLAIN },
	{ "bad_listener", "BAD LISTENER", PLAIN },
	{ "late", "LATE", PLAIN },
	{}
};

/* Connections do not say who made their IDs: the counters are watched. */
static const struct registry registry = {
	.what = "connection IDs",
	.type = "quic_connid_ops",
	.native = "random",
	.table = "connid",
	.sysctl = "connid",
	.dir = "cid",
	.watched = "connid",
	.watched_name = "name",
	.watched_key = "counters",
	.list = list,
	.show = show,
	.watch = watch,
};

const struct verb cid_verb = {
	.name = "cid",
	.verbs = ops_verbs,
	.of = &registry,
};
