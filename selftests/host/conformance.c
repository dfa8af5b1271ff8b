// SPDX-License-Identifier: GPL-2.0
/*
 * Requirements of RFC 9293 that no other test shows, by the sections of its
 * Appendix B. Documentation/conformance.rst has them all.
 */

#include "kselftest_harness.h"

#include "libscenario.h"

static struct scenario s;

static const u8 with_connection[] = {
	STATE_SYN_RCVD, STATE_ESTABLISHED, STATE_FIN_WAIT_1, STATE_FIN_WAIT_2,
	STATE_CLOSE_WAIT, STATE_CLOSING, STATE_LAST_ACK, STATE_TIME_WAIT,
};

/* --------------------------------------------------------------- PUSH flag */

/* SHLD-27: what was pushed piece by piece goes as few large segments. */
TEST(pushes_that_had_to_wait_go_as_one_in_full_segments)
{
	int i;

	start(&s);
	established(&s);
	user_send(&s, 10);
	expect_sent(&s, PSH | ACK, .seq = 1, .ack = 1, .len = 10);
	for (i = 0; i < 3; i++) {
		user_send(&s, 300);
		expect_nothing_sent(&s);
	}
	user_send(&s, 300);
	expect_sent(&s, ACK, .seq = 11, .ack = 1, .len = MSS);
	expect_nothing_sent(&s);
	arrives(&s, ACK, .seq = 1, .ack = 1011);
	expect_sent(&s, PSH | ACK, .seq = 1011, .ack = 1, .len = 200);
	expect_nothing_sent(&s);
}

/* ------------------------------------------------------------------ window */

/* MUST-1, REC-1: with 15 or 31 bits and a sign these would be negative. */
TEST(large_windows_are_not_taken_for_negative_ones)
{
	start(&s);
	s.peer_window = 65535;
	s.open.window = 65535;
	s.env.rcv_buffer = 65535;
	s.env.rcv_space = 65535;
	user_connect(&s);
	expect_sent(&s, SYN, .seq = 0, .window = 65535);
	arrives(&s, SYN | ACK, .seq = 0, .ack = 1);
	expect_sent(&s, ACK, .seq = 1, .ack = 1, .window = 65535);
	EXPECT_EQ(65535, s.tcb.snd_wnd);
	s.text_max = 65535;
	user_send(&s, 5000);
	expect_sent(&s, PSH | ACK, .seq = 1, .ack = 1, .len = 5000);
	arrives(&s, ACK, .seq = 1, .ack = 5001, .len = 65535);
	expect_delivered(&s, 65535);
	ignore_sent(&s);

	start(&s);
	s.text_max = 65535;
	user_connect(&s);
	ignore_sent(&s);
	arrives(&s, SYN | ACK, .seq = 0, .ack = 1, .has_wscale = true,
		.wscale = 14);
	ignore_sent(&s);
	arrives(&s, ACK, .seq = 1, .ack = 1, .window = 65535);
	EXPECT_EQ(65535u << 14, s.tcb.snd_wnd);
	user_send(&s, 5000);
	expect_sent(&s, PSH | ACK, .seq = 1, .ack = 1, .len = 5000);
}

/* SHLD-15, SHLD-16: the usable window is negative; only old text goes. */
TEST(no_new_text_goes_while_the_window_has_shrunk)
{
	start(&s);
	established(&s);
	user_send(&s, 8000);
	ignore_sent(&s);
	arrives(&s, ACK, .seq = 1, .ack = 1001, .window = 3000);
	user_send(&s, 5000);
	expect_nothing_sent(&s);
	passes(&s, 400);
	expect_sent(&s, ACK, .seq = 1001, .ack = 1, .len = MSS);
	/* It moves on, but its right edge is still before SND.NXT. */
	arrives(&s, ACK, .seq = 1, .ack = 4001, .window = 2000);
	expect_sent(&s, ACK, .seq = 4001, .ack = 1, .len = MSS);
	expect_sent(&s, ACK, .seq = 5001, .ack = 1, .len = MSS);
	expect_nothing_sent(&s);
	arrives(&s, ACK, .seq = 1, .ack = 8001, .window = 3000);
	expect_sent(&s, ACK, .seq = 8001, .ack = 1, .len = MSS);
	ignore_sent(&s);
}

/* SHLD-17, MUST-35: an hour, and the peer answers all that it is sent. */
TEST(text_beyond_a_window_that_has_shrunk_does_not_end_the_connection)
{
	int i;

	start(&s);
	s.params.rto_max = 10000;
	established(&s);
	user_send(&s, 8000);
	s.relaxed = true;
	arrives(&s, ACK, .seq = 1, .ack = 1001, .window = ZERO_WINDOW);
	for (i = 0; i < 360; i++) {
		passes(&s, 10000);
		arrives(&s, ACK, .seq = 1, .ack = 1001, .window = ZERO_WINDOW);
	}
	expect_state(&s, STATE_ESTABLISHED);
	arrives(&s, ACK, .seq = 1, .ack = 1001);
	arrives(&s, ACK, .seq = 1, .ack = 8001);
	expect_timer(&s, TIMER_NONE, 0);
}

/* MAY-8: nobody reads, for an hour; each probe is answered, none is taken. */
TEST(our_window_may_stay_closed_for_ever)
{
	int i;

	start(&s);
	s.env.rcv_buffer = 5000;
	s.env.rcv_space = 5000;
	s.open.window = 5000;
	established(&s);
	arrives(&s, ACK, .seq = 1, .ack = 1, .len = 5000);
	ignore_sent(&s);
	for (i = 0; i < 60; i++) {
		passes(&s, 60000);
		arrives(&s, ACK, .seq = 5001, .ack = 1, .len = 1);
		expect_sent(&s, ACK, .seq = 1, .ack = 5001,
			    .window = ZERO_WINDOW);
		expect_nothing_sent(&s);
	}
	expect_state(&s, STATE_ESTABLISHED);
	user_receive(&s, 5000);
	expect_sent(&s, ACK, .seq = 1, .ack = 5001, .window = 5000);
}

/* ----------------------------------------------------------------- options */

static unsigned int syns_sent;

static void check_mss_option(struct scenario *from, const struct segment *seg)
{
	bool syn = seg->flags & SEG_SYN;

	if (syn != (seg->mss == MSS) || (!syn && seg->mss))
		scenario_fail(HERE(from), "flags %#x, and an MSS option of %u",
			      seg->flags, seg->mss);
	syns_sent += syn;
}

/* MUST-14, MUST-65, SHLD-5, MAY-3 */
TEST(mss_option_is_in_every_syn_and_in_no_other_segment)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(with_connection); i++) {
		start(&s);
		s.transmit = check_mss_option;
		reach(&s, with_connection[i]);
		if (tcb_may_send(&s.tcb))
			user_send(&s, 3000);
		passes(&s, 5000);
		arrives(&s, ACK, .seq = 1, .ack = 1, .len = 10);
		arrives(&s, SYN, .seq = 0);
		user_abort(&s);
	}
	start(&s);
	s.transmit = check_mss_option;
	user_connect(&s);
	passes(&s, 5000);
	arrives(&s, SYN, .seq = 0);
	passes(&s, 5000);
	user_abort(&s);
	EXPECT_LT(10, syns_sent);
}

/*
 * MUST-68: each option but End of Option List and No-Operation has a length.
 * MUST-69: what follows an End of Option List is zero. MUST-4: the three.
 */
TEST(options_that_we_write_have_lengths_and_fill_the_header)
{
	u64 seed = 2;
	int i;

	for (i = 0; i < 10000; i++) {
		const struct segment seg = {
			.flags = SEG_SYN,
			.mss = one_in(&seed, 2) ? (u16)random_u32(&seed) : 0,
			.has_wscale = one_in(&seed, 2),
			.wscale = (u8)random_below(&seed, 15),
		};
		u8 header[SEG_HEADER_MAX];
		unsigned int len, at;

		memset(header, 0xee, sizeof(header));
		len = segment_write(&seg, 1, 2, header);
		ASSERT_EQ(0, len % 4);
		for (at = SEG_HEADER_MIN; at < len && header[at];) {
			if (header[at] == 1) {
				at++;
				continue;
			}
			ASSERT_LT(at + 1, len);
			ASSERT_LE(2, header[at + 1]);
			at += header[at + 1];
		}
		ASSERT_GE(len, at);
		for (; at < len; at++)
			ASSERT_EQ(0, header[at]);
	}
}

/* ----------------------------------------------------------------- closing */

/* SHLD-2: it is believed as one without text, and the text goes nowhere. */
TEST(rst_with_text_resets_as_one_without)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(with_connection); i++) {
		start(&s);
		s.params.protect_time_wait = 0;
		reach(&s, with_connection[i]);
		arrives(&s, RST, .seq = s.tcb.rcv_nxt - s.peer_iss, .len = 100);
		expect_nothing_sent(&s);
		expect_moves(&s, with_connection[i] == STATE_SYN_RCVD ?
				 STATE_LISTEN : STATE_CLOSED);
		EXPECT_FALSE(s.actions.keep_text);
	}
	start(&s);
	reach(&s, STATE_SYN_SENT);
	arrives(&s, RST | ACK, .seq = 0, .ack = 1, .len = 100);
	expect_moves(&s, STATE_CLOSED);
	expect_error(&s, ERROR_REFUSED);
}

/* MUST-12: a FIN is the end of the data, a RST an error. */
TEST(user_can_tell_a_close_from_an_abort)
{
	start(&s);
	established(&s);
	arrives(&s, FIN | ACK, .seq = 1, .ack = 1);
	EXPECT_TRUE(s.told & TELL_PEER_DONE);
	expect_error(&s, ERROR_NONE);
	ignore_sent(&s);

	start(&s);
	established(&s);
	arrives(&s, RST, .seq = 1);
	EXPECT_FALSE(s.told & TELL_PEER_DONE);
	expect_error(&s, ERROR_RESET);
}

/* --------------------------------------------------------- generating ACKs */

/* MUST-58, MUST-59: what has waited is processed whole before the ACK goes. */
TEST(all_that_waited_for_its_turn_is_acknowledged_at_once)
{
	u32 i;

	start(&s);
	established(&s);
	for (i = 5; i > 0; i--) {
		arrives(&s, ACK, .seq = 1 + i * MSS, .ack = 1, .len = MSS);
		expect_sent(&s, ACK, .seq = 1, .ack = 1);
	}
	arrives(&s, FIN | ACK, .seq = 1 + 6 * MSS, .ack = 1);
	expect_sent(&s, ACK, .seq = 1, .ack = 1);
	arrives(&s, ACK, .seq = 1, .ack = 1, .len = MSS);
	expect_sent(&s, ACK, .seq = 1, .ack = 2 + 6 * MSS);
	expect_nothing_sent(&s);
	expect_delivered(&s, 6 * MSS);
	expect_state(&s, STATE_CLOSE_WAIT);
}

TEST_HARNESS_MAIN
