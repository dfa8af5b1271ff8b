// SPDX-License-Identifier: GPL-2.0
/* The retransmission timeout from round trips (RFC 6298, 2). */

#include "kselftest_harness.h"

#include "rtt.h"

TEST(before_any_sample_the_timeout_is_the_initial_one)
{
	struct rtt rtt;

	rtt_init(&rtt, 1000);
	EXPECT_EQ(1000, rtt.rto);
	EXPECT_EQ(0, rtt.srtt8);
}

/* (2.2) SRTT <- R, RTTVAR <- R/2, RTO <- SRTT + max(G, 4*RTTVAR) = 3 R */
TEST(first_sample_gives_three_times_itself)
{
	struct rtt rtt;

	rtt_init(&rtt, 1000);
	rtt_sample(&rtt, 100);
	EXPECT_EQ(800, rtt.srtt8);
	EXPECT_EQ(200, rtt.rttvar4);
	EXPECT_EQ(300, rtt.rto);
}

/*
 * (2.3) with R' = 200: RTTVAR = 3/4 * 50 + 1/4 * |100 - 200| = 62.5,
 * SRTT = 7/8 * 100 + 1/8 * 200 = 112.5, RTO = 112.5 + 250
 */
TEST(second_sample_moves_the_averages_by_their_weights)
{
	struct rtt rtt;

	rtt_init(&rtt, 1000);
	rtt_sample(&rtt, 100);
	rtt_sample(&rtt, 200);
	EXPECT_EQ(900, rtt.srtt8);
	EXPECT_EQ(250, rtt.rttvar4);
	EXPECT_EQ(362, rtt.rto);
}

/* RTTVAR is updated with the SRTT from before this sample (2.3). */
TEST(variation_is_measured_from_the_old_average)
{
	struct rtt rtt;

	rtt_init(&rtt, 1000);
	rtt_sample(&rtt, 800);
	rtt_sample(&rtt, 0);
	/* 3/4 * 400 + 1/4 * (800 - 1); a measurement counts as 1 ms at least */
	EXPECT_EQ(1200 + 799, rtt.rttvar4);
	EXPECT_EQ(6400 - 800 + 1, rtt.srtt8);
}

TEST(steady_path_gives_a_timeout_close_to_the_round_trip)
{
	struct rtt rtt;
	int i;

	rtt_init(&rtt, 1000);
	for (i = 0; i < 100; i++)
		rtt_sample(&rtt, 100);
	EXPECT_EQ(800, rtt.srtt8);
	EXPECT_GE(105, rtt.rto);
	EXPECT_LT(100, rtt.rto);	/* max(G, ...) keeps it above SRTT */
}

TEST(average_follows_a_path_that_becomes_slow_and_fast_again)
{
	struct rtt rtt;
	int i;

	rtt_init(&rtt, 1000);
	for (i = 0; i < 100; i++)
		rtt_sample(&rtt, 10);
	for (i = 0; i < 100; i++)
		rtt_sample(&rtt, 5000);
	EXPECT_LE(4980, rtt.srtt8 / 8);
	for (i = 0; i < 200; i++)
		rtt_sample(&rtt, 10);
	EXPECT_GE(20, rtt.srtt8 / 8);
	EXPECT_LE(10, rtt.srtt8 / 8);
}

TEST(round_trip_of_nothing_counts_as_a_measurement)
{
	struct rtt rtt;
	int i;

	rtt_init(&rtt, 1000);
	for (i = 0; i < 10; i++) {
		rtt_sample(&rtt, 0);
		EXPECT_NE(0, rtt.srtt8);
		EXPECT_LE(2, rtt.rto);
		EXPECT_GE(3, rtt.rto);
	}
}

TEST_HARNESS_MAIN
