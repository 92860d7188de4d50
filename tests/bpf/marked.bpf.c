// SPDX-License-Identifier: GPL-2.0
/* Marks its IDs, and counts them when they come and go. */
#include <quic/connid.h>

/* So long that no random ID has it: those of connections that end now are told, too. */
#define MARK	0xa5b6c7d8
#define MARK_AT	4

__u64 issues, retires, strange;

QUIC_CONNID_OP(marked_generate, struct quic_connid *id)
{
	int i;

	for (i = 0; i < 4; i++)
		id->bytes[MARK_AT + i] = MARK >> (8 * i);
	return 0;
}

static bool is_marked(const struct quic_connid *id)
{
	int i;

	for (i = 0; i < 4; i++)
		if (id->bytes[MARK_AT + i] != (__u8)(MARK >> (8 * i)))
			return false;
	return true;
}

static void check(struct quic_connid *id)
{
	if (!is_marked(id) || id->len != QUIC_CONNID_LEN || !id->number)
		__sync_fetch_and_add(&strange, 1);
}

QUIC_CONNID_TOLD(marked_issued, struct quic_connid *id)
{
	check(id);
	__sync_fetch_and_add(&issues, 1);
}

/* IDs of before have no mark. */
QUIC_CONNID_TOLD(marked_retired, struct quic_connid *id)
{
	if (!is_marked(id))
		return;
	check(id);
	__sync_fetch_and_add(&retires, 1);
}

QUIC_CONNID_DEFINE_LINK(marked, .generate = (void *)marked_generate,
			.issued = (void *)marked_issued,
			.retired = (void *)marked_retired);
