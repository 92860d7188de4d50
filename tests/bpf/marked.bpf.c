// SPDX-License-Identifier: GPL-2.0
/* Marks its IDs, and counts them when they come and go. */
#include <quic/connid.h>

#define MARK	0xa5

__u64 issues, retires, strange;

QUIC_CONNID_OP(marked_generate, struct quic_connid *id)
{
	id->bytes[3] = MARK;
	return 0;
}

static void check(struct quic_connid *id)
{
	if (id->bytes[3] != MARK || id->len != QUIC_CONNID_LEN || !id->number)
		__sync_fetch_and_add(&strange, 1);
}

QUIC_CONNID_TOLD(marked_issued, struct quic_connid *id)
{
	check(id);
	__sync_fetch_and_add(&issues, 1);
}

/* IDs of before, of connections that end now, have no mark. */
QUIC_CONNID_TOLD(marked_retired, struct quic_connid *id)
{
	if (id->bytes[3] != MARK)
		return;
	check(id);
	__sync_fetch_and_add(&retires, 1);
}

QUIC_CONNID_DEFINE_LINK(marked, .generate = (void *)marked_generate,
			.issued = (void *)marked_issued,
			.retired = (void *)marked_retired);
