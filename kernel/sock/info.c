// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: what is told of a connection to its program: QUIC_SOCKOPT_INFO.
 * Called from: sock/sockopt.
 * Context: process, socket lock held.
 */
#include <net/tcp_states.h>
#include "sock.h"
#include "../conn/connid.h"

static u32 usec(u64 ns)
{
	return min_t(u64, div_u64(ns, NSEC_PER_USEC), U32_MAX);
}

static void transport(struct quic_info *i, const struct quic_conn *c)
{
	const struct quic_key *k = &c->keys[QUIC_CRYPTO_APP][1];

	if (c->is_server)
		i->flags |= QUIC_INFO_SERVER;
	if (c->handshake_confirmed)
		i->flags |= QUIC_INFO_CONFIRMED;
	if (c->tx_phase)
		i->flags |= QUIC_INFO_KEY_PHASE;
	i->version = c->version;
	if (k->ready)
		i->cipher = k->aead.suite->type;
	i->mss = c->path->mss;
	if (c->path->dst_entry)
		i->mtu = dst_mtu(c->path->dst_entry);
}

static void recovery(struct quic_info *i, struct quic_conn *c)
{
	struct quic_recovery *r = &c->rec;

	quic_cc_settle(&r->cc, ktime_get_ns());

	if (r->app_limited)
		i->flags |= QUIC_INFO_APP_LIMITED;
	if (!r->cc.algo)	/* not started yet */
		return;
	strscpy(i->congestion, r->cc.algo->entry.name, sizeof(i->congestion));
	i->number = r->cc.number;
	i->rtt = usec(r->rtt.smoothed);
	i->rtt_var = usec(r->rtt.var);
	i->rtt_latest = usec(r->rtt.latest);
	if (r->rtt.first_sample)
		i->rtt_min = usec(r->rtt.min);
	i->pto = usec(quic_rtt_pto(&r->rtt, true));
	i->pto_count = r->pto_count;
	i->ptos = r->pto_total;
	i->cwnd = r->cc.cwnd;
	i->ssthresh = r->cc.ssthresh;
	i->in_flight = r->in_flight;
	i->pacing_rate = quic_cc_pacing_rate(&r->cc, r->rtt.smoothed);
	i->packets_acked = r->acked_packets;
	i->bytes_acked = r->acked_bytes;
	i->packets_lost = r->lost_packets;
	i->bytes_lost = r->lost_bytes;
	i->packets_spurious = r->spurious;
}

static void data(struct quic_info *i, const struct quic_conn *c)
{
	const struct quic_stream_limit *bidi = &c->streams.limit[0];
	const struct quic_stream_limit *uni = &c->streams.limit[1];

	i->bytes_retransmitted = c->retrans_bytes;
	i->data_sent = c->data_sent;
	i->data_queued = c->data_queued - c->data_sent;
	i->data_received = c->data_recv;
	i->data_read = c->data_read;
	i->send_limit = c->max_data_send;
	i->receive_limit = c->max_data_recv;
	i->streams = c->streams.n;
	i->streams_opened = bidi->local_next + uni->local_next;
	i->streams_accepted = bidi->remote_next + uni->remote_next;
	i->streams_bidi_left = bidi->local_max - bidi->local_next;
	i->streams_uni_left = uni->local_max - uni->local_next;
}

void quic_info_get(struct sock *sk, struct quic_info *i)
{
	struct quic_conn *c = quic_sk_conn(sk);
	int n;

	memset(i, 0, sizeof(*i));
	i->state = inet_sk_state_load(sk);
	i->cpu = QUIC_CONNID_NO_CPU;
	if (!c)
		return;
	i->cpu = c->cpu;
	i->rx_elsewhere = c->rx_elsewhere;
	for (n = 0; n < QUIC_PATHS; n++)
		i->paths += !!c->paths[n];
	i->age = div_u64(ktime_get_ns() - c->start, NSEC_PER_USEC);
	transport(i, c);
	recovery(i, c);
	data(i, c);
}
