// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: stateless reset tokens: ours, which follow from the connection ID and a
 * key of the namespace, and those of the peer that a reset may show.
 * Called from: conn/cid (both), tx/stateless and rx/demux (softirq), rx/open.
 * Context: any; RCU for look-ups, the socket lock for the rest.
 * RFC 9000 sections 10.3, 21.11.
 *
 * A reset names no connection of ours: it is found by its token, in the table
 * of connection IDs.  There stands not the token but its image under a keyed
 * function, so that how long a comparison takes tells nothing (section
 * 10.3.1).  Only IDs that were used are there.
 */
#include <crypto/utils.h>
#include <linux/random.h>
#include <linux/siphash.h>
#include "../pipeline.h"
#include "../obs/mib.h"

static siphash_key_t image_key[2] __read_mostly;
static atomic_t watched;

/* 16 bytes of a function of @data that nobody without @key can compute. */
static void prf(const siphash_key_t key[2], const u8 *data, size_t len, u8 *to)
{
	put_unaligned_le64(siphash(data, len, &key[0]), to);
	put_unaligned_le64(siphash(data, len, &key[1]), to + 8);
}

/* ---- ours ------------------------------------------------------------------ */

void quic_reset_net_init(struct net *net)
{
	get_random_bytes(quic_net(net)->reset_key,
			 sizeof(quic_net(net)->reset_key));
	get_random_once(image_key, sizeof(image_key));
}

/* RFC9000-10.3.2-1 RFC9000-10.3.2-2 */
/* For the ID of ours at @id, also when nobody knows the connection any more. */
void quic_reset_token(const struct net *net, const u8 *id, u8 len, u8 *token)
{
	prf(quic_net(net)->reset_key, id, len, token);
}

/* ---- the peer's ------------------------------------------------------------ */

/* As unlike any ID of ours of this length as two random ones are. */
static void make_image(const u8 *token, struct quic_cid *image)
{
	memset(image, 0, sizeof(*image));
	image->len = QUIC_RESET_TOKEN_LEN;
	prf(image_key, token, QUIC_RESET_TOKEN_LEN, image->id);
}

/* RFC9000-10.3.1-2 */
/* Packets go to the peer's ID @r from now on. */
void quic_reset_watch(struct quic_conn *c, struct quic_remote_cid *r)
{
	struct quic_cid_node *node;
	struct quic_cid image;

	if (!r->has_token || r->watch)
		return;
	make_image(r->reset_token, &image);
	/* Without memory, or if somebody gave us the token of another
	 * connection, resets are not seen.
	 */
	node = quic_cid_insert(sock_net(c->sk), &image, NULL, c, NULL,
			       GFP_ATOMIC);
	if (IS_ERR(node))
		return;
	r->watch = node;
	atomic_inc(&watched);
}

/* RFC9000-10.3.1-2 */
/* It is retired. */
void quic_reset_forget(struct quic_remote_cid *r)
{
	if (!r->watch)
		return;
	quic_cid_remove(r->watch);
	r->watch = NULL;
	atomic_dec(&watched);
}

/* A datagram for nobody: a reset, for whom?  Under RCU. */
struct quic_cid_node *quic_reset_find(struct net *net, const struct sk_buff *skb)
{
	u8 token[QUIC_RESET_TOKEN_LEN];
	struct quic_cid image;

	if (!atomic_read(&watched) || skb->len < QUIC_RESET_MIN ||
	    skb_copy_bits(skb, skb->len - sizeof(token), token, sizeof(token)))
		return NULL;
	make_image(token, &image);
	return quic_cid_lookup(net, image.id, image.len, NULL);
}

/* RFC9000-10.3.1-1 RFC9000-10.3.1-3 RFC9000-10.3.1-4 RFC9000-10.3-5 */
/* The packet @p was not for us to open.  Does it say that the peer has
 * forgotten the connection?  Then that is its end.
 */
bool quic_reset_seen(struct quic_conn *c, const u8 *p, u32 len)
{
	const struct quic_remote_cid *r = c->cids->remote;
	bool seen = false;
	int i;

	if (len < QUIC_RESET_MIN)
		return false;
	for (i = 0; i < QUIC_CID_SLOTS; i++, r++)
		seen |= r->watch &&
			!crypto_memneq(r->reset_token,
				       p + len - QUIC_RESET_TOKEN_LEN,
				       QUIC_RESET_TOKEN_LEN);
	if (!seen)
		return false;
	QUIC_CONN_INC(c, QuicResetsRcvd);
	quic_conn_peer_reset(c);
	return true;
}
