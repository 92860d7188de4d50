// SPDX-License-Identifier: GPL-2.0
/*
 * QUIC-LB (draft-ietf-quic-load-balancers-21): the server's number and a nonce,
 * in plain text or encrypted.
 *
 * Shows:	numbers to be set before loading, a counter shared by all CPUs,
 *		<quic/lb.h>, which is plain C and serves XDP programs as well.
 * Good for:	servers behind a load balancer that knows the configuration: it
 *		finds the server of every packet, whatever the client's address.
 * Bad for:	one host alone, whose IDs cpu.bpf.c makes.
 *
 * Server ID and nonce have 7 octets at least, as many as kernel QUIC wants.  With the
 * default of 3 and 4, encryption is that of four passes; if together they have 16, a
 * single pass does.  One octet of the server's may say the CPU, for xdp_quic_steer.
 */
#include <quic/connid.h>
#include <quic/lb.h>

/* To be set before loading. */
const volatile struct quic_lb lb_config = {
	.sid_len = 3, .nonce_len = 4, .self_len = 1,
};

const volatile __u8 server_id[15] = { 0, 0, 1 };
const volatile __u8 cpu_at;	/* which octet of it is the CPU, from 1 on; 0: none */

/* With a key a nonce must not come again: it counts, from anywhere on.  When all were
 * used, IDs are random and say so, and balancers go by addresses.
 */
#define UNROUTABLE	(QUIC_LB_UNROUTABLE << 5 | (QUIC_CONNID_LEN - 1))
__u64 nonce_base, nonces;

/* Round keys, made when they are first needed: by several CPUs at once maybe, which
 * then write the same.  An atomic operation that returns a value orders the others.
 */
static struct quic_lb_aes aes;
static __u64 keyed;

static __always_inline const struct quic_lb_aes *the_keys(const struct quic_lb *lb)
{
	if (lb->encrypt && !__sync_fetch_and_add(&keyed, 0)) {
		quic_lb_aes_key(&aes, lb);
		__sync_fetch_and_add(&keyed, 1);
	}
	return &aes;
}

/* Where it lies, so that the verifier has its values, and follows no path that
 * they exclude; clang is not to know that they are those above.
 */
static __always_inline const struct quic_lb *the_config(void)
{
	const struct quic_lb *lb = (const struct quic_lb *)&lb_config;

	asm volatile("" : "+r"(lb));
	return lb;
}

QUIC_CONNID_OP(quic_lb_generate, struct quic_connid *id)
{
	const struct quic_lb *lb = the_config();
	__u8 octets[32] = {};
	__u32 i;

	if (!quic_lb_valid(lb) || quic_lb_len(lb) < QUIC_CONNID_LEN - 1)
		return -1;
	if (cpu_at && (cpu_at > lb->sid_len || id->cpu > 255))
		return -1;
	for (i = 0; i < QUIC_CONNID_MAX_LEN; i++)
		octets[i] = id->bytes[i];
	for (i = 0; i < sizeof(server_id); i++)
		if (i < lb->sid_len)
			octets[1 + i] = 1 + i == cpu_at ? id->cpu : server_id[i];
	if (lb->encrypt && quic_lb_put_nonce(lb, octets, nonce_base,
					     __sync_fetch_and_add(&nonces, 1))) {
		id->bytes[0] = UNROUTABLE;
		return 0;
	}
	id->len = quic_lb_make_keyed(lb, the_keys(lb), octets);
	for (i = 0; i < QUIC_CONNID_MAX_LEN; i++)
		id->bytes[i] = octets[i];
	return 0;
}

/* Of a server ID of more than eight octets the last ones count. */
QUIC_CONNID_OP(quic_lb_decode, struct quic_connid *id)
{
	const struct quic_lb *lb = the_config();
	__u8 octets[32] = {};
	__u64 server = 0;
	__u32 i;

	if (!quic_lb_valid(lb))
		return -1;
	id->cpu = QUIC_CONNID_NO_CPU;
	if (id->bytes[0] == UNROUTABLE)
		return 0;
	for (i = 0; i < QUIC_CONNID_MAX_LEN; i++)
		octets[i] = id->bytes[i];
	if (quic_lb_read_keyed(lb, the_keys(lb), octets, id->len))
		return -1;
	for (i = 0; i < sizeof(server_id) && i < lb->sid_len; i++) {
		if (1 + i == cpu_at)
			id->cpu = octets[1 + i];
		else
			server = server << 8 | octets[1 + i];
	}
	id->server = server;
	return 0;
}

QUIC_CONNID_DEFINE_LINK(quic_lb, .generate = (void *)quic_lb_generate,
			.decode = (void *)quic_lb_decode);
