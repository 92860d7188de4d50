// SPDX-License-Identifier: GPL-2.0
/*
 * Frames, writing side, RFC 9000 section 19, against the model.
 *
 * needs: wire/frame.c wire/frame_put.c wire/varint.c
 */
#include "frame_model.h"

/* Write @x with the writer of its type. */
static bool put(struct quic_out *o, const struct value *x)
{
	const u64 *v = x->v;
	struct quic_cid cid;
	bool odd = x->type & 1;

	switch (x->type) {
	case 0x01:
		quic_put_ping(o);
		return true;
	case 0x04:
		quic_put_reset_stream(o, v[0], v[1], v[2]);
		return true;
	case 0x05:
		quic_put_stop_sending(o, v[0], v[1]);
		return true;
	case 0x06:
		quic_put_crypto(o, v[0], x->len);
		return true;
	case 0x08 ... 0x0f:
		quic_put_stream(o, v[0], x->type & 4 ? v[1] : 0, x->len, odd,
				!(x->type & 2));
		return true;
	case 0x07:
		quic_put_new_token(o, x->bytes, x->len);
		return true;
	case 0x10:
		quic_put_max_data(o, v[0]);
		return true;
	case 0x11:
		quic_put_max_stream_data(o, v[0], v[1]);
		return true;
	case 0x12 ... 0x13:
		quic_put_max_streams(o, odd, v[0]);
		return true;
	case 0x14:
		quic_put_data_blocked(o, v[0]);
		return true;
	case 0x15:
		quic_put_stream_data_blocked(o, v[0], v[1]);
		return true;
	case 0x16 ... 0x17:
		quic_put_streams_blocked(o, odd, v[0]);
		return true;
	case 0x18:
		cid.len = x->len;
		memcpy(cid.id, x->bytes, x->len);
		quic_put_new_connection_id(o, v[0], v[1], &cid, x->token);
		return true;
	case 0x19:
		quic_put_retire_connection_id(o, v[0]);
		return true;
	case 0x1a:
		quic_put_path_challenge(o, x->bytes);
		return true;
	case 0x1b:
		quic_put_path_response(o, x->bytes);
		return true;
	case 0x1c ... 0x1d:
		quic_put_connection_close(o, odd, v[0], odd ? 99 : v[1],
					  x->bytes, x->len);
		return true;
	case 0x1e:
		quic_put_handshake_done(o);
		return true;
	case 0x1f:
		quic_put_immediate_ack(o);
		return true;
	case 0xaf:
		quic_put_ack_frequency(o, v[0], v[1], v[2], v[3]);
		return true;
	case 0x30 ... 0x31:
		quic_put_datagram(o, x->len, !odd);
		return true;
	}
	return false;	/* PADDING, ACK: written elsewhere */
}

/* Our writer sends an offset of zero as a type of its own. */
static void random_value_to_write(struct value *x, u8 type)
{
	random_value(x, type);
	if (type >= 0x0c && type <= 0x0f && !x->v[1])
		x->v[1] = 1;
}

static bool data_follows(u8 type)
{
	return type == 0x06 || (type >= 0x08 && type <= 0x0f) ||
	       type == 0x30 || type == 0x31;
}

/* RFC9000-12.4-5 */
TEST(writers_write_what_the_model_writes)
{
	static struct value x;
	u8 want[4000], buf[4000];
	size_t len;
	int i;

	for (i = 0; i < 100000; i++) {
		struct quic_out o = { buf, buf + sizeof(buf) };

		random_value_to_write(&x, random_type());
		unit_case("case %d, type %x", i, x.type);
		if (!put(&o, &x))
			continue;
		len = emit(want, &x);
		if (data_follows(x.type))
			len -= x.len;
		EXPECT(!o.overflow);
		EXPECT_EQ(o.p - buf, len);
		EXPECT_MEM(buf, want, len);
		if (x.type >= 0x08 && x.type <= 0x0f) {
			u64 off = x.type & 4 ? x.v[1] : 0;

			EXPECT_EQ(len, quic_stream_hdr_len(x.v[0], off, x.len,
							   !(x.type & 2)));
		}
	}
}

TEST(writers_write_whole_frames_or_nothing)
{
	static struct value x;
	u8 want[4000], buf[4000];
	size_t len, room;
	int type, i;

	for (type = 0; type <= MAX_TYPE; type++) {
		if (!model_fields(type))
			continue;
		if (type == 0x1c || type == 0x1d)	/* they may shrink */
			continue;
		for (i = 0; i < 20; i++) {
			random_value_to_write(&x, type);
			len = emit(want, &x);
			if (data_follows(type))
				len -= x.len;
			for (room = 0; room <= len; room++) {
				struct quic_out o = { buf, buf + room };

				unit_case("type %x in %zu", type, room);
				memset(buf, 0xee, len + 1);
				if (!put(&o, &x))
					break;
				EXPECT_EQ(o.overflow, room < len);
				EXPECT(o.p == buf + (room < len ? 0 : len));
				EXPECT_EQ(buf[room], 0xee);
				EXPECT(room == len || buf[0] == 0xee);
			}
		}
	}
}

static void check_reason(bool app, const u8 *reason, u32 len, size_t room)
{
	size_t fixed = app ? 1 + 2 : 1 + 2 + 1;
	u8 buf[300];
	struct quic_out o = { buf, buf + room };
	struct quic_cur c = { buf, NULL };
	struct quic_frame f;

	memset(buf, 0xee, sizeof(buf));
	quic_put_connection_close(&o, app, 0x1234, 0x06, reason, len);
	EXPECT_EQ(buf[room], 0xee);
	EXPECT_EQ(o.overflow, room < fixed + 1);
	if (o.overflow) {
		EXPECT(o.p == buf);
		EXPECT_EQ(buf[0], 0xee);
		return;
	}
	c.end = o.p;
	EXPECT_EQ(quic_frame_parse(&c, &f), 0);
	EXPECT(c.p == o.p);
	EXPECT_EQ(f.close.app, app);
	EXPECT_EQ(f.close.code, 0x1234);
	EXPECT_MEM(f.close.reason, reason, f.close.reason_len);
	EXPECT(f.close.reason_len <= len);
	/* all of it, or what is left of the room (a length that needs no
	 * second byte may leave one unused)
	 */
	EXPECT(f.close.reason_len == len || room - (o.p - buf) < 2);
}

TEST(a_reason_is_cut_to_what_fits)
{
	static const u32 lens[] = { 0, 1, 62, 63, 64, 65, 200 };
	u8 reason[200];
	size_t room;
	int i;

	unit_rand_bytes(reason, sizeof(reason));
	for (i = 0; i < ARRAY_SIZE(lens); i++) {
		for (room = 0; room < 299; room++) {
			unit_case("%u bytes in %zu", lens[i], room);
			check_reason(false, reason, lens[i], room);
			check_reason(true, reason, lens[i], room);
		}
	}
}
