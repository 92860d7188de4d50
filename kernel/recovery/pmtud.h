/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Packetization-layer path MTU discovery (RFC 8899, RFC 9000 section 14.3):
 * how large the packets of one path may be.
 */
#ifndef KQUIC_RECOVERY_PMTUD_H
#define KQUIC_RECOVERY_PMTUD_H

#include <linux/types.h>

/* Sizes are UDP payload, multiples of this: see tx/build. */
#define QUIC_PMTUD_STEP		16
/* BASE_PLPMTU; QUIC asks every path for it (RFC 9000 section 14). */
#define QUIC_PMTUD_BASE		1200
/* Where many paths of jumbo frames end: Ethernet's MTU, IPv4. */
#define QUIC_PMTUD_ETHERNET	1472
/* MAX_PROBES: lost ones of a size that condemn it (RFC 8899 section 5.1.2). */
#define QUIC_PMTUD_PROBES	3

enum quic_pmtud_state {
	QUIC_PMTUD_SEARCHING,
	QUIC_PMTUD_COMPLETE,	/* until it is time to raise */
};

struct quic_pmtud {
	u8 state;		/* enum quic_pmtud_state */
	u8 lost;		/* probes of @probe */
	u16 size;		/* PLPMTU: works */
	u16 probe;		/* looked at now, 0: choose */
	u16 max;		/* what interface and peer take */
	u16 bad;		/* the least that is known not to work */
	u64 id;			/* probe under way, 0: none */
	u64 old_id;		/* the one before; its ACK may be late */
	u64 raise_at;		/* COMPLETE: when to search again */
};

/* RFC 8899 section 5.2: BASE is confirmed by the handshake, whose first
 * packets have that size, and a path that cannot carry it (ERROR) cannot
 * carry QUIC.  So both are the beginning of SEARCHING here.
 */
void quic_pmtud_init(struct quic_pmtud *pm);
/* The bound has changed. */
void quic_pmtud_set_max(struct quic_pmtud *pm, u16 max);

/* Is there anything left to ask, and no answer awaited? */
static inline bool quic_pmtud_pending(const struct quic_pmtud *pm)
{
	return pm->size < pm->max && !pm->id;
}

/* Size of the probe to be sent now, 0: none. */
u16 quic_pmtud_next(struct quic_pmtud *pm, u64 now);
/* It is on its way; @id, not 0, never comes again. */
void quic_pmtud_on_sent(struct quic_pmtud *pm, u64 id);
/* @raise: how long to be content with what was found, ns.
 * Return: true if larger packets may be sent now.
 */
bool quic_pmtud_on_acked(struct quic_pmtud *pm, u64 id, u64 now, u64 raise);
/* Lost, or (@never) even the interface refuses that size. */
void quic_pmtud_on_lost(struct quic_pmtud *pm, u64 id, bool never, u64 now,
			u64 raise);
/* Another path is in use: of a probe under way nothing is heard any more. */
void quic_pmtud_left(struct quic_pmtud *pm);
/* Nothing gets through (RFC 8899 section 4.3): back to the base, and search
 * anew.  Return: true if packets were larger.
 */
bool quic_pmtud_black_hole(struct quic_pmtud *pm);

/* A router says that a packet was too big for it and that @size is not.  It sets
 * where to look next, but no size (RFC 8899 section 4.6.2); what does not
 * concern a packet of ours, or is below the base, is ignored.
 * Return: true if it was heeded; @size of @pm may be the base then.
 */
bool quic_pmtud_too_big(struct quic_pmtud *pm, u16 size, u64 now, u64 raise);

#endif
