/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A TCP segment: its fields (RFC 9293, 3.1) in host byte order, and the two
 * ways between them and the octets on the wire.
 */
#ifndef EDUTCP_CORE_SEGMENT_H
#define EDUTCP_CORE_SEGMENT_H

#include "types.h"

/* Control bits, as they stand in octet 13 of the header. */
#define SEG_FIN 0x01
#define SEG_SYN 0x02
#define SEG_RST 0x04
#define SEG_PSH 0x08
#define SEG_ACK 0x10
#define SEG_URG 0x20

#define SEG_HEADER_MIN 20	/* octets, without options */
#define SEG_HEADER_MAX 60	/* octets, with all the options that fit */
#define SEG_WSCALE_MAX 14	/* RFC 7323, 2.3 */
#define SEG_SACK_MAX 4		/* ranges that fit a header (RFC 2018, 3) */

/* Octets of header that timestamps take, with what aligns them. */
#define SEG_TIMESTAMPS_LEN 12

/* Octets with sequence numbers in [start, end). */
struct seq_range {
	u32 start;
	u32 end;
};

/**
 * struct segment - what a segment says
 * @seq: SEG.SEQ
 * @ack: SEG.ACK, to be looked at only if SEG_ACK is set
 * @text_len: octets of user data it carries
 * @window: SEG.WND as it stands in the header, that is: not yet scaled
 * @mss: value of the Maximum Segment Size option, 0 if there is none
 * @flags: SEG_SYN and the others
 * @has_wscale: is there a Window Scale option?
 * @wscale: its shift count, at most SEG_WSCALE_MAX
 * @sack_ok: is there a SACK-Permitted option?
 * @has_ts: is there a Timestamps option?
 * @sack_count: ranges of the SACK option, 0 if there is none
 * @tsval: TSval, the sender's clock, if @has_ts
 * @tsecr: TSecr, what it last saw of ours, if @has_ts and SEG_ACK
 * @sack: the ranges, as they stand in the option: not checked in any way
 */
struct segment {
	u32 seq;
	u32 ack;
	u32 text_len;
	u16 window;
	u16 mss;
	u8 flags;
	bool has_wscale;
	u8 wscale;
	bool sack_ok;
	bool has_ts;
	u8 sack_count;
	u32 tsval;
	u32 tsecr;
	struct seq_range sack[SEG_SACK_MAX];
};

/* What may be wrong with the octets of a header. */
enum segment_error {
	SEGMENT_OK,
	SEGMENT_BAD_OFFSET,
	SEGMENT_BAD_OPTION,
};

/* SEG.LEN: the sequence numbers it occupies; SYN and FIN count as one each. */
static inline u32 segment_len(const struct segment *seg)
{
	return seg->text_len + !!(seg->flags & SEG_SYN) +
	       !!(seg->flags & SEG_FIN);
}

/* Octets of header that the SACK option takes, with what aligns it. */
static inline u32 segment_sack_len(const struct segment *seg)
{
	return seg->sack_count ? 4 + 8u * seg->sack_count : 0;
}

/**
 * segment_header_len() - length of a header, from its Data Offset field
 * @header: at least SEG_HEADER_MIN octets
 *
 * Return: octets, a multiple of 4 from 0 to 60; it has not been checked.
 */
static inline unsigned int segment_header_len(const u8 *header)
{
	return (header[12] >> 4) * 4;
}

/**
 * segment_parse() - read a segment's header
 * @header: segment_header_len() octets, the first of them octet 0 of the header
 * @total_len: octets of header and text together
 * @seg: is filled in, in host byte order
 *
 * Ports and checksum are not looked at: they are the caller's business.
 *
 * RFC 9293, 3.1 and 3.2. An option that is not known is skipped by its length
 * (MUST-6). A length that cannot be right makes the whole segment unusable
 * (MUST-7): we cannot know what its sender meant.
 *
 * Return: SEGMENT_OK, or what is wrong with it.
 */
enum segment_error segment_parse(const u8 *header, u32 total_len,
				 struct segment *seg);

/**
 * segment_write() - write a segment's header
 * @seg: the fields, in host byte order
 * @source: port, host byte order
 * @destination: port, host byte order
 * @header: room for SEG_HEADER_MAX octets
 *
 * The checksum and the urgent pointer are written as 0.
 *
 * Return: the length of the header in octets.
 */
unsigned int segment_write(const struct segment *seg, u16 source,
			   u16 destination, u8 *header);

/**
 * segment_write_len() - the length that segment_write() will return
 * @seg: the fields
 *
 * Return: octets.
 */
unsigned int segment_write_len(const struct segment *seg);

#endif
