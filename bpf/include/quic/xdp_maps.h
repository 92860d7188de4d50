/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * The maps of the XDP programs in bpf/xdp/: settings, counters, and what is in
 * them. For the programs and for whoever sets them up: plain C, no helper.
 * Include <quic/vmlinux.h> or <linux/types.h> before.
 *
 * All are pinned by name, usually in QUIC_XDP_PIN, and so shared by the programs
 * and devices that are loaded with the same directory:
 *
 *	xdp-loader load -p /sys/fs/bpf/quic eth0 /usr/lib/quic/bpf/xdp/steer.bpf.o
 *
 * Zero, which is what a new map holds, is a good setting everywhere.  Numbers are
 * of the host's byte order unless they are said to be of the network's.
 */
#ifndef QUIC_XDP_MAPS_H
#define QUIC_XDP_MAPS_H

#include <quic/lb.h>

#define QUIC_XDP_PIN		"/sys/fs/bpf/quic"

/* ---- quic_ports: UDP ports of servers; all programs ----------------------------- */

/* ARRAY of __u64: bit p % 64 of word p / 64 stands for port p.  Bit 0 of word 0
 * (no port) says that the map was filled in; else QUIC_XDP_PORT is the only one.
 */
#define QUIC_XDP_PORT_WORDS	1024
#define QUIC_XDP_PORT		443

/* ---- quic_lb_conf: QUIC-LB, by rotation; steer and lb ---------------------------- */

#define QUIC_LB_CONFS		8	/* ARRAY; the last one is never used */

/**
 * struct quic_lb_conf - a configuration of QUIC-LB
 * @lb:		key, lengths; @lb.rotation is its index
 * @used:	0: there is no such configuration
 * @cpu_at:	which octet of the server ID is the CPU, 1 to @lb.sid_len; 0: none is.
 *		For steer; to lb it is 0
 * @aes:	made of @lb by quic_lb_aes_key(), if it encrypts
 */
struct quic_lb_conf {
	struct quic_lb lb;
	__u8 used;
	__u8 cpu_at;
	__u8 pad;
	struct quic_lb_aes aes;
};

/* ---- steer ------------------------------------------------------------------------- */

#define QUIC_STEER_CPUS		256

/* How an ID says which CPU. */
enum quic_steer_scheme {
	QUIC_STEER_TABLE,	/* the module's table of connections knows */
	QUIC_STEER_CPU,		/* octet 0 is the CPU (bpf/cid/cpu.bpf.c) */
	QUIC_STEER_LB,		/* an octet of the server ID (quic_lb_conf) */
};

/* Where a packet goes whose ID says no CPU: by the hash of its addresses and
 * ports over @cpus.  Without, it stays where the device's own hash brought it.
 */
#define QUIC_STEER_SPREAD	1

/**
 * struct quic_steer - quic_steer, an ARRAY of one
 * @scheme:	enum quic_steer_scheme
 * @flags:	QUIC_STEER_SPREAD
 * @n_cpus:	how many of @cpus
 * @seed:	mixed into the hash, so that nobody outside can aim at a CPU
 * @cpus:	with QUIC_STEER_SPREAD; each has an entry in quic_cpus
 */
struct quic_steer {
	__u32 scheme;
	__u32 flags;
	__u32 n_cpus;
	__u32 seed;
	__u16 cpus[QUIC_STEER_CPUS];
};

/* quic_cpus: CPUMAP of QUIC_STEER_CPUS, index and value are the CPU.  Without an
 * entry nothing is sent there.
 */

/* quic_steer_n: PERCPU_ARRAY of __u64, packets by what became of them. */
enum quic_steer_count {
	QUIC_STEER_N_OTHER,	/* passed: nothing for one of the ports */
	QUIC_STEER_N_FRAGMENT,	/* passed: a piece of an IP packet */
	QUIC_STEER_N_SHORT,	/* passed: too short to have an ID */
	QUIC_STEER_N_HOME,	/* passed: this CPU is its owner */
	QUIC_STEER_N_MOVED,	/* to the owner */
	QUIC_STEER_N_FIRST,	/* Initial, 0-RTT, unknown version: by address */
	QUIC_STEER_N_UNKNOWN,	/* the ID says no CPU: by address */
	QUIC_STEER_N_NO_CPU,	/* passed: quic_cpus has no entry for the owner */
	QUIC_STEER_N_MAX,
};

#define QUIC_STEER_N_NAMES { \
	"other", "fragment", "short", "home", "moved", "first", "unknown", \
	"no_cpu", \
}

/* ---- guard --------------------------------------------------------------------------- */

/* Retry for every client, whatever the load. */
#define QUIC_GUARD_RETRY	1
/* Initials of versions that the host does not speak are dropped, not answered. */
#define QUIC_GUARD_NO_VERSIONS	2
/* Only watch: what would be dropped or answered is passed, and counted. */
#define QUIC_GUARD_WATCH	4

/**
 * struct quic_guard - quic_guard, an ARRAY of one
 * @flags:	QUIC_GUARD_*
 * @threshold:	Initials per second and CPU above which clients have to answer a
 *		Retry; 0: never
 * @rate:	Initials per second that a prefix may send, 0: any number.  Those
 *		with a good token do not count
 * @burst:	how many of them at once; 0: a second's
 * @prefix4:	bits of an IPv4 prefix, 1 to 32; 0: 24
 * @prefix6:	of IPv6, 1 to 64; 0: 56
 */
struct quic_guard {
	__u32 flags;
	__u32 threshold;
	__u32 rate;
	__u32 burst;
	__u32 prefix4;
	__u32 prefix6;
};

/* quic_guard_pfx: LRU_HASH, a prefix and when its bucket is empty again, ns of
 * CLOCK_MONOTONIC.
 */
#define QUIC_GUARD_PREFIXES	65536

struct quic_guard_prefix {
	__u64 high;		/* first 64 bits of the address, masked, as the
				 * host reads a number of the network's order
				 */
	__u64 family;		/* 4 or 6 */
};

/* quic_guard_n: PERCPU_ARRAY of __u64. */
enum quic_guard_count {
	QUIC_GUARD_N_OTHER,	/* passed: nothing for one of the ports */
	QUIC_GUARD_N_FRAGMENT,	/* passed: a piece of an IP packet */
	QUIC_GUARD_N_PASSED,	/* passed: of a connection, or seems so */
	QUIC_GUARD_N_INITIAL,	/* passed: an Initial, within all limits */
	QUIC_GUARD_N_TOKEN,	/* passed: an Initial with a good token */
	QUIC_GUARD_N_KNOWN,	/* passed: an Initial of a known connection */
	QUIC_GUARD_N_RETRY,	/* answered with Retry */
	QUIC_GUARD_N_VERSIONS,	/* answered with Version Negotiation */
	QUIC_GUARD_N_SOURCE,	/* dropped: a port from which reflection comes, or
				 * a first packet from an address of no host
				 */
	QUIC_GUARD_N_NOT_QUIC,	/* dropped: cannot be QUIC for a server */
	QUIC_GUARD_N_SMALL,	/* dropped: a first packet below 1200 bytes */
	QUIC_GUARD_N_RATE,	/* dropped: the prefix sends too many Initials */
	QUIC_GUARD_N_BAD_TOKEN,	/* dropped: Initial with a bad Retry token */
	QUIC_GUARD_N_VERSION,	/* dropped: unknown version, not to be answered */
	QUIC_GUARD_N_FAILED,	/* dropped: no answer could be made */
	QUIC_GUARD_N_MAX,
};

#define QUIC_GUARD_N_NAMES { \
	"other", "fragment", "passed", "initial", "token", "known", "retry", \
	"versions", "source", "not_quic", "small", "rate", "bad_token", \
	"version", "failed", \
}

/* ---- lb ------------------------------------------------------------------------------- */

#define QUIC_LB_VIPS		256
#define QUIC_LB_BACKENDS	1024
#define QUIC_LB_SERVERS		4096
/* Places of the ring, a prime, so that any step reaches all. */
#define QUIC_LB_RING		65537

/* How packets travel to a backend. */
enum quic_lb_encap {
	QUIC_LB_IPIP,		/* IP in IP, as katran */
	QUIC_LB_GUE,		/* IP in UDP (GUE, variant 1), as katran */
};

/**
 * struct quic_lb_set - quic_lb, an ARRAY of one
 * @encap:	enum quic_lb_encap
 * @gue_port:	of the backends; 0: QUIC_LB_GUE_PORT
 * @mtu:	of the way to the backends, IP header included; what does not
 *		fit is dropped; 0: 1500 and the headers of the encapsulation
 * @source4:	of GUE and of IP over IPv4, network's order; 0: one of
 *		172.16.0.0/16 that depends on the client, as katran
 * @seed:	mixed into the hash of clients, the same at all balancers
 * @mac:	of the next hop; 0: who sent the packet
 * @pad:	0
 */
struct quic_lb_set {
	__u32 encap;
	__u32 gue_port;
	__u32 mtu;
	__u32 source4;
	__u32 seed;
	__u8 mac[6];
	__u8 pad[2];
};

#define QUIC_LB_GUE_PORT	6080

/* An address of either family; IPv4 as ::ffff:a.b.c.d. */
struct quic_lb_addr {
	__u8 octets[16];
};

/* quic_lb_vips: HASH, struct quic_lb_addr and a __u32, 1: packets to this address
 * (and one of quic_ports) are balanced.  Without entries nothing is.
 *
 * quic_lb_backend: ARRAY of QUIC_LB_BACKENDS, struct quic_lb_addr; 0: none.
 *
 * quic_lb_ring: ARRAY of QUIC_LB_RING __u32: which backend gets what has no server
 * ID, by the hash of the client's address and port; quic_lb_ring_fill() (quic/lb_ring.h)
 * makes it.
 */

/* quic_lb_servers: HASH, a server ID and a __u32, the backend. */
struct quic_lb_server {
	__u8 rotation;		/* configuration */
	__u8 sid[15];		/* the rest 0 */
};

/* quic_lb_n: PERCPU_ARRAY of __u64. */
enum quic_lb_count {
	QUIC_LB_N_OTHER,	/* passed: not for one of our addresses and ports */
	QUIC_LB_N_FRAGMENT,	/* passed: a piece of an IP packet */
	QUIC_LB_N_SHORT,	/* dropped: too short to have an ID */
	QUIC_LB_N_SERVER,	/* sent: the server that the ID says */
	QUIC_LB_N_FIRST,	/* sent by the ring: Initial, 0-RTT, unknown version */
	QUIC_LB_N_UNROUTABLE,	/* sent by the ring: no such configuration or server */
	QUIC_LB_N_NO_BACKEND,	/* dropped: there is nobody */
	QUIC_LB_N_TOO_BIG,	/* dropped: does not fit with the headers around it */
	QUIC_LB_N_FAILED,	/* dropped: no room for the headers */
	QUIC_LB_N_MAX,
};

#define QUIC_LB_N_NAMES { \
	"other", "fragment", "short", "server", "first", "unroutable", \
	"no_backend", "too_big", "failed", \
}

#endif
