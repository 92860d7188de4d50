// SPDX-License-Identifier: GPL-2.0
/*
 * The BPF side of what is registered with quic.ko: struct_ops maps and links of
 * types that its BTF defines.
 *
 * bpftool and any other loader may have registered them: what is here goes by
 * what the kernel knows, not by what quicctl did before.
 */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <ftw.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "quicctl.h"

#define MODULE		"quic"
#define VALUE_PREFIX	"bpf_struct_ops_"	/* of the type of a map's value */
#define BPFFS		"/sys/fs/bpf"
#define VALUE_MAX	65536

/* ---- types ------------------------------------------------------------------- */

/* The BTF of the module as the kernel has it: programs refer to its number. */
static struct btf *load_module_btf(struct btf *vmlinux, __u32 *id)
{
	char name[64];
	struct bpf_btf_info info;
	__u32 len;
	int fd;

	for (*id = 0; !bpf_btf_get_next_id(*id, id);) {
		fd = bpf_btf_get_fd_by_id(*id);
		if (fd < 0)
			continue;
		info = (struct bpf_btf_info){ .name = (uintptr_t)name,
					      .name_len = sizeof(name) };
		len = sizeof(info);
		*name = '\0';
		bpf_btf_get_info_by_fd(fd, &info, &len);
		close(fd);
		if (info.kernel_btf && !strcmp(name, MODULE))
			return btf__load_from_kernel_by_id_split(*id, vmlinux);
	}
	errno = ENOENT;
	return NULL;
}

static const struct btf_member *find_member(const struct btf *btf,
					    const struct btf_type *t,
					    const char *name)
{
	const struct btf_member *m = btf_members(t);

	for (int i = 0; i < btf_vlen(t); i++)
		if (!strcmp(btf__name_by_offset(btf, m[i].name_off), name))
			return &m[i];
	return NULL;
}

static bool find_layout(struct ops_type *type, const char *name)
{
	const struct btf_member *data, *ops_name;
	char value[128];
	int id;

	snprintf(value, sizeof(value), VALUE_PREFIX "%s", name);
	id = btf__find_by_name_kind(type->btf, value, BTF_KIND_STRUCT);
	if (id < 0)
		return false;
	data = find_member(type->btf, btf__type_by_id(type->btf, id), "data");
	if (!data)
		return false;
	type->ops = btf__type_by_id(type->btf, data->type);
	ops_name = find_member(type->btf, type->ops, "name");
	if (!ops_name)
		return false;
	type->value_id = id;
	type->data_at = data->offset / 8;
	type->name_at = type->data_at + ops_name->offset / 8;
	return true;
}

/* The process ends before memory of types is worth anything. */
int bpf_find_type(const struct ctl *ctl, const char *name,
		  struct ops_type *type)
{
	struct btf *vmlinux;

	if (!proc_load_module())
		return fail(ctl, "no QUIC in this kernel: %m");
	vmlinux = btf__load_vmlinux_btf();
	if (!vmlinux)
		return fail(ctl, "the kernel's types (BTF): %m");
	type->btf = load_module_btf(vmlinux, &type->btf_id);
	if (!type->btf)
		return fail(ctl, "the types of quic.ko (BTF): %m");
	if (!find_layout(type, name))
		return fail(ctl, "this quic.ko has no %s", name);
	return 0;
}

/* ---- maps and links -------------------------------------------------------------- */

/* Is it a map of the type?  Returns its value, to be freed. */
static char *read_map(const struct ops_type *type, int fd,
		      struct bpf_map_info *info)
{
	__u32 len = sizeof(*info), zero = 0;
	char *value;

	memset(info, 0, sizeof(*info));
	if (bpf_map_get_info_by_fd(fd, info, &len) ||
	    info->type != BPF_MAP_TYPE_STRUCT_OPS ||
	    info->btf_vmlinux_value_type_id != type->value_id ||
	    info->btf_vmlinux_id != type->btf_id ||
	    info->value_size > VALUE_MAX ||
	    info->value_size < type->name_at + OPS_NAME_MAX)
		return NULL;
	value = calloc(1, info->value_size);
	if (value && bpf_map_lookup_elem(fd, &zero, value)) {
		free(value);
		return NULL;
	}
	return value;
}

/* A map with BPF_F_LINK does not say whether it is registered: a link does. */
static __u32 link_of(__u32 map_id)
{
	struct bpf_link_info info;
	__u32 id = 0, len;
	int fd, err;

	while (!bpf_link_get_next_id(id, &id)) {
		fd = bpf_link_get_fd_by_id(id);
		if (fd < 0)
			continue;
		memset(&info, 0, sizeof(info));
		len = sizeof(info);
		err = bpf_link_get_info_by_fd(fd, &info, &len);
		close(fd);
		if (!err && info.type == BPF_LINK_TYPE_STRUCT_OPS &&
		    info.struct_ops.map_id == map_id)
			return id;
	}
	return 0;
}

/* The value has the number of the program where the kernel has a pointer. */
static json_object *callbacks_of(const struct ops_type *type, const char *value)
{
	json_object *object = json_object_new_object();
	const struct btf_member *m = btf_members(type->ops);
	__u64 id;

	for (int i = 0; i < btf_vlen(type->ops); i++) {
		const struct btf_type *t = btf__type_by_id(type->btf, m[i].type);

		if (!btf_is_ptr(t))
			continue;
		memcpy(&id, value + type->data_at + m[i].offset / 8, sizeof(id));
		if (id)
			add_number(object, btf__name_by_offset(type->btf,
							       m[i].name_off), id);
	}
	return object;
}

void bpf_put_program(struct ops_program *program)
{
	if (program)
		json_object_put(program->callbacks);
	free(program);
}

/* NULL if the map is not registered, or under another name. */
static struct ops_program *look_at(const struct ops_type *type, __u32 id,
				   const char *name)
{
	struct ops_program *program = NULL;
	struct bpf_map_info info;
	int fd = bpf_map_get_fd_by_id(id);
	__u32 link;
	char *value;

	if (fd < 0)
		return NULL;
	value = read_map(type, fd, &info);
	close(fd);
	if (!value || strncmp(value + type->name_at, name, OPS_NAME_MAX))
		goto out;
	link = info.map_flags & BPF_F_LINK ? link_of(id) : 0;
	if (info.map_flags & BPF_F_LINK && !link)
		goto out;
	program = calloc(1, sizeof(*program));
	if (!program)
		goto out;
	memcpy(program->name, value + type->name_at, OPS_NAME_MAX);
	program->name[OPS_NAME_MAX - 1] = '\0';
	program->map_id = id;
	program->link_id = link;
	program->callbacks = callbacks_of(type, value);
out:
	free(value);
	return program;
}

struct ops_program *bpf_find_program(const struct ops_type *type,
				     const char *name)
{
	struct ops_program *found = NULL;
	__u32 id = 0;

	while (!found && !bpf_map_get_next_id(id, &id))
		found = look_at(type, id, name);
	return found;
}

int bpf_unregister(const struct ops_program *program)
{
	__u32 zero = 0;
	int err, fd;

	fd = program->link_id ? bpf_link_get_fd_by_id(program->link_id) :
				bpf_map_get_fd_by_id(program->map_id);
	if (fd < 0)
		return fd;
	err = program->link_id ? bpf_link_detach(fd) :
				 bpf_map_delete_elem(fd, &zero);
	close(fd);
	return err;
}

/* ---- pins -------------------------------------------------------------------------- */

static __u32 wanted_link;
static char found_pin[4096];

static bool is_link(int fd)
{
	char path[64], what[64] = "";

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return readlink(path, what, sizeof(what) - 1) > 0 &&
	       strstr(what, "bpf-link");
}

static int visit(const char *path, const struct stat *st, int type,
		 struct FTW *at)
{
	struct bpf_link_info info = {};
	__u32 len = sizeof(info);
	int fd;

	(void)st;
	(void)at;
	if (type != FTW_F)
		return 0;
	fd = bpf_obj_get(path);
	if (fd < 0)
		return 0;
	if (is_link(fd) && !bpf_link_get_info_by_fd(fd, &info, &len) &&
	    info.id == wanted_link)
		snprintf(found_pin, sizeof(found_pin), "%s", path);
	close(fd);
	return *found_pin;
}

bool bpf_find_pin(__u32 link_id, char *path, size_t size)
{
	wanted_link = link_id;
	*found_pin = '\0';
	if (link_id)
		nftw(BPFFS, visit, 8, FTW_PHYS);
	snprintf(path, size, "%s", found_pin);
	return *found_pin;
}

/* /sys/fs/bpf is mounted by systemd, but not everywhere. */
static int make_pin_dir(const char *dir, char *path, size_t size)
{
	struct statfs fs;

	if (statfs(BPFFS, &fs))
		return -1;
	if (fs.f_type != BPF_FS_MAGIC && mount("bpf", BPFFS, "bpf", 0, "mode=0700"))
		return -1;
	snprintf(path, size, BPFFS "/quic");
	if (mkdir(path, 0700) && errno != EEXIST)
		return -1;
	snprintf(path, size, BPFFS "/quic/%s", dir);
	return mkdir(path, 0700) && errno != EEXIST ? -1 : 0;
}

/* What has our name there belongs to a program that is gone: names are unique.
 * A pin's name has no dots.
 */
static int pin(struct bpf_link *link, const char *dir, const char *name)
{
	char path[128], *p;
	size_t n;

	if (make_pin_dir(dir, path, sizeof(path)))
		return -1;
	n = strlen(path);
	snprintf(path + n, sizeof(path) - n, "/%s", name);
	for (p = path + n; *p; p++)
		if (*p == '.')
			*p = ':';
	if (unlink(path) && errno != ENOENT)
		return -1;
	return bpf_link__pin(link, path);
}

/* ---- loading ------------------------------------------------------------------------- */

/* There is something of that name. With --replace the new one takes its place, under
 * its link: connections go over to it.
 */
static int taken(const struct ctl *ctl, const struct ops_type *type,
		 const struct bpf_map *map, const char *name)
{
	struct ops_program *old = bpf_find_program(type, name);
	__u32 id = old ? old->link_id : 0;
	bool built_in = !old;
	int fd, err;

	bpf_put_program(old);
	if (built_in)
		return fail(ctl, "the name %s is taken by what is built in: choose another",
			    name);
	if (!id)
		return fail(ctl, "the name %s is taken by a program without a link: unload it first",
			    name);
	if (!(bpf_map__map_flags(map) & BPF_F_LINK))
		return fail(ctl, "the name %s is taken, and this one has no link (QUIC_..._DEFINE_LINK) to replace it: unload it first",
			    name);
	if (!ctl->replace)
		return fail(ctl, "the name %s is taken; --replace puts this one in its place",
			    name);
	fd = bpf_link_get_fd_by_id(id);
	err = fd < 0 ? fd : bpf_link_update(fd, bpf_map__fd(map), NULL);
	if (err)
		fail(ctl, "replacing %s: %m", name);
	close(fd);
	return !!err;
}

/* As the file has it: the kernel knows it only of what it has taken. */
static const char *name_of(const struct ops_type *type, const struct bpf_map *map)
{
	size_t len;
	const char *value = bpf_map__initial_value(map, &len);

	return value ? value + type->name_at - type->data_at : "";
}

static int register_map(const struct ctl *ctl, const struct ops_type *type,
			const char *dir, const struct bpf_map *map,
			json_object *names)
{
	struct bpf_link *link = bpf_map__attach_struct_ops(map);
	char name[OPS_NAME_MAX];
	int error = errno;

	snprintf(name, sizeof(name), "%.*s", (int)sizeof(name) - 1,
		 name_of(type, map));
	errno = error;
	if (!link && errno == EEXIST) {
		if (taken(ctl, type, map, name))
			return 1;
	} else if (!link && errno == EINVAL) {
		return fail(ctl, "%s: quic.ko refuses it; the kernel log says why",
			    bpf_map__name(map));
	} else if (!link) {
		return fail(ctl, "%s: %m", bpf_map__name(map));
	} else if (bpf_map__map_flags(map) & BPF_F_LINK && pin(link, dir, name)) {
		/* It goes with the link, when we do. */
		return fail(ctl, "pinning %s below " BPFFS "/quic/%s: %m", name,
			    dir);
	}
	json_object_array_add(names, json_object_new_string(name));
	if (link) {
		bpf_link__disconnect(link);
		bpf_link__destroy(link);
	}
	return 0;
}

static bool is_of_type(const struct ops_type *type, const struct bpf_map *map)
{
	struct bpf_map_info info = {};
	__u32 len = sizeof(info);

	return bpf_map__type(map) == BPF_MAP_TYPE_STRUCT_OPS &&
	       bpf_map__autocreate(map) &&
	       !bpf_map_get_info_by_fd(bpf_map__fd(map), &info, &len) &&
	       info.btf_vmlinux_value_type_id == type->value_id &&
	       info.btf_vmlinux_id == type->btf_id;
}

int bpf_register(const struct ctl *ctl, const struct ops_type *type,
		 const char *dir, const char *file,
		 int (*set)(const struct ctl *ctl, struct bpf_object *object),
		 json_object *names)
{
	struct bpf_object *object = bpf_object__open_file(file, NULL);
	struct bpf_map *map;
	char why[128];
	int error = 0;

	if (!object) {
		libbpf_strerror(errno, why, sizeof(why));
		return fail(ctl, "%s: %s", file, why);
	}
	if (set && set(ctl, object)) {
		error = 1;
		goto out;
	}
	if (bpf_object__load(object)) {
		libbpf_strerror(errno, why, sizeof(why));
		error = fail(ctl, "%s: it cannot be loaded: %s", file, why);
		goto out;
	}
	bpf_object__for_each_map(map, object)
		if (!error && is_of_type(type, map))
			error = register_map(ctl, type, dir, map, names);
	if (!error && !json_object_array_length(names))
		error = fail(ctl, "%s: nothing of the type %s in it", file,
			     btf__name_by_offset(type->btf, type->ops->name_off));
out:
	bpf_object__close(object);
	return error;
}
