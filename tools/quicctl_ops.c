// SPDX-License-Identifier: GPL-2.0
/*
 * What can be done with a registry of quic.ko, whose members are native or BPF
 * programs: list, show, load, unload, use.  quicctl_cc.c and quicctl_cid.c say
 * which registry.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "quicctl.h"

/* The rows of the registry, with "default" for what new connections get here;
 * NULL after fail().
 */
static json_object *rows_of(struct ctl *ctl, const struct registry *r)
{
	char chosen[OPS_NAME_MAX + 1] = "";
	json_object *rows = NULL;

	if (proc_load_module())
		rows = proc_table(r->table);
	if (!rows) {
		fail(ctl, "this kernel's QUIC has no list of %s: %m", r->what);
		return NULL;
	}
	sysctl_get(r->sysctl, chosen, sizeof(chosen));
	for (size_t i = 0; i < json_object_array_length(rows); i++) {
		json_object *row = json_object_array_get_idx(rows, i);

		if (r->native)
			add_text(row, "kind", strcmp(get_text(row, "name"),
						     r->native) ? "bpf" : "native");
		add_bool(row, "default", !strcmp(get_text(row, "name"), chosen));
	}
	return rows;
}

static int list(struct ctl *ctl, int argc, char **argv)
{
	const struct registry *r = ctl->of;
	json_object *rows = rows_of(ctl, r);

	(void)argc;
	(void)argv;
	return rows ? out_rows(ctl, rows, r->list) : 1;
}

static int unknown(struct ctl *ctl, const struct registry *r,
		   const json_object *rows, const char *name)
{
	char names[512] = "";
	size_t n = 0;

	for (size_t i = 0; i < json_object_array_length(rows) && n < sizeof(names); i++)
		n += snprintf(names + n, sizeof(names) - n, " %s",
			      get_text(json_object_array_get_idx(rows, i), "name"));
	return fail(ctl, "no %s '%s'; there is:%s", r->what, name, names);
}

/* ---- show ---------------------------------------------------------------------- */

/* A program's numbers in the BPF subsystem, for those who want to go on with
 * bpftool.
 */
static void add_program(json_object *row, const struct ops_program *program)
{
	char path[4096];

	add_number(row, "map_id", program->map_id);
	if (program->link_id)
		add_number(row, "link_id", program->link_id);
	if (bpf_find_pin(program->link_id, path, sizeof(path)))
		add_text(row, "pinned", path);
	json_object_object_add(row, "programs",
			       json_object_get(program->callbacks));
}

static json_object *exits_of(const struct registry *r, const char *name)
{
	json_object *all = r->exits ? proc_table(r->exits) : NULL;
	json_object *ours = json_object_new_array();

	for (size_t i = 0; all && i < json_object_array_length(all); i++) {
		json_object *row = json_object_array_get_idx(all, i);

		if (!strcmp(get_text(row, "name"), name))
			json_object_array_add(ours, json_object_get(row));
	}
	json_object_put(all);
	return ours;
}

/* What is known of a native one needs no rights; of a program, it does. */
static int show(struct ctl *ctl, int argc, char **argv)
{
	const struct registry *r = ctl->of;
	json_object *rows = rows_of(ctl, r), *row, *exits;
	struct ops_program *program = NULL;
	struct ops_type type;

	(void)argc;
	if (!rows)
		return 1;
	exits = exits_of(r, argv[0]);
	row = find_row(rows, argv[0]);
	if (!row && !json_object_array_length(exits))
		return unknown(ctl, r, rows, argv[0]);
	row = row ? json_object_get(row) : json_object_new_object();
	if (!json_object_object_get(row, "name")) {
		/* Gone, but not forgotten. */
		add_text(row, "name", argv[0]);
		add_text(row, "kind", "removed");
	}
	json_object_put(rows);
	if (!strcmp(get_text(row, "kind"), "bpf")) {
		if (bpf_find_type(ctl, r->type, &type))
			return 1;
		program = bpf_find_program(&type, argv[0]);
		if (program)
			add_program(row, program);
		bpf_put_program(program);
	}
	if (ctl->json) {
		json_object_object_add(row, "exits", exits);
		return out_object(ctl, row, r->show);
	}
	out_object(ctl, row, r->show);
	if (json_object_array_length(exits)) {
		printf("\nConnections that it lost:\n");
		return out_rows(ctl, exits, r->exit);
	}
	json_object_put(exits);
	return 0;
}

/* ---- load and unload --------------------------------------------------------------- */

static const struct argp_option load_options[] = {
	{ "replace", 'r', NULL, 0,
	  "Put it in place of the program of this name, connections included", 0 },
	{}
};

static error_t load_option(int key, char *arg, struct ctl *ctl)
{
	(void)arg;
	if (key != 'r')
		return ARGP_ERR_UNKNOWN;
	ctl->replace = true;
	return 0;
}

static int load(struct ctl *ctl, int argc, char **argv)
{
	const struct registry *r = ctl->of;
	json_object *names, *object;
	struct ops_type type;

	(void)argc;
	if (access(argv[0], R_OK))
		return fail(ctl, "%s: %m", argv[0]);
	if (bpf_find_type(ctl, r->type, &type))
		return 1;
	names = json_object_new_array();
	if (bpf_register(ctl, &type, r->dir, argv[0], NULL, names)) {
		json_object_put(names);
		return 1;
	}
	if (ctl->json) {
		object = json_object_new_object();
		json_object_object_add(object, "loaded", names);
		return out_object(ctl, object, NULL);
	}
	for (size_t i = 0; i < json_object_array_length(names); i++)
		out_done(ctl, "loaded", json_object_get_string(
				 json_object_array_get_idx(names, i)));
	json_object_put(names);
	return 0;
}

static int unload(struct ctl *ctl, int argc, char **argv)
{
	const struct registry *r = ctl->of;
	json_object *rows = rows_of(ctl, r), *row;
	struct ops_program *program;
	struct ops_type type;
	char path[4096];
	int err;

	(void)argc;
	if (!rows)
		return 1;
	row = find_row(rows, argv[0]);
	if (!row)
		return unknown(ctl, r, rows, argv[0]);
	if (strcmp(get_text(row, "kind"), "bpf"))
		return fail(ctl, "%s is built in and stays", argv[0]);
	json_object_put(rows);
	if (bpf_find_type(ctl, r->type, &type))
		return 1;
	program = bpf_find_program(&type, argv[0]);
	if (!program)
		return fail(ctl, "the BPF program of %s cannot be found: %m",
			    argv[0]);
	err = bpf_unregister(program);
	if (err)
		return fail(ctl, "unloading %s: %s", argv[0], strerror(-err));
	if (bpf_find_pin(program->link_id, path, sizeof(path)))
		unlink(path);
	bpf_put_program(program);
	return out_done(ctl, "unloaded", argv[0]);
}

/* ---- use ------------------------------------------------------------------------------ */

static int use(struct ctl *ctl, int argc, char **argv)
{
	const struct registry *r = ctl->of;
	json_object *rows = rows_of(ctl, r);

	(void)argc;
	if (!rows)
		return 1;
	if (!find_row(rows, argv[0]))
		return unknown(ctl, r, rows, argv[0]);
	json_object_put(rows);
	if (!sysctl_set(r->sysctl, argv[0]))
		return fail(ctl, "net.quic.%s: %m", r->sysctl);
	return out_done(ctl, "using", argv[0]);
}

/* Of a name that there is not nothing would ever be seen. */
static int watch(struct ctl *ctl, int argc, char **argv)
{
	const struct registry *r = ctl->of;
	json_object *rows = rows_of(ctl, r);

	if (!rows)
		return 1;
	if (argc && !find_row(rows, argv[0]))
		return unknown(ctl, r, rows, argv[0]);
	json_object_put(rows);
	return watch_run(ctl, argc, argv);
}

const struct verb ops_verbs[] = {
	{ .name = "list", .doc = "All there are, native and BPF", .run = list },
	{ .name = "show", .args = "NAME", .least = 1, .most = 1, .run = show,
	  .doc = "One of them, and why it lost connections" },
	{ .name = "load", .args = "FILE", .least = 1, .most = 1, .run = load,
	  .doc = "Register the BPF programs of an object file",
	  .options = load_options, .option = load_option },
	{ .name = "unload", .args = "NAME", .least = 1, .most = 1, .run = unload,
	  .doc = "Remove a BPF program, whoever loaded it" },
	{ .name = "use", .args = "NAME", .least = 1, .most = 1, .run = use,
	  .doc = "Make it what new connections get" },
	{ .name = "watch", .args = "[NAME]", .most = 1, .run = watch,
	  .doc = "Live connections, again and again",
	  .options = watch_options, .option = watch_option },
	{}
};
