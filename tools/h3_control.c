// SPDX-License-Identifier: GPL-2.0
/*
 * What nghttp3 lets pass, or answers with another error than RFC 9114 has, on
 * the peer's control stream: settings that come twice, frames of one integer
 * with bytes too many, the rules for push IDs (neither role of ours uses push).
 *
 * Pure: bytes in, an error code out.  nghttp3 sees the same bytes afterwards
 * and judges all else.
 */
#include "h3_control.h"

#include <nghttp3/nghttp3.h>

enum {
	STREAM_CONTROL = 0x00,

	FRAME_CANCEL_PUSH = 0x03,
	FRAME_SETTINGS = 0x04,
	FRAME_GOAWAY = 0x07,
	FRAME_MAX_PUSH_ID = 0x0d,
};

/* Take bytes of an integer (RFC 9000 section 16).  True: it is complete. */
static bool integer(struct h3_control *c, const uint8_t **p, const uint8_t *end,
		    uint64_t *value)
{
	while (*p < end) {
		c->part[c->have++] = *(*p)++;
		if (c->have < 1 << (c->part[0] >> 6))
			continue;
		*value = c->part[0] & 0x3f;
		for (int i = 1; i < c->have; i++)
			*value = *value << 8 | c->part[i];
		c->have = 0;
		return true;
	}
	return false;
}

/* Section 7.2.4: an identifier comes once. */
static uint32_t setting(struct h3_control *c, uint64_t id)
{
	for (unsigned int i = 0; i < c->settings_count; i++)
		if (c->settings[i] == id)
			return NGHTTP3_H3_SETTINGS_ERROR;
	if (c->settings_count == H3_SETTINGS_MAX)
		return NGHTTP3_H3_EXCESSIVE_LOAD;
	c->settings[c->settings_count++] = id;
	return 0;
}

static uint32_t take_integer(struct h3_control *c, uint64_t value)
{
	unsigned int nth = c->integers++;

	switch (c->type) {
	case FRAME_SETTINGS:
		/* Identifiers and values take turns. */
		return nth % 2 ? 0 : setting(c, value);
	case FRAME_CANCEL_PUSH:		/* section 7.2.3 */
		return NGHTTP3_H3_ID_ERROR;
	case FRAME_MAX_PUSH_ID:		/* section 7.2.7 */
		if (value < c->max_push_id)
			return NGHTTP3_H3_ID_ERROR;
		c->max_push_id = value;
		break;
	}
	/* Section 7.1: nothing follows the one integer. */
	return c->left ? NGHTTP3_H3_FRAME_ERROR : 0;
}

static uint32_t payload(struct h3_control *c, const uint8_t **p,
			const uint8_t *end)
{
	const uint8_t *start = *p;
	uint64_t value;
	uint32_t error = 0;

	if (c->left < (uint64_t)(end - start))
		end = start + c->left;
	while (*p < end && !error) {
		const uint8_t *before = *p;

		switch (c->type) {
		case FRAME_SETTINGS:
		case FRAME_CANCEL_PUSH:
		case FRAME_GOAWAY:
		case FRAME_MAX_PUSH_ID:
			if (integer(c, p, end, &value)) {
				c->left -= *p - before;
				error = take_integer(c, value);
				continue;
			}
			break;
		default:
			*p = end;
		}
		c->left -= *p - before;
	}
	return error;
}

/* A frame begins.  The first one must be SETTINGS, and none after it. */
static void begin_frame(struct h3_control *c)
{
	if ((c->type == FRAME_SETTINGS) == c->settings_done)
		c->unchecked = true;
	c->settings_done = true;
	c->integers = 0;
	c->have = 0;
	c->at = c->left ? CONTROL_PAYLOAD : CONTROL_TYPE;
}

static uint32_t frames(struct h3_control *c, const uint8_t *p,
		       const uint8_t *end)
{
	uint32_t error = 0;

	while (p < end && !error && !c->unchecked) {
		switch (c->at) {
		case CONTROL_TYPE:
			if (integer(c, &p, end, &c->type))
				c->at = CONTROL_LENGTH;
			break;
		case CONTROL_LENGTH:
			if (integer(c, &p, end, &c->left))
				begin_frame(c);
			break;
		case CONTROL_PAYLOAD:
			error = payload(c, &p, end);
			if (!c->left) {
				/* An integer that the frame cuts short is
				 * nghttp3's to find.
				 */
				c->unchecked |= c->have > 0;
				c->at = CONTROL_TYPE;
			}
			break;
		}
	}
	return error;
}

/* Only the first bytes of a stream tell its type.  One that is cut within, or
 * that comes after 63 others, is nghttp3's alone.
 */
static bool is_control(struct h3_control *c, int64_t id, const uint8_t **p,
		       const uint8_t *end)
{
	uint64_t bit = id / 4 < 63 ? 1ULL << (id / 4) : 0;
	uint64_t type;

	if (c->id)
		return c->id == id;
	if (!bit || c->seen & bit)
		return false;
	c->seen |= bit;
	if (!integer(c, p, end, &type) || type != STREAM_CONTROL) {
		c->have = 0;
		return false;
	}
	c->id = id;
	return true;
}

uint32_t h3_control_check(struct h3_control *c, int64_t id,
			  const uint8_t *data, size_t n)
{
	const uint8_t *end = data + n;

	if (!n || c->unchecked || !is_control(c, id, &data, end))
		return 0;
	return frames(c, data, end);
}
