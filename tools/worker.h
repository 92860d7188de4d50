/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TOOLS_WORKER_H
#define TOOLS_WORKER_H

#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>

#include "serve.h"

#define LISTENERS_MAX	8
#define NAME_SIZE	(INET6_ADDRSTRLEN + 8)

/* What a server is about; it only goes forward. */
enum phase {
	PHASE_SERVE,
	PHASE_DRAIN,	/* no new requests; finish those there are */
	PHASE_STOP,
};

struct listener {
	bool listening;		/* first: tells it from a client */
	_Atomic int fd;		/* -1: closed */
	char name[NAME_SIZE];
};

/* One per address. */
struct listeners {
	struct listener of[LISTENERS_MAX];
	unsigned int count;
	int cpu;		/* that they serve; -1: any */
};

/* What all threads share. */
struct server {
	struct serve serve;
	struct tls tls;
	const struct conn_ops *protocols[TLS_ALPN_MAX + 1];
	const char *alpns[TLS_ALPN_MAX + 1];
	unsigned int max_clients;	/* of one thread */
	uint64_t timeout_us;		/* without any movement */
	struct sockaddr_storage preferred[2];	/* of either family */
	atomic_bool no_preferred;	/* it failed, and that was said */
	bool once;			/* one connection, then the end */
	pthread_t main;			/* gets SIGUSR2 when a thread ends */
	_Atomic enum phase phase;
	atomic_uint running;		/* threads */
};

struct worker;

/* Start a thread that takes connections from these listeners, on their CPU.
 * NULL: errno says why not.
 */
struct worker *worker_start(struct server *s, struct listeners *listeners);

/* Make it look at the phase. */
void worker_wake(struct worker *w);

/* Wait for its end, and free it. */
void worker_join(struct worker *w);

#endif
