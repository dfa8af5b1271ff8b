// SPDX-License-Identifier: GPL-2.0
/*
 * The list of ranges that arrived before their turn, against a model: a bit
 * for each octet. The model is small enough to try every order of arrival.
 */

#include "kselftest_harness.h"

#include "libscenario.h"
#include "ranges.h"

#define OCTETS 6		/* of the model, numbered from 0 */
#define RANGES (OCTETS * (OCTETS + 1) / 2)
#define DEPTH 4			/* so many ranges arrive one after another */

/* Where the model's octet 0 lies: it must not matter. */
static const u32 bases[] = { 1000, 0xfffffffd, 0x7ffffffd };

struct model {
	struct ranges list;
	u32 bits;		/* octets that have arrived */
	u32 base;
};

static u32 bits_between(u32 start, u32 end)
{
	return ((1u << end) - 1) & ~((1u << start) - 1);
}

/* The list says the same as the bits, in sorted ranges that do not touch. */
static bool same(const struct model *m)
{
	const struct ranges *list = &m->list;
	u32 bits = 0;
	u32 i;

	for (i = 0; i < list->count; i++) {
		u32 start = list->range[i].start - m->base;
		u32 end = list->range[i].end - m->base;

		if (start >= end || end > OCTETS)
			return false;
		if (i && list->range[i - 1].end - m->base >= start)
			return false;
		bits |= bits_between(start, end);
	}
	return bits == m->bits;
}

/* What ranges_advance() must answer if all before @nxt has arrived. */
static bool advances(const struct model *m, u32 nxt)
{
	struct model after = *m;
	u32 missing = nxt;

	while (missing < OCTETS && (m->bits & (1u << missing)))
		missing++;
	if (ranges_advance(&after.list, m->base + nxt) - m->base != missing)
		return false;
	/* What was read is forgotten, also an octet right at the end. */
	after.bits &= ~bits_between(0, missing);
	return same(&after);
}

/* Try each range next, and after it all others. Return how many have failed. */
static unsigned int try_all(const struct model *m, unsigned int depth,
			    unsigned long *tried)
{
	unsigned int failures = 0;
	u32 start, end, nxt;

	for (start = 0; start < OCTETS; start++) {
		for (end = start + 1; end <= OCTETS; end++) {
			struct model next = *m;
			u32 bits = bits_between(start, end);
			bool is_new = bits & ~m->bits;

			next.bits |= bits;
			if (ranges_add(&next.list, m->base + start,
				       m->base + end) != is_new ||
			    !same(&next))
				return failures + 1;
			for (nxt = 0; nxt <= OCTETS; nxt++)
				failures += !advances(&next, nxt);
			++*tried;
			if (depth > 1)
				failures += try_all(&next, depth - 1, tried);
			if (failures)
				return failures;
		}
	}
	return failures;
}

TEST(every_order_of_arrival_gives_what_the_model_gives)
{
	static struct model m;
	unsigned long tried, expected = 0, power = 1;
	unsigned int i;

	for (i = 0; i < DEPTH; i++)
		expected += power *= RANGES;

	for (i = 0; i < ARRAY_SIZE(bases); i++) {
		m = (struct model) { .base = bases[i] };
		/* The full depth once; across the wrap a little less. */
		tried = 0;
		ASSERT_EQ(0, try_all(&m, i ? DEPTH - 1 : DEPTH, &tried));
		if (!i)
			EXPECT_EQ(expected, tried);
	}
}

/* ----------------------------------------------- what is in a stretch of them */

/* A model in which just these octets have arrived. */
static struct model model_of(u32 bits, u32 base)
{
	struct model m = { .bits = bits, .base = base };
	u32 i;

	for (i = 0; i < OCTETS; i++)
		if (bits & (1u << i))
			ranges_add(&m.list, base + i, base + i + 1);
	return m;
}

/* What ranges_octets() must answer for [start, end). */
static bool counts(const struct model *m, u32 start, u32 end)
{
	u32 octets = (u32)__builtin_popcount(m->bits &
					     bits_between(start, end));

	return ranges_octets(&m->list, m->base + start, m->base + end) ==
	       octets;
}

/* And ranges_hole(). */
static bool finds_hole(const struct model *m, u32 start, u32 end)
{
	u32 first = start, stop, found = m->base + start;
	u32 found_end = ranges_hole(&m->list, &found, m->base + end);

	while (first < end && (m->bits & (1u << first)))
		first++;
	for (stop = first; stop < end && !(m->bits & (1u << stop));)
		stop++;
	return found == m->base + first &&
	       (first == end || found_end == m->base + stop);
}

TEST(every_stretch_of_every_list_is_what_the_model_says)
{
	u32 i, bits, start, end;

	for (i = 0; i < ARRAY_SIZE(bases); i++)
		for (bits = 0; bits < 1u << OCTETS; bits++) {
			struct model m = model_of(bits, bases[i]);

			ASSERT_TRUE(same(&m));
			for (start = 0; start <= OCTETS; start++)
				for (end = start; end <= OCTETS; end++) {
					EXPECT_TRUE(counts(&m, start, end));
					EXPECT_TRUE(finds_hole(&m, start, end));
				}
		}
}

TEST(no_list_is_an_empty_list)
{
	u32 start = 100;

	EXPECT_EQ(0, ranges_octets(NULL, 100, 200));
	EXPECT_EQ(200, ranges_hole(NULL, &start, 200));
	EXPECT_EQ(100, start);
}

/* ------------------------------------------------ the order of a SACK option */

/* Does ranges_recent() name the ranges that begin there, in that order? */
static bool named(const struct ranges *list, u8 max, const u32 *starts,
		  u8 count)
{
	struct seq_range recent[SEG_SACK_MAX];
	u8 i;

	if (ranges_recent(list, recent, max) != count)
		return false;
	for (i = 0; i < count; i++)
		if (recent[i].start != starts[i])
			return false;
	return true;
}

#define EXPECT_RECENT(list, max, ...)					\
	EXPECT_TRUE(named(list, max, (const u32[]){ __VA_ARGS__ },	\
			  ARRAY_SIZE(((const u32[]){ __VA_ARGS__ }))))

TEST(range_that_was_added_to_last_is_named_first)
{
	struct ranges list = { 0 };

	ranges_add(&list, 100, 110);
	EXPECT_RECENT(&list, 4, 100);
	ranges_add(&list, 300, 310);
	EXPECT_RECENT(&list, 4, 300, 100);
	ranges_add(&list, 200, 210);
	EXPECT_RECENT(&list, 4, 200, 300, 100);
	ranges_add(&list, 400, 410);
	ranges_add(&list, 500, 510);
	EXPECT_RECENT(&list, 4, 500, 400, 200, 300);
	EXPECT_RECENT(&list, 3, 500, 400, 200);
}

TEST(range_that_grows_comes_to_the_front)
{
	struct ranges list = { 0 };

	ranges_add(&list, 100, 110);
	ranges_add(&list, 200, 210);
	ranges_add(&list, 110, 120);
	EXPECT_RECENT(&list, 4, 100, 200);
	/* Also to the left. */
	ranges_add(&list, 190, 200);
	EXPECT_RECENT(&list, 4, 190, 100);
}

TEST(range_of_a_duplicate_comes_to_the_front)
{
	struct ranges list = { 0 };

	ranges_add(&list, 100, 110);
	ranges_add(&list, 200, 210);
	EXPECT_FALSE(ranges_add(&list, 105, 106));
	EXPECT_RECENT(&list, 4, 100, 200);
}

/* RFC 2018, 4: "as many distinct SACK blocks as possible" */
TEST(range_that_grows_long_does_not_push_out_the_others)
{
	struct ranges list = { 0 };
	u32 i;

	ranges_add(&list, 100, 110);
	ranges_add(&list, 200, 210);
	for (i = 0; i < 20; i++)
		ranges_add(&list, 300 + 10 * i, 310 + 10 * i);
	EXPECT_RECENT(&list, 4, 300, 200, 100);
}

TEST(ranges_that_have_become_one_are_named_once)
{
	struct ranges list = { 0 };

	ranges_add(&list, 100, 110);
	ranges_add(&list, 200, 210);
	ranges_add(&list, 120, 130);
	ranges_add(&list, 110, 120);
	EXPECT_RECENT(&list, 4, 100, 200);
}

TEST(range_that_has_been_passed_is_not_named)
{
	struct ranges list = { 0 };
	struct seq_range recent[SEG_SACK_MAX];

	ranges_add(&list, 100, 110);
	ranges_add(&list, 300, 310);
	ranges_add(&list, 200, 210);
	ranges_advance(&list, 250);
	EXPECT_RECENT(&list, 4, 300);
	ranges_advance(&list, 310);
	EXPECT_EQ(0, ranges_recent(&list, recent, SEG_SACK_MAX));
}

#define MANY 64			/* octets of the random lists */

/* When was an octet of this range last added? Ranges are all of @last. */
static u32 touched(const u32 *last, u32 start, u32 end)
{
	u32 latest = 0;

	for (; start < end; start++)
		latest = max_u32(latest, last[start]);
	return latest;
}

TEST(random_ranges_are_named_in_the_order_they_were_added_to)
{
	u64 seed = 3;
	u32 round, step, i;

	for (round = 0; round < 300; round++) {
		u32 base = 0u - random_below(&seed, MANY);
		struct ranges list = { 0 };
		u32 last[MANY] = { 0 };

		for (step = 1; step < 20; step++) {
			u32 start = random_below(&seed, MANY - 4);
			u32 end = start + 1 + random_below(&seed, 4);
			struct seq_range recent[SEG_SACK_MAX];
			u32 before = step + 1;
			u8 count;

			ranges_add(&list, base + start, base + end);
			for (i = start; i < end; i++)
				last[i] = step;
			count = ranges_recent(&list, recent, SEG_SACK_MAX);
			ASSERT_LT(0, count);
			for (i = 0; i < count; i++) {
				u32 at = touched(last, recent[i].start - base,
						 recent[i].end - base);

				/* So no range is named twice, either. */
				ASSERT_LT(at, before);
				before = at;
				if (i == 0)
					ASSERT_EQ(step, at);
			}
		}
	}
}

/* ------------------------------------------------------------- single cases */

TEST(empty_list_advances_by_nothing)
{
	struct ranges list = { 0 };

	EXPECT_EQ(1234, ranges_advance(&list, 1234));
	EXPECT_EQ(0, list.count);
}

TEST(ranges_that_touch_become_one)
{
	struct ranges list = { 0 };

	EXPECT_TRUE(ranges_add(&list, 10, 20));
	EXPECT_TRUE(ranges_add(&list, 30, 40));
	EXPECT_TRUE(ranges_add(&list, 20, 30));
	EXPECT_EQ(1, list.count);
	EXPECT_EQ(10, list.range[0].start);
	EXPECT_EQ(40, list.range[0].end);
}

/* Fill the list: one octet held, one missing, and so on. */
static void fill(struct ranges *list, u32 base)
{
	u32 i;

	for (i = 0; i < RANGES_MAX; i++)
		ranges_add(list, base + 2 * i, base + 2 * i + 1);
}

TEST(one_hole_too_many_is_not_remembered)
{
	struct ranges list = { 0 };
	struct ranges full;

	fill(&list, 0xffffffc0);
	ASSERT_EQ(RANGES_MAX, list.count);
	full = list;

	/* In front of all, between two, and behind all. */
	EXPECT_FALSE(ranges_add(&list, 0xffffff00, 0xffffff01));
	EXPECT_FALSE(ranges_add(&list, 0xffffffc0 + 1000,
				0xffffffc0 + 1001));
	EXPECT_EQ(0, memcmp(&list, &full, sizeof(list)));
}

TEST(full_list_still_takes_what_closes_a_hole)
{
	struct ranges list = { 0 };

	fill(&list, 0);
	EXPECT_TRUE(ranges_add(&list, 1, 2));
	EXPECT_EQ(RANGES_MAX - 1, list.count);
	EXPECT_EQ(3, list.range[0].end);
	EXPECT_EQ(3, ranges_advance(&list, 0));
	EXPECT_EQ(RANGES_MAX - 2, list.count);
}

TEST(range_over_all_others_swallows_them)
{
	struct ranges list = { 0 };

	fill(&list, 1000);
	EXPECT_TRUE(ranges_add(&list, 900, 2000));
	EXPECT_EQ(1, list.count);
	EXPECT_EQ(2000, ranges_advance(&list, 950));
	EXPECT_EQ(0, list.count);
}

TEST_HARNESS_MAIN
