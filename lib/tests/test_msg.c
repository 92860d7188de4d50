// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * quic_sendmsg() and quic_recvmsg(): what reaches the system call.
 */
#include <errno.h>
#include <string.h>

#include "fake.h"
#include "tap.h"

static void sending(void)
{
	struct fake fakes[2];

	fake_begin(fakes);
	check(quic_sendmsg(fakes[0].fd, "hello", 5, 8,
			   MSG_QUIC_STREAM_NEW | MSG_QUIC_STREAM_FIN |
			   MSG_DONTWAIT | MSG_MORE) == 5, "%d", errno);
	check(fakes[0].stream.stream_id == 8, "id");
	check(fakes[0].stream.stream_flags ==
	      (MSG_QUIC_STREAM_NEW | MSG_QUIC_STREAM_FIN), "0x%x",
	      fakes[0].stream.stream_flags);
	check(fakes[0].send_flags == (MSG_DONTWAIT | MSG_MORE), "0x%x",
	      fakes[0].send_flags);
	quic_sendmsg(fakes[0].fd, "", 0, -1, ~0U);
	check(fakes[0].stream.stream_id == -1, "id");
	check(fakes[0].stream.stream_flags == 0x12e00, "0x%x",
	      fakes[0].stream.stream_flags);
	check(fakes[0].send_flags == ~0x12e00, "0x%x", fakes[0].send_flags);
	fake_end(fakes, false);
	check(quic_sendmsg(-1, "x", 1, 0, 0) == -1 && errno == EBADF, "%d",
	      errno);
}

static void receiving(void)
{
	uint32_t flags = MSG_DONTWAIT;
	struct fake fakes[2];
	int64_t sid = -7;
	char buf[8];

	fake_begin(fakes);
	fakes[0].give_stream = true;
	fakes[0].stream.stream_id = 0x123456789aLL;
	fakes[0].stream.stream_flags = MSG_QUIC_STREAM_FIN;
	check(quic_recvmsg(fakes[0].fd, buf, sizeof(buf), &sid, &flags) == 4 &&
	      !memcmp(buf, "data", 4), "data");
	check(fakes[0].recv_flags == MSG_DONTWAIT, "0x%x",
	      fakes[0].recv_flags);
	check(sid == 0x123456789aLL, "%lld", (long long)sid);
	check(flags == MSG_QUIC_STREAM_FIN, "0x%x", flags);
	check(quic_recvmsg(fakes[0].fd, buf, sizeof(buf), NULL, NULL) == 4,
	      "no pointers");

	/* Something that is not of a stream leaves the ID alone. */
	fakes[0].give_stream = false;
	fake_inject(&fakes[0], QUIC_CRYPTO_INITIAL, "tls", 3);
	sid = -7;
	flags = 0;
	check(quic_recvmsg(fakes[0].fd, buf, sizeof(buf), &sid, &flags) == 3,
	      "bytes of TLS");
	check(sid == -7 && !flags, "%lld 0x%x", (long long)sid, flags);
	flags = 0;
	check(quic_recvmsg(fakes[0].fd, buf, sizeof(buf), &sid, &flags) == -1 &&
	      errno == EAGAIN, "empty");
	fake_end(fakes, false);
}

void test_msg(void)
{
	tap_run("quic_sendmsg", sending);
	tap_run("quic_recvmsg", receiving);
}
