// SPDX-License-Identifier: GPL-2.0
/*
 * Both ends of a connection by published names and numbers only: this file
 * has the structs as programs in the field bring them along, with a
 * configuration of 24 bytes and parameters of 64.
 */
#include <gnutls/gnutls.h>
#include <netinet/quic.h>
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef OLD_NAMES
#define NEW MSG_STREAM_NEW
#define FIN MSG_STREAM_FIN
#else
#define NEW MSG_QUIC_STREAM_NEW
#define FIN MSG_QUIC_STREAM_FIN
#endif

struct old_config {
	uint32_t version, plpmtud_probe_interval, initial_smoothed_rtt;
	uint32_t payload_cipher_type;
	uint8_t congestion_control_algo, validate_peer_address;
	uint8_t stream_data_nodelay, receive_session_ticket;
	uint8_t certificate_request, reserved[3];
};
struct old_param {
	uint8_t remote, disable_active_migration, grease_quic_bit;
	uint8_t stateless_reset, disable_1rtt_encryption;
	uint8_t disable_compatible_version, active_connection_id_limit;
	uint8_t ack_delay_exponent;
	uint16_t max_datagram_frame_size, max_udp_payload_size;
	uint32_t max_idle_timeout, max_ack_delay;
	uint16_t max_streams_bidi, max_streams_uni;
	uint64_t max_data, max_stream_data_bidi_local;
	uint64_t max_stream_data_bidi_remote, max_stream_data_uni, reserved;
};
_Static_assert(sizeof(struct old_config) == 24, "");
_Static_assert(sizeof(struct old_param) == 64, "");

enum { CONFIG = 9, PARAM = 8, LEVEL = 288, TOTAL = 300000 };

#define MUST(x) do { if (!(x)) { perror(#x); exit(1); } } while (0)

static int sock(void)
{
	struct old_config config = { .initial_smoothed_rtt = 100000 }, c;
	struct old_param param = { .max_streams_bidi = 7 }, p = { 0 };
	int fd = socket(AF_INET, SOCK_DGRAM, 261);
	socklen_t len = sizeof(c);

	MUST(!setsockopt(fd, LEVEL, CONFIG, &config, sizeof(config)));
	MUST(!getsockopt(fd, LEVEL, CONFIG, &c, &len));
	MUST(len == 24 && c.initial_smoothed_rtt == 100000 && c.version == 1);
	MUST(!setsockopt(fd, LEVEL, PARAM, &param, sizeof(param)));
	len = sizeof(p);
	MUST(!getsockopt(fd, LEVEL, PARAM, &p, &len));
	MUST(len == 56 && p.max_streams_bidi == 7 && p.max_streams_uni == 100);
	return fd;
}

/* Returns how many bytes of stream 0 came until its end. */
static size_t take(int fd)
{
	static char buf[50000];
	size_t sum = 0;
	uint32_t flags;
	int64_t id;
	ssize_t n;

	do {
		flags = 0;
		n = quic_recvmsg(fd, buf, sizeof(buf), &id, &flags);
		MUST(n >= 0 && !id);
		sum += n;
	} while (!(flags & FIN));
	return sum;
}

static void give(int fd, uint32_t flags)
{
	static char buf[TOTAL / 10];

	for (int i = 0; i < 10; i++)
		MUST(quic_sendmsg(fd, buf, sizeof(buf), 0,
				  (i ? 0 : flags) | (i == 9 ? FIN : 0)) ==
		     sizeof(buf));
}

int main(int argc, char **argv)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t len = sizeof(a);
	int l = sock(), fd, status;
	char end;

	MUST(argc == 2);
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	MUST(!bind(l, (void *)&a, sizeof(a)) && !listen(l, 1));
	MUST(!getsockname(l, (void *)&a, &len));
	if (!fork()) {
		fd = sock();
		MUST(!connect(fd, (void *)&a, sizeof(a)));
		MUST(!quic_client_handshake(fd, argv[1], NULL, NULL));
		give(fd, NEW);
		MUST(take(fd) == TOTAL);
		close(fd);
		_exit(0);
	}
	MUST((fd = accept(l, NULL, NULL)) >= 0);
	MUST(!quic_server_handshake(fd, argv[1], NULL, NULL));
	MUST(take(fd) == TOTAL);
	give(fd, 0);
	while (recv(fd, &end, 1, 0) >= 0)
		;
	MUST(wait(&status) > 0);
	return status != 0;
}
