/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A QUIC endpoint made of the pure code alone: real headers and frames
 * without encryption, a handshake of the right shape without cryptography,
 * and streams of bytes that can be told from their place.
 */
#ifndef SIM_ENDPOINT_H
#define SIM_ENDPOINT_H

#include "net.h"
#include "recovery/ack.h"
#include "recovery/loss.h"

#define SIM_MSS		1200
#define SIM_STREAMS	4	/* client-initiated, ids 0, 4, 8, 12 */
#define SIM_ACK_DELAY	(25 * MS)

/* Bytes in one direction, and those that came back in the other. */
struct sim_flow {
	u64 id;
	u64 size;		/* bytes to send */
	u64 next;		/* first never sent */
	struct quic_ranges acked;
	struct quic_ranges lost;
	struct quic_ranges got;
	u64 expect;		/* bytes to receive */
	u64 received;		/* different ones */
	u64 repeated;		/* received more than once */
	bool fin;		/* comes with the last byte */
	bool fin_got;		/* the peer's */
};

struct sim_endpoint {
	struct sim *sim;
	struct sim_link *out;
	struct sim_endpoint *peer;
	bool is_server;

	struct quic_recovery r;
	struct quic_space spaces[QUIC_SPACE_MAX];
	struct quic_ack ack[QUIC_SPACE_MAX];
	struct sim_flow crypto[QUIC_SPACE_MAX];
	struct sim_flow stream[SIM_STREAMS];
	bool keys[QUIC_SPACE_MAX];
	bool done_pending;	/* HANDSHAKE_DONE is to be sent */
	bool validated;		/* server: the client's address */
	u64 in_bytes, out_bytes;
	u8 probes[QUIC_SPACE_MAX];
	u32 ack_only;		/* packets in a row that elicit no ACK */
	u64 pace_next;
	u64 timer_at;

	/* what a test asks about */
	u64 finished;		/* when all that was expected had come */
	u64 confirmed_at;
	u64 cwnd_max, cwnd_min;	/* since last reset */
	u64 ptos;
	const char *fault;	/* the first thing that must not happen */
};

void sim_endpoint_init(struct sim_endpoint *ep, struct sim *sim,
		       struct sim_link *out, struct sim_endpoint *peer,
		       bool is_server, const struct quic_congestion_ops *cc);
void sim_endpoint_free(struct sim_endpoint *ep);
/* @bytes more on stream number @i, to be sent and expected by the peer. */
void sim_endpoint_write(struct sim_endpoint *ep, u32 i, u64 bytes, bool fin);
/* Let it send what it may. */
void sim_endpoint_push(struct sim_endpoint *ep);
void sim_endpoint_receive(struct sim_endpoint *ep, const u8 *data, u32 len);
void sim_endpoint_timer(struct sim_endpoint *ep);

u64 sim_endpoint_received(const struct sim_endpoint *ep);
u64 sim_endpoint_repeated(const struct sim_endpoint *ep);
/* All sent, all acknowledged, all received? */
bool sim_endpoint_is_done(const struct sim_endpoint *ep);

#endif
