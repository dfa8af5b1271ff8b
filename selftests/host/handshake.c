// SPDX-License-Identifier: GPL-2.0
/* Opening a connection (RFC 9293, 3.5; 3.10.1, 3.10.7.1 to 3.10.7.4). */

#include "kselftest_harness.h"

#include "libscenario.h"

static struct scenario s;

/* ------------------------------------------------------------ active OPEN */

TEST(active_open_sends_a_syn_and_answers_the_syn_ack)
{
	start(&s);
	expect_path(&s, STATE_SYN_SENT, STATE_ESTABLISHED);
	user_connect(&s);
	expect_sent(&s, SYN, .seq = 0, .window = 50000, .mss = MSS,
		    .has_wscale = true);
	arrives(&s, SYN | ACK, .seq = 0, .ack = 1);
	expect_sent(&s, ACK, .seq = 1, .ack = 1, .window = 50000);
	expect_state(&s, STATE_ESTABLISHED);
	EXPECT_TRUE(s.told & TELL_CONNECTED);
	expect_timer(&s, TIMER_NONE, 0);
}

TEST(active_open_works_across_the_wrap_of_both_numbers)
{
	start(&s);
	s.open.iss = 0xffffffff;
	s.peer_iss = 0xffffffff;
	user_connect(&s);
	expect_sent(&s, SYN, .seq = 0);
	arrives(&s, SYN | ACK, .seq = 0, .ack = 1);
	expect_sent(&s, ACK, .seq = 1, .ack = 1);
	expect_state(&s, STATE_ESTABLISHED);
}

TEST(what_was_sent_before_the_handshake_follows_it)
{
	start(&s);
	user_connect(&s);
	expect_sent(&s, SYN, .seq = 0);
	user_send(&s, 500);
	expect_nothing_sent(&s);
	arrives(&s, SYN | ACK, .seq = 0, .ack = 1);
	/* 3.10.7.3: "Data [...] queued for transmission MAY be included." */
	expect_sent(&s, PSH | ACK, .seq = 1, .ack = 1, .len = 500);
}

TEST(lost_syn_is_sent_again_after_twice_the_time_each)
{
	u32 i;

	start(&s);
	user_connect(&s);
	expect_sent(&s, SYN, .seq = 0);
	for (i = 0; i < s.params.syn_retries; i++) {
		expect_timer(&s, TIMER_RETRANSMIT, 1000u << i);
		passes(&s, (1000u << i) - 1);
		expect_nothing_sent(&s);
		passes(&s, 1);
		expect_sent(&s, SYN, .seq = 0, .window = 50000, .mss = MSS,
			    .has_wscale = true);
	}
	/* R2 has come (MUST-23): the last wait is twice as long, too. */
	passes(&s, 32000 - 1);
	expect_state(&s, STATE_SYN_SENT);
	passes(&s, 1);
	expect_nothing_sent(&s);
	expect_moves(&s, STATE_CLOSED);
	expect_error(&s, ERROR_TIMED_OUT);
}

TEST(time_between_syns_has_an_upper_bound)
{
	start(&s);
	s.params.rto_max = 3000;
	user_connect(&s);
	expect_sent(&s, SYN, .seq = 0);
	passes(&s, 1000 + 2000);
	expect_sent(&s, SYN, .seq = 0);
	expect_sent(&s, SYN, .seq = 0);
	expect_timer(&s, TIMER_RETRANSMIT, 3000);
}

TEST(syn_ack_after_a_lost_syn_completes_the_handshake)
{
	start(&s);
	user_connect(&s);
	expect_sent(&s, SYN, .seq = 0);
	passes(&s, 1000);
	expect_sent(&s, SYN, .seq = 0);
	arrives(&s, SYN | ACK, .seq = 0, .ack = 1);
	expect_sent(&s, ACK, .seq = 1, .ack = 1);
	expect_state(&s, STATE_ESTABLISHED);
	/* RFC 5681, 3.1: then the window begins with one segment. */
	user_send(&s, 5000);
	expect_sent(&s, ACK, .seq = 1, .ack = 1, .len = MSS);
	expect_nothing_sent(&s);
}

/*
 * RFC 6298, (5.7): "If the timer expires awaiting the ACK of a SYN segment and
 * the TCP implementation is using an RTO less than 3 seconds, the RTO MUST be
 * re-initialized to 3 seconds when data transmission begins".
 */
TEST(timeout_after_a_lost_syn_begins_with_three_seconds)
{
	start(&s);
	user_connect(&s);
	expect_sent(&s, SYN, .seq = 0);
	passes(&s, 1000);
	expect_sent(&s, SYN, .seq = 0);
	arrives(&s, SYN | ACK, .seq = 0, .ack = 1);
	expect_sent(&s, ACK, .seq = 1, .ack = 1);
	user_send(&s, 100);
	expect_sent(&s, PSH | ACK, .seq = 1, .ack = 1, .len = 100);
	expect_timer(&s, TIMER_RETRANSMIT, 3000);
}

/* The handshake is the first round trip measured (RFC 6298, 2.2). */
TEST(timeout_after_the_handshake_is_three_round_trips)
{
	start(&s);
	established(&s);
	user_send(&s, 100);
	expect_sent(&s, PSH | ACK, .seq = 1, .ack = 1, .len = 100);
	expect_timer(&s, TIMER_RETRANSMIT, 3 * RTT);
}

TEST(rst_with_acceptable_ack_refuses_the_connection)
{
	start(&s);
	user_connect(&s);
	expect_sent(&s, SYN, .seq = 0);
	arrives(&s, RST | ACK, .seq = 0, .ack = 1);
	expect_nothing_sent(&s);
	expect_moves(&s, STATE_CLOSED);
	expect_error(&s, ERROR_REFUSED);
}

TEST(rst_without_ack_in_syn_sent_is_dropped)
{
	start(&s);
	reach(&s, STATE_SYN_SENT);
	arrives(&s, RST, .seq = 0);
	expect_nothing_sent(&s);
	expect_no_move(&s);
	expect_drop(&s, DROP_SYN_SENT_RST);
}

TEST(rst_with_bad_ack_in_syn_sent_is_dropped)
{
	start(&s);
	reach(&s, STATE_SYN_SENT);
	arrives(&s, RST | ACK, .seq = 0, .ack = 0);
	expect_nothing_sent(&s);
	arrives(&s, RST | ACK, .seq = 0, .ack = 2);
	expect_nothing_sent(&s);
	expect_no_move(&s);
	expect_drop(&s, DROP_SYN_SENT_ACK);
}

TEST(bad_ack_in_syn_sent_is_answered_by_a_rst_at_its_number)
{
	start(&s);
	reach(&s, STATE_SYN_SENT);
	arrives(&s, SYN | ACK, .seq = 0, .ack = 0);
	expect_sent(&s, RST, .seq = 0);
	arrives(&s, ACK, .seq = 0, .ack = 2);
	expect_sent(&s, RST, .seq = 2);
	arrives(&s, SYN | ACK, .seq = 0, .ack = (u32)-5000);
	expect_sent(&s, RST, .seq = (u32)-5000);
	/* The half-open connection of old does not hinder the new one. */
	expect_state(&s, STATE_SYN_SENT);
	arrives(&s, SYN | ACK, .seq = 0, .ack = 1);
	expect_sent(&s, ACK, .seq = 1, .ack = 1);
	expect_state(&s, STATE_ESTABLISHED);
}

TEST(segment_without_syn_in_syn_sent_is_dropped)
{
	start(&s);
	reach(&s, STATE_SYN_SENT);
	arrives(&s, ACK, .seq = 1, .ack = 1, .len = 10);
	expect_nothing_sent(&s);
	expect_drop(&s, DROP_SYN_SENT_OTHER);
	arrives(&s, FIN, .seq = 1);
	expect_nothing_sent(&s);
	expect_state(&s, STATE_SYN_SENT);
}

TEST(text_on_the_syn_ack_is_taken)
{
	start(&s);
	reach(&s, STATE_SYN_SENT);
	arrives(&s, SYN | ACK, .seq = 0, .ack = 1, .len = 300);
	expect_sent(&s, ACK, .seq = 1, .ack = 301);
	expect_delivered(&s, 300);
}

TEST(fin_on_the_syn_ack_is_taken)
{
	start(&s);
	reach(&s, STATE_SYN_SENT);
	arrives(&s, SYN | FIN | ACK, .seq = 0, .ack = 1, .len = 300);
	expect_moves(&s, STATE_ESTABLISHED, STATE_CLOSE_WAIT);
	expect_sent(&s, ACK, .seq = 1, .ack = 302);
	expect_delivered(&s, 300);
}

/* ----------------------------------------------------------- passive OPEN */

TEST(passive_open_answers_a_syn_and_accepts_the_ack)
{
	start(&s);
	expect_path(&s, STATE_LISTEN, STATE_SYN_RCVD, STATE_ESTABLISHED);
	user_listen(&s);
	expect_nothing_sent(&s);
	arrives(&s, SYN, .seq = 0);
	expect_sent(&s, SYN | ACK, .seq = 0, .ack = 1, .window = 50000,
		    .mss = MSS);
	EXPECT_EQ(NULL, s.conn);
	arrives(&s, ACK, .seq = 1, .ack = 1);
	expect_nothing_sent(&s);
	expect_state(&s, STATE_ESTABLISHED);
	EXPECT_TRUE(s.told & TELL_CONNECTED);
	expect_timer(&s, TIMER_NONE, 0);
}

TEST(passive_open_works_across_the_wrap_of_both_numbers)
{
	start(&s);
	s.open.iss = 0xffffffff;
	s.peer_iss = 0xffffffff;
	accepted(&s);
	user_send(&s, 10);
	expect_sent(&s, PSH | ACK, .seq = 1, .ack = 1, .len = 10);
}

TEST(text_on_the_third_segment_is_taken)
{
	start(&s);
	reach(&s, STATE_SYN_RCVD);
	arrives(&s, PSH | ACK, .seq = 1, .ack = 1, .len = 400);
	expect_sent(&s, ACK, .seq = 1, .ack = 401);
	expect_state(&s, STATE_ESTABLISHED);
	expect_delivered(&s, 400);
}

TEST(fin_on_the_third_segment_is_taken)
{
	start(&s);
	reach(&s, STATE_SYN_RCVD);
	arrives(&s, FIN | ACK, .seq = 1, .ack = 1, .len = 400);
	expect_sent(&s, ACK, .seq = 1, .ack = 402);
	expect_moves(&s, STATE_ESTABLISHED, STATE_CLOSE_WAIT);
	expect_delivered(&s, 400);
	EXPECT_TRUE(s.told & TELL_PEER_DONE);
}

TEST(text_that_overtakes_the_third_segment_completes_the_handshake)
{
	start(&s);
	reach(&s, STATE_SYN_RCVD);
	arrives(&s, ACK, .seq = 401, .ack = 1, .len = 400);
	expect_sent(&s, ACK, .seq = 1, .ack = 1);
	expect_state(&s, STATE_ESTABLISHED);
	arrives(&s, ACK, .seq = 1, .ack = 1, .len = 400);
	expect_sent(&s, ACK, .seq = 1, .ack = 801);
	expect_delivered(&s, 800);
}

TEST(text_on_a_syn_is_not_acknowledged_and_comes_again)
{
	start(&s);
	user_listen(&s);
	arrives(&s, SYN, .seq = 0, .len = 100);
	expect_sent(&s, SYN | ACK, .seq = 0, .ack = 1);
	arrives(&s, ACK, .seq = 1, .ack = 1, .len = 100);
	expect_sent(&s, ACK, .seq = 1, .ack = 101);
	expect_delivered(&s, 100);
}

TEST(syn_ack_is_sent_again_after_twice_the_time_each)
{
	u32 i;

	start(&s);
	user_listen(&s);
	arrives(&s, SYN, .seq = 0);
	expect_sent(&s, SYN | ACK, .seq = 0, .ack = 1);
	for (i = 0; i < s.params.synack_retries; i++) {
		expect_timer(&s, TIMER_RETRANSMIT, 1000u << i);
		passes(&s, (1000u << i) - 1);
		expect_nothing_sent(&s);
		passes(&s, 1);
		expect_sent(&s, SYN | ACK, .seq = 0, .ack = 1);
	}
	passes(&s, 16000 - 1);
	expect_state(&s, STATE_SYN_RCVD);
	passes(&s, 1);
	expect_nothing_sent(&s);
	expect_moves(&s, STATE_CLOSED);
}

TEST(syn_that_comes_again_is_answered_by_the_syn_ack)
{
	start(&s);
	user_listen(&s);
	arrives(&s, SYN, .seq = 0);
	expect_sent(&s, SYN | ACK, .seq = 0, .ack = 1);
	passes(&s, 600);
	arrives(&s, SYN, .seq = 0);
	expect_sent(&s, SYN | ACK, .seq = 0, .ack = 1);
	expect_no_move(&s);
	/* It does not put off our own retransmission. */
	expect_timer(&s, TIMER_RETRANSMIT, 400);
}

TEST(initial_window_after_a_lost_syn_ack_is_one_segment)
{
	start(&s);
	user_listen(&s);
	arrives(&s, SYN, .seq = 0);
	ignore_sent(&s);
	passes(&s, 1000);
	expect_sent(&s, SYN | ACK, .seq = 0, .ack = 1);
	arrives(&s, ACK, .seq = 1, .ack = 1);
	user_send(&s, 5000);
	expect_sent(&s, ACK, .seq = 1, .ack = 1, .len = MSS);
	expect_nothing_sent(&s);
}

TEST(rst_in_listen_is_ignored)
{
	start(&s);
	user_listen(&s);
	arrives(&s, RST, .seq = 0);
	expect_drop(&s, DROP_LISTEN_RST);
	arrives(&s, RST | ACK, .seq = 0, .ack = 1);
	expect_drop(&s, DROP_LISTEN_RST);
	arrives(&s, SYN | RST, .seq = 0);
	expect_drop(&s, DROP_LISTEN_RST);
	expect_nothing_sent(&s);
	expect_state(&s, STATE_LISTEN);
}

TEST(ack_in_listen_is_answered_by_a_rst_at_its_number)
{
	start(&s);
	user_listen(&s);
	arrives(&s, ACK, .seq = 5, .ack = 77);
	expect_sent(&s, RST, .seq = 77);
	arrives(&s, SYN | ACK, .seq = 0, .ack = 78);
	expect_sent(&s, RST, .seq = 78);
	expect_drop(&s, DROP_LISTEN_ACK);
	expect_state(&s, STATE_LISTEN);
}

TEST(other_segments_in_listen_are_dropped)
{
	start(&s);
	user_listen(&s);
	arrives(&s, FIN, .seq = 5);
	expect_drop(&s, DROP_LISTEN_OTHER);
	arrives(&s, 0, .seq = 5, .len = 10);
	expect_drop(&s, DROP_LISTEN_OTHER);
	expect_nothing_sent(&s);
	expect_state(&s, STATE_LISTEN);
}

/* ------------------------------------------------------------ SYN-RECEIVED */

TEST(bad_ack_in_syn_rcvd_is_answered_by_a_rst)
{
	start(&s);
	reach(&s, STATE_SYN_RCVD);
	arrives(&s, ACK, .seq = 1, .ack = 2);
	expect_sent(&s, RST, .seq = 2);
	expect_drop(&s, DROP_ACK_SYN_RCVD);
	arrives(&s, ACK, .seq = 1, .ack = 0);
	expect_sent(&s, RST, .seq = 0);
	/* Only the segment was bad: the handshake goes on. */
	expect_state(&s, STATE_SYN_RCVD);
	arrives(&s, ACK, .seq = 1, .ack = 1);
	expect_state(&s, STATE_ESTABLISHED);
}

TEST(rst_in_syn_rcvd_after_a_passive_open_returns_to_listen)
{
	start(&s);
	reach(&s, STATE_SYN_RCVD);
	arrives(&s, RST, .seq = 1);
	expect_nothing_sent(&s);
	expect_moves(&s, STATE_LISTEN);
	/* "The user need not be informed." */
	expect_error(&s, ERROR_NONE);
}

TEST(rst_in_syn_rcvd_after_an_active_open_refuses_the_connection)
{
	start(&s);
	user_connect(&s);
	expect_sent(&s, SYN, .seq = 0);
	arrives(&s, SYN, .seq = 0);
	expect_sent(&s, SYN | ACK, .seq = 0, .ack = 1);
	arrives(&s, RST, .seq = 1);
	expect_nothing_sent(&s);
	expect_moves(&s, STATE_CLOSED);
	expect_error(&s, ERROR_REFUSED);
}

/* RFC 5961, 3.2, holds for SYN-RECEIVED, too: 3.10.7.4 second, 3) */
TEST(rst_beside_rcv_nxt_in_syn_rcvd_is_challenged)
{
	start(&s);
	reach(&s, STATE_SYN_RCVD);
	arrives(&s, RST, .seq = 2);
	expect_sent(&s, ACK, .seq = 1, .ack = 1);
	expect_no_move(&s);
}

/* 3.10.7.4 fourth: a new SYN in the window, after a passive OPEN */
TEST(new_syn_in_syn_rcvd_returns_to_listen)
{
	start(&s);
	reach(&s, STATE_SYN_RCVD);
	arrives(&s, SYN, .seq = 5);
	expect_nothing_sent(&s);
	expect_moves(&s, STATE_LISTEN);
}

TEST(unacceptable_segment_in_syn_rcvd_is_answered_by_an_ack)
{
	start(&s);
	reach(&s, STATE_SYN_RCVD);
	arrives(&s, ACK, .seq = 1 + 50001, .ack = 1);
	expect_sent(&s, ACK, .seq = 1, .ack = 1);
	expect_drop(&s, DROP_SEQUENCE);
	arrives(&s, RST, .seq = 1 + 50000);
	expect_nothing_sent(&s);
	expect_state(&s, STATE_SYN_RCVD);
}

TEST(segment_without_ack_in_syn_rcvd_is_dropped)
{
	start(&s);
	reach(&s, STATE_SYN_RCVD);
	arrives(&s, FIN, .seq = 1, .len = 10);
	expect_nothing_sent(&s);
	expect_drop(&s, DROP_NO_ACK);
	expect_no_move(&s);
}

/* ------------------------------------------------------- simultaneous open */

/* Figure 8. There is no listener on either side. */
TEST(simultaneous_open_reaches_established_through_syn_rcvd)
{
	start(&s);
	expect_path(&s, STATE_SYN_SENT, STATE_SYN_RCVD, STATE_ESTABLISHED);
	user_connect(&s);
	expect_sent(&s, SYN, .seq = 0);
	arrives(&s, SYN, .seq = 0);
	expect_sent(&s, SYN | ACK, .seq = 0, .ack = 1, .mss = MSS);
	/* The peer's answer to our SYN is a SYN,ACK, too. */
	arrives(&s, SYN | ACK, .seq = 0, .ack = 1);
	expect_state(&s, STATE_ESTABLISHED);
	EXPECT_TRUE(s.told & TELL_CONNECTED);
	ignore_sent(&s);
	user_send(&s, 10);
	expect_sent(&s, PSH | ACK, .seq = 1, .ack = 1, .len = 10);
}

TEST(simultaneous_open_may_be_completed_by_a_plain_ack)
{
	start(&s);
	reach(&s, STATE_SYN_SENT);
	arrives(&s, SYN, .seq = 0);
	expect_sent(&s, SYN | ACK, .seq = 0, .ack = 1);
	arrives(&s, ACK, .seq = 1, .ack = 1, .len = 50);
	expect_sent(&s, ACK, .seq = 1, .ack = 51);
	expect_state(&s, STATE_ESTABLISHED);
	expect_delivered(&s, 50);
}

TEST(text_on_the_syn_ack_in_syn_rcvd_is_taken)
{
	start(&s);
	reach(&s, STATE_SYN_SENT);
	arrives(&s, SYN, .seq = 0);
	expect_sent(&s, SYN | ACK, .seq = 0, .ack = 1);
	arrives(&s, SYN | ACK, .seq = 0, .ack = 1, .len = 50);
	expect_sent(&s, ACK, .seq = 1, .ack = 51);
	expect_state(&s, STATE_ESTABLISHED);
	expect_delivered(&s, 50);
}

/* Our SYN,ACK was lost: the peer in SYN_RCVD sends its own again and again. */
TEST(syn_ack_that_comes_again_when_established_is_acknowledged)
{
	start(&s);
	reach(&s, STATE_SYN_SENT);
	arrives(&s, SYN, .seq = 0);
	ignore_sent(&s);
	arrives(&s, SYN | ACK, .seq = 0, .ack = 1);
	ignore_sent(&s);
	passes(&s, 1000);
	arrives(&s, SYN | ACK, .seq = 0, .ack = 1);
	expect_sent(&s, ACK, .seq = 1, .ack = 1);
	expect_state(&s, STATE_ESTABLISHED);
}

TEST(syn_ack_of_a_simultaneous_open_is_sent_again)
{
	start(&s);
	user_connect(&s);
	expect_sent(&s, SYN, .seq = 0);
	passes(&s, 500);
	arrives(&s, SYN, .seq = 0);
	expect_sent(&s, SYN | ACK, .seq = 0, .ack = 1);
	passes(&s, 500);
	expect_sent(&s, SYN | ACK, .seq = 0, .ack = 1);
	expect_timer(&s, TIMER_RETRANSMIT, 2000);
}

/* Two texts went out with SEQ=ISS: which one was acknowledged? (MUST-18) */
TEST(round_trip_of_a_simultaneous_open_is_not_measured)
{
	start(&s);
	user_connect(&s);
	expect_sent(&s, SYN, .seq = 0);
	passes(&s, 900);
	arrives(&s, SYN, .seq = 0);
	expect_sent(&s, SYN | ACK, .seq = 0, .ack = 1);
	passes(&s, 10);
	arrives(&s, ACK, .seq = 1, .ack = 1);
	EXPECT_EQ(0, s.conn->rtt.srtt8);
}

TEST(syn_and_second_syn_of_a_simultaneous_open_get_the_syn_ack)
{
	start(&s);
	reach(&s, STATE_SYN_SENT);
	arrives(&s, SYN, .seq = 0);
	expect_sent(&s, SYN | ACK, .seq = 0, .ack = 1);
	arrives(&s, SYN, .seq = 0);
	expect_sent(&s, SYN | ACK, .seq = 0, .ack = 1);
	expect_state(&s, STATE_SYN_RCVD);
}

/* ----------------------------------------------------------------- options */

/* MUST-15: "assume a default send MSS of 536 (576 - 40) for IPv4" */
TEST(peer_without_mss_option_gets_segments_of_536)
{
	start(&s);
	s.peer_mss = 0;
	established(&s);
	user_send(&s, 600);
	expect_sent(&s, ACK, .seq = 1, .ack = 1, .len = 536);
	expect_sent(&s, PSH | ACK, .seq = 537, .ack = 1, .len = 64);
}

TEST(listener_sends_536_to_a_peer_without_mss_option)
{
	start(&s);
	s.peer_mss = 0;
	accepted(&s);
	user_send(&s, 600);
	expect_sent(&s, ACK, .seq = 1, .ack = 1, .len = 536);
	ignore_sent(&s);
}

TEST(send_mss_is_the_smaller_of_peer_and_path)
{
	start(&s);
	s.peer_mss = 700;
	established(&s);
	EXPECT_EQ(700, s.tcb.snd_mss);

	start(&s);
	s.peer_mss = 9000;
	established(&s);
	EXPECT_EQ(MSS, s.tcb.snd_mss);

	start(&s);
	s.peer_mss = 9000;
	accepted(&s);
	EXPECT_EQ(MSS, s.tcb.snd_mss);
}

TEST(absurdly_small_mss_is_not_believed)
{
	start(&s);
	s.peer_mss = 1;
	accepted(&s);
	EXPECT_EQ(TCB_MSS_MIN, s.tcb.snd_mss);
}

TEST(path_that_shrinks_and_grows_again_changes_the_send_mss)
{
	start(&s);
	s.peer_mss = 800;
	established(&s);
	tcb_set_path_mss(&s.tcb, s.conn, 500);
	EXPECT_EQ(500, s.tcb.snd_mss);
	tcb_set_path_mss(&s.tcb, s.conn, 1400);
	EXPECT_EQ(800, s.tcb.snd_mss);
}

TEST(listener_learns_the_limit_of_a_peer_beyond_the_path)
{
	start(&s);
	s.peer_mss = 800;
	s.open.path_mss = 500;
	accepted(&s);
	EXPECT_EQ(500, s.tcb.snd_mss);
}

TEST(window_scale_is_used_if_both_offer_it)
{
	start(&s);
	s.open.wscale = 3;
	user_connect(&s);
	/* RFC 7323, 2.2: the window in a SYN is not scaled. */
	expect_sent(&s, SYN, .seq = 0, .window = 50000, .mss = MSS,
		    .has_wscale = true, .wscale = 3);
	arrives(&s, SYN | ACK, .seq = 0, .ack = 1, .window = 100,
		.has_wscale = true, .wscale = 5);
	EXPECT_EQ(100, s.tcb.snd_wnd);
	expect_sent(&s, ACK, .seq = 1, .ack = 1, .window = 50000 >> 3);
	arrives(&s, ACK, .seq = 1, .ack = 1, .window = 100);
	EXPECT_EQ(100 << 5, s.tcb.snd_wnd);
}

TEST(window_scale_is_not_used_if_the_peer_does_not_offer_it)
{
	start(&s);
	s.open.wscale = 3;
	user_connect(&s);
	ignore_sent(&s);
	arrives(&s, SYN | ACK, .seq = 0, .ack = 1, .window = 100);
	expect_sent(&s, ACK, .seq = 1, .ack = 1, .window = 50000);
	arrives(&s, ACK, .seq = 1, .ack = 1, .window = 200);
	EXPECT_EQ(200, s.tcb.snd_wnd);
}

TEST(listener_answers_window_scale_with_its_own)
{
	start(&s);
	s.open.wscale = 3;
	user_listen(&s);
	arrives(&s, SYN, .seq = 0, .window = 100, .has_wscale = true,
		.wscale = 5);
	expect_sent(&s, SYN | ACK, .seq = 0, .ack = 1, .window = 50000,
		    .mss = MSS, .has_wscale = true, .wscale = 3);
	EXPECT_EQ(100, s.tcb.snd_wnd);
	arrives(&s, ACK, .seq = 1, .ack = 1, .window = 100);
	EXPECT_EQ(100 << 5, s.tcb.snd_wnd);
}

/* RFC 7323, 2.2: nor is that of a SYN,ACK, whatever state it arrives in. */
TEST(window_of_a_syn_ack_in_syn_rcvd_is_not_scaled)
{
	start(&s);
	s.open.wscale = 3;
	reach(&s, STATE_SYN_SENT);
	arrives(&s, SYN, .seq = 0, .window = 2500, .has_wscale = true,
		.wscale = 3);
	ignore_sent(&s);
	arrives(&s, SYN | ACK, .seq = 0, .ack = 1, .window = 2500,
		.has_wscale = true, .wscale = 3);
	expect_state(&s, STATE_ESTABLISHED);
	EXPECT_GE(2500, s.tcb.snd_wnd);
	EXPECT_LE(2490, s.tcb.snd_wnd);
	ignore_sent(&s);
}

/* RFC 7323, 2.2: it may only be sent if it was in the SYN. */
TEST(listener_offers_no_window_scale_to_a_peer_without)
{
	start(&s);
	s.open.wscale = 3;
	user_listen(&s);
	arrives(&s, SYN, .seq = 0);
	expect_sent(&s, SYN | ACK, .seq = 0, .ack = 1, .window = 50000,
		    .mss = MSS, .has_wscale = false);
}

/* ------------------------------------------------------------------ CLOSED */

/* 3.10.7.1: <SEQ=SEG.ACK><CTL=RST> */
TEST(ack_for_nobody_is_answered_by_a_rst_at_its_number)
{
	struct segment seg = {
		.seq = 100, .ack = 0xfffffff0, .flags = SEG_ACK, .text_len = 9,
	};
	struct tcb_actions actions = { 0 };

	tcb_segment_without_connection(&seg, &actions);
	EXPECT_TRUE(actions.send_reset);
	EXPECT_EQ(SEG_RST, actions.reset.flags);
	EXPECT_EQ(0xfffffff0, actions.reset.seq);
}

/* 3.10.7.1: <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK> */
TEST(segment_without_ack_for_nobody_is_answered_by_a_rst_that_acks_it)
{
	struct segment seg = {
		.seq = 0xfffffff0, .flags = SEG_SYN | SEG_FIN, .text_len = 100,
	};
	struct tcb_actions actions = { 0 };

	tcb_segment_without_connection(&seg, &actions);
	EXPECT_TRUE(actions.send_reset);
	EXPECT_EQ(SEG_RST | SEG_ACK, actions.reset.flags);
	EXPECT_EQ(0, actions.reset.seq);
	EXPECT_EQ(0xfffffff0u + 102, actions.reset.ack);
}

TEST(rst_for_nobody_is_not_answered)
{
	unsigned int flags;

	for (flags = 0; flags < 64; flags++) {
		struct segment seg = { .seq = 1, .flags = (u8)flags };
		struct tcb_actions actions = { 0 };

		tcb_segment_without_connection(&seg, &actions);
		EXPECT_EQ(!(flags & SEG_RST), actions.send_reset);
	}
}

TEST_HARNESS_MAIN
