// SPDX-License-Identifier: GPL-2.0
/*
 * xdp_quic_lb: each packet to the host that owns its connection.
 *
 * Shows:	routing by QUIC-LB server IDs, plain or encrypted, without any state of
 *		a connection; headers put around a packet in place.
 * Good for:	a pair of balancers, or more, in front of servers that share an
 *		address: all decide alike, so any packet may come to any of them; behind
 *		katran, whose encapsulation this is (IPIP or GUE).
 * Bad for:	what is not QUIC on these ports; ways to the backends that do not
 *		carry 1500 bytes and the headers around them.
 * Needs:	quic.ko, which makes the room for them.
 *
 *	the ID has a server that is known	that backend
 *	Initial, 0-RTT, unknown version, or	by the ring, which is a consistent
 *	an ID that says no server		hash of the client's address and port
 *
 * Backends answer the client directly, so each has the addresses of quic_lb_vips.
 *
 *	xdp-loader load -p /sys/fs/bpf/quic eth0 lb.bpf.o
 *
 * Settings and counters: <quic/xdp_maps.h>.
 */
#include <quic/xdp.h>
#include "encap.h"

#define NOBODY	(~0U)

QUIC_XDP_MAP(quic_lb, ARRAY, 1, __u32, struct quic_lb_set);
QUIC_XDP_MAP(quic_lb_conf, ARRAY, QUIC_LB_CONFS, __u32, struct quic_lb_conf);
QUIC_XDP_MAP(quic_lb_vips, HASH, QUIC_LB_VIPS, struct quic_lb_addr, __u32);
QUIC_XDP_MAP(quic_lb_servers, HASH, QUIC_LB_SERVERS, struct quic_lb_server,
	     __u32);
QUIC_XDP_MAP(quic_lb_backend, ARRAY, QUIC_LB_BACKENDS, __u32,
	     struct quic_lb_addr);
QUIC_XDP_MAP(quic_lb_ring, ARRAY, QUIC_LB_RING, __u32, __u32);
QUIC_XDP_MAP(quic_lb_n, PERCPU_ARRAY, QUIC_LB_N_MAX, __u32, __u64);

static __always_inline int end(int verdict, enum quic_lb_count why)
{
	quic_xdp_count(&quic_lb_n, why);
	return verdict;
}

/* The backend that the ID says, or NOBODY. */
static __always_inline __u32 server_of(struct quic_xdp_pkt *p)
{
	__u32 rotation = p->id[0] >> 5, len, i, *backend;
	struct quic_lb_server key = {};
	struct quic_lb_conf *conf;

	conf = bpf_map_lookup_elem(&quic_lb_conf, &rotation);
	if (!conf || !conf->used || !quic_lb_valid(&conf->lb))
		return NOBODY;
	len = p->kind == QUIC_XDP_SHORT ? QUIC_XDP_ID_MAX : p->id_len;
	if (quic_lb_read_keyed(&conf->lb, &conf->aes, p->id, len))
		return NOBODY;
	key.rotation = rotation;
	for (i = 0; i < sizeof(key.sid); i++)
		if (1 + i != conf->cpu_at)
			key.sid[i] = p->id[1 + i] &
				     quic_lb_octets(conf->lb.sid_len - i);
	backend = bpf_map_lookup_elem(&quic_lb_servers, &key);
	return backend ? *backend : NOBODY;
}

static __always_inline __u32 by_ring(__u32 hash)
{
	__u32 at = ((__u64)hash * QUIC_LB_RING) >> 32, *backend;

	backend = bpf_map_lookup_elem(&quic_lb_ring, &at);
	return backend ? *backend : NOBODY;
}

static __always_inline int balance(struct xdp_md *ctx,
				   const struct quic_lb_set *set,
				   struct quic_xdp_pkt *p)
{
	__u32 hash = quic_xdp_hash(p, set->seed), backend = NOBODY;
	enum quic_lb_count why = QUIC_LB_N_SERVER;
	struct quic_lb_addr *to;
	int err;

	if (quic_xdp_is_first(p))
		why = QUIC_LB_N_FIRST;
	else
		backend = server_of(p);
	if (backend == NOBODY) {
		backend = by_ring(hash);
		if (why == QUIC_LB_N_SERVER)
			why = QUIC_LB_N_UNROUTABLE;
	}
	to = bpf_map_lookup_elem(&quic_lb_backend, &backend);
	if (!to || !encap_addr_is_set(to))
		return end(XDP_DROP, QUIC_LB_N_NO_BACKEND);
	err = encap(ctx, set, p, to, hash);
	return err ? end(XDP_DROP, err) : end(XDP_TX, why);
}

SEC("xdp.frags")
int xdp_quic_lb(struct xdp_md *ctx)
{
	struct quic_lb_set *set;
	struct quic_xdp_pkt p;
	__u32 zero = 0;

	switch (quic_xdp_find(ctx, &p)) {
	case QUIC_XDP_FOUND:
		break;
	case QUIC_XDP_FRAGMENT:
		return end(XDP_PASS, QUIC_LB_N_FRAGMENT);
	default:
		return end(XDP_PASS, QUIC_LB_N_OTHER);
	}
	set = bpf_map_lookup_elem(&quic_lb, &zero);
	if (!set || !bpf_map_lookup_elem(&quic_lb_vips, p.dst))
		return end(XDP_PASS, QUIC_LB_N_OTHER);
	if (p.kind == QUIC_XDP_BAD)
		return end(XDP_DROP, QUIC_LB_N_SHORT);
	return balance(ctx, set, &p);
}

/* After the guard; what it passes is for this host itself. */
struct {
	__uint(priority, 30);
	__uint(XDP_PASS, 1);
} XDP_RUN_CONFIG(xdp_quic_lb);

char LICENSE[] SEC("license") = "GPL";
