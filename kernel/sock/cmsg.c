// SPDX-License-Identifier: GPL-2.0
/*
 * Owns: control messages of sendmsg() and recvmsg() at level SOL_QUIC.
 * Context: process.
 *
 * Programs of before there was a SOL_QUIC send at the protocol's number.
 */
#include "sock.h"

/* Copy what the program gave, the rest is zero. */
static void copy_in(void *to, size_t size, struct cmsghdr *cmsg)
{
	size_t len = cmsg->cmsg_len - sizeof(*cmsg);

	memset(to, 0, size);
	memcpy(to, CMSG_DATA(cmsg), min(len, size));
}

/* -EINVAL for a type that does not exist or a message that is malformed. */
int quic_cmsg_parse(struct msghdr *msg, struct quic_send_args *args)
{
	struct quic_handshake_info hs;
	struct quic_stream_info info;
	struct cmsghdr *cmsg;

	memset(args, 0, sizeof(*args));
	args->stream_id = -1;
	args->stream_flags = msg->msg_flags & QUIC_STREAM_FLAGS;

	for_each_cmsghdr(cmsg, msg) {
		if (!CMSG_OK(msg, cmsg))
			return -EINVAL;
		if (cmsg->cmsg_level != SOL_QUIC &&
		    cmsg->cmsg_level != IPPROTO_QUIC)
			continue;
		switch (cmsg->cmsg_type) {
		case QUIC_STREAM_INFO:
			copy_in(&info, sizeof(info), cmsg);
			if (info.stream_flags & ~QUIC_STREAM_FLAGS)
				return -EINVAL;
			args->has_stream = true;
			args->stream_id = info.stream_id;
			args->stream_flags |= info.stream_flags;
			break;
		case QUIC_HANDSHAKE_INFO:
			copy_in(&hs, sizeof(hs), cmsg);
			args->handshake = true;
			args->level = hs.crypto_level;
			break;
		default:
			return -EINVAL;
		}
	}
	return 0;
}

/* Without a control buffer the flags travel in msg_flags. */
void quic_cmsg_put_stream(struct msghdr *msg, u64 id, bool fin)
{
	struct quic_stream_info info;

	memset(&info, 0, sizeof(info));
	info.stream_id = id;
	info.stream_flags = fin ? MSG_QUIC_STREAM_FIN : 0;
	if (!msg->msg_control || !msg->msg_controllen)
		msg->msg_flags |= info.stream_flags;
	put_cmsg(msg, SOL_QUIC, QUIC_STREAM_INFO, sizeof(info), &info);
}

void quic_cmsg_put_level(struct msghdr *msg, u8 level)
{
	struct quic_handshake_info info = { .crypto_level = level };

	put_cmsg(msg, SOL_QUIC, QUIC_HANDSHAKE_INFO, sizeof(info), &info);
}
