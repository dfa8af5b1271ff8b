// SPDX-License-Identifier: GPL-2.0
/*
 * The congestion window by itself (RFC 5681, RFC 6582, RFC 6928), and how an
 * algorithm is plugged in.
 */

#include "kselftest_harness.h"

#include "libscenario.h"

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

/* ------------------------------------------------------ an algorithm of our own */

static struct scenario s;

/* What it was called with. */
static unsigned int ssthresh_calls, avoid_calls;
static u32 seen_flight, seen_acked, seen_mss;

static u32 note_ssthresh(const struct congestion *cc, u32 flight, u32 mss)
{
	(void)cc;
	ssthresh_calls++;
	seen_flight = flight;
	seen_mss = mss;
	return 7777;
}

static void note_avoid(struct congestion *cc, u32 acked, u32 mss)
{
	avoid_calls++;
	seen_acked = acked;
	seen_mss = mss;
	congestion_set(cc, cc->cwnd + 1);
}

static const struct congestion_algorithm notes = {
	.name = "notes",
	.ssthresh = note_ssthresh,
	.avoid = note_avoid,
};

/* With ten segments in flight, which is all the window. */
static void in_flight_with(const struct congestion_algorithm *algorithm)
{
	start(&s);
	s.conn_room.settings.algorithm = algorithm;
	established(&s);
	s.relaxed = true;
	ssthresh_calls = 0;
	avoid_calls = 0;
	user_send(&s, 30000);
}

TEST(reno_is_what_a_connection_uses_if_nothing_is_set)
{
	in_flight_with(NULL);
	EXPECT_EQ(&congestion_reno, s.conn->cc.algorithm);
	EXPECT_EQ(0, strcmp("reno", congestion_reno.name));
	start(&s);
	accepted(&s);
	EXPECT_EQ(&congestion_reno, s.conn->cc.algorithm);
}

TEST(algorithm_that_was_set_is_used_by_client_and_listener)
{
	in_flight_with(&notes);
	EXPECT_EQ(&notes, s.conn->cc.algorithm);
	start(&s);
	s.conn_room.settings.algorithm = &notes;
	accepted(&s);
	EXPECT_EQ(&notes, s.conn->cc.algorithm);
}

TEST(algorithm_is_asked_for_the_threshold_after_duplicate_acks)
{
	int i;

	in_flight_with(&notes);
	for (i = 0; i < 3; i++)
		arrives(&s, ACK, .seq = 1, .ack = 1);
	EXPECT_EQ(1, ssthresh_calls);
	EXPECT_EQ(10000, seen_flight);
	EXPECT_EQ(MSS, seen_mss);
	EXPECT_EQ(7777, s.conn->cc.ssthresh);
	EXPECT_EQ(7777 + 3000, s.conn->cc.cwnd);
}

TEST(algorithm_is_asked_for_the_threshold_after_a_timeout_once)
{
	in_flight_with(&notes);
	passes(&s, RTO);
	EXPECT_EQ(1, ssthresh_calls);
	EXPECT_EQ(10000, seen_flight);
	EXPECT_EQ(7777, s.conn->cc.ssthresh);
	EXPECT_EQ(MSS, s.conn->cc.cwnd);
	passes(&s, 2 * RTO);
	EXPECT_EQ(1, ssthresh_calls);
}

TEST(algorithm_decides_how_the_window_grows_above_the_threshold)
{
	in_flight_with(&notes);
	arrives(&s, ACK, .seq = 1, .ack = 2001);
	EXPECT_EQ(0, avoid_calls);
	EXPECT_EQ(12000, s.conn->cc.cwnd);
	s.conn->cc.ssthresh = 12000;
	arrives(&s, ACK, .seq = 1, .ack = 5001);
	EXPECT_EQ(1, avoid_calls);
	EXPECT_EQ(3000, seen_acked);
	EXPECT_EQ(MSS, seen_mss);
	EXPECT_EQ(12001, s.conn->cc.cwnd);
}

TEST(algorithm_cannot_set_a_window_that_is_too_large)
{
	struct congestion cc;

	congestion_init(&cc, &notes, MSS, false);
	congestion_set(&cc, 0xffffffff);
	EXPECT_EQ(1u << 30, cc.cwnd);
}

TEST_HARNESS_MAIN
