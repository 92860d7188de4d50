/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Packet protection keys of a connection: per encryption level one key per
 * direction.  Written under the socket lock in process context; used under
 * it in any.
 */
#ifndef KQUIC_KEYS_H
#define KQUIC_KEYS_H

#include <linux/workqueue.h>
#include "crypto/aead.h"
#include "crypto/hp.h"

/* One direction of one level. */
struct quic_key {
	bool ready;
	struct quic_aead_key aead;
	struct quic_hp hp;
};

/* What a key update has beside the keys in use; no suite: not made, or gone. */
struct quic_key_spares {
	struct quic_aead_key next[2];	/* L; [0 rx, 1 tx] */
	struct quic_aead_key prev;	/* L; rx */
};

/*
 * Key update of 1-RTT packets (RFC 9001 section 6): the secrets that the keys
 * in use came from, the next keys, and for a while the peer's previous one.
 * Exists as soon as a 1-RTT secret does.
 */
struct quic_key_update {
	struct work_struct work;	/* makes @next */
	struct sock *sk;		/* I */
	struct quic_key_spares *spares;	/* L; NULL: never needed */
	u8 secret[2][QUIC_SECRET_MAX];	/* L; of the newest key of each */
	u8 current_secret[2][QUIC_SECRET_MAX]; /* L; of those in use */
	u32 generation[2];	/* L; number of those, from 0; odd: phase 1 */
	u64 rx_first;	/* L; lowest number received in the current phase */
	u64 prev_last;	/* L; highest received in the previous one */
	u64 tx_first;	/* L; first number sent in the current phase */
	u64 prev_until;	/* L; when @prev goes */
	u64 due;	/* L; update after so many packets sealed */
	bool deferred;	/* L; @next may not be made yet */
	bool asked;	/* L; by the program: update as soon as it is legal */
};

/* Derive and allocate; @secret has suite->secret_len bytes.  All levels but
 * 1-RTT are the CPU's (quic_aead_sw).  Process context,
 * may sleep.  On error @k is as before.
 */
int quic_key_install(struct quic_key *k,
		     const struct quic_aead_provider *provider,
		     const struct quic_suite *suite, u32 version,
		     const u8 *secret);
void quic_key_drop(struct quic_key *k);

/* Both directions of a level that has none, and gets none: not to be written. */
extern const struct quic_key quic_no_keys[2];

#endif
