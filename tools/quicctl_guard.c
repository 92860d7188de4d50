// SPDX-License-Identifier: GPL-2.0
/*
 * quicctl guard: what cannot be QUIC is dropped, floods are answered with Retry.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "quicctl_xdp.h"

static const char *const reasons[] = QUIC_GUARD_N_NAMES;

static const struct flag {
	const char *name;
	__u32 bit;
} flags[] = {
	{ "retry", QUIC_GUARD_RETRY },
	{ "no_versions", QUIC_GUARD_NO_VERSIONS },
	{ "watch", QUIC_GUARD_WATCH },
};

#define N_FLAGS	(sizeof(flags) / sizeof(flags[0]))

static const struct number {
	const char *name;
	int key;
	size_t at;
	unsigned long most;
} numbers[] = {
	{ "threshold", 't', offsetof(struct quic_guard, threshold), 1UL << 31 },
	{ "rate", 'r', offsetof(struct quic_guard, rate), 1UL << 31 },
	{ "burst", 'b', offsetof(struct quic_guard, burst), 1UL << 31 },
	{ "prefix4", '4', offsetof(struct quic_guard, prefix4), 32 },
	{ "prefix6", '6', offsetof(struct quic_guard, prefix6), 64 },
};

#define N_NUMBERS	(sizeof(numbers) / sizeof(numbers[0]))

static struct {
	bool given;
	__u32 value;
} wanted[N_NUMBERS];

static __u32 on, off;

/* ---- options ----------------------------------------------------------------- */

#define OPT_FLAG	1000	/* and its index; further N_FLAGS: no */

#define SETTINGS \
	{ "retry", OPT_FLAG, NULL, 0, "Every client has to answer a Retry", 0 }, \
	{ "no-retry", OPT_FLAG + 3, NULL, 0, "Only above the threshold", 0 }, \
	{ "drop-versions", OPT_FLAG + 1, NULL, 0, \
	  "Drop what is of unknown versions, instead of answering it", 0 }, \
	{ "answer-versions", OPT_FLAG + 4, NULL, 0, "Do not drop it", 0 }, \
	{ "watch", OPT_FLAG + 2, NULL, 0, \
	  "Count what would be dropped or answered, and pass it", 0 }, \
	{ "act", OPT_FLAG + 5, NULL, 0, "Do it", 0 }, \
	{ "threshold", 't', "N", 0, \
	  "Initials per second and CPU above which clients have to answer a Retry; 0: never", 0 }, \
	{ "rate", 'r', "N", 0, \
	  "Initials per second that a prefix may send without a token; 0: any number", 0 }, \
	{ "burst", 'b', "N", 0, "How many of them at once; 0: a second's", 0 }, \
	{ "prefix4", '4', "BITS", 0, "Of an IPv4 prefix; 0: 24", 0 }, \
	{ "prefix6", '6', "BITS", 0, "Of an IPv6 prefix; 0: 56", 0 }, \
	XDP_PORT_OPTION

static const struct argp_option attach_options[] = { XDP_MODE_OPTION, SETTINGS, {} };
static const struct argp_option set_options[] = { SETTINGS, {} };

static error_t option(int key, char *arg, struct ctl *ctl)
{
	int flag = key - OPT_FLAG;

	if (flag >= 0 && flag < 2 * (int)N_FLAGS) {
		if (flag < (int)N_FLAGS)
			on |= flags[flag].bit;
		else
			off |= flags[flag - N_FLAGS].bit;
		return on & off ? EINVAL : 0;
	}
	for (size_t i = 0; i < N_NUMBERS; i++) {
		if (numbers[i].key != key)
			continue;
		wanted[i].given = true;
		return xdp_number(arg, numbers[i].most, &wanted[i].value) ?
			0 : EINVAL;
	}
	return xdp_option(key, arg, ctl);
}

/* ---- settings ------------------------------------------------------------------ */

static __u32 *member(struct quic_guard *set, size_t i)
{
	return (__u32 *)((char *)set + numbers[i].at);
}

static int set_up(struct ctl *ctl)
{
	struct quic_guard set;
	__u32 zero = 0;

	if (!xdp_read("quic_guard", &zero, &set))
		return fail(ctl, "quic_guard: %m; attach it first");
	set.flags = (set.flags | on) & ~off;
	for (size_t i = 0; i < N_NUMBERS; i++)
		if (wanted[i].given)
			*member(&set, i) = wanted[i].value;
	if (!xdp_write("quic_guard", &zero, &set))
		return fail(ctl, "quic_guard: %m");
	return 0;
}

static void add_settings(json_object *to)
{
	struct quic_guard set = {};
	__u32 zero = 0;

	xdp_read("quic_guard", &zero, &set);
	for (size_t i = 0; i < N_FLAGS; i++)
		add_bool(to, flags[i].name, set.flags & flags[i].bit);
	for (size_t i = 0; i < N_NUMBERS; i++)
		add_number(to, numbers[i].name, *member(&set, i));
}

/* ---- the verb ------------------------------------------------------------------------ */

static const struct column columns[] = {
	{ "cpu", "CPU", PLAIN },
	{ "passed", "PASSED", PLAIN },
	{ "initial", "INITIAL", PLAIN },
	{ "token", "TOKEN", PLAIN },
	{ "known", "KNOWN", PLAIN },
	{ "retry", "RETRY", PLAIN },
	{ "versions", "VERSIONS", PLAIN },
	{ "source", "SOURCE", PLAIN },
	{ "not_quic", "NOT QUIC", PLAIN },
	{ "small", "SMALL", PLAIN },
	{ "rate", "RATE", PLAIN },
	{ "bad_token", "BAD TOKEN", PLAIN },
	{ "version", "VERSION", PLAIN },
	{ "failed", "FAILED", PLAIN },
	{ "fragment", "FRAGMENT", PLAIN },
	{ "other", "OTHER", PLAIN },
	{}
};

static const struct xdp_kind kind = {
	.name = "guard",
	.program = "xdp_quic_guard",
	.counters = "quic_guard_n",
	.reasons = reasons,
	.n_reasons = QUIC_GUARD_N_MAX,
	.columns = columns,
	.set_up = set_up,
	.add_settings = add_settings,
};

static const struct verb verbs[] = {
	XDP_VERBS("Guard servers behind DEV from what is no QUIC and from floods"),
	XDP_CLEAN_VERB,
	{}
};

const struct verb guard_verb = { .name = "guard", .verbs = verbs, .of = &kind };
