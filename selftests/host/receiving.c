// SPDX-License-Identifier: GPL-2.0
/* Text that arrives, and our own window (RFC 9293, 3.8.6; RFC 5681, 4.2). */

#include "kselftest_harness.h"

#include "libscenario.h"

static struct scenario s;

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

TEST(holder_without_reassembly_hears_a_fin_in_its_turn)
{
	start(&s);
	established(&s);
	s.conn->held = NULL;
	arrives(&s, FIN | ACK, .seq = 101, .ack = 1);
	expect_no_move(&s);
	expect_sent(&s, ACK, .seq = 1, .ack = 1);
	arrives(&s, ACK, .seq = 1, .ack = 1, .len = 100);
	expect_moves(&s, STATE_CLOSE_WAIT);
	expect_delivered(&s, 100);
	ignore_sent(&s);
}

TEST(text_for_which_there_is_no_memory_is_as_good_as_lost)
{
	start(&s);
	established(&s);
	s.env.no_room = true;
	arrives(&s, ACK, .seq = 1, .ack = 1, .len = 100);
	expect_sent(&s, ACK, .seq = 1, .ack = 1);
	expect_drop(&s, DROP_TEXT_NO_ROOM);
	EXPECT_FALSE(s.actions.keep_text);
	expect_delivered(&s, 0);
	s.env.no_room = false;
	arrives(&s, ACK, .seq = 1, .ack = 1, .len = 100);
	expect_delivered(&s, 100);
}

TEST(text_before_its_turn_without_memory_is_neither_held_nor_reported)
{
	start(&s);
	s.peer_sack = true;
	established(&s);
	s.env.no_room = true;
	arrives(&s, ACK, .seq = 101, .ack = 1, .len = 100);
	expect_no_options(&s);
	expect_sent(&s, ACK, .seq = 1, .ack = 1);
	expect_drop(&s, DROP_TEXT_NO_ROOM);
	s.env.no_room = false;
	arrives(&s, ACK, .seq = 1, .ack = 1, .len = 100);
	expect_delivered(&s, 100);
	ignore_sent(&s);
}

TEST(fin_after_text_without_memory_is_lost_with_it)
{
	start(&s);
	established(&s);
	s.env.no_room = true;
	arrives(&s, FIN | ACK, .seq = 1, .ack = 1, .len = 100);
	expect_no_move(&s);
	expect_sent(&s, ACK, .seq = 1, .ack = 1);
	s.env.no_room = false;
	/* It was not noted either, to come into force with other text. */
	arrives(&s, ACK, .seq = 1, .ack = 1, .len = 100);
	expect_no_move(&s);
	arrives(&s, FIN | ACK, .seq = 1, .ack = 1, .len = 100);
	expect_moves(&s, STATE_CLOSE_WAIT);
	ignore_sent(&s);
}

TEST(fin_by_itself_needs_no_memory)
{
	start(&s);
	established(&s);
	s.env.no_room = true;
	arrives(&s, FIN | ACK, .seq = 1, .ack = 1);
	expect_moves(&s, STATE_CLOSE_WAIT);
}

TEST(duplicate_text_needs_no_memory)
{
	start(&s);
	established(&s);
	arrives(&s, ACK, .seq = 1, .ack = 1, .len = 100);
	s.env.no_room = true;
	arrives(&s, ACK, .seq = 1, .ack = 1, .len = 100);
	expect_drop(&s, DROP_SEQUENCE);
	expect_sent(&s, ACK, .seq = 1, .ack = 101);
}

/* 3.10.7.4: fifth comes before seventh */
TEST(ack_of_a_segment_without_memory_for_its_text_counts)
{
	int i;

	start(&s);
	established(&s);
	user_send(&s, 2000);
	ignore_sent(&s);
	s.env.no_room = true;
	arrives(&s, ACK, .seq = 1, .ack = 1001, .len = 100);
	EXPECT_EQ(s.open.iss + 1001, s.tcb.snd_una);
	/* But with text in it, it is no duplicate ACK. */
	for (i = 0; i < 5; i++) {
		ignore_sent(&s);
		arrives(&s, ACK, .seq = 1, .ack = 1001, .len = 100);
		expect_sent(&s, ACK, .seq = 2001, .ack = 1);
		expect_nothing_sent(&s);
	}
	EXPECT_EQ(RECOVERY_NONE, s.conn->recovery);
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

TEST_HARNESS_MAIN
