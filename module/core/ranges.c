// SPDX-License-Identifier: GPL-2.0
/* Ranges of octets that have arrived. */

#include "ranges.h"

static void remove_ranges(struct ranges *ranges, u32 first, u32 count)
{
	memmove(&ranges->range[first], &ranges->range[first + count],
		(ranges->count - first - count) * sizeof(ranges->range[0]));
	ranges->count -= count;
}

static bool contains(const struct seq_range *range, u32 seq)
{
	return !seq_before(seq, range->start) && seq_before(seq, range->end);
}

/* @range has been added to. It stands there once, and leaves room for others. */
static void note_recent(struct ranges *ranges, const struct seq_range *range)
{
	u32 last = 0;

	while (last < SEG_SACK_MAX - 1 &&
	       !contains(range, ranges->recent[last]))
		last++;
	memmove(&ranges->recent[1], &ranges->recent[0],
		last * sizeof(ranges->recent[0]));
	ranges->recent[0] = range->start;
}

bool ranges_add(struct ranges *ranges, u32 start, u32 end)
{
	struct seq_range *range;
	u32 first = 0;
	u32 last;

	/* [first, last) are the ranges that overlap or touch the new one. */
	while (first < ranges->count &&
	       seq_before(ranges->range[first].end, start))
		first++;
	for (last = first; last < ranges->count; last++)
		if (seq_after(ranges->range[last].start, end))
			break;
	range = &ranges->range[first];

	if (first == last) {
		if (ranges->count == RANGES_MAX)
			return false;
		memmove(range + 1, range,
			(ranges->count - first) * sizeof(*range));
		ranges->count++;
		*range = (struct seq_range){ start, end };
		note_recent(ranges, range);
		return true;
	}

	if (!seq_before(start, range->start) && !seq_after(end, range->end)) {
		note_recent(ranges, range);
		return false;
	}
	range->start = seq_min(start, range->start);
	range->end = seq_max(end, ranges->range[last - 1].end);
	note_recent(ranges, range);
	remove_ranges(ranges, first + 1, last - first - 1);
	return true;
}

u32 ranges_advance(struct ranges *ranges, u32 seq)
{
	u32 done = 0;

	while (done < ranges->count &&
	       !seq_after(ranges->range[done].start, seq)) {
		seq = seq_max(seq, ranges->range[done].end);
		done++;
	}
	remove_ranges(ranges, 0, done);
	return seq;
}

/* The range that @seq is in, or NULL. */
static const struct seq_range *find(const struct ranges *ranges, u32 seq)
{
	u32 i;

	for (i = 0; i < ranges->count; i++)
		if (contains(&ranges->range[i], seq))
			return &ranges->range[i];
	return NULL;
}

static bool is_among(const struct seq_range *range,
		     const struct seq_range *others, u8 count)
{
	while (count--)
		if (others[count].start == range->start)
			return true;
	return false;
}

u8 ranges_recent(const struct ranges *ranges, struct seq_range *recent, u8 max)
{
	u8 count = 0;
	u32 i;

	for (i = 0; i < SEG_SACK_MAX && count < max; i++) {
		const struct seq_range *range = find(ranges, ranges->recent[i]);

		if (range && !is_among(range, recent, count))
			recent[count++] = *range;
	}
	return count;
}

u32 ranges_octets(const struct ranges *ranges, u32 start, u32 end)
{
	u32 octets = 0;
	u32 i;

	for (i = 0; ranges && i < ranges->count; i++) {
		u32 from = seq_max(start, ranges->range[i].start);
		u32 to = seq_min(end, ranges->range[i].end);

		if (seq_before(from, to))
			octets += to - from;
	}
	return octets;
}

u32 ranges_hole(const struct ranges *ranges, u32 *start, u32 end)
{
	u32 i;

	for (i = 0; ranges && i < ranges->count; i++) {
		const struct seq_range *range = &ranges->range[i];

		if (seq_after(range->start, *start))
			return seq_min(range->start, end);
		*start = seq_min(seq_max(*start, range->end), end);
	}
	return end;
}
