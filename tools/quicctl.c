// SPDX-License-Identifier: GPL-2.0
/*
 * quicctl: see and change what quic.ko does.
 *
 * Owns the table of verbs, the options that all have, and the way from the words
 * of the command line to the function that does it.  A verb is a file of its
 * own and a row here.
 */
#include <stdlib.h>
#include <string.h>

#include "quicctl.h"

const char *argp_program_version = "quicctl 0.1";

static const struct verb *const top[] = {
	&cc_verb, &cid_verb, &steer_verb, &guard_verb, &lb_verb,
	&offload_verb, NULL
};

/* ---- options ------------------------------------------------------------- */

static const struct argp_option common_options[] = {
	{ "json", 'j', NULL, 0, "Print JSON, errors included", 90 },
	{ "netns", 'N', "NAME", 0, "In this network namespace of ip-netns(8)", 90 },
	{}
};

static error_t parse_common(int key, char *arg, struct argp_state *state)
{
	struct ctl *ctl = state->input;

	switch (key) {
	case 'j':
		ctl->json = true;
		return 0;
	case 'N':
		ctl->netns = arg;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp common = { .options = common_options,
				    .parser = parse_common };

/* Options are allowed between the words, so all of them are collected here
 * first; -j says how the errors of what follows are told.
 */
static void look_for_json(struct ctl *ctl, int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--"); i++)
		ctl->json |= !strcmp(argv[i], "-j") ||
			     !strcmp(argv[i], "--json");
}

/* ---- a verb without others below it ---------------------------------------- */

struct words {
	struct ctl *ctl;
	char **word;
	unsigned int n, most;
	int bad;		/* the option whose value is not good ... */
	const char *value;	/* ... and that */
};

static error_t parse_verb(int key, char *arg, struct argp_state *state)
{
	struct words *words = state->input;
	const struct verb *verb = words->ctl->verb;
	error_t err;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = words->ctl;
		return 0;
	case ARGP_KEY_ARG:
		if (words->n < words->most)
			words->word[words->n] = arg;
		words->n++;
		return 0;
	}
	err = verb->option ? verb->option(key, arg, words->ctl) :
			     ARGP_ERR_UNKNOWN;
	if (err && err != ARGP_ERR_UNKNOWN) {
		words->bad = key;
		words->value = arg;
	}
	return err;
}

static int bad_option(const struct words *words, const char *verb)
{
	const struct argp_option *o = words->ctl->verb->options;

	if (!words->value)
		return fail(words->ctl, "%s: an option is not good; see --help", verb);
	while (o->key != words->bad)
		o++;
	return fail(words->ctl, "%s: '%s' is no value of --%s; see --help", verb,
		    words->value, o->name);
}

/* argv[0] is the verb with those above it, for messages. */
static int run_verb(struct ctl *ctl, int argc, char **argv)
{
	const struct verb *verb = ctl->verb;
	struct argp_child children[] = { { &common, 0, NULL, 0 }, {} };
	struct argp argp = { .options = verb->options, .parser = parse_verb,
			     .args_doc = verb->args, .doc = verb->doc,
			     .children = children };
	char *word[4];
	struct words words = { .ctl = ctl, .word = word, .most = 4 };

	/* argp's own messages are no JSON. */
	if (argp_parse(&argp, argc, argv, ctl->json ? ARGP_NO_ERRS : 0, NULL,
		       &words))
		return bad_option(&words, argv[0]);
	if (words.n < verb->least || words.n > verb->most)
		return fail(ctl, "%s takes %s", argv[0],
			    verb->args && *verb->args ? verb->args :
							"no arguments");
	if (ctl->netns && !proc_enter_netns(ctl->netns))
		return fail(ctl, "network namespace %s: %m", ctl->netns);
	return verb->run(ctl, words.n, word);
}

/* ---- the way to it ----------------------------------------------------------- */

static void help_verbs(const struct verb *verbs, const char *above)
{
	char left[80];

	for (; verbs->name; verbs++) {
		snprintf(left, sizeof(left), "%s %s %s", above, verbs->name,
			 verbs->args ?: "");
		printf("  %-34s %s\n", left, verbs->doc);
	}
}

static void help(void)
{
	printf("Usage: quicctl [-j] [-N NETNS] VERB ...\n\n"
	       "See and change what QUIC in the kernel does.\n\n");
	for (int i = 0; top[i]; i++)
		help_verbs(top[i]->verbs, top[i]->name);
	printf("\n  -j, --json                 Print JSON, errors included\n"
	       "  -N, --netns=NAME           In this network namespace of ip-netns(8)\n"
	       "  -V, --version              Print the version\n"
	       "  -?, --help                 This, or after a verb what it takes\n\n"
	       "quicctl(8) has the details.\n");
}

/* A whole name, or the beginning of one only; NULL: neither. */
static const struct verb *find(const struct verb *verbs, const char *word)
{
	const struct verb *found = NULL;

	for (; verbs->name; verbs++) {
		if (!strcmp(verbs->name, word))
			return verbs;
		if (!strncmp(verbs->name, word, strlen(word))) {
			if (found)
				return NULL;
			found = verbs;
		}
	}
	return found;
}

/* Takes the next word that is no option out of argv, if there is one.  What -N
 * names is no word.
 */
static char *take_word(int *argc, char **argv)
{
	for (int i = 1; i < *argc; i++) {
		char *word = argv[i];

		if (!strcmp(word, "-N") || !strcmp(word, "--netns"))
			i++;
		if (*word == '-')
			continue;
		memmove(&argv[i], &argv[i + 1], (*argc - i) * sizeof(*argv));
		(*argc)--;
		return word;
	}
	return NULL;
}

static int run_top(struct ctl *ctl, const struct verb *verb, int argc,
		   char **argv)
{
	char name[64], *word;

	snprintf(name, sizeof(name), "quicctl %s", verb->name);
	argv[0] = name;
	ctl->verb = verb;
	if (!verb->verbs)
		return run_verb(ctl, argc, argv);
	ctl->of = verb->of;
	ctl->verb = verb->verbs;
	word = take_word(&argc, argv);
	if (word)
		ctl->verb = find(verb->verbs, word);
	if (!ctl->verb)
		return fail(ctl, "'%s' is nothing that %s can do; try quicctl --help",
			    word, name);
	snprintf(name, sizeof(name), "quicctl %s %s", verb->name,
		 ctl->verb->name);
	return run_verb(ctl, argc, argv);
}

int main(int argc, char **argv)
{
	struct ctl ctl = { .interval_ms = 1000 };
	const char *word;

	argp_err_exit_status = 1;
	look_for_json(&ctl, argc, argv);
	out_catch_libbpf();
	word = take_word(&argc, argv);
	if (!word && argc > 1 && (!strcmp(argv[1], "-V") ||
				  !strcmp(argv[1], "--version"))) {
		puts(argp_program_version);
		return 0;
	}
	if (!word && argc == 1 + ctl.json && ctl.json)
		return fail(&ctl, "which verb?");
	if (!word || !strcmp(word, "help")) {
		help();
		return 0;
	}
	for (int i = 0; top[i]; i++)
		if (!strcmp(top[i]->name, word))
			return run_top(&ctl, top[i], argc, argv);
	return fail(&ctl, "'%s' is no verb; try quicctl --help", word);
}
