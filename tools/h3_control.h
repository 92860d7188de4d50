/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TOOLS_H3_CONTROL_H
#define TOOLS_H3_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define H3_SETTINGS_MAX	32	/* a peer may send */

/* The peer's control stream so far; zeroed at the start. */
struct h3_control {
	uint64_t seen;		/* one-way streams that brought bytes, a bit each */
	int64_t id;		/* which is it; 0: not known yet */
	bool unchecked;		/* nghttp3 has an objection of its own */

	enum { CONTROL_TYPE, CONTROL_LENGTH, CONTROL_PAYLOAD } at;
	uint64_t type, left;
	uint8_t part[8];	/* of the integer under way */
	uint8_t have;
	unsigned int integers;	/* of the payload under way */

	bool settings_done;
	uint64_t settings[H3_SETTINGS_MAX];
	unsigned int settings_count;
	uint64_t max_push_id;
};

/*
 * Look at n bytes of the peer's one-way stream id before nghttp3 does.  Returns
 * 0, or the error to close with.
 */
uint32_t h3_control_check(struct h3_control *c, int64_t id,
			  const uint8_t *data, size_t n);

#endif
