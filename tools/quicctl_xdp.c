// SPDX-License-Identifier: GPL-2.0
/*
 * XDP programs of ours: on devices beside others, through the dispatcher of libxdp;
 * their maps, pinned below QUIC_XDP_PIN; what they count.
 *
 * All state is in the kernel: what is attached says the device, what is set say the
 * maps.  So a quicctl that was killed leaves nothing that the next one does not see.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>
#include <xdp/libxdp.h>

#include "quicctl_xdp.h"

#define BPFFS		"/sys/fs/bpf"
#define DEVICES_MAX	1024

static const char *mode_wanted = "auto";
static const char *ports_wanted;

/* ---- numbers ------------------------------------------------------------------- */

bool xdp_number(const char *text, unsigned long most, __u32 *to)
{
	unsigned long n;
	char *end;

	errno = 0;
	n = strtoul(text, &end, 0);
	if (errno || end == text || *end || n > most)
		return false;
	*to = n;
	return true;
}

bool xdp_each(const char *list, unsigned int most,
	      void (*found)(unsigned int n, void *arg), void *arg)
{
	const char *p = list;
	unsigned long first, last;
	char *end;

	do {
		first = last = strtoul(p, &end, 10);
		if (end == p || *p == '-')
			return false;
		if (*end == '-') {
			p = end + 1;
			last = strtoul(p, &end, 10);
			if (end == p || *p == '-')
				return false;
		}
		if ((*end && *end != ',') || last > most || first > last)
			return false;
		for (; found && first <= last; first++)
			found(first, arg);
		p = end + 1;
	} while (*end);
	return true;
}

error_t xdp_option(int key, char *arg, struct ctl *ctl)
{
	(void)ctl;
	switch (key) {
	case 'm':
		if (strcmp(arg, "native") && strcmp(arg, "generic") &&
		    strcmp(arg, "auto"))
			return EINVAL;
		mode_wanted = arg;
		return 0;
	case 'p':
		if (!xdp_each(arg, 65535, NULL, NULL))
			return EINVAL;
		ports_wanted = arg;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

/* ---- maps ---------------------------------------------------------------------- */

static int open_map(const char *name)
{
	char path[300];

	snprintf(path, sizeof(path), QUIC_XDP_PIN "/%s", name);
	return bpf_obj_get(path);
}

int xdp_map(const struct ctl *ctl, const char *name)
{
	int fd = open_map(name);

	if (fd < 0)
		fail(ctl, "%s/%s: %m; attach the program first", QUIC_XDP_PIN,
		     name);
	return fd;
}

bool xdp_read(const char *map, const void *key, void *value)
{
	int fd = open_map(map), err;

	if (fd < 0)
		return false;
	err = bpf_map_lookup_elem(fd, key, value);
	close(fd);
	return !err;
}

bool xdp_write(const char *map, const void *key, const void *value)
{
	int fd = open_map(map), err;

	if (fd < 0)
		return false;
	err = bpf_map_update_elem(fd, key, value, BPF_ANY);
	close(fd);
	return !err;
}

static void add_port(unsigned int port, void *arg)
{
	__u64 *words = arg;

	words[port / 64] |= 1ULL << port % 64;
}

/* Those that are set now are exactly those of the list. */
static int set_ports(const struct ctl *ctl)
{
	static __u64 words[QUIC_XDP_PORT_WORDS];
	int fd;

	if (!ports_wanted)
		return 0;
	fd = xdp_map(ctl, "quic_ports");
	if (fd < 0)
		return 1;
	xdp_each(ports_wanted, 65535, add_port, words);
	words[0] |= 1;		/* which says that the map was filled in */
	/* From the end: until that is written, the usual port is meant. */
	for (__u32 i = QUIC_XDP_PORT_WORDS; i--;)
		if (bpf_map_update_elem(fd, &i, &words[i], BPF_ANY))
			return fail(ctl, "quic_ports: %m");
	close(fd);
	return 0;
}

static void add_ports(json_object *to)
{
	json_object *ports = json_object_new_array();
	int fd = open_map("quic_ports");
	__u64 word = 0;
	bool filled = false;

	for (__u32 i = 0; fd >= 0 && i < QUIC_XDP_PORT_WORDS; i++) {
		if (bpf_map_lookup_elem(fd, &i, &word))
			break;
		filled |= !i && word & 1;
		for (int b = !i; filled && b < 64; b++)
			if (word >> b & 1)
				json_object_array_add(ports,
					json_object_new_int(i * 64 + b));
	}
	if (!filled)
		json_object_array_add(ports, json_object_new_int(QUIC_XDP_PORT));
	json_object_object_add(to, "ports", ports);
	close(fd);
}

/* ---- programs on a device --------------------------------------------------------- */

static int keep_quiet(enum libxdp_print_level level, const char *format,
		      va_list args)
{
	(void)level;
	(void)format;
	(void)args;
	return 0;
}

static const char *why(long err)
{
	static char text[160];

	libxdp_strerror(err, text, sizeof(text));
	return text;
}

static bool is_ours(const struct xdp_kind *kind, struct xdp_program *program)
{
	const char *name = xdp_program__name(program);

	/* The kernel keeps 15 characters, BTF all. */
	return name && !strncmp(name, kind->program, 15);
}

/* What runs on the device; NULL: nothing.  *@found is ours among it. */
static struct xdp_multiprog *look_at(const struct xdp_kind *kind, int ifindex,
				     struct xdp_program **found)
{
	struct xdp_multiprog *all = xdp_multiprog__get_from_ifindex(ifindex);
	struct xdp_program *p = NULL;

	*found = NULL;
	if (libxdp_get_error(all))
		return NULL;
	if (xdp_multiprog__is_legacy(all)) {
		p = xdp_multiprog__main_prog(all);
		if (p && is_ours(kind, p))
			*found = p;
		return all;
	}
	while ((p = xdp_multiprog__next_prog(p, all)))
		if (is_ours(kind, p))
			*found = p;
	return all;
}

static const char *mode_name(enum xdp_attach_mode mode)
{
	return mode == XDP_MODE_NATIVE ? "native" :
	       mode == XDP_MODE_SKB ? "generic" : "hardware";
}

static json_object *device_row(const struct xdp_kind *kind,
			       const char *name, int ifindex)
{
	struct xdp_program *ours, *p = NULL;
	struct xdp_multiprog *all = look_at(kind, ifindex, &ours);
	json_object *row = NULL, *with;

	if (ours) {
		row = json_object_new_object();
		add_text(row, "device", name);
		add_text(row, "mode", mode_name(xdp_multiprog__attach_mode(all)));
		add_number(row, "program_id", xdp_program__id(ours));
		with = json_object_new_array();
		while (!xdp_multiprog__is_legacy(all) &&
		       (p = xdp_multiprog__next_prog(p, all)))
			if (p != ours)
				json_object_array_add(with,
					json_object_new_string(
						xdp_program__name(p)));
		json_object_object_add(row, "with", with);
	}
	if (all)
		xdp_multiprog__close(all);
	return row;
}

/* The devices of this namespace that have it. */
static json_object *devices_of(const struct xdp_kind *kind)
{
	json_object *rows = json_object_new_array(), *row;
	struct if_nameindex *all = if_nameindex();

	for (struct if_nameindex *i = all; i && i->if_index; i++) {
		row = device_row(kind, i->if_name, i->if_index);
		if (row)
			json_object_array_add(rows, row);
	}
	if_freenameindex(all);
	return rows;
}

/* ---- attach ------------------------------------------------------------------------ */

int xdp_lock(const struct ctl *ctl)
{
	struct statfs fs;
	int fd;

	libxdp_set_print(keep_quiet);
	if (!statfs(BPFFS, &fs) && fs.f_type != BPF_FS_MAGIC)
		mount("bpf", BPFFS, "bpf", 0, "mode=0700");
	if (mkdir(QUIC_XDP_PIN, 0700) && errno != EEXIST)
		return fail(ctl, "%s: %m", QUIC_XDP_PIN);
	fd = open(QUIC_XDP_PIN, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || flock(fd, LOCK_EX))
		return fail(ctl, "%s: %m", QUIC_XDP_PIN);
	return 0;
}

/* The index of the device, which this process alone may change now; 0 after fail(). */
static int lock_device(const struct ctl *ctl, const char *dev)
{
	int ifindex = if_nametoindex(dev);

	if (!ifindex)
		fail(ctl, "%s: %m", dev);
	else if (xdp_lock(ctl))
		ifindex = 0;
	return ifindex;
}

static struct xdp_program *load(const struct ctl *ctl,
				const struct xdp_kind *kind)
{
	DECLARE_LIBBPF_OPTS(bpf_object_open_opts, open_opts,
			    .pin_root_path = QUIC_XDP_PIN);
	DECLARE_LIBXDP_OPTS(xdp_program_opts, opts, .opts = &open_opts,
			    .prog_name = kind->program);
	struct xdp_program *program;
	char path[256];

	snprintf(path, sizeof(path), BPF_DIR "/xdp/%s.bpf.o", kind->name);
	opts.open_filename = path;
	program = xdp_program__create(&opts);
	if (!libxdp_get_error(program))
		return program;
	fail(ctl, "%s: %s", path, why(libxdp_get_error(program)));
	return NULL;
}

/* Native if the driver can; where others run, as they do. */
static int try_modes(struct xdp_program *program, int ifindex, int has)
{
	int err = -EOPNOTSUPP;

	if (strcmp(mode_wanted, "generic") && has != XDP_MODE_SKB)
		err = xdp_program__attach(program, ifindex, XDP_MODE_NATIVE, 0);
	if (err && strcmp(mode_wanted, "native") && has != XDP_MODE_NATIVE)
		err = xdp_program__attach(program, ifindex, XDP_MODE_SKB, 0);
	return err;
}

static int attach_new(const struct ctl *ctl, const struct xdp_kind *kind,
		      const char *dev, int ifindex, int has)
{
	struct xdp_program *program = load(ctl, kind);
	int err;

	if (!program)
		return 1;
	err = try_modes(program, ifindex, has);
	if (err == -EINVAL)
		return fail(ctl, "%s: %s does not load; maps of another version are removed by 'clean'",
			    dev, kind->program);
	if (err == -EBUSY)
		return fail(ctl, "%s has an XDP program that lets no other run beside it",
			    dev);
	if (err)
		return fail(ctl, "%s: %s", dev, why(err));
	xdp_program__close(program);
	return 0;
}

/* Settings first: packets come at once.  The maps are there after the first time
 * only, so they are set once more afterwards.
 */
int xdp_attach(struct ctl *ctl, int argc, char **argv)
{
	const struct xdp_kind *kind = ctl->of;
	int ifindex = lock_device(ctl, argv[0]), has = 0;
	struct xdp_multiprog *all;
	struct xdp_program *ours;

	(void)argc;
	if (!ifindex)
		return 1;
	/* So that a look-up of connections is part of the program. */
	proc_load_module();
	all = look_at(kind, ifindex, &ours);
	if (all)
		has = xdp_multiprog__attach_mode(all);
	if (!ours && attach_new(ctl, kind, argv[0], ifindex, has))
		return 1;
	if (set_ports(ctl) || kind->set_up(ctl))
		return 1;
	return out_done(ctl, "attached", argv[0]);
}

int xdp_set(struct ctl *ctl, int argc, char **argv)
{
	const struct xdp_kind *kind = ctl->of;

	(void)argc;
	(void)argv;
	if (xdp_lock(ctl) || set_ports(ctl) || kind->set_up(ctl))
		return 1;
	return out_done(ctl, "set", kind->name);
}

/* ---- detach, clean ------------------------------------------------------------------ */

/* Ours alone; others of the device go on. */
int xdp_detach(struct ctl *ctl, int argc, char **argv)
{
	const struct xdp_kind *kind = ctl->of;
	int ifindex = lock_device(ctl, argv[0]), err;
	struct xdp_multiprog *all;
	struct xdp_program *ours;

	(void)argc;
	if (!ifindex)
		return 1;
	all = look_at(kind, ifindex, &ours);
	if (!ours)
		return fail(ctl, "%s has no %s", argv[0], kind->program);
	err = xdp_multiprog__is_legacy(all) ? xdp_multiprog__detach(all) :
		xdp_program__detach(ours, ifindex,
				    xdp_multiprog__attach_mode(all), 0);
	if (err)
		return fail(ctl, "%s: %s", argv[0], why(err));
	return out_done(ctl, "detached", argv[0]);
}

/* Is a program that the kernel has one of ours, or runs such a one?  Those of other
 * namespaces count, whose devices we do not see.
 */
static bool in_use(const char *map)
{
	struct bpf_map_info map_info = {};
	struct bpf_prog_info info;
	__u32 len = sizeof(map_info), ids[64], id = 0, wanted;
	bool used = false;
	int fd = open_map(map);

	if (fd < 0)
		return false;
	bpf_map_get_info_by_fd(fd, &map_info, &len);
	close(fd);
	wanted = map_info.id;
	while (!used && !bpf_prog_get_next_id(id, &id)) {
		fd = bpf_prog_get_fd_by_id(id);
		if (fd < 0)
			continue;
		memset(&info, 0, sizeof(info));
		info.map_ids = (uintptr_t)ids;
		info.nr_map_ids = 64;
		len = sizeof(info);
		if (!bpf_prog_get_info_by_fd(fd, &info, &len))
			for (__u32 i = 0; i < info.nr_map_ids && i < 64; i++)
				used |= ids[i] == wanted;
		close(fd);
	}
	return used;
}

/* Maps that no program uses, with all that is set in them, and what libxdp has left
 * of dispatchers.  What somebody uses stays.
 */
int xdp_clean(struct ctl *ctl, int argc, char **argv)
{
	json_object *removed = json_object_new_array(), *kept, *object;
	char path[300];
	struct dirent *e;
	DIR *dir;

	(void)argc;
	(void)argv;
	if (xdp_lock(ctl))
		return 1;
	libxdp_clean_references(0);
	kept = json_object_new_array();
	dir = opendir(QUIC_XDP_PIN);
	while (dir && (e = readdir(dir))) {
		/* Directories are of struct_ops: cc, cid. */
		if (strncmp(e->d_name, "quic_", 5))
			continue;
		if (in_use(e->d_name)) {
			json_object_array_add(kept,
					      json_object_new_string(e->d_name));
			continue;
		}
		snprintf(path, sizeof(path), QUIC_XDP_PIN "/%s", e->d_name);
		if (!unlink(path))
			json_object_array_add(removed,
					      json_object_new_string(e->d_name));
	}
	if (dir)
		closedir(dir);
	object = json_object_new_object();
	json_object_object_add(object, "removed", removed);
	json_object_object_add(object, "kept", kept);
	return out_object(ctl, object, (const struct column[]){
		{ "removed", "removed", PLAIN }, { "kept", "in use", PLAIN }, {} });
}

/* ---- status --------------------------------------------------------------------------- */

/* Counters by CPU and in all. */
static bool add_counts(json_object *to, const struct xdp_kind *kind)
{
	int cpus = libbpf_num_possible_cpus(), fd = open_map(kind->counters);
	json_object *rows, *sums = json_object_new_object(), *row;
	__u64 value[cpus > 0 ? cpus : 1], sum;

	if (fd < 0 || cpus < 1) {
		json_object_put(sums);
		return false;
	}
	rows = json_object_new_array();
	for (int cpu = 0; cpu < cpus; cpu++) {
		row = json_object_new_object();
		add_number(row, "cpu", cpu);
		json_object_array_add(rows, row);
	}
	for (__u32 i = 0; i < kind->n_reasons; i++) {
		sum = 0;
		if (bpf_map_lookup_elem(fd, &i, value))
			break;
		for (int cpu = 0; cpu < cpus; cpu++) {
			add_number(json_object_array_get_idx(rows, cpu),
				   kind->reasons[i], value[cpu]);
			sum += value[cpu];
		}
		add_number(sums, kind->reasons[i], sum);
	}
	close(fd);
	json_object_object_add(to, "packets", sums);
	json_object_object_add(to, "cpus", rows);
	return true;
}

static const struct column device_columns[] = {
	{ "device", "DEVICE", PLAIN },
	{ "mode", "MODE", PLAIN },
	{ "program_id", "PROGRAM", PLAIN },
	{ "with", "BESIDE", PLAIN },
	{}
};

static void print_settings(const json_object *settings)
{
	json_object_object_foreach((json_object *)settings, key, value)
		printf("%-16s %s\n", key, json_object_get_string(value));
}

int xdp_status(struct ctl *ctl, int argc, char **argv)
{
	const struct xdp_kind *kind = ctl->of;
	json_object *object = json_object_new_object();
	json_object *settings = json_object_new_object();

	(void)argc;
	(void)argv;
	if (access(QUIC_XDP_PIN, X_OK) && errno == EACCES) {
		json_object_put(object);
		json_object_put(settings);
		return fail(ctl, "%s: %m", QUIC_XDP_PIN);
	}
	libxdp_set_print(keep_quiet);
	json_object_object_add(object, "devices", devices_of(kind));
	if (!add_counts(object, kind)) {
		json_object_put(settings);
		if (ctl->json)
			return out_object(ctl, object, NULL);
		printf("%s was never attached\n", kind->program);
		return 0;
	}
	add_ports(settings);
	kind->add_settings(settings);
	json_object_object_add(object, "settings", settings);
	if (ctl->json)
		return out_object(ctl, object, NULL);
	out_rows(ctl, json_object_get(json_object_object_get(object, "devices")),
		 device_columns);
	putchar('\n');
	print_settings(settings);
	putchar('\n');
	return out_rows(ctl, json_object_get(json_object_object_get(object,
							    "cpus")),
			kind->columns);
}
