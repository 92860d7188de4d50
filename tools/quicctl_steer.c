// SPDX-License-Identifier: GPL-2.0
/*
 * quicctl steer: packets to the CPU that owns their connection.
 */
#include <limits.h>
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/netdev.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "quicctl_xdp.h"

#define QUEUE_PACKETS	2048	/* that wait for another CPU */

static const char *const reasons[] = QUIC_STEER_N_NAMES;
static const char *const schemes[] = { "table", "cpu", "lb" };

static int scheme_wanted = -1, spread_wanted = -1;
static const char *cpus_wanted;

/* ---- options ----------------------------------------------------------------- */

#define OPT_SPREAD	1000
#define OPT_NO_SPREAD	1001

#define SETTINGS \
	{ "scheme", 's', "HOW", 0, \
	  "How an ID says its CPU: table (default: the kernel knows its own connections), cpu (net.quic.connid=cpu), lb (an octet of QUIC-LB's server ID, see quicctl lb config)", 0 }, \
	{ "cpus", 'c', "LIST", 0, \
	  "CPUs that take packets, as 0-3,8 (default: all that are online)", 0 }, \
	{ "spread", OPT_SPREAD, NULL, 0, \
	  "Spread new clients over these CPUs, instead of leaving them where the device brings them", 0 }, \
	{ "no-spread", OPT_NO_SPREAD, NULL, 0, "Do not", 0 }, \
	XDP_PORT_OPTION

static const struct argp_option attach_options[] = { XDP_MODE_OPTION, SETTINGS, {} };
static const struct argp_option set_options[] = { SETTINGS, {} };

static error_t option(int key, char *arg, struct ctl *ctl)
{
	switch (key) {
	case 's':
		for (int i = 0; i < 3; i++)
			if (!strcmp(schemes[i], arg))
				scheme_wanted = i;
		return scheme_wanted < 0 ? EINVAL : 0;
	case 'c':
		cpus_wanted = arg;
		return xdp_each(arg, QUIC_STEER_CPUS - 1, NULL, NULL) ? 0 : EINVAL;
	case OPT_SPREAD:
	case OPT_NO_SPREAD:
		spread_wanted = key == OPT_SPREAD;
		return 0;
	}
	return xdp_option(key, arg, ctl);
}

/* ---- settings ------------------------------------------------------------------ */

static void add_cpu(unsigned int cpu, void *arg)
{
	struct quic_steer *set = arg;

	if (cpu < QUIC_STEER_CPUS && set->n_cpus < QUIC_STEER_CPUS)
		set->cpus[set->n_cpus++] = cpu;
}

static bool read_line(const char *path, char *line, size_t size)
{
	FILE *file = fopen(path, "re");
	bool good = file && fgets(line, size, file);

	if (file)
		fclose(file);
	line[good ? strcspn(line, "\n") : 0] = '\0';
	return good;
}

/* Those of @set, and no others, take packets. */
static int set_cpus(const struct ctl *ctl, const struct quic_steer *set)
{
	struct { __u32 qsize, prog; } value = { .qsize = QUEUE_PACKETS };
	bool wanted[QUIC_STEER_CPUS] = {};
	int fd = xdp_map(ctl, "quic_cpus");

	if (fd < 0)
		return 1;
	for (__u32 i = 0; i < set->n_cpus; i++)
		wanted[set->cpus[i]] = true;
	for (__u32 cpu = 0; cpu < QUIC_STEER_CPUS; cpu++) {
		struct { __u32 qsize, prog; } now = {};
		bool has = !bpf_map_lookup_elem(fd, &cpu, &now) && now.qsize;

		/* A new entry loses what waits in the old one. */
		if (wanted[cpu] && !has &&
		    bpf_map_update_elem(fd, &cpu, &value, BPF_ANY))
			return fail(ctl, "CPU %u takes no packets: %m", cpu);
		if (!wanted[cpu] && has)
			bpf_map_delete_elem(fd, &cpu);
	}
	close(fd);
	return 0;
}

static int set_up(struct ctl *ctl)
{
	char online[256];
	struct quic_steer set;
	__u32 zero = 0;

	if (!xdp_read("quic_steer", &zero, &set))
		return fail(ctl, "quic_steer: %m; attach it first");
	if (cpus_wanted || !set.n_cpus) {
		if (!cpus_wanted && !read_line("/sys/devices/system/cpu/online",
					       online, sizeof(online)))
			return fail(ctl, "which CPUs are online: %m");
		set.n_cpus = 0;
		xdp_each(cpus_wanted ?: online, UINT_MAX, add_cpu, &set);
		if (!set.n_cpus)
			return fail(ctl, "no CPU below %d", QUIC_STEER_CPUS);
	}
	if (scheme_wanted >= 0)
		set.scheme = scheme_wanted;
	if (spread_wanted >= 0)
		set.flags = spread_wanted ? QUIC_STEER_SPREAD : 0;
	while (!set.seed)
		if (getrandom(&set.seed, sizeof(set.seed), 0) < 0)
			return fail(ctl, "random numbers: %m");
	if (set_cpus(ctl, &set))
		return 1;
	if (!xdp_write("quic_steer", &zero, &set))
		return fail(ctl, "quic_steer: %m");
	return 0;
}

static void add_settings(json_object *to)
{
	json_object *cpus = json_object_new_array();
	struct quic_steer set = {};
	__u32 zero = 0;

	xdp_read("quic_steer", &zero, &set);
	add_text(to, "scheme", set.scheme < 3 ? schemes[set.scheme] : "?");
	add_bool(to, "spread", set.flags & QUIC_STEER_SPREAD);
	for (__u32 i = 0; i < set.n_cpus && i < QUIC_STEER_CPUS; i++)
		json_object_array_add(cpus, json_object_new_int(set.cpus[i]));
	json_object_object_add(to, "cpus", cpus);
}

/* ---- what kernel and driver can -------------------------------------------------- */

static bool has_function(const struct btf *btf, const char *name)
{
	return btf && btf__find_by_name_kind(btf, name, BTF_KIND_FUNC) > 0;
}

/* Since 6.15 what comes through cpumap goes through GRO. */
static bool cpumap_has_gro(const struct btf *btf)
{
	int id = btf ? btf__find_by_name_kind(btf, "bpf_cpu_map_entry",
					      BTF_KIND_STRUCT) : -1;
	const struct btf_type *t = id < 0 ? NULL : btf__type_by_id(btf, id);
	const struct btf_member *m = t ? btf_members(t) : NULL;

	for (int i = 0; t && i < btf_vlen(t); i++)
		if (!strcmp(btf__name_by_offset(btf, m[i].name_off), "gro"))
			return true;
	return false;
}

/* Asked of the device, since /sys may show another network namespace. */
static bool ask_device(const char *dev, void *command)
{
	struct ifreq request = { .ifr_data = command };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), err;

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", dev);
	err = fd < 0 || ioctl(fd, SIOCETHTOOL, &request);
	close(fd);
	return !err;
}

static void add_driver(json_object *to, const char *dev)
{
	struct ethtool_channels channels = { .cmd = ETHTOOL_GCHANNELS };
	struct ethtool_drvinfo driver = { .cmd = ETHTOOL_GDRVINFO };

	if (!ask_device(dev, &driver))
		*driver.driver = '\0';
	add_text(to, "driver", driver.driver);
	if (ask_device(dev, &channels))
		add_number(to, "rx_queues",
			   channels.rx_count + channels.combined_count);
}

static bool add_device(json_object *to, const char *dev)
{
	DECLARE_LIBBPF_OPTS(bpf_xdp_query_opts, query);
	unsigned int ifindex = if_nametoindex(dev);

	if (!ifindex)
		return false;
	add_text(to, "device", dev);
	add_driver(to, dev);
	if (bpf_xdp_query(ifindex, 0, &query))
		query.feature_flags = 0;
	add_bool(to, "native", query.feature_flags & NETDEV_XDP_ACT_BASIC);
	add_bool(to, "redirect", query.feature_flags & NETDEV_XDP_ACT_REDIRECT);
	add_bool(to, "fragments", query.feature_flags & NETDEV_XDP_ACT_RX_SG);
	add_bool(to, "generic", true);
	return true;
}

static const struct column feature_columns[] = {
	{ "kernel", "kernel", PLAIN },
	{ "owner_table", "owner from table", PLAIN },
	{ "retry", "Retry from XDP", PLAIN },
	{ "cpumap_gro", "GRO in cpumap", PLAIN },
	{ "aes", "AES kfuncs", PLAIN },
	{ "dispatcher", "programs beside", PLAIN },
	{ "device", "device", PLAIN },
	{ "driver", "driver", PLAIN },
	{ "rx_queues", "receive queues", PLAIN },
	{ "native", "native", PLAIN },
	{ "redirect", "native redirect", PLAIN },
	{ "fragments", "large frames", PLAIN },
	{ "generic", "generic", PLAIN },
	{ "advice", "advice", PLAIN },
	{}
};

static int features(struct ctl *ctl, int argc, char **argv)
{
	json_object *o = json_object_new_object();
	struct btf *vmlinux = btf__load_vmlinux_btf(), *quic = NULL;
	struct utsname name;
	bool gro;

	uname(&name);
	if (proc_load_module() && vmlinux)
		quic = btf__load_module_btf("quic", vmlinux);
	gro = cpumap_has_gro(vmlinux);
	add_text(o, "kernel", name.release);
	add_bool(o, "owner_table", has_function(quic, "bpf_quic_xdp_owner"));
	add_bool(o, "retry", has_function(quic, "bpf_quic_xdp_retry"));
	add_bool(o, "cpumap_gro", gro);
	add_bool(o, "aes", has_function(vmlinux, "bpf_crypto_encrypt"));
	/* freplace, which the dispatcher is made of, needs the kernel's BTF. */
	add_bool(o, "dispatcher", vmlinux != NULL);
	if (argc && !add_device(o, argv[0]))
		return fail(ctl, "%s: %m", argv[0]);
	if (!gro)
		add_text(o, "advice", "packets that change the CPU lose GRO here: steer where clients move or processes are bound to CPUs, not for bulk on few connections");
	return out_object(ctl, o, feature_columns);
}

/* ---- who owns what ------------------------------------------------------------------ */

static const struct column owner_columns[] = {
	{ "connection", "CONNECTION", PLAIN },
	{ "cpu", "CPU", PLAIN },
	{ "elsewhere", "TRAINS ELSEWHERE", PLAIN },
	{ "local_address", "LOCAL", PLAIN },
	{ "remote_address", "REMOTE", PLAIN },
	{}
};

static int owners(struct ctl *ctl, int argc, char **argv)
{
	json_object *rows = proc_load_module() ? proc_table("owners") : NULL;

	(void)argc;
	(void)argv;
	if (!rows)
		return fail(ctl, "this kernel's QUIC has no table of owners: %m");
	return out_rows(ctl, rows, owner_columns);
}

/* ---- the verb ------------------------------------------------------------------------ */

static const struct column columns[] = {
	{ "cpu", "CPU", PLAIN },
	{ "home", "HOME", PLAIN },
	{ "moved", "MOVED", PLAIN },
	{ "first", "FIRST", PLAIN },
	{ "unknown", "UNKNOWN", PLAIN },
	{ "no_cpu", "NO CPU", PLAIN },
	{ "short", "SHORT", PLAIN },
	{ "fragment", "FRAGMENT", PLAIN },
	{ "other", "OTHER", PLAIN },
	{}
};

static const struct xdp_kind kind = {
	.name = "steer",
	.program = "xdp_quic_steer",
	.counters = "quic_steer_n",
	.reasons = reasons,
	.n_reasons = QUIC_STEER_N_MAX,
	.columns = columns,
	.set_up = set_up,
	.add_settings = add_settings,
};

static const struct verb verbs[] = {
	XDP_VERBS("Bring packets of DEV to the CPU that owns their connection"),
	{ .name = "owners", .run = owners, .doc = "Connections and their CPUs" },
	{ .name = "features", .args = "[DEV]", .most = 1, .run = features,
	  .doc = "What the kernel, and the driver of DEV, can" },
	XDP_CLEAN_VERB,
	{}
};

const struct verb steer_verb = { .name = "steer", .verbs = verbs, .of = &kind };
