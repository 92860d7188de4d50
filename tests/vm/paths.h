/* SPDX-License-Identifier: GPL-2.0 */
/* Addresses, names and connection IDs of both ends. */
#ifndef VM_PATHS_H
#define VM_PATHS_H

#include "pair.h"

socklen_t address(union addr *a, const char *text, int port);
int migrate(int fd, const char *text, int port);	/* the option */
/* "127.0.0.1:4433", of the peer or our own; until the next call. */
const char *name_of(int fd, bool peer);
bool peer_is(int fd, const char *host);
/* A few bytes there and back, on a stream of their own. */
void talk(int from, int to);
/* One way, a stream for a byte. */
void say(int fd);
void hear(int fd);
/* The option CONNECTION_ID: the peer's IDs, or our own. */
struct quic_connection_id_info ids_of(int fd, bool dest);
int choose_ids(int fd, bool dest, uint32_t prior_to, uint32_t active);
int free_port(void);	/* for a moment at least */

#endif
