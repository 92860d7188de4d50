// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Stream data: sendmsg() and recvmsg() with the control message spelled out.
 * No state, no TLS; usable in any thread and after fork().
 */
#include <string.h>
#include <sys/uio.h>

#include "internal.h"

#define STREAM_FLAGS (MSG_QUIC_STREAM_NEW | MSG_QUIC_STREAM_FIN | \
		      MSG_QUIC_STREAM_UNI | MSG_QUIC_STREAM_DONTWAIT | \
		      MSG_QUIC_STREAM_SNDBLOCK)

union control {
	struct cmsghdr	header;
	uint8_t		bytes[CMSG_SPACE(sizeof(struct quic_stream_info))];
};

QUIC_EXPORT ssize_t quic_sendmsg(int sockfd, const void *msg, size_t len,
				 int64_t sid, uint32_t flags)
{
	struct quic_stream_info info = {
		.stream_id = sid,
		.stream_flags = flags & STREAM_FLAGS,
	};
	struct iovec iov = { .iov_base = (void *)msg, .iov_len = len };
	union control control;
	struct msghdr hdr = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};

	memset(&control, 0, sizeof(control));
	control.header.cmsg_level = SOL_QUIC;
	control.header.cmsg_type = QUIC_STREAM_INFO;
	control.header.cmsg_len = CMSG_LEN(sizeof(info));
	memcpy(CMSG_DATA(&control.header), &info, sizeof(info));
	return sendmsg(sockfd, &hdr, flags & ~STREAM_FLAGS);
}

QUIC_EXPORT ssize_t quic_recvmsg(int sockfd, void *msg, size_t len,
				 int64_t *sid, uint32_t *flags)
{
	struct quic_stream_info info = { .stream_flags = 0 };
	struct iovec iov = { .iov_base = msg, .iov_len = len };
	union control control;
	struct msghdr hdr = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg;
	ssize_t ret;

	ret = recvmsg(sockfd, &hdr, flags ? *flags : 0);
	if (ret < 0)
		return ret;

	for (cmsg = CMSG_FIRSTHDR(&hdr); cmsg; cmsg = CMSG_NXTHDR(&hdr, cmsg)) {
		if (cmsg->cmsg_level != SOL_QUIC ||
		    cmsg->cmsg_type != QUIC_STREAM_INFO ||
		    cmsg->cmsg_len < CMSG_LEN(sizeof(info)))
			continue;
		memcpy(&info, CMSG_DATA(cmsg), sizeof(info));
		if (sid)
			*sid = info.stream_id;
	}
	if (flags)
		*flags = hdr.msg_flags | info.stream_flags;
	return ret;
}
