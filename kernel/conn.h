/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A QUIC socket and the connection behind it.
 *
 * Field tags: L socket lock; I immutable after set-up; R read under RCU,
 * written under the socket lock; A atomic or own lock.
 */
#ifndef KQUIC_CONN_H
#define KQUIC_CONN_H

#include <linux/hrtimer.h>
#include <linux/rhashtable-types.h>
#include <net/inet_sock.h>
#include <net/ipv6.h>
#include <linux/quic.h>
#include "keys.h"
#include "path.h"
#include "stream.h"
#include "recovery/ack.h"
#include "recovery/loss.h"
#include "wire/header.h"
#include "wire/tls_scan.h"
#include "wire/tparam.h"

struct quic_conn;
struct quic_net;
struct quic_offload_conn;
struct quic_ticket_rx;
struct quic_udp;

/* Most IDs we issue, and keep of the peer's (socket-api.md: 2..8). */
#define QUIC_CID_SLOTS		8
/* RETIRE_CONNECTION_ID frames waiting to be sent; more is an attack
 * (RFC 9000 section 5.1.2).
 */
#define QUIC_MAX_RETIRES	(2 * QUIC_CID_SLOTS)
/* Datagrams kept because their keys are still to come. */
#define QUIC_MAX_PARKED		32
#define QUIC_PARKED_BYTES	131072	/* of memory, for all of them */
#define QUIC_MAX_EVENTS		256
/* Our min_ack_delay, us: what a timer is good for. */
#define QUIC_MIN_ACK_DELAY	1000
/* Bound on the congestion window, bytes. */
#define QUIC_CWND_MAX		(32U << 20)
#define QUIC_ALPN_MAX		128
/* Paths that a connection knows at a time. */
#define QUIC_PATHS		4

/* ---- connection IDs: conn/cid.c ---------------------------------------- */

/* There are many: no more bytes than they need. */
struct quic_cid_key {
	struct net *net;
	u32 peer;		/* hash of the peer's address for an ID that the
				 * peer chose, else 0
				 */
	struct quic_cid cid;
	u8 pad[3];
} __packed __aligned(4);

/* An entry of the table: leads a packet to its socket. */
struct quic_cid_node {
	struct rhash_head hash;
	struct quic_cid_key key;
	u32 cpu;		/* R; the owner's: quic_cid_cpu() */
	struct sock *sk;	/* R; NULL while @req waits for accept() */
	struct quic_req *req;	/* I; the server's first contact */
	struct rcu_head rcu;
};

struct quic_local_cid {
	struct quic_cid_node *node;	/* NULL: free slot */
	u64 seq;
	bool announce;		/* NEW_CONNECTION_ID to be sent */
};

struct quic_remote_cid {
	struct quic_cid cid;
	bool used;		/* slot in use */
	bool spent;		/* on some path, now or before */
	bool has_token;
	u64 seq;
	u8 reset_token[QUIC_RESET_TOKEN_LEN];
	struct quic_cid_node *watch;	/* conn/reset; NULL: never used */
};

struct quic_cids {
	struct quic_local_cid local[QUIC_CID_SLOTS];
	u64 local_next_seq;
	u64 local_told;		/* after the highest that the peer was told */
	u64 local_active;	/* as the program chose */
	u64 local_retire_prior;	/* the peer is to retire those below */
	u8 local_limit;		/* how many the peer keeps */
	struct quic_remote_cid remote[QUIC_CID_SLOTS];
	u64 remote_retire_prior;
	u64 remote_next;	/* after the highest seen */
	u64 remote_seen;	/* bit per number below it */
	u64 retire[QUIC_MAX_RETIRES];	/* sequence numbers to retire */
	u8 n_retire;
	u8 n_retire_sent;		/* the first of them are under way */
};

/* ---- levels ------------------------------------------------------------- */

/* One packet number space: the TLS bytes of its level, and what there is behind
 * the pointers of the connection.  Those of the handshake are freed with it.
 */
struct quic_crypto {
	struct quic_sbuf send;
	struct quic_rbuf recv;
	struct quic_tls_scan scan;	/* of 1-RTT packets */
	struct quic_ack ack;
	struct quic_space space;
	struct quic_key keys[2];
};

static inline enum quic_space_id quic_level_space(u8 level)
{
	return level == QUIC_CRYPTO_INITIAL ? QUIC_SPACE_INITIAL :
	       level == QUIC_CRYPTO_HANDSHAKE ? QUIC_SPACE_HANDSHAKE :
	       QUIC_SPACE_APP;
}

static inline u8 quic_space_level(enum quic_space_id space)
{
	return space == QUIC_SPACE_INITIAL ? QUIC_CRYPTO_INITIAL :
	       space == QUIC_SPACE_HANDSHAKE ? QUIC_CRYPTO_HANDSHAKE :
	       QUIC_CRYPTO_APP;
}

/* ---- state: conn/state.c ------------------------------------------------ */

enum quic_conn_state {
	QUIC_CONN_ESTABLISHING,
	QUIC_CONN_ESTABLISHED,
	QUIC_CONN_CLOSING,	/* we closed, RFC 9000 section 10.2.1 */
	QUIC_CONN_DRAINING,	/* the peer closed, section 10.2.2 */
	QUIC_CONN_CLOSED,
	QUIC_CONN_STATE_MAX,
};

/* ---- timers: conn/timer.c ----------------------------------------------- */

enum quic_timer {
	QUIC_TIMER_LOSS,	/* loss or PTO, RFC 9002 */
	QUIC_TIMER_ACK,		/* delayed ACK */
	QUIC_TIMER_PACE,	/* next train may leave */
	QUIC_TIMER_IDLE,	/* RFC 9000 section 10.1 */
	QUIC_TIMER_KEEPALIVE,
	QUIC_TIMER_CLOSE,	/* end of closing or draining */
	QUIC_TIMER_KEYS,	/* the previous key goes, RFC 9001 section 6.5 */
	QUIC_TIMER_PATH,	/* path validation, RFC 9000 section 8.2 */
	QUIC_TIMER_CREDIT,	/* the peer hears that it holds us back, section 4.1 */
	QUIC_TIMER_MAX,
};

/* ---- pending control frames of the connection --------------------------- */

#define QUIC_CTL_PING			BIT(0)
#define QUIC_CTL_HANDSHAKE_DONE		BIT(1)
#define QUIC_CTL_MAX_DATA		BIT(2)
#define QUIC_CTL_DATA_BLOCKED		BIT(3)
#define QUIC_CTL_NEW_CID		BIT(5)
#define QUIC_CTL_RETIRE_CID		BIT(6)
#define QUIC_CTL_STREAMS		BIT(7)	/* MAX_STREAMS, STREAMS_BLOCKED */
#define QUIC_CTL_NEW_TOKEN		BIT(8)
#define QUIC_CTL_ACK_FREQUENCY		BIT(9)

/* Why a connection ended; what CONNECTION_CLOSE carries. */
struct quic_close {
	u64 code;
	u64 frame;
	bool app;
	bool by_peer;
	u8 phrase_len;
	u8 phrase[QUIC_CLOSE_PHRASE_BUFFER_SIZE];
};

struct quic_event_node {
	struct list_head link;
	u16 len;
	u16 off;		/* read so far */
	u8 data[];		/* type, then the struct */
};

/**
 * struct quic_conn - one connection
 *
 * Allocated by connect() and accept(), freed with its socket.
 */
struct quic_conn {
	struct sock *sk;		/* I */
	struct quic_net *qn;		/* I; of its namespace */
	u32 cpu;			/* I; the owner: what its IDs say, where
					 * its packets are to come
					 */
	u8 state;			/* L; conn/state.c only */
	bool is_server;			/* I */
	bool handshake_confirmed;	/* L; RFC 9001 section 4.1.2 */
	bool tparams_received;		/* L */
	bool peer_cid_known;		/* L; the peer's own first ID replaced
					 * the one we made up
					 */
	bool restarting;		/* L; a worker makes Initial keys */
	bool retried;			/* L; a Retry came between */
	bool half_open;			/* L; counted as such */
	u8 early_data;			/* L; enum quic_early_data */
	bool new_token_out;		/* L; a NEW_TOKEN is under way */
	bool tx_pending;		/* L; kick while the lock was owned */
	bool in_push;			/* L */
	bool probing;			/* L; conn/validate has what to send */
	bool version_negotiated;	/* L; a client acted on such a packet */
	bool hello_again;		/* L; ... and TLS does not know yet that
					 * it has to begin again
					 */
	u32 version;			/* L; in use */
	u32 first_version;		/* L; of the client's first flight */
	u32 version_told;		/* L; a client's ClientHello says it */
	u32 ctl;			/* L; QUIC_CTL_* to be sent */
	bool grease;			/* L; the peer takes any "fixed" bit */
	bool ackfreq_told;		/* L; the peer may ask us */
	u16 ackfreq_every;		/* L; asked of the peer, 0: nothing */
	u64 ackfreq_seq;		/* L; of the next ACK_FREQUENCY */
	u8 acks_alone;			/* L; ACK-only packets in a row */
	u8 probes[QUIC_SPACE_MAX];	/* L; PTO probes owed */

	struct quic_cid odcid;		/* I; client's first destination */
	struct quic_cid rscid;		/* L; source of the Retry, if @retried */
	struct quic_cid scid;		/* I; what we put into long headers */
	struct quic_cid_node *odcid_node; /* L; server, until confirmed */
	struct quic_cids *cids;		/* I; what it holds: L */

	struct quic_path *paths[QUIC_PATHS];	/* L; NULL: free */
	struct quic_path *path;		/* L; where we send: one of @paths; R for
					 * /proc
					 */
	struct quic_path *path_old;	/* L; validated, to fall back to */
	struct quic_preferred *preferred; /* L; NULL: none */
	struct quic_tparams_lasting peer; /* L */
	struct quic_tparams *early;	/* L; client: what 0-RTT goes by; or NULL */
	struct quic_ticket_rx *tickets;	/* L; client; NULL: none has come */

	struct quic_key *keys[QUIC_CRYPTO_MAX];	/* L; [level][0 rx, 1 tx];
						 * quic_no_keys: there are none
						 */
	struct quic_key_update *key_update;	/* L; NULL before 1-RTT, then ... */
	struct quic_key_update ku;	/* L; ... that */
	struct quic_offload_conn *offload;	/* L, and R for what was sent;
						 * NULL: never used a device
						 */
	u64 key_due;			/* L; packets that the key for sending
					 * seals before somebody looks
					 */
	bool rx_phase;			/* L; key phase of the peer's packets */
	bool tx_phase;			/* L; and of ours */
	bool key_window;		/* L; the previous key is still there */
	bool key_ack_owed;		/* L; no ACK was sent in this phase */
	bool crypto_cork;		/* L; MSG_MORE on handshake bytes */
	struct quic_key *first_rx;	/* L; server: Initials of first_version;
					 * NULL: that is the one in use
					 */
	u64 open_failed;		/* L; forged packets, all keys */
	u64 rx_elsewhere;		/* L; trains that came to another CPU */

	struct quic_ack *ack[QUIC_SPACE_MAX];	/* L; NULL: discarded */
	struct quic_recovery rec;	/* L */
	struct quic_crypto *crypto[QUIC_SPACE_MAX];	/* L; NULL: discarded */
	struct quic_crypto app;		/* L; the one that stays */
	u64 hello_until;		/* L; server: until then TLS answers the
					 * ClientHello, and the ACK waits for it
					 */

	struct quic_streams streams;	/* L */
	u64 max_data_send;		/* L; the peer's limit */
	u64 data_sent;			/* L; new stream bytes sent */
	u64 data_queued;		/* L; stream bytes written by the user */
	u64 data_blocked_at;		/* L */
	u64 retrans_bytes;		/* L; stream and TLS bytes sent again */
	u64 max_data_recv;		/* L; our limit as announced */
	u64 data_window;		/* L */
	u64 data_recv;			/* L; sum of highest offsets */
	u64 data_read;			/* L */

	struct list_head rq_crypto;	/* L; quic_chunk of TLS bytes */
	struct list_head rq_event;	/* L; quic_event_node */
	struct list_head rq_data;	/* L; quic_chunk of streams, and of
					 * datagrams: those have no stream
					 */
	u64 rq_bytes;			/* L; unread stream bytes */
	struct quic_dgrams dgrams;	/* L */
	u32 n_events;			/* L */
	bool rq_news;			/* L; more to read than at the last wakeup */
	struct sk_buff_head parked;	/* L; undecryptable so far */

	struct list_head jobs[2];	/* L; quic_job, in order; [0 rx, 1 tx] */
	u16 n_jobs[2];			/* L */

	struct hrtimer timer;		/* A */
	u64 timer_armed;		/* L; 0: not armed */
	u64 timer_floor;		/* L; no deadline is earlier */
	u64 deadline[QUIC_TIMER_MAX];	/* L; ns, 0: off */
	u64 first_tx_after_rx;		/* L; for the idle timer */
	u64 pace_next;			/* L; earliest departure of a train */
	unsigned long defer;		/* A; QUIC_DEFER_*, run at lock release */

	struct quic_close close;	/* L */
	struct sk_buff *close_skb;	/* L; CONNECTION_CLOSE to repeat */
	u32 close_rx;			/* L; packets since the last repeat */
	u8 close_shift;			/* L */

	u64 start;			/* I; ns */
	u64 number;			/* I; of all since the module was loaded */
};

/* Trains of a direction that a crypto provider works at. */
#define QUIC_JOBS_MAX		64

#define QUIC_DEFER_TIMER	0	/* the timer fired while owned */
#define QUIC_DEFER_JOBS		1	/* a train was completed while owned */

/* ---- sockets: sock/family.c --------------------------------------------- */

struct quic_listener {
	struct hlist_node node;		/* A; udp->listeners, its lock and RCU */
	struct list_head pending;	/* A; @lock; requests for accept() */
	spinlock_t lock;
	u32 n_pending;			/* A; @lock */
};

/* A client's: what its Initials carry, later what NEW_TOKEN brought. */
struct quic_token {
	u16 len;
	bool retry;			/* for this connection alone */
	u8 data[];
};

/* Bytes of a NewSessionTicket, of a client's session, or a server's key. */
#define QUIC_TICKET_MIN		64
#define QUIC_TICKET_MAX		4096

struct quic_ticket {
	u16 len;
	u8 data[];
};

struct quic_sock {
	struct inet_sock inet;		/* must be first */
	struct quic_conn *conn;		/* L, and R for softirq: set once */
	struct quic_udp *udp;		/* L; bound UDP socket */
	union quic_addr bound;		/* L; as bind() gave it */
	struct quic_listener listener;
	struct hlist_node client;	/* A; udp->clients */
	struct list_head all;		/* A; quic_net()->socks, its lock */

	/* settings, inherited by accepted sockets; L */
	struct quic_transport_param tparam;
	struct quic_config config;
	struct quic_token *token;	/* NULL: none */
	struct quic_ticket *ticket;	/* the program's; NULL: none */
	struct quic_connection_close close;
	u32 events;			/* bit per enum quic_event_type */
	u8 offload;			/* QUIC_OFFLOAD_* that are allowed */
	bool accept_streams;		/* the peer's are accepted, not read
					 * from the common queue
					 */
	char cc_name[QUIC_CC_NAME_MAX];	/* "": the namespace's default */
	struct quic_entry __rcu *connid; /* NULL: the namespace's */
	u8 alpn_len;
	char *alpn;			/* comma separated, no NUL needed */
};

struct quic6_sock {
	struct quic_sock quic;
	struct ipv6_pinfo inet6;
};

static inline struct quic_sock *quic_sk(const struct sock *sk)
{
	return (struct quic_sock *)sk;
}

static inline struct quic_conn *quic_sk_conn(const struct sock *sk)
{
	return quic_sk(sk)->conn;
}

/* The CPU that the program serves with @sk (SO_INCOMING_CPU); false: any. */
static inline bool quic_sk_serves(const struct sock *sk, u32 *cpu)
{
	int val = READ_ONCE(sk->sk_incoming_cpu);

	if (val < 0 || val >= nr_cpu_ids || !cpu_possible(val))
		return false;
	*cpu = val;
	return true;
}

/* Has the peer opened streams that wait to be accepted?  May be stale. */
static inline bool quic_sk_has_fresh(const struct sock *sk)
{
	const struct quic_streams *s = &quic_sk_conn(sk)->streams;

	return quic_sk(sk)->accept_streams &&
	       (READ_ONCE(s->limit[0].remote_fresh) !=
		READ_ONCE(s->limit[0].remote_next) ||
		READ_ONCE(s->limit[1].remote_fresh) !=
		READ_ONCE(s->limit[1].remote_next));
}

/* What programs and /proc see; read with inet_sk_state_load(). */
static inline void quic_sk_set_state(struct sock *sk, int state)
{
	/* After what the state promises; pairs with inet_sk_state_load(). */
	smp_store_release(&sk->sk_state, state);
}

#define quic_conn_alive(c) ((c)->state < QUIC_CONN_CLOSING)

/* When it is due, ns; 0: never.  See quic_timer_commit(). */
static inline void quic_timer_set(struct quic_conn *c, enum quic_timer t,
				  u64 when)
{
	c->deadline[t] = when;
	if (when)
		c->timer_floor = min(c->timer_floor, when);
}

/* The destination ID of what is sent on @p. */
static inline const struct quic_cid *quic_cid_of(const struct quic_conn *c,
						 const struct quic_path *p)
{
	return &c->cids->remote[p->cid].cid;
}

static inline const struct quic_cid *quic_cid_dest(const struct quic_conn *c)
{
	return quic_cid_of(c, c->path);
}

/* May the program read data and events?  What came in 0-RTT waits for the
 * 1-RTT key: before the handshake is over only TLS reads.
 */
static inline bool quic_conn_readable(const struct quic_conn *c)
{
	return likely(!c->keys[QUIC_CRYPTO_EARLY][0].ready) ||
	       c->keys[QUIC_CRYPTO_APP][0].ready || !quic_conn_alive(c);
}

/* What 1-RTT data goes under; a client's before that is 0-RTT. */
static inline u8 quic_conn_tx_level(const struct quic_conn *c)
{
	return likely(c->keys[QUIC_CRYPTO_APP][1].ready) ? QUIC_CRYPTO_APP :
							   QUIC_CRYPTO_EARLY;
}

/* The ID that the Initial keys come from. */
static inline const struct quic_cid *
quic_conn_initial_id(const struct quic_conn *c)
{
	return c->retried ? &c->rscid : &c->odcid;
}

#endif
