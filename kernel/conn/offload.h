/* SPDX-License-Identifier: GPL-2.0 */
/* A connection's keys in devices: conn/offload (trains) and conn/offload_keys. */
#ifndef KQUIC_CONN_OFFLOAD_H
#define KQUIC_CONN_OFFLOAD_H

#include "../conn.h"
#include "../crypto/offload.h"

/* Received packets that the device should have opened, and did not, before it
 * gets the key anew, with a packet number to go on from; twice as many each time
 * that this did not help.
 */
#define QUIC_OFFLOAD_PATIENCE		256
#define QUIC_OFFLOAD_PATIENCE_MAX	BIT(20)

/* What a connection has to do with devices. */
struct quic_offload_conn {
	struct quic_offload_keys keys;	/* the worker's, read under RCU */
	struct work_struct work;
	struct sock *sk;		/* I */
	u8 token[QUIC_OFFLOAD_TAG];	/* I; of packets opened by a device */
	u32 missed;		/* L; packets in a row that the device left */
	u32 patience;		/* L; how many of them are too many */
	bool lost_place;	/* L; they were: the worker is to help it */
	/* What the worker went by last; L. */
	const struct net_device *seen_dev;
	const struct quic_path *seen_path;
	struct quic_cid seen_ours;
	u32 seen_epoch;
	u32 seen_generation[2];
	u8 seen_allowed;
};

/* conn/offload_keys.c */
u8 quic_offload_allowed(const struct quic_conn *c);
const struct net_device *quic_offload_device_of(const struct quic_conn *c);
void quic_offload_look(struct quic_conn *c);

#endif
