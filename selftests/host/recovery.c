// SPDX-License-Identifier: GPL-2.0
/* Timeouts and lost segments, without SACK (RFC 5681, 6298, 6582). */

#include <assert.h>

#include "kselftest_harness.h"

#include "libscenario.h"

static struct scenario s;

static_assert(RTO == 3 * RTT, "RFC 6298, 2.2");

/* ---------------------------------------------------------------- timeouts */

TEST(text_not_acknowledged_is_sent_again_after_twice_the_time_each)
{
	u32 i, wait = RTO;

	start(&s);
	established(&s);
	user_send(&s, 100);
	expect_sent(&s, PSH | ACK, .seq = 1, .ack = 1, .len = 100);
	for (i = 0; i < s.params.data_retries; i++) {
		expect_timer(&s, TIMER_RETRANSMIT, wait);
		passes(&s, wait - 1);
		expect_nothing_sent(&s);
		passes(&s, 1);
		expect_sent(&s, PSH | ACK, .seq = 1, .ack = 1, .len = 100);
		wait = min_u32(2 * wait, s.params.rto_max);
	}
	passes(&s, wait - 1);
	expect_state(&s, STATE_ESTABLISHED);
	passes(&s, 1);
	expect_nothing_sent(&s);
	expect_moves(&s, STATE_CLOSED);
	expect_error(&s, ERROR_TIMED_OUT);
}

TEST(ack_stops_the_timer)
{
	start(&s);
	established(&s);
	user_send(&s, 100);
	ignore_sent(&s);
	EXPECT_FALSE(s.actions.tell & TELL_WRITABLE);
	arrives(&s, ACK, .seq = 1, .ack = 101);
	EXPECT_TRUE(s.actions.tell & TELL_WRITABLE);
	expect_timer(&s, TIMER_NONE, 0);
	passes(&s, 100000);
	expect_nothing_sent(&s);
}

/* RFC 6298, (5.1) and (5.3): it is the time of the oldest. */
TEST(neither_new_text_nor_an_ack_without_progress_puts_the_timer_off)
{
	start(&s);
	established(&s);
	user_send(&s, 1000);
	ignore_sent(&s);
	passes(&s, 100);
	user_send(&s, 1000);
	ignore_sent(&s);
	expect_timer(&s, TIMER_RETRANSMIT, RTO - 100);
	arrives(&s, ACK, .seq = 1, .ack = 1);
	expect_timer(&s, TIMER_RETRANSMIT, RTO - 100);
}

/* RFC 6298, (5.3) */
TEST(ack_of_a_part_starts_the_timer_anew)
{
	start(&s);
	established(&s);
	user_send(&s, 2000);
	ignore_sent(&s);
	passes(&s, 100);
	arrives(&s, ACK, .seq = 1, .ack = 1001);
	/* The same round trip again: RTTVAR = 3/4 * 50, RTO = 100 + 150 */
	expect_timer(&s, TIMER_RETRANSMIT, 250);
}

TEST(timeout_is_held_between_its_bounds)
{
	start(&s);
	s.params.rto_min = 400;
	established(&s);
	user_send(&s, 100);
	ignore_sent(&s);
	expect_timer(&s, TIMER_RETRANSMIT, 400);

	start(&s);
	s.params.rto_max = 250;
	established(&s);
	user_send(&s, 100);
	ignore_sent(&s);
	expect_timer(&s, TIMER_RETRANSMIT, 250);
}

/* Karn (MUST-18; RFC 6298, 3) */
TEST(round_trip_of_text_sent_twice_is_not_measured)
{
	start(&s);
	established(&s);
	user_send(&s, 100);
	ignore_sent(&s);
	passes(&s, RTO);
	ignore_sent(&s);
	passes(&s, 1);
	arrives(&s, ACK, .seq = 1, .ack = 101);
	EXPECT_EQ(800, s.conn->rtt.srtt8);
	/* The next text is measured again. */
	user_send(&s, 100);
	ignore_sent(&s);
	passes(&s, 180);
	arrives(&s, ACK, .seq = 1, .ack = 201);
	EXPECT_EQ(800 - 100 + 180, s.conn->rtt.srtt8);
}

/*
 * Karn's other half: RFC 6298, 5: "once a new RTT measurement is obtained
 * (which can only happen when new data has been sent and acknowledged) [...]
 * may result in 'collapsing' RTO back down". Not before.
 */
TEST(timeout_stays_long_until_a_round_trip_is_measured)
{
	start(&s);
	established(&s);
	user_send(&s, 100);
	ignore_sent(&s);
	passes(&s, RTO);
	ignore_sent(&s);
	arrives(&s, ACK, .seq = 1, .ack = 101);
	user_send(&s, 100);
	ignore_sent(&s);
	expect_timer(&s, TIMER_RETRANSMIT, 2 * RTO);
	passes(&s, 100);
	arrives(&s, ACK, .seq = 1, .ack = 201);
	user_send(&s, 100);
	ignore_sent(&s);
	expect_timer(&s, TIMER_RETRANSMIT, 250);
}

/* MUST-20: it is R2 in a row that ends a connection, not in its whole life. */
TEST(retries_are_counted_from_the_last_progress)
{
	int i;

	start(&s);
	established(&s);
	s.relaxed = true;
	for (i = 0; i < 30; i++) {
		user_send(&s, 100);
		passes(&s, 3 * 60000);
		expect_state(&s, STATE_ESTABLISHED);
		arrives(&s, ACK, .seq = 1, .ack = 101 + 100 * (u32)i);
	}
}

TEST(timeout_sends_one_segment_and_acks_let_the_others_follow)
{
	start(&s);
	established(&s);
	user_send(&s, 10000);
	ignore_sent(&s);
	passes(&s, RTO);
	expect_sent(&s, ACK, .seq = 1, .ack = 1, .len = MSS);
	expect_nothing_sent(&s);
	arrives(&s, ACK, .seq = 1, .ack = 1001);
	expect_sent(&s, ACK, .seq = 1001, .ack = 1, .len = MSS);
	expect_sent(&s, ACK, .seq = 2001, .ack = 1, .len = MSS);
	expect_nothing_sent(&s);
	/* The others had arrived: nothing of them goes again, new text does. */
	arrives(&s, ACK, .seq = 1, .ack = 10001);
	expect_nothing_sent(&s);
	user_send(&s, 1000);
	expect_sent(&s, PSH | ACK, .seq = 10001, .ack = 1, .len = MSS);
}

/* ---------------------------------------------------------- fast retransmit */

static void duplicate_acks(u32 ack, unsigned int count)
{
	while (count--)
		arrives(&s, ACK, .seq = 1, .ack = ack);
}

static void in_flight(u32 octets)
{
	start(&s);
	established(&s);
	user_send(&s, octets);
	ignore_sent(&s);
}

/* RFC 5681, 3.2 */
TEST(third_duplicate_ack_sends_the_first_segment_again)
{
	in_flight(10000);
	duplicate_acks(1, 2);
	expect_nothing_sent(&s);
	duplicate_acks(1, 1);
	expect_sent(&s, ACK, .seq = 1, .ack = 1, .len = MSS);
	expect_nothing_sent(&s);
	duplicate_acks(1, 4);
	expect_nothing_sent(&s);
	arrives(&s, ACK, .seq = 1, .ack = 10001);
	expect_nothing_sent(&s);
	/* Half of the flight is the threshold; two segments are the window. */
	EXPECT_EQ(5000, s.conn->cc.ssthresh);
	EXPECT_EQ(2000, s.conn->cc.cwnd);
	expect_timer(&s, TIMER_NONE, 0);
}

TEST(round_trip_of_a_fast_retransmit_is_not_measured)
{
	in_flight(3000);
	passes(&s, 150);
	duplicate_acks(1, 3);
	expect_sent(&s, ACK, .seq = 1, .ack = 1, .len = MSS);
	passes(&s, 5);
	arrives(&s, ACK, .seq = 1, .ack = 3001);
	EXPECT_EQ(800, s.conn->rtt.srtt8);
}

/* Limited transmit: RFC 3042 */
TEST(each_of_the_first_two_duplicate_acks_lets_new_text_go)
{
	in_flight(20000);
	duplicate_acks(1, 1);
	expect_sent(&s, ACK, .seq = 10001, .ack = 1, .len = MSS);
	duplicate_acks(1, 1);
	expect_sent(&s, ACK, .seq = 11001, .ack = 1, .len = MSS);
	expect_nothing_sent(&s);
	EXPECT_EQ(10000, s.conn->cc.cwnd);
}

TEST(further_duplicate_acks_let_new_text_go)
{
	in_flight(20000);
	duplicate_acks(1, 1);
	ignore_sent(&s);
	duplicate_acks(1, 1);
	ignore_sent(&s);		/* 2000 more: see above */
	duplicate_acks(1, 1);
	expect_sent(&s, ACK, .seq = 1, .ack = 1, .len = MSS);
	EXPECT_EQ(5000, s.conn->cc.ssthresh);
	duplicate_acks(1, 4);		/* cwnd 8000 + 4000: not more */
	expect_nothing_sent(&s);
	duplicate_acks(1, 1);
	expect_sent(&s, ACK, .seq = 12001, .ack = 1, .len = MSS);
}

/* RFC 6582, 3.2, step 3 */
TEST(partial_ack_sends_the_next_hole_at_once)
{
	in_flight(10000);
	duplicate_acks(1, 3);
	expect_sent(&s, ACK, .seq = 1, .ack = 1, .len = MSS);
	arrives(&s, ACK, .seq = 1, .ack = 4001);
	expect_sent(&s, ACK, .seq = 4001, .ack = 1, .len = MSS);
	expect_nothing_sent(&s);
	arrives(&s, ACK, .seq = 1, .ack = 7001);
	expect_sent(&s, ACK, .seq = 7001, .ack = 1, .len = MSS);
	arrives(&s, ACK, .seq = 1, .ack = 10001);
	expect_nothing_sent(&s);
	EXPECT_EQ(RECOVERY_NONE, s.conn->recovery);
}

/* RFC 5681, 2: what a "duplicate acknowledgment" is */
TEST(acks_with_text_or_another_window_are_no_duplicates)
{
	u32 i;

	in_flight(10000);
	s.relaxed = true;
	for (i = 0; i < 5; i++)
		arrives(&s, ACK, .seq = 1 + 10 * i, .ack = 1, .len = 10);
	s.relaxed = false;
	EXPECT_EQ(RECOVERY_NONE, s.conn->recovery);
	ignore_sent(&s);
	for (i = 0; i < 5; i++)
		arrives(&s, ACK, .seq = 51, .ack = 1,
			.window = 40000 + (int)i);
	expect_nothing_sent(&s);
	EXPECT_EQ(RECOVERY_NONE, s.conn->recovery);
}

TEST(acks_with_nothing_in_flight_are_no_duplicates)
{
	start(&s);
	established(&s);
	duplicate_acks(1, 5);
	user_send(&s, 5000);
	ignore_sent(&s);
	duplicate_acks(1, 2);
	expect_nothing_sent(&s);
	duplicate_acks(1, 1);
	expect_sent(&s, ACK, .seq = 1, .ack = 1, .len = MSS);
}

TEST(duplicate_acks_are_counted_in_a_row)
{
	in_flight(10000);
	duplicate_acks(1, 2);
	arrives(&s, ACK, .seq = 1, .ack = 1001);
	ignore_sent(&s);
	duplicate_acks(1001, 2);
	expect_nothing_sent(&s);
	duplicate_acks(1001, 1);
	expect_sent(&s, ACK, .seq = 1001, .ack = 1, .len = MSS);
}

/* RFC 5681, 2: "(b) the incoming acknowledgment carries no data" */
TEST(probes_of_our_closed_window_are_no_duplicates)
{
	int i;

	start(&s);
	s.env.rcv_buffer = 5000;
	s.env.rcv_space = 5000;
	s.open.window = 5000;
	established(&s);
	s.relaxed = true;
	arrives(&s, ACK, .seq = 1, .ack = 1, .len = 5000);
	user_send(&s, 10000);
	EXPECT_EQ(0, s.tcb.rcv_wnd);
	for (i = 0; i < 5; i++)
		arrives(&s, ACK, .seq = 5001, .ack = 1, .len = 1);
	EXPECT_EQ(RECOVERY_NONE, s.conn->recovery);
}

TEST(old_acks_are_no_duplicates)
{
	in_flight(10000);
	arrives(&s, ACK, .seq = 1, .ack = 5001);
	duplicate_acks(1001, 5);
	expect_nothing_sent(&s);
}

/*
 * RFC 6582, 3.2, step 1, and 4.1: after a timeout, segments that had arrived
 * already are sent again and cause duplicate ACKs at "recover". They tell of
 * no loss: fast retransmit only if the ACK "covers more than recover".
 */
TEST(duplicate_acks_after_a_timeout_do_not_tell_of_a_loss)
{
	in_flight(4000);
	passes(&s, RTO);
	ignore_sent(&s);
	arrives(&s, ACK, .seq = 1, .ack = 2001);
	ignore_sent(&s);
	arrives(&s, ACK, .seq = 1, .ack = 4001);
	user_send(&s, 4000);
	ignore_sent(&s);
	duplicate_acks(4001, 3);
	EXPECT_EQ(RECOVERY_NONE, s.conn->recovery);
	expect_nothing_sent(&s);
}

/*
 * RFC 5681, equation (4), holds for each segment that is lost for the first
 * time, also while the timeout is still backed off from the one before it.
 */
TEST(threshold_follows_each_new_loss)
{
	in_flight(10000);
	passes(&s, RTO);
	ignore_sent(&s);
	EXPECT_EQ(5000, s.conn->cc.ssthresh);
	arrives(&s, ACK, .seq = 1, .ack = 10001);
	user_send(&s, 2000);
	ignore_sent(&s);
	passes(&s, 2 * RTO);
	ignore_sent(&s);
	EXPECT_EQ(2000, s.conn->cc.ssthresh);
}

TEST(timeout_during_recovery_starts_from_the_first_segment)
{
	in_flight(10000);
	duplicate_acks(1, 3);
	expect_sent(&s, ACK, .seq = 1, .ack = 1, .len = MSS);
	passes(&s, RTO);
	expect_sent(&s, ACK, .seq = 1, .ack = 1, .len = MSS);
	EXPECT_EQ(RECOVERY_TIMEOUT, s.conn->recovery);
	EXPECT_EQ(MSS, s.conn->cc.cwnd);
}

TEST(fin_lost_with_text_is_part_of_the_fast_retransmit_that_reaches_it)
{
	in_flight(3000);
	user_close(&s);
	expect_sent(&s, FIN | ACK, .seq = 3001, .ack = 1);
	duplicate_acks(1, 3);
	expect_sent(&s, ACK, .seq = 1, .ack = 1, .len = MSS);
	arrives(&s, ACK, .seq = 1, .ack = 2001);
	expect_sent(&s, PSH | ACK, .seq = 2001, .ack = 1, .len = MSS);
	arrives(&s, ACK, .seq = 1, .ack = 3001);
	expect_sent(&s, FIN | ACK, .seq = 3001, .ack = 1);
	arrives(&s, ACK, .seq = 1, .ack = 3002);
	expect_state(&s, STATE_FIN_WAIT_2);
}

/* RFC 5681, 3.1; RFC 7661: only a window that was the limit has been tested */
TEST(window_grows_only_when_it_was_the_limit)
{
	u32 i;

	start(&s);
	established(&s);
	for (i = 0; i < 50; i++) {
		user_send(&s, 1000);
		ignore_sent(&s);
		arrives(&s, ACK, .seq = 1, .ack = 1001 + 1000 * i);
	}
	EXPECT_EQ(10000, s.conn->cc.cwnd);
	user_send(&s, 20000);
	ignore_sent(&s);
	arrives(&s, ACK, .seq = 1, .ack = 60001);
	EXPECT_EQ(20000, s.conn->cc.cwnd);
	ignore_sent(&s);
}

TEST_HARNESS_MAIN
