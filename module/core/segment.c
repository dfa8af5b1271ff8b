// SPDX-License-Identifier: GPL-2.0
/* Segments: from octets to fields and back (RFC 9293, 3.1 and 3.2). */

#include "segment.h"

/*
 * Option kinds (RFC 9293, 3.2; RFC 7323, 2.2 and 3.2; RFC 2018, 2 and 3) and
 * their whole lengths.
 */
#define OPTION_END 0
#define OPTION_NOP 1
#define OPTION_MSS 2
#define OPTION_WSCALE 3
#define OPTION_SACK_PERMITTED 4
#define OPTION_SACK 5
#define OPTION_TIMESTAMPS 8

#define OPTION_MSS_LEN 4
#define OPTION_WSCALE_LEN 3
#define OPTION_SACK_PERMITTED_LEN 2
#define OPTION_TIMESTAMPS_LEN 10

static u16 get_u16(const u8 *octets)
{
	return (u16)(octets[0] << 8 | octets[1]);
}

static u32 get_u32(const u8 *octets)
{
	return (u32)get_u16(octets) << 16 | get_u16(octets + 2);
}

static void put_u16(u8 *octets, u16 value)
{
	octets[0] = (u8)(value >> 8);
	octets[1] = (u8)value;
}

static void put_u32(u8 *octets, u32 value)
{
	put_u16(octets, (u16)(value >> 16));
	put_u16(octets + 2, (u16)value);
}

/* The ranges of a SACK option; false if its length is that of no number. */
static bool parse_sack(const u8 *option, unsigned int len, struct segment *seg)
{
	unsigned int i;

	if (len < 2 + 8 || (len - 2) % 8)
		return false;
	if (seg->flags & SEG_SYN)
		return true;	/* there is nothing yet to acknowledge */
	seg->sack_count = (u8)((len - 2) / 8);
	for (i = 0; i < seg->sack_count; i++)
		seg->sack[i] = (struct seq_range) {
			.start = get_u32(option + 2 + 8 * i),
			.end = get_u32(option + 6 + 8 * i),
		};
	return true;
}

/* One option of known kind; false if its length is not the kind's. */
static bool parse_option(const u8 *option, unsigned int len,
			 struct segment *seg)
{
	switch (option[0]) {
	case OPTION_MSS:
		if (len != OPTION_MSS_LEN)
			return false;
		/* Only a SYN may carry it (MUST-65): elsewhere it says nothing. */
		if (seg->flags & SEG_SYN)
			seg->mss = get_u16(option + 2);
		return true;
	case OPTION_WSCALE:
		if (len != OPTION_WSCALE_LEN)
			return false;
		if (seg->flags & SEG_SYN) {
			seg->has_wscale = true;
			/* RFC 7323, 2.3: a larger count MUST be taken as 14. */
			seg->wscale = (u8)min_u32(option[2], SEG_WSCALE_MAX);
		}
		return true;
	case OPTION_SACK_PERMITTED:
		if (len != OPTION_SACK_PERMITTED_LEN)
			return false;
		/* RFC 2018, 2: only a SYN may carry it. */
		seg->sack_ok = seg->flags & SEG_SYN;
		return true;
	case OPTION_SACK:
		return parse_sack(option, len, seg);
	case OPTION_TIMESTAMPS:
		if (len != OPTION_TIMESTAMPS_LEN)
			return false;
		seg->has_ts = true;
		seg->tsval = get_u32(option + 2);
		seg->tsecr = get_u32(option + 6);
		return true;
	default:
		return true;	/* MUST-6: skip what we do not know */
	}
}

static enum segment_error parse_options(const u8 *options, unsigned int room,
					struct segment *seg)
{
	while (room > 0) {
		unsigned int len = 1;

		if (options[0] == OPTION_END)
			break;
		if (options[0] != OPTION_NOP) {
			if (room < 2)
				return SEGMENT_BAD_OPTION;
			len = options[1];
			if (len < 2 || len > room)
				return SEGMENT_BAD_OPTION;
			if (!parse_option(options, len, seg))
				return SEGMENT_BAD_OPTION;
		}
		options += len;
		room -= len;
	}
	return SEGMENT_OK;
}

enum segment_error segment_parse(const u8 *header, u32 total_len,
				 struct segment *seg)
{
	unsigned int header_len = segment_header_len(header);

	if (header_len < SEG_HEADER_MIN || header_len > total_len)
		return SEGMENT_BAD_OFFSET;

	*seg = (struct segment) {
		.seq = get_u32(header + 4),
		.ack = get_u32(header + 8),
		.flags = header[13] & 0x3f,
		.window = get_u16(header + 14),
		.text_len = total_len - header_len,
	};
	return parse_options(header + SEG_HEADER_MIN,
			     header_len - SEG_HEADER_MIN, seg);
}

unsigned int segment_write_len(const struct segment *seg)
{
	return SEG_HEADER_MIN + (seg->mss ? OPTION_MSS_LEN : 0) +
	       (seg->has_ts ? SEG_TIMESTAMPS_LEN :
		seg->sack_ok ? 2 + OPTION_SACK_PERMITTED_LEN : 0) +
	       (seg->has_wscale ? 1 + OPTION_WSCALE_LEN : 0) +
	       segment_sack_len(seg);
}

/*
 * The options, in the order in which Linux writes them. Each group is a
 * multiple of four octets, which is what the NOPs are for.
 */
static void write_options(const struct segment *seg, u8 *option)
{
	unsigned int i;

	if (seg->mss) {
		*option++ = OPTION_MSS;
		*option++ = OPTION_MSS_LEN;
		put_u16(option, seg->mss);
		option += 2;
	}
	if (seg->has_ts != seg->sack_ok) {	/* both align each other */
		*option++ = OPTION_NOP;
		*option++ = OPTION_NOP;
	}
	if (seg->sack_ok) {
		*option++ = OPTION_SACK_PERMITTED;
		*option++ = OPTION_SACK_PERMITTED_LEN;
	}
	if (seg->has_ts) {
		*option++ = OPTION_TIMESTAMPS;
		*option++ = OPTION_TIMESTAMPS_LEN;
		put_u32(option, seg->tsval);
		put_u32(option + 4, seg->tsecr);
		option += 8;
	}
	if (seg->has_wscale) {
		*option++ = OPTION_NOP;
		*option++ = OPTION_WSCALE;
		*option++ = OPTION_WSCALE_LEN;
		*option++ = seg->wscale;
	}
	if (seg->sack_count) {
		*option++ = OPTION_NOP;
		*option++ = OPTION_NOP;
		*option++ = OPTION_SACK;
		*option++ = (u8)(2 + 8 * seg->sack_count);
	}
	for (i = 0; i < seg->sack_count; i++) {
		put_u32(option, seg->sack[i].start);
		put_u32(option + 4, seg->sack[i].end);
		option += 8;
	}
}

unsigned int segment_write(const struct segment *seg, u16 source,
			   u16 destination, u8 *header)
{
	unsigned int len = segment_write_len(seg);

	put_u16(header, source);
	put_u16(header + 2, destination);
	put_u32(header + 4, seg->seq);
	put_u32(header + 8, seg->flags & SEG_ACK ? seg->ack : 0);
	header[12] = (u8)(len / 4 << 4);
	header[13] = seg->flags;
	put_u16(header + 14, seg->window);
	put_u32(header + 16, 0);
	write_options(seg, header + SEG_HEADER_MIN);
	return len;
}
