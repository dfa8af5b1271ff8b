// SPDX-License-Identifier: GPL-2.0
/*
 * Challenge ACKs (RFC 5961): what the switches change, and how many are sent.
 * What is challenged is in attack.c.
 */

#include "kselftest_harness.h"

#include "libscenario.h"

static struct scenario s;

static const u8 synchronized[] = {
	STATE_ESTABLISHED, STATE_FIN_WAIT_1, STATE_FIN_WAIT_2, STATE_CLOSE_WAIT,
	STATE_CLOSING, STATE_LAST_ACK, STATE_TIME_WAIT,
};

static u32 rcv_nxt(void)
{
	return s.tcb.rcv_nxt - s.peer_iss;
}

/* ------------------------------------------------ the switches, turned off */

/* 3.10.7.4 second, as it was before RFC 5961, 3 */
TEST(any_rst_in_the_window_resets_if_rsts_are_not_challenged)
{
	static const u32 offsets[] = { 0, 1, 1000, 49998 };
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(synchronized); i++)
		for (j = 0; j < ARRAY_SIZE(offsets); j++) {
			start(&s);
			s.params.challenge_rst = 0;
			s.params.protect_time_wait = 0;
			reach(&s, synchronized[i]);
			arrives(&s, RST, .seq = rcv_nxt() + offsets[j]);
			expect_nothing_sent(&s);
			expect_moves(&s, STATE_CLOSED);
		}
}

TEST(rst_outside_of_the_window_is_not_believed_even_so)
{
	start(&s);
	s.params.challenge_rst = 0;
	established(&s);
	arrives(&s, RST, .seq = 0);
	arrives(&s, RST, .seq = 50001);
	expect_nothing_sent(&s);
	expect_state(&s, STATE_ESTABLISHED);
	expect_drop(&s, DROP_SEQUENCE);
}

TEST(any_rst_in_the_window_ends_a_request_if_rsts_are_not_challenged)
{
	start(&s);
	s.params.challenge_rst = 0;
	reach(&s, STATE_SYN_RCVD);
	arrives(&s, RST, .seq = 1000);
	expect_moves(&s, STATE_LISTEN);
	expect_nothing_sent(&s);
}

/* RFC 793: "the SYN is in the window it is an error, send a reset" */
TEST(syn_in_the_window_resets_both_if_syns_are_not_challenged)
{
	static const u32 offsets[] = { 0, 1, 1000, 49998 };
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(synchronized); i++)
		for (j = 0; j < ARRAY_SIZE(offsets); j++) {
			start(&s);
			s.params.challenge_syn = 0;
			reach(&s, synchronized[i]);
			/* Without an ACK it would reopen TIME-WAIT. */
			arrives(&s, SYN | ACK, .seq = rcv_nxt() + offsets[j],
				.ack = 1);
			expect_sent(&s, RST, .seq = 1);
			expect_moves(&s, STATE_CLOSED);
			EXPECT_EQ(CAUSE_SYN_IN_WINDOW, s.moves[0].cause);
			expect_error(&s, ERROR_RESET);
		}
}

TEST(syn_without_ack_in_the_window_is_reset_by_what_it_would_be_acked_with)
{
	start(&s);
	s.params.challenge_syn = 0;
	established(&s);
	arrives(&s, SYN, .seq = 1000, .len = 5);
	/* <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK> */
	expect_sent(&s, RST | ACK, .seq = 0u - s.open.iss, .ack = 1006);
	expect_state(&s, STATE_CLOSED);
}

/* First comes the sequence number: the old duplicate SYN of figure 10. */
TEST(syn_outside_of_the_window_is_answered_by_an_ack_even_so)
{
	start(&s);
	s.params.challenge_syn = 0;
	established(&s);
	arrives(&s, SYN, .seq = (u32)-1000);
	expect_sent(&s, ACK, .seq = 1, .ack = 1);
	expect_state(&s, STATE_ESTABLISHED);
}

TEST(text_with_an_ack_of_any_age_is_taken_if_acks_are_not_challenged)
{
	start(&s);
	s.params.challenge_ack = 0;
	s.peer_window = 3000;
	established(&s);
	arrives(&s, ACK, .seq = 1, .ack = 1 - 3001, .len = 10);
	arrives(&s, ACK, .seq = 11, .ack = 0x80000002, .len = 10);
	expect_delivered(&s, 20);
	expect_drop(&s, DROP_NONE);
	EXPECT_EQ(s.open.iss + 1, s.tcb.snd_una);
	/* What was never sent is another matter. */
	arrives(&s, ACK, .seq = 21, .ack = 2, .len = 10);
	expect_drop(&s, DROP_ACK_FUTURE);
	expect_delivered(&s, 20);
	ignore_sent(&s);
}

TEST(each_switch_is_for_itself)
{
	unsigned int off;

	for (off = 0; off < 8; off++) {
		start(&s);
		s.params.challenge_rst = !(off & 1);
		s.params.challenge_syn = !(off & 2);
		s.params.challenge_ack = !(off & 4);
		s.relaxed = true;
		established(&s);
		arrives(&s, ACK, .seq = 1, .ack = (u32)-60000, .len = 10);
		expect_delivered(&s, off & 4 ? 10 : 0);
		arrives(&s, RST, .seq = 1000);
		expect_state(&s, off & 1 ? STATE_CLOSED : STATE_ESTABLISHED);
		if (off & 1)
			continue;
		arrives(&s, SYN, .seq = 1000);
		expect_state(&s, off & 2 ? STATE_CLOSED : STATE_ESTABLISHED);
	}
}

/* ---------------------------------------------------- how many (RFC 5961, 7) */

/* Is this answered? It bears no text. */
static void expect_answer(bool answered)
{
	if (s.actions.challenged && !answered)
		scenario_fail(&s, "a challenge ACK is reported, and not sent");
	if (answered)
		expect_sent(&s, ACK, .seq = s.tcb.snd_nxt - s.open.iss,
			    .ack = rcv_nxt());
	expect_nothing_sent(&s);
}

/*
 * One of each kind that is answered with a limit: first those for which RFC
 * 5961 is the reason, then those for which RFC 9293 and RFC 7323 are.
 */
static void limited_kind_arrives(unsigned int kind)
{
	switch (kind) {
	case 0:
		arrives(&s, RST, .seq = 1000);
		break;
	case 1:
		arrives(&s, SYN, .seq = 1);
		break;
	case 2:
		arrives(&s, ACK, .seq = 1, .ack = 1000);
		break;
	case 3:
		arrives(&s, ACK, .seq = 1, .ack = (u32)-60000);
		break;
	case 4:
		arrives(&s, ACK, .seq = 60000, .ack = 1);
		break;
	default:
		arrives(&s, ACK, .seq = 1, .ack = 1, .has_ts = true,
			.tsval = 0);
		break;
	}
}

#define CHALLENGED_KINDS 4
#define KINDS 6

TEST(each_challenge_ack_is_reported_and_no_other)
{
	unsigned int kind;

	for (kind = 0; kind < KINDS; kind++) {
		start(&s);
		s.peer_ts = true;
		established(&s);
		limited_kind_arrives(kind);
		EXPECT_EQ(kind < CHALLENGED_KINDS, s.actions.challenged);
		expect_answer(true);
	}
}

TEST(interval_holds_for_all_kinds_together)
{
	unsigned int first, kind;

	for (first = 0; first < KINDS; first++) {
		start(&s);
		s.peer_ts = true;
		s.params.challenge_interval = 2000;
		established(&s);
		limited_kind_arrives(first);
		expect_answer(true);
		passes(&s, 1999);
		for (kind = 0; kind < KINDS; kind++) {
			limited_kind_arrives(kind);
			expect_answer(false);
		}
		passes(&s, 1);
		limited_kind_arrives(first);
		expect_answer(true);
	}
}

/* Nobody sends these again for want of an ACK. */
TEST(text_does_not_help_a_forged_syn_or_rst_to_more_answers)
{
	static const u8 flags[] = { SYN, SYN | FIN, RST };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		start(&s);
		established(&s);
		arrives(&s, flags[i], .seq = 100, .len = 10);
		EXPECT_TRUE(s.actions.challenged);
		expect_answer(true);
		arrives(&s, flags[i], .seq = 100, .len = 10);
		expect_answer(false);
	}
}

TEST(interval_holds_for_requests_and_small_entries)
{
	start(&s);
	reach(&s, STATE_SYN_RCVD);
	arrives(&s, RST, .seq = 1000);
	expect_answer(true);
	passes(&s, s.params.challenge_interval - 1);
	arrives(&s, RST, .seq = 1000);
	expect_answer(false);

	start(&s);
	s.time_wait_entry = true;
	reach(&s, STATE_TIME_WAIT);
	arrives(&s, RST, .seq = 1000);
	expect_answer(true);
	passes(&s, s.params.challenge_interval - 1);
	arrives(&s, RST, .seq = 1000);
	expect_answer(false);
}

TEST(no_challenge_ack_is_sent_when_none_is_left)
{
	unsigned int kind;

	start(&s);
	s.peer_ts = true;
	established(&s);
	s.env.challenges_left = 0;
	for (kind = 0; kind < CHALLENGED_KINDS; kind++) {
		limited_kind_arrives(kind);
		expect_answer(false);
	}
	/* The next second brings new ones, and no interval has begun. */
	s.env.challenges_left = 2;
	limited_kind_arrives(0);
	expect_answer(true);
	passes(&s, s.params.challenge_interval);
	limited_kind_arrives(1);
	expect_answer(true);
	passes(&s, s.params.challenge_interval);
	limited_kind_arrives(2);
	expect_answer(false);
}

/* Or who drains what all have together could end idle connections. */
TEST(keepalive_of_the_peer_is_answered_even_so)
{
	start(&s);
	established(&s);
	s.env.challenges_left = 0;
	arrives(&s, ACK, .seq = 0, .ack = 1);
	EXPECT_FALSE(s.actions.challenged);
	expect_answer(true);
}

/* They come again for want of an ACK, and no stranger gains by it. */
TEST(text_and_fins_are_answered_even_so_and_take_none)
{
	start(&s);
	established(&s);
	s.env.challenges_left = 0;
	arrives(&s, ACK, .seq = 0, .ack = 1, .len = 1);
	EXPECT_FALSE(s.actions.challenged);
	expect_sent(&s, ACK, .seq = 1, .ack = 1);
	arrives(&s, FIN | ACK, .seq = 0, .ack = 1);
	EXPECT_FALSE(s.actions.challenged);
	expect_sent(&s, ACK, .seq = 1, .ack = 1);
	s.env.challenges_left = 1;
	arrives(&s, ACK, .seq = 0, .ack = 1, .len = 1);
	ignore_sent(&s);
	EXPECT_EQ(1, s.env.challenges_left);
}

TEST_HARNESS_MAIN
