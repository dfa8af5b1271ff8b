// SPDX-License-Identifier: GPL-2.0
/* Sequence numbers and instants wrap round; their order must not. */

#include "kselftest_harness.h"

#include "seq.h"

TEST(order_holds_across_the_wrap)
{
	u32 offset;

	/* Both sides of every point, also where the sum passes 2^32. */
	for (offset = 0; offset < 0xf0000000; offset += 0x0fffffff) {
		EXPECT_TRUE(seq_before(offset, offset + 1));
		EXPECT_TRUE(seq_before(offset - 1, offset));
		EXPECT_TRUE(seq_after(offset + 1, offset));
		EXPECT_FALSE(seq_after(offset - 1, offset));
	}
	EXPECT_TRUE(seq_before(0xffffffff, 0));
	EXPECT_TRUE(seq_after(0, 0xffffffff));
	EXPECT_TRUE(seq_before(0xfffffff0, 16));
	EXPECT_FALSE(seq_before(16, 0xfffffff0));
}

TEST(a_number_is_not_before_itself)
{
	EXPECT_FALSE(seq_before(0, 0));
	EXPECT_FALSE(seq_after(0, 0));
	EXPECT_FALSE(seq_before(0x80000000, 0x80000000));
	EXPECT_FALSE(seq_after(0xffffffff, 0xffffffff));
}

TEST(order_reaches_as_far_as_half_the_space)
{
	EXPECT_TRUE(seq_before(0, 0x7fffffff));
	EXPECT_TRUE(seq_before(0x90000000, 0x0fffffff));
	EXPECT_TRUE(seq_after(0, 0x80000001));
}

TEST(window_includes_its_first_and_not_its_end)
{
	EXPECT_FALSE(seq_in_window(99, 100, 10));
	EXPECT_TRUE(seq_in_window(100, 100, 10));
	EXPECT_TRUE(seq_in_window(109, 100, 10));
	EXPECT_FALSE(seq_in_window(110, 100, 10));
}

TEST(window_may_lie_across_the_wrap)
{
	EXPECT_FALSE(seq_in_window(0xfffffffd, 0xfffffffe, 4));
	EXPECT_TRUE(seq_in_window(0xfffffffe, 0xfffffffe, 4));
	EXPECT_TRUE(seq_in_window(0xffffffff, 0xfffffffe, 4));
	EXPECT_TRUE(seq_in_window(0, 0xfffffffe, 4));
	EXPECT_TRUE(seq_in_window(1, 0xfffffffe, 4));
	EXPECT_FALSE(seq_in_window(2, 0xfffffffe, 4));
}

TEST(window_of_size_zero_has_nothing_in_it)
{
	EXPECT_FALSE(seq_in_window(100, 100, 0));
	EXPECT_FALSE(seq_in_window(99, 100, 0));
}

TEST(larger_and_smaller_across_the_wrap)
{
	EXPECT_EQ(3, seq_max(0xffffffff, 3));
	EXPECT_EQ(3, seq_max(3, 0xffffffff));
	EXPECT_EQ(0xffffffff, seq_min(0xffffffff, 3));
	EXPECT_EQ(0xffffffff, seq_min(3, 0xffffffff));
	EXPECT_EQ(7, seq_max(7, 7));
}

TEST(clock_reaches_an_instant_after_it_has_wrapped)
{
	EXPECT_TRUE(time_reached(5, 5));
	EXPECT_TRUE(time_reached(6, 5));
	EXPECT_FALSE(time_reached(4, 5));
	EXPECT_TRUE(time_reached(3, 0xfffffff0));
	EXPECT_FALSE(time_reached(0xfffffff0, 3));
}

TEST_HARNESS_MAIN
