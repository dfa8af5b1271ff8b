// SPDX-License-Identifier: GPL-2.0
/*
 * Selective acknowledgments: what we report (RFC 2018), and what we make of the
 * peer's reports (RFC 6675).
 */

#include "kselftest_harness.h"

#include "libscenario.h"

static struct scenario s;

/* So many octets of ours are in flight; the peer permits SACK. */
static void in_flight(u32 octets)
{
	start(&s);
	s.peer_sack = true;
	established(&s);
	user_send(&s, octets);
	ignore_sent(&s);
}

/* The peer has all before @ack, and these ranges. */
#define sacked(number, ...)	\
	arrives(&s, ACK, .seq = 1, .ack = number, .sack = { __VA_ARGS__ })

/* This goes again, or as something new; nothing is pushed. */
#define expect_text(number, octets)	\
	expect_sent(&s, ACK, .seq = number, .ack = 1, .len = octets)

/* ------------------------------------------------- what we report (RFC 2018) */

static void established_with_sack(void)
{
	start(&s);
	s.peer_sack = true;
	established(&s);
}

/* The segment that must be expected next reports these, in that order. */
#define expect_reported(s, ...)	\
	expect_options(s, .sack = { __VA_ARGS__ })

/* Text of ten octets arrives there. */
static void piece_arrives(u32 seq)
{
	ignore_sent(&s);
	arrives(&s, ACK, .seq = seq, .ack = 1, .len = 10);
}

TEST(text_before_its_turn_is_reported)
{
	established_with_sack();
	piece_arrives(101);
	expect_reported(&s, { 101, 111 });
	expect_sent(&s, ACK, .seq = 1, .ack = 1);
}

TEST(nothing_is_reported_if_the_peer_has_not_permitted_it)
{
	start(&s);
	established(&s);
	piece_arrives(101);
	expect_no_options(&s);
	expect_sent(&s, ACK, .seq = 1, .ack = 1);
}

TEST(nothing_is_reported_if_we_have_not_permitted_it)
{
	start(&s);
	s.params.sack = 0;
	s.peer_sack = true;
	established(&s);
	piece_arrives(101);
	expect_no_options(&s);
	expect_sent(&s, ACK, .seq = 1, .ack = 1);
}

/* 4: "the first SACK block [...] MUST specify the contiguous block of data" */
TEST(what_arrived_last_is_reported_first)
{
	established_with_sack();
	piece_arrives(201);
	piece_arrives(401);
	expect_reported(&s, { 401, 411 }, { 201, 211 });
	piece_arrives(301);
	expect_reported(&s, { 301, 311 }, { 401, 411 }, { 201, 211 });
	piece_arrives(211);
	expect_reported(&s, { 201, 221 }, { 301, 311 }, { 401, 411 });
	ignore_sent(&s);
}

TEST(duplicate_of_held_text_is_reported_first)
{
	established_with_sack();
	piece_arrives(201);
	piece_arrives(401);
	piece_arrives(201);
	expect_drop(&s, DROP_TEXT_DUPLICATE);
	expect_reported(&s, { 201, 211 }, { 401, 411 });
	ignore_sent(&s);
}

TEST(four_ranges_are_reported_and_three_beside_timestamps)
{
	u32 i;

	established_with_sack();
	for (i = 1; i <= 6; i++)
		piece_arrives(1 + 100 * i);
	expect_reported(&s, { 601, 611 }, { 501, 511 }, { 401, 411 }, { 301, 311 });
	ignore_sent(&s);

	start(&s);
	s.peer_sack = true;
	s.peer_ts = true;
	established(&s);
	for (i = 1; i <= 6; i++)
		piece_arrives(1 + 100 * i);
	expect_options(&s, .has_ts = true, .tsval = RTT, .tsecr = RTT,
		       .sack = { { 601, 611 }, { 501, 511 }, { 401, 411 } });
	ignore_sent(&s);
}

TEST(what_is_no_longer_before_its_turn_is_not_reported)
{
	established_with_sack();
	piece_arrives(11);
	piece_arrives(31);
	piece_arrives(1);
	expect_reported(&s, { 31, 41 });
	expect_sent(&s, ACK, .seq = 1, .ack = 21);
	piece_arrives(21);
	expect_no_options(&s);
	expect_sent(&s, ACK, .seq = 1, .ack = 41);
}

TEST(ranges_are_reported_across_the_wrap)
{
	start(&s);
	s.peer_sack = true;
	s.peer_iss = 0xffffff80;
	established(&s);
	piece_arrives(121);
	expect_reported(&s, { 121, 131 });
	ignore_sent(&s);
}

/* Neither more than the peer's MSS, nor than the path's: MUST-16 */
TEST(text_makes_room_for_the_ranges)
{
	established_with_sack();
	piece_arrives(101);
	ignore_sent(&s);
	user_send(&s, 2000);
	expect_reported(&s, { 101, 111 });
	expect_text(1, MSS - 12);
	expect_text(1 + (MSS - 12), MSS - 12);
	expect_sent(&s, PSH | ACK, .seq = 1 + 2 * (MSS - 12), .ack = 1,
		    .len = 24);

	start(&s);
	s.peer_sack = true;
	s.peer_ts = true;
	established(&s);
	piece_arrives(101);
	piece_arrives(201);
	piece_arrives(301);
	ignore_sent(&s);
	user_send(&s, 2000);
	expect_text(1, MSS - 40);
	ignore_sent(&s);
}

TEST(large_segments_are_multiples_of_what_is_left_by_the_ranges)
{
	start(&s);
	s.peer_sack = true;
	s.text_max = 3000;
	established(&s);
	piece_arrives(101);
	ignore_sent(&s);
	user_send(&s, 5000);
	expect_text(1, 3 * (MSS - 12));
	expect_sent(&s, PSH | ACK, .seq = 1 + 3 * (MSS - 12), .ack = 1,
		    .len = 5000 - 3 * (MSS - 12));
}

/* --------------------------------------- when a loss is believed (RFC 6675) */

/* 5, (1): "If DupAcks >= DupThresh" */
TEST(third_ack_with_news_sends_the_first_segment_again)
{
	in_flight(4000);
	sacked(1, { 1001, 1101 });
	sacked(1, { 1001, 1201 });
	expect_nothing_sent(&s);
	EXPECT_EQ(RECOVERY_NONE, s.conn->recovery);
	sacked(1, { 1001, 1301 });
	expect_text(1, MSS);
	expect_nothing_sent(&s);
	EXPECT_EQ(RECOVERY_SACK, s.conn->recovery);
}

TEST(acks_without_news_tell_of_no_loss)
{
	int i;

	in_flight(10000);
	for (i = 0; i < 10; i++)
		sacked(1, { 1001, 2001 });
	/* Nor do plain ones from a peer that reports what it holds. */
	for (i = 0; i < 10; i++)
		arrives(&s, ACK, .seq = 1, .ack = 1);
	expect_nothing_sent(&s);
	EXPECT_EQ(RECOVERY_NONE, s.conn->recovery);
}

/* 4, IsLost(): "more than (DupThresh - 1) * SMSS bytes" */
TEST(more_octets_than_two_segments_have_are_enough_at_once)
{
	in_flight(10000);
	sacked(1, { 1001, 3001 });
	expect_nothing_sent(&s);

	in_flight(10000);
	sacked(1, { 1001, 3002 });
	expect_text(1, MSS);
	expect_nothing_sent(&s);
}

/* "or [...] DupThresh discontiguous SACKed sequences have arrived above" */
TEST(three_ranges_are_enough_at_once)
{
	in_flight(10000);
	sacked(1, { 2001, 2101 }, { 4001, 4101 });
	expect_nothing_sent(&s);

	in_flight(10000);
	sacked(1, { 2001, 2101 }, { 4001, 4101 }, { 6001, 6101 });
	expect_text(1, MSS);
	expect_nothing_sent(&s);
}

/* 5: a report counts "regardless of its status as a cumulative acknowledgment" */
TEST(ack_of_something_new_may_tell_of_a_loss_as_well)
{
	in_flight(10000);
	sacked(1001, { 2001, 6001 });
	expect_text(1001, MSS);
	expect_nothing_sent(&s);
	EXPECT_EQ(RECOVERY_SACK, s.conn->recovery);
}

TEST(peer_that_permits_sack_and_reports_nothing_is_believed_by_duplicates)
{
	int i;

	in_flight(10000);
	for (i = 0; i < 3; i++)
		arrives(&s, ACK, .seq = 1, .ack = 1);
	expect_text(1, MSS);
	EXPECT_EQ(RECOVERY_FAST, s.conn->recovery);
}

TEST(ranges_that_were_not_permitted_say_nothing)
{
	start(&s);
	established(&s);
	user_send(&s, 10000);
	ignore_sent(&s);
	/* Even if there is room to note them. */
	s.conn->sacked = &s.sacked_room;
	sacked(1, { 1001, 9001 });
	expect_nothing_sent(&s);
	EXPECT_EQ(RECOVERY_NONE, s.conn->recovery);
}

/* RFC 3042 and RFC 6675, 5, (3.3): each leaves room for one segment more. */
TEST(first_two_reports_let_new_text_go)
{
	in_flight(20000);
	sacked(1, { 1001, 2001 });
	expect_text(10001, MSS);
	sacked(1, { 1001, 3001 });
	expect_text(11001, MSS);
	expect_nothing_sent(&s);
	EXPECT_EQ(10000, s.conn->cc.cwnd);
	/* What they let go is not counted as flight (RFC 5681, 3.2, 2). */
	sacked(1, { 1001, 4001 });
	expect_text(1, MSS);
	expect_nothing_sent(&s);
	EXPECT_EQ(5000, s.conn->cc.ssthresh);
}

/* ----------------------------------------------------- what is sent again */

TEST(just_the_holes_are_sent_again)
{
	in_flight(10000);
	sacked(1, { 5001, 10001 }, { 1001, 2001 }, { 3001, 4001 });
	expect_text(1, MSS);
	expect_text(2001, MSS);
	expect_text(4001, MSS);
	expect_nothing_sent(&s);
	/* Half of the flight, and no more for further reports. */
	EXPECT_EQ(5000, s.conn->cc.ssthresh);
	EXPECT_EQ(5000, s.conn->cc.cwnd);
}

TEST(holes_are_sent_again_as_they_are_cut)
{
	in_flight(10000);
	sacked(1, { 501, 2301 }, { 2401, 10001 });
	expect_text(1, 500);
	expect_text(2301, 100);
	expect_nothing_sent(&s);
}

TEST(hole_of_many_segments_may_be_one_large_segment)
{
	start(&s);
	s.peer_sack = true;
	s.text_max = 65535;
	established(&s);
	user_send(&s, 10000);
	ignore_sent(&s);
	sacked(1, { 3001, 10001 });
	/* All three are lost; nothing is in the network, and 5000 may be. */
	expect_text(1, 3000);
	expect_nothing_sent(&s);
}

TEST(new_text_follows_the_holes)
{
	in_flight(12000);
	sacked(1, { 1001, 2001 }, { 3001, 10001 });
	expect_text(1, MSS);
	expect_text(2001, MSS);
	expect_text(10001, MSS);
	expect_sent(&s, PSH | ACK, .seq = 11001, .ack = 1, .len = MSS);
	expect_nothing_sent(&s);
}

/* 5, (C): "If cwnd - pipe >= 1 SMSS the sender SHOULD transmit" */
TEST(what_is_in_the_network_limits_what_is_sent)
{
	in_flight(20000);
	sacked(1, { 1001, 4001 });
	expect_text(1, MSS);
	/* In the network: 7000; the window: 5000 */
	sacked(1, { 1001, 5001 });
	sacked(1, { 1001, 6001 });
	expect_nothing_sent(&s);
	sacked(1, { 1001, 7001 });
	expect_text(10001, MSS);
	expect_nothing_sent(&s);
	sacked(1, { 1001, 9001 });
	expect_text(11001, MSS);
	expect_text(12001, MSS);
	expect_nothing_sent(&s);
	EXPECT_EQ(5000, s.conn->cc.cwnd);
}

TEST(hole_that_shows_during_recovery_is_sent_again)
{
	in_flight(10000);
	sacked(1, { 1001, 4001 });
	expect_text(1, MSS);
	/* So far there is too little above it. */
	sacked(1, { 5001, 6001 }, { 1001, 4001 });
	expect_nothing_sent(&s);
	sacked(1, { 5001, 8001 }, { 1001, 4001 });
	expect_text(4001, MSS);
	expect_nothing_sent(&s);
}

TEST(what_was_sent_again_is_not_sent_a_third_time)
{
	in_flight(10000);
	sacked(1, { 1001, 2001 }, { 3001, 8001 });
	expect_text(1, MSS);
	expect_text(2001, MSS);
	sacked(1, { 3001, 9001 }, { 1001, 2001 });
	sacked(1, { 3001, 10001 }, { 1001, 2001 });
	expect_nothing_sent(&s);
	/* A partial ACK: the first hole is filled, the second on its way. */
	sacked(2001, { 3001, 10001 });
	expect_nothing_sent(&s);
	EXPECT_EQ(RECOVERY_SACK, s.conn->recovery);
	arrives(&s, ACK, .seq = 1, .ack = 10001);
	expect_nothing_sent(&s);
	EXPECT_EQ(RECOVERY_NONE, s.conn->recovery);
	expect_timer(&s, TIMER_NONE, 0);
}

TEST(partial_ack_before_a_hole_not_known_sends_it_at_once)
{
	in_flight(10000);
	sacked(1, { 1001, 4001 });
	expect_text(1, MSS);
	sacked(4001, { 5001, 6001 });
	expect_text(4001, MSS);
	expect_nothing_sent(&s);
}

TEST(partial_ack_beyond_all_reports_sends_the_next_segment_at_once)
{
	in_flight(10000);
	sacked(1, { 1001, 4001 });
	expect_text(1, MSS);
	arrives(&s, ACK, .seq = 1, .ack = 4001);
	expect_text(4001, MSS);
	expect_nothing_sent(&s);
	arrives(&s, ACK, .seq = 1, .ack = 10001);
	EXPECT_EQ(RECOVERY_NONE, s.conn->recovery);
}

TEST(recovery_ends_with_the_window_at_the_threshold)
{
	in_flight(20000);
	sacked(1, { 1001, 10001 });
	/* One hole and four new segments make 5000. */
	expect_text(1, MSS);
	ignore_sent(&s);
	arrives(&s, ACK, .seq = 1, .ack = 10001);
	EXPECT_EQ(RECOVERY_NONE, s.conn->recovery);
	EXPECT_EQ(5000, s.conn->cc.ssthresh);
	EXPECT_EQ(5000, s.conn->cc.cwnd);
	EXPECT_EQ(NULL, s.conn->sacked);
	ignore_sent(&s);
}

/*
 * RFC 6675, 5.1: not before HighACK has reached RecoveryPoint. Without reports
 * it has to be beyond it (RFC 6582, 3.2, 2).
 */
TEST(loss_right_behind_the_last_recovery_is_believed)
{
	in_flight(20000);
	sacked(1, { 1001, 10001 });
	ignore_sent(&s);
	arrives(&s, ACK, .seq = 1, .ack = 10001);
	EXPECT_EQ(RECOVERY_NONE, s.conn->recovery);
	ignore_sent(&s);
	sacked(10001, { 11001, 14001 });
	expect_text(10001, MSS);
	ignore_sent(&s);
	EXPECT_EQ(RECOVERY_SACK, s.conn->recovery);
}

TEST(round_trip_of_a_hole_is_not_measured)
{
	in_flight(10000);
	passes(&s, 150);
	sacked(1, { 1001, 9001 });
	ignore_sent(&s);
	passes(&s, 5);
	arrives(&s, ACK, .seq = 1, .ack = 10001);
	EXPECT_EQ(8 * RTT, s.conn->rtt.srtt8);
}

TEST(holes_are_found_across_the_wrap)
{
	start(&s);
	s.peer_sack = true;
	s.open.iss = 0u - 5000;
	established(&s);
	user_send(&s, 10000);
	ignore_sent(&s);
	sacked(1, { 5001, 10001 }, { 1001, 2001 }, { 3001, 4001 });
	expect_text(1, MSS);
	expect_text(2001, MSS);
	expect_text(4001, MSS);
	arrives(&s, ACK, .seq = 1, .ack = 10001);
	expect_nothing_sent(&s);
}

/* -------------------------------------------- timeouts, and peers that discard */

TEST(timeout_does_not_send_again_what_the_peer_holds)
{
	in_flight(6000);
	sacked(1, { 2001, 3001 }, { 4001, 5001 });
	expect_nothing_sent(&s);
	passes(&s, RTO);
	expect_text(1, MSS);
	expect_nothing_sent(&s);
	sacked(1001, { 2001, 3001 }, { 4001, 5001 });
	expect_text(1001, MSS);
	expect_text(3001, MSS);
	expect_nothing_sent(&s);
	sacked(3001, { 4001, 5001 });
	expect_sent(&s, PSH | ACK, .seq = 5001, .ack = 1, .len = MSS);
	arrives(&s, ACK, .seq = 1, .ack = 6001);
	expect_nothing_sent(&s);
}

/* RFC 2018, 8, would have it forgotten; as Linux, it is not: see recovery.c */
TEST(what_the_peer_reported_before_a_timeout_is_remembered)
{
	in_flight(4000);
	sacked(1, { 2001, 3001 });
	passes(&s, RTO);
	expect_text(1, MSS);
	expect_nothing_sent(&s);
	arrives(&s, ACK, .seq = 1, .ack = 1001);
	expect_text(1001, MSS);
	expect_sent(&s, PSH | ACK, .seq = 3001, .ack = 1, .len = MSS);
	expect_nothing_sent(&s);
}

TEST(news_after_a_timeout_are_heeded)
{
	in_flight(6000);
	passes(&s, RTO);
	expect_text(1, MSS);
	sacked(1001, { 2001, 6001 });
	expect_text(1001, MSS);
	expect_nothing_sent(&s);
	EXPECT_EQ(RECOVERY_TIMEOUT, s.conn->recovery);
}

TEST(timeout_during_recovery_starts_from_the_first_hole)
{
	in_flight(10000);
	sacked(1, { 1001, 2001 }, { 3001, 9001 });
	expect_text(1, MSS);
	expect_text(2001, MSS);
	passes(&s, RTO);
	expect_text(1, MSS);
	expect_nothing_sent(&s);
	EXPECT_EQ(RECOVERY_TIMEOUT, s.conn->recovery);
	sacked(2001, { 3001, 9001 });
	expect_text(2001, MSS);
	expect_sent(&s, PSH | ACK, .seq = 9001, .ack = 1, .len = MSS);
	expect_nothing_sent(&s);
}

/*
 * RFC 2018, 8: the receiver "is permitted to discard data". From now on the
 * peer takes only what comes in order, and reports nothing.
 */
static void peer_takes_only_what_is_in_order(u32 end)
{
	u32 una = s.tcb.snd_una - s.open.iss;
	int rounds;

	for (rounds = 0; rounds < 40 && una != end; rounds++) {
		unsigned int i;
		u32 ack = una;

		for (i = 0; i < s.sent_count; i++)
			if (s.sent[i].seq - s.open.iss == ack)
				ack += s.sent[i].text_len;
		ignore_sent(&s);
		if (ack == una)
			passes(&s, 4000);
		else
			arrives(&s, ACK, .seq = 1, .ack = ack);
		una = ack;
	}
	if (una != end)
		scenario_fail(&s, "%u never comes again", una);
}

TEST(peer_that_discards_what_it_held_gets_it_again)
{
	in_flight(10000);
	sacked(1, { 1001, 9001 });
	peer_takes_only_what_is_in_order(10001);

	/* Also if it does so after a timeout. */
	in_flight(10000);
	sacked(1, { 2001, 3001 }, { 5001, 6001 });
	passes(&s, RTO);
	peer_takes_only_what_is_in_order(10001);
}

/* ------------------------------------------------------------- blocks that lie */

TEST(ranges_of_what_is_not_in_flight_say_nothing)
{
	static const struct seq_range lies[] = {
		{ 10001, 11001 },	/* not sent yet */
		{ 9001, 10002 },
		{ 3002, 3001 + 0x80000000 },
		{ 12001, 11001 + 0x80000000 },
		{ 3001, 6001 },		/* SND.UNA is here: it is missing */
		{ 2001, 5001 },
		{ 1001, 3001 },		/* acknowledged (RFC 2883 sends these) */
		{ 1001, 2001 },
		{ 6001, 4001 },		/* the wrong way round */
		{ 5001, 5001 },
		{ (u32)-5000, (u32)-10 },
		{ (u32)-5000, 5001 },
		{ 0x80000001, 0x80001001 },
	};
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(lies); i++) {
		in_flight(10000);
		arrives(&s, ACK, .seq = 1, .ack = 3001);
		ignore_sent(&s);
		for (j = 0; j < 5; j++)
			sacked(3001, lies[i]);
		expect_nothing_sent(&s);
		EXPECT_EQ(0, s.conn->sacked->count);
		EXPECT_EQ(RECOVERY_NONE, s.conn->recovery);
	}
}

TEST(range_beside_a_lie_is_heeded)
{
	in_flight(10000);
	arrives(&s, ACK, .seq = 1, .ack = 3001);
	/* A duplicate, reported first as RFC 2883, 4, has it. */
	sacked(3001, { 1001, 2001 }, { 4001, 8001 });
	expect_text(3001, MSS);
	EXPECT_EQ(1, s.conn->sacked->count);
}

TEST(more_ranges_than_can_be_noted_are_as_good_as_lost)
{
	u32 i;

	start(&s);
	s.peer_sack = true;
	s.relaxed = true;
	established(&s);
	user_send(&s, 10000);
	for (i = 0; i < 2 * RANGES_MAX; i++)
		sacked(1, { 101 + 20 * i, 111 + 20 * i });
	EXPECT_EQ(RANGES_MAX, s.conn->sacked->count);
	arrives(&s, ACK, .seq = 1, .ack = 10001);
	EXPECT_EQ(NULL, s.conn->sacked);
	EXPECT_EQ(TIMER_NONE, s.tcb.timer);
}

/* An old ACK says nothing of SND.UNA, but its ranges are as true as ever. */
TEST(ranges_of_an_overtaken_ack_are_heeded)
{
	in_flight(10000);
	arrives(&s, ACK, .seq = 1, .ack = 2001);
	sacked(1001, { 3001, 9001 });
	expect_text(2001, MSS);
	expect_nothing_sent(&s);
}

/* ------------------------------------------------------------------------ FIN */

static void fin_in_flight(void)
{
	in_flight(3000);
	user_close(&s);
	expect_sent(&s, FIN | ACK, .seq = 3001, .ack = 1);
}

TEST(fin_that_the_peer_holds_is_not_sent_again)
{
	fin_in_flight();
	sacked(1, { 3001, 3002 });
	passes(&s, RTO);
	expect_text(1, MSS);
	sacked(1001, { 3001, 3002 });
	expect_text(1001, MSS);
	expect_sent(&s, PSH | ACK, .seq = 2001, .ack = 1, .len = MSS);
	expect_nothing_sent(&s);
	arrives(&s, ACK, .seq = 1, .ack = 3002);
	expect_state(&s, STATE_FIN_WAIT_2);
}

TEST(fin_that_the_peer_holds_with_text_is_not_sent_again)
{
	fin_in_flight();
	sacked(1, { 1001, 3002 });
	expect_text(1, MSS);
	expect_nothing_sent(&s);
	arrives(&s, ACK, .seq = 1, .ack = 3002);
	expect_state(&s, STATE_FIN_WAIT_2);
}

TEST(fin_that_is_lost_behind_what_the_peer_holds_is_sent_again)
{
	fin_in_flight();
	sacked(1, { 1001, 3001 });
	passes(&s, RTO);
	expect_text(1, MSS);
	expect_nothing_sent(&s);
	arrives(&s, ACK, .seq = 1, .ack = 3001);
	expect_sent(&s, FIN | ACK, .seq = 3001, .ack = 1);
	arrives(&s, ACK, .seq = 1, .ack = 3002);
	expect_state(&s, STATE_FIN_WAIT_2);
}

TEST_HARNESS_MAIN
