/* SPDX-License-Identifier: GPL-2.0 */
/*
 * quicctl: what its verbs share.
 *
 * A verb makes json-c objects of what it has to tell; they are printed as they are
 * with -j, as tables for people without.  So both say the same.
 */
#ifndef TOOLS_QUICCTL_H
#define TOOLS_QUICCTL_H

#include <argp.h>
#include <json-c/json.h>
#include <linux/types.h>
#include <stdbool.h>

struct bpf_object;
struct verb;

struct ctl {
	bool json;
	const char *netns;
	const struct verb *verb;	/* that runs */
	const void *of;			/* what the verb above it is about */

	/* options of verbs */
	bool replace;
	unsigned int interval_ms;
	unsigned int count;		/* 0: no end */
};

/* A row of a table of commands; an empty one ends the table. */
struct verb {
	const char *name;
	const char *args;		/* for the help */
	const char *doc;
	unsigned int least, most;	/* number of arguments */
	int (*run)(struct ctl *ctl, int argc, char **argv);
	const struct argp_option *options;
	error_t (*option)(int key, char *arg, struct ctl *ctl);
	const struct verb *verbs;	/* has these below it, the first is meant
					 * if none is named
					 */
	const void *of;			/* handed to them */
};

extern const struct verb cc_verb, cid_verb, steer_verb, guard_verb, lb_verb,
			 offload_verb;

/* ---- quicctl_out.c --------------------------------------------------------- */

enum unit { PLAIN, YES, BYTES, RATE, USEC };

struct column {
	const char *key, *title;
	enum unit unit;
};

/* Prints an object or an array of objects, and drops it.  Returns 0. */
int out_rows(const struct ctl *ctl, json_object *rows,
	     const struct column *columns);
int out_object(const struct ctl *ctl, json_object *object,
	       const struct column *columns);
/* What was done: a word and the name it was done to.  Returns 0. */
int out_done(const struct ctl *ctl, const char *what, const char *name);
/* An object per line, at once; for what goes on. */
void out_line(json_object *object);

/* Says what went wrong; with -j as an object with "error", and "log" if libbpf
 * had something to say.  Returns 1, the exit status.
 */
int fail(const struct ctl *ctl, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Keep what libbpf says for fail(). */
void out_catch_libbpf(void);

void add_text(json_object *to, const char *key, const char *value);
void add_number(json_object *to, const char *key, unsigned long long value);
void add_bool(json_object *to, const char *key, bool value);
const char *get_text(const json_object *from, const char *key);	/* "" */
unsigned long long get_number(const json_object *from, const char *key);
/* The row whose "name" it is; NULL: none. */
json_object *find_row(const json_object *rows, const char *name);

/* ---- quicctl_proc.c -------------------------------------------------------- */

/* A table of /proc/net/quic as an array of objects, whose keys are the names of
 * the columns in lower case; NULL: it is not there.
 */
json_object *proc_table(const char *name);
/* Of net.quic; false: errno says why. */
bool sysctl_get(const char *name, char *value, size_t size);
bool sysctl_set(const char *name, const char *value);
/* Opens a socket, which loads the module.  False: errno says why. */
bool proc_load_module(void);
bool proc_enter_netns(const char *name);

/* ---- quicctl_bpf.c --------------------------------------------------------- */

#define OPS_NAME_MAX	16	/* of congestion control, connection IDs */

/* A struct_ops type of quic.ko, as its BTF has it. */
struct ops_type {
	const struct btf *btf;
	__u32 btf_id, value_id;		/* of the map's value */
	__u32 data_at, name_at;		/* offsets in it */
	const struct btf_type *ops;
};

/* A program: a struct_ops map that is registered. */
struct ops_program {
	char name[OPS_NAME_MAX];	/* as the registry has it */
	__u32 map_id;
	__u32 link_id;			/* 0: registered without a link */
	json_object *callbacks;		/* name: id of the BPF program */
};

/* @name as "quic_congestion_ops".  Returns 0, or 1 after fail(). */
int bpf_find_type(const struct ctl *ctl, const char *name,
		  struct ops_type *type);
/* NULL, or what is registered under the name; bpf_put_program() frees it. */
struct ops_program *bpf_find_program(const struct ops_type *type,
				     const char *name);
void bpf_put_program(struct ops_program *program);
/* Where its link is pinned; false: nowhere. */
bool bpf_find_pin(__u32 link_id, char *path, size_t size);
/* 0, or a negative error. */
int bpf_unregister(const struct ops_program *program);
/* Registers what @file has of this type, pins links below /sys/fs/bpf/quic/@dir,
 * and adds the names to @names.  @set, if there is one, changes it before it is
 * loaded.  Returns 0, or 1 after fail(), as @set does.
 */
int bpf_register(const struct ctl *ctl, const struct ops_type *type,
		 const char *dir, const char *file,
		 int (*set)(const struct ctl *ctl, struct bpf_object *object),
		 json_object *names);

/* ---- quicctl_ops.c, quicctl_watch.c ------------------------------------------ */

/* What is chosen by name: congestion control, connection IDs. */
struct registry {
	const char *what;		/* for messages */
	const char *type;		/* of struct_ops */
	const char *native;		/* the only one that is no program, if
					 * the table does not tell the kind
					 */
	const char *table, *exits;	/* of /proc/net/quic */
	const char *sysctl;		/* that has the default */
	const char *dir;		/* of pins */
	const char *watched;		/* table, as of connections */
	const char *watched_name;	/* its column with our names */
	const char *watched_key;	/* what its rows are in JSON */
	const struct column *list, *show, *exit, *watch;
};

extern const struct verb ops_verbs[];
int watch_run(struct ctl *ctl, int argc, char **argv);
extern const struct argp_option watch_options[];
error_t watch_option(int key, char *arg, struct ctl *ctl);

#endif
