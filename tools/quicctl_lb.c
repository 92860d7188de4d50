// SPDX-License-Identifier: GPL-2.0
/*
 * quicctl lb: clients to backends, by QUIC-LB server ID or by a ring.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <ctype.h>
#include <errno.h>
#include <netinet/ether.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <quic/lb_ring.h>

#include "quicctl_xdp.h"

static const char *const reasons[] = QUIC_LB_N_NAMES;
static const char *const encaps[] = { "ipip", "gue" };

/* ---- options of attach and set ------------------------------------------------ */

#define OPT_GUE_PORT	1000
#define OPT_SOURCE	1001
#define OPT_MAC		1002
#define OPT_MTU		1003
#define OPT_SEED	1004

#define SETTINGS \
	{ "encap", 'e', "HOW", 0, "ipip (default) or gue", 0 }, \
	{ "gue-port", OPT_GUE_PORT, "PORT", 0, "Of the backends", 0 }, \
	{ "mtu", OPT_MTU, "N", 0, "Of the way to the backends; 0: 1500 and the headers", 0 }, \
	{ "source", OPT_SOURCE, "ADDR", 0, "IPv4 address in front of what is sent there; 0.0.0.0: one per client", 0 }, \
	{ "mac", OPT_MAC, "MAC", 0, "Of the next hop; 00:00:00:00:00:00: who sent the packet", 0 }, \
	{ "seed", OPT_SEED, "N", 0, "Of the hash of clients, the same at all balancers", 0 }, \
	XDP_PORT_OPTION

static const struct argp_option attach_options[] = { XDP_MODE_OPTION, SETTINGS, {} };
static const struct argp_option set_options[] = { SETTINGS, {} };

static struct quic_lb_set wanted;
static unsigned int given;		/* bits: index in the options' numbers */

enum { GIVEN_ENCAP = 1, GIVEN_PORT = 2, GIVEN_MTU = 4, GIVEN_SOURCE = 8,
       GIVEN_MAC = 16, GIVEN_SEED = 32 };

static error_t option(int key, char *arg, struct ctl *ctl)
{
	struct ether_addr mac;
	struct in_addr in;

	switch (key) {
	case 'e':
		given |= GIVEN_ENCAP;
		wanted.encap = !strcmp(arg, "gue");
		return wanted.encap || !strcmp(arg, "ipip") ? 0 : EINVAL;
	case OPT_GUE_PORT:
		given |= GIVEN_PORT;
		return xdp_number(arg, 65535, &wanted.gue_port) ? 0 : EINVAL;
	case OPT_MTU:
		given |= GIVEN_MTU;
		return xdp_number(arg, 65535, &wanted.mtu) ? 0 : EINVAL;
	case OPT_SEED:
		given |= GIVEN_SEED;
		return xdp_number(arg, ~0U, &wanted.seed) ? 0 : EINVAL;
	case OPT_SOURCE:
		given |= GIVEN_SOURCE;
		if (inet_pton(AF_INET, arg, &in) != 1)
			return EINVAL;
		wanted.source4 = in.s_addr;
		return 0;
	case OPT_MAC:
		given |= GIVEN_MAC;
		if (!ether_aton_r(arg, &mac))
			return EINVAL;
		memcpy(wanted.mac, mac.ether_addr_octet, sizeof(wanted.mac));
		return 0;
	}
	return xdp_option(key, arg, ctl);
}

static int set_up(struct ctl *ctl)
{
	struct quic_lb_set set;
	__u32 zero = 0;

	if (!xdp_read("quic_lb", &zero, &set))
		return fail(ctl, "quic_lb: %m; attach it first");
	if (given & GIVEN_ENCAP)
		set.encap = wanted.encap;
	if (given & GIVEN_PORT)
		set.gue_port = wanted.gue_port;
	if (given & GIVEN_MTU)
		set.mtu = wanted.mtu;
	if (given & GIVEN_SOURCE)
		set.source4 = wanted.source4;
	if (given & GIVEN_SEED)
		set.seed = wanted.seed;
	if (given & GIVEN_MAC)
		memcpy(set.mac, wanted.mac, sizeof(set.mac));
	if (!xdp_write("quic_lb", &zero, &set))
		return fail(ctl, "quic_lb: %m");
	return 0;
}

/* ---- addresses and IDs ------------------------------------------------------------ */

/* IPv4 is mapped. */
static bool to_addr(const char *text, struct quic_lb_addr *a)
{
	memset(a, 0, sizeof(*a));
	if (inet_pton(AF_INET6, text, a->octets) == 1)
		return true;
	a->octets[10] = a->octets[11] = 0xff;
	return inet_pton(AF_INET, text, a->octets + 12) == 1;
}

static const char *from_addr(const struct quic_lb_addr *a)
{
	static char text[INET6_ADDRSTRLEN];

	if (IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)a->octets))
		inet_ntop(AF_INET, a->octets + 12, text, sizeof(text));
	else
		inet_ntop(AF_INET6, a->octets, text, sizeof(text));
	return text;
}

static bool is_none(const struct quic_lb_addr *a)
{
	static const struct quic_lb_addr none;

	return !memcmp(a, &none, sizeof(none));
}

int xdp_octets(const char *text, __u8 *to, int most)
{
	int n = strlen(text) / 2;

	if (!n || n > most || strlen(text) % 2)
		return -1;
	for (int i = 0; i < n; i++) {
		unsigned int octet;

		if (!isxdigit(text[2 * i]) || !isxdigit(text[2 * i + 1]) ||
		    sscanf(text + 2 * i, "%2x", &octet) != 1)
			return -1;
		to[i] = octet;
	}
	return n;
}

/* ---- virtual addresses ---------------------------------------------------------- */

static int change_vip(struct ctl *ctl, const char *text, bool add)
{
	struct quic_lb_addr a;
	__u32 one = 1;
	int fd, err;

	if (!to_addr(text, &a))
		return fail(ctl, "'%s' is no IP address", text);
	fd = xdp_map(ctl, "quic_lb_vips");
	if (fd < 0)
		return 1;
	err = add ? bpf_map_update_elem(fd, &a, &one, BPF_ANY) :
		    bpf_map_delete_elem(fd, &a);
	if (err && errno == ENOENT)
		return fail(ctl, "%s is not balanced", text);
	if (err)
		return fail(ctl, "%s: %m", text);
	return out_done(ctl, add ? "balanced" : "not balanced", text);
}

static int vip(struct ctl *ctl, int argc, char **argv)
{
	(void)argc;
	return change_vip(ctl, argv[0], true);
}

static int unvip(struct ctl *ctl, int argc, char **argv)
{
	(void)argc;
	return change_vip(ctl, argv[0], false);
}

/* ---- backends ---------------------------------------------------------------------- */

static struct quic_lb_addr backends[QUIC_LB_BACKENDS];

/* Reads all; the index of @a, or of a free place if @or_free; -1: neither. */
static int find_backend(int fd, const struct quic_lb_addr *a, bool or_free)
{
	int at = -1, free_at = -1;

	for (__u32 i = 0; i < QUIC_LB_BACKENDS; i++) {
		if (bpf_map_lookup_elem(fd, &i, &backends[i]))
			memset(&backends[i], 0, sizeof(backends[i]));
		if (!memcmp(&backends[i], a, sizeof(*a)))
			at = i;
		else if (is_none(&backends[i]) && free_at < 0)
			free_at = i;
	}
	return at >= 0 || !or_free ? at : free_at;
}

/* The ring of the backends that are left without @without (-1: of all). */
static int fill_ring(const struct ctl *ctl, int without)
{
	static __u32 ring[QUIC_LB_RING];
	__u32 used[QUIC_LB_BACKENDS], n = 0;
	int fd = xdp_map(ctl, "quic_lb_ring");

	if (fd < 0)
		return 1;
	for (int i = 0; i < QUIC_LB_BACKENDS; i++)
		if (i != without && !is_none(&backends[i]))
			used[n++] = i;
	quic_lb_ring_fill(ring, backends, used, n);
	for (__u32 i = 0; i < QUIC_LB_RING; i++)
		if (bpf_map_update_elem(fd, &i, &ring[i], BPF_ANY))
			return fail(ctl, "quic_lb_ring: %m");
	close(fd);
	return 0;
}

static const char *servers_wanted[16];
static unsigned int n_servers;

static const struct argp_option backend_options[] = {
	{ "server", 's', "ROTATION:ID", 0,
	  "A QUIC-LB server ID of it, in hexadecimal, as 0:00001f; may be repeated", 0 },
	{}
};

static error_t backend_option(int key, char *arg, struct ctl *ctl)
{
	(void)ctl;
	if (key != 's')
		return ARGP_ERR_UNKNOWN;
	if (n_servers == 16)
		return EINVAL;
	servers_wanted[n_servers++] = arg;
	return 0;
}

static bool to_server(const char *text, struct quic_lb_server *s)
{
	memset(s, 0, sizeof(*s));
	if (text[0] < '0' || text[0] > '6' || text[1] != ':')
		return false;
	s->rotation = text[0] - '0';
	return xdp_octets(text + 2, s->sid, sizeof(s->sid)) > 0;
}

static int add_servers(const struct ctl *ctl, __u32 backend)
{
	struct quic_lb_server s;

	for (unsigned int i = 0; i < n_servers; i++) {
		if (!to_server(servers_wanted[i], &s))
			return fail(ctl, "'%s' is not as 0:00001f", servers_wanted[i]);
		if (!xdp_write("quic_lb_servers", &s, &backend))
			return fail(ctl, "quic_lb_servers: %m");
	}
	return 0;
}

/* First the address, then what leads there. */
static int backend(struct ctl *ctl, int argc, char **argv)
{
	int fd = xdp_map(ctl, "quic_lb_backend"), at;
	struct quic_lb_addr a;
	__u32 index;

	(void)argc;
	if (fd < 0 || xdp_lock(ctl))
		return 1;
	if (!to_addr(argv[0], &a))
		return fail(ctl, "'%s' is no IP address", argv[0]);
	at = find_backend(fd, &a, true);
	if (at < 0)
		return fail(ctl, "there are %d backends already", QUIC_LB_BACKENDS);
	index = at;
	backends[at] = a;
	if (bpf_map_update_elem(fd, &index, &a, BPF_ANY))
		return fail(ctl, "quic_lb_backend: %m");
	if (add_servers(ctl, index) || fill_ring(ctl, -1))
		return 1;
	return out_done(ctl, "backend", argv[0]);
}

/* The other way round: first nothing leads there any more. */
static int unbackend(struct ctl *ctl, int argc, char **argv)
{
	int fd = xdp_map(ctl, "quic_lb_backend"), servers, at;
	struct quic_lb_server key, next, *from = NULL;
	struct quic_lb_addr a, none = {};
	__u32 index, value;

	(void)argc;
	if (fd < 0 || xdp_lock(ctl))
		return 1;
	if (!to_addr(argv[0], &a))
		return fail(ctl, "'%s' is no IP address", argv[0]);
	at = find_backend(fd, &a, false);
	if (at < 0)
		return fail(ctl, "%s is no backend", argv[0]);
	if (fill_ring(ctl, at))
		return 1;
	index = at;
	servers = xdp_map(ctl, "quic_lb_servers");
	while (servers >= 0 && !bpf_map_get_next_key(servers, from, &next)) {
		if (!bpf_map_lookup_elem(servers, &next, &value) && value == index)
			bpf_map_delete_elem(servers, &next);
		else
			from = memcpy(&key, &next, sizeof(key));
	}
	if (bpf_map_update_elem(fd, &index, &none, BPF_ANY))
		return fail(ctl, "quic_lb_backend: %m");
	return out_done(ctl, "no backend", argv[0]);
}

/* ---- configurations of QUIC-LB -------------------------------------------------------- */

static struct quic_lb conf_wanted;
static __u32 sid_len, nonce_len, cpu_at;
static bool self_len;
static const char *key_file;

#define OPT_SID		1000
#define OPT_NONCE	1001
#define OPT_SELF	1002
#define OPT_CPU_AT	1003

static const struct argp_option config_options[] = {
	{ "key-file", 'k', "FILE", 0,
	  "Has the key in hexadecimal, 32 digits; '-': the standard input.  Without, IDs are plain text", 0 },
	{ "server-length", OPT_SID, "N", 0, "Octets of the server ID (default 3)", 0 },
	{ "nonce-length", OPT_NONCE, "N", 0, "Octets of the nonce (default 4)", 0 },
	{ "self-length", OPT_SELF, NULL, 0, "Octet 0 has the length of the ID", 0 },
	{ "cpu-at", OPT_CPU_AT, "N", 0,
	  "For steer: which octet of the server ID is the CPU, from 1 on", 0 },
	{}
};

static error_t config_option(int key, char *arg, struct ctl *ctl)
{
	(void)ctl;
	switch (key) {
	case 'k':
		key_file = arg;
		return 0;
	case OPT_SID:
		return xdp_number(arg, 15, &sid_len) ? 0 : EINVAL;
	case OPT_NONCE:
		return xdp_number(arg, 18, &nonce_len) ? 0 : EINVAL;
	case OPT_SELF:
		self_len = true;
		return 0;
	case OPT_CPU_AT:
		return xdp_number(arg, 15, &cpu_at) ? 0 : EINVAL;
	}
	return ARGP_ERR_UNKNOWN;
}

/* Not on the command line, which others can see. */
static bool read_key(void)
{
	FILE *file = strcmp(key_file, "-") ? fopen(key_file, "re") : stdin;
	char line[64] = "";
	bool good;

	if (!file)
		return false;
	errno = EINVAL;
	good = fgets(line, sizeof(line), file);
	line[strcspn(line, " \n")] = '\0';
	good = good && xdp_octets(line, conf_wanted.key, QUIC_LB_BLOCK) ==
		       QUIC_LB_BLOCK;
	conf_wanted.encrypt = 1;
	explicit_bzero(line, sizeof(line));
	if (file != stdin)
		fclose(file);
	return good;
}

static int config(struct ctl *ctl, int argc, char **argv)
{
	struct quic_lb_conf conf = { .used = 1 };
	__u32 rotation;

	(void)argc;
	if (!xdp_number(argv[0], QUIC_LB_UNROUTABLE - 1, &rotation))
		return fail(ctl, "'%s' is no rotation: 0 to 6", argv[0]);
	if (key_file && !read_key())
		return errno == EINVAL ?
		       fail(ctl, "%s: a key is 32 hexadecimal digits", key_file) :
		       fail(ctl, "%s: %m", key_file);
	conf_wanted.rotation = rotation;
	conf_wanted.sid_len = sid_len ?: 3;
	conf_wanted.nonce_len = nonce_len ?: 4;
	conf_wanted.self_len = self_len;
	if (!quic_lb_valid(&conf_wanted))
		return fail(ctl, "a server ID of 1 to 15 octets and a nonce of at least 4, together at most %d",
			    QUIC_LB_MAX);
	if (cpu_at > conf_wanted.sid_len)
		return fail(ctl, "the server ID has only %u octets",
			    conf_wanted.sid_len);
	conf.lb = conf_wanted;
	conf.cpu_at = cpu_at;
	if (conf.lb.encrypt)
		quic_lb_aes_key(&conf.aes, &conf.lb);
	if (!xdp_write("quic_lb_conf", &rotation, &conf))
		return fail(ctl, "quic_lb_conf: %m; attach steer or lb first");
	explicit_bzero(&conf, sizeof(conf));
	return out_done(ctl, "configured", argv[0]);
}

static int unconfig(struct ctl *ctl, int argc, char **argv)
{
	struct quic_lb_conf none = {};
	__u32 rotation;

	(void)argc;
	if (!xdp_number(argv[0], QUIC_LB_UNROUTABLE - 1, &rotation))
		return fail(ctl, "'%s' is no rotation: 0 to 6", argv[0]);
	if (!xdp_write("quic_lb_conf", &rotation, &none))
		return fail(ctl, "quic_lb_conf: %m");
	return out_done(ctl, "removed", argv[0]);
}

/* ---- what is set ------------------------------------------------------------------------ */

/* Never the key. */
static void add_configs(json_object *to)
{
	json_object *rows = json_object_new_array(), *row;
	struct quic_lb_conf conf;

	for (__u32 i = 0; i < QUIC_LB_UNROUTABLE; i++) {
		if (!xdp_read("quic_lb_conf", &i, &conf) || !conf.used)
			continue;
		row = json_object_new_object();
		add_number(row, "rotation", i);
		add_number(row, "server_length", conf.lb.sid_len);
		add_number(row, "nonce_length", conf.lb.nonce_len);
		add_bool(row, "self_length", conf.lb.self_len);
		add_bool(row, "encrypted", conf.lb.encrypt);
		add_number(row, "cpu_at", conf.cpu_at);
		json_object_array_add(rows, row);
	}
	json_object_object_add(to, "configs", rows);
}

static void add_vips(const struct ctl *ctl, json_object *to)
{
	json_object *rows = json_object_new_array();
	int fd = xdp_map(ctl, "quic_lb_vips");
	struct quic_lb_addr key, *from = NULL;

	while (fd >= 0 && !bpf_map_get_next_key(fd, from, &key)) {
		json_object_array_add(rows, json_object_new_string(from_addr(&key)));
		from = &key;
	}
	json_object_object_add(to, "vips", rows);
	close(fd);
}

static void add_server_ids(json_object *row, int servers, __u32 index)
{
	json_object *ids = json_object_new_array();
	struct quic_lb_server key, *from = NULL;
	struct quic_lb_conf conf;
	__u32 value, rotation;
	char text[40];
	size_t n;

	while (servers >= 0 && !bpf_map_get_next_key(servers, from, &key)) {
		from = &key;
		rotation = key.rotation;
		if (bpf_map_lookup_elem(servers, &key, &value) || value != index)
			continue;
		if (!xdp_read("quic_lb_conf", &rotation, &conf) || !conf.used)
			conf.lb.sid_len = sizeof(key.sid);
		n = snprintf(text, sizeof(text), "%u:", key.rotation);
		for (int i = 0; i < conf.lb.sid_len && i < 15; i++)
			n += snprintf(text + n, sizeof(text) - n, "%02x",
				      key.sid[i]);
		json_object_array_add(ids, json_object_new_string(text));
	}
	json_object_object_add(row, "servers", ids);
}

static void add_backends(const struct ctl *ctl, json_object *to)
{
	json_object *rows = json_object_new_array(), *row;
	int fd = xdp_map(ctl, "quic_lb_backend");
	int servers = xdp_map(ctl, "quic_lb_servers");
	struct quic_lb_addr a;

	for (__u32 i = 0; fd >= 0 && i < QUIC_LB_BACKENDS; i++) {
		if (bpf_map_lookup_elem(fd, &i, &a) || is_none(&a))
			continue;
		row = json_object_new_object();
		add_text(row, "backend", from_addr(&a));
		add_server_ids(row, servers, i);
		json_object_array_add(rows, row);
	}
	json_object_object_add(to, "backends", rows);
	close(servers);
	close(fd);
}

static void add_settings(json_object *to)
{
	struct quic_lb_set set = {};
	struct ether_addr mac;
	struct ctl quiet = { .json = true };
	char text[32];
	__u32 zero = 0;

	xdp_read("quic_lb", &zero, &set);
	add_text(to, "encap", encaps[set.encap == QUIC_LB_GUE]);
	add_number(to, "gue_port", set.gue_port ?: QUIC_LB_GUE_PORT);
	add_number(to, "mtu", set.mtu);
	add_number(to, "seed", set.seed);
	add_text(to, "source", inet_ntop(AF_INET, &set.source4, text,
					 sizeof(text)));
	memcpy(mac.ether_addr_octet, set.mac, sizeof(set.mac));
	add_text(to, "mac", ether_ntoa_r(&mac, text));
	add_configs(to);
	add_vips(&quiet, to);
	add_backends(&quiet, to);
}

/* ---- the verb ------------------------------------------------------------------------------ */

static const struct column columns[] = {
	{ "cpu", "CPU", PLAIN },
	{ "server", "SERVER", PLAIN },
	{ "first", "FIRST", PLAIN },
	{ "unroutable", "UNROUTABLE", PLAIN },
	{ "no_backend", "NO BACKEND", PLAIN },
	{ "too_big", "TOO BIG", PLAIN },
	{ "failed", "FAILED", PLAIN },
	{ "short", "SHORT", PLAIN },
	{ "fragment", "FRAGMENT", PLAIN },
	{ "other", "OTHER", PLAIN },
	{}
};

static const struct xdp_kind kind = {
	.name = "lb",
	.program = "xdp_quic_lb",
	.counters = "quic_lb_n",
	.reasons = reasons,
	.n_reasons = QUIC_LB_N_MAX,
	.columns = columns,
	.set_up = set_up,
	.add_settings = add_settings,
};

static const struct verb verbs[] = {
	XDP_VERBS("Balance what comes to DEV for the virtual addresses"),
	{ .name = "vip", .args = "ADDR", .least = 1, .most = 1, .run = vip,
	  .doc = "Balance what is for this address" },
	{ .name = "unvip", .args = "ADDR", .least = 1, .most = 1, .run = unvip,
	  .doc = "Do not" },
	{ .name = "backend", .args = "ADDR", .least = 1, .most = 1,
	  .run = backend, .options = backend_options,
	  .option = backend_option, .doc = "Add a backend, or server IDs to it" },
	{ .name = "unbackend", .args = "ADDR", .least = 1, .most = 1,
	  .run = unbackend, .doc = "Remove a backend; its clients go to others" },
	{ .name = "config", .args = "ROTATION", .least = 1, .most = 1,
	  .run = config, .options = config_options, .option = config_option,
	  .doc = "A configuration of QUIC-LB, for lb and steer" },
	{ .name = "unconfig", .args = "ROTATION", .least = 1, .most = 1,
	  .run = unconfig, .doc = "Remove it" },
	{ .name = "ids", .args = "ROTATION SERVER", .least = 2, .most = 2,
	  .run = lb_ids,
	  .doc = "This host's connection IDs are of this configuration" },
	XDP_CLEAN_VERB,
	{}
};

const struct verb lb_verb = { .name = "lb", .verbs = verbs, .of = &kind };
