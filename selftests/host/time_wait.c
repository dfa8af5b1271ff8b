// SPDX-License-Identifier: GPL-2.0
/* TIME-WAIT, and what ends it (RFC 9293, 3.6.1; RFC 1337; RFC 6191). */

#include "kselftest_harness.h"

#include "libscenario.h"

static struct scenario s;

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

TEST_HARNESS_MAIN
