// SPDX-License-Identifier: GPL-2.0
/*
 * The Timestamps option (RFC 7323): which of the peer's timestamps is echoed,
 * PAWS, round trips by echoes, and TIME-WAIT (RFC 6191).
 *
 * The library's peer sends the time as its clock has it, unless a test says
 * otherwise; this clock wraps round after 256 ms.
 */

#include "kselftest_harness.h"

#include "libscenario.h"

static struct scenario s;

#define TEXT 988		/* octets that go into a segment */
#define DAY (24u * 3600 * 1000)	/* ms */

/* Open since RTT, which is what the peer's last timestamp says. */
static void established_with_timestamps(void)
{
	start(&s);
	s.peer_ts = true;
	established(&s);
}

static u32 now(void)
{
	return s.env.now;
}

#define expect_echo(s, time)	\
	expect_options(s, .has_ts = true, .tsval = now(), .tsecr = time)

/* ------------------------------------------------- what is echoed (4.3) */

/* (A): that of the earliest segment not yet acknowledged */
TEST(delayed_ack_echoes_the_first_segment_that_it_acknowledges)
{
	established_with_timestamps();
	passes(&s, 10);
	arrives(&s, ACK, .seq = 1, .ack = 1, .len = TEXT);
	passes(&s, 10);
	arrives(&s, ACK, .seq = 1 + TEXT, .ack = 1, .len = TEXT);
	expect_echo(&s, RTT + 10);
	expect_sent(&s, ACK, .seq = 1, .ack = 1 + 2 * TEXT);
	/* The next one belongs to the next ACK. */
	passes(&s, 10);
	arrives(&s, ACK, .seq = 1 + 2 * TEXT, .ack = 1, .len = TEXT);
	passes(&s, 40);
	expect_echo(&s, RTT + 30);
	expect_sent(&s, ACK, .seq = 1, .ack = 1 + 3 * TEXT);
}

/* (B): that of the last segment that advanced RCV.NXT */
TEST(ack_of_text_after_a_hole_echoes_the_last_before_it)
{
	established_with_timestamps();
	passes(&s, 10);
	arrives(&s, ACK, .seq = 1, .ack = 1, .len = TEXT);
	passes(&s, 40);
	expect_echo(&s, RTT + 10);
	expect_sent(&s, ACK, .seq = 1, .ack = 1 + TEXT);
	arrives(&s, ACK, .seq = 1 + 2 * TEXT, .ack = 1, .len = TEXT);
	expect_echo(&s, RTT + 10);
	expect_sent(&s, ACK, .seq = 1, .ack = 1 + TEXT);
}

/* (C): that of the segment that fills the hole */
TEST(ack_of_a_filled_hole_echoes_what_has_filled_it)
{
	established_with_timestamps();
	passes(&s, 10);
	arrives(&s, ACK, .seq = 1 + TEXT, .ack = 1, .len = TEXT);
	expect_echo(&s, RTT);
	ignore_sent(&s);
	passes(&s, 10);
	arrives(&s, ACK, .seq = 1, .ack = 1, .len = TEXT);
	expect_echo(&s, RTT + 20);
	expect_sent(&s, ACK, .seq = 1, .ack = 1 + 2 * TEXT);
}

TEST(text_of_ours_echoes_what_its_ack_is_for)
{
	established_with_timestamps();
	passes(&s, 10);
	arrives(&s, ACK, .seq = 1, .ack = 1, .len = TEXT);
	passes(&s, 5);
	user_send(&s, 10);
	expect_echo(&s, RTT + 10);
	expect_sent(&s, PSH | ACK, .seq = 1, .ack = 1 + TEXT, .len = 10);
}

TEST(echoes_go_on_when_both_clocks_wrap)
{
	int i;

	start(&s);
	s.peer_ts = true;
	/* The peer's wraps after 256 ms of the story, ours after 300. */
	scenario_set_clock(&s, 0u - TS_BASE - 300);
	s.open.iss = 77;
	user_connect(&s);
	ignore_sent(&s);
	arrives(&s, SYN | ACK, .seq = 0, .ack = 1, .has_ts = true,
		.tsval = 0, .tsecr = s.env.now);
	ignore_sent(&s);
	s.conn->quick_acks = 0;
	for (i = 0; i < 10; i++) {
		u32 peer_clock;

		passes(&s, 50);
		peer_clock = s.env.now + TS_BASE + 300;
		arrives(&s, ACK, .seq = 1 + 10 * (u32)i, .ack = 1, .len = 10,
			.has_ts = true, .tsval = peer_clock);
		expect_drop(&s, DROP_NONE);
		passes(&s, 40);
		expect_echo(&s, peer_clock);
		expect_sent(&s, ACK, .seq = 1, .ack = 11 + 10 * (u32)i);
	}
	EXPECT_LT(s.env.ts_now, 1000);
}

/* ------------------------------------------------------------- PAWS (5) */

/* 5.3, R1 */
TEST(text_from_the_past_is_dropped_and_answered)
{
	established_with_timestamps();
	arrives(&s, ACK, .seq = 1, .ack = 1, .len = 10, .has_ts = true,
		.tsval = RTT - 1);
	expect_drop(&s, DROP_PAWS);
	expect_delivered(&s, 0);
	expect_echo(&s, RTT);
	expect_sent(&s, ACK, .seq = 1, .ack = 1);
	/* Each time: such text comes again for want of an ACK. */
	arrives(&s, ACK, .seq = 1, .ack = 1, .len = 10, .has_ts = true,
		.tsval = RTT - 1);
	expect_sent(&s, ACK, .seq = 1, .ack = 1);
}

TEST(text_of_the_same_instant_is_taken)
{
	established_with_timestamps();
	arrives(&s, ACK, .seq = 1, .ack = 1, .len = 10, .has_ts = true,
		.tsval = RTT);
	expect_drop(&s, DROP_NONE);
	expect_delivered(&s, 10);
}

TEST(ack_from_the_past_acknowledges_nothing)
{
	established_with_timestamps();
	user_send(&s, 10);
	ignore_sent(&s);
	arrives(&s, ACK, .seq = 1, .ack = 11, .has_ts = true, .tsval = RTT - 1);
	expect_drop(&s, DROP_PAWS);
	EXPECT_EQ(s.open.iss + 1, s.tcb.snd_una);
	ignore_sent(&s);
}

TEST(empty_segments_from_the_past_are_answered_at_a_limited_rate)
{
	established_with_timestamps();
	arrives(&s, ACK, .seq = 1, .ack = 1, .has_ts = true, .tsval = 99);
	expect_sent(&s, ACK, .seq = 1, .ack = 1);
	arrives(&s, ACK, .seq = 1, .ack = 1, .has_ts = true, .tsval = 99);
	passes(&s, s.params.challenge_interval - 1);
	arrives(&s, ACK, .seq = 1, .ack = 1, .has_ts = true, .tsval = 99);
	expect_nothing_sent(&s);
	passes(&s, 1);
	arrives(&s, ACK, .seq = 1, .ack = 1, .has_ts = true, .tsval = 99);
	expect_sent(&s, ACK, .seq = 1, .ack = 1);
}

/* 5.3, R1: it holds for segments without RST. */
TEST(rst_from_the_past_resets)
{
	established_with_timestamps();
	arrives(&s, RST, .seq = 1, .has_ts = true, .tsval = 0);
	expect_moves(&s, STATE_CLOSED);
	expect_error(&s, ERROR_RESET);
}

/* As Linux; RFC 7323, 3.2, would have it dropped. */
TEST(segment_without_timestamps_is_taken)
{
	established_with_timestamps();
	s.peer_ts = false;
	arrives(&s, ACK, .seq = 1, .ack = 1, .len = 10);
	expect_drop(&s, DROP_NONE);
	expect_delivered(&s, 10);
	passes(&s, 40);
	expect_echo(&s, RTT);
	ignore_sent(&s);
}

TEST(timestamps_that_were_not_agreed_on_say_nothing)
{
	start(&s);
	established(&s);
	arrives(&s, ACK, .seq = 1, .ack = 1, .len = 10, .has_ts = true,
		.tsval = 5000);
	arrives(&s, ACK, .seq = 11, .ack = 1, .len = 10, .has_ts = true,
		.tsval = 0);
	expect_delivered(&s, 20);
	passes(&s, 40);
	expect_no_options(&s);
	expect_sent(&s, ACK, .seq = 1, .ack = 21);
}

/* 5.5: by then the peer's clock may have gone half way round. */
TEST(timestamp_of_24_days_ago_is_no_measure_any_more)
{
	established_with_timestamps();
	passes(&s, 24 * DAY);
	arrives(&s, ACK, .seq = 1, .ack = 1, .len = 10, .has_ts = true,
		.tsval = RTT - 1);
	expect_drop(&s, DROP_PAWS);
	ignore_sent(&s);
	passes(&s, 1);
	arrives(&s, ACK, .seq = 1, .ack = 1, .len = 10, .has_ts = true,
		.tsval = RTT - 1);
	expect_drop(&s, DROP_NONE);
	expect_delivered(&s, 10);
	/* From here on the new one counts. */
	passes(&s, 40);
	expect_echo(&s, RTT - 1);
	ignore_sent(&s);
	arrives(&s, ACK, .seq = 11, .ack = 1, .len = 10, .has_ts = true,
		.tsval = RTT - 2);
	expect_drop(&s, DROP_PAWS);
	ignore_sent(&s);
}

TEST(connection_survives_a_silence_in_which_the_peers_clock_wraps)
{
	established_with_timestamps();
	passes(&s, 40 * DAY);
	/* 40 days are more than 2^31 ms: it looks older than the last one. */
	arrives(&s, ACK, .seq = 1, .ack = 1, .len = 10);
	expect_drop(&s, DROP_NONE);
	expect_delivered(&s, 10);
}

/*
 * A stranger must not move the peer's clock ahead, or what is genuine would be
 * taken for old: only a segment that is believed moves it.
 */
static void expect_clock_unmoved(void)
{
	ignore_sent(&s);
	arrives(&s, ACK, .seq = 1, .ack = 1, .len = 10);
	if (s.actions.drop)
		scenario_fail(&s, "a forged segment has moved the peer's clock");
	expect_delivered(&s, 10);
}

TEST(forged_rst_in_the_window_does_not_move_the_clock)
{
	established_with_timestamps();
	arrives(&s, RST, .seq = 0x1000, .has_ts = true, .tsval = 1000000);
	expect_drop(&s, DROP_RST_CHALLENGED);
	expect_clock_unmoved();
}

TEST(forged_syn_does_not_move_the_clock)
{
	established_with_timestamps();
	arrives(&s, SYN, .seq = 1, .has_ts = true, .tsval = 1000000);
	expect_drop(&s, DROP_SYN_CHALLENGED);
	expect_clock_unmoved();
}

TEST(forged_ack_does_not_move_the_clock)
{
	established_with_timestamps();
	arrives(&s, ACK, .seq = 1, .ack = 2, .len = 10, .has_ts = true,
		.tsval = 1000000);
	expect_drop(&s, DROP_ACK_FUTURE);
	expect_clock_unmoved();

	established_with_timestamps();
	arrives(&s, ACK, .seq = 1, .ack = (u32)-60000, .len = 10, .has_ts = true,
		.tsval = 1000000);
	expect_drop(&s, DROP_ACK_OLD);
	expect_clock_unmoved();
}

TEST(segment_without_ack_does_not_move_the_clock)
{
	established_with_timestamps();
	arrives(&s, PSH, .seq = 1, .len = 10, .has_ts = true, .tsval = 1000000);
	expect_drop(&s, DROP_NO_ACK);
	expect_clock_unmoved();
}

TEST(segment_outside_of_the_window_does_not_move_the_clock)
{
	established_with_timestamps();
	arrives(&s, ACK, .seq = 60000, .ack = 1, .len = 10, .has_ts = true,
		.tsval = 1000000);
	expect_drop(&s, DROP_SEQUENCE);
	expect_clock_unmoved();
}

/* ----------------------------------------------------- round trips (4.1) */

/* Text that was sent again at RTO after it was sent first. */
static void text_sent_twice(void)
{
	established_with_timestamps();
	user_send(&s, 10);
	ignore_sent(&s);
	passes(&s, RTO);
	expect_sent(&s, PSH | ACK, .seq = 1, .ack = 1, .len = 10);
	passes(&s, 50);
}

/* SRTT after the handshake's RTT and this measurement (RFC 6298, 2.3), times 8 */
#define srtt8(measured) (7 * RTT + (measured))

TEST(echo_says_which_of_two_transmissions_was_acknowledged)
{
	text_sent_twice();
	arrives(&s, ACK, .seq = 1, .ack = 11, .has_ts = true,
		.tsval = s.env.now, .tsecr = RTT + RTO);
	EXPECT_EQ(srtt8(50), s.conn->rtt.srtt8);

	text_sent_twice();
	arrives(&s, ACK, .seq = 1, .ack = 11, .has_ts = true,
		.tsval = s.env.now, .tsecr = RTT);
	EXPECT_EQ(srtt8(RTO + 50), s.conn->rtt.srtt8);
}

TEST(echo_ends_the_backing_off)
{
	text_sent_twice();
	arrives(&s, ACK, .seq = 1, .ack = 11);
	user_send(&s, 10);
	ignore_sent(&s);
	/* SRTT 93.75 + 4 * RTTVAR: 3/4 * 50 + 1/4 * 50 */
	expect_timer(&s, TIMER_RETRANSMIT, 93 + 4 * 50);
}

TEST(echo_from_the_future_is_not_believed)
{
	text_sent_twice();
	arrives(&s, ACK, .seq = 1, .ack = 11, .has_ts = true,
		.tsval = s.env.now, .tsecr = s.env.now + 1);
	EXPECT_EQ(8 * RTT, s.conn->rtt.srtt8);
}

TEST(echo_from_the_far_past_is_not_believed)
{
	text_sent_twice();
	arrives(&s, ACK, .seq = 1, .ack = 11, .has_ts = true,
		.tsval = s.env.now, .tsecr = RTT - 1);
	EXPECT_EQ(8 * RTT, s.conn->rtt.srtt8);

	text_sent_twice();
	arrives(&s, ACK, .seq = 1, .ack = 11, .has_ts = true,
		.tsval = s.env.now, .tsecr = s.env.now - 30 * DAY);
	EXPECT_EQ(8 * RTT, s.conn->rtt.srtt8);
}

/*
 * What was lost, as it seemed, was not the text being timed. When it was first
 * sent is not known, so the time since it was sent again says nothing.
 */
TEST(echo_of_what_left_before_the_timing_began_measures_nothing)
{
	u32 srtt;

	established_with_timestamps();
	user_send(&s, 2 * TEXT);
	ignore_sent(&s);
	passes(&s, 50);
	arrives(&s, ACK, .seq = 1, .ack = 1 + TEXT, .has_ts = true,
		.tsval = now(), .tsecr = RTT);
	srtt = s.conn->rtt.srtt8;
	EXPECT_EQ(srtt8(50), srtt);
	passes(&s, s.tcb.deadline - now());
	expect_sent(&s, PSH | ACK, .seq = 1 + TEXT, .ack = 1, .len = TEXT);
	/* But the first had only been slow. */
	passes(&s, 5);
	arrives(&s, ACK, .seq = 1, .ack = 1 + 2 * TEXT, .has_ts = true,
		.tsval = now(), .tsecr = RTT);
	EXPECT_EQ(srtt, s.conn->rtt.srtt8);
}

/* Karn's rule is still needed for an ACK that echoes nothing. */
TEST(ack_without_timestamps_of_text_sent_twice_measures_nothing)
{
	text_sent_twice();
	s.peer_ts = false;
	arrives(&s, ACK, .seq = 1, .ack = 11);
	EXPECT_EQ(8 * RTT, s.conn->rtt.srtt8);
}

/* 4.1: an echo measures only if the ACK acknowledges something new. */
TEST(echo_in_a_duplicate_ack_measures_nothing)
{
	established_with_timestamps();
	user_send(&s, 10);
	ignore_sent(&s);
	passes(&s, 50);
	arrives(&s, ACK, .seq = 1, .ack = 1);
	EXPECT_EQ(8 * RTT, s.conn->rtt.srtt8);
}

TEST(round_trip_is_measured_although_our_clock_wraps_in_it)
{
	start(&s);
	s.peer_ts = true;
	scenario_set_clock(&s, 0u - TS_BASE - RTT - RTO - 10);
	established(&s);
	user_send(&s, 10);
	ignore_sent(&s);
	passes(&s, RTO);
	ignore_sent(&s);
	passes(&s, 50);
	EXPECT_EQ(40, s.env.ts_now);
	arrives(&s, ACK, .seq = 1, .ack = 11);
	EXPECT_EQ(srtt8(50), s.conn->rtt.srtt8);
}

TEST(handshake_is_measured_although_the_syn_was_sent_twice)
{
	start(&s);
	s.peer_ts = true;
	user_connect(&s);
	ignore_sent(&s);
	passes(&s, 1000);
	expect_sent(&s, SYN, .seq = 0);
	passes(&s, 70);
	arrives(&s, SYN | ACK, .seq = 0, .ack = 1);
	EXPECT_EQ(8 * 70, s.conn->rtt.srtt8);
	ignore_sent(&s);
}

TEST(handshake_is_measured_although_the_syn_ack_was_sent_twice)
{
	start(&s);
	s.peer_ts = true;
	user_listen(&s);
	arrives(&s, SYN, .seq = 0);
	ignore_sent(&s);
	passes(&s, 1000);
	expect_sent(&s, SYN | ACK, .seq = 0, .ack = 1);
	passes(&s, 70);
	arrives(&s, ACK, .seq = 1, .ack = 1);
	EXPECT_EQ(8 * 70, s.conn->rtt.srtt8);
}

/* ------------------------------------------------- room in a segment (3.2) */

TEST(timestamps_take_their_room_from_the_text)
{
	established_with_timestamps();
	user_send(&s, 2000);
	expect_sent(&s, ACK, .seq = 1, .ack = 1, .len = TEXT);
	expect_sent(&s, ACK, .seq = 1 + TEXT, .ack = 1, .len = TEXT);
	expect_sent(&s, PSH | ACK, .seq = 1 + 2 * TEXT, .ack = 1, .len = 24);

	start(&s);
	s.peer_ts = true;
	accepted(&s);
	user_send(&s, 2000);
	expect_sent(&s, ACK, .seq = 1, .ack = 1, .len = TEXT);
	ignore_sent(&s);
}

TEST(path_that_changes_leaves_room_for_timestamps)
{
	established_with_timestamps();
	tcb_set_path_mss(&s.tcb, s.conn, 500);
	EXPECT_EQ(500 - 12, s.tcb.snd_mss);
	tcb_set_path_mss(&s.tcb, s.conn, 1400);
	EXPECT_EQ(MSS - 12, s.tcb.snd_mss);
}

/* The room is taken once, also where the SYN was another TCB's. */
TEST(path_that_stays_as_it_is_changes_nothing_for_a_listeners_connection)
{
	start(&s);
	s.peer_ts = true;
	accepted(&s);
	tcb_set_path_mss(&s.tcb, s.conn, MSS);
	EXPECT_EQ(MSS - 12, s.tcb.snd_mss);
}

/* ---------------------------------------------------- TIME-WAIT (RFC 6191) */

/* Its peer's last timestamp says RTT. */
static void time_wait(bool small_entry)
{
	start(&s);
	s.peer_ts = true;
	s.time_wait_entry = small_entry;
	reach(&s, STATE_TIME_WAIT);
	passes(&s, 1000);
}

static void expect_reopened(void)
{
	expect_moves(&s, STATE_CLOSED);
	expect_nothing_sent(&s);
	if (s.actions.verdict != VERDICT_REOPEN)
		scenario_fail(&s, "the SYN is not for a listener");
}

static void expect_not_reopened(void)
{
	expect_no_move(&s);
	expect_sent(&s, ACK, .seq = 2, .ack = 2);
	if (s.actions.verdict != VERDICT_DONE)
		scenario_fail(&s, "the SYN is for a listener");
}

TEST(syn_with_a_newer_timestamp_reopens_whatever_its_number)
{
	int small_entry;

	for (small_entry = 0; small_entry < 2; small_entry++) {
		time_wait(small_entry);
		arrives(&s, SYN, .seq = (u32)-1000, .has_ts = true,
			.tsval = RTT + 1);
		expect_reopened();
		time_wait(small_entry);
		arrives(&s, SYN, .seq = 1000, .has_ts = true, .tsval = RTT + 1);
		expect_reopened();
	}
}

TEST(syn_with_the_same_timestamp_reopens_by_its_number)
{
	int small_entry;

	for (small_entry = 0; small_entry < 2; small_entry++) {
		time_wait(small_entry);
		arrives(&s, SYN, .seq = (u32)-1000, .has_ts = true,
			.tsval = RTT);
		expect_not_reopened();
		arrives(&s, SYN, .seq = 1000, .has_ts = true, .tsval = RTT);
		expect_reopened();
	}
}

TEST(syn_with_an_older_timestamp_does_not_reopen)
{
	int small_entry;

	for (small_entry = 0; small_entry < 2; small_entry++) {
		time_wait(small_entry);
		arrives(&s, SYN, .seq = 1000, .has_ts = true, .tsval = RTT - 1);
		expect_not_reopened();
	}
}

TEST(syn_without_timestamps_reopens_by_its_number)
{
	int small_entry;

	for (small_entry = 0; small_entry < 2; small_entry++) {
		time_wait(small_entry);
		s.peer_ts = false;
		arrives(&s, SYN, .seq = (u32)-1000);
		expect_not_reopened();
		arrives(&s, SYN, .seq = 1000);
		expect_reopened();
	}
}

/* The old connection had none: there is nothing to compare with. */
TEST(syn_with_timestamps_reopens_by_its_number_after_a_connection_without)
{
	start(&s);
	reach(&s, STATE_TIME_WAIT);
	passes(&s, 1000);
	arrives(&s, SYN, .seq = (u32)-1000, .has_ts = true, .tsval = 5);
	expect_not_reopened();
	arrives(&s, SYN, .seq = 1000, .has_ts = true, .tsval = 5);
	expect_reopened();
}

TEST(clock_that_wraps_in_time_wait_reopens)
{
	time_wait(false);
	/* 256 is 0 on the peer's clock. */
	arrives(&s, SYN, .seq = (u32)-1000, .has_ts = true, .tsval = 300);
	expect_reopened();
}

TEST_HARNESS_MAIN
