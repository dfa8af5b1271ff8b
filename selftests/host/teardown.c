// SPDX-License-Identifier: GPL-2.0
/* Closing a connection (RFC 9293, 3.6; 3.10.4, 3.10.5, 3.10.7.4, 3.10.8). */

#include "kselftest_harness.h"

#include "libscenario.h"

static struct scenario s;

/* ----------------------------------------------------------- we close first */

TEST(active_close_goes_through_both_fin_waits_to_time_wait)
{
	start(&s);
	established(&s);
	expect_path(&s, STATE_FIN_WAIT_1, STATE_FIN_WAIT_2, STATE_TIME_WAIT,
		    STATE_CLOSED);
	user_close(&s);
	expect_sent(&s, FIN | ACK, .seq = 1, .ack = 1);
	arrives(&s, ACK, .seq = 1, .ack = 2);
	expect_state(&s, STATE_FIN_WAIT_2);
	expect_timer(&s, TIMER_NONE, 0);
	arrives(&s, FIN | ACK, .seq = 1, .ack = 2);
	expect_sent(&s, ACK, .seq = 2, .ack = 2);
	expect_timer(&s, TIMER_TIME_WAIT, 60000);
	passes(&s, 59999);
	expect_state(&s, STATE_TIME_WAIT);
	passes(&s, 1);
	expect_state(&s, STATE_CLOSED);
	expect_nothing_sent(&s);
	expect_error(&s, ERROR_NONE);
}

TEST(active_close_works_across_the_wrap_of_both_numbers)
{
	start(&s);
	s.open.iss = 0xfffffffe;	/* FIN at 0xffffffff */
	s.peer_iss = 0xfffffffe;
	established(&s);
	user_close(&s);
	expect_sent(&s, FIN | ACK, .seq = 1, .ack = 1);
	arrives(&s, ACK, .seq = 1, .ack = 1);
	expect_state(&s, STATE_FIN_WAIT_1);
	arrives(&s, ACK, .seq = 1, .ack = 2);
	expect_state(&s, STATE_FIN_WAIT_2);
	arrives(&s, FIN | ACK, .seq = 1, .ack = 2);
	expect_sent(&s, ACK, .seq = 2, .ack = 2);
	expect_state(&s, STATE_TIME_WAIT);
}

TEST(fin_that_acks_our_fin_goes_straight_to_time_wait)
{
	start(&s);
	reach(&s, STATE_FIN_WAIT_1);
	arrives(&s, FIN | ACK, .seq = 1, .ack = 2);
	expect_sent(&s, ACK, .seq = 2, .ack = 2);
	expect_state(&s, STATE_TIME_WAIT);
	expect_timer(&s, TIMER_TIME_WAIT, 60000);
}

TEST(simultaneous_close_goes_through_closing_and_starts_2msl)
{
	start(&s);
	established(&s);
	expect_path(&s, STATE_FIN_WAIT_1, STATE_CLOSING, STATE_TIME_WAIT,
		    STATE_CLOSED);
	user_close(&s);
	expect_sent(&s, FIN | ACK, .seq = 1, .ack = 1);
	arrives(&s, FIN | ACK, .seq = 1, .ack = 1);
	expect_sent(&s, ACK, .seq = 2, .ack = 2);
	expect_state(&s, STATE_CLOSING);
	passes(&s, 50);
	arrives(&s, ACK, .seq = 2, .ack = 2);
	expect_nothing_sent(&s);
	expect_timer(&s, TIMER_TIME_WAIT, 60000);
	passes(&s, 60000);
	expect_state(&s, STATE_CLOSED);
}

TEST(ack_that_does_not_cover_our_fin_keeps_fin_wait_1)
{
	start(&s);
	established(&s);
	user_send(&s, 100);
	ignore_sent(&s);
	user_close(&s);
	expect_sent(&s, FIN | ACK, .seq = 101, .ack = 1);
	arrives(&s, ACK, .seq = 1, .ack = 101);
	expect_state(&s, STATE_FIN_WAIT_1);
	arrives(&s, ACK, .seq = 1, .ack = 102);
	expect_state(&s, STATE_FIN_WAIT_2);
}

TEST(ack_that_does_not_cover_our_fin_keeps_closing)
{
	start(&s);
	established(&s);
	user_send(&s, 100);
	ignore_sent(&s);
	user_close(&s);
	ignore_sent(&s);
	arrives(&s, FIN | ACK, .seq = 1, .ack = 1);
	expect_sent(&s, ACK, .seq = 102, .ack = 2);
	arrives(&s, ACK, .seq = 2, .ack = 101);
	expect_state(&s, STATE_CLOSING);
	EXPECT_EQ(TIMER_RETRANSMIT, s.tcb.timer);
	arrives(&s, ACK, .seq = 2, .ack = 102);
	expect_state(&s, STATE_TIME_WAIT);
}

TEST(fin_of_the_peer_in_fin_wait_1_that_acks_only_text_leads_to_closing)
{
	start(&s);
	established(&s);
	user_send(&s, 100);
	ignore_sent(&s);
	user_close(&s);
	ignore_sent(&s);
	arrives(&s, FIN | ACK, .seq = 1, .ack = 101);
	expect_sent(&s, ACK, .seq = 102, .ack = 2);
	expect_moves(&s, STATE_CLOSING);
}

TEST(close_sends_all_that_is_queued_and_then_the_fin)
{
	start(&s);
	established(&s);
	user_send(&s, 12500);
	ignore_sent(&s);	/* ten segments, as much as cwnd lets go */
	user_close(&s);
	expect_nothing_sent(&s);
	expect_state(&s, STATE_FIN_WAIT_1);
	arrives(&s, ACK, .seq = 1, .ack = 10001);
	expect_sent(&s, ACK, .seq = 10001, .ack = 1, .len = MSS);
	expect_sent(&s, ACK, .seq = 11001, .ack = 1, .len = MSS);
	expect_sent(&s, FIN | PSH | ACK, .seq = 12001, .ack = 1, .len = 500);
	arrives(&s, ACK, .seq = 1, .ack = 12501);
	expect_state(&s, STATE_FIN_WAIT_1);
	arrives(&s, ACK, .seq = 1, .ack = 12502);
	expect_state(&s, STATE_FIN_WAIT_2);
}

TEST(close_twice_sends_one_fin)
{
	start(&s);
	reach(&s, STATE_FIN_WAIT_1);
	user_close(&s);
	expect_nothing_sent(&s);
	expect_no_move(&s);
	arrives(&s, ACK, .seq = 1, .ack = 2);
	user_close(&s);
	expect_nothing_sent(&s);
	expect_state(&s, STATE_FIN_WAIT_2);
}

TEST(fin_is_retransmitted_with_the_same_number)
{
	start(&s);
	established(&s);
	user_close(&s);
	expect_sent(&s, FIN | ACK, .seq = 1, .ack = 1);
	passes(&s, RTO);
	expect_sent(&s, FIN | ACK, .seq = 1, .ack = 1);
	passes(&s, 2 * RTO);
	expect_sent(&s, FIN | ACK, .seq = 1, .ack = 1);
	arrives(&s, ACK, .seq = 1, .ack = 2);
	expect_state(&s, STATE_FIN_WAIT_2);
}

TEST(fin_with_text_is_retransmitted_as_it_was)
{
	start(&s);
	established(&s);
	user_send(&s, 100);
	expect_sent(&s, PSH | ACK, .seq = 1, .ack = 1, .len = 100);
	user_close(&s);
	expect_sent(&s, FIN | ACK, .seq = 101, .ack = 1);
	passes(&s, RTO);
	/* RFC 1122, 4.2.2.15, allows to put both into one segment. */
	expect_sent(&s, FIN | PSH | ACK, .seq = 1, .ack = 1, .len = 100);
	arrives(&s, ACK, .seq = 1, .ack = 102);
	expect_state(&s, STATE_FIN_WAIT_2);
}

TEST(fin_that_is_never_acked_ends_the_connection)
{
	start(&s);
	established(&s);
	user_exits(&s);
	expect_sent(&s, FIN | ACK, .seq = 1, .ack = 1);
	s.relaxed = true;
	/* 300, 600, ... 9600: six retransmissions; then the last wait */
	passes(&s, 300 * 127 - 1);
	expect_state(&s, STATE_FIN_WAIT_1);
	passes(&s, 1);
	expect_state(&s, STATE_CLOSED);
	expect_error(&s, ERROR_TIMED_OUT);
}

TEST(text_after_the_fin_of_ours_still_flows_to_us)
{
	start(&s);
	reach(&s, STATE_FIN_WAIT_1);
	arrives(&s, PSH | ACK, .seq = 1, .ack = 1, .len = 100);
	expect_delivered(&s, 100);
	passes(&s, 40);
	expect_sent(&s, ACK, .seq = 2, .ack = 101);
	arrives(&s, PSH | ACK, .seq = 101, .ack = 2, .len = 100);
	expect_state(&s, STATE_FIN_WAIT_2);
	passes(&s, 40);
	expect_sent(&s, ACK, .seq = 2, .ack = 201);
	expect_delivered(&s, 200);
	arrives(&s, FIN | ACK, .seq = 201, .ack = 2, .len = 50);
	expect_sent(&s, ACK, .seq = 2, .ack = 252);
	expect_delivered(&s, 250);
	expect_state(&s, STATE_TIME_WAIT);
}

TEST(fin_wait_2_has_no_bound_while_somebody_reads)
{
	start(&s);
	reach(&s, STATE_FIN_WAIT_2);
	passes(&s, 3600 * 1000);
	expect_state(&s, STATE_FIN_WAIT_2);
	expect_nothing_sent(&s);
}

TEST(fin_wait_2_ends_after_a_time_when_nobody_reads)
{
	start(&s);
	established(&s);
	user_exits(&s);
	expect_sent(&s, FIN | ACK, .seq = 1, .ack = 1);
	arrives(&s, ACK, .seq = 1, .ack = 2);
	expect_timer(&s, TIMER_FIN_WAIT_2, 50000);
	passes(&s, 49999);
	expect_state(&s, STATE_FIN_WAIT_2);
	passes(&s, 1);
	expect_moves(&s, STATE_CLOSED);
	expect_nothing_sent(&s);
	expect_error(&s, ERROR_NONE);
}

TEST(fin_wait_2_becomes_bounded_when_the_reader_leaves)
{
	start(&s);
	reach(&s, STATE_FIN_WAIT_2);
	passes(&s, 1000000);
	scenario_stop_receiving(HERE(&s));
	expect_timer(&s, TIMER_FIN_WAIT_2, 50000);
	arrives(&s, FIN | ACK, .seq = 1, .ack = 2);
	expect_sent(&s, ACK, .seq = 2, .ack = 2);
	expect_timer(&s, TIMER_TIME_WAIT, 60000);
}

/* 3.6.1: "SHOULD send a RST to show that data was lost" (SHLD-3) */
TEST(text_after_the_reader_has_left_is_answered_by_a_rst)
{
	start(&s);
	established(&s);
	user_exits(&s);
	expect_sent(&s, FIN | ACK, .seq = 1, .ack = 1);
	arrives(&s, ACK, .seq = 1, .ack = 2, .len = 10);
	expect_sent(&s, RST, .seq = 2);
	expect_state(&s, STATE_CLOSED);
	expect_drop(&s, DROP_TEXT_AFTER_CLOSE);
}

TEST(old_text_after_the_reader_has_left_is_only_acknowledged)
{
	start(&s);
	established(&s);
	arrives(&s, ACK, .seq = 1, .ack = 1, .len = 10);
	passes(&s, 40);
	expect_sent(&s, ACK, .seq = 1, .ack = 11);
	user_exits(&s);
	expect_sent(&s, FIN | ACK, .seq = 1, .ack = 11);
	arrives(&s, ACK, .seq = 1, .ack = 1, .len = 10);
	expect_sent(&s, ACK, .seq = 2, .ack = 11);
	expect_state(&s, STATE_FIN_WAIT_1);
}

/* ------------------------------------------------------ the peer closes first */

TEST(passive_close_goes_through_close_wait_and_last_ack)
{
	start(&s);
	established(&s);
	expect_path(&s, STATE_CLOSE_WAIT, STATE_LAST_ACK, STATE_CLOSED);
	arrives(&s, FIN | ACK, .seq = 1, .ack = 1);
	expect_state(&s, STATE_CLOSE_WAIT);
	EXPECT_TRUE(s.told & TELL_PEER_DONE);
	passes(&s, 40);
	expect_sent(&s, ACK, .seq = 1, .ack = 2);
	user_close(&s);
	expect_sent(&s, FIN | ACK, .seq = 1, .ack = 2);
	expect_state(&s, STATE_LAST_ACK);
	arrives(&s, ACK, .seq = 2, .ack = 2);
	expect_nothing_sent(&s);
	expect_state(&s, STATE_CLOSED);
	expect_error(&s, ERROR_NONE);
}

TEST(ack_of_the_peers_fin_rides_on_our_own_fin)
{
	start(&s);
	established(&s);
	arrives(&s, FIN | ACK, .seq = 1, .ack = 1);
	expect_nothing_sent(&s);
	passes(&s, 10);
	user_close(&s);
	expect_sent(&s, FIN | ACK, .seq = 1, .ack = 2);
	passes(&s, 100);
	expect_nothing_sent(&s);	/* there is no second ACK */
}

TEST(ack_that_does_not_cover_our_fin_keeps_last_ack)
{
	start(&s);
	established(&s);
	arrives(&s, FIN | ACK, .seq = 1, .ack = 1);
	user_send(&s, 100);
	expect_sent(&s, PSH | ACK, .seq = 1, .ack = 2, .len = 100);
	user_close(&s);
	expect_sent(&s, FIN | ACK, .seq = 101, .ack = 2);
	arrives(&s, ACK, .seq = 2, .ack = 101);
	expect_state(&s, STATE_LAST_ACK);
	arrives(&s, ACK, .seq = 2, .ack = 102);
	expect_state(&s, STATE_CLOSED);
}

TEST(last_ack_sends_its_fin_again_and_gives_up_in_the_end)
{
	start(&s);
	reach(&s, STATE_LAST_ACK);
	passes(&s, RTO);
	expect_sent(&s, FIN | ACK, .seq = 1, .ack = 2);
	s.relaxed = true;
	passes(&s, 3600 * 1000);
	expect_state(&s, STATE_CLOSED);
	expect_error(&s, ERROR_TIMED_OUT);
}

TEST(half_closed_connection_still_sends)
{
	start(&s);
	reach(&s, STATE_CLOSE_WAIT);
	user_send(&s, 2500);
	expect_sent(&s, ACK, .seq = 1, .ack = 2, .len = MSS);
	expect_sent(&s, ACK, .seq = 1001, .ack = 2, .len = MSS);
	expect_sent(&s, PSH | ACK, .seq = 2001, .ack = 2, .len = 500);
	passes(&s, RTO);
	expect_sent(&s, ACK, .seq = 1, .ack = 2, .len = MSS);
	arrives(&s, ACK, .seq = 2, .ack = 2501);
	expect_state(&s, STATE_CLOSE_WAIT);
	user_close(&s);
	expect_sent(&s, FIN | ACK, .seq = 2501, .ack = 2);
}

TEST(fin_with_text_delivers_the_text_first)
{
	start(&s);
	established(&s);
	arrives(&s, FIN | PSH | ACK, .seq = 1, .ack = 1, .len = 100);
	expect_delivered(&s, 100);
	expect_state(&s, STATE_CLOSE_WAIT);
	EXPECT_TRUE(s.actions.tell & TELL_PEER_DONE);
	EXPECT_TRUE(s.actions.tell & TELL_READABLE);
	passes(&s, 40);
	expect_sent(&s, ACK, .seq = 1, .ack = 102);
}

TEST(fin_before_its_turn_waits_for_the_text_before_it)
{
	start(&s);
	established(&s);
	arrives(&s, FIN | ACK, .seq = 101, .ack = 1, .len = 50);
	expect_sent(&s, ACK, .seq = 1, .ack = 1);
	expect_state(&s, STATE_ESTABLISHED);
	EXPECT_FALSE(s.told & TELL_PEER_DONE);
	arrives(&s, ACK, .seq = 1, .ack = 1, .len = 100);
	expect_moves(&s, STATE_CLOSE_WAIT);
	expect_sent(&s, ACK, .seq = 1, .ack = 152);
	expect_delivered(&s, 150);
}

TEST(bare_fin_before_its_turn_waits_too)
{
	start(&s);
	established(&s);
	arrives(&s, FIN | ACK, .seq = 101, .ack = 1);
	expect_state(&s, STATE_ESTABLISHED);
	ignore_sent(&s);
	arrives(&s, ACK, .seq = 1, .ack = 1, .len = 100);
	expect_moves(&s, STATE_CLOSE_WAIT);
	expect_delivered(&s, 100);
}

/*
 * RFC 5681, 4.2: "a receiver SHOULD send an immediate duplicate ACK when an
 * out-of-order segment arrives". A FIN is one, too.
 */
TEST(bare_fin_before_its_turn_is_answered_by_an_ack)
{
	start(&s);
	established(&s);
	arrives(&s, FIN | ACK, .seq = 101, .ack = 1);
	expect_sent(&s, ACK, .seq = 1, .ack = 1);
}

/* Or two peers that both wait for the text before a FIN would never rest. */
TEST(plain_ack_is_not_answered_while_a_fin_waits_for_its_turn)
{
	start(&s);
	established(&s);
	arrives(&s, FIN | ACK, .seq = 101, .ack = 1);
	expect_sent(&s, ACK, .seq = 1, .ack = 1);
	arrives(&s, ACK, .seq = 1, .ack = 1);
	expect_nothing_sent(&s);
}

TEST(text_beyond_a_fin_that_has_arrived_is_not_taken)
{
	start(&s);
	established(&s);
	arrives(&s, FIN | ACK, .seq = 101, .ack = 1);
	ignore_sent(&s);
	arrives(&s, ACK, .seq = 1, .ack = 1, .len = 500);
	expect_delivered(&s, 100);
	expect_state(&s, STATE_CLOSE_WAIT);
	ignore_sent(&s);
}

TEST(text_after_the_peers_fin_is_ignored)
{
	start(&s);
	reach(&s, STATE_CLOSE_WAIT);
	arrives(&s, ACK, .seq = 2, .ack = 1, .len = 100);
	expect_delivered(&s, 0);
	expect_drop(&s, DROP_TEXT_AFTER_FIN);
	expect_state(&s, STATE_CLOSE_WAIT);
	ignore_sent(&s);
}

TEST(fin_that_comes_again_in_close_wait_is_acknowledged_each_time)
{
	int i;

	start(&s);
	reach(&s, STATE_CLOSE_WAIT);
	for (i = 0; i < 3; i++) {
		passes(&s, 200);
		arrives(&s, FIN | ACK, .seq = 1, .ack = 1);
		expect_sent(&s, ACK, .seq = 1, .ack = 2);
		expect_no_move(&s);
	}
}

/* --------------------------------------------------------------- TIME-WAIT */

/* 3.10.7.4: "Acknowledge it, and restart the 2 MSL timeout" */
static void fin_comes_again_in_time_wait(void)
{
	reach(&s, STATE_TIME_WAIT);
	passes(&s, 30000);
	arrives(&s, FIN | ACK, .seq = 1, .ack = 2);
	expect_sent(&s, ACK, .seq = 2, .ack = 2);
	expect_timer(&s, TIMER_TIME_WAIT, 60000);
	passes(&s, 59000);
	expect_state(&s, STATE_TIME_WAIT);
	arrives(&s, FIN | ACK, .seq = 1, .ack = 2);
	expect_sent(&s, ACK, .seq = 2, .ack = 2);
	passes(&s, 60000);
	expect_state(&s, STATE_CLOSED);
}

TEST(fin_that_comes_again_in_time_wait_is_acked_and_restarts_2msl)
{
	start(&s);
	fin_comes_again_in_time_wait();
}

TEST(small_entry_in_time_wait_does_the_same)
{
	start(&s);
	s.time_wait_entry = true;
	fin_comes_again_in_time_wait();
}

/* The peer's retransmissions begin a few hundred milliseconds apart. */
TEST(fin_that_comes_again_soon_in_time_wait_is_acked_each_time)
{
	start(&s);
	reach(&s, STATE_TIME_WAIT);
	passes(&s, 200);
	arrives(&s, FIN | ACK, .seq = 1, .ack = 2);
	expect_sent(&s, ACK, .seq = 2, .ack = 2);
	passes(&s, 400);
	arrives(&s, FIN | ACK, .seq = 1, .ack = 2);
	expect_sent(&s, ACK, .seq = 2, .ack = 2);
}

TEST(fin_with_text_that_comes_again_in_time_wait_is_acked)
{
	start(&s);
	established(&s);
	user_close(&s);
	ignore_sent(&s);
	arrives(&s, FIN | ACK, .seq = 1, .ack = 2, .len = 100);
	expect_sent(&s, ACK, .seq = 2, .ack = 102);
	passes(&s, 1000);
	arrives(&s, FIN | ACK, .seq = 1, .ack = 2, .len = 100);
	expect_sent(&s, ACK, .seq = 2, .ack = 102);
	expect_timer(&s, TIMER_TIME_WAIT, 60000);
}

TEST(plain_ack_in_time_wait_changes_nothing)
{
	start(&s);
	reach(&s, STATE_TIME_WAIT);
	passes(&s, 1000);
	arrives(&s, ACK, .seq = 2, .ack = 2);
	expect_nothing_sent(&s);
	expect_timer(&s, TIMER_TIME_WAIT, 59000);
}

TEST(old_text_in_time_wait_is_acked_without_restarting_2msl)
{
	start(&s);
	established(&s);
	arrives(&s, ACK, .seq = 1, .ack = 1, .len = 100);
	user_close(&s);
	ignore_sent(&s);
	arrives(&s, FIN | ACK, .seq = 101, .ack = 2);
	ignore_sent(&s);
	passes(&s, 1000);
	arrives(&s, ACK, .seq = 1, .ack = 2, .len = 100);
	expect_sent(&s, ACK, .seq = 2, .ack = 102);
	expect_timer(&s, TIMER_TIME_WAIT, 59000);
}

/* RFC 1337: TIME-WAIT assassination */
TEST(rst_in_time_wait_is_ignored)
{
	start(&s);
	reach(&s, STATE_TIME_WAIT);
	passes(&s, 1000);
	arrives(&s, RST, .seq = 2);
	expect_nothing_sent(&s);
	expect_no_move(&s);
	expect_drop(&s, DROP_RST_TIME_WAIT);
	expect_timer(&s, TIMER_TIME_WAIT, 59000);
}

/* As in RFC 9293: "enter the CLOSED state" */
TEST(rst_in_time_wait_closes_when_the_protection_is_off)
{
	start(&s);
	s.params.protect_time_wait = 0;
	reach(&s, STATE_TIME_WAIT);
	arrives(&s, RST, .seq = 3);
	expect_state(&s, STATE_TIME_WAIT);
	ignore_sent(&s);
	arrives(&s, RST, .seq = 2);
	expect_moves(&s, STATE_CLOSED);
	expect_nothing_sent(&s);
	expect_error(&s, ERROR_NONE);
}

/* 3.6.1, MAY-2 */
static void new_syn_in_time_wait(bool small_entry)
{
	start(&s);
	s.time_wait_entry = small_entry;
	reach(&s, STATE_TIME_WAIT);
	s.env.iss = s.open.iss + 1000;
	arrives(&s, SYN, .seq = 1000);
	expect_moves(&s, STATE_CLOSED);
	expect_nothing_sent(&s);
}

TEST(new_syn_reopens_time_wait)
{
	new_syn_in_time_wait(false);
	EXPECT_EQ(VERDICT_REOPEN, s.actions.verdict);
	new_syn_in_time_wait(true);
	EXPECT_EQ(VERDICT_REOPEN, s.actions.verdict);
}

TEST(syn_with_an_old_number_does_not_reopen_time_wait)
{
	start(&s);
	reach(&s, STATE_TIME_WAIT);
	s.env.iss = s.open.iss + 1000;
	arrives(&s, SYN, .seq = (u32)-1000);
	EXPECT_EQ(VERDICT_DONE, s.actions.verdict);
	expect_sent(&s, ACK, .seq = 2, .ack = 2);
	/* Its very own SYN, delayed in the network. */
	passes(&s, 1000);
	arrives(&s, SYN, .seq = 0);
	EXPECT_EQ(VERDICT_DONE, s.actions.verdict);
	expect_sent(&s, ACK, .seq = 2, .ack = 2);
	expect_state(&s, STATE_TIME_WAIT);
	expect_timer(&s, TIMER_TIME_WAIT, 59000);
}

/* Else whoever sends a SYN could end TIME-WAIT before its time (RFC 1337). */
TEST(new_syn_does_not_end_time_wait_if_nobody_listens)
{
	start(&s);
	reach(&s, STATE_TIME_WAIT);
	s.env.listening = false;
	arrives(&s, SYN, .seq = 1000);
	EXPECT_EQ(VERDICT_DONE, s.actions.verdict);
	expect_state(&s, STATE_TIME_WAIT);
	expect_sent(&s, ACK, .seq = 2, .ack = 2);
}

/* MUST-13: our own number has to be beyond the old connection's as well. */
TEST(new_connection_begins_beyond_the_numbers_of_the_old_one)
{
	start(&s);
	reach(&s, STATE_TIME_WAIT);
	s.env.iss = s.open.iss + 1000;
	arrives(&s, SYN, .seq = 1000);
	EXPECT_EQ(s.open.iss + 1000, s.actions.reopen_iss);

	start(&s);
	reach(&s, STATE_TIME_WAIT);
	s.env.iss = s.open.iss - 1000;
	arrives(&s, SYN, .seq = 1000);
	EXPECT_EQ(VERDICT_REOPEN, s.actions.verdict);
	EXPECT_EQ(s.open.iss + 2 + 65537, s.actions.reopen_iss);
}

TEST(only_a_plain_syn_reopens_time_wait)
{
	start(&s);
	reach(&s, STATE_TIME_WAIT);
	s.env.iss = s.open.iss + 1000;
	arrives(&s, SYN | ACK, .seq = 1000, .ack = 2);
	expect_state(&s, STATE_TIME_WAIT);
	ignore_sent(&s);
	arrives(&s, SYN | RST, .seq = 1000);
	expect_state(&s, STATE_TIME_WAIT);
	ignore_sent(&s);
	arrives(&s, ACK, .seq = 1000, .ack = 2);
	expect_state(&s, STATE_TIME_WAIT);
	ignore_sent(&s);
}

TEST(new_syn_reopens_time_wait_across_the_wrap)
{
	start(&s);
	s.open.iss = 0xfffffff0;
	s.peer_iss = 0xfffffff0;
	reach(&s, STATE_TIME_WAIT);
	s.env.iss = 500;
	arrives(&s, SYN, .seq = 1000);
	EXPECT_EQ(VERDICT_REOPEN, s.actions.verdict);
}

/* ------------------------------------------------------- CLOSE while opening */

TEST(close_in_listen_and_in_syn_sent_ends_at_once)
{
	start(&s);
	reach(&s, STATE_LISTEN);
	user_close(&s);
	expect_moves(&s, STATE_CLOSED);
	expect_nothing_sent(&s);

	start(&s);
	reach(&s, STATE_SYN_SENT);
	user_close(&s);
	expect_moves(&s, STATE_CLOSED);
	expect_nothing_sent(&s);
}

static void simultaneous_open(void)
{
	start(&s);
	reach(&s, STATE_SYN_SENT);
	arrives(&s, SYN, .seq = 0);
	ignore_sent(&s);
}

/* 3.10.4: "form a FIN segment and send it, and enter FIN-WAIT-1 state" */
TEST(close_in_syn_rcvd_sends_a_fin)
{
	simultaneous_open();
	expect_path(&s, STATE_FIN_WAIT_1, STATE_FIN_WAIT_2, STATE_TIME_WAIT);
	user_close(&s);
	expect_sent(&s, FIN | ACK, .seq = 1, .ack = 1);
	/* An ACK of the SYN only is not one of the FIN. */
	arrives(&s, ACK, .seq = 1, .ack = 1);
	expect_state(&s, STATE_FIN_WAIT_1);
	arrives(&s, ACK, .seq = 1, .ack = 2);
	expect_state(&s, STATE_FIN_WAIT_2);
	arrives(&s, FIN | ACK, .seq = 1, .ack = 2);
	expect_sent(&s, ACK, .seq = 2, .ack = 2);
	expect_state(&s, STATE_TIME_WAIT);
}

TEST(fin_sent_in_syn_rcvd_is_retransmitted_after_the_syn)
{
	simultaneous_open();
	user_close(&s);
	expect_sent(&s, FIN | ACK, .seq = 1, .ack = 1);
	passes(&s, 1000);
	expect_sent(&s, SYN | ACK, .seq = 0, .ack = 1);
	arrives(&s, ACK, .seq = 1, .ack = 1);
	expect_nothing_sent(&s);
	passes(&s, 3000);
	expect_sent(&s, FIN | ACK, .seq = 1, .ack = 1);
	ignore_sent(&s);
}

/* "otherwise, queue for processing after entering ESTABLISHED state" */
TEST(close_in_syn_rcvd_with_text_queued_waits_for_established)
{
	simultaneous_open();
	user_send(&s, 100);
	expect_nothing_sent(&s);
	user_close(&s);
	expect_nothing_sent(&s);
	expect_no_move(&s);
	arrives(&s, ACK, .seq = 1, .ack = 1);
	expect_moves(&s, STATE_ESTABLISHED, STATE_FIN_WAIT_1);
	expect_sent(&s, FIN | PSH | ACK, .seq = 1, .ack = 1, .len = 100);
}

/* ------------------------------------------------------------------- ABORT */

TEST(abort_sends_a_rst_where_the_peer_knows_the_connection)
{
	static const struct {
		u8 state;
		u32 seq;	/* SND.NXT */
	} cases[] = {
		{ STATE_SYN_RCVD, 1 },
		{ STATE_ESTABLISHED, 1 },
		{ STATE_FIN_WAIT_1, 2 },
		{ STATE_FIN_WAIT_2, 2 },
		{ STATE_CLOSE_WAIT, 1 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		start(&s);
		reach(&s, cases[i].state);
		user_abort(&s);
		expect_sent(&s, RST, .seq = cases[i].seq);
		expect_nothing_sent(&s);
		expect_moves(&s, STATE_CLOSED);
	}
}

TEST(abort_is_silent_where_a_rst_would_say_nothing)
{
	static const u8 states[] = {
		STATE_LISTEN, STATE_SYN_SENT, STATE_CLOSING, STATE_LAST_ACK,
		STATE_TIME_WAIT,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(states); i++) {
		start(&s);
		reach(&s, states[i]);
		user_abort(&s);
		expect_nothing_sent(&s);
		expect_moves(&s, STATE_CLOSED);
	}
}

TEST(abort_with_text_queued_sends_only_the_rst)
{
	start(&s);
	established(&s);
	user_send(&s, 30000);
	ignore_sent(&s);
	user_abort(&s);
	/* SND.NXT: after the ten segments that went out. */
	expect_sent(&s, RST, .seq = 10001);
	expect_nothing_sent(&s);
}

TEST(abort_with_an_ack_pending_leaves_no_timer)
{
	start(&s);
	established(&s);
	arrives(&s, ACK, .seq = 1, .ack = 1, .len = 100);
	user_abort(&s);
	expect_sent(&s, RST, .seq = 1);
	passes(&s, 1000);
	expect_nothing_sent(&s);
}

TEST(abort_in_closed_does_nothing)
{
	start(&s);
	user_abort(&s);
	expect_nothing_sent(&s);
	expect_no_move(&s);
}

TEST_HARNESS_MAIN
