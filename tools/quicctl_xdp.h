/* SPDX-License-Identifier: GPL-2.0 */
/* quicctl: XDP programs of ours on devices, and the maps that they share. */
#ifndef TOOLS_QUICCTL_XDP_H
#define TOOLS_QUICCTL_XDP_H

#include <linux/types.h>
#include <quic/xdp_maps.h>

#include "quicctl.h"

#ifndef BPF_DIR
#define BPF_DIR		"/usr/lib/quic/bpf"
#endif

/* One of the three programs. */
struct xdp_kind {
	const char *name;		/* of the verb, and of NAME.bpf.o */
	const char *program;
	const char *counters;		/* its map of them */
	const char *const *reasons;	/* their names */
	unsigned int n_reasons;
	const struct column *columns;	/* of a row per CPU */
	/* What it needs before the first packet, and the options given; returns 0,
	 * or 1 after fail().
	 */
	int (*set_up)(struct ctl *ctl);
	/* Adds what is set to the object. */
	void (*add_settings)(json_object *to);
};

/* Two at a time would each build a dispatcher without the other's program, or give
 * out the same place.  It goes with the process.  0, or -1 after fail().
 */
int xdp_lock(const struct ctl *ctl);

/* Verbs, whose ctl->of is a struct xdp_kind. */
int xdp_attach(struct ctl *ctl, int argc, char **argv);
int xdp_detach(struct ctl *ctl, int argc, char **argv);
int xdp_status(struct ctl *ctl, int argc, char **argv);
int xdp_set(struct ctl *ctl, int argc, char **argv);
int xdp_clean(struct ctl *ctl, int argc, char **argv);

/* quicctl_ids.c */
int lb_ids(struct ctl *ctl, int argc, char **argv);

/* Rows of the table of verbs that all kinds have, for which their file has the
 * options; the second comes last.
 */
#define XDP_VERBS(attach_doc) \
	{ .name = "status", .run = xdp_status, \
	  .doc = "Where it runs, what is set, packets per CPU and reason" }, \
	{ .name = "attach", .args = "DEV", .least = 1, .most = 1, \
	  .run = xdp_attach, .options = attach_options, .option = option, \
	  .doc = attach_doc }, \
	{ .name = "set", .run = xdp_set, .options = set_options, \
	  .option = option, .doc = "Change settings, of all devices" }, \
	{ .name = "detach", .args = "DEV", .least = 1, .most = 1, \
	  .run = xdp_detach, .doc = "No more; other programs of DEV stay" }
#define XDP_CLEAN_VERB \
	{ .name = "clean", .run = xdp_clean, \
	  .doc = "Remove maps that no program uses" }

/* Options that all kinds have: --mode (attach only), --port. */
#define XDP_MODE_OPTION \
	{ "mode", 'm', "MODE", 0, \
	  "native, generic, or auto (default): native if the driver can", 0 }
#define XDP_PORT_OPTION \
	{ "port", 'p', "LIST", 0, \
	  "UDP ports of servers, as 443,4433 or 8000-8010 (443 if never set)", 0 }
error_t xdp_option(int key, char *arg, struct ctl *ctl);

/* A pinned map; -1 after fail() if there is none. */
int xdp_map(const struct ctl *ctl, const char *name);
/* Element @key of one; false: errno says why. */
bool xdp_read(const char *map, const void *key, void *value);
bool xdp_write(const char *map, const void *key, const void *value);

/* "0-3,7": calls back for each; false: no such list, or a number beyond @most. */
bool xdp_each(const char *list, unsigned int most,
	      void (*found)(unsigned int n, void *arg), void *arg);
/* Hexadecimal; the number of octets, or -1. */
int xdp_octets(const char *text, __u8 *to, int most);
/* A number up to @most, or ARGP_ERR_UNKNOWN's sort of answer: false. */
bool xdp_number(const char *text, unsigned long most, __u32 *to);

#endif
