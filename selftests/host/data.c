// SPDX-License-Identifier: GPL-2.0
/* Data on an open connection (RFC 9293, 3.7, 3.8; RFC 5681, 6298, 6582). */

#include <assert.h>

#include "kselftest_harness.h"

#include "libscenario.h"

static struct scenario s;

static_assert(RTO == 3 * RTT, "RFC 6298, 2.2");

/* A connection with a receive buffer of that size. */
static void established_with_buffer(u32 octets)
{
	start(&s);
	s.env.rcv_buffer = octets;
	s.env.rcv_space = octets;
	s.open.window = octets;
	established(&s);
}

/* ----------------------------------------------------------------- receiving */

TEST(text_in_order_is_delivered_and_its_ack_delayed)
{
	start(&s);
	established(&s);
	arrives(&s, PSH | ACK, .seq = 1, .ack = 1, .len = 100);
	expect_delivered(&s, 100);
	EXPECT_TRUE(s.actions.tell & TELL_READABLE);
	passes(&s, 39);
	expect_nothing_sent(&s);
	passes(&s, 1);
	expect_sent(&s, ACK, .seq = 1, .ack = 101, .window = 49900);
	passes(&s, 1000);
	expect_nothing_sent(&s);
}

/* SHLD-19: "an ACK for at least every second full-sized segment" */
TEST(every_second_full_segment_is_acknowledged_at_once)
{
	start(&s);
	established(&s);
	arrives(&s, ACK, .seq = 1, .ack = 1, .len = MSS);
	expect_nothing_sent(&s);
	arrives(&s, ACK, .seq = 1001, .ack = 1, .len = MSS);
	expect_sent(&s, ACK, .seq = 1, .ack = 2001);
	arrives(&s, ACK, .seq = 2001, .ack = 1, .len = MSS);
	expect_nothing_sent(&s);
	arrives(&s, ACK, .seq = 3001, .ack = 1, .len = MSS);
	expect_sent(&s, ACK, .seq = 1, .ack = 4001);
	passes(&s, 1000);
	expect_nothing_sent(&s);
}

TEST(delay_of_an_ack_counts_from_the_first_text_not_acknowledged)
{
	start(&s);
	established(&s);
	arrives(&s, ACK, .seq = 1, .ack = 1, .len = MSS);
	passes(&s, 40);
	expect_sent(&s, ACK, .seq = 1, .ack = 1001);
	arrives(&s, ACK, .seq = 1001, .ack = 1, .len = 10);
	passes(&s, 30);
	arrives(&s, ACK, .seq = 1011, .ack = 1, .len = 10);
	passes(&s, 9);
	expect_nothing_sent(&s);
	passes(&s, 1);
	expect_sent(&s, ACK, .seq = 1, .ack = 1021);
}

TEST(acks_are_not_delayed_at_the_start)
{
	u32 i;

	start(&s);
	user_connect(&s);
	ignore_sent(&s);
	arrives(&s, SYN | ACK, .seq = 0, .ack = 1);
	ignore_sent(&s);
	for (i = 0; i < 5; i++) {
		arrives(&s, ACK, .seq = 1 + 10 * i, .ack = 1, .len = 10);
		expect_sent(&s, ACK, .seq = 1, .ack = 11 + 10 * i);
	}
}

TEST(text_of_ours_carries_the_ack)
{
	start(&s);
	established(&s);
	arrives(&s, ACK, .seq = 1, .ack = 1, .len = 100);
	user_send(&s, 50);
	expect_sent(&s, PSH | ACK, .seq = 1, .ack = 101, .len = 50);
	arrives(&s, ACK, .seq = 101, .ack = 51);
	passes(&s, 1000);
	expect_nothing_sent(&s);
}

/* SHLD-31; RFC 5681, 4.2: duplicate ACK at once, and when the gap is filled */
TEST(text_before_its_turn_is_held_and_acknowledged_at_once)
{
	start(&s);
	established(&s);
	arrives(&s, ACK, .seq = 1001, .ack = 1, .len = MSS);
	expect_sent(&s, ACK, .seq = 1, .ack = 1);
	arrives(&s, ACK, .seq = 3001, .ack = 1, .len = MSS);
	expect_sent(&s, ACK, .seq = 1, .ack = 1);
	expect_delivered(&s, 0);
	arrives(&s, ACK, .seq = 1, .ack = 1, .len = MSS);
	expect_sent(&s, ACK, .seq = 1, .ack = 2001);
	expect_delivered(&s, 2000);
	arrives(&s, ACK, .seq = 2001, .ack = 1, .len = MSS);
	expect_sent(&s, ACK, .seq = 1, .ack = 4001);
	expect_delivered(&s, 4000);
}

/* RFC 5681, 4.2: also if it is too little to be acknowledged otherwise */
TEST(text_that_fills_a_gap_is_acknowledged_at_once)
{
	start(&s);
	established(&s);
	arrives(&s, ACK, .seq = 1, .ack = 1, .len = MSS);
	passes(&s, 40);
	expect_sent(&s, ACK, .seq = 1, .ack = 1001);
	arrives(&s, ACK, .seq = 1011, .ack = 1, .len = 10);
	expect_sent(&s, ACK, .seq = 1, .ack = 1001);
	arrives(&s, ACK, .seq = 1001, .ack = 1, .len = 10);
	expect_sent(&s, ACK, .seq = 1, .ack = 1021);
}

TEST(held_text_leaves_the_window_as_it_is)
{
	start(&s);
	established(&s);
	arrives(&s, ACK, .seq = 1001, .ack = 1, .len = MSS);
	expect_sent(&s, ACK, .seq = 1, .ack = 1, .window = 50000);
}

TEST(overlapping_text_is_taken_once)
{
	start(&s);
	established(&s);
	arrives(&s, ACK, .seq = 1, .ack = 1, .len = 100);
	arrives(&s, ACK, .seq = 51, .ack = 1, .len = 100);
	expect_delivered(&s, 150);
	EXPECT_EQ(50, s.actions.text_offset);
	EXPECT_EQ(50, s.actions.text_len);
	ignore_sent(&s);
	/* Over a hole and what lies behind it. */
	arrives(&s, ACK, .seq = 201, .ack = 1, .len = 50);
	ignore_sent(&s);
	arrives(&s, ACK, .seq = 101, .ack = 1, .len = 200);
	expect_delivered(&s, 300);
	ignore_sent(&s);
}

TEST(duplicate_text_is_acknowledged_at_once_and_not_taken)
{
	start(&s);
	established(&s);
	arrives(&s, ACK, .seq = 1, .ack = 1, .len = 100);
	ignore_sent(&s);
	arrives(&s, ACK, .seq = 1, .ack = 1, .len = 100);
	expect_sent(&s, ACK, .seq = 1, .ack = 101);
	EXPECT_FALSE(s.actions.keep_text);
	arrives(&s, ACK, .seq = 1, .ack = 1, .len = 100);
	expect_sent(&s, ACK, .seq = 1, .ack = 101);
	expect_delivered(&s, 100);
}

TEST(duplicate_of_held_text_is_acknowledged_at_once_and_not_taken)
{
	start(&s);
	established(&s);
	arrives(&s, ACK, .seq = 101, .ack = 1, .len = 100);
	expect_sent(&s, ACK, .seq = 1, .ack = 1);
	arrives(&s, ACK, .seq = 111, .ack = 1, .len = 50);
	expect_sent(&s, ACK, .seq = 1, .ack = 1);
	expect_drop(&s, DROP_TEXT_DUPLICATE);
	EXPECT_FALSE(s.actions.keep_text);
}

TEST(text_is_trimmed_to_the_window)
{
	established_with_buffer(5000);
	arrives(&s, ACK, .seq = 1, .ack = 1, .len = 4900);
	ignore_sent(&s);
	arrives(&s, ACK, .seq = 4901, .ack = 1, .len = 300);
	expect_delivered(&s, 5000);
	passes(&s, 40);
	expect_sent(&s, ACK, .seq = 1, .ack = 5001, .window = ZERO_WINDOW);
}

TEST(fin_beyond_the_window_is_trimmed_with_the_text)
{
	established_with_buffer(5000);
	arrives(&s, ACK, .seq = 1, .ack = 1, .len = 4900);
	ignore_sent(&s);
	arrives(&s, FIN | ACK, .seq = 4901, .ack = 1, .len = 100);
	passes(&s, 40);
	expect_sent(&s, ACK, .seq = 1, .ack = 5001, .window = ZERO_WINDOW);
	expect_state(&s, STATE_ESTABLISHED);
	user_receive(&s, 5000);
	expect_sent(&s, ACK, .seq = 1, .ack = 5001, .window = 5000);
	arrives(&s, FIN | ACK, .seq = 4901, .ack = 1, .len = 100);
	expect_state(&s, STATE_CLOSE_WAIT);
	ignore_sent(&s);
}

TEST(text_beyond_the_window_is_acknowledged_and_not_taken)
{
	established_with_buffer(5000);
	arrives(&s, ACK, .seq = 5001, .ack = 1, .len = 100);
	expect_sent(&s, ACK, .seq = 1, .ack = 1, .window = 5000);
	expect_drop(&s, DROP_SEQUENCE);
	EXPECT_FALSE(s.actions.keep_text);
}

TEST(more_holes_than_can_be_remembered_are_dropped)
{
	u32 i;

	start(&s);
	established(&s);
	for (i = 1; i <= RANGES_MAX; i++) {
		arrives(&s, ACK, .seq = 1 + 20 * i, .ack = 1, .len = 10);
		expect_sent(&s, ACK, .seq = 1, .ack = 1);
	}
	arrives(&s, ACK, .seq = 1 + 20 * i, .ack = 1, .len = 10);
	expect_sent(&s, ACK, .seq = 1, .ack = 1);
	expect_drop(&s, DROP_TEXT_NO_ROOM);
	EXPECT_FALSE(s.actions.keep_text);
	/* What is in order finds its place in any case. */
	arrives(&s, ACK, .seq = 1, .ack = 1, .len = 20);
	expect_sent(&s, ACK, .seq = 1, .ack = 31);
}

TEST(holder_without_reassembly_takes_only_text_in_order)
{
	start(&s);
	established(&s);
	s.conn->held = NULL;
	arrives(&s, ACK, .seq = 101, .ack = 1, .len = 100);
	expect_sent(&s, ACK, .seq = 1, .ack = 1);
	expect_drop(&s, DROP_TEXT_NO_ROOM);
	EXPECT_FALSE(s.actions.keep_text);
	arrives(&s, ACK, .seq = 1, .ack = 1, .len = 200);
	expect_delivered(&s, 200);
	ignore_sent(&s);
}

TEST(stream_goes_on_across_the_wrap)
{
	u32 i;

	start(&s);
	s.open.iss = 0xfffffff0;
	s.peer_iss = 0xfffff000;
	established(&s);
	for (i = 0; i < 10; i++) {
		arrives(&s, ACK, .seq = 1 + 1000 * i, .ack = 1 + 10 * i,
			.len = 1000);
		ignore_sent(&s);
		user_send(&s, 10);
		expect_sent(&s, PSH | ACK, .seq = 1 + 10 * i,
			    .ack = 1001 + 1000 * i, .len = 10);
	}
	expect_delivered(&s, 10000);
	/* Held text on the other side of the wrap. */
	start(&s);
	s.peer_iss = 0xffffff00;
	established(&s);
	arrives(&s, ACK, .seq = 201, .ack = 1, .len = 200);
	ignore_sent(&s);
	arrives(&s, ACK, .seq = 1, .ack = 1, .len = 200);
	expect_delivered(&s, 400);
	ignore_sent(&s);
}

/* ---------------------------------------------------------- our own window */

TEST(window_closes_as_the_buffer_fills)
{
	established_with_buffer(5000);
	arrives(&s, ACK, .seq = 1, .ack = 1, .len = 2000);
	expect_sent(&s, ACK, .seq = 1, .ack = 2001, .window = 3000);
	arrives(&s, ACK, .seq = 2001, .ack = 1, .len = 3000);
	expect_sent(&s, ACK, .seq = 1, .ack = 5001, .window = ZERO_WINDOW);
}

static void closed_window(void)
{
	established_with_buffer(5000);
	arrives(&s, ACK, .seq = 1, .ack = 1, .len = 5000);
	ignore_sent(&s);
}

/* 3.10.7.4 first: with RCV.WND 0 text is not acceptable; 3.8.6.1: reply */
TEST(probe_of_a_closed_window_is_answered_and_not_taken)
{
	int i;

	closed_window();
	for (i = 0; i < 3; i++) {
		arrives(&s, ACK, .seq = 5001, .ack = 1, .len = 1);
		expect_sent(&s, ACK, .seq = 1, .ack = 5001,
			    .window = ZERO_WINDOW);
		expect_delivered(&s, 5000);
	}
}

/* MUST-66: valid ACKs and RSTs are to be processed even with a closed window */
TEST(ack_is_taken_while_our_window_is_closed)
{
	closed_window();
	user_send(&s, 100);
	expect_sent(&s, PSH | ACK, .seq = 1, .ack = 5001, .len = 100);
	arrives(&s, ACK, .seq = 5001, .ack = 51);
	EXPECT_EQ(s.open.iss + 51, s.tcb.snd_una);
	expect_nothing_sent(&s);
	/* Also that of a segment whose text finds no room. */
	arrives(&s, ACK, .seq = 5001, .ack = 101, .len = 1);
	EXPECT_EQ(s.open.iss + 101, s.tcb.snd_una);
	ignore_sent(&s);
}

TEST(rst_is_taken_while_our_window_is_closed)
{
	closed_window();
	arrives(&s, RST, .seq = 5001);
	expect_state(&s, STATE_CLOSED);
	expect_nothing_sent(&s);
}

/* MUST-39 and 3.8.6.2.2: no step below min(buffer / 2, MSS) */
TEST(window_opens_only_by_a_worthwhile_step)
{
	closed_window();
	user_receive(&s, 999);
	expect_nothing_sent(&s);
	arrives(&s, ACK, .seq = 5001, .ack = 1, .len = 1);
	expect_sent(&s, ACK, .seq = 1, .ack = 5001, .window = ZERO_WINDOW);
	user_receive(&s, 1);
	expect_sent(&s, ACK, .seq = 1, .ack = 5001, .window = 1000);
}

TEST(window_of_a_tiny_buffer_opens_by_half_of_it)
{
	established_with_buffer(400);
	arrives(&s, ACK, .seq = 1, .ack = 1, .len = 400);
	ignore_sent(&s);
	passes(&s, 40);
	expect_sent(&s, ACK, .seq = 1, .ack = 401, .window = ZERO_WINDOW);
	user_receive(&s, 199);
	expect_nothing_sent(&s);
	user_receive(&s, 1);
	expect_sent(&s, ACK, .seq = 1, .ack = 401, .window = 200);
}

/* SHLD-14; the window itself gets smaller, its right edge stays. */
TEST(right_edge_stays_when_the_buffer_shrinks)
{
	start(&s);
	established(&s);
	s.env.rcv_buffer = 1000;
	arrives(&s, ACK, .seq = 1, .ack = 1, .len = 500);
	passes(&s, 40);
	expect_sent(&s, ACK, .seq = 1, .ack = 501, .window = 49500);
	user_receive(&s, 500);
	arrives(&s, ACK, .seq = 501, .ack = 1, .len = 500);
	passes(&s, 40);
	expect_sent(&s, ACK, .seq = 1, .ack = 1001, .window = 49000);
}

TEST(busy_reader_does_not_cause_an_ack_for_each_read)
{
	start(&s);
	established(&s);
	arrives(&s, ACK, .seq = 1, .ack = 1, .len = 900);
	user_receive(&s, 900);
	expect_nothing_sent(&s);
	passes(&s, 40);
	expect_sent(&s, ACK, .seq = 1, .ack = 901);
}

/*
 * RFC 7323, 2.4, allows that rounding moves the right edge by less than a
 * unit. But steps must not add up: it is the buffer that limits the window.
 */
TEST(many_small_segments_do_not_overrun_a_scaled_window)
{
	u32 seq = 1;

	start(&s);
	s.open.wscale = 7;
	s.open.window = 10000;
	s.env.rcv_buffer = 10000;
	s.env.rcv_space = 10000;
	s.relaxed = true;
	user_connect(&s);
	arrives(&s, SYN | ACK, .seq = 0, .ack = 1, .has_wscale = true);
	expect_state(&s, STATE_ESTABLISHED);
	while (s.tcb.rcv_wnd && seq < 20000) {
		arrives(&s, ACK, .seq = seq, .ack = 1, .len = 1);
		seq++;
	}
	EXPECT_GT(10200, s.delivered);
}

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
	s.tcb.flags &= (u8)~TCB_CORKED;
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
