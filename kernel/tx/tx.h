/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of tx/ share and nobody else needs. */
#ifndef KQUIC_TX_H
#define KQUIC_TX_H

#include "../conn.h"
#include "../crypto/train.h"

/* A train while it is built: per CPU, BH off. */
struct quic_tx {
	struct quic_conn *c;
	struct sk_buff *skb;
	struct page_frag *frag;	/* where packets are laid out */
	u64 now;
	u16 data_pkts;		/* that carry STREAM frames */
	u16 eliciting;		/* packets that are */
	u32 records;		/* frames in them */
	u32 retrans;		/* bytes of them that were sent before */
	bool own_size;		/* packets are as short as the first one */
	bool ect;		/* packets bear ECT(0) */
	u8 run_flags;		/* QUIC_SENT_* of a run's packets */
	u8 level;		/* of the train: APP, or EARLY */
	bool drop_initial;	/* a client sent its first Handshake packet */
	struct quic_train train;
};

/* What may be sent now; tx/sched.c. */
struct quic_allowance {
	u16 pkts;		/* packets of full size */
	bool data;		/* ack-eliciting frames are allowed */
	bool probe;		/* a PTO asks for them, whatever the window */
};

bool quic_sched_app(struct quic_conn *c, bool data, u64 now,
		    struct quic_allowance *a);
/* The stream to send from, with its run; NULL: none can send. */
struct quic_stream *quic_sched_stream(struct quic_conn *c, u64 *off, u32 *len,
				      bool *fin);
void quic_sched_sent(struct quic_conn *c, struct quic_stream *s, u32 len);
u32 quic_sched_turn(const struct quic_stream *s);
bool quic_sched_others(const struct quic_conn *c, const struct quic_stream *s);
bool quic_sched_handshake_fits(const struct quic_conn *c);
bool quic_sched_space_wants(struct quic_conn *c, enum quic_space_id id,
			    u64 now);
bool quic_sched_has_more(struct quic_conn *c);
bool quic_sched_has_data(struct quic_conn *c);
bool quic_sched_idle(struct quic_conn *c, bool data, u64 now);

/* RFC 9000 section 17.4: no bit spins for observers.  It is as random as the
 * connection ID, and the same in all packets that bear it.
 */
static inline bool quic_tx_spin(const struct quic_cid *dest)
{
	return dest->len && dest->id[0] & 1;
}

/* tx/pace.c */
bool quic_pace_blocked(struct quic_conn *c, u64 now);
u32 quic_pace_train_bytes(const struct quic_conn *c);
/* @bytes leave; their departure time for the skb, 0: at once. */
u64 quic_pace_sent(struct quic_conn *c, u64 now, u32 bytes);
/* When what must not overtake them leaves, likewise. */
u64 quic_pace_last(const struct quic_conn *c, u64 now);

/* tx/frames.c: fill a packet */
struct quic_pkt_build {
	struct quic_out o;
	struct quic_sent_frame frames[QUIC_SENT_MAX_FRAMES];
	u8 n_frames;
	bool eliciting;
	bool in_flight;
	bool stream;		/* carries STREAM frames */
	bool dgram;		/* carries DATAGRAM frames */
	bool done;		/* nothing may follow: data runs to the end */
	u32 retrans;
	/* the rest of the plaintext, sealed from where it lies */
	struct sk_buff *src;
	u32 src_off;
	u32 src_len;
};

/* If one is owed, or if @again is set what the last one said. */
void quic_frames_ack(struct quic_conn *c, struct quic_pkt_build *b,
		     enum quic_space_id id, u64 now, bool again);
void quic_frames_crypto(struct quic_conn *c, struct quic_pkt_build *b,
			enum quic_space_id id);
void quic_frames_control(struct quic_conn *c, struct quic_pkt_build *b);
void quic_frames_datagrams(struct quic_conn *c, struct quic_pkt_build *b);
void quic_frames_streams(struct quic_conn *c, struct quic_pkt_build *b);
void quic_frames_ping(struct quic_pkt_build *b);
void quic_frames_immediate_ack(struct quic_pkt_build *b);

/* tx/build.c: lay out what leaves as one skb; packets built, or -errno */
int quic_build_train(struct quic_tx *tx, const struct quic_allowance *a);
/* Initial and Handshake packets, coalesced; bytes, or -errno. */
int quic_build_datagram(struct quic_tx *tx);

/* tx/run.c */
u16 quic_build_run(struct quic_tx *tx, u8 *p, u16 size, u16 max);

/* tx/seal.c */
int quic_seal(struct quic_conn *c, u8 level, struct quic_train *t);
bool quic_seal_device(struct quic_tx *tx);
bool quic_seal_later(struct quic_tx *tx, u16 size, u8 ecn, u64 departure);

/* tx/xmit.c */
struct sk_buff *quic_xmit_alloc(const struct quic_path *p, u32 linear);
void quic_xmit(struct quic_conn *c, struct quic_path *p, struct sk_buff *skb,
	       u16 segs, u16 size, u8 ecn, u64 departure);
void quic_xmit_count(struct quic_path *p, u32 bytes);
void quic_xmit_now(struct quic_conn *c, struct quic_path *p,
		   struct sk_buff *skb, u16 segs, u16 size, u8 ecn,
		   u64 departure);

/* tx/stateless.c: datagrams without a connection; BH off */
struct sk_buff *quic_stateless_alloc(u32 len);
bool quic_stateless_send(struct quic_udp *udp, const union quic_addr *local,
			 const union quic_addr *peer, struct sk_buff *skb);

#endif
