// SPDX-License-Identifier: GPL-2.0
/*
 * The list of ranges that arrived before their turn, against a model: a bit
 * for each octet. The model is small enough to try every order of arrival.
 */

#include "kselftest_harness.h"

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
