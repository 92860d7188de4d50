/* SPDX-License-Identifier: GPL-2.0 */
/* Sockets to test: addresses, listeners, connections with both ends here. */
#ifndef VM_PAIR_H
#define VM_PAIR_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/quic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>
#include "harness.h"

union addr {
	struct sockaddr sa;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr_storage any;
};

/* The files that the Makefile made. */
extern const char *psk_file, *ca_file, *cert_file, *key_file;

socklen_t loopback(union addr *a, int fam, int port);
int port_of(int fd);
int quic_socket(void);			/* of the variant under test */
int udp_socket(int port);		/* ordinary, bound to the loopback */
int listener(const char *alpn);		/* on a port of its choice */
int client(int port);			/* connected, no handshake */

/* Both ends of a connection; made by connection(). */
struct pair {
	int listener, client, server;
	/* Settings, before it is called; all may stay zero. */
	void (*set_listener)(int fd);
	void (*set_client)(int fd);
	void (*connected)(int fd);	/* the client, before the handshake */
	void (*accepted)(int fd);	/* before its handshake */
	void (*listening)(int port);
	int port;			/* to connect to; 0: the listener's */
	const char *host;		/* IPv4 address of both; NULL: loopback */
	struct quic_transport_param client_params, server_params;
	uint32_t events;		/* bit per event type, on both */
	bool certificates;		/* instead of a pre-shared key */
};

void connection(struct pair *p);
/* A word on stream 0, from client to server. */
void pair_talk(struct pair *p);
/* @bytes on stream 0, likewise; both ends are non-blocking afterwards. */
void pair_transfer(struct pair *p, size_t bytes);
/* All that it sent was acknowledged. */
bool settled(int fd);
void disconnect(struct pair *p);	/* close what is open */
int server_handshake(int fd);		/* in this thread */
int client_handshake(int fd);

/* ---- CPUs ------------------------------------------------------------------ */

void pin(int cpu);			/* this thread, and those it starts */
void serve_cpu(int fd, int cpu);	/* SO_INCOMING_CPU */
struct quic_info info_of(int fd);

/* ---- options --------------------------------------------------------------- */

int opt_set(int fd, int opt, const void *val, socklen_t len);
int opt_get(int fd, int opt, void *val, socklen_t *len);
void event_on(int fd, int event);
int64_t stream_open(int fd, int64_t id, uint32_t flags);	/* or -1 */
int stream_reset(int fd, int64_t id, uint32_t code);
int stream_stop(int fd, int64_t id, uint32_t code);
int set_nonblock(int fd);

/* ---- what was received ------------------------------------------------------- */

struct unit {
	ssize_t len;
	int64_t id;		/* -1: no stream data */
	uint32_t flags;		/* of the stream */
	int msg_flags;
	int level;		/* of TLS bytes, or -1 */
	uint8_t data[70000];
};

/* recvmsg() taken apart; flags as its own. Returns u->len. */
ssize_t receive(int fd, struct unit *u, size_t len, int flags);
/* Wait for an event of this type, dropping others and data. */
void wait_event(int fd, int type, union quic_event *ev);
/* Wait for this state of a stream, likewise. */
void wait_update(int fd, int64_t id, int state, struct quic_stream_update *up);
/* Wait for all of these poll bits. */
void wait_poll(int fd, short bits);
short poll_now(int fd);
/* Read until FIN of the stream, or @len bytes; fails if others come. */
size_t read_stream(int fd, int64_t id, void *buf, size_t len, bool *fin);
/* Wait until the connection is closed (recvmsg says ENOTCONN). */
void wait_closed(int fd);

/* ---- the kernel's figures ------------------------------------------------------- */

/* A counter of /proc/net/quic/{stats,snmp} of this namespace. */
unsigned long counter(const char *name);
/* Of net.quic, likewise. */
void write_sysctl(const char *name, const char *value);

#endif
