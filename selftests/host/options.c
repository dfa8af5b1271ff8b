// SPDX-License-Identifier: GPL-2.0
/*
 * Which options a connection uses (RFC 7323, 1.3, 2.2 and 3.2; RFC 2018, 2):
 * those that both SYNs have.
 */

#include "kselftest_harness.h"

#include "libscenario.h"

static struct scenario s;

/* A set of options. */
#define WSCALE BIT(0)
#define TIMESTAMPS BIT(1)
#define SACK BIT(2)
#define ALL_SETS 8

#define OUR_SHIFT 3
#define PEER_SHIFT 5
#define OPENED_AT 10		/* by both clocks */

/* Closed, and willing to use these. */
static void start_with(unsigned int ours)
{
	start(&s);
	scenario_set_clock(&s, OPENED_AT);
	s.open.wscale = OUR_SHIFT;
	s.params.window_scaling = !!(ours & WSCALE);
	s.params.timestamps = !!(ours & TIMESTAMPS);
	s.params.sack = !!(ours & SACK);
	scenario_note(&s, "we want:%s%s%s", ours & WSCALE ? " wscale" : "",
		      ours & TIMESTAMPS ? " timestamps" : "",
		      ours & SACK ? " SACK" : "");
}

/* A SYN of the peer with these. */
static void syn_arrives(u8 flags, unsigned int theirs)
{
	arrives(&s, flags, .seq = 0, .ack = 1, .mss = MSS,
		.has_wscale = theirs & WSCALE,
		.wscale = theirs & WSCALE ? PEER_SHIFT : 0,
		.has_ts = theirs & TIMESTAMPS,
		.tsval = OPENED_AT, .tsecr = OPENED_AT,
		.sack_ok = theirs & SACK);
}

/* A SYN of ours with these. */
static void expect_syn(u8 flags, unsigned int options)
{
	bool ack = flags & ACK;

	expect_options(&s, .mss = MSS,
		       .has_wscale = options & WSCALE,
		       .wscale = options & WSCALE ? OUR_SHIFT : 0,
		       .sack_ok = options & SACK,
		       .has_ts = options & TIMESTAMPS,
		       .tsval = options & TIMESTAMPS ? s.env.now : 0,
		       .tsecr = options & TIMESTAMPS ?
				(ack ? OPENED_AT : 0) : 0);
	expect_sent(&s, flags, .seq = 0, .ack = ack);
}

/* The connection is open: it uses these, and no others. */
static void expect_used(unsigned int options)
{
	expect_state(&s, STATE_ESTABLISHED);
	ignore_sent(&s);
	s.peer_ts = options & TIMESTAMPS;
	/* It comes before its turn, so that its ACK may have a SACK. */
	arrives(&s, ACK, .seq = 11, .ack = 1, .len = 10, .window = 100);
	expect_options(&s, .has_ts = options & TIMESTAMPS,
		       .tsval = options & TIMESTAMPS ? s.env.now : 0,
		       .tsecr = options & TIMESTAMPS ? OPENED_AT : 0,
		       .sack = { { options & SACK ? 11 : 0,
				   options & SACK ? 21 : 0 } });
	expect_sent(&s, ACK, .seq = 1, .ack = 1,
		    .window = options & WSCALE ? 50000 >> OUR_SHIFT : 50000);
	if (s.tcb.snd_wnd != (options & WSCALE ? 100u << PEER_SHIFT : 100u))
		scenario_fail(&s, "the peer's window is taken for %u",
			      s.tcb.snd_wnd);
}

TEST(syn_offers_what_is_switched_on)
{
	unsigned int ours;

	for (ours = 0; ours < ALL_SETS; ours++) {
		start_with(ours);
		user_connect(&s);
		expect_syn(SYN, ours);
	}
}

TEST(syn_that_is_sent_again_offers_the_same_at_a_later_time)
{
	start_with(WSCALE | TIMESTAMPS | SACK);
	user_connect(&s);
	expect_syn(SYN, WSCALE | TIMESTAMPS | SACK);
	passes(&s, 1000);
	expect_syn(SYN, WSCALE | TIMESTAMPS | SACK);
}

TEST(client_uses_what_it_has_offered_and_the_listener_answers)
{
	unsigned int ours, theirs;

	for (ours = 0; ours < ALL_SETS; ours++)
		for (theirs = 0; theirs < ALL_SETS; theirs++) {
			start_with(ours);
			user_connect(&s);
			ignore_sent(&s);
			syn_arrives(SYN | ACK, theirs);
			expect_used(ours & theirs);
		}
}

TEST(listener_answers_what_is_offered_and_switched_on)
{
	unsigned int ours, theirs;

	for (ours = 0; ours < ALL_SETS; ours++)
		for (theirs = 0; theirs < ALL_SETS; theirs++) {
			start_with(ours);
			user_listen(&s);
			syn_arrives(SYN, theirs);
			expect_syn(SYN | ACK, ours & theirs);
			s.peer_ts = ours & theirs & TIMESTAMPS;
			arrives(&s, ACK, .seq = 1, .ack = 1);
			expect_used(ours & theirs);
		}
}

TEST(syn_ack_that_is_sent_again_answers_the_same)
{
	start_with(WSCALE | TIMESTAMPS | SACK);
	user_listen(&s);
	syn_arrives(SYN, TIMESTAMPS | SACK);
	expect_syn(SYN | ACK, TIMESTAMPS | SACK);
	passes(&s, 1000);
	expect_syn(SYN | ACK, TIMESTAMPS | SACK);
}

TEST(simultaneous_open_uses_what_both_have_offered)
{
	unsigned int ours, theirs;

	for (ours = 0; ours < ALL_SETS; ours++)
		for (theirs = 0; theirs < ALL_SETS; theirs++) {
			start_with(ours);
			user_connect(&s);
			ignore_sent(&s);
			syn_arrives(SYN, theirs);
			expect_syn(SYN | ACK, ours & theirs);
			syn_arrives(SYN | ACK, ours & theirs);
			expect_used(ours & theirs);
		}
}

/* RFC 7323, 3.2: "MUST be sent in every non-<RST> segment" */
TEST(every_segment_has_timestamps_once_they_are_agreed_on)
{
	start(&s);
	s.peer_ts = true;
	established(&s);
	user_send(&s, 10);
	expect_options(&s, .has_ts = true, .tsval = RTT, .tsecr = RTT);
	expect_sent(&s, PSH | ACK, .seq = 1, .ack = 1, .len = 10);
	arrives(&s, RST, .seq = 5);	/* a challenge ACK */
	expect_options(&s, .has_ts = true, .tsval = RTT, .tsecr = RTT);
	expect_sent(&s, ACK, .seq = 11, .ack = 1);
	passes(&s, RTO);
	expect_options(&s, .has_ts = true, .tsval = RTT + RTO, .tsecr = RTT);
	expect_sent(&s, PSH | ACK, .seq = 1, .ack = 1, .len = 10);
	arrives(&s, ACK, .seq = 1, .ack = 11);
	user_close(&s);
	expect_options(&s, .has_ts = true, .tsval = 400, .tsecr = 400);
	expect_sent(&s, FIN | ACK, .seq = 11, .ack = 1);
	arrives(&s, FIN | ACK, .seq = 1, .ack = 12);
	expect_options(&s, .has_ts = true, .tsval = 400, .tsecr = 400);
	expect_sent(&s, ACK, .seq = 12, .ack = 2);
}

TEST(small_entry_in_time_wait_sends_timestamps)
{
	start(&s);
	s.peer_ts = true;
	s.time_wait_entry = true;
	reach(&s, STATE_TIME_WAIT);
	EXPECT_EQ(NULL, s.conn);
	passes(&s, 1000);
	arrives(&s, FIN | ACK, .seq = 1, .ack = 2);
	expect_options(&s, .has_ts = true, .tsval = RTT + 1000, .tsecr = RTT);
	expect_sent(&s, ACK, .seq = 2, .ack = 2);
}

TEST(abort_has_timestamps_if_they_are_agreed_on)
{
	start(&s);
	s.peer_ts = true;
	established(&s);
	user_abort(&s);
	expect_options(&s, .has_ts = true, .tsval = RTT);
	expect_sent(&s, RST, .seq = 1);

	start(&s);
	established(&s);
	user_abort(&s);
	expect_no_options(&s);
	expect_sent(&s, RST, .seq = 1);
}

TEST_HARNESS_MAIN
