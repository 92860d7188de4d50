/* SPDX-License-Identifier: GPL-2.0 */
/* What has to be sent, sent again, and what has come: bytes of one flow. */
#ifndef SIM_FLOW_H
#define SIM_FLOW_H

#include "endpoint.h"

#define FLOW_RANGES	8192
#define PATTERN		4093	/* a prime: no packet size divides it */

void flow_init(struct sim_flow *f, u64 id);
void flow_free(struct sim_flow *f);

/* The bytes of flow @id at @off; up to 2000 may be read. */
const u8 *flow_bytes(u64 id, u64 off);

/* The next bytes to send: lost ones first.  false: nothing. */
bool flow_pick(const struct sim_flow *f, u64 *off, u64 *len);
void flow_sent(struct sim_flow *f, u64 off, u64 len);
void flow_acked(struct sim_flow *f, u64 off, u64 len);
void flow_lost(struct sim_flow *f, u64 off, u64 len);
/* false: they are not the bytes that belong there */
bool flow_receive(struct sim_flow *f, u64 off, const u8 *data, u64 len,
		  bool fin);
bool flow_is_settled(const struct sim_flow *f);

#endif
