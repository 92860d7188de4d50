// SPDX-License-Identifier: GPL-2.0
/*
 * Controllers for the tests of quicctl: one with a link and one without, with
 * TEST_VERSION=2 another version of the first, with TEST_REFUSED one that the
 * verifier does not take, with TEST_NAME one of that name, in TEST_SECTION.
 */
#include <quic/cc.h>

#ifdef TEST_REFUSED
QUIC_CC_OP(test_refused, struct quic_cc *cc, __u64 now)
{
	cc->mss = 10;	/* not the program's to write */
}

QUIC_CC_DEFINE_LINK(refused, .init = (void *)test_refused);
#elif defined(TEST_NAME)
SEC(TEST_SECTION)
struct quic_congestion_ops named = { .name = TEST_NAME };
#else
QUIC_CC_OP(test_init, struct quic_cc *cc, __u64 now)
{
	cc->cwnd = 10 * TEST_VERSION * cc->mss;
}

QUIC_CC_DEFINE_LINK(linked, .init = (void *)test_init);
#if TEST_VERSION == 1
QUIC_CC_DEFINE(unlinked, .init = (void *)test_init);
#endif
#endif
