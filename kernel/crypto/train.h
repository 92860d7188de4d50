/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The train: up to 64 packets of one connection that are sealed, opened and
 * passed on together (DESIGN section 3).  Both directions share the struct;
 * it lives in per-CPU scratch while BH is off, or with an asynchronous
 * provider until it completes.
 */
#ifndef KQUIC_CRYPTO_TRAIN_H
#define KQUIC_CRYPTO_TRAIN_H

#include <linux/types.h>

struct sk_buff;

#define QUIC_TRAIN_MAX	64

/**
 * struct quic_pkt - one packet of a train
 * @data:	first byte; the packet is contiguous in memory
 * @pn:		full packet number
 * @len:	bytes of the packet, tag included
 * @hdr_len:	header up to and including packet number (the AAD)
 * @pn_off:	where the packet number begins
 * @clear_len:	tx: bytes from @data that are in place (header and frames);
 *		the rest of the plaintext comes from @src
 * @src:	tx: send-queue skb that holds the rest; the data may run on into
 *		@src->next.  NULL: all in place
 * @src_off:	tx: offset into @src
 * @status:	0, or why it could not be opened (-EBADMSG)
 */
struct quic_pkt {
	u8 *data;
	u64 pn;
	u16 len;
	u16 hdr_len;
	u16 pn_off;
	u16 clear_len;
	struct sk_buff *src;
	u32 src_off;
	int status;
};

/**
 * struct quic_train - packets that are sealed or opened together
 * @n:		how many
 * @opened:	rx: by a network device, all of them
 * @pkt:	the packets
 */
struct quic_train {
	u16 n;
	bool opened;
	struct quic_pkt pkt[QUIC_TRAIN_MAX];
};

#endif
