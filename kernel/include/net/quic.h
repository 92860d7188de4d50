/* SPDX-License-Identifier: GPL-2.0 */
/*
 * QUIC for other kernel code: sockets, and below them what drivers implement
 * whose devices seal and open packets (docs/offload.md walks through one).
 *
 * A QUIC socket is made with sock_create_kern() and the protocol
 * IPPROTO_QUIC; kernel_bind(), kernel_listen(), kernel_accept(),
 * kernel_connect(), kernel_sendmsg() and kernel_recvmsg() do what their system
 * calls do, with control messages of level SOL_QUIC built by hand.  What is
 * missing are the socket options; they are here.
 *
 * For a TLS handshake by net/handshake the socket needs a struct file
 * (sock_alloc_file()).  net/handshake takes over sk_destruct for as long as it
 * lasts and gives it back; that is fine with these sockets.
 *
 * An option may be set and got in any process context, without the socket
 * lock.  Values are those of <linux/quic.h>.
 */
#ifndef _NET_QUIC_H
#define _NET_QUIC_H

#include <linux/bits.h>
#include <linux/in6.h>
#include <linux/skbuff.h>
#include <linux/sockptr.h>
#include <linux/quic.h>
#include <uapi/linux/tls.h>

struct net_device;
struct sock;

int quic_do_setsockopt(struct sock *sk, int optname, sockptr_t optval,
		       unsigned int optlen);
int quic_do_getsockopt(struct sock *sk, int optname, sockptr_t optval,
		       sockptr_t optlen);

/* ---- devices that seal and open packets ------------------------------------ */

/* The bit of a cipher, of TLS_CIPHER_*. */
#define QUIC_OFFLOAD_CIPHER(type)	BIT((type) - TLS_CIPHER_AES_GCM_128)

/* Bytes that an AEAD adds to a packet, with all four ciphers. */
#define QUIC_OFFLOAD_TAG	16

enum quic_offload_dir {
	QUIC_OFFLOAD_RX,
	QUIC_OFFLOAD_TX,
};

/**
 * struct quic_offload_caps - what a device can do
 * @tx_ciphers:	that it seals with, QUIC_OFFLOAD_CIPHER(); 0: it does not seal
 * @rx_ciphers:	that it opens with, likewise
 * @tx_segs:	most packets that it seals of one skb, at least 1; trains are no
 *		longer, whatever its GSO limits are
 *
 * Header protection (RFC 9001 section 5.4) belongs to both directions and is no
 * choice: its mask is made of the ciphertext, and the packet number that the
 * AEAD needs lies under it.  The cipher of the AEAD tells that of the mask.
 */
struct quic_offload_caps {
	u8 tx_ciphers;
	u8 rx_ciphers;
	u16 tx_segs;
};

/**
 * struct quic_offload_phase - packet protection of one key phase
 * @valid:	there is such a key
 * @key:	key of the AEAD, &quic_offload_key.key_len bytes
 * @iv:		RFC 9001 section 5.3: the nonce is it, XORed with the packet
 *		number, big endian, at its end
 */
struct quic_offload_phase {
	bool valid;
	u8 key[32];
	u8 iv[12];
};

/**
 * struct quic_offload_key - one direction of one connection, for one device
 * @dir:	whether it is for sealing or opening; never changes
 * @key_len:	bytes of each key, 16 or 32
 * @cipher:	TLS_CIPHER_*, one of the device's
 * @hp:		key of header protection; the same for both phases, for ever
 * @phase:	by the key phase bit (0x04 of the first byte, RFC 9001 section
 *		6).  One is valid when the key is added, the other one joins it
 *		with the first rotation.
 * @newest:	index of the newest of @phase
 * @cid_len:	RX: bytes of @cid, 8 to 20
 * @cid:	RX: destination ID of the packets to be opened.  It follows the
 *		first byte, and makes the offset of the packet number 1 + @cid_len.
 * @pn:		RX: highest packet number received before the key was added;
 *		from it the device decodes those that follow (RFC 9000 section
 *		A.3), going on from the highest it has opened itself.  A device
 *		that opens none of a few hundred packets gets the key again,
 *		with a new number.
 * @family:	RX: AF_INET or AF_INET6
 * @sport:	RX: UDP source port of these packets
 * @dport:	RX: ... and destination port
 * @saddr:	RX: IP source address; IPv4 as v4-mapped
 * @daddr:	RX: ... and destination address
 * @token:	RX: for quic_offload_opened() alone
 * @priv:	the driver's
 *
 * A device may tell an RX key by @cid alone, or by ports and addresses as well.
 * Everything but @priv is the core's, and changes only in the calls of
 * &struct quic_offload_ops.  Secrets: a driver that copies them wipes the copy.
 */
struct quic_offload_key {
	enum quic_offload_dir dir;
	u8 key_len;
	u16 cipher;
	u8 hp[32];
	struct quic_offload_phase phase[2];
	u8 newest;
	u8 cid_len;
	u8 cid[20];
	u64 pn;
	sa_family_t family;
	__be16 sport;
	__be16 dport;
	struct in6_addr saddr;
	struct in6_addr daddr;
	u8 token[QUIC_OFFLOAD_TAG];
	void *priv;
};

/**
 * struct quic_offload_stats - what a device has done since it was registered
 * @tx_packets:	sealed
 * @tx_bytes:	of them, from first byte to tag
 * @tx_dropped:	that came in plaintext and could not be sealed any more
 * @rx_packets:	opened
 * @rx_bytes:	of them
 * @rx_failed:	that matched a key and did not open; passed on as they came
 */
struct quic_offload_stats {
	u64 tx_packets;
	u64 tx_bytes;
	u64 tx_dropped;
	u64 rx_packets;
	u64 rx_bytes;
	u64 rx_failed;
};

/**
 * struct quic_offload_ops - a driver's part
 *
 * All are called in process context, may sleep, and are called one at a time
 * for each device, under a lock of ours.  They must not take RTNL, under which
 * they may be called, nor call quic_offload_register(),
 * quic_offload_unregister() or quic_offload_reset().
 */
struct quic_offload_ops {
	/**
	 * @key_add: a connection begins to use the device in one direction.
	 *
	 * The driver may keep @key until @key_del and sets key->priv.
	 * Return: 0, or -errno: there is no room (-ENOSPC), or it failed.  Then
	 * the CPU does the work, and there will be no @key_del.  It is tried
	 * again when a key of this device was deleted, or it was reset.
	 */
	int (*key_add)(struct net_device *dev, struct quic_offload_key *key);

	/**
	 * @key_rotate: a key update; key->phase[key->newest] is new.
	 *
	 * TX: packets of the other phase may still be in the qdisc and are to
	 * be sealed with its key.  RX: late packets of the other phase come for
	 * about three probe timeouts; with no room for two keys the device
	 * keeps the newest one.  Never more than two phases are in use.
	 * Return: 0 or -errno; then @key_del follows.
	 */
	int (*key_rotate)(struct net_device *dev, struct quic_offload_key *key);

	/**
	 * @key_del: the key is not used any more.
	 *
	 * TX: quic_offload_tx() gives the key to nobody any more, and a grace
	 * period has passed since; packets in the device's rings are the
	 * driver's to wait for.  RX: after return nothing may be marked with
	 * it.  key->priv is free to go, and @key goes on return.  Cannot fail:
	 * the hardware may be stopped, or have forgotten the key.
	 */
	void (*key_del)(struct net_device *dev, struct quic_offload_key *key);

	/**
	 * @get_stats: add up what the device has counted; @stats is zeroed.
	 *
	 * At any time between registration and its end.  Optional.
	 */
	void (*get_stats)(struct net_device *dev,
			  struct quic_offload_stats *stats);
};

/**
 * struct quic_offload_tx - what is to be sealed in an skb
 * @key:	with this key, by ...
 * @phase:	... this of its phases
 * @segs:	packets; each has a datagram of its own on the wire
 * @size:	bytes of each, tag included; the last one may be shorter
 * @off:	where the first begins, from skb->data: after the UDP header.  They
 *		follow each other without gaps.
 * @pn:		packet number of the first; the next ones have the next numbers
 * @hdr_len:	bytes of each header, packet number included: the AEAD's
 *		associated data
 * @pn_off:	where in it the packet number begins
 *
 * The header is there as it is before header protection; the text follows it
 * up to the last QUIC_OFFLOAD_TAG bytes, which the tag replaces.
 */
struct quic_offload_tx {
	struct quic_offload_key *key;
	u8 phase;
	u16 segs;
	u16 size;
	u32 off;
	u64 pn;
	u8 hdr_len;
	u8 pn_off;
};

/**
 * quic_offload_register() - a device seals or opens packets from now on
 * @dev:	the device.  To seal it has to compute UDP checksums, too
 *		(NETIF_F_HW_CSUM, or one of each family).
 * @ops:	the driver's functions; must outlive the registration
 * @caps:	what it can do; copied
 *
 * Connections whose route leads through @dev begin to use it by themselves.
 * Context: process; with or without RTNL.
 * Return: 0; -EINVAL if a function but get_stats is missing, no cipher is named,
 * or a device that seals names no tx_segs or has no such feature; -EEXIST if the
 * device is registered; -ENOMEM; -EOPNOTSUPP if the kernel does not validate what
 * sockets send (CONFIG_SOCK_VALIDATE_XMIT).
 */
int quic_offload_register(struct net_device *dev,
			  const struct quic_offload_ops *ops,
			  const struct quic_offload_caps *caps);

/**
 * quic_offload_unregister() - a device does not any more
 * @dev:	the device; nothing happens if it is not registered
 *
 * Every key is deleted before this returns; connections go on by the CPU.  A
 * packet that is in the device's qdisc may still come in plaintext:
 * quic_offload_tx() tells, and it has to be dropped.  A device that is
 * unregistered as such loses its registration by itself.
 * Context: process; with or without RTNL.
 */
void quic_offload_unregister(struct net_device *dev);

/**
 * quic_offload_reset() - a device has lost its keys
 * @dev:	the device; registered
 *
 * To be called when it takes keys again.  The driver gets a key_del for each
 * that it had, and connections add theirs again when they next send.  Packets
 * that came in plaintext meanwhile are dropped, which they get over as over any
 * loss.
 * Context: process; with or without RTNL.
 */
void quic_offload_reset(struct net_device *dev);

/**
 * quic_offload_opened() - a device has opened a received packet
 * @skb:	it is in here, alone or with others: those that are not told of are
 *		opened by the CPU
 * @key:	the key that opened it
 * @pn:		the packet's whole number, of which the nonce was made
 * @off:	where the packet begins, from skb->data: after the UDP header
 * @len:	its bytes, tag included
 *
 * The packet lies where it came, as long as it came: its header protection is
 * removed, its text decrypted, its tag verified, and its UDP checksum, which
 * ciphertext entered, also (CHECKSUM_UNNECESSARY).  Whatever did not verify is
 * passed on as it came, without this call.  So is what an XDP program will see.
 *
 * Where the tag was, the stack finds who opened the packet.  The skb can be
 * received only: to send it, through a bridge for one, would send plaintext,
 * and the kernel drops it.  It gets the type PACKET_KERNEL, which has to stay,
 * and another hash: the driver calls eth_type_trans() and skb_set_hash() before.
 * The skb is the driver's alone, no clone.
 * Context: any, while key_del cannot return: softirq.
 * Return: 0 or -errno, then the skb has to be dropped: -EACCES if somebody began
 * to look at what the device receives; it will lose its keys.
 */
int quic_offload_opened(struct sk_buff *skb, const struct quic_offload_key *key,
			u64 pn, u32 off, u32 len);

/* The part of quic_offload_tx() that is no inline function. */
int quic_offload_tx_train(const struct net_device *dev,
			  const struct sk_buff *skb,
			  struct quic_offload_tx *tx);

/**
 * quic_offload_tx() - has the device anything to seal in this skb?
 * @dev:	the device, from its ndo_start_xmit()
 * @skb:	what it was given, with the socket: ask before skb_orphan(), and give a
 *		copy the socket first (skb_set_owner_w())
 * @tx:		out: what is to be sealed, if there is
 *
 * Context: RCU read section, as ndo_start_xmit() has it.
 * Return: 0: nothing, send it as it is.  1: seal what @tx says and compute UDP
 * checksums over the result (ip_summed is CHECKSUM_PARTIAL).  -errno: it is
 * plaintext for which there is no key any more, and has to be dropped.
 */
static inline int quic_offload_tx(const struct net_device *dev,
				  const struct sk_buff *skb,
				  struct quic_offload_tx *tx)
{
	if (likely(!skb_is_decrypted(skb)))
		return 0;
	return quic_offload_tx_train(dev, skb, tx);
}

#endif
