/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Every frame, one row each: RFC 9000 section 12.4, table 3 as code, and what
 * RFC 9221 and draft-ietf-quic-ack-frequency add.
 *
 *	X(NAME, name, first type, last type, packets, properties)
 *
 * packets: I Initial, H Handshake, 0 0-RTT, 1 1-RTT.
 * properties: NE not ack-eliciting, NC does not count as in flight on its
 * own, P probes a path, SRV only a server may send it.
 *
 * Who expands the table:
 *	wire/frame.c	 name -> parse_<name>()
 *	rx/frames.c	 name -> act_<name>()
 *	tx/sent.c	 name -> acked_<name>(), lost_<name>()
 * A row added here without all of these does not link.
 */
#ifndef KQUIC_WIRE_FRAME_TABLE_H
#define KQUIC_WIRE_FRAME_TABLE_H

#define QUIC_FRAME_IN_I		0x01
#define QUIC_FRAME_IN_H		0x02
#define QUIC_FRAME_IN_0		0x04
#define QUIC_FRAME_IN_1		0x08
#define QUIC_FRAME_IH01		0x0f
#define QUIC_FRAME_IH_1		0x0b
#define QUIC_FRAME___01		0x0c
#define QUIC_FRAME____1		0x08

#define QUIC_FRAME_NE		0x01	/* not ack-eliciting */
#define QUIC_FRAME_NC		0x02	/* not counted for congestion */
#define QUIC_FRAME_P		0x04	/* probing frame */
#define QUIC_FRAME_SRV		0x08	/* illegal from a client */

/* RFC9000-12.5-1 RFC9000-12.5-2 RFC9000-19.21-3 */
#define QUIC_FRAME_TABLE(X)						      \
	X(PADDING,	   padding,	      0x00, 0x00, IH01, NE | P)	      \
	X(PING,		   ping,	      0x01, 0x01, IH01, 0)	      \
	X(ACK,		   ack,		      0x02, 0x03, IH_1, NE | NC)      \
	X(RESET_STREAM,	   reset_stream,      0x04, 0x04, __01, 0)	      \
	X(STOP_SENDING,	   stop_sending,      0x05, 0x05, __01, 0)	      \
	X(CRYPTO,	   crypto,	      0x06, 0x06, IH_1, 0)	      \
	X(NEW_TOKEN,	   new_token,	      0x07, 0x07, ___1, SRV)	      \
	X(STREAM,	   stream,	      0x08, 0x0f, __01, 0)	      \
	X(MAX_DATA,	   max_data,	      0x10, 0x10, __01, 0)	      \
	X(MAX_STREAM_DATA, max_stream_data,   0x11, 0x11, __01, 0)	      \
	X(MAX_STREAMS,	   max_streams,	      0x12, 0x13, __01, 0)	      \
	X(DATA_BLOCKED,	   data_blocked,      0x14, 0x14, __01, 0)	      \
	X(STREAM_DATA_BLOCKED, stream_data_blocked, 0x15, 0x15, __01, 0)     \
	X(STREAMS_BLOCKED, streams_blocked,   0x16, 0x17, __01, 0)	      \
	X(NEW_CONNECTION_ID, new_connection_id, 0x18, 0x18, __01, P)	      \
	X(RETIRE_CONNECTION_ID, retire_connection_id, 0x19, 0x19, __01, 0)    \
	X(PATH_CHALLENGE,  path_challenge,    0x1a, 0x1a, __01, P)	      \
	X(PATH_RESPONSE,   path_response,     0x1b, 0x1b, ___1, P)	      \
	X(CONNECTION_CLOSE, connection_close, 0x1c, 0x1d, IH01, NE | NC)      \
	X(HANDSHAKE_DONE,  handshake_done,    0x1e, 0x1e, ___1, SRV)	      \
	X(IMMEDIATE_ACK,   immediate_ack,     0x1f, 0x1f, ___1, 0)	      \
	X(DATAGRAM,	   datagram,	      0x30, 0x31, __01, 0)	      \
	X(ACK_FREQUENCY,   ack_frequency,     0xaf, 0xaf, ___1, 0)

enum quic_frame_kind {
#define X(NAME, name, first, last, pkts, props) QUIC_FRAME_##NAME,
	QUIC_FRAME_TABLE(X)
#undef X
	QUIC_FRAME_KIND_MAX,
};

#endif
