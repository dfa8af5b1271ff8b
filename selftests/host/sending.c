// SPDX-License-Identifier: GPL-2.0
/* Text to send, the peer's window, Nagle (RFC 9293, 3.7.4, 3.8.6.1, 3.8.6.2.1). */

#include "kselftest_harness.h"

#include "libscenario.h"

static struct scenario s;

/* --------------------------------------------------------- the peer's window */

TEST(text_does_not_go_beyond_the_peers_window)
{
	start(&s);
	s.peer_window = 2500;
	established(&s);
	user_send(&s, 10000);
	expect_sent(&s, ACK, .seq = 1, .ack = 1, .len = MSS);
	expect_sent(&s, ACK, .seq = 1001, .ack = 1, .len = MSS);
	expect_nothing_sent(&s);	/* 500: silly */
	arrives(&s, ACK, .seq = 1, .ack = 1001, .window = 2500);
	expect_sent(&s, ACK, .seq = 2001, .ack = 1, .len = MSS);
	expect_nothing_sent(&s);
}

TEST(fin_does_not_go_beyond_the_peers_window)
{
	start(&s);
	s.peer_window = 1000;
	established(&s);
	user_send(&s, 1000);
	expect_sent(&s, PSH | ACK, .seq = 1, .ack = 1, .len = MSS);
	user_close(&s);
	expect_nothing_sent(&s);
	arrives(&s, ACK, .seq = 1, .ack = 1001);
	expect_sent(&s, FIN | ACK, .seq = 1001, .ack = 1);
}

/* 3.8.6.1: MUST-35, MUST-36, SHLD-29, SHLD-30 */
TEST(closed_window_is_probed_with_one_octet_ever_more_rarely)
{
	u32 i, wait = RTO;

	start(&s);
	established(&s);
	arrives(&s, ACK, .seq = 1, .ack = 1, .window = ZERO_WINDOW);
	user_send(&s, 5000);
	expect_nothing_sent(&s);
	for (i = 0; i < 5; i++) {
		expect_timer(&s, TIMER_PERSIST, wait);
		passes(&s, wait - 1);
		expect_nothing_sent(&s);
		passes(&s, 1);
		expect_sent(&s, ACK, .seq = 1, .ack = 1, .len = 1);
		arrives(&s, ACK, .seq = 1, .ack = 1, .window = ZERO_WINDOW);
		expect_nothing_sent(&s);
		wait *= 2;
	}
	arrives(&s, ACK, .seq = 1, .ack = 1, .window = 2000);
	expect_sent(&s, ACK, .seq = 1, .ack = 1, .len = 1);
	ignore_sent(&s);
}

/* MUST-37: "MUST allow the connection to stay open" while it answers */
TEST(peer_that_answers_probes_keeps_the_connection)
{
	int i;

	start(&s);
	s.params.rto_max = 5000;
	established(&s);
	arrives(&s, ACK, .seq = 1, .ack = 1, .window = ZERO_WINDOW);
	user_send(&s, 5000);
	s.relaxed = true;
	for (i = 0; i < 100; i++) {
		passes(&s, 5000);
		arrives(&s, ACK, .seq = 1, .ack = 1, .window = ZERO_WINDOW);
	}
	expect_state(&s, STATE_ESTABLISHED);
	/* When it falls silent, patience ends. */
	passes(&s, 11 * 5000);
	expect_state(&s, STATE_CLOSED);
	expect_error(&s, ERROR_TIMED_OUT);
}

TEST(text_flows_on_when_the_window_opens)
{
	start(&s);
	established(&s);
	arrives(&s, ACK, .seq = 1, .ack = 1, .window = ZERO_WINDOW);
	user_send(&s, 3000);
	passes(&s, RTO);
	expect_sent(&s, ACK, .seq = 1, .ack = 1, .len = 1);
	/* The octet of the probe was taken, and there is room for more. */
	arrives(&s, ACK, .seq = 1, .ack = 2, .window = 4000);
	expect_sent(&s, ACK, .seq = 2, .ack = 1, .len = MSS);
	expect_sent(&s, ACK, .seq = 1002, .ack = 1, .len = MSS);
	expect_sent(&s, PSH | ACK, .seq = 2002, .ack = 1, .len = 999);
	EXPECT_EQ(TIMER_RETRANSMIT, s.tcb.timer);
}

TEST(fin_is_probed_into_a_closed_window)
{
	start(&s);
	established(&s);
	arrives(&s, ACK, .seq = 1, .ack = 1, .window = ZERO_WINDOW);
	user_close(&s);
	expect_nothing_sent(&s);
	expect_timer(&s, TIMER_PERSIST, RTO);
	passes(&s, RTO);
	expect_sent(&s, FIN | ACK, .seq = 1, .ack = 1);
	arrives(&s, ACK, .seq = 1, .ack = 2, .window = ZERO_WINDOW);
	expect_state(&s, STATE_FIN_WAIT_2);
}

TEST(window_that_closes_with_text_in_flight_is_probed)
{
	start(&s);
	established(&s);
	user_send(&s, 2000);
	ignore_sent(&s);
	arrives(&s, ACK, .seq = 1, .ack = 1001, .window = ZERO_WINDOW);
	expect_nothing_sent(&s);
	s.relaxed = true;
	passes(&s, 1000);
	s.relaxed = false;
	expect_state(&s, STATE_ESTABLISHED);
	EXPECT_EQ(TIMER_PERSIST, s.tcb.timer);
	ignore_sent(&s);
	arrives(&s, ACK, .seq = 1, .ack = 1001, .window = 5000);
	expect_sent(&s, PSH | ACK, .seq = 1001, .ack = 1, .len = MSS);
	arrives(&s, ACK, .seq = 1, .ack = 2001);
	expect_timer(&s, TIMER_NONE, 0);
}

/* 3.8.6: "a sender MUST be robust against window shrinking" (MUST-34) */
TEST(window_that_shrinks_behind_snd_nxt_does_no_harm)
{
	start(&s);
	established(&s);
	user_send(&s, 10000);
	ignore_sent(&s);
	arrives(&s, ACK, .seq = 1, .ack = 1001, .window = 2000);
	expect_nothing_sent(&s);
	EXPECT_EQ(10000, s.tcb.snd_nxt - s.tcb.iss - 1);
	/* SHLD-16: retransmit what lies in the window */
	passes(&s, 400);
	expect_sent(&s, ACK, .seq = 1001, .ack = 1, .len = MSS);
	/* SHLD-17: what was sent before the window shrank may still be ACKed */
	arrives(&s, ACK, .seq = 1, .ack = 10001, .window = 2000);
	expect_nothing_sent(&s);
	expect_timer(&s, TIMER_NONE, 0);
}

/* 3.8.6.2.1, MUST-38: no silly segments; the override timer comes at last */
TEST(small_window_of_a_large_peer_is_not_filled_at_once)
{
	start(&s);
	established(&s);
	arrives(&s, ACK, .seq = 1, .ack = 1, .window = 300);
	user_send(&s, 5000);
	expect_nothing_sent(&s);
	expect_timer(&s, TIMER_PERSIST, RTO);
	passes(&s, RTO);
	expect_sent(&s, ACK, .seq = 1, .ack = 1, .len = 300);
}

/* SHLD-30: a window that is not closed, but too small to be used. */
TEST(timeout_backs_off_while_a_small_window_is_probed)
{
	start(&s);
	established(&s);
	arrives(&s, ACK, .seq = 1, .ack = 1, .window = 100);
	user_send(&s, 5000);
	expect_nothing_sent(&s);
	expect_timer(&s, TIMER_PERSIST, RTO);
	passes(&s, RTO);
	expect_sent(&s, ACK, .seq = 1, .ack = 1, .len = 100);
	expect_timer(&s, TIMER_RETRANSMIT, 2 * RTO);
}

TEST(small_window_of_a_small_peer_is_filled_by_halves)
{
	start(&s);
	s.peer_window = 600;
	established(&s);
	user_send(&s, 5000);
	expect_sent(&s, ACK, .seq = 1, .ack = 1, .len = 600);
	arrives(&s, ACK, .seq = 1, .ack = 601, .window = 200);
	expect_nothing_sent(&s);
	arrives(&s, ACK, .seq = 1, .ack = 601, .window = 300);
	expect_sent(&s, ACK, .seq = 601, .ack = 1, .len = 300);
}

/* 3.10.7.4 fifth: "prevents using old segments to update the window" */
TEST(old_segment_does_not_bring_back_an_old_window)
{
	start(&s);
	established(&s);
	arrives(&s, ACK, .seq = 1, .ack = 1, .len = 100, .window = 3000);
	arrives(&s, ACK, .seq = 101, .ack = 1, .window = 2000);
	EXPECT_EQ(2000, s.tcb.snd_wnd);
	user_send(&s, 100);
	ignore_sent(&s);
	arrives(&s, ACK, .seq = 101, .ack = 101, .window = 1500);
	EXPECT_EQ(1500, s.tcb.snd_wnd);
	/* Old by SEG.ACK, then new. */
	arrives(&s, ACK, .seq = 101, .ack = 51, .window = 9000);
	EXPECT_EQ(1500, s.tcb.snd_wnd);
	arrives(&s, ACK, .seq = 101, .ack = 101, .window = 9000);
	EXPECT_EQ(9000, s.tcb.snd_wnd);
	ignore_sent(&s);
}

TEST(segment_that_was_overtaken_does_not_bring_back_an_old_window)
{
	start(&s);
	established(&s);
	arrives(&s, ACK, .seq = 101, .ack = 1, .len = 100, .window = 2000);
	ignore_sent(&s);
	EXPECT_EQ(2000, s.tcb.snd_wnd);
	arrives(&s, ACK, .seq = 1, .ack = 1, .len = 100, .window = 9000);
	expect_delivered(&s, 200);
	EXPECT_EQ(2000, s.tcb.snd_wnd);
	ignore_sent(&s);
}

TEST(scaled_window_lets_as_much_go_as_it_says)
{
	start(&s);
	user_connect(&s);
	ignore_sent(&s);
	arrives(&s, SYN | ACK, .seq = 0, .ack = 1, .window = 1000,
		.has_wscale = true, .wscale = 2);
	ignore_sent(&s);
	user_send(&s, 20000);
	/* The SYN's window is not scaled ... */
	expect_sent(&s, ACK, .seq = 1, .ack = 1, .len = MSS);
	expect_nothing_sent(&s);
	/* ... but this one is: 4000 */
	arrives(&s, ACK, .seq = 1, .ack = 1001, .window = 1000);
	expect_sent(&s, ACK, .seq = 1001, .ack = 1, .len = MSS);
	expect_sent(&s, ACK, .seq = 2001, .ack = 1, .len = MSS);
	expect_sent(&s, ACK, .seq = 3001, .ack = 1, .len = MSS);
	expect_sent(&s, ACK, .seq = 4001, .ack = 1, .len = MSS);
	expect_nothing_sent(&s);
}

/* ------------------------------------------------------------ when to send */

TEST(last_segment_of_what_is_queued_carries_psh)
{
	start(&s);
	established(&s);
	user_send(&s, 2000);
	expect_sent(&s, ACK, .seq = 1, .ack = 1, .len = MSS);
	expect_sent(&s, PSH | ACK, .seq = 1001, .ack = 1, .len = MSS);
}

/* SHLD-7 */
TEST(nagle_holds_a_second_part_segment_until_the_first_is_acked)
{
	start(&s);
	established(&s);
	user_send(&s, 10);
	expect_sent(&s, PSH | ACK, .seq = 1, .ack = 1, .len = 10);
	user_send(&s, 10);
	user_send(&s, 10);
	expect_nothing_sent(&s);
	arrives(&s, ACK, .seq = 1, .ack = 11);
	expect_sent(&s, PSH | ACK, .seq = 11, .ack = 1, .len = 20);
}

TEST(nagle_lets_a_full_segment_go)
{
	start(&s);
	established(&s);
	user_send(&s, 10);
	ignore_sent(&s);
	user_send(&s, 999);
	expect_nothing_sent(&s);
	user_send(&s, 2);
	expect_sent(&s, ACK, .seq = 11, .ack = 1, .len = MSS);
	expect_nothing_sent(&s);
}

TEST(part_segment_follows_full_ones_at_once)
{
	start(&s);
	established(&s);
	user_send(&s, 1500);
	expect_sent(&s, ACK, .seq = 1, .ack = 1, .len = MSS);
	expect_sent(&s, PSH | ACK, .seq = 1001, .ack = 1, .len = 500);
}

/* MUST-17: "a way [...] to disable the Nagle algorithm" */
TEST(nodelay_sends_every_part_segment_at_once)
{
	start(&s);
	established(&s);
	s.tcb.flags |= TCB_NODELAY;
	user_send(&s, 10);
	expect_sent(&s, PSH | ACK, .seq = 1, .ack = 1, .len = 10);
	user_send(&s, 10);
	expect_sent(&s, PSH | ACK, .seq = 11, .ack = 1, .len = 10);
}

TEST(option_set_before_connect_is_kept)
{
	start(&s);
	s.tcb.flags |= TCB_NODELAY;
	established(&s);
	user_send(&s, 10);
	ignore_sent(&s);
	user_send(&s, 10);
	expect_sent(&s, PSH | ACK, .seq = 11, .ack = 1, .len = 10);
}

TEST(cork_holds_part_segments_and_lets_full_ones_go)
{
	start(&s);
	established(&s);
	s.tcb.flags |= TCB_CORKED;
	user_send(&s, 900);
	expect_nothing_sent(&s);
	user_send(&s, 200);
	expect_sent(&s, ACK, .seq = 1, .ack = 1, .len = MSS);
	arrives(&s, ACK, .seq = 1, .ack = 1001);
	expect_nothing_sent(&s);
	s.tcb.flags &= (u16)~TCB_CORKED;
	user_send(&s, 0);
	expect_sent(&s, PSH | ACK, .seq = 1001, .ack = 1, .len = 100);
}

TEST(cork_does_not_hold_text_for_ever)
{
	start(&s);
	established(&s);
	s.tcb.flags |= TCB_CORKED;
	user_send(&s, 900);
	passes(&s, RTO);
	expect_sent(&s, PSH | ACK, .seq = 1, .ack = 1, .len = 900);
}

TEST(close_lets_the_last_part_segment_go)
{
	start(&s);
	established(&s);
	user_send(&s, 10);
	ignore_sent(&s);
	user_send(&s, 10);
	expect_nothing_sent(&s);
	user_close(&s);
	expect_sent(&s, FIN | PSH | ACK, .seq = 11, .ack = 1, .len = 10);
}

TEST(large_segments_are_multiples_of_the_mss)
{
	start(&s);
	s.text_max = 65535;
	established(&s);
	user_send(&s, 9300);
	/* The part segment at the end may be part of it. */
	expect_sent(&s, PSH | ACK, .seq = 1, .ack = 1, .len = 9300);

	start(&s);
	s.text_max = 2999;
	established(&s);
	user_send(&s, 5500);
	expect_sent(&s, ACK, .seq = 1, .ack = 1, .len = 2000);
	expect_sent(&s, ACK, .seq = 2001, .ack = 1, .len = 2000);
	expect_sent(&s, PSH | ACK, .seq = 4001, .ack = 1, .len = 1500);

	/* cwnd of ten segments */
	start(&s);
	s.text_max = 65535;
	established(&s);
	user_send(&s, 30500);
	expect_sent(&s, ACK, .seq = 1, .ack = 1, .len = 10000);
	expect_nothing_sent(&s);
}

TEST(holder_that_takes_less_than_a_segment_gets_a_whole_one)
{
	start(&s);
	s.text_max = 10;
	established(&s);
	user_send(&s, 1500);
	expect_sent(&s, ACK, .seq = 1, .ack = 1, .len = MSS);
	ignore_sent(&s);
}

TEST_HARNESS_MAIN
