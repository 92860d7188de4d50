/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * QUIC sockets: the interface between programs and the kernel.
 *
 *	fd = socket(AF_INET or AF_INET6, SOCK_STREAM or SOCK_DGRAM, IPPROTO_QUIC)
 *
 * Every struct here may grow at its end.  The kernel copies as many bytes as
 * both sides know, so a program may pass a shorter or a longer struct than
 * the running module has: missing bytes read as zero, surplus bytes are
 * ignored, and getsockopt() reports the length it wrote.
 *
 * Section numbers are those of RFC 9000 unless another document is named.
 */
#ifndef _UAPI_LINUX_QUIC_H
#define _UAPI_LINUX_QUIC_H

#include <linux/types.h>
#ifdef __KERNEL__
#include <linux/socket.h>
#else
#include <sys/socket.h>
#endif

/* An enumerator for debuggers, a macro of the same name for #ifdef. */
enum {
	IPPROTO_QUIC = 261,	/* socket() protocol */
#define IPPROTO_QUIC	IPPROTO_QUIC
};

#define SOL_QUIC	288	/* level of socket options and control messages */

/* ---- protocol numbers ------------------------------------------------- */

/* The two low bits of a stream ID (section 2.1). */
#define QUIC_STREAM_TYPE_SERVER_MASK	0x1
#define QUIC_STREAM_TYPE_UNI_MASK	0x2
#define QUIC_STREAM_TYPE_MASK		0x3

#define QUIC_VERSION_V1	0x00000001	/* RFC 9000 */
#define QUIC_VERSION_V2	0x6b3343cf	/* RFC 9369 */

/* Encryption levels; note that the application level is zero. */
enum quic_crypto_level {
	QUIC_CRYPTO_APP,
	QUIC_CRYPTO_INITIAL,
	QUIC_CRYPTO_HANDSHAKE,
	QUIC_CRYPTO_EARLY,
	QUIC_CRYPTO_MAX,
};

/* Ciphers carry the numbers of <linux/tls.h>: TLS_CIPHER_AES_GCM_128 = 51,
 * AES_GCM_256 = 52, AES_CCM_128 = 53, CHACHA20_POLY1305 = 54.
 */

enum quic_cong_alg {
	QUIC_CONG_ALG_RENO,
	QUIC_CONG_ALG_CUBIC,
	QUIC_CONG_ALG_MAX,
};

/* Transport error codes (section 20.1). */
enum quic_transport_error {
	QUIC_TRANSPORT_ERROR_NONE		= 0x00,
	QUIC_TRANSPORT_ERROR_INTERNAL		= 0x01,
	QUIC_TRANSPORT_ERROR_CONNECTION_REFUSED	= 0x02,
	QUIC_TRANSPORT_ERROR_FLOW_CONTROL	= 0x03,
	QUIC_TRANSPORT_ERROR_STREAM_LIMIT	= 0x04,
	QUIC_TRANSPORT_ERROR_STREAM_STATE	= 0x05,
	QUIC_TRANSPORT_ERROR_FINAL_SIZE		= 0x06,
	QUIC_TRANSPORT_ERROR_FRAME_ENCODING	= 0x07,
	QUIC_TRANSPORT_ERROR_TRANSPORT_PARAM	= 0x08,
	QUIC_TRANSPORT_ERROR_CONNECTION_ID_LIMIT = 0x09,
	QUIC_TRANSPORT_ERROR_PROTOCOL_VIOLATION	= 0x0a,
	QUIC_TRANSPORT_ERROR_INVALID_TOKEN	= 0x0b,
	QUIC_TRANSPORT_ERROR_APPLICATION	= 0x0c,
	QUIC_TRANSPORT_ERROR_CRYPTO_BUF_EXCEEDED = 0x0d,
	QUIC_TRANSPORT_ERROR_KEY_UPDATE		= 0x0e,
	QUIC_TRANSPORT_ERROR_AEAD_LIMIT_REACHED	= 0x0f,
	QUIC_TRANSPORT_ERROR_NO_VIABLE_PATH	= 0x10,
	QUIC_TRANSPORT_ERROR_VERSION_NEGOTIATION = 0x11, /* RFC 9368 */
	/* 0x100 + TLS alert: the handshake failed (RFC 9001 section 4.8) */
	QUIC_TRANSPORT_ERROR_CRYPTO		= 0x100,
};

/* ---- sendmsg() and recvmsg() ------------------------------------------ */

/* Stream flags: in struct quic_stream_info, or among sendmsg()'s own flags
 * when no QUIC_STREAM_INFO message is attached.  They reuse bits of MSG_*
 * that mean nothing to this protocol.
 */
enum quic_msg_flags {
	MSG_QUIC_STREAM_NEW	 = 0x400,   /* open the stream if need be */
	MSG_QUIC_STREAM_FIN	 = 0x200,   /* last bytes of the stream */
	MSG_QUIC_STREAM_UNI	 = 0x800,   /* with id -1: unidirectional */
	MSG_QUIC_STREAM_DONTWAIT = 0x10000, /* do not wait for stream credit */
	MSG_QUIC_STREAM_SNDBLOCK = 0x2000,  /* tell the peer when blocked */

	MSG_QUIC_DATAGRAM	 = 0x1000,  /* an RFC 9221 datagram */
	MSG_QUIC_NOTIFICATION	 = 0x8000,  /* recvmsg(): an event */
#define MSG_QUIC_STREAM_NEW		MSG_QUIC_STREAM_NEW
#define MSG_QUIC_STREAM_FIN		MSG_QUIC_STREAM_FIN
#define MSG_QUIC_STREAM_UNI		MSG_QUIC_STREAM_UNI
#define MSG_QUIC_STREAM_DONTWAIT	MSG_QUIC_STREAM_DONTWAIT
#define MSG_QUIC_STREAM_SNDBLOCK	MSG_QUIC_STREAM_SNDBLOCK
#define MSG_QUIC_DATAGRAM		MSG_QUIC_DATAGRAM
#define MSG_QUIC_NOTIFICATION		MSG_QUIC_NOTIFICATION
};

#ifdef QUIC_OLD_FLAG_NAMES
/* Names that programs written before the QUIC_ prefix use.  Opt-in, because
 * <netinet/sctp.h> claims MSG_NOTIFICATION too.
 */
#define MSG_STREAM_NEW		MSG_QUIC_STREAM_NEW
#define MSG_STREAM_FIN		MSG_QUIC_STREAM_FIN
#define MSG_STREAM_UNI		MSG_QUIC_STREAM_UNI
#define MSG_STREAM_DONTWAIT	MSG_QUIC_STREAM_DONTWAIT
#define MSG_STREAM_SNDBLOCK	MSG_QUIC_STREAM_SNDBLOCK
#define MSG_DATAGRAM		MSG_QUIC_DATAGRAM
#ifndef MSG_NOTIFICATION
#define MSG_NOTIFICATION	MSG_QUIC_NOTIFICATION
#endif
#endif

enum quic_cmsg_type {
	QUIC_STREAM_INFO,	/* struct quic_stream_info */
	QUIC_HANDSHAKE_INFO,	/* struct quic_handshake_info */
};

struct quic_stream_info {
	__s64	stream_id;	/* -1: the next, or the active one */
	__u32	stream_flags;	/* MSG_QUIC_STREAM_* */
};

struct quic_handshake_info {
	__u8	crypto_level;	/* enum quic_crypto_level */
};

/* ---- socket options, level SOL_QUIC ----------------------------------- */

#define QUIC_SOCKOPT_EVENT			0
#define QUIC_SOCKOPT_STREAM_OPEN		1
#define QUIC_SOCKOPT_STREAM_RESET		2
#define QUIC_SOCKOPT_STREAM_STOP_SENDING	3
#define QUIC_SOCKOPT_CONNECTION_ID		4
#define QUIC_SOCKOPT_CONNECTION_CLOSE		5
#define QUIC_SOCKOPT_CONNECTION_MIGRATION	6
#define QUIC_SOCKOPT_KEY_UPDATE			7
#define QUIC_SOCKOPT_TRANSPORT_PARAM		8
#define QUIC_SOCKOPT_CONFIG			9
#define QUIC_SOCKOPT_TOKEN			10
#define QUIC_SOCKOPT_ALPN			11
#define QUIC_SOCKOPT_SESSION_TICKET		12
#define QUIC_SOCKOPT_CRYPTO_SECRET		13
#define QUIC_SOCKOPT_TRANSPORT_PARAM_EXT	14

/* Additions of this implementation begin at 64. */

/* struct quic_stream_info, get and set: the active stream, to which plain
 * write(), sendfile() and a sendmsg() without a stream ID go. Once set it stays
 * when the peer opens another, until its FIN is sent, a stream is opened here,
 * or it is set to -1; if it ends otherwise, none is active.
 */
#define QUIC_SOCKOPT_STREAM_ACTIVE		64

/* char[16], get and set (before connect() or listen()): the congestion
 * control algorithm by name, as TCP_CONGESTION has it.
 */
#define QUIC_SOCKOPT_CONGESTION			65

/* struct quic_info, get: figures of the connection, as TCP_INFO has them. */
#define QUIC_SOCKOPT_INFO			66

/* struct quic_stream_priority, get and set: which stream is sent first. */
#define QUIC_SOCKOPT_STREAM_PRIORITY		67

/* struct quic_stream_fd, get: a file descriptor for one stream, with
 * read(), write(), poll(), sendfile(), shutdown() and close() as a socket has.
 * Set: whether the peer's streams are to be accepted (QUIC_STREAM_ACCEPT in
 * @stream_flags, or 0): then their data waits for their file descriptor.
 */
#define QUIC_SOCKOPT_STREAM_FD			68

/* __u32, enum quic_early_data.  Get: what became of 0-RTT.  Set, by a client's
 * TLS library before it sets the secrets of the application level: ACCEPTED or
 * REJECTED, as the server has answered.
 */
#define QUIC_SOCKOPT_EARLY_DATA			70

/* char[16], get and set (before connect() or listen()): the BPF program that
 * makes the connection IDs, by name; "random": none.
 */
#define QUIC_SOCKOPT_CONNID			71

/* struct quic_offload, get and set (@allowed alone): may network devices seal
 * and open the connection's packets, and do they?  What the namespace forbids
 * (sysctl net.quic.offload) is forbidden.
 */
#define QUIC_SOCKOPT_OFFLOAD			72

#define QUIC_OFFLOAD_ALLOW_RX			0x1
#define QUIC_OFFLOAD_ALLOW_TX			0x2
#define QUIC_OFFLOAD_ALL			0x3

struct quic_offload {
	__u32	allowed;	/* QUIC_OFFLOAD_ALLOW_*; all to begin with */
	__u32	active;		/* likewise; directions that a device has */
};

enum quic_early_data {
	QUIC_EARLY_DATA_NONE,		/* no key for it was set */
	QUIC_EARLY_DATA_OFFERED,	/* no answer yet */
	QUIC_EARLY_DATA_ACCEPTED,
	QUIC_EARLY_DATA_REJECTED,	/* it is sent again */
};

/* Transport parameters (section 18.2).  When set, zero leaves a value as it
 * is.  Times are microseconds, sizes bytes.
 */
struct quic_transport_param {
	__u8	remote;		/* 0: our own, 1: the peer's */
	__u8	disable_active_migration;
	__u8	grease_quic_bit;		/* RFC 9287 */
	__u8	stateless_reset;
	__u8	disable_1rtt_encryption;
	__u8	disable_compatible_version;	/* RFC 9368 */
	__u8	active_connection_id_limit;	/* 2..8 */
	__u8	ack_delay_exponent;		/* 0..20 */
	__u16	max_datagram_frame_size;	/* RFC 9221; 0 or >= 1200 */
	__u16	max_udp_payload_size;		/* 1200..65527 */
	__u32	max_idle_timeout;		/* >= 1 s */
	__u32	max_ack_delay;			/* < 16.384 s */
	__u16	max_streams_bidi;		/* <= 4096 */
	__u16	max_streams_uni;		/* <= 4096 */
	__u64	max_data;
	__u64	max_stream_data_bidi_local;
	__u64	max_stream_data_bidi_remote;
	__u64	max_stream_data_uni;
};

/* What a socket does, beyond what it tells its peer.  Zero leaves a value as
 * it is.  Times are microseconds.
 */
struct quic_config {
	__u32	version;
	__u32	plpmtud_probe_interval;		/* 0: 10 minutes */
	__u32	initial_smoothed_rtt;		/* 1 ms .. 6 s */
	__u32	payload_cipher_type;		/* hint for the TLS library */
	__u8	congestion_control_algo;	/* enum quic_cong_alg */
	__u8	validate_peer_address;		/* server: send Retry */
	__u8	stream_data_nodelay;
	__u8	receive_session_ticket;		/* for the handshake agent */
	__u8	certificate_request;		/* for the handshake agent */
	__u8	reserved[3];
	__u32	keepalive_probe_interval;	/* 0: off */
};

/* Flags of struct quic_info. */
#define QUIC_INFO_SERVER	0x1	/* this end accepted the connection */
#define QUIC_INFO_CONFIRMED	0x2	/* the handshake is over */
#define QUIC_INFO_KEY_PHASE	0x4	/* phase of our keys: 1 */
#define QUIC_INFO_APP_LIMITED	0x8	/* the program, not the window, is what
					 * limits sending
					 */

/* It may grow at its end.  Times are microseconds; sizes are bytes of UDP
 * payload, but for "data", which is bytes of streams.
 */
struct quic_info {
	__u8	state;		/* 10 listening, 3 establishing, 1 established,
				 * 7 closed (or not connected yet)
				 */
	__u8	paths;		/* known */
	__u8	reserved[2];
	__u32	flags;		/* QUIC_INFO_* */
	__u32	version;
	__u32	cipher;		/* TLS_CIPHER_*; 0: no keys for data yet */
	char	congestion[16];	/* name of the algorithm */
	__u32	mss;		/* largest packet sent */
	__u32	mtu;		/* of the route, with IP and UDP headers */
	__u32	rtt;		/* smoothed */
	__u32	rtt_var;
	__u32	rtt_min;	/* 0: none measured yet */
	__u32	rtt_latest;
	__u32	pto;		/* probe timeout, without back-off */
	__u32	pto_count;	/* timeouts in a row */
	__u64	ptos;		/* timeouts in all */
	__u64	cwnd;
	__u64	ssthresh;	/* all ones: slow start has not ended yet */
	__u64	in_flight;
	__u64	pacing_rate;	/* per second */
	__u64	packets_acked;
	__u64	bytes_acked;
	__u64	packets_lost;	/* declared lost */
	__u64	bytes_lost;
	__u64	packets_spurious; /* of these: acknowledged soon after */
	__u64	bytes_retransmitted; /* of streams and TLS */
	__u64	data_sent;
	__u64	data_queued;	/* written, not sent */
	__u64	data_received;
	__u64	data_read;	/* by the program */
	__u64	send_limit;	/* of data; the peer's */
	__u64	receive_limit;	/* of data; ours */
	__u64	streams_opened;	/* by us */
	__u64	streams_accepted; /* by the peer */
	__u64	streams_bidi_left; /* that the peer lets us open */
	__u64	streams_uni_left;
	__u32	streams;	/* that exist now */
	__u32	reserved2;
	__u64	age;		/* time since connect() or accept() */
	__u64	number;		/* of the connection; no other one of this
				 * machine has had it since the module was
				 * loaded; 0: not connected yet
				 */
	__u64	rx_elsewhere;	/* trains that came to another CPU than @cpu */
	__u32	cpu;		/* the owner: its IDs say it; all ones: not
				 * connected yet
				 */
	__u32	reserved3;
};

/* As RFC 9218 has it. */
#define QUIC_URGENCY_MAX	7
#define QUIC_URGENCY_DEFAULT	3

struct quic_stream_priority {
	__s64	stream_id;
	__u8	urgency;	/* 0..7, the lower the sooner; else 3 */
	__u8	incremental;	/* 1: takes turns with others of its urgency */
	__u8	reserved[6];
};

#define QUIC_STREAM_ACCEPT	0x1

struct quic_stream_fd {
	__s64	stream_id;	/* -1: open the next, or accept the peer's */
	__u32	stream_flags;	/* QUIC_STREAM_ACCEPT, MSG_QUIC_STREAM_UNI,
				 * MSG_QUIC_STREAM_DONTWAIT
				 */
	__u32	file_flags;	/* O_CLOEXEC, O_NONBLOCK */
	__s32	fd;		/* the answer, and @stream_id */
	__u32	reserved;
};

#define QUIC_CRYPTO_SECRET_BUFFER_SIZE	48

struct quic_crypto_secret {
	__u8	send;		/* 1: ours, for sending; 0: the peer's */
	__u8	level;		/* enum quic_crypto_level */
	__u16	reserved;
	__u32	type;		/* TLS_CIPHER_* */
	__u8	secret[QUIC_CRYPTO_SECRET_BUFFER_SIZE];
};

struct quic_errinfo {
	__s64	stream_id;
	__u32	errcode;
};

struct quic_connection_id_info {
	__u8	dest;		/* 1: the peer's IDs, 0: our own */
	__u8	reserved[3];
	__u32	active;		/* sequence number in use */
	__u32	prior_to;	/* lower sequence numbers are retired */
};

struct quic_event_option {
	__u8	type;		/* enum quic_event_type */
	__u8	on;
};

/* ---- events ------------------------------------------------------------ */

/* recvmsg() delivers an enabled event with MSG_QUIC_NOTIFICATION: one byte of
 * type, then, unaligned, the member of union quic_event that belongs to it.
 */
enum quic_event_type {
	QUIC_EVENT_NONE,
	QUIC_EVENT_STREAM_UPDATE,	/* struct quic_stream_update */
	QUIC_EVENT_STREAM_MAX_DATA,	/* struct quic_stream_max_data */
	QUIC_EVENT_STREAM_MAX_STREAM,	/* __u64 highest usable stream ID */
	QUIC_EVENT_CONNECTION_ID,	/* struct quic_connection_id_info */
	QUIC_EVENT_CONNECTION_CLOSE,	/* struct quic_connection_close */
	QUIC_EVENT_CONNECTION_MIGRATION, /* __u8: 1 if our address moved */
	QUIC_EVENT_KEY_UPDATE,		/* __u8: the new key phase */
	QUIC_EVENT_NEW_TOKEN,		/* bytes */
	QUIC_EVENT_NEW_SESSION_TICKET,	/* bytes */
	QUIC_EVENT_MAX,
};

enum quic_stream_send_state {
	QUIC_STREAM_SEND_STATE_READY,
	QUIC_STREAM_SEND_STATE_SEND,
	QUIC_STREAM_SEND_STATE_SENT,
	QUIC_STREAM_SEND_STATE_RECVD,
	QUIC_STREAM_SEND_STATE_RESET_SENT,
	QUIC_STREAM_SEND_STATE_RESET_RECVD,
};

enum quic_stream_recv_state {
	QUIC_STREAM_RECV_STATE_RECV = 6,
	QUIC_STREAM_RECV_STATE_SIZE_KNOWN,
	QUIC_STREAM_RECV_STATE_RECVD,
	QUIC_STREAM_RECV_STATE_READ,
	QUIC_STREAM_RECV_STATE_RESET_RECVD,
	QUIC_STREAM_RECV_STATE_RESET_READ,
};

struct quic_stream_update {
	__s64	id;
	__u8	state;		/* one of the two enums above */
	__u8	reserved[3];
	__u32	errcode;
	__u64	finalsz;
};

struct quic_stream_max_data {
	__s64	id;
	__u64	max_data;
};

#define QUIC_CLOSE_PHRASE_BUFFER_SIZE	64

struct quic_connection_close {
	__u32	errcode;
	__u8	frame;		/* type of the frame that caused it, or 0 */
	__u8	reserved[3];
	__u8	phrase[QUIC_CLOSE_PHRASE_BUFFER_SIZE];
};

union quic_event {
	struct quic_stream_update	update;
	struct quic_stream_max_data	max_data;
	struct quic_connection_close	close;
	struct quic_connection_id_info	info;
	__u64				max_stream;
	__u8				local_migration;
	__u8				key_update_phase;
};

#endif /* _UAPI_LINUX_QUIC_H */
