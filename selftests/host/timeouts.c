// SPDX-License-Identifier: GPL-2.0
/* When to stop waiting: user timeout, R1, R2 (RFC 9293, 3.8.3, 3.10.8). */

#include "kselftest_harness.h"

#include "libscenario.h"

static struct scenario s;

/* ------------------------------------------------------------ user timeout */

static void expect_user_timeout(void)
{
	expect_nothing_sent(&s);
	expect_moves(&s, STATE_CLOSED);
	if (s.moves[0].cause != CAUSE_USER_TIMEOUT)
		scenario_fail(&s, "the cause is another one");
	expect_error(&s, ERROR_TIMED_OUT);
}

TEST(user_timeout_ends_the_wait_for_a_syn_ack)
{
	start(&s);
	s.conn_room.settings.user_timeout = 2500;
	user_connect(&s);
	expect_sent(&s, SYN, .seq = 0);
	passes(&s, 2499);
	expect_sent(&s, SYN, .seq = 0);
	expect_state(&s, STATE_SYN_SENT);
	passes(&s, 1);
	expect_user_timeout();
}

TEST(user_timeout_ends_the_wait_for_an_ack)
{
	start(&s);
	s.conn_room.settings.user_timeout = 1000;
	established(&s);
	/* It runs only while something is outstanding. */
	passes(&s, 50000);
	expect_state(&s, STATE_ESTABLISHED);
	user_send(&s, 10);
	ignore_sent(&s);
	passes(&s, RTO);
	expect_sent(&s, PSH | ACK, .seq = 1, .ack = 1, .len = 10);
	passes(&s, 2 * RTO);
	expect_sent(&s, PSH | ACK, .seq = 1, .ack = 1, .len = 10);
	passes(&s, 1000 - 3 * RTO - 1);
	expect_state(&s, STATE_ESTABLISHED);
	passes(&s, 1);
	expect_user_timeout();
}

TEST(user_timeout_begins_anew_with_each_ack_of_something_new)
{
	start(&s);
	s.conn_room.settings.user_timeout = 1000;
	established(&s);
	user_send(&s, 3000);
	s.relaxed = true;
	passes(&s, 900);
	arrives(&s, ACK, .seq = 1, .ack = 1001);
	passes(&s, 900);
	/* This one says nothing new. */
	arrives(&s, ACK, .seq = 1, .ack = 1001);
	passes(&s, 99);
	expect_state(&s, STATE_ESTABLISHED);
	passes(&s, 1);
	expect_state(&s, STATE_CLOSED);
	EXPECT_EQ(CAUSE_USER_TIMEOUT, s.moves[0].cause);
}

TEST(text_that_follows_does_not_put_off_the_user_timeout)
{
	start(&s);
	s.conn_room.settings.user_timeout = 1000;
	established(&s);
	s.relaxed = true;
	user_send(&s, 1000);
	passes(&s, 500);
	user_send(&s, 1000);
	passes(&s, 499);
	expect_state(&s, STATE_ESTABLISHED);
	passes(&s, 1);
	expect_state(&s, STATE_CLOSED);
}

TEST(user_timeout_ends_the_wait_for_the_ack_of_a_fin)
{
	static const u8 states[] = {
		STATE_FIN_WAIT_1, STATE_CLOSING, STATE_LAST_ACK,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(states); i++) {
		start(&s);
		reach(&s, states[i]);
		s.conn->settings.user_timeout = 100;
		passes(&s, 99);
		expect_state(&s, states[i]);
		passes(&s, 1);
		expect_user_timeout();
	}
}

TEST(user_timeout_ends_the_wait_for_a_window_if_the_peer_is_silent)
{
	start(&s);
	s.conn_room.settings.user_timeout = 1000;
	established(&s);
	arrives(&s, ACK, .seq = 1, .ack = 1, .window = ZERO_WINDOW);
	passes(&s, 5000);
	user_send(&s, 10);
	passes(&s, 999);
	expect_sent(&s, ACK, .seq = 1, .ack = 1, .len = 1);
	ignore_sent(&s);
	expect_state(&s, STATE_ESTABLISHED);
	passes(&s, 1);
	expect_user_timeout();
}

/* MUST-37: it answers, so the connection stays open. */
TEST(user_timeout_does_not_end_the_wait_for_a_window_if_the_peer_answers)
{
	int i;

	start(&s);
	s.conn_room.settings.user_timeout = 5000;
	s.params.rto_max = 2000;
	established(&s);
	arrives(&s, ACK, .seq = 1, .ack = 1, .window = ZERO_WINDOW);
	user_send(&s, 10);
	s.relaxed = true;
	for (i = 0; i < 20; i++) {
		passes(&s, 2000);
		arrives(&s, ACK, .seq = 1, .ack = 1, .window = ZERO_WINDOW);
	}
	expect_state(&s, STATE_ESTABLISHED);
}

/* MUST-21: "An application MUST be able to set the value for R2" */
TEST(user_timeout_may_be_longer_than_r2)
{
	const u32 hour = 3600000;

	start(&s);
	s.conn_room.settings.user_timeout = 20 * hour;
	established(&s);
	user_send(&s, 10);
	s.relaxed = true;
	passes(&s, 20 * hour - 1);
	expect_state(&s, STATE_ESTABLISHED);
	s.relaxed = false;
	ignore_sent(&s);
	passes(&s, 1);
	expect_user_timeout();
}

TEST(user_timeout_does_not_lengthen_the_life_of_an_orphan)
{
	start(&s);
	s.params.rto_max = 1000;
	s.conn_room.settings.user_timeout = 3600000;
	established(&s);
	s.relaxed = true;
	user_send(&s, 10);
	user_exits(&s);
	passes(&s, 300 + 600 + 5 * 1000);
	expect_state(&s, STATE_CLOSED);
	EXPECT_EQ(CAUSE_RETRIES_EXHAUSTED, s.moves[0].cause);
}

/* ---------------------------------------------------------------- R1 and R2 */

/* MUST-20 (b): "pass negative advice [...] to the IP layer" */
TEST(r1_is_told_once_after_so_many_retransmissions)
{
	unsigned int retries, told = 0;

	start(&s);
	established(&s);
	user_send(&s, 10);
	ignore_sent(&s);
	for (retries = 1; retries <= s.params.data_retries; retries++) {
		passes(&s, s.tcb.deadline - s.env.now);
		EXPECT_EQ(retries, s.tcb.retries);
		if (s.actions.tell & TELL_NO_ANSWER) {
			EXPECT_EQ(s.params.r1_retries, retries);
			told++;
		}
		ignore_sent(&s);
	}
	EXPECT_EQ(1, told);
}

TEST(r1_is_told_for_a_syn)
{
	start(&s);
	user_connect(&s);
	s.relaxed = true;
	passes(&s, 1000 + 2000);
	EXPECT_FALSE(s.told & TELL_NO_ANSWER);
	passes(&s, 4000);
	EXPECT_TRUE(s.told & TELL_NO_ANSWER);
}

TEST(r1_is_told_again_after_progress)
{
	start(&s);
	established(&s);
	user_send(&s, 2000);
	s.relaxed = true;
	passes(&s, 300 + 600 + 1200);
	EXPECT_TRUE(s.told & TELL_NO_ANSWER);
	arrives(&s, ACK, .seq = 1, .ack = 1001);
	s.told = 0;
	passes(&s, 1000000);
	EXPECT_TRUE(s.told & TELL_NO_ANSWER);
}

/* MUST-21, MUST-23 */
TEST(r2_for_a_syn_may_be_set_for_a_connection)
{
	start(&s);
	s.conn_room.settings.syn_retries = 2;
	user_connect(&s);
	expect_sent(&s, SYN, .seq = 0);
	passes(&s, 1000 + 2000);
	expect_sent(&s, SYN, .seq = 0);
	expect_sent(&s, SYN, .seq = 0);
	passes(&s, 3999);
	expect_state(&s, STATE_SYN_SENT);
	passes(&s, 1);
	expect_nothing_sent(&s);
	expect_moves(&s, STATE_CLOSED);
	EXPECT_EQ(CAUSE_RETRIES_EXHAUSTED, s.moves[0].cause);
}

TEST(r2_for_a_syn_does_not_concern_text)
{
	start(&s);
	s.conn_room.settings.syn_retries = 1;
	established(&s);
	user_send(&s, 10);
	s.relaxed = true;
	passes(&s, 300 + 600 + 1200 + 2400);
	expect_state(&s, STATE_ESTABLISHED);
}

TEST(r1_is_told_once_however_long_the_user_is_patient)
{
	unsigned int told = 0;
	int i;

	start(&s);
	s.params.rto_max = 1000;
	s.conn_room.settings.user_timeout = 3600000;
	established(&s);
	user_send(&s, 10);
	ignore_sent(&s);
	for (i = 0; i < 600; i++) {
		passes(&s, s.tcb.deadline - s.env.now);
		expect_sent(&s, PSH | ACK, .seq = 1, .ack = 1, .len = 10);
		if (i >= 2)
			expect_timer(&s, TIMER_RETRANSMIT, 1000);
		told += !!(s.actions.tell & TELL_NO_ANSWER);
	}
	EXPECT_EQ(1, told);
}

/* ------------------------------------------------------- once round all numbers */

/* So many octets were acknowledged that SND.UNA is about to be ISS again. */
static void almost_round(void)
{
	u32 una;

	start(&s);
	established(&s);
	una = s.open.iss - 100;
	s.tcb.snd_una = una;
	s.tcb.snd_nxt = una;
	s.tcb.snd_end = una;
	s.conn->snd_wl2 = una;
	s.conn->rtx_nxt = una;
	s.conn->rtx_end = una;
	s.conn->recover = una - 1;
	s.conn->small_end = una;
	user_send(&s, 100);
	ignore_sent(&s);
	arrives(&s, ACK, .seq = 1, .ack = 0);
	if (s.tcb.snd_una != s.open.iss)
		scenario_fail(&s, "SND.UNA is not ISS");
}

TEST(timeout_at_the_number_of_the_syn_sends_text_again)
{
	almost_round();
	user_send(&s, 10);
	expect_sent(&s, PSH | ACK, .seq = 0, .ack = 1, .len = 10);
	passes(&s, s.tcb.deadline - s.env.now);
	expect_sent(&s, PSH | ACK, .seq = 0, .ack = 1, .len = 10);
	expect_nothing_sent(&s);
	arrives(&s, ACK, .seq = 1, .ack = 10);
	expect_timer(&s, TIMER_NONE, 0);
}

TEST(all_octets_count_at_the_number_of_the_syn)
{
	almost_round();
	s.conn->cc.cwnd = 1000;
	s.conn->cc.ssthresh = 1u << 30;
	user_send(&s, 3000);
	expect_sent(&s, ACK, .seq = 0, .ack = 1, .len = MSS);
	arrives(&s, ACK, .seq = 1, .ack = 1000);
	EXPECT_EQ(2000, s.conn->cc.cwnd);
	ignore_sent(&s);
}

TEST(fin_at_the_number_of_the_syn_is_sent_again)
{
	almost_round();
	user_close(&s);
	expect_sent(&s, FIN | ACK, .seq = 0, .ack = 1);
	passes(&s, s.tcb.deadline - s.env.now);
	expect_sent(&s, FIN | ACK, .seq = 0, .ack = 1);
	arrives(&s, ACK, .seq = 1, .ack = 1);
	expect_state(&s, STATE_FIN_WAIT_2);
}

TEST_HARNESS_MAIN
