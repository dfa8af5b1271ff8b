// SPDX-License-Identifier: GPL-2.0
/* Keep-alives (RFC 9293, 3.8.4). */

#include "kselftest_harness.h"

#include "libscenario.h"

static struct scenario s;

#define IDLE 7200000	/* ms; of the parameters in libscenario.c */
#define INTERVAL 75000
#define COUNT 9

static void established_with_keepalive(void)
{
	start(&s);
	s.conn_room.settings.keepalive = true;
	established(&s);
}

/* SND.NXT and RCV.NXT as tests count them. */
static u32 nxt(void)
{
	return s.tcb.snd_nxt - s.open.iss;
}

static u32 rcv_nxt(void)
{
	return s.tcb.rcv_nxt - s.peer_iss;
}

/* A segment without text, with a number that the peer has acknowledged. */
#define expect_probe(s)	\
	expect_sent(s, ACK, .seq = nxt() - 1, .ack = rcv_nxt())

/* MUST-25: "they MUST default to off" */
TEST(no_keepalive_is_sent_unless_the_user_wants_it)
{
	start(&s);
	established(&s);
	passes(&s, 10 * IDLE);
	expect_nothing_sent(&s);
	expect_state(&s, STATE_ESTABLISHED);
}

/* MUST-26, MUST-28; SHLD-12: "no data" */
TEST(peer_is_asked_after_a_long_silence)
{
	established_with_keepalive();
	passes(&s, IDLE - 1);
	expect_nothing_sent(&s);
	passes(&s, 1);
	expect_sent(&s, ACK, .seq = 0, .ack = 1);
	expect_nothing_sent(&s);
}

TEST(silence_counts_from_when_the_peer_was_last_heard_of)
{
	established_with_keepalive();
	passes(&s, 1000000);
	arrives(&s, ACK, .seq = 1, .ack = 1, .len = 10);
	passes(&s, 40);
	ignore_sent(&s);
	passes(&s, IDLE - 41);
	expect_nothing_sent(&s);
	passes(&s, 1);
	expect_probe(&s);
}

TEST(segment_that_is_not_believed_does_not_break_the_silence)
{
	established_with_keepalive();
	passes(&s, IDLE - 1);
	arrives(&s, RST, .seq = 100);
	ignore_sent(&s);
	arrives(&s, ACK, .seq = 1, .ack = 1000);
	passes(&s, 1);
	expect_probe(&s);
}

TEST(answer_begins_a_new_silence)
{
	int i;

	established_with_keepalive();
	for (i = 0; i < 3 * COUNT; i++) {
		passes(&s, IDLE - 1);
		expect_nothing_sent(&s);
		passes(&s, 1);
		expect_probe(&s);
		arrives(&s, ACK, .seq = 1, .ack = 1);
	}
	expect_state(&s, STATE_ESTABLISHED);
}

/* MUST-29: not after the silence of one probe */
TEST(peer_that_answers_no_probe_is_given_up_with_a_rst)
{
	int i;

	established_with_keepalive();
	passes(&s, IDLE);
	expect_probe(&s);
	for (i = 1; i < COUNT; i++) {
		passes(&s, INTERVAL - 1);
		expect_nothing_sent(&s);
		passes(&s, 1);
		expect_probe(&s);
	}
	passes(&s, INTERVAL - 1);
	expect_state(&s, STATE_ESTABLISHED);
	passes(&s, 1);
	expect_sent(&s, RST, .seq = 1);
	expect_moves(&s, STATE_CLOSED);
	EXPECT_EQ(CAUSE_KEEPALIVE, s.moves[0].cause);
	expect_error(&s, ERROR_TIMED_OUT);
}

TEST(late_answer_forgives_the_probes_before_it)
{
	int i;

	established_with_keepalive();
	passes(&s, IDLE + (COUNT - 1) * INTERVAL);
	ignore_sent(&s);
	arrives(&s, ACK, .seq = 1, .ack = 1);
	passes(&s, IDLE);
	expect_probe(&s);
	for (i = 1; i < COUNT; i++) {
		passes(&s, INTERVAL);
		expect_probe(&s);
	}
	expect_state(&s, STATE_ESTABLISHED);
}

/* What keep-alives are there for: 3.5.1, half-open connections */
TEST(peer_that_knows_nothing_of_the_connection_resets_it)
{
	established_with_keepalive();
	passes(&s, IDLE);
	expect_probe(&s);
	arrives(&s, RST, .seq = 1);
	expect_moves(&s, STATE_CLOSED);
	expect_error(&s, ERROR_RESET);
}

TEST(keepalive_of_the_peer_is_answered_and_delivers_nothing)
{
	int i;

	start(&s);
	established(&s);
	for (i = 0; i < 5; i++) {
		passes(&s, 1000);
		arrives(&s, ACK, .seq = 0, .ack = 1);
		expect_sent(&s, ACK, .seq = 1, .ack = 1);
		/* As older implementations do it: with an octet. */
		passes(&s, 1000);
		arrives(&s, ACK, .seq = 0, .ack = 1, .len = 1);
		expect_sent(&s, ACK, .seq = 1, .ack = 1);
	}
	expect_delivered(&s, 0);
}

/* MUST-26: "only be sent when no sent data is outstanding" */
TEST(peer_is_not_asked_while_text_is_outstanding)
{
	established_with_keepalive();
	s.conn->settings.keep_idle = 100;
	user_send(&s, 10);
	ignore_sent(&s);
	passes(&s, RTO - 1);
	expect_nothing_sent(&s);
	passes(&s, 1);
	expect_sent(&s, PSH | ACK, .seq = 1, .ack = 1, .len = 10);
	arrives(&s, ACK, .seq = 1, .ack = 11);
	passes(&s, 99);
	expect_nothing_sent(&s);
	passes(&s, 1);
	expect_probe(&s);
}

TEST(peer_is_not_asked_while_its_window_is_probed)
{
	established_with_keepalive();
	s.conn->settings.keep_idle = 100;
	arrives(&s, ACK, .seq = 1, .ack = 1, .window = ZERO_WINDOW);
	user_send(&s, 10);
	passes(&s, RTO - 1);
	expect_nothing_sent(&s);
	passes(&s, 1);
	expect_sent(&s, ACK, .seq = 1, .ack = 1, .len = 1);
}

TEST(text_that_is_sent_ends_the_probing)
{
	established_with_keepalive();
	passes(&s, IDLE);
	expect_probe(&s);
	user_send(&s, 10);
	expect_sent(&s, PSH | ACK, .seq = 1, .ack = 1, .len = 10);
	passes(&s, RTO - 1);
	expect_nothing_sent(&s);
	arrives(&s, ACK, .seq = 1, .ack = 11);
	passes(&s, IDLE - 1);
	expect_nothing_sent(&s);
}

/* MUST-24, MUST-27 */
TEST(each_connection_may_have_times_of_its_own)
{
	start(&s);
	s.conn_room.settings = (struct tcb_settings) {
		.keepalive = true,
		.keep_idle = 5000,
		.keep_interval = 700,
		.keep_count = 2,
	};
	established(&s);
	passes(&s, 4999);
	expect_nothing_sent(&s);
	passes(&s, 1);
	expect_probe(&s);
	passes(&s, 699);
	expect_nothing_sent(&s);
	passes(&s, 1);
	expect_probe(&s);
	passes(&s, 699);
	expect_state(&s, STATE_ESTABLISHED);
	passes(&s, 1);
	expect_sent(&s, RST, .seq = 1);
	expect_state(&s, STATE_CLOSED);
}

TEST(parameters_are_for_connections_that_set_nothing)
{
	start(&s);
	s.params.keep_idle = 6000;
	s.params.keep_interval = 500;
	s.params.keep_count = 1;
	s.conn_room.settings.keepalive = true;
	established(&s);
	passes(&s, 6000);
	expect_probe(&s);
	passes(&s, 500);
	expect_sent(&s, RST, .seq = 1);
}

TEST(user_may_turn_them_on_and_off_while_the_connection_is_open)
{
	start(&s);
	established(&s);
	s.conn->settings.keepalive = true;
	passes(&s, IDLE);
	expect_probe(&s);
	s.conn->settings.keepalive = false;
	passes(&s, 2 * IDLE);
	expect_nothing_sent(&s);
	expect_state(&s, STATE_ESTABLISHED);
}

/* As Linux: the time counts, and not how many probes there were. */
TEST(user_timeout_decides_instead_of_the_count)
{
	int i;

	established_with_keepalive();
	s.conn->settings.keep_count = 1;
	s.conn->settings.user_timeout = IDLE + 3 * INTERVAL;
	passes(&s, IDLE);
	expect_probe(&s);
	for (i = 1; i < 3; i++) {
		passes(&s, INTERVAL);
		expect_probe(&s);
	}
	passes(&s, INTERVAL);
	expect_sent(&s, RST, .seq = 1);
	expect_error(&s, ERROR_TIMED_OUT);

	/* MUST-29: a short one does not spare the peer the probe. */
	established_with_keepalive();
	s.conn->settings.user_timeout = 1000;
	passes(&s, IDLE);
	expect_probe(&s);
	passes(&s, INTERVAL);
	expect_sent(&s, RST, .seq = 1);
}

TEST(connection_of_a_listener_sends_them_too)
{
	start(&s);
	s.conn_room.settings.keepalive = true;
	accepted(&s);
	passes(&s, IDLE);
	expect_sent(&s, ACK, .seq = 0, .ack = 1);
}

TEST(keepalive_has_timestamps_and_an_answer_is_known_by_any_of_its_kind)
{
	start(&s);
	s.peer_ts = true;
	s.conn_room.settings.keepalive = true;
	established(&s);
	passes(&s, IDLE);
	expect_options(&s, .has_ts = true, .tsval = RTT + IDLE, .tsecr = RTT);
	expect_probe(&s);
	/* From the past: a stray one, not an answer. */
	arrives(&s, ACK, .seq = 1, .ack = 1, .has_ts = true, .tsval = 0);
	ignore_sent(&s);
	passes(&s, INTERVAL);
	expect_probe(&s);
}

TEST(peer_is_asked_where_nothing_is_outstanding_in_a_synchronized_state)
{
	static const u8 asking[] = {
		STATE_ESTABLISHED, STATE_FIN_WAIT_2, STATE_CLOSE_WAIT,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(asking); i++) {
		start(&s);
		s.conn_room.settings.keepalive = true;
		reach(&s, asking[i]);
		/* The peer was heard of before the delayed ACK of its FIN. */
		passes(&s, IDLE - (asking[i] == STATE_CLOSE_WAIT ? 41 : 1));
		expect_nothing_sent(&s);
		passes(&s, 1);
		expect_probe(&s);
		expect_state(&s, asking[i]);
		passes(&s, COUNT * INTERVAL);
		expect_moves(&s, STATE_CLOSED);
		expect_error(&s, ERROR_TIMED_OUT);
		ignore_sent(&s);
	}
}

TEST(peer_is_not_asked_in_any_other_state)
{
	static const u8 silent[] = {
		STATE_CLOSED, STATE_LISTEN, STATE_SYN_SENT, STATE_SYN_RCVD,
		STATE_FIN_WAIT_1, STATE_CLOSING, STATE_LAST_ACK,
		STATE_TIME_WAIT,
	};
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(silent); i++) {
		start(&s);
		s.conn_room.settings.keepalive = true;
		s.conn_room.settings.keep_idle = 10;
		reach(&s, silent[i]);
		passes(&s, 60000);
		/* What goes out are SYNs and FINs that were not acknowledged. */
		for (j = 0; j < s.sent_count; j++)
			EXPECT_TRUE(s.sent[j].flags & (SYN | FIN));
		ignore_sent(&s);
	}
}

TEST_HARNESS_MAIN
