// SPDX-License-Identifier: GPL-2.0
/*
 * The ALPN list of a ClientHello, RFC 8446 section 4.1.2, RFC 7301
 * section 3.1: hellos of real programs, and built ones.
 *
 * needs: wire/client_hello.c
 */
#include "unit.h"
#include "hellos.h"
#include "vectors.h"
#include "wire/client_hello.h"

/* On an exact copy of the bytes; the list is copied to @list. */
static int find(const u8 *buf, size_t len, u8 *list, u16 *list_len)
{
	const u8 *alpn = (void *)1;
	u8 *p = unit_dup(buf, len);
	int err;

	err = quic_client_hello_alpn(p, len, &alpn, list_len);
	if (err || !alpn) {
		EXPECT(!alpn);
		EXPECT_EQ(*list_len, 0);
	} else {
		EXPECT(alpn >= p && alpn + *list_len <= p + len);
		if (list)
			memcpy(list, alpn, *list_len);
	}
	free(p);
	return err;
}

/* RFC 9001 section A.2 has one inside a CRYPTO frame. */
static const struct {
	const char *from, *hex, *alpn;
	u8 skip;
} hellos[] = {
	{ "RFC 9001", rfc_client_payload, "\4alpn", 4 },
	{ "ngtcp2", hello_ngtcp2, "\2h3" },
	{ "gnutls", hello_gnutls, "\2h3\12hq-interop\3smb" },
	{ "openssl", hello_openssl, "\2h3\12hq-interop" },
	{ "no ALPN", hello_no_alpn, "" },
	{ "TLS 1.2", hello_tls12, "\10http/1.1" },
};

TEST(hellos_of_real_clients)
{
	u8 buf[2000], list[200];
	u16 list_len;
	size_t i, len;

	for (i = 0; i < ARRAY_SIZE(hellos); i++) {
		unit_case("%s", hellos[i].from);
		len = unit_hex(hellos[i].hex, buf, sizeof(buf));
		len -= hellos[i].skip;
		memmove(buf, buf + hellos[i].skip, len);
		EXPECT_EQ(find(buf, len, list, &list_len), 0);
		EXPECT_EQ(list_len, strlen(hellos[i].alpn));
		EXPECT_MEM(list, hellos[i].alpn, list_len);
		/* what follows is another message */
		buf[len] = 0xff;
		EXPECT_EQ(find(buf, len + 1, list, &list_len), 0);
		EXPECT_EQ(list_len, strlen(hellos[i].alpn));
	}
}

TEST(every_beginning_asks_for_more)
{
	u8 buf[2000];
	size_t i, n, len;
	u16 list_len;

	for (i = 0; i < ARRAY_SIZE(hellos); i++) {
		len = unit_hex(hellos[i].hex, buf, sizeof(buf));
		len -= hellos[i].skip;
		memmove(buf, buf + hellos[i].skip, len);
		for (n = 0; n < len; n++) {
			unit_case("%s, %zu bytes", hellos[i].from, n);
			EXPECT_EQ(find(buf, n, NULL, &list_len), -EAGAIN);
		}
	}
}

/* The message ends where its first length says, whatever inner lengths
 * claim: cut it short and correct that one length.
 */
TEST(inner_lengths_are_not_trusted)
{
	u8 buf[2000];
	size_t i, n, len, bare;
	u16 list_len;

	for (i = 0; i < ARRAY_SIZE(hellos); i++) {
		len = unit_hex(hellos[i].hex, buf, sizeof(buf));
		len -= hellos[i].skip;
		memmove(buf, buf + hellos[i].skip, len);
		/* what may stand alone: all before the extensions */
		bare = 4 + 2 + 32;
		bare += 1 + buf[bare];
		bare += 2 + (buf[bare] << 8 | buf[bare + 1]);
		bare += 1 + buf[bare];
		for (n = 4; n < len; n++) {
			unit_case("%s, %zu bytes", hellos[i].from, n);
			put_unaligned_be24(n - 4, buf + 1);
			EXPECT_EQ(find(buf, n, NULL, &list_len),
				  n == bare ? 0 : -EINVAL);
		}
	}
}

TEST(what_is_no_hello_is_refused_at_once)
{
	u8 buf[70000] = { 0 };
	u16 list_len;

	EXPECT_EQ(find(buf, 0, NULL, &list_len), -EAGAIN);
	buf[0] = 2;	/* ServerHello */
	EXPECT_EQ(find(buf, 1, NULL, &list_len), -EINVAL);
	EXPECT_EQ(find(buf, 3, NULL, &list_len), -EINVAL);
	buf[0] = 1;
	EXPECT_EQ(find(buf, 1, NULL, &list_len), -EAGAIN);
	put_unaligned_be24(65532, buf + 1);	/* 64 KiB in all: wait */
	EXPECT_EQ(find(buf, 4, NULL, &list_len), -EAGAIN);
	EXPECT_EQ(find(buf, 65535, NULL, &list_len), -EAGAIN);
	EXPECT_EQ(find(buf, 65536, NULL, &list_len), -EINVAL);
	put_unaligned_be24(65533, buf + 1);
	EXPECT_EQ(find(buf, 4, NULL, &list_len), -EINVAL);
	put_unaligned_be24(0xffffff, buf + 1);
	EXPECT_EQ(find(buf, 4, NULL, &list_len), -EINVAL);
}

/* A hello around the extensions @ext; @sid bytes of session ID, @suites of
 * cipher suites, @comp of compression methods.
 */
static size_t build(u8 *buf, u8 sid, u16 suites, u8 comp, const u8 *ext,
		    size_t ext_len)
{
	u8 *p = buf + 4;

	memset(p, 0x03, 34);
	p += 34;
	*p++ = sid;
	memset(p, 0x11, sid);
	p += sid;
	put_unaligned_be16(suites, p);
	p += 2;
	memset(p, 0x13, suites);
	p += suites;
	*p++ = comp;
	memset(p, 0, comp);
	p += comp;
	put_unaligned_be16(ext_len, p);
	p += 2;
	if (ext_len)
		memcpy(p, ext, ext_len);
	p += ext_len;
	buf[0] = 1;
	put_unaligned_be24(p - buf - 4, buf + 1);
	return p - buf;
}

TEST(fixed_part)
{
	static const struct {
		u8 sid, comp;
		u16 suites;
		int err;
	} cases[] = {
		{ 0, 1, 2, 0 }, { 32, 1, 2, 0 }, { 33, 1, 2, -EINVAL },
		{ 0, 0, 2, -EINVAL }, { 0, 255, 2, 0 },
		{ 0, 1, 0, -EINVAL }, { 0, 1, 3, -EINVAL },
		{ 0, 1, 1000, 0 },
	};
	u8 buf[2000];
	u16 list_len;
	size_t i, len;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		unit_case("case %zu", i);
		len = build(buf, cases[i].sid, cases[i].suites, cases[i].comp,
			    NULL, 0);
		EXPECT_EQ(find(buf, len, NULL, &list_len), cases[i].err);
	}
}

TEST(extensions)
{
	static const struct {
		const char *what, *hex;
		int err;
		const char *alpn;
	} cases[] = {
		{ "none", "", 0, "" },
		{ "one name", "0010 0005 0003 02 6833", 0, "\2h3" },
		{ "two names", "0010 0007 0005 02 6833 01 61", 0,
		  "\2h3\1a" },
		{ "among others",
		  "0000 0002 aabb 0010 0005 0003 02 6833 ffff 0000", 0,
		  "\2h3" },
		{ "twice", "0010 0005 0003 02 6833 0010 0005 0003 02 6833",
		  -EINVAL },
		{ "an empty extension", "0010 0000", -EINVAL },
		{ "an empty list", "0010 0002 0000", -EINVAL },
		{ "an empty name", "0010 0003 0001 00", -EINVAL },
		{ "an empty name among others",
		  "0010 0006 0004 02 6833 00", -EINVAL },
		{ "a name beyond its list", "0010 0005 0003 03 6833",
		  -EINVAL },
		{ "a list shorter than the extension",
		  "0010 0005 0002 01 6833", -EINVAL },
		{ "a list longer than the extension",
		  "0010 0005 0004 02 6833", -EINVAL },
		{ "an extension longer than the message",
		  "0010 0006 0003 02 6833", -EINVAL },
		{ "half a header", "0010 00", -EINVAL },
		{ "rubbish after ALPN", "0010 0005 0003 02 6833 aa", -EINVAL },
	};
	u8 buf[500], ext[100], list[100];
	size_t i, len;
	u16 list_len;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		unit_case("%s", cases[i].what);
		len = unit_hex(cases[i].hex, ext, sizeof(ext));
		len = build(buf, 0, 2, 1, ext, len);
		EXPECT_EQ(find(buf, len, list, &list_len), cases[i].err);
		if (cases[i].err)
			continue;
		EXPECT_EQ(list_len, strlen(cases[i].alpn));
		EXPECT_MEM(list, cases[i].alpn, list_len);
	}
}

TEST(nothing_may_follow_the_extensions)
{
	u8 buf[500];
	size_t len = build(buf, 0, 2, 1, NULL, 0);
	u16 list_len;

	EXPECT_EQ(find(buf, len, NULL, &list_len), 0);
	buf[len++] = 0;
	put_unaligned_be24(len - 4, buf + 1);
	EXPECT_EQ(find(buf, len, NULL, &list_len), -EINVAL);
}

TEST(damaged_hellos_never_read_too_far)
{
	u8 buf[2000];
	size_t len, i;
	u16 list_len;
	int n, k, err;

	for (n = 0; n < 20000; n++) {
		i = unit_rand_below(ARRAY_SIZE(hellos));
		len = unit_hex(hellos[i].hex, buf, sizeof(buf));
		len -= hellos[i].skip;
		memmove(buf, buf + hellos[i].skip, len);
		for (k = unit_rand_below(4); k >= 0; k--)
			buf[4 + unit_rand_below(len - 4)] = unit_rand_bits(8);
		if (unit_rand_below(2)) {
			len = 4 + unit_rand_below(len - 4);
			put_unaligned_be24(len - 4, buf + 1);
		}
		err = find(buf, len, NULL, &list_len);
		EXPECT(!err || err == -EINVAL);
	}
}

TEST(matching)
{
	static const struct {
		const char *list, *names;
		bool match;
	} cases[] = {
		{ "\2h3", "h3", true },
		{ "\2h3", "h2", false },
		{ "\2h3", "h", false },
		{ "\2h3", "h3x", false },
		{ "\2h3", "", false },
		{ "\2h3", ",", false },
		{ "\2h3", ",,h3", true },
		{ "\2h3", "h3,", true },
		{ "\2h3", "smb,h3", true },
		{ "\2h3", "smb,h3,hq-interop", true },
		{ "\2h3", "smb,h3-29", false },
		{ "\3smb\2h3", "h3", true },
		{ "\3smb\2h3", "smb", true },
		{ "\3smb\2h3", "smb\2h3", false },
		{ "\3smb\2h3", "H3,SMB", false },
		{ "\3a,b", "a,b", false },	/* no way to say that */
		{ "\3a,b\1b", "a,b", true },
		{ "", "h3", false },
	};
	size_t i, len;
	u8 *p;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		unit_case("case %zu: %s", i, cases[i].names);
		len = strlen(cases[i].list);
		p = unit_dup(cases[i].list, len);
		EXPECT_EQ(quic_alpn_match(p, len, cases[i].names),
			  cases[i].match);
		free(p);
	}
	EXPECT(!quic_alpn_match(NULL, 0, "h3"));
}

/* By the obvious means: both lists cut to words, each compared with each. */
static bool model_match(const u8 *list, size_t len, const char *names)
{
	char copy[64], word[16], *save, *name;
	size_t i;

	strcpy(copy, names);
	for (name = strtok_r(copy, ",", &save); name;
	     name = strtok_r(NULL, ",", &save)) {
		for (i = 0; i < len; i += 1 + list[i]) {
			memcpy(word, list + i + 1, list[i]);
			word[list[i]] = 0;
			if (!strcmp(word, name))
				return true;
		}
	}
	return false;
}

TEST(random_matching_agrees_with_the_model)
{
	int i, k, n, matches = 0;
	u8 list[64], *p;
	char names[64];
	size_t len;

	for (i = 0; i < 50000; i++) {
		for (len = 0, n = unit_rand_below(4); n; n--) {
			list[len] = 1 + unit_rand_below(3);
			for (k = 0; k < list[len]; k++)
				list[len + 1 + k] = 'a' + unit_rand_below(2);
			len += 1 + list[len];
		}
		n = unit_rand_below(12);
		for (k = 0; k < n; k++)
			names[k] = "ab,"[unit_rand_below(3)];
		names[n] = 0;
		unit_case("case %d: %s", i, names);
		p = unit_dup(list, len);
		EXPECT_EQ(quic_alpn_match(p, len, names),
			  model_match(list, len, names));
		matches += model_match(list, len, names);
		free(p);
	}
	EXPECT(matches > 5000 && matches < 45000);
}
