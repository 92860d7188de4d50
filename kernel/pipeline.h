/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Every stage of both directions, in packet order: read this first.
 *
 *   receive                                  send
 *   -------                                  ----
 *   NIC, GRO, veth or lo                     sock/sendmsg   user bytes
 *   rx/udp        super-skb = train          stream/sbuf    ... stay here
 *   rx/demux      connection ID -> socket    tx/push        while allowed
 *   rx/gather     single packets: a train    tx/sched       what, how much
 *   rx/initial    first contact -> listener  tx/build       headers, frames
 *   rx/train      datagrams -> packets       tx/run         full packets
 *   rx/open       header protection, AEAD    tx/seal        AEAD from pages
 *   rx/packet     numbers, levels            tx/xmit        one GSO skb
 *   rx/frames     the frame table
 *   rx/deliver    one ACK, wakeup, kick
 *   sock/recvmsg  one copy to the user
 *
 * Where a crypto provider completes trains later, they wait in conn/jobs
 * between rx/open and rx/packet, and between tx/seal and tx/xmit.  A network
 * device that seals leaves tx/seal out, one that opens rx/open: conn/offload.
 *
 * Crossings: an ACK frame acts on recovery/, which calls the frame owner's
 * acked and lost (tx/sent.c); whoever wants to send calls quic_tx_kick().
 * rx/ includes no header of tx/ and the reverse.
 *
 * Contexts: everything from rx/train to rx/deliver and from tx/push to tx/xmit
 * runs with the socket lock held and BH off, in softirq or in process
 * context (backlog, sendmsg).
 */
#ifndef KQUIC_PIPELINE_H
#define KQUIC_PIPELINE_H

#include "conn.h"

struct quic_train;

extern struct workqueue_struct *quic_wq;	/* main.c */

/* ==== receive ============================================================ */

/* rx/udp.c: one kernel UDP socket per local address, shared */
struct quic_udp {
	struct list_head list;		/* quic_net()->udp, its udp_lock */
	struct socket *sock;		/* I; that of CPU 0, if there are @more */
	struct socket **more;		/* A; udp_lock; those of other CPUs */
	u32 n_more;			/* A; likewise */
	struct net *net;		/* I; not counted: users hold it */
	union quic_addr addr;		/* I; as bound */
	int ifindex;			/* I */
	refcount_t ref;
	spinlock_t lock;		/* the two lists below */
	struct hlist_head listeners;	/* A; lock, and RCU for readers */
	struct hlist_head clients;	/* A; lock */
	bool validate;			/* A; lock; a listener wants Retry */
	bool greased;			/* A; lock; one takes any QUIC bit */
	struct work_struct work;	/* closes it */
};

struct quic_udp *quic_udp_get(struct net *net, const union quic_addr *addr,
			      int ifindex, bool v6only);
void quic_udp_spread(struct quic_udp *udp);
bool quic_udp_covers(const struct quic_udp *udp, const union quic_addr *addr);
void quic_udp_hold(struct quic_udp *udp);
void quic_udp_put(struct quic_udp *udp);

/* rx/demux.c */
void quic_rx_demux(struct quic_udp *udp, struct sk_buff *skb);
/* Lock the socket and process, or leave it to the backlog. */
void quic_rx_hand_over(struct sock *sk, struct sk_buff *skb);
/* Take a train under the socket lock, now or from the backlog. */
int quic_rx_backlog(struct sock *sk, struct sk_buff *skb);

/* rx/initial.c: from first Initial to the accept queue */
struct quic_req {
	struct list_head all;		/* A; rx/initial's own lock */
	struct list_head link;		/* A; listener's pending, its lock */
	struct sock *listener;		/* A; likewise; NULL: none */
	struct quic_cid_node *node;	/* I; by the client's first ID */
	struct quic_cid_node *ours;	/* worker, then accept(); by the ID that
					 * we have told; NULL: none yet
					 */
	u32 n_told;			/* likewise; Initials that we sent */
	u32 told_bytes;			/* likewise */
	struct sk_buff_head skbs;	/* A; its lock; datagrams so far */
	u32 bytes;			/* A; likewise; in them */
	union quic_addr src;		/* I; ours */
	union quic_addr dst;		/* I; the client's */
	struct quic_cid odcid;		/* I; where the first Initial went */
	struct quic_cid dcid;		/* I; where this one did */
	struct quic_cid scid;		/* I; the client's own */
	struct quic_udp *udp;		/* I; counted */
	struct net *net;		/* I */
	struct quic_hello *hello;	/* worker only: CRYPTO bytes so far */
	struct work_struct work;
	struct rcu_head rcu;
	unsigned long born;		/* I; jiffies */
	u32 version;			/* I */
	u32 cpu;			/* worker; the owner: where the first
					 * Initial came, then the CPU that its
					 * listener serves
					 */
	refcount_t ref;
	bool accepted;			/* A; skbs.lock */
	bool routed;			/* a listener has it, or none will */
	bool authentic;			/* worker only: one Initial was good */
	bool retried;			/* I; @dcid comes from our Retry */
	bool validated;			/* I; by a token */
	bool bad_token;			/* I; a Retry's, and not valid */
};

void quic_initial_exit(void);
void quic_initial_flush(const struct net *net);	/* NULL: all */
void quic_initial_rcv(struct quic_udp *udp, struct sk_buff *skb,
		      const struct quic_hdr *h);
void quic_req_rcv(struct quic_req *req, struct sk_buff *skb);
void quic_req_put(struct quic_req *req);
bool quic_req_claim(struct quic_req *req);	/* to be accepted */
void quic_req_drop(struct quic_req *req);	/* never will be */

/* rx/open.c */
int quic_rx_unprotect(struct quic_conn *c, u8 level, struct quic_train *t);
bool quic_rx_other_phase(const struct quic_conn *c, const struct quic_train *t);
int quic_rx_decrypt(struct quic_conn *c, u8 level, struct quic_train *t);
void quic_rx_opened(struct quic_conn *c, u8 level, struct quic_train *t);
int quic_rx_open(struct quic_conn *c, u8 level, struct quic_train *t);
/* rx/train.c */
int quic_rx_init(void);
void quic_rx_exit(void);
void quic_rx_train(struct quic_conn *c, struct sk_buff *skb);
void quic_rx_parked(struct quic_conn *c);
/* rx/frames.c; 0, -ENOBUFS (do not acknowledge), or a transport error > 0 */
struct quic_rx_seen {
	bool eliciting;
	bool data;		/* STREAM frames */
	bool more;		/* than probes of a path, RFC 9000 section 9.1 */
};

int quic_rx_frames(struct quic_conn *c, u8 level, const u8 *payload, u32 len,
		   const struct quic_rx_src *src, struct quic_rx_seen *seen);
/* rx/deliver.c */
void quic_rx_deliver(struct quic_conn *c, u64 now, bool heard);

/* ==== send =============================================================== */

/* tx/push.c */
void quic_tx_kick(struct quic_conn *c);	/* something wants to be sent */
void quic_tx_push(struct quic_conn *c);	/* send it now: lock held */
void quic_tx_flush(struct quic_conn *c);	/* likewise, before a close */
int quic_tx_init(void);
void quic_tx_exit(void);

/* tx/probe.c: one datagram by itself */
struct quic_probe {
	u16 size;		/* of the datagram; smaller if only less may
				 * leave, and never too small for its frames
				 */
	bool ping;
	u64 ping_id;		/* comes back in acked_ping() or lost_ping() */
	const u8 *challenge;	/* 8 bytes, or NULL */
	const u8 *response;	/* likewise */
};

int quic_tx_probe(struct quic_conn *c, struct quic_path *p,
		  const struct quic_probe *what);

/* tx/sent.c: what becomes of the frames that were sent */
extern const struct quic_recovery_ops quic_sent_ops;

/* tx/close.c */
bool quic_tx_close(struct quic_conn *c);	/* build and send */
void quic_tx_close_again(struct quic_conn *c);	/* RFC 9000 section 10.2.1 */

/* tx/contact.c: to a client that has no connection yet */
void quic_tx_acknowledge(struct quic_req *req, const struct quic_ack *ack);
/* RFC 9000 section 10.2.3 */
void quic_tx_refuse(struct quic_req *req, u64 code);

/* tx/stateless.c */
int quic_tx_write_retry(struct net *net, const union quic_addr *peer,
			const struct quic_hdr *h, u8 *to, u32 room);
void quic_tx_retry(struct quic_udp *udp, const union quic_addr *local,
		   const union quic_addr *peer, const struct quic_hdr *h);
void quic_tx_versions(struct quic_udp *udp, const union quic_addr *local,
		      const union quic_addr *peer, const struct quic_hdr *h);
void quic_tx_reset(struct quic_udp *udp, const union quic_addr *local,
		   const union quic_addr *peer, const u8 *id, u8 id_len,
		   u32 trigger);

/* ==== connection ========================================================= */

/* conn/lifecycle.c */
struct quic_conn *quic_conn_new(struct sock *sk, bool is_server, u32 version);
void quic_conn_free(struct quic_conn *c);
void quic_conn_free_space(struct quic_conn *c, enum quic_space_id id);
int quic_conn_init(void);
void quic_conn_exit(void);
int quic_conn_connect(struct quic_conn *c);
int quic_conn_accept(struct quic_conn *c, struct quic_req *req);
/* Close: tell the peer @code and enter closing. */
void quic_conn_abort(struct quic_conn *c, u64 code, u64 frame,
		     const char *phrase);
void quic_conn_close_app(struct quic_conn *c);
void quic_conn_peer_closed(struct quic_conn *c, const struct quic_frame *f);
void quic_conn_peer_reset(struct quic_conn *c);	/* RFC 9000 section 10.3 */
/* Silently (idle timeout and the like): @err for SO_ERROR. */
void quic_conn_dead(struct quic_conn *c, int err);
/* The socket is going: drop everything that the close timers do not need. */
void quic_conn_drop_data(struct quic_conn *c);

/* conn/state.c */
void quic_conn_set_state(struct quic_conn *c, enum quic_conn_state state);

/* conn/handshake.c: secrets, parameters, confirmation */
int quic_conn_set_secret(struct quic_conn *c,
			 const struct quic_crypto_secret *s);
int quic_conn_set_initial_keys(struct quic_conn *c);
void quic_conn_tparams_from_user(struct quic_tparams *tp,
				 const struct quic_transport_param *p);
int quic_conn_set_peer_tparams(struct quic_conn *c, const u8 *buf, u32 len);
int quic_conn_get_local_tparams(struct quic_conn *c, u8 *buf, u32 len);
void quic_conn_apply_config(struct quic_conn *c);
void quic_conn_confirmed(struct quic_conn *c);
void quic_conn_discard_space(struct quic_conn *c, enum quic_space_id id);
u64 quic_conn_max_ack_delay(const struct quic_conn *c);	/* ours, ns */

/* sock/congestion.c: which algorithm, how wide a window at most (bytes) */
void quic_congestion_start(struct quic_conn *c);
u64 quic_congestion_window_max(void);

/* conn/key_update.c */
int quic_key_update_start(struct quic_conn *c, bool send, const u8 *secret);
void quic_key_update_free(struct quic_conn *c);
int quic_key_update_ask(struct quic_conn *c);
int quic_key_update_open(struct quic_conn *c, struct quic_train *t);
int quic_key_update_accept(struct quic_conn *c, struct quic_train *t);
bool quic_key_update_due(struct quic_conn *c);
void quic_key_update_settle(struct quic_conn *c, u64 now);

/* conn/version.c */
u32 quic_version_pick(const struct quic_conn *c, const u32 *list, u32 n);
void quic_version_restart(struct quic_conn *c, u32 version);
bool quic_version_hello_again(struct quic_conn *c);
bool quic_version_may_follow(const struct quic_conn *c, u32 version);
int quic_version_switch(struct quic_conn *c, u32 version);
void quic_version_forget_first(struct quic_conn *c);
void quic_version_tell(struct quic_conn *c, struct quic_tparams *tp);
int quic_version_learn(struct quic_conn *c, const struct quic_tparams *tp);

/* conn/reset.c: stateless reset */
#define QUIC_RESET_MIN	21	/* RFC 9000 section 10.3 */
void quic_reset_net_init(struct net *net);
void quic_reset_token(const struct net *net, const u8 *id, u8 len, u8 *token);
void quic_reset_watch(struct quic_conn *c, struct quic_remote_cid *r);
void quic_reset_forget(struct quic_remote_cid *r);
struct quic_cid_node *quic_reset_find(struct net *net,
				      const struct sk_buff *skb);
bool quic_reset_seen(struct quic_conn *c, const u8 *p, u32 len);

/* conn/validate.c: path validation */
void quic_validate_start(struct quic_conn *c, struct quic_path *p);
void quic_validate_stop(struct quic_path *p);
void quic_validate_on_challenge(struct quic_conn *c, struct quic_path *p,
				const u8 *data);
void quic_validate_on_response(struct quic_conn *c, const u8 *data);
void quic_validate_send(struct quic_conn *c);	/* lock held, in a push */
void quic_validate_rearm(struct quic_conn *c, u64 now);
void quic_validate_on_timer(struct quic_conn *c, u64 now);

/* conn/migrate.c: which paths there are, and which one is used */
struct quic_path *quic_migrate_find(const struct quic_conn *c,
				    const union quic_addr *src,
				    const union quic_addr *dst);
bool quic_migrate_knows(const struct quic_conn *c, const struct quic_path *p);
bool quic_migrate_may(const struct quic_conn *c, const union quic_addr *src);
struct quic_path *quic_migrate_add(struct quic_conn *c,
				   const union quic_addr *src,
				   const union quic_addr *dst);
struct quic_path *quic_migrate_candidate(struct quic_conn *c,
					 const union quic_addr *src,
					 const union quic_addr *dst,
					 const u8 *id, u8 len);
void quic_migrate_on_newest(struct quic_conn *c, struct quic_path *p);
void quic_migrate_on_cids(struct quic_conn *c);
void quic_migrate_validated(struct quic_conn *c, struct quic_path *p);
void quic_migrate_failed(struct quic_conn *c, struct quic_path *p);
void quic_migrate_leave(struct quic_conn *c, struct quic_path *p);
struct quic_udp *quic_migrate_udp(const struct quic_conn *c,
				  const union quic_addr *addr);
int quic_migrate_local(struct quic_conn *c, const union quic_addr *addr);
void quic_migrate_free(struct quic_conn *c);

/* conn/preferred.c: the server's preferred address */
int quic_preferred_set(struct quic_conn *c, const union quic_addr *addr);
bool quic_preferred_is(const struct quic_conn *c, const union quic_addr *addr);
void quic_preferred_tparam(struct quic_conn *c, struct quic_tparams *tp);
void quic_preferred_learn(struct quic_conn *c, const struct quic_tparams *tp);
void quic_preferred_go(struct quic_conn *c);
void quic_preferred_free(struct quic_conn *c);

/* conn/offload.c: packet protection by network devices */
u16 quic_offload_segs(const struct quic_conn *c);
bool quic_offload_take(struct quic_conn *c, struct quic_train *t,
		       struct sk_buff *skb);
bool quic_offload_is_open(struct quic_conn *c, const u8 *p, u32 len);
bool quic_offload_has_number(const struct quic_conn *c,
			     const struct quic_pkt *p);
void quic_offload_numbers(struct quic_train *t);
/* conn/offload_keys.c: the keys that they have */
void quic_offload_kick(struct quic_conn *c);
u32 quic_offload_active(struct quic_conn *c);
void quic_offload_free(struct quic_conn *c);

/* conn/ticket.c */
int quic_ticket_expect(struct quic_conn *c);
int quic_ticket_on_data(struct quic_conn *c, const u8 *p, u32 len);
int quic_ticket_set(struct sock *sk, void *val, u32 len);
int quic_ticket_get(struct sock *sk, void *val, u32 len);
void quic_ticket_free(struct quic_conn *c);

/* conn/early.c */
int quic_early_remember(struct quic_conn *c,
			const struct quic_transport_param *p);
int quic_early_result(struct quic_conn *c, u32 result);
void quic_early_on_tparams(struct quic_conn *c);
void quic_early_end(struct quic_conn *c);
void quic_early_free(struct quic_conn *c);

/* conn/cid.c */
int quic_cid_init(void);
void quic_cid_exit(void);
struct quic_cid_node *quic_cid_lookup(struct net *net, const u8 *id, u8 len,
				      const union quic_addr *peer);
struct quic_cid_node *quic_cid_find(struct net *net, const u8 *id, u32 have);
u8 quic_cid_len(struct net *net, const u8 *id, u32 have);
struct quic_cid_node *quic_cid_insert(struct net *net,
				      const struct quic_cid *cid,
				      const union quic_addr *peer,
				      struct quic_conn *c, struct quic_req *req,
				      gfp_t gfp);
void quic_cid_remove(struct quic_cid_node *node);
/* The CPU that owns what is behind @node.  Under RCU. */
static inline u32 quic_cid_cpu(const struct quic_cid_node *node)
{
	return READ_ONCE(node->cpu);
}

struct quic_cid_node *quic_cid_make(struct net *net, struct quic_conn *c,
				    struct quic_req *req, gfp_t gfp);
struct quic_local_cid *quic_cid_new_local(struct quic_conn *c, gfp_t gfp);
void quic_cid_take_over(struct quic_conn *c, struct quic_cid_node *node);
void quic_cid_free_all(struct quic_conn *c);
struct quic_local_cid *quic_cid_local(struct quic_conn *c, u64 seq);
bool quic_cid_is_ours(const struct quic_conn *c, const u8 *id, u8 len);
void quic_cid_info(const struct quic_conn *c, bool dest,
		   struct quic_connection_id_info *info);
void quic_cid_tell(struct quic_conn *c, bool dest);	/* the event */
int quic_cid_retire_ours(struct quic_conn *c, u64 prior);
int quic_cid_on_retire(struct quic_conn *c, u64 seq);
void quic_cid_offer(struct quic_conn *c);	/* issue up to the peer's limit */

/* conn/cid_peer.c: those the peer has issued */
void quic_cid_set_dest(struct quic_conn *c, const struct quic_cid *cid,
		       const u8 *token);
int quic_cid_on_new(struct quic_conn *c, const struct quic_frame *f);
void quic_cid_add_preferred(struct quic_conn *c, const struct quic_cid *cid,
			    const u8 *token);
bool quic_cid_spare(const struct quic_conn *c);
bool quic_cid_for_path(struct quic_conn *c, struct quic_path *p);
void quic_cid_leave(struct quic_conn *c, struct quic_path *p);
void quic_cid_set_ours(struct quic_conn *c, struct quic_path *p, const u8 *id,
		       u8 len);
void quic_cid_on_ours(struct quic_conn *c, struct quic_path *p, const u8 *id,
		      u8 len);
int quic_cid_choose(struct quic_conn *c,
		    const struct quic_connection_id_info *info);

/* conn/pmtud.c */
void quic_pmtud_push(struct quic_conn *c);
void quic_pmtud_acked(struct quic_conn *c, u64 id);
void quic_pmtud_lost(struct quic_conn *c, u64 id);
void quic_pmtud_check(struct quic_conn *c);
/* ICMP, about a packet to the ID of @quoted; false: it changes nothing. */
bool quic_pmtud_on_too_big(struct quic_conn *c,
			   const struct quic_cid_node *quoted, u32 mtu);

/* conn/ackfreq.c */
bool quic_ackfreq_offer(const struct quic_conn *c);	/* our min_ack_delay */
void quic_ackfreq_update(struct quic_conn *c);
u64 quic_ackfreq_delay(const struct quic_conn *c);
int quic_ackfreq_on_frame(struct quic_conn *c, const struct quic_frame *f);
int quic_ackfreq_on_immediate(struct quic_conn *c);
/* Does the peer understand ACK_FREQUENCY and IMMEDIATE_ACK? */
static inline bool quic_ackfreq_agreed(const struct quic_conn *c)
{
	return c->peer.min_ack_delay != QUIC_NO_MIN_ACK_DELAY;
}

/* conn/timer.c */
void quic_timer_init(struct quic_conn *c);
void quic_timer_commit(struct quic_conn *c);	/* arm for the earliest */
void quic_timer_stop(struct quic_conn *c);
void quic_timer_run(struct quic_conn *c);
void quic_timer_on_refused(struct quic_conn *c);
void quic_timer_on_rx(struct quic_conn *c, u64 now);
void quic_timer_on_tx(struct quic_conn *c, u64 now);

/* ==== streams ============================================================ */

/* stream/table.c */
int quic_stream_init(void);
void quic_stream_exit(void);
void quic_streams_init(struct quic_conn *c);
void quic_streams_free(struct quic_conn *c);
struct quic_stream *quic_stream_find(struct quic_conn *c, u64 id);
/* Open ours: @id -1 picks the next; -EAGAIN at the peer's limit. */
struct quic_stream *quic_stream_open(struct quic_conn *c, s64 id, bool uni);
/* For a frame: opens the peer's; NULL with *@err = 0: closed already. */
struct quic_stream *quic_stream_for_frame(struct quic_conn *c, u64 id,
					  bool send_side, int *err);
bool quic_stream_was_opened(const struct quic_conn *c, u64 id);
bool quic_stream_local(const struct quic_conn *c, u64 id);
void quic_stream_maybe_free(struct quic_conn *c, struct quic_stream *s);
/* The next one of the peer's that has no file descriptor yet, or NULL. */
struct quic_stream *quic_stream_fresh(struct quic_conn *c);
/* 0-RTT was accepted: no limit is lower than the peer's first. */
void quic_stream_raise(struct quic_conn *c, struct quic_stream *s);
/* 0-RTT was rejected: nothing of it was ever sent. */
void quic_stream_rewind(struct quic_conn *c, struct quic_stream *s);
void quic_stream_want_ctl(struct quic_conn *c, struct quic_stream *s, u8 ctl);

/* stream/send.c */
int quic_stream_send(struct quic_conn *c, struct quic_stream *s,
		     struct msghdr *msg, size_t len, bool fin);
void quic_stream_want_send(struct quic_conn *c, struct quic_stream *s);
void quic_streams_want_send(struct quic_conn *c);
void quic_stream_set_priority(struct quic_conn *c, struct quic_stream *s,
			      u8 urgency, bool incremental);
int quic_stream_reset(struct quic_conn *c, struct quic_stream *s, u64 code);
void quic_stream_on_acked(struct quic_conn *c, const struct quic_sent_frame *f);
void quic_stream_on_lost(struct quic_conn *c, const struct quic_sent_frame *f);
void quic_stream_on_reset_acked(struct quic_conn *c, u64 id);
int quic_stream_on_stop(struct quic_conn *c, u64 id, u64 code);

/* stream/recv.c */
int quic_stream_on_data(struct quic_conn *c, const struct quic_frame *f,
			const struct quic_rx_src *src);
int quic_stream_on_reset(struct quic_conn *c, u64 id, u64 code, u64 final);
int quic_stream_stop(struct quic_conn *c, struct quic_stream *s, u64 code);
void quic_stream_abandon(struct quic_conn *c, struct quic_stream *s);
void quic_stream_split(struct quic_conn *c, struct quic_stream *s);
/* The reader took @len bytes of @s, and its FIN. */
void quic_stream_consumed(struct quic_conn *c, struct quic_stream *s, u32 len,
			  bool fin);

/* stream/datagram.c */
u32 quic_dgram_max(const struct quic_conn *c);
int quic_dgram_send(struct quic_conn *c, struct msghdr *msg, size_t len);
void quic_dgram_done(struct quic_conn *c, bool sent);
void quic_dgram_purge(struct quic_conn *c);
int quic_dgram_on_frame(struct quic_conn *c, const struct quic_frame *f,
			const struct quic_rx_src *src);
int quic_dgram_read(struct quic_conn *c, struct msghdr *msg, size_t len,
		    bool peek, bool *eor);
static inline bool quic_dgram_waits(const struct quic_conn *c)
{
	return !skb_queue_empty(&c->dgrams.q);
}

/* stream/flow.c */
int quic_flow_on_recv(struct quic_conn *c, struct quic_stream *s, u64 end);
void quic_flow_credit(struct quic_conn *c, struct quic_stream *s, u64 bytes);
void quic_flow_on_max_data(struct quic_conn *c, u64 max);
int quic_flow_on_max_stream_data(struct quic_conn *c, u64 id, u64 max);
int quic_flow_on_max_streams(struct quic_conn *c, bool uni, u64 max);
void quic_flow_stream_closed(struct quic_conn *c, u64 id);
void quic_flow_refused(struct quic_conn *c, struct quic_stream *s);
bool quic_flow_complain(struct quic_conn *c);
/* Bytes of new data that @s may send now. */
u64 quic_flow_room(const struct quic_conn *c, const struct quic_stream *s);

/* ==== socket ============================================================= */

/* sock/event.c */
void quic_event(struct quic_conn *c, u8 type, const void *data, u16 len);
void quic_event_stream(struct quic_conn *c, const struct quic_stream *s,
		       u8 state, u32 errcode, u64 finalsz);
/* sock/bind.c: what getsockname() and /proc show */
void quic_set_addresses(struct sock *sk, const struct quic_path *p);
/* sock/poll.c */
void quic_sock_readable(struct sock *sk);
void quic_sock_writable(struct sock *sk);
void quic_sock_state_changed(struct sock *sk);
bool quic_sock_has_room(const struct sock *sk);
/* sock/stream.c: streams that have a file descriptor.  @s may have none. */
void quic_stream_sock_ready(struct quic_conn *c, struct quic_stream *s);
void quic_stream_socks_wake(struct quic_conn *c);	/* those that are ready */
void quic_stream_sock_readable(struct quic_stream *s);
void quic_stream_sock_writable(struct quic_stream *s);
void quic_stream_socks_writable(struct quic_conn *c);	/* those waiting */
void quic_stream_socks_wake_all(struct quic_conn *c);
void quic_stream_sock_detach(struct quic_stream *s);
/* sock/listen.c */
int quic_listen_route(struct quic_req *req, const u8 *alpn, u16 alpn_len);
void quic_listen_update(struct quic_udp *udp);
void quic_listen_forget(struct quic_req *req);

#endif
