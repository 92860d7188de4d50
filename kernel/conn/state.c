// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: the state of a connection, and the socket state that programs see.
 * Context: socket lock held.
 * RFC 9000 section 10.
 *
 *   ESTABLISHING --> ESTABLISHED
 *        |   |          |   |
 *        |   +----------|---+--> CLOSING --> DRAINING --> CLOSED
 *        +--------------+-----------------------------------^
 */
#include <net/tcp_states.h>
#include "../pipeline.h"
#include "../obs/mib.h"

#define S(state) BIT(QUIC_CONN_##state)

static const u8 legal_next[QUIC_CONN_STATE_MAX] = {
	[QUIC_CONN_ESTABLISHING] = S(ESTABLISHED) | S(CLOSING) | S(DRAINING) |
				   S(CLOSED),
	[QUIC_CONN_ESTABLISHED] = S(CLOSING) | S(DRAINING) | S(CLOSED),
	[QUIC_CONN_CLOSING] = S(DRAINING) | S(CLOSED),
	[QUIC_CONN_DRAINING] = S(CLOSED),
	[QUIC_CONN_CLOSED] = 0,
};

static const u8 shown_as[QUIC_CONN_STATE_MAX] = {
	[QUIC_CONN_ESTABLISHING] = TCP_SYN_RECV,
	[QUIC_CONN_ESTABLISHED] = TCP_ESTABLISHED,
	[QUIC_CONN_CLOSING] = TCP_CLOSE,
	[QUIC_CONN_DRAINING] = TCP_CLOSE,
	[QUIC_CONN_CLOSED] = TCP_CLOSE,
};

void quic_conn_set_state(struct quic_conn *c, enum quic_conn_state state)
{
	struct net *net = sock_net(c->sk);

	if (c->state == state)
		return;
	if (WARN_ON_ONCE(!(legal_next[c->state] & BIT(state))))
		return;

	if (state == QUIC_CONN_ESTABLISHED) {
		QUIC_INC(net, QuicConnCurrentEstabs);
		if (c->is_server)
			QUIC_INC(net, QuicConnPassiveEstabs);
		else
			QUIC_INC(net, QuicConnActiveEstabs);
	} else if (c->state == QUIC_CONN_ESTABLISHED) {
		QUIC_DEC(net, QuicConnCurrentEstabs);
	}
	if (c->half_open) {
		c->half_open = false;
		atomic_dec(&quic_net(net)->half_open);
	}
	c->state = state;
	/* Devices forget the keys of what has ended. */
	if (state >= QUIC_CONN_CLOSING && c->offload)
		quic_offload_kick(c);
	quic_sk_set_state(c->sk, shown_as[state]);
	quic_sock_state_changed(c->sk);
}
