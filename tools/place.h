/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TOOLS_PLACE_H
#define TOOLS_PLACE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/* When and where a client moves. */
struct move {
	uint64_t after;			/* bytes received */
	struct sockaddr_storage to;	/* AF_UNSPEC: only to a new port */
	bool wanted;
};

/* "ADDR:PORT", numbers both; NULL, or what is wrong with it. */
const char *place_parse(struct sockaddr_storage *to, const char *text);
/* "BYTES" or "BYTES,ADDR:PORT"; likewise. */
const char *move_parse(struct move *m, const char *text);

/* Option 6 of quic(7); 0, or -1 and errno. */
int place_set(int fd, const struct sockaddr_storage *to);
int move_begin(int fd, const struct move *m);

#endif
