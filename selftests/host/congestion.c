// SPDX-License-Identifier: GPL-2.0
/* The congestion window by itself (RFC 5681, RFC 6582, RFC 6928). */

#include "kselftest_harness.h"

#include "congestion.h"

#define MSS 1000

/* RFC 6928, 2: min(10 * MSS, max(2 * MSS, 14600)) */
TEST(initial_window_is_ten_segments_or_as_many_as_14600_octets_hold)
{
	struct congestion cc;

	congestion_init(&cc, &congestion_reno, 536, false);
	EXPECT_EQ(5360, cc.cwnd);
	congestion_init(&cc, &congestion_reno, 1460, false);
	EXPECT_EQ(14600, cc.cwnd);
	congestion_init(&cc, &congestion_reno, 2920, false);
	EXPECT_EQ(14600, cc.cwnd);
	congestion_init(&cc, &congestion_reno, 9000, false);
	EXPECT_EQ(18000, cc.cwnd);
}

/* RFC 5681, 3.1: "the initial window [...] MUST be [...] one segment" */
TEST(initial_window_after_a_lost_syn_is_one_segment)
{
	struct congestion cc;

	congestion_init(&cc, &congestion_reno, MSS, true);
	EXPECT_EQ(MSS, cc.cwnd);
}

TEST(slow_start_doubles_the_window_in_a_round_trip)
{
	struct congestion cc;
	int i;

	congestion_init(&cc, &congestion_reno, MSS, false);
	for (i = 0; i < 10; i++)
		congestion_acked(&cc, MSS, MSS);
	EXPECT_EQ(20 * MSS, cc.cwnd);
}

TEST(congestion_avoidance_adds_one_segment_in_a_round_trip)
{
	struct congestion cc;
	int i;

	congestion_init(&cc, &congestion_reno, MSS, false);
	cc.ssthresh = cc.cwnd;
	for (i = 0; i < 9; i++)
		congestion_acked(&cc, MSS, MSS);
	EXPECT_EQ(10 * MSS, cc.cwnd);
	congestion_acked(&cc, MSS, MSS);
	EXPECT_EQ(11 * MSS, cc.cwnd);
	for (i = 0; i < 11; i++)
		congestion_acked(&cc, MSS, MSS);
	EXPECT_EQ(12 * MSS, cc.cwnd);
}

TEST(window_does_not_grow_without_bound)
{
	struct congestion cc;
	int i;

	congestion_init(&cc, &congestion_reno, MSS, false);
	for (i = 0; i < 100; i++)
		congestion_acked(&cc, cc.cwnd, MSS);
	EXPECT_GE(1u << 30, cc.cwnd);
	EXPECT_LE(1u << 29, cc.cwnd);
}

/* RFC 5681, 3.2: ssthresh = max(FlightSize / 2, 2*SMSS), cwnd 3 more */
TEST(fast_retransmit_halves_the_window)
{
	struct congestion cc;

	congestion_init(&cc, &congestion_reno, MSS, false);
	congestion_fast_retransmit(&cc, 10 * MSS, MSS, 3 * MSS);
	EXPECT_EQ(5 * MSS, cc.ssthresh);
	EXPECT_EQ(8 * MSS, cc.cwnd);
}

TEST(threshold_is_two_segments_at_the_least)
{
	struct congestion cc;

	congestion_init(&cc, &congestion_reno, MSS, false);
	congestion_fast_retransmit(&cc, MSS, MSS, 3 * MSS);
	EXPECT_EQ(2 * MSS, cc.ssthresh);
	congestion_init(&cc, &congestion_reno, MSS, false);
	congestion_timeout(&cc, 3 * MSS, MSS, true);
	EXPECT_EQ(2 * MSS, cc.ssthresh);
}

TEST(each_further_duplicate_ack_lets_one_segment_go)
{
	struct congestion cc;

	congestion_init(&cc, &congestion_reno, MSS, false);
	congestion_fast_retransmit(&cc, 10 * MSS, MSS, 3 * MSS);
	congestion_duplicate_ack(&cc, MSS);
	congestion_duplicate_ack(&cc, MSS);
	EXPECT_EQ(10 * MSS, cc.cwnd);
}

/* RFC 6582, 3.2, step 3: deflate by what was ACKed, add back one SMSS */
TEST(partial_ack_deflates_the_window_and_lets_one_segment_go)
{
	struct congestion cc;

	congestion_init(&cc, &congestion_reno, MSS, false);
	congestion_fast_retransmit(&cc, 10 * MSS, MSS, 3 * MSS);
	congestion_partial_ack(&cc, 3 * MSS, MSS);
	EXPECT_EQ(6 * MSS, cc.cwnd);
	/* "If the partial ACK acknowledges at least one SMSS": here less */
	congestion_partial_ack(&cc, 400, MSS);
	EXPECT_EQ(6 * MSS - 400, cc.cwnd);
}

TEST(partial_ack_leaves_at_least_one_segment)
{
	struct congestion cc;

	congestion_init(&cc, &congestion_reno, MSS, false);
	congestion_fast_retransmit(&cc, 10 * MSS, MSS, 3 * MSS);
	congestion_partial_ack(&cc, 100 * MSS, MSS);
	EXPECT_EQ(MSS, cc.cwnd);
}

/* RFC 6582: cwnd = min(ssthresh, max(FlightSize, SMSS) + SMSS) */
TEST(recovery_ends_at_the_threshold_without_a_burst)
{
	struct congestion cc;

	congestion_init(&cc, &congestion_reno, MSS, false);
	congestion_fast_retransmit(&cc, 10 * MSS, MSS, 3 * MSS);
	congestion_recovered(&cc, 10 * MSS, MSS);
	EXPECT_EQ(5 * MSS, cc.cwnd);
	congestion_recovered(&cc, 0, MSS);
	EXPECT_EQ(2 * MSS, cc.cwnd);
}

TEST(timeout_leaves_one_segment_and_remembers_half_of_the_flight)
{
	struct congestion cc;

	congestion_init(&cc, &congestion_reno, MSS, false);
	congestion_timeout(&cc, 10 * MSS, MSS, true);
	EXPECT_EQ(MSS, cc.cwnd);
	EXPECT_EQ(5 * MSS, cc.ssthresh);
}

/* RFC 5681, 3.1: when a segment is lost again, ssthresh is held constant */
TEST(further_timeouts_for_the_same_segment_keep_the_threshold)
{
	struct congestion cc;

	congestion_init(&cc, &congestion_reno, MSS, false);
	congestion_timeout(&cc, 10 * MSS, MSS, true);
	congestion_timeout(&cc, 1 * MSS, MSS, false);
	EXPECT_EQ(5 * MSS, cc.ssthresh);
	EXPECT_EQ(MSS, cc.cwnd);
}

TEST_HARNESS_MAIN
