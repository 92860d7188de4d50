// SPDX-License-Identifier: GPL-2.0
/*
 * quicctl lb ids: kernel QUIC's connection IDs are of a configuration of QUIC-LB.
 *
 * The program that makes them gets what the balancer and steer go by: the entry
 * of quic_lb_conf.
 */
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <string.h>
#include <sys/random.h>

#include "quicctl_xdp.h"

#define LEAST	7	/* octets of server ID and nonce of our IDs */

static struct quic_lb_conf conf;
static __u8 server[15];	/* the longest there are */

/* The variable @name of the program, before it is loaded; NULL: it has none of this
 * size.
 */
static void *variable(struct bpf_object *object, const char *section,
		      const char *name, size_t size)
{
	const struct btf *btf = bpf_object__btf(object);
	struct bpf_map *map = bpf_object__find_map_by_name(object, section);
	__s32 id = btf__find_by_name_kind(btf, section, BTF_KIND_DATASEC);
	const struct btf_type *t = id < 0 ? NULL : btf__type_by_id(btf, id);
	size_t room = 0;
	char *data = map ? bpf_map__initial_value(map, &room) : NULL;

	for (int i = 0; t && data && i < btf_vlen(t); i++) {
		const struct btf_var_secinfo *at = btf_var_secinfos(t) + i;
		const struct btf_type *var = btf__type_by_id(btf, at->type);

		if (!strcmp(btf__name_by_offset(btf, var->name_off), name))
			return at->size >= size && at->offset + size <= room ?
				       data + at->offset : NULL;
	}
	return NULL;
}

static int set(const struct ctl *ctl, struct bpf_object *object)
{
	struct quic_lb *lb = variable(object, ".rodata", "lb_config", sizeof(*lb));
	__u8 *sid = variable(object, ".rodata", "server_id", sizeof(server));
	__u8 *at = variable(object, ".rodata", "cpu_at", 1);
	__u64 *nonce = variable(object, ".bss", "nonce_base", sizeof(*nonce));

	if (!lb || !sid || !at || !nonce)
		return fail(ctl, "the program is of another version");
	/* An earlier one began elsewhere. */
	if (getrandom(nonce, sizeof(*nonce), 0) < 0)
		return fail(ctl, "random numbers: %m");
	*lb = conf.lb;
	*at = conf.cpu_at;
	memcpy(sid, server, sizeof(server));
	return 0;
}

int lb_ids(struct ctl *ctl, int argc, char **argv)
{
	json_object *names = json_object_new_array();
	struct ops_type type;
	__u32 rotation;
	int err;

	(void)argc;
	if (!xdp_number(argv[0], QUIC_LB_UNROUTABLE - 1, &rotation))
		return fail(ctl, "'%s' is no rotation: 0 to 6", argv[0]);
	if (!xdp_read("quic_lb_conf", &rotation, &conf) || !conf.used)
		return fail(ctl, "there is no configuration %u", rotation);
	if (quic_lb_len(&conf.lb) < LEAST)
		return fail(ctl, "IDs have 8 octets at least, so that server ID and nonce have %d together, not %u",
			    LEAST, quic_lb_len(&conf.lb));
	if (xdp_octets(argv[1], server, sizeof(server)) != conf.lb.sid_len)
		return fail(ctl, "'%s' are not the %u octets of a server ID",
			    argv[1], conf.lb.sid_len);
	if (bpf_find_type(ctl, "quic_connid_ops", &type))
		return 1;
	/* In place of what an earlier call has loaded. */
	ctl->replace = true;
	err = bpf_register(ctl, &type, "cid", BPF_DIR "/cid/quic_lb.bpf.o",
			   set, names);
	explicit_bzero(&conf, sizeof(conf));
	json_object_put(names);
	if (err)
		return 1;
	if (!sysctl_set("connid", "quic_lb"))
		return fail(ctl, "net.quic.connid: %m");
	return out_done(ctl, "made", argv[1]);
}
