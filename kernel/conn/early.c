// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: 0-RTT: the parameters that a client remembers, and what the server's
 * answer makes of the data that was sent under them.
 * Called from: setsockopt (process context).
 * Context: socket lock held.
 * RFC 9001 sections 4.6, 4.9.3, 5.6; RFC 9000 section 7.4.1.
 *
 *	client:	remember -> EARLY key -> OFFERED -> ACCEPTED
 *						-> REJECTED: all of it again
 *	server:	EARLY key: ACCEPTED
 *
 * TLS decides; its library tells us with QUIC_SOCKOPT_EARLY_DATA before it
 * installs the 1-RTT key.  If it does not, limits that have shrunk mean
 * "rejected", and otherwise loss recovery finds out by itself.
 */
#include <linux/slab.h>
#include "../pipeline.h"

/* ---- the client's memory ----------------------------------------------------- */

/* Limits in force: those that were remembered, or those of this handshake. */
static void use_limits(struct quic_conn *c,
		       const struct quic_tparams_lasting *tp)
{
	c->max_data_send = tp->max_data;
	c->streams.limit[0].local_max = tp->max_streams_bidi;
	c->streams.limit[1].local_max = tp->max_streams_uni;
}

/* RFC9000-7.4.1-2 RFC9000-7.4.1-3 RFC9000-7.4.1-4 */
/* What may not be remembered (RFC 9000 section 7.4.1) keeps its default. */
static void convert(struct quic_tparams *tp,
		    const struct quic_transport_param *p)
{
	quic_conn_tparams_from_user(tp, p);
	tp->max_udp_payload_size = max_t(u16, p->max_udp_payload_size, 1200);
	tp->active_connection_id_limit =
		max_t(u8, p->active_connection_id_limit, 2);
}

/* RFC9000-7.4.1-8 RFC9001-5.6-1 */
/* The server's parameters in an earlier connection. */
int quic_early_remember(struct quic_conn *c,
			const struct quic_transport_param *p)
{
	struct quic_tparams *tp;

	if (c->is_server || c->state != QUIC_CONN_ESTABLISHING ||
	    c->tparams_received || c->early_data != QUIC_EARLY_DATA_NONE)
		return -EINVAL;
	tp = kmalloc(sizeof(*tp), GFP_KERNEL_ACCOUNT);
	if (!tp)
		return -ENOMEM;
	convert(tp, p);
	kfree(c->early);
	c->early = tp;
	c->peer = tp->lasting;
	use_limits(c, &c->peer);
	quic_path_set_mss_cap(c->path, min_t(u64, tp->max_udp_payload_size,
					     U16_MAX));
	quic_cc_set_mss(&c->rec.cc, c->path->mss);
	quic_sock_writable(c->sk);
	return 0;
}

/* RFC9221-3-6 RFC9221-3-7 */
/* RFC 9000 section 7.4.1, RFC 9221 section 3: a server that accepts may not
 * grant less than it did.
 */
static bool shrunk(const struct quic_tparams_lasting *old,
		   const struct quic_tparams_lasting *new)
{
	return new->active_connection_id_limit <
	       old->active_connection_id_limit ||
	       new->max_data < old->max_data ||
	       new->max_stream_data_bidi_local <
	       old->max_stream_data_bidi_local ||
	       new->max_stream_data_bidi_remote <
	       old->max_stream_data_bidi_remote ||
	       new->max_stream_data_uni < old->max_stream_data_uni ||
	       new->max_streams_bidi < old->max_streams_bidi ||
	       new->max_streams_uni < old->max_streams_uni ||
	       new->max_datagram_frame_size < old->max_datagram_frame_size;
}

/* ---- the server's answer ------------------------------------------------------- */

static void forget(struct quic_conn *c, enum quic_early_data result)
{
	kfree(c->early);
	c->early = NULL;
	c->early_data = result;
	quic_key_drop(&c->keys[QUIC_CRYPTO_EARLY][1]);
}

static void accepted(struct quic_conn *c)
{
	struct quic_stream *s;

	quic_streams_for_each(s, &c->streams)
		quic_stream_raise(c, s);
}

/* RFC9001-4.6.2-2 */
/* The server knows of no stream and no byte. */
static void rejected(struct quic_conn *c)
{
	struct quic_stream *s;

	local_bh_disable();
	quic_recovery_resend(&c->rec, QUIC_SPACE_APP);
	local_bh_enable();
	c->data_sent = 0;
	c->data_blocked_at = 0;
	quic_streams_for_each(s, &c->streams)
		quic_stream_rewind(c, s);
}

/* The TLS library's word. */
int quic_early_result(struct quic_conn *c, u32 result)
{
	if (c->is_server || c->state != QUIC_CONN_ESTABLISHING ||
	    c->early_data != QUIC_EARLY_DATA_OFFERED || !c->tparams_received ||
	    (result != QUIC_EARLY_DATA_ACCEPTED &&
	     result != QUIC_EARLY_DATA_REJECTED))
		return -EINVAL;
	/* An error, but the server may have dropped its Handshake keys: it is
	 * to hear of it under the 1-RTT key, too (quic_early_end()).
	 */
	if (result == QUIC_EARLY_DATA_ACCEPTED && c->early &&
	    shrunk(&c->early->lasting, &c->peer)) {
		c->early_data = result;
		return 0;
	}
	use_limits(c, &c->peer);
	if (result == QUIC_EARLY_DATA_ACCEPTED)
		accepted(c);
	else
		rejected(c);
	forget(c, result);
	quic_tx_kick(c);
	return 0;
}

/* RFC9000-7.4.1-9 */
/* This handshake's parameters came; those that were remembered may be in use. */
void quic_early_on_tparams(struct quic_conn *c)
{
	if (c->early_data == QUIC_EARLY_DATA_OFFERED)
		return;
	use_limits(c, &c->peer);
	/* Remembered, but TLS did not resume: nothing was sent. */
	if (c->early)
		rejected(c);
}

/* The 1-RTT key is there and nobody has told: see above.  The 0-RTT key goes
 * at once (RFC 9001 section 4.9.3).
 */
void quic_early_end(struct quic_conn *c)
{
	if (c->is_server)
		return;
	if (c->early_data == QUIC_EARLY_DATA_ACCEPTED && c->early)
		quic_conn_abort(c, QUIC_TRANSPORT_ERROR_PROTOCOL_VIOLATION, 0,
				"limits reduced below those of 0-RTT");
	if (c->early_data == QUIC_EARLY_DATA_OFFERED && c->tparams_received) {
		use_limits(c, &c->peer);
		if (c->early && shrunk(&c->early->lasting, &c->peer))
			rejected(c);
		else
			accepted(c);
	}
	forget(c, c->early_data);
}

void quic_early_free(struct quic_conn *c)
{
	kfree(c->early);
}
