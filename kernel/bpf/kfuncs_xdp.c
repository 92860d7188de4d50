// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: the functions that XDP programs may call: who owns a connection ID, does
 * a token prove an address, a Retry; all are about the namespace of the device
 * that the packet came from.  And another length for a frame.
 * Called from: programs.  Who has one loaded holds the module.
 * Context: softirq with BH off.
 * Locks: RCU.
 * RFC 9000 sections 5.2, 8.1.2, 17.2.5.
 *
 * Offsets are a program's: any number is possible, pointers are what the verifier
 * has proven.  What lies in the packet is parsed in wire/, as for a socket; what
 * is not in its first piece of memory is not looked at.
 */
#include <linux/btf.h>
#include <linux/btf_ids.h>
#include <linux/module.h>
#include <net/ipv6.h>
#include <net/xdp.h>
#include "../compat.h"
#include "../conn/token.h"
#include "../crypto/retry.h"
#include "../obs/mib.h"
#include "../pipeline.h"
#include "../conn/connid.h"
#include "bpf.h"

static struct net *net_of(const struct xdp_buff *xdp)
{
	return dev_net(xdp->rxq->dev);
}

static void to_addr(union quic_addr *a, const struct quic_xdp_peer *peer)
{
	struct in6_addr ip;

	memset(a, 0, sizeof(*a));
	memcpy(&ip, peer->addr, sizeof(ip));
	if (ipv6_addr_v4mapped(&ip)) {
		a->v4.sin_family = AF_INET;
		a->v4.sin_addr.s_addr = ip.s6_addr32[3];
		a->v4.sin_port = peer->port;
	} else {
		a->v6.sin6_family = AF_INET6;
		a->v6.sin6_addr = ip;
		a->v6.sin6_port = peer->port;
	}
}

/* Under RCU.  An ID that @peer made up, for its first packets. */
static struct quic_cid_node *made_up(struct net *net, const u8 *id, u8 len,
				     const struct quic_xdp_peer *peer)
{
	union quic_addr from;

	to_addr(&from, peer);
	return quic_cid_lookup(net, id, len, &from);
}

/* The Initial whose datagram begins at @off; whether the QUIC bit is greased is
 * its server's affair.
 */
static int initial_at(const struct xdp_buff *xdp, u32 off, struct quic_hdr *h)
{
	u32 len = xdp->data_end - xdp->data;
	int err;

	if (off >= len)
		return -EINVAL;
	err = quic_hdr_parse_bit(xdp->data + off, len - off, QUIC_SCID_MIN,
				 true, h);
	if (!err && h->type != QUIC_PKT_INITIAL)
		err = -EINVAL;
	return err;
}

__bpf_kfunc_start_defs();

/**
 * bpf_quic_xdp_owner - the CPU of the connection that an ID leads to
 * @ctx:	of the program
 * @id:		the ID
 * @id__sz:	its length
 * @peer__nullable: who sent it: there are IDs that a client made up, for itself.
 *		NULL: it is a short header's, which does not tell the length; then
 *		@id__sz bytes are there.  Where the header tells it only that length
 *		counts, or whoever knows an ID would be known by all that begin
 *		like it
 *
 * Return: the CPU; -ENOENT: no connection of the namespace has this ID, or it
 * has no owner.
 */
__bpf_kfunc int bpf_quic_xdp_owner(struct xdp_md *ctx, const u8 *id,
				   u32 id__sz,
				   const struct quic_xdp_peer *peer__nullable)
{
	struct net *net = net_of((struct xdp_buff *)ctx);
	u32 cpu = QUIC_CONNID_NO_CPU;
	struct quic_cid_node *node;

	if (id__sz > QUIC_CID_MAX_LEN ||
	    (!peer__nullable && id__sz < QUIC_SCID_MIN))
		return -ENOENT;
	rcu_read_lock();
	if (!peer__nullable)
		node = quic_cid_find(net, id, id__sz);
	else
		node = quic_cid_lookup(net, id, id__sz, NULL) ?:
		       made_up(net, id, id__sz, peer__nullable);
	if (node)
		cpu = quic_cid_cpu(node);
	rcu_read_unlock();
	return cpu == QUIC_CONNID_NO_CPU ? -ENOENT : cpu;
}

/**
 * bpf_quic_xdp_token - does the token of an Initial prove its sender's address?
 * @ctx:	of the program
 * @off:	where the UDP payload begins
 * @peer:	the sender
 *
 * Return: 1: it does; 0: there is none, or one that says nothing here; -EBADMSG:
 * it claims to be from a Retry and is not valid, its sender takes no other
 * one; -EINVAL, -EPROTONOSUPPORT: this is no Initial that we read.
 */
__bpf_kfunc int bpf_quic_xdp_token(struct xdp_md *ctx, u32 off,
				   const struct quic_xdp_peer *peer)
{
	const struct xdp_buff *xdp = (struct xdp_buff *)ctx;
	struct quic_cid odcid;
	union quic_addr from;
	struct quic_hdr h;
	int ret;

	ret = initial_at(xdp, off, &h);
	if (ret)
		return ret;
	to_addr(&from, peer);
	ret = quic_token_check(net_of(xdp), h.token, h.token_len, h.version,
			       &from, &odcid);
	return ret > QUIC_TOKEN_NONE ? 1 : ret;
}

/**
 * bpf_quic_xdp_retry - a Retry that answers an Initial
 * @ctx:	of the program
 * @off:	where the UDP payload begins
 * @peer:	the sender
 * @to:		where the UDP payload of the answer goes
 * @to__sz:	bytes there, QUIC_XDP_RETRY_MAX (quic/xdp.h) are enough
 *
 * What comes back with its token is taken as if a socket had sent the Retry.
 *
 * Return: bytes of the answer, always less than what is answered has; -ENOSPC;
 * -EINVAL, -EPROTONOSUPPORT: no Initial that we read; -ENOMEM.
 */
__bpf_kfunc int bpf_quic_xdp_retry(struct xdp_md *ctx, u32 off,
				   const struct quic_xdp_peer *peer, u8 *to,
				   u32 to__sz)
{
	const struct xdp_buff *xdp = (struct xdp_buff *)ctx;
	struct net *net = net_of(xdp);
	union quic_addr from;
	struct quic_hdr h;
	int len;
	u8 *buf;

	len = initial_at(xdp, off, &h);
	if (len)
		return len;
	/* Whoever answers less than a full first flight helps floods. */
	if (xdp->data_end - xdp->data - off < QUIC_INITIAL_MIN_DGRAM)
		return -EINVAL;
	/* The cipher wants linear memory. */
	buf = kmalloc(QUIC_RETRY_PREFIX_MAX + QUIC_RETRY_MAX, GFP_ATOMIC);
	if (!buf)
		return -ENOMEM;
	to_addr(&from, peer);
	len = quic_tx_write_retry(net, &from, &h, buf + QUIC_RETRY_PREFIX_MAX,
				  QUIC_RETRY_MAX);
	if (len > (int)to__sz)
		len = -ENOSPC;
	if (len > 0) {
		memcpy(to, buf + QUIC_RETRY_PREFIX_MAX, len);
		QUIC_INC(net, QuicRetriesSent);
	}
	kfree(buf);
	return len;
}

/**
 * bpf_quic_xdp_resize - room at the front of a frame, less at its end
 * @ctx:	of the program
 * @room:	bytes more at the front, which have any value
 * @cut:	bytes less at the end, of a frame in one piece
 *
 * bpf_xdp_adjust_head() and bpf_xdp_adjust_tail() for programs behind a dispatcher: the
 * kernel lets none that calls them take the place of a function that does not, and
 * the functions of libxdp's dispatcher do not.  The verifier does not know that the frame
 * changes here.  Pointers from before stay in the frame's own memory, since that
 * is only entered further in front and left earlier; but they are not what @ctx->data
 * and @ctx->data_end say then, so programs read both again.
 *
 * Return: 0; -ENOSPC: there is not so much; -EOPNOTSUPP: @cut, and the frame is in pieces.
 */
__bpf_kfunc int bpf_quic_xdp_resize(struct xdp_md *ctx, u32 room, u32 cut)
{
	struct xdp_buff *xdp = (struct xdp_buff *)ctx;
	/* Who redirects the frame notes it at the very front. */
	void *front = xdp->data_hard_start + sizeof(struct xdp_frame);
	void *meta = min(xdp->data_meta, xdp->data);

	if (cut && xdp_buff_has_frags(xdp))
		return -EOPNOTSUPP;
	if ((long)room > meta - front ||
	    (long)cut > xdp->data_end - xdp->data - ETH_HLEN)
		return -ENOSPC;
	/* What another program left for those after it stays in front. */
	memmove(meta - room, meta, xdp->data - meta);
	xdp->data_meta -= room;
	xdp->data -= room;
	xdp->data_end -= cut;
	return 0;
}

__bpf_kfunc_end_defs();

BTF_KFUNCS_START(xdp_kfunc_ids)
BTF_ID_FLAGS(func, bpf_quic_xdp_owner, KF_TRUSTED_ARGS)
BTF_ID_FLAGS(func, bpf_quic_xdp_token, KF_TRUSTED_ARGS)
BTF_ID_FLAGS(func, bpf_quic_xdp_retry, KF_TRUSTED_ARGS)
BTF_ID_FLAGS(func, bpf_quic_xdp_resize, KF_TRUSTED_ARGS)
BTF_KFUNCS_END(xdp_kfunc_ids)

static const struct btf_kfunc_id_set xdp_kfunc_set = {
	.owner = THIS_MODULE,
	.set = &xdp_kfunc_ids,
};

int quic_bpf_xdp_init(void)
{
	return register_btf_kfunc_id_set(BPF_PROG_TYPE_XDP, &xdp_kfunc_set);
}
