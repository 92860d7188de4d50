// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: what the TLS library in userspace tells the connection: secrets,
 * transport parameters; and what follows: established, confirmed, keys
 * discarded.
 * Called from: setsockopt (process context), rx/frames (HANDSHAKE_DONE), tx.
 * Locks: socket lock.
 * RFC 9001 sections 4.1, 4.9, 5.2; RFC 9000 sections 7.3, 7.4.
 */
#include "../pipeline.h"
#include <linux/tls.h>
#include "../crypto/initial.h"
#include "../obs/mib.h"

u64 quic_conn_max_ack_delay(const struct quic_conn *c)
{
	return c->ack[QUIC_SPACE_APP]->delay ?:
	       quic_sk(c->sk)->tparam.max_ack_delay * (u64)NSEC_PER_USEC;
}

/* Keys of the first exchange, from an ID that everyone can read. */
int quic_conn_set_initial_keys(struct quic_conn *c)
{
	const struct quic_suite *suite = quic_suite_get(TLS_CIPHER_AES_GCM_128);
	u8 client[QUIC_INITIAL_SECRET_LEN], server[QUIC_INITIAL_SECRET_LEN];
	int err;

	if (!c->crypto[QUIC_SPACE_INITIAL])
		return -EINVAL;
	err = quic_initial_secrets(c->version, quic_conn_initial_id(c), client,
				   server);
	if (!err)
		err = quic_key_install(&c->keys[QUIC_CRYPTO_INITIAL][1],
				       &quic_aead_sw, suite, c->version,
				       c->is_server ? server : client);
	if (!err)
		err = quic_key_install(&c->keys[QUIC_CRYPTO_INITIAL][0],
				       &quic_aead_sw, suite, c->version,
				       c->is_server ? client : server);
	memzero_explicit(client, sizeof(client));
	memzero_explicit(server, sizeof(server));
	return err;
}

/* RFC9001-4.9.1-3 */
/* RFC 9001 section 4.9: the space will never be used again. */
void quic_conn_discard_space(struct quic_conn *c, enum quic_space_id id)
{
	if (!c->crypto[id])
		return;
	if (id == QUIC_SPACE_INITIAL)
		quic_version_forget_first(c);
	quic_conn_free_space(c, id);
	c->probes[id] = 0;
	quic_timer_set(c, QUIC_TIMER_LOSS, quic_recovery_deadline(&c->rec));
}

/* RFC9001-4.9.2-1 */
/* RFC 9001 section 4.1.2. */
void quic_conn_confirmed(struct quic_conn *c)
{
	if (c->handshake_confirmed)
		return;
	c->handshake_confirmed = true;
	c->rec.confirmed = true;
	c->rec.peer_validated = true;
	quic_conn_discard_space(c, QUIC_SPACE_INITIAL);
	quic_conn_discard_space(c, QUIC_SPACE_HANDSHAKE);
	if (c->odcid_node) {
		quic_cid_remove(c->odcid_node);
		c->odcid_node = NULL;
	}
	quic_preferred_go(c);
}

/* RFC9000-19.20-1 RFC9001-4.1.2-1 */
static void established(struct quic_conn *c)
{
	quic_conn_set_state(c, QUIC_CONN_ESTABLISHED);
	if (c->is_server) {
		/* The client's Finished was verified: that is completion and
		 * confirmation in one (RFC 9001 section 4.1.2).
		 */
		c->path->validated = true;
		c->rec.amplification_blocked = false;
		c->ctl |= QUIC_CTL_HANDSHAKE_DONE | QUIC_CTL_NEW_TOKEN;
		quic_conn_confirmed(c);
	}
	/* What was sent in 0-RTT may be late (RFC 9001 section 4.9.3). */
	if (c->keys[QUIC_CRYPTO_EARLY][0].ready) {
		quic_timer_set(c, QUIC_TIMER_KEYS, ktime_get_ns() +
			       3 * quic_rtt_pto(&c->rec.rtt, true));
		/* It may be read now. */
		quic_stream_socks_wake_all(c);
	}
	quic_cid_offer(c);
	quic_timer_on_rx(c, ktime_get_ns());
}

/* RFC9001-4.1.3-3 */
/* RFC 9001 section 4.1.3: bytes that TLS did not want before it went on to the
 * keys of @level.
 */
static bool left_over(const struct quic_conn *c, u8 level)
{
	u8 before = level == QUIC_CRYPTO_APP ? QUIC_CRYPTO_HANDSHAKE :
					       QUIC_CRYPTO_INITIAL;
	const struct quic_crypto *cr = c->crypto[quic_level_space(before)];
	const struct quic_chunk *ch;

	list_for_each_entry(ch, &c->rq_crypto, link)
		if (ch->level == before)
			return true;
	return cr && !RB_EMPTY_ROOT(&cr->recv.ooo);
}

/* Most connections have no 0-RTT: room for its keys is made for those that do. */
static bool make_early(struct quic_conn *c)
{
	struct quic_key *keys;

	if (c->keys[QUIC_CRYPTO_EARLY] != quic_no_keys)
		return true;
	keys = kcalloc(2, sizeof(*keys), GFP_KERNEL_ACCOUNT);
	if (!keys)
		return false;
	c->keys[QUIC_CRYPTO_EARLY] = keys;
	return true;
}

/* Handshakes cannot wait. */
static const struct quic_aead_provider *provider_of(const struct quic_conn *c,
						    u8 level)
{
	if (level != QUIC_CRYPTO_APP)
		return &quic_aead_sw;
	if (READ_ONCE(quic_sysctl_async_crypto))
		return &quic_aead_async;
	return READ_ONCE(c->qn->spread_mbit) ? &quic_aead_spread :
					       &quic_aead_sw;
}

/* RFC9369-4.1-8 */
int quic_conn_set_secret(struct quic_conn *c,
			 const struct quic_crypto_secret *s)
{
	const struct quic_suite *suite = quic_suite_get(s->type);
	struct quic_key *k;
	int err;

	if (c->state != QUIC_CONN_ESTABLISHING || !suite)
		return -EINVAL;
	if (s->level != QUIC_CRYPTO_HANDSHAKE && s->level != QUIC_CRYPTO_APP &&
	    s->level != QUIC_CRYPTO_EARLY)
		return -EINVAL;
	/* 0-RTT is one way, and ends where 1-RTT begins. */
	if (s->level == QUIC_CRYPTO_EARLY &&
	    (!!s->send == c->is_server || c->keys[QUIC_CRYPTO_APP][1].ready))
		return -EINVAL;
	if (!c->crypto[quic_level_space(s->level)])
		return -EINVAL;
	if (s->level == QUIC_CRYPTO_EARLY && !make_early(c))
		return -ENOMEM;
	k = &c->keys[s->level][!!s->send];
	if (k->ready)
		return -EINVAL;
	if (!s->send && left_over(c, s->level)) {
		quic_conn_abort(c, QUIC_TRANSPORT_ERROR_PROTOCOL_VIOLATION, 0,
				NULL);
		return -EPIPE;
	}
	/* 0-RTT keeps the version of the first flight (RFC 9369 section 4.1). */
	err = quic_key_install(k, provider_of(c, s->level), suite,
			       s->level == QUIC_CRYPTO_EARLY ?
			       c->first_version : c->version, s->secret);
	if (!err && s->level == QUIC_CRYPTO_APP)
		err = quic_key_update_start(c, s->send, s->secret);
	if (err) {
		quic_key_drop(k);
		return err;
	}

	if (s->level == QUIC_CRYPTO_HANDSHAKE && s->send)
		c->rec.has_handshake_keys = true;
	if (s->level == QUIC_CRYPTO_EARLY)
		c->early_data = s->send ? QUIC_EARLY_DATA_OFFERED :
					  QUIC_EARLY_DATA_ACCEPTED;
	if (s->level == QUIC_CRYPTO_APP && s->send)
		quic_early_end(c);
	if (!quic_conn_alive(c))
		return -EPIPE;
	/* A server reads 1-RTT packets only after the client's Finished
	 * (RFC 9001 section 5.7): its TLS library gives the key then.
	 */
	if (s->level == QUIC_CRYPTO_APP && c->keys[QUIC_CRYPTO_APP][0].ready &&
	    c->keys[QUIC_CRYPTO_APP][1].ready)
		established(c);

	if (!s->send)
		quic_rx_parked(c);
	if (!quic_conn_alive(c))
		return -EPIPE;
	quic_tx_kick(c);
	return 0;
}

/* ---- transport parameters ------------------------------------------------ */

/* What our own parameters and the peer's remembered ones (conn/early) share. */
void quic_conn_tparams_from_user(struct quic_tparams *tp,
				 const struct quic_transport_param *p)
{
	quic_tparams_default(tp);
	tp->disable_active_migration = p->disable_active_migration;
	tp->max_idle_timeout = p->max_idle_timeout / USEC_PER_MSEC;
	tp->max_data = p->max_data;
	tp->max_stream_data_bidi_local = p->max_stream_data_bidi_local;
	tp->max_stream_data_bidi_remote = p->max_stream_data_bidi_remote;
	tp->max_stream_data_uni = p->max_stream_data_uni;
	tp->max_streams_bidi = p->max_streams_bidi;
	tp->max_streams_uni = p->max_streams_uni;
	tp->max_datagram_frame_size = p->max_datagram_frame_size;
}

/* RFC9000-7.3-1 */
/* Ours, in the wire's terms. */
static void local_tparams(struct quic_conn *c, struct quic_tparams *tp)
{
	const struct quic_transport_param *p = &quic_sk(c->sk)->tparam;

	quic_conn_tparams_from_user(tp, p);
	tp->ack_delay_exponent = p->ack_delay_exponent;
	tp->max_udp_payload_size = p->max_udp_payload_size;
	tp->max_ack_delay = p->max_ack_delay / USEC_PER_MSEC;
	tp->active_connection_id_limit = p->active_connection_id_limit;
	c->ackfreq_told = quic_ackfreq_offer(c);
	if (c->ackfreq_told)
		tp->min_ack_delay = QUIC_MIN_ACK_DELAY;
	tp->has = QUIC_TP_HAS_ISCID;
	tp->iscid = c->scid;
	tp->grease_quic_bit = p->grease_quic_bit;
	quic_version_tell(c, tp);
	if (!c->is_server)
		return;
	tp->has |= QUIC_TP_HAS_ODCID;
	tp->odcid = c->odcid;
	if (p->stateless_reset) {
		tp->has |= QUIC_TP_HAS_RESET_TOKEN;
		quic_reset_token(sock_net(c->sk), c->scid.id, c->scid.len,
				 tp->reset_token);
	}
	quic_preferred_tparam(c, tp);
	if (!c->retried)
		return;
	tp->has |= QUIC_TP_HAS_RSCID;
	tp->rscid = c->rscid;
}

/* Encode ours; bytes, or -errno. */
int quic_conn_get_local_tparams(struct quic_conn *c, u8 *buf, u32 len)
{
	struct quic_out o = { .p = buf, .end = buf + len };
	struct quic_tparams *tp;

	if (c->state != QUIC_CONN_ESTABLISHING)
		return -EINVAL;
	tp = kmalloc(sizeof(*tp), GFP_KERNEL);
	if (!tp)
		return -ENOMEM;
	local_tparams(c, tp);
	quic_tparams_encode(&o, tp, c->is_server);
	kfree(tp);
	return o.overflow ? -EINVAL : o.p - buf;
}

/* RFC9000-7.3-2 RFC9000-7.3-3 RFC9000-7.3-4 */
/* RFC 9000 section 7.3: IDs in the handshake and in the parameters agree. */
static bool cids_authentic(const struct quic_conn *c,
			   const struct quic_tparams *tp)
{
	if (!(tp->has & QUIC_TP_HAS_ISCID) ||
	    !quic_cid_equal(&tp->iscid, quic_cid_dest(c)))
		return false;
	if (c->is_server)
		return true;
	if (!(tp->has & QUIC_TP_HAS_ODCID) ||
	    !quic_cid_equal(&tp->odcid, &c->odcid))
		return false;
	if (!c->retried)
		return !(tp->has & QUIC_TP_HAS_RSCID);
	return tp->has & QUIC_TP_HAS_RSCID &&
	       quic_cid_equal(&tp->rscid, &c->rscid);
}

static void apply_peer_tparams(struct quic_conn *c,
			       const struct quic_tparams *tp)
{
	c->peer = tp->lasting;
	/* Some say "never" by a number that no clock could count to. */
	c->peer.max_idle_timeout = min_t(u64, tp->max_idle_timeout, U32_MAX);
	c->grease = tp->grease_quic_bit;
	quic_early_on_tparams(c);
	c->rec.rtt.max_ack_delay = tp->max_ack_delay * NSEC_PER_MSEC;
	quic_path_set_mss_cap(c->path, min_t(u64, tp->max_udp_payload_size,
					     U16_MAX));
	quic_cc_set_mss(&c->rec.cc, c->path->mss);
	if (tp->has & QUIC_TP_HAS_RESET_TOKEN)
		quic_cid_set_dest(c, NULL, tp->reset_token);
	if (tp->has & QUIC_TP_HAS_PREFERRED) {
		quic_cid_add_preferred(c, &tp->preferred.cid,
				       tp->preferred.token);
		quic_preferred_learn(c, tp);
	}
}

int quic_conn_set_peer_tparams(struct quic_conn *c, const u8 *buf, u32 len)
{
	struct quic_tparams *tp;
	int err;

	if (c->state != QUIC_CONN_ESTABLISHING || c->tparams_received)
		return -EINVAL;
	tp = kmalloc(sizeof(*tp), GFP_KERNEL);
	if (!tp)
		return -ENOMEM;
	err = quic_tparams_decode(buf, len, !c->is_server, tp);
	if (!err && !cids_authentic(c, tp))
		err = QUIC_TRANSPORT_ERROR_TRANSPORT_PARAM;
	if (!err)
		err = quic_version_learn(c, tp);
	if (!err) {
		c->tparams_received = true;
		apply_peer_tparams(c, tp);
	}
	kfree(tp);
	if (err) {
		quic_conn_abort(c, err, 0, NULL);
		return err == QUIC_TRANSPORT_ERROR_VERSION_NEGOTIATION ?
		       -EPROTONOSUPPORT : -EINVAL;
	}
	return 0;
}

/* Limits and behaviour from the socket's settings; before the first packet. */
void quic_conn_apply_config(struct quic_conn *c)
{
	const struct quic_sock *qs = quic_sk(c->sk);
	struct quic_stream_limit *l = c->streams.limit;

	c->max_data_recv = qs->tparam.max_data;
	c->data_window = qs->tparam.max_data;
	l[0].remote_max = qs->tparam.max_streams_bidi;
	l[0].remote_window = qs->tparam.max_streams_bidi;
	l[1].remote_max = qs->tparam.max_streams_uni;
	l[1].remote_window = qs->tparam.max_streams_uni;
	/* Overhead of small packets and of skbs included (socket-api.md). */
	WRITE_ONCE(c->sk->sk_rcvbuf, (int)min_t(u64, 4 * qs->tparam.max_data,
						INT_MAX));
}
