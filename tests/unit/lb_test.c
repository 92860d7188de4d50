// SPDX-License-Identifier: GPL-2.0
/*
 * QUIC-LB connection IDs: AES against FIPS 197, and the draft's vectors
 * (draft-ietf-quic-load-balancers-21 appendix B), the fourth with the first
 * octet that its configuration demands (0x72, where the draft has 0x12).
 */
#include "unit.h"
#include <quic/lb.h>

static int unhex(const char *hex, u8 *to)
{
	int n = strlen(hex) / 2, i;
	unsigned int byte;

	for (i = 0; i < n; i++) {
		sscanf(hex + 2 * i, "%2x", &byte);
		to[i] = byte;
	}
	return n;
}

TEST(aes_128_is_that_of_fips_197)
{
	struct quic_lb lb = {};
	struct quic_lb_aes aes;
	u8 block[16], plain[16], want[16];
	u32 columns[4];

	unhex("2b7e151628aed2a6abf7158809cf4f3c", lb.key);
	unhex("3243f6a8885a308d313198a2e0370734", plain);
	unhex("3925841d02dc09fbdc118597196a0b32", want);
	quic_lb_aes_key(&aes, &lb);
	quic_lb_load(columns, plain);
	quic_lb_aes_encrypt(&aes, columns);
	quic_lb_store(block, columns);
	EXPECT(!memcmp(block, want, 16));
	quic_lb_aes_decrypt(&aes, columns);
	quic_lb_store(block, columns);
	EXPECT(!memcmp(block, plain, 16));
}

static const struct vector {
	const char *key, *sid, *nonce, *id;
	u8 rotation;
} vectors[] = {
	{ "fdf726a9893ec05c0632d3956680baf0", "31441a", "9c69c275",
	  "0767947d29be054a", 0 },
	{ "8f95f09245765f80256934e50c66207f", "ed793a", "ee080dbf",
	  "0720b1d07b359d3c", 0 },
	{ "8f95f09245765f80256934e50c66207f", "ed793a51d49b8f5fab65",
	  "ee080dbf48", "2fcc381bc74cb4fbad2823a3d1f8fed2", 1 },
	{ "8f95f09245765f80256934e50c66207f", "ed793a51d49b8f5f",
	  "ee080dbf48c0d1e5", "504dd2d05a7b0de9b2b9907afb5ecf8cc3", 2 },
	{ "8f95f09245765f80256934e50c66207f", "ed793a51d49b8f5fab",
	  "ee080dbf48c0d1e55d", "725779c9cc86beb3a3a4a3ca96fce4bfe0cdbc", 3 },
	{ NULL, "c4605e", "4504cc4f", "07c4605e4504cc4f", 0 },
};

TEST(the_vectors_of_the_draft)
{
	u8 id[20], want[20], plain[20];
	const struct vector *v;
	struct quic_lb lb;
	int i, n;

	for (i = 0; i < ARRAY_SIZE(vectors); i++) {
		v = &vectors[i];
		unit_case("vector %d", i);
		memset(&lb, 0, sizeof(lb));
		if (v->key)
			unhex(v->key, lb.key);
		lb.encrypt = !!v->key;
		lb.rotation = v->rotation;
		lb.self_len = 1;
		lb.sid_len = unhex(v->sid, plain + 1);
		lb.nonce_len = unhex(v->nonce, plain + 1 + lb.sid_len);
		EXPECT(quic_lb_valid(&lb));
		n = unhex(v->id, want);
		memcpy(id, plain, sizeof(id));
		id[0] = 0xff;
		EXPECT_EQ(quic_lb_make(&lb, id), n);
		EXPECT(!memcmp(id, want, n));
		EXPECT_EQ(quic_lb_read(&lb, id, n - 1), -1);
		EXPECT_EQ(quic_lb_read(&lb, id, n), 0);
		EXPECT(!memcmp(id + 1, plain + 1, n - 1));
		lb.rotation ^= 1;
		EXPECT_EQ(quic_lb_read(&lb, id, n), -1);
	}
}

TEST(every_length_comes_back)
{
	u8 id[20], plain[20];
	struct quic_lb lb = { .encrypt = 1, .rotation = 6 };
	int i, n;

	for (i = 0; i < 2000; i++) {
		unit_rand_bytes(lb.key, sizeof(lb.key));
		unit_rand_bytes(plain, sizeof(plain));
		lb.sid_len = 1 + unit_rand_below(15);
		lb.nonce_len = 4 + unit_rand_below(15);
		if (!quic_lb_valid(&lb))
			continue;
		unit_case("%u and %u octets", lb.sid_len, lb.nonce_len);
		memcpy(id, plain, sizeof(id));
		n = quic_lb_make(&lb, id);
		EXPECT_EQ(n, 1 + lb.sid_len + lb.nonce_len);
		EXPECT_EQ(id[0], 6 << 5 | (plain[0] & 0x1f));
		EXPECT(memcmp(id + 1, plain + 1, n - 1));
		/* nothing beyond it is touched */
		EXPECT(!memcmp(id + n, plain + n, sizeof(id) - n));
		EXPECT_EQ(quic_lb_read(&lb, id, n), 0);
		EXPECT(!memcmp(id + 1, plain + 1, n - 1));
	}
}

TEST(no_nonce_comes_twice)
{
	struct quic_lb lb = { .sid_len = 3, .nonce_len = 4 };
	u8 id[20] = { 1, 2, 3, 4 };
	u64 base = 0x1122334455667788;

	EXPECT_EQ(quic_lb_put_nonce(&lb, id, base, 1), 0);
	EXPECT(!memcmp(id, "\1\2\3\4\x55\x66\x77\x89\0", 9));
	EXPECT_EQ(quic_lb_put_nonce(&lb, id, base, U32_MAX), 0);
	EXPECT(!memcmp(id, "\1\2\3\4\x55\x66\x77\x87\0", 9));
	EXPECT_EQ(quic_lb_put_nonce(&lb, id, base, 1ULL << 32), -1);
	lb.nonce_len = 5;
	EXPECT_EQ(quic_lb_put_nonce(&lb, id, base, 1ULL << 32), 0);
	EXPECT_EQ(quic_lb_put_nonce(&lb, id, base, 1ULL << 40), -1);
	/* Of more than eight octets the first ones are random. */
	lb.nonce_len = 10;
	memset(id, 0xee, sizeof(id));
	EXPECT_EQ(quic_lb_put_nonce(&lb, id, base, U64_MAX), 0);
	EXPECT(!memcmp(id, "\xee\xee\xee\xee\xee\xee\x11\x22\x33\x44\x55\x66\x77\x87\xee", 15));
}
