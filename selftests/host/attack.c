// SPDX-License-Identifier: GPL-2.0
/*
 * What a stranger can send who does not see the connection, or a peer that is
 * out of its mind (RFC 5961; RFC 9293, 3.10.7.4), and random walks.
 */

#include "kselftest_harness.h"

#include "libscenario.h"

static struct scenario s;

static const u8 synchronized[] = {
	STATE_ESTABLISHED, STATE_FIN_WAIT_1, STATE_FIN_WAIT_2, STATE_CLOSE_WAIT,
	STATE_CLOSING, STATE_LAST_ACK, STATE_TIME_WAIT,
};

/* SND.NXT and RCV.NXT as tests count them. */
static u32 nxt(void)
{
	return s.tcb.snd_nxt - s.open.iss;
}

static u32 rcv_nxt(void)
{
	return s.tcb.rcv_nxt - s.peer_iss;
}

static void reach_afresh(unsigned int state)
{
	start(&s);
	reach(&s, state);
	passes(&s, 10);
	ignore_sent(&s);
}

#define expect_challenge(s)	\
	expect_sent(s, ACK, .seq = nxt(), .ack = rcv_nxt())

/* ---------------------------------------------------------------------- RST */

TEST(rst_in_the_window_beside_rcv_nxt_is_challenged)
{
	static const u32 offsets[] = { 1, 1000, 49998 };
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(synchronized); i++)
		for (j = 0; j < ARRAY_SIZE(offsets); j++) {
			reach_afresh(synchronized[i]);
			arrives(&s, RST, .seq = rcv_nxt() + offsets[j]);
			expect_challenge(&s);
			expect_no_move(&s);
			expect_drop(&s, DROP_RST_CHALLENGED);
		}
}

TEST(rst_exactly_at_rcv_nxt_resets)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(synchronized); i++) {
		unsigned int state = synchronized[i];

		if (state == STATE_TIME_WAIT)
			continue;	/* see teardown.c */
		reach_afresh(state);
		arrives(&s, RST, .seq = rcv_nxt());
		expect_nothing_sent(&s);
		expect_moves(&s, STATE_CLOSED);
		if (state == STATE_CLOSING || state == STATE_LAST_ACK)
			expect_error(&s, ERROR_NONE);
		else
			expect_error(&s, ERROR_RESET);
	}
}

TEST(rst_outside_of_the_window_is_dropped_silently)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(synchronized); i++) {
		reach_afresh(synchronized[i]);
		arrives(&s, RST, .seq = rcv_nxt() - 1);
		expect_nothing_sent(&s);
		arrives(&s, RST, .seq = rcv_nxt() + s.tcb.rcv_wnd);
		expect_nothing_sent(&s);
		arrives(&s, RST | ACK, .seq = rcv_nxt() + 0x80000000,
			.ack = nxt());
		expect_nothing_sent(&s);
		expect_no_move(&s);
		expect_drop(&s, DROP_SEQUENCE);
	}
}

/* The ACK field of a RST says nothing once the connection is open. */
TEST(rst_with_any_ack_resets_if_its_number_is_exact)
{
	start(&s);
	established(&s);
	arrives(&s, RST | ACK, .seq = 1, .ack = 0x80000000);
	expect_moves(&s, STATE_CLOSED);
	expect_nothing_sent(&s);
}

/* ---------------------------------------------------------------------- SYN */

TEST(syn_on_an_open_connection_is_challenged_whatever_its_number)
{
	static const u32 offsets[] = { 0, 100, (u32)-1, 50000, 0x80000000 };
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(synchronized); i++)
		for (j = 0; j < ARRAY_SIZE(offsets); j++) {
			reach_afresh(synchronized[i]);
			/* See teardown.c for what may reopen a connection. */
			if (synchronized[i] != STATE_TIME_WAIT) {
				arrives(&s, SYN, .seq = rcv_nxt() + offsets[j]);
				expect_challenge(&s);
				expect_no_move(&s);
				passes(&s, 1000);
				ignore_sent(&s);
			}
			arrives(&s, SYN | ACK, .seq = rcv_nxt() + offsets[j],
				.ack = nxt());
			expect_challenge(&s);
			expect_no_move(&s);
		}
}

/* ---------------------------------------------------------------------- ACK */

TEST(ack_of_what_was_not_sent_is_answered_and_dropped)
{
	start(&s);
	established(&s);
	arrives(&s, ACK, .seq = 1, .ack = 2, .len = 100);
	expect_sent(&s, ACK, .seq = 1, .ack = 1);
	expect_drop(&s, DROP_ACK_FUTURE);
	expect_delivered(&s, 0);
}

/* RFC 5961, 5.2: SND.UNA - MAX.SND.WND =< SEG.ACK */
TEST(ack_older_than_any_window_explains_is_answered_and_dropped)
{
	start(&s);
	s.peer_window = 3000;
	established(&s);
	arrives(&s, ACK, .seq = 1, .ack = 1 - 3001, .len = 10);
	expect_sent(&s, ACK, .seq = 1, .ack = 1);
	expect_drop(&s, DROP_ACK_OLD);
	expect_delivered(&s, 0);
	arrives(&s, ACK, .seq = 1, .ack = 1 - 3000, .len = 10);
	expect_delivered(&s, 10);
	expect_drop(&s, DROP_NONE);
}

TEST(old_ack_does_not_move_snd_una_back)
{
	start(&s);
	established(&s);
	user_send(&s, 2000);
	ignore_sent(&s);
	arrives(&s, ACK, .seq = 1, .ack = 2001);
	arrives(&s, ACK, .seq = 1, .ack = 1001);
	EXPECT_EQ(s.open.iss + 2001, s.tcb.snd_una);
	expect_nothing_sent(&s);
}

TEST(segment_without_ack_is_dropped)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(synchronized); i++) {
		reach_afresh(synchronized[i]);
		arrives(&s, FIN | PSH | URG, .seq = rcv_nxt(), .len = 10);
		expect_no_move(&s);
		expect_drop(&s, DROP_NO_ACK);
		expect_nothing_sent(&s);
		expect_delivered(&s, 0);
	}
}

TEST(unacceptable_segments_are_answered_by_an_ack)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(synchronized); i++) {
		reach_afresh(synchronized[i]);
		arrives(&s, ACK, .seq = rcv_nxt() + 50001, .ack = nxt());
		expect_challenge(&s);
		expect_drop(&s, DROP_SEQUENCE);
		expect_no_move(&s);
	}
}

/* ---------------------------------------------------------- rate of answers */

/* Or two confused peers would answer each other's answers for ever. */
TEST(answers_to_segments_without_text_have_a_limited_rate)
{
	int i;

	start(&s);
	established(&s);
	arrives(&s, ACK, .seq = 60000, .ack = 1);
	expect_sent(&s, ACK, .seq = 1, .ack = 1);
	for (i = 0; i < 10; i++) {
		arrives(&s, ACK, .seq = 60000, .ack = 1);
		arrives(&s, SYN, .seq = 1);
		arrives(&s, RST, .seq = 5);
		arrives(&s, ACK, .seq = 1, .ack = 99);
		expect_nothing_sent(&s);
	}
	passes(&s, s.params.challenge_interval - 1);
	arrives(&s, RST, .seq = 5);
	expect_nothing_sent(&s);
	passes(&s, 1);
	arrives(&s, RST, .seq = 5);
	expect_sent(&s, ACK, .seq = 1, .ack = 1);
}

TEST(answers_to_text_have_no_limited_rate)
{
	int i;

	start(&s);
	established(&s);
	for (i = 0; i < 10; i++) {
		arrives(&s, ACK, .seq = 1 - 100, .ack = 1, .len = 100);
		expect_sent(&s, ACK, .seq = 1, .ack = 1);
	}
}

/* ----------------------------------------------------- anything, everywhere */

/* Did the last event send a RST? */
static bool sent_rst(void)
{
	unsigned int i;

	for (i = 0; i < s.sent_count; i++)
		if (s.sent[i].flags & SEG_RST)
			return true;
	return false;
}

/* What holds for every segment that arrives, whatever it is. */
static void check_answer(u8 flags, unsigned int before)
{
	if ((flags & RST) && sent_rst())
		scenario_fail(&s, "a RST is answered by a RST");
	if ((flags & SYN) && !s.params.challenge_syn)
		return;
	if (state_is_synchronized(before) && !(flags & (ACK | RST)) &&
	    s.actions.verdict != VERDICT_REOPEN && s.tcb.state != before)
		scenario_fail(&s, "a segment without ACK has changed the state");
}

/* invariants() in libscenario.c checks what comes of it. */
TEST(every_set_of_flags_in_every_state)
{
	static const u32 offsets[] = { 0, (u32)-1, 1, 49999, 60000 };
	unsigned int state, flags, i, j;

	for (state = 1; state < STATE_COUNT; state++)
		for (flags = 0; flags < 64; flags++)
			for (i = 0; i < ARRAY_SIZE(offsets); i++)
				for (j = 0; j < 4; j++) {
					u32 seq, ack;

					reach_afresh(state);
					s.relaxed = true;
					seq = rcv_nxt() + offsets[i];
					ack = j == 3 ? nxt() + 1 : nxt() - j;
					scenario_arrives(HERE(&s), &(struct seg){
						.flags = (u8)flags,
						.seq = seq,
						.ack = ack,
						.len = i & 1 ? 10 : 0,
					});
					check_answer((u8)flags, state);
					passes(&s, 1000);
				}
}

static u32 random_near(u64 *seed, u32 low, u32 high)
{
	switch (random_below(seed, 8)) {
	case 0:
		return low - 1;
	case 1:
		return low + 1;
	case 2:
		return high;
	case 3:
		return high - 1;
	case 4:
		return high + 1;
	case 5:
		return low + random_below(seed, high - low + 1);
	default:
		return low;
	}
}

/* Timestamps mostly as they should be, and any ranges of SACK. */
static void random_options(u64 *seed, struct segment *seg)
{
	u32 i;

	seg->has_ts = s.peer_ts ? !one_in(seed, 20) : one_in(seed, 20);
	if (seg->has_ts) {
		seg->tsval = PEER_TS_BASE + s.env.now;
		seg->tsecr = s.ts_heard;
		if (one_in(seed, 20))
			seg->tsval = random_u32(seed);
		if (one_in(seed, 20))
			seg->tsecr = random_u32(seed);
	}
	if ((seg->flags & SYN) || !one_in(seed, 2))
		return;
	seg->sack_count = (u8)random_below(seed, SEG_SACK_MAX + 1);
	for (i = 0; i < seg->sack_count; i++) {
		struct seq_range *range = &seg->sack[i];

		range->start = random_near(seed, s.tcb.snd_una, s.tcb.snd_nxt);
		range->end = one_in(seed, 2) ? s.tcb.snd_nxt :
			     range->start + random_below(seed, 3000);
	}
}

static void random_segment(u64 *seed)
{
	static const u8 likely[] = {
		ACK, ACK, ACK, ACK | PSH, FIN | ACK, SYN, SYN | ACK, RST,
		RST | ACK, FIN,
	};
	static const u32 lengths[] = { 0, 0, 1, 10, MSS, 3000 };
	static const u16 windows[] = { 0, 1, 500, 3000, 65535 };
	struct tcb *tcb = &s.tcb;
	unsigned int before = tcb->state;
	struct segment seg = {
		.flags = one_in(seed, 10) ? (u8)random_below(seed, 64) :
			 likely[random_below(seed, ARRAY_SIZE(likely))],
		.seq = random_near(seed, tcb->rcv_nxt,
				   tcb->rcv_nxt + tcb->rcv_wnd),
		.ack = random_near(seed, tcb->snd_una, tcb->snd_nxt),
		.text_len = lengths[random_below(seed, ARRAY_SIZE(lengths))],
		.window = windows[random_below(seed, ARRAY_SIZE(windows))],
	};

	if (one_in(seed, 50))
		seg.seq = random_u32(seed);
	if (one_in(seed, 50))
		seg.ack = random_u32(seed);
	/* Mostly not the one exact RST: it ends the walk. */
	if ((seg.flags & RST) && seg.seq == tcb->rcv_nxt && !one_in(seed, 10))
		seg.seq++;
	if (seg.flags & SYN) {
		if (one_in(seed, 2))
			seg.seq = s.peer_iss;
		seg.mss = (u16)random_below(seed, 2000);
		seg.has_wscale = one_in(seed, 2);
		if (seg.has_wscale)
			seg.wscale = (u8)random_below(seed, 15);
		seg.sack_ok = one_in(seed, 2);
	}
	random_options(seed, &seg);
	/* The numbers printed shall be relative to the SYN that counts. */
	if (tcb->state == STATE_LISTEN || tcb->state == STATE_SYN_SENT)
		s.peer_iss = seg.seq;
	scenario_segment_arrives(&s, &seg);
	check_answer(seg.flags, before);
}

static void random_event(u64 *seed)
{
	u32 what = random_below(seed, 1000);
	/* A request or a TIME-WAIT entry has no user. */
	bool user = s.conn || s.tcb.state == STATE_LISTEN;

	if (what < 600) {
		random_segment(seed);
	} else if (what < 720) {
		if (s.conn && tcb_may_send(&s.tcb) &&
		    s.tcb.snd_end - s.tcb.snd_una < 60000)
			user_send(&s, random_below(seed, 5000));
	} else if (what < 840) {
		if (s.delivered != s.taken)
			user_receive(&s, random_below(seed, s.delivered -
						      s.taken + 1));
	} else if (what < 970) {
		passes(&s, random_below(seed, one_in(seed, 10) ? 100000 : 500));
	} else if (!user) {
		return;
	} else if (what < 976) {
		user_close(&s);
	} else if (what < 978) {
		scenario_stop_receiving(HERE(&s));
	} else if (what < 979) {
		user_abort(&s);
	} else if (what < 985) {
		s.tcb.flags ^= TCB_NODELAY;
	} else if (what < 989) {
		s.tcb.flags ^= TCB_CORKED;
	} else if (what < 993) {
		s.env.no_room = !s.env.no_room;
	} else if (s.conn) {
		tcb_set_path_mss(&s.tcb, s.conn,
				 (u16)random_below(seed, 3000));
	}
}

static void random_start(u64 *seed)
{
	/* Where the last walk got to is of no interest; other states are. */
	static const u8 states[] = {
		STATE_LISTEN, STATE_SYN_SENT, STATE_SYN_RCVD, STATE_ESTABLISHED,
		STATE_ESTABLISHED, STATE_ESTABLISHED, STATE_FIN_WAIT_1,
		STATE_FIN_WAIT_2, STATE_CLOSE_WAIT, STATE_CLOSING,
		STATE_LAST_ACK, STATE_TIME_WAIT,
	};
	static const u32 buffers[] = { 100, 2000, 10000, 60000 };

	start(&s);
	s.open.iss = one_in(seed, 2) ? 0u - random_below(seed, 20000) :
				       random_u32(seed);
	s.peer_iss = one_in(seed, 2) ? 0u - random_below(seed, 20000) :
				       random_u32(seed);
	scenario_set_clock(&s, 0u - random_below(seed, 100000));
	s.env.rcv_buffer = buffers[random_below(seed, ARRAY_SIZE(buffers))];
	s.env.rcv_space = s.env.rcv_buffer;
	s.open.window = s.env.rcv_buffer;
	s.open.wscale = (u8)random_below(seed, 8);
	s.text_max = one_in(seed, 2) ? MSS : 65535;
	s.time_wait_entry = one_in(seed, 2);
	s.params.protect_time_wait = one_in(seed, 2);
	s.params.data_retries = 4;
	s.params.window_scaling = one_in(seed, 2);
	s.params.timestamps = one_in(seed, 2);
	s.params.sack = !one_in(seed, 4);
	s.params.challenge_rst = !one_in(seed, 4);
	s.params.challenge_syn = !one_in(seed, 4);
	s.params.challenge_ack = !one_in(seed, 4);
	s.env.challenges_left = random_below(seed, 50);
	s.conn_room.settings.keepalive = one_in(seed, 2);
	s.conn_room.settings.keep_idle = 1000 + random_below(seed, 100000);
	s.conn_room.settings.keep_interval = 1 + random_below(seed, 10000);
	if (one_in(seed, 4))
		s.conn_room.settings.user_timeout =
			1000 + random_below(seed, 100000);
	s.peer_ts = one_in(seed, 2);
	s.peer_sack = !one_in(seed, 4);
	s.env.iss = random_u32(seed);
	s.relaxed = true;
	reach(&s, states[random_below(seed, ARRAY_SIZE(states))]);
}

/*
 * Nothing to expect here but that the invariants hold. To see the story of a
 * failure from its beginning, start the one walk whose number it names.
 */
TEST(random_walks_break_no_rule)
{
	unsigned int walk, steps, event;

	for (walk = 1, steps = 0; walk <= 6000; walk++) {
		u64 seed = walk * 0x9e3779b97f4a7c15ull;

		random_start(&seed);
		scenario_note(&s, "walk %u", walk);
		for (event = 0; event < 120; event++, steps++) {
			random_event(&seed);
			if (s.tcb.state == STATE_CLOSED)
				break;
		}
	}
	EXPECT_LT(200000, steps);
}

TEST_HARNESS_MAIN
