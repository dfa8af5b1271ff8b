// SPDX-License-Identifier: GPL-2.0
/*
 * Numbers that wrap, or have run so far ahead of one that was kept that it
 * would seem to lie ahead of them.
 */

#include "kselftest_harness.h"

#include "libscenario.h"

static struct scenario s;

/* Established, with so many octets left until our numbers wrap. */
static void established_before_wrap(u32 octets)
{
	start(&s);
	s.open.iss = 0u - 1 - octets;
	established(&s);
}

static void duplicate_acks(u32 ack, unsigned int count)
{
	while (count--)
		arrives(&s, ACK, .seq = 1, .ack = ack);
}

TEST(window_update_is_newer_across_the_wrap)
{
	start(&s);
	s.peer_iss = (u32)-50;
	established(&s);
	arrives(&s, ACK, .seq = 1, .ack = 1, .len = 100);
	arrives(&s, ACK, .seq = 101, .ack = 1, .window = 20000);
	EXPECT_EQ(20000, s.tcb.snd_wnd);
	ignore_sent(&s);
}

TEST(nagle_knows_a_part_segment_across_the_wrap)
{
	established_before_wrap(50);
	user_send(&s, 100);
	expect_sent(&s, PSH | ACK, .seq = 1, .ack = 1, .len = 100);
	user_send(&s, 100);
	expect_nothing_sent(&s);
	arrives(&s, ACK, .seq = 1, .ack = 101);
	expect_sent(&s, PSH | ACK, .seq = 101, .ack = 1, .len = 100);
}

TEST(round_trip_is_measured_across_the_wrap)
{
	established_before_wrap(50);
	user_send(&s, 100);
	ignore_sent(&s);
	arrives(&s, ACK, .seq = 1, .ack = 11);
	EXPECT_TRUE(s.conn->timing);
	arrives(&s, ACK, .seq = 1, .ack = 101);
	EXPECT_FALSE(s.conn->timing);
}

TEST(recovery_lasts_across_the_wrap)
{
	established_before_wrap(5000);
	user_send(&s, 10000);
	ignore_sent(&s);
	duplicate_acks(1, 3);
	expect_sent(&s, ACK, .seq = 1, .ack = 1, .len = MSS);
	arrives(&s, ACK, .seq = 1, .ack = 4001);
	expect_sent(&s, ACK, .seq = 4001, .ack = 1, .len = MSS);
	arrives(&s, ACK, .seq = 1, .ack = 7001);
	expect_sent(&s, ACK, .seq = 7001, .ack = 1, .len = MSS);
	arrives(&s, ACK, .seq = 1, .ack = 10001);
	EXPECT_EQ(RECOVERY_NONE, s.conn->recovery);
}

/* --------------------------------------------- what was kept and left behind */

#define STEP (500u * MSS * MSS)
#define STEPS 5			/* more than 2^31 octets */

/* Send and acknowledge what no comparison can tell from the future. */
static u32 half_way_round(u32 first)
{
	unsigned int i;

	s.text_max = STEP;
	for (i = 0; i < STEPS; i++) {
		s.conn->cc.cwnd = STEP;
		user_send(&s, STEP);
		expect_sent(&s, PSH | ACK, .seq = first, .ack = 1,
			    .len = STEP);
		first += STEP;
		arrives(&s, ACK, .seq = 1, .ack = first);
	}
	s.text_max = MSS;
	return first;
}

static void established_with_large_window(void)
{
	start(&s);
	user_connect(&s);
	ignore_sent(&s);
	passes(&s, RTT);
	arrives(&s, SYN | ACK, .seq = 0, .ack = 1, .mss = MSS,
		.has_wscale = true, .wscale = SEG_WSCALE_MAX);
	ignore_sent(&s);
	s.peer_window = 65535;
	arrives(&s, ACK, .seq = 1, .ack = 1);
}

TEST(loss_is_seen_half_way_round_after_the_last)
{
	u32 first;

	established_with_large_window();
	first = half_way_round(1);
	user_send(&s, 5000);
	ignore_sent(&s);
	duplicate_acks(first, 3);
	expect_sent(&s, ACK, .seq = first, .ack = 1, .len = MSS);
	ignore_sent(&s);
}

TEST(part_segment_goes_half_way_round_after_the_last)
{
	u32 first;

	established_with_large_window();
	user_send(&s, 10);
	ignore_sent(&s);
	arrives(&s, ACK, .seq = 1, .ack = 11);
	first = half_way_round(11);
	user_send(&s, 10);
	expect_sent(&s, PSH | ACK, .seq = first, .ack = 1, .len = 10);
}

TEST_HARNESS_MAIN
