// SPDX-License-Identifier: GPL-2.0
/* Ranges of octets that arrived before their turn. */

#include "reassembly.h"

static void remove_ranges(struct reassembly *held, u32 first, u32 count)
{
	memmove(&held->range[first], &held->range[first + count],
		(held->count - first - count) * sizeof(held->range[0]));
	held->count -= count;
}

bool reassembly_add(struct reassembly *held, u32 start, u32 end)
{
	u32 first = 0;
	u32 last;

	/* [first, last) are the ranges that overlap or touch the new one. */
	while (first < held->count &&
	       seq_before(held->range[first].end, start))
		first++;
	for (last = first; last < held->count; last++)
		if (seq_after(held->range[last].start, end))
			break;

	if (first == last) {
		if (held->count == REASSEMBLY_RANGES)
			return false;
		memmove(&held->range[first + 1], &held->range[first],
			(held->count - first) * sizeof(held->range[0]));
		held->count++;
		held->range[first] = (struct seq_range){ start, end };
		return true;
	}

	if (!seq_before(start, held->range[first].start) &&
	    !seq_after(end, held->range[first].end))
		return false;

	held->range[first].start = seq_min(start, held->range[first].start);
	held->range[first].end = seq_max(end, held->range[last - 1].end);
	remove_ranges(held, first + 1, last - first - 1);
	return true;
}

u32 reassembly_advance(struct reassembly *held, u32 rcv_nxt)
{
	u32 done = 0;

	while (done < held->count &&
	       !seq_after(held->range[done].start, rcv_nxt)) {
		rcv_nxt = seq_max(rcv_nxt, held->range[done].end);
		done++;
	}
	remove_ranges(held, 0, done);
	return rcv_nxt;
}
