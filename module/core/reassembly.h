/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which octets beyond RCV.NXT have arrived: a sorted list of ranges of
 * sequence numbers that neither overlap nor touch (SHLD-31). The octets
 * themselves are kept by the holder of the connection.
 */
#ifndef EDUTCP_CORE_REASSEMBLY_H
#define EDUTCP_CORE_REASSEMBLY_H

#include "seq.h"

/*
 * More holes than this at a time are not remembered: what would make another
 * one is dropped and comes again. It bounds memory and the time a segment
 * takes, whatever order an attacker chooses.
 */
#define REASSEMBLY_RANGES 64

/* Octets with sequence numbers in [start, end). */
struct seq_range {
	u32 start;
	u32 end;
};

/**
 * struct reassembly - the ranges held
 * @count: how many
 * @range: in ascending order, at least one octet missing between two
 */
struct reassembly {
	u32 count;
	struct seq_range range[REASSEMBLY_RANGES];
};

/**
 * reassembly_add() - note the arrival of a range
 * @held: the ranges held so far
 * @start: first sequence number
 * @end: the sequence number after the last
 *
 * Return: true if the range has octets that were not held and is now noted;
 * false if it brought nothing new or there is no room for another hole, so
 * that its octets need not be kept.
 */
bool reassembly_add(struct reassembly *held, u32 start, u32 end);

/**
 * reassembly_advance() - take off what has become contiguous
 * @held: the ranges held; those at or before the result are forgotten
 * @rcv_nxt: everything before this has arrived
 *
 * Return: the first sequence number that is missing.
 */
u32 reassembly_advance(struct reassembly *held, u32 rcv_nxt);

#endif
