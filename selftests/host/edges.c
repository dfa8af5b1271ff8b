// SPDX-License-Identifier: GPL-2.0
/*
 * Edges: the last number that counts, and the first that does not; what is
 * dropped says nothing, not even what would be true.
 */

#include "kselftest_harness.h"

#include "libscenario.h"

static struct scenario s;

/* -------------------------------------------------------- the peer's numbers */

TEST(text_that_ends_before_the_window_is_dropped_with_its_ack)
{
	start(&s);
	established(&s);
	arrives(&s, ACK, .seq = 1, .ack = 1, .len = 100);
	user_send(&s, 100);
	ignore_sent(&s);
	arrives(&s, ACK, .seq = 1, .ack = 101, .len = 100);
	expect_drop(&s, DROP_SEQUENCE);
	EXPECT_EQ(s.open.iss + 1, s.tcb.snd_una);
	ignore_sent(&s);
	/* One octet more, and it reaches into the window. */
	arrives(&s, ACK, .seq = 1, .ack = 101, .len = 101);
	EXPECT_EQ(s.open.iss + 101, s.tcb.snd_una);
	ignore_sent(&s);
	expect_delivered(&s, 101);
}

/* It is where the ACKs of a peer stand that has filled the window. */
TEST(ack_at_the_right_edge_is_heard_and_none_beyond)
{
	start(&s);
	established(&s);
	user_send(&s, 100);
	ignore_sent(&s);
	arrives(&s, ACK, .seq = 50002, .ack = 51);
	expect_drop(&s, DROP_SEQUENCE);
	ignore_sent(&s);
	arrives(&s, ACK, .seq = 50001, .ack = 51);
	EXPECT_EQ(s.open.iss + 51, s.tcb.snd_una);
	expect_nothing_sent(&s);
}

TEST(only_the_next_number_is_heard_while_our_window_is_closed)
{
	start(&s);
	s.open.window = 1000;
	s.env.rcv_space = 1000;
	s.env.rcv_buffer = 1000;
	established(&s);
	arrives(&s, ACK, .seq = 1, .ack = 1, .len = 1000);
	user_send(&s, 100);
	ignore_sent(&s);
	arrives(&s, ACK, .seq = 1002, .ack = 101);
	expect_drop(&s, DROP_SEQUENCE);
	ignore_sent(&s);
	arrives(&s, ACK, .seq = 1000, .ack = 101);
	expect_drop(&s, DROP_SEQUENCE);
	EXPECT_EQ(s.open.iss + 1, s.tcb.snd_una);
	ignore_sent(&s);
	arrives(&s, ACK, .seq = 1001, .ack = 101);
	EXPECT_EQ(s.open.iss + 101, s.tcb.snd_una);
}

TEST(fin_takes_one_from_the_window)
{
	start(&s);
	established(&s);
	passes(&s, 1000);
	arrives(&s, FIN | ACK, .seq = 1, .ack = 1);
	passes(&s, s.params.delayed_ack);
	expect_sent(&s, ACK, .seq = 1, .ack = 2, .window = 49999);
}

TEST(text_beyond_a_fin_that_waits_is_answered)
{
	start(&s);
	established(&s);
	arrives(&s, FIN | ACK, .seq = 101, .ack = 1);
	expect_sent(&s, ACK, .seq = 1, .ack = 1);
	arrives(&s, ACK, .seq = 102, .ack = 1, .len = 100);
	expect_sent(&s, ACK, .seq = 1, .ack = 1);
	expect_drop(&s, DROP_TEXT_DUPLICATE);
	expect_delivered(&s, 0);
}

TEST(second_fin_beyond_the_first_is_answered)
{
	start(&s);
	reach(&s, STATE_CLOSE_WAIT);
	passes(&s, 1000);
	ignore_sent(&s);
	arrives(&s, FIN | ACK, .seq = 2, .ack = 1);
	expect_sent(&s, ACK, .seq = 1, .ack = 2);
	expect_state(&s, STATE_CLOSE_WAIT);
}

/* ------------------------------------------------------ acknowledgments */

TEST(ack_of_the_syn_must_be_exact_even_after_close)
{
	start(&s);
	reach(&s, STATE_SYN_SENT);
	arrives(&s, SYN, .seq = 0);
	ignore_sent(&s);
	user_close(&s);
	ignore_sent(&s);
	arrives(&s, ACK, .seq = 1, .ack = 0);
	expect_sent(&s, RST, .seq = 0);
	expect_drop(&s, DROP_ACK_SYN_RCVD);
	arrives(&s, ACK, .seq = 1, .ack = 3);
	expect_sent(&s, RST, .seq = 3);
	expect_drop(&s, DROP_ACK_SYN_RCVD);
	expect_state(&s, STATE_FIN_WAIT_1);
}

TEST(syn_ack_in_syn_rcvd_of_a_listener_is_only_answered)
{
	start(&s);
	reach(&s, STATE_SYN_RCVD);
	passes(&s, 100);
	arrives(&s, SYN | ACK, .seq = 0, .ack = 1);
	expect_sent(&s, ACK, .seq = 1, .ack = 1);
	expect_drop(&s, DROP_SEQUENCE);
	EXPECT_EQ(VERDICT_DONE, s.actions.verdict);
	expect_state(&s, STATE_SYN_RCVD);
}

TEST(syn_ack_that_comes_again_does_not_open_the_window)
{
	start(&s);
	s.peer_window = 100;
	established(&s);
	user_send(&s, 1000);
	expect_sent(&s, ACK, .seq = 1, .ack = 1, .len = 100);
	arrives(&s, SYN | ACK, .seq = 0, .ack = 1, .window = 50000);
	expect_sent(&s, ACK, .seq = 101, .ack = 1);
	expect_nothing_sent(&s);
	EXPECT_EQ(100, s.tcb.snd_wnd);
}

TEST(window_of_an_old_ack_is_not_taken)
{
	start(&s);
	established(&s);
	user_send(&s, 200);
	ignore_sent(&s);
	arrives(&s, ACK, .seq = 1, .ack = 101, .window = 10000);
	arrives(&s, ACK, .seq = 1, .ack = 51, .len = 10, .window = 20000);
	EXPECT_EQ(10000, s.tcb.snd_wnd);
	arrives(&s, ACK, .seq = 11, .ack = 51, .len = 10, .window = 20000);
	EXPECT_EQ(10000, s.tcb.snd_wnd);
	arrives(&s, ACK, .seq = 21, .ack = 101, .len = 10, .window = 20000);
	EXPECT_EQ(20000, s.tcb.snd_wnd);
	ignore_sent(&s);
}

/* ---------------------------------------------------------------- TIME-WAIT */

TEST(fin_that_is_not_the_last_number_does_not_restart_2msl)
{
	static const u32 numbers[] = { 0, (u32)-1000 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(numbers); i++) {
		start(&s);
		reach(&s, STATE_TIME_WAIT);
		passes(&s, 1000);
		arrives(&s, FIN | ACK, .seq = numbers[i], .ack = 2);
		expect_sent(&s, ACK, .seq = 2, .ack = 2);
		expect_timer(&s, TIMER_TIME_WAIT, 59000);
	}
}

TEST(syn_reopens_time_wait_only_beyond_the_next_number)
{
	start(&s);
	reach(&s, STATE_TIME_WAIT);
	s.env.iss = s.open.iss + 1000;
	arrives(&s, SYN, .seq = 2);
	EXPECT_EQ(VERDICT_DONE, s.actions.verdict);
	expect_state(&s, STATE_TIME_WAIT);
	ignore_sent(&s);
	arrives(&s, SYN, .seq = 3);
	EXPECT_EQ(VERDICT_REOPEN, s.actions.verdict);
}

/* ------------------------------------------------------------------- timing */

TEST(round_trip_ends_with_the_last_octet_that_is_timed)
{
	start(&s);
	established(&s);
	user_send(&s, 100);
	ignore_sent(&s);
	passes(&s, 50);
	arrives(&s, ACK, .seq = 1, .ack = 100);
	EXPECT_TRUE(s.conn->timing);
	arrives(&s, ACK, .seq = 1, .ack = 101);
	EXPECT_FALSE(s.conn->timing);
}

TEST_HARNESS_MAIN
