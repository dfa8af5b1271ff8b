/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Sequence numbers (RFC 9293, 3.4): 32 bits that wrap round from 2^32 - 1 to
 * 0. "Smaller" only has a meaning for numbers less than 2^31 apart, and must
 * never be written with <: that breaks when one of the two has wrapped.
 *
 * The core's clock counts milliseconds in 32 bits and wraps too (after 49
 * days), so instants are compared in the same way.
 */
#ifndef EDUTCP_CORE_SEQ_H
#define EDUTCP_CORE_SEQ_H

#include "types.h"

/* a < b */
static inline bool seq_before(u32 a, u32 b)
{
	return (s32)(a - b) < 0;
}

/* a > b */
static inline bool seq_after(u32 a, u32 b)
{
	return seq_before(b, a);
}

/* low =< a < low + size */
static inline bool seq_in_window(u32 a, u32 low, u32 size)
{
	return a - low < size;
}

static inline u32 seq_max(u32 a, u32 b)
{
	return seq_before(a, b) ? b : a;
}

static inline u32 seq_min(u32 a, u32 b)
{
	return seq_before(a, b) ? a : b;
}

/* Has the clock reached this instant? Both in milliseconds. */
static inline bool time_reached(u32 now, u32 instant)
{
	return !seq_before(now, instant);
}

#endif
