// SPDX-License-Identifier: GPL-2.0
/* Headers: octets to fields and back (RFC 9293, 3.1 and 3.2). */

#include "kselftest_harness.h"

#include "libscenario.h"
#include "segment.h"

/*
 * Parse @len octets. They lie at the end of a heap block, so that the address
 * sanitizer sees it if a single octet beyond them is read.
 */
static enum segment_error parse(const u8 *octets, size_t len, u32 text_len,
				struct segment *seg)
{
	u8 *header = malloc(len);
	enum segment_error error;

	if (!header)
		abort();
	memcpy(header, octets, len);
	error = segment_parse(header, (u32)len + text_len, seg);
	free(header);
	return error;
}

/* A header with these options; @len of them, padded by the test itself. */
static enum segment_error parse_options(u8 flags, const u8 *options, size_t len,
					struct segment *seg)
{
	u8 header[SEG_HEADER_MAX] = { 0 };

	if (len % 4 || SEG_HEADER_MIN + len > sizeof(header))
		abort();
	header[12] = (u8)((SEG_HEADER_MIN + len) / 4 << 4);
	header[13] = flags;
	memcpy(header + SEG_HEADER_MIN, options, len);
	return parse(header, SEG_HEADER_MIN + len, 0, seg);
}

#define OPTIONS(flags, seg, ...)					\
	parse_options(flags, (const u8[]){ __VA_ARGS__ },		\
		      sizeof((const u8[]){ __VA_ARGS__ }), seg)

TEST(fields_are_in_their_places)
{
	static const u8 header[] = {
		0x12, 0x34, 0x56, 0x78,		/* ports */
		0x01, 0x02, 0x03, 0x04,		/* sequence number */
		0xf1, 0xf2, 0xf3, 0xf4,		/* acknowledgment number */
		0x50, 0x18, 0xab, 0xcd,		/* offset, flags, window */
		0x00, 0x00, 0x00, 0x00,
	};
	struct segment seg;

	ASSERT_EQ(SEGMENT_OK, parse(header, sizeof(header), 77, &seg));
	EXPECT_EQ(0x01020304, seg.seq);
	EXPECT_EQ(0xf1f2f3f4, seg.ack);
	EXPECT_EQ(SEG_PSH | SEG_ACK, seg.flags);
	EXPECT_EQ(0xabcd, seg.window);
	EXPECT_EQ(77, seg.text_len);
	EXPECT_EQ(0, seg.mss);
	EXPECT_FALSE(seg.has_wscale);
}

/* As many ranges as fit, or fewer. */
static void random_sack(struct segment *seg, u64 *seed)
{
	u32 i, max = seg->has_ts ? SEG_SACK_MAX - 1 : SEG_SACK_MAX;

	seg->sack_count = (u8)random_below(seed, max + 1);
	for (i = 0; i < seg->sack_count; i++)
		seg->sack[i] = (struct seq_range) {
			.start = random_u32(seed),
			.end = random_u32(seed),
		};
}

TEST(what_is_written_is_read_back)
{
	u64 seed = 1;
	int i;

	for (i = 0; i < 10000; i++) {
		u8 header[SEG_HEADER_MAX];
		struct segment in = {
			.seq = random_u32(&seed),
			.text_len = random_below(&seed, 65536),
			.window = (u16)random_u32(&seed),
			.flags = random_u32(&seed) & 0x3f,
		};
		struct segment out;
		unsigned int len;

		if (in.flags & SEG_ACK)
			in.ack = random_u32(&seed);
		if (in.flags & SEG_SYN) {
			in.mss = (u16)random_u32(&seed);
			in.has_wscale = one_in(&seed, 2);
			if (in.has_wscale)
				in.wscale = (u8)random_below(&seed, 15);
			in.sack_ok = one_in(&seed, 2);
		}
		in.has_ts = one_in(&seed, 2);
		if (in.has_ts) {
			in.tsval = random_u32(&seed);
			in.tsecr = random_u32(&seed);
		}
		if (!(in.flags & SEG_SYN))
			random_sack(&in, &seed);
		memset(header, 0xee, sizeof(header));
		len = segment_write(&in, 1, 2, header);
		ASSERT_EQ(segment_write_len(&in), len);
		ASSERT_EQ(len, segment_header_len(header));
		ASSERT_EQ(SEGMENT_OK, parse(header, len, in.text_len, &out));
		ASSERT_EQ(in.seq, out.seq);
		ASSERT_EQ(in.ack, out.ack);
		ASSERT_EQ(in.text_len, out.text_len);
		ASSERT_EQ(in.window, out.window);
		ASSERT_EQ(in.flags, out.flags);
		ASSERT_EQ(in.mss, out.mss);
		ASSERT_EQ(in.has_wscale, out.has_wscale);
		ASSERT_EQ(in.wscale, out.wscale);
		ASSERT_EQ(in.sack_ok, out.sack_ok);
		ASSERT_EQ(in.has_ts, out.has_ts);
		ASSERT_EQ(in.tsval, out.tsval);
		ASSERT_EQ(in.tsecr, out.tsecr);
		ASSERT_EQ(in.sack_count, out.sack_count);
		ASSERT_EQ(0, memcmp(in.sack, out.sack, sizeof(in.sack)));
	}
}

TEST(ports_are_written_and_what_others_fill_in_is_zero)
{
	const struct segment seg = { .flags = SEG_SYN, .ack = 0x11223344 };
	u8 header[SEG_HEADER_MAX];

	memset(header, 0xee, sizeof(header));
	EXPECT_EQ(20, segment_write(&seg, 0x1234, 0xabcd, header));
	EXPECT_EQ(0x12, header[0]);
	EXPECT_EQ(0x34, header[1]);
	EXPECT_EQ(0xab, header[2]);
	EXPECT_EQ(0xcd, header[3]);
	/* No ACK bit: the field says nothing, and nothing leaks through it. */
	EXPECT_EQ(0, header[8] | header[9] | header[10] | header[11]);
	EXPECT_EQ(0, header[16] | header[17] | header[18] | header[19]);
	EXPECT_EQ(0xee, header[20]);
}

TEST(each_flag_is_read_by_itself)
{
	unsigned int flags;

	for (flags = 0; flags < 256; flags++) {
		u8 header[SEG_HEADER_MIN] = { [12] = 0x50 };
		struct segment seg;

		header[13] = (u8)flags;
		ASSERT_EQ(SEGMENT_OK, parse(header, sizeof(header), 0, &seg));
		/* The two upper bits are ECN's (RFC 3168), not ours. */
		EXPECT_EQ(flags & 0x3f, seg.flags);
	}
}

TEST(syn_and_fin_count_as_one_octet_each)
{
	EXPECT_EQ(0, segment_len(&(struct segment){ .flags = SEG_ACK }));
	EXPECT_EQ(1, segment_len(&(struct segment){ .flags = SEG_SYN }));
	EXPECT_EQ(1, segment_len(&(struct segment){ .flags = SEG_FIN }));
	EXPECT_EQ(7, segment_len(&(struct segment){
		.flags = SEG_SYN | SEG_FIN | SEG_ACK, .text_len = 5 }));
}

TEST(data_offset_below_five_is_refused)
{
	unsigned int offset;

	for (offset = 0; offset < 5; offset++) {
		u8 header[SEG_HEADER_MIN] = { 0 };
		struct segment seg;

		header[12] = (u8)(offset << 4);
		EXPECT_EQ(SEGMENT_BAD_OFFSET,
			  parse(header, sizeof(header), 100, &seg));
	}
}

TEST(data_offset_beyond_the_segment_is_refused)
{
	u8 header[SEG_HEADER_MIN] = { [12] = 0x60 };
	struct segment seg;

	/* 24 octets of header in a segment of 20: not an octet is read there. */
	EXPECT_EQ(SEGMENT_BAD_OFFSET, parse(header, sizeof(header), 0, &seg));
	header[12] = 0xf0;
	EXPECT_EQ(SEGMENT_BAD_OFFSET, parse(header, sizeof(header), 0, &seg));
}

TEST(reserved_bits_beside_the_offset_do_not_matter)
{
	u8 header[SEG_HEADER_MIN] = { [12] = 0x5f };
	struct segment seg;

	EXPECT_EQ(SEGMENT_OK, parse(header, sizeof(header), 3, &seg));
	EXPECT_EQ(3, seg.text_len);
}

TEST(mss_and_window_scale_of_a_syn_are_read)
{
	struct segment seg;

	EXPECT_EQ(SEGMENT_OK, OPTIONS(SYN, &seg, 2, 4, 0x05, 0xb4, 1, 3, 3, 7));
	EXPECT_EQ(1460, seg.mss);
	EXPECT_TRUE(seg.has_wscale);
	EXPECT_EQ(7, seg.wscale);
}

/* MUST-65: "MUST NOT be sent in other segments"; so they mean nothing there */
TEST(mss_and_window_scale_outside_of_a_syn_are_ignored)
{
	struct segment seg;

	EXPECT_EQ(SEGMENT_OK, OPTIONS(ACK, &seg, 2, 4, 0x05, 0xb4, 1, 3, 3, 7));
	EXPECT_EQ(0, seg.mss);
	EXPECT_FALSE(seg.has_wscale);
}

/* RFC 7323, 2.3: "MUST use 14 instead of the specified value" */
TEST(window_scale_above_14_is_taken_as_14)
{
	struct segment seg;

	EXPECT_EQ(SEGMENT_OK, OPTIONS(SYN, &seg, 1, 3, 3, 14));
	EXPECT_EQ(14, seg.wscale);
	EXPECT_EQ(SEGMENT_OK, OPTIONS(SYN, &seg, 1, 3, 3, 15));
	EXPECT_EQ(14, seg.wscale);
	EXPECT_EQ(SEGMENT_OK, OPTIONS(SYN, &seg, 1, 3, 3, 255));
	EXPECT_EQ(14, seg.wscale);
}

/* MUST-6: "ignore without error any TCP Option it does not implement" */
TEST(unknown_option_is_skipped_by_its_length)
{
	struct segment seg;

	EXPECT_EQ(SEGMENT_OK,
		  OPTIONS(SYN, &seg, 254, 6, 9, 9, 9, 9, 2, 4, 0x02, 0x18, 1, 1));
	EXPECT_EQ(536, seg.mss);
	/* SACK permitted and timestamps, as every peer of today sends them. */
	EXPECT_EQ(SEGMENT_OK,
		  OPTIONS(SYN, &seg, 2, 4, 0x05, 0xb4, 4, 2, 8, 10, 1, 2, 3, 4,
			  0, 0, 0, 0, 1, 3, 3, 9));
	EXPECT_EQ(1460, seg.mss);
	EXPECT_EQ(9, seg.wscale);
}

TEST(padding_of_nops_is_skipped)
{
	struct segment seg;

	EXPECT_EQ(SEGMENT_OK, OPTIONS(SYN, &seg, 1, 1, 1, 1, 1, 1, 2, 4, 1, 2,
				      1, 1));
	EXPECT_EQ(0x102, seg.mss);
	/* MUST-64: options may begin on any octet. */
	EXPECT_EQ(SEGMENT_OK, OPTIONS(SYN, &seg, 1, 2, 4, 1, 2, 3, 3, 1));
	EXPECT_EQ(0x102, seg.mss);
	EXPECT_EQ(1, seg.wscale);
}

TEST(nothing_after_the_end_of_options_counts)
{
	struct segment seg;

	EXPECT_EQ(SEGMENT_OK, OPTIONS(SYN, &seg, 0, 2, 4, 1, 2, 0, 0, 0));
	EXPECT_EQ(0, seg.mss);
	EXPECT_EQ(SEGMENT_OK, OPTIONS(SYN, &seg, 2, 4, 1, 2, 0, 2, 0, 255));
	EXPECT_EQ(0x102, seg.mss);
}

/* MUST-7: "handle an illegal option length (e.g., zero)" */
TEST(option_length_zero_or_one_is_refused)
{
	struct segment seg;

	EXPECT_EQ(SEGMENT_BAD_OPTION, OPTIONS(SYN, &seg, 254, 0, 1, 1));
	EXPECT_EQ(SEGMENT_BAD_OPTION, OPTIONS(SYN, &seg, 254, 1, 1, 1));
	EXPECT_EQ(SEGMENT_BAD_OPTION, OPTIONS(SYN, &seg, 2, 0, 5, 0xb4));
	EXPECT_EQ(SEGMENT_BAD_OPTION, OPTIONS(ACK, &seg, 3, 1, 7, 1));
}

TEST(option_running_past_the_header_is_refused)
{
	struct segment seg;

	EXPECT_EQ(SEGMENT_BAD_OPTION, OPTIONS(SYN, &seg, 254, 5, 1, 1));
	EXPECT_EQ(SEGMENT_BAD_OPTION, OPTIONS(SYN, &seg, 1, 2, 4, 5));
	EXPECT_EQ(SEGMENT_BAD_OPTION, OPTIONS(SYN, &seg, 1, 1, 3, 3));
	EXPECT_EQ(SEGMENT_BAD_OPTION, OPTIONS(SYN, &seg, 1, 1, 254, 255));
}

TEST(kind_without_length_in_the_last_octet_is_refused)
{
	struct segment seg;

	EXPECT_EQ(SEGMENT_BAD_OPTION, OPTIONS(SYN, &seg, 1, 1, 1, 2));
	EXPECT_EQ(SEGMENT_BAD_OPTION, OPTIONS(SYN, &seg, 1, 1, 1, 254));
	/* These two have no length. */
	EXPECT_EQ(SEGMENT_OK, OPTIONS(SYN, &seg, 1, 1, 1, 1));
	EXPECT_EQ(SEGMENT_OK, OPTIONS(SYN, &seg, 1, 1, 1, 0));
}

TEST(mss_or_window_scale_of_a_wrong_length_is_refused)
{
	struct segment seg;
	u8 len;

	for (len = 2; len <= 8; len++) {
		EXPECT_EQ(len == 4 ? SEGMENT_OK : SEGMENT_BAD_OPTION,
			  OPTIONS(SYN, &seg, 2, len, 1, 1, 1, 1, 1, 1));
		EXPECT_EQ(len == 3 ? SEGMENT_OK : SEGMENT_BAD_OPTION,
			  OPTIONS(SYN, &seg, 3, len, 1, 1, 1, 1, 1, 1));
	}
}

TEST(timestamps_are_read_in_any_segment)
{
	static const u8 flags[] = { SYN, SYN | ACK, ACK, RST };
	struct segment seg;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		EXPECT_EQ(SEGMENT_OK,
			  OPTIONS(flags[i], &seg, 8, 10, 0xf1, 2, 3, 4, 0xf5, 6,
				  7, 8, 0, 0));
		EXPECT_TRUE(seg.has_ts);
		EXPECT_EQ(0xf1020304, seg.tsval);
		EXPECT_EQ(0xf5060708, seg.tsecr);
	}
}

/* RFC 2018, 2: it "MUST NOT be sent on non-SYN segments" */
TEST(sack_permitted_counts_only_in_a_syn)
{
	struct segment seg;

	EXPECT_EQ(SEGMENT_OK, OPTIONS(SYN, &seg, 4, 2, 1, 1));
	EXPECT_TRUE(seg.sack_ok);
	EXPECT_EQ(SEGMENT_OK, OPTIONS(ACK, &seg, 4, 2, 1, 1));
	EXPECT_FALSE(seg.sack_ok);
}

TEST(ranges_of_a_sack_option_are_read_in_their_order)
{
	struct segment seg;

	EXPECT_EQ(SEGMENT_OK,
		  OPTIONS(ACK, &seg, 1, 1, 5, 18, 0, 0, 0, 9, 0, 0, 1, 0,
			  0xff, 0, 0, 1, 0xff, 0, 0, 2));
	EXPECT_EQ(2, seg.sack_count);
	EXPECT_EQ(9, seg.sack[0].start);
	EXPECT_EQ(0x100, seg.sack[0].end);
	EXPECT_EQ(0xff000001, seg.sack[1].start);
	EXPECT_EQ(0xff000002, seg.sack[1].end);
}

TEST(sack_ranges_of_a_syn_are_ignored)
{
	struct segment seg;

	EXPECT_EQ(SEGMENT_OK,
		  OPTIONS(SYN, &seg, 1, 1, 5, 10, 0, 0, 0, 9, 0, 0, 1, 0));
	EXPECT_EQ(0, seg.sack_count);
}

TEST(sack_permitted_or_timestamps_of_a_wrong_length_are_refused)
{
	struct segment seg;
	u8 len;

	for (len = 0; len <= 14; len++) {
		EXPECT_EQ(len == 2 ? SEGMENT_OK : SEGMENT_BAD_OPTION,
			  OPTIONS(SYN, &seg, 4, len, 1, 1, 1, 1, 1, 1,
				  1, 1, 1, 1, 1, 1, 1, 1));
		EXPECT_EQ(len == 10 ? SEGMENT_OK : SEGMENT_BAD_OPTION,
			  OPTIONS(ACK, &seg, 8, len, 1, 1, 1, 1, 1, 1,
				  1, 1, 1, 1, 1, 1, 1, 1));
	}
}

/* RFC 2018, 3: 8 * n + 2 octets, and n ranges fit the header */
TEST(sack_of_a_wrong_length_is_refused)
{
	u8 options[40] = { 5 };
	struct segment seg;
	unsigned int len;

	for (len = 0; len < 256; len++) {
		bool good = len == 10 || len == 18 || len == 26 || len == 34;

		options[1] = (u8)len;
		memset(options + 2, 1, sizeof(options) - 2);
		EXPECT_EQ(good ? SEGMENT_OK : SEGMENT_BAD_OPTION,
			  parse_options(ACK, options, sizeof(options), &seg));
		if (good)
			EXPECT_EQ((len - 2) / 8, seg.sack_count);
		/* An unusable option is unusable in a SYN as well. */
		EXPECT_EQ(good ? SEGMENT_OK : SEGMENT_BAD_OPTION,
			  parse_options(SYN, options, sizeof(options), &seg));
	}
}

/* Are these the options that segment_write() writes? */
static bool written(const struct segment *seg, const u8 *options, size_t len)
{
	u8 header[SEG_HEADER_MAX];

	memset(header, 0xee, sizeof(header));
	return segment_write(seg, 1, 2, header) == SEG_HEADER_MIN + len &&
	       !memcmp(header + SEG_HEADER_MIN, options, len);
}

#define EXPECT_WRITTEN(seg, ...)					\
	EXPECT_TRUE(written(seg, (const u8[]){ __VA_ARGS__ },		\
			    sizeof((const u8[]){ __VA_ARGS__ })))

/* Each octet as Linux puts it: some middleboxes know no other order. */
TEST(options_of_a_syn_are_in_the_order_of_linux)
{
	struct segment seg = { .flags = SEG_SYN, .mss = 1460 };

	EXPECT_WRITTEN(&seg, 2, 4, 0x05, 0xb4);
	seg.has_wscale = true;
	seg.wscale = 7;
	EXPECT_WRITTEN(&seg, 2, 4, 0x05, 0xb4, 1, 3, 3, 7);
	seg.sack_ok = true;
	EXPECT_WRITTEN(&seg, 2, 4, 0x05, 0xb4, 1, 1, 4, 2, 1, 3, 3, 7);
	seg.has_ts = true;
	seg.tsval = 0x01020304;
	seg.tsecr = 0xf5f6f7f8;
	EXPECT_WRITTEN(&seg, 2, 4, 0x05, 0xb4, 4, 2, 8, 10, 1, 2, 3, 4,
		       0xf5, 0xf6, 0xf7, 0xf8, 1, 3, 3, 7);
	seg.sack_ok = false;
	EXPECT_WRITTEN(&seg, 2, 4, 0x05, 0xb4, 1, 1, 8, 10, 1, 2, 3, 4,
		       0xf5, 0xf6, 0xf7, 0xf8, 1, 3, 3, 7);
}

TEST(timestamps_go_before_the_ranges_of_sack)
{
	struct segment seg = {
		.flags = SEG_ACK,
		.sack_count = 2,
		.sack = { { 0x10, 0x20 }, { 0xfffffff0, 0x05 } },
	};

	EXPECT_WRITTEN(&seg, 1, 1, 5, 18, 0, 0, 0, 0x10, 0, 0, 0, 0x20,
		       0xff, 0xff, 0xff, 0xf0, 0, 0, 0, 5);
	seg.has_ts = true;
	seg.sack_count = 1;
	EXPECT_WRITTEN(&seg, 1, 1, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0,
		       1, 1, 5, 10, 0, 0, 0, 0x10, 0, 0, 0, 0x20);
}

/* RFC 2018, 3: four ranges, or three beside timestamps */
TEST(as_many_ranges_as_the_header_has_room_for_are_written)
{
	struct segment seg = { .flags = SEG_ACK, .sack_count = 4 };

	EXPECT_EQ(56, segment_write_len(&seg));
	seg.sack_count = 3;
	seg.has_ts = true;
	EXPECT_EQ(SEG_HEADER_MAX, segment_write_len(&seg));
}

/* Whatever arrives: no crash, nothing read beyond the header, sane fields. */
TEST(random_headers_do_no_harm)
{
	u64 seed = 2;
	int i;

	for (i = 0; i < 200000; i++) {
		u8 header[SEG_HEADER_MAX];
		u32 len = 4 * (5 + random_below(&seed, 11));
		enum segment_error error;
		struct segment seg;
		u32 j;

		/* Small numbers are more often kinds and lengths. */
		for (j = 0; j < len; j++)
			header[j] = (u8)(random_u32(&seed) &
					 (one_in(&seed, 2) ? 0xff : 7));
		/* Mostly the whole header is there. */
		if (!one_in(&seed, 8))
			header[12] = (u8)(len / 4 << 4);
		if (segment_header_len(header) > len)
			error = parse(header, len, 0, &seg);
		else
			error = parse(header, len, random_below(&seed, 2000),
				      &seg);
		if (error != SEGMENT_OK)
			continue;
		ASSERT_LE(seg.flags, 0x3f);
		ASSERT_LE(seg.wscale, SEG_WSCALE_MAX);
		if (!(seg.flags & SEG_SYN)) {
			ASSERT_EQ(0, seg.mss);
			ASSERT_FALSE(seg.has_wscale);
			ASSERT_FALSE(seg.sack_ok);
		}
		ASSERT_LE(seg.sack_count, SEG_SACK_MAX);
	}
}

TEST_HARNESS_MAIN
