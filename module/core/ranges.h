/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which octets beyond a point have arrived: a sorted list of ranges of sequence
 * numbers that neither overlap nor touch. Two use it: the receiver, for what
 * came before its turn (SHLD-31), and the sender, for what the peer says that
 * it holds (the scoreboard of RFC 6675). The octets themselves are elsewhere.
 */
#ifndef EDUTCP_CORE_RANGES_H
#define EDUTCP_CORE_RANGES_H

#include "segment.h"
#include "seq.h"

/*
 * More holes than this at a time are not remembered: what would make another
 * one is as good as lost, and comes again. It bounds memory and the time a
 * segment takes, whatever order an attacker chooses.
 */
#define RANGES_MAX 64

/**
 * struct ranges - the ranges
 * @count: how many
 * @recent: a number in each of the ranges that were added to last, the latest
 *	first; some may be in the same range, or in none any more
 * @range: in ascending order, at least one octet missing between two
 */
struct ranges {
	u32 count;
	u32 recent[SEG_SACK_MAX];
	struct seq_range range[RANGES_MAX];
};

/**
 * ranges_add() - note the arrival of a range
 * @ranges: those noted so far
 * @start: first sequence number
 * @end: the sequence number after the last
 *
 * Return: true if the range has octets that were not there and is now noted;
 * false if it brought nothing new or there is no room for another hole.
 */
bool ranges_add(struct ranges *ranges, u32 start, u32 end);

/**
 * ranges_advance() - take off what has become contiguous
 * @ranges: the ranges; those that begin at or before the result are forgotten
 * @seq: everything before this has arrived
 *
 * Return: the first sequence number that is missing.
 */
u32 ranges_advance(struct ranges *ranges, u32 seq);

/**
 * ranges_recent() - the ranges in the order in which a SACK option has them
 * @ranges: the ranges
 * @recent: are filled in: first that of the last ranges_add(), then others that
 *	were added to before (RFC 2018, 4)
 * @max: room there
 *
 * Return: how many.
 */
u8 ranges_recent(const struct ranges *ranges, struct seq_range *recent, u8 max);

/**
 * ranges_octets() - how many octets of a stretch are in the ranges
 * @ranges: the ranges; NULL for none
 * @start: first sequence number
 * @end: the sequence number after the last
 *
 * Return: their number.
 */
u32 ranges_octets(const struct ranges *ranges, u32 start, u32 end);

/**
 * ranges_hole() - the first hole in a stretch
 * @ranges: the ranges; NULL for none
 * @start: first sequence number; set to the first that is in no range, or @end
 * @end: the sequence number after the last
 *
 * Return: the end of the hole, at most @end.
 */
u32 ranges_hole(const struct ranges *ranges, u32 *start, u32 end);

#endif
