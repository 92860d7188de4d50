// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The flight: handshake messages and secrets in the order in which GnuTLS
 * produced them, waiting to be handed to the kernel in that same order.
 *
 * The order is the point.  Bytes of a level can be sent once the level's
 * secret is in the kernel, and the application secret lets the kernel send
 * 1-RTT packets, so it must not arrive before the handshake bytes that GnuTLS
 * wrote before it (RFC 9001 section 4.1.3).
 *
 * Filled by the callbacks of handshake.c, emptied by its step machine.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

int quic_flight_add(struct quic_flight *flight, bool is_secret, uint8_t level,
		    const void *data, size_t len)
{
	struct quic_flight_item *item = malloc(sizeof(*item) + len);

	if (!item)
		return -ENOMEM;
	item->next = NULL;
	item->is_secret = is_secret;
	item->level = level;
	item->len = len;
	memcpy(item->data, data, len);

	if (flight->tail)
		flight->tail->next = item;
	else
		flight->head = item;
	flight->tail = item;
	return 0;
}

/* Does a message follow the one at the head, so that the two should share a
 * packet?  Secrets go to the kernel in between, but for that of the
 * application: what comes before it must have left, so a ticket that follows
 * the handshake in one flight does not count.
 */
bool quic_flight_has_more(const struct quic_flight *flight)
{
	const struct quic_flight_item *item, *head = flight->head;

	for (item = head->next; item; item = item->next)
		if (!item->is_secret)
			return item->level != QUIC_CRYPTO_APP ||
			       head->level == QUIC_CRYPTO_APP;
	return false;
}

void quic_flight_pop(struct quic_flight *flight)
{
	struct quic_flight_item *item = flight->head;

	flight->head = item->next;
	if (!flight->head)
		flight->tail = NULL;
	explicit_bzero(item->data, item->len);
	free(item);
}

void quic_flight_clear(struct quic_flight *flight)
{
	while (flight->head)
		quic_flight_pop(flight);
}
