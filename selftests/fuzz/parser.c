// SPDX-License-Identifier: GPL-2.0
/*
 * Fuzzing segment_parse() and segment_write().
 *
 * The input: two octets, by how much the text is longer than what follows; then
 * a segment as it comes from the wire. The oracle is a second parser, which
 * knows the tables of the RFCs and nothing of the first.
 */

#include "libfuzz.h"
#include "segment.h"

/* ------------------------------------------------------ the second parser */

/* Octets FIRST to FIRST + COUNT - 1, as one number (RFC 9293, 3.1). */
static u64 field(const u8 *octets, unsigned int first, unsigned int count)
{
	u64 value = 0;

	while (count--)
		value = value * 256 + octets[first++];
	return value;
}

/* What an option of known kind has to look like; 0 stands for any length. */
static unsigned int length_of_kind(u8 kind)
{
	static const u8 lengths[] = {
		[2] = 4,	/* Maximum Segment Size: RFC 9293, 3.2 */
		[3] = 3,	/* Window Scale: RFC 7323, 2.2 */
		[4] = 2,	/* SACK-Permitted: RFC 2018, 2 */
		[8] = 10,	/* Timestamps: RFC 7323, 3.2 */
	};

	return kind < sizeof(lengths) ? lengths[kind] : 0;
}

/* One option of at least two octets; false if it is malformed. */
static bool expect_option(const u8 *option, unsigned int len,
			  struct segment *seg)
{
	bool syn = seg->flags & SEG_SYN;
	unsigned int wanted = length_of_kind(option[0]);
	unsigned int i;

	if (wanted && len != wanted)
		return false;
	switch (option[0]) {
	case 2:
		if (syn)
			seg->mss = (u16)field(option, 2, 2);
		break;
	case 3:
		if (syn) {
			seg->has_wscale = true;
			seg->wscale = option[2] > 14 ? 14 : option[2];
		}
		break;
	case 4:
		if (syn)
			seg->sack_ok = true;
		break;
	case 5:
		/* RFC 2018, 3: 8 * n + 2 octets, n from 1 to 4 */
		if (len != 10 && len != 18 && len != 26 && len != 34)
			return false;
		if (syn)
			break;
		seg->sack_count = (u8)(len / 8);
		for (i = 0; i < seg->sack_count; i++) {
			seg->sack[i].start = (u32)field(option, 2 + 8 * i, 4);
			seg->sack[i].end = (u32)field(option, 6 + 8 * i, 4);
		}
		break;
	case 8:
		seg->has_ts = true;
		seg->tsval = (u32)field(option, 2, 4);
		seg->tsecr = (u32)field(option, 6, 4);
		break;
	default:
		break;
	}
	return true;
}

static enum segment_error expect(const u8 *header, u32 total_len,
				 struct segment *seg)
{
	unsigned int end = header[12] / 16 * 4;
	unsigned int at = 20;

	if (end < 20 || end > total_len)
		return SEGMENT_BAD_OFFSET;
	*seg = (struct segment) {
		.seq = (u32)field(header, 4, 4),
		.ack = (u32)field(header, 8, 4),
		.flags = header[13] % 64,
		.window = (u16)field(header, 14, 2),
		.text_len = total_len - end,
	};
	while (at < end && header[at] != 0) {
		if (header[at] == 1) {
			at++;
			continue;
		}
		if (at + 1 == end || header[at + 1] < 2 ||
		    at + header[at + 1] > end ||
		    !expect_option(header + at, header[at + 1], seg))
			return SEGMENT_BAD_OPTION;
		at += header[at + 1];
	}
	return SEGMENT_OK;
}

/* --------------------------------------------------------------- properties */

static void check_same(const struct segment *a, const struct segment *b)
{
	u8 i;

	fuzz_check(a->seq == b->seq);
	fuzz_check(a->flags == b->flags);
	if (a->flags & SEG_ACK)
		fuzz_check(a->ack == b->ack);
	fuzz_check(a->text_len == b->text_len);
	fuzz_check(a->window == b->window);
	fuzz_check(a->mss == b->mss);
	fuzz_check(a->has_wscale == b->has_wscale);
	fuzz_check(a->wscale == b->wscale);
	fuzz_check(a->sack_ok == b->sack_ok);
	fuzz_check(a->has_ts == b->has_ts);
	fuzz_check(a->tsval == b->tsval);
	fuzz_check(a->tsecr == b->tsecr);
	fuzz_check(a->sack_count == b->sack_count);
	for (i = 0; i < a->sack_count; i++) {
		fuzz_check(a->sack[i].start == b->sack[i].start);
		fuzz_check(a->sack[i].end == b->sack[i].end);
	}
}

/* What can be parsed without error keeps within these bounds. */
static void check_bounds(const struct segment *seg)
{
	fuzz_check(seg->sack_count <= SEG_SACK_MAX);
	fuzz_check(seg->wscale <= SEG_WSCALE_MAX);
	if (seg->flags & SEG_SYN)
		fuzz_check(!seg->sack_count);
	else
		fuzz_check(!seg->mss && !seg->has_wscale && !seg->sack_ok);
	fuzz_check(segment_len(seg) - seg->text_len <= 2);
}

/* What is written is what was meant: to the octet, and to both parsers. */
static void check_written(const struct segment *seg)
{
	unsigned int len = segment_write_len(seg);
	u8 *header = malloc(len);	/* not an octet more may be written */
	struct segment again;

	fuzz_check(len >= SEG_HEADER_MIN && len <= SEG_HEADER_MAX);
	fuzz_check(len % 4 == 0);
	fuzz_check(segment_write(seg, 0x1234, 0xfedc, header) == len);
	fuzz_check(segment_header_len(header) == len);
	fuzz_check(field(header, 0, 4) == 0x1234fedc);
	fuzz_check(field(header, 16, 4) == 0);
	fuzz_check(header[12] % 16 == 0);

	fuzz_check(segment_parse(header, len + seg->text_len, &again) ==
		   SEGMENT_OK);
	check_same(seg, &again);
	fuzz_check(expect(header, len + seg->text_len, &again) == SEGMENT_OK);
	check_same(seg, &again);
	free(header);
}

static void check_parsed(const u8 *header, u32 total_len)
{
	enum segment_error wanted, got;
	struct segment expected, seg;

	wanted = expect(header, total_len, &expected);
	got = segment_parse(header, total_len, &seg);
	fuzz_check(got == wanted);
	if (got != SEGMENT_OK)
		return;
	check_same(&expected, &seg);
	fuzz_check(seg.ack == expected.ack);
	check_bounds(&seg);
	check_written(&seg);
}

int fuzz_input(const u8 *data, size_t size)
{
	struct input in = { data, size };
	u32 more = input_u16(&in);
	unsigned int len;
	u8 *header;

	if (in.left < SEG_HEADER_MIN)
		return -1;
	len = segment_header_len(in.at);
	if (len < SEG_HEADER_MIN || len > in.left) {
		/* Then no more may be read than what must be there. */
		len = SEG_HEADER_MIN;
		more = 0;
	}
	header = malloc(len);
	memcpy(header, in.at, len);
	check_parsed(header, (u32)in.left + more);
	free(header);
	return 0;
}
