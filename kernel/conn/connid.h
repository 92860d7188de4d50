/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How connection IDs are made, read and used to choose a listener: what BPF
 * programs (struct_ops) can take over from the module, per network namespace.
 */
#ifndef KQUIC_CONN_CONNID_H
#define KQUIC_CONN_CONNID_H

#include <linux/types.h>
#include "../registry.h"

struct net;
struct sock;
struct quic_cid;
struct seq_file;

#define QUIC_CONNID_MAX_LEN	20
/* IDs have this length, unless a program makes longer ones. */
#define QUIC_CONNID_LEN		8
/* Faults in a row, after which a namespace is rid of its program. */
#define QUIC_CONNID_FAULTS	64
#define QUIC_CONNID_NO_CPU	(~0U)
#define QUIC_CONNID_BY_CPU	(~0U)

/**
 * struct quic_connid - an ID, and what is asked of it
 * @bytes:	the ID; generate() writes it.  Random before the call: what is
 *		left alone stays unpredictable, which RFC 9000 section 5.1 wants
 * @len:	its length; generate() finds QUIC_CONNID_LEN there, and may write
 *		more, up to QUIC_CONNID_MAX_LEN.  What arrives says nothing of it:
 *		each length that has been in use in the namespace costs a look-up
 *		of what arrives, so one program should keep to one
 * @cpu:	generate(): the CPU that owns the connection; choose(): where its
 *		first packet came, and may write another; decode() writes the one
 *		that the ID says, QUIC_CONNID_NO_CPU: none
 * @server:	decode() writes it: the number of the server, 0: none
 * @listener:	choose() may write it: an index below @listeners, the newest is 0.
 *		QUIC_CONNID_BY_CPU, which it is before: one of those that serve @cpu
 *		(SO_INCOMING_CPU), by @hash if several do, any if none does
 * @listeners:	choose(): how many sockets of the SO_REUSEPORT group take the
 *		client's protocol
 * @hash:	choose(): of the client's address
 * @number:	issued(), retired(): of the connection (struct quic_info); 0: of
 *		none yet, the ID is a Retry's or stands for a first contact
 */
struct quic_connid {
	u8 bytes[QUIC_CONNID_MAX_LEN];
	u32 len;
	u32 cpu;
	u32 listener;
	u32 listeners;
	u32 hash;
	u64 server;
	u64 number;
};

/**
 * struct quic_connid_ops - a way of making and reading connection IDs
 * @name:	for net.quic.connid; 1 to 15 of A-Z a-z 0-9 _ - .  Mandatory, all
 *		else is not
 * @flags:	must be 0
 * @generate:	make an ID.  It must not lead from one ID of a connection to
 *		another of it (RFC 9000 section 5.1).  Called again, up to four
 *		times, if there is such an ID already.  Return: 0; anything
 *		else: random bytes are taken.  Default: random bytes
 * @decode:	read an ID: write @cpu and @server.  Return: 0, or anything else
 *		if it is none of ours.  If there is a generate(), what that made
 *		must lead to the CPU that was asked for, or to none.
 *		Default: nothing can be read
 * @choose:	which listener of a SO_REUSEPORT group gets a first contact, whose
 *		ID is @bytes: the client's invention, or after a Retry ours.
 *		Return: 0; anything else for the default.  Default: one that
 *		serves the CPU where the client's packet came
 * @issued:	an ID is in use from now on.  Default: nothing
 * @retired:	and not any more, also if another program or none made it, before
 *		this one was used.  Default: nothing
 *
 * Called in softirq or process context, at the same time for several
 * connections; none may sleep.  The struct may grow at its end.  What generate()
 * and choose() write is checked: a wrong length, an ID that is taken four times,
 * a CPU that is not the one asked for, a listener that there is not.  The kernel
 * then does what it does without a program and counts it; QUIC_CONNID_FAULTS in
 * a row, and the namespace goes back to random IDs.  A program whose calls take
 * long (QUIC_SLOW_NS) is retired: all go back to these, and nobody can choose it,
 * until it is loaded anew.
 */
struct quic_connid_ops {
	char name[QUIC_NAME_MAX];
	u64 flags;
	int (*generate)(struct quic_connid *id);
	int (*decode)(struct quic_connid *id);
	int (*choose)(struct quic_connid *id);
	void (*issued)(struct quic_connid *id);
	void (*retired)(struct quic_connid *id);
};

/* What a program did wrong, or what became of it. */
enum quic_connid_fault {
	QUIC_CONNID_BAD_LEN,		/* generate(): too short or too long */
	QUIC_CONNID_BAD_CPU,		/* decode() is of another opinion */
	QUIC_CONNID_COLLISION,		/* four IDs that were taken */
	QUIC_CONNID_BAD_LISTENER,	/* choose(): no such socket */
	QUIC_CONNID_LATE,		/* a call that took QUIC_SLOW_NS */
	QUIC_CONNID_FAULT_MAX,
};

extern struct quic_registry quic_connid_registry;

int quic_connid_init(void);
void quic_connid_exit(void);

/* The namespace's choice by name; "random": none.  0 or -ENOENT. */
int quic_connid_use(struct net *net, const char *name);
void quic_connid_name(struct net *net, char *name);
void quic_connid_net_init(struct net *net);
void quic_connid_net_exit(struct net *net);

/* The socket's own choice: QUIC_SOCKOPT_CONNID. */
int quic_connid_set(struct sock *sk, void *val, u32 len);
int quic_connid_get(struct sock *sk, void *val, u32 len);
void quic_connid_inherit(struct sock *child, const struct sock *parent);
void quic_connid_drop(struct sock *sk);

/* Bytes of a fresh ID, of a connection that is on @cpu; @sk: its socket, NULL:
 * there is none yet.
 */
void quic_connid_make(struct net *net, struct sock *sk, struct quic_cid *cid,
		      u32 cpu);
/* Such an ID leads somewhere now; or it was taken, the last time of all. */
void quic_connid_used(struct net *net, struct sock *sk, bool collided);
/* For a client whose ID is @cid and whose first packet came to *@cpu: an index
 * below @n, or QUIC_CONNID_BY_CPU: a listener that serves *@cpu.
 */
u32 quic_connid_choose(struct net *net, const struct quic_cid *cid, u32 n,
		       u32 hash, u32 *cpu);
enum quic_connid_event {
	QUIC_CONNID_ISSUED,
	QUIC_CONNID_RETIRED,
};

void quic_connid_tell(struct sock *sk, enum quic_connid_event event,
		      const struct quic_cid *cid, u64 number);
int quic_connid_show(struct seq_file *seq, void *v);

#endif
